//! The statement about an image: what was published or promoted, from which branch, and what every
//! rule said. It is attached to the digest in the registry, so it travels with the bytes, whatever
//! they are called.
//!
//! With a key it is a sigstore bundle that `cosign verify-attestation --key` accepts; without, the bare
//! statement of in-toto. Others attach their own: those are passed over without a word.

pub mod bundle;
pub mod statement;

use std::collections::BTreeMap;

use crate::registry::Registry;
use crate::registry::error::RegistryError;
use crate::registry::reference::{Digest, Repository};
use crate::registry::referrers::Artifact;
use crate::signing::{SigningKey, VerifyKey};
use statement::{DEPLOYMENT, PUBLICATION, Statement};

/// The media type of a bare in-toto statement.
pub const STATEMENT: &str = "application/vnd.in-toto+json";

/// Where cosign's artifacts say what kind of statement they carry, and ours do as well.
const PREDICATE: &str = "dev.sigstore.bundle.predicateType";

/// The artifact that carries a statement.
///
/// # Errors
/// A sentence, if it is too long or cannot be signed.
pub fn artifact(statement: &Statement, key: Option<&SigningKey>) -> Result<Artifact, String> {
    let json = statement.to_json()?;
    let kind = statement.claim.predicate_type().to_owned();
    let mut annotations = BTreeMap::from([
        (
            "org.opencontainers.image.created".to_owned(),
            statement.claim.time().to_owned(),
        ),
        (PREDICATE.to_owned(), kind),
    ]);
    let (media_type, payload) = match key {
        Some(key) => {
            // As cosign writes it (`WriteAttestationNewBundleFormat`).
            let content = "dev.sigstore.bundle.content".to_owned();
            annotations.insert(content, "dsse-envelope".to_owned());
            (bundle::MEDIA_TYPE, bundle::seal(STATEMENT, &json, key)?)
        }
        None => (STATEMENT, json),
    };
    Ok(Artifact {
        media_type,
        annotations,
        payload,
    })
}

/// Reads what one artifact carries. `None` if it is no statement of ours. With keys, only what one of
/// them signed is one.
///
/// # Errors
/// A sentence that says why it counts as none.
pub fn read(
    media_type: &str,
    bytes: &[u8],
    keys: &[VerifyKey],
    repository: &Repository,
    digest: &Digest,
) -> Result<Option<Statement>, String> {
    let sealed = match media_type {
        STATEMENT => None,
        bundle::MEDIA_TYPE => match bundle::open(bytes)? {
            Some(sealed) if sealed.payload_type == STATEMENT => Some(sealed),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    let json = sealed.as_ref().map_or(bytes, |sealed| &sealed.payload);
    let Some(statement) = Statement::read(json, repository, digest)? else {
        return Ok(None);
    };
    if keys.is_empty() {
        return Ok(Some(statement));
    }
    match sealed {
        None => Err("it is not signed, and `policy.verify_keys` asks for that".to_owned()),
        Some(sealed) if keys.iter().any(|key| sealed.is_signed_by(key)) => Ok(Some(Statement {
            signed: true,
            ..statement
        })),
        Some(_) => {
            Err("its signature does not verify with any key of `policy.verify_keys`".to_owned())
        }
    }
}

/// What is attached to one digest: the statements that count, and what looks like one and counts as none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The statements.
    pub statements: Vec<Statement>,
    /// The others, each with its reason.
    pub rejected: Vec<String>,
}

/// Reads every statement that is attached to a digest. Two requests, when there is one and the registry
/// keeps the list.
///
/// # Errors
/// If the registry does not say all of it: that there is none is known only when it says so.
pub async fn attached(
    registry: &Registry,
    digest: &Digest,
    keys: &[VerifyKey],
) -> Result<Found, RegistryError> {
    let mut found = Found::default();
    for referrer in registry
        .referrers(digest, &[bundle::MEDIA_TYPE, STATEMENT])
        .await?
    {
        // Others attach bundles with predicates of their own, in all forms and lengths.
        let kind = referrer.annotations.get(PREDICATE);
        if kind.is_some_and(|kind| !matches!(kind.as_str(), PUBLICATION | DEPLOYMENT)) {
            continue;
        }
        let read = if referrer.subject == *digest {
            referrer.payload.and_then(|payload| {
                read(
                    &payload.media_type,
                    &payload.bytes,
                    keys,
                    registry.repository(),
                    digest,
                )
            })
        } else {
            Err(format!(
                "it is attached to {}, and only listed here",
                referrer.subject
            ))
        };
        match read {
            Ok(Some(statement)) => found.statements.push(statement),
            Ok(None) => {}
            Err(why) => found.rejected.push(format!("`{}`: {why}", referrer.digest)),
        }
    }
    Ok(found)
}
