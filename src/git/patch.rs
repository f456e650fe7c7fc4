//! Patch ids: the same change in another place has the same id.

use git2::{DiffOptions, Oid, Patch};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::Gap;
use super::objects::{Deadline, Objects, name, oid};
use super::trees::{Difference, Item, Kind};
use crate::hotfix::CommitId;

/// The largest file that is compared line by line; the lock files of large projects have about
/// 2 MiB. A larger one is compared by its id, as a binary file is.
const LARGEST_TEXT: usize = 4 * 1024 * 1024;
/// The most lines of such a file: libgit2 takes about 150 bytes for each.
const MOST_LINES: usize = 200_000;
/// The most files of a change that has a patch id.
const MOST_FILES: usize = 20_000;
/// How much of a file is looked at to tell a binary one, as in git (`buffer_is_binary`).
const BINARY_HEAD: usize = 8000;

/// The id of a change: that of `git patch-id --stable`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatchId(String);

impl PatchId {
    /// All 40 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The content of one side of a change.
pub(super) enum Text {
    /// Lines that can be compared; of something that is not there, none.
    Lines(Vec<u8>),
    /// No text.
    Binary,
    /// More than what is compared line by line.
    Large,
}

impl Objects {
    /// The id of what a commit changes, that of
    /// `git diff-tree -p --no-renames --full-index COMMIT | git patch-id --stable`. A file above
    /// 4 MiB or 200,000 lines counts as a binary one. `None` for a merge, and for a commit that
    /// changes nothing.
    ///
    /// A binary file, or one without hunks (empty, or only another mode), counts by itself, as in
    /// `git cherry`; the program `git patch-id` would run it together with the next file and lose
    /// that one's name.
    ///
    /// # Errors
    /// If an object is not there or cannot be read, or for more than 20,000 files.
    pub fn patch_id(&self, commit: &CommitId) -> Result<Option<PatchId>, Gap> {
        match self.own_trees(commit)? {
            Some((old, new)) => self.patch_id_of_trees(old, Some(new)),
            None => Ok(None),
        }
    }

    /// The id of what undoes a commit.
    ///
    /// # Errors
    /// As [`Objects::patch_id`].
    pub fn inverse_patch_id(&self, commit: &CommitId) -> Result<Option<PatchId>, Gap> {
        match self.own_trees(commit)? {
            Some((old, new)) => self.patch_id_of_trees(Some(new), old),
            None => Ok(None),
        }
    }

    /// The id of all that is different in `to` from `from`, as one change; a squash merge of the
    /// range has it.
    ///
    /// # Errors
    /// As [`Objects::patch_id`].
    pub fn patch_id_of(&self, from: &CommitId, to: &CommitId) -> Result<Option<PatchId>, Gap> {
        let (old, new) = (self.tree_of(oid(from)?)?, self.tree_of(oid(to)?)?);
        self.patch_id_of_trees(Some(old), Some(new))
    }

    /// The trees before and after a commit that is no merge.
    fn own_trees(&self, commit: &CommitId) -> Result<Option<(Option<Oid>, Oid)>, Gap> {
        let id = oid(commit)?;
        let parents = self.node(id)?.parents;
        if parents.len() > 1 {
            return Ok(None);
        }
        let old = parents
            .first()
            .map(|parent| self.tree_of(*parent))
            .transpose()?;
        Ok(Some((old, self.tree_of(id)?)))
    }

    fn patch_id_of_trees(
        &self,
        old: Option<Oid>,
        new: Option<Oid>,
    ) -> Result<Option<PatchId>, Gap> {
        let deadline = Deadline::start();
        let differences = self.differences(old, new, deadline)?;
        if differences.len() > MOST_FILES {
            return Err(Gap::Limit(format!(
                "the change touches more than {MOST_FILES} files, too many to compare it with others"
            )));
        }
        if differences.is_empty() {
            return Ok(None);
        }
        let mut sum = Sum::default();
        for difference in &differences {
            deadline.check()?;
            let Difference { path, old, new } = difference;
            // A file that becomes a link is shown as one that goes and one that comes.
            match (old, new) {
                (Some(a), Some(b)) if a.mode.kind() != b.mode.kind() => {
                    sum.add(&self.file_id(path, Some(*a), None)?);
                    sum.add(&self.file_id(path, None, Some(*b))?);
                }
                _ => sum.add(&self.file_id(path, *old, *new)?),
            }
        }
        Ok(Some(PatchId(name_of(&sum.0)?)))
    }

    /// The hash of what one file contributes.
    fn file_id(&self, path: &[u8], old: Option<Item>, new: Option<Item>) -> Result<[u8; 20], Gap> {
        let mut hash = Hash(Context::new(&SHA1_FOR_LEGACY_USE_ONLY));
        let [a, b] = [b"a/", b"b/"].map(|prefix| quoted(prefix, path));
        hash.line(&[b"diff --git ", &a, b" ", &b]);
        let mode = |item: Item| format!("{:06o}", item.mode.bits()).into_bytes();
        match (old, new) {
            (None, Some(new)) => hash.line(&[b"new file mode ", &mode(new)]),
            (Some(old), None) => hash.line(&[b"deleted file mode ", &mode(old)]),
            (Some(old), Some(new)) if old.mode != new.mode => {
                hash.line(&[b"old mode ", &mode(old)]);
                hash.line(&[b"new mode ", &mode(new)]);
            }
            _ => {}
        }
        if old.map(|item| item.id) == new.map(|item| item.id) {
            return hash.finish();
        }
        match (self.text(old)?, self.text(new)?) {
            (Text::Lines(before), Text::Lines(after)) if before != after => {
                let name = |there: bool, name| if there { name } else { &b"/dev/null"[..] };
                hash.line(&[b"--- ", name(old.is_some(), &a)]);
                hash.line(&[b"+++ ", name(new.is_some(), &b)]);
                hash_lines(&mut hash, &before, &after)?;
            }
            (Text::Lines(_), Text::Lines(_)) => {}
            _ => {
                let id =
                    |item: Option<Item>| item.map_or(Oid::ZERO_SHA1, |item| item.id).to_string();
                hash.line(&[id(old).as_bytes(), id(new).as_bytes()]);
            }
        }
        hash.finish()
    }

