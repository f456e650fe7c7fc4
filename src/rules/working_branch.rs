//! The branch that people work on is named like any other, not like a hotfix branch (A08–A10).

use super::{Judges, OwnLevel, Rule};
use crate::ci::Event;
use crate::facts::{Facts, shorten};
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "working-branch",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest],
    asks: &[],
    promise: "The head of a pull request into a hotfix branch does not begin with «hotfix».",
    why: "A10: the working branch's name must not start with the word; A08: it should be named like \
          a normal commit's, for example after the ticket",
    notes: "The word may stand anywhere else (A09). With `policy.working_branch`, a regular \
            expression, the name must also match that.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    let Some(head) = facts.build.source_branch.as_deref() else {
        return Outcome::Unknown {
            because: "the CI server does not name the head of this pull request".to_owned(),
            retry: false,
            next: Vec::new(),
        };
    };
    let shown = shorten(head);
    let rename = |name: &str| {
        vec![
            Step::run(["git", "branch", "--move", head, name]),
            Step::run(["git", "push", "origin", name]),
        ]
    };
    let begins = head
        .get(..6)
        .is_some_and(|word| word.eq_ignore_ascii_case("hotfix"));
    if begins || facts.policy.prefixes.take(head) {
        let prefix = facts
            .policy
            .prefixes
            .plain()
            .find_map(|prefix| head.strip_prefix(prefix));
        let rest = if begins { head.get(6..) } else { prefix };
        let name = rest
            .unwrap_or_default()
            .trim_start_matches(['/', '-', '_', '.']);
        let ticket = facts.ticket.as_ref().map(|(ticket, _)| ticket.as_str());
        let name = if name.is_empty() {
            ticket.unwrap_or("fix")
        } else {
            name
        };
        return Outcome::Violation {
            found: format!("the working branch `{shown}`"),
            expected: if begins || prefix.is_some() {
                "a name that does not begin with «hotfix»: that word is for the branch that is published"
                    .to_owned()
            } else {
                "a name that is no hotfix branch's: those are published".to_owned()
            },
            next: rename(name),
        };
    }
    if let Some(pattern) = &facts.policy.working_branch
        && !pattern.is_match(head)
    {
        let ticket = facts
            .ticket
            .as_ref()
            .map_or("HOCS-1234", |(ticket, _)| ticket.as_str());
        return Outcome::Violation {
            found: format!("the working branch `{shown}`"),
            expected: format!(
                "a name that matches `{}` (policy.working_branch)",
                pattern.as_str()
            ),
            next: vec![Step::Say(format!(
                "name it like a normal commit's branch, for example after the ticket `{ticket}`"
            ))],
        };
    }
    Outcome::Pass {
        note: None,
        because: format!("`{shown}` is named like any working branch"),
    }
}
