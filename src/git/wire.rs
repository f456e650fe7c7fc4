//! git's protocol, version 2 (git's Documentation/gitprotocol-v2, -pack, -http): what is sent to a
//! server and what it answers. Pure: bytes in, values out, and never more memory than one packet and
//! the lists that have limits of their own. Nothing here knows of HTTP.

mod advertisement;
mod listing;
mod packet;
mod transfer;

use std::fmt;

pub use advertisement::{Advertisement, Capabilities, Greeting};
pub use listing::{Listing, list_request};
pub use packet::{Decoder, LONGEST_PACKET, Packet, encode};
pub use transfer::{Boundary, Transfer, TransferRequest, transfer_request};

use crate::hotfix::CommitId;
use crate::secret::{self, shorten};

/// The longest part of a server's own text that is repeated.
const LONGEST_TEXT: usize = 200;

/// Why an answer is not what the protocol says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireError {
    /// What came is not cut into packets.
    NotPackets(String),
    /// The answer ended in the middle.
    Cut,
    /// Something stands where something else belongs.
    Unexpected {
        /// What stands there.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// The server itself says that something is wrong.
    Said(String),
    /// There is more than this.
    TooMany(&'static str),
    /// A reference stands there twice.
    Twice(String),
    /// Objects are named by SHA-256.
    Sha256,
}

impl WireError {
    fn unexpected(found: &[u8], expected: &'static str) -> Self {
        Self::Unexpected {
            found: readable(found),
            expected,
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPackets(found) => {
                write!(
                    f,
                    "the answer is not git's protocol: it has `{found}` where the length of a packet belongs"
                )
            }
            Self::Cut => f.write_str("the answer ends in the middle"),
            Self::Unexpected { found, expected } => {
                write!(f, "the answer has `{found}` where {expected} belongs")
            }
            Self::Said(text) => write!(f, "the server says: {}", secret::said(text)),
            Self::TooMany(what) => write!(f, "the answer has more than {what}"),
            Self::Twice(name) => write!(f, "the answer has `{name}` twice"),
            Self::Sha256 => {
                f.write_str("it is a SHA-256 repository, whose objects libgit2 does not read")
            }
        }
    }
}

impl std::error::Error for WireError {}

/// Text of a server, for people.
fn readable(text: &[u8]) -> String {
    // Four bytes for each character at the most.
    let text = &text[..text.len().min(4 * LONGEST_TEXT + 4)];
    shorten(String::from_utf8_lossy(text).trim(), LONGEST_TEXT)
}

/// A line without its end.
fn line(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\n").unwrap_or(text)
}

/// What a server says instead of an answer: `ERR` and a text (gitprotocol-pack).
fn not_an_error(line: &[u8]) -> Result<(), WireError> {
    match line.strip_prefix(b"ERR ") {
        Some(text) => Err(WireError::Said(readable(text))),
        None => Ok(()),
    }
}

/// The id of an object.
fn object_id(digits: &[u8]) -> Result<CommitId, WireError> {
    let id = std::str::from_utf8(digits).ok().and_then(CommitId::parse);
    match id {
        Some(id) if id.as_str().len() == 40 => Ok(id),
        Some(_) => Err(WireError::Sha256),
        None => Err(WireError::unexpected(digits, "the id of an object")),
    }
}

#[cfg(test)]
mod tests;
