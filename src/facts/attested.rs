//! Reads the statements that are attached to an image.

use super::promoted::Attested;
use crate::attestation;
use crate::policy::Policy;
use crate::registry::Registry;
use crate::registry::error::RegistryError;
use crate::registry::reference::Digest;

/// Every statement about a digest of the registry's repository; with `policy.verify_keys`, only those that
/// count. Two requests, when there is one and the registry keeps the list.
///
/// # Errors
/// If the registry does not say all of it: that there is none is known only when it says so.
pub async fn read(
    registry: &Registry,
    digest: &Digest,
    policy: &Policy,
) -> Result<Attested, RegistryError> {
    let found = attestation::attached(registry, digest, &policy.verify_keys).await?;
    Ok(Attested {
        digest: digest.clone(),
        statements: found.statements,
        rejected: found.rejected,
    })
}
