//! The part of the way that needs the network: the image is opened, judged with all the rest, and
//! published.

use std::io::Write;

use tokio::runtime::Runtime;

use super::Run;
use crate::facts::{self, Absent, Facts};
use crate::hotfix::tag::ImageTag;
use crate::hotfix::template::Values;
use crate::http::{Client, HttpError};
use crate::overrides;
use crate::policy::source::Place;
use crate::publish::{self, From, Mode};
use crate::registry::error::{Cause, RegistryError};
use crate::registry::local::Local;
use crate::registry::reference::Repository;
use crate::registry::transfer::Image;
use crate::registry::{Access, Registry};
use crate::report::sink::{Sink, Style};
use crate::report::{Publication, Published, harness};
use crate::rules;
use crate::verdict::{Decision, Level, Verdict};

impl Run<'_> {
    /// Publishes what the rules allow. They are asked once more when the image itself was looked at.
    pub(super) fn publish<W: Write>(
        &self,
        facts: &mut Facts<'_>,
        verdict: &mut Verdict,
        notes: &mut Vec<String>,
        sink: &mut Sink<W>,
    ) -> Published {
        // The rule `image-tag` can be turned off; what may be written cannot.
        let tags: Result<Vec<ImageTag>, ()> = facts
            .tags
            .iter()
            .map(|planned| match &planned.tag {
                Ok(tag) if self.policy.may_publish(tag) => Ok(tag.clone()),
                _ => Err(()),
            })
            .collect();
        let (Ok(tags), Ok(branch)) = (tags, &facts.branch) else {
            return publish::no_tag(facts);
        };
        let rehearsal = self.settings.dry_run;
        let (Some(repo), Some(source)) = (&self.policy.repo, &self.policy.source) else {
            if verdict.decision() != Decision::Allowed {
                return Published::Withheld;
            }
            return publish::write_tags_file(self.policy, self.build, &tags, rehearsal);
        };
        let place = source.place(Values {
            branch,
            ticket: facts.ticket.as_ref().map(|(ticket, _)| ticket),
            commit: &self.build.commit,
            build: self.build.number,
        });
        let Some(place) = place else {
            return publish::no_source(&tags);
        };
        let level = self.policy.rules.get(rules::OF_THE_IMAGE);
        let published = self.online(repo, async |client| {
            let (to, from, text) = self.ends(client, repo, place)?;
            let judged = level != Some(&Level::Off);
            let mut read = None;
            let judge = async |image: &Image| read = Some(facts::image::read(image).await);
            let opened = publish::open(to, from, text, &tags, judged.then_some(judge)).await?;
            if let Some(read) = read {
                facts.image = read;
                *verdict = overrides::judge(facts);
            }
            if verdict.decision() != Decision::Allowed {
                return Ok(Published::Withheld);
            }
            notes.extend(opened.note());
            let mut say = |line: String| sink.say(Style::Plain, &line);
            let mode = Mode {
                rehearsal,
                sole_publisher: self.policy.sole_publisher,
            };
            let claim = |tags: &[String]| self.statement(|| self.published(facts, verdict, tags));
            Ok(publish::publish(opened, mode, &mut say, claim).await)
        });
        published.unwrap_or_else(|error| {
            if level == Some(&Level::Must) {
                facts.image = Absent::from(&error).into();
                *verdict = overrides::judge(facts);
            }
            publish::impossible(&error, &tags)
        })
    }

    /// The registry of the policy, with the credentials for it.
    pub(super) fn registry(
        &self,
        client: &Client,
        repo: &Repository,
        access: Access,
        also: Option<&Repository>,
    ) -> Result<Registry, RegistryError> {
        let credentials = self.settings.credentials(repo.host());
        let credentials = credentials.map_err(using(repo))?;
        let (client, redactor) = (client.clone(), self.redactor.clone());
        Registry::new(client, repo.clone(), credentials, access, also, redactor)
    }

    /// Where the image goes and where it comes from.
    fn ends(
        &self,
        client: Client,
        repo: &Repository,
        place: Place,
    ) -> Result<(Registry, From, String), RegistryError> {
        let to = |also| self.registry(&client, repo, Access::PullAndPush, also);
        match place {
            Place::Files {
                form,
                path,
                reference,
                text,
            } => {
                let path = self.build.workspace.join(path);
                let local = Local::open(form, &path, reference.as_deref());
                let local = local.map_err(|error| RegistryError {
                    operation: "reading",
                    reference: text.clone(),
                    cause: Cause::Local(error),
                })?;
                let image = Image::of_files(local, text.clone());
                Ok((to(None)?, From::Files(image), text))
            }
            Place::Registry(None, target) => {
                let to = to(None)?;
                let text = target.within(repo);
                Ok((to.clone(), From::Registry(to, target), text))
            }
            Place::Registry(Some(other), target) => {
                let text = target.within(&other);
                if other.host() == repo.host() {
                    let to = to(Some(&other))?;
                    let from = to.beside(other);
                    return Ok((to, From::Registry(from, target), text));
                }
                let credentials = self.settings.credentials_by_config(other.host());
                let credentials = credentials.map_err(using(&other))?;
                let from = Registry::new(
                    client.clone(),
                    other,
                    credentials,
                    Access::Pull,
                    None,
                    self.redactor.clone(),
                )?;
                Ok((to(None)?, From::Registry(from, target), text))
            }
        }
    }

    /// Writes what Harness reads of a step, if its variables are there. On Drone they are not.
    pub(super) fn hand_on(&self, publication: &Publication) -> Vec<String> {
        if self.settings.dry_run {
            return Vec::new();
        }
        harness::hand_on(self.environment, publication)
    }

    /// Starts what network access needs, and only then.
    pub(super) fn online<T>(
        &self,
        repo: &Repository,
        work: impl AsyncFnOnce(Client) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        self.with_client(async |client| Ok(work(client.clone()).await))
            .map_err(using(repo))?
    }

    /// The one client of the run, made when it is first needed; so one deadline bounds everything.
    pub(super) fn with_client<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> Result<T, Cause>,
    ) -> Result<T, Cause> {
        self.resolver_is_ours()?;
        let (runtime, client) = match self.network.get() {
            Some(network) => network,
            None => {
                let network = self.network()?;
                self.network.get_or_init(|| network)
            }
        };
        runtime.block_on(work(client))
    }

    fn network(&self) -> Result<(Runtime, Client), Cause> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Cause::Http(HttpError::Setup(error.to_string())))?;
        let client = runtime.block_on(async {
            let trust = self.policy.trust.clone();
            Client::new(trust, &self.settings.proxy, self.policy.timeout)
        });
        Ok((runtime, client.map_err(Cause::Http)?))
    }

    /// A host without a checked certificate is known by its name alone.
    fn resolver_is_ours(&self) -> Result<(), Cause> {
        let trust = &self.policy.trust;
        if trust.insecure.is_empty() && trust.skip_verify.is_empty() {
            return Ok(());
        }
        match self.environment.decides_host_names() {
            Some(name) => Err(Cause::Resolver(name)),
            None => Ok(()),
        }
    }
}

/// What went wrong with a repository before it was asked.
fn using(repository: &Repository) -> impl FnOnce(Cause) -> RegistryError {
    let reference = repository.to_string();
    move |cause| RegistryError {
        operation: "using",
        reference,
        cause,
    }
}
