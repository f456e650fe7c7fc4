//! Identity 5: what was built from a commit that only a hotfix branch has is a hotfix, whatever branch
//! or tag that commit was given, and whatever the image is called (A06, A29). Pure but for the objects
//! that it reads.
//!
//! A hotfix whose branch was deleted is known by the other four identities only.

use std::collections::HashSet;

use super::history::plan;
use super::history::{Head, What, located};
use super::identity::Evidence;
use super::running::{Deployed, Running};
use super::{Absent, Facts, shorten};
use crate::git::Gap;
use crate::git::objects::Objects;
use crate::git::refs::References;
use crate::hotfix::{CommitId, HotfixBranch};

/// The most hotfix branches whose commits are looked at.
const MOST_BRANCHES: usize = 2_000;
/// The most commits that hotfix branches, or what is promoted, may have for themselves.
const MOST_COMMITS: usize = 20_000;
/// The shortest beginning of a commit id that is taken for one.
const SHORTEST: usize = 7;

/// Something that is promoted, and the commit that it was built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// «the promoted build», or «`1.2.3` for linux/arm64».
    pub what: String,
    /// The commit id, or the beginning of one, as it was found.
    pub revision: String,
}

impl Origin {
    /// The commit ids, or beginnings of some, that a label can mean: `a1b2c3d`, `a1b2c3d-dirty`, and
    /// what `git describe` says, `1.2.3-4-ga1b2c3d`.
    fn commits(&self) -> Vec<String> {
        let text = self.revision.to_ascii_lowercase();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let ids = words.map(|word| word.strip_prefix(['g', 'v']).unwrap_or(word));
        ids.filter(|id| id.len() >= SHORTEST && id.bytes().all(|b| b.is_ascii_hexdigit()))
            .map(str::to_owned)
            .collect()
    }

    /// The commit, if all of its id is there.
    pub fn commit(&self) -> Option<CommitId> {
        self.commits().iter().find_map(|id| CommitId::parse(id))
    }
}

/// What is to be asked of git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The heads of the hotfix branches.
    pub hotfixes: Vec<Head>,
    /// Heads of what ordinary releases are made of.
    pub releases: Vec<CommitId>,
}

/// Reads from the references of the remote what is to be asked.
///
/// # Errors
/// Why it cannot be asked.
pub fn question(facts: &Facts<'_>, references: &References) -> Result<Question, Absent> {
    let policy = facts.policy;
    let is_hotfix = |name: &str| HotfixBranch::parse(name, &policy.prefixes).is_ok();
    let hotfixes: Vec<Head> = references
        .branches()
        .filter(|(name, _)| is_hotfix(name))
        .map(|(name, commit)| Head {
            name: name.to_owned(),
            commit: commit.clone(),
        })
        .collect();
    if hotfixes.len() > MOST_BRANCHES {
        return Err(Absent::Unknown {
            because: format!("the remote has more than {MOST_BRANCHES} hotfix branches"),
            retry: false,
            advice: "delete the branches of hotfixes that are long over".to_owned(),
        });
    }
    if hotfixes.is_empty() {
        return Ok(Question {
            hotfixes,
            releases: Vec::new(),
        });
    }
    let heads = plan::default_heads(facts, references);
    let mut releases: Vec<CommitId> = heads
        .answer()?
        .iter()
        .map(|head| head.commit.clone())
        .collect();
    let lines = references
        .branches()
        .filter(|(name, _)| policy.release_branches.name(name) && !is_hotfix(name));
    releases.extend(lines.map(|(_, commit)| commit.clone()));
    releases.sort();
    releases.dedup();
    Ok(Question { hotfixes, releases })
}

/// What the promotion itself names: the promoted build, and the git tags of its versions.
pub fn named(facts: &Facts<'_>, references: &References) -> Vec<Origin> {
    let mut origins = vec![Origin {
        what: "the promoted build".to_owned(),
        revision: facts.build.commit.as_str().to_owned(),
    }];
    let versions = facts
        .promotion
        .iter()
        .flat_map(|promotion| &promotion.versions);
    for version in versions {
        let located = Deployed::of_version(&version.text)
            .map(|deployed| located::locate(&deployed, references, facts.policy).1);
        let what = format!("`{}`", shorten(&version.text));
        if let Some(commit) = located.as_ref().and_then(|commit| commit.get()) {
            origins.push(Origin {
                what: what.clone(),
                revision: commit.as_str().to_owned(),
            });
        }
        // Many tags hold the beginning of a commit id.
        origins.push(Origin {
            what,
            revision: version.text.clone(),
        });
    }
    origins
}

