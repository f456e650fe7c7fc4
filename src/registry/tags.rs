//! The list of a repository's tags, over all its pages.

use std::collections::HashSet;

use reqwest::Method;
use reqwest::header::LINK;
use serde::Deserialize;

use super::error::{Cause, RegistryError};
use super::{Registry, link};
use crate::http::Request;

/// The longest page of a tag list: distribution 2.8 ignores `n` and sends everything at once.
const TAG_PAGE: usize = 32 * 1024 * 1024;
/// The most tags and pages that we follow.
const MOST_TAGS: usize = 200_000;
const MOST_PAGES: usize = 2_000;
/// Tags per page. ECR fails above 1,000 (google/go-containerregistry#1091).
const PER_PAGE: usize = 1_000;

impl Registry {
    /// Some tags of the repository: the first page of its list, which is often all of it.
    ///
    /// # Errors
    /// If there is no list, or not for us.
    pub async fn some_tags(&self) -> Result<Vec<String>, RegistryError> {
        #[derive(Deserialize)]
        struct Page {
            name: Option<serde_json::Value>,
            tags: Option<Vec<String>>,
        }
        let failed = |cause| RegistryError {
            operation: "listing the tags of",
            reference: self.repository.to_string(),
            cause,
        };
        let mut url = self.url(&["tags", "list"]);
        url.query_pairs_mut().append_pair("n", "10");
        let make = || Request::new(Method::GET, url.clone(), TAG_PAGE);
        let answer = self.session.send(make).await.map_err(failed)?;
        if answer.status != 200 {
            return Err(failed(Cause::status(&answer)));
        }
        match serde_json::from_slice::<Page>(&answer.body) {
            Ok(page) if page.name.is_some() || page.tags.is_some() => {
                Ok(page.tags.unwrap_or_default())
            }
            // A page of some gateway is no list.
            _ => Err(failed(Cause::Answer(
                "the answer is not a list of tags".to_owned(),
            ))),
        }
    }

    /// Every tag of the repository.
    ///
    /// # Errors
    /// If the list cannot be had in whole: a part of it would be a wrong answer.
    pub async fn tags(&self) -> Result<Vec<String>, RegistryError> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let operation = "listing the tags of";
        let failed = |cause| RegistryError {
            operation,
            reference: self.repository.to_string(),
            cause,
        };
        let mut url = self.url(&["tags", "list"]);
        url.query_pairs_mut()
            .append_pair("n", &PER_PAGE.to_string());
        let first = url.clone();
        let mut tags: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        for _ in 0..MOST_PAGES {
            let make = || Request::new(Method::GET, url.clone(), TAG_PAGE);
            let answer = self.session.send(make).await.map_err(failed)?;
            if answer.status != 200 {
                return Err(failed(Cause::status(&answer)));
            }
            let page: Page = serde_json::from_slice(&answer.body).map_err(|_| {
                failed(Cause::Answer("the answer is not a list of tags".to_owned()))
            })?;
            let page = page.tags.unwrap_or_default();
            let (full, last) = (page.len() == PER_PAGE, page.last().cloned());
            let before = tags.len();
            tags.extend(page.into_iter().filter(|tag| seen.insert(tag.clone())));
            if tags.len() > MOST_TAGS {
                break;
            }
            let links = answer.headers.get_all(LINK).iter();
            let links = links.map(|link| link.to_str().unwrap_or("not text"));
            let next = link::next_page(links).map_err(|()| {
                failed(Cause::Answer(
                    "the list goes on in a way that cannot be read".to_owned(),
                ))
            })?;
            let Some(next) = next else {
                // A page of exactly as many tags as were asked for may have been cut there without
                // a word: ask for what comes after it, until nothing new comes.
                let (true, Some(last), true) = (full, last, tags.len() > before) else {
                    return Ok(tags);
                };
                url = first.clone();
                url.query_pairs_mut().append_pair("last", &last);
                continue;
            };
            let next = url
                .join(&next)
                .ok()
                .filter(|next| next.origin() == first.origin());
            url = next.ok_or_else(|| {
                failed(Cause::Answer("its next page is on another host".to_owned()))
            })?;
        }
        let why = format!("there are more than {MOST_TAGS} tags or {MOST_PAGES} pages");
        Err(failed(Cause::Answer(why)))
    }
}
