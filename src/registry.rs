//! The registry client: manifests and blobs of one repository (OCI distribution spec 1.1).
//!
//! It keeps the bytes of a manifest as they are and asks for credentials once. It knows nothing of
//! hotfixes.

pub mod advice;
pub mod auth;
mod closed;
pub mod compress;
pub mod credentials;
pub mod error;
pub mod exact;
pub mod known;
mod link;
pub mod local;
pub mod manifest;
pub mod mark;
pub mod pieces;
pub mod reference;
pub mod referrers;
mod session;
mod tags;
mod token;
pub mod transfer;
mod upload;

use std::sync::Arc;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Url};

use crate::http::{Client, Download, Request, Response};
use crate::secret::Redactor;
use credentials::Credentials;
use error::{Cause, RegistryError};
use manifest::{Descriptor, Manifest};
use reference::{Digest, Repository};
use session::Session;

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
#[derive(Debug, Clone)]
pub struct Registry {
    repository: Repository,
    session: Arc<Session>,
}

impl Registry {
    /// A client for one repository. `also` are repositories of the same registry that blobs may be
    /// mounted from: a mount needs both scopes in one token, the destination's first (services exist
    /// that read only that one; go-containerregistry `write.go`).
    ///
    /// # Errors
    /// If the host of the repository cannot stand in an address.
    pub fn new(
        client: Client,
        repository: Repository,
        credentials: Credentials,
        access: Access,
        also: Option<&Repository>,
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
        let mut scopes = vec![scope(&repository, access)];
        scopes.extend(also.map(|other| scope(other, Access::Pull)));
        let session = Session::new(client, base, credentials, scopes, redactor);
        Ok(Self {
            repository,
            session: Arc::new(session),
        })
    }

    /// The repository.
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Waits for some work with it, but not beyond the time for everything.
    ///
    /// # Errors
    /// Those of the work, or that the time is over.
    pub async fn in_the_end<T>(
        &self,
        work: impl Future<Output = Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        let done = self.session.client().in_the_end(work).await;
        done.unwrap_or_else(|error| {
            Err(RegistryError {
                operation: "sending the image to",
                reference: self.repository.to_string(),
                cause: Cause::Http(error),
            })
        })
    }

    /// How long its server may be silent before it is given up.
    pub fn silence(&self) -> std::time::Duration {
        self.session.client().silence()
    }

    /// Another repository of the same registry, with the same token.
    pub fn beside(&self, repository: Repository) -> Self {
        Self {
            repository,
            session: Arc::clone(&self.session),
        }
    }

    /// The same repository with a token of its own, to read: for services that grant only one
    /// repository at a time.
    pub fn alone(&self) -> Self {
        let scopes = vec![scope(&self.repository, Access::Pull)];
        Self {
            repository: self.repository.clone(),
            session: Arc::new(self.session.with_scopes(scopes)),
        }
    }

    /// Whether its token is one for several repositories.
    pub fn is_shared(&self) -> bool {
        self.session.scopes() > 1
    }

    /// Whether a blob of that repository can be mounted here.
    pub fn shares_blobs_with(&self, other: &Self) -> bool {
        self.session.base() == other.session.base()
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

    /// Puts a manifest under a tag or its digest, byte for byte. Under a tag it is sent once: whoever
    /// repeats that must look first whether somebody else has written meanwhile.
    ///
    /// # Errors
    /// If the registry does not take it.
    pub async fn put(&self, target: &Target, manifest: &Manifest) -> Result<(), RegistryError> {
        let answer = self
            .call("writing", Method::PUT, target, Some(manifest))
            .await?;
        if !matches!(answer.status, 200..=202) {
            return Err(self.status("writing", target, &answer));
        }
        match answer.header(DIGEST) {
            Some(said) if !Digest::parse(said).is_some_and(|d| d.matches(&manifest.bytes)) => {
                let why = format!(
                    "the registry stored digest `{said}`, not {}",
                    manifest.digest
                );
                Err(self.error("writing", target, Cause::Answer(why)))
            }
            _ => Ok(()),
        }
    }

    /// Reads a small blob, such as a configuration, and checks it.
    ///
    /// # Errors
    /// If it is not there, too long, or not what its descriptor says.
    pub async fn blob(&self, part: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        let target = Target::Digest(part.digest.clone());
        let make = || {
            let url = self.url(&["blobs", part.digest.as_str()]);
            Request::new(Method::GET, url, manifest::LARGEST)
        };
        let fail = |cause| self.error("reading", &target, cause);
        let answer = self.session.send(make).await.map_err(fail)?;
        if answer.status != 200 {
            return Err(self.status("reading", &target, &answer));
        }
        if !part.digest.matches(&answer.body) {
            return Err(fail(Cause::Answer(
                "its bytes have another digest".to_owned(),
            )));
        }
        Ok(answer.body)
    }

    /// Opens a blob, to be sent on while it comes.
    ///
    /// # Errors
    /// If it is not there.
    pub(super) async fn stream(&self, part: &Descriptor) -> Result<Download, RegistryError> {
        let target = Target::Digest(part.digest.clone());
        let make = || {
            let url = self.url(&["blobs", part.digest.as_str()]);
            Request::new(Method::GET, url, 0)
        };
        match self.session.open(make).await {
            Ok(Ok(download)) => match download.length() {
                Some(length) if length != part.size => {
                    let why = format!(
                        "the registry has {length} bytes of it, but its manifest says {}",
                        part.size
                    );
                    Err(self.error("reading", &target, Cause::Answer(why)))
                }
                _ => Ok(download),
            },
            Ok(Err(answer)) => Err(self.status("reading", &target, &answer)),
            Err(cause) => Err(self.error("reading", &target, cause)),
        }
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
                Some(m) => {
                    let request = request
                        .header(CONTENT_TYPE, &m.media_type)
                        .body(m.bytes.clone());
                    match target {
                        Target::Digest(_) => request.repeatable(),
                        Target::Tag(_) => request,
                    }
                }
                None => request.header(ACCEPT, manifest::ACCEPT),
            }
        };
        self.session
            .send(make)
            .await
            .map_err(|cause| self.error(operation, target, cause))
    }

    fn url(&self, rest: &[&str]) -> Url {
        let mut url = self.session.base().clone();
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
        self.error(operation, target, Cause::status(answer))
    }
}

fn scope(repository: &Repository, access: Access) -> String {
    let actions = match access {
        Access::Pull => "pull",
        Access::PullAndPush => "pull,push",
    };
    format!("repository:{}:{actions}", repository.path())
}
