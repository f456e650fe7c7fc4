//! `merged-by-pull-request`: by which way every commit came into the hotfix branch.

use super::world::{BOTH, HOTFIX, Kind, Pull, World};
use crate::production::base::masked;
use crate::support::scripted::{Answer, Script};
use crate::support::team::{FIXED, finding};

const RULE: &str = "merged-by-pull-request";

const TWO: [(&str, &str, &str); 2] = [
    ("src/app", FIXED, "HOCS-1 mend two"),
    ("src/more", "more\n", "HOCS-1 and more"),
];

#[track_caller]
fn passes(world: &World, words: &str) {
    let run = world.pushed();
    run.ends(0, &[]);
    let found = finding(&run, RULE);
    assert!(found.contains(words), "no «{words}» in\n{found}");
}

#[track_caller]
fn refused(world: &World) -> String {
    let run = world.pushed();
    assert_eq!(run.code, 1, "{}", run.text);
    assert!(run.first_line().contains(RULE), "{}", run.text);
    masked(&finding(&run, RULE))
}

#[test]
fn by_a_merge_a_squash_or_a_rebase() {
    for kind in BOTH {
        let mut world = World::new(kind);
        let pull = world.open(1, &TWO);
        world.pulls = vec![world.merge(pull).approved()];
        passes(
            &world,
            "3 commits came into `hotfix/HOCS-1` by pull request 1",
        );

        let mut world = World::new(kind);
        let pull = world.open(1, &TWO);
        world.pulls = vec![world.squash(pull).approved()];
        passes(
            &world,
            "1 commit came into `hotfix/HOCS-1` by pull request 1",
        );

        let mut world = World::new(kind);
        let pull = world.open(1, &TWO);
        world.pulls = vec![world.rebase(pull).approved()];
        let own = world.pulls[0].commits[1].id.clone();
        assert_ne!(world.pulls[0].merged.as_ref(), Some(&own));
        passes(
            &world,
            "2 commits came into `hotfix/HOCS-1` by pull request 1",
        );

        // Gitea can also move the branch up to the pull request's own commits.
        let mut world = World::new(kind);
        let mut pull = world.open(1, &TWO).approved();
        world.team.switch(HOTFIX);
        world
            .team
            .git(&["merge", "--quiet", "--ff-only", &pull.branch]);
        world.team.push(HOTFIX);
        pull.merged = Some(pull.head.clone());
        world.pulls = vec![pull];
        passes(
            &world,
            "2 commits came into `hotfix/HOCS-1` by pull request 1",
        );
    }
}

#[test]
fn by_several_pull_requests_together() {
    for kind in BOTH {
        let mut world = World::new(kind);
        let one = world.open(1, &TWO);
        let one = world.rebase(one).approved();
        let two = world.open(
            2,
            &[
                ("src/two", "2\n", "HOCS-1 two"),
                ("src/3", "3\n", "HOCS-1 3"),
            ],
        );
        let two = world.rebase(two).approved();
        let three = world.open(3, &[("src/4", "4\n", "HOCS-1 4")]);
        let three = world.squash(three).approved();
        world.pulls = vec![three, two, one];
        passes(
            &world,
            "5 commits came into `hotfix/HOCS-1` by pull requests 3, 2, 1",
        );
    }
}

#[test]
fn a_direct_push_is_named() {
    for kind in BOTH {
        let mut world = World::new(kind);
        let pull = world.usual(1);
        world.pulls = vec![world.merge(pull).approved()];
        world.direct("src/quick", "quick\n", "HOCS-1 just quickly");
        let found = refused(&world);
        if kind == Kind::GitHub {
            insta::assert_snapshot!(found);
        }
        // Also below what came by a pull request.
        let mut world = World::new(kind);
        world.direct("src/quick", "quick\n", "HOCS-1 just quickly");
        let pull = world.usual(1);
        world.pulls = vec![world.merge(pull).approved()];
        let found = refused(&world);
        assert!(found.contains("1 commit on `hotfix/HOCS-1`"), "{found}");
        assert!(found.contains("just quickly"), "{found}");
    }
}

#[test]
fn without_any_pull_request_everything_is_direct() {
    let world = World::new(Kind::GitHub);
    world.direct("src/app", FIXED, "HOCS-1 mend two");
    insta::assert_snapshot!(refused(&world));
}

#[test]
fn a_pull_request_into_another_branch_does_not_count() {
    for kind in BOTH {
        let mut world = World::new(kind);
        let pull = world.usual(1);
        let mut pull = world.merge(pull).approved();
        let merged = pull.merged.clone().unwrap();
        pull.base = "main".to_owned();
        let own = pull.commits[0].id.clone();
        world.elsewhere = vec![(own, 1, "main".to_owned()), (merged, 1, "main".to_owned())];
        world.pulls = vec![pull];
        let found = refused(&world);
        assert!(found.contains("(by pull request 1 into `main`)"), "{found}");
        if kind == Kind::GitHub {
            insta::assert_snapshot!(found);
        }
    }
}

