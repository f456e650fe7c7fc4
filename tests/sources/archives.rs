//! What `docker save` wrote: no manifest, plain layers, and nobody to vouch for them.

use super::*;

#[test]
fn what_docker_save_wrote_is_compressed_on_the_way() {
    let registry = Registry::open();
    let address = registry.address();
    let workspace = TempDir::new();
    let save = workspace.path("save");
    let large = b"a layer that compresses well ".repeat(100_000);
    let layers: [&[u8]; 4] = [&large, b"two", b"", b"two"];
    let labels = json!({"org.opencontainers.image.revision": COMMIT});
    let config = files::docker_save(Path::new(&save), "example/app:1", &layers, labels);
    files::pack(Path::new(&save), Path::new(&workspace.path("save.tar")));
    let root = workspace.path("");
    let settings = policy(&[&address], "docker-archive:save.tar:example/app:1", "");
    let rehearsal = settings.replacen('{', "{dry_run: true, ", 1);
    let planned = publish_in(Path::new(&root), &rehearsal, &[]);
    code(&planned, 0, &["would be published", "the digest is new"]);
    assert_eq!(registry.tags(REPO), [""; 0]);
    let run = publish_in(Path::new(&root), &settings, &[]);
    code(&run, 0, &["allowed and published", "the digest is new"]);
    let (kind, manifest, digest) = registry.raw_manifest(REPO, TAG).expect("it is there");
    assert_eq!(kind, image::DOCKER_MANIFEST);
    assert!(
        run.text.contains(&digest) && planned.text.contains(&digest),
        "{}",
        planned.text
    );
    is_whole(&registry, &digest);
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    assert_eq!(manifest["config"]["digest"], config.as_str());
    let sent = manifest["layers"].as_array().expect("layers");
    assert_eq!(sent.len(), 4);
    assert_eq!(sent[1], sent[3]);
    assert!(sent[0]["size"].as_u64() < Some(large.len() as u64 / 10));
    // Again: the same image by its configuration, so it is not even compressed.
    registry.forget_requests();
    code(
        &publish_in(Path::new(&root), &settings, &[]),
        0,
        &["published already"],
    );
    assert_eq!(registry.requests().len(), 2, "{:?}", registry.requests());
    // One layer more: those below are known and neither compressed nor sent again.
    let more: [&[u8]; 3] = [&large, b"two", b"three"];
    let next = workspace.path("next");
    files::docker_save(Path::new(&next), "example/app:1", &more, json!({}));
    files::pack(Path::new(&next), Path::new(&workspace.path("next.tar")));
    registry.forget_requests();
    let settings = policy(&[&address], "docker-archive:next.tar", OFF);
    code(
        &publish_in(Path::new(&root), &settings, &[]),
        0,
        &["moved from"],
    );
    let requests = registry.requests();
    assert_eq!(count(&requests, "PATCH"), 1, "{requests:?}");
    let (_, _, digest) = registry.raw_manifest(REPO, TAG).expect("it is there");
    is_whole(&registry, &digest);
    // The real thing, written by a tool of others.
    let mut command = Command::new("skopeo");
    command.args(["copy", "--src-tls-verify=false"]);
    command.arg(format!("docker://{address}/{REPO}:{TAG}"));
    command.arg(format!(
        "docker-archive:{}:example/app:2",
        workspace.path("skopeo.tar")
    ));
    run_tool(command, "skopeo");
    let settings = policy(&[&address], "docker-archive:skopeo.tar", "");
    code(
        &publish_in(Path::new(&root), &settings, &[]),
        0,
        &["published already"],
    );
}

#[test]
fn a_saved_layer_must_be_the_one_that_the_configuration_names() {
    let registry = Registry::open();
    let workspace = TempDir::new();
    let save = workspace.path("save");
    files::docker_save(
        Path::new(&save),
        "example/app:1",
        &[b"one", b"two"],
        json!({}),
    );
    let layer = format!("{save}/{:064}/layer.tar", 1);
    fs::write(layer, "another").expect("a layer");
    files::pack(Path::new(&save), Path::new(&workspace.path("save.tar")));
    let settings = policy(&[&registry.address()], "docker-archive:save.tar", "");
    let run = publish_in(Path::new(&workspace.path("")), &settings, &[]);
    code(
        &run,
        4,
        &[
            "not published",
            "the configuration of the image names",
            "save the image again",
        ],
    );
    assert_eq!(registry.tags(REPO), [""; 0]);
}

