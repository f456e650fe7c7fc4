//! `policy.running`: what runs on each production target, or who is asked for it (process.md
//! A03–A05), and `policy.drone`, the server that knows its promotions.

use reqwest::Url;

use super::read::{Table, text};
use super::targets::Patterns;
use super::tree::Node;
use crate::glob::glob;
use crate::http::{Trust, host_and_port};
use crate::problem::Problem;
use crate::registry::reference::Version;

/// Where to learn what runs, target by target. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    entries: Vec<Entry>,
}

/// One target, or a pattern of targets, and who knows what runs there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key as written: a name, a pattern with `*` and `?`, or `*` for every target.
    pub target: String,
    /// Who knows.
    pub from: RunningFrom,
}

/// Who knows what runs on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunningFrom {
    /// The policy itself: a tag, version, digest or reference, as written.
    Version(String),
    /// The Drone server: the last successful promotion to this target, exactly in this spelling.
    Drone(String),
    /// A workload in a Kubernetes cluster.
    Kube(Workload),
}

/// A workload of the API group `apps/v1`, and the container of it that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The address of the API; a path in it (as Rancher has one) stays in front.
    pub server: Url,
    /// The namespace, a legal name.
    pub namespace: String,
    /// What it is.
    pub kind: WorkloadKind,
    /// Its name, a legal one.
    pub name: String,
    /// The container; without it, the one whose image is of `policy.repo`.
    pub container: Option<String>,
}

/// The kinds of workload whose pods run a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkloadKind {
    /// `deployments`
    Deployment,
    /// `statefulsets`
    StatefulSet,
    /// `daemonsets`
    DaemonSet,
}

impl WorkloadKind {
    const ALL: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet];

    /// The kind, as Kubernetes writes it in an object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }

    /// The resource, as it stands in an address of the API.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
        }
    }

    /// The key of a policy that names one.
    const fn key(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
        }
    }
}

impl Running {
    /// Every entry, in the order of the policy.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries that hold for a target; see [`best_for`].
    pub fn for_target(&self, target: &str) -> Vec<&Entry> {
        best_for(target, &self.entries, |entry| &entry.target)
    }
}

/// Of things that stand under keys of `policy.running`, those that hold for a target: its own name
/// wins over patterns, and patterns over `*`. Of several patterns all that match are returned.
/// Compared as `policy.targets` is: without case and surrounding blanks.
pub fn best_for<'a, T>(target: &str, all: &'a [T], key: impl Fn(&T) -> &str) -> Vec<&'a T> {
    let ranked: Vec<(u8, &T)> = all
        .iter()
        .filter_map(|thing| Some((rank(key(thing), target)?, thing)))
        .collect();
    let best = ranked.iter().map(|(rank, _)| *rank).min();
    ranked
        .into_iter()
        .filter(|(rank, _)| Some(*rank) == best)
        .map(|(_, thing)| thing)
        .collect()
}

/// How well a key holds for a target, the best first; `None` if it does not.
fn rank(key: &str, target: &str) -> Option<u8> {
    let (key, target) = (key.trim(), target.trim());
    if key.eq_ignore_ascii_case(target) {
        Some(0)
    } else if !glob(key, target) {
        None
    } else if key.bytes().all(|b| b == b'*') {
        Some(2)
    } else {
        Some(1)
    }
}

/// Reads `policy.running`.
pub(super) fn read(
    policy: &Table<'_>,
    trust: &Trust,
    problems: &mut Vec<Problem>,
) -> Option<Running> {
    let (at, node) = (policy.at("running"), policy.get("running")?);
    let Node::Map(_) = node else {
        let version = version(&at, node, problems)?;
        let target = "*".to_owned();
        return Some(Running {
            entries: vec![Entry {
                target,
                from: RunningFrom::Version(version),
            }],
        });
    };
    let before = problems.len();
    let targets = Table::open(&at, node, problems);
    let mut entries: Vec<Entry> = Vec::new();
    for (target, node) in targets.entries() {
        let at = targets.at(target);
        check_target(&at, target, &entries, problems);
        let from = if let Node::Map(_) = node {
            source(&at, node, trust, problems)
        } else {
            version(&at, node, problems).map(RunningFrom::Version)
        };
        // An entry that is wrong still stands for its key, so that a double of it is seen too.
        entries.push(Entry {
            target: target.trim().to_owned(),
            from: from.unwrap_or_else(|| RunningFrom::Version(String::new())),
        });
    }
    if entries.is_empty() && problems.len() == before {
        problems.push(Problem::new(
            at,
            "a map without a target",
            "a version, or a map from a target to what runs there",
        ));
    }
    (problems.len() == before).then_some(Running { entries })
}

fn check_target(at: &str, target: &str, before: &[Entry], problems: &mut Vec<Problem>) {
    let expected = "the name of a target, `*` for any text";
    if target.contains('!') {
        let why = format!("`{target}`: only the lists of `policy.targets` take names out");
        problems.push(Problem::new(at, why, expected));
    } else if let Err(why) = Patterns::new(vec![target.to_owned()]) {
        problems.push(Problem::new(at, why, expected));
    }
    if before
        .iter()
        .any(|entry| entry.target.eq_ignore_ascii_case(target.trim()))
    {
        let why = "the same target twice: upper and lower case and blanks do not matter";
        problems.push(Problem::new(at, why, "one of them"));
    }
}

