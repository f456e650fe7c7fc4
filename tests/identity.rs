//! A promoted hotfix is known by what it is: its bytes, its platforms, its configuration and its commit,
//! whatever it is called by then. And an ordinary release is known as one.

mod commit;
mod digest_file;
mod images;

use std::path::Path;

use crate::support::binary::{Run, run};
use crate::support::gate::drone_environment;
use crate::support::image::{self, Blob, Image};
use crate::support::pipeline::DroneBuild;
use crate::support::registry::Registry;

const REPO: &str = "example/app";

/// A policy with the repository of a registry, and further keys.
fn policy(registry: &str, more: &str) -> String {
    format!("repo: \"{registry}/{REPO}\", tls: {{insecure: [\"{registry}\"]}}, {more}")
}

fn judge(build: &DroneBuild, policy: &str) -> Run {
    run(drone_environment(
        build,
        &format!("{{policy: {{{policy}}}, log_level: debug}}"),
    ))
}

/// A promotion of a version with a build of `main`, without a checkout.
fn promote(registry: &Registry, version: &str, target: &str) -> Run {
    let build = DroneBuild::promote(&DroneBuild::push("main"), target).param("VERSION", version);
    judge(&build, &policy(&registry.address(), ""))
}

const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// A manifest of these parts; `note` is an annotation, and makes another digest.
fn manifest(kind: &str, config: &Blob, layer: &Blob, note: &str) -> Image {
    let part = |blob: &Blob| {
        serde_json::json!({
            "mediaType": blob.media_type, "digest": blob.digest, "size": blob.bytes.len(),
        })
    };
    let text = serde_json::json!({
        "schemaVersion": 2, "mediaType": kind, "config": part(config), "layers": [part(layer)],
        "annotations": { "note": note },
    });
    Image {
        manifest: Blob::new(kind, text.to_string()),
        children: Vec::new(),
        blobs: vec![config.clone(), layer.clone()],
    }
}

/// The same configuration, and so the same image, as another type of manifest.
fn wrapped_again(image: &Image, kind: &str, note: &str) -> Image {
    let (config, layer) = match kind {
        image::OCI_MANIFEST => (OCI_CONFIG, "application/vnd.oci.image.layer.v1.tar"),
        _ => (
            DOCKER_CONFIG,
            "application/vnd.docker.image.rootfs.diff.tar",
        ),
    };
    let retyped = |blob: &Blob, kind: &str| Blob::new(kind, blob.bytes.clone());
    let (config, layer) = (
        retyped(&image.blobs[0], config),
        retyped(&image.blobs[1], layer),
    );
    manifest(kind, &config, &layer, note)
}

/// An index of these images.
fn index(parts: &[(&Image, &str)]) -> Image {
    let manifests: Vec<_> = parts
        .iter()
        .map(|(image, platform)| {
            let (os, architecture) = platform.split_once('/').unwrap();
            serde_json::json!({
                "mediaType": image.manifest.media_type, "digest": image.manifest.digest,
                "size": image.manifest.bytes.len(),
                "platform": { "os": os, "architecture": architecture },
            })
        })
        .collect();
    let text = serde_json::json!({
        "schemaVersion": 2, "mediaType": image::OCI_INDEX, "manifests": manifests,
    });
    Image {
        manifest: Blob::new(image::OCI_INDEX, text.to_string()),
        children: parts
            .iter()
            .flat_map(|(image, _)| image.children.iter().chain([&image.manifest]))
            .cloned()
            .collect(),
        blobs: parts
            .iter()
            .flat_map(|(image, _)| image.blobs.clone())
            .collect(),
    }
}

/// An image that says from which commit it was built.
fn labelled(seed: &str, revision: &str) -> Image {
    let layer = Blob::new("application/vnd.oci.image.layer.v1.tar", seed);
    let config = serde_json::json!({
        "os": "linux", "architecture": "amd64",
        "config": { "Labels": { "org.opencontainers.image.revision": revision } },
        "rootfs": { "type": "layers", "diff_ids": [layer.digest] },
    });
    let config = Blob::new(OCI_CONFIG, config.to_string());
    manifest(image::OCI_MANIFEST, &config, &layer, seed)
}

fn at(build: DroneBuild, workspace: &Path) -> DroneBuild {
    build.with(|build| build.workspace = workspace.to_owned())
}
