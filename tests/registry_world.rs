//! Shows that the registries that other tests rely on are what they claim to be: skopeo, which
//! shares no code with this crate, reads from each form what was pushed, and the two servers
//! of our own refuse what they must refuse.

use std::io::ErrorKind;
use std::panic::{self, AssertUnwindSafe};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::embedded;
use crate::support::http::{self, Response};
use crate::support::image::{self, Blob};
use crate::support::registry::{Registry, TempDir, run};
use crate::support::scripted::{ADDRESS, Answer, Script, Scripted};
use crate::support::token_service::{Rights, SERVICE, TokenField, TokenRules};

const PLAIN: &str = "--tls-verify=false";
const READ: &str = "repository:app:pull";

fn skopeo(arguments: &[&str]) -> Command {
    let mut command = Command::new("skopeo");
    command.args(arguments);
    // Nothing that somebody has logged in to on this machine may take part.
    command.env("REGISTRY_AUTH_FILE", "/nonexistent/auth.json");
    command
}

fn inspect(registry: &Registry, reference: &str, options: &[&str]) -> Command {
    let mut command = skopeo(&["inspect", "--raw"]);
    let source = format!("docker://{}/{reference}", registry.address());
    command.args(options).arg(source);
    command
}

#[track_caller]
fn assert_mentions(text: &str, part: &str) {
    assert!(text.contains(part), "`{part}` is not in:\n{text}");
}

/// skopeo and the side door both see the very bytes of all images.
#[track_caller]
fn assert_serves_what_was_pushed(registry: &Registry, options: &[&str]) {
    for (tag, image) in [
        ("single", image::single("world")),
        ("docker", image::docker("world")),
        ("index", image::two_platforms("world")),
    ] {
        registry.push("team/app", tag, &image);
        let command = inspect(registry, &format!("team/app:{tag}"), options);
        assert_eq!(run(command, "skopeo").as_bytes(), image.manifest.bytes);
        let Blob {
            media_type,
            bytes,
            digest,
        } = image.manifest;
        let held = registry.raw_manifest("team/app", tag);
        assert_eq!(held, Some((media_type, bytes, digest)));
    }
    assert_eq!(registry.tags("team/app"), ["docker", "index", "single"]);
    assert_eq!(registry.raw_manifest("team/app", "absent"), None);
    assert!(registry.tags("team/absent").is_empty());
    let seen = registry.requests().join("\n");
    assert_mentions(&seen, "GET /v2/team/app/manifests/index 200");
    assert!(!seen.contains("PUT"), "pushes are not recorded:\n{seen}");
    registry.forget_requests();
    assert!(registry.requests().is_empty());
}

#[track_caller]
fn assert_refuses(registry: &Registry, options: &[&str], why: &str) {
    let output = inspect(registry, "team/app:single", options).output();
    let output = output.expect("skopeo starts");
    assert!(!output.status.success(), "it was let in with {options:?}");
    assert_mentions(&String::from_utf8_lossy(&output.stderr), why);
}

#[test]
fn an_open_registry_serves_what_was_pushed() {
    assert_serves_what_was_pushed(&Registry::open(), &[PLAIN]);
}

#[test]
fn a_registry_with_a_password_serves_those_who_know_it() {
    let registry = Registry::basic("robot", "pass:word");
    assert_serves_what_was_pushed(&registry, &[PLAIN, "--creds=robot:pass:word"]);
    assert_refuses(&registry, &[PLAIN, "--creds=robot:wrong"], "unauthorized");
    assert_refuses(&registry, &[PLAIN], "unauthorized");
}

#[test]
fn a_registry_with_tls_serves_those_who_trust_its_authority() {
    let certificates = TempDir::new();
    let trusting = format!("--cert-dir={}", certificates.path(""));
    let credentials = "--creds=robot:secret";
    let registry = Registry::tls();
    certificates.write("ca.crt", registry.ca_pem());
    assert_serves_what_was_pushed(&registry, &[&trusting]);
    assert_refuses(&registry, &[], "x509");
    let registry = Registry::tls_basic("robot", "secret");
    assert_serves_what_was_pushed(&registry, &[&trusting, credentials]);
    assert_refuses(&registry, &[&trusting], "unauthorized");
    assert_refuses(&registry, &[credentials], "x509");
}

