//! Trying again: what passes by itself, how long to wait, and which host to leave alone meanwhile.
//!
//! Peers disagree on the numbers (crane: 3 steps from 1 s; containers/image: 5 tries from 2 s with a cap
//! of 60 s). Ours are short, because a step that waits holds up a hotfix, and bounded by the one
//! deadline of the run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, RETRY_AFTER};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::time::Instant;

use super::{HttpError, Response};

/// How often a request is sent at the most.
pub(super) const TRIES: u32 = 5;
/// The wait before the second try; it doubles from try to try.
const FIRST_WAIT: Duration = Duration::from_millis(300);
/// The longest wait that a server can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The end of the year 9999, in seconds since 1970.
const MOST: u64 = 253_402_300_799;

/// How long to wait before a request is sent again; `None` if its outcome is the last word.
pub(super) fn wait(outcome: &Result<Response, HttpError>, tries: u32) -> Option<Duration> {
    let passes = match outcome {
        Ok(answer) => is_transient(answer),
        Err(error) => matches!(error, HttpError::Transport(_)),
    };
    if !passes || tries >= TRIES {
        return None;
    }
    let answer = outcome.as_ref().ok();
    // A forge that takes nothing for an hour is not asked again, but for the end of a short wait.
    if let Some(reset) = answer.and_then(until_reset) {
        return (reset <= LONGEST_WAIT).then_some(reset);
    }
    let asked = answer.and_then(retry_after);
    if answer.is_some_and(|answer| answer.status == 403) && asked.is_some() {
        return asked.filter(|wait| *wait <= LONGEST_WAIT);
    }
    Some(asked.map_or_else(|| backoff(tries), |wait| wait.min(LONGEST_WAIT)))
}

/// Whether an answer says that the same request may succeed later. 501 stays out: what is not
/// implemented now will not be in a second.
fn is_transient(answer: &Response) -> bool {
    match answer.status {
        408 | 429 | 499 | 500 | 502 | 503 | 504 | 522 => true,
        // GitHub's limits («Rate limits for the REST API»).
        403 if answer.headers.contains_key(RETRY_AFTER) || until_reset(answer).is_some() => true,
        // Some registries say «too many requests» under another status (containers/common#2494).
        400..=499 => {
            let start = &answer.body[..answer.body.len().min(1024)];
            start
                .to_ascii_uppercase()
                .windows(15)
                .any(|word| word == b"TOOMANYREQUESTS")
        }
        _ => false,
    }
}

/// Whether a server says that it did nothing with a request, so that even one that must not be
/// repeated may be sent again.
pub(super) fn was_not_processed(outcome: &Result<Response, HttpError>) -> bool {
    matches!(outcome, Ok(answer) if answer.status == 429 || (400..500).contains(&answer.status) && is_transient(answer))
        && !matches!(outcome, Ok(answer) if matches!(answer.status, 408 | 499))
}

/// Whether the wait is for every request to this host: one that was told to slow down must not go
/// on with its other requests.
pub(super) fn is_for_all(answer: &Response) -> bool {
    answer.status == 429
        || answer.headers.contains_key(RETRY_AFTER)
        || until_reset(answer).is_some()
}

/// How long a server takes no requests any more, if it says so as GitHub does: none remain, and a time in
/// seconds since 1970 when they do again.
fn until_reset(answer: &Response) -> Option<Duration> {
    if !matches!(answer.status, 403 | 429) || answer.headers.contains_key(RETRY_AFTER) {
        return None;
    }
    let number = |name: &str| answer.header(name)?.trim().parse::<u64>().ok();
    if number("x-ratelimit-remaining") != Some(0) {
        return None;
    }
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(number("x-ratelimit-reset")?.min(MOST));
    let now = answer.header(DATE.as_str());
    let now = now.and_then(|date| httpdate::parse_http_date(date).ok());
    let wait = then.duration_since(now.unwrap_or_else(SystemTime::now));
    Some(wait.unwrap_or_default())
}

/// The wait that a server asks for, in seconds or as a date (RFC 9110 §10.2.3). A date is compared
/// with the server's own clock where it tells the time.
fn retry_after(answer: &Response) -> Option<Duration> {
    let text = answer.header(RETRY_AFTER.as_str())?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let then = httpdate::parse_http_date(text).ok()?;
    let now = answer.header(DATE.as_str());
    let now = now.and_then(|date| httpdate::parse_http_date(date).ok());
    let wait = then.duration_since(now.unwrap_or_else(SystemTime::now));
    Some(wait.unwrap_or_default())
}

/// The wait after so many failed tries: doubling, and somewhere between half and the whole of that,
/// so that builds that failed together do not come back together.
pub fn backoff(tries: u32) -> Duration {
    let whole = FIRST_WAIT * 2_u32.pow(tries.saturating_sub(1).min(8));
    let mut random = [0_u8; 1];
    // Without random bytes the wait is only less spread.
    let _ = SystemRandom::new().fill(&mut random);
    whole / 2 + whole * u32::from(random[0]) / 512
}

