//! Who is in which team.

use serde::de::IgnoredAny;

use super::super::Account;
use super::super::answers::{GitHubMembership, Team};
use super::{Absent, Kind, Server, shorten};

impl Server {
    /// Whether somebody is in a team, `organisation/team`.
    ///
    /// # Errors
    /// Why it is not known: the team is not there or not seen, for one.
    pub async fn is_in(&self, team: &str, who: &Account) -> Result<bool, Absent> {
        let (organisation, name) =
            team.trim_start_matches('@')
                .split_once('/')
                .ok_or_else(|| Absent::Unknown {
                    because: format!("`{}` is no `organisation/team`", shorten(team)),
                    retry: false,
                    advice: "write the team as `organisation/team` into the policy".to_owned(),
                })?;
        match self.kind {
            Kind::GitHub => self.is_in_github(organisation, name, who).await,
            Kind::Gitea => self.is_in_gitea(organisation, name, who).await,
        }
    }

    async fn is_in_github(
        &self,
        organisation: &str,
        name: &str,
        who: &Account,
    ) -> Result<bool, Absent> {
        let of = ["orgs", organisation, "teams", name];
        let path = [&of[..], &["memberships", &who.login]].concat();
        let answer = self.endpoint.get::<GitHubMembership>(&path, &[]).await;
        match answer {
            Ok(membership) => Ok(membership.state == "active"),
            // GitHub says 404 of who is not in the team, and of a team that is not there or not seen.
            Err(refusal) if refusal.status() == Some(404) => {
                match self.endpoint.get::<IgnoredAny>(&of, &[]).await {
                    Ok(_) => Ok(false),
                    Err(refusal) if refusal.status() == Some(404) => {
                        Err(no_team(organisation, name))
                    }
                    Err(refusal) => Err(self.refused(&refusal)),
                }
            }
            Err(refusal) => Err(self.refused(&refusal)),
        }
    }

    async fn is_in_gitea(
        &self,
        organisation: &str,
        name: &str,
        who: &Account,
    ) -> Result<bool, Absent> {
        let all: Vec<Team> = self.list_at(&["orgs", organisation, "teams"], &[]).await?;
        let same = |team: &&Team| team.name.eq_ignore_ascii_case(name);
        let team = all.iter().find(same);
        let id = team
            .ok_or_else(|| no_team(organisation, name))?
            .id
            .to_string();
        let path = ["teams", id.as_str(), "members", &who.login];
        match self.endpoint.get::<IgnoredAny>(&path, &[]).await {
            Ok(_) => Ok(true),
            Err(refusal) if refusal.status() == Some(404) => Ok(false),
            Err(refusal) => Err(self.refused(&refusal)),
        }
    }
}

fn no_team(organisation: &str, name: &str) -> Absent {
    Absent::Unknown {
        because: format!(
            "`{}` has no team `{}` that `forge_token` can see",
            shorten(organisation),
            shorten(name)
        ),
        retry: false,
        advice: "check the name of the team in the policy, and that the token may read the teams of the \
                 organisation"
            .to_owned(),
    }
}
