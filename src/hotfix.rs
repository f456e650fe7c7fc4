//! What a hotfix is by name: its branch, its ticket, the commit it is built from. Pure, and no
//! value of these types can be a wrong one. The tag of its image is in [`tag`].

pub mod fold;
pub mod pattern;
mod prefixes;
pub mod tag;
pub mod template;
pub mod version;

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

use prefixes::Taken;
pub use prefixes::{Prefixes, WrongPrefix};

/// Why a name is no hotfix branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotHotfix {
    /// It does not begin with a prefix of the policy, in exactly that spelling, and matches no pattern.
    Elsewhere,
    /// Nothing follows the prefix.
    EmptyRest,
    /// git does not allow such a name (git-check-ref-format), so no repository can hold it.
    NotABranch,
}

/// A branch that the process calls a hotfix branch: a prefix of the policy and a rest (A12, A13), or a
/// name that a pattern of the policy matches as a whole (B07).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotfixBranch {
    name: String,
    prefix: usize,
    pattern: Option<String>,
}

impl HotfixBranch {
    /// Reads a branch name, without `refs/heads/`. Case and separators count: the real branches
    /// `hotfix_somu` and `2.8.2-Hotfix` are none.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(name: &str, prefixes: &Prefixes) -> Result<Self, NotHotfix> {
        let (prefix, pattern) = match prefixes.taken(name)? {
            Taken::Beginning(length) => (length, None),
            Taken::Whole(pattern) => (0, Some(pattern.as_str().to_owned())),
        };
        if !is_git_branch(name) {
            return Err(NotHotfix::NotABranch);
        }
        Ok(Self {
            name: name.to_owned(),
            prefix,
            pattern,
        })
    }

    /// The whole name, such as `hotfix/HOCS-1234`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The prefix it begins with, such as `hotfix/`; empty if it is one by a pattern.
    pub fn prefix(&self) -> &str {
        &self.name[..self.prefix]
    }

    /// What follows the prefix, such as `HOCS-1234`; the whole name if it is one by a pattern. Never
    /// empty.
    pub fn rest(&self) -> &str {
        &self.name[self.prefix..]
    }

    /// By what it is one, in prose: `` begins with `hotfix/` ``.
    pub fn by(&self) -> String {
        match &self.pattern {
            Some(pattern) => format!("matches `{pattern}`"),
            None => format!("begins with `{}`", self.prefix()),
        }
    }
}

impl fmt::Display for HotfixBranch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Whether git can hold a branch of that name.
fn is_git_branch(name: &str) -> bool {
    // libgit2 takes a C string; an inner NUL would not even reach its check.
    !name.contains('\0') && git2::Reference::is_valid_name(&format!("refs/heads/{name}"))
}

/// Whether a person who wrote this branch name probably meant a hotfix branch (process.md §3.5 has
/// the real ones: `hotfix_somu`, `2.8.2-Hotfix`, `HOCS-6550-Hotfix`).
pub fn looks_like_hotfix(branch: &str) -> bool {
    branch.to_ascii_lowercase().contains("hotfix")
}

/// The most tickets of one text that are looked at.
const MOST_TICKETS: usize = 1_000;

/// What a ticket looks like (`policy.ticket`).
#[derive(Debug, Clone, Default)]
pub struct TicketPattern(Option<Regex>);

impl TicketPattern {
    /// `HOCS-1234`, `HOCS_4724`, `HOCS4701`: the forms of process.md A08.
    pub const DEFAULT: &'static str = "[A-Z][A-Z0-9]+[-_]?[0-9]+";

    /// Compiles a pattern that matches the whole of a ticket and nothing around it. If it has a group
    /// `(?P<ticket>…)`, that is the ticket's name, as `1234` in `(?:bug |#)(?P<ticket>[0-9]+)`.
    ///
    /// # Errors
    /// What the pattern language says against it.
    pub fn new(pattern: &str) -> Result<Self, String> {
        within_words(pattern).map(|regex| Self(Some(regex)))
    }

    /// The first ticket in a text.
    pub fn find(&self, text: &str) -> Option<Ticket> {
        self.all(text).into_iter().next()
    }

    /// The same pattern for tickets that people have written in another case.
    #[must_use]
    pub fn in_any_case(&self) -> Self {
        let regex = self.regex();
        let any = regex.and_then(|regex| compile(&format!("(?i){}", regex.as_str())).ok());
        Self(any.or_else(|| regex.cloned()))
    }

    /// Whether a policy says what a ticket looks like.
    pub const fn is_written(&self) -> bool {
        self.0.is_some()
    }

