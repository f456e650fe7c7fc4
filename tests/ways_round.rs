//! Ways around the gate that somebody tried. Each must stay closed.

mod answers;
mod builds;
mod bytes;
mod later;
mod parameters;
mod servers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use crate::support::binary::{Run, run};
use crate::support::gate::{drone_environment, drone_gate, woodpecker_environment};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};
use crate::support::registry::TempDir;
use crate::support::scripted::{Script, Scripted};

#[track_caller]
fn code(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{}", run.text);
    for word in words {
        assert!(run.text.contains(word), "no {word} in\n{}", run.text);
    }
}

fn release_to_qa() -> DroneBuild {
    DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", "1.2.3")
}

fn settings(address: &str) -> String {
    format!("{{policy: {{repo: \"{address}/example/app\", tls: {{insecure: [\"{address}\"]}}}}}}")
}

fn promote(server: &Scripted, version: &str) -> Run {
    let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", version);
    run(drone_environment(&build, &settings(&server.address())))
}

/// The first value of a variable in an environment.
fn value<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    environment
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

/// Runs the gate where no server is known to it.
fn offline(build: &DroneBuild) -> Run {
    run(drone_environment(build, "{policy: {}}"))
}

/// Settings with the repository `example/app` of a registry that speaks plain HTTP.
fn with_repo(address: &str, more: &str) -> String {
    format!(
        "{{{more}, policy: {{repo: \"{address}/example/app\", tls: {{insecure: [\"{address}\"]}}}}}}"
    )
}

/// Promotes a build to QA with these parameters, with the repository `example/app` of a registry.
fn promote_with(address: &str, tls: &str, build: &DroneBuild, parameters: &[(&str, &str)]) -> Run {
    let promotion = DroneBuild::promote(build, "cs-qa");
    let promotion = parameters
        .iter()
        .fold(promotion, |build, (name, value)| build.param(name, value));
    let settings =
        format!("{{policy: {{repo: \"{address}/example/app\", timeout: 2s, tls: {tls}}}}}");
    run(drone_environment(&promotion, &settings))
}

/// The same, where the registry speaks plain HTTP.
fn to_qa(address: &str, build: &DroneBuild, parameters: &[(&str, &str)]) -> Run {
    promote_with(
        address,
        &format!("{{insecure: [\"{address}\"]}}"),
        build,
        parameters,
    )
}

#[test]
fn a_hotfix_named_beside_the_version_in_any_dress() {
    for dress in [
        "branch-hotfix_X",
        "quay.io/a/b:branch-hotfix_X",
        "docker://quay.io/a/b:branch-hotfix_X@sha256:00",
        "oci:dir/branch-hotfix_X",
        "https://quay.io/v2/a/b/manifests/branch-hotfix_X",
        "quay.io%2Fa%2Fb%3Abranch-hotfix_X",
        "branch%2dhotfix_X",
        "tag#branch-hotfix_X",
        "-branch-hotfix_X",
        "--set=image.tag=branch-hotfix_X",
        "{\"image\":{\"tag\":\"branch-hotfix_X\"}}",
        "hotfix/X",
        "refs/heads/hotfix/X",
        "refs/heads/heads/hotfix/X",
        "refs/tags/hotfix/X",
        "refs/tags/branch-hotfix_X",
        "refs/remotes/upstream/hotfix/X",
        "origin/hotfix/X",
        "HEAD:refs/heads/hotfix/X",
        "+hotfix/X:main",
        "https://git.example/o/r.git#hotfix/X",
        "deploy/branch-hotfix_X/values.yaml",
        "https://ci.example/x/branch-hotfix_X/",
        "1.2.3+branch-hotfix_X",
        "img~branch-hotfix_X",
        "«branch-hotfix_X»",
    ] {
        let build = release_to_qa().param("SOURCE", dress);
        let run = run(drone_environment(&build, "{policy: {}}"));
        code(
            &run,
            1,
            &["refused by qa-closed", "`SOURCE`", "only mentions a hotfix"],
        );
    }
    // What only sounds like one stops no release.
    for text in [
        "^hotfix/.+$",
        "the hotfix is over",
        "https://wiki.example/hotfix/X",
        "hotfix/",
        "my-hotfix_X",
        "%zz%",
    ] {
        let build = release_to_qa().param("NOTES", text);
        code(
            &run(drone_environment(&build, "{policy: {}}")),
            0,
            &["allowed"],
        );
    }
    // A value made of nothing but names is not looked at for ever.
    let many: Vec<String> = (0..8_000).map(|i| format!("hotfix/{i}")).collect();
    let build = release_to_qa().param("MANY", &many.join(" "));
    code(
        &run(drone_environment(&build, "{policy: {}}")),
        1,
        &["and 97 more"],
    );
}

