//! The reference files of a repository: `HEAD`, loose references, `packed-refs`. The configuration
//! is not read, and nothing is opened that is no regular file: whoever wrote the workspace may have
//! put a FIFO or a link to `/dev/zero` there.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use git2::{Odb, Oid};

use super::{LONGEST_NAME, MOST, Reference, References, RefsError, is_name};
use crate::hotfix::CommitId;

/// The longest `packed-refs`; of 50,000 tags it has 4 MiB.
const LONGEST_PACKED: u64 = 64 * 1024 * 1024;
/// The longest of all other files: one name or one id.
const LONGEST_SMALL: u64 = LONGEST_NAME as u64 + 64;
/// The longest list of boundary commits.
const LONGEST_SHALLOW: u64 = 8 * 1024 * 1024;
/// How many directories deep names may go.
const DEEPEST: usize = 64;
/// How many files are looked at, those that are no references included.
const MOST_FILES: usize = 2 * MOST;
/// How often a symbolic reference may point to another; git allows five.
const SYMBOLIC: usize = 5;
/// How many tags may stand between a tag and its commit.
const TAGS_OF_TAGS: usize = 16;
/// The largest object of a tag that is read.
const LARGEST_TAG: usize = 1024 * 1024;
/// The time for reading all of it. A repository of 50,000 loose tags takes about a second.
const LONGEST_READ: Duration = Duration::from_secs(20);
/// What is read of the references: branches, tags, and what a clone knows of its remotes.
const READ: [&str; 3] = ["heads", "tags", "remotes"];

/// Reads the references of a repository. `git_dir` is its directory (`.git`, a bare repository), or
/// the `.git` file of a worktree or submodule. Files whose names git would not take for references
/// are passed by, as git does; a reference that points nowhere is left out.
///
/// An object may lie behind a file that cannot be opened without waiting, so all of it has a thread
/// of its own and a limit. It blocks until then.
///
/// # Errors
/// If it is no repository, of a kind that is not read, or its files are not what git leaves there.
pub fn read(git_dir: &Path) -> Result<References, RefsError> {
    let (sender, receiver) = mpsc::channel();
    let path = git_dir.to_owned();
    thread::spawn(move || sender.send(Directories::of(&path).and_then(|d| d.read())));
    receiver
        .recv_timeout(LONGEST_READ)
        .unwrap_or(Err(RefsError::TooSlow))
}

/// The boundary commits of a shallow repository, from its file `shallow`; empty if it is whole.
///
/// # Errors
/// As [`read`].
pub fn shallow(git_dir: &Path) -> Result<Vec<CommitId>, RefsError> {
    let path = Directories::of(git_dir)?.common.join("shallow");
    let text = text(&path, LONGEST_SHALLOW)?.unwrap_or_default();
    text.lines()
        .map(|line| id(&path, line.trim_end()))
        .collect()
}

/// The directory of a repository's objects.
///
/// # Errors
/// As [`read`].
pub fn objects(git_dir: &Path) -> Result<PathBuf, RefsError> {
    Ok(Directories::of(git_dir)?.common.join("objects"))
}

/// The lines of a small file that lists something; none if it is not there.
pub(crate) fn lines(path: &Path) -> Result<Vec<String>, RefsError> {
    let text = text(path, LONGEST_SHALLOW)?.unwrap_or_default();
    Ok(text.lines().map(str::to_owned).collect())
}

struct Directories {
    /// Where `HEAD` is.
    git_dir: PathBuf,
    /// Where everything else is; another one in a worktree.
    common: PathBuf,
}

impl Directories {
    fn of(git_dir: &Path) -> Result<Self, RefsError> {
        let none = || RefsError::NoRepository(git_dir.to_owned());
        let mut git_dir_found = git_dir.to_owned();
        if !git_dir.is_dir() {
            let pointer = text(git_dir, LONGEST_SMALL)?.ok_or_else(none)?;
            let pointer = pointer.strip_prefix("gitdir: ").ok_or_else(none)?;
            let parent = git_dir.parent().unwrap_or(Path::new(""));
            git_dir_found = parent.join(pointer.trim_end_matches(['\r', '\n']));
        }
        let common = text(&git_dir_found.join("commondir"), LONGEST_SMALL)?;
        let common = common.map_or_else(
            || git_dir_found.clone(),
            |path| git_dir_found.join(path.trim_end_matches(['\r', '\n'])),
        );
        if !common.join("objects").is_dir() || !common.join("refs").is_dir() {
            return Err(none());
        }
        if common.join("reftable").exists() {
            return Err(RefsError::Reftable);
        }
        Ok(Self {
            git_dir: git_dir_found,
            common,
        })
    }

