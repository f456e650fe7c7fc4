//! The one table of rules, and how a rule comes to its level and its outcome.
//!
//! A rule is one file below this one and one row of [`TABLE`]. It is pure: facts in, outcome out.
//! docs/rules.md is made from this table.

mod atomic;
mod attested;
mod base_is_production;
mod build_passed;
mod clean_parameters;
mod earlier;
mod forward_port;
mod gate_wired;
mod has_changes;
mod hotfix_branch;
mod image_commit;
mod image_tag;
mod keeps_hotfixes;
pub mod later;
mod no_features;
mod not_in_production;
mod one_service;
mod pipeline_unchanged;
mod promoted_ref;
mod qa_closed;
mod readable_promotion;
mod revertible;
mod running_known;
mod short_lived;
mod signed_off;
mod target_known;
mod ticket;
mod triage;
mod tried_first;
mod unique_branch;
mod version_published;
mod working_branch;

use crate::ci::Event;
use crate::facts::{Absent, Facts, Kind, Promotion, Source};
use crate::policy::RuleKey;
use crate::policy::targets::Class;
use crate::verdict::{Finding, Level, Outcome, Step};

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
pub const TABLE: [&Rule; 30] = [
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
];

/// Whether `policy.overrides` may name a rule: not what stands above every policy.
pub fn may_be_overridden(id: &str) -> bool {
    !TABLE
        .iter()
        .any(|rule| rule.id == id && rule.level == OwnLevel::Fixed)
}

/// The rules that a policy may name.
pub fn keys() -> Vec<RuleKey> {
    let rules = TABLE.iter().map(|rule| RuleKey {
        id: rule.id,
        fixed: rule.level == OwnLevel::Fixed,
    });
    rules
        .chain(later::IDS.iter().map(|row| RuleKey {
            id: row.id,
            fixed: false,
        }))
        .collect()
}

/// What has to be known of a promoted image before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantsOfIdentity {
    /// Whether it is a hotfix's: some rule judges it only then.
    pub kind: bool,
    /// Whether also by the commit that it was built from.
    pub commits: bool,
    /// What its versions name in the registry.
    pub images: bool,
}

/// What the rules that may judge a promotion need to know of its image.
pub fn wants_of_identity(facts: &Facts<'_>) -> WantsOfIdentity {
    let nothing = WantsOfIdentity {
        kind: false,
        commits: false,
        images: false,
    };
    let Some(promotion) = &facts.promotion else {
        return nothing;
    };
    let is_hotfix = promotion.kind() == Kind::Hotfix;
    let may_judge = |rule: &&Rule| {
        let off = facts.policy.rules.get(rule.id) == Some(&Level::Off);
        let due = rule.events.contains(&facts.build.event);
        let here = match (rule.judges, promotion.target.class()) {
            (Judges::All, _) => false,
            (Judges::Hotfix, _) => true,
            (Judges::HotfixToQa, class) => class == Some(Class::Qa),
            (Judges::HotfixToProduction, class) => matches!(class, Some(Class::Production) | None),
        };
        !off && due && here
    };
    // Outside QA a release number is taken at its word, so that no ordinary release waits for a server
    // that only a hotfix rule asks. A digest or a build's number says nothing by itself.
    let to_qa = promotion.target.class() == Some(Class::Qa);
    let names = promotion.versions.iter();
    let mut names = names.map(|version| version.text.as_str());
    let said = !to_qa && names.all(|text| is_release_number(text, facts));
    let kind = !is_hotfix && !said && TABLE.iter().any(&may_judge);
    WantsOfIdentity {
        kind,
        // The image is deployed from the registry in any case; a remote that a step cannot reach keeps
        // nothing out of production. To QA nothing goes that nobody has looked at.
        commits: kind && to_qa,
        // A hotfix for QA is refused by its name alone.
        images: !to_qa && (is_hotfix || kind) && OF_IMAGES.iter().any(may_judge),
    }
}

/// Whether a version as it is written is exactly the number of a release.
fn is_release_number(text: &str, facts: &Facts<'_>) -> bool {
    version_published::tag_of(text).is_some_and(|tag| facts.policy.is_release(tag))
        && !text.contains('@')
}

/// Rules that judge what happened to a hotfix before.
const OF_THE_PAST: [&Rule; 3] = [&build_passed::RULE, &tried_first::RULE, &signed_off::RULE];

/// Rules that judge what a version names in the registry.
const OF_IMAGES: [&Rule; 5] = [
    &version_published::RULE,
    &attested::RULE,
    &build_passed::RULE,
    &tried_first::RULE,
    &signed_off::RULE,
];

/// What has to be fetched before the rules are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    /// What runs in production.
    pub running: bool,
    /// What the tags of this build are in the registry now.
    pub current: bool,
    /// What git and the remote say.
    pub history: bool,
    /// What the pipeline file says.
    pub pipeline: bool,
    /// What the Drone server knows of a promotion.
    pub before: bool,
    /// Also the list of earlier builds.
    pub past: bool,
}

/// Rules that judge the history.
const OF_HISTORY: [&Rule; 13] = [
    &unique_branch::RULE,
    &running_known::RULE,
    &base_is_production::RULE,
    &has_changes::RULE,
    &triage::RULE,
    &atomic::RULE,
    &no_features::RULE,
    &revertible::RULE,
    &one_service::RULE,
    &short_lived::RULE,
    &pipeline_unchanged::RULE,
    &forward_port::RULE,
    &keeps_hotfixes::RULE,
];

/// Rules that need to know what runs in production.
const OF_RUNNING: [&Rule; 4] = [
    &running_known::RULE,
    &base_is_production::RULE,
    &not_in_production::RULE,
    &keeps_hotfixes::RULE,
];

/// What the rules that judge this build need.
pub fn wants(facts: &Facts<'_>) -> Wants {
    let judges = |rule: &&Rule| {
        let off = facts.policy.rules.get(rule.id) == Some(&Level::Off);
        let applies = applies(rule.judges, rule.events, facts);
        !off && !matches!(applies, Some(Outcome::NotApplicable { .. }))
    };
    let release_to_production = |rule: &&Rule| {
        // An ordinary release is compared with what runs only where somebody knows what runs.
        rule.id != keeps_hotfixes::RULE.id
            || (facts.policy.running.is_some() && keeps_hotfixes::is_due(facts))
    };
    let judges = |rule: &&Rule| judges(rule) && release_to_production(rule);
    Wants {
        running: OF_RUNNING.iter().any(judges),
        current: judges(&&not_in_production::RULE),
        history: OF_HISTORY.iter().any(judges),
        pipeline: [&gate_wired::RULE, &pipeline_unchanged::RULE]
            .iter()
            .any(judges),
        before: facts.promotion.is_some()
            && [&clean_parameters::RULE, &promoted_ref::RULE]
                .iter()
                .chain(&OF_THE_PAST)
                .any(judges),
        past: OF_THE_PAST.iter().any(judges),
    }
}

/// Applies every rule of the table, and answers for the rules that a policy names and that do not
/// exist yet.
pub fn judge(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = TABLE.iter().map(|rule| one(rule, facts)).collect();
    findings.extend(later::named(facts));
    findings
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
            because: "`policy.rules` turns it off".to_owned(),
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
