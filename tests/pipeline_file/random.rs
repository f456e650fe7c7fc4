//! What must hold for every text.

use drone_hotfix::pipeline::order;
use drone_hotfix::pipeline::yaml;
use drone_hotfix::pipeline::{Pipeline, Step};
use proptest::prelude::*;
use proptest::sample::select;

use super::{World, data};

/// The lines of a real-shaped file, so that random files come near to real ones.
fn pieces() -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for name in [
        "ungated-graph.yml",
        "other-pipeline.yml",
        "anchors.yml",
        "left-out.yml",
        "release-tags.yml",
    ] {
        pieces.extend(data(name).lines().map(str::to_owned));
    }
    pieces.extend(
        [
            "<<: *deploy",
            "---",
            "...",
            "\t",
            "? a",
            "!!str x",
            "- [",
            "}",
            "&a *a",
            "|",
            ">-",
            "%YAML 1.1",
            "\"",
            "'",
        ]
        .map(str::to_owned),
    );
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
        World::drone("{}").read(&text);
        World::woodpecker("{}").read(&text);
    }

    #[test]
    fn any_lines_are_read_or_refused(lines in proptest::collection::vec(select(pieces()), 0..40)) {
        let text = lines.join("\n");
        let lines = text.lines().count();
        for world in [World::drone("{}"), World::woodpecker("{}")] {
            let facts = world.read(&text);
            for weakness in &facts.weaknesses {
                prop_assert!((1..=lines).contains(&weakness.line), "{weakness:?}");
            }
            if let Some(unreadable) = facts.unreadable {
                prop_assert!(unreadable.line.is_none_or(|line| (1..=lines.max(1)).contains(&line)), "{unreadable:?}");
            }
        }
    }

    /// No step is before itself unless a circle leads there, and «before» is transitive.
    #[test]
    fn order_is_an_order(edges in proptest::collection::vec((0..8_usize, 0..8_usize), 0..16)) {
        let node = yaml::document("{}", 0).unwrap().unwrap();
        let step = |index: usize| Step {
            line: 1,
            name: format!("s{index}"),
            image: String::new(),
            service: false,
            when: Vec::new(),
            depends_on: edges.iter().filter(|(from, to)| *from == index && to < from).map(|(_, to)| format!("s{to}")).collect(),
            ignores_failure: None,
            detached: None,
            commands: Vec::new(),
            replaced: false,
            settings: None,
            node: node.clone(),
        };
        let pipeline = Pipeline {
            file: String::new(),
            line: 1,
            name: "p".to_owned(),
            trigger: Vec::new(),
            depends_on: Vec::new(),
            on_failure: false,
            steps: (0..8).map(step).collect(),
        };
        let pipelines = [pipeline];
        for index in 0..8 {
            let before = order::before(&pipelines, (0, index));
            prop_assert!(!before.contains(&(0, index)));
            for earlier in &before {
                prop_assert!(order::before(&pipelines, *earlier).is_subset(&before));
            }
        }
    }
}
