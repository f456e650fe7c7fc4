//! Every hotfix of a train raises `Release` by one, and nothing else (B10, B11).

use super::{Asks, Judges, OwnLevel, Rule, known, no_commit, trains};
use crate::ci::Event;
use crate::facts::train::{File, Found, Snapshot, Start, TrainFacts};
use crate::facts::{Facts, Source, shorten};
use crate::hotfix::CommitId;
use crate::policy::train::Train;
use crate::train::difference::difference;
use crate::train::spec::Release;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "release-bump",
    level: OwnLevel::Is(Level::Off),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History, Asks::Train, Asks::Branches],
    promise: "`Release` in the spec file is raised by exactly one, and `Version` stays.",
    why: "B10: the `Release` field of the spec file is updated; B11: number and change log are pushed \
          together, probably in one commit",
    notes: "A pull request is compared with where it leaves the train, and with the train as it is now. On a push \
            the number before is looked for along the first parents of the train, no further back than \
            where the train begins or what runs in production lies on it. So several hotfixes may be pushed at once, \
            each with a number of its own, and a commit after the last number is one too many. Other branches of \
            the remote that raise `Release` of the same `Version` to the same number are said, up to 200 \
            branches; whoever comes second must take the next number.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let policy = trains::policy(facts)?;
    let train = known(&facts.train)?;
    let start = known(&train.start)?;
    if start.snapshot.commit == train.tip.commit {
        return Ok(no_commit());
    }
    let at = start.snapshot.commit.short();
    let now = trains::file(&train.tip.spec, &policy.spec, "spec")?;
    let before = trains::file_before(&start.snapshot.spec, &policy.spec, at)?;
    let written = "`Version` and `Release` that are written out";
    let unread = |tag, why| trains::unread(&policy.spec, tag, &why, written);
    let (version, old_version) = (
        now.version().map_err(|why| unread("Version", why))?,
        before.version().map_err(|why| unread("Version", why))?,
    );
    let (release, old) = (
        now.release().map_err(|why| unread("Release", why))?,
        before.release().map_err(|why| unread("Release", why))?,
    );
    let wanted = format!(
        "`Version: {}` and `Release: {}`",
        shorten(old_version),
        next(&old)
    );
    let refuse = |found: String, expected: String, next: String| {
        Err(Outcome::Violation {
            found,
            expected,
            next: vec![Step::Say(next)],
        })
    };
    let name = policy.branches.group(&train.branch).unwrap_or_default();
    let own = format!("{}{name}", policy.version_prefix);
    if version != old_version {
        if version == own && start.unnumbered.is_empty() {
            return Ok(Outcome::NotApplicable {
                because: format!(
                    "the train begins here, with `Version: {}`",
                    shorten(version)
                ),
            });
        }
        if version != own || start.unnumbered.is_empty() {
            return refuse(
                format!(
                    "`Version` raised from `{}` to `{}` instead of `Release`",
                    shorten(old_version),
                    shorten(version)
                ),
                wanted,
                format!(
                    "set `Version` back to `{}`, and `Release` to `{}`",
                    shorten(old_version),
                    next(&old)
                ),
            );
        }
        return refuse(
            unnumbered(train, start, None),
            format!("`Release: {}`", next(&release)),
            raise(policy, &next(&release)),
        );
    }
    if release.number == old.number {
        let entries = entries(train, &start.snapshot);
        let found = match release.suffix == old.suffix {
            true => format!("`Release: {}` as before{entries}", shown(&release)),
            false => format!(
                "`Release` changed from `{}` to `{}`, with the same number{entries}",
                shown(&old),
                shown(&release)
            ),
        };
        return refuse(found, wanted, raise(policy, &next(&old)));
    }
    if release.number < old.number {
        return refuse(
            format!(
                "`Release` lowered from `{}` to `{}`",
                shown(&old),
                shown(&release)
            ),
            wanted,
            raise(policy, &next(&old)),
        );
    }
    if release.number - old.number > 1 {
        return refuse(
            format!(
                "`Release` raised by {}, from `{}` to `{}`",
                release.number - old.number,
                shown(&old),
                shown(&release)
            ),
            wanted,
            format!(
                "set `Release` to `{}`: every hotfix takes the next number",
                next(&old)
            ),
        );
    }
    if release.suffix != old.suffix {
        return refuse(
            format!(
                "`Release` raised to {}, and what follows the number changed from `{}` to `{}`",
                release.number,
                shorten(&old.suffix),
                shorten(&release.suffix)
            ),
            wanted,
            format!("set `Release` to `{}`", next(&old)),
        );
    }
    if !start.unnumbered.is_empty() {
        let found = unnumbered(train, start, Some(release.number));
        return refuse(
            found,
            format!("`Release: {}`", next(&release)),
            raise(policy, &next(&release)),
        );
    }
    taken(policy, train, &release)?;
    Ok(Outcome::Pass {
        because: format!(
            "`Release` was raised from {} to {} since {}",
            old.number,
            release.number,
            describe(start)
        ),
        note: notes(train, start, &release),
    })
}

