//! A git server: the `git` program's own `http-backend` behind a small HTTP server on loopback.
//!
//! It writes down what it was asked for, may want a password, and may pretend to be old.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::http::{self, Acceptor, Reply, Request, Response};

/// Serves the repositories below a directory until it goes out of scope.
pub struct GitServer {
    acceptor: Acceptor,
    log: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Default)]
struct Rules {
    authorization: Option<String>,
    is_old: bool,
}

impl GitServer {
    /// For everybody.
    pub fn open(root: &Path) -> GitServer {
        GitServer::start(root, Rules::default())
    }

    /// For whoever has the password.
    pub fn basic(root: &Path, user: &str, password: &str) -> GitServer {
        let pair = STANDARD.encode(format!("{user}:{password}"));
        let authorization = Some(format!("Basic {pair}"));
        GitServer::start(
            root,
            Rules {
                authorization,
                ..Rules::default()
            },
        )
    }

    /// As before 2018: the version that a client asks for is not heard.
    pub fn old(root: &Path) -> GitServer {
        GitServer::start(
            root,
            Rules {
                is_old: true,
                ..Rules::default()
            },
        )
    }

    fn start(root: &Path, rules: Rules) -> GitServer {
        let log = Arc::new(Mutex::new(Vec::new()));
        let (root, seen) = (root.to_owned(), Arc::clone(&log));
        let acceptor = http::serve(move |request| {
            seen.lock().unwrap().push(describe(&request));
            Reply::Whole(answer(&root, &rules, request))
        });
        GitServer { acceptor, log }
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> String {
        self.acceptor.address()
    }

    /// The address of a repository.
    pub fn url(&self, repository: &str) -> String {
        format!("http://{}/{repository}", self.address())
    }

    /// The requests since the last call: the method, and the command of version 2 or the path.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

fn describe(request: &Request) -> String {
    let body = String::from_utf8_lossy(&request.body);
    let command = body.get(4..).and_then(|body| body.strip_prefix("command="));
    let what = match command {
        Some(command) => command.lines().next().unwrap_or_default().to_owned(),
        None => request.target.clone(),
    };
    format!("{} {what}", request.method)
}

/// Runs `git http-backend` as a CGI program (RFC 3875).
fn answer(root: &PathBuf, rules: &Rules, request: Request) -> Response {
    let given = request.headers.get("authorization");
    if rules.authorization.is_some() && given != rules.authorization.as_deref() {
        return Response::new(401)
            .with("WWW-Authenticate", "Basic realm=\"git\"")
            .with_body("text/plain", "Authentication required\n");
    }
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    let mut command = Command::new("git");
    command
        .env_clear()
        .envs([("HOME", "/nowhere"), ("GIT_CONFIG_NOSYSTEM", "1")])
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_LENGTH", request.body.len().to_string());
    for (name, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        let value = request.headers.get(name);
        if let Some(value) = value.filter(|_| !rules.is_old || variable != "GIT_PROTOCOL") {
            command.env(variable, value);
        }
    }
    let mut child = command
        .arg("http-backend")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git starts (Debian package git)");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(&request.body).ok());
    let output = child.wait_with_output().expect("git ends");
    writer.join().expect("the body was written");
    read(&output.stdout)
}

fn read(output: &[u8]) -> Response {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        return Response::new(500).with_body("text/plain", "no head");
    };
    let head = String::from_utf8_lossy(&output[..end]);
    let mut response = Response::new(200);
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').expect("a header");
        match name {
            "Status" => {
                let status = value.trim().split(' ').next().unwrap_or_default();
                response.status = status.parse().expect("a status");
            }
            _ => response = response.with(name, value.trim()),
        }
    }
    response.body = output[end + 4..].to_vec();
    response
}
