//! What a hotfix changes also reaches the default branch, or the next release takes it away again.

use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::facts::history::{Change, How, Port};
use crate::facts::{Facts, Source, shorten};
use crate::verdict::{Level, Outcome, Step};

/// As many commits as anybody reads in one finding.
const SHOWN: usize = 5;
/// The trailer by which people declare that a hotfix is not meant to last.
pub const TEMPORARY: &str = "Hotfix-Temporary";

pub(super) const RULE: Rule = Rule {
    id: "forward-port",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::Hotfix,
    events: &[
        Event::PullRequest,
        Event::Push,
        Event::Custom,
        Event::Promote,
    ],
    asks: &[Asks::History],
    promise: "Every patch of the hotfix is in the default branch as well, or the hotfix is declared \
              temporary.",
    why: "A14: open a pull request to the default branch too, unless the hotfix is temporary; A38: the \
          fix should reach main-line code before the next release, which overwrites the hotfix",
    notes: "A patch is there if its commit is there (a merge), if a commit with the same patch id is \
            there (a cherry-pick or rebase), if one commit holds the whole hotfix (a squash merge), or \
            if applying it would change nothing. One that was there and was reverted is missing, and so is \
            one whose merge kept nothing of it. What a merge inside the hotfix changes by itself is \
            not looked for. \
            `Hotfix-Temporary: yes` is a trailer: a line in the last paragraph of the message of one \
            of the hotfix's commits.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let history = known(&facts.history)?;
    if let Source::Known(range) = &history.range {
        if range.is_empty() {
            return Ok(Outcome::NotApplicable {
                because: "it has no commit yet".to_owned(),
            });
        }
        if let Some(change) = range.iter().find(|change| declares_temporary(change)) {
            return Ok(Outcome::Pass {
                because: format!(
                    "{} declares the hotfix temporary (`{TEMPORARY}: yes`)",
                    change.id.short()
                ),
                note: None,
            });
        }
    }
    let default = known(&history.default)?;
    let ports = known(&history.ports)?;
    let name = shorten(&default.name);
    let missing: Vec<&Port> = ports.iter().filter(|port| !port.how.is_there()).collect();
    if missing.is_empty() {
        return Ok(Outcome::Pass {
            because: format!("`{name}` has all of it: {}", ways(ports)),
            note: None,
        });
    }
    let ticket = facts.ticket.as_ref().map(|(ticket, _)| ticket.as_str());
    let rest = facts.branch.as_ref().map(crate::hotfix::HotfixBranch::rest);
    let port = format!("forward-port-{}", ticket.or(rest.ok()).unwrap_or("hotfix"));
    let pick = ["git", "cherry-pick", "-x"].map(str::to_owned);
    let ids = missing.iter().rev().map(|port| port.id.as_str().to_owned());
    Ok(Outcome::Violation {
        found: format!(
            "{} that `{name}` does not have: {}",
            commits(missing.len()),
            list(facts, &missing)
        ),
        expected: format!(
            "the same change in `{name}`, or the next release takes the fix away again; or the \
             trailer `{TEMPORARY}: yes` if that is meant"
        ),
        next: vec![
            Step::run(["git", "fetch", "origin"]),
            Step::run([
                "git",
                "switch",
                "--create",
                &port,
                "--no-track",
                &format!("refs/remotes/origin/{}", default.name),
            ]),
            Step::Run(pick.into_iter().chain(ids).collect()),
            Step::run(["git", "push", "origin", &port]),
            Step::Say(format!(
                "open a pull request of `{}` into `{name}`",
                shorten(&port)
            )),
        ],
    })
}

fn declares_temporary(change: &Change) -> bool {
    change.trailers.iter().any(|(key, value)| {
        key.eq_ignore_ascii_case(TEMPORARY)
            && matches!(value.trim().to_ascii_lowercase().as_str(), "yes" | "true")
    })
}

fn commits(count: usize) -> String {
    match count {
        1 => "1 commit".to_owned(),
        n => format!("{n} commits"),
    }
}

/// Commits as part of a sentence.
pub(super) fn list(facts: &Facts<'_>, ports: &[&Port]) -> String {
    let shown: Vec<String> = ports
        .iter()
        .take(SHOWN)
        .map(|port| {
            let taken_back = match &port.how {
                How::Reverted(by) => format!(" (it was there, and {} took it back)", by.short()),
                _ => String::new(),
            };
            format!(
                "{} `{}`{taken_back}",
                port.id.short(),
                facts.words(&port.subject)
            )
        })
        .collect();
    let more = ports.len() - shown.len();
    if more == 0 {
        shown.join(", ")
    } else {
        format!("{} and {more} more", shown.join(", "))
    }
}

/// By which ways the patches are there, counted.
pub(super) fn ways(ports: &[Port]) -> String {
    let count = |found: fn(&How) -> bool| ports.iter().filter(|port| found(&port.how)).count();
    let ways = [
        (count(|how| *how == How::Ancestor), "by the commit itself"),
        (count(|how| matches!(how, How::Patch(_))), "by patch id"),
        (
            count(|how| matches!(how, How::Squash(_))),
            "in a squash merge",
        ),
        (count(|how| *how == How::Content), "by content"),
        (count(|how| *how == How::Nothing), "nothing to bring"),
    ];
    let shown: Vec<String> = ways
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, way)| format!("{} {way}", commits(*count)))
        .collect();
    if shown.is_empty() {
        "it brings nothing that a release does not have".to_owned()
    } else {
        shown.join(", ")
    }
}
