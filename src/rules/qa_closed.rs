//! No hotfix reaches a QA environment by a promotion (A29).

use super::{Judges, OwnLevel, Rule, unknown_kind};
use crate::ci::Event;
use crate::facts::identity::{Evidence, NameKind};
use crate::facts::{Facts, Kind, Promotion, Source};
use crate::registry::reference::Version;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "qa-closed",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::HotfixToQa,
    events: &[Event::Promote, Event::Rollback],
    promise: "A hotfix is neither promoted to QA, nor is QA rolled back to one.",
    why: "A29: hotfixes must not be deployed to QA by a Drone command, because that pollutes the \
          release tags",
    notes: "A promotion is a hotfix's by any one of: a hotfix tag or branch in a version parameter \
            or in any other variable that the server did not set; the branch or git reference of \
            the promoted build; with `policy.repo`, an image that is byte for byte the one of a \
            hotfix tag. Which targets are QA is `policy.targets.qa`. The process has its own way to \
            give QA a hotfix (A30, A31), and the refusal prints it.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    let Some(promotion) = &facts.promotion else {
        return Outcome::NotApplicable {
            because: "it is no promotion".to_owned(),
        };
    };
    let target = promotion.target.name().unwrap_or_default();
    match promotion.kind() {
        Kind::Unknown => unknown_kind(promotion),
        Kind::Hotfix => Outcome::Violation {
            found: format!(
                "a hotfix for the QA target `{target}`: {}",
                evidence(promotion)
            ),
            expected: "hotfixes stay out of QA".to_owned(),
            next: way_out(facts, promotion, target),
        },
        Kind::Ordinary => match &promotion.bytes {
            Source::Known(compared) => Outcome::Pass {
                because: format!(
                    "no hotfix by name, by build, or by bytes ({} compared with {} hotfix tags)",
                    compared
                        .versions
                        .iter()
                        .map(|(_, digest)| digest.as_str())
                        .collect::<Vec<_>>()
                        .join(", "),
                    compared.hotfix_tags
                ),
            },
            Source::NotConfigured(why) | Source::Unknown { because: why, .. } => {
                names_only(promotion, why)
            }
        },
    }
}

/// A digest says nothing by its name, so without a registry to ask, nothing was judged at all.
fn names_only(promotion: &Promotion, why: &str) -> Outcome {
    let bare = promotion
        .versions
        .iter()
        .find(|parameter| match &parameter.version {
            Some(Version::Digest(_) | Version::Reference { tag: None, .. }) => true,
            Some(Version::Tag(_) | Version::Reference { .. }) | None => false,
        });
    match bare {
        Some(parameter) => Outcome::NotChecked {
            because: format!(
                "`{}` is a bare digest, which only a registry can compare with hotfix tags, and {why}",
                parameter.name
            ),
            next: vec![Step::Say(
                "set `policy.repo`, or promote a tag instead of the digest".to_owned(),
            )],
        },
        None => Outcome::Pass {
            because: format!("no hotfix by name or by build; bytes were not compared: {why}"),
        },
    }
}

fn evidence(promotion: &Promotion) -> String {
    let mut texts: Vec<String> = promotion
        .evidence
        .iter()
        .take(3)
        .map(Evidence::describe)
        .collect();
    let more = promotion.evidence.len().saturating_sub(3);
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    texts.join("; ")
}

/// A30 and A31: QA may be given a hotfix by hand, after everyone who uses QA agreed.
fn way_out(facts: &Facts<'_>, promotion: &Promotion, target: &str) -> Vec<Step> {
    let tag = promotion
        .evidence
        .iter()
        .find_map(|evidence| match evidence {
            Evidence::Name {
                token,
                kind: NameKind::Tag,
                ..
            } => Some(token.clone()),
            Evidence::Name {
                token,
                kind: NameKind::Branch,
                ..
            } => Some(format!("branch-{}", token.replace('/', "_"))),
            Evidence::Bytes { tag, .. } => Some(tag.clone()),
            Evidence::Build { .. } => None,
        });
    let tag = tag
        .or_else(|| {
            promotion
                .versions
                .first()
                .map(|version| version.text.clone())
        })
        .or_else(|| facts.tags.last().and_then(|planned| planned.text.clone()))
        .unwrap_or_else(|| "TAG".to_owned());
    let (name, image) = match &facts.policy.repo {
        Some(repo) => (repo.name().to_owned(), repo.to_string()),
        None => {
            let name = facts
                .build
                .repo
                .rsplit('/')
                .next()
                .unwrap_or("SERVICE")
                .to_owned();
            (name.clone(), format!("REGISTRY/{name}"))
        }
    };
    let mut steps = vec![
        Step::Say(
            "A31: first get the agreement of everyone who uses this QA environment; A30: then set the \
             image by hand, which creates no release tag"
                .to_owned(),
        ),
        Step::Run(vec![
            "kubectl".to_owned(),
            format!("--namespace={target}"),
            "set".to_owned(),
            "image".to_owned(),
            format!("deployment/{name}"),
            format!("{name}={image}:{tag}"),
        ]),
        Step::Say(format!(
            "the command takes the target as namespace and `{name}` as deployment and container; \
             change them where yours have other names"
        )),
    ];
    // A hotfix branch that was made at the release and has no change of its own yet can have the
    // very image of that release.
    let release = promotion
        .evidence
        .iter()
        .find_map(|evidence| match evidence {
            Evidence::Bytes { version, tag, .. } if facts.policy.is_release(version) => {
                Some((version, tag))
            }
            _ => None,
        });
    if let Some((version, tag)) = release {
        steps.push(Step::Say(format!(
            "if `{version}` is the release itself, `{tag}` was published before there was a change \
             on its branch: delete that tag from the registry and promote again"
        )));
    }
    steps
}
