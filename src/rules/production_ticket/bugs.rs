//! The tickets of the bug that a hotfix mends, wherever the hotfix names them. People write one ticket in
//! many ways; for the question whether the deployment has another one, every way counts.

use crate::declaration::reference::{Home, Leads, Reference, mentioned_in, named_in, spelled};
use crate::facts::forge::page_host;
use crate::facts::history::Change;
use crate::facts::history::declared::declared;
use crate::facts::train::File;
use crate::facts::{Facts, Source};
use crate::hotfix::{Ticket, TicketPattern};
use crate::rules::known;
use crate::verdict::Outcome;

const COMMIT: &str = "a commit of the hotfix";
const BRANCH: &str = "the name of the branch";
const CHANGELOG: &str = "the change log";

/// A ticket, as it is compared.
#[derive(Debug, Clone)]
struct Name {
    text: String,
    /// The number, if it is one of this repository or of nobody in particular.
    number: Option<u64>,
    /// Whether it is of another repository; then no number makes it one of ours.
    elsewhere: bool,
}

impl Name {
    fn new(text: &str, home: Home<'_>) -> Self {
        let reference = Reference::exact(text);
        let leads = reference.as_ref().map(|reference| reference.leads(home));
        Self {
            text: text.to_owned(),
            number: match leads {
                Some(Leads::Here(number)) => Some(number),
                Some(Leads::Elsewhere | Leads::Nowhere) => None,
                None => spelled(text),
            },
            elsewhere: leads == Some(Leads::Elsewhere),
        }
    }

    fn is(&self, other: &Self) -> bool {
        if self.text.eq_ignore_ascii_case(&other.text) {
            return true;
        }
        if self.elsewhere || other.elsewhere {
            return false;
        }
        let numbers = self.number.zip(other.number);
        numbers.is_some_and(|(one, another)| one == another)
            || Ticket::of_text(&self.text).is_some_and(|ticket| ticket.is(&other.text))
    }
}

/// A ticket of the bug.
pub(super) struct Bug {
    name: Name,
    /// Where it stands.
    pub(super) place: &'static str,
    /// Whether it is surely named as the bug's; else it is only compared.
    pub(super) is_sure: bool,
}

impl Bug {
    /// The ticket as written.
    pub(super) fn text(&self) -> &str {
        &self.name.text
    }
}

/// All tickets of the bug.
pub(super) struct Bugs {
    known: Vec<Bug>,
    host: Option<String>,
    repo: String,
    /// `policy.ticket`, in any case.
    any_case: TicketPattern,
    /// Why not all of them are known.
    pub(super) absent: Option<Outcome>,
}

