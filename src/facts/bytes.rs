//! Identity 3: a version whose bytes are those of a hotfix tag in the repository is a hotfix,
//! whatever it is called by now (A29; process.md §3.4: a tool of HOCS gave hotfixes release names).
//! So is one platform of a hotfix's index, an index that holds a hotfix's image or one of its
//! platforms, and the same image in another manifest: one configuration names its layers.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::identity::{Evidence, Relation};
use super::promoted::{Found, Promoted};
use super::{Absent, shorten};
use crate::policy::Policy;
use crate::registry::error::RegistryError;
use crate::registry::manifest::{Descriptor, Manifest};
use crate::registry::reference::{Digest, is_tag};
use crate::registry::{Registry, Target};

/// Requests at the same time.
const AT_ONCE: usize = 16;
/// The most hotfix tags that are looked up.
const MOST_HOTFIX_TAGS: usize = 10_000;
/// The most manifests within the indexes of hotfixes that are read.
const MOST_PLATFORMS: usize = 20_000;
/// How deep indexes may lie in indexes.
const DEEPEST: usize = 4;
/// The configuration of an artifact: `{}`, the empty descriptor of the image-spec. Whatever has it is
/// no image.
const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
/// What BuildKit calls the platform of its attestations, which are no images.
const NO_PLATFORM: &str = "unknown/unknown";

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// What is to be deployed, and its digest.
    pub versions: Vec<(String, Digest)>,
    /// How many hotfix tags the repository has.
    pub hotfix_tags: usize,
}

/// Compares the promoted images with the hotfix tags of the repository.
///
/// # Errors
/// What could not be looked at.
pub async fn compare(
    registry: &Registry,
    policy: &Policy,
    promoted: &[Promoted],
) -> Result<(Compared, Vec<Evidence>), Absent> {
    let tags = registry
        .tags()
        .await
        .map_err(|error| Absent::from(&error))?;
    let mut images: Vec<(&str, &Found)> = Vec::new();
    for one in promoted {
        let Some(found) = &one.image else {
            return Err(unknown(
                format!(
                    "`{}={}` is not in the registry, so its bytes cannot be compared",
                    one.parameter,
                    shorten(&one.text)
                ),
                "check the version; if the image lies elsewhere, `policy.repo` is wrong",
            ));
        };
        // A registry that hides tags from this account, or answers anything to anybody, gives
        // itself away here. Without the whole list there is no comparison.
        let listed = match &found.target {
            Target::Tag(tag) => tags.contains(tag),
            Target::Digest(_) => !tags.is_empty(),
        };
        if !listed {
            return Err(unknown(
                format!(
                    "the registry has `{}` but does not list its tag, so the list is not whole",
                    found.target.within(registry.repository())
                ),
                "give this account the right to list the tags of the repository",
            ));
        }
        images.push((&one.text, found));
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
        versions: images
            .iter()
            .map(|(text, found)| ((*text).to_owned(), found.digest.clone()))
            .collect(),
        hotfix_tags: hotfix_tags.len(),
    };
    let hotfixes = read(registry, hotfix_tags).await?;
    let mut same = by_digest(&images, &hotfixes);
    // What is known already needs no second look, which costs a request for each platform.
    if same.is_empty() {
        same = by_config(registry, &images, &hotfixes).await?;
    }
    Ok((compared, same))
}

/// A hotfix tag and what it names.
struct Hotfix {
    tag: String,
    digest: Digest,
    manifest: Manifest,
}

async fn read(registry: &Registry, tags: Vec<String>) -> Result<Vec<Hotfix>, Absent> {
    let each = tags.into_iter().map(|tag| async move {
        let manifest = registry.find(&Target::Tag(tag.clone())).await?;
        // A tag that was deleted since it was listed has no bytes any more.
        Ok::<_, RegistryError>(manifest.map(|manifest| Hotfix {
            tag,
            digest: Digest::of(&manifest.bytes),
            manifest,
        }))
    });
    let read: Result<Vec<Option<Hotfix>>, RegistryError> =
        stream::iter(each).buffered(AT_ONCE).try_collect().await;
    let read = read.map_err(|error| Absent::from(&error))?;
    Ok(read.into_iter().flatten().collect())
}

fn by_digest(images: &[(&str, &Found)], hotfixes: &[Hotfix]) -> Vec<Evidence> {
    let mut same = Vec::new();
    for hotfix in hotfixes {
        for (text, found) in images {
            if let Some(relation) = relation(found, hotfix) {
                same.push(evidence(text, found, relation, &hotfix.tag));
            }
        }
    }
    same
}

fn evidence(text: &str, found: &Found, relation: Relation, tag: &str) -> Evidence {
    Evidence::Bytes {
        version: text.to_owned(),
        relation,
        digest: found.digest.to_string(),
        tag: tag.to_owned(),
    }
}

