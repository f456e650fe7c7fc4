//! A hotfix of a train in production is deployed by a ticket of its own (B22).

use super::{Asks, Judges, OwnLevel, Rule, known, trains};
use crate::ci::Event;
use crate::facts::train::File;
use crate::facts::{Facts, Source, shorten};
use crate::verdict::{Level, Outcome, Step};

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
            look like `policy.ticket`. It must be none of the tickets in the branch's name, in the commits of the hotfix, \
            and in the train's part of the change log; two spellings of one number are one ticket. Whoever \
            promotes can write any ticket: that there is one is checked, not that anybody has opened it.",
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
    let Some(ticket) = facts.policy.ticket.whole(written) else {
        return refuse(format!(
            "`{parameter}={}`, which is no ticket",
            shorten(written)
        ));
    };
    let bugs = bugs(facts);
    if let Some((bug, place)) = bugs.known.iter().find(|(bug, _)| ticket.is(bug)) {
        return refuse(format!(
            "`{parameter}={}`, which is the bug's own ticket `{}`, in {place}",
            shorten(written),
            shorten(bug)
        ));
    }
    if let Some(absent) = bugs.absent {
        return Err(absent);
    }
    if bugs.known.is_empty() {
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
    let mut shown: Vec<String> = Vec::new();
    for (bug, _) in &bugs.known {
        let bug = format!("`{}`", shorten(bug));
        if !shown.contains(&bug) && shown.len() < SHOWN {
            shown.push(bug);
        }
    }
    Ok(Outcome::Pass {
        because: format!(
            "`{parameter}={}` is another ticket than the bug's: {}",
            shorten(written),
            shown.join(", ")
        ),
        note: None,
    })
}

struct Bugs {
    /// Tickets of the bug, and where each was found.
    known: Vec<(String, &'static str)>,
    /// Why not all of them are known.
    absent: Option<Outcome>,
}

/// Every ticket that the hotfix names.
fn bugs(facts: &Facts<'_>) -> Bugs {
    let pattern = &facts.policy.ticket;
    let of = |text: &str, place: &'static str| {
        let found = pattern.all(text).into_iter();
        found.map(move |ticket| (ticket.as_str().to_owned(), place))
    };
    let mut bugs = Bugs {
        known: Vec::new(),
        absent: None,
    };
    if let Some((ticket, place)) = &facts.ticket {
        bugs.known.push((ticket.as_str().to_owned(), *place));
    }
    match range(facts) {
        Ok(messages) => {
            let found = messages.flat_map(|message| of(message, "a commit of the hotfix"));
            bugs.known.extend(found);
        }
        Err(outcome) => bugs.absent = Some(outcome),
    }
    let train = match known(&facts.train) {
        Ok(train) => train,
        Err(outcome) => {
            bugs.absent = Some(outcome);
            return bugs;
        }
    };
    bugs.known
        .extend(of(&train.branch, "the name of the branch"));
    let place = "the change log";
    match &train.tip.changelog {
        Source::Known(File::Read(log)) => {
            let block = log.below(&train.branch).block();
            for entry in block.into_iter().flat_map(|block| &block.entries) {
                bugs.known.extend(of(&entry.text, place));
                let tickets = entry.tickets.iter().cloned();
                bugs.known.extend(tickets.map(|ticket| (ticket, place)));
            }
        }
        // Without a change log there are still the commits.
        Source::Known(File::Missing | File::NoText) => {}
        source => bugs.absent = known(source).err().or(bugs.absent),
    }
    bugs
}

fn range<'a>(facts: &'a Facts<'_>) -> Result<impl Iterator<Item = &'a str>, Outcome> {
    let range = known(&known(&facts.history)?.range)?;
    Ok(range.iter().map(|change| change.message.as_str()))
}
