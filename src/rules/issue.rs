//! The issue that a hotfix mends is there, and says what it takes to decide.

use super::declared::{few, whole, wrong};
use super::merged_by_pull_request::pulls;
use super::{Asks, Judges, OwnLevel, Rule, known, own_commits};
use crate::ci::Event;
use crate::declaration::Key;
use crate::declaration::markdown::{Section, sections};
use crate::declaration::reference::{Home, Leads, Reference, named_in};
use crate::facts::Facts;
use crate::facts::forge::{Forge, Issue, MOST_ISSUES, page_host};
use crate::facts::history::declared::declared;
use crate::policy::issue::Part;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "issue",
    level: OwnLevel::Is(Level::Off),
    judges: Judges::Hotfix,
    events: &[Event::PullRequest, Event::Push, Event::Custom],
    asks: &[Asks::History, Asks::Pulls, Asks::Issues],
    promise: "The issue that the hotfix names is one of its repository, and says what the user sees, for how \
              many of them (a percentage), and how risky the fix is.",
    why: "B03: an issue is open for the bug; it states what the user sees, estimates the share of users who \
          see it, and the complexity or risk of the fix",
    notes: "Off unless the policy names it. The issue is named by a trailer `Issue: #12`, or in the text of a \
            pull request of the hotfix by a line `Issue: #12` or a word that closes it, as in `Fixes #12`: \
            [the forms](declarations.md). Each that is named is asked of the forge. A section is a heading and \
            what stands below it; `policy.issue.sections` says which headings count. What a template \
            leaves there (comments, «No response») is nothing. An issue that is closed is said. Without a \
            forge nobody can say whether the issue exists: it is not checked. Nor is a ticket of another \
            tracker, or an issue of another repository.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

/// A reference, and where it stands.
struct Named {
    what: Reference,
    place: String,
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let range = own_commits(facts)?;
    let declared = declared(range);
    whole(&declared)?;
    let flaws = wrong(facts, &declared, Key::Issue);
    let mut all: Vec<Named> = Vec::new();
    let mut add = |what: Reference, place: String| {
        if !all.iter().any(|known| known.what == what) {
            all.push(Named { what, place });
        }
    };
    for said in &declared.issues {
        add(said.what.clone(), said.by.short().to_owned());
    }
    let asked = pulls(facts);
    if let Ok((_, pulls)) = &asked {
        for pull in *pulls {
            // «Issue: users cannot log in» is a sentence, and no reference.
            let named = named_in(&pull.text).into_iter();
            for what in named.filter(|what| is_declared(facts, what)) {
                add(what, format!("pull request {}", pull.number));
            }
        }
    }
    if let (false, [flaw, ..]) = (
        all.iter().any(|one| is_declared(facts, &one.what)),
        flaws.as_slice(),
    ) {
        // The text of a pull request may name it.
        if let Err(outcome @ Outcome::Unknown { .. }) = asked {
            let begin =
                format!("{flaw}, and whether the text of a pull request names an issue is not");
            return Ok(unread(outcome, &begin));
        }
        return Ok(violation(flaw.clone(), "an issue of this repository"));
    }
    if all.is_empty() {
        return Ok(match asked {
            Ok(_) => violation(
                "no commit and no pull request names an issue".to_owned(),
                "the issue that it mends, such as `Issue: #12`",
            ),
            Err(outcome) => unread(
                outcome,
                "no commit names an issue, and whether the text of a pull request does is not",
            ),
        });
    }
    let host = page_host(facts.policy, facts.build);
    let home = Home {
        repo: &facts.build.repo,
        host: host.as_deref(),
    };
    let mut numbers = Vec::new();
    let mut unchecked = None;
    for one in &all {
        match one.what.leads(home) {
            Leads::Here(number) if numbers.iter().any(|(known, _)| *known == number) => {}
            Leads::Here(number) => numbers.push((number, one)),
            Leads::Elsewhere => {
                unchecked.get_or_insert((one, "is of another repository, which is not asked"));
            }
            Leads::Nowhere if is_declared(facts, &one.what) => {
                unchecked.get_or_insert((one, "is a ticket of a tracker that is not asked"));
            }
            Leads::Nowhere => {
                return Ok(violation(
                    format!(
                        "`{}` in {} is no issue",
                        facts.words(&one.what.text()),
                        one.place
                    ),
                    Key::Issue.form(),
                ));
            }
        }
    }
    if numbers.len() > MOST_ISSUES {
        return Ok(violation(
            format!("it names {} issues", numbers.len()),
            "one issue: a hotfix does one thing",
        ));
    }
    let mut passed = Vec::new();
    let mut closed = Vec::new();
    let mut absent = None;
    for (number, named) in &numbers {
        match asked.as_ref().map(|(forge, _)| answer(forge, *number)) {
            Ok(Ok(issue)) => {
                whole_issue(facts, *number, named, issue)?;
                passed.push(format!("issue {number}, named in {}", named.place));
                if issue.is_some_and(|issue| !issue.open) {
                    closed.push(format!("issue {number} is closed"));
                }
            }
            Ok(Err(outcome)) => absent = absent.or(Some(unasked(&outcome, *number, named))),
            Err(outcome) => absent = absent.or(Some(unasked(outcome, *number, named))),
        }
    }
    if let Some(absent) = absent {
        return Err(absent);
    }
    if let Some((one, why)) = unchecked {
        return Err(Outcome::NotChecked {
            because: format!(
                "`{}`, named in {}, {why}: nobody has looked whether it exists and what it says",
                facts.words(&one.what.text()),
                one.place
            ),
            next: vec![Step::Say(
                "name an issue of this repository, such as `Issue: #12`".to_owned(),
            )],
        });
    }
    Ok(Outcome::Pass {
        because: passed.join(", "),
        note: match (closed.as_slice(), flaws.as_slice()) {
            ([], []) => None,
            _ => Some(few(&[closed, flaws].concat(), "; ")),
        },
    })
}

