//! The message to people, made of the report in this one place; the forms that mail, chat and webhooks
//! take are made of it. What a message says went through the same mask as the log, and nothing in it
//! is taken for a mention, a link, a heading or another header.

use serde::Serialize;
use serde_json::{Value, json};

use super::log::headline;
use super::sink::{scrubbed, shell};
use super::{Ending, Judged, Published, Report, VERSION, json};
use crate::ci::Event;
use crate::policy::notify::Occasion;
use crate::registry::reference::Digest;
use crate::secret::{Redactor, shorten};
use crate::verdict::{Decision, Effect, Finding, Outcome, Step};

/// The most findings that a message tells of.
const MOST_FINDINGS: usize = 10;
/// The longest title, which is the subject of a mail: longer ones are cut by readers.
const LONGEST_TITLE: usize = 160;
/// The longest text of a message, in characters. Mattermost takes 16,383, Slack 40,000.
const LONGEST_TEXT: usize = 12_000;

/// What people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Why.
    pub occasion: Occasion,
    /// In a few words.
    pub title: String,
    /// All of it, line by line.
    pub lines: Vec<String>,
    /// The build's page, an address without anything hidden in it.
    pub link: Option<String>,
}

/// What there is to tell of a report, if there is anything: nothing of a pull request, which is not yet
/// anybody's hotfix, of a rehearsal, and of an allowed promotion of an ordinary release.
pub fn occasion(report: &Report) -> Option<Occasion> {
    let Ending::Judged(judged) = &report.ending else {
        return None;
    };
    if judged.rehearsal || judged.event == Event::PullRequest {
        return None;
    }
    match (judged.verdict.decision(), &judged.published) {
        (Decision::Refused | Decision::Undecided, _)
        | (Decision::Allowed, Published::Failed(_) | Published::NotHandedOn(_)) => {
            Some(Occasion::Refused)
        }
        (Decision::Allowed, Published::Tags(_) | Published::File { .. }) => {
            Some(Occasion::Published)
        }
        (Decision::Allowed, _) => {
            let hotfix = judged.event.is_promotion() && !report.subject.hotfix_by.is_empty();
            hotfix.then_some(Occasion::Promoted)
        }
    }
}

impl Message {
    /// The message of a report, masked and with hidden characters shown.
    pub fn of(report: &Report, redactor: &Redactor) -> Option<Self> {
        let Ending::Judged(judged) = &report.ending else {
            return None;
        };
        let occasion = occasion(report)?;
        let subject = &report.subject;
        let title = format!(
            "{}: {} ({}, build {})",
            word(judged, occasion),
            judged.about,
            subject.repo,
            subject.number
        );
        let mut lines = vec![headline::headline(judged).1];
        let overridden = judged.verdict.with(Effect::Overridden);
        lines.extend(overridden.map(headline::overridden));
        match occasion {
            Occasion::Published => lines.extend(judged.ticket.iter().flat_map(|ticket| {
                let block = [String::new(), "deployment ticket".to_owned()];
                block.into_iter().chain(ticket.lines())
            })),
            Occasion::Refused => {
                let stops = [Effect::Refuses, Effect::Undecides];
                let all = stops
                    .into_iter()
                    .flat_map(|effect| judged.verdict.with(effect));
                lines.extend(all.take(MOST_FINDINGS).flat_map(finding));
            }
            Occasion::Promoted => {
                let judged = subject.judged.iter();
                lines
                    .extend(judged.map(|(version, digest)| {
                        format!("`{}` is {digest}", shorten(version, 80))
                    }));
            }
        }
        lines.push(String::new());
        lines.extend(
            subject
                .ticket
                .iter()
                .map(|ticket| format!("ticket: {ticket}")),
        );
        let issue = subject.issue.as_deref().and_then(address);
        lines.extend(issue.iter().map(|link| format!("issue:  {link}")));
        let link = subject.link.as_deref().and_then(address);
        lines.extend(link.iter().map(|link| format!("build:  {link}")));
        let policy = subject.policy.as_ref().map(Digest::as_str);
        lines.push(format!(
            "drone-hotfix {VERSION}, policy {}",
            policy.unwrap_or_default()
        ));
        let scrub = |text: &String| scrubbed(text, redactor);
        let title = shorten(&scrub(&title), LONGEST_TITLE);
        Some(Self {
            occasion,
            title,
            lines: lines.iter().map(scrub).collect(),
            link: link.as_ref().map(scrub),
        })
    }

    /// The text, without its title.
    pub fn text(&self) -> String {
        shorten(&self.lines.join("\n"), LONGEST_TEXT)
    }

