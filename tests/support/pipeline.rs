//! Pipeline files and builds, turned into the environment of a step as the CI servers do it. This
//! file reads the pipeline files: Drone's after drone-runners/drone-runner-docker
//! engine/resource/{pipeline,parser}.go with drone/runner-go manifest/{parse,env,param}.go,
//! Woodpecker's after woodpecker-ci/woodpecker pipeline/frontend/yaml/types/. What is not done:
//! `${VAR}` substitution and the servers' linters.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise, and that is what it is for"
)]

mod drone;
mod drone_vars;
mod encode;
mod text;
mod version;
mod when;
mod woodpecker;

pub use drone::DroneBuild;
pub use encode::{Encoded, drone_settings, woodpecker_settings};
pub use when::{glob, when_matches_drone};
pub use woodpecker::WoodpeckerBuild;

use super::yaml::{self, Dialect, Node, Raw};

const QUOTED_NULL: &str = "cannot unmarshal a quoted ~ or null into this field";
const CONDITIONS: [&str; 10] = [
    "action", "cron", "ref", "repo", "instance", "target", "event", "branch", "status", "paths",
];

#[derive(Clone, Debug, Default)]
pub struct Step {
    pub name: String,
    pub image: String,
    pub settings: Vec<(String, Node)>,
    pub environment: Vec<(String, Node)>,
    pub depends_on: Vec<String>,
    pub commands: Vec<String>,
    pub entrypoint: Vec<String>,
    pub when: Option<Node>,
    pub failure: Option<String>,
    /// The step's number in its stage, counted with the clone step and the services (Drone only).
    pub number: usize,
}

impl Step {
    /// Woodpecker's idea of a plugin (types/container.go): only plugins get the `DRONE_*`
    /// variables.
    pub fn is_plugin(&self) -> bool {
        self.commands.is_empty() && self.entrypoint.is_empty() && self.environment.is_empty()
    }
}

#[derive(Clone, Debug)]
pub struct Pipeline {
    pub name: String,
    /// `docker` if the file has no `type`.
    pub kind: String,
    pub steps: Vec<Step>,
    pub trigger: Option<Node>,
    pub depends_on: Vec<String>,
    pub environment: Vec<(String, Node)>,
    pub clone_disabled: bool,
}

impl Pipeline {
    /// The step with this name.
    pub fn step(&self, name: &str) -> &Step {
        self.steps
            .iter()
            .find(|step| step.name == name)
            .expect("a step of that name")
    }
}

/// The pipelines of a Drone file. Panics where Drone would refuse the file.
pub fn drone_pipelines(yaml: &str) -> Vec<Pipeline> {
    try_drone_pipelines(yaml).expect("a file that Drone accepts")
}