    fn read(&self) -> Result<References, RefsError> {
        let head = self.head()?;
        let mut found = self.packed()?;
        let mut symbolic = HashMap::new();
        let mut files = 0;
        for below in READ {
            let path = self.common.join("refs").join(below);
            walk(
                &path,
                &format!("refs/{below}"),
                0,
                &mut files,
                &mut |name, path| {
                    let text = text(path, LONGEST_SMALL)?.unwrap_or_default();
                    let text = text.trim_end();
                    // A loose reference covers the packed one.
                    found.remove(&name);
                    if let Some(target) = text.strip_prefix("ref:") {
                        symbolic.insert(name, target.trim().to_owned());
                    } else {
                        found.insert(name, Target::loose(id(path, text)?));
                    }
                    Ok(())
                },
            )?;
        }
        for (name, first) in &symbolic {
            let mut target = first;
            for _ in 0..SYMBOLIC {
                match symbolic.get(target) {
                    Some(next) => target = next,
                    None => break,
                }
            }
            if let Some(target) = found.get(target).cloned() {
                found.insert(name.clone(), target);
            }
        }
        if found.len() > MOST {
            return Err(RefsError::TooMany("250,000 references"));
        }
        self.peel(&mut found)?;
        let list = found.into_iter().map(|(name, target)| Reference {
            name,
            id: target.id,
            peeled: target.peeled,
        });
        References::new(list.collect(), head)
            .map_err(|name| RefsError::Odd(self.common.clone(), format!("a home of two `{name}`")))
    }

    /// The full name of what `HEAD` points to.
    fn head(&self) -> Result<Option<String>, RefsError> {
        let path = self.git_dir.join("HEAD");
        let text = text(&path, LONGEST_SMALL)?
            .ok_or_else(|| RefsError::NoRepository(self.git_dir.clone()))?;
        match text.trim_end().strip_prefix("ref:") {
            Some(name) if is_name(name.trim()) => Ok(Some(name.trim().to_owned())),
            Some(_) => Err(RefsError::Odd(
                path,
                "a reference to what is no reference".to_owned(),
            )),
            None => id(&path, text.trim_end()).map(|_| None),
        }
    }

    fn packed(&self) -> Result<HashMap<String, Target>, RefsError> {
        let path = self.common.join("packed-refs");
        let text = text(&path, LONGEST_PACKED)?.unwrap_or_default();
        let mut found: HashMap<String, Target> = HashMap::new();
        // What is said about peeling holds for the whole file (git's refs/packed-backend.c).
        let (mut peeled, mut fully) = (false, false);
        let mut last = None;
        for line in text.lines() {
            if let Some(header) = line.strip_prefix("# pack-refs with:") {
                let mut traits = header.split_whitespace();
                fully = traits.clone().any(|word| word == "fully-peeled");
                peeled = fully || traits.any(|word| word == "peeled");
            } else if let Some(target) = line.strip_prefix('^') {
                let of = last.as_ref().and_then(|name| found.get_mut(name));
                if let Some(of) = of {
                    of.peeled = Some(id(&path, target)?);
                }
            } else if !line.starts_with('#') {
                let (digits, name) = line.split_once(' ').ok_or_else(|| {
                    RefsError::Odd(path.clone(), "no list of references".to_owned())
                })?;
                last = None;
                let wanted = name.strip_prefix("refs/").is_some_and(|rest| {
                    READ.iter()
                        .any(|below| rest.strip_prefix(below).is_some_and(|r| r.starts_with('/')))
                });
                if !wanted || !is_name(name) || name.contains(char::REPLACEMENT_CHARACTER) {
                    continue;
                }
                let known = fully || peeled && name.starts_with(super::TAG);
                let target = Target {
                    id: id(&path, digits)?,
                    peeled: None,
                    known,
                };
                if found.len() >= MOST {
                    return Err(RefsError::TooMany("250,000 references"));
                }
                found.insert(name.to_owned(), target);
                last = Some(name.to_owned());
            }
        }
        Ok(found)
    }

