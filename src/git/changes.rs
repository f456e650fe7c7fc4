//! What a range changes, file by file.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::Gap;
use super::objects::{Deadline, Objects, oid};
use super::patch::{Text, line_stats};
use super::trees::{Difference, Item, Kind};
use crate::hotfix::CommitId;

/// The most files whose lines are counted; more are no hotfix.
const MOST_COUNTED: usize = 10_000;
/// The most files, on each side, that are compared to find renames by content. git takes 1,000
/// (`diff.renameLimit`).
const MOST_COMPARED: usize = 200;
/// The largest file that is compared to find renames.
const LARGEST_COMPARED: usize = 256 * 1024;
/// How much of a file must be the same in the other, in per cent; git's own measure.
const SIMILAR: usize = 50;

/// How a file changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its content or its mode is another.
    Modified,
    /// It has another path, and perhaps another content.
    Renamed,
    /// It was a file and is a link, or the like.
    TypeChanged,
}

/// One file that a range changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path; what is no UTF-8 in it is replaced. It may hold control characters.
    pub path: String,
    /// Its path before, of a renamed file.
    pub old_path: Option<String>,
    /// How it changes.
    pub status: Status,
    /// How many lines are new.
    pub added: u32,
    /// How many lines are gone.
    pub removed: u32,
    /// Whether the lines were counted. Not those of binary or very large files, nor any of a change
    /// of more than 10,000 files.
    pub counted: bool,
    /// Whether it is no text.
    pub binary: bool,
    /// Whether it is a submodule on one of the sides.
    pub submodule: bool,
}

/// A difference, and the path from which the file came, if it had another.
struct Moved {
    from: Option<Vec<u8>>,
    difference: Difference,
}

impl Objects {
    /// What is different in `to` from `from`; without `from`, from nothing. By path.
    ///
    /// # Errors
    /// If an object is not there or cannot be read, or for more than half a million files.
    pub fn changes(&self, from: Option<&CommitId>, to: &CommitId) -> Result<Vec<FileChange>, Gap> {
        let deadline = Deadline::start();
        let old = from.map(|id| self.tree_of(oid(id)?)).transpose()?;
        let new = self.tree_of(oid(to)?)?;
        let differences = self.differences(old, Some(new), deadline)?;
        let pairs = self.renames(differences, deadline)?;
        let count = pairs.len() <= MOST_COUNTED;
        pairs
            .into_iter()
            .map(|moved| {
                deadline.check()?;
                self.file_change(moved.from.as_deref(), &moved.difference, count)
            })
            .collect()
    }

    fn file_change(
        &self,
        from: Option<&[u8]>,
        difference: &Difference,
        count: bool,
    ) -> Result<FileChange, Gap> {
        let kind = |item: Option<Item>| item.map(|item| item.mode.kind());
        let (old, new) = (kind(difference.old), kind(difference.new));
        let status = match (old, new) {
            _ if from.is_some() => Status::Renamed,
            (None, _) => Status::Added,
            (_, None) => Status::Deleted,
            (Some(old), Some(new)) if old != new => Status::TypeChanged,
            _ => Status::Modified,
        };
        let mut change = FileChange {
            path: String::from_utf8_lossy(&difference.path).into_owned(),
            old_path: from.map(|path| String::from_utf8_lossy(path).into_owned()),
            status,
            added: 0,
            removed: 0,
            counted: false,
            binary: false,
            submodule: [old, new].contains(&Some(Kind::Submodule)),
        };
        if !count {
            return Ok(change);
        }
        match (self.text(difference.old)?, self.text(difference.new)?) {
            (Text::Lines(old), Text::Lines(new)) => {
                (change.added, change.removed) = line_stats(&old, &new)?;
                change.counted = true;
            }
            (old, new) => {
                change.binary = matches!(old, Text::Binary) || matches!(new, Text::Binary)
            }
        }
        Ok(change)
    }

