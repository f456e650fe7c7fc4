//! The examples for Drone, build by build.

use std::path::Path;

use crate::support::embedded::Registry;
use crate::support::pipeline::{DroneBuild, drone_pipelines, when_matches_drone};
use crate::support::registry::TempDir;

use super::{
    DOCKER_THEN_TAG, Environment, HOCS, HOTFIX, PROMOTE_ONLY, Run, TAG, check, is_ours, promote,
    registry, release, rollback, run_at, secrets, text, triggered,
};

/// The environment of our step in a build; `None` if the build runs no such step.
fn drone_environment(file: &str, build: &DroneBuild) -> Option<Environment> {
    let mut found = Vec::new();
    for pipeline in triggered(file, build) {
        for step in pipeline.steps.iter().filter(|step| is_ours(step)) {
            if when_matches_drone(step.when.as_ref(), build) {
                found.push(build.run(&pipeline, &step.name, &secrets()));
            }
        }
    }
    assert!(found.len() < 2, "{file} judges one build twice");
    found.pop()
}

fn drone(file: &str, registry: &Registry, build: &DroneBuild) -> Run {
    // The step may write there.
    let workspace = TempDir::new();
    let build = build.clone().with(|build| {
        if file == PROMOTE_ONLY {
            build.workspace = workspace.path("").into();
        }
    });
    let environment = drone_environment(file, &build).expect("a step of ours");
    run_at(registry, environment)
}

#[test]
fn hocs_publishes_hotfix_branches_and_nothing_else() {
    let registry = registry("example/hocs-info-service");
    let push = DroneBuild::push(HOTFIX);
    check(
        &drone(HOCS, &registry, &push),
        0,
        "allowed and published: `branch-hotfix_HOCS-1234`",
    );
    let tags = registry.tags("example/hocs-info-service");
    let (statements, tags): (Vec<_>, Vec<_>) =
        tags.into_iter().partition(|tag| tag.starts_with("sha256-"));
    assert_eq!(tags, ["1.0.0", TAG, "build_400", "build_418"]);
    // The list of what is attached, and the statement itself.
    assert_eq!(statements.len(), 2, "{statements:?}");
    check(&drone(HOCS, &registry, &push), 0, "was published already");
    // A build whose image is not there.
    let other = DroneBuild::push("hotfix/HOCS-2").with(|build| build.number = 500);
    check(&drone(HOCS, &registry, &other), 4, "build_500");

    let request = |head, base| DroneBuild::pull_request(7, head, base);
    check(
        &drone(HOCS, &registry, &request("HOCS-1234-fix", HOTFIX)),
        0,
        "allowed",
    );
    let run = drone(HOCS, &registry, &request("hotfix-HOCS-1234", HOTFIX));
    check(&run, 0, "not followed: working-branch");
    for (build, words) in [
        (
            DroneBuild::push("main"),
            "`main` does not begin with `hotfix/`",
        ),
        (DroneBuild::push("hotfix_somu"), "in exactly that spelling"),
        (request(HOTFIX, "main"), "the base `main`"),
        (release(), "the event `tag`"),
    ] {
        let run = drone(HOCS, &registry, &build);
        check(&run, 0, words);
        assert!(run.first_line().starts_with("nothing to do"), "{run:#?}");
    }
    let after = registry.tags("example/hocs-info-service").into_iter();
    let after: Vec<_> = after.filter(|tag| !tag.starts_with("sha256-")).collect();
    assert_eq!(after, tags);
    // No pipeline is triggered; the step would not mind.
    for build in [DroneBuild::cron("main"), DroneBuild::cron(HOTFIX)] {
        assert_eq!(drone_environment(HOCS, &build), None);
        let pipelines = drone_pipelines(&text(HOCS));
        for pipeline in &pipelines {
            let run = run_at(&registry, build.run(pipeline, "hotfix", &secrets()));
            check(&run, 0, "nothing to do");
        }
    }
    assert_eq!(drone_environment(HOCS, &DroneBuild::custom(HOTFIX)), None);
}

