//! Questions about ancestors, answered by walking back from the tips, newest first.
//!
//! The walks paint: what is reached from one side is A, from the other B, from both stale. They end
//! when only stale commits wait, as `paint_down_to_common` in git's commit-reach.c does, because
//! every path from a tip to the first common commit leads through commits that are not common. Dates
//! only say what is looked at first; wrong clocks cost time, not the answer.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap, HashSet};

use git2::Oid;

use super::Gap;
use super::objects::{Deadline, Objects, name, oid};
use crate::hotfix::CommitId;

/// The most commits that one walk reads. The start of a hotfix is near its tip; a question that needs
/// more than these is answered with «unknown» rather than with minutes and half a gigabyte.
const MOST_COMMITS: usize = 400_000;
/// How many common commits are looked at after a set of commits seems complete, in case a clock was
/// wrong. git takes 5 (`SLOP` in revision.c).
const SLOP: usize = 100;
/// The most candidates that are compared with each other.
const MOST_CANDIDATES: usize = 256;
/// How many commits are read between two looks at the clock.
const CLOCK: usize = 4096;

const A: u8 = 1;
const B: u8 = 2;
const STALE: u8 = 4;
const QUEUED: u8 = 8;
const COLOURS: u8 = A | B | STALE;

/// A commit that waits: the newest first, of one age the first that came.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    date: i64,
    order: Reverse<usize>,
    id: Oid,
    parents: Vec<Oid>,
}

/// One walk.
struct Walk<'a> {
    objects: &'a Objects,
    /// Which colours keep the walk going.
    is_live: fn(u8) -> bool,
    live: usize,
    seen: HashMap<Oid, u8>,
    queue: BinaryHeap<Waiting>,
    absent: Vec<Oid>,
    read: usize,
    deadline: Deadline,
}

impl<'a> Walk<'a> {
    fn new(objects: &'a Objects, is_live: fn(u8) -> bool) -> Self {
        Self {
            objects,
            is_live,
            live: 0,
            seen: HashMap::new(),
            queue: BinaryHeap::new(),
            absent: Vec::new(),
            read: 0,
            deadline: Deadline::start(),
        }
    }

    /// Paints a commit; it waits for its turn if that is new.
    fn paint(&mut self, id: Oid, colours: u8) -> Result<(), Gap> {
        let before = match self.seen.entry(id) {
            Entry::Occupied(mut known) => {
                let before = *known.get();
                if before & colours == colours {
                    return Ok(());
                }
                *known.get_mut() |= colours | QUEUED;
                before
            }
            Entry::Vacant(place) => {
                place.insert(colours | QUEUED);
                0
            }
        };
        if before & QUEUED != 0 {
            self.live -= usize::from((self.is_live)(before));
            self.live += usize::from((self.is_live)(before | colours));
            return Ok(());
        }
        self.read += 1;
        if self.read > MOST_COMMITS {
            return Err(Gap::Limit(format!(
                "the question needs more than {MOST_COMMITS} commits of the history"
            )));
        }
        if self.read.is_multiple_of(CLOCK) {
            self.deadline.check()?;
        }
        match self.objects.node(id) {
            Ok(node) => {
                self.live += usize::from((self.is_live)(before | colours));
                self.queue.push(Waiting {
                    date: node.date,
                    order: Reverse(self.read),
                    id,
                    parents: node.parents,
                });
                Ok(())
            }
            Err(Gap::Missing(_)) => {
                self.seen.insert(id, before | colours);
                self.absent.push(id);
                Ok(())
            }
            Err(gap) => Err(gap),
        }
    }

    /// The next commit, and its colours.
    fn next(&mut self) -> Option<(Waiting, u8)> {
        let next = self.queue.pop()?;
        let colours = self.seen.entry(next.id).or_default();
        *colours &= !QUEUED;
        let colours = *colours & COLOURS;
        self.live -= usize::from((self.is_live)(colours));
        Some((next, colours))
    }

