//! A prefix may be a pattern: no tag and no branch that it makes goes unrecognised, whatever it looks
//! like, and a pattern that would take ordinary branches is refused.

use std::ffi::OsString;

use drone_hotfix::ci;
use drone_hotfix::environment::Environment;
use drone_hotfix::facts;
use drone_hotfix::hotfix::tag::ImageTag;
use drone_hotfix::hotfix::template::Values;
use drone_hotfix::hotfix::{CommitId, HotfixBranch, NotHotfix, Prefixes};
use drone_hotfix::policy::Policy;
use drone_hotfix::rules;
use drone_hotfix::secret::Redactor;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::random::{CASES, always};
use crate::support::binary::run;
use crate::support::gate::drone_environment;
use crate::support::pipeline::DroneBuild;

/// A piece of a pattern, and a text that it matches.
fn piece() -> impl Strategy<Value = (String, String)> {
    let pair = |(pattern, text): (&str, &str)| (pattern.to_owned(), text.to_owned());
    let literal = select(vec![
        "-", "/", "x", "hot", "+", "_", "a/b", ".", "fix-", "ü", "1.2", "v",
    ])
    .prop_map(|text| (regex::escape(text), text.to_owned()));
    let digits = "[0-9]{1,4}".prop_map(|text| (format!(r"\d{{{}}}", text.len()), text));
    let class = select(vec![
        ("[a-c/]+", "b/c"),
        ("[a-c/]+", "a"),
        ("[^a-z]", "/"),
        ("[^a-z]", "-"),
        ("[./_-]", "/"),
    ])
    .prop_map(pair);
    let any = "[-a-zA-Z0-9_/.+]{1,8}".prop_map(|text| (".+".to_owned(), text));
    let either = select(vec![
        ("(?:x|y/z)", "y/z"),
        ("(x|y/z)", "x"),
        ("(?P<n>x|y/z)?", ""),
        ("(?:-hotfix.*)?", ""),
        ("(?:-hotfix.*)?", "-hotfix-4712/a"),
        ("(?i:train)", "tRaIn"),
        ("(?i)train", "TRAIN"),
        (r"\w+", "Ab_9"),
        (r"[\w/]{2,}?", "A/"),
        (r"(?:\d\d\.){2}", "01.02."),
    ])
    .prop_map(pair);
    prop_oneof![literal, digits, class, any, either]
}

/// A pattern and a name that it matches.
fn patterns() -> impl Strategy<Value = (String, String)> {
    let start = select(vec!["train-", "t/", "", "hotfix"]);
    (start, vec(piece(), 1..6)).prop_map(|(start, pieces)| {
        let (mut pattern, mut name) = (format!("^{start}"), start.to_owned());
        for (part, text) in pieces {
            pattern.push_str(&part);
            name.push_str(&text);
        }
        pattern.push('$');
        (pattern, name)
    })
}

const TEMPLATES: [&str; 5] = [
    "branch-{branch}",
    "hf.{branch}-{short_sha}",
    "x/{ticket}{branch}",
    "v{branch}",
    "a{build}_{branch}_{branch}",
];

/// Texts around a tag.
const TAGS: [&str; 10] = [
    "{}",
    " {} ",
    "registry.example/team/app:{}",
    "registry.example/team/app:{}@sha256:00",
    "docker://registry.example:5000/app:{}",
    "roll out {}, please",
    "[\"{}\"]",
    "version={};force",
    "See {}.",
    "{}-arm64",
];
/// Texts around a branch.
const BRANCHES: [&str; 9] = [
    "{}",
    "refs/heads/{}",
    "origin/{}",
    "refs/remotes/upstream/{}",
    "https://git.example/team/app/tree/{}",
    "build of {}, at last",
    "(see {})",
    "ship {}.",
    "{}@{{1}}",
];

