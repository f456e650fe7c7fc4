//! What happened before a promotion, by the Drone server (drone.md §2.3, §3, §9).

use std::collections::BTreeMap;

/// What the Drone server knows of a promotion and of what came before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// This build.
    pub own: Built,
    /// The build that the promotion goes back to through promotions of promotions, restarts and
    /// rollbacks; `None` if a build on the way is not there any more. A deployment that GitHub has
    /// started has no parent and is the build itself.
    pub origin: Option<Built>,
    /// Every earlier promotion and rollback of the repository that was read, newest first.
    pub promotions: Vec<Built>,
    /// Every earlier build of a push, and every one started by hand, that was read, newest first.
    pub builds: Vec<Built>,
    /// Whether the list of builds was read to its end.
    pub whole: bool,
}

/// A build, as the server keeps it. Everything in it was written by others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its number.
    pub number: u64,
    /// The build that it promotes or restarts.
    pub parent: Option<u64>,
    /// The event: `push`, `promote`, …
    pub event: String,
    /// `success`, `failure`, `running`, …
    pub status: String,
    /// The branch; of a pull request its base.
    pub branch: Option<String>,
    /// The git reference.
    pub git_ref: Option<String>,
    /// The commit.
    pub commit: String,
    /// Login of the commit's author.
    pub author: Option<String>,
    /// Who has started it: a login, `@hook` or `@cron`.
    pub trigger: Option<String>,
    /// The target of a promotion.
    pub deploy_to: Option<String>,
    /// The parameters.
    pub params: BTreeMap<String, String>,
    /// When it ended, in seconds since 1970.
    pub finished: Option<i64>,
}
