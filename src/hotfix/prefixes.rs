//! What makes a branch a hotfix branch: the beginning of its name, or a pattern for all of it
//! (`policy.prefix`; A12, B07).

use super::pattern::BranchPattern;
use super::{NotHotfix, is_git_branch};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Prefix {
    /// The name begins with this and goes on.
    Plain(String),
    /// The name as a whole looks like this.
    Pattern(BranchPattern),
}

/// The beginnings and patterns that make a branch a hotfix branch (`policy.prefix`, default `hotfix/`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefixes(Vec<Prefix>);

/// What a policy may not name as a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongPrefix {
    /// As it is written.
    pub text: String,
    /// What is wrong with it, of a pattern.
    pub why: Option<String>,
}

/// How a name is a hotfix branch's.
pub(super) enum Taken<'a> {
    /// By the beginning, of this length.
    Beginning(usize),
    /// By a pattern.
    Whole(&'a BranchPattern),
}

impl Prefixes {
    /// Takes prefixes as a policy writes them. What begins with `^` is a pattern: no branch can begin
    /// so.
    ///
    /// # Errors
    /// The first one that is empty, that no branch name can begin with, or that is no sound pattern.
    pub fn new(prefixes: Vec<String>) -> Result<Self, WrongPrefix> {
        let read = prefixes.into_iter().map(|text| {
            if text.starts_with('^') {
                return match BranchPattern::new(&text) {
                    Ok(pattern) => Ok(Prefix::Pattern(pattern)),
                    Err(why) => Err(WrongPrefix {
                        text,
                        why: Some(why),
                    }),
                };
            }
            if text.is_empty() || !is_git_branch(&format!("{text}x")) {
                return Err(WrongPrefix { text, why: None });
            }
            Ok(Prefix::Plain(text))
        });
        read.collect::<Result<Vec<Prefix>, WrongPrefix>>().map(Self)
    }

    /// The same, and branches of this pattern too.
    #[must_use]
    pub fn and(mut self, pattern: BranchPattern) -> Self {
        self.0.push(Prefix::Pattern(pattern));
        self
    }

    /// All of them, as written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|prefix| match prefix {
            Prefix::Plain(text) => text.as_str(),
            Prefix::Pattern(pattern) => pattern.as_str(),
        })
    }

    /// Those that are beginnings.
    pub fn plain(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|prefix| match prefix {
            Prefix::Plain(text) => Some(text.as_str()),
            Prefix::Pattern(_) => None,
        })
    }

    /// Those that are patterns.
    pub fn patterns(&self) -> impl Iterator<Item = &BranchPattern> {
        self.0.iter().filter_map(|prefix| match prefix {
            Prefix::Plain(_) => None,
            Prefix::Pattern(pattern) => Some(pattern),
        })
    }

    /// Whether a name is a hotfix branch's by its spelling alone, or would be if it went on.
    pub fn take(&self, name: &str) -> bool {
        self.plain().any(|plain| name.starts_with(plain))
            || self.patterns().any(|pattern| pattern.is_match(name))
    }

    /// How a name is a hotfix branch's. The longest beginning counts; a pattern counts where no
    /// beginning does.
    pub(super) fn taken(&self, name: &str) -> Result<Taken<'_>, NotHotfix> {
        let longest = self.plain().filter(|plain| name.starts_with(plain));
        let longest = longest.map(str::len).max();
        if let Some(length) = longest.filter(|length| *length < name.len()) {
            return Ok(Taken::Beginning(length));
        }
        match self.patterns().find(|pattern| pattern.is_match(name)) {
            Some(pattern) => Ok(Taken::Whole(pattern)),
            None if longest.is_some() => Err(NotHotfix::EmptyRest),
            None => Err(NotHotfix::Elsewhere),
        }
    }

    /// A hotfix branch of a pattern that a text names, wherever in the text it stands.
    pub fn mentioned<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.patterns().find_map(|pattern| pattern.mentioned(text))
    }

    /// Whether a name that is no hotfix branch's was probably meant to be: it begins like one of a
    /// pattern, in any case.
    pub fn nearly(&self, name: &str) -> bool {
        self.patterns().any(|pattern| {
            let literal = pattern.literal();
            let start = name.get(..literal.len());
            !literal.is_empty() && start.is_some_and(|start| start.eq_ignore_ascii_case(literal))
        })
    }

    /// Names of hotfix branches, with and without a further `/` where both can be.
    pub fn examples(&self) -> Vec<String> {
        let one = |prefix: &Prefix| match prefix {
            Prefix::Plain(text) => vec![format!("{text}x"), format!("{text}x/x")],
            Prefix::Pattern(pattern) => pattern.examples().to_vec(),
        };
        self.0.iter().flat_map(one).collect()
    }

    /// The prefixes in prose: `` `hotfix/` or `fix/` ``.
    pub fn describe(&self) -> String {
        list(self.iter())
    }

    /// What a name must do, in prose: `` begin with `hotfix/` or match `^train-\d+$` ``. `s` is the
    /// ending of the verbs.
    pub fn ask(&self, s: &str) -> String {
        let plain = list(self.plain());
        let patterns = list(self.patterns().map(BranchPattern::as_str));
        let e = if s.is_empty() { "" } else { "e" };
        match (plain.is_empty(), patterns.is_empty()) {
            (_, true) => format!("begin{s} with {plain}"),
            (true, false) => format!("match{e}{s} {patterns}"),
            (false, false) => format!("begin{s} with {plain} or match{e}{s} {patterns}"),
        }
    }
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.map(|text| format!("`{text}`")).collect();
    quoted.join(" or ")
}

impl Default for Prefixes {
    fn default() -> Self {
        Self(vec![Prefix::Plain("hotfix/".to_owned())])
    }
}
