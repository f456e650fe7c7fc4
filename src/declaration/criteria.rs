//! The criteria of a good hotfix (process.md A02a–k), as people tick them.

use super::markdown::{boxes, sections};

/// The most names that are no criterion and are kept.
const MOST: usize = 50;
/// The heading of the block in the text of a pull request.
pub const HEADING: &str = "Triage";

/// One of the criteria.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// A02a.
    Urgent,
    /// A02b.
    Blocking,
    /// A02c.
    CannotWait,
    /// A02d.
    Isolated,
    /// A02e.
    Revertible,
    /// A02f.
    NoFeatures,
    /// A02g.
    Atomic,
    /// A02h.
    ShortLived,
    /// A02i.
    NoSideEffects,
    /// A02j.
    Uncontroversial,
    /// A02k.
    Temporary,
}

impl Criterion {
    /// All of them, in the order of the process.
    pub const ALL: [Self; 11] = [
        Self::Urgent,
        Self::Blocking,
        Self::CannotWait,
        Self::Isolated,
        Self::Revertible,
        Self::NoFeatures,
        Self::Atomic,
        Self::ShortLived,
        Self::NoSideEffects,
        Self::Uncontroversial,
        Self::Temporary,
    ];

    /// Its number in the process.
    pub const fn id(self) -> &'static str {
        self.row().0
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        self.row().1
    }

    /// What it says of a hotfix.
    pub const fn says(self) -> &'static str {
        self.row().2
    }

    const fn row(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Urgent => (
                "A02a",
                "urgent",
                "it mends an urgent issue of the live service",
            ),
            Self::Blocking => (
                "A02b",
                "blocking",
                "it mends something that blocks development",
            ),
            Self::CannotWait => ("A02c", "cannot-wait", "it cannot wait for the next release"),
            Self::Isolated => ("A02d", "isolated", "it touches one service only"),
            Self::Revertible => ("A02e", "revertible", "it is easy to revert"),
            Self::NoFeatures => ("A02f", "no-features", "it adds no features"),
            Self::Atomic => ("A02g", "atomic", "it does exactly one thing"),
            Self::ShortLived => ("A02h", "short-lived", "it is needed for a short time"),
            Self::NoSideEffects => ("A02i", "no-side-effects", "it has no side effects"),
            Self::Uncontroversial => ("A02j", "uncontroversial", "nobody objects to it"),
            Self::Temporary => (
                "A02k",
                "temporary",
                "it is not needed after the next release",
            ),
        }
    }

    /// The one of that number or word.
    pub fn named(text: &str) -> Option<Self> {
        let is = |one: &Self| {
            text.eq_ignore_ascii_case(one.id()) || text.eq_ignore_ascii_case(one.word())
        };
        Self::ALL.into_iter().find(is)
    }
}

/// What is ticked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ticks {
    /// The criteria, each once.
    pub known: Vec<Criterion>,
    /// What is no criterion.
    pub unknown: Vec<String>,
}

impl Ticks {
    /// Reads the value of the trailer: `A02a, isolated`. Nothing at all is no list.
    pub fn listed(value: &str) -> Option<Self> {
        let mut ticks = Self::default();
        for name in value.split(',').map(str::trim) {
            if !name.is_empty() {
                ticks.tick(name);
            }
        }
        (ticks != Self::default()).then_some(ticks)
    }

    /// Reads the block in the text of a pull request: a checklist below a heading «Triage». `None` if
    /// there is none; a block where nothing is ticked is one.
    pub fn block(text: &str) -> Option<Self> {
        let all = sections(text);
        let own = all
            .iter()
            .filter(|one| one.heading.eq_ignore_ascii_case(HEADING));
        let mut found = None;
        for (ticked, item) in own.flat_map(|one| boxes(&one.text)) {
            let ticks: &mut Self = found.get_or_insert_with(Self::default);
            if ticked {
                ticks.tick(first_word(item));
            }
        }
        found
    }

    fn tick(&mut self, name: &str) {
        match Criterion::named(name) {
            Some(one) if self.known.contains(&one) => {}
            Some(one) => self.known.push(one),
            None if self.unknown.len() < MOST => self.unknown.push(name.to_owned()),
            None => {}
        }
    }

    /// Adds what another says.
    pub fn add(&mut self, other: &Self) {
        for one in &other.known {
            self.tick(one.id());
        }
        for one in &other.unknown {
            if !self.unknown.contains(one) {
                self.tick(one);
            }
        }
    }
}

/// The first word of an item, without what makes it bold or code, and without what ends it.
fn first_word(item: &str) -> &str {
    let word = item.split_whitespace().next().unwrap_or_default();
    word.trim_matches(['*', '_', '`', ':', ',', '.'])
}
