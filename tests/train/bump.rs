//! `release-bump`: every hotfix takes the next number.

use crate::support::team::{finding, judge};

use super::world::{ENTRY, SUFFIX, TRAIN, Trains, masked, noted, policy, spec};

const VERSION: &str = "0.2012.04.27";
const THIRD: &str = "  * (hotfix 2012.05.03) mend three: #1235\n";

fn second() -> Trains {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    trains
}

#[test]
fn a_number_for_each_hotfix_passes() {
    let trains = second();
    trains.pushed("release-bump", "").ends(
        0,
        &[
            "`Release` was raised from 1 to 2",
            // The deployment ticket names what is deployed as the train does.
            "\ndeployment ticket\nversion: 0.2012.04.27-2\n",
        ],
    );
    trains.file("src/three", "mended\n");
    trains.commit("mend three");
    trains.write(
        Some(VERSION),
        "3",
        Some(&Trains::log(&format!("{ENTRY}{THIRD}"))),
    );
    trains.commit("number it");
    trains.team.push(TRAIN);
    let run = trains.pushed("release-bump", "");
    run.ends(0, &["`Release` was raised from 2 to 3 since"]);
    trains.pushed("changelog", "").ends(
        0,
        &["has 1 new line below `train-2012.04.27`, such as line 4"],
    );
    // Two more at once.
    let fourth = "  * (hotfix 2012.05.04) mend four: #1236\n";
    for (number, log) in [
        ("4", format!("{ENTRY}{THIRD}{fourth}")),
        ("5", format!("{ENTRY}{THIRD}{fourth}{fourth}")),
    ] {
        trains.file("src/four", number);
        trains.write(Some(VERSION), number, Some(&Trains::log(&log)));
        trains.commit("mend it");
    }
    trains.team.push(TRAIN);
    trains
        .pushed("release-bump", "")
        .ends(0, &["`Release` was raised from 4 to 5"]);
}

/// The finding about a push of the second hotfix with this spec file.
fn about(text: &str, log: &str) -> String {
    let trains = second();
    trains.file("src/three", "mended\n");
    trains.spec(text);
    trains.file("ChangeLog", log);
    trains.commit("mend three");
    trains.team.push(TRAIN);
    let run = trains.pushed("release-bump", "");
    run.ends(1, &[]);
    masked(&finding(&run, "release-bump"))
}

