//! Repositories that mean harm, and homes that do.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use drone_hotfix::git::Gap;
use drone_hotfix::git::objects::Objects;
use drone_hotfix::hotfix::CommitId;

use crate::support::repository::{Does, Repository, Story, lines};

/// Says where the repository is that [`answers_in_a_process_of_its_own`] asks.
const REPOSITORY: &str = "HISTORY_REPOSITORY";

fn forks() -> Repository {
    let text = lines(0..40);
    let fixed = text.replace("line 20\n", "fixed\n");
    let main = text.replace("line 3\n", "other\n");
    let both = fixed.replace("line 3\n", "other\n");
    let clash = text.replace("line 20\n", "clash\n");
    let mut story = Story::new();
    let attributes = Does::Write(
        ".gitattributes",
        b"* -diff merge=union\n*.c text eol=crlf diff=bad\n",
    );
    story.commit(
        "base",
        &[],
        &[attributes, Does::Write("f.c", text.as_bytes())],
    );
    story.commit("fix", &["base"], &[Does::Write("f.c", fixed.as_bytes())]);
    story.commit("main", &["base"], &[Does::Write("f.c", main.as_bytes())]);
    story.commit("pick", &["main"], &[Does::Write("f.c", both.as_bytes())]);
    story.commit("clash", &["base"], &[Does::Write("f.c", clash.as_bytes())]);
    story.commit(
        "moved",
        &["fix"],
        &[Does::Delete("f.c"), Does::Write("g.c", both.as_bytes())],
    );
    story.write()
}

fn answers(objects: &Objects, id: impl Fn(&str) -> CommitId) -> String {
    let mut text = String::new();
    for name in ["base", "fix", "main", "pick", "clash", "moved"] {
        let patch = objects.patch_id(&id(name)).unwrap();
        let changes = objects.changes(Some(&id("base")), &id(name)).unwrap();
        let there = objects.applies_nothing(&id("fix"), &id(name));
        let back = objects.reverts_cleanly(&id("base"), &id("fix"), &id(name));
        text += &format!("{name} {patch:?} {there:?} {back:?} {changes:?}\n");
    }
    text
}

#[test]
fn answers_in_a_process_of_its_own() {
    // Does its work only when the tests below start it; an environment is of a whole process.
    let Ok(path) = std::env::var(REPOSITORY) else {
        return;
    };
    let path = Path::new(&path);
    let objects = Objects::open(&[path.join("objects")], &[]).unwrap();
    let names = std::fs::read_to_string(path.join("names")).unwrap();
    let ids: BTreeMap<&str, CommitId> = names
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, id)| (name, CommitId::parse(id).unwrap()))
        .collect();
    let text = if ids.contains_key("large") {
        let change = objects.changes(Some(&ids["base"]), &ids["large"]).unwrap();
        assert!(change.iter().any(|c| c.path == "large" && !c.counted));
        assert!(objects.patch_id(&ids["large"]).unwrap().is_some());
        assert_eq!(
            objects.applies_nothing(&ids["large"], &ids["base"]),
            Ok(false)
        );
        assert_eq!(
            objects.applies_nothing(&ids["large"], &ids["again"]),
            Ok(true)
        );
        assert!(matches!(
            objects.file(&ids["large"], "large", 1 << 20),
            Err(Gap::Limit(_))
        ));
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        status
            .lines()
            .find(|line| line.starts_with("VmHWM"))
            .unwrap()
            .to_owned()
    } else {
        answers(&objects, |name| ids[name].clone())
    };
    std::fs::write(path.join("answers"), text).unwrap();
}

