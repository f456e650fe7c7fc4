//! Woodpecker's workflow files: one workflow each, named after the file.

use std::rc::Rc;

use super::condition::Conditions;
use super::yaml::{self, Fault, Fields, Node, Value};
use super::{Pipeline, Step, commands, set, texts};
use crate::ci::Platform;

const WOODPECKER: Platform = Platform::Woodpecker;

/// Adds the workflow of a file.
pub(super) fn read(file: &str, text: &str, pipelines: &mut Vec<Pipeline>) -> Result<(), Fault> {
    let Some(node) = yaml::document(text, 0)? else {
        return Ok(());
    };
    let fields = node.fields(WOODPECKER)?;
    if fields.get("steps").is_none() && fields.get("pipeline").is_some() {
        let line = fields.line("pipeline").unwrap_or(node.line);
        return Err(Fault::at(
            line,
            "written for Drone 0.8 or an early Woodpecker (a `pipeline:` map instead of `steps`)",
        ));
    }
    let when_line = fields.line("when").unwrap_or(node.line);
    let trigger = Conditions::read(fields.get("when").map(Rc::as_ref), when_line, WOODPECKER)?;
    let mut steps = Vec::new();
    for (key, service) in [("services", true), ("steps", false)] {
        add_steps(&fields, key, service, &mut steps)?;
    }
    let runs_on = texts(fields.get("runs_on"), "runs_on", true)?;
    pipelines.push(Pipeline {
        file: file.to_owned(),
        line: node.line,
        name: workflow_name(file).to_owned(),
        trigger,
        depends_on: texts(fields.get("depends_on"), "depends_on", true)?,
        on_failure: runs_on.iter().any(|status| status == "failure"),
        steps,
    });
    Ok(())
}

/// The file's name without folder, leading dot and extension.
fn workflow_name(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = name.strip_prefix('.').unwrap_or(name);
    let plain = name
        .strip_suffix(".yml")
        .or_else(|| name.strip_suffix(".yaml"));
    plain.unwrap_or(name)
}

/// Steps are a list, or a map whose keys are their names.
fn add_steps(
    fields: &Fields<'_>,
    key: &str,
    service: bool,
    steps: &mut Vec<Step>,
) -> Result<(), Fault> {
    let Some(node) = fields.get(key) else {
        return Ok(());
    };
    if let Value::List(items) = &node.value {
        for (index, item) in items.iter().enumerate() {
            steps.push(step(item, &format!("step-{index}"), item.line, service)?);
        }
        return Ok(());
    }
    let fields = node.fields(WOODPECKER)?;
    for (name, line, item) in fields.iter() {
        steps.push(step(item, name, line, service)?);
    }
    Ok(())
}

fn step(node: &Rc<Node>, fallback: &str, line: usize, service: bool) -> Result<Step, Fault> {
    let fields = node.fields(WOODPECKER)?;
    let text = |key: &str| fields.get(key).and_then(|value| value.text());
    let commands = commands(fields.get("commands"));
    if let Some(settings) = fields.get("settings") {
        settings.fields(WOODPECKER)?;
    }
    let when_line = fields.line("when").unwrap_or(line);
    let ignored = text("failure") == Some("ignore");
    // With an `environment` a step is no plugin any more and gets no settings' semantics, but the
    // image's own program still runs.
    Ok(Step {
        line,
        name: text("name").unwrap_or(fallback).to_owned(),
        image: text("image").unwrap_or_default().to_owned(),
        service,
        when: Conditions::read(fields.get("when").map(Rc::as_ref), when_line, WOODPECKER)?,
        depends_on: texts(fields.get("depends_on"), "depends_on", true)?,
        ignores_failure: fields.line("failure").filter(|_| ignored),
        detached: set(&fields, "detach"),
        replaced: !commands.is_empty() || fields.get("entrypoint").is_some(),
        commands,
        settings: fields.get("settings").cloned(),
        node: Rc::clone(node),
    })
}
