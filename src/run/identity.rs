//! Whether what is promoted is a hotfix's, where neither name nor build say so: the image, what is
//! attached to it, its bytes, and the commit that it was built from. Asked only if some rule judges
//! hotfixes on this event and target.

use futures_util::future;

use super::Run;
use super::consult::{Listed, Store, scratch};
use crate::attestation::statement::Claim;
use crate::facts::attested;
use crate::facts::hotfix_commits::{self, Origin};
use crate::facts::identity::Evidence;
use crate::facts::promoted::{self, Attested, Promoted};
use crate::facts::remote::Fetch;
use crate::facts::{Absent, Facts, Promotion, Source, bytes, image, shorten};
use crate::hotfix::CommitId;
use crate::http::Client;
use crate::registry::error::RegistryError;
use crate::registry::reference::Digest;
use crate::registry::transfer;
use crate::registry::{Access, Registry};
use crate::rules::{self, WantsOfIdentity};
use crate::settings::SecretState;

impl Run<'_> {
    /// Adds to a promotion what registry and git know of its identity.
    pub(super) fn identify(&self, facts: &mut Facts<'_>) {
        let mut wants = rules::wants_of_identity(facts);
        wants.images |= self.policy.digest_file.is_some();
        let Some(promotion) = &facts.promotion else {
            return;
        };
        if !(wants.kind || wants.images) {
            return;
        }
        let named = self.named(promotion);
        let git = wants.commits && self.has_git(facts);
        if wants.commits
            && !git
            && let Some(promotion) = &mut facts.promotion
        {
            promotion.commits = Source::NotConfigured(
                "there is neither a checkout nor credentials for git".to_owned(),
            );
        }
        if named.is_err() && !git {
            self.note(facts, named.err());
            return;
        }
        let asked = self.with_client(async |client| {
            self.ask_identity(client, facts, named, wants, git).await;
            Ok(())
        });
        if let Err(cause) = asked {
            let error = RegistryError {
                operation: "asking",
                reference: "the servers of this build".to_owned(),
                cause,
            };
            self.note(facts, Some(Absent::from(&error)));
        }
    }

    /// What the versions name in the registry, if there is one to ask.
    fn named(&self, promotion: &Promotion) -> Result<promoted::Named, Absent> {
        match &self.policy.repo {
            Some(repo) => promoted::named(promotion, repo),
            None if self.settings.has_registry_credentials() => Err(Absent::Unknown {
                because:
                    "credentials for a registry are set, but `policy.repo` does not say which \
                          image repository to ask"
                        .to_owned(),
                retry: false,
                advice: "set `policy.repo`, or remove the credentials".to_owned(),
            }),
            None => Err(Absent::NotConfigured("`policy.repo` is not set".to_owned())),
        }
    }

    /// Git is configured where there is a checkout, and where somebody gave credentials for it.
    fn has_git(&self, facts: &Facts<'_>) -> bool {
        let checkout = !matches!(facts.workspace, Source::NotConfigured(_));
        let given = checkout
            || self.settings.forge_token != SecretState::Absent
            || self.remote_credentials().is_some();
        given && self.build.remote.is_some()
    }

    fn note(&self, facts: &mut Facts<'_>, absent: Option<Absent>) {
        if let (Some(promotion), Some(absent)) = (&mut facts.promotion, absent) {
            promotion.bytes = absent.clone().into();
            promotion.images = absent.clone().into();
            promotion.attested = absent.into();
        }
    }

    async fn ask_identity(
        &self,
        client: &Client,
        facts: &mut Facts<'_>,
        named: Result<promoted::Named, Absent>,
        wants: WantsOfIdentity,
        git: bool,
    ) {
        // The images and the references of the remote come from different servers.
        let (registry, listed) = future::join(
            async {
                match named {
                    Ok(named) => {
                        let registry = self.reader(client)?;
                        let images = promoted::look(&registry, self.policy, named).await;
                        Ok((registry, images))
                    }
                    Err(absent) => Err(absent),
                }
            },
            async {
                match git {
                    true => Some(self.listed(client).await),
                    false => None,
                }
            },
        )
        .await;
        let (registry, images) = match registry {
            Ok((registry, images)) => (Some(registry), images),
            Err(absent) => {
                self.note(facts, Some(absent.clone()));
                (None, absent.into())
            }
        };
        if let Some(promotion) = &mut facts.promotion {
            promotion.images = images;
            if let Some(registry) = &registry {
                self.look_at_images(registry, promotion, wants.kind).await;
            }
        }
        let undecided = |facts: &Facts<'_>| {
            let promotion = facts.promotion.as_ref();
            promotion.is_some_and(|promotion| promotion.evidence.is_empty())
        };
        if let Some(listed) = listed
            && undecided(facts)
        {
            let found = match listed {
                Ok(listed) => self.commits(client, facts, listed, registry.as_ref()).await,
                Err(absent) => Err(absent.clone()),
            };
            if let Some(promotion) = &mut facts.promotion {
                promotion.commits = match found {
                    Ok((branches, evidence)) => {
                        promotion.evidence.extend(evidence);
                        Source::Known(branches)
                    }
                    Err(absent) => absent.into(),
                };
            }
        }
    }

    /// The registry of the policy, to read.
    fn reader(&self, client: &Client) -> Result<Registry, Absent> {
        let Some(repo) = &self.policy.repo else {
            return Err(Absent::NotConfigured("`policy.repo` is not set".to_owned()));
        };
        let registry = self.registry(client, repo, Access::Pull, None);
        registry.map_err(|error| Absent::from(&error))
    }

    /// What is attached to the images, and, if that says nothing, whether a hotfix tag has their bytes.
    async fn look_at_images(&self, registry: &Registry, promotion: &mut Promotion, kind: bool) {
        let images = match promotion.images.answer() {
            Ok(images) => images.clone(),
            Err(absent) => {
                promotion.bytes = absent.clone().into();
                promotion.attested = absent.into();
                return;
            }
        };
        promotion.attested = self.attested(registry, &images).await;
        if !kind || !promotion.evidence.is_empty() {
            return;
        }
        let said = promotion.attested.get().into_iter().flatten();
        let said = said.filter_map(|one| self.is_said(one, &images));
        promotion.evidence.extend(said.collect::<Vec<_>>());
        if !promotion.evidence.is_empty() {
            let because = "a statement in the registry says enough".to_owned();
            promotion.bytes = Source::NotConfigured(because);
            return;
        }
        promotion.bytes = match bytes::compare(registry, self.policy, &images).await {
            Ok((compared, same)) => {
                promotion.evidence.extend(same);
                Source::Known(compared)
            }
            Err(absent) => absent.into(),
        };
    }

    /// What is attached to each image that was found.
    async fn attested(&self, registry: &Registry, images: &[Promoted]) -> Source<Vec<Attested>> {
        let mut digests: Vec<&Digest> = Vec::new();
        for found in images.iter().filter_map(|one| one.image.as_ref()) {
            if !digests.contains(&&found.digest) {
                digests.push(&found.digest);
            }
        }
        let each = digests
            .into_iter()
            .map(|digest| attested::read(registry, digest, self.policy));
        let read: Result<Vec<Attested>, RegistryError> =
            future::join_all(each).await.into_iter().collect();
        read.into()
    }

    /// The statement that makes a hotfix of an image.
    fn is_said(&self, attested: &Attested, images: &[Promoted]) -> Option<Evidence> {
        let branch = attested
            .statements
            .iter()
            .find_map(|statement| match &statement.claim {
                Claim::Published(published) => Some(&published.branch),
                Claim::Promoted(_) => None,
            })?;
        let of = |one: &&Promoted| {
            let found = one.image.as_ref();
            found.is_some_and(|found| found.digest == attested.digest)
        };
        Some(Evidence::Attested {
            version: images.iter().find(of)?.text.clone(),
            digest: attested.digest.to_string(),
            branch: branch.clone(),
        })
    }

    /// Whether what is promoted was built from a commit that only a hotfix branch has, and how many of
    /// those branches there are.
    async fn commits(
        &self,
        client: &Client,
        facts: &Facts<'_>,
        listed: &Listed,
        registry: Option<&Registry>,
    ) -> Result<(usize, Vec<Evidence>), Absent> {
        let mut question = hotfix_commits::question(facts, &listed.references)?;
        let branches = question.hotfixes.len();
        if branches == 0 {
            return Ok((0, Vec::new()));
        }
        if self.build.commit.as_str().len() != 40 {
            return Err(Absent::NotConfigured(
                "the repository is a SHA-256 one, whose commits cannot be read".to_owned(),
            ));
        }
        let mut origins = hotfix_commits::named(facts, &listed.references);
        let images = facts.promotion.iter().flat_map(|p| p.images.get());
        for image in images.flatten() {
            if let Some(registry) = registry {
                origins.extend(labels(registry, image).await?);
            }
        }
        let scratch = scratch()?;
        let mut store = match &facts.workspace {
            // A shallow checkout ends where nobody can see what lies below.
            Source::Known(workspace) if workspace.shallow.is_empty() => Store::of(workspace),
            _ => Store::empty(),
        };
        let haves = match &facts.workspace {
            Source::Known(workspace) if workspace.shallow.is_empty() => self.haves(workspace),
            _ => Vec::new(),
        };
        // What is promoted can be asked for where the remote lists it.
        let tips: Vec<CommitId> = origins
            .iter()
            .filter_map(Origin::commit)
            .filter(|id| listed.references.iter().any(|known| known.target() == id))
            .collect();
        let mut found = Vec::new();
        for asked in [false, true] {
            if asked {
                // What a hotfix is made for is none, be it on the default branch or not.
                let running = self.released_in_production(client, facts, listed).await?;
                if found.is_empty() || running.is_empty() {
                    break;
                }
                question.releases.extend(running);
            }
            let mut needed = question.commits();
            needed.extend(tips.iter().cloned());
            needed.sort();
            needed.dedup();
            let missing = store.missing(&needed).map_err(|gap| Absent::from(&gap))?;
            let fetch = Fetch {
                wants: &missing,
                haves: &haves,
                commits_only: true,
                ..Fetch::default()
            };
            store.fetch(&listed.remote, &fetch, scratch.path()).await?;
            let (question, origins) = (question.clone(), origins.clone());
            let answer = self
                .in_time(&store, move |objects| question.answer(objects, &origins))
                .await?;
            found = answer.map_err(|gap| Absent::from(&gap))?;
            if found.is_empty() {
                break;
            }
        }
        Ok((branches, found))
    }

    /// The commits of the releases that run in production, as far as anybody is configured to know.
    async fn released_in_production(
        &self,
        client: &Client,
        facts: &Facts<'_>,
        listed: &Listed,
    ) -> Result<Vec<CommitId>, Absent> {
        if self.policy.running.is_none() {
            return Ok(Vec::new());
        }
        let running = self.running_everywhere(client).await;
        hotfix_commits::running(running.answer()?, facts, &listed.references)
    }
}

/// From which commits the platforms of an image say that they were built.
async fn labels(registry: &Registry, promoted: &Promoted) -> Result<Vec<Origin>, Absent> {
    let Some(found) = &promoted.image else {
        return Ok(Vec::new());
    };
    let origin = transfer::Origin::Registry(registry.clone());
    let platforms = async {
        let held = image::held(&origin, &found.manifest, image::Gaps::AreNothing).await?;
        image::labels(&origin, &held.images).await
    };
    let platforms = platforms.await.map_err(|error| Absent::from(&error))?;
    let named = |platform: &image::Platform| {
        let of = match platform.name.as_str() {
            "" => String::new(),
            name => format!(" for {}", shorten(name)),
        };
        let revision = platform.revision.clone()?;
        Some(Origin {
            what: format!("`{}`{of}", shorten(&promoted.text)),
            revision,
        })
    };
    Ok(platforms.iter().filter_map(named).collect())
}
