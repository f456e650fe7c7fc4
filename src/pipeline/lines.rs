//! What can be seen in the lines of the text alone.

use std::sync::LazyLock;

use regex::Regex;

use super::weakness::{Context, Kind, Weakness};
use crate::ci::Platform;
use crate::hotfix::compile;

/// The most lines that one finding names.
const MOST: usize = 10;

/// Finds them.
pub(super) fn find(context: &Context<'_>) -> Vec<Weakness> {
    let mut found = Vec::new();
    for (file, bytes) in context.files {
        let Ok(text) = std::str::from_utf8(bytes) else {
            continue;
        };
        let lines_with = |test: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let lines = text.split('\n').enumerate();
            lines
                .filter(|(_, line)| test(line))
                .map(|(index, _)| index + 1)
                .collect()
        };
        let weakness = |kind, lines: &[usize], what: &str, advice: &str| {
            let line = *lines.first()?;
            let also = match lines.len() {
                1 => String::new(),
                _ => format!(" ({})", describe(lines)),
            };
            Some(Weakness {
                kind,
                file: file.clone(),
                line,
                pipeline: None,
                steps: Vec::new(),
                what: format!("{what}{also}"),
                advice: advice.to_owned(),
            })
        };
        let what = match context.platform {
            Platform::Drone => {
                "`${…}` is replaced by text before Drone reads the YAML, also in comments; a promotion parameter wins \
                 there over every variable, and can rewrite the gate"
            }
            Platform::Woodpecker => {
                "`${…}` is replaced by text before Woodpecker reads the YAML, also in comments, by values that \
                 others choose; they can rewrite the gate"
            }
        };
        let advice = "write `$NAME` without braces in commands, and the plugin's own fields, such as `{build}`, in settings";
        found.extend(weakness(
            Kind::Substitution,
            &lines_with(&substitutes),
            what,
            advice,
        ));
        let what =
            "only the first `/` of the branch is replaced, so `hotfix/a/b` gives no legal tag";
        let advice = "replace every one: `//\\//_` in the expression, or `sed 's/\\//_/g'`; or leave the tag to this plugin";
        found.extend(weakness(
            Kind::FirstSlash,
            &lines_with(&first_slash_only),
            what,
            advice,
        ));
    }
    found
}

fn describe(lines: &[usize]) -> String {
    let shown: Vec<String> = lines.iter().take(MOST).map(usize::to_string).collect();
    let more = lines.len().saturating_sub(MOST);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("lines {}{more}", shown.join(", "))
}

/// Whether `${` stands in a line and no `$` takes its meaning away: `$$` is one plain dollar
/// (drone/envsubst).
fn substitutes(line: &str) -> bool {
    let mut rest = line;
    while let Some(at) = rest.find('$') {
        let after = &rest[at + 1..];
        if after.starts_with('{') {
            return true;
        }
        rest = after.strip_prefix('$').unwrap_or(after);
    }
    false
}

/// Whether a line turns the first slash of a branch into something else and leaves the others.
fn first_slash_only(line: &str) -> bool {
    // `${DRONE_BRANCH/\//_}`, also with the dollar doubled, for the shell.
    static EXPRESSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
        compile(r"\$\{[A-Za-z_]*(?:BRANCH|REF)[A-Za-z_]*/\\?//?[^/}\s][^}]*\}").ok()
    });
    static NAMED: LazyLock<Option<Regex>> =
        LazyLock::new(|| compile(r"BRANCH|REF_NAME|COMMIT_REF|(?i:hotfix/)").ok());
    let is = |regex: &LazyLock<Option<Regex>>| regex.as_ref().is_some_and(|r| r.is_match(line));
    expression(line, &EXPRESSION) || is(&NAMED) && sed_once(line)
}

fn expression(line: &str, pattern: &LazyLock<Option<Regex>>) -> bool {
    let Some(pattern) = pattern.as_ref() else {
        return false;
    };
    pattern.find_iter(line).any(|found| {
        // What stands between the name and the replacement: `/\/` is the first, `//\/` is all.
        let text = found.as_str();
        let slash = text.find('/').unwrap_or_default();
        text[slash..].starts_with("/\\/")
    })
}

/// Whether a `sed` of a line replaces a slash, once: `s/\//_/`, `s|/|_|` and their like without `g`.
fn sed_once(line: &str) -> bool {
    let mut rest = line;
    while let Some(at) = rest.find("sed ") {
        rest = &rest[at + 4..];
        for (place, _) in rest.match_indices('s') {
            if substitution(&rest[place + 1..]) == Some(false) {
                return true;
            }
        }
    }
    false
}

/// Whether the command of `sed` behind its `s` replaces every slash; `None` if it is none that
/// replaces slashes.
fn substitution(text: &str) -> Option<bool> {
    let mark = text.chars().next().filter(|c| "/|#,:@!".contains(*c))?;
    let body = &text[1..];
    let (slash, body) = match mark {
        '/' => ("\\//", body),
        _ => ("/", body),
    };
    let after = body.strip_prefix(slash)?;
    let after = if mark == '/' {
        after
    } else {
        after.strip_prefix(mark)?
    };
    let end = after.find(mark)?;
    let flags = after[end + mark.len_utf8()..]
        .chars()
        .take_while(char::is_ascii_alphanumeric);
    Some(flags.into_iter().any(|flag| flag == 'g'))
}
