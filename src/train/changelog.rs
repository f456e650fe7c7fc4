//! The change log of a train: headings, and below them the entries of hotfixes.

use super::entry::{self, Entry, Item};

/// The most lines that are read. The real one had 1,200.
const MOST_LINES: usize = 200_000;
/// The most lines that one entry goes on for, and the longest it gets.
const MOST_WRAPPED: usize = 20;
const LONGEST_ENTRY: usize = 4_000;

/// What is irregular about a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OddHeading {
    /// No colon.
    NoColon,
    /// A colon before «(in progress)».
    ColonBefore,
    /// «current train» instead of the train's name.
    Current,
    /// It names the train and is in no form of a heading.
    Form,
}

impl OddHeading {
    /// What it is, for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::NoColon => "it has no colon",
            Self::ColonBefore => "its colon stands before «(in progress)»",
            Self::Current => "it says «current train» instead of the train's name",
            Self::Form => "it is not in the form of a heading",
        }
    }
}

/// A heading, and what stands below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its line, counted from 1.
    pub line: usize,
    /// The heading as it is written.
    pub heading: String,
    /// The name in it, such as `train-2012.04.27`; of «current train» that.
    pub name: String,
    /// What is irregular about it.
    pub odd: Vec<OddHeading>,
    /// The hotfixes below it.
    pub entries: Vec<Entry>,
}

/// A change log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeLog {
    /// Its headings, the newest train first.
    pub blocks: Vec<Block>,
    /// Entries that stand above the first heading.
    pub loose: Vec<Entry>,
    /// Whether lines were left out because there are too many.
    pub cut: bool,
}

/// Where the entries of one train stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Below<'a> {
    /// Below its own heading.
    Own(&'a Block),
    /// Below «current train», the first heading.
    Current(&'a Block),
    /// Below a heading of the same day a year earlier: the year is wrong.
    WrongYear(&'a Block),
    /// There is no heading for it.
    Nowhere,
}

impl<'a> Below<'a> {
    /// The block.
    pub const fn block(&self) -> Option<&'a Block> {
        match self {
            Self::Own(block) | Self::Current(block) | Self::WrongYear(block) => Some(block),
            Self::Nowhere => None,
        }
    }
}

impl ChangeLog {
    /// Reads a change log. `is_train` knows the names of trains; `named` are names that make a heading
    /// of a line even if it is in no form of one.
    pub fn parse(text: &str, is_train: &dyn Fn(&str) -> bool, named: &[&str]) -> Self {
        let mut log = Self::default();
        let mut item: Option<Item<'_>> = None;
        let mut count = 0;
        for (at, raw) in text.lines().enumerate() {
            if at >= MOST_LINES {
                log.cut = true;
                break;
            }
            let raw = raw.trim_end();
            let inner = raw.trim_start();
            if let Some((rest, starred)) = bullet(inner) {
                log.add(item.take());
                count = 0;
                item = Some(Item {
                    number: at + 1,
                    raw,
                    text: shortened(rest),
                    wrapped: false,
                    starred,
                });
            } else if inner.is_empty() {
                log.add(item.take());
            } else if let Some(block) = (inner.len() == raw.len())
                .then(|| heading(raw, at + 1, is_train, named))
                .flatten()
            {
                log.add(item.take());
                log.blocks.push(block);
            } else if let Some(open) = &mut item
                && count < MOST_WRAPPED
                && open.text.len() + inner.len() < LONGEST_ENTRY
            {
                count += 1;
                open.wrapped = true;
                open.text.push(' ');
                open.text.push_str(inner);
            }
        }
        log.add(item);
        log
    }

    fn add(&mut self, item: Option<Item<'_>>) {
        let Some(entry) = item.as_ref().and_then(entry::read) else {
            return;
        };
        match self.blocks.last_mut() {
            Some(block) => block.entries.push(entry),
            None => self.loose.push(entry),
        }
    }

    /// The headings of a train that stand in its own form.
    pub fn own(&self, branch: &str) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(move |block| block.name == branch)
    }

    /// Where the entries of a train stand; `branch` is its branch, such as `train-2012.04.27`.
    pub fn below(&self, branch: &str) -> Below<'_> {
        if let Some(block) = self.blocks.iter().find(|block| block.name == branch) {
            return Below::Own(block);
        }
        if let Some(first) = self.blocks.first()
            && first.odd.contains(&OddHeading::Current)
        {
            return Below::Current(first);
        }
        let year_before = |block: &&Block| one_year_apart(&block.name, branch);
        match self.blocks.iter().find(year_before) {
            Some(block) => Below::WrongYear(block),
            None => Below::Nowhere,
        }
    }

    /// Every entry, with the heading above it.
    pub fn entries(&self) -> impl Iterator<Item = (Option<&Block>, &Entry)> {
        let loose = self.loose.iter().map(|entry| (None, entry));
        let below = self.blocks.iter();
        let below = below.flat_map(|block| block.entries.iter().map(move |e| (Some(block), e)));
        loose.chain(below)
    }
}

