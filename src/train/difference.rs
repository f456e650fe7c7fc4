//! What a range adds to a change log, and what it takes away.

use super::changelog::{Block, ChangeLog};
use super::entry::Entry;

/// An entry, and the heading above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<'a> {
    /// The heading; `None` above the first one.
    pub block: Option<&'a Block>,
    /// The entry.
    pub entry: &'a Entry,
    /// Whether it stands where the entries of the judged train stand.
    pub own: bool,
}

/// The difference of two change logs, entry by entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Entries that are new.
    pub added: Vec<Placed<'a>>,
    /// Entries that stand somewhere else now.
    pub moved: Vec<Placed<'a>>,
    /// Entries that say the same in other words, or have other tickets.
    pub reworded: Vec<Placed<'a>>,
    /// Entries that are gone.
    pub removed: Vec<Placed<'a>>,
}

/// Compares two change logs of a train, of which `branch` is the branch.
pub fn difference<'a>(old: &'a ChangeLog, new: &'a ChangeLog, branch: &str) -> Difference<'a> {
    let mut old: Vec<Option<Placed<'a>>> = placed(old, branch).into_iter().map(Some).collect();
    let mut left = placed(new, branch);
    let mut found = Difference::default();
    // What is unchanged first, then what was moved, then what was reworded: an entry is the successor of
    // one entry alone.
    let mut pair = |left: Vec<Placed<'a>>, same: Same| {
        let (mut rest, mut pairs) = (Vec::new(), Vec::new());
        for one in left {
            let before = old
                .iter_mut()
                .find(|before| before.as_ref().is_some_and(|before| same(before, &one)));
            match before.and_then(Option::take) {
                Some(_) => pairs.push(one),
                None => rest.push(one),
            }
        }
        (rest, pairs)
    };
    (left, _) = pair(left, |a, b| {
        a.heading() == b.heading() && a.entry.text == b.entry.text
    });
    (left, found.moved) = pair(left, |a, b| a.entry.text == b.entry.text);
    (found.added, found.reworded) = pair(left, reworded);
    found.removed = old.into_iter().flatten().collect();
    found
}

type Same = fn(&Placed<'_>, &Placed<'_>) -> bool;

impl Placed<'_> {
    /// The heading, as far as it tells trains apart.
    fn heading(&self) -> Option<&str> {
        match (self.own, self.block) {
            (true, _) => Some(""),
            (false, Some(block)) => Some(block.name.as_str()),
            (false, None) => None,
        }
    }
}

fn placed<'a>(log: &'a ChangeLog, branch: &str) -> Vec<Placed<'a>> {
    let own = log.below(branch).block();
    let is_own = |block: &Block| own.is_some_and(|own| std::ptr::eq(own, block));
    log.entries()
        .map(|(block, entry)| Placed {
            block,
            entry,
            own: block.is_some_and(is_own),
        })
        .collect()
}

/// Whether two entries tell of the same: in the same words, or of the same day and tickets.
fn reworded(a: &Placed<'_>, b: &Placed<'_>) -> bool {
    let (a, b) = (a.entry, b.entry);
    let words = !a.words.is_empty() && a.words == b.words;
    words || (!a.tickets.is_empty() && a.tickets == b.tickets && a.date == b.date)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "train-2012.04.27:\n  * (hotfix 2012.05.01) one: #1\n  * other: #9\n\
                       train-2012.04.11:\n  * (hotfix 2012.04.13) two: #2\n  * (hotfix 2012.04.14) three\n";

    #[track_caller]
    fn case(new: &str, added: &[&str], moved: &[&str], reworded: &[&str], removed: &[&str]) {
        let parse = |text| ChangeLog::parse(text, &|_| false, &["train-2012.04.27"]);
        let (old, new) = (parse(OLD), parse(new));
        let found = difference(&old, &new, "train-2012.04.27");
        let of = |all: &[Placed<'_>]| -> Vec<String> {
            all.iter().map(|one| one.entry.words.clone()).collect()
        };
        assert_eq!(of(&found.added), added, "added");
        assert_eq!(of(&found.moved), moved, "moved");
        assert_eq!(of(&found.reworded), reworded, "reworded");
        assert_eq!(of(&found.removed), removed, "removed");
    }

    #[test]
    fn what_is_new_is_told_from_what_was_there() {
        case(OLD, &[], &[], &[], &[]);
        case(
            &OLD.replace("one: #1", "one: #1\n * (hotfix) new"),
            &["new"],
            &[],
            &[],
            &[],
        );
        case(
            &OLD.replace("one: #1", "first: #1"),
            &[],
            &[],
            &["first"],
            &[],
        );
        case(&OLD.replace("one: #1", "one: #7"), &[], &[], &["one"], &[]);
        case(
            &OLD.replace("  * (hotfix 2012.04.14) three\n", ""),
            &[],
            &[],
            &[],
            &["three"],
        );
        case(
            &OLD.replace("  * (hotfix 2012.05.01) one: #1\n", "")
                .replace("two: #2", "two: #2\n  * (hotfix 2012.05.01) one: #1"),
            &[],
            &["one"],
            &[],
            &[],
        );
        // The same line once more is one more.
        case(
            &OLD.replace("one: #1", "one: #1\n  * (hotfix 2012.05.01) one: #1"),
            &["one"],
            &[],
            &[],
            &[],
        );
        case("", &[], &[], &[], &["one", "two", "three"]);
        // A heading in another form is still the train's.
        case(
            &OLD.replace("train-2012.04.27:", "train-2012.04.27 (in progress)"),
            &[],
            &[],
            &[],
            &[],
        );
        case(
            &OLD.replace("train-2012.04.27:", "Train 2012.04.27"),
            &[],
            &[],
            &[],
            &[],
        );
    }
}
