//! What surely has ended before a step begins.
//!
//! A Drone pipeline is a graph if any of its steps has `depends_on`, and then a step without it
//! starts at once; else each step waits for the one before it, services first
//! (drone-runners/drone-runner-docker engine/compiler/util.go `isGraph`, `configureSerial`). A step
//! that `when` leaves out keeps its place in both. Among pipelines, what waits for one that the
//! trigger leaves out waits for what that one waits for (drone trigger/dag).

use std::collections::{HashMap, HashSet};

use super::Pipeline;

/// A step: the index of its pipeline and its own.
pub type At = (usize, usize);

/// Every step that has ended before this one begins, in its own pipeline and in those that the
/// pipeline waits for.
pub fn before(pipelines: &[Pipeline], (pipeline, step): At) -> HashSet<At> {
    let here = within(&pipelines[pipeline], step).into_iter();
    let mut all: HashSet<At> = here.map(|step| (pipeline, step)).collect();
    for other in pipelines_before(pipelines, pipeline) {
        all.extend((0..pipelines[other].steps.len()).map(|step| (other, step)));
    }
    all
}

fn within(pipeline: &Pipeline, step: usize) -> HashSet<usize> {
    if !pipeline.is_graph() {
        return (0..step).collect();
    }
    let names: HashMap<&str, usize> = by_name(pipeline.steps.iter().map(|s| s.name.as_str()));
    closure(step, |step| {
        let wanted = pipeline.steps[step].depends_on.iter();
        wanted
            .filter_map(|name| names.get(name.as_str()).copied())
            .collect()
    })
}

fn pipelines_before(pipelines: &[Pipeline], pipeline: usize) -> HashSet<usize> {
    let names = by_name(pipelines.iter().map(|p| p.name.as_str()));
    closure(pipeline, |pipeline| {
        let wanted = pipelines[pipeline].depends_on.iter();
        wanted
            .filter_map(|name| names.get(name.as_str()).copied())
            .collect()
    })
}

/// The places of names. One that stands twice names nobody: which of them is waited for is not said.
fn by_name<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    let (mut places, mut twice) = (HashMap::new(), Vec::new());
    for (index, name) in names.enumerate() {
        if places.insert(name, index).is_some() {
            twice.push(name);
        }
    }
    for name in twice {
        places.remove(name);
    }
    places
}

/// Everything that can be reached; the start only if a circle leads back to it, in which case
/// nothing of it ever runs.
fn closure(start: usize, next: impl Fn(usize) -> Vec<usize>) -> HashSet<usize> {
    let (mut found, mut open) = (HashSet::new(), next(start));
    while let Some(one) = open.pop() {
        if found.insert(one) {
            open.extend(next(one));
        }
    }
    found
}
