//! Loose objects: one zlib file each.
//!
//! They are read here and not by libgit2, because libgit2 1.9 never comes back from one whose file
//! ends too early, as an interrupted clone leaves it.

use std::fs::File;
use std::io::{Read, Take};
use std::path::Path;

use flate2::read::ZlibDecoder;
use git2::{ObjectType, Oid};

/// The longest header, `commit 12345678901234567890\0`.
const LONGEST_HEADER: usize = 32;

/// An open loose object: its kind, its size, and the rest of it.
pub(super) struct Loose {
    pub(super) kind: ObjectType,
    pub(super) size: usize,
    start: Vec<u8>,
    rest: ZlibDecoder<Take<File>>,
}

impl Loose {
    /// Opens a file and reads the header: kind, size, and a null byte (gitformat-loose(5)).
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|e| e.to_string())?;
        // A file that grows while it is read has an end too.
        let length = file.metadata().map_err(|e| e.to_string())?.len();
        let mut rest = ZlibDecoder::new(file.take(length));
        let mut start = Vec::new();
        let read = (&mut rest)
            .take(LONGEST_HEADER as u64)
            .read_to_end(&mut start);
        // What follows a short object may be torn; only the header is wanted here.
        let end = start.iter().position(|b| *b == 0);
        let Some(end) = end else {
            return Err(read.map_or_else(|e| e.to_string(), |_| "it has no header".to_owned()));
        };
        read.map_err(|e| e.to_string())?;
        let header = str::from_utf8(&start[..end]).map_err(|_| "it has no header")?;
        let (kind, size) = header.split_once(' ').ok_or("it has no header")?;
        let kind = ObjectType::from_str(kind).ok_or("its kind is none")?;
        let size = size.parse().map_err(|_| "its size is none")?;
        start.drain(..=end);
        Ok(Self {
            kind,
            size,
            start,
            rest,
        })
    }

    /// The content, which must have the size that the header says and the hash that is its name.
    /// The caller has looked at the size.
    pub(super) fn read(mut self, id: Oid) -> Result<Vec<u8>, String> {
        let mut data = self.start;
        let left = (self.size + 1).saturating_sub(data.len());
        let left = u64::try_from(left).map_err(|e| e.to_string())?;
        (&mut self.rest)
            .take(left)
            .read_to_end(&mut data)
            .map_err(|e| e.to_string())?;
        if data.len() != self.size {
            return Err("it has another size than it says".to_owned());
        }
        match Oid::hash_object(self.kind, &data) {
            Ok(found) if found == id => Ok(data),
            _ => Err("its content has another hash".to_owned()),
        }
    }
}
