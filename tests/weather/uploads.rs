//! Blobs on their way: mounted, refused, begun again, in one piece or in many.

use super::*;
use crate::support::image::{self, Blob};

fn publish(server: Scripted, image: &Image, expected: i32, words: &[&str]) {
    let workspace = in_layout(image);
    let run = gate(&server).local("oci:out", &workspace).run();
    code(&run, expected, words);
    server.finish();
}

fn published(script: Script, image: &Image) {
    publish(
        end(script, image).start(),
        image,
        0,
        &["allowed and published"],
    );
}

#[test]
fn a_mount_may_fail_in_many_ways() {
    let image = image::single("mount");
    let layer = &image.blobs[1];
    let filled = |script: Script| {
        script
            .on("PUT", &fill("/up/1", layer), Answer::status(201))
            .with_body(&layer.bytes)
    };
    // It is there.
    published(
        begin(&image).on("POST", &mount(layer), Answer::status(201)),
        &image,
    );
    // It is not, and an upload is open already.
    published(
        filled(begin(&image).on("POST", &mount(layer), opened("/up/1"))),
        &image,
    );
    for refused in [
        Answer::status(400),
        Answer::error(401, "UNAUTHORIZED"),
        Answer::error(403, "DENIED"),
        Answer::error(404, "NAME_UNKNOWN"),
        Answer::error(405, "UNSUPPORTED"),
        Answer::status(200),
        Answer::status(204),
    ] {
        let script = begin(&image)
            .on("POST", &mount(layer), refused)
            .on("POST", UPLOADS, opened("/up/1"))
            .with_header("Content-Length", "0");
        published(filled(script), &image);
    }
    let script = begin(&image)
        .on("POST", &mount(layer), passing(500))
        .times(5)
        .on("POST", UPLOADS, opened("/up/1"));
    published(filled(script), &image);
    // A plain upload says what is really wrong.
    for (status, said, words) in [
        (403, "DENIED", "right to pull from and push to"),
        (
            404,
            "NAME_UNKNOWN",
            "where repositories are created by hand",
        ),
        (401, "UNAUTHORIZED", "check `username`"),
        (413, "SIZE_INVALID", "make room"),
    ] {
        let server = torn(&image)
            .on("POST", &mount(layer), Answer::status(403))
            .on("POST", UPLOADS, Answer::error(status, said))
            .start();
        publish(server, &image, 4, &["sending", said, words]);
    }
}

#[test]
fn an_upload_that_was_lost_is_begun_again() {
    let image = image::single("lost");
    let layer = &image.blobs[1];
    for lost in [404, 416] {
        let script = begin(&image)
            .on("POST", &mount(layer), opened("/up/1"))
            .on("PUT", &fill("/up/1", layer), Answer::status(lost))
            .on("POST", &mount(layer), opened("/up/2"))
            .on("PUT", &fill("/up/2", layer), Answer::status(lost))
            .on("POST", &mount(layer), opened("/up/3"))
            .on("PUT", &fill("/up/3", layer), Answer::status(201))
            .with_body(&layer.bytes);
        published(script, &image);
    }
    // Whoever says 201 late is found out by the next question.
    for broken in [Answer::hang_up(), Answer::reset(), passing(502)] {
        let script = begin(&image)
            .on("POST", &mount(layer), opened("/up/1"))
            .on("PUT", &fill("/up/1", layer), broken)
            .on("POST", &mount(layer), Answer::status(201));
        published(script, &image);
    }
}

