//! What is sent, what comes back, and why nothing came back.

use std::fmt;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    pub(super) limit: usize,
    pub(super) repeatable: bool,
}

impl Request {
    /// A request without headers or body; `limit` bytes of a good answer are read at the most.
    pub fn new(method: Method, url: Url, limit: usize) -> Self {
        let repeatable = matches!(method, Method::GET | Method::HEAD);
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            limit,
            repeatable,
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
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Says that it does no harm when the server gets it twice. GET and HEAD never do.
    #[must_use]
    pub const fn repeatable(mut self) -> Self {
        self.repeatable = true;
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
    /// How often the request was sent before this answer was taken for the last word.
    pub tries: u32,
    /// Whether the server wants to be left alone for longer than this run has time.
    pub too_late: bool,
}

impl Response {
    /// A header as text, if it is there once or more and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A good answer whose body is still to be read.
pub struct Download {
    pub(super) answer: reqwest::Response,
}

impl Download {
    /// Where the answer came from, after redirects.
    pub fn url(&self) -> &Url {
        self.answer.url()
    }

    /// A header as text, if it is there and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers().get(name)?.to_str().ok()
    }

    /// How long the body is, if the server says so.
    pub fn length(&self) -> Option<u64> {
        self.answer.content_length()
    }

    /// The body, to be sent on while it comes.
    pub fn into_body(self) -> reqwest::Body {
        self.answer.into()
    }
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    /// The connection could not be made, broke, or the answer was no HTTP.
    Transport(String),
    /// The server's certificate or its TLS is not what it should be.
    Untrusted(String),
    /// The time for everything (`policy.timeout`) is over; what went wrong before that.
    Deadline(Option<String>),
    /// The answer is longer than it may be.
    TooLong(usize),
    /// The answer sends us where we do not go.
    Redirect(String),
    /// What was to be sent could not be read.
    Source(String),
    /// The client could not be set up.
    Setup(String),
}

impl HttpError {
    /// Whether running the step again may help.
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Transport(_) | Self::Deadline(_) | Self::Source(_)
        )
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(why) | Self::Untrusted(why) | Self::Source(why) => f.write_str(why),
            Self::Deadline(before) => {
                f.write_str("the time for everything (`policy.timeout`) is over")?;
                match before {
                    Some(before) => write!(f, "; before that: {before}"),
                    None => Ok(()),
                }
            }
            Self::TooLong(limit) => write!(f, "the answer is longer than {limit} bytes"),
            Self::Redirect(why) => write!(f, "the answer sends us on, and we do not follow: {why}"),
            Self::Setup(why) => write!(f, "the HTTP client could not be set up: {why}"),
        }
    }
}

impl std::error::Error for HttpError {}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        let text = describe(&error);
        // rustls says `invalid peer certificate: …`, or that what came was no TLS at all.
        let untrusted = ["certificate", "InvalidContentType", "HandshakeFailure"];
        if untrusted.iter().any(|word| text.contains(word)) {
            Self::Untrusted(text)
        } else {
            Self::Transport(text)
        }
    }
}

/// An error of the library with its causes, without the address (it may carry a signed query).
pub(super) fn describe(error: &reqwest::Error) -> String {
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
