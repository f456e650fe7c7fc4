//! Artifacts that are attached to a manifest: what is said of an image, kept beside it in its repository
//! (OCI distribution spec 1.1, «Listing Referrers»; image-spec `manifest.md`, «Guidelines for Artifact
//! Usage»).
//!
//! Where a registry has the referrers API, it keeps the list itself. Where not, the list is an index under
//! the tag `sha256-<hex>`, which the clients keep (`referrers/fallback.rs`). That nothing is attached is said only by a
//! list that is there and empty, or by two clear answers that there is none.

mod attach;
mod fallback;

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use reqwest::header::{ACCEPT, LINK};
use serde::Deserialize;

pub use attach::Attached;

use super::error::{Cause, RegistryError};
use super::exact::Exact;
use super::manifest::{self, Descriptor, Manifest};
use super::reference::Digest;
use super::{Registry, Target, link};
use crate::http::Request;

/// The media type of an index, which a list of referrers is.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of the manifest of an artifact.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The most artifacts of the wanted types that are looked at. Beyond, nobody can say what is attached.
const MOST: usize = 200;
/// The most entries of all types, and pages, of one list.
const MOST_LISTED: usize = 5_000;
const MOST_PAGES: usize = 50;
/// The largest payload that is read, in bytes: a statement is a tenth of that.
const LARGEST_PAYLOAD: u64 = 512 * 1024;
/// Manifests that are asked for at once.
const AT_ONCE: usize = 4;

/// Something to attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// What it is: the type of the artifact and of its payload.
    pub media_type: &'static str,
    /// Annotations, which the list repeats.
    pub annotations: BTreeMap<String, String>,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// Something that is attached, or said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// The digest of its manifest.
    pub digest: Digest,
    /// What its manifest says that it is attached to.
    pub subject: Digest,
    /// Annotations of its manifest.
    pub annotations: BTreeMap<String, String>,
    /// What it carries, or a sentence that says why that cannot be read.
    pub payload: Result<Payload, String>,
}

/// The one layer of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// One entry of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    digest: String,
    #[serde(default)]
    artifact_type: Option<String>,
}

/// What the manifest of an artifact says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    artifact_type: Option<String>,
    config: Option<Exact<Config>>,
    layers: Option<Vec<Exact<Layer>>>,
    subject: Option<Exact<Subject>>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    media_type: Option<String>,
}

#[derive(Deserialize)]
struct Subject {
    digest: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    data: Option<String>,
}

/// Whether a list says for sure that an artifact is of none of these types. Some lists leave the type out, or
/// name that of the configuration in its place (go-containerregistry's registry does: each artifact is
/// `application/vnd.oci.empty.v1+json` there); then only the manifest knows.
fn is_other(listed: &str, types: &[&str]) -> bool {
    !types.contains(&listed) && !listed.is_empty() && !listed.starts_with("application/vnd.oci.")
}