#[test]
fn what_is_refused_in_one_piece_goes_in_pieces() {
    let image = image::single("pieces");
    let layer = &image.blobs[1];
    let range = format!("0-{}", layer.bytes.len() - 1);
    let pieces = |script: Script| {
        script
            .on("POST", &mount(layer), opened("/up/9"))
            .on("PATCH", "/up/9", opened("/up/9?_state=1%2F2"))
            .with_header("Content-Range", &range)
            .with_header("Content-Type", "application/octet-stream")
            .with_body(&layer.bytes)
            .on(
                "PUT",
                &fill("/up/9?_state=1%2F2", layer),
                Answer::status(201),
            )
            .with_header("Content-Length", "0")
            .with_body(b"")
    };
    for status in [405, 411, 413, 415, 501] {
        let script = begin(&image).on("POST", &mount(layer), opened("/up/1")).on(
            "PUT",
            &fill("/up/1", layer),
            Answer::status(status),
        );
        published(pieces(script), &image);
    }
    // And what broke twice.
    let script = begin(&image)
        .on("POST", &mount(layer), opened("/up/1"))
        .on("PUT", &fill("/up/1", layer), Answer::hang_up())
        .on("POST", &mount(layer), opened("/up/2"))
        .on("PUT", &fill("/up/2", layer), Answer::reset());
    published(pieces(script), &image);
    // A piece that a registry takes without saying where the next one goes.
    let server = torn(&image)
        .on("POST", &mount(layer), opened("/up/1"))
        .on("PUT", &fill("/up/1", layer), Answer::status(413))
        .on("POST", &mount(layer), opened("/up/2"))
        .on("PATCH", "/up/2", Answer::status(202))
        .on("DELETE", "/up/2", Answer::status(405))
        .start();
    publish(server, &image, 4, &["sending", "without saying where"]);
}

/// An image with a layer of 13 MiB.
fn large() -> Image {
    let small = image::single("large");
    let bytes: Vec<u8> = (0..13_u32 << 20).map(|i| (i >> 3) as u8).collect();
    let layer = Blob::new(&small.blobs[1].media_type, bytes);
    let manifest = String::from_utf8(small.manifest.bytes).expect("text");
    let manifest = manifest
        .replace(&small.blobs[1].digest, &layer.digest)
        .replace(
            &format!("\"size\": {}", small.blobs[1].bytes.len()),
            &format!("\"size\": {}", layer.bytes.len()),
        );
    Image {
        manifest: Blob::new(&small.manifest.media_type, manifest),
        children: Vec::new(),
        blobs: vec![small.blobs[0].clone(), layer],
    }
}

#[test]
fn pieces_are_as_long_as_the_registry_wants() {
    let image = large();
    let layer = &image.blobs[1];
    let mebi = 1 << 20;
    for (least, size) in [
        (None, 5 * mebi),
        (Some(6 * mebi), 6 * mebi),
        (Some(1), 5 * mebi),
    ] {
        // A refusal that comes before the body was read, as gateways do it.
        let early = Answer::status(413)
            .header("Content-Type", "text/html")
            .body("<html>too large")
            .early();
        let mut script = begin(&image)
            .on("HEAD", &blob(layer), Answer::status(404))
            .times(2)
            .on("POST", &mount(layer), opened("/up/1"))
            .on("PUT", &fill("/up/1", layer), early);
        let mut open = opened("/up/2");
        if let Some(least) = least {
            open = open.header("OCI-Chunk-Min-Length", &least.to_string());
        }
        script = script.on("POST", &mount(layer), open);
        let (mut at, mut place) = (0, "/up/2".to_owned());
        while at < layer.bytes.len() {
            let end = (at + size).min(layer.bytes.len());
            let next = format!("/up/2?at={end}");
            script = script
                .on("PATCH", &place, opened(&next))
                .with_header("Content-Range", &format!("{at}-{}", end - 1))
                .with_header("Content-Length", &(end - at).to_string())
                .with_body(&layer.bytes[at..end]);
            (at, place) = (end, next);
        }
        let script = script.on("PUT", &fill(&place, layer), Answer::status(201));
        published(script, &image);
    }
}

