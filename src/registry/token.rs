//! How a challenge is answered: Basic, or a Bearer token from the service that the registry names
//! (distribution «Token Authentication Specification» and «OAuth2 Token Authentication»).

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::auth::challenges;
use super::closed;
use super::credentials::Credentials;
use super::error::{Cause, RegistryError};
use crate::http::{Client, Request, Response};
use crate::secret::Redactor;

/// The longest answer of a token service that we read.
const TOKEN_ANSWER: usize = 64 * 1024;
/// How long a token lives whose answer does not say so (token specification, `expires_in`).
const LIFETIME: u64 = 60;
/// The name under which we ask.
const CLIENT: &str = "drone-hotfix";

/// What was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    /// The value for `Authorization`.
    pub header: String,
    /// When it should be renewed; `None` for what does not end.
    pub until: Option<Instant>,
}

/// Who asks, and for what.
pub(super) struct Asking<'a> {
    pub client: &'a Client,
    pub credentials: &'a Credentials,
    pub scopes: &'a [String],
    pub redactor: &'a Redactor,
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<serde_json::Number>,
}

impl Asking<'_> {
    /// Answers the challenge in a `WWW-Authenticate` header that came from `registry`.
    ///
    /// # Errors
    /// If the registry asks for something that we cannot or may not give.
    pub async fn answer(&self, registry: &Url, header: &str) -> Result<Grant, Cause> {
        let challenges = challenges(header);
        let bearer = challenges
            .iter()
            .filter(|challenge| challenge.scheme == "bearer")
            .find_map(|challenge| Some((challenge, challenge.parameter("realm")?)));
        match (bearer, self.credentials) {
            (Some(_), Credentials::Token(token)) => Ok(self.bearer(token.expose(), None)),
            (Some((challenge, realm)), _) => {
                let realm = self.realm(registry, realm)?;
                self.token(realm, challenge.parameter("service")).await
            }
            (None, _) if challenges.iter().any(|c| c.scheme == "basic") => {
                let header = self.credentials.header(self.redactor);
                let header = header.ok_or(Cause::CredentialsWanted)?;
                Ok(Grant {
                    header,
                    until: None,
                })
            }
            (None, _) => Err(Cause::Challenge(header.to_owned())),
        }
    }

    /// The address of the token service. It gets our password, so it is held to the rules of a
    /// redirect.
    fn realm(&self, registry: &Url, realm: &str) -> Result<Url, Cause> {
        let mut url =
            Url::parse(realm).map_err(|_| Cause::Challenge(format!("realm `{realm}`")))?;
        self.client
            .may_go(registry, &url)
            .map_err(|error| Cause::Realm(error.to_string()))?;
        // A user written into the address would take the place of ours.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(url)
    }

    async fn token(&self, realm: Url, service: Option<&str>) -> Result<Grant, Cause> {
        let answer = match self.credentials {
            Credentials::Identity { token, .. } => {
                let form = [
                    ("grant_type", "refresh_token"),
                    ("refresh_token", token.expose()),
                ];
                let answer = self.post(&realm, service, &form).await?;
                // GCR does not know POST and answers 404; JFrog answers it 401 (containerd,
                // `remotes/docker/authorizer.go`).
                if matches!(answer.status, 400 | 401 | 404 | 405) {
                    self.get(&realm, service).await?
                } else {
                    answer
                }
            }
            Credentials::Basic { username, password } => {
                let answer = self.get(&realm, service).await?;
                if matches!(answer.status, 404 | 405) {
                    let form = [
                        ("grant_type", "password"),
                        ("username", username),
                        ("password", password.expose()),
                    ];
                    self.post(&realm, service, &form).await?
                } else {
                    answer
                }
            }
            Credentials::Anonymous | Credentials::Token(_) => self.get(&realm, service).await?,
        };
        self.read(&answer)
    }

    async fn get(&self, realm: &Url, service: Option<&str>) -> Result<Response, Cause> {
        let mut url = realm.clone();
        url.query_pairs_mut()
            .extend_pairs(service.map(|service| ("service", service)))
            .extend_pairs(self.scopes.iter().map(|scope| ("scope", scope)));
        let basic = self.credentials.header(self.redactor);
        let request = Request::new(Method::GET, url, TOKEN_ANSWER).authorization(basic.as_deref());
        self.client.send(request).await.map_err(Cause::Http)
    }

    async fn post(
        &self,
        realm: &Url,
        service: Option<&str>,
        form: &[(&str, &str)],
    ) -> Result<Response, Cause> {
        let mut pairs = realm.clone();
        pairs
            .query_pairs_mut()
            .clear()
            .extend_pairs(form)
            .extend_pairs(service.map(|service| ("service", service)))
            .append_pair("client_id", CLIENT)
            .append_pair("scope", &self.scopes.join(" "));
        let body = pairs.query().unwrap_or_default().to_owned();
        let request = Request::new(Method::POST, realm.clone(), TOKEN_ANSWER)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
            .repeatable();
        self.client.send(request).await.map_err(Cause::Http)
    }

    fn read(&self, answer: &Response) -> Result<Grant, Cause> {
        if answer.status != 200 {
            return Err(Cause::Token {
                status: answer.status,
                said: RegistryError::said(&answer.body),
                closed: closed::by_token_service(answer),
            });
        }
        let answer: Answer = serde_json::from_slice(&answer.body).map_err(|_| Cause::NoToken)?;
        let full = |text: Option<String>| text.filter(|text| !text.is_empty());
        if let Some(refresh) = full(answer.refresh_token) {
            self.redactor.add(&refresh);
        }
        let token = full(answer.token)
            .or_else(|| full(answer.access_token))
            .ok_or(Cause::NoToken)?;
        let lifetime = answer.expires_in.and_then(|number| number.as_f64());
        // Negative and absurd numbers say nothing.
        let lifetime = lifetime.map_or(LIFETIME, |seconds| seconds.clamp(0.0, 1e6) as u64);
        Ok(self.bearer(&token, Some(Duration::from_secs(lifetime))))
    }

    /// A token is renewed a little before it ends, because a request takes its time to arrive.
    fn bearer(&self, token: &str, lifetime: Option<Duration>) -> Grant {
        self.redactor.add(token);
        let margin = |lifetime: Duration| (lifetime / 4).min(Duration::from_secs(10));
        Grant {
            header: format!("Bearer {token}"),
            until: lifetime.map(|lifetime| Instant::now() + lifetime - margin(lifetime)),
        }
    }
}
