//! What Drone has promoted, asked over its API (drone.md §2.3, §3, §9): the last successful
//! promotion or rollback to a target, and the build that it goes back to.
//!
//! The server lists builds newest first and cannot filter by target; its list of deployments has
//! only the latest one of each target, whatever became of it. So the list of builds is read page by
//! page, once for all targets.

pub(super) mod build;

use std::sync::Arc;

use tokio::sync::Mutex;

use super::api::{Endpoint, Refusal};
use super::running::{Answer, Asking, Deployed, NotAsked, Unanswered};
use crate::ci::Platform;
use crate::day::utc_of_seconds;
use crate::hotfix::CommitId;
use crate::policy::running::address;
use build::{Build, Versions};

/// The most bytes of one answer; a page of builds with long messages has a few hundred thousand.
const LIMIT: usize = 8 * 1024 * 1024;
/// How many builds are asked for at once: the most that Drone gives.
const PAGE: &str = "100";
/// How many pages are read at the most.
pub(super) const PAGES: usize = 30;
/// How many promotions of promotions are followed.
const HOPS: usize = 30;
/// How many later promotions are named one by one.
const SHOWN: usize = 5;

/// The Drone server of a run. Targets that ask it share what it has answered.
pub struct Drone<'a> {
    asking: Asking<'a>,
    pages: Mutex<Vec<Result<Arc<Vec<Build>>, Refusal>>>,
}

impl<'a> Drone<'a> {
    /// The server that a run asks, if it does.
    pub fn new(asking: Asking<'a>) -> Self {
        Self {
            asking,
            pages: Mutex::default(),
        }
    }

    /// What the last successful promotion or rollback to a target has deployed. The target is
    /// compared exactly, as the server and its pipelines do.
    pub(super) async fn last_successful(&self, target: &str) -> Answer {
        let shown = super::shorten(target);
        let asked = format!(
            "the last successful promotion of `{}` to `{shown}`",
            self.asking.build.repo
        );
        let endpoint = match self.endpoint() {
            Ok(endpoint) => endpoint,
            Err(why) => {
                return Answer {
                    origin: asked,
                    found: Err(why),
                    notes: Vec::new(),
                };
            }
        };
        let server = Server {
            drone: self,
            endpoint,
        };
        let question = Question { server, target };
        match question.answer().await {
            Ok(answer) => answer,
            Err(why) => Answer::failed(asked, why),
        }
    }

    /// The server, if it can be asked.
    pub(super) fn server(&self) -> Result<Server<'_>, NotAsked> {
        let endpoint = self.endpoint()?;
        Ok(Server {
            drone: self,
            endpoint,
        })
    }

    fn endpoint(&self) -> Result<Endpoint, NotAsked> {
        let asking = &self.asking;
        let unanswered = |because: &str, advice: &str| {
            NotAsked::Unanswered(Unanswered::new(because, false, advice))
        };
        if asking.build.platform != Platform::Drone {
            return Err(unanswered(
                "this build is Woodpecker's, which has no API of Drone's and keeps no such record",
                "write the version into `policy.running`, or name the workload with `kube`, \
                 `namespace` and `deployment`",
            ));
        }
        asking.resolver_is_ours()?;
        let (base, setting) = match &asking.policy.drone {
            Some(url) => (url.clone(), "policy.drone"),
            None => {
                let advice = "set `policy.drone` to the address of the Drone server";
                let part = |name| asking.environment.decided(name).ok().flatten();
                let proto = part("DRONE_SYSTEM_PROTO").unwrap_or("https");
                let host = part("DRONE_SYSTEM_HOST");
                let host = host.ok_or_else(|| {
                    unanswered(
                        "`DRONE_SYSTEM_HOST` does not say which server it is",
                        advice,
                    )
                })?;
                let url = address(&format!("{proto}://{host}"));
                let url = url.map_err(|why| {
                    let because = format!(
                        "`DRONE_SYSTEM_PROTO` and `DRONE_SYSTEM_HOST` are no address: {why}"
                    );
                    unanswered(&because, advice)
                })?;
                (url, "DRONE_SYSTEM_HOST")
            }
        };
        let token = asking.secret("drone_token", &asking.settings.drone_token)?;
        Ok(Endpoint {
            client: asking.client.clone(),
            base,
            token: token.cloned(),
            what: "the Drone server",
            setting: setting.to_owned(),
            limit: LIMIT,
        })
    }
}

