//! The pipeline file: what the rules gate-wired and pipeline-unchanged find in real-shaped files
//! (tests/data/pipelines), how files that cannot be read end, and what must hold for every text.

mod compared;
mod conditions;
mod random;
mod simulated;
mod unreadable;

use std::path::Path;

use drone_hotfix::ci::{self, Build, Platform};
use drone_hotfix::environment::Environment;
use drone_hotfix::facts::pipeline::{PipelineFacts, Texts, read};
use drone_hotfix::facts::{self, Source};
use drone_hotfix::pipeline::FileText;
use drone_hotfix::pipeline::gates::Running;
use drone_hotfix::pipeline::weakness::Kind;
use drone_hotfix::policy::Policy;
use drone_hotfix::rules;
use drone_hotfix::secret::Redactor;
use drone_hotfix::verdict::{Outcome, Step};

use crate::support::gate::{drone_environment, woodpecker_environment};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};

/// A build and the policy of the step that runs in it.
struct World {
    environment: Environment,
    build: Build,
    policy: Policy,
}

impl World {
    fn drone(policy: &str) -> Self {
        let build = DroneBuild::push("hotfix/EX-1234");
        let settings = format!("{{policy: {policy}}}");
        Self::new(drone_environment(&build, &settings))
    }

    fn woodpecker(policy: &str) -> Self {
        let build = WoodpeckerBuild::push("hotfix/EX-1234");
        let settings = format!("{{policy: {policy}}}");
        Self::new(woodpecker_environment(&build, &settings))
    }

    fn new(variables: Vec<(String, String)>) -> Self {
        let policy = variables
            .iter()
            .find(|(name, _)| name == "PLUGIN_POLICY")
            .expect("a policy");
        let policy = Policy::parse(&policy.1, &rules::keys(), &mut Vec::new()).expect("a policy");
        let variables = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let environment = Environment::new(variables);
        let build = ci::read(&environment).expect("a build");
        Self {
            environment,
            build,
            policy,
        }
    }

    fn read(&self, built: &str) -> PipelineFacts {
        let path = match self.build.platform {
            Platform::Drone => ".drone.yml",
            Platform::Woodpecker => ".woodpecker.yml",
        };
        self.read_as(path, built, Running::default())
    }

    fn read_as(&self, path: &str, built: &str, running: Running<'_>) -> PipelineFacts {
        let built = [file(path, built)];
        let texts = Texts {
            built: &built,
            default: Err("the default branch was not read"),
            base: None,
        };
        read(texts, &self.build, &self.policy, running)
    }

    /// What a rule answers when the pipeline file says this.
    fn outcome(&self, rule: &str, pipeline: PipelineFacts) -> Outcome {
        let redactor = Redactor::default();
        let mut facts = facts::collect(&self.environment, &self.build, &self.policy, &redactor);
        facts.pipeline = Source::Known(pipeline);
        let finding = rules::judge(&facts)
            .into_iter()
            .find(|finding| finding.rule == rule);
        finding.expect("a rule of the table").outcome
    }
}

fn file(path: &str, text: &str) -> FileText {
    (path.to_owned(), text.as_bytes().to_vec())
}

fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/pipelines")
        .join(name);
    std::fs::read_to_string(path).expect("a pipeline file")
}

/// An outcome as people read it, one thing a line.
fn words(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    let next = match outcome {
        Outcome::Pass { because, .. } => {
            lines.push(format!("pass: {because}"));
            &[][..]
        }
        Outcome::Violation {
            found,
            expected,
            next,
        } => {
            lines.extend(
                found
                    .replace("; `.", "\u{0}`.")
                    .split('\u{0}')
                    .map(|found| format!("found: {found}")),
            );
            lines.push(format!("expected: {expected}"));
            next
        }
        Outcome::Unknown { because, next, .. } => {
            lines.push(format!("unknown: {because}"));
            next
        }
        Outcome::NotChecked { because, next } => {
            lines.push(format!("not checked: {because}"));
            next
        }
        Outcome::NotApplicable { because } => {
            lines.push(format!("not applicable: {because}"));
            &[]
        }
    };
    lines.extend(next.iter().map(|step| match step {
        Step::Say(text) => format!("next: {text}"),
        Step::Run(words) => format!("next: $ {}", words.join(" ")),
    }));
    lines.join("\n")
}

