//! References read from the files of a repository, as `git` leaves them and as somebody else may.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use drone_hotfix::git::refs::{self, References, RefsError};

use super::world::{commit, commit_to, origin, repository};
use crate::support::git::git;
use crate::support::processor;
use crate::support::registry::TempDir;

/// Branches, tags and remotes, and what tags point to at last, as `git` reads them.
fn read_by_git(git_dir: &Path) -> BTreeMap<String, String> {
    let format = "--format=%(refname) %(objectname) %(*objectname)";
    let text = git(
        git_dir,
        &[
            "for-each-ref",
            format,
            "refs/heads",
            "refs/tags",
            "refs/remotes",
        ],
    );
    let lines = text.lines().map(|line| {
        let [name, id, peeled] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        // git before 2.45 peels once only here.
        let target = if peeled.is_empty() {
            id.to_owned()
        } else {
            git(git_dir, &["rev-parse", &format!("{id}^{{}}")])
        };
        (name.to_owned(), target)
    });
    lines.collect()
}

fn read_by_us(references: &References) -> BTreeMap<String, String> {
    let pairs = references.iter();
    let pairs = pairs.map(|r| (r.name.clone(), r.target().as_str().to_owned()));
    pairs.collect()
}

#[track_caller]
fn agrees_with_git(git_dir: &Path) {
    let references = refs::read(git_dir).unwrap();
    let expected = read_by_git(
        git_dir
            .parent()
            .filter(|_| git_dir.is_file())
            .unwrap_or(git_dir),
    );
    assert_eq!(read_by_us(&references), expected);
    assert_eq!(references.len(), expected.len());
}

#[track_caller]
fn fails(git_dir: &Path, word: &str) {
    let start = Instant::now();
    let error = refs::read(git_dir).unwrap_err();
    assert!(error.to_string().contains(word), "no {word} in: {error}");
    assert!(!error.advice().is_empty());
    assert!(start.elapsed() < Duration::from_secs(60), "{error}");
}

#[test]
fn loose_packed_and_mixed() {
    let origin = origin();
    let path = origin.path();
    agrees_with_git(&path);
    git(&path, &["pack-refs", "--all"]);
    agrees_with_git(&path);
    // A loose reference covers the packed one, and a deleted one is gone.
    commit_to(&path, "trunk", "later");
    let release = git(&path, &["rev-parse", "1.2.0^{commit}"]);
    git(
        &path,
        &[
            "tag",
            "--annotate",
            "--force",
            "--message=again",
            "1.0.0",
            &release,
        ],
    );
    git(&path, &["tag", "--delete", "deployed-3"]);
    agrees_with_git(&path);
    // Packed by a git that did not write down what tags point to, or not of everything.
    let packed = fs::read_to_string(path.join("packed-refs")).unwrap();
    let plain: String = packed
        .lines()
        .filter(|line| !line.starts_with(['#', '^']))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(path.join("packed-refs"), &plain).unwrap();
    agrees_with_git(&path);
    assert_eq!(
        refs::read(&path).unwrap().tag("outer"),
        Some(&commit(&path, &release))
    );
    let partly = packed.replace("fully-peeled", "");
    fs::write(path.join("packed-refs"), partly).unwrap();
    agrees_with_git(&path);
}

#[test]
fn clones_worktrees_and_what_head_says() {
    let origin = origin();
    let clone = origin.root().join("clone");
    let [from, to] = [&origin.path(), &clone].map(|path| path.to_str().unwrap().to_owned());
    git(Path::new("/"), &["clone", "--quiet", &from, &to]);
    let git_dir = clone.join(".git");
    agrees_with_git(&git_dir);
    let references = refs::read(&git_dir).unwrap();
    // `refs/remotes/origin/HEAD` is a name for another one.
    let head = references.get("refs/remotes/origin/HEAD").unwrap();
    assert_eq!(
        head.id,
        references.get("refs/remotes/origin/trunk").unwrap().id
    );
    let below: Vec<_> = references.below("refs/remotes/origin/hotfix/").collect();
    assert_eq!(
        below,
        [("HOCS-1", &commit(&origin.path(), "hotfix/HOCS-1"))]
    );
    let worktree = origin.root().join("worktree");
    git(
        &clone,
        &[
            "worktree",
            "add",
            "--quiet",
            "-b",
            "other",
            worktree.to_str().unwrap(),
        ],
    );
    agrees_with_git(&worktree.join(".git"));
    assert_eq!(
        refs::read(&worktree.join(".git")).unwrap().head_branch(),
        Some("other")
    );
    assert_eq!(refs::read(&git_dir).unwrap().head_branch(), Some("trunk"));
    git(&clone, &["checkout", "--quiet", "--detach"]);
    assert_eq!(refs::read(&git_dir).unwrap().head_branch(), None);
    // Names for names: a ring, and one that leads nowhere.
    for (name, target) in [("a", "b"), ("b", "a"), ("c", "nowhere"), ("d", "trunk")] {
        let name = format!("refs/heads/{name}");
        git(
            &clone,
            &["symbolic-ref", &name, &format!("refs/heads/{target}")],
        );
    }
    let references = refs::read(&git_dir).unwrap();
    assert_eq!(references.branch("d"), references.branch("trunk"));
    assert_eq!(
        ["a", "b", "c"].map(|name| references.branch(name)),
        [None; 3]
    );
}

