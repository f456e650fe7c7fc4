//! The directories in which objects are, and what lies about there.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use git2::Oid;

use super::Gap;

/// The most objects directories; alternates of alternates are rare, more than a few are an attack.
const MOST_DIRECTORIES: usize = 32;
/// The most files that are looked at in them; `git gc` packs a repository of 6,700 loose objects.
const MOST_FILES: usize = 2_000_000;
/// The largest list of alternates.
const LONGEST_ALTERNATES: u64 = 64 * 1024;

/// The directories and those that their `info/alternates` name, each once.
pub(super) fn every_directory(
    given: &[PathBuf],
    loose: &mut HashMap<Oid, usize>,
) -> Result<Vec<PathBuf>, Gap> {
    let mut waiting: Vec<(PathBuf, bool)> = given
        .iter()
        .rev()
        .map(|path| (path.clone(), true))
        .collect();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut files = 0;
    while let Some((directory, wanted)) = waiting.pop() {
        let data = fs::metadata(&directory).ok().filter(fs::Metadata::is_dir);
        let Some(data) = data else {
            // An alternate that is not there is passed by, as git does; its objects are missing.
            if !wanted {
                continue;
            }
            return Err(Gap::Broken(format!(
                "the objects directory `{}` is not there",
                directory.display()
            )));
        };
        if !seen.insert((data.dev(), data.ino())) {
            continue;
        }
        if seen.len() > MOST_DIRECTORIES {
            return Err(Gap::Limit(format!(
                "the repository borrows objects of more than {MOST_DIRECTORIES} others"
            )));
        }
        for id in check_files(&directory, &mut files)? {
            loose.entry(id).or_insert(found.len());
        }
        for alternate in alternates(&directory)?.into_iter().rev() {
            waiting.push((alternate, false));
        }
        found.push(directory);
    }
    Ok(found)
}

/// What `info/alternates` names: one path a line, `#` for comments, relative to the objects
/// directory (gitrepository-layout(5)).
fn alternates(objects: &Path) -> Result<Vec<PathBuf>, Gap> {
    let file = objects.join("info/alternates");
    let Ok(data) = fs::metadata(&file) else {
        return Ok(Vec::new());
    };
    if !data.is_file() || data.len() > LONGEST_ALTERNATES {
        return Err(Gap::Broken(format!(
            "`{}` is no list of alternates",
            file.display()
        )));
    }
    let text = fs::read_to_string(&file)
        .map_err(|e| Gap::Broken(format!("`{}` cannot be read: {e}", file.display())))?;
    let lines = text.lines().map(str::trim_end);
    let paths = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(paths.map(|path| objects.join(path)).collect())
}

/// Looks for what would make libgit2 wait: opening a FIFO waits for somebody who writes to it. Gives
/// the ids of the loose objects.
fn check_files(objects: &Path, files: &mut usize) -> Result<Vec<Oid>, Gap> {
    let mut loose = Vec::new();
    let Ok(top) = fs::read_dir(objects) else {
        return Err(Gap::Broken(format!(
            "`{}` cannot be listed",
            objects.display()
        )));
    };
    for directory in top.flatten().map(|entry| entry.path()) {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            *files += 1;
            if *files > MOST_FILES {
                return Err(Gap::Limit(format!(
                    "the repository has more than {MOST_FILES} files of objects"
                )));
            }
            let regular = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => {
                    fs::metadata(entry.path()).is_ok_and(|data| data.is_file() || data.is_dir())
                }
                Ok(kind) => kind.is_file() || kind.is_dir(),
                Err(_) => false,
            };
            if !regular {
                return Err(Gap::Broken(format!(
                    "`{}` is no regular file",
                    entry.path().display()
                )));
            }
            let (start, rest) = (directory.file_name(), entry.file_name());
            if let (Some(start), Some(rest)) = (start.and_then(OsStr::to_str), rest.to_str())
                && (start.len(), rest.len()) == (2, 38)
                && let Ok(id) = Oid::from_str(&format!("{start}{rest}"))
            {
                loose.push(id);
            }
        }
    }
    Ok(loose)
}
