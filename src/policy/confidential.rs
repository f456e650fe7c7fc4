//! Which hotfixes are confidential, and what is asked of their names (B17–B21).

mod pattern;

use regex::Regex;

use super::read::Table;
use crate::hotfix::compile;
use crate::hotfix::fold::{fold, spaced};
use crate::problem::Problem;

/// The keys of `policy` that this file reads.
const EXTRAS: [&str; 2] = ["confidential_words", "confidential_tag"];
/// The most further words.
const MOST_WORDS: usize = 500;
/// The longest ticket, in characters.
const LONGEST_TICKET: usize = 40;
/// The longest of those words, in characters.
const LONGEST_WORD: usize = 60;

/// What a policy says of confidential hotfixes.
#[derive(Debug, Clone, Default)]
pub struct Confidential {
    /// Whether every hotfix is confidential (`confidential`).
    pub always: bool,
    /// What a ticket of the private tracker looks like (`confidential_ticket`).
    pub ticket: Option<PrivateTicket>,
    /// Further words that give a hotfix away, folded (`confidential_words`).
    pub words: Vec<String>,
    /// Whether branch and tag may hold nothing but the ticket (`confidential_tag: opaque`).
    pub opaque: bool,
}

impl Confidential {
    /// Whether the policy says anything about confidential hotfixes.
    pub const fn is_set(&self) -> bool {
        self.always || self.ticket.is_some()
    }
}

/// What a ticket of the private tracker looks like.
#[derive(Debug, Clone)]
pub struct PrivateTicket {
    within: Regex,
    /// Directly behind a small letter or a digit, as in `fixSEC-12`.
    glued: Regex,
    whole: Regex,
}

impl PrivateTicket {
    /// Compiles a pattern. It is looked for within texts, so `^` and `$` in it mean the ends of the
    /// ticket; capitals and small letters are the same to it, and so are all separators: people write
    /// `SEC-12`, `SEC_12` and `SEC12` for one ticket.
    ///
    /// # Errors
    /// What the pattern language says against it, or that it matches nothing at all.
    pub fn new(pattern: &str) -> Result<Self, String> {
        // What is wrong with it is said of the pattern as it was written.
        compile(pattern)?;
        let inner = pattern::free(pattern);
        let ticket = Self {
            within: compile(&format!("(?i)(?:^|[^A-Za-z0-9])(?P<ticket>{inner})"))?,
            glued: compile(&format!("(?i)(?-i:[a-z0-9])(?P<ticket>{inner})"))?,
            whole: compile(&format!("(?i)^(?:{inner})$"))?,
        };
        if ticket.whole.is_match("") {
            return Err("it takes an empty text for a ticket".to_owned());
        }
        Ok(ticket)
    }

    /// Whether a text names such a ticket, in whatever disguise and with whatever separator.
    pub fn is_in(&self, text: &str) -> bool {
        self.within.is_match(text) || !self.glued(text).is_empty() || {
            let folded = fold(text);
            self.within.is_match(&folded) || self.within.is_match(&spaced(&folded))
        }
    }

    /// Where such tickets begin with a capital behind a small letter or a digit.
    fn glued(&self, text: &str) -> Vec<(usize, usize)> {
        let found = self.glued.captures_iter(text);
        let ticket = found.filter_map(|found| found.name("ticket"));
        ticket
            .filter(|it| it.as_str().starts_with(|c: char| c.is_ascii_uppercase()))
            .map(|it| (it.start(), it.end()))
            .collect()
    }

    /// Whether a text is such a ticket and nothing else.
    pub fn is(&self, text: &str) -> bool {
        self.whole.is_match(text) || self.whole.is_match(&spaced(text))
    }

    /// Whether a text has the form of a ticket: a name, a number and nothing else. A pattern may be wide
    /// enough to take a whole sentence for one.
    pub fn is_plain(text: &str) -> bool {
        let folded = fold(text);
        let parts: Vec<&str> = folded
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| !part.is_empty())
            .collect();
        let number = parts
            .last()
            .is_some_and(|last| last.ends_with(|c: char| c.is_ascii_digit()));
        number && parts.len() <= 2 && text.chars().count() <= LONGEST_TICKET
    }

    /// The first such ticket as it stands in the text.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.find_all(text).into_iter().next()
    }

    /// Every such ticket as it stands in the text.
    pub fn find_all<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let all = |of: &str| -> Vec<(usize, usize)> {
            let found = self.within.captures_iter(of);
            let ticket = found.filter_map(|found| found.name("ticket"));
            ticket.map(|it| (it.start(), it.end())).collect()
        };
        let mut ranges = all(text);
        if ranges.is_empty() {
            ranges = self.glued(text);
        }
        if ranges.is_empty() {
            // The separators are ASCII, so the text is as long as before.
            ranges = all(&spaced(text));
        }
        let found = ranges
            .into_iter()
            .filter_map(|(from, to)| text.get(from..to));
        found.filter(|ticket| !ticket.is_empty()).collect()
    }
}

