//! Keys and signatures, checked against the `openssl` program.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use drone_hotfix::attestation::statement::Statement;
use drone_hotfix::attestation::{self, bundle};
use drone_hotfix::registry::reference::{Digest, Repository};
use drone_hotfix::signing::{SigningKey, VerifyKey};

use super::{ED25519, P256, claim, key, signing};
use crate::support::registry::{TempDir, openssl};

const SIGN: [(&str, &str, &str); 2] = [
    (
        P256,
        "dgst -sha256 -sign key.pem -out sig msg",
        "dgst -sha256 -verify public.pem -signature sig msg",
    ),
    (
        ED25519,
        "pkeyutl -sign -inkey key.pem -rawin -in msg -out sig",
        "pkeyutl -verify -pubin -inkey public.pem -rawin -in msg -sigfile sig",
    ),
];

#[test]
fn openssl_and_we_agree_on_signatures_both_ways() {
    for (options, sign, verify) in SIGN {
        let (private, public) = key(options);
        let dir = TempDir::new();
        dir.write("key.pem", &private);
        dir.write("public.pem", &public);
        dir.write("msg", "what was said");
        let ours = signing(&private);
        let theirs = VerifyKey::parse(&public).unwrap();
        assert_eq!(*ours.public(), theirs);

        fs::write(dir.path("sig"), ours.sign(b"what was said").unwrap()).unwrap();
        openssl(&dir, verify);

        openssl(&dir, sign);
        let mut signature = fs::read(dir.path("sig")).unwrap();
        assert!(theirs.verifies(b"what was said", &signature));
        signature[10] ^= 1;
        assert!(!theirs.verifies(b"what was said", &signature));
        let (_, other) = key(options);
        assert!(
            !VerifyKey::parse(&other)
                .unwrap()
                .verifies(b"what was said", &signature)
        );
    }
}

#[test]
fn openssl_verifies_what_a_bundle_holds() {
    for (options, _, verify) in SIGN {
        let (private, public) = key(options);
        let sealed = bundle::seal(
            "application/vnd.in-toto+json",
            b"{\"a\":1}",
            &signing(&private),
        );
        let sealed: serde_json::Value = serde_json::from_slice(&sealed.unwrap()).unwrap();
        let envelope = &sealed["dsseEnvelope"];
        assert_eq!(envelope["payload"], STANDARD.encode("{\"a\":1}"));
        let dir = TempDir::new();
        dir.write("public.pem", &public);
        // DSSE protocol.md, written out by hand.
        dir.write("msg", "DSSEv1 28 application/vnd.in-toto+json 7 {\"a\":1}");
        let signature = envelope["signatures"][0]["sig"].as_str().unwrap();
        fs::write(dir.path("sig"), STANDARD.decode(signature).unwrap()).unwrap();
        openssl(&dir, verify);
    }
}

#[test]
fn the_commands_of_the_errors_make_keys_that_are_taken() {
    let dir = TempDir::new();
    let wrong = |file: &str| SigningKey::parse(&dir.read(file)).unwrap_err();
    openssl(&dir, "ecparam -name prime256v1 -genkey -out key.pem");
    assert!(
        wrong("key.pem")
            .next
            .contains("`openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem`")
    );
    openssl(&dir, "pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem");
    let key = signing(&dir.read("pkcs8.pem"));

    openssl(
        &dir,
        "pkcs8 -topk8 -passout pass:example -in pkcs8.pem -out encrypted.pem",
    );
    let encrypted = wrong("encrypted.pem");
    assert!(encrypted.found.contains("encrypted"), "{encrypted:?}");
    assert!(
        encrypted
            .next
            .contains("`openssl pkey -in key.pem -out plain.pem`")
    );
    openssl(
        &dir,
        "pkey -in encrypted.pem -passin pass:example -out plain.pem",
    );
    assert_eq!(signing(&dir.read("plain.pem")).public(), key.public());

    for (options, word) in [
        (
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            "another curve",
        ),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "RSA"),
        ("-algorithm ED448", "do not know"),
        ("-algorithm X25519", "do not know"),
    ] {
        openssl(&dir, &format!("genpkey {options} -out other.pem"));
        openssl(&dir, "pkey -in other.pem -pubout -out other.pub");
        assert!(wrong("other.pem").found.contains(word), "{options}");
        let public = VerifyKey::parse(&dir.read("other.pub")).unwrap_err();
        assert!(public.found.contains(word), "{options}: {public:?}");
    }
}

fn image() -> (Repository, Digest) {
    (
        Repository::parse("registry.example:5000/team/app").unwrap(),
        Digest::of(b"image"),
    )
}

/// Asserts that changed bytes say nothing, or just what they said before.
fn nothing_else(changed: &[u8], keys: &[VerifyKey], before: &Statement, hint: bool) {
    let (repository, digest) = image();
    let read = attestation::read(bundle::MEDIA_TYPE, changed, keys, &repository, &digest);
    if let Ok(Some(statement)) = read {
        // Only a hint, for people, of which key it was is not signed.
        let text = String::from_utf8_lossy(changed);
        assert!(hint && statement == *before, "{text}");
    }
}

