//! Identity 3: a version whose digest is that of a hotfix tag in the repository is a hotfix,
//! whatever it is called by now (A29; process.md §3.4: a tool of HOCS gave hotfixes release names).
//! So is one platform of a hotfix's index, an index that holds a hotfix's image or has a platform in
//! common with a hotfix's, and an image of the same configuration: re-wrapped from Docker's types to
//! OCI's, annotated, or compressed again, it is what was built once.
//!
//! Cost: the list of tags, the manifest of each hotfix tag, and each manifest in the indexes among them
//! once. A HEAD would tell the digest alone.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt as _;
use futures_util::future;
use futures_util::stream;

use super::identity::{Evidence, Relation};
use super::image::{self, Gaps, Held};
use super::promoted::{Found, Promoted};
use super::{Absent, shorten};
use crate::policy::Policy;
use crate::registry::error::{Cause, RegistryError};
use crate::registry::manifest::{Descriptor, Manifest};
use crate::registry::reference::{Digest, is_tag};
use crate::registry::transfer::Origin;
use crate::registry::{Registry, Target};

/// Requests at the same time. More gain nothing on loopback, and registries count connections.
const AT_ONCE: usize = 12;
/// The most hotfix tags that are looked up.
const MOST_HOTFIX_TAGS: usize = 10_000;
/// The most manifests in their indexes that are looked up.
const MOST_PARTS: usize = 50_000;
/// How deep indexes may lie in indexes.
const DEEPEST: usize = 4;
/// As much evidence as anybody reads.
const MOST_EVIDENCE: usize = 100;

/// The digest of `{}`, the configuration of whatever has none (image-spec manifest.md).
const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// What is to be deployed, and its digest.
    pub versions: Vec<(String, Digest)>,
    /// How many hotfix tags the repository has.
    pub hotfix_tags: usize,
}

/// A promoted image with everything that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Whole {
    /// The value of the version parameter.
    text: String,
    found: Found,
    held: Held,
}

/// Reads what the promoted images hold.
async fn whole(registry: &Registry, images: &[Promoted]) -> Result<Vec<Whole>, Absent> {
    let origin = Origin::Registry(registry.clone());
    let mut whole: Vec<Whole> = Vec::new();
    for promoted in images {
        let Some(found) = &promoted.image else {
            return Err(unknown(
                format!(
                    "`{}={}` is not in the registry, so its bytes cannot be compared",
                    promoted.parameter,
                    shorten(&promoted.text)
                ),
                "check the version; if the image lies elsewhere, `policy.repo` is wrong",
            ));
        };
        let known = whole.iter().find(|one| one.found.digest == found.digest);
        let held = match known {
            Some(known) => known.held.clone(),
            None => {
                let held = image::held(&origin, &found.manifest, Gaps::AreNothing).await;
                held.map_err(|error| Absent::from(&error))?
            }
        };
        whole.push(Whole {
            text: promoted.text.clone(),
            found: found.clone(),
            held,
        });
    }
    Ok(whole)
}

/// Compares the promoted images with the hotfix tags of the repository.
///
/// # Errors
/// If an image is not there, or something cannot be read that may be a hotfix's.
pub async fn compare(
    registry: &Registry,
    policy: &Policy,
    images: &[Promoted],
) -> Result<(Compared, Vec<Evidence>), Absent> {
    // An image that is not there needs no list.
    if images.iter().any(|promoted| promoted.image.is_none()) {
        whole(registry, images).await?;
    }
    let (tags, whole) = future::join(registry.tags(), whole(registry, images)).await;
    let tags = tags.map_err(|error| Absent::from(&error))?;
    look(registry, policy, &whole?, tags).await
}

