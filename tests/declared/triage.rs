//! `triage`: what people tick, and what a machine sees of it.

use super::world::{Declared, both, listed, said};
use crate::forge::world::{BOB, Kind, Pull};

const RULE: &str = "triage";
const MUST: &str = "rules: {triage: must, reviewed: \"off\"}";

fn texted(kind: Kind, text: &str) -> Declared {
    Declared::new(kind, MUST, &["HOCS-1 mend two"], |mut pull| {
        pull.text = text.to_owned();
        pull
    })
}

#[test]
fn what_is_ticked_in_the_text_or_by_a_trailer() {
    let found = [
        (
            "by a trailer",
            said(RULE, "", &["HOCS-1\n\nTriage: A02a, isolated"]),
        ),
        (
            "in the template",
            both(RULE, |kind| {
                let template = include_str!("../../docs/examples/pull-request.md");
                texted(kind, &template.replace("- [ ] A02c", "- [x] A02c"))
            }),
        ),
        (
            "in both",
            both(RULE, |kind| {
                let mut world =
                    Declared::new(kind, MUST, &["HOCS-1\n\nTriage: urgent"], |pull| pull);
                world.world.pulls[0].text = "## Triage\n- [x] atomic\n".to_owned();
                world
            }),
        ),
        (
            "after a review",
            both(RULE, |kind| {
                let mut world = texted(kind, "## Triage\n- [x] urgent\n");
                let pull = world.world.pulls.remove(0);
                world.world.pulls.push(pull.approved());
                world
            }),
        ),
        (
            "with what is none",
            both(RULE, |kind| {
                texted(kind, "## Triage\n- [x] urgent\n- [x] pretty\n- [ ] ugly\n")
            }),
        ),
        (
            "with what is contradicted",
            said(RULE, "", &["HOCS-2 mend\n\nTriage: A02g, A02a"]),
        ),
        (
            "by a machine alone",
            both(RULE, |kind| texted(kind, "What it does.")),
        ),
    ];
    for (what, text) in &found {
        assert!(text.contains("passed: triage"), "{what}: {text}");
    }
    insta::assert_snapshot!(listed(&found));
}

#[test]
fn each_mistake() {
    let found = [
        (
            "nothing is ticked",
            both(RULE, |kind| {
                texted(kind, include_str!("../../docs/examples/pull-request.md"))
            }),
        ),
        (
            "no criterion",
            said(RULE, MUST, &["HOCS-1\n\nTriage: pretty, A02z"]),
        ),
        ("an empty list", said(RULE, MUST, &["HOCS-1\n\nTriage: ,"])),
        (
            "a slip in the key",
            said(RULE, MUST, &["HOCS-1\n\nTraige: urgent"]),
        ),
        (
            "atomic, with two tickets",
            said(RULE, MUST, &["HOCS-2 mend\n\nTriage: atomic"]),
        ),
        (
            "no features, and one is there",
            said(RULE, MUST, &["feat: HOCS-1\n\nTriage: A02f"]),
        ),
        (
            "no features, and a label says otherwise",
            both(RULE, |kind| {
                let mut world = texted(kind, "## Triage\n- [x] no-features\n");
                world.world.pulls[0].labels.push("enhancement".to_owned());
                world
            }),
        ),
        (
            "not needed later, and the default branch does not have it",
            said(RULE, MUST, &["HOCS-1\n\nTriage: A02k"]),
        ),
        (
            "nobody objects, and somebody does",
            both(RULE, |kind| {
                let mut world = texted(kind, "## Triage\n- [x] uncontroversial\n");
                let pull: Pull = world.world.pulls.remove(0);
                world
                    .world
                    .pulls
                    .push(pull.review(BOB, "CHANGES_REQUESTED"));
                world
            }),
        ),
    ];
    for (what, text) in &found {
        assert!(!text.contains("passed: triage"), "{what}: {text}");
    }
    insta::assert_snapshot!(listed(&found));
}

#[test]
fn temporary_is_what_is_declared_so() {
    let found = said(
        RULE,
        MUST,
        &["HOCS-1\n\nTriage: temporary\nHotfix-Temporary: yes"],
    );
    assert!(found.contains("passed: triage"), "{found}");
}

#[test]
fn on_a_pull_request_its_own_text_counts() {
    for kind in crate::forge::world::BOTH {
        let world = Declared::open(kind, MUST, &["HOCS-1 mend two"], |mut pull| {
            pull.text = "## Triage\n- [ ] urgent\n".to_owned();
            pull
        });
        let run = world.requested();
        run.begins(1, RULE);
    }
}
