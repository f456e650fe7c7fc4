//! Every mistake has its own words, and none of them repeats what was found.

use insta::assert_snapshot;

use super::{PRIVATE, hotfix, judge, judge_with, masked, pushed};
use crate::support::binary::Run;
use crate::support::gate::woodpecker_environment;
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};
use crate::support::team::{FIXED, Team, finding};

/// The finding of the rule, without commits and directories.
fn said(run: &Run) -> String {
    masked(&finding(run, "confidential"))
}

const QUIET: &str = "SEC-12 check the length of a name";

#[test]
fn a_public_repository() {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/SEC-12", QUIET).with(|build| build.private = false);
    let run = judge(&push, PRIVATE);
    run.begins(1, "refused by confidential");
    assert_snapshot!(said(&run));
}

#[test]
fn builds_that_others_see() {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/SEC-12", QUIET);
    for visibility in ["public", "internal"] {
        let run = judge_with(
            &push,
            PRIVATE,
            &[("DRONE_REPO_VISIBILITY", Some(visibility))],
        );
        run.begins(1, "refused by confidential");
        assert_snapshot!(format!("builds_{visibility}"), said(&run));
    }
    // What nobody says, and a word that nobody knows, is not taken for private.
    for change in [
        ("DRONE_REPO_PRIVATE", None),
        ("DRONE_REPO_VISIBILITY", Some("open")),
    ] {
        let run = judge_with(&push, PRIVATE, &[change]);
        run.begins(2, "undecided");
        assert_snapshot!("builds_not_said", said(&run));
    }
}

#[test]
fn words_about_security() {
    let team = Team::new();
    hotfix(
        &team,
        "hotfix/SEC-12-XSS-exploit",
        "SEC-12 prevent s.q.l injection",
    );
    team.commit(
        "CHANGELOG.md",
        "- close a vulnerability\n- other\n",
        "SEC-12 (CVE-2026-1) add it",
    );
    team.push("hotfix/SEC-12-XSS-exploit");
    let run = judge(&pushed(&team, "hotfix/SEC-12-XSS-exploit"), PRIVATE);
    run.begins(1, "refused by confidential");
    assert_snapshot!(said(&run));
    // Of a pull request the working branch speaks too.
    team.branch("SEC-12-backdoor", "1.0.0");
    team.push("SEC-12-backdoor");
    team.branch("hotfix/SEC-13", "1.0.0");
    team.push("hotfix/SEC-13");
    team.switch("SEC-12-backdoor");
    team.commit("src/app", FIXED, QUIET);
    team.push("SEC-12-backdoor");
    let pull = team
        .pull_request("SEC-12-backdoor", "hotfix/SEC-13")
        .with(|build| build.private = true);
    let run = judge(&pull, PRIVATE);
    run.begins(1, "refused by confidential");
    assert_snapshot!("words_in_the_working_branch", said(&run));
}

#[test]
fn words_of_the_policy() {
    let team = Team::new();
    let push = hotfix(
        &team,
        "hotfix/SEC-12",
        "SEC-12 project au-rora: check a name",
    );
    let run = judge(&push, &format!("{PRIVATE}, confidential_words: ['Aurora']"));
    run.begins(1, "refused by confidential");
    assert_snapshot!(said(&run));
    assert!(!run.text.to_lowercase().contains("rora"), "{}", run.text);
}

#[test]
fn a_word_in_the_tag_alone() {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/SEC-12", QUIET);
    let run = judge(&push, &format!("{PRIVATE}, tag: 'security-{{branch}}'"));
    run.begins(1, "refused by confidential");
    assert_snapshot!(said(&run));
}

#[test]
fn an_entry_of_a_public_list_in_a_message() {
    let team = Team::new();
    let push = hotfix(
        &team,
        "hotfix/SEC-12",
        "SEC-12 check the length of a name\n\nThis is cve 2026 12345.\n",
    );
    let run = judge(&push, PRIVATE);
    run.begins(1, "refused by confidential");
    assert_snapshot!(said(&run));
}

