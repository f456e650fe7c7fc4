//! `policy.digest_file`: the image that was judged, by its digest, for the step that deploys. A tag may
//! name something else by then.

use super::Run;
use crate::facts::Promotion;
use crate::registry::reference::{Digest, Repository};
use crate::report::{Published, Unpublished, outputs};

/// The most lines of a file that is taken for one of ours.
const MOST_LINES: usize = 1_000;

impl Run<'_> {
    /// Removes what an earlier run has left, before anything is judged: it must not outlive a refusal.
    /// What is not ours stays, and is found again when the file is written. Says what went wrong.
    pub(super) fn clear_digest_file(&self) -> Option<String> {
        let path = self.policy.digest_file.as_ref()?;
        if !self.build.event.is_promotion() {
            return None;
        }
        let removed = outputs::remove(&self.build.workspace, path, is_ours);
        removed
            .err()
            .map(|why| format!("`policy.digest_file` does not hold what was judged here: {why:#}"))
    }

    /// Writes the images of a promotion that may go on; [`Published::NotDue`] if the policy names no
    /// file.
    pub(super) fn write_digest_file(&self, promotion: Option<&Promotion>) -> Published {
        let (Some(path), Some(repo), Some(promotion)) =
            (&self.policy.digest_file, &self.policy.repo, promotion)
        else {
            return Published::NotDue;
        };
        let failed = |found: String, next: String| {
            Published::NotHandedOn(Unpublished {
                found,
                next,
                written: Vec::new(),
                unwritten: vec![path.display().to_string()],
            })
        };
        let images = match images(promotion, repo) {
            Ok(images) => images,
            Err((found, next)) => return failed(found, next),
        };
        let text = images.iter().map(|image| format!("{image}\n"));
        let text: String = text.collect();
        match outputs::write(&self.build.workspace, path, &text, is_ours) {
            Ok(()) => Published::Digests {
                path: path.display().to_string(),
                images,
            },
            Err(error) => failed(
                format!("{error:#}"),
                "choose another file as `policy.digest_file`, or remove what stands there"
                    .to_owned(),
            ),
        }
    }
}

/// Every image that is promoted, by its digest, in the order of the parameters and each once; or what
/// is missing and what to do.
fn images(promotion: &Promotion, repo: &Repository) -> Result<Vec<String>, (String, String)> {
    let looked = promotion.images.answer().map_err(|absent| {
        use crate::facts::Absent::{NotConfigured, Unknown};
        match absent {
            NotConfigured(because) => (
                format!("the digest of the image is not known: {because}"),
                "promote with the tag or digest of the image as parameter; where the parameter has \
                 another name, list it in `policy.version_params`"
                    .to_owned(),
            ),
            Unknown {
                because, advice, ..
            } => (
                format!("the digest of the image is not known: {because}"),
                advice,
            ),
        }
    })?;
    let mut images: Vec<String> = Vec::new();
    for promoted in looked {
        let Some(found) = &promoted.image else {
            let text = crate::facts::shorten(&promoted.text);
            return Err((
                format!("`{}={text}` is not in `{repo}`", promoted.parameter),
                "check the version; if the image lies elsewhere, `policy.repo` is wrong".to_owned(),
            ));
        };
        let image = found.reference(repo);
        if !images.contains(&image) {
            images.push(image);
        }
    }
    Ok(images)
}

/// Whether a file is one of ours: images by their digests, one a line.
fn is_ours(text: &str) -> bool {
    let is_image = |line: &str| {
        let image = line.split_once('@');
        image.is_some_and(|(repo, digest)| {
            Repository::parse(repo).is_some() && Digest::parse(digest).is_some()
        })
    };
    text.lines().count() <= MOST_LINES && text.lines().all(is_image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_images_by_their_digests_are_ours() {
        let image = format!("quay.io/example/service@{}\n", Digest::of(b""));
        assert!(is_ours("") && is_ours(&image) && is_ours(&image.repeat(2)));
        for other in ["\n", "precious\n", "quay.io/example/service:1.0.0\n"] {
            assert!(
                !is_ours(other) && !is_ours(&format!("{image}{other}")),
                "{other}"
            );
        }
    }
}
