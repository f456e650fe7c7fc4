//! What a scalar means: the types of plain scalars in go-yaml v2 (buildkite/yaml v2.1.0 resolve.go,
//! for Drone) and v4 (go.yaml.in/yaml internal/libyaml/resolver.go, for Woodpecker), explicit tags,
//! and Go's number syntax (strconv.ParseInt with base 0).

use std::sync::LazyLock;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use regex::Regex;

use super::{Dialect, Node};

const TAG: &str = "tag:yaml.org,2002:";

/// The value of a scalar as decoded into `interface{}`.
pub fn scalar(
    text: &str,
    plain: bool,
    tag: Option<&str>,
    dialect: Dialect,
) -> Result<Node, String> {
    let Some(tag) = tag else {
        return Ok(if plain {
            untagged(text, dialect)
        } else {
            Node::Str(text.into())
        });
    };
    let short = tag
        .strip_prefix(TAG)
        .or_else(|| tag.strip_prefix("!!"))
        .unwrap_or(tag);
    let value = match short {
        "str" => return Ok(Node::Str(text.into())),
        "binary" => return binary(text),
        "bool" | "int" | "float" | "null" | "timestamp" => untagged(text, dialect),
        // A tag nobody knows leaves the text alone.
        _ => return Ok(Node::Str(text.into())),
    };
    match (short, value) {
        ("bool", value @ Node::Bool(_)) | ("int", value @ Node::Int(_)) => Ok(value),
        ("float", value @ Node::Float(_)) | ("null", value @ Node::Null) => Ok(value),
        #[allow(clippy::cast_precision_loss, reason = "Go converts the same way")]
        ("float", Node::Int(int)) if dialect == Dialect::Woodpecker => Ok(Node::Float(int as f64)),
        ("timestamp", value @ Node::Time(_)) => Ok(value),
        ("timestamp", value @ Node::Str(_)) if time(text).is_some() => Ok(value),
        (_, value) => Err(format!("cannot decode {value:?} as a !!{short}")),
    }
}

/// The value of a plain scalar without a tag.
fn untagged(text: &str, dialect: Dialect) -> Node {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Node::Null,
        "true" | "True" | "TRUE" => return Node::Bool(true),
        "false" | "False" | "FALSE" => return Node::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Node::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Node::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Node::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match (dialect, text) {
        (Dialect::Drone, "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON") => {
            return Node::Bool(true);
        }
        (Dialect::Drone, "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF") => {
            return Node::Bool(false);
        }
        (Dialect::Woodpecker, "-0" | "-0.0") => return Node::Float(-0.0),
        _ => {}
    }
    number(text, dialect).unwrap_or_else(|| Node::Str(text.into()))
}

/// Numbers, and for Woodpecker times. The first character decides whether a scalar is looked at.
fn number(text: &str, dialect: Dialect) -> Option<Node> {
    // Rust accepts what Go calls out of range as infinite.
    let float = |text: &str| {
        text.parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
            .map(Node::Float)
    };
    match text.chars().next()? {
        '.' => float(text),
        '0'..='9' | '+' | '-' => {
            if let Some(time) = time(text) {
                return (dialect == Dialect::Woodpecker).then_some(Node::Time(time));
            }
            // All underscores count as separators, even `1__`.
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| {
                if is_float(&digits, dialect) {
                    float(&digits)
                } else {
                    None
                }
            })
        }
        _ => None,
    }
}

/// Go's `ParseInt(text, 0, 64)`, then `ParseUint`: prefixes `0x`, `0o`, `0b` and `0` for octal.
fn integer(text: &str) -> Option<Node> {
    let (negative, signed, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // Rust would take a second sign.
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    let value = if negative { -value } else { value };
    let fits = i64::try_from(value).is_ok() || (!signed && u64::try_from(value).is_ok());
    fits.then_some(Node::Int(value))
}

/// Whether the text is a float. In Drone's parser an exponent needs a sign (`1e3` is a string) and
/// the last dot a digit (`1.` is one, too).
fn is_float(text: &str, dialect: Dialect) -> bool {
    static V2: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[-+]?[0-9]*\.?[0-9]+([eE][-+][0-9]+)?$").expect("a pattern")
    });
    static V4: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$").expect("a pattern")
    });
    if dialect == Dialect::Drone {
        V2.is_match(text)
    } else {
        V4.is_match(text)
    }
}

/// The forms of a time that the parsers know, as RFC 3339. A date alone is midnight UTC.
fn time(text: &str) -> Option<String> {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"^(\d{4})-(\d{1,2})-(\d{1,2})",
            r"(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?(Z|[-+]\d\d:\d\d))",
            r"|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?))?$"
        ))
        .expect("a pattern")
    });
    let found = TIME.captures(text)?;
    let part = |first: usize, second: usize| {
        found
            .get(first)
            .or(found.get(second))
            .map_or("0", |m| m.as_str())
    };
    let value = |first, second| part(first, second).parse::<u32>().ok();
    let (year, month, day) = (value(1, 1)?, value(2, 2)?, value(3, 3)?);
    let (hour, minute, second) = (value(4, 9)?, value(5, 10)?, value(6, 11)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = found
        .get(7)
        .or(found.get(12))
        .map_or("", |m| m.as_str().trim_end_matches(['0']));
    let fraction = if fraction == "." { "" } else { fraction };
    let zone = found.get(8).map_or("Z", |m| m.as_str());
    let zone = if matches!(zone, "+00:00" | "-00:00") {
        "Z"
    } else {
        zone
    };
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"
    ))
}

/// `!!binary`, as far as it is text: an environment variable could not hold the rest anyway.
fn binary(text: &str) -> Result<Node, String> {
    let clean = text.replace(['\r', '\n'], "");
    let bytes = BASE64_STANDARD
        .decode(clean)
        .map_err(|_| "!!binary value contains invalid base64 data")?;
    String::from_utf8(bytes)
        .map(Node::Str)
        .map_err(|_| "!!binary value is not text".into())
}
