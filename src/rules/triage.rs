//! Somebody looked whether this should be a hotfix at all: some of the criteria hold.

use super::declared::{few, whole, wrong};
use super::merged_by_pull_request::pulls;
use super::{
    Asks, Judges, OwnLevel, Rule, atomic, forward_port, known, no_features, one_service,
    revertible, short_lived,
};
use crate::ci::Event;
use crate::declaration::criteria::{Criterion, Ticks};
use crate::declaration::{Declared, Key};
use crate::facts::Facts;
use crate::facts::forge::reviews::{Flaw, reviewed};
use crate::facts::forge::{Pull, State};
use crate::facts::history::declared::declared;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "triage",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History, Asks::Pulls, Asks::Forward],
    promise: "At least one criterion of a good hotfix is declared and not contradicted; where nothing is \
              declared, at least one holds that a machine can see.",
    why: "A01: before any work, check that a hotfix fits; A02: a good one meets some or all of the \
          criteria",
    notes: "The criteria are declared by a trailer `Triage: A02a, isolated`, or by the checklist below the \
            heading «Triage» in the text of a pull request of the hotfix: [the forms](declarations.md), with a \
            template. Both count together. A block where nothing is ticked warns, whatever a machine sees. What is \
            ticked is compared with the rules `one-service` (A02d), `revertible` (A02e), `no-features` (A02f), \
            `atomic` (A02g), `short-lived` (A02h), `forward-port` (A02k), and with the reviews that ask for \
            changes (A02j); what contradicts it is named, and does not count. Without a declaration the first \
            five of these rules are looked at alone. They are looked at here even where they are turned off \
            themselves. Whether the block was written before the first review is known as long as there is \
            none: a forge does not say when a text was changed.",
    evaluate,
};

/// The criteria that a machine can see.
const SEEN: [&Rule; 5] = [
    &atomic::RULE,
    &no_features::RULE,
    &revertible::RULE,
    &one_service::RULE,
    &short_lived::RULE,
];

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let range = match known(&facts.history).and_then(|history| known(&history.range)) {
        Ok(range) if !range.is_empty() => range,
        // Something may be declared in what cannot be read.
        Err(unknown @ Outcome::Unknown { .. }) => return Err(unknown),
        // The criteria say themselves why they are not judged.
        _ => return Ok(seen(facts)),
    };
    let declared = declared(range);
    whole(&declared)?;
    let asked = pulls(facts);
    let pulls = asked.as_ref().map_or(&[][..], |(_, pulls)| *pulls);
    let blocks: Vec<(&Pull, Ticks)> = pulls
        .iter()
        .filter_map(|pull| Some((pull, Ticks::block(&pull.text)?)))
        .collect();
    if declared.triage.is_empty() && blocks.is_empty() {
        let flaws = wrong(facts, &declared, Key::Triage);
        return match (asked, flaws.is_empty()) {
            // There may be a block, with ticks or without.
            (Err(unknown @ Outcome::Unknown { .. }), _) => Err(unknown),
            (_, false) => Ok(nothing(few(&flaws, "; "))),
            (_, true) => Ok(seen(facts)),
        };
    }
    let unread = asked.as_ref().err();
    ticked(facts, &declared, &blocks, pulls, unread)
}

fn ticked(
    facts: &Facts<'_>,
    declared: &Declared,
    blocks: &[(&Pull, Ticks)],
    pulls: &[Pull],
    unread: Option<&Outcome>,
) -> Result<Outcome, Outcome> {
    let mut ticks = declared.ticks();
    for (_, block) in blocks {
        ticks.add(block);
    }
    let (mut good, mut others, mut unclear) = (Vec::new(), Vec::new(), None);
    for one in &ticks.known {
        let name = format!("{} {}", one.id(), one.word());
        match compared(facts, *one, pulls, unread) {
            Compared::Holds => good.push(name),
            Compared::Contradicted(why) => {
                others.push(format!("{name} is contradicted by {why}"));
            }
            Compared::Unclear(outcome) => {
                others.push(format!("whether something contradicts {name} is not known"));
                unclear = Some(outcome);
            }
        }
    }
    let unknown = ticks.unknown.iter();
    others.extend(unknown.map(|name| format!("`{}` is no criterion", facts.words(name))));
    others.extend(wrong(facts, declared, Key::Triage));
    let from = places(declared, blocks);
    if good.is_empty() {
        // There may be a block in which something else is ticked.
        let unread = unread.filter(|outcome| matches!(outcome, Outcome::Unknown { .. }));
        return match (unclear.or(unread.cloned()), others.is_empty()) {
            (Some(unclear), _) => Err(unclear),
            (None, true) => Ok(nothing(format!(
                "a checklist in {from} where nothing is ticked"
            ))),
            (None, false) => Ok(nothing(format!(
                "no criterion in {from} that counts: {}",
                few(&others, "; ")
            ))),
        };
    }
    Ok(Outcome::Pass {
        because: format!("declared in {from}: {}{}", good.join(", "), when(blocks)),
        note: (!others.is_empty()).then(|| few(&others, "; ")),
    })
}

