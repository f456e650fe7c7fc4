//! `reviewed`: whose approval counts, and of what.

use super::world::{ANN, BOB, BOT, BOTH, CID, Kind, Pull, Review, World};
use crate::production::base::masked;
use crate::support::binary::Run;
use crate::support::scripted::{Answer, Script};
use crate::support::team::finding;

const RULE: &str = "reviewed";

/// The usual pull request, merged, with these changes.
fn world(kind: Kind, change: impl FnOnce(Pull) -> Pull) -> World {
    let mut world = World::new(kind);
    let pull = world.usual(7);
    world.pulls = vec![change(world.merge(pull))];
    world
}

fn pushed(kind: Kind, change: impl FnOnce(Pull) -> Pull) -> Run {
    world(kind, change).pushed()
}

/// Refused on both forges, in the same words.
#[track_caller]
fn refused(change: impl Fn(Pull) -> Pull) -> String {
    let found = BOTH.map(|kind| {
        let run = pushed(kind, &change);
        assert_eq!(run.code, 1, "{}", run.text);
        assert!(run.first_line().contains(RULE), "{}", run.text);
        masked(&finding(&run, RULE))
    });
    assert_eq!(found[0], found[1]);
    found[0].clone()
}

#[track_caller]
fn passes(words: &str, change: impl Fn(Pull) -> Pull) {
    for kind in BOTH {
        let run = pushed(kind, &change);
        run.ends(0, &[words]);
    }
}

#[test]
fn an_approval_of_the_last_commit_by_somebody_else_counts() {
    passes(
        "passed: reviewed (must): approved: pull request 7 by `bob`",
        Pull::approved,
    );
    // What was said before is settled, and comments decide nothing.
    passes("pull request 7 by `bob`", |pull| {
        pull.review(BOB, "CHANGES_REQUESTED")
            .review(BOB, "APPROVED")
            .review(BOB, "COMMENTED")
    });
    // The approval of one is enough, whatever the bot and the author say.
    passes("pull request 7 by `bob`", |pull| {
        pull.review(BOT, "COMMENTED")
            .approved()
            .review(ANN, "COMMENTED")
    });
}

#[test]
fn without_an_approval() {
    insta::assert_snapshot!(refused(|pull| pull));
    let found = refused(|pull| pull.review(BOB, "COMMENTED"));
    assert!(found.contains("pull request 7 has no approval"), "{found}");
}

#[test]
fn an_approval_before_a_force_push() {
    let found = refused(|mut pull| {
        pull.reviews.push(Review {
            by: Some(BOB),
            state: "APPROVED",
            commit: "c".repeat(40),
            at: 0,
            member: true,
        });
        pull
    });
    insta::assert_snapshot!(found);
}

#[test]
fn an_approval_that_was_dismissed() {
    insta::assert_snapshot!(refused(|pull| pull.review(BOB, "DISMISSED")));
}

#[test]
fn an_approval_by_a_bot() {
    insta::assert_snapshot!(refused(|pull| pull.review(BOT, "APPROVED")));
    // A program with the account of a person, if the policy says so.
    for kind in BOTH {
        let mut world = world(kind, Pull::approved);
        let server = world.script().start();
        let address = server.address();
        let word = kind.word();
        world.policy = String::new();
        let settings = world.settings(&address);
        let wanted = format!("kind: {word}");
        let settings = settings.replacen(&wanted, &format!("{wanted}, bots: [Bob]"), 1);
        let secrets = [("f".to_owned(), super::world::TOKEN.to_owned())].into();
        let build = world.team.pushed(super::world::HOTFIX);
        let gate = crate::support::gate::drone_gate(&settings);
        let run = crate::support::binary::run(build.environment(&gate, &[], &secrets));
        run.begins(1, RULE);
        assert!(
            run.text.contains("`bob` has approved it and is a program"),
            "{}",
            run.text
        );
    }
}

#[test]
fn an_approval_by_who_opened_it() {
    insta::assert_snapshot!(refused(|pull| pull.review(ANN, "APPROVED")));
}

