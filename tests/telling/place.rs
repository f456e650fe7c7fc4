//! Which issue the deployment ticket belongs to: the one that the hotfix itself declares, read as the
//! rule `issue` reads it.

use serde_json::Value;

use crate::support::team::{Team, judge};

const POLICY: &str = "deployment_ticket: {comment: issue}, summary: hotfix.json, ticket: 'issue-[0-9]+', \
    enforce: false";

/// The page of the issue that the build of a hotfix branch found, as the summary has it.
fn page(team: &Team, branch: &str) -> Option<String> {
    team.push(branch);
    let build = team.pushed(branch);
    judge(&build, POLICY);
    let text = std::fs::read_to_string(build.workspace.join("hotfix.json")).unwrap();
    let summary: Value = serde_json::from_str(&text).unwrap();
    summary["build"]["issue"].as_str().map(str::to_owned)
}

/// The same of a hotfix whose only commit has this trailer.
fn of_trailer(team: &Team, branch: &str, trailer: &str) -> Option<String> {
    team.git(&["switch", "--quiet", "--force-create", branch, "1.0.0"]);
    let message = format!("mend two\n\nIt was broken.\n\nIssue: {trailer}");
    team.commit("src/app", "mended\n", &message);
    page(team, branch)
}

fn issue(number: u64) -> Option<String> {
    Some(format!(
        "https://git.example/example/service/issues/{number}"
    ))
}

#[test]
fn a_trailer_is_read_as_the_rule_reads_it() {
    let team = Team::new();
    for (trailer, expected) in [
        ("#12", issue(12)),
        ("Example/Service#12", issue(12)),
        ("https://git.example/example/service/issues/12", issue(12)),
        // Somebody else's forge, another repository, two in one: none of them is an issue of ours.
        ("https://other.example/example/service/issues/12", None),
        (
            "https://other.example/group/example/service/issues/12",
            None,
        ),
        (
            "https://git.example/group/example/service/issues/12 now",
            None,
        ),
        ("other/service#12", None),
        ("#12 and #13", None),
        ("#012", None),
    ] {
        assert_eq!(
            of_trailer(&team, "hotfix/mend", trailer),
            expected,
            "{trailer}"
        );
    }
    // Where no trailer names one, the branch may.
    let of_branch = of_trailer(&team, "hotfix/issue-99", "other/service#12");
    assert_eq!(of_branch, issue(99));
    assert_eq!(of_trailer(&team, "hotfix/issue-99", "#12"), issue(12));
}

#[test]
fn what_came_from_the_default_branch_names_nothing() {
    let team = Team::new();
    team.switch("main");
    team.commit("src/next", "more\n", "Go on\n\nAs planned.\n\nIssue: #777");
    team.push("main");
    team.git(&["switch", "--quiet", "--create", "hotfix/mend", "1.0.0"]);
    team.commit(
        "src/app",
        "mended\n",
        "mend two\n\nIt was broken.\n\nIssue: #12",
    );
    team.git(&["merge", "--quiet", "--no-ff", "--no-edit", "main"]);
    assert_eq!(page(&team, "hotfix/mend"), issue(12));
    team.git(&["switch", "--quiet", "--create", "hotfix/other", "1.0.0"]);
    team.commit("src/app", "mended\n", "mend two");
    team.git(&["merge", "--quiet", "--no-ff", "--no-edit", "main"]);
    assert_eq!(page(&team, "hotfix/other"), None);
}
