//! Secrets among the settings: whether each is there, and that none of them is ever printed.

use super::PREFIX;
use crate::environment::{Environment, Reading};
use crate::policy;
use crate::problem::Problem;
use crate::secret::{Redactor, Secret};

/// A secret as the server hands it over. Drone writes a missing or withheld secret as a variable
/// that is there and empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretState {
    /// The setting is not there.
    Absent,
    /// It is there and empty: the secret is missing or withheld.
    Empty,
    /// It has a value.
    Set(Secret),
}

/// A secret by its name and its text.
pub(super) fn state(environment: &Environment, name: &str, text: Option<&String>) -> SecretState {
    match text {
        Some(text) if !text.is_empty() => SecretState::Set(Secret::new(text)),
        _ => match environment.read(&format!("{PREFIX}{}", name.to_uppercase())) {
            Reading::Absent => SecretState::Absent,
            _ => SecretState::Empty,
        },
    }
}

/// Every value that must not be printed: our secrets, and the git credentials that the servers put
/// beside them. A user name is masked too, unless everybody can read it in the policy or in the
/// names of repository and branch: masking the name `hotfix` would leave no tag readable.
pub(super) fn learn(environment: &Environment, redactor: &Redactor) {
    let public = [
        "PLUGIN_POLICY",
        "DRONE_REPO",
        "DRONE_BRANCH",
        "CI_REPO",
        "CI_COMMIT_BRANCH",
    ];
    let public = public.map(|name| match environment.read(name) {
        Reading::Text(text) => text,
        _ => "",
    });
    let is_public = |value: &str| public.iter().any(|text| text.contains(value));
    for (name, value) in environment.values() {
        let ours = name.strip_prefix(PREFIX).map(str::to_ascii_lowercase);
        let secret = match ours.as_deref() {
            Some("username" | "smtp_username") => !is_public(value),
            Some(name) => policy::SECRETS.contains(&name),
            None => match name {
                "DRONE_NETRC_USERNAME" | "CI_NETRC_USERNAME" => !is_public(value),
                "DRONE_NETRC_PASSWORD" | "DRONE_NETRC_FILE" | "CI_NETRC_PASSWORD" => true,
                _ => false,
            },
        };
        if secret {
            redactor.add(value);
        }
        if ours.as_deref() == Some("webhook_url") {
            learn_pieces(value, &public, redactor);
        }
        if ours.as_deref() == Some("config") {
            learn_texts(
                serde_json::from_str(value).unwrap_or_default(),
                redactor,
                &mut 0,
            );
        }
    }
}

/// The most addresses in `webhook_url`; a policy has at most 20 receivers.
const MOST_ADDRESSES: usize = 50;
/// The most texts in a docker config.
const MOST_TEXTS: usize = 500;
/// The shortest part of an address that is taken for a secret of its own: `services` is none.
const SHORTEST_PIECE: usize = 12;

/// What a server may repeat of the address of a webhook: each address, its path, and the parts of that
/// that are long enough to be a secret and do not stand in the policy.
fn learn_pieces(value: &str, public: &[&str], redactor: &Redactor) {
    for address in value.split_whitespace().take(MOST_ADDRESSES) {
        redactor.add(address);
        let path = address.split_once("://").map_or(address, |(_, rest)| rest);
        let path = path.split_once('/').map_or("", |(_, path)| path);
        let pieces = path.split(['/', '?', '&', '=', '#']);
        let long = [path].into_iter().chain(pieces);
        let known = |piece: &&str| public.iter().any(|text| text.contains(piece));
        long.filter(|piece| piece.len() >= SHORTEST_PIECE && !known(piece))
            .for_each(|piece| redactor.add(piece));
    }
}

/// Every text in a docker config: whatever a tool has put there is its secret.
fn learn_texts(value: serde_json::Value, redactor: &Redactor, count: &mut usize) {
    match value {
        serde_json::Value::String(text) if *count < MOST_TEXTS => {
            *count += 1;
            redactor.add(&text);
        }
        serde_json::Value::Array(items) => {
            items
                .into_iter()
                .for_each(|v| learn_texts(v, redactor, count));
        }
        serde_json::Value::Object(map) => {
            map.into_iter()
                .for_each(|(_, v)| learn_texts(v, redactor, count));
        }
        _ => {}
    }
}

/// What is wrong with a secret that holds more than anybody needs. Every text in it is looked for in every
/// output, so the work grows with their number.
pub(super) fn too_many(environment: &Environment, problems: &mut Vec<Problem>) {
    let text = |name: &str| match environment.read(&format!("{PREFIX}{name}")) {
        Reading::Text(text) => text,
        _ => "",
    };
    let addresses = text("WEBHOOK_URL").split_whitespace().count();
    if addresses > MOST_ADDRESSES {
        let found = format!("{addresses} addresses");
        problems.push(Problem::new(
            "webhook_url",
            found,
            format!("at most {MOST_ADDRESSES}"),
        ));
    }
    let texts = text("CONFIG").matches('"').count() / 2;
    if texts > 2 * MOST_TEXTS {
        let found = "a docker config with thousands of texts";
        let expected = format!("at most {MOST_TEXTS} texts and as many names");
        problems.push(Problem::new("config", found, expected));
    }
}
