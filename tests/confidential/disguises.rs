//! A ticket in other spellings and in places where few look.

use super::{PRIVATE, hotfix, judge, pushed};
use crate::support::binary::Run;
use crate::support::pipeline::DroneBuild;
use crate::support::team::{FIXED, Team, finding};

/// What the hotfixes of this file do, in words that nobody should see.
const SUBJECT: &str = "mend how the cellar door closes";

#[track_caller]
fn silent(run: &Run) {
    assert!(!run.text.contains("cellar"), "{}", run.text);
}

#[test]
fn any_separator_or_none_is_the_same_ticket() {
    let team = Team::new();
    for branch in [
        "hotfix/SEC_12",
        "hotfix/SEC12",
        "hotfix/SEC.12",
        "hotfix/SEC--12",
        "hotfix/sec-12",
        "hotfix/fixSEC-12",
    ] {
        let push = hotfix(&team, branch, SUBJECT).with(|build| build.private = false);
        let run = judge(&push, PRIVATE);
        run.begins(1, "refused by confidential");
        silent(&run);
    }
    // What only looks like it is another project's.
    for branch in ["hotfix/INFOSEC-12", "hotfix/SECT-12", "hotfix/secs-a12"] {
        let run = judge(&hotfix(&team, branch, "mend it"), PRIVATE);
        let said = finding(&run, "confidential");
        assert!(
            said.is_empty() || said.contains("not confidential"),
            "{branch}\n{}",
            run.text
        );
    }
}

/// A hotfix whose ticket stands nowhere but in the body of its message.
fn quiet(team: &Team) {
    let message = format!("{SUBJECT}\n\nTicket: SEC-12\n");
    hotfix(team, "hotfix/2026-door", &message);
}

#[test]
fn a_ticket_in_the_body_hides_what_a_release_would_drop() {
    let team = Team::new();
    quiet(&team);
    let promote = DroneBuild::promote(&team.pushed("main"), "cs-prod").param("VERSION", "v1.1.0");
    let run = judge(
        &promote,
        r"confidential_ticket: '^SEC-\d+$', running: branch-hotfix_2026-door, rules: {keeps-hotfixes: must}",
    );
    run.begins(1, "refused by keeps-hotfixes");
    silent(&run);
}

#[test]
fn a_ticket_in_the_body_makes_the_next_hotfix_confidential() {
    let team = Team::new();
    quiet(&team);
    team.branch("hotfix/HOCS-2", "hotfix/2026-door");
    team.commit("src/b", FIXED, "HOCS-2 mend another");
    team.push("hotfix/HOCS-2");
    for running in ["branch-hotfix_2026-door", "1.0.0"] {
        let push = pushed(&team, "hotfix/HOCS-2").with(|build| build.private = false);
        let policy = format!(
            r"confidential_ticket: '^SEC-\d+$', running: '{running}', rules: {{forward-port: must}}"
        );
        let run = judge(&push, &policy);
        assert_eq!(run.code, 1, "{}", run.text);
        assert!(run.text.contains("is public"), "{}", run.text);
        silent(&run);
    }
}
