//! docs/summary.md is the schema of what the binary writes: summaries of many real runs are held
//! against it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{TAG, code, pipeline, read, rows, step};
use crate::support::binary::{self, Run};
use crate::support::embedded::Registry;
use crate::support::image::{self, Image};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild, woodpecker_steps};
use crate::support::registry::TempDir;
use crate::support::scripted::{Answer, Script, Scripted};

const REPOSITORY: &str = "example/service";

/// Runs a build with `policy.summary` and gives its summary, if one was written.
fn run(build: DroneBuild, policy: &str) -> (Run, Option<Value>) {
    let workspace = TempDir::new();
    let build = build.with(|build| build.workspace = workspace.path("").into());
    let settings = format!("policy:\n  summary: out/hotfix.json\n{policy}");
    let run = step(&build, &pipeline(&settings), "hotfix");
    let written = std::fs::read_to_string(workspace.path("out/hotfix.json")).ok();
    let summary = written.map(|text| serde_json::from_str(&text).expect("the summary is JSON"));
    (run, summary)
}

fn push(registry: &Registry, tag: &str, image: &Image) {
    for blob in &image.blobs {
        registry.put_blob(REPOSITORY, &blob.bytes);
    }
    for child in &image.children {
        registry.put_manifest(REPOSITORY, &child.digest, &child.media_type, &child.bytes);
    }
    let manifest = &image.manifest;
    registry.put_manifest(REPOSITORY, tag, &manifest.media_type, &manifest.bytes);
}

fn hotfix() -> DroneBuild {
    DroneBuild::push("hotfix/EX-1234")
}

fn promote(target: &str, version: &str) -> DroneBuild {
    DroneBuild::promote(&DroneBuild::push("main"), target).param("VERSION", version)
}

/// A registry that takes the first tag and not the second.
fn half_a_registry() -> Scripted {
    let image = image::single("half");
    let digest = |answer: Answer| answer.header("Docker-Content-Digest", &image.manifest.digest);
    let at = |tag: &str| format!("/v2/{REPOSITORY}/manifests/{tag}");
    let second = "also-hotfix_EX-1234";
    Script::new()
        .on("GET", &at("build_418"), Answer::manifest(&image.manifest))
        .on("HEAD", &at(second), Answer::status(404))
        .on("HEAD", &at(TAG), Answer::status(404))
        .on("PUT", &at(second), digest(Answer::status(201)))
        .on("HEAD", &at(second), digest(Answer::status(200)))
        .on("PUT", &at(TAG), Answer::error(412, "PRECONDITION"))
        .on("HEAD", &at(TAG), Answer::status(404))
        .start()
}

/// A registry that takes images and no artifacts.
fn without_artifacts() -> Scripted {
    let image = image::single("plain");
    let digest = |answer: Answer| answer.header("Docker-Content-Digest", &image.manifest.digest);
    let at = |rest: &str| format!("/v2/{REPOSITORY}/{rest}");
    let tag = at(&format!("manifests/{TAG}"));
    let nothing = || Answer::status(404);
    let refused = || Answer::error(405, "UNSUPPORTED");
    Script::new()
        .on(
            "GET",
            &at("manifests/build_418"),
            Answer::manifest(&image.manifest),
        )
        .on("HEAD", &tag, nothing())
        .on("PUT", &tag, digest(Answer::status(201)))
        .on("HEAD", &tag, digest(Answer::status(200)))
        .on("GET", &at("referrers/*"), nothing())
        .always()
        .on("GET", &at("manifests/sha256-*"), nothing())
        .always()
        .on("HEAD", &at("blobs/*"), nothing())
        .always()
        .on("POST", &at("blobs/uploads/*"), refused())
        .always()
        .on("PUT", &at("manifests/sha256*"), refused())
        .always()
        .start()
}

/// Real summaries, with the outcome and exit code that each must have.
fn summaries() -> Vec<Value> {
    let registry = Registry::start();
    let (first, second) = (image::two_platforms("first"), image::single("second"));
    push(&registry, "build_418", &first);
    push(&registry, "build_420", &second);
    push(&registry, "1.0.0", &image::docker("release"));
    // By then the hotfix tag has moved from the first to the second.
    push(&registry, "2.0.0", &second);
    let at = |address: &str| {
        format!("  repo: {address}/{REPOSITORY}\n  tls: {{insecure: [\"{address}\"]}}\n")
    };
    let repo = at(&registry.address());
    let source = format!("{repo}  source: \"build_{{build}}\"\n");
    let (half, plain) = (half_a_registry(), without_artifacts());
    let two_tags = "  rules: {image-commit: \"off\"}\n  source: \"build_{build}\"\n  tags: [\"also-{branch}\"]\n";
    let later = hotfix().with(|build| build.number = 420);
    let no_server = at("127.0.0.1:1");
    let table = [
        ("allowed", 0, hotfix(), String::new()),
        ("allowed", 0, hotfix(), source.clone()),
        ("allowed", 0, hotfix(), source.clone()),
        (
            "allowed",
            0,
            later,
            format!("{source}  deployment_ticket: {{comment: 12}}\n"),
        ),
        (
            "allowed",
            0,
            hotfix(),
            format!(
                "{}  rules: {{image-commit: \"off\"}}\n  source: \"build_{{build}}\"\n",
                at(&plain.address())
            ),
        ),
        (
            "allowed",
            4,
            hotfix(),
            format!("{}{two_tags}", at(&half.address())),
        ),
        ("refused", 1, promote("cs-qa", TAG), String::new()),
        ("refused", 1, promote("cs-qa", "2.0.0"), repo.clone()),
        (
            "refused",
            1,
            DroneBuild::promote(&hotfix(), "cs-qa"),
            String::new(),
        ),
        (
            "refused",
            0,
            promote("cs-qa", TAG),
            "  enforce: false\n".to_owned(),
        ),
        ("allowed", 0, promote("cs-qa", "1.0.0"), repo),
        ("undecided", 2, promote("cs-qa", "1.0.0"), no_server),
        (
            "undecided",
            2,
            hotfix(),
            "  rules: {reviewed: must, ticket: may}\n".to_owned(),
        ),
        (
            "allowed",
            0,
            promote("else", TAG),
            "  rules: {ticket: off}\n".to_owned(),
        ),
        (
            "allowed",
            0,
            promote("cs-qa", TAG).param("HOTFIX_REASON", &format!("{TAG} to cs-qa: all agreed")),
            "  overrides: [{who: [example], rule: qa-closed, until: \"9999-12-31\"}]\n".to_owned(),
        ),
        (
            "nothing",
            0,
            DroneBuild::push("main").param("PLUGIN_MTU", "1"),
            String::new(),
        ),
        ("nothing", 0, DroneBuild::tag("1.0.0"), String::new()),
    ];
    let rows = table.into_iter().map(|(outcome, code, build, policy)| {
        let (run, summary) = run(build, &policy);
        let summary = summary.unwrap_or_else(|| panic!("no summary: {}", run.text));
        assert_eq!(
            (summary["outcome"].as_str(), run.code),
            (Some(outcome), code),
            "{}",
            run.text
        );
        assert_eq!(summary["exit_code"], code, "{}", run.text);
        summary
    });
    rows.collect()
}

