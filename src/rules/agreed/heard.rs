//! Who of the policy has agreed, by trailers and by reviews, and how many people that are for certain.

use super::super::known;
use super::person;
use crate::declaration::Declared;
use crate::facts::forge::reviews::{Flaw, reviewed, wrote};
use crate::facts::forge::{Account, Forge, Pull};
use crate::facts::history::declared::Hands;
use crate::facts::{Facts, Source, shorten};
use crate::policy::agreed::{Agreed, Who};
use crate::verdict::Outcome;

/// What was heard.
#[derive(Default)]
pub(super) struct Heard {
    /// Who has agreed, each once, and how they are known.
    pub(super) yes: Vec<(String, Known)>,
    /// What looks like an agreement and is none.
    pub(super) others: Vec<String>,
}

/// How somebody who has agreed is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// By address and by login.
    Both,
    /// By address alone.
    Address,
    /// By login alone.
    Login,
}

impl Heard {
    /// Adds somebody of the policy, once.
    fn say(&mut self, who: &str, by: Known) {
        let who = format!("`{who}`");
        if !self.yes.iter().any(|(known, _)| *known == who) {
            self.yes.push((who, by));
        }
    }

    /// How many people have agreed, for certain.
    pub(super) fn count(&self) -> usize {
        let of = |by: Known| self.yes.iter().filter(|(_, known)| *known == by).count();
        of(Known::Both) + of(Known::Address).max(of(Known::Login))
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.yes.iter().map(|(who, _)| who.clone()).collect()
    }
}

const fn known_by(who: &Who) -> Known {
    match who {
        Who::Person {
            person: Some(_),
            login: Some(_),
            ..
        } => Known::Both,
        Who::Person {
            person: Some(_), ..
        } => Known::Address,
        Who::Person { .. } | Who::Team(_) => Known::Login,
    }
}

/// Who of the policy has agreed by a trailer.
pub(super) fn trailers(
    facts: &Facts<'_>,
    agreed: &Agreed,
    declared: &Declared,
    hands: &Hands<'_>,
) -> Heard {
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
            heard.say(who.text(), known_by(who));
        }
    }
    heard
}

/// Who of the policy has agreed by a review. The answer is what keeps somebody from counting who may.
pub(super) fn reviews(
    agreed: &Agreed,
    forge: &Forge,
    pulls: &[Pull],
    hands: &Hands<'_>,
    heard: &mut Heard,
) -> Option<Outcome> {
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
            let listed = has_login(&by.login);
            // Whoever has written one pull request of the hotfix may approve another, but has taken part.
            let written = pulls.iter().find(|pull| wrote(pull, by).is_some());
            let own = match listed {
                Some(Who::Person {
                    person: Some(person),
                    ..
                }) => hands.part_of(person),
                _ => None,
            };
            if written.is_some() || own.is_some() {
                counted.push(by);
                if listed.is_none() && agreed.teams().next().is_none() {
                    continue;
                }
                let what = match (written, own) {
                    (Some(pull), _) => format!("pull request {}", pull.number),
                    (None, Some((_, change))) => change.id.short().to_owned(),
                    (None, None) => String::new(),
                };
                heard.others.push(format!(
                    "the approval of pull request {} by `{}` does not count: they have taken part in {what}",
                    pull.number,
                    shorten(&by.login)
                ));
                continue;
            }
            if let Some(who) = listed {
                counted.push(by);
                heard.say(who.text(), known_by(who));
                continue;
            }
            for team in agreed.teams() {
                let mut asked = forge.teams.iter();
                let answer = asked.find(|one| one.team == team && one.who.is(by));
                match answer.map(|one| &one.is) {
                    Some(Source::Known(true)) => {
                        counted.push(by);
                        heard.say(&format!("@{} of {team}", shorten(&by.login)), Known::Login);
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
                Flaw::Committer { by, .. } => (by, "of a committer"),
                Flaw::Outsider(by) => (by, "that the forge does not count"),
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