#[test]
fn a_registry_with_tokens_serves_those_who_have_one() {
    let rules = TokenRules::new().account("robot", "secret", Rights::everything());
    let registry = Registry::token(rules);
    assert_serves_what_was_pushed(&registry, &[PLAIN, "--creds=robot:secret"]);
    let asked = registry.tokens().requests();
    assert_eq!(asked[0].method, "GET");
    assert_eq!(asked[0].service.as_deref(), Some(SERVICE));
    assert_eq!(asked[0].scopes, ["repository:team/app:pull"]);
    assert_eq!(asked[0].basic_user.as_deref(), Some("robot"));
    assert_eq!(asked[0].status, 200);

    registry.tokens().forget_requests();
    assert_refuses(&registry, &[PLAIN, "--creds=robot:wrong"], "unauthorized");
    assert_refuses(&registry, &[PLAIN], "unauthorized");
    let statuses = registry
        .tokens()
        .requests()
        .into_iter()
        .map(|asked| asked.status);
    assert_eq!(statuses.collect::<Vec<_>>(), [401, 401]);
}

/// Fetches a token for `scope` and returns the answer's JSON.
fn token(registry: &Registry, scope: &str, headers: &[(&str, &str)]) -> Value {
    let realm = registry.tokens().realm();
    let url = format!("{realm}?service={SERVICE}&scope={scope}");
    let answer = http::request("GET", &url, headers, b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).expect("a token comes as JSON")
}

fn with_token(registry: &Registry, method: &str, path: &str, token: &Value) -> Response {
    let bearer = format!("Bearer {}", token.as_str().expect("a token is a string"));
    let headers = [("Authorization", &*bearer), ("Accept", image::OCI_MANIFEST)];
    let url = format!("http://{}/v2/{path}", registry.address());
    http::request(method, &url, &headers, b"")
}

#[test]
fn a_token_allows_what_its_account_may_do_and_no_more() {
    let rules = TokenRules::new()
        .account("robot", "secret", Rights::only(&["*"], &["app"]))
        .anonymous(Rights::only(&["public"], &[]));
    let registry = Registry::token(rules);
    for repository in ["app", "public"] {
        registry.push(repository, "1", &image::single("rights"));
    }
    let upload = |repository: &str, headers: &[(&str, &str)]| {
        let scope = format!("repository%3A{repository}:pull,push");
        let token = &token(&registry, &scope, headers)["token"];
        let path = format!("{repository}/blobs/uploads/");
        with_token(&registry, "POST", &path, token).status
    };
    let basic = [("Authorization", "Basic cm9ib3Q6c2VjcmV0")];
    assert_eq!(upload("app", &basic), 202);
    assert_eq!(upload("public", &basic), 401);
    assert_eq!(upload("public", &[]), 401);
    let read = |repository: &str| {
        let scope = format!("repository:{repository}:pull");
        let token = &token(&registry, &scope, &[])["token"];
        let path = format!("{repository}/manifests/1");
        with_token(&registry, "GET", &path, token).status
    };
    assert_eq!((read("public"), read("app")), (200, 401));

    let refused = with_token(&registry, "GET", "app/manifests/1", &json!("none"));
    let challenge = refused.header("www-authenticate");
    let challenge = challenge.expect("401 says where to ask");
    assert_mentions(challenge, &registry.tokens().realm());
    assert_mentions(challenge, &format!("scope=\"{READ}\""));
}

