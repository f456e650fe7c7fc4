//! The pipeline file as the CI server understands it: text in, model out, no I/O.
//!
//! Drone's files are read after drone/runner-go manifest/ and drone-runners/drone-runner-docker
//! engine/resource/pipeline.go, Woodpecker's after woodpecker-ci/woodpecker
//! pipeline/frontend/yaml/. What the model does not hold, no rule asks about.

mod clusters;
pub mod condition;
mod drone;
pub mod gates;
pub mod glob;
mod lines;
pub mod order;
mod reach;
pub mod scenario;
mod spelling;
mod tags;
mod toothless;
pub mod weakness;
mod woodpecker;
pub mod yaml;

use std::rc::Rc;

use crate::ci::Platform;
use condition::Conditions;
use yaml::{Fault, Node};

/// The longest file that is read.
pub const LONGEST: usize = 1024 * 1024;
/// The longest line that Drone reads (Go's `bufio.Scanner`): it stops at a longer one, without a
/// word, and takes what it has for the whole file.
const LONGEST_LINE: usize = 64 * 1024 - 1;
/// The most steps in all files. No real file has a tenth of them.
const MOST_STEPS: usize = 500;
/// The most patterns in all conditions.
const MOST_PATTERNS: usize = 2_000;

/// A file and its bytes.
pub type FileText = (String, Vec<u8>);

/// One pipeline of Drone, or one workflow of Woodpecker.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// The file.
    pub file: String,
    /// Its line in the file.
    pub line: usize,
    /// Its name; `default` if the file gives none.
    pub name: String,
    /// When it runs: one of these must hold; empty is always.
    pub trigger: Vec<Conditions>,
    /// The pipelines that end before it begins.
    pub depends_on: Vec<String>,
    /// Whether it runs when one of those has failed.
    pub on_failure: bool,
    /// Its steps, services first, in the order of the file.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its line.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// Its image, as written.
    pub image: String,
    /// Whether it is a service: it starts before all steps and nothing waits for it.
    pub service: bool,
    /// When it runs: one of these must hold; empty is always.
    pub when: Vec<Conditions>,
    /// The steps that end before it begins, if the pipeline is a graph.
    pub depends_on: Vec<String>,
    /// The line where `failure` says that the build goes on when the step fails.
    pub ignores_failure: Option<usize>,
    /// The line where it is detached: the build goes on while it runs.
    pub detached: Option<usize>,
    /// What it runs instead of the image's own program, line by line.
    pub commands: Vec<(usize, String)>,
    /// Whether the image's own program is replaced, by `commands` or `entrypoint`.
    pub replaced: bool,
    /// Its settings.
    pub settings: Option<Rc<Node>>,
    /// All of it.
    pub node: Rc<Node>,
}

impl Pipeline {
    /// Every set of conditions: the pipeline's own and those of its steps.
    pub fn conditions(&self) -> impl Iterator<Item = &Conditions> {
        let steps = self.steps.iter().flat_map(|step| &step.when);
        self.trigger.iter().chain(steps)
    }

    /// Whether the steps wait for what their `depends_on` names instead of for each other.
    pub fn is_graph(&self) -> bool {
        self.steps.iter().any(|step| !step.depends_on.is_empty())
    }
}

impl Step {
    /// The repository path of its image: no registry's default host, no tag, no digest.
    pub fn repository(&self) -> &str {
        let name = self.image.split('@').next().unwrap_or_default();
        let slash = name.rfind('/').map_or(0, |at| at + 1);
        let end = name[slash..].find(':').map_or(name.len(), |at| slash + at);
        let name = &name[..end];
        let name = name.strip_prefix("docker.io/").unwrap_or(name);
        name.strip_prefix("library/").unwrap_or(name)
    }

    /// A setting of the step, by its name in any case.
    pub fn setting(&self, name: &str, platform: Platform) -> Option<Rc<Node>> {
        let fields = self.settings.as_ref()?.fields(platform).ok()?;
        fields.setting(name).cloned()
    }

    /// Whether it runs after something has failed.
    pub fn on_failure(&self) -> bool {
        self.when.iter().any(Conditions::on_failure)
    }
}

/// Why the files cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The file.
    pub file: String,
    /// The line, if one is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub because: String,
    /// What to do.
    pub advice: String,
}

impl Unreadable {
    /// The file with its line.
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }
}

