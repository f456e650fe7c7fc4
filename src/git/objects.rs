//! Objects by their ids: commits, tags, and files in the tree of a commit.
//!
//! libgit2's object database is all that is used of it here, and every object is hashed when it is
//! read, because an earlier step may have planted one under a wrong id.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Once;
use std::time::{Duration, Instant};

use git2::{ErrorCode, ObjectType, Odb, Oid};

use super::Gap;
use super::commits::{Commit, Node, parse_commit, parse_node};
use super::directories::every_directory;
use super::loose::Loose;
use super::trees::{Kind, Mode, parse_tree};
use crate::hotfix::CommitId;

/// The largest commit or tag; a commit of 16 MiB is no message that a person wrote.
const LARGEST_COMMIT: usize = 16 * 1024 * 1024;
/// The largest tree; one of a million files in one directory is about 40 MiB.
const LARGEST_TREE: usize = 64 * 1024 * 1024;
/// The longest chain of tags of tags.
const LONGEST_CHAIN: usize = 16;
/// The deepest path that is looked up.
const DEEPEST_PATH: usize = 256;
/// The time for one question. Walking a million commits takes about ten seconds.
const LONGEST_QUESTION: Duration = Duration::from_secs(60);

/// A set of objects.
pub struct Objects {
    odb: Odb<'static>,
    directories: Vec<PathBuf>,
    /// Loose objects, and in which directory they are.
    loose: HashMap<Oid, usize>,
    shallow: HashSet<Oid>,
}

/// A limit on the time of one question.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// The time that one question has begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Whether there is time left.
    ///
    /// # Errors
    /// [`Gap::Limit`] if there is none.
    pub fn check(self) -> Result<(), Gap> {
        if self.0.elapsed() > LONGEST_QUESTION {
            return Err(Gap::Limit(format!(
                "a question about the history took longer than {} seconds",
                LONGEST_QUESTION.as_secs()
            )));
        }
        Ok(())
    }
}

impl Objects {
    /// Opens objects directories, and those that their `info/alternates` name. `shallow` are the
    /// commits at which the clone was cut off; they only tell a shallow clone from a broken one.
    ///
    /// Reading needs no lock and no time limit as long as nobody changes the directories meanwhile:
    /// a file that is no regular file, whose opening might wait for ever, is an error here.
    ///
    /// # Errors
    /// [`Gap::Broken`] if a directory is not there or holds something that is no regular file.
    pub fn open(directories: &[PathBuf], shallow: &[CommitId]) -> Result<Self, Gap> {
        static ONCE: Once = Once::new();
        // Both are of the whole process. The cache would keep up to 256 MiB of objects that are
        // looked at once.
        ONCE.call_once(|| {
            git2::opts::enable_caching(false);
            git2::opts::strict_hash_verification(true);
        });
        let odb = Odb::new().map_err(|e| Gap::Broken(e.message().to_owned()))?;
        let mut loose = HashMap::new();
        let directories = every_directory(directories, &mut loose)?;
        for directory in &directories {
            let broken = |why: &str| {
                Gap::Broken(format!(
                    "the objects in `{}` cannot be read: {why}",
                    directory.display()
                ))
            };
            let path = directory
                .to_str()
                .ok_or_else(|| broken("the path is no UTF-8"))?;
            odb.add_disk_alternate(path)
                .map_err(|e| broken(e.message()))?;
        }
        let shallow = shallow.iter().filter_map(|id| oid(id).ok()).collect();
        Ok(Self {
            odb,
            directories,
            loose,
            shallow,
        })
    }

    /// Whether an object is there, of whatever kind.
    pub fn has(&self, id: &CommitId) -> bool {
        // Without a refresh: libgit2 would list the packs again for every object that is not there.
        oid(id).is_ok_and(|id| {
            self.loose.contains_key(&id)
                || self.odb.exists_ext(id, git2::OdbLookupFlags::NO_REFRESH)
        })
    }

