//! Trees: what is in a directory, and where two of them differ.

use git2::Oid;

use super::Gap;
use super::objects::{Deadline, Objects, name};

/// The most entries that one comparison looks at. A commit of 100,000 files must have an answer; a
/// tree that holds itself many times over must have an end.
const MOST_ENTRIES: usize = 2_000_000;
/// The most directories that one comparison opens.
const MOST_DIRECTORIES: usize = 50_000;
/// The most differences that one comparison gives.
const MOST_DIFFERENCES: usize = 500_000;
/// The longest path, as Linux has it.
const LONGEST_PATH: usize = 4096;

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
    Directory,
    Submodule,
}

/// The mode of an entry, as git shows it: `100664` of old repositories is `100644`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode(u32);

impl Mode {
    const fn new(raw: u32) -> Self {
        Self(match raw & 0o170_000 {
            0o040_000 => 0o040_000,
            0o120_000 => 0o120_000,
            0o160_000 => 0o160_000,
            _ if raw & 0o100 != 0 => 0o100_755,
            _ => 0o100_644,
        })
    }

    pub(super) const fn kind(self) -> Kind {
        match self.0 {
            0o040_000 => Kind::Directory,
            0o120_000 => Kind::Link,
            0o160_000 => Kind::Submodule,
            _ => Kind::File,
        }
    }

    pub(super) const fn bits(self) -> u32 {
        self.0
    }
}

/// One entry of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) mode: Mode,
    pub(super) id: Oid,
}

/// Something that is no directory, on one side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) mode: Mode,
    pub(super) id: Oid,
}

/// A path at which two trees differ, with what is there on each side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) path: Vec<u8>,
    pub(super) old: Option<Item>,
    pub(super) new: Option<Item>,
}

/// The entries of a tree, by name.
pub(super) fn parse_tree(mut data: &[u8], id: Oid) -> Result<Vec<Entry<'_>>, Gap> {
    let broken = || {
        Gap::Broken(format!(
            "the tree {} has an illegal entry",
            name(id).short()
        ))
    };
    let mut entries = Vec::new();
    while !data.is_empty() {
        let space = data
            .iter()
            .take(8)
            .position(|b| *b == b' ')
            .ok_or_else(broken)?;
        let mode = data[..space]
            .iter()
            .try_fold(0_u32, |mode, digit| match digit {
                b'0'..=b'7' => Some(mode * 8 + u32::from(digit - b'0')),
                _ => None,
            });
        let rest = &data[space + 1..];
        let end = rest.iter().position(|b| *b == 0).ok_or_else(broken)?;
        let bytes = rest.get(end + 1..end + 21).ok_or_else(broken)?;
        let name = &rest[..end];
        if name.is_empty() || name.contains(&b'/') {
            return Err(broken());
        }
        entries.push(Entry {
            name,
            mode: Mode::new(mode.ok_or_else(broken)?),
            id: Oid::from_bytes(bytes).map_err(|_| broken())?,
        });
        data = &rest[end + 21..];
    }
    // git sorts directories as if their names ended in `/`; here a name is a name.
    entries.sort_unstable_by_key(|entry| entry.name);
    if entries.windows(2).any(|pair| pair[0].name == pair[1].name) {
        return Err(broken());
    }
    Ok(entries)
}

/// A directory that is looked at on both sides.
struct Pair {
    path: Vec<u8>,
    old: Option<Oid>,
    new: Option<Oid>,
}

impl Objects {
    /// Where two trees differ, by path. No tree is the empty one.
    pub(super) fn differences(
        &self,
        old: Option<Oid>,
        new: Option<Oid>,
        deadline: Deadline,
    ) -> Result<Vec<Difference>, Gap> {
        let mut found = Vec::new();
        let (mut looked_at, mut opened) = (0, 0);
        let mut waiting = Vec::new();
        if old != new {
            waiting.push(Pair {
                path: Vec::new(),
                old,
                new,
            });
        }
        while let Some(pair) = waiting.pop() {
            deadline.check()?;
            let read = |id: Option<Oid>| id.map_or(Ok(Vec::new()), |id| self.tree_data(id));
            let (old, new) = (read(pair.old)?, read(pair.new)?);
            let zero = Oid::ZERO_SHA1;
            let old = parse_tree(&old, pair.old.unwrap_or(zero))?;
            let new = parse_tree(&new, pair.new.unwrap_or(zero))?;
            opened += 1;
            looked_at += old.len() + new.len();
            for (old, new) in joined(&old, &new) {
                step(&pair.path, old, new, &mut waiting, &mut found)?;
            }
            if opened > MOST_DIRECTORIES {
                return Err(Gap::Limit(format!(
                    "the change touches more than {MOST_DIRECTORIES} directories"
                )));
            }
            if looked_at > MOST_ENTRIES || found.len() > MOST_DIFFERENCES {
                return Err(Gap::Limit(format!(
                    "the change touches more than {MOST_DIFFERENCES} files"
                )));
            }
        }
        found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }
}

/// What two entries of one name have in common goes no further.
fn step(
    directory: &[u8],
    old: Option<Entry<'_>>,
    new: Option<Entry<'_>>,
    waiting: &mut Vec<Pair>,
    found: &mut Vec<Difference>,
) -> Result<(), Gap> {
    let same = |a: Entry<'_>, b: Entry<'_>| a.id == b.id && a.mode == b.mode;
    if let (Some(old), Some(new)) = (old, new)
        && same(old, new)
    {
        return Ok(());
    }
    let Some(name) = old.or(new).map(|entry| entry.name) else {
        return Ok(());
    };
    let path = join(directory, name)?;
    let tree = |entry: Option<Entry<'_>>| {
        entry
            .filter(|e| e.mode.kind() == Kind::Directory)
            .map(|e| e.id)
    };
    let item = |entry: Option<Entry<'_>>| {
        let leaf = entry.filter(|e| e.mode.kind() != Kind::Directory);
        leaf.map(|e| Item {
            mode: e.mode,
            id: e.id,
        })
    };
    if tree(old).is_some() || tree(new).is_some() {
        waiting.push(Pair {
            path: path.clone(),
            old: tree(old),
            new: tree(new),
        });
    }
    if item(old).is_some() || item(new).is_some() {
        found.push(Difference {
            path,
            old: item(old),
            new: item(new),
        });
    }
    Ok(())
}

/// A path below a directory.
pub(super) fn join(directory: &[u8], name: &[u8]) -> Result<Vec<u8>, Gap> {
    if directory.len() + name.len() >= LONGEST_PATH {
        return Err(Gap::Limit(format!(
            "a path is longer than {LONGEST_PATH} bytes"
        )));
    }
    let mut path = directory.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    Ok(path)
}

/// Both sides, name by name.
pub(super) fn joined<'a>(
    old: &'a [Entry<'a>],
    new: &'a [Entry<'a>],
) -> impl Iterator<Item = (Option<Entry<'a>>, Option<Entry<'a>>)> {
    let mut old = old.iter().copied().peekable();
    let mut new = new.iter().copied().peekable();
    std::iter::from_fn(move || {
        let order = match (old.peek(), new.peek()) {
            (Some(old), Some(new)) => old.name.cmp(new.name),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return None,
        };
        Some(match order {
            std::cmp::Ordering::Less => (old.next(), None),
            std::cmp::Ordering::Greater => (None, new.next()),
            std::cmp::Ordering::Equal => (old.next(), new.next()),
        })
    })
}