/// Where the criteria are declared.
fn places(declared: &Declared, blocks: &[(&Pull, Ticks)]) -> String {
    let commits = declared
        .triage
        .iter()
        .map(|said| said.by.short().to_owned());
    let blocks = blocks
        .iter()
        .map(|(pull, _)| format!("pull request {}", pull.number));
    let mut all: Vec<String> = commits.chain(blocks).collect();
    all.dedup();
    few(&all, ", ")
}

/// Whether the blocks were there before somebody looked at the pull request (A01), as far as that is known.
fn when(blocks: &[(&Pull, Ticks)]) -> &'static str {
    let said = |pull: &Pull| {
        let mut reviews = pull.reviews.iter();
        reviews.any(|review| review.state != State::Commented || review.by.is_some())
    };
    match blocks {
        [] => "",
        some if some.iter().any(|(pull, _)| said(pull)) => {
            " (whether that was before the first review is not known: the forge does not say when a text was \
             changed)"
        }
        _ => " (before the first review)",
    }
}

/// What a machine sees of a criterion that is ticked.
enum Compared {
    /// Nothing against it.
    Holds,
    /// That it does not hold, and by what.
    Contradicted(String),
    /// Nothing, because what could say so does not answer.
    Unclear(Outcome),
}

fn compared(
    facts: &Facts<'_>,
    criterion: Criterion,
    pulls: &[Pull],
    unread: Option<&Outcome>,
) -> Compared {
    let rule = match criterion {
        Criterion::Isolated => &one_service::RULE,
        Criterion::Revertible => &revertible::RULE,
        Criterion::NoFeatures => &no_features::RULE,
        Criterion::Atomic => &atomic::RULE,
        Criterion::ShortLived => &short_lived::RULE,
        Criterion::Temporary => &forward_port::RULE,
        Criterion::Uncontroversial => return objections(pulls, unread),
        Criterion::Urgent
        | Criterion::Blocking
        | Criterion::CannotWait
        | Criterion::NoSideEffects => return Compared::Holds,
    };
    match (rule.evaluate)(facts) {
        Outcome::Violation { found, .. } => {
            Compared::Contradicted(format!("`{}` ({found})", rule.id))
        }
        unclear @ Outcome::Unknown { .. } => Compared::Unclear(unclear),
        _ => Compared::Holds,
    }
}

/// Reviews that ask for changes.
fn objections(pulls: &[Pull], unread: Option<&Outcome>) -> Compared {
    if let Some(unclear @ Outcome::Unknown { .. }) = unread {
        return Compared::Unclear(unclear.clone());
    }
    let asks = |pull: &&Pull| {
        let flaws = reviewed(pull).flaws;
        let mut flaws = flaws.iter();
        flaws.any(|flaw| matches!(flaw, Flaw::ChangesRequested(_)))
    };
    match pulls.iter().find(asks) {
        Some(pull) => Compared::Contradicted(format!(
            "a review of pull request {} that asks for changes",
            pull.number
        )),
        None => Compared::Holds,
    }
}

fn nothing(found: String) -> Outcome {
    Outcome::Violation {
        found,
        expected: "some or all of the criteria of a good hotfix, by a trailer such as `Triage: A02a, isolated`, \
                   or ticked in the text of the pull request"
            .to_owned(),
        next: vec![Step::Say(
            "tick what holds; if nothing does, ask whether a normal release would do. After a text was changed, \
             start the build again"
                .to_owned(),
        )],
    }
}

/// The criteria that a machine can see, where people declare none.
fn seen(facts: &Facts<'_>) -> Outcome {
    let (mut met, mut unmet, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for rule in SEEN {
        match (rule.evaluate)(facts) {
            Outcome::Pass { .. } => met.push(format!("`{}`", rule.id)),
            Outcome::Violation { .. } => unmet.push(format!("`{}`", rule.id)),
            outcome => other.push(outcome),
        }
    }
    if !met.is_empty() {
        return Outcome::Pass {
            because: format!("of the criteria {} hold", met.join(", ")),
            note: None,
        };
    }
    // What could not be judged may hold.
    match other.into_iter().next() {
        Some(outcome) => outcome,
        None => Outcome::Violation {
            found: format!(
                "a change that meets none of the criteria: {}",
                unmet.join(", ")
            ),
            expected: "some or all of them".to_owned(),
            next: vec![Step::Say(
                "ask whether a normal release would do, and say in the pull request why not"
                    .to_owned(),
            )],
        },
    }
}
