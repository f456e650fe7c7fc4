//! The one table of rules, and how a rule comes to its level and its outcome.
//!
//! A rule is one file below this one and one row of [`TABLE`]. It is pure: facts in, outcome out.
//! docs/rules.md is made from this table.

mod agreed;
mod atomic;
mod attested;
mod base_is_production;
mod build_passed;
mod changelog;
mod clean_parameters;
mod confidential;
mod declared;
mod earlier;
mod forward_port;
mod gate_wired;
mod has_changes;
mod hotfix_branch;
mod image_commit;
mod image_tag;
mod issue;
mod keeps_hotfixes;
mod merged_by_pull_request;
mod no_features;
mod not_in_production;
mod one_service;
mod pipeline_unchanged;
mod production_ticket;
mod promoted_ref;
mod qa_closed;
mod readable_promotion;
mod release_bump;
mod revertible;
mod reviewed;
mod running_known;
mod short_lived;
mod signed_off;
mod target_known;
mod ticket;
mod train;
mod trains;
mod triage;
mod tried_first;
mod unique_branch;
mod version_published;
mod wants;
mod working_branch;

use crate::ci::Event;
use crate::facts::history::Change;
use crate::facts::{Absent, Facts, Kind, Promotion, Source};
use crate::policy::RuleKey;
use crate::policy::targets::Class;
use crate::verdict::{Finding, Level, Outcome, Step};
pub use wants::{Asks, Wants, WantsOfIdentity, wants, wants_of_identity};

/// One rule.
pub struct Rule {
    /// Its id: the key in `policy.rules`, the heading in docs/rules.md, the name of its file.
    pub id: &'static str,
    /// Its level when the policy does not name it.
    pub level: OwnLevel,
    /// What it judges.
    pub judges: Judges,
    /// On which events.
    pub events: &'static [Event],
    /// Which facts it needs that are fetched only if some rule needs them.
    pub asks: &'static [Asks],
    /// What it promises, in one line.
    pub promise: &'static str,
    /// The sentence of the process behind it.
    pub why: &'static str,
    /// What a reader of docs/rules.md should know beside that.
    pub notes: &'static str,
    /// The rule itself.
    pub evaluate: fn(&Facts<'_>) -> Outcome,
}

/// A rule's own level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnLevel {
    /// The same everywhere; the policy may change it.
    Is(Level),
    /// One level for promotions to production, another for all else.
    Production {
        /// To production, and where the target cannot be read.
        there: Level,
        /// Elsewhere.
        elsewhere: Level,
    },
    /// `must`, whatever the policy says.
    Fixed,
}

/// What a rule judges (the column «judges» of the design). «Hotfix» rules never stop an ordinary
/// release or its rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judges {
    /// Hotfix branches, and promotions of a hotfix.
    Hotfix,
    /// Promotions to QA, of which it stops those of a hotfix.
    HotfixToQa,
    /// Promotions of a hotfix to production, and to where the target cannot be read.
    HotfixToProduction,
    /// Every build of its events.
    All,
}

/// The rule that is judged last, because it needs the image itself.
pub const OF_THE_IMAGE: &str = image_commit::RULE.id;

/// Every rule, in the order of the report.
pub const TABLE: [&Rule; 39] = [
    &readable_promotion::RULE,
    &qa_closed::RULE,
    &hotfix_branch::RULE,
    &working_branch::RULE,
    &ticket::RULE,
    &image_tag::RULE,
    &unique_branch::RULE,
    &running_known::RULE,
    &base_is_production::RULE,
    &has_changes::RULE,
    &agreed::RULE,
    &issue::RULE,
    &triage::RULE,
    &atomic::RULE,
    &no_features::RULE,
    &revertible::RULE,
    &one_service::RULE,
    &short_lived::RULE,
    &pipeline_unchanged::RULE,
    &gate_wired::RULE,
    &not_in_production::RULE,
    &image_commit::RULE,
    &merged_by_pull_request::RULE,
    &reviewed::RULE,
    &forward_port::RULE,
    &target_known::RULE,
    &promoted_ref::RULE,
    &clean_parameters::RULE,
    &version_published::RULE,
    &attested::RULE,
    &build_passed::RULE,
    &tried_first::RULE,
    &signed_off::RULE,
    &keeps_hotfixes::RULE,
    &train::RULE,
    &changelog::RULE,
    &release_bump::RULE,
    &production_ticket::RULE,
    &confidential::RULE,
];

/// Whether `policy.overrides` may name a rule: not what stands above every policy.
pub fn may_be_overridden(id: &str) -> bool {
    !TABLE
        .iter()
        .any(|rule| rule.id == id && rule.level == OwnLevel::Fixed)
}

/// The rules that a policy may name.
pub fn keys() -> Vec<RuleKey> {
    let keys = TABLE.iter().map(|rule| RuleKey {
        id: rule.id,
        fixed: rule.level == OwnLevel::Fixed,
    });
    keys.collect()
}

/// Applies every rule of the table.
pub fn judge(facts: &Facts<'_>) -> Vec<Finding> {
    TABLE.iter().map(|rule| one(rule, facts)).collect()
}

