//! A manifest as a registry stores it: its very bytes, never parsed and written again.

use serde::Deserialize;

use super::exact::Exact;
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
    platform: Option<Exact<RawPlatform>>,
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
        let digest = checked_digest(&self.digest)?;
        let has_urls = self.urls.is_some_and(|urls| !urls.is_empty());
        Ok(Descriptor {
            foreign: has_urls && FOREIGN.contains(&self.media_type.as_str()),
            platform: self
                .platform
                .map(|Exact(platform)| format!("{}/{}", platform.os, platform.architecture)),
            media_type: self.media_type,
            digest,
            size: self.size,
        })
    }
}

fn checked_digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text)
        .ok_or_else(|| format!("`{}` is no digest that we can check", shorten(text, 80)))
}

/// What is wrong with JSON, without most of what a registry wrote into it.
fn in_short(error: &serde_json::Error) -> String {
    shorten(&error.to_string(), 160)
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
                    "the registry says digest `{}`, but the bytes have {}",
                    shorten(said, 160),
                    Digest::of(&bytes)
                ));
            }
        }
        let Exact(shape) = serde_json::from_slice::<Exact<Shape>>(&bytes).map_err(|error| {
            let why = in_short(&error);
            format!("the answer is not a manifest (not the JSON of one: {why})")
        })?;
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
                "its media type `{}` is neither an image nor an index",
                shorten(media_type, 80)
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
        if index {
            // An index that hides one of its images would hide a hotfix.
            read_children(&bytes)?;
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
        read_children(&self.bytes).unwrap_or_default()
    }

    /// What the manifest names and a registry must hold before it: the manifests of an index, or
    /// the configuration and layers of an image, in the order in which they stand there.
    ///
    /// # Errors
    /// A sentence that says what cannot be read.
    pub fn parts(&self) -> Result<Vec<Descriptor>, String> {
        #[derive(Deserialize)]
        struct Parts {
            manifests: Option<Vec<Exact<RawDescriptor>>>,
            config: Option<Exact<RawDescriptor>>,
            layers: Option<Vec<Exact<RawDescriptor>>>,
        }
        let Exact(parts) = serde_json::from_slice::<Exact<Parts>>(&self.bytes)
            .map_err(|error| format!("its descriptors cannot be read: {}", in_short(&error)))?;
        if self.is_image() && parts.config.is_none() {
            return Err("it names no configuration".to_owned());
        }
        let all = parts.manifests.into_iter().flatten().chain(parts.config);
        let all: Vec<Exact<RawDescriptor>> =
            all.chain(parts.layers.into_iter().flatten()).collect();
        if all.len() > MOST_PARTS {
            return Err(format!("it names more than {MOST_PARTS} parts"));
        }
        all.into_iter().map(|Exact(raw)| raw.checked()).collect()
    }

    /// Whether it is an image, which an index may hold for one platform.
    pub fn is_image(&self) -> bool {
        IMAGES.contains(&self.media_type.as_str())
    }
}

fn read_children(bytes: &[u8]) -> Result<Vec<Digest>, String> {
    #[derive(Deserialize)]
    struct Index {
        #[serde(default)]
        manifests: Vec<Exact<Child>>,
    }
    #[derive(Deserialize)]
    struct Child {
        digest: String,
    }
    let Exact(index) = serde_json::from_slice::<Exact<Index>>(bytes)
        .map_err(|error| format!("its manifests cannot be read: {}", in_short(&error)))?;
    let children = index.manifests.iter();
    children
        .map(|Exact(child)| checked_digest(&child.digest))
        .collect()
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
        refused(OCI_IMAGE, r#"{"Manifests":[],"config":{}}"#, "some readers");
        refused(OCI_INDEX, "[2,null,[],null,null]", "not a manifest");
        let mixed = format!(r#"{{"mediaType":"{OCI_IMAGE}","config":{{}},"layers":[]}}"#);
        refused(OCI_INDEX, &mixed, "CVE-2021-41190");
    }

    #[test]
    fn an_index_hides_no_child() {
        let digest = Digest::of(b"x");
        let index = |children: &str| {
            let body = format!(r#"{{"manifests":[{children}]}}"#);
            Manifest::check(OCI_INDEX, body.into(), None, None)
        };
        let child = format!(r#"{{"digest":"{digest}"}}"#);
        let children = index(&child).unwrap().children();
        assert_eq!(children, std::slice::from_ref(&digest));
        for other in [
            "{}".to_owned(),
            "null".to_owned(),
            r#"{"digest":"sha384:00"}"#.to_owned(),
            format!(r#"["application/x","{digest}",1,null,null]"#),
            format!(r#"{{"digest":"{digest}","Digest":"sha256:00"}}"#),
        ] {
            let error = index(&format!("{child},{other}")).unwrap_err();
            assert!(error.len() < 300, "{error}");
        }
    }

    #[test]
    fn an_error_repeats_little_of_what_a_registry_wrote() {
        let long = "x".repeat(1_000_000);
        let type_ = format!(r#"{{"mediaType":"{long}","config":{{}}}}"#);
        let config = format!(r#"{{"config":{{"digest":"{long}","size":"{long}"}}}}"#);
        let image = Manifest::check(OCI_IMAGE, config.into(), None, None).unwrap();
        for error in [
            Manifest::check(OCI_IMAGE, type_.into(), None, None).unwrap_err(),
            Manifest::check(OCI_IMAGE, b"{}".to_vec(), None, Some(&long)).unwrap_err(),
            image.parts().unwrap_err(),
        ] {
            assert!(error.len() < 400, "{}", error.len());
        }
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
