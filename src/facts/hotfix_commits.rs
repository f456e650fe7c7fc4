//! Identity 5: what was built from a commit that only a hotfix branch has is a hotfix, whatever branch
//! or tag that commit was given, and whatever the image is called (A06, A29). Pure but for the objects
//! that it reads.

use std::collections::HashSet;

use super::history::Head;
use super::history::plan;
use super::identity::Evidence;
use super::{Absent, Facts};
use crate::git::Gap;
use crate::git::objects::Objects;
use crate::git::refs::References;
use crate::glob::glob;
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
    let lines = references.branches().filter(|(name, _)| {
        let named = |pattern: &String| glob(pattern, name);
        policy.release_branches.iter().any(named) && !is_hotfix(name)
    });
    releases.extend(lines.map(|(_, commit)| commit.clone()));
    releases.sort();
    releases.dedup();
    Ok(Question { hotfixes, releases })
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
        let own: HashSet<&CommitId> = own.iter().collect();
        let mut found = Vec::new();
        for origin in origins {
            let revision = origin.revision.trim().to_ascii_lowercase();
            if revision.len() < SHORTEST {
                continue;
            }
            let mut hit = own
                .iter()
                .find(|id| id.as_str().starts_with(&revision))
                .copied();
            let mine;
            // A commit on top of a hotfix's holds the hotfix as well. One that nobody has at hand is on
            // no branch that could be looked at.
            if hit.is_none()
                && let Some(id) = CommitId::parse(&revision)
                && objects.has(&id)
            {
                mine = objects.only_in(&[id], &self.releases, MOST_COMMITS)?;
                hit = mine.iter().find(|id| own.contains(id));
            }
            if let Some(commit) = hit
                && !self.is_released(objects, commit)?
            {
                found.push(Evidence::Commit {
                    what: origin.what.clone(),
                    commit: commit.short().to_owned(),
                    branch: self.branch_of(objects, commit)?,
                });
            }
        }
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
