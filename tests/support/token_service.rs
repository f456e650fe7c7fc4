//! A token service for a registry with `auth: token`: it hands out the Bearer tokens that the
//! registry checks, and writes down what it was asked for.
//!
//! Tokens are what the registry's token specification asks for: a JWT signed with RS256 whose
//! header carries the certificate (`x5c`) that the registry was told to trust. The service is
//! generous in the way of the real ones: it grants what an account may do and leaves out the
//! rest, and it is the registry that refuses. `issued_at` is left out, as it may be.

#![allow(dead_code, reason = "not every test uses every rule")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::http::{self, Acceptor, Reply, Request, Response};
use super::registry::{TempDir, openssl};

/// The registry must be configured with the same two names.
pub const ISSUER: &str = "example token issuer";
pub const SERVICE: &str = "registry.example";

/// Far beyond the minute of clock difference that the registry forgives.
const LONG_AGO: i64 = -3600;

/// What an account may do: names of repositories, `*` for all.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    pull: Vec<String>,
    push: Vec<String>,
}

impl Rights {
    pub fn everything() -> Rights {
        Rights::only(&["*"], &["*"])
    }

    pub fn pull_only() -> Rights {
        Rights::only(&["*"], &[])
    }

    pub fn only(pull: &[&str], push: &[&str]) -> Rights {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Rights {
            pull: owned(pull),
            push: owned(push),
        }
    }

    fn allow(&self, action: &str, repository: &str) -> bool {
        let names = if action == "pull" {
            &self.pull
        } else {
            &self.push
        };
        names.iter().any(|name| name == "*" || name == repository)
    }
}

/// Which of the two names of the token an answer uses; clients must take either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenField {
    Token,
    AccessToken,
    #[default]
    Both,
}

/// How the service behaves; the beginning is: no account, nothing for anonymous clients.
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenRules {
    accounts: Vec<(String, String, Rights)>,
    identity_tokens: Vec<(String, Rights)>,
    anonymous: Option<Rights>,
    expires_in: Option<u64>,
    field: TokenField,
    post: bool,
}

impl Default for TokenRules {
    fn default() -> TokenRules {
        TokenRules {
            accounts: Vec::new(),
            identity_tokens: Vec::new(),
            anonymous: None,
            expires_in: Some(300),
            field: TokenField::Both,
            post: true,
        }
    }
}

impl TokenRules {
    pub fn new() -> TokenRules {
        TokenRules::default()
    }

    pub fn account(mut self, user: &str, password: &str, rights: Rights) -> TokenRules {
        self.accounts
            .push((user.to_owned(), password.to_owned(), rights));
        self
    }

    /// A refresh token, such as `docker login` stores it as `identitytoken`.
    pub fn identity_token(mut self, token: &str, rights: Rights) -> TokenRules {
        self.identity_tokens.push((token.to_owned(), rights));
        self
    }

    pub fn anonymous(mut self, rights: Rights) -> TokenRules {
        self.anonymous = Some(rights);
        self
    }

    /// The lifetime of tokens in seconds; the registry forgives another minute.
    pub fn expires_in(mut self, seconds: u64) -> TokenRules {
        self.expires_in = Some(seconds);
        self
    }

    /// The answer does not say how long the token lives (60 s by the specification).
    pub fn silent_about_expiry(mut self) -> TokenRules {
        self.expires_in = None;
        self
    }

    pub fn token_field(mut self, field: TokenField) -> TokenRules {
        self.field = field;
        self
    }

    /// Answers 405 to POST, so that clients have to fall back to GET.
    pub fn refuses_post(mut self) -> TokenRules {
        self.post = false;
        self
    }

