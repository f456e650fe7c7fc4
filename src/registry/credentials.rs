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
    /// A refresh token for the registry's token service (docker's `identitytoken`), and the user
    /// that stands beside it.
    Identity {
        /// The user; often a placeholder such as the zero UUID of Azure.
        username: String,
        /// The refresh token.
        token: Secret,
    },
    /// A token that the registry takes as it is (docker's `registrytoken`).
    Token(Secret),
}

impl Credentials {
    /// The header `Authorization: Basic …`, which the redactor learns. Services that know no
    /// refresh tokens take an identity token in the place of the password.
    pub(super) fn header(&self, redactor: &Redactor) -> Option<String> {
        match self {
            Self::Anonymous | Self::Token(_) => None,
            Self::Basic {
                username,
                password: secret,
            }
            | Self::Identity {
                username,
                token: secret,
            } => {
                let pair = STANDARD.encode(format!("{username}:{}", secret.expose()));
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
    registrytoken: String,
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
        let mut hosts = BTreeMap::new();
        for (key, auth) in raw.auths {
            let (host, found) = (plain_host(&key), credentials(auth));
            // A key that is the bare host wins over an address on it, as in Docker.
            if key == host || !hosts.contains_key(&host) {
                hosts.insert(host, found);
            }
        }
        // Docker asks the helper of a host and the store before it looks at an entry; what stands
        // in an entry all the same is good enough for us.
        for (key, helper) in raw.cred_helpers {
            let found = hosts
                .entry(plain_host(&key))
                .or_insert(Ok(Credentials::Anonymous));
            if *found == Ok(Credentials::Anonymous) {
                *found = Err(no_helper(&helper));
            }
        }
        let helper = raw.creds_store.filter(|helper| !helper.is_empty());
        if let Some(helper) = &helper {
            let empty = hosts
                .values_mut()
                .filter(|found| **found == Ok(Credentials::Anonymous));
            empty.for_each(|found| *found = Err(no_helper(helper)));
        }
        Ok(Self { hosts, helper })
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
            Ok(
                Credentials::Basic {
                    password: secret, ..
                }
                | Credentials::Identity { token: secret, .. }
                | Credentials::Token(secret),
            ) => Some(secret),
            Ok(Credentials::Anonymous) | Err(_) => None,
        })
    }
}

fn credentials(auth: RawAuth) -> Result<Credentials, String> {
    if !auth.registrytoken.is_empty() {
        return Ok(Credentials::Token(Secret::new(auth.registrytoken)));
    }
    let (username, password) = if auth.auth.is_empty() {
        (auth.username, auth.password)
    } else {
        let pair = STANDARD
            .decode(auth.auth.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        match pair.as_deref().and_then(|pair| pair.split_once(':')) {
            Some((username, password)) => (
                username.to_owned(),
                password.trim_end_matches('\0').to_owned(),
            ),
            None => {
                return Err("the `auth` of its entry is not `user:password` in base64".to_owned());
            }
        }
    };
    Ok(if !auth.identitytoken.is_empty() {
        Credentials::Identity {
            username,
            token: Secret::new(auth.identitytoken),
        }
    } else if username.is_empty() && password.is_empty() {
        Credentials::Anonymous
    } else {
        Credentials::Basic {
            username,
            password: Secret::new(password),
        }
    })
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
            r#"{"auths":{"quay.io":{}},"credsStore":"desktop"}"#,
            "credential helper `desktop`",
        );
        case(r#"{"auths":{"quay.io":{"auth":"!"}}}"#, "base64");
        let tokens = DockerConfig::parse(
            r#"{"auths":{"quay.io":{"auth":"dTo=","identitytoken":"refresh-me"},
            "a.example":{"registrytoken":"as-it-is"},"https://b.example/v2/":{"auth":"dTp4"},
            "b.example":{"auth":"dTp5"}},"credsStore":"desktop"}"#,
        )
        .unwrap();
        let identity = Credentials::Identity {
            username: "u".to_owned(),
            token: Secret::new("refresh-me"),
        };
        assert_eq!(tokens.for_host("quay.io"), Ok(identity));
        let as_it_is = Credentials::Token(Secret::new("as-it-is"));
        assert_eq!(tokens.for_host("a.example"), Ok(as_it_is));
        let bare = Credentials::Basic {
            username: "u".to_owned(),
            password: Secret::new("y"),
        };
        assert_eq!(tokens.for_host("b.example"), Ok(bare));
        assert_eq!(tokens.secrets().count(), 3);
        let error = DockerConfig::parse("{\"auths\": canary}").unwrap_err();
        assert!(!error.contains("canary"), "{error}");
    }
}
