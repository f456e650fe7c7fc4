//! Manifests: what is taken is an image or an index to every reader, keeps its bytes, and has the
//! same children whichever way it is asked. The first byte chooses the content type.

#![no_main]

use std::collections::BTreeMap;

use drone_hotfix::registry::manifest::Manifest;
use drone_hotfix::registry::reference::Digest;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde::de::IgnoredAny;

const TYPES: [&str; 6] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json; charset=utf-8",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/json",
    "",
];

const LONGEST_ERROR: usize = 400;

/// Keys, and whether there is more than `null`.
type Object = BTreeMap<String, Option<IgnoredAny>>;

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Object>,
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else {
        return;
    };
    let kind = TYPES[usize::from(*kind) % TYPES.len()];
    let digest = Digest::of(bytes);
    let other = Digest::of(data);
    assert!(Manifest::check(kind, bytes.to_vec(), Some(&other), None).is_err());
    assert!(Manifest::check(kind, bytes.to_vec(), None, Some(other.as_str())).is_err());
    let manifest = match Manifest::check(kind, bytes.to_vec(), None, None) {
        Ok(manifest) => manifest,
        Err(said) => {
            assert!(said.chars().count() <= LONGEST_ERROR, "{said}");
            return;
        }
    };
    let again = Manifest::check(kind, bytes.to_vec(), Some(&digest), Some(digest.as_str()));
    assert_eq!(again.as_ref(), Ok(&manifest));
    assert_eq!(manifest.bytes, bytes);
    assert_eq!(manifest.digest, digest);

    let map: Object = serde_json::from_slice(bytes).expect("a manifest is an object");
    let index = has(&map, "manifests");
    let image = has(&map, "config") || has(&map, "layers");
    assert!(index != image, "index: {index}, image: {image}");
    assert_eq!(manifest.is_image(), image);

    let children = manifest.children();
    if image {
        assert_eq!(children, []);
    } else {
        let index: Index = serde_json::from_slice(bytes).expect("an index with its children");
        assert_eq!(children.len(), index.manifests.len());
    }
    match manifest.parts() {
        Ok(parts) if !image => {
            let digests: Vec<Digest> = parts.into_iter().map(|part| part.digest).collect();
            assert_eq!(children, digests);
        }
        Ok(_) => {}
        Err(said) => assert!(said.chars().count() <= LONGEST_ERROR, "{said}"),
    }
});

/// Whether a key is there for any reader: most are written in Go, whose JSON takes a key in any case.
fn has(map: &Object, name: &str) -> bool {
    map.iter().any(|(key, value)| {
        value.is_some() && key.to_lowercase().to_uppercase() == name.to_uppercase()
    })
}
