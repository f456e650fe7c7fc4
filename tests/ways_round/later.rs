//! Ways that only the image itself, its statements, the history and the Drone server can see.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{offline, to_qa};
use crate::support::binary::{Run, run};
use crate::support::drone_api;
use crate::support::gate::{drone_environment, drone_gate};
use crate::support::image::{self, Blob, Image};
use crate::support::pipeline::DroneBuild;
use crate::support::registry::{Registry, TempDir};
use crate::support::scripted::{Answer, Script, Scripted};
use crate::support::team::{Team, judge};

const REPO: &str = "example/app";
const TAG: &str = "branch-hotfix_HOCS-1";
const BRANCH: &str = "hotfix/HOCS-1";

/// An image of one layer with these labels and annotations.
fn labelled(layer: &str, labels: &Value, annotations: &Value) -> Image {
    let layer = Blob::new("application/vnd.oci.image.layer.v1.tar", layer);
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]}});
    let config = Blob::new(
        "application/vnd.oci.image.config.v1+json",
        config.to_string(),
    );
    let describe = |blob: &Blob| json!({"mediaType": blob.media_type, "digest": blob.digest, "size": blob.bytes.len()});
    let manifest = json!({"schemaVersion": 2, "mediaType": image::OCI_MANIFEST, "annotations": annotations,
        "config": describe(&config), "layers": [describe(&layer)]});
    Image {
        manifest: Blob::new(image::OCI_MANIFEST, manifest.to_string()),
        children: Vec::new(),
        blobs: vec![config, layer],
    }
}

// Needs: the configuration digest as an identity.
#[test]
fn a_rebuilt_hotfix() {
    let registry = Registry::open();
    let hotfix = labelled("hotfix", &json!({"a": "b"}), &json!({}));
    let again = labelled("hotfix", &json!({"a": "b"}), &json!({"built": "again"}));
    assert_ne!(hotfix.manifest.digest, again.manifest.digest);
    registry.push(REPO, TAG, &hotfix);
    registry.push(REPO, "1.2.4", &again);
    registry.push(
        REPO,
        "1.2.3",
        &labelled("release", &json!({"a": "b"}), &json!({})),
    );
    let build = DroneBuild::push("main");
    for version in ["1.2.4", &again.manifest.digest] {
        to_qa(&registry.address(), &build, &[("VERSION", version)])
            .ends(1, &["refused by qa-closed", TAG]);
    }
    to_qa(&registry.address(), &build, &[("VERSION", "1.2.3")]).ends(0, &["allowed"]);
}

// Needs: the revision label as an identity.
#[test]
fn a_relabelled_hotfix() {
    let (registry, team) = (Registry::open(), Team::new());
    let fix = team.hotfix(BRANCH);
    let address = registry.address();
    let policy = format!("repo: \"{address}/{REPO}\", tls: {{insecure: [\"{address}\"]}}");
    let label = |commit: &str| json!({"org.opencontainers.image.revision": commit, "org.opencontainers.image.version": "1.2.4"});
    registry.push(
        REPO,
        "1.2.4",
        &labelled("new bytes", &label(&fix), &json!({})),
    );
    let main = team.pushed("main");
    let release = labelled("release", &label(&main.sha), &json!({}));
    registry.push(REPO, "1.2.3", &release);
    let promote = |version: &str| {
        judge(
            &DroneBuild::promote(&main, "cs-qa").param("VERSION", version),
            &policy,
        )
    };
    promote("1.2.4").ends(1, &["refused by qa-closed", BRANCH, &fix[..7]]);
    promote("1.2.3").ends(0, &["allowed"]);
}

