//! Webhooks and the audit.

use serde_json::{Value, json};

use super::{NO_SERVER, World, hotfix, silent, steady, to_qa, to_trial};
use crate::support::http::Request;
use crate::support::pipeline::DroneBuild;
use crate::support::scripted::{Answer, Script};

const OURS: &str = "notify: [{webhook: \"http://{address}/told\"}]";
const SLACK: &str = "notify: [{webhook: \"http://{address}/hooks/*\", form: slack}]";
const AUDIT: &str = "audit: \"http://{address}/audit\"";

fn body(request: &Request) -> Value {
    let text = String::from_utf8(request.body.clone()).unwrap();
    silent(&text);
    serde_json::from_str(&text).unwrap()
}

/// Runs a build whose policy tells a server that answers so, and gives what was posted.
fn told(build: &DroneBuild, policy: &str, secrets: &[&'static str]) -> (Vec<Value>, String, i32) {
    let server = Script::new()
        .on("POST", "/*", Answer::status(200).body("ok"))
        .always()
        .start();
    let mut world = World::new(&server.address());
    for secret in secrets {
        world = world.with_secret(secret);
    }
    let run = world.judge(build, policy);
    assert!(!run.text.contains("not told"), "{}", run.text);
    let received = server.received();
    server.finish();
    let bodies = received.iter().map(body).collect();
    (bodies, steady(&run.text, &world.address), run.code)
}

#[test]
fn our_own_form_holds_the_message_and_the_summary() {
    let (told, _, code) = told(&hotfix(), OURS, &[]);
    assert_eq!((told.len(), code), (1, 0));
    let mut told = told[0].clone();
    assert_eq!(told["event"], "published");
    assert_eq!(told["summary"]["outcome"], "allowed");
    assert_eq!(
        told["summary"]["deployment_ticket"]["version"],
        "branch-hotfix_HOCS-1234"
    );
    told["summary"] = json!("…");
    let text = told["text"].as_str().unwrap().to_owned();
    told["text"] = json!("…");
    insta::assert_snapshot!("our_form", format!("{told:#}"));
    insta::assert_snapshot!("message_published", steady(&text, ""));
}

#[test]
fn the_form_of_slack_is_one_text_without_a_live_mention() {
    for (build, policy, name, code) in [
        (hotfix(), SLACK.to_owned(), "slack_published", 0),
        (to_qa(), format!("{SLACK}, {NO_SERVER}"), "slack_refused", 1),
        (
            to_trial(),
            format!("{SLACK}, {NO_SERVER}"),
            "slack_promoted",
            0,
        ),
    ] {
        let (told, log, ended) = told(&build, &policy, &["webhook_url"]);
        assert_eq!((told.len(), ended), (1, code), "{log}");
        let fields = told[0].as_object().unwrap();
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["text"]);
        let text = told[0]["text"].as_str().unwrap();
        insta::assert_snapshot!(name, steady(text, ""));
    }
}

#[test]
fn everybody_is_told_what_the_policy_says_and_no_more() {
    let all = ["published", "refused", "promoted"];
    let builds = [hotfix(), to_qa(), to_trial()];
    for (i, build) in builds.iter().enumerate() {
        for (j, occasion) in all.iter().enumerate() {
            // A bare `on` is a flag to the YAML of Drone.
            for key in ["on", "\"on\""] {
                let policy = format!(
                    "notify: [{{webhook: \"http://{{address}}/told\", {key}: [{occasion}]}}], {NO_SERVER}"
                );
                let (told, log, _) = told(build, &policy, &[]);
                assert_eq!(told.len(), usize::from(i == j), "{log}");
            }
        }
    }
    // A pull request, a branch that is none, an ordinary release.
    let ordinary =
        DroneBuild::promote(&DroneBuild::push("main"), "cs-demo").param("VERSION", "1.2.3");
    let none = [
        DroneBuild::pull_request(7, "HOCS-1", "hotfix/HOCS-1234"),
        DroneBuild::push("main"),
        ordinary,
    ];
    for build in none {
        let (told, log, _) = told(&build, &format!("{OURS}, {NO_SERVER}"), &[]);
        assert_eq!(told.len(), 0, "{log}");
    }
}

#[test]
fn every_verdict_is_posted_to_the_audit() {
    for (build, outcome, code) in [
        (hotfix(), "allowed", 0),
        (to_qa(), "refused", 1),
        (to_trial(), "allowed", 0),
        (
            DroneBuild::pull_request(7, "HOCS-1", "hotfix/HOCS-1234"),
            "allowed",
            0,
        ),
    ] {
        let policy = format!("{AUDIT}, {NO_SERVER}");
        let (told, log, ended) = told(&build, &policy, &[]);
        assert_eq!((told.len(), ended), (1, code), "{log}");
        assert_eq!(told[0]["outcome"], outcome);
        assert_eq!(told[0]["tool"], "drone-hotfix");
        assert_eq!(told[0]["exit_code"], code);
    }
    let server = Script::new()
        .on(
            "POST",
            "/audit",
            Answer::status(503).header("Retry-After", "0"),
        )
        .with_header("Authorization", "Bearer canary-audit-token")
        .on("POST", "/audit", Answer::status(204))
        .with_header("Content-Type", "application/json")
        .start();
    let world = World::new(&server.address()).with_secret("audit_token");
    world.judge(&hotfix(), AUDIT).ends(0, &[]);
    server.finish();
}

