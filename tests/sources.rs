//! Images from everywhere: other repositories, other registries, files. The real registry takes them,
//! and skopeo, which shares no code with us, pulls what was published and checks every digest.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::binary::{Run, run};
use crate::support::files;
use crate::support::gate::drone_gate;
use crate::support::image::{self, Blob, Image, sha256};
use crate::support::pipeline::DroneBuild;
use crate::support::registry::{Registry, TempDir, run as run_tool};
use crate::support::token_service::{Rights, TokenRules};

const REPO: &str = "example/app";
const TAG: &str = "branch-hotfix_HOCS-1";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn policy(addresses: &[&str], source: &str, more: &str) -> String {
    let insecure: Vec<String> = addresses.iter().map(|a| format!("\"{a}\"")).collect();
    format!(
        "{{username: {{from_secret: u}}, password: {{from_secret: p}}, config: {{from_secret: c}}, policy: {{repo: \
         \"{}/{REPO}\", source: \"{source}\", tls: {{insecure: [{}]}}{more}}}}}",
        addresses[0],
        insecure.join(", ")
    )
}

const OFF: &str = ", rules: {image-commit: \"off\"}";

fn publish_in(workspace: &Path, settings: &str, secrets: &[(&str, &str)]) -> Run {
    // Drone hands a missing secret over as a variable that is empty, so what is not needed goes.
    let mut settings = settings.to_owned();
    for (name, key) in [("u", "username"), ("p", "password"), ("c", "config")] {
        if !secrets.iter().any(|(known, _)| *known == name) {
            settings = settings.replace(&format!("{key}: {{from_secret: {name}}}, "), "");
        }
    }
    let build = DroneBuild::push("hotfix/HOCS-1").with(|build| {
        build.workspace = workspace.to_str().expect("UTF-8").into();
    });
    let secrets: BTreeMap<String, String> = secrets
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    run(build.environment(&drone_gate(&settings), &[], &secrets))
}

fn publish(settings: &str) -> Run {
    let workspace = TempDir::new();
    publish_in(Path::new(&workspace.path("")), settings, &[])
}

#[track_caller]
fn code(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{}", run.text);
    for word in words {
        assert!(run.text.contains(word), "no {word} in\n{}", run.text);
    }
}

/// skopeo pulls every part of what the tag names; it checks digest and size of each.
#[track_caller]
fn is_whole(registry: &Registry, expected: &str) {
    let to = TempDir::new();
    let mut command = Command::new("skopeo");
    command.args(["copy", "--all", "--src-tls-verify=false"]);
    command.arg(format!("docker://{}/{REPO}:{TAG}", registry.address()));
    command.arg(format!("dir:{}", to.path("image")));
    run_tool(command, "skopeo");
    let raw = fs::read(to.path("image/manifest.json")).expect("a manifest");
    assert_eq!(sha256(&raw), expected);
}

fn count(requests: &[String], start: &str) -> usize {
    requests
        .iter()
        .filter(|line| line.starts_with(start))
        .count()
}

#[test]
fn another_repository_of_the_same_registry_is_mounted() {
    let registry = Registry::open();
    let address = registry.address();
    for image in [
        image::single("a"),
        image::docker("b"),
        image::two_platforms("c"),
    ] {
        registry.push("example/other", "1", &image);
        registry.forget_requests();
        let settings = policy(&[&address], &format!("{address}/example/other:1"), OFF);
        let digest = image.manifest.digest.clone();
        code(&publish(&settings), 0, &["allowed and published", &digest]);
        is_whole(&registry, &digest);
        let requests = registry.requests();
        // Every blob is mounted by one request, and no byte of a layer moves.
        assert_eq!(count(&requests, "POST"), image.blobs.len(), "{requests:?}");
        assert_eq!(count(&requests, "PATCH"), 0);
        let puts = image.children.len() + 1;
        assert_eq!(count(&requests, "PUT"), puts, "{requests:?}");
        registry.forget_requests();
        code(&publish(&settings), 0, &["published already"]);
        assert_eq!(registry.requests().len(), 2);
    }
}

#[test]
fn a_mount_needs_one_token_with_both_scopes() {
    let rules = TokenRules::new().account("hot", "fix-password", Rights::everything());
    let registry = Registry::token(rules);
    let address = registry.address();
    let image = image::single("tokens");
    registry.push("example/other", "1", &image);
    registry.forget_requests();
    let realm = registry.tokens().realm();
    let realm = realm.split('/').nth(2).expect("a host");
    let settings = policy(
        &[&address, realm],
        &format!("{address}/example/other:1"),
        OFF,
    );
    let secrets = [("u", "hot"), ("p", "fix-password")];
    let run = publish_in(Path::new("/nowhere"), &settings, &secrets);
    code(&run, 0, &["allowed and published"]);
    let tokens = registry.tokens().requests();
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    let scopes = [
        "repository:example/app:pull,push",
        "repository:example/other:pull",
    ];
    assert_eq!(tokens[0].scopes, scopes);
    let requests = registry.requests();
    assert_eq!(count(&requests, "POST"), image.blobs.len(), "{requests:?}");
    assert_eq!(
        requests.iter().filter(|line| line.ends_with("401")).count(),
        1
    );
}

