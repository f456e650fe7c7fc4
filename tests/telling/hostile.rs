//! Names that others choose, in every form in which people are told.

use serde_json::Value;

use super::{NO_SERVER, World, silent};
use crate::support::pipeline::DroneBuild;
use crate::support::scripted::{Answer, Script};

/// Texts that would be something else in a log, a chat, a mail, a comment or a shell.
fn hostile() -> Vec<String> {
    let mut all: Vec<String> = [
        "<!channel>",
        "<!here|here>",
        "<@U123>",
        "@channel",
        "@all",
        "@here",
        "@example/team",
        "<https://evil.example|click>",
        "[click](https://evil.example)",
        "![x](https://evil.example/x.png)",
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "```",
        "````",
        "`x`",
        "~~~",
        "-->",
        "<!-- x",
        "#1",
        "example/service#1",
        "https://evil.example/a/issues/1",
        "| a | b |",
        "# heading",
        "> quote",
        "* list",
        "&lt;!channel&gt;",
        "&#60;!channel&#62;",
        "\\u003c!channel\\u003e",
        "x\r\nBcc: evil@evil.example",
        "x\nSubject: evil",
        "x\r\n\r\nbody",
        "x\r\n.\r\nMAIL FROM:<a@b>",
        "=?utf-8?q?evil?=",
        "=0D=0ABcc: x",
        "%0d%0aBcc: x",
        "x\u{2028}y",
        "x\u{2029}y",
        "x\u{85}y",
        "\u{202e}evil",
        "\u{200b}@channel",
        "\u{feff}x",
        "\u{1b}[2Jx",
        "\u{1b}]0;x\u{7}",
        "\u{8}\u{8}x",
        "\u{0085}",
        "x\ty",
        "x\u{b}y",
        "x\u{c}y",
        "$(id)",
        "`id`",
        "${HOME}",
        "{{.Env}}",
        "{branch}",
        "%s%n",
        "'; drop table x; --",
        "\"",
        "'",
        "\\",
        "\\\"",
        "\\n",
        "/../../etc/passwd",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "ü–日本",
        "👩‍👩‍👧",
        "\u{301}\u{301}x",
        "I\u{307}",
        "ﬀ",
        "A".repeat(100_000).as_str(),
        "<".repeat(5_000).as_str(),
        "`".repeat(5_000).as_str(),
        "@".repeat(5_000).as_str(),
        "\n".repeat(5_000).as_str(),
        " ",
        "  x  ",
        ".",
        "..",
        "-x",
        "--help",
        "refs/heads/x",
        "x.lock",
        "x~1",
        "x^",
        "x:y",
        "x?",
        "x*",
        "x[",
        "NaN",
        "null",
        "true",
        "0",
        "-1",
        "1e999",
        "9999999999999999999999",
    ]
    .map(str::to_owned)
    .to_vec();
    all.extend((0..16).map(|n| format!("{}<!channel>{n}", "\u{2066}".repeat(n))));
    assert!(all.len() >= 100, "{}", all.len());
    all
}

/// What is posted in the two forms of webhooks and to the audit.
#[test]
fn no_name_becomes_a_mention_or_a_line_of_its_own() {
    let server = Script::new()
        .on("POST", "/*", Answer::status(200))
        .always()
        .start();
    let world = World::new(&server.address());
    let policy = format!(
        "notify: [{{webhook: \"http://{{address}}/ours\"}}, {{webhook: \"http://{{address}}/slack\", form: slack}}], \
         audit: \"http://{{address}}/audit\", {NO_SERVER}, ticket_file: ticket.txt, timeout: 60s"
    );
    let mut count = 0;
    for text in hostile().iter().filter(|text| !text.contains('\0')) {
        let named = format!("hotfix/{text}");
        let builds = [
            DroneBuild::push(&named),
            DroneBuild::promote(&DroneBuild::push("hotfix/HOCS-1"), "cs-qa").param("VERSION", text),
            DroneBuild::promote(&DroneBuild::push("hotfix/HOCS-1"), text),
            DroneBuild::promote(&DroneBuild::push("main"), "cs-demo").param("NOTE", &named),
        ];
        for build in builds {
            let run = world.judge(&build, &policy);
            assert!(!run.text.contains("was not told"), "{}", run.text);
        }
    }
    for request in server.received() {
        let text = String::from_utf8(request.body.clone()).unwrap();
        silent(&text);
        let value: Value = serde_json::from_str(&text).unwrap();
        plain(&value);
        if request.target == "/slack" {
            let text = value["text"].as_str().unwrap();
            assert!(!text.contains(['<', '>']), "{text}");
            // All but the link is within one block of code.
            assert_eq!(text.matches('`').count(), 6, "{text}");
            let after = text.rsplit("```").next().unwrap();
            assert!(!after.trim().contains([' ', '@', '\n']), "{text}");
            assert!(text.chars().count() < 13_000);
        }
        count += 1;
    }
    assert!(count > 400, "{count}");
    server.finish();
}

/// No text holds what moves a cursor or hides; only the message itself has lines.
fn plain(value: &Value) {
    match value {
        Value::String(text) => {
            let bad = |c: char| {
                c.is_control() && c != '\n'
                    || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert!(!text.contains(bad), "{text:?}");
        }
        Value::Array(all) => all.iter().for_each(plain),
        Value::Object(all) => all.values().for_each(plain),
        _ => {}
    }
}
