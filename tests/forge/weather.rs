//! A forge that does not answer as it should: nothing of that is ever taken for an approval.

use std::time::Duration;

use super::world::{BOTH, HOTFIX, Kind, REPO, TOKEN, World};
use crate::production::base::masked;
use crate::support::binary::Run;
use crate::support::scripted::{Answer, Script};
use crate::support::team::finding;

const RULE: &str = "merged-by-pull-request";

/// A hotfix that is in order, on a forge that answers the first question so.
fn world(kind: Kind) -> World {
    let mut world = World::new(kind);
    let pull = world.usual(7);
    world.pulls = vec![world.merge(pull).approved()];
    world
}

fn answered(world: &World, answer: Answer) -> Run {
    let server = Script::new()
        .on("GET", &world.merged_list(), answer)
        .always()
        .on(
            "GET",
            &world.open_list(),
            world.answer(&format!("{REPO}/pulls"), &serde_json::json!([])),
        )
        .always()
        .start();
    let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
    server.finish();
    run
}

/// Undecided, with what was found of the first rule.
fn undecided(kind: Kind, answer: Answer) -> String {
    let run = answered(&world(kind), answer);
    run.begins(2, RULE);
    let found = finding(&run, RULE);
    assert!(found.contains("reviewed (must)"), "{found}");
    masked(&found)
}

fn error(status: u16, message: &str) -> Answer {
    Answer::status(status).json(&serde_json::json!({ "message": message }))
}

#[test]
fn a_token_that_is_wrong_or_may_not() {
    for kind in BOTH {
        let words = [
            (
                401,
                "Bad credentials",
                "check `forge_token`: the forge does not take it",
            ),
            (
                403,
                "Resource not accessible",
                "give `forge_token` the right to read",
            ),
            (
                404,
                "Not Found",
                "a forge answers 404 to who may not see something",
            ),
        ];
        for (status, message, advice) in words {
            let found = undecided(kind, error(status, message));
            assert!(found.contains(advice), "{found}");
            assert!(
                found.contains("running the step again will not help"),
                "{found}"
            );
            if kind == Kind::GitHub {
                insta::assert_snapshot!(format!("status_{status}"), found);
            }
        }
    }
}

#[test]
fn without_a_token_the_advice_is_another() {
    let world = world(Kind::GitHub);
    let server = Script::new()
        .on("GET", &world.merged_list(), error(404, "Not Found"))
        .without_header("Authorization")
        .on("GET", &world.open_list(), error(404, "Not Found"))
        .start();
    let settings = world.settings(&server.address());
    let settings = settings.replacen("forge_token: {from_secret: f}, ", "", 1);
    let build = world.team.pushed(HOTFIX);
    let gate = crate::support::gate::drone_gate(&settings);
    let run = crate::support::binary::run(build.environment(&gate, &[], &Default::default()));
    server.finish();
    run.begins(2, RULE);
    let found = finding(&run, RULE);
    assert!(
        found.contains("set `forge_token` (from_secret) beside `policy`"),
        "{found}"
    );
}

#[test]
fn a_token_that_is_missing_or_withheld() {
    let world = world(Kind::GitHub);
    let server = Script::new().start();
    let build = world.team.pushed(HOTFIX);
    let gate = crate::support::gate::drone_gate(&world.settings(&server.address()));
    // Drone sets what has no value to an empty text.
    let secrets = [("f".to_owned(), String::new())].into();
    let run = crate::support::binary::run(build.environment(&gate, &[], &secrets));
    server.finish();
    run.begins(2, RULE);
    insta::assert_snapshot!(masked(&finding(&run, RULE)));
}

