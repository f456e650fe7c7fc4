//! From a [`Plan`] and the objects of the checkout to [`History`].

use std::collections::HashSet;

use super::commits::range;
use super::notes::notes;
use super::plan::Plan;
use super::ports::{Search, ports};
use super::services::services;
use super::{Base, Change, Found, History, Kept, Placed, Port, What};
use crate::facts::Source;
use crate::git::Gap;
use crate::git::changes::FileChange;
use crate::git::objects::Objects;
use crate::hotfix::CommitId;
use crate::policy::is_release;

/// The most commits of one running version that are followed.
const MOST: usize = 2_000;
/// The most tags that are named for one commit; one real commit has 27 releases.
const MOST_TAGS: usize = 50;

impl Plan {
    fn ask<T>(&self, answer: Result<T, Gap>) -> Source<T> {
        let cut = answer.as_ref().is_err_and(Gap::is_shallow);
        self.cut.set(self.cut.get() || cut);
        answer.into()
    }

    /// Asks git. Everything that cannot be answered is unknown by itself. Also says whether more of
    /// the history may answer more.
    pub fn read(mut self, objects: &Objects) -> (Source<History>, bool) {
        let history = self.history(objects);
        (history, self.cut.get())
    }

    fn history(&mut self, objects: &Objects) -> Source<History> {
        let tip = match self.tip.or_absent() {
            Ok(tip) => tip.clone(),
            Err(absent) => return absent,
        };
        if let Err(absent) = self.ask(objects.commit(&tip)).or_absent::<History>() {
            return absent;
        }
        self.running = self.running.then(|placed| {
            let mut placed = placed.clone();
            for version in &mut placed {
                let below = |commit: &CommitId| self.ask(objects.is_ancestor(commit, &tip));
                version.below = version.commit.then(below);
            }
            Source::Known(placed)
        });
        let mut base = self.base(objects, &tip);
        let mut range = base.then(|base| self.range(objects, &base.commits, &tip));
        if let Some((below, wider)) = self.beneath(objects, &tip, &base) {
            base = below;
            range = wider;
        }
        let single = base.then(|base| match base.commits.as_slice() {
            [one] => Source::Known(one.clone()),
            _ => Source::Unknown {
                because: "the hotfix starts at more than one commit".to_owned(),
                retry: false,
                advice: "branch off one release".to_owned(),
            },
        });
        let files = single.then(|base| self.ask(objects.changes(Some(base), &tip)));
        let log = self.changelog.as_deref();
        let added = |base: &CommitId, files: &Vec<FileChange>| {
            self.ask(notes(objects, base, &tip, files, log))
        };
        let notes = single.then(|base| files.then(|files| added(base, files)));
        let revertible = single.then(|base| self.ask(objects.reverts_cleanly(base, &tip, &tip)));
        let ports = self
            .default
            .then(|head| self.ask(self.ports(objects, &tip, &head.commit)));
        let kept = self.kept(objects, &tip);
        Source::Known(History {
            services: self.ask(services(objects, &tip)),
            tip,
            default: self.default.clone(),
            running: self.running.clone(),
            base,
            range,
            files,
            notes,
            revertible,
            ports,
            same_tag: self.same_tag.clone(),
            kept,
        })
    }

    /// The commits of a hotfix. What comes from either of two branches that are called the default one
    /// is foreign, and the one it comes from is the one that counts.
    fn range(
        &mut self,
        objects: &Objects,
        base: &[CommitId],
        tip: &CommitId,
    ) -> Source<Vec<Change>> {
        let of = |default| self.ask(range(objects, base, tip, default));
        let said = of(self.default.get());
        let Some(also) = &self.also else {
            return said;
        };
        let foreign = |found: &Source<Vec<Change>>| {
            found
                .get()
                .is_some_and(|range| range.iter().any(|change| change.from_default))
        };
        // What could not be compared with the one is not cleared by the other.
        if said.get().is_none() || foreign(&said) {
            return said;
        }
        let other = of(Some(also));
        if foreign(&other) {
            self.default = Source::Known(also.clone());
        }
        other
    }

    /// A hotfix that runs is found by the head of its branch, which may have moved on since and taken
    /// from the default branch what does not run. If it may have, the start is the release below it,
    /// and the range all that came since.
    fn beneath(
        &mut self,
        objects: &Objects,
        tip: &CommitId,
        base: &Source<Base>,
    ) -> Option<(Source<Base>, Source<Vec<Change>>)> {
        let base = base.get().filter(|base| base.found == Found::Running)?;
        let is_hotfix = |version: &Placed| {
            let known = version.commit.get();
            matches!(version.what, What::Hotfix(_))
                && known.is_some_and(|commit| base.commits.contains(commit))
        };
        if !self.running.get()?.iter().any(is_hotfix) {
            return None;
        }
        let below = match self.released(objects, tip) {
            Ok(below) if below.is_empty() || below == base.commits => return None,
            below => self.ask(below),
        };
        let range = below.then(|below| self.range(objects, below, tip));
        if let Source::Known(range) = &range
            && !range.iter().any(|change| change.from_default)
        {
            return None;
        }
        let base = below.then(|below| Source::Known(self.based(below.clone(), Found::Release)));
        Some((base, range))
    }

    fn based(&self, commits: Vec<CommitId>, found: Found) -> Base {
        let is_release = |tag: &str| is_release(tag, self.pattern.as_ref());
        let mut tags: Vec<String> = self
            .references
            .tags()
            .filter(|(tag, commit)| commits.contains(commit) && is_release(tag))
            .map(|(tag, _)| tag.to_owned())
            .take(MOST_TAGS)
            .collect();
        tags.sort_by(|a, b| newest_first(a, b));
        Base {
            commits,
            tags,
            found,
        }
    }