#[test]
fn the_token_service_can_be_told_to_be_odd() {
    let rules = TokenRules::new()
        .anonymous(Rights::pull_only())
        .identity_token("remembered", Rights::everything())
        .token_field(TokenField::AccessToken)
        .expires_in(7);
    let registry = Registry::token(rules);
    registry.push("app", "1", &image::single("odd"));
    registry.tokens().give_stale(1);
    for status in [401, 200] {
        let told = token(&registry, READ, &[]);
        assert_eq!(
            (&told["token"], &told["expires_in"]),
            (&json!(null), &json!(7))
        );
        let read = with_token(&registry, "GET", "app/manifests/1", &told["access_token"]);
        assert_eq!(read.status, status);
    }

    let post = |registry: &Registry, token: &str| {
        let form = format!("grant_type=refresh_token&scope={READ}&refresh_token={token}");
        http::request("POST", &registry.tokens().realm(), &[], form.as_bytes()).status
    };
    assert_eq!(post(&registry, "remembered"), 200);
    assert_eq!(post(&registry, "invented"), 401);
    let asked = registry.tokens().requests();
    assert_eq!(asked[3].grant_type.as_deref(), Some("refresh_token"));

    let rules = TokenRules::new().anonymous(Rights::pull_only());
    let silent = Registry::token(rules.silent_about_expiry().refuses_post());
    assert_eq!(post(&silent, "remembered"), 405);
    assert_eq!(token(&silent, READ, &[])["expires_in"], json!(null));
}

fn panic_text(work: impl FnOnce()) -> String {
    let payload = panic::catch_unwind(AssertUnwindSafe(work)).expect_err("it must panic");
    *payload.downcast().expect("a formatted text")
}

fn get(server: &Scripted, target: &str, headers: &[(&str, &str)]) -> Response {
    let url = format!("http://{}{target}", server.address());
    http::request("GET", &url, headers, b"")
}

#[test]
fn a_script_gives_its_answers_in_turn_and_is_content() {
    let challenge = format!("Bearer realm=\"http://{ADDRESS}/token\"");
    let manifest = image::two_platforms("script").manifest;
    let who = Answer::status(401).header("WWW-Authenticate", &challenge);
    let server = Script::new()
        .on("GET", "/app", who)
        .without_header("authorization")
        .on("GET", "/app", Answer::error(429, "TOOMANYREQUESTS"))
        .times(2)
        .on("GET", "/app", Answer::manifest(&manifest))
        .on("GET", "/ping*", Answer::status(204))
        .always()
        .in_order()
        .start();
    let first = get(&server, "/app", &[]);
    let wanted = challenge.replace(ADDRESS, &server.address());
    assert_eq!(first.header("www-authenticate"), Some(&*wanted));
    for status in [429, 429, 200] {
        assert_eq!(get(&server, "/ping?now", &[]).status, 204);
        let answer = get(&server, "/app", &[("Authorization", "x")]);
        assert_eq!(answer.status, status);
        assert_eq!(answer.body == manifest.bytes, status == 200);
    }
    assert_eq!(server.received().len(), 7);
    server.finish();
}

#[test]
fn a_script_fails_the_test_when_it_is_not_followed() {
    let one = || Script::new().on("GET", "/one", Answer::status(200));
    let text = panic_text(|| {
        let server = one().start();
        assert_eq!(get(&server, "/one", &[]).status, 200);
        assert_eq!(get(&server, "/one", &[]).status, 599);
        server.finish();
    });
    assert_mentions(&text, "not scripted: GET /one");

    let text = panic_text(|| one().start().finish());
    assert_mentions(&text, "never came: GET /one (1 more)");
    let text = panic_text(|| drop(one().start()));
    assert_mentions(&text, "never came: GET /one (1 more)");

    let text = panic_text(|| {
        let server = one().with_header("Authorization", "Bearer a").start();
        get(&server, "/one", &[("Authorization", "Bearer b")]);
    });
    assert_mentions(&text, "it was expected with Authorization: Bearer a");

    let text = panic_text(|| {
        let two = one().on("GET", "/two", Answer::status(200));
        get(&two.in_order().start(), "/two", &[]);
    });
    assert_mentions(&text, "it came before GET /one");

    let text = panic_text(|| {
        let _dropped_during_a_panic = one().start();
        panic!("{}", "the test's own failure");
    });
    assert_eq!(text, "the test's own failure");
}

