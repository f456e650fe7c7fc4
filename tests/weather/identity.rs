//! Who we are: refresh tokens, forms, and the entries of a docker `config.json`.

use serde_json::{Value, json};

use super::*;
use crate::support::image;
use crate::support::scripted::ADDRESS;

const TOKEN: &str = "/token?service=example&scope=repository%3Aexample%2Fapp%3Apull%2Cpush";
const SCOPE: &str = "repository:example/app:pull,push";
/// `hot:fix-password` and `hot:other-password`.
const BASIC: &str = "Basic aG90OmZpeC1wYXNzd29yZA==";
const WRONG: &str = "aG90Om90aGVyLXBhc3N3b3Jk";

fn challenged() -> Answer {
    let challenge = format!("Bearer realm=\"http://{ADDRESS}/token\",service=\"example\"");
    Answer::status(401).header("WWW-Authenticate", &challenge)
}

fn granted() -> Answer {
    Answer::status(200).body(r#"{"access_token":"opaque-token","refresh_token":"next-refresh"}"#)
}

/// One challenge; `asked` is what is asked of the token service; then all is there already.
fn service(asked: impl FnOnce(Script) -> Script, shown: &str) -> Script {
    let manifest = image::single("identity").manifest;
    let script = Script::new()
        .on("GET", SOURCE, challenged())
        .without_header("Authorization");
    asked(script)
        .on("GET", SOURCE, Answer::manifest(&manifest))
        .with_header("Authorization", shown)
        .on("HEAD", TAG, Answer::manifest(&manifest))
        .with_header("Authorization", shown)
}

fn form(script: Script, grant: &str, answer: Answer) -> Script {
    script
        .on("POST", "/token", answer)
        .without_header("Authorization")
        .with_header("Content-Type", "application/x-www-form-urlencoded")
        .with_form("grant_type", grant)
        .with_form("service", "example")
        .with_form("scope", SCOPE)
        .with_form("client_id", "drone-hotfix")
}

fn identity(address: &str) -> Value {
    let entry = json!({"username": "hot", "identitytoken": "fix-password"});
    json!({"auths": {address: entry}})
}

#[test]
fn an_identity_token_goes_into_a_form() {
    let asked = |script| {
        form(script, "refresh_token", granted()).with_form("refresh_token", "fix-password")
    };
    let server = service(asked, "Bearer opaque-token").start();
    let config = identity(&server.address());
    let run = gate(&server).config(config).run();
    server.finish();
    code(&run, 0, &["published already"]);
    // Some services do not know that form.
    for status in [400, 401, 404, 405] {
        let asked = |script| {
            form(script, "refresh_token", Answer::status(status))
                .on("GET", TOKEN, granted())
                .with_header("Authorization", BASIC)
        };
        let server = service(asked, "Bearer opaque-token").start();
        let config = identity(&server.address());
        let run = gate(&server).config(config).run();
        server.finish();
        code(&run, 0, &["published already"]);
        assert!(!run.text.contains("opaque-token"));
    }
}

#[test]
fn a_password_goes_into_a_form_where_the_service_knows_no_get() {
    for status in [404, 405] {
        let asked = |script: Script| {
            let script = script
                .on("GET", TOKEN, Answer::status(status))
                .with_header("Authorization", BASIC);
            form(script, "password", granted())
                .with_form("username", "hot")
                .with_form("password", "fix-password")
        };
        let server = service(asked, "Bearer opaque-token").start();
        let run = gate(&server).user("hot", "fix-password").run();
        server.finish();
        code(&run, 0, &["published already"]);
    }
}

#[test]
fn a_registry_token_is_shown_as_it_is() {
    let server = service(|script| script, "Bearer ready-token").start();
    let config = json!({"auths": {server.address(): {"registrytoken": "ready-token"}}});
    let run = gate(&server).config(config).run();
    server.finish();
    code(&run, 0, &["published already"]);
    assert!(!run.text.contains("ready-token"));
}

#[test]
fn an_entry_is_found_as_docker_finds_it() {
    let manifest = image::single("config").manifest;
    let right = json!({"auth": "aG90OmZpeC1wYXNzd29yZA=="});
    let wrong = json!({"auth": WRONG});
    let plain = || Answer::status(401).header("WWW-Authenticate", "Basic realm=\"x\"");
    type Entries = fn(&str, &Value, &Value) -> Value;
    let entries: [Entries; 6] = [
        |host, right, _| json!({host: right}),
        |host, right, _| json!({format!("https://{host}"): right}),
        |host, right, _| json!({format!("https://{host}/v1/"): right}),
        |host, right, _| json!({format!("http://{host}/v2/"): right}),
        |host, right, wrong| json!({host: right, format!("https://{host}/v1/"): wrong}),
        |host, right, wrong| json!({host: right, "quay.io": wrong, "127.0.0.1": wrong}),
    ];
    for entries in entries {
        let server = Script::new()
            .on("GET", SOURCE, plain())
            .without_header("Authorization")
            .on("GET", SOURCE, Answer::manifest(&manifest))
            .with_header("Authorization", BASIC)
            .on("HEAD", TAG, Answer::manifest(&manifest))
            .with_header("Authorization", BASIC)
            .start();
        let auths = entries(&server.address(), &right, &wrong);
        let run = gate(&server).config(json!({ "auths": auths })).run();
        server.finish();
        code(&run, 0, &["published already"]);
    }
    // Others' entries are not for this host.
    let server = Script::new()
        .on("GET", SOURCE, plain())
        .without_header("Authorization")
        .on("HEAD", TAG, plain())
        .without_header("Authorization")
        .start();
    let auths = json!({"127.0.0.1": right, "quay.io": right});
    let run = gate(&server).config(json!({ "auths": auths })).run();
    server.finish();
    code(&run, 4, &["wants credentials", "`config`"]);
}

#[test]
fn a_credential_helper_is_not_here() {
    let entries: [fn(&str) -> Value; 3] = [
        |host| json!({"credHelpers": {host: "ecr-login"}}),
        |_| json!({"credsStore": "ecr-login"}),
        |host| json!({"auths": {host: {}}, "credsStore": "ecr-login"}),
    ];
    for entry in entries {
        let server = Script::new().start();
        let run = gate(&server).config(entry(&server.address())).run();
        server.finish();
        let words = [
            "to the credential helper",
            "into `auths`",
            "set `config` right",
        ];
        code(&run, 4, &words);
    }
}
