//! What git says of the merges that the forge speaks of: nothing in them, or beneath them, but the pull
//! request.

use super::world::{BOB, BOTH, CID, Commit, HOTFIX, Kind, Pull, World};
use crate::production::base::masked;
use crate::support::team::finding;

const RULE: &str = "merged-by-pull-request";

/// Two commits that have nothing to do with the fix.
const README: [(&str, &str, &str); 2] = [
    ("README", "a\n", "HOCS-1 readme"),
    ("README", "a\nb\n", "HOCS-1 more"),
];

#[track_caller]
fn refused(world: &World) -> String {
    let run = world.pushed();
    run.begins(1, RULE);
    masked(&finding(&run, RULE))
}

#[track_caller]
fn allowed(world: &World, words: &str) {
    let run = world.pushed();
    run.ends(
        0,
        &[words, "passed: merged-by-pull-request", "passed: reviewed"],
    );
}

/// A pull request of these commits, begun at the release, before anything else was merged.
fn early(world: &World, number: u64, commits: &[(&str, &str, &str)]) -> Pull {
    let pull = world.open(number, commits);
    world.team.switch(HOTFIX);
    pull
}

/// The fix as pull request 1, and another that was begun before it.
fn fix_and_early(kind: Kind, commits: &[(&str, &str, &str)]) -> (World, Pull) {
    let mut world = World::new(kind);
    let other = early(&world, 2, commits);
    let fix = world.usual(1);
    world.pulls = vec![world.merge(fix).approved()];
    (world, other)
}

fn add(world: &mut World, pull: Pull) {
    world.pulls.insert(0, pull.approved());
}

#[test]
fn a_push_that_takes_out_what_an_early_pull_request_does_not_have_is_direct() {
    for kind in BOTH {
        let (mut world, other) = fix_and_early(kind, &README);
        let before = world.team.git(&["show", "1.0.0:src/app"]);
        world.direct("src/app", &before, "HOCS-1 tidy up");
        let other = world.squash(other);
        add(&mut world, other);
        let found = refused(&world);
        assert!(found.contains("HOCS-1 tidy up"), "{found}");
        assert!(found.contains("1 commit on `hotfix/HOCS-1`"), "{found}");
    }
}

#[test]
fn what_was_on_the_branch_before_is_not_of_a_squash_on_top() {
    let mut world = World::new(Kind::GitHub);
    world.direct("src/evil", "evil\n", "HOCS-1 just quickly");
    let pull = world.open(1, &README);
    let pull = world.squash(pull);
    add(&mut world, pull);
    let found = refused(&world);
    assert!(found.contains("just quickly"), "{found}");
}

#[test]
fn a_commit_that_is_only_said_to_be_the_merge_is_named() {
    // Gitea's «manually merged» takes any commit of the branch.
    let mut world = World::new(Kind::Gitea);
    let mut pull = early(&world, 1, &README[..1]);
    let evil = world.direct("src/app", "evil\n", "HOCS-1 mend two");
    pull.merged = Some(evil);
    add(&mut world, pull);
    insta::assert_snapshot!(refused(&world));
}

#[test]
fn what_somebody_put_into_the_merge_is_named() {
    for kind in BOTH {
        let mut world = World::new(kind);
        let mut pull = early(&world, 1, &README);
        let team = &world.team;
        team.git(&["merge", "--quiet", "--no-ff", "--no-commit", &pull.branch]);
        std::fs::write(team.dev().join("src/app"), "evil\n").unwrap();
        team.git(&["commit", "--quiet", "--all", "-m", "Merge pull request #1"]);
        team.push(HOTFIX);
        pull.merged = Some(team.head());
        add(&mut world, pull);
        let found = refused(&world);
        if kind == Kind::GitHub {
            insta::assert_snapshot!(found);
        }
    }
}