#[test]
fn a_piece_that_fails_begins_all_again() {
    let image = image::single("again");
    let layer = &image.blobs[1];
    for bad in [Answer::status(416), passing(500), Answer::hang_up()] {
        let script = begin(&image)
            .on("POST", &mount(layer), opened("/up/1"))
            .on("PUT", &fill("/up/1", layer), Answer::status(413))
            .on("POST", &mount(layer), opened("/up/2"))
            .on("PATCH", "/up/2", bad)
            .on("POST", &mount(layer), opened("/up/3"))
            .on("PATCH", "/up/3", opened("/up/4"))
            .with_body(&layer.bytes)
            .on("PUT", &fill("/up/4", layer), Answer::status(201));
        published(script, &image);
    }
}

#[test]
fn a_blob_that_is_refused_is_given_up() {
    let image = image::single("refused");
    let layer = &image.blobs[1];
    let other = image::sha256(b"other");
    for (put, words) in [
        (
            Answer::status(201).header("Docker-Content-Digest", &other),
            ["the registry stored sha256:", "container registries"],
        ),
        (
            Answer::error(400, "DIGEST_INVALID"),
            ["400, DIGEST_INVALID", "who runs"],
        ),
        (
            Answer::error(403, "DENIED"),
            ["403, DENIED", "right to pull"],
        ),
        (
            Answer::status(403).body("{\"message\":\"storage quota exceeded\"}"),
            ["storage quota exceeded", "make room"],
        ),
        (Answer::status(507), ["507", "again in a minute"]),
    ] {
        // Registries that do not know how to forget an upload are left alone.
        for forget in [Answer::status(204), Answer::status(405), Answer::hang_up()] {
            let server = torn(&image)
                .on("POST", &mount(layer), opened("/up/1"))
                .on("PUT", &fill("/up/1", layer), put.clone())
                .on("DELETE", "/up/1", forget)
                .start();
            publish(server, &image, 4, &["sending", words[0], words[1]]);
        }
    }
    // What it says of the digest may be missing, or another kind of it.
    for said in [
        layer.digest.clone(),
        "nonsense".to_owned(),
        format!("sha512:{}", "0".repeat(128)),
    ] {
        let put = Answer::status(201).header("Docker-Content-Digest", &said);
        let script = begin(&image).on("POST", &mount(layer), opened("/up/1")).on(
            "PUT",
            &fill("/up/1", layer),
            put,
        );
        published(script, &image);
    }
}

#[test]
fn a_registry_that_stops_reading_is_given_up() {
    let image = large();
    let layer = &image.blobs[1];
    let workspace = in_layout(&image);
    for bad in [
        Answer::stall().early(),
        Answer::reset().early(),
        Answer::hang_up().early(),
        passing(503).early(),
        Answer::status(404).early(),
    ] {
        // Before something large is sent, the registry is asked outright whether it has it.
        let script = begin(&image)
            .on("HEAD", &blob(layer), Answer::status(404))
            .times(2)
            .on("POST", &mount(layer), opened("/up/1"))
            .on("PUT", &fill("/up/1", layer), bad)
            .on("POST", &mount(layer), opened("/up/2"))
            .on("PUT", &fill("/up/2", layer), Answer::status(201))
            .with_body(&layer.bytes);
        let server = end(script, &image).start();
        let gate = gate(&server).local("oci:out", &workspace).timeout("8s");
        code(&gate.run(), 0, &["allowed and published"]);
        server.finish();
    }
}

#[test]
fn a_large_blob_that_is_there_is_not_sent_though_it_was_not_mounted() {
    let image = large();
    let layer = &image.blobs[1];
    let workspace = in_layout(&image);
    let script = begin(&image)
        .on("POST", &mount(layer), opened("/up/1"))
        .on("HEAD", &blob(layer), Answer::status(200))
        .on("DELETE", "/up/1", Answer::status(405));
    let server = end(script, &image).start();
    let run = gate(&server).local("oci:out", &workspace).run();
    code(&run, 0, &["allowed and published"]);
    server.finish();
}

fn blob(blob: &Blob) -> String {
    format!("/v2/example/app/blobs/{}", blob.digest)
}
