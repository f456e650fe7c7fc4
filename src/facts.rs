//! The plain data that rules see. Everything is read once, here and in the files below, and never
//! again: a rule does no I/O, and two rules can never have seen two different worlds.

mod api;
pub mod attested;
pub mod before;
pub mod bytes;
pub mod cluster;
pub mod confidential;
pub mod drone;
pub mod exposure;
pub mod forge;
pub mod git;
pub mod history;
pub mod hotfix_commits;
pub mod identity;
pub mod image;
pub mod pipeline;
pub mod promoted;
mod promotion;
pub mod reason;
pub mod remote;
pub mod running;
pub mod source;
mod ticket;
pub mod train;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::ci::{Build, Event};
use crate::environment::{Environment, Reading};
use crate::hotfix::tag::{ImageTag, NotATag};
use crate::hotfix::template::Values;
use crate::hotfix::{HotfixBranch, NotHotfix, Ticket};
use crate::policy::Policy;
use crate::registry::reference::Digest;
use crate::secret::{self, Redactor};
use confidential::Why;
use exposure::Exposed;
use forge::Forge;
use git::Workspace;
use history::History;
use image::Platform;
use pipeline::PipelineFacts;
pub use promotion::{Kind, Promotion, Target, VersionParameter};
use reason::Reason;
use running::Running;
pub use source::{Absent, Source};
use train::TrainFacts;

/// All that is known about one build.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// What the server says.
    pub build: &'a Build,
    /// What the team decided.
    pub policy: &'a Policy,
    /// The checkout.
    pub workspace: Source<Workspace>,
    /// The hotfix branch that is pushed to or that a pull request wants to go into.
    pub branch: Result<HotfixBranch, NotHotfix>,
    /// The ticket, and where it was found.
    pub ticket: Option<(Ticket, &'static str)>,
    /// The tags that would be published, in that order.
    pub tags: Vec<PlannedTag>,
    /// What the image that is to be published says of itself, platform by platform.
    pub image: Source<Vec<Platform>>,
    /// What the pipeline file says.
    pub pipeline: Source<PipelineFacts>,
    /// What runs in production, by those who know it.
    pub running: Source<Running>,
    /// The digests that the tags have now, before anything is published.
    pub current: Source<Vec<(String, Digest)>>,
    /// What git says about the commit that is judged.
    pub history: Source<History>,
    /// What git says of the train that is judged.
    pub train: Source<TrainFacts>,
    /// What the parameter says that names the ticket of a deployment (`policy.train.ticket_param`): each
    /// value of it.
    pub ticket_params: Vec<String>,
    /// What the forge says of pull requests, reviews and issues.
    pub forge: Source<Forge>,
    /// The promotion, if the build is one.
    pub promotion: Option<Promotion>,
    /// Why somebody wants to override a rule.
    pub reason: Reason,
    /// The title of the pull request.
    pub title: Option<String>,
    /// Why the hotfix is confidential, if it is. Texts that people wrote are then not shown.
    pub confidential: Option<Why>,
    /// What registries answer about its images to somebody without credentials.
    pub exposure: Source<Vec<Exposed>>,
    /// When the step started, in seconds since 1970.
    pub now: i64,
}

impl Facts<'_> {
    /// A text that somebody else wrote, such as the first line of a commit's message, for output: at
    /// most 80 characters of it, and nothing of it if the hotfix is confidential. Nothing else prints
    /// such texts.
    pub fn words(&self, text: &str) -> String {
        shorten(self.in_full(text))
    }

    /// The same at full length, for a text that is bounded already.
    pub fn in_full<'t>(&self, text: &'t str) -> &'t str {
        match self.confidential {
            Some(_) => confidential::HIDDEN,
            None => text,
        }
    }

    /// Says where the branch stands, if it was just made and holds nothing of its own: there is
    /// nothing to publish yet (design, «What happens on which event»).
    pub fn nothing_yet(&self) -> Option<String> {
        if !matches!(self.build.event, Event::Push | Event::Custom) {
            return None;
        }
        let Source::Known(history) = &self.history else {
            return None;
        };
        let (Source::Known(base), Source::Known(range)) = (&history.base, &history.range) else {
            return None;
        };
        let branch = self.build.branch.as_deref().unwrap_or_default();
        range.is_empty().then(|| {
            format!(
                "`{}` has no commit since {}",
                shorten(branch),
                base.describe()
            )
        })
    }
}

/// A tag that a template of the policy makes of this build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTag {
    /// The template, as written.
    pub template: String,
    /// The text that it makes; `None` if it needs a ticket and there is none.
    pub text: Option<String>,
    /// The tag, or why there is none.
    pub tag: Result<ImageTag, NotATag>,
    /// The nearest branch name from which a legal tag would come.
    pub nearest: Option<HotfixBranch>,
}

/// What to do with a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Judge it.
    Judge,
    /// There is nothing to do; why.
    Nothing(String),
}

