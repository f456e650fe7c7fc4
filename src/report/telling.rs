//! Telling people and machines of a report: mail, webhooks, the audit, the comment with the deployment
//! ticket. All of it comes after the verdict, has a time of its own, and can change neither the verdict
//! nor the exit code: what fails is a note.

pub mod comment;
mod record;
mod smtp;

use std::fmt;
use std::time::Duration;

use futures_util::future;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Url};
use tokio::time::timeout;

use super::message::Message;
use super::{Report, json};
use crate::http::{Client, HttpError, Request};
use crate::policy::notify::{Address, Form, Receiver, Smtp, Way};
use crate::policy::running::is_open;
use crate::secret::{self, Redactor, Secret, shorten};
use crate::settings::{SecretState, Settings};

/// The time for all that is told, after everything else: a server that hangs must not hold the step.
pub const LONGEST: Duration = Duration::from_secs(10);
/// The most bytes of an answer that are read; none of them is needed.
const ANSWER: usize = 64 * 1024;
/// The most characters of what a server said that are repeated.
const SAID: usize = 200;

/// What a report is told with.
#[derive(Clone, Copy)]
pub struct Teller<'a> {
    /// The client, with its time.
    pub client: &'a Client,
    /// The secrets of the receivers.
    pub settings: &'a Settings,
    /// What is masked.
    pub redactor: &'a Redactor,
    /// The time for each thing that is told; all are told at once.
    pub time: Duration,
}

/// Why something was not told.
#[derive(Debug, PartialEq, Eq)]
pub struct Untold(String);

impl Untold {
    /// Why, as the end of a sentence.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<HttpError> for Untold {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Deadline(before) => {
                let before = before.map(|before| format!(" (before that: {before})"));
                Self(format!(
                    "there was no time left{}",
                    before.unwrap_or_default()
                ))
            }
            error => Self(error.to_string()),
        }
    }
}

/// Tells every receiver of what it wants to be told. What could not be told is said in words that begin
/// with the key of the policy.
pub async fn tell(
    teller: Teller<'_>,
    receivers: &[Receiver],
    smtp: Option<&Smtp>,
    report: &Report,
) -> Vec<String> {
    let Some(message) = Message::of(report, teller.redactor) else {
        return Vec::new();
    };
    let due = receivers.iter().enumerate();
    let due = due.filter(|(_, receiver)| receiver.on.contains(&message.occasion));
    let told = due.map(async |(i, receiver)| {
        let sent = teller
            .in_time(teller.send(receiver, smtp, &message, report))
            .await;
        sent.err()
            .map(|why| format!("`policy.notify[{i}]` was not told: {why}"))
    });
    let told = future::join_all(told).await;
    told.into_iter().flatten().collect()
}

/// Posts the summary to the address of `policy.audit`. It may arrive twice: a record that is missing is
/// worse, and two of one build are the same.
pub async fn audit(teller: Teller<'_>, to: &Url, report: &Report) -> Option<String> {
    let bearer = match &teller.settings.audit_token {
        SecretState::Set(token) => Ok(Some(format!("Bearer {}", token.expose()))),
        SecretState::Absent => Ok(None),
        SecretState::Empty => Err(empty("audit_token")),
    };
    let sent = async {
        let bearer = bearer?;
        let text = json::summary(report, teller.redactor);
        let request = posted(to.clone(), text)
            .authorization(bearer.as_deref())
            .repeatable();
        teller.post(request).await
    };
    let sent = teller.in_time(sent).await;
    sent.err()
        .map(|why| format!("`policy.audit` was not told: {why}"))
}

