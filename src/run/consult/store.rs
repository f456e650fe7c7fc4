//! Where objects lie, the checkout's and the fetched ones, and what was read of them.

use std::path::{Path, PathBuf};

use crate::facts::git::Workspace;
use crate::facts::history::History;
use crate::facts::remote::{Fetch, Remote};
use crate::facts::{Absent, Source};
use crate::git::Gap;
use crate::git::objects::Objects;
use crate::hotfix::CommitId;
use crate::pipeline::FileText;

/// What was read of the objects.
pub(super) struct Seen {
    pub(super) history: Source<History>,
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
            cut: false,
            built: absent.clone().into(),
            default: absent.clone().into(),
            base: None,
        }
    }
}

/// Room for what is fetched; it is emptied when it goes out of scope.
pub(super) fn scratch() -> Result<tempfile::TempDir, Absent> {
    let scratch = tempfile::Builder::new().prefix("drone-hotfix-").tempdir();
    scratch.map_err(|error| Absent::Unknown {
        because: format!("there is no room for what is fetched from the remote ({error})"),
        retry: false,
        advice: "let the step write to its temporary directory (`/tmp`)".to_owned(),
    })
}

/// Where objects lie, the checkout's and the fetched ones.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) objects: Vec<PathBuf>,
    pub(super) shallow: Vec<CommitId>,
}

impl Store {
    pub(super) fn of(workspace: &Workspace) -> Self {
        Self {
            objects: workspace.objects.clone(),
            shallow: workspace.shallow.clone(),
        }
    }

    pub(super) fn missing(&self, needed: &[CommitId]) -> Result<Vec<CommitId>, Gap> {
        let objects = Objects::open(&self.objects, &self.shallow)?;
        Ok(needed
            .iter()
            .filter(|id| !objects.has(id))
            .cloned()
            .collect())
    }

    pub(super) async fn fetch(
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
