//! What is promoted is no pull request's build (process.md §4 T8, drone.md §3).

use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::facts::{Facts, shorten};
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "promoted-ref",
    level: OwnLevel::Production {
        there: Level::Must,
        elsewhere: Level::Should,
    },
    judges: Judges::All,
    events: &[Event::Promote, Event::Rollback],
    asks: &[Asks::Before],
    promise: "The promoted build is one of a branch or tag, not of a pull request.",
    why: "A20, A23: the normal approval rules hold, and code is merged before it is released; Drone \
          itself lets anybody who can write promote the build of a pull request, even from a fork, \
          and gives it the secrets",
    notes: "Recognised by `refs/pull/`, `refs/pull-requests/`, `refs/pull-request/` and \
            `refs/merge-requests/`. A GitHub deployment of a bare commit has no reference at all, so \
            nobody can say: unknown. With `drone_token` the build that the \
            promotion goes back to is looked up, through promotions of promotions and restarts, and a fork \
            is known, too.",
    evaluate,
};

const PULL_REQUESTS: [&str; 4] = [
    "refs/pull/",
    "refs/pull-requests/",
    "refs/pull-request/",
    "refs/merge-requests/",
];

fn evaluate(facts: &Facts<'_>) -> Outcome {
    by_server(facts).unwrap_or_else(|| by_reference(facts))
}

/// What the Drone server says of the build that the promotion goes back to; `None` if it has nothing
/// against it.
fn by_server(facts: &Facts<'_>) -> Option<Outcome> {
    let before = match known(&facts.promotion.as_ref()?.before) {
        Ok(before) => before,
        Err(unknown @ Outcome::Unknown { .. }) => return Some(unknown),
        Err(_) => return None,
    };
    let origin = match known(&before.origin) {
        Ok(origin) => origin.as_ref()?,
        Err(unknown) => return Some(unknown),
    };
    (origin.event == "pull_request").then(|| {
        // Drone keeps the old name of a repository that was renamed, also for a push.
        let fork = origin
            .source_repo
            .as_deref()
            .filter(|from| *from != facts.build.repo);
        let from = fork.map(|fork| format!(" from the fork `{}`", shorten(fork)));
        Outcome::Violation {
            found: format!(
                "the promotion goes back to build {}, one of a pull request{}",
                origin.number,
                from.unwrap_or_default()
            ),
            expected: "a build of a branch or tag".to_owned(),
            next: vec![Step::Say(
                "merge the pull request and promote the build of the merge".to_owned(),
            )],
        }
    })
}

fn by_reference(facts: &Facts<'_>) -> Outcome {
    let Some(git_ref) = facts.build.git_ref.as_deref() else {
        return Outcome::Unknown {
            because:
                "the CI server names no git reference for the promoted build, as for a GitHub \
                      deployment of a bare commit"
                    .to_owned(),
            retry: false,
            next: vec![Step::Say(
                "deploy a branch or a tag instead of a bare commit".to_owned(),
            )],
        };
    };
    let shown = shorten(git_ref);
    if PULL_REQUESTS
        .iter()
        .any(|prefix| git_ref.starts_with(prefix))
    {
        return Outcome::Violation {
            found: format!("the promoted build is of `{shown}`, a pull request"),
            expected: "a build of a branch or tag".to_owned(),
            next: vec![Step::Say(
                "merge the pull request and promote the build of the merge".to_owned(),
            )],
        };
    }
    if git_ref.starts_with("refs/heads/") || git_ref.starts_with("refs/tags/") {
        return Outcome::Pass {
            note: None,
            because: format!("the promoted build is of `{shown}`"),
        };
    }
    Outcome::Unknown {
        because: format!("the promoted build is of `{shown}`, which is neither branch nor tag"),
        retry: false,
        next: vec![Step::Say("promote the build of a branch or tag".to_owned())],
    }
}
