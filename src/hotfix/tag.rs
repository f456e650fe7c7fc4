//! The image tag of a hotfix: how it is made from the branch, and how it is known again.
//!
//! The two must agree: every tag that a policy lets us publish is recognised as a hotfix's by the
//! same policy (A24–A29), or the gate before QA would be blind to our own work.

use regex::Regex;

use crate::glob::glob;

use super::pattern::BranchPattern;
use super::template::{Field, Part, Template, Values};
use super::version::TrainVersions;
use super::{HotfixBranch, Prefixes};

/// The longest tag that a registry takes (OCI distribution spec, "Pulling manifests").
pub const LONGEST: usize = 128;

/// The longest value of a Kubernetes label. Teams that write the version into a label, as HOCS did
/// (`version: {{.VERSION}}`), cannot deploy a longer tag.
pub const LONGEST_LABEL: usize = 63;

/// A tag that may be published: legal, not `latest`, no release version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageTag(String);

/// Why a text is no tag that we publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotATag {
    /// There is nothing.
    Empty,
    /// It holds characters that a tag cannot have, or begins with `.` or `-`.
    Illegal(Vec<char>),
    /// It is longer than 128 characters.
    TooLong(usize),
    /// It is `latest`, which is what everybody pulls (the near miss of process.md §3.2).
    Latest,
    /// It reads as a release version, and versions of releases are not ours to write (A29).
    Release,
}

impl ImageTag {
    /// Checks a tag.
    ///
    /// # Errors
    /// Why it may not be published.
    pub fn new(text: &str) -> Result<Self, NotATag> {
        let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let Some(first) = text.chars().next() else {
            return Err(NotATag::Empty);
        };
        let mut illegal: Vec<char> = text.chars().filter(|c| !legal(c)).collect();
        if matches!(first, '.' | '-') {
            illegal.insert(0, first);
        }
        if !illegal.is_empty() {
            let mut seen = Vec::new();
            illegal.retain(|c| {
                !seen.contains(c) && {
                    seen.push(*c);
                    true
                }
            });
            return Err(NotATag::Illegal(illegal));
        }
        if text.len() > LONGEST {
            return Err(NotATag::TooLong(text.len()));
        }
        if text.eq_ignore_ascii_case("latest") {
            return Err(NotATag::Latest);
        }
        if is_version(text) {
            return Err(NotATag::Release);
        }
        Ok(Self(text.to_owned()))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the tag also fits into a Kubernetes label, which must end in a letter or digit.
    pub fn fits_a_label(&self) -> bool {
        self.0.len() <= LONGEST_LABEL && self.0.ends_with(|c: char| c.is_ascii_alphanumeric())
    }
}

/// Whether a tag reads as a release: SemVer, with one leading `v` allowed, or the short forms `1`
/// and `1.2` that image builds add to it.
pub fn is_version(tag: &str) -> bool {
    let short = tag.strip_prefix('v').unwrap_or(tag);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    is_full_version(tag) || (short.split('.').count() <= 3 && short.split('.').all(digits))
}

/// Whether a tag is a whole version: SemVer's three numbers, with or without `v` before them. `418` is
/// none: a build's number looks like that.
pub fn is_full_version(tag: &str) -> bool {
    semver::Version::parse(tag.strip_prefix('v').unwrap_or(tag)).is_ok()
}

/// `policy.tag` and `policy.tags`: how tags are made from a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTemplate(Template);

impl TagTemplate {
    /// Reads a template. It must begin with text of its own and contain `{branch}`: only then can
    /// its tags be told from everything else in the repository.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let template = Template::parse(text)?;
        if !matches!(template.parts().first(), Some(Part::Literal(_))) {
            return Err("it must begin with literal text, such as `branch-`".to_owned());
        }
        if !template.has(Field::Branch) {
            return Err(
                "it must contain `{branch}`, or the tag could not be known as a hotfix's"
                    .to_owned(),
            );
        }
        for part in template.parts() {
            if let Part::Literal(literal) = part
                && let Err(NotATag::Illegal(wrong)) =
                    ImageTag::new(&format!("x{}", literal.replace('/', "_")))
            {
                return Err(format!("a tag cannot contain {}", list_chars(&wrong)));
            }
        }
        Ok(Self(template))
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether nothing but the branch changes what it makes.
    pub fn is_of_branch_alone(&self) -> bool {
        self.0
            .parts()
            .iter()
            .all(|part| matches!(part, Part::Literal(_) | Part::Field(Field::Branch)))
    }

    /// The text that a branch of any name makes of it, if the branch is all that it needs.
    pub fn of_branch(&self, branch: &str) -> Option<String> {
        self.0
            .parts()
            .iter()
            .map(|part| match part {
                Part::Literal(literal) => Some(literal.replace('/', "_")),
                Part::Field(Field::Branch) => Some(branch.replace('/', "_")),
                Part::Field(_) => None,
            })
            .collect()
    }

    /// Knows the tags that it makes of the branches of a pattern.
    fn recogniser(&self, pattern: &BranchPattern) -> Result<Regex, String> {
        let around = |parts: &[Part]| -> String {
            let part = |part: &Part| match part {
                Part::Literal(text) => regex::escape(&text.replace('/', "_")),
                // A branch that the template names twice is looked for once.
                Part::Field(_) => ".+".to_owned(),
            };
            parts.iter().map(part).collect()
        };
        let parts = self.0.parts();
        let at = parts
            .iter()
            .position(|part| *part == Part::Field(Field::Branch));
        let (before, behind) = parts.split_at(at.unwrap_or(parts.len()));
        pattern.recogniser(
            &around(before),
            &around(behind.get(1..).unwrap_or_default()),
        )
    }

