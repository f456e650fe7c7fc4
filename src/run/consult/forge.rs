//! What the forge is asked, in two steps: what a hotfix branch has merged can be asked while others are,
//! and the rest once git has said which commits are judged.

mod declared;

use super::Run;
use super::store::Store;
use crate::ci::Event;
use crate::facts::forge::ask::{self, MOST_OPEN, Server};
use crate::facts::forge::ways::{may_be_rebased, ways};
use crate::facts::forge::{Forge, Open, Pull};
use crate::facts::history::ports::{Search, ports};
use crate::facts::history::{Head as Branch, History, Port, plan};
use crate::facts::remote::{Fetch, Remote};
use crate::facts::running::Asking;
use crate::facts::train::read::Question;
use crate::facts::train::{Other, TrainFacts};
use crate::facts::{Absent, Facts, Source};
use crate::git::Gap;
use crate::git::refs::References;
use crate::hotfix::CommitId;
use crate::rules::Wants;

/// Of how many commits that came by no pull request into their branch the forge is asked where they came
/// from: as many as are named.
const MOST_ELSEWHERE: usize = 5;

/// The forge, and what it has said so far.
pub(super) struct Asked {
    server: Server,
    forge: Forge,
}

/// Where the objects of pull requests come from and go to.
pub(super) struct Objects<'a> {
    remote: &'a Remote,
    store: Store,
    /// Emptied when it goes out of scope.
    scratch: tempfile::TempDir,
    /// What is asked of git about a train.
    train: Option<Question>,
}

/// A question about the head of a pull request: how it has these commits.
struct Head {
    head: CommitId,
    commits: Vec<CommitId>,
}

impl Run<'_> {
    /// What can be asked before git has answered.
    pub(super) async fn ask_forge(
        &self,
        asking: Asking<'_>,
        facts: &Facts<'_>,
        wants: Wants,
        listed: Option<Result<&References, &Absent>>,
    ) -> Result<Asked, Absent> {
        if !wants.pulls && !wants.forward && !wants.branches {
            return Err(Absent::NotConfigured("no rule asks the forge".to_owned()));
        }
        let server = ask::server(asking)?;
        let branch = branch(facts, listed);
        let is_pull = facts.build.event == Event::PullRequest;
        let pulls = async {
            match (wants.pulls, pull_number(facts), &branch) {
                (false, ..) => Source::NotConfigured("no rule asks for pull requests".to_owned()),
                (true, Some(number), _) => known(server.one(number).await.map(|pull| vec![pull])),
                (true, None, _) if is_pull => Source::NotConfigured(
                    "the git reference of the build names no pull request".to_owned(),
                ),
                (true, None, Ok(branch)) => known(server.merged_into(branch).await),
                (true, None, Err(absent)) => absent.clone().into(),
            }
        };
        let pulls = pulls.await;
        let unasked = || "no rule asks for it".to_owned();
        let forge = Forge {
            kind: server.kind,
            branch: branch.unwrap_or_default(),
            pulls,
            forward: Source::NotConfigured(unasked()),
            rebased: Vec::new(),
            elsewhere: Vec::new(),
            teams: Vec::new(),
            issues: Vec::new(),
        };
        Ok(Asked { server, forge })
    }

    /// What has to be asked once it is known which commits are judged.
    pub(super) async fn ask_forge_more(
        &self,
        asked: Asked,
        facts: &Facts<'_>,
        wants: Wants,
        mut objects: Option<Objects<'_>>,
    ) -> Forge {
        let Asked { server, mut forge } = asked;
        let history = match facts.history.answer() {
            Ok(history) => history,
            Err(absent) => {
                // Of a pull request that is judged, all is known. Of a branch nobody can say which of its
                // pull requests brought what is judged.
                if facts.build.event != Event::PullRequest && forge.pulls.get().is_some() {
                    forge.pulls = absent.clone().into();
                }
                forge.forward = absent.into();
                return forge;
            }
        };
        if facts.build.event != Event::PullRequest && wants.pulls {
            self.came(&server, &mut forge, history, wants, &mut objects)
                .await;
        }
        if wants.forward {
            forge.forward = self.forward(&server, history, &mut objects).await;
        }
        if wants.teams {
            forge.teams = self.teams(&server, &forge).await;
        }
        if wants.issues {
            forge.issues = self.issues(&server, &forge, history).await;
        }
        forge
    }

    /// Other pull requests into the train that is judged, with the number that each goes to. They are no
    /// more than a remark.
    pub(super) async fn ask_train(
        &self,
        asked: &Asked,
        facts: &Facts<'_>,
        objects: &mut Option<Objects<'_>>,
    ) -> Option<Source<Vec<Other>>> {
        let train = facts.train.get()?;
        let objects = objects.as_mut()?;
        let question = objects.train.clone()?;
        let open = match asked.server.open_into(&train.branch).await {
            Ok(open) => open,
            Err(absent) => return Some(absent.into()),
        };
        let heads = open.into_iter().filter_map(|pull| {
            let commit = CommitId::parse(&pull.head)?;
            let own = Some(pull.number) == pull_number(facts) || commit == train.tip.commit;
            let name = pull.branch;
            (!own).then_some((pull.number, Branch { name, commit }))
        });
        let heads: Vec<(u64, Branch)> = heads.take(MOST_OPEN).collect();
        let ids: Vec<CommitId> = heads.iter().map(|(_, head)| head.commit.clone()).collect();
        if let Err(absent) = objects
            .fetch(&ids, std::slice::from_ref(&train.tip.commit))
            .await
        {
            return Some(absent.into());
        }
        let train: TrainFacts = train.clone();
        let answer = self.in_time(&objects.store, move |objects| {
            question.pull_requests(objects, &train, &heads)
        });
        Some(answer.unwrap_or_else(Source::from))
    }

    /// Which pull requests brought the commits that are judged, with all about them.
    async fn came(
        &self,
        server: &Server,
        forge: &mut Forge,
        history: &History,
        wants: Wants,
        objects: &mut Option<Objects<'_>>,
    ) {
        let Source::Known(merged) = &forge.pulls else {
            return;
        };
        let range = match history.range.answer() {
            Ok(range) => range,
            Err(absent) => {
                forge.pulls = absent.into();
                return;
            }
        };
        let is_here = |pull: &&Pull| {
            range
                .iter()
                .any(|change| Some(&change.id) == pull.merged.as_ref())
        };
        let here: Vec<Pull> = merged.iter().filter(is_here).cloned().collect();
        let pulls = match server.in_full(here).await {
            Ok(pulls) => pulls,
            Err(absent) => {
                forge.pulls = absent.into();
                return;
            }
        };
        let questions = pulls.iter().filter_map(|pull| {
            let rest = may_be_rebased(pull, range)?;
            let head = CommitId::parse(&pull.head)?;
            let commits = rest.into_iter().map(|change| change.id.clone()).collect();
            Some((pull.number, Head { head, commits }))
        });
        let (numbers, questions): (Vec<u64>, Vec<Head>) = questions.unzip();
        let answers = self.heads(questions, history, objects).await;
        forge.rebased = numbers.into_iter().zip(answers).collect();
        let direct: Vec<CommitId> = ways(forge, &pulls, range)
            .direct
            .iter()
            .take(if wants.strays { MOST_ELSEWHERE } else { 0 })
            .map(|change| change.id.clone())
            .collect();
        for id in direct {
            // It only explains what is wrong; without it that stays as wrong.
            if let Ok(Some((number, base))) = server.came_by(&id).await {
                forge.elsewhere.push((id, number, base));
            }
        }
        forge.pulls = Source::Known(pulls);
    }

    /// The open pull requests into the default branch, and what they have of what it does not have.
    async fn forward(
        &self,
        server: &Server,
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
        let open = match server.open_into(default).await {
            Ok(open) => open,
            Err(absent) => return absent.into(),
        };
        if open.len() > MOST_OPEN {
            return Source::Unknown {
                because: format!(
                    "`{}` has {} open pull requests, and no more than {MOST_OPEN} are looked through",
                    crate::facts::shorten(default),
                    open.len()
                ),
                retry: false,
                advice: "merge the one that brings the hotfix, or close what is long over"
                    .to_owned(),
            };
        }
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
        Source::Known(found)
    }

    /// How the heads of pull requests have commits of the hotfix.
    async fn heads(
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
        let haves: Vec<CommitId> = [history.tip.clone()].into_iter().chain(default).collect();
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
                ports(objects, &search)
            };
            let answers = questions.into_iter().map(one).map(Source::from);
            answers.collect::<Vec<Source<Vec<Port>>>>()
        });
        answers.unwrap_or_else(|absent| (0..count).map(|_| absent.clone().into()).collect())
    }
}

