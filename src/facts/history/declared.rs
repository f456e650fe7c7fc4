//! What the commits of a hotfix declare, and who has taken part in them. Pure.

use std::collections::HashMap;

use super::Change;
use crate::declaration::Declared;
use crate::declaration::person::{Person, address_key, helpers, name_key};

/// What the commits of a hotfix declare. What came with commits of the default branch was said about
/// something else.
pub fn declared(range: &[Change]) -> Declared {
    let own = range.iter().filter(|change| !change.from_default);
    Declared::read(own.map(|change| (&change.id, change.trailers.as_slice())))
}

/// What somebody has to do with a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The author.
    Author,
    /// The committer.
    Committer,
    /// A co-author, by `Co-authored-by`.
    Helper,
}

impl Part {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Author => "the author",
            Self::Committer => "the committer",
            Self::Helper => "a co-author",
        }
    }
}

/// Everybody who has taken part in the commits of a hotfix.
pub struct Hands<'a> {
    by_name: HashMap<String, (Part, &'a Change)>,
    by_address: HashMap<String, (Part, &'a Change)>,
}

impl<'a> Hands<'a> {
    /// Reads them from authors, committers and co-authors, of merges as well.
    pub fn of(range: &'a [Change]) -> Self {
        let mut hands = Self {
            by_name: HashMap::new(),
            by_address: HashMap::new(),
        };
        for change in range {
            hands.add(
                &change.author.name,
                &change.author.email,
                Part::Author,
                change,
            );
            for (name, address) in helpers(&change.message) {
                hands.add(name, address, Part::Helper, change);
            }
            let committer = &change.committer;
            hands.add(&committer.name, &committer.email, Part::Committer, change);
        }
        hands
    }

    fn add(&mut self, name: &str, address: &str, part: Part, change: &'a Change) {
        let (name, address) = (name_key(name), address_key(address));
        if !name.is_empty() {
            self.by_name.entry(name).or_insert((part, change));
        }
        if !address.is_empty() {
            self.by_address.entry(address).or_insert((part, change));
        }
    }

    /// What somebody has to do with the hotfix, by address or by name.
    pub fn part_of(&self, person: &Person) -> Option<(Part, &'a Change)> {
        let by_address = self.by_address.get(&address_key(&person.address));
        let found = by_address.or_else(|| self.by_name.get(&name_key(&person.name)));
        found.copied()
    }
}
