//! How the commits of a hotfix came into its branch (process.md A11, A18, A23): by which merged pull
//! requests, and which by none. Pure.

use super::{Forge, Pull};
use crate::facts::Source;
use crate::facts::history::{Change, How, Port};

/// How the commits of a hotfix came into its branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways<'a> {
    /// The pull requests that brought at least one of them.
    pub pulls: Vec<&'a Pull>,
    /// Those that came by none, the newest first.
    pub direct: Vec<&'a Change>,
    /// Those that may have come by a rebase of which git could not be asked, with the number of the pull
    /// request and why.
    pub unsure: Vec<(&'a Change, u64, &'a Source<Vec<Port>>)>,
}

/// How each commit of `range`, the newest first, came into the branch: as a commit of a pull request that
/// was merged as it is, as its merge, as what it was squashed to, or as a rebased copy.
pub fn ways<'a>(forge: &'a Forge, pulls: &'a [Pull], range: &'a [Change]) -> Ways<'a> {
    let mut covered = vec![false; range.len()];
    let mut brought = Vec::new();
    let mut unsure = Vec::new();
    for pull in pulls {
        let Some(merged) = &pull.merged else { continue };
        // A pull request whose merge is not in the range has brought nothing that is judged here.
        let Some(last) = range.iter().position(|change| change.id == *merged) else {
            continue;
        };
        let own = |change: &Change| {
            let mut commits = pull.commits.iter();
            commits.any(|commit| commit.id == change.id.as_str())
        };
        for (at, change) in range.iter().enumerate() {
            covered[at] = covered[at] || at == last || own(change);
        }
        brought.push(pull);
        let Some(rest) = may_be_rebased(pull, range) else {
            continue;
        };
        match forge
            .rebased
            .iter()
            .find(|(number, _)| *number == pull.number)
        {
            Some((_, Source::Known(ports))) => {
                let there = rest.iter().take_while(|change| {
                    let port = ports.iter().find(|port| port.id == change.id);
                    port.is_some_and(|port| is_content_of(&port.how))
                });
                for change in there {
                    if let Some(at) = range.iter().position(|one| one.id == change.id) {
                        covered[at] = true;
                    }
                }
            }
            Some((_, absent)) => {
                unsure.extend(rest.into_iter().map(|change| (change, pull.number, absent)));
            }
            None => {}
        }
    }
    let is_covered = |change: &Change| {
        let mut both = range.iter().zip(&covered);
        both.any(|(one, covered)| one.id == change.id && *covered)
    };
    unsure.retain(|(change, ..)| !is_covered(change));
    let maybe = |change: &Change| unsure.iter().any(|(one, ..)| one.id == change.id);
    let direct = range
        .iter()
        .filter(|change| !is_covered(change) && !maybe(change));
    let direct = direct.collect();
    Ways {
        pulls: brought,
        direct,
        unsure,
    }
}

/// The commits right below what merged a pull request that may be copies of its own: as many as it has,
/// up to the first merge. `None` if it was merged as it is, or by one commit at the most.
pub fn may_be_rebased<'a>(pull: &Pull, range: &'a [Change]) -> Option<Vec<&'a Change>> {
    let merged = pull.merged.as_ref()?;
    let last = range.iter().position(|change| change.id == *merged)?;
    let own = |change: &Change| {
        let mut commits = pull.commits.iter();
        commits.any(|commit| commit.id == change.id.as_str())
    };
    let top = range.get(last)?;
    if top.merge || own(top) {
        return None;
    }
    let plain = range.get(last + 1..)?.iter();
    let rest: Vec<&Change> = plain
        .take_while(|change| !change.merge && !own(change))
        .take(pull.commits.len().saturating_sub(1))
        .collect();
    (!rest.is_empty()).then_some(rest)
}

/// Whether all of a commit's change stands in the head of a pull request, by commits of that. A commit
/// that the head descends from was on the branch before, and says nothing.
const fn is_content_of(how: &How) -> bool {
    matches!(how, How::Patch(_) | How::Content | How::Squash(_))
}