    /// `None` = bad credentials.
    fn rights_of(&self, proof: &Proof) -> Option<&Rights> {
        match proof {
            Proof::Nothing => self.anonymous.as_ref(),
            Proof::Password(user, password) => {
                let matches = |account: &&(String, String, Rights)| {
                    account.0 == *user && account.1 == *password
                };
                self.accounts.iter().find(matches).map(|account| &account.2)
            }
            Proof::Identity(token) => {
                let known = self
                    .identity_tokens
                    .iter()
                    .find(|(known, _)| known == token);
                known.map(|(_, rights)| rights)
            }
            Proof::Unreadable => None,
        }
    }
}

/// What a client shows of itself.
enum Proof {
    Nothing,
    Password(String, String),
    Identity(String),
    Unreadable,
}

/// One request to the service, as a test wants to look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    pub method: String,
    pub service: Option<String>,
    /// One entry for each scope, however they were sent.
    pub scopes: Vec<String>,
    /// The user of Basic credentials, when such were sent.
    pub basic_user: Option<String>,
    /// Of a POST: `password` or `refresh_token`.
    pub grant_type: Option<String>,
    pub status: u16,
}

pub struct TokenService {
    acceptor: Acceptor,
    state: Arc<State>,
}

struct State {
    rules: TokenRules,
    requests: Mutex<Vec<TokenRequest>>,
    stale: AtomicU64,
    issued: AtomicU64,
}

impl TokenService {
    pub fn start(rules: TokenRules) -> TokenService {
        let state = Arc::new(State {
            rules,
            requests: Mutex::default(),
            stale: AtomicU64::new(0),
            issued: AtomicU64::new(0),
        });
        let answering = Arc::clone(&state);
        TokenService {
            acceptor: http::serve(move |request| Reply::Whole(answering.answer(&request))),
            state,
        }
    }

    /// The address that the registry names in its challenge.
    pub fn realm(&self) -> String {
        format!("http://{}/token", self.acceptor.address())
    }

    /// The certificate that the registry must trust.
    pub fn certificate_pem() -> &'static str {
        &Signer::shared().certificate
    }

    pub fn requests(&self) -> Vec<TokenRequest> {
        self.state.requests.lock().unwrap().clone()
    }

    pub fn forget_requests(&self) {
        self.state.requests.lock().unwrap().clear();
    }

    /// The next `count` tokens have expired already, although their answers promise more: what
    /// a client meets when a token ends between two requests.
    pub fn give_stale(&self, count: u64) {
        self.state.stale.store(count, Ordering::SeqCst);
    }
}

impl State {
    fn answer(&self, request: &Request) -> Response {
        let form = match request.method.as_str() {
            "POST" => String::from_utf8_lossy(&request.body).into_owned(),
            _ => request
                .target
                .split_once('?')
                .map_or("", |(_, query)| query)
                .to_owned(),
        };
        let values = |name: &str| http::form_values(&form, name);
        let scopes: Vec<String> = values("scope")
            .iter()
            .flat_map(|scope| scope.split_whitespace().map(str::to_owned))
            .collect();
        let (service, grant_type) = (values("service").pop(), values("grant_type").pop());
        let basic = request.headers.get("authorization").map(basic_credentials);
        let proof = match (request.method.as_str(), grant_type.as_deref()) {
            ("POST", Some("refresh_token")) => {
                Proof::Identity(values("refresh_token").pop().unwrap_or_default())
            }
            ("POST", Some("password")) => Proof::Password(
                values("username").pop().unwrap_or_default(),
                values("password").pop().unwrap_or_default(),
            ),
            ("POST", _) => Proof::Unreadable,
            _ => match &basic {
                None => Proof::Nothing,
                Some(None) => Proof::Unreadable,
                Some(Some((user, password))) => Proof::Password(user.clone(), password.clone()),
            },
        };
        let rights = self.rules.rights_of(&proof);
        let response = match (request.path(), request.method.as_str(), rights) {
            ("/token", "POST", _) if !self.rules.post => refusal(405, "UNSUPPORTED"),
            ("/token", "GET" | "POST", Some(rights)) => {
                self.token(rights, &scopes, service.as_deref().unwrap_or(SERVICE))
            }
            ("/token", "GET" | "POST", None) => refusal(401, "UNAUTHORIZED"),
            ("/token", ..) => refusal(405, "UNSUPPORTED"),
            _ => refusal(404, "NOT_FOUND"),
        };
        self.requests.lock().unwrap().push(TokenRequest {
            method: request.method.clone(),
            service,
            scopes,
            basic_user: basic.flatten().map(|(user, _)| user),
            grant_type,
            status: response.status,
        });
        response
    }

