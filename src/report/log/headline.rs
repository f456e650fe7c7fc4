//! The first lines of the log: the verdict, what it stands on, and who has overridden what.

use super::{because, plural};
use crate::report::sink::Style;
use crate::report::{Judged, Published, TagState};
use crate::verdict::{Decision, Effect, Finding};

/// Who lets a rule pass that does not hold, why, and until when that can be done.
pub(in crate::report) fn overridden(finding: &Finding) -> String {
    let (rule, level, what) = (finding.rule, finding.level, finding.outcome.as_str());
    match &finding.overridden {
        Some(used) => format!(
            "overridden: {rule} ({level}, {what}) by `{}`: «{}» (the policy allows that until {})",
            used.by, used.reason, used.until
        ),
        None => String::new(),
    }
}

/// The first line.
pub(in crate::report) fn headline(judged: &Judged) -> (Style, String) {
    let verdict = &judged.verdict;
    let first = |effect| {
        let finding = verdict.with(effect).next();
        finding
            .map(|f| (f.rule, because(&f.outcome)))
            .unwrap_or_default()
    };
    let word = if judged.enforced {
        ""
    } else {
        "not enforced (policy.enforce is false): would be "
    };
    match verdict.decision() {
        Decision::Refused => {
            let (rule, why) = first(Effect::Refuses);
            (Style::Bad, format!("{word}refused by {rule}: {why}"))
        }
        Decision::Undecided => {
            let (rule, why) = first(Effect::Undecides);
            (
                Style::Bad,
                format!("{word}undecided, {rule} could not be judged: {why}"),
            )
        }
        Decision::Allowed => {
            let passed = plural(verdict.with(Effect::Passes).count(), "rule");
            let overridden = verdict.with(Effect::Overridden).count();
            let ground = match overridden {
                0 => format!("{passed} passed, none that must hold is broken or unknown"),
                count => format!(
                    "{passed} passed, no other than the {count} overridden is broken or unknown"
                ),
            };
            let about = &judged.about;
            let (style, line) = match &judged.published {
                Published::NothingYet(why) => (
                    Style::Good,
                    format!("{word}nothing to publish yet: {why} ({ground})"),
                ),
                Published::Failed(failed) => (
                    Style::Bad,
                    format!("not published: {} ({ground})", failed.found),
                ),
                Published::NotHandedOn(failed) => (
                    Style::Bad,
                    format!("allowed, but not handed on: {} ({ground})", failed.found),
                ),
                Published::Tags(p) => {
                    let tags: Vec<&str> = p.tags.iter().map(|(tag, _)| tag.as_str()).collect();
                    let unchanged = p
                        .tags
                        .iter()
                        .all(|(_, state)| *state == TagState::Unchanged);
                    let word = match (judged.rehearsal, unchanged) {
                        (true, _) => "allowed, and would be published",
                        (false, true) => "allowed, and was published already",
                        (false, false) => "allowed and published",
                    };
                    (
                        Style::Good,
                        format!("{word}: `{}` ({ground})", tags.join("`, `")),
                    )
                }
                _ if judged.rehearsal && judged.never_green => (
                    Style::Caution,
                    format!("a rehearsal; would be allowed: {about} ({ground})"),
                ),
                Published::File { .. }
                | Published::Digests { .. }
                | Published::NotDue
                | Published::Withheld => (Style::Good, format!("allowed: {about} ({ground})")),
            };
            match overridden {
                0 => (style, line),
                _ => (Style::Bad, format!("only by an override: {line}")),
            }
        }
    }
}
