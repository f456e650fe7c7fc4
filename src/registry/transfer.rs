//! Bringing an image into a repository: its blobs several at once, then its manifests by digest, the
//! children before the index that names them. The tag is not ours: it comes last, elsewhere.
//!
//! Nothing is kept: killed at any moment, the next run finds what is there and sends the rest.

mod saved;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::error::{Cause, RegistryError};
use super::local::{Layout, Local, LocalError, Saved, Slice};
use super::manifest::{Descriptor, Manifest};
use super::pieces::{FromFile, FromRegistry};
use super::reference::{Digest, Repository};
use super::upload::{Content, Pushed};
use super::{Registry, Target};
use crate::http::{HttpError, Meter, Pieces};
pub use saved::{measure, transfer_saved};

/// Blobs on their way at once. More push no faster (a registry hashes and writes what it gets), and
/// registries count connections.
const AT_ONCE: usize = 3;
/// The most manifests of one image, and how deep indexes may lie in indexes.
const MOST_MANIFESTS: usize = 500;
const DEEPEST: usize = 4;
/// The most bytes of manifests below one index.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Where the parts of an image come from.
#[derive(Debug)]
pub enum Origin {
    /// A repository.
    Registry(Registry),
    /// Files, and what to call them.
    Files(Layout, String),
}

/// An image before it is published.
#[derive(Debug)]
pub enum Image {
    /// It has a manifest, which is published byte for byte.
    Whole {
        /// Where its parts come from.
        origin: Origin,
        /// Its manifest or index.
        root: Manifest,
    },
    /// It has none yet (an old `docker save`), and what to call it.
    Saved(Saved, String),
}

impl Image {
    /// Takes over what was found in files; `name` is what to call them.
    pub fn of_files(local: Local, name: String) -> Self {
        match local {
            Local::Layout(layout) => Self::Whole {
                root: layout.root().clone(),
                origin: Origin::Files(layout, name),
            },
            Local::Saved(saved) => Self::Saved(saved, name),
        }
    }
}

impl Origin {
    /// A manifest that an index of this image names.
    ///
    /// # Errors
    /// If it is not there or not what the index says.
    pub async fn manifest(&self, part: &Descriptor) -> Result<Manifest, RegistryError> {
        match self {
            Self::Registry(registry) => {
                registry
                    .manifest(&Target::Digest(part.digest.clone()))
                    .await
            }
            Self::Files(layout, name) => layout.manifest(part).map_err(|e| local(name, e)),
        }
    }

    /// A small blob, such as a configuration.
    ///
    /// # Errors
    /// If it is not there, too long, or not what its descriptor says.
    pub async fn blob(&self, part: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        match self {
            Self::Registry(registry) => registry.blob(part).await,
            Self::Files(layout, name) => {
                use std::io::Read as _;
                let slice = layout.blob(part).map_err(|e| local(name, e))?;
                let mut bytes = Vec::new();
                let most = super::manifest::LARGEST as u64;
                let read = slice.reader().take(most).read_to_end(&mut bytes);
                let wrong = |found: String| {
                    let next = "make the image again".to_owned();
                    local(name, LocalError { found, next })
                };
                read.map_err(|error| wrong(error.to_string()))?;
                if part.digest.matches(&bytes) {
                    Ok(bytes)
                } else {
                    Err(wrong(format!("the bytes are not those of {}", part.digest)))
                }
            }
        }
    }
}

fn local(name: &str, error: LocalError) -> RegistryError {
    RegistryError {
        operation: "reading",
        reference: name.to_owned(),
        cause: Cause::Local(error),
    }
}

/// How far a transfer is.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    total: Arc<AtomicU64>,
    sent: Meter,
}

impl Progress {
    /// Bytes that are to travel, as far as is known.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Bytes that have travelled; those of a part that is sent again count again.
    pub fn sent(&self) -> u64 {
        self.sent.bytes()
    }