#[test]
fn a_script_can_end_an_answer_badly() {
    let server = Script::new()
        .on("GET", "/cut", Answer::status(200).body("half").cut(4))
        .on("GET", "/silent", Answer::hang_up())
        // Our own client stops at the greatest body that it takes.
        .on("GET", "/endless", Answer::status(200).endless())
        .start();
    for path in ["/cut", "/silent", "/endless"] {
        let url = format!("http://{}{path}", server.address());
        let error = http::try_request("GET", &url, &[], b"").expect_err("no whole answer");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{path}");
    }
    server.finish();
}

const OCI_TYPES: (&str, &str) = (
    "Accept",
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json",
);

/// Asks a registry many things and keeps of the answers what a client acts on.
struct Interview {
    base: String,
    told: Vec<String>,
}

impl Interview {
    fn ask(&mut self, method: &str, path: &str, header: (&str, &str), body: &[u8]) -> Response {
        // The real registry names places with its own address, the embedded one without.
        let path = path.strip_prefix(&self.base).unwrap_or(path);
        let answer = http::request(method, &format!("{}{path}", self.base), &[header], body);
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let is_manifest = path.contains("/manifests/") && answer.status == 200;
        self.told.push(format!(
            "{method} {} with {header:?}: {}, digest {:?}, error {}, type {:?}",
            path.split("/uploads/").next().unwrap_or_default(),
            answer.status,
            answer.header("docker-content-digest"),
            json["errors"][0]["code"],
            answer.header("content-type").filter(|_| is_manifest),
        ));
        answer
    }

    fn get(&mut self, path: &str) {
        self.ask("GET", path, OCI_TYPES, b"");
        self.ask("HEAD", path, OCI_TYPES, b"");
    }

    fn put(&mut self, reference: &str, manifest: &Blob) {
        let path = format!("/v2/team/app/manifests/{reference}");
        let kind = ("Content-Type", manifest.media_type.as_str());
        self.ask("PUT", &path, kind, &manifest.bytes);
        self.get(&path);
    }

    fn upload(&mut self, digest: &str, bytes: &[u8]) {
        let opened = self.ask("POST", "/v2/team/app/blobs/uploads/", OCI_TYPES, b"");
        let place = opened.header("location").expect("an upload has a place");
        self.ask("PUT", &format!("{place}&digest={digest}"), OCI_TYPES, bytes);
        self.get(&format!("/v2/team/app/blobs/{digest}"));
    }
}

fn interview(address: &str) -> Vec<String> {
    let mut registry = Interview {
        base: format!("http://{address}"),
        told: Vec::new(),
    };
    let image = image::two_platforms("interview");
    let (child, index) = (&image.children[0], &image.manifest);
    registry.get("/v2/");
    registry.get("/v2/team/app/manifests/1");
    registry.get("/v2/team/App/manifests/1");
    registry.get("/v2/team/app/manifests/a+b");
    registry.ask("GET", "/v2/team/app/tags/list", OCI_TYPES, b"");
    // Too early: what these manifests name is not there yet.
    registry.put(&child.digest, child);
    registry.put("1", index);
    for blob in &image.blobs {
        registry.upload(&blob.digest, &blob.bytes);
    }
    registry.upload(&image::sha256(b"other"), b"some");
    registry.put("1", index);
    for child in &image.children {
        registry.put(&child.digest, child);
    }
    registry.put(&child.digest, index);
    for tag in ["1", "2"] {
        registry.put(tag, index);
    }
    for kind in ["text/plain", image::OCI_INDEX, image::OCI_MANIFEST] {
        registry.put("3", &Blob::new(kind, "no manifest"));
    }
    for accept in ["", "*/*", image::OCI_MANIFEST, image::OCI_INDEX] {
        registry.ask("GET", "/v2/team/app/manifests/1", ("Accept", accept), b"");
    }
    registry.ask(
        "GET",
        "/v2/team/app/manifests/1",
        ("X-Example", "no Accept"),
        b"",
    );
    registry.get(&format!("/v2/team/app/manifests/{}", index.digest));
    registry.ask("GET", "/v2/team/app/tags/list", OCI_TYPES, b"");
    for digest in [&image.blobs[0].digest, &index.digest] {
        let mount = format!("/v2/other/blobs/uploads/?mount={digest}&from=team/app");
        registry.ask("POST", &mount, OCI_TYPES, b"");
    }
    registry.ask("POST", "/v2/team/app/manifests/1", OCI_TYPES, b"");
    registry.told
}

