//! Which directories of a repository look like services of their own.

use crate::git::Gap;
use crate::git::objects::Objects;
use crate::hotfix::CommitId;

/// Files that make a directory a service: an image is built of it.
const MARKS: [&str; 2] = ["Dockerfile", "Containerfile"];
/// How deep a service may lie: `services/team/name` and one more.
const DEEPEST: usize = 4;

/// The directories, without the root.
///
/// # Errors
/// If a tree is missing, or there are too many.
pub fn services(objects: &Objects, commit: &CommitId) -> Result<Vec<String>, Gap> {
    objects.directories_with(commit, &MARKS, DEEPEST)
}
