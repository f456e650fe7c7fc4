//! The registry client: manifests and tags of one repository (OCI distribution spec 1.1).
//!
//! It keeps the bytes of a manifest as they are and asks for credentials once. It knows nothing of
//! hotfixes.

pub mod auth;
pub mod credentials;
pub mod error;
mod exact;
mod link;
pub mod local;
pub mod manifest;
pub mod reference;

use std::collections::HashSet;

use reqwest::header::{ACCEPT, CONTENT_TYPE, LINK, WWW_AUTHENTICATE};
use reqwest::{Method, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::http::{Client, Request, Response};
use crate::secret::Redactor;
use credentials::Credentials;
use error::{Cause, RegistryError};
use manifest::Manifest;
use reference::{Digest, Repository};

/// The longest page of a tag list: distribution 2.8 ignores `n` and sends everything at once.
const TAG_PAGE: usize = 32 * 1024 * 1024;
/// The most tags and pages that we follow.
const MOST_TAGS: usize = 200_000;
const MOST_PAGES: usize = 2_000;
/// Tags per page. ECR fails above 1,000 (google/go-containerregistry#1091).
const PER_PAGE: usize = 1_000;
/// The header with the digest of a manifest.
const DIGEST: &str = "docker-content-digest";

/// What we want to do in a repository; asked for in one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Pull,
    /// Read and write.
    PullAndPush,
}

/// How requests to this registry are authorised by now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Session {
    /// No answer has been seen yet.
    Untried,
    /// With this header, or without one.
    Known(Option<String>),
}

/// A tag or a digest within a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A tag.
    Tag(String),
    /// A digest.
    Digest(Digest),
}

impl Target {
    /// The tag or digest as text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag,
            Self::Digest(digest) => digest.as_str(),
        }
    }

    /// The whole reference in a repository.
    pub fn within(&self, repository: &Repository) -> String {
        match self {
            Self::Tag(tag) => format!("{repository}:{tag}"),
            Self::Digest(digest) => format!("{repository}@{digest}"),
        }
    }
}

/// One repository of a registry.
#[derive(Debug)]
pub struct Registry {
    client: Client,
    base: Url,
    repository: Repository,
    credentials: Credentials,
    scope: String,
    redactor: Redactor,
    session: Mutex<Session>,
}

impl Registry {
    /// A client for one repository.
    ///
    /// # Errors
    /// If the host of the repository cannot stand in an address.
    pub fn new(
        client: Client,
        repository: Repository,
        credentials: Credentials,
        access: Access,
        redactor: Redactor,
    ) -> Result<Self, RegistryError> {
        let secure = !client.trust().is_insecure(repository.host());
        let scheme = if secure { "https" } else { "http" };
        let base =
            Url::parse(&format!("{scheme}://{}/", repository.api_host())).map_err(|error| {
                RegistryError {
                    operation: "using",
                    reference: repository.to_string(),
                    cause: Cause::Answer(format!("its host cannot stand in an address: {error}")),
                }
            })?;
        let actions = match access {
            Access::Pull => "pull",
            Access::PullAndPush => "pull,push",
        };
        let scope = format!("repository:{}:{actions}", repository.path());
        let session = Mutex::new(Session::Untried);
        Ok(Self {
            client,
            base,
            repository,
            credentials,
            scope,
            redactor,
            session,
        })
    }

    /// The repository.
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Reads a manifest or index, with its bytes as they are.
    ///
    /// # Errors
    /// If it is not there or not what it should be.
    pub async fn manifest(&self, target: &Target) -> Result<Manifest, RegistryError> {
        let answer = self.expect("reading", Method::GET, target, 200).await?;
        let asked = match target {
            Target::Digest(digest) => Some(digest),
            Target::Tag(_) => None,
        };
        let (kind, said) = (answer.header("content-type"), answer.header(DIGEST));
        let (kind, said) = (kind.unwrap_or_default().to_owned(), said.map(str::to_owned));
        Manifest::check(&kind, answer.body, asked, said.as_deref())
            .map_err(|why| self.error("reading", target, Cause::Answer(why)))
    }

