//! How a promotion is known to be a hotfix's by name and by build (identities 1 and 2 of the
//! design; A28, A29, A36). Pure.

mod names;

use names::{names, without_ref_prefixes};

use super::{Promotion, Source, Target, VersionParameter};
use crate::ci::Build;
use crate::environment::{Environment, Reading};
use crate::hotfix::{HotfixBranch, NotHotfix};
use crate::policy::Policy;
use crate::registry::reference::Version;
use crate::secret::Redactor;

/// One reason to call a promotion a hotfix's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A variable names a hotfix.
    Name {
        /// The variable.
        variable: String,
        /// The hotfix tag or branch in it.
        token: String,
        /// What the token is.
        kind: NameKind,
    },
    /// The promoted build is one of a hotfix.
    Build {
        /// Which of the server's facts says so: «branch», «git reference», …
        fact: &'static str,
        /// Its value.
        value: String,
    },
    /// The image is the one of a hotfix tag, or a part of it, byte for byte.
    Bytes {
        /// What is to be deployed.
        version: String,
        /// How the two belong together.
        relation: Relation,
        /// Its digest.
        digest: String,
        /// A hotfix tag with the same digest.
        tag: String,
    },
    /// A statement that is attached to the image says so.
    Attested {
        /// What is to be deployed.
        version: String,
        /// Its digest.
        digest: String,
        /// The hotfix branch, as the statement names it.
        branch: String,
    },
    /// It was built from a commit that only a hotfix branch has.
    Commit {
        /// What was built from it: «the promoted build», or a version and its platform.
        what: String,
        /// The commit.
        commit: String,
        /// The hotfix branch.
        branch: String,
    },
}

/// How a promoted image and a hotfix's belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They are the same.
    Same,
    /// The promoted image is one of the hotfix's index.
    Part,
    /// The promoted index holds the hotfix's image.
    Contains,
    /// Both are indexes, and they have a platform in common.
    Shares,
    /// They were built once: one configuration, and so the same layers, in another manifest.
    SameConfig,
}

/// What kind of name was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// An image tag.
    Tag,
    /// A branch.
    Branch,
    /// The version of a train's hotfix, which may be a tag too.
    Version,
}

impl Evidence {
    /// The evidence as part of a sentence.
    pub fn describe(&self) -> String {
        match self {
            Self::Name {
                variable,
                token,
                kind: NameKind::Tag,
            } => {
                format!(
                    "`{variable}` names `{}`, the image tag of a hotfix",
                    super::shorten(token)
                )
            }
            Self::Name {
                variable,
                token,
                kind: NameKind::Branch,
            } => {
                format!(
                    "`{variable}` names `{}`, a hotfix branch",
                    super::shorten(token)
                )
            }
            Self::Name {
                variable,
                token,
                kind: NameKind::Version,
            } => {
                format!(
                    "`{variable}` names `{}`, the version of a train's hotfix",
                    super::shorten(token)
                )
            }
            Self::Build { fact, value } => format!("the promoted build's {fact} is `{value}`"),
            Self::Bytes {
                version,
                relation,
                digest,
                tag,
            } => {
                let is = match relation {
                    Relation::Same => "is the image of",
                    Relation::Part => "is one platform of",
                    Relation::Contains => "holds the image of",
                    Relation::Shares => "has a platform in common with",
                    // Another manifest, so its bytes are others; what it runs is the same.
                    Relation::SameConfig => {
                        return format!(
                            "`{version}` was built together with `{tag}`: one configuration, and so \
                             the same layers, in another manifest ({digest})"
                        );
                    }
                };
                format!("`{version}` {is} `{tag}`, byte for byte ({digest})")
            }
            Self::Attested {
                version,
                digest,
                branch,
            } => format!(
                "a statement in the registry says that `{}` was published from `{}` ({digest})",
                super::shorten(version),
                super::shorten(branch)
            ),
            Self::Commit {
                what,
                commit,
                branch,
            } => format!(
                "{what} was built from {commit}, a commit of `{}` that the default branch does not have",
                super::shorten(branch)
            ),
        }
    }

    /// One word for the way in which it was known.
    pub const fn way(&self) -> &'static str {
        match self {
            Self::Name { .. } => "name",
            Self::Build { .. } => "build",
            Self::Bytes { .. } => "bytes",
            Self::Attested { .. } => "attestation",
            Self::Commit { .. } => "commit",
        }
    }
}

