//! What to do about a registry's error: credentials, right, repository, tag, room.

use super::error::{Cause, RegistryError};
use crate::http::HttpError;

/// What a registry's refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It does not know who we are.
    Credentials,
    /// It knows, and this account may not do that.
    Right,
    /// There is no such repository, or not for this account.
    Repository,
    /// There is no such image.
    Missing,
    /// The tag is there and may not be moved.
    Immutable,
    /// The repository is full.
    Quota,
    /// It may do it later.
    Busy,
    /// Anything else.
    Other,
}

impl Refusal {
    /// Reads a status and what the registry said. Registries agree on neither: Harbor answers 412 to
    /// an immutable tag, ECR 400 with a text, Docker Hub 403; ECR has no repository before somebody
    /// creates it; quotas come as 403, 412 or 413.
    fn of(status: u16, said: Option<&str>) -> Self {
        let said = said.unwrap_or_default().to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        let refused = matches!(status, 400 | 403 | 405 | 409 | 412);
        if says(&["toomanyrequests"]) {
            Self::Busy
        } else if status == 413
            || refused && says(&["quota", "upper limit", "storage limit", "exceed"])
        {
            Self::Quota
        } else if refused
            && says(&[
                "immutable",
                "imagetagalreadyexists",
                "cannot be overwritten",
            ])
            || status == 412
        {
            Self::Immutable
        } else if status == 401 {
            Self::Credentials
        } else if says(&["name_unknown", "repositorynotfound", "name unknown"]) {
            Self::Repository
        } else if status == 403 {
            Self::Right
        } else if status == 404 {
            Self::Missing
        } else if matches!(status, 408 | 425 | 429 | 499..=599) {
            Self::Busy
        } else {
            Self::Other
        }
    }
}

impl RegistryError {
    /// What the registry's refusal is about; `None` if it is not the registry that refused.
    pub fn refusal(&self) -> Option<Refusal> {
        match &self.cause {
            Cause::Status { status, said, .. } => Some(Refusal::of(*status, said.as_deref())),
            _ => None,
        }
    }

    /// Whether the registry, or its token service, does not let us.
    pub const fn is_denied(&self) -> bool {
        matches!(
            self.cause,
            Cause::Status {
                status: 401 | 403,
                ..
            } | Cause::Token {
                status: 400 | 401 | 403,
                ..
            }
        )
    }

    /// Whether running the step again may help.
    pub fn may_pass(&self) -> bool {
        match &self.cause {
            Cause::Http(error) => error.may_pass(),
            Cause::Token { status, .. } => Refusal::of(*status, None) == Refusal::Busy,
            _ => self.refusal() == Some(Refusal::Busy),
        }
    }

