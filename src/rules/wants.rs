//! Which facts the rules need that judge a build. What no rule asks for is not fetched, so that no
//! build waits for a server that has no say in it.

use super::{Judges, OwnLevel, Rule, TABLE, applies, keeps_hotfixes};
use crate::facts::confidential::Why;
use crate::facts::{Facts, Kind};
use crate::policy::targets::Class;
use crate::registry::reference::Version;
use crate::verdict::{Level, Outcome};

/// Facts that are fetched only if some rule needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// What git and the remote say.
    History,
    /// What runs in production.
    Running,
    /// What the tags of this build are in the registry now.
    Current,
    /// What the pipeline file says.
    Pipeline,
    /// What the Drone server knows of a promotion.
    Before,
    /// The list of earlier builds.
    Past,
    /// What the versions of a promotion name in the registry.
    Images,
    /// What git says of a train; it needs [`Asks::History`] too.
    Train,
    /// What other branches of the remote do to the train.
    Branches,
    /// What registries answer to somebody without credentials, of a confidential hotfix.
    Exposure,
    /// The pull requests of the hotfix, with their commits and reviews.
    Pulls,
    /// Where commits of the hotfix came from that came by none of them.
    Strays,
    /// The open pull requests into the default branch.
    Forward,
    /// Who of those that have approved is in the teams of `policy.agreed`.
    Teams,
    /// The issues that the hotfix names.
    Issues,
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
    let may_judge = |rule: &&&Rule| {
        let off = is_off(rule, facts);
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
    let mut names = names.map(|version| version.version.as_ref());
    let said = !to_qa && names.all(|version| version.is_some_and(|it| is_release(it, facts)));
    let kind = !is_hotfix && !said && TABLE.iter().any(|rule| may_judge(&rule));
    let mut judging = TABLE.iter().filter(may_judge);
    WantsOfIdentity {
        kind,
        // The image is deployed from the registry in any case; a remote that a step cannot reach keeps
        // nothing out of production. To QA nothing goes that nobody has looked at.
        commits: kind && to_qa,
        // A hotfix for QA is refused by its name alone.
        images: !to_qa
            && (is_hotfix || kind)
            && judging.any(|rule| rule.asks.contains(&Asks::Images)),
    }
}

/// Whether a version names exactly the number of a release, and no bytes beside it.
fn is_release(version: &Version, facts: &Facts<'_>) -> bool {
    let tag = version.tag().filter(|_| version.digest().is_none());
    tag.is_some_and(|tag| facts.policy.is_full_release(tag))
}

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
    /// What git says of a train.
    pub train: bool,
    /// Also what other branches do to it.
    pub branches: bool,
    /// What registries answer to somebody without credentials.
    pub exposure: bool,
    /// The pull requests of the hotfix.
    pub pulls: bool,
    /// Where commits came from that came by none of them.
    pub strays: bool,
    /// The open pull requests into the default branch.
    pub forward: bool,
    /// Who is in which team.
    pub teams: bool,
    /// The issues that the hotfix names.
    pub issues: bool,
}

/// What the rules that judge this build need.
pub fn wants(facts: &Facts<'_>) -> Wants {
    let judging: Vec<&Rule> = TABLE
        .into_iter()
        .filter(|rule| judges(rule, facts))
        .collect();
    let wanted = |what| judging.iter().any(|rule| rule.asks.contains(&what));
    Wants {
        running: wanted(Asks::Running),
        current: wanted(Asks::Current),
        history: wanted(Asks::History),
        pipeline: wanted(Asks::Pipeline),
        before: facts.promotion.is_some() && wanted(Asks::Before),
        past: wanted(Asks::Past),
        train: wanted(Asks::Train),
        branches: wanted(Asks::Branches),
        exposure: facts.confidential.is_some_and(|why| why != Why::Beside)
            && wanted(Asks::Exposure),
        pulls: wanted(Asks::Pulls),
        strays: wanted(Asks::Strays),
        forward: wanted(Asks::Forward),
        teams: wanted(Asks::Teams),
        issues: wanted(Asks::Issues),
    }
}

/// Whether the policy turns a rule off, or does not turn it on.
fn is_off(rule: &Rule, facts: &Facts<'_>) -> bool {
    let named = facts.policy.rules.get(rule.id).copied();
    match rule.level {
        OwnLevel::Is(own) => named.unwrap_or(own) == Level::Off,
        OwnLevel::Production { .. } | OwnLevel::Fixed => named == Some(Level::Off),
    }
}

fn judges(rule: &Rule, facts: &Facts<'_>) -> bool {
    let off = is_off(rule, facts);
    let applies = applies(rule.judges, rule.events, facts);
    // An ordinary release is compared with what runs only where somebody knows what runs.
    let worth_it = rule.id != keeps_hotfixes::RULE.id
        || (facts.policy.running.is_some() && keeps_hotfixes::is_due(facts));
    !off && worth_it && !matches!(applies, Some(Outcome::NotApplicable { .. }))
}
