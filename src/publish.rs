//! What to write, in which order, and how to be sure.
//!
//! A retag is at most four requests in three round trips: the source's bytes and the tag's present
//! digest together, the same bytes under the tag, and the tag read back; `policy.sole_publisher` costs
//! three more for each tag that is written. When the tag has the digest
//! already, nothing is written. What lies elsewhere is brought into the repository first, and the
//! tags come last, so that none ever names something that is not whole.

pub mod attest;
mod sole;
mod tag;
mod tags_file;

use std::time::Duration;

use futures_util::future::{self, Either};

use crate::facts::Facts;
use crate::hotfix::tag::ImageTag;
use crate::registry::error::{Cause, RegistryError};
use crate::registry::manifest::Manifest;
use crate::registry::reference::Digest;
use crate::registry::transfer::{self, Image, Origin, Progress};
use crate::registry::{Registry, Target, known};
use crate::report::{Attachment, Publication, Published, TagState, Unpublished};

pub use attest::{Statement, attach};
pub use tags_file::write_tags_file;

/// How often a transfer says how far it is while a silent server would be given up: with the default
/// `policy.timeout` that is every five seconds.
const TELLS: u32 = 6;

/// Where the image comes from, before anything was asked.
pub enum From {
    /// A registry.
    Registry(Registry, Target),
    /// Files, which were looked at already.
    Files(Image),
}

/// How what was opened is published.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mode {
    /// Nothing is written.
    pub rehearsal: bool,
    /// A tag that another build may have written at the same moment is a failure
    /// (`policy.sole_publisher`).
    pub sole_publisher: bool,
}

/// Everything that was read before the verdict: what is published later is what was judged.
pub struct Opened {
    to: Registry,
    /// The image.
    pub image: Image,
    source: String,
    tags: Vec<String>,
    present: Vec<Option<Digest>>,
}

/// Reads the image's manifest, and what the tags name now. `judge` looks at the image itself, at the
/// same time as the tags are looked at.
///
/// # Errors
/// If either cannot be read.
pub async fn open(
    to: Registry,
    from: From,
    source: String,
    tags: &[ImageTag],
    judge: Option<impl AsyncFnOnce(&Image)>,
) -> Result<Opened, RegistryError> {
    let tags: Vec<String> = tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    let (image, present) = match (from, judge) {
        // The tags are looked at as late as it costs nothing: what is read of the image takes its time.
        (from, Some(judge)) => {
            let image = match from {
                From::Files(image) => image,
                From::Registry(registry, target) => whole(root(registry, &target).await?),
            };
            let ((), present) = future::join(judge(&image), look(&to, &tags)).await;
            (image, present?)
        }
        (From::Files(image), None) => (image, look(&to, &tags).await?),
        (From::Registry(registry, target), None) => {
            let (found, present) = future::join(root(registry, &target), look(&to, &tags)).await;
            (whole(found?), present?)
        }
    };
    Ok(Opened {
        to,
        image,
        source,
        tags,
        present,
    })
}

fn whole((registry, root): (Registry, Manifest)) -> Image {
    let origin = Origin::Registry(registry);
    Image::Whole { origin, root }
}

/// The manifest of the image. Where one token for two repositories is not to be had, the source gets
/// one of its own.
async fn root(registry: Registry, target: &Target) -> Result<(Registry, Manifest), RegistryError> {
    match registry.manifest(target).await {
        Ok(root) => Ok((registry, root)),
        Err(error) if registry.is_shared() && error.is_denied() => {
            let alone = registry.alone();
            let root = alone.manifest(target).await?;
            Ok((alone, root))
        }
        Err(error) => Err(error),
    }
}

/// The digests that tags have now, in their order; `None` of one that is not there.
///
/// # Errors
/// If the registry does not say it of one of them.
pub async fn look(to: &Registry, tags: &[String]) -> Result<Vec<Option<Digest>>, RegistryError> {
    let targets: Vec<Target> = tags.iter().cloned().map(Target::Tag).collect();
    let looks = targets.iter().map(|target| to.digest(target));
    future::join_all(looks).await.into_iter().collect()
}

