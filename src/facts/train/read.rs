//! From the references of the remote and the objects of the checkout to [`TrainFacts`].

use std::collections::HashSet;

use super::{File, Found, Known, Other, Snapshot, Start, TrainFacts};
use crate::ci::Event;
use crate::facts::history::commits::merges;
use crate::facts::history::{Head, History};
use crate::facts::{Facts, Source};
use crate::git::Gap;
use crate::git::objects::Objects;
use crate::git::refs::References;
use crate::hotfix::CommitId;
use crate::policy::train::Train;
use crate::train::by_age;
use crate::train::changelog::ChangeLog;
use crate::train::spec::Spec;

/// The longest spec file and the longest change log that are read, in bytes.
const LONGEST_SPEC: usize = 256 * 1024;
const LONGEST_CHANGELOG: usize = 4 * 1024 * 1024;
/// The most commits of one train that are looked at to find the number before.
const MOST: usize = 1_000;
/// The most commits without a number that are named.
const MOST_UNNUMBERED: usize = 100;
/// The most trains that are told apart, and the most other branches that are looked at.
const MOST_TRAINS: usize = 10_000;
const MOST_OTHERS: usize = 200;

/// What is to be asked of git about a train.
#[derive(Debug, Clone)]
pub struct Question {
    train: Train,
    branch: String,
    trains: Vec<Known>,
    /// Of a pull request: the head of its base.
    base: Option<CommitId>,
    others: Source<Vec<Head>>,
}

/// Reads from the references of the remote what is to be asked; `own` is the branch that is judged.
/// `None` without `policy.train`, and for what is of no branch.
pub fn question(facts: &Facts<'_>, own: Option<&str>, references: &References) -> Option<Question> {
    let train = facts.policy.train.clone()?;
    let branch = own?.to_owned();
    let trains = trains(&train, references);
    let pull_request = facts.build.event == Event::PullRequest;
    let base = references.branch(&branch).filter(|_| pull_request).cloned();
    let mine = [Some(branch.as_str()), facts.build.source_branch.as_deref()];
    let default = [
        facts.build.default_branch.as_deref(),
        references.head_branch(),
    ];
    let others = references
        .branches()
        .filter(|(name, commit)| {
            let known = mine.contains(&Some(name)) || default.contains(&Some(name));
            !known && **commit != facts.build.commit && !train.branches.is_match(name)
        })
        .map(|(name, commit)| Head {
            name: name.to_owned(),
            commit: commit.clone(),
        });
    let others: Vec<Head> = others.take(MOST_OTHERS + 1).collect();
    let others = match others.len() > MOST_OTHERS {
        true => Source::NotConfigured(format!("the remote has more than {MOST_OTHERS} branches")),
        false => Source::Known(others),
    };
    Some(Question {
        train,
        branch,
        trains,
        base,
        others,
    })
}

/// The trains of a remote, the newest first.
fn trains(train: &Train, references: &References) -> Vec<Known> {
    let derailed = |branch: &str| {
        references.iter().find_map(|reference| {
            let name = reference.name.strip_prefix("refs/")?;
            let name = name.split_once('/')?.1;
            let rest = name.strip_prefix(branch)?;
            let rest = rest.trim_start_matches(['-', '_', '.', '/', '+']);
            rest.eq_ignore_ascii_case("derailed")
                .then(|| name.to_owned())
        })
    };
    let named = references
        .branches()
        .filter_map(|(branch, _)| Some((branch, train.branches.group(branch)?)));
    let mut trains: Vec<Known> = named
        .take(MOST_TRAINS)
        .map(|(branch, name)| Known {
            branch: branch.to_owned(),
            name: name.to_owned(),
            derailed: None,
        })
        .collect();
    trains.sort_by(|a, b| by_age(&b.name, &a.name).then_with(|| a.branch.cmp(&b.branch)));
    // Of the old ones nobody asks.
    for known in trains.iter_mut().take(100) {
        known.derailed = derailed(&known.branch);
    }
    trains
}

