//! A manifest as a registry stores it: its very bytes, never parsed and written again.

use serde::Deserialize;

use super::reference::Digest;
use crate::secret::shorten;

/// Every type of manifest that we can name. All of them are asked for at once: distribution 2.8
/// answers 404 to an index when the request does not list its type.
pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// The largest manifest that we read: what the distribution spec asks registries to take.
pub const LARGEST: usize = 4 * 1024 * 1024;

const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
const IMAGES: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// The most descriptors in one manifest that we follow: no image has a tenth of that.
const MOST_PARTS: usize = 4_000;

/// Layers that registries do not hold, because their licence forbids it (image-spec «Non-Distributable
/// Layers»; Docker's foreign layers).
const FOREIGN: [&str; 4] = [
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
];

/// What a manifest says of a blob or of another manifest (image-spec descriptor.md).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u64,
    /// Whether it is a foreign layer: it has addresses of its own and is never pushed.
    pub foreign: bool,
    /// `os/architecture` of a manifest in an index, if it says so.
    pub platform: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    urls: Option<Vec<serde::de::IgnoredAny>>,
    platform: Option<RawPlatform>,
}

#[derive(Deserialize)]
struct RawPlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

impl RawDescriptor {
    fn checked(self) -> Result<Descriptor, String> {
        let digest = Digest::parse(&self.digest).ok_or_else(|| {
            format!(
                "`{}` is no digest that we can check",
                shorten(&self.digest, 80)
            )
        })?;
        let has_urls = self.urls.is_some_and(|urls| !urls.is_empty());
        Ok(Descriptor {
            foreign: has_urls && FOREIGN.contains(&self.media_type.as_str()),
            platform: self
                .platform
                .map(|platform| format!("{}/{}", platform.os, platform.architecture)),
            media_type: self.media_type,
            digest,
            size: self.size,
        })
    }
}

/// The bytes of a manifest or index, what they are, and their digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The media type to send with the bytes.
    pub media_type: String,
    /// The bytes, exactly as they came.
    pub bytes: Vec<u8>,
    /// Their SHA-256 digest, or the one that they were asked for by.
    pub digest: Digest,
}

/// The parts of a manifest that say what it is. Everything else is none of our business.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    schema_version: Option<u64>,
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
    config: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
}

impl Manifest {
    /// Checks an answer to `GET …/manifests/…`. `asked` is the digest it was asked for by, `said`
    /// the `Docker-Content-Digest` that came with it.
    ///
    /// # Errors
    /// A sentence that says why the answer is not a manifest that may be published.
    pub fn check(
        content_type: &str,
        bytes: Vec<u8>,
        asked: Option<&Digest>,
        said: Option<&str>,
    ) -> Result<Self, String> {
        let digest = asked.cloned().unwrap_or_else(|| Digest::of(&bytes));
        if !digest.matches(&bytes) {
            return Err(format!(
                "the bytes have digest {}, not {digest} as was asked for",
                Digest::of(&bytes)
            ));
        }
        if let Some(said) = said {
            let same = Digest::parse(said).is_some_and(|said| said.matches(&bytes));
            if !same {
                return Err(format!(
                    "the registry says digest `{said}`, but the bytes have {}",
                    Digest::of(&bytes)
                ));
            }
        }
        let shape: Shape = serde_json::from_slice(&bytes)
            .map_err(|_| "the answer is not a manifest (not the JSON of one)".to_owned())?;
        let sent = content_type.split(';').next().unwrap_or_default().trim();
        if shape.schema_version == Some(1) || sent.contains("manifest.v1+prettyjws") {
            return Err(
                "it is a Docker schema 1 manifest, which registries no longer take; \
                        build and push the image again"
                    .to_owned(),
            );
        }
        let media_type = shape.media_type.as_deref().unwrap_or(sent);
        let (index, image) = (INDEXES.contains(&media_type), IMAGES.contains(&media_type));
        if !index && !image {
            return Err(format!(
                "its media type `{media_type}` is neither an image nor an index"
            ));
        }
        // CVE-2021-41190: what one reader takes for an image, another takes for an index.
        let looks_index = shape.manifests.is_some();
        let looks_image = shape.config.is_some() || shape.layers.is_some();
        let other = if index { &IMAGES } else { &INDEXES };
        if (index && (looks_image || !looks_index))
            || (image && (looks_index || !looks_image))
            || other.contains(&sent)
        {
            return Err(
                "it can be read as an image and as an index (CVE-2021-41190), so nobody \
                        can say what would be deployed"
                    .to_owned(),
            );
        }
        Ok(Self {
            media_type: media_type.to_owned(),
            bytes,
            digest,
        })
    }
}

