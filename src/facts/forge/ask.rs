//! Asks the forge: the merged pull requests of a branch, then, of those that brought something, commits
//! and reviews; the open ones into the default branch; issues, teams, the repository itself.
//!
//! What may be longer than it is read is never taken for whole: it is unknown.

mod lists;
mod rights;
mod teams;

use futures_util::future::join;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::super::api::{Endpoint, Refusal};
use super::super::running::{Asking, NotAsked, Unanswered};
use super::answers::{AnIssue, Bots, PullCommit, PullRequest, PullReview, Repository};
use super::{Commit, Issue, Pull, address};
use crate::facts::{Absent, shorten};
use crate::hotfix::CommitId;
use crate::policy::forge::Kind;

/// The most bytes of one answer: a hundred pull requests with long texts.
const LIMIT: usize = 8 * 1024 * 1024;
/// The most commits of a pull request that GitHub lists («List commits on a pull request»).
const GITHUB_COMMITS: usize = 250;
/// The most pull requests of one hotfix whose reviews are read.
const MOST_PULLS: usize = 50;
/// The most commits whose pull requests are asked for one by one.
const MOST_COMMITS: usize = 100;
/// The most open pull requests into the default branch whose commits are read.
pub const MOST_OPEN: usize = 30;
/// Pull requests that are asked about at once. GitHub asks clients to go slow («secondary rate limits»).
const AT_ONCE: usize = 4;

/// A forge, ready to be asked.
pub struct Server {
    /// What it is.
    pub kind: Kind,
    endpoint: Endpoint,
    repo: String,
    bots: Vec<String>,
}

/// The forge of a run.
///
/// # Errors
/// Why it is not asked.
pub fn server(asking: Asking<'_>) -> Result<Server, Absent> {
    let token = asking.secret("forge_token", &asking.settings.forge_token);
    let token = token.map_err(absent)?.cloned();
    let named = asking.policy.forge.as_ref();
    if token.is_none() && named.is_none_or(|forge| forge.url.is_none()) {
        return Err(Absent::NotConfigured(
            "neither `forge_token` nor `policy.forge` is set, so no forge was asked".to_owned(),
        ));
    }
    let address = address(asking.policy, asking.build).map_err(Absent::NotConfigured)?;
    asking.resolver_is_ours().map_err(absent)?;
    Ok(Server {
        kind: address.kind,
        endpoint: Endpoint {
            client: asking.client.clone(),
            base: address.api,
            token,
            what: address.kind.name(),
            setting: address.setting.to_owned(),
            limit: LIMIT,
        },
        repo: asking.build.repo.clone(),
        bots: named.map(|forge| forge.bots.clone()).unwrap_or_default(),
    })
}

fn absent(why: NotAsked) -> Absent {
    match why {
        NotAsked::Withheld(because) => Absent::NotConfigured(because),
        NotAsked::Unanswered(why) => why.into(),
    }
}

impl From<Unanswered> for Absent {
    fn from(why: Unanswered) -> Self {
        Self::Unknown {
            because: why.because,
            retry: why.retry,
            advice: why.advice,
        }
    }
}

impl Server {
    /// The pull request with this number, with its commits and reviews.
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn one(&self, number: u64) -> Result<Pull, Absent> {
        let text = number.to_string();
        let answer = self.endpoint.get(&self.path(&["pulls", &text]), &[]).await;
        let request: PullRequest = answer.map_err(|refusal| self.refused(&refusal))?;
        if request.number != number {
            return Err(self.garbled("it answered with another pull request"));
        }
        let pull = request.pull(Bots(&self.bots));
        let pull = pull.map_err(|why| self.garbled(&why))?;
        self.whole(pull).await
    }

    /// Every pull request that was merged into a branch, without its commits and reviews, the newest
    /// first. `None` if the forge cannot list those of one branch (Forgejo, and Gitea up to 1.23) and has
    /// too many to read them all: then [`Self::merged_as`] knows them.
    ///
    /// # Errors
    /// Why they are not known.
    pub async fn merged_into(&self, branch: &str) -> Result<Option<Vec<Pull>>, Absent> {
        let Some(found) = self.listed("closed", branch).await? else {
            return match self.kind {
                Kind::Gitea => Ok(None),
                Kind::GitHub => Err(self.too_long(&self.path(&["pulls"]))),
            };
        };
        let merged = found.into_iter().filter(|one| one.merged_at.is_some());
        self.read(merged).map(Some)
    }

