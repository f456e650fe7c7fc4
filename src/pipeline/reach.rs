//! Which steps a promotion reaches without the gate before them.

use std::collections::HashMap;

use super::condition::{Conditions, Field};
use super::order::{self, At};
use super::scenario::{Doubt, Scenarios, World, intersect, without};
use super::weakness::{Context, Kind, Weakness, list};
use super::yaml::{Node, Value};
use super::{Pipeline, Step, clusters};
use crate::ci::Platform;

/// Finds them.
pub(super) fn find(context: &Context<'_>) -> Vec<Weakness> {
    let world = promotions(context);
    // What each gate surely judges; asked once, for every step asks for it.
    let gates: HashMap<At, Vec<Scenarios>> = context
        .gates
        .iter()
        .map(|gate| (*gate, judged(context, &world, *gate)))
        .collect();
    let mut found = Vec::new();
    for (index, pipeline) in context.pipelines.iter().enumerate() {
        let judged: Vec<(&Step, Reached)> = (0..pipeline.steps.len())
            .filter(|step| !context.gates.contains(&(index, *step)))
            .map(|step| (&pipeline.steps[step], (index, step)))
            .filter(|(step, _)| counts(step))
            .map(|(step, at)| (step, reached(context, &world, &gates, at)))
            .collect();
        found.extend(ungated(context, &world, index, &judged));
        found.extend(anyway(pipeline, &judged));
        if judged
            .iter()
            .any(|(_, reached)| *reached == Reached::TooMuch)
            || world.overfull
        {
            found.push(Weakness {
                kind: Kind::Unjudged,
                file: pipeline.file.clone(),
                line: pipeline.line,
                pipeline: Some(pipeline.name.clone()),
                steps: Vec::new(),
                what: "there are more conditions than can be told apart, so not every promotion was followed".to_owned(),
                advice: "say with fewer and plainer conditions what is promoted where".to_owned(),
            });
        }
    }
    found
}

/// Every promotion that the conditions tell apart.
fn promotions(context: &Context<'_>) -> World {
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let events = match context.platform {
        Platform::Drone => texts(&["promote", "rollback"]),
        Platform::Woodpecker => texts(&["deployment"]),
    };
    let given = [
        (Field::Event, events),
        (Field::Repo, vec![context.build.repo.clone()]),
        (Field::Cron, vec![String::new()]),
    ];
    let mut branches = context.policy.prefixes.examples();
    branches.extend(context.build.default_branch.clone());
    let mut refs: Vec<String> = branches
        .iter()
        .map(|branch| format!("refs/heads/{branch}"))
        .collect();
    // A GitHub deployment of a bare commit has neither; a build of a git tag has no branch.
    branches.extend(texts(&["", "any/other"]));
    refs.extend(texts(&[
        "",
        "refs/heads/any/other",
        "refs/tags/v1.0.0",
        "refs/pull/1/head",
    ]));
    let more = [
        (Field::Target, clusters::targets(context)),
        (Field::Branch, branches),
        (Field::Ref, refs),
        (Field::Action, texts(&["", "opened", "synchronized"])),
    ];
    World::new(context.pipelines, &given, &more)
}

/// Whether a step can do anything at all before the gate. Any program can deploy; a service only
/// with a secret, and it always starts first, so naming each database would say nothing.
fn counts(step: &Step) -> bool {
    step.name != "clone" && (!step.service || holds_secret(&step.node))
}

fn holds_secret(node: &Node) -> bool {
    match &node.value {
        Value::Scalar { .. } => false,
        Value::List(items) => items.iter().any(|item| holds_secret(item)),
        Value::Map(pairs) => pairs.iter().any(|(key, value)| {
            key.text() == Some("from_secret")
                || key.text() == Some("secrets")
                || holds_secret(value)
        }),
    }
}

/// How a promotion reaches a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// Not at all.
    Never,
    /// Only after the gate.
    Gated,
    /// After the gate, even if that has refused.
    Anyway,
    /// Without it: no gate comes before.
    NoGate,
    /// Without it: a gate comes before and is left out in some of these; one of them.
    LeftOut(Scenarios),
    /// It cannot be said.
    TooMuch,
}

