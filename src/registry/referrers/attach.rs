//! Attaching: the payload, the manifest that names its subject, and the list where the registry keeps none.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::Method;
use serde_json::json;

use super::super::error::{Cause, RegistryError};
use super::super::manifest::{Descriptor, Manifest};
use super::super::reference::Digest;
use super::super::{Registry, Target};
use super::fallback::{self, List};
use super::{Artifact, MANIFEST};
use crate::http::{Meter, Response, backoff};
use crate::secret::shorten;

/// How often the list is written at the most. Everybody's entries travel with each write, so a few are
/// enough for any number of builds.
const TRIES: u32 = 12;
/// How often one manifest is sent at the most.
const PUTS: u32 = 5;
/// The configuration of an artifact that has none (image-spec manifest.md, «Guidance for an Empty
/// Descriptor»).
const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// What was attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The digest of the artifact's manifest.
    pub digest: Digest,
    /// Whether the registry keeps the list; if not, it stands under the fallback tag.
    pub by_registry: bool,
}

impl Registry {
    /// Attaches an artifact to an image or index, and sees to it that the list names it. It may be done again:
    /// the same artifact has the same digest.
    ///
    /// # Errors
    /// If the registry takes no artifacts ([`Cause::NoArtifacts`]), or not this one now.
    pub async fn attach(
        &self,
        subject: &Manifest,
        artifact: &Artifact,
    ) -> Result<Attached, RegistryError> {
        self.in_the_end(self.attached(subject, artifact)).await
    }

    async fn attached(
        &self,
        subject: &Manifest,
        artifact: &Artifact,
    ) -> Result<Attached, RegistryError> {
        // Most often it is there. It is not even mounted then: that would write the one file that all builds
        // share, and docker-registry cannot read it in that moment.
        if !self.has_blob(&Digest::of(EMPTY)).await {
            self.push_small(EMPTY_TYPE, EMPTY).await?;
        }
        self.push_small(artifact.media_type, &artifact.payload)
            .await?;
        let manifest = manifest(subject, artifact);
        let target = Target::Digest(manifest.digest.clone());
        let mut tries = 0;
        let answer = loop {
            tries += 1;
            let put = self.call("attaching", Method::PUT, &target, Some(&manifest));
            let answer = put.await?;
            if matches!(answer.status, 200..=202) {
                break answer;
            }
            let error = self.refusal(&target, &answer);
            if !is_unseen(&error) || tries >= PUTS {
                return Err(error);
            }
            tokio::time::sleep(backoff(tries)).await;
        };
        let keeps = answer.header("oci-subject").and_then(Digest::parse);
        let by_registry = match keeps {
            Some(said) if said == subject.digest => true,
            Some(said) => {
                let why = format!("the registry attached it to {said} instead");
                return Err(self.error("attaching", &target, Cause::Answer(why)));
            }
            None => false,
        };
        if !by_registry {
            self.list(&subject.digest, &manifest).await?;
        }
        Ok(Attached {
            digest: manifest.digest,
            by_registry,
        })
    }

    async fn push_small(&self, kind: &str, bytes: &[u8]) -> Result<(), RegistryError> {
        let part = Descriptor {
            media_type: kind.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            foreign: false,
            platform: None,
        };
        let content = Bytes::copy_from_slice(bytes);
        let meter = Meter::default();
        self.push_blob(&part, None, &content, &meter)
            .await
            .map(drop)
    }

    /// An answer that a registry gives that knows images and nothing beside them, told apart from all others.
    fn refusal(&self, target: &Target, answer: &Response) -> RegistryError {
        let said = RegistryError::said(&answer.body).unwrap_or_default();
        let refused = matches!(answer.status, 400 | 405 | 406 | 415 | 422)
            || said.starts_with("MANIFEST_INVALID")
            || said.starts_with("UNSUPPORTED");
        let error = self.status("attaching", target, answer);
        if !refused || answer.too_late || is_unseen(&error) || error.may_pass() {
            return error;
        }
        let said = match said.as_str() {
            "" => String::new(),
            said => format!(", {}", shorten(said, 200)),
        };
        let why = format!("{}{said}", answer.status);
        self.error("attaching", target, Cause::NoArtifacts(why))
    }