#[test]
fn a_rehearsal_is_only_seen_by_the_audit() {
    let server = Script::new()
        .on("POST", "/audit", Answer::status(200))
        .start();
    let world = World::new(&server.address()).with_setting("dry_run: true");
    let policy =
        format!("{OURS}, {AUDIT}, ticket_file: ticket.txt, deployment_ticket: {{comment: 7}}")
            .replace(
                "notify: [",
                "notify: [{webhook: \"http://{address}/other\"}, ",
            );
    let run = world.judge(&hotfix(), &policy);
    let left_out =
        "a rehearsal leaves out `policy.notify`, `policy.deployment_ticket`, `policy.ticket_file`";
    run.ends(0, &[left_out]);
    assert!(!run.text.contains("deployment ticket\n"), "{}", run.text);
    assert_eq!(body(&server.received()[0])["dry_run"], true);
    server.finish();
}

/// What each kind of bad answer makes of a message; the exit code stays what it is.
#[test]
fn a_webhook_that_fails_is_a_note() {
    let other = Script::new().start();
    let there = format!("http://{}/elsewhere", other.address());
    let slow = ", timeout: 1s";
    for (answers, more, words) in [
        (
            vec![Answer::status(404).body("no_service")],
            "",
            "answered 404: «no_service»",
        ),
        // It may have arrived, so it is not sent again.
        (vec![Answer::status(500)], "", "answered 500"),
        (
            vec![
                Answer::status(429).header("Retry-After", "0"),
                Answer::status(200),
            ],
            "",
            "",
        ),
        (
            vec![Answer::status(429).header("Retry-After", "3600")],
            "",
            "answered 429, and wants to be left alone for longer than there is time",
        ),
        (
            vec![Answer::status(307).header("Location", &there)],
            "",
            "follows no redirect",
        ),
        (
            vec![Answer::status(302).header("Location", &there)],
            "",
            "follows no redirect",
        ),
        (
            vec![Answer::hang_up()],
            "",
            "`policy.notify[0]` was not told",
        ),
        (vec![Answer::stall()], slow, "within 1 seconds"),
        (
            vec![Answer::status(200).body("x").endless()],
            "",
            "longer than",
        ),
        (
            vec![
                Answer::status(403)
                    .body("canary-webhook-part is not allowed\u{1b}[2J\r\nallowed: all"),
            ],
            "",
            "«****** is not allowed\\u{1b}[2J allowed: all»",
        ),
        (
            vec![Answer::status(403).body("<html>x</html>")],
            "",
            "answered 403",
        ),
    ] {
        for (build, code) in [(hotfix(), 0), (to_qa(), 1)] {
            let script = answers.iter().fold(Script::new(), |script, answer| {
                script.on("POST", "/hooks/canary-webhook-part", answer.clone())
            });
            let server = script.start();
            let world = World::new(&server.address()).with_secret("webhook_url");
            let run = world.judge(&build, &format!("{SLACK}, {NO_SERVER}{more}"));
            run.ends(code, &[words]);
            assert_eq!(
                run.text.contains("was not told"),
                !words.is_empty(),
                "{}",
                run.text
            );
            server.finish();
        }
    }
    assert_eq!(other.received().len(), 0);
    // Nobody is there.
    let world = World::new("127.0.0.1:1");
    let run = world.judge(&hotfix(), &format!("{OURS}, {AUDIT}"));
    run.ends(
        0,
        &[
            "`policy.notify[0]` was not told",
            "`policy.audit` was not told",
        ],
    );
}

