//! Keys of a policy that this version reads and checks, but that decide nothing yet.
//!
//! A team may write its whole policy today: mistakes in these keys are found, the report names
//! every one of them that is set, and no rule pretends to have used it. A rule that a policy
//! demands and that does not exist yet is never taken as passed (see `rules::later`).

use reqwest::Url;

use super::read::{Table, list, parsed};
use super::tree::Node;
use crate::problem::Problem;

/// The values of those keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Later {
    /// Who may override which rule until which day.
    pub overrides: Vec<Override>,
    /// Address of the forge.
    pub forge: Option<String>,
}

/// One entry of `policy.overrides`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Logins.
    pub who: Vec<String>,
    /// The rule.
    pub rule: String,
    /// The last day, `YYYY-MM-DD`.
    pub until: String,
}

/// The keys of `policy` that this file reads.
pub const KEYS: [&str; 2] = ["overrides", "forge"];

/// Reads the keys.
pub fn read(policy: &Table<'_>, rules: &[&str], problems: &mut Vec<Problem>) -> Later {
    let mut later = Later::default();
    match policy.get("overrides") {
        None => {}
        Some(Node::List(entries)) => {
            for (i, entry) in entries.iter().enumerate() {
                let at = format!("{}[{i}]", policy.at("overrides"));
                later
                    .overrides
                    .extend(one_override(&at, entry, rules, problems));
            }
        }
        Some(other) => {
            problems.push(Problem::new(
                policy.at("overrides"),
                other.describe(),
                "a list",
            ));
        }
    }
    let expected = "an address such as `https://git.example`";
    later.forge = policy.parsed("forge", expected, problems, |text| match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => Ok(text.to_owned()),
        Ok(_) => Err("not https".to_owned()),
        Err(why) => Err(why.to_string()),
    });
    later
}

fn one_override(
    at: &str,
    node: &Node,
    rules: &[&str],
    problems: &mut Vec<Problem>,
) -> Option<Override> {
    let table = Table::read(at, node, &["who", "rule", "until"], problems);
    let who = table.list("who", problems);
    let rule = table.parsed("rule", &list(rules), problems, |rule| {
        if rules.contains(&rule) {
            Ok(rule.to_owned())
        } else {
            Err("no such rule".to_owned())
        }
    });
    let until = table.text("until", problems).and_then(|until| {
        parsed(
            &table.at("until"),
            until,
            "a day such as `2027-01-31`",
            problems,
            day,
        )
    });
    for key in ["who", "rule", "until"] {
        if table.get(key).is_none() {
            problems.push(Problem::new(
                table.at(key),
                "nothing",
                "who may override what, until when",
            ));
        }
    }
    Some(Override {
        who: who?,
        rule: rule?,
        until: until?,
    })
}

/// A day. Woodpecker writes a bare YAML date as midnight in UTC; that is the same day.
fn day(text: &str) -> Result<String, String> {
    let day = text.strip_suffix("T00:00:00Z").unwrap_or(text);
    let shape = crate::hotfix::compile(r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$")?;
    if shape.is_match(day) {
        Ok(day.to_owned())
    } else {
        Err(String::new())
    }
}
