//! Objects by their ids: commits, tags, and files in the tree of a commit.
//!
//! libgit2's object database is all that is used of it here, and every object is hashed when it is
//! read, because an earlier step may have planted one under a wrong id.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::{Duration, Instant};

use git2::{ErrorCode, ObjectType, Odb, Oid};

use super::Gap;
use super::loose::Loose;
use super::trees::{Kind, Mode, parse_tree};
use crate::hotfix::CommitId;

/// The most objects directories; alternates of alternates are rare, more than a few are an attack.
const MOST_DIRECTORIES: usize = 32;
/// The most files that are looked at in them; `git gc` packs a repository of 6,700 loose objects.
const MOST_FILES: usize = 2_000_000;
/// The largest list of alternates.
const LONGEST_ALTERNATES: u64 = 64 * 1024;
/// The largest commit or tag; a commit of 16 MiB is no message that a person wrote.
const LARGEST_COMMIT: usize = 16 * 1024 * 1024;
/// The longest message that is kept; all rules look for a few lines.
const LONGEST_MESSAGE: usize = 256 * 1024;
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

/// Who wrote or committed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name, as it is in the commit.
    pub name: String,
    /// The address, as it is in the commit.
    pub email: String,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// The ids of its parents, the first one first. They need not be there.
    pub parents: Vec<CommitId>,
    /// The id of its tree.
    pub tree: CommitId,
    /// Who wrote it.
    pub author: Person,
    /// Who committed it.
    pub committer: Person,
    /// When it was written, in Unix seconds.
    pub authored: i64,
    /// When it was committed, in Unix seconds.
    pub committed: i64,
    /// The message; what is no UTF-8 in it is replaced, and it ends after 256 KiB.
    pub message: String,
}

/// What a walk needs of a commit.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) parents: Vec<Oid>,
    pub(super) date: i64,
}

/// A limit on the time of one question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn check(self) -> Result<(), Gap> {
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

impl Commit {
    /// The first line of the message.
    pub fn subject(&self) -> &str {
        self.message
            .trim_start()
            .lines()
            .next()
            .unwrap_or_default()
            .trim_end()
    }

    /// The trailers of the last paragraph, as `git interpret-trailers --parse --no-divider` sees
    /// them: keys as written, folded values on one line.
    pub fn trailers(&self) -> Vec<(String, String)> {
        super::trailers::parse(&self.message)
    }