impl Question {
    /// The heads of other branches, which may have to be fetched.
    pub fn others(&self) -> Vec<CommitId> {
        let heads = self.others.get().into_iter().flatten();
        let mut ids: Vec<CommitId> = heads.map(|head| head.commit.clone()).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// The commit that the answer needs beside the judged one.
    pub const fn base(&self) -> Option<&CommitId> {
        self.base.as_ref()
    }

    /// The same question without the other branches; why.
    pub fn without_others(&mut self, because: Source<Vec<Head>>) {
        self.others = because;
    }

    /// Asks git. Also says whether more of the history may answer more.
    pub fn read(&self, objects: &Objects, history: &History) -> (TrainFacts, bool) {
        let reader = Reader {
            question: self,
            objects,
            cut: std::cell::Cell::new(false),
        };
        let tip = reader.snapshot(&history.tip);
        let start = match &self.base {
            Some(base) => reader.ask(reader.of_pull_request(base, &history.tip)),
            None => history
                .base
                .then(|base| reader.ask(reader.of_push(&base.commits, &history.tip))),
        };
        let moved = start.get().zip(self.base.as_ref());
        let moved = moved.filter(|(start, base)| start.snapshot.commit != **base);
        let facts = TrainFacts {
            branch: self.branch.clone(),
            trains: self.trains.clone(),
            moved: moved.map(|(_, base)| reader.snapshot(base)),
            others: match &start {
                Source::Known(start) => reader.others(start, &tip),
                _ => Source::NotConfigured("where the hotfix starts is not known".to_owned()),
            },
            pulls: Source::NotConfigured("the forge was not asked".to_owned()),
            start,
            tip,
        };
        (facts, reader.cut.get())
    }
}

impl Question {
    /// The pull requests into the train that raise `Release` of its `Version`, by number and head. One
    /// whose head is not there is passed by.
    pub fn pull_requests(
        &self,
        objects: &Objects,
        train: &TrainFacts,
        heads: &[(u64, Head)],
    ) -> Source<Vec<Other>> {
        let reader = Reader {
            question: self,
            objects,
            cut: std::cell::Cell::new(false),
        };
        train.start.then(|start| {
            let mut found = Vec::new();
            for (number, head) in heads {
                match reader.other(head, start, &train.tip) {
                    Ok(other) => found.extend(other.map(|other| Other {
                        pull_request: Some(*number),
                        ..other
                    })),
                    Err(Gap::Missing(_)) => {}
                    Err(gap) => return Err(gap).into(),
                }
            }
            Source::Known(found)
        })
    }
}

struct Reader<'a> {
    question: &'a Question,
    objects: &'a Objects,
    cut: std::cell::Cell<bool>,
}