#[test]
fn limits_of_requests_say_when_to_come_again() {
    // A primary limit: nothing remains until a time.
    let limited = |status: u16| {
        error(status, "API rate limit exceeded for user ID 1.")
            .header("X-RateLimit-Limit", "60")
            .header("X-RateLimit-Remaining", "0")
            .header("X-RateLimit-Reset", "4107542400")
    };
    for status in [403, 429] {
        let found = undecided(Kind::GitHub, limited(status));
        assert!(
            found.contains("run the step again at 2100-03-01T00:00:00Z"),
            "{found}"
        );
        assert!(found.contains("running the step again may help"), "{found}");
    }
    insta::assert_snapshot!(undecided(Kind::GitHub, limited(403)));
    // A secondary one: go slow.
    let text = "You have exceeded a secondary rate limit.";
    for status in [403, 429] {
        let slow = error(status, text).header("Retry-After", "600");
        let found = undecided(Kind::GitHub, slow);
        assert!(
            found.contains("run the step again in 10 minutes"),
            "{found}"
        );
    }
    let found = undecided(Kind::GitHub, error(403, text).header("Retry-After", "600"));
    insta::assert_snapshot!("a_secondary_limit", found);
    let found = undecided(Kind::GitHub, error(403, text));
    assert!(
        found.contains("run the step again in some minutes"),
        "{found}"
    );
}

#[test]
fn a_limit_that_passes_is_waited_for() {
    for status in [403, 429] {
        let world = world(Kind::GitHub);
        let slow = error(status, "slow down").header("Retry-After", "0");
        let script = Script::new().on("GET", &world.merged_list(), slow);
        let server = script.then(world.script()).start();
        let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
        server.finish();
        run.ends(0, &["approved: pull request 7 by `bob`"]);
    }
}

#[test]
fn a_server_that_is_down_slow_or_says_nothing_that_can_be_read() {
    for kind in BOTH {
        let text = |body: &str| Answer::status(200).body(body).header("X-Total-Count", "1");
        for (name, answer, retry) in [
            ("hangs_up", Answer::hang_up(), true),
            ("web_page", text("<!DOCTYPE html><p>Log in</p>"), false),
            ("garbled", text("[{\"number\": 7, "), false),
            ("another_form", text("{\"pulls\": []}"), false),
            ("no_merge", text(&no_merge(kind)), false),
            ("cut", text("[]").cut(100), true),
            ("down", error(500, "panic"), true),
        ] {
            let world = world(kind);
            let run = answered_in(&world, answer, "60s");
            run.begins(2, RULE);
            let found = masked(&finding(&run, RULE));
            let again = if retry { "may help" } else { "will not help" };
            assert!(found.contains(again), "{name}: {found}");
            if kind == Kind::Gitea && name != "down" {
                insta::assert_snapshot!(name, found);
            }
        }
    }
}

/// One that takes longer than there is time for everything.
#[test]
fn a_server_that_never_answers_is_not_waited_for() {
    let run = answered_in(&world(Kind::GitHub), Answer::stall(), "4s");
    run.begins(2, RULE);
    let found = finding(&run, RULE);
    assert!(found.contains("may help"), "{found}");
}

/// Its list has more pages than can be had in time. What git alone says is known all the same.
#[test]
fn a_slow_server_takes_no_time_from_git() {
    let world = world(Kind::GitHub);
    let pages = (1..=20).map(|page| {
        let place = format!("&page={page}");
        let answer = Answer::status(200)
            .body("[]")
            .header("Link", "<http://ADDRESS/next>; rel=\"next\"");
        let list = world.merged_list().replacen("&page=1", &place, 1);
        (list, answer.after(Duration::from_millis(300)))
    });
    let script = pages.fold(Script::new(), |script, (list, answer)| {
        script.on("GET", &list, answer).always()
    });
    let run = answered_by(&world, script, "4s");
    run.begins(2, RULE);
    let git = finding(&run, "revertible");
    assert!(git.starts_with("passed"), "{git}");
}

fn answered_in(world: &World, answer: Answer, timeout: &str) -> Run {
    let script = Script::new().on("GET", &world.merged_list(), answer);
    answered_by(world, script.always(), timeout)
}