/// What git passes by, we pass by.
#[test]
fn files_that_are_no_references() {
    let origin = origin();
    let path = origin.path();
    let id = git(&path, &["rev-parse", "trunk"]);
    let heads = path.join("refs/heads");
    for name in [
        "x.lock",
        ".hidden",
        "a..b",
        "with space",
        "bell\u{7}",
        "esc\u{1b}[31m",
        "new\nline",
        "x~1",
    ] {
        fs::write(heads.join(name), format!("{id}\n")).unwrap();
    }
    fs::create_dir_all(heads.join("empty/below")).unwrap();
    let references = refs::read(&path).unwrap();
    let names: Vec<_> = references.branches().map(|(name, _)| name).collect();
    assert_eq!(names, ["hotfix/HOCS-1", "trunk", "work/HOCS-1"]);
    let mut packed = fs::read_to_string(path.join("packed-refs")).unwrap_or_default();
    packed.push_str(&format!(
        "{id} refs/heads/../../x\n{id} refs/heads/\u{1b}[31m\n{id} x\n"
    ));
    fs::write(path.join("packed-refs"), packed).unwrap();
    assert_eq!(refs::read(&path).unwrap(), references);
}

#[test]
fn repositories_that_are_not_read() {
    let root = TempDir::new();
    fails(Path::new("/nowhere"), "no git repository");
    fails(Path::new(&root.path("")), "no git repository");
    let file = root.write("file", "gitdir: /nowhere\n");
    fails(Path::new(&file), "no git repository");
    let file = root.write("loop", "gitdir: loop\n");
    fails(Path::new(&file), "no git repository");
    let path = repository(&root, "sha256.git", &["--object-format=sha256"]);
    commit_to(&path, "main", "a");
    fails(&path, "SHA-256");
    git(&path, &["pack-refs", "--all"]);
    fails(&path, "SHA-256");
    // As git 2.45 and later write it: a directory `reftable`, and a `HEAD` that says nothing.
    let path = repository(&root, "reftable.git", &[]);
    fs::write(path.join("HEAD"), "ref: refs/heads/.invalid\n").unwrap();
    fs::create_dir(path.join("reftable")).unwrap();
    assert_eq!(refs::read(&path), Err(RefsError::Reftable));
}

/// Each is one change to a good repository.
#[test]
fn what_somebody_planted() {
    type Plant = fn(&Path);
    let plants: [(Plant, &str); 12] = [
        (
            |path| fs::write(path.join("HEAD"), "ref: ../../../etc/passwd").unwrap(),
            "no reference",
        ),
        (|path| fs::write(path.join("HEAD"), "").unwrap(), "neither"),
        (
            |path| fs::write(path.join("HEAD"), [b'a'; 100_000]).unwrap(),
            "longer than",
        ),
        (
            |path| replace(&path.join("HEAD"), link_to_zero),
            "no regular file",
        ),
        (|path| replace(&path.join("HEAD"), fifo), "no regular file"),
        (
            |path| fifo(&path.join("refs/heads/pipe")),
            "no regular file",
        ),
        (
            |path| link_to_zero(&path.join("packed-refs")),
            "no regular file",
        ),
        (
            |path| symlink("/", path.join("refs/heads/root")).unwrap(),
            "no regular file",
        ),
        (
            |path| fs::write(path.join("refs/heads/text"), "no id").unwrap(),
            "neither",
        ),
        (
            |path| fs::write(path.join("packed-refs"), "nonsense").unwrap(),
            "no list",
        ),
        (
            |path| fs::write(path.join("packed-refs"), "nonsense refs/heads/x").unwrap(),
            "neither",
        ),
        (
            |path| fs::create_dir_all(path.join("refs/tags").join("d/".repeat(100))).unwrap(),
            "64 levels",
        ),
    ];
    for (plant, word) in plants {
        let root = TempDir::new();
        let path = repository(&root, "r.git", &[]);
        plant(&path);
        fails(&path, word);
    }
    // A list that claims to be endless costs no disk and no memory.
    let root = TempDir::new();
    let path = repository(&root, "r.git", &[]);
    let file = fs::File::create(path.join("packed-refs")).unwrap();
    file.set_len(1 << 40).unwrap();
    fails(&path, "longer than");
}

fn replace(path: &Path, with: fn(&Path)) {
    fs::remove_file(path).unwrap();
    with(path);
}

fn link_to_zero(path: &Path) {
    symlink("/dev/zero", path).unwrap();
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_tag_whose_object_is_missing_is_no_commit() {
    let origin = origin();
    let path = origin.path();
    let tag = git(&path, &["rev-parse", "refs/tags/outer"]);
    let object: PathBuf = path.join("objects").join(&tag[..2]).join(&tag[2..]);
    fs::remove_file(object).unwrap();
    let references = refs::read(&path).unwrap();
    let outer = references.get("refs/tags/outer").unwrap();
    assert_eq!((outer.id.as_str(), &outer.peeled), (&*tag, &None));
    assert_eq!(
        references.tag("1.2.0"),
        Some(&commit(&path, "1.2.0^{commit}"))
    );
}

#[test]
fn fifty_thousand_tags() {
    let origin = origin();
    let path = origin.path();
    let id = git(&path, &["rev-parse", "trunk"]);
    let mut packed = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
    for number in 0..50_000 {
        packed.push_str(&format!("{id} refs/tags/v{number}\n"));
    }
    fs::write(path.join("packed-refs"), packed).unwrap();
    let start = processor::used_by_thread();
    let references = refs::read(&path).unwrap();
    for number in 0..50_000 {
        assert_eq!(references.tag(&format!("v{number}")).unwrap().as_str(), id);
    }
    assert_eq!(references.tags().count(), 50_000 + 27 + 5);
    // Hundredths of a second; much more would mean a search through all of them for each.
    let used = processor::used_by_thread() - start;
    assert!(used < Duration::from_secs(3), "{used:?}");
}
