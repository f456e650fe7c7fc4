//! One question to the JSON API of a server that the policy names, and why there is no answer. Only
//! reads; nothing here knows what is asked.

mod limited;

use std::fmt;

use reqwest::header::ACCEPT;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::running::Unanswered;
use crate::http::{Client, HttpError, Request, Response, host_and_port};
use crate::policy::running::is_open;
use crate::secret::{self, Secret, shorten};
pub(super) use limited::Shown;

/// The longest part of a server's own message that is repeated.
const LONGEST_MESSAGE: usize = 200;

/// A server, and what it is shown.
pub(super) struct Endpoint {
    pub(super) client: Client,
    /// The address that everything is below.
    pub(super) base: Url,
    /// The credential, which goes to this host and no other.
    pub(super) token: Option<Secret>,
    /// What it is, for people: «a Kubernetes API».
    pub(super) what: &'static str,
    /// Where its address is written: `policy.drone`.
    pub(super) setting: String,
    /// The most bytes of one answer that are read.
    pub(super) limit: usize,
}

/// Why a server gave no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It would have to be asked over plain HTTP.
    Plain(String),
    /// There was no answer.
    Http(HttpError),
    /// The answer is an error.
    Status {
        status: u16,
        /// The server's own message, if it sent any in its own form.
        said: Option<String>,
        /// It takes no more requests for now; when it does again.
        again: Option<String>,
        tries: u32,
    },
    /// The answer is not what it should be; why.
    Garbled(String),
}

/// How both Kubernetes (`Status`) and Drone say what is wrong.
#[derive(Deserialize)]
struct Message {
    message: String,
}

impl Endpoint {
    /// Reads the JSON at a path below the base. Every part of the path is one name, whatever is in it.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Refusal> {
        Ok(self.page(path, query).await?.0)
    }

    /// As [`Self::get`], of a list that comes in pages.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<(T, Shown), Refusal> {
        if !is_open(&self.base, self.client.trust()) {
            return Err(Refusal::Plain(host_and_port(&self.base)));
        }
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => {
                segments.pop_if_empty().extend(path);
            }
            Err(()) => return Err(Refusal::Garbled("its address has no path".to_owned())),
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let bearer = self
            .token
            .as_ref()
            .map(|token| format!("Bearer {}", token.expose()));
        let request = Request::new(Method::GET, url.clone(), self.limit)
            .header(ACCEPT, "application/json")
            .authorization(bearer.as_deref());
        let answer = self.client.send(request).await.map_err(Refusal::Http)?;
        // What another server says, a login page for the most part, is not this one's word.
        let upgraded = url.scheme() == "http" && answer.url.scheme() == "https";
        let same_port = answer.url.port_or_known_default() == url.port_or_known_default();
        if answer.url.host_str() != url.host_str() || !(same_port || upgraded) {
            let why = format!("it sends us on to `{}`", host_and_port(&answer.url));
            return Err(Refusal::Garbled(why));
        }
        if answer.status != 200 {
            return Err(Refusal::of(&answer));
        }
        let read = serde_json::from_slice(&answer.body);
        let read = read.map_err(|error| Refusal::Garbled(not_json(&answer.body, &error)))?;
        Ok((read, Shown::of(&answer)))
    }

    /// Why there is no answer, with what to do. `about` knows what the statuses of this API mean.
    pub(super) fn explain(
        &self,
        refusal: &Refusal,
        about: impl FnOnce(u16, bool) -> String,
    ) -> Unanswered {
        let advice = match refusal {
            Refusal::Plain(host) => format!(
                "give the server TLS and an address with `https://`, or list `{host}` in \
                 `policy.tls.insecure`"
            ),
            Refusal::Http(error) => self.about_http(error),
            Refusal::Status {
                again: Some(again), ..
            } => format!("run the step again {again}: it takes no more requests until then"),
            Refusal::Status { status, said, .. } => match status {
                408 | 410 | 425 | 429 | 499..=599 => "run the step again in a minute".to_owned(),
                300..=399 => self.check_address(),
                status => about(*status, said.is_some()),
            },
            Refusal::Garbled(_) => self.check_address(),
        };
        Unanswered::new(refusal.to_string(), refusal.may_pass(), advice)
    }

    /// Advice where the server seems to be another than was meant.
    pub(super) fn check_address(&self) -> String {
        format!(
            "check that `{}` is the address of {}",
            self.setting, self.what
        )
    }

    fn about_http(&self, error: &HttpError) -> String {
        match error {
            HttpError::Untrusted(why) if why.contains("certificate") => {
                "give the certificate authority of this server as `policy.tls.ca`".to_owned()
            }
            HttpError::Transport(_) | HttpError::Untrusted(_) => format!(
                "check `{}`, and whether the runner can reach that host",
                self.setting
            ),
            HttpError::Deadline(_) => "run the step again, or raise `policy.timeout`".to_owned(),
            HttpError::TooLong(_)
            | HttpError::Redirect(_)
            | HttpError::Source(_)
            | HttpError::Setup(_) => self.check_address(),
        }
    }
}

