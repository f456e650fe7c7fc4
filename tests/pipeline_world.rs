//! The world that the other tests use is the servers' own: their YAML, their variables, their
//! order. The expected values are what the servers' code gives, see the sources named in
//! support/pipeline.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise, and that is what it is for"
)]

mod drone;
mod woodpecker;

use std::collections::BTreeMap;

use crate::support::fixtures::drone_settings_rows;
use crate::support::pipeline::{
    DroneBuild, Encoded, Step, drone_pipelines, drone_settings, glob, try_drone_pipelines,
    when_matches_drone,
};
use crate::support::yaml::{self, Node};

type Env = Vec<(String, String)>;

/// All values of a variable, in their order.
fn values<'a>(env: &'a Env, name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (known, value) in env {
        if known == name {
            found.push(value.as_str());
        }
    }
    found
}

/// Each word is `NAME=value` (there once, with this value) or `!NAME` (not there).
fn expect(env: &Env, words: &str) {
    for word in words.split_whitespace() {
        match (word.strip_prefix('!'), word.split_once('=')) {
            (Some(absent), _) => assert_eq!(values(env, absent), [""; 0], "{word}"),
            (None, Some((name, value))) => assert_eq!(values(env, name), [value], "{word}"),
            (None, None) => panic!("{word} says nothing"),
        }
    }
}

