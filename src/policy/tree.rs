//! JSON that remembers what `serde_json::Value` forgets: keys written twice.
//!
//! Of a key written twice in YAML, Drone silently keeps the last (seen in its own code), but a
//! policy written as a JSON string reaches us with both, and we do not guess which was meant.

use std::fmt;

use crate::secret::shorten;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value with all its keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as text.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// An object, with its keys in order, doubles included.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Reads one JSON text, with white space around it.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The value in prose, shortened: what an error shows as found.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Number(text) => format!("the number `{text}`"),
            Self::Text(text) => format!("`{}`", shorten(text, 60)),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Map(entries) => {
                let keys: Vec<&str> = entries
                    .iter()
                    .take(5)
                    .map(|(key, _)| key.as_str())
                    .collect();
                format!("a map with the keys `{}`", keys.join("`, `"))
            }
        }
    }

    /// The same value as compact JSON with sorted keys, for the digest of a policy.
    pub fn canonical(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) => text.clone(),
            Self::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::canonical).collect();
                format!("[{}]", items.join(","))
            }
            Self::Map(entries) => {
                let mut entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| {
                        format!(
                            "{}:{}",
                            serde_json::Value::from(key.as_str()),
                            value.canonical()
                        )
                    })
                    .collect();
                entries.sort();
                format!("{{{}}}", entries.join(","))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E: Error>(self) -> Result<Node, E> {
                Ok(Node::Null)
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Bool(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
                Ok(Node::Number(value.to_string()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
                Ok(Node::Number(value.to_string()))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
                Ok(Node::Number(value.to_string()))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
                Ok(Node::Text(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Node::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
                let mut map = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    map.push(entry);
                }
                Ok(Node::Map(map))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_kept() {
        let node = Node::parse(r#" {"a":1,"a":[true,null,"x",1.5]} "#).unwrap();
        let Node::Map(entries) = &node else {
            panic!("{node:?}")
        };
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1].1.canonical(), r#"[true,null,"x",1.5]"#);
    }

    #[test]
    fn the_canonical_text_does_not_depend_on_order_or_space() {
        let a = Node::parse(r#"{"b": {"y":1,"x":"ü"}, "a": false}"#).unwrap();
        let b = Node::parse("{\"a\":false,\n\"b\":{\"x\":\"\\u00fc\",\"y\":1}}").unwrap();
        assert_eq!(a.canonical(), b.canonical());
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        assert!(Node::parse(&"[".repeat(100_000)).is_err());
    }
}
