//! An answer of a git server, read packet by packet while it comes.

use std::pin::Pin;

use bytes::Bytes;
use http_body::Body as _;
use reqwest::Url;

use super::error::Cause;
use crate::git::wire::{Decoder, Packet, WireError};
use crate::http::{Client, Download, HttpError};

/// A good answer whose packets are still to be read.
pub(super) struct Answer {
    body: reqwest::Body,
    url: Url,
    client: Client,
    decoder: Decoder,
    bytes: u64,
    limit: u64,
}

impl Answer {
    /// `limit`: so many bytes are read at the most.
    pub(super) fn new(download: Download, client: Client, limit: u64) -> Self {
        Self {
            url: download.url().clone(),
            body: download.into_body(),
            client,
            decoder: Decoder::default(),
            bytes: 0,
            limit,
        }
    }

    /// Where the answer came from, after redirects.
    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// How many bytes were read.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Waits for the next piece and hands on the packets that end in it; `false` at the end.
    pub(super) async fn read(
        &mut self,
        mut each: impl FnMut(Packet<'_>) -> Result<(), WireError>,
    ) -> Result<bool, Cause> {
        let Some(piece) = self.piece().await? else {
            return if self.decoder.is_between() {
                Ok(false)
            } else {
                Err(WireError::Cut.into())
            };
        };
        self.bytes += piece.len() as u64;
        if self.bytes > self.limit {
            return Err(Cause::TooLarge(self.limit));
        }
        let mut input = &piece[..];
        while let Some(packet) = self.decoder.next(&mut input)? {
            each(packet)?;
        }
        Ok(true)
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            let frame =
                std::future::poll_fn(|context| Pin::new(&mut self.body).poll_frame(context));
            let frame = tokio::time::timeout(self.client.silence(), frame);
            let frame = self.client.in_the_end(frame).await?.map_err(|_| {
                HttpError::Transport("nothing came any more in the middle of the answer".to_owned())
            })?;
            match frame {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    // Trailers are no bytes of the answer.
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
                Some(Err(_)) => {
                    return Err(HttpError::Transport(
                        "the connection broke in the middle of the answer".to_owned(),
                    ));
                }
            }
        }
    }
}
