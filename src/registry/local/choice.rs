//! Which of several images is meant.

use std::collections::HashSet;

use super::super::reference::is_tag;
use super::{LocalError, quoted};

/// The most names that an error lists.
const MOST_LISTED: usize = 10;

/// An image that could be meant.
#[derive(Debug)]
pub(super) struct Candidate<T> {
    /// Its names, the fullest first: a tag or a whole reference.
    pub(super) names: Vec<String>,
    /// Its digest.
    pub(super) digest: String,
    /// What tells it from others.
    pub(super) image: T,
}

impl<T> Candidate<T> {
    fn is(&self, reference: &str) -> bool {
        let same = |name: &String| familiar(name) == familiar(reference);
        self.digest == reference || self.names.iter().any(same)
    }

    fn has_tag(&self, tag: &str) -> bool {
        is_tag(tag) && self.names.iter().any(|name| tag_of(name) == Some(tag))
    }

    /// The name to show, and to choose it by.
    fn name(&self) -> &str {
        self.names
            .first()
            .map_or(&self.digest, |name| familiar(name))
    }
}

/// The one image that the reference means, or the only one there is. One image under several names
/// is one.
pub(super) fn choose<T: PartialEq>(
    candidates: Vec<Candidate<T>>,
    reference: Option<&str>,
    place: &str,
) -> Result<T, LocalError> {
    let meant: Vec<bool> = match reference {
        None => vec![true; candidates.len()],
        Some(reference) => {
            let whole = candidates.iter().map(|one| one.is(reference));
            let whole: Vec<bool> = whole.collect();
            // A name that is written out in full wins over one that merely ends in the same tag.
            if whole.contains(&true) {
                whole
            } else {
                let tags = candidates.iter().map(|one| one.has_tag(reference));
                tags.collect()
            }
        }
    };
    let all = list(candidates.iter().map(Candidate::name));
    let mut chosen: Vec<Candidate<T>> = Vec::new();
    for (candidate, _) in candidates
        .into_iter()
        .zip(meant)
        .filter(|(_, meant)| *meant)
    {
        if chosen.iter().all(|other| other.image != candidate.image) {
            chosen.push(candidate);
        }
    }
    let several = chosen.len();
    // Two images under one name: only their digests tell them apart.
    let names: HashSet<&str> = chosen.iter().map(Candidate::name).collect();
    let listed = if names.len() == several {
        list(chosen.iter().map(Candidate::name))
    } else {
        list(chosen.iter().map(|one| one.digest.as_str()))
    };
    match (chosen.pop(), several, reference) {
        (Some(one), 1, _) => Ok(one.image),
        (Some(_), ..) => {
            let found = format!("{place} holds {several} images that could be meant: {listed}");
            Err(LocalError::new(
                found,
                "write the name of one of them behind a `:` in `policy.source`",
            ))
        }
        (None, _, Some(reference)) if !all.is_empty() => {
            let found = format!("{place} holds no image {}, only {all}", quoted(reference));
            Err(LocalError::new(
                found,
                "write the name of one of them behind the `:` in `policy.source`",
            ))
        }
        (None, ..) => Err(LocalError::new(
            format!("{place} lists no image"),
            "write the image again with the tool that builds it",
        )),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut seen = HashSet::new();
    let names: Vec<&str> = names.filter(|name| seen.insert(*name)).collect();
    let first: Vec<String> = names
        .iter()
        .take(MOST_LISTED)
        .map(|name| quoted(name))
        .collect();
    let more = match names.len().saturating_sub(MOST_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    first.join(", ") + &more
}

/// A name as Docker shows it: without the host and path that it adds to short names.
fn familiar(name: &str) -> &str {
    let short = name
        .strip_prefix("docker.io/")
        .or_else(|| name.strip_prefix("index.docker.io/"))
        .unwrap_or(name);
    short.strip_prefix("library/").unwrap_or(short)
}

/// The tag of a whole reference, if it ends in one.
fn tag_of(name: &str) -> Option<&str> {
    let last = name.rsplit('/').next()?;
    let (_, tag) = last.split_once(':')?;
    is_tag(tag).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(all: &[(&[&str], u8)]) -> Vec<Candidate<u8>> {
        let one = |(names, image): &(&[&str], u8)| Candidate {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            digest: format!("sha256:{image}"),
            image: *image,
        };
        all.iter().map(one).collect()
    }

    #[track_caller]
    fn chosen(all: &[(&[&str], u8)], reference: Option<&str>) -> u8 {
        choose(candidates(all), reference, "`image`").unwrap()
    }

    #[track_caller]
    fn refused(all: &[(&[&str], u8)], reference: Option<&str>, word: &str) {
        let error = choose(candidates(all), reference, "`image`").unwrap_err();
        assert!(error.found.contains(word), "{error}");
    }

    #[test]
    fn the_only_image_needs_no_name() {
        assert_eq!(chosen(&[(&[], 1)], None), 1);
        assert_eq!(chosen(&[(&["a:1"], 1), (&["a:2"], 1)], None), 1);
        refused(
            &[(&["a:1"], 1), (&[], 2)],
            None,
            "2 images that could be meant: `a:1`, `sha256:2`",
        );
        refused(&[], None, "lists no image");
        refused(&[], Some("a:1"), "lists no image");
    }

    #[test]
    fn a_reference_is_a_whole_name_a_tag_or_a_digest() {
        let all: &[(&[&str], u8)] = &[
            (&["docker.io/library/app:1.0", "1.0"], 1),
            (&["quay.io/a/b:2.0"], 2),
            (&["localhost:5000/c"], 3),
        ];
        assert_eq!(chosen(all, Some("1.0")), 1);
        assert_eq!(chosen(all, Some("app:1.0")), 1);
        assert_eq!(chosen(all, Some("docker.io/app:1.0")), 1);
        assert_eq!(chosen(all, Some("index.docker.io/library/app:1.0")), 1);
        assert_eq!(chosen(all, Some("2.0")), 2);
        assert_eq!(chosen(all, Some("quay.io/a/b:2.0")), 2);
        assert_eq!(chosen(all, Some("sha256:3")), 3);
        for none in [
            "b:2.0",
            "quay.io/a/b",
            "quay.io/x/b:2.0",
            "3",
            "c",
            "5000/c",
            "",
        ] {
            refused(all, Some(none), "holds no image");
        }
        refused(
            all,
            Some("3"),
            "only `app:1.0`, `quay.io/a/b:2.0`, `localhost:5000/c`",
        );
    }

    #[test]
    fn what_is_not_clear_is_not_guessed() {
        let all: &[(&[&str], u8)] = &[(&["a/x:1"], 1), (&["b/x:1"], 2)];
        refused(
            all,
            Some("1"),
            "2 images that could be meant: `a/x:1`, `b/x:1`",
        );
        // The literal name wins over names that end in it.
        assert_eq!(chosen(&[(&["a/x:1"], 1), (&["1"], 2)], Some("1")), 2);
        let same: &[(&[&str], u8)] = &[(&["1"], 1), (&["1"], 2)];
        refused(
            same,
            Some("1"),
            "2 images that could be meant: `sha256:1`, `sha256:2`",
        );
    }

    #[test]
    fn a_long_list_is_shortened() {
        let names: Vec<String> = (0..14).map(|i| format!("{i}{}", "x".repeat(500))).collect();
        let all = names.iter().enumerate().map(|(i, name)| Candidate {
            names: vec![name.clone()],
            digest: String::new(),
            image: i,
        });
        let error = choose(all.collect(), None, "`image`").unwrap_err();
        assert!(error.found.ends_with("…` and 4 more"), "{error}");
        assert!(error.found.len() < 2_000, "{}", error.found.len());
    }
}
