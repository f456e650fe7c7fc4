//! Mail over SMTP. The dialogue is the library's (lettre); the connection is ours: TLS with the roots of
//! `policy.tls`, no more than so many bytes from the server, and nothing of what a server said before
//! TLS counts after it (RFC 3207 §4.2; a line that somebody put behind its answer to STARTTLS is thrown
//! away with the first dialogue).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension};
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{SAID, Untold};
use crate::http::Client;
use crate::policy::notify::Smtp;
use crate::report::message::Message;
use crate::secret::{self, Secret, shorten};

/// The most bytes that a mail server may send in all.
const MOST_READ: usize = 128 * 1024;
/// What the second dialogue gets for a greeting: after TLS a server sends none.
const GREETING: &[u8] = b"220 now with TLS\r\n";

/// Sends a message to addresses, as one mail.
pub(super) async fn send(
    client: &Client,
    smtp: &Smtp,
    account: Option<(&Secret, &Secret)>,
    to: &[String],
    message: &Message,
) -> Result<(), Untold> {
    let mail = mail(smtp, to, message)?;
    let server = format!("{}:{}", smtp.host, smtp.port);
    let socket = TcpStream::connect((smtp.host.as_str(), smtp.port)).await;
    let socket = socket.map_err(|error| Untold(format!("`{server}` was not reached: {error}")))?;
    let line = Line::new(socket);
    let mut dialogue = greet(&line).await?;
    if !client.trust().is_insecure(&server) {
        if !dialogue.server_info().supports_feature(Extension::StartTls) {
            return Err(Untold(format!(
                "`{server}` offers no STARTTLS, and `policy.tls.insecure` does not list it"
            )));
        }
        dialogue.command(Starttls).await.map_err(said)?;
        drop(dialogue);
        line.encrypt(client, &smtp.host, &server).await?;
        dialogue = greet(&line).await?;
    }
    if let Some((name, password)) = account {
        let credentials = Credentials::new(name.expose().to_owned(), password.expose().to_owned());
        let ways = [Mechanism::Plain, Mechanism::Login];
        let known = dialogue.auth(&ways, &credentials).await;
        known.map_err(|error| Untold(format!("the account was not taken: {}", said(error))))?;
    }
    let from = smtp.from.parse().map_err(no_address)?;
    let taken = dialogue.command(Mail::new(Some(from), Vec::new())).await;
    taken.map_err(said)?;
    // One address that is refused must not keep the mail from the others.
    let mut refused = Vec::new();
    for address in to {
        let recipient = address.parse().map_err(no_address)?;
        if let Err(error) = dialogue.command(Rcpt::new(recipient, Vec::new())).await {
            refused.push(format!("`{address}`: {}", said(error)));
        }
    }
    if refused.len() < to.len() {
        dialogue.command(Data).await.map_err(said)?;
        dialogue.message(&mail).await.map_err(said)?;
    }
    let _ = dialogue.quit().await;
    match refused.len() {
        0 => Ok(()),
        count if count == to.len() => Err(Untold(format!(
            "no address was taken: {}",
            refused.join("; ")
        ))),
        _ => Err(Untold(format!(
            "not every address was taken: {}",
            refused.join("; ")
        ))),
    }
}

async fn greet(line: &Line) -> Result<AsyncSmtpConnection, Untold> {
    let stream = Box::new(line.clone());
    AsyncSmtpConnection::connect_with_transport(stream, &ClientId::default())
        .await
        .map_err(said)
}

/// The mail, with every header encoded by the library.
fn mail(smtp: &Smtp, to: &[String], message: &Message) -> Result<Vec<u8>, Untold> {
    let mut random = [0_u8; 16];
    // Without random bytes two mails may look like one to a reader; they are sent all the same.
    let _ = SystemRandom::new().fill(&mut random);
    let host = smtp.from.rsplit('@').next().unwrap_or_default();
    let id = format!("<{:032x}@{host}>", u128::from_be_bytes(random));
    let mut builder = MessageBuilder::new()
        .from(mailbox(&smtp.from)?)
        .subject(message.title.clone())
        .header(Automatic)
        .header(ContentType::TEXT_PLAIN)
        .message_id(Some(id))
        .date_now();
    for address in to {
        builder = builder.to(mailbox(address)?);
    }
    let mail = builder.body(message.text() + "\n");
    let mail = mail.map_err(|error| Untold(format!("the mail could not be made: {error}")))?;
    Ok(mail.formatted())
}

fn mailbox(address: &str) -> Result<Mailbox, Untold> {
    Ok(Mailbox::new(None, address.parse().map_err(no_address)?))
}

fn no_address(error: lettre::address::AddressError) -> Untold {
    Untold(format!("the library does not take an address: {error}"))
}

/// Tells vacation programs not to answer (RFC 3834).
#[derive(Clone)]
struct Automatic;

impl Header for Automatic {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// What went wrong in the dialogue, with what the server said.
#[allow(
    clippy::needless_pass_by_value,
    reason = "it is handed to `map_err` as it is"
)]
fn said(error: lettre::transport::smtp::Error) -> Untold {
    use std::error::Error as _;
    let mut text = error.to_string();
    if let Some(source) = error.source()
        && !text.contains(&source.to_string())
    {
        text = format!("{text}: {source}");
    }
    Untold(secret::said(&shorten(&text, SAID)))
}

/// A connection that can turn to TLS below the dialogue, and that ends when too much was read.
#[derive(Clone)]
struct Line(Arc<Mutex<Wire>>);

struct Wire {
    stream: Stream,
    /// What is read before anything that comes from the server.
    greeting: &'static [u8],
    /// How many bytes may still be read.
    left: usize,
    peer: Option<SocketAddr>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Lost,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl Line {
    fn new(socket: TcpStream) -> Self {
        Self(Arc::new(Mutex::new(Wire {
            peer: socket.peer_addr().ok(),
            stream: Stream::Plain(socket),
            greeting: &[],
            left: MOST_READ,
        })))
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Turns to TLS.
    async fn encrypt(&self, client: &Client, host: &str, server: &str) -> Result<(), Untold> {
        let plain = std::mem::replace(&mut self.wire().stream, Stream::Lost);
        let Stream::Plain(socket) = plain else {
            return Err(Untold::new("the connection was lost"));
        };
        let config = client.tls(server)?;
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| Untold(format!("`{host}`: {error}")))?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, socket);
        let stream = stream.await.map_err(|error| {
            let error = shorten(&error.to_string(), SAID);
            let advice = match error.contains("certificate") {
                true => "; give its certificate authority as `policy.tls.ca`",
                false => "",
            };
            Untold(format!("TLS with `{server}` failed: {error}{advice}"))
        })?;
        let mut wire = self.wire();
        wire.stream = Stream::Tls(Box::new(stream));
        wire.greeting = GREETING;
        Ok(())
    }
}

impl AsyncTokioStream for Line {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.wire()
            .peer
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut wire = self.wire();
        if !wire.greeting.is_empty() {
            let (now, later) = wire
                .greeting
                .split_at(buffer.remaining().min(wire.greeting.len()));
            buffer.put_slice(now);
            wire.greeting = later;
            return Poll::Ready(Ok(()));
        }
        if wire.left == 0 {
            let why = format!("the server sent more than {MOST_READ} bytes");
            return Poll::Ready(Err(io::Error::other(why)));
        }
        let before = buffer.filled().len();
        let read = match &mut wire.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        wire.left = wire.left.saturating_sub(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.wire().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
            Stream::Lost => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Lost => Poll::Ready(Ok(())),
        }
    }
}
