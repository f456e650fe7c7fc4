//! The rule `image-commit`: what an image says of the commit that it was built from.

use super::*;

#[test]
fn an_image_of_another_commit_is_said() {
    let registry = Registry::open();
    let address = registry.address();
    let workspace = TempDir::new();
    let root = workspace.path("");
    let run = |labels: serde_json::Value, level: &str| {
        let save = workspace.path("save");
        fs::remove_dir_all(&save).ok();
        files::docker_save(Path::new(&save), "example/app:1", &[b"one"], labels);
        files::pack(Path::new(&save), Path::new(&workspace.path("save.tar")));
        let rules = format!(", rules: {{image-commit: {level}}}");
        let settings = policy(&[&address], "docker-archive:save.tar", &rules);
        publish_in(Path::new(&root), &settings, &[])
    };
    let label = |commit: &str| json!({"org.opencontainers.image.revision": commit});
    let other = "fedcba9876543210fedcba9876543210fedcba98";
    code(&run(label(COMMIT), "must"), 0, &["allowed and published"]);
    code(
        &run(label(&COMMIT[..12]), "must"),
        0,
        &["holds only the beginning of the commit"],
    );
    code(
        &run(label(other), "must"),
        1,
        &[
            "refused by image-commit",
            other,
            COMMIT,
            "no tag was published",
        ],
    );
    code(
        &run(label(&COMMIT[..6]), "must"),
        1,
        &["refused by image-commit"],
    );
    code(
        &run(json!({}), "must"),
        2,
        &[
            "undecided, image-commit",
            "does not say from which commit",
            "--label",
        ],
    );
    code(
        &run(label(other), "should"),
        0,
        &["not followed: image-commit", "allowed and published"],
    );
    code(
        &run(json!({}), "should"),
        0,
        &["unknown: image-commit", "allowed and published"],
    );
}

/// An image whose configuration has this label and type.
fn labelled(seed: &str, revision: Option<&str>, kind: &str) -> Image {
    let layer = Blob::new("application/vnd.oci.image.layer.v1.tar", seed);
    let labels = revision.map(|commit| json!({"org.opencontainers.image.revision": commit}));
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]}});
    let config = Blob::new(kind, config.to_string());
    let describe = |blob: &Blob| json!({"mediaType": blob.media_type, "digest": blob.digest, "size": blob.bytes.len()});
    let manifest = json!({"schemaVersion": 2, "mediaType": image::OCI_MANIFEST,
        "config": describe(&config), "layers": [describe(&layer)]});
    Image {
        manifest: Blob::new(image::OCI_MANIFEST, manifest.to_string()),
        children: Vec::new(),
        blobs: vec![config, layer],
    }
}

/// An index of images or indexes, each under the name of a platform.
fn index(parts: &[(&Image, &str)]) -> Image {
    let entries: Vec<serde_json::Value> = parts
        .iter()
        .map(|(part, platform)| {
            let (os, architecture) = platform.split_once('/').expect("os/architecture");
            json!({"mediaType": part.manifest.media_type, "digest": part.manifest.digest,
                "size": part.manifest.bytes.len(),
                "platform": {"os": os, "architecture": architecture}})
        })
        .collect();
    let text = json!({"schemaVersion": 2, "mediaType": image::OCI_INDEX, "manifests": entries});
    let inner = parts.iter().flat_map(|(part, _)| {
        let own = std::iter::once(part.manifest.clone());
        part.children.iter().cloned().chain(own)
    });
    Image {
        manifest: Blob::new(image::OCI_INDEX, text.to_string()),
        children: inner.collect(),
        blobs: parts
            .iter()
            .flat_map(|(part, _)| part.blobs.clone())
            .collect(),
    }
}

#[test]
fn no_platform_of_another_commit_can_hide() {
    const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    let other = "fedcba9876543210fedcba9876543210fedcba98";
    let good = labelled("good", Some(COMMIT), CONFIG);
    let wrong = labelled("wrong", Some(other), CONFIG);
    let silent = labelled("silent", None, CONFIG);
    let odd = labelled("odd", Some(COMMIT), "application/vnd.example+json");
    let attested = index(&[(&good, "linux/amd64")]);
    let deep = index(&[(&index(&[(&wrong, "linux/arm64")]), "linux/arm64")]);
    for (image, exit, words) in [
        (
            index(&[(&good, "linux/amd64")]),
            0,
            ["allowed and published", ""],
        ),
        (attested, 0, ["allowed and published", ""]),
        (
            image::two_platforms("x"),
            2,
            ["undecided, image-commit", "does not say"],
        ),
        (
            index(&[(&good, "linux/amd64"), (&wrong, "linux/arm64")]),
            1,
            ["linux/arm64", other],
        ),
        (
            index(&[(&good, "linux/amd64"), (&deep, "linux/arm64")]),
            1,
            ["image-commit", other],
        ),
        (
            index(&[(&good, "linux/amd64"), (&wrong, "unknown/unknown")]),
            1,
            ["image-commit", other],
        ),
        (
            index(&[(&good, "linux/amd64"), (&deep, "unknown/unknown")]),
            1,
            ["image-commit", other],
        ),
        (
            index(&[(&good, "linux/amd64"), (&silent, "linux/arm64")]),
            2,
            ["linux/arm64", "does not say"],
        ),
        (
            index(&[(&good, "linux/amd64"), (&odd, "linux/arm64")]),
            2,
            ["linux/arm64", "does not say"],
        ),
    ] {
        let registry = Registry::open();
        let workspace = in_layout(&image);
        let more = ", rules: {image-commit: must}";
        let settings = policy(&[&registry.address()], "oci:out", more);
        let run = publish_in(Path::new(&workspace.path("")), &settings, &[]);
        code(&run, exit, &words);
        assert_eq!(registry.tags(REPO).is_empty(), exit != 0, "{}", run.text);
    }
}
