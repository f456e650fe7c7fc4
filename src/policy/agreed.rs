//! `policy.agreed`: who has to want a hotfix, and how they say so (A19, B05).

use super::read::Table;
use crate::declaration::person::Person;
use crate::problem::Problem;

/// How somebody is written.
const WHO: &str = "`NAME <ADDRESS>`, `@login`, both of them, or `organisation/team`";

/// Who has to agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// People and teams.
    pub by: Vec<Who>,
    /// How many of them.
    pub count: usize,
    /// Labels of a pull request, each of which says the same as all of them together.
    pub labels: Vec<String>,
    /// Whether the decision must be declared, too.
    pub decision: bool,
}

/// Somebody who may agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A person.
    Person {
        /// By name and address, in trailers.
        person: Option<Person>,
        /// By login, in reviews.
        login: Option<String>,
        /// As written.
        text: String,
    },
    /// A team, `organisation/team`, in reviews.
    Team(String),
}

impl Who {
    /// Reads one.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let login = |text: &str| {
            let login = text.strip_prefix('@')?;
            is_name(login).then(|| login.to_owned())
        };
        if let Some((before, behind)) = text.rsplit_once('>') {
            let behind = behind.trim();
            let account = login(behind);
            if !behind.is_empty() && account.is_none() {
                return None;
            }
            let person = Person::parse(&format!("{before}>"))?;
            return Some(Self::Person {
                person: Some(person),
                login: account,
                text: text.to_owned(),
            });
        }
        let team = text.strip_prefix('@').unwrap_or(text).split_once('/');
        if let Some((organisation, team)) = team {
            return (is_name(organisation) && is_name(team))
                .then(|| Self::Team(format!("{organisation}/{team}")));
        }
        login(text).map(|login| Self::Person {
            person: None,
            login: Some(login),
            text: text.to_owned(),
        })
    }

    /// It, as written.
    pub fn text(&self) -> &str {
        match self {
            Self::Person { text, .. } | Self::Team(text) => text,
        }
    }
}

impl Agreed {
    /// Its teams.
    pub fn teams(&self) -> impl Iterator<Item = &str> {
        self.by.iter().filter_map(|who| match who {
            Who::Team(team) => Some(team.as_str()),
            Who::Person { .. } => None,
        })
    }

    /// Whether the forge can say that they agree.
    pub fn asks_forge(&self) -> bool {
        let in_forge = |who: &Who| !matches!(who, Who::Person { login: None, .. });
        self.by.iter().any(in_forge) || !self.labels.is_empty()
    }

    /// Whom a report names, in a sentence.
    pub fn describe(&self) -> String {
        let labels = self
            .labels
            .iter()
            .map(|label| format!("the label `{label}`"));
        let names: Vec<String> = self
            .by
            .iter()
            .map(|who| format!("`{}`", who.text()))
            .collect();
        let people = match names.len() {
            0 => None,
            _ => Some(format!("{} of {}", self.count, names.join(", "))),
        };
        people
            .into_iter()
            .chain(labels)
            .collect::<Vec<_>>()
            .join(", or ")
    }
}

fn is_name(text: &str) -> bool {
    let fits = (1..=100).contains(&text.len());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    fits && text.bytes().all(plain)
}

/// Reads the key.
pub(super) fn read(policy: &Table<'_>, problems: &mut Vec<Problem>) -> Option<Agreed> {
    let at = policy.at("agreed");
    let node = policy.get("agreed")?;
    let before = problems.len();
    let table = Table::read(&at, node, &["by", "count", "labels", "decision"], problems);
    let mut by: Vec<Who> = Vec::new();
    for text in table.list("by", problems).unwrap_or_default() {
        match Who::parse(&text) {
            Some(who) if by.contains(&who) => problems.push(Problem::new(
                table.at("by"),
                format!("`{text}` twice"),
                "everybody once",
            )),
            Some(who) => by.push(who),
            None => problems.push(Problem::new(table.at("by"), format!("`{text}`"), WHO)),
        }
    }
    let labels = table.list("labels", problems).unwrap_or_default();
    let count = table.count("count", problems).unwrap_or(1);
    let decision = table.flag("decision", problems).unwrap_or(false);
    if problems.len() > before {
        return None;
    }
    if by.is_empty() && labels.is_empty() {
        let problem = Problem::new(&*at, "nobody who can agree", "`by`, or `labels`");
        problems.push(problem.next("such as `agreed: {by: [\"Jo Example <jo@mail.example>\"]}`"));
    }
    if by.is_empty() && decision {
        let expected = "`by`: a decision is recorded with names, and a label names nobody";
        problems.push(Problem::new(
            table.at("decision"),
            "`true`, and no `by`",
            expected,
        ));
    }
    let people = by.iter().all(|who| matches!(who, Who::Person { .. }));
    let enough = usize::try_from(count).ok().filter(|count| *count > 0);
    let most = if people && !by.is_empty() {
        by.len()
    } else {
        100
    };
    match enough.filter(|count| *count <= most) {
        Some(count) if problems.len() == before => Some(Agreed {
            by,
            count,
            labels,
            decision,
        }),
        Some(_) => None,
        None => {
            let expected = format!("a number from 1 to {most}, as many as can agree");
            problems.push(Problem::new(
                table.at("count"),
                format!("`{count}`"),
                expected,
            ));
            None
        }
    }
}
