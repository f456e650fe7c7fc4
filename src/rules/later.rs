//! Names of rules that the process has and this version does not judge.
//!
//! A policy may name them, so that it can be written once. Named `must`, such a rule is not checked,
//! and that leaves the build undecided: what a team demands is never taken as fulfilled. When a rule
//! comes to exist, its row moves from here to the table.

use super::Judges::{self, Hotfix};
use super::applies;
use crate::ci::Event::{self, Custom, Promote, PullRequest, Push};
use crate::facts::Facts;
use crate::verdict::{Finding, Outcome, Step};

/// One such name.
pub struct Row {
    /// The id.
    pub id: &'static str,
    /// What it will judge.
    pub judges: Judges,
    /// On which events.
    pub events: &'static [Event],
}

const fn row(id: &'static str, judges: Judges, events: &'static [Event]) -> Row {
    Row { id, judges, events }
}

const PR_PUSH: &[Event] = &[PullRequest, Push, Custom];
const PR_PUSH_PROMOTE: &[Event] = &[PullRequest, Push, Custom, Promote];

/// Every such name, with what the design says it will judge.
pub const IDS: [Row; 4] = [
    row("changelog", Hotfix, PR_PUSH),
    row("release-bump", Hotfix, PR_PUSH),
    row("train", Hotfix, PR_PUSH),
    row("confidential", Hotfix, PR_PUSH_PROMOTE),
];

/// The answers for those that the policy names.
pub(super) fn named(facts: &Facts<'_>) -> Vec<Finding> {
    IDS.iter()
        .filter_map(|row| {
            let level = facts.policy.rules.get(row.id).copied()?;
            let outcome = applies(row.judges, row.events, facts).unwrap_or(Outcome::NotChecked {
                because: format!(
                    "version {} of this plugin does not judge it yet",
                    env!("CARGO_PKG_VERSION")
                ),
                next: vec![Step::Say(format!(
                    "name `policy.rules.{}` `should`, or leave it out, until a version judges it",
                    row.id
                ))],
            });
            Some(Finding {
                rule: row.id,
                level,
                named: true,
                outcome,
                why: "the policy names it, so it counts",
                who: format!(
                    "whoever may change `policy.rules.{}` in the pipeline file",
                    row.id
                ),
                overridden: None,
                override_by: Vec::new(),
            })
        })
        .collect()
}