/// Publishes what was opened, and attaches the statement that `claim` makes of the written tags. In a
/// rehearsal nothing is written. `say` takes a line now and then, when it takes long.
pub async fn publish<'k>(
    opened: Opened,
    mode: Mode,
    say: &mut dyn FnMut(String),
    claim: impl FnOnce(&[String]) -> Statement<'k>,
) -> Published {
    let mut written = Vec::new();
    match opened.write(mode, say, &mut written).await {
        Ok(root) => {
            let statement = match claim(&opened.tags) {
                Statement::Off => Attachment::Off,
                Statement::Withheld { because, advice } => Attachment::Missing { because, advice },
                _ if mode.rehearsal => Attachment::Planned,
                Statement::Due(claim, key) => attach(&opened.to, &root, *claim, key).await,
            };
            Published::Tags(Publication {
                repository: opened.to.repository().to_string(),
                source: opened.source,
                digest: root.digest,
                media_type: root.media_type,
                tags: written,
                statement,
            })
        }
        Err(error) => {
            let done: Vec<String> = written.iter().map(|(tag, _)| tag.clone()).collect();
            let rest = &opened.tags[done.len()..];
            Published::Failed(failed(&error, &done, rest))
        }
    }
}

impl Opened {
    /// What people should know of the image beside its digest.
    pub fn note(&self) -> Option<String> {
        let Image::Saved(saved, name) = &self.image else {
            return None;
        };
        let mut note = format!(
            "`{name}` has no manifest of its own: its layers are compressed here, and the digest is new"
        );
        if let Some(why) = &saved.note {
            note.push_str(&format!("; {why}"));
        }
        Some(note)
    }

    async fn write(
        &self,
        mode: Mode,
        say: &mut dyn FnMut(String),
        written: &mut Vec<(String, TagState)>,
    ) -> Result<Manifest, RegistryError> {
        let rehearsal = mode.rehearsal;
        let (root, moves) = self.bring(rehearsal, say).await?;
        if !rehearsal && moves && !self.is_published(&root) {
            // A transfer takes its time, and another build may have been faster.
            self.still_as_seen(&root).await?;
        }
        for (tag, old) in self.tags.iter().zip(&self.present) {
            if rehearsal {
                written.push((tag.clone(), TagState::Planned(old.clone())));
                continue;
            }
            let taken = tag::put(&self.to, tag, &root, old.as_ref()).await?;
            let wrote = taken.state != TagState::Unchanged;
            written.push((tag.clone(), taken.state));
            let done = if wrote && mode.sole_publisher {
                sole::settle(&self.to, tag, &root, old.as_ref(), taken.open).await
            } else if taken.seen {
                Ok(())
            } else {
                tag::read_back(&self.to, tag, &root, old.as_ref()).await
            };
            // What the registry took is written, unless the tag itself says otherwise.
            if let Err(error) = done {
                if matches!(error.cause, Cause::Moved(_)) {
                    written.pop();
                }
                return Err(error);
            }
        }
        Ok(root)
    }

    /// Brings the image into the repository, and says whether that took requests.
    async fn bring(
        &self,
        rehearsal: bool,
        say: &mut dyn FnMut(String),
    ) -> Result<(Manifest, bool), RegistryError> {
        let progress = Progress::default();
        match &self.image {
            Image::Whole { origin, root } => {
                let here = match origin {
                    Origin::Registry(from) => from.repository() == self.to.repository(),
                    Origin::Files(..) => false,
                };
                if here || rehearsal || self.is_published(root) {
                    return Ok((root.clone(), false));
                }
                let work = transfer::transfer(origin, root, &self.to, &progress);
                self.told(work, &progress, say).await?;
                Ok((root.clone(), true))
            }
            Image::Saved(saved, _) => {
                // Its digest is known only once it is compressed; what was sent once is known.
                let present = self.present.iter().flatten();
                let known = known::look(&self.to, saved, present).await?;
                if let Some(root) = known.same {
                    return Ok((root, true));
                }
                if rehearsal {
                    return Ok((transfer::measure(saved, &known).await?, false));
                }
                let work = transfer::transfer_saved(saved, &known, &self.to, &progress);
                let root = self.told(work, &progress, say).await?;
                Ok((root, true))
            }
        }
    }

