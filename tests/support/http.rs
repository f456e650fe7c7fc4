//! A very small blocking HTTP/1.1, client and server, for the tests' registries and the
//! quickstart example.
//!
//! The tests must not talk to their registries with the HTTP library that is under test, and
//! the odd answers that they need (cut, endless, no answer at all) are exactly what a server
//! library prevents. Plain HTTP on loopback only, one thread for each connection, no TLS, no
//! compression, no redirects.

#![allow(dead_code, reason = "the tests and the example each use another part")]

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const MAX_HEAD: u64 = 64 * 1024;
const MAX_BODY: u64 = 64 * 1024 * 1024;
/// Nothing on loopback takes this long: a test that waits longer hangs, and shall fail instead.
const PATIENCE: Duration = Duration::from_secs(60);

/// Header lines in the order in which they came; names are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    fn mentions(&self, name: &str, word: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(word))
    }
}

#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query exactly as sent.
    pub target: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    /// The sender closes the connection after this one.
    last: bool,
}

impl Request {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The decoded values of a query parameter.
    pub fn query(&self, name: &str) -> Vec<String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        form_values(query, name)
    }
}

/// The decoded values of `name` in a query or in a form body.
pub fn form_values(text: &str, name: &str) -> Vec<String> {
    text.split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(key, _)| percent_decoded(key) == name)
        .map(|(_, value)| percent_decoded(value))
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).map(|hex| u8::from_str_radix(hex, 16));
        match byte {
            Some(Ok(byte)) => out.extend([&[byte], &part.as_bytes()[2..]].concat()),
            _ => out.extend([b"%", part.as_bytes()].concat()),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Response {
    pub fn new(status: u16) -> Response {
        Response {
            status,
            headers: Headers::default(),
            body: Vec::new(),
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Response {
        self.headers.push(name, value);
        self
    }

    pub fn with_body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Response {
        self.body = body.into();
        self.with("Content-Type", media_type)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Status line and headers as they go over the wire, up to and with the empty line.
    pub fn head(&self) -> String {
        let line = |(name, value): &(String, String)| format!("{name}: {value}\r\n");
        let lines: String = self.headers.0.iter().map(line).collect();
        format!("HTTP/1.1 {} Answer\r\n{lines}\r\n", self.status)
    }
}

/// Sends one request on a connection of its own and panics when there is no whole answer.
pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    try_request(method, url, headers, body)
        .unwrap_or_else(|error| panic!("no whole answer to {method} {url}: {error}"))
}

pub fn try_request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Response> {
    let rest = url.strip_prefix("http://").ok_or(ErrorKind::Unsupported)?;
    let (host, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let target = if target.is_empty() { "/" } else { target };
    let mut stream = TcpStream::connect(host)?;
    prepare(&stream)?;
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || !matches!(method, "GET" | "HEAD") {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    let sent = stream.write_all(&[head.as_bytes(), b"\r\n", body].concat());
    // A server may refuse early and stop reading: its answer says more than the failed write.
    read_response(&mut BufReader::new(stream), method).map_err(|error| sent.err().unwrap_or(error))
}

fn read_response(reader: &mut impl BufRead, method: &str) -> io::Result<Response> {
    loop {
        let head = read_head(reader)?.ok_or(ErrorKind::UnexpectedEof)?;
        let (line, headers) = parse_head(&head)?;
        let status = parse_status(&line)?;
        if !(100..200).contains(&status) {
            let body = read_body(reader, Framing::of_response(method, status, &headers)?)?;
            return Ok(Response {
                status,
                headers,
                body,
            });
        }
    }
}

/// `None` = the other side closed the connection between two requests.
///
/// The body of an early request stays where it is, and the connection ends with its answer.
fn read_request(
    reader: &mut impl BufRead,
    mut writer: impl Write,
    is_early: &impl Fn(&Request) -> bool,
) -> io::Result<Option<Request>> {
    let Some(head) = read_head(reader)? else {
        return Ok(None);
    };
    let (line, headers) = parse_head(&head)?;
    let (method, target) = parse_request_line(&line)?;
    if headers.mentions("expect", "100-continue") {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let last = line.ends_with("HTTP/1.0") || headers.mentions("connection", "close");
    let framing = Framing::of_request(&headers)?;
    let mut request = Request {
        method,
        target,
        headers,
        body: Vec::new(),
        last,
    };
    if is_early(&request) {
        request.last = true;
    } else {
        request.body = read_body(reader, framing)?;
    }
    Ok(Some(request))
}

fn read_body(reader: &mut impl BufRead, framing: Framing) -> io::Result<Vec<u8>> {
    let (mut body, mut limited) = (Vec::new(), reader.take(MAX_BODY));
    copy_body(&mut limited, framing, &mut body, Kept::Payload)?;
    Ok(body)
}

/// What has come and was not read yet; empty at the end. Unlike its siblings that read,
/// `fill_buf` itself gives up when a signal interrupts it.
pub fn filled(reader: &mut impl BufRead) -> io::Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Asked again, because the compiler cannot see yet that the loop lets go of it
            // otherwise; what is there comes without a system call.
            Ok(_) => return reader.fill_buf(),
            Err(error) => return Err(error),
        }
    }
}

/// Everything up to and with the empty line, as sent; `None` at a clean end.
pub fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    match filled(reader)?.first() {
        None => return Ok(None),
        // A client that tries TLS first must get its refusal at once, not wait for a line end.
        Some(byte) if !byte.is_ascii_uppercase() => return Err(malformed("this is not HTTP")),
        Some(_) => {}
    }
    let (mut head, mut limited) = (Vec::new(), reader.take(MAX_HEAD));
    while !head.ends_with(b"\r\n\r\n") {
        if limited.read_until(b'\n', &mut head)? == 0 {
            return Err(malformed("the head is cut or too long"));
        }
    }
    Ok(Some(head))
}

/// The first line and the headers.
pub fn parse_head(head: &[u8]) -> io::Result<(String, Headers)> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let mut headers = Headers::default();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| malformed("a header without a colon"))?;
        headers.push(name, value.trim());
    }
    Ok((first, headers))
}

