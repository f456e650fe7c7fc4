//! The one HTTP client: whom we trust, through which proxy, until when, how much we read.
//!
//! Nothing here knows what a registry is. Redirects are followed by us, not by the library, so that
//! credentials never travel on to another host and an answer can never send us from TLS to plain
//! HTTP or from a public host into the network of the runner.

mod message;
mod outgoing;
mod redirect;
mod retry;
mod tls;
mod trust;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, LOCATION};
use reqwest::{Method, Url};
use tokio::time::{Instant, timeout_at};

use message::describe;
pub use message::{Download, HttpError, Request, Response};
pub use outgoing::{Meter, Outgoing, Pieces, Trouble};
use retry::Pauses;
pub use retry::backoff;
pub use tls::parse_ca;
pub use trust::{Proxy, Trust};

/// The longest body of an answer that says something went wrong; the rest is not read.
const ERROR_BODY: usize = 64 * 1024;
/// How many redirects one request may follow.
const REDIRECTS: usize = 5;
const CONNECT: Duration = Duration::from_secs(10);
/// The longest silence before or in the middle of an answer, and of what we send.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest time for reading the body of an error.
const ERROR_TIME: Duration = Duration::from_secs(5);

/// The client of one run.
#[derive(Debug, Clone)]
pub struct Client {
    checked: reqwest::Client,
    unchecked: Option<reqwest::Client>,
    trust: Trust,
    deadline: Instant,
    silence: Duration,
    pauses: Pauses,
}

