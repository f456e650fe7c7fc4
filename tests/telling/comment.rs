//! The comment with the deployment ticket, on a forge whose every request and answer is held against
//! what GitHub and Gitea say of their own APIs.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{NO_SERVER, World, hotfix, silent, to_qa, to_trial};
use crate::support::binary::Run;
use crate::support::http::{self, Acceptor, Reply, Request, Response};
use crate::support::openapi::{Description, merge};
use crate::support::pipeline::DroneBuild;

const REPO: &str = "example/service";
/// The account of our token, and somebody else's.
pub const OURS: u64 = 12;
const THEIRS: u64 = 13;

/// The comments of a forge, by number, author and text.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    pub comments: Vec<(u64, u64, String)>,
    /// What was asked: method and path.
    pub asked: Vec<String>,
    /// Answers that come before any other, to requests of this method.
    pub odd: Vec<(&'static str, Response)>,
    /// What the descriptions do not allow.
    pub wrong: Vec<String>,
}

pub struct Forge {
    kind: &'static str,
    acceptor: Acceptor,
    thread: Arc<Mutex<Thread>>,
}

fn describe(kind: &str) -> Description {
    match kind {
        "github" => Description::github(),
        _ => Description::gitea(),
    }
}

impl Forge {
    pub fn start(kind: &'static str) -> Forge {
        Forge::with(kind, Thread::default())
    }

    pub fn with(kind: &'static str, thread: Thread) -> Forge {
        let thread = Arc::new(Mutex::new(thread));
        let shared = Arc::clone(&thread);
        let description = describe(kind);
        let acceptor = http::serve(move |request| {
            let mut thread = shared.lock().unwrap();
            Reply::Whole(answer(kind, &description, &mut thread, &request))
        });
        Forge {
            kind,
            acceptor,
            thread,
        }
    }

    fn address(&self) -> String {
        self.acceptor.address()
    }

    pub fn world(&self) -> World {
        World::new(&self.address()).with_secret("forge_token")
    }

    pub fn policy(&self, comment: &str) -> String {
        format!(
            "forge: {{url: \"http://{{address}}\", kind: {}}}, rules: {{build-passed: \"off\", \
             clean-parameters: \"off\", merged-by-pull-request: \"off\", reviewed: \"off\", \
             forward-port: \"off\"}}, deployment_ticket: {{comment: {comment}}}",
            self.kind
        )
    }

    pub fn judge(&self, build: &DroneBuild, comment: &str) -> Run {
        self.world().judge(build, &self.policy(comment))
    }

    pub fn comments(&self) -> Vec<(u64, u64, String)> {
        let thread = self.thread.lock().unwrap();
        assert_eq!(thread.wrong, Vec::<String>::new());
        for (_, author, text) in &thread.comments {
            if *author == OURS {
                silent(text);
                silent(&unhidden(text));
            }
        }
        thread.comments.clone()
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.thread.lock().unwrap().asked)
    }
}

