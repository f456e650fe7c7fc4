//! `running-known`, `base-is-production`, `has-changes`: where the hotfix starts.

use crate::support::binary::run;
use crate::support::gate::{drone_environment, woodpecker_environment};
use crate::support::git::git;
use crate::support::git_server::GitServer;
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};
use crate::support::team::{FIXED, Team, finding, judge};

const RUNNING: &str = "running: '1.0.0'";

#[test]
fn a_hotfix_off_the_running_release_passes() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), RUNNING);
    run.ends(0, &[]);
    for words in [
        "passed: running-known (should): production runs `1.0.0` at",
        "passed: base-is-production (must): production runs `1.0.0` at",
        "and the 1 commit of the hotfix is none of `main`",
        "passed: not-in-production (must): the version that runs in production is another one",
        "passed: unique-branch (should): no other branch makes the same tag",
    ] {
        assert!(run.text.contains(words), "no {words} in\n{}", run.text);
    }
}

#[test]
fn a_pull_request_is_judged_by_its_head() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "1.0.0");
    team.branch("HOCS-1-mend", "1.0.0");
    team.commit("src/app", FIXED, "HOCS-1 mend two");
    team.push("HOCS-1-mend");
    let run = judge(&team.pull_request("HOCS-1-mend", "hotfix/HOCS-1"), RUNNING);
    run.ends(0, &["passed: has-changes (must): 1 commit since `1.0.0`"]);
    // One that brings nothing.
    team.branch("HOCS-2", "1.0.0");
    let run = judge(&team.pull_request("HOCS-2", "hotfix/HOCS-1"), RUNNING);
    run.ends(1, &[]);
    insta::assert_snapshot!(masked(&finding(&run, "has-changes")));
}

#[test]
fn one_off_the_default_branch_is_refused_and_its_commands_mend_it() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "main");
    team.commit("src/app", FIXED, "HOCS-1 mend two");
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), RUNNING);
    run.ends(1, &[]);
    insta::assert_snapshot!(masked(&finding(&run, "base-is-production")));
    team.follow(&run);
    let run = judge(&team.pushed("hotfix/HOCS-1"), RUNNING);
    run.ends(0, &[]);
}

#[test]
fn one_that_merged_the_default_branch_is_refused_and_its_commands_mend_it() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.git(&["merge", "--quiet", "--no-edit", "main"]);
    team.commit("src/more", "more\n", "HOCS-1 and more");
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), RUNNING);
    run.ends(1, &[]);
    insta::assert_snapshot!(masked(&finding(&run, "base-is-production")));
    team.follow(&run);
    let run = judge(&team.pushed("hotfix/HOCS-1"), RUNNING);
    run.ends(0, &[]);
    // The foreign commits are seen as well where nobody says what runs.
    team.switch("hotfix/HOCS-1");
    team.git(&["merge", "--quiet", "--no-edit", "main"]);
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "");
    run.ends(1, &[]);
}

#[test]
fn one_off_another_release_is_refused_and_its_commands_mend_it() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "v1.1.0");
    team.commit("src/app", FIXED, "HOCS-1 mend two");
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), RUNNING);
    run.ends(1, &[]);
    insta::assert_snapshot!(masked(&finding(&run, "base-is-production")));
    team.follow(&run);
    let run = judge(&team.pushed("hotfix/HOCS-1"), RUNNING);
    run.ends(0, &[]);
}

#[test]
fn a_release_below_the_running_one_is_refused() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "running: '1.1.0'");
    run.begins(1, "refused by base-is-production");
}

#[test]
fn a_hotfix_that_was_merged_into_the_default_branch_is_still_one() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.switch("main");
    team.git(&["merge", "--quiet", "--no-ff", "--no-edit", "hotfix/HOCS-1"]);
    team.push("main");
    let run = judge(&team.pushed("hotfix/HOCS-1"), RUNNING);
    run.ends(0, &["passed: base-is-production"]);
}

#[test]
fn a_hotfix_on_a_hotfix_that_runs_is_allowed_and_said() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.branch("hotfix/HOCS-2", "hotfix/HOCS-1");
    team.commit("src/more", "more\n", "HOCS-2 mend more");
    team.push("hotfix/HOCS-2");
    let run = judge(
        &team.pushed("hotfix/HOCS-2"),
        "running: branch-hotfix_HOCS-1",
    );
    run.ends(
        0,
        &["it builds on a hotfix that is not part of a release yet"],
    );
    // Its own range is one commit; what the default branch lacks is both.
    assert!(
        run.text.contains("2 commits that `main` does not have"),
        "{}",
        run.text
    );
}

