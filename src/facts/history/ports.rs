//! How one branch has what the commits of another change: by the commit itself, by patch id, as a
//! squash merge, or by content; and whether it was taken back.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{How, Port};
use crate::git::Gap;
use crate::git::objects::Objects;
use crate::git::patch::PatchId;
use crate::hotfix::CommitId;

/// The most commits of the other branch among which a patch is looked for.
const MOST: usize = 50_000;
/// The most commits that are looked for.
const MOST_OWN: usize = 2_000;

/// What is looked for, and where.
pub struct Search<'a> {
    /// The commits, newest first.
    pub commits: &'a [CommitId],
    /// Where they start, if that is one commit; with `tip` it is what a squash merge holds.
    pub base: Option<&'a CommitId>,
    /// The newest of them.
    pub tip: &'a CommitId,
    /// The commit in whose history and content they are looked for.
    pub onto: &'a CommitId,
}

/// What happened to a patch on the other branch, in the order of its history.
#[derive(Clone)]
enum Happened {
    Came(CommitId),
    CameWhole(CommitId),
    Left(CommitId),
}

/// What the other branch has done since the two parted.
struct Seen {
    came: HashMap<PatchId, Vec<usize>>,
    left: HashMap<PatchId, Vec<usize>>,
    /// Commits that a message says were taken back, and where that was said last.
    said: HashMap<CommitId, usize>,
    /// What merges that were taken back have brought, and where.
    undone: Vec<(HashSet<CommitId>, usize)>,
    ids: Vec<CommitId>,
}

/// Looks for every commit.
///
/// # Errors
/// If a part of either history is missing, or there is too much of it.
pub fn ports(objects: &Objects, search: &Search<'_>) -> Result<Vec<Port>, Gap> {
    if search.commits.len() > MOST_OWN {
        return Err(Gap::Limit(format!(
            "more than {MOST_OWN} commits would have to be looked for"
        )));
    }
    let absent: HashSet<CommitId> = objects
        .only_in(
            std::slice::from_ref(search.tip),
            std::slice::from_ref(search.onto),
            MOST,
        )?
        .into_iter()
        .collect();
    let mut own = Vec::new();
    let mut paths = BTreeSet::new();
    // What newer commits of ours take back, how often.
    let mut taken: HashMap<PatchId, usize> = HashMap::new();
    for id in search.commits {
        let commit = objects.commit(id)?;
        let patch = objects.patch_id(id)?.filter(|_| !commit.is_merge());
        if patch.is_some() {
            paths.extend(objects.paths(id)?);
        }
        let gone = patch
            .as_ref()
            .and_then(|patch| taken.get_mut(patch))
            .filter(|times| **times > 0);
        let is_gone = gone.map(|times| *times -= 1).is_some();
        if patch.is_some()
            && !is_gone
            && let Some(back) = objects.inverse_patch_id(id)?
        {
            *taken.entry(back).or_default() += 1;
        }
        own.push((id, commit, patch, is_gone));
    }
    let seen = look(objects, search, &paths)?;
    let whole = match search.base {
        Some(base) => objects.patch_id_of(base, search.tip)?,
        None => None,
    };
    let back = match search.base {
        Some(base) => objects.patch_id_of(search.tip, base)?,
        None => None,
    };
    let whole_is_there = match (search.base, search.commits.len()) {
        (Some(base), 2..) => objects.range_applies_nothing(base, search.tip, search.onto)?,
        _ => false,
    };
    own.into_iter()
        .map(|(id, commit, patch, is_gone)| {
            let how = match &patch {
                None => How::Nothing,
                Some(patch) => {
                    let here = !absent.contains(id);
                    let last = last(&seen, id, patch, whole.as_ref(), back.as_ref());
                    let content = || {
                        Ok::<_, Gap>(whole_is_there || objects.applies_nothing(id, search.onto)?)
                    };
                    match last {
                        Some(Happened::Left(by)) if !content()? => How::Reverted(by),
                        Some(Happened::Left(_)) => How::Content,
                        _ if here => How::Ancestor,
                        Some(Happened::Came(by)) => How::Patch(by),
                        Some(Happened::CameWhole(by)) => How::Squash(by),
                        None if content()? => How::Content,
                        None if is_gone => How::Nothing,
                        None => How::Missing,
                    }
                }
            };
            Ok(Port {
                id: id.clone(),
                subject: commit.subject().to_owned(),
                message: commit.message,
                how,
            })
        })
        .collect()
}