fn policy(pattern: &str, template: &str) -> Option<Policy> {
    let prefix = serde_json::Value::from(pattern);
    let text = format!(r#"{{"prefix":[{prefix},"hotfix/"],"tag":"{template}","ticket":"[a-z]"}}"#);
    let mut problems = Vec::new();
    let policy = Policy::parse(&text, &rules::keys(), &mut problems);
    assert!(
        policy.is_some()
            || problems
                .iter()
                .all(|problem| problem.setting == "policy.prefix"),
        "{problems:?}"
    );
    policy
}

/// Whether a text in any variable makes a promotion a hotfix's.
fn is_evidence(policy: &Policy, environment: &[(String, String)], text: &str) -> bool {
    let more = [("NOTE".to_owned(), text.to_owned())];
    let variables = environment.iter().cloned().chain(more);
    let of = |(name, value): (String, String)| (OsString::from(name), OsString::from(value));
    let environment = Environment::new(variables.map(of));
    let build = ci::read(&environment).expect("a build");
    let facts = facts::collect(&environment, &build, policy, &Redactor::default());
    facts
        .promotion
        .is_some_and(|promotion| !promotion.evidence.is_empty())
}

#[test]
fn no_tag_and_no_branch_of_a_pattern_goes_unrecognised() {
    let commit = CommitId::parse(&"0123456789".repeat(4)).unwrap();
    let main = DroneBuild::push("main");
    let environment = drone_environment(&DroneBuild::promote(&main, "cs-qa"), "{policy: {}}");
    let setups = (
        patterns(),
        select(&TEMPLATES[..]),
        select(&TAGS[..]),
        select(&BRANCHES[..]),
        any::<bool>(),
    );
    let (accepted, tags) = (std::cell::Cell::new(0_u32), std::cell::Cell::new(0_u32));
    always(
        CASES / 60,
        &setups,
        |((pattern, name), template, around_tag, around, shout)| {
            let Some(policy) = policy(&pattern, template) else {
                return Ok(());
            };
            let branch = match HotfixBranch::parse(&name, &policy.prefixes) {
                Ok(branch) => branch,
                Err(NotHotfix::NotABranch) => return Ok(()),
                // A name that two pieces share out otherwise is still matched.
                Err(other) => {
                    return Err(TestCaseError::fail(format!("{pattern} {name}: {other:?}")));
                }
            };
            accepted.set(accepted.get() + 1);
            prop_assert!(!policy.prefixes.take("main") && policy.prefixes.take(&name));
            for example in policy.prefixes.examples() {
                prop_assert!(
                    HotfixBranch::parse(&example, &policy.prefixes).is_ok(),
                    "{}",
                    example
                );
            }
            let text = around
                .replace("{}", &name)
                .replace("{{", "{")
                .replace("}}", "}");
            prop_assert!(
                is_evidence(&policy, &environment, &text),
                "{pattern}: {text}"
            );
            let ticket = policy.ticket.find("a");
            let values = Values {
                branch: &branch,
                ticket: ticket.as_ref(),
                commit: &commit,
                build: 418,
            };
            let Some(Ok(tag)) = policy.tag.render(values).map(|text| ImageTag::new(&text)) else {
                return Ok(());
            };
            tags.set(tags.get() + 1);
            let written = tag.as_str().to_owned();
            let said = if shout {
                written.to_uppercase()
            } else {
                written
            };
            prop_assert!(
                policy.hotfix_tags.recognise(&said),
                "{pattern} {template}: {said}"
            );
            prop_assert_eq!(policy.may_publish(&tag), !policy.is_release(tag.as_str()));
            let text = around_tag.replace("{}", &said);
            prop_assert!(
                is_evidence(&policy, &environment, &text),
                "{pattern} {template}: {text}"
            );
            Ok(())
        },
    );
    let (accepted, tags) = (accepted.get(), tags.get());
    assert!(accepted > 500 && tags > 200, "{accepted} {tags}");
}

#[test]
fn a_train_pattern_takes_nothing_else() {
    let prefixes = Prefixes::new(vec![r"^train-\d{4}\.\d\d\.\d\d$".to_owned()]).unwrap();
    always(CASES, &"(?:train-)?[0-9a-zA-Z./+-]{0,14}", |name| {
        let plain = regex::Regex::new(r"^train-[0-9]{4}\.[0-9]{2}\.[0-9]{2}$").unwrap();
        prop_assert_eq!(prefixes.take(&name), plain.is_match(&name));
        Ok(())
    });
    let text = r#"{"prefix":"^train-\\d{4}\\.\\d\\d\\.\\d\\d$"}"#;
    let policy = Policy::parse(text, &rules::keys(), &mut Vec::new()).unwrap();
    for tag in [
        "branch-train-2012.04.27",
        "Branch-Train-2012.04.27",
        "branch-train-2012.04.27-arm64",
        "branch-hotfix_x",
    ] {
        assert!(policy.hotfix_tags.recognise(tag), "{tag}");
    }
    for tag in [
        "1.2.3",
        "branch-main",
        "branch-train-2012.04.2",
        "branch-train-2012.04.271",
        "latest",
        "",
    ] {
        assert!(!policy.hotfix_tags.recognise(tag), "{tag}");
    }
}

#[test]
fn a_pattern_that_takes_too_much_or_nothing_is_refused() {
    let mut found = Vec::new();
    for prefix in [
        r"'^train-'",
        r"'^'",
        r"'^$'",
        r"'^.*$'",
        r"'^.+$'",
        r"'^(?:train-.+)?$'",
        r"'^train-\d+$|^tram-\d+$'",
        r"'^a$,^b$'",
        r"'^(?:main|train-\d+)$'",
        r"'^[a-z]+$'",
        r"'^train-\d{4$'",
        r"'^train-(?=x).*$'",
        r"'^train\b.*$'",
        r"'^train-[^\s\S]$'",
        r"'^train \d$'",
        r"'^train-\w{90}\w{90}\w{90}\w{90}\w{90}\w{90}\w{90}$'",
        r"['hotfix/', '^line-\d$', 'a..b']",
        r"['hotfix/', '^line']",
    ] {
        let build = DroneBuild::push("line-1");
        let settings = format!("{{policy: {{prefix: {prefix}}}}}");
        let run = run(drone_environment(&build, &settings));
        assert_eq!(run.code, 3, "{prefix}: {}", run.text);
        found.push(format!("{prefix}\n{}", run.text));
    }
    // The default branch is another than anybody thinks.
    let build = DroneBuild::push("line-1").with(|build| build.default_branch = "line-1".to_owned());
    let run = run(drone_environment(
        &build,
        r"{policy: {prefix: '^line-\d$'}}",
    ));
    assert_eq!(run.code, 3, "{}", run.text);
    found.push(run.text);
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn a_near_miss_is_said_and_a_list_may_hold_commas() {
    let settings = r"{policy: {prefix: '^train-\d{4,4}\.\d\d\.\d\d$'}}";
    let near = run(drone_environment(
        &DroneBuild::push("train-2012.4.27"),
        settings,
    ));
    near.ends(0, &["does not match `^train-", "in exactly that spelling"]);
    let train = run(drone_environment(
        &DroneBuild::push("train-2012.04.27"),
        settings,
    ));
    // It is judged; what is missing here is a workspace to write into.
    train.begins(4, "not published");
    let main = DroneBuild::push("main");
    for version in [
        "branch-train-2012.04.27",
        "registry.example/app:branch-train-2012.04.27@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "train-2012.04.27",
    ] {
        let build = DroneBuild::promote(&main, "cs-qa").param("VERSION", version);
        run(drone_environment(&build, settings)).begins(1, "refused by qa-closed");
    }
    let build = DroneBuild::promote(&main, "cs-qa")
        .param("VERSION", "1.2.3")
        .param(
            "NOTE",
            "see https://git.example/team/app/tree/train-2012.04.27.",
        );
    run(drone_environment(&build, settings)).begins(1, "refused by qa-closed");
    let ordinary = DroneBuild::promote(&main, "cs-qa").param("VERSION", "1.2.3");
    run(drone_environment(&ordinary, settings)).ends(0, &[]);
}
