//! What a run says about an image, and attaches to it in the registry: that a build has published it,
//! or that a promotion of it was allowed.

use super::Run;
use crate::attestation::statement::{Base, BuildRef, Claim, Deployment, Publication, RuleOutcome};
use crate::facts::{Facts, utc_of_seconds};
use crate::report::VERSION;
use crate::verdict::{Finding, Verdict};

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
            rules: outcomes(verdict),
            policy: self.policy.digest.to_string(),
            tags: tags.to_vec(),
            tool: VERSION.to_owned(),
            time: utc_of_seconds(facts.now).unwrap_or_default(),
        })
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
            rules: outcomes(verdict),
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

fn outcomes(verdict: &Verdict) -> Vec<RuleOutcome> {
    let one = |finding: &Finding| RuleOutcome {
        rule: finding.rule.to_owned(),
        level: finding.level.as_str().to_owned(),
        outcome: finding.outcome.as_str().to_owned(),
        overridden: None,
    };
    verdict.findings().iter().map(one).collect()
}
