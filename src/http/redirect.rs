//! Where an answer may send us: never out of TLS, never from a public host into a private network.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::Url;

use super::{Client, HttpError, host_and_port};

impl Client {
    /// Whether an answer from `from` may send us to `to`.
    ///
    /// # Errors
    /// Why not: out of TLS, or from a public host into a private network.
    pub fn may_go(&self, from: &Url, to: &Url) -> Result<(), HttpError> {
        let host = host_and_port(to);
        match to.scheme() {
            "https" => {}
            "http" if self.trust.is_insecure(&host) && from.scheme() == "http" => {}
            "http" => {
                return Err(HttpError::Redirect(format!(
                    "`{host}` would be plain HTTP, and `policy.tls.insecure` does not allow that"
                )));
            }
            other => {
                return Err(HttpError::Redirect(format!(
                    "`{other}` is not http or https"
                )));
            }
        }
        if is_private(to) && !is_private(from) && from.host_str() != to.host_str() {
            return Err(HttpError::Redirect(format!(
                "`{host}` is an address of a private network, and `{}` is not",
                host_and_port(from)
            )));
        }
        Ok(())
    }
}

/// Scheme, host and port: whom credentials belong to.
pub(super) fn origin(url: &Url) -> (String, Option<String>, Option<u16>) {
    (
        url.scheme().to_owned(),
        url.host_str().map(str::to_owned),
        url.port_or_known_default(),
    )
}

/// Whether an address is literally one of this machine or of a private network. Names are not
/// looked up: what a name resolves to can change between the look and the request.
fn is_private(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost") {
        return true;
    }
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => is_private_v4(ip),
        Ok(IpAddr::V6(ip)) => {
            // An IPv4 address can hide in one: mapped, compatible (both with zeros in front), or
            // behind a translator (64:ff9b::/96, RFC 6052).
            let [a, b, c, d, e, f, g, h] = ip.segments();
            let zeros = [a, b, c, d, e] == [0; 5] && matches!(f, 0 | 0xffff);
            let translated = [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0];
            let [[g1, g2], [h1, h2]] = [g.to_be_bytes(), h.to_be_bytes()];
            (zeros || translated) && is_private_v4(Ipv4Addr::new(g1, g2, h1, h2))
                || ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_multicast()
        }
        Err(_) => false,
    }
}

/// Addresses that are not of the public network, those of carriers (100.64.0.0/10, RFC 6598) among
/// them: clouds have services of their own there.
fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    a == 0
        || a == 100 && (64..128).contains(&b)
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_multicast()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Proxy, Trust};
    use super::*;

    fn client(insecure: &[&str]) -> Client {
        let insecure = insecure.iter().map(|h| (*h).to_owned()).collect();
        let trust = Trust {
            insecure,
            ..Trust::default()
        };
        Client::new(trust, &Proxy::default(), Duration::from_secs(1)).unwrap()
    }

    #[track_caller]
    fn goes(from: &str, to: &str, insecure: &[&str], expected: bool) {
        let (from, to) = (Url::parse(from).unwrap(), Url::parse(to).unwrap());
        assert_eq!(
            client(insecure).may_go(&from, &to).is_ok(),
            expected,
            "{from} to {to}"
        );
    }

    #[test]
    fn an_answer_cannot_send_us_out_of_tls_or_into_a_private_network() {
        goes("https://quay.io/v2/", "https://cdn.example/blob", &[], true);
        goes("https://quay.io/v2/", "http://cdn.example/blob", &[], false);
        goes(
            "https://quay.io/v2/",
            "http://cdn.example/blob",
            &["cdn.example"],
            false,
        );
        goes(
            "http://a.example:5000/",
            "http://a.example:5000/x",
            &["a.example:5000"],
            true,
        );
        goes(
            "http://a.example:5000/",
            "http://b.example/x",
            &["a.example:5000"],
            false,
        );
        for host in [
            "127.0.0.1",
            "localhost",
            "10.1.2.3",
            "169.254.169.254",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "[fd00::1]",
            "[64:ff9b::7f00:1]",
            "[::10.0.0.1]",
            "100.100.100.200",
            "0.1.2.3",
            "2130706433",
            "0x7f.1",
            "localhost.",
        ] {
            goes(
                "https://quay.io/v2/",
                &format!("https://{host}/token"),
                &[],
                false,
            );
            goes(
                "https://192.168.1.1/v2/",
                &format!("https://{host}/token"),
                &[],
                true,
            );
        }
        goes("https://quay.io/v2/", "file:///etc/passwd", &[], false);
    }
}
