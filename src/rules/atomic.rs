//! A hotfix does exactly one thing.

use std::collections::BTreeSet;

use super::{Asks, Judges, OwnLevel, Rule, known, own_commits};
use crate::ci::Event;
use crate::facts::history::Change;
use crate::facts::{Facts, shorten};
use crate::git::changes::FileChange;
use crate::verdict::{Level, Outcome, Step};

/// How many commits are few, if `policy.limits` does not say it. Real hotfixes have one to three.
pub const COMMITS: u64 = 5;
/// How many files are few. Real hotfixes change one to twelve.
pub const FILES: u64 = 20;

pub(super) const RULE: Rule = Rule {
    id: "atomic",
    level: OwnLevel::Is(Level::May),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History],
    promise: "One ticket, few commits, few files.",
    why: "A02g: a good hotfix is atomic, it does exactly one thing",
    notes: "`policy.limits` says how many commits, files and lines are few; without it 5 commits and \
            20 files are. Merges do not count as commits. Lock files and generated files do not count \
            as files, their lines not as lines.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

pub(super) fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let range = own_commits(facts)?;
    let files = known(&known(&facts.history)?.files)?;
    let limits = &facts.policy.limits;
    let commits = range.iter().filter(|change| !change.merge).count() as u64;
    let own: Vec<&FileChange> = files.iter().filter(|file| !is_made(&file.path)).collect();
    let lines: u64 = own
        .iter()
        .map(|file| u64::from(file.added) + u64::from(file.removed))
        .sum();
    let tickets = tickets(facts, range);
    let mut wrong = Vec::new();
    if tickets.len() > 1 {
        let shown: Vec<String> = tickets
            .iter()
            .take(5)
            .map(|ticket| format!("`{}`", shorten(ticket)))
            .collect();
        // They were found in what people have written.
        let shown = shown.join(", ");
        let shown = facts.in_full(&shown);
        wrong.push((
            format!("{} tickets ({shown})", tickets.len()),
            "one ticket".to_owned(),
        ));
    }
    for (count, limit, what) in [
        (commits, Some(limits.commits.unwrap_or(COMMITS)), "commits"),
        (
            own.len() as u64,
            Some(limits.files.unwrap_or(FILES)),
            "files",
        ),
        (lines, limits.lines, "changed lines"),
    ] {
        if let Some(limit) = limit.filter(|limit| count > *limit) {
            wrong.push((format!("{count} {what}"), format!("at most {limit} {what}")));
        }
    }
    if wrong.is_empty() {
        return Ok(Outcome::Pass {
            because: format!(
                "{commits} commit{}, {} file{}",
                if commits == 1 { "" } else { "s" },
                own.len(),
                if own.len() == 1 { "" } else { "s" }
            ),
            note: None,
        });
    }
    let (found, expected): (Vec<_>, Vec<_>) = wrong.into_iter().unzip();
    Ok(Outcome::Violation {
        found: found.join(", "),
        expected: expected.join(", "),
        next: vec![Step::Say(
            "leave in the hotfix only what production needs now, and send the rest the normal way"
                .to_owned(),
        )],
    })
}

/// The tickets of the range, each once. Words that only look like a ticket (`UTF-8`, `SHA-256`) are
/// none: another ticket is one of the same project as the hotfix's own.
fn tickets(facts: &Facts<'_>, range: &[Change]) -> BTreeSet<String> {
    let own = facts.ticket.as_ref().map(|(ticket, _)| ticket.clone());
    let named = range
        .iter()
        .filter_map(|change| facts.policy.ticket.find(&change.subject));
    let all: Vec<String> = own
        .into_iter()
        .chain(named)
        .map(|ticket| ticket.as_str().replace(['-', '_'], ""))
        .collect();
    let project = |ticket: &str| {
        let digits = ticket.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        ticket.get(..digits).unwrap_or_default().to_owned()
    };
    let first = all.first().map(|ticket| project(ticket));
    all.into_iter()
        .filter(|ticket| Some(project(ticket)) == first)
        .collect()
}

/// Whether a program writes this file, not a person.
pub(super) fn is_made(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let generated = [
        "generated",
        "__generated__",
        "__snapshots__",
        "vendor",
        "node_modules",
        "dist",
    ];
    is_lock(path)
        || path
            .split('/')
            .rev()
            .skip(1)
            .any(|dir| generated.contains(&dir))
        || [
            ".pb.go", "_pb2.py", ".g.dart", ".min.js", ".min.css", ".snap", ".g.cs",
        ]
        .iter()
        .any(|end| name.ends_with(end))
        || (name.starts_with("zz_generated.") || name.contains(".generated."))
}

/// Whether this is a lock file of a package manager.
pub(super) fn is_lock(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(
        name,
        "package-lock.json"
            | "npm-shrinkwrap.json"
            | "yarn.lock"
            | "pnpm-lock.yaml"
            | "bun.lock"
            | "bun.lockb"
            | "Cargo.lock"
            | "Gemfile.lock"
            | "composer.lock"
            | "poetry.lock"
            | "Pipfile.lock"
            | "pdm.lock"
            | "uv.lock"
            | "go.sum"
            | "gradle.lockfile"
            | "packages.lock.json"
            | "Podfile.lock"
            | "mix.lock"
            | "pubspec.lock"
            | "flake.lock"
            | "deno.lock"
            | "Chart.lock"
            | ".terraform.lock.hcl"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_programs_write() {
        for path in [
            "Cargo.lock",
            "web/package-lock.json",
            "api/v1/thing.pb.go",
            "vendor/example/x.go",
            "src/generated/types.ts",
            "pkg/zz_generated.deepcopy.go",
        ] {
            assert!(is_made(path), "{path}");
        }
        for path in [
            "src/lock.rs",
            "vendor",
            "a/Cargo.lock.md",
            "src/distance.rs",
            "dist",
        ] {
            assert!(!is_made(path), "{path}");
        }
    }
}
