//! `agreed`: who has said so, by a trailer, a review or a label.

use super::world::{Declared, both, listed, pushed, said};
use crate::forge::world::{ANN, BOB, CID, Kind, Pull, Review};
use crate::production::base::masked;
use crate::support::team::{Team, finding, judge};

const RULE: &str = "agreed";
const JO: &str = "agreed: {by: [\"Jo Example <jo@mail.example>\"]}, rules: {agreed: must}";
const TWO: &str = "agreed: {by: [\"Jo Example <jo@mail.example>\", \"Al <al@mail.example>\"], count: 2}, rules: {agreed: must}";

#[track_caller]
fn passes(policy: &str, messages: &[&str], words: &str) {
    let found = said(RULE, policy, messages);
    assert!(
        found.contains("passed: agreed") && found.contains(words),
        "{found}"
    );
}

#[test]
fn a_person_of_the_policy_agrees_by_a_trailer() {
    let words = "agreed: `Jo Example <jo@mail.example>`";
    passes(
        JO,
        &["HOCS-1 mend\n\nAgreed-by: Jo Example <jo@mail.example>"],
        words,
    );
    passes(
        JO,
        &["HOCS-1 mend\n\nAGREED-BY: J. <JO@mail.EXAMPLE>"],
        words,
    );
    passes(
        JO,
        &["HOCS-1 mend\n\nIssue: #1\nAgreed-by: Jo Example\n  <jo@mail.example>"],
        words,
    );
    passes(
        JO,
        &[
            "HOCS-1 mend",
            "HOCS-1 more\n\nAgreed-by: Jo <jo@mail.example>",
        ],
        words,
    );
    passes(
        TWO,
        &["HOCS-1\n\nAgreed-by: Jo <jo@mail.example>\nAgreed-by: Al <al@mail.example>"],
        "`Al <al@mail.example>`",
    );
    passes(
        "agreed: {by: [\"Jo <jo@mail.example>\"], decision: true}, rules: {agreed: must}",
        &["HOCS-1\n\nDecision: Hotfix\nAgreed-by: Jo <jo@mail.example>"],
        "`Jo <jo@mail.example>`",
    );
    // A key that only looks like `Decision` may be of another tool.
    passes(
        JO,
        &["HOCS-1\n\nRevision: 1234\nAgreed-by: Jo <jo@mail.example>"],
        "did you mean `Decision`?",
    );
    // What is wrong beside it is said.
    passes(
        JO,
        &["HOCS-1\n\nAgreed-by: Al\nAgreed-by: Jo <jo@mail.example>"],
        "`Agreed-by: Al` in COMMIT is not `NAME <ADDRESS>`",
    );
}

#[test]
fn without_a_policy_anybody_else_may_agree() {
    passes(
        "",
        &["HOCS-1\n\nAgreed-by: Jo <jo@mail.example>"],
        "`Jo <jo@mail.example>` in COMMIT",
    );
    let found = said(RULE, "", &["HOCS-1 mend"]);
    assert!(found.contains("skipped: agreed (should)"), "{found}");
    let run = pushed("rules: {agreed: must}", &["HOCS-1 mend"]);
    run.begins(1, "agreed");
}

#[test]
fn a_trailer_in_the_merge_counts_and_a_subject_does_not() {
    let merged = |message: &str, policy: &str| {
        let team = Team::new();
        team.branch("hotfix/HOCS-1", "1.0.0");
        team.branch("HOCS-1-work", "1.0.0");
        team.commit("src/app", crate::support::team::FIXED, "HOCS-1 mend");
        team.switch("hotfix/HOCS-1");
        team.git(&["merge", "--quiet", "--no-ff", "-m", message, "HOCS-1-work"]);
        team.push("hotfix/HOCS-1");
        finding(&judge(&team.pushed("hotfix/HOCS-1"), policy), RULE)
    };
    let found = merged("Merge it\n\nAgreed-by: Jo <jo@mail.example>", JO);
    assert!(found.contains("passed: agreed"), "{found}");
    let found = merged("Agreed-by: Jo <jo@mail.example>", JO);
    assert!(found.contains("nobody of `policy.agreed`"), "{found}");
}

