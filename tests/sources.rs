//! Images from everywhere: other repositories, other registries, files. The real registry takes them,
//! and skopeo, which shares no code with us, pulls what was published and checks every digest.

mod archives;
mod commit;

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
         \"{}/{REPO}\", source: \"{source}\", attest: false, tls: {{insecure: [{}]}}{more}}}}}",
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
