//! A confidential hotfix gives nothing away before it is released.

mod links;
mod texts;
mod words;

use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::ci::privacy::Seen;
use crate::facts::confidential::Why;
use crate::facts::exposure::{Anonymous, Exposed};
use crate::facts::history::Change;
use crate::facts::{Facts, shorten};
use crate::hotfix::HotfixBranch;
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "confidential",
    level: OwnLevel::Is(Level::Off),
    judges: Judges::Hotfix,
    events: &[
        Event::PullRequest,
        Event::Push,
        Event::Custom,
        Event::Promote,
        Event::Rollback,
    ],
    asks: &[Asks::History, Asks::Exposure],
    promise: "A confidential hotfix gives nothing away.",
    why: "B17–B21: a bug that would hurt users if it were known before it is patched goes the same \
          way through a private tracker and a private repository",
    notes: "`policy.confidential` or `policy.confidential_ticket` says which hotfixes are \
            confidential, and with either of them this rule is `must` unless `policy.rules` says \
            otherwise. Then: the CI server says that the repository and its builds are private; the \
            registry refuses somebody without credentials, who is asked for (a gateway's or a limit's 401 \
            or 403 is no answer, and neither is «not found» where nothing is known to be there); no link \
            to an issue in names, commit messages and added lines of change logs, but for the lines in \
            which a forge names this repository's own pull request; no word about security and no CVE \
            in names, subjects and those lines, and no CVE in any message; the ticket is one of the \
            private form; with `policy.confidential_tag: opaque` the branch is named after its ticket \
            and nothing else. Words are counted and never shown, and no output holds what people have \
            written about the hotfix.",
    evaluate,
};

/// One thing that gives the hotfix away.
struct Mistake {
    found: String,
    expected: String,
    next: Vec<Step>,
}

impl Mistake {
    fn new(found: impl Into<String>, expected: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            found: found.into(),
            expected: expected.into(),
            next: vec![Step::Say(next.into())],
        }
    }
}

/// What was looked at: what is wrong, and what could not be seen.
#[derive(Default)]
struct Look {
    mistakes: Vec<Mistake>,
    unseen: Vec<Outcome>,
}

fn evaluate(facts: &Facts<'_>) -> Outcome {
    if !facts.policy.confidential.is_set() {
        return Outcome::NotChecked {
            because: "the policy does not say which hotfixes are confidential".to_owned(),
            next: vec![Step::Say(
                "set `policy.confidential_ticket` to what a ticket of the private tracker looks like, \
                 or `policy.confidential: true` if all hotfixes are confidential"
                    .to_owned(),
            )],
        };
    }
    let itself = facts.confidential.filter(|why| *why != Why::Beside);
    let Some(why) = itself else {
        // The messages of the commits name a ticket too, and must have been seen for a «no».
        if let Err(unseen) = range(facts)
            && facts.promotion.is_none()
        {
            return not_known(unseen);
        }
        let also = match facts.confidential {
            Some(why) => format!("; its texts are hidden, because {}", why.describe()),
            None => String::new(),
        };
        return Outcome::NotApplicable {
            because: format!(
                "it is not confidential: nothing of it names a ticket of \
                 `policy.confidential_ticket`{also}"
            ),
        };
    };
    let mut look = Look::default();
    repository(facts, &mut look);
    registries(facts, &mut look);
    texts::look_at(facts, &mut look);
    ticket(facts, &mut look);
    opaque(facts, &mut look);
    if look.mistakes.is_empty() {
        // What is not known weighs more than what nobody is configured to say.
        let (unknown, unset): (Vec<_>, Vec<_>) = look
            .unseen
            .into_iter()
            .partition(|outcome| matches!(outcome, Outcome::Unknown { .. }));
        let first = unknown.into_iter().chain(unset).next();
        return first.unwrap_or_else(|| Outcome::Pass {
            because: format!(
                "it is confidential ({}), and nothing gives it away",
                why.describe()
            ),
            note: None,
        });
    }
    let join = |part: fn(&Mistake) -> &str| {
        let parts: Vec<&str> = look.mistakes.iter().map(part).collect();
        parts.join("; ")
    };
    Outcome::Violation {
        found: format!(
            "{}; it is confidential: {}",
            join(|mistake| &mistake.found),
            why.describe()
        ),
        expected: join(|mistake| &mistake.expected),
        next: look
            .mistakes
            .iter()
            .flat_map(|mistake| mistake.next.clone())
            .collect(),
    }
}