/// A parameter can add a setting that the pipeline file leaves out. It can only complete what the policy
/// begins.
#[test]
fn a_parameter_can_neither_redirect_a_message_nor_add_a_receiver() {
    let evil = Script::new().start();
    let good = Script::new().start();
    let at = |server: &str, path: &str| format!("http://{server}{path}");
    let (evil_at, good_at) = (evil.address(), good.address());
    for url in [
        at(&evil_at, "/hooks/x"),
        at(&good_at, "/other/x"),
        at(&good_at, "/hooks/"),
        at(&good_at, "/hooks/../other/x"),
        at(&good_at, "/hooks/%2e%2e/other/x"),
        at(&format!("{good_at}@{evil_at}"), "/hooks/x"),
        at(&format!("u:p@{good_at}"), "/hooks/x"),
        format!("https://{good_at}/hooks/x"),
        format!("{good_at}/hooks/x"),
        "x".to_owned(),
    ] {
        let world = World::new(&good_at);
        let build = to_qa().param("PLUGIN_WEBHOOK_URL", &url);
        let run = world.judge(&build, &format!("{SLACK}, {NO_SERVER}"));
        run.ends(1, &["no address in the setting `webhook_url` begins with"]);
    }
    let two = format!("{} {}", at(&good_at, "/hooks/a"), at(&good_at, "/hooks/b"));
    let build = to_qa().param("PLUGIN_WEBHOOK_URL", &two);
    let run = World::new(&good_at).judge(&build, &format!("{SLACK}, {NO_SERVER}"));
    run.ends(1, &["2 addresses in the setting `webhook_url`"]);
    // Without a receiver in the policy there is none.
    let mut build = to_qa();
    for (name, text) in [
        ("PLUGIN_WEBHOOK_URL", at(&evil_at, "/hooks/x")),
        (
            "PLUGIN_NOTIFY",
            format!("[{{\"webhook\":\"{}\"}}]", at(&evil_at, "/x")),
        ),
        ("PLUGIN_AUDIT", at(&evil_at, "/x")),
        ("PLUGIN_AUDIT_TOKEN", "x".to_owned()),
        (
            "PLUGIN_SMTP",
            "{\"server\":\"127.0.0.1:1\",\"from\":\"a@b\"}".to_owned(),
        ),
        ("PLUGIN_SMTP_PASSWORD", "abcdefgh".to_owned()),
        ("PLUGIN_DEPLOYMENT_TICKET", "{\"comment\":1}".to_owned()),
    ] {
        build = build.param(name, &text);
    }
    let run = World::new(&good_at).judge(&build, NO_SERVER);
    run.begins(1, "refused by qa-closed");
    evil.finish();
    good.finish();
}

#[test]
fn a_secret_that_is_missing_is_said() {
    let server = Script::new().start();
    type Variables = &'static [(&'static str, &'static str)];
    let secrets: [(Variables, &str, &str); 5] = [
        (
            &[("PLUGIN_WEBHOOK_URL", "")],
            SLACK,
            "the setting `webhook_url` is there and empty",
        ),
        (
            &[],
            SLACK,
            "the setting `webhook_url`, which has the whole, is missing",
        ),
        (
            &[("PLUGIN_AUDIT_TOKEN", "")],
            AUDIT,
            "the setting `audit_token` is there and empty",
        ),
        (
            &[("PLUGIN_SMTP_USERNAME", "user@example.org")],
            "notify: [{mail: qa@example.org}], smtp: {server: \"{address}\", from: a@example.org}",
            "`smtp_username` and `smtp_password` belong together",
        ),
        (
            &[
                ("PLUGIN_SMTP_USERNAME", "user@example.org"),
                ("PLUGIN_SMTP_PASSWORD", ""),
            ],
            "notify: [{mail: qa@example.org}], smtp: {server: \"{address}\", from: a@example.org}",
            "the setting `smtp_password` is there and empty",
        ),
    ];
    for (added, policy, words) in secrets {
        let world = World::new(&server.address());
        let mut variables = world.variables(&hotfix(), policy);
        variables.extend(
            added
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
        );
        crate::support::binary::run(variables).ends(0, &[words]);
    }
    server.finish();
}

/// The pipeline of examples/telling.drone.yml, with a server of the test in the place of each host.
#[test]
fn the_example_tells_everybody() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/telling.drone.yml");
    let text = std::fs::read_to_string(file).unwrap();
    let server = Script::new()
        .on("POST", "/hooks/canary-webhook-part", Answer::status(200))
        .on("POST", "/hotfix", Answer::status(200))
        .with_header("Authorization", "Bearer canary-audit-token")
        .start();
    let mail = super::mail::Server::start("account plain");
    let address = server.address();
    let text = text
        .replace("https://chat.example", &format!("http://{address}"))
        .replace("https://audit.example", &format!("http://{address}"))
        .replace("smtp.example:587", &mail.address)
        .replace(
            "    policy:\n",
            &format!(
                "    policy:\n      tls: {{insecure: [\"{address}\", \"{}\"]}}\n",
                mail.address
            ),
        );
    let mut secrets: std::collections::BTreeMap<String, String> = super::SECRETS
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.replace("{address}", &address)))
        .collect();
    secrets.insert("chat_webhook".to_owned(), secrets["webhook_url"].clone());
    let workspace = crate::support::registry::TempDir::new();
    let build = hotfix().with(|build| build.workspace = workspace.path("").into());
    let step = crate::support::pipeline::drone_pipelines(&text)
        .remove(0)
        .steps
        .remove(0);
    let run = crate::support::binary::run(build.environment(&step, &[], &secrets));
    silent(&run.text);
    assert!(!run.text.contains("was not told"), "{}", run.text);
    assert!(
        workspace
            .read("deployment-ticket.txt")
            .contains("branch-hotfix_HOCS-1234")
    );
    assert_eq!(mail.mails().len(), 1);
    server.finish();
}