async fn look(
    registry: &Registry,
    policy: &Policy,
    promoted: &[Whole],
    tags: Vec<String>,
) -> Result<(Compared, Vec<Evidence>), Absent> {
    for one in promoted {
        // A registry that hides tags from this account, or answers anything to anybody, gives
        // itself away here. Without the whole list there is no comparison.
        let listed = match &one.found.target {
            Target::Tag(tag) => tags.contains(tag),
            Target::Digest(_) => !tags.is_empty(),
        };
        if !listed {
            return Err(unknown(
                format!(
                    "the registry has `{}` but does not list its tag, so the list is not whole",
                    one.found.target.within(registry.repository())
                ),
                "give this account the right to list the tags of the repository",
            ));
        }
    }
    let hotfix_tags: Vec<String> = tags
        .into_iter()
        .filter(|tag| policy.hotfix_tags.recognise(tag) && is_tag(tag))
        .collect();
    if hotfix_tags.len() > MOST_HOTFIX_TAGS {
        return Err(unknown(
            format!("the repository has more than {MOST_HOTFIX_TAGS} hotfix tags"),
            "delete the tags of hotfixes that are long over",
        ));
    }
    let compared = Compared {
        versions: promoted
            .iter()
            .map(|one| (one.text.clone(), one.found.digest.clone()))
            .collect(),
        hotfix_tags: hotfix_tags.len(),
    };
    let known: Vec<Known<'_>> = promoted.iter().map(Known::of).collect();
    let same = search(registry, &known, hotfix_tags).await?;
    Ok((compared, same))
}

/// A promoted image, ready to be compared.
struct Known<'a> {
    whole: &'a Whole,
    /// Everything in it but itself.
    inside: HashSet<&'a Digest>,
    /// What runs of it, if it is an index.
    platforms: HashSet<&'a Digest>,
    /// The configurations of what runs of it.
    configs: HashSet<&'a Digest>,
}

impl<'a> Known<'a> {
    fn of(whole: &'a Whole) -> Self {
        let held = &whole.held;
        let index = !whole.found.manifest.is_image();
        let images = || held.images.iter();
        let described = images().filter(|part| part.is_described());
        Self {
            whole,
            inside: held.manifests.iter().skip(1).collect(),
            platforms: images()
                .filter(|_| index)
                .map(|part| &part.digest)
                .collect(),
            configs: described
                .map(|part| &part.config.digest)
                .filter(|digest| digest.as_str() != EMPTY)
                .collect(),
        }
    }

    fn evidence(&self, relation: Relation, tag: &str) -> Evidence {
        Evidence::Bytes {
            version: self.whole.text.clone(),
            relation,
            digest: self.whole.found.digest.to_string(),
            tag: tag.to_owned(),
        }
    }

    /// How the image belongs to a hotfix that has this at its top.
    fn relation(&self, top: &Seen) -> Option<Relation> {
        let digest = &self.whole.found.digest;
        let named = |wanted: &Digest| top.children.iter().any(|child| child.digest == *wanted);
        // A digest in another algorithm is known under the one that the promotion names.
        let own = &self.whole.found.manifest.digest;
        if *digest == top.digest {
            Some(Relation::Same)
        } else if named(digest) || named(own) {
            Some(Relation::Part)
        } else if self.inside.contains(&top.digest) || self.names(&top.digest) {
            Some(Relation::Contains)
        } else if self.platforms.iter().any(|platform| named(platform)) {
            Some(Relation::Shares)
        } else {
            self.same_config(top)
        }
    }

    /// How it belongs to a hotfix in whose index this lies.
    fn relation_to_part(&self, part: &Seen) -> Option<Relation> {
        if self.whole.found.digest == part.digest {
            Some(Relation::Part)
        } else if self.platforms.contains(&part.digest) {
            Some(Relation::Shares)
        } else {
            self.same_config(part)
        }
    }

    fn same_config(&self, seen: &Seen) -> Option<Relation> {
        let config = seen.config.as_ref()?;
        self.configs
            .contains(config)
            .then_some(Relation::SameConfig)
    }

    /// Whether the promoted index names a manifest, which need not be there.
    fn names(&self, digest: &Digest) -> bool {
        self.whole.found.manifest.children().contains(digest)
    }
}

/// What is kept of a hotfix's manifest.
struct Seen {
    /// SHA-256.
    digest: Digest,
    /// The manifests of an index.
    children: Vec<Descriptor>,
    /// The configuration of an image that runs.
    config: Option<Digest>,
}

impl Seen {
    fn of(manifest: &Manifest, name: &str) -> Result<Self, String> {
        let digest = Digest::of(&manifest.bytes);
        if !manifest.is_image() {
            return Ok(Self {
                digest,
                children: manifest.parts()?,
                config: None,
            });
        }
        // An image that names no configuration that can be read has none in common with another.
        let part = image::part(manifest, name).ok().flatten();
        Ok(Self {
            digest,
            children: Vec::new(),
            config: part
                .filter(image::Part::is_described)
                .map(|part| part.config.digest),
        })
    }
}

