//! What runs in production, target by target (process.md A03–A05, A17): the policy says it, or a
//! Kubernetes cluster ([`super::cluster`]) or the Drone server ([`super::drone`]) is asked.
//!
//! An answer that cannot be read is unknown, never «nothing runs».

use std::path::Path;

use futures_util::future::join_all;

use super::{Source, cluster, drone};
use crate::ci::{Build, Event};
use crate::environment::Environment;
use crate::hotfix::CommitId;
use crate::http::Client;
use crate::policy::Policy;
use crate::policy::running::{Entry, RunningFrom, best_for};
use crate::registry::reference::{Digest, Repository, Version};
use crate::secret::{Redactor, Secret};
use crate::settings::{SecretState, Settings};

/// What runs in production, target by target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// One answer for each key of `policy.running` that was asked, in the order of the policy.
    pub targets: Vec<OnTarget>,
}

/// What runs on one target, or on all targets of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnTarget {
    /// The key of `policy.running`.
    pub target: String,
    /// Where the answer comes from, in the user's words: «the policy», «Deployment `a/b` at
    /// `https://…`», «build 812, promoted to `cs-prod` by build 830».
    pub origin: String,
    /// Every version that runs there or is on its way. Never empty where it is known; see
    /// [`Deployed::runs`].
    pub answer: Source<Vec<Deployed>>,
    /// What a reader must know beside the answer: a rollout in progress, several versions, a later
    /// promotion that failed.
    pub notes: Vec<String>,
}

/// One version on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// As written: an image reference, or a version. Of a build that was promoted without a version
    /// parameter, its commit.
    pub text: String,
    /// The repository in it, as written; `None` if it names none, or if the policy names the
    /// container, so that its image is the service's whatever it is called.
    pub name: Option<String>,
    /// The tag, or the release version.
    pub tag: Option<String>,
    /// The digest of the manifest or index, if the source knows it. A cluster knows the one that its
    /// node has asked for, which of an image for several platforms may be the index or the platform.
    pub digest: Option<Digest>,
    /// Since when it is there at the latest, RFC 3339 in UTC, if known.
    pub since: Option<String>,
    /// The commit, if the source itself knows it: the build was promoted without a version parameter.
    pub commit: Option<CommitId>,
    /// The build that was promoted, if Drone was asked.
    pub build: Option<u64>,
    /// The branch of that build, if it was promoted without a version parameter: only the branch then
    /// says which tag it may run under.
    pub branch: Option<String>,
    /// Whether it runs now. `false`: the workload wants it, but no container of it runs yet, or the
    /// workload is scaled to nothing.
    pub runs: bool,
}

impl Running {
    /// What is known about a target: the key with its own name wins over patterns, patterns over
    /// `*`. Compared as `policy.targets` is, without case and surrounding blanks.
    pub fn for_target<'a>(&'a self, target: &str) -> Vec<&'a OnTarget> {
        best_for(target, &self.targets, |on| &on.target)
    }
}

impl Deployed {
    /// Reads a version as a policy or a promotion parameter writes it.
    pub(super) fn of_version(text: &str) -> Option<Self> {
        let deployed = Self {
            text: text.to_owned(),
            name: None,
            tag: None,
            digest: None,
            since: None,
            commit: None,
            build: None,
            branch: None,
            runs: true,
        };
        Some(match Version::parse(text)? {
            Version::Tag(tag) => Self {
                tag: Some(tag),
                ..deployed
            },
            Version::Digest(digest) => Self {
                digest: Some(digest),
                ..deployed
            },
            Version::Reference { name, tag, digest } => Self {
                name: Some(name),
                tag,
                digest,
                ..deployed
            },
        })
    }

    /// Whether it is an image of this repository with this tag, or one with this digest. The host does not
    /// count, because a mirror has another one, and neither does what a mirror puts in front of the
    /// path. What names no repository is taken for the service's.
    pub fn matches(&self, repo: &Repository, tag: Option<&str>, digest: Option<&Digest>) -> bool {
        let same_bytes = digest.is_some() && self.digest.as_ref() == digest;
        let same_tag = tag.is_some() && self.tag.as_deref() == tag;
        same_bytes || (same_tag && self.is_of(repo))
    }

    /// Whether it is an image of this repository, as [`Deployed::matches`] compares them.
    pub fn is_of(&self, repo: &Repository) -> bool {
        self.name
            .as_deref()
            .is_none_or(|name| likeness(name, repo).is_some())
    }
}

/// How much a repository, as written, is like another: the same path, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// The path ends in the other's, as on a mirror that puts the origin in front.
    End,
    /// The paths are the same; only the host may differ.
    Same,
}

/// Compares a repository as somebody wrote it with one of the policy, by path.
pub(super) fn likeness(name: &str, repo: &Repository) -> Option<Likeness> {
    let is_host = |first: &str| first.contains(['.', ':']) || first == "localhost";
    let path = match name.split_once('/') {
        Some((host, path)) if is_host(host) => path,
        _ => name,
    };
    // Docker Hub's short names, and `localhost/service`, as podman calls what it has built.
    let wanted = repo.path();
    let wanted = wanted.strip_prefix("library/").unwrap_or(wanted);
    if path.strip_prefix("library/").unwrap_or(path) == wanted {
        return Some(Likeness::Same);
    }
    let front = path.strip_suffix(wanted)?;
    front.ends_with('/').then_some(Likeness::End)
}