impl Registry {
    /// What is attached to a digest, of these types of artifacts. A manifest that the list names and that is
    /// attached to nothing is left out: GitLab's children of an index look like that
    /// (oras-project/oras-go#1396). One that is attached to something else is for the caller to judge.
    ///
    /// # Errors
    /// If the list or one of the manifests cannot be had in whole.
    pub async fn referrers(
        &self,
        of: &Digest,
        types: &[&str],
    ) -> Result<Vec<Referrer>, RegistryError> {
        let listed = match self.listed(of).await? {
            Some(listed) => listed,
            None => match self.fallback(of).await? {
                Some(index) => self.entries(of, &index.bytes)?,
                None => Vec::new(),
            },
        };
        let mut seen = HashSet::new();
        let mut wanted = Vec::new();
        for Exact(entry) in listed {
            if entry
                .artifact_type
                .is_some_and(|kind| is_other(&kind, types))
            {
                continue;
            }
            let digest = Digest::parse(&entry.digest)
                .ok_or_else(|| self.unlisted(of, "it names no digest that we can check"))?;
            if seen.insert(digest.clone()) {
                wanted.push(digest);
            }
        }
        if wanted.len() > MOST {
            return Err(self.unlisted(of, &format!("it names more than {MOST} artifacts")));
        }
        let read = wanted.iter().map(|digest| self.referrer(digest, types));
        let read: Vec<Option<Referrer>> =
            stream::iter(read).buffered(AT_ONCE).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// The list that the registry keeps, over all its pages. `None` if it keeps none (404).
    async fn listed(&self, of: &Digest) -> Result<Option<Vec<Exact<Listed>>>, RegistryError> {
        let fail = |cause| self.listing(of, cause);
        let first = self.url(&["referrers", of.as_str()]);
        let (mut url, mut all) = (first.clone(), Vec::new());
        for page in 0..MOST_PAGES {
            let make =
                || Request::new(Method::GET, url.clone(), manifest::LARGEST).header(ACCEPT, INDEX);
            let answer = self.session.send(make).await.map_err(fail)?;
            if answer.status == 404 && page == 0 {
                return Ok(None);
            }
            if answer.status != 200 {
                return Err(fail(Cause::status(&answer)));
            }
            // Hosts exist that answer 200 with their web page (oras-project/oras-go#633).
            let kind = answer.header("content-type").unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            if !kind.eq_ignore_ascii_case(INDEX) {
                return Err(self.unlisted(of, "the answer is not an index"));
            }
            all.extend(self.entries(of, &answer.body)?);
            if all.len() > MOST_LISTED {
                break;
            }
            let links = answer.headers.get_all(LINK).iter();
            let links = links.map(|link| link.to_str().unwrap_or("not text"));
            let next = link::next_page(links)
                .map_err(|()| self.unlisted(of, "it goes on in a way that cannot be read"))?;
            let Some(next) = next else {
                return Ok(Some(all));
            };
            let next = url.join(&next).ok();
            url = next
                .filter(|next| next.origin() == first.origin())
                .ok_or_else(|| self.unlisted(of, "its next page is on another host"))?;
        }
        let why = format!("it has more than {MOST_LISTED} entries or {MOST_PAGES} pages");
        Err(self.unlisted(of, &why))
    }

    fn entries(&self, of: &Digest, index: &[u8]) -> Result<Vec<Exact<Listed>>, RegistryError> {
        #[derive(Deserialize)]
        struct Index {
            manifests: Option<Vec<Exact<Listed>>>,
        }
        // `null` is how Go writes an empty list; a list that is left out is no list.
        let index = serde_json::from_slice::<Exact<Index>>(index);
        let Ok(Exact(index)) = index else {
            return Err(self.unlisted(of, "the answer is not an index"));
        };
        Ok(index.manifests.unwrap_or_default())
    }

    /// Reads an artifact. `None` if it is of another type, or attached to nothing.
    async fn referrer(
        &self,
        digest: &Digest,
        types: &[&str],
    ) -> Result<Option<Referrer>, RegistryError> {
        let target = Target::Digest(digest.clone());
        let manifest = self.manifest(&target).await?;
        let fail = |why: &str| self.error("reading", &target, Cause::Answer(why.to_owned()));
        if manifest.media_type != MANIFEST {
            return Ok(None);
        }
        let Ok(Exact(shape)) = serde_json::from_slice::<Exact<Shape>>(&manifest.bytes) else {
            return Err(fail(
                "it is listed as an artifact and cannot be read as one",
            ));
        };
        // Without a type of its own, an artifact is what its configuration is (image-spec manifest.md).
        let config = shape.config.and_then(|Exact(config)| config.media_type);
        let kind = shape.artifact_type.or(config).unwrap_or_default();
        let Some(Exact(subject)) = shape.subject.filter(|_| types.contains(&kind.as_str())) else {
            return Ok(None);
        };
        let subject = Digest::parse(&subject.digest)
            .ok_or_else(|| fail("what it is attached to has no digest that we can check"))?;
        Ok(Some(Referrer {
            digest: digest.clone(),
            subject,
            annotations: shape.annotations.unwrap_or_default(),
            payload: self.payload(shape.layers.unwrap_or_default()).await?,
        }))
    }

    async fn payload(
        &self,
        layers: Vec<Exact<Layer>>,
    ) -> Result<Result<Payload, String>, RegistryError> {
        let form = |why: &str| Ok(Err(format!("it has an unknown form: {why}")));
        let [Exact(layer)] = layers.as_slice() else {
            return form("it has not one layer");
        };
        let Some(digest) = Digest::parse(&layer.digest) else {
            return form("its layer has no digest that we can check");
        };
        if layer.size > LARGEST_PAYLOAD {
            return form("it is too long");
        }
        let bytes = match &layer.data {
            Some(data) => match STANDARD.decode(data) {
                Ok(bytes) if digest.matches(&bytes) => bytes,
                _ => return form("the data in its manifest are not those of its layer"),
            },
            None => {
                self.blob(&Descriptor {
                    media_type: layer.media_type.clone(),
                    digest,
                    size: layer.size,
                    foreign: false,
                    platform: None,
                })
                .await?
            }
        };
        if bytes.len() as u64 != layer.size {
            return form("its layer has another size");
        }
        Ok(Ok(Payload {
            media_type: layer.media_type.clone(),
            bytes,
        }))
    }

    /// The index under the fallback tag; `None` if there is none. GitLab gives the manifest itself for its
    /// tag (oras-project/oras-go#1396): that is no list.
    ///
    /// # Errors
    /// If the registry does not say, or what stands there is no index.
    async fn fallback(&self, of: &Digest) -> Result<Option<Manifest>, RegistryError> {
        let target = Target::Tag(fallback::tag(of));
        let found = self.find(&target).await.map_err(|error| RegistryError {
            operation: "listing what is attached to",
            ..error
        })?;
        let Some(found) = found.filter(|found| found.digest != *of) else {
            return Ok(None);
        };
        if found.media_type != INDEX {
            let why = "what stands under this tag is no list of what is attached".to_owned();
            return Err(self.error("reading", &target, Cause::Answer(why)));
        }
        Ok(Some(found))
    }

    fn listing(&self, of: &Digest, cause: Cause) -> RegistryError {
        let target = Target::Digest(of.clone());
        self.error("listing what is attached to", &target, cause)
    }

    fn unlisted(&self, of: &Digest, why: &str) -> RegistryError {
        let why = format!("the list of what is attached cannot be used: {why}");
        self.listing(of, Cause::Answer(why))
    }
}
