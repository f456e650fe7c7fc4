//! A TCP proxy in front of a registry that writes down every request and its status.
//!
//! It shows what really went over the wire, which no client and no server of a test can
//! colour: how often a program asked, for what, and in which order. Bytes pass unchanged.
//! Plain HTTP only.
//!
//! A test may also watch: it is then called at every boundary of every request, may do there
//! what it likes, and may have the connection cut. Requests take turns meanwhile, each from its
//! first byte to the last one of its answer, so that there is such a thing as the moment between
//! two of them.

#![allow(dead_code, reason = "not every test looks at the requests")]

use std::collections::VecDeque;
use std::io::{self, BufReader, ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::http::{self, Acceptor, Framing, Kept};

pub struct Recorder {
    acceptor: Acceptor,
    log: Arc<Mutex<Vec<Arc<Exchange>>>>,
}

/// A boundary of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It has come from the client, and the server has nothing of it.
    Before,
    /// The server may get a half of its body, or of its head where it has none.
    Within,
    /// The server has answered, and the client has nothing of that.
    After,
}

/// What becomes of a connection that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Carried,
    /// Closed on both sides; at `Place::Within` after the half.
    Cut,
}

/// Called with the number of the request, from 1.
type Watch = dyn FnMut(usize, Place) -> Fate + Send;

struct Watched {
    watch: Mutex<Box<Watch>>,
    taken: Mutex<bool>,
    free: Condvar,
}

impl Watched {
    fn take_turn(&self) {
        let taken = self.taken.lock().unwrap();
        *self.free.wait_while(taken, |taken| *taken).unwrap() = true;
    }

    fn end_turn(&self) {
        *self.taken.lock().unwrap() = false;
        self.free.notify_one();
    }
}

struct Exchange {
    number: usize,
    method: String,
    target: String,
    /// 0 while there is no answer.
    status: AtomicU16,
}

impl Recorder {
    /// Listens on a free port and hands everything to `upstream` (`127.0.0.1:PORT`).
    pub fn start(upstream: &str) -> Recorder {
        Recorder::listen(upstream, None)
    }

    /// The same, and `watch` is called at every boundary of a request.
    pub fn watched(
        upstream: &str,
        watch: impl FnMut(usize, Place) -> Fate + Send + 'static,
    ) -> Recorder {
        let watched = Watched {
            watch: Mutex::new(Box::new(watch)),
            taken: Mutex::default(),
            free: Condvar::new(),
        };
        Recorder::listen(upstream, Some(Arc::new(watched)))
    }

    fn listen(upstream: &str, watched: Option<Arc<Watched>>) -> Recorder {
        let log = Arc::new(Mutex::new(Vec::new()));
        let (written, upstream) = (Arc::clone(&log), upstream.to_owned());
        let acceptor = Acceptor::start(move |client| {
            let Ok(server) = TcpStream::connect(&upstream) else {
                return;
            };
            server.set_nodelay(true).ok();
            Line::new(client, server, Arc::clone(&written), watched.clone()).carry();
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
    watched: Option<Arc<Watched>>,
    /// It is the turn of this connection.
    has_turn: AtomicBool,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.end_turn();
    }
}

impl Line {
    fn new(
        client: Arc<TcpStream>,
        server: TcpStream,
        log: Arc<Mutex<Vec<Arc<Exchange>>>>,
        watched: Option<Arc<Watched>>,
    ) -> Arc<Line> {
        Arc::new(Line {
            client,
            server,
            log,
            waiting: Mutex::default(),
            watched,
            has_turn: AtomicBool::new(false),
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
            self.take_turn();
            // Written down before it is handed on: whoever sees an effect of the request, or
            // its answer, also finds it here.
            let number = self.note(method, target);
            self.pass(number, Place::Before)?;
            let framing = Framing::of_request(&headers)?;
            if let Err(cut) = self.pass(number, Place::Within) {
                if framing == Framing::Length(0) {
                    to.write_all(&head[..head.len() / 2])?;
                } else {
                    to.write_all(&head)?;
                    let body = http::filled(&mut from)?;
                    to.write_all(&body[..body.len() / 2])?;
                }
                return Err(cut);
            }
            to.write_all(&head)?;
            http::copy_body(&mut from, framing, &mut to, Kept::Wire)?;
        }
    }

    fn take_turn(&self) {
        if let Some(watched) = &self.watched {
            watched.take_turn();
            self.has_turn.store(true, Ordering::SeqCst);
        }
    }

    fn end_turn(&self) {
        if let Some(watched) = &self.watched
            && self.has_turn.swap(false, Ordering::SeqCst)
        {
            watched.end_turn();
        }
    }

    /// An error means that the connection shall be cut.
    fn pass(&self, number: usize, place: Place) -> io::Result<()> {
        let fate = |watched: &Arc<Watched>| watched.watch.lock().unwrap()(number, place);
        match self.watched.as_ref().map_or(Fate::Carried, fate) {
            Fate::Carried => Ok(()),
            Fate::Cut => Err(ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Gives the number of the request.
    fn note(&self, method: String, target: String) -> usize {
        let mut log = self.log.lock().unwrap();
        let number = log.len() + 1;
        let exchange = Arc::new(Exchange {
            number,
            method,
            target,
            status: AtomicU16::new(0),
        });
        self.waiting
            .lock()
            .unwrap()
            .push_back(Arc::clone(&exchange));
        log.push(exchange);
        number
    }

    fn carry_answers(&self) -> io::Result<()> {
        let mut from = BufReader::new(&self.server);
        let mut to = &*self.client;
        while !http::filled(&mut from)?.is_empty() {
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
                self.pass(exchange.number, Place::After)?;
            }
            to.write_all(&head)?;
            let framing = Framing::of_response(&exchange.method, status, &headers)?;
            http::copy_body(&mut from, framing, &mut to, Kept::Wire)?;
            if !interim {
                self.end_turn();
            }
        }
        Ok(())
    }
}