#[test]
fn a_conflict_that_was_solved_in_the_merge_is_named() {
    let (mut world, mut other) =
        fix_and_early(Kind::GitHub, &[("src/app", "other\n", "HOCS-1 otherwise")]);
    let team = &world.team;
    let merge = [
        "merge",
        "--quiet",
        "--no-ff",
        "--no-commit",
        "-X",
        "ours",
        &other.branch,
    ];
    team.git(&merge);
    team.git(&["commit", "--quiet", "--all", "-m", "Merge pull request #2"]);
    team.push(HOTFIX);
    other.merged = Some(team.head());
    add(&mut world, other);
    insta::assert_snapshot!(refused(&world));
}

#[test]
fn a_merge_of_both_sides_of_a_file_is_nothing_more() {
    // The middle of the file is the fix's, the end the other's.
    let long = |middle: &str, end: &str| format!("1\n{middle}\n3\n4\n5\n6\n7\n{end}\n");
    for kind in BOTH {
        let mut world = World::new(kind);
        let start = world.open(1, &[("src/long", &long("2", "8"), "HOCS-1 begin")]);
        let start = world.merge(start).approved();
        let other = early(&world, 3, &[("src/long", &long("2", "end"), "HOCS-1 end")]);
        let middle = world.open(2, &[("src/long", &long("middle", "8"), "HOCS-1 middle")]);
        let middle = world.merge(middle).approved();
        let other = world.merge(other).approved();
        world.pulls = vec![other, middle, start];
        allowed(&world, "by pull requests 3, 2, 1");
    }
}

#[test]
fn a_moved_file_is_followed() {
    let mut world = World::new(Kind::GitHub);
    let start = world.open(1, &[("src/old", "1\n2\n3\n4\n5\n", "HOCS-1 begin")]);
    let start = world.merge(start).approved();
    let other = early(
        &world,
        3,
        &[("src/old", "1\n2\n3\n4\nfive\n", "HOCS-1 five")],
    );
    world.team.branch("move", HOTFIX);
    world.team.git(&["mv", "src/old", "src/new"]);
    world.team.git(&["commit", "--quiet", "-m", "HOCS-1 move"]);
    world.team.push("move");
    let id = world.team.head();
    let mut moved = Pull {
        number: 2,
        branch: "move".to_owned(),
        head: id.clone(),
        merged: None,
        ..start.clone()
    };
    moved.commits[0].id.clone_from(&id);
    moved.reviews.clear();
    let moved = world.merge(moved).approved();
    let other = world.merge(other).approved();
    world.pulls = vec![other, moved, start];
    allowed(&world, "by pull requests 3, 2, 1");
}

#[test]
fn gitea_rebases_and_merges_what_was_behind() {
    let (mut world, mut other) = fix_and_early(Kind::Gitea, &README);
    let team = &world.team;
    team.branch("staging", &other.branch);
    team.git(&["rebase", "--quiet", HOTFIX]);
    team.switch(HOTFIX);
    team.git(&["merge", "--quiet", "--no-ff", "-m", "Merge 2", "staging"]);
    team.push(HOTFIX);
    other.merged = Some(team.head());
    add(&mut world, other);
    allowed(
        &world,
        "5 commits came into `hotfix/HOCS-1` by pull requests 2, 1",
    );
}

#[test]
fn a_rebase_of_commits_that_touch_the_same_lines() {
    let long = |second: &str, fourth: &str| format!("1\n{second}\n3\n{fourth}\n5\n");
    for kind in BOTH {
        let mut world = World::new(kind);
        let start = world.open(1, &[("src/long", &long("2", "4"), "HOCS-1 begin")]);
        let start = world.merge(start).approved();
        // Its context is another when it is rebased, and the second commit takes the first one back.
        let other = early(
            &world,
            3,
            &[
                ("src/long", &long("2", "A"), "HOCS-1 four"),
                ("src/long", &long("2", "B"), "HOCS-1 four again"),
                ("src/new", "new\n", "HOCS-1 new"),
                ("src/long", &long("2", "4"), "HOCS-1 back"),
            ],
        );
        let second = world.open(2, &[("src/top", "top\n", "HOCS-1 second")]);
        let second = world.merge(second).approved();
        let other = world.rebase(other).approved();
        world.pulls = vec![other, second, start];
        allowed(&world, "by pull requests 3, 2, 1");
    }
}

