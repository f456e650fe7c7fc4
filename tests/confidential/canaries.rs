//! What people write about a confidential hotfix, in every place where they can write it, and looked
//! for in everything that comes out.

use std::path::Path;

use super::{hotfix, judge, judge_with, pushed};
use crate::support::binary::Run;
use crate::support::image;
use crate::support::pipeline::DroneBuild;
use crate::support::registry::Registry;
use crate::support::team::{FIXED, Team};

const REPO: &str = "example/app";

/// A text that nobody should see, and that gives nothing away itself.
fn canary(place: &str) -> String {
    format!("cAnary of {place} (quite plain)")
}

#[track_caller]
fn silent(text: &str) {
    let small = text.to_lowercase();
    for word in [
        "canary",
        "quite plain",
        "63616e617279",
        "63416e617279",
        "Y0FuYXJ5",
    ] {
        assert!(!small.contains(&word.to_lowercase()), "{word} in\n{text}");
    }
}

/// The log and every file that the step has written into the workspace.
#[track_caller]
fn silent_everywhere(run: &Run, workspace: &Path, files: &[&str]) {
    silent(&run.text);
    for file in files {
        let text = std::fs::read_to_string(workspace.join(file));
        silent(&text.unwrap_or_else(|error| panic!("{file}: {error}\n{}", run.text)));
    }
}

fn policy(address: &str, more: &str) -> String {
    format!(
        r"confidential_ticket: '^SEC-\d+$', repo: '{address}/{REPO}', tls: {{insecure: ['{address}']}}, summary: report.json{more}"
    )
}

/// A hotfix whose every commit says too much, in every way that some rule repeats.
fn talkative(team: &Team) -> DroneBuild {
    let subject = |place: &str| format!("SEC-12 {}", canary(place));
    hotfix(
        team,
        "hotfix/SEC-12",
        &format!(
            "{}\n\n{}\n\nAgreed-by: {}\nDecision: {}\n",
            subject("first"),
            canary("body"),
            canary("name"),
            canary("decision")
        ),
    );
    team.commit(
        "src/feature",
        "x\n",
        &format!("feat: {}", subject("feature")),
    );
    // Names of files are words of people too.
    let file = |name: &str| format!("{name}/cAnary_quite plain.sql");
    team.commit(&file("db/migrations"), "x\n", &subject("migration"));
    team.commit(&file("cAnary/x"), "x\n", &subject("file"));
    for service in ["a", "cAnary"] {
        team.commit(&format!("{service}/Dockerfile"), "x\n", &subject("service"));
    }
    let log = format!("* (hotfix 2026.01.02) {}\n", canary("change log"));
    team.commit("CHANGELOG.md", &log, &subject("log"));
    team.push("hotfix/SEC-12");
    let message = format!("{}\n\n{}\n", subject("message"), canary("text"));
    pushed(team, "hotfix/SEC-12").with(|build| build.message = message)
}

#[test]
fn a_publication_says_nothing() {
    let team = Team::new();
    let push = talkative(&team);
    let registry = Registry::basic("hot", "fix-password");
    let address = registry.address();
    registry.push(REPO, "build_418", &image::single("one"));
    let source = ", source: 'build_{build}', running: '1.0.0', rules: {image-commit: 'off'}";
    let run = judge(&push, &policy(&address, source));
    run.begins(0, "allowed and published");
    silent_everywhere(&run, &push.workspace, &["report.json"]);
    assert!(run.text.contains("calls itself a feature"), "{}", run.text);
    assert!(
        run.text.contains("(not shown: the hotfix is confidential)"),
        "{}",
        run.text
    );
    // Everything that was stored, the statement among it.
    let stored = registry.everything();
    assert!(
        stored.contains("urn:drone-hotfix:publication:v1"),
        "{stored}"
    );
    silent(&stored);
}

#[test]
fn a_tags_file_says_nothing() {
    let team = Team::new();
    let push = talkative(&team);
    let registry = Registry::basic("hot", "fix-password");
    let run = judge(&push, &policy(&registry.address(), ", running: '1.0.0'"));
    run.begins(0, "allowed");
    silent_everywhere(&run, &push.workspace, &["report.json", ".tags"]);
}