    /// Whether the clone was cut off at this commit.
    pub fn is_cut_off(&self, id: &CommitId) -> bool {
        oid(id).is_ok_and(|id| self.shallow.contains(&id))
    }

    /// A commit.
    ///
    /// # Errors
    /// If it is not there, is no commit, or cannot be read.
    pub fn commit(&self, id: &CommitId) -> Result<Commit, Gap> {
        let key = oid(id)?;
        let data = self.read(key, ObjectType::Commit, LARGEST_COMMIT)?;
        parse_commit(id, &data)
            .ok_or_else(|| Gap::Broken(format!("the commit {} has no legal header", id.short())))
    }

    /// The commit that an id means: itself, or what a tag points to, however often.
    ///
    /// # Errors
    /// If the chain ends at something else, does not end, or is not there.
    pub fn peel(&self, id: &CommitId) -> Result<CommitId, Gap> {
        let mut at = oid(id)?;
        for _ in 0..LONGEST_CHAIN {
            match self.header(at)?.1 {
                ObjectType::Commit => return Ok(name(at)),
                ObjectType::Tag => {
                    let data = self.read(at, ObjectType::Tag, LARGEST_COMMIT)?;
                    let target = data.strip_prefix(b"object ").and_then(hex_at_start);
                    at = target.ok_or_else(|| {
                        Gap::Broken(format!("the tag {} has no legal header", name(at).short()))
                    })?;
                }
                other => {
                    return Err(Gap::Broken(format!(
                        "{} is a {other}, not a commit",
                        name(at).short()
                    )));
                }
            }
        }
        Err(Gap::Limit(format!(
            "{} is a tag of a tag of a tag, more than {LONGEST_CHAIN} deep",
            id.short()
        )))
    }

