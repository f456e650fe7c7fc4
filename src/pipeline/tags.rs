//! Image tags that a push to a hotfix branch must not write: `latest`, and a release's.
//!
//! A real near-miss: a team let its step that pushes `latest` run on `hotfix/*` as well (process.md
//! §3.2).

use std::sync::LazyLock;

use regex::Regex;

use super::condition::Field;
use super::reach::always_before;
use super::scenario::{Doubt, World};
use super::weakness::{Context, Kind, Weakness, list, of_step};
use super::yaml::{Node, Value};
use super::{Pipeline, Step};
use crate::ci::Platform;
use crate::hotfix::compile;

/// Plugins that push an image, by the last part of their name. Without a tag they push `latest`.
const PLUGINS: [&str; 10] = [
    "docker",
    "ecr",
    "gcr",
    "gar",
    "acr",
    "kaniko",
    "buildx",
    "docker-buildx",
    "plugin-docker-buildx",
    "plugin-kaniko",
];

/// Finds them.
pub(super) fn find(context: &Context<'_>) -> Vec<Weakness> {
    let world = pushes(context);
    let mut found = Vec::new();
    for (at, pipeline, step) in context.steps() {
        let runs = world.of_step(&pipeline.trigger, &step.when, Doubt::Runs);
        if runs.is_empty() || context.gates.contains(&at) {
            continue;
        }
        if step.replaced {
            found.extend(in_commands(context, pipeline, step));
            continue;
        }
        let (line, tags) = tags(context.platform, step);
        let wrong: Vec<&str> = tags
            .iter()
            .map(String::as_str)
            .filter(|tag| is_release(context, tag))
            .collect();
        let name = list(&[&step.name]);
        let advice = "keep hotfix branches from this step with `when: {branch: {exclude: [\"hotfix/**\"]}}`, \
                      or give it only tags of the build, such as the file `.tags`";
        if !wrong.is_empty() {
            let what = format!("{name} pushes {} from a hotfix branch", list(&wrong));
            found.push(of_step(
                Kind::ReleaseTag,
                pipeline,
                step,
                line,
                what,
                advice,
            ));
        } else if tags.is_empty() && pushes_latest(context, step) {
            let writes = |at, earlier: &Step| writes_tags(context, at, earlier);
            if !always_before(context, &world, at, writes) {
                let what = format!(
                    "{name} has no tags, and no step that surely runs before it writes `.tags`: from a hotfix branch it pushes `latest`"
                );
                found.push(of_step(
                    Kind::ReleaseTag,
                    pipeline,
                    step,
                    step.line,
                    what,
                    advice,
                ));
            }
        }
    }
    found
}

/// A push to a hotfix branch.
fn pushes(context: &Context<'_>) -> World {
    let branches = context.policy.prefixes.examples();
    let refs = branches
        .iter()
        .map(|branch| format!("refs/heads/{branch}"))
        .collect();
    let none = || vec![String::new()];
    let given = [
        (Field::Event, vec!["push".to_owned()]),
        (Field::Branch, branches),
        (Field::Ref, refs),
        (Field::Target, none()),
        (Field::Action, none()),
        (Field::Cron, none()),
        (Field::Repo, vec![context.build.repo.clone()]),
    ];
    World::new(context.pipelines, &given, &[])
}

/// The tags that a plugin's settings name, with their line.
fn tags(platform: Platform, step: &Step) -> (usize, Vec<String>) {
    let mut line = step.line;
    let mut tags = Vec::new();
    for name in ["tag", "tags"] {
        let Some(node) = step.setting(name, platform) else {
            continue;
        };
        let before = tags.len();
        add_tags(&node, &mut tags);
        if tags.len() > before {
            line = node.line;
        }
    }
    (line, tags)
}

fn add_tags(node: &Node, tags: &mut Vec<String>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| add_tags(item, tags)),
        Value::Scalar { text, .. } => {
            let each = text.split(',').map(str::trim).filter(|tag| !tag.is_empty());
            tags.extend(each.map(str::to_owned));
        }
        Value::Map(_) => {}
    }
}

fn is_release(context: &Context<'_>, tag: &str) -> bool {
    tag == "latest" || context.policy.is_release(tag)
}

/// Whether a step is a plugin that pushes `latest` if nothing gives it a tag. `auto_tag` pushes
/// nothing from a branch that is not the default branch.
fn pushes_latest(context: &Context<'_>, step: &Step) -> bool {
    let on = |name: &str| {
        let setting = step.setting(name, context.platform);
        setting.is_some_and(|node| node.flag() == Some(true))
    };
    let name = step.repository().rsplit('/').next().unwrap_or_default();
    let known = PLUGINS.contains(&name) || name.starts_with("kaniko-");
    known && !on("auto_tag") && !on("dry_run") && !on("no_push")
}

/// Whether a step writes the file in which those plugins look for their tags.
fn writes_tags(context: &Context<'_>, at: super::order::At, step: &Step) -> bool {
    if step
        .commands
        .iter()
        .any(|(_, command)| command.contains(".tags"))
    {
        return true;
    }
    // The gate writes it if it has no image of its own to publish.
    let policy = step
        .setting("policy", context.platform)
        .filter(|_| context.gates.contains(&at));
    let policy = policy
        .as_ref()
        .and_then(|policy| policy.fields(context.platform).ok());
    policy.is_some_and(|policy| policy.get("source").is_none() && policy.get("tags_file").is_none())
}

/// Commands that push or set such a tag.
fn in_commands(context: &Context<'_>, pipeline: &Pipeline, step: &Step) -> Option<Weakness> {
    static TOOL: LazyLock<Option<Regex>> = LazyLock::new(|| {
        compile(r"\b(?:docker|podman|buildah|nerdctl|skopeo|crane|regctl|oras)\b.*?\b(push|tag|copy|cp|build|buildx)\b(.*)").ok()
    });
    let tool = TOOL.as_ref()?;
    for (line, command) in &step.commands {
        for part in command
            .split(['\n', ';', '|'])
            .flat_map(|part| part.split("&&"))
        {
            let Some(captures) = tool.captures(part) else {
                continue;
            };
            let (verb, rest) = (&captures[1], &captures[2]);
            let quotes = |c: char| matches!(c, '"' | '\'');
            let words: Vec<&str> = rest
                .split_whitespace()
                .map(|word| word.trim_matches(quotes))
                .collect();
            let written: Vec<&str> = match verb {
                "push" => words,
                // Of what a build is made of, only what its `-t` names is written.
                "build" | "buildx" => tagged(&words),
                _ => words.last().copied().into_iter().collect(),
            };
            let tag = |word: &&str| {
                let after_path = word.rsplit('/').next().unwrap_or_default();
                let tag = after_path.rsplit_once(':').map(|(_, tag)| tag);
                tag.is_some_and(|tag| is_release(context, tag))
            };
            if let Some(word) = written.into_iter().find(tag) {
                let what = format!(
                    "{} pushes {} from a hotfix branch",
                    list(&[&step.name]),
                    list(&[word])
                );
                let advice = "keep hotfix branches from this step with `when: {branch: {exclude: [\"hotfix/**\"]}}`";
                return Some(of_step(
                    Kind::ReleaseTag,
                    pipeline,
                    step,
                    *line,
                    what,
                    advice,
                ));
            }
        }
    }
    None
}

fn tagged<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if let Some(tag) = word.strip_prefix("--tag=") {
            found.push(tag);
        } else if matches!(*word, "-t" | "--tag") {
            found.extend(words.get(index + 1).copied());
        }
    }
    found
}
