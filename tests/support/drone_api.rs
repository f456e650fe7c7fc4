//! What Drone's API says of builds (harness/drone `core/build.go`, `handler/api/repos/builds/`): the
//! list and the single build, with the fields and the omissions of its own `json` tags.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::pipeline::DroneBuild;
use super::scripted::{Answer, Script};

/// `core.Build`. Fields with `omitempty` there are left out here where they are empty.
#[derive(Serialize)]
struct Build {
    id: u64,
    repo_id: u64,
    trigger: String,
    number: u64,
    #[serde(skip_serializing_if = "is_zero")]
    parent: u64,
    status: String,
    event: String,
    action: String,
    link: String,
    timestamp: i64,
    message: String,
    before: String,
    after: String,
    r#ref: String,
    source_repo: String,
    source: String,
    target: String,
    author_login: String,
    sender: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    params: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    deploy_to: String,
    #[serde(skip_serializing_if = "is_zero")]
    deploy_id: u64,
    started: i64,
    finished: i64,
    created: i64,
    updated: i64,
    version: i64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// When build 0 would have ended; each later one ended a minute after the one before.
const BEGINNING: i64 = 1_767_225_600;

/// A build with this status, as both the list and the single build show it.
pub fn build(build: &DroneBuild, status: &str) -> Value {
    let ended = BEGINNING + 60 * i64::try_from(build.number).expect("a small number");
    let running = matches!(status, "running" | "pending" | "blocked");
    let build = Build {
        id: 1_000 + build.number,
        repo_id: 7,
        trigger: build.trigger.clone(),
        number: build.number,
        parent: build.parent,
        status: status.to_owned(),
        event: build.event.clone(),
        action: build.action.clone(),
        link: build.link.clone(),
        timestamp: 0,
        message: build.message.clone(),
        before: build.before.clone(),
        after: build.sha.clone(),
        r#ref: build.git_ref.clone(),
        source_repo: String::new(),
        source: build.source.clone(),
        target: build.branch.clone(),
        author_login: build.author.clone(),
        sender: build.trigger.clone(),
        params: build.params.iter().cloned().collect(),
        deploy_to: build.deploy_to.clone(),
        deploy_id: 0,
        started: ended - 30,
        finished: if running { 0 } else { ended },
        created: ended - 40,
        updated: ended,
        version: 3,
    };
    serde_json::to_value(build).expect("JSON")
}

/// The address of one page of the list.
pub fn page(number: usize) -> String {
    format!("/api/repos/example/service/builds?page={number}&per_page=100")
}

/// The address of one build.
pub fn one(number: u64) -> String {
    format!("/api/repos/example/service/builds/{number}")
}

/// Expects one page to be asked for.
pub fn on_page(script: Script, number: usize, builds: &[Value]) -> Script {
    script.on(
        "GET",
        &page(number),
        Answer::status(200).json(&builds.into()),
    )
}

/// An error as the API says it (`handler/api/render`).
pub fn refusal(status: u16, message: &str) -> Answer {
    Answer::status(status).json(&serde_json::json!({ "message": message }))
}