/// How a promoted manifest is a hotfix's, if it is.
fn relation(promoted: &Found, hotfix: &Hotfix) -> Option<Relation> {
    if promoted.digest == hotfix.digest {
        return Some(Relation::Same);
    }
    let theirs = hotfix.manifest.children();
    if theirs.contains(&promoted.digest) {
        return Some(Relation::Part);
    }
    let ours = promoted.manifest.children();
    if ours.contains(&hotfix.digest) {
        return Some(Relation::Contains);
    }
    if ours.is_empty() || theirs.is_empty() {
        return None;
    }
    // What the hotfix's own index calls no platform is none; what the promoted one calls it counts for
    // nothing.
    let platforms = hotfix.manifest.parts().unwrap_or_default();
    let shared = platforms
        .iter()
        .filter(|part| !is_no_platform(part))
        .any(|part| ours.contains(&part.digest));
    shared.then_some(Relation::Shares)
}

fn is_no_platform(part: &Descriptor) -> bool {
    part.platform.as_deref() == Some(NO_PLATFORM)
}

/// Compares configurations: what was wrapped into another manifest, as another type or with other
/// annotations or compression, has another digest and the same configuration.
async fn by_config(
    registry: &Registry,
    images: &[(&str, &Found)],
    hotfixes: &[Hotfix],
) -> Result<Vec<Evidence>, Absent> {
    let mut configs = Configs {
        registry,
        known: HashMap::new(),
    };
    let roots = images.iter().map(|(_, found)| &found.manifest);
    let roots = roots.chain(hotfixes.iter().map(|hotfix| &hotfix.manifest));
    configs.read(roots).await?;
    let mut same = Vec::new();
    let ours: Result<Vec<HashSet<String>>, Absent> = images
        .iter()
        .map(|(_, found)| configs.of(&found.manifest))
        .collect();
    let ours = ours?;
    for hotfix in hotfixes {
        let theirs = configs.of(&hotfix.manifest)?;
        for ((text, found), ours) in images.iter().zip(&ours) {
            if !ours.is_disjoint(&theirs) {
                same.push(evidence(text, found, Relation::SameConfig, &hotfix.tag));
            }
        }
    }
    Ok(same)
}

/// Manifests that were read, by digest, so that none is read twice.
struct Configs<'a> {
    registry: &'a Registry,
    known: HashMap<Digest, Option<Manifest>>,
}

impl Configs<'_> {
    /// Reads everything that lies within these indexes.
    async fn read<'m>(&mut self, roots: impl Iterator<Item = &'m Manifest>) -> Result<(), Absent> {
        let mut wanted: Vec<Digest> = roots.flat_map(Manifest::children).collect();
        for _ in 0..DEEPEST {
            let mut seen = HashSet::new();
            wanted.retain(|digest| !self.known.contains_key(digest) && seen.insert(digest.clone()));
            if wanted.is_empty() {
                return Ok(());
            }
            if self.known.len() + wanted.len() > MOST_PLATFORMS {
                return Err(unknown(
                    format!("the images of hotfixes have more than {MOST_PLATFORMS} platforms"),
                    "delete the tags of hotfixes that are long over",
                ));
            }
            let registry = self.registry;
            let each = wanted.drain(..).map(|digest| async move {
                let found = registry.find(&Target::Digest(digest.clone())).await?;
                Ok::<_, RegistryError>((digest, found))
            });
            let read: Result<Vec<(Digest, Option<Manifest>)>, RegistryError> =
                stream::iter(each).buffered(AT_ONCE).try_collect().await;
            for (digest, manifest) in read.map_err(|error| Absent::from(&error))? {
                wanted.extend(manifest.iter().flat_map(Manifest::children));
                // A platform that the registry does not hold can be deployed by nobody.
                self.known.insert(digest, manifest);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        Err(unknown(
            format!("indexes lie more than {DEEPEST} deep in an index"),
            "publish the image as one index of its platforms",
        ))
    }

    /// The configurations of an image, or of every platform of an index. What cannot be read may be
    /// any, so then nobody can say.
    fn of(&self, root: &Manifest) -> Result<HashSet<String>, Absent> {
        let mut found = HashSet::new();
        let mut seen = HashSet::new();
        let mut open = vec![root];
        while let Some(manifest) = open.pop() {
            if !seen.insert(&manifest.digest) {
                continue;
            }
            if manifest.is_image() {
                let parts = manifest.parts().map_err(|why| {
                    unknown(
                        format!("the manifest {} cannot be read: {why}", manifest.digest),
                        "build and push the image again, or delete it",
                    )
                })?;
                let config = parts
                    .first()
                    .map(|config| config.digest.as_str().to_owned());
                found.extend(config.filter(|digest| digest != EMPTY));
            }
            let children = manifest.children();
            open.extend(
                children
                    .iter()
                    .filter_map(|digest| self.known.get(digest)?.as_ref()),
            );
        }
        Ok(found)
    }
}

fn unknown(because: String, advice: &str) -> Absent {
    Absent::Unknown {
        because,
        retry: false,
        advice: advice.to_owned(),
    }
}
