//! The comment with the deployment ticket, on GitHub (and GitHub Enterprise) and on Gitea (and Forgejo).
//!
//! There is one for each hotfix, found again by the hidden line it begins with, and only among the
//! comments of our own account: anybody may write such a line. GitHub: «REST API endpoints for issue
//! comments»; Gitea: `/repos/{owner}/{repo}/issues/{index}/comments`. A pull request is an issue there.

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

pub use super::record::{Key, Promotion, Record};
use super::{Teller, Untold};
use crate::http::{Client, Request, Response};
use crate::policy::forge::Kind;
use crate::policy::running::is_open;
use crate::secret::{self, Redactor, shorten};

/// The most comments on one page (GitHub).
const PAGE: usize = 100;
/// The most pages that are read.
const MOST_PAGES: usize = 20;
/// The most bytes of one answer. Gitea answers with all comments at once.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Where the comment is.
#[derive(Debug, Clone)]
pub struct Place {
    /// Whose API it is.
    pub kind: Kind,
    /// The address that the API is below.
    pub api: Url,
    /// The value of the header `Authorization`.
    pub authorization: String,
    /// `owner/name`.
    pub repo: String,
    /// The number of the issue or pull request.
    pub number: u64,
}

/// What is to be said there.
#[derive(Debug, Clone)]
pub enum News {
    /// The ticket of a publication.
    Ticket(Vec<String>),
    /// What became of a promotion.
    Promotion(Promotion),
}

/// A comment of the forge.
#[derive(Deserialize)]
struct Comment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    user: Option<Account>,
    #[serde(default)]
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct Account {
    id: u64,
}

/// Writes the comment, or changes the one that is there. Says where it is, or why it is not.
pub async fn write(teller: Teller<'_>, place: &Place, hotfix: &Key, news: News) -> String {
    let written = teller.in_time(place.write(teller.client, teller.redactor, hotfix, news));
    match written.await {
        Ok(done) => done,
        Err(why) => format!("the deployment ticket was not written as a comment: {why}"),
    }
}

impl Place {
    async fn write(
        &self,
        client: &Client,
        redactor: &Redactor,
        hotfix: &Key,
        news: News,
    ) -> Result<String, Untold> {
        let client = &Api {
            place: self,
            client,
        };
        let own: Account = client
            .ask(Method::GET, &["user"], &[], None)
            .await
            .map_err(|why| Untold(format!("it is not known whose the `forge_token` is: {why}")))?;
        let mut ours = client.comments(own.id, hotfix).await?;
        // Two runs at the same moment may both have found none. The oldest stays.
        ours.sort_by_key(|(id, _)| *id);
        let mut ours = ours.into_iter();
        let first = ours.next();
        let others: Vec<(u64, Record)> = ours.collect();
        let (id, mut record) = match first {
            Some((id, record)) => (Some(id), record),
            None => (None, Record::default()),
        };
        let (ids, records): (Vec<u64>, Vec<Record>) = others.into_iter().unzip();
        // The newest of them has the newest ticket.
        for other in records {
            if !other.ticket.is_empty() {
                record.ticket.clone_from(&other.ticket);
            }
            record.add(other);
        }
        match news {
            News::Ticket(lines) => record.ticket = lines,
            News::Promotion(promotion) => record.promote(promotion),
        }
        let text = record.write(hotfix, redactor);
        let body = Some(json!({ "body": text }).to_string());
        let (method, path) = match id {
            Some(id) => (Method::PATCH, vec!["comments".to_owned(), id.to_string()]),
            None => (
                Method::POST,
                vec![self.number.to_string(), "comments".to_owned()],
            ),
        };
        let word = if id.is_some() { "updated" } else { "written" };
        let written: Comment = client.issue(method, &path, &[], body).await?;
        // What was written stands, whatever becomes of the others.
        let mut left = Vec::new();
        for id in ids {
            let path = ["comments".to_owned(), id.to_string()];
            if let Err(why) = client.delete(&path).await {
                left.push((id, why));
            }
        }
        let link = written
            .html_url
            .as_deref()
            .and_then(super::super::message::address);
        let place = link.unwrap_or_else(|| format!("comment {} on #{}", written.id, self.number));
        let left = match left.first() {
            Some((id, why)) => {
                format!("; an older comment of ours, {id}, could not be deleted: {why}")
            }
            None => String::new(),
        };
        Ok(format!("deployment ticket {word}: {place}{left}"))
    }
}

