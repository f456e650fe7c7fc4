//! Publishing against the real registry in its four forms, with skopeo as the
//! judge that bytes and digest are unchanged.

mod bytes;

use std::collections::BTreeMap;
use std::process::Command;

use crate::support::binary::{Run, run};
use crate::support::gate::drone_gate;
use crate::support::image::{self, sha256};
use crate::support::pipeline::DroneBuild;
use crate::support::registry::{Registry, TempDir};
use crate::support::token_service::{Rights, TokenRules};

const REPO: &str = "example/app";
/// The configuration of the image is not read, so that only what publishes is counted.
const OFF: &str = "{image-commit: \"off\"}";

/// The settings of a gate that publishes from this registry.
fn settings(address: &str, tls: &str) -> String {
    format!(
        "{{username: {{from_secret: u}}, password: {{from_secret: p}}, policy: {{repo: \"{address}/{REPO}\", \
         source: \"build_{{build}}\", attest: false, rules: {OFF}, tls: {tls}}}}}"
    )
}

fn insecure(address: &str) -> String {
    format!("{{insecure: [\"{address}\"]}}")
}

fn anonymous(address: &str) -> String {
    let repo = format!("\"{address}/{REPO}\"");
    format!(
        "{{policy: {{repo: {repo}, attest: false, source: \"build_{{build}}\", rules: {OFF}, tls: {}}}}}",
        insecure(address)
    )
}

fn step(build: &DroneBuild, settings: &str) -> Run {
    let secrets = BTreeMap::from([("u", "hot"), ("p", "fix-password")]);
    let secrets = secrets
        .into_iter()
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    run(build.environment(&drone_gate(settings), &[], &secrets))
}

fn hotfix(number: u64) -> DroneBuild {
    DroneBuild::push("hotfix/HOCS-1234").with(|build| build.number = number)
}

