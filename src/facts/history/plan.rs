//! What is to be asked of git, as far as names decide it: from the references of the remote, the build
//! and what runs in production. Pure.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::Arc;

use regex::Regex;

use super::located::{locate, same_tag};
use super::{Head, Placed, SameTag, What};
use crate::facts::running::{Deployed, OnTarget, Running};
use crate::facts::{Facts, Source, shorten};
use crate::git::refs::References;
use crate::hotfix::{CommitId, HotfixBranch};
use crate::policy::targets::Class;

/// What is to be asked of git, as far as names decide it.
pub struct Plan {
    pub(super) tip: Source<CommitId>,
    pub(super) own: Option<String>,
    pub(super) default: Source<Head>,
    /// The branch that the remote itself calls its default one, where that is another.
    pub(super) also: Option<Head>,
    pub(super) running: Source<Vec<Placed>>,
    pub(super) releases: HashSet<CommitId>,
    pub(super) references: Arc<References>,
    /// What makes a tag a release beside SemVer.
    pub(super) pattern: Option<Regex>,
    pub(super) same_tag: Source<Vec<SameTag>>,
    pub(super) to_production: bool,
    /// The change log of the train, whatever it is called.
    pub(super) changelog: Option<String>,
    /// What else is needed: of a pull request into a train, the train.
    pub(super) more: Vec<CommitId>,
    /// Whether a question had no answer because the history is cut off.
    pub(super) cut: Cell<bool>,
}

/// Makes the plan.
pub fn plan(facts: &Facts<'_>, references: &Arc<References>) -> Plan {
    let policy = facts.policy;
    let releases = references.tags().filter(|(tag, _)| policy.is_release(tag));
    let releases = releases.map(|(_, commit)| commit.clone()).collect();
    let own = own_branch(facts, references);
    let tags: Vec<String> = facts
        .tags
        .iter()
        .filter_map(|planned| planned.text.clone())
        .collect();
    let same_tag = match &facts.branch {
        Ok(branch) => Source::Known(same_tag(branch.name(), &tags, references, policy)),
        Err(_) => Source::NotConfigured("the build is of no hotfix branch".to_owned()),
    };
    let target = facts.promotion.as_ref().map(|promotion| &promotion.target);
    let default = default(facts, references);
    Plan {
        changelog: policy.train.as_ref().map(|train| train.changelog.clone()),
        tip: tip(facts, references),
        own,
        also: also(&default, facts, references),
        default,
        running: placed(&facts.running, facts, references),
        releases,
        pattern: policy.release.clone(),
        references: Arc::clone(references),
        same_tag,
        to_production: target.and_then(|target| target.class()) == Some(Class::Production),
        more: Vec::new(),
        cut: Cell::new(false),
    }
}

/// The hotfix branch that the judged commit belongs to.
pub fn own_branch(facts: &Facts<'_>, references: &References) -> Option<String> {
    if let Ok(branch) = &facts.branch
        && facts.promotion.is_none()
    {
        return Some(branch.name().to_owned());
    }
    let promotion = facts.promotion.as_ref()?;
    let named = promotion
        .versions
        .iter()
        .filter_map(|version| Deployed::of_version(&version.text))
        .find_map(
            |version| match locate(&version, references, facts.policy).0 {
                What::Hotfix(branch) => branch,
                _ => None,
            },
        );
    let built = || facts.branch.as_ref().ok().map(HotfixBranch::name);
    named.or_else(|| built().map(str::to_owned))
}

/// The commit that is judged: the built one; of a promotion with a version parameter the one that
/// the version was built from, because the build that carries it is often another.
fn tip(facts: &Facts<'_>, references: &References) -> Source<CommitId> {
    let versions = facts
        .promotion
        .iter()
        .flat_map(|promotion| &promotion.versions);
    let mut found: Option<(String, CommitId)> = None;
    for version in versions {
        let Some(deployed) = Deployed::of_version(&version.text) else {
            return Source::Unknown {
                because: format!(
                    "`{}={}` is no version",
                    version.name,
                    shorten(&version.text)
                ),
                retry: false,
                advice: "promote with exactly one tag, version, digest or reference".to_owned(),
            };
        };
        let commit = match locate(&deployed, references, facts.policy).1 {
            Source::Known(commit) => commit,
            other => return other,
        };
        match &found {
            Some((before, known)) if *known != commit => {
                return Source::Unknown {
                    because: format!(
                        "`{}` and `{}` are built from different commits",
                        shorten(before),
                        shorten(&version.text)
                    ),
                    retry: false,
                    advice: "promote one version at a time".to_owned(),
                };
            }
            _ => found = Some((version.text.clone(), commit)),
        }
    }
    Source::Known(found.map_or_else(|| facts.build.commit.clone(), |(_, commit)| commit))
}