impl Bugs {
    /// Every ticket that the hotfix names.
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let mut bugs = Self {
            known: Vec::new(),
            host: page_host(facts.policy, facts.build),
            repo: facts.build.repo.clone(),
            any_case: facts.policy.ticket.in_any_case(),
            absent: None,
        };
        if let Some((ticket, place)) = &facts.ticket {
            bugs.add(ticket.as_str(), place, true);
        }
        match range(facts) {
            Ok(range) => bugs.add_commits(facts, range),
            Err(outcome) => bugs.absent = Some(outcome),
        }
        let train = match known(&facts.train) {
            Ok(train) => train,
            Err(outcome) => {
                bugs.absent = Some(outcome);
                return bugs;
            }
        };
        bugs.add_text(facts, &train.branch, BRANCH);
        match &train.tip.changelog {
            Source::Known(File::Read(log)) => {
                let block = log.below(&train.branch).block();
                for entry in block.into_iter().flat_map(|block| &block.entries) {
                    bugs.add_text(facts, &entry.text, CHANGELOG);
                    for ticket in &entry.tickets {
                        bugs.add(ticket, CHANGELOG, true);
                    }
                }
            }
            // Without a change log there are still the commits.
            Source::Known(File::Missing | File::NoText) => {}
            source => bugs.absent = known(source).err().or(bugs.absent),
        }
        bugs
    }

    /// The bug's ticket that a deployment's is, if it is one: as the parameter has it, or by its name.
    pub(super) fn same(&self, written: &str, ticket: &Ticket) -> Option<&Bug> {
        let names = [written, ticket.as_str()].map(|text| Name::new(text, self.home()));
        let mut known = self.known.iter();
        known.find(|bug| names.iter().any(|name| name.is(&bug.name)))
    }

    /// Those that are surely the bug's, each once.
    pub(super) fn sure(&self) -> Vec<&Bug> {
        let mut sure: Vec<&Bug> = Vec::new();
        for bug in self.known.iter().filter(|bug| bug.is_sure) {
            if !sure.iter().any(|known| known.text() == bug.text()) {
                sure.push(bug);
            }
        }
        sure
    }

    fn home(&self) -> Home<'_> {
        Home {
            repo: &self.repo,
            host: self.host.as_deref(),
        }
    }

    fn add(&mut self, text: &str, place: &'static str, is_sure: bool) {
        let name = Name::new(text, self.home());
        self.known.push(Bug {
            name,
            place,
            is_sure,
        });
    }

    /// What the hotfix's own commits name. What came with commits of the default branch is another bug's.
    fn add_commits(&mut self, facts: &Facts<'_>, range: &[Change]) {
        let pattern = &facts.policy.ticket;
        for change in range.iter().filter(|change| !change.from_default) {
            self.add_text(facts, &change.message, COMMIT);
            for closed in named_in(&change.message) {
                let is_sure = !matches!(closed, Reference::Other(_));
                self.add(&closed.text(), COMMIT, is_sure);
            }
        }
        for said in declared(range).issues {
            let text = said.what.text();
            let is_sure = !matches!(said.what, Reference::Other(_));
            self.add(&text, COMMIT, is_sure || pattern.whole(&text).is_some());
        }
    }

    /// What looks like a ticket in a text: by `policy.ticket` in any case, and by number.
    fn add_text(&mut self, facts: &Facts<'_>, text: &str, place: &'static str) {
        let pattern = &facts.policy.ticket;
        let exact = pattern.all(text);
        for ticket in &exact {
            self.add(ticket.as_str(), place, true);
        }
        // In any case our own pattern takes `utf8` for a ticket; a team's takes `Bug 12` for `bug 12`.
        for ticket in self.any_case.all(text) {
            if !exact.contains(&ticket) {
                self.add(ticket.as_str(), place, pattern.is_written());
            }
        }
        for (mentioned, _) in mentioned_in(text) {
            self.add(&mentioned, place, false);
        }
    }
}

fn range<'a>(facts: &'a Facts<'_>) -> Result<&'a [Change], Outcome> {
    known(&known(&facts.history)?.range).map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ticket_has_many_spellings() {
        let home = Home {
            repo: "example/service",
            host: Some("git.example"),
        };
        let is = |one: &str, other: &str| Name::new(one, home).is(&Name::new(other, home));
        for (one, other, same) in [
            ("#77", "https://git.example/example/service/issues/77", true),
            ("77", "Example/Service#77", true),
            (
                "bug 77",
                "https://git.example/example/service/issues/77",
                true,
            ),
            ("bug 123456", "Bug 123456", true),
            ("#99", "GH-99", true),
            ("#01234", "#1234", true),
            ("HOCS-12", "hocs-12", true),
            ("HOCS-12", "PROC-12", false),
            ("HOCS-12", "#12", false),
            ("#88", "other/service#88", false),
            ("other/service#88", "other/service#88", true),
            (
                "#77",
                "https://other.example/example/service/issues/77",
                false,
            ),
            ("#7", "#77", false),
        ] {
            assert_eq!(is(one, other), same, "{one} {other}");
            assert_eq!(is(other, one), same, "{other} {one}");
        }
    }
}
