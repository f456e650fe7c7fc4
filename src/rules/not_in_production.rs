//! Nothing is pushed to a hotfix branch that production runs.

use super::running_known::how_to_know;
use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::facts::{Facts, Source, shorten};
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "not-in-production",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::Hotfix,
    events: &[Event::Push, Event::Custom],
    asks: &[Asks::Running, Asks::Current],
    promise: "No production target runs a tag that this push would write, or the image under it.",
    why: "A17: never push to a `hotfix/` branch that is deployed to production: with \
          `imagePullPolicy: Always` any restarted container runs the new code, with no promotion",
    notes: "Judged before anything is published. What runs comes from `policy.running`; repositories \
            are compared by their path, because production may pull through a mirror. A production \
            that names its image by digest is compared with the digest that the tag has now. A train \
            (`policy.train`) in production goes on, and its next hotfix is its next `Release` (B22): a push \
            to it is not refused, and that production runs the tag that it writes is said.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    let outcome = judge(facts).unwrap_or_else(|outcome| outcome);
    match train(facts) {
        Some(train) => of_train(train, outcome),
        None => outcome,
    }
}

/// The train that is pushed to, if it is one.
fn train<'a>(facts: &Facts<'a>) -> Option<&'a str> {
    let policy = facts.policy.train.as_ref()?;
    let branch = facts.build.branch.as_deref()?;
    policy.branches.is_match(branch).then_some(branch)
}

/// A hotfix of seed A has a branch for itself, which is over once it runs. A train goes on: the process
/// for one in production is the same as for any other, so its next hotfix must be pushed to it.
fn of_train(train: &str, outcome: Outcome) -> Outcome {
    let goes_on = format!(
        "`{}` is a train, and a train in production goes on: its next hotfix is its next `Release` (B22)",
        shorten(train)
    );
    match outcome {
        Outcome::Violation { found, .. } => Outcome::Pass {
            because: goes_on,
            note: Some(format!(
                "{found}, and this push gives that tag a new image: what restarts there may pull it. \
                 Deploy the train by a tag of each release, or by digest"
            )),
        },
        _ => Outcome::NotApplicable { because: goes_on },
    }
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let running = match &facts.running {
        Source::NotConfigured(because) => {
            return Err(Outcome::NotChecked {
                because: because.clone(),
                next: vec![how_to_know()],
            });
        }
        other => known(other)?,
    };
    let repo = facts.policy.repo.as_ref();
    let mut seen = 0;
    let mut by_digest = false;
    for on in &running.targets {
        let Source::Known(deployed) = &on.answer else {
            continue;
        };
        for one in deployed {
            seen += 1;
            let tag = facts
                .tags
                .iter()
                .filter_map(|planned| planned.text.as_deref())
                .find(|tag| {
                    repo.map_or(one.tag.as_deref() == Some(*tag), |repo| {
                        one.matches(repo, Some(tag), None)
                    })
                });
            if let Some(tag) = tag {
                return Ok(runs(facts, &on.target, &on.origin, tag, ""));
            }
            // Promoted without a version parameter: its deployment may well name the tag of its branch.
            if one.branch.is_some() && one.branch == facts.build.branch {
                return Ok(runs(
                    facts,
                    &on.target,
                    &on.origin,
                    &one.text,
                    ", of this branch",
                ));
            }
            by_digest |= one.digest.is_some();
            if let (Source::Known(current), Some(digest)) = (&facts.current, &one.digest)
                && let Some((tag, _)) = current.iter().find(|(_, now)| now == digest)
            {
                return Ok(runs(facts, &on.target, &on.origin, tag, ", by its digest"));
            }
        }
    }
    // One target that did not answer may be the one that runs it.
    for on in &running.targets {
        known(&on.answer)?;
    }
    if by_digest {
        known(&facts.current)?;
    }
    Ok(Outcome::Pass {
        because: match seen {
            0 => "nothing of this service runs in production".to_owned(),
            1 => "the version that runs in production is another one".to_owned(),
            n => format!("the {n} versions that run in production are others"),
        },
        note: None,
    })
}

fn runs(facts: &Facts<'_>, target: &str, origin: &str, tag: &str, how: &str) -> Outcome {
    let on = if target.is_empty() || target == "*" {
        "production".to_owned()
    } else {
        format!("`{}`", shorten(target))
    };
    let branch = facts.build.branch.as_deref().unwrap_or_default();
    let fresh = format!("{branch}-2");
    let commit = facts.build.commit.as_str();
    Outcome::Violation {
        found: format!("{on} runs `{}`{how}, says {origin}", shorten(tag)),
        expected:
            "a hotfix branch that nothing runs yet: writing this tag would change production \
                   without a promotion"
                .to_owned(),
        next: vec![
            Step::Say(
                "give the new commits a branch of their own, and leave this one as it runs:"
                    .to_owned(),
            ),
            Step::run(["git", "fetch", "origin", &format!("refs/heads/{branch}")]),
            Step::run(["git", "switch", "--create", &fresh, "--no-track", commit]),
            Step::run(["git", "push", "origin", &fresh]),
        ],
    }
}
