//! Shapes of history and environments that somebody might use, or fall into, to get past the rules
//! of the git history.

use serde_json::json;

use crate::support::binary::run;
use crate::support::drone_api;
use crate::support::gate::drone_environment;
use crate::support::git::git;
use crate::support::pipeline::DroneBuild;
use crate::support::scripted::Script;
use crate::support::team::{FIXED, Team, finding, judge};

/// `git pull` on a developer's `main` with a commit of its own makes a merge whose first parent is
/// that commit; what was `main` until then is its second parent.
#[test]
fn a_default_branch_that_was_pulled_into_itself_is_still_seen() {
    let team = Team::new();
    let main = team.head();
    team.git(&["switch", "--quiet", "--create", "local", "v1.1.0"]);
    team.commit("src/local", "local\n", "Work on main without pulling");
    team.git(&[
        "merge",
        "--quiet",
        "--no-ff",
        "--message",
        "Merge branch 'main' of https://git.example/example/service",
        &main,
    ]);
    team.git(&["push", "--quiet", "origin", "local:main"]);
    team.branch("hotfix/HOCS-1", &main);
    team.commit("src/app", FIXED, "HOCS-1 mend two");
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "running: '1.1.0'");
    run.begins(1, "refused by base-is-production");
}

/// A CI server may not have heard yet that the default branch is another one, and the old one may
/// still be there.
#[test]
fn a_default_branch_that_the_ci_server_does_not_know_yet_is_seen() {
    let team = Team::new();
    git(&team.origin(), &["branch", "master", "1.0.0"]);
    team.branch("hotfix/HOCS-1", "main");
    team.commit("src/app", FIXED, "HOCS-1 mend two");
    team.push("hotfix/HOCS-1");
    let push = team
        .pushed("hotfix/HOCS-1")
        .with(|build| build.default_branch = "master".to_owned());
    let run = judge(&push, "running: '1.0.0'");
    run.ends(1, &["commits of `main` in the hotfix"]);
}

/// The tag of a running hotfix leads to the head of its branch, and that may have moved on since.
#[test]
fn a_hotfix_on_a_hotfix_takes_nothing_of_the_default_branch_through_it() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.git(&["merge", "--quiet", "--no-edit", "main"]);
    team.push("hotfix/HOCS-1");
    team.branch("hotfix/HOCS-2", "hotfix/HOCS-1");
    team.commit("src/more", "more\n", "HOCS-2 mend more");
    team.push("hotfix/HOCS-2");
    let run = judge(
        &team.pushed("hotfix/HOCS-2"),
        "running: branch-hotfix_HOCS-1",
    );
    run.begins(1, "refused by base-is-production");
}

/// Without a version parameter Drone knows the build that was promoted, and that is of this branch.
#[test]
fn a_branch_that_was_promoted_without_a_version_is_in_production() {
    let team = Team::new();
    let first = team.hotfix("hotfix/HOCS-1");
    team.commit("src/more", "more\n", "HOCS-1 and more");
    team.push("hotfix/HOCS-1");
    let parent = DroneBuild::push("hotfix/HOCS-1").with(|build| {
        build.number = 5;
        build.sha = first.clone();
    });
    let promotion = DroneBuild::promote(&parent, "cs-prod").with(|build| {
        build.number = 7;
        build.params = Vec::new();
    });
    let page = [
        drone_api::build(&promotion, "success"),
        drone_api::build(&parent, "success"),
    ];
    let server = drone_api::on_page(Script::new(), 1, &page).start();
    let settings = json!({ "log_level": "debug", "policy": {
        "tls": { "insecure": [server.address()] },
        "drone": format!("http://{}", server.address()),
        "running": { "cs-prod": { "drone": "cs-prod" } },
    }});
    let mut variables = drone_environment(&team.pushed("hotfix/HOCS-1"), &settings.to_string());
    variables.push(("PLUGIN_DRONE_TOKEN".to_owned(), "a-token".to_owned()));
    let run = run(variables);
    run.ends(1, &["not-in-production"]);
}

