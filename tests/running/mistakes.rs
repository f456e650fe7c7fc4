//! Mistakes in `policy.running` and `policy.drone`, all in one report.

use drone_hotfix::problem::Problem;
use serde_json::json;

use super::*;

fn problems(policy: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let policy = Policy::parse(&policy.to_string(), &[], &mut problems);
    assert_eq!(policy.is_some(), problems.is_empty());
    problems
}

#[test]
fn every_mistake_in_the_policy_is_reported() {
    let kube = |more: Value| {
        let mut map = json!({ "kube": "https://kube.example", "namespace": "a" });
        for (key, value) in more.as_object().expect("a map") {
            map[key] = value.clone();
        }
        map
    };
    let running = json!({
        "a": kube(json!({})),
        "b": kube(json!({ "deployment": "x", "daemonset": "y" })),
        "c": kube(json!({ "deployment": "x", "drone": "c" })),
        "d": kube(json!({ "deployment": "../x" })),
        "e": kube(json!({ "deployment": "x", "namespace": "a.b" })),
        "f": kube(json!({ "deployment": "x", "container": "X" })),
        "g": kube(json!({ "deployment": "x", "kube": "http://kube.example" })),
        "h": kube(json!({ "deployment": "x", "kube": "https://a:b@kube.example" })),
        "i": kube(json!({ "deployment": "x", "kube": "https://kube.example/?x=y" })),
        "j": { "drone": "*-prod" },
        "k": "a version",
        "l": { "pod": "x" },
        "!m": "1",
        "n,o": "1",
        // It stands in front of `a`, which is then the second one.
        " A ": "1",
        "p": 1.5,
        "q": { "drone": "ü" },
        "r": kube(json!({ "deployment": "x".repeat(254) })),
    });
    let found = problems(&json!({ "running": running }));
    let settings: Vec<&str> = found.iter().map(|p| p.setting.as_str()).collect();
    let expected = [
        "policy.running.a",
        "policy.running.b",
        "policy.running.c",
        "policy.running.d.deployment",
        "policy.running.e.namespace",
        "policy.running.f.container",
        "policy.running.g.kube",
        "policy.running.h.kube",
        "policy.running.i.kube",
        "policy.running.j.drone",
        "policy.running.k",
        "policy.running.l.pod",
        "policy.running.!m",
        "policy.running.n,o",
        "policy.running.a",
        "policy.running.p",
        "policy.running.q.drone",
        "policy.running.r.deployment",
    ];
    let mut settings = settings;
    settings.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(settings, expected);
    let plain = json!({ "drone": "http://drone.example" });
    let why = &problems(&plain)[0];
    assert!(
        why.next
            .as_deref()
            .is_some_and(|next| next.contains("policy.tls.insecure"))
    );
    let listed =
        json!({ "drone": "http://drone.example", "tls": { "insecure": ["drone.example"] } });
    assert_eq!(problems(&listed), []);
    for empty in [json!({}), json!({ "cs-prod": null })] {
        assert_eq!(problems(&json!({ "running": empty })).len(), 1);
    }
}
