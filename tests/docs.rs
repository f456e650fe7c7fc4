//! The documents say what this version does: each list in them is held against the code, each
//! command and each pipeline in them is run. `UPDATE_DOCS=1 cargo test docs` writes what is made from
//! the code: docs/rules.md, and the output below the commands of the README.

mod declarations;
mod rules;
mod runbook;
mod settings;
mod summary;
mod threat_model;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use drone_hotfix::verdict::Exit;

use crate::support::binary::{self, Run};
use crate::support::pipeline::{DroneBuild, Pipeline, drone_pipelines};

const TAG: &str = "branch-hotfix_EX-1234";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// README.md, CHANGELOG.md and everything in docs/.
fn pages() -> Vec<String> {
    let listed = std::fs::read_dir(path("docs")).expect("a folder");
    let names = listed.map(|entry| entry.expect("an entry").file_name());
    let pages = names.filter_map(|name| name.to_str().map(|name| format!("docs/{name}")));
    let mut pages: Vec<String> = pages.filter(|name| name.ends_with(".md")).collect();
    pages.extend(["README.md", "CHANGELOG.md"].map(str::to_owned));
    pages
}

/// Compares a page with what it should be, or writes it.
fn must_be(name: &str, expected: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(path(name), expected).expect("the page is written");
        return;
    }
    let found = read(name);
    for (at, (line, wanted)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(line, wanted, "{name}:{}; run with UPDATE_DOCS=1", at + 1);
    }
    assert!(
        found == expected,
        "{name} is longer or shorter than it should be; run with UPDATE_DOCS=1"
    );
}

/// A fenced block: its language, its lines, and the line on which they begin (counted from 0).
struct Block {
    language: String,
    text: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block {
                    language: language.to_owned(),
                    text: String::new(),
                    line: at + 1,
                });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block without an end");
    found
}

/// What stands between back ticks in a line.
fn code(line: &str) -> Vec<String> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The rows of every table below a heading, without the heads.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let page = format!("\n{page}");
    let start = page
        .find(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("no heading `{heading}`"));
    let section = &page[start + heading.len() + 2..];
    let level = format!("\n{} ", heading.split(' ').next().expect("a heading"));
    let section = &section[..section.find(&level).unwrap_or(section.len())];
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in section.lines().filter(|line| line.starts_with('|')) {
        if line.starts_with("|---") {
            rows.pop();
            continue;
        }
        let inner = line.trim_matches('|').replace("\\|", "\u{0}");
        rows.push(
            inner
                .split('|')
                .map(|cell| cell.trim().replace('\u{0}', "|"))
                .collect(),
        );
    }
    rows
}

/// A pipeline of one step with these settings, written as under `settings:`.
fn pipeline(settings: &str) -> Pipeline {
    let lines: String = settings
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    let file =
        format!("kind: pipeline\nname: example\nsteps:\n- name: hotfix\n  settings:\n{lines}");
    drone_pipelines(&file).remove(0)
}

/// A key of nobody's.
const SIGNING_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIEr3WjkFTC7xKmgH0CVRD3wdjxCmhdBbyrVPtHQ8kxK0\n\
    -----END PRIVATE KEY-----\n";

/// Runs the binary as the step of a build.
fn step(build: &DroneBuild, pipeline: &Pipeline, step: &str) -> Run {
    let mut secrets = BTreeMap::new();
    for name in pipeline.steps.iter().flat_map(|step| &step.settings) {
        if let Some(secret) = name.1.get("from_secret").and_then(|name| name.as_str()) {
            let value = match name.0.as_str() {
                "config" => "{}",
                "signing_key" => SIGNING_KEY,
                _ => "example",
            };
            secrets.insert(secret.to_owned(), value.to_owned());
        }
    }
    binary::run(build.run(pipeline, step, &secrets))
}

/// Builds that are judged without a network.
fn offline_builds() -> [DroneBuild; 3] {
    let main = DroneBuild::push("main");
    [
        DroneBuild::tag("1.0.0"),
        DroneBuild::pull_request(17, "feature", "hotfix/EX-1234"),
        DroneBuild::promote(&main, "cs-demo").param("VERSION", "1.0.0"),
    ]
}

#[test]
fn every_pipeline_of_the_pages_is_accepted() {
    let mut judged = 0;
    for page in pages() {
        for block in blocks(&read(&page)) {
            assert!(
                !block.text.contains("${"),
                "{page}:{}: no dollar-brace in an example",
                block.line
            );
            if block.language != "yaml" {
                continue;
            }
            let pipelines = match block.text.strip_prefix("settings:\n") {
                Some(settings) => vec![pipeline(settings)],
                None if block.text.starts_with("- name: ") => drone_pipelines(&format!(
                    "kind: pipeline\nname: example\nsteps:\n{}",
                    block.text
                )),
                None => drone_pipelines(&block.text),
            };
            for pipeline in &pipelines {
                let ours = pipeline
                    .steps
                    .iter()
                    .filter(|step| step.settings.iter().any(|(key, _)| key == "policy"));
                for gate in ours {
                    for build in offline_builds() {
                        let run = step(&build, pipeline, &gate.name);
                        assert_eq!(run.code, 0, "{page}:{}: {}", block.line, run.text);
                        judged += 1;
                    }
                }
            }
        }
    }
    assert!(judged >= 3 * offline_builds().len(), "{judged} runs");
}

