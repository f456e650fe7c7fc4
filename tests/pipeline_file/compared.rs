//! The rule pipeline-unchanged.

use drone_hotfix::facts::pipeline::{Texts, read};
use drone_hotfix::pipeline::FileText;
use drone_hotfix::pipeline::gates::Running;

use super::{World, file, words};

const DEFAULT: &str = "kind: pipeline
name: deploy
trigger: {event: [promote, rollback]}
steps:
- name: hotfix
  image: drone-hotfix
  settings:
    username: {from_secret: user}
    policy: {repo: quay.io/example/service, targets: {qa: [qa, release]}, rules: {ticket: must}}
- name: deploy
  image: alpine/helm:3
  depends_on: [hotfix]
";

fn compare(built: &str, default: Result<&str, &str>, base: Option<&str>) -> String {
    let world = World::drone("{}");
    let built = [file(".drone.yml", built)];
    let default = default.map(|text| [file(".drone.yml", text)]);
    let base = base.map(|text| [file(".drone.yml", text)]);
    let texts = Texts {
        built: &built,
        default: default
            .as_ref()
            .map(<[FileText; 1]>::as_slice)
            .map_err(|why| *why),
        base: base.as_ref().map(<[FileText; 1]>::as_slice),
    };
    let facts = read(texts, &world.build, &world.policy, Running::default());
    words(&world.outcome("pipeline-unchanged", facts))
}

#[track_caller]
fn changed(from: &str, to: &str, expected: &str) {
    assert!(DEFAULT.contains(from), "{from}");
    let found = compare(&DEFAULT.replace(from, to), Ok(DEFAULT), None);
    let found = found.lines().next().unwrap();
    assert_eq!(found, expected, "{to}");
}

#[test]
fn the_same_file_passes() {
    assert_eq!(
        compare(DEFAULT, Ok(DEFAULT), None),
        "pass: the pipeline file is that of the default branch"
    );
    assert_eq!(
        compare(DEFAULT, Ok("kind: pipeline\n"), Some(DEFAULT)),
        "pass: the pipeline file is that of the commit that the hotfix begins at"
    );
    // Even where nothing in it can be read.
    assert_eq!(
        compare("a: [", Ok("a: ["), None),
        "pass: the pipeline file is that of the default branch"
    );
}

#[test]
fn the_same_gate_passes() {
    let same = "pass: the pipeline file differs from that of the default branch, and the gate in it does not";
    changed("image: alpine/helm:3", "image: alpine/helm:4", same);
    changed(
        "username: {from_secret: user}",
        "username:\n      from_secret: 'user' # a comment",
        same,
    );
    changed(
        "{repo: quay.io/example/service, targets: {qa: [qa, release]}",
        "{targets: {qa: [qa, release]}, repo: \"quay.io/example/service\"",
        same,
    );
    changed(
        "trigger: {event: [promote, rollback]}",
        "trigger:\n  event:\n  - promote\n  - rollback",
        same,
    );
    changed(
        "- name: deploy\n",
        "- {name: lint, image: alpine, depends_on: [hotfix]}\n- name: deploy\n",
        same,
    );
}

#[test]
fn a_change_of_the_gate_is_named() {
    let gate = "`hotfix` of the pipeline `deploy`";
    changed(
        "ticket: must",
        "ticket: off",
        &format!("found: the gate {gate} has another `policy.rules`"),
    );
    changed(
        "[qa, release]",
        "[qa]",
        &format!("found: the gate {gate} has another `policy.targets`"),
    );
    changed(
        "from_secret: user",
        "from_secret: other",
        &format!("found: the gate {gate} has another `settings.username`"),
    );
    changed(
        "image: drone-hotfix",
        "image: example/drone-hotfix",
        &format!("found: the gate {gate} has another `image`"),
    );
    changed(
        "trigger: {event: [promote, rollback]}",
        "trigger: {event: [promote]}",
        &format!("found: the pipeline of the gate {gate} has another `trigger`"),
    );
    changed(
        "name: hotfix\n",
        "name: hotfix\n  when: {target: [qa]}\n",
        &format!(
            "found: the gate {gate} has another `when`; the step `deploy` of the pipeline `deploy` is reached without the gate, unlike on the default branch"
        ),
    );
    changed(
        "name: hotfix\n",
        "name: hotfix\n  failure: ignore\n",
        &format!(
            "found: the gate {gate} has another `failure`; the step `hotfix` of the pipeline `deploy` stops nothing any more, unlike on the default branch"
        ),
    );
    changed(
        "[hotfix]",
        "[clone]",
        "found: the step `deploy` of the pipeline `deploy` is reached without the gate, unlike on the default branch",
    );
    changed("name: deploy\ntrigger", "name: other\ntrigger", &format!("found: the gate {gate} is gone; the step `deploy` of the pipeline `other` is reached without the gate, unlike on the default branch").replace("; the step `deploy` of the pipeline `other` is reached without the gate, unlike on the default branch", ""));
}

#[test]
fn what_cannot_be_compared_is_unknown() {
    assert_eq!(
        compare(DEFAULT, Err("the default branch was not read"), None),
        "not checked: the default branch was not read"
    );
    for (built, default, expected) in [
        ("a: [", DEFAULT, "unknown: .drone.yml:1: no valid YAML"),
        (
            DEFAULT,
            "a: [",
            "unknown: on the default branch, .drone.yml:1: no valid YAML",
        ),
        (
            DEFAULT,
            "kind: pipeline\nname: a\n",
            "unknown: on the default branch, .drone.yml: no step in it has the setting",
        ),
    ] {
        let found = compare(built, Ok(default), None);
        assert!(found.starts_with(expected), "{found}");
    }
    let world = World::drone("{}");
    let built = [file(".drone.yml", DEFAULT)];
    let texts = Texts {
        built: &built,
        default: Ok(&[]),
        base: None,
    };
    let facts = read(texts, &world.build, &world.policy, Running::default());
    let found = words(&world.outcome("pipeline-unchanged", facts));
    assert!(
        found.starts_with("unknown: the default branch has no pipeline file"),
        "{found}"
    );
}
