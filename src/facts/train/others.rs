//! Which other branches go to the number that the judged commit goes to (B10).

use std::collections::HashSet;

use super::read::{Reader, read_of};
use super::{File, Other, Snapshot, Start};
use crate::facts::Source;
use crate::facts::history::Head;
use crate::git::Gap;
use crate::git::objects::Deadline;
use crate::hotfix::CommitId;
use crate::train::spec::Spec;

/// What the work of others is compared with.
pub(super) struct Mine<'a> {
    tip: &'a CommitId,
    /// The spec file where the hotfix starts.
    spec: Option<&'a Spec>,
    /// What the change log says, entry by entry.
    words: Option<HashSet<&'a str>>,
}

impl<'a> Mine<'a> {
    pub(super) fn of(start: &'a Start, tip: &'a Snapshot) -> Self {
        let log = tip.changelog.get().and_then(read_of);
        Self {
            tip: &tip.commit,
            spec: start.snapshot.spec.get().and_then(read_of),
            words: log.map(|log| log.entries().map(|(_, own)| own.words.as_str()).collect()),
        }
    }
}

impl Reader<'_> {
    /// Branches that have left the train and raise `Release` of its `Version`, each with a change of its
    /// own in the change log that the judged commit does not have: what was taken over by a squash
    /// merge is no other work.
    pub(super) fn others(&self, start: &Start, tip: &Snapshot) -> Source<Vec<Other>> {
        self.question.others.then(|heads| {
            let mut found = Vec::new();
            let (mine, deadline) = (Mine::of(start, tip), Deadline::start());
            for head in heads {
                if let Err(gap) = deadline.check() {
                    return Err(gap).into();
                }
                match self.other(head, &mine) {
                    Ok(other) => found.extend(other),
                    // One that is not there is nobody's answer for the rest.
                    Err(Gap::Missing(_)) => {}
                    Err(gap) => return Err(gap).into(),
                }
            }
            Source::Known(found)
        })
    }

    pub(super) fn other(&self, head: &Head, mine: &Mine<'_>) -> Result<Option<Other>, Gap> {
        if !self.objects.has(&head.commit) {
            return Ok(None);
        }
        let File::Read(spec) = self.spec(&head.commit)? else {
            return Ok(None);
        };
        let (Some(old), Some(words)) = (mine.spec, &mine.words) else {
            return Ok(None);
        };
        let (Ok(release), Ok(from)) = (spec.release(), old.release()) else {
            return Ok(None);
        };
        if spec.version != old.version
            || release.number <= from.number
            || self.objects.is_ancestor(&head.commit, mine.tip)?
        {
            return Ok(None);
        }
        let File::Read(log) = self.changelog(&head.commit)? else {
            return Ok(None);
        };
        let new = log
            .entries()
            .any(|(_, entry)| !words.contains(entry.words.as_str()));
        Ok(new.then(|| Other {
            branch: head.name.clone(),
            pull_request: None,
            release: release.number,
        }))
    }
}
