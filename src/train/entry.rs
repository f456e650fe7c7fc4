//! One line of a change log that tells of a hotfix (B09): `(hotfix 2012.04.03) Fixed foo: #1234`, and
//! everything else that people wrote instead.

use std::sync::LazyLock;

use regex::Regex;

use crate::day::Day;

/// The most tickets of one entry.
const MOST_TICKETS: usize = 50;

/// What marks a line as one that tells of a hotfix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// `(hotfix …)`.
    Hotfix,
    /// `(fix …)`, with a date: a hotfix that is not called so.
    Fix,
    /// Prose: `(also hot-fixed in production: ADDRESS)`.
    Prose,
}

/// A date as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Date {
    /// There is none.
    Missing,
    /// A day of the calendar.
    Day(Day),
    /// Month and day of a year that is not said.
    WithoutYear(String),
    /// Something that is no day, such as `2012.02.30`.
    NoDay(String),
    /// Something in another form than `YYYY.MM.DD`.
    OtherForm(String),
}

/// What is irregular about an entry, whatever train it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Odd {
    /// `(hotfix on 2012.04.03)`.
    On,
    /// `(Hotfix …)`, `(hot-fix …)`.
    Spelling,
    /// `(hotfix 04.03)`.
    NoYear,
    /// `(hotfix …) : text`.
    ColonBehindMark,
    /// More than one blank behind the mark.
    Blanks,
    /// No blank behind the mark.
    NoBlank,
    /// Another indentation than two blanks.
    Indentation,
    /// It goes on in the next line.
    Wrapped,
    /// No `: ` before the ticket.
    NoColon,
    /// Text behind the ticket.
    Behind,
    /// `bug #752721`, `bug#752721`: the form is `bug 752721`.
    BugSign,
    /// `#873241`: six digits are a bug of Bugzilla.
    Bugzilla,
    /// The address of a ticket instead of its number.
    Address,
}

impl Odd {
    /// What it is, for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::On => "it says «hotfix on»",
            Self::Spelling => "it is marked in another spelling than `hotfix`",
            Self::NoYear => "its date has no year",
            Self::ColonBehindMark => "a colon stands behind the mark",
            Self::Blanks => "more than one blank stands behind the mark",
            Self::NoBlank => "no blank stands behind the mark",
            Self::Indentation => "it is not indented by two blanks",
            Self::Wrapped => "it goes on in a second line",
            Self::NoColon => "no `: ` stands before the ticket",
            Self::Behind => "text stands behind the ticket",
            Self::BugSign => "a bug is written with `#`; the form is `bug 123456`",
            Self::Bugzilla => "`#` with six digits is a bug of Bugzilla; the form is `bug 123456`",
            Self::Address => "a ticket is an address instead of its number",
        }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its line, counted from 1.
    pub line: usize,
    /// Its text without the bullet, on one line.
    pub text: String,
    /// What marks it.
    pub mark: Mark,
    /// Its date.
    pub date: Date,
    /// Its tickets, in one spelling: `#1234`, `bug 123456`.
    pub tickets: Vec<String>,
    /// What it says, without mark and tickets: what makes it the same entry when it is moved or reworded
    /// around it.
    pub words: String,
    /// What is irregular about it.
    pub odd: Vec<Odd>,
    /// Whether the line is in the strict form.
    pub strict: bool,
}

fn regex(text: &'static str) -> Option<Regex> {
    Regex::new(text).ok()
}

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| regex($text));
    };
}

pattern!(
    MARK,
    r"^\((hot[-\s]?fix(?:ed)?|fix)\b([^()]*)\)(\s*)(:?)(\s*)(.*)$"
);
pattern!(
    ANY_CASE_MARK,
    r"(?i)^\((hot[-\s]?fix(?:ed)?|fix)\b([^()]*)\)(\s*)(:?)(\s*)(.*)$"
);
pattern!(
    PROSE,
    r"(?i)\((?:also )?hot-?fixed in production:?\s*([^()\s]*)\s*\)\s*\.?$"
);
pattern!(
    TICKETS,
    r"(?i)\b(https?://\S+/(?:issues|pull)/(\d+)|https?://\S+[?&]id=(\d+))|\b(issue|bug)s?(\s*)(#?)\s?(\d+)\b|#(\d+)\b"
);
pattern!(
    STRICT,
    r"^  \* \(hotfix \d{4}\.\d{2}\.\d{2}\) .*\S: (?:(?:issue )?#\d+|bug \d+)(?:, (?:(?:issue )?#\d+|bug \d+))*$"
);

/// The first line of an entry, as it stands in the file, with the text that follows the bullet.
pub(super) struct Item<'a> {
    pub(super) number: usize,
    pub(super) raw: &'a str,
    pub(super) text: String,
    pub(super) wrapped: bool,
}