#[test]
fn no_byte_of_a_bundle_can_be_changed() {
    let (private, public) = key(P256);
    let (repository, digest) = image();
    let statement = Statement::new(&repository, digest.clone(), claim(7));
    let artifact = attestation::artifact(&statement, Some(&signing(&private))).unwrap();
    let bytes = artifact.payload;
    let keys = [VerifyKey::parse(&public).unwrap()];
    let read = attestation::read(bundle::MEDIA_TYPE, &bytes, &keys, &repository, &digest);
    let before = read.unwrap().unwrap();
    assert!(before.signed && before.claim == statement.claim);
    let text = String::from_utf8(bytes.clone()).unwrap();
    let material = text.find("\"publicKey\"").unwrap()..text.find("},\"dsse").unwrap();

    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        nothing_else(&changed, &keys, &before, material.contains(&at));
        nothing_else(&bytes[..at], &keys, &before, false);
    }
    proptest!(ProptestConfig::with_cases(2_000), |(at in 0..bytes.len(), byte: u8)| {
        prop_assume!(bytes[at] != byte);
        let mut changed = bytes.clone();
        changed[at] = byte;
        nothing_else(&changed, &keys, &before, material.contains(&at));
    });
}

#[test]
fn with_keys_only_their_signatures_count() {
    let ((one, one_public), (_, two_public)) = (key(ED25519), key(P256));
    let (repository, digest) = image();
    let statement = Statement::new(&repository, digest.clone(), claim(7));
    let signed = attestation::artifact(&statement, Some(&signing(&one))).unwrap();
    let plain = attestation::artifact(&statement, None).unwrap();
    let keys = |pems: &[&String]| -> Vec<VerifyKey> {
        pems.iter()
            .map(|pem| VerifyKey::parse(pem).unwrap())
            .collect()
    };
    let read = |artifact: &drone_hotfix::registry::referrers::Artifact, pems: &[&String]| {
        attestation::read(
            artifact.media_type,
            &artifact.payload,
            &keys(pems),
            &repository,
            &digest,
        )
    };
    assert!(!read(&signed, &[]).unwrap().unwrap().signed);
    assert!(!read(&plain, &[]).unwrap().unwrap().signed);
    assert!(
        read(&signed, &[&two_public, &one_public])
            .unwrap()
            .unwrap()
            .signed
    );
    let other = read(&signed, &[&two_public]).unwrap_err();
    assert!(other.contains("does not verify"), "{other}");
    let unsigned = read(&plain, &[&one_public]).unwrap_err();
    assert!(unsigned.contains("not signed"), "{unsigned}");
}

#[test]
fn every_way_to_be_no_statement_has_its_own_words() {
    let (repository, digest) = image();
    let statement = Statement::new(&repository, digest.clone(), claim(7));
    let json = String::from_utf8(statement.to_json().unwrap()).unwrap();
    let read = |text: &str| {
        attestation::read(
            attestation::STATEMENT,
            text.as_bytes(),
            &[],
            &repository,
            &digest,
        )
    };
    assert_eq!(read(&json), Ok(Some(statement)));
    let (_, hex) = digest.parts();
    for (from, to, word) in [
        (hex, Digest::of(b"other").parts().1, "copied to this image"),
        ("sha256\":\"", "sha512\":\"", "copied to this image"),
        (
            "team/app",
            "team/other",
            "in the repository `registry.example:5000/team/other`",
        ),
        (
            "registry.example:5000",
            "registry.example",
            "in the repository",
        ),
        (
            "\"verdict\":\"allowed\"",
            "\"verdict\":\"refused\"",
            "its verdict is `refused`",
        ),
        ("Statement/v1", "Statement/v2", "`_type` is"),
        (
            "\"subject\":[",
            "\"subject\":[{\"name\":\"a\",\"digest\":{}},",
            "2 images at once",
        ),
        (
            "\"predicate\":{",
            "\"predicate\":{\"Branch\":\"x\",",
            "`Branch` for `branch`",
        ),
        (
            "\"subject\":",
            "\"Subject\":[],\"subject\":",
            "`Subject` for `subject`",
        ),
        ("\"number\":7", "\"number\":-7", "unknown form"),
        ("{", "", "unknown form"),
    ] {
        assert!(json.contains(from), "{from}");
        let why = read(&json.replacen(from, to, 1)).unwrap_err();
        assert!(why.contains(word), "{word}: {why}");
    }
    let none = json.replace(
        &json[json.find("[{").unwrap()..=json.find("}]").unwrap() + 1],
        "[]",
    );
    assert!(read(&none).unwrap_err().contains("0 images at once"));
    let long = json.replace("HOCS", &"H".repeat(200_000));
    assert!(read(&long).unwrap_err().contains("more than"));
    // What others say of the image is none of ours.
    assert_eq!(
        read(&json.replace(
            "urn:drone-hotfix:publication:v1",
            "https://slsa.dev/provenance/v1"
        )),
        Ok(None)
    );
    assert_eq!(
        attestation::read("text/spdx", b"", &[], &repository, &digest),
        Ok(None)
    );
    let signature = format!(
        r#"{{"mediaType":"{}","verificationMaterial":{{}},"messageSignature":{{}}}}"#,
        bundle::MEDIA_TYPE
    );
    let read = attestation::read(
        bundle::MEDIA_TYPE,
        signature.as_bytes(),
        &[],
        &repository,
        &digest,
    );
    assert_eq!(read, Ok(None));
}