    /// Every ticket in a text, in that order.
    pub fn all(&self, text: &str) -> Vec<Ticket> {
        let Some(regex) = self.regex() else {
            return Vec::new();
        };
        let found = regex.captures_iter(text).take(MOST_TICKETS);
        found.filter_map(|found| Ticket::of(&found)).collect()
    }

    /// The ticket that a text is, as a whole.
    pub fn whole(&self, text: &str) -> Option<Ticket> {
        let found = self.regex()?.captures(text)?;
        let all = found.get(1)?;
        let whole = all.start() == 0 && all.end() == text.len();
        whole.then(|| Ticket::of(&found)).flatten()
    }

    fn regex(&self) -> Option<&Regex> {
        // Compiled where it is used: a promotion has no use for it, and it costs more than all else
        // that happens before the verdict.
        static DEFAULT: LazyLock<Option<Regex>> =
            LazyLock::new(|| within_words(TicketPattern::DEFAULT).ok());
        self.0.as_ref().or(DEFAULT.as_ref())
    }
}

/// A ticket begins where a word begins, so that the `2` of `v2` does not make one.
fn within_words(pattern: &str) -> Result<Regex, String> {
    compile(&format!("(?:^|[^A-Za-z0-9])({pattern})"))
}

/// A ticket's name, found by a [`TicketPattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket(String);

impl Ticket {
    fn of(found: &regex::Captures<'_>) -> Option<Self> {
        let name = found.name("ticket").or_else(|| found.get(1))?.as_str();
        (!name.is_empty()).then(|| Self(name.to_owned()))
    }

    /// Whether two names are of one ticket: they are the same without regard to case, or the same
    /// number in two spellings (`#1234`, `issue #1234`).
    pub fn is(&self, other: &str) -> bool {
        let number = |text: &str| -> String {
            let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
            digits.trim_start_matches('0').to_owned()
        };
        let letters = |text: &str| text.bytes().any(|b| b.is_ascii_uppercase());
        let (mine, its) = (number(&self.0), number(other));
        let plain = !letters(&self.0) && !letters(other) && !mine.is_empty();
        self.0.eq_ignore_ascii_case(other) || (plain && mine == its)
    }

    /// A ticket that another pattern has found; `None` of an empty text.
    pub fn of_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The name, such as `HOCS-1234`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The full id of a git commit: 40 hexadecimal digits, or 64 in a SHA-256 repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(String);

impl CommitId {
    /// Reads an id.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (hex && matches!(text.len(), 40 | 64)).then(|| Self(text.to_owned()))
    }

    /// The id that these 20 bytes are.
    pub fn from_sha1(bytes: &[u8; 20]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |half: u8| char::from(DIGITS[usize::from(half & 15)]);
        Self(
            bytes
                .iter()
                .flat_map(|b| [digit(b >> 4), digit(*b)])
                .collect(),
        )
    }

    /// All digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits, as git shows them.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

/// Compiles a pattern of a policy, with a bound on what it may cost.
///
/// # Errors
/// What the pattern language says against it, on one line.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    regex::RegexBuilder::new(pattern)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            text.lines()
                .last()
                .unwrap_or("not a pattern")
                .trim()
                .trim_start_matches("error: ")
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn branch(name: &str) -> Result<String, NotHotfix> {
        HotfixBranch::parse(name, &Prefixes::default()).map(|b| b.rest().to_owned())
    }

    #[test]
    fn only_the_exact_prefix_makes_a_hotfix_branch() {
        assert_eq!(branch("hotfix/HOCS-1234"), Ok("HOCS-1234".to_owned()));
        assert_eq!(branch("hotfix/a/b"), Ok("a/b".to_owned()));
        for name in [
            "hotfix_somu",
            "Hotfix/x",
            "2.8.2-Hotfix",
            "hotfix",
            "main",
            "",
        ] {
            assert_eq!(branch(name), Err(NotHotfix::Elsewhere), "{name}");
        }
        assert_eq!(branch("hotfix/"), Err(NotHotfix::EmptyRest));
        for name in [
            "hotfix/a..b",
            "hotfix/a b",
            "hotfix/a.lock",
            "hotfix/x/",
            "hotfix/\u{7}",
            "hotfix/\0",
        ] {
            assert_eq!(branch(name), Err(NotHotfix::NotABranch), "{name:?}");
        }
    }

