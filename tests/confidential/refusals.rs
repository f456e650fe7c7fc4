//! What counts as the refusal of a registry, and what only looks like one.

use serde_json::json;

use super::{hotfix, judge};
use crate::support::binary::Run;
use crate::support::image;
use crate::support::pipeline::DroneBuild;
use crate::support::scripted::{Answer, Script};
use crate::support::team::{Team, finding};

fn team() -> (Team, DroneBuild) {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/SEC-12", "SEC-12 check the length of a name");
    (team, push)
}

fn ask(push: &DroneBuild, address: &str) -> Run {
    judge(
        push,
        &format!(
            r"running: '1.0.0', confidential_ticket: '^SEC-\d+$', repo: '{address}/example/app', tls: {{insecure: ['{address}']}}, timeout: 3s"
        ),
    )
}

/// A registry that answers everything so.
fn everywhere(push: &DroneBuild, answer: &Answer) -> Run {
    let server = Script::new()
        .on("GET", "/v2/*", answer.clone())
        .always()
        .on("HEAD", "/v2/*", answer.clone())
        .always()
        .start();
    ask(push, &server.address())
}

/// A registry whose token service answers so.
fn by_token(push: &DroneBuild, answer: Answer) -> Run {
    let challenge = Answer::error(401, "UNAUTHORIZED").header(
        "www-authenticate",
        "Bearer realm=\"http://{address}/token\",service=\"x\"",
    );
    let server = Script::new()
        .on("GET", "/token*", answer)
        .always()
        .on("GET", "/v2/*", challenge.clone())
        .always()
        .on("HEAD", "/v2/*", challenge)
        .always()
        .start();
    ask(push, &server.address())
}

#[track_caller]
fn is_unknown(run: &Run, name: &str) {
    assert_eq!(run.code, 2, "{name}\n{}", run.text);
    let said = finding(run, "confidential");
    assert!(said.contains("is not known"), "{name}\n{}", run.text);
}

fn page(status: u16, text: &str) -> Answer {
    Answer::status(status)
        .header("content-type", "text/html")
        .body(format!("<html>{text}</html>"))
}

#[test]
fn a_gateway_that_refuses_is_no_registry_that_does() {
    let (_team, push) = team();
    let reset = "99999999999";
    for (name, answer) in [
        ("a page", page(403, "Access denied")),
        (
            "a page that wants nobody",
            page(401, "down for maintenance"),
        ),
        ("nothing", Answer::status(401)),
        (
            "come back later",
            Answer::error(403, "DENIED").header("retry-after", "3600"),
        ),
        (
            "none remain",
            Answer::error(403, "DENIED")
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset", reset),
        ),
        (
            "none remain in a window",
            Answer::error(401, "UNAUTHORIZED")
                .header("www-authenticate", "Basic realm=\"x\"")
                .header("ratelimit-remaining", "0;w=21600"),
        ),
        (
            "a limit in words",
            Answer::status(403)
                .json(&json!({"errors": [{"code": "DENIED", "message": "Rate limit exceeded"}]})),
        ),
        ("another code", Answer::error(403, "BLOCKED_BY_POLICY")),
        (
            "no envelope",
            Answer::status(403).json(&json!({"message": "no"})),
        ),
    ] {
        is_unknown(&everywhere(&push, &answer), name);
    }
}

#[test]
fn a_registry_says_in_its_own_ways_that_it_refuses() {
    let (_team, push) = team();
    for (name, answer) in [
        ("unauthorized", Answer::error(401, "UNAUTHORIZED")),
        ("denied", Answer::error(403, "DENIED")),
        ("as GHCR writes it", Answer::error(403, "denied")),
        ("Harbor", Answer::error(403, "FORBIDDEN")),
        (
            "a challenge and a page",
            page(401, "401 Authorization Required").header("www-authenticate", "Basic realm=\"x\""),
        ),
    ] {
        let run = everywhere(&push, &answer);
        assert_eq!(run.code, 0, "{name}\n{}", run.text);
    }
}

#[test]
fn a_token_service_refuses_in_json_and_without_a_limit() {
    let (_team, push) = team();
    for (name, answer) in [
        ("a page", page(403, "too many requests from your network")),
        ("maintenance", page(401, "down for maintenance")),
        (
            "come back later",
            Answer::error(403, "DENIED").header("retry-after", "3600"),
        ),
        (
            "a limit in words",
            Answer::status(401).json(&json!({"message": "too many failed logins"})),
        ),
        ("nothing", Answer::status(403)),
    ] {
        is_unknown(&by_token(&push, answer), name);
    }
    for (name, answer) in [
        ("the envelope", Answer::error(401, "UNAUTHORIZED")),
        (
            "Quay",
            Answer::status(401).json(&json!({"error": "Invalid username or password"})),
        ),
        (
            "docker_auth",
            Answer::status(401)
                .header("www-authenticate", "Basic realm=\"x\"")
                .body("Auth failed."),
        ),
    ] {
        let run = by_token(&push, answer);
        assert_eq!(run.code, 0, "{name}\n{}", run.text);
    }
}

#[test]
fn a_list_that_is_refused_says_nothing_of_images() {
    let (_team, push) = team();
    let list = "/v2/example/app/tags/list?n=10";
    let tag = "/v2/example/app/manifests/branch-hotfix_SEC-12";
    for refusal in [
        Answer::error(403, "DENIED"),
        Answer::error(401, "UNAUTHORIZED").header("www-authenticate", "Basic realm=\"x\""),
    ] {
        // Whoever asks for an image that is not there is told so, and so gets one that is.
        let server = Script::new()
            .on("GET", list, refusal.clone())
            .always()
            .on("HEAD", tag, Answer::status(404))
            .without_header("authorization")
            .always()
            .on("HEAD", tag, Answer::status(404))
            .always()
            .start();
        is_unknown(&ask(&push, &server.address()), "not found");
    }
    // Without any name that may be there, one image is asked for all the same.
    let promote = DroneBuild::promote(&push, "cs-demo");
    let server = Script::new()
        .on("GET", list, Answer::error(403, "DENIED"))
        .always()
        .on(
            "HEAD",
            "/v2/example/app/manifests/*",
            Answer::manifest(&image::single("one").manifest),
        )
        .always()
        .start();
    let run = ask(&promote, &server.address());
    let said = finding(&run, "confidential");
    assert!(said.contains("gives its images"), "{}", run.text);
}
