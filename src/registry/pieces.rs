//! Where the pieces of a blob come from while it is sent: a file, another registry, or a thread that
//! compresses. Whatever is sent under a digest is checked against it, before the last byte goes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body as _;
use tokio::sync::mpsc::Receiver;

use super::local::Slice;
use super::reference::{Digest, Hasher};
use crate::http::{Download, Pieces, Trouble};

/// How much of a file is read at once.
const PIECE: usize = 256 * 1024;

/// The pieces of a file.
pub struct FromFile {
    slice: Slice,
    at: u64,
}

impl FromFile {
    /// From the beginning of a slice.
    pub const fn new(slice: Slice) -> Self {
        Self { slice, at: 0 }
    }
}

impl Pieces for FromFile {
    fn next(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Trouble>>> {
        let left = self.slice.len().saturating_sub(self.at);
        if left == 0 {
            return Poll::Ready(None);
        }
        // Read where it is needed: a file in the page cache answers at once, and another thread
        // would cost more than it saves.
        let mut piece = vec![0; usize::try_from(left).unwrap_or(PIECE).min(PIECE)];
        let read = match self.slice.read_at(self.at, &mut piece) {
            Ok(0) => return Poll::Ready(Some(Err("the file was cut short".to_owned()))),
            Ok(read) => read,
            Err(error) => return Poll::Ready(Some(Err(error.to_string()))),
        };
        piece.truncate(read);
        self.at += read as u64;
        Poll::Ready(Some(Ok(piece.into())))
    }
}

/// The pieces of a blob of another registry.
pub struct FromRegistry(Mutex<reqwest::Body>);

impl FromRegistry {
    /// The body of an answer.
    pub fn new(download: Download) -> Self {
        Self(Mutex::new(download.into_body()))
    }
}

impl Pieces for FromRegistry {
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Trouble>>> {
        let body = self
            .0
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        loop {
            let frame = match Pin::new(&mut *body).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(frame)) => frame,
            };
            match frame {
                Ok(frame) => {
                    // Trailers are no bytes of the blob.
                    if let Ok(bytes) = frame.into_data()
                        && !bytes.is_empty()
                    {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
                Err(_) => {
                    let why = "the registry that the image comes from broke off in the middle";
                    return Poll::Ready(Some(Err(why.to_owned())));
                }
            }
        }
    }
}

/// Pieces that a thread makes.
pub struct FromThread(pub Receiver<Result<Bytes, Trouble>>);

impl Pieces for FromThread {
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Trouble>>> {
        self.0.poll_recv(context)
    }
}

/// Pieces that are there already.
pub struct FromMemory(VecDeque<Bytes>);

impl FromMemory {
    /// Small pieces, so that how far they are can be seen.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let (mut rest, mut pieces) = (bytes.into(), VecDeque::new());
        while !rest.is_empty() {
            pieces.push_back(rest.split_to(rest.len().min(PIECE)));
        }
        Self(pieces)
    }
}

impl Pieces for FromMemory {
    fn next(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Trouble>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

/// Hands pieces on only as long as they can be the blob that was promised. The last piece is held
/// back until the digest is right, so that a registry never gets a whole wrong blob.
pub struct Checked {
    pieces: Box<dyn Pieces>,
    hasher: Option<Hasher>,
    digest: Digest,
    left: u64,
}

impl Checked {
    /// These pieces, as the blob of this digest and size.
    pub fn new(pieces: Box<dyn Pieces>, digest: &Digest, size: u64) -> Self {
        Self {
            pieces,
            hasher: Some(Hasher::new(digest)),
            digest: digest.clone(),
            left: size,
        }
    }

    fn judge(&mut self, piece: Bytes) -> Result<Bytes, Trouble> {
        let length = piece.len() as u64;
        let Some(hasher) = &mut self.hasher else {
            return Err(self.longer());
        };
        if length > self.left {
            return Err(self.longer());
        }
        hasher.update(&piece);
        self.left -= length;
        let ended = self.hasher.take_if(|_| self.left == 0);
        if ended.is_some_and(|hasher| hasher.finish() != self.digest) {
            return Err(format!(
                "the bytes are not those of {}: they were changed on the way or in their place",
                self.digest
            ));
        }
        Ok(piece)
    }

    fn longer(&self) -> Trouble {
        format!("there is more than its manifest says of {}", self.digest)
    }
}

impl Pieces for Checked {
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Trouble>>> {
        self.pieces.next(context).map(|piece| match piece {
            Some(piece) => Some(piece.and_then(|piece| self.judge(piece))),
            None if self.left > 0 => Some(Err(format!(
                "{} bytes of {} are missing",
                self.left, self.digest
            ))),
            None => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    struct List(VecDeque<Result<Bytes, Trouble>>);

    impl Pieces for List {
        fn next(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Trouble>>> {
            Poll::Ready(self.0.pop_front())
        }
    }

    async fn sent(pieces: &[&str], promised: &str) -> (String, Option<Trouble>) {
        let list = pieces.iter().map(|p| Ok(Bytes::from((*p).to_owned())));
        let digest = Digest::of(promised.as_bytes());
        let mut checked = Checked::new(
            Box::new(List(list.collect())),
            &digest,
            promised.len() as u64,
        );
        let mut seen = String::new();
        loop {
            match poll_fn(|context| checked.next(context)).await {
                Some(Ok(piece)) => seen.push_str(std::str::from_utf8(&piece).unwrap()),
                Some(Err(why)) => return (seen, Some(why)),
                None => return (seen, None),
            }
        }
    }

    #[tokio::test]
    async fn a_wrong_blob_never_goes_out_whole() {
        let (seen, why) = sent(&["ab", "cd", "ef"], "abcdef").await;
        assert_eq!((seen.as_str(), why), ("abcdef", None));
        let (seen, why) = sent(&["ab", "cd", "eX"], "abcdef").await;
        assert_eq!(seen, "abcd");
        assert!(why.unwrap().contains("not those of sha256:"));
        let (seen, why) = sent(&["ab", "cd"], "abcdef").await;
        assert_eq!(seen, "abcd");
        assert!(why.unwrap().contains("2 bytes of sha256:"));
        let (seen, why) = sent(&["ab", "cdefg"], "abcdef").await;
        assert_eq!(seen, "ab");
        assert!(why.unwrap().contains("more than its manifest says"));
        let (_, why) = sent(&["abcdef", "g"], "abcdef").await;
        assert!(why.unwrap().contains("more than its manifest says"));
        assert_eq!(sent(&[], "").await, (String::new(), None));
    }
}
