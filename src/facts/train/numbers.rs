//! Which numbers of a train were right, and what has none (B10).
//!
//! The commits are walked in their order from where the train begins. A number is right if it is the next
//! one after the last that was right; whatever else a commit writes there changes nothing of that. So a
//! number that was wrong can be corrected by a commit, and one that was right is never used again: its
//! package may have been built. Of a merge the parent with the highest number counts, whichever way
//! round it was made: `git pull` on the train makes somebody else's hotfix the second parent.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::read::{Reader, read_of};
use super::{File, Found, How, Right, Start};
use crate::facts::Source;
use crate::facts::history::History;
use crate::git::Gap;
use crate::git::objects::Deadline;
use crate::hotfix::CommitId;
use crate::train::difference::difference;
use crate::train::spec::Spec;

/// The most commits of one train that are looked at.
const MOST: usize = 1_000;
/// The most commits without a number that are named.
const MOST_UNNUMBERED: usize = 100;
/// The most numbers that are asked for a line in the change log.
const MOST_NUMBERS: usize = 20;

/// A number that was right.
struct Number {
    right: Right,
    /// The commit that what comes after it is compared with.
    from: CommitId,
    before: Option<Rc<Number>>,
}

impl Number {
    /// Whether it is the number of what is judged, and not only one that was there before.
    fn covers(&self, tip: &CommitId) -> bool {
        self.right.how == How::Next || self.right.commit == *tip
    }
}

/// The last number that was right, as far as there is one.
type Last = Option<Rc<Number>>;

/// The commits of a train, and those before it.
struct Range {
    stops: Vec<CommitId>,
    commits: Vec<CommitId>,
}

