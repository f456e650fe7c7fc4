//! Bytes, platforms and configurations, in the real registry.

use super::{REPO, index, manifest, policy, promote, wrapped_again};
use crate::support::image::{self, Blob, DOCKER_MANIFEST, Image, OCI_MANIFEST};
use crate::support::pipeline::DroneBuild;
use crate::support::registry::Registry;

const HOTFIX: &str = "branch-hotfix_HOCS-1";

/// A hotfix, and what is promoted under the name of a release.
#[track_caller]
fn is_a_hotfix(hotfix: &Image, promoted: &Image, words: &str) {
    let registry = Registry::open();
    registry.push(REPO, HOTFIX, hotfix);
    registry.push(REPO, "1.2.3", promoted);
    let digest = &promoted.manifest.digest;
    promote(&registry, "1.2.3", "cs-qa").ends(1, &["refused by qa-closed", words, digest]);
    promote(&registry, digest, "cs-qa").ends(1, &[words]);
    let whole = format!("app:1.2.3@{digest}");
    promote(&registry, &whole, "cs-qa").ends(1, &[words]);
    // To production it is judged as the hotfix that it is.
    registry.push(REPO, "build_400", promoted);
    promote(&registry, "build_400", "cs-prod").ends(0, &["passed: version-published"]);
    // A release number is taken at its word there, so that no release waits for a registry.
    promote(&registry, "1.2.3", "cs-prod").ends(0, &["version-published (must): it is no hotfix"]);
    // A bare number may be a build's, so it is looked at.
    registry.push(REPO, "418", promoted);
    promote(&registry, "418", "cs-prod").ends(1, &["`VERSION=418` is a release number, but"]);
}

#[track_caller]
fn is_none(hotfix: &Image, promoted: &Image) {
    let registry = Registry::open();
    registry.push(REPO, HOTFIX, hotfix);
    registry.push(REPO, "1.2.3", promoted);
    promote(&registry, "1.2.3", "cs-qa").ends(0, &["passed: qa-closed", "1 hotfix tags"]);
    registry.push(REPO, "build_400", promoted);
    promote(&registry, "build_400", "cs-prod")
        .ends(0, &["version-published (must): it is no hotfix"]);
}

#[test]
fn an_index_with_a_hotfix_in_it_and_one_platform_of_a_hotfix() {
    let (hotfix, other) = (image::single("hotfix"), image::docker("other"));
    let both = index(&[(&other, "linux/arm64"), (&hotfix, "linux/amd64")]);
    is_a_hotfix(&hotfix, &both, "` holds the image of");
    is_a_hotfix(&both, &hotfix, "` is one platform of");
}

#[test]
fn indexes_with_a_platform_in_common() {
    let (hotfix, one, two) = (
        image::single("hotfix"),
        image::single("one"),
        image::single("two"),
    );
    let theirs = index(&[(&hotfix, "linux/amd64"), (&one, "linux/arm64")]);
    let ours = index(&[(&hotfix, "linux/amd64"), (&two, "linux/arm64")]);
    is_a_hotfix(&theirs, &ours, "` has a platform in common with");
    // What BuildKit attaches is no platform, and no image of its own.
    let statement = Blob::new("application/vnd.in-toto+json", "{}");
    let config = Blob::new(
        super::OCI_CONFIG,
        r#"{"architecture":"unknown","os":"unknown"}"#,
    );
    let attached = manifest(OCI_MANIFEST, &config, &statement, "");
    let theirs = index(&[(&one, "linux/amd64"), (&attached, "unknown/unknown")]);
    let ours = index(&[(&two, "linux/amd64"), (&attached, "unknown/unknown")]);
    is_none(&theirs, &ours);
}

#[test]
fn an_image_that_was_wrapped_again() {
    let words = "was built together with `branch-hotfix_HOCS-1`";
    let docker = image::docker("hotfix");
    let oci = wrapped_again(&docker, OCI_MANIFEST, "");
    is_a_hotfix(&docker, &oci, words);
    is_a_hotfix(&oci, &docker, words);
    is_a_hotfix(&oci, &wrapped_again(&docker, OCI_MANIFEST, "noted"), words);
    // Platform by platform, on both sides.
    let (one, two) = (image::single("one"), image::single("two"));
    let theirs = index(&[(&one, "linux/arm64"), (&docker, "linux/amd64")]);
    let ours = index(&[(&oci, "linux/amd64"), (&two, "linux/arm64")]);
    is_a_hotfix(&theirs, &oci, words);
    is_a_hotfix(&docker, &ours, words);
    is_a_hotfix(&theirs, &ours, words);
    let twice = index(&[(&theirs, "linux/amd64")]);
    is_a_hotfix(&twice, &ours, words);
    is_none(&theirs, &wrapped_again(&two, DOCKER_MANIFEST, ""));
}

