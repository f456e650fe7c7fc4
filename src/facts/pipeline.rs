//! What the pipeline file says about the way to production: where the gate can be walked around,
//! and whether the gate is the one of the default branch.

pub mod texts;

use std::collections::BTreeSet;

use super::Source;
use crate::ci::{Build, Platform};
use crate::pipeline::gates::{self, Running};
use crate::pipeline::order::At;
use crate::pipeline::weakness::{self, Kind, Weakness};
use crate::pipeline::{self, FileText, Pipeline, Step, Unreadable};
use crate::policy::Policy;

/// The texts to read.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// The pipeline files of the built commit, with their paths; empty if it has none.
    pub built: &'a [FileText],
    /// Those of the default branch, or why they are not there.
    pub default: Result<&'a [FileText], &'a str>,
    /// Those of the commit that the hotfix begins at, if that is known.
    pub base: Option<&'a [FileText]>,
}

/// What the pipeline file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineFacts {
    /// The paths of the files that were read.
    pub files: Vec<String>,
    /// How many steps they have.
    pub steps: usize,
    /// The gates, each as pipeline and step.
    pub gates: Vec<(String, String)>,
    /// Where the gate can be walked around, in the order of the kinds, files and lines.
    pub weaknesses: Vec<Weakness>,
    /// Why the files could not be judged, if so; then the lists above are empty.
    pub unreadable: Option<Unreadable>,
    /// How the gate compares with that of the default branch.
    pub unchanged: Source<Unchanged>,
}

/// How the pipeline file of the built commit compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unchanged {
    /// It is, byte for byte, the file of this place.
    Same(&'static str),
    /// It differs, and the gate in it does not.
    SameGate,
    /// What is different about the gate, each as a sentence.
    Changed(Vec<String>),
}

/// Reads the pipeline files.
pub fn read(
    texts: Texts<'_>,
    build: &Build,
    policy: &Policy,
    running: Running<'_>,
) -> PipelineFacts {
    let mut facts = PipelineFacts {
        files: texts.built.iter().map(|(path, _)| path.clone()).collect(),
        steps: 0,
        gates: Vec::new(),
        weaknesses: Vec::new(),
        unreadable: None,
        unchanged: Source::NotConfigured("the pipeline file was not compared".to_owned()),
    };
    let judged = judge(texts.built, build, policy, running);
    match &judged {
        Ok(judged) => {
            facts.steps = judged
                .pipelines
                .iter()
                .map(|pipeline| pipeline.steps.len())
                .sum();
            facts.gates = judged
                .gates()
                .map(|(p, s)| (p.name.clone(), s.name.clone()))
                .collect();
            facts.weaknesses = judged.weaknesses.clone();
        }
        Err(unreadable) => facts.unreadable = Some(unreadable.clone()),
    }
    facts.unchanged = compare(texts, judged.as_ref(), build, policy);
    facts
}

/// Files that were read and judged.
struct Judged {
    pipelines: Vec<Pipeline>,
    gates: Vec<At>,
    weaknesses: Vec<Weakness>,
}

impl Judged {
    fn gates(&self) -> impl Iterator<Item = (&Pipeline, &Step)> {
        self.gates.iter().map(|(pipeline, step)| {
            let pipeline = &self.pipelines[*pipeline];
            (pipeline, &pipeline.steps[*step])
        })
    }
}

fn judge(
    files: &[FileText],
    build: &Build,
    policy: &Policy,
    running: Running<'_>,
) -> Result<Judged, Unreadable> {
    let Some((first, _)) = files.first() else {
        return Err(Unreadable {
            file: usual_name(build.platform).to_owned(),
            line: None,
            because: "the built commit has no such file; the server may take its configuration from elsewhere".to_owned(),
            advice: "let the repository hold the file under its usual name, or look at the configuration by hand".to_owned(),
        });
    };
    let pipelines = pipeline::read(files, build.platform)?;
    let gates = gates::find(&pipelines, running, build.platform).map_err(|because| Unreadable {
        file: first.clone(),
        line: None,
        because,
        advice: "look whether the server takes its configuration from another file or service, and judge that one".to_owned(),
    })?;
    let weaknesses = weakness::find(files, &pipelines, &gates, build, policy);
    Ok(Judged {
        pipelines,
        gates,
        weaknesses,
    })
}

