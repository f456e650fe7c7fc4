//! `forward-port` and `no-features`, with a forge that knows open pull requests and labels.

use super::world::{BOTH, HOTFIX, Kind, Pull, World};
use crate::production::base::masked;
use crate::support::git::git;
use crate::support::git_server::GitServer;
use crate::support::scripted::{Answer, Script};
use crate::support::team::{FIXED, finding};

const RULE: &str = "forward-port";

/// A hotfix of one commit that came as it should, and its commits.
fn world(kind: Kind) -> World {
    let mut world = World::new(kind);
    let pull = world.usual(7);
    world.pulls = vec![world.merge(pull).approved()];
    world
}

/// An open pull request into `main` of a branch that the developer has pushed.
fn into_main(world: &World, number: u64, branch: &str) -> Pull {
    let head = git(&world.team.origin(), &["rev-parse", branch]);
    Pull {
        number,
        base: "main".to_owned(),
        branch: branch.to_owned(),
        head,
        merged: None,
        commits: Vec::new(),
        reviews: Vec::new(),
        ..world.pulls[0].clone()
    }
}

/// A branch off `main` with a copy of the hotfix's commit.
fn picked(world: &World) {
    let fix = world.pulls[0].commits[0].id.clone();
    world.team.branch("port", "main");
    world.team.git(&["cherry-pick", &fix]);
    world.team.push("port");
}

#[test]
fn an_open_pull_request_with_the_same_patches_is_enough() {
    for kind in BOTH {
        let mut world = world(kind);
        picked(&world);
        let port = into_main(&world, 8, "port");
        world.pulls.push(port);
        let run = world.pushed();
        run.ends(
            0,
            &["note: pull request 8 into `main` is not merged yet: merge it before the next release"],
        );
        let found = finding(&run, RULE);
        assert!(found.contains("passed: forward-port"), "{found}");
        assert!(found.contains("1 commit by patch id"), "{found}");
        if kind == Kind::GitHub {
            insta::assert_snapshot!(masked(&found));
        }
    }
}

#[test]
fn the_hotfix_branch_itself_and_drafts() {
    let mut world = world(Kind::GitHub);
    let mut port = into_main(&world, 8, HOTFIX);
    port.draft = true;
    world.pulls.push(port);
    let run = world.pushed();
    run.ends(0, &["is not merged yet, and a draft: merge it"]);
    let found = finding(&run, RULE);
    assert!(found.contains("1 commit by the commit itself"), "{found}");
}

#[test]
fn a_pull_request_of_something_else_brings_nothing() {
    for kind in BOTH {
        let mut world = world(kind);
        world.team.branch("other", "main");
        world.team.commit("src/other", "other\n", "Something else");
        world.team.push("other");
        let port = into_main(&world, 8, "other");
        world.pulls.push(port);
        let run = world.pushed();
        run.ends(0, &["not followed: forward-port"]);
        let found = finding(&run, RULE);
        assert!(
            found.contains("1 commit that `main` does not have"),
            "{found}"
        );
    }
}

#[test]
fn a_part_is_said() {
    let mut world = World::new(Kind::GitHub);
    let pull = world.open(
        7,
        &[
            ("src/one", "1\n", "HOCS-1 mend one"),
            ("src/two", "2\n", "HOCS-1 mend two"),
        ],
    );
    world.pulls = vec![world.merge(pull).approved()];
    picked(&world);
    let port = into_main(&world, 8, "port");
    world.pulls.push(port);
    let run = world.pushed();
    run.ends(0, &[]);
    insta::assert_snapshot!(masked(&finding(&run, RULE)));
}

#[test]
fn a_pull_request_of_a_fork_is_fetched_by_its_reference() {
    // Nothing but `refs/pull/8/head` points to it.
    let mut world = world(Kind::GitHub);
    picked(&world);
    let port = into_main(&world, 8, "port");
    let origin = world.team.origin();
    git(&origin, &["update-ref", "refs/pull/8/head", "port"]);
    git(&origin, &["update-ref", "-d", "refs/heads/port"]);
    world.pulls.push(port);
    let server = GitServer::open(origin.parent().unwrap());
    let build = world.team.pushed(HOTFIX);
    let remote = server.url("origin.git");
    let address = server.address();
    world.policy = String::new();
    let forge = world.script().start();
    let settings = world.settings(&forge.address());
    let list = format!("insecure: [\"{}\"", forge.address());
    let settings = settings.replacen(&list, &format!("{list}, \"{address}\""), 1);
    let build = build.with(|build| build.remote = Some(remote));
    let gate = crate::support::gate::drone_gate(&settings);
    let secrets = [("f".to_owned(), super::world::TOKEN.to_owned())].into();
    let run = crate::support::binary::run(build.environment(&gate, &[], &secrets));
    forge.finish();
    run.ends(0, &["pull request 8 into `main` is not merged yet"]);
}

