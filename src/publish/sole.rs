//! `policy.sole_publisher`: of two builds that write one tag at the same moment, never both end well
//! without a word of the other.
//!
//! Registries do not compare and swap, but they read and write, and that is enough for Lamport's
//! splitter («A Fast Mutual Exclusion Algorithm», 1987; named by Moir and Anderson, 1995). The tag is its
//! shared name. Its door is a small blob, the [`Mark`] «this tag was P», P being what the build found
//! at the tag when it began. Each build does this, in this order:
//!
//! 1. it reads the tag: P
//! 2. it writes the tag
//! 3. it looks for the door of P, and if that is there, it cannot end silently any more
//! 4. it leaves the door
//! 5. it reads the tag, and unless that has its own digest, it cannot end silently
//!
//! **Of the builds that found the same P, at most one ends silently.** Suppose two do, A and B, and let
//! B's write of the tag be the later one. A read its own digest (5), so it did that before B wrote (2).
//! A had left the door (4) before that, and B looked for it (3) after its own write. So B found it, and
//! did not end silently.
//!
//! **Of two builds, both end silently only if one replaced the other's image knowingly**: each found
//! either what was there before both, or the other's digest; if both found the former, see above.
//!
//! **If a write of one of many builds is lost unseen, then one of the builds that wrote the tag has said
//! so, or was killed.** Suppose all of them ended silently. Take the first write W that did not replace
//! what its build had found, P. There was a write X of P, or P was there from the start; and the
//! write after X replaced P, which its build had found, as W is the first that did not. Now there are two
//! silent builds that found P.
//!
//! More cannot be had with a door for each P: of three builds, A and C find P, B finds C's image before
//! C ends; then A may overwrite C, B overwrite A, and both are silent. C says what happened. The
//! tests go through all interleavings of two and of three builds.
//!
//! What this rests on: every build that writes the tag does the same; the images are different ones (a tag
//! cannot tell apart two builds of the very same image); what the registry has taken is
//! there for everybody who asks later, as it is where registries keep blobs and tags in one place; and
//! garbage is not collected while builds run. A run that finds its digest at the tag writes nothing, and
//! says only that.
//!
//! A door stays when its build is done, so a tag that came back to P finds it. That is a false alarm,
//! said once: the next run of the step finds its own digest.

#[cfg(test)]
mod model;

use super::tag;
use crate::registry::Registry;
use crate::registry::Target;
use crate::registry::error::{Cause, RegistryError};
use crate::registry::manifest::Manifest;
use crate::registry::mark::Mark;
use crate::registry::reference::Digest;

/// The door of a tag that had this digest. The host stays out: builds may know the same registry by
/// different names.
fn door(to: &Registry, tag: &str, old: Option<&Digest>) -> Mark {
    let repository = to.repository().path();
    Mark::new(format!(
        "drone-hotfix: {repository}:{tag} was {}\n",
        name(old)
    ))
}

fn name(digest: Option<&Digest>) -> String {
    digest.map_or_else(|| "nothing".to_owned(), Digest::to_string)
}

/// Steps 3 to 5 for a tag that was written. `old` is what it named when this run began; `open` is an
/// earlier try to write it that had no answer.
///
/// # Errors
/// If the tag names something else, or another build may have written it at the same moment.
pub(super) async fn settle(
    to: &Registry,
    tag: &str,
    manifest: &Manifest,
    old: Option<&Digest>,
    open: Option<RegistryError>,
) -> Result<(), RegistryError> {
    let door = door(to, tag, old);
    let there = match to.has_mark(&door).await {
        Ok(false) => to.leave_mark(&door).await.map(|()| false),
        known => known,
    };
    // It is read back in any case: people are told what the tag names.
    tag::read_back(to, tag, manifest, old).await?;
    let unsure = |why: String, next: String| RegistryError {
        operation: "settling",
        reference: Target::Tag(tag.to_owned()).within(to.repository()),
        cause: Cause::Unsure {
            why: format!("the tag names {} now, but {why}", manifest.digest),
            next,
        },
    };
    let keep = "if this build is the one to keep, run the step again: it then finds its own digest and \
                writes nothing";
    match (there, open) {
        (Ok(false), None) => Ok(()),
        (Ok(false), Some(error)) => Err(unsure(
            format!(
                "it had to be sent twice: the first time nobody knows whether the registry took it \
                 ({error}). That one may still arrive and replace what another build writes meanwhile, \
                 which `policy.sole_publisher` rules out"
            ),
            keep.to_owned(),
        )),
        (Ok(true), _) => Err(unsure(
            format!(
                "another build may have written it at the same moment: `policy.sole_publisher` expects \
                 that no other build found it at {} and replaced that, and the mark of one is there ({}). \
                 A tag that was deleted or moved back to what it was before finds such a mark too",
                name(old),
                door.digest()
            ),
            format!("look whether another build of this branch published just now; {keep}"),
        )),
        (Err(error), _) => Err(unsure(
            format!(
                "whether another build wrote it at the same moment is not known: the mark that \
                 `policy.sole_publisher` needs failed: {error}"
            ),
            error.advice(),
        )),
    }
}
