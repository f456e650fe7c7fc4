//! The checkout, read as objects only: no configuration, no hooks, no filters, no program, and no
//! question about who owns it (a plugin often runs as another user than the clone step).
//!
//! References are read by ourselves, because `Repository::open` would read the configuration that
//! an earlier step or the commit itself may have written.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use git2::{Odb, Oid, Repository};

use super::Source;
use crate::hotfix::CommitId;

/// The longest text file below `.git` that is read (`packed-refs` of 50,000 tags is 4 MiB).
const LONGEST_FILE: u64 = 64 * 1024 * 1024;
/// The time for reading all of it; one commit takes a few milliseconds.
const LONGEST_READ: Duration = Duration::from_secs(10);
/// The largest commit object that is read.
const LARGEST_COMMIT: usize = 1024 * 1024;

/// What the checkout holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The commit that is checked out. Of a pull request this is often a merge made by the clone.
    pub head: Option<CommitId>,
    /// The branch that is checked out.
    pub branch: Option<String>,
    /// The message of the commit that was built, if the checkout holds it.
    pub message: Option<String>,
}

/// Reads the checkout in `workspace`, and the built commit in it. Whoever wrote the workspace may
/// have put a FIFO where libgit2 expects a file, and opening one waits for ever; so the reading has
/// a thread of its own, and a limit.
pub fn read(workspace: &Path, built: &CommitId) -> Source<Workspace> {
    let (sender, receiver) = mpsc::channel();
    let (path, commit) = (workspace.to_owned(), built.clone());
    thread::spawn(move || sender.send(read_unbounded(&path, &commit)));
    receiver
        .recv_timeout(LONGEST_READ)
        .unwrap_or_else(|_| Source::Unknown {
            because: format!(
                "the checkout could not be read in {} seconds",
                LONGEST_READ.as_secs()
            ),
            retry: false,
            advice: "look for files below `.git` that are no regular files".to_owned(),
        })
}

fn read_unbounded(workspace: &Path, built: &CommitId) -> Source<Workspace> {
    let Some(git_dir) = git_dir(workspace) else {
        return Source::NotConfigured("the workspace holds no git checkout".to_owned());
    };
    let common = text(&git_dir.join("commondir"))
        .map_or_else(|| git_dir.clone(), |path| git_dir.join(path.trim_end()));
    let head = text(&git_dir.join("HEAD")).unwrap_or_default();
    let head = head.trim_end();
    let branch = head.strip_prefix("ref: refs/heads/").map(str::to_owned);
    let commit = match head.strip_prefix("ref: ") {
        Some(name) => resolve(&git_dir, &common, name),
        None => CommitId::parse(head),
    };
    if built.as_str().len() != 40 {
        return Source::Unknown {
            because: "the checkout is a SHA-256 repository, which libgit2 cannot read".to_owned(),
            retry: false,
            advice: "nothing: the facts of the CI server are used instead".to_owned(),
        };
    }
    let message = message(&common.join("objects"), built).ok().flatten();
    Source::Known(Workspace {
        head: commit,
        branch,
        message,
    })
}

/// `.git`, or the directory that a `.git` file of a worktree or submodule names.
fn git_dir(workspace: &Path) -> Option<PathBuf> {
    let dot_git = workspace.join(".git");
    if dot_git.is_dir() {
        return Some(dot_git);
    }
    let pointer = text(&dot_git)?;
    let path = workspace.join(pointer.strip_prefix("gitdir: ")?.trim_end());
    path.is_dir().then_some(path)
}

/// A reference, loose or packed.
fn resolve(git_dir: &Path, common: &Path, name: &str) -> Option<CommitId> {
    // The name comes out of a file that somebody else wrote; it must not lead out of the directory.
    if !git2::Reference::is_valid_name(name) {
        return None;
    }
    let loose = [git_dir, common]
        .iter()
        .find_map(|dir| text(&dir.join(name)));
    if let Some(id) = loose.and_then(|id| CommitId::parse(id.trim_end())) {
        return Some(id);
    }
    let packed = text(&common.join("packed-refs"))?;
    packed.lines().find_map(|line| {
        let (id, known) = line.split_once(' ')?;
        (known == name).then(|| CommitId::parse(id))?
    })
}

fn message(objects: &Path, commit: &CommitId) -> Result<Option<String>, git2::Error> {
    let Some(path) = objects.to_str().filter(|_| objects.is_dir()) else {
        return Ok(None);
    };
    let odb = Odb::new()?;
    odb.add_disk_alternate(path)?;
    let id = Oid::from_str(commit.as_str())?;
    if odb.read_header(id)?.0 > LARGEST_COMMIT {
        return Ok(None);
    }
    let repository = Repository::from_odb(odb)?;
    let commit = repository.find_commit(id)?;
    Ok(Some(
        String::from_utf8_lossy(commit.message_bytes()).into_owned(),
    ))
}

/// A small text file; `None` if it is not there, too long, or no UTF-8.
fn text(path: &Path) -> Option<String> {
    // Asked before it is opened: opening a FIFO waits for somebody who writes to it.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let file = fs::File::open(path).ok()?;
    let mut text = String::new();
    file.take(LONGEST_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}