// Needs: the promoted commit as an identity.
#[test]
fn a_hotfix_commit_on_another_branch() {
    let team = Team::new();
    let fix = team.hotfix(BRANCH);
    for branch in ["x1", "release-1.2", "feature/HOCS-1"] {
        team.git(&[
            "push",
            "--quiet",
            "origin",
            &format!("{BRANCH}:refs/heads/{branch}"),
        ]);
        let build = team.pushed(branch);
        assert_eq!(build.sha, fix);
        judge(&DroneBuild::promote(&build, "cs-qa"), "").ends(
            1,
            &[
                "refused by qa-closed",
                BRANCH,
                "that the default branch does not have",
            ],
        );
        judge(&DroneBuild::rollback(&build, "cs-qa"), "").ends(1, &["refused by qa-closed"]);
    }
    // What the default branch has is a release's, wherever else it lies.
    let main = team.pushed("main");
    judge(&DroneBuild::promote(&main, "cs-qa"), "").ends(0, &["allowed"]);
}

// Needs: the promoted commit as an identity.
#[test]
fn a_hotfix_commit_tagged_as_a_release() {
    let team = Team::new();
    let fix = team.hotfix(BRANCH);
    team.release("1.2.4");
    let checkout = team.clone_branch("tagged", BRANCH, &fix);
    let build = team.build(DroneBuild::tag("1.2.4"), &checkout, &fix);
    for version in [None, Some("1.2.4"), Some("v1.2.4")] {
        let build = DroneBuild::promote(&build, "cs-qa");
        let build = match version {
            Some(version) => build.param("VERSION", version),
            None => build,
        };
        judge(&build, "").ends(
            1,
            &[
                "refused by qa-closed",
                BRANCH,
                "that the default branch does not have",
            ],
        );
    }
}

// Needs: `policy.digest_file`.
#[test]
fn a_tag_that_moves_after_the_verdict() {
    let (registry, workspace) = (Registry::open(), TempDir::new());
    let release = image::two_platforms("release");
    registry.push(REPO, "1.2.3", &release);
    registry.push(REPO, TAG, &image::single("hotfix"));
    let address = registry.address();
    let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa")
        .param("VERSION", "1.2.3")
        .with(|build| build.workspace = workspace.path("").into());
    let settings = format!(
        "{{policy: {{repo: \"{address}/{REPO}\", tls: {{insecure: [\"{address}\"]}}, digest_file: judged}}}}"
    );
    run(drone_environment(&build, &settings)).ends(0, &["allowed", &release.manifest.digest]);
    // Between the gate and the deploy step somebody puts the hotfix under the release's name.
    registry.push_manifest(REPO, "1.2.3", &image::single("hotfix").manifest);
    let judged = workspace.read("judged");
    let at = judged.find("sha256:").expect("a digest");
    let digest = judged[at..at + 71].to_owned();
    let (_, bytes, _) = registry.raw_manifest(REPO, &digest).expect("it is there");
    assert_eq!(bytes, release.manifest.bytes);
    let (_, moved, _) = registry.raw_manifest(REPO, "1.2.3").expect("it is there");
    assert_ne!(moved, bytes);
    // Whoever asks again is refused, and is not left the digest of before.
    run(drone_environment(&build, &settings)).ends(1, &["refused by qa-closed"]);
    let left = std::fs::read_to_string(workspace.path("judged")).unwrap_or_default();
    assert!(!left.contains("sha256:"), "{left}");
}

/// A hotfix and its promotion to production by its digest.
struct Tried {
    registry: Registry,
    version: String,
}

impl Tried {
    fn new() -> Tried {
        let registry = Registry::open();
        let hotfix = image::single("hotfix");
        registry.push(REPO, TAG, &hotfix);
        let version = format!("{}/{REPO}@{}", registry.address(), hotfix.manifest.digest);
        Tried { registry, version }
    }

    fn pushed(&self) -> DroneBuild {
        DroneBuild::push(BRANCH).with(|build| build.number = 400)
    }

    fn trial(&self) -> DroneBuild {
        DroneBuild::promote(&self.pushed(), "cs-demo").param("VERSION", &self.version)
    }

    fn own(&self) -> DroneBuild {
        DroneBuild::promote(&self.pushed(), "cs-prod")
            .param("VERSION", &self.version)
            .with(|build| build.number = 418)
    }

