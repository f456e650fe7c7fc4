//! What the comment with the deployment ticket holds: as text for people, and once more, hidden behind
//! it, for the next run, which reads it back, changes it and writes the whole anew.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::registry::reference::Digest;
use crate::report::message::address;
use crate::report::sink::scrubbed;
use crate::secret::{Redactor, shorten};

/// What the hidden line begins with.
const MARK: &str = "<!-- drone-hotfix deployment-ticket ";
const END: &str = " -->";
/// The most promotions that a comment keeps, the latest.
const MOST_PROMOTIONS: usize = 20;
/// The most lines of a ticket in a comment.
const MOST_LINES: usize = 80;
/// The longest text of one field, in characters.
const LONGEST_TEXT: usize = 300;
/// The longest comment that is read, in bytes. GitHub keeps 65,536 characters.
const LONGEST: usize = 256 * 1024;

/// Which comment is meant: that of a hotfix, at the gate of one image. The branch may say more than it
/// should, so nobody can read it in the comment.
#[derive(Debug, Clone)]
pub struct Key {
    digest: String,
    /// What earlier versions wrote.
    old: String,
}

impl Key {
    /// The comment about a hotfix branch whose image goes to this repository.
    pub fn of(branch: &str, image: Option<&str>) -> Self {
        let whole = format!("{branch}\n{}", image.unwrap_or_default());
        Self {
            digest: Digest::of(whole.as_bytes()).as_str().to_owned(),
            old: STANDARD.encode(branch),
        }
    }
}

/// A comment, as data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The lines of the ticket; empty if no run that published has written them.
    #[serde(default)]
    pub ticket: Vec<String>,
    /// The promotions, in the order of their builds.
    #[serde(default)]
    pub promotions: Vec<Promotion>,
}

/// What became of one promotion at the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The number of the build that promotes.
    pub build: u64,
    /// The day, `YYYY-MM-DD`.
    pub date: String,
    /// Where to.
    pub target: String,
    /// The verdict.
    pub verdict: String,
    /// What was promoted, as it was named.
    pub versions: Vec<String>,
    /// Its digests, if `policy.repo` has them.
    pub digests: Vec<String>,
    /// The build's page.
    pub link: Option<String>,
}

impl Record {
    /// Reads the data of a comment, if it is one about this hotfix.
    pub fn read(body: &str, hotfix: &Key) -> Option<Self> {
        if body.len() > LONGEST {
            return None;
        }
        let line = body.lines().next()?.trim();
        let (key, data) = line
            .strip_prefix(MARK)?
            .strip_suffix(END)?
            .split_once(' ')?;
        if key != hotfix.digest && key != hotfix.old {
            return None;
        }
        // Data that cannot be read is lost, but the comment is ours and is written anew.
        let data = STANDARD.decode(data).unwrap_or_default();
        Some(serde_json::from_slice(&data).unwrap_or_default())
    }

    /// Takes over what another record of the same hotfix has, where this one lacks it.
    pub fn add(&mut self, other: Self) {
        if self.ticket.is_empty() {
            self.ticket = other.ticket;
        }
        for promotion in other.promotions {
            if !self
                .promotions
                .iter()
                .any(|known| known.build == promotion.build)
            {
                self.promotions.push(promotion);
            }
        }
    }

    /// Writes down a promotion; of one build only the last word counts.
    pub fn promote(&mut self, promotion: Promotion) {
        self.promotions
            .retain(|known| known.build != promotion.build);
        self.promotions.push(promotion);
    }

    /// The comment. What others wrote stands as code, where the forges see no mention, no link to an
    /// issue and no markup.
    pub fn write(&self, hotfix: &Key, redactor: &Redactor) -> String {
        let record = self.bounded(redactor);
        let data = serde_json::to_vec(&record).unwrap_or_default();
        let mut text = format!(
            "{MARK}{} {}{END}\n### Deployment ticket\n",
            hotfix.digest,
            STANDARD.encode(data)
        );
        if record.ticket.is_empty() {
            text.push_str("\nNo build of this hotfix has published it yet.\n");
        } else {
            let lines = record.ticket.join("\n");
            let fence = fence(&lines);
            text.push_str(&format!("\n{fence}text\n{lines}\n{fence}\n"));
        }
        if !record.promotions.is_empty() {
            text.push_str("\n#### Promotions\n\n");
        }
        for promotion in &record.promotions {
            text.push_str(&promotion.line());
        }
        text
    }

