//! Names of production that fall into the steps for everything else: «not production» is often
//! written as everything but `*-prod`, and then `prod`, `production` and `CS-PROD` are not production
//! (process.md §3.3). Drone's patterns look at case, the policy does not.

use super::condition::{Conditions, Field};
use super::glob;
use super::weakness::{Context, Kind, Weakness, list, of_step};
use super::{Pipeline, Step};
use crate::policy::targets::Class;

/// Finds them.
pub(super) fn find(context: &Context<'_>) -> Vec<Weakness> {
    let production: Vec<String> = targets(context)
        .into_iter()
        .filter(|name| is_production(context, name))
        .collect();
    // Only where others are for production are these for all else. The gate deploys nothing.
    let others: Vec<_> = context
        .steps()
        .filter(|(at, ..)| !context.gates.contains(at))
        .filter(|(_, pipeline, step)| names_production(context, pipeline, step))
        .collect();
    if others.is_empty() {
        return Vec::new();
    }
    let stray: Vec<String> = production
        .into_iter()
        .filter(|name| !others.iter().any(|(_, p, s)| admits(p, s, name)))
        .collect();
    let mut found = Vec::new();
    for (at, pipeline, step) in context.steps() {
        let Some(line) = excludes_targets(pipeline, step) else {
            continue;
        };
        if context.gates.contains(&at) || names_production(context, pipeline, step) {
            continue;
        }
        let here: Vec<&String> = stray
            .iter()
            .filter(|name| admits(pipeline, step, name))
            .collect();
        if !here.is_empty() {
            let what = format!(
                "the targets {} look like production and reach {}, which is for everything else",
                list(&here),
                list(&[&step.name])
            );
            let advice = "list the targets of this step by name instead of excluding some";
            found.push(of_step(
                Kind::WrongCluster,
                pipeline,
                step,
                line,
                what,
                advice,
            ));
        }
    }
    found
}

/// Every target that is worth a look: what the policy and the file name, with the forms of
/// production that people type.
pub(super) fn targets(context: &Context<'_>) -> Vec<String> {
    let lists = &context.policy.targets;
    let written = [&lists.production, &lists.qa, &lists.trial].into_iter();
    let written = written.flat_map(|patterns| patterns.written());
    let named = written.map(|pattern| {
        let name = pattern.trim_start_matches('!').trim();
        name.replace(['*', '?'], "x")
    });
    let mut targets: Vec<String> = named.collect();
    for conditions in context.pipelines.iter().flat_map(Pipeline::conditions) {
        if let Some(condition) = conditions.get(Field::Target) {
            let patterns = condition.include.iter().chain(&condition.exclude);
            targets.extend(patterns.map(|pattern| glob::example(pattern)));
        }
    }
    let people = [
        "prod",
        "production",
        "Prod",
        "Production",
        "PROD",
        "PRODUCTION",
    ];
    let upper = targets.iter().filter(|name| is_production(context, name));
    let mut typed: Vec<String> = upper.map(|name| name.to_uppercase()).collect();
    typed.extend(people.map(str::to_owned));
    targets.extend(typed);
    let mut seen = std::collections::HashSet::new();
    targets.retain(|name| seen.insert(name.clone()));
    targets
}

/// Whether a target is production, by the policy or by its plain name.
fn is_production(context: &Context<'_>, name: &str) -> bool {
    match context.policy.targets.class(name) {
        Class::Production => true,
        Class::Unlisted => matches!(name.to_ascii_lowercase().as_str(), "prod" | "production"),
        Class::Qa | Class::Trial => false,
    }
}

/// The line where a step, or its pipeline, takes all targets but some.
fn excludes_targets(pipeline: &Pipeline, step: &Step) -> Option<usize> {
    let conditions = step.when.iter().chain(&pipeline.trigger);
    let mut targets = conditions.filter_map(|conditions| conditions.get(Field::Target));
    targets
        .find(|target| !target.exclude.is_empty() && target.include.is_empty())
        .map(|target| target.line)
}

/// Whether a step, or its pipeline, names a target of production that it is for.
fn names_production(context: &Context<'_>, pipeline: &Pipeline, step: &Step) -> bool {
    let conditions = step.when.iter().chain(&pipeline.trigger);
    let mut targets = conditions.filter_map(|conditions| conditions.get(Field::Target));
    targets.any(|target| {
        let names = target.include.iter().map(|pattern| glob::example(pattern));
        names.into_iter().any(|name| is_production(context, &name))
    })
}

/// Whether a promotion to a target reaches a step, as far as targets decide.
fn admits(pipeline: &Pipeline, step: &Step, name: &str) -> bool {
    let open = |any: &[Conditions]| {
        any.is_empty()
            || any.iter().any(|conditions| {
                let target = conditions.get(Field::Target);
                target.is_none_or(|target| target.admits(name).unwrap_or(true))
            })
    };
    let promoted = |any: &[Conditions]| {
        any.is_empty()
            || any.iter().any(|conditions| {
                let event = conditions.get(Field::Event);
                event.is_none_or(|event| {
                    ["promote", "rollback"]
                        .iter()
                        .any(|e| event.admits(e).unwrap_or(true))
                })
            })
    };
    [&pipeline.trigger, &step.when]
        .into_iter()
        .all(|any| open(any) && promoted(any))
}