/// The server, ready to be asked.
pub(super) struct Server<'a> {
    drone: &'a Drone<'a>,
    endpoint: Endpoint,
}

struct Question<'a> {
    server: Server<'a>,
    target: &'a str,
}

impl Question<'_> {
    async fn answer(&self) -> Result<Answer, Unanswered> {
        let (promotion, later) = self.promotion().await?;
        let mut notes = Vec::new();
        let shown = later.iter().take(SHOWN).map(Build::may_have_changed);
        notes.extend(shown);
        match later.len().saturating_sub(SHOWN) {
            0 => {}
            1 => notes.push("1 more promotion to it came after the last successful one".to_owned()),
            more => notes.push(format!(
                "{more} more promotions to it came after the last successful one"
            )),
        }
        let target = super::shorten(self.target);
        let origin = self.server.origin(&promotion).await?;
        let (number, commit) = match &origin {
            Some(origin) => (Some(origin.number), &origin.after),
            None => {
                notes.push(format!(
                    "the build that build {} has promoted is not there any more",
                    promotion.number
                ));
                (None, &promotion.after)
            }
        };
        let verb = match promotion.event.as_str() {
            "rollback" => "rolled back on",
            _ => "promoted to",
        };
        let what = match number {
            Some(number) if number == promotion.number => {
                format!("build {number}, deployed to `{target}`")
            }
            Some(number) => format!(
                "build {number}, {verb} `{target}` by build {}",
                promotion.number
            ),
            None => format!("a build, {verb} `{target}` by build {}", promotion.number),
        };
        let names = &self.server.drone.asking.policy.version_params;
        let since = promotion.finished.and_then(utc_of_seconds);
        let deployed = match Versions::of(&promotion, names) {
            Versions::One(deployed) => deployed,
            Versions::None => {
                if *commit != promotion.after {
                    return Err(self.server.garbled(format!(
                        "build {} and the build that it promotes are of different commits",
                        promotion.number
                    )));
                }
                let commit = CommitId::parse(commit).ok_or_else(|| {
                    self.server
                        .garbled(format!("build {} names no commit", promotion.number))
                })?;
                notes.push(
                    "it was promoted without a version parameter, so its own commit is taken for what \
                     was deployed"
                        .to_owned(),
                );
                Deployed {
                    text: commit.as_str().to_owned(),
                    name: None,
                    tag: None,
                    digest: None,
                    since: None,
                    commit: Some(commit),
                    build: None,
                    branch: promotion.pushed_branch().map(str::to_owned),
                    runs: true,
                }
            }
            Versions::Unclear(why) => {
                return Err(Unanswered::new(
                    format!("build {} deployed it, but {why}", promotion.number),
                    false,
                    "list in `policy.version_params` only the parameters that say what is deployed, or \
                     write the version into `policy.running`",
                ));
            }
        };
        Ok(Answer {
            origin: what,
            found: Ok(vec![Deployed {
                since,
                build: number,
                ..deployed
            }]),
            notes,
        })
    }

    /// The last successful promotion to the target, and what came after it and may have changed
    /// what runs, the newest first.
    async fn promotion(&self) -> Result<(Build, Vec<Build>), Unanswered> {
        let own = &self.server.drone.asking.build;
        let mut later: Vec<Build> = Vec::new();
        let mut oldest: Option<u64> = None;
        let mut seen = 0_usize;
        for number in 1..=PAGES {
            let page = self.server.page(number).await;
            let page = page.map_err(|refusal| self.server.refused(&refusal))?;
            if page.is_empty() {
                return Err(self.never(seen, true));
            }
            // A build that starts meanwhile pushes the older ones on to the next page.
            let fresh = page
                .iter()
                .filter(|build| oldest.is_none_or(|oldest| build.number < oldest));
            let before = seen;
            for build in fresh {
                seen += 1;
                if !build.is_promotion() || build.deploy_to.as_deref() != Some(self.target) {
                    continue;
                }
                if build.status == "success" {
                    return Ok((build.clone(), later));
                }
                let this_one = own.event.is_promotion() && build.number == own.number;
                if !this_one && build.has_begun() {
                    later.push(build.clone());
                }
            }
            if seen == before {
                return Err(self.server.garbled("its list of builds repeats itself"));
            }
            oldest = page.last().map(|build| build.number);
        }
        Err(self.never(seen, false))
    }

    fn never(&self, seen: usize, all: bool) -> Unanswered {
        let among = if all {
            format!("all {seen} builds that the server keeps")
        } else {
            format!("the last {seen} builds; older ones are not looked through")
        };
        Unanswered::new(
            format!("there is none among {among}"),
            false,
            format!(
                "check that `{}` is spelled as in promotions, or write the version into \
                 `policy.running`",
                super::shorten(self.target)
            ),
        )
    }
}

