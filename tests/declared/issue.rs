//! `issue`: the issue exists, and says what the user sees, for how many, and how risky the fix is.

use super::world::{Declared, both, listed, pushed, said};
use crate::forge::world::{BOTH, Kind, Pull};
use crate::production::base::masked;
use crate::support::team::finding;

const RULE: &str = "issue";
const MUST: &str = "rules: {issue: must, reviewed: \"off\"}";
const WHOLE: &str = "Hello.\n\n## What the user sees\n\nAn error.\n\n## Share of users\n\nAbout 5 %.\n\n## Risk of the fix\n\nLow.\n";

fn of(text: &'static str) -> impl Fn(Kind) -> Declared {
    move |kind| {
        Declared::new(kind, MUST, &["HOCS-1 mend\n\nIssue: #12"], |pull| pull).issue(12, text)
    }
}

fn texted(text: &str) -> impl FnOnce(Pull) -> Pull {
    move |mut pull| {
        pull.text = text.to_owned();
        pull
    }
}

#[test]
fn an_issue_that_says_everything() {
    let found = both(RULE, of(WHOLE));
    assert!(
        found.contains("passed: issue (must): issue 12, named in COMMIT"),
        "{found}"
    );
    for text in [
        "**What the user sees:** an error\n\n**Affected users:** 0,5 percent\n\n**Risk:** low",
        "Symptoms\n========\nx\n\nShare\n-----\n<1%\n\nComplexity\n----------\nsmall",
        "### User impact\n\nx\n\n### What share of users sees it?\n\n100%\n\n### Risk\n\n#### Complexity\n\nlow",
    ] {
        let found = both(RULE, of(text));
        assert!(found.contains("passed: issue"), "{found}");
    }
    // By the text of the pull request, and by its own headings.
    for text in ["Issue: #12", "It fixes #12."] {
        let found = both(RULE, |kind| {
            Declared::new(kind, MUST, &["HOCS-1 mend"], texted(text)).issue(12, WHOLE)
        });
        assert!(
            found.contains("issue 12, named in pull request 7"),
            "{found}"
        );
    }
    let own = "issue: {sections: {user: \"^Was\", share: \"^Anteil\", risk: \"^Risiko\"}}, rules: {issue: must, reviewed: \"off\"}";
    let found = both(RULE, |kind| {
        Declared::new(
            kind,
            own,
            &["HOCS-1\n\nIssue: example/service#12"],
            |pull| pull,
        )
        .issue(12, "# Was\nx\n# Anteil\n5%\n# Risiko\ny\n")
    });
    assert!(found.contains("passed: issue"), "{found}");
    // One that is closed is said.
    let found = both(RULE, |kind| {
        let mut world = Declared::new(kind, MUST, &["HOCS-1\n\nIssue: #12"], |pull| pull);
        world.issues.push((12, WHOLE, false, false));
        world
    });
    assert!(
        found.contains("passed: issue") && found.contains("issue 12 is closed"),
        "{found}"
    );
}

#[test]
fn each_mistake() {
    let named = |message: &'static str| {
        move |kind| Declared::new(kind, MUST, &[message], |pull| pull).issue(12, WHOLE)
    };
    let found = [
        ("nothing is named", both(RULE, named("HOCS-1 mend"))),
        (
            "it is a pull request",
            both(RULE, |kind| {
                let mut world = Declared::new(kind, MUST, &["HOCS-1\n\nIssue: #12"], |pull| pull);
                world.issues.push((12, WHOLE, true, true));
                world
            }),
        ),
        (
            "it does not exist",
            both(RULE, |kind| {
                let mut world = Declared::new(kind, MUST, &["HOCS-1\n\nIssue: #13"], |pull| pull);
                world.nothing.push(13);
                world
            }),
        ),
        ("nothing in it", both(RULE, of(""))),
        (
            "a template that nobody filled in",
            both(RULE, of(include_str!("../../docs/examples/issue.md"))),
        ),
        (
            "not what the user sees",
            both(RULE, of("## Share of users\n5 %\n## Risk\nlow\n")),
        ),
        (
            "no share",
            both(RULE, of("## What the user sees\nx\n## Risk\nlow\n")),
        ),
        (
            "no percentage",
            both(
                RULE,
                of("## What the user sees\nx\n## Share of users\nfew\n## Risk\nlow\n"),
            ),
        ),
        (
            "more than all",
            both(
                RULE,
                of("## What the user sees\nx\n## Share of users\n150%\n## Risk\nlow\n"),
            ),
        ),
        (
            "no risk",
            both(
                RULE,
                of("## What the user sees\nx\n## Share of users\n5%\n## Risk\n_No response_\n"),
            ),
        ),
        (
            "two in one trailer",
            both(RULE, named("HOCS-1\n\nIssue: #12, #13")),
        ),
        (
            "no reference",
            both(RULE, named("HOCS-1\n\nIssue: the slow page")),
        ),
        (
            "a slip in the key",
            both(RULE, named("HOCS-1\n\nIssues: #12")),
        ),
        (
            "too many",
            both(RULE, |kind| {
                let message = "HOCS-1\n\nIssue: #12\nIssue: #13\nIssue: #14\nIssue: #15\nIssue: #16\nIssue: #17";
                let mut world = Declared::new(kind, MUST, &[message], |pull| pull);
                world.issues = (12..=17)
                    .map(|number| (number, WHOLE, true, false))
                    .collect();
                world
            }),
        ),
        (
            "another repository",
            both(RULE, named("HOCS-1\n\nIssue: example/other#12")),
        ),
        (
            "a ticket of another tracker",
            both(RULE, named("HOCS-1\n\nIssue: HOCS-1")),
        ),
    ];
    for (what, text) in &found {
        assert!(!text.contains("passed: issue"), "{what}: {text}");
    }
    insta::assert_snapshot!(listed(&found));
}

