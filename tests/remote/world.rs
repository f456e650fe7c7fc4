//! A repository on a server, with what real ones have, and workspaces that were cloned from it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use drone_hotfix::facts::remote::Remote;
use drone_hotfix::hotfix::CommitId;
use drone_hotfix::http::{Client, Proxy, Trust};
use git2::{Odb, Oid, Repository};

use crate::support::git::{self, git};
use crate::support::git_server::GitServer;
use crate::support::registry::TempDir;

pub fn client(server: &GitServer) -> Client {
    client_of(&server.address(), Duration::from_secs(60))
}

pub fn client_of(address: &str, timeout: Duration) -> Client {
    let trust = Trust {
        insecure: vec![address.to_owned()],
        ..Trust::default()
    };
    Client::new(trust, &Proxy::default(), timeout).unwrap()
}

pub fn remote(server: &GitServer) -> Remote {
    Remote::new(&server.url("origin.git"), None, client(server)).unwrap()
}

/// An empty bare repository.
pub fn repository(root: &TempDir, name: &str, arguments: &[&str]) -> PathBuf {
    let path = PathBuf::from(root.path(name));
    let start = ["init", "--quiet", "--bare", "--initial-branch=main"];
    let arguments = [&start[..], arguments, &[path.to_str().unwrap()]].concat();
    git(Path::new("/"), &arguments);
    path
}

/// Adds a commit with one file to a branch of a bare repository.
pub fn commit_to(repository: &Path, branch: &str, text: &str) {
    let tip = git::run(repository, &["rev-parse", "--verify", "--quiet", branch]);
    let from = if tip.status.success() {
        format!("from {}", String::from_utf8_lossy(&tip.stdout))
    } else {
        String::new()
    };
    import(
        repository,
        &format!(
            "commit refs/heads/{branch}\ncommitter e <e@example.com> 1700009999 +0000\ndata {}\n{text}\n{from}M 644 inline {text}\ndata 1\nx\n\n",
            text.len()
        ),
    );
}

fn import(repository: &Path, stream: &str) {
    use std::io::Write as _;
    let mut child = git::command(repository, &["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(stream.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
}

/// The repository `origin.git` below a directory.
pub struct Origin {
    root: PathBuf,
    _directory: TempDir,
}

impl Origin {
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn path(&self) -> PathBuf {
        self.root().join("origin.git")
    }
}

/// 60 commits on `trunk`; `hotfix/HOCS-1` with three commits off the release 1.2.0, which has 27
/// more tags, annotated ones, and tags of tags; a pull request.
pub fn origin() -> Origin {
    let root = TempDir::new();
    let path = repository(&root, "origin.git", &[]);
    let mut stream = String::new();
    let mut add = |mark: usize, branch: &str, from: Option<usize>| {
        let from = from.map_or_else(String::new, |from| format!("from :{from}\n"));
        let text = format!("{branch} {mark}");
        stream.push_str(&format!(
            "commit refs/heads/{branch}\nmark :{mark}\ncommitter e <e@example.com> {} +0000\ndata {}\n{text}\n{from}M 644 inline file-{mark}\ndata {}\n{text}\n\n",
            1_700_000_000 + mark * 100,
            text.len(),
            text.len(),
        ));
    };
    for mark in 1..=60 {
        add(mark, "trunk", (mark > 1).then(|| mark - 1));
    }
    add(61, "hotfix/HOCS-1", Some(40));
    add(62, "hotfix/HOCS-1", Some(61));
    add(63, "hotfix/HOCS-1", Some(62));
    add(64, "work/HOCS-1", Some(62));
    for (tag, mark) in [("1.0.0", 10), ("1.1.0", 30)] {
        stream.push_str(&format!("reset refs/tags/{tag}\nfrom :{mark}\n\n"));
    }
    for number in 0..27 {
        stream.push_str(&format!("reset refs/tags/deployed-{number}\nfrom :40\n\n"));
    }
    stream.push_str("reset refs/pull/7/head\nfrom :64\n\n");
    import(&path, &stream);
    let release = git(&path, &["rev-parse", "refs/tags/deployed-0"]);
    git(
        &path,
        &["tag", "--annotate", "--message=release", "1.2.0", &release],
    );
    git(
        &path,
        &["tag", "--annotate", "--message=inner", "inner", "1.2.0"],
    );
    git(
        &path,
        &["tag", "--annotate", "--message=outer", "outer", "inner"],
    );
    git(&path, &["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    Origin {
        root: PathBuf::from(root.path("")),
        _directory: root,
    }
}

/// The commit of a name.
pub fn commit(repository: &Path, name: &str) -> CommitId {
    CommitId::parse(&git(repository, &["rev-parse", "--verify", name])).unwrap()
}

/// A repository of objects alone.
pub fn objects(directories: &[PathBuf]) -> Repository {
    let odb = Odb::new().unwrap();
    for directory in directories {
        odb.add_disk_alternate(directory.to_str().unwrap()).unwrap();
    }
    Repository::from_odb(odb).unwrap()
}

pub fn oid(id: &CommitId) -> Oid {
    Oid::from_str(id.as_str()).unwrap()
}

/// Whether a commit is in one of the directories.
pub fn has(directories: &[PathBuf], id: &CommitId) -> bool {
    objects(directories).find_commit(oid(id)).is_ok()
}

/// Every file below a directory, with what would change if somebody wrote to it.
pub fn snapshot(directory: &Path) -> Vec<(PathBuf, u64, i64, i64, u32)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(path) = open.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            open.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        let times = (meta.mtime(), meta.mtime_nsec());
        found.push((path, meta.len(), times.0, times.1, meta.mode()));
    }
    found.sort();
    found
}