    /// The text that a build makes of it; see [`Template::render`].
    pub fn render(&self, values: Values<'_>) -> Option<String> {
        self.0.render(values)
    }

    /// The nearest branch name from which this template makes a legal tag, for the advice of a
    /// refusal. `None` when no branch name would help, because the template itself is at fault.
    pub fn nearest_legal_branch(
        &self,
        values: Values<'_>,
        prefixes: &Prefixes,
    ) -> Option<HotfixBranch> {
        let mut rest = String::new();
        for c in values.branch.rest().chars() {
            match plain_letters(c) {
                Some(letters) => rest.push_str(letters),
                None if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/') => rest.push(c),
                // Neighbours of what was replaced do not pile up: `a (b)` is `a-b`.
                None if !rest.is_empty() && !rest.ends_with('-') => rest.push('-'),
                None => {}
            }
        }
        // Every character is ASCII by now, so any length is a boundary.
        while !rest.is_empty() {
            let trimmed = rest.trim_end_matches(['-', '_', '.', '/']);
            let candidate = format!("{}{trimmed}", values.branch.prefix());
            let branch = HotfixBranch::parse(&candidate, prefixes).ok()?;
            let tag = self.render(Values {
                branch: &branch,
                ..values
            })?;
            match ImageTag::new(&tag) {
                Ok(_) => return Some(branch),
                Err(NotATag::TooLong(length)) => {
                    let keep = trimmed.len().saturating_sub((length - LONGEST).max(1));
                    rest.truncate(keep);
                }
                Err(_) => return None,
            }
        }
        None
    }
}

/// `branch-{branch}`, the tag of A26.
impl Default for TagTemplate {
    fn default() -> Self {
        Self(Template::of(vec![
            Part::Literal("branch-".to_owned()),
            Part::Field(Field::Branch),
        ]))
    }
}

/// Letters that people use in branch names and that have an obvious plain form.
fn plain_letters(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'å' => "a",
        'ä' | 'æ' => "ae",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' => "o",
        'ö' | 'œ' => "oe",
        'ß' => "ss",
        'ù' | 'ú' | 'û' => "u",
        'ü' => "ue",
        'Ä' => "Ae",
        'Ö' => "Oe",
        'Ü' => "Ue",
        'É' | 'È' | 'Ê' => "E",
        _ => return None,
    })
}

/// Characters in prose: `` `+` and `ü` ``.
pub fn list_chars(chars: &[char]) -> String {
    let quoted: Vec<String> = chars.iter().take(8).map(|c| format!("`{c}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Knows the tags of hotfixes: those of the policy's templates, and `branch-hotfix_*` always,
/// whatever the policy says, because that is the name that people know (A26).
///
/// Case does not matter here: nobody names a release `Branch-Hotfix_x`, and a wrong «no hotfix» is
/// the mistake that may not happen. For the same reason a field matches any text, not only what
/// would be a commit or a number.
///
/// Where a pattern makes the branches, the tags that can come of its names are known by the same
/// pattern, read with `_` where it takes a `/`. Where hotfixes go into trains, their versions are known
/// too: whoever builds the package may call the image so.
#[derive(Debug, Clone)]
pub struct HotfixTags {
    globs: Vec<String>,
    patterns: Vec<Regex>,
    versions: Option<TrainVersions>,
}

impl HotfixTags {
    /// Builds the recogniser of a policy.
    ///
    /// # Errors
    /// If a pattern is too large to know the tags of its branches again.
    pub fn new(prefixes: &Prefixes, templates: &[TagTemplate]) -> Result<Self, String> {
        let mut globs = vec!["branch-hotfix_?*".to_owned()];
        let mut patterns = Vec::new();
        for template in templates {
            // No glob can come in by the policy: neither tags nor branches hold `*` or `?`.
            globs.extend(prefixes.plain().map(|prefix| {
                let part = |part: &Part| match part {
                    Part::Literal(text) => text.replace('/', "_"),
                    Part::Field(Field::Branch) => format!("{}?*", prefix.replace('/', "_")),
                    Part::Field(_) => "?*".to_owned(),
                };
                template.0.parts().iter().map(part).collect()
            }));
            for pattern in prefixes.patterns() {
                patterns.push(template.recogniser(pattern)?);
            }
        }
        Ok(Self {
            globs,
            patterns,
            versions: None,
        })
    }

    /// The same, and the versions of hotfixes of trains.
    #[must_use]
    pub fn and(self, versions: Option<TrainVersions>) -> Self {
        Self { versions, ..self }
    }

    /// Whether a tag is a hotfix's.
    pub fn recognise(&self, tag: &str) -> bool {
        let version = self.versions.as_ref().and_then(|known| known.read(tag));
        self.globs.iter().any(|pattern| glob(pattern, tag))
            || self.patterns.iter().any(|pattern| pattern.is_match(tag))
            || version.is_some_and(|version| version.is_hotfix())
    }
}

#[cfg(test)]
mod tests;
