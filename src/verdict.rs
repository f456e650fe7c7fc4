//! Levels, outcomes and how they add up to a verdict. Total functions over plain data.

use std::fmt;

use crate::day::Day;

/// How much a rule weighs: RFC 2119's words, as the process uses them (A00).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Not judged, and reported as off.
    Off,
    /// Informs.
    May,
    /// Warns.
    Should,
    /// Fails the step.
    Must,
}

impl Level {
    /// Every level, from the weakest to the strongest.
    pub const ALL: [Self; 4] = [Self::Off, Self::May, Self::Should, Self::Must];

    /// The level of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    /// The word that stands in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::May => "may",
            Self::Should => "should",
            Self::Must => "must",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing to do next. A command is kept as its words, so that only the report decides how to
/// quote it: a target or branch name chosen by somebody else must not become shell syntax in the
/// terminal of the person who pastes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A sentence.
    Say(String),
    /// A command line, word by word.
    Run(Vec<String>),
}

impl Step {
    /// A command line.
    pub fn run<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Self {
        Self::Run(words.into_iter().map(Into::into).collect())
    }
}

/// What a rule answers. Every text is one sentence or part of one, in the user's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The rule holds; `because` says on what ground.
    Pass {
        /// What was seen.
        because: String,
        /// Something to know all the same.
        note: Option<String>,
    },
    /// The rule is broken.
    Violation {
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
        /// The way out.
        next: Vec<Step>,
    },
    /// The rule has nothing to say about this build.
    NotApplicable {
        /// Why not.
        because: String,
    },
    /// A fact that the rule needs could not be had.
    Unknown {
        /// What is missing and why.
        because: String,
        /// Whether running the step again may help.
        retry: bool,
        /// The way out.
        next: Vec<Step>,
    },
    /// The source of the facts is not configured.
    NotChecked {
        /// What is not configured.
        because: String,
        /// How to have it checked.
        next: Vec<Step>,
    },
}

impl Outcome {
    /// One word for it, as the summary and the statements write it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pass { .. } => "pass",
            Self::Violation { .. } => "violation",
            Self::NotApplicable { .. } => "not applicable",
            Self::Unknown { .. } => "unknown",
            Self::NotChecked { .. } => "not checked",
        }
    }
}

/// An override of one rule, as it was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Login of the person.
    pub by: String,
    /// The person's reason.
    pub reason: String,
    /// The last day on which the policy lets that person override the rule.
    pub until: Day,
}

/// One rule's answer, with all that a reader needs to understand it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id of the rule.
    pub rule: &'static str,
    /// The level that holds for this build.
    pub level: Level,
    /// Whether the policy itself names the rule.
    pub named: bool,
    /// The answer.
    pub outcome: Outcome,
    /// The sentence of the process behind the rule.
    pub why: &'static str,
    /// Who can change what the rule asks.
    pub who: String,
    /// Who has overridden it. The outcome stays what it is.
    pub overridden: Option<Override>,
    /// Who may override it, and how, where the policy has overrides and this finding stops the build.
    pub override_by: Vec<Step>,
}

/// What one finding does to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Off or not applicable.
    Skips,
    /// Counts as passed.
    Passes,
    /// A `may` rule has something to tell.
    Informs,
    /// A `must` rule was not checked, because nothing is configured to check it with.
    Unchecked,
    /// A `should` rule is broken or could not be judged.
    Warns,
    /// A `must` rule is broken or could not be judged, and a person of the policy has overridden it.
    Overridden,
    /// A `must` rule could not be judged.
    Undecides,
    /// A `must` rule is broken.
    Refuses,
}

impl Finding {
    /// What this finding does to the verdict of a build; `pull_request` because a step cannot be
    /// asked there for what Drone withholds: the push decides.
    pub fn effect(&self, pull_request: bool) -> Effect {
        match self.own_effect(pull_request) {
            Effect::Refuses | Effect::Undecides if self.overridden.is_some() => Effect::Overridden,
            effect => effect,
        }
    }

    /// The same without its override.
    fn own_effect(&self, pull_request: bool) -> Effect {
        match (self.level, &self.outcome) {
            (Level::Off, _) | (_, Outcome::NotApplicable { .. }) => Effect::Skips,
            (_, Outcome::Pass { .. }) => Effect::Passes,
            (Level::Must, Outcome::Violation { .. }) => Effect::Refuses,
            (Level::Must, Outcome::Unknown { .. }) => Effect::Undecides,
            (Level::Must, Outcome::NotChecked { .. }) if self.named && !pull_request => {
                Effect::Undecides
            }
            (Level::Must, Outcome::NotChecked { .. }) => Effect::Unchecked,
            (Level::Should, Outcome::Violation { .. } | Outcome::Unknown { .. }) => Effect::Warns,
            (Level::May, Outcome::Violation { .. } | Outcome::Unknown { .. }) => Effect::Informs,
            (Level::Should | Level::May, Outcome::NotChecked { .. }) => Effect::Skips,
        }
    }
}

/// What the rules say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Nothing that must hold is broken or unknown.
    Allowed,
    /// Something that must hold could not be judged.
    Undecided,
    /// Something that must hold is broken.
    Refused,
}

impl Decision {
    /// The first word of the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Undecided => "undecided",
            Self::Refused => "refused",
        }
    }
}

/// The findings of one build and what they add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    decision: Decision,
    pull_request: bool,
    findings: Vec<Finding>,
}

impl Verdict {
    /// Adds the findings up: one refusal refuses, else one undecided leaves it undecided.
    pub fn of(findings: Vec<Finding>, pull_request: bool) -> Self {
        let worst = findings
            .iter()
            .map(|f| f.effect(pull_request))
            .max()
            .unwrap_or(Effect::Skips);
        let decision = match worst {
            Effect::Refuses => Decision::Refused,
            Effect::Undecides => Decision::Undecided,
            Effect::Skips
            | Effect::Passes
            | Effect::Informs
            | Effect::Unchecked
            | Effect::Warns
            | Effect::Overridden => Decision::Allowed,
        };
        Self {
            decision,
            pull_request,
            findings,
        }
    }

    /// The decision.
    pub const fn decision(&self) -> Decision {
        self.decision
    }

    /// What the decision is without one rule.
    pub fn decision_without(&self, rule: &str) -> Decision {
        let others = self.findings.iter().filter(|finding| finding.rule != rule);
        Self::of(others.cloned().collect(), self.pull_request).decision
    }

    /// What one of its findings does to it.
    pub fn effect_of(&self, finding: &Finding) -> Effect {
        finding.effect(self.pull_request)
    }

    /// Every finding, in the order of the rule table.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The findings that have this effect.
    pub fn with(&self, effect: Effect) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |f| f.effect(self.pull_request) == effect)
    }
}

/// The exit codes of the step. 78 is never used: Drone makes such a step green and skips the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Allowed, published, or nothing to do.
    Done = 0,
    /// A `must` rule is violated.
    Refused = 1,
    /// A `must` rule could not be judged; nothing was written.
    Undecided = 2,
    /// Settings or environment are wrong; nothing was judged.
    Settings = 3,
    /// Judged and allowed, but publishing failed.
    Unpublished = 4,
    /// A rehearsal that would have been allowed.
    Rehearsal = 5,
}

impl Exit {
    /// The number that the process returns.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests;
