//! docs/settings.md names every setting and key, and each example and each mistake in it is tried.

use std::collections::BTreeSet;

use drone_hotfix::policy::train::Form;
use drone_hotfix::policy::{KEYS, Policy, targets};
use drone_hotfix::settings::NAMES;

use super::{code, offline_builds, pages, pipeline, read, rows, step};
use crate::support::binary;
use crate::support::pipeline::DroneBuild;

/// The part of the page under one heading, which is a name in back ticks.
fn section(page: &str, name: &str) -> String {
    let heading = format!("\n### `{name}`\n");
    let start = page
        .find(&heading)
        .unwrap_or_else(|| panic!("`{name}` has no heading"));
    let rest = &page[start + heading.len()..];
    let end = rest.find("\n#").unwrap_or(rest.len());
    rest[..end].to_owned()
}

/// The list item of that name, with the lines that belong to it, as one line.
fn item(section: &str, name: &str) -> Option<String> {
    let start = section.find(&format!("\n- {name}:"))?;
    let mut item = String::new();
    for (i, line) in section[start + 1..].lines().enumerate() {
        if i > 0 && !line.starts_with("  ") {
            break;
        }
        item.push_str(line.trim_start());
        item.push(' ');
    }
    Some(item)
}

/// The keys below a key, as the binary lists them when it meets one that does not exist.
fn keys_below(policy: &str, at: &str) -> Vec<String> {
    let run = step(
        &DroneBuild::tag("1"),
        &pipeline(&format!("policy: {policy}")),
        "hotfix",
    );
    let problem = run
        .text
        .split(&format!("{at}\n"))
        .nth(1)
        .expect("a problem");
    let line = problem
        .lines()
        .find(|line| line.contains("expected: one of "))
        .expect("a list");
    code(line)
}

#[test]
fn every_setting_and_key_is_documented_and_no_other() {
    let page = read("docs/settings.md");
    let headings: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with("### "))
        .flat_map(code)
        .collect();
    let names = NAMES.iter().map(|name| (*name).to_owned());
    let keys = KEYS.iter().map(|key| format!("policy.{key}"));
    let wanted: BTreeSet<String> = names.chain(keys).collect();
    assert_eq!(
        headings.len(),
        wanted.len(),
        "a heading twice: {headings:?}"
    );
    assert_eq!(headings.into_iter().collect::<BTreeSet<_>>(), wanted);

    let mut wanted = BTreeSet::new();
    for (policy, at, name) in [
        ("{targets: {z: a}}", "policy.targets.z", "policy.targets."),
        ("{tls: {z: a}}", "policy.tls.z", "policy.tls."),
        ("{limits: {z: a}}", "policy.limits.z", "policy.limits."),
        ("{train: {z: a}}", "policy.train.z", "policy.train."),
        ("{forge: {z: a}}", "policy.forge.z", "policy.forge."),
        (
            "{running: {a: {z: a}}}",
            "policy.running.a.z",
            "policy.running.TARGET.",
        ),
        (
            "{overrides: [{z: a}]}",
            "policy.overrides[0].z",
            "policy.overrides[].",
        ),
        (
            "{notify: [{z: a}]}",
            "policy.notify[0].z",
            "policy.notify[].",
        ),
        ("{agreed: {z: a}}", "policy.agreed.z", "policy.agreed."),
        (
            "{issue: {sections: {z: a}}}",
            "policy.issue.sections.z",
            "policy.issue.sections.",
        ),
        ("{smtp: {z: a}}", "policy.smtp.z", "policy.smtp."),
        (
            "{deployment_ticket: {z: a}}",
            "policy.deployment_ticket.z",
            "policy.deployment_ticket.",
        ),
    ] {
        wanted.extend(
            keys_below(policy, at)
                .iter()
                .map(|key| format!("{name}{key}")),
        );
    }
    let rows = rows(&page, "## Keys of the policy");
    let found: BTreeSet<String> = rows.iter().flat_map(|row| code(&row[0])).collect();
    assert_eq!(found, wanted);
}

