//! What a reason must name, so that it is about this promotion or build and no other.

use crate::facts::{Facts, shorten};
use crate::registry::reference::{Digest, Version};

/// The fewest hexadecimal digits by which a reason may name a digest.
const FEWEST_DIGITS: usize = 12;

/// Everything that a reason must name, each in one of several ways.
pub(super) struct Naming {
    things: Vec<Thing>,
}

/// One of these things.
struct Thing {
    /// What it is, for people.
    what: String,
    /// The texts that name it, the best first.
    texts: Vec<String>,
    /// A digest that names it as well, as a whole or by its first digits.
    digest: Option<Digest>,
    /// Whether upper and lower case are the same, as for targets.
    any_case: bool,
}

impl Naming {
    /// What a reason must name for this build.
    ///
    /// # Errors
    /// If there is nothing that it could name; why.
    pub(super) fn of(facts: &Facts<'_>) -> Result<Self, String> {
        let build = facts.build;
        let Some(promotion) = &facts.promotion else {
            let branch = build.branch.as_deref().unwrap_or_default();
            let tags = facts.tags.iter().filter_map(|planned| planned.text.clone());
            let thing = Thing {
                what: format!("the branch `{}` or its tag", shorten(branch)),
                texts: [branch.to_owned()].into_iter().chain(tags).collect(),
                digest: None,
                any_case: false,
            };
            return Ok(Self {
                things: vec![thing],
            });
        };
        let Some(target) = promotion.target.name() else {
            return Err("there is no target that a reason could name".to_owned());
        };
        let mut things = vec![Thing {
            what: format!("the target `{}`", shorten(target)),
            texts: vec![target.to_owned()],
            digest: None,
            any_case: true,
        }];
        things.extend(promotion.versions.iter().map(|parameter| {
            let mut texts = vec![parameter.text.clone()];
            let version = parameter.version.as_ref();
            let digest = version.and_then(Version::digest).cloned();
            // With a digest the tag says nothing.
            let tag = version.and_then(Version::tag).filter(|_| digest.is_none());
            texts.extend(tag.filter(|tag| *tag != parameter.text).map(str::to_owned));
            Thing {
                what: format!("the version `{}`", shorten(&parameter.text)),
                texts,
                digest,
                any_case: false,
            }
        }));
        if promotion.versions.is_empty() {
            let number = build.parent.unwrap_or(build.number);
            things.push(Thing {
                what: format!("the build {number}, which it promotes without a version"),
                texts: vec![number.to_string()],
                digest: None,
                any_case: false,
            });
        }
        Ok(Self { things })
    }

    /// The names alone, as a reason may begin.
    pub(super) fn example(&self) -> String {
        let one = |thing: &Thing| match &thing.digest {
            Some(digest) => digits(digest).get(..FEWEST_DIGITS).map(str::to_owned),
            None => thing.texts.first().cloned(),
        };
        let names: Vec<String> = self.things.iter().filter_map(one).collect();
        names.join(" ")
    }

    /// Whether a reason names everything, and says something beside that.
    ///
    /// # Errors
    /// What it lacks, as part of a sentence.
    pub(super) fn check(&self, reason: &str) -> Result<(), String> {
        let words: Vec<&str> = reason.split_whitespace().collect();
        let mut used = vec![false; words.len()];
        let mut missing = Vec::new();
        for thing in &self.things {
            if !thing.find(&words, &mut used) {
                missing.push(thing.what.as_str());
            }
        }
        if !missing.is_empty() {
            return Err(format!(
                "it does not name {}; a reason that an earlier build has handed on must not count \
                 again",
                missing.join(", nor ")
            ));
        }
        let says_more = words
            .iter()
            .zip(&used)
            .any(|(word, used)| !used && word.contains(char::is_alphanumeric));
        if says_more {
            Ok(())
        } else {
            Err("it names what is overridden and does not say why".to_owned())
        }
    }
}

