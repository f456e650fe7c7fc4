//! The version that the deployment ticket gives a hotfix of a train, `0.2012.04.27-2`, names that hotfix
//! when it is promoted.

use crate::support::binary::Run;
use crate::support::pipeline::DroneBuild;
use crate::support::team::judge;

use super::world::{ENTRY, Trains, policy};

const RULES: &str = "version-published: off, tried-first: off, build-passed: off, clean-parameters: off, \
    production-ticket";

fn trains() -> Trains {
    let trains = Trains::new();
    trains.fix("2", &Trains::log(ENTRY));
    trains
}

/// A promotion by a build of the default branch, so that only the version can say what it is.
fn promote(trains: &Trains, version: &str, target: &str, ticket: &str) -> Run {
    let build = DroneBuild::promote(&trains.team.pushed("main"), target);
    let build = build.param("VERSION", version).param("TICKET", ticket);
    judge(&build, &policy(RULES, ""))
}

#[test]
fn a_hotfix_of_a_train_stays_out_of_qa_by_its_version() {
    let trains = trains();
    for version in [
        "0.2012.04.27-2",
        "0.2012.04.27-12",
        "v0.2012.04.27-2",
        "service-0.2012.04.27-2.el6",
        "quay.example/example/service:0.2012.04.27-2",
        // A train that is gone is no reason to let its hotfix in.
        "0.2011.01.01-2",
    ] {
        let run = promote(&trains, version, "qa", "bug 900001");
        run.begins(1, "refused by qa-closed");
        run.ends(1, &["the version of a train's hotfix"]);
    }
}

#[test]
fn a_hotfix_of_a_train_needs_a_ticket_by_its_version() {
    let trains = trains();
    let to_production = |ticket| promote(&trains, "0.2012.04.27-2", "cs-prod", ticket);
    to_production("").ends(1, &["refused by production-ticket: no parameter `TICKET`"]);
    to_production("#1234").ends(1, &["the bug's own ticket `#1234`"]);
    to_production("bug 900001").ends(0, &["is another ticket than the bug's: `#1234`"]);
}

#[test]
fn the_train_itself_and_other_releases_are_ordinary() {
    let trains = trains();
    for version in [
        "0.2012.04.27-1",
        "0.2012.04.27",
        "1.2.3-4",
        "10.2012.04.27-2",
        "build_418",
    ] {
        for target in ["qa", "cs-prod"] {
            promote(&trains, version, target, "").ends(0, &["allowed"]);
        }
    }
    // Without trains nobody calls a hotfix so.
    let build = DroneBuild::promote(&trains.team.pushed("main"), "qa");
    let build = build.param("VERSION", "0.2012.04.27-2");
    let without = policy(RULES, "").replace(", train: {}", "");
    let without = without.replace(", production-ticket: must", "");
    judge(&build, &without).ends(0, &["allowed"]);
}

#[test]
fn where_the_version_has_a_git_tag_its_commit_is_judged() {
    let trains = trains();
    trains.team.release("0.2012.04.27-2");
    trains.fix(
        "3",
        &Trains::log(&format!(
            "{ENTRY}  * (hotfix 2012.05.03) mend three: #1235\n"
        )),
    );
    // The tag is the commit of Release 2, which does not know of the third one's bug.
    promote(&trains, "0.2012.04.27-2", "cs-prod", "#1235").ends(0, &["is another ticket"]);
    promote(&trains, "0.2012.04.27-3", "cs-prod", "#1235").ends(1, &["the bug's own ticket"]);
}
