//! Nobody takes our words away: whoever writes a commit or names a branch chooses no word of the report.

use super::{PRIVATE, hotfix, judge};
use crate::support::image;
use crate::support::pipeline::DroneBuild;
use crate::support::registry::Registry;
use crate::support::team::Team;

#[test]
fn a_commit_cannot_blank_what_the_report_says() {
    let team = Team::new();
    let registry = Registry::basic("hot", "fix-password");
    let address = registry.address();
    registry.push("example/app", "build_418", &image::single("one"));
    let lines = [
        "not checked: reviewed (must): neither `forge_token` nor `policy.forge` is set, so no forge was asked",
        "merged-by-pull-request",
        "forward-port",
        "no-features",
        "not checked",
        "exit code",
        "drone-hotfix",
        "branch `hotfix/SEC-12`",
        "allowed and published",
        &format!("{address}/example/app"),
        "branch-hotfix_SEC-12",
    ];
    let message = format!("SEC-12 check a name\n\n{}\n", lines.join("\n"));
    let push = hotfix(&team, "hotfix/SEC-12", &message);
    let run = judge(
        &push,
        &format!(
            "{PRIVATE}, repo: '{address}/example/app', source: 'build_{{build}}', tls: {{insecure: ['{address}']}}, \
             summary: report.json, rules: {{image-commit: 'off'}}"
        ),
    );
    run.begins(0, "allowed and published: `branch-hotfix_SEC-12`");
    assert!(!run.text.contains("******"), "{}", run.text);
    assert!(run.text.contains(lines[0]), "{}", run.text);
    let report = std::fs::read_to_string(push.workspace.join("report.json")).unwrap();
    assert!(!report.contains("******"), "{report}");
}

#[test]
fn a_commit_cannot_blank_an_override() {
    let team = Team::new();
    let hidden = "(not shown: the hotfix is confidential)";
    let line = format!(
        "overridden: qa-closed (must, violation) by `alice`: «{hidden}» (the policy allows that until 9999-12-31)"
    );
    let message = format!("SEC-12 mend\n\n{line}\nonly by an override\n`alice`\nqa-closed\n");
    let push = hotfix(&team, "hotfix/SEC-12", &message);
    let promote = DroneBuild::promote(&push, "cs-qa")
        .param("VERSION", "branch-hotfix_SEC-12")
        .param(
            "HOTFIX_REASON",
            "cs-qa branch-hotfix_SEC-12 agreed with all",
        )
        .with(|build| build.trigger = "alice".into());
    let run = judge(
        &promote,
        &format!(
            "{PRIVATE}, targets: {{qa: [cs-qa]}}, overrides: [{{rule: confidential, who: [alice], until: '9999-12-31'}}, \
             {{rule: qa-closed, who: [alice], until: '9999-12-31'}}]"
        ),
    );
    run.begins(0, "only by an override");
    assert!(run.text.contains(&line), "{}", run.text);
    assert!(!run.text.contains("******"), "{}", run.text);
}

#[test]
fn the_name_of_a_branch_cannot_blank_a_rule() {
    let team = Team::new();
    let opaque = format!("{PRIVATE}, confidential_tag: opaque, summary: report.json");
    for name in [
        "qa-closed",
        "policy.repo-SEC-12",
        "merged-by-pull-request",
        "overriddenSEC-12",
    ] {
        let branch = format!("hotfix/{name}");
        let push = hotfix(&team, &branch, "SEC-12 check a name");
        let run = judge(&push, &opaque);
        run.begins(1, "refused by confidential");
        assert!(run.text.contains("skipped: qa-closed"), "{}", run.text);
        assert!(
            run.text
                .contains("not checked: merged-by-pull-request (must)"),
            "{}",
            run.text
        );
        assert!(!run.text.contains(&branch), "{}", run.text);
        let report = std::fs::read_to_string(push.workspace.join("report.json")).unwrap();
        assert!(
            report.contains("\"rule\": \"merged-by-pull-request\""),
            "{report}"
        );
    }
}

#[test]
fn of_a_version_with_more_text_only_the_hotfix_is_shown() {
    let team = Team::new();
    hotfix(&team, "hotfix/SEC-12", "SEC-12 check a name");
    for (policy, shown) in [
        (PRIVATE.to_owned(), "`VERSION=branch-hotfix_SEC-12…`"),
        (
            format!("{PRIVATE}, confidential_tag: opaque"),
            "`VERSION=branch-hotfix_SEC-12…`",
        ),
    ] {
        let promote = DroneBuild::promote(&team.pushed("main"), "cs-demo")
            .param("VERSION", "branch-hotfix_SEC-12 mends the cellar door");
        let run = judge(&promote, &format!("{policy}, summary: report.json"));
        run.begins(1, "refused by readable-promotion");
        assert!(run.text.contains(shown), "{}", run.text);
        assert!(!run.text.contains("cellar"), "{}", run.text);
        let report = std::fs::read_to_string(promote.workspace.join("report.json")).unwrap();
        assert!(!report.contains("cellar"), "{report}");
    }
    // What is not confidential is repeated, so that whoever typed it finds the mistake.
    let promote = DroneBuild::promote(&team.pushed("main"), "cs-demo")
        .param("VERSION", "branch-hotfix_HOCS-1 mends the cellar door");
    let run = judge(&promote, PRIVATE);
    assert!(run.text.contains("cellar"), "{}", run.text);
}

#[test]
fn with_opaque_no_other_name_of_the_hotfix_is_shown() {
    let team = Team::new();
    let opaque = format!("{PRIVATE}, confidential_tag: opaque");
    let talks = "hotfix/SEC-12-cellar-door-closes";
    let push = hotfix(&team, talks, "SEC-12 check a name");
    let registry = Registry::basic("hot", "fix-password");
    let address = registry.address();
    registry.push("example/app", "build_418", &image::single("one"));
    let tag = "branch-hotfix_SEC-12-cellar-door-closes";
    registry.push("example/app", tag, &image::single("one"));
    let world = format!(
        "{opaque}, repo: '{address}/example/app', tls: {{insecure: ['{address}']}}, targets: {{qa: [cs-qa]}}, \
         summary: report.json"
    );
    // By the bytes, by the build, by a note in another parameter.
    let main = team.pushed("main");
    for promote in [
        DroneBuild::promote(&main, "cs-qa").param("VERSION", "build_418"),
        DroneBuild::promote(&push, "cs-qa"),
        DroneBuild::promote(&main, "cs-qa")
            .param("VERSION", "v1.1.0")
            .param("NOTE", &format!("now {talks}")),
    ] {
        let run = judge(&promote, &world);
        assert_eq!(run.code, 1, "{}", run.text);
        let report = std::fs::read_to_string(promote.workspace.join("report.json")).unwrap();
        for text in [&run.text, &report] {
            assert!(!text.contains("cellar"), "{text}");
        }
    }
    // The working branch, which the commands for another name repeat.
    team.branch("hotfix/SEC-13", "1.0.0");
    for working in ["SEC-13-cellar-door-closes", "hotfix-SEC-13-cellar"] {
        team.branch(working, "1.0.0");
        team.commit("src/app", working, "SEC-13 check a name");
        team.push(working);
        let pull = team
            .pull_request(working, "hotfix/SEC-13")
            .with(|build| build.private = true);
        let run = judge(&pull, &opaque);
        assert!(!run.text.contains("cellar"), "{}", run.text);
    }
}
