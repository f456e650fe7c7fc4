//! Mail: a real server with STARTTLS and accounts (Debian's python3-aiosmtpd), and servers that do what
//! no server should.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::{NO_SERVER, World, hotfix, silent, steady, to_qa, to_trial};
use crate::support::http::Acceptor;
use crate::support::registry::{Authority, TempDir};

/// A running mail server.
pub struct Server {
    child: Child,
    directory: TempDir,
    pub address: String,
}

impl Server {
    pub fn start(options: &str) -> Server {
        let directory = TempDir::new();
        let authority = Authority::shared();
        directory.write("server.pem", &authority.server_certificate);
        directory.write("server.key", &authority.server_key);
        directory.write("options", options);
        directory.write("server.py", include_str!("mail_server.py"));
        // Debian's own: its packages are not seen by another Python on the path.
        let mut child = Command::new("/usr/bin/python3")
            .arg(directory.path("server.py"))
            .arg(directory.path(""))
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut port = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut port).unwrap();
        assert!(
            !port.trim().is_empty(),
            "the mail server did not start; install the Debian package python3-aiosmtpd"
        );
        Server {
            child,
            directory,
            address: format!("127.0.0.1:{}", port.trim()),
        }
    }

    /// The mails that it took, in order.
    pub fn mails(&self) -> Vec<Value> {
        let read = |count: usize| {
            let path = self.directory.path(&format!("{count}.json"));
            std::fs::read_to_string(path).ok()
        };
        (1..)
            .map_while(read)
            .map(|text| serde_json::from_str(&text).unwrap())
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A policy that mails QA and operations.
fn policy(address: &str, more: &str) -> String {
    format!(
        "smtp: {{server: \"{address}\", from: hotfix@example.org}}, {NO_SERVER}, \
         notify: [{{mail: [qa@example.org, ops@example.org]}}]{more}"
    )
}

/// A world that trusts our certificate authority, and no host without it.
pub fn trusting() -> World {
    let ca = Authority::shared().certificate.replace('\n', "\\n");
    let mut world = World::new("unused.example");
    world.trust = format!("ca: \"{ca}\"");
    world
}

/// The same with an account for the mail server.
fn known() -> World {
    trusting()
        .with_secret("smtp_username")
        .with_secret("smtp_password")
}

/// A mail without what is different each time.
fn steady_mail(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    let text = text.replace("\r\n", "\n").replace("=\n", "");
    let lines = text.lines().map(|line| match line.split_once(": ") {
        Some(("Date", _)) => "Date: DATE".to_owned(),
        Some(("Message-ID", _)) => "Message-ID: ID".to_owned(),
        _ => line.to_owned(),
    });
    let lines: Vec<String> = lines.collect();
    format!("to {}\n{}", mail["to"], steady(&lines.join("\n"), ""))
}

#[test]
fn qa_and_operations_get_a_mail_by_tls() {
    let server = Server::start("account");
    let world = known();
    for (build, code) in [(hotfix(), 0), (to_qa(), 1), (to_trial(), 0)] {
        let run = world.judge(&build, &policy(&server.address, ""));
        run.ends(code, &[]);
        assert!(!run.text.contains("not told"), "{}", run.text);
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 3);
    for (mail, name) in mails
        .iter()
        .zip(["mail_published", "mail_refused", "mail_promoted"])
    {
        assert_eq!((&mail["tls"], &mail["known"]), (&true.into(), &true.into()));
        silent(mail["text"].as_str().unwrap());
        insta::assert_snapshot!(name, steady_mail(mail));
    }
}

#[test]
fn an_address_that_is_refused_does_not_keep_the_mail_from_the_others() {
    let server = Server::start("account");
    let world = known();
    let some = policy(&server.address, "").replace("ops@", "gone@");
    let run = world.judge(&hotfix(), &some);
    let words = "not every address was taken: `gone@example.org`: permanent error (550): 5.1.1 no such user ******";
    run.ends(0, &[words]);
    assert_eq!(
        server.mails()[0]["to"],
        serde_json::json!(["qa@example.org"])
    );
    let run = world.judge(&hotfix(), &some.replace("qa@", "gone-too@"));
    run.ends(0, &["no address was taken: `gone-too@example.org`"]);
    assert_eq!(server.mails().len(), 1);
}

#[test]
fn nothing_goes_out_in_the_clear_or_to_a_stranger() {
    let world = known();
    let server = Server::start("plain");
    let run = world.judge(&hotfix(), &policy(&server.address, ""));
    run.ends(
        0,
        &["offers no STARTTLS, and `policy.tls.insecure` does not list it"],
    );
    assert_eq!(server.mails().len(), 0);
    // Where the policy lists it, it may.
    let mut without = trusting();
    without.trust = format!("insecure: [\"{}\"]", server.address);
    let run = without.judge(&hotfix(), &policy(&server.address, ""));
    run.ends(0, &[]);
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0]["tls"], false);

    let server = Server::start("account");
    let here = policy(&server.address, "");
    let mut stranger = known();
    stranger.trust = String::new();
    stranger.judge(&hotfix(), &here).ends(
        0,
        &[
            "failed: invalid peer certificate",
            "give its certificate authority as `policy.tls.ca`",
        ],
    );
    // A wrong name in a certificate that is otherwise right, and no account.
    let other = here.replace("127.0.0.1", "127.0.0.2");
    world.judge(&hotfix(), &other).ends(0, &["was not told"]);
    let run = trusting().judge(&hotfix(), &here);
    run.ends(0, &["was not told", "530"]);
    assert_eq!(server.mails().len(), 0);
}