/// The commits of the releases that run in production: what is built from them is what a hotfix is made
/// for, and none itself. A release tag makes no release of a hotfix: of a build that was promoted without a
/// version nobody has said that it was one, and the head of a hotfix branch is a hotfix, however it is tagged.
///
/// # Errors
/// If somebody who knows what runs did not answer.
pub fn running(
    running: &Running,
    facts: &Facts<'_>,
    references: &References,
) -> Result<Vec<CommitId>, Absent> {
    let mut releases = Vec::new();
    for on in &running.targets {
        for deployed in on.answer.answer()? {
            let (what, commit) = located::locate(deployed, references, facts.policy);
            let is_hotfix = |commit: &CommitId| {
                references.branches().any(|(name, head)| {
                    head == commit && HotfixBranch::parse(name, &facts.policy.prefixes).is_ok()
                })
            };
            if let (What::Release(_) | What::Train(_), Some(commit)) = (what, commit.get())
                && deployed.runs
                && deployed.commit.is_none()
                && !is_hotfix(commit)
            {
                releases.push(commit.clone());
            }
        }
    }
    Ok(releases)
}

impl Question {
    /// The commits whose history is needed.
    pub fn commits(&self) -> Vec<CommitId> {
        let heads = self.hotfixes.iter().map(|head| &head.commit);
        let mut all: Vec<CommitId> = heads.chain(&self.releases).cloned().collect();
        all.sort();
        all.dedup();
        all
    }

    /// What was built from a hotfix.
    ///
    /// # Errors
    /// If the history ends before that is known.
    pub fn answer(&self, objects: &Objects, origins: &[Origin]) -> Result<Vec<Evidence>, Gap> {
        let tips: Vec<CommitId> = self
            .hotfixes
            .iter()
            .map(|head| head.commit.clone())
            .collect();
        let own = objects.only_in(&tips, &self.releases, MOST_COMMITS)?;
        let set: HashSet<&CommitId> = own.iter().collect();
        let mut found = Vec::new();
        for origin in origins {
            for revision in origin.commits() {
                let mut hits: Vec<CommitId> = own
                    .iter()
                    .filter(|id| id.as_str().starts_with(&revision))
                    .cloned()
                    .collect();
                // A commit on top of a hotfix's holds the hotfix as well. One that nobody has at hand
                // is on no branch that could be looked at.
                if hits.is_empty()
                    && let Some(id) = CommitId::parse(&revision)
                    && objects.has(&id)
                {
                    let mine = objects.only_in(&[id], &self.releases, MOST_COMMITS)?;
                    hits = mine.into_iter().filter(|id| set.contains(id)).collect();
                }
                for commit in hits {
                    if self.is_released(objects, &commit)? {
                        continue;
                    }
                    found.push(Evidence::Commit {
                        what: origin.what.clone(),
                        commit: commit.short().to_owned(),
                        branch: self.branch_of(objects, &commit)?,
                    });
                    break;
                }
            }
        }
        found.dedup();
        Ok(found)
    }

    /// Looked at once more without regard to dates: a clock that was wrong can leave a commit in the
    /// list that the default branch has.
    fn is_released(&self, objects: &Objects, commit: &CommitId) -> Result<bool, Gap> {
        for release in &self.releases {
            if objects.is_ancestor(commit, release)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn branch_of(&self, objects: &Objects, commit: &CommitId) -> Result<String, Gap> {
        for head in &self.hotfixes {
            if objects.is_ancestor(commit, &head.commit)? {
                return Ok(head.name.clone());
            }
        }
        Ok(String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_a_commit_in_the_ways_that_tools_write_it() {
        let of = |revision: &str| {
            let (what, revision) = (String::new(), revision.to_owned());
            Origin { what, revision }.commits()
        };
        assert_eq!(of("A1B2C3D\n"), ["a1b2c3d"]);
        assert_eq!(of("a1b2c3d-dirty"), ["a1b2c3d"]);
        assert_eq!(of("v1.2.3-4-ga1b2c3d"), ["a1b2c3d"]);
        assert_eq!(of(&"0".repeat(40)), ["0".repeat(40)]);
        for text in ["", "main", "a1b2c3", "1.2.3", "hotfix/x", "gggggggg"] {
            assert!(of(text).is_empty(), "{text}");
        }
    }
}
