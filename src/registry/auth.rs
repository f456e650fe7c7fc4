//! How a registry asks who we are, and how we answer: `WWW-Authenticate`, Basic, Bearer tokens
//! (distribution "Token Authentication Specification").

use reqwest::{Method, Url};
use serde::Deserialize;

use super::credentials::Credentials;
use super::error::{Cause, RegistryError};
use crate::http::{Client, Request};
use crate::secret::Redactor;

/// The longest answer of a token service that we read.
const TOKEN_ANSWER: usize = 64 * 1024;

/// One challenge of a `WWW-Authenticate` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// How to answer, in small letters: `basic`, `bearer`.
    pub scheme: String,
    /// What goes with it: names in small letters, values without their quotes.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads a `WWW-Authenticate` header, which may hold several challenges (RFC 9110 §11.6.1).
/// What cannot be read is left out.
pub fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = header.trim_start_matches([',', ' ', '\t']);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        if word.is_empty() {
            break;
        }
        let tail = tail.trim_start_matches([' ', '\t']);
        if let Some(value) = tail.strip_prefix('=') {
            let (value, tail) = parameter_value(value.trim_start_matches([' ', '\t']));
            if let Some(challenge) = found.last_mut() {
                challenge
                    .parameters
                    .push((word.to_ascii_lowercase(), value));
            }
            rest = tail;
        } else {
            found.push(Challenge {
                scheme: word.to_ascii_lowercase(),
                parameters: Vec::new(),
            });
            rest = tail;
        }
        rest = rest.trim_start_matches([',', ' ', '\t']);
    }
    found
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

/// Answers a challenge: the value for `Authorization`.
///
/// # Errors
/// If the registry asks for something that we cannot or may not give.
pub(super) async fn answer(
    client: &Client,
    registry: &Url,
    header: &str,
    credentials: &Credentials,
    scope: &str,
    redactor: &Redactor,
) -> Result<String, Cause> {
    let challenges = challenges(header);
    let bearer = challenges
        .iter()
        .find(|c| c.scheme == "bearer" && c.parameter("realm").is_some());
    if let Some((bearer, realm)) = bearer.and_then(|c| Some((c, c.parameter("realm")?))) {
        return token(
            client,
            registry,
            realm,
            bearer.parameter("service"),
            credentials,
            scope,
            redactor,
        )
        .await;
    }
    if challenges.iter().any(|c| c.scheme == "basic") {
        return credentials.header(redactor).ok_or(Cause::CredentialsWanted);
    }
    Err(Cause::Challenge(header.to_owned()))
}

async fn token(
    client: &Client,
    registry: &Url,
    realm: &str,
    service: Option<&str>,
    credentials: &Credentials,
    scope: &str,
    redactor: &Redactor,
) -> Result<String, Cause> {
    let mut url = Url::parse(realm).map_err(|_| Cause::Challenge(format!("realm `{realm}`")))?;
    // The realm gets our password, so it is held to the rules of a redirect.
    client
        .may_go(registry, &url)
        .map_err(|error| Cause::Realm(error.to_string()))?;
    url.query_pairs_mut()
        .extend_pairs(service.map(|s| ("service", s)))
        .append_pair("scope", scope);
    let basic = credentials.header(redactor);
    let request = Request::new(Method::GET, url, TOKEN_ANSWER).authorization(basic.as_deref());
    let answer = client.send(request).await.map_err(Cause::Http)?;
    if answer.status != 200 {
        return Err(Cause::Token {
            status: answer.status,
            said: RegistryError::said(&answer.body),
        });
    }
    let answer: TokenAnswer = serde_json::from_slice(&answer.body).map_err(|_| Cause::NoToken)?;
    let token = answer
        .token
        .or(answer.access_token)
        .filter(|t| !t.is_empty())
        .ok_or(Cause::NoToken)?;
    redactor.add(&token);
    Ok(format!("Bearer {token}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(header: &str, expected: &[(&str, &[(&str, &str)])]) {
        let expected: Vec<Challenge> = expected
            .iter()
            .map(|(scheme, parameters)| Challenge {
                scheme: (*scheme).to_owned(),
                parameters: parameters
                    .iter()
                    .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                    .collect(),
            })
            .collect();
        assert_eq!(challenges(header), expected);
    }

    #[test]
    fn challenges_are_read_as_servers_write_them() {
        case("Basic realm=\"x\"", &[("basic", &[("realm", "x")])]);
        case(
            r#"Bearer realm="https://auth.example/token",service="reg",scope="repository:a:pull,push""#,
            &[(
                "bearer",
                &[
                    ("realm", "https://auth.example/token"),
                    ("service", "reg"),
                    ("scope", "repository:a:pull,push"),
                ],
            )],
        );
        case(
            r#"Bearer realm="a", Basic realm="b \"c\"" , Negotiate"#,
            &[
                ("bearer", &[("realm", "a")]),
                ("basic", &[("realm", "b \"c\"")]),
                ("negotiate", &[]),
            ],
        );
        case(
            "BEARER Realm = x , service=y",
            &[("bearer", &[("realm", "x"), ("service", "y")])],
        );
        case("", &[]);
        case("=,=", &[]);
        case("Bearer realm=\"open", &[("bearer", &[("realm", "open")])]);
    }
}
