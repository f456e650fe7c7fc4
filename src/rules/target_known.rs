//! A hotfix is promoted to a target that the policy knows (A27, A35).

use super::{Judges, OwnLevel, Rule};
use crate::ci::Event;
use crate::facts::Facts;
use crate::policy::targets::Class;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "target-known",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::Hotfix,
    events: &[Event::Promote],
    asks: &[],
    promise: "The target of a hotfix is in one of the three lists of `policy.targets`.",
    why: "A27, A29, A35: a hotfix goes to non-production first, never to QA, then to production, so \
          it must be clear which of them a target is",
    notes: "A target in no list is treated as one for trials. Real pipelines sent `prod` and \
            `production` to the wrong cluster because only `*-prod` was listed.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    let target = facts.promotion.as_ref().map(|promotion| &promotion.target);
    let (Some(name), Some(class)) = (
        target.and_then(|t| t.name()),
        target.and_then(|t| t.class()),
    ) else {
        return Outcome::NotApplicable {
            because: "no target that can be read".to_owned(),
        };
    };
    if class == Class::Unlisted {
        return Outcome::Violation {
            found: format!("the target `{name}`, which is {}", class.describe()),
            expected: "a target that is known as QA, production or trial".to_owned(),
            next: vec![Step::Say(format!(
                "it is treated as a trial target; write `{name}` into `policy.targets.trial`, \
                 `.production` or `.qa`"
            ))],
        };
    }
    Outcome::Pass {
        note: None,
        because: format!("`{name}` is {}", class.describe()),
    }
}
