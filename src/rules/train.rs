//! A fix goes into the newest train, which is the one that the spec file names (B07).

use super::issue::unread;
use super::{Asks, Judges, OwnLevel, Rule, known, trains};
use crate::ci::Event;
use crate::day::Day;
use crate::facts::history::{Placed, What};
use crate::facts::train::{Known, TrainFacts};
use crate::facts::{Facts, shorten};
use crate::hotfix::CommitId;
use crate::policy::train::Train;
use crate::train::{Dated, dated};
use crate::verdict::{Level, Outcome, Step};

/// How far ahead the day of a train may lie: some teams name a train by the day on which it ships.
const AHEAD_DAYS: i64 = 60;
const AHEAD: i64 = AHEAD_DAYS * 24 * 60 * 60;
/// The most branches that are named as none.
const SHOWN: usize = 3;

pub(super) const RULE: Rule = Rule {
    id: "train",
    level: OwnLevel::Is(Level::Off),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History, Asks::Running, Asks::Train],
    promise: "The branch is the newest train of the repository, and the train that `Version` in the spec file names.",
    why: "B07: the pull request is made against the rolling train",
    notes: "Trains are the branches that `policy.train.branches` matches; the newest is the one with the \
            highest numbers in its name. A name in the form of a date that is no day of the calendar, or one more \
            than 60 days ahead, is a slip and no train. A train is derailed if the remote has a branch or tag of \
            its name with `DERAILED` behind it; the newest train is then the one before. An older train passes if \
            it is what runs in production, by its tag or by its version (`policy.running`: \
            `branch-train-2012.04.27`, `0.2012.04.27-2`); if that cannot be asked, nobody knows. `Version` must be written out: a macro cannot be compared.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let policy = trains::policy(facts)?;
    let train = known(&facts.train)?;
    let place = place(facts, policy, train)?;
    let name = policy.branches.group(&train.branch).unwrap_or_default();
    let wanted = format!("{}{name}", policy.version_prefix);
    let expected = format!("`Version: {}`", shorten(&wanted));
    let spec = trains::file(&train.tip.spec, &policy.spec, "spec")?;
    let version = spec
        .version()
        .map_err(|why| trains::unread(&policy.spec, "Version", &why, &expected))?;
    if version == wanted {
        return Ok(Outcome::Pass {
            because: format!(
                "`{}` is {}, and `{}` has {expected}",
                shorten(&train.branch),
                if place.is_newest {
                    "the newest train"
                } else {
                    "a train"
                },
                policy.spec
            ),
            note: place.note,
        });
    }
    let bare = version.split_once('.').map_or("", |(_, rest)| rest);
    let (found, next) = if bare == name && !name.is_empty() {
        (
            format!(
                "`Version: {}`: what stands before the train's name was raised, as if it were `Release`",
                shorten(version)
            ),
            format!(
                "set `Version` back to `{}`, and raise `Release`",
                shorten(&wanted)
            ),
        )
    } else {
        let other = train
            .trains
            .iter()
            .find(|known| format!("{}{}", policy.version_prefix, known.name) == version);
        let of = match other {
            Some(other) => format!(", which is `{}`'s", shorten(&other.branch)),
            None => ", which is no train's".to_owned(),
        };
        (
            format!("`Version: {}`{of}", shorten(version)),
            "bring the fix to the train that it is meant for, with that train's `Version`"
                .to_owned(),
        )
    };
    Err(Outcome::Violation {
        found: format!(
            "{found}, in `{}` of `{}`",
            policy.spec,
            shorten(&train.branch)
        ),
        expected,
        next: vec![Step::Say(next)],
    })
}

/// Where a branch stands among the trains.
struct Place {
    is_newest: bool,
    /// What there is to say of the newer ones.
    note: Option<String>,
}

