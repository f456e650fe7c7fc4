//! The real binary, built as this example itself was: same target directory, same profile, same target.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// Builds the binary and says where cargo put it.
pub fn build() -> Result<PathBuf> {
    let example = std::env::current_exe()?;
    let place = Place::of(&example)
        .with_context(|| format!("{} is not where cargo puts examples", example.display()))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command
        // The example is named as well, so that cargo chooses the same features of every crate and compiles none twice.
        .args(["build", "--bin", "drone-hotfix", "--example", "quickstart"])
        // What the example was built with is all there, so nothing needs the network.
        .args(["--frozen", "--message-format", "json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(place.directory)
        .args(["--profile", &place.profile])
        .stderr(Stdio::inherit());
    if let Some(target) = &place.target {
        command.args(["--target", target]);
    }
    // What cargo tells a program that it runs, a build script of ring takes for a reason to compile everything again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    let output = command
        .output()
        .with_context(|| format!("{} does not start", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "cargo ended with {}",
        output.status
    );
    let messages = String::from_utf8(output.stdout)?;
    messages
        .lines()
        .find_map(binary)
        .context("cargo names no binary")
}

/// The path in cargo's message about the binary.
fn binary(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let target = &message["target"];
    let ours = target["name"] == "drone-hotfix" && target["kind"] == serde_json::json!(["bin"]);
    Some(PathBuf::from(
        message["executable"].as_str().filter(|_| ours)?,
    ))
}

/// Where cargo built this example: `DIRECTORY[/TARGET]/PROFILE/examples/NAME`.
struct Place {
    directory: PathBuf,
    target: Option<String>,
    profile: String,
}

impl Place {
    fn of(example: &Path) -> Option<Self> {
        let profile = example.ancestors().nth(2)?;
        let above = profile.parent()?;
        let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
        let is_root = |path: &Path| path.join("CACHEDIR.TAG").is_file();
        let (directory, target) = match above.parent() {
            Some(root) if !is_root(above) && is_root(root) => (root, Some(name(above)?)),
            _ => (above, None),
        };
        Some(Self {
            directory: directory.to_owned(),
            target,
            profile: match name(profile)?.as_str() {
                // The one profile whose directory has another name.
                "debug" => "dev".to_owned(),
                other => other.to_owned(),
            },
        })
    }
}
