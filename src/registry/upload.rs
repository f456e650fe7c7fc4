//! Putting blobs into a repository: one POST that mounts or opens an upload, one PUT that fills it
//! (OCI distribution spec, «Pushing blobs»). PATCH only where a registry refuses that, or where the
//! digest is not known before the end.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Context;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION};
use reqwest::{Method, Url};

use super::error::{Cause, RegistryError};
use super::manifest::Descriptor;
use super::pieces::FromMemory;
use super::reference::{Digest, Repository};
use super::{DIGEST, Registry, Target};
use crate::http::{HttpError, Meter, Outgoing, Pieces, Request, Response, backoff};

/// How often a blob is begun again, each time in a new upload: a part that failed cannot be sent
/// twice (ECR answers 416 to that; apple/containerization#790).
const TRIES: u32 = 5;
/// Pieces for registries that refuse one PUT. S3 behind a registry wants at least 5 MiB.
const CHUNK: usize = 5 * 1024 * 1024;
/// The largest piece that a registry can ask for (`OCI-Chunk-Min-Length`).
const LARGEST_CHUNK: usize = 64 * 1024 * 1024;
/// From this size on, a blob is worth a question before it is sent.
const LARGE: u64 = 1024 * 1024;
/// The longest body of an answer that we read here.
const ANSWER: usize = 64 * 1024;
const OCTETS: &str = "application/octet-stream";

/// Makes the pieces of a blob from its beginning, as often as they are needed.
pub(super) trait Content {
    /// Begins anew.
    async fn begin(&self) -> Result<Box<dyn Pieces>, RegistryError>;
    /// Whether a failure to read it may pass.
    fn may_pass(&self) -> bool;
}

/// A small blob that is in memory.
impl Content for Bytes {
    async fn begin(&self) -> Result<Box<dyn Pieces>, RegistryError> {
        Ok(Box::new(FromMemory::new(self.clone())))
    }

    fn may_pass(&self) -> bool {
        false
    }
}

/// What became of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    /// The registry had it, here or where it was mounted from.
    Present,
    /// It was sent.
    Sent,
}

/// An upload that is open.
struct Upload {
    location: Url,
    chunk: usize,
}

impl Registry {
    /// Sees to it that a blob is in this repository. It is looked for in `from` as well, a
    /// repository of the same registry. `sent` counts the bytes that travel.
    ///
    /// # Errors
    /// If it could not be read or sent, after several tries.
    pub(super) async fn push_blob(
        &self,
        part: &Descriptor,
        from: Option<&Repository>,
        content: &impl Content,
        sent: &Meter,
    ) -> Result<Pushed, RegistryError> {
        let (mut chunked, mut broken) = (false, 0);
        for tries in 1.. {
            // The blob may be there already, and one request asks for that and opens an upload if
            // it is not: a mount out of the repository itself.
            let from = Some(from.unwrap_or(self.repository()));
            let Some(upload) = self.begin_upload(&part.digest, part.size, from).await? else {
                return Ok(Pushed::Present);
            };
            let pieces = content.begin().await?;
            let pieces = super::pieces::Checked::new(pieces, &part.digest, part.size);
            let location = upload.location.clone();
            let done = if chunked {
                self.send_chunks(upload, part, pieces, sent).await
            } else {
                self.send_whole(&location, part, pieces, sent).await
            };
            let error = match done {
                Ok(()) => return Ok(Pushed::Sent),
                Err(error) => error,
            };
            let next = Retry::after(&error, content.may_pass());
            let Some(next) = next.filter(|_| tries < TRIES) else {
                self.cancel(&location).await;
                return Err(error);
            };
            broken += u32::from(next == Retry::Later);
            chunked |= next == Retry::InChunks || broken >= 2;
            if next == Retry::Later {
                tokio::time::sleep(backoff(tries)).await;
            }
        }
        Err(self.blob_error(part, Cause::Answer("it could not be sent".to_owned())))
    }

    /// Sends a blob whose digest is known only at its end, as `docker push` does: one PATCH, then
    /// the digest. `finish` says what it was.
    ///
    /// # Errors
    /// If the registry does not take it; nothing is tried again here.
    pub(super) async fn push_unknown(
        &self,
        name: &str,
        pieces: impl Pieces,
        sent: &Meter,
        finish: impl AsyncFnOnce() -> Result<Descriptor, RegistryError>,
    ) -> Result<Descriptor, RegistryError> {
        let failed = |cause| RegistryError {
            operation: "writing a layer to",
            reference: format!("{} ({name})", self.repository()),
            cause,
        };
        let answer = self.open_upload(None, None).await.map_err(failed)?;
        let upload = self.opened(&answer).map_err(failed)?;
        let request = Request::new(Method::PATCH, upload.location.clone(), ANSWER)
            .header(CONTENT_TYPE, OCTETS);
        let body = Outgoing::new(pieces, None, sent.clone());
        let answer = self.session.upload(request, &upload.location, body).await;
        let (answer, _) = answer.map_err(failed)?;
        if !matches!(answer.status, 200..=204) {
            return Err(failed(Cause::status(&answer)));
        }
        let location = self
            .next_location(&answer, &upload.location)
            .map_err(failed)?;
        // The registry has answered, so whatever it did not take it never will.
        let part = self.session.client().before_long(finish()).await;
        let part = part.map_err(|error| failed(Cause::Http(error)))??;
        self.close(&location, &part).await?;
        Ok(part)
    }

