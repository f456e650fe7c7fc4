//! A hotfix by another build, event or target. Every promotion of Drone inherits branch, reference
//! and parameters from the build that it promotes (drone.md §2.3).

use super::{offline, value};
use crate::support::binary::{Run, run};
use crate::support::gate::{drone_environment, woodpecker_environment};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};

const TAG: &str = "branch-hotfix_HOCS-1";

#[track_caller]
fn refused(run: &Run) {
    run.ends(1, &["refused by qa-closed", "A30", "A31"]);
}

/// A hotfix's build, and a build of `main` that was promoted with a hotfix's tag.
fn hotfixes() -> [DroneBuild; 2] {
    [
        DroneBuild::push("hotfix/HOCS-1"),
        DroneBuild::promote(&DroneBuild::push("main"), "cs-demo").param("VERSION", TAG),
    ]
}

#[test]
fn a_build_of_main_with_the_hotfix_s_tag() {
    let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", TAG);
    refused(&offline(&build));
    let build = DroneBuild::promote(&DroneBuild::tag("1.2.3"), "cs-qa").param("IMAGE_TAG", TAG);
    refused(&offline(&build));
}

#[test]
fn a_rollback() {
    for hotfix in hotfixes() {
        refused(&offline(&DroneBuild::rollback(&hotfix, "cs-qa")));
    }
}

#[test]
fn a_restart() {
    for hotfix in hotfixes() {
        let refusal = DroneBuild::promote(&hotfix, "cs-qa");
        let again = DroneBuild::restart(&refusal);
        assert_eq!(
            (again.event.as_str(), again.parent),
            ("promote", refusal.number)
        );
        refused(&offline(&again));
        // What stands in the query of a restart is beaten by what the build had.
        refused(&offline(&DroneBuild::restart(&again)));
    }
}

#[test]
fn a_promotion_of_a_promotion() {
    for hotfix in hotfixes() {
        let tried = DroneBuild::promote(&hotfix, "cs-demo");
        refused(&offline(&DroneBuild::promote(&tried, "cs-qa")));
        let twice = DroneBuild::promote(&DroneBuild::rollback(&tried, "dev"), "cs-qa");
        refused(&offline(&twice));
    }
}

#[test]
fn a_build_started_by_hand() {
    let by_hand = DroneBuild::custom("hotfix/HOCS-1");
    refused(&offline(&DroneBuild::promote(&by_hand, "cs-qa")));
    let carried = DroneBuild::custom("main").param("VERSION", TAG);
    refused(&offline(&DroneBuild::promote(&carried, "cs-qa")));
    // A build that was started by hand is no promotion, whatever its parameters are called: the steps
    // that deploy see no target in it.
    let posing = DroneBuild::custom("main")
        .param("DRONE_BUILD_EVENT", "promote")
        .param("DRONE_DEPLOY_TO", "cs-qa")
        .param("VERSION", TAG);
    let environment = drone_environment(&posing, "{policy: {}}");
    assert_eq!(value(&environment, "DRONE_DEPLOY_TO"), None);
    assert_eq!(value(&environment, "DRONE_BUILD_EVENT"), Some("custom"));
    run(environment).ends(0, &["nothing to do"]);
    refused(&offline(&DroneBuild::promote(&posing, "cs-qa")));
}

#[test]
fn a_build_of_the_clock() {
    let nightly = DroneBuild::cron("hotfix/HOCS-1");
    refused(&offline(&DroneBuild::promote(&nightly, "cs-qa")));
}

#[test]
fn an_event_that_nobody_knows() {
    for event in [
        "deploy",
        "Promote",
        "promote ",
        "deployment",
        "",
        "\u{440}romote",
    ] {
        let build = DroneBuild::promote(&DroneBuild::push("hotfix/HOCS-1"), "cs-qa")
            .with(|build| build.event = event.to_owned());
        offline(&build).ends(3, &["DRONE_BUILD_EVENT"]);
        // What the server leaves empty stands above a parameter all the same.
        offline(&build.param("DRONE_BUILD_EVENT", "push")).ends(3, &["DRONE_BUILD_EVENT"]);
    }
}

#[test]
fn a_pull_request_s_build() {
    for (head, base) in [
        ("HOCS-1", "hotfix/HOCS-1"),
        ("hotfix/HOCS-1", "main"),
        ("hotfix/HOCS-1", "hotfix/HOCS-2"),
    ] {
        let build = DroneBuild::pull_request(7, head, base);
        refused(&offline(&DroneBuild::promote(&build, "cs-qa")));
        offline(&DroneBuild::promote(&build, "cs-prod"))
            .ends(1, &["refused by promoted-ref", "a pull request"]);
    }
    // One that has nothing to do with a hotfix is no release either.
    let build = DroneBuild::pull_request(7, "HOCS-1", "main");
    for event in [DroneBuild::promote, DroneBuild::rollback] {
        offline(&event(&build, "cs-prod")).ends(1, &["refused by promoted-ref"]);
    }
}

#[test]
fn a_deployment_of_github() {
    for reference in ["hotfix/HOCS-1", "refs/heads/hotfix/HOCS-1"] {
        refused(&offline(&DroneBuild::github_deployment(reference, "cs-qa")));
    }
    // The bare commit says nothing of where it lies.
    let sha = DroneBuild::push("main").sha;
    for target in ["cs-qa", "cs-prod"] {
        offline(&DroneBuild::github_deployment(&sha, target))
            .ends(2, &["undecided", "bare commit"]);
    }
    let named = DroneBuild::github_deployment(&sha, "cs-qa").param("VERSION", TAG);
    refused(&offline(&named));
}

#[test]
fn a_deployment_of_woodpecker() {
    for parent in [
        WoodpeckerBuild::push("hotfix/HOCS-1"),
        WoodpeckerBuild::pull_request(7, "hotfix/HOCS-1", "main"),
    ] {
        for target in ["cs-qa", "CS-QA", " cs-qa "] {
            let build = WoodpeckerBuild::deployment(&parent, target);
            refused(&run(woodpecker_environment(&build, "{policy: {}}")));
        }
    }
}

#[test]
fn a_target_in_other_letters() {
    for target in [
        "CS-QA ", "cs-qa", "Cs-Qa", " cs-qa", "qa", "QA", " Qa ", "qa-2", "QA-2",
    ] {
        for hotfix in hotfixes() {
            refused(&offline(&DroneBuild::promote(&hotfix, target)));
        }
    }
}

#[test]
fn a_target_of_look_alike_letters() {
    for target in [
        "cs-q\u{430}",
        "\u{441}s-qa",
        "cs\u{2010}qa",
        "cs-qa\u{200b}",
        "cs-qa\u{a0}",
        "\u{202e}aq-sc",
        "ｃｓ-ｑａ",
        "cs-qa\t",
        "cs-qa\n",
        "cs-qa\r",
        "cs-qa\u{7f}",
    ] {
        for parent in [DroneBuild::push("hotfix/HOCS-1"), DroneBuild::push("main")] {
            offline(&DroneBuild::promote(&parent, target))
                .ends(1, &["refused by readable-promotion", "not plain ASCII"]);
        }
    }
    for nothing in ["", " ", "   "] {
        offline(&DroneBuild::promote(
            &DroneBuild::push("hotfix/HOCS-1"),
            nothing,
        ))
        .ends(1, &["refused by readable-promotion", "without a target"]);
    }
}
