//! Random pipelines, promoted one by one: what runs although the gate refuses, by the reader and the
//! conditions that the tests have of their own, is what the rule names, no more and no less.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use drone_hotfix::pipeline::weakness::Kind;

use super::World;
use crate::support::pipeline::{DroneBuild, Pipeline, drone_pipelines, when_matches_drone};

const CONDITIONS: [&str; 12] = [
    "{}",
    "{}",
    "{event: [promote]}",
    "{event: {exclude: [rollback]}}",
    "{target: [cs-prod]}",
    "{target: ['*-prod', dev]}",
    "{target: {exclude: ['cs-*']}}",
    "{event: [promote], target: {exclude: [dev]}}",
    "{branch: [main]}",
    "{branch: 'hotfix/**'}",
    "{event: [push]}",
    "{environment: dev}",
];

#[derive(Debug, Clone)]
struct Planned {
    gate: bool,
    when: &'static str,
    always: bool,
    waits: Vec<usize>,
}

/// Its steps, its trigger, whether it is a graph, whether it runs on failure, what it waits for.
type Flow = (Vec<Planned>, &'static str, bool, bool, Option<usize>);

fn step() -> impl Strategy<Value = Planned> {
    let waits = vec(0..4_usize, 0..2);
    (
        any::<bool>(),
        select(&CONDITIONS[..]),
        proptest::bool::weighted(0.1),
        waits,
    )
        .prop_map(|(gate, when, always, waits)| Planned {
            gate,
            when,
            always: always && !gate,
            waits,
        })
}

fn pipeline() -> impl Strategy<Value = Flow> {
    (
        vec(step(), 1..5),
        select(&CONDITIONS[..]),
        any::<bool>(),
        proptest::bool::weighted(0.1),
        proptest::option::of(0..3_usize),
    )
}

fn with_status(conditions: &str, always: bool) -> String {
    let inner = &conditions[1..conditions.len() - 1];
    match (always, inner) {
        (false, _) => conditions.to_owned(),
        (true, "") => "{status: [failure, success]}".to_owned(),
        (true, inner) => format!("{{status: [failure, success], {inner}}}"),
    }
}

/// The file. Dependencies lead only backwards, so that there are no circles.
fn write(pipelines: &[Flow]) -> String {
    let mut text = String::new();
    for (p, (steps, trigger, graph, always, after)) in pipelines.iter().enumerate() {
        let trigger = with_status(trigger, *always);
        text.push_str(&format!(
            "---\nkind: pipeline\nname: p{p}\ntrigger: {trigger}\n"
        ));
        if let Some(after) = after.filter(|after| *after < p) {
            text.push_str(&format!("depends_on: [p{after}]\n"));
        }
        text.push_str("steps:\n");
        for (s, step) in steps.iter().enumerate() {
            let when = with_status(step.when, step.always);
            text.push_str(&format!(
                "- name: p{p}s{s}\n  image: i{s}\n  when: {when}\n"
            ));
            if step.gate {
                text.push_str("  settings: {policy: {}}\n");
            }
            let waits: Vec<String> = step
                .waits
                .iter()
                .filter(|other| *graph && **other < s)
                .map(|other| format!("p{p}s{other}"))
                .collect();
            text.push_str(&format!("  depends_on: [{}]\n", waits.join(", ")));
        }
    }
    text
}

fn promotions() -> Vec<DroneBuild> {
    let mut builds = Vec::new();
    for branch in ["main", "hotfix/a", "hotfix/a/b", "other"] {
        for target in [
            "cs-prod",
            "cs-x-prod",
            "dev",
            "x-prod",
            "cs-dev",
            "elsewhere",
        ] {
            let parent = DroneBuild::push(branch);
            builds.push(DroneBuild::promote(&parent, target));
            builds.push(DroneBuild::rollback(&parent, target));
        }
    }
    builds
}

/// Everything that ends before a step begins, as (pipeline, step).
fn before(pipelines: &[Pipeline], p: usize, s: usize) -> BTreeSet<(usize, usize)> {
    let graph = pipelines[p]
        .steps
        .iter()
        .any(|step| !step.depends_on.is_empty());
    let mut found = BTreeSet::new();
    for (other, step) in pipelines[p].steps.iter().enumerate() {
        if graph && pipelines[p].steps[s].depends_on.contains(&step.name) || !graph && other < s {
            found.insert((p, other));
            found.extend(before_here(pipelines, p, other));
        }
    }
    found.extend(before_pipeline(pipelines, p));
    found
}

fn before_here(pipelines: &[Pipeline], p: usize, s: usize) -> BTreeSet<(usize, usize)> {
    before(pipelines, p, s)
        .into_iter()
        .filter(|(other, _)| *other == p)
        .collect()
}

fn before_pipeline(pipelines: &[Pipeline], p: usize) -> BTreeSet<(usize, usize)> {
    let mut found = BTreeSet::new();
    for (other, pipeline) in pipelines.iter().enumerate() {
        if pipelines[p].depends_on.contains(&pipeline.name) {
            found.extend((0..pipeline.steps.len()).map(|step| (other, step)));
            found.extend(before_pipeline(pipelines, other));
        }
    }
    found
}

/// The steps that run in some promotion although each gate refuses.
fn past_the_gate(pipelines: &[Pipeline]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for build in promotions() {
        let runs = |p: usize, s: usize| {
            when_matches_drone(pipelines[p].trigger.as_ref(), &build)
                && when_matches_drone(pipelines[p].steps[s].when.as_ref(), &build)
        };
        let always = |node: &Option<crate::support::yaml::Node>| {
            node.as_ref()
                .is_some_and(|node| node.get("status").is_some())
        };
        for (p, pipeline) in pipelines.iter().enumerate() {
            for (s, step) in pipeline.steps.iter().enumerate() {
                if is_gate(step) || !runs(p, s) {
                    continue;
                }
                let refused: Vec<usize> = before(pipelines, p, s)
                    .into_iter()
                    .filter(|(p, s)| is_gate(&pipelines[*p].steps[*s]) && runs(*p, *s))
                    .map(|(p, _)| p)
                    .collect();
                let here = refused.contains(&p);
                let anyway = always(&step.when) || !here && always(&pipeline.trigger);
                if refused.is_empty() || anyway {
                    found.insert(step.name.clone());
                }
            }
        }
    }
    found
}

fn is_gate(step: &crate::support::pipeline::Step) -> bool {
    step.settings.iter().any(|(name, _)| name == "policy")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_runs_past_the_gate_is_named(pipelines in vec(pipeline(), 1..4)) {
        let text = write(&pipelines);
        let expected = past_the_gate(&drone_pipelines(&text));
        let facts = World::drone("{}").read(&text);
        if facts.unreadable.is_some() {
            // No gate at all.
            prop_assert!(!text.contains("policy"), "{:?}", facts.unreadable);
            return Ok(());
        }
        let named: BTreeSet<String> = facts
            .weaknesses
            .iter()
            .filter(|weakness| matches!(weakness.kind, Kind::Ungated | Kind::RunsAnyway))
            .flat_map(|weakness| weakness.steps.clone())
            .collect();
        prop_assert_eq!(named, expected, "{}", text);
    }
}
