//! What goes to production does not take away a hotfix that runs there.

use super::forward_port::{list, ways};
use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::facts::history::{Kept, Port};
use crate::facts::{Facts, shorten};
use crate::policy::targets::Class;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "keeps-hotfixes",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::All,
    events: &[Event::Promote],
    asks: &[Asks::History, Asks::Running],
    promise: "A promotion to production keeps every patch of a hotfix that runs there now.",
    why: "A15: the next release overwrites the hotfix; A37: it lives only until then, so what it fixed \
          must be in what replaces it",
    notes: "What goes to production may be a release or another hotfix. What runs there comes from \
            `policy.running`. A patch counts as kept in the same ways as for `forward-port`. A rollback \
            is not judged.",
    evaluate,
};

/// Whether the build goes to production.
pub(super) fn is_due(facts: &Facts<'_>) -> bool {
    let target = facts.promotion.as_ref().map(|promotion| &promotion.target);
    target.and_then(|target| target.class()) == Some(Class::Production)
}

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let target = facts.promotion.as_ref().map(|promotion| &promotion.target);
    match target.and_then(|target| target.class()) {
        Some(Class::Production) => {}
        Some(class) => {
            let name = target.and_then(|target| target.name()).unwrap_or_default();
            return Ok(Outcome::NotApplicable {
                because: format!("`{}` is {}", shorten(name), class.describe()),
            });
        }
        None => {
            return Ok(Outcome::NotApplicable {
                because: "no target that can be read".to_owned(),
            });
        }
    }
    let history = known(&facts.history)?;
    let kept = known(&history.kept)?;
    let lost = |version: &Kept| version.ports.iter().any(|port| !port.how.is_there());
    let Some(version) = kept.iter().find(|version| lost(version)) else {
        let all: Vec<Port> = kept
            .iter()
            .flat_map(|version| version.ports.clone())
            .collect();
        return Ok(Outcome::Pass {
            because: if all.is_empty() {
                "no hotfix runs there".to_owned()
            } else {
                format!("the hotfix that runs there is kept: {}", ways(&all))
            },
            note: None,
        });
    };
    let missing: Vec<&Port> = version
        .ports
        .iter()
        .filter(|port| !port.how.is_there())
        .collect();
    let pick = ["git", "cherry-pick", "-x"].map(str::to_owned);
    let ids = missing.iter().rev().map(|port| port.id.as_str().to_owned());
    Ok(Outcome::Violation {
        found: format!(
            "`{}` runs on `{}`, and what is promoted ({}) lacks {} of it: {}",
            shorten(&version.text),
            shorten(&version.target),
            history.tip.short(),
            if missing.len() == 1 {
                "a commit".to_owned()
            } else {
                format!("{} commits", missing.len())
            },
            list(facts, &missing)
        ),
        expected: "a version with everything that fixes production now".to_owned(),
        next: vec![
            Step::Say(
                "bring the patches into what you promote, build it, and promote that:".to_owned(),
            ),
            Step::Run(pick.into_iter().chain(ids).collect()),
        ],
    })
}