#[test]
fn a_tag_on_no_commit_is_no_release() {
    let team = Team::new();
    team.git(&["tag", "9.0.0", "1.0.0:src/app"]);
    team.git(&["tag", "9.0.1", "1.0.0^{tree}"]);
    team.git(&["push", "--quiet", "origin", "--tags"]);
    team.hotfix("hotfix/HOCS-1");
    let push = team.pushed("hotfix/HOCS-1");
    for tag in ["9.0.0", "9.0.1"] {
        let run = judge(&push, &format!("running: '{tag}'"));
        run.ends(2, &[]);
        let run = judge(&push, &format!("running: {{a: '{tag}', b: '1.0.0'}}"));
        run.ends(0, &[]);
    }
    let run = judge(&push, "");
    run.ends(0, &[]);
}

/// What a hotfix takes back itself need not reach the default branch.
#[test]
fn what_a_hotfix_takes_back_itself_is_not_asked_for() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "1.0.0");
    let wrong = team.commit("src/wrong", "wrong\n", "HOCS-1 try this");
    team.git(&["revert", "--no-edit", &wrong]);
    let right = team.commit("src/app", FIXED, "HOCS-1 mend two");
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "");
    let found = finding(&run, "forward-port");
    assert!(
        found.contains("1 commit that `main` does not have"),
        "{found}"
    );
    assert!(found.contains(&right) && !found.contains(&wrong), "{found}");
}

#[test]
fn repositories_without_any_release_are_judged() {
    let team = Team::new();
    for tag in ["1.0.0", "v1.1.0"] {
        team.git(&["push", "--quiet", "origin", "--delete", tag]);
    }
    team.hotfix("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "");
    run.ends(0, &["1 commit"]);
    let promoted = DroneBuild::promote(&team.pushed("hotfix/HOCS-1"), "cs-prod").with(|build| {
        build.params = vec![("VERSION".to_owned(), "branch-hotfix_HOCS-1".to_owned())]
    });
    let run = judge(&promoted, "");
    run.ends(0, &[]);
    // A branch that was made a moment ago.
    team.branch("hotfix/HOCS-2", "main");
    let run = judge(&team.pushed("hotfix/HOCS-2"), "");
    run.ends(0, &["nothing to publish yet"]);
}

/// The commands name the branch so that nothing else can be meant: no tag, and no option of git.
#[test]
fn commands_work_where_a_tag_has_the_name_of_the_branch() {
    let team = Team::new();
    team.git(&["tag", "hotfix/HOCS-1", "1.0.0"]);
    team.git(&["push", "--quiet", "origin", "refs/tags/hotfix/HOCS-1"]);
    team.git(&["switch", "--quiet", "--create", "hotfix/HOCS-1", "main"]);
    team.commit("src/app", FIXED, "HOCS-1 mend two");
    team.git(&["push", "--quiet", "origin", "refs/heads/hotfix/HOCS-1"]);
    let commit = git(&team.origin(), &["rev-parse", "refs/heads/hotfix/HOCS-1"]);
    let path = team.clone_branch("twice", "hotfix/HOCS-1", &commit);
    let push = team.build(DroneBuild::push("hotfix/HOCS-1"), &path, &commit);
    let run = judge(&push, "running: '1.0.0'");
    run.ends(1, &[]);
    team.follow(&run);
    let commit = git(&team.origin(), &["rev-parse", "refs/heads/hotfix/HOCS-1"]);
    let path = team.clone_branch("again", "hotfix/HOCS-1", &commit);
    let push = team.build(DroneBuild::push("hotfix/HOCS-1"), &path, &commit);
    let run = judge(&push, "running: '1.0.0'");
    run.ends(0, &[]);
}

/// The head of a pull request has any name that somebody gave it.
#[test]
fn a_branch_named_like_an_option_is_none_in_the_commands() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "1.0.0");
    team.git(&["switch", "--quiet", "--create", "work", "main"]);
    team.commit("src/app", FIXED, "HOCS-1 mend two");
    team.push("work");
    let name = "--upload-pack=./evil";
    let pull = team
        .pull_request("work", "hotfix/HOCS-1")
        .with(|build| build.source = name.to_owned());
    let run = judge(&pull, "running: '1.0.0'");
    run.ends(1, &[]);
    for line in run.text.lines().filter(|line| line.contains("$ git")) {
        assert!(
            !line
                .split(' ')
                .any(|word| word.trim_matches('\'').starts_with("--upload-pack")),
            "{}",
            run.text
        );
    }
}

