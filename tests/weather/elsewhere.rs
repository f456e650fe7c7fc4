//! Other hosts: where an answer sends us, what we keep, and what never goes there.

use super::*;
use crate::support::image;
use crate::support::scripted::ADDRESS;

const BASIC: &str = "Basic aG90OmZpeC1wYXNzd29yZA==";

fn plain() -> Answer {
    Answer::status(401).header("WWW-Authenticate", "Basic realm=\"x\"")
}

fn moved(status: u16, to: &str) -> Answer {
    Answer::status(status).header("Location", to)
}

fn config(server: &Scripted) -> serde_json::Value {
    let entry = serde_json::json!({"username": "hot", "password": "fix-password"});
    serde_json::json!({"auths": {server.address(): entry}})
}

#[test]
fn a_blob_on_another_host_is_fetched_without_credentials() {
    for status in [301, 302, 303, 307, 308] {
        let image = image::single("cdn");
        let layer = &image.blobs[1];
        let store = Script::new()
            .on("GET", "/store/x?sig=a%2Fb%3D&x=+", blob(layer))
            .without_header("Authorization")
            .without_header("Cookie")
            .without_header("Referer")
            .start();
        let place = format!("http://{}/store/x?sig=a%2Fb%3D&x=+", store.address());
        let from = Script::new()
            .on("GET", OTHER, plain())
            .on("GET", OTHER, Answer::manifest(&image.manifest))
            .with_header("Authorization", BASIC)
            .on("GET", &blob_path(layer), moved(status, &place))
            .with_header("Authorization", BASIC)
            .start();
        let to = begin(&image)
            .on("POST", &mount(layer), opened("/up/1"))
            .on("PUT", &fill("/up/1", layer), Answer::status(201))
            .without_header("Authorization")
            .with_body(&layer.bytes);
        let to = end(to, &image).start();
        let gate = gate(&to).from(&from).also(&store).config(config(&from));
        let run = gate.run();
        code(&run, 0, &["allowed and published"]);
        store.finish();
        from.finish();
        to.finish();
    }
}

#[test]
fn a_host_that_the_policy_does_not_list_is_not_gone_to() {
    let image = image::single("cdn");
    let layer = &image.blobs[1];
    let store = Script::new().start();
    for place in [
        format!("http://{}/store", store.address()),
        "http://store.example/x".to_owned(),
        "file:///etc/passwd".to_owned(),
        "http://".to_owned(),
    ] {
        let from = Script::new()
            .on("GET", OTHER, Answer::manifest(&image.manifest))
            .on("GET", &blob_path(layer), moved(307, &place))
            .start();
        let to = torn(&image)
            .on("POST", &mount(layer), opened("/up/1"))
            .start();
        let run = gate(&to).from(&from).run();
        code(&run, 4, &["reading", "we do not follow"]);
        from.finish();
        to.finish();
        // The place of an upload is held to the same.
        let to = torn(&image)
            .on("POST", &mount(layer), opened(&place))
            .start();
        let workspace = in_layout(&image);
        let run = gate(&to).local("oci:out", &workspace).run();
        code(&run, 4, &["sending", "not"]);
        to.finish();
    }
    store.finish();
}

#[test]
fn another_host_cannot_ask_for_our_password() {
    let image = image::single("cdn");
    let layer = &image.blobs[1];
    let store = Script::new()
        .on("GET", "/store", plain())
        .without_header("Authorization")
        .start();
    let place = format!("http://{}/store", store.address());
    let from = Script::new()
        .on("GET", OTHER, plain())
        .on("GET", OTHER, Answer::manifest(&image.manifest))
        .with_header("Authorization", BASIC)
        .on("GET", &blob_path(layer), moved(307, &place))
        .with_header("Authorization", BASIC)
        .start();
    let to = torn(&image)
        .on("POST", &mount(layer), opened("/up/1"))
        .start();
    let gate = gate(&to).from(&from).also(&store).config(config(&from));
    code(&gate.run(), 4, &["reading", "401"]);
    store.finish();
    from.finish();
    to.finish();
}

