//! Promotions: what is deployed has come by pull requests, and somebody has read it.

use super::world::{BOTH, HOTFIX, Kind, World};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};
use crate::support::team::finding;

fn world(kind: Kind, approved: bool) -> World {
    let mut world = World::new(kind);
    let pull = world.usual(7);
    let pull = world.squash(pull);
    world.pulls = vec![if approved { pull.approved() } else { pull }];
    world
}

/// The promotion of the hotfix's own build to a trial.
fn own(world: &World) -> DroneBuild {
    let pushed = world.team.pushed(HOTFIX);
    let (path, commit) = (pushed.workspace.clone(), pushed.sha.clone());
    let build = DroneBuild::promote(&pushed, "cs-demo");
    world.team.build(build, &path, &commit)
}

/// The promotion of a build of `main`, with the hotfix as its version.
fn by_name(world: &World) -> DroneBuild {
    let main = world.team.pushed("main");
    let (path, commit) = (main.workspace.clone(), main.sha.clone());
    let build = DroneBuild::promote(&main, "cs-demo").param("VERSION", "branch-hotfix_HOCS-1");
    world.team.build(build, &path, &commit)
}

#[test]
fn what_is_deployed_is_judged_whatever_build_carries_it() {
    for kind in BOTH {
        for promotion in [own, by_name] {
            let world = world(kind, true);
            let run = world.judge(&promotion(&world));
            run.ends(
                0,
                &[
                    "passed: merged-by-pull-request (must): 1 commit came into `hotfix/HOCS-1` by pull request 7",
                    "passed: reviewed (must): approved: pull request 7 by `bob`",
                ],
            );
            let world = self::world(kind, false);
            let run = world.judge(&promotion(&world));
            run.begins(1, "reviewed");
            let found = finding(&run, "reviewed");
            assert!(found.contains("pull request 7 has no approval"), "{found}");
        }
    }
}

#[test]
fn a_push_after_the_review_is_seen_by_the_promotion() {
    let world = world(Kind::GitHub, true);
    world.direct("src/quick", "quick\n", "HOCS-1 just quickly");
    for promotion in [own, by_name] {
        let run = world.judge(&promotion(&world));
        run.begins(1, "merged-by-pull-request");
    }
}

#[test]
fn an_ordinary_release_asks_nobody() {
    let world = world(Kind::GitHub, false);
    let main = world.team.pushed("main");
    let (path, commit) = (main.workspace.clone(), main.sha.clone());
    let build = DroneBuild::promote(&main, "cs-prod").param("VERSION", "1.1.0");
    let build = world.team.build(build, &path, &commit);
    let server = crate::support::scripted::Script::new().start();
    let run = world.judge_at(&build, &server.address());
    server.finish();
    run.ends(0, &["skipped: reviewed (must): it is no hotfix"]);
}

#[test]
fn woodpecker_asks_the_same() {
    for kind in BOTH {
        for (approved, code) in [(true, 0), (false, 1)] {
            let world = world(kind, approved);
            let commit = crate::support::git::git(&world.team.origin(), &["rev-parse", HOTFIX]);
            let checkout = world.team.pushed(HOTFIX).workspace;
            let push = WoodpeckerBuild::push(HOTFIX).with(|build| build.sha.clone_from(&commit));
            let deployment = WoodpeckerBuild::deployment(&push, "cs-demo")
                .param("VERSION", "branch-hotfix_HOCS-1");
            for build in [push, deployment] {
                let run = world.judge_woodpecker(&build, &checkout);
                run.ends(code, &["pull request 7"]);
                let word = if approved {
                    "passed: reviewed"
                } else {
                    "violated: reviewed"
                };
                assert!(run.text.contains(word), "{}", run.text);
            }
        }
    }
}

#[test]
fn without_a_checkout_nobody_can_say_which_commits_it_has() {
    // Promotion pipelines often disable the clone: not checked, and said; never taken for a review.
    let world = world(Kind::GitHub, false);
    let pushed = world.team.pushed(HOTFIX);
    let empty = world.team.origin().parent().unwrap().join("nothing");
    std::fs::create_dir(&empty).unwrap();
    let build = DroneBuild::promote(&pushed, "cs-demo");
    let build = world.team.build(build, &empty, &pushed.sha);
    let server = crate::support::scripted::Script::new().start();
    let run = world.judge_at(&build, &server.address());
    server.finish();
    run.ends(
        0,
        &[
            "not checked: merged-by-pull-request (must)",
            "not checked: reviewed (must)",
        ],
    );
}