#[test]
fn the_defaults_are_those_of_the_code() {
    let page = read("docs/settings.md");
    let rows = rows(&page, "## Keys of the policy");
    let listed = |key: &str| -> Vec<String> {
        let row = rows
            .iter()
            .find(|row| code(&row[0]) == [key])
            .expect("a row");
        code(&row[2])
    };
    assert_eq!(listed("policy.targets.qa"), targets::QA);
    assert_eq!(listed("policy.targets.production"), targets::PRODUCTION);
    assert_eq!(listed("policy.targets.trial"), targets::trial_patterns());

    let mut problems = Vec::new();
    let policy = Policy::parse("{}", &[], &mut problems).expect("the empty policy is one");
    let default = |key: &str| code(&item(&section(&page, key), "Default").expect("a default"));
    assert_eq!(default("policy.tag"), [policy.tag.as_str()]);
    assert_eq!(
        default("policy.tags_file"),
        [policy.tags_file.to_str().expect("text")]
    );
    assert_eq!(
        default("policy.prefix"),
        policy.prefixes.iter().collect::<Vec<_>>()
    );
    assert_eq!(default("policy.version_params"), policy.version_params);
    assert_eq!(default("policy.enforce"), [policy.enforce.to_string()]);
    let sole = policy.sole_publisher.to_string();
    assert_eq!(default("policy.sole_publisher"), [sole]);
    assert_eq!(default("policy.attest"), [policy.attest.to_string()]);
    assert_eq!(
        default("policy.timeout"),
        [format!("{}m", policy.timeout.as_secs() / 60)]
    );
    let trains = Policy::parse(r#"{"train":{}}"#, &[], &mut problems).expect("a policy");
    let train = trains.train.expect("trains");
    let of = |key: &str| listed(&format!("policy.train.{key}"));
    assert_eq!(of("spec"), [train.spec]);
    assert_eq!(of("changelog"), [train.changelog]);
    assert_eq!(of("version_prefix"), [train.version_prefix]);
    assert_eq!(of("branches"), [train.branches.as_str()]);
    assert_eq!(of("ticket_param"), [train.ticket_param]);
    assert_eq!(
        (of("form"), train.form),
        (vec!["plain".to_owned()], Form::Plain)
    );
    let same = Policy::parse(
        &format!(
            r#"{{"tags_format":"{}"}}"#,
            default("policy.tags_format")[0]
        ),
        &[],
        &mut problems,
    );
    assert_eq!(same.expect("a policy").tags_format, policy.tags_format);
    // The pattern itself is not public, so both are asked.
    let written = drone_hotfix::hotfix::TicketPattern::new(&default("policy.ticket")[0]);
    let written = written.expect("a pattern");
    for text in [
        "HOCS-4712-x",
        "0.9-HOCS_4724",
        "HOCS4701-fix",
        "A1B2-3",
        "X-1",
        "v2",
        "4495_fix",
        "a1 EX1",
    ] {
        assert_eq!(written.find(text), policy.ticket.find(text), "{text}");
    }
}

#[test]
fn every_example_is_accepted_and_every_mistake_refused() {
    let page = read("docs/settings.md");
    let (mut settings, mut policy) = (String::new(), String::new());
    let mut refused = 0;
    let keys = KEYS.iter().map(|key| format!("policy.{key}"));
    for name in NAMES.iter().map(|name| (*name).to_owned()).chain(keys) {
        let section = section(&page, &name);
        assert!(item(&section, "Form").is_some(), "{name} has no form");
        assert!(item(&section, "Default").is_some(), "{name} has no default");
        let examples = code(&item(&section, "Example").expect("an example"));
        assert_eq!(examples.len(), 1, "{name}: {examples:?}");
        let key = name.strip_prefix("policy.").unwrap_or(&name);
        assert!(
            examples[0].starts_with(&format!("{key}: ")),
            "{}",
            examples[0]
        );
        match (name == "policy", name.starts_with("policy.")) {
            (true, _) => {}
            (_, true) => policy.push_str(&format!("  {}\n", examples[0])),
            (_, false) => settings.push_str(&format!("{}\n", examples[0])),
        }
        let mistakes = code(&item(&section, "Refused").unwrap_or_default());
        for mistake in mistakes
            .iter()
            .filter(|m| m.starts_with(&format!("{key}: ")))
        {
            let lines = match (name == "policy", name.starts_with("policy.")) {
                (true, _) => mistake.clone(),
                (_, true) if key == "repo" => format!("policy:\n  {mistake}"),
                (_, true) => format!("policy:\n  repo: quay.io/example/service\n  {mistake}"),
                (_, false) => format!("policy: {{}}\n{mistake}"),
            };
            let run = step(&DroneBuild::tag("1"), &pipeline(&lines), "hotfix");
            assert_eq!(run.code, 3, "{mistake}: {}", run.text);
            let other = if key == "username" {
                "password"
            } else {
                "username"
            };
            let names =
                run.text.contains(&format!("\n{name}")) || run.text.contains(&format!("\n{other}"));
            assert!(names, "{mistake}: {}", run.text);
            refused += 1;
        }
    }
    assert!(refused > 40, "{refused}");
    let all = pipeline(&format!("{settings}policy:\n{policy}"));
    for build in offline_builds() {
        let run = step(&build, &all, "hotfix");
        assert_ne!(run.code, 3, "{}", run.text);
    }
    // Alone as well: no example leans on another, but for those that need another key and say so.
    let leaning = [
        "source:",
        "digest_file:",
        "confidential_words:",
        "confidential_tag:",
    ];
    let leans = |line: &&str| leaning.iter().any(|key| line.contains(key));
    for example in policy.lines().filter(|line| !leans(line)) {
        let run = step(
            &DroneBuild::tag("1"),
            &pipeline(&format!("policy:\n{example}")),
            "hotfix",
        );
        assert_eq!(run.code, 0, "{example}: {}", run.text);
    }
}

#[test]
fn dollar_braces_are_named_only_as_what_not_to_write() {
    for name in pages() {
        for line in read(&name).lines().filter(|line| line.contains("${")) {
            assert!(
                line.contains("No `${") || line.contains("no `${") || line.contains("with `${"),
                "{name}: {line}"
            );
        }
    }
    let mistake = pipeline("policy: {tag: \"branch-${DRONE_BRANCH}\"}");
    assert_eq!(
        binary::run(DroneBuild::tag("1").run(&mistake, "hotfix", &Default::default())).code,
        3
    );
}
