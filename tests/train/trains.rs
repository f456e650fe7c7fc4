//! `train`: the branch is the newest train, and the spec file names it.

use crate::support::team::{finding, judge};

use super::world::{POLICY, TRAIN, Trains, masked, noted, policy, spec};

#[test]
fn the_newest_train_passes() {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(super::world::ENTRY));
    let run = trains.pushed("train", "");
    run.ends(
        0,
        &["passed: train (must): `train-2012.04.27` is the newest train"],
    );
    assert!(
        run.text
            .contains("passed: hotfix-branch (must): `train-2012.04.27` matches `^train-"),
        "{}",
        run.text
    );
}

#[test]
fn another_branch_than_the_newest_train() {
    let trains = Trains::new();
    let team = &trains.team;
    let mut found = Vec::new();
    // No train at all.
    team.branch("hotfix/x", TRAIN);
    trains.file("src/app", "mended\n");
    trains.commit("mend");
    team.push("hotfix/x");
    let run = judge(&team.pushed("hotfix/x"), &policy("train", ""));
    run.ends(1, &[]);
    found.push(finding(&run, "train"));
    // An older one.
    team.switch("train-2012.04.11");
    trains.file("src/app", "mended\n");
    trains.commit("mend");
    team.push("train-2012.04.11");
    let old = team.pushed("train-2012.04.11");
    let run = judge(&old, &policy("train", ""));
    run.ends(1, &[]);
    found.push(finding(&run, "train"));
    // A pull request into it.
    team.branch("mend-it", "train-2012.04.11");
    trains.file("src/more", "mended\n");
    trains.commit("mend");
    team.push("mend-it");
    let pull = team.pull_request("mend-it", "train-2012.04.11");
    found.push(finding(&judge(&pull, &policy("train", "")), "train"));
    // The older one runs in production.
    let running = "running: branch-train-2012.04.11";
    let run = judge(&old, &policy("train", running));
    found.push(noted(&run, "train"));
    // That it is pushed to at all is another rule's business.
    run.begins(1, "refused by not-in-production");
    // The newer one was derailed; a tag says so.
    team.git(&[
        "push",
        "--quiet",
        "origin",
        "HEAD:refs/tags/train-2012.04.27-DERAILED",
    ]);
    let run = judge(&old, &policy("train", ""));
    found.push(noted(&run, "train"));
    run.ends(0, &[]);
    found.push(finding(&trains_pushed_with_fix(&trains), "train"));
    let found: Vec<String> = found.iter().map(|text| masked(text)).collect();
    insta::assert_snapshot!(found.join("\n\n"));
}

fn trains_pushed_with_fix(trains: &Trains) -> crate::support::binary::Run {
    trains.team.switch(TRAIN);
    trains.fix("2", &Trains::log(super::world::ENTRY));
    let run = trains.pushed("train", "");
    run.ends(1, &[]);
    run
}

#[test]
fn another_version_than_the_trains() {
    let trains = Trains::new();
    let release = format!("2{}", super::world::SUFFIX);
    let specs = [
        spec("1.2012.04.27", &release),
        spec("0.2012.04.11", &release),
        spec("0.2012.05.05", &release),
        spec("2012.04.27", &release),
        spec("%{ver}", "%{rel}"),
        spec("", ""),
        "Name: x\n".to_owned(),
        format!("Version: 0.2012.05.05\n{}", spec("0.2012.04.27", &release)),
    ];
    let mut found = Vec::new();
    for text in specs {
        trains.spec(&text);
        trains.commit("mend");
        trains.team.push(TRAIN);
        let run = trains.pushed("train", "");
        run.ends(1, &[]);
        found.push(masked(&finding(&run, "train")));
    }
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn without_a_policy_for_trains_nothing_is_checked() {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(super::world::ENTRY));
    let mut found = Vec::new();
    for rule in ["train", "changelog", "release-bump"] {
        let without = POLICY.replace(", train: {}", "");
        let text = format!("{without}, rules: {{{rule}: must, base-is-production: off}}");
        let run = judge(&trains.team.pushed(TRAIN), &text);
        run.ends(2, &[]);
        found.push(masked(&finding(&run, rule)));
    }
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn paths_prefix_and_trains_are_the_policys() {
    let trains = Trains::new();
    let team = &trains.team;
    team.branch("rel/2012-05", "main");
    trains.file("rpm/x.spec", &spec("v2012-05", "1"));
    trains.commit("cut");
    team.push("rel/2012-05");
    let text = r"prefix: ['^rel/\d{4}-\d\d$'], rules: {train: must, base-is-production: off}, train: {spec: rpm/x.spec,
        changelog: NEWS, version_prefix: v, branches: '^rel/(\d{4}-\d\d)$'}"
        .replace('\n', " ");
    let run = judge(&team.pushed("rel/2012-05"), &text);
    run.ends(0, &["passed: train (must): `rel/2012-05` is the newest train, and `rpm/x.spec` has `Version: v2012-05`"]);
}
