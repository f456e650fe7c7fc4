//! The way of a hotfix through a pipeline, on this machine alone: `cargo run --example quickstart`.
//!
//! It needs Rust and a C compiler, as the project itself does. A git repository, a container registry and the builds
//! of a Drone server are made here, in a temporary directory and in memory; nothing but loopback is talked to. What
//! runs is the real binary, as the step `hotfix` of `examples/hocs.drone.yml`, in the environment that Drone would give
//! it. The exit code is 0 only if every build ended as the process says.

// The tests' own CI servers and images: what they are checked against, this shows.
#[path = "../../tests/support"]
#[allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it is part of the tests, of which the demonstration uses a few"
)]
mod support {
    pub mod http;
    pub mod image;
    pub mod pipeline;
    pub mod yaml;
}
mod program;
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "its locks are never poisoned, and it only stores what is made here"
)]
mod registry;
mod scenarios;
mod world;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use scenarios::Scenario;
use support::http;
use world::World;

fn main() -> Result<ExitCode> {
    let out = &mut std::io::stdout().lock();
    let program = program::build().context("the binary was not built")?;
    let world = World::new().context("the demonstration was not set up")?;
    writeln!(
        out,
        "A hotfix on its way through a pipeline. Nothing leaves this machine.\n\n\
         binary    {}\n\
         checkout  release `1.0.0` ({}) on `main`, and `{}` ({}) one commit on top of it\n\
         registry  {}, in memory: `build_418` is the hotfix's image, `1.0.0` and `build_400` are the release's\n\
         pipeline  examples/hocs.drone.yml; of its policy two lines are changed: `repo` is that registry instead of\n\
         \x20         `quay.io/{}`, and `tls: {{insecure: [{}]}}` lets it be without TLS",
        program.display(),
        world.release.short(),
        world::BRANCH,
        world.hotfix.short(),
        world.repository(),
        world::REPOSITORY,
        world.registry.address(),
    )?;
    let mut surprises = 0;
    let scenarios = scenarios::all(&world);
    for (number, scenario) in (1..).zip(&scenarios) {
        let mut command = Command::new(&program);
        command
            .env_clear()
            .envs(world.environment(&scenario.build)?)
            .current_dir(&scenario.build.workspace);
        world.registry.forget_requests();
        let output = command.output().context("the binary does not start")?;
        let log = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&log);
        surprises += usize::from(!show(
            out,
            number,
            scenario,
            &text,
            output.status.code(),
            &world.writes(),
        )?);
    }
    writeln!(out)?;
    if surprises > 0 {
        writeln!(
            out,
            "{surprises} of {} builds did not end as expected",
            scenarios.len()
        )?;
        return Ok(ExitCode::FAILURE);
    }
    writeln!(
        out,
        "all {} builds ended as expected; the registry has {}",
        scenarios.len(),
        world.registry.tags(world::REPOSITORY).join(", ")
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Prints one build, and says whether it ended as expected.
fn show(
    out: &mut impl Write,
    number: usize,
    scenario: &Scenario,
    text: &str,
    code: Option<i32>,
    writes: &[String],
) -> Result<bool> {
    writeln!(out, "\n{number}. {}", scenario.title)?;
    writeln!(out, "   {}", variables(scenario))?;
    for line in text.lines() {
        writeln!(out, "{}", format!("   | {line}").trim_end())?;
    }
    let said = scenario.says.iter().all(|words| text.contains(words));
    let expected =
        said && code == Some(i32::from(scenario.code)) && writes.len() == scenario.writes;
    let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    write!(out, "   exit code {code}, ")?;
    match writes {
        [] => write!(out, "no tag written to the registry")?,
        writes => write!(out, "written to the registry: {}", writes.join(", "))?,
    }
    if expected {
        writeln!(out, ": as expected")?;
    } else {
        writeln!(
            out,
            "\n   NOT AS EXPECTED, which is: exit code {}, {} writes, and the words «{}»",
            scenario.code,
            scenario.writes,
            scenario.says.join("», «")
        )?;
    }
    Ok(expected)
}

/// What makes this build another one than the next: a few of the server's variables, and the parameters.
fn variables(scenario: &Scenario) -> String {
    let build = &scenario.build;
    let facts: BTreeMap<String, String> = build.build().into_iter().collect();
    let names = [
        "DRONE_BUILD_EVENT",
        "DRONE_BUILD_NUMBER",
        "DRONE_COMMIT_REF",
        "DRONE_DEPLOY_TO",
    ];
    let facts = names.iter().filter_map(|name| {
        let value = facts.get(*name).filter(|value| !value.is_empty())?;
        Some(format!("{name}={value}"))
    });
    let parameters = build
        .params
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    facts.chain(parameters).collect::<Vec<_>>().join(" ")
}