    /// What to do next.
    pub fn advice(&self) -> String {
        match &self.cause {
            Cause::Local(error) => error.next.clone(),
            Cause::Moved(_) => {
                "look which of the builds is the newer one, and start that one again".to_owned()
            }
            Cause::Unsure { next, .. } => next.clone(),
            Cause::Http(error) => about_http(error),
            Cause::Answer(_) => "check that `policy.repo` and `policy.source` name container \
                                 registries"
                .to_owned(),
            Cause::Config(_) => {
                "set `config` right, or `username` and `password` in its place".to_owned()
            }
            Cause::CredentialsWanted => {
                "set `username` and `password` (from_secret) beside `policy`, or `config` for \
                 several registries"
                    .to_owned()
            }
            Cause::MissingSecret(_) => {
                "check the name of the secret in the pipeline file, and that it exists for this \
                 repository and event"
                    .to_owned()
            }
            Cause::Token {
                status: 401 | 403, ..
            } => credentials(),
            Cause::Token { .. } if self.may_pass() => later(),
            Cause::Renewed => later(),
            Cause::Status { .. } => self.about_refusal(),
            Cause::Token { .. } | Cause::NoToken => "ask who runs the registry".to_owned(),
            Cause::NoArtifacts(_) => {
                "ask who runs the registry to allow OCI 1.1 artifacts: manifests with `subject` and a \
                 configuration of the type `application/vnd.oci.empty.v1+json` (Quay: \
                 `ALLOWED_OCI_ARTIFACT_TYPES`)"
                    .to_owned()
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

    fn about_refusal(&self) -> String {
        match self.refusal().unwrap_or(Refusal::Other) {
            Refusal::Credentials => credentials(),
            Refusal::Right if self.operation == "reading" => {
                format!("give this account the right to pull `{}`", self.reference)
            }
            Refusal::Right => format!(
                "give this account the right to pull from and push to `{}`",
                self.reference
            ),
            Refusal::Repository if self.operation == "reading" => {
                "check `policy.source` and `policy.repo`: the registry does not know the \
                 repository, or does not show it to this account"
                    .to_owned()
            }
            Refusal::Repository => "check `policy.repo`: the registry does not know the \
                                    repository, or does not show it to this account; where \
                                    repositories are created by hand (ECR), create it"
                .to_owned(),
            Refusal::Missing => {
                "check that the image was pushed by an earlier step, under exactly \
                                 this name"
                    .to_owned()
            }
            Refusal::Immutable => {
                "the registry does not let tags move: allow it for hotfix tags, or \
                                   give each build a tag of its own, as with `policy.tag: \
                                   \"branch-{branch}-{build}\"`"
                    .to_owned()
            }
            Refusal::Quota => {
                "make room in the registry, or have its quota or size limit raised".to_owned()
            }
            Refusal::Busy => later(),
            Refusal::Other => "ask who runs the registry".to_owned(),
        }
    }
}

fn credentials() -> String {
    "check `username` and `password`, or the entry of `config` for this registry: it does not take \
     them"
        .to_owned()
}

fn later() -> String {
    "run the step again in a minute".to_owned()
}

fn about_http(error: &HttpError) -> String {
    match error {
        HttpError::Untrusted(why) if why.contains("certificate") => {
            "give the certificate authority of this registry as `policy.tls.ca`"
        }
        HttpError::Transport(_) | HttpError::Untrusted(_) => {
            "check the host in `policy.repo` and whether the runner can reach it; a registry without \
             TLS must be listed in `policy.tls.insecure`"
        }
        HttpError::Deadline(_) => "run the step again, or raise `policy.timeout`",
        HttpError::Source(_) => "check the image that `policy.source` names, and push it again",
        HttpError::Redirect(_) | HttpError::TooLong(_) | HttpError::Setup(_) => {
            "check that `policy.repo` names a container registry"
        }
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(status: u16, said: &str, expected: Refusal) {
        assert_eq!(Refusal::of(status, Some(said)), expected, "{status} {said}");
    }

    #[test]
    fn registries_say_the_same_in_many_ways() {
        case(
            412,
            "PRECONDITION: Failed to process request",
            Refusal::Immutable,
        );
        case(
            400,
            "TAG_INVALID: The image tag '1' already exists in the 'a' repository and cannot be overwritten",
            Refusal::Immutable,
        );
        case(400, "ImageTagAlreadyExistsException", Refusal::Immutable);
        case(403, "DENIED: tag is immutable", Refusal::Immutable);
        case(
            403,
            "DENIED: adding 1 MiB will exceed the configured upper limit",
            Refusal::Quota,
        );
        case(413, "", Refusal::Quota);
        case(
            403,
            "DENIED: requested access to the resource is denied",
            Refusal::Right,
        );
        case(
            401,
            "UNAUTHORIZED: authentication required",
            Refusal::Credentials,
        );
        case(
            404,
            "NAME_UNKNOWN: repository name not known to registry",
            Refusal::Repository,
        );
        case(404, "MANIFEST_UNKNOWN", Refusal::Missing);
        case(429, "TOOMANYREQUESTS", Refusal::Busy);
        case(403, "TOOMANYREQUESTS", Refusal::Busy);
        case(503, "", Refusal::Busy);
        case(400, "MANIFEST_INVALID", Refusal::Other);
    }
}
