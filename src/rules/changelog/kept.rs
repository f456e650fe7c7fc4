//! What was shipped stays documented as it was.

use super::{count, quoted};
use crate::facts::{Facts, shorten};
use crate::train::changelog::Block;
use crate::train::difference::{Changed, Difference};
use crate::verdict::{Outcome, Step};

/// A line that was there before and is gone.
pub(super) fn gone(facts: &Facts<'_>, changes: &Difference<'_>) -> Option<Outcome> {
    let gone = changes.removed.first()?;
    Some(violation(
        format!(
            "the change log has lost {}: {}",
            count(changes.removed.len(), "line"),
            quoted(facts, gone.entry)
        ),
        "put it back: what was shipped stays documented, even if it was taken back".to_owned(),
    ))
}

/// A line that was there before and is another now.
pub(super) fn broken(facts: &Facts<'_>, changes: &Difference<'_>) -> Option<Outcome> {
    let back = |what: &str| format!("put {what} back: what was shipped stays documented as it was");
    let is_elsewhere = |one: &&Changed<'_>| match (one.old.block, one.new.block) {
        (Some(old), Some(new)) => old.name != new.name,
        (old, _) => old.is_some(),
    };
    if let Some(one) = changes.moved.iter().find(is_elsewhere) {
        return Some(violation(
            format!(
                "{} stood {} and stands {} now",
                quoted(facts, one.new.entry),
                place(one.old.block),
                place(one.new.block)
            ),
            back("the line, or its heading,"),
        ));
    }
    let one = changes.reworded.iter().find(|one| !is_typo(one))?;
    Some(violation(
        format!(
            "{}, was «{}»: its day or its tickets are others now",
            quoted(facts, one.new.entry),
            facts.words(&one.old.entry.text)
        ),
        format!(
            "{}, and write a new line for what is new",
            back("the day and the tickets")
        ),
    ))
}

/// What is said of lines that have other words, and the same day and tickets.
pub(super) fn notes(facts: &Facts<'_>, changes: &Difference<'_>) -> Option<String> {
    let one = changes.reworded.iter().find(|one| is_typo(one))?;
    Some(format!(
        "{}, was «{}»",
        quoted(facts, one.new.entry),
        facts.words(&one.old.entry.text)
    ))
}

fn violation(found: String, next: String) -> Outcome {
    Outcome::Violation {
        found,
        expected: "every line that the change log had where the hotfix starts, with its day and tickets, below \
                   its heading"
            .to_owned(),
        next: vec![Step::Say(next)],
    }
}

fn is_typo(one: &Changed<'_>) -> bool {
    let (old, new) = (one.old.entry, one.new.entry);
    old.date == new.date && old.tickets == new.tickets && old.mark == new.mark
}

fn place(block: Option<&Block>) -> String {
    block.map_or_else(
        || "above every heading".to_owned(),
        |block| format!("below `{}`", shorten(&block.heading)),
    )
}
