//! docs/rules.md is made from the table of rules.

use drone_hotfix::ci::Event;
use drone_hotfix::rules::{Judges, OwnLevel, Rule, TABLE};
use drone_hotfix::verdict::{Effect, Finding, Level, Outcome};

use super::must_be;

const HEAD: &str = "# Rules

<!-- Made from src/rules.rs by tests/docs/rules.rs. Do not edit it: UPDATE_DOCS=1 cargo test docs -->

A rule answers with one of five outcomes. What that does to the build depends on the rule's level, which the policy gives:
`policy.rules: {ID: must | should | may | off}`. One rule that refuses refuses the build (exit code 1). Else one that cannot be
decided leaves it undecided (exit code 2). Else it is allowed. A rule that is `off` is reported as skipped.

Numbers such as A29 count the sentences of the process behind the rules: «Deploying hotfixes to production» of the Home Office's
HOCS service (`HOTFIX.md` in github.com/UKHomeOffice/hocs).

";

/// The whole page.
fn page() -> String {
    let mut page = format!(
        "{HEAD}{}\n| rule | level | events |\n|---|---|---|\n",
        effects()
    );
    for rule in TABLE {
        let (id, level) = (rule.id, level(rule.level));
        page.push_str(&format!(
            "| [{id}](#{id}) | {level} | {} |\n",
            events(rule.events)
        ));
    }
    page.extend(TABLE.map(section));
    page
}

fn section(rule: &Rule) -> String {
    format!(
        "\n## {}\n\n{}\n\n- Level: {}\n- Judges: {}\n- Events: {}\n- Why: {}\n\n{}\n",
        rule.id,
        rule.promise,
        level(rule.level),
        judges(rule),
        events(rule.events),
        rule.why,
        rule.notes
    )
}

fn judges(rule: &Rule) -> &'static str {
    let promotions = rule.events.iter().filter(|event| event.is_promotion());
    match (rule.judges, promotions.count()) {
        (Judges::All, _) => "every build of its events",
        (Judges::HotfixToProduction, _) => "promotions of a hotfix to production",
        (Judges::HotfixToQa, _) => "promotions to QA, of which it stops those of a hotfix",
        (Judges::Hotfix, 0) => "hotfix branches",
        (Judges::Hotfix, n) if n == rule.events.len() => "promotions of a hotfix",
        (Judges::Hotfix, _) => "hotfix branches, and promotions of a hotfix",
    }
}

fn level(level: OwnLevel) -> String {
    match level {
        OwnLevel::Is(level) => format!("`{level}`"),
        OwnLevel::Production { there, elsewhere } => {
            format!(
                "`{there}` to production, or where the target cannot be read; else `{elsewhere}`"
            )
        }
        OwnLevel::Fixed => "`must`; no policy can change it".to_owned(),
    }
}

fn events(events: &[Event]) -> String {
    let names = events.iter().map(|event| match event {
        Event::Push => "push",
        Event::Custom => "custom (Woodpecker: manual)",
        Event::PullRequest => "pull_request",
        Event::Tag => "tag",
        Event::Cron => "cron",
        Event::Promote => "promote (Woodpecker: deployment)",
        Event::Rollback => "rollback",
        Event::Other => "others",
    });
    names.collect::<Vec<_>>().join(", ")
}

/// What an outcome does at a level, asked of the verdict itself.
fn effects() -> String {
    let because = String::new;
    let (found, expected, next) = (because(), because(), Vec::new());
    let pass = Outcome::Pass {
        because: because(),
        note: None,
    };
    let violation = Outcome::Violation {
        found,
        expected,
        next: next.clone(),
    };
    let inapplicable = Outcome::NotApplicable { because: because() };
    let unknown = Outcome::Unknown {
        because: because(),
        retry: false,
        next,
    };
    let unchecked = Outcome::NotChecked {
        because: because(),
        next: Vec::new(),
    };
    let rows = [
        ("passed", &pass, false, false),
        ("violated", &violation, false, false),
        (
            "not applicable: it has nothing to say about this build",
            &inapplicable,
            false,
            false,
        ),
        ("unknown: a fact could not be had", &unknown, false, false),
        (
            "not checked: nothing is configured to check it with",
            &unchecked,
            false,
            false,
        ),
        (
            "the same, and the policy itself names the rule",
            &unchecked,
            true,
            false,
        ),
        ("the same, on a pull request", &unchecked, true, true),
    ];
    let mut table = "| outcome | `must` | `should` | `may` |\n|---|---|---|---|\n".to_owned();
    for (words, outcome, named, pull_request) in rows {
        let cells = [Level::Must, Level::Should, Level::May].map(|level| {
            let (outcome, who) = (outcome.clone(), String::new());
            let finding = Finding {
                rule: "",
                level,
                named,
                outcome,
                why: "",
                who,
                overridden: None,
                override_by: Vec::new(),
            };
            match finding.effect(pull_request) {
                Effect::Skips => "nothing",
                Effect::Passes => "counts as passed",
                Effect::Informs => "informs",
                Effect::Unchecked => "is said below the first line",
                Effect::Warns => "warns",
                Effect::Undecides => "undecided",
                Effect::Overridden => "is let pass by a person",
                Effect::Refuses => "refuses",
            }
        });
        table.push_str(&format!("| {words} | {} |\n", cells.join(" | ")));
    }
    table
}

#[test]
fn the_page_of_rules_is_made_from_the_table() {
    must_be("docs/rules.md", &page());
}
