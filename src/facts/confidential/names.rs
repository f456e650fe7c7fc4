//! The names of a confidential hotfix: its ticket in them, and what they say beyond it.

use super::{SHORTEST_HIDDEN, Why, tells};
use crate::facts::Facts;
use crate::facts::identity::Evidence;
use crate::hotfix::HotfixBranch;
use crate::policy::confidential::PrivateTicket;
use crate::secret::CUT;

impl Facts<'_> {
    /// What the names of this hotfix say beyond its ticket, where the policy wants names that say nothing
    /// (`confidential_tag: opaque`). `is_ours` knows the words that outputs cannot do without; who names a
    /// branch after one of them must not take it away.
    pub fn beyond_ticket(&self, is_ours: impl Fn(&str) -> bool) -> Vec<String> {
        if self.confidential.is_none() || !self.policy.confidential.opaque {
            return Vec::new();
        }
        let mut beyond = Vec::new();
        for name in self.known_names() {
            let rest = match HotfixBranch::parse(name, &self.policy.prefixes) {
                Ok(branch) => name.get(branch.prefix().len()..).unwrap_or_default(),
                Err(_) => name,
            };
            let Some(ticket) = self.ticket_in(rest) else {
                beyond.extend([name, rest].map(str::to_owned));
                continue;
            };
            let (front, back) = rest.split_once(ticket).unwrap_or_default();
            let is_tag = self.policy.hotfix_tags.recognise(name);
            let front = if is_tag { "" } else { front };
            if front.is_empty() && !speaks(back) {
                continue;
            }
            // What is too short to be masked by itself is masked together with its ticket.
            beyond.extend([name, rest].map(str::to_owned));
            beyond.push(format!("{ticket}{back}"));
            beyond.push(format!("{front}{ticket}"));
            beyond.extend(
                [front, back]
                    .map(str::to_owned)
                    .into_iter()
                    .filter(|it| it.len() >= SHORTEST_HIDDEN && tells(it.trim_matches(is_sign))),
            );
            // The ticket itself may be shown.
            beyond.retain(|it| it != ticket);
        }
        beyond.retain(|it| tells(it) && !is_ours(it));
        beyond
    }

    /// Every name of this hotfix that this build knows of: branches, tags, the working branch. Of another
    /// one, which runs in production, those that name a private ticket.
    fn known_names(&self) -> Vec<&str> {
        let build = self.build;
        let strip = |name| str::strip_prefix(name, "refs/heads/").unwrap_or(name);
        let own = [build.branch.as_deref(), build.git_ref.as_deref()];
        let own = own.into_iter().flatten().map(strip);
        let own = own.filter(|name| HotfixBranch::parse(name, &self.policy.prefixes).is_ok());
        // Of a promotion it is a branch like any other.
        let working = build.source_branch.as_deref();
        let working = working.filter(|_| self.branch.is_ok() && self.promotion.is_none());
        let history = self.history.get();
        let same = history
            .and_then(|it| it.same_tag.get())
            .into_iter()
            .flatten();
        let versions = self.promotion.iter().flat_map(|it| &it.versions);
        let tags = versions.filter_map(|version| version.version.as_ref()?.tag());
        let tags = tags.filter(|tag| self.policy.hotfix_tags.recognise(tag));
        let evidence = self.promotion.iter().flat_map(|it| &it.evidence);
        let evidence = evidence.map(|evidence| match evidence {
            Evidence::Name { token, .. } => token,
            Evidence::Build { value, .. } => value,
            Evidence::Bytes { tag, .. } => tag,
            Evidence::Attested { branch, .. } | Evidence::Commit { branch, .. } => branch,
        });
        let of_this: Vec<&str> = own
            .chain(working)
            .chain(same.map(|it| it.branch.as_str()))
            .chain(tags)
            .chain(evidence.map(|name| strip(name)))
            .collect();
        let kept = history.and_then(|it| it.kept.get()).into_iter().flatten();
        let running = history
            .and_then(|it| it.running.get())
            .into_iter()
            .flatten();
        let others = kept.map(|it| it.text.as_str());
        let others = others.chain(running.map(|it| it.text.as_str()));
        // Of a reference the tag; where the image lies is known to everybody.
        let others = others.filter_map(|text| text.split('@').next()?.rsplit(':').next());
        let private = self.policy.confidential.ticket.as_ref();
        let others = others.filter(|name| private.is_some_and(|private| private.is_in(name)));
        match self.confidential {
            Some(Why::Beside) => others.collect(),
            _ => of_this.into_iter().chain(others).collect(),
        }
    }

    /// What the promoted hotfix tags say: each with its ticket, and what stands behind that. A build's
    /// number or a commit may stand there, words may not. A tag without a ticket says all of its name.
    pub fn spoken_tags(&self) -> Vec<(&str, &str)> {
        let versions = self.promotion.iter().flat_map(|it| &it.versions);
        let tags = versions.filter_map(|version| version.version.as_ref()?.tag());
        tags.filter(|tag| self.policy.hotfix_tags.recognise(tag))
            .filter_map(|tag| {
                let Some(ticket) = self.ticket_in(tag) else {
                    return Some(("", tag));
                };
                let (_, rest) = tag.split_once(ticket)?;
                speaks(rest).then_some((ticket, rest))
            })
            .collect()
    }

    /// What stands behind the prefix in the names of hotfix branches that this build knows of.
    pub fn hotfix_names(&self) -> Vec<&str> {
        let build = self.build;
        let reference = build.git_ref.as_deref();
        let reference = reference.and_then(|name| name.strip_prefix("refs/heads/"));
        let mut names: Vec<&str> = [build.branch.as_deref(), reference]
            .into_iter()
            .flatten()
            .filter_map(|name| {
                let branch = HotfixBranch::parse(name, &self.policy.prefixes).ok()?;
                name.get(branch.prefix().len()..)
            })
            .collect();
        names.dedup();
        names
    }

    /// The ticket in a name: of the private form where the policy has one.
    pub fn ticket_in<'t>(&self, name: &'t str) -> Option<&'t str> {
        let found = match &self.policy.confidential.ticket {
            Some(private) => private.find(name),
            None => {
                let ticket = self.policy.ticket.find(name)?;
                let at = name.find(ticket.as_str())?;
                name.get(at..at + ticket.as_str().len())
            }
        };
        found.filter(|ticket| PrivateTicket::is_plain(ticket))
    }

    /// Leaves of a version parameter that holds more than a version only the hotfix that it names: the rest
    /// is a text that a person wrote.
    pub fn quiet_versions(&mut self) {
        if self.confidential.is_none() {
            return;
        }
        let Some(promotion) = &mut self.promotion else {
            return;
        };
        for parameter in &mut promotion.versions {
            if parameter.version.is_some() {
                continue;
            }
            let mut named = promotion.evidence.iter().filter_map(|it| match it {
                Evidence::Name {
                    variable, token, ..
                } if *variable == parameter.name => Some(token.as_str()),
                _ => None,
            });
            let token = named.next().unwrap_or_default();
            if token != parameter.text {
                parameter.text = format!("{token}{CUT}");
            }
        }
    }
}

/// Whether words stand behind a ticket; a build's number or a commit says nothing.
fn speaks(rest: &str) -> bool {
    let is_number = |part: &str| {
        part.bytes().all(|b| b.is_ascii_digit())
            || (part.len() >= 7 && part.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    rest.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|it| !is_number(it))
}

fn is_sign(c: char) -> bool {
    !c.is_alphanumeric()
}