#[test]
fn links_to_issues() {
    let team = Team::new();
    hotfix(
        &team,
        "hotfix/SEC-12-#7",
        "SEC-12 check a name: #24\n\nFixes example/app#3\n",
    );
    team.commit(
        "ChangeLog",
        "* (hotfix 2026.01.02) check a name: #1234\n",
        "SEC-12 note it",
    );
    team.push("hotfix/SEC-12-#7");
    let run = judge(&pushed(&team, "hotfix/SEC-12-#7"), PRIVATE);
    run.begins(1, "refused by");
    assert_snapshot!(said(&run));
}

#[test]
fn what_the_forge_writes_and_what_only_looks_so_is_no_link_and_no_word() {
    let team = Team::new();
    for (at, message) in [
        "SEC-12 check a name (#24)",
        "SEC-12 check a name (#24)\n\nReviewed-on: https://git.example/example/service/pulls/24\n",
        "Merge branch 'SEC-12' into 'hotfix/SEC-12'\n\nSEC-12 check a name\n\nSee merge request example/service!24\n",
        "SEC-12 keep 30 days of names in C#7",
        "SEC-12 retry after 10 days",
    ]
    .into_iter()
    .enumerate()
    {
        let run = judge(&hotfix(&team, &format!("hotfix/SEC-{at}"), message), PRIVATE);
        assert!(!run.text.contains("link"), "{message}\n{}", run.text);
        assert!(
            !run.text.contains("about security"),
            "{message}\n{}",
            run.text
        );
    }
}

#[test]
fn the_change_log_of_a_train_is_one_whatever_it_is_called() {
    let team = Team::new();
    hotfix(&team, "hotfix/SEC-12", QUIET);
    let log = " * (hotfix 2026.01.02) close a vulnerability: #1234\n";
    team.commit("packaging/hotfixes.txt", log, "SEC-12 note it");
    team.push("hotfix/SEC-12");
    let push = pushed(&team, "hotfix/SEC-12");
    let train = "train: {spec: x.spec, changelog: packaging/hotfixes.txt}";
    let run = judge(&push, &format!("{PRIVATE}, {train}"));
    run.begins(1, "refused by confidential");
    assert!(
        said(&run).contains("lines that it adds to change logs"),
        "{}",
        run.text
    );
    let run = judge(&push, PRIVATE);
    assert!(!run.text.contains("change logs"), "{}", run.text);
}

#[test]
fn a_link_to_the_private_ticket_is_none() {
    let team = Team::new();
    let push = hotfix(
        &team,
        "hotfix/SEC-12",
        "SEC-12 check a name\n\nhttps://tracker.example/browse/SEC-12\n",
    );
    let run = judge(&push, PRIVATE);
    assert!(!said(&run).contains("link"), "{}", run.text);
}

#[test]
fn a_ticket_of_another_tracker() {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/HOCS-1", "HOCS-1 check a name");
    let run = judge(&push, &format!("{PRIVATE}, confidential: true"));
    run.begins(1, "refused by confidential");
    assert_snapshot!(said(&run));
    // What a message says may be the number of a CVE, so it is no ticket to be shown.
    let push = hotfix(&team, "hotfix/name", "CVE-2026-1 check a name");
    let run = judge(&push, &format!("{PRIVATE}, confidential: true"));
    run.begins(1, "refused by confidential");
    assert_snapshot!("no_ticket", said(&run));
    assert!(!run.text.contains("2026-1"), "{}", run.text);
}

#[test]
fn a_pattern_that_takes_a_sentence_for_a_ticket_shows_none_of_it() {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/x", "SEC-12 check the length of a name");
    let wide = "running: '1.0.0', confidential_ticket: 'SEC.*', tags: ['also-{ticket}-{branch}']";
    let run = judge(&push, wide);
    assert_eq!(run.code, 1, "{}", run.text);
    assert!(!run.text.contains("length of"), "{}", run.text);
}