    fn judge(&self, drone: &Scripted, more: &str) -> Run {
        let (registry, drone) = (self.registry.address(), drone.address());
        let settings = format!(
            "{{drone_token: {{from_secret: d}}, policy: {{repo: \"{registry}/{REPO}\", drone: \"http://{drone}\", \
             tls: {{insecure: [\"{registry}\", \"{drone}\"]}}, rules: {{tried-first: must, build-passed: \"off\"}}{more}}}}}"
        );
        let secrets = BTreeMap::from([("d".to_owned(), "example-token".to_owned())]);
        run(self
            .own()
            .environment(&drone_gate(&settings), &[], &secrets))
    }
}

/// A server that shows these builds, as a list and one by one.
fn drone(builds: &[Value]) -> Scripted {
    let mut script = Script::new();
    for build in builds {
        let number = build["number"].as_u64().expect("a number");
        script = script
            .on(
                "GET",
                &drone_api::one(number),
                Answer::status(200).json(build),
            )
            .always();
    }
    script
        .on(
            "GET",
            &drone_api::page(1),
            Answer::status(200).json(&builds.into()),
        )
        .always()
        .on(
            "GET",
            "/api/repos/example/service/builds?*",
            Answer::status(200).json(&json!([])),
        )
        .always()
        .on("GET", "/api/*", drone_api::refusal(404, "Not Found"))
        .always()
        .start()
}

// Needs: `tried-first`.
#[test]
fn a_drone_server_that_lists_nothing() {
    let tried = Tried::new();
    let server = drone(&[]);
    let run = tried.judge(&server, "");
    assert_eq!(run.code, 2, "{}", run.text);
    assert!(run.text.contains("tried-first (must)"), "{}", run.text);
    // With the promotion itself, and nothing before it, it is a plain «no».
    let server = drone(&[drone_api::build(&tried.own(), "running")]);
    let run = tried.judge(&server, "");
    assert!(matches!(run.code, 1 | 2), "{}", run.text);
    assert!(run.first_line().contains("tried-first"), "{}", run.text);
}

// Needs: `tried-first`.
#[test]
fn a_clock_that_was_moved() {
    let tried = Tried::new();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let now = i64::try_from(now.as_secs()).expect("a time");
    let with = |finished: i64| {
        let mut trial = drone_api::build(&tried.trial(), "success");
        trial["finished"] = finished.into();
        let builds = [
            drone_api::build(&tried.own(), "running"),
            trial,
            drone_api::build(&tried.pushed(), "success"),
        ];
        tried.judge(&drone(&builds), ", limits: {soak: 1h}")
    };
    // The same trial counts when it is over, and long enough.
    with(now - 86_400).ends(0, &["allowed"]);
    for finished in [now - 60, now + 60, now + 86_400, i64::MAX, 0, -1, i64::MIN] {
        let run = with(finished);
        assert!(matches!(run.code, 1 | 2), "{finished}: {}", run.text);
        assert!(
            run.first_line().contains("tried-first"),
            "{finished}: {}",
            run.text
        );
    }
}

// Needs: `tried-first`.
#[test]
fn a_trial_of_other_bytes() {
    let tried = Tried::new();
    // The same tag, and another image under it by now; nothing says what it was when it was tried.
    let trial = tried.trial().param("VERSION", TAG);
    let other = format!(
        "{}/{REPO}@{}",
        tried.registry.address(),
        image::single("another").manifest.digest
    );
    for trial in [trial, tried.trial().param("VERSION", &other)] {
        let builds = [
            drone_api::build(&tried.own(), "running"),
            drone_api::build(&trial, "success"),
            drone_api::build(&tried.pushed(), "success"),
        ];
        let run = tried.judge(&drone(&builds), "");
        assert!(matches!(run.code, 1 | 2), "{}", run.text);
        assert!(run.first_line().contains("tried-first"), "{}", run.text);
    }
}

