//! What happened before a promotion, by the Drone server (drone.md §2.3, §3, §9): the parameters that
//! it was really started with, the build that it goes back to, and what was promoted before.
//!
//! Configured where `drone_token` is there, or `policy.drone` names the server.

use std::collections::BTreeMap;

use super::drone::build::Build as Answered;
use super::drone::{Drone, PAGES, Server};
use super::running::{Asking, NotAsked, Unanswered};
use super::{Absent, Source, shorten};
use crate::ci::Platform;
use crate::settings::SecretState;

/// The longest parameter that is kept; a longer one is cut, and no version or reason is that long.
const LONGEST_PARAMETER: usize = 4_096;

/// What the Drone server knows of a promotion and of what came before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// This build.
    pub own: Built,
    /// The build that the promotion goes back to through promotions of promotions, restarts and
    /// rollbacks; `None` if a build on the way is not there any more. A deployment that GitHub has
    /// started has no parent and is the build itself.
    pub origin: Source<Option<Built>>,
    /// What the list of builds says, where a rule wants it.
    pub past: Source<Past>,
}

/// Earlier builds of the repository, as far as the list was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Promotions and rollbacks, newest first.
    pub promotions: Vec<Built>,
    /// Builds of a push, and those started by hand, newest first.
    pub builds: Vec<Built>,
    /// Whether the list was read to its end.
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
    /// The repository that a pull request comes from, where that is a fork.
    pub source_repo: Option<String>,
    /// The target of a promotion.
    pub deploy_to: Option<String>,
    /// The parameters.
    pub params: BTreeMap<String, String>,
    /// When it ended, in seconds since 1970; `None` if it has not.
    pub finished: Option<i64>,
}

impl Built {
    /// A build of the list, of which there are thousands: no version or reason is as long as what is cut.
    fn listed(build: &Answered) -> Self {
        let mut built = Self::of(build);
        let params = std::mem::take(&mut built.params).into_iter();
        built.params = params
            .map(|(name, text)| (cut(&name), cut(&text)))
            .collect();
        built
    }

    fn of(build: &Answered) -> Self {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let params = build.params.iter().flatten();
        Self {
            number: build.number,
            parent: build.parent.filter(|parent| *parent != 0),
            event: build.event.clone(),
            status: build.status.clone(),
            branch: filled(&build.target),
            git_ref: filled(&build.git_ref),
            commit: build.after.clone(),
            author: filled(&build.author_login),
            trigger: filled(&build.trigger),
            source_repo: filled(&build.source_repo),
            deploy_to: filled(&build.deploy_to),
            params: params
                .map(|(name, text)| (name.clone(), text.clone()))
                .collect(),
            finished: build.finished.filter(|at| *at > 0),
        }
    }

    /// Whether it promotes or rolls back.
    pub fn is_promotion(&self) -> bool {
        matches!(self.event.as_str(), "promote" | "rollback")
    }

    /// Whether it ended well.
    pub fn is_success(&self) -> bool {
        self.status == "success"
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST_PARAMETER).collect()
}

/// Asks the Drone server. `past` says whether the list of earlier builds is wanted too; it is read back
/// to the build `until` where that is known.
pub async fn ask(
    asking: Asking<'_>,
    drone: &Drone<'_>,
    past: bool,
    until: Option<u64>,
) -> Source<Before> {
    let configured =
        asking.settings.drone_token != SecretState::Absent || asking.policy.drone.is_some();
    if !configured {
        return Source::NotConfigured(
            "neither `drone_token` nor `policy.drone` is set, so the Drone server was not asked"
                .to_owned(),
        );
    }
    if asking.build.platform == Platform::Woodpecker {
        return Source::NotConfigured(
            "Woodpecker has no API of Drone's, so what came before was not asked".to_owned(),
        );
    }
    let server = match drone.server() {
        Ok(server) => server,
        Err(NotAsked::Withheld(why)) => return Source::NotConfigured(why),
        Err(NotAsked::Unanswered(why)) => return unknown(why).into(),
    };
    let own = match own(asking, &server).await {
        Ok(own) => own,
        Err(why) => return unknown(why).into(),
    };
    let origin = match server.origin(&own).await {
        Ok(origin) => Source::Known(origin.as_ref().map(Built::of)),
        Err(why) => unknown(why).into(),
    };
    let past = match past {
        true => match read_past(asking.build.number, &server, until).await {
            Ok(past) => Source::Known(past),
            Err(why) => unknown(why).into(),
        },
        false => Source::NotConfigured("no rule wants to know what came before".to_owned()),
    };
    Source::Known(Before {
        own: Built::of(&own),
        origin,
        past,
    })
}