const fn usual_name(platform: Platform) -> &'static str {
    match platform {
        Platform::Drone => ".drone.yml",
        Platform::Woodpecker => ".woodpecker.yml",
    }
}

fn compare(
    texts: Texts<'_>,
    built: Result<&Judged, &Unreadable>,
    build: &Build,
    policy: &Policy,
) -> Source<Unchanged> {
    if let Ok(default) = texts.default
        && !default.is_empty()
        && same(texts.built, default)
    {
        return Source::Known(Unchanged::Same("the default branch"));
    }
    if let Some(base) = texts.base
        && !base.is_empty()
        && same(texts.built, base)
    {
        return Source::Known(Unchanged::Same("the commit that the hotfix begins at"));
    }
    let unknown = |because: String, advice: &str| Source::Unknown {
        because,
        retry: false,
        advice: advice.to_owned(),
    };
    let by_hand = "compare the pipeline file with the default branch's by hand";
    let default = match texts.default {
        Ok([]) => {
            return unknown(
                "the default branch has no pipeline file to compare with".to_owned(),
                by_hand,
            );
        }
        Ok(default) => default,
        Err(because) => return Source::NotConfigured(because.to_owned()),
    };
    let built = match built {
        Ok(built) => built,
        Err(wrong) => {
            return unknown(
                format!("{}: {}", wrong.place(), wrong.because),
                &wrong.advice,
            );
        }
    };
    let default = match judge(default, build, policy, Running::default()) {
        Ok(default) => default,
        Err(wrong) => {
            let because = format!(
                "on the default branch, {}: {}",
                wrong.place(),
                wrong.because
            );
            return unknown(because, by_hand);
        }
    };
    let changes = changes(&default, built, build.platform);
    Source::Known(if changes.is_empty() {
        Unchanged::SameGate
    } else {
        Unchanged::Changed(changes)
    })
}

/// Whether two sets of files are the same, whatever their order.
fn same(one: &[FileText], other: &[FileText]) -> bool {
    let set = |files: &[FileText]| -> BTreeSet<FileText> { files.iter().cloned().collect() };
    set(one) == set(other)
}

/// What the built commit does to the gates of the default branch.
fn changes(default: &Judged, built: &Judged, platform: Platform) -> Vec<String> {
    let mut changes = Vec::new();
    for (pipeline, gate) in default.gates() {
        let name = format!("`{}` of the pipeline `{}`", gate.name, pipeline.name);
        let twin = built
            .pipelines
            .iter()
            .filter(|other| other.name == pipeline.name);
        let twin = twin.flat_map(|p| p.steps.iter().map(move |step| (p, step)));
        let Some((other, twin)) = twin.into_iter().find(|(_, step)| step.name == gate.name) else {
            changes.push(format!("the gate {name} is gone"));
            continue;
        };
        let keys = differing(gate, twin, platform);
        if !keys.is_empty() {
            changes.push(format!("the gate {name} has another {}", quoted(&keys)));
        }
        if pipeline.trigger != other.trigger && !same_conditions(pipeline, other) {
            changes.push(format!(
                "the pipeline of the gate {name} has another `trigger`"
            ));
        }
    }
    changes.extend(lost(default, built));
    changes
}

/// Conditions without their lines.
fn same_conditions(one: &Pipeline, other: &Pipeline) -> bool {
    let plain = |pipeline: &Pipeline| {
        let all = pipeline.trigger.iter();
        all.map(|conditions| {
            let mut fields: Vec<_> = conditions
                .fields
                .iter()
                .map(|(field, c)| (*field, c.include.clone(), c.exclude.clone()))
                .collect();
            fields.sort();
            let status = conditions.status.as_ref();
            (
                fields,
                status.map(|c| (c.include.clone(), c.exclude.clone())),
            )
        })
        .collect::<Vec<_>>()
    };
    plain(one) == plain(other)
}