/// What follows the bullet of a line, and whether that is `* `. A mark of a hotfix needs none.
fn bullet(line: &str) -> Option<(&str, bool)> {
    let rest = line.strip_prefix(['*', '-', '+']);
    let blank = |rest: &&str| rest.starts_with(char::is_whitespace);
    match rest.filter(blank) {
        Some(rest) => Some((rest.trim_start(), line.starts_with('*'))),
        None => {
            let rest = rest.unwrap_or(line);
            entry::is_marked(rest).then_some((rest, false))
        }
    }
}

fn shortened(text: &str) -> String {
    let mut end = text.len().min(LONGEST_ENTRY);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

fn heading(
    raw: &str,
    line: usize,
    is_train: &dyn Fn(&str) -> bool,
    named: &[&str],
) -> Option<Block> {
    const PROGRESS: &str = "(in progress)";
    let mut rest = raw.trim_end();
    let mut odd = Vec::new();
    let colon = |rest: &mut &str| match rest.trim_end().strip_suffix(':') {
        Some(before) => {
            *rest = before.trim_end();
            true
        }
        None => false,
    };
    let mut colons = colon(&mut rest);
    if let Some(before) = rest.strip_suffix(PROGRESS) {
        rest = before.trim_end();
        if colon(&mut rest) {
            colons = true;
            odd.push(OddHeading::ColonBefore);
        }
    }
    if !colons {
        odd.push(OddHeading::NoColon);
    }
    let block = |name: &str, odd| Block {
        line,
        heading: raw.to_owned(),
        name: name.to_owned(),
        odd,
        entries: Vec::new(),
    };
    if matches!(
        rest.to_ascii_lowercase().as_str(),
        "current train" | "current-train"
    ) {
        odd.push(OddHeading::Current);
        return Some(block(rest, odd));
    }
    let date = rest.strip_prefix("train-");
    let digits =
        |date: &str| !date.is_empty() && date.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if is_train(rest) || date.is_some_and(digits) {
        return Some(block(rest, odd));
    }
    let name = named.iter().find(|name| mentions(raw, name))?;
    Some(block(name, vec![OddHeading::Form]))
}

/// Whether a line names something, its version or its branch, as a word.
fn mentions(line: &str, name: &str) -> bool {
    let version = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let word = |text: &str| {
        !text.is_empty()
            && line.match_indices(text).any(|(at, _)| {
                let alone = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric());
                alone(line[..at].chars().next_back())
                    && alone(line[at + text.len()..].chars().next())
            })
    };
    // A sentence that speaks of a train is no heading of it.
    line.split_whitespace().count() <= 4 && (word(name) || word(version))
}

/// Whether two names of trains differ by one year alone.
fn one_year_apart(name: &str, branch: &str) -> bool {
    let split = |text: &str| -> Option<(String, u32, String)> {
        let at = text.find(|c: char| c.is_ascii_digit())?;
        let year = text.get(at..at + 4)?.parse().ok()?;
        Some((text[..at].to_owned(), year, text[at + 4..].to_owned()))
    };
    match (split(name), split(branch)) {
        (Some((a, year, b)), Some((c, other, d))) => a == c && b == d && year.abs_diff(other) == 1,
        _ => false,
    }
}
