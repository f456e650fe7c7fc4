//! Somebody who may has accepted the hotfix.

use super::earlier::{self, Likeness};
use super::{Asks, Judges, OwnLevel, Rule, known, promotion};
use crate::ci::Event;
use crate::facts::before::{Built, Past};
use crate::facts::{Facts, shorten};
use crate::policy::sign_off::SignOff;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "signed-off",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::HotfixToProduction,
    events: &[Event::Promote],
    asks: &[Asks::Before, Asks::Past, Asks::Images],
    promise: "Somebody of `policy.sign_off` has accepted the same image, and is not who wrote it.",
    why: "A34: team and stakeholders accept the risk; B15: QA says that it is tested and solves the problem",
    notes: "Accepting is a promotion of the image to `policy.sign_off.target`, started by a login of \
            `policy.sign_off.who`, that ended well. The Drone server says who started it. The author is the \
            login that Drone keeps for the hotfix's own build and for the promoted one; authors of other \
            commits are known by their address only, and are not compared. That the trial came first is not \
            asked.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let promotion = promotion(facts)?;
    let Some(sign_off) = &facts.policy.sign_off else {
        return Ok(Outcome::NotChecked {
            because: "`policy.sign_off` does not say who accepts a hotfix".to_owned(),
            next: vec![Step::Say(
                "set `policy.sign_off: {target: sign-off, who: [LOGIN]}`".to_owned(),
            )],
        });
    };
    let past = known(&known(&promotion.before)?.past)?;
    let accepted: Vec<&Built> = past
        .promotions
        .iter()
        .filter(|earlier| is_acceptance(sign_off, earlier))
        .collect();
    let images = earlier::images(promotion)?;
    let mut passed = Vec::new();
    if images.is_empty() {
        let same = |earlier: &&&Built| earlier::is_same_build(facts, past, earlier);
        let same: Vec<&Built> = accepted.iter().filter(same).copied().collect();
        passed.push(one(
            facts,
            sign_off,
            past,
            &same,
            false,
            "the promoted build",
        )?);
    }
    for image in &images {
        let of = |wanted| {
            let same = move |one: &&&Built| earlier::likeness(facts, one, image) == wanted;
            accepted.iter().filter(same).copied().collect::<Vec<_>>()
        };
        let unclear = !of(Likeness::SameName).is_empty();
        let what = format!("`{}` ({})", shorten(image.text), image.digest);
        passed.push(one(
            facts,
            sign_off,
            past,
            &of(Likeness::Same),
            unclear,
            &what,
        )?);
    }
    Ok(Outcome::Pass {
        because: passed.join("; "),
        note: None,
    })
}

fn is_acceptance(sign_off: &SignOff, earlier: &Built) -> bool {
    let target = earlier.deploy_to.as_deref().unwrap_or_default();
    earlier.event == "promote"
        && earlier.is_success()
        && sign_off.target.eq_ignore_ascii_case(target.trim())
}

fn one(
    facts: &Facts<'_>,
    sign_off: &SignOff,
    past: &Past,
    same: &[&Built],
    unclear: bool,
    what: &str,
) -> Result<String, Outcome> {
    let mut others = Vec::new();
    for acceptance in same {
        let by = acceptance.trigger.as_deref().unwrap_or_default();
        let shown = shorten(by);
        let mut authors = super::build_passed::authors(facts, past);
        authors.extend(acceptance.author.as_deref());
        let ended = acceptance.finished.is_some_and(|at| at <= facts.now);
        if !sign_off.who.iter().any(|who| who == by) {
            others.push(format!(
                "`{shown}` has accepted it and is not in `policy.sign_off.who`"
            ));
        } else if authors.is_empty() {
            others.push(format!(
                "`{shown}` has accepted it, but who has written it is not known to the server"
            ));
        } else if authors.iter().any(|author| author.eq_ignore_ascii_case(by)) {
            others.push(format!("`{shown}` has accepted it and is its author"));
        } else if !ended {
            others.push(format!(
                "`{shown}` has accepted it at {}",
                earlier::when(acceptance)
            ));
        } else {
            return Ok(format!(
                "`{shown}` has accepted {what} by build {} at {}",
                acceptance.number,
                earlier::when(acceptance)
            ));
        }
    }
    let target = &sign_off.target;
    let who = sign_off.who.join("`, `");
    let next = vec![Step::Say(format!(
        "let one of `{who}` promote it to `{target}` after the trial, by its digest, or by its tag with an \
         account that may push"
    ))];
    if others.is_empty() && (unclear || !past.whole) {
        return Err(Outcome::Unknown {
            because: match unclear {
                true => format!(
                    "the same tag was promoted to `{target}`, but nobody has kept which image it named then"
                ),
                false => format!(
                    "among the last builds nobody has accepted {what}; older builds were not looked through"
                ),
            },
            retry: false,
            next,
        });
    }
    let but = match others.first() {
        Some(other) => format!(": {other}"),
        None => String::new(),
    };
    Err(Outcome::Violation {
        found: format!("nobody who may has accepted {what}{but}"),
        expected: format!("a promotion to `{target}` by one of `{who}`, who has not written it"),
        next,
    })
}