fn answered_by(world: &World, script: Script, timeout: &str) -> Run {
    let server = script
        .on("GET", &world.open_list(), Answer::status(404))
        .always()
        .start();
    let build = world.team.pushed(HOTFIX);
    let settings = world.settings(&server.address());
    let settings = settings.replacen("timeout: 60s", &format!("timeout: {timeout}"), 1);
    let gate = crate::support::gate::drone_gate(&settings);
    let secrets = [("f".to_owned(), TOKEN.to_owned())].into();
    let run = crate::support::binary::run(build.environment(&gate, &[], &secrets));
    server.finish();
    run
}

fn no_merge(kind: Kind) -> String {
    let world = World::new(kind);
    let mut pull = world.usual(7);
    pull.merged = Some("nonsense".to_owned());
    serde_json::json!([world.pull(&pull)]).to_string()
}

#[test]
fn a_server_that_is_not_there() {
    let world = world(Kind::GitHub);
    let address = Script::new().start().address();
    let run = world.judge_at(&world.team.pushed(HOTFIX), &address);
    run.begins(2, RULE);
    assert!(finding(&run, RULE).contains("may help"), "{}", run.text);
}

#[test]
fn the_token_does_not_travel_to_another_host() {
    for kind in BOTH {
        let world = world(kind);
        let other = Script::new()
            .on("GET", "/elsewhere", Answer::status(200).body("[]"))
            .without_header("Authorization")
            .start();
        let place = format!("http://{}/elsewhere", other.address());
        let server = Script::new()
            .on(
                "GET",
                &world.merged_list(),
                Answer::status(302).header("Location", &place),
            )
            .with_header("Authorization", &format!("Bearer {TOKEN}"))
            .on("GET", &world.open_list(), Answer::status(404))
            .start();
        let settings = world.settings(&server.address());
        let list = format!("insecure: [\"{}\"", server.address());
        let both = format!("{list}, \"{}\"", other.address());
        let settings = settings.replacen(&list, &both, 1);
        let gate = crate::support::gate::drone_gate(&settings);
        let secrets = [("f".to_owned(), TOKEN.to_owned())].into();
        let build = world.team.pushed(HOTFIX);
        let run = crate::support::binary::run(build.environment(&gate, &[], &secrets));
        server.finish();
        other.finish();
        run.begins(2, RULE);
        let found = finding(&run, RULE);
        assert!(found.contains("it sends us on to"), "{found}");
    }
}

#[test]
fn a_repository_that_was_renamed_is_followed() {
    let world = world(Kind::GitHub);
    let list = world.merged_list();
    let (_, query) = list.split_once('?').unwrap();
    let place = format!("/api/v3/repositories/5/pulls?{query}");
    let body = serde_json::json!([world.pull(&world.pulls[0])]);
    let script = Script::new()
        .on("GET", &list, Answer::status(301).header("Location", &place))
        .on("GET", &place, Answer::status(200).json(&body))
        .with_header("Authorization", &format!("Bearer {TOKEN}"));
    let server = script.then(world.script()).start();
    let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
    server.finish();
    run.ends(0, &["approved: pull request 7 by `bob`"]);
}

#[test]
fn reviews_that_cannot_be_read_are_unknown() {
    for kind in BOTH {
        let world = world(kind);
        for part in ["reviews", "commits"] {
            let path = world.first(&format!("{REPO}/pulls/7/{part}"), &[]);
            let script = Script::new().on("GET", &path, error(403, "no")).always();
            let server = script.then(world.script()).start();
            let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
            server.finish();
            run.begins(2, RULE);
        }
    }
}

#[test]
fn only_a_rule_that_wants_it_asks() {
    let mut world = world(Kind::GitHub);
    world.policy =
        ", rules: {reviewed: \"off\", merged-by-pull-request: \"off\", forward-port: \"off\", \
                    no-features: \"off\", triage: \"off\", agreed: \"off\"}"
            .to_owned();
    let server = Script::new().start();
    let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
    server.finish();
    run.ends(0, &[]);
}
