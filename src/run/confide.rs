//! Confidential hotfixes: what was fetched may say that the hotfix is one, what people have written
//! about it is hidden a second time, and registries are asked what they show to everybody.

use futures_util::future;

use super::Run;
use crate::facts::exposure::{self, Exposed};
use crate::facts::{Absent, Facts, Source, confidential};
use crate::hotfix::template::Values;
use crate::http::Client;
use crate::policy::source::Place;
use crate::registry::credentials::Credentials;
use crate::registry::error::RegistryError;
use crate::registry::reference::{Repository, Version};
use crate::registry::{Access, Registry, Target};
use crate::{policy, rules, settings};

impl Run<'_> {
    /// Decides once more, now that everything is known, and asks what only confidential hotfixes are
    /// asked.
    pub(super) fn confide(&self, facts: &mut Facts<'_>) {
        if facts.confidential.is_none()
            && let Some(why) = confidential::late(facts)
        {
            facts.becomes_confidential(why);
        }
        if facts.confidential.is_none() {
            return;
        }
        self.hide(facts);
        if rules::wants(facts).exposure {
            facts.exposure = self.exposure(facts);
        }
    }

    /// No rule prints what people have written about a confidential hotfix. Where a server's answer repeats
    /// it, the one way out masks it; and it masks names that say more than they should.
    pub(super) fn hide(&self, facts: &mut Facts<'_>) {
        if facts.confidential.is_none() {
            return;
        }
        facts.quiet_versions();
        for line in facts.written() {
            self.redactor.add_words(line);
        }
        for beyond in facts.beyond_ticket(|name| self.is_ours(name)) {
            self.redactor.add(&beyond);
        }
    }

    /// Whether a name is, or is a part of, a word that outputs cannot do without: a rule, a setting, where
    /// the image goes, what is built, by whom.
    fn is_ours(&self, name: &str) -> bool {
        let name = name.trim_matches(|c: char| !c.is_alphanumeric());
        let name = name.to_lowercase();
        let rules = rules::keys();
        let rules = rules.iter().map(|rule| rule.id.to_owned());
        let keys = policy::KEYS.iter().map(|key| format!("policy.{key}"));
        let settings = settings::NAMES.iter().map(|name| (*name).to_owned());
        let (repo, build) = (self.policy.repo.as_ref(), self.build);
        let others = [
            Some("drone-hotfix".to_owned()),
            repo.map(ToString::to_string),
            Some(build.repo.clone()),
            build.target.clone(),
            build.trigger.clone(),
            build.default_branch.clone(),
        ];
        rules
            .chain(keys)
            .chain(settings)
            .chain(others.into_iter().flatten())
            .any(|ours| ours.to_lowercase().contains(&name))
    }

    fn exposure(&self, facts: &Facts<'_>) -> Source<Vec<Exposed>> {
        let Some(repo) = &self.policy.repo else {
            return Source::NotConfigured(
                "`policy.repo` is not set, so no registry can be asked whether everybody may pull"
                    .to_owned(),
            );
        };
        let asked = self.online(repo, async |client| {
            let places = self.places(facts, repo);
            let each = places
                .iter()
                .map(|(repository, names)| self.exposed(&client, repository, names));
            Ok(future::join_all(each).await)
        });
        match asked {
            Ok(all) => Source::Known(all),
            Err(error) => Absent::from(&error).into(),
        }
    }

    async fn exposed(&self, client: &Client, repository: &Repository, names: &[Target]) -> Exposed {
        let nobody = Registry::new(
            client.clone(),
            repository.clone(),
            Credentials::Anonymous,
            Access::Pull,
            None,
            self.redactor.clone(),
        );
        let ours = self.ours(client, repository);
        let answer = match nobody {
            Ok(nobody) => exposure::ask(&nobody, ours.as_ref(), names).await,
            Err(error) => Absent::from(&error).into(),
        };
        Exposed {
            repository: repository.to_string(),
            answer,
        }
    }

    /// The repository with our credentials, if there are any for it.
    fn ours(&self, client: &Client, repository: &Repository) -> Option<Registry> {
        let of_policy = self
            .policy
            .repo
            .as_ref()
            .is_some_and(|it| it.host() == repository.host());
        let credentials = if of_policy {
            self.settings.credentials(repository.host())
        } else {
            self.settings.credentials_by_config(repository.host())
        };
        let credentials = credentials
            .ok()
            .filter(|it| *it != Credentials::Anonymous)?;
        let made: Result<Registry, RegistryError> = Registry::new(
            client.clone(),
            repository.clone(),
            credentials,
            Access::Pull,
            None,
            self.redactor.clone(),
        );
        made.ok()
    }

    /// The repositories that hold the hotfix, and names in them that may be there: `policy.repo`, and
    /// where its image comes from.
    fn places(&self, facts: &Facts<'_>, repo: &Repository) -> Vec<(Repository, Vec<Target>)> {
        let mut names = Vec::new();
        for version in facts.promotion.iter().flat_map(|it| &it.versions) {
            match &version.version {
                Some(version) if version.digest().is_some() => {
                    names.extend(version.digest().cloned().map(Target::Digest));
                }
                Some(Version::Tag(tag)) => names.push(Target::Tag(tag.clone())),
                Some(_) | None => {}
            }
        }
        let mut also = None;
        if let (Some(source), Ok(branch)) = (&self.policy.source, &facts.branch) {
            let place = source.place(Values {
                branch,
                ticket: facts.ticket.as_ref().map(|(ticket, _)| ticket),
                commit: &self.build.commit,
                build: self.build.number,
            });
            match place {
                Some(Place::Registry(None, target)) => names.push(target),
                Some(Place::Registry(Some(other), target)) if other == *repo => names.push(target),
                Some(Place::Registry(Some(other), target)) => also = Some((other, vec![target])),
                Some(Place::Files { .. }) | None => {}
            }
        }
        let planned = facts
            .tags
            .iter()
            .filter_map(|planned| planned.tag.as_ref().ok());
        names.extend(planned.map(|tag| Target::Tag(tag.as_str().to_owned())));
        let mut places = vec![(repo.clone(), names)];
        places.extend(also);
        places
    }
}
