//! `policy.issue`: by which headings the sections of an issue are known (B03).

use std::sync::LazyLock;

use regex::Regex;

use super::read::Table;
use crate::hotfix::compile;
use crate::problem::Problem;

/// What an issue has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What the user sees.
    User,
    /// The share of users who see it.
    Share,
    /// How risky the fix is.
    Risk,
}

impl Part {
    /// All of them. A heading that fits two is that of the first: «what share of users sees it».
    pub const ALL: [Self; 3] = [Self::Share, Self::Risk, Self::User];

    /// The key in `policy.issue.sections`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Share => "share",
            Self::Risk => "risk",
        }
    }

    /// What it is, in a sentence.
    pub const fn what(self) -> &'static str {
        match self {
            Self::User => "what the user sees",
            Self::Share => "the share of users who see it",
            Self::Risk => "the risk of the fix",
        }
    }

    /// The pattern of its heading, where the policy has none.
    pub const fn default(self) -> &'static str {
        match self {
            Self::User => {
                r"(?i)\busers?\b.*\b(sees?|notices?|experiences?)\b|\buser[- ](impact|visible)|\bsymptoms?\b"
            }
            Self::Share => {
                r"(?i)\bshare\b|\bper ?cent|\bhow many users\b|\b(affected|hit) users\b|\busers? (affected|hit)\b"
            }
            Self::Risk => r"(?i)\brisks?\b|\bcomplexity\b",
        }
    }
}

/// Patterns of headings.
#[derive(Debug, Clone, Default)]
pub struct Sections(Vec<(Part, Regex)>);

impl Sections {
    /// The part of an issue that a heading begins.
    pub fn part(&self, heading: &str) -> Option<Part> {
        static DEFAULTS: LazyLock<Vec<(Part, Regex)>> = LazyLock::new(|| {
            let all = Part::ALL.into_iter();
            all.filter_map(|part| Some((part, compile(part.default()).ok()?)))
                .collect()
        });
        let fits = |part: &Part| {
            let mut patterns = self.0.iter().chain(DEFAULTS.iter());
            let pattern = patterns.find(|(one, _)| one == part);
            pattern.is_some_and(|(_, pattern)| pattern.is_match(heading))
        };
        Part::ALL.into_iter().find(fits)
    }
}

/// Reads the key.
pub(super) fn read(policy: &Table<'_>, problems: &mut Vec<Problem>) -> Sections {
    let mut found = Sections::default();
    let Some(node) = policy.get("issue") else {
        return found;
    };
    let table = Table::read(&policy.at("issue"), node, &["sections"], problems);
    let Some(node) = table.get("sections") else {
        return found;
    };
    let keys = [Part::User, Part::Share, Part::Risk].map(Part::key);
    let table = Table::read(&table.at("sections"), node, &keys, problems);
    for part in Part::ALL {
        let expected =
            "a regular expression that the heading matches (Rust's: without look-around)";
        let pattern = table.parsed(part.key(), expected, problems, |text| match compile(text) {
            Ok(pattern) if pattern.is_match("") => Err("it matches every heading".to_owned()),
            other => other,
        });
        found.0.extend(pattern.map(|pattern| (part, pattern)));
    }
    found
}
