//! Numbers and JSON as Go writes them: strconv.FormatFloat and encoding/json. Both servers build
//! their variables with these, and a number reads differently in each (`1e6` as a setting is
//! `1e+06`, within JSON `1000000`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::support::yaml::Node;

/// A scalar as text.
pub fn plain(value: &Node) -> String {
    match value {
        Node::Bool(bool) => bool.to_string(),
        Node::Int(int) => int.to_string(),
        Node::Float(float) => go_float(*float),
        Node::Str(text) | Node::Time(text) => text.clone(),
        Node::Null | Node::List(_) | Node::Map(_) => String::new(),
    }
}

/// Compact JSON as Go writes it. `float` and `key` say what is particular to a server.
pub fn json(
    value: &Node,
    float: &dyn Fn(f64) -> Option<String>,
    key: &dyn Fn(&Node) -> Option<String>,
) -> Option<String> {
    Some(match value {
        Node::Null => "null".into(),
        Node::Bool(_) | Node::Int(_) => plain(value),
        Node::Float(number) if !number.is_finite() => return None,
        Node::Float(number) => float(*number).unwrap_or_else(|| json_float(*number)),
        Node::Str(text) | Node::Time(text) => json_string(text),
        Node::List(items) => {
            let items: Option<Vec<String>> =
                items.iter().map(|item| json(item, float, key)).collect();
            format!("[{}]", items?.join(","))
        }
        Node::Map(entries) => {
            let mut sorted = BTreeMap::new();
            for (name, value) in entries {
                sorted.insert(key(name)?, json(value, float, key)?);
            }
            let pairs: Vec<String> = sorted
                .iter()
                .map(|(name, value)| format!("{}:{value}", json_string(name)))
                .collect();
            format!("{{{}}}", pairs.join(","))
        }
    })
}

/// Go's encoding/json escapes what HTML could misread, too.
fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes everything");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The sign, the shortest digits that are exactly this number, and the exponent of the first one.
fn digits(scientific: &str) -> (&str, String, i32) {
    let (sign, rest) = scientific
        .strip_prefix('-')
        .map_or(("", scientific), |rest| ("-", rest));
    let (mantissa, exponent) = rest.split_once('e').expect("scientific notation");
    (
        sign,
        mantissa.replace('.', ""),
        exponent.parse().expect("an exponent"),
    )
}

/// Go's `strconv.FormatFloat(value, 'g', -1, 64)`.
pub fn go_float(value: f64) -> String {
    if value.is_finite() {
        general(&format!("{value:e}"))
    } else {
        infinite(value)
    }
}

/// The same for 32 bits.
pub fn go_float_32(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "as the original does")]
    let narrow = value as f32;
    if narrow.is_finite() {
        general(&format!("{narrow:e}"))
    } else {
        infinite(f64::from(narrow))
    }
}

fn infinite(value: f64) -> String {
    let text = if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    };
    text.into()
}

/// How go-yaml writes a float that Go wrote.
pub fn yaml_float(text: String) -> String {
    match text.as_str() {
        "+Inf" => ".inf".into(),
        "-Inf" => "-.inf".into(),
        "NaN" => ".nan".into(),
        _ => text,
    }
}

/// `%g` with the shortest digits: an exponent from 10^6 on and below 10^-4.
fn general(scientific: &str) -> String {
    let (sign, digits, exponent) = digits(scientific);
    if (-4..6).contains(&exponent) {
        return format!("{sign}{}", positional(&digits, exponent));
    }
    format!(
        "{sign}{}e{}{:02}",
        mantissa(&digits),
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    )
}

/// A float as Go's encoding/json writes it.
fn json_float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (sign, digits, exponent) = digits(&scientific);
    if (-6..21).contains(&exponent) {
        return format!("{sign}{}", positional(&digits, exponent));
    }
    let (mark, exponent) = if exponent < 0 {
        ('-', format!("{}", -exponent))
    } else {
        ('+', format!("{exponent:02}"))
    };
    format!("{sign}{}e{mark}{exponent}", mantissa(&digits))
}

fn mantissa(digits: &str) -> String {
    let (first, rest) = digits.split_at(1);
    if rest.is_empty() {
        first.into()
    } else {
        format!("{first}.{rest}")
    }
}

/// Digits without an exponent.
fn positional(digits: &str, exponent: i32) -> String {
    let Ok(point) = usize::try_from(exponent + 1) else {
        return format!(
            "0.{}{digits}",
            "0".repeat((-exponent - 1).unsigned_abs() as usize)
        );
    };
    match point {
        0 => format!("0.{digits}"),
        point if point >= digits.len() => format!("{digits}{}", "0".repeat(point - digits.len())),
        point => format!("{}.{}", &digits[..point], &digits[point..]),
    }
}
