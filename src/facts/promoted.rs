//! What a promotion names in the registry, and what is attached to it there.

use futures_util::future;

use super::{Absent, Promotion, Source, VersionParameter};
use crate::attestation::statement::Statement;
use crate::policy::Policy;
use crate::registry::error::RegistryError;
use crate::registry::manifest::Manifest;
use crate::registry::reference::{Digest, Repository, Version, is_tag};
use crate::registry::{Registry, Target};

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

impl Found {
    /// The image by its digest, as a deployment can take it. A digest that the promotion itself names
    /// stays as it is: the registry may know the image by no other.
    pub fn reference(&self, repo: &Repository) -> String {
        match &self.target {
            Target::Digest(digest) => format!("{repo}@{digest}"),
            Target::Tag(_) => format!("{repo}@{}", self.digest),
        }
    }
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

/// What a promotion names in the repository: the parameter, its text, and where that lies.
pub type Named = Vec<(String, String, Target)>;

/// Reads what there is to look up, before anything is asked.
///
/// # Errors
/// Why there is nothing to look up.
pub fn named(promotion: &Promotion, repo: &Repository) -> Result<Named, Absent> {
    if promotion.versions.is_empty() {
        return Err(Absent::NotConfigured(
            "no version parameter names an image, so the build alone was judged".to_owned(),
        ));
    }
    let one = |parameter: &VersionParameter| {
        let target = match &parameter.version {
            Some(version) => target_of(version, repo),
            None => Err("it names no image"),
        };
        let (name, text) = (&parameter.name, &parameter.text);
        target
            .map(|target| (name.clone(), text.clone(), target))
            .map_err(|because| Absent::Unknown {
                because: format!("`{name}={}`: {because}", super::shorten(text)),
                retry: false,
                advice:
                    "give the version as a tag or digest of `policy.repo`, or with its whole name"
                        .to_owned(),
            })
    };
    promotion.versions.iter().map(one).collect()
}

/// Looks every version up.
pub async fn look(registry: &Registry, policy: &Policy, named: Named) -> Source<Vec<Promoted>> {
    let each = named
        .into_iter()
        .map(|(parameter, text, target)| async move {
            let image = resolve(registry, policy, &target).await?;
            Ok(Promoted {
                parameter,
                text,
                image,
            })
        });
    let looked: Result<Vec<Promoted>, RegistryError> =
        future::join_all(each).await.into_iter().collect();
    looked.into()
}

/// Where an image that a promotion names lies in `repo`.
fn target_of(version: &Version, repo: &Repository) -> Result<Target, &'static str> {
    match version {
        Version::Digest(digest) => Ok(Target::Digest(digest.clone())),
        Version::Tag(tag) if is_tag(tag) => Ok(Target::Tag(tag.clone())),
        Version::Tag(_) => Err("no image tag can hold a `+`"),
        Version::Reference { name, tag, digest } => match (digest, tag) {
            (Some(digest), _) => Ok(Target::Digest(digest.clone())),
            (None, Some(tag)) if is_named(name, repo) => Ok(Target::Tag(tag.clone())),
            _ => Err(
                "it lies in another repository than `policy.repo` (without a host, on Docker Hub)",
            ),
        },
    }
}

/// Whether a name means this repository. Without a host it is Docker Hub's, as for everything that pulls
/// images; what a tag means on another host, a mirror's too, nobody here has seen.
fn is_named(name: &str, repo: &Repository) -> bool {
    let hub = || {
        let path = match name.contains('/') {
            true => name.to_owned(),
            false => format!("library/{name}"),
        };
        Repository::parse(&format!("docker.io/{path}"))
    };
    Repository::parse(name)
        .or_else(hub)
        .is_some_and(|named| named == *repo)
}

/// The image of a version, and the name under which it was found: the git tag `v1.0.0` and the
/// image tag `1.0.0` are one release.
async fn resolve(
    registry: &Registry,
    policy: &Policy,
    target: &Target,
) -> Result<Option<Found>, RegistryError> {
    let found = |target: Target, manifest: Manifest| Found {
        target,
        digest: Digest::of(&manifest.bytes),
        manifest,
    };
    if let Some(manifest) = registry.find(target).await? {
        return Ok(Some(found(target.clone(), manifest)));
    }
    let Target::Tag(tag) = target else {
        return Ok(None);
    };
    if !policy.is_release(tag) {
        return Ok(None);
    }
    let other = tag
        .strip_prefix('v')
        .map_or_else(|| format!("v{tag}"), str::to_owned);
    let other = Target::Tag(other);
    let manifest = registry.find(&other).await?;
    Ok(manifest.map(|manifest| found(other, manifest)))
}