#[test]
fn an_approval_by_who_wrote_a_commit() {
    let found = refused(|mut pull| {
        pull.commits[0].author = Some(BOB);
        pull.approved()
    });
    insta::assert_snapshot!(found);
    // Known by its address, where the forge maps none: the number of an account, or its login.
    for address in [
        "2+old-name@users.noreply.github.com",
        "bob@noreply.git.example",
        "bob@mail.example",
    ] {
        let found = refused(|mut pull| {
            pull.commits[0].author = None;
            pull.commits[0].address = address.to_owned();
            pull.approved()
        });
        assert!(
            found.contains("`bob` has approved it and has written"),
            "{found}"
        );
    }
}

#[test]
fn an_approval_by_a_co_author() {
    let found = refused(|mut pull| {
        let trailer = "\n\nCo-authored-by: B. O. B. <2+bob@users.noreply.github.com>\n";
        pull.commits[0].message.push_str(trailer);
        pull.approved()
    });
    insta::assert_snapshot!(found);
}

#[test]
fn an_author_whom_the_forge_does_not_know_is_said() {
    for kind in BOTH {
        let run = pushed(kind, |mut pull| {
            pull.commits[0].author = None;
            pull.approved()
        });
        run.ends(
            0,
            &["of pull request 7 1 author is no account that the forge knows; nobody can say whether an approval is theirs"],
        );
    }
}

#[test]
fn a_renamed_account_stays_the_same() {
    // Opened as `ann`, who is called `ann-smith` now and approves it herself.
    let renamed = super::world::Who {
        login: "ann-smith",
        ..ANN
    };
    let found = refused(|pull| pull.review(renamed, "APPROVED"));
    assert!(
        found.contains("`ann-smith` has approved it and has opened it"),
        "{found}"
    );
    // Her old login is somebody else's now.
    let other = super::world::Who { id: 77, ..ANN };
    passes("pull request 7 by `ann`", |pull| {
        pull.review(other, "APPROVED")
    });
    // A request for changes under the old name is settled under the new one.
    let bob = super::world::Who {
        login: "robert",
        ..BOB
    };
    passes("pull request 7 by `robert`", |pull| {
        pull.review(BOB, "CHANGES_REQUESTED")
            .review(bob, "APPROVED")
    });
}

#[test]
fn a_request_for_changes_stands() {
    let found = refused(|pull| pull.review(CID, "CHANGES_REQUESTED").approved());
    insta::assert_snapshot!(found);
    // Who approved afterwards asks for nothing any more, also if a push has dismissed that approval.
    passes("pull request 7 by `bob`", |pull| {
        pull.review(CID, "CHANGES_REQUESTED")
            .review(CID, "DISMISSED")
            .approved()
    });
    let found = refused(|pull| {
        pull.review(CID, "DISMISSED")
            .review(CID, "CHANGES_REQUESTED")
            .approved()
    });
    assert!(found.contains("`cid` asks for changes"), "{found}");
    // What an account asked for that is gone, stands as well.
    let found = refused(|mut pull| {
        pull = pull.review(CID, "CHANGES_REQUESTED").approved();
        pull.reviews[0].by = None;
        pull
    });
    assert!(
        found.contains("an account that is gone asks for changes")
            && found.contains("dismiss the request of the account that is gone"),
        "{found}"
    );
    // Another one that is gone has not taken it back.
    let found = refused(|mut pull| {
        pull = pull
            .review(CID, "CHANGES_REQUESTED")
            .review(ANN, "APPROVED")
            .approved();
        pull.reviews[0].by = None;
        pull.reviews[1].by = None;
        pull
    });
    assert!(
        found.contains("an account that is gone asks for changes"),
        "{found}"
    );
    let found = refused(|mut pull| {
        pull = pull.review(CID, "APPROVED");
        pull.reviews[0].by = None;
        pull
    });
    assert!(
        found.contains("an account that is gone has approved it"),
        "{found}"
    );
}

