//! What the forge is asked, in two steps: what a hotfix branch has merged can be asked while others are,
//! and the rest once git has said which commits are judged.

mod declared;
mod heads;

pub(super) use heads::Objects;

use std::collections::HashSet;

use super::Run;
use crate::ci::Event;
use crate::facts::forge::ask::{self, MOST_OPEN, Server};
use crate::facts::forge::brought::Question as Merge;
use crate::facts::forge::ways::ways;
use crate::facts::forge::{Forge, Pull};
use crate::facts::history::{Head as Branch, History, plan};
use crate::facts::running::Asking;
use crate::facts::train::{OtherPulls, TrainFacts};
use crate::facts::{Absent, Facts, Source};
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
    /// Whether the merged pull requests have to be asked for by their commits.
    by_commit: bool,
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
        let mut by_commit = false;
        let pulls = async {
            match (wants.pulls, pull_number(facts), &branch) {
                (false, ..) => Source::NotConfigured("no rule asks for pull requests".to_owned()),
                (true, Some(number), _) => known(server.one(number).await.map(|pull| vec![pull])),
                (true, None, _) if is_pull => Source::NotConfigured(
                    "the git reference of the build names no pull request".to_owned(),
                ),
                (true, None, Ok(branch)) => match server.merged_into(branch).await {
                    Ok(Some(pulls)) => Source::Known(pulls),
                    Ok(None) => {
                        by_commit = true;
                        Source::Known(Vec::new())
                    }
                    Err(absent) => absent.into(),
                },
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
            brought: Vec::new(),
            elsewhere: Vec::new(),
            teams: Vec::new(),
            issues: Vec::new(),
        };
        Ok(Asked {
            server,
            forge,
            by_commit,
        })
    }

    /// What has to be asked once it is known which commits are judged.
    pub(super) async fn ask_forge_more(
        &self,
        asked: Asked,
        facts: &Facts<'_>,
        wants: Wants,
        mut objects: Option<Objects<'_>>,
    ) -> Forge {
        let Asked {
            server,
            mut forge,
            by_commit,
        } = asked;
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
        if by_commit && let Source::Known(range) = &history.range {
            let commits: Vec<CommitId> = range.iter().map(|change| change.id.clone()).collect();
            forge.pulls = known(server.merged_as(&commits, &forge.branch).await);
        }
        if facts.build.event == Event::PullRequest
            && let Source::Known(mut pulls) = forge.pulls.clone()
        {
            self.compare(&mut forge, &mut pulls, &HashSet::new(), &mut objects)
                .await;
            forge.pulls = Source::Known(pulls);
        }
        if facts.build.event != Event::PullRequest && wants.pulls {
            self.came(&server, &mut forge, history, wants, &mut objects)
                .await;
        }
        if wants.forward {
            forge.forward = self
                .forward(&server, &forge.branch, history, &mut objects)
                .await;
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
    ) -> Option<Source<OtherPulls>> {
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
        let mut heads: Vec<(u64, Branch)> = heads.collect();
        let unread = heads.len().saturating_sub(MOST_OPEN);
        heads.truncate(MOST_OPEN);
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
        let answer = answer.await.unwrap_or_else(Source::from);
        Some(answer.then(|raising| {
            let raising = raising.clone();
            Source::Known(OtherPulls { raising, unread })
        }))
    }

    /// Asks git what the merges of pull requests have brought, and which of their own commits are nothing
    /// but merges.
    async fn compare(
        &self,
        forge: &mut Forge,
        pulls: &mut [Pull],
        judged: &HashSet<CommitId>,
        objects: &mut Option<Objects<'_>>,
    ) {
        let questions = pulls
            .iter()
            .filter_map(|pull| Some((pull.number, merge(pull, judged)?)));
        let (numbers, questions): (Vec<u64>, Vec<Merge>) = questions.unzip();
        let answers = self.merges(questions, objects).await;
        forge.brought = numbers.into_iter().zip(answers).collect();
        let headless = pulls
            .iter()
            .filter(|pull| CommitId::parse(&pull.head).is_none());
        forge.brought.extend(headless.map(|pull| {
            let because = format!("the forge names no commit of pull request {}", pull.number);
            let advice = "check `policy.forge`".to_owned();
            let retry = false;
            (
                pull.number,
                Source::Unknown {
                    because,
                    retry,
                    advice,
                },
            )
        }));
        for pull in pulls {
            let said = forge
                .brought
                .iter()
                .find(|(number, _)| *number == pull.number);
            let Some((_, Source::Known(said))) = said else {
                continue;
            };
            for commit in &mut pull.commits {
                commit.pure = said.pure.iter().any(|id| id.as_str() == commit.id);
            }
        }
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
        let mut pulls = pulls;
        let judged: HashSet<CommitId> = range.iter().map(|change| change.id.clone()).collect();
        self.compare(forge, &mut pulls, &judged, objects).await;
        let direct: Vec<CommitId> = ways(forge, &pulls, range)
            .direct
            .iter()
            .take(if wants.strays { MOST_ELSEWHERE } else { 0 })
            .map(|direct| direct.change.id.clone())
            .collect();
        for id in direct {
            // It only explains what is wrong; without it that stays as wrong.
            if let Ok(Some((number, base))) = server.came_by(&id).await {
                forge.elsewhere.push((id, number, base));
            }
        }
        forge.pulls = Source::Known(pulls);
    }
}

/// What git is asked about a pull request; nothing if its commits are there as they are and none of them
/// is a merge.
fn merge(pull: &Pull, judged: &HashSet<CommitId>) -> Option<Merge> {
    let ids = |merges: bool| {
        let commits = pull.commits.iter().filter(move |one| one.merge || !merges);
        commits.filter_map(|one| CommitId::parse(&one.id)).collect()
    };
    let question = Merge {
        merged: pull.merged.clone(),
        head: CommitId::parse(&pull.head)?,
        own: ids(false),
        merges: ids(true),
        range: judged.clone(),
    };
    let is_own = |id: &CommitId| question.own.contains(id);
    let asks = question.merged.as_ref().is_some_and(|id| !is_own(id));
    (asks || !question.merges.is_empty()).then_some(question)
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