// Needs: `policy.overrides`.
#[test]
fn an_override_that_does_not_hold() {
    let reason = "cs-qa branch-hotfix_HOCS-1: production is down";
    let promote = |entry: &str, reason: &str, trigger: &str| {
        let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa")
            .param("VERSION", TAG)
            .param("HOTFIX_REASON", reason)
            .with(|build| build.trigger = trigger.to_owned());
        run(drone_environment(
            &build,
            &format!("{{policy: {{overrides: [{entry}]}}}}"),
        ))
    };
    let entry = |who: &str, rule: &str, until: &str| {
        format!("{{who: [{who}], rule: {rule}, until: \"{until}\"}}")
    };
    let good = entry("example", "qa-closed", "2999-12-31");
    promote(&good, reason, "example").ends(0, &["allowed", "overridden"]);
    for (entry, reason, trigger) in [
        (
            entry("example", "qa-closed", "2020-01-01"),
            reason,
            "example",
        ),
        (
            entry("somebody", "qa-closed", "2999-12-31"),
            reason,
            "example",
        ),
        (entry("example", "ticket", "2999-12-31"), reason, "example"),
        (good.clone(), "", "example"),
        (good.clone(), "production is down", "example"),
        (
            good.clone(),
            "cs-qa branch-hotfix_HOCS-2: production is down",
            "example",
        ),
        (
            good.clone(),
            "cs-demo branch-hotfix_HOCS-1: production is down",
            "example",
        ),
        (good.clone(), reason, "@hook"),
        (good.clone(), reason, "@cron"),
        (good.clone(), reason, "Example "),
    ] {
        promote(&entry, reason, trigger).ends(1, &["refused by qa-closed"]);
    }
    // Who may override comes from the policy, never from a parameter.
    let brought = DroneBuild::promote(&DroneBuild::push(BRANCH), "cs-qa")
        .param("HOTFIX_REASON", reason)
        .param("PLUGIN_OVERRIDES", &good)
        .param("DRONE_BUILD_TRIGGER", "example");
    offline(&brought).ends(1, &["refused by qa-closed"]);
}

// Needs: attestations, and the rule `attested`.
#[test]
fn an_attestation_of_another_image() {
    let registry = Registry::open();
    let (good, bad) = (image::single("good"), image::single("bad"));
    registry.push(REPO, "build_418", &good);
    registry.push(REPO, "branch-hotfix_HOCS-2", &bad);
    let address = registry.address();
    let policy = |more: &str| {
        format!(
            "{{policy: {{repo: \"{address}/{REPO}\", tls: {{insecure: [\"{address}\"]}}, source: build_418{more}}}}}"
        )
    };
    run(drone_environment(&DroneBuild::push(BRANCH), &policy(""))).ends(0, &["published"]);
    let promote = |version: &str| {
        let build =
            DroneBuild::promote(&DroneBuild::push("main"), "cs-prod").param("VERSION", version);
        run(drone_environment(
            &build,
            &policy(", rules: {attested: must}"),
        ))
    };
    promote(TAG).ends(0, &["allowed"]);
    promote("branch-hotfix_HOCS-2").ends(1, &["refused by attested"]);
    // The list of what is attached, copied as it is.
    let attached = |image: &Image| image.manifest.digest.replace(':', "-");
    let (kind, list, _) = registry
        .raw_manifest(REPO, &attached(&good))
        .expect("it is attached");
    registry.push_manifest(REPO, &attached(&bad), &Blob::new(&kind, list));
    promote("branch-hotfix_HOCS-2").ends(1, &["refused by attested"]);
    // What was attached elsewhere is nothing of this repository.
    promote(TAG).ends(0, &["allowed"]);
}

// Needs: attestations.
#[test]
fn an_attested_hotfix_under_the_name_of_a_release() {
    let registry = Registry::open();
    registry.push(REPO, "build_418", &image::single("hotfix"));
    let address = registry.address();
    let settings = format!(
        "{{policy: {{repo: \"{address}/{REPO}\", tls: {{insecure: [\"{address}\"]}}, source: build_418}}}}"
    );
    run(drone_environment(&DroneBuild::push(BRANCH), &settings)).ends(0, &["published"]);
    // Its own tag moves on, so that only what is attached to the bytes still says whose they are.
    registry.push(REPO, TAG, &image::single("the next one"));
    let build = DroneBuild::push("main");
    to_qa(&address, &build, &[("VERSION", "build_418")]).ends(
        1,
        &[
            "refused by qa-closed",
            "a statement in the registry",
            BRANCH,
        ],
    );
}
