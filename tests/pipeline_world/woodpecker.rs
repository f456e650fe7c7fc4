//! Woodpecker's pipelines: its reading of YAML, its settings, its variables.

use super::{Env, expect, map, row};
use crate::support::pipeline::{
    Step, WoodpeckerBuild, try_woodpecker_steps, woodpecker_settings, woodpecker_steps,
};
use crate::support::yaml::{self, Dialect, Node};

/// A step that has these lines.
fn step(lines: &str) -> Step {
    let lines = lines.replace('\n', "\n    ");
    woodpecker_steps(&format!("steps:\n  hotfix:\n    {lines}\n")).remove(0)
}

fn env(build: &WoodpeckerBuild, lines: &str, secrets: &[(&str, &str)]) -> Env {
    build
        .environment(&step(lines), &map(secrets))
        .expect("a pipeline that compiles")
}

#[test]
fn settings_are_encoded_in_woodpeckers_own_way() {
    let table = r#"
        off => off
        0o17 => 15
        1e3 => 1000
        1.10 => 1.1
        1234567.5 => 1.2345675e+06
        -0 => -0
        1. => 1
        !!float 1 => 1
        !!bool true => true
        12345678901234567890 => 12345678901234567890
        2026-12-31 => "2026-12-31T00:00:00Z"
        2026-2-30 => 2026-2-30
        !!timestamp 2026-1-2 3:4:5 => "2026-01-02T03:04:05Z"
        [a, 1.10, ~] => a,1.1,
        [a, 2026-12-31] => ["a","2026-12-31T00:00:00Z"]
        [12345678901234567890, 1] => [12345678901234567890,1]
        {u: 2026-12-31T10:00:00.50+00:00, off: no} => {"off":"no","u":"2026-12-31T10:00:00.5Z"}
        {z: -0.0, n: ~, l: [], m: {}} => {"l":[],"m":{},"n":null,"z":-0}
        {from_secret: TOKEN} => <hush>
        {from_secret: token, other: 1} => <hush>
        {deep: [{from_secret: token}]} => {"deep":["\u003chush\u003e"]}
        {x: {r: 3, <<: {q: 1, r: 2}}} => {"x":{"q":1,"r":3}}
    "#;
    let secrets = map(&[("Token", "<hush>")]);
    for line in table.trim().lines() {
        let (written, value) = line.trim().split_once(" => ").expect("two sides");
        let made = woodpecker_settings(
            &step(&format!("settings: {{x: {written}}}")).settings,
            &secrets,
        );
        assert_eq!(made, Ok(map(&[("PLUGIN_X", value)])), "{written}");
    }
    // Empty is set, null is not.
    let names = step("settings: {dry-run.x: '', l: [], n: ~, null: x}").settings;
    let expected = map(&[("PLUGIN_DRY_RUN_X", ""), ("PLUGIN_L", "")]);
    assert_eq!(woodpecker_settings(&names, &secrets), Ok(expected));

    let unknown = step("settings: {x: {a: [{from_secret: none}]}}").settings;
    let error = Err("secret \"none\" not found".into());
    assert_eq!(woodpecker_settings(&unknown, &secrets), error);
    for refused in ["{a: {1: x}}", "{a: {from_secret: [x]}}", "{a: [.inf, []]}"] {
        let settings = step(&format!("settings: {refused}")).settings;
        assert!(
            woodpecker_settings(&settings, &secrets).is_err(),
            "{refused}"
        );
    }
}

#[test]
fn steps_are_a_list_or_a_map() {
    let steps = woodpecker_steps(
        "steps:
- {image: x, commands: make, when: {event: push}, failure: ignore}
- {<<: {name: merged, settings: {a: 1}}, name: own, depends_on: [x], settings: {b: 2}}
",
    );
    let [first, second] = steps.as_slice() else {
        panic!("two steps: {steps:?}")
    };
    assert_eq!((first.name.as_str(), first.image.as_str()), ("step-0", "x"));
    assert_eq!(
        (first.commands.as_slice(), first.is_plugin()),
        (["make".to_owned()].as_slice(), false)
    );
    assert_eq!(first.failure.as_deref(), Some("ignore"));
    let event = first.when.as_ref().and_then(|when| when.get("event"));
    assert_eq!(event.and_then(Node::as_str), Some("push"));
    // What is written beats what is merged, as a whole.
    assert_eq!((second.name.as_str(), second.is_plugin()), ("own", true));
    assert_eq!(second.settings, [("b".to_owned(), Node::Int(2))]);
    assert_eq!(second.depends_on, ["x"]);
    assert!(woodpecker_steps("").is_empty());
    for refused in [
        "{settings: {a: 1, 'a': 2}}",
        "{name: 2026-01-01}",
        "{settings: [a]}",
    ] {
        assert!(
            try_woodpecker_steps(&format!("steps: [{refused}]")).is_err(),
            "{refused}"
        );
    }
    let raw = yaml::stream("[yes, 2026-01-01]").expect("YAML").remove(0);
    let date = Node::Str("2026-01-01".into());
    assert_eq!(
        raw.node(Dialect::Drone),
        Ok(Node::List(vec![Node::Bool(true), date]))
    );
    let date = Node::Time("2026-01-01T00:00:00Z".into());
    let yes = Node::Str("yes".into());
    assert_eq!(
        raw.node(Dialect::Woodpecker),
        Ok(Node::List(vec![yes, date]))
    );
}

