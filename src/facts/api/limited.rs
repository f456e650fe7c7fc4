//! What a server says about the number of requests that it takes. GitHub: «Rate limits for the REST API»:
//! 403 or 429, with `x-ratelimit-remaining: 0` and the time of `x-ratelimit-reset`, or, of a secondary
//! limit, with `retry-after`.

use reqwest::header::{LINK, RETRY_AFTER};

use crate::day::utc_of_seconds;
use crate::http::Response;

/// Whether an answer says that there were too many requests, and when more are taken, for people.
pub(super) fn limited(answer: &Response, said: Option<&str>) -> Option<String> {
    if !matches!(answer.status, 403 | 429) {
        return None;
    }
    let number = |name: &str| answer.header(name)?.trim().parse::<i64>().ok();
    if number("x-ratelimit-remaining") == Some(0) {
        let until = number("x-ratelimit-reset").and_then(utc_of_seconds);
        return Some(
            until.map_or_else(|| "after a while".to_owned(), |until| format!("at {until}")),
        );
    }
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return Some(match seconds {
            ..=60 => "in a minute".to_owned(),
            more => format!("in {} minutes", more.saturating_add(59) / 60),
        });
    }
    let said = said.unwrap_or_default().to_ascii_lowercase();
    said.contains("rate limit")
        .then(|| "in some minutes".to_owned())
}

/// What an answer says about the list that it is a part of.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::facts) struct Shown {
    /// Whether there is another page (RFC 8288, `rel="next"`).
    pub(in crate::facts) next: bool,
    /// How many entries there are on all pages, if it says so.
    pub(in crate::facts) total: Option<usize>,
}

impl Shown {
    pub(super) fn of(answer: &Response) -> Self {
        let link = answer.header(LINK.as_str()).unwrap_or_default();
        Self {
            next: link.contains("rel=\"next\"") || link.contains("rel=next"),
            total: answer
                .header("x-total-count")
                .and_then(|count| count.trim().parse().ok()),
        }
    }
}
