//! What went wrong with a registry, in the user's terms, and what to do about it.

use std::fmt;

use serde::Deserialize;

use crate::http::HttpError;
use crate::secret::shorten;

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
    },
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
    },
    /// The token service answered without a token.
    NoToken,
    /// The answer is not what the protocol says.
    Answer(String),
    /// A secret that is needed is set but empty.
    MissingSecret(String),
    /// A variable of the environment decides what host names mean.
    Resolver(&'static str),
}

#[derive(Deserialize)]
struct Envelope {
    errors: Vec<EnvelopeError>,
}

#[derive(Deserialize)]
struct EnvelopeError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl RegistryError {
    /// The registry's own code and message out of an error body; `None` for HTML and the like.
    pub(super) fn said(body: &[u8]) -> Option<String> {
        let envelope: Envelope = serde_json::from_slice(body).ok()?;
        let first = envelope.errors.first()?;
        let text = format!("{}: {}", first.code, first.message);
        let text = text.trim_matches([':', ' ']);
        (!text.is_empty()).then(|| shorten(text, LONGEST_MESSAGE))
    }

    /// Whether running the step again may help.
    pub fn may_pass(&self) -> bool {
        match &self.cause {
            Cause::Http(error) => error.may_pass(),
            Cause::Status { status, .. } | Cause::Token { status, .. } => {
                matches!(status, 408 | 425 | 429 | 499..=599)
            }
            _ => false,
        }
    }

    /// What to do next.
    pub fn advice(&self) -> String {
        let repository = &self.reference;
        match &self.cause {
            Cause::Http(HttpError::Transport(why)) if why.contains("certificate") => {
                "give the certificate authority of this registry as `policy.tls.ca`".to_owned()
            }
            Cause::Http(HttpError::Transport(_)) => {
                "check the host in `policy.repo` and whether the runner can reach it; a registry \
                 without TLS must be listed in `policy.tls.insecure`"
                    .to_owned()
            }
            Cause::Http(HttpError::Deadline) => {
                "run the step again, or raise `policy.timeout`".to_owned()
            }
            Cause::Http(_) | Cause::Answer(_) => {
                "check that `policy.repo` names a container registry".to_owned()
            }
            Cause::CredentialsWanted => {
                "set `username` and `password` (from_secret) beside `policy`".to_owned()
            }
            Cause::MissingSecret(_) => {
                "check the name of the secret in the pipeline file, and that it exists for this \
                 repository and event"
                    .to_owned()
            }
            Cause::Status { status: 401, .. }
            | Cause::Token {
                status: 401 | 403, ..
            } => "check `username` and `password`: the registry does not take them".to_owned(),
            Cause::Status { status: 403, .. } => {
                format!("give this account the right to pull from and push to `{repository}`")
            }
            Cause::Status { status: 404, said } => match said.as_deref() {
                Some(said) if said.starts_with("NAME_UNKNOWN") => {
                    "check `policy.repo`: the registry does not know the repository, or does not \
                     show it to this account"
                        .to_owned()
                }
                _ => "check that the image was pushed by an earlier step, under exactly this name"
                    .to_owned(),
            },
            Cause::Status { .. } | Cause::Token { .. } if self.may_pass() => {
                "run the step again in a minute".to_owned()
            }
            Cause::Status { .. } | Cause::Token { .. } | Cause::NoToken => {
                "ask who runs the registry".to_owned()
            }
            Cause::Resolver(name) => {
                format!("start the build again without the parameter or variable `{name}`")
            }
            Cause::Challenge(_) | Cause::Realm(_) => {
                "ask who runs the registry; if it is yours, list its hosts in `policy.tls`"
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`: ", self.operation, self.reference)?;
        match &self.cause {
            Cause::Http(error) => write!(f, "{error}"),
            Cause::Status {
                status,
                said: Some(said),
            } => {
                write!(f, "the registry answered {status}, {said}")
            }
            Cause::Status { status, said: None } => {
                write!(f, "the registry answered {status} without an explanation")
            }
            Cause::CredentialsWanted => f.write_str("the registry wants credentials"),
            Cause::Challenge(what) => {
                write!(f, "the registry asks for `{what}`, which we cannot answer")
            }
            Cause::Realm(why) => write!(f, "the registry sends our password elsewhere: {why}"),
            Cause::Token {
                status,
                said: Some(said),
            } => {
                write!(f, "the registry's token service answered {status}, {said}")
            }
            Cause::Token { status, said: None } => {
                write!(
                    f,
                    "the registry's token service answered {status} without an explanation"
                )
            }
            Cause::NoToken => f.write_str("the registry's token service answered without a token"),
            Cause::Answer(why) => f.write_str(why),
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
