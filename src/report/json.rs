//! The summary: the report as JSON for machines, in the words of the Kubernetes PolicyReport
//! (pass, fail, warn, error, skip). Its schema is docs/summary.md, and a test holds it to that.

use serde::Serialize;

use super::log::because;
use super::sink::{scrubbed, shell};
use super::ticket::Ticket;
use super::{Attachment, Ending, Judged, Published, Report, Subject, TagState, VERSION};
use crate::secret::Redactor;
use crate::verdict::{Effect, Finding, Outcome, Step, Verdict};

/// The version of the schema.
pub(super) const SCHEMA: u32 = 1;

/// Fields that hold nothing but words of this program: whoever reads them may count on them, whatever a
/// secret or a branch is called.
const FIXED: [&str; 7] = [
    "tool",
    "outcome",
    "rule",
    "level",
    "result",
    "state",
    "hotfix_by",
];

#[derive(Serialize)]
struct Summary<'a> {
    schema: u32,
    tool: &'static str,
    version: &'static str,
    policy: Option<&'a str>,
    outcome: &'static str,
    exit_code: u8,
    enforced: bool,
    dry_run: bool,
    build: Build<'a>,
    results: Vec<Row<'a>>,
    publication: Option<PublicationRow<'a>>,
    deployment_ticket: Option<TicketRow<'a>>,
    failure: Option<Failure<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Build<'a> {
    platform: &'a str,
    event: &'a str,
    repo: &'a str,
    number: u64,
    link: Option<&'a str>,
    branch: Option<&'a str>,
    commit: &'a str,
    ticket: Option<&'a str>,
    issue: Option<&'a str>,
    target: Option<&'a str>,
    hotfix_by: &'a [&'static str],
    judged: Vec<Image<'a>>,
}

#[derive(Serialize)]
struct Image<'a> {
    version: &'a str,
    digest: &'a str,
}

#[derive(Serialize)]
struct Row<'a> {
    rule: &'a str,
    level: &'static str,
    result: &'static str,
    outcome: &'static str,
    message: String,
    expected: Option<&'a str>,
    why: &'a str,
    next: Vec<String>,
    retry: bool,
    r#override: Option<OverrideRow<'a>>,
}

#[derive(Serialize)]
struct OverrideRow<'a> {
    by: &'a str,
    reason: &'a str,
    until: String,
}

#[derive(Serialize)]
struct PublicationRow<'a> {
    repository: Option<&'a str>,
    source: Option<&'a str>,
    digest: Option<&'a str>,
    media_type: Option<&'a str>,
    tags_file: Option<&'a str>,
    tags: Vec<TagRow<'a>>,
    statement: Option<StatementRow<'a>>,
}

#[derive(Serialize)]
struct StatementRow<'a> {
    state: &'static str,
    digest: Option<&'a str>,
    signed: Option<bool>,
    because: Option<&'a str>,
}

#[derive(Serialize)]
struct TagRow<'a> {
    tag: &'a str,
    state: &'static str,
    previous_digest: Option<&'a str>,
}

#[derive(Serialize)]
struct TicketRow<'a> {
    version: &'a str,
    image: Option<&'a str>,
    commit: &'a str,
    code: Option<&'a str>,
    branch: &'a str,
    since: Option<&'a str>,
    changes: Option<&'a [String]>,
    more_changes: usize,
    unknown: Option<&'a str>,
}

#[derive(Serialize)]
struct Failure<'a> {
    message: &'a str,
    next: &'a str,
    written: &'a [String],
    unwritten: &'a [String],
}

/// The summary of a report, with secrets masked and hidden characters shown.
pub fn summary(report: &Report, redactor: &Redactor) -> String {
    format!("{:#}\n", value(report, redactor))
}

/// The same as a value.
pub(super) fn value(report: &Report, redactor: &Redactor) -> serde_json::Value {
    let judged = match &report.ending {
        Ending::Judged(judged) => Some(judged.as_ref()),
        Ending::Problems(_) | Ending::Nothing(_) => None,
    };
    let summary = Summary {
        schema: SCHEMA,
        tool: "drone-hotfix",
        version: VERSION,
        policy: report.subject.policy.as_ref().map(|digest| digest.as_str()),
        outcome: match &report.ending {
            Ending::Problems(_) => "problems",
            Ending::Nothing(_) => "nothing",
            Ending::Judged(judged) => judged.verdict.decision().as_str(),
        },
        exit_code: report.exit().code(),
        enforced: judged.is_some_and(|j| j.enforced),
        dry_run: judged.is_some_and(|j| j.rehearsal),
        build: build(&report.subject),
        results: judged.map(|j| rows(&j.verdict)).unwrap_or_default(),
        publication: judged.and_then(publication),
        deployment_ticket: judged.and_then(|j| j.ticket.as_ref()).map(ticket),
        failure: judged.and_then(failure),
        notes: &report.notes,
    };
    let mut value = serde_json::to_value(&summary).unwrap_or_default();
    scrub(&mut value, redactor);
    value
}

/// Masks and cleans every text, so that the file is as safe to show as the log.
fn scrub(value: &mut serde_json::Value, redactor: &Redactor) {
    match value {
        serde_json::Value::String(text) => *text = scrubbed(text, redactor),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|v| scrub(v, redactor)),
        serde_json::Value::Object(fields) => {
            let texts = fields
                .iter_mut()
                .filter(|(name, _)| !FIXED.contains(&name.as_str()));
            texts.for_each(|(_, v)| scrub(v, redactor));
        }
        _ => {}
    }
}

