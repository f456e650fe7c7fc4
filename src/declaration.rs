//! What people declare in git: five trailers, in the commits of a hotfix or in its merge. This file and
//! those below it hold their exact forms; docs/declarations.md shows them. Pure.
//!
//! A trailer is the claim of whoever could push it, and no proof.

pub mod criteria;
pub mod markdown;
pub mod person;
pub mod reference;

use crate::hotfix::CommitId;
use crate::problem::did_you_mean;
use criteria::{Criterion, Ticks};
use person::Person;
use reference::Reference;

/// The most declarations that one hotfix may have.
pub const MOST: usize = 1_000;
/// The longest value, in bytes.
const LONGEST: usize = 1_000;

/// What can be declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The hotfix is not meant to last (A14).
    Temporary,
    /// Somebody wants the hotfix (A19, B05).
    AgreedBy,
    /// The issue that it mends (B03).
    Issue,
    /// What the quorum has decided (B05).
    Decision,
    /// Which criteria of a good hotfix hold (A01, A02).
    Triage,
}

impl Key {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Temporary,
        Self::AgreedBy,
        Self::Issue,
        Self::Decision,
        Self::Triage,
    ];

    /// What stands before the colon.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Temporary => "Hotfix-Temporary",
            Self::AgreedBy => "Agreed-by",
            Self::Issue => "Issue",
            Self::Decision => "Decision",
            Self::Triage => "Triage",
        }
    }

    /// What may stand behind it.
    pub const fn form(self) -> &'static str {
        match self {
            Self::Temporary => "`yes` or `no`",
            Self::AgreedBy => "`NAME <ADDRESS>`, one person",
            Self::Issue => {
                "`#NUMBER`, `OWNER/NAME#NUMBER`, the address of an issue, or a ticket of `policy.ticket`, one \
                 of them"
            }
            Self::Decision => "`hotfix`, `as-is` or `derail`",
            Self::Triage => "criteria by id or word, with commas between",
        }
    }

    fn of(key: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.name().eq_ignore_ascii_case(key))
    }

    /// The one that a key was probably meant to be.
    fn near(key: &str) -> Option<Self> {
        did_you_mean(key, Self::ALL.map(Self::name)).and_then(Self::of)
    }
}

/// What a quorum can decide (B05: ship as is, hotfix, or derail the train).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Mend it by a hotfix.
    Hotfix,
    /// Ship what there is.
    AsIs,
    /// Ship nothing of this train.
    Derail,
}

impl Decision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hotfix, Self::AsIs, Self::Derail];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hotfix => "hotfix",
            Self::AsIs => "as-is",
            Self::Derail => "derail",
        }
    }
}

/// Something that a commit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<T> {
    /// What.
    pub what: T,
    /// Which commit.
    pub by: CommitId,
}

/// A declaration that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What it is, or was probably meant to be.
    pub key: Key,
    /// What stands before the colon.
    pub written: String,
    /// What stands behind it.
    pub value: String,
}

impl Wrong {
    /// Whether its key is one that exists.
    pub fn is_of_its_key(&self) -> bool {
        self.key.name().eq_ignore_ascii_case(&self.written)
    }
}

/// All that the commits of a hotfix declare.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared {
    /// Whether it is not meant to last.
    pub temporary: Vec<Said<bool>>,
    /// Who wants it.
    pub agreed: Vec<Said<Person>>,
    /// What it mends.
    pub issues: Vec<Said<Reference>>,
    /// What was decided.
    pub decisions: Vec<Said<Decision>>,
    /// Which criteria hold.
    pub triage: Vec<Said<Ticks>>,
    /// What cannot be read.
    pub wrong: Vec<Said<Wrong>>,
    /// Whether there are more than [`MOST`], of which the rest was not read.
    pub too_many: bool,
}

impl Declared {
    /// Reads the trailers of commits.
    pub fn read<'a>(commits: impl Iterator<Item = (&'a CommitId, &'a [(String, String)])>) -> Self {
        let mut declared = Self::default();
        let trailers = commits.flat_map(|(by, trailers)| trailers.iter().map(move |one| (by, one)));
        let mut count = 0;
        for (by, (written, value)) in trailers {
            let exact = Key::of(written);
            let Some(key) = exact.or_else(|| Key::near(written)) else {
                continue;
            };
            count += 1;
            if count > MOST {
                declared.too_many = true;
                break;
            }
            let known = exact.is_some() && declared.add(key, value, by);
            if !known {
                let what = Wrong {
                    key,
                    written: written.clone(),
                    value: value.clone(),
                };
                declared.wrong.push(said(what, by));
            }
        }
        declared
    }

    /// Adds a declaration, if it has its form.
    fn add(&mut self, key: Key, value: &str, by: &CommitId) -> bool {
        if value.len() > LONGEST {
            return false;
        }
        match key {
            Key::Temporary => flag(value).map(|what| self.temporary.push(said(what, by))),
            Key::AgreedBy => Person::parse(value).map(|what| self.agreed.push(said(what, by))),
            Key::Issue => Reference::parse(value).map(|what| self.issues.push(said(what, by))),
            Key::Decision => decision(value).map(|what| self.decisions.push(said(what, by))),
            Key::Triage => Ticks::listed(value).map(|what| self.triage.push(said(what, by))),
        }
        .is_some()
    }

    /// The declarations of a key that cannot be read.
    pub fn wrong_of(&self, key: Key) -> impl Iterator<Item = &Said<Wrong>> {
        self.wrong.iter().filter(move |wrong| wrong.what.key == key)
    }

    /// The commit that says that the hotfix is temporary, if no other says that it is not.
    pub fn is_temporary(&self) -> Option<&CommitId> {
        match self.says_temporary(false) {
            Some(_) => None,
            None => self.says_temporary(true),
        }
    }

    /// The commit that says whether the hotfix is temporary.
    pub fn says_temporary(&self, what: bool) -> Option<&CommitId> {
        let mut all = self.temporary.iter();
        all.find(|one| one.what == what).map(|one| &one.by)
    }

    /// Two decisions that are not the same.
    pub fn two_decisions(&self) -> Option<(&Said<Decision>, &Said<Decision>)> {
        let first = self.decisions.first()?;
        let other = self.decisions.iter().find(|one| one.what != first.what)?;
        Some((first, other))
    }

    /// The criteria that are declared to hold, each once, and what is no criterion.
    pub fn ticks(&self) -> Ticks {
        let mut all = Ticks::default();
        for one in &self.triage {
            all.add(&one.what);
        }
        all
    }

    /// Whether some commit says that a criterion holds.
    pub fn ticks_it(&self, criterion: Criterion) -> Option<&CommitId> {
        let mut all = self.triage.iter();
        all.find(|one| one.what.known.contains(&criterion))
            .map(|one| &one.by)
    }
}

fn said<T>(what: T, by: &CommitId) -> Said<T> {
    Said {
        what,
        by: by.clone(),
    }
}

fn flag(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

fn decision(value: &str) -> Option<Decision> {
    let mut all = Decision::ALL.into_iter();
    all.find(|one| one.as_str().eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests;