fn one(rule: &Rule, facts: &Facts<'_>) -> Finding {
    let named = facts.policy.rules.get(rule.id).copied();
    let level = match rule.level {
        OwnLevel::Fixed => Level::Must,
        OwnLevel::Is(level) => named.unwrap_or(level),
        OwnLevel::Production { there, elsewhere } => named.unwrap_or(if may_be_production(facts) {
            there
        } else {
            elsewhere
        }),
    };
    let outcome = if level == Level::Off {
        Outcome::NotChecked {
            because: match named {
                Some(_) => "`policy.rules` turns it off".to_owned(),
                None => "it is off unless `policy.rules` names it".to_owned(),
            },
            next: Vec::new(),
        }
    } else {
        match applies(rule.judges, rule.events, facts) {
            None => (rule.evaluate)(facts),
            // Whatever is asked of a hotfix and holds, holds for what may be none, too; and what is not
            // configured is not checked for either. Only a violation needs to know what it judges.
            Some(unknown @ Outcome::Unknown { .. }) => match (rule.evaluate)(facts) {
                Outcome::Violation { .. } | Outcome::Unknown { .. } => unknown,
                holds => holds,
            },
            Some(not_judged) => not_judged,
        }
    };
    let who = match rule.level {
        OwnLevel::Fixed => "nobody: it cannot be turned off".to_owned(),
        _ => format!(
            "whoever may change `policy.rules.{}` in the pipeline file",
            rule.id
        ),
    };
    Finding {
        rule: rule.id,
        level,
        named: named.is_some(),
        outcome,
        why: rule.why,
        who,
        overridden: None,
        override_by: Vec::new(),
    }
}

/// The promotion that a rule judges, or the answer of a rule that is asked about another build.
fn promotion<'f>(facts: &'f Facts<'_>) -> Result<&'f Promotion, Outcome> {
    facts
        .promotion
        .as_ref()
        .ok_or_else(|| Outcome::NotApplicable {
            because: "it is no promotion".to_owned(),
        })
}

/// The commits of the hotfix, or the answer of a rule that judges them where there are none.
fn own_commits<'f>(facts: &'f Facts<'_>) -> Result<&'f [Change], Outcome> {
    match known(&known(&facts.history)?.range)?.as_slice() {
        [] => Err(no_commit()),
        range => Ok(range),
    }
}

/// The answer about a hotfix that holds nothing of its own yet.
fn no_commit() -> Outcome {
    Outcome::NotApplicable {
        because: "it has no commit yet".to_owned(),
    }
}

/// So many commits, in a sentence.
fn commits(count: usize) -> String {
    match count {
        1 => "1 commit".to_owned(),
        n => format!("{n} commits"),
    }
}

/// A fact that a rule needs, or the answer of a rule that does not have it.
fn known<T>(source: &Source<T>) -> Result<&T, Outcome> {
    match source {
        Source::Known(fact) => Ok(fact),
        Source::NotConfigured(because) => Err(Outcome::NotChecked {
            because: because.clone(),
            next: Vec::new(),
        }),
        Source::Unknown {
            because,
            retry,
            advice,
        } => Err(Outcome::Unknown {
            because: because.clone(),
            retry: *retry,
            next: vec![Step::Say(advice.clone())],
        }),
    }
}

fn may_be_production(facts: &Facts<'_>) -> bool {
    facts
        .promotion
        .as_ref()
        .is_some_and(|p| matches!(p.target.class(), Some(Class::Production) | None))
}

/// The answer for a build that a rule does not judge; `None` if it does.
fn applies(judges: Judges, events: &[Event], facts: &Facts<'_>) -> Option<Outcome> {
    let not = |because: String| Some(Outcome::NotApplicable { because });
    if !events.contains(&facts.build.event) {
        return not(format!(
            "it does not judge the event `{}`",
            facts.build.event_name
        ));
    }
    let Some(promotion) = &facts.promotion else {
        return None;
    };
    match judges {
        Judges::All => None,
        Judges::HotfixToQa => match promotion.target.class() {
            Some(Class::Qa) => None,
            Some(class) => {
                let name = promotion.target.name().unwrap_or_default();
                not(format!("`{name}` is {}", class.describe()))
            }
            None => not("no target that can be read".to_owned()),
        },
        Judges::HotfixToProduction
            if !matches!(promotion.target.class(), Some(Class::Production) | None) =>
        {
            let name = promotion.target.name().unwrap_or_default();
            let class = promotion.target.class().map(Class::describe);
            not(format!("`{name}` is {}", class.unwrap_or_default()))
        }
        Judges::Hotfix | Judges::HotfixToProduction => match promotion.kind() {
            Kind::Hotfix => None,
            Kind::Ordinary => not("it is no hotfix".to_owned()),
            // Where QA is the target, `qa-closed` says why. The answer stays «unknown» all the same:
            // that rule may be off, and another must not pass for it.
            Kind::Unknown if promotion.target.class() == Some(Class::Qa) => {
                Some(Outcome::Unknown {
                    because: "whether this is a hotfix is not known; see `qa-closed`".to_owned(),
                    retry: false,
                    next: Vec::new(),
                })
            }
            Kind::Unknown => Some(unknown_kind(promotion)),
        },
    }
}

/// What a rule answers when nobody can say whether a promotion is a hotfix's.
fn unknown_kind(promotion: &Promotion) -> Outcome {
    match promotion.unknown_identity() {
        Some(Absent::Unknown { because, retry, advice }) => Outcome::Unknown {
            because: format!("whether this is a hotfix is not known: {because}"),
            retry,
            next: vec![Step::Say(advice)],
        },
        _ => Outcome::Unknown {
            because: "whether this is a hotfix is not known: the CI server names neither branch nor \
                      git reference of the promoted build, as for a GitHub deployment of a bare commit"
                .to_owned(),
            retry: false,
            next: vec![Step::Say(
                "deploy a branch or a tag instead of a bare commit, or promote the build itself".to_owned(),
            )],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_in_no_two_tables() {
        let mut ids: Vec<&str> = keys().iter().map(|key| key.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
