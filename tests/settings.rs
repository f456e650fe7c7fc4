//! Reading the environment: what Drone really sends, names and values that are almost right, and
//! every problem at once.

use std::collections::BTreeMap;

use crate::support::binary::{Run, run, run_with_doubles};
use crate::support::fixtures::drone_settings_rows;
use crate::support::gate::{drone_environment, woodpecker_environment, woodpecker_gate};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};
use crate::support::registry::TempDir;

#[track_caller]
fn code(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{}", run.text);
    for word in words {
        assert!(run.text.contains(word), "no {word} in\n{}", run.text);
    }
}

/// A push to a hotfix branch with these variables on top.
fn push(variables: &[(&str, &str)]) -> Run {
    let workspace = TempDir::new();
    let build = DroneBuild::push("hotfix/HOCS-1234")
        .with(|build| build.workspace = workspace.path("").into());
    let mut all = drone_environment(&build, "{}");
    all.extend(
        variables
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
    );
    run(all)
}

/// What the binary says to each row of the fixtures: exit code and words.
const ROWS: [(i32, &[&str]); 22] = [
    (0, &["`branch-hotfix_HOCS-1234` written to `.tags`"]),
    (
        2,
        &[
            "undecided, no-features",
            "the workspace holds no git checkout",
        ],
    ),
    (
        3,
        &[
            "policy.source",
            "policy.rules.forward-port",
            "`true`",
            "one of `off`",
        ],
    ),
    (
        3,
        &[
            "2 problems",
            "policy.running.cs-prod",
            "the number `1.1`",
            "policy.running.one",
            "write it in quotes",
        ],
    ),
    (
        3,
        &["policy.running\n", "the number `2`", "write it in quotes"],
    ),
    (
        0,
        &["`branch-hotfix_HOCS-1234-0123456`, `branch-hotfix_HOCS-1234`"],
    ),
    (3, &["policy.tls.ca", "certificates in PEM"]),
    (0, &["`branch-hotfix_HOCS-1234` written"]),
    (
        0,
        &["policy sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"],
    ),
    (3, &["policy\n", "promotion parameter"]),
    (3, &["policy\n", "promotion parameter"]),
    (3, &["policy\n", "promotion parameter"]),
    (3, &["policy\n", "`a,b`", "a map"]),
    (3, &["policy\n", "`strict`", "a map"]),
    (
        3,
        &[
            "2 problems",
            "policy.note",
            "policy.working_branch",
            "look-around",
        ],
    ),
    (3, &["1 problem", "PLUGIN_DRY-RUN", "`PLUGIN_DRY_RUN`"]),
    (0, &["would be written to `.tags`"]),
    (
        3,
        &[
            "4 problems",
            "policy.1\n",
            "policy.1.5\n",
            "policy.a\n",
            "policy.true\n",
        ],
    ),
    (0, &["ignored, none of our settings: `PLUGIN_AGAIN`"]),
    (
        3,
        &[
            "policy.username",
            "`from_secret`",
            "as the setting `username`",
        ],
    ),
    (3, &["policy.repo", "`b`", "names no host"]),
    (3, &["policy\n", "`tags` belongs inside it"]),
];

#[test]
fn every_row_that_drones_own_code_made() {
    let rows = drone_settings_rows();
    assert_eq!(rows.len(), ROWS.len());
    for (row, (expected, words)) in rows.iter().zip(ROWS) {
        let secrets = row
            .secrets
            .keys()
            .map(|name| (name.as_str(), "a-secret-value"));
        let plain = row
            .env
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let run = push(&plain.chain(secrets).collect::<Vec<_>>());
        assert_eq!(run.code, expected, "{}\n{}", row.yaml, run.text);
        for word in words {
            assert!(
                run.text.contains(word),
                "no {word} for\n{}\n{}",
                row.yaml,
                run.text
            );
        }
    }
}

