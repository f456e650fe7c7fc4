//! Settings as environment variables. Drone's rules are those of drone-runners/drone-runner-docker
//! engine/compiler/step.go and internal/encoder/encoder.go (with ghodss/yaml v1.0.0 for JSON),
//! Woodpecker's those of woodpecker-ci/woodpecker
//! pipeline/frontend/yaml/compiler/settings/params.go (with go-yaml2json).

use std::collections::{BTreeMap, BTreeSet};

use super::text::{go_float, go_float_32, json, plain, yaml_float};
use crate::support::yaml::Node;

/// A step's settings on Drone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Variables with their values. Empty ones are not here: no container gets them.
    pub env: BTreeMap<String, String>,
    /// Variables that hold a secret, with the secret's name.
    pub secrets: BTreeMap<String, String>,
    /// Variables that are set to nothing. They are dropped in the end, but displace values of lower
    /// rank before that, e.g. a parameter of the same name.
    pub empty: BTreeSet<String>,
}

/// Drone: the name in upper case and nothing else done to it, `from_secret` only as a whole value.
pub fn drone_settings(settings: &[(String, Node)]) -> Encoded {
    let mut encoded = Encoded::default();
    for (key, value) in settings {
        let variable = format!("PLUGIN_{}", key.to_uppercase());
        let secret = secret_name(value).filter(|name| !name.is_empty());
        match (value, secret) {
            (Node::Null, _) => {}
            (_, Some(secret)) => {
                encoded.secrets.insert(variable, secret.into());
            }
            (value, None) => match drone_value(value) {
                text if text.is_empty() => {
                    encoded.env.remove(&variable);
                    encoded.empty.insert(variable);
                }
                text => {
                    encoded.empty.remove(&variable);
                    encoded.env.insert(variable, text);
                }
            },
        }
    }
    encoded
}

/// The name in `{from_secret: name}`; keys beside it do not matter.
pub fn secret_name(value: &Node) -> Option<&str> {
    value.get("from_secret").and_then(Node::as_str)
}

/// One value, as Drone's encoder makes a string of it.
fn drone_value(value: &Node) -> String {
    match value {
        Node::List(items) if !items.iter().any(is_nested) => {
            // The list went through YAML into a list of strings, where null is an empty string.
            let text = |item: &Node| match item {
                Node::Null => String::new(),
                Node::Float(float) => yaml_float(go_float(*float)),
                item => drone_value(item),
            };
            items.iter().map(text).collect::<Vec<_>>().join(",")
        }
        // What cannot be JSON (a key that is null, an infinite number) becomes nothing.
        Node::List(_) | Node::Map(_) | Node::Null => drone_json(value).unwrap_or_default(),
        scalar => plain(scalar),
    }
}

/// Drone went through YAML text, in which -0 is the integer 0 when it is read again.
fn drone_json(value: &Node) -> Option<String> {
    json(value, &|float| (float == 0.0).then(|| "0".into()), &|key| {
        Some(match key {
            // Here Drone's library takes floats for 32 bits wide.
            Node::Float(float) => yaml_float(go_float_32(*float)),
            Node::Int(int) if i64::try_from(*int).is_err() => return None,
            Node::Null | Node::List(_) | Node::Map(_) => return None,
            scalar => plain(scalar),
        })
    })
}

/// Woodpecker: `.` and `-` of the name become `_`, `from_secret` counts at any depth, null is
/// skipped, and an empty value is set, not dropped. What `secrets` lacks is an error, as is a key
/// within a value that is not a string.
pub fn woodpecker_settings(
    settings: &[(String, Node)],
    secrets: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    let name = |key: &str| format!("PLUGIN_{}", key.replace(['.', '-'], "_").to_uppercase());
    woodpecker_params(settings, secrets, &name)
}

/// Woodpecker's `ParamsToEnv`, also used for a step's `environment`, whose names stay as they are.
pub fn woodpecker_params(
    params: &[(String, Node)],
    secrets: &BTreeMap<String, String>,
    name: &dyn Fn(&str) -> String,
) -> Result<BTreeMap<String, String>, String> {
    let mut env = BTreeMap::new();
    for (key, value) in params {
        if *value != Node::Null && !key.is_empty() {
            env.insert(name(key), woodpecker_value(value, secrets)?);
        }
    }
    Ok(env)
}

fn woodpecker_value(value: &Node, secrets: &BTreeMap<String, String>) -> Result<String, String> {
    match value {
        Node::List(items) if items.is_empty() => return Ok(String::new()),
        Node::List(items) if !items.iter().any(|item| is_nested(item) || is_odd(item)) => {
            let text = |item: &Node| {
                if *item == Node::Null {
                    String::new()
                } else {
                    plain(item)
                }
            };
            return Ok(items.iter().map(text).collect::<Vec<_>>().join(","));
        }
        Node::List(_) | Node::Map(_) => {}
        scalar if !is_odd(scalar) => return Ok(plain(scalar)),
        _ => {}
    }
    match resolved(value, secrets)? {
        // The whole value was a secret.
        Node::Str(secret) => Ok(secret),
        resolved => json(&resolved, &|_| None, &|key| key.as_str().map(str::to_owned))
            .ok_or_else(|| format!("{resolved:?} cannot be JSON")),
    }
}

/// The value with its secrets in place.
fn resolved(value: &Node, secrets: &BTreeMap<String, String>) -> Result<Node, String> {
    match value {
        Node::List(items) => items
            .iter()
            .map(|item| resolved(item, secrets))
            .collect::<Result<_, _>>()
            .map(Node::List),
        Node::Map(entries) => {
            if entries.iter().any(|(key, _)| key.as_str().is_none()) {
                return Err(format!("could not handle: {value:?}"));
            }
            if let Some(name) = value.get("from_secret") {
                let name = name
                    .as_str()
                    .ok_or("from_secret has to be a string")?
                    .to_lowercase();
                let mut known = secrets
                    .iter()
                    .filter(|(known, _)| known.to_lowercase() == name);
                let (_, secret) = known
                    .next()
                    .ok_or_else(|| format!("secret {name:?} not found"))?;
                return Ok(Node::Str(secret.clone()));
            }
            let entry = |(key, value): &(Node, Node)| Ok((key.clone(), resolved(value, secrets)?));
            entries
                .iter()
                .map(entry)
                .collect::<Result<_, String>>()
                .map(Node::Map)
        }
        scalar => Ok(scalar.clone()),
    }
}

fn is_nested(value: &Node) -> bool {
    matches!(value, Node::List(_) | Node::Map(_))
}

/// Scalars that Woodpecker writes as JSON, because their Go types (a time, an unsigned integer) are
/// not on its list of simple ones.
fn is_odd(value: &Node) -> bool {
    matches!(value, Node::Time(_))
        || matches!(value, Node::Int(int) if i64::try_from(*int).is_err())
}
