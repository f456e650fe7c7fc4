//! A hotfix lives a short time.

use std::time::Duration;

use super::{Asks, Judges, OwnLevel, Rule, known, no_commit};
use crate::ci::Event;
use crate::facts::Facts;
use crate::verdict::{Level, Outcome, Step};

const DAY: u64 = 24 * 60 * 60;
/// How long a hotfix may live if `policy.limits.age` does not say it.
pub const AGE: Duration = Duration::from_secs(14 * DAY);

pub(super) const RULE: Rule = Rule {
    id: "short-lived",
    level: OwnLevel::Is(Level::May),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History],
    promise: "The first commit of the hotfix is not older than `policy.limits.age`, or 14 days.",
    why: "A02h: a good hotfix has a short lifetime; A40: while it lives, production is in a \
          non-standard state",
    notes: "The age is counted from the oldest commit of the hotfix to the start of this step.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let range = known(&known(&facts.history)?.range)?;
    let oldest = range
        .iter()
        .filter(|change| !change.from_default)
        .map(|change| change.committed)
        .min();
    let Some(oldest) = oldest else {
        return Ok(no_commit());
    };
    let limit = facts.policy.limits.age.unwrap_or(AGE);
    let age = facts.now.saturating_sub(oldest).max(0).unsigned_abs();
    let shown = in_words(age);
    if age > limit.as_secs() {
        return Ok(Outcome::Violation {
            found: format!("a hotfix that was begun {shown} ago"),
            expected: format!(
                "one that lives no longer than {}",
                in_words(limit.as_secs())
            ),
            next: vec![Step::Say(
                "bring the fix into a normal release, and let that replace the hotfix".to_owned(),
            )],
        });
    }
    Ok(Outcome::Pass {
        because: format!("it was begun {shown} ago"),
        note: None,
    })
}

/// A time in the largest unit that fits.
fn in_words(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / DAY, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