impl Reader<'_> {
    /// A pull request begins where it leaves the train, and is judged as if it were one commit.
    pub(super) fn of_pull_request(
        &self,
        history: &History,
        base: &CommitId,
        tip: &CommitId,
    ) -> Result<Start, Gap> {
        let bases = self.objects.merge_bases(base, tip)?;
        let [one] = bases.as_slice() else {
            return Err(Gap::Limit(match bases.len() {
                0 => "the pull request shares no history with the train".to_owned(),
                _ => "the pull request leaves the train at more than one commit".to_owned(),
            }));
        };
        // Where the train begins may not be known; then the number there is taken for right.
        let begins = history.base.get();
        let last = begins.map(|base| {
            let range = self.range(history, &base.commits, one);
            self.ask(range.and_then(|range| self.walk(&range, one)))
        });
        let last = match last {
            Some(Source::Known(last)) => last,
            _ => self.first(one)?,
        };
        let right = self.step(std::slice::from_ref(&last), &self.spec(tip)?, (tip, one));
        let numbered = right.as_ref().is_some_and(|right| {
            let right = &right.right;
            right.commit == *tip && matches!(right.how, How::Next | How::Begin)
        });
        let unnumbered = match !numbered && self.needs_number(bases.as_slice(), tip)? {
            true => vec![tip.clone()],
            false => Vec::new(),
        };
        Ok(Start {
            found: Found::PullRequest,
            snapshot: self.snapshot(one),
            commits: Source::NotConfigured("it is a pull request".to_owned()),
            settled: is_settled(right.as_deref(), &self.spec(tip)?, &unnumbered),
            right: right.map(|right| right.right.clone()),
            unnumbered,
            in_one: None,
            unlined: Vec::new(),
        })
    }

    /// What is pushed begins at the number before the last one, or where the train itself begins.
    pub(super) fn of_push(
        &self,
        history: &History,
        stops: &[CommitId],
        tip: &CommitId,
    ) -> Result<Start, Gap> {
        let range = self.range(history, stops, tip)?;
        let last = self.walk(&range, tip)?;
        let unnumbered = self.unnumbered(last.as_deref(), &range.stops, tip)?;
        let now = self.spec(tip)?;
        let settled = is_settled(last.as_deref(), &now, &unnumbered);
        let before = last.as_ref().and_then(|last| last.before.as_ref());
        // What came after the last number is the hotfix that is judged; else it is the one of that number.
        let (found, at) = match (&last, before) {
            (Some(last), Some(before)) if settled && last.covers(tip) => match before.right.how {
                How::Base => (Found::Base, &before.from),
                _ => (Found::Number, &before.from),
            },
            (Some(last), _) if last.from != *tip => match last.right.how {
                How::Base => (Found::Base, &last.from),
                _ => (Found::Number, &last.from),
            },
            _ => (Found::Base, range.stops.first().unwrap_or(tip)),
        };
        let raised = last.as_ref().filter(|last| last.right.how == How::Next);
        let in_one = match raised.filter(|_| settled) {
            Some(last) => Some(self.tells(&last.right.commit)?),
            None => None,
        };
        let snapshot = self.snapshot(at);
        let (from, to) = (
            std::slice::from_ref(&snapshot.commit),
            std::slice::from_ref(tip),
        );
        Ok(Start {
            commits: self.ask(self.objects.only_in(to, from, MOST)),
            unlined: self.unlined(last.as_ref().filter(|_| settled), tip)?,
            found,
            snapshot,
            right: last.map(|last| last.right.clone()),
            settled,
            unnumbered,
            in_one,
        })
    }

    /// The commits of a train, the newest first.
    fn range(&self, history: &History, stops: &[CommitId], tip: &CommitId) -> Result<Range, Gap> {
        let tips = std::slice::from_ref(tip);
        let (stops, commits) = match self.objects.only_in(tips, stops, MOST) {
            // The last release may be much older than the train, which is cut from the default branch.
            Err(Gap::Limit(why)) => {
                let limit = || Gap::Limit(why.clone());
                let default = history.default.get().ok_or_else(limit)?;
                let cut = self.objects.merge_bases(&default.commit, tip)?;
                if cut.contains(tip) {
                    return Err(limit());
                }
                let stops = [&cut, stops].concat();
                let commits = self.objects.only_in(tips, &stops, MOST)?;
                (stops, commits)
            }
            commits => (stops.to_vec(), commits?),
        };
        Ok(Range { stops, commits })
    }

    /// The last right number at a commit.
    fn walk(&self, range: &Range, tip: &CommitId) -> Result<Last, Gap> {
        let deadline = Deadline::start();
        let mut known: HashMap<CommitId, Last> = HashMap::new();
        // A change log that was made with the spec file is compared from there.
        let mut begin = range.stops.first();
        if let Some(stop) = begin
            && read_of(&self.changelog(stop)?).is_none()
        {
            begin = None;
        }
        for commit in range.commits.iter().rev() {
            deadline.check()?;
            let mut before = Vec::new();
            let parents = self.objects.commit(commit)?.parents;
            for parent in &parents {
                let last = match known.get(parent) {
                    Some(last) => last.clone(),
                    None => self.first(parent)?,
                };
                known.insert(parent.clone(), last.clone());
                before.push(last);
            }
            let from = begin.unwrap_or(commit);
            let last = self.step(&before, &self.spec(commit)?, (commit, from));
            known.insert(commit.clone(), last);
        }
        match known.remove(tip) {
            Some(last) => Ok(last),
            None => self.first(tip),
        }
    }

    /// The number with which the walk begins.
    fn first(&self, commit: &CommitId) -> Result<Last, Gap> {
        let spec = self.spec(commit)?;
        Ok(right(&spec, How::Base, commit).map(|right| {
            Rc::new(Number {
                right,
                from: commit.clone(),
                before: None,
            })
        }))
    }

    /// The last right number at a commit, from those of its parents. `from` is where the walk began.
    fn step(
        &self,
        before: &[Last],
        spec: &File<Spec>,
        (commit, from): (&CommitId, &CommitId),
    ) -> Last {
        let own = self.question.own_version();
        let rank = |last: &Last| {
            last.as_ref().map(|last| {
                let version = &last.right.version;
                (own.as_ref() == Some(version), last.right.release.number)
            })
        };
        let mut best: Last = None;
        for last in before {
            if rank(last) > rank(&best) {
                best.clone_from(last);
            }
        }
        let Some(now) = right(spec, How::Next, commit) else {
            return best;
        };
        let (how, from) = match &best {
            None => (How::WrittenOut, from),
            Some(last) if now.version != last.right.version => {
                match own.as_ref() == Some(&now.version) {
                    true => (How::Begin, commit),
                    false => return best,
                }
            }
            Some(last) if last.right.release.next() == now.release => (How::Next, commit),
            Some(_) => return best,
        };
        Some(Rc::new(Number {
            right: Right { how, ..now },
            from: from.clone(),
            before: best,
        }))
    }

    /// The commits that the last right number does not cover, and that need one; the newest first.
    fn unnumbered(
        &self,
        last: Option<&Number>,
        stops: &[CommitId],
        tip: &CommitId,
    ) -> Result<Vec<CommitId>, Gap> {
        let mut covered = stops.to_vec();
        // A number that was written out says nothing of what came before it.
        let last = last.filter(|last| last.right.how != How::WrittenOut);
        covered.extend(last.map(|last| last.right.commit.clone()));
        let deadline = Deadline::start();
        let mut found = Vec::new();
        let range = self
            .objects
            .only_in(std::slice::from_ref(tip), &covered, MOST)?;
        for commit in range {
            deadline.check()?;
            if found.len() >= MOST_UNNUMBERED {
                break;
            }
            let parents = self.objects.commit(&commit)?.parents;
            if self.needs_number(&parents, &commit)? {
                found.push(commit);
            }
        }
        Ok(found)
    }

    /// Whether a commit changes anything that goes into the package: not the change log, and of the spec
    /// file not the number alone. Of a merge only what none of its parents has.
    fn needs_number(&self, parents: &[CommitId], commit: &CommitId) -> Result<bool, Gap> {
        let train = &self.question.train;
        let mut common: Option<BTreeSet<Vec<u8>>> = None;
        for parent in parents {
            let mut paths = self.paths(parent, commit)?;
            paths.remove(train.changelog.as_bytes());
            if paths.contains(train.spec.as_bytes()) && self.same_body(parent, commit)? {
                paths.remove(train.spec.as_bytes());
            }
            common = Some(match common {
                Some(common) => common.intersection(&paths).cloned().collect(),
                None => paths,
            });
        }
        Ok(common.is_none_or(|common| !common.is_empty()))
    }

    fn paths(&self, from: &CommitId, to: &CommitId) -> Result<BTreeSet<Vec<u8>>, Gap> {
        let paths = self.objects.paths_between(from, to)?;
        Ok(paths.into_iter().collect())
    }

    /// Whether two commits have the same spec file beside `Version` and `Release`. One that was not there
    /// before cannot be compared; that its number is not known is said anyway.
    fn same_body(&self, from: &CommitId, to: &CommitId) -> Result<bool, Gap> {
        let (old, new) = (self.spec(from)?, self.spec(to)?);
        Ok(match (read_of(&old), read_of(&new)) {
            (Some(old), Some(new)) => old.body == new.body,
            _ => matches!(old, File::Missing),
        })
    }

    /// Whether a commit changes the change log beside its first parent.
    fn tells(&self, commit: &CommitId) -> Result<bool, Gap> {
        let parents = self.objects.commit(commit)?.parents;
        let Some(parent) = parents.first() else {
            return Ok(true);
        };
        let log = self.question.train.changelog.as_bytes();
        Ok(self.paths(parent, commit)?.contains(log))
    }

    /// The numbers before the last one that have no line in the change log. A line that came with a
    /// later number, beside that one's own, counts for them.
    fn unlined(&self, last: Option<&Rc<Number>>, tip: &CommitId) -> Result<Vec<u32>, Gap> {
        let mut newest = last.filter(|last| last.right.how == How::Next);
        let mut to = tip;
        let mut numbers = Vec::new();
        while let Some(number) = newest
            && let Some(before) = &number.before
            && numbers.len() < MOST_NUMBERS
        {
            numbers.push((number.right.release.number, &before.from, to));
            to = &before.from;
            newest = Some(before).filter(|before| before.right.how == How::Next);
        }
        if numbers.len() < 2 {
            return Ok(Vec::new());
        }
        let deadline = Deadline::start();
        let mut unlined = Vec::new();
        for (number, from, to) in numbers.iter().rev() {
            deadline.check()?;
            let (File::Read(old), File::Read(new)) = (self.changelog(from)?, self.changelog(to)?)
            else {
                continue;
            };
            match difference(&old, &new, &self.question.branch).added.len() {
                0 => unlined.push(*number),
                // One is its own.
                count => {
                    let left = unlined.len().saturating_sub(count - 1);
                    unlined.truncate(left);
                }
            }
        }
        // The newest one is judged by itself.
        let newest = numbers.first().map(|(number, ..)| *number);
        unlined.retain(|number| Some(*number) != newest);
        Ok(unlined)
    }
}

fn right(spec: &File<Spec>, how: How, commit: &CommitId) -> Option<Right> {
    let spec = read_of(spec)?;
    Some(Right {
        version: spec.version().ok()?.to_owned(),
        release: spec.release().ok()?,
        commit: commit.clone(),
        how,
    })
}

/// Whether the number of a commit is the last right one, and covers all.
fn is_settled(last: Option<&Number>, spec: &File<Spec>, unnumbered: &[CommitId]) -> bool {
    let (Some(last), Some(spec)) = (last, read_of(spec)) else {
        return false;
    };
    let same = spec.version() == Ok(last.right.version.as_str())
        && spec.release().as_ref() == Ok(&last.right.release);
    same && unnumbered.is_empty()
}
