//! Every hotfix of a train raises `Release` by one, and nothing else (B10, B11).

use super::{Asks, Judges, OwnLevel, Rule, known, no_commit, trains};
use crate::ci::Event;
use crate::facts::train::{File, Found, How, Right, Start, TrainFacts};
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
    notes: "A pull request is judged as if it were one commit, and also compared with the train as it is now. On a push \
            the commits of the train are walked in their order, from where the train begins or what runs in production \
            lies on it. A number is right if it is the next one after the last that was right, with the same \
            text behind it. A number that was wrong may be corrected by a commit; one that was right is never used again, \
            because its package may have been built. So several hotfixes may be pushed at once, each with a number of its own, \
            and a commit after the last number is one too many. That is every commit that changes more than the change log and \
            the lines `Version` and `Release`: what else stands in the spec file goes into the package, too, apart from \
            `%changelog` and comments in its first part. Of a merge the parent with the highest number counts, and by itself \
            it needs a number only for what none of its parents has. Other branches of \
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
    let now = trains::file(&train.tip.spec, &policy.spec, "spec")?;
    let right = right(policy, start)?;
    let due = right.release.next();
    let wanted = format!(
        "`Version: {}` and `Release: {}`",
        shorten(&right.version),
        shown(&due)
    );
    let unread = |tag, why| trains::unread(&policy.spec, tag, &why, &wanted);
    let version = now.version().map_err(|why| unread("Version", why))?;
    let release = now.release().map_err(|why| unread("Release", why))?;
    let refuse = |found: String, next: String| {
        Err(Outcome::Violation {
            found,
            expected: wanted.clone(),
            next: vec![Step::Say(next)],
        })
    };
    let set = || format!("set `Release` to `{}`", shown(&due));
    if version != right.version {
        return refuse(
            format!(
                "`Version` changed from `{}` to `{}` instead of `Release`",
                shorten(&right.version),
                shorten(version)
            ),
            format!(
                "set `Version` back to `{}`, and `Release` to `{}`",
                shorten(&right.version),
                shown(&due)
            ),
        );
    }
    let old = &right.release;
    if release.number < old.number {
        let found = format!(
            "`Release` lowered from `{}` to `{}`",
            shown(old),
            shown(&release)
        );
        return refuse(found, raise(policy, &due));
    }
    if release.number > due.number {
        return refuse(
            format!(
                "`Release` raised by {}, from `{}` to `{}`",
                release.number - old.number,
                shown(old),
                shown(&release)
            ),
            format!("{}: every hotfix takes the next number", set()),
        );
    }
    if release.suffix != old.suffix {
        let found = match release.number == old.number {
            true => format!(
                "`Release` changed from `{}` to `{}`, with the same number{}",
                shown(old),
                shown(&release),
                entries(train, start)
            ),
            false => format!(
                "`Release` raised to {}, and what follows the number changed from `{}` to `{}`",
                release.number,
                shorten(&old.suffix),
                shorten(&release.suffix)
            ),
        };
        return refuse(found, set());
    }
    if !start.unnumbered.is_empty() {
        return refuse(unnumbered(train, start, right), raise(policy, &due));
    }
    if !start.raises(&train.tip) {
        return without_number(policy, train, start, right);
    }
    taken(policy, train, &release)?;
    Ok(Outcome::Pass {
        because: format!(
            "`Release` was raised from {} to {} since {}",
            release.number.saturating_sub(1),
            release.number,
            describe(start)
        ),
        note: notes(train, start, &release),
    })
}

/// The last number that was right, or the answer where there is none.
fn right<'a>(policy: &Train, start: &'a Start) -> Result<&'a Right, Outcome> {
    if let Some(right) = &start.right {
        return Ok(right);
    }
    let at = start.snapshot.commit.short();
    let before = trains::file_before(&start.snapshot.spec, &policy.spec, "spec", at)?;
    let written = "`Version` and `Release` that are written out";
    let unread = |tag, why| trains::unread(&policy.spec, tag, &why, written);
    before.version().map_err(|why| unread("Version", why))?;
    before.release().map_err(|why| unread("Release", why))?;
    Err(Outcome::Unknown {
        because: format!("`{}` has no number that can be compared", policy.spec),
        retry: false,
        next: vec![Step::Say(format!(
            "write out `Version` and `Release` in `{}`",
            policy.spec
        ))],
    })
}