    /// Puts files that are gone and files that are new together, if one is the other moved.
    fn renames(&self, differences: Vec<Difference>, deadline: Deadline) -> Result<Vec<Moved>, Gap> {
        let is_file = |item: Option<Item>| item.is_some_and(|item| item.mode.kind() == Kind::File);
        let (mut gone, mut rest): (Vec<_>, Vec<_>) = differences
            .into_iter()
            .partition(|d| d.new.is_none() && is_file(d.old));
        let mut pairs = Vec::new();
        // The same content first: that needs no look into the files.
        let mut by_id = HashMap::<_, Vec<usize>>::new();
        for (at, difference) in gone.iter().enumerate().rev() {
            by_id
                .entry(difference.old.map(|item| item.id))
                .or_default()
                .push(at);
        }
        let mut taken = vec![false; gone.len()];
        let mut is_new: Vec<usize> = Vec::new();
        let mut from: Vec<Option<usize>> = vec![None; rest.len()];
        for (at, difference) in rest.iter().enumerate() {
            if difference.old.is_none() && is_file(difference.new) {
                match by_id
                    .get_mut(&difference.new.map(|item| item.id))
                    .and_then(Vec::pop)
                {
                    Some(old) => (from[at], taken[old]) = (Some(old), true),
                    None => is_new.push(at),
                }
            }
        }
        let left: Vec<usize> = (0..gone.len()).filter(|at| !taken[*at]).collect();
        if !left.is_empty() && left.len() <= MOST_COMPARED && is_new.len() <= MOST_COMPARED {
            for (old, new) in self.similar(&gone, &left, &rest, &is_new, deadline)? {
                (from[new], taken[old]) = (Some(old), true);
            }
        }
        for (at, mut difference) in rest.drain(..).enumerate() {
            let from = from[at].map(|old| {
                difference.old = gone[old].old;
                gone[old].path.clone()
            });
            pairs.push(Moved { from, difference });
        }
        let kept = gone.drain(..).zip(taken).filter(|(_, taken)| !taken);
        pairs.extend(kept.map(|(difference, _)| Moved {
            from: None,
            difference,
        }));
        pairs.sort_unstable_by(|a, b| a.difference.path.cmp(&b.difference.path));
        Ok(pairs)
    }

    /// Pairs of files that are at least half the same, the most similar first.
    fn similar(
        &self,
        gone: &[Difference],
        left: &[usize],
        rest: &[Difference],
        is_new: &[usize],
        deadline: Deadline,
    ) -> Result<Vec<(usize, usize)>, Gap> {
        let old: Vec<_> = left
            .iter()
            .map(|at| Ok((*at, self.lines_of(gone[*at].old)?)))
            .collect::<Result<_, Gap>>()?;
        let mut scores = Vec::new();
        for at in is_new {
            deadline.check()?;
            let Some(new) = self.lines_of(rest[*at].new)? else {
                continue;
            };
            for (from, old) in &old {
                if let Some(score) = old.as_ref().and_then(|old| old.similarity(&new)) {
                    scores.push((Reverse(score), *from, *at));
                }
            }
        }
        scores.sort_unstable();
        let (mut from, mut to) = (HashSet::new(), HashSet::new());
        scores.retain(|(_, old, new)| {
            let free = !from.contains(old) && !to.contains(new);
            free && from.insert(*old) && to.insert(*new)
        });
        Ok(scores.into_iter().map(|(_, old, new)| (old, new)).collect())
    }

    fn lines_of(&self, item: Option<Item>) -> Result<Option<Lines>, Gap> {
        Ok(match item {
            Some(item) if self.header(item.id)?.0 <= LARGEST_COMPARED => {
                match self.text(Some(item))? {
                    Text::Lines(text) => Some(Lines::of(&text)),
                    _ => None,
                }
            }
            _ => None,
        })
    }
}

/// How many bytes of a text are in which line.
struct Lines {
    size: usize,
    lines: HashMap<Vec<u8>, usize>,
}

impl Lines {
    fn of(text: &[u8]) -> Self {
        let mut lines = HashMap::new();
        for line in text.split_inclusive(|b| *b == b'\n') {
            *lines.entry(line.to_vec()).or_default() += line.len();
        }
        Self {
            size: text.len(),
            lines,
        }
    }

    /// The part of the larger that is in the other too, in per cent, if it is enough.
    fn similarity(&self, other: &Self) -> Option<usize> {
        let larger = self.size.max(other.size);
        if larger == 0 || self.size.min(other.size) * 100 < larger * SIMILAR {
            return None;
        }
        let common = |(line, size): (&Vec<u8>, &usize)| other.lines.get(line).map(|o| *size.min(o));
        let common: usize = self.lines.iter().filter_map(common).sum();
        let score = common * 100 / larger;
        (score >= SIMILAR).then_some(score)
    }
}
