//! A server that answers exactly what a test wrote down, for answers that no real registry
//! gives on demand: 429, 500, cut bodies, endless bodies, no answer at all.
//!
//! A request that nobody wrote down gets 599 and makes the test fail, and so does an expectation
//! that nothing met: a client must not do more, or less, than the test says.

#![allow(dead_code, reason = "not every test needs every odd answer")]

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::http::{self, Acceptor, Reply, Request, Response};
use super::image::Blob;

/// In headers and bodies of answers, this stands for the server's own `127.0.0.1:PORT`.
pub const ADDRESS: &str = "{address}";

/// What to answer.
#[derive(Clone, Debug)]
#[must_use]
pub struct Answer {
    response: Response,
    ending: Ending,
    early: bool,
    delay: Duration,
}

/// How long a server that says nothing more keeps its connection open.
const SILENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug)]
enum Ending {
    Whole,
    Cut {
        missing: usize,
    },
    Endless,
    Silent,
    Reset,
    /// Nothing comes any more: after so many bytes of the body, or before the head.
    Stall {
        after: Option<usize>,
    },
    Chunked,
}

impl Answer {
    pub fn status(status: u16) -> Answer {
        Answer {
            response: Response::new(status),
            ending: Ending::Whole,
            early: false,
            delay: Duration::ZERO,
        }
    }

    /// 200 with a manifest as a registry serves it.
    pub fn manifest(manifest: &Blob) -> Answer {
        Answer::status(200)
            .header("Content-Type", &manifest.media_type)
            .header("Docker-Content-Digest", &manifest.digest)
            .body(manifest.bytes.clone())
    }

    /// An error in the envelope that registries use.
    pub fn error(status: u16, code: &str) -> Answer {
        let body = serde_json::json!({ "errors": [{ "code": code, "message": "scripted" }] });
        Answer::status(status).json(&body)
    }

    /// The connection is closed without a word.
    pub fn hang_up() -> Answer {
        Answer {
            ending: Ending::Silent,
            ..Answer::status(0)
        }
    }

    /// The connection is reset.
    pub fn reset() -> Answer {
        Answer {
            ending: Ending::Reset,
            ..Answer::status(0)
        }
    }

    /// The request is read, and then nothing comes.
    pub fn stall() -> Answer {
        Answer {
            ending: Ending::Stall { after: None },
            ..Answer::status(0)
        }
    }

    /// Sends the head and so many bytes of the body, and then nothing.
    pub fn stalled_after(mut self, bytes: usize) -> Answer {
        self.ending = Ending::Stall { after: Some(bytes) };
        self
    }

    /// Answers when the head of the request was read; its body is never looked at.
    pub fn early(mut self) -> Answer {
        self.early = true;
        self
    }

    /// Answers after a while, and closes the connection.
    pub fn after(mut self, delay: Duration) -> Answer {
        self.delay = delay;
        self
    }

    /// Does not say how long the body is.
    pub fn chunked(mut self) -> Answer {
        self.ending = Ending::Chunked;
        self
    }

    /// `ADDRESS` in the value becomes the server's address.
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        self.response = self.response.with(name, value);
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Answer {
        self.response.body = body.into();
        self
    }

    pub fn json(mut self, value: &serde_json::Value) -> Answer {
        self.response = self
            .response
            .with_body("application/json", value.to_string());
        self
    }

    /// Promises `missing` bytes more than it sends, then closes the connection.
    pub fn cut(mut self, missing: usize) -> Answer {
        self.ending = Ending::Cut { missing };
        self
    }

    /// Sends the body again and again until the client goes away.
    pub fn endless(mut self) -> Answer {
        self.ending = Ending::Endless;
        self
    }