/// What stands in the hidden line.
fn unhidden(text: &str) -> String {
    let words = text.lines().next().unwrap_or_default().split(' ');
    let words = words.filter_map(|word| STANDARD.decode(word).ok());
    words
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

fn answer(
    kind: &str,
    description: &Description,
    thread: &mut Thread,
    request: &Request,
) -> Response {
    let below = if kind == "github" {
        "/api/v3"
    } else {
        "/api/v1"
    };
    let path = request.path().strip_prefix(below).unwrap_or("?").to_owned();
    thread.asked.push(format!("{} {path}", request.method));
    let token = "Bearer canary-forge-token";
    if request.headers.get("authorization") != Some(token) {
        thread.wrong.push(format!("{path} without the token"));
    }
    let body: Option<Value> = serde_json::from_slice(&request.body).ok();
    let number = |name: &str| {
        request
            .query(name)
            .first()
            .and_then(|text| text.parse().ok())
    };
    let query: Vec<(String, String)> = ["per_page", "page"]
        .iter()
        .filter_map(|name| {
            let value = request.query(name).first()?.clone();
            Some(((*name).to_owned(), value))
        })
        .collect();
    // The descriptions that are kept here do not have this one.
    if request.method != "DELETE"
        && let Err(why) = description.check_request(&request.method, &path, &query, body.as_ref())
    {
        thread.wrong.push(why);
    }
    let ours = path == "/user" || path.contains("/issues/");
    if ours
        && let Some(at) = thread
            .odd
            .iter()
            .position(|(method, _)| *method == request.method)
    {
        return thread.odd.remove(at).1;
    }
    let comment = |(id, author, text): &(u64, u64, String)| {
        let list = format!("/repos/{REPO}/issues/7/comments");
        let mut one = description.example("GET", &list, 200)[0].clone();
        let page = format!("https://forge.example/{REPO}/issues/7#issuecomment-{id}");
        merge(&mut one, json!({"id": id, "body": text, "html_url": page}));
        let mut user = description.example("GET", "/user", 200);
        merge(&mut user, json!({"id": author}));
        one["user"] = user;
        one
    };
    let text = body.as_ref().and_then(|body| body["body"].as_str());
    let text = text.unwrap_or_default().to_owned();
    let id: u64 = path
        .rsplit('/')
        .next()
        .and_then(|id| id.parse().ok())
        .unwrap_or(0);
    let (status, body) = match request.method.as_str() {
        "GET" if path == "/user" => {
            let mut user = description.example("GET", "/user", 200);
            merge(&mut user, json!({"id": OURS}));
            (200, user)
        }
        // What rules ask.
        "GET" if !ours => (200, json!([])),
        "GET" => {
            let (size, page) = match kind {
                "github" => (
                    number("per_page").unwrap_or(30),
                    number("page").unwrap_or(1),
                ),
                _ => (usize::MAX, 1),
            };
            let all = thread.comments.iter();
            let shown = all.skip(size.saturating_mul(page - 1)).take(size);
            (200, shown.map(comment).collect::<Vec<_>>().into())
        }
        "POST" => {
            let id = thread.comments.iter().map(|one| one.0).max().unwrap_or(100) + 1;
            thread.comments.push((id, OURS, text));
            (201, comment(thread.comments.last().unwrap()))
        }
        "PATCH" => match thread.comments.iter_mut().find(|one| one.0 == id) {
            Some(one) => {
                one.2 = text;
                (200, comment(&one.clone()))
            }
            None => (404, json!({"message": "Not Found"})),
        },
        "DELETE" => {
            thread.comments.retain(|one| one.0 != id);
            (204, Value::Null)
        }
        _ => (404, Value::Null),
    };
    if request.method != "DELETE"
        && let Err(why) = description.check_answer(&request.method, &path, status, &body)
    {
        thread.wrong.push(why);
    }
    match body {
        Value::Null => Response::new(status),
        body => Response::new(status).with_body("application/json", body.to_string()),
    }
}

/// A comment with the hidden line of a hotfix.
pub fn marked(hotfix: &str, data: &str) -> String {
    let (key, data) = (STANDARD.encode(hotfix), STANDARD.encode(data));
    format!("<!-- drone-hotfix deployment-ticket {key} {data} -->\n### Deployment ticket\n")
}

/// A comment as people may read it, without the hidden line and what changes from day to day.
fn read(text: &str) -> String {
    let dates = regex::Regex::new("`[0-9]{4}-[0-9]{2}-[0-9]{2}`").unwrap();
    let text: Vec<&str> = text.lines().skip(1).collect();
    dates.replace_all(&text.join("\n"), "`DATE`").into_owned()
}

#[test]
fn there_is_one_comment_that_grows() {
    for kind in ["github", "gitea"] {
        let forge = Forge::start(kind);
        let run = forge.judge(&hotfix(), "7");
        let at = format!(
            "deployment ticket written: https://forge.example/{REPO}/issues/7#issuecomment-101"
        );
        run.ends(0, &[&at]);
        insta::assert_snapshot!("comment_published", read(&forge.comments()[0].2));
        forge
            .judge(&hotfix(), "7")
            .ends(0, &["deployment ticket updated"]);
        forge
            .judge(&to_trial(), "7")
            .ends(0, &["deployment ticket updated"]);
        forge
            .judge(&to_qa(), "7")
            .ends(1, &["deployment ticket updated"]);
        // The same build once more, with another result.
        forge
            .judge(&to_trial().with(|build| build.number += 1), "7")
            .ends(0, &[]);
        forge.judge(&to_qa(), "7").ends(1, &[]);
        let comments = forge.comments();
        assert_eq!(comments.len(), 1);
        insta::assert_snapshot!("comment_promoted", read(&comments[0].2));
        // Another hotfix has another comment.
        forge
            .judge(&DroneBuild::push("hotfix/HOCS-9"), "7")
            .ends(0, &["deployment ticket written"]);
        assert_eq!(forge.comments().len(), 2);
    }
}

#[test]
fn only_the_comments_of_our_own_account_count() {
    for kind in ["github", "gitea"] {
        let evil = json!({"ticket": ["version: evil"], "promotions": [{"build": 1, "date": "x",
            "target": "cs-prod", "verdict": "allowed", "versions": [], "digests": [], "link": null}]});
        let theirs = marked("hotfix/HOCS-1234", &evil.to_string());
        let forge = Forge::with(
            kind,
            Thread {
                comments: vec![(5, THEIRS, theirs.clone()), (6, THEIRS, "hello".to_owned())],
                ..Thread::default()
            },
        );
        forge
            .judge(&to_qa(), "7")
            .ends(1, &["deployment ticket written"]);
        let comments = forge.comments();
        assert_eq!(comments.len(), 3);
        assert_eq!(comments[0].2, theirs);
        assert!(!comments[2].2.contains("evil") && !comments[2].2.contains("cs-prod"));
        // A quote of our comment by ourselves is none either: the line must be the first.
        let forge = Forge::with(
            kind,
            Thread {
                comments: vec![(5, OURS, format!("> {theirs}"))],
                ..Thread::default()
            },
        );
        forge
            .judge(&hotfix(), "7")
            .ends(0, &["deployment ticket written"]);
    }
}

#[test]
fn of_two_comments_of_ours_the_first_stays() {
    for kind in ["github", "gitea"] {
        let row = |build: u64| {
            json!({"build": build, "date": "2026-01-01", "target": "cs-demo",
            "verdict": "allowed", "versions": ["x"], "digests": [], "link": null})
        };
        let data = |ticket: &str, build: u64| {
            json!({"ticket": [ticket], "promotions": [row(build)]}).to_string()
        };
        let forge = Forge::with(
            kind,
            Thread {
                comments: vec![
                    (
                        9,
                        OURS,
                        marked("hotfix/HOCS-1234", &data("version: new", 2)),
                    ),
                    (
                        5,
                        OURS,
                        marked("hotfix/HOCS-1234", &data("version: old", 1)),
                    ),
                ],
                ..Thread::default()
            },
        );
        forge
            .judge(&to_qa(), "7")
            .ends(1, &["deployment ticket updated"]);
        let comments = forge.comments();
        assert_eq!(comments.len(), 1);
        let (id, _, text) = &comments[0];
        assert_eq!(*id, 5);
        assert!(
            text.contains("version: new") && !text.contains("version: old"),
            "{text}"
        );
        for build in ["build 1\n", "build 2\n"] {
            assert!(text.contains(build), "{text}");
        }
    }
}

#[test]
fn a_comment_far_behind_is_found_and_no_second_one_is_written() {
    let noise = |count: u64| (1..=count).map(|id| (id, THEIRS, "hello".to_owned()));
    let mut comments: Vec<_> = noise(350).collect();
    comments.push((999, OURS, marked("hotfix/HOCS-1234", "{}")));
    let thread = |comments| Thread {
        comments,
        ..Thread::default()
    };
    let forge = Forge::with("github", thread(comments));
    forge
        .judge(&hotfix(), "7")
        .ends(0, &["deployment ticket updated"]);
    let pages = forge.asked();
    let pages = pages.iter().filter(|asked| asked.ends_with("/comments"));
    assert_eq!(pages.count(), 4);
    let forge = Forge::with("github", thread(noise(2_000).collect()));
    let run = forge.judge(&hotfix(), "7");
    run.ends(
        0,
        &["#7 has more than 2000 comments, and ours is not among the first"],
    );
    assert_eq!(forge.comments().len(), 2_000);
}

#[test]
fn where_it_belongs_is_said_by_the_policy() {
    let forge = Forge::start("github");
    let issue = |policy: &str, branch: &str| {
        let policy = format!("{}{policy}", forge.policy("issue"));
        forge.world().judge(&DroneBuild::push(branch), &policy)
    };
    issue(", ticket: \"issue-[0-9]+\"", "hotfix/issue-7").ends(0, &["deployment ticket written"]);
    let words = "no commit has a trailer `Issue: #N` of this repository, and the ticket in the \
                 branch's name is no number";
    issue("", "hotfix/HOCS-7").ends(0, &[words]);
    forge
        .judge(&hotfix(), "pull-request")
        .ends(0, &["which pull request brought the hotfix"]);
    assert_eq!(forge.comments().len(), 1);
    // Which hotfix an image belongs to that only its tag names is not known.
    let by_tag = DroneBuild::promote(&DroneBuild::push("main"), "cs-demo")
        .param("VERSION", "branch-hotfix_HOCS-1234");
    forge
        .judge(&by_tag, "7")
        .ends(0, &["the branch of the promoted hotfix is not known"]);
    // An ordinary promotion has no ticket.
    let ordinary =
        DroneBuild::promote(&DroneBuild::push("main"), "cs-demo").param("VERSION", "1.0.0");
    forge.asked();
    let run = forge.judge(&ordinary, "7");
    assert!(!run.text.contains("deployment ticket"), "{}", run.text);
    assert_eq!(forge.asked(), Vec::<String>::new());
    // No token, no comment.
    let run = World::new(&forge.address()).judge(&hotfix(), &forge.policy("7"));
    run.ends(
        0,
        &["was not written as a comment: the setting `forge_token` is missing"],
    );
    // Nor where nobody says what the forge is.
    let world = World::new(&forge.address()).with_secret("forge_token");
    let run = world.judge(
        &hotfix().with(|build| build.host = "git.example".to_owned()),
        &format!("deployment_ticket: {{comment: 7}}, {NO_SERVER}, rules: {{merged-by-pull-request: \"off\", reviewed: \"off\"}}")
            .replace(&format!("{NO_SERVER}, "), ""),
    );
    run.ends(0, &["was not written as a comment: "]);
}

#[test]
fn a_forge_that_fails_is_a_note() {
    let message = |status: u16, text: &str| {
        Response::new(status).with_body("application/json", json!({"message": text}).to_string())
    };
    let limited =
        || message(403, "You have exceeded a secondary rate limit").with("Retry-After", "60");
    for (method, answer, words) in [
        (
            "GET",
            message(401, "Bad credentials"),
            "it is not known whose the `forge_token` is: the forge answered 401: «Bad credentials»; check `forge_token`",
        ),
        ("GET", limited(), "the forge asks for fewer requests"),
        (
            "GET",
            message(403, "no").with("x-ratelimit-remaining", "0"),
            "the forge asks for fewer requests",
        ),
        (
            "GET",
            Response::new(200).with_body("text/html", "<html>"),
            "another form than expected",
        ),
        (
            "GET",
            Response::new(302).with("Location", "http://127.0.0.1:1/user"),
            "not written as a comment",
        ),
        (
            "POST",
            message(404, "Not Found canary-forge-token"),
            "answered 404: «Not Found ******»; check the number",
        ),
        (
            "POST",
            message(403, "Resource not accessible by personal access token"),
            "needs to write issues",
        ),
        ("POST", message(500, "x"), "answered 500: «x»"),
        ("POST", limited(), "the forge asks for fewer requests"),
        (
            "POST",
            Response::new(307).with("Location", "http://127.0.0.1:1/"),
            "answered 307",
        ),
    ] {
        for (build, code) in [(hotfix(), 0), (to_qa(), 1)] {
            let forge = Forge::with(
                "github",
                Thread {
                    odd: vec![(method, answer.clone())],
                    ..Thread::default()
                },
            );
            let run = forge.judge(&build, "7");
            run.ends(
                code,
                &[
                    "the deployment ticket was not written as a comment: ",
                    words,
                ],
            );
            assert_eq!(forge.comments().len(), 0);
        }
    }
    let world = World::new("127.0.0.1:1").with_secret("forge_token");
    let policy = Forge::start("gitea").policy("7");
    world
        .judge(&hotfix(), &policy)
        .ends(0, &["was not written as a comment"]);
}