fn in_another_process(repository: &Repository, environment: &[(&str, &str)]) -> String {
    let names = repository
        .ids
        .iter()
        .map(|(name, id)| format!("{name} {}\n", id.as_str()));
    std::fs::write(repository.path.join("names"), names.collect::<String>()).unwrap();
    let _ = std::fs::remove_file(repository.path.join("answers"));
    let path = module_path!().split_once("::").unwrap().1;
    let output = Command::new(std::env::current_exe().unwrap())
        .env_clear()
        .env(REPOSITORY, &repository.path)
        .envs(environment.iter().copied())
        .args([
            "--exact",
            &format!("{path}::answers_in_a_process_of_its_own"),
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    std::fs::read_to_string(repository.path.join("answers")).unwrap()
}

#[test]
fn no_home_and_no_attribute_changes_an_answer() {
    let repository = forks();
    let truth = answers(&repository.open(), |name| repository.id(name));
    assert!(truth.contains("pick") && truth.contains("Ok(true)") && truth.contains("Ok(false)"));
    let home = Repository::new();
    let mark = home.path.join("mark");
    let config = format!(
        "[diff]\n algorithm = patience\n noprefix = true\n context = 0\n renames = copies\n[diff \"bad\"]\n binary = true\n \
         textconv = touch {mark}\n command = touch {mark}\n[core]\n autocrlf = true\n attributesFile = {home}/attributes\n \
         hooksPath = {home}/hooks\n fsmonitor = touch {mark}\n[merge]\n default = union\n renames = false\n conflictStyle = diff3\n\
         [include]\n path = /dev/zero\n[filter \"x\"]\n clean = touch {mark}\n",
        mark = mark.display(),
        home = home.path.display(),
    );
    let attributes = "* -diff merge=union\n*.c binary\n";
    for file in [".gitconfig", "git/config", ".config/git/config"] {
        std::fs::create_dir_all(home.path.join(file).parent().unwrap()).unwrap();
        std::fs::write(home.path.join(file), &config).unwrap();
    }
    for file in ["attributes", "git/attributes", ".config/git/attributes"] {
        std::fs::write(home.path.join(file), attributes).unwrap();
    }
    std::fs::write(repository.path.join("config"), &config).unwrap();
    std::fs::write(repository.path.join("info/attributes"), attributes).unwrap();
    std::fs::write(
        repository.path.join("hooks/post-merge"),
        format!("#!/bin/sh\ntouch {}\n", mark.display()),
    )
    .unwrap();
    let home_path = home.path.to_str().unwrap();
    let config_file = format!("{home_path}/.gitconfig");
    let other = format!("{home_path}/hooks");
    for environment in [
        vec![],
        vec![("HOME", home_path)],
        vec![("XDG_CONFIG_HOME", home_path), ("HOME", home_path)],
        vec![
            ("GIT_CONFIG_GLOBAL", &*config_file),
            ("GIT_ATTR_SOURCE", "HEAD"),
            ("GIT_DIR", home_path),
        ],
        vec![
            ("GIT_OBJECT_DIRECTORY", &*other),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES", &*other),
            ("GIT_CONFIG_COUNT", "1"),
        ],
    ] {
        assert_eq!(
            in_another_process(&repository, &environment),
            truth,
            "{environment:?}"
        );
    }
    assert!(!mark.exists());
}

#[test]
fn a_blob_of_500_mib_is_not_loaded() {
    let repository = {
        let mut story = Story::new();
        story.commit("base", &[], &[Does::Write("f", b"x\n")]);
        story.write()
    };
    let file = repository.path.join("large");
    std::fs::File::create(&file)
        .unwrap()
        .set_len(500 << 20)
        .unwrap();
    let blob = repository.git(&["hash-object", "-w", "--no-filters", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    let base = repository.id("base");
    let f = repository.git(&["rev-parse", "base:f"]);
    let tree = repository.git_with(
        &["mktree"],
        format!(
            "100644 blob {}\tf\n100644 blob {}\tlarge\n",
            f.trim(),
            blob.trim()
        )
        .as_bytes(),
    );
    let mut repository = repository;
    for name in ["large", "again"] {
        let commit = format!(
            "tree {}\nparent {}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 2 +0000\n\n{name}\n",
            tree.trim(),
            base.as_str()
        );
        let id = repository.write_object("commit", commit.as_bytes());
        repository.ids.insert(name.to_owned(), id);
    }
    let peak = in_another_process(&repository, &[]);
    let kib: usize = peak
        .split_ascii_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert!(kib < 100 * 1024, "{peak}");
}

#[test]
fn a_commit_of_100_000_files_has_an_answer() {
    let names: Vec<String> = (0..100_000)
        .map(|n| format!("d{}/e{}/f{n}", n % 10, n % 300))
        .collect();
    let files: Vec<Does<'_>> = names.iter().map(|name| Does::Write(name, b"x\n")).collect();
    let mut story = Story::new();
    story
        .commit("base", &[], &[])
        .commit("fix", &["base"], &files);
    let repository = story.write();
    let objects = repository.open();
    let changes = objects
        .changes(Some(&repository.id("base")), &repository.id("fix"))
        .unwrap();
    assert_eq!(changes.len(), 100_000);
    assert!(changes.iter().all(|change| !change.counted));
    let refused = objects.patch_id(&repository.id("fix"));
    assert!(matches!(refused, Err(Gap::Limit(why)) if why.contains("20000 files")));
    let refused = objects.applies_nothing(&repository.id("fix"), &repository.id("base"));
    assert!(matches!(refused, Err(Gap::Limit(_))));
}

#[test]
fn a_tree_that_holds_itself_many_times_has_an_end() {
    let repository = Repository::new();
    let blob = repository.write_object("blob", b"x\n");
    let mut tree = repository.git_with(
        &["mktree"],
        format!("100644 blob {}\tf\n", blob.as_str()).as_bytes(),
    );
    for _ in 0..12 {
        let entries: String = (0..10)
            .map(|n| format!("040000 tree {}\td{n}\n", tree.trim()))
            .collect();
        tree = repository.git_with(&["mktree"], entries.as_bytes());
    }
    let commit = format!(
        "tree {}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 2 +0000\n\nbomb\n",
        tree.trim()
    );
    let id = repository.write_object("commit", commit.as_bytes());
    let objects = repository.open();
    assert!(matches!(objects.changes(None, &id), Err(Gap::Limit(_))));
}

#[test]
fn planted_and_corrupt_objects_are_found_out() {
    let repository = Repository::new();
    let tree = repository.git_with(&["mktree"], b"");
    let commit = |message: &str| {
        let text = format!(
            "tree {}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 2 +0000\n\n{message}\n",
            tree.trim()
        );
        repository.write_object("commit", text.as_bytes())
    };
    let (honest, other, torn) = (
        commit("honest"),
        commit("Hotfix-Temporary: yes"),
        commit("torn"),
    );
    let replace = |id: &CommitId, data: &[u8]| {
        std::fs::remove_file(repository.loose(id)).unwrap();
        std::fs::write(repository.loose(id), data).unwrap();
    };
    replace(&honest, &std::fs::read(repository.loose(&other)).unwrap());
    let mut data = std::fs::read(repository.loose(&torn)).unwrap();
    data.truncate(data.len() / 2);
    replace(&torn, &data);
    let objects = repository.open();
    for id in [&honest, &torn] {
        assert!(
            matches!(objects.commit(id), Err(Gap::Broken(_))),
            "{:?}",
            objects.commit(id)
        );
        assert!(matches!(
            objects.is_ancestor(&other, id),
            Err(Gap::Broken(_))
        ));
        assert!(matches!(objects.patch_id(id), Err(Gap::Broken(_))));
    }
    assert!(objects.commit(&other).is_ok());
}

#[test]
fn objects_without_sense_are_errors() {
    let repository = Repository::new();
    let tree = repository.git_with(&["mktree"], b"");
    let header = format!("tree {}\n", tree.trim());
    let person = "author A <a@b> 1 +0000\ncommitter A <a@b> 2 +0000\n";
    let commits: [String; 7] = [
        String::new(),
        "nonsense".to_owned(),
        header.clone(),
        format!("{header}parent xyz\n{person}\n"),
        format!("{header}{person}"),
        format!("{header}author\ncommitter\n\nx"),
        format!("tree {}\n{person}\nx", "é".repeat(20)),
    ];
    let ids: Vec<CommitId> = commits
        .iter()
        .map(|text| repository.write_object("commit", text.as_bytes()))
        .collect();
    let objects = repository.open();
    let read: Vec<bool> = ids.iter().map(|id| objects.commit(id).is_ok()).collect();
    assert_eq!(read, [false, false, false, false, true, false, false]);
    for (name, bad) in [
        (&b"100644 a/b\0"[..], true),
        (b"100644 \0", true),
        (b"xyz a\0", true),
        (b"100644 a", true),
        (b"100644 .git\0", false),
        (b"100644 ..\0", false),
    ] {
        let entry = [name, &[1; 20]].concat();
        let tree = repository.write_object("tree", &entry);
        let twice = repository.write_object("tree", &[entry.clone(), entry].concat());
        for (tree, bad) in [(tree, bad), (twice, true)] {
            let text = format!("tree {}\n{person}\nx", tree.as_str());
            let id = repository.write_object("commit", text.as_bytes());
            let result = repository.open().file(&id, "missing", 10);
            assert_eq!(result.is_err(), bad, "{name:?} {result:?}");
        }
    }
}

#[test]
fn what_would_wait_for_ever_is_not_opened() {
    for place in [
        "objects/pack/pack-1.idx",
        "objects/info/alternates",
        "objects/ab/cdef",
        "objects/info/commit-graph",
    ] {
        let repository = forks();
        let path = repository.path.join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let result = Objects::open(&[repository.directory()], &[]);
        assert!(
            matches!(result, Err(Gap::Broken(why)) if why.contains("is no regular file")),
            "{place}"
        );
    }
    let repository = forks();
    symlink("/dev/zero", repository.directory().join("pack/pack-1.pack")).unwrap();
    assert!(Objects::open(&[repository.directory()], &[]).is_err());
    // A link to a directory is how some servers share objects.
    let linked = Repository::new();
    std::fs::remove_dir_all(linked.directory().join("pack")).unwrap();
    symlink(
        repository.directory().join("info"),
        linked.directory().join("pack"),
    )
    .unwrap();
    assert!(Objects::open(&[linked.directory()], &[]).is_ok());
}
