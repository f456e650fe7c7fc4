//! Images in files, as other tools write them: OCI layouts, archives of them, and `docker save`.

#![allow(dead_code, reason = "not every test needs every form")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::image::{Blob, Image, sha256};
use super::registry::run;

/// Writes an OCI layout with images under these names.
pub fn layout(directory: &Path, images: &[(&str, &Image)]) {
    let manifests: Vec<Value> = images
        .iter()
        .map(|(name, image)| {
            for blob in image.blobs.iter().chain(&image.children) {
                write_blob(directory, blob);
            }
            write_blob(directory, &image.manifest);
            json!({"mediaType": image.manifest.media_type, "digest": image.manifest.digest,
                "size": image.manifest.bytes.len(),
                "annotations": {"org.opencontainers.image.ref.name": name}})
        })
        .collect();
    let index = json!({"schemaVersion": 2, "manifests": manifests});
    fs::write(directory.join("index.json"), index.to_string()).expect("an index");
    fs::write(
        directory.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .expect("a mark");
}

pub fn blob_path(directory: &Path, digest: &str) -> PathBuf {
    directory.join("blobs").join(digest.replacen(':', "/", 1))
}

fn write_blob(directory: &Path, blob: &Blob) {
    let path = blob_path(directory, &blob.digest);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, &blob.bytes).expect("a blob");
}

/// Packs what lies in a folder, as `tar` does.
pub fn pack(directory: &Path, archive: &Path) {
    let mut command = Command::new("tar");
    command
        .arg("-cf")
        .arg(archive)
        .arg("-C")
        .arg(directory)
        .arg(".");
    run(command, "tar");
}

/// Writes what `docker save` before version 25 wrote, and gives the digest of the configuration.
pub fn docker_save(directory: &Path, name: &str, layers: &[&[u8]], labels: Value) -> String {
    fs::create_dir_all(directory).expect("a folder");
    let diff_ids: Vec<String> = layers.iter().map(|layer| sha256(layer)).collect();
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}})
    .to_string();
    let digest = sha256(config.as_bytes());
    let config_name = format!("{}.json", &digest[7..]);
    fs::write(directory.join(&config_name), config).expect("a configuration");
    let mut names = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let folder = format!("{number:064}");
        fs::create_dir_all(directory.join(&folder)).expect("a folder");
        let name = format!("{folder}/layer.tar");
        fs::write(directory.join(&name), layer).expect("a layer");
        names.push(name);
    }
    let manifest = json!([{"Config": config_name, "RepoTags": [name], "Layers": names}]);
    fs::write(directory.join("manifest.json"), manifest.to_string()).expect("a manifest");
    digest
}
