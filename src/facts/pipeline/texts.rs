//! The pipeline files of a commit, out of its objects.

use crate::ci::Platform;
use crate::git::Gap;
use crate::git::objects::Objects;
use crate::hotfix::CommitId;
use crate::pipeline::FileText;

/// The longest pipeline file that is read, in bytes.
const LONGEST: usize = 1024 * 1024;
/// The most files that one build may have.
const MOST: usize = 100;

/// The files that the server takes by default: Drone `.drone.yml`; Woodpecker everything in
/// `.woodpecker/`, or else `.woodpecker.yaml` or `.woodpecker.yml`.
///
/// # Errors
/// If an object is missing, or a file is too long.
pub fn texts(
    objects: &Objects,
    commit: &CommitId,
    platform: Platform,
) -> Result<Vec<FileText>, Gap> {
    let read = |path: String| {
        let text = objects.file(commit, &path, LONGEST)?;
        Ok::<_, Gap>(text.map(|text| (path, text)))
    };
    match platform {
        Platform::Drone => Ok(read(".drone.yml".to_owned())?.into_iter().collect()),
        Platform::Woodpecker => {
            let inside: Vec<String> = objects
                .names_in(commit, ".woodpecker")?
                .into_iter()
                .filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"))
                .collect();
            if inside.len() > MOST {
                return Err(Gap::Limit(format!(
                    "`.woodpecker` holds more than {MOST} pipeline files"
                )));
            }
            let mut found = Vec::new();
            for name in inside {
                found.extend(read(format!(".woodpecker/{name}"))?);
            }
            for name in [".woodpecker.yaml", ".woodpecker.yml"] {
                if found.is_empty() {
                    found.extend(read(name.to_owned())?);
                }
            }
            Ok(found)
        }
    }
}
