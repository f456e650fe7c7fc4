//! The gate is not edited by what it judges.

use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::facts::pipeline::Unchanged;
use crate::facts::{Facts, Source};
use crate::verdict::{Level, Outcome, Step};

/// The most changes that are named; the others are counted.
const MOST: usize = 20;

pub(super) const RULE: Rule = Rule {
    id: "pipeline-unchanged",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History, Asks::Pipeline],
    promise: "The hotfix does not edit the gate that judges it.",
    why: "A24: a hotfix is built by the pipeline file that it brings along, so a change to that file \
          changes the rules by which it is judged",
    notes: "The file of the default branch passes, and so does the file of the commit that the hotfix \
            begins at. Anything else passes if the gate in it is the same as on the default branch: its \
            image, settings, conditions and dependencies; and if no step has lost the gate before it. \
            Spelling, comments, anchors and the order of keys do not count.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    let pipeline = match known(&facts.pipeline) {
        Ok(pipeline) => pipeline,
        Err(outcome) => return outcome,
    };
    match &pipeline.unchanged {
        Source::NotConfigured(because) => Outcome::NotChecked {
            because: because.clone(),
            next: Vec::new(),
        },
        Source::Unknown {
            because,
            retry,
            advice,
        } => Outcome::Unknown {
            because: because.clone(),
            retry: *retry,
            next: vec![Step::Say(advice.clone())],
        },
        Source::Known(Unchanged::Same(place)) => pass(format!("the pipeline file is that of {place}")),
        Source::Known(Unchanged::SameGate) => pass(
            "the pipeline file differs from that of the default branch, and the gate in it does not"
                .to_owned(),
        ),
        Source::Known(Unchanged::Changed(changes)) => {
            let mut found: Vec<String> = changes.iter().take(MOST).cloned().collect();
            if changes.len() > MOST {
                found.push(format!("and {} more changes", changes.len() - MOST));
            }
            Outcome::Violation {
                found: found.join("; "),
                expected: "the gate of the default branch".to_owned(),
                next: vec![Step::Say(
                    "take the change to the pipeline file out of the hotfix, and bring it to the default branch \
                     in a pull request of its own"
                        .to_owned(),
                )],
            }
        }
    }
}

fn pass(because: String) -> Outcome {
    Outcome::Pass {
        because,
        note: None,
    }
}
