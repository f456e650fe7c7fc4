//! Conditions and patterns as Drone reads them, against the reader that the tests have of their own.

use drone_hotfix::ci::Platform;
use drone_hotfix::pipeline::condition::{Conditions, Field};
use drone_hotfix::pipeline::glob;
use drone_hotfix::pipeline::yaml;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::pipeline::glob as reference;

fn condition(yaml: &str, value: &str) -> bool {
    let text = format!("branch: {yaml}\n");
    let node = yaml::document(&text, 0).unwrap().unwrap();
    let all = Conditions::read(Some(&node), 1, Platform::Drone).unwrap();
    all[0]
        .get(Field::Branch)
        .is_none_or(|c| c.admits(value).unwrap())
}

#[test]
fn what_is_included_and_excluded() {
    for (yaml, value, expected) in [
        ("main", "main", true),
        ("main", "other", false),
        ("[main, 'feature/*']", "feature/a", true),
        ("[main, 'feature/*']", "feature/a/b", false),
        ("[]", "anything", true),
        ("", "anything", true),
        ("~", "anything", true),
        ("''", "", true),
        ("''", "main", false),
        ("{include: [main]}", "main", true),
        ("{include: [main]}", "other", false),
        ("{exclude: [main]}", "main", false),
        ("{exclude: [main]}", "other", true),
        ("{include: ['*'], exclude: [main]}", "main", false),
        ("{include: [main], exclude: ['*']}", "main", false),
        ("{include: [], exclude: []}", "main", true),
        // Not lists, so Drone passes over them.
        ("{include: main}", "other", true),
        ("{exclude: main}", "main", true),
        // As Drone decodes them (judged by drone/runner-go v1.12.0).
        ("NULL", "main", false),
        ("NULL", "", true),
        ("[[a], b]", "", false),
        ("[~, b]", "", true),
        ("1.10", "1.10", true),
        ("yes", "yes", true),
    ] {
        assert_eq!(condition(yaml, value), expected, "{yaml} {value}");
    }
}

#[test]
fn globs_of_the_facts() {
    for (pattern, name, expected) in [
        ("hotfix/*", "hotfix/a", true),
        ("hotfix/*", "hotfix/a/b", false),
        ("hotfix/**", "hotfix/a/b", true),
        ("hotfix/**", "hotfix/a", true),
        ("hotfix/**", "hotfix", false),
        ("**", "a/b/c", true),
        ("**/b", "a/x/b", true),
        ("hotfix**", "hotfix/a", false),
        ("*-prod", "cs-prod", true),
        ("*-prod", "CS-PROD", false),
        ("*-prod", "-prod", true),
        ("{cs,wcs}-prod", "wcs-prod", true),
        ("{cs,wcs}-prod", "x-prod", false),
        ("[a-c]?", "b1", true),
        ("[^a-c]?", "b1", false),
        ("[", "[", false),
        ("\\*", "*", true),
        ("\\*", "x", false),
        ("*", "", true),
        ("", "", true),
        ("ü*", "über", true),
        // A peculiarity of the original.
        ("*?", "üb-", false),
        ("*?", "aü-", true),
    ] {
        assert_eq!(
            glob::matches(pattern, name),
            Some(expected),
            "{pattern} {name}"
        );
    }
}

#[test]
fn a_pattern_that_is_too_much_work_has_no_answer_or_a_right_one() {
    let stars = "*a".repeat(40) + "b";
    assert_ne!(glob::matches(&stars, &"a".repeat(100)), Some(true));
    let doubles = "**/".repeat(30) + "x";
    let found = glob::matches(&doubles, &"a/".repeat(40));
    assert_ne!(found, Some(true));
}

/// Patterns and names from a small alphabet, so that they meet.
fn text(alphabet: &'static str) -> impl Strategy<Value = String> {
    let chars: Vec<char> = alphabet.chars().collect();
    vec(select(chars), 0..9).prop_map(|c| c.into_iter().collect())
}

/// Components of patterns as people write them.
const PARTS: [&str; 9] = ["a", "*", "a*", "*b", "?c", "**", "{a,b}c", "[ab]x", "a\\*"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 50_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_matcher_equals_the_other_one(pattern in text("ab**//??[]{},^-\\"), name in text("aab/*-]")) {
        prop_assert_eq!(glob::matches(&pattern, &name), Some(reference(&pattern, &name)));
    }

    #[test]
    fn an_example_matches_its_pattern(parts in vec(select(PARTS.to_vec()), 1..6)) {
        let pattern = parts.join("/");
        let example = glob::example(&pattern);
        prop_assert_eq!(glob::matches(&pattern, &example), Some(true), "{}", example);
    }
}