impl Refusal {
    fn of(answer: &Response) -> Self {
        let said = serde_json::from_slice::<Message>(&answer.body).ok();
        let said = said.map(|said| shorten(said.message.trim(), LONGEST_MESSAGE));
        let said = said.filter(|said| !said.is_empty());
        Self::Status {
            status: answer.status,
            again: limited::limited(answer, said.as_deref()),
            said,
            tries: answer.tries,
        }
    }

    /// Whether running the step again may help.
    pub(super) const fn may_pass(&self) -> bool {
        match self {
            Self::Http(error) => error.may_pass(),
            Self::Status { again: Some(_), .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 410 | 425 | 429 | 499..=599),
            Self::Plain(_) | Self::Garbled(_) => false,
        }
    }

    /// The status, if the server answered with an error.
    pub(super) const fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(host) => write!(
                f,
                "it would be asked over plain HTTP, and `policy.tls.insecure` does not list `{host}`"
            ),
            Self::Http(error) => write!(f, "{error}"),
            Self::Status {
                status,
                said,
                again: _,
                tries,
            } => {
                write!(f, "it answered {status}")?;
                match said {
                    Some(said) => write!(f, ", {}", secret::said(said))?,
                    None => f.write_str(" without an explanation")?,
                }
                match tries {
                    0 | 1 => Ok(()),
                    tries => write!(f, ", {tries} times"),
                }
            }
            Self::Garbled(why) => f.write_str(why),
        }
    }
}

/// Why a good answer cannot be read.
fn not_json(body: &[u8], error: &serde_json::Error) -> String {
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
    match start {
        None => "it answered with nothing".to_owned(),
        Some(b'<') => "it answered with a web page, not with data".to_owned(),
        Some(_) if error.is_data() => {
            // The error repeats what stands in the answer.
            format!(
                "its answer has another form: {}",
                shorten(&error.to_string(), 120)
            )
        }
        Some(_) => "its answer is no whole JSON".to_owned(),
    }
}

/// A time as Kubernetes writes it (`metav1.Time`, always UTC), if it is one.
pub(super) fn utc(text: &str) -> Option<String> {
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = text.len() == shape.len()
        && text.bytes().zip(shape).all(|(found, wanted)| match wanted {
            b'd' => found.is_ascii_digit(),
            other => found == *other,
        });
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::utc_of_seconds;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (1, "1970-01-01T00:00:01Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_078_099_199, "2004-02-29T23:59:59Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc_of_seconds(seconds).as_deref(), Some(text));
            assert_eq!(utc(text).as_deref(), Some(text));
        }
        for seconds in [0, -1, i64::MIN, i64::MAX, 253_402_300_800] {
            assert_eq!(utc_of_seconds(seconds), None, "{seconds}");
        }
        for text in [
            "",
            "2025-12-31",
            "2025-12-31T23:59:59+01:00",
            "2025-12-31t23:59:59Z",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
    }
}
