//! Bytes of a promotion compared with the hotfix tags of the real registry.

use super::{REPO, anonymous, code, insecure, settings, step};
use crate::support::image::{self, Image};
use crate::support::pipeline::DroneBuild;
use crate::support::registry::Registry;

/// A registry with a hotfix under its tag and its build's name, and a release.
fn with_hotfix_and_release(registry: &Registry) -> (Image, Image) {
    let (hotfix, release) = (
        image::two_platforms("hotfix"),
        image::two_platforms("release"),
    );
    registry.push(REPO, "branch-hotfix_HOCS-1234", &hotfix);
    registry.push(REPO, "build_418", &hotfix);
    registry.push(REPO, "1.2.4", &hotfix);
    registry.push(REPO, "1.0.0", &release);
    (hotfix, release)
}

#[test]
fn a_hotfix_is_known_by_its_bytes_whatever_it_is_called() {
    let registry = Registry::open();
    let address = registry.address();
    let (hotfix, release) = with_hotfix_and_release(&registry);
    let promote = |version: &str, target: &str| {
        let build =
            DroneBuild::promote(&DroneBuild::push("main"), target).param("VERSION", version);
        step(&build, &anonymous(&address))
    };
    let digest = &hotfix.manifest.digest;
    for version in [
        "build_418",
        "1.2.4",
        "v1.2.4",
        digest.as_str(),
        &format!("{address}/{REPO}:build_418"),
        &format!("mirror.example/other/name@{digest}"),
    ] {
        let run = promote(version, "cs-qa");
        code(
            &run,
            1,
            &[
                "refused by qa-closed",
                "byte for byte",
                digest,
                "`branch-hotfix_HOCS-1234`",
            ],
        );
        code(&promote(version, "cs-demo"), 0, &["allowed"]);
    }
    // One platform of its index, and an index that holds it.
    let child = &hotfix.children[0].digest;
    code(
        &promote(child, "cs-qa"),
        1,
        &["is one platform of `branch-hotfix_HOCS-1234`"],
    );
    let nested = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"manifests\":[{{\"mediaType\":\"{}\",\"digest\":\"{digest}\",\"size\":{}}}]}}",
        image::OCI_INDEX,
        image::OCI_INDEX,
        hotfix.manifest.bytes.len()
    );
    registry.push_manifest(REPO, "bundle", &image::Blob::new(image::OCI_INDEX, nested));
    code(
        &promote("bundle", "cs-qa"),
        1,
        &["`bundle` holds the image of `branch-hotfix_HOCS-1234`"],
    );
    registry.forget_requests();
    code(&promote("1.0.0", "cs-qa"), 0, &["allowed"]);
    // The two platforms of either are read once, for their configurations.
    assert!(registry.requests().len() <= 11, "{:?}", registry.requests());
    code(&promote("v1.0.0", "cs-qa"), 0, &["allowed"]);
    code(&promote(&release.manifest.digest, "cs-qa"), 0, &["allowed"]);
    for (version, word) in [
        ("1.9.9", "is not in the registry"),
        ("other.example/another/service:1.0.0", "another repository"),
        ("1.0.0+build.7", "no image tag can hold"),
    ] {
        code(
            &promote(version, "cs-qa"),
            2,
            &["undecided, qa-closed", word],
        );
    }
    let rollback =
        DroneBuild::rollback(&DroneBuild::push("main"), "cs-qa").param("VERSION", "1.2.4");
    code(
        &step(&rollback, &anonymous(&address)),
        1,
        &["byte for byte"],
    );
}

#[test]
fn without_an_answer_of_the_registry_nothing_goes_to_qa() {
    let promote = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", "1.0.0");
    let down = step(&promote, &anonymous("127.0.0.1:1"));
    code(
        &down,
        2,
        &[
            "undecided, qa-closed could not be judged",
            "no connection",
            "may help",
        ],
    );
    let rehearsal = anonymous("127.0.0.1:1").replacen('{', "{dry_run: true, ", 1);
    code(&step(&promote, &rehearsal), 2, &["undecided"]);

    let registry = Registry::basic("hot", "fix-password");
    let address = registry.address();
    with_hotfix_and_release(&registry);
    code(
        &step(&promote, &anonymous(&address)),
        2,
        &["undecided", "wants credentials"],
    );
    code(
        &step(&promote, &settings(&address, &insecure(&address))),
        0,
        &["allowed"],
    );
    // Credentials without a repository to ask: configured, and unknown.
    let nowhere = "{username: {from_secret: u}, password: {from_secret: p}, policy: {}}";
    code(
        &step(&promote, nowhere),
        2,
        &["undecided", "`policy.repo` does not say"],
    );
    // A name that says enough needs no registry.
    let named =
        DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", "branch-hotfix_x");
    code(
        &step(&named, &anonymous("127.0.0.1:1")),
        1,
        &["refused by qa-closed"],
    );
}
