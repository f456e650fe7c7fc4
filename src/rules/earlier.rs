//! Which earlier promotions were of the image that is promoted now. A server keeps the tag that was
//! promoted, not what it named then; so an earlier promotion is known to be of a digest if it named that
//! digest, or if the gate has attached a statement about it to the digest. Pure.

use crate::attestation::statement::Claim;
use crate::facts::before::{Built, Past};
use crate::facts::{Facts, Promotion, Source};
use crate::registry::reference::{Digest, Version};
use crate::verdict::{Outcome, Step};

/// An image of this promotion.
pub(super) struct Image<'a> {
    /// The version, as it is written.
    pub(super) text: &'a str,
    /// Its digest.
    pub(super) digest: Digest,
}

/// What an earlier promotion was of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The same bytes.
    Same,
    /// The same tag; nobody knows what it named then.
    SameName,
    /// Something else.
    Other,
}

/// The images of this promotion; none if it names no version.
pub(super) fn images<'a>(promotion: &'a Promotion) -> Result<Vec<Image<'a>>, Outcome> {
    let mut images = Vec::new();
    for parameter in &promotion.versions {
        let text = parameter.text.as_str();
        if let Some(digest) = digest_in(text) {
            images.push(Image { text, digest });
            continue;
        }
        let looked = super::known(&promotion.images)?;
        let found = looked.iter().find(|one| one.text == text);
        match found.and_then(|one| one.image.as_ref()) {
            Some(found) => images.push(Image {
                text,
                digest: found.digest.clone(),
            }),
            None => {
                return Err(Outcome::Unknown {
                    because: format!("`{text}` is not in the registry, so its digest is not known"),
                    retry: false,
                    next: vec![Step::Say("see `version-published`".to_owned())],
                });
            }
        }
    }
    images.dedup_by(|one, other| one.digest == other.digest);
    Ok(images)
}

/// The digest that a version names itself.
fn digest_in(text: &str) -> Option<Digest> {
    Version::parse(text)?.digest().cloned()
}

/// What an earlier promotion was of, beside one image of this one.
pub(super) fn likeness(facts: &Facts<'_>, earlier: &Built, image: &Image<'_>) -> Likeness {
    let names = &facts.policy.version_params;
    let texts: Vec<&str> = names
        .iter()
        .filter_map(|name| earlier.params.get(name))
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect();
    let same = |text: &&str| match digest_in(text) {
        Some(digest) => digest == image.digest,
        None => is_recorded(facts, earlier, text, &image.digest),
    };
    if texts.iter().any(same) {
        Likeness::Same
    } else if texts.iter().any(|text| may_be(facts, text, image)) {
        Likeness::SameName
    } else {
        Likeness::Other
    }
}

/// Whether a tag of an earlier promotion may have named this image: it is the tag that is promoted now,
/// or any hotfix's where a digest is promoted.
fn may_be(facts: &Facts<'_>, text: &str, image: &Image<'_>) -> bool {
    if digest_in(text).is_some() {
        return false;
    }
    let tag_of = |text: &str| {
        let version = Version::parse(text);
        let tag = version.as_ref().and_then(Version::tag);
        tag.unwrap_or(text).to_owned()
    };
    match digest_in(image.text) {
        Some(_) => facts.policy.hotfix_tags.recognise(&tag_of(text)),
        None => tag_of(text) == tag_of(image.text),
    }
}

/// Whether the gate has attached to this digest that it went to that target by that build.
fn is_recorded(facts: &Facts<'_>, earlier: &Built, text: &str, digest: &Digest) -> bool {
    let attested = facts.promotion.as_ref().and_then(|p| p.attested.get());
    let statements = attested
        .into_iter()
        .flatten()
        .filter(|one| one.digest == *digest)
        .flat_map(|one| &one.statements);
    statements
        .into_iter()
        .any(|statement| match &statement.claim {
            Claim::Promoted(deployment) => {
                deployment.source == facts.build.repo
                    && deployment.build.number == earlier.number
                    && earlier.deploy_to.as_deref().is_some_and(|target| {
                        target.trim().eq_ignore_ascii_case(deployment.target.trim())
                    })
                    && deployment.version == text
            }
            Claim::Published(_) => false,
        })
}

/// Whether the same build was promoted, for promotions that name no version. Promotions of promotions
/// and restarts are followed.
pub(super) fn is_same_build(facts: &Facts<'_>, past: &Past, earlier: &Built) -> bool {
    let before = facts.promotion.as_ref().and_then(|p| p.before.get());
    let origin = before.and_then(|before| match &before.origin {
        Source::Known(Some(origin)) => Some(origin.number),
        _ => None,
    });
    let named = earlier
        .params
        .keys()
        .any(|name| facts.policy.version_params.contains(name));
    !named && origin.is_some() && origin_of(past, earlier) == origin
}

fn origin_of(past: &Past, earlier: &Built) -> Option<u64> {
    let mut parent = earlier.parent?;
    for _ in 0..past.promotions.len() {
        let Some(next) = past.promotions.iter().find(|one| one.number == parent) else {
            break;
        };
        // A parent is older; whatever else a server says leads round in circles.
        parent = next.parent.filter(|older| *older < next.number)?;
    }
    Some(parent)
}

/// When it ended, in words: «2026-01-02T03:04:05Z».
pub(super) fn when(earlier: &Built) -> String {
    let at = earlier.finished.and_then(crate::day::utc_of_seconds);
    at.unwrap_or_else(|| "an unknown time".to_owned())
}
