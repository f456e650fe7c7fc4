//! What to write, in which order, and how to be sure.
//!
//! A retag is at most four requests in three round trips: the source's bytes and the tag's present
//! digest together, the same bytes under the tag, and the tag read back. When the tag has the digest
//! already, nothing is written.

use futures_util::future;

use crate::ci::Build;
use crate::facts::Facts;
use crate::hotfix::HotfixBranch;
use crate::hotfix::Ticket;
use crate::hotfix::tag::ImageTag;
use crate::hotfix::template::Values;
use crate::policy::{Policy, Source, TagsFormat};
use crate::registry::error::{Cause, RegistryError};
use crate::registry::manifest::Manifest;
use crate::registry::reference::{Digest, is_tag};
use crate::registry::{Registry, Target};
use crate::report::{Publication, Published, TagState, Unpublished, outputs};

/// What is published of a build: an image that exists, under these tags, in this order.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The image.
    pub source: Target,
    /// The tags.
    pub tags: Vec<ImageTag>,
}

impl Plan {
    /// The plan for a build; `None` if the source needs a ticket and there is none, or makes no tag.
    pub fn new(
        source: &Source,
        branch: &HotfixBranch,
        ticket: Option<&Ticket>,
        build: &Build,
        tags: Vec<ImageTag>,
    ) -> Option<Self> {
        let source = match source {
            Source::Digest(digest) => Target::Digest(digest.clone()),
            Source::Tag(template) => {
                let values = Values {
                    branch,
                    ticket,
                    commit: &build.commit,
                    build: build.number,
                };
                Target::Tag(template.render(values).filter(|tag| is_tag(tag))?)
            }
        };
        Some(Self { source, tags })
    }

    fn names(&self) -> Vec<String> {
        self.tags
            .iter()
            .map(|tag| tag.as_str().to_owned())
            .collect()
    }
}

/// Publishes an image. In a rehearsal everything is read and nothing is written.
pub async fn publish(registry: &Registry, plan: &Plan, rehearsal: bool) -> Published {
    let first = |error: RegistryError| Published::Failed(failed(&error, &[], &plan.names()));
    let targets: Vec<Target> = plan
        .tags
        .iter()
        .map(|tag| Target::Tag(tag.as_str().to_owned()))
        .collect();
    let present = future::join_all(targets.iter().map(|target| registry.digest(target)));
    let (manifest, present) = future::join(registry.manifest(&plan.source), present).await;
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(error) => return first(error),
    };
    let present: Vec<Option<Digest>> = match present.into_iter().collect() {
        Ok(present) => present,
        Err(error) => return first(error),
    };
    let mut tags = Vec::new();
    for ((tag, target), old) in plan.names().into_iter().zip(&targets).zip(present) {
        let state = if rehearsal {
            Ok(TagState::Planned(old))
        } else {
            put(registry, target, &manifest, old).await
        };
        match state {
            Ok(state) => tags.push((tag, state)),
            Err(error) => {
                let written: Vec<String> = tags.iter().map(|(tag, _)| tag.clone()).collect();
                let rest = plan.names().split_off(written.len());
                return Published::Failed(failed(&error, &written, &rest));
            }
        }
    }
    Published::Tags(Publication {
        repository: registry.repository().to_string(),
        source: plan.source.within(registry.repository()),
        digest: manifest.digest,
        media_type: manifest.media_type,
        tags,
    })
}

/// Puts one tag on a manifest and reads it back.
async fn put(
    registry: &Registry,
    target: &Target,
    manifest: &Manifest,
    old: Option<Digest>,
) -> Result<TagState, RegistryError> {
    if old.as_ref().is_some_and(|old| old.matches(&manifest.bytes)) {
        return Ok(TagState::Unchanged);
    }
    registry.put(target, manifest).await?;
    // A web server behind a redirect may answer 201 to anything; only the tag itself can tell.
    let now = registry.digest(target).await?;
    if now
        .as_ref()
        .is_none_or(|digest| !digest.matches(&manifest.bytes))
    {
        let now = now.map_or_else(|| "no such tag".to_owned(), |digest| digest.to_string());
        return Err(RegistryError {
            operation: "reading back",
            reference: target.within(registry.repository()),
            cause: Cause::Answer(format!(
                "the registry took {} and now has {now}: another build wrote the same tag, or it \
                 does not keep what it takes",
                manifest.digest
            )),
        });
    }
    Ok(old.map_or(TagState::Created, TagState::Moved))
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

/// Writes the tags to `tags_file`, for the step that builds and pushes.
pub fn write_tags_file(
    policy: &Policy,
    build: &Build,
    tags: &[ImageTag],
    rehearsal: bool,
) -> Published {
    let path = policy.tags_file.display().to_string();
    let names: Vec<String> = tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    let separator = match policy.tags_format {
        TagsFormat::Comma => ",",
        TagsFormat::Newline => "\n",
    };
    // An earlier run of ours left hotfix tags there, and nothing else may be replaced.
    let is_ours = |old: &str| {
        let mut tags = old
            .split([',', '\n'])
            .map(str::trim)
            .filter(|tag| !tag.is_empty());
        tags.all(|tag| policy.hotfix_tags.recognise(tag))
    };
    let text = format!("{}\n", names.join(separator));
    let done = if rehearsal {
        outputs::may_write(&build.workspace, &policy.tags_file, is_ours).map(drop)
    } else {
        outputs::write(&build.workspace, &policy.tags_file, &text, is_ours)
    };
    match done {
        Ok(()) => Published::File {
            path,
            tags: names,
            planned: rehearsal,
        },
        Err(error) => Published::Failed(Unpublished {
            found: format!("{error:#}"),
            next: "choose another file as `policy.tags_file`, or remove what stands there"
                .to_owned(),
            written: Vec::new(),
            unwritten: vec![path],
        }),
    }
}
