//! What is told after the verdict: the deployment ticket, the messages, the audit, the comment. Nothing
//! here can change the verdict; what fails becomes a note.

mod place;
mod since;

use futures_util::future;
use reqwest::Url;

use since::Since;

use super::Run;
use crate::ci::Event;
use crate::day::Day;
use crate::facts::history::Change;
use crate::facts::identity::{Evidence, NameKind};
use crate::facts::{Absent, Facts, shorten};
use crate::hotfix::HotfixBranch;
use crate::registry::error::RegistryError;
use crate::report::telling::comment::{self, Key, News, Place, Promotion};
use crate::report::telling::{LONGEST, Teller, audit, tell};
use crate::report::ticket::{Changes, Ticket, is_ticket};
use crate::report::{Ending, Judged, Published, Report, outputs};

/// The most changes that a ticket lists.
const MOST_CHANGES: usize = 50;

/// A comment that is to be written: where, about which hotfix, and what.
type Comment = Result<(Place, Key, News), String>;

impl Run<'_> {
    /// The ticket of what was published. A rehearsal publishes nothing, so it has none.
    pub(super) fn ticket(&self, facts: &Facts<'_>, published: &Published) -> Option<Ticket> {
        let (tag, image) = match published {
            Published::Tags(publication) if !self.settings.dry_run => {
                let (tag, _) = publication.tags.last()?;
                let (repository, digest) = (&publication.repository, &publication.digest);
                (tag, Some(format!("{repository}:{tag}@{digest}")))
            }
            Published::File {
                tags,
                planned: false,
                ..
            } => (tags.last()?, None),
            _ => return None,
        };
        let range = facts
            .history
            .answer()
            .and_then(|history| history.range.answer());
        let since = since::of(facts);
        Some(Ticket {
            version: since::version(facts).unwrap_or_else(|| tag.clone()),
            image,
            commit: self.build.commit.as_str().to_owned(),
            code: self.build.remote.as_deref().and_then(without_credentials),
            branch: self.build.branch.clone().unwrap_or_default(),
            changes: range
                .map(|range| changes(facts, range, &since))
                .map_err(|absent| because(&absent).to_owned()),
            since: since.text,
        })
    }

    /// Tells everybody whom the policy names, all at the same time.
    pub(super) fn tell(&self, facts: &Facts<'_>, report: &mut Report) {
        let telling = &self.policy.telling;
        report.subject.issue = self.issue_page(facts);
        let comment = self.comment(facts, report);
        let silent = self.settings.dry_run;
        if silent {
            report.notes.extend(self.silence());
        } else {
            report.notes.extend(self.write_ticket_file(report));
        }
        let receivers = match silent {
            true => &[],
            false => telling.receivers.as_slice(),
        };
        if receivers.is_empty() && telling.audit.is_none() && comment.is_none() {
            return;
        }
        let told = self.with_client(async |client| {
            let time = LONGEST.min(self.policy.timeout);
            let client = &client.within(time);
            let teller = Teller {
                client,
                settings: self.settings,
                redactor: &self.redactor,
                time,
            };
            let report = &*report;
            let (audited, told, commented) = future::join3(
                async {
                    match &telling.audit {
                        Some(to) => audit(teller, to, report).await,
                        None => None,
                    }
                },
                tell(teller, receivers, telling.smtp.as_ref(), report),
                async {
                    match comment {
                        Some(Ok((place, hotfix, news))) => {
                            Some(comment::write(teller, &place, &hotfix, news).await)
                        }
                        Some(Err(why)) => Some(format!(
                            "the deployment ticket was not written as a comment: {why}"
                        )),
                        None => None,
                    }
                },
            )
            .await;
            Ok(audited.into_iter().chain(told).chain(commented).collect())
        });
        report.notes.extend(told.unwrap_or_else(|cause| {
            let error = RegistryError {
                operation: "telling",
                reference: "people".to_owned(),
                cause,
            };
            vec![format!("nobody was told: {error}")]
        }));
    }

    /// What a rehearsal leaves out, if the policy has anything of it.
    fn silence(&self) -> Option<String> {
        let telling = &self.policy.telling;
        let left_out: Vec<&str> = [
            (!telling.receivers.is_empty(), "`policy.notify`"),
            (telling.ticket.is_some(), "`policy.deployment_ticket`"),
            (self.policy.ticket_file.is_some(), "`policy.ticket_file`"),
        ]
        .into_iter()
        .filter_map(|(set, key)| set.then_some(key))
        .collect();
        (!left_out.is_empty()).then(|| format!("a rehearsal leaves out {}", left_out.join(", ")))
    }

    fn write_ticket_file(&self, report: &Report) -> Option<String> {
        let path = self.policy.ticket_file.as_ref()?;
        let ticket = judged(report)?.ticket.as_ref()?;
        let text = ticket.file(&self.redactor);
        let written = outputs::write(&self.build.workspace, path, &text, is_ticket);
        let why = written.err()?;
        Some(format!(
            "the deployment ticket was not written to a file: {why:#}"
        ))
    }

    /// The page of the issue or pull request that the policy means, if it is known. Both forges lead from
    /// the one to the other.
    fn issue_page(&self, facts: &Facts<'_>) -> Option<String> {
        let thread = self.policy.telling.ticket?;
        let number = self.number(facts, thread, &hotfix_branch(facts)?).ok()?;
        let page = self.build.page.as_deref()?.trim_end_matches('/');
        Some(format!("{page}/issues/{number}"))
    }

    /// The comment that is due, or why it cannot be written.
    fn comment(&self, facts: &Facts<'_>, report: &Report) -> Option<Comment> {
        let thread = self.policy.telling.ticket?;
        if self.settings.dry_run {
            return None;
        }
        let judged = judged(report)?;
        let news = match (&judged.ticket, &facts.promotion) {
            (Some(ticket), _) => News::Ticket(ticket.lines()),
            (None, Some(promotion)) if !promotion.evidence.is_empty() => {
                News::Promotion(self.promotion_row(facts, judged, report))
            }
            _ => return None,
        };
        let branch = hotfix_branch(facts);
        let place = branch
            .ok_or_else(|| "the branch of the promoted hotfix is not known".to_owned())
            .and_then(|branch| {
                let number = self.number(facts, thread, &branch)?;
                let image = self.policy.repo.as_ref().map(ToString::to_string);
                Ok((
                    self.place(number)?,
                    Key::of(&branch, image.as_deref()),
                    news,
                ))
            });
        Some(place)
    }

    fn promotion_row(&self, facts: &Facts<'_>, judged: &Judged, report: &Report) -> Promotion {
        let versions = facts
            .promotion
            .iter()
            .flat_map(|promotion| &promotion.versions);
        let digests = report
            .subject
            .judged
            .iter()
            .map(|(_, digest)| digest.clone());
        let enforced = if judged.enforced {
            ""
        } else {
            " (not enforced)"
        };
        let back = match self.build.event {
            Event::Rollback => " (rollback)",
            _ => "",
        };
        Promotion {
            build: self.build.number,
            date: Day::of_seconds(facts.now).map_or_else(String::new, |day| day.to_string()),
            target: format!("{}{back}", self.build.target.as_deref().unwrap_or_default()),
            verdict: format!("{}{enforced}", judged.verdict.decision().as_str()),
            versions: versions.map(|version| shorten(&version.text)).collect(),
            digests: digests.collect(),
            link: self.build.link.clone(),
        }
    }
}

