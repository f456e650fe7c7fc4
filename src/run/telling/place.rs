//! Where the comment with the deployment ticket belongs: the forge of the repository, and the issue or
//! pull request in it.

use super::Run;
use crate::declaration::reference::{Home, Leads, number_of_ticket};
use crate::facts::Facts;
use crate::facts::forge::ways::ways;
use crate::facts::forge::{address, page_host};
use crate::facts::history::declared::declared;
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
                let named = self.named_issue(facts);
                let of_ticket = || {
                    let ticket = self.policy.ticket.find(branch)?;
                    number_of_ticket(ticket.as_str())
                };
                named.or_else(of_ticket).ok_or_else(|| {
                    "no commit has a trailer `Issue: #N` of this repository, and the ticket in the branch's \
                     name is no number of an issue"
                        .to_owned()
                })
            }
            Thread::OfPullRequest => pull_request(facts).ok_or_else(|| {
                "no rule of this build has learned which pull request brought the hotfix".to_owned()
            }),
        }
    }

    /// The first issue of this repository that the hotfix itself declares. Which it declares is read as the
    /// rule `issue` reads it: the comment goes to the issue that was judged, or to none.
    fn named_issue(&self, facts: &Facts<'_>) -> Option<u64> {
        let range = facts.history.get()?.range.get()?;
        let host = page_host(self.policy, self.build);
        let home = Home {
            repo: &self.build.repo,
            host: host.as_deref(),
        };
        let declared = declared(range);
        let mut numbers = declared.issues.iter().map(|said| said.what.leads(home));
        numbers.find_map(|leads| match leads {
            Leads::Here(number) => Some(number),
            Leads::Elsewhere | Leads::Nowhere => None,
        })
    }
}

/// The newest pull request that brought something of the hotfix.
fn pull_request(facts: &Facts<'_>) -> Option<u64> {
    let forge = facts.forge.get()?;
    let range = facts.history.get()?.range.get()?;
    let brought = ways(forge, forge.pulls.get()?, range).pulls;
    brought.iter().map(|pull| pull.number).max()
}