#[test]
fn a_branch_that_says_more_than_its_ticket() {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/SEC-12-long-names", QUIET);
    let opaque = format!("{PRIVATE}, confidential_tag: opaque");
    let run = judge(&push, &opaque);
    run.begins(1, "refused by confidential");
    assert_snapshot!(said(&run));
    // Not even the names are shown that it should not have.
    assert!(!run.text.contains("long-names"), "{}", run.text);
    let quiet = hotfix(&team, "hotfix/SEC-12", QUIET);
    assert!(!said(&judge(&quiet, &opaque)).contains("more than"));
    let promoted = |tag: &str| {
        let build = DroneBuild::promote(&team.pushed("main"), "cs-demo");
        build
            .param("VERSION", tag)
            .with(|build| build.private = true)
    };
    let run = judge(&promoted("branch-hotfix_SEC-12-long-names"), &opaque);
    run.begins(1, "refused by confidential");
    assert_snapshot!("a_tag_that_says_more", said(&run));
    assert!(!run.text.contains("long-names"), "{}", run.text);
    for tag in ["branch-hotfix_SEC-12", "branch-hotfix_SEC-12-418-0a1b2c3"] {
        let run = judge(&promoted(tag), &opaque);
        assert!(!run.text.contains("more than"), "{}", run.text);
    }
}

#[test]
fn a_branch_of_a_pattern_cannot_be_named_after_its_ticket() {
    let team = Team::new();
    let push = hotfix(&team, "train-2012.04.27", QUIET);
    for (name, prefix) in [
        ("only_patterns", r"prefix: '^train-[0-9.]+$'"),
        ("a_prefix_too", r"prefix: ['^train-[0-9.]+$', fix/]"),
    ] {
        let policy = format!("{PRIVATE}, confidential_tag: opaque, {prefix}");
        let run = judge(&push, &policy);
        assert_eq!(run.code, 1, "{}", run.text);
        assert_snapshot!(name, said(&run));
    }
}

#[test]
fn nobody_is_told_which_hotfixes_are_confidential() {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/SEC-12", QUIET);
    let run = judge(&push, "running: '1.0.0', rules: {confidential: must}");
    run.begins(2, "undecided");
    assert_snapshot!(said(&run));
    judge(&push, "running: '1.0.0'").begins(0, "allowed");
}

#[test]
fn settings_that_cannot_be_meant() {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/SEC-12", QUIET);
    for (name, policy) in [
        ("words_for_nothing", "confidential_words: [aurora]"),
        ("opaque_for_nothing", "confidential_tag: opaque"),
        ("a_pattern_of_nothing", "confidential_ticket: '.*'"),
        ("a_pattern_that_is_none", "confidential_ticket: '('"),
        (
            "a_tag_of_another_kind",
            "confidential: true, confidential_tag: hidden",
        ),
        (
            "words_that_are_none",
            "confidential: true, confidential_words: ['x', '--']",
        ),
        ("no_flag", "confidential: perhaps"),
    ] {
        let run = judge(&push, policy);
        run.begins(3, "");
        assert_snapshot!(name, run.text);
    }
}

