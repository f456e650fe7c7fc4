//! A hotfix belongs to a ticket (A02a, A08).

use super::{Judges, OwnLevel, Rule};
use crate::ci::Event;
use crate::facts::Facts;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "ticket",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[],
    promise: "The hotfix names a ticket.",
    why: "A02a: a hotfix fixes an urgent issue of the live service, and that issue is the ticket; \
          A08: branches are named after it",
    notes: "It is looked for in the name of the hotfix branch, then of the working branch, then in \
            the message of the built commit, which is read from the checkout. What a ticket looks \
            like is `policy.ticket`.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    match &facts.ticket {
        Some((ticket, place)) => {
            Outcome::Pass {
 note: None,
 because: format!("`{}`, in {place}", ticket.as_str()), }
        }
        None => Outcome::Violation {
            found: "no ticket in branch names or commit message".to_owned(),
            expected: "the name of a ticket, such as `HOCS-1234` (policy.ticket)".to_owned(),
            next: vec![Step::Say(
                "name the next hotfix branch after its ticket; for this one, put the ticket into the \
                 message of the next commit"
                    .to_owned(),
            )],
        },
    }
}
