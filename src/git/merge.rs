//! Cherry-picks and reverts in memory: would this change alter that tree, and would it fit?
//!
//! The merge of trees is our own, because libgit2's asks the user's configuration and attribute
//! files (`merge.default`, `merge=…`) for the way to merge; only texts are merged by libgit2.

use std::collections::HashMap;

use git2::{MergeFileInput, MergeFileOptions, Oid};

use super::Gap;
use super::objects::{Deadline, Objects, oid};
use super::patch::Text;
use super::trees::{Difference, Item, Kind};
use crate::hotfix::CommitId;

/// The most files of a change that is tried.
const MOST_FILES: usize = 20_000;

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

impl Objects {
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
        if ours == change.new {
            return Ok(Outcome::Unchanged);
        }
        if ours == change.old {
            return Ok(Outcome::Changed);
        }
        match (change.old, ours, change.new) {
            (Some(base), Some(ours), Some(theirs)) => self.merge_file(base, ours, theirs),
            _ => Ok(Outcome::Conflict),
        }
    }

    fn merge_file(&self, base: Item, ours: Item, theirs: Item) -> Result<Outcome, Gap> {
        if [base, ours, theirs]
            .iter()
            .any(|item| item.mode.kind() != Kind::File)
        {
            return Ok(Outcome::Conflict);
        }
        let mode = if theirs.mode == base.mode || theirs.mode == ours.mode {
            Outcome::Unchanged
        } else if ours.mode == base.mode {
            Outcome::Changed
        } else {
            return Ok(Outcome::Conflict);
        };
        if theirs.id == base.id || theirs.id == ours.id {
            return Ok(mode);
        }
        if ours.id == base.id {
            return Ok(Outcome::Changed);
        }
        let texts = [base, ours, theirs].map(|item| self.text(Some(item)));
        let [Text::Lines(base), Text::Lines(ours), Text::Lines(theirs)] = ok(texts)? else {
            return Ok(Outcome::Conflict);
        };
        let [base, own, theirs] = [&base, &ours, &theirs].map(|text| {
            let mut input = MergeFileInput::new();
            input.content(text);
            input
        });
        let merged = git2::merge_file(&base, &own, &theirs, Some(&mut MergeFileOptions::new()))
            .map_err(|e| Gap::Broken(format!("two files cannot be merged: {}", e.message())))?;
        Ok(if !merged.is_automergeable() {
            Outcome::Conflict
        } else if merged.content() == ours {
            mode
        } else {
            Outcome::Changed
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