#[test]
fn what_came_from_the_default_branch_says_nothing() {
    let team = Team::new();
    team.hotfix("hotfix/HOCS-1");
    team.switch("main");
    team.commit(
        "src/other",
        "x\n",
        "Else\n\nAgreed-by: Jo <jo@mail.example>",
    );
    team.push("main");
    team.switch("hotfix/HOCS-1");
    team.git(&["merge", "--quiet", "--no-edit", "main"]);
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), JO);
    assert!(
        finding(&run, RULE).contains("nobody of `policy.agreed`"),
        "{}",
        run.text
    );
}

#[test]
fn each_mistake_in_git() {
    // The commits of these teams are by `example <example@example.com>`.
    let many = format!(
        "HOCS-1\n\n{}",
        "Agreed-by: Jo <jo@mail.example>\n".repeat(1_001)
    );
    let example = "agreed: {by: [\"Jo <example@example.com>\"]}, rules: {agreed: must}";
    let demanded =
        "agreed: {by: [\"Jo <jo@mail.example>\"], decision: true}, rules: {agreed: must}";
    let cases: [(&str, &str, &[&str]); 17] = [
        ("nobody", JO, &["HOCS-1 mend"]),
        (
            "nobody, without a policy",
            "rules: {agreed: must}",
            &["HOCS-1 mend"],
        ),
        (
            "the author, by address",
            example,
            &["HOCS-1\n\nAgreed-by: Jo <Example@example.COM>"],
        ),
        (
            "the author, by name",
            "",
            &["HOCS-1\n\nAgreed-by: EXAMPLE <other@mail.example>"],
        ),
        (
            "the author, by another mailbox",
            "",
            &["HOCS-1\n\nAgreed-by: Jo <example+x@example.com>"],
        ),
        (
            "a co-author",
            JO,
            &["HOCS-1\n\nCo-authored-by: Jo <jo@mail.example>\nAgreed-by: Jo <jo@mail.example>"],
        ),
        (
            "somebody who is not in the policy",
            JO,
            &["HOCS-1\n\nAgreed-by: Al <al@mail.example>"],
        ),
        (
            "one of two",
            TWO,
            &["HOCS-1\n\nAgreed-by: Jo <jo@mail.example>"],
        ),
        (
            "one of two, twice",
            TWO,
            &["HOCS-1\n\nAgreed-by: Jo <jo@mail.example>\nAgreed-by: J <jo@mail.example>"],
        ),
        ("no address", JO, &["HOCS-1\n\nAgreed-by: Jo Example"]),
        (
            "a slip in the key",
            JO,
            &["HOCS-1\n\nAggreed-by: Jo <jo@mail.example>"],
        ),
        (
            "two decisions",
            JO,
            &[
                "HOCS-1\n\nDecision: hotfix",
                "HOCS-1\n\nDecision: derail\nAgreed-by: Jo <jo@mail.example>",
            ],
        ),
        (
            "ship as is",
            "",
            &["HOCS-1\n\nDecision: as-is\nAgreed-by: Jo <jo@mail.example>"],
        ),
        (
            "derail",
            JO,
            &["HOCS-1\n\nDecision: derail\nAgreed-by: Jo <jo@mail.example>"],
        ),
        (
            "a decision that is none",
            JO,
            &["HOCS-1\n\nDecision: go\nAgreed-by: Jo <jo@mail.example>"],
        ),
        (
            "no decision",
            demanded,
            &["HOCS-1\n\nAgreed-by: Jo <jo@mail.example>"],
        ),
        ("too many", JO, &[&many]),
    ];
    let found: Vec<(&str, String)> = cases
        .iter()
        .map(|(what, policy, messages)| {
            let run = pushed(policy, messages);
            if policy.contains("must") {
                run.begins(1, RULE);
            } else {
                run.ends(0, &[]);
            }
            (*what, masked(&finding(&run, RULE)))
        })
        .collect();
    insta::assert_snapshot!(listed(&found));
}