#[test]
fn a_forge_that_gives_more_than_was_asked_for_fools_nobody() {
    // A Gitea that does not know the filter by branch.
    let mut world = World::new(Kind::Gitea);
    let pull = world.usual(1);
    let mut pull = world.merge(pull).approved();
    let honest = pull.clone();
    pull.base = "main".to_owned();
    world.pulls = vec![pull.clone()];
    let path = format!("{}/pulls", super::world::REPO);
    let list = serde_json::Value::Array(vec![world.pull(&pull)]);
    let answer = world.answer(&path, &list);
    world.pulls = vec![honest];
    let server = Script::new()
        .on("GET", &world.merged_list(), answer)
        .on("GET", "/api/v1/*", Answer::status(404))
        .always()
        .start();
    let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
    run.begins(1, RULE);
    drop(server);
}

/// A forge that cannot list the pull requests of one branch (Forgejo) and has very many.
fn crowded(world: &World, each: &[(&str, Option<&Pull>)]) -> Script {
    let path = format!("{}/pulls", super::world::REPO);
    let other = Pull {
        number: 9_000,
        base: "main".to_owned(),
        ..world.pulls[0].clone()
    };
    let page = vec![world.pull(&other); 50];
    let mut script = Script::new().on(
        "GET",
        &world.merged_list(),
        world
            .answer_plain(&path, page)
            .header("X-Total-Count", "1001"),
    );
    for (id, pull) in each {
        let path = format!("{}/commits/{id}/pull", super::world::REPO);
        let answer = match pull {
            Some(pull) => world.answer(&path, &world.pull(pull)),
            None => Answer::status(404).json(&serde_json::json!({ "message": "not found" })),
        };
        script = script.on("GET", &world.target(&path, &[]), answer).always();
    }
    script.then(world.script())
}

#[test]
fn where_the_list_is_too_long_gitea_is_asked_commit_by_commit() {
    let mut world = World::new(Kind::Gitea);
    let pull = world.open(1, &TWO);
    world.pulls = vec![world.merge(pull).approved()];
    let pull = world.clone_pull(0);
    let merge = pull.merged.clone().unwrap();
    let own: Vec<String> = pull.commits.iter().map(|one| one.id.clone()).collect();
    let asked = [
        (merge.as_str(), Some(&pull)),
        (own[0].as_str(), None),
        (own[1].as_str(), None),
    ];
    let server = crowded(&world, &asked).start();
    let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
    run.ends(0, &["passed: merged-by-pull-request", "passed: reviewed"]);
    drop(server);
    // One into another branch has brought nothing to this one.
    let other = Pull {
        base: "main".to_owned(),
        ..pull.clone()
    };
    let asked = [
        (merge.as_str(), Some(&other)),
        (own[0].as_str(), None),
        (own[1].as_str(), None),
    ];
    let server = crowded(&world, &asked).start();
    let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
    run.begins(1, RULE);
    drop(server);
}

#[test]
fn a_commit_that_only_says_what_a_pull_request_says_is_direct() {
    // A push under the subject of a commit of the pull request, which is squashed on top of it.
    let mut world = World::new(Kind::GitHub);
    world.direct("src/evil", "evil\n", "HOCS-1 mend two");
    let pull = world.open(1, &TWO);
    let pull = world.squash(pull).approved();
    world.pulls = vec![pull];
    let found = refused(&world);
    assert!(found.contains("1 commit on `hotfix/HOCS-1`"), "{found}");
    // The same, when the pull request was opened before.
    let mut world = World::new(Kind::GitHub);
    let pull = world.open(1, &TWO);
    world.direct("src/evil", "evil\n", "HOCS-1 mend two");
    let pull = world.squash(pull).approved();
    world.pulls = vec![pull];
    let found = refused(&world);
    assert!(found.contains("1 commit on `hotfix/HOCS-1`"), "{found}");
    assert!(found.contains("the rest came by pull request 1"), "{found}");
}

#[test]
fn a_rebase_that_git_cannot_compare_is_unknown() {
    let mut world = World::new(Kind::GitHub);
    let pull = world.open(1, &TWO);
    let mut pull = world.rebase(pull).approved();
    pull.head = "a".repeat(40);
    for review in &mut pull.reviews {
        review.commit = pull.head.clone();
    }
    world.pulls = vec![pull];
    let run = world.pushed();
    run.begins(2, RULE);
    insta::assert_snapshot!(masked(&finding(&run, RULE)));
}
