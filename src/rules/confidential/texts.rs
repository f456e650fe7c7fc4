//! The texts of a confidential hotfix: names, commits and change logs, and how to reword them (B19).

use super::{Look, Mistake, links, quiet_name, range, words};
use crate::facts::Facts;
use crate::facts::history::Change;
use crate::rules::known;
use crate::verdict::{Outcome, Step};
use links::Kind;

/// How much of something was found where.
#[derive(Default)]
struct Tally(Vec<(usize, String)>);

impl Tally {
    fn add(&mut self, count: usize, place: impl Into<String>) {
        if count > 0 {
            self.0.push((count, place.into()));
        }
    }

    /// `2 in the name of the branch, 1 in the subject of 1 commit`.
    fn describe(&self) -> String {
        let each: Vec<String> = self
            .0
            .iter()
            .map(|(count, place)| format!("{count} in {place}"))
            .collect();
        each.join(", ")
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn names(&self) -> bool {
        self.0
            .iter()
            .any(|(_, place)| place.starts_with("the name"))
    }

    fn others(&self) -> bool {
        self.0
            .iter()
            .any(|(_, place)| !place.starts_with("the name"))
    }
}

/// What people have written: names, commits, change logs (B19).
pub(super) fn look_at(facts: &Facts<'_>, look: &mut Look) {
    let confidential = &facts.policy.confidential;
    let private = |text: &str| {
        let pattern = confidential.ticket.as_ref();
        pattern.is_some_and(|pattern| pattern.is_in(text))
    };
    let words = |text: &str| {
        let pattern = confidential.ticket.as_ref();
        let tickets = pattern
            .map(|pattern| pattern.find_all(text))
            .unwrap_or_default();
        words::count(text, &tickets, &confidential.words)
    };
    let links = |text: &str, kind| links::count(text, kind, private);
    let (repo, page) = (facts.build.repo.as_str(), facts.build.page.as_deref());
    let body = |message: &str| links::without_own_lines(body(message), repo, page);
    let (mut of_words, mut of_links, mut of_ids) = Default::default();
    names(facts, |place, text| {
        Tally::add(&mut of_words, words(text), place);
        Tally::add(&mut of_links, links(text, Kind::Text), place);
    });
    match range(facts) {
        Ok(range) => {
            let number = |counts: &[usize]| counts.iter().filter(|count| **count > 0).count();
            let add = |tally: &mut Tally, one: &str, many: &str, of: &dyn Fn(&Change) -> usize| {
                let counts: Vec<usize> = range.iter().map(of).collect();
                let place = match number(&counts) {
                    1 => format!("the {one} of 1 commit"),
                    n => format!("the {many} of {n} commits"),
                };
                tally.add(counts.iter().sum(), place);
            };
            add(&mut of_words, "subject", "subjects", &|it| {
                words(&it.subject)
            });
            add(&mut of_ids, "message", "messages", &|it| {
                words::ids(&body(&it.message))
            });
            add(&mut of_links, "message", "messages", &|it| {
                let kind = if it.merge { Kind::Merge } else { Kind::Subject };
                links(&it.subject, kind) + links(&body(&it.message), Kind::Text)
            });
        }
        Err(unseen) => {
            // Of a promotion the push has seen them; without a checkout nobody can look again.
            let again = facts.promotion.is_some() && matches!(unseen, Outcome::NotChecked { .. });
            if !again {
                look.unseen.push(unseen);
            }
            let message = facts.build.message.as_deref().unwrap_or_default();
            let subject = message.lines().next().unwrap_or_default();
            of_words.add(words(subject), "the subject of the built commit");
            let body = body(message);
            of_ids.add(words::ids(&body), "the message of the built commit");
            let kind = match subject.starts_with("Merge") {
                true => Kind::Merge,
                false => Kind::Subject,
            };
            let count = links(subject, kind) + links(&body, Kind::Text);
            of_links.add(count, "the message of the built commit");
        }
    }
    let notes = known(&facts.history).and_then(|history| known(&history.notes));
    if let Err(unseen @ Outcome::Unknown { .. }) = notes {
        look.unseen.push(unseen);
    } else if let Ok(notes) = notes {
        let place = "the lines that it adds to change logs";
        of_words.add(notes.iter().map(|line| words(line)).sum(), place);
        of_links.add(
            notes.iter().map(|line| links(line, Kind::Text)).sum(),
            place,
        );
    }
    let word = |tally: &Tally, one: &str, many: &str| {
        let count: usize = tally.0.iter().map(|(count, _)| count).sum();
        if count == 1 {
            one.to_owned()
        } else {
            many.to_owned()
        }
    };
    if !of_words.is_empty() {
        look.mistakes.push(Mistake {
            next: reword(facts, &of_words),
            ..Mistake::new(
                format!(
                    "{} about security: {}",
                    word(&of_words, "a word", "words"),
                    of_words.describe()
                ),
                "names and subjects that say what changes, and not what it is good for",
                "",
            )
        });
    }
    if !of_ids.is_empty() {
        look.mistakes.push(Mistake {
            next: reword(facts, &of_ids),
            ..Mistake::new(
                format!(
                    "{} of a public list of vulnerabilities (CVE and the like): {}",
                    word(&of_ids, "an entry", "entries"),
                    of_ids.describe()
                ),
                "no such entry before the release",
                "",
            )
        });
    }
    if !of_links.is_empty() {
        look.mistakes.push(Mistake {
            next: reword(facts, &of_links),
            ..Mistake::new(
                format!(
                    "{} to issues: {}",
                    word(&of_links, "a link", "links"),
                    of_links.describe()
                ),
                "no `#123` and no address of an issue or pull request, which leads to a public one \
                 wherever the commit is read; the private ticket by its name",
                "",
            )
        });
    }
}

/// A message without its subject.
fn body(message: &str) -> &str {
    message
        .trim_start()
        .split_once('\n')
        .map_or("", |(_, body)| body)
}

/// Calls for every name that is seen outside: branches, tags, versions. A tag only where it is not the
/// branch in it that speaks.
fn names(facts: &Facts<'_>, mut look_at: impl FnMut(&'static str, &str)) {
    let build = facts.build;
    let branch = build.branch.as_deref().filter(|_| facts.branch.is_ok());
    if let Some(branch) = branch {
        look_at("the name of the branch", branch);
    }
    let working = build.source_branch.as_deref();
    if let Some(working) = working.filter(|name| Some(*name) != build.branch.as_deref()) {
        look_at("the name of the working branch", working);
    }
    let tag_form = branch
        .map(|name| name.replace('/', "_"))
        .unwrap_or_default();
    for tag in facts
        .tags
        .iter()
        .filter_map(|planned| planned.text.as_deref())
    {
        let rest = if tag_form.is_empty() {
            tag.to_owned()
        } else {
            tag.replace(&tag_form, " ")
        };
        look_at("the name of the tag", &rest);
    }
    for version in facts.promotion.iter().flat_map(|it| &it.versions) {
        if let Some(tag) = version.version.as_ref().and_then(|it| it.tag()) {
            look_at("the name of the tag", tag);
        }
    }
}

/// How to say it without saying it. Nothing of what was found is repeated.
fn reword(facts: &Facts<'_>, tally: &Tally) -> Vec<Step> {
    let mut next = Vec::new();
    if tally.names() {
        let name = match quiet_name(facts) {
            Some(quiet) => format!("as `{quiet}`"),
            None => "by a name without such words".to_owned(),
        };
        next.push(Step::Say(format!(
            "start the branch again {name}, and delete the one that speaks"
        )));
    }
    if tally.others() {
        next.push(Step::Say(
            "say in subjects and change logs which part of the program changes, such as «SEC-12: check \
             the length of a name»; reword the commits with `git rebase --interactive` from the \
             release on, and push the branch again; the rest belongs into the private ticket until \
             the release is out"
                .to_owned(),
        ));
    }
    next
}
