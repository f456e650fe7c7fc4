//! Layers of an old `docker save` archive, compressed while they are sent.
//!
//! Such an archive holds plain layers and no manifest, so the digest is born here. The same archive
//! makes the same bytes with the same version of this program: no time and no name goes into them.

use std::io::{self, Read, Write};
use std::thread;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::error::{Cause, RegistryError};
use super::local::{LocalError, Saved, SavedLayer};
use super::manifest::{Descriptor, Manifest};
use super::pieces::{FromFile, FromThread};
use super::reference::{Digest, Hasher};
use super::upload::Content;
use crate::http::{HttpError, Pieces, Trouble};

/// How much is handed on at once, and how much may wait: what bounds the memory.
const PIECE: usize = 128 * 1024;
const WAITING: usize = 8;
/// Half the time of the usual level 6, for a layer that is 7 % larger (150 MB of real libraries).
const LEVEL: u32 = 2;

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// What a thread says whose pieces nobody takes.
const GONE: &str = "the registry took only a part of the layer";

/// What a layer became.
type Measured = oneshot::Receiver<Result<Descriptor, Trouble>>;

/// Compresses a layer in a thread of its own, which hands on what it makes.
pub(super) struct Compressing {
    /// The pieces, as they come.
    pub pieces: FromThread,
    measured: Measured,
    name: String,
}

impl Compressing {
    pub fn start(layer: &SavedLayer) -> Self {
        let (pieces, receiver) = mpsc::channel(WAITING);
        Self {
            pieces: FromThread(receiver),
            measured: run(layer, Some(pieces)),
            name: layer.content.name().to_owned(),
        }
    }

    /// The end, once every piece was taken.
    pub fn into_parts(
        self,
    ) -> (
        FromThread,
        impl AsyncFnOnce() -> Result<Descriptor, RegistryError>,
    ) {
        let (measured, name) = (self.measured, self.name);
        (self.pieces, async move || finished(measured, &name).await)
    }
}

/// A layer whose compressed digest is known already.
pub(super) struct Recompressed<'a>(pub &'a SavedLayer);

impl Content for Recompressed<'_> {
    async fn begin(&self) -> Result<Box<dyn Pieces>, RegistryError> {
        if self.0.compressed {
            return Ok(Box::new(FromFile::new(self.0.content.clone())));
        }
        Ok(Box::new(Compressing::start(self.0).pieces))
    }

    fn may_pass(&self) -> bool {
        false
    }
}

/// What a layer is when it is compressed; nothing is kept of it.
///
/// # Errors
/// If it cannot be read, or is not the layer that the configuration names.
pub async fn measure(layer: &SavedLayer) -> Result<Descriptor, RegistryError> {
    finished(run(layer, None), layer.content.name()).await
}

async fn finished(measured: Measured, name: &str) -> Result<Descriptor, RegistryError> {
    let result = measured
        .await
        .unwrap_or_else(|_| Err("its compression ended early".to_owned()));
    result.map_err(|found| RegistryError {
        operation: "reading",
        reference: name.to_owned(),
        cause: if found == GONE {
            Cause::Http(HttpError::Transport(found))
        } else {
            let next = "save the image again".to_owned();
            Cause::Local(LocalError { found, next })
        },
    })
}

fn run(layer: &SavedLayer, pieces: Option<mpsc::Sender<Result<Bytes, Trouble>>>) -> Measured {
    let (sender, receiver) = oneshot::channel();
    let layer = layer.clone();
    thread::spawn(move || {
        let failed = pieces.clone();
        let measured = compress(&layer, pieces).map_err(|error| error.to_string());
        if let (Err(why), Some(pieces)) = (&measured, failed) {
            let _ = pieces.blocking_send(Err(why.clone()));
        }
        let _ = sender.send(measured);
    });
    receiver
}

fn compress(
    layer: &SavedLayer,
    pieces: Option<mpsc::Sender<Result<Bytes, Trouble>>>,
) -> io::Result<Descriptor> {
    let mut out = Pieced {
        pieces,
        piece: Vec::with_capacity(PIECE),
        hasher: Hasher::sha256(),
        size: 0,
    };
    let mut reader = layer.content.reader();
    let mut buffer = vec![0; PIECE];
    let mut plain = Plain(Hasher::new(&layer.diff_id));
    if layer.compressed {
        let mut inside = MultiGzDecoder::new(plain);
        loop {
            let read = reader.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            inside.write_all(&buffer[..read])?;
            out.write_all(&buffer[..read])?;
        }
        plain = inside.finish()?;
    } else {
        let mut gzip = GzBuilder::new().write(out, Compression::new(LEVEL));
        loop {
            let read = reader.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            plain.write_all(&buffer[..read])?;
            gzip.write_all(&buffer[..read])?;
        }
        out = gzip.finish()?;
    }
    let found = plain.0.finish();
    if found != layer.diff_id {
        return Err(io::Error::other(format!(
            "the layer has digest {found}, but the configuration of the image names {}",
            layer.diff_id
        )));
    }
    out.flush()?;
    Ok(Descriptor {
        media_type: LAYER.to_owned(),
        digest: out.hasher.finish(),
        size: out.size,
        foreign: false,
        platform: None,
    })
}

/// Keeps only the digest of what is written.
struct Plain(Hasher);

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hands bytes on in pieces, and keeps their digest and number.
struct Pieced {
    pieces: Option<mpsc::Sender<Result<Bytes, Trouble>>>,
    piece: Vec<u8>,
    hasher: Hasher,
    size: u64,
}

impl Write for Pieced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        if self.pieces.is_some() {
            self.piece.extend_from_slice(bytes);
            if self.piece.len() >= PIECE {
                self.flush()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(pieces) = &self.pieces
            && !self.piece.is_empty()
        {
            let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
            let gone = |_| io::Error::other(GONE);
            pieces.blocking_send(Ok(piece.into())).map_err(gone)?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DockerManifest<'a> {
    schema_version: u32,
    media_type: &'a str,
    config: DockerDescriptor<'a>,
    layers: Vec<DockerDescriptor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DockerDescriptor<'a> {
    media_type: &'a str,
    size: u64,
    digest: &'a str,
}

/// The descriptor of the image's configuration.
pub fn config(saved: &Saved) -> Descriptor {
    Descriptor {
        media_type: CONFIG.to_owned(),
        digest: Digest::of(&saved.config),
        size: saved.config.len() as u64,
        foreign: false,
        platform: None,
    }
}

/// The manifest of an archive that has none, as `docker push` would write it: Docker's own types,
/// because the configuration is Docker's and may hold what OCI does not know (a health check).
pub fn manifest(saved: &Saved, layers: &[Descriptor]) -> Manifest {
    let bytes = written(&config(saved), layers);
    Manifest {
        media_type: MANIFEST.to_owned(),
        digest: Digest::of(&bytes),
        bytes,
    }
}

/// The bytes of such a manifest.
pub(super) fn written(config: &Descriptor, layers: &[Descriptor]) -> Vec<u8> {
    fn described(part: &Descriptor) -> DockerDescriptor<'_> {
        DockerDescriptor {
            media_type: &part.media_type,
            size: part.size,
            digest: part.digest.as_str(),
        }
    }
    let manifest = DockerManifest {
        schema_version: 2,
        media_type: MANIFEST,
        config: described(config),
        layers: layers.iter().map(described).collect(),
    };
    serde_json::to_vec(&manifest).unwrap_or_default()
}
