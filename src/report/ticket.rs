//! The deployment ticket (process.md B12, B12b): what the people who deploy need to know of a
//! published hotfix. Plain data; its texts of others came through `Facts::words`.

use super::sink::scrubbed;
use crate::secret::Redactor;

/// The first line of a ticket in a file, by which a file is known as ours.
const HEADING: &str = "deployment ticket (drone-hotfix)";

/// What is to be deployed, where its code lies, and what it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What it is called: `version-release` of a train, else the published tag.
    pub version: String,
    /// The image by tag and digest; unknown where a later step builds it.
    pub image: Option<String>,
    /// The full id of the commit.
    pub commit: String,
    /// Where the code is cloned from, without credentials.
    pub code: Option<String>,
    /// The branch.
    pub branch: String,
    /// What the changes are counted from: of a train its release before, else where the hotfix starts.
    pub since: Option<String>,
    /// One line for each change since the last release, newest first; or why they are not known.
    pub changes: Result<Changes, String>,
}

/// The changes since the last release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Their lines.
    pub lines: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

impl Ticket {
    /// The block, line by line, to be copied as it is.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("version: {}", self.version)];
        if let Some(image) = &self.image {
            lines.push(format!("image:   {image}"));
        }
        lines.push(format!("commit:  {}", self.commit));
        lines.push(match &self.code {
            Some(code) => format!("code:    {code}, branch {}", self.branch),
            None => format!("code:    branch {}", self.branch),
        });
        let since = match &self.since {
            Some(since) => format!("changes since {since}:"),
            None => "changes:".to_owned(),
        };
        match &self.changes {
            Ok(changes) => {
                lines.push(since);
                lines.extend(changes.lines.iter().map(|line| format!("- {line}")));
                if changes.more > 0 {
                    lines.push(format!("- and {} more", changes.more));
                }
            }
            Err(why) => lines.push(format!("changes: not known: {why}")),
        }
        lines
    }

    /// The ticket as a file.
    pub fn file(&self, redactor: &Redactor) -> String {
        let mut text = format!("{HEADING}\n");
        for line in self.lines() {
            text.push_str(&scrubbed(&line, redactor));
            text.push('\n');
        }
        text
    }
}

/// Whether a file is a ticket of ours.
pub fn is_ticket(text: &str) -> bool {
    text.lines().next() == Some(HEADING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_has_one_line_for_each_thing() {
        let ticket = Ticket {
            version: "branch-hotfix_HOCS-1".to_owned(),
            image: None,
            commit: "0".repeat(40),
            code: Some("https://git.example/a/b.git".to_owned()),
            branch: "hotfix/HOCS-1".to_owned(),
            since: Some("`1.0.0` (abc1234)".to_owned()),
            changes: Ok(Changes {
                lines: vec!["mend\ntwo (abc1234)".to_owned()],
                more: 2,
            }),
        };
        let file = ticket.file(&Redactor::default());
        assert!(is_ticket(&file) && !is_ticket("") && !is_ticket("deployment ticket\n"));
        assert_eq!(file.lines().count(), 7, "{file}");
        assert!(
            file.contains("- mend\\u{a}two (abc1234)\n- and 2 more\n"),
            "{file}"
        );
    }
}
