//! What went wrong with the remote, in the user's terms, and what to do about it.

use std::fmt;

use crate::git::refs::RefsError;
use crate::git::wire::WireError;
use crate::http::{HttpError, Response};
use crate::secret::{self, shorten};

/// The longest part of a server's own message that is repeated.
const LONGEST_MESSAGE: usize = 200;

/// One failed operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteError {
    /// What was tried: «listing the references of», «fetching from».
    pub operation: &'static str,
    /// The repository, without a user name.
    pub address: String,
    /// Whether there were credentials for its host.
    pub with_credentials: bool,
    /// Why it failed.
    pub cause: Cause,
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The address is of a kind that we do not speak; its scheme.
    Scheme(String),
    /// The address is plain HTTP, and nothing allows that; its host.
    PlainHttp(String),
    /// There is a password in the address.
    Password,
    /// The address is none; why.
    Address(String),
    /// There was no answer.
    Http(HttpError),
    /// The server answered with an error.
    Status {
        /// The status code.
        status: u16,
        /// The server's own message, if it sent a plain one.
        said: Option<String>,
        /// How often it was asked.
        tries: u32,
    },
    /// The server says that the repository is elsewhere.
    Moved(u16),
    /// The server speaks only this version of the protocol.
    Old(u8),
    /// The answer is a page for people.
    Html,
    /// The answer is of a type that is not git's.
    NotGit(String),
    /// The answer is not what the protocol says.
    Wire(WireError),
    /// There are more bytes than this.
    TooLarge(u64),
    /// The server knows no shallow histories.
    CannotDeepen,
    /// The pack is not sound.
    Pack(String),
    /// The pack could not be written.
    Disk(String),
    /// The local repository could not be read.
    Local(RefsError),
}

impl From<HttpError> for Cause {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl From<WireError> for Cause {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<RefsError> for Cause {
    fn from(error: RefsError) -> Self {
        Self::Local(error)
    }
}

impl Cause {
    /// An answer that is no good one.
    pub(super) fn status(answer: &Response) -> Self {
        if matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
            return Self::Moved(answer.status);
        }
        let plain = answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/plain"));
        let text = String::from_utf8_lossy(&answer.body);
        let first = text.lines().map(str::trim).find(|line| !line.is_empty());
        Self::Status {
            status: answer.status,
            said: first
                .filter(|_| plain)
                .map(|line| shorten(line, LONGEST_MESSAGE)),
            tries: answer.tries,
        }
    }

    /// An answer of the wrong type.
    pub(super) fn content_type(found: &str) -> Self {
        if found.starts_with("text/html") {
            Self::Html
        } else {
            Self::NotGit(shorten(found, LONGEST_MESSAGE))
        }
    }

    /// Whether it is worth a request to learn what the server is: it has moved, or it does not seem
    /// to know version 2.
    pub(super) const fn asks_who_is_there(&self) -> bool {
        match self {
            Self::Moved(_) | Self::Wire(_) => true,
            Self::Status { status, .. } => matches!(status, 400 | 405 | 411 | 415 | 500 | 501),
            _ => false,
        }
    }
}

impl RemoteError {
    /// Whether running the step again may help.
    pub const fn may_pass(&self) -> bool {
        match &self.cause {
            Cause::Http(error) => error.may_pass(),
            Cause::Status { status, .. } => matches!(status, 408 | 429 | 499..),
            Cause::Wire(error) => matches!(error, WireError::Cut),
            Cause::Local(error) => matches!(error, RefsError::TooSlow),
            _ => false,
        }
    }

