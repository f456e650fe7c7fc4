//! What a Kubernetes API answers, made of the official types of the schema (k8s-openapi), and a
//! server with TLS in front of a scripted one that answers to the name of a pod's own cluster.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use k8s_openapi::api::apps::v1::{
    DaemonSet, DaemonSetSpec, DaemonSetStatus, Deployment, DeploymentSpec, DeploymentStatus,
    StatefulSet, StatefulSetSpec, StatefulSetStatus,
};
use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateWaiting, ContainerStatus, Pod,
    PodSpec, PodStatus, PodTemplateSpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, ObjectMeta, OwnerReference, Time,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use super::http::Acceptor;
use super::registry::{TempDir, openssl};
use super::scripted::{Answer, Script};

pub const NAMESPACE: &str = "cs-prod";
pub const NAME: &str = "service";
/// The image of the service in these tests, without a tag.
pub const IMAGE: &str = "quay.io/example/service";
/// What asks for the pods of the workload, up to the place in the list.
pub const PODS: &str = "/api/v1/namespaces/cs-prod/pods?labelSelector=app%3Dservice&limit=100";
pub const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/cs-prod/deployments/service";
pub const STATEFUL_SET: &str = "/apis/apps/v1/namespaces/cs-prod/statefulsets/service";
pub const DAEMON_SET: &str = "/apis/apps/v1/namespaces/cs-prod/daemonsets/service";

pub fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

pub fn time(text: &str) -> Time {
    serde_json::from_value(json!(text)).expect("a time")
}

fn labels() -> std::collections::BTreeMap<String, String> {
    [("app".to_owned(), NAME.to_owned())].into()
}

fn meta(uid: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(NAME.into()),
        namespace: Some(NAMESPACE.into()),
        uid: Some(uid.into()),
        generation: Some(3),
        creation_timestamp: Some(time("2026-01-02T03:04:05Z")),
        ..ObjectMeta::default()
    }
}

pub fn container(name: &str, image: &str) -> Container {
    Container {
        name: name.into(),
        image: Some(image.into()),
        image_pull_policy: Some("Always".into()),
        ..Container::default()
    }
}

fn selector() -> LabelSelector {
    LabelSelector {
        match_labels: Some(labels()),
        ..LabelSelector::default()
    }
}

/// Containers as the real ones have them: the service between a sidecar and an init container.
pub fn template(image: &str) -> PodTemplateSpec {
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels()),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            init_containers: Some(vec![container(
                "truststore",
                "quay.io/example/certs:v0.0.2",
            )]),
            containers: vec![
                container("proxy", "quay.io/example/nginx-proxy:v3.2.9"),
                container("service", image),
            ],
            ..PodSpec::default()
        }),
    }
}

/// A Deployment that has rolled out two replicas.
pub fn deployment(image: &str) -> Deployment {
    Deployment {
        metadata: meta("uid-deployment"),
        spec: Some(DeploymentSpec {
            replicas: Some(2),
            selector: selector(),
            template: template(image),
            ..DeploymentSpec::default()
        }),
        status: Some(DeploymentStatus {
            observed_generation: Some(3),
            replicas: Some(2),
            updated_replicas: Some(2),
            ready_replicas: Some(2),
            available_replicas: Some(2),
            ..DeploymentStatus::default()
        }),
    }
}

/// A StatefulSet that has rolled out one replica.
pub fn stateful_set(image: &str) -> StatefulSet {
    StatefulSet {
        metadata: meta("uid-set"),
        spec: Some(StatefulSetSpec {
            replicas: Some(1),
            selector: selector(),
            template: template(image),
            ..StatefulSetSpec::default()
        }),
        status: Some(StatefulSetStatus {
            observed_generation: Some(3),
            replicas: 1,
            ready_replicas: Some(1),
            current_revision: Some("service-1".into()),
            update_revision: Some("service-1".into()),
            ..StatefulSetStatus::default()
        }),
    }
}

