//! What a run says about an image, and attaches to it in the registry: that a build has published it,
//! or that a promotion of it was allowed.

use super::Run;
use crate::attestation::statement::{Base, BuildRef, Claim, Deployment, Publication};
use crate::ci::Event;
use crate::day::utc_of_seconds;
use crate::facts::{self, Facts, Kind};
use crate::overrides::rule_outcomes;
use crate::policy::targets::Class;
use crate::publish::{self, Statement};
use crate::registry::Access;
use crate::report::{Attachment, VERSION};
use crate::verdict::{Decision, Verdict};

impl Run<'_> {
    /// The statement of a publication.
    pub(super) fn published(&self, facts: &Facts<'_>, verdict: &Verdict, tags: &[String]) -> Claim {
        let history = facts.history.get();
        let base = history.and_then(|history| history.base.get());
        Claim::Published(Publication {
            branch: self.build.branch.clone().unwrap_or_default(),
            ticket: facts
                .ticket
                .as_ref()
                .map(|(ticket, _)| ticket.as_str().to_owned()),
            base: base.and_then(|base| {
                Some(Base {
                    release: base.tags.first().cloned(),
                    commit: base.commits.first()?.as_str().to_owned(),
                })
            }),
            commit: self.build.commit.as_str().to_owned(),
            source: self.build.repo.clone(),
            build: self.build_ref(),
            verdict: verdict.decision().as_str().to_owned(),
            rules: rule_outcomes(verdict),
            policy: self.policy.digest.to_string(),
            tags: tags.to_vec(),
            tool: VERSION.to_owned(),
            time: utc_of_seconds(facts.now).unwrap_or_default(),
        })
    }

    /// Whether and with which key something may be said.
    pub(super) fn statement(&self, claim: impl FnOnce() -> Claim) -> Statement<'_> {
        if !self.policy.attest {
            return Statement::Off;
        }
        match self.settings.signing_key() {
            Ok(key) => Statement::Due(Box::new(claim()), key),
            // A statement without the signature that the team wants would say less than none.
            Err(_) => Statement::Withheld {
                because: "the secret of `signing_key` is set but empty: missing or withheld"
                    .to_owned(),
                advice: "check the name of the secret in the pipeline file, and run the step again"
                    .to_owned(),
            },
        }
    }

    /// Says of the images of an allowed promotion that they went there, where hotfixes are tried or
    /// accepted: the Drone server keeps the tag only, and not what it named.
    pub(super) fn record(&self, facts: &Facts<'_>, verdict: &Verdict, notes: &mut Vec<String>) {
        let (Some(promotion), Some(repo)) = (&facts.promotion, &self.policy.repo) else {
            return;
        };
        let class = promotion.target.class();
        let due = self.build.event == Event::Promote
            && matches!(class, Some(Class::Trial | Class::Unlisted))
            && promotion.kind() == Kind::Hotfix
            && verdict.decision() == Decision::Allowed
            && self.policy.attest
            && !self.settings.dry_run
            && self.settings.has_registry_credentials();
        let images = promotion.images.get().into_iter().flatten();
        let images: Vec<_> = images
            .filter_map(|one| Some((one, one.image.as_ref()?)))
            .collect();
        if !due || images.is_empty() {
            return;
        }
        let target = facts::shorten(self.build.target.as_deref().unwrap_or_default());
        let asked = self.online(repo, async |client| {
            let registry = self.registry(&client, repo, Access::PullAndPush, None)?;
            for (promoted, found) in images {
                let claim = || self.promoted(facts, verdict, &promoted.text);
                let attachment = match self.statement(claim) {
                    Statement::Due(claim, key) => {
                        publish::attach(&registry, &found.manifest, *claim, key).await
                    }
                    Statement::Withheld { because, advice } => {
                        Attachment::Missing { because, advice }
                    }
                    Statement::Off => return Ok(()),
                };
                notes.push(match attachment {
                    Attachment::Missing { because, advice } => format!(
                        "that {} went to `{target}` was not kept, so `tried-first` will not know it: \
                         {because}; {advice}",
                        found.digest
                    ),
                    _ => format!(
                        "kept in the registry, for `tried-first` and `signed-off`: {} went to `{target}`",
                        found.digest
                    ),
                });
            }
            Ok(())
        });
        if let Err(error) = asked {
            notes.push(format!(
                "that the image went to `{target}` was not kept: {error}; {}",
                error.advice()
            ));
        }
    }

    /// The statement of an allowed promotion of one version.
    fn promoted(&self, facts: &Facts<'_>, verdict: &Verdict, version: &str) -> Claim {
        Claim::Promoted(Deployment {
            target: self.build.target.clone().unwrap_or_default(),
            version: version.to_owned(),
            source: self.build.repo.clone(),
            build: self.build_ref(),
            trigger: self.build.trigger.clone(),
            verdict: verdict.decision().as_str().to_owned(),
            rules: rule_outcomes(verdict),
            policy: self.policy.digest.to_string(),
            tool: VERSION.to_owned(),
            time: utc_of_seconds(facts.now).unwrap_or_default(),
        })
    }

    fn build_ref(&self) -> BuildRef {
        BuildRef {
            number: self.build.number,
            link: self.build.link.clone(),
        }
    }
}
