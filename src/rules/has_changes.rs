//! A hotfix changes something.

use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::facts::Facts;
use crate::facts::history::History;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "has-changes",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Promote],
    asks: &[Asks::History],
    promise: "A hotfix has at least one commit of its own.",
    why: "A07: check out the tag, branch, change, commit, push; without a change there is nothing to \
          deploy, and the image would be the release under another name",
    notes: "A push of a branch that was just made is no mistake: it ends with «nothing to publish \
            yet», and nothing is written.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let history = known(&facts.history)?;
    let range = known(&history.range)?;
    Ok(match range.len() {
        0 => Outcome::Violation {
            found: format!("no commit since {}", start(history)),
            expected: "at least one commit that fixes something".to_owned(),
            next: vec![Step::Say(match facts.build.event {
                Event::Promote => "deploy the release itself, by its own version".to_owned(),
                _ => "commit the fix, and push again".to_owned(),
            })],
        },
        n => Outcome::Pass {
            because: format!(
                "{n} commit{} since {}",
                if n == 1 { "" } else { "s" },
                start(history)
            ),
            note: None,
        },
    })
}

/// Where the hotfix starts, in prose.
pub(super) fn start(history: &History) -> String {
    match &history.base {
        crate::facts::Source::Known(base) => base.describe(),
        _ => "its start".to_owned(),
    }
}
