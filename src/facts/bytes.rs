//! Identity 3: a version whose digest is that of a hotfix tag in the repository is a hotfix,
//! whatever it is called by now (A29; process.md §3.4: a tool of HOCS gave hotfixes release names).
//! So is one platform of a hotfix's index, and an index that holds a hotfix's image.

use futures_util::StreamExt as _;
use futures_util::future;
use futures_util::stream;

use super::identity::{Evidence, Relation};
use super::{Absent, Promotion, Source, VersionParameter};
use crate::policy::Policy;
use crate::registry::error::RegistryError;
use crate::registry::manifest::Manifest;
use crate::registry::reference::{Digest, Repository, Version, is_tag};
use crate::registry::{Registry, Target};

/// Requests for digests at the same time.
const AT_ONCE: usize = 8;
/// The most hotfix tags that are looked up.
const MOST_HOTFIX_TAGS: usize = 10_000;

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// What is to be deployed, and its digest.
    pub versions: Vec<(String, Digest)>,
    /// How many hotfix tags the repository has.
    pub hotfix_tags: usize,
}

/// What a promotion names in the repository: the text of each version parameter, and where it lies.
pub type Named = Vec<(String, Target)>;

/// Reads what there is to compare, before anything is asked.
///
/// # Errors
/// What to say of the bytes instead, when there is nothing to compare.
pub fn named(promotion: &Promotion, repo: &Repository) -> Result<Named, Source<Compared>> {
    if promotion.versions.is_empty() {
        return Err(Source::NotConfigured(
            "no version parameter names an image, so the build alone was judged".to_owned(),
        ));
    }
    let one = |parameter: &VersionParameter| {
        let target = match &parameter.version {
            Some(version) => target_of(version, repo),
            None => Err("it names no image"),
        };
        target
            .map(|target| (parameter.text.clone(), target))
            .map_err(|because| {
                unknown(
                    format!(
                        "`{}={}`: {because}",
                        parameter.name,
                        super::shorten(&parameter.text)
                    ),
                    "give the version as a tag or digest of `policy.repo`",
                )
            })
    };
    promotion.versions.iter().map(one).collect()
}

/// Compares the promoted versions with the hotfix tags of the repository.
pub async fn compare(
    registry: &Registry,
    policy: &Policy,
    named: Named,
    promotion: &mut Promotion,
) {
    match look(registry, policy, named).await {
        Ok((compared, same)) => {
            promotion.evidence.extend(same);
            promotion.bytes = Source::Known(compared);
        }
        Err(source) => promotion.bytes = source,
    }
}

/// Where an image that a promotion names lies in `repo`.
fn target_of(version: &Version, repo: &Repository) -> Result<Target, &'static str> {
    match version {
        Version::Digest(digest) => Ok(Target::Digest(digest.clone())),
        Version::Tag(tag) if is_tag(tag) => Ok(Target::Tag(tag.clone())),
        Version::Tag(_) => Err("no image tag can hold a `+`"),
        Version::Reference { name, tag, digest } => match (digest, tag) {
            (Some(digest), _) => Ok(Target::Digest(digest.clone())),
            (None, Some(tag)) if is_named(name, repo) => Ok(Target::Tag(tag.clone())),
            _ => Err("it lies in another repository than `policy.repo`"),
        },
    }
}

/// Whether a name means this repository: whole, or without a host by its path or last part. What a
/// tag means on another host, a mirror's too, nobody here has seen.
fn is_named(name: &str, repo: &Repository) -> bool {
    match Repository::parse(name) {
        Some(named) => named == *repo,
        None => name == repo.path() || name == repo.name(),
    }
}

type Answer = Result<(Compared, Vec<Evidence>), Source<Compared>>;

