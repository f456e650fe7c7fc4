//! What a registry answers, and to whom: pages of tags, redirects, passwords. Scripted.

use std::collections::BTreeMap;

use super::{code, promote};
use crate::support::binary::{Run, run};
use crate::support::gate::drone_gate;
use crate::support::image;
use crate::support::pipeline::DroneBuild;
use crate::support::scripted::{ADDRESS, Answer, Script};

const TAGS: &str = "/v2/example/app/tags/list?n=1000";
const BUILD: &str = "/v2/example/app/manifests/build_418";
const TAG: &str = "/v2/example/app/manifests/branch-hotfix_HOCS-1";
const NEXT: &str = "/v2/example/app/tags/list?last=build_418&n=1000";

/// A promotion of `build_418` with credentials; the first host is the registry, all are plain HTTP.
fn promote_with_password(hosts: &[&str]) -> Run {
    let settings = format!(
        "{{username: {{from_secret: u}}, password: {{from_secret: p}}, \
         policy: {{repo: \"{}/example/app\", tls: {{insecure: [\"{}\"]}}}}}}",
        hosts[0],
        hosts.join("\", \"")
    );
    let secrets = [("u", "somebody"), ("p", "canary-password")];
    let secrets: BTreeMap<String, String> = secrets
        .into_iter()
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    let build =
        DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", "build_418");
    run(build.environment(&drone_gate(&settings), &[], &secrets))
}

#[test]
fn every_page_of_the_tags_is_read_or_nothing_is_decided() {
    let hotfix = image::single("hotfix").manifest;
    let list = |tags: &str| Answer::status(200).body(format!("{{\"tags\":[{tags}]}}"));
    for link in [
        format!("<{NEXT}>; rel = \"next\""),
        format!("<{NEXT}>; Rel=\"NEXT\""),
        format!("</a,b>; rel=\"prev\", <{NEXT}>; title=\"a,b\"; rel=next"),
    ] {
        let server = Script::new()
            .on("GET", BUILD, Answer::manifest(&hotfix))
            .on("GET", TAGS, list("\"build_418\"").header("Link", &link))
            .on("GET", NEXT, list("\"branch-hotfix_HOCS-1\""))
            .on("GET", TAG, Answer::manifest(&hotfix))
            .without_statements()
            .start();
        let run = promote(&server, "build_418");
        server.finish();
        code(&run, 1, &["refused by qa-closed", "byte for byte"]);
    }
    // A page that was cut at the number of tags asked for, without a word.
    let many: Vec<String> = (0..1_000).map(|i| format!("\"build_{i}\"")).collect();
    let rest = "/v2/example/app/tags/list?n=1000&last=build_999";
    let server = Script::new()
        .on("GET", BUILD, Answer::manifest(&hotfix))
        .on("GET", TAGS, list(&many.join(",")))
        .on("GET", rest, list("\"branch-hotfix_HOCS-1\""))
        .on("GET", TAG, Answer::manifest(&hotfix))
        .without_statements()
        .start();
    let run = promote(&server, "build_418");
    server.finish();
    code(&run, 1, &["refused by qa-closed", "byte for byte"]);
    let server = Script::new()
        .on("GET", BUILD, Answer::manifest(&hotfix))
        .on(
            "GET",
            TAGS,
            list("\"build_418\"").header("Link", "next please"),
        )
        .without_statements()
        .start();
    let run = promote(&server, "build_418");
    server.finish();
    code(&run, 2, &["the list goes on in a way that cannot be read"]);
}

#[test]
fn a_host_behind_a_redirect_gets_no_password() {
    let challenge = format!("Bearer realm=\"http://{ADDRESS}/token\",service=\"evil\"");
    let evil = Script::new()
        .on(
            "GET",
            "/elsewhere",
            Answer::status(401).header("WWW-Authenticate", &challenge),
        )
        .without_header("Authorization")
        .without_statements()
        .start();
    let to = format!("http://{}/elsewhere", evil.address());
    let server = Script::new()
        .on("GET", BUILD, Answer::status(307).header("Location", &to))
        .without_statements()
        .start();
    let run = promote_with_password(&[&server.address(), &evil.address()]);
    server.finish();
    evil.finish();
    code(&run, 2, &["undecided", "401"]);
}

#[test]
fn a_password_does_not_travel_with_a_redirect() {
    let manifest = image::single("x").manifest;
    let elsewhere = Script::new()
        .on("GET", "/blob?sig=1", Answer::manifest(&manifest))
        .without_header("Authorization")
        .without_statements()
        .start();
    let to = format!("http://{}/blob?sig=1", elsewhere.address());
    let basic = Answer::status(401).header("WWW-Authenticate", "Basic realm=\"x\"");
    let server = Script::new()
        .on("GET", BUILD, basic)
        .without_header("Authorization")
        .on("GET", BUILD, Answer::status(307).header("Location", &to))
        .with_header("Authorization", "Basic c29tZWJvZHk6Y2FuYXJ5LXBhc3N3b3Jk")
        .on(
            "GET",
            TAGS,
            Answer::status(200).body("{\"tags\":[\"build_418\"]}"),
        )
        .with_header("Authorization", "Basic c29tZWJvZHk6Y2FuYXJ5LXBhc3N3b3Jk")
        .without_statements()
        .start();
    let run = promote_with_password(&[&server.address(), &elsewhere.address()]);
    server.finish();
    elsewhere.finish();
    code(&run, 0, &["allowed"]);
}
