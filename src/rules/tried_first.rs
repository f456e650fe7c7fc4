//! A hotfix was tried somewhere else before it goes to production.

use std::time::Duration;

use super::earlier::{self, Image, Likeness};
use super::{Asks, Judges, OwnLevel, Rule, known, promotion};
use crate::ci::Event;
use crate::facts::before::{Built, Past};
use crate::facts::{Facts, shorten};
use crate::policy::targets::Class;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "tried-first",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::HotfixToProduction,
    events: &[Event::Promote],
    asks: &[Asks::Before, Asks::Past, Asks::Images],
    promise: "The same image was promoted to a trial target before, and that promotion ended well.",
    why: "A33, A34: a hotfix is tested on a non-production environment until the risk is accepted; B16, \
          B23: staging comes first, with the same bytes",
    notes: "Asked of the Drone server. The same image is the same digest. Drone keeps the tag that was \
            promoted, and not what it named then; so the gate attaches a statement to the digest when it has \
            allowed a promotion to a trial target, and for that its account must be allowed to push. A \
            promotion by digest needs no statement. `limits.soak` says how long ago the trial must have \
            ended. A promotion without a version parameter counts for the build that it promotes.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let promotion = promotion(facts)?;
    let past = known(&known(&promotion.before)?.past)?;
    let trials: Vec<&Built> = past
        .promotions
        .iter()
        .filter(|earlier| is_trial(facts, earlier))
        .collect();
    let images = earlier::images(promotion)?;
    let mut passed = Vec::new();
    if images.is_empty() {
        let same = trials
            .iter()
            .filter(|trial| earlier::is_same_build(facts, past, trial));
        passed.push(one(facts, past, same.copied(), &[], "the promoted build")?);
    }
    for image in &images {
        let of = |wanted| {
            let same = move |trial: &&&Built| earlier::likeness(facts, trial, image) == wanted;
            trials.iter().filter(same).copied().collect::<Vec<_>>()
        };
        let unclear = of(Likeness::SameName);
        passed.push(one(
            facts,
            past,
            of(Likeness::Same).into_iter(),
            &unclear,
            &name(image),
        )?);
    }
    Ok(Outcome::Pass {
        because: passed.join("; "),
        note: None,
    })
}

fn name(image: &Image<'_>) -> String {
    format!("`{}` ({})", shorten(image.text), image.digest)
}

/// A promotion to where hotfixes are tried, that ended well.
fn is_trial(facts: &Facts<'_>, earlier: &Built) -> bool {
    let target = earlier.deploy_to.as_deref().unwrap_or_default();
    let readable = target.bytes().all(|b| (b' '..=b'~').contains(&b)) && !target.trim().is_empty();
    let class = facts.policy.targets.class(target);
    let sign_off = facts.policy.sign_off.as_ref();
    let signs =
        sign_off.is_some_and(|sign_off| sign_off.target.eq_ignore_ascii_case(target.trim()));
    earlier.event == "promote"
        && earlier.is_success()
        && readable
        && !signs
        && match class {
            Class::Trial => true,
            // Of a target that nothing deploys to, a build is green at once.
            Class::Unlisted => !facts.policy.targets.trial_is_listed,
            Class::Qa | Class::Production => false,
        }
}

fn one<'a>(
    facts: &Facts<'_>,
    past: &Past,
    same: impl Iterator<Item = &'a Built>,
    unclear: &[&Built],
    what: &str,
) -> Result<String, Outcome> {
    let soak = facts.policy.limits.soak.unwrap_or(Duration::ZERO);
    let soak = i64::try_from(soak.as_secs()).unwrap_or(i64::MAX);
    let mut early = None;
    for trial in same {
        let target = shorten(trial.deploy_to.as_deref().unwrap_or_default());
        // A trial that ends in the future, or never ended, has not ended well.
        let since = trial.finished.map(|at| facts.now.saturating_sub(at));
        match since {
            Some(since) if since >= soak && since >= 0 => {
                return Ok(format!(
                    "build {} has promoted {what} to `{target}`, which ended well at {}",
                    trial.number,
                    earlier::when(trial)
                ));
            }
            _ => early = early.or(Some((trial, target))),
        }
    }
    if let Some((trial, target)) = early {
        return Err(Outcome::Violation {
            found: format!(
                "{what} was promoted to `{target}` by build {} at {}",
                trial.number,
                earlier::when(trial)
            ),
            expected: format!("a trial that ended at least {soak} seconds ago (`limits.soak`)"),
            next: vec![Step::Say("wait, and promote again".to_owned())],
        });
    }
    if let Some(trial) = unclear.first() {
        let target = shorten(trial.deploy_to.as_deref().unwrap_or_default());
        return Err(Outcome::Unknown {
            because: format!(
                "build {} has promoted the same tag to `{target}` at {}, but nobody has kept which image \
                 it named then, so whether it was {what} is not known",
                trial.number,
                earlier::when(trial)
            ),
            retry: false,
            next: vec![Step::Say(
                "promote it to a trial target once more, by its digest, or with an account that may push \
                 (`username`, `password`), so that the gate can keep the digest"
                    .to_owned(),
            )],
        });
    }
    if !past.whole {
        return Err(Outcome::Unknown {
            because: format!(
                "among the last builds there is no promotion of {what} to a trial target; older builds \
                 were not looked through"
            ),
            retry: false,
            next: again(facts),
        });
    }
    Err(Outcome::Violation {
        found: format!("no promotion of {what} to a trial target has ended well"),
        expected: "a trial of the same image before production".to_owned(),
        next: again(facts),
    })
}

fn again(facts: &Facts<'_>) -> Vec<Step> {
    let trial = facts.policy.targets.trial.written();
    let names: Vec<&str> = trial
        .iter()
        .map(String::as_str)
        .filter(|name| !name.contains(['*', '?', '!']))
        .take(4)
        .collect();
    vec![Step::Say(format!(
        "promote it to a trial target first (`{}`), try it there, and promote it to production then",
        names.join("`, `")
    ))]
}