/// A DaemonSet that runs on one node.
pub fn daemon_set(image: &str) -> DaemonSet {
    DaemonSet {
        metadata: meta("uid-daemon"),
        spec: Some(DaemonSetSpec {
            selector: selector(),
            template: template(image),
            ..DaemonSetSpec::default()
        }),
        status: Some(DaemonSetStatus {
            observed_generation: Some(3),
            desired_number_scheduled: 1,
            current_number_scheduled: 1,
            updated_number_scheduled: Some(1),
            number_ready: 1,
            ..DaemonSetStatus::default()
        }),
    }
}

/// A running pod of the Deployment, made from the template with that hash.
pub fn pod(number: usize, hash: &str, image: &str, image_id: &str) -> Pod {
    let owner = OwnerReference {
        api_version: "apps/v1".into(),
        kind: "ReplicaSet".into(),
        name: format!("{NAME}-{hash}"),
        uid: format!("uid-{hash}"),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    let mut labels = labels();
    labels.insert("pod-template-hash".into(), hash.into());
    let status = |name: &str, image: &str, id: &str| ContainerStatus {
        name: name.into(),
        // Nodes may show another tag of the same image here.
        image: format!("{image}-as-the-node-calls-it"),
        image_id: id.into(),
        ready: true,
        state: Some(ContainerState {
            running: Some(ContainerStateRunning {
                started_at: Some(time("2026-03-01T10:00:09Z")),
            }),
            ..ContainerState::default()
        }),
        ..ContainerStatus::default()
    };
    let statuses = vec![
        status(
            "proxy",
            "quay.io/example/nginx-proxy",
            &format!("x@{}", digest('9')),
        ),
        status("service", IMAGE, image_id),
    ];
    Pod {
        metadata: ObjectMeta {
            name: Some(format!("{NAME}-{hash}-{number}")),
            namespace: Some(NAMESPACE.into()),
            uid: Some(format!("uid-{hash}-{number}")),
            labels: Some(labels),
            owner_references: Some(vec![owner]),
            creation_timestamp: Some(time(&format!("2026-03-01T10:00:0{}Z", number % 10))),
            ..ObjectMeta::default()
        },
        spec: template(image).spec,
        status: Some(PodStatus {
            phase: Some("Running".into()),
            container_statuses: Some(statuses),
            ..PodStatus::default()
        }),
    }
}

/// A pod of a StatefulSet or DaemonSet.
pub fn pod_of(kind: &str, uid: &str, image: &str, image_id: &str) -> Pod {
    let mut pod = pod(0, "x", image, image_id);
    let owner = &mut pod.metadata.owner_references.as_mut().expect("owners")[0];
    owner.kind = kind.into();
    owner.name = NAME.into();
    owner.uid = uid.into();
    pod
}

/// The same pod, whose container cannot start.
pub fn waiting(mut pod: Pod, restarts: i32) -> Pod {
    let status = pod.status.as_mut().expect("a status");
    for status in status.container_statuses.as_mut().expect("containers") {
        status.restart_count = restarts;
        status.image_id = String::new();
        status.state = Some(ContainerState {
            waiting: Some(ContainerStateWaiting {
                reason: Some("ImagePullBackOff".into()),
                ..ContainerStateWaiting::default()
            }),
            ..ContainerState::default()
        });
    }
    pod
}

/// A `PodList`.
pub fn list(pods: &[Pod], more: Option<&str>) -> Value {
    let list = k8s_openapi::List::<Pod> {
        items: pods.to_vec(),
        metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta {
            continue_: more.map(str::to_owned),
            resource_version: Some("1".into()),
            ..Default::default()
        },
    };
    serde_json::to_value(list).expect("JSON")
}

/// An error as the API says it.
pub fn refusal(code: u16, reason: &str, message: &str) -> Answer {
    let status = k8s_openapi::apimachinery::pkg::apis::meta::v1::Status {
        code: Some(code.into()),
        reason: Some(reason.into()),
        message: Some(message.into()),
        status: Some("Failure".into()),
        ..Default::default()
    };
    Answer::status(code).json(&serde_json::to_value(status).expect("JSON"))
}

pub fn object(object: &impl serde::Serialize) -> Answer {
    Answer::status(200).json(&serde_json::to_value(object).expect("JSON"))
}

/// A server that has this Deployment and these pods.
pub fn cluster(deployment: &Deployment, pods: &[Pod]) -> Script {
    Script::new().on("GET", DEPLOYMENT, object(deployment)).on(
        "GET",
        PODS,
        Answer::status(200).json(&list(pods, None)),
    )
}

/// TLS in front of a plain server. It takes connections to itself, and as a proxy (CONNECT) those
/// to any other name, which all end here.
pub struct TlsFront {
    pub ca: String,
    acceptor: Acceptor,
    connected: Arc<Mutex<Vec<String>>>,
}

impl TlsFront {
    /// In front of `127.0.0.1:PORT`, with a certificate for these names.
    pub fn start(behind: &str, names: &[&str]) -> TlsFront {
        let dir = TempDir::new();
        let names: Vec<String> = names.iter().map(|name| format!("DNS:{name}")).collect();
        dir.write(
            "openssl.cnf",
            &format!(
                "[req]\ndistinguished_name = name\n[name]\n\
                 [ca]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n\
                 [server]\nbasicConstraints = critical, CA:FALSE\nextendedKeyUsage = serverAuth\n\
                 subjectAltName = {}\n",
                names.join(", ")
            ),
        );
        let req = "req -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        for arguments in [
            format!(
                "{req} -x509 -days 30 -subj /CN=cluster.example -extensions ca -keyout ca.key -out ca.pem"
            ),
            format!("{req} -subj /CN=api.example -keyout server.key -out server.csr"),
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 2 -days 30 \
             -extfile openssl.cnf -extensions server -out server.pem"
                .to_owned(),
        ] {
            openssl(&dir, &arguments);
        }
        let chain = CertificateDer::from_pem_slice(dir.read("server.pem").as_bytes());
        let key = PrivateKeyDer::from_pem_slice(dir.read("server.key").as_bytes());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the defaults")
            .with_no_client_auth()
            .with_single_cert(vec![chain.expect("PEM")], key.expect("PEM"))
            .expect("a key for the certificate");
        let (config, behind) = (Arc::new(config), behind.to_owned());
        let connected = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&connected);
        let acceptor = Acceptor::start(move |stream| {
            // A client that does not like the certificate goes away.
            converse(&stream, &config, &behind, &seen).ok();
        });
        TlsFront {
            ca: dir.read("ca.pem"),
            acceptor,
            connected,
        }
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> String {
        self.acceptor.address()
    }

    /// All that came to the proxy in the clear.
    pub fn connected(&self) -> Vec<String> {
        self.connected.lock().unwrap().clone()
    }
}

/// One request of one connection.
fn converse(
    mut stream: &TcpStream,
    config: &Arc<rustls::ServerConfig>,
    behind: &str,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut first = [0_u8; 1];
    stream.peek(&mut first)?;
    // A TLS handshake begins with 22, `CONNECT` with a letter.
    if first[0] != 22 {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0_u8; 1];
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        seen.lock()
            .unwrap()
            .push(String::from_utf8_lossy(&head).into_owned());
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    }
    let connection = rustls::ServerConnection::new(Arc::clone(config));
    let connection = connection.map_err(std::io::Error::other)?;
    let mut reader = BufReader::new(rustls::StreamOwned::new(connection, stream));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let mut upstream = TcpStream::connect(behind)?;
    upstream.write_all(
        head.replacen("\r\n", "\r\nConnection: close\r\n", 1)
            .as_bytes(),
    )?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    let mut tls = reader.into_inner();
    tls.write_all(&answer)?;
    tls.conn.send_close_notify();
    tls.flush()
}
