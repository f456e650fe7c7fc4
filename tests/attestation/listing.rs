//! A registry with the referrers API, scripted from the distribution spec, and what lists can be instead.

use serde_json::{Value, json};

use drone_hotfix::attestation::statement::Statement;
use drone_hotfix::attestation::{STATEMENT, artifact};
use drone_hotfix::facts::attested;
use drone_hotfix::facts::promoted::Attested;
use drone_hotfix::publish::attest::{Attached, write};
use drone_hotfix::registry::error::{Cause, RegistryError};
use drone_hotfix::registry::manifest::Manifest;
use drone_hotfix::registry::reference::{Digest, Repository};

use super::{PATH, claim, client, digest, manifest, policy};
use crate::support::image::{self, Blob, Image, OCI_INDEX, OCI_MANIFEST};
use crate::support::scripted::{Answer, Script};

fn list_of(of: &Digest) -> String {
    format!("/v2/{PATH}/referrers/{of}")
}

fn manifest_of(name: &str) -> String {
    format!("/v2/{PATH}/manifests/{name}")
}

fn tag_of(of: &Digest) -> String {
    manifest_of(&of.as_str().replace(':', "-"))
}

fn index(entries: &[Value]) -> Answer {
    let text = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
    Answer::status(200)
        .header("Content-Type", OCI_INDEX)
        .body(text.to_string())
}

fn entry(blob: &Blob, kind: Option<&str>) -> Value {
    let mut entry =
        json!({"mediaType": blob.media_type, "digest": blob.digest, "size": blob.bytes.len()});
    if let Some(kind) = kind {
        entry["artifactType"] = kind.into();
    }
    entry
}

/// The manifest of an artifact with this payload, written by hand.
fn carrier(subject: &str, kind: &str, payload: &[u8], embedded: bool) -> Blob {
    use base64::Engine as _;
    let mut layer =
        json!({"mediaType": kind, "digest": image::sha256(payload), "size": payload.len()});
    if embedded {
        layer["data"] = base64::engine::general_purpose::STANDARD
            .encode(payload)
            .into();
    }
    let text = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": kind,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": image::sha256(b"{}"), "size": 2},
        "layers": [layer],
        "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 7},
    });
    Blob::new(OCI_MANIFEST, text.to_string())
}

/// A scripted registry does not know its port before it starts, so a statement for it is made up of
/// another host's: only what is found matters here, or why it counts as none.
fn statement(of: &Digest) -> Vec<u8> {
    let repository = Repository::parse("registry.example/example/app").unwrap();
    artifact(&Statement::new(&repository, of.clone(), claim(7)), None)
        .unwrap()
        .payload
}

const ELSEWHERE: &str = "in the repository `registry.example/example/app`";

async fn read(script: Script, of: &Digest) -> Result<Attested, RegistryError> {
    let server = script.start();
    let read = attested::read(&client(&server.address(), PATH), of, &policy(&[])).await;
    server.finish();
    read
}

fn subject() -> Manifest {
    manifest(&image::single("one"))
}

#[tokio::test]
async fn one_statement_costs_two_requests() {
    let of = subject().digest;
    let carrier = carrier(of.as_str(), STATEMENT, &statement(&of), true);
    let script = Script::new()
        .on(
            "GET",
            &list_of(&of),
            index(&[entry(&carrier, Some(STATEMENT))]),
        )
        .on(
            "GET",
            &manifest_of(&carrier.digest),
            Answer::manifest(&carrier),
        )
        .in_order();
    let found = read(script, &of).await.unwrap();
    assert_eq!(found.rejected.len(), 1);
    assert!(
        found.rejected[0].contains(ELSEWHERE),
        "{:?}",
        found.rejected
    );
}

#[tokio::test]
async fn a_payload_that_is_not_in_the_manifest_is_a_blob() {
    let of = subject().digest;
    let payload = statement(&of);
    let carrier = carrier(of.as_str(), STATEMENT, &payload, false);
    let blob = format!("/v2/{PATH}/blobs/{}", image::sha256(&payload));
    // The type is the manifest's to say, if the list leaves it out or names that of the configuration.
    let empty = "application/vnd.oci.empty.v1+json";
    for kind in [None, Some(""), Some(empty), Some(STATEMENT)] {
        let script = Script::new()
            .on("GET", &list_of(&of), index(&[entry(&carrier, kind)]))
            .on(
                "GET",
                &manifest_of(&carrier.digest),
                Answer::manifest(&carrier),
            )
            .on("GET", &blob, Answer::status(200).body(payload.clone()));
        let found = read(script, &of).await.unwrap();
        assert!(
            found.rejected[0].contains(ELSEWHERE),
            "{:?}",
            found.rejected
        );
    }
}

