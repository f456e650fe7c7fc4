//! A hotfix stays within one service.

use std::collections::BTreeSet;

use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::facts::Facts;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "one-service",
    level: OwnLevel::Is(Level::May),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History],
    promise: "What is changed lies in one service of the repository, and no submodule moves.",
    why: "A02d: a good hotfix is isolated on one service",
    notes: "A directory is a service if it holds a `Dockerfile` (or `Containerfile`) and is not the \
            root. A repository with fewer than two such directories has one service. Files outside of \
            every service, such as documents, do not count; a file that several services share is \
            named in a note.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

pub(super) fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let history = known(&facts.history)?;
    let files = known(&history.files)?;
    if files.is_empty() {
        return Ok(Outcome::NotApplicable {
            because: "it changes no file".to_owned(),
        });
    }
    if let Some(module) = files.iter().find(|file| file.submodule) {
        return Ok(violation(
            format!("the submodule `{}` moved", facts.words(&module.path)),
            "leave the submodule where it is, or hotfix its repository by itself",
        ));
    }
    let services = known(&history.services)?;
    if services.len() < 2 {
        return Ok(Outcome::Pass {
            because: "the repository holds one service".to_owned(),
            note: None,
        });
    }
    let mut touched = BTreeSet::new();
    let mut shared = None;
    for file in files {
        for path in [Some(&file.path), file.old_path.as_ref()]
            .into_iter()
            .flatten()
        {
            match service_of(services, path) {
                Some(service) => {
                    touched.insert(service);
                }
                None => shared = Some(path),
            }
        }
    }
    let shown: Vec<String> = touched
        .iter()
        .take(5)
        .map(|service| format!("`{}`", facts.words(service)))
        .collect();
    if touched.len() > 1 {
        return Ok(violation(
            format!("files of {} services: {}", touched.len(), shown.join(", ")),
            "make one hotfix of each service, each on a branch of its own",
        ));
    }
    Ok(Outcome::Pass {
        because: match shown.first() {
            Some(service) => format!("only {service} is changed"),
            None => "no service's own files are changed".to_owned(),
        },
        note: shared.map(|path| format!("`{}` belongs to no single service", facts.words(path))),
    })
}

/// The innermost service that a path lies in.
fn service_of<'a>(services: &'a [String], path: &str) -> Option<&'a str> {
    services
        .iter()
        .filter(|service| {
            path.strip_prefix(service.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        })
        .max_by_key(|service| service.len())
        .map(String::as_str)
}

fn violation(found: String, next: &str) -> Outcome {
    Outcome::Violation {
        found,
        expected: "a change of one service".to_owned(),
        next: vec![Step::Say(next.to_owned())],
    }
}
