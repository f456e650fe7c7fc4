//! Cherry-picks and reverts in memory: would this change alter that tree, and would it fit?
//!
//! The merge of trees is our own, because libgit2's asks the user's configuration and attribute
//! files (`merge.default`, `merge=…`) for the way to merge; only texts are merged by libgit2.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use git2::{MergeFileInput, MergeFileOptions, Oid};

use super::Gap;
use super::objects::{Deadline, Objects, oid};
use super::patch::Text;
use super::trees::{Difference, Item, Kind, Mode};
use crate::hotfix::CommitId;

/// The most files of a change that is tried.
const MOST_FILES: usize = 20_000;

/// The most moved files of a merge that are followed.
const MOST_MOVES: usize = 100;

/// What becomes of a file in a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Ours stays as it is.
    Unchanged,
    /// Ours changes.
    Changed,
    /// Both sides changed the same lines, or one of them the kind of the file.
    Conflict,
}

/// What a merge makes of one path.
enum Merged {
    /// What is on one of the sides, or nothing.
    Item(Option<Item>),
    /// A file with the changes of both.
    Text(Mode, Vec<u8>),
    /// People have to say.
    Conflict,
}

/// How what was committed as a merge compares with the merge of its two sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// It is that merge.
    Same,
    /// At this path the two sides are in conflict, and somebody has decided.
    Resolved(String),
    /// At this path it has what the merge does not make.
    Differs(String),
}

/// A path in a merge: what was there, on both sides, and what was made of it.
struct Sides<'a> {
    path: &'a [u8],
    old: Option<Item>,
    ours: Option<Item>,
    theirs: Option<Item>,
    made: Option<Item>,
}

impl Objects {
    /// Compares the content of `result` with the merge of `ours` and `theirs`, both of which have
    /// grown out of `base`. A file that one side has moved and the other has changed is followed.
    ///
    /// # Errors
    /// As [`Objects::applies_nothing`].
    pub fn compare_merge(
        &self,
        base: &CommitId,
        ours: &CommitId,
        theirs: &CommitId,
        result: &CommitId,
    ) -> Result<Compared, Gap> {
        let deadline = Deadline::start();
        let [base, ours, theirs] = self.trees([base, ours, theirs])?;
        let result = self.tree_of(oid(result)?)?;
        let changed = |to| -> Result<BTreeMap<Vec<u8>, Difference>, Gap> {
            let changes = self
                .differences(Some(base), Some(to), deadline)?
                .into_iter();
            Ok(changes.map(|one| (one.path.clone(), one)).collect())
        };
        let (ours, theirs, made) = (changed(ours)?, changed(theirs)?, changed(result)?);
        let paths = ours.keys().chain(theirs.keys()).chain(made.keys());
        let paths: BTreeSet<&Vec<u8>> = paths.collect();
        if paths.len() > MOST_FILES {
            return Err(Gap::Limit(format!(
                "the merge touches more than {MOST_FILES} files, too many to try it again"
            )));
        }
        let (mut conflicts, mut others) = (Vec::new(), Vec::new());
        for path in paths {
            deadline.check()?;
            let sides = [ours.get(path), theirs.get(path), made.get(path)];
            let old = sides.iter().flatten().next().and_then(|one| one.old);
            let [ours, theirs, made] = sides.map(|side| side.map_or(old, |one| one.new));
            let one = Sides {
                path,
                old,
                ours,
                theirs,
                made,
            };
            let merged = self.merge_path(old, ours, theirs)?;
            if matches!(merged, Merged::Conflict) {
                conflicts.push(one);
            } else if !self.is_merged(&merged, made)? {
                others.push(one);
            }
        }
        self.follow(&mut conflicts, &mut others)?;
        let path = |one: &Sides<'_>| String::from_utf8_lossy(one.path).into_owned();
        Ok(match (others.first(), conflicts.first()) {
            (Some(one), _) => Compared::Differs(path(one)),
            (None, Some(one)) => Compared::Resolved(path(one)),
            (None, None) => Compared::Same,
        })
    }