/// The keys of a step, and those of its policy, whose values differ.
fn differing(gate: &Step, twin: &Step, platform: Platform) -> Vec<String> {
    let mut keys = Vec::new();
    let (Ok(one), Ok(other)) = (gate.node.fields(platform), twin.node.fields(platform)) else {
        return vec!["form".to_owned()];
    };
    let one_settings = one
        .get("settings")
        .and_then(|node| node.fields(platform).ok());
    let other_settings = other
        .get("settings")
        .and_then(|node| node.fields(platform).ok());
    let policies = |settings: &Option<pipeline::yaml::Fields<'_>>| {
        settings.as_ref().and_then(|s| s.get("policy").cloned())
    };
    let (one_policy, other_policy) = (policies(&one_settings), policies(&other_settings));
    let one_keys = one_policy
        .as_ref()
        .and_then(|policy| policy.fields(platform).ok());
    let other_keys = other_policy
        .as_ref()
        .and_then(|policy| policy.fields(platform).ok());
    let maps = (one_keys.unwrap_or_default(), other_keys.unwrap_or_default());
    keys.extend(differing_keys(&maps.0, &maps.1, "policy.", &[], platform));
    let maps = (
        one_settings.unwrap_or_default(),
        other_settings.unwrap_or_default(),
    );
    keys.extend(differing_keys(
        &maps.0,
        &maps.1,
        "settings.",
        &["policy"],
        platform,
    ));
    keys.extend(differing_keys(
        &one,
        &other,
        "",
        &["settings", "name"],
        platform,
    ));
    keys
}

fn differing_keys(
    one: &pipeline::yaml::Fields<'_>,
    other: &pipeline::yaml::Fields<'_>,
    before: &str,
    without: &[&str],
    platform: Platform,
) -> Vec<String> {
    let (one, other) = (one.sorted(), other.sorted());
    let keys: BTreeSet<&str> = one.keys().chain(other.keys()).copied().collect();
    let canonical = |map: &std::collections::BTreeMap<&str, &std::rc::Rc<pipeline::yaml::Node>>,
                     key: &str| {
        map.get(key)
            .filter(|node| !node.is_null())
            .map(|node| node.canonical(platform))
    };
    keys.into_iter()
        .filter(|key| !without.contains(key))
        .filter(|key| canonical(&one, key) != canonical(&other, key))
        .map(|key| format!("{before}{key}"))
        .collect()
}

/// Steps that have lost their gate, or that have come without one.
fn lost(default: &Judged, built: &Judged) -> Vec<String> {
    let of = |judged: &Judged| -> BTreeSet<(Kind, String, String)> {
        let weak = judged.weaknesses.iter().filter(|weakness| {
            matches!(
                weakness.kind,
                Kind::Ungated
                    | Kind::RunsAnyway
                    | Kind::IgnoresFailure
                    | Kind::Detached
                    | Kind::NotEnforced
            )
        });
        weak.flat_map(|weakness| {
            let pipeline = weakness.pipeline.clone().unwrap_or_default();
            let steps = weakness.steps.iter();
            steps.map(move |step| (weakness.kind, pipeline.clone(), step.clone()))
        })
        .collect()
    };
    let before = of(default);
    let new = of(built).into_iter().filter(|weak| !before.contains(weak));
    new.map(|(kind, pipeline, step)| {
        let what = match kind {
            Kind::Ungated => "is reached without the gate",
            Kind::RunsAnyway => "runs even if the gate refuses",
            _ => "stops nothing any more",
        };
        format!(
            "the step `{step}` of the pipeline `{pipeline}` {what}, unlike on the default branch"
        )
    })
    .collect()
}

fn quoted(keys: &[String]) -> String {
    let shown: Vec<String> = keys.iter().take(12).map(|key| format!("`{key}`")).collect();
    shown.join(", ")
}
