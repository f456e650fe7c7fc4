//! What passes is tried again, what does not is not, and nothing for ever.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::*;
use crate::support::image::{self, two_platforms};

/// One answer of this kind to every request of a publication from another registry, each once.
fn everything(bad: &Answer, heads: &Answer, put_looks: usize) {
    let image = image::single("weather");
    let [config, layer] = &image.blobs[..] else {
        panic!("two blobs");
    };
    let from = Script::new()
        .on("GET", OTHER, bad.clone())
        .on("GET", OTHER, Answer::manifest(&image.manifest))
        .on("GET", &blob_path(layer), bad.clone())
        .on("GET", &blob_path(layer), blob(layer))
        // The PUT was refused, and all begins again.
        .on("GET", &blob_path(layer), blob(layer))
        .start();
    let to = Script::new()
        .on("HEAD", TAG, heads.clone())
        .on("HEAD", TAG, Answer::status(404))
        .on("POST", &mount(config), Answer::status(201))
        .on("POST", &mount(layer), bad.clone())
        .on("POST", &mount(layer), opened("/up/1"))
        .on("PUT", &fill("/up/1", layer), bad.clone())
        .on("POST", &mount(layer), opened("/up/2"))
        .on("PUT", &fill("/up/2", layer), Answer::status(201))
        .with_body(&layer.bytes)
        .on("HEAD", TAG, Answer::status(404))
        .on("PUT", TAG, bad.clone());
    let to = match put_looks {
        0 => to,
        looks => to.on("HEAD", TAG, Answer::status(404)).times(looks),
    };
    let to = written(to, &image).start();
    let run = gate(&to).from(&from).run();
    from.finish();
    to.finish();
    code(&run, 0, &["allowed and published", &image.manifest.digest]);
}

#[test]
fn every_request_is_tried_again_after_a_status_that_passes() {
    for status in PASSING {
        // 429 says that nothing was done. After the others, the tag is looked at first.
        everything(
            &passing(status),
            &passing(status),
            usize::from(status != 429),
        );
    }
}

#[test]
fn every_request_is_tried_again_after_a_broken_connection() {
    everything(&Answer::hang_up(), &Answer::hang_up(), 1);
    everything(&Answer::reset(), &Answer::reset(), 1);
}

#[test]
fn a_429_says_how_long_in_many_ways() {
    for after in [
        None,
        Some("0"),
        Some("1"),
        Some("Sun, 06 Nov 1994 08:49:37 GMT"),
        Some("soon"),
    ] {
        let mut busy = Answer::error(429, "TOOMANYREQUESTS");
        if let Some(after) = after {
            busy = busy.header("Retry-After", after);
        }
        everything(&busy, &busy, 0);
    }
}

