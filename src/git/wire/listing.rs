//! `ls-refs`: the branches and tags of a server, with what tags point to (gitprotocol-v2).

use super::{Packet, WireError, line, not_an_error, object_id, readable};
use crate::git::refs::{MOST, Reference, References, is_name};

/// The request for branches, tags and `HEAD`. No capability is named, because what a server does
/// not know it refuses, and asking it first would cost another round trip.
pub fn list_request() -> Vec<u8> {
    let mut message = Vec::new();
    let mut say = |text: &[u8]| {
        // A constant text fits into a packet.
        let _ = super::encode(&mut message, text);
    };
    say(b"command=ls-refs\n");
    let mut arguments = Vec::new();
    for argument in [
        "peel\n",
        "symrefs\n",
        "ref-prefix HEAD\n",
        "ref-prefix refs/heads/\n",
        "ref-prefix refs/tags/\n",
    ] {
        let _ = super::encode(&mut arguments, argument.as_bytes());
    }
    message.extend_from_slice(b"0001");
    message.extend_from_slice(&arguments);
    message.extend_from_slice(b"0000");
    message
}

/// An answer to [`list_request`], packet by packet. Servers may send more names than were asked
/// for; those are passed by.
#[derive(Debug, Default)]
pub struct Listing {
    list: Vec<Reference>,
    head: Option<String>,
    lines: usize,
    done: bool,
}

impl Listing {
    /// Takes the next packet.
    ///
    /// # Errors
    /// If it does not belong there.
    pub fn packet(&mut self, packet: Packet<'_>) -> Result<(), WireError> {
        match packet {
            Packet::Data(text) if !self.done => self.reference(line(text)),
            Packet::Flush if !self.done => {
                self.done = true;
                Ok(())
            }
            Packet::Data(text) => Err(WireError::unexpected(text, "the end of the answer")),
            Packet::ResponseEnd if self.done => Ok(()),
            Packet::Flush | Packet::Delimiter | Packet::ResponseEnd => {
                Err(WireError::unexpected(b"", "a reference"))
            }
        }
    }

    /// `ID NAME [symref-target:NAME] [peeled:ID]`
    fn reference(&mut self, text: &[u8]) -> Result<(), WireError> {
        not_an_error(text)?;
        self.lines += 1;
        if self.lines > MOST {
            return Err(WireError::TooMany("250,000 references"));
        }
        let mut words = text.split(|byte| *byte == b' ');
        let id = words.next().unwrap_or_default();
        let name = words.next().unwrap_or_default();
        // Such a branch exists only in name; it is sent to whoever asks for it, and we do not.
        let id = if id == b"unborn" {
            None
        } else {
            Some(object_id(id)?)
        };
        // A name that is no UTF-8 can be asked for by nobody here.
        let Ok(name) = std::str::from_utf8(name) else {
            return Ok(());
        };
        if !is_name(name) {
            return Err(WireError::unexpected(text, "a reference"));
        }
        let (mut peeled, mut symbolic) = (None, None);
        for word in words {
            if let Some(target) = word.strip_prefix(b"symref-target:") {
                symbolic = std::str::from_utf8(target)
                    .ok()
                    .filter(|name| is_name(name));
            } else if let Some(target) = word.strip_prefix(b"peeled:") {
                peeled = Some(object_id(target)?);
            }
        }
        if name == "HEAD" {
            self.head = symbolic.map(str::to_owned);
        } else if let Some(id) = id
            && (name.starts_with("refs/heads/") || name.starts_with("refs/tags/"))
        {
            let name = name.to_owned();
            self.list.push(Reference { name, id, peeled });
        }
        Ok(())
    }

    /// Whether the whole answer has come.
    pub const fn is_done(&self) -> bool {
        self.done
    }

    /// Everything that came.
    ///
    /// # Errors
    /// If the answer is not whole, or a name stands there twice.
    pub fn finish(self) -> Result<References, WireError> {
        if !self.done {
            return Err(WireError::Cut);
        }
        References::new(self.list, self.head)
            .map_err(|name| WireError::Twice(readable(name.as_bytes())))
    }
}