#[test]
fn every_mistake_has_its_own_words() {
    let both = Trains::log(&format!("{ENTRY}{THIRD}"));
    let one = Trains::log(ENTRY);
    let with = |release: &str| spec(VERSION, &format!("{release}{SUFFIX}"));
    let mut found = Vec::new();
    for (what, text, log) in [
        ("no number", with("2"), &one),
        ("a line and no number", with("2"), &both),
        ("by two", with("4"), &both),
        ("lowered", with("1"), &both),
        ("another suffix", spec(VERSION, "3%{?dist}"), &both),
        (
            "another suffix and no number",
            spec(VERSION, "2%{?dist}"),
            &both,
        ),
        (
            "the version instead",
            spec("1.2012.04.27", &format!("2{SUFFIX}")),
            &both,
        ),
        (
            "the version and the number",
            spec("0.2012.05.05", &format!("3{SUFFIX}")),
            &both,
        ),
        ("a macro", spec(VERSION, "%{rel}"), &both),
        ("a macro for the version", spec("%{ver}", "3"), &both),
        ("no number at all", spec(VERSION, "three"), &both),
        ("no line", "Name: x\n".to_owned(), &both),
    ] {
        found.push(format!("{what}:\n{}", about(&text, log)));
    }
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn a_pull_request_is_compared_with_where_it_leaves_the_train() {
    let both = Trains::log(&format!("{ENTRY}{THIRD}"));
    let one = Trains::log(ENTRY);
    let mut found = Vec::new();
    for (what, release, log) in [
        ("no number", format!("2{SUFFIX}"), &one),
        ("a line and no number", format!("2{SUFFIX}"), &both),
        (
            "another suffix and no number",
            "2%{?dist}".to_owned(),
            &both,
        ),
        ("lowered", format!("1{SUFFIX}"), &both),
        ("by two", format!("4{SUFFIX}"), &both),
        ("a number", format!("3{SUFFIX}"), &both),
    ] {
        let trains = second();
        trains.team.branch("mend-three", TRAIN);
        trains.file("src/three", "mended\n");
        trains.spec(&spec(VERSION, &release));
        trains.file("ChangeLog", log);
        trains.commit("mend three");
        trains.team.push("mend-three");
        let pull = trains.team.pull_request("mend-three", TRAIN);
        let run = judge(&pull, &policy("release-bump", ""));
        assert_eq!(run.code, i32::from(what != "a number"), "{}", run.text);
        found.push(format!("{what}:\n{}", noted(&run, "release-bump")));
    }
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn commits_after_the_number_are_one_too_many() {
    let trains = second();
    trains.file("src/three", "mended\n");
    trains.commit("mend three");
    // Paperwork needs no number.
    trains.file("ChangeLog", &Trains::log(&format!("{ENTRY}\n")));
    trains.commit("add a blank line");
    trains.team.push(TRAIN);
    let first = trains.says("release-bump");
    for number in 0..4 {
        trains.file("src/three", &format!("mended {number}\n"));
        trains.commit("mend more");
    }
    trains.team.push(TRAIN);
    insta::assert_snapshot!(format!("{first}\n\n{}", trains.says("release-bump")));
}

#[test]
fn a_train_begins_and_its_first_hotfix_has_a_number() {
    let trains = Trains::new();
    let team = &trains.team;
    team.branch("train-2012.05.11", "main");
    trains.write(Some("0.2012.05.11"), "1", Some("train-2012.05.11:\n"));
    trains.commit("cut the train");
    team.push("train-2012.05.11");
    let judged = |rule: &str| judge(&team.pushed("train-2012.05.11"), &policy(rule, ""));
    let begins = judged("release-bump");
    assert!(
        begins
            .text
            .contains("the train begins here, with `Version: 0.2012.05.11`"),
        "{}",
        begins.text
    );
    trains.file("src/three", "mended\n");
    trains.commit("mend three");
    team.push("train-2012.05.11");
    let run = judged("release-bump");
    run.ends(1, &["`Release` was not raised for 1 commit"]);
    trains.write(
        Some("0.2012.05.11"),
        "2",
        Some("train-2012.05.11:\n  * (hotfix 2012.05.12) mend: #1\n"),
    );
    trains.commit("number it");
    team.push("train-2012.05.11");
    judged("release-bump").ends(0, &["from 1 to 2"]);
    judged("changelog").ends(0, &["passed: changelog"]);
}

#[test]
fn the_commit_that_numbers_and_tells_should_be_one() {
    let trains = Trains::new();
    trains.file("src/app", "mended\n");
    trains.file("ChangeLog", &Trains::log(ENTRY));
    trains.commit("mend two");
    trains.write(Some(VERSION), "2", None);
    trains.commit("number it");
    trains.team.push(TRAIN);
    trains.pushed("changelog", "").ends(0, &[]);
    insta::assert_snapshot!(trains.says("release-bump"));
}

#[test]
fn two_branches_that_go_to_the_same_number_are_said() {
    let trains = Trains::new();
    let team = &trains.team;
    // Not where the other one writes, so that git can merge both.
    let above = Trains::log("").replacen(":\n", &format!(":\n{THIRD}"), 1);
    for (branch, file, log) in [
        ("mend-two", "src/two", Trains::log(ENTRY)),
        ("mend-three", "src/three", above),
    ] {
        team.branch(branch, TRAIN);
        trains.file(file, "mended\n");
        trains.write(Some(VERSION), "2", Some(&log));
        trains.commit(branch);
        team.push(branch);
    }
    let pull = |head: &str| judge(&team.pull_request(head, TRAIN), &policy("release-bump", ""));
    let mut found = vec![noted(&pull("mend-two"), "release-bump")];
    // The first is merged.
    team.switch(TRAIN);
    team.git(&["merge", "--quiet", "--no-ff", "--no-edit", "mend-two"]);
    team.push(TRAIN);
    found.push(trains.says("release-bump"));
    let second = pull("mend-three");
    second.ends(1, &[]);
    found.push(finding(&second, "release-bump"));
    // Merged all the same: git sees no conflict in the number.
    team.git(&["merge", "--quiet", "--no-ff", "--no-edit", "mend-three"]);
    team.push(TRAIN);
    let run = trains.pushed("release-bump", "");
    run.ends(1, &[]);
    found.push(finding(&run, "release-bump"));
    // The second takes the next number.
    team.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    team.push(TRAIN);
    team.git(&["switch", "--quiet", "--force-create", "mend-three", TRAIN]);
    trains.file("src/three", "mended\n");
    trains.write(
        Some(VERSION),
        "3",
        Some(&Trains::log(&format!("{ENTRY}{THIRD}"))),
    );
    trains.commit("mend three");
    team.push("mend-three");
    pull("mend-three").ends(0, &["`Release` was raised from 2 to 3"]);
    let found: Vec<String> = found.iter().map(|text| masked(text)).collect();
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn a_branch_that_was_squashed_is_no_other_work() {
    let trains = Trains::new();
    let team = &trains.team;
    team.branch("mend-two", TRAIN);
    trains.fix_on("mend-two");
    team.switch(TRAIN);
    team.git(&["merge", "--quiet", "--squash", "mend-two"]);
    trains.commit("mend two (#7)");
    team.push(TRAIN);
    let run = trains.pushed("release-bump", "");
    run.ends(0, &["`Release` was raised from 1 to 2"]);
    assert!(!run.text.contains("also goes"), "{}", run.text);
}

impl Trains {
    fn fix_on(&self, branch: &str) {
        self.file("src/app", "mended\n");
        self.write(Some(VERSION), "2", Some(&Trains::log(ENTRY)));
        self.commit("mend two");
        self.team.push(branch);
    }
}
