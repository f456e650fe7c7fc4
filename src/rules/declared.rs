//! What the rules about declarations say of those that cannot be read.

use crate::declaration::{Declared, Key, MOST};
use crate::facts::Facts;
use crate::verdict::{Outcome, Step};

/// As many as anybody reads in one finding.
pub(super) const SHOWN: usize = 5;

/// The declarations of a key that cannot be read, each in a few words.
pub(super) fn wrong(facts: &Facts<'_>, declared: &Declared, key: Key) -> Vec<String> {
    let all = declared.wrong_of(key).map(|said| {
        let (by, wrong) = (said.by.short(), &said.what);
        match wrong.is_of_its_key() {
            true => format!(
                "`{}: {}` in {by} is not {}",
                key.name(),
                facts.words(&wrong.value),
                key.form()
            ),
            false => format!(
                "`{}` in {by} is no declaration (did you mean `{}`?)",
                facts.words(&wrong.written),
                key.name()
            ),
        }
    });
    let mut all: Vec<String> = all.collect();
    all.dedup();
    all
}

/// The first few of a list, and how many more there are.
pub(super) fn few(all: &[String], between: &str) -> String {
    let shown = all.iter().take(SHOWN).map(String::as_str);
    let shown: Vec<&str> = shown.collect();
    match all.len() - shown.len() {
        0 => shown.join(between),
        more => format!("{}{between}and {more} more", shown.join(between)),
    }
}

/// The answer of a rule that cannot have read everything.
pub(super) fn whole(declared: &Declared) -> Result<(), Outcome> {
    match declared.too_many {
        false => Ok(()),
        true => Err(Outcome::Violation {
            found: format!("more than {MOST} declarations in the messages of its commits"),
            expected: format!("at most {MOST}, so that all of them are read"),
            next: vec![Step::Say(
                "leave one of each, in the last paragraph of one message".to_owned(),
            )],
        }),
    }
}
