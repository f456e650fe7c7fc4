//! Files that cannot be judged: the line, what is wrong, and no crash.

use drone_hotfix::facts::pipeline::{Texts, read};
use drone_hotfix::pipeline::gates::Running;

use super::{World, words};
use crate::support::processor;

#[track_caller]
fn fails(text: &str, line: Option<usize>, part: &str) {
    fails_as(
        &World::drone("{}"),
        ".drone.yml",
        text.as_bytes(),
        line,
        part,
    );
}

#[track_caller]
fn fails_as(world: &World, path: &str, bytes: &[u8], line: Option<usize>, part: &str) {
    let built = [(path.to_owned(), bytes.to_vec())];
    let texts = Texts {
        built: &built,
        default: Err("not read"),
        base: None,
    };
    let facts = read(texts, &world.build, &world.policy, Running::default());
    let unreadable = facts
        .unreadable
        .clone()
        .expect("a file that cannot be judged");
    assert!(unreadable.because.contains(part), "{unreadable:?}");
    assert_eq!(unreadable.line, line, "{unreadable:?}");
    assert!(!unreadable.advice.is_empty());
    let words = words(&world.outcome("gate-wired", facts));
    assert!(words.starts_with("unknown: `"), "{words}");
}

const HEAD: &str = "kind: pipeline\nname: deploy\n";

#[test]
fn text_that_is_no_yaml() {
    let merge =
        format!("{HEAD}steps:\n<<<<<<< HEAD\n- name: a\n=======\n- name: b\n>>>>>>> main\n");
    fails(&merge, Some(4), "a marker of a git merge");
    fails(
        &format!("{HEAD}steps:\n- name: a\n  commands: [x]\n  b: c: d\n"),
        Some(6),
        "no valid YAML",
    );
    fails(
        &format!("{HEAD}steps:\n  - name: a\n  image: x\n"),
        Some(5),
        "no valid YAML",
    );
    fails(
        &format!("{HEAD}steps:\n\t- name: a\n"),
        Some(4),
        "no valid YAML",
    );
    fails(
        &format!("{HEAD}---\n{HEAD}steps: [a\n"),
        Some(6),
        "no valid YAML",
    );
    fails("a: *nobody\n", Some(1), "no valid YAML");
}

#[test]
fn bytes_that_are_no_text() {
    let world = World::drone("{}");
    fails_as(
        &world,
        ".drone.yml",
        b"kind: pipeline\n\xff",
        Some(2),
        "no UTF-8",
    );
    fails(
        "kind: pipeline\n\nname: a\0b\n",
        Some(3),
        "a control character",
    );
    fails("kind: pipeline\n# \u{2028}name: a\n", Some(2), "U+2028");
    fails(
        &format!("kind: pipeline\nname: {}\n", "x".repeat(70_000)),
        Some(2),
        "in one line",
    );
    fails(&"#\n".repeat(600_000), None, "at most 1048576 are read");
}

#[test]
fn shapes_that_the_server_refuses() {
    fails(
        &format!("{HEAD}steps: {{a: b}}\n"),
        Some(3),
        "`steps` is a map",
    );
    fails(
        &format!("{HEAD}steps:\n- just text\n"),
        Some(4),
        "a text where a map is expected",
    );
    fails(
        &format!("{HEAD}steps:\n- image: a\n"),
        Some(4),
        "a step without a name",
    );
    fails(
        &format!("{HEAD}steps:\n- name: a\n- name: a\n"),
        Some(5),
        "a second step `a`",
    );
    fails(
        &format!("{HEAD}steps:\n- name: a\n  depends_on: b\n"),
        Some(5),
        "`depends_on` is a text",
    );
    fails(
        &format!("{HEAD}depends_on: {{a: b}}\n"),
        Some(3),
        "`depends_on` is a map",
    );
    fails(
        &format!("{HEAD}steps:\n- name: a\n  <<: text\n"),
        Some(5),
        "`<<` merges a text",
    );
    let twice = "steps:\n  a:\n    image: x\n    image: y\n";
    fails_as(
        &World::woodpecker("{}"),
        ".woodpecker.yml",
        twice.as_bytes(),
        Some(4),
        "stands twice",
    );
}

#[test]
fn keys_that_stand_twice_count_once_for_drone() {
    // The later one wins: the gate does not ignore its failure, and the step waits for it.
    let text = format!(
        "{HEAD}trigger: {{event: promote}}\nsteps:\n- {{name: hotfix, image: g, failure: ignore, failure: always, settings: {{policy: {{}}}}}}\n\
         - {{name: a, image: b, depends_on: [], depends_on: [hotfix]}}\n"
    );
    let facts = World::drone("{}").read(&text);
    assert_eq!((facts.unreadable, facts.weaknesses), (None, Vec::new()));
}

