//! A hotfix by another name. Its bytes stay what they are. A real registry.

use super::to_qa;
use crate::support::binary::Run;
use crate::support::image::{self, Blob, Image};
use crate::support::pipeline::DroneBuild;
use crate::support::registry::Registry;

const REPO: &str = "example/app";
const TAG: &str = "branch-hotfix_HOCS-1";

/// A registry with a hotfix and a release, which is not one.
fn registry(hotfix: &Image) -> Registry {
    let registry = Registry::open();
    registry.push(REPO, TAG, hotfix);
    registry.push(REPO, "1.2.3", &image::two_platforms("release"));
    registry
}

/// A build of `main` promoted to QA, with this version.
#[track_caller]
fn version(registry: &Registry, version: &str) -> Run {
    let build = DroneBuild::push("main");
    to_qa(&registry.address(), &build, &[("VERSION", version)])
}

/// It is refused for its bytes; and the release is not.
#[track_caller]
fn refused(registry: &Registry, text: &str, words: &[&str]) {
    let run = version(registry, text);
    run.ends(1, &["refused by qa-closed", "byte for byte", TAG]);
    run.ends(1, words);
    version(registry, "1.2.3").ends(0, &["allowed"]);
}

#[test]
fn a_renamed_tag() {
    let hotfix = image::two_platforms("hotfix");
    let registry = registry(&hotfix);
    for name in ["1.2.4", "build_417", "latest", "stable", "hotfix_HOCS-1"] {
        registry.push_manifest(REPO, name, &hotfix.manifest);
        refused(&registry, name, &["is the image of"]);
    }
    // The git tag `v1.2.4` and the image tag `1.2.4` are one release.
    refused(&registry, "v1.2.4", &["is the image of"]);
}

#[test]
fn a_build_number_of_a_hotfix_from_a_build_of_main() {
    let hotfix = image::two_platforms("hotfix");
    let registry = registry(&hotfix);
    registry.push_manifest(REPO, "build_418", &hotfix.manifest);
    refused(&registry, "build_418", &["`build_418` is the image of"]);
}

#[test]
fn a_retagged_hotfix_whose_own_tag_has_moved_on() {
    let (old, new) = (
        image::single("hotfix"),
        image::single("hotfix, pushed again"),
    );
    let registry = registry(&old);
    // As `policy.tags: ["branch-{branch}-{build}"]` writes it: one tag stays with every build.
    registry.push_manifest(REPO, "branch-hotfix_HOCS-1-417", &old.manifest);
    registry.push(REPO, TAG, &new);
    registry.push_manifest(REPO, "1.2.4", &old.manifest);
    refused(&registry, "1.2.4", &["branch-hotfix_HOCS-1-417"]);
}

#[test]
fn one_platform_of_a_hotfix() {
    let hotfix = image::two_platforms("hotfix");
    let registry = registry(&hotfix);
    registry.push_manifest(REPO, "build_418-arm64", &hotfix.children[1]);
    refused(&registry, "build_418-arm64", &["is one platform of"]);
    refused(
        &registry,
        &hotfix.children[0].digest,
        &["is one platform of"],
    );
}

#[test]
fn an_index_that_holds_a_hotfix() {
    let hotfix = image::single("hotfix");
    let registry = registry(&hotfix);
    let part = &hotfix.manifest;
    let index = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"manifests\":[{{\"mediaType\":\"{}\",\"digest\":\"{}\",\
         \"size\":{},\"platform\":{{\"os\":\"linux\",\"architecture\":\"amd64\"}}}}]}}",
        image::OCI_INDEX,
        part.media_type,
        part.digest,
        part.bytes.len()
    );
    registry.push_manifest(REPO, "1.2.4", &Blob::new(image::OCI_INDEX, index));
    refused(&registry, "1.2.4", &["holds the image of"]);
}

#[test]
fn a_digest() {
    let hotfix = image::two_platforms("hotfix");
    let registry = registry(&hotfix);
    let digest = &hotfix.manifest.digest;
    refused(&registry, digest, &["is the image of"]);
    let whole = format!("{}/{REPO}@{digest}", registry.address());
    refused(&registry, &whole, &["is the image of"]);
}

#[test]
fn a_digest_behind_the_tag_of_a_release() {
    let hotfix = image::two_platforms("hotfix");
    let registry = registry(&hotfix);
    let digest = &hotfix.manifest.digest;
    for name in ["app", REPO, "mirror.example/example/app"] {
        refused(
            &registry,
            &format!("{name}:1.2.3@{digest}"),
            &["is the image of"],
        );
    }
}

#[test]
fn a_digest_that_only_a_mirror_has() {
    let registry = registry(&image::single("hotfix"));
    let elsewhere = image::single("somewhere else").manifest.digest;
    version(
        &registry,
        &format!("mirror.example/example/app:1.2.3@{elsewhere}"),
    )
    .ends(2, &["undecided, qa-closed", "is not in the registry"]);
}