#[test]
fn any_place_that_names_a_private_ticket_is_enough() {
    let team = Team::new();
    let first = hotfix(&team, "hotfix/HOCS-1", "HOCS-1 check a name");
    let is_confidential = |run: &Run| said(run).contains("violation") || run.code != 0;
    assert!(!is_confidential(&judge(&first, PRIVATE)));
    // Somewhere in the message of a commit that is not the last one.
    team.commit("src/more", "more\n", "HOCS-1 more\n\nThis is for sec-7.\n");
    team.commit("src/last", "last\n", "HOCS-1 last");
    team.push("hotfix/HOCS-1");
    let run = judge(&pushed(&team, "hotfix/HOCS-1"), PRIVATE);
    run.begins(1, "refused by confidential");
    assert_snapshot!(said(&run));
    // By the tag that is promoted, with the build of an ordinary branch.
    let promoted = DroneBuild::promote(&team.pushed("main"), "cs-demo")
        .param("VERSION", "branch-hotfix_sec-7");
    judge(&promoted, PRIVATE).begins(1, "refused by confidential");
    // What is no hotfix is never stopped.
    let release = DroneBuild::promote(&team.pushed("main"), "cs-demo").param("VERSION", "1.0.0");
    judge(&release, PRIVATE).begins(0, "");
}

#[test]
fn a_hotfix_on_top_of_a_confidential_one_is_confidential_and_keeps_its_own_ticket() {
    let team = Team::new();
    hotfix(&team, "hotfix/SEC-12", QUIET);
    team.branch("hotfix/HOCS-2", "hotfix/SEC-12");
    team.commit("src/more", "more\n", "HOCS-2 check another name");
    team.push("hotfix/HOCS-2");
    let on_top = r"running: branch-hotfix_SEC-12, confidential_ticket: '^SEC-\d+$'";
    let run = judge(&team.pushed("hotfix/HOCS-2"), on_top);
    run.begins(1, "refused by confidential");
    assert_snapshot!(said(&run));
    assert!(!run.text.contains("the length of"), "{}", run.text);
    let run = judge(&pushed(&team, "hotfix/HOCS-2"), on_top);
    assert!(!run.text.contains("private tracker)"), "{}", run.text);
    // One that has nothing to do with it is none, and says nothing of the other.
    let other = hotfix(&team, "hotfix/HOCS-3", "HOCS-3 check a third name");
    let run = judge(&other, on_top);
    assert!(
        run.text
            .contains("confidential (must): it is not confidential"),
        "{}",
        run.text
    );
    assert!(!run.text.contains("the length of"), "{}", run.text);
}

#[test]
fn where_the_messages_cannot_be_read_nobody_says_that_it_is_not_confidential() {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/HOCS-1", "HOCS-1 check a name");
    let nowhere = push.with(|build| build.workspace = "/nowhere".into());
    let run = judge(&nowhere, PRIVATE);
    run.begins(2, "undecided");
    assert_snapshot!(said(&run));
}

#[test]
fn a_person_of_the_policy_may_override_it_and_the_reason_is_not_shown() {
    let team = Team::new();
    let push = hotfix(&team, "hotfix/SEC-12", QUIET).with(|build| build.private = false);
    let custom = DroneBuild {
        event: "custom".into(),
        trigger: "alice".into(),
        ..push
    };
    let custom = custom.param(
        "HOTFIX_REASON",
        "hotfix/SEC-12: the forge is closed to others",
    );
    let run = judge(
        &custom,
        &format!(
            "{PRIVATE}, overrides: [{{rule: confidential, who: [alice], until: '9999-12-31'}}]"
        ),
    );
    run.begins(0, "allowed");
    assert!(!run.text.contains("forge is closed"), "{}", run.text);
    assert!(
        run.text.contains("(not shown: the hotfix is confidential)"),
        "{}",
        run.text
    );
}

#[test]
fn woodpecker_says_it_with_its_own_variable() {
    let policy = "{policy: {confidential: true, rules: {hotfix-branch: should}}}";
    for (private, word) in [(true, "not checked"), (false, "is public")] {
        let build = WoodpeckerBuild::push("hotfix/SEC-12").with(|build| build.private = private);
        let run = crate::support::binary::run(woodpecker_environment(&build, policy));
        assert!(
            finding(&run, "confidential").contains(word) || run.text.contains(word),
            "{}",
            run.text
        );
        assert_eq!(run.code, if private { 2 } else { 1 }, "{}", run.text);
    }
}