#[test]
fn another_registry_is_streamed_with_credentials_of_its_own() {
    let (from, to) = (Registry::basic("reader", "read-password"), Registry::open());
    let (there, here) = (from.address(), to.address());
    let config =
        json!({"auths": {there.as_str(): {"username": "reader", "password": "read-password"}}});
    let config = config.to_string();
    for image in [
        image::single("a"),
        image::docker("b"),
        image::two_platforms("c"),
    ] {
        from.push("example/other", "build_418", &image);
        to.forget_requests();
        let source = format!("{there}/example/other:build_{{build}}");
        let settings = policy(&[&here, &there], &source, "");
        let run = publish_in(Path::new("/nowhere"), &settings, &[("c", &config)]);
        code(&run, 0, &["allowed and published", &image.manifest.digest]);
        is_whole(&to, &image.manifest.digest);
        // One request asks whether a blob is there and opens the upload if not.
        let requests = to.requests();
        assert_eq!(
            count(&requests, "HEAD /v2/example/app/blobs"),
            0,
            "{requests:?}"
        );
        code(
            &publish_in(Path::new("/nowhere"), &settings, &[("c", &config)]),
            0,
            &["published already"],
        );
    }
    // `username` and `password` are for `policy.repo` and go nowhere else.
    let source = format!("{there}/example/other:build_418");
    let settings = policy(&[&here, &there], &source, "");
    let wrong = [("u", "reader"), ("p", "read-password")];
    let run = publish_in(Path::new("/nowhere"), &settings, &wrong);
    code(&run, 4, &["not published", "wants credentials", "`config`"]);
}

/// An image in a folder of a workspace, and the workspace.
fn in_layout(image: &Image) -> TempDir {
    let workspace = TempDir::new();
    let folder = workspace.path("out");
    fs::create_dir(&folder).expect("a folder");
    files::layout(Path::new(&folder), &[("1.0", image)]);
    workspace
}

#[test]
fn layouts_and_their_archives_are_pushed_byte_for_byte() {
    for image in [
        image::single("a"),
        image::docker("b"),
        image::two_platforms("c"),
    ] {
        let registry = Registry::open();
        let address = registry.address();
        let workspace = in_layout(&image);
        let root = workspace.path("");
        files::pack(
            Path::new(&workspace.path("out")),
            Path::new(&workspace.path("out.tar")),
        );
        for (source, new) in [("oci:out", true), ("oci-archive:out.tar:1.0", false)] {
            registry.forget_requests();
            let settings = policy(&[&address], source, "");
            let run = publish_in(Path::new(&root), &settings, &[]);
            let word = if new {
                "allowed and published"
            } else {
                "published already"
            };
            code(&run, 0, &[word, &image.manifest.digest]);
            is_whole(&registry, &image.manifest.digest);
        }
        let other = Registry::open();
        let settings = policy(&[&other.address()], "oci-archive:out.tar", "");
        code(
            &publish_in(Path::new(&root), &settings, &[]),
            0,
            &["allowed and published"],
        );
        is_whole(&other, &image.manifest.digest);
        let requests = other.requests();
        let blobs = image.blobs.len();
        let distinct: std::collections::HashSet<_> =
            image.blobs.iter().map(|b| &b.digest).collect();
        assert!(distinct.len() <= blobs);
        assert_eq!(count(&requests, "POST"), distinct.len());
        assert_eq!(
            count(&requests, "PUT /v2/example/app/blobs"),
            distinct.len()
        );
    }
}

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
fn a_layout_whose_bytes_were_changed_is_not_published() {
    let registry = Registry::open();
    let image = image::single("a");
    let workspace = in_layout(&image);
    let out = workspace.path("out");
    let layer = image
        .blobs
        .iter()
        .max_by_key(|blob| blob.bytes.len())
        .expect("a layer");
    let path = files::blob_path(Path::new(&out), &layer.digest);
    let mut changed = layer.bytes.clone();
    changed[7] ^= 1;
    fs::write(&path, &changed).expect("a blob");
    let settings = policy(&[&registry.address()], "oci:out", OFF);
    let root = workspace.path("");
    let run = publish_in(Path::new(&root), &settings, &[]);
    code(&run, 4, &["not published", "the bytes are not those of"]);
    fs::write(&path, &layer.bytes[1..]).expect("a blob");
    let run = publish_in(Path::new(&root), &settings, &[]);
    code(&run, 4, &["bytes, not 1344 as its descriptor says"]);
    fs::remove_file(&path).expect("a blob");
    let run = publish_in(Path::new(&root), &settings, &[]);
    code(
        &run,
        4,
        &["holds no `blobs/sha256/", "which its manifest names"],
    );
    std::os::unix::fs::symlink("/etc/hostname", &path).expect("a link");
    let run = publish_in(Path::new(&root), &settings, &[]);
    code(&run, 4, &["is a link or something else"]);
    assert_eq!(registry.tags(REPO), [""; 0]);
    let run = publish_in(Path::new("/nowhere"), &settings, &[]);
    code(&run, 4, &["/nowhere/out", "does not exist"]);
}

