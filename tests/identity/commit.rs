//! The commit: what was built from a hotfix's stays one under any branch, tag and label.

use super::{REPO, at, index, judge, labelled, policy};
use crate::support::binary::run;
use crate::support::gate::drone_environment;
use crate::support::git_server::GitServer;
use crate::support::image;
use crate::support::pipeline::DroneBuild;
use crate::support::registry::{Registry, TempDir};
use crate::support::team::{FIXED, Team};

const WORDS: [&str; 3] = [
    "refused by qa-closed",
    "a commit of `hotfix/HOCS-1` that the default branch does not have",
    "`policy.release_branches`",
];

/// A promotion of the build of a tag, with a checkout of its commit.
fn promote_tag(team: &Team, tag: &str, target: &str) -> DroneBuild {
    let commit = team.git(&["rev-parse", &format!("{tag}^{{commit}}")]);
    let main = team.pushed("main");
    let tagged = team.build(DroneBuild::tag(tag), &main.workspace, &commit);
    DroneBuild::promote(&tagged, target)
}

#[test]
fn a_hotfix_that_was_pushed_elsewhere_or_tagged_as_a_release() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.git(&["push", "--quiet", "origin", "hotfix/HOCS-1:refs/heads/x1"]);
    let to_qa = |branch: &str| DroneBuild::promote(&team.pushed(branch), "cs-qa");
    judge(&to_qa("x1"), "").ends(1, &WORDS);
    judge(&to_qa("main"), "").ends(0, &["no commit of it is the one hotfix branch's alone"]);
    // With a commit on top.
    team.branch("x2", "hotfix/HOCS-1");
    team.commit("src/more", "more\n", "More");
    team.push("x2");
    judge(&to_qa("x2"), "").ends(1, &WORDS);
    // Tagged as a release: by the build of the tag, and by the version that a build of main carries.
    team.switch("hotfix/HOCS-1");
    team.release("1.0.1");
    judge(&promote_tag(&team, "1.0.1", "cs-qa"), "").ends(1, &WORDS);
    let carried = DroneBuild::promote(&team.pushed("main"), "cs-qa").param("VERSION", "1.0.1");
    judge(&carried, "").ends(1, &WORDS);
    // Also while it runs in production: a tag makes no release of it.
    judge(&promote_tag(&team, "1.0.1", "cs-qa"), "running: '1.0.1'").ends(1, &WORDS);
    let rollback = DroneBuild::rollback(&team.pushed("x1"), "cs-qa");
    judge(&rollback, "").ends(1, &WORDS);
    // The releases of the default branch are ordinary, the one that the hotfix starts at too.
    for tag in ["1.0.0", "v1.1.0"] {
        judge(&promote_tag(&team, tag, "cs-qa"), "").ends(0, &["allowed"]);
        judge(&promote_tag(&team, tag, "cs-prod"), "").ends(0, &["allowed"]);
    }
    // Nobody can know it by its commit when its branch is gone.
    team.git(&["push", "--quiet", "origin", ":hotfix/HOCS-1"]);
    judge(&to_qa("x1"), "").ends(0, &["the remote has no hotfix branch"]);
}

#[test]
fn a_version_that_holds_the_commit_of_a_hotfix() {
    let team = Team::new();
    let fix = team.hotfix("hotfix/HOCS-1");
    let build = team.pushed("main");
    for version in [
        fix.clone(),
        format!("sha-{fix}"),
        fix[..12].to_owned(),
        format!("git-{}", &fix[..8]),
        format!("v{fix}"),
        fix.to_uppercase(),
        format!("1.2.3-4-g{}", &fix[..9]),
    ] {
        let carried = DroneBuild::promote(&build, "cs-qa").param("VERSION", &version);
        judge(&carried, "").ends(1, &WORDS);
    }
    let main = team.git(&["rev-parse", "--short=12", "origin/main"]);
    for version in [main.as_str(), "20260101", "1.2.3"] {
        let carried = DroneBuild::promote(&build, "cs-qa").param("VERSION", version);
        judge(&carried, "").ends(0, &["allowed"]);
    }
}

#[test]
fn a_hotfix_that_was_merged_is_ordinary() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.switch("main");
    team.git(&["merge", "--quiet", "--no-ff", "--no-edit", "hotfix/HOCS-1"]);
    team.push("main");
    team.release("1.2.0");
    judge(&promote_tag(&team, "1.2.0", "cs-qa"), "").ends(0, &["allowed"]);
    team.git(&["push", "--quiet", "origin", "hotfix/HOCS-1:refs/heads/x1"]);
    let same = DroneBuild::promote(&team.pushed("x1"), "cs-qa");
    judge(&same, "").ends(0, &["allowed"]);
}