struct Api<'a> {
    place: &'a Place,
    client: &'a Client,
}

impl Api<'_> {
    /// The comments of an account about a hotfix.
    async fn comments(&self, own: u64, hotfix: &Key) -> Result<Vec<(u64, Record)>, Untold> {
        let mut ours = Vec::new();
        let path = [self.place.number.to_string(), "comments".to_owned()];
        for page in 1..=MOST_PAGES {
            let (size, page) = (PAGE.to_string(), page.to_string());
            // Gitea has no pages here: it answers with all of them.
            let query: &[(&str, &str)] = match self.place.kind {
                Kind::GitHub => &[("per_page", &size), ("page", &page)],
                Kind::Gitea => &[],
            };
            let comments: Vec<Comment> = self.issue(Method::GET, &path, query, None).await?;
            let last = self.place.kind == Kind::Gitea || comments.len() < PAGE;
            ours.extend(comments.into_iter().filter_map(|comment| {
                let by = comment.user.as_ref().map(|user| user.id);
                let record = Record::read(comment.body.as_deref()?, hotfix)?;
                (by == Some(own)).then_some((comment.id, record))
            }));
            if last {
                return Ok(ours);
            }
        }
        // A comment of ours may stand behind those; a second one would be worse than none.
        match ours.is_empty() {
            false => Ok(ours),
            true => Err(Untold(format!(
                "#{} has more than {} comments, and ours is not among the first",
                self.place.number,
                MOST_PAGES * PAGE
            ))),
        }
    }

    async fn issue<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[String],
        query: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<T, Untold> {
        let path = self.issue_path(path);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.ask(method, &path, query, body).await
    }

    fn issue_path(&self, path: &[String]) -> Vec<String> {
        let repo = self.place.repo.split('/').map(str::to_owned);
        let start = ["repos".to_owned()].into_iter().chain(repo);
        let start = start.chain(["issues".to_owned()]);
        start.chain(path.iter().cloned()).collect()
    }

    async fn delete(&self, path: &[String]) -> Result<(), Untold> {
        let path = self.issue_path(path);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let answer = self.send(Method::DELETE, &path, &[], None).await?;
        match answer.status {
            // Another run may have been faster.
            200..=299 | 404 => Ok(()),
            _ => Err(refused(&answer)),
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<T, Untold> {
        let answer = self.send(method, path, query, body).await?;
        if !(200..300).contains(&answer.status) {
            return Err(refused(&answer));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| Untold::new("the forge's answer has another form than expected"))
    }

    /// Sends one request. What changes a comment to a certain text, or removes it, may be sent twice;
    /// what makes one may not.
    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Response, Untold> {
        let api = &self.place.api;
        if !is_open(api, self.client.trust()) {
            return Err(Untold::new("the forge's address is plain HTTP"));
        }
        let mut url = api.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => {
                segments.pop_if_empty().extend(path);
            }
            Err(()) => return Err(Untold::new("the forge's address has no path")),
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let once = method == Method::POST;
        let host = url.host_str().map(str::to_owned);
        let mut request = Request::new(method, url, LONGEST_ANSWER)
            .header(ACCEPT, "application/json")
            .authorization(Some(&self.place.authorization));
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        if !once {
            request = request.repeatable();
        }
        let answer = self.client.send(request).await?;
        if answer.url.host_str() != host.as_deref() {
            return Err(Untold::new("the forge sends us on to another host"));
        }
        Ok(answer)
    }
}

fn refused(answer: &Response) -> Untold {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    let said = serde_json::from_slice::<Said>(&answer.body).ok();
    let said =
        said.map(|said| format!(": «{}»", secret::said(&shorten(&said.message, super::SAID))));
    let advice = match answer.status {
        401 => "; check `forge_token`",
        403 | 429 if answer.header("retry-after").is_some() => {
            "; the forge asks for fewer requests"
        }
        403 if answer.header("x-ratelimit-remaining") == Some("0") => {
            "; the forge asks for fewer requests"
        }
        403 => "; the `forge_token` needs to write issues",
        404 => "; check the number, and whether `forge_token` may see the repository",
        _ => "",
    };
    Untold(format!(
        "the forge answered {}{}{advice}",
        answer.status,
        said.unwrap_or_default()
    ))
}