/// Reads every pipeline of the files.
///
/// # Errors
/// The first thing that the server would refuse, or that is not read here.
pub fn read(files: &[FileText], platform: Platform) -> Result<Vec<Pipeline>, Unreadable> {
    let mut pipelines = Vec::new();
    for (file, bytes) in files {
        let unreadable = |line, because: String, advice: &str| Unreadable {
            file: file.clone(),
            line,
            because,
            advice: advice.to_owned(),
        };
        if let Some(language) = language(file) {
            return Err(unreadable(
                None,
                format!("it is written in {language}; what comes out of it is not known here"),
                "let CI compare what it makes with a plain YAML file in the repository, or look at it by hand",
            ));
        }
        let text = text(bytes).map_err(|fault| {
            unreadable(fault.line, fault.what, "write it as plain YAML in UTF-8")
        })?;
        let read = match platform {
            Platform::Drone => drone::read(file, text, &mut pipelines),
            Platform::Woodpecker => woodpecker::read(file, text, &mut pipelines),
        };
        read.map_err(|fault| {
            let advice = if fault.what.starts_with("written for ") {
                "write it in the form of today's server, one `kind: pipeline` and a list of `steps`"
            } else {
                "mend the file at that line; `drone lint`, or `woodpecker-cli lint`, says whether the server takes it"
            };
            // Where something is missing at the end, the parser names the line behind it.
            let last = text.lines().count().max(1);
            let line = fault.line.map(|line| line.min(last));
            unreadable(line, fault.what, advice)
        })?;
        let steps: usize = pipelines.iter().map(|pipeline| pipeline.steps.len()).sum();
        if steps > MOST_STEPS {
            return Err(unreadable(
                None,
                format!("more than {MOST_STEPS} steps"),
                "split the pipeline",
            ));
        }
        let conditions = pipelines.iter().flat_map(Pipeline::conditions);
        if conditions.map(Conditions::patterns).sum::<usize>() > MOST_PATTERNS {
            return Err(unreadable(
                None,
                format!("more than {MOST_PATTERNS} patterns in its conditions"),
                "write fewer and plainer conditions",
            ));
        }
    }
    Ok(pipelines)
}

/// Drone's other languages, which its server or an extension turns into YAML first.
fn language(file: &str) -> Option<&'static str> {
    let (_, extension) = file.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "jsonnet" | "libsonnet" => Some("Jsonnet"),
        "star" | "starlark" | "script" => Some("Starlark"),
        "ts" | "js" => Some("a script"),
        _ => None,
    }
}

/// The text of a file, if nothing in it reads differently here than on the server.
fn text(bytes: &[u8]) -> Result<&str, Fault> {
    let line_of = |at: usize| 1 + bytes[..at].iter().filter(|b| **b == b'\n').count();
    if bytes.len() > LONGEST {
        return Err(Fault {
            line: None,
            what: format!("{} bytes; at most {LONGEST} are read", bytes.len()),
        });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Fault::at(line_of(error.valid_up_to()), "a byte that is no UTF-8"))?;
    let strange = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if let Some(at) = text.find(strange) {
        return Err(Fault::at(
            line_of(at),
            "a control character, which no YAML may hold",
        ));
    }
    // YAML 1.1, and so the servers, end a line at these; the parser used here does not.
    if let Some(at) = text.find(['\u{2028}', '\u{2029}']) {
        let what = "one of the characters U+2028 and U+2029, at which the server ends a line and people see none";
        return Err(Fault::at(line_of(at), what));
    }
    for (index, line) in text.split('\n').enumerate() {
        if line.len() > LONGEST_LINE {
            let what = format!(
                "more than {LONGEST_LINE} bytes in one line, at which Drone stops reading without a word"
            );
            return Err(Fault::at(index + 1, what));
        }
        if is_merge_marker(line) {
            return Err(Fault::at(
                index + 1,
                "no valid YAML: a marker of a git merge that was not resolved",
            ));
        }
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// What git leaves where a merge has a conflict. Real files have been committed with it.
fn is_merge_marker(line: &str) -> bool {
    let line = line.trim_end_matches('\r');
    ["<<<<<<< ", ">>>>>>> ", "||||||| "]
        .iter()
        .any(|marker| line.starts_with(marker))
        || line == "======="
}

/// The texts of a list; one text as well, where the server takes it.
fn texts(node: Option<&Rc<Node>>, key: &str, one: bool) -> Result<Vec<String>, Fault> {
    let Some(node) = node else {
        return Ok(Vec::new());
    };
    let text = |node: &Node| node.text().unwrap_or_default().to_owned();
    match &node.value {
        yaml::Value::List(items) => Ok(items.iter().map(|item| text(item)).collect()),
        _ if node.is_null() => Ok(Vec::new()),
        yaml::Value::Scalar { .. } if one => Ok(vec![text(node)]),
        _ => Err(not_a_list(node, key)),
    }
}

fn not_a_list(node: &Node, key: &str) -> Fault {
    Fault::at(
        node.line,
        format!(
            "`{key}` is {} where the server takes only a list",
            node.kind()
        ),
    )
}

/// The lines of `commands`, each with where it stands.
fn commands(node: Option<&Rc<Node>>) -> Vec<(usize, String)> {
    let Some(node) = node else {
        return Vec::new();
    };
    let one = std::slice::from_ref(node);
    let items = match &node.value {
        yaml::Value::List(items) => items.as_slice(),
        _ => one,
    };
    items
        .iter()
        .filter_map(|item| Some((item.line, item.text()?.to_owned())))
        .collect()
}

/// The line of a key whose value is true.
fn set(fields: &yaml::Fields<'_>, key: &str) -> Option<usize> {
    let set = fields.get(key)?.flag().unwrap_or(false);
    fields.line(key).filter(|_| set)
}