async fn look(registry: &Registry, policy: &Policy, targets: Named) -> Answer {
    let asked = targets
        .iter()
        .map(|(_, target)| resolve(registry, policy, target));
    let (tags, found) = future::join(registry.tags(), future::join_all(asked)).await;
    let tags = tags.map_err(|error| Absent::from(&error))?;
    let mut promoted = Vec::new();
    for ((text, target), found) in targets.into_iter().zip(found) {
        let Some((used, manifest)) = found.map_err(|error| Absent::from(&error))? else {
            return Err(unknown(
                format!(
                    "`{}` is not in the registry, so its bytes cannot be compared",
                    target.within(registry.repository())
                ),
                "check the version; if the image lies elsewhere, `policy.repo` is wrong",
            ));
        };
        // A registry that hides tags from this account, or answers anything to anybody, gives
        // itself away here. Without the whole list there is no comparison.
        let listed = match &used {
            Target::Tag(tag) => tags.contains(tag),
            Target::Digest(_) => !tags.is_empty(),
        };
        if !listed {
            return Err(unknown(
                format!(
                    "the registry has `{}` but does not list its tag, so the list is not whole",
                    used.within(registry.repository())
                ),
                "give this account the right to list the tags of the repository",
            ));
        }
        promoted.push((text, manifest));
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
    let count = hotfix_tags.len();
    // An image may be one platform of a hotfix's index, so then the indexes are read; an index is
    // compared by what it holds, and for that the digests of the hotfixes are enough.
    let whole = promoted.iter().any(|(_, manifest)| manifest.is_image());
    let mut answers = stream::iter(hotfix_tags.into_iter().map(|tag| async move {
        let hotfix = look_at(registry, &Target::Tag(tag.clone()), whole).await;
        (tag, hotfix)
    }))
    .buffered(AT_ONCE);
    let mut same = Vec::new();
    while let Some((tag, hotfix)) = answers.next().await {
        // A tag that was deleted since it was listed has no bytes any more.
        let Some(hotfix) = hotfix.map_err(|error| Absent::from(&error))? else {
            continue;
        };
        for (version, manifest) in &promoted {
            if let Some(relation) = relation(manifest, &hotfix) {
                same.push(Evidence::Bytes {
                    version: version.clone(),
                    relation,
                    digest: Digest::of(&manifest.bytes).to_string(),
                    tag: tag.clone(),
                });
            }
        }
    }
    let versions = promoted
        .into_iter()
        .map(|(text, m)| (text, Digest::of(&m.bytes)))
        .collect();
    Ok((
        Compared {
            versions,
            hotfix_tags: count,
        },
        same,
    ))
}

/// What a hotfix tag names: its digest, always SHA-256, and the manifests in it if they were read.
struct Hotfix {
    digest: Digest,
    children: Vec<Digest>,
}

async fn look_at(
    registry: &Registry,
    target: &Target,
    whole: bool,
) -> Result<Option<Hotfix>, RegistryError> {
    if !whole {
        match registry.digest(target).await? {
            None => return Ok(None),
            Some(digest) if digest.is_sha256() => {
                return Ok(Some(Hotfix {
                    digest,
                    children: Vec::new(),
                }));
            }
            // In another algorithm nothing could be compared.
            Some(_) => {}
        }
    }
    Ok(registry.find(target).await?.map(|manifest| Hotfix {
        digest: Digest::of(&manifest.bytes),
        children: manifest.children(),
    }))
}

/// How a promoted manifest is a hotfix's, if it is.
fn relation(promoted: &Manifest, hotfix: &Hotfix) -> Option<Relation> {
    let digest = Digest::of(&promoted.bytes);
    if digest == hotfix.digest {
        Some(Relation::Same)
    } else if hotfix.children.contains(&digest) {
        Some(Relation::Part)
    } else if promoted.children().contains(&hotfix.digest) {
        Some(Relation::Contains)
    } else {
        None
    }
}

/// The manifest of a version, and the name under which it was found: the git tag `v1.0.0` and the
/// image tag `1.0.0` are one release.
async fn resolve(
    registry: &Registry,
    policy: &Policy,
    target: &Target,
) -> Result<Option<(Target, Manifest)>, RegistryError> {
    if let Some(manifest) = registry.find(target).await? {
        return Ok(Some((target.clone(), manifest)));
    }
    let Target::Tag(tag) = target else {
        return Ok(None);
    };
    if !policy.is_release(tag) {
        return Ok(None);
    }
    let other = tag
        .strip_prefix('v')
        .map_or_else(|| format!("v{tag}"), str::to_owned);
    let other = Target::Tag(other);
    Ok(registry
        .find(&other)
        .await?
        .map(|manifest| (other, manifest)))
}

fn unknown(because: String, advice: &str) -> Source<Compared> {
    Source::Unknown {
        because,
        retry: false,
        advice: advice.to_owned(),
    }
}
