//! The versions of trains, as `Version` and `Release` of the spec file make them: `0.2012.04.27-1` is the
//! train itself, and `0.2012.04.27-2` its first hotfix (B10). It is the name that the deployment ticket
//! gives a hotfix (B12), so it is the name by which people promote it.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};

use super::pattern::BranchPattern;

/// The largest expression that is compiled, in bytes.
const LARGEST: usize = 8 << 20;
/// A shorter version than this stands in many a tag: `build-7-2`.
const TELLING: usize = 6;

/// Knows the versions of a policy's trains.
#[derive(Debug, Clone)]
pub struct TrainVersions {
    whole: Regex,
}

impl PartialEq for TrainVersions {
    fn eq(&self, other: &Self) -> bool {
        self.whole.as_str() == other.whole.as_str()
    }
}

impl Eq for TrainVersions {}

/// What a version says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainVersion<'a> {
    /// The name of the train, such as `2012.04.27`.
    pub train: &'a str,
    /// Its `Release`. The first is the train itself.
    pub release: u64,
}

impl TrainVersion<'_> {
    /// Whether it is a hotfix of the train, and not the train.
    pub const fn is_hotfix(&self) -> bool {
        self.release > 1
    }
}

impl TrainVersions {
    /// Knows the versions of trains whose branches look like this.
    ///
    /// # Errors
    /// If the expression becomes too large.
    pub fn new(version_prefix: &str, branches: &BranchPattern) -> Result<Self, String> {
        let hir = regex_syntax::parse(branches.as_str()).map_err(|error| error.to_string())?;
        let group = group(&hir).ok_or("it has no group")?;
        let shortest = group.properties().minimum_len().unwrap_or(0);
        // As rpm calls a package; as other tags, a version may begin with `v`.
        let package = match version_prefix.len() + shortest >= TELLING {
            true => "(?:[a-z][a-z0-9_+]*-)*",
            false => "",
        };
        let prefix = regex::escape(version_prefix);
        let text = format!(
            "(?s)\\A{package}v?{prefix}(?P<train>{group})-(?P<release>[0-9]+)(?:[^0-9].*)?\\z"
        );
        let whole = RegexBuilder::new(&text)
            .size_limit(LARGEST)
            .case_insensitive(true)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { whole })
    }

    /// Reads an image tag or a git tag. Whatever follows the number of the release belongs to it:
    /// `0.2012.04.27-2.el6`.
    pub fn read<'a>(&self, tag: &'a str) -> Option<TrainVersion<'a>> {
        let found = self.whole.captures(tag)?;
        let digits = found.name("release")?.as_str();
        Some(TrainVersion {
            train: found.name("train")?.as_str(),
            // No number that is too large to be read is a first release.
            release: digits.parse().unwrap_or(u64::MAX),
        })
    }
}

/// The part of an expression that it remembers.
fn group(hir: &Hir) -> Option<&Hir> {
    match hir.kind() {
        HirKind::Capture(capture) => Some(&capture.sub),
        HirKind::Repetition(repetition) => group(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().find_map(group),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(prefix: &str, branches: &str, tag: &str) -> Option<(String, u64)> {
        let pattern = BranchPattern::new(branches).unwrap();
        let versions = TrainVersions::new(prefix, &pattern).unwrap();
        let found = versions.read(tag)?;
        Some((found.train.to_owned(), found.release))
    }

    #[test]
    fn a_version_names_its_train_and_release() {
        for (tag, release) in [
            ("0.2012.04.27-1", Some(1)),
            ("0.2012.04.27-2", Some(2)),
            ("0.2012.04.27-002", Some(2)),
            ("0.2012.04.27-12", Some(12)),
            ("v0.2012.04.27-2", Some(2)),
            ("V0.2012.04.27-2", Some(2)),
            ("browserid-0.2012.04.27-2.el6_115", Some(2)),
            ("my-service-0.2012.04.27-3-arm64", Some(3)),
            ("0.2012.04.27-2a", Some(2)),
            ("0.2012.04.27-99999999999999999999999", Some(u64::MAX)),
            ("0.2012.04.27", None),
            ("0.2012.04.27-", None),
            ("0.2012.04.27-x2", None),
            ("2012.04.27-2", None),
            ("10.2012.04.27-2", None),
            ("0.2012.04.271-2", None),
            ("1.0.2012.04.27-2", None),
            ("1.2.3-4", None),
            ("", None),
        ] {
            let expected = release.map(|release| ("2012.04.27".to_owned(), release));
            let found = read("0.", r"^train-(\d{4}\.\d\d\.\d\d)$", tag);
            assert_eq!(found, expected, "{tag}");
        }
    }

    #[test]
    fn a_short_version_is_only_a_whole_tag() {
        let short = |tag| read("", r"^train-(\d+)$", tag).map(|(_, release)| release);
        assert_eq!(short("7-2"), Some(2));
        for tag in ["build-7-2", "1.7-2", "7", "1.2.3"] {
            assert_eq!(short(tag), None, "{tag}");
        }
        let nested = read("v", r"^(?:rel/(\d{4}-\d\d))+$", "v2012-05-2");
        assert_eq!(nested, Some(("2012-05".to_owned(), 2)));
        // Alternatives stay within the group.
        let named = |tag| read("0.", r"^train-(red|blue)$", tag).is_some();
        assert!(named("0.red-2") && named("0.blue-2") && !named("0.red"));
    }
}