/// The answer where nobody can say whether the hotfix is confidential.
fn not_known(unseen: Outcome) -> Outcome {
    let of = |because: &str| {
        format!(
            "whether the hotfix is confidential is not known, because the messages of its commits were \
             not read: {because}"
        )
    };
    match unseen {
        Outcome::Unknown {
            because,
            retry,
            next,
        } => Outcome::Unknown {
            because: of(&because),
            retry,
            next,
        },
        Outcome::NotChecked { because, .. } => Outcome::NotChecked {
            because: of(&because),
            next: vec![Step::Say(
                "let the pipeline clone the repository, and let this step run after the clone"
                    .to_owned(),
            )],
        },
        other => other,
    }
}

fn range<'f>(facts: &'f Facts<'_>) -> Result<&'f [Change], Outcome> {
    known(&known(&facts.history)?.range).map(Vec::as_slice)
}

/// The repository and its builds (B20).
fn repository(facts: &Facts<'_>, look: &mut Look) {
    let repo = shorten(&facts.build.repo);
    let of_drone = Step::run(["drone", "repo", "update", "--visibility=private", &repo]);
    match facts.build.privacy.seen() {
        Seen::Private => {}
        Seen::Public => look.mistakes.push(Mistake::new(
            format!("the repository `{repo}` is public"),
            "a private repository",
            "delete the branch here, and push it to the private repository; what was pushed until now \
             counts as seen",
        )),
        Seen::PublicBuilds => look.mistakes.push(Mistake {
            next: vec![of_drone],
            ..Mistake::new(
                "the repository is private, but everybody can see its builds and their logs",
                "builds that only the repository's own people see",
                "",
            )
        }),
        Seen::InternalBuilds => look.mistakes.push(Mistake {
            next: vec![of_drone],
            ..Mistake::new(
                "the repository is private, but everybody who can log in to Drone sees its builds and \
                 their logs",
                "builds that only the repository's own people see",
                "",
            )
        }),
        Seen::NotSaid => look.unseen.push(Outcome::Unknown {
            because: "the CI server does not say whether the repository is private".to_owned(),
            retry: false,
            next: vec![Step::Say(
                "look at `DRONE_REPO_PRIVATE` and `DRONE_REPO_VISIBILITY` (Woodpecker: \
                 `CI_REPO_PRIVATE`), which the server sets for every step; take them out of \
                 `environment` in the pipeline file if they stand there"
                    .to_owned(),
            )],
        }),
    }
}

/// The image repositories.
fn registries(facts: &Facts<'_>, look: &mut Look) {
    let all = match known(&facts.exposure) {
        Ok(all) => all,
        Err(unseen) => return look.unseen.push(unseen),
    };
    for Exposed { repository, answer } in all {
        let what = match known(answer) {
            Ok(Anonymous::Refused | Anonymous::Hidden) => continue,
            Ok(Anonymous::Lists) => "lists its tags",
            Ok(Anonymous::Gives) => "gives its images",
            Err(Outcome::Unknown {
                because,
                retry,
                next,
            }) => {
                look.unseen.push(Outcome::Unknown {
                    because: format!(
                        "whether everybody may pull from `{}` is not known: {because}",
                        shorten(repository)
                    ),
                    retry,
                    next,
                });
                continue;
            }
            Err(unseen) => {
                look.unseen.push(unseen);
                continue;
            }
        };
        let repository = shorten(repository);
        look.mistakes.push(Mistake::new(
            format!("`{repository}` {what} to everybody, without credentials"),
            "an image repository that refuses whoever has no credentials",
            format!(
                "make `{repository}` private in its registry, or publish this hotfix to a private one \
                 (`policy.repo`, `policy.source`); what was pushed until now counts as seen"
            ),
        ));
    }
}

