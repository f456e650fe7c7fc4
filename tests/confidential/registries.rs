//! What registries answer to somebody without credentials, and what is made of it.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use super::{hotfix, judge, masked};
use crate::support::binary::Run;
use crate::support::image::{self, Blob};
use crate::support::pipeline::DroneBuild;
use crate::support::registry::Registry;
use crate::support::scripted::{Answer, Script};
use crate::support::team::{Team, finding};
use crate::support::token_service::{Rights, TokenRules};

const REPO: &str = "example/app";
const LIST: &str = "/v2/example/app/tags/list?n=10";
const TAG: &str = "/v2/example/app/manifests/branch-hotfix_SEC-12";

fn team() -> (Team, DroneBuild) {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/SEC-12", "SEC-12 check the length of a name");
    (team, push)
}

/// Judges a push to the repository `example/app` of this registry.
fn ask(push: &DroneBuild, address: &str, more: &str) -> Run {
    judge(
        push,
        &format!(
            r"running: '1.0.0', confidential_ticket: '^SEC-\d+$', repo: '{address}/{REPO}', tls: {{insecure: ['{address}']}}{more}"
        ),
    )
}

fn said(run: &Run) -> String {
    masked(&finding(run, "confidential"))
}

fn manifest() -> Blob {
    image::single("one").manifest
}

#[test]
fn a_registry_that_asks_nobody_who_he_is() {
    let (_team, push) = team();
    let registry = Registry::open();
    registry.push(REPO, "build_1", &image::single("one"));
    let run = ask(&push, &registry.address(), "");
    run.begins(1, "refused by confidential");
    assert_snapshot!(said(&run));
}

#[test]
fn a_registry_that_wants_a_password() {
    let (_team, push) = team();
    let registry = Registry::basic("hot", "fix-password");
    // Before the first image and after it.
    for _ in 0..2 {
        let run = ask(&push, &registry.address(), "");
        run.begins(0, "allowed");
        assert_snapshot!("wants_a_password", said(&run));
        registry.push(REPO, "build_1", &image::single("one"));
    }
}

#[test]
fn a_token_service_gives_tokens_to_everybody_and_only_some_of_them_are_worth_something() {
    let (_team, push) = team();
    let account = |rules: TokenRules| rules.account("hot", "fix-password", Rights::everything());
    let private = Registry::token(account(TokenRules::new()).anonymous(Rights::only(&[], &[])));
    let public = Registry::token(account(TokenRules::new()).anonymous(Rights::pull_only()));
    let closed = Registry::token(account(TokenRules::new()));
    for registry in [&private, &public, &closed] {
        registry.push(REPO, "build_1", &image::single("one"));
    }
    let ask = |registry: &Registry| {
        let (address, realm) = (registry.address(), registry.tokens().realm());
        let service = realm.split('/').nth(2).unwrap();
        judge(
            &push,
            &format!(
                r"running: '1.0.0', confidential_ticket: '^SEC-\d+$', repo: '{address}/{REPO}', tls: {{insecure: ['{address}', '{service}']}}"
            ),
        )
    };
    ask(&private).begins(0, "allowed");
    ask(&closed).begins(0, "allowed");
    let run = ask(&public);
    run.begins(1, "refused by confidential");
    assert!(
        said(&run).contains("to everybody, without credentials"),
        "{}",
        run.text
    );
}

#[test]
fn an_image_is_given_where_the_list_is_not() {
    let (_team, push) = team();
    let server = Script::new()
        .on("GET", LIST, Answer::error(401, "UNAUTHORIZED"))
        .on("HEAD", TAG, Answer::manifest(&manifest()))
        .times(2)
        .start();
    let run = ask(&push, &server.address(), "");
    run.begins(1, "refused by confidential");
    assert_snapshot!(said(&run));
}

#[test]
fn what_is_there_for_us_and_not_found_by_others_is_hidden() {
    let (_team, push) = team();
    let challenge =
        Answer::error(401, "UNAUTHORIZED").header("www-authenticate", "Basic realm=\"x\"");
    let ours = "Basic aG90OmZpeC1wYXNzd29yZA==";
    let server = Script::new()
        .on("GET", LIST, Answer::error(404, "NAME_UNKNOWN"))
        .without_header("authorization")
        .on("HEAD", TAG, challenge)
        .without_header("authorization")
        .on("HEAD", TAG, Answer::manifest(&manifest()))
        .with_header("authorization", ours)
        .on("HEAD", TAG, Answer::status(404))
        .without_header("authorization")
        .start();
    let run = ask(&push, &server.address(), "");
    run.begins(0, "allowed");
    server.finish();
}

