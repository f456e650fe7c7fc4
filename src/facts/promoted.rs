//! What a promotion names in the registry, and what is attached to it there.

use crate::attestation::statement::Statement;
use crate::registry::Target;
use crate::registry::manifest::Manifest;
use crate::registry::reference::Digest;

/// What one version parameter names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    /// The parameter.
    pub parameter: String,
    /// Its value.
    pub text: String,
    /// The image; `None` if the repository has none of that name.
    pub image: Option<Found>,
}

/// An image in `policy.repo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The name under which it was found: the git tag `v1.0.0` and the image tag `1.0.0` are one release.
    pub target: Target,
    /// SHA-256 of its manifest or index. What was judged, and what is to be deployed.
    pub digest: Digest,
    /// The manifest or index.
    pub manifest: Manifest,
}

/// What was attached to one digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The digest.
    pub digest: Digest,
    /// The statements that count.
    pub statements: Vec<Statement>,
    /// What looks like a statement and counts as none; each with its reason.
    pub rejected: Vec<String>,
}