#[test]
fn a_maintenance_line_is_named_or_its_release_runs() {
    let team = Team::new();
    team.branch("release/1.0", "1.0.0");
    team.commit("src/app", FIXED, "Mend the old line");
    team.push("release/1.0");
    team.release("1.0.1");
    team.branch("hotfix/HOCS-1", "1.0.1");
    team.commit("src/more", "more\n", "HOCS-1 mend more");
    team.push("hotfix/HOCS-1");
    team.switch("main");
    let release = promote_tag(&team, "1.0.1", "cs-qa");
    judge(&release, "").ends(1, &WORDS);
    judge(&release, "release_branches: [\"release/*\"]").ends(0, &["allowed"]);
    judge(&release, "running: '1.0.1'").ends(0, &["allowed"]);
    judge(&release, "running: '1.0.0'").ends(1, &WORDS);
    // The hotfix of that line is none of its releases.
    let to_qa = |branch: &str| DroneBuild::promote(&team.pushed(branch), "cs-qa");
    team.git(&["push", "--quiet", "origin", "hotfix/HOCS-1:refs/heads/x1"]);
    for more in ["release_branches: [\"release/*\"]", "running: '1.0.1'"] {
        judge(&to_qa("x1"), more).ends(1, &WORDS);
    }
    // No hotfix branch counts as a line, and no pattern takes every branch.
    judge(&to_qa("x1"), "release_branches: [\"hotfix/*\"]").ends(1, &WORDS);
    for all in ["*", "**", "*/*", "?*"] {
        judge(&to_qa("x1"), &format!("release_branches: [\"{all}\"]"))
            .ends(3, &["which names every branch"]);
    }
}

#[test]
fn an_image_that_says_that_it_was_built_from_a_hotfix() {
    let team = Team::new();
    let fix = team.hotfix("hotfix/HOCS-1");
    team.switch("main");
    let main = team.head();
    let registry = Registry::open();
    let promote = |version: &str| {
        let build = DroneBuild::promote(&team.pushed("main"), "cs-qa").param("VERSION", version);
        judge(&build, &policy(&registry.address(), ""))
    };
    for (number, label) in [fix.clone(), fix[..7].to_owned(), format!("{fix}-dirty")]
        .iter()
        .enumerate()
    {
        let tag = format!("build_{number}");
        registry.push(REPO, &tag, &labelled(&tag, label));
        promote(&tag).ends(1, &WORDS);
    }
    // One platform is enough.
    let both = index(&[
        (&labelled("a", &main), "linux/amd64"),
        (&labelled("b", &fix), "linux/arm64"),
    ]);
    registry.push(REPO, "both", &both);
    promote("both").ends(1, &["`both` for linux/arm64 was built from"]);
    registry.push(REPO, "main", &labelled("main", &main));
    registry.push(REPO, "silent", &image::single("silent"));
    for version in ["main", "silent"] {
        promote(version).ends(0, &["allowed"]);
    }
}

#[test]
fn without_a_checkout_credentials_for_git_are_enough() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.git(&["push", "--quiet", "origin", "hotfix/HOCS-1:refs/heads/x1"]);
    let root = team.origin();
    let server = GitServer::basic(root.parent().unwrap(), "robot", "correct-horse");
    let empty = TempDir::new();
    let ask = |branch: &str, given: bool| {
        let commit = team.git(&["rev-parse", &format!("origin/{branch}")]);
        let build = DroneBuild::push(branch).with(|build| {
            build.sha = commit;
            build.default_branch = "main".to_owned();
            build.remote = Some(server.url("origin.git"));
        });
        let build = at(
            DroneBuild::promote(&build, "cs-qa"),
            empty.path("").as_ref(),
        );
        let settings = format!(
            "{{policy: {{tls: {{insecure: [\"{}\"]}}}}, log_level: debug}}",
            server.address()
        );
        let mut variables = drone_environment(&build, &settings);
        if given {
            for (name, value) in [
                ("DRONE_NETRC_MACHINE", "127.0.0.1"),
                ("DRONE_NETRC_USERNAME", "robot"),
                ("DRONE_NETRC_PASSWORD", "correct-horse"),
            ] {
                variables.push((name.to_owned(), value.to_owned()));
            }
        }
        server.requests();
        run(variables)
    };
    team.git(&["fetch", "--quiet", "origin"]);
    ask("x1", true).ends(1, &WORDS);
    // The references are listed once, and commits alone are fetched.
    let requests = server.requests();
    let lists = requests.iter().filter(|line| line.contains("ls-refs"));
    assert_eq!(lists.count(), 1, "{requests:?}");
    assert_eq!(requests.len(), 3, "{requests:?}");
    ask("main", true).ends(0, &["allowed"]);
    ask("x1", false).ends(0, &["neither a checkout nor credentials for git"]);
    assert!(server.requests().is_empty());
}

#[test]
fn a_remote_that_does_not_answer_leaves_the_kind_unknown() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let gone = |build: &mut DroneBuild| build.remote = Some("/nowhere/at/all".to_owned());
    let build = DroneBuild::promote(&team.pushed("main"), "cs-qa").with(gone);
    judge(&build, "").ends(2, &["whether this is a hotfix is not known"]);
    // Elsewhere no release waits for a remote.
    let build = DroneBuild::promote(&team.pushed("main"), "cs-prod").with(gone);
    judge(&build, "").ends(0, &["allowed"]);
    let rollback = DroneBuild::rollback(&team.pushed("main"), "cs-prod").with(gone);
    judge(&rollback, "").ends(0, &["allowed"]);
}
