//! What the tests of local images read: folders, archives and layouts, made by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::super::reference::Digest;

pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A folder that goes away with the test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("drone-hotfix-local-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The files below a folder.
    pub(super) fn write_all(&self, name: &str, files: &[(String, Vec<u8>)]) -> PathBuf {
        for (file, bytes) in files {
            self.write(&format!("{name}/{file}"), bytes);
        }
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One entry of an archive: header, content, padding.
pub(super) fn entry(kind: u8, name: &[u8], content: &[u8]) -> Vec<u8> {
    let size = format!("{:011o}\0", content.len());
    raw_entry(kind, name, size.as_bytes(), content)
}

/// The same with any size field.
pub(super) fn raw_entry(kind: u8, name: &[u8], size: &[u8], content: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 512];
    assert!(name.len() <= 100, "the name has no room in the header");
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..124 + size.len()].copy_from_slice(size);
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    sum(&mut block);
    let mut bytes = block.to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// Writes the checksum of a header.
pub(super) fn sum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..512].iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// One record of a pax header, with its length in front.
pub(super) fn pax(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}").into_bytes()
}

/// An archive of these entries, with its end.
pub(super) fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.extend_from_slice(&[0; 1024]);
    bytes
}

/// An archive of these files.
pub(super) fn tar_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let entry = |(name, bytes): &(String, Vec<u8>)| match name.len() {
        0..=100 => entry(b'0', name.as_bytes(), bytes),
        _ => [
            entry(b'x', b"PaxHeaders", &pax("path", name)),
            entry(b'0', b"short", bytes),
        ]
        .concat(),
    };
    tar(&files.iter().map(entry).collect::<Vec<_>>())
}

/// A layout that grows: its blobs, and the descriptors in its `index.json`.
#[derive(Default)]
pub(super) struct Made {
    pub(super) blobs: Vec<(String, Vec<u8>)>,
    pub(super) listed: Vec<Value>,
}

impl Made {
    /// Adds a blob and gives its descriptor.
    pub(super) fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        let name = format!("blobs/{}", digest.as_str().replace(':', "/"));
        if self.blobs.iter().all(|(known, _)| *known != name) {
            self.blobs.push((name, bytes.to_vec()));
        }
        json!({"mediaType": media_type, "digest": digest.as_str(), "size": bytes.len()})
    }

    /// Adds an image with one layer and gives its descriptor.
    pub(super) fn image(&mut self, layer: &str) -> Value {
        let diff = Digest::of(layer.as_bytes());
        let config =
            json!({"os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff.as_str()]}});
        let config = self.blob(OCI_CONFIG, config.to_string().as_bytes());
        let layer = self.blob(OCI_LAYER, layer.as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": OCI_IMAGE, "config": config, "layers": [layer]});
        self.blob(OCI_IMAGE, manifest.to_string().as_bytes())
    }

    /// Adds an index of these and gives its descriptor.
    pub(super) fn index(&mut self, children: &[Value]) -> Value {
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children});
        self.blob(OCI_INDEX, index.to_string().as_bytes())
    }

    /// Lists a descriptor in `index.json` with these annotations.
    pub(super) fn list(&mut self, descriptor: &Value, annotations: &[(&str, &str)]) {
        let mut descriptor = descriptor.clone();
        for (key, value) in annotations {
            descriptor["annotations"][*key] = json!(value);
        }
        self.listed.push(descriptor);
    }

    /// The files of the layout.
    pub(super) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let index = json!({"schemaVersion": 2, "manifests": self.listed});
        let mut files = vec![
            (
                "oci-layout".to_owned(),
                br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
            ),
            ("index.json".to_owned(), index.to_string().into_bytes()),
        ];
        files.extend(self.blobs.iter().cloned());
        files
    }
}
