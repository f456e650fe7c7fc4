//! Paths: which ones a commit changes, whether it changes any of those that matter, and where in a
//! tree certain files are.

use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;

use super::Gap;
use super::objects::{Deadline, Objects, oid};
use super::trees::{Kind, Mode, join, parse_tree};
use crate::hotfix::CommitId;

/// The most directories that are looked into for files of certain names.
const MOST_DIRECTORIES: usize = 50_000;

impl Objects {
    /// The paths that a commit changes beside its first parent.
    ///
    /// # Errors
    /// If an object is not there or cannot be read, or there is too much of it.
    pub fn paths(&self, commit: &CommitId) -> Result<Vec<Vec<u8>>, Gap> {
        let (old, new) = self.both_trees(commit)?;
        let differences = self.differences(old, Some(new), Deadline::start())?;
        Ok(differences.into_iter().map(|found| found.path).collect())
    }

    /// The paths that are different in two commits. A renamed file has two of them.
    ///
    /// # Errors
    /// If an object is not there or cannot be read, or there is too much of it.
    pub fn paths_between(&self, from: &CommitId, to: &CommitId) -> Result<Vec<Vec<u8>>, Gap> {
        let (old, new) = (self.tree_of(oid(from)?)?, self.tree_of(oid(to)?)?);
        let differences = self.differences(Some(old), Some(new), Deadline::start())?;
        Ok(differences.into_iter().map(|found| found.path).collect())
    }

    /// Whether a commit changes one of these paths beside its first parent. Looks only into
    /// directories that lead to them, so a walk over thousands of commits stays cheap.
    ///
    /// # Errors
    /// If an object is not there or cannot be read.
    pub fn touches(&self, commit: &CommitId, paths: &BTreeSet<Vec<u8>>) -> Result<bool, Gap> {
        let (old, new) = self.both_trees(commit)?;
        let paths: Vec<&[u8]> = paths.iter().map(Vec::as_slice).collect();
        self.differ(old, Some(new), &paths)
    }

    /// Whether everything that a commit changes is at paths that also differ between two others.
    ///
    /// # Errors
    /// If an object is not there or cannot be read, or there is too much of it.
    pub fn changes_all_of(
        &self,
        commit: &CommitId,
        from: &CommitId,
        to: &CommitId,
    ) -> Result<bool, Gap> {
        let (from, to) = (self.tree_of(oid(from)?)?, self.tree_of(oid(to)?)?);
        for path in self.paths(commit)? {
            if !self.differ(Some(from), Some(to), &[&path])? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn both_trees(&self, commit: &CommitId) -> Result<(Option<Oid>, Oid), Gap> {
        let id = oid(commit)?;
        let parents = self.node(id)?.parents;
        let old = parents.first().map(|parent| self.tree_of(*parent));
        Ok((old.transpose()?, self.tree_of(id)?))
    }

    /// Whether two trees differ at one of these paths.
    fn differ(&self, old: Option<Oid>, new: Option<Oid>, paths: &[&[u8]]) -> Result<bool, Gap> {
        if old == new || paths.is_empty() {
            return Ok(false);
        }
        let mut groups: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
        for path in paths {
            let end = path.iter().position(|b| *b == b'/').unwrap_or(path.len());
            let below = path.get(end + 1..).unwrap_or_default();
            groups.entry(&path[..end]).or_default().push(below);
        }
        let entry = |tree: Option<Oid>, name| match tree {
            Some(tree) => self.entry(tree, name),
            None => Ok(None),
        };
        for (name, below) in groups {
            let (was, is) = (entry(old, name)?, entry(new, name)?);
            if was == is {
                continue;
            }
            let directory = |entry: Option<(Mode, Oid)>| match entry {
                Some((mode, id)) if mode.kind() == Kind::Directory => Some(id),
                _ => None,
            };
            let (was_in, is_in) = (directory(was), directory(is));
            let only_directories =
                was_in.is_some() == was.is_some() && is_in.is_some() == is.is_some();
            // The path ends here, or a file stands, or stood, where it leads through.
            if !only_directories || below.iter().any(|rest| rest.is_empty()) {
                return Ok(true);
            }
            if self.differ(was_in, is_in, &below)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The names of the files in one directory at the root of a commit, sorted. None if there is no
    /// such directory.
    ///
    /// # Errors
    /// If an object is not there or cannot be read.
    pub fn names_in(&self, commit: &CommitId, directory: &str) -> Result<Vec<String>, Gap> {
        let root = self.tree_of(oid(commit)?)?;
        let tree = match self.entry(root, directory.as_bytes())? {
            Some((mode, tree)) if mode.kind() == Kind::Directory => tree,
            _ => return Ok(Vec::new()),
        };
        let data = self.tree_data(tree)?;
        let entries = parse_tree(&data, tree)?;
        let files = entries
            .iter()
            .filter(|entry| entry.mode.kind() == Kind::File);
        Ok(files
            .filter_map(|entry| String::from_utf8(entry.name.to_vec()).ok())
            .collect())
    }

    /// The directories of a commit that hold a file of one of these names, without the root, not
    /// deeper than `depth`.
    ///
    /// # Errors
    /// If an object is not there or cannot be read, or there are more than 50,000 directories.
    pub fn directories_with(
        &self,
        commit: &CommitId,
        names: &[&str],
        depth: usize,
    ) -> Result<Vec<String>, Gap> {
        let mut waiting = vec![(Vec::new(), self.tree_of(oid(commit)?)?, 0)];
        let (mut found, mut seen) = (Vec::new(), 0);
        while let Some((path, tree, level)) = waiting.pop() {
            seen += 1;
            if seen > MOST_DIRECTORIES {
                return Err(Gap::Limit(format!(
                    "the repository has more than {MOST_DIRECTORIES} directories"
                )));
            }
            let data = self.tree_data(tree)?;
            for entry in parse_tree(&data, tree)? {
                match entry.mode.kind() {
                    Kind::Directory if level < depth => {
                        waiting.push((join(&path, entry.name)?, entry.id, level + 1));
                    }
                    Kind::File if level > 0 && names.iter().any(|n| n.as_bytes() == entry.name) => {
                        found.push(String::from_utf8_lossy(&path).into_owned());
                    }
                    _ => {}
                }
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}
