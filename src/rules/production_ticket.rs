//! A hotfix of a train in production is deployed by a ticket of its own (B22).

mod bugs;

use super::{Asks, Judges, OwnLevel, Rule, trains};
use crate::ci::Event;
use crate::facts::{Facts, shorten};
use crate::verdict::{Level, Outcome, Step};
use bugs::Bugs;

/// The most tickets of a hotfix that are named.
const SHOWN: usize = 5;

pub(super) const RULE: Rule = Rule {
    id: "production-ticket",
    level: OwnLevel::Is(Level::Off),
    judges: Judges::HotfixToProduction,
    events: &[Event::Promote],
    asks: &[Asks::History, Asks::Train],
    promise: "A promotion of a train's hotfix to production names a ticket, and it is not the bug's.",
    why: "B22: for a train in production the steps are the same, but a new ticket must be opened",
    notes: "The ticket is the promotion parameter that `policy.train.ticket_param` names; the whole of it must \
            look like `policy.ticket`. It must be none of the tickets in the branch's name, in the hotfix's own \
            commits, and in the train's part of the change log: by `policy.ticket` in any case, by a trailer \
            `Issue`, by `Fixes #12`, `GH-12`, `bug 12`, `OWNER/NAME#12` or the address of an issue. Two spellings \
            of one number are one ticket; a number of another repository is another. Whoever promotes can \
            write any ticket: that there is one is checked, not that anybody has opened it.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let policy = trains::policy(facts)?;
    let parameter = &policy.ticket_param;
    let refuse = |found: String| {
        Err(Outcome::Violation {
            found,
            expected: format!(
                "a new ticket for the deployment, as the parameter `{parameter}`, in the form of `policy.ticket`"
            ),
            next: vec![Step::Say(format!(
                "open a ticket for the deployment, and promote with `--param={parameter}=…`"
            ))],
        })
    };
    let values: Vec<&str> = facts
        .ticket_params
        .iter()
        .map(|value| value.trim())
        .collect();
    let written = match values.as_slice() {
        [] | [""] => return refuse(format!("no parameter `{parameter}`")),
        [one] => *one,
        [_, _, ..] => {
            return refuse(format!(
                "`{parameter}` more than once, with different values"
            ));
        }
    };
    // Digits of other alphabets: no two programs agree on which number they are.
    let is_odd = |c: char| c.is_numeric() && !c.is_ascii_digit();
    let whole = facts.policy.ticket.whole(written);
    let Some(ticket) = whole.filter(|_| !written.contains(is_odd)) else {
        return refuse(format!(
            "`{parameter}={}`, which is no ticket",
            shorten(written)
        ));
    };
    let bugs = Bugs::of(facts);
    if let Some(bug) = bugs.same(written, &ticket) {
        return refuse(format!(
            "`{parameter}={}`, which is the bug's own ticket `{}`, in {}",
            shorten(written),
            facts.words(bug.text()),
            bug.place
        ));
    }
    let sure = bugs.sure();
    if let Some(absent) = bugs.absent {
        return Err(absent);
    }
    if sure.is_empty() {
        return Err(Outcome::Unknown {
            because: "no ticket of the bug was found in the branch, its commits or the change log, so nobody can \
                      say that the deployment's is another one"
                .to_owned(),
            retry: false,
            next: vec![Step::Say(format!(
                "name the bug's ticket in the line of the hotfix in `{}`, or correct `policy.ticket`",
                policy.changelog
            ))],
        });
    }
    let shown: Vec<String> = sure
        .iter()
        .take(SHOWN)
        .map(|bug| format!("`{}`", facts.words(bug.text())))
        .collect();
    Ok(Outcome::Pass {
        because: format!(
            "`{parameter}={}` is another ticket than the bug's: {}",
            shorten(written),
            shown.join(", ")
        ),
        note: None,
    })
}
