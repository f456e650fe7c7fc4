//! `policy.notify`, `policy.smtp`, `policy.audit` and `policy.deployment_ticket`: who is told what a
//! step has found, and where (process.md B04, B12–B14). The policy names every host and every address. A
//! setting beside it can only complete an address that the policy begins, so a promotion parameter
//! can neither send a message elsewhere nor add a receiver.

mod mail;

use std::collections::BTreeSet;

use reqwest::Url;

use super::read::{Table, list, text};
use super::running::{is_open, server};
use super::tree::Node;
use crate::http::{Trust, host_and_port};
use crate::problem::Problem;

pub use mail::Smtp;

/// The most receivers of a policy.
const MOST_RECEIVERS: usize = 20;
/// The most mail addresses of one receiver.
const MOST_ADDRESSES: usize = 50;

/// What people are told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    /// The tags of a hotfix were published, or written for the step that builds and pushes.
    Published,
    /// A build was refused, left undecided, or allowed and not published: exit codes 1, 2 and 4.
    Refused,
    /// A promotion or rollback of a hotfix was allowed.
    Promoted,
}

impl Occasion {
    /// Every occasion.
    pub const ALL: [Self; 3] = [Self::Published, Self::Refused, Self::Promoted];

    /// The word that stands in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Refused => "refused",
            Self::Promoted => "promoted",
        }
    }
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// How the message gets there.
    pub way: Way,
    /// What it is sent for. Never empty.
    pub on: BTreeSet<Occasion>,
}

/// How a message gets to its receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A POST.
    Webhook(Address, Form),
    /// A mail to these addresses.
    Mail(Vec<String>),
}

/// The address of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// All of it.
    Whole(Url),
    /// Its beginning, up to and with a slash; the rest is a secret.
    Begins(Url),
}

/// What is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The message and the summary as JSON (docs/summary.md).
    Json,
    /// What incoming webhooks of Slack and Mattermost take: `{"text": …}`.
    Slack,
}

/// Where the deployment ticket is posted as a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thread {
    /// On the issue that the hotfix names.
    OfIssue,
    /// On the pull request that the hotfix was merged by.
    OfPullRequest,
    /// On the issue or pull request of this number.
    Number(u64),
}

/// Who is told what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Telling {
    /// `policy.notify`.
    pub receivers: Vec<Receiver>,
    /// `policy.smtp`.
    pub smtp: Option<Smtp>,
    /// `policy.audit`.
    pub audit: Option<Url>,
    /// `policy.deployment_ticket`.
    pub ticket: Option<Thread>,
}

/// Reads the keys.
pub(super) fn read(policy: &Table<'_>, trust: &Trust, problems: &mut Vec<Problem>) -> Telling {
    let receivers = read_receivers(policy, trust, problems);
    let smtp = mail::read(policy, problems);
    let mails = |receiver: &Receiver| matches!(receiver.way, Way::Mail(_));
    if policy.get("smtp").is_none() && receivers.iter().any(mails) {
        problems.push(
            Problem::new(policy.at("notify"), "mail without `policy.smtp`", "both")
                .next("name the mail server: `smtp: {server: \"smtp.example:587\", from: hotfix@example.org}`"),
        );
    }
    Telling {
        receivers,
        smtp,
        audit: server(
            policy,
            "audit",
            "https://audit.example/hotfix",
            trust,
            problems,
        ),
        ticket: read_thread(policy, problems),
    }
}

fn read_receivers(policy: &Table<'_>, trust: &Trust, problems: &mut Vec<Problem>) -> Vec<Receiver> {
    let Some(node) = policy.get("notify") else {
        return Vec::new();
    };
    let at = policy.at("notify");
    let expected = "a list of receivers, such as `{webhook: \"https://chat.example/hooks/*\"}` or \
                    `{mail: [qa@example.org]}`";
    let Node::List(items) = node else {
        problems.push(Problem::new(at, node.describe(), expected));
        return Vec::new();
    };
    if items.is_empty() || items.len() > MOST_RECEIVERS {
        let expected = format!("at least one and at most {MOST_RECEIVERS}");
        problems.push(Problem::new(at, node.describe(), expected));
        return Vec::new();
    }
    let each = items.iter().enumerate();
    each.filter_map(|(i, node)| read_receiver(&format!("{at}[{i}]"), node, trust, problems))
        .collect()
}

fn read_receiver(
    at: &str,
    node: &Node,
    trust: &Trust,
    problems: &mut Vec<Problem>,
) -> Option<Receiver> {
    let node = &with_on(node);
    let table = Table::read(at, node, &["webhook", "form", "mail", "on"], problems);
    let form = table.parsed("form", "`json` or `slack`", problems, |text| match text {
        "json" => Ok(Form::Json),
        "slack" => Ok(Form::Slack),
        _ => Err(String::new()),
    });
    let on = read_occasions(&table, problems);
    let way = match (table.get("webhook"), table.get("mail")) {
        (Some(_), None) => {
            let address = read_address(&table, trust, problems)?;
            Way::Webhook(address, form.unwrap_or(Form::Json))
        }
        (None, Some(_)) if table.get("form").is_some() => {
            let found = "a form for mail, which has only one";
            problems.push(Problem::new(
                table.at("form"),
                found,
                "`form` beside `webhook`",
            ));
            return None;
        }
        (None, Some(_)) => Way::Mail(read_mail(&table, problems)?),
        _ => {
            let expected = "either `webhook` or `mail`";
            problems.push(Problem::new(at, node.describe(), expected));
            return None;
        }
    };
    Some(Receiver { way, on: on? })
}

