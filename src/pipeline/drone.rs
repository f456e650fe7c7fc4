//! Drone's pipeline file.

use std::rc::Rc;

use super::condition::Conditions;
use super::yaml::{self, Fault, Fields, Node, Value};
use super::{Pipeline, Step, commands, not_a_list, set, texts};
use crate::ci::Platform;
use crate::secret::shorten;

const DRONE: Platform = Platform::Drone;

/// Adds the pipelines of a file.
pub(super) fn read(file: &str, text: &str, pipelines: &mut Vec<Pipeline>) -> Result<(), Fault> {
    for (before, part) in parts(text) {
        let Some(node) = yaml::document(&part, before)? else {
            continue;
        };
        let fields = node.fields(DRONE)?;
        match fields.get("kind").and_then(|kind| kind.text()) {
            Some("pipeline") => pipelines.push(pipeline(file, &node, &fields)?),
            Some(_) => {}
            None if fields.get("pipeline").is_some() => {
                let line = fields.line("pipeline").unwrap_or(node.line);
                return Err(Fault::at(
                    line,
                    "written for Drone 0.8 (a `pipeline:` map, `event: deployment`, `environment`); \
                     a server of today rewrites it, and what it makes of it is not known here",
                ));
            }
            None => {}
        }
    }
    Ok(())
}

/// The documents of a file and the number of lines before each. Drone cuts the file at lines that
/// begin with `---` and ends it at `...`, without regard to YAML, even inside a block; of each part
/// it reads the first document (drone/runner-go manifest/parse.go).
fn parts(text: &str) -> Vec<(usize, String)> {
    let mut parts = vec![(0, String::new())];
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("---") {
            parts.push((index + 1, String::new()));
        } else if line.starts_with("...") {
            break;
        } else if let Some((_, part)) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}

fn pipeline(file: &str, node: &Node, fields: &Fields<'_>) -> Result<Pipeline, Fault> {
    let name = fields.get("name").and_then(|name| name.text());
    let trigger_line = fields.line("trigger").unwrap_or(node.line);
    let trigger = fields.get("trigger").map(Rc::as_ref);
    let trigger = Conditions::read(trigger, trigger_line, DRONE)?;
    let mut steps = Vec::new();
    for (key, service) in [("services", true), ("steps", false)] {
        let Some(list) = fields.get(key) else {
            continue;
        };
        if !matches!(list.value, Value::List(_)) && !list.is_null() {
            return Err(not_a_list(list, key));
        }
        for item in list.items() {
            let step = step(item, service)?;
            if let Some(twin) = steps.iter().find(|other: &&Step| other.name == step.name) {
                let what = format!(
                    "a second step `{}`, after that of line {}; Drone refuses the file",
                    shorten(&step.name, 60),
                    twin.line
                );
                return Err(Fault::at(step.line, what));
            }
            steps.push(step);
        }
    }
    Ok(Pipeline {
        file: file.to_owned(),
        line: node.line,
        name: name.unwrap_or("default").to_owned(),
        on_failure: trigger.iter().any(Conditions::on_failure),
        trigger,
        depends_on: texts(fields.get("depends_on"), "depends_on", false)?,
        steps,
    })
}

fn step(node: &Rc<Node>, service: bool) -> Result<Step, Fault> {
    let fields = node.fields(DRONE)?;
    let text = |key: &str| {
        let text = fields.get(key).and_then(|value| value.text());
        text.unwrap_or_default().to_owned()
    };
    let name = text("name");
    if name.is_empty() && !service {
        return Err(Fault::at(
            node.line,
            "a step without a name; Drone refuses the file",
        ));
    }
    if let Some(settings) = fields.get("settings") {
        settings.fields(DRONE)?;
    }
    let when_line = fields.line("when").unwrap_or(node.line);
    let commands = commands(fields.get("commands"));
    let ignored = text("failure").eq_ignore_ascii_case("ignore");
    Ok(Step {
        line: node.line,
        name,
        image: text("image"),
        service,
        when: Conditions::read(fields.get("when").map(Rc::as_ref), when_line, DRONE)?,
        depends_on: texts(fields.get("depends_on"), "depends_on", false)?,
        ignores_failure: fields.line("failure").filter(|_| ignored),
        detached: set(&fields, "detach"),
        replaced: !commands.is_empty() || fields.get("entrypoint").is_some(),
        commands,
        settings: fields.get("settings").cloned(),
        node: Rc::clone(node),
    })
}