fn reached(
    context: &Context<'_>,
    world: &World,
    gates: &HashMap<At, Vec<Scenarios>>,
    at: At,
) -> Reached {
    let (pipeline, step) = (
        &context.pipelines[at.0],
        &context.pipelines[at.0].steps[at.1],
    );
    let runs = world.of_step(&pipeline.trigger, &step.when, Doubt::Runs);
    if runs.is_empty() {
        return Reached::Never;
    }
    let before = order::before(context.pipelines, at);
    let gates = gates.iter().filter(|(gate, _)| before.contains(gate));
    let gates: Vec<(&At, &Vec<Scenarios>)> = gates.collect();
    let mut boxes: Vec<Scenarios> = gates
        .iter()
        .flat_map(|(_, boxes)| *boxes)
        .copied()
        .collect();
    boxes.sort_unstable();
    boxes.dedup();
    if boxes.is_empty() {
        return Reached::NoGate;
    }
    match without(&runs, &boxes) {
        None => return Reached::TooMuch,
        Some(left) => {
            if let Some(one) = left.first() {
                return Reached::LeftOut(*one);
            }
        }
    }
    // A pipeline that runs on failure is stopped only by a gate of its own.
    let own = gates.iter().filter(|(gate, _)| gate.0 == at.0);
    let own: Vec<Scenarios> = own.flat_map(|(_, boxes)| *boxes).copied().collect();
    let unstopped = pipeline.on_failure && without(&runs, &own).is_none_or(|left| !left.is_empty());
    let after_failure = |conditions: &Conditions| {
        let when = std::slice::from_ref(conditions);
        conditions.on_failure()
            && !world
                .of_step(&pipeline.trigger, when, Doubt::Runs)
                .is_empty()
    };
    if step.when.iter().any(after_failure) || unstopped {
        Reached::Anyway
    } else {
        Reached::Gated
    }
}

/// The promotions that a gate surely judges.
fn judged(context: &Context<'_>, world: &World, (pipeline, step): At) -> Vec<Scenarios> {
    let pipeline = &context.pipelines[pipeline];
    let step = &pipeline.steps[step];
    let when: Vec<Conditions> = step
        .when
        .iter()
        .filter(|c| c.on_success())
        .cloned()
        .collect();
    if when.is_empty() && !step.when.is_empty() {
        return Vec::new();
    }
    world.of_step(&pipeline.trigger, &when, Doubt::Rests)
}

fn ungated(
    context: &Context<'_>,
    world: &World,
    index: usize,
    judged: &[(&Step, Reached)],
) -> Vec<Weakness> {
    let pipeline = &context.pipelines[index];
    let own = context.gates.iter().find(|(p, _)| *p == index);
    let own = own.map(|(_, step)| pipeline.steps[*step].name.as_str());
    let weakness = |steps: Vec<&Step>, how: String, advice: String| {
        let names: Vec<String> = steps.iter().map(|step| step.name.clone()).collect();
        Weakness {
            kind: Kind::Ungated,
            file: pipeline.file.clone(),
            line: steps.first().map_or(pipeline.line, |step| step.line),
            pipeline: Some(pipeline.name.clone()),
            what: format!("a promotion reaches {} {how}", list(&names)),
            steps: names,
            advice,
        }
    };
    let mut found = Vec::new();
    let (services, steps): (Vec<&Step>, Vec<&Step>) = judged
        .iter()
        .filter(|(_, reached)| *reached == Reached::NoGate)
        .map(|(step, _)| *step)
        .partition(|step| step.service);
    let how = || "without passing the gate".to_owned();
    if !services.is_empty() {
        let advice = "a service starts before every step; take the secrets out of it, or start it in a step after the gate";
        found.push(weakness(services, how(), advice.to_owned()));
    }
    if !steps.is_empty() {
        let advice = advice(context.platform, pipeline, own, steps.len());
        found.push(weakness(steps, how(), advice));
    }
    // Steps that miss the gate in the same way are one finding.
    let mut left_out: Vec<(String, Vec<&Step>)> = Vec::new();
    for (step, reached) in judged {
        if let Reached::LeftOut(scenarios) = reached {
            let example = describe(world, scenarios);
            match left_out.iter_mut().find(|(other, _)| *other == example) {
                Some((_, steps)) => steps.push(step),
                None => left_out.push((example, vec![step])),
            }
        }
    }
    for (example, steps) in left_out {
        let how = format!("where the gate before is left out by its conditions: {example}");
        let advice =
            "let the gate run whenever they do: take the narrower `when` or `trigger` off the gate";
        found.push(weakness(steps, how, advice.to_owned()));
    }
    found
}