#[test]
fn every_problem_is_reported_in_one_run() {
    let policy = r#"{"repo": "Quay.io/UPPER", "rulez": {}, "prefix": "", "targets": {"qa": 7, "qaa": []},
        "rules": {"qa-close": "must", "ticket": "maybe", "readable-promotion": "should"}, "tag": "{branch}",
        "tags": ["x-{brunch}"], "tags_file": "../up", "timeout": "soon", "enforce": "perhaps",
        "tls": {"insecure": ["http://x"]}, "limits": {"commits": "many"}, "version_params": ["A-B"],
        "enforce": true, "overrides": [{"rule": "x"}], "source": "quay.io/a/b:1"}"#;
    let run = push(&[
        ("PLUGIN_POLICY", policy),
        ("PLUGIN_USERNAME", "somebody"),
        ("PLUGIN_DRY_RUN", "perhaps"),
        ("PLUGIN_LOG_LEVEL", "loud"),
        ("PLUGIN_DRYRUN", "true"),
        ("PLUGIN_CONFIG", "{canary-in-config"),
        ("DRONE_BUILD_NUMBER", "many"),
        ("DRONE_COMMIT_SHA", "abc"),
    ]);
    insta::assert_snapshot!("every_problem", run.text);
    assert_eq!(run.code, 3);
    assert!(!run.text.contains("canary"));
}

#[test]
fn a_pipeline_without_a_policy_is_told_why() {
    let run = push(&[("PLUGIN_REPO", "quay.io/a/b"), ("PLUGIN_ENFORCE", "false")]);
    insta::assert_snapshot!("no_policy", run.text);
    assert_eq!(run.code, 3);
}

#[test]
fn outside_of_a_pipeline_the_way_in_is_told() {
    let run = run([("PLUGIN_POLICY", "{}")]);
    code(
        &run,
        3,
        &["CI\n", "`true` (Drone) or `woodpecker`", "Try it by hand"],
    );
    let empty: [(&str, &str); 0] = [];
    code(&crate::support::binary::run(empty), 3, &["2 problems"]);
}

#[test]
fn names_are_exact_upper_case() {
    for name in [
        "PLUGIN_policy",
        "plugin_policy",
        "Plugin_Policy",
        "PLUGIN_POLICY_",
        "PLUGIN_PLOICY",
    ] {
        let run = push(&[("PLUGIN_POLICY", "{}"), (name, "{\"enforce\":false}")]);
        code(
            &run,
            3,
            &["1 problem", name, "almost one of ours", "`PLUGIN_POLICY`"],
        );
    }
    code(
        &push(&[("PLUGIN_POLICY", "{}"), ("PLUGIN_MTU", "1")]),
        0,
        &["ignored, none of our settings: `PLUGIN_MTU`"],
    );
}

#[test]
fn a_name_that_stands_twice_counts_once_or_not_at_all() {
    let workspace = TempDir::new();
    let build = DroneBuild::push("hotfix/HOCS-1234")
        .with(|build| build.workspace = workspace.path("").into());
    let base: Vec<Vec<u8>> = drone_environment(&build, "{policy: {}}")
        .into_iter()
        .map(|(name, value)| format!("{name}={value}").into_bytes())
        .collect();
    let with = |extra: &[&[u8]]| {
        let mut entries: Vec<Vec<u8>> = extra.iter().map(|e| e.to_vec()).collect();
        entries.extend(base.iter().cloned());
        run_with_doubles(&entries)
    };
    code(&with(&[b"PLUGIN_POLICY={}"]), 0, &["allowed"]);
    code(
        &with(&[b"PLUGIN_POLICY={\"enforce\":false}"]),
        3,
        &["policy\n", "two different values", "without that parameter"],
    );
    code(
        &with(&[b"PLUGIN_PASSWORD=a", b"PLUGIN_PASSWORD="]),
        3,
        &["password\n", "two different values"],
    );
    code(
        &with(&[b"DRONE_BRANCH=main"]),
        3,
        &["DRONE_BRANCH", "two different values"],
    );
    code(&with(&[b"OTHER=1", b"OTHER=2"]), 0, &["allowed"]);
    code(
        &with(&[b"PLUGIN_DRY_RUN=\xff"]),
        3,
        &["dry_run", "no UTF-8"],
    );
    code(&with(&[b"OTHER=\xff"]), 0, &["allowed"]);

    // Of a version that stands twice, nobody can say which one is deployed.
    let promote =
        DroneBuild::promote(&DroneBuild::push("main"), "cs-demo").param("VERSION", "1.2.3");
    let promote: Vec<Vec<u8>> = drone_environment(&promote, "{policy: {}}")
        .into_iter()
        .map(|(name, value)| format!("{name}={value}").into_bytes())
        .collect();
    let twice = |first: &[u8]| {
        let mut entries = vec![first.to_vec()];
        entries.extend(promote.iter().cloned());
        run_with_doubles(&entries)
    };
    code(&twice(b"VERSION=1.2.3"), 0, &["allowed"]);
    code(
        &twice(b"VERSION=1.2.4"),
        1,
        &["refused by readable-promotion", "given once"],
    );
    code(
        &twice(b"VERSION=\xff"),
        1,
        &["refused by readable-promotion"],
    );
    code(
        &twice(b"OTHER=\xffx branch-hotfix_HOCS-1\xff"),
        0,
        &["allowed"],
    );
}

