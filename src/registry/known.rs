//! Layers that a repository holds already, known by what they hold: the images under its tags say
//! which compressed layer belongs to which plain one. So an archive that is saved again is not
//! compressed again, and its digest stays, whatever compressed it the first time.

use std::collections::HashMap;

use serde::Deserialize;

use super::error::{Cause, RegistryError};
use super::local::{Saved, SavedLayer};
use super::manifest::{Descriptor, Manifest};
use super::reference::Digest;
use super::{Registry, Target, compress};
use crate::http::HttpError;

/// What is known of an image before it is compressed.
#[derive(Debug, Default)]
pub struct Known {
    /// The manifest of the very same image: it has the same configuration, and that names every layer
    /// by its digest.
    pub same: Option<Manifest>,
    /// Compressed layers by the digests of the plain ones.
    layers: HashMap<Digest, Descriptor>,
}

impl Known {
    /// What a layer is in the repository. One that is compressed already is not asked for: what it
    /// is can be seen from its own bytes.
    pub fn layer(&self, layer: &SavedLayer) -> Option<&Descriptor> {
        self.layers
            .get(&layer.diff_id)
            .filter(|_| !layer.compressed)
    }
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
        let manifest = match at.find(&Target::Digest(digest.clone())).await {
            Ok(Some(manifest)) => manifest,
            Ok(None) => continue,
            Err(error) if is_unreadable(&error) => continue,
            Err(error) => return Err(error),
        };
        let parts = manifest.parts().unwrap_or_default();
        let Some((config, layers)) = parts.split_first().filter(|_| manifest.is_image()) else {
            continue;
        };
        // Only what was written here says which layer belongs to which: byte for byte in our form.
        if manifest.bytes != compress::written(config, layers) {
            continue;
        }
        let plain = saved.layers.iter().all(|layer| !layer.compressed);
        if plain && config.digest == own.digest && layers.len() == saved.layers.len() {
            known.same = Some(manifest);
            return Ok(known);
        }
        let text = match at.blob(config).await {
            Ok(text) => text,
            Err(error) if is_unreadable(&error) => continue,
            Err(error) => return Err(error),
        };
        let ids = diff_ids(&text);
        if ids.len() == layers.len() {
            known
                .layers
                .extend(ids.into_iter().zip(layers.iter().cloned()));
        }
    }
    Ok(known)
}

/// Whether what was asked for is not there, or nothing that we could have written.
fn is_unreadable(error: &RegistryError) -> bool {
    matches!(
        error.cause,
        Cause::Answer(_) | Cause::Status { status: 404, .. } | Cause::Http(HttpError::TooLong(_))
    )
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
