//! examples/train.drone.yml as a team would paste it, in a repository with trains.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::binary::{Run, run};
use crate::support::pipeline::{DroneBuild, drone_pipelines};
use crate::support::team::finding;

use super::world::{ENTRY, TRAIN, Trains};

/// The gate of the pipeline of this name, in a build.
fn gate(name: &str, build: &DroneBuild) -> Run {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/train.drone.yml");
    let text = std::fs::read_to_string(path).unwrap();
    let pipelines = drone_pipelines(&text);
    let pipeline = pipelines
        .iter()
        .find(|pipeline| pipeline.name == name)
        .unwrap();
    let step = pipeline
        .steps
        .iter()
        .find(|step| step.name == "hotfix")
        .unwrap();
    let mut variables = build.environment(step, &[], &BTreeMap::new());
    variables.push(("PLUGIN_LOG_LEVEL".to_owned(), "debug".to_owned()));
    run(variables)
}

#[test]
fn a_fix_goes_into_the_train_and_to_production() {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    let push = trains.team.pushed(TRAIN);
    let run = gate("build", &push);
    for rule in ["train", "changelog", "release-bump"] {
        assert!(finding(&run, rule).starts_with("passed: "), "{}", run.text);
    }
    run.ends(0, &["branch-train-2012.04.27"]);
    let promote = |target: &str, ticket: &str| {
        let build = DroneBuild::promote(&push, target);
        let build = build.param("VERSION", "branch-train-2012.04.27");
        gate("deploy", &build.param("TICKET", ticket))
    };
    promote("qa", "bug 900001").begins(1, "refused by qa-closed");
    let run = promote("production", "bug 900001");
    assert!(
        finding(&run, "production-ticket").starts_with("passed: "),
        "{}",
        run.text
    );
    let run = promote("production", "#1234");
    run.begins(1, "refused by");
    assert!(
        finding(&run, "production-ticket").contains("the bug's own ticket"),
        "{}",
        run.text
    );
}

#[test]
fn a_fix_without_its_paperwork_is_refused() {
    let trains = Trains::new();
    trains.file("src/app", "mended\n");
    trains.commit("mend two");
    trains.team.push(TRAIN);
    let run = gate("build", &trains.team.pushed(TRAIN));
    run.ends(
        1,
        &[
            "violated: changelog (must)",
            "violated: release-bump (must)",
        ],
    );
    // Work on the default branch is no hotfix.
    gate("build", &trains.team.pushed("main")).ends(0, &["`main` does not match `^train-"]);
}
