//! Somebody else has read what the hotfix brings, as it is.

use super::merged_by_pull_request::{pulls, unsure};
use super::{Asks, Judges, OwnLevel, Rule, commits, own_commits};
use crate::ci::Event;
use crate::facts::forge::reviews::{Flaw, Reviewed, reviewed};
use crate::facts::forge::ways::ways;
use crate::facts::forge::{Account, Pull};
use crate::facts::{Facts, shorten};
use crate::verdict::{Level, Outcome, Step};

/// As many flaws of one pull request as anybody reads.
const SHOWN: usize = 5;

pub(super) const RULE: Rule = Rule {
    id: "reviewed",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::Hotfix,
    events: &[
        Event::PullRequest,
        Event::Push,
        Event::Custom,
        Event::Promote,
    ],
    asks: &[Asks::History, Asks::Pulls],
    promise: "Every pull request of the hotfix has an approval of its last commit by somebody who has not \
              written it, and nobody asks for changes.",
    why: "A18: it is reviewed before it goes into the hotfix branch; A20: the normal rules for approval \
          hold; B08: a colleague reviews, then it is merged",
    notes: "Of each person the newest word counts: an approval, a request for changes, or either taken back. \
            Only those count whom the forge lets decide: GitHub's owners, members and collaborators, others if \
            GitHub tells the token that they may write, and what Gitea calls official. An approval of an older commit does not count, so a push after it (a force push, too) needs a new \
            one. Approvals do not count of who opened the pull request, of authors, committers and co-authors \
            (`Co-authored-by:`) of its commits (but for merges that are nothing more), and of programs (the forge says so, or `policy.forge.bots`). \
            Accounts are compared by number, so that a renamed one stays the same. An address that the \
            forge knows no account of is compared by its name only, and the report says so. A request for \
            changes stands until who made it approves, or it is dismissed. An approval after the merge counts, and \
            the report says so. Of pull requests on top of each other the approval of the upper one is enough. On a pull request the rule only \
            tells what is missing, because Drone does not build again when a review comes: the push decides.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    if facts.build.event == Event::PullRequest {
        return inform(facts);
    }
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let (forge, pulls) = pulls(facts)?;
    let ways = ways(forge, pulls, own_commits(facts)?);
    if pulls.is_empty() {
        return Ok(Outcome::Violation {
            found: "no pull request brought it, so nobody has reviewed it".to_owned(),
            expected: expected(),
            next: vec![Step::Say("see `merged-by-pull-request`".to_owned())],
        });
    }
    let mut approved = Vec::new();
    let mut notes = Vec::new();
    let mut wrong = Vec::new();
    let mut next = Vec::new();
    // The oldest first, as they came.
    for pull in pulls.iter().rev() {
        let reviewed = reviewed(pull);
        if reviewed.holds() {
            approved.push(format!(
                "pull request {} by {}",
                pull.number,
                names(&reviewed.by)
            ));
            notes.extend(nameless(pull, &reviewed));
            if reviewed.late {
                notes.push(format!(
                    "pull request {} was approved after it had been merged",
                    pull.number
                ));
            }
        } else if let Some(other) = superset(pull, pulls, &reviewed) {
            approved.push(format!(
                "pull request {} as a part of {}",
                pull.number, other.number
            ));
        } else {
            wrong.push(flaws(pull, &reviewed));
            next.push(ask(pull, &reviewed));
        }
    }
    if !ways.direct.is_empty() {
        wrong.push(format!(
            "{} came by no pull request, so nobody has reviewed {}",
            commits(ways.direct.len()),
            if ways.direct.len() == 1 { "it" } else { "them" }
        ));
        next.push(Step::Say("see `merged-by-pull-request`".to_owned()));
    }
    if wrong.is_empty() {
        // What may have come by no pull request may not have been reviewed.
        if let Some(unsure) = unsure(facts, &ways) {
            return Err(unsure);
        }
        return Ok(Outcome::Pass {
            because: format!("approved: {}", approved.join(", ")),
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        });
    }
    next.truncate(SHOWN);
    next.push(Step::Say(
        "where the forge takes no more reviews of what is merged, revert it, and bring it again by a pull \
         request"
            .to_owned(),
    ));
    let more = match wrong.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more pull requests"),
    };
    wrong.truncate(SHOWN);
    Ok(Outcome::Violation {
        found: format!("{}{more}", wrong.join("; ")),
        expected: expected(),
        next,
    })
}

/// A pull request that is approved and has all commits of this one, of which nobody asks for changes: the
/// forge calls the lower one of a stack merged when the upper one is.
fn superset<'p>(pull: &Pull, pulls: &'p [Pull], reviewed: &Reviewed<'_>) -> Option<&'p Pull> {
    let asked = |flaw: &Flaw<'_>| matches!(flaw, Flaw::ChangesRequested(_));
    if reviewed.flaws.iter().any(asked) || pull.commits.is_empty() {
        return None;
    }
    pulls.iter().find(|other| {
        let has = |id: &str| other.commits.iter().any(|commit| commit.id == id);
        let merged = pull.merged.as_ref();
        other.number != pull.number
            && merged.is_some_and(|id| has(id.as_str()) || Some(id) == other.merged.as_ref())
            && pull.commits.iter().all(|commit| has(&commit.id))
            && self::reviewed(other).holds()
    })
}

