//! An OCI image layout (image-spec image-layout.md): `oci-layout`, `index.json` and `blobs/`.

use std::collections::HashSet;

use serde::Deserialize;

use super::super::manifest::{self, Descriptor, Manifest};
use super::super::reference::Digest;
use super::choice::{Candidate, choose};
use super::files::{Files, Slice};
use super::{LocalError, WRITE_AGAIN, quoted};

/// The largest `index.json` that is read, in bytes: as large as a manifest may be.
const LARGEST_INDEX: usize = manifest::LARGEST;
/// The largest `oci-layout`; it holds a version.
const LARGEST_MARK: usize = 64 * 1024;

/// An image that has a manifest of its own, pushed byte for byte.
#[derive(Debug)]
pub struct Layout {
    files: Files,
    root: Manifest,
}

impl Layout {
    pub(super) fn open(files: Files, reference: Option<&str>) -> Result<Self, LocalError> {
        let root = root(&files, reference)?;
        Ok(Self { files, root })
    }

    /// The manifest or index that was chosen.
    pub const fn root(&self) -> &Manifest {
        &self.root
    }

    /// A manifest that an index names. Its bytes have the digest and size that the index says.
    ///
    /// # Errors
    /// If it is not there, not as it is named, or not a manifest that may be published.
    pub fn manifest(&self, part: &Descriptor) -> Result<Manifest, LocalError> {
        manifest_in(&self.files, part)
    }

    /// A blob that a manifest names. It has the right size; whether its bytes have the right digest
    /// is seen by whoever reads them all.
    ///
    /// # Errors
    /// If it is not there, of another size, or not a plain file.
    pub fn blob(&self, part: &Descriptor) -> Result<Slice, LocalError> {
        blob_in(&self.files, part)
    }

    /// The chosen manifest, if everything that it names is there, in every depth. Foreign layers may
    /// be missing: they are never pushed.
    pub(super) fn whole(files: &Files, reference: Option<&str>) -> Result<Manifest, LocalError> {
        let root = root(files, reference)?;
        let mut seen = HashSet::from([root.digest.clone()]);
        let mut open: Vec<Descriptor> = Vec::new();
        let mut manifest = root.clone();
        loop {
            let parts = manifest.parts().map_err(|why| {
                let found = format!("{} names what cannot be pushed: {why}", manifest.digest);
                LocalError::new(found, WRITE_AGAIN)
            })?;
            for part in parts.into_iter().filter(|part| !part.foreign) {
                blob_in(files, &part)?;
                // Each is read once, so that indexes cannot multiply.
                if !manifest.is_image() && seen.insert(part.digest.clone()) {
                    open.push(part);
                }
            }
            let Some(next) = open.pop() else {
                return Ok(root);
            };
            manifest = manifest_in(files, &next)?;
        }
    }

    /// A layout whose manifest is chosen.
    pub(super) const fn of(files: Files, root: Manifest) -> Self {
        Self { files, root }
    }
}

#[derive(Deserialize)]
struct Listing {
    // Docker 25.0 wrote `null` (moby/moby#47065).
    manifests: Option<Vec<Listed>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: Option<Annotations>,
}

#[derive(Deserialize, Default)]
struct Annotations {
    #[serde(rename = "io.containerd.image.name")]
    full: Option<String>,
    #[serde(rename = "org.opencontainers.image.ref.name")]
    name: Option<String>,
}

/// The manifest that `index.json` lists under the reference, or the only one.
fn root(files: &Files, reference: Option<&str>) -> Result<Manifest, LocalError> {
    check_mark(files)?;
    let index = files.need("index.json")?;
    let place = format!("`index.json` in {}", files.place());
    let listing: Listing =
        serde_json::from_slice(&index.bytes(LARGEST_INDEX)?).map_err(|error| {
            let found = format!("{place} is not a list of images: {error}");
            LocalError::new(found, WRITE_AGAIN)
        })?;
    let candidate = |listed: Listed| {
        let annotations = listed.annotations.unwrap_or_default();
        let names = annotations.full.into_iter().chain(annotations.name);
        Candidate {
            names: names.collect(),
            digest: listed.digest.clone(),
            image: (listed.digest, listed.size, listed.media_type),
        }
    };
    let candidates = listing.manifests.unwrap_or_default().into_iter();
    let candidates = candidates.map(candidate).collect();
    let (digest, size, media_type) = choose(candidates, reference, &place)?;
    let Some(digest) = Digest::parse(&digest) else {
        let digest = quoted(&digest);
        let found = format!("{place} lists {digest}, which is no digest that we can check");
        return Err(LocalError::new(found, WRITE_AGAIN));
    };
    let descriptor = Descriptor {
        media_type,
        digest,
        size,
        foreign: false,
        platform: None,
    };
    manifest_in(files, &descriptor)
}

/// Checks `oci-layout`, by which a layout is known.
fn check_mark(files: &Files) -> Result<(), LocalError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Mark {
        image_layout_version: String,
    }
    let place = files.place();
    let refuse = |what: &str| {
        let next = "name what `skopeo copy … oci:`, `podman save --format oci-archive` or \
                    `docker buildx build --output type=oci` wrote";
        LocalError::new(format!("{place} is not an OCI image layout: {what}"), next)
    };
    let mark = files.find("oci-layout")?;
    let mark = mark.ok_or_else(|| refuse("it holds no `oci-layout`"))?;
    let mark: Mark = serde_json::from_slice(&mark.bytes(LARGEST_MARK)?)
        .map_err(|_| refuse("its `oci-layout` names no version"))?;
    if mark.image_layout_version.starts_with("1.") {
        return Ok(());
    }
    let version = quoted(&mark.image_layout_version);
    Err(refuse(&format!("its version is {version}, not 1")))
}

fn manifest_in(files: &Files, part: &Descriptor) -> Result<Manifest, LocalError> {
    let slice = blob_in(files, part)?;
    let bytes = slice.bytes(manifest::LARGEST)?;
    let name = quoted(slice.name());
    if !part.digest.matches(&bytes) {
        let found = format!("{name} in {} does not have that digest", files.place());
        return Err(LocalError::new(found, WRITE_AGAIN));
    }
    Manifest::check(&part.media_type, bytes, Some(&part.digest), None).map_err(|why| {
        let found = format!("{name} in {} cannot be published: {why}", files.place());
        let next = "build the image again with a tool that writes OCI or Docker schema 2 manifests";
        LocalError::new(found, next)
    })
}

fn blob_in(files: &Files, part: &Descriptor) -> Result<Slice, LocalError> {
    // The digest holds one `:` and else only letters and digits.
    let name = format!("blobs/{}", part.digest.as_str().replace(':', "/"));
    let slice = files.find(&name)?.ok_or_else(|| {
        let found = format!(
            "{} holds no {}, which its manifest names",
            files.place(),
            quoted(&name)
        );
        let next = "write all of the image: every platform that its index names";
        LocalError::new(found, next)
    })?;
    if slice.len() == part.size {
        return Ok(slice);
    }
    let found = format!(
        "{} in {} has {} bytes, not {} as its descriptor says",
        quoted(&name),
        files.place(),
        slice.len(),
        part.size
    );
    Err(LocalError::new(found, WRITE_AGAIN))
}

#[cfg(test)]
mod tests;
