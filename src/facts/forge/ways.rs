//! How the commits of a hotfix came into its branch (process.md A11, A18, A23): by which merged pull
//! requests, and which by none. Pure.

use super::brought::{Beside, Brought};
use super::{Forge, Pull};
use crate::facts::Source;
use crate::facts::history::Change;

/// How the commits of a hotfix came into its branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways<'a> {
    /// The pull requests that brought at least one of them.
    pub pulls: Vec<&'a Pull>,
    /// Those that came by none, the newest first.
    pub direct: Vec<Direct<'a>>,
    /// Those of which git could not say whether they came by a pull request: with its number, and why.
    pub unsure: Vec<(&'a Change, u64, &'a Source<Brought>)>,
}

/// A commit that came by no pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Direct<'a> {
    /// The commit.
    pub change: &'a Change,
    /// The pull request that it is said to have merged, and what it has beside that.
    pub beside: Option<(u64, &'a Beside)>,
}

/// How each commit of `range`, the newest first, came into the branch: as a commit of a pull request that
/// was merged as it is, as its merge, as what it was squashed to, or as a rebased copy.
pub fn ways<'a>(forge: &'a Forge, pulls: &'a [Pull], range: &'a [Change]) -> Ways<'a> {
    let mut covered = vec![false; range.len()];
    let mut brought = Vec::new();
    let mut open = Vec::new();
    let mut besides = Vec::new();
    for pull in pulls {
        // A pull request whose merge is not in the range has brought nothing that is judged here.
        let is_merge = |change: &&Change| Some(&change.id) == pull.merged.as_ref();
        let Some(last) = range.iter().position(|change| is_merge(&change)) else {
            continue;
        };
        brought.push(pull);
        let own = |change: &Change| {
            let mut commits = pull.commits.iter();
            commits.any(|commit| commit.id == change.id.as_str())
        };
        let said = forge
            .brought
            .iter()
            .find(|(number, _)| *number == pull.number);
        for (at, change) in range.iter().enumerate() {
            let by_git = match said {
                Some((_, Source::Known(said))) => said.commits.contains(&change.id),
                _ => false,
            };
            covered[at] = covered[at] || by_git || own(change);
        }
        match said {
            Some((_, Source::Known(said))) => {
                let beside = said.beside.as_ref();
                besides.extend(beside.map(|beside| (last, pull.number, beside)));
            }
            Some((_, absent)) => open.push((last, pull, absent)),
            None => {}
        }
    }
    // Where git could not be asked, the merge and as many commits below it as the pull request has may have
    // come by it.
    let mut unsure: Vec<(&Change, u64, &Source<Brought>)> = Vec::new();
    for (last, pull, absent) in open {
        let below = range.iter().zip(&covered).skip(last);
        let below = below.filter(|(_, covered)| !**covered);
        for (change, _) in below.take(pull.commits.len().max(1)) {
            unsure.push((change, pull.number, absent));
        }
    }
    let direct = range.iter().enumerate().filter_map(|(at, change)| {
        let maybe = unsure.iter().any(|(one, ..)| one.id == change.id);
        let beside = besides.iter().find(|(place, ..)| *place == at);
        (!covered[at] && !maybe).then_some(Direct {
            change,
            beside: beside.map(|(_, number, beside)| (*number, *beside)),
        })
    });
    let direct = direct.collect();
    Ways {
        pulls: brought,
        direct,
        unsure,
    }
}
