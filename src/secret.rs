//! Secrets and the words that must not leave the program.
//!
//! A [`Secret`] never prints itself. A [`Redactor`] knows every secret of a run, also those that a
//! registry hands out while we work, and removes them, in the encodings that logs tend to show,
//! from whatever is about to be printed. This file does not print.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands in the place of a secret.
pub const MASK: &str = "******";

/// The shortest text that is masked. Drone's runner masks from two characters on, which turns
/// `hotfix` into `hot******` for whoever chose the password `fix` (harness/harness#2878). We never
/// print a secret on purpose; masking is the second line, so it may leave out what would only
/// garble the log.
const SHORTEST: usize = 6;

/// The mark that ends a text that was cut. The redactor looks before it for the beginning of a
/// secret whose end was cut off.
pub const CUT: char = '…';

/// At most `most` characters of a text that somebody else chose, and the mark if it was longer.
pub fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}{CUT}", &text[..end]),
        None => text.to_owned(),
    }
}

/// The marks around what a server said. Neither is a character of any text (Unicode, noncharacters).
const SAID: [char; 2] = ['\u{fdd0}', '\u{fdd1}'];

/// What a server said, for output: there, and only there, the words of a confidential hotfix are masked.
/// Whoever writes a commit chooses those words, and must not choose which of ours can be read.
pub fn said(text: &str) -> String {
    let [begin, end] = SAID;
    format!("{begin}{}{end}", text.replace(SAID, ""))
}

/// A text that must never be shown: its `Debug` says nothing, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it to the server it belongs to.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Every text that must not be printed, shared by all parts of one run.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Arc<Mutex<Vec<String>>>,
    /// What must not be printed where a server says it.
    words: Arc<Mutex<Vec<String>>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Adds a secret, each line of it, and what they look like in base64, hexadecimal, URLs, JSON
    /// and HTML. Texts under six characters are left out.
    pub fn add(&self, secret: &str) {
        let mut forms = Vec::new();
        forms_of(secret, &mut forms);
        for line in secret.lines() {
            forms_of(line.trim(), &mut forms);
        }
        know(&self.secrets, forms);
    }

    /// Adds a text that a person wrote and that no server may repeat (see [`said`]).
    pub fn add_words(&self, words: &str) {
        let mut forms = Vec::new();
        forms_of(words, &mut forms);
        know(&self.words, forms);
    }

    /// The text with every known secret replaced by [`MASK`].
    pub fn redact(&self, text: &str) -> String {
        let known = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        masked(self.without_words(text), &known)
    }

    /// The text without words in what servers said, and without the marks around that.
    fn without_words(&self, text: &str) -> String {
        let [begin, end] = SAID;
        let mut parts = text.split(begin);
        let mut whole = parts.next().unwrap_or_default().replace(end, "");
        for part in parts {
            // What was cut short has lost its end.
            let (said, rest) = part.split_once(end).unwrap_or((part, ""));
            let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
            whole.push_str(&masked(said.to_owned(), &words));
            whole.push_str(&rest.replace(end, ""));
        }
        whole
    }
}

fn know(known: &Mutex<Vec<String>>, forms: Vec<String>) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.extend(forms);
    // The longest first, so that a secret inside another does not leave the rest standing.
    known.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    known.dedup();
}

/// The text with each of these replaced by [`MASK`].
fn masked(mut text: String, known: &[String]) -> String {
    for form in known {
        if text.contains(form.as_str()) {
            text = text.replace(form.as_str(), MASK);
        }
    }
    if text.contains(CUT) {
        text = without_beginnings(&text, known);
    }
    text
}

/// Masks the beginning of a secret in front of each cut.
fn without_beginnings(text: &str, known: &[String]) -> String {
    let mut pieces: Vec<&str> = text.split(CUT).collect();
    let last = pieces.pop().unwrap_or_default();
    let mut whole = String::new();
    for piece in pieces {
        let begins = |form: &String| {
            let longest = form.len().min(piece.len());
            (SHORTEST..=longest).rev().find(|length| {
                form.get(..*length)
                    .is_some_and(|start| piece.ends_with(start))
            })
        };
        match known.iter().filter_map(begins).max() {
            Some(length) => {
                whole.push_str(&piece[..piece.len() - length]);
                whole.push_str(MASK);
            }
            None => whole.push_str(piece),
        }
        whole.push(CUT);
    }
    whole.push_str(last);
    whole
}