#[test]
fn a_build_whose_branch_is_no_branch_is_not_known() {
    let of = |branch: &str| {
        let build = DroneBuild::promote(&DroneBuild::push(branch), "cs-qa");
        run(drone_environment(&build, "{policy: {}}"))
    };
    let sha = DroneBuild::push("main").sha;
    code(&of(&sha[..7]), 2, &["undecided, qa-closed"]);
    code(&of(&sha[..12]), 2, &["undecided, qa-closed"]);
    for branch in ["heads/hotfix/X", "origin/hotfix/X", "refs/heads/hotfix/X"] {
        code(&of(branch), 1, &["refused by qa-closed"]);
    }
    code(&of("main"), 0, &["allowed"]);
    // A team that opens QA still gets what else it demands of a hotfix.
    let build = DroneBuild::promote(&DroneBuild::push(&sha[..7]), "cs-qa");
    let open = "{policy: {rules: {qa-closed: \"off\", reviewed: must}}}";
    code(
        &run(drone_environment(&build, open)),
        2,
        &["undecided, reviewed"],
    );
}

#[test]
fn a_pull_request_of_a_hotfix_on_woodpecker() {
    let deploy = |parent: &WoodpeckerBuild| {
        let build = WoodpeckerBuild::deployment(parent, "cs-qa");
        run(woodpecker_environment(&build, "{policy: {}}"))
    };
    code(
        &deploy(&WoodpeckerBuild::pull_request(7, "hotfix/X", "main")),
        1,
        &["source branch is `hotfix/X`"],
    );
    code(
        &deploy(&WoodpeckerBuild::pull_request(7, "fix", "main")),
        0,
        &["allowed"],
    );
    // Only the names that the server sets about the pipeline before are taken as facts.
    let build = WoodpeckerBuild::deployment(&WoodpeckerBuild::push("main"), "cs-qa");
    let invented = build
        .param("VERSION", "1.0.0")
        .param("CI_PREV_VERSION", "branch-hotfix_X");
    code(
        &run(woodpecker_environment(&invented, "{policy: {}}")),
        1,
        &["`CI_PREV_VERSION`"],
    );
}

#[test]
fn a_tag_on_another_host_is_not_ours() {
    let server = Script::new().start();
    for version in [
        "mirror.example/example/app:1.0.0",
        "mirror.example/app:1.0.0",
        "other/app:1.0.0",
        // What pulls an image takes a name without a host for Docker Hub's.
        "example/app:1.0.0",
        "app:1.0.0",
    ] {
        code(
            &promote(&server, version),
            2,
            &["another repository than `policy.repo`"],
        );
    }
    server.finish();
    // A tag in front of a digest that nobody looked at proves nothing.
    let digest =
        "svc:1.0.0@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", digest);
    let named = "{policy: {rules: {qa-closed: must}}}";
    code(
        &run(drone_environment(&build, named)),
        2,
        &["undecided", "bare digest"],
    );
}

#[test]
fn a_parameter_cannot_choose_what_a_host_name_means() {
    let server = Script::new().start();
    for name in ["HOSTALIASES", "LOCALDOMAIN", "RES_OPTIONS"] {
        let build = release_to_qa().param(name, "attacker.example");
        let run = run(drone_environment(&build, &settings(&server.address())));
        code(
            &run,
            2,
            &["undecided", name, "start the build again without"],
        );
    }
    server.finish();
}

#[test]
fn a_secret_that_is_missing_stays_missing_beside_another() {
    let gate = drone_gate("{config: {from_secret: c}, policy: {repo: \"127.0.0.1:1/a/b\"}}");
    let build = release_to_qa()
        .param("PLUGIN_USERNAME", "mallory")
        .param("PLUGIN_PASSWORD", "mallory-1");
    let run = run(build.environment(&gate, &[], &BTreeMap::new()));
    code(&run, 2, &["undecided", "`config` is set but empty"]);
}

