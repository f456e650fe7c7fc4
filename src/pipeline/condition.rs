//! `when` and `trigger`: what a build must be like for a step or a pipeline to run.

use super::glob;
use super::yaml::{Fault, Node, Value};
use crate::ci::Platform;

/// What a condition can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The event.
    Event,
    /// The target of a promotion.
    Target,
    /// The branch.
    Branch,
    /// The git reference.
    Ref,
    /// What happened to a pull request.
    Action,
    /// The name of the schedule.
    Cron,
    /// The server.
    Instance,
    /// The repository.
    Repo,
    /// Woodpecker's expression; its text is its only value.
    Evaluate,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 9] = [
        Self::Event,
        Self::Target,
        Self::Branch,
        Self::Ref,
        Self::Action,
        Self::Cron,
        Self::Instance,
        Self::Repo,
        Self::Evaluate,
    ];

    /// Its key in the file.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Target => "target",
            Self::Branch => "branch",
            Self::Ref => "ref",
            Self::Action => "action",
            Self::Cron => "cron",
            Self::Instance => "instance",
            Self::Repo => "repo",
            Self::Evaluate => "evaluate",
        }
    }

    fn named(key: &str, platform: Platform) -> Option<Self> {
        let there = |field: &Self| match platform {
            Platform::Drone => *field != Self::Evaluate,
            // It looks at `cron` only in builds that a schedule has started.
            Platform::Woodpecker => !matches!(field, Self::Target | Self::Action | Self::Cron),
        };
        Self::ALL.into_iter().find(|f| f.key() == key).filter(there)
    }
}

/// Keys that the server knows and that have no part in who may promote what.
const OTHERS: [(Platform, &[&str]); 2] = [
    (Platform::Drone, &["status", "paths"]),
    (
        Platform::Woodpecker,
        &["status", "path", "platform", "matrix", "local", "cron"],
    ),
];

/// One condition: any of these, and none of those.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// The line.
    pub line: usize,
    /// Patterns of which one must match; empty if everything may.
    pub include: Vec<String>,
    /// Patterns of which none may match.
    pub exclude: Vec<String>,
    /// Whether the patterns are plain names.
    pub exact: bool,
}

impl Condition {
    /// Whether a value passes (manifest/cond.go: what is excluded is out, what is included is in,
    /// and without a list everything is). `None` if a pattern is too much work.
    pub fn admits(&self, value: &str) -> Option<bool> {
        if self.any(&self.exclude, value)? {
            return Some(false);
        }
        Some(self.include.is_empty() || self.any(&self.include, value)?)
    }

    fn any(&self, patterns: &[String], value: &str) -> Option<bool> {
        for pattern in patterns {
            if self.exact && pattern == value || !self.exact && glob::matches(pattern, value)? {
                return Some(true);
            }
        }
        Some(false)
    }
}

/// Something in a condition that the server passes over without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The line.
    pub line: usize,
    /// The key, such as `environment`, or `branch.include`.
    pub key: String,
    /// Whether the key is known and only its value is not what the server takes.
    pub shape: bool,
}

/// Conditions that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The line of the key.
    pub line: usize,
    /// Each condition that is set.
    pub fields: Vec<(Field, Condition)>,
    /// On which status of what ran before.
    pub status: Option<Condition>,
    /// What is passed over.
    pub ignored: Vec<Ignored>,
}

impl Conditions {
    /// The condition on a field.
    pub fn get(&self, field: Field) -> Option<&Condition> {
        let found = self.fields.iter().find(|(f, _)| *f == field);
        found.map(|(_, condition)| condition)
    }

    /// How many patterns it holds.
    pub fn patterns(&self) -> usize {
        let fields = self.fields.iter().map(|(_, condition)| condition);
        fields
            .map(|condition| condition.include.len() + condition.exclude.len())
            .sum()
    }

