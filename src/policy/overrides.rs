//! `policy.overrides`: who may override which rule, and until when. What an override needs beside
//! its entry is in [`crate::overrides`].

use super::RuleKey;
use super::read::{Table, parsed};
use super::tree::Node;
use crate::day::Day;
use crate::problem::{Problem, did_you_mean};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Logins in the CI server, compared exactly.
    pub who: Vec<String>,
    /// Id of the one rule.
    pub rule: String,
    /// The last day, in UTC.
    pub until: Day,
}

/// Reads the key.
pub(super) fn read(
    policy: &Table<'_>,
    rules: &[RuleKey],
    problems: &mut Vec<Problem>,
) -> Vec<Entry> {
    let at = policy.at("overrides");
    match policy.get("overrides") {
        None => Vec::new(),
        Some(Node::List(entries)) => entries
            .iter()
            .enumerate()
            .flat_map(|(i, node)| entries_of(&format!("{at}[{i}]"), node, rules, problems))
            .collect(),
        Some(other) => {
            problems.push(Problem::new(at, other.describe(), "a list"));
            Vec::new()
        }
    }
}

/// One entry for each rule that it names.
fn entries_of(at: &str, node: &Node, rules: &[RuleKey], problems: &mut Vec<Problem>) -> Vec<Entry> {
    let table = Table::read(at, node, &["who", "rule", "until"], problems);
    let who = people(&table, problems);
    let named = named(&table, rules, problems);
    let until = table.text("until", problems).and_then(|until| {
        parsed(
            &table.at("until"),
            until,
            "a day of the calendar, such as `2027-01-31`",
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
    let (Some(who), Some(until)) = (who, until) else {
        return Vec::new();
    };
    let one = |rule| Entry {
        who: who.clone(),
        rule,
        until,
    };
    named.into_iter().map(one).collect()
}

/// Logins of people: `@hook` and `@cron`, which Drone gives for a trigger, would let every push and
/// every schedule override.
fn people(table: &Table<'_>, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let at = table.at("who");
    let who = table.list("who", problems)?;
    if who.is_empty() {
        problems.push(Problem::new(
            &at,
            "an empty list",
            "logins in the CI server",
        ));
    }
    for login in &who {
        if login.starts_with('@') {
            problems.push(Problem::new(
                &at,
                format!("`{login}`"),
                "people: `@hook` and `@cron` are no logins",
            ));
        } else if login.is_empty()
            || login.contains(['*', '?'])
            || login.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            problems.push(Problem::new(
                &at,
                format!("`{login}`"),
                "whole logins, one by one: there are no patterns and no groups",
            ));
        }
    }
    Some(who)
}

fn named(table: &Table<'_>, rules: &[RuleKey], problems: &mut Vec<Problem>) -> Vec<String> {
    let written = table.list("rule", problems).unwrap_or_default();
    let ids = written
        .iter()
        .filter_map(|id| rule(table, id, rules, problems));
    ids.collect()
}

fn rule(
    table: &Table<'_>,
    written: &str,
    rules: &[RuleKey],
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let at = table.at("rule");
    match rules.iter().find(|rule| rule.id == written) {
        Some(rule) if rule.fixed => {
            let expected = "a rule that can be overridden: what cannot be read in one way cannot be \
                            allowed by anybody, so promote again with a plain target and version";
            problems.push(Problem::new(at, format!("`{written}`"), expected));
            None
        }
        Some(rule) => Some(rule.id.to_owned()),
        None => {
            let ids: Vec<&str> = rules.iter().map(|rule| rule.id).collect();
            let found = Node::Text(written.to_owned()).describe();
            let expected = "the id of one rule of docs/rules.md; there are no patterns";
            let problem = Problem::new(at, format!("{found}: no such rule"), expected);
            problems.push(match did_you_mean(written, ids) {
                Some(meant) => problem.next(format!("did you mean `{meant}`?")),
                None => problem,
            });
            None
        }
    }
}

/// A day. Woodpecker writes a bare YAML date as midnight in UTC; that is the same day.
fn day(text: &str) -> Result<Day, String> {
    let text = text.strip_suffix("T00:00:00Z").unwrap_or(text);
    Day::parse(text).ok_or_else(|| "no day of the calendar".to_owned())
}
