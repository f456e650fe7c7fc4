//! The example pipelines as a team would paste them: each step of ours is turned into the environment that the server
//! would give it, and the binary runs in that. Only the host of the registry is another one.

mod drone;
mod wiring;
mod woodpecker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::binary::{self, Run};
use crate::support::embedded::Registry;
use crate::support::image::{self, Image};
use crate::support::pipeline::{DroneBuild, Pipeline, Step, drone_pipelines, when_matches_drone};

const HOCS: &str = "hocs.drone.yml";
const PROMOTE_ONLY: &str = "promote-only.drone.yml";
const DOCKER_THEN_TAG: &str = "docker-then-tag.drone.yml";
const WOODPECKER: &str = "woodpecker.yml";
/// Run by `tests/train/example.rs`.
const TELLING: &str = "telling.drone.yml";
const TRAIN: &str = "train.drone.yml";
const DRONE_FILES: [&str; 4] = [HOCS, PROMOTE_ONLY, DOCKER_THEN_TAG, TRAIN];
const HOTFIX: &str = "hotfix/HOCS-1234";
const TAG: &str = "branch-hotfix_HOCS-1234";

type Environment = Vec<(String, String)>;

fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_ours(step: &Step) -> bool {
    step.image == "drone-hotfix"
}

fn secrets() -> BTreeMap<String, String> {
    let names = [
        "quay_user",
        "quay_token",
        "quay_reader",
        "quay_reader_token",
    ];
    let names = names
        .into_iter()
        .chain(["kube_token", "kube_token_notprod", "kube_token_prod"]);
    names
        .map(|name| (name.to_owned(), format!("the-{name}")))
        .collect()
}

/// The pipelines of a file that a build triggers.
fn triggered(file: &str, build: &DroneBuild) -> Vec<Pipeline> {
    let mut pipelines = drone_pipelines(&text(file));
    pipelines.retain(|pipeline| when_matches_drone(pipeline.trigger.as_ref(), build));
    pipelines
}

/// Runs the binary with the registry of the test in the place of the one in the policy.
fn run_at(registry: &Registry, mut environment: Environment) -> Run {
    let policy = environment
        .iter_mut()
        .find(|(name, _)| name == "PLUGIN_POLICY");
    let (_, policy) = policy.expect("a policy");
    let mut map: Value = serde_json::from_str(policy).expect("a map");
    if let Some(repo) = map["repo"].as_str() {
        let path = repo
            .strip_prefix("quay.io/")
            .expect("a repository on quay.io");
        map["repo"] = json!(format!("{}/{path}", registry.address()));
        map["tls"] = json!({ "insecure": [registry.address()] });
        *policy = map.to_string();
    }
    let run = binary::run(environment);
    // Every key of an example decides something.
    for waste in [
        "ignored, none of our settings",
        "no rule of this version uses it",
    ] {
        assert!(!run.text.contains(waste), "{}", run.text);
    }
    run
}

#[track_caller]
fn check(run: &Run, code: i32, words: &str) {
    assert!(
        run.code == code && run.text.contains(words),
        "{code} and «{words}»: {run:#?}"
    );
}

/// A registry with the hotfix's image under the names of builds 418, and the release's.
fn registry(repository: &str) -> Registry {
    let registry = Registry::start();
    let push = |image: Image, tags: &[&str]| {
        for blob in &image.blobs {
            registry.put_blob(repository, &blob.bytes);
        }
        for child in &image.children {
            registry.put_manifest(repository, &child.digest, &child.media_type, &child.bytes);
        }
        for tag in tags {
            let manifest = &image.manifest;
            registry.put_manifest(repository, tag, &manifest.media_type, &manifest.bytes);
        }
    };
    push(image::two_platforms("hotfix"), &["build_418"]);
    push(image::single("release"), &["1.0.0", "build_400"]);
    registry
}

/// The build of a release's git tag, which is what HOCS promotes.
fn release() -> DroneBuild {
    DroneBuild::tag("1.0.0").with(|build| build.number = 400)
}

fn promote(target: &str, version: &str) -> DroneBuild {
    DroneBuild::promote(&release(), target).param("VERSION", version)
}

fn rollback(target: &str, version: &str) -> DroneBuild {
    DroneBuild::rollback(&release(), target).param("VERSION", version)
}

#[test]
fn the_quickstart_ends_well() {
    // `…/PROFILE/deps/main-…` is this program, `…/PROFILE/examples/quickstart` the example.
    let tests = std::env::current_exe().expect("a path");
    let profile: PathBuf = tests.ancestors().nth(2).expect("a directory").to_owned();
    let quickstart = profile.join("examples").join("quickstart");
    assert!(
        quickstart.is_file(),
        "`cargo test` builds the examples, `cargo test --test main` does not: cargo build --examples"
    );
    let output = Command::new(quickstart).output().expect("it starts");
    let text = String::from_utf8(output.stdout).expect("text");
    let shown = format!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{shown}");
    assert_eq!(text.matches(": as expected\n").count(), 7, "{shown}");
    assert!(text.lines().count() < 240, "{shown}");
    // The secrets of the pipeline, and what cargo says, are not in it.
    assert!(!text.contains("kept-secret"), "{shown}");
}
