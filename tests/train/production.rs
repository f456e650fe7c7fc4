//! A train that runs in production goes on: its next hotfix is pushed to it, whatever trains there are
//! beside it (B22).

use crate::support::binary::Run;
use crate::support::team::{finding, judge};

use super::world::{ENTRY, POLICY, TRAIN, Trains, masked, noted, policy, said};

/// A hotfix of the train, after the next train was cut.
fn behind() -> Trains {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    newer(&trains, "train-2012.05.11");
    trains
}

fn newer(trains: &Trains, branch: &str) {
    let refspec = format!("main:refs/heads/{branch}");
    trains.team.git(&["push", "--quiet", "origin", &refspec]);
}

fn pushed(trains: &Trains, running: &str) -> Run {
    judge(
        &trains.team.pushed(TRAIN),
        &policy("not-in-production: must, train", running),
    )
}

#[test]
fn the_next_hotfix_goes_into_the_train_that_runs() {
    let trains = behind();
    let mut found = Vec::new();
    for running in [
        "branch-train-2012.04.27",
        "'0.2012.04.27-1'",
        "'0.2012.04.27-2'",
        "quay.example/example/service:0.2012.04.27-1",
    ] {
        let run = pushed(&trains, &format!("running: {{production: {running}}}"));
        run.ends(0, &["is the train that runs in production (B22"]);
        found.push(format!("{running}\n{}", noted(&run, "not-in-production")));
    }
    // Also by a pull request.
    trains.team.branch("mend-three", TRAIN);
    trains.file("src/three", "mended\n");
    trains.commit("mend three");
    trains.team.push("mend-three");
    let pull = trains.team.pull_request("mend-three", TRAIN);
    let running = "running: {production: branch-train-2012.04.27}";
    judge(&pull, &policy("train", running)).ends(0, &["is the train that runs in production"]);
    // A hotfix branch of its own stays closed.
    trains.team.branch("hotfix/x", "main");
    trains.file("src/x", "mended\n");
    trains.commit("mend x");
    trains.team.push("hotfix/x");
    let text = policy("not-in-production", "running: branch-hotfix_x");
    judge(&trains.team.pushed("hotfix/x"), &text).begins(1, "refused by not-in-production");
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn what_is_not_known_to_run_is_not_known() {
    let trains = behind();
    let mut found = Vec::new();
    for (running, code) in [
        ("running: {production: branch-train-2012.05.11}", 1),
        ("running: {production: '0.2012.05.11-1'}", 1),
        ("", 1),
        (
            "running: {production: {drone: production}}, drone: 'https://127.0.0.1:1'",
            2,
        ),
        (
            "running: {a: branch-train-2012.05.11, b: {drone: production}}, drone: 'https://127.0.0.1:1'",
            2,
        ),
        ("running: {production: build_418}", 2),
        // Where one target runs it, the others do not matter.
        (
            "running: {a: branch-train-2012.04.27, b: {drone: production}}, drone: 'https://127.0.0.1:1'",
            0,
        ),
    ] {
        let run = pushed(&trains, running);
        run.ends(code, &[]);
        found.push(format!("{running}\n{}", said(&run, "train")));
    }
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn a_slip_of_the_pen_is_no_train() {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    let mut found = Vec::new();
    for branch in ["train-2012.13.45", "train-2102.04.27"] {
        newer(&trains, branch);
        let run = trains.pushed("train", "");
        run.ends(0, &["is the newest train"]);
        found.push(noted(&run, "train"));
        // The slip itself gets no fix.
        let run = judge(&trains.team.pushed(branch), &policy("train", ""));
        run.ends(1, &[]);
        found.push(masked(&finding(&run, "train")));
        let delete = format!(":refs/heads/{branch}");
        trains.team.git(&["push", "--quiet", "origin", &delete]);
    }
    // What has no form of a date is only counted.
    for branch in ["train-2012-1", "train-2013-99"] {
        newer(&trains, branch);
    }
    let numbered = POLICY
        .replace(r"^train-\d{4}\.\d\d\.\d\d$", "^train-.+$")
        .replace("train: {}", "train: {branches: '^train-(.+)$'}");
    let text = format!("{numbered}, rules: {{train: must, base-is-production: off}}");
    let run = judge(&trains.team.pushed(TRAIN), &text);
    run.ends(1, &["while `train-2013-99` is newer"]);
    insta::assert_snapshot!(found.join("\n\n"));
}