#[test]
fn a_stranger_decides_nothing() {
    // In a public repository anybody may approve, and ask for changes.
    let found = refused(|pull| pull.approved().of_a_stranger());
    insta::assert_snapshot!(found);
    passes("pull request 7 by `bob`", |pull| {
        pull.review(CID, "CHANGES_REQUESTED")
            .of_a_stranger()
            .approved()
    });
}

#[test]
fn whoever_may_write_is_no_stranger() {
    // Of a private member GitHub says `NONE` to some tokens.
    let mut world = world(Kind::GitHub, |pull| pull.approved().of_a_stranger());
    world.writers = vec![BOB.id];
    world.pushed().ends(0, &["pull request 7 by `bob`"]);
}

#[test]
fn where_nobody_can_say_who_may_write_a_request_for_changes_stands() {
    let world = world(Kind::GitHub, |pull| {
        pull.review(CID, "CHANGES_REQUESTED")
            .of_a_stranger()
            .approved()
    });
    let path = format!("{}/collaborators/cid/permission", super::world::REPO);
    let refusal =
        Answer::status(403).json(&serde_json::json!({ "message": "Must have push access" }));
    let script = Script::new().on("GET", &world.target(&path, &[]), refusal);
    let server = script.then(world.script()).start();
    let run = world.judge_at(&world.team.pushed(super::world::HOTFIX), &server.address());
    run.begins(1, RULE);
    assert!(run.text.contains("`cid` asks for changes"), "{}", run.text);
    drop(server);
}

#[test]
fn an_approval_after_the_merge_is_said() {
    let words = "pull request 7 was approved after it had been merged";
    let late = |mut pull: Pull| {
        pull = pull.approved();
        pull.reviews[0].at = 90;
        pull
    };
    passes(words, late);
    let run = pushed(Kind::GitHub, Pull::approved);
    assert!(!run.text.contains(words), "{}", run.text);
}

#[test]
fn every_pull_request_of_the_branch_needs_one() {
    for kind in BOTH {
        let mut world = World::new(kind);
        let one = world.usual(1);
        let one = world.merge(one).approved();
        let two = world.open(2, &[("src/two", "2\n", "HOCS-1 two")]);
        let two = world.squash(two);
        world.pulls = vec![two, one];
        let run = world.pushed();
        run.begins(1, RULE);
        let found = finding(&run, RULE);
        assert!(found.contains("pull request 2 has no approval"), "{found}");
        assert!(!found.contains("pull request 1 "), "{found}");
    }
}

#[test]
fn a_pull_request_is_only_told_what_is_missing() {
    for kind in BOTH {
        let mut world = World::new(kind);
        let pull = world.usual(7);
        world.pulls = vec![pull.clone()];
        let build = world.team.pull_request(&pull.branch, super::world::HOTFIX);
        let run = world.judge(
            &build
                .clone()
                .with(|build| build.pull_request_secrets = true),
        );
        run.ends(
            0,
            &["note: before the merge: pull request 7 has no approval"],
        );
        // Drone withholds the secret, as it does from pull requests.
        let run = world.judge(&build);
        run.ends(
            0,
            &["skipped: reviewed (must): the push decides, after the merge"],
        );
        world.pulls = vec![pull.approved()];
        let build = build.with(|build| build.pull_request_secrets = true);
        let run = world.judge(&build);
        run.ends(
            0,
            &["passed: reviewed (must): approved by `bob`; the push decides"],
        );
    }
}

/// Whoever turns `merged-by-pull-request` off still wants to know what nobody has looked at.
#[test]
fn what_came_by_no_pull_request_was_reviewed_by_nobody() {
    for kind in BOTH {
        let mut world = world(kind, Pull::approved);
        world.policy = ", rules: {merged-by-pull-request: \"off\"}".to_owned();
        world.direct("src/two", "2\n", "HOCS-1 two");
        let run = world.pushed();
        run.begins(1, RULE);
        let found = finding(&run, RULE);
        let words = "1 commit came by no pull request, so nobody has reviewed it";
        assert!(found.contains(words), "{found}");
    }
}
