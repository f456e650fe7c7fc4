//! The remote of the repository: its branches and tags, and the objects that the clone left out
//! (Drone's clone brings neither tags nor the default branch; drone.md §7).
//!
//! git's protocol, version 2, over our own client, so that the same authorities, proxy and deadline
//! hold as everywhere: one round trip to list, one to fetch. What is fetched goes into a directory of
//! the caller; the workspace is never written to.

mod address;
mod answer;
mod credentials;
mod error;
mod local;
mod pack;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_TYPE, HeaderName};
use reqwest::{Method, Url};
use tokio::sync::OnceCell;

use crate::git::refs::References;
use crate::git::wire::{
    Advertisement, Boundary, Capabilities, Greeting, Listing, Transfer, TransferRequest, WireError,
    list_request, transfer_request,
};
use crate::hotfix::CommitId;
use crate::http::{Client, Request};
use crate::secret::Secret;
use address::Address;
use answer::Answer;
pub use credentials::credentials;
pub use error::{Cause, RemoteError};
use pack::Store;

/// The most bytes that a fetch may bring.
pub const LARGEST_PACK: u64 = 2 * 1024 * 1024 * 1024;
/// The most bytes that a list may have: 250,000 references of 256 bytes each.
const LARGEST_LIST: u64 = 64 * 1024 * 1024;
/// The most bytes that are read to learn what a server is.
const LARGEST_GREETING: u64 = 1024 * 1024;

const RESULT: &str = "application/x-git-upload-pack-result";
const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";

/// The remote of the repository.
pub struct Remote {
    address: Address,
    credentials: Option<(String, Secret)>,
    client: Client,
    largest_pack: u64,
    known: OnceCell<Known>,
}

/// What was learned about a server by asking what it is.
struct Known {
    /// Where the repository is, after redirects.
    base: Url,
    capabilities: Capabilities,
}

/// What is to be fetched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fetch<'a> {
    /// What is wanted with all that it reaches, by ids as the server lists them: of a tag the one of
    /// its own object ([`Reference::id`](crate::git::refs::Reference::id)). git sends whatever it
    /// has, other servers only what a reference points to.
    pub wants: &'a [CommitId],
    /// What the workspace has, down to `shallow`; what the server does not know is passed by.
    pub haves: &'a [CommitId],
    /// Boundary commits of a shallow workspace: those whose parents it does not have.
    pub shallow: &'a [CommitId],
    /// How many commits deep the history of `wants` shall be; `None` asks for all of it, but not
    /// for what lies below `shallow`. 2147483647 is git's word for «to the root».
    pub deepen: Option<u32>,
    /// Commits only (`filter tree:0`), where the server offers it. Costs one more round trip, the
    /// first time, to learn whether it does.
    pub commits_only: bool,
}

/// What was fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Directories of objects to look into, beside the workspace's.
    pub objects: Vec<PathBuf>,
    /// Commits whose parents are missing from now on.
    pub shallow: Vec<CommitId>,
    /// Commits whose parents were missing and are there now.
    pub unshallow: Vec<CommitId>,
    /// How many bytes came from the server.
    pub bytes: u64,
    /// Whether trees and blobs were left out.
    pub filtered: bool,
}

impl Remote {
    /// Takes an address as a CI server writes it: https, http if `policy.tls.insecure` lists the
    /// host, `file://`, or a local path. `credentials` are a user name and a password for that host;
    /// see [`credentials()`].
    ///
    /// # Errors
    /// If the address is none that we can ask: ssh, `git://`, a password in it, plain HTTP.
    pub fn new(
        url: &str,
        credentials: Option<(String, Secret)>,
        client: Client,
    ) -> Result<Self, RemoteError> {
        let address = Address::parse(url, client.trust())?;
        Ok(Self {
            address,
            credentials,
            client,
            largest_pack: LARGEST_PACK,
            known: OnceCell::new(),
        })
    }

    /// Sets another limit than [`LARGEST_PACK`] on the bytes of one fetch.
    #[must_use]
    pub const fn at_most(mut self, bytes: u64) -> Self {
        self.largest_pack = bytes;
        self
    }

