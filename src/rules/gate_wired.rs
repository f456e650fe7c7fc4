//! The pipeline file leads every promotion through the gate (A24).

use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::facts::Facts;
use crate::facts::pipeline::PipelineFacts;
use crate::pipeline::weakness::Weakness;
use crate::secret::shorten;
use crate::verdict::{Level, Outcome, Step};

/// The most weaknesses that are named; the others are counted.
const MOST: usize = 20;

pub(super) const RULE: Rule = Rule {
    id: "gate-wired",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::All,
    events: &[
        Event::PullRequest,
        Event::Push,
        Event::Custom,
        Event::Promote,
    ],
    asks: &[Asks::Pipeline],
    promise: "The pipeline file really leads every promotion through the gate.",
    why: "A24: the steps of the process run because the pipeline file says so; what it lets past the \
          gate, no gate can see",
    notes: "Each weakness is named with its line: steps that a promotion or rollback reaches without \
            the gate before them, or that run even if it refuses; `failure: ignore`, `detach: true` and \
            `enforce: false` on the gate; conditions that the server passes over without a word, such as \
            `environment` of Drone 0.8; text with `${…}`, which the server replaces before it reads the file; `latest` \
            or a release's tag pushed from a hotfix branch; `hotfix/*`, which misses `hotfix/a/b`; a tag \
            that replaces only the first slash; and names of production that fall into the steps for \
            everything else. Every step counts, because any program can deploy; only a step named `clone` \
            and services without a secret do not. A file that cannot be read is unknown.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    let pipeline = match known(&facts.pipeline) {
        Ok(pipeline) => pipeline,
        Err(outcome) => return outcome,
    };
    if let Some(unreadable) = &pipeline.unreadable {
        return Outcome::Unknown {
            because: format!("`{}`: {}", unreadable.place(), unreadable.because),
            retry: false,
            next: vec![Step::Say(unreadable.advice.clone())],
        };
    }
    if pipeline.weaknesses.is_empty() {
        return Outcome::Pass {
            because: format!(
                "of the {} in {} none is reached by a promotion without {}",
                count(pipeline.steps, "step"),
                files(&pipeline.files),
                gates(pipeline)
            ),
            note: None,
        };
    }
    let shown = &pipeline.weaknesses[..pipeline.weaknesses.len().min(MOST)];
    let more = pipeline.weaknesses.len() - shown.len();
    let mut found: Vec<String> = shown.iter().map(describe).collect();
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    Outcome::Violation {
        found: found.join("; "),
        expected: "a pipeline file in which nothing that a promotion starts goes past the gate"
            .to_owned(),
        next: advice(shown),
    }
}

fn describe(weakness: &Weakness) -> String {
    match &weakness.pipeline {
        Some(name) => format!(
            "`{}` (pipeline `{}`): {}",
            weakness.place(),
            shorten(name, 60),
            weakness.what
        ),
        None => format!("`{}`: {}", weakness.place(), weakness.what),
    }
}

/// What to do about each; said once where it is the same.
fn advice(shown: &[Weakness]) -> Vec<Step> {
    let mut said: Vec<(&str, Vec<String>)> = Vec::new();
    for weakness in shown {
        let place = format!("`{}`", weakness.place());
        match said.iter_mut().find(|(text, _)| *text == weakness.advice) {
            Some((_, places)) if places.contains(&place) => {}
            Some((_, places)) => places.push(place),
            None => said.push((&weakness.advice, vec![place])),
        }
    }
    said.into_iter()
        .map(|(text, places)| Step::Say(format!("{}: {text}", places.join(", "))))
        .collect()
}

fn gates(pipeline: &PipelineFacts) -> String {
    let names: Vec<String> = pipeline
        .gates
        .iter()
        .take(MOST)
        .map(|(pipeline, step)| {
            format!(
                "`{}` in the pipeline `{}`",
                shorten(step, 60),
                shorten(pipeline, 60)
            )
        })
        .collect();
    let one = if names.len() == 1 {
        "the gate"
    } else {
        "a gate"
    };
    format!("{one} before it ({})", names.join(", "))
}

fn files(files: &[String]) -> String {
    match files {
        [one] => format!("`{}`", shorten(one, 120)),
        many => count(many.len(), "file"),
    }
}

fn count(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
