//! Confidential hotfixes: what gives one away is found and not repeated, registries are asked what
//! they show to everybody, and no output holds what people have written.

mod canaries;
mod disguises;
mod hostile;
mod mistakes;
mod own_words;
mod refusals;
mod registries;

use std::collections::BTreeMap;

use crate::support::binary::{Run, run};
use crate::support::gate::drone_gate;
use crate::support::pipeline::DroneBuild;
use crate::support::team::{FIXED, Team};

/// What a team writes whose private tracker has the project `SEC`.
const PRIVATE: &str = r"running: '1.0.0', confidential_ticket: '^SEC-\d+$'";

/// A hotfix of 1.0.0 with one commit of this message, as a build of the private repository.
fn hotfix(team: &Team, branch: &str, message: &str) -> DroneBuild {
    team.branch(branch, "1.0.0");
    team.commit("src/app", FIXED, message);
    team.push(branch);
    pushed(team, branch)
}

/// A build of what was pushed to the private repository.
fn pushed(team: &Team, branch: &str) -> DroneBuild {
    team.pushed(branch).with(|build| build.private = true)
}

/// Runs the gate with a policy of which these are the keys, and these variables in the place of the
/// server's; one without a value is taken away.
fn judge_with(build: &DroneBuild, policy: &str, changes: &[(&str, Option<&str>)]) -> Run {
    let settings = format!(
        "{{username: {{from_secret: u}}, password: {{from_secret: p}}, \
         policy: {{{policy}}}, log_level: debug}}"
    );
    let secrets = [("u", "hot"), ("p", "fix-password")];
    let secrets: BTreeMap<String, String> = secrets
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut variables = build.environment(&drone_gate(&settings), &[], &secrets);
    for (name, value) in changes {
        variables.retain(|(known, _)| known != name);
        variables.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
    }
    run(variables)
}

fn judge(build: &DroneBuild, policy: &str) -> Run {
    judge_with(build, policy, &[])
}

/// A text without commits and without the ports of this run.
fn masked(text: &str) -> String {
    let ids = regex::Regex::new(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{7}\b|127\.0\.0\.1:[0-9]+").unwrap();
    let name = |found: &regex::Captures<'_>| match found[0].contains(':') {
        true => "REGISTRY".to_owned(),
        false => "COMMIT".to_owned(),
    };
    ids.replace_all(text, name).into_owned()
}
