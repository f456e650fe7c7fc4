//! The settings of the step: `PLUGIN_*` in exact upper case, nothing else.
//!
//! `policy` decides and is required; beside it stand only secrets and how much to print. Raw text
//! comes first (envy, from our own filtered variables), types afterwards, and every problem is
//! reported at once.

mod secrets;

use serde::Deserialize;

use crate::environment::{Environment, Reading};
use crate::http::Proxy;
use crate::policy;
use crate::problem::{Problem, did_you_mean};
use crate::registry::credentials::{Credentials, DockerConfig};
use crate::registry::error::Cause;
use crate::secret::{Redactor, shorten};
use crate::signing::SigningKey;
pub use secrets::SecretState;
use secrets::{learn, state, too_many};

/// What every setting's variable begins with.
pub const PREFIX: &str = "PLUGIN_";

/// Every setting, as docs/settings.md lists them.
pub const NAMES: [&str; 14] = [
    "policy",
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
    "dry_run",
    "log_level",
];

/// How much to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// The verdict and what is wrong.
    Info,
    /// Also every rule that passed or does not apply.
    Debug,
}

/// The settings, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    username: SecretState,
    password: SecretState,
    config: Result<DockerConfig, SecretState>,
    signing_key: Result<SigningKey, SecretState>,
    /// What the Drone server is shown.
    pub drone_token: SecretState,
    /// What the Kubernetes APIs of `policy.running` are shown.
    pub kube_token: SecretState,
    /// The token for the forge: also for its git, where the CI server gives no credentials.
    pub forge_token: SecretState,
    /// Addresses of webhooks of which `policy.notify` names only the beginning, with blanks between them.
    pub webhook_url: SecretState,
    /// The account for the mail server of `policy.smtp`.
    pub smtp_username: SecretState,
    /// Its password.
    pub smtp_password: SecretState,
    /// What the server of `policy.audit` is shown.
    pub audit_token: SecretState,
    /// Whether to write nothing.
    pub dry_run: bool,
    /// How much to print.
    pub log_level: LogLevel,
    /// Where https goes through.
    pub proxy: Proxy,
    /// Variables `PLUGIN_*` that are none of ours, in the order of the environment.
    pub ignored: Vec<String>,
}

/// The settings as text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    policy: Option<String>,
    username: Option<String>,
    password: Option<String>,
    config: Option<String>,
    drone_token: Option<String>,
    kube_token: Option<String>,
    forge_token: Option<String>,
    signing_key: Option<String>,
    webhook_url: Option<String>,
    smtp_username: Option<String>,
    smtp_password: Option<String>,
    audit_token: Option<String>,
    dry_run: Option<String>,
    log_level: Option<String>,
}

/// What the environment says before the policy is read.
#[derive(Debug)]
pub struct Read {
    /// The settings beside the policy.
    pub settings: Settings,
    /// The text of the policy, if there is one.
    pub policy: Option<String>,
}

