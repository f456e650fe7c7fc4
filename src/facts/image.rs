//! What an image says of itself: from which commit it was built, for each platform
//! (`org.opencontainers.image.revision`; image-spec annotations.md).

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;

use super::Source;
use crate::registry::error::{Cause, RegistryError};
use crate::registry::manifest::{Descriptor, Manifest};
use crate::registry::reference::Digest;
use crate::registry::transfer::{Image, Origin};

/// The label that names the commit.
pub const REVISION: &str = "org.opencontainers.image.revision";
/// Configurations that describe an image which runs; artifacts have others.
const CONFIGS: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];
/// The most platforms of one image that are looked at.
const MOST_PLATFORMS: usize = 64;
/// How deep indexes may lie in indexes, as for what is sent.
const DEEPEST: usize = 4;
const AT_ONCE: usize = 6;

/// One platform of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// `os/architecture`; empty if nobody says.
    pub name: String,
    /// The commit that the image says it was built from.
    pub revision: Option<String>,
}

/// Reads the label of every platform.
pub async fn read(image: &Image) -> Source<Vec<Platform>> {
    let platforms = match image {
        Image::Whole { origin, root } => platforms(origin, root).await,
        Image::Saved(saved, name) => label(&saved.config, name, "").map(|one| vec![one]),
    };
    platforms.into()
}

async fn platforms(origin: &Origin, root: &Manifest) -> Result<Vec<Platform>, RegistryError> {
    let held = held(origin, root, Gaps::AreErrors).await?;
    labels(origin, &held.images).await
}

/// One image that runs: the whole, or one of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// SHA-256 of its manifest.
    pub digest: Digest,
    /// `os/architecture`, as the index says; empty if nobody says.
    pub name: String,
    /// Its configuration.
    pub config: Descriptor,
}

impl Part {
    /// Whether its configuration is one of an image, which names its layers: another thing of the same
    /// configuration is the same image. Artifacts share the empty configuration, and that says nothing.
    pub fn is_described(&self) -> bool {
        CONFIGS.contains(&self.config.media_type.as_str())
    }
}

/// Everything that a manifest or index holds, however deep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// SHA-256 of every manifest and index in it, its own first.
    pub manifests: Vec<Digest>,
    /// What runs of it.
    pub images: Vec<Part>,
}

/// What a manifest is that an index names and the registry does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// An error.
    AreErrors,
    /// Nothing: mirrors keep some platforms of an index only, and what is not there is not deployed.
    AreNothing,
}

/// Looks at everything that an image holds: what a name hides is deployed all the same by its digest.
///
/// # Errors
/// If a part of it cannot be read, or there is too much of it.
pub async fn held(origin: &Origin, root: &Manifest, gaps: Gaps) -> Result<Held, RegistryError> {
    let mut held = Held::default();
    walk(origin, root, "", (DEEPEST, gaps), &mut held).await?;
    Ok(held)
}

/// Reads the label of every platform.
///
/// # Errors
/// If a configuration cannot be read.
pub async fn labels(origin: &Origin, images: &[Part]) -> Result<Vec<Platform>, RegistryError> {
    let each = images.iter().map(|part| async move {
        if !part.is_described() {
            // It has layers of a file system, and nothing that we can read says where they come from.
            return Ok(Platform {
                name: part.name.clone(),
                revision: None,
            });
        }
        let text = origin.blob(&part.config).await?;
        label(&text, part.config.digest.as_str(), &part.name)
    });
    stream::iter(each).buffered(AT_ONCE).try_collect().await
}

async fn walk(
    origin: &Origin,
    manifest: &Manifest,
    name: &str,
    (depth, gaps): (usize, Gaps),
    held: &mut Held,
) -> Result<(), RegistryError> {
    let limit = |why: String| wrong(manifest.digest.as_str(), why);
    held.manifests.push(Digest::of(&manifest.bytes));
    if manifest.is_image() {
        let image = part(manifest, name);
        held.images
            .extend(image.map_err(|why| wrong(manifest.digest.as_str(), why))?);
        return Ok(());
    }
    if depth == 0 {
        return Err(limit(format!("indexes lie more than {DEEPEST} deep in it")));
    }
    let parts = parts(manifest)?;
    if parts.len() > 2 * MOST_PLATFORMS {
        return Err(limit(format!(
            "it names more than {} manifests",
            2 * MOST_PLATFORMS
        )));
    }
    let each = parts.iter().map(|part| async move {
        let mut inner = Held::default();
        let child = match origin.manifest(part).await {
            Ok(child) => child,
            Err(error) if gaps == Gaps::AreNothing && is_absent(&error) => return Ok(inner),
            Err(error) => return Err(error),
        };
        let name = part.platform.as_deref().unwrap_or(name);
        Box::pin(walk(origin, &child, name, (depth - 1, gaps), &mut inner)).await?;
        Ok::<_, RegistryError>(inner)
    });
    let inner: Vec<Held> = stream::iter(each).buffered(AT_ONCE).try_collect().await?;
    for inner in inner {
        held.manifests.extend(inner.manifests);
        held.images.extend(inner.images);
    }
    if held.images.len() > MOST_PLATFORMS {
        return Err(limit(format!(
            "it holds more than {MOST_PLATFORMS} platforms"
        )));
    }
    Ok(())
}

fn is_absent(error: &RegistryError) -> bool {
    matches!(error.cause, Cause::Status { status: 404, .. })
}

/// One image, by its manifest; `None` for what cannot run: an attestation of BuildKit, or another
/// artifact. `name` is what the index calls its platform.
///
/// # Errors
/// A sentence that says what cannot be read.
pub fn part(manifest: &Manifest, name: &str) -> Result<Option<Part>, String> {
    let parts = manifest.parts()?;
    let Some((config, layers)) = parts.split_first() else {
        return Ok(None);
    };
    let runs = layers.iter().any(|layer| layer.media_type.contains("tar"));
    let part = Part {
        digest: Digest::of(&manifest.bytes),
        name: name.to_owned(),
        config: config.clone(),
    };
    let is_image = runs || (part.is_described() && name != "unknown/unknown");
    Ok(is_image.then_some(part))
}

fn parts(manifest: &Manifest) -> Result<Vec<Descriptor>, RegistryError> {
    manifest
        .parts()
        .map_err(|why| wrong(manifest.digest.as_str(), why))
}

fn wrong(reference: &str, why: String) -> RegistryError {
    RegistryError {
        operation: "reading",
        reference: reference.to_owned(),
        cause: Cause::Answer(why),
    }
}

fn label(config: &[u8], reference: &str, name: &str) -> Result<Platform, RegistryError> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(default)]
        os: String,
        #[serde(default)]
        architecture: String,
        #[serde(default)]
        config: Option<Inner>,
    }
    #[derive(Deserialize)]
    struct Inner {
        #[serde(default, rename = "Labels")]
        labels: Option<std::collections::BTreeMap<String, String>>,
    }
    let config: Config = serde_json::from_slice(config).map_err(|_| {
        wrong(
            reference,
            "the configuration of the image cannot be read".to_owned(),
        )
    })?;
    let mut labels = config
        .config
        .and_then(|inner| inner.labels)
        .unwrap_or_default();
    let name = match name {
        "" if config.os.is_empty() && config.architecture.is_empty() => String::new(),
        "" => format!("{}/{}", config.os, config.architecture),
        name => name.to_owned(),
    };
    Ok(Platform {
        name,
        revision: labels
            .remove(REVISION)
            .filter(|text| !text.trim().is_empty()),
    })
}
