//! Keys as OpenSSL 3 writes them. Whether OpenSSL agrees on signatures is tested with the program.

use super::*;

const ED25519_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIEr3WjkFTC7xKmgH0CVRD3wdjxCmhdBbyrVPtHQ8kxK0
-----END PRIVATE KEY-----
";

#[test]
fn what_is_signed_verifies_and_nothing_else() {
    let key = SigningKey::parse(ED25519_PEM).unwrap();
    let signature = key.sign(b"what was said").unwrap();
    assert!(key.public().verifies(b"what was said", &signature));
    assert!(!key.public().verifies(b"what was not", &signature));
    assert!(!key.public().verifies(b"what was said", &signature[1..]));
    assert_eq!(format!("{key:?}"), MASK);
}

#[track_caller]
fn private(text: &str, found: &str, next: &str) {
    let wrong = SigningKey::parse(text).unwrap_err();
    assert!(wrong.found.contains(found), "{wrong:?}");
    assert!(wrong.next.contains(next), "{wrong:?}");
    // Nothing of the inside of a block stands in the error.
    for line in text
        .lines()
        .filter(|line| line.len() > 20 && !line.starts_with('-'))
    {
        assert!(!format!("{wrong:?}").contains(&line[..16]), "{wrong:?}");
    }
}

fn block(label: &str, body: &str) -> String {
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn another_form_says_what_it_is_and_which_command_helps() {
    let body = "AAAABBBBCCCCDDDDEEEEFFFF";
    private("", "does not begin", "genpkey");
    private("correct horse battery staple", "does not begin", "genpkey");
    private(
        "-----BEGIN PRIVATE KEY-----\nMC4C",
        "does not end",
        "genpkey",
    );
    private(
        &block("EC PRIVATE KEY", body),
        "old form",
        "pkcs8 -topk8 -nocrypt",
    );
    let both = block("EC PARAMETERS", "BggqhkjOPQMBBw==") + &block("EC PRIVATE KEY", body);
    private(&both, "old form", "pkcs8 -topk8 -nocrypt");
    private(
        &block("ENCRYPTED PRIVATE KEY", body),
        "encrypted",
        "openssl pkey",
    );
    let old = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAABBBBCCCCDDDDEEEEFFFF";
    private(&block("EC PRIVATE KEY", old), "encrypted", "openssl pkey");
    private(
        &block("ENCRYPTED SIGSTORE PRIVATE KEY", body),
        "cosign",
        "genpkey",
    );
    private(
        &block("RSA PRIVATE KEY", body),
        "RSA PRIVATE KEY",
        "genpkey",
    );
    private(&block("PUBLIC KEY", body), "public key", "genpkey");
    private(
        &block("PRIVATE KEY", "not base64!"),
        "not base64",
        "genpkey",
    );
    private(&block("PRIVATE KEY", body), "no key at all", "genpkey");
    private(&ED25519_PEM.replace('\n', "\\n"), "`\\n`", "genpkey");
    private(&ED25519_PEM.repeat(2), "more than one block", "genpkey");
    private(&format!("{ED25519_PEM}x"), "more than a block", "genpkey");
    private(&"A".repeat(1_000_000), "too long", "genpkey");
    private(&block("private\u{1b}key", body), "does not say", "genpkey");
    // The right kind, cut short.
    let cut = ED25519_PEM.replace("kxK0\n", "\n");
    private(&cut, "Ed25519 key that cannot be read", "genpkey");
}

#[test]
fn a_public_key_has_exactly_one_form() {
    let good = [&ED25519_HEAD[..], &[7; 32]].concat();
    let read = |der: &[u8]| VerifyKey::parse(&block("PUBLIC KEY", &STANDARD.encode(der)));
    assert!(read(&good).is_ok());
    assert!(read(&[&P256_HEAD[..], &[4], &[7; 64]].concat()).is_ok());
    for (wrong, word) in [
        ([&good[..], &[0]].concat(), "not the usual"),
        (good[..43].to_vec(), "not the usual"),
        // A compressed point.
        ([&P256_HEAD[..], &[2], &[7; 64]].concat(), "not the usual"),
        ([&[0x30, 0x81, 0x9f], RSA].concat(), "RSA"),
        (
            [&[0x30, 0x76, 0x30, 0x10], EC, &[0x06, 0x05, 0x2b]].concat(),
            "another curve",
        ),
        (Vec::new(), "no key at all"),
    ] {
        let error = read(&wrong).unwrap_err();
        assert!(error.found.contains(word), "{error:?}");
    }
    let private = VerifyKey::parse(ED25519_PEM).unwrap_err();
    assert!(private.found.contains("private key"), "{private:?}");
    // A point that is on no curve verifies nothing.
    let nowhere = read(&[&P256_HEAD[..], &[4], &[7; 64]].concat()).unwrap();
    assert!(!nowhere.verifies(b"", &[]));
}