#[test]
fn of_several_images_the_policy_says_which() {
    let registry = Registry::open();
    let workspace = TempDir::new();
    let folder = workspace.path("out");
    fs::create_dir(&folder).expect("a folder");
    let (one, two) = (image::single("one"), image::single("two"));
    files::layout(
        Path::new(&folder),
        &[("1.0", &one), ("quay.io/example/app:build_418", &two)],
    );
    let address = registry.address();
    let run = |source: &str| {
        publish_in(
            Path::new(&workspace.path("")),
            &policy(&[&address], source, OFF),
            &[],
        )
    };
    code(
        &run("oci:out"),
        4,
        &["holds 2 images that could be meant: `1.0`, `quay.io/example/app:build_418`"],
    );
    code(&run("oci:out:3"), 4, &["holds no image `3`, only `1.0`"]);
    code(&run("oci:out:1.0"), 0, &[&one.manifest.digest]);
    code(&run("oci:out:build_{build}"), 0, &[&two.manifest.digest]);
    code(
        &run(&format!("oci:out:{}", one.manifest.digest)),
        0,
        &[&one.manifest.digest],
    );
    code(
        &run("oci:out:quay.io/example/app:build_418"),
        0,
        &[&two.manifest.digest],
    );
}

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

#[test]
fn harness_is_told_what_was_published() {
    let registry = Registry::open();
    let address = registry.address();
    let image = image::single("a");
    registry.push(REPO, "build_418", &image);
    let workspace = TempDir::new();
    let (artifact, outputs) = (workspace.path("artifact.json"), workspace.path("out.env"));
    fs::write(&outputs, "OTHER=1\n").expect("a file");
    let gate = drone_gate(&format!(
        "{{policy: {{repo: \"{address}/{REPO}\", source: \"build_418\", tls: {{insecure: [\"{address}\"]}}}}}}"
    ));
    let step = |artifact: &str, outputs: &str| {
        let mut environment =
            DroneBuild::push("hotfix/HOCS-1").environment(&gate, &[], &BTreeMap::new());
        environment.push(("PLUGIN_ARTIFACT_FILE".to_owned(), artifact.to_owned()));
        environment.push(("DRONE_OUTPUT".to_owned(), outputs.to_owned()));
        run(environment)
    };
    let run = step(&artifact, &outputs);
    code(&run, 0, &["allowed and published"]);
    assert!(!run.text.contains("PLUGIN_ARTIFACT_FILE"), "{}", run.text);
    let digest = &image.manifest.digest;
    let told: serde_json::Value =
        serde_json::from_str(&workspace.read("artifact.json")).expect("JSON");
    let expected = json!({"kind": "docker/v1", "data": {"registryType": "Other",
        "registryUrl": format!("https://{address}/"),
        "images": [{"image": format!("{address}/{REPO}:{TAG}"), "digest": digest}]}});
    assert_eq!(told, expected);
    let lines = format!(
        "OTHER=1\nHOTFIX_IMAGE={address}/{REPO}:{TAG}@{digest}\nHOTFIX_TAG={TAG}\nHOTFIX_DIGEST={digest}\n"
    );
    assert_eq!(workspace.read("out.env"), lines);
    // Somebody else's file is not touched, and the step does not fail for it.
    workspace.write("theirs", "nothing like it");
    let theirs = workspace.path("theirs");
    let run = step(&theirs, &theirs);
    code(
        &run,
        0,
        &[
            "`PLUGIN_ARTIFACT_FILE` was not written",
            "`DRONE_OUTPUT` was not written",
        ],
    );
    assert_eq!(workspace.read("theirs"), "nothing like it");
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
