//! The way of the data, on one page: environment → settings, policy, build → facts → rules →
//! verdict → publication → report. The only file that knows every room.

mod confide;
mod consult;
mod digest_file;
mod identity;
mod publication;
mod statement;
mod telling;

use std::cell::OnceCell;
use std::ffi::OsString;
use std::io::Write;
use std::time::Instant;

use tokio::runtime::Runtime;

use crate::ci::{self, Build, Event};
use crate::environment::{Environment, Reading};
use crate::facts::running::Running;
use crate::facts::{self, Absent, Facts, Scope, Source};
use crate::http::Client;
use crate::overrides;
use crate::policy::Policy;
use crate::policy::targets::trial_patterns;
use crate::problem::Problem;
use crate::report::sink::Sink;
use crate::report::{Ending, Judged, Published, Report, Subject, json, log, outputs};
use crate::rules;
use crate::secret::Redactor;
use crate::settings::{self, LogLevel, Settings};
use crate::verdict::{Decision, Exit, Step};

/// Runs the step: reads the environment, judges, publishes, reports. `terminal` says whether the
/// output goes to a person directly.
pub fn run(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    out: impl Write,
    terminal: bool,
) -> Exit {
    let environment = Environment::new(variables);
    let redactor = Redactor::default();
    let mut sink = Sink::new(out, redactor.clone(), wants_colour(&environment, terminal));
    let mut problems = Vec::new();
    let settings::Read { settings, policy } =
        settings::read(&environment, &redactor, &mut problems);
    let policy = policy.and_then(|text| Policy::parse(&text, &rules::keys(), &mut problems));
    let build = ci::read(&environment)
        .map_err(|wrong| problems.extend(wrong))
        .ok();
    if let (Some(policy), Some(build)) = (&policy, &build) {
        problems.extend(default_branch_is_no_hotfix(policy, build));
    }
    let mut report = match (&policy, &build) {
        (Some(policy), Some(build)) if problems.is_empty() => {
            let mut run = Run {
                environment: &environment,
                settings: &settings,
                policy,
                build,
                redactor,
                network: OnceCell::new(),
                listed: OnceCell::new(),
                running: OnceCell::new(),
                started: Instant::now(),
            };
            let mut report = run.judge(&mut sink);
            run.write_summary(&mut report);
            // A question about a host's name that is still open must not hold the step.
            if let Some((runtime, _)) = run.network.take() {
                runtime.shutdown_background();
            }
            report
        }
        _ => Report {
            subject: build.as_ref().map(describe).unwrap_or_default(),
            ending: Ending::Problems(problems),
            notes: Vec::new(),
        },
    };
    report.subject.policy = policy.map(|policy| policy.digest);
    log::write(&report, settings.log_level >= LogLevel::Debug, &mut sink);
    sink.finish();
    report.exit()
}

/// Everything that a run was told.
struct Run<'a> {
    environment: &'a Environment,
    settings: &'a Settings,
    policy: &'a Policy,
    build: &'a Build,
    redactor: Redactor,
    network: OnceCell<(Runtime, Client)>,
    listed: OnceCell<Result<consult::Listed, Absent>>,
    running: OnceCell<Source<Running>>,
    started: Instant,
}

