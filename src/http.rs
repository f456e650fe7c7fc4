//! The one HTTP client: whom we trust, through which proxy, until when, how much we read.
//!
//! Nothing here knows what a registry is. Redirects are followed by us, not by the library, so that
//! credentials never travel on to another host and an answer can never send us from TLS to plain
//! HTTP or from a public host into the network of the runner.

mod redirect;
mod tls;

use std::fmt;
use std::time::Duration;

use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use reqwest::{Method, Url};
use tokio::time::Instant;

pub use tls::parse_ca;

/// The longest body of an answer that says something went wrong; the rest is not read.
const ERROR_BODY: usize = 64 * 1024;
/// How many redirects one request may follow.
const REDIRECTS: usize = 5;
const CONNECT: Duration = Duration::from_secs(10);
/// The longest silence in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(30);

/// Whom the policy trusts (`policy.tls`), beside the public certificate authorities.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Own certificate authorities, in PEM.
    pub ca: Option<String>,
    /// Hosts (`host` or `host:port`) spoken to over plain HTTP.
    pub insecure: Vec<String>,
    /// Hosts whose certificate is not checked.
    pub skip_verify: Vec<String>,
}

impl Trust {
    /// Whether the policy lists this `host[:port]` as plain HTTP.
    pub fn is_insecure(&self, host: &str) -> bool {
        self.insecure
            .iter()
            .any(|listed| listed.eq_ignore_ascii_case(host))
    }

    fn skips(&self, host: &str) -> bool {
        self.skip_verify
            .iter()
            .any(|listed| listed.eq_ignore_ascii_case(host))
    }
}

/// A proxy for https, as the runner's environment names it. What goes through it is still checked
/// against the certificate of the server, so a proxy chosen by a promotion parameter can only make
/// us fail. Hosts whose certificate is not checked are reached without it.
#[derive(Debug, Clone, Default)]
pub struct Proxy {
    /// `HTTPS_PROXY`.
    pub https: Option<String>,
    /// `NO_PROXY`.
    pub exceptions: Option<String>,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    limit: usize,
}

impl Request {
    /// A request without headers or body; `limit` bytes of a good answer are read at the most.
    pub fn new(method: Method, url: Url, limit: usize) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            limit,
        }
    }

    /// Adds a header. A value that no header can hold is left out: the servers' answer then says
    /// what is missing.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// Adds credentials, which never travel on to another host.
    #[must_use]
    pub fn authorization(mut self, value: Option<&str>) -> Self {
        if let Some(Ok(mut value)) = value.map(HeaderValue::from_str) {
            value.set_sensitive(true);
            self.headers.insert(AUTHORIZATION, value);
        }
        self
    }

    /// Adds a body.
    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }
}

/// One answer, read to its end or to the limit.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; of an error at most its first 64 KiB.
    pub body: Vec<u8>,
    /// Where the answer came from, after redirects.
    pub url: Url,
}

impl Response {
    /// A header as text, if it is there once or more and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    /// The connection could not be made, broke, or the answer was no HTTP.
    Transport(String),
    /// The time for everything (`policy.timeout`) is over.
    Deadline,
    /// The answer is longer than it may be.
    TooLong(usize),
    /// The answer sends us where we do not go.
    Redirect(String),
    /// The client could not be set up.
    Setup(String),
}

impl HttpError {
    /// Whether running the step again may help.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Transport(_) | Self::Deadline)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(why) => f.write_str(why),
            Self::Deadline => f.write_str("the time for everything (`policy.timeout`) is over"),
            Self::TooLong(limit) => write!(f, "the answer is longer than {limit} bytes"),
            Self::Redirect(why) => write!(f, "the answer sends us on, and we do not follow: {why}"),
            Self::Setup(why) => write!(f, "the HTTP client could not be set up: {why}"),
        }
    }
}

impl std::error::Error for HttpError {}

/// The client of one run.
#[derive(Debug, Clone)]
pub struct Client {
    checked: reqwest::Client,
    unchecked: Option<reqwest::Client>,
    trust: Trust,
    deadline: Instant,
}

