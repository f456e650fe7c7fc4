//! Asks one question about the history of a repository, and prints the answer. For benches/git.py.
//!
//!     history OBJECTS_DIRECTORY QUESTION ID...

#![allow(
    clippy::print_stdout,
    clippy::disallowed_macros,
    reason = "its output is the answer"
)]

use std::collections::HashSet;
use std::path::PathBuf;

use drone_hotfix::git::Gap;
use drone_hotfix::git::objects::Objects;
use drone_hotfix::hotfix::CommitId;

fn main() -> Result<(), Gap> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().unwrap_or_default());
    let question = arguments.next().unwrap_or_default();
    let ids: Vec<CommitId> = arguments.filter_map(|id| CommitId::parse(&id)).collect();
    let objects = Objects::open(&[directory], &[])?;
    let one = |at: usize| {
        ids.get(at)
            .ok_or_else(|| Gap::Broken(format!("`{question}` wants more ids")))
    };
    let mut found: Vec<String> = Vec::new();
    let mut names = |ids: Vec<CommitId>| found.extend(ids.iter().map(|id| id.as_str().to_owned()));
    match question.as_str() {
        "merge-base" => names(objects.merge_bases(one(0)?, one(1)?)?),
        "only" => names(objects.only_in(&ids[..1], &ids[1..], 10_000)?),
        "ancestor" => found.push(match objects.is_ancestor(one(0)?, one(1)?) {
            Err(Gap::Limit(_)) => "unknown".to_owned(),
            answer => answer?.to_string(),
        }),
        // The tags come on standard input, one id a line, as `git for-each-ref` prints them.
        "nearest" => {
            names(objects.nearest(one(0)?, &tags()?)?);
        }
        "patches" => {
            for id in &ids {
                let patch = objects.patch_id(id)?;
                found.extend(patch.map(|patch| patch.as_str().to_owned()));
            }
        }
        "all" => {
            let base = objects.merge_bases(one(0)?, one(1)?)?;
            let only = objects.only_in(&ids[..1], &ids[1..2], 10_000)?;
            for id in &only {
                found.extend(objects.patch_id(id)?.map(|patch| patch.as_str().to_owned()));
                found.push(objects.applies_nothing(id, one(1)?)?.to_string());
            }
            let near = objects.nearest(one(0)?, &tags()?)?;
            for base in &base {
                found.push(objects.changes(Some(base), one(0)?)?.len().to_string());
                found.push(objects.reverts_cleanly(base, one(0)?, one(1)?)?.to_string());
            }
            found.extend(near.iter().map(|id| id.as_str().to_owned()));
        }
        other => return Err(Gap::Broken(format!("no question `{other}`"))),
    }
    for line in found {
        println!("{line}");
    }
    Ok(())
}

fn tags() -> Result<HashSet<CommitId>, Gap> {
    let text = std::io::read_to_string(std::io::stdin()).map_err(|e| Gap::Broken(e.to_string()))?;
    Ok(text.lines().filter_map(CommitId::parse).collect())
}