pub fn parse_request_line(line: &str) -> io::Result<(String, String)> {
    match line.split(' ').collect::<Vec<_>>()[..] {
        [method, target, version] if target.starts_with('/') && version.starts_with("HTTP/1.") => {
            Ok((method.to_owned(), target.to_owned()))
        }
        _ => Err(malformed("not a request line")),
    }
}

pub fn parse_status(line: &str) -> io::Result<u16> {
    line.strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1)?.parse().ok())
        .ok_or_else(|| malformed("not a status line"))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Framing {
    pub fn of_request(headers: &Headers) -> io::Result<Framing> {
        Framing::declared(headers, Framing::Length(0))
    }

    pub fn of_response(method: &str, status: u16, headers: &Headers) -> io::Result<Framing> {
        match (method, status) {
            ("HEAD", _) | (_, 100..200 | 204 | 304) => Ok(Framing::Length(0)),
            _ => Framing::declared(headers, Framing::UntilClose),
        }
    }

    fn declared(headers: &Headers, otherwise: Framing) -> io::Result<Framing> {
        match headers.get("content-length").map(str::parse) {
            _ if headers.mentions("transfer-encoding", "chunked") => Ok(Framing::Chunked),
            Some(Ok(length)) => Ok(Framing::Length(length)),
            Some(Err(_)) => Err(malformed("Content-Length is not a number")),
            None => Ok(otherwise),
        }
    }
}

/// What `copy_body` hands on: the content alone, or the chunk lines and trailers too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Payload,
    Wire,
}

pub fn copy_body(
    from: &mut impl BufRead,
    framing: Framing,
    to: &mut impl Write,
    kept: Kept,
) -> io::Result<()> {
    match framing {
        Framing::Length(length) => copy_exactly(from, length, to),
        Framing::UntilClose => io::copy(from, to).map(drop),
        Framing::Chunked => loop {
            let line = read_line(from, to, kept)?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(digits, 16).map_err(|_| malformed("not a chunk"))?;
            if size == 0 {
                while !read_line(from, to, kept)?.trim().is_empty() {}
                return Ok(());
            }
            copy_exactly(from, size, to)?;
            read_line(from, to, kept)?;
        },
    }
}