fn unknown(why: Unanswered) -> Absent {
    Absent::Unknown {
        because: format!("the Drone server was asked, but {}", why.because),
        retry: why.retry,
        advice: why.advice,
    }
}

/// This build, as the server has it. It must be the one that the environment describes: else the
/// address or the token is another server's, or its answers are.
async fn own(asking: Asking<'_>, server: &Server<'_>) -> Result<Answered, Unanswered> {
    let build = asking.build;
    let found = server.find(build.number).await;
    let found = found.map_err(|refusal| server.refused(&refusal))?;
    let event = build.event_name.as_str();
    let differs = if found.number != build.number {
        Some(("number", found.number.to_string(), build.number.to_string()))
    } else if found.event != event {
        Some(("event", found.event.clone(), event.to_owned()))
    } else if found.after != build.commit.as_str() {
        let commit = build.commit.as_str().to_owned();
        Some(("commit", found.after.clone(), commit))
    } else if found.deploy_to.as_deref().unwrap_or_default()
        != build.target.as_deref().unwrap_or_default()
    {
        let target = build.target.clone().unwrap_or_default();
        Some((
            "target",
            found.deploy_to.clone().unwrap_or_default(),
            target,
        ))
    } else if found.parent.filter(|parent| *parent != 0) != build.parent {
        let number = |parent: Option<u64>| parent.unwrap_or_default().to_string();
        let there = number(found.parent);
        Some(("parent", there, number(build.parent)))
    } else if found.git_ref.as_deref().unwrap_or_default()
        != build.git_ref.as_deref().unwrap_or_default()
    {
        let text = |git_ref: &Option<String>| git_ref.clone().unwrap_or_default();
        Some(("reference", text(&found.git_ref), text(&build.git_ref)))
    } else {
        None
    };
    match differs {
        None => Ok(found),
        Some((what, there, here)) => Err(server.garbled(format!(
            "it has another build {} than this one: its {what} is `{}`, here it is `{}`",
            build.number,
            shorten(&there),
            shorten(&here)
        ))),
    }
}

async fn read_past(own: u64, server: &Server<'_>, until: Option<u64>) -> Result<Past, Unanswered> {
    let mut past = Past {
        promotions: Vec::new(),
        builds: Vec::new(),
        whole: false,
    };
    let (mut oldest, mut before) = (own, u64::MAX);
    for number in 1..=PAGES {
        let page = server.page(number).await;
        let page = page.map_err(|refusal| server.refused(&refusal))?;
        let Some(last) = page.last() else {
            past.whole = true;
            break;
        };
        // A build that starts meanwhile pushes the older ones on to the next page.
        for build in page.iter().filter(|build| build.number < oldest) {
            if build.is_promotion() {
                past.promotions.push(Built::listed(build));
            } else if matches!(build.event.as_str(), "push" | "custom") {
                past.builds.push(Built::listed(build));
            }
        }
        if last.number >= before {
            return Err(server.garbled("its list of builds repeats itself"));
        }
        before = last.number;
        oldest = oldest.min(last.number);
        if oldest == 1 || until.is_some_and(|until| oldest < until) {
            past.whole = oldest == 1;
            break;
        }
    }
    Ok(past)
}
