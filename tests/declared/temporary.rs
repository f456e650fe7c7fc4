//! `Hotfix-Temporary`: what contradicts it, and what is none.

use super::world::{listed, said};

#[test]
fn each_mistake() {
    let cases: [(&str, &[&str]); 5] = [
        (
            "yes and no",
            &[
                "HOCS-1\n\nHotfix-Temporary: yes",
                "HOCS-1\n\nHotfix-Temporary: no",
            ],
        ),
        (
            "another word",
            &["HOCS-1\n\nHotfix-Temporary: until Friday"],
        ),
        ("a slip in the key", &["HOCS-1\n\nHotfix-Temporay: yes"]),
        (
            "look-alike letters",
            &["HOCS-1\n\nHotfix-Temporary: y\u{435}s"],
        ),
        ("no", &["HOCS-1\n\nHotfix-Temporary: no"]),
    ];
    let found: Vec<(&str, String)> = cases
        .iter()
        .map(|(what, messages)| {
            let text = said("forward-port", "", messages);
            let first: Vec<&str> = text.lines().take(2).collect();
            assert!(!text.contains("passed"), "{text}");
            (*what, first.join("\n"))
        })
        .collect();
    insta::assert_snapshot!(listed(&found));
    let found = said(
        "forward-port",
        "",
        &["HOCS-1\n\nHotfix-Temporary: yes\nHotfix-Temporary: perhaps"],
    );
    assert!(
        found.contains("passed: forward-port") && found.contains("perhaps"),
        "{found}"
    );
}
