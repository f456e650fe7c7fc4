//! What a cluster is shown: the secret `kube_token`, or the service account of the pod that the step
//! runs in. The account is for the cluster of the pod and no other, and which one that is says the
//! address in the policy, not `KUBERNETES_SERVICE_HOST`: a promotion parameter can bring that.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use reqwest::Url;

use super::super::api::Endpoint;
use super::super::running::{Asking, NotAsked, Unanswered};
use crate::http::{Client, Trust};
use crate::secret::Secret;

/// Where a pod finds the service account that it runs under (`token`, `ca.crt`).
pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The longest file of a service account that is read.
const LONGEST_FILE: u64 = 256 * 1024;

/// The server of a workload, with what it is shown.
pub(super) fn endpoint(asking: &Asking<'_>, at: &str, server: &Url) -> Result<Endpoint, NotAsked> {
    asking.resolver_is_ours()?;
    let secret = asking.secret("kube_token", &asking.settings.kube_token)?;
    let mut endpoint = Endpoint {
        client: asking.client.clone(),
        base: server.clone(),
        token: secret.cloned(),
        what: "a Kubernetes API",
        setting: at.to_owned(),
        limit: super::LIMIT,
    };
    if is_own_cluster(server) {
        let ca = read(asking.service_account, "ca.crt");
        if endpoint.token.is_none() {
            endpoint.token = Some(account(asking)?);
        }
        match ca {
            Ok(Some(ca)) => endpoint.client = client(asking, ca)?,
            // With a token of its own the step may trust the cluster by `policy.tls.ca`.
            Ok(None) => {}
            Err(error) => return Err(unreadable(asking.service_account, &error)),
        }
    }
    Ok(endpoint)
}

/// Whether an address is the one at which every pod finds its own cluster.
fn is_own_cluster(server: &Url) -> bool {
    server.scheme() == "https"
        && matches!(
            server.host_str(),
            Some("kubernetes.default.svc" | "kubernetes.default.svc.cluster.local")
        )
        && server.port().is_none()
        && server.path() == "/"
}

/// The token of the pod's service account.
fn account(asking: &Asking<'_>) -> Result<Secret, NotAsked> {
    let folder = asking.service_account;
    let token = read(folder, "token").map_err(|error| unreadable(folder, &error))?;
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Err(NotAsked::Unanswered(Unanswered::new(
            format!(
                "`kube_token` is not set, and this step does not run in a pod with a service account \
                 (nothing is at `{}`)",
                folder.display()
            ),
            false,
            "set `kube_token` (from_secret) beside `policy`, or have the runner mount its service \
             account into the pods of its steps",
        )));
    };
    asking.redactor.add(&token);
    Ok(Secret::new(token))
}

fn unreadable(folder: &Path, error: &io::Error) -> NotAsked {
    NotAsked::Unanswered(Unanswered::new(
        format!(
            "the service account of the pod (`{}`) cannot be read: {error}",
            folder.display()
        ),
        false,
        "set `kube_token` (from_secret) beside `policy`",
    ))
}

/// A client that trusts the cluster of the pod, and checks its certificate whatever `policy.tls`
/// leaves out. The run's own deadline still holds: its time is what this one gets at the most.
fn client(asking: &Asking<'_>, ca: String) -> Result<Client, NotAsked> {
    let trust = asking.client.trust();
    let trust = Trust {
        ca: Some(match &trust.ca {
            Some(own) => format!("{own}\n{ca}"),
            None => ca,
        }),
        insecure: Vec::new(),
        skip_verify: Vec::new(),
    };
    let made = Client::new(trust, &asking.settings.proxy, asking.policy.timeout);
    made.map_err(|error| {
        NotAsked::Unanswered(Unanswered::new(
            format!("the certificate authority of the pod's cluster cannot be used: {error}"),
            false,
            "ask who runs the cluster",
        ))
    })
}

/// A small text file; `None` if it is not there.
fn read(folder: &Path, name: &str) -> io::Result<Option<String>> {
    let file = match File::open(folder.join(name)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(format!("`{name}` is no file")));
    }
    let mut text = String::new();
    file.take(LONGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_FILE {
        return Err(io::Error::other(format!("`{name}` is too long")));
    }
    Ok(Some(text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fixed_names_are_the_pods_own_cluster() {
        let own = |text: &str| is_own_cluster(&Url::parse(text).unwrap());
        assert!(own("https://kubernetes.default.svc"));
        assert!(own("https://Kubernetes.default.svc:443/"));
        assert!(own("https://kubernetes.default.svc.cluster.local"));
        for other in [
            "http://kubernetes.default.svc",
            "https://kubernetes.default.svc:8443",
            "https://kubernetes.default.svc/proxy",
            "https://kubernetes.default.svc.example",
            "https://kubernetes.default",
            "https://10.96.0.1",
        ] {
            assert!(!own(other), "{other}");
        }
    }
}
