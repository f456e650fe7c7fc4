//! References to an issue: in the trailer `Issue`, and in the text of a pull request.

use reqwest::Url;

use super::Key;
use super::markdown::visible;

/// The longest reference, in bytes.
const LONGEST: usize = 300;
/// The most references of one text that are read.
const MOST: usize = 100;
/// The most mentions of one text that are compared.
const MOST_MENTIONED: usize = 1_000;
/// Words before the number of an issue or a bug.
const NUMBERED: [&str; 4] = ["issue", "bug", "gh", "ticket"];
/// What makes a forge close an issue (GitHub, «Linking a pull request to an issue»; Gitea's are among
/// them).
const CLOSING: [&str; 9] = [
    "close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved",
];

/// What is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `#12`: an issue of the same repository.
    Number(u64),
    /// `owner/name#12`.
    Of {
        /// `owner/name`.
        repo: String,
        /// The number.
        number: u64,
    },
    /// The page of an issue or pull request.
    Page {
        /// The whole address, as written.
        text: String,
        /// The host, with its port if it has one.
        host: String,
        /// `owner/name`.
        repo: String,
        /// The number.
        number: u64,
    },
    /// Something else, perhaps a ticket of another tracker.
    Other(String),
}

/// Where a reference leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leads {
    /// To this issue of the repository.
    Here(u64),
    /// To another repository.
    Elsewhere,
    /// To no repository at all.
    Nowhere,
}

/// The repository that is judged.
#[derive(Debug, Clone, Copy)]
pub struct Home<'a> {
    /// `owner/name`.
    pub repo: &'a str,
    /// The host of its page, if that is known.
    pub host: Option<&'a str>,
}

impl Reference {
    /// Reads the value of the trailer. Nearly anything may be a ticket.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= LONGEST;
        if !fits || text.chars().any(super::person::is_hidden) {
            return None;
        }
        if let Some(found) = Self::exact(text) {
            return Some(found);
        }
        // What begins like one of ours and is none is a slip, not a ticket.
        let slip = text.starts_with('#') || text.contains("://") || text.contains(',');
        let some = text.chars().any(char::is_alphanumeric);
        (some && !slip).then(|| Self::Other(text.to_owned()))
    }

    /// Reads what is a reference to an issue as a whole, and nothing else.
    pub fn exact(text: &str) -> Option<Self> {
        if let Some(number) = text.strip_prefix('#').and_then(number) {
            return Some(Self::Number(number));
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            return Self::page(text);
        }
        let (repo, rest) = text.split_once('#')?;
        let number = number(rest)?;
        is_repo(repo).then(|| Self::Of {
            repo: repo.to_owned(),
            number,
        })
    }

    /// `https://HOST/OWNER/NAME/issues/NUMBER`, or the same with `pull` or `pulls`, perhaps below a path.
    fn page(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let host = host(&url)?;
        let path = url.path().trim_matches('/');
        let mut parts = path.rsplit('/');
        let number = number(parts.next()?)?;
        let kind = parts.next()?;
        let (name, owner) = (parts.next()?, parts.next()?);
        let repo = format!("{owner}/{name}");
        let known = matches!(kind, "issues" | "pull" | "pulls");
        (known && is_repo(&repo)).then(|| Self::Page {
            text: text.to_owned(),
            host,
            repo,
            number,
        })
    }

    /// Where it leads from a repository.
    pub fn leads(&self, home: Home<'_>) -> Leads {
        let here = |repo: &str| repo.eq_ignore_ascii_case(home.repo);
        match self {
            Self::Number(number) => Leads::Here(*number),
            Self::Of { repo, number } if here(repo) => Leads::Here(*number),
            Self::Page {
                host, repo, number, ..
            } if here(repo)
                && home
                    .host
                    .is_some_and(|known| known.eq_ignore_ascii_case(host)) =>
            {
                Leads::Here(*number)
            }
            Self::Of { .. } | Self::Page { .. } => Leads::Elsewhere,
            Self::Other(_) => Leads::Nowhere,
        }
    }

    /// It, as written.
    pub fn text(&self) -> String {
        match self {
            Self::Number(number) => format!("#{number}"),
            Self::Of { repo, number } => format!("{repo}#{number}"),
            Self::Page { text, .. } | Self::Other(text) => text.clone(),
        }
    }
}

