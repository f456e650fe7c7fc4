//! A pattern of a ticket as it is looked for in texts: without what ties it to their ends, and with any
//! separators, or none, where it has one.

use std::iter::Peekable;
use std::str::Chars;

/// What people put between the parts of a ticket.
const SEPARATORS: &str = "-_ /.+:#~";
/// Any run of them, in the pattern language.
const RUN: &str = r"(?:[-_ \t/.+:#~\x{2010}-\x{2015}]*)";
/// What matches an empty text and can be repeated.
const NOTHING: &str = "(?:)";

/// Frees a pattern: `^SEC-\d+$` is looked for within `hotfix/SEC_12-login`, and its ends are those of the
/// ticket.
pub(super) fn free(pattern: &str) -> String {
    let mut free = String::with_capacity(pattern.len() * 2);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escaped(&mut chars, &mut free),
            '[' => class(&mut chars, &mut free),
            // `(?-i:`, `(?P<name>`: a sign there is none of the ticket.
            '(' if chars.peek() == Some(&'?') => {
                free.push('(');
                for c in chars.by_ref() {
                    free.push(c);
                    if matches!(c, ':' | ')' | '>') {
                        break;
                    }
                }
            }
            '^' | '$' => free.push_str(NOTHING),
            // A bare `.` and `+` mean something else.
            '.' | '+' => free.push(c),
            _ if SEPARATORS.contains(c) => free.push_str(RUN),
            _ => free.push(c),
        }
    }
    free
}

/// What stands behind a `\`.
fn escaped(chars: &mut Peekable<Chars<'_>>, free: &mut String) {
    match chars.next() {
        Some('A' | 'z') => free.push_str(NOTHING),
        Some('s') => free.push_str(RUN),
        Some(c) if SEPARATORS.contains(c) => free.push_str(RUN),
        Some(c) => {
            free.push('\\');
            free.push(c);
            // `\p{Script_Extensions=Greek}`.
            if chars.peek() == Some(&'{') && matches!(c, 'p' | 'P' | 'x' | 'u' | 'U' | 'b') {
                for c in chars.by_ref() {
                    free.push(c);
                    if c == '}' {
                        break;
                    }
                }
            }
        }
        None => free.push('\\'),
    }
}

/// A class of characters, behind its `[`. One of nothing but separators stands for any of them.
fn class(chars: &mut Peekable<Chars<'_>>, free: &mut String) {
    let mut whole = String::from("[");
    let (mut depth, mut only, mut first) = (1_usize, true, true);
    while let Some(c) = chars.next() {
        whole.push(c);
        let is_first = std::mem::take(&mut first);
        match c {
            '\\' => {
                let next = chars.next();
                whole.extend(next);
                only &= next.is_some_and(|c| c == 's' || SEPARATORS.contains(c));
            }
            '^' if is_first => {
                only = false;
                first = true;
            }
            // A bracket that comes first in a class is one of its characters.
            ']' if !is_first => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            '[' => {
                depth += 1;
                only = false;
                first = true;
            }
            _ => only &= SEPARATORS.contains(c),
        }
    }
    free.push_str(if only { RUN } else { &whole });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(pattern: &str, expected: &str) {
        assert_eq!(free(pattern).replace(RUN, "∿"), expected, "{pattern}");
    }

    #[test]
    fn separators_stand_for_any_and_anchors_for_nothing() {
        case(r"^SEC-\d+$", r"(?:)SEC∿\d+(?:)");
        case(r"\ASEC[-_]?\d+\z", r"(?:)SEC∿?\d+(?:)");
        case(r"bug #?(\d{6,})", r"bug∿∿?(\d{6,})");
        case(r"SEC\s*\-\d", r"SEC∿*∿\d");
        case(r"SEC.\d+", r"SEC.\d+");
        case(r"(?-i:SEC)\.[0-9-]+", r"(?-i:SEC)∿[0-9-]+");
        case(r"[]^$]x[^-]", r"[]^$]x[^-]");
        case(
            r"[[:alpha:]-]+\p{Script_Extensions=Greek}",
            r"[[:alpha:]-]+\p{Script_Extensions=Greek}",
        );
    }
}