#[test]
fn hocs_gates_every_promotion() {
    let registry = registry("example/hocs-info-service");
    check(
        &drone(HOCS, &registry, &DroneBuild::push(HOTFIX)),
        0,
        "published",
    );
    let own = DroneBuild::push(HOTFIX);
    let pull_request = DroneBuild::pull_request(7, "HOCS-5", "main");
    for (build, code, words) in [
        (
            promote("cs-demo", TAG),
            0,
            "allowed: `VERSION=branch-hotfix_HOCS-1234` to `cs-demo`",
        ),
        (promote("wcs-prod", TAG), 0, "allowed"),
        (DroneBuild::promote(&own, "cs-demo"), 0, "allowed"),
        (
            DroneBuild::promote(&own, "cs-prod").param("VERSION", TAG),
            0,
            "allowed",
        ),
        (promote("cs-qa", "1.0.0"), 0, "allowed"),
        (promote("release", "build_400"), 0, "allowed"),
        (promote("cs-prod", "1.0.0"), 0, "allowed"),
        (rollback("cs-qa", "1.0.0"), 0, "allowed"),
        (rollback("cs-prod", TAG), 0, "allowed"),
        // Into QA, under each of its names and by its own build.
        (promote("cs-qa", TAG), 1, "refused by qa-closed"),
        (promote("release", TAG), 1, "refused by qa-closed"),
        (promote("hocs-qax", TAG), 1, "refused by qa-closed"),
        (promote("WCS-QA", TAG), 1, "refused by qa-closed"),
        (rollback("cs-qa", TAG), 1, "refused by qa-closed"),
        (
            promote("cs-qa", "build_418"),
            1,
            "a statement in the registry",
        ),
        (
            promote("release", "build_418"),
            1,
            "a statement in the registry",
        ),
        (
            DroneBuild::promote(&own, "cs-qa"),
            1,
            "the promoted build's branch",
        ),
        (
            DroneBuild::promote(&own, "cs-qa").param("VERSION", "1.0.0"),
            1,
            "the promoted build's branch",
        ),
        // What people mistype.
        (promote("cs-demo", HOTFIX), 1, "`branch-hotfix_HOCS-1234`"),
        (
            promote("cs-demo", "1.0.0 "),
            1,
            "refused by readable-promotion",
        ),
        (promote("cs-dmeo", TAG), 1, "refused by target-known"),
        (promote("cs-qa", "1.0.1"), 2, "is not in the registry"),
        // A build that nobody merged.
        (
            DroneBuild::promote(&pull_request, "cs-demo").param("VERSION", "1.0.0"),
            1,
            "refused by promoted-ref",
        ),
        // Settings that come along as parameters.
        (
            promote("cs-qa", TAG).param("PLUGIN_POLICY", "{}"),
            1,
            "refused by qa-closed",
        ),
        (
            promote("cs-qa", TAG).param("PLUGIN_DRY_RUN", "true"),
            1,
            "refused by qa-closed",
        ),
        (
            promote("cs-demo", TAG).param("PLUGIN_DRY_RUN", "true"),
            5,
            "rehearsal",
        ),
        (
            promote("cs-qa", TAG).param("DRONE_DEPLOY_TO", "cs-demo"),
            1,
            "refused by qa-closed",
        ),
    ] {
        check(&drone(HOCS, &registry, &build), code, words);
    }
    // Nobody reads, nobody writes: an image that cannot be compared does not get into QA.
    let away = Registry::start();
    check(
        &drone(HOCS, &away, &promote("cs-qa", "1.0.0")),
        2,
        "undecided",
    );
    check(
        &drone(HOCS, &away, &promote("cs-prod", "1.0.0")),
        0,
        "allowed",
    );
}

