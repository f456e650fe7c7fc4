//! What git says: fetched where the checkout does not hold it, and read within the time of the step.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::store::{Seen, Store};
use super::{Run, forge, scratch, train};
use crate::ci::Event;
use crate::facts::git::Workspace;
use crate::facts::history::plan::{self, Plan};
use crate::facts::pipeline::texts::texts;
use crate::facts::remote::{Fetch, Remote};
use crate::facts::train::read::Question;
use crate::facts::{Absent, Facts};
use crate::git::objects::Objects;
use crate::git::refs::References;
use crate::hotfix::CommitId;
use crate::rules::Wants;

/// How deep a shallow checkout is fetched, step by step; the last is git's word for «to the root».
const DEPTHS: [u32; 2] = [500, 2_147_483_647];

impl Run<'_> {
    /// Asks git, and fetches what the checkout does not hold.
    pub(super) async fn history<'r>(
        &self,
        facts: &Facts<'_>,
        wants: Wants,
        remote: &'r Remote,
        references: &Arc<References>,
    ) -> Result<(Seen, forge::Objects<'r>), Absent> {
        let workspace = facts.workspace.answer()?;
        let scratch = scratch()?;
        let mut store = Store::of(workspace);
        let plan = plan::plan(facts, references);
        let mut question = train::question(facts, wants, &plan, references);
        let plan = plan.and(question.as_ref().and_then(Question::base));
        let needed = plan.commits();
        let haves = self.haves(workspace);
        let missing = store.missing(&needed).map_err(|gap| Absent::from(&gap))?;
        // What a shallow checkout has, it has without what lies below.
        if store.shallow.is_empty() {
            let fetch = Fetch {
                wants: &missing,
                haves: &haves,
                ..Fetch::default()
            };
            store.fetch(remote, &fetch, scratch.path()).await?;
            let others = (&haves[..], None);
            train::fetch_others(&mut question, &mut store, remote, others, scratch.path()).await?;
            let seen = self.read(plan, question.as_ref(), &store).await;
            return Ok((seen, forge::Objects::new(remote, store, scratch, question)));
        }
        let mut seen = Seen::default();
        for depth in DEPTHS {
            let boundary = store.shallow.clone();
            let fetch = Fetch {
                wants: &needed,
                haves: &haves,
                shallow: &boundary,
                deepen: Some(depth),
                commits_only: false,
            };
            store.fetch(remote, &fetch, scratch.path()).await?;
            let others = (&haves[..], Some(depth));
            train::fetch_others(&mut question, &mut store, remote, others, scratch.path()).await?;
            let plan = plan::plan(facts, references);
            seen = self.read(plan, question.as_ref(), &store).await;
            if !seen.cut {
                break;
            }
        }
        Ok((seen, forge::Objects::new(remote, store, scratch, question)))
    }

    /// What the server may take for known: the checked out and the built commit.
    pub(in crate::run) fn haves(&self, workspace: &Workspace) -> Vec<CommitId> {
        let built = (self.build.event != Event::Promote).then_some(&self.build.commit);
        let mut haves: Vec<CommitId> = workspace.head.iter().chain(built).cloned().collect();
        haves.dedup();
        haves
    }

    async fn read(&self, plan: Plan, question: Option<&Question>, store: &Store) -> Seen {
        let (built, platform) = (self.build.commit.clone(), self.build.platform);
        let question = question.cloned();
        let seen = self.in_time(store, move |objects| {
            let (history, cut) = plan.read(objects);
            let start = history.get().and_then(|history| history.base.get());
            let base = start.and_then(|base| base.commits.first().cloned());
            let default = history.then(|history| history.default.clone());
            let seen = Seen {
                built: texts(objects, &built, platform).into(),
                default: default.then(|head| texts(objects, &head.commit, platform).into()),
                base: base.and_then(|base| texts(objects, &base, platform).ok()),
                history,
                cut,
                train: None,
            };
            train::read(question.as_ref(), objects, seen)
        });
        seen.await.unwrap_or_else(|absent| Seen::without(&absent))
    }

    /// The pipeline file of the built commit alone, which the checkout holds. No server is waited for
    /// meanwhile, so the thread waits.
    pub(super) fn read_built(&self, workspace: &Workspace) -> Seen {
        let (built, platform) = (self.build.commit.clone(), self.build.platform);
        let (sender, receiver) = mpsc::channel();
        let read = move |objects: &Objects| Seen {
            built: texts(objects, &built, platform).into(),
            ..Seen::default()
        };
        aside(&Store::of(workspace), read, move |seen| {
            sender.send(seen).ok();
        });
        let seen = receiver.recv_timeout(self.time_left());
        seen.unwrap_or_else(|_| Err(self.too_late()))
            .unwrap_or_else(|absent| Seen::without(&absent))
    }

    /// Reads while servers are asked, within the time of the step.
    pub(in crate::run) async fn in_time<T: Send + 'static>(
        &self,
        store: &Store,
        work: impl FnOnce(&Objects) -> T + Send + 'static,
    ) -> Result<T, Absent> {
        let (sender, receiver) = oneshot::channel();
        aside(store, work, move |answer| {
            sender.send(answer).ok();
        });
        match timeout(self.time_left(), receiver).await {
            Ok(Ok(answer)) => answer,
            _ => Err(self.too_late()),
        }
    }

    fn time_left(&self) -> Duration {
        self.policy.timeout.saturating_sub(self.started.elapsed())
    }

    fn too_late(&self) -> Absent {
        Absent::Unknown {
            because: format!(
                "the history was not read when the {} seconds for everything were over",
                self.policy.timeout.as_secs()
            ),
            retry: false,
            advice: "raise `policy.timeout`, or look for files below `.git` that are no regular \
                     files"
                .to_owned(),
        }
    }
}

/// Reads in a thread of its own: whoever wrote the checkout may have put a FIFO where libgit2 expects a
/// file, and opening one waits for ever. If it took too long, nobody takes the answer any more.
fn aside<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&Objects) -> T + Send + 'static,
    answer: impl FnOnce(Result<T, Absent>) + Send + 'static,
) {
    let store = store.clone();
    thread::spawn(move || {
        let objects = Objects::open(&store.objects, &store.shallow);
        let read = objects.map(|objects| work(&objects));
        answer(read.map_err(|gap| Absent::from(&gap)));
    });
}
