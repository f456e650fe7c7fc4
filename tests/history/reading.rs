//! Objects as they lie about: shallow, borrowed, packed, in a worktree.

use std::collections::HashSet;
use std::path::PathBuf;

use drone_hotfix::facts::Source;
use drone_hotfix::facts::git::{self, Workspace};
use drone_hotfix::git::Gap;
use drone_hotfix::git::objects::Objects;
use drone_hotfix::hotfix::CommitId;

use crate::support::repository::{Does, Repository, Story};

/// Five commits on `c4`, and a branch `side` off `c1`.
fn line() -> Repository {
    let mut story = Story::new();
    story.commit("c0", &[], &[Does::Write("dir/f", b"0\n")]);
    for number in 1..5 {
        let content = format!("{number}\n");
        story.commit(
            &format!("c{number}"),
            &[&format!("c{}", number - 1)],
            &[Does::Write("dir/f", content.as_bytes())],
        );
    }
    story.commit(
        "side",
        &["c1"],
        &[
            Does::Write("g", b"x\n"),
            Does::Executable("dir/run", b"y\n"),
        ],
    );
    story.tag("v1", "c1");
    story.write()
}

/// A clone of some depth, as a CI server makes it.
fn shallow(of: &Repository, depth: &str, branch: &str) -> (Repository, Workspace) {
    let clone = Repository::new();
    std::fs::remove_dir_all(&clone.path).unwrap();
    let url = format!("file://{}", of.path.display());
    of.git(&[
        "clone",
        "--quiet",
        "--depth",
        depth,
        "--branch",
        branch,
        &url,
        clone.path.to_str().unwrap(),
    ]);
    let workspace = workspace(&clone, &of.id(branch));
    (clone, workspace)
}