/// How steps that have no gate before them get one.
fn advice(platform: Platform, pipeline: &Pipeline, own: Option<&str>, steps: usize) -> String {
    let them = if steps == 1 { "it" } else { "each of them" };
    let elsewhere = match platform {
        Platform::Drone => "`trigger: {event: {exclude: [promote, rollback]}}`",
        Platform::Woodpecker => "`when: [{event: [push, pull_request]}]`",
    };
    match own {
        Some(gate) if pipeline.is_graph() => format!("add `depends_on: [{gate}]` to {them}"),
        Some(gate) => {
            format!("move the step `{gate}` above {them}; the steps run in the order of the file")
        }
        None => format!(
            "give the pipeline `{}` the gate as its first step, or `depends_on` with a pipeline that has it; if it \
             deploys nothing, keep it from promotions with {elsewhere}",
            pipeline.name
        ),
    }
}

/// One promotion of a set, in words.
fn describe(world: &World, scenarios: &Scenarios) -> String {
    let mut words = Vec::new();
    for (field, what) in [
        (Field::Event, "on the event"),
        (Field::Target, "to the target"),
        (Field::Branch, "of the branch"),
        (Field::Ref, "of the reference"),
        (Field::Action, "of a build with the action"),
        (Field::Instance, "on the server"),
        (Field::Evaluate, "where this holds:"),
    ] {
        if world.is_all(scenarios, field) {
            continue;
        }
        let names = world.names(scenarios, field);
        // A name that nobody has written stands for all the others, so it says the most.
        let name = names
            .iter()
            .find(|name| **name == "any-other")
            .or(names.first());
        words.push(match name.copied() {
            Some("any-other") => {
                format!("{what} that nothing names").replace("to the target", "to a target")
            }
            Some("") => format!("without {}", field.key()),
            Some(name) => format!("{what} {}", list(&[name])),
            None => continue,
        });
    }
    words.join(" ")
}

fn anyway(pipeline: &Pipeline, judged: &[(&Step, Reached)]) -> Option<Weakness> {
    let steps: Vec<&Step> = judged
        .iter()
        .filter(|(_, r)| *r == Reached::Anyway)
        .map(|(s, _)| *s)
        .collect();
    let first = steps.first()?;
    let names: Vec<String> = steps.iter().map(|step| step.name.clone()).collect();
    let line = first
        .when
        .iter()
        .filter_map(|c| c.status.as_ref())
        .map(|s| s.line)
        .next();
    let trigger = pipeline
        .trigger
        .iter()
        .filter_map(|c| c.status.as_ref())
        .map(|s| s.line)
        .next();
    let one = steps.len() == 1;
    Some(Weakness {
        kind: Kind::RunsAnyway,
        file: pipeline.file.clone(),
        line: line.or(trigger).unwrap_or(first.line),
        pipeline: Some(pipeline.name.clone()),
        what: format!(
            "{} {} even if the gate refuses",
            list(&names),
            if one { "runs" } else { "run" }
        ),
        steps: names,
        advice:
            "take `failure` out of `status` there, unless all that happens is a message to people"
                .to_owned(),
    })
}

/// The steps that surely run before a step, in all of its scenarios; for what a step leaves to
/// later ones.
pub(super) fn always_before(
    context: &Context<'_>,
    world: &World,
    at: At,
    of: impl Fn(At, &Step) -> bool,
) -> bool {
    let (pipeline, step) = (
        &context.pipelines[at.0],
        &context.pipelines[at.0].steps[at.1],
    );
    let runs = world.of_step(&pipeline.trigger, &step.when, Doubt::Runs);
    let mut before: Vec<Scenarios> = Vec::new();
    for earlier in order::before(context.pipelines, at) {
        // A file in the workspace does not outlive its pipeline.
        if earlier.0 == at.0 && of(earlier, &pipeline.steps[earlier.1]) {
            before.extend(judged(context, world, earlier));
        }
    }
    let inside: Vec<Scenarios> = runs
        .iter()
        .flat_map(|run| before.iter().map(|other| intersect(run, other)))
        .collect();
    without(&runs, &inside).is_some_and(|left| left.is_empty())
}
