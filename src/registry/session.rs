//! How the requests to one registry are authorised: one challenge, one token for all that is asked
//! for, renewed before it ends and once when a registry takes it no longer.

use reqwest::Url;
use reqwest::header::WWW_AUTHENTICATE;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::closed;
use super::credentials::Credentials;
use super::error::Cause;
use super::token::{Asking, Grant};
use crate::http::{Client, Download, Outgoing, Request, Response};
use crate::secret::Redactor;

/// What is known of authorisation by now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// No answer has been seen yet.
    Untried,
    /// The registry asks for nothing.
    Open,
    /// This was granted, in answer to this challenge.
    Granted {
        grant: Grant,
        challenge: String,
        from: Url,
    },
}

impl State {
    fn header(&self) -> Option<&str> {
        match self {
            Self::Granted { grant, .. } => Some(&grant.header),
            Self::Untried | Self::Open => None,
        }
    }

    fn ends(&self) -> bool {
        let Self::Granted { grant, .. } = self else {
            return false;
        };
        grant.until.is_some_and(|until| until <= Instant::now())
    }
}

/// One registry, and what we may do there.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    base: Url,
    credentials: Credentials,
    scopes: Vec<String>,
    redactor: Redactor,
    state: Mutex<State>,
}

impl Session {
    /// A session that asks for these scopes at once. Services exist that read only the first.
    pub fn new(
        client: Client,
        base: Url,
        credentials: Credentials,
        scopes: Vec<String>,
        redactor: Redactor,
    ) -> Self {
        Self {
            client,
            base,
            credentials,
            scopes,
            redactor,
            state: Mutex::new(State::Untried),
        }
    }

    /// A session of the same user with other scopes.
    pub fn with_scopes(&self, scopes: Vec<String>) -> Self {
        Self::new(
            self.client.clone(),
            self.base.clone(),
            self.credentials.clone(),
            scopes,
            self.redactor.clone(),
        )
    }

    /// How many scopes it asks for.
    pub const fn scopes(&self) -> usize {
        self.scopes.len()
    }

    /// The client.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The registry's address.
    pub const fn base(&self) -> &Url {
        &self.base
    }

    /// Sends a request with what we know of authorisation, and once more after a challenge.
    ///
    /// # Errors
    /// If there is no answer, or a challenge that cannot be met.
    pub async fn send(&self, make: impl Fn() -> Request) -> Result<Response, Cause> {
        let first = async |header: Option<String>| {
            let request = make().authorization(header.as_deref());
            self.client.send(request).await.map_err(Cause::Http)
        };
        let (answer, renewed) = self.challenged(first).await?;
        let Some(header) = renewed else {
            return Ok(answer);
        };
        let request = make().authorization(Some(&header));
        self.client.send(request).await.map_err(Cause::Http)
    }

