//! The branch is a hotfix branch that git and the process both know (A12, A13).

use super::{Judges, OwnLevel, Rule};
use crate::ci::Event;
use crate::facts::{Facts, shorten};
use crate::hotfix::NotHotfix;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "hotfix-branch",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[],
    promise: "The branch begins with the hotfix prefix and has a name behind it.",
    why: "A12: the base of the pull request must be a special branch that starts with `hotfix/`",
    notes: "The spelling is exact: `Hotfix/x`, `hotfix_x` and `hotfix` are no hotfix branches, and \
            nothing is judged or published for them. Where `policy.prefix` is a pattern, the whole name \
            must match it.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    let prefixes = &facts.policy.prefixes;
    match &facts.branch {
        Ok(branch) => Outcome::Pass {
            note: None,
            because: format!("`{branch}` {}", branch.by()),
        },
        Err(reason) => {
            let name = shorten(facts.build.branch.as_deref().unwrap_or_default());
            let expected = match reason {
                NotHotfix::NotABranch => "a name that git allows (git-check-ref-format)".to_owned(),
                _ if prefixes.patterns().next().is_none() => {
                    format!("a name that {} and goes on", prefixes.ask("s"))
                }
                _ => format!("a name that {}", prefixes.ask("s")),
            };
            Outcome::Violation {
                found: format!("the branch `{name}`"),
                expected,
                next: vec![Step::Say(
                    "push the fix to a branch such as `hotfix/HOCS-1234`".to_owned(),
                )],
            }
        }
    }
}