    /// Whether it has more than one parent.
    pub const fn is_merge(&self) -> bool {
        self.parents.len() > 1
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

fn hex_at_start(data: &[u8]) -> Option<Oid> {
    let text = str::from_utf8(data.get(..40)?).ok()?;
    Oid::from_str(text).ok()
}

fn parse_node(data: &[u8]) -> Option<Node> {
    let mut parents = Vec::new();
    let mut rest = after_line(data.strip_prefix(b"tree ")?)?;
    while let Some(parent) = rest.strip_prefix(b"parent ") {
        parents.push(hex_at_start(parent)?);
        rest = after_line(parent)?;
    }
    let rest = after_line(rest.strip_prefix(b"author ")?)?;
    let line = rest.strip_prefix(b"committer ")?;
    let end = line.iter().position(|b| *b == b'\n').unwrap_or(line.len());
    Some(Node {
        parents,
        date: person(&line[..end]).1,
    })
}

fn after_line(data: &[u8]) -> Option<&[u8]> {
    let end = data.iter().position(|b| *b == b'\n')?;
    data.get(end + 1..)
}

/// `name <address> seconds zone`. A date that is none is 0, as in git.
fn person(line: &[u8]) -> (Person, i64) {
    let open = line.iter().position(|b| *b == b'<').unwrap_or(line.len());
    let close = line.iter().rposition(|b| *b == b'>').unwrap_or(line.len());
    let text = |part: Option<&[u8]>| {
        String::from_utf8_lossy(part.unwrap_or_default())
            .trim()
            .to_owned()
    };
    let seconds = text(line.get(close + 1..));
    let seconds = seconds.split_ascii_whitespace().next().unwrap_or_default();
    let person = Person {
        name: text(line.get(..open)),
        email: text(line.get(open + 1..close)),
    };
    let seconds = seconds.parse().ok().filter(|seconds| *seconds >= 0);
    (person, seconds.unwrap_or(0))
}

fn parse_commit(id: &CommitId, data: &[u8]) -> Option<Commit> {
    let node = parse_node(data)?;
    let split = data.windows(2).position(|pair| pair == b"\n\n");
    let (header, message) = match split {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[][..]),
    };
    let line = |key: &[u8]| {
        header
            .split(|b| *b == b'\n')
            .find_map(|line| line.strip_prefix(key))
    };
    let (author, authored) = person(line(b"author ")?);
    let (committer, committed) = person(line(b"committer ")?);
    let message = &message[..message.len().min(LONGEST_MESSAGE)];
    Some(Commit {
        id: id.clone(),
        parents: node.parents.into_iter().map(name).collect(),
        tree: name(hex_at_start(line(b"tree ")?)?),
        author,
        committer,
        authored,
        committed,
        message: String::from_utf8_lossy(message).into_owned(),
    })
}

/// The directories and those that their `info/alternates` name, each once.
fn every_directory(
    given: &[PathBuf],
    loose: &mut HashMap<Oid, usize>,
) -> Result<Vec<PathBuf>, Gap> {
    let mut waiting: Vec<(PathBuf, bool)> = given
        .iter()
        .rev()
        .map(|path| (path.clone(), true))
        .collect();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut files = 0;
    while let Some((directory, wanted)) = waiting.pop() {
        let data = fs::metadata(&directory).ok().filter(fs::Metadata::is_dir);
        let Some(data) = data else {
            // An alternate that is not there is passed by, as git does; its objects are missing.
            if !wanted {
                continue;
            }
            return Err(Gap::Broken(format!(
                "the objects directory `{}` is not there",
                directory.display()
            )));
        };
        if !seen.insert((data.dev(), data.ino())) {
            continue;
        }
        if seen.len() > MOST_DIRECTORIES {
            return Err(Gap::Limit(format!(
                "the repository borrows objects of more than {MOST_DIRECTORIES} others"
            )));
        }
        for id in check_files(&directory, &mut files)? {
            loose.entry(id).or_insert(found.len());
        }
        for alternate in alternates(&directory)?.into_iter().rev() {
            waiting.push((alternate, false));
        }
        found.push(directory);
    }
    Ok(found)
}

/// What `info/alternates` names: one path a line, `#` for comments, relative to the objects
/// directory (gitrepository-layout(5)).
fn alternates(objects: &Path) -> Result<Vec<PathBuf>, Gap> {
    let file = objects.join("info/alternates");
    let Ok(data) = fs::metadata(&file) else {
        return Ok(Vec::new());
    };
    if !data.is_file() || data.len() > LONGEST_ALTERNATES {
        return Err(Gap::Broken(format!(
            "`{}` is no list of alternates",
            file.display()
        )));
    }
    let text = fs::read_to_string(&file)
        .map_err(|e| Gap::Broken(format!("`{}` cannot be read: {e}", file.display())))?;
    let lines = text.lines().map(str::trim_end);
    let paths = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(paths.map(|path| objects.join(path)).collect())
}

/// Looks for what would make libgit2 wait: opening a FIFO waits for somebody who writes to it. Gives
/// the ids of the loose objects.
fn check_files(objects: &Path, files: &mut usize) -> Result<Vec<Oid>, Gap> {
    let mut loose = Vec::new();
    let Ok(top) = fs::read_dir(objects) else {
        return Err(Gap::Broken(format!(
            "`{}` cannot be listed",
            objects.display()
        )));
    };
    for directory in top.flatten().map(|entry| entry.path()) {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            *files += 1;
            if *files > MOST_FILES {
                return Err(Gap::Limit(format!(
                    "the repository has more than {MOST_FILES} files of objects"
                )));
            }
            let regular = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => {
                    fs::metadata(entry.path()).is_ok_and(|data| data.is_file() || data.is_dir())
                }
                Ok(kind) => kind.is_file() || kind.is_dir(),
                Err(_) => false,
            };
            if !regular {
                return Err(Gap::Broken(format!(
                    "`{}` is no regular file",
                    entry.path().display()
                )));
            }
            let (start, rest) = (directory.file_name(), entry.file_name());
            if let (Some(start), Some(rest)) = (start.and_then(OsStr::to_str), rest.to_str())
                && (start.len(), rest.len()) == (2, 38)
                && let Ok(id) = Oid::from_str(&format!("{start}{rest}"))
            {
                loose.push(id);
            }
        }
    }
    Ok(loose)
}
