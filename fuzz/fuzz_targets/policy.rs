//! The policy: there is one if and only if nothing is wrong with it, and no policy whatever lets a
//! hotfix take a name of a release, or one that the gate before QA would not know.

#![no_main]

use drone_hotfix::hotfix::tag::{ImageTag, is_version};
use drone_hotfix::hotfix::template::Values;
use drone_hotfix::hotfix::{CommitId, HotfixBranch};
use drone_hotfix::policy::{Policy, RuleKey};
use drone_hotfix::problem::Problem;
use drone_hotfix::rules;
use libfuzzer_sys::fuzz_target;

const RESTS: [&str; 6] = ["HOCS-1", "1.2.3", "latest", "v1", "a/b.c", "-"];

fuzz_target!(|text: &str| {
    let keys = rules::keys();
    let mut problems = Vec::new();
    let policy = Policy::parse(text, &keys, &mut problems);
    assert_eq!(policy.is_some(), problems.is_empty(), "{problems:?}");
    assert_same_again(text, &keys, policy.as_ref(), &problems);
    if let Some(policy) = policy {
        assert_publishes_only_hotfixes(&policy);
        assert_patterns_are_of_hotfixes(&policy);
    }
});

/// Problems of others before it change nothing.
fn assert_same_again(text: &str, keys: &[RuleKey], policy: Option<&Policy>, found: &[Problem]) {
    let before = Problem::new("username", "nothing", "a user");
    let mut problems = vec![before];
    let again = Policy::parse(text, keys, &mut problems);
    assert_eq!(
        again.map(|again| again.digest),
        policy.map(|policy| policy.digest.clone())
    );
    assert_eq!(&problems[1..], found);
}

/// Names of hotfix branches: of each beginning with what may follow it, and of each pattern.
fn names(policy: &Policy) -> Vec<String> {
    let plain = policy.prefixes.plain();
    let of = |prefix: &str| RESTS.map(|rest| format!("{prefix}{rest}"));
    let patterns = policy.prefixes.patterns();
    plain
        .flat_map(of)
        .chain(patterns.flat_map(|pattern| pattern.examples().to_vec()))
        .collect()
}

/// No pattern takes what everybody calls other branches, and every example of one is a hotfix branch.
fn assert_patterns_are_of_hotfixes(policy: &Policy) {
    for pattern in policy.prefixes.patterns() {
        for name in ["", "main", "master", "dev", "feature/x", "1.2.3"] {
            assert!(!pattern.is_match(name), "{name}");
        }
        assert!(!pattern.examples().is_empty());
        for name in pattern.examples() {
            assert!(
                HotfixBranch::parse(name, &policy.prefixes).is_ok(),
                "{name}"
            );
            assert!(
                pattern.mentioned(&format!("see {name}")).is_some(),
                "{name}"
            );
        }
    }
}

fn assert_publishes_only_hotfixes(policy: &Policy) {
    let commit = CommitId::parse(&"a".repeat(40)).expect("a commit");
    for name in names(policy) {
        let Ok(branch) = HotfixBranch::parse(&name, &policy.prefixes) else {
            continue;
        };
        let values = Values {
            branch: &branch,
            ticket: None,
            commit: &commit,
            build: 418,
        };
        for template in policy.templates() {
            let rendered = template.render(values);
            let Some(tag) = rendered.and_then(|text| ImageTag::new(&text).ok()) else {
                continue;
            };
            assert!(!tag.as_str().eq_ignore_ascii_case("latest"));
            assert!(!is_version(tag.as_str()), "{tag:?}");
            assert!(policy.hotfix_tags.recognise(tag.as_str()), "{tag:?}");
            assert_eq!(policy.may_publish(&tag), !policy.is_release(tag.as_str()));
        }
    }
    for release in ["1.2.3", "v1.2.3", "1.0.0-hotfix", "1"] {
        assert!(policy.is_release(release), "{release}");
    }
}
