//! Lists, which both forges give in pages.

use serde::de::DeserializeOwned;

use super::{Absent, Kind, Server, shorten};

/// The most pages of one list. Beyond, nobody can say that it is whole.
const PAGES: usize = 20;
/// Entries of a page: the most that GitHub gives, and the most that Gitea gives by default.
const GITHUB_PAGE: usize = 100;
const GITEA_PAGE: usize = 50;

impl Server {
    /// A whole list below the repository.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        rest: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Absent> {
        self.list_at(&self.path(rest), query).await
    }

    /// A whole list.
    pub(super) async fn list_at<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Absent> {
        let listed = self.pages(path, query).await?;
        listed.ok_or_else(|| self.too_long(path))
    }

    /// A list, page by page; `None` if it is longer than what is read.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<Vec<T>>, Absent> {
        let (name, size) = match self.kind {
            Kind::GitHub => ("per_page", GITHUB_PAGE),
            Kind::Gitea => ("limit", GITEA_PAGE),
        };
        let size_text = size.to_string();
        let mut all = Vec::new();
        for number in 1..=PAGES {
            let page = number.to_string();
            let paging = [(name, size_text.as_str()), ("page", page.as_str())];
            let query: Vec<(&str, &str)> = query.iter().copied().chain(paging).collect();
            let answer = self.endpoint.page(path, &query).await;
            let (found, shown): (Vec<T>, _) = answer.map_err(|refusal| self.refused(&refusal))?;
            let count = found.len();
            all.extend(found);
            // `Link` says that there is more. Where neither it nor a count is there, something on the way
            // may have taken it, and a page that is not full is the last; a Gitea may have shorter pages
            // than we ask for, and is at its end where one is empty.
            let more = shown.next
                || match (shown.total, self.kind) {
                    (Some(total), _) => count > 0 && all.len() < total,
                    (None, Kind::GitHub) => count >= size,
                    (None, Kind::Gitea) => count > 0,
                };
            if !more {
                return Ok(Some(all));
            }
            // Where the count says so, the rest need not be read to know that there is too much of it.
            if shown.total.is_some_and(|total| total > PAGES * size) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Why a list that is too long is not known.
    pub(super) fn too_long(&self, path: &[&str]) -> Absent {
        Absent::Unknown {
            because: format!(
                "{} lists more than {PAGES} pages below `{}`, and no more are read",
                self.kind.name(),
                shorten(&path.join("/"))
            ),
            retry: false,
            advice: "turn off the rules that ask the forge, or make a new hotfix branch".to_owned(),
        }
    }
}