/// The same from the other server.
fn on_woodpecker() -> Value {
    let workspace = TempDir::new();
    let steps =
        "steps:\n- name: hotfix\n  image: drone-hotfix\n  settings: {policy: {summary: a.json}}\n";
    let steps = woodpecker_steps(steps);
    let build = WoodpeckerBuild::push("hotfix/EX-1234");
    let env = build.environment(&steps[0], &BTreeMap::new());
    let mut env = env.expect("the pipeline compiles");
    env.push(("CI_WORKSPACE".to_owned(), workspace.path("")));
    let run = binary::run(env);
    assert_eq!(run.code, 0, "{}", run.text);
    serde_json::from_str(&workspace.read("a.json")).expect("the summary is JSON")
}

/// Every path of a value, with the values that it has.
fn flatten(path: &str, value: &Value, found: &mut BTreeMap<String, Vec<Value>>) {
    if !path.is_empty() {
        found
            .entry(path.to_owned())
            .or_default()
            .push(value.clone());
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(&format!("{path}{dot}{key}"), value, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                flatten(&format!("{path}[]"), item, found);
            }
        }
        _ => {}
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

#[test]
fn the_schema_is_what_real_runs_write() {
    let mut found = BTreeMap::new();
    for summary in summaries().into_iter().chain([on_woodpecker()]) {
        flatten("", &summary, &mut found);
    }
    let rows = rows(&read("docs/summary.md"), "# The summary");
    let documented: Vec<String> = rows.iter().flat_map(|row| code(&row[0])).collect();
    let paths: BTreeSet<&String> = documented.iter().collect();
    assert_eq!(paths.len(), documented.len(), "a path stands there twice");
    assert_eq!(
        paths,
        found.keys().collect(),
        "documented (left), written (right)"
    );
    for (path, row) in documented.iter().zip(&rows) {
        let values = &found[path];
        let kinds: BTreeSet<&str> = values.iter().map(kind).collect();
        let allowed: BTreeSet<&str> = row[1].split(" or ").collect();
        // A field that may be null need not have been so, but must have been something else.
        assert!(
            kinds.is_subset(&allowed),
            "`{path}`: {kinds:?}, documented {allowed:?}"
        );
        // These need a history, which no build here has; tests/telling/ticket.rs reads them.
        let of_history = ["deployment_ticket.since", "deployment_ticket.changes"];
        assert!(
            of_history.contains(&path.as_str()) || kinds.iter().any(|kind| *kind != "null"),
            "`{path}` was always null"
        );
        let Some(list) = row[2].strip_prefix("one of ") else {
            continue;
        };
        // The list ends where the sentence does.
        let list = list.split(['.', ':']).next().unwrap_or(list);
        let allowed: BTreeSet<String> = code(list).into_iter().collect();
        let texts = values.iter().filter_map(Value::as_str).map(str::to_owned);
        let written: BTreeSet<String> = texts.collect();
        assert!(written.is_subset(&allowed), "`{path}`: {written:?}");
        let missing: Vec<&String> = allowed.difference(&written).collect();
        assert!(missing.is_empty(), "`{path}` never is {missing:?}");
    }
    assert!(
        found["dry_run"]
            .iter()
            .all(|value| *value == Value::Bool(false))
    );
}

#[test]
fn a_rehearsal_and_wrong_settings_write_no_summary() {
    let rehearsal = hotfix().param("PLUGIN_DRY_RUN", "true");
    let (run_of, summary) = run(rehearsal, "");
    assert_eq!((run_of.code, summary), (0, None), "{}", run_of.text);
    let (run_of, summary) = run(promote("cs-demo", TAG).param("PLUGIN_DRY_RUN", "true"), "");
    assert_eq!((run_of.code, summary), (5, None), "{}", run_of.text);
    let (run_of, summary) = run(hotfix(), "  unknown: key\n");
    assert_eq!((run_of.code, summary), (3, None), "{}", run_of.text);
}