/// The answer where nothing came that needs a number.
fn without_number(
    policy: &Train,
    train: &TrainFacts,
    start: &Start,
    right: &Right,
) -> Result<Outcome, Outcome> {
    // A change log that is not known might tell of a hotfix.
    known(&start.snapshot.changelog)?;
    known(&train.tip.changelog)?;
    let entries = entries(train, start);
    let because = match right.how {
        How::Begin if right.commit == train.tip.commit => format!(
            "the train begins here, with `Version: {}`",
            shorten(&right.version)
        ),
        _ if !entries.is_empty() => {
            return Err(Outcome::Violation {
                found: format!("`Release: {}` as before{entries}", shown(&right.release)),
                expected: format!("`Release: {}`", shown(&right.release.next())),
                next: vec![Step::Say(raise(policy, &right.release.next()))],
            });
        }
        _ => format!(
            "nothing came since {} that needs a number",
            start.snapshot.commit.short()
        ),
    };
    Ok(Outcome::NotApplicable { because })
}

/// Whether the train itself has gone to the number meanwhile.
fn taken(policy: &Train, train: &TrainFacts, release: &Release) -> Result<(), Outcome> {
    let Some(moved) = &train.moved else {
        return Ok(());
    };
    let now = match known(&moved.spec)? {
        File::Read(spec) | File::Latin1(spec) => spec.release(),
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
            expected: format!("`Release: {}`", shown(&now.next())),
            next: vec![Step::Say(format!(
                "rebase onto `{}`, and set `Release` in `{}` to `{}`",
                shorten(&train.branch),
                policy.spec,
                shown(&now.next())
            ))],
        }),
        _ => Ok(()),
    }
}

fn notes(train: &TrainFacts, start: &Start, release: &Release) -> Option<String> {
    let mut notes = Vec::new();
    let asked = train.pulls.get();
    let pulls = || asked.into_iter().flat_map(|asked| &asked.raising);
    let branches = train.others.get().into_iter().flatten();
    // A branch that the forge has a pull request of is named by that.
    let branches = branches.filter(|branch| !pulls().any(|pull| pull.branch == branch.branch));
    let same: Vec<String> = pulls()
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
    if let Some(unread) = asked.map(|asked| asked.unread).filter(|unread| *unread > 0) {
        notes.push(format!(
            "{unread} more open pull request{} into this train {} not looked through",
            if unread == 1 { "" } else { "s" },
            if unread == 1 { "was" } else { "were" },
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

/// How many entries the change log has more than where the hotfix starts, in words.
fn entries(train: &TrainFacts, start: &Start) -> String {
    let added = match (start.snapshot.changelog.get(), train.tip.changelog.get()) {
        (Some(File::Read(old) | File::Latin1(old)), Some(File::Read(new))) => {
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
fn unnumbered(train: &TrainFacts, start: &Start, right: &Right) -> String {
    let named = start.unnumbered.iter().take(3).map(CommitId::short);
    let shown: Vec<&str> = named.collect();
    let count = start.unnumbered.len();
    let more = match count - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let s = if count == 1 { "" } else { "s" };
    let entries = entries(train, start);
    let shown = shown.join(", ");
    let number = self::shown(&right.release);
    if start.found == Found::PullRequest {
        return match right.how {
            How::WrittenOut => format!(
                "`Release: {number}`, which could not be read at {}, where the pull request leaves the train: \
                 nobody can say that it is the next number",
                start.snapshot.commit.short()
            ),
            _ => format!("`Release: {number}` as before{entries}"),
        };
    }
    match right.how {
        How::Next => format!(
            "`Release` was raised to {}, and {count} more commit{s} came after that without a \
             number: {shown}{more}{entries}",
            right.release.number
        ),
        How::WrittenOut => format!(
            "`Release: {number}` since {}, and none that could be read before, so nobody can say that it is \
             the next number of {count} commit{s}: {shown}{more}",
            right.commit.short()
        ),
        How::Base | How::Begin => {
            format!("`Release` was not raised for {count} commit{s}: {shown}{more}{entries}")
        }
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

fn raise(policy: &Train, due: &Release) -> String {
    format!(
        "set `Release` in `{}` to `{}`, in the commit that adds the line to `{}`",
        policy.spec,
        shown(due),
        policy.changelog
    )
}

fn shown(release: &Release) -> String {
    shorten(&format!("{}{}", release.number, release.suffix))
}