#[test]
fn artifacts_have_nothing_in_common_by_their_empty_configuration() {
    let artifact = |text: &str| {
        let config = Blob::new("application/vnd.oci.empty.v1+json", "{}");
        let layer = Blob::new("application/vnd.example.layer.v1.tar", text);
        manifest(OCI_MANIFEST, &config, &layer, text)
    };
    is_none(&artifact("hotfix"), &artifact("release"));
}

#[test]
fn every_manifest_is_read_once() {
    let registry = Registry::open();
    let (one, two) = (image::single("one"), image::single("two"));
    let both = index(&[(&one, "linux/amd64"), (&two, "linux/arm64")]);
    for number in 0..30 {
        let image = image::single(&format!("hotfix {number}"));
        registry.push(REPO, &format!("{HOTFIX}-{number}"), &image);
    }
    for tag in ["branch-hotfix_a", "branch-hotfix_b"] {
        registry.push(REPO, tag, &both);
    }
    registry.push(REPO, "1.2.3", &image::single("release"));
    registry.forget_requests();
    promote(&registry, "1.2.3", "cs-qa").ends(0, &["none of 32 hotfix tags"]);
    let requests = registry.requests();
    // The version, what is attached to it, the list, the tags, and the two platforms of one index that has two tags.
    assert_eq!(requests.len(), 1 + 2 + 1 + 32 + 2, "{requests:#?}");
    let mut once = requests.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), requests.len(), "{requests:#?}");
    // What a name says needs no request where QA is closed anyway.
    registry.forget_requests();
    promote(&registry, HOTFIX, "cs-qa").ends(1, &["refused by qa-closed"]);
    assert!(registry.requests().is_empty());
}

#[test]
fn a_registry_that_is_down_leaves_the_kind_unknown_for_every_target() {
    let nobody = "127.0.0.1:1";
    for (version, target) in [
        ("1.2.3", "cs-qa"),
        ("build_400", "cs-qa"),
        ("build_400", "cs-prod"),
        ("build_400", "cs-demo"),
    ] {
        let build =
            DroneBuild::promote(&DroneBuild::push("main"), target).param("VERSION", version);
        let run = super::judge(&build, &policy(nobody, ""));
        run.ends(
            2,
            &["whether this is a hotfix is not known", "no connection"],
        );
    }
    // No release waits for it elsewhere.
    let release = DroneBuild::promote(&DroneBuild::push("main"), "cs-prod");
    super::judge(&release.param("VERSION", "1.2.3"), &policy(nobody, "")).ends(0, &["allowed"]);
    // A rollback of production is judged by no rule about hotfixes.
    let rollback =
        DroneBuild::rollback(&DroneBuild::push("main"), "cs-prod").param("VERSION", "1.2.3");
    super::judge(&rollback, &policy(nobody, "")).ends(0, &["allowed"]);
}

#[test]
fn an_ordinary_release_is_none_in_any_spelling() {
    let registry = Registry::open();
    let address = registry.address();
    registry.push(REPO, HOTFIX, &image::two_platforms("hotfix"));
    registry.push(REPO, "branch-hotfix_b", &image::single("another"));
    for (number, release) in [
        image::single("release"),
        image::docker("release"),
        image::two_platforms("release"),
    ]
    .iter()
    .enumerate()
    {
        let tag = format!("1.{number}.0");
        registry.push(REPO, &tag, release);
        let digest = &release.manifest.digest;
        for version in [
            tag.clone(),
            format!("v{tag}"),
            digest.clone(),
            format!("{address}/{REPO}:{tag}"),
            format!("app:{tag}@{digest}"),
        ] {
            for target in ["cs-qa", "cs-demo", "cs-prod"] {
                let main = DroneBuild::push("main");
                for build in [
                    DroneBuild::promote(&main, target),
                    DroneBuild::rollback(&main, target),
                ] {
                    let build = build.param("VERSION", &version);
                    let run = super::judge(&build, &policy(&address, ""));
                    run.ends(0, &["allowed"]);
                }
            }
        }
    }
}
