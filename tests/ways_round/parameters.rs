//! What a promotion parameter can bring: every variable that the pipeline file and the server leave
//! out (drone.md §3). None opens anything.

use std::collections::BTreeMap;

use drone_hotfix::settings::NAMES;

use super::{offline, promote_with, to_qa, value};
use crate::support::binary::{Run, run, run_with_doubles};
use crate::support::gate::{drone_environment, drone_gate};
use crate::support::image;
use crate::support::pipeline::DroneBuild;
use crate::support::registry::{Registry, TempDir};
use crate::support::scripted::{Answer, Script};

const TAG: &str = "branch-hotfix_HOCS-1";

/// Settings that other tools have, and that somebody may hope for.
const IMAGINED: [&str; 24] = [
    "enforce",
    "skip",
    "skip_verify",
    "force",
    "rules",
    "targets",
    "overrides",
    "override",
    "repo",
    "registry",
    "source",
    "tag",
    "prefix",
    "running",
    "version_params",
    "tls",
    "ca",
    "insecure",
    "drone",
    "forge",
    "verify_keys",
    "timeout",
    "event",
    "debug",
];

/// A hotfix's build promoted to QA. Its server is a port on which nobody listens.
fn hotfix() -> DroneBuild {
    DroneBuild::promote(&DroneBuild::push("hotfix/HOCS-1"), "cs-qa")
        .with(|build| build.host = "127.0.0.1:1".to_owned())
}

const VALUES: [&str; 6] = [
    "true",
    "{}",
    "off",
    "",
    "{\"rules\":{\"qa-closed\":\"off\"}}",
    "debug",
];

/// Each of the two or three ways to refuse: by the rule, as undecided, as a wrong setting.
#[track_caller]
fn stopped(run: &Run) {
    match run.code {
        1 => run.ends(1, &["refused by qa-closed"]),
        3 => run.begins(3, "cannot judge"),
        code => panic!("{code}\n{}", run.text),
    }
}

fn each(spell: impl Fn(&str) -> String) {
    for name in NAMES.iter().chain(&IMAGINED) {
        for value in VALUES {
            let variable = spell(name);
            stopped(&offline(&hotfix().param(&variable, value)));
        }
    }
}

#[test]
fn settings_that_nobody_wrote() {
    each(|name| format!("PLUGIN_{}", name.to_uppercase()));
}

#[test]
fn settings_in_another_case() {
    each(|name| format!("PLUGIN_{name}"));
    each(|name| format!("plugin_{name}"));
    each(|name| format!("Plugin_{}", name.to_uppercase()));
}

#[test]
fn settings_all_at_once() {
    let mut build = hotfix();
    for name in IMAGINED {
        for variable in [name.to_uppercase(), name.to_owned()] {
            build = build
                .param(&format!("PLUGIN_{variable}"), "true")
                .param(&variable, "true");
        }
    }
    stopped(&offline(&build));
}

/// The environment as the container gets it: what is plain first, then the secrets.
fn with_secrets(build: &DroneBuild, settings: &str, secrets: &[(&str, &str)]) -> Run {
    let secrets: BTreeMap<String, String> = secrets
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let environment = build.environment(&drone_gate(settings), &[], &secrets);
    let entries: Vec<Vec<u8>> = environment
        .iter()
        .map(|(name, value)| format!("{name}={value}").into_bytes())
        .collect();
    run_with_doubles(&entries)
}

#[test]
fn a_setting_twice() {
    let closed = "{\"rules\":{\"qa-closed\":\"must\"}}";
    for opened in [
        "{\"rules\":{\"qa-closed\":\"off\"}}",
        "{\"enforce\":false}",
        "{}",
    ] {
        let build = hotfix().param("PLUGIN_POLICY", opened);
        with_secrets(
            &build,
            "{policy: {from_secret: policy}}",
            &[("policy", closed)],
        )
        .ends(
            3,
            &[
                "two different values",
                "start it again without that parameter",
            ],
        );
    }
    let settings = "{policy: {}, username: {from_secret: u}, password: {from_secret: p}}";
    let secrets = [("u", "somebody"), ("p", "canary-password")];
    for name in ["PLUGIN_USERNAME", "PLUGIN_PASSWORD"] {
        let run = with_secrets(&hotfix().param(name, "mallory"), settings, &secrets);
        run.ends(3, &["two different values"]);
        assert!(!run.text.contains("canary-password"), "{}", run.text);
    }
    // The same value twice is one value.
    let build = hotfix().param("PLUGIN_USERNAME", "somebody");
    with_secrets(&build, settings, &secrets).ends(1, &["refused by qa-closed"]);
}