impl Teller<'_> {
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Untold>>) -> Result<T, Untold> {
        let done = timeout(self.time, work).await;
        done.unwrap_or_else(|_| {
            let seconds = self.time.as_secs();
            Err(Untold(format!("it took longer than {seconds} seconds")))
        })
    }

    async fn send(
        &self,
        receiver: &Receiver,
        smtp: Option<&Smtp>,
        message: &Message,
        report: &Report,
    ) -> Result<(), Untold> {
        match (&receiver.way, smtp) {
            (Way::Webhook(address, form), _) => {
                let url = self.webhook(address)?;
                let body = match form {
                    Form::Json => message.json(report, self.redactor),
                    Form::Slack => message.slack(),
                };
                self.post(posted(url, body)).await
            }
            (Way::Mail(to), Some(smtp)) => {
                let account = self.account()?;
                smtp::send(self.client, smtp, account, to, message).await
            }
            (Way::Mail(_), None) => Err(Untold::new("`policy.smtp` names no mail server")),
        }
    }

    /// Posts once. A server may have taken a message and failed in its answer, and people need it once:
    /// only where it says itself that it did nothing (429) is the request sent again. A redirect is not
    /// followed: what is posted is meant for this host.
    async fn post(&self, request: Request) -> Result<(), Untold> {
        let answer = self.client.send(request).await?;
        match answer.status {
            200..=299 => Ok(()),
            300..=399 => Err(Untold(format!(
                "the server answered {}, and what is posted follows no redirect",
                answer.status
            ))),
            status => {
                let later = if answer.too_late {
                    ", and wants to be left alone for longer than there is time"
                } else {
                    ""
                };
                let said = String::from_utf8_lossy(&answer.body);
                let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
                let said = match said.starts_with(['<', '{']) || said.is_empty() {
                    true => String::new(),
                    false => format!(": «{}»", secret::said(&shorten(&said, SAID))),
                };
                Err(Untold(format!("the server answered {status}{later}{said}")))
            }
        }
    }

    /// The whole address of a webhook.
    fn webhook(&self, address: &Address) -> Result<Url, Untold> {
        let start = match address {
            Address::Whole(url) => return Ok(url.clone()),
            Address::Begins(start) => start,
        };
        let all = match &self.settings.webhook_url {
            SecretState::Set(all) => all,
            SecretState::Empty => return Err(empty("webhook_url")),
            SecretState::Absent => {
                return Err(Untold::new(
                    "its address ends with `*`, and the setting `webhook_url`, which has the whole, is missing",
                ));
            }
        };
        let fits = all.expose().split_whitespace().filter_map(|text| {
            let url = Url::parse(text).ok()?;
            self.completes(&url, start).then_some(url)
        });
        match fits.collect::<Vec<_>>().as_slice() {
            [url] => Ok(url.clone()),
            [] => Err(Untold(format!(
                "no address in the setting `webhook_url` begins with `{start}`"
            ))),
            more => Err(Untold(format!(
                "{} addresses in the setting `webhook_url` begin with `{start}`; name more of its path",
                more.len()
            ))),
        }
    }

    /// Whether an address is one that the policy begins: the same host, and below the same path.
    fn completes(&self, url: &Url, start: &Url) -> bool {
        url.origin() == start.origin()
            && url.scheme() == start.scheme()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path().len() > start.path().len()
            && url.path().starts_with(start.path())
            && is_open(url, self.client.trust())
    }

    fn account(&self) -> Result<Option<(&Secret, &Secret)>, Untold> {
        let settings = self.settings;
        match (&settings.smtp_username, &settings.smtp_password) {
            (SecretState::Set(name), SecretState::Set(password)) => Ok(Some((name, password))),
            (SecretState::Absent, SecretState::Absent) => Ok(None),
            (SecretState::Empty, _) => Err(empty("smtp_username")),
            (_, SecretState::Empty) => Err(empty("smtp_password")),
            _ => Err(Untold::new(
                "`smtp_username` and `smtp_password` belong together, and one is missing",
            )),
        }
    }
}

fn posted(url: Url, json: String) -> Request {
    Request::new(Method::POST, url, ANSWER)
        .header(CONTENT_TYPE, "application/json")
        .body(json)
}

fn empty(setting: &str) -> Untold {
    Untold(format!("the setting `{setting}` is there and empty"))
}
