//! What is promoted, and where to, can be read without guessing.
//!
//! The one rule that no policy can turn off: every other rule on promotions stands on it.

use super::{Judges, OwnLevel, Rule};
use crate::ci::Event;
use crate::facts::identity::{Evidence, NameKind};
use crate::facts::{Facts, Target, shorten};
use crate::verdict::{Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "readable-promotion",
    level: OwnLevel::Fixed,
    judges: Judges::All,
    events: &[Event::Promote, Event::Rollback],
    asks: &[],
    promise: "A promotion has a plain target, and says in one word what it deploys.",
    why: "A28, A29: «VERSION» is that tag, and hotfixes must not reach QA; neither can be judged \
          on a target or version that may be read in two ways",
    notes: "The target is plain ASCII and not empty. Each of `policy.version_params` that is given \
            is exactly one tag, version, digest or reference, and stands in the environment once. \
            A promotion without any of them is judged by its build.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    let Some(promotion) = &facts.promotion else {
        return Outcome::NotApplicable {
            because: "it is no promotion".to_owned(),
        };
    };
    let again = |text: &str| vec![Step::Say(text.to_owned())];
    match &promotion.target {
        Target::Missing => {
            return Outcome::Violation {
                found: "a promotion without a target".to_owned(),
                expected: "the name of an environment".to_owned(),
                next: again("promote again and name the target"),
            };
        }
        Target::Unreadable(text) => {
            return Outcome::Violation {
                found: format!("the target `{}`, which is not plain ASCII", visible(text)),
                expected: "a name in plain ASCII: a look-alike of `qa` would pass every other rule"
                    .to_owned(),
                next: again("promote again and type the name of the target by hand"),
            };
        }
        Target::Known(..) => {}
    }
    let Some(wrong) = promotion.versions.iter().find(|v| v.version.is_none()) else {
        let target = promotion.target.name().unwrap_or_default();
        return Outcome::Pass {
            note: None,
            because: format!("{} for `{target}`", promotion.describe_versions()),
        };
    };
    let branch = promotion
        .evidence
        .iter()
        .find_map(|evidence| match evidence {
            Evidence::Name {
                variable,
                token,
                kind: NameKind::Branch,
            } if *variable == wrong.name => Some(token),
            _ => None,
        });
    let next = match branch.filter(|branch| **branch == wrong.text) {
        // A36: people give the branch name; the process means its tag.
        Some(branch) => format!(
            "`{branch}` is a branch; give the tag of its image, by default `branch-{}`",
            branch.replace('/', "_")
        ),
        None => format!(
            "promote again with one tag in `{}`, such as `{}=1.2.3`",
            wrong.name, wrong.name
        ),
    };
    Outcome::Violation {
        found: format!("`{}={}`", wrong.name, shorten(&wrong.text)),
        expected: "exactly one tag, version, digest or reference, given once".to_owned(),
        next: again(&next),
    }
}

/// A text with everything escaped that is not plain ASCII: a look-alike letter cannot be seen.
fn visible(text: &str) -> String {
    shorten(text).escape_default().to_string()
}