/// YAML 1.1 reads the bare key `on` as a flag, and Drone hands it over as the key `true`.
fn with_on(node: &Node) -> Node {
    let Node::Map(entries) = node else {
        return node.clone();
    };
    let named = entries.iter().map(|(key, value)| match key.as_str() {
        "true" => ("on".to_owned(), value.clone()),
        key => (key.to_owned(), value.clone()),
    });
    Node::Map(named.collect())
}

fn read_occasions(table: &Table<'_>, problems: &mut Vec<Problem>) -> Option<BTreeSet<Occasion>> {
    let words = Occasion::ALL.map(Occasion::as_str);
    let Some(node) = table.get("on") else {
        return Some(Occasion::ALL.into());
    };
    let written = table.list("on", problems)?;
    let mut on = BTreeSet::new();
    for word in &written {
        match Occasion::ALL.into_iter().find(|one| one.as_str() == word) {
            Some(occasion) => {
                on.insert(occasion);
            }
            None => problems.push(Problem::new(
                table.at("on"),
                format!("`{word}`"),
                list(&words),
            )),
        }
    }
    if written.is_empty() {
        problems.push(Problem::new(table.at("on"), node.describe(), list(&words)));
    }
    (!on.is_empty()).then_some(on)
}

fn read_address(table: &Table<'_>, trust: &Trust, problems: &mut Vec<Problem>) -> Option<Address> {
    let expected = "an address such as `https://chat.example/hooks/team`; where its end is a secret, \
                    `https://chat.example/hooks/*` and the whole as the setting `webhook_url`";
    let address = table.parsed("webhook", expected, problems, |text| {
        let (written, whole) = match text.strip_suffix('*') {
            Some(start) if start.ends_with('/') => (start, false),
            Some(_) => return Err("`*` stands for whole parts of the path".to_owned()),
            None => (text, true),
        };
        let url = super::running::address(written)?;
        // The parser makes `https://host/` of `https://host`: a host that is cut off is none.
        if url.as_str().contains('*') || url.host_str().is_none_or(str::is_empty) {
            return Err("`*` stands only at its end".to_owned());
        }
        Ok(if whole {
            Address::Whole(url)
        } else {
            Address::Begins(url)
        })
    })?;
    let (Address::Whole(url) | Address::Begins(url)) = &address;
    if !is_open(url, trust) {
        let host = host_and_port(url);
        let found = "plain HTTP, which anybody on the way can read and change";
        problems.push(
            Problem::new(table.at("webhook"), found, "an address with `https://`").next(format!(
                "if the server has no TLS, list `{host}` in `policy.tls.insecure`"
            )),
        );
        return None;
    }
    Some(address)
}

fn read_mail(table: &Table<'_>, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let addresses = table.list("mail", problems)?;
    let before = problems.len();
    if addresses.is_empty() || addresses.len() > MOST_ADDRESSES {
        let expected = format!("at least one mail address and at most {MOST_ADDRESSES}");
        let found = format!("a list of {}", addresses.len());
        problems.push(Problem::new(table.at("mail"), found, expected));
    }
    for address in addresses
        .iter()
        .filter(|address| !mail::is_address(address))
    {
        let expected = "a mail address, such as `qa@example.org`";
        problems.push(Problem::new(
            table.at("mail"),
            format!("`{address}`"),
            expected,
        ));
    }
    (problems.len() == before).then_some(addresses)
}

fn read_thread(policy: &Table<'_>, problems: &mut Vec<Problem>) -> Option<Thread> {
    let node = policy.get("deployment_ticket")?;
    let table = Table::read(
        &policy.at("deployment_ticket"),
        node,
        &["comment"],
        problems,
    );
    let at = table.at("comment");
    let expected = "`issue`, `pull-request`, or the number of one of them";
    let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
    let thread = match table.get("comment") {
        None => {
            problems.push(Problem::new(at, "nothing", expected));
            return None;
        }
        Some(Node::Number(written)) => number(written).map(Thread::Number),
        Some(node) => match text(&at, node, problems)? {
            "issue" => Some(Thread::OfIssue),
            "pull-request" => Some(Thread::OfPullRequest),
            written => number(written.trim_start_matches('#')).map(Thread::Number),
        },
    };
    if thread.is_none() {
        let found = table.get("comment").map(Node::describe).unwrap_or_default();
        problems.push(Problem::new(at, found, expected));
    }
    thread
}
