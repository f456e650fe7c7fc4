//! Every hotfix of a train has a line in its change log (B09).

mod kept;

use super::{Asks, Judges, OwnLevel, Rule, known, no_commit, trains};
use crate::ci::Event;
use crate::day::Day;
use crate::facts::train::{File, Start, TrainFacts};
use crate::facts::{Facts, shorten};
use crate::policy::train::{Form, Train};
use crate::train::changelog::{Below, ChangeLog};
use crate::train::difference::{Difference, Placed, difference};
use crate::train::entry::{Date, Entry, Mark};
use crate::train::tickets::without_numbers;
use crate::verdict::{Level, Outcome, Step};

/// The most entries that one finding names.
const SHOWN: usize = 3;
const DAY: i64 = 24 * 60 * 60;

pub(super) const RULE: Rule = Rule {
    id: "changelog",
    level: OwnLevel::Is(Level::Off),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History, Asks::Train],
    promise: "The change log has a new line about the hotfix below the heading of its train, with a day and a ticket.",
    why: "B09: the change log documents it: `(hotfix 2012.04.03) Fixed foo: #1234`",
    notes: "What is new is looked for in what the hotfix changes as a whole, from the commit that `release-bump` \
            starts at: a line that was moved, reworded or copied is none. The day must be one of the calendar and not in \
            the future. A ticket is `#1234`, `issue #1234`, `bug 123456`, the address of one, or what `policy.ticket` says if \
            that is set. It stands at the end, or a word such as `bug` or `fixes` or a bracket stands before it; any other \
            `#1234` is part of the text. With `form: plain` everything else that is irregular is said and let pass: another bullet \
            or none, another spelling of the mark around a day, `hotfix on`, \
            no year, another year than the train's, more blanks, a colon at the wrong place or none, `bug #`, six digits that are a bug of \
            Bugzilla, wrapped lines, headings without a colon, in another form or twice. With `form: strict` it is refused. \
            One new line that is in order is enough. What was there where the hotfix starts must stay: a line that is gone, that stands \
            below another heading, or that has another day or other tickets is always refused; other words are said. Hotfixes before \
            the last one of which there is no line are said.",
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
    let from = &start.snapshot;
    let at = from.commit.short();
    let now = trains::file(&train.tip.changelog, &policy.changelog, "changelog")?;
    let before = trains::file_before(&from.changelog, &policy.changelog, "changelog", at)?;
    if now.cut || before.cut {
        return Err(Outcome::Unknown {
            because: format!("`{}` has too many lines to be read", policy.changelog),
            retry: false,
            next: vec![Step::Say("move old trains to another file".to_owned())],
        });
    }
    let changes = difference(before, now, &train.branch);
    if let Some(outcome) = kept::gone(facts, &changes) {
        return Err(outcome);
    }
    let idle = start.settled && !start.raises(&train.tip);
    if changes.added.is_empty() && !idle {
        return Err(nothing_new(facts, policy, train, start, &changes));
    }
    let broken = kept::broken(facts, &changes);
    if changes.added.is_empty() {
        let idle = Outcome::NotApplicable {
            because: format!("nothing came since {at} that needs a line"),
        };
        return broken.map_or(Ok(idle), Err);
    }
    let own: Vec<&Placed<'_>> = changes.added.iter().filter(|one| one.own).collect();
    // «Current train» is the newest one.
    let newest = train.trains.iter().find(|known| known.derailed.is_none());
    let other_current = matches!(now.below(&train.branch), Below::Current(_))
        && newest.is_none_or(|newest| newest.branch != train.branch);
    if own.is_empty() || other_current {
        return Err(elsewhere(facts, policy, train, now, &changes));
    }
    // Where the new line stands is asked first: a heading that is wrong moves the old ones, too.
    if let Some(outcome) = broken {
        return Err(outcome);
    }
    let heading = heading(now, &train.branch);
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for one in own {
        let lacks = lacks(facts, one.entry);
        let mut odd: Vec<String> = one
            .entry
            .odd
            .iter()
            .map(|odd| odd.describe().to_owned())
            .collect();
        odd.extend(beside_train(policy, train, one.entry));
        odd.extend(heading.iter().cloned());
        let refused = match policy.form {
            Form::Plain => lacks,
            Form::Strict => {
                let mut all = [lacks, odd.clone()].concat();
                if all.is_empty() && !one.entry.strict {
                    all.push("it is not in the strict form".to_owned());
                }
                all
            }
        };
        match refused.is_empty() {
            true => right.push((one.entry, odd)),
            false => wrong.push((one.entry, refused)),
        }
    }
    if right.is_empty() {
        let found: Vec<String> = wrong
            .iter()
            .take(SHOWN)
            .map(|(entry, why)| format!("{}: {}", quoted(facts, entry), why.join(", ")))
            .collect();
        return Err(violation(
            facts,
            policy,
            found.join("; "),
            "correct the line",
        ));
    }
    let irregular = right.iter().filter(|(_, odd)| !odd.is_empty());
    let notes: Vec<String> = irregular
        .chain(&wrong)
        .take(SHOWN)
        .map(|(entry, odd)| format!("{}: {}", quoted(facts, entry), odd.join(", ")))
        .collect();
    let notes: Vec<String> = notes
        .into_iter()
        .chain(kept::notes(facts, &changes))
        .collect();
    let first = right.first().map(|(entry, _)| quoted(facts, entry));
    Ok(Outcome::Pass {
        because: format!(
            "`{}` has {} below `{}`, such as {}",
            policy.changelog,
            count(right.len(), "new line"),
            shorten(&train.branch),
            first.unwrap_or_default()
        ),
        note: note(&notes, &start.unlined),
    })
}