/// Decides by event and branch whether there is anything to judge.
pub fn scope(build: &Build, policy: &Policy) -> Scope {
    let event = &build.event_name;
    match build.event {
        Event::Promote | Event::Rollback => Scope::Judge,
        Event::Push | Event::Custom | Event::PullRequest => {
            let branch = build.branch.as_deref().unwrap_or_default();
            match HotfixBranch::parse(branch, &policy.prefixes) {
                // A name that begins like a hotfix branch and cannot be one is judged, not passed by.
                Ok(_) | Err(NotHotfix::NotABranch) => Scope::Judge,
                Err(reason) => {
                    let what = match build.event {
                        Event::PullRequest => format!("the base `{branch}` of this pull request"),
                        _ => format!("`{branch}`"),
                    };
                    let why = match reason {
                        NotHotfix::EmptyRest => "has nothing behind the prefix".to_owned(),
                        _ => format!("does not {}", policy.prefixes.ask("")),
                    };
                    let near = if crate::hotfix::looks_like_hotfix(branch)
                        || policy.prefixes.nearly(branch)
                    {
                        ", in exactly that spelling, so it is no hotfix branch and no image of it is published here"
                    } else {
                        ", so it is no hotfix branch"
                    };
                    Scope::Nothing(format!("{what} {why}{near}"))
                }
            }
        }
        Event::Cron => Scope::Nothing(
            "on the event `cron` a later version will report on the hotfixes that live".to_owned(),
        ),
        Event::Tag | Event::Other => Scope::Nothing(format!(
            "the event `{event}` never publishes or promotes a hotfix"
        )),
    }
}

/// Collects the facts that need no network.
pub fn collect<'a>(
    environment: &Environment,
    build: &'a Build,
    policy: &'a Policy,
    redactor: &Redactor,
) -> Facts<'a> {
    let workspace = git::read(&build.workspace, &build.commit);
    let branch = HotfixBranch::parse(
        build.branch.as_deref().unwrap_or_default(),
        &policy.prefixes,
    );
    let promotion = build
        .event
        .is_promotion()
        .then(|| identity::read(environment, build, policy, redactor));
    let reason = reason::read(environment, build, policy, redactor);
    let title = match environment.read("DRONE_PULL_REQUEST_TITLE") {
        Reading::Text(text) => Some(text.to_owned()),
        _ => None,
    };
    let confidential = confidential::early(confidential::Early {
        build,
        policy,
        workspace: &workspace,
        promotion: promotion.as_ref(),
        reason: &reason,
        title: title.as_deref(),
    });
    let ticket = branch.as_ref().ok().and_then(|branch| {
        let places = ticket::places(branch, build, &workspace);
        ticket::find(policy, places, confidential.is_some())
    });
    let tags = match &branch {
        Ok(branch) => plan_tags(
            branch,
            ticket.as_ref().map(|(ticket, _)| ticket),
            build,
            policy,
        ),
        Err(_) => Vec::new(),
    };
    Facts {
        build,
        policy,
        branch,
        ticket,
        tags,
        image: Source::NotConfigured(match policy.source {
            Some(_) => "the image was not looked at".to_owned(),
            None => "`policy.source` names no image".to_owned(),
        }),
        pipeline: Source::NotConfigured("the pipeline file was not read".to_owned()),
        running: Source::NotConfigured("`policy.running` is not set".to_owned()),
        current: Source::NotConfigured("`policy.repo` is not set".to_owned()),
        history: match &workspace {
            Source::Known(_) => Source::NotConfigured("git was not asked".to_owned()),
            other => other
                .or_absent()
                .err()
                .unwrap_or_else(|| Source::NotConfigured(String::new())),
        },
        train: match (&policy.train, &workspace) {
            (None, _) => Source::NotConfigured("`policy.train` is not set".to_owned()),
            (Some(_), workspace) => {
                workspace.then(|_| Source::NotConfigured("git was not asked".to_owned()))
            }
        },
        ticket_params: identity::ticket_params(environment, policy),
        workspace,
        forge: Source::NotConfigured("the forge was not asked".to_owned()),
        promotion,
        reason,
        title,
        confidential,
        exposure: Source::NotConfigured("no registry was asked".to_owned()),
        now: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_secs()).ok())
            .unwrap_or_default(),
    }
}

fn plan_tags(
    branch: &HotfixBranch,
    ticket: Option<&Ticket>,
    build: &Build,
    policy: &Policy,
) -> Vec<PlannedTag> {
    let values = Values {
        branch,
        ticket,
        commit: &build.commit,
        build: build.number,
    };
    let mut seen = Vec::new();
    policy
        .templates()
        .map(|template| (template, template.render(values)))
        // Two templates may make the same tag; it is written once.
        .filter(|(_, text)| {
            let new = text.is_none() || !seen.contains(text);
            seen.push(text.clone());
            new
        })
        .map(|(template, text)| {
            let tag = text.as_deref().map_or(Err(NotATag::Empty), ImageTag::new);
            let nearest = match &tag {
                Err(NotATag::Illegal(_) | NotATag::TooLong(_)) => {
                    template.nearest_legal_branch(values, &policy.prefixes)
                }
                _ => None,
            };
            PlannedTag {
                template: template.as_str().to_owned(),
                text,
                tag,
                nearest,
            }
        })
        .collect()
}

/// At most 80 characters of a text that somebody else chose.
pub fn shorten(text: &str) -> String {
    secret::shorten(text, 80)
}
