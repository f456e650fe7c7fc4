//! Challenges and tokens: asked for once, renewed when they end, and never shown elsewhere.

use std::time::Duration;

use super::*;
use crate::support::image;
use crate::support::scripted::ADDRESS;

const TOKEN: &str = "/token?service=example&scope=repository%3Aexample%2Fapp%3Apull%2Cpush";

fn bearer() -> String {
    format!("Bearer realm=\"http://{ADDRESS}/token\",service=\"example\"")
}

fn challenged(challenge: &str) -> Answer {
    Answer::status(401).header("WWW-Authenticate", challenge)
}

fn token(body: &str) -> Answer {
    Answer::status(200).body(body)
}

/// The two first requests, each challenged: without credentials neither waits for the other.
fn two_challenged(challenge: &str) -> Script {
    Script::new()
        .on("GET", SOURCE, challenged(challenge))
        .without_header("Authorization")
        .on("HEAD", TAG, challenged(challenge))
        .without_header("Authorization")
}

/// The tag has the image already, if this is shown.
fn read_with(script: Script, authorization: &str) -> Script {
    let manifest = image::single("tokens").manifest;
    script
        .on("GET", SOURCE, Answer::manifest(&manifest))
        .with_header("Authorization", authorization)
        .on("HEAD", TAG, Answer::manifest(&manifest))
        .with_header("Authorization", authorization)
}

#[test]
fn a_token_has_two_names_and_may_say_how_long_it_lives() {
    for body in [
        r#"{"token":"opaque"}"#,
        r#"{"access_token":"opaque"}"#,
        r#"{"token":"","access_token":"opaque"}"#,
        r#"{"token":"opaque","access_token":"other","expires_in":300,"issued_at":"2020-01-01T00:00:00Z"}"#,
        r#"{"token":"opaque","expires_in":1e300,"refresh_token":"secret-refresh"}"#,
    ] {
        let server = two_challenged(&bearer()).on("GET", TOKEN, token(body));
        let server = read_with(server, "Bearer opaque").start();
        let run = gate(&server).run();
        server.finish();
        code(&run, 0, &["published already"]);
        assert!(!run.text.contains("opaque"), "{}", run.text);
    }
}

