//! The workspace: what is read from the checkout, and files that are written into it.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::binary::{Run, run};
use crate::support::gate::drone_environment;
use crate::support::git::git;
use crate::support::pipeline::DroneBuild;
use crate::support::registry::TempDir;

const TICKET_IN_DETAIL: &str =
    "{policy: {rules: {ticket: must, base-is-production: off}}, log_level: debug, dry_run: true}";

/// A checkout as Drone's clone step leaves it: the branch at the built commit, no tags.
fn checkout(message: &str) -> (TempDir, PathBuf, String) {
    let directory = TempDir::new();
    let path = PathBuf::from(directory.path("src"));
    std::fs::create_dir(&path).unwrap();
    git(&path, &["init", "--quiet", "--initial-branch=hotfix/somu"]);
    git(
        &path,
        &["commit", "--quiet", "--allow-empty", "--message", "before"],
    );
    git(
        &path,
        &["commit", "--quiet", "--allow-empty", "--message", message],
    );
    let head = git(&path, &["rev-parse", "HEAD"]);
    (directory, path, head)
}

fn push(workspace: &Path, sha: &str) -> DroneBuild {
    DroneBuild::push("hotfix/somu").with(|build| {
        build.workspace = workspace.to_owned();
        build.sha = sha.to_owned();
        build.remote = Some(workspace.display().to_string());
    })
}

fn step(build: &DroneBuild, settings: &str) -> Run {
    run(drone_environment(build, settings))
}

#[test]
fn the_ticket_is_found_in_the_message_of_the_built_commit() {
    let (_directory, path, head) = checkout("HOCS-4712 fix the thing");
    let found = "passed: ticket (must): `HOCS-4712`, in the message of the built commit";
    step(&push(&path, &head), TICKET_IN_DETAIL).ends(0, &[found]);
    // Packed references and objects are read as well.
    git(&path, &["gc", "--quiet"]);
    git(&path, &["pack-refs", "--all"]);
    step(&push(&path, &head), TICKET_IN_DETAIL).ends(0, &[found]);
    // A worktree has its references elsewhere.
    let other = path.parent().unwrap().join("worktree");
    git(
        &path,
        &[
            "worktree",
            "add",
            "--quiet",
            "--detach",
            other.to_str().unwrap(),
        ],
    );
    step(&push(&other, &head), TICKET_IN_DETAIL).ends(0, &[found]);
    // Without a checkout the server's word is taken.
    let said =
        push(path.parent().unwrap(), &head).with(|build| build.message = "HOCS-9 x".to_owned());
    step(&said, TICKET_IN_DETAIL).ends(0, &["`HOCS-9`"]);
}

#[test]
fn a_checkout_of_another_commit_is_said() {
    let (_directory, path, head) = checkout("HOCS-4712 fix the thing");
    git(
        &path,
        &[
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "by another step",
        ],
    );
    let moved = git(&path, &["rev-parse", "HEAD"]);
    let note = format!(
        "note: the checkout is at {} (`hotfix/somu`), but the build is of {}",
        &moved[..7],
        &head[..7]
    );
    step(&push(&path, &head), TICKET_IN_DETAIL).ends(0, &[&note]);
    // The clone of a pull request makes a merge of its own.
    let pull = DroneBuild::pull_request(7, "HOCS-1", "hotfix/somu").with(|build| {
        build.workspace = path.clone();
        build.sha = head.clone();
        build.remote = Some(path.display().to_string());
    });
    let settings = "{policy: {rules: {has-changes: 'off', base-is-production: 'off'}}, log_level: debug, dry_run: true}";
    let run = step(&pull, settings);
    run.ends(0, &["allowed"]);
    assert!(!run.text.contains("the checkout is at"), "{}", run.text);
}

#[test]
fn the_repository_cannot_make_us_run_or_read_anything_else() {
    let (directory, path, head) = checkout("HOCS-4712 fix the thing");
    let mark = directory.path("mark");
    let config = format!(
        "[core]\n\tfsmonitor = touch {mark}\n\tsshCommand = touch {mark}\n\tpager = touch {mark}\n[include]\n\tpath = /dev/zero\n"
    );
    std::fs::write(path.join(".git/config"), config).unwrap();
    for hook in ["post-checkout", "pre-push", "reference-transaction"] {
        std::fs::write(
            path.join(".git/hooks").join(hook),
            format!("#!/bin/sh\ntouch {mark}\n"),
        )
        .unwrap();
    }
    step(&push(&path, &head), TICKET_IN_DETAIL).ends(0, &["`HOCS-4712`"]);
    assert!(!Path::new(&mark).exists());
    // References that lead out of the directory, and files that do not end.
    for text in [
        "ref: ../../../etc/passwd",
        "ref: refs/heads/../../../x",
        "nonsense",
        "",
        "ref: ",
    ] {
        std::fs::write(path.join(".git/HEAD"), text).unwrap();
        step(&push(&path, &head), TICKET_IN_DETAIL).ends(0, &["allowed"]);
    }
    std::fs::remove_file(path.join(".git/HEAD")).unwrap();
    symlink("/dev/zero", path.join(".git/HEAD")).unwrap();
    step(&push(&path, &head), TICKET_IN_DETAIL).ends(0, &["allowed"]);
}

