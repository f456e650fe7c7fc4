//! Packets: four hexadecimal digits of length, and as many bytes less four (gitprotocol-common).

use super::{WireError, readable};

/// The longest packet, its length included.
pub const LONGEST_PACKET: usize = 65_520;
const HEAD: usize = 4;

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Content.
    Data(&'a [u8]),
    /// `0000`: the end of a message.
    Flush,
    /// `0001`: the end of a section.
    Delimiter,
    /// `0002`: the end of an answer on a connection that has no end of its own.
    ResponseEnd,
}

/// Adds a packet of content to a message.
///
/// # Errors
/// If the content is longer than a packet can be; its length.
pub fn encode(message: &mut Vec<u8>, content: &[u8]) -> Result<(), usize> {
    let length = content.len() + HEAD;
    if length > LONGEST_PACKET {
        return Err(content.len());
    }
    message.extend_from_slice(format!("{length:04x}").as_bytes());
    message.extend_from_slice(content);
    Ok(())
}

/// Cuts an answer into packets while it comes. It keeps one packet at the most.
#[derive(Debug, Default)]
pub struct Decoder {
    /// A packet of which not all has come.
    part: Vec<u8>,
    /// What stands in `part` was handed over.
    done: bool,
}

impl Decoder {
    /// The next packet, taken from the front of `input`; `None` when all of `input` was taken and
    /// the packet goes on in what comes next.
    ///
    /// # Errors
    /// If a length is none.
    pub fn next<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Packet<'s>>, WireError> {
        if self.done {
            self.part.clear();
            self.done = false;
        }
        if self.part.is_empty() && input.len() >= HEAD {
            let length = length(&input[..HEAD])?;
            if let Length::Whole(length) = length
                && input.len() < length
            {
                // Goes on below.
            } else {
                let (packet, rest) = input.split_at(length.bytes());
                *input = rest;
                return Ok(Some(length.packet(packet)));
            }
        }
        self.take(HEAD, input);
        if self.part.len() < HEAD {
            return Ok(None);
        }
        let length = length(&self.part[..HEAD])?;
        self.take(length.bytes(), input);
        if self.part.len() < length.bytes() {
            return Ok(None);
        }
        self.done = true;
        Ok(Some(length.packet(&self.part)))
    }

    /// Whether the answer may end here: between two packets.
    pub fn is_between(&self) -> bool {
        self.done || self.part.is_empty()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.part.capacity()
    }

    /// Moves bytes until `part` has so many.
    fn take(&mut self, most: usize, input: &mut &[u8]) {
        let missing = most.saturating_sub(self.part.len()).min(input.len());
        let (taken, rest) = input.split_at(missing);
        self.part.extend_from_slice(taken);
        *input = rest;
    }
}

#[derive(Clone, Copy)]
enum Length {
    Flush,
    Delimiter,
    ResponseEnd,
    Whole(usize),
}

impl Length {
    const fn bytes(self) -> usize {
        match self {
            Self::Flush | Self::Delimiter | Self::ResponseEnd => HEAD,
            Self::Whole(length) => length,
        }
    }

    fn packet(self, bytes: &[u8]) -> Packet<'_> {
        match self {
            Self::Flush => Packet::Flush,
            Self::Delimiter => Packet::Delimiter,
            Self::ResponseEnd => Packet::ResponseEnd,
            Self::Whole(_) => Packet::Data(&bytes[HEAD..]),
        }
    }
}

fn length(digits: &[u8]) -> Result<Length, WireError> {
    let mut length = 0;
    for digit in digits {
        // `from_str_radix` would take a sign.
        let value = char::from(*digit).to_digit(16);
        let value = value.ok_or_else(|| WireError::NotPackets(readable(digits)))?;
        length = length * 16 + value as usize;
    }
    match length {
        0 => Ok(Length::Flush),
        1 => Ok(Length::Delimiter),
        2 => Ok(Length::ResponseEnd),
        HEAD..=LONGEST_PACKET => Ok(Length::Whole(length)),
        _ => Err(WireError::NotPackets(readable(digits))),
    }
}