    fn expect(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    fn spare(&self, bytes: u64) {
        let less = |total: u64| Some(total.saturating_sub(bytes));
        let _ = self
            .total
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// Everything below a manifest, in the order in which a registry wants it.
#[derive(Default)]
struct Tree {
    blobs: Vec<Descriptor>,
    /// The digests of the blobs: a part that is named twice is sent once.
    seen: HashSet<Digest>,
    /// Children before those that name them, once all are found; the root is not among them.
    manifests: Vec<Manifest>,
}

/// Brings all that an image consists of into a repository, but for its own manifest.
///
/// # Errors
/// If a part cannot be read or sent. What was sent by then stays, and no tag names it.
pub async fn transfer(
    origin: &Origin,
    root: &Manifest,
    to: &Registry,
    progress: &Progress,
) -> Result<(), RegistryError> {
    let tree = tree(origin, root).await?;
    let from = match origin {
        Origin::Registry(registry) if registry.shares_blobs_with(to) => Some(registry.repository()),
        _ => None,
    };
    tree.blobs
        .iter()
        .for_each(|part| progress.expect(part.size));
    let send = tree
        .blobs
        .iter()
        .map(|part| send_blob(origin, part, to, from, progress));
    stream::iter(send)
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    for manifest in &tree.manifests {
        to.put(&Target::Digest(manifest.digest.clone()), manifest)
            .await?;
    }
    Ok(())
}

async fn send_blob(
    origin: &Origin,
    part: &Descriptor,
    to: &Registry,
    from: Option<&Repository>,
    progress: &Progress,
) -> Result<(), RegistryError> {
    let content = match origin {
        Origin::Registry(registry) => Blob::There(registry, part),
        Origin::Files(layout, name) => Blob::Here(layout.blob(part).map_err(|e| local(name, e))?),
    };
    let pushed = to.push_blob(part, from, &content, &progress.sent).await;
    let pushed = match origin {
        Origin::Registry(_) => pushed?,
        Origin::Files(_, name) => pushed.map_err(|error| of_file(error, name))?,
    };
    if pushed == Pushed::Present {
        progress.spare(part.size);
    }
    Ok(())
}

/// An error that came out of a file as what it is: it does not pass by itself.
fn of_file(error: RegistryError, name: &str) -> RegistryError {
    match error.cause {
        Cause::Http(HttpError::Source(found)) => {
            let next = "save the image again, and let this step wait until it is whole".to_owned();
            local(name, LocalError { found, next })
        }
        _ => error,
    }
}

enum Blob<'a> {
    There(&'a Registry, &'a Descriptor),
    Here(Slice),
}

impl Content for Blob<'_> {
    async fn begin(&self) -> Result<Box<dyn Pieces>, RegistryError> {
        Ok(match self {
            Self::There(registry, part) => {
                Box::new(FromRegistry::new(registry.stream(part).await?))
            }
            Self::Here(slice) => Box::new(FromFile::new(slice.clone())),
        })
    }

    fn may_pass(&self) -> bool {
        matches!(self, Self::There(..))
    }
}

/// Reads an image from its root to its blobs. Every part once, however often it is named.
async fn tree(origin: &Origin, root: &Manifest) -> Result<Tree, RegistryError> {
    let mut tree = Tree::default();
    let mut seen = HashSet::from([root.digest.clone()]);
    walk(origin, root, DEEPEST, &mut seen, &mut tree).await?;
    tree.manifests = children_first(root, tree.manifests);
    Ok(tree)
}

/// Every manifest after those that it names. An index may name one beside another index that names
/// it too, so the order in which they were found is not enough.
fn children_first(root: &Manifest, found: Vec<Manifest>) -> Vec<Manifest> {
    fn take(parent: &Manifest, found: &mut HashMap<Digest, Manifest>, ordered: &mut Vec<Manifest>) {
        for digest in parent.children() {
            if let Some(child) = found.remove(&digest) {
                take(&child, found, ordered);
                ordered.push(child);
            }
        }
    }
    let found = found.into_iter();
    let mut found = found
        .map(|manifest| (manifest.digest.clone(), manifest))
        .collect();
    let mut ordered = Vec::new();
    take(root, &mut found, &mut ordered);
    ordered
}

async fn walk(
    origin: &Origin,
    manifest: &Manifest,
    depth: usize,
    seen: &mut HashSet<Digest>,
    tree: &mut Tree,
) -> Result<(), RegistryError> {
    let wrong = |why: String| RegistryError {
        operation: "reading",
        reference: manifest.digest.to_string(),
        cause: Cause::Answer(why),
    };
    let parts = manifest.parts().map_err(wrong)?.into_iter();
    if manifest.is_image() {
        let new = parts.filter(|part| !part.foreign && tree.seen.insert(part.digest.clone()));
        let new: Vec<Descriptor> = new.collect();
        tree.blobs.extend(new);
        return Ok(());
    }
    let parts = parts.filter(|part| seen.insert(part.digest.clone()));
    if depth == 0 {
        return Err(wrong(format!("indexes lie more than {DEEPEST} deep in it")));
    }
    let parts: Vec<Descriptor> = parts.collect();
    let bytes = parts
        .iter()
        .map(|part| part.size)
        .fold(0, u64::saturating_add);
    if tree.manifests.len() + parts.len() > MOST_MANIFESTS || bytes > MOST_BYTES {
        return Err(wrong(format!(
            "it holds more than {MOST_MANIFESTS} manifests, or {MOST_BYTES} bytes of them"
        )));
    }
    // Asked for together, and kept in order.
    let children = stream::iter(parts.iter().map(|part| origin.manifest(part)))
        .buffered(AT_ONCE)
        .try_collect::<Vec<Manifest>>()
        .await?;
    for child in children {
        if tree.manifests.len() >= MOST_MANIFESTS {
            return Err(wrong(format!(
                "it holds more than {MOST_MANIFESTS} manifests"
            )));
        }
        Box::pin(walk(origin, &child, depth - 1, seen, tree)).await?;
        tree.manifests.push(child);
    }
    Ok(())
}
