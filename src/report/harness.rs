//! What Harness reads of a step: the file of `PLUGIN_ARTIFACT_FILE`, which becomes an artifact of the
//! pipeline, and that of `DRONE_OUTPUT`, whose lines become output variables (harness/lite-engine
//! `pipeline/runtime`; drone-plugins `drone/artifact.go`). Drone and Woodpecker set neither.
//!
//! A parameter can set both variables, so they choose no more than where a line about a digest goes:
//! only a new file, or one that holds what we or a plugin like us wrote there.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::{Publication, outputs};
use crate::environment::{Environment, Reading};

/// The longest file that is looked at before it is added to.
const LONGEST: u64 = 1024 * 1024;
const KIND: &str = "docker/v1";

#[derive(Serialize)]
struct Artifact<'a> {
    kind: &'a str,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    registry_type: &'a str,
    registry_url: String,
    images: Vec<Image<'a>>,
}

#[derive(Serialize)]
struct Image<'a> {
    image: String,
    digest: &'a str,
}

/// Writes both files where their variables are set; what could not be written is said.
pub fn hand_on(environment: &Environment, publication: &Publication) -> Vec<String> {
    let file = |name| match environment.read(name) {
        Reading::Text(path) if !path.is_empty() => Some(Path::new(path)),
        _ => None,
    };
    let mut notes = Vec::new();
    let mut note = |name: &str, result: Result<()>| {
        if let Err(why) = result {
            notes.push(format!("`{name}` was not written: {why:#}"));
        }
    };
    if let Some(path) = file("PLUGIN_ARTIFACT_FILE") {
        note("PLUGIN_ARTIFACT_FILE", write_artifact(path, publication));
    }
    if let Some(path) = file("DRONE_OUTPUT") {
        note("DRONE_OUTPUT", add_outputs(path, publication));
    }
    notes
}

fn write_artifact(path: &Path, publication: &Publication) -> Result<()> {
    let host = publication.repository.split('/').next().unwrap_or_default();
    let image = |(tag, _): &(String, _)| Image {
        image: format!("{}:{tag}", publication.repository),
        digest: publication.digest.as_str(),
    };
    let artifact = Artifact {
        kind: KIND,
        data: Data {
            registry_type: if host == "docker.io" {
                "Docker"
            } else {
                "Other"
            },
            registry_url: format!("https://{host}/"),
            images: publication.tags.iter().map(image).collect(),
        },
    };
    let text = serde_json::to_string(&artifact)?;
    let parent = path.parent().filter(|parent| parent.is_dir());
    let (Some(parent), Some(name)) = (parent, path.file_name()) else {
        bail!("its folder is not there");
    };
    outputs::write(parent, Path::new(name), &format!("{text}\n"), is_artifact)
}

/// Harness may have made the file already, empty.
fn is_artifact(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Mark {
        kind: String,
    }
    text.trim().is_empty() || serde_json::from_str::<Mark>(text).is_ok_and(|mark| mark.kind == KIND)
}

/// Adds lines `KEY=value`. The file belongs to all plugins of the step, so it is added to; what stands
/// there must look like such a file, and it must be no link.
fn add_outputs(path: &Path, publication: &Publication) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => bail!("it is no regular file"),
        Ok(there) if there.len() > LONGEST => bail!("it is longer than {LONGEST} bytes"),
        Ok(_) => {
            let text = fs::read_to_string(path).context("what stands there")?;
            if !text.lines().all(is_assignment) {
                bail!("what stands there are no lines `KEY=value`");
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let tag = publication.tags.last().map_or("", |(tag, _)| tag.as_str());
    let (repository, digest) = (&publication.repository, &publication.digest);
    let glued = fs::read_to_string(path).is_ok_and(|old| !old.is_empty() && !old.ends_with('\n'));
    let start = if glued { "\n" } else { "" };
    let text = format!(
        "{start}HOTFIX_IMAGE={repository}:{tag}@{digest}\nHOTFIX_TAG={tag}\nHOTFIX_DIGEST={digest}\n"
    );
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    file?.write_all(text.as_bytes())?;
    Ok(())
}

fn is_assignment(line: &str) -> bool {
    let line = line.trim();
    let key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    line.is_empty()
        || line.starts_with('#')
        || line.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.trim_start_matches("export ").chars().all(key)
        })
}
