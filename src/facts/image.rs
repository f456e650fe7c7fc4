//! What an image says of itself: from which commit it was built, for each platform
//! (`org.opencontainers.image.revision`; image-spec annotations.md).

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;

use super::Source;
use crate::registry::error::{Cause, RegistryError};
use crate::registry::manifest::{Descriptor, Manifest};
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
    let mut found = Vec::new();
    walk(origin, root, "", DEEPEST, &mut found).await?;
    Ok(found)
}

/// Looks at everything that is published, however deep: what a name hides is deployed all the same by
/// its digest.
async fn walk(
    origin: &Origin,
    manifest: &Manifest,
    name: &str,
    depth: usize,
    found: &mut Vec<Platform>,
) -> Result<(), RegistryError> {
    let limit = |why: String| wrong(manifest.digest.as_str(), why);
    if manifest.is_image() {
        found.extend(image(origin, manifest, name).await?);
        if found.len() > MOST_PLATFORMS {
            return Err(limit(format!(
                "it holds more than {MOST_PLATFORMS} platforms"
            )));
        }
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
        let child = origin.manifest(part).await?;
        let name = part.platform.as_deref().unwrap_or(name);
        let mut inner = Vec::new();
        Box::pin(walk(origin, &child, name, depth - 1, &mut inner)).await?;
        Ok::<_, RegistryError>(inner)
    });
    let inner: Vec<Vec<Platform>> = stream::iter(each).buffered(AT_ONCE).try_collect().await?;
    found.extend(inner.into_iter().flatten());
    if found.len() > MOST_PLATFORMS {
        return Err(limit(format!(
            "it holds more than {MOST_PLATFORMS} platforms"
        )));
    }
    Ok(())
}

/// One image; `None` for what cannot run: an attestation of BuildKit, or another artifact.
async fn image(
    origin: &Origin,
    manifest: &Manifest,
    name: &str,
) -> Result<Option<Platform>, RegistryError> {
    let parts = parts(manifest)?;
    let Some((config, layers)) = parts.split_first() else {
        return Ok(None);
    };
    let runs = layers.iter().any(|layer| layer.media_type.contains("tar"));
    let described = CONFIGS.contains(&config.media_type.as_str());
    if !runs && (!described || name == "unknown/unknown") {
        return Ok(None);
    }
    if !described {
        // It has layers of a file system, and nothing that we can read says where they come from.
        return Ok(Some(Platform {
            name: name.to_owned(),
            revision: None,
        }));
    }
    let text = origin.blob(config).await?;
    label(&text, config.digest.as_str(), name).map(Some)
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
