//! What a promotion has deployed, which build it goes back to, and what came after it.

use serde_json::{Value, json};

use super::*;
use crate::support::drone_api::{build, on_page, one, refusal};
use crate::support::scripted::{Answer, Script};

fn numbered(build: DroneBuild, number: u64) -> DroneBuild {
    build.with(|build| build.number = number)
}

fn pushed(number: u64) -> DroneBuild {
    numbered(DroneBuild::push("main"), number)
}

fn promoted(of: &DroneBuild, number: u64) -> DroneBuild {
    numbered(DroneBuild::promote(of, "cs-prod"), number)
}

/// One page with these builds, all successful but where another status is given.
fn page(builds: &[(&DroneBuild, &str)]) -> Vec<Value> {
    builds
        .iter()
        .map(|(one, status)| build(one, status))
        .collect()
}

#[track_caller]
fn asked(builds: &[(&DroneBuild, &str)]) -> (OnTarget, Vec<Deployed>) {
    let server = on_page(Script::new(), 1, &page(builds)).start();
    Step::drone(&server.address()).known()
}

#[track_caller]
fn refused(builds: &[(&DroneBuild, &str)], words: &[&str]) {
    let server = on_page(Script::new(), 1, &page(builds)).start();
    Step::drone(&server.address()).unknown(words, false);
}

const OK: &str = "success";

#[test]
fn without_a_version_parameter_the_builds_own_commit_is_deployed() {
    let built = pushed(5);
    let promotion = promoted(&built, 6).param("REASON", "urgent");
    let (target, deployed) = asked(&[(&promotion, OK), (&built, OK)]);
    assert_eq!(deployed[0].text, built.sha);
    assert_eq!(
        deployed[0].commit.as_ref().map(|c| c.as_str()),
        Some(&*built.sha)
    );
    assert_eq!(
        (deployed[0].tag.as_ref(), deployed[0].build),
        (None, Some(5))
    );
    notes(
        &target,
        &["promoted without a version parameter, so its own commit"],
    );
    // Another commit in the promotion than in the build would mean that one of them is not true.
    let other = built.clone().with(|build| build.sha = "f".repeat(40));
    refused(
        &[(&promotion, OK), (&other, OK)],
        &["are of different commits"],
    );
    let none = |build: &DroneBuild| build.clone().with(|build| build.sha = "main".into());
    refused(
        &[(&none(&promotion), OK), (&none(&built), OK)],
        &["names no commit"],
    );
}

#[test]
fn the_parameters_of_the_policy_say_the_version() {
    let built = pushed(5);
    let promotion = promoted(&built, 6)
        .param("VERSION", "1")
        .param("SERVICE_VERSION", "2");
    let server = on_page(Script::new(), 1, &page(&[(&promotion, OK), (&built, OK)])).start();
    let step = Step::drone(&server.address()).key("version_params", json!(["SERVICE_VERSION"]));
    assert_eq!(texts(&step.known().1), [("2", true)]);
    let both = promoted(&built, 6)
        .param("VERSION", "1")
        .param("IMAGE_TAG", "2");
    refused(
        &[(&both, OK), (&built, OK)],
        &[
            "`IMAGE_TAG=2` and `VERSION=1` disagree",
            "policy.version_params",
        ],
    );
    let wrong = promoted(&built, 6).param("VERSION", "1, 2");
    refused(
        &[(&wrong, OK), (&built, OK)],
        &["`VERSION=1, 2` is not exactly one"],
    );
    let reference = "quay.io/example/service:1";
    let agree = promoted(&built, 6)
        .param("VERSION", "1")
        .param("IMAGE_TAG", reference);
    assert_eq!(
        texts(&asked(&[(&agree, OK), (&built, OK)]).1),
        [(reference, true)]
    );
}

#[test]
fn a_promotion_of_a_promotion_goes_back_to_the_build() {
    let built = pushed(5);
    let trial = DroneBuild::promote(&built, "cs-demo").param("VERSION", "1.0.0");
    let trial = numbered(trial, 6);
    let live = promoted(&trial, 7);
    let (target, deployed) = asked(&[(&live, OK), (&trial, OK), (&built, OK)]);
    assert_eq!(texts(&deployed), [("1.0.0", true)]);
    assert_eq!(target.origin, "build 5, promoted to `cs-prod` by build 7");
}

#[test]
fn a_restart_and_a_rollback_count_as_what_they_repeat() {
    let built = pushed(3);
    let first = promoted(&built, 5).param("VERSION", "1.0.0");
    let second = promoted(&pushed(4), 6).param("VERSION", "1.1.0");
    let restarted = numbered(DroneBuild::restart(&first), 7);
    let (target, deployed) = asked(&[
        (&restarted, OK),
        (&second, OK),
        (&first, "failure"),
        (&pushed(4), OK),
        (&built, OK),
    ]);
    assert_eq!(
        (texts(&deployed), deployed[0].build),
        (vec![("1.0.0", true)], Some(3))
    );
    assert_eq!(target.origin, "build 3, promoted to `cs-prod` by build 7");
    notes(&target, &[]);

    let back = numbered(DroneBuild::rollback(&first, "cs-prod"), 8);
    let (target, deployed) = asked(&[
        (&back, OK),
        (&second, OK),
        (&first, OK),
        (&pushed(4), OK),
        (&built, OK),
    ]);
    assert_eq!(
        (texts(&deployed), deployed[0].build),
        (vec![("1.0.0", true)], Some(3))
    );
    assert_eq!(
        target.origin,
        "build 3, rolled back on `cs-prod` by build 8"
    );
    // A restarted push is a build of its own.
    let again = numbered(DroneBuild::restart(&built), 9);
    let live = promoted(&again, 10).param("VERSION", "2");
    let (target, deployed) = asked(&[(&live, OK), (&again, OK)]);
    assert_eq!(deployed[0].build, Some(9));
    assert_eq!(target.origin, "build 9, promoted to `cs-prod` by build 10");
}

