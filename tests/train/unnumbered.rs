//! `release-bump`: what was pushed without a number of its own, also where it looks as if it had one.

use super::world::{ENTRY, TRAIN, Trains, noted, spec};

const RULE: &str = "release-bump";
const SUFFIX: &str = super::world::SUFFIX;

#[track_caller]
fn refused(trains: &Trains) -> String {
    let run = trains.pushed(RULE, "");
    run.begins(1, RULE);
    noted(&run, RULE)
}

/// The first hotfix of the train as it should be.
fn first(trains: &Trains) {
    trains.fix("2", &Trains::log(ENTRY));
    trains.pushed(RULE, "").ends(0, &[]);
}

#[test]
fn a_change_of_the_spec_file_itself_needs_a_number() {
    // What is built and what runs at installation stands in it.
    let trains = Trains::new();
    first(&trains);
    let text = spec("0.2012.04.27", &format!("2{SUFFIX}"));
    trains.spec(&format!("{text}%build\nmake config\n"));
    trains.commit("copy the configuration");
    trains.team.push(TRAIN);
    let found = refused(&trains);
    assert!(found.contains("1 more commit came after that"), "{found}");
    // With its number it is a hotfix like any other.
    let text = spec("0.2012.04.27", &format!("3{SUFFIX}"));
    trains.spec(&format!("{text}%build\nmake config\n"));
    trains.commit("raise the release");
    trains.team.push(TRAIN);
    trains.pushed(RULE, "").ends(0, &[]);
    // A comment goes into no package.
    let text = spec("0.2012.04.27", &format!("3{SUFFIX}"));
    trains.spec(&format!("# about it\n{text}%build\nmake config\n"));
    trains.commit("say what it is");
    trains.team.push(TRAIN);
    trains.pushed(RULE, "").ends(0, &[]);
}

#[test]
fn what_was_pulled_over_has_no_number() {
    // A colleague has pushed and published number 2; what was committed here meanwhile is merged by `git
    // pull`, and pushed under the same number.
    let trains = Trains::new();
    let team = &trains.team;
    team.branch("colleague", TRAIN);
    trains.file("src/app", "mended\n");
    trains.write(Some("0.2012.04.27"), "2", Some(&Trains::log(ENTRY)));
    trains.commit("mend two");
    team.git(&["push", "--quiet", "origin", &format!("colleague:{TRAIN}")]);
    team.switch(TRAIN);
    trains.file("src/three", "three\n");
    trains.commit("mend three");
    team.git(&["fetch", "--quiet", "origin"]);
    for message in [
        format!("Merge branch '{TRAIN}' of https://git.example/example/service"),
        format!("Merge remote-tracking branch 'origin/{TRAIN}'"),
    ] {
        let remote = format!("origin/{TRAIN}");
        team.git(&["merge", "--quiet", "--no-ff", "-m", &message, &remote]);
        team.push(TRAIN);
        let found = refused(&trains);
        assert!(found.contains("1 more commit came after that"), "{found}");
        team.git(&["reset", "--quiet", "--hard", "HEAD^1"]);
        team.git(&[
            "push",
            "--quiet",
            "--force",
            "origin",
            &format!("colleague:{TRAIN}"),
        ]);
        team.git(&["fetch", "--quiet", "origin"]);
    }
}

#[test]
fn only_the_first_part_of_a_spec_file_has_its_number() {
    let trains = Trains::new();
    let text = |release: &str| {
        let text = spec("0.2012.04.27", &format!("{release}{SUFFIX}"));
        format!("{text}Release: notes are elsewhere\n%package devel\nVersion: 7\nRelease: 8\n")
    };
    trains.spec(&text("1"));
    trains.commit("describe it");
    trains.team.push("HEAD:refs/heads/main");
    trains.file("src/app", "mended\n");
    trains.write(None, "2", Some(&Trains::log(ENTRY)));
    trains.spec(&text("2"));
    trains.commit("mend two");
    trains.team.push(TRAIN);
    trains.pushed(RULE, "").ends(0, &["raised from 1 to 2"]);
}

#[test]
fn a_change_log_of_many_lines_is_compared_at_once() {
    // Each line was once compared with each other line.
    let trains = Trains::new();
    let lines = |all: &mut dyn Iterator<Item = u32>| -> String {
        all.map(|at| format!("  * (hotfix) number {at}\n"))
            .collect()
    };
    let count = 40_000;
    trains.write(None, "1", Some(&Trains::log(&lines(&mut (0..count)))));
    trains.commit("Write it down");
    trains.team.push(TRAIN);
    let new = format!("{ENTRY}{}", lines(&mut (0..count).rev()));
    trains.fix("2", &Trains::log(&new));
    trains.pushed("changelog", "").ends(0, &["mend two"]);
}