impl Thing {
    /// Whether it is named, and by which of the words.
    fn find(&self, words: &[&str], used: &mut [bool]) -> bool {
        let mut found = false;
        let mut mark = |from: usize, count: usize| {
            used.iter_mut()
                .skip(from)
                .take(count)
                .for_each(|used| *used = true);
            found = true;
        };
        for text in &self.texts {
            let wanted: Vec<&str> = text.split_whitespace().collect();
            if wanted.is_empty() {
                continue;
            }
            for (at, window) in words.windows(wanted.len()).enumerate() {
                let mut pairs = window.iter().zip(&wanted);
                if pairs.all(|(word, wanted)| self.same(word, wanted)) {
                    mark(at, wanted.len());
                }
            }
        }
        for (at, word) in words.iter().enumerate() {
            if self
                .digest
                .as_ref()
                .is_some_and(|digest| names_digest(bare(word), digest))
            {
                mark(at, 1);
            }
        }
        found
    }

    fn same(&self, word: &str, wanted: &str) -> bool {
        [word, bare(word)]
            .into_iter()
            .any(|word| word == wanted || (self.any_case && word.eq_ignore_ascii_case(wanted)))
    }
}

/// A word without what a sentence puts around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| "\"'`()[]{}<>«»„“”‚‘’,;:.!?#".contains(c))
}

fn digits(digest: &Digest) -> &str {
    let text = digest.as_str();
    text.split_once(':').map_or(text, |(_, digits)| digits)
}

fn names_digest(word: &str, digest: &Digest) -> bool {
    let algorithm = digest.as_str().split_once(':').map_or("", |(name, _)| name);
    let word = word
        .strip_prefix(algorithm)
        .and_then(|rest| rest.strip_prefix(':'))
        .unwrap_or(word);
    word.len() >= FEWEST_DIGITS && digits(digest).starts_with(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(texts: &[&str], digest: Option<&str>, any_case: bool) -> Thing {
        Thing {
            what: format!("`{}`", texts[0]),
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
            digest: digest.map(|text| Digest::parse(text).unwrap()),
            any_case,
        }
    }

    fn release() -> Naming {
        Naming {
            things: vec![
                thing(&["cs-qa"], None, true),
                thing(&["1.2.3"], None, false),
            ],
        }
    }

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[track_caller]
    fn counts(naming: &Naming, reason: &str) {
        assert_eq!(naming.check(reason), Ok(()), "{reason}");
    }

    #[track_caller]
    fn fails(naming: &Naming, reason: &str, word: &str) {
        let why = naming.check(reason).expect_err(reason);
        assert!(why.contains(word), "{reason}: {why}");
    }

    #[test]
    fn a_reason_names_whole_words_and_says_more() {
        counts(&release(), "1.2.3 to CS-QA: the registry is down");
        counts(&release(), "down; («cs-qa», `1.2.3`)");
        fails(&release(), "1.2.3 cs-qa", "say why");
        fails(&release(), "1.2.3 cs-qa, 1.2.3. cs-qa: … - !", "say why");
        fails(&release(), "1.2.3 down", "`cs-qa`");
        fails(&release(), "cs-qa down", "`1.2.3`");
        fails(&release(), "11.2.3 for cs-qa", "`1.2.3`");
        fails(&release(), "1.2.3-rc for cs-qa", "`1.2.3`");
        fails(&release(), "1.2.3 for wcs-qa", "`cs-qa`");
        fails(&release(), "1.2.3 for cs-qa-2", "`cs-qa`");
        fails(&release(), "", "`cs-qa`, nor `1.2.3`");
    }

    #[test]
    fn a_digest_is_named_by_twelve_digits() {
        let naming = Naming {
            things: vec![thing(&[DIGEST], Some(DIGEST), false)],
        };
        counts(&naming, "0123456789ab is tested");
        counts(&naming, "sha256:0123456789abcd is tested");
        counts(&naming, &format!("{DIGEST} is tested"));
        fails(&naming, "0123456789a is tested", "sha256");
        fails(&naming, "123456789abc is tested", "sha256");
        fails(&naming, &format!("{DIGEST}0 is tested"), "sha256");
        fails(&naming, "0123456789ab", "say why");
    }

    #[test]
    fn a_target_of_two_words_is_named_by_both() {
        let naming = Naming {
            things: vec![thing(&["my qa"], None, true)],
        };
        counts(&naming, "to My QA, now");
        fails(&naming, "to my own qa", "`my qa`");
        fails(&naming, "my qa", "say why");
    }
}
