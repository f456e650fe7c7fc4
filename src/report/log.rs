//! The log: the verdict and why in the first line, then what is wrong with its way out, then counts,
//! and at the end what was published and how to promote it.

pub(super) mod headline;

use std::io::Write;

use super::sink::{Sink, Style, shell};
use super::{Attachment, Ending, Judged, Published, Report, TagState, Unpublished, VERSION};
use crate::problem::Problem;
use crate::secret::shorten;
use crate::verdict::{Effect, Finding, Outcome, Step, Verdict};

/// Writes the report. `all` also shows the rules that passed or do not apply.
pub fn write<W: Write>(report: &Report, all: bool, sink: &mut Sink<W>) {
    match &report.ending {
        Ending::Problems(problems) => write_problems(problems, sink),
        Ending::Nothing(why) => sink.line(Style::Plain, &format!("nothing to do: {why}")),
        Ending::Judged(judged) => write_judged(judged, all, sink),
    }
    for note in &report.notes {
        sink.line(Style::Faint, &format!("note: {note}"));
    }
    for (version, digest) in &report.subject.judged {
        sink.line(
            Style::Plain,
            &format!("judged: `{}` is {digest}", shorten(version, 80)),
        );
    }
    sink.line(Style::Faint, &signature(report));
    if let Ending::Judged(judged) = &report.ending {
        write_published(judged, sink);
        if let Some(ticket) = &judged.ticket {
            sink.line(Style::Plain, "");
            sink.line(Style::Plain, "deployment ticket");
            for line in ticket.lines() {
                sink.line(Style::Plain, &line);
            }
        }
    }
}

fn signature(report: &Report) -> String {
    let mut text = format!("drone-hotfix {VERSION}");
    if let Some(policy) = &report.subject.policy {
        text.push_str(&format!(", policy {policy}"));
    }
    text.push_str(&format!(", exit code {}", report.exit().code()));
    text
}

fn write_problems<W: Write>(problems: &[Problem], sink: &mut Sink<W>) {
    let count = plural(problems.len(), "problem");
    sink.line(Style::Bad, &format!("cannot judge: {count} with the settings or the environment; nothing was judged and nothing was written"));
    for problem in problems {
        sink.line(Style::Plain, "");
        sink.line(Style::Caution, &problem.setting);
        sink.line(Style::Plain, &format!("  found:    {}", problem.found));
        sink.line(Style::Plain, &format!("  expected: {}", problem.expected));
        if let Some(next) = &problem.next {
            sink.line(Style::Plain, &format!("  next:     {next}"));
        }
    }
    sink.line(Style::Plain, "");
}

fn write_judged<W: Write>(judged: &Judged, all: bool, sink: &mut Sink<W>) {
    let (style, line) = headline::headline(judged);
    sink.line(style, &line);
    for finding in judged.verdict.with(Effect::Overridden) {
        sink.line(Style::Bad, &headline::overridden(finding));
    }
    for finding in judged.verdict.with(Effect::Unchecked) {
        sink.line(
            Style::Caution,
            &format!(
                "not checked: {} (must): {}",
                finding.rule,
                because(&finding.outcome)
            ),
        );
    }
    let mut told = Vec::new();
    for effect in [
        Effect::Refuses,
        Effect::Undecides,
        Effect::Overridden,
        Effect::Warns,
        Effect::Informs,
    ] {
        for finding in judged.verdict.with(effect) {
            if told.contains(&finding.rule) {
                continue;
            }
            let together = same_unknown(finding, &judged.verdict);
            told.extend(together.iter().map(|other| other.rule));
            write_finding(finding, &together, effect, sink);
        }
    }
    if all {
        for (effect, word) in [(Effect::Passes, "passed"), (Effect::Skips, "skipped")] {
            for finding in judged.verdict.with(effect) {
                let line = format!(
                    "{word}: {} ({}): {}",
                    finding.rule,
                    finding.level,
                    because(&finding.outcome)
                );
                sink.line(Style::Faint, &line);
            }
        }
    }
    // What a passing rule wants people to know should not need a debug level.
    for finding in judged.verdict.with(Effect::Passes) {
        if let Outcome::Pass {
            note: Some(note), ..
        } = &finding.outcome
        {
            sink.line(Style::Caution, &format!("note: {note}"));
        }
    }
    sink.line(Style::Plain, "");
    sink.line(Style::Plain, &counts(judged));
}

