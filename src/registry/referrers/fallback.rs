//! The list under a tag, where a registry keeps none: kept right when many builds write at once.
//!
//! No registry that we know of writes a tag only if it is still what it was (`If-Match`; measured with four).
//! So a client that reads the list, adds its entry and writes it back may wipe out what another has added
//! meanwhile, however often that one has looked since: a slow writer may have read before.
//!
//! What a registry does have is names that nobody shares. Each artifact of ours gets a tag of its own, named
//! after the image and the artifact itself ([`own_tag`]): no two writers ever write different things there,
//! so none is lost, and the tags of the repository are a set that only grows. Each writer does this:
//!
//! 1. it puts its artifact under its own tag
//! 2. it reads the list, and writes it back with its entry
//! 3. it reads the list again, and then all tags; if the list names the artifact of every own tag of this
//!    image, it is done
//! 4. otherwise it writes the list back with what is missing, and goes on at 3
//!
//! **When all writers are done, the list names every artifact.** Take the last write of the list, W, by the
//! writer X. X looked at list and tags after it (3). The list was W, as nobody wrote later, and X was
//! done, so W named every artifact that had its tag when X looked at the tags. An artifact that got its tag
//! later is that of a writer Y that read the list after this, and so after W; it found its own entry missing
//! in W and wrote the list again (2 and 4), but W was the last write.
//!
//! A writer that is killed between 2 and 3 may leave a list that lacks something. Whoever writes next finds
//! it by its tag and brings it back. Other clients (cosign, oras) have no such tags: they may lose an entry of
//! their own, and lose one of ours until then. The tests go through all interleavings.

use serde_json::{Value, json};

use super::super::manifest::Manifest;
use super::super::reference::Digest;
use super::INDEX;

/// The digits of an artifact's digest in its own tag: 128 bits, because a tag has at most 128 characters.
const DIGITS: usize = 32;

/// The tag of the list of what is attached to a digest (distribution spec, «Referrers Tag Schema»).
pub(super) fn tag(of: &Digest) -> String {
    let (algorithm, hex) = of.parts();
    format!("{algorithm}-{}", hex.get(..64).unwrap_or(hex))
}

/// The tag that only this artifact of this image can have.
pub(super) fn own_tag(of: &Digest, artifact: &Digest) -> String {
    let (_, hex) = artifact.parts();
    format!("{}.{}", tag(of), hex.get(..DIGITS).unwrap_or(hex))
}

/// Whether a digest may be that of the artifact with this tag.
pub(super) fn is_named(own_tag: &str, of: &Digest, artifact: &str) -> bool {
    Digest::parse(artifact).is_some_and(|artifact| self::own_tag(of, &artifact) == own_tag)
}

/// Whether this is the own tag of an artifact of the image.
pub(super) fn is_own_tag(text: &str, of: &Digest) -> bool {
    let digits = text
        .strip_prefix(&tag(of))
        .and_then(|rest| rest.strip_prefix('.'));
    digits.is_some_and(|digits| {
        digits.len() == DIGITS
            && digits
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// A list, as it was read and as it grows. What others wrote into it stays as it is.
#[derive(Debug, Clone)]
pub(super) struct List(Value);

impl List {
    /// The list of this index; a new one if there is none.
    pub fn new(index: Option<&Manifest>) -> Self {
        let read = index.and_then(|index| serde_json::from_slice::<Value>(&index.bytes).ok());
        Self(
            read.filter(Value::is_object).unwrap_or_else(
                || json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] }),
            ),
        )
    }

    /// The digests in it.
    pub fn digests(&self) -> impl Iterator<Item = &str> {
        let entries = self.0.get("manifests").and_then(Value::as_array);
        let entries = entries.into_iter().flatten();
        entries.filter_map(|entry| entry.get("digest")?.as_str())
    }

    /// Adds the descriptor of an artifact.
    pub fn add(&mut self, descriptor: Value) {
        if let Some(list) = self.0.as_object_mut() {
            let entries = list.entry("manifests").or_insert_with(|| json!([]));
            match entries.as_array_mut() {
                Some(entries) => entries.push(descriptor),
                // Go writes an empty list as `null`.
                None => *entries = json!([descriptor]),
            }
        }
    }

    /// The index to write.
    pub fn manifest(&self) -> Manifest {
        let bytes = self.0.to_string().into_bytes();
        Manifest {
            media_type: INDEX.to_owned(),
            digest: Digest::of(&bytes),
            bytes,
        }
    }
}

/// What a list says of an artifact: its type and all its annotations with it (distribution spec, «Pushing
/// Manifests with Subject»). `None` if it is not attached to this image.
pub(super) fn descriptor(of: &Digest, artifact: &Manifest) -> Option<Value> {
    let shape: Value = serde_json::from_slice(&artifact.bytes).ok()?;
    if shape.get("subject")?.get("digest")?.as_str()? != of.as_str() {
        return None;
    }
    let kind = shape.get("artifactType");
    let kind = kind.or_else(|| shape.get("config")?.get("mediaType"))?;
    let mut descriptor = json!({
        "mediaType": artifact.media_type,
        "digest": artifact.digest.as_str(),
        "size": artifact.bytes.len(),
        "artifactType": kind,
    });
    if let Some(annotations) = shape.get("annotations") {
        descriptor["annotations"] = annotations.clone();
    }
    Some(descriptor)
}

#[cfg(test)]
mod tests;