#[test]
fn what_git_cannot_compare_is_known_by_ids_or_not_at_all() {
    for kind in BOTH {
        let mut world = world(kind);
        let mut port = into_main(&world, 8, HOTFIX);
        // The forge names a head that nobody can fetch.
        port.head = "b".repeat(40);
        let fix = world.pulls[0].commits.clone();
        port.commits = fix;
        world.pulls.push(port);
        let run = world.pushed();
        run.ends(0, &[]);
        let found = finding(&run, RULE);
        assert!(
            found.contains("by the ids of its commits, as the forge lists them"),
            "{found}"
        );
        world.pulls[1].commits[0].id = "d".repeat(40);
        let run = world.pushed();
        run.ends(0, &["unknown: forward-port"]);
        if kind == Kind::GitHub {
            insta::assert_snapshot!(masked(&finding(&run, RULE)));
        }
    }
}

#[test]
fn a_forge_that_does_not_say_leaves_it_open() {
    let world = world(Kind::GitHub);
    let refused = Answer::status(403).json(&serde_json::json!({ "message": "no" }));
    let script = Script::new()
        .on("GET", &world.open_list(), refused)
        .always();
    let server = script.then(world.script()).start();
    let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
    server.finish();
    run.ends(0, &["unknown: forward-port"]);
    insta::assert_snapshot!(masked(&finding(&run, RULE)));
}

#[test]
fn what_the_default_branch_had_and_gave_up_is_brought_by_no_old_pull_request() {
    for kind in BOTH {
        // The same patch as the hotfix, and the same content by another patch.
        for beside in [None, Some("src/also")] {
            let mut world = world(kind);
            let team = &world.team;
            team.switch("main");
            let before = team.git(&["show", "HEAD:src/app"]) + "\n";
            std::fs::write(team.dev().join("src/app"), FIXED).unwrap();
            if let Some(path) = beside {
                std::fs::write(team.dev().join(path), "also\n").unwrap();
            }
            team.git(&["add", "--all"]);
            team.git(&["commit", "--quiet", "-m", "Mend it"]);
            team.branch("old", "main");
            team.commit("src/other", "other\n", "Bump it");
            team.push("old");
            team.switch("main");
            team.commit("src/app", &before, "Write it anew");
            team.push("main");
            let old = into_main(&world, 8, "old");
            world.pulls.push(old);
            world.pushed().ends(0, &["not followed: forward-port"]);
        }
    }
}

#[test]
fn too_many_open_pull_requests_are_not_all_looked_through() {
    let mut world = world(Kind::Gitea);
    for number in 10..41 {
        let port = into_main(&world, number, "main");
        world.pulls.push(port);
    }
    let run = world.pushed();
    run.ends(
        0,
        &["`main` has 31 open pull requests, and the 30 that were looked through do not bring it"],
    );
}

#[test]
fn among_many_open_pull_requests_that_of_the_hotfix_branch_is_looked_at_first() {
    for kind in BOTH {
        let mut world = world(kind);
        for number in 10..41 {
            let port = into_main(&world, number, "main");
            world.pulls.push(port);
        }
        // The oldest, so the forge lists it last.
        let port = into_main(&world, 9, HOTFIX);
        world.pulls.push(port);
        let run = world.pushed();
        run.ends(0, &["pull request 9 into `main` is not merged yet"]);
    }
}

#[test]
fn a_label_contradicts_that_it_only_mends() {
    for kind in BOTH {
        for (label, wrong) in [("semver:minor", true), ("Feature", true), ("bug", false)] {
            let mut world = world(kind);
            world.pulls[0].labels = vec![label.to_owned()];
            world.policy = ", rules: {no-features: must}".to_owned();
            let run = world.pushed();
            if wrong {
                run.begins(1, "no-features");
                let words = format!("pull request 7 has the label `{label}`");
                assert!(
                    finding(&run, "no-features").contains(&words),
                    "{}",
                    run.text
                );
            } else {
                run.ends(0, &["passed: no-features"]);
            }
        }
    }
}