#[test]
fn temporary_files_never_lie_in_the_workspace_and_never_stay() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.push("hotfix/HOCS-1");
    let server = crate::support::git_server::GitServer::open(team.origin().parent().unwrap());
    let path = team.clone_with("shallow", "hotfix/HOCS-1", &team.head(), &["--depth=1"]);
    let push = team
        .build(DroneBuild::push("hotfix/HOCS-1"), &path, &team.head())
        .with(|build| build.remote = Some(server.url("origin.git")));
    let settings = format!(
        "{{policy: {{running: '1.0.0', tls: {{insecure: ['{}']}}}}, log_level: debug}}",
        server.address()
    );
    let mut variables = drone_environment(&push, &settings);
    let temporary = path.parent().unwrap().join("temporary");
    std::fs::create_dir(&temporary).unwrap();
    variables.push(("TMPDIR".to_owned(), temporary.display().to_string()));
    let first = run(variables.clone());
    assert_eq!(first.code, 0, "{}", first.text);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
    variables.pop();
    variables.push((
        "TMPDIR".to_owned(),
        path.join("no/such/place").display().to_string(),
    ));
    let run = run(variables);
    // What was not written at all cannot have stayed.
    run.ends(2, &["there is no room"]);
}

#[test]
fn a_password_in_the_address_of_the_remote_is_not_printed() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    for remote in [
        "http://user:correct-horse@127.0.0.1:1/example/service.git",
        "https://user:correct-horse@127.0.0.1:1/example/service.git",
        "ssh://user:correct-horse@127.0.0.1:1/example/service.git",
        "https://user:correct-horse@[/example",
    ] {
        let push = team
            .pushed("hotfix/HOCS-1")
            .with(|build| build.remote = Some(remote.to_owned()));
        let run = judge(&push, "running: '1.0.0'");
        run.ends(2, &[]);
        assert!(!run.text.contains("correct-horse"), "{}", run.text);
    }
}

/// Messages are written by others: thousands of «reverts» in one must not make the answer slow.
#[test]
fn a_message_that_takes_back_everything_costs_nothing() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "1.0.0");
    for number in 0..60 {
        team.commit("src/more", &format!("{number}\n"), "HOCS-1 more");
    }
    team.push("hotfix/HOCS-1");
    team.switch("main");
    let mut merges = Vec::new();
    for number in 0..40 {
        team.git(&[
            "switch",
            "--quiet",
            "--create",
            &format!("f{number}"),
            "main",
        ]);
        team.commit("src/feature", &format!("{number}\n"), "Feature");
        team.switch("main");
        team.git(&[
            "merge",
            "--quiet",
            "--no-ff",
            "--no-edit",
            &format!("f{number}"),
        ]);
        merges.push(team.head());
    }
    let mut message = "Take back\n".to_owned();
    for _ in 0..20 {
        for merge in &merges {
            message.push_str(&format!("\nThis reverts commit {merge}."));
        }
    }
    team.commit("src/next", "other\n", &message);
    team.push("main");
    let begun = std::time::Instant::now();
    let run = judge(&team.pushed("hotfix/HOCS-1"), "running: '1.0.0'");
    run.ends(0, &[]);
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

/// A squash merge leaves no trace of the default branch in the history, only in the content.
#[test]
fn a_squash_of_the_default_branch_is_seen() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.git(&["merge", "--quiet", "--squash", "main"]);
    team.git(&["commit", "--quiet", "--message", "HOCS-1 and more (#12)"]);
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "running: '1.0.0'");
    run.ends(1, &[]);
}

/// `git merge --strategy=ours` makes the hotfix an ancestor and throws its changes away.
#[test]
fn a_merge_that_threw_the_hotfix_away_brought_nothing() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.switch("main");
    team.git(&[
        "merge",
        "--quiet",
        "--no-edit",
        "--strategy=ours",
        "hotfix/HOCS-1",
    ]);
    team.push("main");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "");
    let found = finding(&run, "forward-port");
    assert!(
        found.contains("1 commit that `main` does not have"),
        "{found}"
    );
}

/// The branch that the server calls the default one cannot be read; another that can be says nothing
/// about it.
#[test]
fn a_default_branch_that_cannot_be_read_leaves_it_unknown() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    let gone = team.origin().join("refs/heads/old");
    std::fs::write(gone, format!("{}\n", "a".repeat(40))).unwrap();
    let push = team
        .pushed("hotfix/HOCS-1")
        .with(|build| build.default_branch = "old".to_owned());
    let run = judge(&push, "running: '1.0.0'");
    run.begins(2, "base-is-production could not be judged");
}
