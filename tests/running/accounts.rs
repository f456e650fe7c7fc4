//! TLS, and the service account of a pod: only for the pod's own cluster, which is the one with the
//! fixed name. The name leads nowhere here; a proxy takes the connection, as on real runners.

use serde_json::json;

use super::*;
use crate::support::http::serve;
use crate::support::kubernetes::{
    DEPLOYMENT, IMAGE, PODS, TlsFront, deployment, list, object, pod, refusal,
};
use crate::support::registry::TempDir;
use crate::support::scripted::{Answer, Script};

const ACCOUNT: &str = "token-of-the-pod";
const OWN: &str = "https://kubernetes.default.svc";

fn image() -> String {
    format!("{IMAGE}:1")
}

/// A cluster that wants this token.
fn cluster(authorization: &str) -> Script {
    let pods = [pod(1, "aaa", &image(), ""), pod(2, "aaa", &image(), "")];
    Script::new()
        .on("GET", DEPLOYMENT, object(&deployment(&image())))
        .with_header("Authorization", authorization)
        .with_header("Host", "kubernetes.default.svc")
        .on("GET", PODS, Answer::status(200).json(&list(&pods, None)))
        .with_header("Authorization", authorization)
}

fn account(ca: &str) -> TempDir {
    let folder = TempDir::new();
    folder.write("token", &format!("{ACCOUNT}\n"));
    folder.write("ca.crt", ca);
    folder
}

/// A step in a pod of the cluster behind this front.
fn in_pod(front: &TlsFront, folder: &TempDir) -> Step {
    Step::deployment("127.0.0.1:1")
        .without_secrets()
        .key("tls", json!(null))
        .source("kube", json!(OWN))
        .variable("HTTPS_PROXY", &format!("http://{}", front.address()))
        .in_pod(Path::new(&folder.path("")))
}

#[test]
fn a_pod_asks_its_own_cluster_with_its_service_account() {
    let server = cluster(&format!("Bearer {ACCOUNT}")).start();
    let front = TlsFront::start(&server.address(), &["kubernetes.default.svc"]);
    let folder = account(&front.ca);
    // Another address of the cluster in the environment changes nothing.
    let step = in_pod(&front, &folder)
        .variable("KUBERNETES_SERVICE_HOST", "evil.example")
        .variable("KUBERNETES_SERVICE_PORT", "1");
    assert_eq!(texts(&step.known().1), [(&*image(), true)]);
    let masked = step.redactor.redact(&format!("it said {ACCOUNT}"));
    assert!(!masked.contains(ACCOUNT), "{masked}");
    let connected = front.connected().concat();
    assert!(
        connected.contains("CONNECT kubernetes.default.svc:443"),
        "{connected}"
    );
    assert!(
        !connected.contains(ACCOUNT) && !connected.contains("uthorization: Bearer"),
        "{connected}"
    );
}

#[test]
fn the_secret_of_the_settings_wins_over_the_account() {
    let server = cluster(BEARER).start();
    let front = TlsFront::start(&server.address(), &["kubernetes.default.svc"]);
    let folder = account(&front.ca);
    let step = in_pod(&front, &folder).secret("PLUGIN_KUBE_TOKEN", TOKEN);
    step.known();
    // One that is empty is missing, whatever the pod has.
    let step = in_pod(&front, &folder).secret("PLUGIN_KUBE_TOKEN", "");
    step.unknown(&["`kube_token` is set but empty"], false);
}

#[test]
fn the_account_is_for_no_other_cluster() {
    let forbidden = || refusal(403, "Forbidden", "system:anonymous");
    let server = Script::new()
        .on("GET", DEPLOYMENT, forbidden())
        .without_header("Authorization")
        .start();
    let folder = account("not read");
    Step::deployment(&server.address())
        .without_secrets()
        .in_pod(Path::new(&folder.path("")))
        .unknown(&["403", "set `kube_token`"], false);
}

#[test]
fn the_certificate_of_the_cluster_is_checked() {
    let server = Script::new().start();
    let front = TlsFront::start(&server.address(), &["kubernetes.default.svc"]);
    let other = TlsFront::start(&server.address(), &["kubernetes.default.svc"]);
    let folder = account(&other.ca);
    // Not even the policy's leave to skip it counts where the authority is at hand.
    let step =
        in_pod(&front, &folder).key("tls", json!({ "skip_verify": ["kubernetes.default.svc"] }));
    step.unknown(&["certificate", "policy.tls.ca"], false);
    let elsewhere = TlsFront::start(&server.address(), &["other.example"]);
    let folder = account(&elsewhere.ca);
    in_pod(&elsewhere, &folder).unknown(&["certificate"], false);
    let folder = account("no certificate");
    in_pod(&front, &folder).unknown(&["certificate authority of the pod's cluster"], false);
}

#[test]
fn a_step_outside_of_a_pod_has_no_account() {
    let server = Script::new().start();
    let front = TlsFront::start(&server.address(), &["kubernetes.default.svc"]);
    let nothing = TempDir::new();
    in_pod(&front, &nothing).unknown(
        &[
            "`kube_token` is not set",
            "does not run in a pod",
            "set `kube_token`",
        ],
        false,
    );
    let folder = TempDir::new();
    folder.write("token", "  \n");
    in_pod(&front, &folder).unknown(&["`kube_token` is not set"], false);
    let folder = TempDir::new();
    folder.write("token", &"x".repeat(300_000));
    in_pod(&front, &folder).unknown(&["cannot be read", "too long"], false);
    let folder = TempDir::new();
    std::fs::create_dir(folder.path("token")).expect("a folder");
    in_pod(&front, &folder).unknown(&["cannot be read"], false);
}

#[test]
fn an_authority_of_the_policy_is_trusted() {
    let pods = [pod(1, "aaa", &image(), ""), pod(2, "aaa", &image(), "")];
    let server = Script::new()
        .on("GET", DEPLOYMENT, object(&deployment(&image())))
        .with_header("Authorization", BEARER)
        .on("GET", PODS, Answer::status(200).json(&list(&pods, None)))
        .start();
    let front = TlsFront::start(&server.address(), &["localhost"]);
    let url = format!(
        "https://{}",
        front.address().replace("127.0.0.1", "localhost")
    );
    let step = |tls| {
        Step::deployment("127.0.0.1:1")
            .key("tls", tls)
            .source("kube", json!(url))
    };
    step(json!(null)).unknown(&["certificate", "policy.tls.ca"], false);
    step(json!({ "ca": front.ca })).known();
}

#[test]
fn a_proxy_that_refuses_is_no_answer() {
    let proxy =
        serve(|_| crate::support::http::Reply::Whole(crate::support::http::Response::new(403)));
    let folder = account("");
    let folder_ca = TlsFront::start("127.0.0.1:1", &["kubernetes.default.svc"]).ca;
    folder.write("ca.crt", &folder_ca);
    Step::deployment("127.0.0.1:1")
        .without_secrets()
        .impatient()
        .key("tls", json!(null))
        .source("kube", json!(OWN))
        .variable("HTTPS_PROXY", &format!("http://{}", proxy.address()))
        .in_pod(Path::new(&folder.path("")))
        .unknown(&["Deployment `cs-prod/service`"], true);
}