#[test]
fn the_tags_file_is_written_for_the_next_step() {
    let directory = TempDir::new();
    let path = PathBuf::from(directory.path(""));
    let build = DroneBuild::push("hotfix/HOCS-1").with(|build| build.workspace = path.clone());
    let settings =
        "{policy: {tags: [\"hf-{branch}\"], tags_file: out/tags, summary: out/summary.json}}";
    step(&build, settings).ends(0, &["written to `out/tags`"]);
    assert_eq!(
        directory.read("out/tags"),
        "hf-hotfix_HOCS-1,branch-hotfix_HOCS-1\n"
    );
    // A second run replaces its own files.
    let other = build
        .clone()
        .with(|build| build.branch = "hotfix/HOCS-2".into());
    let other = other.with(|build| build.git_ref = "refs/heads/hotfix/HOCS-2".into());
    step(&other, settings).ends(0, &["written to `out/tags`"]);
    assert_eq!(
        directory.read("out/tags"),
        "hf-hotfix_HOCS-2,branch-hotfix_HOCS-2\n"
    );
    let summary: serde_json::Value =
        serde_json::from_str(&directory.read("out/summary.json")).unwrap();
    assert_eq!(summary["publication"]["tags_file"], "out/tags");
    assert_eq!(summary["exit_code"], 0);
    assert_eq!(
        std::fs::read_dir(path.join("out")).unwrap().count(),
        2,
        "nothing else is left there"
    );
    // A refused build writes no tags, but says why in the summary.
    let refused = DroneBuild::promote(&DroneBuild::push("hotfix/x"), "qa")
        .with(|build| build.workspace = path.clone());
    step(&refused, settings).ends(1, &["refused"]);
    let summary: serde_json::Value =
        serde_json::from_str(&directory.read("out/summary.json")).unwrap();
    assert_eq!(summary["results"][0]["rule"], "qa-closed");
    assert_eq!(summary["results"][0]["result"], "fail");
}

#[test]
fn files_of_others_are_left_alone() {
    let directory = TempDir::new();
    let path = PathBuf::from(directory.path(""));
    let build = DroneBuild::push("hotfix/HOCS-1").with(|build| build.workspace = path.clone());
    directory.write(".tags", "1.2.3,latest\n");
    let run = step(&build, "{policy: {summary: summary.json}}");
    run.ends(
        4,
        &[
            "`.tags` is there and was not written by this plugin",
            "not written: `.tags`",
        ],
    );
    assert_eq!(directory.read(".tags"), "1.2.3,latest\n");
    // Whoever starts a build again can add `dry_run` to it; that must not make it green.
    let again = build.clone().param("PLUGIN_DRY_RUN", "true");
    let again = again.with(|build| build.trigger = "example".to_owned());
    step(&again, "{policy: {summary: summary.json}}").ends(4, &["`.tags` is there"]);
    step(&again, "{policy: {tags_file: free}}").ends(5, &["would be written"]);
    directory.write("package.json", "{\"tool\":\"other\"}");
    let run = step(&build, "{policy: {tags_file: t, summary: package.json}}");
    run.ends(0, &["note: the summary was not written", "`package.json`"]);
    assert_eq!(directory.read("package.json"), "{\"tool\":\"other\"}");
    // Links are not followed, neither as the file nor on the way to it.
    let outside = TempDir::new();
    outside.write("victim", "");
    symlink(outside.path("victim"), path.join("link")).unwrap();
    symlink(outside.path(""), path.join("dir")).unwrap();
    for file in ["link", "dir/tags"] {
        let run = step(&build, &format!("{{policy: {{tags_file: {file}}}}}"));
        run.ends(4, &["link"]);
    }
    assert_eq!(outside.read("victim"), "");
    for file in [
        "../up",
        "/etc/up",
        ".git/config",
        ".GIT/x",
        "a/../../b",
        "dir/",
        ".",
    ] {
        let run = step(&build, &format!("{{policy: {{tags_file: {file}}}}}"));
        run.ends(3, &["policy.tags_file", "inside the workspace"]);
    }
    let run = step(
        &build,
        "{dry_run: true, policy: {tags_file: new, summary: new.json}}",
    );
    run.ends(0, &["would be written", "a rehearsal writes no summary"]);
    assert!(!path.join("new").exists() && !path.join("new.json").exists());
}
