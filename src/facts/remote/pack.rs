//! A pack on its way into a directory: libgit2 names every object by its content and checks the sum
//! at the end, so that nothing can stand under an id that is not its own.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

use git2::{ErrorClass, Indexer};
use tokio::sync::{mpsc, oneshot};

use super::error::Cause;
use crate::git::wire::WireError;
use crate::http::Client;

/// How many pieces may wait for the disk.
const WAITING: usize = 16;
/// How much is handed to libgit2 at once. It maps its file anew for each piece.
const PIECE: usize = 64 * 1024;
/// What stands at the beginning of a pack: a word, a version, and how many objects follow.
const HEAD: usize = 12;
/// The most objects in a pack. libgit2 makes room for as many as the pack claims to have; Linux,
/// with all its history, has ten million.
const MOST_OBJECTS: u32 = 20_000_000;

/// A directory that a pack goes into.
pub(super) struct Store {
    directory: PathBuf,
    head: Vec<u8>,
    objects: u32,
    indexing: Option<Indexing>,
}

/// libgit2 at work, in a thread of its own: it computes for seconds without a word.
struct Indexing {
    pieces: Option<mpsc::Sender<Piece>>,
    result: oneshot::Receiver<Result<(), Cause>>,
    given_up: Arc<AtomicBool>,
}

enum Piece {
    Part(Vec<u8>),
    End,
}

impl Drop for Indexing {
    fn drop(&mut self) {
        // After the end this stops nothing any more.
        self.given_up.store(true, Ordering::Relaxed);
    }
}

impl Store {
    /// Makes the directories.
    pub(super) fn open(directory: &Path) -> Result<Self, Cause> {
        fs::create_dir_all(directory.join("pack"))
            .map_err(|error| Cause::Disk(error.to_string()))?;
        Ok(Self {
            directory: directory.to_owned(),
            head: Vec::new(),
            objects: 0,
            indexing: None,
        })
    }

    /// Takes the next part of the pack.
    pub(super) async fn take(&mut self, mut part: Vec<u8>, client: &Client) -> Result<(), Cause> {
        if part.is_empty() {
            return Ok(());
        }
        let indexing = match &mut self.indexing {
            Some(indexing) => indexing,
            None => {
                self.head.append(&mut part);
                let Some(head) = self.head.first_chunk::<HEAD>() else {
                    return Ok(());
                };
                self.objects = count(head)?;
                part = std::mem::take(&mut self.head);
                self.indexing
                    .insert(Indexing::start(self.directory.join("pack")))
            }
        };
        let Some(pieces) = &indexing.pieces else {
            return Ok(());
        };
        if client
            .in_the_end(pieces.send(Piece::Part(part)))
            .await?
            .is_err()
        {
            // The thread has ended, so it knows why.
            return indexing.end(client).await;
        }
        Ok(())
    }

    /// Ends the pack; the directory of objects, if there are any.
    pub(super) async fn finish(mut self, client: &Client) -> Result<Option<PathBuf>, Cause> {
        let Some(mut indexing) = self.indexing.take() else {
            return Err(WireError::Cut.into());
        };
        if let Some(pieces) = indexing.pieces.take() {
            // If nobody takes it the thread has ended, and says why.
            let _ = client.in_the_end(pieces.send(Piece::End)).await?;
        }
        indexing.end(client).await?;
        Ok((self.objects > 0).then_some(self.directory))
    }
}

/// How many objects a pack claims to have.
fn count(head: &[u8; HEAD]) -> Result<u32, Cause> {
    let [b'P', b'A', b'C', b'K', 0, 0, 0, 2, a, b, c, d] = *head else {
        return Err(Cause::Pack("what came is no pack of version 2".to_owned()));
    };
    match u32::from_be_bytes([a, b, c, d]) {
        count @ 0..=MOST_OBJECTS => Ok(count),
        count => Err(Cause::Pack(format!("it claims to have {count} objects"))),
    }
}

impl Indexing {
    fn start(directory: PathBuf) -> Self {
        let (pieces, receiver) = mpsc::channel(WAITING);
        let (sender, result) = oneshot::channel();
        let given_up = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&given_up);
        thread::spawn(move || {
            // Whoever waits for it may have given up.
            let _ = sender.send(index(&directory, receiver, &stop));
        });
        Self {
            pieces: Some(pieces),
            result,
            given_up,
        }
    }

    async fn end(&mut self, client: &Client) -> Result<(), Cause> {
        let result = client.in_the_end(&mut self.result).await?;
        result.unwrap_or_else(|_| Err(Cause::Pack("the work on it stopped".to_owned())))
    }
}

fn index(
    directory: &Path,
    mut pieces: mpsc::Receiver<Piece>,
    given_up: &AtomicBool,
) -> Result<(), Cause> {
    // Not asked to look for what the objects refer to: that lies in the workspace, beyond a shallow
    // boundary, or is left out on purpose. What is missing is seen when it is looked for.
    let mut indexer = Indexer::new(None, directory, 0, false).map_err(unsound)?;
    indexer.progress(|_| !given_up.load(Ordering::Relaxed));
    let mut writer = BufWriter::with_capacity(PIECE, indexer);
    let broken = |error: std::io::Error| match error.downcast::<git2::Error>() {
        Ok(error) => unsound(error),
        Err(error) => Cause::Disk(error.to_string()),
    };
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Part(part)) => writer.write_all(&part).map_err(broken)?,
            Some(Piece::End) => break,
            None => return Err(WireError::Cut.into()),
        }
    }
    let indexer = writer
        .into_inner()
        .map_err(|error| broken(error.into_error()))?;
    indexer.commit().map_err(unsound)?;
    Ok(())
}

/// What libgit2 says against a pack, or against the place that it goes to.
fn unsound(error: git2::Error) -> Cause {
    let text = error.message().to_owned();
    match error.class() {
        ErrorClass::Os | ErrorClass::Filesystem => Cause::Disk(text),
        _ => Cause::Pack(text),
    }
}
