//! Canaries: a secret in every input, looked for in every output, as it is and in six encodings.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::support::binary::{Run, run};
use crate::support::gate::drone_gate;
use crate::support::image;
use crate::support::pipeline::DroneBuild;
use crate::support::registry::TempDir;
use crate::support::scripted::{ADDRESS, Answer, Script};

/// One canary for each place that a secret can come from.
const SECRETS: [&str; 11] = [
    "username",
    "password",
    "config",
    "drone_token",
    "forge_token",
    "kube_token",
    "signing_key",
    "webhook_url",
    "smtp_username",
    "smtp_password",
    "audit_token",
];

/// What stands inside the signing key: one that is no key would be a mistake in the settings.
const KEY: &str = "MC4CAQAwBQYDK2VwBCIEIEr3WjkFTC7xKmgH0CVRD3wdjxCmhdBbyrVPtHQ8kxK0";

/// Not plain letters, so that each encoding shows something else.
fn canary(place: &str) -> String {
    if place == "signing_key" {
        return KEY.to_owned();
    }
    format!("cAnary/{place}+\"<ü>~&1")
}

/// Everything that would give a canary away.
fn shapes(canary: &str) -> Vec<String> {
    let hex = |upper: bool| -> String {
        canary
            .bytes()
            .map(|b| {
                if upper {
                    format!("{b:02X}")
                } else {
                    format!("{b:02x}")
                }
            })
            .collect()
    };
    let percent: String = canary
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let json = serde_json::Value::from(canary).to_string();
    let mut shapes = vec![
        canary.to_owned(),
        hex(false),
        hex(true),
        percent.clone(),
        percent.to_lowercase(),
        json.trim_matches('"').to_owned(),
    ];
    // In base64 a neighbour changes the first and last letters; the middle stays.
    for before in ["", "u", "us", "user:"] {
        for engine in [&STANDARD, &URL_SAFE] {
            let text = engine.encode(format!("{before}{canary}"));
            let start = (before.len() * 8).div_ceil(6);
            shapes.push(text[start..start + canary.len()].to_owned());
        }
    }
    shapes
}

#[track_caller]
fn silent(text: &str, places: &[&str]) {
    for place in places {
        for shape in shapes(&canary(place)) {
            assert!(
                !text.contains(&shape),
                "the canary of {place} as {shape} in\n{text}"
            );
        }
    }
    assert!(!text.contains("cAnary"), "{text}");
}

fn gate(extra: &str) -> crate::support::pipeline::Step {
    let secrets: Vec<String> = SECRETS
        .iter()
        .map(|name| format!("{name}: {{from_secret: {name}}}"))
        .collect();
    drone_gate(&format!("{{{}, {extra}}}", secrets.join(", ")))
}

fn secrets() -> BTreeMap<String, String> {
    let mut secrets: BTreeMap<String, String> = SECRETS
        .iter()
        .map(|name| ((*name).to_owned(), canary(name)))
        .collect();
    let auth = STANDARD.encode(format!("somebody:{}", canary("auth")));
    let config =
        serde_json::json!({"auths": {"other.example": {"auth": auth}}, "note": canary("config")});
    secrets.insert("config".to_owned(), config.to_string());
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        canary("signing_key")
    );
    secrets.insert("signing_key".to_owned(), key);
    secrets
}

fn places() -> Vec<&'static str> {
    SECRETS
        .into_iter()
        .chain(["auth", "netrc", "token", "other"])
        .collect()
}

fn step(build: &DroneBuild, settings: &str) -> Run {
    let mut variables = build.environment(&gate(settings), &[], &secrets());
    for (name, place) in [
        ("DRONE_NETRC_PASSWORD", "netrc"),
        ("DRONE_NETRC_FILE", "netrc"),
        ("AWS_SECRET_ACCESS_KEY", "other"),
        ("PLUGIN_SOMETHING", "other"),
    ] {
        variables.push((name.to_owned(), canary(place)));
    }
    run(variables)
}

