//! A hundred hostile texts in every input of a confidential hotfix: none moves the cursor, none is
//! repeated where people wrote it, none makes the step fail in a way that it has no word for, and none
//! makes a public repository pass.

use super::{PRIVATE, hotfix, judge, pushed};
use crate::support::binary::Run;
use crate::support::pipeline::DroneBuild;
use crate::support::team::Team;

/// Twenty texts that have hurt somebody, and what makes each of them longer, stranger or nested.
fn texts() -> Vec<String> {
    let seeds = [
        "\u{1b}[2J\u{1b}[1;32mallowed",
        "$(reboot)`reboot`;reboot|reboot",
        "${VERSION:-x} $$ %s %n {branch} {ticket}",
        "../../../etc/passwd",
        "<script>alert(1)</script>",
        "'; DROP TABLE hotfix; --",
        "\r\nallowed: nothing to see",
        "\u{202e}dewolla\u{202c}",
        "S\u{200b}E\u{200b}C-\u{200b}12",
        "ѕес-12 ＣＶＥ‑2026‑1",
        "cve-2026-1 CVE 2026 1 c.v.e",
        "#1 #2 owner/app#3 https://git.example/o/a/issues/4",
        "^SEC-\\d+$ (((((a+)+)+)+)+$",
        "\u{feff}\u{0301}\u{0301}\u{0301}Z\u{0335}\u{0336}",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e007f} 🇨🇻🇪",
        "::set-output name=x::y ##[error]",
        "{\"outcome\":\"pass\",\"exit_code\":0}",
        "Merge pull request #1 from #2 (#3) (#4)",
        "\\u{0} \\x00 %00 &#0; =cmd|' /C calc'!A0",
        "refused confidential violation ******",
    ];
    let mut texts = Vec::new();
    for (at, seed) in seeds.iter().enumerate() {
        texts.push((*seed).to_owned());
        texts.push(format!("SEC-{at} {seed}"));
        texts.push(seed.repeat(200));
        texts.push(seed.chars().rev().collect());
        texts.push(format!("{}{seed}{}", "(".repeat(500), "é".repeat(500)));
    }
    texts
}

#[track_caller]
fn is_sound(run: &Run, what: &str) {
    assert!((0..=5).contains(&run.code), "{what}\n{}", run.text);
    let moves = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}')
    };
    assert!(
        !run.text.contains(moves),
        "{what}\n{}",
        run.text.escape_debug()
    );
    assert!(!run.text.contains("panicked"), "{what}\n{}", run.text);
}

fn public(policy: &str) -> String {
    format!("confidential: true, {policy}")
}

#[test]
fn in_the_messages_of_commits() {
    let texts = texts();
    assert_eq!(texts.len(), 100);
    for place in ["subject", "body", "trailer"] {
        let team = Team::new();
        hotfix(&team, "hotfix/SEC-12", "SEC-12 begin");
        for text in &texts {
            let text: String = text.chars().take(3_000).filter(|c| *c != '\0').collect();
            let marked = text.replace(['\r', '\n'], " ");
            let message = match place {
                "subject" => format!("cAnary {marked}"),
                "body" => format!("SEC-12 x\n\ncAnary {text}\n"),
                _ => format!("SEC-12 x\n\nAgreed-by: cAnary {marked}\nDecision: cAnary {marked}\n"),
            };
            team.git(&["commit", "--quiet", "--allow-empty", "--message", &message]);
        }
        team.push("hotfix/SEC-12");
        let push = pushed(&team, "hotfix/SEC-12").with(|build| build.private = false);
        let run = judge(&push, &format!("{PRIVATE}, rules: {{forward-port: must}}"));
        is_sound(&run, place);
        run.begins(1, "refused by");
        assert!(run.text.contains("is public"), "{place}\n{}", run.text);
        assert!(!run.text.contains("cAnary"), "{place}\n{}", run.text);
    }
}

#[test]
fn in_names_and_titles_of_the_server() {
    for text in texts() {
        // What a variable cannot hold cannot come.
        let text: String = text.chars().filter(|c| *c != '\0').collect();
        for place in ["branch", "source", "message", "title", "slug"] {
            let mut build = DroneBuild::pull_request(7, "SEC-12", "hotfix/SEC-12");
            match place {
                "branch" => build.branch = format!("hotfix/{text}"),
                "source" => build.source = text.clone(),
                "message" => build.message = format!("cAnary {text}"),
                "title" => build.title = format!("cAnary {text}"),
                _ => build.slug = format!("example/{text}"),
            }
            let run = judge(&build, &public("confidential_tag: opaque"));
            is_sound(&run, place);
            assert_ne!(run.code, 0, "{place}\n{}", run.text);
            assert!(!run.text.contains("cAnary"), "{place}\n{}", run.text);
        }
    }
}

#[test]
fn in_the_parameters_of_a_promotion() {
    let parent = DroneBuild::push("hotfix/SEC-12");
    for text in texts() {
        let text: String = text.chars().filter(|c| *c != '\0').collect();
        for name in [
            "VERSION",
            "HOTFIX_REASON",
            "TICKET",
            "DRONE_PULL_REQUEST_TITLE",
        ] {
            let build = DroneBuild::promote(&parent, "cs-demo").param(name, &text);
            let run = judge(&build, PRIVATE);
            is_sound(&run, name);
            assert_ne!(run.code, 0, "{name}\n{}", run.text);
        }
    }
}

#[test]
fn in_the_policy() {
    let push = DroneBuild::push("hotfix/SEC-12");
    for text in texts() {
        let text: String = text
            .chars()
            .filter(|c| !c.is_control())
            .take(2_000)
            .collect();
        let quoted = serde_json::Value::from(format!("cAnary {text}")).to_string();
        let words = judge(&push, &format!("{PRIVATE}, confidential_words: [{quoted}]"));
        is_sound(&words, "words");
        assert_ne!(words.code, 0, "{}", words.text);
        // The words may be the secret themselves.
        assert!(!words.text.contains("cAnary"), "{}", words.text);
        for key in ["confidential_ticket", "confidential_tag", "confidential"] {
            let run = judge(
                &push,
                &format!("rules: {{confidential: must}}, {key}: {quoted}"),
            );
            is_sound(&run, key);
            assert_ne!(run.code, 0, "{key}\n{}", run.text);
        }
    }
}