#[test]
fn a_policy_of_their_own() {
    for policy in [
        "{}",
        "{\"enforce\":false}",
        "{\"rules\":{\"qa-closed\":false}}",
        "{\"targets\":{\"qa\":[\"nothing\"]}}",
    ] {
        // The file sets it, so the file's counts.
        let build = hotfix().param("PLUGIN_POLICY", policy);
        let environment = drone_environment(&build, "{policy: {}}");
        assert_eq!(value(&environment, "PLUGIN_POLICY"), Some("{}"));
        run(environment).ends(1, &["refused by qa-closed"]);
    }
}

#[test]
fn a_faked_git_tag() {
    // Drone sets these only for a build of a tag.
    let release = [
        ("DRONE_TAG", "1.2.3"),
        ("DRONE_SEMVER", "1.2.3"),
        ("DRONE_SEMVER_SHORT", "1.2.3"),
    ];
    let faked = |build: DroneBuild| {
        release
            .iter()
            .fold(build, |build, (name, value)| build.param(name, value))
    };
    offline(&faked(hotfix())).ends(1, &["refused by qa-closed"]);
    offline(&faked(hotfix()).param("VERSION", "1.2.3")).ends(1, &["refused by qa-closed"]);
    let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("DRONE_TAG", TAG);
    offline(&build).ends(1, &["refused by qa-closed", "`DRONE_TAG`"]);
}

#[test]
fn a_faked_pull_request_or_branch() {
    let build = [
        ("DRONE_PULL_REQUEST", "7"),
        ("DRONE_PULL_REQUEST_TITLE", "an example"),
        ("DRONE_BRANCH", "main"),
        ("DRONE_COMMIT_BRANCH", "main"),
        ("DRONE_COMMIT_REF", "refs/heads/main"),
        ("DRONE_SOURCE_BRANCH", "main"),
        ("DRONE_TARGET_BRANCH", "main"),
        ("DRONE_BUILD_EVENT", "cron"),
        ("DRONE_REPO_BRANCH", "hotfix/HOCS-1"),
        ("CI", "woodpecker"),
        ("CI_PIPELINE_EVENT", "cron"),
        ("CI_COMMIT_BRANCH", "main"),
    ]
    .iter()
    .fold(hotfix(), |build, (name, value)| build.param(name, value));
    offline(&build).ends(1, &["refused by qa-closed", "branch is `hotfix/HOCS-1`"]);
}

#[test]
fn a_target_as_a_parameter() {
    for target in ["cs-demo", "cs-prod", "", "dev"] {
        for name in [
            "DRONE_DEPLOY_TO",
            "CI_PIPELINE_DEPLOY_TARGET",
            "CI_BUILD_TARGET",
            "drone_deploy_to",
        ] {
            let build = hotfix().param(name, target);
            let environment = drone_environment(&build, "{policy: {}}");
            assert_eq!(value(&environment, "DRONE_DEPLOY_TO"), Some("cs-qa"));
            run(environment).ends(1, &["refused by qa-closed", "`cs-qa`"]);
        }
    }
}

#[test]
fn a_hotfix_tag_inside_a_longer_parameter() {
    let release = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", "1.2.3");
    for text in [
        format!("--set-string image.tag={TAG} --wait"),
        format!("{{\"image\":{{\"tag\":\"{TAG}\"}}}}"),
        format!("image:\n  tag: {TAG}\n"),
        format!("1.2.3 {TAG}"),
        format!("quay.io/example/app:{TAG}@sha256:{}", "ab".repeat(32)),
        format!("{}{TAG}", "1.2.3,".repeat(2_000)),
        TAG.to_uppercase(),
    ] {
        for name in [
            "HELM_ARGS",
            "helm_args",
            "IMAGE",
            "DRONE_SEMVER",
            "CI_WHATEVER",
            "PLUGIN_VALUES",
        ] {
            offline(&release.clone().param(name, &text))
                .ends(1, &["refused by qa-closed", &format!("`{name}`")]);
        }
        // Where the version itself is longer than one word, nobody can say what it deploys.
        offline(&release.clone().param("VERSION", &format!("1.2.3 {text}")))
            .ends(1, &["refused by "]);
    }
}

const CREDENTIALS: &str = "username: {from_secret: u}, password: {from_secret: p}";

#[test]
fn a_missing_secret() {
    let registry = Registry::basic("somebody", "example-password");
    registry.push("example/app", "1.2.3", &image::single("release"));
    let settings = super::with_repo(&registry.address(), CREDENTIALS);
    let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", "1.2.3");
    for secrets in [&[][..], &[("u", "somebody")], &[("p", "example-password")]] {
        with_secrets(&build, &settings, secrets)
            .ends(2, &["undecided, qa-closed", "set but empty"]);
    }
    let both = [("u", "somebody"), ("p", "example-password")];
    with_secrets(&build, &settings, &both).ends(0, &["allowed"]);
    with_secrets(&build, &settings, &[("u", "somebody"), ("p", "wrong")])
        .ends(2, &["undecided, qa-closed"]);
}

