//! Which pipelines and steps a Drone build runs: `trigger` and `when`, after drone/runner-go
//! manifest/cond.go with the globs of bmatcuk/doublestar v1.1.1.

use super::DroneBuild;
use crate::support::yaml::Node;

/// Whether a `when` or `trigger` lets the build pass. `status` and `paths` are not looked at, and
/// unknown conditions (`environment`, the usual mistake for `target`) do not count, as on Drone.
pub fn when_matches_drone(node: Option<&Node>, build: &DroneBuild) -> bool {
    let Some(conditions) = node else { return true };
    let values = [
        ("action", &build.action),
        ("cron", &build.cron),
        ("ref", &build.git_ref),
        ("repo", &build.slug),
        ("instance", &build.host),
        ("target", &build.deploy_to),
        ("event", &build.event),
        ("branch", &build.branch),
    ];
    values.iter().all(|(name, value)| {
        conditions
            .get(name)
            .is_none_or(|condition| matches(condition, value))
    })
}

/// One condition: a pattern, a list of patterns, or `include` and `exclude` lists.
fn matches(condition: &Node, value: &str) -> bool {
    let single = std::slice::from_ref(condition);
    let (include, exclude) = match condition {
        Node::Null => return true,
        Node::List(patterns) => (patterns.as_slice(), [].as_slice()),
        // Only lists count here: of `include: main` Drone makes an empty list, which lets all pass.
        Node::Map(_) => {
            let list = |key| condition.get(key).map_or([].as_slice(), Node::items);
            (list("include"), list("exclude"))
        }
        _ => (single, [].as_slice()),
    };
    let any = |patterns: &[Node]| {
        patterns
            .iter()
            .any(|p| glob(p.as_str().unwrap_or_default(), value))
    };
    !any(exclude) && (include.is_empty() || any(include))
}

/// A glob: `*` and `?` stop at `/`, `**` as a whole component does not, `[a-z]`, `[^a]`,
/// `{one,two}` (within a component), `\` escapes. A malformed pattern matches nothing.
pub fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (split(pattern, '/'), split(name, '/'));
    components(&pattern, &name).unwrap_or(false)
}

/// Splits at unescaped separators. As in the original, nothing follows a last separator.
fn split(text: &str, separator: char) -> Vec<&str> {
    if !text.contains(separator) {
        return vec![text];
    }
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let end = unescaped(rest, separator);
        parts.push(&rest[..end.unwrap_or(rest.len())]);
        rest = end.map_or("", |end| &rest[end + 1..]);
    }
    parts
}

/// Where a character stands that no backslash precedes.
fn unescaped(text: &str, wanted: char) -> Option<usize> {
    text.match_indices(wanted)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with('\\'))
}

/// None stands for a bad pattern.
fn components(pattern: &[&str], name: &[&str]) -> Option<bool> {
    match (pattern, name) {
        ([], []) => Some(true),
        ([], _) | (_, []) => Some(false),
        (["**"], _) => Some(true),
        (["**", rest @ ..], _) => {
            Some((0..name.len()).any(|at| components(rest, &name[at..]) == Some(true)))
        }
        ([first, pattern @ ..], [part, name @ ..]) => {
            if component(first, part)? {
                components(pattern, name)
            } else {
                Some(false)
            }
        }
    }
}

fn component(pattern: &str, name: &str) -> Option<bool> {
    if pattern.is_empty() || name.is_empty() {
        return Some(pattern == name || pattern == "*" && name.is_empty());
    }
    let (mut pattern, mut name) = (pattern, name);
    while let (Some(wanted), Some(found)) = (pattern.chars().next(), name.chars().next()) {
        let (rest, name_rest) = (&pattern[wanted.len_utf8()..], &name[found.len_utf8()..]);
        match wanted {
            '\\' => {
                let literal = rest.chars().next()?;
                if literal != found {
                    return Some(false);
                }
                pattern = &rest[literal.len_utf8()..];
            }
            '*' => {
                let starts = name.char_indices().map(|(at, _)| at);
                let tail = |at| component(rest, &name[at..]) == Some(true);
                return Some(rest.is_empty() || starts.into_iter().any(tail));
            }
            '[' => {
                let end = unescaped(rest, ']')?;
                if !class(&rest[..end], found)? {
                    return Some(false);
                }
                pattern = &rest[end + 1..];
            }
            '{' => {
                let end = unescaped(rest, '}')?;
                for option in split(&rest[..end], ',') {
                    if component(&format!("{option}{}", &rest[end + 1..]), name)? {
                        return Some(true);
                    }
                }
                return Some(false);
            }
            _ if wanted == '?' || wanted == found => pattern = rest,
            _ => return Some(false),
        }
        name = name_rest;
    }
    Some(name.is_empty() && matches!(pattern, "" | "*") || pattern == "**")
}

/// A character class without its brackets.
fn class(class: &str, found: char) -> Option<bool> {
    let negated = class.starts_with('^');
    let mut chars = class[usize::from(negated)..].chars().peekable();
    let mut hit = false;
    if class.is_empty() {
        return None;
    }
    while let Some(low) = chars.next() {
        let escaped = |c: char, chars: &mut dyn Iterator<Item = char>| match c {
            '-' => None,
            '\\' => chars.next(),
            c => Some(c),
        };
        let low = escaped(low, &mut chars)?;
        let mut high = low;
        if chars.next_if_eq(&'-').is_some() {
            high = chars.next()?;
            high = escaped(high, &mut chars)?;
        }
        hit |= (low..=high).contains(&found);
    }
    Some(hit != negated)
}