#[test]
fn a_policy_cannot_open_qa_by_a_slip() {
    let build =
        DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", "branch-hotfix_X");
    for (policy, word) in [
        ("targets: {qa: []}", "qa-closed: \"off\""),
        ("targets: {qa: [\"!x\"]}", "names no target"),
        ("targets: {qa: [\"release,qa\"]}", "not one name"),
        ("targets: {qa: \"qa ; *-qa\"}", "not one name"),
        ("targets: {qa: \"*-qa|qa\"}", "not one name"),
        ("targets: {qa: [\"^.*-qa$\"]}", "not one name"),
        ("version_params: []", "an empty list"),
    ] {
        code(
            &run(drone_environment(
                &build,
                &format!("{{policy: {{{policy}}}}}"),
            )),
            3,
            &[word],
        );
    }
    code(
        &run(drone_environment(
            &build,
            "{policy: {rules: {qa-closed: off}}}",
        )),
        0,
        &["allowed"],
    );
}

#[test]
fn a_fifo_in_the_checkout_stops_nothing() {
    let directory = TempDir::new();
    let path = PathBuf::from(directory.path(""));
    std::fs::create_dir(path.join(".git")).unwrap();
    let made = Command::new("mkfifo")
        .arg(path.join(".git/HEAD"))
        .arg(path.join(".tags"))
        .status();
    assert!(made.expect("mkfifo starts").success());
    let push = DroneBuild::push("hotfix/HOCS-1").with(|build| build.workspace = path.clone());
    code(
        &run(drone_environment(
            &push,
            "{policy: {rules: {base-is-production: off}}}",
        )),
        4,
        &["`.tags` is there and is no regular file"],
    );
    // A checkout is there, so git is asked where the commit lies.
    let promote = release_to_qa().with(|build| {
        build.workspace = path.clone();
        build.remote = Some("/nowhere/at/all".to_owned());
    });
    code(
        &run(drone_environment(&promote, "{policy: {}}")),
        2,
        &[
            "undecided, qa-closed",
            "`/nowhere/at/all` is no git repository",
        ],
    );
    // A file that looks like one of our own temporary ones is left alone.
    directory.write(".drone-hotfix-1", "precious");
    code(
        &run(drone_environment(
            &push,
            "{policy: {tags_file: t, rules: {base-is-production: off}}}",
        )),
        0,
        &["written to `t`"],
    );
    assert_eq!(directory.read(".drone-hotfix-1"), "precious");
}

#[test]
fn the_way_out_is_a_command_that_works() {
    let of = |branch: &str, version: Option<&str>, policy: &str| {
        let mut build = DroneBuild::promote(&DroneBuild::push(branch), "cs-qa");
        if let Some(version) = version {
            build = build.param("VERSION", version);
        }
        run(drone_environment(
            &build,
            &format!("{{policy: {{{policy}}}}}"),
        ))
        .text
    };
    let digest = format!("sha256:{}", "ab".repeat(32));
    let long = format!("branch-hotfix_{}", "x".repeat(100));
    let repo = "repo: quay.io/example/svc";
    for (text, expected) in [
        (
            of("main", Some(&long), repo),
            format!("svc=quay.io/example/svc:{long}\n"),
        ),
        (
            of("hotfix/X", Some("quay.io/a/svc:build_7"), repo),
            "svc=quay.io/a/svc:build_7\n".to_owned(),
        ),
        (
            of("hotfix/X", Some(&digest), repo),
            format!("svc=quay.io/example/svc@{digest}\n"),
        ),
        (
            of("hotfix/X", None, &format!("{repo}, tag: \"hf-{{branch}}\"")),
            "svc=quay.io/example/svc:hf-hotfix_X\n".to_owned(),
        ),
        (
            of("hotfix/X", Some("a b"), repo),
            "svc=quay.io/example/svc:branch-hotfix_X\n".to_owned(),
        ),
    ] {
        assert!(text.contains(&expected), "no {expected} in\n{text}");
    }
}

#[test]
fn a_promotion_without_a_version_asks_no_registry() {
    // Neither a registry that is down nor a missing secret stops what only the build can tell.
    let gate = drone_gate(
        "{username: {from_secret: u}, password: {from_secret: p}, policy: {repo: \"127.0.0.1:1/a/b\"}}",
    );
    let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa");
    code(
        &run(build.environment(&gate, &[], &BTreeMap::new())),
        0,
        &["allowed"],
    );
    let hotfix = DroneBuild::promote(&DroneBuild::push("hotfix/X"), "cs-qa");
    code(
        &run(hotfix.environment(&gate, &[], &BTreeMap::new())),
        1,
        &["refused by qa-closed"],
    );
}