/// Walks over what the other branch has and ours has not.
fn look(objects: &Objects, search: &Search<'_>, paths: &BTreeSet<Vec<u8>>) -> Result<Seen, Gap> {
    let ids = objects.only_in(
        std::slice::from_ref(search.onto),
        std::slice::from_ref(search.tip),
        MOST,
    )?;
    let mut seen = Seen {
        came: HashMap::new(),
        left: HashMap::new(),
        said: HashMap::new(),
        undone: Vec::new(),
        ids: Vec::new(),
    };
    for (place, id) in ids.iter().enumerate() {
        let commit = objects.commit(id)?;
        // The newest come first.
        for back in taken_back(&commit.message) {
            seen.said.entry(back).or_insert(place);
        }
        // `--strategy=ours`, or a conflict solved by throwing the other side away: the merge has nothing
        // of what it names.
        if let (Some(first), true) = (commit.parents.first(), commit.is_merge())
            && objects.commit(first)?.tree == commit.tree
        {
            seen.said.entry(id.clone()).or_insert(place);
        }
        // A merge has no patch of its own; what it brings stands in its parents.
        if commit.is_merge() || !objects.touches(id, paths)? {
            continue;
        }
        if let Some(patch) = objects.patch_id(id)? {
            seen.came.entry(patch).or_default().push(place);
        }
        if let Some(patch) = objects.inverse_patch_id(id)? {
            seen.left.entry(patch).or_default().push(place);
        }
    }
    // Only a merge on one of the two sides can have brought anything; a message can name any number.
    for id in ids.iter().chain(search.commits) {
        if let Some(place) = seen.said.get(id)
            && let Some(brought) = brought(objects, id)?
        {
            seen.undone.push((brought, *place));
        }
    }
    seen.ids = ids;
    Ok(seen)
}

/// The last that happened to a patch; the newest commits have the lowest places.
fn last(
    seen: &Seen,
    id: &CommitId,
    patch: &PatchId,
    whole: Option<&PatchId>,
    back: Option<&PatchId>,
) -> Option<Happened> {
    let newest = |map: &HashMap<PatchId, Vec<usize>>, patch: &PatchId| {
        map.get(patch).and_then(|places| places.first().copied())
    };
    let came = newest(&seen.came, patch);
    let came_whole = whole.and_then(|whole| newest(&seen.came, whole));
    // The patch of a commit that takes ours back is, turned round, ours.
    let left = newest(&seen.left, patch);
    let left_whole = back.and_then(|back| newest(&seen.came, back));
    let carriers = seen
        .came
        .get(patch)
        .into_iter()
        .chain(whole.and_then(|whole| seen.came.get(whole)))
        .flatten()
        .filter_map(|place| seen.ids.get(*place));
    let carried = std::iter::once(id)
        .chain(carriers)
        .filter_map(|carrier| seen.said.get(carrier));
    let merged = seen
        .undone
        .iter()
        .filter(|(brought, _)| brought.contains(id))
        .map(|(_, place)| place);
    let said = carried.chain(merged).min().copied();
    let at = |place: usize| seen.ids.get(place).cloned();
    let left = [left, left_whole, said].into_iter().flatten().min();
    let came_at = [came, came_whole].into_iter().flatten().min();
    match (came_at, left) {
        (came, Some(left)) if came.is_none_or(|came| left < came) => at(left).map(Happened::Left),
        (Some(place), _) if came == Some(place) => at(place).map(Happened::Came),
        (Some(place), _) => at(place).map(Happened::CameWhole),
        (None, _) => None,
    }
}

/// What a merge has brought to its first parent; `None` of a commit that is no merge.
fn brought(objects: &Objects, merge: &CommitId) -> Result<Option<HashSet<CommitId>>, Gap> {
    let merge = objects.commit(merge)?;
    let (Some(first), true) = (merge.parents.first(), merge.is_merge()) else {
        return Ok(None);
    };
    let first = std::slice::from_ref(first);
    let commits = objects.only_in(std::slice::from_ref(&merge.id), first, MOST)?;
    Ok(Some(commits.into_iter().collect()))
}

/// The commits that a message says it takes back, in the words of `git revert`.
fn taken_back(message: &str) -> impl Iterator<Item = CommitId> + '_ {
    message
        .split("This reverts commit ")
        .skip(1)
        .filter_map(|rest| {
            let end = rest
                .find(|c: char| !c.is_ascii_hexdigit())
                .unwrap_or(rest.len());
            CommitId::parse(rest.get(..end)?)
        })
}