#[test]
fn the_gate_alone_stops_hotfixes_before_qa() {
    let registry = registry("example/service");
    // Somebody else published the tag.
    let (kind, bytes) = registry
        .manifest("example/service", "build_418")
        .expect("the image");
    registry.put_manifest("example/service", TAG, &kind, &bytes);
    for (build, code, words) in [
        (promote("demo", TAG), 0, "allowed"),
        (promote("prod", TAG), 0, "allowed"),
        (promote("qa", TAG), 1, "refused by qa-closed"),
        (rollback("qa", TAG), 1, "refused by qa-closed"),
        (promote("qa", "build_418"), 1, "byte for byte"),
        (promote("qa", "1.0.0"), 0, "allowed"),
        (rollback("qa", "1.0.0"), 0, "allowed"),
        (
            DroneBuild::promote(&DroneBuild::push(HOTFIX), "qa"),
            1,
            "refused by qa-closed",
        ),
        (
            promote("cs-somewhere", TAG),
            0,
            "not followed: target-known",
        ),
    ] {
        check(&drone(PROMOTE_ONLY, &registry, &build), code, words);
    }
    let request = DroneBuild::pull_request(7, "HOCS-1234-fix", HOTFIX);
    for build in [
        DroneBuild::push(HOTFIX),
        request,
        release(),
        DroneBuild::cron("main"),
    ] {
        assert_eq!(drone_environment(PROMOTE_ONLY, &build), None);
    }
    assert!(
        registry
            .requests()
            .iter()
            // What was tried is kept, and no tag of an image is touched.
            .all(|line| {
                !line.starts_with("PUT") || line.contains("/sha256") || line.contains("/blobs/")
            })
    );
}

#[test]
fn the_tag_is_written_for_the_step_that_builds() {
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples-docker-then-tag");
    // Left behind by a run that was stopped.
    std::fs::remove_dir_all(&workspace).ok();
    std::fs::create_dir(&workspace).expect("a directory");
    let registry = Registry::start();
    let at = |build: DroneBuild| build.with(|build| build.workspace.clone_from(&workspace));
    let run = |build| drone(DOCKER_THEN_TAG, &registry, &at(build));
    let read = || std::fs::read_to_string(workspace.join(".tags")).ok();

    check(
        &run(DroneBuild::pull_request(7, "HOCS-1234-fix", HOTFIX)),
        0,
        "allowed",
    );
    check(
        &run(DroneBuild::push("hotfix/no-ticket")),
        1,
        "refused by ticket",
    );
    check(
        &run(DroneBuild::push("hotfix/HOCS-1 x")),
        1,
        "refused by hotfix-branch",
    );
    check(
        &run(DroneBuild::push("hotfix/HOCS-1+x")),
        1,
        "refused by image-tag",
    );
    assert_eq!(read(), None);
    check(&run(DroneBuild::push(HOTFIX)), 0, "allowed");
    let tags = read().expect("the tags file");
    // plugins/docker splits at commas and trims.
    assert_eq!(tags.split(',').map(str::trim).collect::<Vec<_>>(), [TAG]);
    assert_eq!(tags, format!("{TAG}\n"));
    // Our own file may be replaced, by the same or another hotfix.
    check(&run(DroneBuild::push("hotfix/HOCS-2/b")), 0, "allowed");
    assert_eq!(read().as_deref(), Some("branch-hotfix_HOCS-2_b\n"));
    // A restart with parameters stays what it was.
    let restart = DroneBuild::restart(&DroneBuild::push(HOTFIX)).param("PLUGIN_DRY_RUN", "true");
    check(&run(restart), 0, "allowed");
    assert_eq!(read().as_deref(), Some(format!("{TAG}\n").as_str()));
    for foreign in ["latest\n", "1.2.4", "branch-hotfix_HOCS-1234,latest\n"] {
        std::fs::write(workspace.join(".tags"), foreign).expect("a file");
        check(
            &run(DroneBuild::push(HOTFIX)),
            4,
            "was not written by this plugin",
        );
        assert_eq!(read().as_deref(), Some(foreign));
    }
    for build in [
        DroneBuild::push("main"),
        DroneBuild::pull_request(7, HOTFIX, "main"),
        release(),
    ] {
        assert_eq!(drone_environment(DOCKER_THEN_TAG, &at(build)), None);
    }
    assert!(registry.requests().is_empty());
    std::fs::remove_dir_all(&workspace).expect("the directory can go");
}