    /// Our own JSON: the message, and the summary that it is about.
    pub fn json(&self, report: &Report, redactor: &Redactor) -> String {
        #[derive(Serialize)]
        struct Ours<'a> {
            schema: u32,
            tool: &'static str,
            event: &'static str,
            title: &'a str,
            text: String,
            summary: Value,
        }
        let ours = Ours {
            schema: json::SCHEMA,
            tool: "drone-hotfix",
            event: self.occasion.as_str(),
            title: &self.title,
            text: self.text(),
            summary: json::value(report, redactor),
        };
        serde_json::to_string(&ours).unwrap_or_default()
    }

    /// What incoming webhooks of Slack and Mattermost take. All but the link stands as code, in which
    /// Mattermost sees neither mentions nor links. Slack sees `<!channel>` even there, so angle
    /// brackets become others; its escapes (`&lt;`) would stand as they are in Mattermost.
    pub fn slack(&self) -> String {
        let code = |text: &str| {
            text.replace('`', "'")
                .replace('<', "\u{2039}")
                .replace('>', "\u{203a}")
        };
        let mut text = format!("```\n{}\n\n{}\n```", code(&self.title), code(&self.text()));
        if let Some(link) = &self.link {
            text.push('\n');
            text.push_str(link);
        }
        json!({ "text": text }).to_string()
    }
}

/// What happened, in a word or two.
fn word(judged: &Judged, occasion: Occasion) -> &'static str {
    match (occasion, judged.verdict.decision(), judged.enforced) {
        (Occasion::Published, ..) => match judged.published {
            Published::File { .. } => "hotfix allowed, to be built and pushed",
            _ => "hotfix published",
        },
        (Occasion::Promoted, ..) => "promotion allowed",
        (Occasion::Refused, Decision::Refused, true) => "refused",
        (Occasion::Refused, Decision::Refused, false) => "would be refused",
        (Occasion::Refused, Decision::Undecided, true) => "undecided",
        (Occasion::Refused, Decision::Undecided, false) => "would be undecided",
        (Occasion::Refused, Decision::Allowed, _) => match judged.published {
            Published::NotHandedOn(_) => "not handed on",
            _ => "not published",
        },
    }
}

fn finding(finding: &Finding) -> Vec<String> {
    let (word, fields, steps): (_, Vec<(&str, &str)>, &[Step]) = match &finding.outcome {
        Outcome::Violation {
            found,
            expected,
            next,
        } => {
            let fields = vec![("found:   ", &**found), ("expected:", &**expected)];
            ("violated", fields, next)
        }
        Outcome::Unknown { because, next, .. } | Outcome::NotChecked { because, next } => {
            ("unknown", vec![("missing: ", because)], next)
        }
        Outcome::Pass { .. } | Outcome::NotApplicable { .. } => return Vec::new(),
    };
    let mut lines = vec![
        String::new(),
        format!("{word}: {} ({})", finding.rule, finding.level),
    ];
    let fields = fields.into_iter();
    lines.extend(fields.map(|(name, text)| format!("{name} {text}")));
    lines.extend(steps.iter().map(|step| match step {
        Step::Say(text) => format!("next:     {text}"),
        Step::Run(words) => format!("next:     $ {}", shell(words)),
    }));
    lines
}

/// An address as a link that nothing can hide in: a host and a path of https or http, without a name
/// in front of the host, and with everything unusual escaped.
pub(super) fn address(text: &str) -> Option<String> {
    let url = reqwest::Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "https" | "http")
        && url.username().is_empty()
        && url.password().is_none();
    let shown: String = url
        .as_str()
        .chars()
        .map(|c| match c {
            '(' | ')' | '[' | ']' | '|' | '@' | '!' | '*' | '`' | '\\' | '\'' | '"' | '<' | '>' => {
                format!("%{:02X}", u32::from(c))
            }
            c => c.to_string(),
        })
        .collect();
    (plain && shown.len() <= 2_000).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_in_a_link() {
        let https = "https://ci.example/a/b/418";
        assert_eq!(address(https).as_deref(), Some(https));
        let escaped = "https://ci.example/a%7C%3Cx%3E%29%40channel";
        assert_eq!(
            address("https://ci.example/a|<x>)@channel").as_deref(),
            Some(escaped)
        );
        for bad in [
            "javascript:alert(1)",
            "x",
            "https://a@ci.example/",
            "file:///etc",
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_chat_sees_no_mention() {
        let message = Message {
            occasion: Occasion::Refused,
            title: "refused: `hotfix/<!channel>`".to_owned(),
            lines: vec!["```".to_owned(), "@here <https://x|y>".to_owned()],
            link: None,
        };
        let text: Value = serde_json::from_str(&message.slack()).unwrap();
        let text = text["text"].as_str().unwrap();
        assert!(!text.contains(['<', '>']), "{text}");
        assert_eq!(text.matches("```").count(), 2, "{text}");
    }
}
