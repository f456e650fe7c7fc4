//! The files that the policy names: what a step leaves in the workspace for the steps after it.

use std::path::PathBuf;

use super::fields;
use super::read::Table;
use crate::problem::Problem;

/// How several tags stand in the tags file: commas for Drone's plugins (urfave/cli), lines for
/// Woodpecker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagsFormat {
    /// `a,b`
    Comma,
    /// One a line.
    Newline,
}

/// Where a step writes, within the workspace.
pub(super) struct Files {
    /// The tags, for the step that pushes.
    pub tags: PathBuf,
    /// How they are written.
    pub tags_format: TagsFormat,
    /// The JSON report.
    pub summary: Option<PathBuf>,
    /// The judged image by its digest.
    pub digest: Option<PathBuf>,
    /// The deployment ticket.
    pub ticket: Option<PathBuf>,
}

/// Reads the keys. Two files at one path are a problem: the later one would replace the other.
pub(super) fn read(policy: &Table<'_>, problems: &mut Vec<Problem>) -> Files {
    if policy.get("digest_file").is_some() && policy.get("repo").is_none() {
        problems.push(
            Problem::new(
                "policy.digest_file",
                "a file for the digest of an image without `policy.repo`",
                "both",
            )
            .next("name the image repository as `policy.repo`"),
        );
    }
    let tags = file(policy, "tags_file", problems).unwrap_or_else(|| PathBuf::from(".tags"));
    let mut taken = vec![tags.clone()];
    let mut another = |key| {
        let path = file(policy, key, problems)?;
        if taken.contains(&path) {
            problems.push(Problem::new(
                policy.at(key),
                "the same file as another key has",
                "another file",
            ));
        }
        taken.push(path.clone());
        Some(path)
    };
    let (summary, digest, ticket) = (
        another("summary"),
        another("digest_file"),
        another("ticket_file"),
    );
    let tags_format =
        policy.parsed(
            "tags_format",
            "`comma` or `newline`",
            problems,
            |text| match text {
                "comma" => Ok(TagsFormat::Comma),
                "newline" => Ok(TagsFormat::Newline),
                _ => Err(String::new()),
            },
        );
    Files {
        tags,
        tags_format: tags_format.unwrap_or(TagsFormat::Comma),
        summary,
        digest,
        ticket,
    }
}

fn file(policy: &Table<'_>, key: &str, problems: &mut Vec<Problem>) -> Option<PathBuf> {
    let expected = "the path of a file inside the workspace";
    policy.parsed(key, expected, problems, fields::workspace_path)
}
