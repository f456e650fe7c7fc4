//! A body that is made while it is sent: nothing is stored, and what is sent is counted, measured
//! against its digest, and watched for silence.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// What a piece of a body may fail with: a sentence.
pub type Trouble = String;

/// Makes the pieces of a body, one after the other.
pub trait Pieces: Send + Sync + 'static {
    /// The next piece; `None` is the end.
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Trouble>>>;
}

/// How many silences a server may take to answer once it has the whole body.
const PATIENCE: u32 = 4;

/// Counts bytes of one or many bodies.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    bytes: AtomicU64,
    done: AtomicBool,
}

impl Meter {
    /// How many bytes were handed over so far.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    fn is_done(&self) -> bool {
        self.0.done.load(Ordering::Relaxed)
    }

    fn finish(&self) {
        self.0.done.store(true, Ordering::Relaxed);
    }

    fn add(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Waits for the end of something that moves this meter; `None` if nothing moved for so long.
    pub(super) async fn until_silent<T>(
        &self,
        silence: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let (mut before, mut silent) = (self.bytes(), 0);
        loop {
            if let Ok(done) = tokio::time::timeout(silence, &mut work).await {
                return Some(done);
            }
            silent = if self.bytes() == before {
                silent + 1
            } else {
                0
            };
            before = self.bytes();
            // A server that has everything may need a while to store it.
            let most = if self.is_done() { PATIENCE } else { 1 };
            if silent >= most {
                return None;
            }
        }
    }
}

/// Why a body could not be made to its end, left here for whoever sent it.
#[derive(Debug, Clone, Default)]
pub(super) struct Cause(Arc<Mutex<Option<Trouble>>>);

impl Cause {
    pub(super) fn take(&self) -> Option<Trouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn leave(&self, why: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }
}

/// A body on its way out.
pub struct Outgoing {
    pieces: Box<dyn Pieces>,
    length: Option<u64>,
    meter: Meter,
    total: Meter,
    trouble: Cause,
}

impl Outgoing {
    /// A body made of these pieces; `length` if it is known, as most servers want. `total` counts
    /// what is sent together with other bodies.
    pub fn new(pieces: impl Pieces, length: Option<u64>, total: Meter) -> Self {
        Self {
            pieces: Box::new(pieces),
            length,
            meter: Meter::default(),
            total,
            trouble: Cause::default(),
        }
    }

    pub(super) fn meter(&self) -> Meter {
        self.meter.clone()
    }

    pub(super) fn trouble(&self) -> Cause {
        self.trouble.clone()
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.pieces.next(context).map(|piece| {
            let Some(piece) = piece else {
                self.meter.finish();
                return None;
            };
            Some(match piece {
                Ok(bytes) => {
                    self.meter.add(bytes.len());
                    self.total.add(bytes.len());
                    if let Some(left) = &mut self.length {
                        *left = left.saturating_sub(bytes.len() as u64);
                        if *left == 0 {
                            self.meter.finish();
                        }
                    }
                    Ok(Frame::data(bytes))
                }
                Err(why) => {
                    self.trouble.leave(&why);
                    Err(std::io::Error::other(why))
                }
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        // A body of known length ends with its last byte: an empty blob needs no piece at all.
        self.length == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_moves_is_waited_for_and_what_does_not_is_given_up() {
        let meter = Meter::default();
        let moving = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(8)).await;
                meter.add(1);
            }
            "done"
        };
        let silence = Duration::from_secs(10);
        assert_eq!(meter.until_silent(silence, moving).await, Some("done"));
        let silent = std::future::pending::<()>();
        let start = tokio::time::Instant::now();
        assert_eq!(meter.until_silent(silence, silent).await, None);
        assert_eq!(start.elapsed(), silence);
        meter.finish();
        let start = tokio::time::Instant::now();
        let silent = std::future::pending::<()>();
        assert_eq!(meter.until_silent(silence, silent).await, None);
        assert_eq!(start.elapsed(), silence * PATIENCE);
    }
}