    /// Takes out the files that one side has moved and the other has changed, where the result has the
    /// change under the new path.
    fn follow(
        &self,
        conflicts: &mut Vec<Sides<'_>>,
        others: &mut Vec<Sides<'_>>,
    ) -> Result<(), Gap> {
        let mut at = 0;
        while let Some(gone) = conflicts.get(at) {
            let moved = match (gone.old, gone.ours, gone.theirs, gone.made) {
                (Some(old), None, Some(changed), None) => Some((old, changed, true)),
                (Some(old), Some(changed), None, None) => Some((old, changed, false)),
                _ => None,
            };
            let mut to = None;
            if let Some((old, changed, by_us)) = moved {
                for (place, one) in others.iter().take(MOST_MOVES).enumerate() {
                    let new = match (one.old, one.ours, one.theirs) {
                        (None, Some(new), None) if by_us => new,
                        (None, None, Some(new)) if !by_us => new,
                        _ => continue,
                    };
                    if self.is_merged(&self.merge_file(old, new, changed)?, one.made)? {
                        to = Some(place);
                        break;
                    }
                }
            }
            match to {
                Some(place) => {
                    others.remove(place);
                    conflicts.remove(at);
                }
                None => at += 1,
            }
            if at >= MOST_MOVES {
                break;
            }
        }
        Ok(())
    }

    /// Whether a cherry-pick of `commit` onto `onto` would be clean and change nothing: what it
    /// changes is there already. Of a merge, what it brought to its first parent. A commit that
    /// changes nothing is there already.
    ///
    /// A file that was renamed in `onto` is not followed, so the answer may be «no» for a change
    /// that is there under another path.
    ///
    /// # Errors
    /// If an object is not there or cannot be read, or for more than 20,000 files.
    pub fn applies_nothing(&self, commit: &CommitId, onto: &CommitId) -> Result<bool, Gap> {
        let id = oid(commit)?;
        let parents = self.node(id)?.parents;
        let base = parents
            .first()
            .map(|parent| self.tree_of(*parent))
            .transpose()?;
        let onto = self.tree_of(oid(onto)?)?;
        let theirs = self.tree_of(id)?;
        self.every_file(base, onto, Some(theirs), |outcome| {
            outcome == Outcome::Unchanged
        })
    }

    /// Whether the whole range, as one change, would be clean on `onto` and change nothing.
    ///
    /// # Errors
    /// As [`Objects::applies_nothing`].
    pub fn range_applies_nothing(
        &self,
        from: &CommitId,
        to: &CommitId,
        onto: &CommitId,
    ) -> Result<bool, Gap> {
        let [from, to, onto] = self.trees([from, to, onto])?;
        self.every_file(Some(from), onto, Some(to), |outcome| {
            outcome == Outcome::Unchanged
        })
    }

    /// Whether undoing the whole range on `onto` would be without conflicts.
    ///
    /// # Errors
    /// As [`Objects::applies_nothing`].
    pub fn reverts_cleanly(
        &self,
        from: &CommitId,
        to: &CommitId,
        onto: &CommitId,
    ) -> Result<bool, Gap> {
        let [from, to, onto] = self.trees([from, to, onto])?;
        self.every_file(Some(to), onto, Some(from), |outcome| {
            outcome != Outcome::Conflict
        })
    }

    fn trees(&self, commits: [&CommitId; 3]) -> Result<[Oid; 3], Gap> {
        let [a, b, c] = commits.map(|id| oid(id).and_then(|id| self.tree_of(id)));
        Ok([a?, b?, c?])
    }

