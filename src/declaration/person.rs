//! People, as git and trailers write them: `NAME <ADDRESS>`.

/// The longest name, in characters, and the longest address, in bytes (RFC 5321: 254).
const LONGEST_NAME: usize = 128;
const LONGEST_ADDRESS: usize = 254;
/// The longest part of a message that is looked through for helpers, in lines.
const MOST_LINES: usize = 5_000;
/// How git and the forges name somebody who has helped to write a commit.
const HELPER: &str = "co-authored-by";

/// Somebody, by name and mail address. What git's mailmap says of either is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The mail address.
    pub address: String,
}

impl Person {
    /// Reads `NAME <ADDRESS>`: a name with a letter or digit in it and nothing hidden, a plain ASCII
    /// address with one `@`, nothing before, between or behind.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('<')?;
        let address = rest.strip_suffix('>')?;
        let name = name.trim_matches(' ');
        let is_name = name.chars().any(char::is_alphanumeric)
            && name.chars().count() <= LONGEST_NAME
            && !name.contains('>')
            && !name.chars().any(is_hidden);
        let (local, domain) = address.split_once('@')?;
        let plain = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| {
                    byte.is_ascii_graphic()
                        && !matches!(byte, b'<' | b'>' | b'@' | b',' | b';' | b'"')
                })
        };
        (is_name && plain(local) && plain(domain) && address.len() <= LONGEST_ADDRESS).then(|| {
            Self {
                name: name.to_owned(),
                address: address.to_owned(),
            }
        })
    }

    /// Whether two addresses are one, whatever their case.
    pub fn has_address(&self, address: &str) -> bool {
        self.address.eq_ignore_ascii_case(address)
    }
}

/// Those who a message says have helped to write it, by name and address (GitHub, «Creating a commit with
/// multiple authors»). Anything stands there; whoever reads it compares it.
pub fn helpers(message: &str) -> impl Iterator<Item = (&str, &str)> {
    message.lines().take(MOST_LINES).filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        if !key.trim().eq_ignore_ascii_case(HELPER) {
            return None;
        }
        let (name, rest) = value.split_once('<')?;
        let address = rest.split('>').next().unwrap_or_default();
        Some((name.trim(), address.trim()))
    })
}

/// A name as names are compared: without case, and with single blanks. Empty for one without letters,
/// digits and other signs, which is nobody's.
pub fn name_key(name: &str) -> String {
    let shown: String = name.chars().filter(|c| !is_hidden(*c)).collect();
    let words: Vec<String> = shown.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

/// An address as addresses are compared to keep somebody from agreeing with themself: without case, and
/// without what stands behind a `+`, which reaches the same mailbox.
pub fn address_key(address: &str) -> String {
    let lower = address.trim().to_lowercase();
    match lower.split_once('@') {
        Some((local, domain)) => {
            let mailbox = local.split('+').next().unwrap_or_default();
            format!("{mailbox}@{domain}")
        }
        None => lower,
    }
}

/// Whether a character cannot be seen, or moves those beside it.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}