    /// The address, without a user name, for people.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Lists the branches and tags, what the tags point to, and the default branch.
    ///
    /// # Errors
    /// If the server cannot be asked or its answer is not a list; what to do stands in the error.
    pub async fn list(&self) -> Result<References, RemoteError> {
        match &self.address {
            Address::Local(path) => local::list(path, &self.client).await,
            Address::Http(url) => self.list_of_server(url).await,
        }
        .map_err(|cause| self.error("listing the references of", cause))
    }

    /// Fetches what is missing. `into` is made if it is not there, and is a directory of objects
    /// afterwards: packs go into `into/pack`, and one directory serves many fetches. What is there
    /// already is not looked at.
    ///
    /// # Errors
    /// If the server cannot be asked, its answer is no sound pack, or there is no room for it; what
    /// to do stands in the error.
    pub async fn fetch(&self, request: &Fetch<'_>, into: &Path) -> Result<Fetched, RemoteError> {
        match &self.address {
            Address::Local(path) => local::fetch(path, &self.client).await,
            Address::Http(_) if request.wants.is_empty() => Ok(Fetched::default()),
            Address::Http(url) => self.fetch_from_server(url, request, into).await,
        }
        .map_err(|cause| self.error("fetching from", cause))
    }

    fn error(&self, operation: &'static str, cause: Cause) -> RemoteError {
        RemoteError {
            operation,
            address: self.address.to_string(),
            with_credentials: self.credentials.is_some(),
            cause,
        }
    }

    async fn list_of_server(&self, url: &Url) -> Result<References, Cause> {
        if let Some(known) = self.known.get() {
            return self.ask_for_list(&known.base).await;
        }
        let cause = match self.ask_for_list(url).await {
            Ok(references) => return Ok(references),
            Err(cause) if cause.asks_who_is_there() => cause,
            Err(cause) => return Err(cause),
        };
        let known = self.known().await?;
        if known.base == *url {
            // It is a server of version 2 after all, so what it said counts.
            return Err(cause);
        }
        self.ask_for_list(&known.base).await
    }

    async fn ask_for_list(&self, base: &Url) -> Result<References, Cause> {
        let mut answer = self.post(base, list_request(), LARGEST_LIST).await?;
        let mut listing = Listing::default();
        while answer.read(|packet| listing.packet(packet)).await? {}
        Ok(listing.finish()?)
    }

    async fn fetch_from_server(
        &self,
        url: &Url,
        request: &Fetch<'_>,
        into: &Path,
    ) -> Result<Fetched, Cause> {
        let ids = [request.wants, request.haves, request.shallow].concat();
        if ids.iter().any(|id| id.as_str().len() != 40) {
            return Err(Cause::Wire(WireError::Sha256));
        }
        let known = match self.known.get() {
            None if request.commits_only => Some(self.known().await?),
            known => known,
        };
        let filtered =
            request.commits_only && known.is_some_and(|known| known.capabilities.filters);
        if request.deepen.is_some() && known.is_some_and(|known| !known.capabilities.shallow) {
            return Err(Cause::CannotDeepen);
        }
        let body = transfer_request(&TransferRequest {
            wants: request.wants,
            haves: request.haves,
            shallow: request.shallow,
            deepen: request.deepen,
            commits_only: filtered,
        });
        let base = known.map_or(url, |known| &known.base);
        let mut answer = match self.post(base, body.clone(), self.largest_pack).await {
            Err(cause) if known.is_none() && cause.asks_who_is_there() => {
                let known = self.known().await?;
                if known.base == *url {
                    return Err(cause);
                }
                self.post(&known.base, body, self.largest_pack).await?
            }
            answer => answer?,
        };
        let received = receive(&mut answer, into, &self.client).await;
        if matches!(received, Err(Cause::Wire(_))) && answer.bytes() == 0 && known.is_none() {
            // Nothing at all is what old servers answer.
            self.known().await?;
        }
        let (objects, boundary) = received?;
        Ok(Fetched {
            objects: objects.into_iter().collect(),
            shallow: boundary.shallow,
            unshallow: boundary.unshallow,
            bytes: answer.bytes(),
            filtered,
        })
    }

