//! What a promotion of a hotfix deploys is named, is in the registry, and is called a hotfix (A28, A36).

use super::{Asks, Judges, OwnLevel, Rule, known, promotion, unknown_kind};
use crate::ci::Event;
use crate::facts::identity::Evidence;
use crate::facts::promoted::{Found, Promoted};
use crate::facts::{Facts, Kind, Promotion, VersionParameter, shorten};
use crate::policy::targets::Class;
use crate::registry::Target;
use crate::registry::reference::Version;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "version-published",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::Hotfix,
    events: &[Event::Promote],
    asks: &[Asks::Images],
    promise: "The promoted version is the tag of a hotfix, and the registry has it.",
    why: "A28: `VERSION` is the tag of the hotfix branch; A36: the hotfix is released under that name \
          instead of a release number",
    notes: "A digest is as good as a tag. A hotfix that was given a release number is refused by that \
            name, and so is a release number with the build of a hotfix branch: one of the two is not \
            what somebody meant. Without `policy.repo` only the name is judged, and without any version \
            parameter nothing.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let promotion = promotion(facts)?;
    if promotion.target.class() == Some(Class::Qa) {
        return Ok(Outcome::NotApplicable {
            because: "no hotfix goes to QA at all; see `qa-closed`".to_owned(),
        });
    }
    if promotion.versions.is_empty() {
        return Err(unnamed(facts));
    }
    let release = promotion
        .versions
        .iter()
        .find(|version| names_release(facts, version));
    // The number of a release says nothing where nobody can say whether it is one.
    if release.is_some() && promotion.kind() == Kind::Unknown {
        return Err(unknown_kind(promotion));
    }
    // A hotfix that another variable only mentions does not make a release one.
    let by_itself = |evidence: &Evidence| !matches!(evidence, Evidence::Name { .. });
    if let Some(version) = release
        && promotion.evidence.iter().any(by_itself)
    {
        return Ok(release_number(
            facts,
            promotion,
            &version.name,
            &version.text,
        ));
    }
    let images = known(&promotion.images)?;
    if let Some(missing) = images.iter().find(|promoted| promoted.image.is_none()) {
        return Ok(unpublished(facts, missing));
    }
    let found = images.iter().filter_map(|promoted| promoted.image.as_ref());
    let shown: Vec<String> = found.map(describe).collect();
    Ok(Outcome::Pass {
        because: format!("the registry has {}", shown.join(" and ")),
        note: None,
    })
}

fn names_release(facts: &Facts<'_>, version: &VersionParameter) -> bool {
    let tag = version.version.as_ref().and_then(Version::tag);
    tag.is_some_and(|tag| facts.policy.is_release(tag))
}

fn describe(found: &Found) -> String {
    match &found.target {
        Target::Tag(tag) => format!("`{}` ({})", shorten(tag), found.digest),
        Target::Digest(digest) => format!("`{digest}`"),
    }
}

fn unnamed(facts: &Facts<'_>) -> Outcome {
    let names = &facts.policy.version_params;
    let first = names.first().map_or("VERSION", String::as_str);
    Outcome::NotChecked {
        because: format!(
            "none of the parameters `{}` is given, so nothing says what is deployed",
            names.join("`, `")
        ),
        next: vec![Step::Say(format!(
            "promote again with `--param={first}=` and the tag that the build of the hotfix branch has \
             printed; where the parameter has another name, list it in `policy.version_params`"
        ))],
    }
}

/// A hotfix under the name of a release, or a release with the build of a hotfix.
fn release_number(facts: &Facts<'_>, promotion: &Promotion, name: &str, text: &str) -> Outcome {
    let shown = shorten(text);
    let hotfix_tag = promotion
        .evidence
        .iter()
        .find_map(|evidence| match evidence {
            Evidence::Bytes { version, tag, .. } if version == text => Some(tag),
            _ => None,
        });
    let of_image = |evidence: &Evidence| match evidence {
        Evidence::Bytes { version, .. } | Evidence::Attested { version, .. } => version == text,
        _ => false,
    };
    let because = promotion
        .evidence
        .iter()
        .find(|evidence| of_image(evidence))
        .or_else(|| {
            let mut all = promotion.evidence.iter();
            all.find(|evidence| !matches!(evidence, Evidence::Name { .. }))
        })
        .map(Evidence::describe)
        .unwrap_or_default();
    let first = facts
        .policy
        .version_params
        .first()
        .map_or("VERSION", String::as_str);
    let hotfix = match hotfix_tag {
        Some(tag) => {
            format!("to release the hotfix, promote it by its own tag: `--param={first}={tag}`")
        }
        None => format!(
            "to release the hotfix, promote it by its own tag in `{first}`, as its build has printed it"
        ),
    };
    Outcome::Violation {
        found: format!("`{name}={shown}` is a release number, but {because}"),
        expected: "a hotfix under the tag of its branch, or a release with a build of its own"
            .to_owned(),
        next: vec![
            Step::Say(hotfix),
            Step::Say(format!(
                "to release `{shown}`, promote a build of that release, with nothing in the parameters \
                 that names a hotfix"
            )),
        ],
    }
}

fn unpublished(facts: &Facts<'_>, missing: &Promoted) -> Outcome {
    let text = shorten(&missing.text);
    let repo = facts.policy.repo.as_ref().map(ToString::to_string);
    Outcome::Violation {
        found: format!(
            "`{}={text}`, which `{}` does not have",
            missing.parameter,
            repo.unwrap_or_default()
        ),
        expected: "an image that was published".to_owned(),
        next: vec![Step::Say(
            "compare the version with the tag that the build of the hotfix branch has printed, and look \
             whether that build was green"
                .to_owned(),
        )],
    }
}
