//! Whether an answer is the refusal of a registry that wants to know who asks. Gateways, proxies and rate
//! limits answer 401 and 403 too, and say nothing about who may pull.

use reqwest::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::Value;

use super::auth::challenges;
use super::error::RegistryError;
use crate::http::Response;

/// The codes that refuse somebody: those of the distribution spec, what Harbor says (`FORBIDDEN`), and
/// the error of a token that is worth too little (RFC 6750).
const CODES: [&str; 4] = ["UNAUTHORIZED", "DENIED", "FORBIDDEN", "INSUFFICIENT_SCOPE"];
/// Words of somebody who refuses for another reason, in small letters.
const OTHERWISE: [&str; 6] = [
    "rate limit",
    "ratelimit",
    "rate-limit",
    "too many",
    "toomanyrequests",
    "maintenance",
];
/// What is left of a limit, as servers name it.
const LEFT: [&str; 3] = [
    "x-ratelimit-remaining",
    "ratelimit-remaining",
    "x-rate-limit-remaining",
];

/// Whether a registry refuses: it asks for credentials, or it says so in the form of the distribution
/// spec («Error Codes»).
pub(super) fn by_registry(answer: &Response) -> bool {
    may_be(answer) && (asks(answer) || says(&answer.body))
}

/// Whether a token service refuses: in JSON, as all that are known to us do, or by asking for a password
/// (docker_auth answers in plain text).
pub(super) fn by_token_service(answer: &Response) -> bool {
    let is_json = matches!(serde_json::from_slice(&answer.body), Ok(Value::Object(_)));
    may_be(answer) && (is_json || asks(answer))
}

/// Whether an answer speaks of a limit or of a time at which it would be another one.
pub(super) fn is_limit(answer: &Response) -> bool {
    let spent = |name: &str| {
        // `0;w=21600`: none left in a window of so many seconds.
        let left = answer.header(name).unwrap_or_default();
        left.trim().split([';', ',']).next() == Some("0")
    };
    let said = RegistryError::said(&answer.body).unwrap_or_default();
    let said = said.to_lowercase();
    answer.headers.contains_key(RETRY_AFTER)
        || LEFT.iter().any(|name| spent(name))
        || OTHERWISE.iter().any(|word| said.contains(word))
}

fn may_be(answer: &Response) -> bool {
    matches!(answer.status, 401 | 403) && !is_limit(answer)
}

/// Whether it asks for credentials in a way that registries do.
fn asks(answer: &Response) -> bool {
    let values = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    let asked = values.filter_map(|value| value.to_str().ok());
    answer.status == 401
        && asked
            .flat_map(challenges)
            .any(|challenge| matches!(challenge.scheme.as_str(), "bearer" | "basic"))
}

/// Whether one of the errors in the body has a code that refuses somebody.
fn says(body: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    let errors = body.get("errors").and_then(Value::as_array);
    let codes = errors.into_iter().flatten().filter_map(|it| it.get("code"));
    let mut codes = codes.filter_map(Value::as_str);
    codes.any(|code| CODES.contains(&code.to_uppercase().as_str()))
}