/// The pipelines of a Drone file, whatever their `type`, or why Drone refuses it.
pub fn try_drone_pipelines(yaml: &str) -> Result<Vec<Pipeline>, String> {
    // Drone cuts the file at lines that begin with `---` and ends it at `...`, without regard to
    // YAML (even inside a block scalar); of each part it reads the first document.
    let mut parts = vec![String::new()];
    for line in yaml.lines() {
        if line.starts_with("---") {
            parts.push(String::new());
        } else if line.starts_with("...") {
            break;
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    let mut pipelines = Vec::new();
    for part in parts {
        let Some(document) = yaml::stream(&part)?.into_iter().next() else {
            continue;
        };
        if document.is_absent() {
            continue;
        }
        let fields = Fields::read(&document, Dialect::Drone)?;
        if fields.text("kind")? == "pipeline" {
            pipelines.push(drone_pipeline(&fields)?);
        }
    }
    Ok(pipelines)
}

fn drone_pipeline(fields: &Fields) -> Result<Pipeline, String> {
    let kind = fields.text("type")?;
    let clone = fields.map("clone")?;
    let disabled = clone.iter().rev().find(|(key, _)| key == "disable");
    let clone_disabled = match disabled {
        Some((_, raw)) => raw.node(Dialect::Drone)? == Node::Bool(true),
        None => false,
    };
    let services = fields.list("services")?.len();
    let first = services + if clone_disabled { 1 } else { 2 };
    let mut steps: Vec<Step> = Vec::new();
    for (index, raw) in fields.list("steps")?.iter().enumerate() {
        if raw.is_absent() {
            return Err("Linter: detected nil step".into());
        }
        let step = drone_step(&Fields::read(raw, Dialect::Drone)?, first + index)?;
        if step.name.is_empty() {
            return Err("Linter: invalid or missing step name".into());
        }
        if steps.iter().any(|other| other.name == step.name) {
            return Err("Linter: duplicate step name".into());
        }
        steps.push(step);
    }
    let mut environment = Vec::new();
    for (key, raw) in fields.map("environment")? {
        // Here null is an empty string, which still displaces a parameter of the same name.
        let value = raw.text(Dialect::Drone)?.unwrap_or_default();
        set(&mut environment, key, Node::Str(value));
    }
    Ok(Pipeline {
        name: fields.text("name")?,
        kind: if kind.is_empty() {
            "docker".into()
        } else {
            kind
        },
        steps,
        trigger: fields.conditions("trigger")?,
        depends_on: fields.texts("depends_on")?,
        environment,
        clone_disabled,
    })
}

fn drone_step(fields: &Fields, number: usize) -> Result<Step, String> {
    let dialect = Dialect::Drone;
    let mut settings = Vec::new();
    for (key, raw) in fields.map("settings")? {
        set(&mut settings, key, drone_setting(raw)?);
    }
    let mut environment = Vec::new();
    for (key, raw) in fields.map("environment")? {
        let value = match raw {
            raw if raw.is_quoted_null() => return Err(QUOTED_NULL.into()),
            raw if raw.is_absent() => Node::Null,
            Raw::Scalar { .. } => Node::Str(raw.text(dialect)?.unwrap_or_default()),
            // A map with `from_secret`, or with `value`; other shapes fail the build.
            Raw::Map(_) => raw.text_node(dialect)?,
            Raw::List(_) => return Err("cannot unmarshal a list into a variable".into()),
        };
        set(&mut environment, key, value);
    }
    let failure = fields.text("failure")?;
    Ok(Step {
        name: fields.text("name")?,
        image: fields.text("image")?,
        settings,
        environment,
        depends_on: fields.texts("depends_on")?,
        commands: fields.texts("commands")?,
        entrypoint: fields.texts("entrypoint")?,
        when: fields.conditions("when")?,
        failure: (!failure.is_empty()).then_some(failure),
        number,
    })
}

/// One of Drone's settings (manifest/param.go). The secret's name is a string as written, so that
/// `from_secret: 007` is the secret `007`; `NULL` is not the absent value that `null` is.
fn drone_setting(raw: &Raw) -> Result<Node, String> {
    if raw.is_quoted_null() {
        return Err(QUOTED_NULL.into());
    }
    if raw.is_absent() {
        return Ok(Node::Null);
    }
    let mut node = raw.node(Dialect::Drone)?;
    if node == Node::Null {
        return Ok(Node::Str("null".into()));
    }
    if let (Raw::Map(_), Node::Map(entries)) = (raw, &mut node) {
        for (key, value) in raw.entries(Dialect::Drone)? {
            let (Raw::Scalar { text: name, .. }, Raw::Scalar { .. }) = (key, value) else {
                continue;
            };
            let known = entries
                .iter_mut()
                .find(|(k, _)| k.as_str() == Some("from_secret"));
            if let (true, Some(entry), Some(text)) =
                (name == "from_secret", known, value.text(Dialect::Drone)?)
            {
                entry.1 = Node::Str(text);
            }
        }
    }
    Ok(node)
}

/// The steps of a Woodpecker workflow. Panics where Woodpecker's parser would refuse the file.
pub fn woodpecker_steps(yaml: &str) -> Vec<Step> {
    try_woodpecker_steps(yaml).expect("a file that Woodpecker accepts")
}

/// The steps of a Woodpecker workflow, or why its parser refuses the file.
pub fn try_woodpecker_steps(yaml: &str) -> Result<Vec<Step>, String> {
    let dialect = Dialect::Woodpecker;
    let Some(document) = yaml::stream(yaml)?.into_iter().next() else {
        return Ok(Vec::new());
    };
    let fields = Fields::read(&document, dialect)?;
    // As a list, unnamed steps are numbered; as a map, the key is the name.
    let listed: Vec<(String, &Raw)> = match fields.last("steps") {
        None => Vec::new(),
        Some(Raw::List(items)) => items
            .iter()
            .enumerate()
            .map(|(index, raw)| (format!("step-{index}"), raw))
            .collect(),
        Some(steps) => Fields::read(steps, dialect)?.0,
    };
    listed
        .into_iter()
        .map(|(name, raw)| woodpecker_step(name, &Fields::read(raw, dialect)?))
        .collect()
}

fn woodpecker_step(fallback: String, fields: &Fields) -> Result<Step, String> {
    let typed = |key: &str| -> Result<Vec<(String, Node)>, String> {
        fields
            .map(key)?
            .into_iter()
            .map(|(key, raw)| Ok((key, raw.node(Dialect::Woodpecker)?)))
            .collect()
    };
    // A list, or a single string.
    let strings = |key: &str| match fields.last(key) {
        Some(raw @ Raw::Scalar { .. }) => Ok(raw.text(Dialect::Woodpecker)?.into_iter().collect()),
        _ => fields.texts(key),
    };
    let (name, failure) = (fields.text("name")?, fields.text("failure")?);
    Ok(Step {
        name: if name.is_empty() { fallback } else { name },
        image: fields.text("image")?,
        settings: typed("settings")?,
        environment: typed("environment")?,
        depends_on: strings("depends_on")?,
        commands: strings("commands")?,
        entrypoint: strings("entrypoint")?,
        when: fields
            .last("when")
            .map(|raw| raw.node(Dialect::Woodpecker))
            .transpose()?,
        failure: (!failure.is_empty()).then_some(failure),
        number: 0,
    })
}

fn set(map: &mut Vec<(String, Node)>, key: String, value: Node) {
    match map.iter_mut().find(|(known, _)| *known == key) {
        Some(entry) => entry.1 = value,
        None => map.push((key, value)),
    }
}

/// A map that Go decodes into a struct: its entries in the order in which they are set.
struct Fields<'a>(Vec<(String, &'a Raw)>, Dialect);