    /// What to do.
    pub fn advice(&self) -> String {
        let text = match &self.cause {
            Cause::Scheme(_) => {
                "let the CI server give the https address of the repository: over ssh there is no key that a step may use"
            }
            Cause::PlainHttp(host) => {
                return format!(
                    "let the CI server name the repository by https, or list `{host}` in `policy.tls.insecure`: over plain HTTP anybody on the way can change tags and branches"
                );
            }
            Cause::Password => {
                "take the password out of the address; the CI server gives credentials of its own as `DRONE_NETRC_*` (Woodpecker: `CI_NETRC_*`)"
            }
            Cause::Address(_) => {
                "see what the CI server gives as `DRONE_REMOTE_URL` (Woodpecker: `CI_REPO_CLONE_URL`)"
            }
            Cause::Http(HttpError::Untrusted(_)) => {
                "if the server's certificate comes from an authority of your own, give that as `policy.tls.ca`"
            }
            Cause::Http(HttpError::Redirect(_)) | Cause::Moved(_) => {
                "let the CI server name the repository by the address that it has now (in Drone: synchronise the list of repositories)"
            }
            Cause::Http(HttpError::Deadline(_)) => {
                "run the step again, or give it more time with `policy.timeout`"
            }
            Cause::Http(_) | Cause::Wire(WireError::Cut) => {
                "see whether a step can reach the server, and run it again"
            }
            Cause::Status {
                status: 401 | 403 | 404,
                ..
            } if self.with_credentials => {
                "see whether the account whose token the CI server gives (`DRONE_NETRC_*`; Woodpecker: `CI_NETRC_*`) may still read this repository: in Drone that is the one who activated it, and «repair» in its settings renews the token"
            }
            Cause::Status {
                status: 401 | 403 | 404,
                ..
            } => {
                "if the repository is private, set `forge_token` to a token that may read it. Drone gives steps its own credentials as `DRONE_NETRC_*` only if the server knows that it is private (or with `DRONE_GIT_ALWAYS_AUTH`) and the runner does not set `DRONE_NETRC_CLONE_ONLY`; Woodpecker gives `CI_NETRC_*` to trusted repositories only"
            }
            Cause::Status { .. } => "see the log of the git server, and run the step again",
            Cause::Old(_) => {
                "update the git server: version 2 of the protocol is there since git 2.18 (2018), GitHub, GitLab, Gitea and Bitbucket have it; behind a proxy, let the header `Git-Protocol` pass"
            }
            Cause::Html | Cause::NotGit(_) => {
                "see whether the address is the one to clone from, and whether a proxy or a login page stands in front of it"
            }
            Cause::Wire(WireError::Said(_)) => {
                "run the step again if a branch was just pushed or deleted; else see the log of the git server"
            }
            Cause::Wire(WireError::Sha256) => "none but to judge by hand: use a SHA-1 repository",
            Cause::Wire(WireError::TooMany(_)) => "delete the branches and tags that nobody needs",
            Cause::Wire(_) => {
                "see the log of the git server, and whether a proxy changes its answers"
            }
            Cause::TooLarge(_) => {
                "let the clone bring more of the history (`clone.depth` in the pipeline), so that less is missing"
            }
            Cause::CannotDeepen => {
                "clone the whole history: leave `clone.depth` out of the pipeline"
            }
            Cause::Pack(_) => "run `git fsck` on the server's repository",
            Cause::Disk(_) => "give the step more room for temporary files",
            Cause::Local(error) => error.advice(),
        };
        text.to_owned()
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`: ", self.operation, self.address)?;
        match &self.cause {
            Cause::Scheme(scheme) => {
                write!(f, "we cannot speak `{scheme}`, only https and local paths")
            }
            Cause::PlainHttp(_) => f.write_str("it would be plain HTTP, and nothing allows that"),
            Cause::Password => {
                f.write_str("there is a password in the address, which we do not use")
            }
            Cause::Address(why) => write!(f, "the address is of no use: {why}"),
            Cause::Http(error) => write!(f, "{error}"),
            Cause::Status {
                status,
                said,
                tries,
            } => {
                write!(f, "the server answered {status}")?;
                if *tries > 1 {
                    write!(f, ", {tries} times")?;
                }
                if let Some(said) = said {
                    write!(f, ", `{}`", secret::said(said))?;
                }
                if matches!(status, 401 | 403 | 404) {
                    f.write_str(if self.with_credentials {
                        ", to the credentials that the CI server gave us"
                    } else {
                        ", and we have no credentials for it"
                    })?;
                }
                Ok(())
            }
            Cause::Moved(status) => {
                write!(
                    f,
                    "the server answered {status}: the repository is elsewhere"
                )
            }
            Cause::Old(2) => f.write_str(
                "the server has version 2 of git's protocol without `ls-refs` or `fetch`",
            ),
            Cause::Old(version) => write!(
                f,
                "the server speaks version {version} of git's protocol, and version 2 is needed"
            ),
            Cause::Html => f.write_str("the answer is an HTML page, not git's protocol"),
            Cause::NotGit(found) if found.is_empty() => {
                f.write_str("the answer says no `Content-Type`, so it is not git's protocol")
            }
            Cause::NotGit(found) => write!(f, "the answer is `{found}`, not git's protocol"),
            Cause::Wire(error) => write!(f, "{error}"),
            Cause::TooLarge(limit) => write!(f, "the answer has more than {limit} bytes"),
            Cause::CannotDeepen => f.write_str("the server knows no shallow histories"),
            Cause::Pack(why) => write!(f, "the objects that came are not sound: {why}"),
            Cause::Disk(why) => write!(f, "the objects that came could not be kept: {why}"),
            Cause::Local(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for RemoteError {}
