//! `fetch`: objects that a server sends as one pack (gitprotocol-v2), and the boundary of a shallow
//! history.

use super::{Packet, WireError, encode, line, not_an_error, object_id, readable};
use crate::hotfix::CommitId;

/// How many boundary commits an answer may name.
const MOST_BOUNDARIES: usize = 100_000;

/// What is asked for. Everything in one request that ends with `done`, so that the first answer is
/// the pack: a server passes by what it does not know among `haves`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TransferRequest<'a> {
    /// What is wanted, with all that it reaches.
    pub wants: &'a [CommitId],
    /// What is there already, with all that it reaches down to `shallow`.
    pub haves: &'a [CommitId],
    /// The boundary commits of what is there: those whose parents are missing.
    pub shallow: &'a [CommitId],
    /// How many commits deep the history below `wants` shall go.
    pub deepen: Option<u32>,
    /// Whether to leave trees and blobs out.
    pub commits_only: bool,
}

/// The request as it is sent. Without `thin-pack`, so that the pack stands on its own.
pub fn transfer_request(request: &TransferRequest<'_>) -> Vec<u8> {
    let mut message = Vec::new();
    let mut say = |text: String| {
        // Every text is short; see below.
        let _ = encode(&mut message, text.as_bytes());
    };
    say("command=fetch\n".to_owned());
    let mut arguments = Vec::new();
    let mut argue = |text: String| {
        let _ = encode(&mut arguments, text.as_bytes());
    };
    argue("no-progress\n".to_owned());
    argue("ofs-delta\n".to_owned());
    if request.commits_only {
        argue("filter tree:0\n".to_owned());
    }
    for id in request.shallow {
        argue(format!("shallow {}\n", id.as_str()));
    }
    if let Some(depth) = request.deepen {
        argue(format!("deepen {depth}\n"));
    }
    for id in request.wants {
        argue(format!("want {}\n", id.as_str()));
    }
    for id in request.haves {
        argue(format!("have {}\n", id.as_str()));
    }
    argue("done\n".to_owned());
    message.extend_from_slice(b"0001");
    message.extend_from_slice(&arguments);
    message.extend_from_slice(b"0000");
    message
}

/// How the boundary of a shallow history moves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Boundary {
    /// Commits whose parents are missing from now on.
    pub shallow: Vec<CommitId>,
    /// Commits whose parents were missing and are there now.
    pub unshallow: Vec<CommitId>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// The name of a section comes next.
    #[default]
    Start,
    Acknowledgments,
    ShallowInfo,
    WantedRefs,
    Packfile,
    End,
}

/// An answer to [`transfer_request`], packet by packet.
#[derive(Debug, Default)]
pub struct Transfer {
    section: Section,
    boundary: Boundary,
}

impl Transfer {
    /// Takes the next packet; gives the part of the pack that is in it.
    ///
    /// # Errors
    /// If it does not belong there, or the server says that something went wrong.
    pub fn packet<'p>(&mut self, packet: Packet<'p>) -> Result<Option<&'p [u8]>, WireError> {
        match (packet, self.section) {
            (Packet::Data(text), Section::Packfile) => return side_band(text),
            (Packet::Data(text), Section::Start) => self.section = section(line(text))?,
            (Packet::Data(text), Section::Acknowledgments) => acknowledgment(line(text))?,
            (Packet::Data(text), Section::ShallowInfo) => self.boundary(line(text))?,
            (Packet::Data(text), Section::WantedRefs) => wanted(line(text))?,
            (Packet::Data(text), Section::End) => {
                return Err(WireError::unexpected(text, "the end of the answer"));
            }
            (
                Packet::Delimiter,
                Section::Acknowledgments | Section::ShallowInfo | Section::WantedRefs,
            ) => self.section = Section::Start,
            (Packet::Flush, Section::Packfile) => self.section = Section::End,
            (Packet::ResponseEnd, Section::End) => {}
            (Packet::Flush | Packet::Delimiter | Packet::ResponseEnd, _) => {
                return Err(WireError::unexpected(b"", "a pack"));
            }
        }
        Ok(None)
    }

    fn boundary(&mut self, text: &[u8]) -> Result<(), WireError> {
        not_an_error(text)?;
        let Boundary { shallow, unshallow } = &mut self.boundary;
        if shallow.len() + unshallow.len() >= MOST_BOUNDARIES {
            return Err(WireError::TooMany("100,000 boundary commits"));
        }
        if let Some(id) = text.strip_prefix(b"shallow ") {
            shallow.push(object_id(id)?);
        } else if let Some(id) = text.strip_prefix(b"unshallow ") {
            unshallow.push(object_id(id)?);
        } else {
            return Err(WireError::unexpected(text, "`shallow` or `unshallow`"));
        }
        Ok(())
    }

    /// Whether the whole answer has come.
    pub fn is_done(&self) -> bool {
        self.section == Section::End
    }

    /// How the boundary moves.
    ///
    /// # Errors
    /// If the answer is not whole.
    pub fn finish(self) -> Result<Boundary, WireError> {
        if self.is_done() {
            Ok(self.boundary)
        } else {
            Err(WireError::Cut)
        }
    }
}

fn section(name: &[u8]) -> Result<Section, WireError> {
    not_an_error(name)?;
    match name {
        b"acknowledgments" => Ok(Section::Acknowledgments),
        b"shallow-info" => Ok(Section::ShallowInfo),
        b"wanted-refs" => Ok(Section::WantedRefs),
        b"packfile" => Ok(Section::Packfile),
        other => Err(WireError::unexpected(other, "a section")),
    }
}

fn acknowledgment(text: &[u8]) -> Result<(), WireError> {
    not_an_error(text)?;
    match text {
        b"NAK" | b"ready" => Ok(()),
        _ => match text.strip_prefix(b"ACK ") {
            Some(id) => object_id(id).map(drop),
            None => Err(WireError::unexpected(text, "an acknowledgment")),
        },
    }
}

/// `ID NAME`, for whoever asks for references by name. We do not.
fn wanted(text: &[u8]) -> Result<(), WireError> {
    not_an_error(text)?;
    let id = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    object_id(id).map(drop)
}

/// The first byte says what the rest is: pack, progress, or an error.
fn side_band(packet: &[u8]) -> Result<Option<&[u8]>, WireError> {
    match packet.split_first() {
        Some((1, pack)) => Ok(Some(pack)),
        Some((2, _)) => Ok(None),
        Some((3, text)) => Err(WireError::Said(readable(text))),
        _ => Err(WireError::unexpected(packet, "a part of the pack")),
    }
}