    /// Merges what is different in `theirs` from `base` into `ours`, and asks of each file.
    fn every_file(
        &self,
        base: Option<Oid>,
        ours: Oid,
        theirs: Option<Oid>,
        holds: fn(Outcome) -> bool,
    ) -> Result<bool, Gap> {
        let deadline = Deadline::start();
        let change = self.differences(base, theirs, deadline)?;
        if change.len() > MOST_FILES {
            return Err(Gap::Limit(format!(
                "the change touches more than {MOST_FILES} files, too many to try it elsewhere"
            )));
        }
        let mut directories = HashMap::new();
        for difference in change {
            deadline.check()?;
            let outcome = self.merge_one(&difference, ours, &mut directories)?;
            if !holds(outcome) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn merge_one(
        &self,
        change: &Difference,
        ours: Oid,
        directories: &mut HashMap<Vec<u8>, Option<Oid>>,
    ) -> Result<Outcome, Gap> {
        let ours = match self.place(ours, &change.path, directories)? {
            Place::Nothing => None,
            Place::Item(item) => Some(item),
            // A directory where the change has a file, or a file where it has a directory.
            Place::Other => {
                return Ok(match (change.old, change.new) {
                    // The change only takes away what is not here.
                    (Some(_), None) => Outcome::Unchanged,
                    _ => Outcome::Conflict,
                });
            }
        };
        Ok(match self.merge_path(change.old, ours, change.new)? {
            Merged::Conflict => Outcome::Conflict,
            merged if self.is_merged(&merged, ours)? => Outcome::Unchanged,
            _ => Outcome::Changed,
        })
    }

    /// What a merge makes of a path: a change from `old` to `new`, where `ours` is there.
    fn merge_path(
        &self,
        old: Option<Item>,
        ours: Option<Item>,
        new: Option<Item>,
    ) -> Result<Merged, Gap> {
        match (old, ours, new) {
            _ if ours == new => Ok(Merged::Item(ours)),
            _ if ours == old => Ok(Merged::Item(new)),
            _ if new == old => Ok(Merged::Item(ours)),
            (Some(base), Some(ours), Some(theirs)) => self.merge_file(base, ours, theirs),
            _ => Ok(Merged::Conflict),
        }
    }

    fn merge_file(&self, base: Item, ours: Item, theirs: Item) -> Result<Merged, Gap> {
        if [base, ours, theirs]
            .iter()
            .any(|item| item.mode.kind() != Kind::File)
        {
            return Ok(Merged::Conflict);
        }
        let mode = if theirs.mode == base.mode || theirs.mode == ours.mode {
            ours.mode
        } else if ours.mode == base.mode {
            theirs.mode
        } else {
            return Ok(Merged::Conflict);
        };
        let whole = |id| Ok(Merged::Item(Some(Item { mode, id })));
        if theirs.id == base.id || theirs.id == ours.id {
            return whole(ours.id);
        }
        if ours.id == base.id {
            return whole(theirs.id);
        }
        let texts = [base, ours, theirs].map(|item| self.text(Some(item)));
        let [Text::Lines(base), Text::Lines(ours), Text::Lines(theirs)] = ok(texts)? else {
            return Ok(Merged::Conflict);
        };
        let [base, ours, theirs] = [&base, &ours, &theirs].map(|text| {
            let mut input = MergeFileInput::new();
            input.content(text);
            input
        });
        let merged = git2::merge_file(&base, &ours, &theirs, Some(&mut MergeFileOptions::new()))
            .map_err(|e| Gap::Broken(format!("two files cannot be merged: {}", e.message())))?;
        Ok(match merged.is_automergeable() {
            true => Merged::Text(mode, merged.content().to_vec()),
            false => Merged::Conflict,
        })
    }

    /// Whether what stands at a path is what the merge makes of it.
    fn is_merged(&self, merged: &Merged, there: Option<Item>) -> Result<bool, Gap> {
        Ok(match (merged, there) {
            (Merged::Item(item), there) => *item == there,
            (Merged::Text(mode, content), Some(there)) => {
                *mode == there.mode
                    && matches!(self.text(Some(there))?, Text::Lines(text) if text == *content)
            }
            _ => false,
        })
    }

    /// What a tree has at a path.
    fn place(
        &self,
        tree: Oid,
        path: &[u8],
        directories: &mut HashMap<Vec<u8>, Option<Oid>>,
    ) -> Result<Place, Gap> {
        let mut at = tree;
        let mut start = 0;
        while let Some(slash) = path[start..].iter().position(|b| *b == b'/') {
            let end = start + slash;
            let known = directories.get(&path[..end]).copied();
            let next = match known {
                Some(next) => next,
                None => {
                    let found = self.entry(at, &path[start..end])?;
                    let next = match found {
                        Some((mode, id)) if mode.kind() == Kind::Directory => Some(id),
                        Some(_) => return Ok(Place::Other),
                        None => None,
                    };
                    directories.insert(path[..end].to_vec(), next);
                    next
                }
            };
            let Some(next) = next else {
                return Ok(Place::Nothing);
            };
            at = next;
            start = end + 1;
        }
        Ok(match self.entry(at, &path[start..])? {
            None => Place::Nothing,
            Some((mode, _)) if mode.kind() == Kind::Directory => Place::Other,
            Some((mode, id)) => Place::Item(Item { mode, id }),
        })
    }
}

/// What a tree has at a path.
enum Place {
    Nothing,
    Item(Item),
    /// A directory, or a file on the way to the path.
    Other,
}

fn ok<T>(results: [Result<T, Gap>; 3]) -> Result<[T; 3], Gap> {
    let [a, b, c] = results;
    Ok([a?, b?, c?])
}