impl Reader<'_> {
    fn ask<T>(&self, answer: Result<T, Gap>) -> Source<T> {
        let cut = answer.as_ref().is_err_and(Gap::is_shallow);
        self.cut.set(self.cut.get() || cut);
        answer.into()
    }

    fn snapshot(&self, commit: &CommitId) -> Snapshot {
        Snapshot {
            commit: commit.clone(),
            spec: self.ask(self.spec(commit)),
            changelog: self.ask(self.changelog(commit)),
        }
    }

    fn spec(&self, commit: &CommitId) -> Result<File<Spec>, Gap> {
        let file = self
            .objects
            .file(commit, &self.question.train.spec, LONGEST_SPEC)?;
        Ok(text(file, Spec::parse))
    }

    fn changelog(&self, commit: &CommitId) -> Result<File<ChangeLog>, Gap> {
        let train = &self.question.train;
        let file = self
            .objects
            .file(commit, &train.changelog, LONGEST_CHANGELOG)?;
        let is_train = |name: &str| train.branches.is_match(name);
        let named = [self.question.branch.as_str()];
        Ok(text(file, |text| ChangeLog::parse(text, &is_train, &named)))
    }

    /// A pull request begins where it leaves the train.
    fn of_pull_request(&self, base: &CommitId, tip: &CommitId) -> Result<Start, Gap> {
        let bases = self.objects.merge_bases(base, tip)?;
        let [one] = bases.as_slice() else {
            return Err(Gap::Limit(match bases.len() {
                0 => "the pull request shares no history with the train".to_owned(),
                _ => "the pull request leaves the train at more than one commit".to_owned(),
            }));
        };
        Ok(Start {
            found: Found::PullRequest,
            snapshot: self.snapshot(one),
            commits: Source::NotConfigured("it is a pull request".to_owned()),
            unnumbered: Vec::new(),
            numbered: None,
            in_one: None,
        })
    }

    /// The state of the train before a commit. A pull puts what was committed here first, and what the train
    /// was until then second; only its message tells that.
    fn before(&self, commit: &CommitId) -> Result<Option<CommitId>, Gap> {
        let commit = self.objects.commit(commit)?;
        let pulled = commit.is_merge() && merges(commit.subject(), &self.question.branch);
        let parents = &commit.parents;
        Ok(parents
            .get(usize::from(pulled))
            .or(parents.first())
            .cloned())
    }

    /// What is pushed begins at the number before the last one, or where the train itself begins. The
    /// first parents are followed: what a merge brought counts as one.
    fn of_push(&self, stops: &[CommitId], tip: &CommitId) -> Result<Start, Gap> {
        let mut at = tip.clone();
        let mut here = self.spec(&at)?;
        let mut since = Since::default();
        for _ in 0..MOST {
            let parent = match stops.contains(&at) {
                true => None,
                false => self.before(&at)?,
            };
            let Some(parent) = parent else {
                return Ok(self.start(Found::Base, (&at, tip), since));
            };
            let there = self.spec(&parent)?;
            if there != here {
                if since.numbered.is_some() {
                    return Ok(self.start(Found::Number, (&at, tip), since));
                }
                let in_one = self.changes(&parent, &at)?.contains(&Changes::ChangeLog);
                since.numbered = Some((at, in_one));
            } else if since.numbered.is_none()
                && since.unnumbered.len() < MOST_UNNUMBERED
                && self.changes(&parent, &at)?.contains(&Changes::Else)
            {
                since.unnumbered.push(at);
            }
            (at, here) = (parent, there);
        }
        Err(Gap::Limit(format!(
            "`{}` was not raised in {MOST} commits",
            self.question.train.spec
        )))
    }

    fn start(&self, found: Found, (at, tip): (&CommitId, &CommitId), since: Since) -> Start {
        let (from, to) = (std::slice::from_ref(at), std::slice::from_ref(tip));
        let numbered = since
            .numbered
            .as_ref()
            .filter(|_| !since.unnumbered.is_empty());
        Start {
            found,
            snapshot: self.snapshot(at),
            commits: self.ask(self.objects.only_in(to, from, MOST)),
            numbered: numbered.map(|(commit, _)| self.snapshot(commit)),
            in_one: since.numbered.map(|(_, in_one)| in_one),
            unnumbered: since.unnumbered,
        }
    }

    fn changes(&self, from: &CommitId, to: &CommitId) -> Result<Vec<Changes>, Gap> {
        let train = &self.question.train;
        let changes = self.objects.changes(Some(from), to)?;
        let paths = changes
            .iter()
            .flat_map(|change| std::iter::once(&change.path).chain(&change.old_path));
        let mut same = None;
        let mut beside = || match same {
            Some(same) => Ok(same),
            None => {
                let now = self
                    .objects
                    .file(to, &train.spec, LONGEST_SPEC)?
                    .unwrap_or_default();
                let then = self
                    .objects
                    .file(from, &train.spec, LONGEST_SPEC)?
                    .unwrap_or_default();
                let [now, then] =
                    [now, then].map(|text| String::from_utf8_lossy(&text).into_owned());
                Ok(*same.insert(Spec::is_same_beside(&then, &now)))
            }
        };
        let mut kinds: Vec<Changes> = paths
            .map(|path| {
                Ok(match path {
                    path if *path == train.spec && beside()? => Changes::Spec,
                    path if *path == train.changelog => Changes::ChangeLog,
                    _ => Changes::Else,
                })
            })
            .collect::<Result<_, Gap>>()?;
        kinds.dedup();
        Ok(kinds)
    }

    /// Branches that have left the train and raise `Release` of its `Version`, each with a change of its
    /// own in the change log that the judged commit does not have: what was taken over by a squash
    /// merge is no other work.
    fn others(&self, start: &Start, tip: &Snapshot) -> Source<Vec<Other>> {
        self.question.others.then(|heads| {
            let mut found = Vec::new();
            for head in heads {
                match self.other(head, start, tip) {
                    Ok(other) => found.extend(other),
                    // One that is not there is nobody's answer for the rest.
                    Err(Gap::Missing(_)) => {}
                    Err(gap) => return Err(gap).into(),
                }
            }
            Source::Known(found)
        })
    }

    fn other(&self, head: &Head, start: &Start, tip: &Snapshot) -> Result<Option<Other>, Gap> {
        if !self.objects.has(&head.commit) {
            return Ok(None);
        }
        let File::Read(spec) = self.spec(&head.commit)? else {
            return Ok(None);
        };
        let Some(File::Read(old)) = start.snapshot.spec.get() else {
            return Ok(None);
        };
        let (Ok(release), Ok(from)) = (spec.release(), old.release()) else {
            return Ok(None);
        };
        if spec.version != old.version
            || release.number <= from.number
            || self.objects.is_ancestor(&head.commit, &tip.commit)?
        {
            return Ok(None);
        }
        let File::Read(log) = self.changelog(&head.commit)? else {
            return Ok(None);
        };
        let Some(File::Read(mine)) = tip.changelog.get() else {
            return Ok(None);
        };
        let own: HashSet<&str> = mine.entries().map(|(_, own)| own.words.as_str()).collect();
        let new = log
            .entries()
            .any(|(_, entry)| !own.contains(entry.words.as_str()));
        Ok(new.then(|| Other {
            branch: head.name.clone(),
            pull_request: None,
            release: release.number,
        }))
    }
}

/// What came since the start of a hotfix.
#[derive(Default)]
struct Since {
    /// The commit that changed the number last, and whether it changed the change log too.
    numbered: Option<(CommitId, bool)>,
    /// The commits after it that change anything but the two files.
    unnumbered: Vec<CommitId>,
}

/// What a commit changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changes {
    Spec,
    ChangeLog,
    Else,
}

fn text<T>(file: Option<Vec<u8>>, parse: impl FnOnce(&str) -> T) -> File<T> {
    match file {
        None => File::Missing,
        Some(bytes) => match String::from_utf8(bytes) {
            // A NUL byte is what git takes for the mark of a binary file.
            Ok(text) if !text.contains('\0') => File::Read(parse(&text)),
            _ => File::NoText,
        },
    }
}