    /// The same within its limits, masked.
    fn bounded(&self, redactor: &Redactor) -> Self {
        let text = |text: &String| shorten(&scrubbed(text, redactor), LONGEST_TEXT);
        let texts = |list: &[String], most| list.iter().take(most).map(text).collect();
        let mut promotions: Vec<Promotion> = self
            .promotions
            .iter()
            .map(|promotion| Promotion {
                build: promotion.build,
                date: text(&promotion.date),
                target: text(&promotion.target),
                verdict: text(&promotion.verdict),
                versions: texts(&promotion.versions, 5),
                digests: texts(&promotion.digests, 5),
                link: promotion.link.as_ref().map(|link| scrubbed(link, redactor)),
            })
            .collect();
        promotions.sort_by_key(|promotion| promotion.build);
        let old = promotions.len().saturating_sub(MOST_PROMOTIONS);
        Self {
            ticket: texts(&self.ticket, MOST_LINES),
            promotions: promotions.split_off(old),
        }
    }
}

impl Promotion {
    fn line(&self) -> String {
        let mut line = format!(
            "- {} to {}: {}",
            code(&self.date),
            code(&self.target),
            code(&self.verdict)
        );
        for part in self.versions.iter().chain(&self.digests) {
            line.push_str(&format!(", {}", code(part)));
        }
        line.push_str(&format!(", build {}", self.build));
        if let Some(link) = self.link.as_deref().and_then(address) {
            line.push_str(&format!(": <{link}>"));
        }
        line.push('\n');
        line
    }
}

/// A text as code within a line.
fn code(text: &str) -> String {
    let text = text.replace('`', "'");
    match text.trim() {
        "" => "` `".to_owned(),
        text => format!("`{text}`"),
    }
}

/// A fence that no line of the text can close.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max();
    "`".repeat(longest.unwrap_or_default().max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promotion(build: u64) -> Promotion {
        Promotion {
            build,
            date: "2026-11-26".to_owned(),
            target: "cs-prod".to_owned(),
            verdict: "allowed".to_owned(),
            versions: vec!["branch-hotfix_x".to_owned()],
            digests: Vec::new(),
            link: Some("https://ci.example/a/b/9".to_owned()),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut record = Record {
            ticket: vec!["version: x".to_owned(), "- ``` @team #1".to_owned()],
            promotions: Vec::new(),
        };
        (1..=30).for_each(|build| record.promote(promotion(build)));
        record.promote(promotion(30));
        let key = Key::of("hotfix/a-->b", Some("quay.example/a/b"));
        let text = record.write(&key, &Redactor::default());
        let read = Record::read(&text, &key).unwrap();
        assert_eq!(read.promotions.len(), MOST_PROMOTIONS);
        assert_eq!(read.ticket, record.ticket);
        assert_eq!(read.write(&key, &Redactor::default()), text);
        for other in [
            Key::of("hotfix/a", Some("quay.example/a/b")),
            Key::of("hotfix/a-->b", None),
            Key::of("hotfix/a-->b", Some("quay.example/a/c")),
        ] {
            assert_eq!(Record::read(&text, &other), None);
        }
        assert_eq!(Record::read(&format!("hello\n{text}"), &key), None);
        assert_eq!(
            text.lines().filter(|line| line.starts_with("````")).count(),
            2
        );
    }

    #[test]
    fn data_that_cannot_be_read_is_nothing() {
        let body = format!("{MARK}{} x{END}", STANDARD.encode("hotfix/a"));
        let key = Key::of("hotfix/a", Some("quay.example/a/b"));
        assert_eq!(Record::read(&body, &key), Some(Record::default()));
        for body in [
            "",
            "<!-- -->",
            &format!("{MARK}{END}"),
            &"x".repeat(1_000_000),
        ] {
            assert_eq!(Record::read(body, &key), None);
        }
    }
}