#[test]
fn targets_that_run_different_versions() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let running = "running: {cs-prod: '1.0.0', wcs-prod: '1.1.0'}";
    let push = team.pushed("hotfix/HOCS-1");
    let run = judge(&push, running);
    run.ends(0, &["it does not fit everywhere: `wcs-prod` runs `1.1.0`"]);
    // A promotion is compared with its own target.
    let promoted = |target: &str| {
        DroneBuild::promote(&push, target).with(|build| {
            build.params = vec![("VERSION".to_owned(), "branch-hotfix_HOCS-1".to_owned())]
        })
    };
    let run = judge(&promoted("cs-prod"), running);
    run.ends(0, &[]);
    let run = judge(&promoted("wcs-prod"), running);
    run.begins(1, "refused by base-is-production");
    // Where it is tried first, one that fits is enough.
    let run = judge(&promoted("cs-dev"), running);
    run.ends(0, &[]);
}

#[test]
fn the_commit_of_the_version_is_judged_not_that_of_the_build_that_carries_it() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "main");
    team.commit("src/app", FIXED, "HOCS-1 mend two");
    team.push("hotfix/HOCS-1");
    // HOCS promotes the newest build of a tag on main.
    let commit = git(&team.origin(), &["rev-parse", "1.0.0"]);
    let path = team.clone_branch("carrier", "main", &commit);
    let carrier = team.build(DroneBuild::push("main"), &path, &commit);
    let promoted = DroneBuild::promote(&carrier, "cs-prod").with(|build| {
        build.params = vec![("VERSION".to_owned(), "branch-hotfix_HOCS-1".to_owned())]
    });
    let run = judge(&promoted, RUNNING);
    run.begins(1, "refused by base-is-production");
}

#[test]
fn woodpecker_names_the_same_things_otherwise() {
    let team = Team::new();
    let good = team.hotfix("hotfix/HOCS-1");
    team.branch("hotfix/HOCS-2", "main");
    let bad = team.commit("src/app", FIXED, "HOCS-2 mend two");
    team.push("hotfix/HOCS-2");
    for (branch, commit, code) in [("hotfix/HOCS-1", &good, 0), ("hotfix/HOCS-2", &bad, 1)] {
        let name = format!("woodpecker-{code}");
        let checkout = team.clone_branch(&name, branch, commit);
        let push = WoodpeckerBuild::push(branch).with(|build| build.sha.clone_from(commit));
        let tag = format!("branch-{}", branch.replace('/', "_"));
        let deployment = WoodpeckerBuild::deployment(&push, "cs-prod").param("VERSION", &tag);
        for build in [push, deployment] {
            let mut variables =
                woodpecker_environment(&build, "{policy: {running: '1.0.0'}, log_level: debug}");
            for (name, value) in &mut variables {
                match name.as_str() {
                    "CI_WORKSPACE" => *value = checkout.display().to_string(),
                    "CI_REPO_CLONE_URL" => *value = team.origin().display().to_string(),
                    _ => {}
                }
            }
            let word = if code == 0 {
                "passed: base-is-production"
            } else {
                "violated: base-is-production"
            };
            run(variables).ends(code, &[word]);
        }
    }
}

#[test]
fn many_tags_on_one_commit_and_two_that_disagree() {
    let team = Team::new();
    team.git(&["switch", "--quiet", "--detach", "1.0.0"]);
    for patch in 1..27 {
        team.git(&["tag", &format!("1.0.{patch}")]);
    }
    team.git(&["push", "--quiet", "origin", "--tags"]);
    team.hotfix("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "running: '1.0.7'");
    run.ends(0, &["production runs `1.0.7`"]);
    // `1.1.0` and `v1.1.0` are one release, unless they are two commits.
    team.git(&["tag", "1.1.0", "1.0.0"]);
    team.git(&["push", "--quiet", "origin", "--tags"]);
    let run = judge(&team.pushed("hotfix/HOCS-1"), "running: '1.1.0'");
    run.ends(
        2,
        &["the git tags `1.1.0` and `v1.1.0` point to different commits"],
    );
}

#[test]
fn what_runs_must_be_found() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let push = team.pushed("hotfix/HOCS-1");
    for (running, words) in [
        ("running: '9.9.9'", "the remote has no git tag for `9.9.9`"),
        (
            "running: branch-hotfix_gone",
            "no branch of the remote makes the tag `branch-hotfix_gone`",
        ),
        (
            "running: build_12",
            "the remote has no git tag for `build_12`",
        ),
    ] {
        let run = judge(&push, running);
        run.ends(2, &[]);
        assert!(run.text.contains(words), "no {words} in\n{}", run.text);
    }
    let run = judge(
        &push,
        "running: '9.9.9', rules: {base-is-production: should}",
    );
    run.ends(0, &[]);
}