impl Run<'_> {
    fn judge<W: Write>(&self, sink: &mut Sink<W>) -> Report {
        let mut subject = describe(self.build);
        subject.policy = Some(self.policy.digest.clone());
        let mut notes = self.notes();
        if let Scope::Nothing(why) = facts::scope(self.build, self.policy) {
            return Report {
                subject,
                ending: Ending::Nothing(why),
                notes,
            };
        }
        notes.extend(self.clear_digest_file());
        let mut facts = facts::collect(self.environment, self.build, self.policy, &self.redactor);
        self.hide(&mut facts);
        self.identify(&mut facts);
        self.consult(&mut facts);
        self.confide(&mut facts);
        notes.extend(moved_checkout(&facts));
        // The image is looked at only if nothing else stands in its way.
        let mut verdict = overrides::judge(&facts);
        let ahead = verdict.decision_without(rules::OF_THE_IMAGE);
        if ahead != Decision::Allowed && self.policy.source.is_some() {
            let because = "the build is not allowed as it is, so its image was not looked at";
            facts.image = Source::NotConfigured(because.to_owned());
            verdict = overrides::judge(&facts);
        }
        let published = match self.build.event {
            Event::Push | Event::Custom if ahead == Decision::Allowed => {
                let published = match facts.nothing_yet() {
                    Some(why) => Published::NothingYet(why),
                    None => self.publish(&mut facts, &mut verdict, &mut notes, sink),
                };
                if let Published::Tags(publication) = &published {
                    notes.extend(self.hand_on(publication));
                }
                published
            }
            Event::Push | Event::Custom => Published::Withheld,
            Event::Promote | Event::Rollback if !self.settings.dry_run => {
                self.hand_over(&facts, verdict.decision(), &mut notes)
            }
            _ => Published::NotDue,
        };
        if !matches!(published, Published::NotHandedOn(_)) {
            self.record(&facts, &verdict, &mut notes);
        }
        notes.extend(rejected(&facts));
        notes.extend(overrides::remarks(&facts, &verdict));
        let judged = Judged {
            event: self.build.event,
            about: about(&facts),
            verdict,
            enforced: self.policy.enforce,
            rehearsal: self.settings.dry_run,
            never_green: self.build.takes_parameters() && self.build.event != Event::PullRequest,
            promote: self
                .how_to_promote(&published)
                .filter(|_| !self.settings.dry_run),
            ticket: self.ticket(&facts, &published),
            published,
        };
        complete(&mut subject, &facts);
        let mut report = Report {
            subject,
            ending: Ending::Judged(Box::new(judged)),
            notes,
        };
        self.tell(&facts, &mut report);
        report
    }

    /// Gives the judged image to the step that deploys, where that step will run. A verdict that does
    /// not count stops nothing, so neither does what it could not find out.
    fn hand_over(
        &self,
        facts: &Facts<'_>,
        decision: Decision,
        notes: &mut Vec<String>,
    ) -> Published {
        let allowed = decision == Decision::Allowed;
        if !allowed && self.policy.enforce {
            return Published::NotDue;
        }
        match self.write_digest_file(facts.promotion.as_ref()) {
            Published::NotHandedOn(failed) if !allowed => {
                notes.push(format!("the digest file was not written: {}", failed.found));
                Published::NotDue
            }
            done => done,
        }
    }

    fn how_to_promote(&self, published: &Published) -> Option<Step> {
        let tag = match published {
            Published::Tags(publication) => &publication.tags.last()?.0,
            Published::File { tags, .. } => tags.last()?,
            Published::NotDue
            | Published::Withheld
            | Published::NothingYet(_)
            | Published::Digests { .. }
            | Published::NotHandedOn(_)
            | Published::Failed(_) => return None,
        };
        // Names that the team wrote exist; the defaults may not.
        let trial = self.policy.targets.trial.written();
        let own = trial != trial_patterns();
        let target = trial
            .iter()
            .find(|name| own && !name.contains(['*', '?', '!']));
        let target = target.map_or("TARGET", String::as_str);
        let mut words = self
            .build
            .platform
            .promote(&self.build.repo, self.build.number, target);
        let parameter = self.policy.version_params.first()?;
        words.push(format!("--param={parameter}={tag}"));
        Some(Step::Run(words))
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let list = |names: &[String]| format!("`{}`", names.join("`, `"));
        let ignored = &self.settings.ignored;
        if !ignored.is_empty() {
            let shown: Vec<String> = ignored
                .iter()
                .take(20)
                .map(|name| facts::shorten(name))
                .collect();
            let more = ignored.len() - shown.len();
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            notes.push(format!(
                "ignored, none of our settings: {}{more}",
                list(&shown)
            ));
        }
        notes
    }

    fn write_summary(&self, report: &mut Report) {
        let Some(path) = &self.policy.summary else {
            return;
        };
        if self.settings.dry_run {
            report.notes.push(format!(
                "a rehearsal writes no summary to `{}`",
                path.display()
            ));
            return;
        }
        let text = json::summary(report, &self.redactor);
        let written = outputs::write(&self.build.workspace, path, &text, outputs::is_summary);
        if let Err(why) = written {
            report
                .notes
                .push(format!("the summary was not written: {why:#}"));
        }
    }
}

