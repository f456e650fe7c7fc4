//! One tag: written so that nobody else's write is lost unseen, and read back.
//!
//! No registry that we know of writes only if a tag still is what it was (`If-Match`; measured with four
//! of them), so two builds that write the same tag at the same moment cannot be kept apart. What can
//! be done is to look before and after: whoever finds another digest than its own says so. That leaves
//! a gap, which [`super::sole`] closes where the policy wants it.

use crate::http::backoff;
use crate::registry::advice::Refusal;
use crate::registry::error::{Cause, RegistryError};
use crate::registry::manifest::Manifest;
use crate::registry::reference::Digest;
use crate::registry::{Registry, Target};
use crate::report::TagState;

/// How often a tag is written or looked for.
const TRIES: u32 = 4;

/// What a registry took.
pub(super) struct Taken {
    /// What became of the tag.
    pub state: TagState,
    /// Whether the tag was looked at since.
    pub seen: bool,
    /// An earlier try that had no clear answer and was not seen: it may still arrive.
    pub open: Option<RegistryError>,
}

/// Puts one tag on a manifest. `old` is what it named when this run began.
///
/// # Errors
/// If the registry does not take it, or the tag was moved by somebody else.
pub(super) async fn put(
    to: &Registry,
    tag: &str,
    manifest: &Manifest,
    old: Option<&Digest>,
) -> Result<Taken, RegistryError> {
    let target = Target::Tag(tag.to_owned());
    let is_ours = |digest: &Digest| digest.matches(&manifest.bytes);
    if old.is_some_and(is_ours) {
        return Ok(Taken {
            state: TagState::Unchanged,
            seen: true,
            open: None,
        });
    }
    let taken = |seen, open| Taken {
        state: old.cloned().map_or(TagState::Created, TagState::Moved),
        seen,
        open,
    };
    let mut open = None;
    for tries in 1.. {
        let Err(error) = to.put(&target, manifest).await else {
            break;
        };
        // Whether a write that failed was made after all, only the tag itself can tell. Registries
        // whose tags do not move refuse even the same digest again.
        let refused = error.refusal();
        let doubtful = is_new(&error) && error.may_pass() || is_unseen(&error);
        let unsure = [
            Refusal::Immutable,
            Refusal::Right,
            Refusal::Busy,
            Refusal::Other,
        ];
        if !doubtful && !refused.is_some_and(|refusal| unsure.contains(&refusal)) {
            return Err(error);
        }
        let Ok(now) = to.digest(&target).await else {
            return Err(error);
        };
        if now.as_ref().is_some_and(is_ours) {
            return Ok(taken(true, open));
        }
        if now.as_ref() != old {
            let how = "after this build had looked, so it was left alone";
            return Err(moved(to, tag, old, now.as_ref(), how));
        }
        if !doubtful || tries >= TRIES {
            return Err(error);
        }
        if is_open(&error) {
            open = Some(error);
        }
        tokio::time::sleep(backoff(tries)).await;
    }
    Ok(taken(false, open))
}

/// Reads a tag back that a registry took. `old` is what it named before: a cache may still say that.
///
/// # Errors
/// If the tag names something else, or the registry does not say.
pub(super) async fn read_back(
    to: &Registry,
    tag: &str,
    manifest: &Manifest,
    old: Option<&Digest>,
) -> Result<(), RegistryError> {
    let target = Target::Tag(tag.to_owned());
    let look = async || {
        let now = to.digest(&target).await;
        now.map_err(|error| RegistryError {
            operation: "reading back",
            ..error
        })
    };
    let mut now = look().await?;
    // A registry of several machines may need a moment to show what it has taken.
    for tries in 1..TRIES {
        if now.is_some() && now.as_ref() != old {
            break;
        }
        tokio::time::sleep(backoff(tries)).await;
        now = look().await?;
    }
    if now.as_ref().is_some_and(|now| now.matches(&manifest.bytes)) {
        return Ok(());
    }
    let now = now.map_or_else(|| "no such tag".to_owned(), |digest| digest.to_string());
    Err(RegistryError {
        operation: "reading back",
        reference: target.within(to.repository()),
        cause: Cause::Moved(format!(
            "the registry took {} and now has {now}: another build wrote the same tag, or it does not \
             keep what it takes",
            manifest.digest
        )),
    })
}

/// Whether it is worth a further try: an error that was met several times has been waited for
/// already, and for some there is no time.
const fn is_new(error: &RegistryError) -> bool {
    !matches!(
        error.cause,
        Cause::Status { tries: 2.., .. } | Cause::Status { too_late: true, .. }
    )
}

/// Whether a write that failed may still be made: nobody answered, or one who may have handed it on
/// (Envoy answers 503 when the server behind it breaks off).
fn is_open(error: &RegistryError) -> bool {
    let Cause::Status { status, .. } = error.cause else {
        return true;
    };
    !matches!(status, 425 | 429) && !is_unseen(error)
}

/// Whether a registry does not see yet what was sent to it a moment ago.
fn is_unseen(error: &RegistryError) -> bool {
    let Cause::Status { status, said, .. } = &error.cause else {
        return false;
    };
    let said = said.as_deref().unwrap_or_default();
    let names = ["MANIFEST_UNKNOWN", "MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"];
    matches!(status, 400 | 404) && names.iter().any(|name| said.starts_with(name))
}

/// A tag that somebody else has moved.
pub(super) fn moved(
    to: &Registry,
    tag: &str,
    before: Option<&Digest>,
    now: Option<&Digest>,
    when: &str,
) -> RegistryError {
    let name = |digest: Option<&Digest>| {
        digest.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string())
    };
    RegistryError {
        operation: "writing",
        reference: Target::Tag(tag.to_owned()).within(to.repository()),
        cause: Cause::Moved(format!(
            "somebody else moved the tag from {} to {} {when}",
            name(before),
            name(now)
        )),
    }
}
