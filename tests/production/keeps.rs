//! `keeps-hotfixes`: what goes to production does not take a hotfix away that runs there.

use crate::support::pipeline::DroneBuild;
use crate::support::team::{Team, finding, judge};

const RUNNING: &str = "running: {cs-prod: branch-hotfix_HOCS-1, wcs-prod: '1.0.0'}";

fn promote(team: &Team, version: &str, target: &str) -> DroneBuild {
    let main = team.pushed("main");
    DroneBuild::promote(&main, target)
        .with(|build| build.params = vec![("VERSION".to_owned(), version.to_owned())])
}

#[test]
fn a_release_without_the_running_hotfix_is_said_and_one_with_it_passes() {
    let team = Team::new();
    let fix = team.hotfix("hotfix/HOCS-1");
    team.switch("main");
    team.release("1.2.0");
    let run = judge(&promote(&team, "1.2.0", "cs-prod"), RUNNING);
    run.ends(0, &[]);
    insta::assert_snapshot!(super::base::masked(&finding(&run, "keeps-hotfixes")));
    // A team may make it a rule that holds.
    let run = judge(
        &promote(&team, "1.2.0", "cs-prod"),
        &format!("{RUNNING}, rules: {{keeps-hotfixes: must}}"),
    );
    run.ends(1, &[]);
    // The other target runs no hotfix.
    let run = judge(&promote(&team, "1.2.0", "wcs-prod"), RUNNING);
    assert!(
        finding(&run, "keeps-hotfixes").contains("no hotfix runs there"),
        "{}",
        run.text
    );
    // A trial target is not production.
    let run = judge(&promote(&team, "1.2.0", "cs-dev"), RUNNING);
    assert!(
        finding(&run, "keeps-hotfixes").contains("is a trial target"),
        "{}",
        run.text
    );
    team.git(&["cherry-pick", &fix]);
    team.push("main");
    team.release("1.2.1");
    let run = judge(&promote(&team, "1.2.1", "cs-prod"), RUNNING);
    assert!(
        finding(&run, "keeps-hotfixes")
            .contains("the hotfix that runs there is kept: 1 commit by patch id"),
        "{}",
        run.text
    );
    // It had it, and has it no longer.
    team.git(&["revert", "--no-edit", "HEAD"]);
    team.push("main");
    team.release("1.2.2");
    let run = judge(&promote(&team, "1.2.2", "cs-prod"), RUNNING);
    assert!(
        finding(&run, "keeps-hotfixes").contains("took it back"),
        "{}",
        run.text
    );
}

#[test]
fn another_hotfix_takes_it_away_and_a_rollback_is_not_judged() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.branch("hotfix/HOCS-2", "1.0.0");
    team.commit("src/more", "more\n", "HOCS-2 mend more");
    team.push("hotfix/HOCS-2");
    team.switch("main");
    let promoted = promote(&team, "branch-hotfix_HOCS-2", "cs-prod");
    let run = judge(&promoted, RUNNING);
    run.ends(1, &[]);
    let found = finding(&run, "keeps-hotfixes");
    assert!(found.contains("lacks a commit of it"), "{}", run.text);
    let rollback = promoted.with(|build| build.event = "rollback".to_owned());
    let run = judge(&rollback, RUNNING);
    assert!(
        finding(&run, "keeps-hotfixes").contains("it does not judge the event `rollback`"),
        "{}",
        run.text
    );
}

#[test]
fn the_same_hotfix_may_be_promoted_again() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let promoted = DroneBuild::promote(&team.pushed("hotfix/HOCS-1"), "cs-prod").with(|build| {
        build.params = vec![("VERSION".to_owned(), "branch-hotfix_HOCS-1".to_owned())]
    });
    let run = judge(&promoted, RUNNING);
    run.ends(0, &[]);
    assert!(
        finding(&run, "keeps-hotfixes").contains("1 commit by the commit itself"),
        "{}",
        run.text
    );
    assert!(
        finding(&run, "has-changes").contains("1 commit since `1.0.0`"),
        "{}",
        run.text
    );
}

#[test]
fn an_ordinary_release_is_never_stopped_by_what_is_not_known() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.switch("main");
    team.release("1.2.0");
    let gone = |build: &mut DroneBuild| build.remote = Some("/nowhere/at/all".to_owned());
    for running in [RUNNING, "running: {cs-prod: {drone: cs-prod}}", ""] {
        let run = judge(&promote(&team, "1.2.0", "cs-prod").with(gone), running);
        run.ends(0, &[]);
    }
}
