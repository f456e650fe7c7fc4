//! Variables that a person can bring into a build: parameters of a promotion, of a build started by
//! hand, of a restart (drone.md §3). Everything that says what is deployed is left out, and so is the
//! reason of an override: those are given.

use drone_hotfix::settings::NAMES;
use proptest::prelude::*;
use proptest::sample::select;

/// Settings of other tools, of earlier ideas, and near misses of ours.
const NEAR: [&str; 26] = [
    "",
    "ENFORCE",
    "RULES",
    "TARGETS",
    "OVERRIDES",
    "REPO",
    "REGISTRY",
    "SKIP",
    "SKIP_VERIFY",
    "POLICY_",
    "POLICY_RULES",
    "_POLICY",
    "POLICIES",
    "DRY-RUN",
    "DRY.RUN",
    "DRYRUN",
    "PREFIX",
    "TLS",
    "CA",
    "DRONE",
    "FORGE",
    "VERIFY_KEYS",
    "TIMEOUT",
    "RUNNING",
    "VERSION_PARAMS",
    "DEBUG",
];

/// What the servers always set, and what they set only sometimes (drone.md §2.2, §2.4).
const OF_THE_SERVERS: [&str; 50] = [
    "CI",
    "DRONE",
    "DRONE_BRANCH",
    "DRONE_BUILD_EVENT",
    "DRONE_BUILD_PARENT",
    "DRONE_BUILD_TRIGGER",
    "DRONE_CALVER",
    "DRONE_COMMIT_BRANCH",
    "DRONE_COMMIT_REF",
    "DRONE_COMMIT_SHA",
    "DRONE_DEPLOY_ID",
    "DRONE_DEPLOY_TO",
    "DRONE_FAILED_STAGES",
    "DRONE_FAILED_STEPS",
    "DRONE_NETRC_FILE",
    "DRONE_NETRC_MACHINE",
    "DRONE_NETRC_PASSWORD",
    "DRONE_NETRC_USERNAME",
    "DRONE_PULL_REQUEST",
    "DRONE_PULL_REQUEST_TITLE",
    "DRONE_REMOTE_URL",
    "DRONE_REPO",
    "DRONE_REPO_BRANCH",
    "DRONE_SEMVER",
    "DRONE_SEMVER_BUILD",
    "DRONE_SEMVER_ERROR",
    "DRONE_SEMVER_MAJOR",
    "DRONE_SEMVER_PRERELEASE",
    "DRONE_SEMVER_SHORT",
    "DRONE_SOURCE_BRANCH",
    "DRONE_STEP_NAME",
    "DRONE_SYSTEM_HOST",
    "DRONE_SYSTEM_PROTO",
    "DRONE_TAG",
    "DRONE_TARGET_BRANCH",
    "DRONE_WORKSPACE",
    "CI_BUILD_TARGET",
    "CI_COMMIT_BRANCH",
    "CI_COMMIT_PULL_REQUEST",
    "CI_COMMIT_REF",
    "CI_COMMIT_SHA",
    "CI_COMMIT_SOURCE_BRANCH",
    "CI_COMMIT_TAG",
    "CI_NETRC_PASSWORD",
    "CI_PIPELINE_EVENT",
    "CI_PIPELINE_PARENT",
    "CI_PREV_PIPELINE_EVENT",
    "CI_REPO",
    "CI_WORKSPACE",
    "CI_SYSTEM_NAME",
];

/// What changes what a process does: proxies, authorities, resolvers, loaders, git, docker.
const OF_THE_PROCESS: [&str; 40] = [
    "ALL_PROXY",
    "CLICOLOR_FORCE",
    "CURL_CA_BUNDLE",
    "DOCKER_CONFIG",
    "DOCKER_HOST",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_SSH_COMMAND",
    "GIT_SSL_NO_VERIFY",
    "GIT_TRACE",
    "GIT_WORK_TREE",
    "HOME",
    "HOSTALIASES",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "KUBECONFIG",
    "KUBERNETES_SERVICE_HOST",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LOCALDOMAIN",
    "NO_COLOR",
    "NO_PROXY",
    "PATH",
    "PWD",
    "RES_OPTIONS",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "SOURCE_DATE_EPOCH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Words of people and of other steps.
const OF_OTHERS: [&str; 6] = [
    "ENVIRONMENT",
    "REPLICAS",
    "SEMVER",
    "POLICY",
    "version",
    "Image_Tag",
];

const VALUES: [&str; 26] = [
    "true",
    "false",
    "{}",
    "",
    "off",
    "1.2.3",
    "branch-hotfix_HOCS-1",
    "hotfix/HOCS-1",
    "push",
    "promote",
    "woodpecker",
    "cs-demo",
    "main",
    "refs/heads/main",
    "debug",
    "{\"enforce\":false}",
    "{\"rules\":{\"qa-closed\":false}}",
    "{\"targets\":{\"qa\":[\"nothing\"]}}",
    "a\nb",
    "a\rfailure: ignore",
    "http://127.0.0.1:1",
    "/dev/null",
    "0",
    "418",
    "\u{441}s-qa",
    "somebody",
];

/// A value.
pub fn value() -> impl Strategy<Value = &'static str> {
    select(&VALUES[..])
}

/// How a name is spelt.
fn spelt(name: &str, how: u8) -> String {
    match how {
        0 => name.to_lowercase(),
        1 => name
            .chars()
            .enumerate()
            .map(|(at, c)| {
                if at % 2 == 0 {
                    c.to_ascii_lowercase()
                } else {
                    c
                }
            })
            .collect(),
        2 => format!(
            "PLUGIN_{}",
            name.strip_prefix("PLUGIN_").unwrap_or(name).to_lowercase()
        ),
        3 => name.replace('_', "-"),
        _ => name.to_owned(),
    }
}

/// A parameter. On Woodpecker a deployment that was started without a target can be given one by a
/// parameter, and the deploy steps see the same text: there is nothing to tell it from
/// (src/ci/woodpecker.rs), so that name is not among them.
pub fn parameter() -> impl Strategy<Value = (String, &'static str)> {
    let ours = NAMES.map(|name| format!("PLUGIN_{}", name.to_uppercase()));
    let near = NEAR.map(|name| format!("PLUGIN_{name}"));
    let names = prop_oneof![
        3 => select(ours.to_vec()),
        2 => select(near.to_vec()),
        3 => select(OF_THE_SERVERS.map(str::to_owned).to_vec()),
        2 => select(OF_THE_PROCESS.map(str::to_owned).to_vec()),
        1 => select(OF_OTHERS.map(str::to_owned).to_vec()),
    ];
    (names, 0..12_u8, value()).prop_map(|(name, how, value)| (spelt(&name, how), value))
}
