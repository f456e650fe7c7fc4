//! Overrides: a rule that is broken or unknown may be let pass, but only one rule at a time, by a
//! person of `policy.overrides`, for this very promotion or build, and until a day. Pure.
//!
//! Three things come together, and none of them can be brought by the person alone: the entry stands in
//! the policy, the login comes from the server (`DRONE_BUILD_TRIGGER`, which no parameter replaces),
//! and the reason names what is overridden, because Drone hands parameters on to restarts and to
//! promotions of promotions (drone.md §3). A finding that is overridden keeps its outcome.

mod naming;

use crate::attestation::statement::{Overridden, RuleOutcome};
use crate::ci::{Event, Platform};
use crate::day::Day;
use crate::facts::Facts;
use crate::facts::reason::{PARAMETER, Reason};
use crate::policy::overrides::Entry;
use crate::rules;
use crate::verdict::{Effect, Finding, Outcome, Override, Step, Verdict};
use naming::Naming;

/// Asks every rule, lets the overrides cover what they may, and adds up.
pub fn judge(facts: &Facts<'_>) -> Verdict {
    let pull_request = facts.build.event == Event::PullRequest;
    let mut findings = rules::judge(facts);
    let request = request(facts);
    let mut command = hint(facts);
    for finding in &mut findings {
        if !stops(finding.effect(pull_request)) {
            continue;
        }
        let found = request
            .as_ref()
            .ok()
            .map(|request| request.look_up(facts, finding.rule));
        if let Some(Ok(overridden)) = found {
            finding.overridden = Some(overridden);
        } else if can_be_used(facts) && rules::may_be_overridden(finding.rule) {
            finding.override_by = way(facts, finding.rule, &mut command);
        }
    }
    Verdict::of(findings, pull_request)
}

/// What people should know of a reason that was given: why it does not count, or that it was not
/// needed. Each thing once.
pub fn remarks(facts: &Facts<'_>, verdict: &Verdict) -> Vec<String> {
    if facts.reason == Reason::Missing {
        return Vec::new();
    }
    let stopped: Vec<&Finding> = verdict
        .findings()
        .iter()
        .filter(|finding| stops(verdict.effect_of(finding)))
        .collect();
    if stopped.is_empty() && verdict.with(Effect::Overridden).next().is_none() {
        return vec![format!(
            "`{PARAMETER}` was not needed: no rule that must hold is broken or unknown"
        )];
    }
    let request = match request(facts) {
        Ok(request) => request,
        Err(why) => return vec![format!("`{PARAMETER}` overrides nothing: {why}")],
    };
    let mut denied: Vec<(String, Vec<&str>)> = Vec::new();
    for finding in stopped {
        let Err(why) = request.look_up(facts, finding.rule) else {
            continue;
        };
        match denied.iter_mut().find(|(known, _)| *known == why) {
            Some((_, rules)) => rules.push(finding.rule),
            None => denied.push((why, vec![finding.rule])),
        }
    }
    let mut remarks: Vec<String> = denied
        .iter()
        .map(|(why, rules)| {
            let rules = rules.join("`, `");
            format!("`{PARAMETER}` does not override `{rules}`: {why}")
        })
        .collect();
    let holds = |rule: &str| {
        let mut findings = verdict.findings().iter();
        findings.any(|f| f.rule == rule && matches!(f.outcome, Outcome::Pass { .. }))
    };
    let mut idle: Vec<&str> = entries(facts)
        .filter(|entry| request.look_up(facts, &entry.rule).is_ok() && holds(&entry.rule))
        .map(|entry| entry.rule.as_str())
        .collect();
    idle.dedup();
    if !idle.is_empty() {
        remarks.push(format!(
            "`{PARAMETER}` was not needed for `{}`, which holds",
            idle.join("`, `")
        ));
    }
    remarks
}

/// What every rule said, for a statement about the image.
pub fn rule_outcomes(verdict: &Verdict) -> Vec<RuleOutcome> {
    verdict
        .findings()
        .iter()
        .map(|finding| RuleOutcome {
            rule: finding.rule.to_owned(),
            level: finding.level.as_str().to_owned(),
            outcome: finding.outcome.as_str().to_owned(),
            overridden: finding.overridden.as_ref().map(|used| Overridden {
                by: used.by.clone(),
                reason: used.reason.clone(),
                until: used.until.to_string(),
            }),
        })
        .collect()
}

fn stops(effect: Effect) -> bool {
    matches!(effect, Effect::Refuses | Effect::Undecides)
}

/// Whether an override can count for this build at all.
fn can_be_used(facts: &Facts<'_>) -> bool {
    facts.build.platform == Platform::Drone
        && facts.build.event != Event::PullRequest
        && !facts.policy.overrides.is_empty()
}

fn entries<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = &'a Entry> {
    facts.policy.overrides.iter()
}

/// A person who wants to override, with a reason that is one.
struct Request<'a> {
    by: &'a str,
    reason: &'a str,
    today: Day,
}

