//! What git is asked about a train, beside its history: the work of others that goes into it.

use std::path::Path;
use std::sync::Arc;

use super::store::{Seen, Store};
use crate::facts::history::plan::Plan;
use crate::facts::remote::{Fetch, Remote};
use crate::facts::train::TrainFacts;
use crate::facts::train::read::{self, Question};
use crate::facts::{Absent, Facts, Source};
use crate::git::objects::Objects;
use crate::git::refs::References;
use crate::hotfix::CommitId;
use crate::rules::Wants;

/// What is to be asked about a train, if some rule judges it.
pub(super) fn question(
    facts: &Facts<'_>,
    wants: Wants,
    plan: &Plan,
    references: &Arc<References>,
) -> Option<Question> {
    let question = wants
        .train
        .then(|| read::question(facts, plan.own(), references))
        .flatten();
    question.map(|mut question| {
        if !wants.branches {
            question.without_others(Source::NotConfigured("no rule asks for it".to_owned()));
        }
        question
    })
}

/// Fetches the heads of other branches. They are no more than a remark, so that they are missing is no
/// reason to know less of the rest.
pub(super) async fn fetch_others(
    question: &mut Option<Question>,
    store: &mut Store,
    remote: &Remote,
    (haves, deepen): (&[CommitId], Option<u32>),
    into: &Path,
) -> Result<(), Absent> {
    let Some(question) = question else {
        return Ok(());
    };
    let missing = store
        .missing(&question.others())
        .map_err(|gap| Absent::from(&gap))?;
    let shallow = store.shallow.clone();
    let fetch = Fetch {
        wants: &missing,
        haves,
        shallow: &shallow,
        deepen,
        commits_only: false,
    };
    if let Err(absent) = store.fetch(remote, &fetch, into).await {
        question.without_others(absent.into());
    }
    Ok(())
}

/// Adds to what was seen what git says of a train.
pub(super) fn read(question: Option<&Question>, objects: &Objects, mut seen: Seen) -> Seen {
    let Some(question) = question else {
        return seen;
    };
    seen.train = Some(seen.history.then(|history| {
        let (train, cut) = question.read(objects, history);
        seen.cut |= cut;
        Source::Known(train)
    }));
    seen
}

/// Puts what was seen of a train into the facts. What has kept the history from being known has kept the
/// train from it as well.
pub(super) fn keep(facts: &mut Facts<'_>, wants: Wants, seen: Option<Source<TrainFacts>>) {
    if !wants.train || facts.policy.train.is_none() {
        return;
    }
    facts.train = seen.unwrap_or_else(|| {
        let no_branch = "what is judged is of no branch of the remote";
        facts
            .history
            .then(|_| Source::NotConfigured(no_branch.to_owned()))
    });
}
