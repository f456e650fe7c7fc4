//! What a range adds to a change log, and what it takes away.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

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

/// An entry that was there before in another form, and what it has become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<'a> {
    /// What it was.
    pub old: Placed<'a>,
    /// What it is.
    pub new: Placed<'a>,
}

/// The difference of two change logs, entry by entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Entries that are new.
    pub added: Vec<Placed<'a>>,
    /// Entries that say letter by letter what an entry that was there before says.
    pub copied: Vec<Placed<'a>>,
    /// Entries that stand somewhere else now.
    pub moved: Vec<Changed<'a>>,
    /// Entries that say the same in other words, or have another day or other tickets.
    pub reworded: Vec<Changed<'a>>,
    /// Entries that are gone.
    pub removed: Vec<Placed<'a>>,
}

/// Compares two change logs of a train, of which `branch` is the branch. The order of entries is nobody's
/// business, so each is looked up by what it says: the time grows with the number of lines, not with
/// its square.
pub fn difference<'a>(old: &'a ChangeLog, new: &'a ChangeLog, branch: &str) -> Difference<'a> {
    let mut old = Old {
        left: placed(old, branch).into_iter().map(Some).collect(),
    };
    // Before any of them is taken.
    let said: HashSet<&str> = old.all().map(|one| one.entry.text.as_str()).collect();
    let mut found = Difference::default();
    // What is unchanged first, then what was moved, then what was reworded: an entry is the successor of
    // one entry alone.
    let rest = placed(new, branch);
    let (rest, _) = old.pair(rest, |one| Some((one.heading(), one.entry.text.as_str())));
    let (rest, moved) = old.pair(rest, |one| Some(one.entry.text.as_str()));
    let (rest, of_words) = old.pair(rest, |one| {
        let words = one.entry.words.as_str();
        (!words.is_empty()).then_some(words)
    });
    let (rest, of_tickets) = old.pair(rest, |one| {
        let entry = one.entry;
        (!entry.tickets.is_empty()).then_some((&entry.tickets, &entry.date))
    });
    found.moved = moved;
    found.reworded = of_words.into_iter().chain(of_tickets).collect();
    found.reworded.sort_by_key(|one| one.new.entry.line);
    (found.copied, found.added) = rest
        .into_iter()
        .partition(|one| said.contains(one.entry.text.as_str()));
    found.removed = old.left.into_iter().flatten().collect();
    found
}

/// The entries that were there before, without those that have found their successors.
struct Old<'a> {
    left: Vec<Option<Placed<'a>>>,
}

impl<'a> Old<'a> {
    fn all(&self) -> impl Iterator<Item = &Placed<'a>> {
        self.left.iter().flatten()
    }

    /// Pairs entries with the first ones of the same key. What has no key has no partner.
    fn pair<K: Hash + Eq>(
        &mut self,
        new: Vec<Placed<'a>>,
        key: impl Fn(&Placed<'a>) -> Option<K>,
    ) -> (Vec<Placed<'a>>, Vec<Changed<'a>>) {
        let mut places: HashMap<K, VecDeque<usize>> = HashMap::new();
        for (at, one) in self.left.iter().enumerate() {
            if let Some(key) = one.as_ref().and_then(&key) {
                places.entry(key).or_default().push_back(at);
            }
        }
        let (mut rest, mut pairs) = (Vec::new(), Vec::new());
        for one in new {
            let at = key(&one).and_then(|key| places.get_mut(&key)?.pop_front());
            let before = at.and_then(|at| self.left.get_mut(at)?.take());
            match before {
                Some(old) => pairs.push(Changed { old, new: one }),
                None => rest.push(one),
            }
        }
        (rest, pairs)
    }
}

impl<'a> Placed<'a> {
    /// The heading, as far as it tells trains apart.
    pub fn heading(&self) -> Option<&'a str> {
        match (self.own, self.block) {
            (true, _) => Some(""),
            (false, Some(block)) => Some(block.name.as_str()),
            (false, None) => None,
        }
    }
}

fn placed<'a>(log: &'a ChangeLog, branch: &str) -> Vec<Placed<'a>> {
    let own = log.below(branch).block();
    // A second heading of the train is the train's, too.
    let is_own = |block: &Block| {
        own.is_some_and(|own| {
            std::ptr::eq(own, block) || own.name == branch && block.name == branch
        })
    };
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
        let now = |all: &[Changed<'_>]| -> Vec<String> {
            all.iter().map(|one| one.new.entry.words.clone()).collect()
        };
        assert_eq!(of(&found.added), added, "added");
        assert_eq!(now(&found.moved), moved, "moved");
        assert_eq!(now(&found.reworded), reworded, "reworded");
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
        // The same line once more tells of nothing more.
        case(
            &OLD.replace("one: #1", "one: #1\n  * (hotfix 2012.05.01) one: #1"),
            &[],
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
    #[test]
    fn many_lines_take_little_time() {
        let line = |number: usize| format!("* (hotfix) line {number}\n");
        let forth: String = (0..100_000).map(line).collect();
        let back: String = (0..100_000).rev().map(|at| line(at + 1)).collect();
        let parse = |text: &str| ChangeLog::parse(text, &|_| false, &[]);
        let (old, new) = (parse(&forth), parse(&back));
        let begun = std::time::Instant::now();
        let found = difference(&old, &new, "train-2012.04.27");
        assert_eq!((found.added.len(), found.removed.len()), (1, 1));
        assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    }
}
