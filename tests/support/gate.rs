//! The step of the gate, as a pipeline file would write it.

use std::collections::BTreeMap;

use super::pipeline::{DroneBuild, Step, WoodpeckerBuild, drone_pipelines, woodpecker_steps};

/// The gate's step with these settings (a YAML flow map, such as `{policy: {}}`).
pub fn drone_gate(settings: &str) -> Step {
    let yaml = format!(
        "kind: pipeline\ntype: docker\nname: example\nsteps:\n- name: hotfix\n  image: drone-hotfix\n  settings: {settings}\n"
    );
    drone_pipelines(&yaml).remove(0).steps.remove(0)
}

/// The same for Woodpecker.
pub fn woodpecker_gate(settings: &str) -> Step {
    let yaml = format!("steps:\n- name: hotfix\n  image: drone-hotfix\n  settings: {settings}\n");
    woodpecker_steps(&yaml).remove(0)
}

/// The environment of the gate in a build of Drone, without secrets.
pub fn drone_environment(build: &DroneBuild, settings: &str) -> Vec<(String, String)> {
    build.environment(&drone_gate(settings), &[], &BTreeMap::new())
}

/// The environment of the gate in a pipeline of Woodpecker, without secrets.
pub fn woodpecker_environment(build: &WoodpeckerBuild, settings: &str) -> Vec<(String, String)> {
    build
        .environment(&woodpecker_gate(settings), &BTreeMap::new())
        .expect("it compiles")
}