    /// Versions that run and that a hotfix may start at: not an earlier state of itself.
    fn starts(&self, tip: &CommitId) -> HashSet<CommitId> {
        let Source::Known(placed) = &self.running else {
            return HashSet::new();
        };
        placed
            .iter()
            .filter(|version| version.runs && version.below == Source::Known(true))
            .filter_map(|version| {
                let Source::Known(commit) = &version.commit else {
                    return None;
                };
                let may = match &version.what {
                    What::Release(_) | What::Train(_) => true,
                    What::Hotfix(branch) => {
                        commit != tip && (branch.is_none() || *branch != self.own)
                    }
                    What::Other => commit != tip,
                };
                may.then(|| commit.clone())
            })
            .collect()
    }

    fn base(&self, objects: &Objects, tip: &CommitId) -> Source<Base> {
        let running = self.starts(tip);
        let found = objects.nearest(tip, &running).and_then(|commits| {
            if !commits.is_empty() {
                return Ok((Found::Running, commits));
            }
            let commits = objects.nearest(tip, &self.releases)?;
            if !commits.is_empty() {
                return Ok((Found::Release, commits));
            }
            let head = self.default.get();
            let bases = head.map(|head| objects.merge_bases(&head.commit, tip));
            Ok((Found::Fork, bases.transpose()?.unwrap_or_default()))
        });
        match found {
            Ok((_, commits)) if commits.is_empty() => Source::Unknown {
                because: "no release lies below the commit, and it shares no history with the \
                          default branch"
                    .to_owned(),
                retry: false,
                advice: "branch off the git tag of what runs in production".to_owned(),
            },
            Ok((found, commits)) => Source::Known(self.based(commits, found)),
            Err(gap) => self.ask(Err(gap)),
        }
    }

    /// The releases below a commit, itself apart: one may have been made of the hotfix.
    fn released(&self, objects: &Objects, tip: &CommitId) -> Result<Vec<CommitId>, Gap> {
        let running: HashSet<CommitId> = match &self.running {
            Source::Known(placed) => placed
                .iter()
                .filter(|version| matches!(version.what, What::Release(_) | What::Train(_)))
                .filter_map(|version| match &version.commit {
                    Source::Known(commit) if commit != tip => Some(commit.clone()),
                    _ => None,
                })
                .collect(),
            _ => HashSet::new(),
        };
        let below = objects.nearest(tip, &running)?;
        if !below.is_empty() {
            return Ok(below);
        }
        if !self.releases.contains(tip) {
            return objects.nearest(tip, &self.releases);
        }
        let mut others = self.releases.clone();
        others.remove(tip);
        objects.nearest(tip, &others)
    }

    fn ports(
        &self,
        objects: &Objects,
        tip: &CommitId,
        default: &CommitId,
    ) -> Result<Vec<Port>, Gap> {
        let mut below = self.released(objects, tip)?;
        if below.is_empty() {
            below = objects.merge_bases(default, tip)?;
        }
        if below.is_empty() {
            return Err(Gap::Limit(
                "no release lies below the commit, so all of its history would be compared"
                    .to_owned(),
            ));
        }
        since(objects, &below, tip, default)
    }

    /// What runs on the target of a promotion to production and was made for it alone: the commits of
    /// a hotfix above its release, and those of a release that the default branch does not have.
    fn kept(&self, objects: &Objects, tip: &CommitId) -> Source<Vec<Kept>> {
        if !self.to_production {
            return Source::NotConfigured("nothing is promoted to production".to_owned());
        }
        self.running.then(|placed| {
            let mut kept = Vec::new();
            for version in placed.iter().filter(|version| version.runs) {
                let ports = version
                    .commit
                    .then(|commit| self.ask(self.kept_of(objects, tip, &version.what, commit)));
                match ports.or_absent() {
                    Ok(ports) if ports.is_empty() => {}
                    Ok(ports) => kept.push(Kept {
                        text: version.text.clone(),
                        target: version.target.clone(),
                        ports: ports.clone(),
                    }),
                    Err(absent) => return absent,
                }
            }
            Source::Known(kept)
        })
    }

    fn kept_of(
        &self,
        objects: &Objects,
        tip: &CommitId,
        what: &What,
        commit: &CommitId,
    ) -> Result<Vec<Port>, Gap> {
        let mut below = match what {
            What::Hotfix(_) => self.released(objects, commit)?,
            What::Release(_) | What::Train(_) | What::Other => Vec::new(),
        };
        if below.is_empty() {
            let Source::Known(default) = &self.default else {
                return Err(Gap::Limit(
                    "the default branch is not known, so nobody can say which commits were made for \
                     production alone"
                        .to_owned(),
                ));
            };
            below = objects.merge_bases(&default.commit, commit)?;
        }
        since(objects, &below, commit, tip)
    }
}

/// How `onto` has what came between `below` and `tip`.
fn since(
    objects: &Objects,
    below: &[CommitId],
    tip: &CommitId,
    onto: &CommitId,
) -> Result<Vec<Port>, Gap> {
    let commits = objects.only_in(std::slice::from_ref(tip), below, MOST)?;
    let base = match below {
        [one] => Some(one),
        _ => None,
    };
    let search = Search {
        commits: &commits,
        base,
        tip,
        onto,
    };
    ports(objects, &search)
}

/// Compares versions so that the newest comes first; what is no version comes last.
fn newest_first(a: &str, b: &str) -> std::cmp::Ordering {
    let version = |tag: &str| semver::Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok();
    version(b).cmp(&version(a)).then_with(|| a.cmp(b))
}