/// What is asked with, and for whom.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// The client of the run.
    pub client: &'a Client,
    /// What the team decided.
    pub policy: &'a Policy,
    /// The secrets.
    pub settings: &'a Settings,
    /// The build.
    pub build: &'a Build,
    /// The environment, for what only the server sets.
    pub environment: &'a Environment,
    /// Learns the token of the pod.
    pub redactor: &'a Redactor,
    /// Where a pod has its service account; [`cluster::SERVICE_ACCOUNT`] but in tests.
    pub service_account: &'a Path,
}

/// Why a source has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unanswered {
    pub(super) because: String,
    pub(super) retry: bool,
    pub(super) advice: String,
}

impl Unanswered {
    pub(super) fn new(because: impl Into<String>, retry: bool, advice: impl Into<String>) -> Self {
        Self {
            because: because.into(),
            retry,
            advice: advice.into(),
        }
    }
}

/// Why a server is not asked.
pub(super) enum NotAsked {
    /// It cannot be.
    Unanswered(Unanswered),
    /// The secret for it is withheld from this build, as Drone does on pull requests.
    Withheld(String),
}

/// The answer of one source, with what stands beside it.
pub(super) struct Answer {
    pub(super) origin: String,
    pub(super) found: Result<Vec<Deployed>, NotAsked>,
    pub(super) notes: Vec<String>,
}

impl Answer {
    pub(super) fn failed(origin: String, why: Unanswered) -> Self {
        Self {
            origin,
            found: Err(NotAsked::Unanswered(why)),
            notes: Vec::new(),
        }
    }
}

impl Asking<'_> {
    /// Asks every source of `policy.running` at the same time; a promotion only those for its own target
    /// (`only`).
    pub async fn running(self, only: Option<&str>) -> Source<Running> {
        self.running_by(&drone::Drone::new(self), only).await
    }

    /// As [`Self::running`], with a Drone server that others ask too.
    pub async fn running_by(self, drone: &drone::Drone<'_>, only: Option<&str>) -> Source<Running> {
        let Some(running) = &self.policy.running else {
            return Source::NotConfigured("`policy.running` is not set".to_owned());
        };
        let entries: Vec<&Entry> = match only {
            Some(target) => running.for_target(target),
            None => running.entries().iter().collect(),
        };
        if let (Some(target), true) = (only, entries.is_empty()) {
            return Source::NotConfigured(format!(
                "`policy.running` says nothing about `{}`",
                super::shorten(target)
            ));
        }
        let targets = join_all(entries.into_iter().map(async |entry| {
            let answer = self.one(entry, drone).await;
            let found = match answer.found {
                Ok(found) => Source::Known(found),
                Err(NotAsked::Withheld(why)) => Source::NotConfigured(why),
                Err(NotAsked::Unanswered(why)) => Source::Unknown {
                    because: format!("{}: {}", answer.origin, why.because),
                    retry: why.retry,
                    advice: why.advice,
                },
            };
            OnTarget {
                target: entry.target.clone(),
                origin: answer.origin,
                answer: found,
                notes: answer.notes,
            }
        }))
        .await;
        Source::Known(Running { targets })
    }

    async fn one(self, entry: &Entry, drone: &drone::Drone<'_>) -> Answer {
        match &entry.from {
            RunningFrom::Version(text) => {
                let origin = "the policy".to_owned();
                match Deployed::of_version(text) {
                    Some(deployed) => Answer {
                        origin,
                        found: Ok(vec![deployed]),
                        notes: Vec::new(),
                    },
                    None => Answer::failed(
                        origin,
                        Unanswered::new(
                            format!("`{}` is no version", super::shorten(text)),
                            false,
                            "write a tag, a digest or a reference into `policy.running`",
                        ),
                    ),
                }
            }
            RunningFrom::Kube(workload) => {
                let at = format!("policy.running.{}.kube", entry.target);
                cluster::ask(self, &at, workload).await
            }
            RunningFrom::Drone(target) => drone.last_successful(target).await,
        }
    }

    /// The secret of a setting, if it has one.
    pub(super) fn secret<'b>(
        &self,
        setting: &str,
        state: &'b SecretState,
    ) -> Result<Option<&'b Secret>, NotAsked> {
        match state {
            SecretState::Absent => Ok(None),
            SecretState::Set(secret) => Ok(Some(secret)),
            // The push decides; it sees the secret.
            SecretState::Empty if self.build.event == Event::PullRequest => {
                Err(NotAsked::Withheld(format!(
                    "the secret of `{setting}` is empty, as secrets are on pull requests"
                )))
            }
            SecretState::Empty => Err(NotAsked::Unanswered(Unanswered::new(
                format!("the secret of `{setting}` is set but empty: missing or withheld"),
                false,
                "check the name of the secret in the pipeline file, and that it exists for this \
                 repository and event",
            ))),
        }
    }

    /// A host without a checked certificate is known by its name alone.
    pub(super) fn resolver_is_ours(&self) -> Result<(), NotAsked> {
        let trust = self.client.trust();
        if trust.insecure.is_empty() && trust.skip_verify.is_empty() {
            return Ok(());
        }
        let brought = self.environment.decides_host_names();
        brought.map_or(Ok(()), |name| {
            Err(NotAsked::Unanswered(Unanswered::new(
                format!(
                    "`{name}` in the environment decides what host names mean, and a host of \
                     `policy.tls.insecure` or `.skip_verify` is known by nothing but its name"
                ),
                false,
                format!("start the build again without the parameter or variable `{name}`"),
            )))
        })
    }
}
