//! `policy.smtp`, and what a mail address is.

use super::super::read::Table;
use crate::problem::Problem;

/// The port on which a mail server takes messages of its users (RFC 6409).
const SUBMISSION: u16 = 587;

/// The mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whose mail it is.
    pub from: String,
}

/// Reads the key.
pub(super) fn read(policy: &Table<'_>, problems: &mut Vec<Problem>) -> Option<Smtp> {
    let node = policy.get("smtp")?;
    let table = Table::read(&policy.at("smtp"), node, &["server", "from"], problems);
    for key in ["server", "from"] {
        if table.get(key).is_none() {
            problems.push(Problem::new(
                table.at(key),
                "nothing",
                "both `server` and `from`",
            ));
        }
    }
    let expected =
        "the host of the mail server, with its port if that is not 587: `smtp.example:2525`";
    let server = table.parsed("server", expected, problems, |text| {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)),
            None => (text, Some(SUBMISSION)),
        };
        match port {
            Some(465) => Err("TLS from the first byte; mail goes out by STARTTLS".to_owned()),
            Some(port) if is_host(host) => Ok((host.to_ascii_lowercase(), port)),
            _ => Err(String::new()),
        }
    });
    let expected = "a mail address, such as `hotfix@example.org`";
    let from = table.parsed("from", expected, problems, |text| {
        is_address(text)
            .then(|| text.to_owned())
            .ok_or_else(String::new)
    });
    let (host, port) = server?;
    Some(Smtp {
        host,
        port,
        from: from?,
    })
}

/// A mail address of plain ASCII without quotes and comments. Nothing else is needed, and nothing
/// else can be mistaken for a second address or a header.
pub(super) fn is_address(text: &str) -> bool {
    let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b);
    let local = |local: &str| {
        local.len() <= 64
            && local
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(atom))
    };
    text.len() <= 254
        && text
            .split_once('@')
            .is_some_and(|(name, host)| local(name) && is_host(host))
}

fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_are_plain() {
        for good in ["qa@example.org", "a.b+c@mail.example", "ops@localhost"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "qa",
            "@example.org",
            "qa@",
            "a@b@example.org",
            "a b@example.org",
            "qa@example.org\r\nBcc: x@example.org",
            "\"a\"@example.org",
            "<qa@example.org>",
            "qa@example.org,ops@example.org",
            "qä@example.org",
            ".qa@example.org",
            "qa@-example.org",
            "qa@example..org",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