#[test]
fn whoever_pressed_update_branch_may_approve() {
    for kind in BOTH {
        let (mut world, mut other) = fix_and_early(kind, &README[..1]);
        let team = &world.team;
        team.switch(&other.branch);
        team.git(&["merge", "--quiet", "--no-ff", "-m", "Merge branch", HOTFIX]);
        team.push(&other.branch);
        other.head = team.head();
        other.commits.push(Commit {
            id: other.head.clone(),
            author: Some(BOB),
            committer: Some(BOB),
            merge: true,
            ..other.commits[0].clone()
        });
        let other = world.merge(other);
        add(&mut world, other);
        allowed(&world, "pull request 2 by `bob`");
        // A merge that is more than that is his work.
        let (mut world, mut other) = fix_and_early(kind, &README[..1]);
        let team = &world.team;
        team.switch(&other.branch);
        team.git(&["merge", "--quiet", "--no-ff", "--no-commit", HOTFIX]);
        std::fs::write(team.dev().join("README"), "mine\n").unwrap();
        team.git(&["commit", "--quiet", "--all", "-m", "Merge branch"]);
        team.push(&other.branch);
        other.head = team.head();
        other.commits.push(Commit {
            id: other.head.clone(),
            author: Some(BOB),
            committer: Some(BOB),
            merge: true,
            ..other.commits[0].clone()
        });
        let other = world.merge(other);
        add(&mut world, other);
        let run = world.pushed();
        run.begins(1, "reviewed");
        assert!(
            run.text.contains("`bob` has approved it and has written"),
            "{}",
            run.text
        );
    }
}

#[test]
fn of_pull_requests_on_top_of_each_other_the_upper_approval_is_enough() {
    for kind in BOTH {
        for as_own in [true, false] {
            let mut world = World::new(kind);
            let mut lower = world.usual(1);
            let mut upper = world.open(2, &[]);
            let team = &world.team;
            team.git(&["reset", "--quiet", "--hard", &lower.head]);
            let id = team.commit("README", "a\n", "HOCS-1 readme");
            team.git(&["push", "--quiet", "--force", "origin", &upper.branch]);
            upper.head.clone_from(&id);
            upper.commits = lower.commits.clone();
            upper.commits.push(Commit {
                id,
                ..lower.commits[0].clone()
            });
            let upper = world.merge(upper).approved();
            lower.merged = match as_own {
                true => Some(lower.head.clone()),
                false => upper.merged.clone(),
            };
            world.pulls = vec![upper, lower];
            allowed(&world, "pull request 1 as a part of 2");
            // A request for changes on the lower one still stands.
            world.pulls[1] = world.pulls[1].clone().review(CID, "CHANGES_REQUESTED");
            world.pushed().begins(1, "reviewed");
        }
    }
}

#[test]
fn a_pull_request_without_a_merge_commit_has_brought_nothing() {
    let mut world = World::new(Kind::GitHub);
    let pull = world.usual(1);
    let pull = world.merge(pull).approved();
    let list = format!("{}/pulls", super::world::REPO);
    let mut old = world.pull(&pull);
    old["number"] = 3.into();
    old["merge_commit_sha"] = serde_json::Value::Null;
    let answer = world.answer_plain(&list, vec![world.pull(&pull), old]);
    world.pulls = vec![pull];
    let script = crate::support::scripted::Script::new().on("GET", &world.merged_list(), answer);
    let server = script.then(world.script()).start();
    let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
    run.ends(0, &["by pull request 1"]);
    drop(server);
}

#[test]
fn whoever_amended_it_may_not_approve() {
    for kind in BOTH {
        let mut world = World::new(kind);
        let pull = world.usual(1);
        let mut pull = world.merge(pull).approved();
        pull.commits[0].committer = Some(BOB);
        world.pulls = vec![pull];
        let run = world.pushed();
        run.begins(1, "reviewed");
        assert!(
            run.text.contains("`bob` has approved it and has committed"),
            "{}",
            run.text
        );
    }
}