/// What is said beside a pass.
fn note(irregular: &[String], unlined: &[u32]) -> Option<String> {
    let mut notes = Vec::new();
    if !irregular.is_empty() {
        notes.push(format!("irregular: {}", irregular.join("; ")));
    }
    if !unlined.is_empty() {
        let numbers: Vec<String> = unlined.iter().map(ToString::to_string).collect();
        // They were shipped; the hotfix that is judged is not held up by them.
        notes.push(format!(
            "the change log has no line of the hotfix that raised `Release` to {}",
            numbers.join(", ")
        ));
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// What an entry lacks, in every form.
fn lacks(facts: &Facts<'_>, entry: &Entry) -> Vec<String> {
    let mut lacks = Vec::new();
    match entry.mark {
        Mark::Hotfix => {}
        Mark::Fix => lacks.push("it is marked as «fix», not as a hotfix".to_owned()),
        Mark::Prose => lacks.push("it is prose, not in the form of an entry".to_owned()),
    }
    match &entry.date {
        Date::Missing if entry.mark == Mark::Prose => {}
        Date::Missing => lacks.push("it has no date".to_owned()),
        Date::YearLast(text) => lacks.push(format!(
            "the year of `{}` stands last, and the form is `YYYY.MM.DD`",
            shorten(text)
        )),
        Date::NoDay(text) => lacks.push(format!("`{}` is no day of the calendar", shorten(text))),
        Date::OtherForm(text) => {
            lacks.push(format!(
                "`{}` is no day in the form `YYYY.MM.DD`",
                facts.words(text)
            ));
        }
        // A day may have begun elsewhere.
        Date::Day(day) if Day::of_seconds(facts.now + DAY).is_some_and(|latest| *day > latest) => {
            lacks.push("its day is in the future".to_owned());
        }
        Date::Day(_) | Date::WithoutYear(_) => {}
    }
    // A pattern such as `#[0-9]+` finds a colour, too. Where a number stands is known better here.
    let own = || {
        let text = without_numbers(&entry.text);
        facts.policy.ticket.is_written() && facts.policy.ticket.find(&text).is_some()
    };
    if entry.tickets.is_empty() && !own() {
        lacks.push(match &entry.passing {
            None => "it has no ticket".to_owned(),
            Some(number) => format!(
                "it has no ticket: `{}` does not stand where one does, at the end behind `: `, or is none",
                facts.words(number)
            ),
        });
    }
    lacks
}

/// What is irregular about an entry because of the train that it is of.
fn beside_train(policy: &Train, train: &TrainFacts, entry: &Entry) -> Option<String> {
    let name = policy.branches.group(&train.branch)?;
    let begun = Day::parse(&name.replace('.', "-"))?;
    match &entry.date {
        Date::Day(day) if *day < begun && day.year() != begun.year() => Some(format!(
            "its year is not that of the train, {}",
            begun.year()
        )),
        Date::Day(day) if *day < begun => Some("its day is before that of the train".to_owned()),
        _ => None,
    }
}

/// What is irregular about the heading of the train.
fn heading(log: &ChangeLog, branch: &str) -> Vec<String> {
    let below = log.below(branch);
    let Some(block) = below.block() else {
        return Vec::new();
    };
    let mut odd: Vec<String> = block
        .odd
        .iter()
        .map(|odd| {
            format!(
                "of the heading `{}`, {}",
                shorten(&block.heading),
                odd.describe()
            )
        })
        .collect();
    if matches!(below, Below::WrongYear(_)) {
        odd.push(format!(
            "of the heading `{}`, the year is wrong",
            shorten(&block.heading)
        ));
    }
    let count = log.own(branch).count();
    if count > 1 {
        odd.push(format!("`{}` has {count} headings", shorten(branch)));
    }
    odd
}

fn nothing_new(
    facts: &Facts<'_>,
    policy: &Train,
    train: &TrainFacts,
    start: &Start,
    changes: &Difference<'_>,
) -> Outcome {
    let moved = changes.moved.first();
    let reworded = changes.reworded.first();
    if let Some(one) = moved {
        let to = match (one.new.own, one.new.block) {
            (false, Some(block)) => format!(" to `{}`", shorten(&block.heading)),
            _ => String::new(),
        };
        return violation(
            facts,
            policy,
            format!(
                "a line that was only moved{to}: {}",
                quoted(facts, one.new.entry)
            ),
            "add a line of its own for this hotfix",
        );
    }
    if let Some(one) = reworded {
        return violation(
            facts,
            policy,
            format!(
                "a line that was only reworded: {}",
                quoted(facts, one.new.entry)
            ),
            "add a line of its own for this hotfix",
        );
    }
    if let Some(one) = changes.copied.first() {
        return violation(
            facts,
            policy,
            format!(
                "a copy of a line that was there before: {}",
                quoted(facts, one.entry)
            ),
            "add a line of its own for this hotfix",
        );
    }
    let specs = (start.snapshot.spec.get(), train.tip.spec.get());
    let raised = match specs {
        (Some(File::Read(old) | File::Latin1(old)), Some(File::Read(new))) => {
            old.release != new.release
        }
        _ => false,
    };
    let found = match raised {
        _ if start.raises(&train.tip) && !start.settled => {
            "no new line about a hotfix in the change log for what came after the last number"
        }
        true => "`Release` was raised, and the change log has no new line about a hotfix",
        false => "no new line about a hotfix in the change log",
    };
    violation(facts, policy, found.to_owned(), "add the line")
}

fn elsewhere(
    facts: &Facts<'_>,
    policy: &Train,
    train: &TrainFacts,
    log: &ChangeLog,
    changes: &Difference<'_>,
) -> Outcome {
    let Some(one) = changes.added.first() else {
        return violation(facts, policy, "no new line".to_owned(), "add the line");
    };
    let place = match one.block {
        Some(block) => format!(
            "below `{}`, another train's heading",
            shorten(&block.heading)
        ),
        None => "above every heading".to_owned(),
    };
    let branch = shorten(&train.branch);
    let next = match log.below(&train.branch) {
        Below::Nowhere => format!("write the heading `{branch}:`, and move the line below it"),
        _ => format!("move the line below `{branch}:`"),
    };
    violation(
        facts,
        policy,
        format!("a new line {place}: {}", quoted(facts, one.entry)),
        &next,
    )
}

fn violation(facts: &Facts<'_>, policy: &Train, found: String, next: &str) -> Outcome {
    let branch = facts.train.get().map_or("", |train| train.branch.as_str());
    let day = Day::of_seconds(facts.now).map_or_else(String::new, |day| day.to_string());
    let form = match policy.form {
        Form::Plain => "",
        Form::Strict => ", letter by letter",
    };
    Outcome::Violation {
        found,
        expected: format!(
            "a new line such as `  * (hotfix {}) Fixed foo: #1234` below `{}:` in `{}`{form}",
            day.replace('-', "."),
            shorten(branch),
            policy.changelog
        ),
        next: vec![Step::Say(next.to_owned())],
    }
}

fn count(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// An entry, as people find it again.
fn quoted(facts: &Facts<'_>, entry: &Entry) -> String {
    format!("line {}, «{}»", entry.line, facts.words(&entry.text))
}