fn build(subject: &Subject) -> Build<'_> {
    Build {
        platform: subject.platform,
        event: &subject.event,
        repo: &subject.repo,
        number: subject.number,
        link: subject.link.as_deref(),
        branch: subject.branch.as_deref(),
        commit: &subject.commit,
        ticket: subject.ticket.as_deref(),
        issue: subject.issue.as_deref(),
        target: subject.target.as_deref(),
        hotfix_by: &subject.hotfix_by,
        judged: subject
            .judged
            .iter()
            .map(|(version, digest)| Image { version, digest })
            .collect(),
    }
}

fn rows(verdict: &Verdict) -> Vec<Row<'_>> {
    let effects = [
        (Effect::Refuses, "fail"),
        (Effect::Undecides, "error"),
        (Effect::Overridden, "warn"),
        (Effect::Warns, "warn"),
        (Effect::Informs, "warn"),
        (Effect::Unchecked, "skip"),
        (Effect::Passes, "pass"),
        (Effect::Skips, "skip"),
    ];
    let of = |(effect, result)| {
        verdict
            .with(effect)
            .map(move |finding| row(finding, result))
    };
    effects.into_iter().flat_map(of).collect()
}

fn row<'a>(finding: &'a Finding, result: &'static str) -> Row<'a> {
    let none: &[Step] = &[];
    let (expected, next, retry) = match &finding.outcome {
        Outcome::Violation { expected, next, .. } => {
            (Some(expected.as_str()), next.as_slice(), false)
        }
        Outcome::Unknown { retry, next, .. } => (None, next.as_slice(), *retry),
        Outcome::NotChecked { next, .. } => (None, next.as_slice(), false),
        Outcome::Pass { .. } | Outcome::NotApplicable { .. } => (None, none, false),
    };
    let next = next.iter().map(|step| match step {
        Step::Say(text) => text.clone(),
        Step::Run(words) => format!("$ {}", shell(words)),
    });
    let by = finding.override_by.iter().map(|step| match step {
        Step::Say(text) => format!("override: {text}"),
        Step::Run(words) => format!("$ {}", shell(words)),
    });
    Row {
        rule: finding.rule,
        level: finding.level.as_str(),
        result,
        outcome: finding.outcome.as_str(),
        message: match &finding.outcome {
            Outcome::Pass {
                because,
                note: Some(note),
            } => format!("{because}; note: {note}"),
            other => because(other).to_owned(),
        },
        expected,
        why: finding.why,
        next: next.chain(by).collect(),
        retry,
        r#override: finding.overridden.as_ref().map(|used| OverrideRow {
            by: &used.by,
            reason: &used.reason,
            until: used.until.to_string(),
        }),
    }
}

fn publication(judged: &Judged) -> Option<PublicationRow<'_>> {
    match &judged.published {
        Published::Tags(p) => Some(PublicationRow {
            repository: Some(&p.repository),
            source: Some(&p.source),
            digest: Some(p.digest.as_str()),
            media_type: Some(&p.media_type),
            tags_file: None,
            tags: p
                .tags
                .iter()
                .map(|(tag, state)| tag_row(tag, state))
                .collect(),
            statement: statement(&p.statement),
        }),
        Published::File {
            path,
            tags,
            planned,
        } => Some(PublicationRow {
            repository: None,
            source: None,
            digest: None,
            media_type: None,
            tags_file: Some(path),
            tags: tags
                .iter()
                .map(|tag| TagRow {
                    tag,
                    state: if *planned { "planned" } else { "in file" },
                    previous_digest: None,
                })
                .collect(),
            statement: None,
        }),
        Published::NotDue
        | Published::Withheld
        | Published::NothingYet(_)
        | Published::Digests { .. }
        | Published::NotHandedOn(_)
        | Published::Failed(_) => None,
    }
}

fn statement(attachment: &Attachment) -> Option<StatementRow<'_>> {
    let row = |state| StatementRow {
        state,
        digest: None,
        signed: None,
        because: None,
    };
    Some(match attachment {
        Attachment::Off => return None,
        Attachment::Planned => row("planned"),
        Attachment::Attached {
            digest,
            signed,
            already,
        } => StatementRow {
            digest: digest.as_ref().map(|digest| digest.as_str()),
            signed: Some(*signed),
            ..row(if *already { "unchanged" } else { "attached" })
        },
        Attachment::Missing { because, .. } => StatementRow {
            because: Some(because),
            ..row("missing")
        },
    })
}

fn tag_row<'a>(tag: &'a str, state: &'a TagState) -> TagRow<'a> {
    let (state, previous) = match state {
        TagState::Created => ("created", None),
        TagState::Moved(old) => ("moved", Some(old)),
        TagState::Unchanged => ("unchanged", None),
        TagState::Planned(old) => ("planned", old.as_ref()),
    };
    TagRow {
        tag,
        state,
        previous_digest: previous.map(|digest| digest.as_str()),
    }
}

fn ticket(ticket: &Ticket) -> TicketRow<'_> {
    let changes = ticket.changes.as_ref();
    TicketRow {
        version: &ticket.version,
        image: ticket.image.as_deref(),
        commit: &ticket.commit,
        code: ticket.code.as_deref(),
        branch: &ticket.branch,
        since: ticket.since.as_deref(),
        changes: changes.ok().map(|changes| changes.lines.as_slice()),
        more_changes: changes.map_or(0, |changes| changes.more),
        unknown: changes.err().map(String::as_str),
    }
}

fn failure(judged: &Judged) -> Option<Failure<'_>> {
    match &judged.published {
        Published::Failed(failed) | Published::NotHandedOn(failed) => Some(Failure {
            message: &failed.found,
            next: &failed.next,
            written: &failed.written,
            unwritten: &failed.unwritten,
        }),
        _ => None,
    }
}
