//! What a statement says, as plain data (in-toto Statement v1; the predicates are ours).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::registry::exact::Exact;
use crate::registry::reference::{Digest, Repository};
use crate::secret::shorten;

/// What an in-toto statement calls itself (in-toto attestation spec, `v1/statement.md`).
const TYPE: &str = "https://in-toto.io/Statement/v1";
/// Our predicates. cosign wants an URI (`--type`), and we have no address that will last.
pub const PUBLICATION: &str = "urn:drone-hotfix:publication:v1";
/// See [`PUBLICATION`].
pub const DEPLOYMENT: &str = "urn:drone-hotfix:deployment:v1";
/// The largest statement that is written or read, in bytes.
pub const LARGEST: usize = 128 * 1024;
/// What a statement says of the verdict: of anything else there is none.
const ALLOWED: &str = "allowed";

/// A statement as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Exact<Subject>>,
    predicate_type: String,
    predicate: P,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    name: String,
    digest: BTreeMap<String, String>,
}

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

impl Statement {
    /// A statement about an image of a repository, not signed yet.
    pub fn new(repository: &Repository, digest: Digest, claim: Claim) -> Self {
        Self {
            repository: repository.to_string(),
            digest,
            claim,
            signed: false,
        }
    }

    /// The statement as in-toto writes it.
    ///
    /// # Errors
    /// A sentence, if it is too long.
    pub fn to_json(&self) -> Result<Vec<u8>, String> {
        let bytes = match &self.claim {
            Claim::Published(predicate) => self.written(PUBLICATION, predicate),
            Claim::Promoted(predicate) => self.written(DEPLOYMENT, predicate),
        };
        let bytes = bytes.map_err(|error| format!("the statement cannot be written: {error}"))?;
        if bytes.len() > LARGEST {
            return Err(format!(
                "the statement would have more than {LARGEST} bytes"
            ));
        }
        Ok(bytes)
    }

    fn written<P: Serialize>(&self, kind: &str, predicate: P) -> serde_json::Result<Vec<u8>> {
        let (algorithm, hex) = self.digest.parts();
        serde_json::to_vec(&Written {
            kind: TYPE.to_owned(),
            subject: vec![Exact(Subject {
                name: self.repository.clone(),
                digest: BTreeMap::from([(algorithm.to_owned(), hex.to_owned())]),
            })],
            predicate_type: kind.to_owned(),
            predicate,
        })
    }

    /// Reads a statement about one image. `None` if its predicate is none of ours.
    ///
    /// # Errors
    /// A sentence that says why it is no statement about this image of this repository.
    pub fn read(
        bytes: &[u8],
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<Self>, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            predicate_type: String,
        }
        if bytes.len() > LARGEST {
            return Err(format!("it has more than {LARGEST} bytes"));
        }
        let kind: Exact<Kind> = exact(bytes)?;
        let (subject, claim) = match kind.0.predicate_type.as_str() {
            PUBLICATION => {
                let Exact(mut written): Exact<Written<Exact<Publication>>> = exact(bytes)?;
                let subject = written.take_subject()?;
                (subject, Claim::Published(written.predicate.0))
            }
            DEPLOYMENT => {
                let Exact(mut written): Exact<Written<Exact<Deployment>>> = exact(bytes)?;
                let subject = written.take_subject()?;
                (subject, Claim::Promoted(written.predicate.0))
            }
            _ => return Ok(None),
        };
        let (algorithm, hex) = digest.parts();
        let about: Vec<String> = subject
            .digest
            .iter()
            .map(|(a, h)| format!("{a}:{h}"))
            .collect();
        if subject.digest.len() != 1 || subject.digest.get(algorithm).is_none_or(|h| h != hex) {
            return Err(format!(
                "it is about {}, and was copied to this image",
                shorten(&about.join(" and "), 160)
            ));
        }
        if subject.name != repository.to_string() {
            return Err(format!(
                "it is about an image in the repository `{}`, and was copied to this one",
                shorten(&subject.name, 160)
            ));
        }
        if claim.verdict() != ALLOWED {
            let verdict = shorten(claim.verdict(), 40);
            return Err(format!("its verdict is `{verdict}`, not `{ALLOWED}`"));
        }
        Ok(Some(Self::new(repository, digest.clone(), claim)))
    }
}

impl<P> Written<P> {
    /// The one image that the statement is about.
    fn take_subject(&mut self) -> Result<Subject, String> {
        if self.kind != TYPE {
            let kind = shorten(&self.kind, 80);
            return Err(format!("it has an unknown form: its `_type` is `{kind}`"));
        }
        match (self.subject.pop(), self.subject.len()) {
            (Some(Exact(subject)), 0) => Ok(subject),
            (_, others) => Err(format!(
                "it has an unknown form: it is about {} images at once",
                if others == 0 { 0 } else { others + 1 }
            )),
        }
    }
}

fn exact<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        let why = shorten(&error.to_string(), 160);
        format!("it has an unknown form: {why}")
    })
}

impl Claim {
    /// The type of its predicate.
    pub const fn predicate_type(&self) -> &'static str {
        match self {
            Self::Published(_) => PUBLICATION,
            Self::Promoted(_) => DEPLOYMENT,
        }
    }

    /// When it was made, RFC 3339 in UTC.
    pub fn time(&self) -> &str {
        match self {
            Self::Published(claim) => &claim.time,
            Self::Promoted(claim) => &claim.time,
        }
    }

    fn verdict(&self) -> &str {
        match self {
            Self::Published(claim) => &claim.verdict,
            Self::Promoted(claim) => &claim.verdict,
        }
    }

    /// Whether two claims say the same, whenever they were made.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let timeless = |claim: &Self| {
            let mut claim = claim.clone();
            match &mut claim {
                Self::Published(claim) => claim.time.clear(),
                Self::Promoted(claim) => claim.time.clear(),
            }
            claim
        };
        timeless(self) == timeless(other)
    }
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