    /// The content of one side as it is compared.
    pub(super) fn text(&self, item: Option<Item>) -> Result<Text, Gap> {
        let Some(item) = item else {
            return Ok(Text::Lines(Vec::new()));
        };
        if item.mode.kind() == Kind::Submodule {
            let line = format!("Subproject commit {}\n", name(item.id).as_str());
            return Ok(Text::Lines(line.into_bytes()));
        }
        if self.header(item.id)?.0 > LARGEST_TEXT {
            return Ok(Text::Large);
        }
        let data = self.read(item.id, git2::ObjectType::Blob, LARGEST_TEXT)?;
        Ok(if data.iter().take(BINARY_HEAD).any(|b| *b == 0) {
            Text::Binary
        } else if data.iter().filter(|b| **b == b'\n').count() > MOST_LINES {
            Text::Large
        } else {
            Text::Lines(data)
        })
    }
}

/// The comparison that git makes when nobody configures it.
fn options() -> DiffOptions {
    let mut options = DiffOptions::new();
    options
        .context_lines(3)
        .indent_heuristic(true)
        .force_text(true);
    options
}

fn compare<'a>(old: &'a [u8], new: &'a [u8]) -> Result<Patch<'a>, Gap> {
    Patch::from_buffers(old, None, new, None, Some(&mut options())).map_err(|e| broken(&e))
}

fn broken(error: &git2::Error) -> Gap {
    Gap::Broken(format!("two files cannot be compared: {}", error.message()))
}

/// How many lines are new and how many are gone.
pub(super) fn line_stats(old: &[u8], new: &[u8]) -> Result<(u32, u32), Gap> {
    let (_, added, removed) = compare(old, new)?.line_stats().map_err(|e| broken(&e))?;
    let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
    Ok((number(added), number(removed)))
}

fn hash_lines(hash: &mut Hash, old: &[u8], new: &[u8]) -> Result<(), Gap> {
    let patch = compare(old, new)?;
    for hunk in 0..patch.num_hunks() {
        for line in 0..patch.num_lines_in_hunk(hunk).map_err(|e| broken(&e))? {
            let line = patch.line_in_hunk(hunk, line).map_err(|e| broken(&e))?;
            let origin = match line.origin() {
                '+' => b"+",
                '-' => b"-",
                ' ' => b" ",
                // «No newline at end of file» is no part of the id.
                _ => continue,
            };
            // git reads lines as C strings.
            let content = line.content().split(|b| *b == 0).next().unwrap_or_default();
            hash.line(&[origin, content]);
        }
    }
    Ok(())
}

/// A path as git prints it in a patch: in quotes if there is something odd in it.
fn quoted(prefix: &[u8], path: &[u8]) -> Vec<u8> {
    let odd = |b: &u8| *b < 0x20 || *b >= 0x7f || matches!(b, b'"' | b'\\');
    if !path.iter().any(odd) {
        return [prefix, path].concat();
    }
    let mut text = [b"\"", prefix].concat();
    for byte in path {
        match byte {
            b'"' | b'\\' => text.extend([b'\\', *byte]),
            7..=13 => text.extend([b'\\', b"abtnvfr"[usize::from(byte - 7)]]),
            byte if odd(byte) => text.extend(format!("\\{byte:03o}").into_bytes()),
            byte => text.push(*byte),
        }
    }
    text.push(b'"');
    text
}

/// The hash over the lines of one file, without white space.
struct Hash(Context);

impl Hash {
    fn line(&mut self, parts: &[&[u8]]) {
        for part in parts {
            for word in part.split(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
                self.0.update(word);
            }
        }
    }

    fn finish(self) -> Result<[u8; 20], Gap> {
        let digest = self.0.finish();
        digest
            .as_ref()
            .try_into()
            .map_err(|_| Gap::Broken("no SHA-1".to_owned()))
    }
}

/// The sum of the hashes of all files: their order does not matter (`flush_one_hunk` of git's
/// patch-ids.c).
#[derive(Default)]
struct Sum([u8; 20]);

impl Sum {
    fn add(&mut self, hash: &[u8; 20]) {
        let mut carry = 0;
        for (to, byte) in self.0.iter_mut().zip(hash) {
            carry += u16::from(*to) + u16::from(*byte);
            *to = carry.to_le_bytes()[0];
            carry >>= 8;
        }
    }
}

fn name_of(bytes: &[u8; 20]) -> Result<String, Gap> {
    let id = Oid::from_bytes(bytes).map_err(|e| Gap::Broken(e.message().to_owned()))?;
    Ok(id.to_string())
}
