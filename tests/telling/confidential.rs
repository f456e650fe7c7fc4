//! What people write about a confidential hotfix is in no message: webhooks, the audit, mail, the comment,
//! the ticket's file.

use super::comment::Forge;
use super::mail::{Server, trusting};
use super::{World, silent};
use crate::support::pipeline::DroneBuild;
use crate::support::scripted::{Answer, Script};
use crate::support::team::{FIXED, Team};

const BRANCH: &str = "hotfix/SEC-12";
const CONFIDENTIAL: &str = "confidential_ticket: '^SEC-\\d+$', running: '1.0.0'";
const OFF: &str = "rules: {build-passed: \"off\", clean-parameters: \"off\", merged-by-pull-request: \"off\", \
                   reviewed: \"off\", forward-port: \"off\", triage: \"off\", no-features: \"off\", \
                   base-is-production: \"off\", has-changes: \"off\", confidential: may}";

/// A push of a hotfix whose every text says too much.
fn talkative(team: &Team) -> DroneBuild {
    team.branch(BRANCH, "1.0.0");
    let message =
        "SEC-12 canary of a subject\n\ncanary of a body\n\nAgreed-by: canary <c@mail.example>\n";
    team.commit("src/app", FIXED, message);
    team.commit("src/feature", "x\n", "feat: canary of a feature");
    team.push(BRANCH);
    team.pushed(BRANCH).with(|build| {
        build.private = true;
        build.message = "SEC-12 canary of the message".to_owned();
    })
}

#[test]
fn webhooks_the_audit_and_the_file_say_nothing() {
    let team = Team::new();
    let push = talkative(&team);
    let to_qa = DroneBuild::promote(&push, "cs-qa").param("HOTFIX_REASON", "canary of a reason");
    let server = Script::new()
        .on("POST", "/*", Answer::status(200).body("ok"))
        .always()
        .start();
    let world = World::new(&server.address());
    let policy = format!(
        "{CONFIDENTIAL}, {OFF}, ticket_file: ticket.txt, audit: \"http://{{address}}/audit\", notify: \
         [{{webhook: \"http://{{address}}/told\"}}, {{webhook: \"http://{{address}}/chat\", form: slack}}]"
    );
    for (build, code) in [(&push, 0), (&to_qa, 1)] {
        let run = world.judge(build, &policy);
        run.ends(code, &[]);
        assert!(!run.text.contains("not told"), "{}", run.text);
    }
    let received = server.received();
    server.finish();
    let texts: Vec<String> = received
        .iter()
        .map(|request| String::from_utf8(request.body.clone()).unwrap())
        .collect();
    assert_eq!(texts.len(), 6, "three for each build");
    for text in &texts {
        silent(text);
    }
    let hidden = "(not shown: the hotfix is confidential)";
    assert!(texts.iter().any(|text| text.contains(hidden)), "{texts:?}");
    let file = std::fs::read_to_string(push.workspace.join("ticket.txt")).unwrap();
    silent(&file);
    assert!(file.contains(hidden), "{file}");
}

#[test]
fn mail_says_nothing() {
    let team = Team::new();
    let push = talkative(&team);
    let server = Server::start("");
    let run = trusting().judge(
        &push,
        &format!(
            "{CONFIDENTIAL}, {OFF}, smtp: {{server: \"{}\", from: hotfix@example.org}}, notify: [{{mail: \
             qa@example.org}}]",
            server.address
        ),
    );
    run.ends(0, &[]);
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "{}", run.text);
    let text = mails[0]["text"].as_str().unwrap().replace("=\r\n", "");
    silent(&text);
    assert!(text.contains("SEC-12"), "{text}");
}

#[test]
fn the_comment_says_nothing() {
    let team = Team::new();
    let push = talkative(&team);
    for kind in ["github", "gitea"] {
        let forge = Forge::start(kind);
        let policy = format!(
            "{CONFIDENTIAL}, forge: {{url: \"http://{{address}}\", kind: {kind}}}, {OFF}, deployment_ticket: \
             {{comment: 7}}"
        );
        let run = forge.world().judge(&push, &policy);
        run.ends(0, &["deployment ticket written"]);
        // Each comment of ours is looked through, with its hidden line.
        assert_eq!(forge.comments().len(), 1);
    }
}
