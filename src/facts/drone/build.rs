//! A build, as Drone's API writes it (`core/build.go`), and what it says was deployed.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::running::Deployed;
use crate::facts::shorten;

/// What is read of a build. Drone leaves out `parent`, `deploy_to` and `params` where they are empty.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::facts) struct Build {
    pub(in crate::facts) number: u64,
    pub(in crate::facts) parent: Option<u64>,
    pub(in crate::facts) event: String,
    pub(in crate::facts) deploy_to: Option<String>,
    pub(in crate::facts) params: Option<BTreeMap<String, String>>,
    pub(in crate::facts) status: String,
    /// The commit.
    pub(in crate::facts) after: String,
    /// The branch, and the reference; a promotion has those of the build that it promotes.
    pub(in crate::facts) target: Option<String>,
    #[serde(rename = "ref")]
    pub(in crate::facts) git_ref: Option<String>,
    pub(in crate::facts) trigger: Option<String>,
    /// Login of the commit's author.
    pub(in crate::facts) author_login: Option<String>,
    /// The repository that a pull request comes from, where that is a fork.
    pub(in crate::facts) source_repo: Option<String>,
    /// Seconds since 1970; 0 if it has not ended.
    pub(in crate::facts) finished: Option<i64>,
}

impl Build {
    pub(in crate::facts) fn is_promotion(&self) -> bool {
        matches!(self.event.as_str(), "promote" | "rollback")
    }

    /// The branch whose state was built; of a pull request that is none, because it only wants to go
    /// there.
    pub(super) fn pushed_branch(&self) -> Option<&str> {
        let reference = self.git_ref.as_deref().unwrap_or_default();
        match reference.strip_prefix("refs/heads/") {
            Some(branch) => Some(branch),
            None if reference.is_empty() => self.target.as_deref(),
            None => None,
        }
        .filter(|branch| !branch.is_empty())
    }

    /// Whether it has done something or still may: all but what was skipped or declined.
    /// A word that we do not know may mean anything.
    pub(super) fn has_begun(&self) -> bool {
        !matches!(self.status.as_str(), "skipped" | "declined")
    }

    /// The sentence about a promotion that came after the last successful one.
    pub(super) fn may_have_changed(&self) -> String {
        let by = match self.trigger.as_deref() {
            Some(by) if !by.is_empty() => format!(" by `{}`", shorten(by)),
            _ => String::new(),
        };
        let what = match self.event.as_str() {
            "rollback" => "a later rollback",
            _ => "a later promotion",
        };
        let (number, status) = (self.number, shorten(&self.status));
        let means = match self.status.as_str() {
            "pending" | "blocked" | "waiting_on_dependencies" => {
                "it will change what runs when it goes on"
            }
            "running" => "it may change what runs at any moment",
            _ => "it may have changed what runs",
        };
        format!("build {number}, {what}{by}, is `{status}`: {means}")
    }
}

/// What the version parameters of a promotion say. Drone copies them from the promoted build and
/// from promotion to promotion, so those of the last one are all of them.
pub(in crate::facts) enum Versions {
    /// No parameter says anything.
    None,
    /// All say the same.
    One(Deployed),
    /// They cannot be read, or disagree; why.
    Unclear(String),
}

impl Versions {
    pub(in crate::facts) fn of(build: &Build, names: &[String]) -> Self {
        let params = build.params.iter().flatten();
        let set = params.filter(|(name, text)| names.contains(name) && !text.is_empty());
        let mut found: Option<(&str, Deployed)> = None;
        for (name, text) in set {
            let Some(deployed) = Deployed::of_version(text) else {
                return Self::Unclear(format!(
                    "its parameter `{name}={}` is not exactly one tag, version, digest or reference",
                    shorten(text)
                ));
            };
            found = match found {
                None => Some((name, deployed)),
                Some((first, known)) => match both(&known, &deployed) {
                    Some(both) => Some((first, both)),
                    None => {
                        return Self::Unclear(format!(
                            "its parameters `{first}={}` and `{name}={}` disagree",
                            shorten(&known.text),
                            shorten(text)
                        ));
                    }
                },
            };
        }
        found.map_or(Self::None, |(_, deployed)| Self::One(deployed))
    }
}

/// Two versions as one, if they have a tag or digest in common and contradict each other in nothing.
fn both(one: &Deployed, other: &Deployed) -> Option<Deployed> {
    fn agree<T: PartialEq + Clone>(one: &Option<T>, other: &Option<T>) -> Option<Option<T>> {
        match (one, other) {
            (Some(a), Some(b)) if a != b => None,
            (Some(a), _) | (None, Some(a)) => Some(Some(a.clone())),
            (None, None) => Some(None),
        }
    }
    let common = one.tag.is_some() && one.tag == other.tag
        || one.digest.is_some() && one.digest == other.digest;
    let longer = if one.text.len() >= other.text.len() {
        one
    } else {
        other
    };
    Some(Deployed {
        name: agree(&one.name, &other.name)?,
        tag: agree(&one.tag, &other.tag)?,
        digest: agree(&one.digest, &other.digest)?,
        ..longer.clone()
    })
    .filter(|_| common)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(params: &[(&str, &str)], expected: Result<Option<&str>, &str>) {
        let params = params
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let build = Build {
            number: 2,
            parent: Some(1),
            event: "promote".to_owned(),
            deploy_to: Some("cs-prod".to_owned()),
            params: Some(params.collect()),
            status: "success".to_owned(),
            after: String::new(),
            target: None,
            git_ref: None,
            trigger: None,
            author_login: None,
            source_repo: None,
            finished: None,
        };
        let names = ["VERSION", "IMAGE_TAG"].map(str::to_owned);
        match (Versions::of(&build, &names), expected) {
            (Versions::None, Ok(None)) => {}
            (Versions::One(found), Ok(Some(text))) => assert_eq!(found.text, text),
            (Versions::Unclear(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (Versions::None, expected) => panic!("nothing, not {expected:?}"),
            (Versions::One(found), expected) => panic!("{found:?}, not {expected:?}"),
            (Versions::Unclear(why), expected) => panic!("{why}, not {expected:?}"),
        }
    }

    #[test]
    fn all_version_parameters_must_say_the_same() {
        says(&[], Ok(None));
        says(&[("OTHER", "1"), ("VERSION", "")], Ok(None));
        says(&[("VERSION", "1.2.3")], Ok(Some("1.2.3")));
        says(
            &[("VERSION", "1.2.3"), ("IMAGE_TAG", "1.2.3")],
            Ok(Some("1.2.3")),
        );
        says(
            &[("VERSION", "1.2.3"), ("IMAGE_TAG", "quay.io/a/b:1.2.3")],
            Ok(Some("quay.io/a/b:1.2.3")),
        );
        says(
            &[("VERSION", "1.2.3"), ("IMAGE_TAG", "1.2.4")],
            Err("disagree"),
        );
        let digest = format!("sha256:{}", "a".repeat(64));
        // Whether the tag is of that digest nobody has said.
        says(
            &[("VERSION", "1.2.3"), ("IMAGE_TAG", &digest)],
            Err("disagree"),
        );
        says(
            &[("VERSION", "quay.io/a/b:1"), ("IMAGE_TAG", "quay.io/c/d:1")],
            Err("disagree"),
        );
        says(&[("VERSION", "1.2.3 4")], Err("exactly one"));
    }
}
