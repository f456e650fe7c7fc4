//! What the merge of a pull request has brought, by its content (process.md A18, A23). A forge calls a
//! pull request merged on the word of whoever merges: somebody may have put something else into the merge,
//! or beneath it. So git makes the merge again and compares.

use std::collections::HashSet;

use crate::git::Gap;
use crate::git::merge::Compared;
use crate::git::objects::Objects;
use crate::git::patch::PatchId;
use crate::hotfix::CommitId;

/// A question about one pull request.
#[derive(Debug, Clone)]
pub struct Question {
    /// The commit that merged it; none if it is open.
    pub merged: Option<CommitId>,
    /// The commit that it stands at, or stood at when it was merged.
    pub head: CommitId,
    /// Its own commits, oldest first.
    pub own: Vec<CommitId>,
    /// Those of them that are merges.
    pub merges: Vec<CommitId>,
    /// The commits that are judged.
    pub range: HashSet<CommitId>,
}

/// What git says of one pull request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brought {
    /// The commits beside its own that hold nothing but its change: the merge, the squashed commit, or
    /// rebased copies.
    pub commits: Vec<CommitId>,
    /// Why the commit that merged it is not one of them.
    pub beside: Option<Beside>,
    /// Its own commits that are merges and nothing more: whoever made one has written nothing.
    pub pure: Vec<CommitId>,
}

/// What somebody has put into the commit that merged a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    /// Their own solution of a conflict, in this file.
    Resolved(String),
    /// A change that the pull request does not have, in this file.
    Changed(String),
}

/// Answers the question.
///
/// # Errors
/// If an object is not there, or there is too much to compare.
pub fn brought(objects: &Objects, question: &Question) -> Result<Brought, Gap> {
    let mut found = Brought::default();
    for id in &question.merges {
        if let [ours, theirs] = objects.commit(id)?.parents.as_slice()
            && compare(objects, ours, theirs, id)? == Compared::Same
        {
            found.pure.push(id.clone());
        }
    }
    let Some(merged) = &question.merged else {
        return Ok(found);
    };
    if question.own.contains(merged) {
        return Ok(found);
    }
    let commit = objects.commit(merged)?;
    match commit.parents.as_slice() {
        [first, second] => {
            let is_its = |id: &CommitId| *id == question.head || question.own.contains(id);
            // Somebody may have merged the other way round, by hand.
            let (into, from) = match is_its(first) && !is_its(second) {
                true => (second, first),
                false => (first, second),
            };
            let compared = compare(objects, into, &question.head, merged)?;
            if compared == Compared::Same {
                found.commits.push(merged.clone());
                // Rebased, and then merged: Gitea's «rebase then create merge commit».
                if !is_its(from) {
                    let copies = objects.only_in(
                        std::slice::from_ref(from),
                        std::slice::from_ref(into),
                        question.range.len(),
                    )?;
                    found.commits.extend(copies);
                }
            }
            found.beside = beside(compared);
        }
        [_] => plain(objects, question, merged, &mut found)?,
        _ => {
            return Err(Gap::Limit(format!(
                "{} has {} parents, and only merges of two are made again",
                merged.short(),
                commit.parents.len()
            )));
        }
    }
    Ok(found)
}

/// The squashed commit, or the last of the rebased ones: as many commits as together make of what was there
/// what a merge of the head would make of it. Several may; the most are right, because the content is the
/// same for all.
fn plain(
    objects: &Objects,
    question: &Question,
    merged: &CommitId,
    found: &mut Brought,
) -> Result<(), Gap> {
    let mut chain: Vec<(CommitId, CommitId)> = Vec::new();
    let mut at = merged.clone();
    while chain.len() < question.own.len().max(1) {
        let commit = objects.commit(&at)?;
        let [parent] = commit.parents.as_slice() else {
            break;
        };
        // What the head has grown out of was on the branch before.
        let before = question.own.contains(&at) || objects.is_ancestor(&at, &question.head)?;
        if before || !question.range.contains(&at) {
            break;
        }
        let parent = parent.clone();
        chain.push((at, parent.clone()));
        at = parent;
    }
    let mut last = None;
    for count in (1..=chain.len()).rev() {
        let compared = compare(objects, &chain[count - 1].1, &question.head, merged)?;
        if compared == Compared::Same {
            let copies = chain.into_iter().take(count);
            found.commits.extend(copies.map(|(id, _)| id));
            return Ok(());
        }
        last = Some(compared);
    }
    let count = same_patches(objects, question, &chain)?;
    if count == 0 {
        found.beside = last.and_then(beside);
    }
    let copies = chain.into_iter().take(count);
    found.commits.extend(copies.map(|(id, _)| id));
    Ok(())
}

/// How many of the commits, from the newest on, are the pull request by patch id, where the merge is in
/// conflict: git can apply commits one by one that it cannot merge as one. All of its patches have to be
/// there, in their order, or all as one.
fn same_patches(
    objects: &Objects,
    question: &Question,
    chain: &[(CommitId, CommitId)],
) -> Result<usize, Gap> {
    let Some((newest, parent)) = chain.first() else {
        return Ok(0);
    };
    if let [base] = objects.merge_bases(parent, &question.head)?.as_slice()
        && let Some(whole) = objects.patch_id_of(base, &question.head)?
        && objects.patch_id(newest)?.as_ref() == Some(&whole)
    {
        return Ok(1);
    }
    let mut own: Vec<PatchId> = Vec::new();
    for id in question.own.iter().rev() {
        own.extend(objects.patch_id(id)?);
    }
    let copies = chain.iter().take(own.len());
    let copies = copies.map(|(id, _)| objects.patch_id(id));
    let copies: Vec<PatchId> = copies
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect();
    Ok(if copies == own { own.len() } else { 0 })
}

/// Compares with the merge of two commits, from any of the commits that they have grown out of.
fn compare(
    objects: &Objects,
    ours: &CommitId,
    theirs: &CommitId,
    result: &CommitId,
) -> Result<Compared, Gap> {
    let mut first = None;
    for base in objects.merge_bases(ours, theirs)? {
        let compared = objects.compare_merge(&base, ours, theirs, result)?;
        if compared == Compared::Same {
            return Ok(compared);
        }
        first.get_or_insert(compared);
    }
    first.ok_or_else(|| {
        Gap::Limit(format!(
            "{} and {} have no commit in common",
            ours.short(),
            theirs.short()
        ))
    })
}

fn beside(compared: Compared) -> Option<Beside> {
    match compared {
        Compared::Same => None,
        Compared::Resolved(path) => Some(Beside::Resolved(path)),
        Compared::Differs(path) => Some(Beside::Changed(path)),
    }
}