    fn reply(&self, address: &str) -> Reply {
        let mut response = self.response.clone();
        for (_, value) in &mut response.headers.0 {
            *value = value.replace(ADDRESS, address);
        }
        if let Ok(text) = std::str::from_utf8(&response.body)
            && text.contains(ADDRESS)
        {
            response.body = text.replace(ADDRESS, address).into();
        }
        let delay = self.delay;
        match self.ending {
            Ending::Whole if !delay.is_zero() => Reply::Raw(Box::new(move |to| {
                thread::sleep(delay);
                let length = response.body.len().to_string();
                let body = std::mem::take(&mut response.body);
                let response = response.with("Content-Length", &length);
                to.write_all(response.with("Connection", "close").head().as_bytes())?;
                to.write_all(&body)
            })),
            Ending::Whole => Reply::Whole(response),
            Ending::Reset => Reply::Reset,
            Ending::Stall { after: None } => Reply::Raw(Box::new(|_| {
                thread::sleep(SILENCE);
                Ok(())
            })),
            Ending::Stall { after: Some(bytes) } => Reply::Raw(Box::new(move |to| {
                let length = response.body.len().to_string();
                let body = std::mem::take(&mut response.body);
                to.write_all(response.with("Content-Length", &length).head().as_bytes())?;
                to.write_all(&body[..bytes.min(body.len())])?;
                thread::sleep(SILENCE);
                Ok(())
            })),
            Ending::Chunked => Reply::Raw(Box::new(move |to| {
                let body = std::mem::take(&mut response.body);
                let head = response.with("Transfer-Encoding", "chunked").head();
                write!(to, "{head}{:x}\r\n", body.len())?;
                to.write_all(&body)?;
                to.write_all(b"\r\n0\r\n\r\n")
            })),
            Ending::Silent => Reply::Raw(Box::new(|_| Ok(()))),
            Ending::Cut { missing } => Reply::Raw(Box::new(move |to| {
                let promised = (response.body.len() + missing).to_string();
                let body = std::mem::take(&mut response.body);
                to.write_all(response.with("Content-Length", &promised).head().as_bytes())?;
                to.write_all(&body)
            })),
            Ending::Endless => Reply::Raw(Box::new(move |to| write_forever(to, response))),
        }
    }
}

fn write_forever(to: &mut dyn Write, response: Response) -> io::Result<()> {
    // An empty chunk would be the end of the body.
    let piece = if response.body.is_empty() {
        vec![b' '; 4096]
    } else {
        response.body.clone()
    };
    let head = response.with("Transfer-Encoding", "chunked").head();
    to.write_all(head.as_bytes())?;
    loop {
        write!(to, "{:x}\r\n", piece.len())?;
        to.write_all(&piece)?;
        to.write_all(b"\r\n")?;
    }
}

type Condition = (String, Arc<dyn Fn(&Request) -> bool + Send + Sync>);

#[derive(Clone)]
struct Expectation {
    method: String,
    target: String,
    conditions: Vec<Condition>,
    answer: Answer,
    /// `None` = as often as asked, also never.
    left: Option<usize>,
}

impl Expectation {
    fn is_for(&self, request: &Request) -> bool {
        let target = match self.target.strip_suffix('*') {
            Some(start) => request.target.starts_with(start),
            None => request.target == self.target,
        };
        target && request.method == self.method && self.left != Some(0)
    }

    fn broken_condition(&self, request: &Request) -> Option<&str> {
        let broken = self.conditions.iter().find(|(_, holds)| !holds(request));
        broken.map(|(what, _)| what.as_str())
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)?;
        for (what, _) in &self.conditions {
            write!(f, ", {what}")?;
        }
        match self.left {
            Some(left) => write!(f, " ({left} more)"),
            None => Ok(()),
        }
    }
}

/// What to expect. `times`, `always` and the conditions refer to the last `on`.
#[derive(Clone, Default)]
#[must_use]
pub struct Script {
    expectations: Vec<Expectation>,
    in_order: bool,
}

impl Script {
    pub fn new() -> Script {
        Script::default()
    }

    /// Expects one request. The target is path and query as sent; a `*` at its end stands for
    /// any rest. Of several expectations for one request, the first that is left is used, so
    /// two of them give two answers one after the other.
    pub fn on(mut self, method: &str, target: &str, answer: Answer) -> Script {
        self.expectations.push(Expectation {
            method: method.to_owned(),
            target: target.to_owned(),
            conditions: Vec::new(),
            answer,
            left: Some(1),
        });
        self
    }

    pub fn times(self, count: usize) -> Script {
        self.change(|last| last.left = Some(count))
    }

    /// Answers as often as asked, also never, and stands outside of the order.
    pub fn always(self) -> Script {
        self.change(|last| last.left = None)
    }

    /// The request must carry this header with exactly this value.
    pub fn with_header(self, name: &str, value: &str) -> Script {
        let (key, wanted) = (name.to_owned(), value.to_owned());
        let holds = move |request: &Request| request.headers.get(&key) == Some(&*wanted);
        self.condition(&format!("with {name}: {value}"), holds)
    }

    /// Nothing is attached to any image of `example/app`, and the registry has no referrers API.
    pub fn without_statements(self) -> Script {
        self.on("GET", "/v2/example/app/referrers/*", Answer::status(404))
            .always()
            .on(
                "GET",
                "/v2/example/app/manifests/sha256-*",
                Answer::status(404),
            )
            .always()
    }

    pub fn without_header(self, name: &str) -> Script {
        let key = name.to_owned();
        let holds = move |request: &Request| request.headers.get(&key).is_none();
        self.condition(&format!("without {name}"), holds)
    }

    /// The body must be exactly this.
    pub fn with_body(self, body: &[u8]) -> Script {
        let wanted = body.to_vec();
        let what = format!("with a body of {} bytes", body.len());
        self.condition(&what, move |request| request.body == wanted)
    }