    fn colours(&self, id: Oid) -> u8 {
        self.seen.get(&id).map_or(0, |colours| colours & COLOURS)
    }

    /// An error if a commit that is not there might hide a part of the answer.
    fn complete(&self, matters: fn(u8) -> bool) -> Result<(), Gap> {
        let hidden = self.absent.iter().find(|id| matters(self.colours(**id)));
        hidden.map_or(Ok(()), |id| Err(Gap::Missing(name(*id))))
    }
}

const fn is_not_stale(colours: u8) -> bool {
    colours & STALE == 0
}

/// Reached from the tips and not yet known to be common.
const fn is_only_a(colours: u8) -> bool {
    colours & (A | B | STALE) == A
}

/// What is reached from both sides is common, and so is everything before it.
const fn passed_on(colours: u8) -> u8 {
    if colours & (A | B) == A | B {
        colours | STALE
    } else {
        colours
    }
}

impl Objects {
    /// Whether `old` is `new` or an ancestor of it.
    ///
    /// # Errors
    /// [`Gap::Missing`] if the history ends before that is known: never a false «no».
    pub fn is_ancestor(&self, old: &CommitId, new: &CommitId) -> Result<bool, Gap> {
        self.is_ancestor_of_any(oid(old)?, &[oid(new)?])
    }

    fn is_ancestor_of_any(&self, old: Oid, tips: &[Oid]) -> Result<bool, Gap> {
        if tips.contains(&old) {
            return self.node(old).map(|_| true);
        }
        let mut walk = Walk::new(self, is_only_a);
        // What is before `old` cannot lead to it; painting it ends the walk early.
        walk.paint(old, B)?;
        for tip in tips {
            walk.paint(*tip, A)?;
        }
        while walk.live > 0
            && let Some((next, colours)) = walk.next()
        {
            let colours = passed_on(colours);
            if colours & A != 0 && next.parents.contains(&old) {
                return Ok(true);
            }
            for parent in next.parents {
                walk.paint(parent, colours)?;
            }
        }
        walk.complete(is_only_a).map(|()| false)
    }

    /// The best common ancestors, as `git merge-base --all`: common ancestors that are not ancestors
    /// of other common ancestors. None if the histories have nothing in common.
    ///
    /// # Errors
    /// [`Gap::Missing`] if the history ends before that is known.
    pub fn merge_bases(&self, a: &CommitId, b: &CommitId) -> Result<Vec<CommitId>, Gap> {
        let mut walk = Walk::new(self, is_not_stale);
        walk.paint(oid(a)?, A)?;
        walk.paint(oid(b)?, B)?;
        let mut common = Vec::new();
        while walk.live > 0
            && let Some((next, colours)) = walk.next()
        {
            if colours == A | B && !common.contains(&next.id) {
                common.push(next.id);
            }
            for parent in next.parents {
                walk.paint(parent, passed_on(colours))?;
            }
        }
        walk.complete(is_not_stale)?;
        common.retain(|id| is_not_stale(walk.colours(*id)));
        drop(walk);
        self.without_ancestors(common)
    }

    /// Those that are not ancestors of others among them.
    fn without_ancestors(&self, mut ids: Vec<Oid>) -> Result<Vec<CommitId>, Gap> {
        if ids.len() > MOST_CANDIDATES {
            return Err(Gap::Limit(format!(
                "more than {MOST_CANDIDATES} lines of history meet here"
            )));
        }
        let mut at = 0;
        while at < ids.len() && ids.len() > 1 {
            let id = ids.remove(at);
            if !self.is_ancestor_of_any(id, &ids)? {
                ids.insert(at, id);
                at += 1;
            }
        }
        Ok(ids.into_iter().map(name).collect())
    }

