//! No hotfix reaches a QA environment by a promotion (A29).

use super::{Judges, OwnLevel, Rule, unknown_kind};
use crate::ci::Event;
use crate::facts::identity::{Evidence, NameKind};
use crate::facts::{Facts, Kind, Promotion, Source, shorten};
use crate::hotfix::HotfixBranch;
use crate::hotfix::template::Values;
use crate::registry::reference::{Version, is_tag};
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "qa-closed",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::HotfixToQa,
    events: &[Event::Promote, Event::Rollback],
    asks: &[],
    promise: "A hotfix is neither promoted to QA, nor is QA rolled back to one.",
    why: "A29: hotfixes must not be deployed to QA by a Drone command, because that pollutes the \
          release tags",
    notes: "A promotion is a hotfix's by any one of: a hotfix tag or branch in a version parameter \
            or in any other variable that the server did not set, with `policy.train` also the version of \
            a train's hotfix (`0.2012.04.27-2`); the branch or git reference of the promoted build; \
            with `policy.repo`, an image that is byte for byte the one of a \
            hotfix tag, one platform of it, an index that holds it or has a platform in common with it, \
            or an image of the same configuration in another manifest; a statement that is attached to \
            the image; and the commit: the one of the promoted build, of the version's git tag, or of \
            the image's label `org.opencontainers.image.revision` lies on, or on top of, what a hotfix \
            branch of the remote has and the default branch has not. The last needs a checkout or \
            credentials for git, and the branch: the commits of a hotfix branch that was deleted are \
            known by the other ways alone. Commits of `policy.release_branches`, and of a release that \
            runs in production, are ordinary. Which targets are QA is `policy.targets.qa`. The process \
            has its own way to give QA a hotfix (A30, A31), and the refusal prints it.",
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
            Source::Known(compared) => {
                let digests: Vec<&str> = compared
                    .versions
                    .iter()
                    .map(|(_, digest)| digest.as_str())
                    .collect();
                Outcome::Pass {
                    note: None,
                    because: format!(
                        "no hotfix by name or by build, and none of {} hotfix tags has, holds, is held \
                         by or shares a platform or configuration with {}{}",
                        compared.hotfix_tags,
                        digests.join(", "),
                        commits(promotion)
                    ),
                }
            }
            Source::NotConfigured(why) | Source::Unknown { because: why, .. } => {
                names_only(promotion, why)
            }
        },
    }
}

/// What was seen of its commits.
fn commits(promotion: &Promotion) -> String {
    match &promotion.commits {
        Source::Known(0) => "; the remote has no hotfix branch".to_owned(),
        Source::Known(1) => "; no commit of it is the one hotfix branch's alone".to_owned(),
        Source::Known(count) => {
            format!("; no commit of it is one of {count} hotfix branches' alone")
        }
        Source::NotConfigured(why) | Source::Unknown { because: why, .. } => {
            format!("; commits were not compared: {why}")
        }
    }
}

/// A digest says nothing by its name, so without a registry to ask, nothing was judged at all.
fn names_only(promotion: &Promotion, why: &str) -> Outcome {
    let bare = promotion.versions.iter().find(|parameter| {
        parameter
            .version
            .as_ref()
            .and_then(Version::digest)
            .is_some()
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
            note: None,
            because: format!(
                "no hotfix by name or by build; bytes were not compared: {why}{}",
                commits(promotion)
            ),
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
    let reference = wanted(facts, promotion, &image);
    let mut steps = Vec::new();
    // A hotfix named beside a release may be no more than a mention.
    let beside = promotion
        .evidence
        .iter()
        .find_map(|evidence| match evidence {
            Evidence::Name { variable, .. } if !facts.policy.version_params.contains(variable) => {
                Some(variable)
            }
            _ => None,
        });
    if let (Some(variable), [first]) = (beside, promotion.versions.as_slice())
        && facts.policy.is_release(&first.text)
    {
        steps.push(Step::Say(format!(
            "if this is the release `{}` and `{variable}` only mentions a hotfix, promote again \
             without that text; else:",
            first.text
        )));
    }
    steps.extend([
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
            format!("{name}={reference}"),
        ]),
        Step::Say(format!(
            "the command takes the target as namespace and `{name}` as deployment and container; \
             change them where yours have other names"
        )),
    ]);
    let line = promotion
        .evidence
        .iter()
        .find_map(|evidence| match evidence {
            Evidence::Commit { branch, .. } => Some(branch),
            _ => None,
        });
    if let Some(branch) = line {
        steps.push(Step::Say(format!(
            "if this is an ordinary release of a line that is not merged into the default branch, and \
             `{}` was only branched off it: name the branch of that line in `policy.release_branches`, \
             or merge it",
            shorten(branch)
        )));
    }
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

/// The image that somebody wanted in QA, as a command can take it.
fn wanted(facts: &Facts<'_>, promotion: &Promotion, image: &str) -> String {
    let of_branch = |branch: &str| {
        let branch = HotfixBranch::parse(branch, &facts.policy.prefixes).ok()?;
        let values = Values {
            branch: &branch,
            ticket: None,
            commit: &facts.build.commit,
            build: facts.build.number,
        };
        let template = &facts.policy.tag;
        // A commit or number in the template would be this build's, not the hotfix's.
        let sure = template.is_of_branch_alone();
        template.render(values).filter(|tag| sure && is_tag(tag))
    };
    let by_name = promotion
        .evidence
        .iter()
        .find_map(|evidence| match evidence {
            Evidence::Name {
                token,
                kind: NameKind::Tag | NameKind::Version,
                ..
            } if is_tag(token) => Some(token.clone()),
            Evidence::Name {
                token,
                kind: NameKind::Branch,
                ..
            } => of_branch(token),
            Evidence::Bytes { tag, .. } => Some(tag.clone()),
            _ => None,
        });
    if let Some(tag) = by_name {
        return format!("{image}:{tag}");
    }
    match promotion
        .versions
        .iter()
        .find_map(|parameter| parameter.version.as_ref())
    {
        Some(Version::Tag(tag)) if is_tag(tag) => format!("{image}:{tag}"),
        Some(Version::Digest(digest)) => format!("{image}@{digest}"),
        Some(Version::Reference { name, tag, digest }) => {
            let tag = tag
                .as_ref()
                .map(|tag| format!(":{tag}"))
                .unwrap_or_default();
            let digest = digest
                .as_ref()
                .map(|digest| format!("@{digest}"))
                .unwrap_or_default();
            format!("{name}{tag}{digest}")
        }
        Some(Version::Tag(_)) => format!("{image}:TAG"),
        None => {
            let branch = facts.build.branch.as_deref().unwrap_or_default();
            format!(
                "{image}:{}",
                of_branch(branch).unwrap_or_else(|| "TAG".to_owned())
            )
        }
    }
}