    /// A file in the tree of a commit, by its path with `/` between the parts. `None` if there is
    /// nothing at the path, or something that is no file (a directory, a link, a submodule).
    ///
    /// # Errors
    /// If an object is not there or cannot be read; if the file has more than `limit` bytes.
    pub fn file(
        &self,
        commit: &CommitId,
        path: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, Gap> {
        let mut tree = self.tree_of(oid(commit)?)?;
        let parts: Vec<&str> = path.split('/').collect();
        if parts.len() > DEEPEST_PATH {
            return Ok(None);
        }
        let Some((file, directories)) = parts.split_last() else {
            return Ok(None);
        };
        for part in directories {
            match self.entry(tree, part.as_bytes())? {
                Some((mode, id)) if mode.kind() == Kind::Directory => tree = id,
                _ => return Ok(None),
            }
        }
        match self.entry(tree, file.as_bytes())? {
            Some((mode, id)) if mode.kind() == Kind::File => {
                let size = self.header(id)?.0;
                if size > limit {
                    return Err(Gap::Limit(format!(
                        "the file `{path}` has {size} bytes, more than {limit}"
                    )));
                }
                self.read(id, ObjectType::Blob, limit).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What a tree has under a name.
    pub(super) fn entry(&self, tree: Oid, part: &[u8]) -> Result<Option<(Mode, Oid)>, Gap> {
        let data = self.tree_data(tree)?;
        let entries = parse_tree(&data, tree)?;
        let found = entries.iter().find(|entry| entry.name == part);
        Ok(found.map(|entry| (entry.mode, entry.id)))
    }

    /// The id of the tree of a commit.
    pub(super) fn tree_of(&self, commit: Oid) -> Result<Oid, Gap> {
        let data = self.read(commit, ObjectType::Commit, LARGEST_COMMIT)?;
        data.strip_prefix(b"tree ")
            .and_then(hex_at_start)
            .ok_or_else(|| Gap::Broken(format!("the commit {} has no tree", name(commit).short())))
    }

    pub(super) fn tree_data(&self, id: Oid) -> Result<Vec<u8>, Gap> {
        self.read(id, ObjectType::Tree, LARGEST_TREE)
    }

    /// Parents and date of a commit.
    pub(super) fn node(&self, id: Oid) -> Result<Node, Gap> {
        let broken = || {
            Gap::Broken(format!(
                "the commit {} has no legal header",
                name(id).short()
            ))
        };
        if self.loose.contains_key(&id) {
            let data = self.read(id, ObjectType::Commit, LARGEST_COMMIT)?;
            return parse_node(&data).ok_or_else(broken);
        }
        let object = self.odb.read(id).map_err(|e| gap(id, &e))?;
        if object.kind() != ObjectType::Commit {
            return Err(not_a(ObjectType::Commit, id, object.kind()));
        }
        parse_node(object.data()).ok_or_else(broken)
    }

    /// Size and kind of an object. The object is not hashed for it.
    pub(super) fn header(&self, id: Oid) -> Result<(usize, ObjectType), Gap> {
        match self.loose(id)? {
            Some(object) => Ok((object.size, object.kind)),
            None => self.odb.read_header(id).map_err(|e| gap(id, &e)),
        }
    }

    /// The content of an object, of which kind and size are known before it is loaded.
    pub(super) fn read(&self, id: Oid, kind: ObjectType, limit: usize) -> Result<Vec<u8>, Gap> {
        let loose = self.loose(id)?;
        let (size, found) = match &loose {
            Some(object) => (object.size, object.kind),
            None => self.odb.read_header(id).map_err(|e| gap(id, &e))?,
        };
        if found != kind {
            return Err(not_a(kind, id, found));
        }
        if size > limit {
            return Err(Gap::Limit(format!(
                "the {kind} {} has {size} bytes, more than {limit}",
                name(id).short()
            )));
        }
        match loose {
            Some(object) => object.read(id).map_err(|why| unreadable(id, &why)),
            None => {
                let object = self.odb.read(id).map_err(|e| gap(id, &e))?;
                Ok(object.data().to_vec())
            }
        }
    }

    /// A loose object. libgit2 is never asked for one.
    fn loose(&self, id: Oid) -> Result<Option<Loose>, Gap> {
        let Some(directory) = self.loose.get(&id).and_then(|at| self.directories.get(*at)) else {
            return Ok(None);
        };
        let text = id.to_string();
        let (start, rest) = text.split_at(2);
        let object = Loose::open(&directory.join(start).join(rest));
        object.map(Some).map_err(|why| unreadable(id, &why))
    }
}

/// Our ids as libgit2's.
///
/// # Errors
/// For an id of a SHA-256 repository.
pub(super) fn oid(id: &CommitId) -> Result<Oid, Gap> {
    if id.as_str().len() != 40 {
        return Err(Gap::Broken(format!(
            "{} is of a SHA-256 repository, which cannot be read here",
            id.short()
        )));
    }
    Oid::from_str(id.as_str()).map_err(|e| Gap::Broken(e.message().to_owned()))
}

/// libgit2's ids as ours.
pub(super) fn name(id: Oid) -> CommitId {
    let mut bytes = [0; 20];
    for (to, from) in bytes.iter_mut().zip(id.as_bytes()) {
        *to = *from;
    }
    CommitId::from_sha1(&bytes)
}

fn gap(id: Oid, error: &git2::Error) -> Gap {
    if error.code() == ErrorCode::NotFound {
        Gap::Missing(name(id))
    } else {
        unreadable(id, error.message())
    }
}

fn unreadable(id: Oid, why: &str) -> Gap {
    Gap::Broken(format!(
        "the object {} cannot be read: {why}",
        name(id).short()
    ))
}

fn not_a(kind: ObjectType, id: Oid, found: ObjectType) -> Gap {
    Gap::Broken(format!("{} is a {found}, not a {kind}", name(id).short()))
}

/// The id that 40 digits at the start are.
pub(super) fn hex_at_start(data: &[u8]) -> Option<Oid> {
    let text = str::from_utf8(data.get(..40)?).ok()?;
    Oid::from_str(text).ok()
}
