//! The `git` program, as the tests use it: without anybody's configuration.

use std::path::Path;
use std::process::{Command, Output};

/// What stands in the environment of every `git`.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("HOME", "/nowhere"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_AUTHOR_NAME", "example"),
    ("GIT_AUTHOR_EMAIL", "example@example.com"),
    ("GIT_COMMITTER_NAME", "example"),
    ("GIT_COMMITTER_EMAIL", "example@example.com"),
    ("GIT_TERMINAL_PROMPT", "0"),
];

/// A command that is still to be run.
pub fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .envs(ENVIRONMENT)
        .arg("-C")
        .arg(directory)
        .args(arguments);
    command
}

/// Runs `git` and returns what it printed. It must succeed.
#[track_caller]
pub fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Runs `git`, which may fail.
pub fn run(directory: &Path, arguments: &[&str]) -> Output {
    let output = command(directory, arguments).output();
    output.expect("git starts (Debian package git)")
}
