//! `release-bump`: a number that was right is never used again, and one that was wrong can be corrected.

use crate::support::binary::Run;
use crate::support::git::git;
use crate::support::team::{finding, judge};

use super::world::{ENTRY, SUFFIX, TRAIN, Trains, masked, policy, spec};

const VERSION: &str = "0.2012.04.27";
const THIRD: &str = "  * (hotfix 2012.05.03) mend three: #1235\n";
const FOURTH: &str = "  * (hotfix 2012.05.04) mend four: #1236\n";
const BOTH: &str = "changelog: must, release-bump";

/// A train whose hotfix 2 was published.
fn second() -> Trains {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    trains
}

impl Trains {
    /// Another hotfix, as one commit.
    fn more(&self, file: &str, release: &str, lines: &str) {
        self.file(file, release);
        self.write(Some(VERSION), release, Some(&Trains::log(lines)));
        self.commit(&format!("Release {release}"));
    }

    fn judged(&self) -> Run {
        self.team.push(TRAIN);
        judge(&self.team.pushed(TRAIN), &policy(BOTH, ""))
    }
}

/// What `release-bump` expects: version and release.
fn expected(run: &Run) -> (String, String) {
    let finding = finding(run, "release-bump");
    let expected = finding
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("expected: "))
        .unwrap_or_else(|| panic!("{finding}"));
    let value = |tag: &str| {
        let rest = expected.split_once(&format!("`{tag}: "))?.1;
        Some(rest.split_once('`')?.0.to_owned())
    };
    (
        value("Version").unwrap_or_else(|| VERSION.to_owned()),
        value("Release").unwrap_or_else(|| panic!("{finding}")),
    )
}

type Mistake = fn(&Trains);

/// Every mistake, made on a train whose hotfix 2 was published.
const MISTAKES: [(&str, Mistake); 13] = [
    ("no number", |trains| {
        trains.file("src/three", "3");
        trains.commit("mend three");
    }),
    ("by two", |trains| trains.more("src/three", "4", &both())),
    ("lowered", |trains| trains.more("src/three", "1", &both())),
    ("the number alone lowered", |trains| {
        trains.write(Some(VERSION), "1", None);
        trains.commit("take the number back");
    }),
    ("lowered, and the same again", |trains| {
        trains.write(Some(VERSION), "1", None);
        trains.commit("take the number back");
        trains.more("src/three", "2", &both());
    }),
    ("by three, and by one", |trains| {
        trains.more("src/three", "5", ENTRY);
        trains.more("src/four", "6", &both());
    }),
    ("another suffix", |trains| {
        trains.file("src/three", "3");
        trains.file("ChangeLog", &Trains::log(&both()));
        trains.spec(&spec(VERSION, "3%{?dist}"));
        trains.commit("mend three");
    }),
    ("the version", |trains| {
        trains.file("src/three", "3");
        trains.spec(&spec("1.2012.04.27", &format!("2{SUFFIX}")));
        trains.commit("mend three");
    }),
    ("a macro", |trains| {
        trains.file("src/three", "3");
        trains.spec(&spec(VERSION, &format!("%{{rel}}{SUFFIX}")));
        trains.commit("mend three");
    }),
    ("a revert of all", |trains| {
        trains.team.git(&["revert", "--no-edit", "HEAD"]);
    }),
    ("a script of the package", |trains| {
        let text = spec(VERSION, &format!("2{SUFFIX}"));
        trains.spec(&format!("{text}%post\nrm -rf /srv/old\n"));
        trains.commit("run more on install");
    }),
    ("the same by a pull request", |trains| {
        let text = spec(VERSION, &format!("2{SUFFIX}"));
        trains.team.git(&["switch", "--quiet", "--create", "pkg"]);
        trains.spec(&text.replace("Summary:", "Requires: more\nSummary:"));
        trains.commit("need more");
        trains.team.switch(TRAIN);
        trains
            .team
            .git(&["merge", "--quiet", "--no-ff", "--no-edit", "pkg"]);
    }),
    ("git pull", |trains| {
        let team = &trains.team;
        let theirs = git(&team.dev(), &["rev-parse", "HEAD"]);
        team.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
        trains.file("src/three", "3");
        trains.commit("mend three");
        team.git(&["merge", "--quiet", "--no-edit", &theirs]);
    }),
];

fn both() -> String {
    format!("{ENTRY}{THIRD}")
}