#[test]
fn without_a_forge_its_existence_is_not_checked() {
    let found = said(RULE, MUST, &["HOCS-1\n\nIssue: #12"]);
    assert!(
        found.contains("issue 12 is named in COMMIT, and whether it exists is not checked"),
        "{found}"
    );
    assert_eq!(pushed(MUST, &["HOCS-1\n\nIssue: #12"]).code, 2);
    let none = said(RULE, MUST, &["HOCS-1"]);
    assert!(
        none.contains(
            "no commit names an issue, and whether the text of a pull request does is not checked"
        ),
        "{none}"
    );
    // It is off unless the policy names it.
    let off = said(RULE, "", &["HOCS-1"]);
    assert!(off.contains("off"), "{off}");
}

#[test]
fn a_forge_that_does_not_answer_leaves_it_open() {
    for kind in BOTH {
        // The issue is in no script: the server answers 599, which is a server's failure.
        let world = Declared::new(kind, MUST, &["HOCS-1\n\nIssue: #12"], |pull| pull);
        let mut script = world.world.script();
        let path = "/repos/example/service/issues/12";
        let busy = crate::support::scripted::Answer::status(403)
            .json(&serde_json::json!({ "message": "no" }));
        script = script
            .on("GET", &world.world.target(path, &[]), busy)
            .always();
        let server = script.start();
        let build = world.world.team.pushed(crate::forge::world::HOTFIX);
        let run = world.world.judge_at(&build, &server.address());
        server.finish();
        assert_eq!(run.code, 2, "{}", run.text);
        let found = masked(&finding(&run, RULE));
        assert!(found.contains("whether it exists is not known"), "{found}");
    }
}

/// A slip in a commit is no «no» while the text of a pull request cannot be read.
#[test]
fn a_slip_beside_a_forge_that_is_down_leaves_it_open() {
    for (rule, trailer) in [(RULE, "Issue: #"), ("triage", "Triage: pretty")] {
        let policy =
            format!("rules: {{{rule}: must, reviewed: \"off\", merged-by-pull-request: \"off\"}}");
        let message = format!("HOCS-1\n\n{trailer}");
        let world = Declared::new(Kind::GitHub, &policy, &[&message], |pull| pull);
        let script = crate::support::scripted::Script::new()
            .on("GET", "/*", crate::support::scripted::Answer::status(404))
            .always();
        let server = script.start();
        let build = world.world.team.pushed(crate::forge::world::HOTFIX);
        let run = world.world.judge_at(&build, &server.address());
        server.finish();
        run.begins(2, rule);
    }
}

#[test]
fn a_sentence_in_a_pull_request_is_no_reference() {
    let text = "**Issue:** users cannot log in\n\nIssue: #12\n";
    let found = both(RULE, |kind| {
        Declared::new(kind, MUST, &["HOCS-1 mend two"], texted(text)).issue(
            12,
            "## What the user sees\nNothing.\n## Share\nErrors rose by 150 %; 5 % of the users.\n## Risk\nLow.\n",
        )
    });
    assert!(found.starts_with("passed: issue"), "{found}");
}