/// The findings that miss the same as this one, itself included: a server that does not answer
/// leaves many rules without an answer, and a reader needs to be told once.
fn same_unknown<'a>(finding: &'a Finding, verdict: &'a Verdict) -> Vec<&'a Finding> {
    if !matches!(finding.outcome, Outcome::Unknown { .. }) {
        return vec![finding];
    }
    let effects: &[Effect] = if finding.overridden.is_some() {
        &[Effect::Overridden]
    } else {
        &[Effect::Undecides, Effect::Warns, Effect::Informs]
    };
    let open = effects.iter().flat_map(|effect| verdict.with(*effect));
    open.filter(|other| other.outcome == finding.outcome)
        .collect()
}

fn write_finding<W: Write>(
    finding: &Finding,
    together: &[&Finding],
    effect: Effect,
    sink: &mut Sink<W>,
) {
    let (style, word) = match (effect, &finding.outcome) {
        (Effect::Refuses, _) => (Style::Bad, "violated"),
        (Effect::Undecides, _) => (Style::Bad, "unknown"),
        (Effect::Overridden, outcome) => (Style::Caution, outcome.as_str()),
        (_, Outcome::Unknown { .. }) => (Style::Caution, "unknown"),
        (_, _) => (Style::Caution, "not followed"),
    };
    sink.line(Style::Plain, "");
    let rules: Vec<String> = together
        .iter()
        .map(|finding| format!("{} ({})", finding.rule, finding.level))
        .collect();
    let overridden = match effect {
        Effect::Overridden => ", overridden",
        _ => "",
    };
    sink.line(style, &format!("{word}{overridden}: {}", rules.join(", ")));
    let mut field = |name: &str, text: &str| {
        sink.line(Style::Plain, &format!("  {name:<9} {text}"));
    };
    let steps: &[Step] = match &finding.outcome {
        Outcome::Violation {
            found,
            expected,
            next,
        } => {
            field("found:", found);
            field("expected:", expected);
            next
        }
        Outcome::Unknown {
            because,
            retry,
            next,
        } => {
            field("missing:", because);
            field(
                "again:",
                if *retry {
                    "running the step again may help"
                } else {
                    "running the step again will not help"
                },
            );
            next
        }
        Outcome::NotChecked { because, next } => {
            field("missing:", because);
            next
        }
        Outcome::Pass { .. } | Outcome::NotApplicable { .. } => &[],
    };
    if together.len() == 1 {
        field("why:", finding.why);
    }
    for (i, step) in steps.iter().enumerate() {
        let name = if i == 0 { "next:" } else { "" };
        match step {
            Step::Say(text) => field(name, text),
            Step::Run(words) => field(name, &format!("$ {}", shell(words))),
        }
    }
    if together.len() == 1 {
        field("who:", &finding.who);
    } else {
        field(
            "who:",
            "whoever may change `policy.rules` in the pipeline file",
        );
    }
    let by = together.iter().flat_map(|finding| &finding.override_by);
    for (i, step) in by.enumerate() {
        let name = if i == 0 { "override:" } else { "" };
        match step {
            Step::Say(text) => field(name, text),
            Step::Run(words) => field(name, &format!("$ {}", shell(words))),
        }
    }
}