impl Client {
    /// Sets the client up. `timeout` bounds all requests of the run together.
    ///
    /// # Errors
    /// If the certificate authorities or the proxy's address cannot be used.
    pub fn new(trust: Trust, proxy: &Proxy, timeout: Duration) -> Result<Self, HttpError> {
        let builder = || {
            reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .http1_only()
                .connect_timeout(CONNECT)
                .read_timeout(SILENCE)
                .user_agent(concat!("drone-hotfix/", env!("CARGO_PKG_VERSION")))
        };
        let setup = |error: reqwest::Error| HttpError::Setup(describe(&error));
        let mut checked = builder().tls_backend_preconfigured(
            tls::checked(trust.ca.as_deref()).map_err(HttpError::Setup)?,
        );
        if let Some(address) = &proxy.https {
            let proxied = reqwest::Proxy::https(address).map_err(setup)?;
            let exceptions = proxy.exceptions.as_deref();
            checked =
                checked.proxy(proxied.no_proxy(exceptions.and_then(reqwest::NoProxy::from_string)));
        }
        let unchecked = if trust.skip_verify.is_empty() {
            None
        } else {
            let config = tls::unchecked().map_err(HttpError::Setup)?;
            Some(
                builder()
                    .tls_backend_preconfigured(config)
                    .build()
                    .map_err(setup)?,
            )
        };
        let checked = checked.build().map_err(setup)?;
        Ok(Self {
            checked,
            unchecked,
            trust,
            deadline: Instant::now() + timeout,
        })
    }

    /// Whom this client trusts.
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Sends a request and reads the answer. GET and HEAD follow redirects.
    ///
    /// # Errors
    /// If there is no whole answer in time. An answer with an error status is an answer.
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        match tokio::time::timeout_at(self.deadline, self.follow(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpError::Deadline),
        }
    }

    async fn follow(&self, mut request: Request) -> Result<Response, HttpError> {
        for _ in 0..=REDIRECTS {
            let response = self.once(&request).await?;
            let moves = matches!(response.status, 301 | 302 | 303 | 307 | 308);
            if !moves || !matches!(request.method, Method::GET | Method::HEAD) {
                return Ok(response);
            }
            let Some(location) = response.header(LOCATION.as_str()) else {
                return Ok(response);
            };
            let next = request
                .url
                .join(location)
                .map_err(|_| HttpError::Redirect("its `Location` is not an address".to_owned()))?;
            self.may_go(&request.url, &next)?;
            if redirect::origin(&request.url) != redirect::origin(&next) {
                request.headers.remove(AUTHORIZATION);
            }
            request.url = next;
        }
        Err(HttpError::Redirect(format!(
            "more than {REDIRECTS} redirects"
        )))
    }

    async fn once(&self, request: &Request) -> Result<Response, HttpError> {
        let host = host_and_port(&request.url);
        let client = match &self.unchecked {
            Some(unchecked) if self.trust.skips(&host) => unchecked,
            _ => &self.checked,
        };
        let transport = |error: reqwest::Error| HttpError::Transport(describe(&error));
        let mut builder = client
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone());
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        } else if request.method == Method::PUT || request.method == Method::POST {
            builder = builder.header(CONTENT_LENGTH, "0");
        }
        let mut answer = builder.send().await.map_err(transport)?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let failed = !(200..300).contains(&status);
        let limit = if failed { ERROR_BODY } else { request.limit };
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= limit => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(chunk)) if failed => {
                    body.extend_from_slice(&chunk[..limit - body.len()]);
                    break;
                }
                Ok(Some(_)) => return Err(HttpError::TooLong(limit)),
                Ok(None) => break,
                // The status says enough; a body that broke off only explained it.
                Err(_) if failed => break,
                Err(error) => return Err(transport(error)),
            }
        }
        Ok(Response {
            status,
            headers,
            body,
            url: request.url.clone(),
        })
    }
}

/// `host` or `host:port`, as `policy.tls` lists them.
pub fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// An error of the library with its causes, without the address (it may carry a signed query).
fn describe(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "no connection".to_owned()
    } else {
        "the connection broke or the answer was not HTTP".to_owned()
    };
    let mut cause = std::error::Error::source(error);
    let mut last = String::new();
    while let Some(inner) = cause {
        last = inner.to_string();
        cause = inner.source();
    }
    if !last.is_empty() {
        text.push_str(": ");
        text.push_str(&last);
    }
    text
}
