//! What needs the network before the verdict: the references and objects of the remote, what runs in
//! production, and the tags as they stand now. Different servers are asked at the same time.

mod forge;
mod history;
mod store;
mod train;

use std::path::Path;
use std::sync::Arc;

use futures_util::future;

pub(super) use store::{Listed, Store, scratch};

use store::Seen;

use super::Run;
use crate::attestation::statement::Claim;
use crate::environment::Reading;
use crate::facts::before;
use crate::facts::cluster::SERVICE_ACCOUNT;
use crate::facts::drone::Drone;
use crate::facts::pipeline::{self, PipelineFacts, Texts};
use crate::facts::remote::{self, Remote};
use crate::facts::running::{Asking, Running};
use crate::facts::{Absent, Facts, Source};
use crate::http::Client;
use crate::pipeline::gates;
use crate::policy::targets::Class;
use crate::publish;
use crate::registry::Access;
use crate::registry::error::RegistryError;
use crate::registry::reference::{Digest, Repository};
use crate::rules::{self, Wants};
use crate::secret::Secret;
use crate::settings::SecretState;

impl Run<'_> {
    /// Adds to the facts what servers know, as far as a rule that applies wants it.
    pub(super) fn consult(&self, facts: &mut Facts<'_>) {
        let wants = rules::wants(facts);
        if wants.running && self.policy.running.is_some() || wants.history || wants.before {
            let asked = self.with_client(async |client| {
                self.ask(client, facts, wants).await;
                Ok(())
            });
            if let Err(cause) = asked {
                let error = RegistryError {
                    operation: "asking",
                    reference: "the servers of this build".to_owned(),
                    cause,
                };
                facts.running = Absent::from(&error).into();
                facts.history = Absent::from(&error).into();
                train::keep(facts, wants, None);
                facts.forge = Absent::from(&error).into();
            }
        }
        if wants.pipeline && facts.pipeline.get().is_none() {
            // The built commit's own file is in the checkout; no server has to be asked for it.
            facts.pipeline = facts
                .workspace
                .then(|workspace| self.pipeline(&self.read_built(workspace)));
        }
    }

    async fn ask(&self, client: &Client, facts: &mut Facts<'_>, wants: Wants) {
        let due = wants.history && facts.workspace.get().is_some();
        let asking = self.asking(client);
        let drone = Drone::new(asking);
        let (remote, running, before) = future::join3(
            async {
                match due {
                    true => Some(self.listed(client).await),
                    false => None,
                }
            },
            self.running_now(asking, &drone, facts, wants),
            async {
                match wants.before {
                    true => Some(before::ask(asking, &drone, wants.past, oldest(facts)).await),
                    false => None,
                }
            },
        )
        .await;
        facts.running = running;
        if let (Some(promotion), Some(before)) = (&mut facts.promotion, before) {
            promotion.before = before;
        }
        if wants.current {
            self.read_current(client, facts).await;
        }
        // At the same time, so that a forge that is slow takes no time from the rules that only ask git.
        let listed = remote.map(|listed| listed.map(|listed| listed.references.as_ref()));
        let (seen, forge) = future::join(
            async {
                match remote? {
                    Ok(listed) => Some(
                        self.history(facts, wants, &listed.remote, &listed.references)
                            .await,
                    ),
                    Err(absent) => Some(Err(absent.clone())),
                }
            },
            self.ask_forge(asking, facts, wants, listed),
        )
        .await;
        let mut objects = seen.and_then(|seen| self.keep_history(facts, wants, seen));
        if let (true, Ok(asked)) = (wants.branches, &forge)
            && let Some(pulls) = self.ask_train(asked, facts, &mut objects).await
            && let Source::Known(train) = &mut facts.train
        {
            train.pulls = pulls;
        }
        facts.forge = match forge {
            Ok(asked) => Source::Known(self.ask_forge_more(asked, facts, wants, objects).await),
            Err(absent) => absent.into(),
        };
    }

    /// Puts what git has said where the rules see it. What is left is where objects lie, for more questions.
    fn keep_history<'r>(
        &self,
        facts: &mut Facts<'_>,
        wants: Wants,
        seen: Result<(Seen, forge::Objects<'r>), Absent>,
    ) -> Option<forge::Objects<'r>> {
        let (seen, objects) = match seen {
            Ok(seen) => seen,
            Err(absent) => {
                facts.history = absent.into();
                train::keep(facts, wants, None);
                return None;
            }
        };
        if wants.pipeline {
            facts.pipeline = self.pipeline(&seen);
        }
        facts.history = seen.history;
        train::keep(facts, wants, seen.train);
        Some(objects)
    }

    /// The remote and its references, listed once for everything that is asked of it.
    pub(super) async fn listed(&self, client: &Client) -> Result<&Listed, &Absent> {
        if self.listed.get().is_none() {
            let listed = async {
                let remote = self.remote(client)?;
                let references = remote.list().await.map_err(|error| Absent::from(&error))?;
                Ok(Listed {
                    remote,
                    references: Arc::new(references),
                })
            };
            let listed = listed.await;
            return self.listed.get_or_init(|| listed).as_ref();
        }
        let unheard = || Err(Absent::NotConfigured("git was not asked".to_owned()));
        self.listed.get_or_init(unheard).as_ref()
    }

    fn remote(&self, client: &Client) -> Result<Remote, Absent> {
        let Some(url) = &self.build.remote else {
            return Err(Absent::NotConfigured(
                "the CI server names no address of the repository".to_owned(),
            ));
        };
        let credentials = self.remote_credentials();
        // GitHub, Gitea and GitLab take a token as the password of any user.
        let token = match &self.settings.forge_token {
            SecretState::Set(token) => Some(("x-access-token".to_owned(), token.clone())),
            SecretState::Absent | SecretState::Empty => None,
        };
        let credentials = credentials.or(token);
        Remote::new(url, credentials, client.clone()).map_err(|error| Absent::from(&error))
    }

    /// What the CI server gives every step for git, if it does.
    pub(super) fn remote_credentials(&self) -> Option<(String, Secret)> {
        let url = self.build.remote.as_deref()?;
        remote::credentials(self.environment, self.build.platform, url, &self.redactor)
    }

    /// What the servers of a run are asked with.
    pub(super) fn asking<'a>(&'a self, client: &'a Client) -> Asking<'a> {
        Asking {
            client,
            policy: self.policy,
            settings: self.settings,
            build: self.build,
            environment: self.environment,
            redactor: &self.redactor,
            service_account: Path::new(SERVICE_ACCOUNT),
        }
    }

    /// What runs on every target, asked once.
    pub(super) async fn running_everywhere(&self, client: &Client) -> Source<Running> {
        if let Some(running) = self.running.get() {
            return running.clone();
        }
        let running = self.asking(client).running(None).await;
        self.running.get_or_init(|| running).clone()
    }

    async fn running_now(
        &self,
        asking: Asking<'_>,
        drone: &Drone<'_>,
        facts: &Facts<'_>,
        wants: Wants,
    ) -> Source<Running> {
        if !wants.running {
            return Source::NotConfigured("what runs in production was not asked".to_owned());
        }
        // A promotion to production is compared with what runs on its own target.
        let target = facts.promotion.as_ref().map(|promotion| &promotion.target);
        let only = target
            .filter(|target| target.class() == Some(Class::Production))
            .and_then(|target| target.name());
        match (only, self.running.get()) {
            (None, Some(running)) => running.clone(),
            _ => asking.running_by(drone, only).await,
        }
    }

    /// Looks up what the tags of this build are now, if production names an image by its digest.
    async fn read_current(&self, client: &Client, facts: &mut Facts<'_>) {
        let (Some(repo), Source::Known(running)) = (&self.policy.repo, &facts.running) else {
            return;
        };
        let by_digest = running.targets.iter().any(|on| match &on.answer {
            Source::Known(deployed) => deployed.iter().any(|one| one.digest.is_some()),
            _ => false,
        });
        if !by_digest {
            return;
        }
        let tags: Vec<String> = facts
            .tags
            .iter()
            .filter_map(|planned| planned.tag.as_ref().ok())
            .map(|tag| tag.as_str().to_owned())
            .collect();
        facts.current = self.tags_now(client, repo, &tags).await.into();
    }

    async fn tags_now(
        &self,
        client: &Client,
        repo: &Repository,
        tags: &[String],
    ) -> Result<Vec<(String, Digest)>, RegistryError> {
        let registry = self.registry(client, repo, Access::Pull, None)?;
        let now = publish::look(&registry, tags).await?;
        let found = tags.iter().cloned().zip(now);
        Ok(found
            .filter_map(|(tag, digest)| Some((tag, digest?)))
            .collect())
    }

    fn pipeline(&self, seen: &Seen) -> Source<PipelineFacts> {
        let [pipeline, step] = self.build.platform.running_step();
        let name = |variable| match self.environment.read(variable) {
            Reading::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        };
        let running = gates::Running {
            pipeline: name(pipeline),
            step: name(step),
        };
        seen.built.then(|built| {
            let absent = match &seen.default {
                Source::Known(_) => "",
                Source::NotConfigured(because) | Source::Unknown { because, .. } => because,
            };
            let texts = Texts {
                built,
                default: seen.default.get().map(Vec::as_slice).ok_or(absent),
                base: seen.base.as_deref(),
            };
            Source::Known(pipeline::read(texts, self.build, self.policy, running))
        })
    }
}

/// The oldest build that has published what is promoted, if that is known of every image: nothing
/// before it can have tried these bytes.
fn oldest(facts: &Facts<'_>) -> Option<u64> {
    let attested = facts.promotion.as_ref()?.attested.get()?;
    let first = attested.iter().map(|one| {
        let builds = one.statements.iter().filter_map(|statement| {
            let Claim::Published(publication) = &statement.claim else {
                return None;
            };
            (publication.source == facts.build.repo).then_some(publication.build.number)
        });
        builds.min()
    });
    first.collect::<Option<Vec<u64>>>()?.into_iter().min()
}
