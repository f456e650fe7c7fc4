//! Where the comment with the deployment ticket belongs: the forge of the repository, and the issue or
//! pull request in it.

use super::Run;
use crate::facts::Facts;
use crate::facts::forge::address;
use crate::facts::forge::ways::ways;
use crate::policy::notify::Thread;
use crate::report::telling::comment::Place;
use crate::settings::SecretState;

impl Run<'_> {
    /// The issue or pull request of this number, or why it cannot be written to.
    pub(super) fn place(&self, number: u64) -> Result<Place, String> {
        let token = match &self.settings.forge_token {
            SecretState::Set(token) => token.expose(),
            SecretState::Empty => {
                return Err("the setting `forge_token` is there and empty".to_owned());
            }
            SecretState::Absent => return Err("the setting `forge_token` is missing".to_owned()),
        };
        let forge = address(self.policy, self.build)?;
        Ok(Place {
            kind: forge.kind,
            api: forge.api,
            authorization: format!("Bearer {token}"),
            repo: self.build.repo.clone(),
            number,
        })
    }

    /// The number of the issue or pull request.
    pub(super) fn number(
        &self,
        facts: &Facts<'_>,
        thread: Thread,
        branch: &str,
    ) -> Result<u64, String> {
        match thread {
            Thread::Number(number) => Ok(number),
            Thread::OfIssue => {
                let range = facts
                    .history
                    .answer()
                    .and_then(|history| history.range.answer());
                let trailers = range
                    .ok()
                    .into_iter()
                    .flatten()
                    .flat_map(|change| &change.trailers);
                let mut named = trailers
                    .filter(|(key, _)| key.eq_ignore_ascii_case("Issue"))
                    .filter_map(|(_, value)| issue(value, &self.build.repo));
                let ticket = self.policy.ticket.find(branch);
                let of_ticket = || {
                    ticket
                        .as_ref()
                        .and_then(|ticket| of_ticket(ticket.as_str()))
                };
                named.next().or_else(of_ticket).ok_or_else(|| {
                    "no commit has a trailer `Issue: #N`, and the ticket in the branch's name is no \
                     number of an issue"
                        .to_owned()
                })
            }
            Thread::OfPullRequest => pull_request(facts).ok_or_else(|| {
                "no rule of this build has learned which pull request brought the hotfix".to_owned()
            }),
        }
    }
}

/// The newest pull request that brought something of the hotfix.
fn pull_request(facts: &Facts<'_>) -> Option<u64> {
    let forge = facts.forge.get()?;
    let range = facts.history.get()?.range.get()?;
    let brought = ways(forge, forge.pulls.get()?, range).pulls;
    brought.iter().map(|pull| pull.number).max()
}

/// The number of an issue of this repository, as a trailer names it: `#12`, `owner/name#12`, or its
/// address.
fn issue(text: &str, repo: &str) -> Option<u64> {
    let text = text.split_whitespace().next()?;
    let (before, number) = text.rsplit_once(['#', '/'])?;
    let here = before.is_empty()
        || before == repo
        || before.ends_with(&format!("/{repo}/issues")) && before.starts_with("https://");
    let number = number.parse().ok().filter(|number| *number > 0);
    number.filter(|_| here)
}

/// A ticket that is the number of an issue: `12`, `#12`, `issue-12`, `GH-12`.
fn of_ticket(ticket: &str) -> Option<u64> {
    let start = ticket.trim_end_matches(|c: char| c.is_ascii_digit());
    let word = start.trim_end_matches(['#', '-', '_']).to_ascii_lowercase();
    let known = matches!(word.as_str(), "" | "issue" | "gh");
    let number = ticket[start.len()..]
        .parse()
        .ok()
        .filter(|number| *number > 0);
    number.filter(|_| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_named_in_a_few_forms() {
        for (text, number) in [
            ("#12", Some(12)),
            ("a/b#12", Some(12)),
            ("https://git.example/a/b/issues/12", Some(12)),
            ("https://git.example/a/b/issues/12 and more", Some(12)),
            ("https://git.example/a/c/issues/12", None),
            ("a/c#12", None),
            ("#0", None),
            ("#x", None),
            ("12", None),
            ("", None),
        ] {
            assert_eq!(issue(text, "a/b"), number, "{text}");
        }
        for (ticket, number) in [
            ("12", Some(12)),
            ("issue-12", Some(12)),
            ("GH_12", Some(12)),
            ("HOCS-12", None),
            ("issue", None),
        ] {
            assert_eq!(of_ticket(ticket), number, "{ticket}");
        }
    }
}