/// Reads the keys.
pub(super) fn read(policy: &Table<'_>, problems: &mut Vec<Problem>) -> Confidential {
    let always = policy.flag("confidential", problems).unwrap_or(false);
    let ticket = policy.parsed(
        "confidential_ticket",
        "a regular expression of a private ticket, such as `^SEC-\\d+$` or `bug (\\d{6,})`",
        problems,
        PrivateTicket::new,
    );
    let words = policy.list("confidential_words", problems);
    let words = words.unwrap_or_default();
    let usable = |word: &String| {
        let letters = fold(word).chars().filter(|c| c.is_alphanumeric()).count();
        letters >= 2 && word.chars().count() <= LONGEST_WORD
    };
    let wrong = words.iter().filter(|word| !usable(word)).count();
    if wrong > 0 || words.len() > MOST_WORDS {
        // The words may be the very thing that is kept secret; they are counted.
        problems.push(Problem::new(
            policy.at("confidential_words"),
            format!("{} words, {wrong} of them too short or too long", words.len()),
            format!(
                "at most {MOST_WORDS} words or terms, each of 2 to {LONGEST_WORD} letters and digits"
            ),
        ));
    }
    let expected = "`named`, or `opaque` for names that hold the ticket and nothing else";
    let opaque = policy.parsed("confidential_tag", expected, problems, |text| match text {
        "named" => Ok(false),
        "opaque" => Ok(true),
        _ => Err(String::new()),
    });
    let read = Confidential {
        always,
        ticket,
        words: words.iter().map(|word| fold(word)).collect(),
        opaque: opaque.unwrap_or(false),
    };
    let given = policy.get("confidential").is_some() || policy.get("confidential_ticket").is_some();
    for key in EXTRAS {
        if policy.get(key).is_some() && !given {
            problems.push(
                Problem::new(
                    policy.at(key),
                    "a rule for confidential hotfixes, and nothing that says which are",
                    "`policy.confidential` or `policy.confidential_ticket` beside it",
                )
                .next("write `confidential: true` if all of them are"),
            );
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn names(pattern: &str, text: &str, expected: Option<&str>) {
        let ticket = PrivateTicket::new(pattern).unwrap();
        assert_eq!(ticket.find(text), expected, "{text}");
    }

    #[test]
    fn a_private_ticket_is_found_wherever_it_stands() {
        names(r"^SEC-\d+$", "SEC-12", Some("SEC-12"));
        names(r"^SEC-\d+$", "hotfix/SEC-12-login", Some("SEC-12"));
        names(r"^SEC-\d+$", "branch-hotfix_sec-12", Some("sec-12"));
        names(r"^SEC-\d+$|^PRIV-\d+$", "Fix it (PRIV-3)", Some("PRIV-3"));
        names(r"\ASEC-\d+\z", "see SEC-1.", Some("SEC-1"));
        names(r"bug (\d{6,})", "hotfix/bug-752721", Some("bug-752721"));
        names(r"bug (\d{6,})", "bug 752721: x", Some("bug 752721"));
        names(r"[]^$]x", "a $x", Some("$x"));
        names(r"^SEC-\d+$", "INFOSEC-12", None);
        names(r"^SEC-\d+$", "infosec-12", None);
        names(r"^SEC-\d+$", "12 seconds", None);
        names(r"^SEC-\d+$", "HOCS-1", None);
    }

    #[test]
    fn no_disguise_helps() {
        let ticket = PrivateTicket::new(r"^SEC-\d+$").unwrap();
        for text in ["ѕес-12", "ＳＥＣ-12", "S\u{200b}EC-12", "SEC‑12"] {
            assert!(ticket.is_in(text), "{text}");
        }
        for text in [
            "hotfix/SEC_12",
            "hotfix/SEC12",
            "hotfix/SEC.12",
            "hotfix/SEC--12",
            "hotfix/fixSEC-12",
            "2026SEC12",
            "sec/12",
            "SEC 12",
        ] {
            assert!(ticket.is_in(text), "{text}");
            assert!(ticket.find(text).is_some(), "{text}");
        }
        assert!(ticket.is("sec-12"));
        assert!(!ticket.is("SEC-12-login"));
        for (text, plain) in [
            ("SEC-12", true),
            ("bug #752721", true),
            ("SEC-12 mend it", false),
        ] {
            assert_eq!(PrivateTicket::is_plain(text), plain, "{text}");
        }
    }

    #[test]
    fn a_pattern_of_nothing_is_refused() {
        for pattern in ["", ".*", "^$", "(SEC-1)?"] {
            assert!(PrivateTicket::new(pattern).is_err(), "{pattern}");
        }
        assert!(PrivateTicket::new("(").is_err());
    }
}
