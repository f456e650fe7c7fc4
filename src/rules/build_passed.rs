//! The hotfix's own build passed, whatever build carries the promotion.

use super::{Asks, Judges, OwnLevel, Rule, known, promotion};
use crate::attestation::statement::Claim;
use crate::ci::Event;
use crate::facts::before::{Built, Past};
use crate::facts::identity::{Evidence, NameKind, Relation};
use crate::facts::{Facts, Promotion, VersionParameter, shorten};
use crate::hotfix::template::Values;
use crate::hotfix::{CommitId, HotfixBranch};
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "build-passed",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::HotfixToProduction,
    events: &[Event::Promote],
    asks: &[Asks::Before, Asks::Past, Asks::Images],
    promise: "The build of the hotfix branch that made the image ended well.",
    why: "A21: the build must pass; Drone itself lets a failed build be promoted, and a team may promote \
          the newest build of main with the hotfix as a parameter, whose success says nothing of the hotfix",
    notes: "Asked of the Drone server. The build is the one that the statement on the image names; else \
            the promoted build itself, if it is one of the hotfix branch; else the newest build of the branch \
            whose tag is promoted: if that has failed, an older success does not count, because nobody knows \
            which of the two the image is of.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let promotion = promotion(facts)?;
    let before = known(&promotion.before)?;
    let past = known(&before.past)?;
    // A statement may name another build than the branch; where that is not known, neither is the build.
    if let Err(unknown @ Outcome::Unknown { .. }) = known(&promotion.attested) {
        return Ok(unknown);
    }
    let stated = stated(facts, promotion);
    let images = promotion.attested.get().map_or(0, Vec::len);
    if images > 0 && stated.len() == images {
        let mut passed = Vec::new();
        for number in stated {
            let found = past.builds.iter().find(|build| build.number == number);
            let Some(build) = found else {
                return Ok(gone(number));
            };
            passed.push(ended(build, "the statement on the image names it")?);
        }
        return Ok(Outcome::Pass {
            because: passed.join("; "),
            note: None,
        });
    }
    // What a version names may be another hotfix than the build that carries it.
    if facts.branch.is_ok() && promotion.versions.is_empty() {
        let Some(origin) = known(&before.origin)? else {
            return Ok(gone(facts.build.parent.unwrap_or_default()));
        };
        if !matches!(origin.event.as_str(), "push" | "custom") {
            return Ok(Outcome::Unknown {
                because: format!(
                    "the promotion goes back to build {}, which was started by the event `{}` and is no \
                     build of a push",
                    origin.number,
                    shorten(&origin.event)
                ),
                retry: false,
                next: vec![Step::Say(
                    "promote the build of the hotfix branch".to_owned(),
                )],
            });
        }
        let because = ended(origin, "it is promoted")?;
        return Ok(Outcome::Pass {
            because,
            note: None,
        });
    }
    by_name(facts, promotion, past)
}

/// The builds that the statements on the promoted images name.
fn stated(facts: &Facts<'_>, promotion: &Promotion) -> Vec<u64> {
    let attested = promotion.attested.get().into_iter().flatten();
    // One good build of the very bytes is enough, so of each image the newest is asked.
    let newest = attested.filter_map(|one| {
        let builds = one
            .statements
            .iter()
            .filter_map(|statement| match &statement.claim {
                Claim::Published(published) if published.source == facts.build.repo => {
                    Some(published.build.number)
                }
                Claim::Published(_) | Claim::Promoted(_) => None,
            });
        builds.max()
    });
    newest.collect()
}

/// Logins of those who have written the hotfix, as far as the server knows them.
pub(super) fn authors<'a>(facts: &Facts<'_>, past: &'a Past) -> Vec<&'a str> {
    let Some(promotion) = &facts.promotion else {
        return Vec::new();
    };
    let stated = stated(facts, promotion);
    let of_branch = tagged(facts, promotion, past);
    let own = past
        .builds
        .iter()
        .filter(|build| stated.contains(&build.number));
    own.chain(of_branch)
        .filter_map(|build| build.author.as_deref())
        .collect()
}

/// The builds whose branch makes a promoted tag, newest first.
fn tagged<'a>(facts: &Facts<'_>, promotion: &Promotion, past: &'a Past) -> Vec<&'a Built> {
    let each = promotion.versions.iter();
    each.flat_map(|version| made(facts, promotion, past, version))
        .collect()
}

