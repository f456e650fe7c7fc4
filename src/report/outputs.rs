//! Files for later steps, inside the workspace. The workspace is written by others: a link in the
//! place of a file could lead anywhere, and a file of that name may be part of the repository.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The longest file of ours that is looked at before it is replaced.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Writes a file of ours. `is_ours` says whether what stands there now may be replaced.
///
/// # Errors
/// Why the file was not written; nothing was changed then.
pub fn write(
    workspace: &Path,
    path: &Path,
    text: &str,
    is_ours: impl Fn(&str) -> bool,
) -> Result<()> {
    let shown = path.display();
    let root = workspace
        .canonicalize()
        .with_context(|| format!("the workspace `{}`", workspace.display()))?;
    let target = root.join(path);
    let parent: PathBuf = target.parent().unwrap_or(&root).to_owned();
    let directory = || format!("the directory of `{shown}`");
    fs::create_dir_all(&parent).with_context(directory)?;
    if parent.canonicalize().with_context(directory)? != parent {
        bail!("`{shown}` lies behind a link, which may lead out of the workspace");
    }
    match fs::symlink_metadata(&target) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("`{shown}`")),
        Ok(there) if !there.is_file() => {
            bail!("`{shown}` is there and is no regular file (a link or a directory)");
        }
        Ok(there) => {
            let ours = there.len() <= LONGEST
                && fs::read_to_string(&target).is_ok_and(|old| is_ours(&old));
            if !ours {
                bail!("`{shown}` is there and was not written by this plugin; choose another name");
            }
        }
    }
    // A new file under a name of its own, then a rename: a reader sees the old or the new one, and
    // a link that appears meanwhile is replaced, not followed.
    let temporary = parent.join(format!(".drone-hotfix-{}", std::process::id()));
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&temporary, &target));
    written.with_context(|| {
        let _ = fs::remove_file(&temporary);
        format!("`{shown}`")
    })
}

/// Whether a JSON file is a summary of ours.
pub fn is_summary(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Mark {
        tool: String,
    }
    serde_json::from_str::<Mark>(text).is_ok_and(|mark| mark.tool == "drone-hotfix")
}
