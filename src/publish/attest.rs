//! Attaches a statement to what was published or promoted.

use crate::attestation::statement::{self, Claim};
use crate::attestation::{self, Found};
use crate::registry::Registry;
use crate::registry::error::{Cause, RegistryError};
use crate::registry::manifest::Manifest;
use crate::registry::reference::Digest;
use crate::report::Attachment;
use crate::signing::SigningKey;

/// What is to be said about an image.
pub enum Statement<'k> {
    /// Nothing: the policy turns it off.
    Off,
    /// It could not be said as the team wants it.
    Withheld {
        /// Why not.
        because: String,
        /// What to do.
        advice: String,
    },
    /// This, signed with this key.
    Due(Box<Claim>, Option<&'k SigningKey>),
}

/// Attaches a statement to an image that stands. That it cannot be is told, and fails nothing: the tags
/// are good without it.
pub async fn attach(
    to: &Registry,
    root: &Manifest,
    claim: Claim,
    key: Option<&SigningKey>,
) -> Attachment {
    let signed = key.is_some();
    match write(to, root, claim, key).await {
        Ok(Attached::New { artifact, .. }) => Attachment::Attached {
            digest: Some(artifact),
            signed,
            already: false,
        },
        Ok(Attached::Present) => Attachment::Attached {
            digest: None,
            signed,
            already: true,
        },
        Err(error) => Attachment::Missing {
            because: error.to_string(),
            advice: error.advice(),
        },
    }
}

/// What became of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attached {
    /// It was attached.
    New {
        /// The digest of the artifact that carries it.
        artifact: Digest,
        /// Whether the registry keeps the list; if not, it stands under the fallback tag.
        by_registry: bool,
    },
    /// One that says the same is there already, signed with the same key if there is one.
    Present,
}

/// Attaches a statement to an image or index of the registry's repository; signed, if there is a key.
///
/// # Errors
/// If it cannot be attached; [`Cause::NoArtifacts`] if the registry takes none at all.
pub async fn write(
    registry: &Registry,
    subject: &Manifest,
    claim: Claim,
    key: Option<&SigningKey>,
) -> Result<Attached, RegistryError> {
    let keys: Vec<_> = key.iter().map(|key| key.public().clone()).collect();
    // Where the list cannot be read, a second statement does no harm, and none would.
    let there = attestation::attached(registry, &subject.digest, &keys).await;
    let same = |found: &Found| {
        let mut statements = found.statements.iter();
        statements.any(|statement| statement.claim.says_the_same(&claim))
    };
    if there.is_ok_and(|found| same(&found)) {
        return Ok(Attached::Present);
    }
    let statement = statement::Statement::new(registry.repository(), subject.digest.clone(), claim);
    let artifact = attestation::artifact(&statement, key).map_err(|why| RegistryError {
        operation: "attaching a statement to",
        reference: format!("{}@{}", registry.repository(), subject.digest),
        cause: Cause::Answer(why),
    })?;
    let attached = registry.attach(subject, &artifact).await?;
    Ok(Attached::New {
        artifact: attached.digest,
        by_registry: attached.by_registry,
    })
}