    /// Opens an upload for a blob, unless the registry has it; `None` then.
    async fn begin_upload(
        &self,
        digest: &Digest,
        size: u64,
        from: Option<&Repository>,
    ) -> Result<Option<Upload>, RegistryError> {
        let target = Target::Digest(digest.clone());
        let fail = |cause| self.error("sending", &target, cause);
        let answer = self.open_upload(Some(digest), from).await.map_err(fail)?;
        if answer.status == 201 {
            return Ok(None);
        }
        if answer.status == 202 {
            let upload = self.opened(&answer).map_err(fail)?;
            // Not every registry mounts what it has (ECR: aws/containers-roadmap#2860). Before
            // something large is sent again, it is asked outright.
            if size >= LARGE && self.has_blob(digest).await {
                self.cancel(&upload.location).await;
                return Ok(None);
            }
            return Ok(Some(upload));
        }
        // A mount may fail in many ways (google/go-containerregistry#1404, #1679, #1393); a plain
        // upload says what is really wrong.
        let answer = self.open_upload(None, None).await.map_err(fail)?;
        self.opened(&answer).map(Some).map_err(fail)
    }

    /// Whether the repository has a blob. Anything but a clear yes is a no: then it is sent.
    pub(super) async fn has_blob(&self, digest: &Digest) -> bool {
        let make = || {
            let url = self.url(&["blobs", digest.as_str()]);
            Request::new(Method::HEAD, url, ANSWER)
        };
        let answer = self.session.send(make).await;
        answer.is_ok_and(|answer| answer.status == 200)
    }

    async fn open_upload(
        &self,
        digest: Option<&Digest>,
        from: Option<&Repository>,
    ) -> Result<Response, Cause> {
        let mut url = self.url(&["blobs", "uploads", ""]);
        if let (Some(digest), Some(from)) = (digest, from) {
            url.query_pairs_mut()
                .append_pair("mount", digest.as_str())
                .append_pair("from", from.path());
        }
        // Opened twice, an upload is forgotten once: that does no harm.
        let make = || Request::new(Method::POST, url.clone(), ANSWER).repeatable();
        self.session.send(make).await
    }

    fn opened(&self, answer: &Response) -> Result<Upload, Cause> {
        if answer.status != 202 {
            return Err(Cause::status(answer));
        }
        let least = answer.header("oci-chunk-min-length");
        let least = least.and_then(|text| text.trim().parse::<usize>().ok());
        Ok(Upload {
            location: self.next_location(answer, &answer.url)?,
            chunk: least.unwrap_or(0).clamp(CHUNK, LARGEST_CHUNK),
        })
    }

    /// Where an upload goes on: relative or absolute, with a query that belongs to it. It may be
    /// another host, but never out of TLS or into a private network.
    fn next_location(&self, answer: &Response, before: &Url) -> Result<Url, Cause> {
        let Some(location) = answer.header(LOCATION.as_str()) else {
            return Err(Cause::Answer(
                "it opened an upload without saying where".to_owned(),
            ));
        };
        let next = before.join(location).map_err(|_| {
            Cause::Answer("the `Location` of the upload is not an address".to_owned())
        })?;
        let allowed = self.session.client().may_go(before, &next);
        allowed.map_err(Cause::Http)?;
        Ok(next)
    }

    async fn send_whole(
        &self,
        location: &Url,
        part: &Descriptor,
        pieces: impl Pieces,
        sent: &Meter,
    ) -> Result<(), RegistryError> {
        let fail = |cause| self.blob_error(part, cause);
        let mut url = location.clone();
        url.query_pairs_mut()
            .append_pair("digest", part.digest.as_str());
        let request = Request::new(Method::PUT, url, ANSWER)
            .header(CONTENT_TYPE, OCTETS)
            .header(CONTENT_LENGTH, &part.size.to_string());
        let body = Outgoing::new(pieces, Some(part.size), sent.clone());
        let answer = self.session.upload(request, location, body).await;
        let (answer, renewed) = answer.map_err(fail)?;
        self.stored(part, &answer, renewed)
    }