/// Reads a promotion out of the environment. The bytes are not looked at yet.
pub fn read(
    environment: &Environment,
    build: &Build,
    policy: &Policy,
    redactor: &Redactor,
) -> Promotion {
    let versions = versions(environment, policy);
    let mut evidence = names(environment, build, policy, redactor);
    evidence.extend(build_evidence(build, policy));
    Promotion {
        target: target(build, policy),
        versions,
        evidence,
        build_known: is_build_known(build),
        bytes: Source::NotConfigured("`policy.repo` is not set".to_owned()),
        images: Source::NotConfigured("`policy.repo` is not set".to_owned()),
        attested: Source::NotConfigured("`policy.repo` is not set".to_owned()),
        commits: Source::NotConfigured("git was not asked".to_owned()),
        before: Source::NotConfigured("the Drone server was not asked".to_owned()),
    }
}

/// Whether the branch or reference of the build says where it comes from. A GitHub deployment of a
/// bare commit has neither, and one of a shortened commit id has the id for a branch.
fn is_build_known(build: &Build) -> bool {
    let id = |text: &str| text.len() >= 7 && build.commit.as_str().starts_with(text);
    match (&build.branch, &build.git_ref) {
        (None, None) => false,
        (Some(branch), _) => !id(branch),
        (None, Some(git_ref)) => !git_ref.strip_prefix("refs/heads/").is_some_and(id),
    }
}

fn target(build: &Build, policy: &Policy) -> Target {
    let Some(written) = build.target.as_deref() else {
        return Target::Missing;
    };
    // Look-alike letters, invisible characters: what cannot be compared cannot be allowed.
    if !written.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Target::Unreadable(written.to_owned());
    }
    let name = written.trim();
    if name.is_empty() {
        return Target::Missing;
    }
    Target::Known(name.to_owned(), policy.targets.class(name))
}

/// Every value of the parameter that names the ticket of a deployment.
pub fn ticket_params(environment: &Environment, policy: &Policy) -> Vec<String> {
    let Some(train) = &policy.train else {
        return Vec::new();
    };
    let values = environment.values();
    let mut texts: Vec<String> = values
        .filter(|(name, _)| *name == train.ticket_param)
        .map(|(_, text)| text.to_owned())
        .collect();
    texts.dedup();
    texts
}

fn versions(environment: &Environment, policy: &Policy) -> Vec<VersionParameter> {
    let mut found = Vec::new();
    for name in &policy.version_params {
        // A name that stands twice is looked at twice: which value deploys is not ours to guess.
        let mut texts: Vec<&str> = environment
            .values()
            .filter(|(known, text)| known == name && !text.is_empty())
            .map(|(_, text)| text)
            .collect();
        texts.dedup();
        let decided = matches!(environment.read(name), Reading::Text(_) | Reading::Absent);
        for text in texts {
            let version = Version::parse(text).filter(|_| decided);
            found.push(VersionParameter {
                name: name.clone(),
                text: text.to_owned(),
                version,
            });
        }
    }
    found
}

/// Whether a branch of a build is a hotfix branch, or begins like one and cannot be any other.
fn is_hotfix(branch: &str, policy: &Policy) -> bool {
    let parsed = HotfixBranch::parse(without_ref_prefixes(branch), &policy.prefixes);
    matches!(parsed, Ok(_) | Err(NotHotfix::NotABranch))
}

fn build_evidence(build: &Build, policy: &Policy) -> Vec<Evidence> {
    let mut found = Vec::new();
    let mut add = |fact, value: &str| {
        found.push(Evidence::Build {
            fact,
            value: super::shorten(value),
        });
    };
    if let Some(branch) = build
        .branch
        .as_deref()
        .filter(|branch| is_hotfix(branch, policy))
    {
        add("branch", branch);
    }
    if let Some(head) = build.source_branch.as_deref()
        && build.source_branch != build.branch
        && is_hotfix(head, policy)
    {
        add("source branch", head);
    }
    if let Some(git_ref) = build.git_ref.as_deref() {
        let branch = git_ref
            .strip_prefix("refs/heads/")
            .filter(|branch| is_hotfix(branch, policy));
        let tag = git_ref.strip_prefix("refs/tags/").filter(|tag| {
            policy.hotfix_tags.recognise(&tag.replace('/', "_")) || is_hotfix(tag, policy)
        });
        if branch.is_some_and(|branch| build.branch.as_deref() != Some(branch)) || tag.is_some() {
            add("git reference", git_ref);
        }
    }
    found
}