#[test]
fn a_deleted_secret() {
    // A registry that shows nobody its list but answers for an image all the same.
    let registry = Registry::open();
    registry.push("example/app", "1.2.3", &image::single("release"));
    let settings = super::with_repo(&registry.address(), CREDENTIALS);
    let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", "1.2.3");
    // Nothing here needs a password; that one was meant to be used and is gone is enough.
    with_secrets(&build, &settings, &[]).ends(2, &["undecided, qa-closed", "set but empty"]);
    // Whoever promotes cannot bring another in its place.
    let brought = build
        .param("PLUGIN_USERNAME", "mallory")
        .param("PLUGIN_PASSWORD", "mallory-1");
    let run = with_secrets(&brought, &settings, &[]);
    assert!(matches!(run.code, 2 | 3), "{}", run.text);
}

/// A registry in which `1.2.4` is a hotfix.
fn renamed(registry: &Registry) {
    let hotfix = image::single("hotfix");
    registry.push("example/app", TAG, &hotfix);
    registry.push_manifest("example/app", "1.2.4", &hotfix.manifest);
}

#[test]
fn a_fake_registry() {
    let registry = Registry::open();
    renamed(&registry);
    // Whatever it is asked, it was asked: it fails the test.
    let fake = Script::new().start();
    let address = fake.address();
    let directory = TempDir::new();
    directory.write(
        "config.json",
        &format!("{{\"auths\":{{\"{}\":{{}}}}}}", registry.address()),
    );
    let build = DroneBuild::push("main");
    for (name, text) in [
        ("PLUGIN_REGISTRY", address.clone()),
        ("PLUGIN_REPOSITORY", format!("{address}/example/app")),
        ("PLUGIN_MIRROR", format!("http://{address}")),
        ("PLUGIN_INSECURE", "true".to_owned()),
        ("DOCKER_REGISTRY", address.clone()),
        ("DOCKER_HOST", format!("tcp://{address}")),
        ("DOCKER_CONFIG", directory.path("")),
        ("REGISTRY_AUTH_FILE", directory.path("config.json")),
        ("HTTP_PROXY", format!("http://{address}")),
        ("http_proxy", format!("http://{address}")),
        ("ALL_PROXY", format!("http://{address}")),
        ("all_proxy", format!("http://{address}")),
        ("REPO", format!("{address}/example/app")),
    ] {
        to_qa(
            &registry.address(),
            &build,
            &[("VERSION", "1.2.4"), (name, &text)],
        )
        .ends(1, &["refused by qa-closed", "byte for byte"]);
    }
    // Nor does the version say which registry is asked.
    let there = format!("{address}/example/app:1.2.3");
    to_qa(&registry.address(), &build, &[("VERSION", &there)])
        .ends(2, &["undecided, qa-closed", "another repository"]);
    fake.finish();
}

#[test]
fn a_fake_proxy() {
    let registry = Registry::tls();
    renamed(&registry);
    let tls = format!("{{ca: {}}}", serde_json::Value::from(registry.ca_pem()));
    let build = DroneBuild::push("main");
    let version = ("VERSION", "1.2.4");
    promote_with(&registry.address(), &tls, &build, &[version]).ends(1, &["byte for byte"]);
    // It says yes to everything, and then speaks no TLS that anybody here trusts.
    let fake = Script::new()
        .on("CONNECT", "*", Answer::status(200).body("{\"tags\":[]}"))
        .always()
        .start();
    let proxy = format!("http://{}", fake.address());
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let run = promote_with(
            &registry.address(),
            &tls,
            &build,
            &[version, (name, &proxy)],
        );
        match run.code {
            1 => run.ends(1, &["byte for byte"]),
            _ => run.ends(2, &["undecided, qa-closed"]),
        }
    }
    fake.finish();
}

#[test]
fn a_fake_authority() {
    let registry = Registry::tls();
    registry.push("example/app", "1.2.3", &image::single("release"));
    let file = registry.ca_file().display().to_string();
    let build = DroneBuild::push("main");
    for (name, text) in [
        ("SSL_CERT_FILE", file.as_str()),
        ("SSL_CERT_DIR", "/tmp"),
        ("PLUGIN_TLS", "{\"skip_verify\":[\"localhost\"]}"),
        ("PLUGIN_SKIP_VERIFY", "true"),
        ("PLUGIN_CA", registry.ca_pem()),
        ("CURL_CA_BUNDLE", file.as_str()),
        ("REQUESTS_CA_BUNDLE", file.as_str()),
        ("NODE_EXTRA_CA_CERTS", file.as_str()),
        ("GIT_SSL_NO_VERIFY", "true"),
        ("GIT_SSL_CAINFO", file.as_str()),
        ("HARNESS_CA_PATH", file.as_str()),
    ] {
        promote_with(
            &registry.address(),
            "{}",
            &build,
            &[("VERSION", "1.2.3"), (name, text)],
        )
        .ends(2, &["undecided, qa-closed", "certificate"]);
    }
}