/// Reads the settings. Every secret goes to the redactor first, so that not even a problem with
/// the settings can show one.
pub fn read(environment: &Environment, redactor: &Redactor, problems: &mut Vec<Problem>) -> Read {
    learn(environment, redactor);
    too_many(environment, problems);
    let mut texts: Vec<(String, String)> = Vec::new();
    for name in NAMES {
        let variable = format!("{PREFIX}{}", name.to_uppercase());
        match environment.decided(&variable) {
            Ok(None) => {}
            // A secret that came out of a file, or a YAML block, ends with a line break.
            Ok(Some(text)) => {
                texts.push((variable, text.trim_end_matches(['\n', '\r']).to_owned()))
            }
            Err(problem) => problems.push(Problem {
                setting: name.to_owned(),
                ..problem
            }),
        }
    }
    let raw: Raw = envy::prefixed(PREFIX)
        .from_iter(texts)
        .unwrap_or_else(|error| {
            problems.push(Problem::new("settings", error.to_string(), "texts"));
            Raw::default()
        });
    let ignored = unknown_names(environment, problems);
    if raw
        .policy
        .as_deref()
        .is_none_or(|text| text.trim().is_empty())
    {
        problems.push(no_policy(&ignored));
    }
    let secret = |name: &str, text: Option<&String>| state(environment, name, text);
    let username = secret("username", raw.username.as_ref());
    let password = secret("password", raw.password.as_ref());
    let one_of_two = |here: &SecretState, there: &SecretState| {
        matches!(here, SecretState::Set(_)) && *there == SecretState::Absent
    };
    for (here, there, name) in [
        (&username, &password, "password"),
        (&password, &username, "username"),
    ] {
        if one_of_two(here, there) {
            problems.push(Problem::new(
                name,
                "nothing",
                "`username` and `password` together",
            ));
        }
    }
    let config = match secret("config", raw.config.as_ref()) {
        SecretState::Set(text) => match DockerConfig::parse(text.expose()) {
            Ok(config) => {
                config
                    .secrets()
                    .for_each(|secret| redactor.add(secret.expose()));
                Ok(config)
            }
            Err(why) => {
                problems.push(Problem::new(
                    "config",
                    why,
                    "the text of a docker config.json",
                ));
                Err(SecretState::Absent)
            }
        },
        other => Err(other),
    };
    let dry_run = raw.dry_run.map(|text| {
        policy::flag(&text).unwrap_or_else(|| {
            problems.push(Problem::new("dry_run", shown(&text), "`true` or `false`"));
            true
        })
    });
    let log_level = raw
        .log_level
        .map(|text| match text.trim().to_ascii_lowercase().as_str() {
            "info" => LogLevel::Info,
            "debug" | "trace" => LogLevel::Debug,
            _ => {
                problems.push(Problem::new("log_level", shown(&text), "`info` or `debug`"));
                LogLevel::Info
            }
        });
    let signing_key = match secret("signing_key", raw.signing_key.as_ref()) {
        SecretState::Set(text) => SigningKey::parse(text.expose()).map_err(|wrong| {
            let expected = "a private key in PKCS#8 PEM, ECDSA P-256 or Ed25519";
            problems.push(Problem::new("signing_key", wrong.found, expected).next(wrong.next));
            SecretState::Absent
        }),
        other => Err(other),
    };
    let settings = Settings {
        username,
        password,
        config,
        signing_key,
        drone_token: secret("drone_token", raw.drone_token.as_ref()),
        kube_token: secret("kube_token", raw.kube_token.as_ref()),
        forge_token: secret("forge_token", raw.forge_token.as_ref()),
        webhook_url: secret("webhook_url", raw.webhook_url.as_ref()),
        smtp_username: secret("smtp_username", raw.smtp_username.as_ref()),
        smtp_password: secret("smtp_password", raw.smtp_password.as_ref()),
        audit_token: secret("audit_token", raw.audit_token.as_ref()),
        dry_run: dry_run.unwrap_or(false),
        log_level: log_level.unwrap_or(LogLevel::Info),
        proxy: proxy(environment),
        ignored,
    };
    Read {
        settings,
        policy: raw.policy,
    }
}

impl Settings {
    /// What we show to the registry of `policy.repo`.
    ///
    /// # Errors
    /// If a secret for it is set but empty, or the docker config has nothing usable.
    pub fn credentials(&self, host: &str) -> Result<Credentials, Cause> {
        // A secret that is there and empty is missing, whatever stands beside it: a parameter could
        // have brought that.
        let empty = [
            ("username", self.username == SecretState::Empty),
            ("password", self.password == SecretState::Empty),
            ("config", self.config == Err(SecretState::Empty)),
        ];
        if let Some((name, _)) = empty.into_iter().find(|(_, empty)| *empty) {
            return Err(Cause::MissingSecret(name.to_owned()));
        }
        match (&self.username, &self.password) {
            (SecretState::Set(username), SecretState::Set(password)) => Ok(Credentials::Basic {
                username: username.expose().to_owned(),
                password: password.clone(),
            }),
            _ => self.credentials_by_config(host),
        }
    }