impl<'a> Fields<'a> {
    fn read(raw: &'a Raw, dialect: Dialect) -> Result<Self, String> {
        let mut entries = Vec::new();
        for (key, value) in raw.entries(dialect)? {
            match key.text(dialect)? {
                Some(key) => entries.push((key, value)),
                // A key that is null: empty for Drone, passed over by Woodpecker.
                None if dialect == Dialect::Drone => entries.push((String::new(), value)),
                None => {}
            }
        }
        Ok(Fields(entries, dialect))
    }

    fn last(&self, key: &str) -> Option<&'a Raw> {
        self.0
            .iter()
            .rev()
            .find(|(known, _)| known == key)
            .map(|(_, raw)| *raw)
    }

    fn text(&self, key: &str) -> Result<String, String> {
        Ok(self
            .last(key)
            .map(|raw| raw.text(self.1))
            .transpose()?
            .flatten()
            .unwrap_or_default())
    }

    fn list(&self, key: &str) -> Result<&'a [Raw], String> {
        match self.last(key) {
            None => Ok(&[]),
            Some(Raw::List(items)) => Ok(items),
            Some(raw) if raw.text(self.1)?.is_none() => Ok(&[]),
            Some(raw) => Err(format!(
                "cannot unmarshal {} into the list {key}",
                raw.kind()
            )),
        }
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, String> {
        self.list(key)?
            .iter()
            .map(|raw| Ok(raw.text(self.1)?.unwrap_or_default()))
            .collect()
    }

    /// A field that is a map. go-yaml v2 decodes a second occurrence (the key written twice, or
    /// once and once merged) into the same map, so Drone sees the union; a null empties it.
    /// Woodpecker's parser has no second occurrence but a merged one, which a written one
    /// replaces.
    fn map(&self, key: &str) -> Result<Vec<(String, &'a Raw)>, String> {
        let mut union = Vec::new();
        for (_, raw) in self.0.iter().filter(|(known, _)| known == key) {
            let null = matches!(raw, Raw::Scalar { .. }) && raw.text(self.1)?.is_none();
            if null || self.1 == Dialect::Woodpecker {
                union.clear();
            }
            if !null {
                union.extend(Fields::read(raw, self.1)?.0);
            }
        }
        Ok(union)
    }

    /// `when` or `trigger` of Drone: everything in it is text.
    fn conditions(&self, key: &str) -> Result<Option<Node>, String> {
        let mut conditions = Vec::new();
        for (name, raw) in self.map(key)? {
            if raw.is_quoted_null() && CONDITIONS.contains(&name.as_str()) {
                return Err(QUOTED_NULL.into());
            }
            set(&mut conditions, name, raw.text_node(self.1)?);
        }
        let pair = |(name, node)| (Node::Str(name), node);
        let map: Vec<(Node, Node)> = conditions.into_iter().map(pair).collect();
        Ok((!map.is_empty()).then_some(Node::Map(map)))
    }
}
