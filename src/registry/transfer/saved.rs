//! An image without a manifest of its own: its layers are compressed on their way, but for those that
//! the repository is known to hold.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{Progress, of_file};
use crate::http::{Meter, Pieces};
use crate::registry::Registry;
use crate::registry::compress::{self, Compressing, Recompressed};
use crate::registry::error::{Cause, RegistryError};
use crate::registry::known::Known;
use crate::registry::local::{Saved, SavedLayer};
use crate::registry::manifest::{Descriptor, Manifest};
use crate::registry::pieces::FromMemory;
use crate::registry::reference::Digest;
use crate::registry::upload::{Content, Pushed};

/// Layers compressed at once; each takes a core.
const COMPRESSED_AT_ONCE: usize = 2;

/// Bytes that are there already.
struct Bytes<'a>(&'a [u8]);

impl Content for Bytes<'_> {
    async fn begin(&self) -> Result<Box<dyn Pieces>, RegistryError> {
        Ok(Box::new(FromMemory::new(self.0.to_vec())))
    }

    fn may_pass(&self) -> bool {
        false
    }
}

/// The manifest that an archive makes, without sending anything: its layers are compressed, but for
/// those that are known, and nothing is kept.
///
/// # Errors
/// If a layer cannot be read.
pub async fn measure(saved: &Saved, known: &Known) -> Result<Manifest, RegistryError> {
    let each = saved.layers.iter().map(|layer| async move {
        match known.layer(layer) {
            Some(part) => Ok(part.clone()),
            None => compress::measure(layer).await,
        }
    });
    let layers: Vec<Descriptor> = stream::iter(each)
        .buffered(COMPRESSED_AT_ONCE)
        .try_collect()
        .await?;
    Ok(compress::manifest(saved, &layers))
}

/// Brings the configuration and layers of an archive into a repository, but for those that it is
/// known to hold. The manifest that they make is returned, and not sent.
///
/// # Errors
/// If a part cannot be read or sent.
pub async fn transfer_saved(
    saved: &Saved,
    known: &Known,
    to: &Registry,
    progress: &Progress,
) -> Result<Manifest, RegistryError> {
    let config = compress::config(saved);
    to.push_blob(&config, None, &Bytes(&saved.config), &Meter::default())
        .await?;
    // The same layer twice is one blob.
    let mut seen = HashSet::new();
    let once = saved
        .layers
        .iter()
        .filter(|layer| seen.insert(&layer.diff_id));
    let once = once.map(|layer| async move {
        let sent = match known.layer(layer) {
            Some(part) => part.clone(),
            None => send_layer(layer, to, progress).await?,
        };
        Ok((&layer.diff_id, sent))
    });
    let sent: HashMap<&Digest, Descriptor> = stream::iter(once)
        .buffer_unordered(COMPRESSED_AT_ONCE)
        .try_collect()
        .await?;
    let layers = saved.layers.iter();
    let layers: Vec<Descriptor> = layers
        .filter_map(|layer| sent.get(&layer.diff_id).cloned())
        .collect();
    Ok(compress::manifest(saved, &layers))
}

async fn send_layer(
    layer: &SavedLayer,
    to: &Registry,
    progress: &Progress,
) -> Result<Descriptor, RegistryError> {
    progress.expect(layer.content.len());
    if !layer.compressed {
        let (pieces, finish) = Compressing::start(layer).into_parts();
        let sent = to.push_unknown(layer.content.name(), pieces, &progress.sent, finish);
        match sent.await {
            Ok(part) => {
                progress.spare(layer.content.len().saturating_sub(part.size));
                return Ok(part);
            }
            Err(error) => {
                // An archive that cannot be read does not get better. What was refused or broke goes
                // again, the usual way, with all its tries.
                let error = of_file(error, layer.content.name());
                if matches!(error.cause, Cause::Local(_)) {
                    return Err(error);
                }
            }
        }
    }
    let part = compress::measure(layer).await?;
    progress.spare(layer.content.len().saturating_sub(part.size));
    let pushed = to
        .push_blob(&part, None, &Recompressed(layer), &progress.sent)
        .await
        .map_err(|error| of_file(error, layer.content.name()))?;
    if pushed == Pushed::Present {
        progress.spare(part.size);
    }
    Ok(part)
}