#[test]
fn each_event_has_its_values() {
    let names = "CI_PIPELINE_EVENT DRONE_BUILD_EVENT CI_COMMIT_REF CI_COMMIT_BRANCH
        CI_PIPELINE_NUMBER CI_PIPELINE_PARENT CI_PIPELINE_DEPLOY_TARGET CI_COMMIT_TAG
        CI_COMMIT_PULL_REQUEST CI_PIPELINE_AUTHOR";
    let push = WoodpeckerBuild::push("hotfix/a");
    let pull = WoodpeckerBuild::pull_request(17, "feature", "main");
    for (build, expected) in [
        (
            push.clone(),
            "push push refs/heads/hotfix/a hotfix/a 418 0 - - - example",
        ),
        (
            pull.clone(),
            "pull_request pull_request refs/pull/17/head main 418 0 - - 17 example",
        ),
        (
            WoodpeckerBuild::manual("main"),
            "manual manual refs/heads/main main 418 0 - - - example",
        ),
        (
            WoodpeckerBuild::deployment(&push, "qa"),
            "deployment deployment refs/heads/hotfix/a hotfix/a 419 418 qa - - example",
        ),
        (
            WoodpeckerBuild::tag("v1"),
            "tag tag refs/tags/v1 refs/tags/v1 418 0 - v1 - example",
        ),
        (
            WoodpeckerBuild::release("v1"),
            "release release refs/tags/v1 main 418 0 - v1 - example",
        ),
        (
            WoodpeckerBuild::cron("main"),
            "cron cron refs/heads/main main 418 0 - - - -",
        ),
    ] {
        assert_eq!(row(&env(&build, "image: x", &[]), names), expected);
    }
    expect(
        &env(&pull, "image: x", &[]),
        "CI_COMMIT_SOURCE_BRANCH=feature DRONE_TARGET_BRANCH=main DRONE_PULL_REQUEST=17",
    );
    let release = WoodpeckerBuild::release("v1").with(|build| build.prerelease = true);
    expect(
        &env(&release, "image: x", &[]),
        "CI_PIPELINE_RELEASE_TITLE=v1 CI_PIPELINE_RELEASE_PRE=true",
    );
    let again =
        WoodpeckerBuild::deployment(&WoodpeckerBuild::deployment(&push, "qa"), "production");
    expect(
        &env(&again, "image: x", &[]),
        "CI_PIPELINE_PARENT=419 CI_PIPELINE_RERUNS=2
        CI_PREV_PIPELINE_NUMBER=419 CI_PREV_PIPELINE_DEPLOY_TARGET=qa
        CI_PREV_PIPELINE_PARENT=0 CI_PREV_PIPELINE_STATUS=success",
    );
    let task = push.with(|build| build.deploy_task = "migrate".into());
    expect(
        &env(&task, "image: x", &[]),
        "CI_PIPELINE_DEPLOY_TASK=migrate CI_PREV_PIPELINE_NUMBER=0",
    );
}

#[test]
fn parameters_rank_below_the_server_and_only_plugins_get_drones_variables() {
    let mut build = WoodpeckerBuild::deployment(&WoodpeckerBuild::push("main"), "qa");
    for name in [
        "CI_COMMIT_BRANCH",
        "CI_COMMIT_TAG",
        "DRONE_DEPLOY_TO",
        "DRONE_BRANCH",
        "PLUGIN_X",
        "PLUGIN_Y",
        "PLUGIN_Z",
    ] {
        build = build.param(name, "spoofed");
    }
    build =
        build.with(|build| build.variables = vec![("CI_COMMIT_BRANCH".into(), "variable".into())]);
    let plugin = env(&build, "settings: {x: real, y: ''}", &[]);
    expect(
        &plugin,
        "CI=woodpecker CI_COMMIT_BRANCH=main DRONE_BRANCH=main PLUGIN_X=real PLUGIN_Y=
        PLUGIN_Z=spoofed",
    );
    // Nothing of the server's is there to beat these; the second is copied from the first.
    expect(
        &plugin,
        "CI_COMMIT_TAG=spoofed DRONE_TAG=spoofed DRONE_DEPLOY_TO=spoofed",
    );
    expect(
        &plugin,
        "DRONE_BUILD_STATUS=success DRONE_REPO_SCM=git !DRONE !DRONE_SEMVER
        !DRONE_WORKSPACE CI_WORKSPACE=/woodpecker/src/git.example/example/service
        CI_STEP_TYPE=plugin CI_STEP_NAME=hotfix CI_PIPELINE_STATUS=success
        PULLREQUEST_DRONE_PULL_REQUEST=0 !CI_PIPELINE_RELEASE_PRE !CI_NETRC_MACHINE",
    );

    for commands in [
        "commands: [make]",
        "entrypoint: sh",
        "environment: {A: {from_secret: s}}",
    ] {
        let env = env(&build, commands, &[("S", "hush")]);
        expect(
            &env,
            "CI_STEP_TYPE=commands CI_COMMIT_BRANCH=variable DRONE_BRANCH=spoofed
        !DRONE_COMMIT_SHA",
        );
        assert_eq!(
            row(&env, "A"),
            if commands.contains("from_secret") {
                "hush"
            } else {
                "-"
            }
        );
    }
    assert!(
        build
            .environment(&step("settings: {x: {from_secret: s}}"), &map(&[]))
            .is_err()
    );
    let trusted = build.with(|build| (build.private, build.trusted) = (true, true));
    expect(
        &env(&trusted, "image: x", &[]),
        "CI_NETRC_MACHINE=git.example CI_REPO_TRUSTED_SECURITY=true",
    );
}