    async fn send_chunks(
        &self,
        upload: Upload,
        part: &Descriptor,
        mut pieces: impl Pieces,
        sent: &Meter,
    ) -> Result<(), RegistryError> {
        let fail = |cause| self.blob_error(part, cause);
        let (mut location, mut at, mut rest) = (upload.location, 0_u64, BytesMut::new());
        loop {
            let mut ended = false;
            while rest.len() < upload.chunk && !ended {
                let piece = poll_fn(|context: &mut Context<'_>| pieces.next(context));
                let piece = self.session.client().before_long(piece).await;
                match piece.map_err(|error| fail(Cause::Http(error)))? {
                    Some(Ok(piece)) => rest.extend_from_slice(&piece),
                    Some(Err(why)) => return Err(fail(Cause::Http(HttpError::Source(why)))),
                    None => ended = true,
                }
            }
            if rest.is_empty() {
                break;
            }
            let chunk = rest.split_to(rest.len().min(upload.chunk)).freeze();
            let range = format!("{at}-{}", at + chunk.len() as u64 - 1);
            at += chunk.len() as u64;
            let request = Request::new(Method::PATCH, location.clone(), ANSWER)
                .header(CONTENT_TYPE, OCTETS)
                .header(CONTENT_RANGE, &range)
                .header(CONTENT_LENGTH, &chunk.len().to_string());
            let length = chunk.len() as u64;
            let body = FromMemory::new(chunk);
            let body = Outgoing::new(body, Some(length), sent.clone());
            let answer = self.session.upload(request, &location, body).await;
            let (answer, renewed) = answer.map_err(fail)?;
            if !matches!(answer.status, 200..=204) {
                return Err(fail(challenged_or_status(&answer, renewed)));
            }
            location = self.next_location(&answer, &location).map_err(fail)?;
        }
        self.close(&location, part).await
    }

    /// Ends an upload that has all its bytes.
    async fn close(&self, location: &Url, part: &Descriptor) -> Result<(), RegistryError> {
        let mut url = location.clone();
        url.query_pairs_mut()
            .append_pair("digest", part.digest.as_str());
        let request = Request::new(Method::PUT, url, ANSWER).header(CONTENT_LENGTH, "0");
        let body = Outgoing::new(FromMemory::new(""), Some(0), Meter::default());
        let answer = self.session.upload(request, location, body).await;
        let (answer, renewed) = answer.map_err(|cause| self.blob_error(part, cause))?;
        self.stored(part, &answer, renewed)
    }

    /// Whether the registry says that it has the blob now.
    fn stored(
        &self,
        part: &Descriptor,
        answer: &Response,
        renewed: bool,
    ) -> Result<(), RegistryError> {
        if !matches!(answer.status, 200 | 201 | 204) {
            return Err(self.blob_error(part, challenged_or_status(answer, renewed)));
        }
        match answer.header(DIGEST).and_then(Digest::parse) {
            Some(said) if said != part.digest && said.is_sha256() == part.digest.is_sha256() => {
                let why = format!("the registry stored {said} instead");
                Err(self.blob_error(part, Cause::Answer(why)))
            }
            _ => Ok(()),
        }
    }

    /// Tells the registry that an upload will not go on. GHCR answers 405 to that, and whatever
    /// happens to it, the registry forgets the upload one day.
    async fn cancel(&self, location: &Url) {
        let make = || Request::new(Method::DELETE, location.clone(), ANSWER);
        if self.session.is_ours(location) {
            let quick = std::time::Duration::from_secs(2);
            let _ = tokio::time::timeout(quick, pin!(self.session.send(make))).await;
        }
    }

    fn blob_error(&self, part: &Descriptor, cause: Cause) -> RegistryError {
        self.error("sending", &Target::Digest(part.digest.clone()), cause)
    }
}

/// An answer that is an error; one that only wanted a new token is no last word.
fn challenged_or_status(answer: &Response, renewed: bool) -> Cause {
    if renewed {
        Cause::Renewed
    } else {
        Cause::status(answer)
    }
}

/// How to go on with a blob that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    /// The token was renewed, or the upload was lost: at once.
    Now,
    /// After a while.
    Later,
    /// Not in one piece.
    InChunks,
}

impl Retry {
    fn after(error: &RegistryError, source_may_pass: bool) -> Option<Self> {
        match &error.cause {
            Cause::Renewed => Some(Self::Now),
            Cause::Http(HttpError::Transport(_)) => Some(Self::Later),
            Cause::Http(HttpError::Source(_)) => source_may_pass.then_some(Self::Later),
            Cause::Status { too_late: true, .. } => None,
            Cause::Status { status, .. } => match status {
                // The upload is not known any more: another instance of the registry answered.
                404 | 416 => Some(Self::Now),
                405 | 411 | 413 | 415 | 501 => Some(Self::InChunks),
                408 | 429 | 499 | 500 | 502..=504 | 522 => Some(Self::Later),
                _ => None,
            },
            _ => None,
        }
    }
}