/// Reads an item of a change log; `None` if it tells of no hotfix.
pub(super) fn read(item: &Item<'_>) -> Option<Entry> {
    let text = item.text.trim();
    let found = MARK.as_ref().and_then(|regex| regex.captures(text));
    let spelled = found.is_some();
    let found = found.or_else(|| ANY_CASE_MARK.as_ref()?.captures(text));
    let Some(found) = found else {
        return prose(item, text);
    };
    let part = |at: usize| found.get(at).map_or("", |part| part.as_str());
    let mark = match part(1).eq_ignore_ascii_case("fix") {
        true => Mark::Fix,
        false => Mark::Hotfix,
    };
    let mut odd = Vec::new();
    let (date, on) = date(part(2));
    // `(fix …)` is an ordinary remark unless it has a date.
    if mark == Mark::Fix && date == Date::Missing {
        return None;
    }
    let mut add = |is: bool, what: Odd| odd.extend(is.then_some(what));
    add(on, Odd::On);
    add(matches!(date, Date::WithoutYear(_)), Odd::NoYear);
    add(
        mark == Mark::Hotfix && (!spelled || part(1) != "hotfix"),
        Odd::Spelling,
    );
    let (before, colon, behind, said) = (part(3), part(4), part(5), part(6));
    add(!colon.is_empty(), Odd::ColonBehindMark);
    let blanks = before.len() + behind.len();
    add(colon.is_empty() && blanks > 1, Odd::Blanks);
    add(blanks == 0 && !said.is_empty(), Odd::NoBlank);
    add(!item.raw.starts_with("  * "), Odd::Indentation);
    add(item.wrapped, Odd::Wrapped);
    let tickets = tickets(said);
    odd.extend(tickets.odd.iter().copied());
    let strict = STRICT
        .as_ref()
        .is_some_and(|regex| regex.is_match(item.raw));
    Some(Entry {
        line: item.number,
        text: text.to_owned(),
        mark,
        date,
        tickets: tickets.names,
        words: plain(&tickets.before),
        strict: strict && odd.is_empty(),
        odd,
    })
}

fn prose(item: &Item<'_>, text: &str) -> Option<Entry> {
    let regex = PROSE.as_ref()?;
    let at = regex.find(text)?.start();
    let tickets = tickets(&text[..at]);
    Some(Entry {
        line: item.number,
        text: text.to_owned(),
        mark: Mark::Prose,
        date: Date::Missing,
        tickets: tickets.names,
        words: plain(&tickets.before),
        odd: tickets.odd,
        strict: false,
    })
}

/// What stands in the mark behind its word, and whether `on` does.
fn date(text: &str) -> (Date, bool) {
    let text = text.trim().trim_end_matches(':').trim();
    let (text, on) = match text.strip_prefix("on") {
        Some(rest) if rest.starts_with(char::is_whitespace) || rest.is_empty() => {
            (rest.trim(), true)
        }
        _ => (text, false),
    };
    let dots = text.chars().filter(|c| *c == '.').count();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let date = match (text.len(), dots) {
        (0, _) => Date::Missing,
        (10, 2) if plain => match Day::parse(&text.replace('.', "-")) {
            Some(day) => Date::Day(day),
            None => Date::NoDay(text.to_owned()),
        },
        // Of a leap year, so that no day is refused that may be one.
        (5, 1) if plain => match Day::parse(&format!("2012-{}", text.replace('.', "-"))) {
            Some(_) => Date::WithoutYear(text.to_owned()),
            None => Date::NoDay(text.to_owned()),
        },
        _ => Date::OtherForm(text.to_owned()),
    };
    (date, on)
}

struct Tickets {
    names: Vec<String>,
    /// The text before the first one.
    before: String,
    odd: Vec<Odd>,
}

fn tickets(text: &str) -> Tickets {
    let mut found = Tickets {
        names: Vec::new(),
        before: text.to_owned(),
        odd: Vec::new(),
    };
    let (mut first, mut end) = (None, 0);
    let Some(regex) = TICKETS.as_ref() else {
        return found;
    };
    for ticket in regex.captures_iter(text).take(MOST_TICKETS) {
        let group = |at: usize| ticket.get(at).map(|part| part.as_str());
        let bug = group(4).is_some_and(|word| word.eq_ignore_ascii_case("bug"));
        let sign = group(6).is_some_and(|sign| !sign.is_empty());
        // «two issues 3 days ago» names no ticket.
        if group(4).is_some() && !bug && !sign {
            continue;
        }
        let number = [2, 3, 7, 8].into_iter().find_map(group).unwrap_or_default();
        let bugzilla = bug || group(3).is_some() || number.len() == 6;
        found.names.push(match bugzilla {
            true => format!("bug {number}"),
            false => format!("#{number}"),
        });
        let mut add = |is: bool, odd: Odd| found.odd.extend(is.then_some(odd));
        add(bug && sign, Odd::BugSign);
        add(
            !bug && group(1).is_none() && number.len() == 6,
            Odd::Bugzilla,
        );
        add(group(1).is_some(), Odd::Address);
        let Some(whole) = ticket.get(0) else { continue };
        if first.is_some() {
            let between = text.get(end..whole.start()).unwrap_or_default();
            add(
                !matches!(between.trim(), "," | "" | "and" | ", and" | "&"),
                Odd::Behind,
            );
        }
        first = first.or(Some(whole.start()));
        end = whole.end();
    }
    if let Some(start) = first {
        let (before, behind) = (&text[..start], &text[end..]);
        if !before.ends_with(": ") || before.ends_with(" : ") {
            found.odd.push(Odd::NoColon);
        }
        if !behind.trim().is_empty() {
            found.odd.push(Odd::Behind);
        }
        found.before = before.to_owned();
    }
    found.odd.sort_unstable();
    found.odd.dedup();
    found
}

/// Letters and digits alone, in lower case.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
}