#[test]
fn a_refusal_says_nothing() {
    let team = Team::new();
    talkative(&team);
    // Commits of the default branch, and the merge that brings them.
    team.switch("main");
    team.commit("src/foreign", "x\n", &canary("the default branch"));
    team.push("main");
    team.switch("hotfix/SEC-12");
    team.git(&[
        "merge",
        "--quiet",
        "--no-ff",
        "--message",
        &canary("the merge"),
        "main",
    ]);
    team.push("hotfix/SEC-12");
    let push = pushed(&team, "hotfix/SEC-12").with(|build| {
        build.message = canary("message");
        build.private = false;
    });
    let run = judge(
        &push,
        "confidential: true, running: '1.0.0', summary: report.json, rules: {forward-port: must}",
    );
    run.begins(1, "refused by base-is-production");
    silent_everywhere(&run, &push.workspace, &["report.json"]);
    assert!(
        run.text.contains("(not shown: the hotfix is confidential)"),
        "{}",
        run.text
    );
}

#[test]
fn a_pull_request_says_nothing() {
    let team = Team::new();
    team.branch("hotfix/SEC-12", "1.0.0");
    team.branch("SEC-12", "1.0.0");
    team.commit(
        "src/app",
        FIXED,
        &format!("feat: SEC-12 {}", canary("subject")),
    );
    team.push("SEC-12");
    let pull = team.pull_request("SEC-12", "hotfix/SEC-12").with(|build| {
        build.title = canary("title");
        build.message = canary("message");
        build.private = true;
    });
    let run = judge(
        &pull,
        r"confidential_ticket: '^SEC-\d+$', running: '1.0.0', summary: report.json",
    );
    silent_everywhere(&run, &pull.workspace, &["report.json"]);
}

#[test]
fn a_promotion_and_its_override_say_nothing() {
    let team = Team::new();
    let push = talkative(&team);
    let registry = Registry::basic("hot", "fix-password");
    let address = registry.address();
    registry.push(REPO, "branch-hotfix_SEC-12", &image::single("one"));
    let promote = |target: &str| {
        DroneBuild::promote(&push, target)
            .param("VERSION", "branch-hotfix_SEC-12")
            .param(
                "HOTFIX_REASON",
                &format!("{target} branch-hotfix_SEC-12 {}", canary("reason")),
            )
            .with(|build| build.trigger = "alice".into())
    };
    let more = ", digest_file: digest.txt, running: '1.0.0', overrides: \
                [{rule: tried-first, who: [alice], until: '9999-12-31'}, \
                {rule: build-passed, who: [alice], until: '9999-12-31'}, \
                {rule: clean-parameters, who: [alice], until: '9999-12-31'}]";
    for (target, files) in [
        ("cs-demo", &["report.json", "digest.txt"][..]),
        ("cs-prod", &["report.json"]),
    ] {
        let build = promote(target);
        let run = judge(&build, &policy(&address, more));
        silent_everywhere(&run, &build.workspace, files);
    }
    silent(&registry.everything());
}

#[test]
fn a_release_that_drops_a_confidential_hotfix_says_nothing_of_it() {
    let team = Team::new();
    talkative(&team);
    let promote = DroneBuild::promote(&team.pushed("main"), "cs-prod").param("VERSION", "v1.1.0");
    let policy = r"confidential_ticket: '^SEC-\d+$', running: branch-hotfix_SEC-12, summary: report.json, rules: {keeps-hotfixes: must}";
    let run = judge(&promote, policy);
    run.begins(1, "refused by keeps-hotfixes");
    silent_everywhere(&run, &promote.workspace, &["report.json"]);
    assert!(
        run.text.contains("(not shown: the hotfix is confidential)"),
        "{}",
        run.text
    );
}

#[test]
fn wrong_settings_say_nothing() {
    let team = Team::new();
    let push = talkative(&team);
    for policy in [
        "confidential: maybe",
        "confidential: true, nonsense: 1",
        "confidential: true, tag: x",
    ] {
        let run = judge(&push, policy);
        run.begins(3, "");
        silent(&run.text);
    }
    let doubled = judge_with(
        &push,
        "confidential: true",
        &[("DRONE_BUILD_NUMBER", Some("x"))],
    );
    doubled.begins(3, "");
    silent(&doubled.text);
}

#[test]
fn what_is_not_confidential_is_shown_as_before() {
    let team = Team::new();
    let push = hotfix(
        &team,
        "hotfix/HOCS-1",
        "feat: HOCS-1 a canary that may sing",
    );
    let run = judge(&push, r"confidential_ticket: '^SEC-\d+$', running: '1.0.0'");
    run.begins(0, "allowed");
    assert!(run.text.contains("a canary that may sing"), "{}", run.text);
}
