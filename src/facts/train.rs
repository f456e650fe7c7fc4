//! What git says of a train: which trains the remote has, and what its spec file and its change log say
//! where the hotfix starts and at its tip (B07, B09, B10). Plain data; [`read`] makes it.

mod numbers;
mod others;
pub mod read;

use super::Source;
use crate::hotfix::CommitId;
use crate::train::changelog::ChangeLog;
use crate::train::spec::{Release, Spec};

/// What is known of the train that is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainFacts {
    /// Its branch.
    pub branch: String,
    /// Every train of the remote, the newest first.
    pub trains: Vec<Known>,
    /// Where the hotfix starts.
    pub start: Source<Start>,
    /// The judged commit.
    pub tip: Snapshot,
    /// Of a pull request: the train as it is now, if it has moved on since the pull request began.
    pub moved: Option<Snapshot>,
    /// Other branches of the remote that raise `Release` of the same `Version`.
    pub others: Source<Vec<Other>>,
    /// Open pull requests into the train that do, where the forge can be asked.
    pub pulls: Source<OtherPulls>,
}

/// A train of the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its branch.
    pub branch: String,
    /// Its name, as `Version` has it behind the prefix.
    pub name: String,
    /// The branch or tag that says that it was derailed: given up.
    pub derailed: Option<String>,
}

/// Where a hotfix starts, and what came since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// How it was found.
    pub found: Found,
    /// What the files say there.
    pub snapshot: Snapshot,
    /// Every commit since then, merged ones too.
    pub commits: Source<Vec<CommitId>>,
    /// The last number that was right; `None` if none could be read.
    pub right: Option<Right>,
    /// Whether the judged commit has that number, and the number covers all.
    pub settled: bool,
    /// The commits that the last right number does not cover, and that change what goes into the package;
    /// the newest first. Of a pull request, which is judged as a whole, its head.
    pub unnumbered: Vec<CommitId>,
    /// Whether the number and the change log were changed by one commit (B11); `None` if that was not
    /// looked at, or if the number is not right.
    pub in_one: Option<bool>,
    /// Numbers before the last one of which the change log has no line.
    pub unlined: Vec<u32>,
}

impl Start {
    /// Whether what is judged has raised the number itself; of a pull request not the train before it.
    pub fn raises(&self, tip: &Snapshot) -> bool {
        self.right.as_ref().is_some_and(|right| {
            let own = self.found != Found::PullRequest || right.commit == tip.commit;
            right.how == How::Next && own
        })
    }
}

/// A number that was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// `Version`.
    pub version: String,
    /// `Release`.
    pub release: Release,
    /// The commit that has brought it.
    pub commit: CommitId,
    /// Why it counts as right.
    pub how: How,
}

/// Why a number counts as right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It was there where the hotfixes of this train begin.
    Base,
    /// It is the next one after one that was right.
    Next,
    /// The train begins with it: `Version` became that of the train.
    Begin,
    /// None could be read before.
    WrittenOut,
}

/// How the start was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is where the pull request leaves the train.
    PullRequest,
    /// It is the commit of the number before.
    Number,
    /// It is where the train begins, or where what runs in production lies on it.
    Base,
}

/// What the two files say at one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit.
    pub commit: CommitId,
    /// The spec file.
    pub spec: Source<File<Spec>>,
    /// The change log.
    pub changelog: Source<File<ChangeLog>>,
}

/// A file of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum File<T> {
    /// There is none, or what is there is no file (a directory, a link, a submodule).
    Missing,
    /// It is no text.
    NoText,
    /// It is no UTF-8 text; as Latin-1 it says this.
    Latin1(T),
    /// What it says.
    Read(T),
}

/// Open pull requests of others into a train.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherPulls {
    /// Those that raise `Release` of the same `Version`.
    pub raising: Vec<Other>,
    /// How many were not looked through, because there are so many.
    pub unread: usize,
}

/// Somebody else's work on the same train.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its branch.
    pub branch: String,
    /// The number of its pull request, where the forge named one.
    pub pull_request: Option<u64>,
    /// The `Release` that it goes to.
    pub release: u32,
}
