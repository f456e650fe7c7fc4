//! Images in files: what an earlier step wrote into the workspace, read where it lies.
//!
//! Nothing is ever unpacked, no link is followed inside an image, and nothing is believed: an
//! earlier step or the commit itself wrote every byte. A file is only ever read by offset, so that
//! several layers can be sent at once.

mod choice;
mod files;
mod layout;
#[cfg(test)]
mod made;
mod saved;
mod tar;

use std::fmt;
use std::path::Path;

use crate::secret::shorten;
use files::Files;
use tar::Index;

pub use files::Slice;
pub use layout::Layout;
pub use saved::{Saved, SavedLayer};

/// The most characters of a name or path that an error shows; the blob of a SHA-512 digest fits.
const SHOWN: usize = 160;
/// What to do about a file that is not whole.
const WRITE_AGAIN: &str = "write the image again, and let this step wait until it is whole";

/// In which form a local image lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `oci:DIR`: an OCI image layout in a directory.
    Layout,
    /// `oci-archive:FILE`: an OCI image layout in a tar archive.
    LayoutArchive,
    /// `docker-archive:FILE`: what `docker save` writes.
    DockerArchive,
}

/// Why a local image cannot be read, in the user's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalError {
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub next: String,
}

impl LocalError {
    fn new(found: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            found: found.into(),
            next: next.into(),
        }
    }
}

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found)
    }
}

impl std::error::Error for LocalError {}

/// An image in files.
#[derive(Debug)]
pub enum Local {
    /// It has a manifest of its own, which is pushed byte for byte.
    Layout(Layout),
    /// It has none; one is made when it is pushed.
    Saved(Saved),
}

impl Local {
    /// Opens the image at `path`. `reference` says which one, if there are several: a tag, a whole
    /// reference or a digest.
    ///
    /// # Errors
    /// If there is no image, more than one that could be meant, or something about it is not as it
    /// should be.
    pub fn open(form: Form, path: &Path, reference: Option<&str>) -> Result<Self, LocalError> {
        match form {
            Form::Layout => {
                let files = Files::directory(path)?;
                Layout::open(files, reference).map(Self::Layout)
            }
            Form::LayoutArchive => {
                let files = Files::Archive(Index::read(files::archive(path)?)?);
                Layout::open(files, reference).map(Self::Layout)
            }
            Form::DockerArchive => {
                let files = Files::Archive(Index::read(files::archive(path)?)?);
                saved::open(files, reference)
            }
        }
    }
}

/// A name or path that somebody else chose, quoted and not too long.
fn quoted(name: &str) -> String {
    format!("`{}`", shorten(name, SHOWN))
}