fn copy_exactly(from: &mut impl BufRead, length: u64, to: &mut impl Write) -> io::Result<()> {
    match io::copy(&mut from.take(length), to)? {
        copied if copied == length => Ok(()),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn read_line(from: &mut impl BufRead, to: &mut impl Write, kept: Kept) -> io::Result<String> {
    let mut line = Vec::new();
    from.take(MAX_HEAD).read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\n") {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    if kept == Kept::Wire {
        to.write_all(&line)?;
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))
}

/// Listens on a free loopback port, one thread for each connection; everything is closed on drop.
pub struct Acceptor {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    /// Weak, so that a connection closes with the thread that serves it, even by a panic.
    streams: Mutex<Vec<Weak<TcpStream>>>,
}

impl Acceptor {
    pub fn start(serve: impl Fn(Arc<TcpStream>) + Send + Sync + 'static) -> Acceptor {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        let (seen, serve) = (Arc::clone(&shared), Arc::new(serve));
        let thread = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if seen.stopping.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, serve) = (Arc::new(stream), Arc::clone(&serve));
                seen.streams.lock().unwrap().push(Arc::downgrade(&stream));
                thread::spawn(move || prepare(&stream).map(|()| serve(stream)));
            }
        });
        Acceptor {
            address,
            shared,
            thread: Some(thread),
        }
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // `accept` cannot be interrupted, but it can be given what it waits for.
        if TcpStream::connect(self.address).is_ok() {
            self.thread.take().map(JoinHandle::join);
        }
        for stream in self.shared.streams.lock().unwrap().iter() {
            stream
                .upgrade()
                .map(|stream| stream.shutdown(Shutdown::Both));
        }
    }
}

type WriteAnswer = dyn FnOnce(&mut dyn Write) -> io::Result<()>;

pub enum Reply {
    Whole(Response),
    /// Writes what it likes to the connection, which is closed afterwards.
    Raw(Box<WriteAnswer>),
    /// The connection is reset, as by a machine that has gone away.
    Reset,
}

/// An HTTP server; requests of one connection are answered in their order.
pub fn serve(answer: impl Fn(Request) -> Reply + Send + Sync + 'static) -> Acceptor {
    serve_early(|_| false, answer)
}

/// The same; an early request is answered before its body was read.
pub fn serve_early(
    is_early: impl Fn(&Request) -> bool + Send + Sync + 'static,
    answer: impl Fn(Request) -> Reply + Send + Sync + 'static,
) -> Acceptor {
    Acceptor::start(move |stream| {
        // A client that goes away ends its own conversation and nothing else.
        converse(&stream, &is_early, &answer).ok();
    })
}

fn converse(
    mut stream: &TcpStream,
    is_early: &impl Fn(&Request) -> bool,
    answer: &impl Fn(Request) -> Reply,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let request = match read_request(&mut reader, stream, is_early) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                let refusal = Response::new(400).with_body("text/plain", error.to_string());
                return write_response(stream, refusal, false, true);
            }
            Err(error) => return Err(error),
        };
        let (head_only, last) = (request.method == "HEAD", request.last);
        match answer(request) {
            Reply::Whole(response) => write_response(stream, response, head_only, last)?,
            Reply::Raw(write) => return write(&mut stream),
            Reply::Reset => {
                let socket = tokio::net::TcpSocket::from_std_stream(stream.try_clone()?);
                return socket.set_zero_linger();
            }
        }
        if last {
            // What is still on its way must not reset the connection before the answer is read.
            stream.shutdown(Shutdown::Write)?;
            io::copy(&mut reader, &mut io::sink()).ok();
            return Ok(());
        }
    }
}

fn write_response(
    mut to: impl Write,
    mut response: Response,
    head_only: bool,
    last: bool,
) -> io::Result<()> {
    let bodiless = matches!(response.status, 100..200 | 204 | 304);
    if !bodiless && response.header("content-length").is_none() {
        let length = response.body.len().to_string();
        response = response.with("Content-Length", &length);
    }
    if last {
        response = response.with("Connection", "close");
    }
    let mut bytes = response.head().into_bytes();
    if !head_only {
        bytes.extend(&response.body);
    }
    to.write_all(&bytes)
}
