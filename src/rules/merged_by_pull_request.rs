//! Nothing is on the hotfix branch that did not come by a pull request into it.

use super::{Asks, Judges, OwnLevel, Rule, commits, known, own_commits};
use crate::ci::Event;
use crate::facts::forge::brought::Beside;
use crate::facts::forge::ways::{Ways, ways};
use crate::facts::forge::{Forge, Pull};
use crate::facts::history::Change;
use crate::facts::{Facts, Source, shorten};
use crate::verdict::{Level, Outcome, Step};

/// As many commits as anybody reads in one finding.
const SHOWN: usize = 5;

pub(super) const RULE: Rule = Rule {
    id: "merged-by-pull-request",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::Hotfix,
    events: &[Event::Push, Event::Custom, Event::Promote],
    asks: &[Asks::History, Asks::Pulls, Asks::Strays],
    promise: "Every commit of the hotfix came by a merged pull request into its branch.",
    why: "A11: open a pull request as normal; A23: after approval it is merged into the `hotfix/` branch; \
          B07 and B08: a pull request into the train, merged after the review",
    notes: "Asked of the forge (GitHub, GitHub Enterprise, Gitea, Forgejo) with `forge_token`; without it \
            not checked. A commit came by a pull request if that was merged and has it among its commits, if \
            it is the merge, if it is what all was squashed to, or if it is a rebased copy. Git makes the merge \
            of its head again, whose objects are fetched, and compares: what somebody has put into the merge or \
            beneath it, and a conflict that was solved in the merge itself, came by no pull request. One into \
            another branch does not count. All of one branch count together. A forge calls a pull request \
            merged also when somebody has pushed its commits by hand.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let (forge, pulls) = pulls(facts)?;
    let range = own_commits(facts)?;
    let ways = ways(forge, pulls, range);
    let branch = shorten(&forge.branch);
    if !ways.direct.is_empty() {
        return Ok(direct(facts, forge, &ways, range.len()));
    }
    if let Some(unsure) = unsure(facts, &ways) {
        return Ok(unsure);
    }
    Ok(Outcome::Pass {
        because: format!(
            "{} came into `{branch}` by {}",
            commits(range.len()),
            numbers(&ways.pulls)
        ),
        note: None,
    })
}

/// The answer where nobody can say how a commit came.
pub(super) fn unsure(facts: &Facts<'_>, ways: &Ways<'_>) -> Option<Outcome> {
    ways.unsure.first().map(|(change, number, absent)| {
        let (why, retry, advice) = match absent {
            Source::Unknown {
                because,
                retry,
                advice,
            } => (because.as_str(), *retry, advice.as_str()),
            Source::NotConfigured(because) => (because.as_str(), false, ""),
            Source::Known(_) => ("", false, ""),
        };
        let merge = Step::Say(
            "let the step see the repository's objects, or merge with a merge commit".to_owned(),
        );
        let advice = (!advice.is_empty()).then(|| Step::Say(advice.to_owned()));
        Outcome::Unknown {
            because: format!(
                "whether {} is what pull request {number} brought is not known: {why}",
                commit(facts, change)
            ),
            retry,
            next: advice.into_iter().chain([merge]).collect(),
        }
    })
}

fn direct(facts: &Facts<'_>, forge: &Forge, ways: &Ways<'_>, count: usize) -> Outcome {
    let branch = shorten(&forge.branch);
    let shown: Vec<String> = ways
        .direct
        .iter()
        .take(SHOWN)
        .map(|direct| {
            let change = direct.change;
            let elsewhere = forge.elsewhere.iter().find(|(id, ..)| *id == change.id);
            let other = elsewhere.filter(|(_, _, base)| *base != forge.branch);
            let by = other.map(|(_, number, base)| {
                format!(" (by pull request {number} into `{}`)", shorten(base))
            });
            let beside = direct.beside.map(|(number, beside)| match beside {
                Beside::Resolved(path) => format!(
                    " (merged as pull request {number}, with a conflict in `{}` that was solved in the \
                     merge itself)",
                    facts.words(&shorten(path))
                ),
                Beside::Changed(path) => format!(
                    " (merged as pull request {number}, which does not have what it changes in `{}`)",
                    facts.words(&shorten(path))
                ),
            });
            let by = beside.or(by).unwrap_or_default();
            format!("{}{by}", commit(facts, change))
        })
        .collect();
    let beside = ways.direct.iter().any(|direct| direct.beside.is_some());
    let again = beside.then_some(
        "or revert it, merge the hotfix branch into the branch of a new pull request, solve conflicts there, \
         and let it be reviewed and merged",
    );
    let more = match ways.direct.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let beside = match ways.pulls.as_slice() {
        some if ways.direct.len() < count && !some.is_empty() => {
            format!("; the rest came by {}", numbers(some))
        }
        _ => String::new(),
    };
    Outcome::Violation {
        found: format!(
            "{} on `{branch}` that came by no pull request into it: {}{more}{beside}",
            commits(ways.direct.len()),
            shown.join(", ")
        ),
        expected: "every commit of a hotfix comes by a pull request that was merged into its branch"
            .to_owned(),
        next: [
            "make a new hotfix branch of the release that runs, and bring the change by a pull request into \
             it",
        ]
        .into_iter()
        .chain(again)
        .chain([
            "if a pull request was merged this minute, start the build again: the forge may not have known it \
             yet",
            "protect the hotfix branches in the forge, so that nobody can push to them directly",
        ])
        .map(|text| Step::Say(text.to_owned()))
        .collect(),
    }
}

/// The forge, and the pull requests that brought what is judged.
pub(super) fn pulls<'f>(facts: &'f Facts<'_>) -> Result<(&'f Forge, &'f [Pull]), Outcome> {
    if let Source::NotConfigured(because) = &facts.forge {
        return Err(Outcome::NotChecked {
            because: because.clone(),
            next: vec![Step::Say(
                "set `forge_token` (from_secret) beside `policy`, with the right to read pull requests"
                    .to_owned(),
            )],
        });
    }
    let forge = known(&facts.forge)?;
    Ok((forge, known(&forge.pulls)?))
}

fn commit(facts: &Facts<'_>, change: &Change) -> String {
    format!("{} `{}`", change.id.short(), facts.words(&change.subject))
}

/// Pull requests by their numbers, in a sentence.
pub(super) fn numbers(pulls: &[&Pull]) -> String {
    let shown: Vec<String> = pulls
        .iter()
        .take(SHOWN)
        .map(|pull| pull.number.to_string())
        .collect();
    let more = match pulls.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let word = match pulls.len() {
        1 => "pull request",
        _ => "pull requests",
    };
    format!("{word} {}{more}", shown.join(", "))
}