#[test]
fn no_output_of_any_kind_shows_a_secret() {
    let workspace = TempDir::new();
    let here = |build: DroneBuild| build.with(|build| build.workspace = workspace.path("").into());
    let push = here(DroneBuild::push("hotfix/HOCS-1234"));
    let promote = here(DroneBuild::promote(&DroneBuild::push("main"), "cs-qa"));
    let summary = "log_level: debug, policy: {summary: out.json, tags_file: tags.txt, timeout: 1s}";
    let mut seen = Vec::new();
    for build in [
        push.clone(),
        promote.clone(),
        promote.clone().param("VERSION", "branch-hotfix_x"),
    ] {
        let run = step(&build, summary);
        silent(&run.text, &places());
        silent(&workspace.read("out.json"), &places());
        seen.push(run.code);
    }
    // Every secret is also somewhere where it does not belong.
    for place in SECRETS {
        let secret = canary(place);
        for build in [
            promote.clone().param("VERSION", &secret),
            promote
                .clone()
                .param("VERSION", &format!("branch-hotfix_{secret}")),
            promote
                .clone()
                .param("OTHER", &format!("branch-hotfix_x {secret}")),
            here(DroneBuild::promote(&DroneBuild::push("main"), &secret)),
            here(DroneBuild::push(&format!("hotfix/{secret}"))),
            here(DroneBuild::push(&secret)),
        ] {
            // A user name that is also the branch's is public.
            if place.ends_with("username") && build.branch.contains(&secret) {
                continue;
            }
            let run = step(&build, summary);
            silent(&run.text, &SECRETS);
            seen.push(run.code);
        }
        // In the log level, the policy, and as a name.
        let run = step(
            &push,
            &format!("policy: {{repo: '{secret}', tag: '{secret}', rules: {{'{secret}': must}}}}"),
        );
        silent(&run.text, &places());
        seen.push(run.code);
    }
    for code in [0, 1, 2, 3] {
        assert!(seen.contains(&code), "no run ended with {code}: {seen:?}");
    }
}

#[test]
fn a_registry_cannot_make_us_say_what_we_sent() {
    let manifest = image::single("x").manifest;
    let basic = STANDARD.encode(format!("{}:{}", canary("username"), canary("password")));
    let echo = serde_json::json!({"errors": [{"code": "DENIED", "message": format!(
        "you sent {basic} for {} {}", canary("password"), canary("auth"))}]});
    let source = "/v2/example/app/manifests/build_418";
    let settings = |address: &str| {
        format!(
            "policy: {{repo: '{address}/example/app', source: 'build_{{build}}', rules: {{image-commit: 'off'}}, tls: {{insecure: ['{address}']}}}}"
        )
    };
    let push = DroneBuild::push("hotfix/HOCS-1234");

    let server = Script::new()
        .on(
            "GET",
            source,
            Answer::status(401).header("WWW-Authenticate", "Basic realm=\"x\""),
        )
        .without_header("Authorization")
        .on("GET", source, Answer::status(403).json(&echo))
        .with_header("Authorization", &format!("Basic {basic}"))
        .on("HEAD", "/v2/*", Answer::status(404))
        .start();
    let run = step(&push, &settings(&server.address()));
    server.finish();
    assert_eq!(run.code, 4, "{}", run.text);
    assert!(run.text.contains("DENIED: you sent ******"), "{}", run.text);
    silent(&run.text, &places());

    // A token that the registry's service hands out is a secret from then on.
    let bearer = format!(
        "Bearer realm=\"http://{ADDRESS}/token\",service=\"{}\"",
        "example"
    );
    let plain_token = "opaque-token-0123456789";
    let server = Script::new()
        .on(
            "GET",
            source,
            Answer::status(401).header("WWW-Authenticate", &bearer),
        )
        .on(
            "GET",
            "/token*",
            Answer::status(200).json(&serde_json::json!({"token": plain_token})),
        )
        .with_header("Authorization", &format!("Basic {basic}"))
        .on(
            "GET",
            source,
            Answer::status(500)
                .header("Retry-After", "0")
                .json(&serde_json::json!(
            {"errors": [{"code": "UNKNOWN", "message": format!("token {plain_token}")}]})),
        )
        .times(5)
        .on("HEAD", "/v2/*", Answer::manifest(&manifest))
        .start();
    let run = step(&push, &settings(&server.address()));
    server.finish();
    assert_eq!(run.code, 4, "{}", run.text);
    assert!(run.text.contains("token ******"), "{}", run.text);
    silent(&run.text, &places());
    assert!(!run.text.contains(plain_token));
}

#[test]
fn a_user_name_that_everybody_can_read_does_not_garble_the_log() {
    let gate = drone_gate(
        "{username: {from_secret: u}, password: {from_secret: p}, policy: {repo: docker.io/example-org/app}}",
    );
    let secrets = BTreeMap::from([
        ("u".to_owned(), "example-org".to_owned()),
        ("p".to_owned(), "a-password".to_owned()),
    ]);
    let build =
        DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", "branch-hotfix_x");
    let run = run(build.environment(&gate, &[], &secrets));
    assert!(
        run.text
            .contains("docker.io/example-org/app:branch-hotfix_x"),
        "{}",
        run.text
    );
}