    /// Looks up what the tags point to of which no file says it.
    fn peel(&self, found: &mut HashMap<String, Target>) -> Result<(), RefsError> {
        let mut open: Vec<&mut Target> = found
            .iter_mut()
            .filter(|(name, target)| !target.known && name.starts_with(super::TAG))
            .map(|(_, target)| target)
            .collect();
        let objects = self.common.join("objects");
        if open.is_empty() {
            return Ok(());
        }
        let odd = |error: git2::Error| {
            RefsError::Odd(objects.clone(), format!("odd: {}", error.message()))
        };
        let path = objects
            .to_str()
            .ok_or_else(|| RefsError::Odd(objects.clone(), "no path in UTF-8".to_owned()))?;
        let odb = Odb::new().map_err(odd)?;
        odb.add_disk_alternate(path).map_err(odd)?;
        for target in &mut open {
            target.peeled = peel(&odb, &target.id);
        }
        Ok(())
    }
}

#[derive(Clone)]
struct Target {
    id: CommitId,
    peeled: Option<CommitId>,
    /// Whether `peeled` says all, so that nothing needs to be looked up.
    known: bool,
}

impl Target {
    const fn loose(id: CommitId) -> Self {
        Self {
            id,
            peeled: None,
            known: false,
        }
    }
}

/// What a tag's object points to at last; `None` if it is no tag's object or cannot be read.
fn peel(odb: &Odb<'_>, id: &CommitId) -> Option<CommitId> {
    let mut oid = Oid::from_str(id.as_str()).ok()?;
    let mut peeled = None;
    for _ in 0..TAGS_OF_TAGS {
        match odb.read_header(oid).ok()? {
            (size, git2::ObjectType::Tag) if size <= LARGEST_TAG => {}
            (_, git2::ObjectType::Tag) => return None,
            _ => return peeled,
        }
        let object = odb.read(oid).ok()?;
        let first = object.data().split(|byte| *byte == b'\n').next()?;
        let digits = std::str::from_utf8(first.strip_prefix(b"object ")?).ok()?;
        peeled = CommitId::parse(digits);
        oid = Oid::from_str(digits).ok()?;
    }
    None
}

/// Calls for every regular file below a directory whose path makes a name of a reference.
fn walk(
    directory: &Path,
    name: &str,
    depth: usize,
    files: &mut usize,
    each: &mut impl FnMut(String, &Path) -> Result<(), RefsError>,
) -> Result<(), RefsError> {
    if depth > DEEPEST {
        return Err(RefsError::TooMany("64 levels of directories below `refs`"));
    }
    let broken = |error: std::io::Error| RefsError::Odd(directory.to_owned(), error.to_string());
    match fs::symlink_metadata(directory) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err(odd_file(directory)),
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(broken(error)),
    }
    for entry in fs::read_dir(directory).map_err(broken)? {
        let entry = entry.map_err(broken)?;
        *files += 1;
        if *files > MOST_FILES {
            return Err(RefsError::TooMany("500,000 files below `refs`"));
        }
        // A name that is no UTF-8 can be asked for by nobody here.
        let Ok(last) = entry.file_name().into_string() else {
            continue;
        };
        let full = format!("{name}/{last}");
        let kind = entry.file_type().map_err(broken)?;
        // `is_name` refuses `x.lock`, what begins with a dot, control characters, and the like.
        if !is_name(&full) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), &full, depth + 1, files, each)?;
        } else {
            each(full, &entry.path())?;
        }
    }
    Ok(())
}

/// A text file; `None` if it is not there.
fn text(path: &Path, longest: u64) -> Result<Option<String>, RefsError> {
    let broken = |error: std::io::Error| RefsError::Odd(path.to_owned(), error.to_string());
    // Asked before it is opened: opening a FIFO waits for somebody who writes to it.
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Err(odd_file(path)),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(broken(error)),
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(broken(error)),
    };
    let mut bytes = Vec::new();
    file.take(longest + 1)
        .read_to_end(&mut bytes)
        .map_err(broken)?;
    if bytes.len() as u64 > longest {
        return Err(RefsError::Odd(
            path.to_owned(),
            format!("longer than {longest} bytes"),
        ));
    }
    // Names that are no UTF-8 can be asked for by nobody here; their lines are still lines.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn odd_file(path: &Path) -> RefsError {
    RefsError::Odd(
        path.to_owned(),
        "no regular file or directory, and links are not followed".to_owned(),
    )
}

fn id(path: &Path, digits: &str) -> Result<CommitId, RefsError> {
    match CommitId::parse(digits) {
        Some(id) if id.as_str().len() == 40 => Ok(id),
        Some(_) => Err(RefsError::Sha256),
        None => Err(RefsError::Odd(
            path.to_owned(),
            "neither the id of an object nor the name of a reference".to_owned(),
        )),
    }
}