    /// What we show to another registry than that of `policy.repo`: `username` and `password` are not
    /// for it.
    ///
    /// # Errors
    /// If `config` is set but empty, or has nothing usable.
    pub fn credentials_by_config(&self, host: &str) -> Result<Credentials, Cause> {
        match &self.config {
            Ok(config) => config
                .for_host(host)
                .map_err(|why| Cause::Config(format!("the setting `config` does not help: {why}"))),
            Err(SecretState::Empty) => Err(Cause::MissingSecret("config".to_owned())),
            Err(_) => Ok(Credentials::Anonymous),
        }
    }

    /// The key that signs statements, if one is configured.
    ///
    /// # Errors
    /// If the secret is set but empty.
    pub fn signing_key(&self) -> Result<Option<&SigningKey>, Cause> {
        match &self.signing_key {
            Ok(key) => Ok(Some(key)),
            Err(SecretState::Empty) => Err(Cause::MissingSecret("signing_key".to_owned())),
            Err(_) => Ok(None),
        }
    }

    /// Whether any registry credential is configured.
    pub fn has_registry_credentials(&self) -> bool {
        self.username != SecretState::Absent
            || self.password != SecretState::Absent
            || self.config != Err(SecretState::Absent)
    }
}

/// Lists the `PLUGIN_*` that are none of ours, and reports the near misses among them.
fn unknown_names(environment: &Environment, problems: &mut Vec<Problem>) -> Vec<String> {
    let mut ignored = Vec::new();
    for variable in environment.names() {
        let Some(written) = strip_prefix_any_case(variable) else {
            continue;
        };
        let exact = variable.starts_with(PREFIX)
            && NAMES.contains(&written.to_lowercase().as_str())
            && written.bytes().all(|b| !b.is_ascii_lowercase());
        // Harness sets this one itself, to be told what was published.
        if exact || variable == "PLUGIN_ARTIFACT_FILE" {
            continue;
        }
        match did_you_mean(written, NAMES) {
            Some(meant) => problems.push(
                Problem::new(
                    variable,
                    "a variable that is almost one of ours",
                    format!("`{PREFIX}{}`", meant.to_uppercase()),
                )
                .next(format!("write the setting as `{meant}`, or remove it")),
            ),
            None if variable.starts_with(PREFIX) => ignored.push(variable.to_owned()),
            None => {}
        }
    }
    ignored
}

fn strip_prefix_any_case(variable: &str) -> Option<&str> {
    let head = variable.get(..PREFIX.len())?;
    head.eq_ignore_ascii_case(PREFIX)
        .then(|| &variable[PREFIX.len()..])
}

fn no_policy(ignored: &[String]) -> Problem {
    let inside: Vec<String> = ignored
        .iter()
        .filter_map(|variable| variable.strip_prefix(PREFIX))
        .map(str::to_lowercase)
        .filter(|name| policy::KEYS.contains(&name.as_str()))
        .collect();
    let mut next = "write at least `policy: {}` into the settings of this step; it is required \
                    because a promotion parameter can add any setting that the pipeline file leaves \
                    out, and then the promoter would bring the policy"
        .to_owned();
    if !inside.is_empty() {
        next.push_str(&format!("; `{}` belongs inside it", inside.join("`, `")));
    }
    Problem::new("policy", "nothing", "a map with what decides").next(next)
}

fn proxy(environment: &Environment) -> Proxy {
    let first = |names: [&str; 2]| {
        names
            .into_iter()
            .find_map(|name| match environment.read(name) {
                Reading::Text(text) if !text.is_empty() => Some(text.to_owned()),
                _ => None,
            })
    };
    Proxy {
        https: first(["HTTPS_PROXY", "https_proxy"]),
        exceptions: first(["NO_PROXY", "no_proxy"]),
    }
}

/// A value of a setting that is no secret, shortened.
fn shown(text: &str) -> String {
    format!("`{}`", shorten(text, 40))
}

#[cfg(test)]
mod tests;
