//! `changelog`: the hotfix has a line below the heading of its train.

use crate::support::team::{finding, judge};

use super::world::{ENTRY, HEAD, OLD, TRAIN, Trains, masked, policy};

#[test]
fn a_line_of_the_form_passes_in_either_form() {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    for train in ["{}", "{form: strict}"] {
        let text = policy("changelog", "").replace("train: {}", &format!("train: {train}"));
        let run = judge(&trains.team.pushed(TRAIN), &text);
        run.ends(
            0,
            &["passed: changelog (must): `ChangeLog` has 1 new line below `train-2012.04.27`, such as line 3"],
        );
        assert!(!run.text.contains("irregular"), "{}", run.text);
    }
}

/// The finding about a push of a train with this change log.
fn about(trains: &Trains, log: &str) -> String {
    trains
        .team
        .git(&["switch", "--quiet", "--force-create", TRAIN, "main"]);
    trains.fix("2", log);
    trains.says("changelog")
}

#[test]
fn every_mistake_has_its_own_words() {
    let trains = Trains::new();
    let log = Trains::log;
    let moved = "  * (hotfix 2012.04.14) keep the other cookie: issue #1308\n";
    let mut found = Vec::new();
    for (what, log) in [
        ("nothing new, but a number", log("")),
        ("moved within", {
            let other = OLD.replace(moved, "").replace(
                "train-2012.04.11:\n",
                &format!("train-2012.04.11:\n{moved}"),
            );
            // The order of lines is nobody's business.
            format!("{HEAD}{other}")
        }),
        (
            "moved here",
            format!("{HEAD}{moved}{}", OLD.replace(moved, "")),
        ),
        (
            "reworded",
            log("").replace("keep the other cookie", "keep another cookie"),
        ),
        ("removed", log(ENTRY).replace(moved, "")),
        ("removed and nothing new", log("").replace(moved, "")),
        ("another train's", format!("{HEAD}{OLD}{ENTRY}")),
        ("above every heading", format!("{ENTRY}{HEAD}{OLD}")),
        ("no heading", format!("{}{ENTRY}", OLD.trim_start())),
        ("an ordinary line", log("  * mend two: #1234\n")),
    ] {
        found.push(format!("{what}:\n{}", about(&trains, &log)));
    }
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn every_irregular_line_says_what_is_irregular() {
    let trains = Trains::new();
    let lines = [
        "  * (hotfix on 2012.05.02) mend two: #1234",
        "  * (hotfix 05.02) mend two: #1234",
        "  * (hotfix) mend two: #1234",
        "  * (hotfix 2012.02.30) mend two: #1234",
        "  * (hotfix 2012-05-02) mend two: #1234",
        "  * (hotfix 2011.05.02) mend two: #1234",
        "  * (hotfix 2012.04.26) mend two: #1234",
        "  * (hotfix 2999.05.02) mend two: #1234",
        "  * (hotfix 2012.05.02)  mend two: #1234",
        "  * (hotfix 2012.05.02) mend two -- fixes #1234",
        "  * (hotfix 2012.05.02) : mend two: #1234",
        "  * (hotfix 2012.05.02) mend two: bug #752721",
        "  * (hotfix 2012.05.02) mend two: #752721",
        "  * (hotfix 2012.05.02) mend two: https://git.example/team/app/issues/1234",
        "  * (hotfix 2012.05.02) mend two: #1234 (on right branch now).",
        "  * (hotfix 2012.05.02) mend two",
        "  * (fix 2012.05.02) mend two: #1234",
        "  * mend two: #1234 (also hot-fixed in production: https://git.example/team/app/commit/0)",
        "\t* (hotfix 2012.05.02) mend two: #1234",
        "  * (hotfix 2012.05.02) mend\n    two: #1234",
        "  * (Hotfix 2012.05.02) mend two: #1234",
    ];
    let mut found = Vec::new();
    for line in lines {
        trains
            .team
            .git(&["switch", "--quiet", "--force-create", TRAIN, "main"]);
        trains.fix("2", &Trains::log(&format!("{line}\n")));
        let plain = trains.says("changelog");
        let strict = policy("changelog", "").replace("train: {}", "train: {form: strict}");
        let strict = judge(&trains.team.pushed(TRAIN), &strict);
        strict.ends(1, &[]);
        let strict = masked(&finding(&strict, "changelog"));
        let strict = strict
            .lines()
            .nth(1)
            .unwrap_or_default()
            .replace("found:   ", "strict:  ");
        found.push(format!("{line}\n{plain}\n{strict}"));
    }
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn headings_are_read_and_what_is_irregular_about_them_is_said() {
    let trains = Trains::new();
    let mut found = Vec::new();
    for heading in [
        "train-2012.04.27",
        "train-2012.04.27: (in progress)",
        "current train:",
        "train-2011.04.27:",
        "Train 2012.04.27:",
    ] {
        let log = Trains::log(ENTRY).replace("train-2012.04.27:", heading);
        let plain = about(&trains, &log);
        let strict = policy("changelog", "").replace("train: {}", "train: {form: strict}");
        let strict = judge(&trains.team.pushed(TRAIN), &strict);
        strict.ends(1, &[]);
        let strict = finding(&strict, "changelog");
        let strict = strict
            .lines()
            .nth(1)
            .unwrap_or_default()
            .replace("found:   ", "strict:  ");
        found.push(format!("{heading}\n{plain}\n{strict}"));
    }
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn one_line_in_order_is_enough_and_a_team_has_tickets_of_its_own() {
    let trains = Trains::new();
    let lines = format!("  * (hotfix) and more\n{ENTRY}");
    insta::assert_snapshot!(about(&trains, &Trains::log(&lines)));
    let own = "  * (hotfix 2012.05.02) mend two, EX-12\n";
    trains
        .team
        .git(&["switch", "--quiet", "--force-create", TRAIN, "main"]);
    trains.fix("2", &Trains::log(own));
    trains
        .pushed("changelog", "")
        .ends(1, &["it has no ticket"]);
    let text = policy("changelog", "").replace("'#[0-9]+|bug [0-9]+'", "'EX-[0-9]+'");
    judge(&trains.team.pushed(TRAIN), &text).ends(0, &["passed: changelog"]);
    // Without a pattern of its own, `UTF-8` is no ticket.
    trains
        .team
        .git(&["switch", "--quiet", "--force-create", TRAIN, "main"]);
    trains.fix("2", &Trains::log("  * (hotfix 2012.05.02) write UTF-8\n"));
    let text = policy("changelog", "").replace("ticket: '#[0-9]+|bug [0-9]+', ", "");
    judge(&trains.team.pushed(TRAIN), &text).ends(1, &["it has no ticket"]);
}

#[test]
fn a_pull_request_is_judged_by_what_it_adds() {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    trains.team.branch("mend-three", TRAIN);
    trains.file("src/three", "mended\n");
    trains.commit("mend three");
    trains.team.push("mend-three");
    let pull = trains.team.pull_request("mend-three", TRAIN);
    let run = judge(&pull, &policy("changelog", ""));
    run.ends(1, &["no new line about a hotfix in the change log"]);
    trains.write(
        Some("0.2012.04.27"),
        "3",
        Some(&Trains::log(&format!(
            "{ENTRY}  * (hotfix 2012.05.03) mend three: #1235\n"
        ))),
    );
    trains.commit("say so");
    trains.team.push("mend-three");
    let pull = trains.team.pull_request("mend-three", TRAIN);
    judge(&pull, &policy("changelog", "")).ends(
        0,
        &["has 1 new line below `train-2012.04.27`, such as line 4"],
    );
    judge(&pull, &policy("release-bump", "")).ends(0, &["`Release` was raised from 2 to 3"]);
}

#[test]
fn a_fix_after_the_last_number_has_no_line_by_the_line_before() {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    trains.file("src/three", "mended\n");
    trains.commit("mend three");
    trains.team.push(TRAIN);
    insta::assert_snapshot!(trains.says("changelog"));
}

#[test]
fn the_current_train_is_the_newest_one() {
    let trains = Trains::new();
    trains.team.switch("train-2012.04.11");
    trains.file("src/app", "mended\n");
    let log = format!(
        "current train:\n  * New pages: #1050\n{ENTRY}\n{}",
        OLD.replace("04.11", "03.28")
    );
    trains.write(Some("0.2012.04.11"), "2", Some(&log));
    trains.commit("mend two");
    trains.team.push("train-2012.04.11");
    let run = judge(
        &trains.team.pushed("train-2012.04.11"),
        &policy("changelog", ""),
    );
    run.ends(
        1,
        &["a new line below `current train:`, another train's heading"],
    );
}

#[test]
fn what_was_shipped_stays_as_it_was() {
    let trains = Trains::new();
    let old = "  * (hotfix 2012.04.13) keep the cookie: issue #1307\n";
    let with = |new: &str| Trains::log(ENTRY).replace(old, new);
    let mut found = Vec::new();
    for (what, log) in [
        ("another day", with(&old.replace("04.13", "04.12"))),
        ("another ticket", with(&old.replace("1307", "9999"))),
        ("other words", with(&old.replace("keep", "retain"))),
        ("moved here", {
            let without = with("");
            without.replace(ENTRY, &format!("{old}{ENTRY}"))
        }),
        (
            "its heading is gone",
            Trains::log(ENTRY).replace("train-2012.04.11:\n", ""),
        ),
        ("gone", with("")),
        ("a copy of an old line", Trains::log(old)),
    ] {
        found.push(format!("{what}:\n{}", about(&trains, &log)));
    }
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn a_heading_may_stand_there_twice_and_a_log_in_latin_1_may_be_converted() {
    let trains = Trains::new();
    let twice = format!("{HEAD}{OLD}\n{TRAIN}:\n{ENTRY}");
    let said = about(&trains, &twice);
    assert!(said.starts_with("passed: "), "{said}");
    assert!(said.contains("`train-2012.04.27` has 2 headings"), "{said}");

    let trains = Trains::new();
    let text = |entry: &str| Trains::log(&format!("{entry}  * by Jos\u{e9}: #1101\n"));
    let latin: Vec<u8> = text("")
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    trains.team.switch("main");
    std::fs::write(trains.team.dev().join("ChangeLog"), latin).unwrap();
    trains.commit("Name who wrote it");
    trains.team.push("main");
    trains
        .team
        .git(&["switch", "--quiet", "--force-create", TRAIN, "main"]);
    let both = |trains: &Trains| {
        trains.team.push(TRAIN);
        trains.pushed("changelog: must, release-bump", "")
    };
    trains.file("src/app", "mended\n");
    trains.write(Some("0.2012.04.27"), "2", None);
    trains.commit("mend two");
    both(&trains).ends(1, &["is no UTF-8 text", "write it in UTF-8"]);
    trains.team.git(&["reset", "--quiet", "--hard", "main"]);
    // By itself, and then a hotfix.
    trains.file("ChangeLog", &text(""));
    trains.commit("Convert it");
    both(&trains).ends(0, &[]);
    trains.fix("2", &text(ENTRY));
    both(&trains).ends(0, &["passed: changelog", "passed: release-bump"]);
}

#[test]
fn a_colour_is_no_ticket_even_of_the_policys_form() {
    let trains = Trains::new();
    let line = "  * (hotfix 2012.05.02) the button is #333333 now\n";
    insta::assert_snapshot!(about(&trains, &Trains::log(line)));
}
