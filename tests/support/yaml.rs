//! Reads YAML as the CI servers' own parsers do, which differ from YAML 1.2 and from each other: a
//! bare `off` is `false` for Drone (buildkite/yaml v2.1.0, the go-yaml v2 its runners use) and a
//! string for Woodpecker (go.yaml.in/yaml v4). Crate yaml-rust2 splits the text into events, which
//! keep the quoting; what a plain scalar means is decided here, after `resolve.go` and `decode.go`
//! of the first and `internal/libyaml/{resolver,constructor}.go` of the second.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise, and that is what it is for"
)]

mod resolve;

use std::collections::HashMap;

use yaml_rust2::parser::{Event, EventReceiver, Parser};
use yaml_rust2::scanner::TScalarStyle;

/// Whose reading of a scalar is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Drone,
    Woodpecker,
}

/// A value with its type, as Go code sees it after decoding into `interface{}`.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    /// Only Woodpecker's parser makes times of dates (in RFC 3339 here); for Drone they are
    /// strings.
    Time(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Node::Map(entries) = self else {
            return None;
        };
        entries
            .iter()
            .find(|(k, _)| k.as_str() == Some(key))
            .map(|(_, v)| v)
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Node::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match self {
            Node::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[(Node, Node)] {
        match self {
            Node::Map(entries) => entries,
            _ => &[],
        }
    }
}

/// A value before its scalars have a type. Go decides that from the field it decodes into: a field
/// that is a string takes the text as written, so the text has to be kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    Scalar {
        text: String,
        plain: bool,
        tag: Option<String>,
    },
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

impl Raw {
    /// The value as decoded into `interface{}`.
    pub fn node(&self, dialect: Dialect) -> Result<Node, String> {
        match self {
            Raw::Scalar { text, plain, tag } => {
                resolve::scalar(text, *plain, tag.as_deref(), dialect)
            }
            Raw::List(items) => items
                .iter()
                .map(|item| item.node(dialect))
                .collect::<Result<_, _>>()
                .map(Node::List),
            Raw::Map(_) => {
                let mut map: Vec<(Node, Node)> = Vec::new();
                for (key, value) in self.entries(dialect)? {
                    let key = key.node(dialect)?;
                    if matches!(key, Node::List(_) | Node::Map(_)) {
                        return Err(format!("invalid map key: {key:?}"));
                    }
                    let value = value.node(dialect)?;
                    match map.iter_mut().find(|(k, _)| *k == key) {
                        Some(entry) => entry.1 = value,
                        None => map.push((key, value)),
                    }
                }
                Ok(Node::Map(map))
            }
        }
    }

    /// The value as decoded into fields of type string: scalars are their text.
    pub fn text_node(&self, dialect: Dialect) -> Result<Node, String> {
        match self {
            Raw::Scalar { .. } => Ok(self.text(dialect)?.map_or(Node::Null, Node::Str)),
            Raw::List(items) => items
                .iter()
                .map(|item| item.text_node(dialect))
                .collect::<Result<_, _>>()
                .map(Node::List),
            Raw::Map(_) => {
                let entries = self.entries(dialect)?;
                let pair =
                    |(k, v): (&Raw, &Raw)| Ok((k.text_node(dialect)?, v.text_node(dialect)?));
                entries
                    .into_iter()
                    .map(pair)
                    .collect::<Result<_, String>>()
                    .map(Node::Map)
            }
        }
    }

    /// A scalar as decoded into a Go string: as written, whatever its type would be; nothing for
    /// null.
    pub fn text(&self, dialect: Dialect) -> Result<Option<String>, String> {
        let Raw::Scalar { text, plain, tag } = self else {
            return Err(format!("cannot unmarshal {} into string", self.kind()));
        };
        match resolve::scalar(text, *plain, tag.as_deref(), dialect)? {
            Node::Null => Ok(None),
            Node::Str(decoded) if tag.is_some() => Ok(Some(decoded)),
            Node::Time(_) => Err(format!("cannot construct !!timestamp `{text}` into string")),
            _ => Ok(Some(text.clone())),
        }
    }

    /// What go-yaml v2 takes for null before it asks the field's own decoder; `NULL` is not among
    /// them.
    pub fn is_absent(&self) -> bool {
        match self {
            Raw::Scalar { tag: Some(tag), .. } => tag == "tag:yaml.org,2002:null",
            Raw::Scalar { text, plain, .. } => *plain && matches!(text.as_str(), "" | "~" | "null"),
            _ => false,
        }
    }

    /// A quoted `~` or `null`: go-yaml v2 takes it for null at first and so passes over the
    /// field's own decoder, then for a string that does not fit the field.
    pub fn is_quoted_null(&self) -> bool {
        match self {
            Raw::Scalar {
                text,
                plain,
                tag: None,
            } => !plain && matches!(text.as_str(), "~" | "null"),
            _ => false,
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Raw::Scalar { .. } => "a scalar",
            Raw::List(_) => "a list",
            Raw::Map(_) => "a map",
        }
    }