/// The lines of a pipeline without indentation, comments and blank lines, one list for each part
/// between blank lines.
fn parts(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
    let parts = lines.split(|line| line.is_empty());
    let owned = |part: &[&str]| part.iter().map(|line| (*line).to_owned()).collect();
    parts
        .map(owned)
        .filter(|part: &Vec<_>| !part.is_empty())
        .collect()
}

#[test]
fn the_pipeline_to_paste_is_the_one_that_is_tested() {
    let page = read("README.md");
    let trains = page
        .lines()
        .position(|line| line == "## Trains")
        .expect("the section");
    let after = page
        .lines()
        .skip(trains + 1)
        .position(|line| line.starts_with("## "));
    let trains = trains..trains + 1 + after.expect("another section");
    let found = shown_in_order(&page, "examples/hocs.drone.yml", |line| {
        !trains.contains(&line)
    });
    assert!(
        found.contains(&"kind: pipeline".to_owned()),
        "the README shows no pipeline"
    );
    assert!(
        found.contains(&"depends_on: [hotfix]".to_owned()),
        "no step depends on the gate"
    );
    let found = shown_in_order(&page, "examples/train.drone.yml", |line| {
        trains.contains(&line)
    });
    assert!(
        found.iter().any(|line| line.starts_with("train: ")),
        "the README shows no train"
    );
}

/// The lines of the pipelines on a page that are shown where `here` says, each of which stands in an
/// example in the same order.
fn shown_in_order(page: &str, example: &str, here: impl Fn(usize) -> bool) -> Vec<String> {
    let lines = parts(&read(example)).concat();
    let mut from = 0;
    let mut found = Vec::new();
    for block in blocks(page) {
        if block.language != "yaml" || !here(block.line) {
            continue;
        }
        // Whole steps may be left out between two parts, but their order is kept.
        for part in parts(&block.text) {
            let mut windows = lines[from..].windows(part.len());
            let at = windows.position(|lines| lines == part);
            let at =
                at.unwrap_or_else(|| panic!("not in {example}, or not in this order: {part:#?}"));
            from += at + part.len();
            found.extend(part);
        }
    }
    found
}

#[test]
fn the_table_of_exit_codes_is_whole() {
    let exits = [
        Exit::Done,
        Exit::Refused,
        Exit::Undecided,
        Exit::Settings,
        Exit::Unpublished,
        Exit::Rehearsal,
    ];
    // A new code does not compile here until it stands in the list above.
    let known = |exit: Exit| match exit {
        Exit::Done
        | Exit::Refused
        | Exit::Undecided
        | Exit::Settings
        | Exit::Unpublished
        | Exit::Rehearsal => exit.code().to_string(),
    };
    let rows = rows(&read("README.md"), "## Exit codes");
    let codes: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(codes, exits.map(known));
    assert!(rows.iter().all(|row| !row[1].is_empty()));
}

#[test]
fn links_lead_somewhere() {
    let anchors = |page: &str| -> Vec<String> {
        let headings = page.lines().filter(|line| line.starts_with('#'));
        let anchor = |line: &str| {
            let text = line
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .replace(' ', "-");
            text.replace(|c: char| !c.is_alphanumeric() && c != '-' && c != '_', "")
        };
        headings.map(anchor).collect()
    };
    for name in pages() {
        let page = read(&name);
        let folder = path(&name).parent().expect("a folder").to_owned();
        let links = page
            .match_indices("](")
            .filter_map(|(at, _)| page[at + 2..].split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                path(&name)
            } else {
                folder.join(file)
            };
            assert!(target.exists(), "{name}: {link} leads nowhere");
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&target).expect("a page");
                assert!(
                    anchors(&text).contains(&anchor.to_owned()),
                    "{name}: no heading for {link}"
                );
            }
        }
    }
}

/// The words of a command in a block, as a shell reads them: single quotes, and lines that go on.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.replace("\\\n", " ").trim().chars() {
        match c {
            '\'' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => words.last_mut().expect("a word").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn variables(command: &str) -> BTreeMap<String, String> {
    let words = words(command);
    let pairs = words.iter().filter_map(|word| word.split_once('='));
    let variables = pairs.filter(|(name, _)| !name.starts_with('-'));
    variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_commands_of_the_readme_print_what_it_says() {
    let page = read("README.md");
    let blocks = blocks(&page);
    let mut lines: Vec<String> = page.lines().map(str::to_owned).collect();
    let mut shown: Vec<BTreeMap<String, String>> = Vec::new();
    // From the end, so that the numbers of the lines above stay right.
    for pair in blocks.windows(2).rev() {
        let [command, output] = pair else { continue };
        if !command.text.starts_with("env -i ") {
            continue;
        }
        assert_eq!(
            output.language, "text",
            "the output of the command in line {}",
            command.line
        );
        let variables = variables(&command.text);
        let run = binary::run(&variables);
        let count = output.text.lines().count();
        lines.splice(
            output.line..output.line + count,
            run.text.lines().map(str::to_owned),
        );
        shown.push(variables);
    }
    assert!(
        shown.len() >= 2,
        "the README shows commands and what they print"
    );
    must_be("README.md", &format!("{}\n", lines.join("\n")));
    // The line for a container gives the same variables.
    let container = blocks
        .iter()
        .find(|block| block.text.starts_with("docker run "));
    let container = variables(&container.expect("a line for a container").text);
    assert!(shown.contains(&container), "{container:?}");
}