#[test]
fn a_committer_who_did_not_write_it_does_not_count() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "1.0.0");
    let mut commit = crate::support::git::command(
        &team.dev(),
        &[
            "commit",
            "--quiet",
            "--allow-empty",
            "-m",
            "HOCS-1\n\nAgreed-by: Jo <jo@mail.example>",
        ],
    );
    commit.env("GIT_COMMITTER_EMAIL", "jo@mail.example");
    assert!(commit.status().unwrap().success());
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), JO);
    let found = finding(&run, RULE);
    assert!(found.contains("and is the committer of"), "{found}");
}

/// Anybody who is able to push may write the commit as somebody else: docs/threat-model.md says so.
#[test]
fn a_forged_author_is_believed() {
    let team = Team::new();
    team.branch("hotfix/HOCS-1", "1.0.0");
    team.git(&[
        "-c",
        "user.name=x",
        "commit",
        "--quiet",
        "--allow-empty",
        "--author=Nobody <nobody@mail.example>",
        "-m",
        "HOCS-1\n\nAgreed-by: Jo <jo@mail.example>",
    ]);
    team.push("hotfix/HOCS-1");
    let run = judge(&team.pushed("hotfix/HOCS-1"), JO);
    assert!(
        finding(&run, RULE).contains("passed: agreed"),
        "{}",
        run.text
    );
}

const LOGIN: &str = "agreed: {by: [\"Bob Example <bob@mail.example> @bob\"]}";
const TEAM: &str = "agreed: {by: [example/owners]}";
const LABEL: &str = "agreed: {labels: [hotfix-agreed]}";

fn forge(kind: Kind, policy: &str, change: impl FnOnce(Pull) -> Pull) -> Declared {
    let policy = format!("{policy}, rules: {{agreed: must, reviewed: \"off\"}}");
    Declared::new(kind, &policy, &["HOCS-1 mend two"], change)
}

fn labelled(mut pull: Pull, label: &str) -> Pull {
    pull.labels.push(label.to_owned());
    pull
}

#[test]
fn by_a_review_a_member_or_a_label() {
    let found = [
        (
            "by a login",
            both(RULE, |kind| forge(kind, LOGIN, Pull::approved)),
        ),
        (
            "by a member of a team",
            both(RULE, |kind| {
                let mut world = forge(kind, TEAM, |pull| pull.approved().review(CID, "APPROVED"));
                world.members = vec![(BOB, Some(false)), (CID, Some(true))];
                world
            }),
        ),
        (
            "by a label",
            both(RULE, |kind| {
                forge(kind, LABEL, |pull| labelled(pull, "Hotfix-Agreed"))
            }),
        ),
    ];
    for (_, text) in &found {
        assert!(text.starts_with("passed: agreed"), "{text}");
    }
    insta::assert_snapshot!(listed(&found));
}

#[test]
fn each_mistake_in_the_forge() {
    let stale = |mut pull: Pull| {
        pull.reviews.push(Review {
            by: Some(BOB),
            state: "APPROVED",
            commit: "c".repeat(40),
            at: 0,
            member: true,
        });
        pull
    };
    let two = "agreed: {by: [\"Bob <bob@mail.example> @bob\", example/owners], count: 2}";
    let decision = "agreed: {by: [\"@bob\"], labels: [hotfix-agreed], decision: true}";
    let found = [
        (
            "no approval",
            both(RULE, |kind| forge(kind, LOGIN, |pull| pull)),
        ),
        (
            "an approval by somebody else",
            both(RULE, |kind| {
                forge(kind, LOGIN, |pull| pull.review(CID, "APPROVED"))
            }),
        ),
        (
            "an approval of an older commit",
            both(RULE, |kind| forge(kind, LOGIN, stale)),
        ),
        (
            "an approval by who opened it",
            both(RULE, |kind| {
                forge(kind, "agreed: {by: [\"@ann\"]}", |pull| {
                    pull.review(ANN, "APPROVED")
                })
            }),
        ),
        (
            "nobody of the team",
            both(RULE, |kind| {
                let mut world = forge(kind, TEAM, Pull::approved);
                world.members = vec![(BOB, Some(false))];
                world
            }),
        ),
        (
            "one person counts once, also as a member",
            both(RULE, |kind| {
                let mut world = forge(kind, two, Pull::approved);
                world.members = vec![(BOB, Some(true))];
                world
            }),
        ),
        (
            "a team that the token may not see",
            both(RULE, |kind| {
                let mut world = forge(kind, TEAM, Pull::approved);
                world.members = vec![(BOB, None)];
                world
            }),
        ),
        (
            "another label",
            both(RULE, |kind| {
                forge(kind, LABEL, |pull| labelled(pull, "agreed"))
            }),
        ),
        (
            "a label where a decision is demanded",
            both(RULE, |kind| {
                forge(kind, decision, |pull| labelled(pull, "hotfix-agreed"))
            }),
        ),
    ];
    insta::assert_snapshot!(listed(&found));
}

