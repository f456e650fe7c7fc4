//! Those who have a say want the hotfix.

mod heard;

use super::declared::{few, whole, wrong};
use super::merged_by_pull_request::pulls;
use super::{Asks, Judges, OwnLevel, Rule, own_commits};
use crate::ci::Event;
use crate::declaration::{Decision, Declared, Key};
use crate::facts::Facts;
use crate::facts::forge::Pull;
use crate::facts::history::declared::{Hands, declared};
use crate::policy::agreed::{Agreed, Who};
use crate::verdict::{Level, Outcome, Step};
use heard::{reviews, trailers};

pub(super) const RULE: Rule = Rule {
    id: "agreed",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History, Asks::Pulls, Asks::Teams],
    promise: "Those whom `policy.agreed` names have agreed, none of whom has taken part in writing it; and no \
              other decision is declared.",
    why: "A19: stakeholders agree before the `hotfix/` branch is created; B05: a quorum decides whether to \
          ship as is, to hotfix, or to derail the train",
    notes: "People agree by a trailer `Agreed-by: NAME <ADDRESS>`, or by an approval that counts for `reviewed`; \
            teams by such an approval of a member; a label of `policy.agreed.labels` on a pull request of the \
            hotfix says the same as all of them. Whoever is author, committer or co-author of one of its \
            commits, by address or by name, does not count, and neither does who has opened or written one of \
            its pull requests and approves another. An entry with an address alone and one with a login alone, \
            or a member of a team, may be one person: they do not add up to two. `Decision: as-is` or `Decision: derail` contradicts \
            a hotfix, and so do two different decisions; `policy.agreed.decision` demands `Decision: hotfix`. \
            Without `policy.agreed`, one `Agreed-by` of anybody who has not taken part is enough; where there is \
            none and the policy does not name the rule, it is not checked. A trailer is the claim of \
            whoever can push, and a label that of whoever can set labels: [the forms](declarations.md), [what \
            they prove](threat-model.md). On a pull request, start the build again after a review or a label: \
            Drone does not build when one comes.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let range = own_commits(facts)?;
    let declared = declared(range);
    whole(&declared)?;
    decided(facts, &declared)?;
    let hands = Hands::of(range);
    let Some(agreed) = &facts.policy.agreed else {
        return anybody(facts, &declared, &hands);
    };
    let mut heard = trailers(facts, agreed, &declared, &hands);
    let asked = pulls(facts);
    let mut unclear = None;
    match &asked {
        Ok((forge, pulls)) => {
            let label = pulls.iter().find_map(|pull| label(agreed, pull));
            if let Some((label, number)) = label
                && !agreed.decision
            {
                return Ok(Outcome::Pass {
                    because: format!(
                        "pull request {number} has the label `{}`",
                        facts.words(label)
                    ),
                    note: note(facts, &declared),
                });
            }
            unclear = reviews(agreed, forge, pulls, &hands, &mut heard);
        }
        Err(_) if !agreed.asks_forge() => {}
        Err(outcome) => unclear = Some(outcome.clone()),
    }
    if heard.count() >= agreed.count && !agreed.by.is_empty() {
        return Ok(Outcome::Pass {
            because: format!("agreed: {}", few(&heard.names(), ", ")),
            note: note(facts, &declared),
        });
    }
    if let Some(unclear) = unclear {
        return Err(unclear);
    }
    heard.others.extend(wrong(facts, &declared, Key::AgreedBy));
    if heard.count() < heard.yes.len() {
        heard.others.push(
            "who is known by an address alone and who is known by a login alone may be one person, so a \
             trailer and a review of theirs count once"
                .to_owned(),
        );
    }
    let found = match heard.count() {
        0 => "nobody of `policy.agreed` has agreed".to_owned(),
        some => format!(
            "{some} of {} have agreed: {}",
            agreed.count,
            few(&heard.names(), ", ")
        ),
    };
    Ok(missing(
        found,
        &heard.others,
        agreed.describe(),
        next(agreed),
    ))
}

