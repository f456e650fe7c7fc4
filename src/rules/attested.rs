//! The image of a hotfix carries the statement of a gate that it has passed.

use super::{Asks, Judges, OwnLevel, Rule, known, promotion};
use crate::attestation::statement::{Claim, Publication, Statement};
use crate::ci::Event;
use crate::facts::promoted::Attested;
use crate::facts::{Facts, shorten};
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "attested",
    level: OwnLevel::Is(Level::Should),
    judges: Judges::HotfixToProduction,
    events: &[Event::Promote],
    asks: &[Asks::Images],
    promise: "The image of a hotfix carries the statement of a build of this repository that was allowed to publish it.",
    why: "A24, A28: what goes to production was published by the pipeline that the process describes, and \
          not pushed by hand; a tag can be moved, a statement is about the bytes",
    notes: "The step that publishes a hotfix attaches the statement to the digest, in the registry. With \
            `policy.verify_keys` only a statement counts that one of these keys has signed. Without them \
            everybody who may push to the repository could have written it, and the pass says so. A \
            statement that was overridden into being says by whom.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let promotion = promotion(facts)?;
    let all = known(&promotion.attested)?;
    if all.is_empty() {
        return Ok(Outcome::Unknown {
            because: "no version parameter names an image, so there is nothing that could carry a statement"
                .to_owned(),
            retry: false,
            next: vec![Step::Say(
                "promote with the tag or digest of the image as parameter".to_owned(),
            )],
        });
    }
    let mut passed = Vec::new();
    for attested in all {
        match publication(attested, &facts.build.repo) {
            Some(found) => passed.push(found),
            None => return Ok(none(facts, attested)),
        }
    }
    let shown: Vec<String> = passed.iter().map(|(_, found)| describe(found)).collect();
    let unsigned = passed.iter().any(|(statement, _)| !statement.signed);
    Ok(Outcome::Pass {
        because: shown.join("; "),
        note: unsigned.then(|| {
            "the statement about the image is not signed: everybody who may push to the repository could \
             have written it (`signing_key`, `policy.verify_keys`)"
                .to_owned()
        }),
    })
}

fn publication<'a>(attested: &'a Attested, repo: &str) -> Option<(&'a Statement, &'a Publication)> {
    attested
        .statements
        .iter()
        .find_map(|statement| match &statement.claim {
            Claim::Published(publication) if publication.source == repo => {
                Some((statement, publication))
            }
            Claim::Published(_) | Claim::Promoted(_) => None,
        })
}

fn describe(publication: &Publication) -> String {
    let overridden: Vec<String> = publication
        .rules
        .iter()
        .filter_map(|rule| {
            let by = rule.overridden.as_ref()?;
            Some(format!("{} by {}", shorten(&rule.rule), shorten(&by.by)))
        })
        .collect();
    let overridden = match overridden.is_empty() {
        true => String::new(),
        false => format!(", with overrides: {}", overridden.join(", ")),
    };
    format!(
        "build {} has published it from `{}` at {}{overridden}",
        publication.build.number,
        shorten(&publication.branch),
        shorten(&publication.time),
    )
}

fn none(facts: &Facts<'_>, attested: &Attested) -> Outcome {
    let others = attested
        .statements
        .iter()
        .find_map(|statement| match &statement.claim {
            Claim::Published(other) if other.source != facts.build.repo => Some(&other.source),
            _ => None,
        });
    let but = match (attested.rejected.first(), others) {
        (Some(why), _) => format!(": {why}"),
        (None, Some(source)) => format!(
            ": the one that is there is of a build of `{}`",
            shorten(source)
        ),
        (None, None) => String::new(),
    };
    Outcome::Violation {
        found: format!("no statement that counts is attached to {}{but}", attested.digest),
        expected: format!(
            "the statement of a build of `{}` that has published this image",
            facts.build.repo
        ),
        next: vec![Step::Say(
            "let the step with `policy.source` publish the image from a build of the hotfix branch; an \
             image that was pushed by hand carries no statement"
                .to_owned(),
        )],
    }
}