    /// Whether it runs after something has failed (engine/compiler/util.go: only if `status` is
    /// written and lets `failure` pass).
    pub fn on_failure(&self) -> bool {
        let status = self.status.as_ref();
        status.is_some_and(|status| status.admits("failure").unwrap_or(true))
    }

    /// Whether it runs while nothing has failed. A Drone step that runs on failure only, does not.
    pub fn on_success(&self) -> bool {
        let status = self.status.as_ref();
        status.is_none_or(|status| status.admits("success").unwrap_or(false))
    }

    /// Reads a `when` or `trigger`: one set of conditions, or for Woodpecker a list of them of which
    /// one must hold. Empty if there is none.
    ///
    /// # Errors
    /// What the server would refuse.
    pub fn read(node: Option<&Node>, line: usize, platform: Platform) -> Result<Vec<Self>, Fault> {
        let Some(node) = node else {
            return Ok(Vec::new());
        };
        if platform == Platform::Woodpecker && matches!(node.value, Value::List(_)) {
            let items = node.items().iter();
            return items
                .map(|item| Self::read_one(item, item.line, platform))
                .collect();
        }
        Self::read_one(node, line, platform).map(|one| vec![one])
    }

    fn read_one(node: &Node, line: usize, platform: Platform) -> Result<Self, Fault> {
        let mut all = Self {
            line,
            ..Self::default()
        };
        let fields = node.fields(platform)?;
        let mut seen: Vec<&str> = Vec::new();
        for (key, line, _) in fields.iter() {
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            let Some(value) = fields.get(key) else {
                continue;
            };
            if let Some(field) = Field::named(key, platform) {
                let mut condition = read_condition(key, value, line, platform, &mut all.ignored);
                condition.exact = field == Field::Evaluate
                    || field == Field::Event && platform == Platform::Woodpecker;
                all.fields.push((field, condition));
            } else if key == "status" {
                let condition = read_condition(key, value, line, platform, &mut all.ignored);
                all.status = Some(condition);
            } else if !OTHERS
                .iter()
                .any(|(p, keys)| *p == platform && keys.contains(&key))
            {
                all.ignored.push(Ignored {
                    line,
                    key: key.to_owned(),
                    shape: false,
                });
            }
        }
        Ok(all)
    }
}

/// A pattern, a list of patterns, or `include` and `exclude` lists. Drone takes only lists there and
/// passes over anything else without a word.
fn read_condition(
    key: &str,
    node: &Node,
    line: usize,
    platform: Platform,
    ignored: &mut Vec<Ignored>,
) -> Condition {
    // What is no text is dropped; null is the empty text.
    let text = |node: &Node| match node.value {
        Value::Scalar { .. } => Some(node.text().unwrap_or_default().to_owned()),
        _ => None,
    };
    let texts = |node: &Node| -> Vec<String> {
        node.items().iter().filter_map(|item| text(item)).collect()
    };
    let mut condition = Condition {
        line,
        ..Condition::default()
    };
    match &node.value {
        Value::Scalar { .. } => condition.include.extend(text(node)),
        Value::List(_) => condition.include = texts(node),
        Value::Map(_) => {
            let fields = node.fields(platform).unwrap_or_default();
            for (inner, line, value) in fields.iter() {
                let list = match inner {
                    "include" => &mut condition.include,
                    "exclude" => &mut condition.exclude,
                    _ => {
                        ignored.push(Ignored {
                            line,
                            key: format!("{key}.{inner}"),
                            shape: false,
                        });
                        continue;
                    }
                };
                match (&value.value, platform) {
                    (Value::List(_), _) => *list = texts(value),
                    (Value::Scalar { text, .. }, Platform::Woodpecker) => {
                        *list = vec![text.clone()]
                    }
                    _ if value.is_null() => {}
                    _ => ignored.push(Ignored {
                        line,
                        key: format!("{key}.{inner}"),
                        shape: true,
                    }),
                }
            }
        }
    }
    condition
}