    fn token(&self, rights: &Rights, scopes: &[String], audience: &str) -> Response {
        let take_one = |left: u64| left.checked_sub(1);
        let stale = self
            .stale
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one);
        let lifetime = match stale {
            Ok(_) => LONG_AGO,
            Err(_) => self.rules.expires_in.unwrap_or(60) as i64,
        };
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since_epoch.expect("the clock is after 1970").as_secs() as i64;
        let token = Signer::shared().sign(&json!({
            "iss": ISSUER,
            "aud": audience,
            "sub": "",
            "iat": now + lifetime.min(0),
            "nbf": now + lifetime.min(0) - 10,
            "exp": now + lifetime,
            "jti": self.issued.fetch_add(1, Ordering::SeqCst).to_string(),
            "access": granted(rights, scopes),
        }));
        let mut answer = json!({});
        if self.rules.field != TokenField::AccessToken {
            answer["token"] = json!(token);
        }
        if self.rules.field != TokenField::Token {
            answer["access_token"] = json!(token);
        }
        if let Some(seconds) = self.rules.expires_in {
            answer["expires_in"] = json!(seconds);
        }
        Response::new(200).with_body("application/json", answer.to_string())
    }
}

/// `type:name:action,action` for each scope; a name may hold colons (`host:port/name`).
fn granted(rights: &Rights, scopes: &[String]) -> Vec<Value> {
    let mut access = Vec::new();
    for scope in scopes {
        let Some((kind, rest)) = scope.split_once(':') else {
            continue;
        };
        let Some((name, actions)) = rest.rsplit_once(':') else {
            continue;
        };
        let allowed: Vec<&str> = actions
            .split(',')
            .filter(|action| rights.allow(action, name))
            .collect();
        access.push(json!({ "type": kind, "name": name, "actions": allowed }));
    }
    access
}

fn basic_credentials(header: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn refusal(status: u16, code: &str) -> Response {
    let body = json!({ "errors": [{ "code": code, "message": "refused by the token service" }] });
    Response::new(status).with_body("application/json", body.to_string())
}

/// The signing key: an RSA key takes a while to make, so all services of a process share one.
struct Signer {
    certificate: String,
    key: RsaKeyPair,
}

impl Signer {
    fn shared() -> &'static Signer {
        static SIGNER: OnceLock<Signer> = OnceLock::new();
        SIGNER.get_or_init(Signer::make)
    }

    fn make() -> Signer {
        let dir = TempDir::new();
        dir.write("openssl.cnf", "[req]\ndistinguished_name = name\n[name]\n");
        openssl(
            &dir,
            "req -config openssl.cnf -x509 -newkey rsa:2048 -nodes -days 30 \
             -subj /CN=token.example -keyout key.pem -out certificate.pem",
        );
        Signer {
            certificate: dir.read("certificate.pem"),
            key: RsaKeyPair::from_pkcs8(&der(&dir.read("key.pem"))).expect("openssl writes PKCS#8"),
        }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({
            "typ": "JWT",
            "alg": "RS256",
            "x5c": [STANDARD.encode(der(&self.certificate))],
        });
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encoded(&header), encoded(claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .expect("a fresh RSA key can sign");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The bytes between the lines of a PEM file with one object.
fn der(pem: &str) -> Vec<u8> {
    let inner: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    STANDARD.decode(inner).expect("PEM is base64")
}
