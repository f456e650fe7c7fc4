//! One line of a change log that tells of a hotfix (B09): `(hotfix 2012.04.03) Fixed foo: #1234`, and
//! everything else that people wrote instead.

use std::sync::LazyLock;

use regex::Regex;

use super::tickets::tickets;
use crate::day::Day;

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
    /// A day whose year stands last: `02.05.2012`.
    YearLast(String),
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
    /// `hotfix 2012.04.03: …`, `[hotfix …]`, `(2012.04.03 hotfix)`.
    Mark,
    /// Another bullet than `*`, none, or no blank behind it.
    Bullet,
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
    /// `issue 1234`.
    NoSign,
    /// The address of a ticket instead of its number.
    Address,
}

impl Odd {
    /// What it is, for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::On => "it says «hotfix on»",
            Self::Spelling => "it is marked in another spelling than `hotfix`",
            Self::Mark => "it is not marked as `(hotfix YYYY.MM.DD)`",
            Self::Bullet => "it does not begin with `* `",
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
            Self::NoSign => "an issue is written without `#`; the form is `issue #1234`",
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
    /// A number in its text that is no ticket, because of where it stands.
    pub passing: Option<String>,
    /// What it says, without mark and tickets: what makes it the same entry when it is moved or reworded
    /// around it.
    pub words: String,
    /// What is irregular about it.
    pub odd: Vec<Odd>,
    /// Whether the line is in the strict form.
    pub strict: bool,
}

pub(super) fn regex(text: &'static str) -> Option<Regex> {
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
// What people meant to be a mark; only with a day, because a text may well begin with «hotfix».
pattern!(
    NEAR,
    r"(?i)^(?:[(\[]\s*(?:[a-z]+\s+)?hot[-\s]?fix(?:ed)?[\s,:]*([0-9]{4}\.[0-9]{2}\.[0-9]{2})\s*[)\]]|[(\[]\s*([0-9]{4}\.[0-9]{2}\.[0-9]{2})[\s,:]+hot[-\s]?fix(?:ed)?\s*[)\]]|hot[-\s]?fix(?:ed)?\s+([0-9]{4}\.[0-9]{2}\.[0-9]{2}))\s*[:,-]?\s*(.*)$"
);
pattern!(
    STRICT,
    r"^  \* \(hotfix [0-9]{4}\.[0-9]{2}\.[0-9]{2}\) .*\S: (?:(?:issue )?#[0-9]+|bug [0-9]+)(?:, (?:(?:issue )?#[0-9]+|bug [0-9]+))*$"
);

/// The first line of an entry, as it stands in the file, with the text that follows the bullet.
pub(super) struct Item<'a> {
    pub(super) number: usize,
    pub(super) raw: &'a str,
    pub(super) text: String,
    pub(super) wrapped: bool,
    /// Whether it begins with `* `.
    pub(super) starred: bool,
}

/// Whether a text begins like an entry about a hotfix, so that it is one even without a bullet.
pub(super) fn is_marked(text: &str) -> bool {
    text.starts_with(['(', '[']) && {
        let near = NEAR.as_ref().is_some_and(|regex| regex.is_match(text));
        near || ANY_CASE_MARK
            .as_ref()
            .and_then(|regex| regex.captures(text))
            .is_some_and(|found| {
                let dated = found.get(2).map_or("", |part| part.as_str());
                dated.contains(|c: char| c.is_ascii_digit())
            })
    }
}

/// Reads an item of a change log; `None` if it tells of no hotfix.
pub(super) fn read(item: &Item<'_>) -> Option<Entry> {
    let text = item.text.trim();
    let found = MARK.as_ref().and_then(|regex| regex.captures(text));
    let spelled = found.is_some();
    let found = found.or_else(|| ANY_CASE_MARK.as_ref()?.captures(text));
    let Some(found) = found else {
        return near(item, text).or_else(|| prose(item, text));
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
    add(!item.starred, Odd::Bullet);
    add(
        item.starred && !item.raw.starts_with("  * "),
        Odd::Indentation,
    );
    add(item.wrapped, Odd::Wrapped);
    let tickets = tickets(said);
    odd.extend(tickets.odd.iter().copied());
    let strict = STRICT
        .as_ref()
        .is_some_and(|regex| regex.is_match(item.raw) && !tickets.names.is_empty());
    Some(Entry {
        line: item.number,
        text: text.to_owned(),
        mark,
        date,
        tickets: tickets.names,
        passing: tickets.passing,
        words: plain(&tickets.before),
        strict: strict && odd.is_empty(),
        odd,
    })
}

/// What is nearly marked as a hotfix.
fn near(item: &Item<'_>, text: &str) -> Option<Entry> {
    let found = NEAR.as_ref()?.captures(text)?;
    let day = [1, 2, 3].into_iter().find_map(|at| found.get(at))?;
    let tickets = tickets(found.get(4)?.as_str());
    let mut odd = vec![Odd::Mark];
    odd.extend((!item.starred).then_some(Odd::Bullet));
    odd.extend(item.wrapped.then_some(Odd::Wrapped));
    odd.extend(tickets.odd);
    Some(Entry {
        line: item.number,
        text: text.to_owned(),
        mark: Mark::Hotfix,
        date: date(day.as_str()).0,
        tickets: tickets.names,
        passing: tickets.passing,
        words: plain(&tickets.before),
        odd,
        strict: false,
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
        passing: tickets.passing,
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
        (10, 2) if plain && text.find('.') == Some(2) => Date::YearLast(text.to_owned()),
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

/// Letters and digits alone, in lower case.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
}