    /// The form in the body must hold exactly this value under this name.
    pub fn with_form(self, name: &str, value: &str) -> Script {
        let (key, wanted) = (name.to_owned(), value.to_owned());
        self.condition(
            &format!("with {name}={value} in its form"),
            move |request| {
                let form = String::from_utf8_lossy(&request.body);
                http::form_values(&form, &key) == [&*wanted]
            },
        )
    }

    /// Any other condition; `what` stands in the message of a failure.
    pub fn condition(
        self,
        what: &str,
        holds: impl Fn(&Request) -> bool + Send + Sync + 'static,
    ) -> Script {
        self.change(|last| last.conditions.push((what.to_owned(), Arc::new(holds))))
    }

    /// What another script expects is expected after this.
    pub fn then(mut self, other: Script) -> Script {
        self.expectations.extend(other.expectations);
        self
    }

    /// Requests must come in the order in which they were written down.
    pub fn in_order(mut self) -> Script {
        self.in_order = true;
        self
    }

    fn change(mut self, change: impl FnOnce(&mut Expectation)) -> Script {
        change(self.expectations.last_mut().expect("an `on` comes first"));
        self
    }

    pub fn start(self) -> Scripted {
        let state = Arc::new(Mutex::new(State {
            script: self,
            address: String::new(),
            received: Vec::new(),
            surprises: Vec::new(),
        }));
        let (answering, looking) = (Arc::clone(&state), Arc::clone(&state));
        let acceptor = http::serve_early(
            move |request| looking.lock().unwrap().is_early(request),
            move |request| answering.lock().unwrap().answer(request),
        );
        state.lock().unwrap().address = acceptor.address();
        Scripted {
            acceptor,
            state,
            finished: false,
        }
    }
}

struct State {
    script: Script,
    address: String,
    received: Vec<Request>,
    surprises: Vec<String>,
}

impl State {
    fn answer(&mut self, request: Request) -> Reply {
        let reply = match self.choose(&request) {
            Ok(answer) => answer.reply(&self.address),
            Err(why) => {
                let text = format!("{} {}: {why}", request.method, request.target);
                self.surprises.push(text.clone());
                Reply::Whole(Response::new(599).with_body("text/plain", text))
            }
        };
        self.received.push(request);
        reply
    }

    fn is_early(&self, request: &Request) -> bool {
        let mut expectations = self.script.expectations.iter();
        let next = expectations.find(|expectation| expectation.is_for(request));
        next.is_some_and(|expectation| expectation.answer.early)
    }

    fn choose(&mut self, request: &Request) -> Result<Answer, String> {
        let in_order = self.script.in_order;
        let (mut why, mut earlier) = ("no expectation is left for it".to_owned(), None);
        for expectation in &mut self.script.expectations {
            if expectation.is_for(request) {
                let Some(condition) = expectation.broken_condition(request) else {
                    if let (true, Some(_), Some(earlier)) = (in_order, expectation.left, earlier) {
                        return Err(format!("it came before {earlier}"));
                    }
                    expectation.left = expectation.left.map(|left| left - 1);
                    return Ok(expectation.answer.clone());
                };
                why = format!("it was expected {condition}");
            }
            if expectation.left.is_some_and(|left| left > 0) {
                earlier.get_or_insert_with(|| expectation.to_string());
            }
        }
        Err(why)
    }

    fn complaints(&self) -> Vec<String> {
        let surprises = self
            .surprises
            .iter()
            .map(|request| format!("not scripted: {request}"));
        let unmet = self.script.expectations.iter();
        let unmet = unmet.filter(|expectation| expectation.left.is_some_and(|left| left > 0));
        surprises
            .chain(unmet.map(|expectation| format!("never came: {expectation}")))
            .collect()
    }
}

/// A running script. It must be satisfied when it goes out of scope.
pub struct Scripted {
    acceptor: Acceptor,
    state: Arc<Mutex<State>>,
    finished: bool,
}

impl Scripted {
    pub fn address(&self) -> String {
        self.acceptor.address()
    }

    /// All requests so far, scripted or not.
    pub fn received(&self) -> Vec<Request> {
        self.state.lock().unwrap().received.clone()
    }

    /// Panics unless everything that was expected came, and nothing else.
    pub fn finish(mut self) {
        self.check();
    }

    fn check(&mut self) {
        self.finished = true;
        let complaints = self.state.lock().unwrap().complaints();
        assert!(
            complaints.is_empty(),
            "the script was not followed:\n  {}",
            complaints.join("\n  ")
        );
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        // A second panic would abort the process and hide the first one.
        if !self.finished && !thread::panicking() {
            self.check();
        }
    }
}
