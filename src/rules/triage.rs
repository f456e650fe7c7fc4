//! Somebody looked whether this should be a hotfix at all: some of the criteria hold.

use super::{
    Asks, Judges, OwnLevel, Rule, atomic, no_features, one_service, revertible, short_lived,
};
use crate::ci::Event;
use crate::facts::Facts;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "triage",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History],
    promise: "At least one criterion of a good hotfix holds.",
    why: "A01: before any work, check that a hotfix fits; A02: a good one meets some or all of the \
          criteria",
    notes: "The criteria that a machine can see are the rules `atomic`, `no-features`, `revertible`, \
            `one-service` and `short-lived`. They are looked at here even where they are turned off \
            themselves.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    let criteria = [
        &atomic::RULE,
        &no_features::RULE,
        &revertible::RULE,
        &one_service::RULE,
        &short_lived::RULE,
    ];
    let (mut met, mut unmet, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for rule in criteria {
        match (rule.evaluate)(facts) {
            Outcome::Pass { .. } => met.push(format!("`{}`", rule.id)),
            Outcome::Violation { .. } => unmet.push(format!("`{}`", rule.id)),
            outcome => other.push(outcome),
        }
    }
    if !met.is_empty() {
        return Outcome::Pass {
            because: format!("of the criteria {} hold", met.join(", ")),
            note: None,
        };
    }
    // What could not be judged may hold.
    match other.into_iter().next() {
        Some(outcome) => outcome,
        None => Outcome::Violation {
            found: format!(
                "a change that meets none of the criteria: {}",
                unmet.join(", ")
            ),
            expected: "some or all of them".to_owned(),
            next: vec![Step::Say(
                "ask whether a normal release would do, and say in the pull request why not"
                    .to_owned(),
            )],
        },
    }
}
