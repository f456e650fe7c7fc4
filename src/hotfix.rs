//! What a hotfix is by name: its branch, its ticket, the commit it is built from. Pure, and no
//! value of these types can be a wrong one. The tag of its image is in [`tag`].

pub mod fold;
pub mod tag;
pub mod template;

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// The beginnings that make a branch a hotfix branch (`policy.prefix`, default `hotfix/`; A12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefixes(Vec<String>);

impl Prefixes {
    /// Takes prefixes as a policy writes them.
    ///
    /// # Errors
    /// The first one that is empty or that no branch name can begin with.
    pub fn new(prefixes: Vec<String>) -> Result<Self, String> {
        match prefixes
            .iter()
            .find(|p| p.is_empty() || !is_git_branch(&format!("{p}x")))
        {
            Some(wrong) => Err(wrong.clone()),
            None => Ok(Self(prefixes)),
        }
    }

    /// The prefixes, as written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The prefixes in prose: `` `hotfix/` or `fix/` ``.
    pub fn describe(&self) -> String {
        let quoted: Vec<String> = self.0.iter().map(|p| format!("`{p}`")).collect();
        quoted.join(" or ")
    }
}

impl Default for Prefixes {
    fn default() -> Self {
        Self(vec!["hotfix/".to_owned()])
    }
}

/// Why a name is no hotfix branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotHotfix {
    /// It does not begin with a prefix of the policy, in exactly that spelling.
    Elsewhere,
    /// Nothing follows the prefix.
    EmptyRest,
    /// git does not allow such a name (git-check-ref-format), so no repository can hold it.
    NotABranch,
}

/// A branch that the process calls a hotfix branch: a prefix of the policy and a rest (A12, A13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotfixBranch {
    name: String,
    prefix: usize,
}

impl HotfixBranch {
    /// Reads a branch name, without `refs/heads/`. Case and separators count: the real branches
    /// `hotfix_somu` and `2.8.2-Hotfix` are none.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(name: &str, prefixes: &Prefixes) -> Result<Self, NotHotfix> {
        let prefix = prefixes
            .iter()
            .filter(|p| name.starts_with(p))
            .map(str::len)
            .max()
            .ok_or(NotHotfix::Elsewhere)?;
        if name.len() == prefix {
            return Err(NotHotfix::EmptyRest);
        }
        if !is_git_branch(name) {
            return Err(NotHotfix::NotABranch);
        }
        Ok(Self {
            name: name.to_owned(),
            prefix,
        })
    }

    /// The whole name, such as `hotfix/HOCS-1234`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The prefix it begins with, such as `hotfix/`.
    pub fn prefix(&self) -> &str {
        &self.name[..self.prefix]
    }

    /// What follows the prefix, such as `HOCS-1234`. Never empty.
    pub fn rest(&self) -> &str {
        &self.name[self.prefix..]
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

/// What a ticket looks like (`policy.ticket`).
#[derive(Debug, Clone, Default)]
pub struct TicketPattern(Option<Regex>);

impl TicketPattern {
    /// `HOCS-1234`, `HOCS_4724`, `HOCS4701`: the forms of process.md A08.
    pub const DEFAULT: &'static str = "[A-Z][A-Z0-9]+[-_]?[0-9]+";

    /// Compiles a pattern that matches the whole of a ticket and nothing around it.
    ///
    /// # Errors
    /// What the pattern language says against it.
    pub fn new(pattern: &str) -> Result<Self, String> {
        within_words(pattern).map(|regex| Self(Some(regex)))
    }

    /// The first ticket in a text.
    pub fn find(&self, text: &str) -> Option<Ticket> {
        // Compiled where it is used: a promotion has no use for it, and it costs more than all else
        // that happens before the verdict.
        static DEFAULT: LazyLock<Option<Regex>> =
            LazyLock::new(|| within_words(TicketPattern::DEFAULT).ok());
        let regex = self.0.as_ref().or(DEFAULT.as_ref())?;
        let found = regex.captures(text)?.name("ticket")?;
        Some(Ticket(found.as_str().to_owned())).filter(|t| !t.0.is_empty())
    }
}

/// A ticket begins where a word begins, so that the `2` of `v2` does not make one.
fn within_words(pattern: &str) -> Result<Regex, String> {
    compile(&format!("(?:^|[^A-Za-z0-9])(?P<ticket>{pattern})"))
}

/// A ticket's name, found by a [`TicketPattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket(String);

impl Ticket {
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
        assert_eq!(Prefixes::new(vec![String::new()]), Err(String::new()));
        assert_eq!(
            Prefixes::new(vec!["^train".to_owned()]),
            Err("^train".to_owned())
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
    fn commit_ids_are_whole() {
        assert!(CommitId::parse(&"a".repeat(40)).is_some());
        assert!(CommitId::parse(&"0".repeat(64)).is_some());
        for text in ["", "abc", &"A".repeat(40), &"g".repeat(40), &"a".repeat(41)] {
            assert_eq!(CommitId::parse(text), None);
        }
    }
}
