//! The one way out. Every line that a person sees passes here: secrets are masked, and characters
//! that move the cursor, hide, or turn the direction of text are shown as escapes, so that a branch
//! name cannot write a verdict of its own into the log.

use std::io::Write;

use crate::secret::Redactor;

/// The longest line that is printed; a CI server cuts longer ones in worse places.
const LONGEST_LINE: usize = 4_000;

/// How a line is set off, where colour is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// What is allowed or done.
    Good,
    /// What is refused.
    Bad,
    /// What needs attention.
    Caution,
    /// What stands behind the rest.
    Faint,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "1;32",
            Self::Bad => "1;31",
            Self::Caution => "1;33",
            Self::Faint => "2",
        }
    }
}

/// Writes lines.
pub struct Sink<W> {
    out: W,
    redactor: Redactor,
    colour: bool,
}

impl<W: Write> Sink<W> {
    /// A sink that masks what the redactor knows.
    pub const fn new(out: W, redactor: Redactor, colour: bool) -> Self {
        Self {
            out,
            redactor,
            colour,
        }
    }

    /// Writes one line. That the log cannot be written is no reason for another verdict, so errors
    /// of the stream are dropped.
    pub fn line(&mut self, style: Style, text: &str) {
        let text = scrubbed(text, &self.redactor);
        let _ = if self.colour && style != Style::Plain {
            writeln!(self.out, "\u{1b}[{}m{text}\u{1b}[0m", style.code())
        } else {
            writeln!(self.out, "{text}")
        };
    }

    /// Writes one line that somebody waits for.
    pub fn say(&mut self, style: Style, text: &str) {
        self.line(style, text);
        let _ = self.out.flush();
    }

    /// Flushes what was written.
    pub fn finish(mut self) {
        let _ = self.out.flush();
    }
}

/// A text as it may leave the program: secrets masked, and [`clean`].
pub fn scrubbed(text: &str, redactor: &Redactor) -> String {
    clean(&redactor.redact(text))
}

/// Replaces what must not reach a terminal or log by visible escapes, and shortens what is too long.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST_LINE {
            clean.push('…');
            break;
        }
        if is_hidden(c) {
            clean.extend(c.escape_unicode());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// Control characters, line and paragraph separators, marks that turn the direction of text, and
/// characters without a picture (Unicode categories Cc, Cf, Zl, Zp and the fillers).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// A command line that a shell reads as exactly these words.
pub fn shell(words: &[String]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&b);
    let quoted = words.iter().map(|word| {
        if !word.is_empty() && word.bytes().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_or_hides_is_shown() {
        assert_eq!(
            clean("a\u{1b}[2Jb\r\nc\u{202e}d\u{200b}"),
            "a\\u{1b}[2Jb\\u{d}\\u{a}c\\u{202e}d\\u{200b}"
        );
        assert_eq!(clean("ü – «日本»"), "ü – «日本»");
        assert_eq!(clean(&"x".repeat(10_000)).chars().count(), LONGEST_LINE + 1);
    }

    #[test]
    fn a_command_is_quoted_for_the_shell() {
        let words = |w: &[&str]| w.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            shell(&words(&["kubectl", "--namespace=cs-qa"])),
            "kubectl --namespace=cs-qa"
        );
        assert_eq!(
            shell(&words(&["a", "x; rm -rf $HOME `id`", "it's", ""])),
            r"a 'x; rm -rf $HOME `id`' 'it'\''s' ''"
        );
    }

    #[test]
    fn colour_frames_a_line_and_secrets_are_masked() {
        let redactor = Redactor::default();
        redactor.add("canary-secret");
        let mut out = Vec::new();
        let mut sink = Sink::new(&mut out, redactor, true);
        sink.line(Style::Bad, "refused canary-secret");
        sink.line(Style::Plain, "plain");
        sink.finish();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\u{1b}[1;31mrefused ******\u{1b}[0m\nplain\n"
        );
    }
}