#[test]
fn a_token_that_ends_is_renewed_before_the_next_request() {
    let image = image::single("short");
    let server = Script::new()
        .on("GET", SOURCE, challenged(&bearer()))
        .without_header("Authorization")
        .on(
            "GET",
            TOKEN,
            token(r#"{"token":"first-token","expires_in":1}"#),
        )
        .on("GET", SOURCE, Answer::manifest(&image.manifest))
        .with_header("Authorization", "Bearer first-token")
        .on(
            "HEAD",
            TAG,
            Answer::status(404).after(Duration::from_millis(1000)),
        )
        .on(
            "GET",
            TOKEN,
            token(r#"{"token":"second-token","expires_in":100}"#),
        )
        .with_header("Authorization", "Basic aG90OmZpeC1wYXNzd29yZA==")
        .on("PUT", TAG, Answer::status(201))
        .with_header("Authorization", "Bearer second-token")
        .on("HEAD", TAG, Answer::manifest(&image.manifest))
        .with_header("Authorization", "Bearer second-token")
        .start();
    let run = gate(&server).user("hot", "fix-password").run();
    server.finish();
    code(&run, 0, &["allowed and published"]);
}

#[test]
fn a_token_that_is_refused_in_the_middle_is_renewed_once() {
    let image = image::single("middle");
    let [config, layer] = &image.blobs[..] else {
        panic!("two blobs");
    };
    let (old, new) = ("Bearer old-token", "Bearer new-token");
    let server = Script::new()
        .on("HEAD", TAG, challenged(&bearer()))
        .on("GET", TOKEN, token(r#"{"token":"old-token"}"#))
        .on("HEAD", TAG, Answer::status(404))
        .with_header("Authorization", old)
        .on("POST", &mount(config), Answer::status(201))
        .with_header("Authorization", old)
        .on("POST", &mount(layer), opened("/up/1"))
        .with_header("Authorization", old)
        .on("PUT", &fill("/up/1", layer), challenged(&bearer()))
        .with_header("Authorization", old)
        .on("GET", TOKEN, token(r#"{"token":"new-token"}"#))
        .on("POST", &mount(layer), opened("/up/2"))
        .with_header("Authorization", new)
        .on("PUT", &fill("/up/2", layer), Answer::status(201))
        .with_header("Authorization", new)
        .on("HEAD", TAG, Answer::status(404))
        .with_header("Authorization", new)
        // And once more for the manifest.
        .on("PUT", TAG, challenged(&bearer()))
        .with_header("Authorization", new)
        .on("GET", TOKEN, token(r#"{"token":"last-token"}"#))
        .on("PUT", TAG, Answer::status(201))
        .with_header("Authorization", "Bearer last-token")
        .on("HEAD", TAG, Answer::manifest(&image.manifest))
        .with_header("Authorization", "Bearer last-token")
        .start();
    let workspace = in_layout(&image);
    let run = gate(&server).local("oci:out", &workspace).run();
    server.finish();
    code(&run, 0, &["allowed and published"]);
    // A manifest that is refused with a new token too is refused.
    let server = Script::new()
        .on("GET", SOURCE, Answer::manifest(&image.manifest))
        .on("HEAD", TAG, Answer::status(404))
        .on("PUT", TAG, challenged(&bearer()))
        .times(2)
        .on("GET", TOKEN, token(r#"{"token":"new-token"}"#))
        .start();
    let run = gate(&server).run();
    server.finish();
    code(&run, 4, &["writing", "401", "check `username`"]);
    // One that is no other than before is not shown again.
    let manifest = || Answer::manifest(&image.manifest);
    let same = || token(r#"{"token":"same-token"}"#);
    let server = two_challenged(&bearer())
        .on("GET", TOKEN, same())
        .on("GET", SOURCE, manifest())
        .on("HEAD", TAG, Answer::status(404))
        .on("PUT", TAG, challenged(&bearer()))
        .on("GET", TOKEN, same())
        .start();
    let run = gate(&server).run();
    server.finish();
    code(&run, 4, &["writing", "401", "check `username`"]);
}

#[test]
fn a_blob_whose_every_token_is_refused_is_given_up() {
    let image = image::single("refused");
    let layer = &image.blobs[1];
    let workspace = in_layout(&image);
    // A token that is the same as before has been refused already.
    let same = token(r#"{"token":"same-token"}"#);
    let server = Script::new()
        .on("HEAD", TAG, challenged(&bearer()))
        .on("GET", TOKEN, same.clone())
        .on("HEAD", TAG, Answer::status(404))
        .on("POST", &mount(&image.blobs[0]), Answer::status(201))
        .always()
        .on("POST", &mount(layer), opened("/up/1"))
        .on("PUT", &fill("/up/1", layer), challenged(&bearer()))
        .on("GET", TOKEN, same)
        .on("DELETE", "/up/1", Answer::status(204))
        .start();
    let run = gate(&server).local("oci:out", &workspace).run();
    code(&run, 4, &["sending", "401", "check `username`"]);
    server.finish();
    // New ones are shown as often as anything is tried.
    let mut script = torn(&image);
    for number in 1..=5 {
        let new = format!("{{\"token\":\"token-number-{number}\"}}");
        script = script
            .on("POST", &mount(layer), opened("/up/1"))
            .on("PUT", &fill("/up/1", layer), challenged(&bearer()))
            .on("GET", TOKEN, token(&new));
    }
    let server = script.on("DELETE", "/up/1", Answer::status(204)).start();
    let run = gate(&server).local("oci:out", &workspace).run();
    code(&run, 4, &["takes no token for long enough"]);
    server.finish();
}

#[test]
fn of_several_challenges_the_bearer_is_met() {
    let plain = "Basic realm=\"example\"";
    for challenge in [
        format!("{plain}, {}", bearer()),
        format!("{}, {plain}", bearer()),
        format!("Negotiate, {}", bearer().replace("Bearer", "BEARER")),
    ] {
        let server =
            two_challenged(&challenge).on("GET", TOKEN, token(r#"{"token":"opaque-token"}"#));
        let server = read_with(server, "Bearer opaque-token").start();
        let run = gate(&server).run();
        server.finish();
        code(&run, 0, &["published already"]);
    }
    // In two headers of one answer.
    let both = Answer::status(401)
        .header("WWW-Authenticate", plain)
        .header("WWW-Authenticate", &bearer());
    let server = Script::new()
        .on("GET", SOURCE, both.clone())
        .on("HEAD", TAG, both)
        .on("GET", TOKEN, token(r#"{"token":"opaque-token"}"#));
    let server = read_with(server, "Bearer opaque-token").start();
    let run = gate(&server).run();
    server.finish();
    code(&run, 0, &["published already"]);
    // A password that the token service refuses is not shown to the registry instead.
    let challenge = format!("{}, {plain}", bearer());
    let server = Script::new()
        .on("GET", SOURCE, challenged(&challenge))
        .without_header("Authorization")
        .on("GET", TOKEN, Answer::error(401, "UNAUTHORIZED"))
        .with_header("Authorization", "Basic aG90OmZpeC1wYXNzd29yZA==")
        // The look at the tag asks for itself.
        .on("HEAD", TAG, challenged(&challenge))
        .without_header("Authorization")
        .on("GET", TOKEN, Answer::error(401, "UNAUTHORIZED"))
        .start();
    let run = gate(&server).user("hot", "fix-password").run();
    server.finish();
    code(&run, 4, &["token service answered 401", "check `username`"]);
}

#[test]
fn a_challenge_that_cannot_be_met_is_said() {
    for (challenge, words) in [
        ("Negotiate", "asks for `Negotiate`, which we cannot answer"),
        ("Bearer service=\"x\"", "which we cannot answer"),
        ("Bearer realm=\"/token\"", "asks for `realm `/token``"),
        ("Basic realm=\"x\"", "the registry wants credentials"),
        ("Digest realm=\"x\", nonce=\"1\"", "which we cannot answer"),
    ] {
        let server = two_challenged(challenge).start();
        let run = gate(&server).run();
        server.finish();
        code(&run, 4, &[words]);
    }
    // Without a challenge it is an answer like any other.
    let server = Script::new()
        .on("GET", SOURCE, Answer::status(401))
        .on("HEAD", TAG, Answer::status(404))
        .start();
    let run = gate(&server).run();
    server.finish();
    code(&run, 4, &["401 without an explanation", "check `username`"]);
}

#[test]
fn a_wrong_password_is_shown_as_seldom_as_possible() {
    let plain = "Basic realm=\"x\"";
    let basic = "Basic aG90OmZpeC1wYXNzd29yZA==";
    let server = Script::new()
        .on("GET", SOURCE, challenged(plain))
        .without_header("Authorization")
        .on("GET", SOURCE, challenged(plain))
        .with_header("Authorization", basic)
        // The look at the tag does not know of that, and a HEAD does not say why it is refused.
        .on("HEAD", TAG, challenged(plain))
        .with_header("Authorization", basic)
        .on("GET", TAG, challenged(plain))
        .with_header("Authorization", basic)
        .start();
    let run = gate(&server).user("hot", "fix-password").run();
    server.finish();
    code(&run, 4, &["401", "check `username`"]);
}

#[test]
fn a_realm_gets_a_password_only_where_it_may_stand() {
    // Another host that the policy does not list.
    let elsewhere = Script::new().start();
    let foreign = format!(
        "Bearer realm=\"http://{}/token\",service=\"example\"",
        elsewhere.address()
    );
    for challenge in [
        foreign.as_str(),
        "Bearer realm=\"http://token.example/\"",
        "Bearer realm=\"file:///token\"",
        "Bearer realm=\"ftp://token.example/\"",
    ] {
        let server = Script::new()
            .on("GET", SOURCE, challenged(challenge))
            .on("HEAD", TAG, challenged(challenge))
            .start();
        let run = gate(&server).user("hot", "fix-password").run();
        server.finish();
        code(&run, 4, &["sends our password elsewhere", "`policy.tls`"]);
        assert!(elsewhere.received().is_empty());
    }
    // A user in the address takes the place of nobody.
    let realm = bearer().replace("http://", "http://eve:evil-password@");
    let server = two_challenged(&realm)
        .on("GET", TOKEN, token(r#"{"token":"opaque-token"}"#))
        .without_header("Authorization");
    let server = read_with(server, "Bearer opaque-token").start();
    let run = gate(&server).run();
    server.finish();
    code(&run, 0, &["published already"]);
}

#[test]
fn weather_at_the_token_service() {
    for bad in [
        passing(429),
        passing(503),
        Answer::hang_up(),
        Answer::reset(),
        Answer::stall(),
        token(r#"{"token":"opaque-token"}"#).cut(9),
    ] {
        let server = two_challenged(&bearer()).on("GET", TOKEN, bad).on(
            "GET",
            TOKEN,
            token(r#"{"token":"opaque-token"}"#),
        );
        let server = read_with(server, "Bearer opaque-token").start();
        let run = gate(&server).timeout("6s").run();
        server.finish();
        code(&run, 0, &["published already"]);
    }
    // A service that is down is down for both of the first requests.
    let server = two_challenged(&bearer())
        .on("GET", TOKEN, passing(503))
        .times(10)
        .start();
    let run = gate(&server).run();
    server.finish();
    code(
        &run,
        4,
        &["token service answered 503", "again in a minute"],
    );
}
