//! Marks: blobs of a few bytes that say something by being there. Every client that knows the text
//! knows the digest, so a mark can be asked for and left by builds that know nothing of each other.
//! No manifest names it, so the registry takes it away when it collects its garbage.

use bytes::Bytes;
use reqwest::Method;

use super::error::{Cause, RegistryError};
use super::manifest::Descriptor;
use super::reference::Digest;
use super::{Registry, Target};
use crate::http::{Meter, Request};

/// The longest body of an answer that is read here.
const ANSWER: usize = 64 * 1024;

/// A blob that says something by being there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    text: Bytes,
    part: Descriptor,
}

impl Mark {
    /// The mark of this text.
    pub fn new(text: String) -> Self {
        let part = Descriptor {
            media_type: "text/plain".to_owned(),
            digest: Digest::of(text.as_bytes()),
            size: text.len() as u64,
            foreign: false,
            platform: None,
        };
        Self {
            text: text.into(),
            part,
        }
    }

    /// The digest under which it is found.
    pub const fn digest(&self) -> &Digest {
        &self.part.digest
    }
}

impl Registry {
    /// Whether a mark is there. Only a clear yes or no is one.
    ///
    /// # Errors
    /// If the registry does not say.
    pub async fn has_mark(&self, mark: &Mark) -> Result<bool, RegistryError> {
        let target = Target::Digest(mark.digest().clone());
        let ask = async |method: Method| {
            let make = || {
                let url = self.url(&["blobs", mark.digest().as_str()]);
                Request::new(method.clone(), url, ANSWER)
            };
            let answer = self.session.send(make).await;
            answer.map_err(|cause| self.error("asking for", &target, cause))
        };
        let head = ask(Method::HEAD).await?;
        match head.status {
            200 => return Ok(true),
            404 => return Ok(false),
            _ => {}
        }
        // Storage behind a registry may take only the GET that an address was signed for, and only the
        // answer to a GET has a body that says why.
        let answer = ask(Method::GET).await?;
        match answer.status {
            200 if mark.digest().matches(&answer.body) => Ok(true),
            200 => {
                let why = "its bytes have another digest".to_owned();
                Err(self.error("asking for", &target, Cause::Answer(why)))
            }
            404 => Ok(false),
            _ => Err(self.status("asking for", &target, &answer)),
        }
    }

    /// Leaves a mark. That another build has left it meanwhile is no error.
    ///
    /// # Errors
    /// If the registry does not take it, after several tries.
    pub async fn leave_mark(&self, mark: &Mark) -> Result<(), RegistryError> {
        let meter = Meter::default();
        let sent = self.push_blob(&mark.part, None, &mark.text, &meter);
        self.in_the_end(sent).await.map(drop)
    }
}
