//! Names of images: repository, digest, reference. Follows the grammar of distribution's
//! `reference` package and of the OCI distribution spec ("Pulling manifests").

use std::fmt;

/// The longest `host/path` that registries take (distribution `reference.NameTotalLengthMax`).
const LONGEST_NAME: usize = 255;

/// An image repository on a registry: `host[:port]/path`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    host: String,
    path: String,
}

impl Repository {
    /// Reads `host[:port]/path`. The host must be written: nothing is guessed to be on Docker Hub.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, path) = text.split_once('/')?;
        let named = host.contains(['.', ':']) || host == "localhost";
        // Twice, because the short names of Docker Hub grow.
        (named && is_host(host) && is_path(path) && text.len() <= LONGEST_NAME)
            .then(|| Self {
                host: host.to_ascii_lowercase(),
                path: path.to_owned(),
            })
            .map(Self::on_docker_hub)
            .filter(|whole| whole.host.len() + 1 + whole.path.len() <= LONGEST_NAME)
    }

    /// Docker Hub's short names: `docker.io/x` is `docker.io/library/x`.
    fn on_docker_hub(mut self) -> Self {
        if matches!(self.host.as_str(), "docker.io" | "index.docker.io") {
            self.host = "docker.io".to_owned();
            if !self.path.contains('/') {
                self.path = format!("library/{}", self.path);
            }
        }
        self
    }

    /// The host, with its port if one is written.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host that answers to the API; Docker Hub's is another than its name.
    pub fn api_host(&self) -> &str {
        if self.host == "docker.io" {
            "registry-1.docker.io"
        } else {
            &self.host
        }
    }

    /// The path on that host.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last part of the path, by custom the name of the service.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

/// The digest of a manifest or blob: `sha256:` and 64, or `sha512:` and 128 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// Reads a digest.
    pub fn parse(text: &str) -> Option<Self> {
        let (algorithm, hex) = text.split_once(':')?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return None,
        };
        let legal = hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (legal && hex.len() == length).then(|| Self(text.to_owned()))
    }

    /// The SHA-256 digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!(
            "sha256:{}",
            hex(&ring::digest::digest(&ring::digest::SHA256, bytes))
        ))
    }

    /// Whether it is a SHA-256 digest, the only kind that two sources can be compared by.
    pub fn is_sha256(&self) -> bool {
        self.0.starts_with("sha256:")
    }

    /// Whether the bytes have this digest.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        if self.0.starts_with("sha512:") {
            let digest = hex(&ring::digest::digest(&ring::digest::SHA512, bytes));
            self.0.ends_with(&digest)
        } else {
            *self == Self::of(bytes)
        }
    }

    /// Algorithm and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The algorithm, and the digits.
    pub fn parts(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or(("", &self.0))
    }
}

/// Makes a digest of bytes that come in pieces.
pub struct Hasher {
    algorithm: &'static str,
    context: ring::digest::Context,
}

impl Hasher {
    /// A hasher of the same algorithm as this digest.
    pub fn new(like: &Digest) -> Self {
        if like.is_sha256() {
            Self::sha256()
        } else {
            Self {
                algorithm: "sha512",
                context: ring::digest::Context::new(&ring::digest::SHA512),
            }
        }
    }

    /// A hasher for SHA-256.
    pub fn sha256() -> Self {
        Self {
            algorithm: "sha256",
            context: ring::digest::Context::new(&ring::digest::SHA256),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// The digest of all of them.
    pub fn finish(self) -> Digest {
        Digest(format!(
            "{}:{}",
            self.algorithm,
            hex(&self.context.finish())
        ))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hex(digest: &ring::digest::Digest) -> String {
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What a promotion says is to be deployed: exactly one of these, or it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// A tag, or a release version (which may carry `+build`, as no tag can).
    Tag(String),
    /// A digest.
    Digest(Digest),
    /// A reference to a repository, with a tag, a digest or both.
    Reference {
        /// `host/path` or `path`, as written.
        name: String,
        /// The tag.
        tag: Option<String>,
        /// The digest; it wins over the tag, as everywhere.
        digest: Option<Digest>,
    },
}

impl Version {
    /// Reads a version parameter. `None` if it is not exactly one tag, version, digest or
    /// reference; a reference without tag and digest names no image in particular.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST_NAME + 130 + 136 {
            return None;
        }
        if let Some(digest) = Digest::parse(text) {
            return Some(Self::Digest(digest));
        }
        if is_tag(text) {
            return Some(Self::Tag(text.to_owned()));
        }
        let release = text.strip_prefix('v').unwrap_or(text);
        if semver::Version::parse(release).is_ok() {
            return Some(Self::Tag(text.to_owned()));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::parse(digest)?)),
            None => (text, None),
        };
        // A `:` before the last `/` belongs to the port of the host.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) || (tag.is_none() && digest.is_none()) {
            return None;
        }
        // A digest with too few digits is a mistake, not an image called `sha256`.
        if matches!(name, "sha256" | "sha384" | "sha512") {
            return None;
        }
        // Which host a name without one means, and whether `Example/app` names one, readers differ
        // about; that it is a name, they do not.
        let on_a_host = |(host, path): (&str, &str)| is_host(host) && is_path(path);
        let named = is_path(name) || name.split_once('/').is_some_and(on_a_host);
        (named && name.len() <= LONGEST_NAME).then(|| Self::Reference {
            name: name.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// The tag that it names, also where a digest beside it wins.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Tag(tag) => Some(tag),
            Self::Digest(_) => None,
            Self::Reference { tag, .. } => tag.as_deref(),
        }
    }

    /// The digest that it names.
    pub const fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Tag(_) => None,
            Self::Digest(digest) => Some(digest),
            Self::Reference { digest, .. } => digest.as_ref(),
        }
    }
}

/// Whether a text is a tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
pub fn is_tag(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    text.len() <= 128
        && text.bytes().all(legal)
        && text
            .bytes()
            .next()
            .is_some_and(|b| !matches!(b, b'.' | b'-'))
}

fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !name.ends_with(':') && !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    if port.is_some_and(|p| p.is_empty() || p.len() > 5 || !p.bytes().all(|b| b.is_ascii_digit())) {
        return false;
    }
    if let Some(ip) = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) {
        // The grammar leaves out addresses with an IPv4 address in them.
        return !ip.contains('.') && ip.parse::<std::net::Ipv6Addr>().is_ok();
    }
    name.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

/// Components of lower-case letters and digits, joined by one `.`, one or two `_`, or any `-`.
fn is_path(text: &str) -> bool {
    !text.is_empty() && text.split('/').all(is_path_component)
}

fn is_path_component(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = |b: Option<&u8>| b.is_some_and(|b| plain(*b));
    if !ends(bytes.first()) || !ends(bytes.last()) {
        return false;
    }
    text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|b| b == b'-'))
}

#[cfg(test)]
mod tests;
