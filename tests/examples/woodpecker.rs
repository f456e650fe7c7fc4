//! The example for Woodpecker, pipeline by pipeline.

use std::collections::BTreeMap;

use crate::support::embedded::Registry;
use crate::support::pipeline::{WoodpeckerBuild, woodpecker_steps};

use super::{HOTFIX, Run, TAG, WOODPECKER, check, is_ours, registry, run_at, secrets, text};

fn woodpecker(registry: &Registry, step: &str, build: &WoodpeckerBuild) -> Run {
    let steps = woodpecker_steps(&text(WOODPECKER));
    let step = steps
        .iter()
        .find(|known| known.name == step)
        .expect("that step");
    assert!(is_ours(step) && step.is_plugin());
    run_at(
        registry,
        build
            .environment(step, &secrets())
            .expect("a pipeline that compiles"),
    )
}

#[test]
fn woodpecker_judges_the_same_builds() {
    let registry = registry("example/hocs-info-service");
    let run = |build| woodpecker(&registry, "hotfix", &build);
    check(
        &run(WoodpeckerBuild::push(HOTFIX)),
        0,
        "allowed and published: `branch-hotfix_HOCS-1234`",
    );
    check(
        &run(WoodpeckerBuild::manual(HOTFIX)),
        0,
        "was published already",
    );
    check(&run(WoodpeckerBuild::push("main")), 0, "nothing to do");
    check(&run(WoodpeckerBuild::manual("main")), 0, "nothing to do");
    // None of them is among the step's events; it would not mind.
    let (tag, release) = (
        WoodpeckerBuild::tag("1.0.0"),
        WoodpeckerBuild::release("1.0.0"),
    );
    for build in [tag.clone(), release, WoodpeckerBuild::cron(HOTFIX)] {
        check(&run(build), 0, "nothing to do");
    }

    let request = |head, base| WoodpeckerBuild::pull_request(7, head, base);
    let judge = |build| woodpecker(&registry, "hotfix-pull-request", &build);
    check(&judge(request("HOCS-1234-fix", HOTFIX)), 0, "allowed");
    check(
        &judge(request("hotfix-HOCS-1234", HOTFIX)),
        0,
        "not followed: working-branch",
    );
    check(&judge(request(HOTFIX, "main")), 0, "nothing to do");
    // It needs no secret, because none is given to pull requests.
    let steps = woodpecker_steps(&text(WOODPECKER));
    let step = steps
        .iter()
        .find(|step| step.name == "hotfix-pull-request")
        .expect("the step");
    assert!(
        request("a", HOTFIX)
            .environment(step, &BTreeMap::new())
            .is_ok()
    );

    let deploy =
        |target, version: &str| WoodpeckerBuild::deployment(&tag, target).param("VERSION", version);
    let own = WoodpeckerBuild::push(HOTFIX);
    for (build, code, words) in [
        (deploy("cs-demo", TAG), 0, "allowed"),
        (deploy("cs-prod", TAG), 0, "allowed"),
        (deploy("cs-qa", "1.0.0"), 0, "allowed"),
        (deploy("cs-qa", TAG), 1, "refused by qa-closed"),
        (
            deploy("cs-qa", "build_418"),
            1,
            "a statement in the registry",
        ),
        (deploy("cs-qa", "1.0.1"), 2, "is not in the registry"),
        (
            WoodpeckerBuild::deployment(&own, "cs-qa"),
            1,
            "the promoted build's branch",
        ),
        (WoodpeckerBuild::deployment(&own, "cs-dev"), 0, "allowed"),
        (
            deploy("cs-qa", TAG).param("PLUGIN_POLICY", "{}"),
            1,
            "refused by qa-closed",
        ),
        (
            deploy("cs-qa", TAG).param("CI_PIPELINE_DEPLOY_TARGET", "cs-dev"),
            1,
            "refused by qa-closed",
        ),
    ] {
        check(&run(build), code, words);
    }
}