    /// Reads a manifest or index; `None` if there is none of that name.
    ///
    /// # Errors
    /// If the registry does not say, or the answer is not what it should be.
    pub async fn find(&self, target: &Target) -> Result<Option<Manifest>, RegistryError> {
        match self.manifest(target).await {
            Ok(manifest) => Ok(Some(manifest)),
            Err(RegistryError {
                cause: Cause::Status { status: 404, .. },
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The digest that a tag has now; `None` if there is no such tag.
    ///
    /// # Errors
    /// If the registry does not say.
    pub async fn digest(&self, target: &Target) -> Result<Option<Digest>, RegistryError> {
        let answer = self.call("asking for", Method::HEAD, target, None).await?;
        match answer.status {
            200 => match answer.header(DIGEST).and_then(Digest::parse) {
                Some(digest) => Ok(Some(digest)),
                // A registry may leave the header out; the bytes never lie.
                None => Ok(Some(self.manifest(target).await?.digest)),
            },
            404 => Ok(None),
            // The answer to a HEAD has no body; only a GET can say why, and some do not take HEAD.
            _ => Ok(self.find(target).await?.map(|manifest| manifest.digest)),
        }
    }

    /// Puts a manifest under a tag, byte for byte.
    ///
    /// # Errors
    /// If the registry does not take it.
    pub async fn put(&self, tag: &Target, manifest: &Manifest) -> Result<(), RegistryError> {
        let answer = self
            .call("writing", Method::PUT, tag, Some(manifest))
            .await?;
        if !matches!(answer.status, 200..=202) {
            return Err(self.status("writing", tag, &answer));
        }
        match answer.header(DIGEST) {
            Some(said) if !Digest::parse(said).is_some_and(|d| d.matches(&manifest.bytes)) => {
                let why = format!(
                    "the registry stored digest `{said}`, not {}",
                    manifest.digest
                );
                Err(self.error("writing", tag, Cause::Answer(why)))
            }
            _ => Ok(()),
        }
    }

    /// Every tag of the repository.
    ///
    /// # Errors
    /// If the list cannot be had in whole: a part of it would be a wrong answer.
    pub async fn tags(&self) -> Result<Vec<String>, RegistryError> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let operation = "listing the tags of";
        let failed = |cause| RegistryError {
            operation,
            reference: self.repository.to_string(),
            cause,
        };
        let mut url = self.url(&["tags", "list"]);
        url.query_pairs_mut()
            .append_pair("n", &PER_PAGE.to_string());
        let first = url.clone();
        let mut tags: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        for _ in 0..MOST_PAGES {
            let make = || Request::new(Method::GET, url.clone(), TAG_PAGE);
            let answer = self.authorised(make).await.map_err(failed)?;
            if answer.status != 200 {
                let said = RegistryError::said(&answer.body);
                return Err(failed(Cause::Status {
                    status: answer.status,
                    said,
                }));
            }
            let page: Page = serde_json::from_slice(&answer.body).map_err(|_| {
                failed(Cause::Answer("the answer is not a list of tags".to_owned()))
            })?;
            let page = page.tags.unwrap_or_default();
            let (full, last) = (page.len() == PER_PAGE, page.last().cloned());
            let before = tags.len();
            tags.extend(page.into_iter().filter(|tag| seen.insert(tag.clone())));
            if tags.len() > MOST_TAGS {
                break;
            }
            let links = answer.headers.get_all(LINK).iter();
            let links = links.map(|link| link.to_str().unwrap_or("not text"));
            let next = link::next_page(links).map_err(|()| {
                failed(Cause::Answer(
                    "the list goes on in a way that cannot be read".to_owned(),
                ))
            })?;
            let Some(next) = next else {
                // A page of exactly as many tags as were asked for may have been cut there without
                // a word: ask for what comes after it, until nothing new comes.
                let (true, Some(last), true) = (full, last, tags.len() > before) else {
                    return Ok(tags);
                };
                url = first.clone();
                url.query_pairs_mut().append_pair("last", &last);
                continue;
            };
            let next = url
                .join(&next)
                .ok()
                .filter(|next| next.origin() == first.origin());
            url = next.ok_or_else(|| {
                failed(Cause::Answer("its next page is on another host".to_owned()))
            })?;
        }
        let why = format!("there are more than {MOST_TAGS} tags or {MOST_PAGES} pages");
        Err(failed(Cause::Answer(why)))
    }

    async fn expect(
        &self,
        operation: &'static str,
        method: Method,
        target: &Target,
        status: u16,
    ) -> Result<Response, RegistryError> {
        let answer = self.call(operation, method, target, None).await?;
        if answer.status == status {
            Ok(answer)
        } else {
            Err(self.status(operation, target, &answer))
        }
    }

    async fn call(
        &self,
        operation: &'static str,
        method: Method,
        target: &Target,
        manifest: Option<&Manifest>,
    ) -> Result<Response, RegistryError> {
        let make = || {
            let url = self.url(&["manifests", target.as_str()]);
            let request = Request::new(method.clone(), url, manifest::LARGEST);
            match manifest {
                Some(m) => request
                    .header(CONTENT_TYPE, &m.media_type)
                    .body(m.bytes.clone()),
                None => request.header(ACCEPT, manifest::ACCEPT),
            }
        };
        self.authorised(make)
            .await
            .map_err(|cause| self.error(operation, target, cause))
    }

    /// Sends a request with what we know of authorisation, and once more after a challenge.
    async fn authorised(&self, make: impl Fn() -> Request) -> Result<Response, Cause> {
        let session = self.session.lock().await;
        let header = match &*session {
            Session::Known(header) => header.clone(),
            Session::Untried => None,
        };
        // With credentials at hand we expect to be asked for them: the first request goes alone, so
        // that one challenge and one token serve all the others. Without, nothing is waited for.
        let first = *session == Session::Untried && self.credentials != Credentials::Anonymous;
        let alone = first.then_some(session);
        let answer = self
            .client
            .send(make().authorization(header.as_deref()))
            .await
            .map_err(Cause::Http)?;
        let challenge = all_challenges(&answer);
        // A redirect may have led to another host, and that one gets nothing of us.
        let ours = answer.url.origin() == self.base.origin();
        if answer.status != 401 || challenge.is_empty() || !ours {
            if let Some(mut session) = alone {
                *session = Session::Known(None);
            }
            return Ok(answer);
        }
        let mut session = match alone {
            Some(session) => session,
            None => self.session.lock().await,
        };
        // Another request may have answered the same challenge while this one was on its way.
        let renewed = matches!(&*session, Session::Known(known) if *known != header);
        if !renewed {
            let new = auth::answer(
                &self.client,
                &answer.url,
                &challenge,
                &self.credentials,
                &self.scope,
                &self.redactor,
            );
            *session = Session::Known(Some(new.await?));
        }
        let Session::Known(header) = session.clone() else {
            return Ok(answer);
        };
        drop(session);
        self.client
            .send(make().authorization(header.as_deref()))
            .await
            .map_err(Cause::Http)
    }

    fn url(&self, rest: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!(
            "/v2/{}/{}",
            self.repository.path(),
            rest.join("/")
        ));
        url
    }

    fn error(&self, operation: &'static str, target: &Target, cause: Cause) -> RegistryError {
        RegistryError {
            operation,
            reference: target.within(&self.repository),
            cause,
        }
    }

    fn status(&self, operation: &'static str, target: &Target, answer: &Response) -> RegistryError {
        let said = RegistryError::said(&answer.body);
        self.error(
            operation,
            target,
            Cause::Status {
                status: answer.status,
                said,
            },
        )
    }
}

/// Every challenge of an answer: a server may send several headers.
fn all_challenges(answer: &Response) -> String {
    let values = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(", ")
}
