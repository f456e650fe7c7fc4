//! Keys that sign statements and check their signatures: ECDSA on P-256 with SHA-256, and Ed25519.
//!
//! Private keys are PKCS#8 (RFC 5208, RFC 8410) and public ones SubjectPublicKeyInfo (RFC 5480), both in
//! PEM, as OpenSSL 3 and cosign write them. Nothing here ever shows a private key.

mod pem;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, UnparsedPublicKey,
};

use crate::secret::MASK;

/// What stands before the 65 bytes of a point in the SubjectPublicKeyInfo of a P-256 key.
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// What stands before the 32 bytes of an Ed25519 key.
const ED25519_HEAD: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// Object identifiers, as they stand in a key.
const EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ED: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
const RSA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
];
/// How far into a key its kind stands.
const HEAD: usize = 40;

const NEW: &str = "make a new one: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out \
                   key.pem`, or `-algorithm ED25519`";
const CONVERT: &str =
    "bring it into that form: `openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem`";
const DECRYPT: &str = "take the pass phrase off: `openssl pkey -in key.pem -out plain.pem`; the CI server keeps the secret";
const PUBLIC: &str = "make it from the private key: `openssl pkey -in key.pem -pubout`";

/// Why a text is no key for us. It never repeats the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongKey {
    /// What stands there.
    pub found: String,
    /// What to do, with the command.
    pub next: &'static str,
}

impl WrongKey {
    fn new(found: impl Into<String>, next: &'static str) -> Self {
        Self {
            found: found.into(),
            next,
        }
    }
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A private key.
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Pair>,
    public: VerifyKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl SigningKey {
    /// Reads a private key in PKCS#8 from PEM.
    ///
    /// # Errors
    /// What is wrong with it, and the command that makes the right form.
    pub fn parse(text: &str) -> Result<Self, WrongKey> {
        let block = pem::only_block(text, NEW).map_err(|wrong| match wrong {
            // OpenSSL writes the curve into a block of its own, before the old form.
            _ if text.contains("-----BEGIN EC PARAMETERS") => old_form(),
            wrong => wrong,
        })?;
        match block.label {
            "PRIVATE KEY" => {}
            "EC PRIVATE KEY" if !block.encrypted => return Err(old_form()),
            "PUBLIC KEY" => {
                let found = "a public key; that belongs into `policy.verify_keys`";
                return Err(WrongKey::new(found, NEW));
            }
            "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY" => {
                return Err(WrongKey::new("a key that cosign has encrypted", NEW));
            }
            _ if block.encrypted => return Err(WrongKey::new("an encrypted key", DECRYPT)),
            label => return Err(WrongKey::new(format!("a block `{label}`"), NEW)),
        }
        let der = block.der()?;
        let (pair, public) = match kind(&der) {
            Kind::P256 => {
                let pair = EcdsaKeyPair::from_pkcs8(
                    &ECDSA_P256_SHA256_ASN1_SIGNING,
                    &der,
                    &SystemRandom::new(),
                );
                // ring wants the public half in it, and OpenSSL puts it there.
                let pair =
                    pair.map_err(|_| WrongKey::new("a P-256 key that cannot be read", CONVERT))?;
                let public = VerifyKey::new(&P256_HEAD, pair.public_key().as_ref());
                (Pair::P256(pair), public)
            }
            Kind::Ed25519 => {
                // OpenSSL writes version 1, without the public half.
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
                let pair =
                    pair.map_err(|_| WrongKey::new("an Ed25519 key that cannot be read", NEW))?;
                let public = VerifyKey::new(&ED25519_HEAD, pair.public_key().as_ref());
                (Pair::Ed25519(pair), public)
            }
            Kind::Other(name) => return Err(WrongKey::new(name, NEW)),
        };
        Ok(Self {
            pair: Arc::new(pair),
            public,
        })
    }

    /// Signs a message; of ECDSA in ASN.1, as cosign wants it. `None` without random bytes.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &*self.pair {
            Pair::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }

    /// The key that checks what this one signs.
    pub const fn public(&self) -> &VerifyKey {
        &self.public
    }
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyKey {
    /// SubjectPublicKeyInfo in DER.
    der: Vec<u8>,
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyKey({})", self.hint())
    }
}

impl VerifyKey {
    fn new(head: &[u8], key: &[u8]) -> Self {
        Self {
            der: [head, key].concat(),
        }
    }

    /// Reads a public key from PEM.
    ///
    /// # Errors
    /// What is wrong with it, and the command that makes the right form.
    pub fn parse(text: &str) -> Result<Self, WrongKey> {
        let block = pem::only_block(text, PUBLIC)?;
        if block.label.ends_with("PRIVATE KEY") {
            let found = "a private key, which everybody can read in the pipeline file now";
            return Err(WrongKey::new(found, NEW));
        }
        if block.label != "PUBLIC KEY" {
            return Err(WrongKey::new(format!("a block `{}`", block.label), PUBLIC));
        }
        let key = Self { der: block.der()? };
        match (kind(&key.der), key.parts()) {
            (Kind::Other(name), _) => Err(WrongKey::new(name, NEW)),
            (_, None) => Err(WrongKey::new(
                "a key in a form that is not the usual one",
                PUBLIC,
            )),
            _ => Ok(key),
        }
    }

    /// Whether the bytes of the key are those of a P-256 key, and these bytes.
    fn parts(&self) -> Option<(bool, &[u8])> {
        let p256 = self.der.strip_prefix(&P256_HEAD);
        let p256 = p256.filter(|point| point.len() == 65 && point.first() == Some(&4));
        let ed25519 = self.der.strip_prefix(&ED25519_HEAD);
        let ed25519 = ed25519.filter(|key| key.len() == 32);
        p256.map(|key| (true, key))
            .or(ed25519.map(|key| (false, key)))
    }

    /// Whether this signature of this message was made by the other half of the key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let checked = match self.parts() {
            Some((true, key)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature)
            }
            Some((false, key)) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            None => return false,
        };
        checked.is_ok()
    }

    /// A short name of the key: SHA-256 of its DER in base64, as sigstore's bundles carry it.
    pub fn hint(&self) -> String {
        STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, &self.der))
    }
}

fn old_form() -> WrongKey {
    WrongKey::new("a key in the old form, `EC PRIVATE KEY`", CONVERT)
}

enum Kind {
    P256,
    Ed25519,
    Other(&'static str),
}

/// What kind of key this is, by the algorithm that it names.
fn kind(der: &[u8]) -> Kind {
    let head = &der[..der.len().min(HEAD)];
    let names = |oid: &[u8]| head.windows(oid.len()).any(|window| window == oid);
    if names(EC) && names(P256) {
        Kind::P256
    } else if names(EC) {
        Kind::Other("a key of another curve than P-256")
    } else if names(ED) {
        Kind::Ed25519
    } else if names(RSA) {
        Kind::Other("an RSA key")
    } else {
        Kind::Other("a key of a kind that we do not know, or no key at all")
    }
}
