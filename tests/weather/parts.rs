//! Sources that are not what their manifest, their header or their length says.

use super::*;
use crate::support::image::{self, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, sha256};

#[test]
fn a_blob_of_another_registry_is_checked_on_its_way() {
    let image = image::single("blob");
    let layer = &image.blobs[1];
    let mut changed = layer.bytes.clone();
    changed[7] ^= 1;
    let longer = [&layer.bytes[..], b"more"].concat();
    let bytes = |bytes: &[u8]| Answer::status(200).body(bytes.to_vec());
    // Another length is known before anything is sent.
    for wrong in [bytes(&longer), bytes(&layer.bytes[1..]), bytes(b"")] {
        let from = Script::new()
            .on("GET", OTHER, Answer::manifest(&image.manifest))
            .on("GET", &blob_path(layer), wrong)
            .start();
        let to = torn(&image)
            .on("POST", &mount(layer), opened("/up/1"))
            .start();
        let run = gate(&to).from(&from).run();
        code(&run, 4, &["reading", "but its manifest says 1536"]);
        from.finish();
        to.finish();
    }
    // What is wrong only in the middle may be another's mistake, and is asked for again.
    let short = bytes(&layer.bytes[1..]).chunked();
    for (wrong, words) in [
        (bytes(&changed), "the bytes are not those of sha256:"),
        (bytes(&longer).chunked(), "more than its manifest says"),
        (short, "1 bytes of sha256:"),
    ] {
        let from = Script::new()
            .on("GET", OTHER, Answer::manifest(&image.manifest))
            .on("GET", &blob_path(layer), wrong.clone())
            .on("GET", &blob_path(layer), blob(layer))
            .start();
        let to = begin(&image)
            .on("POST", &mount(layer), opened("/up/1"))
            .on("POST", &mount(layer), opened("/up/2"))
            .on("PUT", &fill("/up/2", layer), Answer::status(201))
            .with_body(&layer.bytes);
        let to = end(to, &image).start();
        let run = gate(&to).from(&from).run();
        code(&run, 0, &["allowed and published"]);
        from.finish();
        to.finish();
        // Five times wrong is wrong.
        let from = Script::new()
            .on("GET", OTHER, Answer::manifest(&image.manifest))
            .on("GET", &blob_path(layer), wrong)
            .times(5)
            .start();
        let to = torn(&image)
            .on("POST", &mount(layer), opened("/up/1"))
            .times(5)
            .on("DELETE", "/up/1", Answer::status(204))
            .start();
        let run = gate(&to).from(&from).run();
        code(&run, 4, &["sending", words, "`policy.source`"]);
        from.finish();
        to.finish();
    }
}

/// A push whose source is answered so, so often; nothing is written.
#[track_caller]
fn source(answer: Answer, times: usize, words: &[&str]) -> Run {
    let server = Script::new()
        .on("GET", SOURCE, answer)
        .times(times)
        .on("HEAD", TAG, Answer::status(404))
        .start();
    let run = gate(&server).timeout("20s").run();
    code(&run, 4, words);
    code(&run, 4, &["written:  nothing"]);
    server.finish();
    run
}

#[test]
fn a_manifest_is_what_it_says_it_is_or_it_is_not_published() {
    let of = |kind: &str, text: &str| {
        let answer = Answer::status(200).body(text);
        match kind {
            "" => answer,
            kind => answer.header("Content-Type", kind),
        }
    };
    let index = r#"{"schemaVersion":2,"manifests":[]}"#;
    let image = r#"{"schemaVersion":2,"config":{},"layers":[]}"#;
    for (kind, text, word) in [
        ("", image, "media type `` is neither"),
        ("text/plain", image, "neither an image nor an index"),
        ("application/json", index, "neither an image nor an index"),
        (OCI_MANIFEST, index, "CVE-2021-41190"),
        (OCI_INDEX, image, "CVE-2021-41190"),
        (
            OCI_INDEX,
            r#"{"manifests":[],"config":{}}"#,
            "CVE-2021-41190",
        ),
        (
            OCI_MANIFEST,
            r#"{"manifests":[],"layers":[]}"#,
            "CVE-2021-41190",
        ),
        (DOCKER_MANIFEST, r#"{"schemaVersion":1}"#, "schema 1"),
        (
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            image,
            "schema 1",
        ),
        (
            OCI_MANIFEST,
            r#"{"config":{},"config":{}}"#,
            "duplicate field",
        ),
        (OCI_MANIFEST, "[]", "not a manifest"),
        (OCI_MANIFEST, "", "not a manifest"),
    ] {
        source(of(kind, text), 1, &[word]);
    }
    for said in [sha256(b"other"), "sha256:0".to_owned(), "<html>".to_owned()] {
        let lied = of(OCI_MANIFEST, image).header("Docker-Content-Digest", &said);
        source(lied, 1, &["the registry says digest"]);
    }
}

#[test]
fn a_digest_header_may_be_missing() {
    let image = image::single("bare");
    let bare = Answer::status(200)
        .header("Content-Type", &image.manifest.media_type)
        .body(image.manifest.bytes.clone());
    // What the tag names now is then read whole, before and after.
    let server = Script::new()
        .on("GET", SOURCE, bare.clone())
        .on("HEAD", TAG, Answer::status(404))
        .on("PUT", TAG, Answer::status(201))
        .on("HEAD", TAG, bare.clone())
        .on("GET", TAG, bare)
        .start();
    code(&gate(&server).run(), 0, &["allowed and published"]);
    server.finish();
}

#[test]
fn errors_are_read_whatever_their_body_is() {
    for body in [
        "",
        "<html><h1>No</h1>",
        "null",
        "[1]",
        "{\"errors\":[]}",
        "{\"errors\":3}",
    ] {
        let answer = Answer::status(403).body(body);
        source(answer, 1, &["403 without an explanation"]);
    }
    let error = || Answer::error(403, "DENIED");
    source(error().endless(), 1, &["registry answered 403"]);
    // 100 MiB are promised.
    source(error().cut(100 << 20), 1, &["403, DENIED: scripted"]);
    source(error().stalled_after(5), 1, &["403 without an explanation"]);
    source(
        Answer::status(403).body("{\"message\":\"a gateway's words\"}"),
        1,
        &["403, a gateway's words"],
    );
    let long = format!("{{\"message\":\"{}\"}}", "long ".repeat(1000));
    let run = source(Answer::status(400).body(long), 1, &["400, long long"]);
    assert!(run.text.len() < 3000, "{}", run.text.len());
}

#[test]
fn a_registry_cannot_write_into_the_log() {
    let hostile = "{\"errors\":[{\"code\":\"\\u001b]0;x\\u0007\",\"message\":\"\\u202eb\\nnot published\\r\\n\\u0000\\u009b2J\"}]}";
    let run = source(
        Answer::status(400).body(hostile),
        1,
        &["400", "\\u{1b}]0;x\\u{7}", "\\u{202e}b"],
    );
    for bad in ['\u{1b}', '\u{7}', '\u{202e}', '\u{0}', '\u{9b}', '\r'] {
        assert!(!run.text.contains(bad), "{bad:?} in {}", run.text);
    }
    assert_eq!(
        run.text.matches("\nnot published").count(),
        1,
        "{}",
        run.text
    );
    // Nor by a digest, a media type or the place of a redirect.
    let manifest = "{\"mediaType\":\"\\u001b[31m\",\"config\":{}}";
    let run = source(Answer::status(200).body(manifest), 1, &["\\u{1b}[31m"]);
    assert!(!run.text.contains('\u{1b}'));
}