#[tokio::test]
async fn all_pages_are_read_and_what_others_attached_is_passed_over() {
    let of = subject().digest;
    let first = carrier(of.as_str(), STATEMENT, &statement(&of), true);
    let second = carrier(of.as_str(), STATEMENT, b"nonsense", true);
    let other = carrier(of.as_str(), "application/spdx+json", b"{}", true);
    let more = format!("{}?last=x", list_of(&of));
    let link = format!("<{more}>; rel=\"next\"");
    let pages = [
        index(&[
            entry(&other, Some("application/spdx+json")),
            entry(&first, Some(STATEMENT)),
        ])
        .header("Link", &link),
        index(&[
            entry(&first, Some(STATEMENT)),
            entry(&other, None),
            entry(&second, Some(STATEMENT)),
        ]),
    ];
    let [one, two] = pages;
    let script = Script::new()
        .on("GET", &list_of(&of), one)
        .on("GET", &more, two)
        .on("GET", &manifest_of(&first.digest), Answer::manifest(&first))
        .on(
            "GET",
            &manifest_of(&second.digest),
            Answer::manifest(&second),
        )
        .on("GET", &manifest_of(&other.digest), Answer::manifest(&other));
    let found = read(script, &of).await.unwrap();
    assert_eq!(found.rejected.len(), 2, "{:?}", found.rejected);
    assert!(
        found.rejected[1].contains("unknown form"),
        "{:?}",
        found.rejected
    );
}