#[test]
fn a_child_of_an_index_is_written_again() {
    for bad in [passing(503), passing(429), Answer::hang_up()] {
        let image = two_platforms("again");
        let mut script = Script::new()
            .on("HEAD", TAG, Answer::status(404))
            .on("POST", "/v2/*", Answer::status(201))
            .always();
        for (number, child) in image.children.iter().enumerate() {
            let path = format!("/v2/example/app/manifests/{}", child.digest);
            if number == 1 {
                script = script.on("PUT", &path, bad.clone());
            }
            script = script
                .on("PUT", &path, Answer::status(201))
                .with_body(&child.bytes);
        }
        let server = end(script, &image).in_order().start();
        let workspace = in_layout(&image);
        let run = gate(&server).local("oci:out", &workspace).run();
        server.finish();
        code(&run, 0, &["allowed and published"]);
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up_soon_and_asked_again() {
    let image = image::single("silence");
    let (manifest, layer) = (&image.manifest, &image.blobs[1]);
    let whole = Answer::manifest(manifest);
    // Before the head of an answer, in the middle of it, and cut short.
    for bad in [
        Answer::stall(),
        whole.clone().stalled_after(20),
        whole.clone().cut(20),
    ] {
        let server = Script::new()
            .on("GET", SOURCE, bad)
            .on("GET", SOURCE, whole.clone())
            .on("HEAD", TAG, Answer::stall())
            .on("HEAD", TAG, Answer::status(404));
        let server = written(server, &image).start();
        let run = gate(&server).timeout("6s").run();
        server.finish();
        code(&run, 0, &["allowed and published"]);
    }
    // Filling an upload, and the source of what fills it; only a source that says nothing at all can
    // be asked again by itself.
    let mut short = layer.bytes.clone();
    short.truncate(layer.bytes.len() - 20);
    let short = Answer::status(200).body(short);
    for (put, source, anew) in [
        (Some(Answer::stall()), blob(layer), true),
        (None, Answer::stall(), false),
        (None, blob(layer).stalled_after(20), true),
        (None, blob(layer).stalled_after(0), true),
        (None, short.cut(20), true),
    ] {
        let from = Script::new()
            .on("GET", OTHER, Answer::manifest(manifest))
            .on("GET", &blob_path(layer), source)
            .on("GET", &blob_path(layer), blob(layer))
            .start();
        let mut to = begin(&image).on("POST", &mount(layer), opened("/up/1"));
        if let Some(put) = put {
            to = to.on("PUT", &fill("/up/1", layer), put);
        }
        let mut last = "/up/1";
        if anew {
            last = "/up/2";
            to = to.on("POST", &mount(layer), opened(last));
        }
        let to = to.on("PUT", &fill(last, layer), Answer::status(201));
        let to = end(to.with_body(&layer.bytes), &image).start();
        let run = gate(&to).from(&from).timeout("6s").run();
        code(&run, 0, &["allowed and published"]);
        from.finish();
        to.finish();
    }
    let to = begin(&image).on("POST", &mount(layer), Answer::stall()).on(
        "POST",
        &mount(layer),
        Answer::status(201),
    );
    let to = end(to, &image).start();
    let workspace = in_layout(&image);
    let run = gate(&to).local("oci:out", &workspace).timeout("6s").run();
    to.finish();
    code(&run, 0, &["allowed and published"]);
}

#[test]
fn what_does_not_pass_is_asked_once() {
    let image = image::single("no");
    let layer = &image.blobs[1];
    for status in [400, 403, 404, 405, 501] {
        let said = format!("the registry answered {status}");
        let server = Script::new()
            .on("GET", SOURCE, Answer::status(status))
            .on("HEAD", TAG, Answer::status(404))
            .start();
        let run = gate(&server).run();
        server.finish();
        code(&run, 4, &["not published", &said]);
        let from = Script::new()
            .on("GET", OTHER, Answer::manifest(&image.manifest))
            .on("GET", &blob_path(layer), Answer::status(status))
            .start();
        let to = torn(&image)
            .on("POST", &mount(layer), opened("/up/1"))
            .start();
        let run = gate(&to).from(&from).run();
        from.finish();
        to.finish();
        code(&run, 4, &["reading", &said]);
    }
    // Only a GET can say why a HEAD is refused.
    for status in [400, 403, 405] {
        let server = Script::new()
            .on("GET", SOURCE, Answer::manifest(&image.manifest))
            .on("HEAD", TAG, Answer::status(status))
            .on("GET", TAG, Answer::error(403, "DENIED"))
            .start();
        let run = gate(&server).run();
        server.finish();
        code(&run, 4, &["reading", "403, DENIED: scripted"]);
    }
}

#[test]
fn nothing_is_tried_more_than_five_times() {
    let image = image::single("five");
    let layer = &image.blobs[1];
    let workspace = in_layout(&image);
    let server = Script::new()
        .on("GET", SOURCE, passing(502))
        .times(5)
        .on("HEAD", TAG, Answer::status(404))
        .start();
    let run = gate(&server).run();
    server.finish();
    code(&run, 4, &["502 without an explanation, 5 times"]);
    let server = torn(&image)
        .on("POST", &mount(layer), passing(500))
        .times(5)
        .on("POST", UPLOADS, passing(500))
        .times(5)
        .start();
    let run = gate(&server).local("oci:out", &workspace).run();
    server.finish();
    code(&run, 4, &["sending", "500 without an explanation, 5 times"]);
    // The first two in one piece, then in pieces; the last upload is given up.
    let range = format!("0-{}", layer.bytes.len() - 1);
    let mut script = torn(&image);
    for number in 1..=5 {
        let at = format!("/up/{number}");
        script = script.on("POST", &mount(layer), opened(&at));
        script = match number {
            1 | 2 => script.on("PUT", &fill(&at, layer), passing(503)),
            _ => script
                .on("PATCH", &at, passing(503))
                .with_header("Content-Range", &range),
        };
    }
    let server = script.on("DELETE", "/up/5", Answer::status(204)).start();
    let run = gate(&server).local("oci:out", &workspace).run();
    server.finish();
    code(&run, 4, &["sending", "503", "again in a minute"]);
    // A tag is looked at before each further try.
    let mut script = Script::new()
        .on("GET", SOURCE, Answer::manifest(&image.manifest))
        .on("HEAD", TAG, Answer::status(404));
    for _ in 0..4 {
        script = script
            .on("PUT", TAG, passing(500))
            .on("HEAD", TAG, Answer::status(404));
    }
    let server = script.start();
    let run = gate(&server).run();
    server.finish();
    code(
        &run,
        4,
        &["writing", "500", "not written: `branch-hotfix_HOCS-1`"],
    );
}

#[test]
fn a_wait_longer_than_the_time_that_is_left_is_no_wait() {
    let image = image::single("absurd");
    let layer = &image.blobs[1];
    let workspace = in_layout(&image);
    for after in [
        "3600",
        "18446744073709551615",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        let busy = || Answer::error(429, "TOOMANYREQUESTS").header("Retry-After", after);
        let manifest = || Answer::manifest(&image.manifest);
        let read = Script::new()
            .on("GET", SOURCE, busy())
            .on("HEAD", TAG, Answer::status(404));
        let tag = Script::new()
            .on("GET", SOURCE, manifest())
            .on("HEAD", TAG, Answer::status(404))
            .times(2)
            .on("PUT", TAG, busy());
        let post = torn(&image)
            .on("POST", &mount(layer), busy())
            .on("POST", UPLOADS, busy());
        let put = torn(&image)
            .on("POST", &mount(layer), opened("/up/1"))
            .on("PUT", &fill("/up/1", layer), busy())
            .on("DELETE", "/up/1", Answer::status(204));
        for (name, script, local) in [
            ("read", read, false),
            ("tag", tag, false),
            ("post", post, true),
            ("put", put, true),
        ] {
            let server = script.start();
            let start = Instant::now();
            let gate = gate(&server).timeout("50s");
            let gate = match local {
                true => gate.local("oci:out", &workspace),
                false => gate,
            };
            let run = gate.run();
            code(&run, 4, &["429, TOOMANYREQUESTS", "again in a minute"]);
            server.finish();
            // It was told to wait for a minute and more.
            assert!(start.elapsed() < Duration::from_secs(45), "{name} {after}");
        }
    }
}

#[test]
fn a_429_is_for_the_whole_host() {
    let image = image::single("pause");
    let [config, layer] = &image.blobs[..] else {
        panic!("two blobs");
    };
    let start = Instant::now();
    let later = move |_: &crate::support::http::Request| start.elapsed().as_millis() >= 1000;
    let server = Script::new()
        .on("HEAD", TAG, Answer::status(404))
        .on(
            "POST",
            &mount(config),
            Answer::status(429).header("Retry-After", "1"),
        )
        .on(
            "POST",
            &mount(layer),
            opened("/up/1").after(Duration::from_millis(200)),
        )
        .on("POST", &mount(config), Answer::status(201))
        .condition("a second later", later)
        .on("PUT", &fill("/up/1", layer), Answer::status(201))
        .condition("a second later", later);
    let server = end(server, &image).start();
    let workspace = in_layout(&image);
    let run = gate(&server).local("oci:out", &workspace).run();
    server.finish();
    code(&run, 0, &["allowed and published"]);
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let server = Script::new().start();
    let mut refused = gate(&server).timeout("3s");
    refused.hosts = vec![address];
    let start = Instant::now();
    code(
        &refused.run(),
        4,
        &[
            "no connection",
            "refused",
            "whether the runner can reach it",
        ],
    );
    assert!(start.elapsed() < Duration::from_secs(60));
    // A host that never says a word: the time for everything says when it is enough.
    let server = Script::new()
        .on("GET", SOURCE, Answer::stall())
        .always()
        .on("HEAD", TAG, Answer::stall())
        .always()
        .start();
    let start = Instant::now();
    let run = gate(&server).timeout("2s").run();
    code(&run, 4, &["no answer within 0.2 seconds"]);
    assert!(start.elapsed() < Duration::from_secs(60));
    server.finish();
}
