//! A fix goes into the newest train, which is the one that the spec file names (B07).

use super::{Asks, Judges, OwnLevel, Rule, known, trains};
use crate::ci::Event;
use crate::facts::history::What;
use crate::facts::train::{Known, TrainFacts};
use crate::facts::{Facts, shorten};
use crate::policy::train::Train;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "train",
    level: OwnLevel::Is(Level::Off),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History, Asks::Running, Asks::Train],
    promise: "The branch is the newest train of the repository, and the train that `Version` in the spec file names.",
    why: "B07: the pull request is made against the rolling train",
    notes: "Trains are the branches that `policy.train.branches` matches; the newest is the one with the \
            highest numbers in its name. A train is derailed if the remote has a branch or tag of its name with \
            `DERAILED` behind it; the newest train is then the one before. An older train passes if it is what \
            runs in production (`policy.running`). `Version` must be written out: a macro cannot be compared.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let policy = trains::policy(facts)?;
    let train = known(&facts.train)?;
    let note = newest(facts, policy, train)?;
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
                if note.is_some() {
                    "a train"
                } else {
                    "the newest train"
                },
                policy.spec
            ),
            note,
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

/// Whether the branch is the newest train; what there is to say if it may be an older one.
fn newest(
    facts: &Facts<'_>,
    policy: &Train,
    train: &TrainFacts,
) -> Result<Option<String>, Outcome> {
    let branch = shorten(&train.branch);
    let newest = train.trains.iter().find(|known| known.derailed.is_none());
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
    let refuse = |found: String| {
        Err(Outcome::Violation {
            found,
            expected: best.clone(),
            next: next(newest),
        })
    };
    if !policy.branches.is_match(&train.branch) {
        return refuse(format!("`{branch}`, which is no train"));
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
    if let Some(derailed) = &own.derailed {
        return refuse(format!(
            "`{branch}`, which was derailed, as `{}` says",
            shorten(derailed)
        ));
    }
    let beyond: Vec<String> = train
        .trains
        .iter()
        .take_while(|known| known.branch != own.branch)
        .filter(|known| known.derailed.is_some())
        .map(|known| format!("`{}`", shorten(&known.branch)))
        .take(3)
        .collect();
    match newest {
        Some(newest) if newest.branch == own.branch => Ok(match beyond.is_empty() {
            true => None,
            false => Some(format!("{} is newer and was derailed", beyond.join(", "))),
        }),
        Some(newest) => {
            let runs = |what: &What| *what == What::Hotfix(Some(train.branch.clone()));
            let history = facts.history.get();
            let running = history.and_then(|history| history.running.get());
            let in_production =
                running.is_some_and(|placed| placed.iter().any(|one| one.runs && runs(&one.what)));
            match in_production {
                true => Ok(Some(format!(
                    "`{}` is newer, but `{branch}` is the train that runs in production (B22: its \
                     deployment needs a ticket of its own)",
                    shorten(&newest.branch)
                ))),
                false => refuse(format!(
                    "`{branch}`, while `{}` is newer",
                    shorten(&newest.branch)
                )),
            }
        }
        None => Ok(None),
    }
}
