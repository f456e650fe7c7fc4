//! Typed values out of a policy's JSON. Nothing stops at the first mistake: every reader reports
//! what is wrong and goes on.

use std::time::Duration;

use super::tree::Node;
use crate::problem::{Problem, did_you_mean};

/// A map of the policy, without the keys that are unset (`null`, empty text).
pub struct Table<'a> {
    path: String,
    entries: Vec<(&'a str, &'a Node)>,
}

impl<'a> Table<'a> {
    /// Reads a map whose keys are known.
    pub fn read(path: &str, node: &'a Node, known: &[&str], problems: &mut Vec<Problem>) -> Self {
        let table = Self::open(path, node, problems);
        for (key, _) in &table.entries {
            if !known.contains(key) {
                let meant = did_you_mean(key, known.iter().copied());
                let expected = match meant {
                    Some(meant) => format!("a key that exists, such as `{meant}`"),
                    None if known.len() <= 8 => list(known),
                    None => "a key that docs/settings.md lists".to_owned(),
                };
                let problem = Problem::new(table.at(key), "a key that does not exist", expected);
                problems.push(match meant {
                    Some(meant) => problem.next(format!("did you mean `{meant}`?")),
                    None => problem,
                });
            }
        }
        table
    }

    /// Reads a map with free keys.
    pub fn open(path: &str, node: &'a Node, problems: &mut Vec<Problem>) -> Self {
        let path = path.to_owned();
        let Node::Map(map) = node else {
            problems.push(Problem::new(path.clone(), node.describe(), "a map"));
            return Self {
                path,
                entries: Vec::new(),
            };
        };
        let mut entries: Vec<(&str, &Node)> = Vec::new();
        for (key, value) in map {
            if entries.iter().any(|(known, _)| known == key) {
                let setting = format!("{path}.{key}");
                problems.push(Problem::new(
                    setting,
                    "the key is written twice",
                    "one of them",
                ));
            } else if !is_unset(value) {
                entries.push((key, value));
            }
        }
        Self { path, entries }
    }

    /// The value of a key, if it is set.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, value)| *value)
    }

    /// Every key that is set, with its value.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Node)> {
        self.entries.iter().copied()
    }

    /// Where a key stands, as errors name it.
    pub fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// A text.
    pub fn text(&self, key: &str, problems: &mut Vec<Problem>) -> Option<&'a str> {
        text(&self.at(key), self.get(key)?, problems)
    }

    /// A text that is read further; `expected` and the reason go into the problem.
    pub fn parsed<T>(
        &self,
        key: &str,
        expected: &str,
        problems: &mut Vec<Problem>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let written = self.text(key, problems)?;
        parsed(&self.at(key), written, expected, problems, parse)
    }

    /// A list of texts: a JSON array, a JSON array in a string, or texts joined by commas.
    pub fn list(&self, key: &str, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
        let (at, node) = (self.at(key), self.get(key)?);
        let inner = match node {
            Node::Text(text) if text.trim_start().starts_with('[') => match Node::parse(text) {
                Ok(inner) => inner,
                Err(why) => {
                    problems.push(Problem::new(at, node.describe(), format!("a list: {why}")));
                    return None;
                }
            },
            Node::Text(text) => {
                let items = text
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty());
                return Some(items.map(str::to_owned).collect());
            }
            other => other.clone(),
        };
        let Node::List(items) = inner else {
            problems.push(Problem::new(at, node.describe(), "a list of texts"));
            return None;
        };
        let texts = items.iter().enumerate().filter(|(_, item)| !is_unset(item));
        let read = texts.filter_map(|(i, item)| {
            text(&format!("{at}[{i}]"), item, problems).map(|text| text.trim().to_owned())
        });
        Some(read.collect())
    }

    /// `true` or `false`, also as text: a flag that passed through a script arrives as such.
    pub fn flag(&self, key: &str, problems: &mut Vec<Problem>) -> Option<bool> {
        let node = self.get(key)?;
        let flag = match node {
            Node::Bool(value) => Some(*value),
            Node::Text(text) => flag(text),
            _ => None,
        };
        if flag.is_none() {
            problems.push(Problem::new(
                self.at(key),
                node.describe(),
                "`true` or `false`",
            ));
        }
        flag
    }

    /// A number of things.
    pub fn count(&self, key: &str, problems: &mut Vec<Problem>) -> Option<u64> {
        let node = self.get(key)?;
        let count = match node {
            Node::Number(text) | Node::Text(text) => text.parse().ok(),
            _ => None,
        };
        if count.is_none() {
            problems.push(Problem::new(
                self.at(key),
                node.describe(),
                "a whole number",
            ));
        }
        count
    }

    /// A length of time: `90s`, `5m`, `2h`, `14d`, or a number of seconds. Never zero.
    pub fn duration(&self, key: &str, problems: &mut Vec<Problem>) -> Option<Duration> {
        let node = self.get(key)?;
        let length = match node {
            Node::Number(text) | Node::Text(text) => duration(text),
            _ => None,
        };
        if length.is_none() {
            let expected = "a length of time such as `90s`, `5m`, `2h` or `14d`";
            problems.push(Problem::new(self.at(key), node.describe(), expected));
        }
        length
    }
}

