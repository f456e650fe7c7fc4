//! What runs in production is known before anything else is judged.

use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::facts::history::{Placed, What};
use crate::facts::{Facts, Source, shorten};
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "running-known",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History, Asks::Running],
    promise: "What runs in production is known, and lies in the git history.",
    why: "A03: find the version of the service that runs in production; A05: better still, ask the \
          cluster",
    notes: "`policy.running` says who is asked, target by target. A release is found by its git tag: \
            the image tag `1.0.0` and the git tag `v1.0.0` are one release, unless both tags are \
            there and point to different commits. The tag of a hotfix is found by its branch.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    // The source itself first: it can say what it says without any git.
    let running = known(&facts.running)?;
    let mut notes = Vec::new();
    for on in &running.targets {
        known(&on.answer)?;
        notes.extend(on.notes.iter().map(|note| shorten(note)));
    }
    let history = known(&facts.history)?;
    let placed = known(&history.running)?;
    for version in placed {
        known(&version.commit)?;
    }
    let shown: Vec<String> = placed.iter().map(describe).collect();
    let nothing = placed.is_empty();
    Ok(Outcome::Pass {
        because: if nothing {
            "nothing of this service runs in production".to_owned()
        } else {
            shown.join("; ")
        },
        note: (!notes.is_empty()).then(|| notes.join("; ")),
    })
}

/// A running version in prose.
pub(super) fn describe(placed: &Placed) -> String {
    let on = if placed.target.is_empty() || placed.target == "*" {
        "production".to_owned()
    } else {
        format!("`{}`", shorten(&placed.target))
    };
    let what = match &placed.what {
        What::Release(tag) if *tag != placed.text => format!(" (git tag `{}`)", shorten(tag)),
        What::Hotfix(Some(branch)) => format!(" (the hotfix of `{}`)", shorten(branch)),
        What::Train(branch) => format!(" (the train `{}`)", shorten(branch)),
        What::Hotfix(None) => " (a hotfix)".to_owned(),
        What::Release(_) | What::Other => String::new(),
    };
    let at = match &placed.commit {
        Source::Known(commit) => format!(" at {}", commit.short()),
        _ => String::new(),
    };
    format!(
        "{on} {} `{}`{what}{at}, says {}",
        if placed.runs { "runs" } else { "wants" },
        shorten(&placed.text),
        placed.origin
    )
}

/// What to do to have it known.
pub(super) fn how_to_know() -> Step {
    Step::Say(
        "say in `policy.running` what runs in production, or who knows it: a version, a workload of a \
         cluster, or Drone's promotions"
            .to_owned(),
    )
}
