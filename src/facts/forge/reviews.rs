//! What the reviews of one pull request come to (process.md A18, B08). Pure.

use std::collections::BTreeMap;

use super::{Account, Commit, Pull, Review, State};
use crate::declaration::person::helpers;

/// What the reviews come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed<'a> {
    /// Whose approval of the last commit counts.
    pub by: Vec<&'a Account>,
    /// What stands against it, or keeps an approval from counting.
    pub flaws: Vec<Flaw<'a>>,
    /// How many authors and co-authors the forge knows no account of.
    pub nameless: usize,
    /// Whether all that counts was said after the merge.
    pub late: bool,
}

/// What is wrong with one review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw<'a> {
    /// A request for changes that stands.
    ChangesRequested(Option<&'a Account>),
    /// An approval of an older commit.
    Stale {
        /// Who.
        by: &'a Account,
        /// Of which commit.
        at: &'a str,
    },
    /// An approval that somebody took back; or a request for changes, which is not told apart.
    Dismissed(&'a Account),
    /// An approval by a program.
    Bot(&'a Account),
    /// An approval by who opened the pull request.
    Opener(&'a Account),
    /// An approval by who has written a commit.
    Author {
        /// Who.
        by: &'a Account,
        /// Which commit.
        of: &'a str,
    },
    /// An approval by who has helped to write a commit.
    CoAuthor {
        /// Who.
        by: &'a Account,
        /// Which commit.
        of: &'a str,
    },
    /// An approval by who has committed what another has written: amended or rebased it.
    Committer {
        /// Who.
        by: &'a Account,
        /// Which commit.
        of: &'a str,
    },
    /// An approval that the forge does not let decide.
    Outsider(&'a Account),
    /// An approval by an account that is gone.
    Gone,
}

impl Reviewed<'_> {
    /// Whether somebody approves it and nobody asks for changes.
    pub fn holds(&self) -> bool {
        let blocks = |flaw: &Flaw<'_>| matches!(flaw, Flaw::ChangesRequested(_));
        !self.by.is_empty() && !self.flaws.iter().any(blocks)
    }
}

/// Weighs the reviews of a pull request: of each account the newest that decides, as the forges do. So
/// an approval takes a request for changes back, also if that approval is dismissed later.
pub fn reviewed(pull: &Pull) -> Reviewed<'_> {
    let mut latest: BTreeMap<u64, (&Account, &Review)> = BTreeMap::new();
    let mut flaws = Vec::new();
    for review in &pull.reviews {
        match (&review.by, review.state) {
            (_, State::Commented) | (None, State::Dismissed) => {}
            (Some(by), _) => {
                latest.insert(by.id, (by, review));
            }
            // Which of those that are gone said what is not known: each may have been another.
            (None, State::ChangesRequested) => flaws.push(Flaw::ChangesRequested(None)),
            (None, State::Approved) => flaws.push(Flaw::Gone),
        }
    }
    flaws.dedup();
    let mut by = Vec::new();
    let mut late = true;
    for (who, review) in latest.into_values() {
        match review.state {
            State::Dismissed => flaws.push(Flaw::Dismissed(who)),
            // Whoever may not decide cannot block either.
            State::ChangesRequested if review.counts => {
                flaws.push(Flaw::ChangesRequested(Some(who)));
            }
            State::ChangesRequested | State::Commented => {}
            State::Approved => match against(pull, review, who) {
                Some(flaw) => flaws.push(flaw),
                None => {
                    by.push(who);
                    late = late && is_after(pull, review);
                }
            },
        }
    }
    Reviewed {
        late: late && !by.is_empty(),
        by,
        flaws,
        nameless: nameless(pull),
    }
}

/// Whether something was said after the merge. Only GitHub takes such reviews, and it gives its times in
/// UTC.
fn is_after(pull: &Pull, review: &Review) -> bool {
    let utc = |text: &str| text.len() == 20 && text.ends_with('Z');
    pull.merged_at
        .as_deref()
        .is_some_and(|merged| utc(merged) && utc(&review.at) && *review.at > *merged)
}

/// Why an approval does not count.
fn against<'a>(pull: &'a Pull, review: &'a Review, who: &'a Account) -> Option<Flaw<'a>> {
    if who.bot {
        return Some(Flaw::Bot(who));
    }
    if let Some(flaw) = wrote(pull, who) {
        return Some(flaw);
    }
    if !review.counts {
        return Some(Flaw::Outsider(who));
    }
    let last = !pull.head.is_empty() && review.commit.eq_ignore_ascii_case(&pull.head);
    (!last).then_some(Flaw::Stale {
        by: who,
        at: &review.commit,
    })
}

