//! What git says of the heads of pull requests: whether the open ones bring the hotfix to the default
//! branch, and whether the merged ones were rebased.

use super::super::store::Store;
use super::{Run, Server};
use crate::facts::forge::Open;
use crate::facts::forge::ask::MOST_OPEN;
use crate::facts::forge::brought::{Brought, Question, brought};
use crate::facts::history::ports::{Search, ports};
use crate::facts::history::{History, How, Port};
use crate::facts::remote::{Fetch, Remote};
use crate::facts::train::read::Question as Train;
use crate::facts::{Absent, Source};
use crate::git::Gap;
use crate::hotfix::CommitId;

/// Where the objects of pull requests come from and go to.
pub(in crate::run::consult) struct Objects<'a> {
    remote: &'a Remote,
    pub(super) store: Store,
    /// Emptied when it goes out of scope.
    scratch: tempfile::TempDir,
    /// What is asked of git about a train.
    pub(super) train: Option<Train>,
}

/// A question about the head of a pull request: how it has these commits.
pub(super) struct Head {
    pub head: CommitId,
    pub commits: Vec<CommitId>,
}

impl<'a> Objects<'a> {
    pub(in crate::run::consult) const fn new(
        remote: &'a Remote,
        store: Store,
        scratch: tempfile::TempDir,
        train: Option<Train>,
    ) -> Self {
        Self {
            remote,
            store,
            scratch,
            train,
        }
    }

    /// Fetches the heads of pull requests. Forges give them by their id, because a reference of their own
    /// points to each (`refs/pull/N/head`).
    pub(super) async fn fetch(
        &mut self,
        heads: &[CommitId],
        haves: &[CommitId],
    ) -> Result<(), Absent> {
        let missing = self.store.missing(heads);
        let missing = missing.map_err(|gap| Absent::from(&gap))?;
        let shallow = self.store.shallow.clone();
        let fetch = Fetch {
            wants: &missing,
            haves,
            shallow: &shallow,
            ..Fetch::default()
        };
        self.store
            .fetch(self.remote, &fetch, self.scratch.path())
            .await
    }
}

