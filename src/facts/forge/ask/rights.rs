//! Who may decide about a pull request of GitHub.

use super::super::answers::GitHubPermission;
use super::super::{Review, State};
use super::{Absent, Kind, Server};

/// The most people who are asked about for one pull request. Anybody may review in a public repository.
const MOST_ASKED: usize = 20;

impl Server {
    /// Lets the reviews count of those who may write. GitHub shows somebody whose membership in the
    /// organisation is private to some tokens as a stranger, so of strangers the right itself is asked.
    pub(super) async fn weighed(&self, mut reviews: Vec<Review>) -> Result<Vec<Review>, Absent> {
        if self.kind != Kind::GitHub {
            return Ok(reviews);
        }
        let mut asked: Vec<(u64, Option<bool>)> = Vec::new();
        // The newest first: they are the ones that decide.
        for review in reviews.iter_mut().rev() {
            let decides = matches!(review.state, State::Approved | State::ChangesRequested);
            let Some(by) = review.by.as_ref().filter(|by| decides && !by.bot) else {
                continue;
            };
            if review.counts {
                continue;
            }
            let known = asked.iter().find(|(id, _)| *id == by.id);
            let may = match known {
                Some((_, may)) => *may,
                None if asked.len() >= MOST_ASKED => None,
                None => {
                    let may = self.may_write(&by.login).await?;
                    asked.push((by.id, may));
                    may
                }
            };
            // Of whom nobody can say it, the approval does not count, and the request for changes does.
            review.counts = may.unwrap_or(review.state == State::ChangesRequested);
        }
        Ok(reviews)
    }

    /// Whether GitHub says that somebody may write. It tells only a token that may write itself; `None` if
    /// it does not tell.
    async fn may_write(&self, login: &str) -> Result<Option<bool>, Absent> {
        let path = self.path(&["collaborators", login, "permission"]);
        match self.endpoint.get::<GitHubPermission>(&path, &[]).await {
            Ok(answer) => Ok(Some(matches!(
                answer.permission.as_str(),
                "write" | "admin"
            ))),
            Err(refusal) if matches!(refusal.status(), Some(403 | 404)) => Ok(None),
            Err(refusal) => Err(self.refused(&refusal)),
        }
    }
}