    /// The pull requests into a branch whose merges these commits are, asked one by one, without their
    /// commits and reviews.
    ///
    /// # Errors
    /// Why they are not known; if there are too many commits.
    pub async fn merged_as(&self, commits: &[CommitId], branch: &str) -> Result<Vec<Pull>, Absent> {
        if commits.len() > MOST_COMMITS {
            return Err(Absent::Unknown {
                because: format!(
                    "the hotfix has {} commits, and {} is asked about no more than {MOST_COMMITS} one \
                     by one",
                    commits.len(),
                    self.kind.name()
                ),
                retry: false,
                advice: "make a new hotfix branch of the release that runs".to_owned(),
            });
        }
        let each = commits.iter().map(|commit| self.by_commit(commit));
        let found: Vec<Vec<PullRequest>> =
            stream::iter(each).buffered(AT_ONCE).try_collect().await?;
        let mut seen = Vec::new();
        let found = found.into_iter().flatten().filter(|one| {
            let new =
                one.merged_at.is_some() && one.base.name == branch && !seen.contains(&one.number);
            seen.push(one.number);
            new
        });
        self.read(found)
    }

    /// The open pull requests into a branch, without their commits; not those of the branch itself.
    ///
    /// # Errors
    /// Why they are not known.
    pub async fn open_into(&self, branch: &str) -> Result<Vec<Pull>, Absent> {
        let found = self.listed("open", branch).await?;
        let found = found.ok_or_else(|| self.too_long(&self.path(&["pulls"])))?;
        self.read(found.into_iter())
    }

    /// Adds commits and reviews.
    ///
    /// # Errors
    /// If they are not known of one, or there are too many.
    pub async fn in_full(&self, pulls: Vec<Pull>) -> Result<Vec<Pull>, Absent> {
        if pulls.len() > MOST_PULLS {
            return Err(Absent::Unknown {
                because: format!(
                    "more than {MOST_PULLS} pull requests have brought the commits of this hotfix"
                ),
                retry: false,
                advice: "make a new hotfix branch of the release that runs".to_owned(),
            });
        }
        let each = pulls.into_iter().map(|pull| self.whole(pull));
        stream::iter(each).buffered(AT_ONCE).try_collect().await
    }

    /// Adds commits.
    ///
    /// # Errors
    /// If they are not known of one.
    pub async fn with_commits(&self, pulls: Vec<Pull>) -> Result<Vec<Pull>, Absent> {
        let each = pulls.into_iter().map(|pull| self.commits(pull));
        stream::iter(each).buffered(AT_ONCE).try_collect().await
    }

    /// A merged pull request by which a commit came: its number, and the branch that it went into.
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn came_by(&self, commit: &CommitId) -> Result<Option<(u64, String)>, Absent> {
        let found = self.by_commit(commit).await?;
        let merged = found.into_iter().find(|one| one.merged_at.is_some());
        Ok(merged.map(|one| (one.number, one.base.name)))
    }

    async fn by_commit(&self, commit: &CommitId) -> Result<Vec<PullRequest>, Absent> {
        match self.kind {
            Kind::GitHub => {
                let path = ["commits", commit.as_str(), "pulls"];
                self.list(&path, &[]).await
            }
            Kind::Gitea => {
                let path = ["commits", commit.as_str(), "pull"];
                let answer = self.endpoint.get(&self.path(&path), &[]).await;
                match answer {
                    Ok(one) => Ok(vec![one]),
                    // Gitea knows only what merged a pull request, and answers 404 to all else.
                    Err(refusal) if refusal.status() == Some(404) => Ok(Vec::new()),
                    Err(refusal) => Err(self.refused(&refusal)),
                }
            }
        }
    }

    /// The issue with this number; `None` if the repository has none.
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn issue(&self, number: u64) -> Result<Option<Issue>, Absent> {
        let text = number.to_string();
        let answer = self.endpoint.get(&self.path(&["issues", &text]), &[]).await;
        let issue: AnIssue = match answer {
            Ok(issue) => issue,
            // 410 is GitHub's word for one that was deleted. A forge says 404 also to who may not see it:
            // then the repository itself is not seen either.
            Err(refusal) if matches!(refusal.status(), Some(404 | 410)) => {
                self.private().await?;
                return Ok(None);
            }
            Err(refusal) => return Err(self.refused(&refusal)),
        };
        if issue.number != number {
            return Err(self.garbled("it answered with another issue"));
        }
        Ok(Some(issue.into()))
    }