macro_rules! finds {
    ($name:ident, $world:expr, $file:expr, $kinds:expr) => {
        #[test]
        fn $name() {
            let world = $world;
            let facts = world.read(&data($file));
            let found: Vec<(Kind, usize)> = facts
                .weaknesses
                .iter()
                .map(|weakness| (weakness.kind, weakness.line))
                .collect();
            let outcome = world.outcome("gate-wired", facts);
            insta::assert_snapshot!(stringify!($name), words(&outcome));
            let kinds: &[(Kind, usize)] = &$kinds;
            assert_eq!(found, kinds);
        }
    };
}

finds!(
    a_graph_round_the_gate,
    World::drone("{}"),
    "ungated-graph.yml",
    [(Kind::Ungated, 12)]
);
finds!(
    steps_above_the_gate,
    World::drone("{}"),
    "ungated-serial.yml",
    [
        (Kind::Ungated, 7),
        (Kind::Ungated, 15),
        (Kind::RunsAnyway, 25)
    ]
);
finds!(
    pipelines_beside_the_gate,
    World::drone("{}"),
    "other-pipeline.yml",
    [(Kind::Ungated, 31), (Kind::RunsAnyway, 37)]
);
finds!(
    a_gate_that_is_left_out,
    World::drone("{}"),
    "left-out.yml",
    [(Kind::Ungated, 15), (Kind::Ungated, 18)]
);
finds!(
    gates_that_stop_nothing,
    World::drone("{}"),
    "toothless.yml",
    [
        (Kind::IgnoresFailure, 7),
        (Kind::Detached, 13),
        (Kind::NotEnforced, 10)
    ]
);
finds!(
    conditions_that_do_not_count,
    World::drone("{}"),
    "ignored-conditions.yml",
    [
        (Kind::IgnoredCondition, 5),
        (Kind::IgnoredCondition, 14),
        (Kind::IgnoredCondition, 15),
        (Kind::IgnoredCondition, 16),
        (Kind::IgnoredCondition, 17)
    ]
);
finds!(
    text_that_is_replaced,
    World::drone("{}"),
    "substitution.yml",
    [(Kind::Substitution, 8)]
);
finds!(
    only_the_first_slash,
    World::drone("{}"),
    "first-slash.yml",
    [(Kind::Substitution, 8), (Kind::FirstSlash, 8)]
);
finds!(
    tags_of_releases,
    World::drone("{}"),
    "release-tags.yml",
    [
        (Kind::ReleaseTag, 11),
        (Kind::ReleaseTag, 15),
        (Kind::ReleaseTag, 16),
        (Kind::ReleaseTag, 32)
    ]
);
finds!(
    one_name_behind_the_prefix,
    World::drone("{}"),
    "shallow-glob.yml",
    [(Kind::ShallowGlob, 5), (Kind::ShallowGlob, 18)]
);
finds!(
    production_by_another_name,
    World::drone("{}"),
    "wrong-cluster.yml",
    [(Kind::WrongCluster, 16)]
);
finds!(anchors_and_documents, World::drone("{}"), "anchors.yml", []);
finds!(
    a_merge_that_takes_the_gate,
    World::drone("{}"),
    "merge-takes-the-gate.yml",
    [(Kind::Ungated, 14)]
);
finds!(
    a_file_of_another_age,
    World::drone("{}"),
    "drone-0.8.yml",
    []
);
finds!(
    a_woodpecker_workflow,
    World::woodpecker("{}"),
    "woodpecker-ungated.yml",
    [
        (Kind::Ungated, 6),
        (Kind::Ungated, 27),
        (Kind::IgnoresFailure, 16),
        (Kind::IgnoredCondition, 32)
    ]
);

