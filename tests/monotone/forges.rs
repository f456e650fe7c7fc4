//! What a forge may say of the commits of a world.

use drone_hotfix::facts::forge::brought::{Beside, Brought};
use drone_hotfix::facts::forge::{
    Account, Commit, Forge, Issue, Membership, Open, Pull, Review, State,
};
use drone_hotfix::policy::forge::Kind;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{ids, ports, source};

fn accounts() -> impl Strategy<Value = Account> {
    (1..4_u64, any::<bool>()).prop_map(|(id, bot)| Account {
        id,
        login: format!("login-{id}"),
        bot,
    })
}

fn reviews() -> impl Strategy<Value = Review> {
    let state = select(vec![
        State::Approved,
        State::ChangesRequested,
        State::Dismissed,
        State::Commented,
    ]);
    let parts = (
        proptest::option::of(accounts()),
        state,
        ids(),
        any::<bool>(),
    );
    parts.prop_map(|(by, state, commit, counts)| Review {
        by,
        state,
        commit: commit.as_str().to_owned(),
        at: String::new(),
        counts,
    })
}

fn pulls() -> impl Strategy<Value = Pull> {
    let commit = (ids(), proptest::option::of(accounts())).prop_map(|(id, author)| Commit {
        id: id.as_str().to_owned(),
        message: "EX-1 mend it".to_owned(),
        committer: author.clone(),
        author,
        merge: false,
        pure: false,
        name: String::new(),
        address: String::new(),
        committed_by: (String::new(), String::new()),
    });
    let label = select(vec!["bug".to_owned(), "feature".to_owned()]);
    let text = select(vec![
        "",
        "Fixes #1",
        "## Triage\n- [x] atomic\n",
        "## Triage\n- [ ] atomic\n",
    ]);
    let parts = (
        (1..4_u64, ids(), proptest::option::of(ids())),
        proptest::option::of(accounts()),
        vec(label, 0..2),
        vec(commit, 0..3),
        (vec(reviews(), 0..4), text),
    );
    parts.prop_map(
        |((number, head, merged), author, labels, commits, (reviews, text))| Pull {
            number,
            title: String::new(),
            text: text.to_owned(),
            url: String::new(),
            author,
            base: "hotfix/EX-1".to_owned(),
            branch: "EX-1".to_owned(),
            from: None,
            head: head.as_str().to_owned(),
            open: merged.is_none(),
            draft: false,
            merged,
            merged_at: None,
            labels,
            commits,
            reviews,
        },
    )
}

fn memberships() -> impl Strategy<Value = Membership> {
    (accounts(), source(any::<bool>())).prop_map(|(who, is)| Membership {
        team: "example/owners".to_owned(),
        who,
        is,
    })
}

fn issues() -> impl Strategy<Value = Issue> {
    let text = select(vec![
        "",
        "## What the user sees\nAn error\n## Share of users\n5 %\n## Risk\nlow\n",
    ]);
    (text, any::<bool>(), any::<bool>()).prop_map(|(text, is_pull, open)| Issue {
        number: 1,
        is_pull,
        title: String::new(),
        text: text.to_owned(),
        open,
        labels: Vec::new(),
        url: String::new(),
    })
}

pub fn forges() -> impl Strategy<Value = Forge> {
    let open = (pulls(), source(ports())).prop_map(|(pull, has)| Open { pull, has });
    let brought = (vec(ids(), 0..3), any::<bool>()).prop_map(|(commits, beside)| Brought {
        commits,
        beside: beside.then(|| Beside::Changed("src/app".to_owned())),
        pure: Vec::new(),
    });
    let brought = vec((1..4_u64, source(brought)), 0..3);
    let parts = (
        source(vec(pulls(), 0..3)),
        source(vec(open, 0..3)),
        brought,
        vec(memberships(), 0..4),
        source(proptest::option::of(issues())),
    );
    parts.prop_map(|(pulls, forward, brought, teams, issue)| Forge {
        issues: vec![(1, issue)],
        teams,
        kind: Kind::GitHub,
        branch: "hotfix/EX-1".to_owned(),
        pulls,
        forward,
        brought,
        elsewhere: Vec::new(),
    })
}