/// Whether the train itself has gone to the number meanwhile.
fn taken(policy: &Train, train: &TrainFacts, release: &Release) -> Result<(), Outcome> {
    let Some(moved) = &train.moved else {
        return Ok(());
    };
    let now = match known(&moved.spec)? {
        File::Read(spec) => spec.release(),
        File::Missing | File::NoText => return Ok(()),
    };
    match now {
        Ok(now) if now.number >= release.number => Err(Outcome::Violation {
            found: format!(
                "`Release: {}`, to which `{}` itself has gone meanwhile ({})",
                shown(release),
                shorten(&train.branch),
                moved.commit.short()
            ),
            expected: format!("`Release: {}`", next(&now)),
            next: vec![Step::Say(format!(
                "rebase onto `{}`, and set `Release` in `{}` to `{}`",
                shorten(&train.branch),
                policy.spec,
                next(&now)
            ))],
        }),
        _ => Ok(()),
    }
}

fn notes(train: &TrainFacts, start: &Start, release: &Release) -> Option<String> {
    let mut notes = Vec::new();
    let pulls = train.pulls.get().into_iter().flatten();
    let branches = train.others.get().into_iter().flatten();
    // A branch that the forge has a pull request of is named by that.
    let branches = branches.filter(|branch| {
        let mut pulls = train.pulls.get().into_iter().flatten();
        !pulls.any(|pull| pull.branch == branch.branch)
    });
    let same: Vec<String> = pulls
        .chain(branches)
        .filter(|other| other.release == release.number)
        .take(5)
        .map(|other| match other.pull_request {
            Some(number) => format!("pull request {number} (`{}`)", shorten(&other.branch)),
            None => format!("`{}`", shorten(&other.branch)),
        })
        .collect();
    if !same.is_empty() {
        notes.push(format!(
            "{} also {} to `Release` {}: whoever comes second must take {}",
            same.join(", "),
            if same.len() == 1 { "goes" } else { "go" },
            release.number,
            release.number.saturating_add(1)
        ));
    }
    if let Source::Unknown { because, .. } = &train.pulls {
        notes.push(format!(
            "whether an open pull request goes to the same number is not known: {because}"
        ));
    }
    if start.in_one == Some(false) {
        notes.push(
            "the number was not raised in the commit that tells of the hotfix in the change log (B11: \
             probably in one commit)"
                .to_owned(),
        );
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// How many entries the change log has more than at a commit, in words.
fn entries(train: &TrainFacts, from: &Snapshot) -> String {
    let added = match (from.changelog.get(), train.tip.changelog.get()) {
        (Some(File::Read(old)), Some(File::Read(new))) => {
            difference(old, new, &train.branch).added.len()
        }
        _ => 0,
    };
    match added {
        0 => String::new(),
        1 => ", though the change log tells of a new hotfix".to_owned(),
        count => format!(", though the change log tells of {count} new hotfixes"),
    }
}

/// The commits that have no number.
fn unnumbered(train: &TrainFacts, start: &Start, raised: Option<u32>) -> String {
    let shown: Vec<&str> = start
        .unnumbered
        .iter()
        .take(3)
        .map(CommitId::short)
        .collect();
    let count = start.unnumbered.len();
    let more = match count - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let s = if count == 1 { "" } else { "s" };
    let entries = start
        .numbered
        .as_ref()
        .map_or_else(String::new, |from| entries(train, from));
    let shown = shown.join(", ");
    match raised {
        None => format!("`Release` was not raised for {count} commit{s}: {shown}{more}{entries}"),
        Some(number) => format!(
            "`Release` was raised to {number}, and {count} more commit{s} came after that without a \
             number: {shown}{more}{entries}"
        ),
    }
}

fn describe(start: &Start) -> String {
    let at = start.snapshot.commit.short();
    match start.found {
        Found::PullRequest => format!("{at}, where the pull request leaves the train"),
        Found::Number => format!("{at}, the number before"),
        Found::Base => format!("{at}, where the hotfixes of this train begin"),
    }
}

fn raise(policy: &Train, next: &str) -> String {
    format!(
        "set `Release` in `{}` to `{next}`, in the commit that adds the line to `{}`",
        policy.spec, policy.changelog
    )
}

fn shown(release: &Release) -> String {
    shorten(&format!("{}{}", release.number, release.suffix))
}

fn next(release: &Release) -> String {
    shown(&Release {
        number: release.number.saturating_add(1),
        suffix: release.suffix.clone(),
    })
}
