//! Files for later steps, inside the workspace. The workspace is written by others: a link in the
//! place of a file could lead anywhere, and a file of that name may be part of the repository.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use ring::rand::{SecureRandom as _, SystemRandom};

/// The longest file of ours that is looked at before it is replaced.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Whether a file of ours may be written, and where it lies in truth. `is_ours` says whether what
/// stands there now may be replaced. Nothing is changed.
///
/// # Errors
/// Why not.
pub fn may_write(workspace: &Path, path: &Path, is_ours: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let shown = path.display();
    let root = workspace
        .canonicalize()
        .with_context(|| format!("the workspace `{}`", workspace.display()))?;
    let target = root.join(path);
    for directory in target
        .ancestors()
        .skip(1)
        .take_while(|directory| *directory != root)
    {
        match fs::symlink_metadata(directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("the directory of `{shown}`")),
            Ok(there) if there.is_dir() => {}
            Ok(_) => {
                bail!("`{shown}` lies behind a link or file, which may lead out of the workspace")
            }
        }
    }
    match fs::symlink_metadata(&target) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("`{shown}`")),
        Ok(there) if !there.is_file() => {
            bail!("`{shown}` is there and is no regular file (a link or a directory)");
        }
        Ok(there) => {
            let old = (there.len() <= LONGEST).then(|| fs::read_to_string(&target));
            if !old.is_some_and(|old| old.is_ok_and(|old| is_ours(&old))) {
                bail!("`{shown}` is there and was not written by this plugin; choose another name");
            }
        }
    }
    Ok(target)
}

/// Writes a file of ours.
///
/// # Errors
/// Why the file was not written; nothing was replaced then.
pub fn write(
    workspace: &Path,
    path: &Path,
    text: &str,
    is_ours: impl Fn(&str) -> bool,
) -> Result<()> {
    let shown = path.display();
    let target = may_write(workspace, path, is_ours)?;
    let parent = target.parent().unwrap_or(workspace);
    fs::create_dir_all(parent).with_context(|| format!("the directory of `{shown}`"))?;
    // A new file under a name of its own, then a rename: a reader sees the old or the new one, and
    // a link that appears meanwhile is replaced, not followed.
    let temporary = parent.join(temporary_name()?);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&temporary)
        .with_context(|| format!("a new file beside `{shown}`"))?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| fs::rename(&temporary, &target));
    written.with_context(|| {
        let _ = fs::remove_file(&temporary);
        format!("`{shown}`")
    })
}

/// Removes a file of ours, if it is there.
///
/// # Errors
/// Why it is still there; what is not ours stays.
pub fn remove(workspace: &Path, path: &Path, is_ours: impl Fn(&str) -> bool) -> Result<()> {
    if !workspace.exists() {
        return Ok(());
    }
    let target = may_write(workspace, path, is_ours)?;
    match fs::remove_file(&target) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("`{}`", path.display()))
        }
        _ => Ok(()),
    }
}

/// A name that nobody else has: in a container every process has the same number.
fn temporary_name() -> Result<String> {
    let mut random = [0_u8; 8];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| anyhow!("no random bytes to be had"))?;
    Ok(format!(".drone-hotfix-{:016x}", u64::from_be_bytes(random)))
}

/// Whether a JSON file is a summary of ours.
pub fn is_summary(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Mark {
        tool: String,
    }
    serde_json::from_str::<Mark>(text).is_ok_and(|mark| mark.tool == "drone-hotfix")
}