/// The values of these variables as words, `-` for one that is not there.
fn row(env: &Env, names: &str) -> String {
    let value = |name| values(env, name).last().copied().unwrap_or("-");
    let row: Vec<&str> = names.split_whitespace().map(value).collect();
    row.join(" ")
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// A step of a Drone file that has these lines.
fn drone_step(lines: &str) -> Step {
    let lines = lines.replace('\n', "\n  ");
    let yaml = format!("kind: pipeline\nname: example\nsteps:\n- name: hotfix\n  {lines}\n");
    drone_pipelines(&yaml).remove(0).steps.remove(0)
}

/// What Drone makes of one setting.
fn drone_value(value: &str) -> Option<String> {
    let settings = [("x".to_owned(), yaml::document(value))];
    drone_settings(&settings).env.remove("PLUGIN_X")
}

#[test]
fn settings_become_what_drones_own_code_made_of_them() {
    let rows = drone_settings_rows();
    assert_eq!(rows.len(), 22);
    for row in rows {
        let document = yaml::document(&row.yaml);
        let mut settings = Vec::new();
        for (key, value) in document.get("settings").expect("settings").entries() {
            settings.push((key.as_str().expect("a name").to_owned(), value.clone()));
        }
        let alone = drone_settings(&settings);
        assert_eq!(
            (&alone.env, &alone.secrets),
            (&row.env, &row.secrets),
            "{}",
            row.yaml
        );

        // Within a file, too. There each line has an end, which a block scalar keeps.
        let step = drone_step(&row.yaml);
        let mut encoded = drone_settings(&step.settings);
        if let Some(config) = encoded.env.get_mut("PLUGIN_CONFIG") {
            assert_eq!(config.pop(), Some('\n'));
        }
        assert_eq!(
            (encoded.env, encoded.secrets),
            (row.env, row.secrets),
            "{}",
            row.yaml
        );
    }
}

#[test]
fn drone_encodes_values_as_yaml_1_1_through_go() {
    let table = r#"
        1.10 => 1.1
        1.0 => 1
        1234567.5 => 1.2345675e+06
        1e3 => 1e3
        1e+3 => 1000
        1e+6 => 1e+06
        0.00001 => 1e-05
        1. => 1.
        .5 => 0.5
        1_000 => 1000
        0755 => 493
        -0x1F => -31
        0o17 => 15
        0b101 => 5
        08 => 8
        -0 => 0
        1e+400 => 1e+400
        12345678901234567890 => 12345678901234567890
        .inf => +Inf
        yes => true
        Off => false
        y => true
        'no' => no
        "1.10" => 1.10
        2024-01-02 => 2024-01-02
        2024-01-02T03:04:05Z => 2024-01-02T03:04:05Z
        12:30:45 => 12:30:45
        1.2.3 => 1.2.3
        {} => {}
        !!binary aGVsbG8= => hello
        !!str 5 => 5
        !!int "5" => 5
        [1, 2.0, 1.10] => 1,2,1.1
        [a, null, b] => a,,b
        ['a b', 'c,d'] => a b,c,d
        [.inf, -.inf, .nan] => .inf,-.inf,.nan
        [[a, b], [c]] => [["a","b"],["c"]]
        [a, {b: 1e+6}] => ["a",{"b":1000000}]
        {a: 1e+21, b: 0.0000001, c: -0.0} => {"a":1e+21,"b":1e-7,"c":0}
        {2.5: a, 1: b, true: c} => {"1":"b","2.5":"a","true":"c"}
        {a: "\b\f\e<&>\u2028"} => {"a":"\b\f\u001b\u003c\u0026\u003e\u2028"}
        [{from_secret: p}] => [{"from_secret":"p"}]
        {b: {<<: {q: 1, r: 2}, r: 3}} => {"b":{"q":1,"r":3}}
        {b: {r: 3, <<: [{q: 1}, {q: 2, r: 4}]}} => {"b":{"q":1,"r":4}}
    "#;
    for line in table.trim().lines() {
        let (written, value) = line.trim().split_once(" => ").expect("two sides");
        assert_eq!(drone_value(written).as_deref(), Some(value), "{written}");
    }
    assert_eq!(drone_value("|\n  a\n  b\n").as_deref(), Some("a\nb\n"));
    assert_eq!(drone_value(">-\n  a\n  b\n").as_deref(), Some("a b"));
    for nothing in ["null", "~", "", "''", "[]", "{~: a}", "{a: .inf}"] {
        assert_eq!(drone_value(nothing), None, "{nothing}");
    }
    assert_eq!(drone_settings(&[]), Encoded::default());
}

#[test]
fn drone_reads_files_with_its_own_oddities() {
    let step = drone_step("image: x\nsettings: {a: NULL, b: ~, c: '', d: {from_secret: 007}}");
    let Encoded {
        env,
        secrets,
        empty,
    } = drone_settings(&step.settings);
    assert_eq!(env, map(&[("PLUGIN_A", "null")]));
    assert_eq!(secrets, map(&[("PLUGIN_D", "007")]));
    assert_eq!(empty.into_iter().collect::<Vec<_>>(), ["PLUGIN_C"]);
    assert_eq!((step.image.as_str(), step.failure), ("x", None));
    assert_eq!(
        drone_step("failure: ignore").failure.as_deref(),
        Some("ignore")
    );
    // Settings that are written twice, or merged, add up.
    let step = drone_step("<<: {settings: {a: 1, b: 2}}\nsettings: {b: 3}\nsettings: {c: 4}");
    let sum = map(&[("PLUGIN_A", "1"), ("PLUGIN_B", "3"), ("PLUGIN_C", "4")]);
    assert_eq!(drone_settings(&step.settings).env, sum);

    for refused in [
        "- {name: a, settings: {x: '~'}}",
        "- {name: a, when: {branch: 'null'}}",
        "- {name: a, environment: {X: []}}",
        "- {name: a, commands: make}",
        "- {name: a, when: [push]}",
        "- {name: a, settings: {x: !!float 1}}",
        "- {name: a, settings: {x: {[a]: b}}}",
        "- {name: a, settings: {x: {<<: 1}}}",
        "- {name: a, settings: &a {x: *a}}",
        "- {name: a, settings: {x: *unknown}}",
        "- {name: a}\n- {name: a}",
        "- {image: x}",
        "-",
    ] {
        let yaml = format!("kind: pipeline\nsteps:\n{refused}\n");
        assert!(try_drone_pipelines(&yaml).is_err(), "{refused}");
    }
    assert!(yaml::stream("a: b\u{85}c").is_err());
}

#[test]
fn a_drone_file_has_several_documents_and_numbers_its_steps() {
    let pipelines = drone_pipelines(
        "kind: pipeline
name: one
steps:
- {name: test, commands: [make, 1.10], entrypoint: [sh]}
- {name: hotfix, depends_on: [test]}
--- # the next
kind: secret
name: token
---
kind: pipeline
type: exec
name: two
depends_on: [one]
environment: {A: 1.10, B: }
clone: {disable: yes}
services: [{name: db}]
steps: [{name: hotfix}]
...
kind: pipeline
",
    );
    let [one, two] = pipelines.as_slice() else {
        panic!("two pipelines: {pipelines:?}")
    };
    assert_eq!((one.kind.as_str(), two.kind.as_str()), ("docker", "exec"));
    assert_eq!((one.clone_disabled, two.clone_disabled), (false, true));
    // The clone step and the services count.
    assert_eq!((one.step("test").number, one.step("hotfix").number), (2, 3));
    assert_eq!(two.step("hotfix").number, 2);
    assert_eq!(one.step("hotfix").depends_on, ["test"]);
    assert_eq!(one.step("test").entrypoint, ["sh"]);
    let build = DroneBuild::push("main").param("B", "spoofed");
    let env = build.run(one, "test", &map(&[]));
    expect(
        &env,
        "DRONE_STAGE_NAME=one !DRONE_STAGE_DEPENDS_ON B=spoofed DRONE_STEP_NUMBER=2",
    );
    assert_eq!(values(&env, "DRONE_SCRIPT"), ["make\n1.10"]);
    let env = build.run(two, "hotfix", &map(&[]));
    expect(
        &env,
        "DRONE_STAGE_NAME=two DRONE_STAGE_DEPENDS_ON=one A=1.10 !B !DRONE_SCRIPT",
    );
}

#[test]
fn conditions_decide_what_runs() {
    let build = DroneBuild::promote(&DroneBuild::push("hotfix/a-1"), "production");
    for runs in [
        "{event: promote}",
        "{event: [push, promote]}",
        "{branch: 'hotfix/*'}",
        "{branch: '**'}",
        "{ref: 'refs/heads/**'}",
        "{target: {include: [prod*], exclude: [qa]}}",
        "{repo: example/*, instance: drone.example}",
        // Not a question of the build.
        "{status: [failure]}",
        // Mistakes that Drone lets pass: an unknown condition, an include that is no list.
        "{environment: qa}",
        "{event: {include: push}}",
        "{event: }",
    ] {
        let step = drone_step(&format!("when: {runs}"));
        assert!(when_matches_drone(step.when.as_ref(), &build), "{runs}");
    }
    for skips in [
        "{event: push}",
        "{branch: '*'}",
        "{target: {exclude: [production]}}",
        "{event: promote, target: qa}",
    ] {
        let step = drone_step(&format!("when: {skips}"));
        assert!(!when_matches_drone(step.when.as_ref(), &build), "{skips}");
    }
    assert!(when_matches_drone(None, &build));
    let yaml = "kind: pipeline\ntrigger: {cron: nightly, action: {exclude: [opened]}}";
    let trigger = drone_pipelines(yaml).remove(0).trigger;
    assert!(when_matches_drone(
        trigger.as_ref(),
        &DroneBuild::cron("main")
    ));
    assert!(!when_matches_drone(trigger.as_ref(), &build));
}

#[test]
fn globs_are_doublestars() {
    for pair in "a/**/b:a/x/y/b {a,b}*:bx [^a-c]?:d1 \\*:* a*c:abbc *: **:a/b [\\-a]:-".split(' ') {
        let (pattern, name) = pair.split_once(':').expect("two sides");
        assert!(glob(pattern, name), "{pair}");
    }
    // Braces do not reach over a slash; a malformed pattern matches nothing.
    for pair in "a/**:a *:a/b {a/b,c}:c [a-c]:d [:[ a\\:a {a:a a?:a \\a:b".split(' ') {
        let (pattern, name) = pair.split_once(':').expect("two sides");
        assert!(!glob(pattern, name), "{pair}");
    }
}

#[test]
fn documents_are_nodes() {
    let node = yaml::document("a: [x, 1, {b: yes}]\nc: 'd'");
    let items = node.get("a").expect("a list").items();
    assert_eq!(items[..2], [Node::Str("x".into()), Node::Int(1)]);
    assert_eq!(items[2].get("b"), Some(&Node::Bool(true)));
    assert_eq!(node.get("c").and_then(Node::as_str), Some("d"));
    assert_eq!((node.entries().len(), node.items().len()), (2, 0));
    assert_eq!(
        (
            items[0].entries().len(),
            items[0].get("b"),
            items[1].as_str()
        ),
        (0, None, None)
    );
}
