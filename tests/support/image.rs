//! Test images in memory: the same seed always makes the same bytes.
//!
//! The manifests are written by hand and not by a JSON library: odd white space, an unusual
//! order of keys and a field that nobody knows are what shows a client that parses a manifest
//! and writes it again instead of sending the bytes that it got.

#![allow(dead_code, reason = "not every test needs every kind of image")]

use ring::digest;

pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Bytes with the type under which a manifest names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    pub media_type: String,
    pub bytes: Vec<u8>,
    pub digest: String,
}

impl Blob {
    pub fn new(media_type: &str, bytes: impl Into<Vec<u8>>) -> Blob {
        let bytes = bytes.into();
        Blob {
            media_type: media_type.to_owned(),
            digest: sha256(&bytes),
            bytes,
        }
    }

    /// The inner part of this blob's descriptor, without the braces.
    fn described(&self) -> String {
        format!(
            r#""size": {}, "digest": "{}", "mediaType": "{}""#,
            self.bytes.len(),
            self.digest,
            self.media_type
        )
    }
}

/// A manifest and everything that a registry must hold to accept it.
#[derive(Clone, Debug)]
pub struct Image {
    pub manifest: Blob,
    /// The child manifests of an index, in its order; empty for a single image.
    pub children: Vec<Blob>,
    /// Layers and configurations, of the children too.
    pub blobs: Vec<Blob>,
}

/// `sha256:` and 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in digest::digest(&digest::SHA256, bytes).as_ref() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// An OCI image for one platform.
pub fn single(seed: &str) -> Image {
    platform(seed, "amd64")
}

/// An image in Docker's own types (manifest version 2, schema 2).
pub fn docker(seed: &str) -> Image {
    let layer = Blob::new(DOCKER_LAYER, layer_bytes(seed, "docker"));
    let config = config(DOCKER_CONFIG, "amd64", &layer);
    let manifest = format!(
        "{{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"{DOCKER_MANIFEST}\",\n   \
         \"config\": {{ {} }},\n   \"layers\": [ {{ {} }} ]\n}}",
        config.described(),
        layer.described()
    );
    Image {
        manifest: Blob::new(DOCKER_MANIFEST, manifest),
        children: Vec::new(),
        blobs: vec![config, layer],
    }
}

/// An OCI index with two platforms and an attestation such as BuildKit adds.
pub fn two_platforms(seed: &str) -> Image {
    let (amd64, arm64) = (platform(seed, "amd64"), platform(seed, "arm64"));
    let attestation = attestation(seed, &amd64.manifest);
    let index = format!(
        "{{ \"manifests\" : [\n\
         \t{{\"platform\":{{\"os\":\"linux\" ,\"architecture\":\"amd64\"}}, {}}},\n\n\
         \t{{{}, \"platform\":{{\"architecture\":\"arm64\",\"variant\":\"v8\",\"os\":\"linux\"}}}},\n\
         \t{{{},\n\t\t\"annotations\":{{\"vnd.docker.reference.type\":\"attestation-manifest\",\
         \"vnd.docker.reference.digest\":\"{}\"}},\n\
         \t\t\"platform\":{{\"architecture\":\"unknown\",\"os\":\"unknown\"}}}} ],\n\
         \"x-example-unknown\":  {{\"z\":1.50,\"a\":[ ]}},\n\
         \"mediaType\":\"{OCI_INDEX}\",   \"schemaVersion\":2\n}}\n",
        amd64.manifest.described(),
        arm64.manifest.described(),
        attestation.manifest.described(),
        amd64.manifest.digest,
    );
    let parts = [amd64, arm64, attestation];
    Image {
        manifest: Blob::new(OCI_INDEX, index),
        children: parts.iter().map(|part| part.manifest.clone()).collect(),
        blobs: parts.into_iter().flat_map(|part| part.blobs).collect(),
    }
}

fn platform(seed: &str, architecture: &str) -> Image {
    let layer = Blob::new(OCI_LAYER, layer_bytes(seed, architecture));
    oci(config(OCI_CONFIG, architecture, &layer), layer)
}

fn attestation(seed: &str, subject: &Blob) -> Image {
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{{"seed":"{seed}"}},"subject":["{}"]}}"#,
        subject.digest
    );
    let layer = Blob::new(IN_TOTO, statement);
    oci(config(OCI_CONFIG, "unknown", &layer), layer)
}

fn oci(config: Blob, layer: Blob) -> Image {
    let manifest = format!(
        "{{\"layers\":[ {{{}}}],\n  \"x-example-unknown\": null,\n  \
         \"mediaType\": \"{OCI_MANIFEST}\",\n  \"config\":{{{}}}, \"schemaVersion\":2}}",
        layer.described(),
        config.described()
    );
    Image {
        manifest: Blob::new(OCI_MANIFEST, manifest),
        children: Vec::new(),
        blobs: vec![config, layer],
    }
}

fn config(media_type: &str, architecture: &str, layer: &Blob) -> Blob {
    let os = if architecture == "unknown" {
        "unknown"
    } else {
        "linux"
    };
    // The layer is not compressed, so the digest of its content is its own.
    let text = format!(
        r#"{{"architecture":"{architecture}","os":"{os}","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        layer.digest
    );
    Blob::new(media_type, text)
}

/// No registry looks into a layer, so it need not be an archive.
fn layer_bytes(seed: &str, architecture: &str) -> Vec<u8> {
    format!("layer of {seed} for {architecture}\n")
        .repeat(64)
        .into_bytes()
}