    /// Sends a question of version 2 to a server, whose answer is then to be read.
    async fn post(&self, base: &Url, body: Vec<u8>, limit: u64) -> Result<Answer, Cause> {
        let url = below(base, "git-upload-pack")?;
        // Nothing changes on the server, so it may be asked again.
        let request = Request::new(Method::POST, url, 0)
            .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
            .repeatable()
            .body(body);
        self.open(request, base, RESULT, limit).await
    }

    /// What the server is; asked once.
    async fn known(&self) -> Result<&Known, Cause> {
        self.known.get_or_try_init(|| self.greet()).await
    }

    async fn greet(&self) -> Result<Known, Cause> {
        let Address::Http(address) = &self.address else {
            return Err(Cause::Address("it is a local path".to_owned()));
        };
        let mut url = below(address, "info/refs")?;
        url.set_query(Some("service=git-upload-pack"));
        let request = Request::new(Method::GET, url, 0);
        let mut answer = self
            .open(request, address, ADVERTISEMENT, LARGEST_GREETING)
            .await?;
        let mut greeting = Greeting::default();
        while greeting.answer().is_none() {
            if !answer.read(|packet| greeting.packet(packet)).await? {
                break;
            }
        }
        match greeting.answer() {
            None => Err(Cause::Wire(WireError::Cut)),
            Some(Advertisement::Old(version)) => Err(Cause::Old(*version)),
            Some(Advertisement::Version2(it)) if it.sha256 => Err(Cause::Wire(WireError::Sha256)),
            Some(Advertisement::Version2(it)) if !it.lists || !it.fetches => Err(Cause::Old(2)),
            Some(Advertisement::Version2(capabilities)) => Ok(Known {
                base: above(answer.url(), "info/refs")?,
                capabilities: capabilities.clone(),
            }),
        }
    }

    async fn open(
        &self,
        request: Request,
        base: &Url,
        content_type: &'static str,
        limit: u64,
    ) -> Result<Answer, Cause> {
        let request = request
            .header(HeaderName::from_static("git-protocol"), "version=2")
            .authorization(self.authorization(base).as_deref());
        match self.client.open(request).await? {
            Ok(download) => {
                let found = download.header(CONTENT_TYPE.as_str()).unwrap_or_default();
                if found != content_type {
                    return Err(Cause::content_type(found));
                }
                Ok(Answer::new(download, self.client.clone(), limit))
            }
            Err(answer) => Err(Cause::status(&answer)),
        }
    }

    /// The credentials, for the host that they are given for and for no other.
    fn authorization(&self, base: &Url) -> Option<String> {
        let Address::Http(address) = &self.address else {
            return None;
        };
        let (user, password) = self.credentials.as_ref()?;
        (address.origin() == base.origin()).then(|| {
            let pair = format!("{user}:{}", password.expose());
            format!("Basic {}", STANDARD.encode(pair))
        })
    }
}

/// Reads an answer to `fetch` to its end.
async fn receive(
    answer: &mut Answer,
    into: &Path,
    client: &Client,
) -> Result<(Option<PathBuf>, Boundary), Cause> {
    let mut transfer = Transfer::default();
    let mut store = Store::open(into)?;
    loop {
        let mut part = Vec::new();
        let more = answer
            .read(|packet| {
                if let Some(pack) = transfer.packet(packet)? {
                    part.extend_from_slice(pack);
                }
                Ok(())
            })
            .await?;
        store.take(part, client).await?;
        if !more {
            break;
        }
    }
    let boundary = transfer.finish()?;
    Ok((store.finish(client).await?, boundary))
}

/// An address below the repository's.
fn below(base: &Url, rest: &str) -> Result<Url, Cause> {
    let mut url = base.clone();
    url.set_query(None);
    let path = format!("{}/{rest}", base.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// The address of the repository, from one below it.
fn above(url: &Url, rest: &str) -> Result<Url, Cause> {
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    let path = url.path().strip_suffix(rest).ok_or_else(|| {
        Cause::Address(format!(
            "it sends us to `{}`, which is no repository",
            url.path()
        ))
    })?;
    base.set_path(path.trim_end_matches('/'));
    Ok(base)
}
