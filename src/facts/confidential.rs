//! Whether a hotfix is confidential (B17–B21): decided from the policy and from every place that may
//! name a ticket, before anything is shown. One place is enough, and nothing takes it back.

mod names;

use super::reason::Reason;
use super::{Facts, Promotion, Source, Workspace, ticket};
use crate::attestation::statement::Claim;
use crate::ci::Build;
use crate::facts::forge::Pull;
use crate::facts::identity::Evidence;
use crate::policy::Policy;

/// What stands in the place of a text that a person wrote about a confidential hotfix.
pub const HIDDEN: &str = "(not shown: the hotfix is confidential)";

/// The most bytes of commit messages in which tickets are looked for. Real hotfixes have a few hundred.
const MOST_TEXT: usize = 8 * 1024 * 1024;
/// The most texts that no server may repeat.
const MOST_HIDDEN: usize = 400;
/// The shortest text that is hidden so.
const SHORTEST_HIDDEN: usize = 8;

/// Why a hotfix is confidential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// `policy.confidential` says that all are.
    Policy,
    /// A ticket of `policy.confidential_ticket` is named, in this place.
    Ticket(&'static str),
    /// A hotfix below it, which is not released yet, names such a ticket.
    Below,
    /// A hotfix that runs in production names such a ticket. This one is not confidential itself; what
    /// is said of the other one is hidden all the same.
    Beside,
    /// There is more text than anybody reads, so a ticket may stand in it.
    TooMuch,
}

impl Why {
    /// The reason as part of a sentence.
    pub fn describe(&self) -> String {
        match self {
            Self::Policy => "`policy.confidential` says so".to_owned(),
            Self::Ticket(place) => {
                format!("a ticket of `policy.confidential_ticket` is named in {place}")
            }
            Self::Below => "the hotfix that it builds on names a ticket of \
                            `policy.confidential_ticket`"
                .to_owned(),
            Self::Beside => "a hotfix that runs in production names a ticket of \
                             `policy.confidential_ticket`"
                .to_owned(),
            Self::TooMuch => {
                "its commits hold more text than can be searched for a private ticket".to_owned()
            }
        }
    }
}

/// A text and the place where it stands.
type Place<'t> = (&'static str, &'t str);

const BRANCH: &str = "the name of the branch";
const WORKING: &str = "the name of the working branch";
const MESSAGE: &str = "the message of the built commit";

/// What is known before any server was asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Early<'a> {
    pub build: &'a Build,
    pub policy: &'a Policy,
    pub workspace: &'a Source<Workspace>,
    pub promotion: Option<&'a Promotion>,
    pub reason: &'a Reason,
    /// The title of the pull request, as the server gives it.
    pub title: Option<&'a str>,
}

/// Decides from what the CI server and the checkout say.
pub(super) fn early(of: Early<'_>) -> Option<Why> {
    if of.policy.confidential.always {
        return Some(Why::Policy);
    }
    let reason = match of.reason {
        Reason::Given(reason) => Some(reason.as_str()),
        Reason::Missing | Reason::Unusable(_) => None,
    };
    let in_checkout = of.workspace.get().and_then(|it| it.message.as_deref());
    let mut places: Vec<Place<'_>> = Vec::new();
    for (place, text) in [
        (BRANCH, of.build.branch.as_deref()),
        (WORKING, of.build.source_branch.as_deref()),
        ("the git reference", of.build.git_ref.as_deref()),
        (MESSAGE, of.build.message.as_deref()),
        (MESSAGE, in_checkout),
        ("the title of the pull request", of.title),
        ("the reason for the override", reason),
    ] {
        places.extend(text.map(|text| (place, text)));
    }
    places.extend(of.promotion.into_iter().flat_map(promoted));
    named(of.policy, places)
}

/// Decides from everything that was fetched.
pub fn late(facts: &Facts<'_>) -> Option<Why> {
    let history = facts.history.get();
    let mut places: Vec<Place<'_>> = Vec::new();
    for change in history.iter().filter_map(|it| it.range.get()).flatten() {
        places.push(("the messages of its commits", &change.message));
    }
    for line in history.iter().filter_map(|it| it.notes.get()).flatten() {
        places.push(("its lines of the change log", line));
    }
    for pull in pulls(facts) {
        places.push(("its pull requests", &pull.title));
        places.push(("its pull requests", &pull.text));
    }
    places.extend(facts.promotion.iter().flat_map(promoted));
    let attested = facts.promotion.iter().filter_map(|it| it.attested.get());
    for statement in attested.flatten().flat_map(|one| &one.statements) {
        if let Claim::Published(published) = &statement.claim {
            let place = "a statement in the registry";
            places.push((place, &published.branch));
            places.extend(published.ticket.iter().map(|it| (place, it.as_str())));
        }
    }
    let below = history.iter().filter_map(|it| it.ports.get()).flatten();
    let below = below.map(|port| ("", port.message.as_str())).collect();
    let mut beside: Vec<Place<'_>> = Vec::new();
    for kept in history.iter().filter_map(|it| it.kept.get()).flatten() {
        beside.push(("", &kept.text));
        beside.extend(kept.ports.iter().map(|port| ("", port.message.as_str())));
    }
    for placed in history.iter().filter_map(|it| it.running.get()).flatten() {
        beside.push(("", &placed.text));
    }
    named(facts.policy, places)
        .or_else(|| named(facts.policy, below).map(|_| Why::Below))
        .or_else(|| named(facts.policy, beside).map(|_| Why::Beside))
}

