//! Where objects lie, the checkout's and the fetched ones, and what was read of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::facts::git::Workspace;
use crate::facts::history::History;
use crate::facts::remote::{Fetch, Remote};
use crate::facts::train::TrainFacts;
use crate::facts::{Absent, Source};
use crate::git::Gap;
use crate::git::objects::Objects;
use crate::git::refs::References;
use crate::hotfix::CommitId;
use crate::pipeline::FileText;

/// The remote of the repository, and what it lists.
pub(in crate::run) struct Listed {
    pub(in crate::run) remote: Remote,
    pub(in crate::run) references: Arc<References>,
}

/// What was read of the objects.
pub(super) struct Seen {
    pub(super) history: Source<History>,
    /// What git says of the train; `None` if nobody asked.
    pub(super) train: Option<Source<TrainFacts>>,
    /// Whether more of the history may answer more.
    pub(super) cut: bool,
    /// The pipeline files of the built commit, of the default branch, and of the base.
    pub(super) built: Source<Vec<FileText>>,
    pub(super) default: Source<Vec<FileText>>,
    pub(super) base: Option<Vec<FileText>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self::without(&Absent::NotConfigured(
            "the remote was not asked".to_owned(),
        ))
    }
}

impl Seen {
    pub(super) fn without(absent: &Absent) -> Self {
        Self {
            history: absent.clone().into(),
            train: None,
            cut: false,
            built: absent.clone().into(),
            default: absent.clone().into(),
            base: None,
        }
    }
}

/// Room for what is fetched; it is emptied when it goes out of scope.
pub(in crate::run) fn scratch() -> Result<tempfile::TempDir, Absent> {
    let scratch = tempfile::Builder::new().prefix("drone-hotfix-").tempdir();
    scratch.map_err(|error| Absent::Unknown {
        because: format!("there is no room for what is fetched from the remote ({error})"),
        retry: false,
        advice: "let the step write to its temporary directory (`/tmp`)".to_owned(),
    })
}

/// Where objects lie, the checkout's and the fetched ones.
#[derive(Clone)]
pub(in crate::run) struct Store {
    pub(in crate::run) objects: Vec<PathBuf>,
    pub(in crate::run) shallow: Vec<CommitId>,
}

impl Store {
    pub(in crate::run) fn of(workspace: &Workspace) -> Self {
        Self {
            objects: workspace.objects.clone(),
            shallow: workspace.shallow.clone(),
        }
    }

    /// Room for what the remote alone has.
    pub(in crate::run) const fn empty() -> Self {
        Self {
            objects: Vec::new(),
            shallow: Vec::new(),
        }
    }

    pub(in crate::run) fn missing(&self, needed: &[CommitId]) -> Result<Vec<CommitId>, Gap> {
        let objects = Objects::open(&self.objects, &self.shallow)?;
        Ok(needed
            .iter()
            .filter(|id| !objects.has(id))
            .cloned()
            .collect())
    }

    pub(in crate::run) async fn fetch(
        &mut self,
        remote: &Remote,
        fetch: &Fetch<'_>,
        into: &Path,
    ) -> Result<(), Absent> {
        if fetch.wants.is_empty() {
            return Ok(());
        }
        let fetched = remote
            .fetch(fetch, into)
            .await
            .map_err(|error| Absent::from(&error))?;
        for directory in fetched.objects {
            if !self.objects.contains(&directory) {
                self.objects.push(directory);
            }
        }
        self.shallow.extend(fetched.shallow);
        self.shallow.retain(|id| !fetched.unshallow.contains(id));
        self.shallow.sort();
        self.shallow.dedup();
        Ok(())
    }
}
