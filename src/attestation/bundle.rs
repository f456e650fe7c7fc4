//! A sigstore bundle, version 0.3, around a DSSE envelope with one signature of a plain public key.
//!
//! Sources: sigstore/protobuf-specs `sigstore_bundle.proto`, secure-systems-lab/dsse `protocol.md`. Such a
//! bundle has no certificate and no entry of a log: `cosign verify-attestation --key … \
//! --insecure-ignore-tlog`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::statement::LARGEST;
use crate::registry::exact::Exact;
use crate::secret::shorten;
use crate::signing::{SigningKey, VerifyKey};

/// The media type of the bundle; also the type of the artifact that carries it.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    verification_material: serde_json::Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dsse_envelope: Option<Exact<Envelope>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Exact<Signature>>,
}

#[derive(Serialize, Deserialize)]
struct Signature {
    sig: String,
}

/// What an envelope holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The media type of the payload.
    pub payload_type: String,
    /// The payload. Nobody has checked the signature yet.
    pub payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Sealed {
    /// Whether this key signed the payload under its type.
    pub fn is_signed_by(&self, key: &VerifyKey) -> bool {
        key.verifies(&pae(&self.payload_type, &self.payload), &self.signature)
    }
}

/// DSSE's pre-authentication encoding: what is signed.
fn pae(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Signs a payload and wraps it.
///
/// # Errors
/// A sentence, if it cannot be signed.
pub fn seal(payload_type: &str, payload: &[u8], key: &SigningKey) -> Result<Vec<u8>, String> {
    let signature = key
        .sign(&pae(payload_type, payload))
        .ok_or("the system has no random bytes to sign with")?;
    let bundle = Bundle {
        media_type: MEDIA_TYPE.to_owned(),
        verification_material: serde_json::json!({ "publicKey": { "hint": key.public().hint() } }),
        dsse_envelope: Some(Exact(Envelope {
            payload: STANDARD.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![Exact(Signature {
                sig: STANDARD.encode(signature),
            })],
        })),
    };
    serde_json::to_vec(&bundle).map_err(|error| format!("the bundle cannot be written: {error}"))
}

/// Unwraps a bundle. `None` if it holds something else than an envelope, such as cosign's signature of
/// the image.
///
/// # Errors
/// A sentence that says why it cannot be read.
pub fn open(bytes: &[u8]) -> Result<Option<Sealed>, String> {
    let form = |why: String| format!("it has an unknown form: {}", shorten(&why, 160));
    // In base64 a third longer, and a little around it.
    if bytes.len() > LARGEST * 2 {
        return Err(form(format!("more than {} bytes", LARGEST * 2)));
    }
    let Exact(bundle): Exact<Bundle> =
        serde_json::from_slice(bytes).map_err(|error| form(error.to_string()))?;
    if bundle.media_type != MEDIA_TYPE {
        return Err(form(format!(
            "a bundle of the type `{}`",
            bundle.media_type
        )));
    }
    let Some(Exact(envelope)) = bundle.dsse_envelope else {
        return Ok(None);
    };
    let [Exact(signature)] = envelope.signatures.as_slice() else {
        return Err(form(format!("{} signatures", envelope.signatures.len())));
    };
    let decoded = |text: &str| {
        let bytes = STANDARD.decode(text);
        bytes.map_err(|_| form("something that is not base64".to_owned()))
    };
    Ok(Some(Sealed {
        payload: decoded(&envelope.payload)?,
        payload_type: envelope.payload_type,
        signature: decoded(&signature.sig)?,
    }))
}
