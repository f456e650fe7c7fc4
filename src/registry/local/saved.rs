//! What `docker save` writes: a tar archive with `manifest.json`, and since Docker 25 with an OCI
//! layout beside it. The layout is preferred, because it keeps the digest and needs no compression
//! (moby/moby#44598).

use serde::Deserialize;

use super::super::reference::Digest;
use super::choice::{Candidate, choose};
use super::files::{Files, Slice};
use super::layout::Layout;
use super::tar::{compression, plain};
use super::{Local, LocalError, WRITE_AGAIN, quoted};

/// The largest `manifest.json` and configuration that are read, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;
/// The most layers of an image; Docker allows 127.
const MOST_LAYERS: usize = 1_000;

/// What `docker save` wrote before it wrote layouts: configuration and layers without a manifest.
#[derive(Debug)]
pub struct Saved {
    /// The bytes of the configuration.
    pub config: Vec<u8>,
    /// The layers, the lowest first.
    pub layers: Vec<SavedLayer>,
    /// Why the OCI layout in the archive was not used, if there is one.
    pub note: Option<String>,
}

/// One layer of such an image.
#[derive(Debug, Clone)]
pub struct SavedLayer {
    /// Its bytes: a tar archive of its own.
    pub content: Slice,
    /// Whether they are compressed (gzip) already, by their first bytes.
    pub compressed: bool,
    /// The digest that the configuration gives for its bytes when they are not compressed. Whether
    /// it is right is seen by whoever reads them all.
    pub diff_id: Digest,
}

/// Opens the layout in the archive if it is whole, and otherwise what stands beside it.
pub(super) fn open(files: Files, reference: Option<&str>) -> Result<Local, LocalError> {
    let unused = match has_layout(&files).and_then(|has| match has {
        true => Layout::whole(&files, reference).map(Some),
        false => Ok(None),
    }) {
        Ok(Some(root)) => return Ok(Local::Layout(Layout::of(files, root))),
        Ok(None) => None,
        Err(why) => Some(why),
    };
    if files.find("manifest.json")?.is_none() {
        return Err(unused.unwrap_or_else(|| {
            let found = format!(
                "{} holds neither `manifest.json` nor an OCI layout",
                files.place()
            );
            LocalError::new(
                found,
                "name a file that `docker save` or `podman save` wrote",
            )
        }));
    }
    let mut saved = read(&files, reference)?;
    saved.note = unused.map(|why| {
        format!(
            "the OCI layout in the archive cannot be used, so the layers are compressed anew and \
             the digest is a new one: {why}"
        )
    });
    Ok(Local::Saved(saved))
}

fn has_layout(files: &Files) -> Result<bool, LocalError> {
    Ok(files.find("oci-layout")?.is_some() && files.find("index.json")?.is_some())
}

