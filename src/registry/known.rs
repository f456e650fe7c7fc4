//! Layers that a repository holds already, known by what they hold: the images under its tags say
//! which compressed layer belongs to which plain one. So an archive that is saved again is not
//! compressed again, and its digest stays, whatever compressed it the first time.

use std::collections::HashMap;

use serde::Deserialize;

use super::error::RegistryError;
use super::local::Saved;
use super::manifest::{Descriptor, Manifest};
use super::reference::Digest;
use super::{Registry, Target, compress};

/// Types of layers that Docker's own manifests can hold.
const GZIP: [&str; 2] = [
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.oci.image.layer.v1.tar+gzip",
];

/// What is known of an image before it is compressed.
#[derive(Debug, Default)]
pub struct Known {
    /// The manifest of the very same image: it has the same configuration, and that names every layer
    /// by its digest.
    pub same: Option<Manifest>,
    /// Compressed layers by the digests of the plain ones.
    pub layers: HashMap<Digest, Descriptor>,
}

/// Looks at the images that some tags name now. What cannot be read is not known.
///
/// # Errors
/// If the registry does not answer.
pub async fn look(
    at: &Registry,
    saved: &Saved,
    present: impl Iterator<Item = &Digest>,
) -> Result<Known, RegistryError> {
    let mut known = Known::default();
    let own = compress::config(saved);
    for digest in present {
        let Some(manifest) = at.find(&Target::Digest(digest.clone())).await? else {
            continue;
        };
        let parts = manifest.parts().unwrap_or_default();
        let Some((config, layers)) = parts.split_first().filter(|_| manifest.is_image()) else {
            continue;
        };
        let usable = |layer: &Descriptor| GZIP.contains(&layer.media_type.as_str());
        if layers.len() != layers.iter().filter(|layer| usable(layer)).count() {
            continue;
        }
        if config.digest == own.digest && layers.len() == saved.layers.len() {
            known.same = Some(manifest);
            return Ok(known);
        }
        let text = at.blob(config).await?;
        let ids = diff_ids(&text);
        if ids.len() == layers.len() {
            known
                .layers
                .extend(ids.into_iter().zip(layers.iter().cloned()));
        }
    }
    Ok(known)
}

fn diff_ids(config: &[u8]) -> Vec<Digest> {
    #[derive(Deserialize)]
    struct Config {
        rootfs: RootFs,
    }
    #[derive(Deserialize)]
    struct RootFs {
        diff_ids: Vec<String>,
    }
    let config = serde_json::from_slice::<Config>(config);
    let ids = config
        .map(|config| config.rootfs.diff_ids)
        .unwrap_or_default();
    ids.iter().map_while(|id| Digest::parse(id)).collect()
}
