//! The criteria of a good hotfix, and `triage`.

use crate::support::team::{FIXED, Team, finding, judge};

/// The finding about a hotfix of these files, each with its content, and this message.
fn about(rule: &str, policy: &str, message: &str, files: &[(&str, &str)]) -> String {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "1.0.0");
    for (path, text) in files {
        let file = team.dev().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    team.commit("src/app", FIXED, message);
    team.push("hotfix/HOCS-1");
    finding(&judge(&team.pushed("hotfix/HOCS-1"), policy), rule)
}

#[test]
fn a_small_fix_meets_them_all() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "");
    run.ends(0, &[]);
    for words in [
        "passed: atomic (may): 1 commit, 1 file",
        "passed: no-features (may): no commit calls itself a feature",
        "passed: revertible (may): no migration, and it can be reverted",
        "passed: one-service (may): the repository holds one service",
        "passed: short-lived (may): it was begun 0 minutes ago",
        "passed: triage (should): of the criteria `atomic`, `no-features`, `revertible`, `one-service`, \
         `short-lived` hold",
    ] {
        assert!(run.text.contains(words), "no {words} in\n{}", run.text);
    }
}

#[test]
fn what_breaks_each_of_them() {
    let mut found = Vec::new();
    let many: Vec<String> = (0..21).map(|n| format!("src/part{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|path| (path.as_str(), "x\n")).collect();
    found.push(about("atomic", "", "HOCS-1 mend", &many));
    found.push(about("atomic", "", "HOCS-2 mend", &[]));
    found.push(about("atomic", "limits: {lines: 1}", "HOCS-1 mend", &[]));
    found.push(about("no-features", "", "feat(api): HOCS-1 add", &[]));
    found.push(about(
        "no-features",
        "",
        "fix: x\n\nBREAKING CHANGE: all",
        &[],
    ));
    found.push(about(
        "revertible",
        "",
        "x",
        &[("db/migrate/20240101_add.rb", "x\n")],
    ));
    let lock: String = (0..300).map(|n| format!("line {n}\n")).collect();
    found.push(about(
        "revertible",
        "",
        "x",
        &[("package-lock.json", &lock)],
    ));
    found.push(about(
        "one-service",
        "",
        "x",
        &[
            ("a/Dockerfile", "FROM scratch\n"),
            ("b/Dockerfile", "FROM scratch\n"),
        ],
    ));
    let found: Vec<String> = found.iter().map(|text| super::base::masked(text)).collect();
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn files_of_programs_and_words_that_look_like_tickets_do_not_count() {
    let lock: String = (0..100).map(|n| format!("line {n}\n")).collect();
    let found = about(
        "atomic",
        "limits: {files: 1, lines: 2}",
        "HOCS-1 read UTF-8 with SHA-256",
        &[("Cargo.lock", &lock), ("vendor/x/y.go", &lock)],
    );
    assert!(
        found.contains("passed: atomic (may): 1 commit, 1 file"),
        "{found}"
    );
}

#[test]
fn a_hotfix_that_meets_none_is_warned_about_and_an_old_one_is_said() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "1.0.0");
    for (path, text) in [
        ("a/Dockerfile", "FROM scratch\n"),
        ("b/Dockerfile", "FROM scratch\n"),
        ("migrations/1.sql", "drop table users;\n"),
    ] {
        let file = team.dev().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    team.git(&["add", "--all"]);
    let mut commit = crate::support::git::command(
        &team.dev(),
        &["commit", "--quiet", "--message", "feat: HOCS-1 everything"],
    );
    commit.env("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z");
    assert!(commit.status().unwrap().success());
    team.commit("src/app", FIXED, "HOCS-2 and something else");
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "");
    run.ends(0, &[]);
    assert!(
        finding(&run, "short-lived").contains("a hotfix that was begun"),
        "{}",
        run.text
    );
    insta::assert_snapshot!(finding(&run, "triage"));
    // What a policy allows is allowed.
    let run = judge(&team.pushed("hotfix/HOCS-1"), "limits: {age: 100000h}");
    assert!(finding(&run, "triage").contains("passed"), "{}", run.text);
}
