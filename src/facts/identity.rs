//! How a promotion is known to be a hotfix's by name and by build (identities 1 and 2 of the
//! design; A28, A29, A36). Pure.

use super::{Promotion, Source, Target, VersionParameter};
use crate::ci::Build;
use crate::environment::{Environment, Reading};
use crate::hotfix::{HotfixBranch, NotHotfix};
use crate::policy::Policy;
use crate::registry::reference::Version;
use crate::secret::{MASK, Redactor};

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
}

/// What kind of name was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// An image tag.
    Tag,
    /// A branch.
    Branch,
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
                format!("`{variable}` names `{token}`, the image tag of a hotfix")
            }
            Self::Name {
                variable,
                token,
                kind: NameKind::Branch,
            } => {
                format!("`{variable}` names `{token}`, a hotfix branch")
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
                };
                format!("`{version}` {is} `{tag}`, byte for byte ({digest})")
            }
        }
    }

    /// One word for the way in which it was known.
    pub const fn way(&self) -> &'static str {
        match self {
            Self::Name { .. } => "name",
            Self::Build { .. } => "build",
            Self::Bytes { .. } => "bytes",
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
        build_known: build.branch.is_some() || build.git_ref.is_some(),
        bytes: Source::NotConfigured("`policy.repo` is not set".to_owned()),
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

/// Hotfix names in every variable that the server did not set and that is no setting of ours.
fn names(
    environment: &Environment,
    build: &Build,
    policy: &Policy,
    redactor: &Redactor,
) -> Vec<Evidence> {
    let mut found: Vec<Evidence> = Vec::new();
    for (variable, value) in environment.values() {
        let ours = variable
            .strip_prefix(crate::settings::PREFIX)
            .is_some_and(|name| {
                crate::settings::NAMES
                    .iter()
                    .any(|n| n.to_uppercase() == name)
            });
        let asked = policy.version_params.iter().any(|name| name == variable);
        if ours || (build.platform.sets(variable) && !asked) {
            continue;
        }
        // A token cut out of a value that holds a secret may hold a part of it, which nobody could
        // recognise any more.
        let secret = redactor.redact(value) != value;
        for (token, kind) in hotfix_names(value, policy) {
            let token = if secret { MASK } else { token };
            let evidence = Evidence::Name {
                variable: variable.to_owned(),
                token: super::shorten(token),
                kind,
            };
            if !found.contains(&evidence) {
                found.push(evidence);
            }
        }
    }
    // What says what is deployed comes first in every message.
    found.sort_by_key(|evidence| match evidence {
        Evidence::Name { variable, .. } => !policy.version_params.contains(variable),
        _ => true,
    });
    found
}

/// The hotfix tags and branches in a text: as a whole word, as the end of a reference (with or
/// without digest), as a git reference.
fn hotfix_names<'a>(
    text: &'a str,
    policy: &'a Policy,
) -> impl Iterator<Item = (&'a str, NameKind)> + 'a {
    let words = text.split(|c: char| {
        c.is_whitespace() || c.is_control() || ",;=|&'\"`[]{}()<>\\$?*^!".contains(c)
    });
    let pieces = words.filter(|word| !word.is_empty()).flat_map(|word| {
        let inner = word.split([':', '@']);
        std::iter::once(word).chain(inner.filter(move |piece| piece.len() < word.len()))
    });
    pieces.filter_map(|piece| {
        if policy.hotfix_tags.recognise(piece) {
            return Some((piece, NameKind::Tag));
        }
        let piece = piece.trim_start_matches('+');
        let branch = [
            "refs/heads/",
            "heads/",
            "refs/remotes/origin/",
            "remotes/origin/",
            "origin/",
        ]
        .iter()
        .find_map(|prefix| piece.strip_prefix(prefix))
        .unwrap_or(piece);
        is_hotfix(branch, policy).then_some((branch, NameKind::Branch))
    })
}

fn is_hotfix(branch: &str, policy: &Policy) -> bool {
    let parsed = HotfixBranch::parse(branch, &policy.prefixes);
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
