//! Statements about images: keys against OpenSSL, the real registry without the referrers API, and a
//! scripted one that has it.

mod keys;
mod listing;
mod real;

use std::time::Duration;

use drone_hotfix::attestation::statement::{BuildRef, Claim, Publication, RuleOutcome};
use drone_hotfix::http::{Client, Proxy, Trust};
use drone_hotfix::policy::Policy;
use drone_hotfix::registry::credentials::Credentials;
use drone_hotfix::registry::manifest::Manifest;
use drone_hotfix::registry::reference::{Digest, Repository};
use drone_hotfix::registry::{Access, Registry};
use drone_hotfix::secret::Redactor;
use drone_hotfix::signing::SigningKey;

use crate::support::image::Image;
use crate::support::registry::{TempDir, openssl};

const PATH: &str = "example/app";

/// A client of its own for one repository of the registry at `127.0.0.1:PORT`.
fn client(address: &str, path: &str) -> Registry {
    let trust = Trust {
        insecure: vec![address.to_owned()],
        ..Trust::default()
    };
    let proxy = Proxy {
        https: None,
        exceptions: None,
    };
    Registry::new(
        Client::new(trust, &proxy, Duration::from_secs(120)).unwrap(),
        Repository::parse(&format!("{address}/{path}")).unwrap(),
        Credentials::Anonymous,
        Access::PullAndPush,
        None,
        Redactor::default(),
    )
    .unwrap()
}

fn manifest(image: &Image) -> Manifest {
    let blob = &image.manifest;
    Manifest::check(&blob.media_type, blob.bytes.clone(), None, None).unwrap()
}

fn digest(text: &str) -> Digest {
    Digest::parse(text).unwrap()
}

fn policy(keys: &[&str]) -> Policy {
    let text = serde_json::json!({ "verify_keys": keys }).to_string();
    let mut problems = Vec::new();
    let policy = Policy::parse(&text, &[], &mut problems);
    policy.unwrap_or_else(|| panic!("{problems:?}"))
}

/// What a build says.
fn claim(number: u64) -> Claim {
    Claim::Published(Publication {
        branch: "hotfix/HOCS-1234".to_owned(),
        ticket: Some("HOCS-1234".to_owned()),
        base: None,
        commit: "0123456789012345678901234567890123456789".to_owned(),
        source: "example/app".to_owned(),
        build: BuildRef {
            number,
            link: Some(format!("https://drone.example/example/app/{number}")),
        },
        verdict: "allowed".to_owned(),
        rules: vec![RuleOutcome {
            rule: "ticket".to_owned(),
            level: "must".to_owned(),
            outcome: "pass".to_owned(),
            overridden: None,
        }],
        policy: Digest::of(b"{}").to_string(),
        tags: vec!["branch-hotfix_HOCS-1234".to_owned()],
        tool: "0.1.0".to_owned(),
        time: "2026-11-25T23:20:11Z".to_owned(),
    })
}

/// A key and its public half, both in PEM, as OpenSSL makes them.
fn key(options: &str) -> (String, String) {
    let dir = TempDir::new();
    openssl(&dir, &format!("genpkey {options} -out key.pem"));
    openssl(&dir, "pkey -in key.pem -pubout -out public.pem");
    (dir.read("key.pem"), dir.read("public.pem"))
}

const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
const ED25519: &str = "-algorithm ED25519";

fn signing(pem: &str) -> SigningKey {
    SigningKey::parse(pem).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}
