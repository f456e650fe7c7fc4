//! The deployment ticket of a train counts its changes from the release before (B12b).

use crate::support::binary::Run;

use super::world::{ENTRY, SUFFIX, TRAIN, Trains, masked, spec};

/// The deployment ticket that a push of the train prints.
fn ticket(trains: &Trains) -> String {
    let run: Run = trains.pushed("train", "");
    let at = run.text.find("\nchanges");
    let at = at.unwrap_or_else(|| panic!("no ticket in\n{}", run.text));
    let block: Vec<&str> = run.text[at..]
        .trim_start()
        .lines()
        .take_while(|line| line.starts_with("changes") || line.starts_with("- "))
        .collect();
    masked(&block.join("\n"))
}

fn entry(day: u8, what: &str) -> String {
    format!("  * (hotfix 2012.05.{day:02}) mend {what}: #12{day:02}\n")
}

#[test]
fn the_changes_are_those_since_the_release_before() {
    let trains = Trains::new();
    let mut found = Vec::new();
    trains.fix("2", &Trains::log(ENTRY));
    found.push(ticket(&trains));
    // A branch that was begun before the second release and merged after it.
    trains
        .team
        .git(&["switch", "--quiet", "--create", "topic", "HEAD~1"]);
    trains.file("src/topic", "mended\n");
    trains.commit("mend a topic");
    trains.team.switch(TRAIN);
    trains.file("src/three", "mended\n");
    trains.commit("mend three");
    let merge = ["merge", "--quiet", "--no-ff", "--no-edit", "topic"];
    trains.team.git(&merge);
    let log = format!("{ENTRY}{}", entry(3, "three"));
    trains.write(Some("0.2012.04.27"), "3", Some(&Trains::log(&log)));
    trains.commit("Number three");
    trains.team.push(TRAIN);
    found.push(ticket(&trains));
    trains.file("src/four", "mended\n");
    let log = format!("{log}{}", entry(4, "four"));
    trains.write(Some("0.2012.04.27"), "4", Some(&Trains::log(&log)));
    trains.commit("mend four");
    trains.team.push(TRAIN);
    found.push(ticket(&trains));
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn where_no_release_is_before_it_all_came_since_the_train_began() {
    let trains = Trains::new();
    // Without them the train begins where it leaves the default branch.
    let tags = [":refs/tags/1.0.0", ":refs/tags/v1.1.0"];
    let delete = ["push", "--quiet", "origin"];
    trains.team.git(&[&delete[..], &tags[..]].concat());
    trains.file("src/app", "mended\n");
    trains.commit("mend two");
    trains.team.push(TRAIN);
    let mut found = vec![ticket(&trains)];
    // A release that only rpm can read is none to count from.
    trains.spec(&spec("0.2012.04.27", &format!("%{{rel}}{SUFFIX}")));
    trains.commit("Number it by a macro");
    trains.write(Some("0.2012.04.27"), "3", None);
    trains.commit("Number it");
    trains.team.push(TRAIN);
    found.push(ticket(&trains));
    insta::assert_snapshot!(found.join("\n\n"));
}