impl Client {
    /// Sets the client up. `timeout` bounds all requests of the run together.
    ///
    /// # Errors
    /// If the certificate authorities or the proxy's address cannot be used.
    pub fn new(trust: Trust, proxy: &Proxy, timeout: Duration) -> Result<Self, HttpError> {
        // A short time for everything leaves no room for long patience with one silent server.
        let silence = (timeout / 10).clamp(Duration::from_millis(100), SILENCE);
        let builder = || {
            reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .http1_only()
                .connect_timeout(silence.min(CONNECT))
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
            silence,
            pauses: Pauses::default(),
        })
    }

    /// The same client with a time of its own for what is sent by it, from now on.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        Self {
            deadline: Instant::now() + time,
            silence: time,
            ..self.clone()
        }
    }

    /// How TLS is spoken to a host (`host:port`), where it is not HTTP that is spoken over it.
    ///
    /// # Errors
    /// If the certificate authorities cannot be used.
    pub fn tls(&self, host: &str) -> Result<rustls::ClientConfig, HttpError> {
        if self.trust.skips(host) {
            tls::unchecked().map_err(HttpError::Setup)
        } else {
            tls::checked(self.trust.ca.as_deref()).map_err(HttpError::Setup)
        }
    }

    /// Waits for something, but not beyond the time for everything.
    ///
    /// # Errors
    /// If the time is over.
    pub async fn in_the_end<T>(&self, work: impl Future<Output = T>) -> Result<T, HttpError> {
        let done = timeout_at(self.deadline, work).await;
        done.map_err(|_| HttpError::Deadline(None))
    }

    /// Waits for the next piece of something, which must come before long.
    ///
    /// # Errors
    /// If it does not.
    pub async fn before_long<T>(&self, piece: impl Future<Output = T>) -> Result<T, HttpError> {
        let piece = self
            .in_the_end(tokio::time::timeout(self.silence, piece))
            .await?;
        piece.map_err(|_| {
            HttpError::Transport("nothing came any more from where the image lies".to_owned())
        })
    }

    /// How long a server may be silent.
    pub const fn silence(&self) -> Duration {
        self.silence
    }

    /// Whom this client trusts.
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Sends a request and reads the answer. GET and HEAD follow redirects. What passes (a broken
    /// connection, 429, 5xx) is tried again if the request may be repeated.
    ///
    /// # Errors
    /// If there is no whole answer in time. An answer with an error status is an answer.
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let limit = request.limit;
        self.patiently(&request, async |request| {
            let (answer, url) = self.follow(request.clone(), None).await?;
            self.read(answer, url, limit).await
        })
        .await
    }

    /// Sends a request and hands over the body of a good answer unread.
    ///
    /// # Errors
    /// As [`Client::send`]; the answer itself, read, if its status is none of 2xx.
    pub async fn open(&self, request: Request) -> Result<Result<Download, Response>, HttpError> {
        let mut download = None;
        let answer = self
            .patiently(&request, async |request| {
                let (answer, url) = self.follow(request.clone(), None).await?;
                if answer.status().is_success() {
                    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
                    download = Some(Download { answer });
                    return Ok(Response {
                        status,
                        headers,
                        body: Vec::new(),
                        url,
                        tries: 1,
                        too_late: false,
                    });
                }
                self.read(answer, url, ERROR_BODY).await
            })
            .await?;
        Ok(download.ok_or(answer))
    }

    /// Sends a request with a body that is made while it is sent: once, because it cannot be made
    /// again here. Redirects are not followed.
    ///
    /// # Errors
    /// If the body could not be read or sent to its end, or there is no whole answer.
    pub async fn upload(&self, request: Request, body: Outgoing) -> Result<Response, HttpError> {
        let (meter, trouble) = (body.meter(), body.trouble());
        let (limit, host) = (request.limit, host_and_port(&request.url));
        let paused = timeout_at(self.deadline, self.pauses.wait_for(&host));
        paused.await.map_err(|_| HttpError::Deadline(None))?;
        let sent = async {
            let (answer, url) = self.follow(request, Some(body)).await?;
            self.read(answer, url, limit).await
        };
        let answer = timeout_at(self.deadline, meter.until_silent(self.silence, sent));
        let mut result = match answer.await {
            Ok(Some(answer)) => answer,
            Ok(None) => Err(HttpError::Transport(
                "nothing moved any more in the middle of sending".to_owned(),
            )),
            Err(_) => Err(HttpError::Deadline(None)),
        };
        let wait = retry::wait(&result, 1);
        if let Ok(answer) = &mut result
            && let Some(wait) = wait
            && retry::is_for_all(answer)
        {
            if self.has_time(wait) {
                self.pauses.pause(&host, wait);
            } else {
                answer.too_late = true;
            }
        }
        // The library only says that the body failed; the body knows why.
        result.map_err(|error| trouble.take().map_or(error, HttpError::Source))
    }

    /// Runs a request until it has an answer that counts.
    async fn patiently(
        &self,
        request: &Request,
        mut attempt: impl AsyncFnMut(&Request) -> Result<Response, HttpError>,
    ) -> Result<Response, HttpError> {
        let host = host_and_port(&request.url);
        let mut before = None;
        let mut tries = 0;
        loop {
            let patient = async {
                self.pauses.wait_for(&host).await;
                attempt(request).await
            };
            let outcome = match timeout_at(self.deadline, patient).await {
                Ok(outcome) => outcome,
                Err(_) => return Err(HttpError::Deadline(before)),
            };
            tries += 1;
            let wait = retry::wait(&outcome, tries)
                .filter(|_| request.repeatable || retry::was_not_processed(&outcome));
            // A server that wants more time than there is has said its last word for this run.
            let too_late = wait.is_some_and(|wait| !self.has_time(wait));
            let outcome = outcome.map(|answer| Response {
                tries,
                too_late,
                ..answer
            });
            let Some(wait) = wait.filter(|_| !too_late) else {
                return outcome;
            };
            before = Some(match &outcome {
                Ok(answer) => format!("the server answered {}", answer.status),
                Err(error) => error.to_string(),
            });
            if matches!(&outcome, Ok(answer) if retry::is_for_all(answer)) {
                self.pauses.pause(&host, wait);
            } else {
                tokio::time::sleep(wait).await;
            }
        }
    }

    fn has_time(&self, wait: Duration) -> bool {
        Instant::now() + wait < self.deadline
    }

    async fn follow(
        &self,
        mut request: Request,
        mut body: Option<Outgoing>,
    ) -> Result<(reqwest::Response, Url), HttpError> {
        for _ in 0..=REDIRECTS {
            let answer = self.once(&request, body.take()).await?;
            let moves = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            let location = answer.headers().get(LOCATION);
            let location = location.and_then(|value| value.to_str().ok());
            let Some(location) =
                location.filter(|_| moves && matches!(request.method, Method::GET | Method::HEAD))
            else {
                return Ok((answer, request.url));
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

    /// Sends a request and waits for the head of its answer.
    async fn once(
        &self,
        request: &Request,
        body: Option<Outgoing>,
    ) -> Result<reqwest::Response, HttpError> {
        let host = host_and_port(&request.url);
        let client = match &self.unchecked {
            Some(unchecked) if self.trust.skips(&host) => unchecked,
            _ => &self.checked,
        };
        let mut builder = client
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone());
        let streams = body.is_some();
        if let Some(body) = body {
            builder = builder.body(reqwest::Body::wrap(body));
        } else if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        } else if matches!(request.method, Method::PUT | Method::POST) {
            builder = builder.header(CONTENT_LENGTH, "0");
        }
        // A body that is being sent has a watch of its own: `Meter::until_silent`.
        if streams {
            return builder.send().await.map_err(HttpError::from);
        }
        self.in_time(builder.send()).await
    }

    /// Reads an answer to its end, or to the limit.
    async fn read(
        &self,
        mut answer: reqwest::Response,
        url: Url,
        limit: usize,
    ) -> Result<Response, HttpError> {
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let failed = !(200..300).contains(&status);
        let limit = if failed { ERROR_BODY } else { limit };
        let mut body = Vec::new();
        let until = Instant::now() + ERROR_TIME;
        loop {
            let chunk = self.in_time(answer.chunk());
            let chunk = if failed {
                // The status says enough; a body that trickles only explains it.
                timeout_at(until, chunk).await.unwrap_or(Ok(None))
            } else {
                chunk.await
            };
            match chunk {
                Ok(Some(chunk)) if body.len() + chunk.len() <= limit => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(chunk)) if failed => {
                    body.extend_from_slice(&chunk[..limit - body.len()]);
                    break;
                }
                Ok(Some(_)) => return Err(HttpError::TooLong(limit)),
                Ok(None) => break,
                Err(_) if failed => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Response {
            status,
            headers,
            body,
            url,
            tries: 1,
            too_late: false,
        })
    }

    /// Waits for a server that must say something before long.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, reqwest::Error>>,
    ) -> Result<T, HttpError> {
        match tokio::time::timeout(self.silence, answer).await {
            Ok(answer) => answer.map_err(HttpError::from),
            Err(_) => Err(HttpError::Transport(format!(
                "no answer within {} seconds",
                self.silence.as_secs_f32()
            ))),
        }
    }
}

/// `host` or `host:port`, as `policy.tls` lists them.
pub fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
