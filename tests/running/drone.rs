//! Which server is asked for promotions, with which token, and which pages.

use serde_json::{Value, json};

use super::*;
use crate::support::drone_api::{build, on_page, page, refusal};
use crate::support::scripted::{Answer, Script};

const TAG: &str = "1.10.0";

/// A promotion of build `of` to `cs-prod`, with a version.
fn promotion(number: u64, of: u64, version: &str) -> DroneBuild {
    let built = DroneBuild::push("main").with(|build| build.number = of);
    DroneBuild::promote(&built, "cs-prod")
        .param("VERSION", version)
        .with(|build| build.number = number)
}

fn pushes(numbers: impl IntoIterator<Item = u64>) -> Vec<Value> {
    let pushed = |number| DroneBuild::push("main").with(|build| build.number = number);
    let numbers = numbers.into_iter();
    numbers
        .map(|number| build(&pushed(number), "success"))
        .collect()
}

/// A page with a promotion and the build that it promotes.
fn promoted() -> Vec<Value> {
    let mut page = vec![build(&promotion(7, 5, TAG), "success")];
    page.extend(pushes([6, 5]));
    page
}

#[test]
fn the_last_successful_promotion_says_what_runs() {
    let server = Script::new()
        .on(
            "GET",
            &page(1),
            Answer::status(200).json(&promoted().into()),
        )
        .with_header("Authorization", BEARER)
        .start();
    let (target, deployed) = Step::drone(&server.address()).known();
    assert_eq!(target.origin, "build 5, promoted to `cs-prod` by build 7");
    notes(&target, &[]);
    let [deployed] = &deployed[..] else {
        panic!("{deployed:?}");
    };
    assert_eq!(
        (deployed.text.as_str(), deployed.tag.as_deref()),
        (TAG, Some(TAG))
    );
    assert_eq!((deployed.build, deployed.commit.as_ref()), (Some(5), None));
    assert_eq!(deployed.since.as_deref(), Some("2026-01-01T00:07:00Z"));
    assert!(deployed.runs);
}

#[test]
fn a_public_repository_needs_no_token() {
    let server = Script::new()
        .on(
            "GET",
            &page(1),
            Answer::status(200).json(&promoted().into()),
        )
        .without_header("Authorization")
        .start();
    Step::drone(&server.address()).without_secrets().known();
}

#[test]
fn without_an_address_the_builds_own_server_is_asked() {
    let server = on_page(Script::new(), 1, &promoted()).start();
    let address = server.address();
    let own = |proto: &str, host: &str| {
        Step::drone(&address)
            .key("drone", json!(null))
            .variable("DRONE_SYSTEM_PROTO", proto)
            .variable("DRONE_SYSTEM_HOST", host)
    };
    own("http", &address).known();
    own("https", "").unknown(
        &["`DRONE_SYSTEM_HOST` does not say", "set `policy.drone`"],
        false,
    );
    for (proto, host) in [
        ("ftp", "drone.example"),
        ("https", "a b"),
        ("https", "x@drone.example"),
    ] {
        own(proto, host).unknown(&["are no address", "set `policy.drone`"], false);
    }
    // Plain HTTP only where the policy says so, and the token stays here.
    let step = own("http", &address).key("tls", json!(null));
    step.unknown(
        &["over plain HTTP", "`policy.tls.insecure`", &address],
        false,
    );
}

#[test]
fn woodpecker_has_no_such_record() {
    let server = Script::new().start();
    let mut step = Step::drone(&server.address());
    step.woodpecker = true;
    step.unknown(&["Woodpecker", "`kube`"], false);
    step.policy["running"] = json!({ "cs-prod": "1.0.0" });
    step.known();
}

#[test]
fn builds_come_in_pages_that_may_shift() {
    let first = pushes((301..=400).rev());
    // A build that was started meanwhile pushes 301 on to the next page.
    let second = pushes((202..=301).rev());
    let mut third = pushes((103..=201).rev());
    third.push(build(&promotion(102, 55, TAG), "success"));
    let server = on_page(
        on_page(on_page(Script::new(), 1, &first), 2, &second),
        3,
        &third,
    )
    .on(
        "GET",
        "/api/repos/example/service/builds/55",
        Answer::status(200).json(&pushes([55])[0]),
    )
    .with_header("Authorization", BEARER)
    .start();
    let (target, deployed) = Step::drone(&server.address()).known();
    assert_eq!(texts(&deployed), [(TAG, true)]);
    assert_eq!(
        target.origin,
        "build 55, promoted to `cs-prod` by build 102"
    );
}

#[test]
fn targets_share_the_pages() {
    let other = promotion(4, 3, "1.9.0").with(|build| build.deploy_to = "wcs-prod".into());
    let mut page = promoted();
    page.push(build(&other, "success"));
    page.extend(pushes([3]));
    let server = on_page(Script::new(), 1, &page).start();
    let mut step = Step::drone(&server.address());
    step.policy["running"]["wcs-prod"] = json!({ "drone": "wcs-prod" });
    let Source::Known(running) = step.ask() else {
        panic!("asked");
    };
    let answers: Vec<&str> = running
        .targets
        .iter()
        .map(|on| match &on.answer {
            Source::Known(deployed) => deployed[0].text.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(answers, [TAG, "1.9.0"]);
}

#[test]
fn targets_are_compared_exactly() {
    let server = on_page(on_page(Script::new(), 1, &promoted()), 2, &[]).start();
    Step::drone(&server.address())
        .source("drone", json!("CS-PROD"))
        .unknown(
            &["none among all 3 builds", "spelled as in promotions"],
            false,
        );
}

#[test]
fn a_target_that_was_never_reached_is_unknown() {
    let failed = promotion(9, 8, TAG);
    let mut page = vec![build(&failed, "failure")];
    page.extend(pushes([8, 7]));
    let server = on_page(on_page(Script::new(), 1, &page), 2, &[]).start();
    Step::drone(&server.address()).unknown(
        &[
            "`example/service` to `cs-prod`",
            "none among all 3 builds",
            "policy.running",
        ],
        false,
    );
    let server = on_page(Script::new(), 1, &[]).start();
    Step::drone(&server.address()).unknown(&["all 0 builds"], false);
}

#[test]
fn old_builds_are_not_looked_through_for_ever() {
    let mut script = Script::new();
    for number in 1..=30 {
        let last = 10_000 - 100 * (number as u64 - 1);
        script = on_page(script, number, &pushes((last - 99..=last).rev()));
    }
    let server = script.start();
    Step::drone(&server.address()).unknown(&["the last 3000 builds"], false);
}

#[test]
fn lists_that_make_no_sense_are_unknown() {
    let out_of_order = pushes([5, 6]);
    let server = on_page(Script::new(), 1, &out_of_order).start();
    Step::drone(&server.address()).unknown(&["not in order"], false);
    let same = pushes([6, 5]);
    let server = on_page(on_page(Script::new(), 1, &same), 2, &same).start();
    Step::drone(&server.address()).unknown(&["repeats itself"], false);
    let second = Script::new();
    let server =
        on_page(second, 1, &same).on("GET", &page(2), refusal(500, "sql: database is locked"));
    let server = server.times(5).start();
    Step::drone(&server.address()).unknown(&["500, sql: database is locked", "5 times"], true);
}