#[test]
fn what_we_advise_has_no_weakness() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut judged = 0;
    for (name, world) in [
        ("hocs.drone.yml", World::drone("{}")),
        ("promote-only.drone.yml", World::drone("{}")),
        ("docker-then-tag.drone.yml", World::drone("{}")),
        ("woodpecker.yml", World::woodpecker("{}")),
    ] {
        let text = std::fs::read_to_string(root.join("examples").join(name)).unwrap();
        let facts = world.read(&text);
        assert_eq!(facts.unreadable, None, "{name}");
        assert_eq!(facts.weaknesses, [], "{name}");
        assert!(!facts.gates.is_empty(), "{name}");
        judged += 1;
    }
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for block in readme.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        // The first block is one step, for a pipeline that the reader has.
        let text = match text.starts_with("- name") {
            true => {
                format!("kind: pipeline\nname: build\ntrigger: {{event: [push]}}\nsteps:\n{text}")
            }
            false => text.to_owned(),
        };
        let facts = World::drone("{}").read(&text);
        assert_eq!(facts.unreadable, None, "{text}");
        assert_eq!(facts.weaknesses, [], "{text}");
        judged += 1;
    }
    assert!(judged >= 6, "{judged}");
}

#[test]
fn a_pass_names_the_gate() {
    let world = World::drone("{}");
    let facts = world.read(&data("anchors.yml"));
    assert_eq!(facts.gates, [("deploy".to_owned(), "hotfix".to_owned())]);
    assert_eq!(
        words(&world.outcome("gate-wired", facts)),
        "pass: of the 4 steps in `.drone.yml` none is reached by a promotion without the gate before it \
         (`hotfix` in the pipeline `deploy`)"
    );
}

#[test]
fn many_weaknesses_are_counted() {
    let steps: String = (0..50)
        .map(|n| format!("- {{name: s{n}, image: a, when: {{environment: x}}}}\n"))
        .collect();
    let text = format!(
        "kind: pipeline\nname: deploy\nsteps:\n- {{name: hotfix, image: drone-hotfix, settings: {{policy: {{}}}}}}\n{steps}"
    );
    let world = World::drone("{}");
    let facts = world.read(&text);
    assert_eq!(facts.weaknesses.len(), 50);
    let Outcome::Violation { found, next, .. } = world.outcome("gate-wired", facts) else {
        panic!("no violation")
    };
    assert!(found.ends_with("; and 30 more"), "{found}");
    assert_eq!(next.len(), 1);
}

#[test]
fn the_running_step_says_which_image_is_the_gate() {
    let text = "kind: pipeline\nname: deploy\ntrigger: {event: [promote]}\nsteps:\n\
        - {name: policy-bot, image: example/policy-bot, settings: {policy: strict}}\n\
        - {name: early, image: alpine}\n\
        - {name: hotfix, image: 'example/gate:2', settings: {policy: {}}}\n\
        - {name: again, image: 'docker.io/example/gate:1', settings: {policy: {}}}\n";
    let world = World::drone("{}");
    // Nothing but the setting to go by: the first step passes for a gate.
    assert_eq!(world.read(text).weaknesses, []);
    let running = Running {
        pipeline: Some("deploy"),
        step: Some("hotfix"),
    };
    let facts = world.read_as(".drone.yml", text, running);
    let gates: Vec<&str> = facts.gates.iter().map(|(_, step)| step.as_str()).collect();
    assert_eq!(gates, ["hotfix", "again"]);
    assert_eq!(facts.weaknesses[0].steps, ["policy-bot", "early"]);
    for (pipeline, step) in [(Some("deploy"), "gone"), (Some("build"), "hotfix")] {
        let running = Running {
            pipeline,
            step: Some(step),
        };
        let facts = world.read_as(".drone.yml", text, running);
        let because = facts.unreadable.expect("no such step").because;
        assert!(
            because.ends_with("it is not the file that runs"),
            "{because}"
        );
    }
}
