//! What a range adds to a change log, and what it takes away.

use std::collections::{HashMap, VecDeque};

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
    let mut before = Before {
        taken: Vec::new(),
        all: placed(old, branch),
    };
    before.taken = vec![false; before.all.len()];
    let left = placed(new, branch);
    let mut found = Difference::default();
    // What is unchanged first, then what was moved, then what was reworded: an entry is the successor of
    // one entry alone.
    let (left, _) = before.pair(left, |one| {
        vec![Key::Line(one.heading().map(str::to_owned), &one.entry.text)]
    });
    let (left, moved) = before.pair(left, |one| vec![Key::Text(&one.entry.text)]);
    found.moved = moved;
    (found.added, found.reworded) = before.pair(left, |one| {
        let entry = one.entry;
        let words = (!entry.words.is_empty()).then_some(Key::Words(&entry.words));
        let told = (!entry.tickets.is_empty())
            .then(|| Key::Told(format!("{:?} {:?}", entry.date, entry.tickets)));
        words.into_iter().chain(told).collect()
    });
    let gone = before.all.into_iter().zip(before.taken);
    found.removed = gone
        .filter(|(_, taken)| !taken)
        .map(|(one, _)| one)
        .collect();
    found
}

/// In what two entries can be the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key<'a> {
    /// The whole line, below the same heading.
    Line(Option<String>, &'a str),
    /// The whole line.
    Text(&'a str),
    /// The words.
    Words(&'a str),
    /// The day and the tickets.
    Told(String),
}

/// The entries that were there, and which of them have a successor.
struct Before<'a> {
    all: Vec<Placed<'a>>,
    taken: Vec<bool>,
}

impl<'a> Before<'a> {
    /// Finds for each entry the first that was there and has a key in common with it. Change logs grow
    /// without an end, so nothing is compared one by one.
    fn pair(
        &mut self,
        left: Vec<Placed<'a>>,
        keys: impl for<'p> Fn(&'p Placed<'a>) -> Vec<Key<'a>>,
    ) -> (Vec<Placed<'a>>, Vec<Placed<'a>>) {
        let mut places: HashMap<Key<'a>, VecDeque<usize>> = HashMap::new();
        for (at, one) in self.all.iter().enumerate() {
            for key in keys(one).into_iter().filter(|_| !self.taken[at]) {
                places.entry(key).or_default().push_back(at);
            }
        }
        let (mut rest, mut pairs) = (Vec::new(), Vec::new());
        for one in left {
            let mut first = None;
            for key in keys(&one) {
                let Some(queue) = places.get_mut(&key) else {
                    continue;
                };
                while queue.front().is_some_and(|at| self.taken[*at]) {
                    queue.pop_front();
                }
                first = first.into_iter().chain(queue.front().copied()).min();
            }
            match first {
                Some(at) => {
                    self.taken[at] = true;
                    pairs.push(one);
                }
                None => rest.push(one),
            }
        }
        (rest, pairs)
    }
}

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
