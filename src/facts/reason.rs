//! The reason that a person gives for overriding a rule. It is a parameter of the build, so it is a
//! text that somebody else chose, and it may be inherited from an earlier promotion.

use crate::environment::{Environment, Reading};
use crate::report::sink::clean;
use crate::secret::Redactor;

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
pub(super) fn read(environment: &Environment, redactor: &Redactor) -> Reason {
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
            _ => Reason::Given(redactor.redact(text)),
        },
    }
}
