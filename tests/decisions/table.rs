//! The whole table: event × class of the target × how a hotfix can be recognised × level × what the
//! sources do, for every rule of `rules::TABLE`, each cell held against the [`oracle`](super::oracle).

use drone_hotfix::ci::{self, Event};
use drone_hotfix::policy::Policy;
use drone_hotfix::policy::targets::Class;
use drone_hotfix::rules::{self, TABLE};
use drone_hotfix::verdict::{Decision, Level, Outcome, Verdict};

use super::oracle::{Answer, Cell, ROWS, Row, SOURCES, Sources, WAYS, Way, weight};
use super::world::{environment, facts};

pub const EVENTS: [Event; 8] = [
    Event::Push,
    Event::Custom,
    Event::PullRequest,
    Event::Tag,
    Event::Cron,
    Event::Promote,
    Event::Rollback,
    Event::Other,
];

/// The targets of a promotion, and what each is.
pub const TARGETS: [(&str, Option<Class>); 6] = [
    ("cs-qa", Some(Class::Qa)),
    ("cs-prod", Some(Class::Production)),
    ("cs-demo", Some(Class::Trial)),
    ("hocs-gamma", Some(Class::Unlisted)),
    ("", None),
    ("cs-q\u{430}", None),
];

pub const LEVELS: [Option<Level>; 5] = [
    None,
    Some(Level::Off),
    Some(Level::May),
    Some(Level::Should),
    Some(Level::Must),
];

fn policy(level: Option<Level>) -> Policy {
    let named: Vec<String> = TABLE
        .iter()
        .filter(|rule| rule.id != "readable-promotion")
        .filter_map(|rule| Some(format!("\"{}\":\"{}\"", rule.id, level?)))
        .collect();
    let mut problems = Vec::new();
    let text = format!("{{\"train\":{{}},\"rules\":{{{}}}}}", named.join(","));
    let policy = Policy::parse(&text, &rules::keys(), &mut problems);
    policy.unwrap_or_else(|| panic!("{text}: {problems:?}"))
}

fn answer(outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Pass { .. } => Answer::Pass,
        Outcome::Violation { .. } => Answer::Violation,
        Outcome::NotApplicable { .. } => Answer::NotApplicable,
        Outcome::Unknown { .. } => Answer::Unknown,
        Outcome::NotChecked { .. } => Answer::NotChecked,
    }
}

fn row(id: &str) -> &'static Row {
    let row = ROWS.iter().find(|row| row.id == id);
    row.unwrap_or_else(|| panic!("`{id}` has no row in tests/decisions/oracle.rs"))
}

#[test]
fn every_cell() {
    let policies = LEVELS.map(policy);
    let (mut cells, mut wrong, mut decisions) = (0, Vec::new(), [0; 3]);
    for event in EVENTS {
        let promotion = event.is_promotion();
        let targets = if promotion {
            &TARGETS[..]
        } else {
            &TARGETS[..1]
        };
        let ways = if promotion { &WAYS[..] } else { &WAYS[..1] };
        for (target, class) in targets {
            let environment = environment(event, target);
            let build = ci::read(&environment).expect("a build");
            assert_eq!(build.event, event);
            for way in ways {
                for sources in SOURCES {
                    for (level, policy) in LEVELS.into_iter().zip(&policies) {
                        let cell = Cell {
                            event,
                            class: *class,
                            way: *way,
                            sources,
                            level,
                        };
                        let facts = facts(&environment, &build, policy, &cell);
                        let verdict =
                            Verdict::of(rules::judge(&facts), event == Event::PullRequest);
                        decisions[check(&cell, &verdict, &mut wrong)] += 1;
                        cells += TABLE.len();
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {cells} cells:\n{}",
        wrong.len(),
        summary(&wrong)
    );
    assert!(decisions.iter().all(|count| *count > 50), "{decisions:?}");
    assert!(cells > 40_000, "{cells}");
}

/// Holds a verdict against the oracle; 0 allowed, 1 undecided, 2 refused.
fn check(cell: &Cell, verdict: &Verdict, wrong: &mut Vec<String>) -> usize {
    let pull_request = cell.event == Event::PullRequest;
    let (mut worst, mut free) = (0, false);
    assert_eq!(verdict.findings().len(), TABLE.len());
    for (finding, rule) in verdict.findings().iter().zip(TABLE) {
        assert_eq!(finding.rule, rule.id);
        let row = row(finding.rule);
        let (level, named) = cell.level_of(row);
        if (finding.level, finding.named) != (level, named) {
            wrong.push(format!(
                "{}: {} {}, expected {level} {named}; {cell:?}",
                row.id, finding.level, finding.named
            ));
        }
        let (found, expected) = (answer(&finding.outcome), cell.answer(row));
        if expected != Answer::Any && found != expected {
            wrong.push(format!(
                "{}: {found:?}, expected {expected:?}; {cell:?}",
                row.id
            ));
        }
        free |= expected == Answer::Any;
        worst = worst.max(weight(level, named, found, pull_request));
        if expected != Answer::Any {
            worst = worst.max(weight(level, named, expected, pull_request));
        }
    }
    let decision = match verdict.decision() {
        Decision::Allowed => 0,
        Decision::Undecided => 1,
        Decision::Refused => 2,
    };
    if decision != worst {
        wrong.push(format!(
            "decision {decision}, expected {worst}, free {free}; {cell:?}"
        ));
    }
    usize::from(decision)
}

/// The first few of each rule.
fn summary(wrong: &[String]) -> String {
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    let mut lines = Vec::new();
    for line in wrong {
        let count = seen
            .entry(line.split(';').next().unwrap_or_default())
            .or_default();
        *count += 1;
        if *count <= 2 {
            lines.push(line.as_str());
        }
    }
    lines.join("\n")
}

#[test]
fn a_hotfix_is_never_let_into_qa_by_any_level_of_another_rule() {
    // Whatever else is off, informs or warns: what is known as a hotfix, by any way, is refused, and
    // what may be one is not let in.
    for level in [Level::Off, Level::May, Level::Should] {
        let mut policy = policy(Some(level));
        policy.rules.remove("qa-closed");
        for event in [Event::Promote, Event::Rollback] {
            let environment = environment(event, "cs-qa");
            let build = ci::read(&environment).expect("a build");
            for way in WAYS {
                for sources in SOURCES {
                    let cell = Cell {
                        event,
                        class: Some(Class::Qa),
                        way,
                        sources,
                        level: None,
                    };
                    let facts = facts(&environment, &build, &policy, &cell);
                    let decision = Verdict::of(rules::judge(&facts), false).decision();
                    let expected = match (way, sources) {
                        (Way::None, Sources::Failing) | (Way::Unknown, _) => Decision::Undecided,
                        (Way::None, _) => Decision::Allowed,
                        _ => Decision::Refused,
                    };
                    assert_eq!(decision, expected, "{level} {cell:?}");
                }
            }
        }
    }
}