/// Whether something is a reference to an issue, or a ticket as the policy has them.
fn is_declared(facts: &Facts<'_>, what: &Reference) -> bool {
    match what {
        Reference::Other(text) => {
            let ticket = facts.policy.ticket.find(text);
            ticket.is_some_and(|ticket| ticket.as_str() == text)
        }
        _ => true,
    }
}

fn answer(forge: &Forge, number: u64) -> Result<Option<&Issue>, Outcome> {
    match forge.issues.iter().find(|(known, _)| *known == number) {
        Some((_, source)) => known(source).map(Option::as_ref),
        None => Err(Outcome::Unknown {
            because: format!("issue {number} was not asked for"),
            retry: false,
            next: Vec::new(),
        }),
    }
}

/// What the forge did not say, about this issue.
fn unasked(outcome: &Outcome, number: u64, named: &Named) -> Outcome {
    let begin = format!(
        "issue {number} is named in {}, and whether it exists is not",
        named.place
    );
    unread(outcome.clone(), &begin)
}

/// The same answer, with what it is about.
pub(super) fn unread(outcome: Outcome, begin: &str) -> Outcome {
    match outcome {
        Outcome::NotChecked { because, next } => Outcome::NotChecked {
            because: format!("{begin} checked: {because}"),
            next,
        },
        Outcome::Unknown {
            because,
            retry,
            next,
        } => Outcome::Unknown {
            because: format!("{begin} known: {because}"),
            retry,
            next,
        },
        other => other,
    }
}

/// Whether an issue is one and says everything.
fn whole_issue(
    facts: &Facts<'_>,
    number: u64,
    named: &Named,
    issue: Option<&Issue>,
) -> Result<(), Outcome> {
    let place = &named.place;
    let Some(issue) = issue else {
        return Err(violation(
            format!(
                "{} has no issue {number}, which {place} names",
                facts.build.repo
            ),
            "an issue that exists",
        ));
    };
    if issue.is_pull {
        return Err(violation(
            format!("{number}, which {place} names, is a pull request"),
            "an issue: it says what is wrong, a pull request how it is mended",
        ));
    }
    let all = sections(&issue.text);
    let sorted = |part: Part| {
        let mut own = all
            .iter()
            .filter(move |one| facts.policy.sections.part(&one.heading) == Some(part));
        let first = own.clone().next();
        own.find(|one| one.is_filled()).or(first)
    };
    let mut wrong = Vec::new();
    for part in [Part::User, Part::Share, Part::Risk] {
        let what = part.what();
        match sorted(part) {
            None => wrong.push(format!("no section for {what} (`{}`)", part.key())),
            Some(section) if !section.is_filled() => {
                wrong.push(format!(
                    "the section `{}` is empty",
                    facts.words(&section.heading)
                ));
            }
            Some(section) if part == Part::Share => wrong.extend(share(facts, section)),
            Some(_) => {}
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Outcome::Violation {
            found: format!("issue {number} does not say everything: {}", wrong.join(", ")),
            expected: format!(
                "three sections that are not empty: {}, {} (a percentage), {}",
                Part::User.what(),
                Part::Share.what(),
                Part::Risk.what()
            ),
            next: vec![Step::Say(
                "write them into the issue, and start the build again; docs/examples has a template".to_owned(),
            )],
        }),
    }
}

/// What is wrong with the share of users: it is no percentage.
fn share(facts: &Facts<'_>, section: &Section) -> Option<String> {
    let found: Vec<f64> = percentages(&section.text).collect();
    let heading = facts.words(&section.heading);
    // «Errors rose by 150 %; 5 % of the users see it» has a share.
    if found.iter().any(|share| (0.0..=100.0).contains(share)) {
        return None;
    }
    Some(match found.first() {
        Some(share) => format!("the section `{heading}` says {share} %, which is no share"),
        None => format!("the section `{heading}` has no percentage"),
    })
}

/// The numbers before a percent sign or word.
fn percentages(text: &str) -> impl Iterator<Item = f64> {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let words = ["%", "percent", "per cent"];
    let lower = text.to_lowercase();
    let mut found = Vec::new();
    for word in words {
        let ends: Vec<usize> = lower
            .match_indices(word)
            .map(|(at, _)| at)
            .take(1_000)
            .collect();
        for end in ends {
            let before = lower[..end].trim_end_matches([' ', '\u{a0}', '\u{202f}']);
            let start = before.trim_end_matches(is_number).len();
            let number = before[start..].trim_matches(['.', ',']).replace(',', ".");
            found.extend(number.parse::<f64>().ok());
        }
    }
    found.into_iter()
}

fn violation(found: String, expected: &str) -> Outcome {
    Outcome::Violation {
        found,
        expected: expected.to_owned(),
        next: vec![Step::Say(
            "open an issue for what is wrong, and name it by a trailer, such as `Issue: #12`, or in the text of \
             the pull request"
                .to_owned(),
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_numbers_before_a_percent_sign_or_word() {
        let all = |text: &str| percentages(text).collect::<Vec<f64>>();
        assert_eq!(all("about 5%"), [5.0]);
        assert_eq!(all("<0.1 %, or 1,5 percent; 30 Per Cent"), [0.1, 1.5, 30.0]);
        assert_eq!(all("150% of 2 %."), [150.0, 2.0]);
        for text in ["", "%", "five percent", "5 users", "1.2.3 %", "per 5"] {
            assert!(all(text).is_empty(), "{text}");
        }
    }
}