fn forms_of(secret: &str, forms: &mut Vec<String>) {
    if secret.len() < SHORTEST {
        return;
    }
    let bytes = secret.as_bytes();
    forms.push(secret.to_owned());
    forms.push(hex(bytes, false));
    forms.push(hex(bytes, true));
    forms.push(percent(bytes, false));
    forms.push(percent(bytes, true));
    forms.push(escaped_json(secret));
    forms.push(escaped_html(secret));
    // What we do ourselves to texts of others: non-ASCII shown as escapes, `/` of a branch replaced.
    forms.push(secret.escape_default().to_string());
    forms.push(secret.replace('/', "_"));
    // Base64 shows three different texts for the same secret, by where in the whole it stands
    // (`user:secret`). The characters that also depend on the neighbours are cut off.
    for offset in 0..3_usize {
        let mut padded = vec![0_u8; offset];
        padded.extend_from_slice(bytes);
        let first = (offset * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        for text in [
            STANDARD_NO_PAD.encode(&padded),
            URL_SAFE_NO_PAD.encode(&padded),
        ] {
            if let Some(middle) = text.get(first..last) {
                forms.push(middle.to_owned());
            }
        }
    }
}

fn hex(bytes: &[u8], upper: bool) -> String {
    bytes
        .iter()
        .map(|b| {
            if upper {
                format!("{b:02X}")
            } else {
                format!("{b:02x}")
            }
        })
        .collect()
}

fn percent(bytes: &[u8], lower: bool) -> String {
    bytes
        .iter()
        .map(|&b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            _ if lower => format!("%{b:02x}"),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

fn escaped_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.trim_matches('"').to_owned()
}

fn escaped_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new("correct horse")), MASK);
    }

    #[test]
    fn every_form_of_a_secret_is_masked() {
        let redactor = Redactor::default();
        let secret = "c4n&ry \"Ü\"/+~<x>";
        redactor.add(secret);
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("example:{secret}"));
        let url = URL_SAFE_NO_PAD.encode(format!("ex:{secret}:tail"));
        let core = &STANDARD_NO_PAD.encode(secret)[..16];
        for shown in [
            secret.to_owned(),
            hex(secret.as_bytes(), false),
            percent(secret.as_bytes(), true),
            escaped_json(secret),
            escaped_html(secret),
            STANDARD_NO_PAD.encode(secret),
        ] {
            let text = redactor.redact(&format!("before {shown} after"));
            assert!(text.contains(MASK), "{shown} stands in {text}");
        }
        for shown in [basic, url] {
            let text = redactor.redact(&shown);
            assert!(text.contains(MASK), "{text}");
            assert!(!text.contains(core), "{text}");
        }
    }

    #[test]
    fn a_secret_that_was_cut_is_masked_as_well() {
        let redactor = Redactor::default();
        redactor.add("correct horse battery");
        let cut = shorten("VERSION=correct horse battery", 20);
        assert_eq!(
            redactor.redact(&format!("`{cut}` and …")),
            format!("`VERSION={MASK}…` and …")
        );
        assert_eq!(shorten("ü–x", 3), "ü–x");
        assert_eq!(shorten("ü–xy", 3), "ü–x…");
    }

    #[test]
    fn words_are_masked_in_what_a_server_said_and_nowhere_else() {
        let redactor = Redactor::default();
        redactor.add_words("not checked: reviewed (must)");
        let ours = "not checked: reviewed (must): no forge";
        assert_eq!(redactor.redact(ours), ours);
        let text = format!("answered 500, {}: {ours}", said(&format!("no {ours}")));
        let expected = format!("answered 500, no {MASK}: no forge: {ours}");
        assert_eq!(redactor.redact(&text), expected);
        // A server cannot end its own part, and a cut does not end ours.
        let text = said("x\u{fdd1} not checked: reviewed (must)");
        assert_eq!(redactor.redact(&text), format!("x {MASK}"));
        let cut = shorten(&said("not checked: reviewed (must)"), 15);
        assert_eq!(redactor.redact(&cut), format!("{MASK}…"));
    }

    #[test]
    fn short_texts_do_not_garble_the_log() {
        let redactor = Redactor::default();
        redactor.add("fix");
        assert_eq!(
            redactor.redact("branch-hotfix_HOCS-1"),
            "branch-hotfix_HOCS-1"
        );
    }
}
