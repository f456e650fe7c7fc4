//! One uniquely named branch for each hotfix.

use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::facts::{Facts, shorten};
use crate::verdict::{Level, Outcome, Step};

/// As many branches as anybody reads in one finding.
const SHOWN: usize = 5;

pub(super) const RULE: Rule = Rule {
    id: "unique-branch",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History],
    promise: "No other branch of the repository makes the same image tag.",
    why: "A16: one uniquely named `hotfix/` branch per hotfix; every `/` becomes `_`, so `hotfix/a/b` \
          and `hotfix/a_b` share a tag, and each push overwrites the other's image",
    notes: "Branches that are no hotfix branches by name count too: a pipeline that makes a tag of \
            every branch gives `hotfix_a` the same one.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let same = known(&known(&facts.history)?.same_tag)?;
    let Some(first) = same.first() else {
        return Ok(Outcome::Pass {
            because: "no other branch makes the same tag".to_owned(),
            note: None,
        });
    };
    let shown: Vec<String> = same
        .iter()
        .take(SHOWN)
        .map(|other| format!("`{}`", shorten(&other.branch)))
        .collect();
    let more = same.len() - shown.len();
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    let branch = facts.build.branch.as_deref().unwrap_or_default();
    Ok(Outcome::Violation {
        found: format!(
            "the image tag `{}` of {}{more} as well",
            shorten(&first.tag),
            shown.join(", ")
        ),
        expected: format!("a tag that only `{}` makes", shorten(branch)),
        next: vec![Step::Say(
            "rename one of the branches, or delete the one that is no longer needed".to_owned(),
        )],
    })
}
