//! `policy.targets`: which environments are QA, production, or there to try things first.

use crate::glob::glob;

/// What a promotion's target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Closed to hotfixes (A29).
    Qa,
    /// Production (A35).
    Production,
    /// Where a hotfix is tried first (A27).
    Trial,
    /// In no list; treated as a trial target, and said.
    Unlisted,
}

impl Class {
    /// The class in prose.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Qa => "a QA target",
            Self::Production => "a production target",
            Self::Trial => "a trial target",
            Self::Unlisted => "in none of the lists of `policy.targets`",
        }
    }
}

/// Names with `*` for any text and `?` for one character; a leading `!` takes names out again.
#[derive(Debug, Clone)]
pub struct Patterns {
    written: Vec<String>,
}

impl Patterns {
    /// Takes patterns as a policy writes them.
    ///
    /// # Errors
    /// The pattern that cannot name a target, and why.
    pub fn new(written: Vec<String>) -> Result<Self, String> {
        for pattern in &written {
            let name = pattern.trim_start_matches('!').trim();
            if name.is_empty() || !name.bytes().all(|b| (b' '..=b'~').contains(&b)) {
                return Err(format!(
                    "`{pattern}` can name no target: targets are plain ASCII"
                ));
            }
            // Written in another language of patterns, it would match nothing and say nothing.
            if name.contains([',', ';', '|', '^', '$', '(', ')', '[', ']', '{', '}', '\\']) {
                return Err(format!(
                    "`{pattern}` is not one name; only `*` and `?` are special"
                ));
            }
        }
        Ok(Self { written })
    }

    /// Whether a target, trimmed, is named. Of no patterns at all, none is.
    pub fn name(&self, target: &str) -> bool {
        let matches = |pattern: &str| glob(pattern.trim(), target);
        let (mut named, mut excepted) = (false, false);
        for pattern in &self.written {
            match pattern.strip_prefix('!') {
                Some(pattern) => excepted |= matches(pattern),
                None => named |= matches(pattern),
            }
        }
        named && !excepted
    }

    /// Whether any target can be named at all.
    pub fn name_something(&self) -> bool {
        self.written.iter().any(|pattern| !pattern.starts_with('!'))
    }

    /// The patterns as written.
    pub fn written(&self) -> &[String] {
        &self.written
    }
}

/// The three lists.
#[derive(Debug, Clone)]
pub struct Targets {
    /// Closed to hotfixes.
    pub qa: Patterns,
    /// Production.
    pub production: Patterns,
    /// Where a hotfix is tried first.
    pub trial: Patterns,
    /// Whether the policy itself lists the trial targets. Then no other target is one.
    pub trial_is_listed: bool,
}

/// The default of `policy.targets.qa`.
pub const QA: [&str; 3] = ["qa", "*-qa", "qa-*"];
/// The default of `policy.targets.production`.
pub const PRODUCTION: [&str; 7] = [
    "prod",
    "production",
    "*-prod",
    "!pre-prod",
    "!preprod",
    "!non-prod",
    "!not-prod",
];
/// The default of `policy.targets.trial`, each also as `*-x` and `x-*`.
pub const TRIAL: [&str; 6] = ["dev", "test", "demo", "stage", "staging", "uat"];

/// [`TRIAL`] with the forms `*-x` and `x-*`.
pub fn trial_patterns() -> Vec<String> {
    TRIAL
        .iter()
        .flat_map(|t| [(*t).to_owned(), format!("*-{t}"), format!("{t}-*")])
        .collect()
}

impl Targets {
    /// What a target is. QA wins over production, production over trial.
    pub fn class(&self, target: &str) -> Class {
        let target = target.trim();
        if self.qa.name(target) {
            Class::Qa
        } else if self.production.name(target) {
            Class::Production
        } else if self.trial.name(target) {
            Class::Trial
        } else {
            Class::Unlisted
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Targets {
        let patterns =
            |p: &[&str]| Patterns::new(p.iter().map(|p| (*p).to_owned()).collect()).unwrap();
        Targets {
            qa: patterns(&QA),
            production: patterns(&PRODUCTION),
            trial: Patterns::new(trial_patterns()).unwrap(),
            trial_is_listed: false,
        }
    }

    #[test]
    fn the_defaults_know_real_targets() {
        let targets = defaults();
        for (class, names) in [
            (
                Class::Qa,
                &[
                    "qa", "QA", " cs-qa ", "CS-QA", "qa-2", "wcs-qa", "prod-qa", "qa-prod",
                ][..],
            ),
            (
                Class::Production,
                &["prod", "production", "cs-prod", "CS-PROD", "test-prod"],
            ),
            (
                Class::Trial,
                &["dev", "cs-dev", "uat", "staging", "demo-2", "stage"],
            ),
            (
                Class::Unlisted,
                &[
                    "release", "hocs-qax", "pre-prod", "preprod", "non-prod", "not-prod",
                    "equality", "",
                ],
            ),
        ] {
            for name in names {
                assert_eq!(targets.class(name), class, "{name}");
            }
        }
    }

    #[test]
    fn an_empty_list_names_nothing() {
        let targets = Targets {
            qa: Patterns::new(vec![]).unwrap(),
            ..defaults()
        };
        assert_eq!(targets.class("cs-qa"), Class::Unlisted);
        assert!(Patterns::new(vec!["qä".to_owned()]).is_err());
        for wrong in ["!", "release,qa", "qa ; x", "*-qa|qa", "^.*-qa$", "[qa]"] {
            assert!(Patterns::new(vec![wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