fn version(at: &str, node: &Node, problems: &mut Vec<Problem>) -> Option<String> {
    let expected = "exactly one tag, version, digest or image reference";
    super::read::parsed(at, text(at, node, problems)?, expected, problems, |text| {
        Version::parse(text)
            .map(|_| text.to_owned())
            .ok_or_else(String::new)
    })
}

fn source(
    at: &str,
    node: &Node,
    trust: &Trust,
    problems: &mut Vec<Problem>,
) -> Option<RunningFrom> {
    let known = [
        "kube",
        "namespace",
        "deployment",
        "statefulset",
        "daemonset",
        "container",
        "drone",
    ];
    let before = problems.len();
    let table = Table::read(at, node, &known, problems);
    let kinds: Vec<WorkloadKind> = WorkloadKind::ALL
        .into_iter()
        .filter(|kind| table.get(kind.key()).is_some())
        .collect();
    let set = |key: &&str| table.get(key).is_some();
    let kube = ["kube", "namespace", "container"]
        .iter()
        .filter(|k| set(k))
        .count()
        + kinds.len();
    if set(&"drone") && kube == 0 {
        let expected = "the target of a promotion, exactly as Drone knows it";
        let target = table.parsed("drone", expected, problems, drone_target);
        return target.map(RunningFrom::Drone);
    }
    let [kind] = kinds[..] else {
        return unclear(at, node, before, problems);
    };
    if set(&"drone") || !set(&"kube") || !set(&"namespace") {
        return unclear(at, node, before, problems);
    }
    let server = server(&table, "kube", "https://kube.example", trust, problems);
    let label = "a name of Kubernetes: at most 63 lower-case letters, digits and `-`";
    let namespace = table.parsed("namespace", label, problems, |text| name(text, 63, false));
    let container = table.parsed("container", label, problems, |text| name(text, 63, false));
    let longer = "a name of Kubernetes: lower-case letters, digits, `-` and `.`";
    let workload = table.parsed(kind.key(), longer, problems, |text| name(text, 253, true));
    Some(RunningFrom::Kube(Workload {
        server: server?,
        namespace: namespace?,
        kind,
        name: workload?,
        container,
    }))
}

/// Says that a map names no source, unless something wrong in it was already said.
fn unclear(
    at: &str,
    node: &Node,
    before: usize,
    problems: &mut Vec<Problem>,
) -> Option<RunningFrom> {
    if problems.len() == before {
        let expected = "`kube`, `namespace` and one of `deployment`, `statefulset` and \
                        `daemonset`, or `drone` alone";
        problems.push(Problem::new(at, node.describe(), expected));
    }
    None
}

fn drone_target(text: &str) -> Result<String, String> {
    let legal = text.bytes().all(|b| (b' '..=b'~').contains(&b)) && !text.trim().is_empty();
    if !legal {
        Err("targets are plain ASCII".to_owned())
    } else if text.contains(['*', '?']) {
        Err("a pattern names no target in particular".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// A name as Kubernetes checks it: an RFC 1123 label, or with `dots` several of them.
fn name(text: &str, longest: usize, dots: bool) -> Result<String, String> {
    let label = |label: &str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let bytes = label.as_bytes();
        bytes.iter().all(|b| plain(*b) || *b == b'-')
            && bytes.first().is_some_and(|b| plain(*b))
            && bytes.last().is_some_and(|b| plain(*b))
    };
    let legal = if dots {
        text.split('.').all(label)
    } else {
        label(text)
    };
    (legal && text.len() <= longest)
        .then(|| text.to_owned())
        .ok_or_else(String::new)
}

/// Reads the address of a server.
pub(super) fn server(
    table: &Table<'_>,
    key: &str,
    example: &str,
    trust: &Trust,
    problems: &mut Vec<Problem>,
) -> Option<Url> {
    let expected = format!("an address such as `{example}`");
    let url = table.parsed(key, &expected, problems, address)?;
    if !is_open(&url, trust) {
        let host = host_and_port(&url);
        let found = format!("`{url}`: plain HTTP, which anybody on the way can read and change");
        problems.push(
            Problem::new(table.at(key), found, "an address with `https://`").next(format!(
                "if the server has no TLS, list `{host}` in `policy.tls.insecure`"
            )),
        );
        return None;
    }
    Some(url)
}

/// Whether a server may be spoken to as its address says: plain HTTP only to hosts that
/// `policy.tls.insecure` lists.
pub fn is_open(url: &Url, trust: &Trust) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => trust.is_insecure(&host_and_port(url)),
        _ => false,
    }
}

/// An address that names a server and nothing else.
///
/// # Errors
/// Why it is none.
pub fn address(text: &str) -> Result<Url, String> {
    // The parser drops them without a word.
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("it has blanks in it".to_owned());
    }
    let url = Url::parse(text).map_err(|why| why.to_string())?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("not https".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a name or password in it; secrets belong beside `policy`".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has more than host and path".to_owned());
    }
    Ok(url)
}