impl<'a> Objects<'a> {
    pub(super) const fn new(
        remote: &'a Remote,
        store: Store,
        scratch: tempfile::TempDir,
        train: Option<Question>,
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
    async fn fetch(&mut self, heads: &[CommitId], haves: &[CommitId]) -> Result<(), Absent> {
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

fn known<T>(answer: Result<T, Absent>) -> Source<T> {
    match answer {
        Ok(answer) => Source::Known(answer),
        Err(absent) => absent.into(),
    }
}

/// The hotfix branch whose pull requests count. Of a promotion only the remote can say it.
fn branch(
    facts: &Facts<'_>,
    listed: Option<Result<&References, &Absent>>,
) -> Result<String, Absent> {
    if facts.promotion.is_none()
        && let Ok(branch) = &facts.branch
    {
        return Ok(branch.name().to_owned());
    }
    let references = match listed {
        Some(listed) => listed.map_err(Absent::clone)?,
        None => {
            facts.workspace.answer()?;
            return Err(Absent::NotConfigured("git was not asked".to_owned()));
        }
    };
    plan::own_branch(facts, references).ok_or_else(|| Absent::Unknown {
        because:
            "which hotfix branch it is of is not known, so nobody can say which pull requests count"
                .to_owned(),
        retry: false,
        advice: "promote the tag or the build of the hotfix branch, and keep the branch".to_owned(),
    })
}

/// The number of the pull request that is judged, from the reference that it has in the forge. The
/// servers set that always, other than `DRONE_PULL_REQUEST`.
fn pull_number(facts: &Facts<'_>) -> Option<u64> {
    if facts.build.event != Event::PullRequest {
        return None;
    }
    let rest = facts.build.git_ref.as_deref()?.strip_prefix("refs/pull/")?;
    rest.split_once('/')?.0.parse().ok()
}
