//! A promotion: where it goes, what it deploys, and whether that is a hotfix.

use super::before::Before;
use super::bytes::Compared;
use super::identity::Evidence;
use super::promoted::{Attested, Promoted};
use super::{Absent, Source, shorten};
use crate::policy::targets::Class;
use crate::registry::reference::Version;

/// A promotion or rollback.
#[derive(Debug, Clone)]
pub struct Promotion {
    /// Where to.
    pub target: Target,
    /// What is to be deployed, by the parameters that say so.
    pub versions: Vec<VersionParameter>,
    /// Everything that makes it a hotfix.
    pub evidence: Vec<Evidence>,
    /// Whether the build's own branch or reference is known, so that its absence from `evidence`
    /// means something.
    pub build_known: bool,
    /// What a comparison of the image's bytes with the hotfix tags of the repository gave.
    pub bytes: Source<Compared>,
    /// What each version parameter names in the registry.
    pub images: Source<Vec<Promoted>>,
    /// What is attached to those images, one entry for each digest.
    pub attested: Source<Vec<Attested>>,
    /// Whether what is promoted was built from a commit that only a hotfix branch has; known, it says
    /// how many hotfix branches were looked at. What was found is in `evidence`.
    pub commits: Source<usize>,
    /// What the Drone server knows of it and of what came before.
    pub before: Source<Before>,
}

/// Where a promotion goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// No target is given.
    Missing,
    /// The target is no plain ASCII, so it may look like another.
    Unreadable(String),
    /// A target and what the policy says it is.
    Known(String, Class),
}

impl Target {
    /// What the target is; `None` if it cannot be read.
    pub const fn class(&self) -> Option<Class> {
        match self {
            Self::Known(_, class) => Some(*class),
            Self::Missing | Self::Unreadable(_) => None,
        }
    }

    /// The target's name, trimmed.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Known(name, _) => Some(name),
            Self::Missing | Self::Unreadable(_) => None,
        }
    }
}

/// One parameter that says what is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionParameter {
    /// The variable.
    pub name: String,
    /// Its value; of a value that is no UTF-8, with replacement characters.
    pub text: String,
    /// The value as exactly one tag, version, digest or reference.
    pub version: Option<Version>,
}

/// Whether a promotion is a hotfix's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// At least one piece of evidence says so.
    Hotfix,
    /// Everything that could be looked at says that it is none.
    Ordinary,
    /// Something that may say so could not be looked at.
    Unknown,
}

impl Promotion {
    /// Whether it is a hotfix's. Any one piece of evidence is enough; none is enough only if
    /// everything that is configured could be asked.
    pub fn kind(&self) -> Kind {
        if !self.evidence.is_empty() {
            return Kind::Hotfix;
        }
        if self.build_known && self.unknown_identity().is_none() {
            Kind::Ordinary
        } else {
            Kind::Unknown
        }
    }

    /// Why nobody can say whether it is a hotfix's by its bytes, its statements or its commit.
    pub fn unknown_identity(&self) -> Option<Absent> {
        let absent = [
            self.bytes.answer().err(),
            self.attested.answer().err(),
            self.commits.answer().err(),
        ];
        absent
            .into_iter()
            .flatten()
            .find(|absent| matches!(absent, Absent::Unknown { .. }))
    }

    /// What was promised to be deployed, for people.
    pub fn describe_versions(&self) -> String {
        let shown: Vec<String> = self
            .versions
            .iter()
            .map(|v| format!("`{}={}`", v.name, shorten(&v.text)))
            .collect();
        if shown.is_empty() {
            "no version parameter".to_owned()
        } else {
            shown.join(", ")
        }
    }
}
