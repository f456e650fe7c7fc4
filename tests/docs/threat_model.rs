//! docs/threat-model.md names only rules, keys, settings and ways that exist, and says of itself
//! only what a test holds.

use std::collections::BTreeSet;

use drone_hotfix::declaration::Key;
use drone_hotfix::policy::KEYS;
use drone_hotfix::rules;
use drone_hotfix::settings::NAMES;

use super::{code, read, rows};

const PAGE: &str = "docs/threat-model.md";

/// Words of the servers, of people and of other tools that stand between back ticks.
const OF_OTHERS: [&str; 30] = [
    "@channel",
    "$VERSION",
    "CI_*",
    "CS-QA ",
    "DRONE_*",
    "DRONE_REPO_PRIVATE",
    "DRONE_SECRET_PLUGIN_ENDPOINT",
    "DRONE_VALIDATE_PLUGIN_ENDPOINT",
    "PLUGIN_*",
    "VERSION",
    "cosign verify-attestation --key",
    "depends_on",
    "deploy_to",
    "event",
    "failure: ignore",
    "false",
    "hotfix/*",
    "kind: secret",
    "main",
    "must",
    "params",
    "policy",
    "promote",
    "pull_request",
    "ref",
    "refs/merge-requests/",
    "refs/pull-requests/",
    "refs/pull/",
    "rollback",
    "trigger",
];

fn is_declaration(word: &str) -> bool {
    Key::ALL.iter().any(|key| key.name() == word)
}

#[test]
fn every_name_in_it_exists() {
    let ids: BTreeSet<&str> = rules::keys().iter().map(|key| key.id).collect();
    let (mut named, mut used) = (BTreeSet::new(), BTreeSet::new());
    for (at, line) in read(PAGE).lines().enumerate() {
        for word in code(line) {
            let word = word.as_str();
            let key = word.strip_prefix("policy.");
            if ids.contains(word) {
                named.insert(word.to_owned());
            }
            let known = match key {
                Some(key) => KEYS.contains(&key),
                None => {
                    is_declaration(word)
                        || ids.contains(word)
                        || NAMES.contains(&word)
                        || OF_OTHERS.contains(&word)
                }
            };
            assert!(known, "{PAGE}:{}: `{word}` is nothing of ours", at + 1);
            used.insert(word.to_owned());
        }
    }
    // The list of other people's words has nothing in it that the page does not say.
    for word in OF_OTHERS {
        assert!(used.contains(word), "{PAGE} no longer says `{word}`");
    }
    for rule in [
        "gate-wired",
        "promoted-ref",
        "target-known",
        "pipeline-unchanged",
    ] {
        assert!(named.contains(rule), "{PAGE} says nothing of `{rule}`");
    }
}

#[test]
fn it_speaks_of_everybody_who_can_do_something() {
    let rows = rows(&read(PAGE), "## Who can do what");
    let who: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    for one in [
        "reads",
        "pull request",
        "writes",
        "repository admin",
        "server",
        "runner",
        "pushes to the image",
        "registry",
        "forge",
        "cluster",
    ] {
        assert!(who.iter().any(|who| who.contains(one)), "{one}: {who:?}");
    }
    assert!(
        rows.iter()
            .all(|row| row.len() == 4 && row.iter().all(|cell| !cell.is_empty())),
        "{rows:?}"
    );
}

#[test]
fn what_it_says_is_stopped_has_a_test_that_stops_it() {
    // Every row of the table, in its order, with the tests that hold it.
    let held: [(&str, &[&str]); 18] = [
        (
            "under another name",
            &["a_renamed_tag", "a_digest", "one_platform_of_a_hotfix"],
        ),
        (
            "`VERSION`",
            &[
                "a_build_of_main_with_the_hotfix_s_tag",
                "a_hotfix_tag_inside_a_longer_parameter",
            ],
        ),
        (
            "promotes a promotion",
            &["a_promotion_of_a_promotion", "a_restart", "a_rollback"],
        ),
        (
            "pushes the hotfix's commit",
            &[
                "a_hotfix_commit_on_another_branch",
                "a_hotfix_commit_tagged_as_a_release",
            ],
        ),
        (
            "builds the hotfix again",
            &["a_rebuilt_hotfix", "a_relabelled_hotfix"],
        ),
        ("moves the tag", &["a_tag_that_moves_after_the_verdict"]),
        (
            "`PLUGIN_*`",
            &[
                "settings_that_nobody_wrote",
                "settings_in_another_case",
                "a_setting_twice",
            ],
        ),
        (
            "fake registry",
            &["a_fake_registry", "a_fake_proxy", "a_fake_authority"],
        ),
        (
            "adds `webhook_url`",
            &["a_parameter_can_neither_redirect_a_message_nor_add_a_receiver"],
        ),
        (
            "puts `@channel`",
            &["no_name_becomes_a_mention_or_a_line_of_its_own"],
        ),
        (
            "hidden line of the deployment ticket",
            &["only_the_comments_of_our_own_account_count"],
        ),
        (
            "deletes a secret",
            &["a_deleted_secret", "a_missing_secret"],
        ),
        (
            "`CS-QA `",
            &[
                "a_target_in_other_letters",
                "a_target_of_look_alike_letters",
            ],
        ),
        (
            "switches the registry off",
            &[
                "a_registry_that_is_down",
                "a_registry_that_has_nothing",
                "a_registry_that_shows_a_login_page",
            ],
        ),
        (
            "copies an attestation",
            &["an_attestation_of_another_image"],
        ),
        (
            "past its pull requests",
            &[
                "a_direct_push_is_named",
                "a_commit_that_only_says_what_a_pull_request_says_is_direct",
                "a_pull_request_into_another_branch_does_not_count",
                "an_approval_before_a_force_push",
                "an_approval_by_who_opened_it",
                "an_approval_by_a_bot",
            ],
        ),
        (
            "pushes beneath a pull request",
            &[
                "a_push_that_takes_out_what_an_early_pull_request_does_not_have_is_direct",
                "what_somebody_put_into_the_merge_is_named",
                "a_commit_that_is_only_said_to_be_the_merge_is_named",
            ],
        ),
        (
            "no right to the repository",
            &[
                "a_stranger_decides_nothing",
                "whoever_amended_it_may_not_approve",
            ],
        ),
    ];
    let rows = rows(&read(PAGE), "## What the gate stops");
    assert_eq!(rows.len(), held.len());
    let mut tests = String::new();
    for folder in ["tests/ways_round", "tests/forge", "tests/telling"] {
        for file in std::fs::read_dir(super::path(folder)).expect("a folder") {
            let file = file.expect("an entry").path();
            if file.is_file() {
                tests.push_str(&std::fs::read_to_string(file).expect("a test"));
            }
        }
    }
    for (row, (words, names)) in rows.iter().zip(held) {
        assert!(row[0].contains(words), "{} is not about {words}", row[0]);
        for name in names {
            assert!(tests.contains(&format!("fn {name}()")), "{name} is no test");
        }
    }
}

#[test]
fn the_readme_leads_to_it() {
    assert!(read("README.md").contains("](docs/threat-model.md"));
}
