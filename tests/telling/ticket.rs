//! The deployment ticket in the log, in the summary and as a file.

use serde_json::Value;

use super::{World, hotfix};
use crate::support::pipeline::DroneBuild;
use crate::support::team::{Team, judge};

const FILE: &str = "ticket_file: out/ticket.txt, summary: out/hotfix.json";

/// Ids of commits, shortened ones too, as something that does not change.
fn steady(text: &str) -> String {
    let ids = regex::Regex::new(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{7}\b|/\S*/origin[^\s,]*").unwrap();
    ids.replace_all(text, "ID").into_owned()
}

#[test]
fn a_published_hotfix_has_a_ticket() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.commit(
        "src/app",
        "one\nTWO\nTHREE\nfour\nfive\nsix\n",
        "mend three\n\nWith more text.",
    );
    team.push("hotfix/HOCS-1");
    let build = team.pushed("hotfix/HOCS-1");
    let run = judge(&build, FILE);
    run.ends(0, &["deployment ticket\nversion: branch-hotfix_HOCS-1\n"]);
    let file = std::fs::read_to_string(build.workspace.join("out/ticket.txt")).unwrap();
    insta::assert_snapshot!("ticket_file", steady(&file));
    let block = file.split_once('\n').unwrap().1;
    assert!(
        run.text.contains(&format!("deployment ticket\n{block}")),
        "{}",
        run.text
    );
    let summary = std::fs::read_to_string(build.workspace.join("out/hotfix.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let ticket = &summary["deployment_ticket"];
    assert_eq!(ticket["commit"], build.sha);
    assert_eq!(ticket["changes"].as_array().unwrap().len(), 2);
    // The file is ours, and written again; what is not ours stays.
    judge(&build, FILE).ends(0, &[]);
    std::fs::write(build.workspace.join("out/ticket.txt"), "precious").unwrap();
    judge(&build, FILE).ends(
        0,
        &["the deployment ticket was not written to a file: `out/ticket.txt` is there"],
    );
}

#[test]
fn what_is_not_published_has_none() {
    let world = World::new("unused.example");
    let refused = world.judge(&DroneBuild::push("hotfix/HOCS+1"), FILE);
    assert_ne!(refused.code, 0);
    assert!(
        !refused.text.contains("deployment ticket"),
        "{}",
        refused.text
    );
    let text = world.workspace.read("out/hotfix.json");
    let summary: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(summary["deployment_ticket"], Value::Null);
    assert!(!std::path::Path::new(&world.workspace.path("out/ticket.txt")).exists());
}

#[test]
fn what_is_not_known_is_said_and_no_password_is_shown() {
    let world = World::new("unused.example");
    let build = hotfix().with(|build| {
        build.remote = Some(
            "https://someone:canary-password@git.example/example/service.git?t=canary".to_owned(),
        );
    });
    let run = world.judge(&build, "rules: {}");
    run.ends(
        0,
        &[
            "code:    https://git.example/example/service.git, branch hotfix/HOCS-1234\n",
            "changes: not known: the workspace holds no git checkout\n",
        ],
    );
}
