//! A hotfix adds no feature.

use super::{Asks, Judges, OwnLevel, Rule, known, own_commits};
use crate::ci::Event;
use crate::facts::Facts;
use crate::facts::history::Change;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "no-features",
    level: OwnLevel::Is(Level::May),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History, Asks::Pulls],
    promise: "No commit of the hotfix calls itself a feature or a breaking change, and no label of its pull \
              requests does.",
    why: "A02f: a good hotfix adds no features",
    notes: "Read from the messages, as Conventional Commits 1.0.0 write them: the type `feat` (or \
            `feature`), a `!` before the colon, a trailer `BREAKING CHANGE` or `BREAKING-CHANGE`. \
            Messages without such a type say nothing, and pass. Where the forge can be asked, a label \
            `feature`, `enhancement`, `minor`, `major` or `breaking-change` of a pull request contradicts \
            it, also behind a scope, as in `semver:minor` or `kind/feature`.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

pub(super) fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let range = own_commits(facts)?;
    let wrong: Vec<(&Change, &str)> = range
        .iter()
        .filter_map(|change| Some((change, calls_itself(change)?)))
        .collect();
    let Some((change, what)) = wrong.first() else {
        if let Some((number, label)) = labelled(facts)? {
            return Ok(Outcome::Violation {
                found: format!(
                    "pull request {number} has the label `{}`",
                    facts.words(label)
                ),
                expected: "a change that only mends".to_owned(),
                next: vec![Step::Say(
                    "send the feature with a normal release; if it is none, take the label off"
                        .to_owned(),
                )],
            });
        }
        return Ok(Outcome::Pass {
            because: "no commit calls itself a feature".to_owned(),
            note: None,
        });
    };
    let more = match wrong.len() {
        1 => String::new(),
        n => format!(", and {} more", n - 1),
    };
    Ok(Outcome::Violation {
        found: format!(
            "{} `{}` calls itself {what}{more}",
            change.id.short(),
            facts.words(&change.subject)
        ),
        expected: "commits that only mend".to_owned(),
        next: vec![Step::Say(
            "send the feature with a normal release; if it is none, correct the message".to_owned(),
        )],
    })
}

/// A label that contradicts it, with the number of its pull request. Without a forge there are none.
fn labelled<'f>(facts: &'f Facts<'_>) -> Result<Option<(u64, &'f str)>, Outcome> {
    let pulls = facts.forge.then(|forge| forge.pulls.clone());
    if let Err(unknown @ Outcome::Unknown { .. }) = known(&pulls) {
        return Err(unknown);
    }
    let pulls = facts.forge.get().and_then(|forge| forge.pulls.get());
    let mut labels = pulls.into_iter().flatten().flat_map(|pull| {
        pull.labels
            .iter()
            .map(|label| (pull.number, label.as_str()))
    });
    Ok(labels.find(|(_, label)| is_feature(label)))
}

fn is_feature(label: &str) -> bool {
    let word = label.rsplit([':', '/']).next().unwrap_or_default().trim();
    [
        "feature",
        "enhancement",
        "minor",
        "major",
        "breaking",
        "breaking-change",
        "breaking change",
    ]
    .iter()
    .any(|one| one.eq_ignore_ascii_case(word))
}

fn calls_itself(change: &Change) -> Option<&'static str> {
    let breaking =
        change.message.lines().skip(1).any(|line| {
            line.starts_with("BREAKING CHANGE: ") || line.starts_with("BREAKING-CHANGE: ")
        });
    let kind = conventional(&change.subject);
    match kind {
        Some((_, true)) => Some("a breaking change"),
        _ if breaking => Some("a breaking change"),
        Some((kind, false))
            if kind.eq_ignore_ascii_case("feat") || kind.eq_ignore_ascii_case("feature") =>
        {
            Some("a feature")
        }
        _ => None,
    }
}

/// The type of a subject, and whether it has a `!`: `type(scope)!: description`.
fn conventional(subject: &str) -> Option<(&str, bool)> {
    let (head, description) = subject.split_once(": ")?;
    if description.trim().is_empty() {
        return None;
    }
    let (head, breaking) = head
        .strip_suffix('!')
        .map_or((head, false), |head| (head, true));
    let kind = match head.split_once('(') {
        Some((kind, scope)) if scope.ends_with(')') => kind,
        Some(_) => return None,
        None => head,
    };
    let word = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphabetic());
    word.then_some((kind, breaking))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_features() {
        for label in [
            "feature",
            "Enhancement",
            "semver:minor",
            "kind/feature",
            "type: major",
        ] {
            assert!(is_feature(label), "{label}");
        }
        for label in [
            "",
            "bug",
            "minor-fix",
            "minority",
            "feature:",
            "not a feature",
        ] {
            assert!(!is_feature(label), "{label}");
        }
    }

    #[test]
    fn conventional_subjects() {
        for (subject, expected) in [
            ("feat: add it", Some(("feat", false))),
            ("Feat(api)!: add it", Some(("Feat", true))),
            ("fix(core): mend it", Some(("fix", false))),
            ("refactor!: turn it", Some(("refactor", true))),
            ("HOCS-1: mend it", None),
            ("feat:", None),
            ("feature toggle off", None),
            ("say: yes", Some(("say", false))),
            ("fix(core: x", None),
            ("", None),
        ] {
            assert_eq!(conventional(subject), expected, "{subject}");
        }
    }
}