    /// Sees to it that the list under the fallback tag names an artifact. Why this is enough is said in
    /// [`fallback`].
    async fn list(&self, of: &Digest, artifact: &Manifest) -> Result<(), RegistryError> {
        let own = fallback::own_tag(of, &artifact.digest);
        let target = Target::Tag(fallback::tag(of));
        self.put_patiently(&Target::Tag(own.clone()), artifact)
            .await?;
        // Tags that name nothing that belongs into the list.
        let mut strange = HashSet::new();
        let mut wanted = vec![own];
        for tries in 1..=TRIES {
            let index = self.fallback(of).await?;
            let mut list = List::new(index.as_ref());
            // What is to be in the list after the first write; from then on, all that is there.
            if tries > 1 {
                let tags = self.tags().await?.into_iter();
                wanted.extend(tags.filter(|tag| fallback::is_own_tag(tag, of)));
            }
            let mut missing: Vec<String> = wanted
                .iter()
                .filter(|tag| !strange.contains(*tag))
                .filter(|tag| {
                    !list
                        .digests()
                        .any(|known| fallback::is_named(tag, of, known))
                })
                .cloned()
                .collect();
            missing.sort();
            missing.dedup();
            let mut grown = false;
            for tag in missing {
                match self.descriptor(of, &tag, artifact).await? {
                    Some(descriptor) => {
                        list.add(descriptor);
                        grown = true;
                    }
                    None => {
                        strange.insert(tag);
                    }
                }
            }
            if !grown {
                // The first look is before anybody's tags were read.
                if tries > 1 {
                    return Ok(());
                }
                continue;
            }
            if tries > 2 {
                tokio::time::sleep(backoff((tries - 2).min(4))).await;
            }
            self.put_patiently(&target, &list.manifest()).await?;
        }
        let why = format!("the list does not keep what is written, {TRIES} times");
        Err(self.error("writing", &target, Cause::Answer(why)))
    }

    /// What the list says of the artifact with this tag; `None` if there is none that belongs into it.
    async fn descriptor(
        &self,
        of: &Digest,
        tag: &str,
        own: &Manifest,
    ) -> Result<Option<serde_json::Value>, RegistryError> {
        if fallback::is_named(tag, of, own.digest.as_str()) {
            return Ok(fallback::descriptor(of, own));
        }
        let found = self.find(&Target::Tag(tag.to_owned())).await?;
        let found = found.filter(|found| fallback::is_named(tag, of, found.digest.as_str()));
        Ok(found.and_then(|found| fallback::descriptor(of, &found)))
    }

    /// Puts a manifest under a tag, again if that may help: what is written here may be written twice.
    async fn put_patiently(
        &self,
        target: &Target,
        manifest: &Manifest,
    ) -> Result<(), RegistryError> {
        for tries in 1.. {
            match self.put(target, manifest).await {
                Err(error) if (error.may_pass() || is_unseen(&error)) && tries < PUTS => {
                    tokio::time::sleep(backoff(tries)).await;
                }
                done => return done,
            }
        }
        Ok(())
    }
}

/// Whether a registry does not see yet what was sent to it a moment ago, or sees it while it is written:
/// docker-registry empties the file that names a blob before it fills it, and says `DIGEST_INVALID` meanwhile.
fn is_unseen(error: &RegistryError) -> bool {
    let Cause::Status { status, said, .. } = &error.cause else {
        return false;
    };
    let said = said.as_deref().unwrap_or_default();
    let names = [
        "MANIFEST_UNKNOWN",
        "MANIFEST_BLOB_UNKNOWN",
        "BLOB_UNKNOWN",
        "DIGEST_INVALID",
    ];
    matches!(status, 400 | 404) && names.iter().any(|name| said.starts_with(name))
}

/// The manifest of an artifact. Its payload stands in it as well (image-spec descriptor.md, `data`), so that
/// who reads it needs no further request.
fn manifest(subject: &Manifest, artifact: &Artifact) -> Manifest {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": artifact.media_type,
        "config": {
            "mediaType": EMPTY_TYPE,
            "digest": Digest::of(EMPTY).as_str(),
            "size": EMPTY.len(),
            "data": STANDARD.encode(EMPTY),
        },
        "layers": [{
            "mediaType": artifact.media_type,
            "digest": Digest::of(&artifact.payload).as_str(),
            "size": artifact.payload.len(),
            "data": STANDARD.encode(&artifact.payload),
        }],
        "subject": {
            "mediaType": subject.media_type,
            "digest": subject.digest.as_str(),
            "size": subject.bytes.len(),
        },
        "annotations": artifact.annotations,
    });
    let bytes = manifest.to_string().into_bytes();
    Manifest {
        media_type: MANIFEST.to_owned(),
        digest: Digest::of(&bytes),
        bytes,
    }
}