impl Server<'_> {
    /// The build that a promotion goes back to: promotions of promotions, restarts and rollbacks name
    /// another one as parent. `None` if a build on the way is not there any more. A deployment that
    /// GitHub started has no parent and is the build itself.
    pub(super) async fn origin(&self, promotion: &Build) -> Result<Option<Build>, Unanswered> {
        let mut at = promotion.clone();
        for _ in 0..HOPS {
            let Some(parent) = at.parent.filter(|parent| at.is_promotion() && *parent != 0) else {
                return Ok(Some(at));
            };
            if parent >= at.number {
                return Err(self.garbled(format!(
                    "build {} says that it promotes the later build {parent}",
                    at.number
                )));
            }
            match self.find(parent).await {
                Ok(build) if build.number == parent => at = build,
                Ok(_) => return Err(self.garbled("it answered with another build")),
                Err(refusal) if refusal.status() == Some(404) => return Ok(None),
                Err(refusal) => return Err(self.refused(&refusal)),
            }
        }
        Err(self.garbled(format!(
            "build {} is a promotion of a promotion, more than {HOPS} times",
            promotion.number
        )))
    }

    /// One build.
    pub(super) async fn find(&self, number: u64) -> Result<Build, Refusal> {
        {
            let pages = self.drone.pages.lock().await;
            let builds = pages.iter().flatten().flat_map(|page| page.iter());
            if let Some(build) = builds.into_iter().find(|build| build.number == number) {
                return Ok(build.clone());
            }
        }
        let number = number.to_string();
        self.endpoint.get(&self.path(&[&number]), &[]).await
    }

    /// One page of the list of builds, the newest first; the first page is 1.
    pub(super) async fn page(&self, number: usize) -> Result<Arc<Vec<Build>>, Refusal> {
        // The lock is held while the server is asked: whoever waits for it wants the same page.
        let mut pages = self.drone.pages.lock().await;
        if let Some(known) = pages.get(number - 1) {
            return known.clone();
        }
        let text = number.to_string();
        let query = [("page", text.as_str()), ("per_page", PAGE)];
        let answer = self.endpoint.get(&self.path(&[]), &query).await;
        let answer = answer.and_then(|builds: Vec<Build>| {
            if builds.is_sorted_by(|newer, older| newer.number > older.number) {
                Ok(Arc::new(builds))
            } else {
                let why = "its list of builds is not in order, so the last of them is not known";
                Err(Refusal::Garbled(why.to_owned()))
            }
        });
        pages.push(answer.clone());
        answer
    }

    fn path<'p>(&'p self, rest: &[&'p str]) -> Vec<&'p str> {
        let repo = self.drone.asking.build.repo.split('/');
        let path = ["api", "repos"].into_iter().chain(repo).chain(["builds"]);
        path.chain(rest.iter().copied()).collect()
    }

    /// Why the server has not answered.
    pub(super) fn refused(&self, refusal: &Refusal) -> Unanswered {
        let repo = &self.drone.asking.build.repo;
        self.endpoint.explain(refusal, |status, _| match status {
            401 | 403 | 404 if self.endpoint.token.is_none() => {
                "set `drone_token` (from_secret) beside `policy`: without it only public \
                 repositories can be read"
                    .to_owned()
            }
            401 => "check `drone_token`: the server does not take it".to_owned(),
            403 | 404 => format!(
                "check that the account of `drone_token` may read `{repo}` in Drone; the server does \
                 not show it a repository that it may not read"
            ),
            _ => "ask who runs the Drone server".to_owned(),
        })
    }

    /// An answer that makes no sense.
    pub(super) fn garbled(&self, why: impl Into<String>) -> Unanswered {
        Unanswered::new(why, false, self.endpoint.check_address())
    }
}