#[test]
fn a_remote_that_does_not_answer_never_allows_what_must_be_known() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let push = team
        .pushed("hotfix/HOCS-1")
        .with(|build| build.remote = Some("/nowhere/at/all".to_owned()));
    assert_eq!(judge(&push, RUNNING).code, 2);
    // Also without anybody who knows what runs: commits of the default branch would be refused.
    judge(&push, "").ends(2, &["undecided, base-is-production"]);
    let ssh =
        push.with(|build| build.remote = Some("git@git.example:example/service.git".to_owned()));
    let run = judge(&ssh, RUNNING);
    run.ends(2, &["ssh"]);
}

#[test]
fn a_shallow_checkout_is_deepened_and_never_written_to() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    for text in ["a\n", "b\n", "c\n"] {
        team.commit("src/more", text, "HOCS-1 more");
    }
    team.push("hotfix/HOCS-1");
    let server = GitServer::open(team.origin().parent().unwrap());
    let path = team.clone_with("shallow", "hotfix/HOCS-1", &team.head(), &["--depth=2"]);
    let before = files(&path.join(".git"));
    let push = team
        .build(DroneBuild::push("hotfix/HOCS-1"), &path, &team.head())
        .with(|build| build.remote = Some(server.url("origin.git")));
    let tls = format!("{RUNNING}, tls: {{insecure: ['{}']}}", server.address());
    let run = judge(&push, &tls);
    run.ends(0, &["the 4 commits of the hotfix are none of `main`"]);
    assert_eq!(files(&path.join(".git")), before);
}

#[test]
fn the_remote_costs_one_request_to_list_and_one_to_fetch() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let root = team.origin();
    let root = root.parent().unwrap();
    let step = |server: &GitServer, variables: &[(&str, &str)]| {
        let push = team
            .pushed("hotfix/HOCS-1")
            .with(|build| build.remote = Some(server.url("origin.git")));
        let policy = format!("{RUNNING}, tls: {{insecure: ['{}']}}", server.address());
        let settings = format!("{{policy: {{{policy}}}, log_level: debug}}");
        let mut all = drone_environment(&push, &settings);
        all.extend(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        run(all)
    };
    let server = GitServer::open(root);
    let done = step(&server, &[]);
    assert_eq!(done.code, 0, "{}", done.text);
    assert_eq!(server.requests(), ["POST ls-refs", "POST fetch"]);
    // A private one: with Drone's credentials for its host, with a token, and without either.
    let server = GitServer::basic(root, "x-access-token", "a-kept-secret");
    let netrc = [
        ("DRONE_NETRC_MACHINE", "127.0.0.1"),
        ("DRONE_NETRC_USERNAME", "x-access-token"),
        ("DRONE_NETRC_PASSWORD", "a-kept-secret"),
    ];
    for variables in [&netrc[..], &[("PLUGIN_FORGE_TOKEN", "a-kept-secret")]] {
        let done = step(&server, variables);
        assert_eq!(done.code, 0, "{}", done.text);
        assert!(
            done.text.contains("passed: base-is-production"),
            "{}",
            done.text
        );
        assert!(!done.text.contains("a-kept-secret"), "{}", done.text);
    }
    let done = step(&server, &[]);
    assert_eq!(done.code, 2, "{}", done.text);
    let found = finding(&done, "base-is-production");
    insta::assert_snapshot!(found.replace(&server.address(), "HOST"));
}

fn files(directory: &std::path::Path) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            } else {
                let path = entry.path().display().to_string();
                found.push((path, entry.metadata().unwrap().len()));
            }
        }
    }
    found.sort();
    found
}

/// Commit ids are not the same in two runs.
pub fn masked(text: &str) -> String {
    let ids = regex::Regex::new(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{7}\b").unwrap();
    ids.replace_all(text, "COMMIT").into_owned()
}