/// An image in `manifest.json`.
#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
struct Image {
    config: String,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagged {
    #[serde(flatten)]
    image: Image,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
}

fn read(files: &Files, reference: Option<&str>) -> Result<Saved, LocalError> {
    let place = format!("`manifest.json` in {}", files.place());
    let bytes = files.need("manifest.json")?.bytes(LARGEST)?;
    let images: Vec<Tagged> = serde_json::from_slice(&bytes).map_err(|error| {
        let found = format!("{place} is not a list of images: {error}");
        LocalError::new(found, WRITE_AGAIN)
    })?;
    let candidates = images.into_iter().map(|tagged| Candidate {
        names: tagged.repo_tags.unwrap_or_default(),
        // The digest of the configuration is what Docker calls the id of the image.
        digest: named_digest(&tagged.image.config)
            .map_or_else(|| tagged.image.config.clone(), |digest| digest.to_string()),
        image: tagged.image,
    });
    let image = choose(candidates.collect(), reference, &place)?;
    let config = config(files, &image.config)?;
    let diff_ids = diff_ids(&config, &image.config)?;
    let names: Vec<String> = image.layers.unwrap_or_default();
    let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
    if names.len() != diff_ids.len() || names.len() > MOST_LAYERS {
        let found = format!(
            "{place} names {} layers and the configuration {}; they must be as many, and \
             {MOST_LAYERS} at most",
            names.len(),
            diff_ids.len()
        );
        return Err(LocalError::new(found, WRITE_AGAIN));
    }
    let layer = |at: usize| {
        let content = content(files, &names, &diff_ids, at)?;
        layer(content, diff_ids[at].clone())
    };
    Ok(Saved {
        layers: (0..names.len()).map(layer).collect::<Result<_, _>>()?,
        config,
        note: None,
    })
}

/// The bytes of the configuration, which have the digest that its name says, if it says one.
fn config(files: &Files, name: &str) -> Result<Vec<u8>, LocalError> {
    let bytes = files.need(&plain(name))?.bytes(LARGEST)?;
    match named_digest(name) {
        Some(digest) if !digest.matches(&bytes) => {
            let found = format!("the configuration {} has another digest", quoted(name));
            Err(LocalError::new(found, WRITE_AGAIN))
        }
        _ => Ok(bytes),
    }
}

/// The digest in names such as `<hex>.json` and `blobs/sha256/<hex>`.
fn named_digest(name: &str) -> Option<Digest> {
    let last = name.rsplit('/').next()?;
    let hex = last.strip_suffix(".json").unwrap_or(last);
    Digest::parse(&format!("sha256:{hex}"))
}

/// The digests of the layers when they are not compressed (image-spec config.md, `rootfs`).
fn diff_ids(config: &[u8], name: &str) -> Result<Vec<Digest>, LocalError> {
    #[derive(Deserialize)]
    struct Config {
        rootfs: RootFs,
    }
    #[derive(Deserialize)]
    struct RootFs {
        #[serde(default)]
        diff_ids: Option<Vec<String>>,
    }
    let refuse = |why: String| {
        let found = format!("the configuration {} {why}", quoted(name));
        LocalError::new(found, WRITE_AGAIN)
    };
    let config: Config = serde_json::from_slice(config)
        .map_err(|error| refuse(format!("does not list the layers: {error}")))?;
    let ids = config.rootfs.diff_ids.unwrap_or_default();
    let digest = |id: &String| {
        let wrong = || refuse(format!("names {}, which is no digest", quoted(id)));
        Digest::parse(id).ok_or_else(wrong)
    };
    ids.iter().map(digest).collect()
}

/// The bytes of one layer. Docker before 25 wrote a layer that came up twice once, and then a link
/// to it: the link is not followed, but what has the same digest is the same.
fn content(
    files: &Files,
    names: &[String],
    diff_ids: &[Digest],
    at: usize,
) -> Result<Slice, LocalError> {
    let is_link = |name: &str| match files {
        Files::Archive(index) => index.is_link(name),
        Files::Directory(_) => false,
    };
    let same = |other: &usize| diff_ids[*other] == diff_ids[at] && !is_link(&names[*other]);
    let from = match is_link(&names[at]) {
        true => (0..names.len()).find(same).unwrap_or(at),
        false => at,
    };
    files.need(&names[from])
}

fn layer(content: Slice, diff_id: Digest) -> Result<SavedLayer, LocalError> {
    let mut head = [0; 6];
    let most = content.len().min(6) as usize;
    content.fill(0, &mut head[..most])?;
    let compressed = match compression(&head) {
        None => false,
        Some("gzip") => true,
        Some(other) => {
            let found = format!(
                "the layer {} is compressed with {other}",
                quoted(content.name())
            );
            let next = "save the image as an OCI layout (`oci-archive:`), which can say so";
            return Err(LocalError::new(found, next));
        }
    };
    Ok(SavedLayer {
        content,
        compressed,
        diff_id,
    })
}

#[cfg(test)]
mod tests;