/// A name that says nothing: the prefix and the ticket. None where only patterns make hotfix branches: of
/// theirs the whole name counts, and nobody can say which of them is a ticket.
fn quiet_name(facts: &Facts<'_>) -> Option<String> {
    let branch = facts.branch.as_ref().ok().map(HotfixBranch::prefix);
    let prefix = branch
        .filter(|prefix| !prefix.is_empty())
        .or_else(|| facts.policy.prefixes.plain().next())?;
    Some(match private_ticket(facts) {
        Some(ticket) => format!("{prefix}{}", shorten(ticket)),
        None => format!("{prefix}TICKET"),
    })
}

fn private_ticket<'f>(facts: &'f Facts<'_>) -> Option<&'f str> {
    let pattern = &facts.policy.confidential.ticket;
    let ticket = facts.ticket.as_ref().map(|(ticket, _)| ticket.as_str());
    match pattern {
        Some(pattern) => ticket.filter(|ticket| pattern.is(ticket)).or_else(|| {
            let promotion = facts.promotion.as_ref()?;
            let mut versions = promotion.versions.iter();
            versions.find_map(|version| facts.ticket_in(&version.text))
        }),
        None => ticket,
    }
}

/// The ticket has the private form (B19).
fn ticket(facts: &Facts<'_>, look: &mut Look) {
    let Some(pattern) = &facts.policy.confidential.ticket else {
        return;
    };
    // The ticket of the hotfix below is that one's, not this one's.
    if facts.confidential == Some(Why::Below) || private_ticket(facts).is_some() {
        return;
    }
    if let Some(promotion) = &facts.promotion
        && promotion
            .evidence
            .iter()
            .any(|it| pattern.is_in(&it.describe()))
    {
        return;
    }
    let found = match &facts.ticket {
        Some((ticket, place)) => format!(
            "the ticket `{}` in {place}, which is none of the private tracker",
            shorten(ticket.as_str())
        ),
        None => "no ticket of the private tracker in branch names or commit message".to_owned(),
    };
    look.mistakes.push(Mistake::new(
        found,
        "a ticket of the private tracker (policy.confidential_ticket)",
        "open a ticket in the private tracker, marked private, and name the branch after it and \
         nothing else",
    ));
}

/// Names that hold the ticket and nothing else, where the policy wants them.
fn opaque(facts: &Facts<'_>, look: &mut Look) {
    if !facts.policy.confidential.opaque {
        return;
    }
    let quiet = quiet_name(facts);
    let expected = match &quiet {
        Some(quiet) => {
            format!("`{quiet}`: the ticket and nothing else (policy.confidential_tag)")
        }
        None => "the ticket and nothing else (policy.confidential_tag)".to_owned(),
    };
    let next = |next: &dyn Fn(&str) -> String| {
        match &quiet {
        Some(quiet) => next(quiet),
        None => "add a prefix such as `hotfix/` to `policy.prefix` and make the hotfix on a branch of \
                 that and its ticket: a branch that a pattern takes has its whole name in its tag. Or \
                 set `confidential_tag: named`"
            .to_owned(),
    }
    };
    let speaks = facts
        .hotfix_names()
        .into_iter()
        .any(|name| facts.ticket_in(name) != Some(name));
    if speaks {
        look.mistakes.push(Mistake::new(
            "the name of the branch holds more than its ticket",
            expected,
            next(&|quiet| {
                format!(
                    "start the branch again as `{quiet}`, push it, and delete the one that speaks; the \
                     tag is made of its name"
                )
            }),
        ));
    } else if !facts.spoken_tags().is_empty() {
        look.mistakes.push(Mistake::new(
            "the tag that is promoted holds more than its ticket",
            expected,
            next(&|quiet| {
                format!("publish the hotfix again from a branch `{quiet}`, and promote that tag")
            }),
        ));
    }
}