/// A server that sends this and then nothing; what it was sent is kept.
fn odd(lines: &'static [&'static str]) -> (Acceptor, Arc<Mutex<Vec<u8>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let server = Acceptor::start(move |stream: Arc<TcpStream>| {
        let mut stream = &*stream;
        for line in lines {
            if line.is_empty() {
                break;
            }
            if stream.write_all(line.as_bytes()).is_err() {
                return;
            }
            let mut some = [0; 1024];
            match stream.read(&mut some) {
                Ok(count) if count > 0 => keep.lock().unwrap().extend_from_slice(&some[..count]),
                _ => return,
            }
        }
        // After an empty line nothing comes any more; else the connection is closed.
        if lines.last() != Some(&"") {
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        keep.lock().unwrap().extend_from_slice(&rest);
    });
    (server, seen)
}

#[test]
fn a_mail_server_that_misbehaves_is_a_note() {
    let world = known();
    let cases: [(&'static [&'static str], &str); 9] = [
        (&[""], "it took longer than 1 seconds"),
        (&["220 hello\r\n", ""], "it took longer than 1 seconds"),
        (
            &["421 too busy canary-smtp-password\r\n"],
            "transient error (421): too busy ******",
        ),
        (&["HTTP/1.1 400 Bad Request\r\n\r\n"], "was not told"),
        (&["\u{0}\u{1}\r\n"], "was not told"),
        (&["220 hello\r\n", "500 what\r\n"], "permanent error (500)"),
        (
            &[
                "220 hello\r\n",
                "250-mail.example\r\n250 STARTTLS\r\n",
                "454 not now\r\n",
            ],
            "transient error (454)",
        ),
        // What stands behind the answer in the clear must not be taken for the answer to what comes by TLS.
        (
            &[
                "220 hello\r\n",
                "250-mail.example\r\n250 STARTTLS\r\n",
                "220 go\r\n250 taken\r\n250 taken\r\n250 taken\r\n",
            ],
            "was not told",
        ),
        (
            &["220 hello\r\n", "250 mail.example\r\n"],
            "offers no STARTTLS",
        ),
    ];
    for (lines, words) in cases {
        let (server, seen) = odd(lines);
        let run = world.judge(&hotfix(), &policy(&server.address(), ", timeout: 1s"));
        run.ends(0, &[words]);
        let seen = String::from_utf8_lossy(&seen.lock().unwrap()).into_owned();
        for word in ["AUTH", "MAIL", "RCPT", "canary", "HOCS"] {
            assert!(!seen.contains(word), "{word} in {seen}");
        }
    }
    // Nobody is there, and one that never ends a line.
    world
        .judge(&hotfix(), &policy("127.0.0.1:1", ""))
        .ends(0, &["`127.0.0.1:1` was not reached"]);
    let endless = Acceptor::start(|stream| {
        let mut stream = &*stream;
        while stream.write_all(&[b'x'; 8192]).is_ok() {}
    });
    let run = world.judge(&to_qa(), &policy(&endless.address(), ""));
    run.ends(1, &["the server sent more than 131072 bytes"]);
}