/// Looks at every hotfix tag, and then, level by level, at what their indexes hold. Each manifest is
/// read once, however many tags hold it.
async fn search(
    registry: &Registry,
    promoted: &[Known<'_>],
    tags: Vec<String>,
) -> Result<Vec<Evidence>, Absent> {
    let mut same = Vec::new();
    let mut waiting: HashMap<Digest, (Descriptor, String)> = HashMap::new();
    let mut asked = HashSet::new();
    let tops = tags.into_iter().map(|tag| async move {
        let seen = read(registry, &Target::Tag(tag.clone()), "").await;
        (tag, seen)
    });
    let mut tops = stream::iter(tops).buffered(AT_ONCE);
    while let Some((tag, seen)) = tops.next().await {
        // A tag that was deleted since it was listed has no bytes any more.
        let Some(seen) = seen.map_err(|error| Absent::from(&error))? else {
            continue;
        };
        let before = same.len();
        same.extend(
            promoted
                .iter()
                .filter_map(|one| Some(one.evidence(one.relation(&seen)?, &tag))),
        );
        if same.len() == before {
            wait(&mut waiting, &mut asked, seen.children, &tag)?;
        }
        if same.len() >= MOST_EVIDENCE {
            break;
        }
    }
    drop(tops);
    // Without a configuration there is nothing left that only a part of an index could show.
    for depth in 0..DEEPEST {
        // One reason is enough.
        if waiting.is_empty() || !same.is_empty() {
            return Ok(same);
        }
        let mut level: Vec<(Descriptor, String)> =
            std::mem::take(&mut waiting).into_values().collect();
        level.sort_by(|(a, _), (b, _)| a.digest.cmp(&b.digest));
        let parts = level.into_iter().map(|(part, tag)| async move {
            let name = part.platform.as_deref().unwrap_or_default();
            let seen = read(registry, &Target::Digest(part.digest.clone()), name).await;
            (tag, seen)
        });
        let mut parts = stream::iter(parts).buffered(AT_ONCE);
        while let Some((tag, seen)) = parts.next().await {
            // Mirrors keep some platforms of an index only.
            let Some(seen) = seen.map_err(|error| Absent::from(&error))? else {
                continue;
            };
            let found = promoted
                .iter()
                .filter_map(|one| Some(one.evidence(one.relation_to_part(&seen)?, &tag)));
            same.extend(found);
            if !seen.children.is_empty() && depth + 1 == DEEPEST {
                return Err(unknown(
                    format!("in the index of `{tag}` indexes lie more than {DEEPEST} deep"),
                    "delete that tag, or publish it again as one index",
                ));
            }
            wait(&mut waiting, &mut asked, seen.children, &tag)?;
        }
    }
    Ok(same)
}

/// Notes what is to be read on the next level.
fn wait(
    waiting: &mut HashMap<Digest, (Descriptor, String)>,
    asked: &mut HashSet<Digest>,
    children: Vec<Descriptor>,
    tag: &str,
) -> Result<(), Absent> {
    for child in children {
        if asked.insert(child.digest.clone()) {
            waiting.insert(child.digest.clone(), (child, tag.to_owned()));
        }
    }
    if asked.len() > MOST_PARTS {
        return Err(unknown(
            format!("the indexes of the hotfix tags hold more than {MOST_PARTS} manifests"),
            "delete the tags of hotfixes that are long over",
        ));
    }
    Ok(())
}

async fn read(
    registry: &Registry,
    target: &Target,
    name: &str,
) -> Result<Option<Seen>, RegistryError> {
    let Some(manifest) = registry.find(target).await? else {
        return Ok(None);
    };
    let seen = Seen::of(&manifest, name);
    seen.map(Some).map_err(|why| RegistryError {
        operation: "reading",
        reference: target.within(registry.repository()),
        cause: Cause::Answer(why),
    })
}

fn unknown(because: String, advice: &str) -> Absent {
    Absent::Unknown {
        because,
        retry: false,
        advice: advice.to_owned(),
    }
}