#[track_caller]
fn workspace(repository: &Repository, built: &CommitId) -> Workspace {
    match git::read(&repository.path, built) {
        Source::Known(workspace) => workspace,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_shallow_clone_never_says_no() {
    let full = line();
    let id = |name: &str| full.id(name);
    for depth in ["1", "3"] {
        let (_clone, found) = shallow(&full, depth, "c4");
        assert_eq!(found.head, Some(id("c4")));
        assert_eq!(found.branch.as_deref(), Some("c4"));
        let cut = if depth == "1" { "c4" } else { "c2" };
        assert_eq!(found.shallow, [id(cut)]);
        let objects = Objects::open(&found.objects, &found.shallow).unwrap();
        assert!(objects.is_cut_off(&id(cut)) && !objects.has(&id("c0")));
        let behind = if depth == "1" { "c3" } else { "c1" };
        let missing = Gap::Missing(id(behind));
        assert!(missing.is_shallow());
        assert!(objects.is_ancestor(&id("c0"), &id("c4")).is_err());
        assert_eq!(objects.is_ancestor(&id("c4"), &id("c4")), Ok(true));
        assert_eq!(objects.only_in(&[id("c4")], &[], 10), Err(missing.clone()));
        assert_eq!(
            objects.nearest(&id("c4"), &HashSet::from([id("c0")])),
            Err(missing)
        );
        assert_eq!(
            objects.nearest(&id("c4"), &HashSet::from([id(cut)])),
            Ok(vec![id(cut)])
        );
    }
    let (_clone, found) = shallow(&full, "3", "c4");
    let objects = Objects::open(&found.objects, &found.shallow).unwrap();
    // What is found is found.
    assert_eq!(objects.is_ancestor(&id("c2"), &id("c4")), Ok(true));
    assert_eq!(
        objects.merge_bases(&id("c3"), &id("c4")),
        Ok(vec![id("c3")])
    );
    assert_eq!(
        objects.only_in(&[id("c4")], &[id("c2")], 10),
        Ok(vec![id("c4"), id("c3")])
    );
    // What `c2` stems from `c4` stems from too, so no `c4` can hide there.
    assert_eq!(objects.is_ancestor(&id("c4"), &id("c2")), Ok(false));
    assert!(objects.patch_id(&id("c2")).unwrap_err().is_shallow());
    assert!(objects.patch_id(&id("c3")).unwrap().is_some());
}

#[test]
fn a_path_that_ends_in_another_history_is_no_answer_either() {
    // Two branches, each cut off: whether they meet is not known.
    let full = line();
    let (clone, _) = shallow(&full, "1", "c4");
    clone.git(&["fetch", "--quiet", "--depth", "1", "origin", "side"]);
    let found = workspace(&clone, &full.id("c4"));
    assert_eq!(found.shallow.len(), 2);
    let objects = Objects::open(&found.objects, &found.shallow).unwrap();
    let (a, b) = (full.id("c4"), full.id("side"));
    assert!(objects.merge_bases(&a, &b).unwrap_err().is_shallow());
    assert!(
        objects
            .only_in(std::slice::from_ref(&a), std::slice::from_ref(&b), 10)
            .unwrap_err()
            .is_shallow()
    );
    assert!(objects.is_ancestor(&b, &a).unwrap_err().is_shallow());
}

#[test]
fn borrowed_objects_are_found() {
    let full = line();
    let own = Repository::new();
    let middle = Repository::new();
    std::fs::write(
        middle.directory().join("info/alternates"),
        format!("# a comment\n{}\n", full.directory().display()),
    )
    .unwrap();
    let relative = format!(
        "../../{}/objects\n/nowhere/objects\n",
        middle.path.file_name().unwrap().to_str().unwrap()
    );
    std::fs::write(own.directory().join("info/alternates"), relative).unwrap();
    let objects = own.open();
    assert_eq!(
        objects.is_ancestor(&full.id("c0"), &full.id("c4")),
        Ok(true)
    );
    // In a circle.
    std::fs::write(
        full.directory().join("info/alternates"),
        format!("{}\n", own.directory().display()),
    )
    .unwrap();
    assert!(own.open().has(&full.id("c4")));
    let gone = Objects::open(&[PathBuf::from("/nowhere/objects")], &[]);
    assert!(
        matches!(gone, Err(Gap::Broken(why)) if why.contains("`/nowhere/objects` is not there"))
    );
}

#[test]
fn a_worktree_and_a_submodule_have_their_objects_elsewhere() {
    let full = line();
    let worktree = Repository::new();
    std::fs::remove_dir_all(&worktree.path).unwrap();
    full.git(&[
        "worktree",
        "add",
        "--quiet",
        "--detach",
        worktree.path.to_str().unwrap(),
        full.id("c3").as_str(),
    ]);
    let found = workspace(&worktree, &full.id("c3"));
    assert_eq!((found.head, found.branch), (Some(full.id("c3")), None));
    assert_eq!(found.message.as_deref(), Some("c3\n"));
    let objects = Objects::open(&found.objects, &found.shallow).unwrap();
    assert!(objects.has(&full.id("c4")));
    // A submodule's `.git` is a file as well.
    let module = Repository::new();
    std::fs::write(
        module.path.join(".git"),
        format!("gitdir: {}\n", full.path.display()),
    )
    .unwrap();
    assert!(
        Objects::open(&workspace(&module, &full.id("c3")).objects, &[])
            .unwrap()
            .has(&full.id("c1"))
    );
}

#[test]
fn what_libgit2_cannot_read_is_said() {
    let full = line();
    let outer = Repository::new();
    std::fs::write(
        outer.path.join(".git"),
        format!("gitdir: {}\n", full.path.display()),
    )
    .unwrap();
    let built = full.id("c4");
    std::fs::write(full.path.join("HEAD"), "ref: refs/heads/c4\n").unwrap();
    assert_eq!(workspace(&outer, &built).head, Some(built.clone()));
    let config = std::fs::read_to_string(full.path.join("config")).unwrap();
    std::fs::write(
        full.path.join("config"),
        format!("{config}[extensions]\n\trefStorage = reftable\n"),
    )
    .unwrap();
    let found = workspace(&outer, &built);
    assert_eq!(
        (found.head, found.branch, found.message.as_deref()),
        (None, None, Some("c4\n"))
    );
    std::fs::write(
        full.path.join("config"),
        format!("{config}[extensions]\n\tobjectFormat = sha256\n"),
    )
    .unwrap();
    let unknown = git::read(&outer.path, &built);
    assert!(matches!(unknown, Source::Unknown { because, .. } if because.contains("SHA-256")));
    let long = CommitId::parse(&"a".repeat(64)).unwrap();
    assert!(
        full.open()
            .commit(&long)
            .unwrap_err()
            .to_string()
            .contains("SHA-256")
    );
}

#[test]
fn files_are_read_by_their_path() {
    let full = line();
    let objects = full.open();
    let side = full.id("side");
    let file = |path: &str| objects.file(&side, path, 100);
    assert_eq!(file("dir/f"), Ok(Some(b"1\n".to_vec())));
    assert_eq!(file("dir/run"), Ok(Some(b"y\n".to_vec())));
    for nothing in [
        "", "dir", "dir/", "/dir/f", "dir//f", "../f", "dir/../g", "f", "g/f", ".",
    ] {
        assert_eq!(file(nothing), Ok(None), "{nothing}");
    }
    assert!(
        matches!(objects.file(&side, "dir/f", 1), Err(Gap::Limit(why)) if why.contains("2 bytes"))
    );
}

#[test]
fn an_id_of_something_else_is_no_commit() {
    let full = line();
    let objects = full.open();
    let commit = objects.commit(&full.id("side")).unwrap();
    assert_eq!(commit.author.email, "author@example.com");
    assert_eq!(commit.committer.name, "C O Mitter");
    for result in [
        objects.peel(&commit.tree).map(|_| ()),
        objects.commit(&commit.tree).map(|_| ()),
    ] {
        assert!(matches!(result, Err(Gap::Broken(why)) if why.contains("is a tree, not a commit")));
    }
    assert_eq!(objects.peel(&full.id("v1")), Ok(full.id("c1")));
    assert!(objects.is_ancestor(&full.id("v1"), &full.id("c4")).is_err());
    let blob = full.write_object("blob", b"x");
    let tag = format!(
        "object {}\ntype blob\ntag t\ntagger T <t@example.com> 1 +0000\n\nx\n",
        blob.as_str()
    );
    let tag = full.write_object("tag", tag.as_bytes());
    assert!(
        full.open()
            .peel(&tag)
            .unwrap_err()
            .to_string()
            .contains("is a blob, not a commit")
    );
    let absent = CommitId::parse(&"a".repeat(40)).unwrap();
    assert_eq!(objects.commit(&absent), Err(Gap::Missing(absent.clone())));
    assert_eq!(
        objects.is_ancestor(&absent, &absent),
        Err(Gap::Missing(absent))
    );
}