/// Without `policy.agreed`: anybody who has taken no part may agree.
fn anybody(facts: &Facts<'_>, declared: &Declared, hands: &Hands<'_>) -> Result<Outcome, Outcome> {
    let mut others = Vec::new();
    let mut yes = Vec::new();
    for said in &declared.agreed {
        let who = person(facts, &said.what.name, &said.what.address);
        match hands.part_of(&said.what) {
            Some((part, change)) => others.push(format!(
                "{who} has agreed in {}, and is {} of {}",
                said.by.short(),
                part.as_str(),
                change.id.short()
            )),
            None => yes.push(format!("{who} in {}", said.by.short())),
        }
    }
    if !yes.is_empty() {
        return Ok(Outcome::Pass {
            because: format!("agreed: {}", few(&yes, ", ")),
            note: note(facts, declared),
        });
    }
    others.extend(wrong(facts, declared, Key::AgreedBy));
    let named = facts.policy.rules.contains_key(RULE.id);
    if others.is_empty() && declared.decisions.is_empty() && !named {
        return Ok(Outcome::NotChecked {
            because: "`policy.agreed` does not say who has to agree, and no trailer says that somebody has"
                .to_owned(),
            next: vec![Step::Say(
                "set `policy.agreed: {by: [\"NAME <ADDRESS>\"]}`, or let somebody agree by a trailer \
                 `Agreed-by: NAME <ADDRESS>`"
                    .to_owned(),
            )],
        });
    }
    let trailer = "commit with the trailer `Agreed-by: NAME <ADDRESS>` of somebody who has taken no part in it";
    Ok(missing(
        "nobody who may has agreed".to_owned(),
        &others,
        "one person who is neither author nor committer nor co-author of a commit of the hotfix"
            .to_owned(),
        vec![Step::Say(trailer.to_owned())],
    ))
}

fn missing(found: String, others: &[String], expected: String, next: Vec<Step>) -> Outcome {
    Outcome::Violation {
        found: match others {
            [] => found,
            some => format!("{found}: {}", few(some, "; ")),
        },
        expected,
        next,
    }
}

fn next(agreed: &Agreed) -> Vec<Step> {
    let mut next = Vec::new();
    let people = |who: &Who| {
        matches!(
            who,
            Who::Person {
                person: Some(_),
                ..
            }
        )
    };
    if agreed.by.iter().any(people) {
        next.push(
            "ask them, and commit with the trailer `Agreed-by: NAME <ADDRESS>` for each who agrees",
        );
    }
    if agreed.asks_forge() {
        next.push(
            "let them approve the pull request, or set the label, and start the build again; of a team the forge \
             answers only to a token that may see it",
        );
    }
    next.into_iter()
        .map(|text| Step::Say(text.to_owned()))
        .collect()
}

/// What else was written and does not count.
fn note(facts: &Facts<'_>, declared: &Declared) -> Option<String> {
    let mut all = wrong(facts, declared, Key::AgreedBy);
    all.extend(wrong(facts, declared, Key::Decision));
    (!all.is_empty()).then(|| few(&all, "; "))
}

/// What the declared decision has against a hotfix.
fn decided(facts: &Facts<'_>, declared: &Declared) -> Result<(), Outcome> {
    let no = |found: String, expected: &str, next: &str| {
        Err(Outcome::Violation {
            found,
            expected: expected.to_owned(),
            next: vec![Step::Say(next.to_owned())],
        })
    };
    if let Some((one, other)) = declared.two_decisions() {
        return no(
            format!(
                "two decisions: `{}` in {}, and `{}` in {}",
                one.what.as_str(),
                one.by.short(),
                other.what.as_str(),
                other.by.short()
            ),
            "one decision",
            "ask those who have decided, and amend the commit that says what was not decided",
        );
    }
    match declared.decisions.first() {
        Some(said) if said.what != Decision::Hotfix => {
            let instead = match said.what {
                Decision::AsIs => "to ship what there is",
                Decision::Derail => "to ship nothing of this train",
                Decision::Hotfix => "",
            };
            no(
                format!(
                    "the decision in {} is `{}`, {instead}, and this is a hotfix",
                    said.by.short(),
                    said.what.as_str()
                ),
                "`Decision: hotfix`, or no hotfix",
                "ask those who have decided; if it was for a hotfix after all, amend the commit that says otherwise",
            )
        }
        Some(_) => Ok(()),
        None => {
            let unreadable = declared.wrong_of(Key::Decision);
            let unreadable = unreadable.filter(|said| said.what.is_of_its_key()).count() > 0;
            let wrong = wrong(facts, declared, Key::Decision);
            let demanded = facts.policy.agreed.as_ref().is_some_and(|it| it.decision);
            let next = "commit with the trailer `Decision: hotfix` once that is decided";
            // A key that only looks like it (`Revision`) may be of another tool, and is a remark.
            match (unreadable || (demanded && !wrong.is_empty()), demanded) {
                (true, _) => no(few(&wrong, "; "), "`Decision: hotfix`", next),
                (false, true) => no(
                    "no decision is declared".to_owned(),
                    "`Decision: hotfix`",
                    next,
                ),
                (false, false) => Ok(()),
            }
        }
    }
}

/// A label of the policy on a pull request.
fn label<'p>(agreed: &Agreed, pull: &'p Pull) -> Option<(&'p str, u64)> {
    let listed = |label: &&String| {
        let mut labels = agreed.labels.iter();
        labels.any(|one| one.to_lowercase() == label.to_lowercase())
    };
    let found = pull.labels.iter().find(listed)?;
    Some((found, pull.number))
}

fn person(facts: &Facts<'_>, name: &str, address: &str) -> String {
    format!("`{}`", facts.words(&format!("{name} <{address}>")))
}