#[test]
fn bombs() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let one = format!("*a{}, ", n - 1);
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", one.repeat(9)));
    }
    fails(&bomb, Some(5), "expand to more than");
    let mut maps = "a0: &a0 {k: v}\n".to_owned();
    for n in 1..70 {
        maps.push_str(&format!("a{n}: &a{n} {{<<: *a{}}}\n", n - 1));
    }
    fails(&maps, Some(64), "in one another");
    fails(&"[".repeat(60_000), Some(1), "");
    fails(
        &(0..60_000).map(|_| "[\n").collect::<String>(),
        Some(256),
        "recursion limit exceeded",
    );
    fails(&"- ".repeat(30_000), Some(1), "in one another");
    let deep: String = (0..700).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    fails(&deep, Some(65), "in one another");
    fails("a: &a [*a]\n", Some(1), "");
    let wide = format!("a: [{}]\n", " x,\n".repeat(60_000));
    fails(&wide, Some(1), "expand to more than");
}

#[test]
fn other_languages_and_other_places() {
    let world = World::drone("{}");
    fails_as(&world, ".drone.jsonnet", b"{}", None, "written in Jsonnet");
    fails_as(
        &world,
        ".drone.star",
        b"def main(ctx): pass",
        None,
        "written in Starlark",
    );
    fails(
        "kind: pipeline\nname: a\nsteps:\n- {name: a, image: b}\n",
        None,
        "no step in it has the setting `policy`",
    );
    fails("", None, "no step in it has the setting `policy`");
    fails(
        "pipeline:\n  a: {image: b}\n",
        Some(1),
        "written for Drone 0.8",
    );
    fails_as(
        &World::woodpecker("{}"),
        ".woodpecker.yml",
        b"pipeline: {a: {image: b}}",
        Some(1),
        "an early Woodpecker",
    );
    let texts = Texts {
        built: &[],
        default: Err("not read"),
        base: None,
    };
    let facts = read(texts, &world.build, &world.policy, Running::default());
    assert!(facts.unreadable.unwrap().because.contains("no such file"));
}

#[test]
fn shapes_of_real_files_are_read() {
    let gate = "- name: hotfix\n  image: drone-hotfix\n  settings: {policy: {}}\n";
    for trigger in [
        "trigger:\n  event: [\n    push,\n    tag\n  ]\n",
        "trigger:\n  event:\n  - push\n  -\n    tag\n",
        "trigger:\n    event:   [ push,tag, ]   # both\n",
        "\"trigger\": {\"event\":[\"push\",'tag']}\n",
        "? trigger\n: event: [push, tag]\n",
        "trigger: !!map {event: !!seq [push, !!str tag]}\n",
        "trigger:\r\n  event:\r\n  - push\r\n  - tag\r\n",
        "description: |2\n    --- not a document\n  a: b\ntrigger: {event: [push, tag]}\n",
    ] {
        let text = format!(
            "\u{feff}# comment\n---\n{HEAD}{trigger}steps:\n{gate}---\n\n---\nkind: signature\nhmac: x\n...\n<anything: [\n"
        );
        let facts = World::drone("{}").read(&text);
        assert_eq!(facts.unreadable, None, "{trigger}");
        assert_eq!(facts.weaknesses, [], "{trigger}");
        assert_eq!(facts.gates.len(), 1);
    }
}

/// The most that a file may hold is judged in little time.
#[test]
fn the_largest_files_are_judged_in_time() {
    let start = processor::used_by_thread();
    let stars = "*a".repeat(6) + "b";
    let mut steps = String::new();
    for n in 0..499 {
        let settings = if n % 2 == 0 {
            ", settings: {policy: {}}"
        } else {
            ""
        };
        steps.push_str(&format!(
            "- {{name: s{n}, image: plugins/docker{settings}, depends_on: [s{}], when: {{target: {{include: ['t{n}-{stars}', '{stars}{n}'], exclude: [a{n}]}}, branch: ['b{n}']}}}}\n",
            n / 2
        ));
    }
    let facts = World::drone("{}").read(&format!("{HEAD}steps:\n{steps}"));
    assert_eq!(facts.unreadable, None);
    assert!(!facts.weaknesses.is_empty());
    let plain: String = (0..499)
        .map(|n| {
            format!(
                "- {{name: s{n}, image: i, settings: {{policy: {{}}}}, when: {{target: [t{}]}}}}\n",
                n % 100
            )
        })
        .collect();
    World::drone("{}").read(&format!(
        "{HEAD}steps:\n{plain}- {{name: deploy, image: i}}\n"
    ));
    let used = processor::used_by_thread() - start;
    assert!(used.as_secs() < 10, "{used:?}");
    let many: String = (0..600)
        .map(|n| format!("- {{name: s{n}, image: i}}\n"))
        .collect();
    fails(
        &format!("{HEAD}steps:\n{many}"),
        None,
        "more than 500 steps",
    );
    let many: String = (0..2_100).map(|n| format!("b{n},")).collect();
    fails(
        &format!("{HEAD}trigger: {{branch: [{many}]}}\n"),
        None,
        "more than 2000 patterns",
    );
}
