//! What a server says of itself before anything is asked: `info/refs?service=git-upload-pack`
//! (gitprotocol-http, gitprotocol-v2).

use super::{Packet, WireError, line, not_an_error, object_id};

/// How many capabilities a server may have.
const MOST_CAPABILITIES: usize = 1_000;

/// What a server of version 2 can do, as far as we ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// It lists references.
    pub lists: bool,
    /// It sends objects.
    pub fetches: bool,
    /// It knows shallow histories.
    pub shallow: bool,
    /// It can leave trees and blobs out.
    pub filters: bool,
    /// Its objects are named by SHA-256.
    pub sha256: bool,
}

/// What a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advertisement {
    /// It speaks version 2.
    Version2(Capabilities),
    /// It speaks an older version.
    Old(u8),
}

/// The greeting of a server, packet by packet. It is done as soon as it is known what the server is:
/// the thousands of references that an old one sends are not read.
#[derive(Debug, Default)]
pub struct Greeting {
    capabilities: Option<Capabilities>,
    lines: usize,
    answer: Option<Advertisement>,
}

impl Greeting {
    /// Takes the next packet.
    ///
    /// # Errors
    /// If it does not belong there.
    pub fn packet(&mut self, packet: Packet<'_>) -> Result<(), WireError> {
        if self.answer.is_some() {
            return Ok(());
        }
        let text = match packet {
            Packet::Data(text) => line(text),
            Packet::Flush => {
                self.answer = self.capabilities.take().map(Advertisement::Version2);
                return Ok(());
            }
            Packet::Delimiter | Packet::ResponseEnd => {
                return Err(WireError::unexpected(b"", "a greeting"));
            }
        };
        not_an_error(text)?;
        self.lines += 1;
        if self.lines > MOST_CAPABILITIES {
            return Err(WireError::TooMany("1,000 capabilities"));
        }
        match &mut self.capabilities {
            Some(capabilities) => capabilities.add(text),
            None if text == b"# service=git-upload-pack" => {}
            None if text == b"version 2" => self.capabilities = Some(Capabilities::default()),
            None if text == b"version 1" => self.answer = Some(Advertisement::Old(1)),
            None => {
                // Version 0 begins with the first reference.
                let id = text.split(|byte| *byte == b' ').next().unwrap_or_default();
                object_id(id)?;
                self.answer = Some(Advertisement::Old(0));
            }
        }
        Ok(())
    }

    /// What the server is, once that is known.
    pub const fn answer(&self) -> Option<&Advertisement> {
        self.answer.as_ref()
    }
}

impl Capabilities {
    fn add(&mut self, text: &[u8]) {
        let mut parts = text.splitn(2, |byte| *byte == b'=');
        let name = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        let mut features = value.split(|byte| *byte == b' ');
        match name {
            b"ls-refs" => self.lists = true,
            b"fetch" => {
                self.fetches = true;
                self.shallow |= features.clone().any(|feature| feature == b"shallow");
                self.filters |= features.any(|feature| feature == b"filter");
            }
            b"object-format" => self.sha256 |= value == b"sha256",
            _ => {}
        }
    }
}