/// Reads `true`, `false` and what people write for them.
pub fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(digits) => (digits, &text[digits.len()..]),
        None => (text, "s"),
    };
    let seconds = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => 1_u64,
    };
    let length = digits.parse::<u64>().ok()?.checked_mul(seconds)?;
    // A hundred years is enough for every limit, and keeps sums of times in range.
    (1..=3_153_600_000)
        .contains(&length)
        .then(|| Duration::from_secs(length))
}

/// A text. Numbers are refused, because YAML has already changed them: `1.10` is `1.1` by now.
pub fn text<'a>(at: &str, node: &'a Node, problems: &mut Vec<Problem>) -> Option<&'a str> {
    match node {
        Node::Text(text) => Some(text),
        Node::Number(_) => {
            let problem = Problem::new(at, node.describe(), "a text");
            problems.push(problem.next("write it in quotes: YAML turns a bare 1.10 into 1.1"));
            None
        }
        Node::Bool(_) => {
            let problem = Problem::new(at, node.describe(), "a text");
            problems.push(
                problem.next("write it in quotes: YAML reads yes, no, on and off as true or false"),
            );
            None
        }
        _ => {
            problems.push(Problem::new(at, node.describe(), "a text"));
            None
        }
    }
}

/// A text that is read further.
pub fn parsed<T>(
    at: &str,
    written: &str,
    expected: &str,
    problems: &mut Vec<Problem>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    match parse(written) {
        Ok(value) => Some(value),
        Err(why) => {
            let found = Node::Text(written.to_owned()).describe();
            let found = if why.is_empty() {
                found
            } else {
                format!("{found}: {why}")
            };
            problems.push(Problem::new(at, found, expected));
            None
        }
    }
}

fn is_unset(node: &Node) -> bool {
    matches!(node, Node::Null) || matches!(node, Node::Text(text) if text.is_empty())
}

/// Names in prose.
pub fn list(names: &[&str]) -> String {
    format!("one of `{}`", names.join("`, `"))
}

/// The settings beside the policy that are secrets.
pub const SECRETS: [&str; 11] = [
    "username",
    "password",
    "config",
    "drone_token",
    "forge_token",
    "kube_token",
    "signing_key",
    "webhook_url",
    "smtp_username",
    "smtp_password",
    "audit_token",
];

/// Takes every `{"from_secret": …}` out of a policy and reports it: Drone does not resolve a secret
/// inside a map, so the text itself would become the value.
pub fn without_secrets(at: &str, node: Node, problems: &mut Vec<Problem>) -> Node {
    match node {
        Node::Map(entries) if entries.iter().any(|(key, _)| key == "from_secret") => {
            let expected = "a value: Drone does not look up secrets inside `policy`";
            let key = at.rsplit('.').next().unwrap_or(at).to_owned();
            let next = match did_you_mean(&key, SECRETS) {
                Some(setting) => format!("move it beside `policy`, as the setting `{setting}`"),
                None => format!("secrets belong beside `policy`, in {}", list(&SECRETS)),
            };
            problems.push(Problem::new(at, "`from_secret`", expected).next(next));
            Node::Null
        }
        Node::Map(entries) => Node::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let value = without_secrets(&format!("{at}.{key}"), value, problems);
                    (key, value)
                })
                .collect(),
        ),
        Node::List(items) => Node::List(
            items
                .into_iter()
                .enumerate()
                .map(|(i, item)| without_secrets(&format!("{at}[{i}]"), item, problems))
                .collect(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let seconds = |text| duration(text).map(|d| d.as_secs());
        assert_eq!(seconds("300"), Some(300));
        assert_eq!(seconds("5m"), Some(300));
        assert_eq!(seconds(" 14d "), Some(1_209_600));
        for wrong in [
            "",
            "0",
            "m",
            "5x",
            "-1",
            "1.5h",
            "99999999999999999999",
            "9999999999999d",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
