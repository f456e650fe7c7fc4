//! What makes a gate a gate stands in the pipeline file, where no plugin can see it: every step that deploys waits for
//! it, nothing switches it off, and nothing in the file is replaced before it is read.

use crate::support::pipeline::{
    DroneBuild, Pipeline, Step, drone_pipelines, when_matches_drone, woodpecker_steps,
};
use crate::support::yaml::{self, Node};

use super::{
    DOCKER_THEN_TAG, DRONE_FILES, HOCS, HOTFIX, PROMOTE_ONLY, TELLING, TRAIN, WOODPECKER, is_ours,
    promote, release, rollback, secrets, text, triggered,
};

/// Whether a step runs only after the other ended well.
fn waits_for(pipeline: &Pipeline, step: &Step, other: &str) -> bool {
    let mut reached: Vec<&str> = step.depends_on.iter().map(String::as_str).collect();
    let mut next = 0;
    while let Some(name) = reached.get(next).copied() {
        next += 1;
        for name in &pipeline.step(name).depends_on {
            if !reached.contains(&name.as_str()) {
                reached.push(name);
            }
        }
    }
    reached.contains(&other)
}

fn conditions(step: &Step) -> Vec<&Node> {
    let when = step.when.iter();
    when.flat_map(|when| match when {
        Node::List(items) => items.iter().collect(),
        other => vec![other],
    })
    .collect()
}

/// The events of a Woodpecker step.
fn events(step: &Step) -> Vec<&str> {
    let conditions = conditions(step).into_iter();
    let events = conditions.filter_map(|condition| condition.get("event"));
    events
        .flat_map(|event| match event {
            Node::List(items) => items.iter().filter_map(Node::as_str).collect(),
            other => other.as_str().into_iter().collect::<Vec<_>>(),
        })
        .collect()
}

fn setting<'a>(step: &'a Step, name: &str) -> Option<&'a Node> {
    let mut settings = step.settings.iter();
    settings
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

#[test]
fn no_example_is_rewritten_before_it_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the examples") {
        let name = entry
            .expect("a file")
            .file_name()
            .into_string()
            .expect("a name");
        if name.ends_with(".yml") {
            found.push(name);
        }
    }
    found.sort();
    // A file that is here and in no test would be a promise that nobody keeps.
    assert_eq!(
        found,
        [
            DOCKER_THEN_TAG,
            HOCS,
            PROMOTE_ONLY,
            TELLING,
            TRAIN,
            WOODPECKER
        ]
    );
    for file in found {
        let text = text(&file);
        assert!(!text.contains("${"), "{file}");
        let beginning: Vec<&str> = text
            .lines()
            .take_while(|line| line.starts_with('#'))
            .collect();
        let why = beginning.join("\n");
        assert!(
            why.contains("no dollar-brace") && why.contains("before it reads"),
            "{file}"
        );
        assert!(
            text.is_ascii() && text.lines().all(|line| line.len() <= 120),
            "{file}"
        );
        assert!(!text.contains("ukhomeoffice"), "{file}");
    }
}

#[test]
fn our_steps_are_plugins_that_nothing_switches_off() {
    let mut steps: Vec<(&str, Step)> = Vec::new();
    for file in DRONE_FILES {
        for pipeline in drone_pipelines(&text(file)) {
            let ours = pipeline.steps.into_iter().filter(is_ours);
            steps.extend(ours.map(|step| (file, step)));
        }
    }
    assert!(
        steps
            .iter()
            .all(|(_, step)| step.when.is_none() && step.depends_on.is_empty())
    );
    let woodpecker = woodpecker_steps(&text(WOODPECKER))
        .into_iter()
        .filter(is_ours);
    steps.extend(woodpecker.map(|step| (WOODPECKER, step)));
    assert_eq!(steps.len(), 8);
    for (file, step) in &steps {
        assert!(
            step.is_plugin() && step.failure.is_none(),
            "{file}: {step:?}"
        );
        // Both pipelines of a file judge by the same policy.
        let policies = steps.iter().filter(|(other, _)| other == file);
        for (_, other) in policies {
            assert_eq!(setting(step, "policy"), setting(other, "policy"), "{file}");
        }
    }
}

#[test]
fn every_deploy_step_waits_for_the_gate() {
    let targets = "release cs-dev wcs-dev cs-demo wcs-demo cs-qa wcs-qa cs-prod wcs-prod dev demo qa prod elsewhere";
    let mut deploying = 0;
    for file in [HOCS, PROMOTE_ONLY] {
        for target in targets.split_whitespace() {
            for build in [promote(target, "1.0.0"), rollback(target, "1.0.0")] {
                let pipelines = triggered(file, &build);
                let [pipeline] = pipelines.as_slice() else {
                    panic!("{file}: {target} triggers {}", pipelines.len())
                };
                let runs = |step: &&Step| when_matches_drone(step.when.as_ref(), &build);
                let (gates, others): (Vec<&Step>, Vec<&Step>) = pipeline
                    .steps
                    .iter()
                    .filter(runs)
                    .partition(|step| is_ours(step));
                let [gate] = gates.as_slice() else {
                    panic!("{file}: {} gates for {target}", gates.len())
                };
                for step in &others {
                    assert!(
                        waits_for(pipeline, step, &gate.name),
                        "{file}: {}",
                        step.name
                    );
                    assert_eq!(step.failure, None);
                    assert!(
                        step.when
                            .as_ref()
                            .is_none_or(|when| when.get("status").is_none())
                    );
                }
                deploying += others.len();
            }
        }
    }
    // Each target that a file knows, promoted and rolled back; `release` has two steps.
    assert_eq!(deploying, 2 * (10 + 4));
}

