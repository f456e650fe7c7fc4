//! JSON objects that every reader reads the same. serde also fills a structure from an array, and
//! the readers written in Go take a key in any case: `{"Manifests":…}` is nothing to one and an
//! index to the other, which is CVE-2021-41190 once more.

use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde::ser::{Serialize, Serializer};

/// A structure that is written as an object, each of its keys exactly as we name it.
#[derive(Debug)]
pub struct Exact<T>(pub T);

impl<T: Serialize> Serialize for Exact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Exact<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(Object(deserializer)).map(Self)
    }
}

struct Object<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Object<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Keys {
            names,
            inner: visitor,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Hands on what it reads, but for the keys that it looks at.
struct Keys<I> {
    names: &'static [&'static str],
    inner: I,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Keys<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Keys {
            names: self.names,
            inner: entries,
        })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Keys<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Some(key) = self.inner.next_key::<String>()? else {
            return Ok(None);
        };
        let meant = self.names.iter().find(|name| folded(&key) == folded(name));
        if let Some(name) = meant.filter(|name| **name != key) {
            let why = format!("some readers take its key `{key}` for `{name}`, and others do not");
            return Err(A::Error::custom(why));
        }
        let key: StringDeserializer<A::Error> = key.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(seed)
    }
}

/// A name as Go compares it: `ſ` and the Kelvin sign are letters of the alphabet there.
fn folded(name: &str) -> String {
    name.to_lowercase().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Size {
        size: u64,
    }

    #[track_caller]
    fn size(text: &str) -> Result<u64, String> {
        let read = serde_json::from_str::<Exact<Size>>(text);
        read.map(|read| read.0.size)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_object_has_the_names_that_we_give() {
        assert_eq!(size(r#"{"size":1,"other":{"Size":2}}"#), Ok(1));
        for (text, word) in [
            ("[1]", "expected an object"),
            ("1", "expected an object"),
            ("null", "expected an object"),
            (r#"{"Size":1}"#, "`Size` for `size`"),
            (r#"{"size":1,"SIZE":2}"#, "`SIZE` for `size`"),
            ("{\"size\":1,\"\u{17f}ize\":2}", "for `size`"),
            (r#"{"size":1,"size":2}"#, "duplicate"),
        ] {
            let error = size(text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