#[test]
fn an_upload_goes_on_where_its_location_says() {
    let image = image::single("place");
    let layer = &image.blobs[1];
    let workspace = in_layout(&image);
    for (location, place) in [
        ("/up/1".to_owned(), "/up/1"),
        ("1".to_owned(), "/v2/example/app/blobs/uploads/1"),
        ("../uploads/1".to_owned(), "/v2/example/app/blobs/uploads/1"),
        (
            "?_state=a%2Fb".to_owned(),
            "/v2/example/app/blobs/uploads/?_state=a%2Fb",
        ),
        (
            "/up/1?_state=a%2Fb%3D%3D&x=%20y".to_owned(),
            "/up/1?_state=a%2Fb%3D%3D&x=%20y",
        ),
        (
            format!("http://{ADDRESS}/up/1?_state=a+b"),
            "/up/1?_state=a+b",
        ),
        (format!("//{ADDRESS}/up/1"), "/up/1"),
    ] {
        let server = begin(&image)
            .on("POST", &mount(layer), opened(&location))
            .on("PUT", &fill(place, layer), Answer::status(201))
            .with_body(&layer.bytes);
        let server = end(server, &image).start();
        let run = gate(&server).local("oci:out", &workspace).run();
        code(&run, 0, &["allowed and published"]);
        server.finish();
    }
    for (answer, words) in [
        (Answer::status(202), "opened an upload without saying where"),
        (
            opened("http://[::/"),
            "`Location` of the upload is not an address",
        ),
    ] {
        let server = torn(&image).on("POST", &mount(layer), answer).start();
        let run = gate(&server).local("oci:out", &workspace).run();
        code(&run, 4, &["sending", words]);
        server.finish();
    }
}

#[test]
fn an_upload_on_another_host_gets_no_credentials() {
    let image = image::single("place");
    let [config, layer] = &image.blobs[..] else {
        panic!("two blobs");
    };
    let workspace = in_layout(&image);
    let store = Script::new()
        .on("PUT", &fill("/store?sig=a%2Fb", layer), Answer::status(201))
        .without_header("Authorization")
        .with_body(&layer.bytes)
        .start();
    let place = format!("http://{}/store?sig=a%2Fb", store.address());
    let server = Script::new()
        .on("HEAD", TAG, plain())
        .on("HEAD", TAG, Answer::status(404))
        .with_header("Authorization", BASIC)
        .on("POST", &mount(config), Answer::status(201))
        .with_header("Authorization", BASIC)
        .on("POST", &mount(layer), opened(&place))
        .with_header("Authorization", BASIC);
    let server = end(server, &image).start();
    let gate = |store: &Scripted, server: &Scripted| {
        let gate = gate(server).also(store).user("hot", "fix-password");
        gate.local("oci:out", &workspace).run()
    };
    code(&gate(&store, &server), 0, &["allowed and published"]);
    store.finish();
    server.finish();
    // What it challenges is not answered, and it is not told that the upload is given up.
    let store = Script::new()
        .on("PUT", &fill("/store", layer), plain())
        .without_header("Authorization")
        .start();
    let place = format!("http://{}/store", store.address());
    let server = torn(&image)
        .on("POST", &mount(layer), opened(&place))
        .start();
    code(&gate(&store, &server), 4, &["sending", "401"]);
    store.finish();
    server.finish();
}

#[test]
fn redirects_end() {
    let image = image::single("round");
    let mut script = Script::new().on("HEAD", TAG, Answer::status(404));
    for (at, to) in [
        (SOURCE, "/1"),
        ("/1", "/2"),
        ("/2", "/3"),
        ("/3", "/4"),
        ("/4", "/5"),
    ] {
        script = script.on("GET", at, moved(302, to));
    }
    let server = written(
        script
            .clone()
            .on("GET", "/5", Answer::manifest(&image.manifest)),
        &image,
    );
    let server = server.start();
    code(&gate(&server).run(), 0, &["allowed and published"]);
    server.finish();
    let server = script.on("GET", "/5", moved(302, "/6")).start();
    code(&gate(&server).run(), 4, &["more than 5 redirects"]);
    server.finish();
    // What writes does not follow.
    for status in [301, 302, 307, 308] {
        let server = Script::new()
            .on("GET", SOURCE, Answer::manifest(&image.manifest))
            .on("HEAD", TAG, Answer::status(404))
            .on("PUT", TAG, moved(status, "/elsewhere"))
            .on("HEAD", TAG, Answer::status(404))
            .start();
        let said = format!("answered {status}");
        code(&gate(&server).run(), 4, &["writing", &said]);
        server.finish();
    }
}

#[test]
fn a_source_that_stalls_is_given_up_also_where_it_goes_on_in_pieces() {
    let image = image::single("stall");
    let layer = &image.blobs[1];
    let from = Script::new()
        .on("GET", OTHER, Answer::manifest(&image.manifest))
        .on("GET", &blob_path(layer), blob(layer))
        .on("GET", &blob_path(layer), blob(layer).stalled_after(10))
        .always()
        .start();
    let to = torn(&image)
        .on("POST", &mount(layer), opened("/up/1"))
        .always()
        .on("PUT", &fill("/up/1", layer), Answer::status(405))
        .on("DELETE", "/up/1", Answer::status(204))
        .always()
        .start();
    let run = gate(&to).from(&from).timeout("4s").run();
    code(&run, 4, &["not published", "written:  nothing"]);
    let words = [
        "nothing came any more from where the image lies",
        "`policy.timeout`",
    ];
    assert!(
        words.iter().any(|word| run.text.contains(word)),
        "{}",
        run.text
    );
    from.finish();
    to.finish();
}
