//! A hundred hostile texts in every declared field: none of them counts, and none reaches the log as it is.

use std::sync::LazyLock;

use drone_hotfix::declaration::criteria::Ticks;
use drone_hotfix::declaration::markdown::sections;
use drone_hotfix::declaration::person::Person;
use drone_hotfix::declaration::reference::{Home, Leads, named_in};
use drone_hotfix::declaration::{Declared, Key};
use drone_hotfix::hotfix::CommitId;

use super::world::{Declared as World, pushed};
use crate::forge::world::BOTH;

/// None of them is a person, a flag, a decision, a criterion or an issue.
static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut all: Vec<String> = Vec::new();
    let words = [
        "yes",
        "no",
        "hotfix",
        "urgent",
        "#12",
        "A02a",
        "Jo <jo@mail.example>",
        "as-is",
    ];
    let hidden = [
        "\u{1b}[2J",
        "\u{7}",
        "\u{8}",
        "\u{7f}",
        "\u{9b}31m",
        "\u{200b}",
        "\u{200e}",
        "\u{202e}",
        "\u{2066}",
        "\u{feff}",
    ];
    for (at, hide) in hidden.iter().enumerate() {
        for word in words {
            let split = if at % 2 == 0 { 1 } else { word.len() };
            all.push(format!("{}{hide}{}", &word[..split], &word[split..]));
        }
    }
    let others = [
        "y\u{435}s",
        "\u{443}es",
        "hotf\u{456}x",
        "hotfix\u{301}",
        "\u{661}\u{662}",
        "#\u{ff11}\u{ff12}",
        "#12;rm -rf /",
        "$(id)",
        "`id`",
        "${VERSION}",
        "<script>alert(1)</script>",
        "Jo <jo@mail.example> <al@mail.example>",
        "Jo <jo@mail.example>\u{2028}yes",
        "Jo <jo@mail\u{2024}example>",
        "Jo <\u{458}o@mail.example>",
        "../../etc/passwd",
        "https://git.example@elsewhere.example/example/service/issues/12x",
        "%0aDecision: hotfix",
        "{{7*7}}",
        "\u{1f468}\u{200d}\u{1f469}",
    ];
    all.extend(others.map(str::to_owned));
    all
});

fn id() -> CommitId {
    CommitId::parse(&"1".repeat(40)).unwrap()
}

#[test]
fn none_of_them_is_a_declaration() {
    assert!(TEXTS.len() >= 100, "{}", TEXTS.len());
    let home = Home {
        repo: "example/service",
        host: Some("git.example"),
    };
    for text in TEXTS.iter() {
        assert_eq!(Person::parse(text), None, "{text:?}");
        for key in Key::ALL {
            let one = [(key.name().to_owned(), text.clone())];
            let declared = Declared::read(std::iter::once((&id(), one.as_slice())));
            let shown = format!("{key:?} {text:?}");
            assert!(
                declared.is_temporary().is_none() && declared.temporary.is_empty(),
                "{shown}"
            );
            assert!(
                declared.agreed.is_empty() && declared.decisions.is_empty(),
                "{shown}"
            );
            assert!(declared.ticks().known.is_empty(), "{shown}");
            for issue in &declared.issues {
                assert_eq!(issue.what.leads(home), Leads::Nowhere, "{shown}");
            }
        }
        let block = Ticks::block(&format!("## Triage\n- [x] {text}\n"));
        assert!(
            block.is_some_and(|ticks| ticks.known.is_empty()),
            "{text:?}"
        );
        let heading = Ticks::block(&format!("## {text}\n- [x] urgent\n"));
        assert_eq!(heading, None, "{text:?}");
        assert!(
            named_in(&format!("Fixes {text}")).is_empty() || text.starts_with("#12"),
            "{text:?}"
        );
        sections(&format!(
            "{text}\n# {text}\n**{text}**\n```{text}\n<!--{text}"
        ));
    }
}

/// What a terminal would act on.
#[track_caller]
fn is_clean(text: &str) {
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    assert!(!text.contains(bad), "{text:?}");
}

#[test]
fn in_every_trailer_of_a_commit() {
    let mut message = "HOCS-1 mend\n\n".to_owned();
    // A line separator is a character like others for git; a line break would end the trailer.
    for text in TEXTS.iter() {
        for key in Key::ALL {
            message.push_str(&format!("{}: {text}\n", key.name()));
        }
    }
    let policy = "agreed: {by: [\"Jo <jo@mail.example>\"]}, rules: {agreed: must, triage: must, issue: must, forward-port: must}";
    let run = pushed(policy, &[&message]);
    is_clean(&run.text);
    assert_eq!(run.code, 1, "{}", run.text);
    for rule in ["agreed", "triage", "issue", "forward-port"] {
        assert!(
            !run.text.contains(&format!("passed: {rule} ")),
            "{}",
            run.text
        );
    }
    assert!(run.text.len() < 100_000, "{}", run.text.len());
}

#[test]
fn in_everything_that_the_forge_says() {
    let mut text = "## Triage\n".to_owned();
    for one in TEXTS.iter() {
        text.push_str(&format!("- [x] {one}\n"));
    }
    for one in TEXTS.iter() {
        text.push_str(&format!("Issue: {one}\n"));
    }
    let body: String = TEXTS
        .iter()
        .map(|one| format!("## {one} risk\n## {one} share\n{one}\n"))
        .collect();
    let body: &'static str = Box::leak(body.into_boxed_str());
    for kind in BOTH {
        let policy = "agreed: {labels: [agreed]}, rules: {agreed: must, triage: must, issue: must, reviewed: \"off\"}";
        let mut world = World::new(kind, policy, &["HOCS-1\n\nIssue: #12"], |mut pull| {
            pull.text.clone_from(&text);
            pull.title = "\u{1b}[2J".to_owned();
            pull.labels = TEXTS.clone();
            pull
        })
        .issue(12, body);
        let run = world.pushed();
        is_clean(&run.text);
        assert_eq!(run.code, 1, "{}", run.text);
        for rule in ["agreed", "triage", "issue"] {
            assert!(
                !run.text.contains(&format!("passed: {rule} ")),
                "{}",
                run.text
            );
        }
        world.world.pulls[0].text = String::new();
        is_clean(&world.pushed().text);
    }
}
