//! A TCP proxy in front of a registry that writes down every request and its status.
//!
//! It shows what really went over the wire, which no client and no server of a test can
//! colour: how often a program asked, for what, and in which order. Bytes pass unchanged.
//! Plain HTTP only.

#![allow(dead_code, reason = "not every test looks at the requests")]

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::http::{self, Acceptor, Framing, Kept};

pub struct Recorder {
    acceptor: Acceptor,
    log: Arc<Mutex<Vec<Arc<Exchange>>>>,
}

struct Exchange {
    method: String,
    target: String,
    /// 0 while there is no answer.
    status: AtomicU16,
}

impl Recorder {
    /// Listens on a free port and hands everything to `upstream` (`127.0.0.1:PORT`).
    pub fn start(upstream: &str) -> Recorder {
        let log = Arc::new(Mutex::new(Vec::new()));
        let (written, upstream) = (Arc::clone(&log), upstream.to_owned());
        let acceptor = Acceptor::start(move |client| {
            let Ok(server) = TcpStream::connect(&upstream) else {
                return;
            };
            server.set_nodelay(true).ok();
            Line::new(client, server, Arc::clone(&written)).carry();
        });
        Recorder { acceptor, log }
    }

    pub fn address(&self) -> String {
        self.acceptor.address()
    }

    /// `METHOD /path?query STATUS` in the order in which the requests came; a dash stands for
    /// an answer that has not come.
    pub fn requests(&self) -> Vec<String> {
        let shown = |exchange: &Arc<Exchange>| {
            let status = match exchange.status.load(Ordering::SeqCst) {
                0 => "-".to_owned(),
                status => status.to_string(),
            };
            format!("{} {} {status}", exchange.method, exchange.target)
        };
        self.log.lock().unwrap().iter().map(shown).collect()
    }

    pub fn forget_requests(&self) {
        self.log.lock().unwrap().clear();
    }
}

/// One connection of a client with the one to the server that belongs to it.
struct Line {
    client: Arc<TcpStream>,
    server: TcpStream,
    log: Arc<Mutex<Vec<Arc<Exchange>>>>,
    /// Requests without an answer yet, oldest first: HTTP/1.1 answers in order.
    waiting: Mutex<VecDeque<Arc<Exchange>>>,
}

impl Line {
    fn new(
        client: Arc<TcpStream>,
        server: TcpStream,
        log: Arc<Mutex<Vec<Arc<Exchange>>>>,
    ) -> Arc<Line> {
        Arc::new(Line {
            client,
            server,
            log,
            waiting: Mutex::default(),
        })
    }

    fn carry(self: Arc<Line>) {
        let line = Arc::clone(&self);
        let answers = thread::spawn(move || {
            // An error means that a side went away; closing both tells the other one.
            line.carry_answers().ok();
            line.client.shutdown(Shutdown::Both).ok();
            line.server.shutdown(Shutdown::Both).ok();
        });
        match self.carry_requests() {
            Ok(()) => self.server.shutdown(Shutdown::Write).ok(),
            Err(_) => self.server.shutdown(Shutdown::Both).ok(),
        };
        answers.join().ok();
    }

    fn carry_requests(&self) -> io::Result<()> {
        let mut from = BufReader::new(&*self.client);
        let mut to = &self.server;
        loop {
            let head = match http::read_head(&mut from) {
                Ok(Some(head)) => head,
                Ok(None) => return Ok(()),
                // A client that tries TLS first: the registry shall be the one to refuse it.
                Err(error) if error.kind() == ErrorKind::InvalidData => {
                    return io::copy(&mut from, &mut to).map(drop);
                }
                Err(error) => return Err(error),
            };
            let (first, headers) = http::parse_head(&head)?;
            let (method, target) = http::parse_request_line(&first)?;
            // Written down before it is handed on: whoever sees an effect of the request, or
            // its answer, also finds it here.
            self.note(method, target);
            to.write_all(&head)?;
            let framing = Framing::of_request(&headers)?;
            http::copy_body(&mut from, framing, &mut to, Kept::Wire)?;
        }
    }

    fn note(&self, method: String, target: String) {
        let exchange = Arc::new(Exchange {
            method,
            target,
            status: AtomicU16::new(0),
        });
        self.waiting
            .lock()
            .unwrap()
            .push_back(Arc::clone(&exchange));
        self.log.lock().unwrap().push(exchange);
    }

    fn carry_answers(&self) -> io::Result<()> {
        let mut from = BufReader::new(&self.server);
        let mut to = &*self.client;
        while !from.fill_buf()?.is_empty() {
            let Some(exchange) = self.waiting.lock().unwrap().front().cloned() else {
                return io::copy(&mut from, &mut to).map(drop);
            };
            let head = http::read_head(&mut from)?.ok_or(ErrorKind::UnexpectedEof)?;
            let (first, headers) = http::parse_head(&head)?;
            let status = http::parse_status(&first)?;
            let interim = (100..200).contains(&status);
            if !interim {
                exchange.status.store(status, Ordering::SeqCst);
                self.waiting.lock().unwrap().pop_front();
            }
            to.write_all(&head)?;
            let framing = Framing::of_response(&exchange.method, status, &headers)?;
            http::copy_body(&mut from, framing, &mut to, Kept::Wire)?;
        }
        Ok(())
    }
}
