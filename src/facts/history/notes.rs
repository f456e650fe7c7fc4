//! The lines that a hotfix adds to change logs: what it says of itself to everybody, once it is
//! released.

use std::collections::HashMap;

use crate::git::Gap;
use crate::git::changes::{FileChange, Status};
use crate::git::objects::Objects;
use crate::hotfix::CommitId;

/// Names of change logs, without separators and what follows the last dot.
const NAMES: [&str; 10] = [
    "changelog",
    "changelogs",
    "changes",
    "change",
    "history",
    "news",
    "releasenotes",
    "releases",
    "whatsnew",
    "unreleased",
];
/// The largest change log that is read; a long one has some hundred thousand bytes.
const LARGEST: usize = 16 * 1024 * 1024;
/// The most change logs of one hotfix, and the most lines of all of them.
const MOST_FILES: usize = 50;
const MOST_LINES: usize = 20_000;

/// Whether a file is a change log by its name, or lies in a folder of such notes (`changelog.d/12.md`,
/// `.changeset/x.md`).
pub fn is_change_log(path: &str) -> bool {
    let plain = |name: &str| -> String {
        let name = name.to_lowercase();
        let name = match name.rsplit_once('.') {
            Some((front, end)) if !front.is_empty() && end.len() <= 8 => front.to_owned(),
            _ => name,
        };
        name.chars().filter(|c| c.is_alphanumeric()).collect()
    };
    let mut parts = path.rsplit('/');
    let is_file = parts
        .next()
        .is_some_and(|name| NAMES.contains(&plain(name).as_str()));
    is_file
        || parts.any(|folder| {
            [
                "changelog",
                "changelogs",
                "changeset",
                "changesets",
                "newsfragments",
            ]
            .contains(&plain(folder).as_str())
        })
}

/// The lines of change logs that `tip` has and `base` does not. `own` is a change log by another name.
///
/// # Errors
/// If a file cannot be read, or there is too much of it.
pub fn notes(
    objects: &Objects,
    base: &CommitId,
    tip: &CommitId,
    files: &[FileChange],
    own: Option<&str>,
) -> Result<Vec<String>, Gap> {
    let mut added = Vec::new();
    let logs = files
        .iter()
        .filter(|file| is_change_log(&file.path) || own == Some(file.path.as_str()))
        .filter(|file| file.status != Status::Deleted);
    for (count, file) in logs.enumerate() {
        if count == MOST_FILES {
            return Err(Gap::Limit(format!(
                "the hotfix changes more than {MOST_FILES} change logs"
            )));
        }
        let before = file.old_path.as_deref().unwrap_or(&file.path);
        let old = objects.file(base, before, LARGEST)?.unwrap_or_default();
        let new = objects.file(tip, &file.path, LARGEST)?.unwrap_or_default();
        let mut known: HashMap<&[u8], usize> = HashMap::new();
        for line in lines(&old) {
            *known.entry(line).or_default() += 1;
        }
        for line in lines(&new) {
            match known.get_mut(line) {
                Some(count) if *count > 0 => *count -= 1,
                _ => added.push(String::from_utf8_lossy(line).into_owned()),
            }
            if added.len() > MOST_LINES {
                return Err(Gap::Limit(format!(
                    "the hotfix adds more than {MOST_LINES} lines to change logs"
                )));
            }
        }
    }
    Ok(added)
}

/// Lines without the blanks around them: an indented line is no new one.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_logs_have_many_names() {
        for path in [
            "ChangeLog",
            "CHANGELOG.md",
            "docs/Release-Notes.rst",
            "web/HISTORY.txt",
            "NEWS",
            "changelog.d/12.fixed.md",
            ".changeset/brown-dogs.md",
        ] {
            assert!(is_change_log(path), "{path}");
        }
        for path in [
            "src/changes.rs.orig/x",
            "src/app",
            "newsletter.md",
            "history/read.rs",
        ] {
            assert!(!is_change_log(path), "{path}");
        }
    }
}
