//! One block of PEM (RFC 7468), and nothing beside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::WrongKey;

/// The longest text that is read: the keys that we take have a few hundred characters.
const LONGEST: usize = 16 * 1024;

/// A block.
pub(super) struct Block<'a> {
    /// What it says that it is. Plain words.
    pub label: &'a str,
    /// Whether it is encrypted, in either of the two ways.
    pub encrypted: bool,
    body: &'a str,
    next: &'static str,
}

/// The only block of a text. `next` is what to do if there is none.
pub(super) fn only_block<'a>(text: &'a str, next: &'static str) -> Result<Block<'a>, WrongKey> {
    let wrong = |found: &str| Err(WrongKey::new(found, next));
    if text.len() > LONGEST {
        return wrong("a text that is too long for a key");
    }
    if text.contains("\\n") {
        return wrong("PEM in which the line breaks are written as `\\n`");
    }
    let text = text.trim();
    let Some((label, rest)) = text
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.split_once("-----"))
    else {
        return wrong("something that does not begin as PEM does");
    };
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ';
    if label.is_empty() || label.len() > 40 || !label.bytes().all(plain) {
        return wrong("PEM that does not say what it is");
    }
    let end = format!("-----END {label}-----");
    let Some((body, after)) = rest.split_once(end.as_str()) else {
        return wrong("PEM that does not end");
    };
    if after.contains("-----BEGIN ") {
        return wrong("more than one block of PEM");
    }
    if !after.is_empty() {
        return wrong("more than a block of PEM");
    }
    Ok(Block {
        label,
        encrypted: label.contains("ENCRYPTED") || body.contains("ENCRYPTED"),
        body,
        next,
    })
}

impl Block<'_> {
    /// The bytes.
    pub fn der(&self) -> Result<Vec<u8>, WrongKey> {
        let wrong = |found: &str| WrongKey::new(found, self.next);
        let text: String = self.body.split_ascii_whitespace().collect();
        STANDARD
            .decode(text)
            .map_err(|_| wrong("PEM whose inside is not base64"))
    }
}
