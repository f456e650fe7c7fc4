//! Branch names by a regular expression, such as `^train-\d{4}\.\d\d\.\d\d$` (B07): which names match,
//! and which image tags come of them.
//!
//! The expression is taken apart with the parser that the regular expressions themselves use, so what
//! is said here of the names it matches is said of what it means and not of how it is written.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{
    Class, ClassBytesRange, ClassUnicodeRange, Hir, HirKind, Look, Repetition,
};

use super::{compile, is_git_branch};

/// Names of branches that nobody means when they say «hotfix». A pattern that matches one of them
/// would make a hotfix of ordinary work, and close QA to ordinary releases.
const ORDINARY: [&str; 22] = [
    "main",
    "master",
    "dev",
    "develop",
    "development",
    "trunk",
    "default",
    "future",
    "next",
    "stable",
    "production",
    "staging",
    "HEAD",
    "release",
    "release/1.2",
    "release-1.2",
    "feature/x",
    "bugfix-1",
    "a",
    "1",
    "1.2.3",
    "v1.2.3",
];

/// The longest example of a name.
const LONGEST: usize = 300;
/// What the recogniser of one template may cost, in bytes. It ignores case, which makes it larger than
/// the pattern itself.
const LARGEST: usize = 8 << 20;

/// A regular expression for the whole name of a branch.
#[derive(Debug, Clone)]
pub struct BranchPattern {
    text: String,
    whole: Regex,
    mention: Regex,
    /// What stands between `^` and `$`, as it is in an image tag.
    tagged: String,
    literal: String,
    examples: Vec<String>,
}

impl PartialEq for BranchPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for BranchPattern {}

impl BranchPattern {
    /// Reads a pattern: `^`, an expression without further anchors and word boundaries, `$`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence without a subject.
    pub fn new(text: &str) -> Result<Self, String> {
        let whole = compile(text)?;
        let hir = regex_syntax::parse(text).map_err(|error| one_line(&error.to_string()))?;
        let inside = between_anchors(&hir).ok_or_else(|| {
            "it must begin with `^` and end with `$`, and what it says of the whole name must stand \
             between them, as in `^(?:a|b)$`"
                .to_owned()
        })?;
        if !inside.properties().look_set().is_empty() {
            return Err(
                "between `^` and `$` it can hold no further anchor and no word boundary".to_owned(),
            );
        }
        match inside.properties().minimum_len() {
            None => return Err("it matches no name at all".to_owned()),
            Some(0) => return Err("it matches the empty name".to_owned()),
            Some(_) => {}
        }
        if let Some(name) = ORDINARY.iter().find(|name| whole.is_match(name)) {
            return Err(format!("it matches `{name}` as well"));
        }
        let examples = examples(&inside, &whole);
        if examples.is_empty() {
            return Err("no branch name was found that git allows and that it matches".to_owned());
        }
        let mention = format!("(?s)(?:\\A|[^A-Za-z0-9])({inside})(?:[^A-Za-z0-9].*)?\\z");
        let pattern = Self {
            text: text.to_owned(),
            whole,
            mention: sized(&mention, false)?,
            tagged: with_underscores(&inside).to_string(),
            literal: literal(&inside),
            examples,
        };
        // Whether its tags can be known again is asked before anything depends on it.
        pattern.recogniser("branch-", "")?;
        Ok(pattern)
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches a name, all of it.
    pub fn is_match(&self, name: &str) -> bool {
        self.whole.is_match(name)
    }

    /// What the first pair of parentheses holds of a name that it matches.
    pub fn group<'a>(&self, name: &'a str) -> Option<&'a str> {
        Some(self.whole.captures(name)?.get(1)?.as_str())
    }

    /// How many pairs of parentheses it has that remember something.
    pub fn groups(&self) -> usize {
        self.whole.captures_len().saturating_sub(1)
    }

    /// A branch in a text: a name that the pattern matches, with no letter or digit right before or
    /// behind it.
    pub fn mentioned<'a>(&self, text: &'a str) -> Option<&'a str> {
        Some(self.mention.captures(text)?.get(1)?.as_str())
    }

    /// The literal beginning of every name; empty if there is none.
    pub fn literal(&self) -> &str {
        &self.literal
    }

    /// Names that it matches and git allows; at least one. If some have a `/` and some have none, both
    /// kinds are there as far as they were found.
    pub fn examples(&self) -> &[String] {
        &self.examples
    }

    /// Knows the tags that a template makes of the branches: `before` and `behind` are expressions for
    /// what it puts around the branch. Whatever follows behind a character that is neither letter nor
    /// digit belongs to it: `branch-train-2012.04.27-arm64` is the train's as well.
    ///
    /// # Errors
    /// If the expression becomes too large.
    pub fn recogniser(&self, before: &str, behind: &str) -> Result<Regex, String> {
        let text = format!(
            "(?s)\\A{before}(?:{}){behind}(?:[^A-Za-z0-9].*)?\\z",
            self.tagged
        );
        sized(&text, true)
    }
}