fn describe(build: &Build) -> Subject {
    Subject {
        platform: build.platform.name(),
        event: build.event_name.clone(),
        repo: build.repo.clone(),
        number: build.number,
        link: build.link.clone(),
        branch: build.branch.clone(),
        commit: build.commit.as_str().to_owned(),
        target: build.target.clone(),
        ..Subject::default()
    }
}

/// Says that the checkout is not at the built commit. The clone of a pull request makes a merge of
/// its own, and a promotion is of an image; anywhere else an earlier step has moved on, and an image of that is not the build's.
fn moved_checkout(facts: &Facts<'_>) -> Option<String> {
    let Source::Known(workspace) = &facts.workspace else {
        return None;
    };
    let head = workspace
        .head
        .as_ref()
        .filter(|head| **head != facts.build.commit)?;
    let branch = workspace
        .branch
        .as_deref()
        .map(|name| format!(" (`{}`)", facts::shorten(name)));
    let of_checkout = matches!(facts.build.event, Event::Push | Event::Custom);
    of_checkout.then(|| {
        format!(
            "the checkout is at {}{}, but the build is of {}: an image of this checkout is not the \
             build's",
            head.short(),
            branch.unwrap_or_default(),
            facts.build.commit.short()
        )
    })
}

/// What looks like a statement about the image and counts as none.
fn rejected(facts: &Facts<'_>) -> Vec<String> {
    let promotion = facts.promotion.as_ref();
    let attested = promotion.and_then(|promotion| promotion.attested.get());
    let all = attested.into_iter().flatten();
    let all = all.flat_map(|one| one.rejected.iter().map(move |why| (&one.digest, why)));
    all.take(5)
        .map(|(digest, why)| format!("a statement on {digest} counts for nothing: {why}"))
        .collect()
}

/// What is judged, in a few words.
fn about(facts: &Facts<'_>) -> String {
    let build = facts.build;
    let named = build.branch.as_deref().or(build.git_ref.as_deref());
    let branch = facts::shorten(named.unwrap_or(build.commit.as_str()));
    match &facts.promotion {
        Some(promotion) => {
            let what = if promotion.versions.is_empty() {
                format!(
                    "build {} of `{branch}`",
                    facts.build.parent.unwrap_or(facts.build.number)
                )
            } else {
                promotion.describe_versions()
            };
            let target = facts::shorten(facts.build.target.as_deref().unwrap_or_default());
            format!("{what} to `{target}`")
        }
        None => format!("`{branch}`"),
    }
}

fn complete(subject: &mut Subject, facts: &Facts<'_>) {
    subject.ticket = facts
        .ticket
        .as_ref()
        .map(|(ticket, _)| ticket.as_str().to_owned());
    if let Some(promotion) = &facts.promotion {
        subject.hotfix_by = promotion
            .evidence
            .iter()
            .map(facts::identity::Evidence::way)
            .collect();
        subject.hotfix_by.dedup();
        let images = promotion.images.get().into_iter().flatten();
        subject.judged = images
            .filter_map(|promoted| {
                let found = promoted.image.as_ref()?;
                Some((promoted.text.clone(), found.digest.to_string()))
            })
            .collect();
    }
}

/// A prefix that takes the default branch would make every release a hotfix, and would publish
/// the default branch under a hotfix's tag.
fn default_branch_is_no_hotfix(policy: &Policy, build: &Build) -> Option<Problem> {
    let default = build.default_branch.as_deref()?;
    policy.prefixes.take(default).then(|| {
        let how = match policy.prefixes.plain().any(|p| default.starts_with(p)) {
            true => format!("with which the default branch `{default}` begins"),
            false => format!("which the default branch `{default}` matches"),
        };
        Problem::new(
            "policy.prefix",
            format!("{}, {how}", policy.prefixes.describe()),
            "a prefix that only hotfix branches have, such as `hotfix/`",
        )
    })
}

fn wants_colour(environment: &Environment, terminal: bool) -> bool {
    let set = |name| {
        !matches!(
            environment.read(name),
            Reading::Absent | Reading::Text("" | "0")
        )
    };
    set("CLICOLOR_FORCE") || (terminal && !set("NO_COLOR"))
}
