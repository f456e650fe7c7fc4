//! What a statement says, as plain data (in-toto Statement v1; the predicates are ours).

use serde::{Deserialize, Serialize};

use crate::registry::reference::Digest;

/// A statement about one image, after it was read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The image repository that the statement names: `host[:port]/path`.
    pub repository: String,
    /// The digest that it is about.
    pub digest: Digest,
    /// What it says.
    pub claim: Claim,
    /// Whether its signature was checked with a key of the policy.
    pub signed: bool,
}

/// What a statement says of its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// A build of a hotfix branch has published it.
    Published(Publication),
    /// A promotion of it was judged and allowed.
    Promoted(Deployment),
}

/// The predicate of a publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Publication {
    /// The hotfix branch.
    pub branch: String,
    /// The ticket, if one was found.
    pub ticket: Option<String>,
    /// The release that the hotfix starts from, if git could be asked.
    pub base: Option<Base>,
    /// The commit that was judged and built.
    pub commit: String,
    /// The git repository, `owner/name`.
    pub source: String,
    /// The build that has published it.
    pub build: BuildRef,
    /// `allowed`; else there is no statement.
    pub verdict: String,
    /// What every rule said.
    pub rules: Vec<RuleOutcome>,
    /// SHA-256 of the policy.
    pub policy: String,
    /// The tags that were written, in that order.
    pub tags: Vec<String>,
    /// Version of this tool.
    pub tool: String,
    /// When, RFC 3339 in UTC.
    pub time: String,
}

/// The predicate of a promotion. Without it nobody knows later which bytes a tag named when it was
/// tried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// The target.
    pub target: String,
    /// The version as it was promoted: tag, digest or reference.
    pub version: String,
    /// The git repository, `owner/name`.
    pub source: String,
    /// The promotion itself.
    pub build: BuildRef,
    /// Who has started it.
    pub trigger: Option<String>,
    /// `allowed`.
    pub verdict: String,
    /// What every rule said.
    pub rules: Vec<RuleOutcome>,
    /// SHA-256 of the policy.
    pub policy: String,
    /// Version of this tool.
    pub tool: String,
    /// When, RFC 3339 in UTC.
    pub time: String,
}

/// Where a hotfix starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Base {
    /// The release's tag.
    pub release: Option<String>,
    /// Its commit.
    pub commit: String,
}

/// A build of the CI server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildRef {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub link: Option<String>,
}

/// What one rule said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleOutcome {
    /// Its id.
    pub rule: String,
    /// Its level.
    pub level: String,
    /// `pass`, `violation`, `not applicable`, `unknown` or `not checked`.
    pub outcome: String,
    /// Who has overridden it, why, and until when that may be done.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Overridden>,
}

/// An override, as it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overridden {
    /// The person.
    pub by: String,
    /// The reason that the person gave.
    pub reason: String,
    /// The last day of the entry in the policy, `YYYY-MM-DD`.
    pub until: String,
}
