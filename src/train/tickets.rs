//! The tickets of an entry: which numbers in its text are some, and in which form.
//!
//! A ticket stands at the end of the entry, or a word before it says that it is one. Any other `#12` is
//! part of the text: a colour, a character reference, the number of something else.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::entry::{Odd, regex};

/// The most tickets of one entry.
const MOST_TICKETS: usize = 50;

static TICKETS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)\b(https?://\S+/(?:issues|pull)/([0-9]+)|https?://\S+[?&]id=([0-9]+))|\b(issue|bug)(s?)(\s*)(#?)\s?([0-9]+)\b|#([0-9]+)\b",
    )
});
/// What stands between two tickets of a list.
static BETWEEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)^\s*(?:[,&/]|,?\s*and|)\s*$"));
/// What may stand behind the last one: the end of a sentence, a bracket, a remark in brackets.
static BEHIND: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"^[)\].,;!]*\s*(?:\([^()]*\)[.]?)?$"));
/// What makes a ticket of the number behind it.
static BEFORE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(r"(?i)(?:\b(?:fix(?:e[sd])?|clos(?:e[sd]?)|resolv(?:e[sd]?)|see|refs?):?\s+|\()$")
});
static COLOUR: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)\bcolou?r\w*:?\s+(?:\w+\s+)?$"));
/// Everything that looks like a number of a ticket, whether it is one or not.
static NUMBERS: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)&?#\s?\d+;?|\b(?:issue|bug)s?\s*#?\s?\d+"));

/// What is known of the tickets of an entry.
pub(super) struct Tickets {
    /// Their names, in one spelling.
    pub(super) names: Vec<String>,
    /// The text before the first one.
    pub(super) before: String,
    /// What is irregular about them.
    pub(super) odd: Vec<Odd>,
    /// The first number in the text that is none, because of where it stands.
    pub(super) passing: Option<String>,
}

/// One match, and what it looks like.
struct Found<'t> {
    whole: regex::Match<'t>,
    name: String,
    /// Whether it is one wherever it stands.
    said: bool,
    /// Whether it can be one at all.
    may: bool,
    odd: Option<Odd>,
}

pub(super) fn tickets(text: &str) -> Tickets {
    let all: Vec<Found<'_>> = TICKETS.as_ref().map_or_else(Vec::new, |regex| {
        let found = regex.captures_iter(text).take(MOST_TICKETS);
        found.filter_map(|ticket| found_in(text, &ticket)).collect()
    });
    let mut list = at_end(text, &all);
    if list.is_empty() {
        list = all.iter().filter(|one| one.may && one.said).collect();
    }
    let is_one = |one: &Found<'_>| {
        let mut all = list.iter();
        all.any(|other| other.whole.start() == one.whole.start())
    };
    let passing = all.iter().find(|one| !is_one(one));
    let mut odd: Vec<Odd> = list.iter().filter_map(|one| one.odd).collect();
    let mut before = text;
    if let (Some(first), Some(last)) = (list.first(), list.last()) {
        before = &text[..first.whole.start()];
        if !before.ends_with(": ") || before.ends_with(" : ") {
            odd.push(Odd::NoColon);
        }
        let gaps = list.windows(2).any(|pair| match pair {
            [a, b] => {
                let between = text[a.whole.end()..b.whole.start()].trim();
                !matches!(between, "," | "" | "and" | ", and" | "&")
            }
            _ => false,
        });
        if gaps || !text[last.whole.end()..].trim().is_empty() {
            odd.push(Odd::Behind);
        }
    }
    odd.sort_unstable();
    odd.dedup();
    Tickets {
        names: list.iter().map(|one| one.name.clone()).collect(),
        before: before.to_owned(),
        odd,
        passing: passing.map(|one| one.whole.as_str().to_owned()),
    }
}

/// A text without what looks like the number of a ticket.
pub fn without_numbers(text: &str) -> String {
    NUMBERS.as_ref().map_or_else(
        || text.to_owned(),
        |regex| regex.replace_all(text, " ").into_owned(),
    )
}

/// The tickets at the end of a text, in their order.
fn at_end<'f, 't>(text: &str, all: &'f [Found<'t>]) -> Vec<&'f Found<'t>> {
    let fits = |regex: &LazyLock<Option<Regex>>, part: &str| {
        regex.as_ref().is_some_and(|regex| regex.is_match(part))
    };
    let mut list: Vec<&Found<'_>> = Vec::new();
    for one in all.iter().rev() {
        let next = list.last().map(|next| next.whole.start());
        let behind = &text[one.whole.end()..next.unwrap_or(text.len())];
        let pattern = if next.is_some() { &BETWEEN } else { &BEHIND };
        if !one.may || !fits(pattern, behind) {
            break;
        }
        list.push(one);
    }
    list.reverse();
    list
}

fn found_in<'t>(text: &str, ticket: &Captures<'t>) -> Option<Found<'t>> {
    let whole = ticket.get(0)?;
    let group = |at: usize| ticket.get(at).map(|part| part.as_str());
    let before = &text[..whole.start()];
    let fits = |regex: &LazyLock<Option<Regex>>| {
        regex.as_ref().is_some_and(|regex| regex.is_match(before))
    };
    let (address, word) = (group(1).is_some(), group(4));
    let bug = word.is_some_and(|word| word.eq_ignore_ascii_case("bug"));
    let sign = group(7).is_some_and(|sign| !sign.is_empty());
    let several = group(5).is_some_and(|s| !s.is_empty());
    // «two issues 3 days ago» names no ticket.
    if word.is_some() && !bug && !sign && several {
        return None;
    }
    let number = [2, 3, 8, 9].into_iter().find_map(group).unwrap_or_default();
    // `&#8217;` is a character, and nothing has the number 0.
    let reference = word.is_none() && !address && before.ends_with('&');
    let zero = number.bytes().all(|digit| digit == b'0');
    let colour = word.is_none() && matches!(number.len(), 3 | 6) && fits(&COLOUR);
    let bugzilla = bug || group(3).is_some() || number.len() == 6;
    let begins = before.trim().is_empty() && text[whole.end()..].starts_with([':', ',', ')']);
    let marked = address || bug || (word.is_some() && sign);
    let said = marked || before.ends_with(": ") || fits(&BEFORE) || begins;
    let odd = match () {
        () if address => Some(Odd::Address),
        () if bug && sign => Some(Odd::BugSign),
        () if !bug && number.len() == 6 => Some(Odd::Bugzilla),
        () if word.is_some() && !bug && !sign => Some(Odd::NoSign),
        () => None,
    };
    Some(Found {
        whole,
        name: match bugzilla {
            true => format!("bug {number}"),
            false => format!("#{number}"),
        },
        said,
        may: !reference && !zero && !colour,
        odd,
    })
}
