//! `policy.limits`: how much a hotfix may be.

use std::time::Duration;

use super::read::Table;
use crate::problem::Problem;

/// The bounds that a team has written. What is not written has the default of its rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most commits.
    pub commits: Option<u64>,
    /// The most files.
    pub files: Option<u64>,
    /// The most changed lines.
    pub lines: Option<u64>,
    /// The greatest age.
    pub age: Option<Duration>,
    /// The shortest time on a trial target.
    pub soak: Option<Duration>,
}

/// Reads the key.
pub(super) fn read(policy: &Table<'_>, problems: &mut Vec<Problem>) -> Limits {
    let Some(node) = policy.get("limits") else {
        return Limits::default();
    };
    let known = ["commits", "files", "lines", "age", "soak"];
    let limits = Table::read(&policy.at("limits"), node, &known, problems);
    Limits {
        commits: limits.count("commits", problems),
        files: limits.count("files", problems),
        lines: limits.count("lines", problems),
        age: limits.duration("age", problems),
        soak: limits.duration("soak", problems),
    }
}
