//! What the forge says: the pull requests that a hotfix came through, who reviewed them, those that
//! bring it to the default branch. Plain data; [`ask`] fetches it. GitHub
//! (also Enterprise) and Gitea (also Forgejo) answer in nearly the same words.
//!
//! Accounts are compared by their number: a login can be given up and taken by somebody else.

mod address;
mod answers;
pub mod ask;
pub mod brought;
pub mod reviews;
pub mod ways;

pub use address::{Address, address};

use super::Source;
use brought::Brought;
use reqwest::Url;

use super::history::{History, Port};
use crate::ci::Build;
use crate::declaration::reference::host;
use crate::hotfix::CommitId;
use crate::policy::Policy;
use crate::policy::forge::Kind;

/// What the forge says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forge {
    /// What it is.
    pub kind: Kind,
    /// The hotfix branch that was asked about.
    pub branch: String,
    /// The pull requests into that branch that were merged, the newest first; of a pull request that is
    /// judged, only itself.
    pub pulls: Source<Vec<Pull>>,
    /// The open pull requests into the default branch, as far as some rule wants them.
    pub forward: Source<Vec<Open>>,
    /// What git says of those pull requests, by number.
    pub brought: Vec<(u64, Source<Brought>)>,
    /// Where commits of the hotfix went that came by no pull request into its branch, as far as the forge
    /// was asked: the commit, the number of a merged pull request, and the branch that it went into.
    pub elsewhere: Vec<(CommitId, u64, String)>,
    /// Who is in which team, as far as some rule wants to know it.
    pub teams: Vec<Membership>,
    /// The issues that the hotfix names, by number, as far as some rule wants them; `None` if there is none
    /// of that number.
    pub issues: Vec<(u64, Source<Option<Issue>>)>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The number that stays when somebody is renamed.
    pub id: u64,
    /// The name.
    pub login: String,
    /// Whether it is a program's: the forge says so, or `policy.forge.bots`.
    pub bot: bool,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// Its page.
    pub url: String,
    /// Who opened it; nobody if the account is gone.
    pub author: Option<Account>,
    /// The branch that it goes into.
    pub base: String,
    /// The branch that it comes from.
    pub branch: String,
    /// The repository that it comes from, `owner/name`; none if that is gone.
    pub from: Option<String>,
    /// The commit that it stands at, or stood at when it was merged.
    pub head: String,
    /// Whether it can still be merged.
    pub open: bool,
    /// Whether it is a draft.
    pub draft: bool,
    /// The commit that merged it: a merge, the squashed commit, or the last of the rebased ones.
    pub merged: Option<CommitId>,
    /// When it was merged (RFC 3339).
    pub merged_at: Option<String>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Its own commits, oldest first.
    pub commits: Vec<Commit>,
    /// What people said, oldest first.
    pub reviews: Vec<Review>,
}

/// A commit of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// Its message.
    pub message: String,
    /// The account of its author; nobody if the forge knows none with that address.
    pub author: Option<Account>,
    /// The account of who committed it: another, where somebody has amended or rebased it.
    pub committer: Option<Account>,
    /// Whether it is a merge.
    pub merge: bool,
    /// Whether it is a merge of which git says that it is nothing more.
    pub pure: bool,
    /// The name of its author, as git has it.
    pub name: String,
    /// The address of its author, as git has it.
    pub address: String,
    /// The name and the address of who committed it, as git has them.
    pub committed_by: (String, String),
}

/// What somebody said about a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Who; nobody if the account is gone.
    pub by: Option<Account>,
    /// What.
    pub state: State,
    /// About which commit; empty if the forge does not say.
    pub commit: String,
    /// When (RFC 3339).
    pub at: String,
    /// Whether the forge lets it decide: by somebody who belongs to the repository.
    pub counts: bool,
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may be merged.
    Approved,
    /// It must be changed first.
    ChangesRequested,
    /// Somebody took an approval or a request for changes back.
    Dismissed,
    /// Nothing that decides.
    Commented,
}

/// An open pull request into the default branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The pull request.
    pub pull: Pull,
    /// How its head has each commit of the hotfix that the default branch does not have, by git; why
    /// not, if its objects could not be had.
    pub has: Source<Vec<Port>>,
}

impl Open {
    /// Whether it has a commit of the hotfix, or a copy of it. Where git could not be asked, only the
    /// commit itself counts.
    pub fn brings(&self, id: &CommitId, history: &History) -> bool {
        match &self.has {
            Source::Known(ports) => {
                let port = ports.iter().find(|port| port.id == *id);
                port.is_some_and(|port| port.how.is_there())
            }
            _ => {
                let mut commits = self.pull.commits.iter();
                self.pull.head == history.tip.as_str() || commits.any(|one| one.id == id.as_str())
            }
        }
    }
}

/// An issue of the forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Whether it is a pull request, which the forges count among the issues.
    pub is_pull: bool,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// Whether it is open.
    pub open: bool,
    /// Its labels.
    pub labels: Vec<String>,
    /// Its page.
    pub url: String,
}

/// Whether somebody is in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The team, `organisation/team`.
    pub team: String,
    /// Who.
    pub who: Account,
    /// The answer.
    pub is: Source<bool>,
}

impl Account {
    /// Whether two accounts are one, whatever it is called now.
    pub const fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// The most issues that one hotfix is asked about.
pub const MOST_ISSUES: usize = 5;

/// The host of the pages of the repository, by the policy or the CI server.
pub fn page_host(policy: &Policy, build: &Build) -> Option<String> {
    let named = policy.forge.as_ref().and_then(|forge| forge.url.clone());
    let url = match named {
        Some(url) => url,
        None => Url::parse(build.page.as_deref()?).ok()?,
    };
    host(&url)
}
