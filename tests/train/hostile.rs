//! Files that nobody would write, and clones that hold half of it.

use crate::support::git::git;
use crate::support::team::{finding, judge};

use super::world::{ENTRY, TRAIN, Trains, masked, policy, said, spec};

const RULES: &str = "changelog: must, release-bump: must, train";

type Writes = fn(&Trains);

#[test]
fn files_that_are_none_and_files_that_are_no_text() {
    let mut found = Vec::new();
    let write: [(&str, Writes); 6] = [
        ("missing", |trains| {
            for file in ["ChangeLog", "scripts/browserid.spec"] {
                std::fs::remove_file(trains.team.dev().join(file)).unwrap();
            }
        }),
        ("links", |trains| {
            for file in ["ChangeLog", "scripts/browserid.spec"] {
                let path = trains.team.dev().join(file);
                std::fs::rename(&path, path.with_extension("old")).unwrap();
                std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
            }
        }),
        ("directories", |trains| {
            for file in ["ChangeLog", "scripts/browserid.spec"] {
                std::fs::remove_file(trains.team.dev().join(file)).unwrap();
                trains.file(&format!("{file}/x"), "x");
            }
        }),
        ("no UTF-8", |trains| {
            std::fs::write(
                trains.team.dev().join("ChangeLog"),
                b"train-2012.04.27:\n\xff\n",
            )
            .unwrap();
            std::fs::write(
                trains.team.dev().join("scripts/browserid.spec"),
                b"Version: \xff\n",
            )
            .unwrap();
        }),
        ("binary", |trains| {
            trains.file("ChangeLog", "\0");
            trains.file(
                "scripts/browserid.spec",
                "Version: 0.2012.04.27\nRelease: 2\0\n",
            );
        }),
        ("huge", |trains| {
            trains.file("ChangeLog", &"x".repeat(5 * 1024 * 1024));
            trains.file("scripts/browserid.spec", &"x".repeat(300 * 1024));
        }),
    ];
    for (what, write) in write {
        let trains = Trains::new();
        write(&trains);
        trains.file("src/app", "mended\n");
        trains.commit("mend two");
        trains.team.push(TRAIN);
        let run = judge(&trains.team.pushed(TRAIN), &policy(RULES, ""));
        assert!(matches!(run.code, 1 | 2), "{what}: {}", run.text);
        for rule in ["train", "changelog", "release-bump"] {
            let finding = said(&run, rule);
            let first: Vec<&str> = finding.lines().take(2).collect();
            found.push(format!("{what}: {}", first.join("\n")));
        }
    }
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn a_file_that_was_not_there_before_cannot_be_compared() {
    let trains = Trains::new();
    trains.file("src/app", "mended\n");
    trains.file("NEWS", &Trains::log(ENTRY));
    trains.file("x.spec", &spec("0.2012.04.27", "2"));
    trains.commit("mend two");
    trains.team.push(TRAIN);
    let text = policy(RULES, "").replace("train: {}", "train: {spec: x.spec, changelog: NEWS}");
    let run = judge(&trains.team.pushed(TRAIN), &text);
    run.ends(1, &[]);
    let found = ["changelog", "release-bump"].map(|rule| masked(&finding(&run, rule)));
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn names_and_texts_of_others_cannot_write_the_log() {
    let trains = Trains::new();
    let entry = "  * (hotfix 2012.05.02) \u{1b}[2Jmend\u{202e}\u{200b} two: #1234\n";
    trains.fix("2", &Trains::log(entry));
    trains.spec(&spec("0.2012.04.27\u{1b}[31m\u{202e}", "2\u{7}%{?dist}"));
    trains.commit("mend two");
    trains.team.push(TRAIN);
    let run = judge(&trains.team.pushed(TRAIN), &policy(RULES, ""));
    run.ends(1, &[]);
    for hostile in ["\u{1b}", "\u{202e}", "\u{200b}", "\u{7}"] {
        assert!(!run.text.contains(hostile), "{:?}", run.text);
    }
}

#[test]
fn a_shallow_clone_gets_what_it_needs() {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    for number in ["3", "4"] {
        let lines = format!("{ENTRY}  * (hotfix 2012.05.0{number}) mend more: #{number}\n");
        trains.file("src/more", number);
        trains.write(Some("0.2012.04.27"), number, Some(&Trains::log(&lines)));
        trains.commit("mend more");
    }
    trains.team.push(TRAIN);
    let commit = git(&trains.team.origin(), &["rev-parse", TRAIN]);
    let path = trains
        .team
        .clone_with("shallow", TRAIN, &commit, &["--depth=1"]);
    let build = crate::support::pipeline::DroneBuild::push(TRAIN);
    let build = trains.team.build(build, &path, &commit);
    let run = judge(&build, &policy(RULES, ""));
    // The local path of a remote needs no fetch: its objects are read where they are.
    let bump = finding(&run, "release-bump");
    assert!(
        bump.contains("`Release` was raised from 3 to 4"),
        "{}",
        run.text
    );
    // Without the remote nobody can say.
    let alone = build.with(|build| build.remote = None);
    let run = judge(&alone, &policy(RULES, ""));
    run.ends(2, &[]);
}

#[test]
fn a_train_that_is_gone_is_unknown() {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    let build = trains.team.pushed(TRAIN);
    trains
        .team
        .git(&["push", "--quiet", "origin", &format!(":{TRAIN}")]);
    let run = judge(&build, &policy("train", ""));
    run.ends(2, &[]);
    insta::assert_snapshot!(masked(&finding(&run, "train")));
}

#[test]
fn what_an_earlier_step_has_put_into_the_workspace_is_not_looked_at() {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    let build = trains.team.pushed(TRAIN);
    for file in ["ChangeLog", "scripts/browserid.spec"] {
        let path = build.workspace.join(file);
        std::fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
    }
    judge(&build, &policy(RULES, "")).ends(
        0,
        &["passed: train", "passed: changelog", "passed: release-bump"],
    );
}

#[test]
fn woodpecker_judges_the_same() {
    use crate::support::binary::run;
    use crate::support::gate::woodpecker_environment;
    use crate::support::pipeline::WoodpeckerBuild;

    let trains = Trains::new();
    let commit = trains.fix("2", &Trains::log(ENTRY));
    let checkout = trains.team.clone_branch("woodpecker", TRAIN, &commit);
    let build = WoodpeckerBuild::push(TRAIN).with(|build| build.sha.clone_from(&commit));
    let settings = format!("{{policy: {{{}}}, log_level: debug}}", policy(RULES, ""));
    let mut variables = woodpecker_environment(&build, &settings);
    for (name, value) in &mut variables {
        match name.as_str() {
            "CI_WORKSPACE" => *value = checkout.display().to_string(),
            "CI_REPO_CLONE_URL" => *value = trains.team.origin().display().to_string(),
            _ => {}
        }
    }
    let run = run(variables);
    for rule in ["train", "changelog", "release-bump"] {
        assert!(
            finding(&run, rule).starts_with("passed: "),
            "{rule}: {}",
            run.text
        );
    }
}
