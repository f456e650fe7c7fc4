//! From a version, as an image tag writes it, to a commit. Pure: the references of the remote are
//! all that is looked at.

use super::{SameTag, What};
use crate::facts::running::Deployed;
use crate::facts::{Source, shorten};
use crate::git::refs::References;
use crate::hotfix::CommitId;
use crate::hotfix::version::TrainVersion;
use crate::policy::Policy;
use crate::policy::train::Train;

/// What a deployed version is, and which commit it was built from.
pub fn locate(
    deployed: &Deployed,
    references: &References,
    policy: &Policy,
) -> (What, Source<CommitId>) {
    if let Some(commit) = &deployed.commit {
        let tag = references
            .tags()
            .find(|(tag, at)| *at == commit && policy.is_release(tag));
        let what = tag.map_or(What::Other, |(tag, _)| What::Release(tag.to_owned()));
        return (what, Source::Known(commit.clone()));
    }
    match (&deployed.tag, &deployed.digest) {
        (Some(tag), _) => of_tag(tag, references, policy),
        (None, Some(digest)) => (
            What::Other,
            unknown(
                format!("the digest {digest} names no commit"),
                "deploy by a tag, or say the version in `policy.running`",
            ),
        ),
        (None, None) => (
            What::Other,
            unknown(
                format!("`{}` names no tag", shorten(&deployed.text)),
                "say the version in `policy.running`",
            ),
        ),
    }
}

/// What an image tag is, and its commit.
pub fn of_tag(tag: &str, references: &References, policy: &Policy) -> (What, Source<CommitId>) {
    if let Some(train) = &policy.train
        && let Some(version) = train.versions.read(tag)
        && let Some(found) = of_train(tag, version, train, references)
    {
        return found;
    }
    if policy.hotfix_tags.recognise(tag) {
        return of_hotfix(tag, references, policy);
    }
    let bare = tag.strip_prefix('v').unwrap_or(tag);
    let with = format!("v{bare}");
    let found: Vec<(&str, &CommitId)> = [bare, &with]
        .into_iter()
        .filter_map(|name| Some((name, references.tag(name)?)))
        .collect();
    match found.as_slice() {
        [] => {}
        [(name, commit)] => return (of_name(name, policy), Source::Known((*commit).clone())),
        [(one, commit), (other, another), ..] if commit != another => {
            let why = format!(
                "the git tags `{}` and `{}` point to different commits",
                shorten(one),
                shorten(other)
            );
            return (
                What::Other,
                unknown(why, "delete the wrong one of the two tags"),
            );
        }
        [(one, commit), (other, _), ..] => {
            let name = if *one == tag { one } else { other };
            return (of_name(name, policy), Source::Known((*commit).clone()));
        }
    }
    if let Some(commit) = whole_commit(tag) {
        return (What::Other, Source::Known(commit));
    }
    let why = format!("the remote has no git tag for `{}`", shorten(tag));
    let advice =
        "push the git tag of the release that runs, or name that release in `policy.running`";
    (What::Other, unknown(why, advice))
}

fn of_name(name: &str, policy: &Policy) -> What {
    if policy.is_release(name) {
        What::Release(name.to_owned())
    } else {
        What::Other
    }
}

/// The tag of a hotfix is found by its branch. The branch may have moved on since; what was built of
/// it last is its head as far as the remote knows.
fn of_hotfix(tag: &str, references: &References, policy: &Policy) -> (What, Source<CommitId>) {
    let branches: Vec<(&str, &CommitId)> = references
        .branches()
        .filter(|(branch, _)| tags_of(branch, policy).any(|made| made == tag))
        .collect();
    match branches.as_slice() {
        [(branch, commit)] => (
            What::Hotfix(Some((*branch).to_owned())),
            Source::Known((*commit).clone()),
        ),
        [] => (
            What::Hotfix(None),
            unknown(
                format!(
                    "no branch of the remote makes the tag `{}`; it was deleted or renamed",
                    shorten(tag)
                ),
                "push the hotfix branch again, at the commit that runs",
            ),
        ),
        [(one, first), (other, second), ..] if first != second => (
            What::Hotfix(None),
            unknown(
                format!(
                    "the branches `{}` and `{}` both make the tag `{}`",
                    shorten(one),
                    shorten(other),
                    shorten(tag)
                ),
                "delete the branch that is not meant",
            ),
        ),
        [(branch, commit), ..] => (
            What::Hotfix(Some((*branch).to_owned())),
            Source::Known((*commit).clone()),
        ),
    }
}

/// The version of a train or of its hotfix; `None` if the remote has no such train. Its git tag says
/// which commit it was built from. Without one a hotfix is taken for the head of the train, as a tag of
/// the branch is; the train itself lies somewhere below.
fn of_train(
    tag: &str,
    version: TrainVersion<'_>,
    train: &Train,
    references: &References,
) -> Option<(What, Source<CommitId>)> {
    let mut branches = references
        .branches()
        .filter(|(branch, _)| train.branches.group(branch) == Some(version.train));
    let (branch, head) = branches.next()?;
    let what = match version.is_hotfix() {
        true => What::Hotfix(Some(branch.to_owned())),
        false => What::Train(branch.to_owned()),
    };
    let commit = match references.tag(tag) {
        Some(commit) => Source::Known(commit.clone()),
        None if version.is_hotfix() => Source::Known(head.clone()),
        None => unknown(
            format!(
                "which commit of `{}` is `{}` is said by no git tag",
                shorten(branch),
                shorten(tag)
            ),
            "push a git tag of that name at the commit that runs",
        ),
    };
    Some((what, commit))
}

/// The tags that a policy makes of a branch name alone.
pub fn tags_of<'a>(branch: &'a str, policy: &'a Policy) -> impl Iterator<Item = String> + 'a {
    policy
        .templates()
        .filter_map(move |template| template.of_branch(branch))
}

/// Other branches of the remote that make one of these tags (T3).
pub fn same_tag(
    branch: &str,
    tags: &[String],
    references: &References,
    policy: &Policy,
) -> Vec<SameTag> {
    references
        .branches()
        .filter(|(other, _)| *other != branch)
        .filter_map(|(other, _)| {
            let tag = tags_of(other, policy).find(|made| tags.contains(made))?;
            Some(SameTag {
                branch: other.to_owned(),
                tag,
            })
        })
        .collect()
}

/// A whole commit id in a tag, as in `a1b2…` or `sha-a1b2…`.
fn whole_commit(tag: &str) -> Option<CommitId> {
    tag.split(['-', '_', '.'])
        .filter(|part| part.len() == 40)
        .find_map(CommitId::parse)
}

fn unknown(because: String, advice: &str) -> Source<CommitId> {
    Source::Unknown {
        because,
        retry: false,
        advice: advice.to_owned(),
    }
}