    /// The same for an answer whose body is to be sent on while it comes.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub async fn open(
        &self,
        make: impl Fn() -> Request,
    ) -> Result<Result<Download, Response>, Cause> {
        let mut header = self.header().await?;
        for again in [true, false] {
            let request = make().authorization(header.as_deref());
            let answer = match self.client.open(request).await.map_err(Cause::Http)? {
                Ok(download) => return Ok(Ok(download)),
                Err(answer) => answer,
            };
            match self.renewed(&header, &answer).await? {
                Some(new) if again => header = Some(new),
                _ => return Ok(Err(answer)),
            }
        }
        Err(Cause::CredentialsWanted)
    }

    /// Sends a body that is made while it is sent. It cannot be sent twice from here: the answer
    /// to a challenge is kept for the next try, and `true` says that there is one.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub async fn upload(
        &self,
        request: Request,
        to: &Url,
        body: Outgoing,
    ) -> Result<(Response, bool), Cause> {
        let header = match self.is_ours(to) {
            true => self.header().await?,
            // The place of an upload may be another host, which knows us by its query alone.
            false => None,
        };
        let request = request.authorization(header.as_deref());
        let answer = self
            .client
            .upload(request, body)
            .await
            .map_err(Cause::Http)?;
        let renewed = self.renewed(&header, &answer).await?;
        Ok((answer, renewed.is_some()))
    }

    /// Whether an address belongs to the registry itself, so that it may get our credentials.
    pub fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// The value for `Authorization`, renewed if it ends.
    async fn header(&self) -> Result<Option<String>, Cause> {
        let mut state = self.state.lock().await;
        self.refreshed(&mut state).await?;
        Ok(state.header().map(str::to_owned))
    }

    async fn refreshed(&self, state: &mut State) -> Result<(), Cause> {
        if let State::Granted {
            challenge, from, ..
        } = &*state
            && state.ends()
        {
            *state = self.granted(challenge.clone(), from.clone()).await?;
        }
        Ok(())
    }

    async fn granted(&self, challenge: String, from: Url) -> Result<State, Cause> {
        let asking = Asking {
            client: &self.client,
            credentials: &self.credentials,
            scopes: &self.scopes,
            redactor: &self.redactor,
        };
        let grant = asking.answer(&from, &challenge).await?;
        Ok(State::Granted {
            grant,
            challenge,
            from,
        })
    }

    /// Meets the challenge of an answer. One that we have nothing for and that speaks of a limit is no
    /// question for credentials.
    async fn met(&self, challenge: String, answer: &Response) -> Result<State, Cause> {
        let granted = self.granted(challenge, answer.url.clone()).await;
        granted.map_err(|cause| match cause {
            Cause::CredentialsWanted if closed::is_limit(answer) => Cause::status(answer),
            cause => cause,
        })
    }

    /// Runs a first try, and returns its answer together with a new header if it was challenged.
    async fn challenged(
        &self,
        first: impl AsyncFnOnce(Option<String>) -> Result<Response, Cause>,
    ) -> Result<(Response, Option<String>), Cause> {
        let mut state = self.state.lock().await;
        self.refreshed(&mut state).await?;
        let header = state.header().map(str::to_owned);
        // With credentials at hand we expect to be asked for them: the first request goes alone, so
        // that one challenge and one token serve all the others. Without, nothing is waited for.
        if *state == State::Untried && self.credentials != Credentials::Anonymous {
            let answer = first(header).await?;
            let renewed = match self.challenge(&answer) {
                Some(challenge) => {
                    *state = self.met(challenge, &answer).await?;
                    state.header().map(str::to_owned)
                }
                None => {
                    *state = State::Open;
                    None
                }
            };
            return Ok((answer, renewed));
        }
        drop(state);
        let answer = first(header.clone()).await?;
        let renewed = self.renewed(&header, &answer).await?;
        Ok((answer, renewed))
    }

    /// The header to try again with, if this answer is a challenge; another request may have met
    /// the same one while this was on its way.
    async fn renewed(
        &self,
        used: &Option<String>,
        answer: &Response,
    ) -> Result<Option<String>, Cause> {
        let mut state = self.state.lock().await;
        let Some(challenge) = self.challenge(answer) else {
            if *state == State::Untried {
                *state = State::Open;
            }
            return Ok(None);
        };
        let met = matches!(&*state, State::Granted { .. }) && state.header() != used.as_deref();
        if !met {
            *state = self.met(challenge, answer).await?;
        }
        // What was refused a moment ago is refused again, and registries lock accounts for that.
        let new = state.header().filter(|new| Some(*new) != used.as_deref());
        Ok(new.map(str::to_owned))
    }

    /// The challenges of an answer, if it is one of the registry's own: a redirect may have led to
    /// another host, and that one gets nothing of us.
    fn challenge(&self, answer: &Response) -> Option<String> {
        let values = answer.headers.get_all(WWW_AUTHENTICATE).iter();
        let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        (answer.status == 401 && !values.is_empty() && self.is_ours(&answer.url))
            .then(|| values.join(", "))
    }
}