#[test]
fn a_deployment_of_github_is_the_build_itself() {
    let deployment = numbered(DroneBuild::github_deployment("main", "cs-prod"), 6);
    let (target, deployed) = asked(&[(&deployment, OK)]);
    assert_eq!(
        deployed[0].commit.as_ref().map(|c| c.as_str()),
        Some(&*deployment.sha)
    );
    assert_eq!(deployed[0].build, Some(6));
    assert_eq!(target.origin, "build 6, deployed to `cs-prod`");
}

#[test]
fn later_promotions_are_said() {
    let built = pushed(3);
    let good = promoted(&built, 5).param("VERSION", "1.0.0");
    let later = |number| promoted(&built, number).param("VERSION", "1.1.0");
    let back = numbered(DroneBuild::rollback(&good, "cs-prod"), 9);
    let elsewhere = numbered(DroneBuild::promote(&built, "cs-demo"), 10);
    let (target, deployed) = asked(&[
        (&later(12), "skipped"),
        (&later(11), "declined"),
        (&elsewhere, "failure"),
        (&back, "running"),
        (&later(8), "blocked"),
        (&later(7), "killed"),
        (&later(6), "failure"),
        (&good, OK),
        (&built, OK),
    ]);
    assert_eq!(texts(&deployed), [("1.0.0", true)]);
    assert_eq!(
        target.notes,
        [
            "build 9, a later rollback by `example`, is `running`: it may change what runs at any moment",
            "build 8, a later promotion by `example`, is `blocked`: it will change what runs when it goes on",
            "build 7, a later promotion by `example`, is `killed`: it may have changed what runs",
            "build 6, a later promotion by `example`, is `failure`: it may have changed what runs",
        ]
    );
    let many: Vec<DroneBuild> = (6..=20).rev().map(later).collect();
    let mut all: Vec<(&DroneBuild, &str)> = many.iter().map(|one| (one, "error")).collect();
    all.extend([(&good, OK), (&built, OK)]);
    let (target, _) = asked(&all);
    assert_eq!(target.notes.len(), 6);
    assert!(
        target.notes[5].starts_with("10 more promotions"),
        "{:?}",
        target.notes
    );
}

#[test]
fn the_build_that_asks_is_no_later_promotion() {
    let built = pushed(3);
    let good = promoted(&built, 5).param("VERSION", "1.0.0");
    let own = promoted(&built, 6).param("VERSION", "1.1.0");
    let server = on_page(
        Script::new(),
        1,
        &page(&[(&own, "running"), (&good, OK), (&built, OK)]),
    )
    .start();
    let mut step = Step::drone(&server.address()).build(own);
    step.only = Some("cs-prod");
    let (target, deployed) = step.known();
    assert_eq!(texts(&deployed), [("1.0.0", true)]);
    notes(&target, &[]);
}

#[test]
fn a_build_that_is_gone_is_said() {
    let built = pushed(3);
    let live = promoted(&built, 7).param("VERSION", "1.0.0");
    let start = || on_page(Script::new(), 1, &page(&[(&live, OK)]));
    let server = start()
        .on("GET", &one(3), refusal(404, "Not Found"))
        .start();
    let (target, deployed) = Step::drone(&server.address()).known();
    assert_eq!(
        (texts(&deployed), deployed[0].build),
        (vec![("1.0.0", true)], None)
    );
    assert_eq!(target.origin, "a build, promoted to `cs-prod` by build 7");
    notes(&target, &["is not there any more"]);
    let server = start().on("GET", &one(3), refusal(403, "no")).start();
    Step::drone(&server.address()).unknown(&["403, no"], false);
    let other = Answer::status(200).json(&build(&pushed(4), OK));
    let server = start().on("GET", &one(3), other).start();
    Step::drone(&server.address()).unknown(&["another build"], false);
}

#[test]
fn parents_that_go_round_end() {
    let round = promoted(&pushed(7), 7).param("VERSION", "1");
    refused(
        &[(&round, OK)],
        &["build 7 says that it promotes the later build 7"],
    );
    let future = promoted(&pushed(9), 7).param("VERSION", "1");
    refused(&[(&future, OK)], &["the later build 9"]);
    let mut chain = vec![promoted(&pushed(1), 2).param("VERSION", "1")];
    for number in 3..40 {
        let next = promoted(&chain[chain.len() - 1], number);
        chain.push(next);
    }
    let all: Vec<(&DroneBuild, &str)> = chain.iter().rev().map(|one| (one, OK)).collect();
    refused(&all, &["more than 30 times"]);
}