#[test]
fn the_way_out_of_every_mistake_leads_out() {
    let mut found = Vec::new();
    for (what, mistake) in MISTAKES {
        let trains = second();
        mistake(&trains);
        let run = trains.judged();
        run.ends(1, &[]);
        let said = masked(&finding(&run, "release-bump"));
        let first: Vec<&str> = said.lines().skip(1).take(2).collect();
        found.push(format!("{what}:\n{}", first.join("\n")));
        let (version, release) = expected(&run);
        assert_eq!(
            (version.as_str(), release),
            (VERSION, format!("3{SUFFIX}")),
            "{what}"
        );
        // One more commit with what was asked for, and the lines of both hotfixes.
        trains.more("src/app", "3", &both());
        let run = trains.judged();
        assert_eq!(run.code, 0, "{what}: {}", run.text);
        assert!(
            run.text.contains("`Release` was raised from 2 to 3"),
            "{what}: {}",
            run.text
        );
    }
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn a_number_that_was_right_is_not_used_again() {
    let trains = second();
    trains.more("src/three", "3", &both());
    trains.more("src/four", "2", &both());
    let run = trains.judged();
    run.ends(1, &["`Release` lowered from `3%{?dist}_%{svnrev}` to `2"]);
    assert_eq!(expected(&run).1, format!("4{SUFFIX}"));
    trains.more("src/four", "4", &format!("{}{FOURTH}", both()));
    trains.judged().ends(0, &["from 3 to 4"]);
}

#[test]
fn the_first_hotfix_finds_its_way_too() {
    for release in ["3", "5"] {
        let trains = Trains::new();
        trains.more("src/app", release, ENTRY);
        let run = trains.judged();
        run.ends(1, &[]);
        assert_eq!(expected(&run).1, format!("2{SUFFIX}"));
        // The number alone: its line is there.
        trains.write(Some(VERSION), "2", None);
        trains.commit("correct the number");
        trains.judged().ends(0, &["from 1 to 2"]);
        trains.more("src/three", "3", &both());
        trains.judged().ends(0, &["from 2 to 3"]);
    }
}

#[test]
fn a_hotfix_without_a_line_is_named_and_holds_up_no_other() {
    let trains = second();
    trains.more("src/three", "3", ENTRY);
    trains.judged().ends(
        1,
        &["`Release` was raised, and the change log has no new line about a hotfix"],
    );
    trains.more("src/four", "4", &format!("{ENTRY}{FOURTH}"));
    let note = "the change log has no line of the hotfix that raised `Release` to 3";
    trains.judged().ends(0, &[note]);
    // Written later, beside the line of the hotfix itself.
    trains.file(
        "ChangeLog",
        &Trains::log(&format!("{ENTRY}{THIRD}{FOURTH}")),
    );
    trains.commit("tell of three");
    let run = trains.judged();
    run.ends(0, &["has 2 new lines"]);
    assert!(!run.text.contains(note), "{}", run.text);
}

#[test]
fn paperwork_needs_no_number_and_no_line() {
    let trains = Trains::new();
    trains.file(
        "ChangeLog",
        &format!("{}\n", Trains::log("  * A forgotten page: #1090\n")),
    );
    let text = spec(VERSION, &format!("1{SUFFIX}"));
    trains.spec(&format!(
        "# The package of the service.\n{text}%changelog\n- one\n"
    ));
    trains.commit("tidy up");
    let run = trains.judged();
    run.ends(0, &[]);
    let found = ["changelog", "release-bump"].map(|rule| masked(&finding(&run, rule)));
    insta::assert_snapshot!(found.join("\n"));
    // A line about a hotfix says that there is one.
    trains.file("ChangeLog", &Trains::log(ENTRY));
    trains.commit("tell of it");
    trains.judged().ends(
        1,
        &["as before, though the change log tells of a new hotfix"],
    );
}

#[test]
fn a_number_that_was_written_out_may_be_any() {
    let trains = Trains::new();
    let text = spec(VERSION, &format!("%{{rel}}{SUFFIX}"));
    trains.spec(&format!("%define rel 1\n{text}"));
    trains.commit("let a macro count");
    trains.team.push(TRAIN);
    trains.team.git(&["switch", "--quiet", "main"]);
    trains.team.git(&["merge", "--quiet", "--ff-only", TRAIN]);
    trains.team.push("main");
    trains.team.switch(TRAIN);
    trains.team.git(&["tag", "2.0.0"]);
    trains.team.git(&["push", "--quiet", "origin", "2.0.0"]);
    trains.more("src/app", "2", ENTRY);
    let run = trains.judged();
    run.ends(1, &[]);
    insta::assert_snapshot!(masked(&finding(&run, "release-bump")));
    trains.write(Some(VERSION), "3", None);
    trains.commit("take the next number");
    trains
        .judged()
        .ends(0, &["`Release` was raised from 2 to 3"]);
}

#[test]
fn a_pull_request_follows_what_was_right_on_the_train() {
    let trains = second();
    trains.more("src/three", "5", ENTRY);
    trains.judged().ends(1, &[]);
    trains.team.branch("mend-three", TRAIN);
    trains.more("src/four", "3", &both());
    trains.team.push("mend-three");
    let pull = trains.team.pull_request("mend-three", TRAIN);
    judge(&pull, &policy(BOTH, "")).ends(0, &["`Release` was raised from 2 to 3"]);
    // Nothing but paperwork.
    trains.team.git(&["switch", "--quiet", TRAIN]);
    trains.team.branch("tidy", TRAIN);
    trains.write(
        Some(VERSION),
        "2",
        Some(&Trains::log(&format!("{ENTRY}\n"))),
    );
    trains.commit("tidy up");
    trains.team.push("tidy");
    let pull = trains.team.pull_request("tidy", TRAIN);
    judge(&pull, &policy("release-bump", "")).ends(0, &["that needs a number"]);
}
