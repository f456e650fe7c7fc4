//! `forward-port`: whether the default branch has what the hotfix changes, and by which way.

use crate::support::team::{FIXED, Team, finding, judge};

fn passes(team: &Team, words: &str) {
    let run = judge(&team.pushed("hotfix/HOCS-1"), "");
    let found = finding(&run, "forward-port");
    assert!(
        found.contains("passed: forward-port") && found.contains(words),
        "{}",
        run.text
    );
}

#[track_caller]
fn warns(team: &Team, words: &str) -> crate::support::binary::Run {
    let run = judge(&team.pushed("hotfix/HOCS-1"), "");
    run.ends(0, &[]);
    let found = finding(&run, "forward-port");
    assert!(
        !found.contains("passed") && found.contains(words),
        "{}",
        run.text
    );
    run
}

#[test]
fn what_is_missing_is_listed_with_the_commands_that_bring_it() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.commit("src/more", "more\n", "HOCS-1 and more");
    team.push("hotfix/HOCS-1");
    let run = warns(&team, "2 commits that `main` does not have");
    insta::assert_snapshot!(super::base::masked(&finding(&run, "forward-port")));
    team.follow(&run);
    team.switch("main");
    team.git(&["merge", "--quiet", "--no-edit", "forward-port-HOCS-1"]);
    team.push("main");
    passes(&team, "2 commits by patch id");
}

#[test]
fn the_branch_that_is_suggested_is_one_that_git_takes() {
    let team = Team::new();
    team.hotfix("hotfix/bug_1234");
    let run = judge(
        &team.pushed("hotfix/bug_1234"),
        r"ticket: 'bug[ _]\d+', targets: {}",
    );
    assert!(run.text.contains("forward-port-bug_1234"), "{}", run.text);
    let team = Team::new();
    team.branch("hotfix/1234", "1.0.0");
    team.commit("src/app", FIXED, "Mend bug 1234");
    team.push("hotfix/1234");
    let run = judge(
        &team.pushed("hotfix/1234"),
        r"ticket: 'bug \d+', targets: {}",
    );
    assert!(run.text.contains("forward-port-bug-1234"), "{}", run.text);
    team.follow(&run);
}

#[test]
fn by_the_commit_itself_by_patch_id_by_squash_or_by_content() {
    let team = Team::new();
    let fix = team.hotfix("hotfix/HOCS-1");
    team.switch("main");
    team.git(&["cherry-pick", &fix]);
    team.push("main");
    passes(&team, "1 commit by patch id");

    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.switch("main");
    team.git(&["merge", "--quiet", "--no-ff", "--no-edit", "hotfix/HOCS-1"]);
    team.push("main");
    passes(&team, "1 commit by the commit itself");

    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.commit(
        "src/app",
        "one\nTWO\nTHREE\nfour\nfive\nsix\n",
        "HOCS-1 mend three",
    );
    team.push("hotfix/HOCS-1");
    team.switch("main");
    team.git(&["merge", "--quiet", "--squash", "hotfix/HOCS-1"]);
    team.git(&["commit", "--quiet", "--message", "Mend both (#12)"]);
    team.push("main");
    passes(&team, "2 commits in a squash merge");
    // Later work on the same lines does not make it lost.
    team.commit("src/app", "one\nTWO!\nTHREE\nfour\nfive\nsix\n", "Go on");
    team.push("main");
    passes(&team, "2 commits in a squash merge");

    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.switch("main");
    team.commit(
        "src/app",
        &format!("{FIXED}seven\n"),
        "Mend it among other things",
    );
    team.push("main");
    passes(&team, "1 commit by content");
}

#[test]
fn a_forward_port_that_was_reverted_is_missing() {
    for by_hand in [false, true] {
        let team = Team::new();
        let fix = team.hotfix("hotfix/HOCS-1");
        team.switch("main");
        team.git(&["cherry-pick", &fix]);
        let port = team.head();
        if by_hand {
            // No words of `git revert`: known by its patch.
            team.commit(
                "src/app",
                "one\ntwo\nthree\nfour\nfive\nsix\n",
                "Back to before",
            );
        } else {
            team.commit("src/app", "one\nTWO\nthree\nfour\nfive\nSIX\n", "Go on");
            team.git(&["revert", "--no-edit", &port]);
        }
        team.push("main");
        warns(&team, "took it back");
        // And brought again.
        team.git(&["cherry-pick", &fix]);
        team.push("main");
        passes(&team, "1 commit by patch id");
    }
}

#[test]
fn a_merge_that_was_reverted_is_missing() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.switch("main");
    team.git(&["merge", "--quiet", "--no-ff", "--no-edit", "hotfix/HOCS-1"]);
    team.commit("src/app", "one\nTWO\nthree\nfour\nfive\nSIX\n", "Go on");
    team.git(&["revert", "--no-edit", "--mainline", "1", "HEAD~1"]);
    team.push("main");
    warns(&team, "took it back");
}

#[test]
fn temporary_is_a_trailer_and_nothing_else() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "1.0.0");
    team.commit(
        "src/app",
        FIXED,
        "HOCS-1 mend two\n\nHotfix-Temporary: yes\n\nBut not in the last paragraph.",
    );
    team.push("hotfix/HOCS-1");
    warns(&team, "1 commit that `main` does not have");
    team.git(&[
        "commit",
        "--quiet",
        "--amend",
        "--message",
        "HOCS-1 mend two\n\nHotfix-Temporary: no",
    ]);
    team.push("hotfix/HOCS-1");
    warns(&team, "1 commit that `main` does not have");
    team.git(&[
        "commit",
        "--quiet",
        "--amend",
        "--message",
        "HOCS-1 mend two\n\nOnly until the next release.\n\nHotfix-Temporary: yes",
    ]);
    team.push("hotfix/HOCS-1");
    passes(&team, "declares the hotfix temporary");
}

#[test]
fn a_release_tag_on_the_hotfix_does_not_make_it_forgotten() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.release("1.0.1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), "running: '1.0.0'");
    assert!(
        finding(&run, "forward-port").contains("1 commit that `main` does not have"),
        "{}",
        run.text
    );
}
