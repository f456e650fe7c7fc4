//! The patterns of conditions, as Drone matches them (drone/runner-go manifest/cond.go with
//! bmatcuk/doublestar v1.1.1): `*` and `?` stop at `/`, `**` as a whole component does not, `[a-z]`,
//! `[^a]`, `{one,two}` within a component, `\` takes the meaning away. Case counts.
//!
//! Not `crate::glob`, which is the language of our own policy.

use std::collections::HashMap;

/// The most steps that one match may take. No pattern that a person writes comes near.
const MOST_STEPS: usize = 1_000;
/// The most stars in one pattern; more only cost time.
const MOST_STARS: usize = 12;

/// Whether a pattern matches a name; a pattern that is malformed matches none. `None` if it is too
/// much work to say.
pub fn matches(pattern: &str, name: &str) -> Option<bool> {
    if pattern.bytes().filter(|b| *b == b'*').count() > MOST_STARS {
        return None;
    }
    let mut work = Work {
        left: MOST_STEPS,
        known: HashMap::new(),
    };
    let (pattern, name) = (split(pattern, '/'), split(name, '/'));
    match components(&pattern, &name, &mut work) {
        Ok(matched) => Some(matched),
        Err(No::Pattern) => Some(false),
        Err(No::Time) => None,
    }
}

/// Whether a text means more than itself in a pattern.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{', '\\'])
}

/// A name that a pattern matches, in the usual cases.
pub fn example(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => out.push_str("x/x"),
            '*' | '?' => out.push('x'),
            '\\' => out.extend(chars.next()),
            '[' => {
                out.extend(chars.next().filter(|c| *c != '^'));
                while chars.next().is_some_and(|c| c != ']') {}
            }
            '{' => {
                let mut first = true;
                for c in chars.by_ref() {
                    match c {
                        '}' => break,
                        ',' => first = false,
                        c if first => out.push(c),
                        _ => {}
                    }
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// A name that begins as one pattern says, ends as another says, and matches both, if one is easily
/// found: `cs-*` and `*-prod` meet in `cs-x-prod`.
pub fn meeting(begins: &str, ends: &str) -> Option<String> {
    const SPECIAL: [char; 8] = ['*', '?', '[', ']', '{', '}', '\\', ','];
    let prefix = &begins[..begins.find(SPECIAL)?];
    let suffix = &ends[ends.rfind(SPECIAL)? + 1..];
    if prefix.is_empty() || suffix.is_empty() {
        return None;
    }
    ["x", "", "x/x"]
        .iter()
        .map(|middle| format!("{prefix}{middle}{suffix}"))
        .find(|name| matches(begins, name) == Some(true) && matches(ends, name) == Some(true))
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy)]
enum No {
    /// The pattern is malformed.
    Pattern,
    /// It would take too long.
    Time,
}

struct Work {
    left: usize,
    /// What was found out: of the rest of a pattern and the rest of a component.
    known: HashMap<(String, String), Result<bool, No>>,
}

impl Work {
    fn step(&mut self) -> Result<(), No> {
        self.left = self.left.checked_sub(1).ok_or(No::Time)?;
        Ok(())
    }
}

/// Splits at separators that no backslash precedes. As in the original, nothing follows a last one.
fn split(text: &str, separator: char) -> Vec<&str> {
    if !text.contains(separator) {
        return vec![text];
    }
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let end = unescaped(rest, separator);
        parts.push(&rest[..end.unwrap_or(rest.len())]);
        rest = end.map_or("", |end| &rest[end + separator.len_utf8()..]);
    }
    parts
}

fn unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut places = text.match_indices(wanted).map(|(at, _)| at);
    // After one that is escaped the search goes on behind it, without looking back over it.
    let mut from = 0;
    places.find(|at| {
        let escaped = *at > from && text[from..*at].ends_with('\\');
        if escaped {
            from = at + wanted.len_utf8();
        }
        !escaped
    })
}