fn sized(text: &str, any_case: bool) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .size_limit(LARGEST)
        .case_insensitive(any_case)
        .build()
        .map_err(|error| one_line(&error.to_string()))
}

fn one_line(text: &str) -> String {
    let last = text.lines().last().unwrap_or("not a pattern");
    last.trim().trim_start_matches("error: ").to_owned()
}

/// What stands between the `^` and the `$` of an expression.
fn between_anchors(hir: &Hir) -> Option<Hir> {
    let HirKind::Concat(parts) = hir.kind() else {
        return None;
    };
    let [first, inside @ .., last] = parts.as_slice() else {
        return None;
    };
    let is = |part: &Hir, look| matches!(part.kind(), HirKind::Look(found) if *found == look);
    (is(first, Look::Start) && is(last, Look::End)).then(|| Hir::concat(inside.to_vec()))
}

/// The same expression for the names in which every `/` has become `_`.
fn with_underscores(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => {
            let bytes = literal.0.iter();
            let bytes = bytes.map(|byte| if *byte == b'/' { b'_' } else { *byte });
            Hir::literal(bytes.collect::<Vec<u8>>())
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            if class.iter().any(|r| (r.start()..=r.end()).contains(&'/')) {
                class.push(ClassUnicodeRange::new('_', '_'));
            }
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut class = class.clone();
            if class.iter().any(|r| (r.start()..=r.end()).contains(&b'/')) {
                class.push(ClassBytesRange::new(b'_', b'_'));
            }
            Hir::class(Class::Bytes(class))
        }
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(with_underscores(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => with_underscores(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(with_underscores).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(with_underscores).collect())
        }
    }
}

/// The literal text with which an expression begins.
fn literal(hir: &Hir) -> String {
    match hir.kind() {
        HirKind::Literal(literal) => String::from_utf8_lossy(&literal.0).into_owned(),
        HirKind::Capture(capture) => literal_of(&capture.sub),
        HirKind::Concat(parts) => parts.first().map(literal_of).unwrap_or_default(),
        _ => String::new(),
    }
}

fn literal_of(hir: &Hir) -> String {
    literal(hir)
}

/// How an example is made.
#[derive(Debug, Clone, Copy)]
struct Taste {
    /// Of two ways, the last one instead of the first.
    last: bool,
    /// What need not be there, is.
    all: bool,
    /// A slash, where one may stand.
    slash: bool,
}

/// A few names that an expression matches and that git allows.
fn examples(inside: &Hir, whole: &Regex) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for number in 0..8_u8 {
        let taste = Taste {
            last: number & 1 != 0,
            all: number & 2 != 0,
            slash: number & 4 != 0,
        };
        let mut name = String::new();
        let whole_name = write_example(inside, taste, &mut name).is_some();
        if whole_name && whole.is_match(&name) && is_git_branch(&name) && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Writes one name; `None` if it gets too long, or if there is none.
fn write_example(hir: &Hir, taste: Taste, name: &mut String) -> Option<()> {
    if name.len() > LONGEST {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => name.push_str(str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => name.push(pick(class)?),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX);
            let slash = taste.slash
                && most >= 3
                && repetition.min <= 3
                && matches!(repetition.sub.kind(), HirKind::Class(class) if holds(class, '/'));
            if slash {
                write_example(&repetition.sub, taste, name)?;
                name.push('/');
                return write_example(&repetition.sub, taste, name);
            }
            let least = if taste.all { 1 } else { 0 };
            for _ in 0..repetition.min.max(least).min(most) {
                write_example(&repetition.sub, taste, name)?;
            }
        }
        HirKind::Capture(capture) => write_example(&capture.sub, taste, name)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write_example(part, taste, name)?;
            }
        }
        HirKind::Alternation(parts) => {
            let part = if taste.last {
                parts.last()
            } else {
                parts.first()
            };
            write_example(part?, taste, name)?;
        }
    }
    Some(())
}

