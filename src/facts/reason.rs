//! The reason that a person gives for overriding a rule. It is a parameter of the build, so it is a
//! text that somebody else chose, and it may be inherited from an earlier promotion.

use crate::ci::Build;
use crate::environment::{Environment, Reading};
use crate::policy::Policy;
use crate::report::sink::clean;
use crate::secret::Redactor;
use crate::verdict::Level;

/// The parameter.
pub const PARAMETER: &str = "HOTFIX_REASON";

/// The most characters of a reason.
pub const LONGEST: usize = 500;

/// What the parameter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is not there, or empty.
    Missing,
    /// It is there and cannot be read in one way; why, as part of a sentence.
    Unusable(String),
    /// A text, with secrets masked: it goes into logs and statements.
    Given(String),
}

/// Reads the parameter.
///
/// An override is only as good as the notice of it. Whoever brings a secret as a parameter can have every
/// text masked that stands in it, so a reason is none where the notice could not be read.
pub(super) fn read(
    environment: &Environment,
    build: &Build,
    policy: &Policy,
    redactor: &Redactor,
) -> Reason {
    let unusable = |why: &str| Reason::Unusable(why.to_owned());
    match environment.read(PARAMETER) {
        Reading::Absent => Reason::Missing,
        Reading::Text(text) if text.trim().is_empty() => Reason::Missing,
        Reading::Twice => unusable("it stands in the environment with two different values"),
        Reading::Broken => unusable("it is no UTF-8"),
        Reading::Text(text) => match text.chars().take(LONGEST + 1).count() {
            count if count > LONGEST => {
                Reason::Unusable(format!("it is longer than {LONGEST} characters"))
            }
            _ if clean(text) != text => {
                unusable("it holds control characters, or others that cannot be seen")
            }
            _ if is_masked(build, policy, redactor) => unusable(
                "a secret of this build holds a part of what would be said about the override, so nobody \
                 could read who has overridden what; take it away, or give it another value",
            ),
            _ => Reason::Given(redactor.redact(text)),
        },
    }
}

/// Whether something that people have to read of an override would be masked.
fn is_masked(build: &Build, policy: &Policy, redactor: &Redactor) -> bool {
    let by = build.trigger.as_deref().unwrap_or_default();
    let target = build.target.as_deref().unwrap_or_default();
    let mut said = vec![
        format!("only by an override: allowed and published: to `{target}`"),
        format!(
            "no other than the overridden is broken or unknown, {}",
            build.repo
        ),
    ];
    for entry in &policy.overrides {
        let (rule, until) = (&entry.rule, entry.until);
        for level in Level::ALL {
            for what in ["violation", "unknown", "not checked"] {
                said.push(format!(
                    "overridden: {rule} ({level}, {what}) by `{by}`: (the policy allows that until {until})"
                ));
            }
        }
    }
    said.iter().any(|text| redactor.redact(text) != *text)
}
