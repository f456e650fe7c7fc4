//! The tag that would be published is legal and cannot be taken for anything else (A24–A26).

use super::{Judges, OwnLevel, Rule};
use crate::ci::Event;
use crate::facts::{Facts, PlannedTag, shorten};
use crate::hotfix::tag::{LONGEST, LONGEST_LABEL, NotATag, list_chars};
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "image-tag",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::Hotfix,
    events: &[Event::Push, Event::Custom],
    asks: &[],
    promise: "The image tag is legal, a hotfix's by name, and neither `latest` nor a release.",
    why: "A25, A26: an image tag is published, usually `branch-hotfix_HOCS-1234`; a real pipeline \
          almost let a hotfix overwrite `latest` (hocs-docs 677a211)",
    notes: "Every `/` of the branch becomes `_`. Characters that git allows and tags do not are \
            refused, with the nearest legal branch name as advice; the tag is never bent silently, \
            because two branches could meet in one tag. Above 63 characters, or with a last \
            character that is no letter or digit, the tag does not fit into a Kubernetes label, and \
            that is said.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    if let Some(outcome) = facts.tags.iter().find_map(|planned| broken(planned, facts)) {
        return outcome;
    }
    let mut names = Vec::new();
    let mut notes = Vec::new();
    for tag in facts
        .tags
        .iter()
        .filter_map(|planned| planned.tag.as_ref().ok())
    {
        names.push(format!("`{}`", tag.as_str()));
        if !tag.fits_a_label() {
            notes.push(format!(
                "`{}` ({} characters) does not fit into a Kubernetes label, which holds \
                 {LONGEST_LABEL} and ends in a letter or digit",
                tag.as_str(),
                tag.as_str().len()
            ));
        }
    }
    if names.is_empty() {
        // No branch, no tag: the rule `hotfix-branch` says why, but this one must not pass.
        return Outcome::Violation {
            found: "no tag".to_owned(),
            expected: "a tag made from a hotfix branch".to_owned(),
            next: Vec::new(),
        };
    }
    Outcome::Pass {
        because: names.join(", "),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
    }
}

fn broken(planned: &PlannedTag, facts: &Facts<'_>) -> Option<Outcome> {
    let template = &planned.template;
    let Some(text) = &planned.text else {
        return Some(Outcome::Violation {
            found: format!("`{template}` needs a ticket, and none was found"),
            expected: "a ticket in the branch name, such as `hotfix/HOCS-1234`".to_owned(),
            next: vec![Step::Say(
                "name the branch after its ticket, or take `{ticket}` out of the template"
                    .to_owned(),
            )],
        });
    };
    let shown = shorten(text);
    let found = format!(
        "the tag `{shown}` from the branch `{}`",
        shorten(facts.build.branch.as_deref().unwrap_or_default())
    );
    let (expected, advice) = match &planned.tag {
        Ok(tag) if facts.policy.is_release(tag.as_str()) => (
            "a tag that is no release (policy.release)".to_owned(),
            "change `policy.tag`",
        ),
        Ok(tag) if !facts.policy.hotfix_tags.recognise(tag.as_str()) => (
            "a tag that the same policy knows as a hotfix's".to_owned(),
            "change `policy.tag`",
        ),
        Ok(_) => return None,
        Err(NotATag::Empty) => ("a tag".to_owned(), "change `policy.tag`"),
        Err(NotATag::Latest) => (
            "any tag but `latest`, which everybody pulls".to_owned(),
            "change `policy.tag`",
        ),
        Err(NotATag::Release) => (
            "a tag that does not read as a release version".to_owned(),
            "change `policy.tag`",
        ),
        Err(NotATag::Illegal(chars)) => (
            format!(
                "letters, digits, `_`, `.` and `-`; a tag cannot contain {}",
                list_chars(chars)
            ),
            "rename the branch to plain letters, digits, `_`, `.` and `-`",
        ),
        Err(NotATag::TooLong(length)) => (
            format!("at most {LONGEST} characters, not {length}"),
            "give the branch a shorter name",
        ),
    };
    let next = match (&planned.nearest, &facts.branch) {
        (Some(nearest), Ok(branch)) => vec![
            Step::Say(format!("the nearest legal name is `{nearest}`")),
            Step::run([
                "git",
                "push",
                "origin",
                &format!("{}:refs/heads/{nearest}", facts.build.commit.as_str()),
            ]),
            Step::run(["git", "push", "origin", "--delete", branch.name()]),
        ],
        _ => vec![Step::Say(advice.to_owned())],
    };
    Some(Outcome::Violation {
        found,
        expected,
        next,
    })
}
