//! A remote that is a directory of this machine: nothing is copied.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Fetched;
use super::error::Cause;
use crate::git::refs::{self, References, RefsError};
use crate::http::Client;

/// How many directories of objects one repository may borrow from; git allows chains of five.
const MOST_ALTERNATES: usize = 64;
const DEEPEST: usize = 5;

/// The repository at a path: itself bare, or with a `.git` in it.
fn git_dir(path: &Path) -> PathBuf {
    let dot_git = path.join(".git");
    if dot_git.exists() {
        dot_git
    } else {
        path.to_owned()
    }
}

pub(super) async fn list(path: &Path, client: &Client) -> Result<References, Cause> {
    let git_dir = git_dir(path);
    in_a_thread(client, move || refs::read(&git_dir)).await
}

/// Where the objects are. What is wanted is not looked for: it is there, or it is missing when it
/// is looked for.
pub(super) async fn fetch(path: &Path, client: &Client) -> Result<Fetched, Cause> {
    let git_dir = git_dir(path);
    in_a_thread(client, move || {
        let mut found = Vec::new();
        alternates(refs::objects(&git_dir)?, &mut found, 0)?;
        Ok(Fetched {
            objects: found,
            shallow: refs::shallow(&git_dir)?,
            ..Fetched::default()
        })
    })
    .await
}

async fn in_a_thread<T: Send + 'static>(
    client: &Client,
    work: impl FnOnce() -> Result<T, RefsError> + Send + 'static,
) -> Result<T, Cause> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || sender.send(work()));
    let result = client.in_the_end(receiver).await?;
    Ok(result.unwrap_or(Err(RefsError::TooSlow))?)
}

/// A directory of objects and those that it borrows from (gitrepository-layout, `alternates`).
fn alternates(objects: PathBuf, found: &mut Vec<PathBuf>, depth: usize) -> Result<(), RefsError> {
    let objects = fs::canonicalize(&objects).unwrap_or(objects);
    let known: HashSet<&PathBuf> = found.iter().collect();
    if !objects.is_dir() || known.contains(&objects) {
        return Ok(());
    }
    if found.len() >= MOST_ALTERNATES || depth > DEEPEST {
        return Err(RefsError::TooMany(
            "64 directories of objects, or a chain of 5",
        ));
    }
    let list = refs::lines(&objects.join("info/alternates"))?;
    found.push(objects.clone());
    for line in list {
        if !line.is_empty() && !line.starts_with('#') {
            alternates(objects.join(line), found, depth + 1)?;
        }
    }
    Ok(())
}