fn write_published<W: Write>(judged: &Judged, sink: &mut Sink<W>) {
    match &judged.published {
        Published::NotDue | Published::NothingYet(_) => {}
        Published::Withheld => {
            sink.line(Style::Plain, "");
            sink.line(
                Style::Plain,
                "no tag was published, and none was written to a file",
            );
        }
        Published::Failed(failed) => write_failed("not published", failed, sink),
        Published::NotHandedOn(failed) => write_failed("not handed on", failed, sink),
        Published::Digests { path, images } => {
            sink.line(Style::Plain, "");
            sink.line(
                Style::Plain,
                &format!(
                    "`{}` written to `{path}` for the step that deploys",
                    images.join("`, `")
                ),
            );
        }
        Published::File {
            path,
            tags,
            planned,
        } => {
            sink.line(Style::Plain, "");
            let word = if *planned {
                "would be written"
            } else {
                "written"
            };
            sink.line(
                Style::Plain,
                &format!(
                    "`{}` {word} to `{path}` for the step that builds and pushes",
                    tags.join("`, `")
                ),
            );
        }
        Published::Tags(publication) => {
            let digest = &publication.digest;
            sink.line(Style::Plain, "");
            for (tag, state) in &publication.tags {
                let state = match state {
                    TagState::Created => "new".to_owned(),
                    TagState::Moved(old) => format!("moved from {old}"),
                    TagState::Unchanged => {
                        "had this digest already, nothing was written".to_owned()
                    }
                    TagState::Planned(None) => "would be new".to_owned(),
                    TagState::Planned(Some(old)) if old == digest => {
                        "has this digest already".to_owned()
                    }
                    TagState::Planned(Some(old)) => format!("would move from {old}"),
                };
                sink.line(Style::Plain, &format!("`{tag}`: {state}"));
            }
            sink.line(
                Style::Plain,
                &format!(
                    "  image:    {} ({})",
                    publication.source, publication.media_type
                ),
            );
            if let Some((tag, _)) = publication.tags.last() {
                sink.line(
                    Style::Plain,
                    &format!("  reference: {}:{tag}@{digest}", publication.repository),
                );
            }
            sink.line(Style::Plain, &format!("  digest:   {digest}"));
            write_statement(&publication.statement, sink);
        }
    }
    if let Some(Step::Run(words)) = &judged.promote {
        let when = match judged.published {
            Published::File { .. } => "once pushed, promote:",
            _ => "promote: ",
        };
        sink.line(Style::Plain, &format!("  {when} $ {}", shell(words)));
    }
}

fn write_statement<W: Write>(statement: &Attachment, sink: &mut Sink<W>) {
    match statement {
        Attachment::Off => {}
        Attachment::Planned => sink.line(Style::Plain, "  statement: would be attached"),
        Attachment::Attached {
            digest,
            signed,
            already,
        } => {
            let signed = if *signed { "signed" } else { "not signed" };
            let state = if *already {
                "was attached already"
            } else {
                "attached"
            };
            let artifact = digest.as_ref().map(|digest| format!(" ({digest})"));
            sink.line(
                Style::Plain,
                &format!(
                    "  statement: {state}, {signed}{}",
                    artifact.unwrap_or_default()
                ),
            );
        }
        Attachment::Missing { because, advice } => {
            sink.line(
                Style::Caution,
                &format!("  statement: not attached, the tags stand all the same: {because}"),
            );
            sink.line(Style::Plain, &format!("  next:      {advice}"));
        }
    }
}

fn write_failed<W: Write>(word: &str, failed: &Unpublished, sink: &mut Sink<W>) {
    sink.line(Style::Plain, "");
    sink.line(Style::Bad, word);
    sink.line(Style::Plain, &format!("  found:    {}", failed.found));
    sink.line(Style::Plain, &format!("  next:     {}", failed.next));
    let list = |names: &[String]| {
        if names.is_empty() {
            "nothing".to_owned()
        } else {
            format!("`{}`", names.join("`, `"))
        }
    };
    sink.line(
        Style::Plain,
        &format!("  written:  {}", list(&failed.written)),
    );
    sink.line(
        Style::Plain,
        &format!("  not written: {}", list(&failed.unwritten)),
    );
}

fn counts(judged: &Judged) -> String {
    let count = |effect| judged.verdict.with(effect).count();
    let overridden = match count(Effect::Overridden) {
        0 => String::new(),
        count => format!(" {count} overridden,"),
    };
    format!(
        "rules: {} violated, {} unknown,{overridden} {} warned, {} informed, {} not checked, {} passed, {} skipped",
        count(Effect::Refuses),
        count(Effect::Undecides),
        count(Effect::Warns),
        count(Effect::Informs),
        count(Effect::Unchecked),
        count(Effect::Passes),
        count(Effect::Skips),
    )
}

/// What an outcome says first.
pub(super) fn because(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Violation { found, .. } => found,
        Outcome::Pass { because, .. }
        | Outcome::NotApplicable { because }
        | Outcome::Unknown { because, .. }
        | Outcome::NotChecked { because, .. } => because,
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
