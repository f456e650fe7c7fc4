//! What a push publishes: nothing yet, or not over what production runs; and branches that share a tag.

use crate::support::git::git;
use crate::support::pipeline::DroneBuild;
use crate::support::team::{Team, finding, judge};

#[test]
fn a_branch_that_was_just_made_has_nothing_to_publish_yet() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "1.0.0");
    let push = team.pushed("hotfix/HOCS-1");
    for policy in [
        "",
        "running: '1.0.0'",
        "repo: registry.example/service, source: 'build_{build}'",
    ] {
        let run = judge(&push, policy);
        run.begins(
            0,
            "nothing to publish yet: `hotfix/HOCS-1` has no commit since `1.0.0`",
        );
        assert!(!push.workspace.join(".tags").exists());
    }
    // The first commit is published.
    team.commit("src/app", "two\n", "HOCS-1 mend");
    team.push("hotfix/HOCS-1");
    let push = team.pushed("hotfix/HOCS-1");
    assert_eq!(judge(&push, "").code, 0);
    let tags = std::fs::read_to_string(push.workspace.join(".tags")).unwrap();
    assert_eq!(tags.trim(), "branch-hotfix_HOCS-1");
}

#[test]
fn a_branch_that_was_just_made_needs_no_image_whatever_the_policy_demands_of_it() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "1.0.0");
    let push = team.pushed("hotfix/HOCS-1");
    for policy in [
        "rules: {image-commit: must}",
        "repo: registry.example/service, source: 'build_{build}', rules: {image-commit: must}",
    ] {
        let run = judge(&push, policy);
        run.begins(0, "nothing to publish yet");
    }
}

#[test]
fn nothing_yet_never_hides_what_is_wrong() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1+2", "1.0.0");
    let run = judge(&team.pushed("hotfix/HOCS-1+2"), "");
    run.begins(1, "refused by image-tag");
}

#[test]
fn a_branch_that_production_runs_takes_no_push() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.commit("src/more", "more\n", "HOCS-1 and more");
    team.push("hotfix/HOCS-1");
    let push = team.pushed("hotfix/HOCS-1");
    for running in [
        "running: branch-hotfix_HOCS-1",
        "running: {cs-prod: '1.0.0', wcs-prod: 'mirror.example/team/service:branch-hotfix_HOCS-1'}",
    ] {
        let run = judge(
            &push,
            &format!("repo: registry.example/team/service, {running}"),
        );
        run.begins(1, "refused by not-in-production");
    }
    let run = judge(&push, "running: branch-hotfix_HOCS-1");
    insta::assert_snapshot!(super::base::masked(&finding(&run, "not-in-production")));
    // The way out: a branch of its own for the new commits.
    team.follow(&run);
    let run = judge(
        &team.pushed("hotfix/HOCS-1-2"),
        "running: branch-hotfix_HOCS-1",
    );
    run.ends(0, &[]);
}

#[test]
fn two_branches_that_make_one_tag_are_said() {
    let team = Team::new();
    team.hotfix("hotfix/a/b");
    team.branch("hotfix/a_b", "1.0.0");
    team.branch("hotfix_a_b", "1.0.0");
    let run = judge(&team.pushed("hotfix/a/b"), "");
    run.ends(0, &[]);
    insta::assert_snapshot!(finding(&run, "unique-branch"));
}

#[test]
fn the_default_branch_may_have_been_renamed() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    git(&team.origin(), &["branch", "--move", "main", "trunk"]);
    let push = team.pushed("hotfix/HOCS-1");
    let run = judge(&push, "running: '1.0.0'");
    run.ends(0, &["is none of `trunk`"]);
}

#[test]
fn a_branch_without_a_common_history_is_unknown_not_allowed() {
    let team = Team::new();
    team.git(&["switch", "--quiet", "--orphan", "hotfix/HOCS-1"]);
    team.commit("other", "other\n", "HOCS-1 something else");
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "running: '1.0.0'");
    run.begins(1, "refused by base-is-production");
}

#[test]
fn a_promotion_without_a_checkout_says_what_was_not_checked() {
    let team = Team::new();
    let nowhere = team.origin();
    let push = team.build(
        DroneBuild::push("hotfix/HOCS-1"),
        nowhere.parent().unwrap(),
        &"a".repeat(40),
    );
    let promoted = DroneBuild::promote(&push, "cs-prod").param("VERSION", "branch-hotfix_HOCS-1");
    let run = judge(&promoted, "running: '1.0.0'");
    run.ends(0, &["not checked: base-is-production"]);
    let run = judge(
        &promoted,
        "running: '1.0.0', rules: {base-is-production: must}",
    );
    run.ends(2, &[]);
}
