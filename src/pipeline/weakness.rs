//! Where the gate can be walked around: everything that the checks of a pipeline file find.

use super::order::At;
use super::{FileText, Pipeline, Step};
use super::{clusters, lines, reach, spelling, tags, toothless};
use crate::ci::{Build, Platform};
use crate::policy::Policy;
use crate::secret::shorten;

/// What is weak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A promotion reaches a step without the gate before it.
    Ungated,
    /// A step runs even if the gate refuses.
    RunsAnyway,
    /// The build goes on when the gate fails.
    IgnoresFailure,
    /// The build does not wait for the gate.
    Detached,
    /// The gate's policy says that it stops nothing.
    NotEnforced,
    /// Text is replaced before the file is read.
    Substitution,
    /// A condition that the server passes over.
    IgnoredCondition,
    /// `hotfix/*` misses `hotfix/a/b`.
    ShallowGlob,
    /// Only the first slash of a branch is replaced.
    FirstSlash,
    /// A hotfix branch pushes `latest` or a release's tag.
    ReleaseTag,
    /// A name of production reaches the steps of all else.
    WrongCluster,
    /// More than can be judged.
    Unjudged,
}

/// One weakness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakness {
    /// What kind it is.
    pub kind: Kind,
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The pipeline, if it is about one.
    pub pipeline: Option<String>,
    /// The steps that it is about.
    pub steps: Vec<String>,
    /// What is weak, as a sentence that begins with the steps or the thing.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl Weakness {
    /// The file and the line.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// Everything that the checks look at.
pub(super) struct Context<'a> {
    pub(super) files: &'a [FileText],
    pub(super) pipelines: &'a [Pipeline],
    pub(super) gates: &'a [At],
    pub(super) build: &'a Build,
    pub(super) policy: &'a Policy,
    pub(super) platform: Platform,
}

impl Context<'_> {
    pub(super) fn steps(&self) -> impl Iterator<Item = (At, &Pipeline, &Step)> {
        self.pipelines.iter().enumerate().flat_map(|(p, pipeline)| {
            let steps = pipeline.steps.iter().enumerate();
            steps.map(move |(s, step)| ((p, s), pipeline, step))
        })
    }
}

/// A weakness of one step.
pub(super) fn of_step(
    kind: Kind,
    pipeline: &Pipeline,
    step: &Step,
    line: usize,
    what: String,
    advice: impl Into<String>,
) -> Weakness {
    Weakness {
        kind,
        file: pipeline.file.clone(),
        line,
        pipeline: Some(pipeline.name.clone()),
        steps: vec![step.name.clone()],
        what,
        advice: advice.into(),
    }
}

/// Names in prose, each in backquotes, the first dozen of them.
pub(super) fn list<S: AsRef<str>>(names: &[S]) -> String {
    const MOST: usize = 12;
    let quoted: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{}`", shorten(name.as_ref(), 60)))
        .collect();
    let more = names.len().saturating_sub(MOST);
    match quoted.split_last() {
        _ if more > 0 => format!("{} and {more} more", quoted.join(", ")),
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}

/// Every weakness of the pipelines, in the order of the kinds, then of the files and lines.
pub fn find(
    files: &[FileText],
    pipelines: &[Pipeline],
    gates: &[At],
    build: &Build,
    policy: &Policy,
) -> Vec<Weakness> {
    let context = Context {
        files,
        pipelines,
        gates,
        build,
        policy,
        platform: build.platform,
    };
    let mut found = reach::find(&context);
    found.extend(toothless::find(&context));
    found.extend(lines::find(&context));
    found.extend(spelling::find(&context));
    found.extend(tags::find(&context));
    found.extend(clusters::find(&context));
    let place = |file: &str| files.iter().position(|(name, _)| name == file);
    found.sort_by_key(|weakness| (weakness.kind, place(&weakness.file), weakness.line));
    found
}
