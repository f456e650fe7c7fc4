//! What people read, whole.

use crate::support::binary::{Run, run, run_in};
use crate::support::gate::{drone_environment, woodpecker_environment};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};
use crate::support::registry::TempDir;

const POLICY: &str = "{policy: {rules: {ticket: should}}}";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn step(build: &DroneBuild, settings: &str) -> Run {
    run(drone_environment(build, settings))
}

fn promote(branch: &str, target: &str, version: &str) -> DroneBuild {
    DroneBuild::promote(&DroneBuild::push(branch), target).param("VERSION", version)
}

macro_rules! reads {
    ($name:ident, $code:expr, $run:expr) => {
        #[test]
        fn $name() {
            let run = $run;
            insta::assert_snapshot!(stringify!($name), run.text);
            assert_eq!(run.code, $code, "{}", run.text);
        }
    };
}

reads!(
    a_hotfix_for_qa,
    1,
    step(
        &promote("main", "cs-qa", "branch-hotfix_HOCS-1234"),
        "{policy: {}}"
    )
);
reads!(a_hotfix_for_qa_with_a_repository, 1, {
    let settings = "{policy: {repo: quay.io/example/hocs-info-service, source: \"build_{build}\"}}";
    step(
        &promote("main", "cs-qa", "branch-hotfix_HOCS-1234"),
        settings,
    )
});
reads!(
    a_hotfix_build_for_qa,
    1,
    step(
        &DroneBuild::promote(&DroneBuild::push("hotfix/HOCS-1234"), "qa"),
        POLICY
    )
);
reads!(a_hidden_name_for_qa, 1, {
    let build = promote("main", "cs-qa", "1.2.3")
        .param("HELM_ARGS", "--set image.tag=branch-hotfix_HOCS-1234");
    step(&build, POLICY)
});
reads!(a_rollback_to_a_hotfix, 1, {
    step(
        &DroneBuild::rollback(&DroneBuild::push("hotfix/HOCS-1234"), "cs-qa"),
        POLICY,
    )
});
reads!(
    a_hotfix_for_production,
    0,
    step(
        &promote("main", "cs-prod", "branch-hotfix_HOCS-1234"),
        POLICY
    )
);
reads!(
    a_hotfix_for_an_unknown_target,
    0,
    step(
        &promote("main", "hocs-gamma", "branch-hotfix_HOCS-1234"),
        POLICY
    )
);
reads!(
    a_release_for_qa_in_detail,
    0,
    step(
        &promote("main", "cs-qa", "1.2.3"),
        "{policy: {}, log_level: debug}"
    )
);
reads!(
    a_bare_digest_for_qa,
    0,
    step(&promote("main", "cs-qa", DIGEST), "{policy: {}}")
);
reads!(a_bare_digest_for_qa_where_the_rule_is_named, 2, {
    step(
        &promote("main", "cs-qa", DIGEST),
        "{policy: {rules: {qa-closed: must}}}",
    )
});
reads!(
    two_versions_at_once,
    1,
    step(&promote("main", "cs-demo", "1.2.3, 1.2.4"), POLICY)
);
reads!(
    a_branch_instead_of_its_tag,
    1,
    step(&promote("main", "cs-prod", "hotfix/HOCS-1234"), POLICY)
);
reads!(
    a_look_alike_target,
    1,
    step(&promote("main", "cs-q\u{430}", "1.2.3"), POLICY)
);
reads!(no_target, 1, step(&promote("main", "", "1.2.3"), POLICY));
reads!(a_pull_request_for_production, 1, {
    step(
        &DroneBuild::promote(&DroneBuild::pull_request(7, "HOCS-1", "main"), "cs-prod"),
        POLICY,
    )
});
reads!(a_bare_commit_for_qa, 2, {
    let parent = DroneBuild::push("main").with(|build| {
        build.git_ref.clear();
        build.branch.clear();
        build.source.clear();
    });
    step(&DroneBuild::promote(&parent, "cs-qa"), POLICY)
});
reads!(
    not_enforced,
    0,
    step(
        &promote("main", "cs-qa", "branch-hotfix_HOCS-1234"),
        "{policy: {enforce: false}}"
    )
);
reads!(
    a_rehearsal,
    5,
    step(
        &promote("main", "cs-demo", "1.2.3"),
        "{policy: {}, dry_run: true}"
    )
);
reads!(
    an_illegal_branch,
    1,
    step(&DroneBuild::push("hotfix/HOCS-1+für(alle)"), POLICY)
);
reads!(
    a_long_branch,
    1,
    step(
        &DroneBuild::push(&format!("hotfix/{}", "x".repeat(130))),
        POLICY
    )
);
reads!(a_working_branch_named_hotfix, 0, {
    step(
        &DroneBuild::pull_request(7, "hotfix-HOCS-1234", "hotfix/HOCS-1234"),
        POLICY,
    )
});
reads!(a_working_branch_of_another_pattern, 1, {
    let settings = "{policy: {working_branch: \"^HOCS-[0-9]+\", rules: {working-branch: must}}}";
    step(
        &DroneBuild::pull_request(7, "quick-fix", "hotfix/x"),
        settings,
    )
});
reads!(a_pull_request_into_a_hotfix_branch, 0, {
    step(
        &DroneBuild::pull_request(7, "HOCS-1234", "hotfix/HOCS-1234"),
        "{policy: {rules: {reviewed: must}}}",
    )
});
reads!(
    nothing_to_do,
    0,
    step(&DroneBuild::push("hotfix_somu"), POLICY)
);
reads!(a_tag_that_fits_no_label, 0, {
    let workspace = TempDir::new();
    let build =
        DroneBuild::push("hotfix/HOCS-1234-a-name-that-says-all-that-there-is-to-say-about-it");
    step(
        &build.with(|build| build.workspace = workspace.path("").into()),
        POLICY,
    )
});
reads!(woodpecker_publishes_a_tags_file, 0, {
    let workspace = TempDir::new();
    let directory: std::path::PathBuf = workspace.path("").into();
    let build = WoodpeckerBuild::manual("hotfix/HOCS-1234");
    let settings = "{policy: {tags: [\"hf-{branch}\"], tags_format: newline}}";
    let mut variables = woodpecker_environment(&build, settings);
    variables.push(("CI_WORKSPACE".to_owned(), ".".to_owned()));
    let run = run_in(&directory, variables);
    assert_eq!(
        workspace.read(".tags"),
        "hf-hotfix_HOCS-1234\nbranch-hotfix_HOCS-1234\n"
    );
    run
});

#[test]
fn colour_only_where_it_is_asked_for() {
    let build = promote("main", "cs-qa", "branch-hotfix_HOCS-1234").with(|build| {
        build
            .params
            .push(("CLICOLOR_FORCE".to_owned(), "1".to_owned()));
    });
    let coloured = step(&build, POLICY);
    assert!(
        coloured
            .text
            .starts_with("\u{1b}[1;31mrefused by qa-closed"),
        "{}",
        coloured.text
    );
    let plain = step(&promote("main", "cs-qa", "branch-hotfix_HOCS-1234"), POLICY);
    assert!(!plain.text.contains('\u{1b}'));
}