/// The bytes of a manifest as skopeo sees them.
fn skopeo(address: &str, reference: &str, options: &[&str]) -> Vec<u8> {
    let output = Command::new("skopeo")
        .args(["inspect", "--raw"])
        .args(options)
        .arg(format!("docker://{address}/{REPO}{reference}"))
        .output()
        .expect("skopeo starts (Debian package skopeo)");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[track_caller]
fn code(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{}", run.text);
    for word in words {
        assert!(run.text.contains(word), "no {word} in\n{}", run.text);
    }
}

/// Requests without what changes from run to run.
fn kinds(requests: &[String]) -> Vec<String> {
    let mut kinds: Vec<String> = requests
        .iter()
        .map(|line| line.replace(&format!("/v2/{REPO}/manifests/"), ""))
        .collect();
    // The source and the tag are asked for at the same time.
    kinds[..2].sort();
    kinds
}

#[test]
fn a_retag_is_four_requests_and_a_second_run_writes_nothing() {
    let registry = Registry::open();
    let address = registry.address();
    for (number, image) in [
        (1, image::single("one")),
        (2, image::docker("two")),
        (3, image::two_platforms("three")),
    ] {
        registry.push(REPO, &format!("build_{number}"), &image);
        registry.forget_requests();
        let published = step(&hotfix(number), &anonymous(&address));
        let digest = image.manifest.digest.as_str();
        code(
            &published,
            0,
            &["allowed and published: `branch-hotfix_HOCS-1234`", digest],
        );
        let expected = [
            format!("GET build_{number} 200"),
            format!(
                "HEAD branch-hotfix_HOCS-1234 {}",
                if number == 1 { 404 } else { 200 }
            ),
            "PUT branch-hotfix_HOCS-1234 201".to_owned(),
            "HEAD branch-hotfix_HOCS-1234 200".to_owned(),
        ];
        assert_eq!(kinds(&registry.requests()), expected);
        let raw = skopeo(
            &address,
            ":branch-hotfix_HOCS-1234",
            &["--tls-verify=false"],
        );
        assert_eq!(raw, image.manifest.bytes, "byte for byte");
        assert_eq!(sha256(&raw), digest);

        registry.forget_requests();
        let again = step(&hotfix(number), &anonymous(&address));
        code(&again, 0, &["was published already", "nothing was written"]);
        assert_eq!(registry.requests().len(), 2, "{:?}", registry.requests());
        assert!(
            registry
                .requests()
                .iter()
                .all(|line| !line.starts_with("PUT"))
        );
    }
    let moved = step(&hotfix(1), &anonymous(&address));
    let old = image::two_platforms("three").manifest.digest;
    let new = image::single("one").manifest.digest;
    code(
        &moved,
        0,
        &[&format!("moved from {old}"), &format!("digest:   {new}")],
    );
    let promote =
        "$ drone build promote example/service 1 TARGET --param=VERSION=branch-hotfix_HOCS-1234";
    code(
        &moved,
        0,
        &[
            &format!("{address}/{REPO}:branch-hotfix_HOCS-1234@{new}"),
            promote,
        ],
    );
}

#[test]
fn with_tokens_one_challenge_and_one_token_serve_the_whole_publication() {
    let rules = TokenRules::new()
        .account("hot", "fix-password", Rights::everything())
        .account("reader", "fix-password", Rights::pull_only());
    let registry = Registry::token(rules);
    let address = registry.address();
    let image = image::two_platforms("tokens");
    registry.push(REPO, "build_418", &image);
    registry.forget_requests();
    let realm = registry.tokens().realm();
    let realm = realm.split('/').nth(2).expect("a host").to_owned();
    let tls = format!("{{insecure: [\"{address}\", \"{realm}\"]}}");
    let published = step(&hotfix(418), &settings(&address, &tls));
    code(
        &published,
        0,
        &["allowed and published", &image.manifest.digest],
    );
    let requests = registry.requests();
    assert_eq!(requests.len(), 5, "{requests:?}");
    assert_eq!(
        requests.iter().filter(|line| line.ends_with("401")).count(),
        1,
        "{requests:?}"
    );
    let tokens = registry.tokens().requests();
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    assert_eq!(tokens[0].scopes, [format!("repository:{REPO}:pull,push")]);
    assert_eq!(
        registry
            .raw_manifest(REPO, "branch-hotfix_HOCS-1234")
            .expect("it is there")
            .1,
        image.manifest.bytes
    );

    // The realm is another host in plain HTTP: without the policy's word it gets no password.
    let refused = step(&hotfix(419), &settings(&address, &insecure(&address)));
    code(
        &refused,
        4,
        &["sends our password elsewhere", "policy.tls.insecure"],
    );
    assert_eq!(
        registry.tokens().requests().len(),
        1,
        "no password went there"
    );
}

#[test]
fn a_password_is_sent_only_when_it_is_asked_for_and_a_wrong_one_is_said() {
    let registry = Registry::basic("hot", "fix-password");
    let address = registry.address();
    let image = image::single("basic");
    registry.push(REPO, "build_418", &image);
    registry.forget_requests();
    let published = step(&hotfix(418), &settings(&address, &insecure(&address)));
    code(&published, 0, &["allowed and published"]);
    assert_eq!(registry.requests().len(), 5, "{:?}", registry.requests());
    let raw = skopeo(
        &address,
        ":branch-hotfix_HOCS-1234",
        &["--tls-verify=false", "--creds=hot:fix-password"],
    );
    assert_eq!(raw, image.manifest.bytes);

    let wrong = BTreeMap::from([
        ("u".to_owned(), "hot".to_owned()),
        ("p".to_owned(), "wrong-password".to_owned()),
    ]);
    let gate = drone_gate(&settings(&address, &insecure(&address)));
    let refused = run(hotfix(419).environment(&gate, &[], &wrong));
    code(
        &refused,
        4,
        &["not published", "401", "check `username` and `password`"],
    );
    assert!(!refused.text.contains("wrong-password"));

    let none = step(&hotfix(419), &anonymous(&address));
    code(
        &none,
        4,
        &[
            "wants credentials",
            "set `username` and `password`",
            "written:  nothing",
        ],
    );

    // Drone hands over a missing secret as a variable that is there and empty.
    let missing = run(hotfix(419).environment(&gate, &[], &BTreeMap::new()));
    code(
        &missing,
        4,
        &[
            "`username` is set but empty: missing or withheld",
            "name of the secret",
        ],
    );
}

#[test]
fn a_private_certificate_authority_comes_by_the_policy_only() {
    let registry = Registry::tls();
    let address = registry.address();
    let image = image::two_platforms("tls");
    registry.push(REPO, "build_418", &image);
    let ca = registry.ca_pem().replace('\n', "\\n");
    let published = step(
        &hotfix(418),
        &settings(&address, &format!("{{ca: \"{ca}\"}}")),
    );
    code(
        &published,
        0,
        &["allowed and published", &image.manifest.digest],
    );
    let directory = TempDir::new();
    directory.write("ca.crt", registry.ca_pem());
    let certificates = format!("--cert-dir={}", directory.path(""));
    let raw = skopeo(&address, ":branch-hotfix_HOCS-1234", &[&certificates]);
    assert_eq!(raw, image.manifest.bytes);

    let unknown = step(&hotfix(419), &settings(&address, "{}"));
    code(&unknown, 4, &["certificate", "policy.tls.ca"]);
    // A parameter cannot bring a certificate authority.
    let file = registry.ca_file().display().to_string();
    let brought = DroneBuild::custom("hotfix/HOCS-1234")
        .param("SSL_CERT_FILE", &file)
        .param("PLUGIN_TLS", "{}")
        .param("PLUGIN_CA", registry.ca_pem());
    code(
        &step(&brought, &settings(&address, "{}")),
        4,
        &["certificate"],
    );
    let unchecked = step(
        &hotfix(418),
        &settings(&address, &format!("{{skip_verify: [\"{address}\"]}}")),
    );
    code(&unchecked, 0, &["published already"]);
}

#[test]
fn a_rehearsal_reads_everything_and_writes_nothing() {
    let registry = Registry::open();
    let address = registry.address();
    let image = image::single("rehearsal");
    registry.push(REPO, "build_418", &image);
    registry.forget_requests();
    let settings = anonymous(&address).replacen('{', "{dry_run: true, ", 1);
    let run = step(&hotfix(418), &settings);
    code(
        &run,
        0,
        &[
            "allowed, and would be published",
            "would be new",
            &image.manifest.digest,
        ],
    );
    assert!(
        registry
            .requests()
            .iter()
            .all(|line| line.starts_with("GET") || line.starts_with("HEAD"))
    );
    assert_eq!(registry.tags(REPO), ["build_418"]);
    // People can add `dry_run` to a custom build, so that one must not end green.
    let custom = DroneBuild::custom("hotfix/HOCS-1234").param("PLUGIN_DRY_RUN", "true");
    code(
        &step(&custom, &anonymous(&address)),
        5,
        &["would be published"],
    );
}

#[test]
fn a_source_that_is_not_there_is_said_and_nothing_is_written() {
    let registry = Registry::open();
    let address = registry.address();
    registry.push(REPO, "build_1", &image::single("other"));
    let run = step(&hotfix(418), &anonymous(&address));
    code(
        &run,
        4,
        &[
            "not published",
            "build_418",
            "404",
            "pushed by an earlier step",
        ],
    );
    assert_eq!(registry.tags(REPO), ["build_1"]);
    let down = step(&hotfix(418), &anonymous("127.0.0.1:1"));
    code(&down, 4, &["not published", "no connection", "policy.repo"]);
}

#[test]
fn further_tags_get_the_same_digest_and_the_main_one_comes_last() {
    let registry = Registry::open();
    let address = registry.address();
    let image = image::single("tags");
    registry.push(REPO, "build_418", &image);
    registry.forget_requests();
    let settings =
        anonymous(&address).replacen("source:", "tags: [\"hf-{branch}-{short_sha}\"], source:", 1);
    code(
        &step(&hotfix(418), &settings),
        0,
        &["`hf-hotfix_HOCS-1234-0123456`: new"],
    );
    let puts: Vec<String> = registry
        .requests()
        .into_iter()
        .filter(|line| line.starts_with("PUT"))
        .collect();
    assert!(
        puts[0].contains("hf-hotfix_HOCS-1234-0123456")
            && puts[1].contains("branch-hotfix_HOCS-1234"),
        "{puts:?}"
    );
    for tag in ["hf-hotfix_HOCS-1234-0123456", "branch-hotfix_HOCS-1234"] {
        assert_eq!(
            registry.raw_manifest(REPO, tag).expect("it is there").2,
            image.manifest.digest
        );
    }
}