/// Who asks and why; else why that does not count.
fn request<'a>(facts: &'a Facts<'_>) -> Result<Request<'a>, String> {
    let reason = match &facts.reason {
        Reason::Given(reason) => reason,
        Reason::Unusable(why) => return Err(why.clone()),
        Reason::Missing => return Err("it is not given".to_owned()),
    };
    let build = facts.build;
    if build.platform == Platform::Woodpecker {
        // woodpecker-ci/woodpecker server/pipeline/restart.go: a deployment is a copy of the deployed
        // pipeline, its author included; and where that is empty, a parameter can bring one.
        return Err(
            "Woodpecker does not say who has started a deployment (`CI_PIPELINE_AUTHOR` is the author \
             of the pipeline that is deployed), so nobody can override a rule there"
                .to_owned(),
        );
    }
    if build.event == Event::PullRequest {
        return Err("on a pull request nothing is published, and the push decides".to_owned());
    }
    if facts.policy.overrides.is_empty() {
        return Err("`policy.overrides` lets nobody override a rule".to_owned());
    }
    let by = match build.trigger.as_deref() {
        Some(trigger) if trigger.starts_with('@') => {
            return Err(format!(
                "this build was started by `{}` and not by a person",
                crate::facts::shorten(trigger)
            ));
        }
        Some(login) => login,
        None => return Err("the server does not say who has started this build".to_owned()),
    };
    Naming::of(facts)?.check(reason)?;
    Ok(Request {
        by,
        reason,
        today: today(facts)?,
    })
}

/// The day, by the clock that is ahead: a runner whose clock was set back must not bring an entry to
/// life that has ended.
fn today(facts: &Facts<'_>) -> Result<Day, String> {
    let now = facts.now.max(facts.build.created.unwrap_or_default());
    Some(now)
        .filter(|now| *now > 0)
        .and_then(Day::of_seconds)
        .ok_or_else(|| "neither the runner nor the server has a clock that is right".to_owned())
}

impl Request<'_> {
    /// The override of a rule; else why there is none.
    fn look_up(&self, facts: &Facts<'_>, rule: &str) -> Result<Override, String> {
        if !rules::may_be_overridden(rule) {
            return Err("what may be read in two ways cannot be overridden".to_owned());
        }
        let of_rule: Vec<&Entry> = entries(facts).filter(|entry| entry.rule == rule).collect();
        if of_rule.is_empty() {
            return Err("`policy.overrides` has no entry for that rule".to_owned());
        }
        let own = of_rule
            .iter()
            .filter(|entry| entry.who.iter().any(|login| login == self.by));
        let Some(last) = own.max_by_key(|entry| entry.until) else {
            return Err(format!(
                "`{}` is not among those who may ({})",
                crate::facts::shorten(self.by),
                people(&of_rule)
            ));
        };
        if self.today > last.until {
            return Err(format!(
                "the entry of `policy.overrides` for `{}` ended on {}",
                self.by, last.until
            ));
        }
        Ok(Override {
            by: self.by.to_owned(),
            reason: facts.in_full(self.reason).to_owned(),
            until: last.until,
        })
    }
}

/// Logins in prose, each once.
fn people(entries: &[&Entry]) -> String {
    let mut logins: Vec<&str> = Vec::new();
    for login in entries.iter().flat_map(|entry| &entry.who) {
        if !logins.contains(&login.as_str()) {
            logins.push(login);
        }
    }
    format!("`{}`", logins.join("`, `"))
}

/// Who may override a rule that stops this build, and how. The command is taken by the first rule that
/// somebody may override: one reason is for all of them.
fn way(facts: &Facts<'_>, rule: &str, command: &mut Option<Step>) -> Vec<Step> {
    let of_rule: Vec<&Entry> = entries(facts).filter(|entry| entry.rule == rule).collect();
    let today = today(facts).ok();
    let alive: Vec<&Entry> = of_rule
        .iter()
        .copied()
        .filter(|entry| today.is_some_and(|today| today <= entry.until))
        .collect();
    if alive.is_empty() {
        return vec![Step::Say(match of_rule.iter().max_by_key(|e| e.until) {
            Some(last) => format!(
                "{rule} by nobody any more: the last entry of `policy.overrides` for it ended on {}",
                last.until
            ),
            None => format!("{rule} by nobody: `policy.overrides` has no entry for it"),
        })];
    }
    let each: Vec<String> = alive
        .iter()
        .map(|entry| format!("{} until {}", people(&[*entry]), entry.until))
        .collect();
    let mut steps = vec![Step::Say(format!("{rule} by {}", each.join("; ")))];
    if let Some(command) = command.take() {
        steps.push(Step::Say(
            "that person starts it again, with the same other parameters, and says why:".to_owned(),
        ));
        steps.push(command);
    }
    steps
}

/// The command by which a person overrides. The reason in it has no word of its own, so that it does
/// not count as it stands there.
fn hint(facts: &Facts<'_>) -> Option<Step> {
    let build = facts.build;
    let reason = format!(
        "--param={PARAMETER}={}: …",
        Naming::of(facts).ok()?.example()
    );
    let Some(promotion) = &facts.promotion else {
        let branch = format!("--branch={}", build.branch.as_deref()?);
        let words = ["drone", "build", "create", &branch, &reason, &build.repo];
        return Some(Step::run(words));
    };
    let verb = match build.event {
        Event::Rollback => "rollback",
        _ => "promote",
    };
    let number = build.parent.unwrap_or(build.number).to_string();
    let target = promotion.target.name()?;
    let words = ["drone", "build", verb, &build.repo, &number, target].map(str::to_owned);
    let versions = promotion.versions.iter();
    let versions = versions.map(|version| format!("--param={}={}", version.name, version.text));
    Some(Step::run(words.into_iter().chain(versions).chain([reason])))
}