/// What somebody has to do with a pull request: opened it, or written one of its commits. Whoever made a
/// merge that is nothing more has written nothing: «Update branch» is a button.
pub fn wrote<'a>(pull: &'a Pull, who: &'a Account) -> Option<Flaw<'a>> {
    if pull.author.as_ref().is_some_and(|author| author.is(who)) {
        return Some(Flaw::Opener(who));
    }
    for commit in pull.commits.iter().filter(|commit| !commit.pure) {
        let of = commit.id.as_str();
        let is_author = match &commit.author {
            Some(author) => author.is(who),
            None => commit_author(commit).is_some_and(|person| person.may_be(who)),
        };
        if is_author {
            return Some(Flaw::Author { by: who, of });
        }
        let is_committer = match &commit.committer {
            Some(committer) => committer.is(who),
            None => {
                let (name, address) = &commit.committed_by;
                !(name.is_empty() && address.is_empty()) && somebody((name, address)).may_be(who)
            }
        };
        if is_committer {
            return Some(Flaw::Committer { by: who, of });
        }
        if helpers(&commit.message).any(|one| somebody(one).may_be(who)) {
            return Some(Flaw::CoAuthor { by: who, of });
        }
    }
    None
}

fn commit_author(commit: &Commit) -> Option<Somebody<'_>> {
    let known = !commit.name.is_empty() || !commit.address.is_empty();
    known.then(|| somebody((&commit.name, &commit.address)))
}

/// How many authors and helpers are no account: addresses that the forges do not make themselves.
fn nameless(pull: &Pull) -> usize {
    let unknown = pull.commits.iter().filter(|commit| commit.author.is_none());
    let authors = unknown.map(|commit| commit.address.to_ascii_lowercase());
    let messages = pull.commits.iter().map(|commit| commit.message.as_str());
    let helpers = messages.flat_map(helpers).map(somebody);
    let helpers = helpers.filter(|person| person.account().is_none());
    let mut all: Vec<String> = authors
        .chain(helpers.map(|person| person.address.to_ascii_lowercase()))
        .collect();
    all.sort();
    all.dedup();
    all.len()
}

/// Somebody in a message, or an author whom the forge knows no account of.
#[derive(Debug, PartialEq, Eq)]
struct Somebody<'a> {
    name: &'a str,
    address: &'a str,
}

fn somebody<'a>((name, address): (&'a str, &'a str)) -> Somebody<'a> {
    Somebody { name, address }
}

impl Somebody<'_> {
    /// The account that an address of the forge's own names: `ID+LOGIN@users.noreply.…`, or without the
    /// number of old ones; Gitea has `LOGIN@noreply.…`.
    fn account(&self) -> Option<(Option<u64>, &str)> {
        let (local, host) = self.address.split_once('@')?;
        let own = host.starts_with("users.noreply.") || host.starts_with("noreply.");
        if !own {
            return None;
        }
        Some(match local.split_once('+') {
            Some((id, login)) => (id.parse().ok(), login),
            None => (None, local),
        })
    }

    /// Whether it can be an account: by the number or login in its address, or, of an address that says
    /// nothing, by a name that is the login.
    fn may_be(&self, who: &Account) -> bool {
        let login = |text: &str| text.eq_ignore_ascii_case(&who.login);
        match self.account() {
            Some((Some(id), _)) => id == who.id,
            Some((None, text)) => login(text),
            None => {
                let local = self.address.split('@').next().unwrap_or_default();
                login(self.name) || login(local)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(id: u64, login: &str) -> Account {
        Account {
            id,
            login: login.to_owned(),
            bot: false,
        }
    }

    #[test]
    fn helpers_are_known_by_number_login_or_name() {
        let message = "Mend it\n\nCo-authored-by: Ann <7+old@users.noreply.github.com>\n\
                       co-authored-by: Bob <bob@noreply.git.example>\nCo-Authored-By: cid <x@mail.example>\n\
                       Co-authored-by: nobody\nCo-authored-bé: x <y@z>\n";
        let found: Vec<Somebody<'_>> = helpers(message).map(somebody).collect();
        assert_eq!(found.len(), 3);
        let is = |at: usize, who: &Account| found[at].may_be(who);
        assert!(is(0, &who(7, "new")) && !is(0, &who(8, "old")));
        assert!(is(1, &who(1, "Bob")) && !is(1, &who(1, "ann")));
        assert!(is(2, &who(1, "cid")) && is(2, &who(1, "X")) && !is(2, &who(1, "mail")));
    }
}
