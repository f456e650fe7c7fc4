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

use super::Source;
use crate::git::objects::Objects;
use crate::hotfix::CommitId;

/// The longest text file below `.git` that is read (`packed-refs` of 50,000 tags is 4 MiB).
const LONGEST_FILE: u64 = 64 * 1024 * 1024;
/// The time for reading all of it; one commit takes a few milliseconds.
const LONGEST_READ: Duration = Duration::from_secs(10);
/// The most commits at which a clone is cut off; a shallow clone of one branch has a few.
const MOST_CUTS: usize = 100_000;

/// What the checkout holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The commit that is checked out. Of a pull request this is often a merge made by the clone.
    /// Not known of a repository that keeps its references in reftables.
    pub head: Option<CommitId>,
    /// The branch that is checked out.
    pub branch: Option<String>,
    /// The message of the commit that was built, if the checkout holds it.
    pub message: Option<String>,
    /// Where the objects are. Directories that these borrow from (`info/alternates`) are followed by
    /// [`Objects::open`].
    pub objects: Vec<PathBuf>,
    /// The commits at which a shallow clone was cut off: their parents are not there.
    pub shallow: Vec<CommitId>,
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
    let extensions = Extensions::of(&text(&common.join("config")).unwrap_or_default());
    if built.as_str().len() != 40 || extensions.sha256 {
        return Source::Unknown {
            because: "the checkout is a SHA-256 repository, which libgit2 cannot read".to_owned(),
            retry: false,
            advice: "nothing: the facts of the CI server are used instead".to_owned(),
        };
    }
    let (head, branch) = if extensions.reftable {
        (None, None)
    } else {
        head(&git_dir, &common)
    };
    let objects = vec![common.join("objects")];
    let shallow = text(&common.join("shallow")).unwrap_or_default();
    let shallow: Vec<CommitId> = shallow
        .lines()
        .take(MOST_CUTS)
        .filter_map(CommitId::parse)
        .collect();
    let message = Objects::open(&objects, &shallow)
        .and_then(|objects| objects.commit(built))
        .map(|commit| commit.message);
    Source::Known(Workspace {
        head,
        branch,
        message: message.ok(),
        objects,
        shallow,
    })
}

/// The commit and the branch that are checked out.
fn head(git_dir: &Path, common: &Path) -> (Option<CommitId>, Option<String>) {
    let head = text(&git_dir.join("HEAD")).unwrap_or_default();
    let head = head.trim_end();
    match head.strip_prefix("ref: ") {
        Some(name) => (
            resolve(git_dir, common, name),
            name.strip_prefix("refs/heads/").map(str::to_owned),
        ),
        None => (CommitId::parse(head), None),
    }
}

/// What the repository's own configuration says about its format (git's
/// `Documentation/config/extensions.adoc`). Nothing else of it is looked at, and no file that it
/// includes: git does not either, for these.
#[derive(Debug, Default, PartialEq, Eq)]
struct Extensions {
    sha256: bool,
    reftable: bool,
}

impl Extensions {
    fn of(config: &str) -> Self {
        let mut found = Self::default();
        let mut here = false;
        for line in config.lines() {
            let mut line = line.trim();
            if let Some((section, rest)) = line.strip_prefix('[').and_then(|l| l.split_once(']')) {
                here = section.trim().eq_ignore_ascii_case("extensions");
                line = rest.trim();
            }
            let Some((key, value)) = line.split_once('=').filter(|_| here) else {
                continue;
            };
            let value = value.split(['#', ';']).next().unwrap_or_default();
            let value = value.trim().trim_matches('"').trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "objectformat" => found.sha256 = value.eq_ignore_ascii_case("sha256"),
                // `reftable://…` is a reftable elsewhere.
                "refstorage" => {
                    found.reftable = value.to_ascii_lowercase().starts_with("reftable");
                }
                _ => {}
            }
        }
        found
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_of_a_repository_is_read_from_its_configuration() {
        let read = |config| {
            let found = Extensions::of(config);
            (found.sha256, found.reftable)
        };
        assert_eq!(read(""), (false, false));
        let both = "[core]\n\tbare = false\n[extensions]\n\tobjectformat = sha256\n\trefstorage = reftable\n";
        assert_eq!(read(both), (true, true));
        assert_eq!(
            read("[Extensions] ObjectFormat=\"SHA256\" # new"),
            (true, false)
        );
        assert_eq!(read("[extensions]\nobjectformat = sha1"), (false, false));
        assert_eq!(read("[other]\nobjectformat = sha256"), (false, false));
        assert_eq!(
            read("[extensions \"x\"]\nobjectformat = sha256"),
            (false, false)
        );
    }
}
