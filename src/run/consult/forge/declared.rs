//! What has to be asked about what people declare: who of those that have approved is in which team, and
//! the issues that are named.

use futures_util::stream::{self, StreamExt as _};

use super::super::Run;
use crate::declaration::reference::{Home, Leads, Reference, named_in};
use crate::facts::Source;
use crate::facts::forge::ask::Server;
use crate::facts::forge::reviews::reviewed;
use crate::facts::forge::{Account, Forge, Issue, MOST_ISSUES, Membership};
use crate::facts::history::History;
use crate::facts::history::declared::declared;

/// The most questions about teams: who has approved, times the teams of the policy.
const MOST_MEMBERSHIPS: usize = 60;
/// Questions at once.
const AT_ONCE: usize = 4;

impl Run<'_> {
    /// Who of those whose approval counts is in a team of `policy.agreed`.
    pub(super) async fn teams(&self, server: &Server, forge: &Forge) -> Vec<Membership> {
        let mut people: Vec<&Account> = Vec::new();
        for pull in forge.pulls.get().into_iter().flatten() {
            for by in reviewed(pull).by {
                if !people.iter().any(|known| known.is(by)) {
                    people.push(by);
                }
            }
        }
        let teams = self.policy.agreed.iter().flat_map(|agreed| agreed.teams());
        let pairs = teams.flat_map(|team| people.iter().map(move |who| (team, *who)));
        let questions = pairs.enumerate().map(async |(at, (team, who))| {
            let is = match at < MOST_MEMBERSHIPS {
                true => super::known(server.is_in(team, who).await),
                false => Source::Unknown {
                    because: format!(
                        "the forge is asked no more than {MOST_MEMBERSHIPS} times who is in a team"
                    ),
                    retry: false,
                    advice: "name fewer teams in `policy.agreed.by`".to_owned(),
                },
            };
            Membership {
                team: team.to_owned(),
                who: who.clone(),
                is,
            }
        });
        let questions: Vec<_> = questions.collect();
        stream::iter(questions).buffered(AT_ONCE).collect().await
    }

    /// The issues that trailers and the texts of pull requests name.
    pub(super) async fn issues(
        &self,
        server: &Server,
        forge: &Forge,
        history: &History,
    ) -> Vec<(u64, Source<Option<Issue>>)> {
        let range = history.range.get().map_or(&[][..], Vec::as_slice);
        let mut named: Vec<Reference> = declared(range)
            .issues
            .into_iter()
            .map(|said| said.what)
            .collect();
        for pull in forge.pulls.get().into_iter().flatten() {
            named.extend(named_in(&pull.text));
        }
        let at = self.home();
        let home = Home {
            repo: &self.build.repo,
            host: at.as_deref(),
        };
        let mut numbers: Vec<u64> = Vec::new();
        for one in &named {
            if let Leads::Here(number) = one.leads(home)
                && !numbers.contains(&number)
            {
                numbers.push(number);
            }
        }
        // The rule names more than these as what is wrong.
        numbers.truncate(MOST_ISSUES);
        let questions = numbers
            .into_iter()
            .map(async |number| (number, super::known(server.issue(number).await)));
        let questions: Vec<_> = questions.collect();
        stream::iter(questions).buffered(AT_ONCE).collect().await
    }

    fn home(&self) -> Option<String> {
        crate::facts::forge::page_host(self.policy, self.build)
    }
}