fn judged(report: &Report) -> Option<&Judged> {
    match &report.ending {
        Ending::Judged(judged) => Some(judged),
        Ending::Problems(_) | Ending::Nothing(_) => None,
    }
}

fn because(absent: &Absent) -> &str {
    match absent {
        Absent::NotConfigured(because) | Absent::Unknown { because, .. } => because,
    }
}

/// One line for each change since the last release; a merge of the branch brings none of its own.
fn changes(facts: &Facts<'_>, range: &[Change], since: &Since<'_>) -> Changes {
    let own = range.iter().filter(|change| since.has(&change.id));
    let all: Vec<&Change> = own.filter(|change| !change.merge).collect();
    let line =
        |change: &&Change| format!("{} ({})", facts.words(&change.subject), change.id.short());
    Changes {
        lines: all.iter().take(MOST_CHANGES).map(line).collect(),
        more: all.len().saturating_sub(MOST_CHANGES),
    }
}

/// The hotfix branch that the build is of, or that what is promoted was published from.
fn hotfix_branch(facts: &Facts<'_>) -> Option<String> {
    if facts.branch.is_ok() {
        return facts.build.branch.clone();
    }
    let evidence = &facts.promotion.as_ref()?.evidence;
    let mut named = evidence.iter().filter_map(|evidence| match evidence {
        Evidence::Attested { branch, .. } | Evidence::Commit { branch, .. } => Some(branch),
        Evidence::Name {
            token,
            kind: NameKind::Branch,
            ..
        } => Some(token),
        _ => None,
    });
    let first = named.next()?;
    let prefixes = &facts.policy.prefixes;
    // Two hotfixes in one promotion have two tickets, and it is not ours to choose.
    let one = named.all(|other| other == first) && HotfixBranch::parse(first, prefixes).is_ok();
    one.then(|| first.clone())
}

/// The address that the code is cloned from, without a name, a password, a query; `None` if it is in no
/// form that we know to hold none.
fn without_credentials(remote: &str) -> Option<String> {
    let remote = remote.trim();
    if remote.contains("://") {
        let mut url = Url::parse(remote).ok()?;
        let _ = url.set_password(None);
        if matches!(url.scheme(), "https" | "http") {
            let _ = url.set_username("");
        }
        url.set_query(None);
        url.set_fragment(None);
        return Some(url.into());
    }
    // `git@host:path` and a path of this machine hold no password.
    let plain = remote
        .chars()
        .all(|c| !c.is_whitespace() && !c.is_control());
    (plain && remote.matches(['@', ':']).count() <= 2).then(|| shorten(remote))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_code_holds_no_credentials() {
        for (remote, shown) in [
            (
                "https://git.example/a/b.git",
                Some("https://git.example/a/b.git"),
            ),
            (
                "https://u:p@git.example/a/b.git?t=x#y",
                Some("https://git.example/a/b.git"),
            ),
            (
                "ssh://git:p@git.example/a/b.git",
                Some("ssh://git@git.example/a/b.git"),
            ),
            ("git@git.example:a/b.git", Some("git@git.example:a/b.git")),
            ("/srv/git/a", Some("/srv/git/a")),
            ("u:p@x@git.example:a", None),
        ] {
            assert_eq!(without_credentials(remote).as_deref(), shown, "{remote}");
        }
    }
}
