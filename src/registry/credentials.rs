//! Who we are to a registry: user and password from the settings, or the text of a docker
//! `config.json`. No file and no credential helper of the machine is used.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::secret::{Redactor, Secret};

/// What we show to one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    Anonymous,
    /// A user and a password.
    Basic {
        /// The user.
        username: String,
        /// The password or token.
        password: Secret,
    },
}

impl Credentials {
    /// The header `Authorization: Basic …`, which the redactor learns.
    pub(super) fn header(&self, redactor: &Redactor) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::Basic { username, password } => {
                let pair = STANDARD.encode(format!("{username}:{}", password.expose()));
                redactor.add(&pair);
                Some(format!("Basic {pair}"))
            }
        }
    }
}

/// The part of a docker `config.json` that we read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerConfig {
    hosts: BTreeMap<String, Result<Credentials, String>>,
    helper: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    #[serde(default)]
    auths: BTreeMap<String, RawAuth>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawAuth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

impl DockerConfig {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// What is wrong with it, without a word of its contents.
    pub fn parse(text: &str) -> Result<Self, String> {
        let raw: Raw = serde_json::from_str(text).map_err(|error| {
            format!(
                "not the JSON of a docker config.json (line {}, column {})",
                error.line(),
                error.column()
            )
        })?;
        let mut hosts: BTreeMap<_, _> = raw
            .auths
            .into_iter()
            .map(|(host, auth)| (plain_host(&host), credentials(auth)))
            .collect();
        for (host, helper) in raw.cred_helpers {
            hosts
                .entry(plain_host(&host))
                .or_insert_with(|| Err(no_helper(&helper)));
        }
        Ok(Self {
            hosts,
            helper: raw.creds_store,
        })
    }

    /// What the config has for a host, as `registry::Repository::host` writes it.
    ///
    /// # Errors
    /// If the entry cannot be used, with the way out.
    pub fn for_host(&self, host: &str) -> Result<Credentials, String> {
        match (self.hosts.get(host), &self.helper) {
            (Some(found), _) => found.clone(),
            (None, Some(helper)) => Err(no_helper(helper)),
            (None, None) => Ok(Credentials::Anonymous),
        }
    }

    /// Every password in it, for the redactor.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.hosts.values().filter_map(|entry| match entry {
            Ok(Credentials::Basic { password, .. }) => Some(password),
            _ => None,
        })
    }
}

fn credentials(auth: RawAuth) -> Result<Credentials, String> {
    if !auth.identitytoken.is_empty() {
        return Err(
            "its entry is an `identitytoken`, which this version cannot use; set \
                    `username` and `password`"
                .to_owned(),
        );
    }
    if auth.auth.is_empty() {
        return if auth.username.is_empty() {
            Ok(Credentials::Anonymous)
        } else {
            Ok(Credentials::Basic {
                username: auth.username,
                password: Secret::new(auth.password),
            })
        };
    }
    let pair = STANDARD
        .decode(auth.auth.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match pair.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((username, password)) => Ok(Credentials::Basic {
            username: username.to_owned(),
            password: Secret::new(password.trim_end_matches('\0')),
        }),
        None => Err("the `auth` of its entry is not `user:password` in base64".to_owned()),
    }
}

fn no_helper(helper: &str) -> String {
    format!(
        "it leaves the password to the credential helper `{helper}`, a program that is not in this \
         image; set `username` and `password`, or write the password into `auths`"
    )
}

/// The key of `auths` as a host: docker writes hosts, addresses and Docker Hub's old address.
fn plain_host(key: &str) -> String {
    let key = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    let host = key.split('/').next().unwrap_or(key).to_ascii_lowercase();
    match host.as_str() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_as_docker_writes_them() {
        let text = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"},"Quay.IO":{"username":"a","password":"b"},
            "reg.example:5000":{}},"credHelpers":{"ecr.example":"ecr-login"}}"#;
        let config = DockerConfig::parse(text).unwrap();
        let basic = |u: &str, p: &str| Credentials::Basic {
            username: u.to_owned(),
            password: Secret::new(p),
        };
        assert_eq!(config.for_host("docker.io"), Ok(basic("u", "p")));
        assert_eq!(config.for_host("quay.io"), Ok(basic("a", "b")));
        assert_eq!(
            config.for_host("reg.example:5000"),
            Ok(Credentials::Anonymous)
        );
        assert_eq!(
            config.for_host("elsewhere.example"),
            Ok(Credentials::Anonymous)
        );
        assert!(
            config
                .for_host("ecr.example")
                .unwrap_err()
                .contains("ecr-login")
        );
        assert_eq!(config.secrets().count(), 2);
    }

    #[test]
    fn what_cannot_be_used_says_the_way_out() {
        let case = |text: &str, word: &str| {
            let error = DockerConfig::parse(text)
                .unwrap()
                .for_host("quay.io")
                .unwrap_err();
            assert!(error.contains(word), "{error}");
        };
        case(r#"{"credsStore":"desktop"}"#, "credential helper `desktop`");
        case(
            r#"{"auths":{"quay.io":{"identitytoken":"x"}}}"#,
            "identitytoken",
        );
        case(r#"{"auths":{"quay.io":{"auth":"!"}}}"#, "base64");
        let error = DockerConfig::parse("{\"auths\": canary}").unwrap_err();
        assert!(!error.contains("canary"), "{error}");
    }
}
