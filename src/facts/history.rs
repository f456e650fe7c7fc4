//! What git says about the commit that is judged: where it starts, what it changes, whether the
//! default branch has it, and where the versions that run in production lie beside it. Plain data;
//! [`plan`] and [`read`] make it.

pub mod commits;
pub mod declared;
pub mod located;
pub mod notes;
pub mod plan;
pub mod ports;
pub mod read;
pub mod services;

use crate::git::changes::FileChange;
use crate::git::commits::Person;
use crate::hotfix::CommitId;

use super::Source;

/// What git says about one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The commit that is judged: the built one; of a promotion the one that is to be deployed.
    pub tip: CommitId,
    /// The default branch, as the remote has it now.
    pub default: Source<Head>,
    /// What runs in production, with its place in the history.
    pub running: Source<Vec<Placed>>,
    /// Where the hotfix starts.
    pub base: Source<Base>,
    /// The commits of base..tip, newest first.
    pub range: Source<Vec<Change>>,
    /// What base..tip changes as a whole, file by file.
    pub files: Source<Vec<FileChange>>,
    /// The lines that base..tip adds to change logs, file by file.
    pub notes: Source<Vec<String>>,
    /// Whether the whole of base..tip can be reverted at its tip without a conflict.
    pub revertible: Source<bool>,
    /// Directories of the tip that look like services of their own.
    pub services: Source<Vec<String>>,
    /// The commits that no release below the tip has, newest first, each with how the default
    /// branch has it.
    pub ports: Source<Vec<Port>>,
    /// Other branches of the remote of which the same tag would be made (T3).
    pub same_tag: Source<Vec<SameTag>>,
    /// Of a promotion: the patches of hotfixes that run on its target now, and how the tip has them.
    pub kept: Source<Vec<Kept>>,
}

/// A branch and its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The branch's name.
    pub name: String,
    /// Its commit.
    pub commit: CommitId,
}

/// Where a hotfix starts (A06).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The commit; more than one only where histories cross.
    pub commits: Vec<CommitId>,
    /// The release tags that point to it, newest by name first.
    pub tags: Vec<String>,
    /// How it was found.
    pub found: Found,
}

impl Base {
    /// The start in prose: its tag and commit.
    pub fn describe(&self) -> String {
        let commit = self.commits.first().map_or("", CommitId::short);
        match self.tags.as_slice() {
            [] => commit.to_owned(),
            [tag] => format!("`{}` ({commit})", super::shorten(tag)),
            [tag, more @ ..] => format!(
                "`{}` ({commit}, which has {} more release tag{})",
                super::shorten(tag),
                more.len(),
                if more.len() == 1 { "" } else { "s" }
            ),
        }
    }
}

/// How the start of a hotfix was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is what runs in production.
    Running,
    /// It is the nearest release below the tip; what runs in production is another one, or unknown.
    Release,
    /// No release lies below the tip; it is where the branch leaves the default branch.
    Fork,
}

/// A version that runs in production, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The target it runs on, as `policy.running` names it; empty for every target.
    pub target: String,
    /// Who says so.
    pub origin: String,
    /// What runs, as written there.
    pub text: String,
    /// Whether it runs now; else the target wants it, and no container of it runs (yet).
    pub runs: bool,
    /// What it is.
    pub what: What,
    /// Its commit.
    pub commit: Source<CommitId>,
    /// Whether the judged commit descends from it, or is it.
    pub below: Source<bool>,
}

/// What a running version is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A release, by this git tag.
    Release(String),
    /// A hotfix, of this branch if it still exists.
    Hotfix(Option<String>),
    /// The train of this branch, without a hotfix.
    Train(String),
    /// Neither.
    Other,
}

/// One commit of a hotfix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its id.
    pub id: CommitId,
    /// The first line of its message.
    pub subject: String,
    /// Its message, whole.
    pub message: String,
    /// The trailers of its message.
    pub trailers: Vec<(String, String)>,
    /// Whether it has more than one parent.
    pub merge: bool,
    /// When it was made, in seconds since 1970.
    pub committed: i64,
    /// Whether it was taken from the default branch.
    pub from_default: bool,
    /// Who wrote it, as it says.
    pub author: Person,
    /// Who committed it, as it says.
    pub committer: Person,
}

/// A commit, and how another branch has what it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its id.
    pub id: CommitId,
    /// The first line of its message.
    pub subject: String,
    /// Its message, whole.
    pub message: String,
    /// How the other branch has it.
    pub how: How,
}

/// How a branch has the change of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// The commit itself is there.
    Ancestor,
    /// A commit of the same patch id is there: this one.
    Patch(CommitId),
    /// All the hotfix changes is there as one commit, this one (a squash merge).
    Squash(CommitId),
    /// Applying it there would change nothing.
    Content,
    /// It changes nothing itself, or a later commit beside it takes it back, or it is a merge.
    Nothing,
    /// It was there, and this commit took it back.
    Reverted(CommitId),
    /// It is not there.
    Missing,
}

impl How {
    /// Whether the branch has it.
    pub const fn is_there(&self) -> bool {
        !matches!(self, Self::Reverted(_) | Self::Missing)
    }
}

/// Another branch that makes a tag of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameTag {
    /// The branch.
    pub branch: String,
    /// The tag.
    pub tag: String,
}

/// A version that runs on the target of a promotion, and what becomes of its hotfix there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What runs, as written.
    pub text: String,
    /// On which target.
    pub target: String,
    /// Its patches that no release below it has, and how the promoted commit has them.
    pub ports: Vec<Port>,
}