#[test]
fn without_a_token_nobody_is_called_missing() {
    for policy in [LOGIN, TEAM, LABEL] {
        let found = said(RULE, policy, &["HOCS-1 mend"]);
        assert!(found.contains("skipped: agreed (should)"), "{found}");
        assert!(found.contains("no forge was asked"), "{found}");
        let run = pushed(
            &format!("{policy}, rules: {{agreed: must}}"),
            &["HOCS-1 mend"],
        );
        assert_eq!(run.code, 2, "{}", run.text);
    }
    // A trailer needs no forge.
    passes(
        LOGIN,
        &["HOCS-1\n\nAgreed-by: Bob <bob@mail.example>"],
        "`Bob Example",
    );
}

#[test]
fn on_a_pull_request_its_own_reviews_count() {
    for kind in crate::forge::world::BOTH {
        let policy = format!("{LOGIN}, rules: {{agreed: must}}");
        let open = Declared::open(kind, &policy, &["HOCS-1 mend two"], |pull| pull);
        open.requested().begins(1, RULE);
        let open = Declared::open(kind, &policy, &["HOCS-1 mend two"], Pull::approved);
        let run = open.requested();
        assert!(
            finding(&run, RULE).contains("passed: agreed"),
            "{}",
            run.text
        );
    }
}

/// A hotfix of two pull requests: Ann's, and Bob's, which Ann approves.
fn by_two(kind: Kind, policy: &str) -> Declared {
    let mut declared = forge(kind, policy, Pull::approved);
    let mut second = declared
        .world
        .open(8, &[("src/two", "2\n", "HOCS-1 mend three")]);
    second.author = Some(BOB);
    for commit in &mut second.commits {
        commit.author = Some(BOB);
        commit.name = "Bob".to_owned();
        commit.address = "bob@example.com".to_owned();
    }
    let second = declared.world.merge(second).review(ANN, "APPROVED");
    declared.world.pulls.insert(0, second);
    declared
}

#[test]
fn who_has_written_one_pull_request_does_not_agree_by_approving_another() {
    let ann = both(RULE, |kind| by_two(kind, "agreed: {by: [\"@ann\"]}"));
    let words = "the approval of pull request 8 by `ann` does not count: they have taken part in pull request 7";
    assert!(ann.contains(words), "{ann}");
    assert!(ann.starts_with("violated"), "{ann}");
    let member = both(RULE, |kind| {
        let mut world = by_two(kind, TEAM);
        world.members = vec![(ANN, Some(true)), (BOB, Some(true))];
        world
    });
    assert!(member.starts_with("violated"), "{member}");
}

#[test]
fn an_address_and_a_login_may_be_one_person() {
    let trailer = "HOCS-1 mend two\n\nAgreed-by: Jo <jo@mail.example>";
    let judged = |by: &str| {
        let policy =
            format!("agreed: {{by: [{by}], count: 2}}, rules: {{agreed: must, reviewed: \"off\"}}");
        both(RULE, |kind| {
            Declared::new(kind, &policy, &[trailer], |pull| pull.approved())
        })
    };
    let apart = judged("\"Jo <jo@mail.example>\", \"@bob\"");
    assert!(apart.starts_with("violated"), "{apart}");
    assert!(apart.contains("may be one person"), "{apart}");
    let together = judged("\"Jo <jo@mail.example> @jo\", \"@bob\"");
    assert!(together.starts_with("passed: agreed"), "{together}");
}
