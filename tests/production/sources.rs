//! Who knows what runs in production, asked by the real binary: a cluster, Drone, and a registry for
//! digests. A source that is absent, slow, garbled or refuses never makes a `must` green.

use serde_json::json;

use crate::support::binary::{Run, run};
use crate::support::drone_api;
use crate::support::gate::drone_environment;
use crate::support::image;
use crate::support::kubernetes::{
    DEPLOYMENT, NAME, NAMESPACE, cluster, deployment, digest, pod, refusal,
};
use crate::support::pipeline::DroneBuild;
use crate::support::registry::Registry;
use crate::support::scripted::{Answer, Script, Scripted};
use crate::support::team::Team;

/// A push of a hotfix of 1.0.0, judged with these keys and the tokens of both servers.
fn ask(team: &Team, policy: &serde_json::Value) -> Run {
    let settings = json!({ "policy": policy, "log_level": "debug" });
    let mut variables = drone_environment(&team.pushed("hotfix/HOCS-1"), &settings.to_string());
    for name in ["PLUGIN_KUBE_TOKEN", "PLUGIN_DRONE_TOKEN"] {
        variables.push((name.to_owned(), "a-secret-token".to_owned()));
    }
    let run = run(variables);
    assert!(!run.text.contains("a-secret-token"), "{}", run.text);
    run
}

fn by_kube(address: &str, registry: &str) -> serde_json::Value {
    json!({
        "repo": format!("{registry}/example/service"),
        "timeout": "60s",
        "tls": { "insecure": [address, registry] },
        "running": { "cs-prod": {
            "kube": format!("http://{address}"), "namespace": NAMESPACE, "deployment": NAME,
        }},
        "rules": { "base-is-production": "must", "not-in-production": "must" },
    })
}

fn by_drone(address: &str) -> serde_json::Value {
    json!({
        "timeout": "60s",
        "tls": { "insecure": [address] },
        "drone": format!("http://{address}"),
        "running": { "cs-prod": { "drone": "cs-prod" } },
        "rules": { "base-is-production": "must", "not-in-production": "must" },
    })
}

/// A cluster in which this tag runs, with this digest.
fn running(tag: &str, digest: &str) -> Scripted {
    let image = format!("mirror.example/example/service:{tag}");
    let id = format!("mirror.example/example/service@{digest}");
    let pods = [pod(0, "new", &image, &id), pod(1, "new", &image, &id)];
    cluster(&deployment(&image), &pods).start()
}

#[test]
fn a_cluster_says_what_runs() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let registry = Registry::open();
    let ours = image::single("hotfix");
    registry.push("example/service", "branch-hotfix_HOCS-1", &ours);
    let ask = |tag: &str, digest: &str| {
        let server = running(tag, digest);
        ask(&team, &by_kube(&server.address(), &registry.address()))
    };
    let run = ask("1.0.0", &digest('a'));
    run.ends(0, &["passed: base-is-production (must): `cs-prod` runs `mirror.example/example/service:1.0.0` (git tag `1.0.0`)"]);
    for (tag, digest) in [
        ("branch-hotfix_HOCS-1", digest('a')),
        // By another name, and all the same ours.
        ("1.0.0", ours.manifest.digest.clone()),
    ] {
        let run = ask(tag, &digest);
        run.begins(1, "refused by not-in-production");
    }
    let run = ask("1.1.0", &digest('a'));
    run.begins(1, "refused by base-is-production");
}

#[test]
fn a_registry_that_does_not_answer_leaves_a_digest_unknown() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let server = running("1.0.0", &digest('a'));
    let nobody = Script::new().start().address();
    let run = ask(&team, &by_kube(&server.address(), &nobody));
    run.ends(2, &["not-in-production could not be judged"]);
}

#[test]
fn drone_says_what_runs() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let promoted = |version: &str| {
        let parent = DroneBuild::push("main").with(|build| build.number = 5);
        let promotion = DroneBuild::promote(&parent, "cs-prod").with(|build| {
            build.number = 7;
            build.params = vec![("VERSION".to_owned(), version.to_owned())];
        });
        let page = [
            drone_api::build(&promotion, "success"),
            drone_api::build(&parent, "success"),
        ];
        drone_api::on_page(Script::new(), 1, &page).start()
    };
    let server = promoted("1.0.0");
    let run = ask(&team, &by_drone(&server.address()));
    run.ends(0, &["says build 5, promoted to `cs-prod` by build 7"]);
    let server = promoted("branch-hotfix_HOCS-1");
    let run = ask(&team, &by_drone(&server.address()));
    run.begins(1, "refused by not-in-production");
}

#[test]
fn a_source_that_does_not_answer_never_makes_a_must_green() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let garbled = || {
        [
            Answer::status(200).json(&json!({})),
            Answer::status(200).json(&json!([])),
            Answer::status(200).json(&json!({ "kind": "Deployment" })),
            refusal(401, "Unauthorized", "Unauthorized"),
            refusal(403, "Forbidden", "no"),
            refusal(404, "NotFound", "no"),
        ]
    };
    for answer in garbled() {
        let server = Script::new().on("GET", DEPLOYMENT, answer).start();
        let run = ask(&team, &by_kube(&server.address(), "registry.example"));
        run.ends(2, &[]);
    }
    for answer in garbled() {
        let server = Script::new().on("GET", &drone_api::page(1), answer).start();
        let run = ask(&team, &by_drone(&server.address()));
        run.ends(2, &[]);
    }
    // Nobody there.
    let nobody = Script::new().start().address();
    for policy in [by_kube(&nobody, "registry.example"), by_drone(&nobody)] {
        assert_eq!(ask(&team, &policy).code, 2);
    }
    // No source at all.
    let mut policy = by_drone(&nobody);
    policy.as_object_mut().unwrap().remove("running");
    assert_eq!(ask(&team, &policy).code, 2);
}