    /// The entries of a map in the order in which they are set, merge keys (`<<`) resolved.
    /// Drone's parser sets a merged map where it stands, so that it beats what is written above
    /// it, and lets a key be written twice (both entries are in the list, the later wins).
    /// Woodpecker's refuses a repeated key, and a key that is written always beats a merged one.
    pub fn entries(&self, dialect: Dialect) -> Result<Vec<(&Raw, &Raw)>, String> {
        let Raw::Map(pairs) = self else {
            return Err(format!("cannot unmarshal {} into a map", self.kind()));
        };
        let (mut written, mut merged) = (Vec::new(), Vec::new());
        for (key, value) in pairs {
            if is_merge(key) {
                let sources = if let Raw::List(list) = value {
                    list.iter().collect()
                } else {
                    vec![value]
                };
                // The first source of a list has the highest rank, so it is set last.
                for source in sources.into_iter().rev() {
                    if !matches!(source, Raw::Map(_)) {
                        return Err(
                            "map merge requires map or sequence of maps as the value".into()
                        );
                    }
                    let entries = source.entries(dialect)?;
                    if dialect == Dialect::Drone {
                        written.extend(entries)
                    } else {
                        merged.extend(entries)
                    }
                }
            } else if dialect == Dialect::Woodpecker
                && written.iter().any(|(k, _)| same_text(k, key))
            {
                return Err(format!("mapping key {key:?} already defined"));
            } else {
                written.push((key, value));
            }
        }
        merged.extend(written);
        Ok(merged)
    }
}

fn is_merge(key: &Raw) -> bool {
    matches!(key, Raw::Scalar { text, plain: true, tag: None } if text == "<<")
}

/// Woodpecker's parser compares keys as they are written, whatever their quotes and types.
fn same_text(one: &Raw, other: &Raw) -> bool {
    match (one, other) {
        (Raw::Scalar { text: one, .. }, Raw::Scalar { text: other, .. }) => one == other,
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

/// All documents of a YAML stream.
pub fn stream(text: &str) -> Result<Vec<Raw>, String> {
    // YAML 1.1 (and so the servers) ends lines at these, yaml-rust2 does not. Rather no answer
    // than a wrong one. Escapes such as "\u2028" are not meant.
    if text.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        return Err("this reader does not know the line ends NEL, LS and PS".into());
    }
    let mut events = Events::default();
    Parser::new_from_str(text)
        .load(&mut events, true)
        .map_err(|error| error.to_string())?;
    let mut events = events.0;
    let is_scalar = |event: &&mut Event| matches!(event, Event::Scalar(..));
    if let Some(Event::Scalar(value, TScalarStyle::Literal | TScalarStyle::Folded, ..)) =
        events.iter_mut().rev().find(is_scalar)
    {
        // A block scalar that the end of the text cuts off has no last line end for the servers.
        let last = text
            .rsplit(['\n', '\r'])
            .next()
            .unwrap_or_default()
            .trim_start();
        if !last.is_empty() && value.trim_end_matches('\n').ends_with(last) {
            value.truncate(value.trim_end_matches('\n').len());
        }
    }
    let mut reader = Reader::default();
    for event in events {
        reader.read(event);
    }
    match reader.error {
        Some(error) => Err(error),
        None => Ok(reader.documents),
    }
}

/// The first document of a text, as Drone reads it. For tests that want just a value.
pub fn document(text: &str) -> Node {
    let documents = stream(text).expect("readable YAML");
    documents.first().map_or(Node::Null, |raw| {
        raw.node(Dialect::Drone).expect("values Drone can read")
    })
}

#[derive(Default)]
struct Events(Vec<Event>);

impl EventReceiver for Events {
    fn on_event(&mut self, event: Event) {
        self.0.push(event);
    }
}

/// Builds documents from events. Aliases are replaced by copies of what they point to.
#[derive(Default)]
struct Reader {
    documents: Vec<Raw>,
    /// Open lists and maps (a map's keys and values in turn) with their anchors.
    open: Vec<(bool, Vec<Raw>, usize)>,
    anchors: HashMap<usize, Raw>,
    error: Option<String>,
}

impl Reader {
    fn add(&mut self, value: Raw, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.open.last_mut() {
            Some((_, items, _)) => items.push(value),
            None => self.documents.push(value),
        }
    }

    fn close(&mut self) {
        let (is_map, items, anchor) = self.open.pop().expect("an open list or map");
        let value = if is_map {
            let mut items = items.into_iter();
            let mut pairs = Vec::new();
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                pairs.push((key, value));
            }
            Raw::Map(pairs)
        } else {
            Raw::List(items)
        };
        self.add(value, anchor);
    }

    fn read(&mut self, event: Event) {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| tag.handle + &tag.suffix);
                self.add(
                    Raw::Scalar {
                        text,
                        plain: style == TScalarStyle::Plain,
                        tag,
                    },
                    anchor,
                );
            }
            Event::SequenceStart(anchor, _) => self.open.push((false, Vec::new(), anchor)),
            Event::MappingStart(anchor, _) => self.open.push((true, Vec::new(), anchor)),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(value) => self.add(value, 0),
                None => {
                    self.error = Some("an anchor's value contains itself".into());
                    self.add(Raw::List(Vec::new()), 0);
                }
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart
            | Event::DocumentEnd => {}
        }
    }
}
