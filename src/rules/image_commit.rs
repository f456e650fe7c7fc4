//! The image that is published was built from the commit that was judged.

use super::{Judges, OwnLevel, Rule};
use crate::ci::Event;
use crate::facts::image::{Platform, REVISION};
use crate::facts::{Facts, Source, shorten};
use crate::verdict::{Level, Outcome, Step};

/// The shortest beginning of a commit id that is taken for one.
const SHORTEST: usize = 7;

pub(super) const RULE: Rule = Rule {
    id: "image-commit",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::Hotfix,
    events: &[Event::Push, Event::Custom],
    asks: &[],
    promise: "The published image says that it was built from the judged commit.",
    why: "A24, A25: what is tested, promoted and run is the image; if it was built from another \
          commit, everything that was judged is about something else",
    notes: "Every platform of the image is looked at, attestations and other artifacts are not. The \
            label is `org.opencontainers.image.revision`; `docker build --label` sets it, and so \
            do most build plugins. Turned off, the configurations are not read at all.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    if facts.nothing_yet().is_some() {
        return Outcome::NotApplicable {
            because: "there is nothing to publish yet".to_owned(),
        };
    }
    let platforms = match &facts.image {
        Source::Known(platforms) => platforms,
        Source::NotConfigured(because) => {
            let next = Step::Say("name the image as `policy.source`".to_owned());
            return Outcome::NotChecked {
                because: because.clone(),
                next: facts
                    .policy
                    .source
                    .is_none()
                    .then_some(next)
                    .into_iter()
                    .collect(),
            };
        }
        Source::Unknown {
            because,
            retry,
            advice,
        } => {
            return Outcome::Unknown {
                because: because.clone(),
                retry: *retry,
                next: vec![Step::Say(advice.clone())],
            };
        }
    };
    let commit = facts.build.commit.as_str();
    if let Some((platform, revision)) = platforms.iter().find_map(|platform| {
        let revision = platform.revision.as_deref()?;
        (!is_of(revision, commit)).then_some((platform, revision))
    }) {
        return Outcome::Violation {
            found: format!(
                "the image{} was built from `{}`, as its label `{REVISION}` says",
                of(platform),
                shorten(revision)
            ),
            expected: format!("an image of the judged commit `{commit}`"),
            next: vec![Step::Say(
                "let the step before build this commit, and check that `policy.source` names its image"
                    .to_owned(),
            )],
        };
    }
    let silent = platforms
        .iter()
        .find(|platform| platform.revision.is_none());
    if platforms.is_empty() || silent.is_some() {
        let which = silent.map(of).unwrap_or_default();
        return Outcome::Unknown {
            because: format!("the image{which} does not say from which commit it was built"),
            retry: false,
            next: vec![Step::Say(format!(
                "build it with the label `{REVISION}` set to the commit, as in `docker build --label \
                 {REVISION}=$DRONE_COMMIT_SHA`"
            ))],
        };
    }
    let short = platforms
        .iter()
        .filter_map(|platform| platform.revision.as_deref())
        .find(|revision| revision.trim().len() < commit.len());
    Outcome::Pass {
        because: format!("`{REVISION}` is the judged commit"),
        note: short.map(|short| {
            format!(
                "the label `{REVISION}` holds only the beginning of the commit, `{}`",
                shorten(short)
            )
        }),
    }
}

fn of(platform: &Platform) -> String {
    if platform.name.is_empty() {
        String::new()
    } else {
        format!(" for {}", shorten(&platform.name))
    }
}

/// Whether a label means this commit: all of it, or its beginning.
fn is_of(revision: &str, commit: &str) -> bool {
    let revision = revision.trim().to_ascii_lowercase();
    revision.len() >= SHORTEST && commit.starts_with(&revision)
}