    /// The commits that are reached from `include` and not from `exclude`, in the order of
    /// `git rev-list --topo-order`: no parent before its child, the newest first.
    ///
    /// A clock that is wrong by more than a hundred commits can leave a commit in the list that
    /// `exclude` reaches, as in git; never the other way round.
    ///
    /// # Errors
    /// [`Gap::Missing`] if the history ends before that is known, [`Gap::Limit`] for more than
    /// `limit` commits.
    pub fn only_in(
        &self,
        include: &[CommitId],
        exclude: &[CommitId],
        limit: usize,
    ) -> Result<Vec<CommitId>, Gap> {
        let too_many = || {
            Gap::Limit(format!(
                "there are more than {limit} commits of the branch alone"
            ))
        };
        let mut walk = Walk::new(self, is_not_stale);
        for id in exclude {
            walk.paint(oid(id)?, B)?;
        }
        for id in include {
            walk.paint(oid(id)?, A)?;
        }
        let mut found: Vec<(Oid, Vec<Oid>)> = Vec::new();
        let mut oldest = i64::MAX;
        let mut slop = SLOP;
        while let Some(newest) = walk.queue.peek() {
            if walk.live == 0 {
                if slop == 0 && newest.date < oldest {
                    break;
                }
                slop = slop.saturating_sub(1);
            }
            let Some((next, colours)) = walk.next() else {
                break;
            };
            for parent in &next.parents {
                walk.paint(*parent, passed_on(colours))?;
            }
            if colours == A {
                // Without anything to leave out the walk would go on to the root.
                if found.len() > limit.saturating_mul(2).saturating_add(SLOP) {
                    return Err(too_many());
                }
                oldest = oldest.min(next.date);
                found.push((next.id, next.parents));
            }
        }
        walk.complete(is_not_stale)?;
        found.retain(|(id, _)| walk.colours(*id) & B == 0);
        if found.len() > limit {
            return Err(too_many());
        }
        Ok(in_topological_order(&found).into_iter().map(name).collect())
    }

    /// The members of `of` that are nearest to `tip` on the way back: `tip` itself or ancestors of
    /// it, and no ancestors of each other.
    ///
    /// # Errors
    /// [`Gap::Missing`] if the history ends before that is known.
    pub fn nearest(&self, tip: &CommitId, of: &HashSet<CommitId>) -> Result<Vec<CommitId>, Gap> {
        // Nothing to look for: the walk would go on to the root, or to where a clone ends.
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let mut walk = Walk::new(self, is_not_stale);
        walk.paint(oid(tip)?, A)?;
        let mut found = Vec::new();
        while walk.live > 0
            && let Some((next, mut colours)) = walk.next()
        {
            if is_not_stale(colours) && of.contains(&name(next.id)) {
                found.push(next.id);
                colours |= STALE;
            }
            for parent in next.parents {
                walk.paint(parent, colours)?;
            }
        }
        walk.complete(is_not_stale)?;
        found.retain(|id| is_not_stale(walk.colours(*id)));
        drop(walk);
        self.without_ancestors(found)
    }
}

/// Sorts commits as git's `sort_in_topological_order` does: those without children first, in their
/// order, and behind each its line as far as it goes.
fn in_topological_order(commits: &[(Oid, Vec<Oid>)]) -> Vec<Oid> {
    let places: HashMap<Oid, usize> = commits
        .iter()
        .enumerate()
        .map(|(at, (id, _))| (*id, at))
        .collect();
    let mut children = vec![0_usize; commits.len()];
    for (_, parents) in commits {
        for parent in parents.iter().filter_map(|id| places.get(id)) {
            children[*parent] += 1;
        }
    }
    let mut ready: Vec<usize> = (0..commits.len())
        .rev()
        .filter(|at| children[*at] == 0)
        .collect();
    let mut sorted = Vec::with_capacity(commits.len());
    while let Some(at) = ready.pop() {
        let (id, parents) = &commits[at];
        sorted.push(*id);
        for parent in parents.iter().filter_map(|id| places.get(id)) {
            children[*parent] -= 1;
            if children[*parent] == 0 {
                ready.push(*parent);
            }
        }
    }
    sorted
}