    /// Whether only its members can see the repository.
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn private(&self) -> Result<bool, Absent> {
        let answer = self.endpoint.get(&self.path(&[]), &[]).await;
        let repository: Repository = answer.map_err(|refusal| self.refused(&refusal))?;
        Ok(repository.private)
    }

    fn read(&self, found: impl Iterator<Item = PullRequest>) -> Result<Vec<Pull>, Absent> {
        let pulls = found.map(|one| one.pull(Bots(&self.bots)));
        let pulls = pulls.collect::<Result<Vec<_>, _>>();
        pulls.map_err(|why| self.garbled(&why))
    }

    /// The pull requests into a branch, the newest first; `None` if there are too many. A forge that does
    /// not know the filter gives all, so the branch is compared here too.
    async fn listed(&self, state: &str, branch: &str) -> Result<Option<Vec<PullRequest>>, Absent> {
        let filter = match self.kind {
            Kind::GitHub => "base",
            Kind::Gitea => "base_branch",
        };
        let query = [("state", state), (filter, branch)];
        let found = self.pages(&self.path(&["pulls"]), &query).await?;
        let Some(mut found): Option<Vec<PullRequest>> = found else {
            return Ok(None);
        };
        // Pages that shift while they are read show an entry twice.
        let mut seen = Vec::new();
        found.retain(|one| {
            let new = one.base.name == branch && !seen.contains(&one.number);
            seen.push(one.number);
            new
        });
        Ok(Some(found))
    }

    async fn whole(&self, pull: Pull) -> Result<Pull, Absent> {
        let number = pull.number.to_string();
        let path = ["pulls", number.as_str(), "reviews"];
        let reviews = self.list::<PullReview>(&path, &[]);
        let (pull, reviews) = join(self.commits(pull), reviews).await;
        let bots = Bots(&self.bots);
        // Both forges list the oldest first. Their times are texts in any zone, so they do not order.
        let kind = self.kind;
        let reviews = reviews?.into_iter().map(|one| one.review(kind, bots));
        let reviews = self.weighed(reviews.collect()).await?;
        Ok(Pull { reviews, ..pull? })
    }

    async fn commits(&self, pull: Pull) -> Result<Pull, Absent> {
        let number = pull.number.to_string();
        let path = ["pulls", number.as_str(), "commits"];
        let commits: Vec<PullCommit> = self.list(&path, &[]).await?;
        if self.kind == Kind::GitHub && commits.len() >= GITHUB_COMMITS {
            return Err(Absent::Unknown {
                because: format!(
                    "GitHub lists no more than {GITHUB_COMMITS} commits of pull request {number}"
                ),
                retry: false,
                advice: "bring the change in smaller pull requests".to_owned(),
            });
        }
        let bots = Bots(&self.bots);
        let mut commits: Vec<Commit> = commits.into_iter().map(|one| one.commit(bots)).collect();
        let mut head = pull.head.clone();
        if self.kind == Kind::Gitea {
            // The newest first. Its `head` follows the branch also after the merge; the list does not.
            if let (Some(first), Some(_)) = (commits.first(), &pull.merged) {
                head.clone_from(&first.id);
            }
            commits.reverse();
        }
        Ok(Pull {
            commits,
            head,
            ..pull
        })
    }

    fn path<'p>(&'p self, rest: &[&'p str]) -> Vec<&'p str> {
        let repo = self.repo.split('/');
        let path = ["repos"].into_iter().chain(repo);
        path.chain(rest.iter().copied()).collect()
    }

    /// Why the forge has not answered.
    fn refused(&self, refusal: &Refusal) -> Absent {
        let anonymous = self.endpoint.token.is_none();
        let repo = shorten(&self.repo);
        let explained = self.endpoint.explain(refusal, |status, _| match status {
            401 if !anonymous => {
                "check `forge_token`: the forge does not take it; it may have run out".to_owned()
            }
            401 | 403 | 404 if anonymous => {
                "set `forge_token` (from_secret) beside `policy`: without it only public \
                 repositories can be read"
                    .to_owned()
            }
            403 | 404 => format!(
                "give `forge_token` the right to read the pull requests, issues and members that the \
                 rules ask for in `{repo}`; a forge answers 404 to who may not see something"
            ),
            _ => "ask who runs the forge".to_owned(),
        });
        Unanswered::new(
            format!("{} did not say: {}", self.kind.name(), explained.because),
            explained.retry,
            explained.advice,
        )
        .into()
    }

    fn garbled(&self, why: &str) -> Absent {
        Unanswered::new(
            format!("{} did not say: {why}", self.kind.name()),
            false,
            self.endpoint.check_address(),
        )
        .into()
    }
}