/// The pull requests that a hotfix came by.
fn pulls<'f>(facts: &'f Facts<'_>) -> impl Iterator<Item = &'f Pull> + Clone {
    let forge = facts.forge.get();
    let pulls = forge.and_then(|forge| forge.pulls.get());
    pulls.into_iter().flatten()
}

/// What a promotion names.
fn promoted(promotion: &Promotion) -> Vec<Place<'_>> {
    let place = "what is promoted";
    let versions = promotion
        .versions
        .iter()
        .map(|it| (place, it.text.as_str()));
    let evidence = promotion.evidence.iter().map(|evidence| {
        let text = match evidence {
            Evidence::Name { token, .. } => token,
            Evidence::Build { value, .. } => value,
            Evidence::Bytes { tag, .. } => tag,
            Evidence::Attested { branch, .. } | Evidence::Commit { branch, .. } => branch,
        };
        (place, text.as_str())
    });
    versions.chain(evidence).collect()
}

fn named(policy: &Policy, places: Vec<Place<'_>>) -> Option<Why> {
    let pattern = policy.confidential.ticket.as_ref()?;
    let mut left = MOST_TEXT;
    for (place, text) in places {
        match left.checked_sub(text.len()) {
            Some(rest) => left = rest,
            None => return Some(Why::TooMuch),
        }
        if pattern.is_in(text) {
            return Some(Why::Ticket(place));
        }
    }
    None
}

impl Facts<'_> {
    /// Takes the hotfix for confidential from now on. Its ticket is then chosen anew, so that no number
    /// of a CVE becomes its name.
    pub fn becomes_confidential(&mut self, why: Why) {
        self.confidential = Some(why);
        // Its own ticket and tags are none of the other hotfix's.
        if why == Why::Beside {
            return;
        }
        let Ok(branch) = &self.branch else {
            return;
        };
        let places = ticket::places(branch, self.build, &self.workspace);
        self.ticket = ticket::find(self.policy, places, true);
        let ticket = self.ticket.as_ref().map(|(ticket, _)| ticket);
        self.tags = super::plan_tags(branch, ticket, self.build, self.policy);
    }

    /// Every line that a person wrote about this hotfix and that is long enough to be told from a word
    /// that anybody may use. No server may repeat one in our outputs.
    pub fn written(&self) -> Vec<&str> {
        let history = self.history.get();
        let range = history.and_then(|it| it.range.get()).into_iter().flatten();
        let ports = history.and_then(|it| it.ports.get()).into_iter().flatten();
        let kept = history.and_then(|it| it.kept.get()).into_iter().flatten();
        let notes = history.and_then(|it| it.notes.get()).into_iter().flatten();
        let checkout = self.workspace.get().and_then(|it| it.message.as_deref());
        let reason = match &self.reason {
            Reason::Given(reason) => Some(reason.as_str()),
            Reason::Missing | Reason::Unusable(_) => None,
        };
        // The first lines first: they are what a server would repeat, and there is a limit.
        let subjects = range.clone().map(|change| change.subject.as_str());
        let messages = range.map(|change| change.message.as_str());
        let ports = ports.chain(kept.flat_map(|it| &it.ports));
        let bodies = ports.clone().map(|port| port.message.as_str());
        let texts = [self.title.as_deref(), reason]
            .into_iter()
            .flatten()
            .chain(subjects)
            .chain(ports.map(|port| port.subject.as_str()))
            .chain(self.build.message.as_deref())
            .chain(checkout)
            .chain(messages)
            .chain(bodies)
            .chain(notes.map(String::as_str));
        let forge = self.forge.get();
        let open = forge.and_then(|it| it.forward.get()).into_iter().flatten();
        let all = pulls(self).chain(open.map(|open| &open.pull));
        let titles = all.clone().map(|pull| pull.title.as_str());
        let commits = all.clone().flat_map(|pull| &pull.commits);
        let issues = forge.into_iter().flat_map(|it| &it.issues);
        let issues = issues.filter_map(|(_, issue)| issue.get()?.as_ref());
        let texts = texts
            .chain(titles)
            .chain(issues.clone().map(|issue| issue.title.as_str()))
            .chain(commits.map(|commit| commit.message.as_str()))
            .chain(all.map(|pull| pull.text.as_str()))
            .chain(issues.map(|issue| issue.text.as_str()));
        let mut lines: Vec<&str> = texts
            .flat_map(str::lines)
            .map(str::trim)
            .filter(|line| is_own(line))
            .take(MOST_HIDDEN)
            .collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }
}

/// Whether a text is long enough to be told from ours, and says anything.
fn is_own(text: &str) -> bool {
    text.chars().count() >= SHORTEST_HIDDEN && tells(text)
}

/// Whether a text is neither one word that any sentence may hold nor the name of a commit, an image or a
/// version, which have to be shown.
fn tells(text: &str) -> bool {
    let name = text.strip_prefix("sha256:").unwrap_or(text);
    let is_name = name
        .chars()
        .all(|c| c.is_ascii_hexdigit() || ".-v".contains(c));
    !text.chars().all(char::is_alphabetic) && !is_name
}
