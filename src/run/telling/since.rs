//! What a deployment ticket counts the changes from (B12b): of a train the release before, of any other
//! hotfix where it starts.

use crate::facts::history::{Base, Found};
use crate::facts::train::{File, Snapshot, TrainFacts};
use crate::facts::{Facts, shorten};
use crate::hotfix::CommitId;
use crate::policy::train::Train;

/// Where the changes of a ticket begin.
pub(super) struct Since<'a> {
    /// It in prose: `` `0.2012.04.27-4` (abc1234) ``.
    pub(super) text: Option<String>,
    /// The commits since then; `None` for all that the hotfix has.
    commits: Option<&'a [CommitId]>,
}

impl Since<'_> {
    /// Whether a commit came since then.
    pub(super) fn has(&self, commit: &CommitId) -> bool {
        self.commits.is_none_or(|commits| commits.contains(commit))
    }
}

/// What the ticket of this build counts from.
pub(super) fn of<'a>(facts: &'a Facts<'_>) -> Since<'a> {
    let base = facts.history.get().and_then(|history| history.base.get());
    match (&facts.policy.train, facts.train.get()) {
        (Some(policy), Some(train)) => of_train(policy, train, base),
        _ => Since {
            text: base.map(Base::describe),
            commits: None,
        },
    }
}

/// Of a train: the commit that set the release before. Where the history does not say it, or the release
/// is the first of its version, all that the train has came since it began.
fn of_train<'a>(policy: &Train, train: &'a TrainFacts, base: Option<&Base>) -> Since<'a> {
    let before = || {
        let start = train.start.get()?;
        let (before, now) = (numbers(&start.snapshot)?, numbers(&train.tip)?);
        let commits = start.commits.get()?;
        let raised = before.0 == now.0 && before.1 < now.1;
        raised.then(|| Since {
            text: Some(format!(
                "`{}` ({})",
                named(before),
                start.snapshot.commit.short()
            )),
            commits: Some(commits),
        })
    };
    before().unwrap_or_else(|| Since {
        text: base.map(|base| match base.found {
            Found::Fork if policy.branches.is_match(&train.branch) => {
                format!("the train began ({})", base.describe())
            }
            _ => base.describe(),
        }),
        commits: None,
    })
}

/// What a train calls the build: the version and the release of its spec file, without what is filled in
/// when it is built.
pub(super) fn version(facts: &Facts<'_>) -> Option<String> {
    numbers(&facts.train.get()?.tip).map(named)
}

fn numbers(snapshot: &Snapshot) -> Option<(&str, u32)> {
    let File::Read(spec) = snapshot.spec.get()? else {
        return None;
    };
    Some((spec.version().ok()?, spec.release().ok()?.number))
}

fn named((version, release): (&str, u32)) -> String {
    format!("{}-{release}", shorten(version))
}
