//! YAML as the servers read it, with the line of everything and a bound on everything.
//!
//! saphyr-parser splits the text into events, which are read one by one, so that no depth of
//! nesting reaches our stack. Aliases share what they point to; what they would expand to is counted
//! and bounded. Drone reads with go-yaml v2 (YAML 1.1: a bare `yes` is true, a merged map beats what
//! is written above it, a key may stand twice), Woodpecker with its successor.

mod document;

use std::rc::Rc;

use crate::ci::Platform;
use crate::secret::shorten;

pub use document::document;

/// Why a text cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl Fault {
    /// A fault in a line.
    pub fn at(line: usize, what: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            what: what.into(),
        }
    }
}

/// A value and the line where it begins.
#[derive(Debug)]
pub struct Node {
    /// The line in the file, counted from 1.
    pub line: usize,
    /// The value.
    pub value: Value,
    size: usize,
    height: usize,
}

/// A value before its scalars have a type.
#[derive(Debug)]
pub enum Value {
    /// A scalar.
    Scalar {
        /// The text, without quotes.
        text: String,
        /// Whether it stands without quotes and tag, so that it may be null or a truth value.
        plain: bool,
    },
    /// A list.
    List(Vec<Rc<Node>>),
    /// A map, as written: keys may repeat, merge keys are not resolved.
    Map(Vec<(Rc<Node>, Rc<Node>)>),
}

/// The entries of a map, merge keys resolved, later ones first in rank.
#[derive(Debug, Default)]
pub struct Fields<'a>(Vec<(&'a Node, &'a Rc<Node>)>);

impl Node {
    /// A scalar's text; `None` for null, lists and maps.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether it is null, as an empty value is.
    pub fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar { text, plain } => {
                *plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// Whether Drone's parser takes it for a key that is not there. `Null` and `NULL` are null as
    /// well, but a field that has a decoder of its own sees them (go-yaml v2 decode.go `prepare`).
    fn is_absent(&self) -> bool {
        match &self.value {
            Value::Scalar { text, plain } => *plain && matches!(text.as_str(), "" | "~" | "null"),
            _ => false,
        }
    }

    /// A truth value, in the spellings of YAML 1.1. Go code that decodes into a `bool` takes them
    /// from a newer parser too.
    pub fn flag(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar { text, plain: true } => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "y" => Some(true),
                "false" | "no" | "off" | "n" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// The elements of a list; none of anything else.
    pub fn items(&self) -> &[Rc<Self>] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            _ if self.is_null() => "nothing",
            Value::Scalar { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The entries of a map, in the order in which the server sets them; no entries of null.
    ///
    /// # Errors
    /// If it is something else, if a merge key merges something else, or if Woodpecker would refuse
    /// a key that stands twice.
    pub fn fields(&self, platform: Platform) -> Result<Fields<'_>, Fault> {
        let Value::Map(pairs) = &self.value else {
            if self.is_null() {
                return Ok(Fields::default());
            }
            let what = format!("{} where a map is expected", self.kind());
            return Err(Fault::at(self.line, what));
        };
        let (mut written, mut merged): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
        for (key, value) in pairs {
            if matches!(&key.value, Value::Scalar { text, plain: true } if text == "<<") {
                let one = std::slice::from_ref(value);
                let sources = match &value.value {
                    Value::List(sources) => sources.as_slice(),
                    _ => one,
                };
                // The first source of a list has the highest rank, so it is set last.
                for source in sources.iter().rev() {
                    if !matches!(source.value, Value::Map(_)) {
                        let what =
                            format!("`<<` merges {}; only maps can be merged", source.kind());
                        return Err(Fault::at(key.line, what));
                    }
                    let entries = source.fields(platform)?.0;
                    match platform {
                        Platform::Drone => written.extend(entries),
                        Platform::Woodpecker => merged.extend(entries),
                    }
                }
                continue;
            }
            let name = key.text().unwrap_or_default();
            if platform == Platform::Woodpecker
                && written
                    .iter()
                    .any(|(other, _): &(&Self, _)| other.text() == Some(name))
            {
                let what = format!("the key `{}` stands twice in one map", shorten(name, 60));
                return Err(Fault::at(key.line, what));
            }
            written.push((key.as_ref(), value));
        }
        merged.extend(written);
        Ok(Fields(merged))
    }

    /// The value as one text that is the same for all spellings of the same value: aliases and merge
    /// keys resolved, keys sorted, quotes and comments gone.
    pub fn canonical(&self, platform: Platform) -> String {
        let mut out = String::new();
        self.write(platform, &mut out);
        out
    }

    fn write(&self, platform: Platform, out: &mut String) {
        match &self.value {
            _ if self.is_null() => out.push_str("null"),
            Value::Scalar { text, plain } => match self.flag() {
                Some(flag) => out.push_str(if flag { "true" } else { "false" }),
                // A number and the same text in quotes may be two settings, so they differ here.
                None if *plain && text.parse::<f64>().is_ok() => out.push_str(text),
                None => out.push_str(&format!("{text:?}")),
            },
            Value::List(items) => {
                out.push('[');
                for item in items {
                    item.write(platform, out);
                    out.push(',');
                }
                out.push(']');
            }
            Value::Map(_) => {
                let fields = self.fields(platform).unwrap_or_default();
                out.push('{');
                for (key, value) in fields.sorted() {
                    out.push_str(&format!("{key:?}:"));
                    value.write(platform, out);
                    out.push(',');
                }
                out.push('}');
            }
        }
    }
}

impl<'a> Fields<'a> {
    /// The value of a key; `None` if it is not there or null.
    pub fn get(&self, name: &str) -> Option<&'a Rc<Node>> {
        let found = self
            .0
            .iter()
            .rev()
            .find(|(key, _)| key.text() == Some(name));
        found
            .map(|(_, value)| *value)
            .filter(|value| !value.is_absent())
    }

    /// The value of a key as the servers make a variable of it: in any case, for `PLUGIN_` and the
    /// key in upper case is the variable.
    pub fn setting(&self, name: &str) -> Option<&'a Rc<Node>> {
        let same = |key: &str| key.eq_ignore_ascii_case(name);
        let found = self
            .0
            .iter()
            .rev()
            .find(|(key, _)| key.text().is_some_and(same));
        found
            .map(|(_, value)| *value)
            .filter(|value| !value.is_absent())
    }

    /// The line of a key.
    pub fn line(&self, name: &str) -> Option<usize> {
        let found = self
            .0
            .iter()
            .rev()
            .find(|(key, _)| key.text() == Some(name));
        found.map(|(key, _)| key.line)
    }

    /// Every key that is a text, with its line and its value, as set.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, usize, &'a Rc<Node>)> + '_ {
        self.0
            .iter()
            .map(|(key, value)| (key.text().unwrap_or_default(), key.line, *value))
    }

    /// Every key once, sorted, with the value that counts.
    pub fn sorted(&self) -> std::collections::BTreeMap<&'a str, &'a Rc<Node>> {
        self.iter().map(|(key, _, value)| (key, value)).collect()
    }
}
