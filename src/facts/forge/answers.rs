//! The answers of the APIs, as far as they are read. Sources: GitHub's REST API (version 2022-11-28:
//! «pull-request-simple», «pull-request-review», «commit», «issue», «full-repository») and Gitea's
//! (`PullRequest`, `PullReview`, `Commit`, `Issue`, `Repository`). Where the two differ, both forms are
//! read.

use serde::Deserialize;

use super::{Account, Commit, Issue, Pull, Review, State};
use crate::hotfix::CommitId;
use crate::policy::forge::Kind;

/// The longest text that is kept; GitHub allows 65,536 characters.
const LONGEST: usize = 256 * 1024;

#[derive(Debug, Deserialize)]
pub(super) struct User {
    id: u64,
    #[serde(default)]
    login: String,
    /// GitHub's word for a program.
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// Somebody, or nobody that can be read: a deleted account is `null`, and Gitea has negative numbers for
/// «ghost» and its own programs.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Somebody {
    Known(User),
    Gone(serde::de::IgnoredAny),
}

/// Reads accounts: which logins are programs, the forge or the policy says.
#[derive(Clone, Copy)]
pub(super) struct Bots<'a>(pub(super) &'a [String]);

impl Bots<'_> {
    fn account(self, somebody: Option<Somebody>) -> Option<Account> {
        let Somebody::Known(user) = somebody? else {
            return None;
        };
        let mut listed = self.0.iter();
        let bot = user.kind.as_deref() == Some("Bot")
            || user.login.ends_with("[bot]")
            || listed.any(|bot| bot.eq_ignore_ascii_case(&user.login));
        (user.id != 0).then_some(Account {
            bot,
            id: user.id,
            login: user.login,
        })
    }
}

/// GitHub allows a bare name where an issue has its labels.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Label {
    Named { name: Option<String> },
    Bare(String),
}

fn labels(labels: Option<Vec<Label>>) -> Vec<String> {
    let names = labels.unwrap_or_default().into_iter();
    let names = names.filter_map(|label| match label {
        Label::Named { name } => name,
        Label::Bare(name) => Some(name),
    });
    names.collect()
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    full_name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Side {
    #[serde(rename = "ref")]
    pub(super) name: String,
    sha: String,
    repo: Option<Named>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PullRequest {
    pub(super) number: u64,
    state: String,
    #[serde(default)]
    draft: Option<bool>,
    title: String,
    body: Option<String>,
    html_url: String,
    user: Option<Somebody>,
    labels: Option<Vec<Label>>,
    head: Side,
    pub(super) base: Side,
    pub(super) merged_at: Option<String>,
    merge_commit_sha: Option<String>,
}

impl PullRequest {
    /// Without commits and reviews, which are asked for one by one.
    pub(super) fn pull(self, bots: Bots<'_>) -> Result<Pull, String> {
        // GitHub names a commit here before the merge, too: the one that it tries.
        let merged = match (&self.merged_at, self.merge_commit_sha) {
            (None, _) => None,
            // Of some old ones GitHub names none; such a pull request has brought nothing that could be
            // told.
            (Some(_), None) => None,
            (Some(_), Some(sha)) => Some(CommitId::parse(&sha).ok_or_else(|| {
                format!(
                    "it names no commit that merged pull request {}",
                    self.number
                )
            })?),
        };
        Ok(Pull {
            number: self.number,
            title: cut(self.title),
            text: cut(self.body.unwrap_or_default()),
            url: self.html_url,
            author: bots.account(self.user),
            base: self.base.name,
            branch: self.head.name,
            from: self.head.repo.map(|repo| repo.full_name),
            head: self.head.sha,
            open: self.state == "open",
            draft: self.draft.unwrap_or_default(),
            merged,
            merged_at: self.merged_at,
            labels: labels(self.labels),
            commits: Vec::new(),
            reviews: Vec::new(),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    message: String,
    #[serde(default)]
    author: Option<Person>,
    #[serde(default)]
    committer: Option<Person>,
}

impl Person {
    fn or_nobody(person: Option<Self>) -> (String, String) {
        let (name, email) = person.map_or((None, None), |one| (one.name, one.email));
        (name.unwrap_or_default(), email.unwrap_or_default())
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Person {
    name: Option<String>,
    email: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PullCommit {
    sha: String,
    commit: Message,
    author: Option<Somebody>,
    #[serde(default)]
    committer: Option<Somebody>,
    #[serde(default)]
    parents: Option<Vec<serde::de::IgnoredAny>>,
}

impl PullCommit {
    pub(super) fn commit(self, bots: Bots<'_>) -> Commit {
        let (name, address) = Person::or_nobody(self.commit.author);
        Commit {
            id: self.sha,
            message: cut(self.commit.message),
            author: bots.account(self.author),
            committer: bots.account(self.committer),
            merge: self.parents.is_some_and(|parents| parents.len() > 1),
            pure: false,
            name,
            address,
            committed_by: Person::or_nobody(self.commit.committer),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct PullReview {
    user: Option<Somebody>,
    state: String,
    commit_id: Option<String>,
    #[serde(default)]
    submitted_at: Option<String>,
    /// Gitea says here what GitHub says by the state.
    #[serde(default)]
    dismissed: bool,
    /// Gitea: whether it counts for the protection of the branch. Without a protection, reviews count of
    /// who may write.
    #[serde(default)]
    official: bool,
    /// GitHub: what its author has to do with the repository.
    #[serde(default)]
    author_association: Option<String>,
}

impl PullReview {
    pub(super) fn review(self, kind: Kind, bots: Bots<'_>) -> Review {
        let association = self.author_association.as_deref();
        let counts = match kind {
            // In a public repository anybody may review («Managing pull request reviews in your
            // repository»).
            Kind::GitHub => matches!(association, Some("OWNER" | "MEMBER" | "COLLABORATOR")),
            Kind::Gitea => self.official,
        };
        let state = match self.state.as_str() {
            _ if self.dismissed => State::Dismissed,
            "APPROVED" => State::Approved,
            "CHANGES_REQUESTED" | "REQUEST_CHANGES" => State::ChangesRequested,
            "DISMISSED" => State::Dismissed,
            // COMMENTED, COMMENT, PENDING, REQUEST_REVIEW.
            _ => State::Commented,
        };
        Review {
            by: bots.account(self.user),
            state,
            commit: self.commit_id.unwrap_or_default(),
            at: self.submitted_at.unwrap_or_default(),
            counts,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct AnIssue {
    pub(super) number: u64,
    title: String,
    body: Option<String>,
    state: String,
    labels: Option<Vec<Label>>,
    html_url: String,
    /// There, and not null, of a pull request.
    #[serde(default)]
    pull_request: Option<serde::de::IgnoredAny>,
}

impl From<AnIssue> for Issue {
    fn from(issue: AnIssue) -> Self {
        Self {
            number: issue.number,
            is_pull: issue.pull_request.is_some(),
            title: cut(issue.title),
            text: cut(issue.body.unwrap_or_default()),
            open: issue.state == "open",
            labels: labels(issue.labels),
            url: issue.html_url,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Repository {
    pub(super) private: bool,
}

/// A membership of GitHub: `pending` is an invitation that nobody has taken yet.
#[derive(Debug, Deserialize)]
pub(super) struct GitHubMembership {
    pub(super) state: String,
}

/// What somebody may do in a repository of GitHub: `maintain` is `write` here, and `triage` is `read`.
#[derive(Debug, Deserialize)]
pub(super) struct GitHubPermission {
    pub(super) permission: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Team {
    pub(super) id: u64,
    pub(super) name: String,
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
    }
    text
}
