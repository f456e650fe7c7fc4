//! What a hotfix changes also reaches the default branch, or the next release takes it away again.

use super::declared::{few, wrong};
use super::merged_by_pull_request::numbers;
use super::{Asks, Judges, OwnLevel, Rule, commits, known, no_commit};
use crate::ci::Event;
use crate::declaration::{Declared, Key, MOST};
use crate::facts::forge::{Forge, Open, Pull};
use crate::facts::history::declared::declared;
use crate::facts::history::{How, Port};
use crate::facts::{Facts, Source, shorten};
use crate::verdict::{Level, Outcome, Step};

/// As many commits as anybody reads in one finding.
const SHOWN: usize = 5;
/// The trailer by which people declare that a hotfix is not meant to last.
const TEMPORARY: &str = Key::Temporary.name();

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
    asks: &[Asks::History, Asks::Forward],
    promise: "Every patch of the hotfix is in the default branch as well or in an open pull request into \
              it, or the hotfix is declared temporary.",
    why: "A14: open a pull request to the default branch too, unless the hotfix is temporary; A38: the \
          fix should reach main-line code before the next release, which overwrites the hotfix",
    notes: "A patch is there if its commit is there (a merge), if a commit with the same patch id is \
            there (a cherry-pick or rebase), if one commit holds the whole hotfix (a squash merge), or \
            if applying it would change nothing. One that was there and was reverted is missing, and so is \
            one whose merge kept nothing of it. What a merge inside the hotfix changes by itself is \
            not looked for. With `forge_token` the open pull requests into the default branch are asked \
            for: git compares their heads in the same ways, and where their objects cannot be fetched, the \
            ids of their commits count. Of more than 30 those of the hotfix branch itself and the newest are \
            looked through. A draft counts, and is said. \
            `Hotfix-Temporary: yes` is a trailer: a line in the last paragraph of the message of one \
            of the hotfix's commits ([the forms](declarations.md)). Where another says `no`, it does not count.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let history = known(&facts.history)?;
    let mut flaws = Vec::new();
    if let Source::Known(range) = &history.range {
        if range.is_empty() {
            return Ok(no_commit());
        }
        let declared = declared(range);
        flaws = against(facts, &declared);
        if let (Some(by), false) = (declared.is_temporary(), declared.too_many) {
            return Ok(Outcome::Pass {
                because: format!(
                    "{} declares the hotfix temporary (`{TEMPORARY}: yes`)",
                    by.short()
                ),
                note: (!flaws.is_empty()).then(|| few(&flaws, "; ")),
            });
        }
    }
    let default = known(&history.default)?;
    let ports = known(&history.ports)?;
    let name = shorten(&default.name);
    let mut missing: Vec<&Port> = ports.iter().filter(|port| !port.how.is_there()).collect();
    if missing.is_empty() {
        return Ok(Outcome::Pass {
            because: format!("`{name}` has all of it: {}", ways(ports)),
            note: None,
        });
    }
    let absent = missing.len();
    let open = open(facts, &missing)?;
    missing.retain(|port| !open.iter().any(|one| one.brings(&port.id, history)));
    if missing.is_empty() {
        return Ok(on_the_way(&name, absent, &open));
    }
    let ticket = facts.ticket.as_ref().map(|(ticket, _)| ticket.as_str());
    let rest = facts.branch.as_ref().map(crate::hotfix::HotfixBranch::rest);
    let port = ticket.or(rest.ok()).unwrap_or("hotfix");
    // A ticket may hold what git allows in no name: `bug 1234`.
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let port = port.split(|c| !plain(c)).filter(|part| !part.is_empty());
    let port = format!("forward-port-{}", port.collect::<Vec<_>>().join("-"));
    let pick = ["git", "cherry-pick", "-x"].map(str::to_owned);
    let ids = missing.iter().rev().map(|port| port.id.as_str().to_owned());
    Ok(Outcome::Violation {
        found: format!(
            "{} that `{name}` does not have: {}{}{}",
            commits(missing.len()),
            list(facts, &missing),
            match open.as_slice() {
                [] => String::new(),
                some => format!("; {} brings the rest", numbers(&pulls(some))),
            },
            match flaws.as_slice() {
                [] => String::new(),
                some => format!("; {}", few(some, "; ")),
            }
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

/// The open pull requests into the default branch that have something of what is missing there.
fn open<'f>(facts: &'f Facts<'_>, missing: &[&Port]) -> Result<Vec<&'f Open>, Outcome> {
    let (Source::Known(Forge { forward, .. }), Source::Known(history)) =
        (&facts.forge, &facts.history)
    else {
        return match known(&facts.forge) {
            Err(unknown @ Outcome::Unknown { .. }) => Err(unclear(facts, missing, unknown)),
            _ => Ok(Vec::new()),
        };
    };
    let all = match known(forward) {
        Ok(all) => all,
        Err(unknown @ Outcome::Unknown { .. }) => return Err(unclear(facts, missing, unknown)),
        Err(_) => return Ok(Vec::new()),
    };
    let brings = |one: &&Open| missing.iter().any(|port| one.brings(&port.id, history));
    let found: Vec<&Open> = all.iter().filter(brings).collect();
    let whole = missing
        .iter()
        .all(|port| found.iter().any(|one| one.brings(&port.id, history)));
    let unread = all
        .iter()
        .find(|one| one.has.get().is_none() && !brings(one));
    // A pull request that could not be compared may have the rest as copies.
    if let (Some(one), false) = (unread, whole) {
        let because = match &one.has {
            Source::Unknown { because, .. } | Source::NotConfigured(because) => because.as_str(),
            Source::Known(_) => "",
        };
        return Err(Outcome::Unknown {
            because: format!(
                "{}: {because}",
                unclear_because(facts, missing, &format!("pull request {}", one.pull.number))
            ),
            retry: matches!(&one.has, Source::Unknown { retry: true, .. }),
            next: vec![Step::Say(
                "let the step fetch the heads of pull requests from the remote".to_owned(),
            )],
        });
    }
    Ok(found)
}

fn unclear(facts: &Facts<'_>, missing: &[&Port], unknown: Outcome) -> Outcome {
    match unknown {
        Outcome::Unknown {
            because,
            retry,
            next,
        } => Outcome::Unknown {
            because: format!(
                "{}: {because}",
                unclear_because(facts, missing, "an open pull request")
            ),
            retry,
            next,
        },
        other => other,
    }
}

fn unclear_because(facts: &Facts<'_>, missing: &[&Port], what: &str) -> String {
    format!(
        "whether {what} brings what the default branch does not have ({}) is not known",
        list(facts, missing)
    )
}

/// All that is missing is in open pull requests.
fn on_the_way(name: &str, absent: usize, open: &[&Open]) -> Outcome {
    let how: Vec<String> = open
        .iter()
        .map(|one| match &one.has {
            Source::Known(ports) => ways(ports),
            _ => "by the ids of its commits, as the forge lists them".to_owned(),
        })
        .collect();
    let draft = match open.iter().any(|one| one.pull.draft) {
        true => ", and a draft",
        false => "",
    };
    let (is, it) = match open.len() {
        1 => ("is", "it"),
        _ => ("are", "them"),
    };
    Outcome::Pass {
        because: format!(
            "{} that `{name}` does not have yet {is} in open {}: {}",
            commits(absent),
            numbers(&pulls(open)),
            how.join("; "),
            is = if absent == 1 { "is" } else { "are" }
        ),
        note: Some(format!(
            "{} into `{name}` {is} not merged yet{draft}: merge {it} before the next release",
            numbers(&pulls(open))
        )),
    }
}

fn pulls<'p>(open: &[&'p Open]) -> Vec<&'p Pull> {
    open.iter().map(|one| &one.pull).collect()
}

/// What keeps the hotfix from being declared temporary though somebody has written so.
fn against(facts: &Facts<'_>, declared: &Declared) -> Vec<String> {
    let mut flaws = wrong(facts, declared, Key::Temporary);
    let (yes, no) = (
        declared.says_temporary(true),
        declared.says_temporary(false),
    );
    if let (Some(yes), Some(no)) = (yes, no) {
        flaws.push(format!(
            "`{TEMPORARY}` is `yes` in {} and `no` in {}, so it does not count",
            yes.short(),
            no.short()
        ));
    }
    if declared.too_many {
        flaws.push(format!("more than {MOST} declarations, so none counts"));
    }
    flaws
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