/// The issues that the text of a pull request names: by a line `Issue: …`, or behind a word that makes the
/// forge close them (`Fixes #12`).
pub fn named_in(text: &str) -> Vec<Reference> {
    let text = visible(text);
    let mut found = Vec::new();
    for line in text.lines() {
        let own = line.split_once(':').filter(|(key, _)| {
            let key = key.trim().trim_matches('*');
            key.eq_ignore_ascii_case(Key::Issue.name())
        });
        match own {
            Some((_, rest)) => {
                let rest = rest.trim().trim_start_matches('*').trim();
                found.extend(Reference::parse(rest));
            }
            None => {
                let words: Vec<&str> = line.split_whitespace().collect();
                found.extend(words.windows(2).filter_map(closes));
            }
        }
        if found.len() > MOST {
            break;
        }
    }
    found
}

fn closes(pair: &[&str]) -> Option<Reference> {
    let [word, what] = pair else { return None };
    let word = word.trim_start_matches(['(', '*', '-']);
    let word = word.strip_suffix(':').unwrap_or(word);
    let closing = CLOSING.iter().any(|one| one.eq_ignore_ascii_case(word));
    let what = what.trim_end_matches(['.', ',', ';', ')', '!']);
    closing.then(|| Reference::exact(what)).flatten()
}

/// The issue that a ticket is the number of: `12`, `#12`, `issue-12`, `GH-12`. `bug-12` is of another
/// tracker.
pub fn number_of_ticket(ticket: &str) -> Option<u64> {
    let start = ticket.trim_end_matches(|c: char| c.is_ascii_digit());
    let word = start.trim_end_matches(['#', '-', '_']).to_ascii_lowercase();
    let known = matches!(word.as_str(), "" | "issue" | "gh");
    spelled(ticket).filter(|_| known)
}

/// What a text may name by a number, beside what it declares: every reference, and `GH-12`, `bug 12`,
/// `Issue #12`. Each as written, for comparing: nobody has said what it is named for.
pub fn mentioned_in(text: &str) -> Vec<(String, Reference)> {
    let trimmed = |word: &'_ str| {
        let word = word.trim_start_matches(['(', '[', '{', '<', '"', '\'', '*', '`']);
        let end = |c: char| c.is_ascii_punctuation() && !matches!(c, '/' | '#');
        word.trim_end_matches(end).to_owned()
    };
    let words: Vec<String> = text.split_whitespace().map(trimmed).collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if let Some(reference) = Reference::exact(word) {
            found.push((word.clone(), reference));
        } else if let Some(number) = spelled(word).filter(|_| !is_digits(word)) {
            found.push((word.clone(), Reference::Number(number)));
        } else if let Some(next) = words.get(at + 1)
            && is_digits(next.trim_start_matches('#'))
            && word.chars().all(|c| c.is_ascii_alphabetic())
        {
            let both = format!("{word} {next}");
            found.extend(spelled(&both).map(|number| (both, Reference::Number(number))));
        }
        if found.len() > MOST_MENTIONED {
            break;
        }
    }
    found
}

/// The number that a ticket is, behind no word or one that stands before numbers: `12`, `#12`, `bug 12`.
pub fn spelled(ticket: &str) -> Option<u64> {
    let start = ticket.trim_end_matches(|c: char| c.is_ascii_digit());
    let word = start.trim_end_matches(['#', '-', '_', ' ', ':']);
    let known = word.is_empty() || NUMBERED.iter().any(|one| one.eq_ignore_ascii_case(word));
    let number = ticket[start.len()..].parse().ok();
    number.filter(|number| known && *number > 0)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The host of an address, with its port if that is not the usual one.
pub fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// A number as forges count: from 1, without a sign and without zeros before it.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

fn is_repo(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    text.split_once('/')
        .is_some_and(|(owner, name)| plain(owner) && plain(name))
}