#[test]
fn deploy_steps_use_what_the_gate_judged() {
    let mut commands: Vec<(&str, String)> = Vec::new();
    for file in [HOCS, PROMOTE_ONLY] {
        let build = promote("cs-demo", "1.0.0");
        let steps = triggered(file, &build)
            .into_iter()
            .flat_map(|pipeline| pipeline.steps);
        commands.extend(
            steps
                .flat_map(|step| step.commands)
                .map(|command| (file, command)),
        );
    }
    let steps = woodpecker_steps(&text(WOODPECKER)).into_iter();
    let deploying = steps.filter(|step| events(step) == ["deployment"]);
    commands.extend(
        deploying
            .flat_map(|step| step.commands)
            .map(|command| (WOODPECKER, command)),
    );
    assert_eq!(commands.len(), 13);
    for (file, command) in commands {
        let variables: Vec<&str> = command
            .split('$')
            .skip(1)
            // The file that the gate has written.
            .filter(|rest| file != PROMOTE_ONLY || !rest.starts_with("(cat image.txt)"))
            .map(|rest| {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                &rest[..end.unwrap_or(rest.len())]
            })
            .collect();
        for variable in variables {
            let target = match file {
                WOODPECKER => "CI_PIPELINE_DEPLOY_TARGET",
                _ => "DRONE_DEPLOY_TO",
            };
            // `environment` is the loop's own; `KUBE_*` are set by the step, so no parameter gets past it.
            let known = [
                "VERSION",
                target,
                "environment",
                "KUBE_SERVER",
                "KUBE_TOKEN",
            ];
            assert!(known.contains(&variable), "{file}: {variable}");
        }
    }
}

#[test]
fn no_parameter_chooses_the_tags_of_the_image() {
    for file in [HOCS, DOCKER_THEN_TAG] {
        let push = DroneBuild::push(HOTFIX);
        let restart = DroneBuild::restart(&push)
            .param("PLUGIN_TAG", "latest")
            .param("PLUGIN_TAGS", "1.2.4");
        let pipelines = triggered(file, &restart);
        let [pipeline] = pipelines.as_slice() else {
            panic!("{file}")
        };
        // In their order, because there is no `depends_on`.
        assert!(pipeline.steps.iter().all(|step| step.depends_on.is_empty()));
        let environment = restart.run(pipeline, "image", &secrets());
        let tags = environment
            .iter()
            .find(|(name, _)| name.starts_with("PLUGIN_TAG"));
        assert_eq!(tags, None, "{file}");
        assert!(environment.iter().any(|(name, _)| name == "PLUGIN_REPO"));
    }
    // The tag of the build comes before the image and the image before us, or the other way round.
    let order = |file: &str, build: &DroneBuild| -> Vec<String> {
        let steps = triggered(file, build)
            .into_iter()
            .flat_map(|pipeline| pipeline.steps);
        let runs = steps.filter(|step| when_matches_drone(step.when.as_ref(), build));
        runs.map(|step| step.name).collect()
    };
    let push = DroneBuild::push(HOTFIX);
    assert_eq!(
        order(HOCS, &push),
        ["test", "tag-of-a-build", "image", "hotfix"]
    );
    assert_eq!(
        order(HOCS, &release()),
        ["test", "tags-of-a-release", "image", "hotfix"]
    );
    let request = DroneBuild::pull_request(7, "a", HOTFIX);
    assert_eq!(order(HOCS, &request), ["test", "hotfix"]);
    assert_eq!(
        order(DOCKER_THEN_TAG, &push),
        ["hotfix", "tag-is-there", "image"]
    );
    assert_eq!(order(DOCKER_THEN_TAG, &request), ["hotfix"]);
}

#[test]
fn woodpecker_runs_its_steps_in_their_order() {
    let text = text(WOODPECKER);
    let steps = woodpecker_steps(&text);
    let gate = steps
        .iter()
        .position(|step| step.name == "hotfix")
        .expect("the gate");
    for (position, step) in steps.iter().enumerate() {
        // One `depends_on` would start every step without one at once.
        assert!(
            step.depends_on.is_empty() && step.failure.is_none(),
            "{}",
            step.name
        );
        assert!(
            conditions(step)
                .iter()
                .all(|when| when.get("status").is_none())
        );
        assert_eq!(
            events(step).contains(&"deployment"),
            position >= gate && step.name != "hotfix-pull-request"
        );
    }
    assert_eq!(events(&steps[gate]), ["push", "manual", "deployment"]);
    let all = yaml::document(&text);
    let when = &all.get("when").expect("events").items()[0];
    let workflow: Vec<&str> = when
        .get("event")
        .expect("events")
        .items()
        .iter()
        .filter_map(Node::as_str)
        .collect();
    assert_eq!(workflow, ["push", "manual", "pull_request", "deployment"]);
    // Every event has one step of ours.
    for event in workflow {
        let ours = steps
            .iter()
            .filter(|step| is_ours(step) && events(step).contains(&event));
        assert_eq!(ours.count(), 1, "{event}");
    }
    // The plugin that builds fails where it cannot read the file, and does not fall back to `latest`.
    let image = steps
        .iter()
        .find(|step| step.name == "image")
        .expect("the image");
    assert_eq!(
        setting(image, "tags_file").and_then(Node::as_str),
        Some(".tags")
    );
    assert_eq!(setting(image, "auto_tag"), None);
}