#[test]
fn lists_flags_and_line_ends_as_people_write_them() {
    let qa = |value: &str| {
        let policy = format!("{{\"targets\":{{\"qa\":{value}}}}}\n\n");
        let build = DroneBuild::promote(&DroneBuild::push("hotfix/x"), "two");
        let mut all = drone_environment(&build, "{}");
        all.push(("PLUGIN_POLICY".to_owned(), policy));
        run(all).code
    };
    for value in [
        "[\"one\",\"two\"]",
        "\"one,two\"",
        "\" one , two \"",
        "\"[\\\"one\\\",\\n\\\"two\\\"]\"",
        "[\"one\",null,\" two \"]",
    ] {
        assert_eq!(qa(value), 1, "{value}");
    }
    for value in ["[\"one\"]", "\"one\""] {
        assert_eq!(qa(value), 0, "{value}");
    }
    assert_eq!(qa("[1, true]"), 3);
    // Harness writes maps as indented JSON; a file with a line break at its end is common.
    let pretty = "{\n  \"rules\": {\n    \"ticket\": \"MUST\"\n  },\n  \"enforce\": \"false\"\n}\n";
    let run = push(&[
        ("PLUGIN_POLICY", pretty),
        ("PLUGIN_DRY_RUN", "True\n"),
        ("PLUGIN_LOG_LEVEL", "DEBUG\n"),
    ]);
    code(&run, 0, &["would be written", "passed: ticket (must)"]);
}

#[test]
fn woodpecker_sends_the_same_policy_in_its_own_way() {
    let workspace = TempDir::new();
    let build = WoodpeckerBuild::push("hotfix/HOCS-1234");
    let settings = "{policy: {rules: {one-service: off, ticket: must}, targets: {qa: [a, b]}, \
        overrides: [{who: [example], rule: ticket, until: 2027-01-31}]}, log_level: debug}";
    let mut variables = woodpecker_environment(&build, settings);
    variables.push(("CI_WORKSPACE".to_owned(), workspace.path("")));
    code(&run(variables), 0, &["passed: ticket (must)"]);
    // Woodpecker looks secrets up at any depth, so one inside the policy arrives as a value.
    let gate = woodpecker_gate("{policy: {repo: {from_secret: repo}, source: \"b{build}\"}}");
    let secrets = BTreeMap::from([("repo".to_owned(), "127.0.0.1:1/a/b".to_owned())]);
    let run = run(build.environment(&gate, &secrets).unwrap());
    code(&run, 4, &["127.0.0.1:1/a/b"]);
}

#[test]
fn a_prefix_that_takes_the_default_branch_is_a_mistake() {
    let run = push(&[("PLUGIN_POLICY", "{\"prefix\":[\"hotfix/\",\"ma\"]}")]);
    code(&run, 3, &["policy.prefix", "the default branch `main`"]);
}

#[test]
fn secrets_with_more_texts_than_anybody_needs_are_refused() {
    let many = "https://a.example/x ".repeat(6_000);
    let config = format!("[{}]", vec!["\"x\""; 20_000].join(","));
    let run = push(&[("PLUGIN_WEBHOOK_URL", &many), ("PLUGIN_CONFIG", &config)]);
    code(
        &run,
        3,
        &[
            "6000 addresses",
            "at most 50",
            "a docker config with thousands of texts",
        ],
    );
}