    #[test]
    fn the_longest_prefix_counts() {
        let prefixes = Prefixes::new(vec!["fix/".to_owned(), "fix/hot/".to_owned()]).unwrap();
        let branch = HotfixBranch::parse("fix/hot/a", &prefixes).unwrap();
        assert_eq!((branch.prefix(), branch.rest()), ("fix/hot/", "a"));
        assert_eq!(
            HotfixBranch::parse("fix/hot/", &prefixes),
            Err(NotHotfix::EmptyRest)
        );
        for (text, pattern) in [("", false), ("a..b", false), ("^train", true)] {
            let wrong = Prefixes::new(vec![text.to_owned()]).unwrap_err();
            assert_eq!((wrong.text.as_str(), wrong.why.is_some()), (text, pattern));
        }
    }

    #[test]
    fn a_pattern_stands_beside_prefixes() {
        let texts = ["train-", r"^train-\d{4}\.\d\d\.\d\d$", r"^train-$"];
        let of = |which: &[usize]| {
            Prefixes::new(which.iter().map(|at| texts[*at].to_owned()).collect()).unwrap()
        };
        let train = "train-2012.04.27";
        let branch = HotfixBranch::parse(train, &of(&[1])).unwrap();
        assert_eq!((branch.prefix(), branch.rest()), ("", train));
        assert_eq!(branch.by(), format!("matches `{}`", texts[1]));
        // A beginning that matches wins, and a pattern mends what has no rest.
        let branch = HotfixBranch::parse(train, &of(&[1, 0])).unwrap();
        assert_eq!((branch.prefix(), branch.rest()), ("train-", "2012.04.27"));
        assert_eq!(
            HotfixBranch::parse("train-", &of(&[0, 1])),
            Err(NotHotfix::EmptyRest)
        );
        assert!(HotfixBranch::parse("train-", &of(&[0, 2])).is_ok());
        for name in [
            "train-2012.04.2",
            "Train-2012.04.27",
            "train-2012.04.27\n",
            "",
        ] {
            assert_eq!(
                HotfixBranch::parse(name, &of(&[1])),
                Err(NotHotfix::Elsewhere),
                "{name}"
            );
        }
        assert!(of(&[1]).nearly("Train-2012.4.27") && !of(&[1]).nearly("main"));
        assert_eq!(of(&[0]).ask("s"), "begins with `train-`");
        assert_eq!(of(&[2]).ask(""), "match `^train-$`");
        assert_eq!(
            of(&[0, 2]).ask("s"),
            "begins with `train-` or matches `^train-$`"
        );
    }

    #[track_caller]
    fn ticket(text: &str, expected: Option<&str>) {
        let pattern = TicketPattern::default();
        assert_eq!(
            pattern.find(text).as_ref().map(Ticket::as_str),
            expected,
            "{text}"
        );
    }

    #[test]
    fn tickets_as_real_branches_write_them() {
        ticket("HOCS-4712-UserKeycloak", Some("HOCS-4712"));
        ticket("0.9.47-HOCS_4724-HOCS_4717", Some("HOCS_4724"));
        ticket("HOCS4701-fix", Some("HOCS4701"));
        ticket("SomuSpeedImprovementTest", None);
        ticket("4495_fix", None);
        ticket("", None);
    }

    #[test]
    fn tickets_of_other_houses() {
        let pattern = TicketPattern::new("#[0-9]+|bug [0-9]+").unwrap();
        let all = |text: &str| -> Vec<String> {
            let all = pattern.all(text).into_iter();
            all.map(|ticket| ticket.as_str().to_owned()).collect()
        };
        assert_eq!(all("issue #1, #22 and bug 333"), ["#1", "#22", "bug 333"]);
        assert_eq!(all("##"), [""; 0]);
        assert!(pattern.whole("bug 333").is_some());
        for text in ["bug 333 ", " #1", "#1, #2", "#1x", ""] {
            assert!(pattern.whole(text).is_none(), "{text}");
        }
        let named = TicketPattern::new("(?:bug |#)(?P<ticket>[0-9]+)").unwrap();
        assert_eq!(named.find("x #12").unwrap().as_str(), "12");
        assert_eq!(named.whole("bug 12").unwrap().as_str(), "12");
        let is = |one: &str, other: &str| Ticket(one.to_owned()).is(other);
        assert!(is("#12", "issue #012") && is("bug 12", "#12") && is("HOCS-1", "hocs-1"));
        assert!(!is("#12", "#123") && !is("HOCS-1", "INFO-1") && !is("", "#1"));
    }

    #[test]
    fn commit_ids_are_whole() {
        assert!(CommitId::parse(&"a".repeat(40)).is_some());
        assert!(CommitId::parse(&"0".repeat(64)).is_some());
        for text in ["", "abc", &"A".repeat(40), &"g".repeat(40), &"a".repeat(41)] {
            assert_eq!(CommitId::parse(text), None);
        }
    }
}
