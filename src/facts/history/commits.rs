//! The commits of a hotfix, and which of them came from the default branch.

use std::collections::{HashMap, HashSet};

use super::{Change, Head};
use crate::git::Gap;
use crate::git::objects::Objects;
use crate::hotfix::CommitId;

/// The most commits that one hotfix may have. Real ones have up to three; the merge of a whole
/// default branch has thousands, and is still read.
const MOST: usize = 20_000;
/// The most commits of the default branch since the base that are looked at.
const MOST_OF_DEFAULT: usize = 200_000;
/// How many states of the default branch are compared with what a hotfix holds as one change, and
/// with how many commits of it.
const MOST_SQUASHED: usize = 100;
const MOST_OWN: usize = 100;
/// The longest text of one message that is kept.
const LONGEST_MESSAGE: usize = 64 * 1024;

/// Reads the commits of base..tip, newest first.
///
/// # Errors
/// If a part of the history is missing or there is too much of it.
pub fn range(
    objects: &Objects,
    base: &[CommitId],
    tip: &CommitId,
    default: Option<&Head>,
) -> Result<Vec<Change>, Gap> {
    let ids = objects.only_in(std::slice::from_ref(tip), base, MOST)?;
    let foreign = match default {
        Some(default) => foreign(objects, base, &ids, default)?,
        None => HashSet::new(),
    };
    ids.into_iter()
        .map(|id| {
            let commit = objects.commit(&id)?;
            let mut message = commit.message.clone();
            let mut end = LONGEST_MESSAGE.min(message.len());
            while !message.is_char_boundary(end) {
                end -= 1;
            }
            message.truncate(end);
            Ok(Change {
                subject: commit.subject().to_owned(),
                trailers: commit.trailers(),
                merge: commit.is_merge(),
                committed: commit.committed,
                from_default: foreign.contains(&id),
                author: commit.author,
                committer: commit.committer,
                message,
                id,
            })
        })
        .collect()
}

/// The commits of a range that were taken from the default branch: those that stand on it (its first
/// parents), and all that came with them. A hotfix that was merged into the default branch is
/// reachable from there too, but only as another parent of a merge that the range does not hold.
///
/// `git pull` on a default branch with commits of its own puts those first, and what was the default
/// branch until then second. Only the message of that merge tells it from the merge of a hotfix.
fn foreign(
    objects: &Objects,
    base: &[CommitId],
    range: &[CommitId],
    default: &Head,
) -> Result<HashSet<CommitId>, Gap> {
    let head = std::slice::from_ref(&default.commit);
    let since: HashSet<CommitId> = objects
        .only_in(head, base, MOST_OF_DEFAULT)?
        .into_iter()
        .collect();
    let inside: HashSet<&CommitId> = range.iter().collect();
    let (mut standing, mut seen) = (Vec::new(), HashSet::new());
    let mut line = Vec::new();
    let mut waiting = vec![default.commit.clone()];
    while let Some(id) = waiting.pop() {
        if !since.contains(&id) || !seen.insert(id.clone()) {
            continue;
        }
        let commit = objects.commit(&id)?;
        let itself = commit.is_merge() && merges(commit.subject(), &default.name);
        let followed = if itself { usize::MAX } else { 1 };
        waiting.extend(commit.parents.iter().take(followed).cloned());
        if inside.contains(&id) {
            standing.push(id);
        } else {
            line.push(id);
        }
    }
    let mut foreign = squashed(objects, base, range, &since, &line)?;
    if !standing.is_empty() {
        foreign.extend(objects.only_in(&standing, base, MOST)?);
    }
    Ok(foreign)
}

/// The commits of a range that hold, as one change, what several commits of the default branch have
/// changed since the base: `git merge --squash` leaves no other trace. One commit alone is a
/// cherry-pick, and bringing a single fix from the default branch is no mistake.
fn squashed(
    objects: &Objects,
    base: &[CommitId],
    range: &[CommitId],
    since: &HashSet<CommitId>,
    line: &[CommitId],
) -> Result<HashSet<CommitId>, Gap> {
    let [base] = base else {
        return Ok(HashSet::new());
    };
    let mut own = HashMap::new();
    for id in range.iter().take(MOST_OWN) {
        if let Some(patch) = objects.patch_id(id)? {
            own.insert(patch, id);
        }
    }
    let mut foreign = HashSet::new();
    for at in line.iter().take(MOST_SQUASHED) {
        let parents = objects.commit(at)?.parents;
        let several = parents.iter().any(|parent| since.contains(parent));
        if several
            && let Some(whole) = objects.patch_id_of(base, at)?
            && let Some(id) = own.get(&whole)
        {
            foreign.insert((*id).clone());
        }
    }
    Ok(foreign)
}

/// Whether the subject of a merge says, in git's own words, that it merges the branch of this name
/// from wherever: `Merge branch 'main' of …`, `Merge remote-tracking branch 'origin/main'`.
fn merges(subject: &str, branch: &str) -> bool {
    let of_branch = subject.strip_prefix("Merge branch '");
    let of_remote = || {
        let name = subject.strip_prefix("Merge remote-tracking branch '")?;
        name.split_once('/').map(|(_, rest)| rest)
    };
    let name = of_branch.or_else(of_remote);
    let rest = name.and_then(|name| name.strip_prefix(branch));
    rest.is_some_and(|rest| rest.starts_with('\''))
}
