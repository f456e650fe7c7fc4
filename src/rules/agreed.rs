//! Those who have a say want the hotfix.

use super::declared::{few, whole, wrong};
use super::merged_by_pull_request::pulls;
use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::declaration::{Decision, Declared, Key};
use crate::facts::forge::reviews::{Flaw, reviewed};
use crate::facts::forge::{Account, Forge, Pull};
use crate::facts::history::declared::{Hands, declared};
use crate::facts::{Facts, Source, shorten};
use crate::policy::agreed::{Agreed, Who};
use crate::verdict::{Level, Outcome, Step};

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
            commits, by address or by name, does not count. `Decision: as-is` or `Decision: derail` contradicts \
            a hotfix, and so do two different decisions; `policy.agreed.decision` demands `Decision: hotfix`. \
            Without `policy.agreed`, one `Agreed-by` of anybody who has not taken part is enough; where there is \
            none and the policy does not name the rule, it is not checked. A trailer is the claim of \
            whoever can push, and a label that of whoever can set labels: [the forms](declarations.md), [what \
            they prove](threat-model.md). On a pull request, start the build again after a review or a label: \
            Drone does not build when one comes.",
    evaluate,
};

/// What was heard.
#[derive(Default)]
struct Heard {
    /// Who has agreed, and how.
    yes: Vec<String>,
    /// What looks like an agreement and is none.
    others: Vec<String>,
}

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let range = known(&known(&facts.history)?.range)?;
    if range.is_empty() {
        return Ok(Outcome::NotApplicable {
            because: "it has no commit yet".to_owned(),
        });
    }
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
            unclear = reviews(agreed, forge, pulls, &mut heard);
        }
        Err(_) if !agreed.asks_forge() => {}
        Err(outcome) => unclear = Some(outcome.clone()),
    }
    if heard.yes.len() >= agreed.count && !agreed.by.is_empty() {
        return Ok(Outcome::Pass {
            because: format!("agreed: {}", few(&heard.yes, ", ")),
            note: note(facts, &declared),
        });
    }
    if let Some(unclear) = unclear {
        return Err(unclear);
    }
    heard.others.extend(wrong(facts, &declared, Key::AgreedBy));
    let found = match heard.yes.len() {
        0 => "nobody of `policy.agreed` has agreed".to_owned(),
        some => format!(
            "{some} of {} have agreed: {}",
            agreed.count,
            few(&heard.yes, ", ")
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
    let mut heard = Heard::default();
    for said in &declared.agreed {
        let who = person(facts, &said.what.name, &said.what.address);
        match hands.part_of(&said.what) {
            Some((part, change)) => heard.others.push(format!(
                "{who} has agreed in {}, and is {} of {}",
                said.by.short(),
                part.as_str(),
                change.id.short()
            )),
            None => heard.yes.push(format!("{who} in {}", said.by.short())),
        }
    }
    if !heard.yes.is_empty() {
        return Ok(Outcome::Pass {
            because: format!("agreed: {}", few(&heard.yes, ", ")),
            note: note(facts, declared),
        });
    }
    heard.others.extend(wrong(facts, declared, Key::AgreedBy));
    let named = facts.policy.rules.contains_key(RULE.id);
    if heard.others.is_empty() && declared.decisions.is_empty() && !named {
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
        &heard.others,
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
            let wrong = wrong(facts, declared, Key::Decision);
            let demanded = facts.policy.agreed.as_ref().is_some_and(|it| it.decision);
            let next = "commit with the trailer `Decision: hotfix` once that is decided";
            match (wrong.is_empty(), demanded) {
                (false, _) => no(few(&wrong, "; "), "`Decision: hotfix`", next),
                (true, true) => no(
                    "no decision is declared".to_owned(),
                    "`Decision: hotfix`",
                    next,
                ),
                (true, false) => Ok(()),
            }
        }
    }
}

/// Who of the policy has agreed by a trailer.
fn trailers(facts: &Facts<'_>, agreed: &Agreed, declared: &Declared, hands: &Hands<'_>) -> Heard {
    let mut heard = Heard::default();
    for said in &declared.agreed {
        let by = said.by.short();
        let listed = agreed.by.iter().find(|who| match who {
            Who::Person {
                person: Some(person),
                ..
            } => person.has_address(&said.what.address),
            _ => false,
        });
        let shown = person(facts, &said.what.name, &said.what.address);
        let Some(who) = listed else {
            heard.others.push(format!(
                "{shown} has agreed in {by} and is not in `policy.agreed.by`"
            ));
            continue;
        };
        // The policy may know somebody by another name than the trailer.
        let own = match who {
            Who::Person {
                person: Some(person),
                ..
            } => hands.part_of(person),
            _ => None,
        };
        if let Some((part, change)) = hands.part_of(&said.what).or(own) {
            heard.others.push(format!(
                "{shown} has agreed in {by}, and is {} of {}",
                part.as_str(),
                change.id.short()
            ));
        } else {
            heard.say(who.text());
        }
    }
    heard
}

impl Heard {
    /// Adds somebody of the policy, once.
    fn say(&mut self, who: &str) {
        let who = format!("`{who}`");
        if !self.yes.contains(&who) {
            self.yes.push(who);
        }
    }
}

/// Who of the policy has agreed by a review. The answer is what keeps somebody from counting who may.
fn reviews(agreed: &Agreed, forge: &Forge, pulls: &[Pull], heard: &mut Heard) -> Option<Outcome> {
    let mut unclear = None;
    let mut counted: Vec<&Account> = Vec::new();
    let has_login = |login: &str| {
        agreed.by.iter().find(|who| match who {
            Who::Person {
                login: Some(named), ..
            } => named.eq_ignore_ascii_case(login),
            _ => false,
        })
    };
    for pull in pulls {
        let reviewed = reviewed(pull);
        for by in reviewed.by {
            if counted.iter().any(|known| known.is(by)) {
                continue;
            }
            if let Some(who) = has_login(&by.login) {
                counted.push(by);
                heard.say(who.text());
                continue;
            }
            for team in agreed.teams() {
                let mut asked = forge.teams.iter();
                let answer = asked.find(|one| one.team == team && one.who.is(by));
                match answer.map(|one| &one.is) {
                    Some(Source::Known(true)) => {
                        counted.push(by);
                        heard.say(&format!("@{} of {team}", shorten(&by.login)));
                        break;
                    }
                    Some(Source::Known(false)) => {}
                    Some(absent) => unclear = known(absent).err(),
                    None => {
                        unclear = Some(Outcome::Unknown {
                            because: format!(
                                "whether `{}` is in `{team}` was not asked",
                                shorten(&by.login)
                            ),
                            retry: false,
                            next: Vec::new(),
                        });
                    }
                }
            }
        }
        for flaw in &reviewed.flaws {
            let (by, why) = match flaw {
                Flaw::Stale { by, .. } => (by, "of an older commit"),
                Flaw::Dismissed(by) => (by, "that was dismissed"),
                Flaw::Bot(by) => (by, "of a program"),
                Flaw::Opener(by) => (by, "of who has opened it"),
                Flaw::Author { by, .. } => (by, "of an author"),
                Flaw::CoAuthor { by, .. } => (by, "of a co-author"),
                Flaw::ChangesRequested(_) | Flaw::Gone => continue,
            };
            if has_login(&by.login).is_some() {
                heard.others.push(format!(
                    "the approval of pull request {} by `{}` does not count: it is one {why}",
                    pull.number,
                    shorten(&by.login)
                ));
            }
        }
    }
    unclear
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
