//! What went wrong with a registry, in the user's terms, and what to do about it.

use std::fmt;

use serde::Deserialize;

use super::closed;
use super::local::LocalError;
use crate::http::{HttpError, Response};
use crate::secret::{self, shorten};

/// The longest part of a registry's own message that is repeated.
const LONGEST_MESSAGE: usize = 200;

/// One failed operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryError {
    /// What was tried: «reading», «writing», …
    pub operation: &'static str,
    /// On what: a reference or a repository.
    pub reference: String,
    /// Why it failed.
    pub cause: Cause,
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// There was no answer.
    Http(HttpError),
    /// The registry answered with an error.
    Status {
        /// The status code.
        status: u16,
        /// The registry's own code and message, if it sent any.
        said: Option<String>,
        /// How often it was asked.
        tries: u32,
        /// Whether it wants to be left alone for longer than this run has time.
        too_late: bool,
        /// Whether it is the registry that wants to know who asks, and not something in front of it.
        closed: bool,
    },
    /// An image in a file cannot be read.
    Local(LocalError),
    /// A tag has changed since this run looked at it.
    Moved(String),
    /// A tag was written, and whether another build did the same at that moment is not known.
    Unsure {
        /// What was found, and what was expected.
        why: String,
        /// What to do.
        next: String,
    },
    /// The registry wanted a new token in the middle of a transfer, and has one now.
    Renewed,
    /// The registry wants credentials and none are configured.
    CredentialsWanted,
    /// The registry asks for a kind of authentication that we do not have.
    Challenge(String),
    /// The token service stands where our password may not go.
    Realm(String),
    /// The token service answered with an error.
    Token {
        /// The status code.
        status: u16,
        /// What it said.
        said: Option<String>,
        /// Whether it wants to know who asks.
        closed: bool,
    },
    /// The token service answered without a token.
    NoToken,
    /// The answer is not what the protocol says.
    Answer(String),
    /// The setting `config` has nothing usable.
    Config(String),
    /// A secret that is needed is set but empty.
    MissingSecret(String),
    /// The registry takes images and nothing beside them; what it answered.
    NoArtifacts(String),
    /// A variable of the environment decides what host names mean.
    Resolver(&'static str),
}

/// What registries send with an error: the envelope of the distribution spec («Error Codes»), or one
/// error alone, as gateways in front of them do.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    errors: Vec<EnvelopeError>,
    #[serde(flatten)]
    alone: EnvelopeError,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EnvelopeError {
    #[serde(alias = "__type")]
    code: serde_json::Value,
    #[serde(alias = "Message")]
    message: serde_json::Value,
}

impl Cause {
    /// An answer that is an error.
    pub(super) fn status(answer: &Response) -> Self {
        Self::Status {
            status: answer.status,
            said: RegistryError::said(&answer.body),
            tries: answer.tries,
            too_late: answer.too_late,
            closed: closed::by_registry(answer),
        }
    }
}

impl RegistryError {
    /// The registry's own code and message out of an error body; `None` for HTML and the like.
    pub(super) fn said(body: &[u8]) -> Option<String> {
        let envelope: Envelope = serde_json::from_slice(body).ok()?;
        let first = envelope.errors.first().unwrap_or(&envelope.alone);
        let text = [&first.code, &first.message].map(|part| part.as_str().unwrap_or_default());
        let text = text.join(": ");
        let text = text.trim_matches([':', ' ']);
        (!text.is_empty()).then(|| shorten(text, LONGEST_MESSAGE))
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`: ", self.operation, self.reference)?;
        match &self.cause {
            Cause::Http(error) => write!(f, "{error}"),
            Cause::Status {
                status,
                said,
                tries,
                ..
            } => {
                write!(f, "the registry answered {status}")?;
                match said {
                    Some(said) => write!(f, ", {}", secret::said(said))?,
                    None => f.write_str(" without an explanation")?,
                }
                match tries {
                    0 | 1 => Ok(()),
                    tries => write!(f, ", {tries} times"),
                }
            }
            Cause::Local(error) => write!(f, "{error}"),
            Cause::Moved(why) | Cause::Unsure { why, .. } => f.write_str(why),
            Cause::Renewed => f.write_str("the registry takes no token for long enough to finish"),
            Cause::CredentialsWanted => f.write_str("the registry wants credentials"),
            Cause::Challenge(what) => {
                write!(f, "the registry asks for `{what}`, which we cannot answer")
            }
            Cause::Realm(why) => write!(f, "the registry sends our password elsewhere: {why}"),
            Cause::Token {
                status,
                said: Some(said),
                ..
            } => {
                let said = secret::said(said);
                write!(f, "the registry's token service answered {status}, {said}")
            }
            Cause::Token {
                status, said: None, ..
            } => {
                write!(
                    f,
                    "the registry's token service answered {status} without an explanation"
                )
            }
            Cause::NoToken => f.write_str("the registry's token service answered without a token"),
            Cause::Answer(why) | Cause::Config(why) => f.write_str(why),
            Cause::NoArtifacts(said) => write!(
                f,
                "the registry refuses artifacts beside images: it answered {}",
                secret::said(said)
            ),
            Cause::Resolver(name) => write!(
                f,
                "`{name}` in the environment decides what host names mean, and a host of \
                 `policy.tls.insecure` or `.skip_verify` is known by nothing but its name"
            ),
            Cause::MissingSecret(setting) => {
                write!(
                    f,
                    "the secret of `{setting}` is set but empty: missing or withheld"
                )
            }
        }
    }
}

impl std::error::Error for RegistryError {}