impl Run<'_> {
    /// The open pull requests into the default branch, and what they have of what it does not have. Of
    /// very many only some are looked through: first those of the hotfix branch itself, then the newest.
    pub(super) async fn forward(
        &self,
        server: &Server,
        branch: &str,
        history: &History,
        objects: &mut Option<Objects<'_>>,
    ) -> Source<Vec<Open>> {
        let missing: Vec<CommitId> = match history.ports.or_absent() {
            Ok(ports) => {
                let missing = ports.iter().filter(|port| !port.how.is_there());
                missing.map(|port| port.id.clone()).collect()
            }
            Err(absent) => return absent,
        };
        let default = match history.default.or_absent() {
            Ok(default) => &default.name,
            Err(absent) => return absent,
        };
        if missing.is_empty() {
            return Source::Known(Vec::new());
        }
        let mut open = match server.open_into(default).await {
            Ok(open) => open,
            Err(absent) => return absent.into(),
        };
        let count = open.len();
        open.sort_by_key(|pull| pull.branch != branch);
        open.truncate(MOST_OPEN);
        let questions = open.iter().map(|pull| {
            let commits = missing.clone();
            CommitId::parse(&pull.head).map(|head| Head { head, commits })
        });
        let questions: Vec<Head> = questions.flatten().collect();
        if questions.len() != open.len() {
            return Source::Unknown {
                because: "the forge names no commit of an open pull request".to_owned(),
                retry: false,
                advice: "check `policy.forge`".to_owned(),
            };
        }
        let answers = self.heads(questions, history, objects).await;
        let mut found = Vec::new();
        let (mut asked, mut unread) = (Vec::new(), Vec::new());
        for (pull, has) in open.into_iter().zip(answers) {
            match has {
                Source::Known(_) => found.push(Open { pull, has }),
                _ => {
                    asked.push(pull);
                    unread.push(has);
                }
            }
        }
        // What git cannot say, the forge's list of their commits may.
        match server.with_commits(asked).await {
            Ok(pulls) => {
                let rest = pulls.into_iter().zip(unread);
                found.extend(rest.map(|(pull, has)| Open { pull, has }));
            }
            Err(absent) => return absent.into(),
        }
        let brought = |id: &CommitId| found.iter().any(|one| one.brings(id, history));
        if count > MOST_OPEN && !missing.iter().all(brought) {
            return Source::Unknown {
                because: format!(
                    "`{}` has {count} open pull requests, and the {MOST_OPEN} that were looked through do \
                     not bring it",
                    crate::facts::shorten(default)
                ),
                retry: false,
                advice: "merge the one that brings the hotfix, or close what is long over"
                    .to_owned(),
            };
        }
        Source::Known(found)
    }

    /// What the merges of pull requests have brought.
    pub(super) async fn merges(
        &self,
        questions: Vec<Question>,
        objects: &mut Option<Objects<'_>>,
    ) -> Vec<Source<Brought>> {
        if questions.is_empty() {
            return Vec::new();
        }
        let count = questions.len();
        let Some(objects) = objects else {
            let why = "there is no checkout to compare pull requests in".to_owned();
            return vec![Source::NotConfigured(why); count];
        };
        let heads: Vec<CommitId> = questions.iter().map(|one| one.head.clone()).collect();
        let haves: Vec<CommitId> = questions
            .iter()
            .filter_map(|one| one.merged.clone())
            .collect();
        // One head that cannot be had says nothing of the others.
        let fetched = objects.fetch(&heads, &haves).await;
        let answers = self.in_time(&objects.store, move |objects| {
            let answers = questions.iter().map(|one| brought(objects, one));
            answers.collect::<Vec<Result<Brought, Gap>>>()
        });
        match answers.await {
            Ok(answers) => {
                let known = answers.into_iter().map(|answer| match (answer, &fetched) {
                    (Err(Gap::Missing(_)), Err(absent)) => absent.clone().into(),
                    (answer, _) => Source::from(answer),
                });
                known.collect()
            }
            Err(absent) => (0..count).map(|_| absent.clone().into()).collect(),
        }
    }

    /// How the heads of pull requests have commits of the hotfix.
    pub(super) async fn heads(
        &self,
        questions: Vec<Head>,
        history: &History,
        objects: &mut Option<Objects<'_>>,
    ) -> Vec<Source<Vec<Port>>> {
        if questions.is_empty() {
            return Vec::new();
        }
        let unread = |absent: &Absent| questions.iter().map(|_| absent.clone().into()).collect();
        let Some(objects) = objects else {
            return unread(&Absent::NotConfigured(
                "there is no checkout to compare pull requests in".to_owned(),
            ));
        };
        let heads: Vec<CommitId> = questions.iter().map(|one| one.head.clone()).collect();
        let default = history.default.get().map(|head| head.commit.clone());
        let haves = [history.tip.clone()].into_iter().chain(default.clone());
        let haves: Vec<CommitId> = haves.collect();
        if let Err(absent) = objects.fetch(&heads, &haves).await {
            return unread(&absent);
        }
        let tip = history.tip.clone();
        let base = history
            .base
            .get()
            .and_then(|base| match base.commits.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            });
        let count = questions.len();
        let answers = self.in_time(&objects.store, move |objects| {
            let one = |question: Head| -> Result<Vec<Port>, Gap> {
                let search = Search {
                    commits: &question.commits,
                    base: base.as_ref(),
                    tip: &tip,
                    onto: &question.head,
                };
                let mut ports = ports(objects, &search)?;
                for port in &mut ports {
                    if let Some(default) = &default
                        && !is_brought(objects, port, default, &question.head)?
                    {
                        port.how = How::Missing;
                    }
                }
                Ok(ports)
            };
            let answers = questions.into_iter().map(one).map(Source::from);
            answers.collect::<Vec<Source<Vec<Port>>>>()
        });
        answers
            .await
            .unwrap_or_else(|absent| (0..count).map(|_| absent.clone().into()).collect())
    }
}

/// Whether the merge of an open pull request brings what its head has. A commit that the default branch has
/// and took back stays away, and a head that was begun before the default branch changed may just be old.
fn is_brought(
    objects: &crate::git::objects::Objects,
    port: &Port,
    default: &CommitId,
    head: &CommitId,
) -> Result<bool, Gap> {
    match &port.how {
        How::Ancestor => Ok(!objects.is_ancestor(&port.id, default)?),
        How::Patch(by) | How::Squash(by) => Ok(!objects.is_ancestor(by, default)?),
        How::Content => {
            for base in objects.merge_bases(default, head)? {
                if !objects.changes_all_of(&port.id, &base, head)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        How::Nothing | How::Reverted(_) | How::Missing => Ok(true),
    }
}