    fn is_published(&self, root: &Manifest) -> bool {
        let same = |old: &Option<Digest>| old.as_ref().is_some_and(|old| old.matches(&root.bytes));
        self.present.iter().all(same)
    }

    async fn still_as_seen(&self, root: &Manifest) -> Result<(), RegistryError> {
        let now = look(&self.to, &self.tags).await?;
        for ((tag, before), now) in self.tags.iter().zip(&self.present).zip(now) {
            let ours = now.as_ref().is_some_and(|now| now.matches(&root.bytes));
            if now != *before && !ours {
                return Err(tag::moved(
                    &self.to,
                    tag,
                    before.as_ref(),
                    now.as_ref(),
                    "while the image was on its way, so it was left alone",
                ));
            }
        }
        Ok(())
    }

    /// Waits for a transfer, and says now and then how far it is.
    async fn told<T>(
        &self,
        work: impl Future<Output = Result<T, RegistryError>>,
        progress: &Progress,
        say: &mut dyn FnMut(String),
    ) -> Result<T, RegistryError> {
        let work = self.to.in_the_end(work);
        let start = tokio::time::Instant::now();
        let pause = self.to.silence() / TELLS;
        let mut work = std::pin::pin!(work);
        loop {
            let tick = std::pin::pin!(tokio::time::sleep(pause));
            match future::select(work, tick).await {
                Either::Left((done, _)) => return done,
                Either::Right(((), rest)) => {
                    work = rest;
                    let (sent, total) = (progress.sent(), progress.total());
                    say(how_far(self.to.repository(), sent, total, start.elapsed()));
                }
            }
        }
    }
}

/// One line about a transfer: bytes, share and rate.
fn how_far(to: &impl std::fmt::Display, sent: u64, total: u64, since: Duration) -> String {
    let rate = sent as f64 / since.as_secs_f64().max(0.001);
    // A part that is sent again counts again.
    let share = (100 * sent).checked_div(total).unwrap_or(0).min(100);
    format!(
        "allowed; sending the image to {to}: {} of {} ({share} %), {}/s",
        size(sent as f64),
        size(total as f64),
        size(rate)
    )
}

fn size(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

fn failed(error: &RegistryError, written: &[String], unwritten: &[String]) -> Unpublished {
    Unpublished {
        found: error.to_string(),
        next: error.advice(),
        written: written.to_vec(),
        unwritten: unwritten.to_vec(),
    }
}

/// Publishing that failed before anything was sent.
pub fn impossible(error: &RegistryError, tags: &[ImageTag]) -> Published {
    let names: Vec<String> = tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    Published::Failed(failed(error, &[], &names))
}

/// Publishing without a tag that may be published, which happens only if the policy turned the
/// rules off that say so.
pub fn no_tag(facts: &Facts<'_>) -> Published {
    let names = facts
        .tags
        .iter()
        .filter_map(|planned| planned.text.clone())
        .collect();
    Published::Failed(Unpublished {
        found: "the branch makes no tag that may be published".to_owned(),
        next: "set the rules `hotfix-branch` and `image-tag` to `must`: they say what is wrong"
            .to_owned(),
        written: Vec::new(),
        unwritten: names,
    })
}

/// Publishing from a source that is no tag.
pub fn no_source(tags: &[ImageTag]) -> Published {
    Published::Failed(Unpublished {
        found: "`policy.source` makes no tag of this build".to_owned(),
        next: "take `{ticket}` out of `policy.source`, or name the branch after its ticket"
            .to_owned(),
        written: Vec::new(),
        unwritten: tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_transfer_is_told_in_bytes_share_and_rate() {
        let line = |sent, total, seconds| {
            how_far(&"quay.io/a/b", sent, total, Duration::from_secs(seconds))
        };
        assert_eq!(
            line(50 << 20, 200 << 20, 5),
            "allowed; sending the image to quay.io/a/b: 50.0 MiB of 200.0 MiB (25 %), 10.0 MiB/s"
        );
        assert!(line(0, 0, 5).ends_with("0 B of 0 B (0 %), 0 B/s"));
        assert!(line(300, 200, 1).contains("(100 %)"));
    }
}
