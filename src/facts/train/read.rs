//! From the references of the remote and the objects of the checkout to [`TrainFacts`].

use super::others::Mine;
use super::{File, Known, Other, Snapshot, TrainFacts};
use crate::ci::Event;
use crate::facts::history::{Head, History};
use crate::facts::{Facts, Source};
use crate::git::Gap;
use crate::git::objects::{Deadline, Objects};
use crate::git::refs::References;
use crate::hotfix::CommitId;
use crate::policy::train::Train;
use crate::train::by_age;
use crate::train::changelog::ChangeLog;
use crate::train::spec::Spec;

/// The longest spec file and the longest change log that are read, in bytes.
const LONGEST_SPEC: usize = 256 * 1024;
const LONGEST_CHANGELOG: usize = 4 * 1024 * 1024;
/// The most trains that are told apart, and the most other branches that are looked at.
const MOST_TRAINS: usize = 10_000;
const MOST_OTHERS: usize = 200;

/// What is to be asked of git about a train.
#[derive(Debug, Clone)]
pub struct Question {
    pub(super) train: Train,
    pub(super) branch: String,
    trains: Vec<Known>,
    /// Of a pull request: the head of its base.
    base: Option<CommitId>,
    pub(super) others: Source<Vec<Head>>,
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

    /// What `Version` is of the train that is judged.
    pub(super) fn own_version(&self) -> Option<String> {
        let name = self.train.branches.group(&self.branch)?;
        Some(format!("{}{name}", self.train.version_prefix))
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
            Some(base) => reader.ask(reader.of_pull_request(history, base, &history.tip)),
            None => history
                .base
                .then(|base| reader.ask(reader.of_push(history, &base.commits, &history.tip))),
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
            let (mine, deadline) = (Mine::of(start, &train.tip), Deadline::start());
            for (number, head) in heads {
                if let Err(gap) = deadline.check() {
                    return Err(gap).into();
                }
                match reader.other(head, &mine) {
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

/// Reads of one train.
pub(super) struct Reader<'a> {
    pub(super) question: &'a Question,
    pub(super) objects: &'a Objects,
    cut: std::cell::Cell<bool>,
}

impl Reader<'_> {
    pub(super) fn ask<T>(&self, answer: Result<T, Gap>) -> Source<T> {
        let cut = answer.as_ref().is_err_and(Gap::is_shallow);
        self.cut.set(self.cut.get() || cut);
        answer.into()
    }

    pub(super) fn snapshot(&self, commit: &CommitId) -> Snapshot {
        Snapshot {
            commit: commit.clone(),
            spec: self.ask(self.spec(commit)),
            changelog: self.ask(self.changelog(commit)),
        }
    }

    pub(super) fn spec(&self, commit: &CommitId) -> Result<File<Spec>, Gap> {
        let file = self
            .objects
            .file(commit, &self.question.train.spec, LONGEST_SPEC)?;
        Ok(text(file, Spec::parse))
    }

    pub(super) fn changelog(&self, commit: &CommitId) -> Result<File<ChangeLog>, Gap> {
        let train = &self.question.train;
        let file = self
            .objects
            .file(commit, &train.changelog, LONGEST_CHANGELOG)?;
        let is_train = |name: &str| train.branches.is_match(name);
        let named = [self.question.branch.as_str()];
        Ok(text(file, |text| ChangeLog::parse(text, &is_train, &named)))
    }
}

/// What a file says, where it is a text.
pub(super) const fn read_of<T>(file: &File<T>) -> Option<&T> {
    match file {
        File::Read(read) | File::Latin1(read) => Some(read),
        File::Missing | File::NoText => None,
    }
}

fn text<T>(file: Option<Vec<u8>>, parse: impl FnOnce(&str) -> T) -> File<T> {
    match file {
        None => File::Missing,
        // A NUL byte is what git takes for the mark of a binary file.
        Some(bytes) if bytes.contains(&0) => File::NoText,
        Some(bytes) => match String::from_utf8(bytes) {
            Ok(text) => File::Read(parse(&text)),
            Err(error) => {
                let text: String = error
                    .as_bytes()
                    .iter()
                    .map(|byte| char::from(*byte))
                    .collect();
                File::Latin1(parse(&text))
            }
        },
    }
}