/// Whether the branch is the newest train, or an older one that fixes go into all the same.
fn place(facts: &Facts<'_>, policy: &Train, train: &TrainFacts) -> Result<Place, Outcome> {
    let branch = shorten(&train.branch);
    let counts = |known: &&Known| known.derailed.is_none() && mistyped(facts, known).is_none();
    let newest = train.trains.iter().find(counts);
    let best = newest.map_or_else(
        || "a train".to_owned(),
        |known| format!("the newest train, `{}`", shorten(&known.branch)),
    );
    let next = |newest: Option<&Known>| {
        let onto = newest.map_or("the train", |known| known.branch.as_str());
        vec![Step::Say(match facts.build.event {
            Event::PullRequest => format!("make the pull request against `{}`", shorten(onto)),
            _ => format!("bring the fix to `{}`", shorten(onto)),
        })]
    };
    let refuse = |found: String| Outcome::Violation {
        found,
        expected: best.clone(),
        next: next(newest),
    };
    if !policy.branches.is_match(&train.branch) {
        return Err(refuse(format!("`{branch}`, which is no train")));
    }
    let Some(own) = train
        .trains
        .iter()
        .find(|known| known.branch == train.branch)
    else {
        return Err(Outcome::Unknown {
            because: format!("the remote has no branch `{branch}` any more"),
            retry: false,
            next: next(newest),
        });
    };
    if let Some(why) = mistyped(facts, own) {
        return Err(refuse(format!("`{branch}`, which is no train: {why}")));
    }
    if let Some(derailed) = &own.derailed {
        return Err(refuse(format!(
            "`{branch}`, which was derailed, as `{}` says",
            shorten(derailed)
        )));
    }
    let Some(newer) = newest.filter(|newest| newest.branch != own.branch) else {
        return Ok(Place {
            is_newest: true,
            note: passed_over(facts, train),
        });
    };
    let newer = shorten(&newer.branch);
    match in_production(facts, train) {
        Ok(Some(true)) => Ok(Place {
            is_newest: false,
            note: Some(format!(
                "`{newer}` is newer, but `{branch}` is the train that runs in production (B22: its \
                 deployment needs a ticket of its own)"
            )),
        }),
        Ok(said) => {
            let mut refusal = refuse(match said {
                Some(_) => format!(
                    "`{branch}`, which does not run in production, while `{newer}` is newer"
                ),
                None => format!("`{branch}`, while `{newer}` is newer"),
            });
            if let (None, Outcome::Violation { next, .. }) = (said, &mut refusal) {
                next.push(Step::Say(format!(
                    "if `{branch}` is what runs in production, its fixes go into it (B22): say what runs \
                     there in `policy.running`, which decides it"
                )));
            }
            Err(refusal)
        }
        Err(outcome) => Err(unread(
            outcome,
            &format!("`{newer}` is newer, and whether `{branch}` runs in production is not"),
        )),
    }
}

/// Why a branch that looks like a train is none: nobody cuts a train on a day that there is not, or for
/// a day that is far off. One slip of the pen would close all real trains.
fn mistyped(facts: &Facts<'_>, known: &Known) -> Option<String> {
    let name = shorten(&known.name);
    match dated(&known.name) {
        Dated::NoDay => Some(format!("`{name}` is no day of the calendar")),
        Dated::Day(day) => {
            let latest = Day::of_seconds(facts.now.saturating_add(AHEAD))?;
            (day > latest).then(|| format!("`{name}` is more than {AHEAD_DAYS} days ahead"))
        }
        Dated::Not => None,
    }
}

/// What newer branches there are that do not count.
fn passed_over(facts: &Facts<'_>, train: &TrainFacts) -> Option<String> {
    let newer = train.trains.iter();
    let newer = newer.take_while(|known| known.branch != train.branch);
    let (mut derailed, mut wrong) = (Vec::new(), Vec::new());
    for known in newer {
        let branch = shorten(&known.branch);
        match mistyped(facts, known) {
            Some(why) => wrong.push(format!("`{branch}` is taken for no train: {why}")),
            None => derailed.push(format!("`{branch}`")),
        }
    }
    derailed.truncate(SHOWN);
    wrong.truncate(SHOWN);
    if !derailed.is_empty() {
        wrong.push(format!("{} is newer and was derailed", derailed.join(", ")));
    }
    (!wrong.is_empty()).then(|| wrong.join("; "))
}

/// Whether the train runs in production; `None` where nobody is configured to know.
fn in_production(facts: &Facts<'_>, train: &TrainFacts) -> Result<Option<bool>, Outcome> {
    if facts.policy.running.is_none() {
        return Ok(None);
    }
    let running = facts.running.get().into_iter();
    let mut deployed = running
        .flat_map(|running| &running.targets)
        .filter_map(|on| on.answer.get())
        .flatten();
    // Promoted without a version parameter, so that only the build's branch says what it is.
    let branch = Some(&train.branch);
    if deployed.any(|one| one.runs && one.branch.as_ref() == branch) {
        return Ok(Some(true));
    }
    let history = known(&facts.history)?;
    let placed = known(&history.running)?;
    let own = history.range.get().into_iter().flatten();
    let own: Vec<&CommitId> = own
        .filter(|change| !change.from_default)
        .map(|change| &change.id)
        .collect();
    let is_own = |one: &&Placed| match &one.what {
        What::Hotfix(of) => of.as_ref() == branch,
        What::Train(of) => Some(of) == branch,
        What::Release(_) | What::Other => one.commit.get().is_some_and(|id| own.contains(&id)),
    };
    let running = || placed.iter().filter(|one| one.runs);
    if running().any(|one| is_own(&one)) {
        return Ok(Some(true));
    }
    // A target that did not answer, or a version that nobody can place, may be the train.
    for one in running().filter(|one| one.what == What::Other) {
        known(&one.commit)?;
        known(&history.range)?;
    }
    Ok(Some(false))
}
