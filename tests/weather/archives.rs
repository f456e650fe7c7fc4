//! Files: archives that are compressed on the way, layers that are not ours, and the order in which an
//! image becomes visible.

use serde_json::json;

use super::*;
use crate::support::http::Request;
use crate::support::image::{self, Blob, DOCKER_MANIFEST, OCI_INDEX, sha256};

/// An archive of one layer, as `docker save` writes it, and its configuration.
fn saved() -> (TempDir, String) {
    let workspace = TempDir::new();
    let save = workspace.path("save");
    let config = files::docker_save(
        Path::new(&save),
        "example/app:1",
        &[b"one layer"],
        json!({}),
    );
    files::pack(Path::new(&save), Path::new(&workspace.path("save.tar")));
    (workspace, config)
}

/// What the server got with this method, in order.
fn got(server: &Scripted, method: &str) -> Vec<Request> {
    let all = server.received().into_iter();
    all.filter(|request| request.method == method).collect()
}

/// The tag is written with whatever manifest came of it.
fn any_end(script: Script) -> Script {
    script
        .on("HEAD", TAG, Answer::status(404))
        .on("PUT", TAG, Answer::status(201))
        .with_header("Content-Type", DOCKER_MANIFEST)
}

#[test]
fn a_layer_is_compressed_while_it_is_sent() {
    let (workspace, config) = saved();
    let config = format!("{UPLOADS}?mount={}&from=example%2Fapp", escaped(&config));
    let begin = || {
        Script::new()
            .on("HEAD", TAG, Answer::status(404))
            .on("POST", &config, Answer::status(201))
            .on("POST", UPLOADS, opened("/up/1?_state=a%2Fb"))
    };
    let streamed = begin()
        .on("PATCH", "/up/1?_state=a%2Fb", opened("/up/2?_state=c%2Fd"))
        .with_header("Transfer-Encoding", "chunked")
        .without_header("Content-Range")
        .on("PUT", "/up/2?_state=c%2Fd&digest=*", Answer::status(201));
    // The digest is not known before, so another one is read back: that is the last request.
    let other = image::single("other").manifest;
    let server = any_end(streamed)
        .on("HEAD", TAG, Answer::manifest(&other))
        .start();
    let run = gate(&server)
        .local("docker-archive:save.tar", &workspace)
        .run();
    code(
        &run,
        4,
        &["reading back", "another build wrote the same tag"],
    );
    let (layer, puts) = (got(&server, "PATCH").remove(0).body, got(&server, "PUT"));
    assert_eq!(puts[0].query("digest"), [sha256(&layer)]);
    let manifest: serde_json::Value = serde_json::from_slice(&puts[1].body).expect("JSON");
    assert_eq!(manifest["layers"][0]["digest"], sha256(&layer));
    assert_eq!(manifest["layers"][0]["size"], layer.len());
    let blob = Blob::new(DOCKER_MANIFEST, puts[1].body.clone());
    server.finish();
    // Where PATCH is refused, or breaks, the layer is measured and goes in one piece.
    let layer = Blob::new("", layer);
    for refused in [
        Answer::status(405),
        Answer::status(404),
        Answer::status(500),
        Answer::hang_up(),
        Answer::status(202),
    ] {
        let script = begin()
            .on("PATCH", "/up/1?_state=a%2Fb", refused)
            .on("POST", &mount(&layer), opened("/up/3"))
            .on("PUT", &fill("/up/3", &layer), Answer::status(201))
            .with_header("Content-Length", &layer.bytes.len().to_string())
            .with_body(&layer.bytes);
        let server = any_end(script)
            .on("HEAD", TAG, Answer::manifest(&blob))
            .start();
        let run = gate(&server)
            .local("docker-archive:save.tar", &workspace)
            .run();
        code(&run, 0, &["allowed and published", &blob.digest]);
        server.finish();
    }
    // What the tag names has the same configuration, so the archive is not even compressed.
    let present = format!("/v2/example/app/manifests/{}", blob.digest);
    let server = Script::new()
        .on("HEAD", TAG, Answer::manifest(&blob))
        .on("GET", &present, Answer::manifest(&blob))
        .start();
    let run = gate(&server)
        .local("docker-archive:save.tar", &workspace)
        .run();
    code(&run, 0, &["published already"]);
    server.finish();
}

#[test]
fn a_foreign_layer_stays_where_it_is() {
    let whole = image::single("windows");
    let foreign = format!(
        r#"{{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","size":9,"digest":"{}","urls":["https://example.com/x"]}}"#,
        sha256(b"elsewhere")
    );
    let manifest = String::from_utf8(whole.manifest.bytes.clone()).expect("text");
    let manifest = manifest.replace("\"layers\":[ ", &format!("\"layers\":[ {foreign}, "));
    let image = Image {
        manifest: Blob::new(&whole.manifest.media_type, manifest),
        ..whole
    };
    let layer = &image.blobs[1];
    let script = begin(&image).on("POST", &mount(layer), opened("/up/1")).on(
        "PUT",
        &fill("/up/1", layer),
        Answer::status(201),
    );
    let server = end(script, &image).start();
    let workspace = in_layout(&image);
    let run = gate(&server).local("oci:out", &workspace).run();
    code(&run, 0, &["allowed and published"]);
    server.finish();
}

fn index(children: &[&Blob]) -> Blob {
    let children: Vec<_> = children
        .iter()
        .map(|child| json!({"mediaType": child.media_type, "digest": child.digest, "size": child.bytes.len()}))
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children});
    Blob::new(OCI_INDEX, index.to_string())
}

#[test]
fn what_names_others_comes_after_them_and_the_tag_last() {
    let (deep, side) = (image::single("deep"), image::single("side"));
    let inner = index(&[&deep.manifest]);
    let outer = index(&[&inner, &side.manifest, &deep.manifest]);
    let image = Image {
        manifest: outer,
        children: vec![deep.manifest.clone(), inner, side.manifest.clone()],
        blobs: [deep.blobs, side.blobs].concat(),
    };
    let server = Script::new().on("HEAD", TAG, Answer::status(404));
    let mut script = server.on("POST", "/v2/*", Answer::status(201)).always();
    for child in &image.children {
        let path = format!("/v2/example/app/manifests/{}", child.digest);
        script = script
            .on("PUT", &path, Answer::status(201))
            .with_body(&child.bytes);
    }
    let server = end(script, &image).in_order().start();
    let workspace = in_layout(&image);
    let run = gate(&server).local("oci:out", &workspace).run();
    code(&run, 0, &["allowed and published", &image.manifest.digest]);
    let asked = got(&server, "POST");
    assert_eq!(asked.len(), image.blobs.len(), "each blob once");
    // No manifest before the last blob.
    let all = server.received();
    let last = all.iter().rposition(|request| request.method == "POST");
    let first = all.iter().position(|request| request.method == "PUT");
    assert!(last < first);
    server.finish();
    // A child that is not taken leaves the tag alone.
    let refused = Script::new()
        .on("HEAD", TAG, Answer::status(404))
        .on("POST", "/v2/*", Answer::status(201))
        .always()
        .on(
            "PUT",
            &format!("/v2/example/app/manifests/{}", deep.manifest.digest),
            Answer::error(400, "MANIFEST_INVALID"),
        )
        .start();
    let run = gate(&refused).local("oci:out", &workspace).run();
    code(
        &run,
        4,
        &["writing", "400, MANIFEST_INVALID", "written:  nothing"],
    );
    refused.finish();
}