#[tokio::test]
async fn nothing_is_attached_only_when_the_registry_says_so() {
    let of = subject().digest;
    let empty =
        |found: Attested| assert_eq!((found.statements.len(), found.rejected.len()), (0, 0));
    empty(
        read(Script::new().on("GET", &list_of(&of), index(&[])), &of)
            .await
            .unwrap(),
    );
    let null = Answer::status(200)
        .header("Content-Type", OCI_INDEX)
        .body(r#"{"manifests":null}"#);
    empty(
        read(Script::new().on("GET", &list_of(&of), null), &of)
            .await
            .unwrap(),
    );
    let gone = || Answer::error(404, "MANIFEST_UNKNOWN");
    let neither = Script::new()
        .on("GET", &list_of(&of), gone())
        .on("GET", &tag_of(&of), gone());
    empty(read(neither, &of).await.unwrap());
}

/// 429 and 5xx are asked again; with this header at once.
fn failing(status: u16) -> Answer {
    Answer::status(status).header("Retry-After", "0")
}

#[tokio::test]
async fn whatever_else_a_registry_answers_is_no_answer() {
    let of = subject().digest;
    let entries = json!([{"digest": of.as_str(), "size": 1, "mediaType": OCI_MANIFEST}]);
    let text = |kind: &str, body: &str| Answer::status(200).header("Content-Type", kind).body(body);
    let mut answers: Vec<Answer> = [
        204, 301, 400, 401, 403, 405, 406, 410, 418, 429, 451, 500, 501, 502, 503, 504,
    ]
    .map(failing)
    .into();
    answers.extend([
        text("text/html", "<html>sign in</html>"),
        text("text/html", r#"{"manifests":[]}"#),
        text("application/json", r#"{"manifests":[]}"#),
        text(OCI_INDEX, "<html>"),
        text(OCI_INDEX, "[]"),
        text(OCI_INDEX, r#"{"manifests":{}}"#),
        text(OCI_INDEX, r#"{"Manifests":[]}"#),
        text(OCI_INDEX, r#"{"manifests":[{"digest":"sha1:00"}]}"#),
        text(OCI_INDEX, r#"{"manifests":["x"]}"#),
        text(OCI_INDEX, &" ".repeat(5 << 20)),
        index(&[]).header("Link", "<http://elsewhere.example/>; rel=next"),
        index(&[]).header("Link", "nonsense"),
        index(&[]).cut(10),
        Answer::hang_up(),
    ]);
    for answer in answers {
        let shown = format!("{answer:?}");
        let short = &shown[..shown.len().min(120)];
        let script = Script::new().on("GET", &list_of(&of), answer).always();
        let error = read(script, &of).await.expect_err(short);
        assert_eq!(error.operation, "listing what is attached to", "{short}");
    }
    // The same where the list stands under a tag.
    let mut answers: Vec<Answer> = [400, 401, 403, 405, 429, 500, 503].map(failing).into();
    answers.extend([
        text("text/html", "<html>"),
        text(OCI_MANIFEST, r#"{"config":{},"layers":[]}"#),
        text(
            OCI_INDEX,
            &json!({"manifests": entries, "layers": []}).to_string(),
        ),
    ]);
    for answer in answers {
        let shown = format!("{answer:?}");
        let script = Script::new()
            .on("GET", &list_of(&of), Answer::status(404))
            .on("GET", &tag_of(&of), answer)
            .always();
        assert!(read(script, &of).await.is_err(), "{shown}");
    }
    // And of what the list names.
    let carrier = carrier(of.as_str(), STATEMENT, b"{}", true);
    for answer in [
        failing(404),
        failing(403),
        failing(500),
        text("text/html", "<html>"),
        text(OCI_MANIFEST, "{}"),
    ] {
        let shown = format!("{answer:?}");
        let script = Script::new()
            .on(
                "GET",
                &list_of(&of),
                index(&[entry(&carrier, Some(STATEMENT))]),
            )
            .on("GET", &manifest_of(&carrier.digest), answer)
            .always();
        assert!(read(script, &of).await.is_err(), "{shown}");
    }
}

#[tokio::test]
async fn a_list_that_is_too_long_is_no_answer() {
    let of = subject().digest;
    let entry = |i: usize| json!({"digest": Digest::of(&i.to_le_bytes()).as_str(), "artifactType": STATEMENT});
    let entries: Vec<Value> = (0..201).map(entry).collect();
    let error = read(Script::new().on("GET", &list_of(&of), index(&entries)), &of)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("more than 200"), "{error}");
    let link = format!("<{}>; rel=next", list_of(&of));
    let endless = Script::new()
        .on("GET", &list_of(&of), index(&[]).header("Link", &link))
        .times(50);
    let error = read(endless, &of).await.unwrap_err();
    assert!(error.to_string().contains("50 pages"), "{error}");
}

#[tokio::test]
async fn gitlab_gives_the_image_itself_for_its_tag() {
    let gone = || Answer::status(404);
    for image in [image::two_platforms("one"), image::single("one")] {
        let of = digest(&image.manifest.digest);
        let script = Script::new().on("GET", &list_of(&of), gone()).on(
            "GET",
            &tag_of(&of),
            Answer::manifest(&image.manifest),
        );
        let found = read(script, &of).await.unwrap();
        assert_eq!((found.statements.len(), found.rejected.len()), (0, 0));
    }
    // A list whose entries are the images of an index, which are attached to nothing.
    let image = image::two_platforms("one");
    let of = digest(&image.manifest.digest);
    let entries: Vec<Value> = image
        .children
        .iter()
        .map(|child| entry(child, None))
        .collect();
    let mut script =
        Script::new()
            .on("GET", &list_of(&of), gone())
            .on("GET", &tag_of(&of), index(&entries));
    for child in &image.children {
        script = script.on("GET", &manifest_of(&child.digest), Answer::manifest(child));
    }
    let found = read(script, &of).await.unwrap();
    assert_eq!((found.statements.len(), found.rejected.len()), (0, 0));
}

#[tokio::test]
async fn odd_artifacts_count_as_none() {
    let of = subject().digest;
    let good = statement(&of);
    let odd = |change: &dyn Fn(&mut Value)| {
        let blob = carrier(of.as_str(), STATEMENT, &good, true);
        let mut text: Value = serde_json::from_slice(&blob.bytes).unwrap();
        change(&mut text);
        Blob::new(OCI_MANIFEST, text.to_string())
    };
    for (carrier, word) in [
        (odd(&|text| text["layers"] = json!([])), "not one layer"),
        (
            odd(&|text| text["layers"][0]["data"] = json!("e30=")),
            "the data in its manifest",
        ),
        (
            odd(&|text| text["layers"][0]["data"] = json!("!")),
            "the data in its manifest",
        ),
        (
            odd(&|text| text["layers"][0]["size"] = json!(5)),
            "another size",
        ),
        (
            odd(&|text| text["layers"][0]["size"] = json!(50_000_000)),
            "too long",
        ),
        (
            odd(&|text| text["subject"]["digest"] = json!(Digest::of(b"x").as_str())),
            "only listed here",
        ),
    ] {
        let script = Script::new()
            .on(
                "GET",
                &list_of(&of),
                index(&[entry(&carrier, Some(STATEMENT))]),
            )
            .on(
                "GET",
                &manifest_of(&carrier.digest),
                Answer::manifest(&carrier),
            );
        let found = read(script, &of).await.unwrap();
        assert_eq!(found.statements, []);
        assert!(
            found.rejected[0].contains(word),
            "{word}: {:?}",
            found.rejected
        );
    }
}

#[tokio::test]
async fn what_a_registry_does_not_see_yet_is_sent_again() {
    let image = image::single("one");
    let subject = manifest(&image);
    let put = manifest_of("sha256:*");
    let server = taking(&subject.digest, Answer::error(400, "MANIFEST_BLOB_UNKNOWN"))
        .on("PUT", &put, Answer::error(400, "DIGEST_INVALID"))
        .on(
            "PUT",
            &put,
            Answer::status(201).header("OCI-Subject", subject.digest.as_str()),
        )
        .start();
    let done = write(&client(&server.address(), PATH), &subject, claim(1), None).await;
    server.finish();
    assert!(
        matches!(
            done,
            Ok(Attached::New {
                by_registry: true,
                ..
            })
        ),
        "{done:?}"
    );
}

/// A registry that takes the parts of an artifact and answers so to its manifest.
fn taking(of: &Digest, put: Answer) -> Script {
    let place = format!("/v2/{PATH}/blobs/uploads/1");
    Script::new()
        .on("GET", &list_of(of), index(&[]))
        .on(
            "HEAD",
            &format!("/v2/{PATH}/blobs/{}", image::sha256(b"{}")),
            Answer::status(404),
        )
        .on(
            "POST",
            &format!("/v2/{PATH}/blobs/uploads/*"),
            Answer::status(202).header("Location", &place),
        )
        .times(2)
        .on("PUT", &format!("{place}?digest=*"), Answer::status(201))
        .times(2)
        .on("PUT", &manifest_of("sha256:*"), put)
}

async fn attached(image: &Image, put: Answer) -> Result<Attached, RegistryError> {
    let subject = manifest(image);
    let server = taking(&subject.digest, put).start();
    let done = write(&client(&server.address(), PATH), &subject, claim(1), None).await;
    server.finish();
    done
}

#[tokio::test]
async fn a_registry_that_keeps_the_list_is_left_to_it() {
    for image in [image::single("one"), image::two_platforms("two")] {
        let answer = Answer::status(201).header("OCI-Subject", &image.manifest.digest);
        let done = attached(&image, answer).await.unwrap();
        assert!(
            matches!(
                done,
                Attached::New {
                    by_registry: true,
                    ..
                }
            ),
            "{done:?}"
        );
    }
    let other = Answer::status(201).header("OCI-Subject", Digest::of(b"x").as_str());
    let error = attached(&image::single("one"), other).await.unwrap_err();
    assert!(
        error.to_string().contains("attached it to sha256:"),
        "{error}"
    );
}

#[tokio::test]
async fn a_registry_that_refuses_artifacts_is_told_apart() {
    let image = image::single("one");
    for answer in [
        Answer::error(400, "MANIFEST_INVALID"),
        Answer::error(404, "MANIFEST_INVALID"),
        Answer::status(405),
        Answer::error(415, "UNSUPPORTED"),
        Answer::status(422),
    ] {
        let error = attached(&image, answer).await.unwrap_err();
        assert!(matches!(error.cause, Cause::NoArtifacts(_)), "{error}");
        assert!(
            error
                .to_string()
                .contains("refuses artifacts beside images"),
            "{error}"
        );
        assert!(error.advice().contains("OCI 1.1"), "{}", error.advice());
    }
    for answer in [
        Answer::error(403, "DENIED"),
        Answer::error(404, "NAME_UNKNOWN"),
    ] {
        let error = attached(&image, answer).await.unwrap_err();
        assert!(matches!(error.cause, Cause::Status { .. }), "{error}");
    }
}