impl Manifest {
    /// The digests of the manifests in an index; none for an image.
    pub fn children(&self) -> Vec<Digest> {
        #[derive(Deserialize)]
        struct Index {
            #[serde(default)]
            manifests: Vec<Child>,
        }
        #[derive(Deserialize)]
        struct Child {
            digest: String,
        }
        let index = serde_json::from_slice::<Index>(&self.bytes);
        let children = index.map(|index| index.manifests).unwrap_or_default();
        children
            .iter()
            .filter_map(|child| Digest::parse(&child.digest))
            .collect()
    }

    /// What the manifest names and a registry must hold before it: the manifests of an index, or
    /// the configuration and layers of an image, in the order in which they stand there.
    ///
    /// # Errors
    /// A sentence that says what cannot be read.
    pub fn parts(&self) -> Result<Vec<Descriptor>, String> {
        #[derive(Deserialize)]
        struct Parts {
            #[serde(default)]
            manifests: Vec<RawDescriptor>,
            config: Option<RawDescriptor>,
            #[serde(default)]
            layers: Vec<RawDescriptor>,
        }
        let parts: Parts = serde_json::from_slice(&self.bytes)
            .map_err(|error| format!("its descriptors cannot be read: {error}"))?;
        if self.is_image() && parts.config.is_none() {
            return Err("it names no configuration".to_owned());
        }
        let all = parts.manifests.into_iter().chain(parts.config);
        let all: Vec<RawDescriptor> = all.chain(parts.layers).collect();
        if all.len() > MOST_PARTS {
            return Err(format!("it names more than {MOST_PARTS} parts"));
        }
        all.into_iter().map(RawDescriptor::checked).collect()
    }

    /// Whether it is an image, which an index may hold for one platform.
    pub fn is_image(&self) -> bool {
        IMAGES.contains(&self.media_type.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

    #[track_caller]
    fn refused(content_type: &str, body: &str, word: &str) {
        let error = Manifest::check(content_type, body.into(), None, None).unwrap_err();
        assert!(error.contains(word), "{error}");
    }

    #[test]
    fn the_media_type_is_the_manifests_own_then_the_answers() {
        let own = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[]}}"#);
        let read = Manifest::check("application/octet-stream", own.into(), None, None).unwrap();
        assert_eq!(read.media_type, OCI_INDEX);
        let bare = r#"{"schemaVersion":2,"config":{},"layers":[]}"#;
        let read = Manifest::check(
            &format!("{OCI_IMAGE}; charset=utf-8"),
            bare.into(),
            None,
            None,
        );
        assert_eq!(read.unwrap().media_type, OCI_IMAGE);
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        refused("text/html", "<html>", "not a manifest");
        refused(OCI_IMAGE, "[]", "not a manifest");
        refused("text/plain", r#"{"config":{},"layers":[]}"#, "neither");
        refused(OCI_IMAGE, r#"{"schemaVersion":1,"name":"a"}"#, "schema 1");
        refused(
            OCI_INDEX,
            r#"{"manifests":[],"layers":[]}"#,
            "CVE-2021-41190",
        );
        refused(OCI_IMAGE, r#"{"manifests":[]}"#, "CVE-2021-41190");
        let mixed = format!(r#"{{"mediaType":"{OCI_IMAGE}","config":{{}},"layers":[]}}"#);
        refused(OCI_INDEX, &mixed, "CVE-2021-41190");
    }

    #[test]
    fn the_digest_must_be_the_one_asked_for_and_said() {
        let body = r#"{"config":{},"layers":[]}"#;
        let other = Digest::of(b"other");
        let asked = Manifest::check(OCI_IMAGE, body.into(), Some(&other), None).unwrap_err();
        assert!(asked.contains("as was asked for"), "{asked}");
        let said = Manifest::check(OCI_IMAGE, body.into(), None, Some(other.as_str())).unwrap_err();
        assert!(said.contains("the registry says"), "{said}");
    }
}