/// Hosts that asked to be left alone, and until when.
#[derive(Debug, Clone, Default)]
pub(super) struct Pauses(Arc<Mutex<HashMap<String, Instant>>>);

impl Pauses {
    pub(super) fn pause(&self, host: &str, wait: Duration) {
        let until = Instant::now() + wait;
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = pauses.entry(host.to_owned()).or_insert(until);
        *known = until.max(*known);
    }

    pub(super) async fn wait_for(&self, host: &str) {
        let until = {
            let pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            pauses.get(host).copied()
        };
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;
    use reqwest::header::{HeaderMap, HeaderValue};

    use super::*;

    fn answer(
        status: u16,
        headers: &[(reqwest::header::HeaderName, &str)],
        body: &str,
    ) -> Response {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name, HeaderValue::from_str(value).unwrap());
        }
        Response {
            status,
            headers: map,
            body: body.into(),
            url: Url::parse("https://registry.example/v2/").unwrap(),
            tries: 1,
            too_late: false,
        }
    }

    #[track_caller]
    fn waits(status: u16, after: &str, expected: Option<u64>) {
        let answer = answer(status, &[(RETRY_AFTER, after)], "");
        assert_eq!(
            wait(&Ok(answer), 1).map(|wait| wait.as_secs()),
            expected,
            "{status} {after}"
        );
    }

    #[test]
    fn a_server_says_how_long_in_seconds_or_by_a_date() {
        waits(429, "7", Some(7));
        waits(503, "0", Some(0));
        waits(429, "86400", Some(60));
        waits(404, "7", None);
        waits(501, "7", None);
        waits(429, "soon", Some(0));
        let dated = [
            (RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT"),
            (DATE, "Sunday, 06-Nov-94 08:49:37 GMT"),
        ];
        let wait_for = |headers: &[_]| wait(&Ok(answer(429, headers, "")), 1);
        assert_eq!(wait_for(&dated), Some(Duration::from_secs(30)));
        // A date that is over is no wait at all.
        assert_eq!(wait_for(&dated[..1]), Some(Duration::ZERO));
    }

    #[test]
    fn a_forge_says_when_it_takes_requests_again() {
        let name = reqwest::header::HeaderName::from_static;
        let limited = |reset: &str, status: u16| {
            let headers = [
                (name("x-ratelimit-remaining"), "0"),
                (name("x-ratelimit-reset"), reset),
                (DATE, "Sun, 06 Nov 1994 08:49:37 GMT"),
            ];
            wait(&Ok(answer(status, &headers, "")), 1)
        };
        for status in [403, 429] {
            assert_eq!(limited("784111787", status), Some(Duration::from_secs(10)));
            assert_eq!(limited("784111776", status), Some(Duration::ZERO));
            assert_eq!(limited("784115377", status), None);
            assert_eq!(limited("18446744073709551615", status), None);
        }
        // A secondary limit says for how long; whoever has no right is told nothing of that.
        waits(403, "5", Some(5));
        waits(403, "3600", None);
        assert_eq!(wait(&Ok(answer(403, &[], "")), 1), None);
    }

    #[test]
    fn only_what_passes_is_tried_again_and_not_for_ever() {
        for status in [408, 429, 499, 500, 502, 503, 504, 522] {
            assert!(wait(&Ok(answer(status, &[], "")), 1).is_some(), "{status}");
            assert_eq!(wait(&Ok(answer(status, &[], "")), TRIES), None);
        }
        for status in [200, 201, 400, 401, 403, 404, 405, 412, 413, 501] {
            assert_eq!(wait(&Ok(answer(status, &[], "")), 1), None, "{status}");
        }
        let said = r#"{"errors":[{"code":"TOOMANYREQUESTS"}]}"#;
        assert!(wait(&Ok(answer(403, &[], said)), 1).is_some());
        assert!(wait(&Err(HttpError::Transport(String::new())), 1).is_some());
        assert_eq!(wait(&Err(HttpError::TooLong(1)), 1), None);
        assert_eq!(wait(&Err(HttpError::Untrusted(String::new())), 1), None);
    }

    #[test]
    fn waits_grow_and_are_spread() {
        for tries in 1..TRIES {
            let whole = FIRST_WAIT * 2_u32.pow(tries - 1);
            for _ in 0..100 {
                let wait = backoff(tries);
                assert!(wait >= whole / 2 && wait <= whole, "{tries}: {wait:?}");
            }
        }
        let waits: std::collections::HashSet<_> = (0..100).map(|_| backoff(1)).collect();
        assert!(waits.len() > 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_for_one_host_and_the_longer_one_holds() {
        let pauses = Pauses::default();
        let start = Instant::now();
        pauses.pause("a.example", Duration::from_secs(9));
        pauses.pause("a.example", Duration::from_secs(3));
        pauses.wait_for("b.example").await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        pauses.wait_for("a.example").await;
        assert!(start.elapsed() >= Duration::from_secs(9));
    }
}