/// What is still missing before the merge. Nothing is wrong yet.
fn inform(facts: &Facts<'_>) -> Outcome {
    let later = "the push decides, after the merge";
    let pull = match pulls(facts) {
        Ok((_, [pull, ..])) => pull,
        _ => {
            return Outcome::NotApplicable {
                because: later.to_owned(),
            };
        }
    };
    let reviewed = reviewed(pull);
    match reviewed.holds() {
        true => Outcome::Pass {
            because: format!("approved by {}; {later}", names(&reviewed.by)),
            note: None,
        },
        false => Outcome::Pass {
            because: later.to_owned(),
            note: Some(format!("before the merge: {}", flaws(pull, &reviewed))),
        },
    }
}

fn expected() -> String {
    "an approval of the last commit of each pull request by a person who has not written any of it, and \
     nobody who asks for changes"
        .to_owned()
}

fn ask(pull: &Pull, reviewed: &Reviewed<'_>) -> Step {
    let page = shorten(&pull.url);
    let blocking = reviewed.flaws.iter().find_map(|flaw| match flaw {
        Flaw::ChangesRequested(who) => Some(who.map(|who| shorten(&who.login))),
        _ => None,
    });
    Step::Say(match blocking {
        Some(Some(who)) => format!("let `{who}` look at {page} again, or dismiss what is settled"),
        Some(None) => {
            format!("dismiss the request of the account that is gone at {page}, if it is settled")
        }
        None => format!("let a colleague who has not written it approve {page} as it is now"),
    })
}

/// What is wrong with the reviews of a pull request, in one sentence.
fn flaws(pull: &Pull, reviewed: &Reviewed<'_>) -> String {
    let number = pull.number;
    let shown: Vec<String> = reviewed
        .flaws
        .iter()
        .take(SHOWN)
        .map(|flaw| match flaw {
            Flaw::ChangesRequested(who) => {
                format!("{} asks for changes and has not approved since", name(*who))
            }
            Flaw::Stale { by, at } => format!(
                "{} has approved {}, and the last commit is {}",
                name(Some(by)),
                short(at),
                short(&pull.head)
            ),
            Flaw::Dismissed(by) => format!("the approval of {} was dismissed", name(Some(by))),
            Flaw::Bot(by) => format!("{} has approved it and is a program", name(Some(by))),
            Flaw::Opener(by) => format!("{} has approved it and has opened it", name(Some(by))),
            Flaw::Author { by, of } => format!(
                "{} has approved it and has written {}",
                name(Some(by)),
                short(of)
            ),
            Flaw::CoAuthor { by, of } => format!(
                "{} has approved it and is a co-author of {}",
                name(Some(by)),
                short(of)
            ),
            Flaw::Committer { by, of } => format!(
                "{} has approved it and has committed {}",
                name(Some(by)),
                short(of)
            ),
            Flaw::Outsider(by) => format!(
                "the forge does not count the approval of {}, who may not write to the repository or was asked \
                 again",
                name(Some(by))
            ),
            Flaw::Gone => "an account that is gone has approved it".to_owned(),
        })
        .collect();
    let what = match (reviewed.by.is_empty(), shown.is_empty()) {
        (true, true) => return format!("pull request {number} has no approval"),
        (true, false) => "has no approval that counts",
        (false, _) => "is approved, but not by everybody",
    };
    let more = match reviewed.flaws.len() - shown.len() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("pull request {number} {what}: {}{more}", shown.join(", "))
}

/// Says that somebody who has written something is not known.
fn nameless(pull: &Pull, reviewed: &Reviewed<'_>) -> Option<String> {
    let count = match reviewed.nameless {
        0 => return None,
        1 => "1 author is no account that the forge knows".to_owned(),
        n => format!("{n} authors are no accounts that the forge knows"),
    };
    Some(format!(
        "of pull request {} {count}; nobody can say whether an approval is theirs",
        pull.number
    ))
}

fn name(who: Option<&Account>) -> String {
    match who {
        Some(who) => format!("`{}`", shorten(&who.login)),
        None => "an account that is gone".to_owned(),
    }
}

fn names(by: &[&Account]) -> String {
    let shown: Vec<String> = by.iter().take(SHOWN).map(|one| name(Some(one))).collect();
    match by.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A commit as the forge writes it, which may be anything.
fn short(id: &str) -> String {
    let start: String = id.chars().take(7).collect();
    match start.is_empty() {
        true => "no commit".to_owned(),
        false => shorten(&start),
    }
}
