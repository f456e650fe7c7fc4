//! Whom we trust, and the way there.

/// Whom the policy trusts (`policy.tls`), beside the public certificate authorities.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Own certificate authorities, in PEM.
    pub ca: Option<String>,
    /// Hosts (`host` or `host:port`) spoken to over plain HTTP.
    pub insecure: Vec<String>,
    /// Hosts whose certificate is not checked.
    pub skip_verify: Vec<String>,
}

impl Trust {
    /// Whether the policy lists this `host[:port]` as plain HTTP.
    pub fn is_insecure(&self, host: &str) -> bool {
        is_listed(&self.insecure, host, ":80")
    }

    pub(super) fn skips(&self, host: &str) -> bool {
        is_listed(&self.skip_verify, host, ":443")
    }
}

/// Whether a list has a host. An address leaves its usual port out, whoever writes a list may not.
fn is_listed(list: &[String], host: &str, usual: &str) -> bool {
    let plain = |host: &str| host.to_ascii_lowercase().trim_end_matches(usual).to_owned();
    let host = plain(host);
    list.iter().any(|listed| plain(listed) == host)
}

/// A proxy for https, as the runner's environment names it. What goes through it is still checked
/// against the certificate of the server, so a proxy chosen by a promotion parameter can only make
/// us fail. Hosts whose certificate is not checked are reached without it.
#[derive(Debug, Clone, Default)]
pub struct Proxy {
    /// `HTTPS_PROXY`.
    pub https: Option<String>,
    /// `NO_PROXY`.
    pub exceptions: Option<String>,
}