#[test]
fn the_embedded_registry_agrees_with_the_real_one() {
    let (real, ours) = (Registry::open(), embedded::Registry::start());
    let (wanted, given) = (interview(&real.address()), interview(&ours.address()));
    for (wanted, given) in wanted.iter().zip(&given) {
        assert_eq!(given, wanted);
    }
    assert_eq!(ours.tags("team/app"), real.tags("team/app"));
    // The recorder missed nothing either.
    assert_eq!(real.requests().len(), wanted.len());
    assert_eq!(ours.requests().len(), given.len());
}

/// skopeo uploads in chunks, asks twice and does much else that our own pushes do not.
#[test]
fn skopeo_copies_an_index_out_of_and_into_the_registries() {
    let (real, ours) = (Registry::open(), embedded::Registry::start());
    let index = image::two_platforms("copied");
    for blob in &index.blobs {
        assert_eq!(ours.put_blob("source", &blob.bytes), blob.digest);
    }
    for child in &index.children {
        ours.put_manifest("source", &child.digest, &child.media_type, &child.bytes);
    }
    let Blob {
        media_type: kind,
        bytes,
        digest,
    } = &index.manifest;
    assert_eq!(&ours.put_manifest("source", "1", kind, bytes), digest);

    let source = format!("docker://{}/source:1", ours.address());
    for address in [ours.address(), real.address()] {
        let mut copy = skopeo(&["--insecure-policy", "copy", "--all", "--preserve-digests"]);
        copy.args(["--src-tls-verify=false", "--dest-tls-verify=false"]);
        copy.args([&source, &format!("docker://{address}/copy:1")]);
        run(copy, "skopeo");
    }
    let held = real.raw_manifest("copy", "1").expect("skopeo copied it");
    assert_eq!(ours.manifest("copy", "1"), Some((held.0, held.1)));
    assert_eq!(&held.2, digest);
    let uploads = real
        .requests()
        .into_iter()
        .filter(|line| line.starts_with("PATCH"));
    assert_eq!(
        uploads.filter(|line| line.ends_with(" 202")).count(),
        index.blobs.len()
    );
}

#[test]
fn the_embedded_registry_lists_tags_in_pages() {
    let ours = embedded::Registry::start();
    let single = image::single("pages");
    for blob in &single.blobs {
        ours.put_blob("app", &blob.bytes);
    }
    let Blob {
        media_type: kind,
        bytes,
        ..
    } = &single.manifest;
    for tag in ["c", "a", "b"] {
        ours.put_manifest("app", tag, kind, bytes);
    }
    let page = |query: &str| {
        let url = format!("http://{}/v2/app/tags/list?{query}", ours.address());
        let answer = http::request("GET", &url, &[], b"");
        let link = answer.header("link").unwrap_or_default();
        format!("{} {link}", answer.text())
    };
    let first = r#"{"name":"app","tags":["a","b"]} </v2/app/tags/list?last=b&n=2>; rel="next""#;
    assert_eq!(page("n=2"), first);
    assert_eq!(page("last=b&n=2"), r#"{"name":"app","tags":["c"]} "#);
}
