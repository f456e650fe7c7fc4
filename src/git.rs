//! git: references and the protocol that servers speak, and history: objects that are read, and
//! questions that are answered from them.
//!
//! No configuration, hook, filter, attribute or program takes part: libgit2 is given raw objects and
//! buffers, never a repository. So no file of the workspace and no variable of the environment
//! (`HOME`, `XDG_CONFIG_HOME`, `GIT_*`) can change an answer. What is asked of whom, and why, stands in
//! [`crate::facts`].

pub mod changes;
pub mod commits;
mod directories;
pub mod graph;
mod loose;
pub mod merge;
pub mod objects;
pub mod patch;
pub mod paths;
pub mod refs;
mod trailers;
mod trees;
pub mod wire;

use std::fmt;

use crate::hotfix::CommitId;

/// Why a question about history has no answer. Never a «no».
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// An object is not there: the clone is shallow or partial.
    Missing(CommitId),
    /// More would have to be read than we are ready to; what, in the user's words.
    Limit(String),
    /// An object cannot be read, or is not what it should be; which and why.
    Broken(String),
}

impl Gap {
    /// Whether fetching more of the history may give the answer.
    pub const fn is_shallow(&self) -> bool {
        matches!(self, Self::Missing(_))
    }

    /// What to do about it.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Missing(_) => {
                "clone with the full history of the branch (Drone: `clone: {depth: 0}`), or let the \
                 step fetch what is missing"
            }
            Self::Limit(_) => "look at the branch by hand: it is larger than what is judged here",
            Self::Broken(_) => {
                "clone again; if that does not help, run `git fsck` in the repository"
            }
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(id) => write!(
                f,
                "the clone does not hold the object {}: it is shallow or partial",
                id.short()
            ),
            Self::Limit(what) => f.write_str(what),
            Self::Broken(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Gap {}
