//! Good answers with random damage: whatever comes, nothing panics, and what is taken for a version
//! stands in the answers as it is. The same seed every time.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::*;
use crate::support::drone_api;
use crate::support::http::{Reply, Response, serve};
use crate::support::kubernetes::{IMAGE, deployment, digest, list, pod};

const CASES: u32 = 400;

/// One change: the how-manieth value of the whole, and what it becomes; `None` takes it out.
type Damage = (usize, Option<Value>);

fn leaf() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        Just(Some(json!(null))),
        Just(Some(json!([]))),
        Just(Some(json!({}))),
        any::<bool>().prop_map(|value| Some(json!(value))),
        prop_oneof![Just(0), Just(1), Just(-1), any::<i64>()].prop_map(|value| Some(json!(value))),
        prop_oneof![
            Just(String::new()),
            Just("success".to_owned()),
            Just("promote".to_owned()),
            Just("cs-prod".to_owned()),
            Just("quay.io/example/service:9".to_owned()),
            "[ -~]{0,12}",
            any::<String>(),
        ]
        .prop_map(|value| Some(json!(value))),
    ]
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Changes the value at this place, counted from the outside; says whether it was reached.
fn damage(value: &mut Value, at: &mut usize, new: &Option<Value>) -> bool {
    let below = |child: &mut Value, at: &mut usize| -> Option<bool> {
        *at -= 1;
        if *at == 0 {
            if let Some(new) = new {
                *child = new.clone();
            }
            return Some(new.is_none());
        }
        damage(child, at, new).then_some(false)
    };
    match value {
        Value::Array(items) => {
            for i in 0..items.len() {
                match below(&mut items[i], at) {
                    Some(true) => {
                        items.remove(i);
                        return true;
                    }
                    Some(false) => return true,
                    None => {}
                }
            }
        }
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            for key in keys {
                match below(map.get_mut(&key).expect("the key"), at) {
                    Some(true) => {
                        map.remove(&key);
                        return true;
                    }
                    Some(false) => return true,
                    None => {}
                }
            }
        }
        _ => {}
    }
    false
}

fn texts_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts_in(item, found)),
        Value::Object(map) => map.values().for_each(|item| texts_in(item, found)),
        _ => {}
    }
}

/// Asks a server whose answers, good at first, are damaged.
fn check(step: impl Fn(&str) -> Step, good: [Value; 2]) {
    let answers = Arc::new(Mutex::new(good.clone()));
    let shown = Arc::clone(&answers);
    let server = serve(move |request| {
        let answers = shown.lock().unwrap();
        let second = request.target.contains("/pods?") || request.target.contains("page=2");
        let body = answers[usize::from(second)].to_string();
        Reply::Whole(Response::new(200).with_body("application/json", body))
    });
    let step = step(&server.address());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let damages =
        proptest::collection::vec((any::<bool>(), any::<prop::sample::Index>(), leaf()), 1..4);
    let mut known = 0;
    let result = TestRunner::new_with_rng(config, rng).run(&damages, |damages| {
        let mut damaged = good.clone();
        for (second, index, new) in damages {
            let value = &mut damaged[usize::from(second)];
            let most = count(value);
            let (mut at, new): Damage = (index.index(most), new);
            if at == 0 {
                *value = new.unwrap_or_default();
            } else {
                damage(value, &mut at, &new);
            }
        }
        let mut texts = Vec::new();
        damaged.iter().for_each(|value| texts_in(value, &mut texts));
        *answers.lock().unwrap() = damaged;
        let target = step.one();
        match target.answer {
            Source::Known(deployed) => {
                prop_assert!(!deployed.is_empty());
                for one in deployed {
                    prop_assert!(texts.contains(&one.text), "`{}` was made up", one.text);
                    if let Some(digest) = one.digest {
                        let there = texts.iter().any(|text| text.ends_with(digest.as_str()));
                        prop_assert!(there, "{digest} was made up");
                    }
                }
            }
            Source::Unknown {
                because, advice, ..
            } => {
                prop_assert!(!because.is_empty() && !advice.is_empty());
            }
            Source::NotConfigured(why) => prop_assert!(false, "{why}"),
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    // Undamaged, it is known.
    *answers.lock().unwrap() = good;
    if matches!(step.one().answer, Source::Known(_)) {
        known += 1;
    }
    assert_eq!(known, 1);
}

#[test]
fn a_cluster_makes_no_version_up() {
    let image = format!("{IMAGE}:1.0.0");
    let id = format!("{IMAGE}@{}", digest('a'));
    let pods = [pod(1, "aaa", &image, &id), pod(2, "aaa", &image, &id)];
    let object = serde_json::to_value(deployment(&image)).expect("JSON");
    check(Step::deployment, [object, list(&pods, None)]);
}

#[test]
fn drone_makes_no_version_up() {
    let built = DroneBuild::push("main").with(|build| build.number = 5);
    let live = DroneBuild::promote(&built, "cs-prod").param("VERSION", "1.0.0");
    let builds = [
        drone_api::build(&live, "success"),
        drone_api::build(&built, "success"),
    ];
    check(Step::drone, [json!(builds), json!([])]);
}