fn components(pattern: &[&str], name: &[&str], work: &mut Work) -> Result<bool, No> {
    let (mut p, mut n) = (0, 0);
    if pattern.is_empty() || name.is_empty() {
        return Ok(pattern.is_empty() && name.is_empty());
    }
    while p < pattern.len() && n < name.len() {
        work.step()?;
        if pattern[p] == "**" {
            p += 1;
            if p == pattern.len() {
                return Ok(true);
            }
            for from in n..name.len() {
                match components(&pattern[p..], &name[from..], work) {
                    Ok(true) => return Ok(true),
                    Err(No::Time) => return Err(No::Time),
                    Ok(false) | Err(No::Pattern) => {}
                }
            }
            return Ok(false);
        }
        if !component(pattern[p], name[n], work)? {
            return Ok(false);
        }
        (p, n) = (p + 1, n + 1);
    }
    Ok(p == pattern.len() && n == name.len())
}

/// One component, answered from memory if the question was asked before.
fn component(pattern: &str, name: &str, work: &mut Work) -> Result<bool, No> {
    let key = (pattern.to_owned(), name.to_owned());
    if let Some(known) = work.known.get(&key) {
        return *known;
    }
    let found = component_afresh(pattern, name, work);
    work.known.insert(key, found);
    found
}

fn component_afresh(pattern: &str, name: &str, work: &mut Work) -> Result<bool, No> {
    if pattern.is_empty() || name.is_empty() {
        return Ok(pattern == name || (name.is_empty() && pattern == "*"));
    }
    let (mut pattern, mut name) = (pattern, name);
    while let (Some(wanted), Some(found)) = (pattern.chars().next(), name.chars().next()) {
        work.step()?;
        let rest = &pattern[wanted.len_utf8()..];
        match wanted {
            '\\' => {
                let literal = rest.chars().next().ok_or(No::Pattern)?;
                if literal != found {
                    return Ok(false);
                }
                pattern = &rest[literal.len_utf8()..];
            }
            '*' => return star(rest, name, work),
            '[' => {
                let end = unescaped(rest, ']').ok_or(No::Pattern)?;
                if !class(&rest[..end], found)? {
                    return Ok(false);
                }
                pattern = &rest[end + 1..];
            }
            '{' => return alternatives(rest, name, work),
            _ if wanted == '?' || wanted == found => pattern = rest,
            _ => return Ok(false),
        }
        name = &name[found.len_utf8()..];
    }
    Ok(name.is_empty() && matches!(pattern, "" | "*") || pattern == "**")
}

fn star(rest: &str, name: &str, work: &mut Work) -> Result<bool, No> {
    if rest.is_empty() {
        return Ok(true);
    }
    // The original steps by the bytes of the first character, whatever comes after it, and reads half
    // a character as U+FFFD. So `*?` does not match `üb-`, on Drone and here.
    let first = name.chars().next().map_or(1, char::len_utf8);
    for at in (0..name.len()).step_by(first) {
        work.step()?;
        let tail = String::from_utf8_lossy(&name.as_bytes()[at..]);
        match component(rest, &tail, work) {
            Ok(true) => return Ok(true),
            Err(No::Time) => return Err(No::Time),
            Ok(false) | Err(No::Pattern) => {}
        }
    }
    Ok(false)
}

fn alternatives(rest: &str, name: &str, work: &mut Work) -> Result<bool, No> {
    let end = unescaped(rest, '}').ok_or(No::Pattern)?;
    for option in split(&rest[..end], ',') {
        work.step()?;
        if component(&format!("{option}{}", &rest[end + 1..]), name, work)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A character class without its brackets.
fn class(class: &str, found: char) -> Result<bool, No> {
    let negated = class.starts_with('^');
    if class.is_empty() {
        return Err(No::Pattern);
    }
    let mut chars = class[usize::from(negated)..].chars().peekable();
    let mut hit = false;
    while let Some(first) = chars.next() {
        let low = bound(first, &mut chars)?;
        let high = match chars.next_if_eq(&'-') {
            Some(_) => {
                let last = chars.next().ok_or(No::Pattern)?;
                bound(last, &mut chars)?
            }
            None => low,
        };
        hit |= (low..=high).contains(&found);
    }
    Ok(hit != negated)
}

/// One end of a range.
fn bound(c: char, rest: &mut impl Iterator<Item = char>) -> Result<char, No> {
    match c {
        '-' => Err(No::Pattern),
        '\\' => rest.next().ok_or(No::Pattern),
        c => Ok(c),
    }
}