/// The heads of the default branch, and of the one that the remote calls so where that is another.
pub fn default_heads(facts: &Facts<'_>, references: &References) -> Source<Vec<Head>> {
    let default = default(facts, references);
    let also = also(&default, facts, references);
    default.then(|head| Source::Known(also.into_iter().chain([head.clone()]).collect()))
}

/// The default branch. The server's word counts, unless that branch is gone: then it was renamed.
fn default(facts: &Facts<'_>, references: &References) -> Source<Head> {
    let said = facts.build.default_branch.as_deref();
    let found = [said, head_branch(facts, references)]
        .into_iter()
        .flatten()
        .find_map(|name| Some((name, references.branch(name)?)));
    match found {
        Some((name, commit)) => Source::Known(Head {
            name: name.to_owned(),
            commit: commit.clone(),
        }),
        None => Source::Unknown {
            because: match said {
                Some(name) => format!("the remote has no branch `{}`", shorten(name)),
                None => "neither the CI server nor the remote names a default branch".to_owned(),
            },
            retry: false,
            advice:
                "set the default branch in the settings of the repository, in the forge and in \
                     the CI server"
                    .to_owned(),
        },
    }
}

/// The CI server may not have heard yet that the default branch is another one, and the old one may
/// still be there.
fn also(default: &Source<Head>, facts: &Facts<'_>, references: &References) -> Option<Head> {
    let known = default.get()?;
    let name = head_branch(facts, references).filter(|name| *name != known.name)?;
    Some(Head {
        name: name.to_owned(),
        commit: references.branch(name)?.clone(),
    })
}

/// The branch that the remote calls its default one. The `HEAD` of a remote that somebody works in may
/// be a hotfix branch, and that is none.
fn head_branch<'a>(facts: &Facts<'_>, references: &'a References) -> Option<&'a str> {
    let prefixes = &facts.policy.prefixes;
    references
        .head_branch()
        .filter(|name| HotfixBranch::parse(name, prefixes).is_err())
}

fn placed(
    running: &Source<Running>,
    facts: &Facts<'_>,
    references: &References,
) -> Source<Vec<Placed>> {
    let running = match running.or_absent() {
        Ok(running) => running,
        Err(absent) => return absent,
    };
    let mut placed = Vec::new();
    for on in &running.targets {
        let answer = match on.answer.or_absent() {
            Ok(answer) => answer,
            // Kept as a version that nobody knows, so that no rule takes the others for all.
            Err(absent) => {
                placed.push(unplaced(on, absent));
                continue;
            }
        };
        for deployed in answer {
            let (what, commit) = locate(deployed, references, facts.policy);
            placed.push(Placed {
                target: on.target.clone(),
                origin: on.origin.clone(),
                text: deployed.text.clone(),
                runs: deployed.runs,
                what,
                commit,
                below: Source::NotConfigured(String::new()),
            });
        }
    }
    Source::Known(placed)
}

fn unplaced(on: &OnTarget, commit: Source<CommitId>) -> Placed {
    Placed {
        target: on.target.clone(),
        origin: on.origin.clone(),
        text: "?".to_owned(),
        runs: true,
        what: What::Other,
        commit,
        below: Source::NotConfigured(String::new()),
    }
}

impl Plan {
    /// The hotfix branch that the judged commit belongs to.
    pub fn own(&self) -> Option<&str> {
        self.own.as_deref()
    }

    /// The same plan, for which a further commit is needed.
    #[must_use]
    pub fn and(mut self, commit: Option<&CommitId>) -> Self {
        self.more.extend(commit.cloned());
        self
    }

    /// Every commit whose history is needed.
    pub fn commits(&self) -> Vec<CommitId> {
        let placed = self.running.get().into_iter().flatten();
        let mut all: Vec<&CommitId> = self.tip.get().into_iter().collect();
        let heads = self.default.get().into_iter().chain(&self.also);
        all.extend(heads.map(|head| &head.commit));
        all.extend(placed.filter_map(|version| version.commit.get()));
        all.extend(&self.more);
        let mut seen = HashSet::new();
        all.retain(|id| seen.insert((*id).clone()));
        all.into_iter().cloned().collect()
    }
}