/// The builds whose branch makes the tag that one parameter names, newest first. A tag beside a digest
/// says nothing of what is deployed, and neither does what another parameter mentions.
fn made<'a>(
    facts: &Facts<'_>,
    promotion: &Promotion,
    past: &'a Past,
    parameter: &VersionParameter,
) -> Vec<&'a Built> {
    if parameter.text.contains('@') {
        return Vec::new();
    }
    let names: Vec<&str> = promotion
        .evidence
        .iter()
        .filter_map(|evidence| match evidence {
            Evidence::Name {
                variable,
                token,
                kind: NameKind::Tag,
            } if *variable == parameter.name => Some(token.as_str()),
            Evidence::Bytes {
                version,
                tag,
                relation: Relation::Same,
                ..
            } if *version == parameter.text => Some(tag.as_str()),
            _ => None,
        })
        .collect();
    let makes = |build: &&Built| {
        let name = build.branch.as_deref().unwrap_or_default();
        let Ok(branch) = HotfixBranch::parse(name, &facts.policy.prefixes) else {
            return false;
        };
        let Some(commit) = CommitId::parse(&build.commit) else {
            return false;
        };
        let ticket = facts.policy.ticket.find(branch.rest());
        let values = Values {
            branch: &branch,
            ticket: ticket.as_ref(),
            commit: &commit,
            build: build.number,
        };
        // What was skipped or declined has built nothing.
        let built = !matches!(build.status.as_str(), "skipped" | "declined");
        let templates = || facts.policy.templates();
        let makes = |name: &&str| templates().any(|t| t.render(values).as_deref() == Some(*name));
        built && names.iter().any(makes)
    };
    past.builds.iter().filter(makes).collect()
}

fn by_name(facts: &Facts<'_>, promotion: &Promotion, past: &Past) -> Result<Outcome, Outcome> {
    let each = promotion.versions.iter();
    let passed: Result<Vec<String>, Outcome> = each
        .map(|version| newest(&made(facts, promotion, past, version)))
        .collect();
    let because = passed?.join("; ");
    Ok(match because.is_empty() {
        true => nobody_knows(),
        false => Outcome::Pass {
            because,
            note: None,
        },
    })
}

fn nobody_knows() -> Outcome {
    Outcome::Unknown {
        because: "which build has made the image is not known: no statement is attached to it, and no \
                  build that the server lists is of a branch that makes its tag"
            .to_owned(),
        retry: false,
        next: vec![Step::Say(
            "let a build of the hotfix branch publish the image with this step, or promote by its tag"
                .to_owned(),
        )],
    }
}

fn newest(builds: &[&Built]) -> Result<String, Outcome> {
    let newest = builds.first().ok_or_else(nobody_knows)?;
    // T3 of process.md §4: `hotfix/a_b` and `hotfix/a/b` share a tag.
    if let Some(other) = builds.iter().find(|build| build.branch != newest.branch) {
        let name = |build: &Built| shorten(build.branch.as_deref().unwrap_or_default());
        return Err(Outcome::Unknown {
            because: format!(
                "the branches `{}` and `{}` make the same tag, so which build the image is of is not known",
                name(newest),
                name(other)
            ),
            retry: false,
            next: vec![Step::Say(
                "promote by the digest that the build of the hotfix branch has printed".to_owned(),
            )],
        });
    }
    ended(newest, "it is the newest of its branch").map_err(|outcome| {
        let older = builds.iter().skip(1).find(|build| build.is_success());
        match (outcome, older) {
            (
                Outcome::Violation {
                    found,
                    expected,
                    next,
                },
                Some(older),
            ) => Outcome::Violation {
                found: format!(
                    "{found}; build {} before it ended well, but which of the two the image is of is not \
                     known",
                    older.number
                ),
                expected,
                next,
            },
            (outcome, _) => outcome,
        }
    })
}

fn ended(build: &Built, reason: &str) -> Result<String, Outcome> {
    let branch = shorten(build.branch.as_deref().unwrap_or_default());
    let what = format!("build {} of `{branch}` ({reason})", build.number);
    if build.is_success() {
        return Ok(format!("{what} ended well"));
    }
    Err(Outcome::Violation {
        found: format!("{what} is `{}`", shorten(&build.status)),
        expected: "a build of the hotfix that ended well".to_owned(),
        next: vec![Step::Say(
            "mend what fails, push, and promote what that build publishes; a build that is still running: \
             wait for it"
                .to_owned(),
        )],
    })
}

fn gone(number: u64) -> Outcome {
    Outcome::Unknown {
        because: format!("build {number} is not among the builds that the server lists"),
        retry: false,
        next: vec![Step::Say(
            "build the hotfix branch again, and promote what that build publishes".to_owned(),
        )],
    }
}