#[test]
fn a_long_transfer_says_how_far_it_is_and_the_verdict_first() {
    let registry = Registry::open();
    let workspace = TempDir::new();
    let save = workspace.path("save");
    // Compressing it takes some hundred milliseconds, and a short time for everything makes the step
    // say something every tenth of a second.
    let mut layer = vec![0_u8; 64 << 20];
    let mut state = 1_u32;
    for byte in &mut layer {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    files::docker_save(Path::new(&save), "example/app:1", &[&layer], json!({}));
    files::pack(Path::new(&save), Path::new(&workspace.path("save.tar")));
    let more = format!("{OFF}, timeout: 6s");
    let settings = policy(&[&registry.address()], "docker-archive:save.tar", &more);
    let run = publish_in(Path::new(&workspace.path("")), &settings, &[]);
    assert!(matches!(run.code, 0 | 4), "{}", run.text);
    let line = run.first_line();
    let start = format!(
        "allowed; sending the image to {}/{REPO}: ",
        registry.address()
    );
    assert!(
        line.starts_with(&start) && line.ends_with("/s"),
        "{}",
        run.text
    );
}

#[test]
fn a_layer_that_is_compressed_already_is_checked_too() {
    use std::io::Write as _;
    let gzip = |text: &[u8]| {
        let mut gzip = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::new(6));
        gzip.write_all(text).expect("it is compressed");
        gzip.finish().expect("it is compressed")
    };
    let registry = Registry::open();
    let address = registry.address();
    let workspace = TempDir::new();
    let save = workspace.path("save");
    files::docker_save(
        Path::new(&save),
        "example/app:1",
        &[b"one", b"two"],
        json!({}),
    );
    let layer = |number: usize| format!("{save}/{number:064}/layer.tar");
    fs::write(layer(0), gzip(b"one")).expect("a layer");
    let publish = |second: &[u8]| {
        fs::write(layer(1), second).expect("a layer");
        files::pack(Path::new(&save), Path::new(&workspace.path("save.tar")));
        let settings = policy(&[&address], "docker-archive:save.tar", OFF);
        publish_in(Path::new(&workspace.path("")), &settings, &[])
    };
    code(
        &publish(&gzip(b"another")),
        4,
        &["the configuration of the image names"],
    );
    let whole = gzip(b"two");
    code(
        &publish(&whole[..whole.len() - 6]),
        4,
        &["not published", "save the image again"],
    );
    assert_eq!(registry.tags(REPO), [""; 0]);
    code(&publish(&whole), 0, &["allowed and published"]);
    let (_, _, digest) = registry.raw_manifest(REPO, TAG).expect("it is there");
    is_whole(&registry, &digest);
    code(&publish(&whole), 0, &["published already"]);
}

#[test]
fn an_image_under_the_tag_that_is_not_of_our_writing_is_not_believed() {
    let registry = Registry::open();
    let workspace = TempDir::new();
    let save = workspace.path("save");
    let config = files::docker_save(Path::new(&save), "example/app:1", &[b"one"], json!({}));
    files::pack(Path::new(&save), Path::new(&workspace.path("save.tar")));
    // The same configuration, and another layer under it.
    let text = fs::read(format!("{save}/{}.json", &config[7..])).expect("a configuration");
    let kind = "application/vnd.docker.container.image.v1+json";
    let (config, layer) = (Blob::new(kind, text), Blob::new("", "something else"));
    let manifest = format!(
        r#"{{"schemaVersion": 2, "mediaType": "{}", "config": {{"mediaType": "{kind}", "size": {}, "digest": "{}"}},
        "layers": [{{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": {}, "digest": "{}"}}]}}"#,
        image::DOCKER_MANIFEST,
        config.bytes.len(),
        config.digest,
        layer.bytes.len(),
        layer.digest
    );
    let theirs = Image {
        manifest: Blob::new(image::DOCKER_MANIFEST, manifest),
        children: Vec::new(),
        blobs: vec![config, layer],
    };
    registry.push(REPO, TAG, &theirs);
    let settings = policy(&[&registry.address()], "docker-archive:save.tar", OFF);
    let run = publish_in(Path::new(&workspace.path("")), &settings, &[]);
    code(
        &run,
        0,
        &[
            "allowed and published",
            "moved from",
            &theirs.manifest.digest,
        ],
    );
    let (_, manifest, _) = registry.raw_manifest(REPO, TAG).expect("it is there");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    assert_ne!(
        manifest["layers"][0]["digest"],
        theirs.blobs[1].digest.as_str()
    );
}
