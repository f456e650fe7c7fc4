//! Where a repository is.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::Url;

use super::error::{Cause, RemoteError};
use crate::http::{Trust, host_and_port};

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// On a server. No user name, no query, no slash at the end.
    Http(Url),
    /// A directory of this machine.
    Local(PathBuf),
}

impl Address {
    /// Reads an address.
    pub(super) fn parse(text: &str, trust: &Trust) -> Result<Self, RemoteError> {
        let text = text.trim();
        let error = |shown: String, cause| {
            Err(RemoteError {
                operation: "asking",
                address: shown,
                with_credentials: false,
                cause,
            })
        };
        if text.is_empty() {
            let cause = Cause::Address("the CI server names none".to_owned());
            return error("the repository".to_owned(), cause);
        }
        if text.starts_with(['/', '.']) {
            return Ok(Self::Local(PathBuf::from(text)));
        }
        let url = match Url::parse(text) {
            Ok(url) if text.contains("://") => url,
            // `user@host:path`: what has a colon before the first slash is a host to ssh.
            _ => {
                let host = text.split('/').next().unwrap_or_default();
                let shown = host.rsplit('@').next().unwrap_or_default();
                return match shown.split_once(':') {
                    Some((host, _)) => error(host.to_owned(), Cause::Scheme("ssh".to_owned())),
                    None => error(
                        "the repository".to_owned(),
                        Cause::Address("it is neither an https address nor a path".to_owned()),
                    ),
                };
            }
        };
        match url.scheme() {
            "file" => match url.to_file_path() {
                Ok(path) => Ok(Self::Local(path)),
                Err(()) => {
                    let cause = Cause::Address("it is not a path of this machine".to_owned());
                    error(show(&url), cause)
                }
            },
            "https" | "http" => {
                if url.password().is_some() {
                    return error(show(&url), Cause::Password);
                }
                let host = host_and_port(&url);
                if url.scheme() == "http" && !trust.is_insecure(&host) {
                    return error(show(&url), Cause::PlainHttp(host));
                }
                Ok(Self::Http(plain(&url)))
            }
            other => error(show(&url), Cause::Scheme(other.to_owned())),
        }
    }
}

/// The address without what is not part of it: a user name that some servers write into it
/// (Bitbucket), a query, a fragment.
fn plain(url: &Url) -> Url {
    let mut plain = url.clone();
    // Both work for every address that has a host.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.set_query(None);
    plain.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    plain.set_path(&path);
    plain
}

fn show(url: &Url) -> String {
    plain(url).to_string()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => write!(f, "{url}"),
            Self::Local(path) => write!(f, "{}", Path::display(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, expected: Result<&str, &str>) {
        let trust = Trust {
            insecure: vec!["git.example:3000".to_owned()],
            ..Trust::default()
        };
        let found = Address::parse(text, &trust);
        match (&found, expected) {
            (Ok(address), Ok(expected)) => assert_eq!(address.to_string(), expected),
            (Err(error), Err(word)) => {
                let shown = format!("{error} {}", error.advice());
                assert!(shown.contains(word), "{shown}");
                assert!(!shown.contains("horse"), "{shown}");
                assert!(!error.may_pass());
            }
            _ => panic!("{text}: {found:?}"),
        }
    }

    #[test]
    fn addresses_as_servers_write_them() {
        reads(
            "https://git.example/o/r.git",
            Ok("https://git.example/o/r.git"),
        );
        reads("https://me@git.example/o/r/", Ok("https://git.example/o/r"));
        reads(
            "https://git.example:8443/o/r?x=y#z",
            Ok("https://git.example:8443/o/r"),
        );
        reads(
            "http://git.example:3000/o/r.git",
            Ok("http://git.example:3000/o/r.git"),
        );
        reads("http://git.example/o/r.git", Err("policy.tls.insecure"));
        reads("/srv/git/r.git", Ok("/srv/git/r.git"));
        reads("./r.git", Ok("./r.git"));
        reads("file:///srv/git/r%20s.git", Ok("/srv/git/r s.git"));
        reads(
            "file://other.example/srv/r.git",
            Err("path of this machine"),
        );
        reads(
            "https://me:correct-horse@git.example/o/r.git",
            Err("password"),
        );
        reads("git@git.example:o/r.git", Err("https"));
        reads("git.example:o/r.git", Err("https"));
        reads("ssh://git@git.example/o/r.git", Err("https"));
        reads("ssh://git:horse@git.example/o/r.git", Err("https"));
        reads("git://git.example/o/r.git", Err("https"));
        reads("ftp://git.example/o/r.git", Err("ftp"));
        reads("", Err("names none"));
        reads("owner/repo", Err("neither"));
    }
}