#[test]
fn not_found_alone_says_nothing() {
    let (_team, push) = team();
    let server = Script::new()
        .on("GET", LIST, Answer::error(404, "NAME_UNKNOWN"))
        .always()
        .on("HEAD", TAG, Answer::status(404))
        .always()
        .start();
    let run = ask(&push, &server.address(), "");
    run.begins(2, "undecided");
    assert_snapshot!(said(&run));
}

#[test]
fn a_registry_in_bad_weather_is_unknown() {
    let (_team, push) = team();
    let page = || {
        Answer::status(200)
            .header("content-type", "text/html")
            .body("<html>log in</html>")
    };
    let limit = || Answer::error(429, "TOOMANYREQUESTS").header("retry-after", "3600");
    for (name, answer) in [
        ("broken", Answer::error(500, "UNKNOWN")),
        ("rate_limited", limit()),
        (
            "rate_limited_with_403",
            Answer::error(403, "TOOMANYREQUESTS"),
        ),
        ("a_page_to_log_in", page()),
        ("hangs_up", Answer::hang_up()),
        ("garbled", Answer::status(200).body("{\"errors\":")),
        ("endless", Answer::status(200).endless()),
        ("slow", Answer::status(200).after(Duration::from_secs(30))),
        ("stalls", Answer::stall()),
    ] {
        let server = Script::new()
            .on("GET", "/v2/*", answer.clone())
            .always()
            .on("HEAD", "/v2/*", answer)
            .always()
            .start();
        let run = ask(&push, &server.address(), ", timeout: 2s");
        assert_eq!(run.code, 2, "{name}\n{}", run.text);
        assert!(said(&run).contains("is not known"), "{name}\n{}", run.text);
    }
}

#[test]
fn a_registry_that_is_down_is_unknown() {
    let (_team, push) = team();
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let run = ask(&push, &gone, ", timeout: 2s");
    run.begins(2, "undecided");
    assert_snapshot!(said(&run));
}

#[test]
fn a_token_service_in_bad_weather_is_unknown() {
    let (_team, push) = team();
    let challenge = Answer::error(401, "UNAUTHORIZED").header(
        "www-authenticate",
        "Bearer realm=\"http://{address}/token\",service=\"x\"",
    );
    for (name, token) in [
        ("broken", Answer::status(503)),
        ("wrong_request", Answer::status(400)),
        ("no_token", Answer::status(200).json(&json!({}))),
        ("garbled", Answer::status(200).body("<html>")),
        ("gone", Answer::hang_up()),
    ] {
        let server = Script::new()
            .on("GET", "/token*", token)
            .always()
            .on("GET", "/v2/*", challenge.clone())
            .always()
            .on("HEAD", "/v2/*", challenge.clone())
            .always()
            .start();
        let run = ask(&push, &server.address(), ", timeout: 2s");
        assert_eq!(run.code, 2, "{name}\n{}", run.text);
    }
}

#[test]
fn the_repository_that_the_image_comes_from_is_asked_too() {
    let (_team, push) = team();
    let (target, source) = (Registry::basic("hot", "fix-password"), Registry::open());
    source.push("example/build", "418", &image::single("one"));
    let from = source.address();
    let more = format!(
        ", source: '{from}/example/build:{{build}}', attest: false, rules: {{image-commit: 'off'}}"
    );
    let address = target.address();
    let run = judge(
        &push,
        &format!(
            r"running: '1.0.0', confidential_ticket: '^SEC-\d+$', repo: '{address}/{REPO}', tls: {{insecure: ['{address}', '{from}']}}{more}"
        ),
    );
    run.begins(1, "refused by confidential");
    assert!(
        said(&run).contains("`REGISTRY/example/build` gives its images"),
        "{}",
        run.text
    );
    assert!(!said(&run).contains(REPO), "{}", run.text);
}

#[test]
fn what_a_server_repeats_is_masked_at_the_one_way_out() {
    let (_team, push) = team();
    let said = "SEC-12 check the length of a name";
    let body = json!({"errors": [{"code": "UNKNOWN", "message": format!("no {said} here")}]});
    let server = Script::new()
        .on("GET", "/v2/*", Answer::status(500).json(&body))
        .always()
        .on("HEAD", "/v2/*", Answer::status(500))
        .always()
        .start();
    let run = ask(&push, &server.address(), ", timeout: 5s");
    run.begins(2, "undecided");
    assert!(run.text.contains("UNKNOWN: no ****** here"), "{}", run.text);
    assert!(!run.text.contains(said), "{}", run.text);
}

#[test]
fn nobody_is_asked_about_a_hotfix_that_is_not_confidential() {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/HOCS-1", "HOCS-1 check the length of a name");
    // A request that nobody has scripted would fail the test.
    let server = Script::new().start();
    ask(&push, &server.address(), "").begins(0, "allowed");
    server.finish();
}