/// A character of a class that git takes in a name, if it has one.
fn pick(class: &Class) -> Option<char> {
    let plain = ['x', '1', 'X', '-', '_', '.', '+', '/', '#'];
    let first = || match class {
        Class::Unicode(class) => Some(class.iter().next()?.start()),
        Class::Bytes(class) => Some(char::from(class.iter().next()?.start())),
    };
    let letters = ('a'..='z').chain('A'..='Z').chain('0'..='9');
    let known = plain.into_iter().chain(letters).find(|c| holds(class, *c));
    known.or_else(first)
}

fn holds(class: &Class, c: char) -> bool {
    match class {
        Class::Unicode(class) => class.iter().any(|r| (r.start()..=r.end()).contains(&c)),
        Class::Bytes(class) => u8::try_from(c)
            .is_ok_and(|byte| class.iter().any(|r| (r.start()..=r.end()).contains(&byte))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRAIN: &str = r"^train-\d{4}\.\d\d\.\d\d$";

    #[track_caller]
    fn wrong(text: &str, word: &str) {
        let error = BranchPattern::new(text).unwrap_err();
        assert!(error.contains(word), "{text}: {error}");
    }

    #[test]
    fn a_pattern_is_of_the_whole_name_and_of_hotfixes_alone() {
        for text in [
            r"^train-",
            "^",
            "^$",
            r"^a|b$",
            r"^(?m)train$",
            r"train-\d$",
            r"^a$,^b$\d",
        ] {
            wrong(text, "it ");
        }
        wrong(r"^train-\d+", "`^` and end with `$`");
        wrong(r"^train$|^tram$", "between them");
        wrong(r"^train\b-x$", "word boundary");
        wrong(r"^a$,^b$", "no further anchor");
        wrong(r"^(?:train)?$", "the empty name");
        wrong(r"^train-[^\s\S]$", "no name at all");
        wrong(r"^.+$", "`main`");
        wrong(r"^(?i)MAIN-?\d*$", "`main`");
        wrong(r"^[^m].*$", "`dev");
        wrong(r"^[a-z]+/.*$", "`release/1.2`");
        wrong(r"^train \d$", "git allows");
        wrong(r"^train-(\d{4}$", "unclosed");
        wrong(r"^(?=a)train$", "look-around");
        wrong(&format!("^{}$", "[a-z]{900}".repeat(50)), "size limit");
        for text in [
            TRAIN,
            r"^train-(?:1|\d{4}\.\d{2}\.\d{2})(?:[-+].+)?$",
            r"^(?:train|tram)-\d+$",
            r"^\d{4}\.\d\d\.\d\d-hotfix.*$",
            r"^hotfix/.+$",
        ] {
            BranchPattern::new(text).unwrap();
        }
    }

    #[test]
    fn examples_match_with_and_without_a_slash() {
        let of = |text: &str| BranchPattern::new(text).unwrap().examples().to_vec();
        assert_eq!(of(TRAIN), ["train-1111.11.11"]);
        assert_eq!(of("^hotfix/.+$"), ["hotfix/x", "hotfix/x/x"]);
        assert_eq!(of("^(?:a/b|c)-x?$"), ["a/b-", "c-", "a/b-x", "c-x"]);
    }

    #[test]
    fn names_in_a_text_are_found() {
        let train = BranchPattern::new(TRAIN).unwrap();
        for text in [
            "train-2012.04.27",
            "refs/heads/train-2012.04.27",
            "https://git.example/a/b/tree/train-2012.04.27",
            "train-2012.04.27.",
            "(train-2012.04.27)",
            "origin/train-2012.04.27-arm64",
        ] {
            assert_eq!(train.mentioned(text), Some("train-2012.04.27"), "{text}");
        }
        for text in ["", "train-", "train-2012.04.271", "xtrain-2012.04.27"] {
            assert_eq!(train.mentioned(text), None, "{text}");
        }
    }
}
