//! Debian's `docker-registry` (distribution 2.8), started for one test and stopped after it.
//!
//! A real registry has habits that no fake thinks of, so whatever it can show is tested
//! against it. It comes in several forms: open, with a password, with TLS, with Bearer tokens.
//!
//! `push`, `raw_manifest` and `tags` belong to the test and not to what is tested. They go
//! through a side door, an open registry on the same storage, so they need no credentials and
//! no TLS, and they are not among `requests()`.

#![allow(dead_code, reason = "not every test uses every form")]

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;
use std::{env, thread};

use super::http::{self, Response};
use super::image::{self, Blob, Image};
use super::recorder::Recorder;
use super::token_service::{ISSUER, SERVICE, TokenRules, TokenService};

/// A registry starts in a tenth of a second; this is for a machine that does much else.
const START_LIMIT: Duration = Duration::from_secs(60);

pub struct Registry {
    // The order matters: fields are dropped from the top, and the processes must have ended
    // before their directory goes.
    front: Front,
    tokens: Option<TokenService>,
    process: Process,
    side_door: OnceLock<Process>,
    has_auth: bool,
    dir: TempDir,
}

/// Where the requests of the program under test are written down.
enum Front {
    Proxy(Recorder),
    /// Nobody can look into TLS from outside, so the registry's own access log has to do.
    AccessLog {
        file: PathBuf,
        forgotten: AtomicUsize,
    },
}

impl Registry {
    pub fn open() -> Registry {
        Registry::start(false, None, |_| String::new())
    }

    pub fn basic(user: &str, password: &str) -> Registry {
        Registry::start(false, None, |dir| htpasswd(dir, user, password))
    }

    pub fn tls() -> Registry {
        Registry::start(true, None, |_| String::new())
    }

    pub fn tls_basic(user: &str, password: &str) -> Registry {
        Registry::start(true, None, |dir| htpasswd(dir, user, password))
    }

    pub fn token(rules: TokenRules) -> Registry {
        let service = TokenService::start(rules);
        let realm = service.realm();
        Registry::start(false, Some(service), |dir| {
            let bundle = dir.write("token.pem", TokenService::certificate_pem());
            format!(
                "auth: {{token: {{realm: \"{realm}\", service: \"{SERVICE}\", \
                 issuer: \"{ISSUER}\", rootcertbundle: \"{bundle}\"}}}}\n"
            )
        })
    }

    fn start(
        tls: bool,
        tokens: Option<TokenService>,
        auth: impl FnOnce(&TempDir) -> String,
    ) -> Registry {
        let dir = TempDir::new();
        let auth = auth(&dir);
        let http = if tls {
            Authority::shared().registry_settings(&dir)
        } else {
            String::new()
        };
        let process = Process::start(&dir, "front", &http, &auth);
        let front = if tls {
            Front::AccessLog {
                file: dir.path("front.access").into(),
                forgotten: AtomicUsize::new(0),
            }
        } else {
            Front::Proxy(Recorder::start(&process.address))
        };
        Registry {
            front,
            tokens,
            process,
            side_door: OnceLock::new(),
            has_auth: !auth.is_empty(),
            dir,
        }
    }

    /// `127.0.0.1:PORT`, or `localhost:PORT` with TLS.
    pub fn address(&self) -> String {
        match &self.front {
            Front::Proxy(recorder) => recorder.address(),
            Front::AccessLog { .. } => self.process.address.replace("127.0.0.1", "localhost"),
        }
    }

    /// `127.0.0.1:PORT` of the registry itself: nothing that comes there is written down.
    pub fn direct(&self) -> &str {
        &self.process.address
    }

    /// The token service of `Registry::token`.
    pub fn tokens(&self) -> &TokenService {
        self.tokens
            .as_ref()
            .expect("only `Registry::token` has a token service")
    }

    /// The certificate authority that a client of the TLS forms must trust.
    pub fn ca_pem(&self) -> &'static str {
        &Authority::shared().certificate
    }

    /// The same as a file, which lives as long as this registry.
    pub fn ca_file(&self) -> PathBuf {
        self.dir.write("ca.pem", self.ca_pem()).into()
    }

    /// Uploads the image's blobs and manifests and sets the tag.
    pub fn push(&self, repository: &str, tag: &str, image: &Image) {
        for blob in &image.blobs {
            self.push_blob(repository, blob);
        }
        for child in &image.children {
            self.push_manifest(repository, &child.digest, child);
        }
        self.push_manifest(repository, tag, &image.manifest);
    }

    pub fn push_blob(&self, repository: &str, blob: &Blob) {
        let opened = self.call("POST", &format!("{repository}/blobs/uploads/"), &[], b"");
        let location = opened.header("location").expect("an upload has a place");
        // The place carries the state of the upload in its query.
        let upload = format!("{location}&digest={}", blob.digest);
        let stored = http::request("PUT", &upload, &[], &blob.bytes);
        assert_eq!(
            stored.status,
            201,
            "blob {}: {}",
            blob.digest,
            stored.text()
        );
    }

    pub fn push_manifest(&self, repository: &str, reference: &str, manifest: &Blob) {
        let (path, kind) = (
            format!("{repository}/manifests/{reference}"),
            &manifest.media_type,
        );
        let stored = self.call("PUT", &path, &[("Content-Type", kind)], &manifest.bytes);
        assert_eq!(stored.status, 201, "manifest {path}: {}", stored.text());
    }

    /// Media type, bytes and digest as the registry holds them.
    pub fn raw_manifest(
        &self,
        repository: &str,
        reference: &str,
    ) -> Option<(String, Vec<u8>, String)> {
        let types = [
            image::OCI_INDEX,
            image::OCI_MANIFEST,
            image::DOCKER_LIST,
            image::DOCKER_MANIFEST,
        ];
        let (path, accept) = (
            format!("{repository}/manifests/{reference}"),
            types.join(", "),
        );
        let found = self.call("GET", &path, &[("Accept", &accept)], b"");
        if found.status == 404 {
            return None;
        }
        assert_eq!(found.status, 200, "manifest {path}: {}", found.text());
        let header = |name| {
            found
                .header(name)
                .expect("a manifest is described")
                .to_owned()
        };
        let (kind, digest) = (header("content-type"), header("docker-content-digest"));
        Some((kind, found.body, digest))
    }

    /// Whether a repository has a blob; that another one has it does not count.
    pub fn has_blob(&self, repository: &str, digest: &str) -> bool {
        let found = self.call("HEAD", &format!("{repository}/blobs/{digest}"), &[], b"");
        assert!(matches!(found.status, 200 | 404), "blob {digest}");
        found.status == 200
    }

    /// The tags in alphabetical order; none when there is no such repository.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let list = self.call("GET", &format!("{repository}/tags/list"), &[], b"");
        if list.status == 404 {
            return Vec::new();
        }
        let list: serde_json::Value = serde_json::from_slice(&list.body).expect("tags are JSON");
        // A repository without tags has `"tags": null`.
        let names = list["tags"].as_array().into_iter().flatten();
        let mut tags: Vec<String> = names
            .filter_map(|tag| Some(tag.as_str()?.to_owned()))
            .collect();
        tags.sort();
        tags
    }

    /// The text of every file that the registry has stored.
    pub fn everything(&self) -> String {
        let mut waiting = vec![PathBuf::from(self.dir.path("storage"))];
        let mut text = String::new();
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                let entries = fs::read_dir(&path).expect("the registry's folder");
                waiting.extend(entries.map(|entry| entry.expect("an entry").path()));
            } else {
                let bytes = fs::read(&path).expect("a stored file");
                text.push_str(&path.display().to_string());
                text.push('\n');
                text.push_str(&String::from_utf8_lossy(&bytes));
                text.push('\n');
            }
        }
        text
    }

    /// `METHOD /path?query STATUS` of the requests to `address()`, oldest first.
    ///
    /// With TLS they come from the access log, whose line is written before a small answer is
    /// sent and may come after a large one (some KiB, a layer); that log is in the order of the
    /// answers.
    pub fn requests(&self) -> Vec<String> {
        match &self.front {
            Front::Proxy(recorder) => recorder.requests(),
            Front::AccessLog { file, forgotten } => {
                access_log(file).split_off(forgotten.load(Ordering::SeqCst))
            }
        }
    }

    pub fn forget_requests(&self) {
        match &self.front {
            Front::Proxy(recorder) => recorder.forget_requests(),
            Front::AccessLog { file, forgotten } => {
                forgotten.store(access_log(file).len(), Ordering::SeqCst);
            }
        }
    }

    /// A request past recorder, TLS and credentials.
    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let plain = matches!(self.front, Front::Proxy(_)) && !self.has_auth;
        let side_door = || Process::start(&self.dir, "side", "", "");
        let door = if plain {
            &self.process
        } else {
            self.side_door.get_or_init(side_door)
        };
        http::request(
            method,
            &format!("http://{}/v2/{path}", door.address),
            headers,
            body,
        )
    }
}

fn htpasswd(dir: &TempDir, user: &str, password: &str) -> String {
    let mut command = Command::new("htpasswd");
    command.args(["-Bbn", user, password]);
    let file = dir.write("htpasswd", &run(command, "apache2-utils"));
    format!("auth: {{htpasswd: {{realm: example, path: \"{file}\"}}}}\n")
}

/// The lines look like `127.0.0.1 - - [date] "GET /v2/ HTTP/1.1" 200 2 "" "client"`.
fn access_log(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("the registry has an access log");
    let parsed = |line: &str| {
        let mut parts = line.split('"').skip(1);
        let (request, _version) = parts.next()?.rsplit_once(' ')?;
        let status = parts.next()?.split_whitespace().next()?;
        Some(format!("{request} {status}"))
    };
    text.lines().filter_map(parsed).collect()
}

/// A running `docker-registry`; it ends with this value.
struct Process {
    child: Child,
    address: String,
}

impl Process {
    fn start(dir: &TempDir, name: &str, http: &str, auth: &str) -> Process {
        // The system chooses the port while the registry binds it, and the registry's log names
        // it: nobody else can take it in between.
        let config = dir.write(
            &format!("{name}.yml"),
            &format!(
                "version: 0.1\nlog: {{level: info}}\n\
                 storage: {{filesystem: {{rootdirectory: \"{}\"}}, delete: {{enabled: true}}}}\n\
                 http: {{addr: \"127.0.0.1:0\", secret: example{http}}}\n{auth}",
                dir.path("storage")
            ),
        );
        let access_log = File::create(dir.path(&format!("{name}.access"))).expect("a new file");
        let mut child = Command::new("docker-registry")
            .args(["serve", &config])
            // `REGISTRY_…` variables would change the settings.
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(access_log)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| missing("docker-registry", &error));
        let log = BufReader::new(child.stderr.take().expect("the log is a pipe"));
        let (found, address) = mpsc::channel();
        thread::spawn(move || {
            let mut seen = String::new();
            // To the end, because a full pipe would stop the registry.
            for line in log.lines().map_while(Result::ok) {
                if let Some(address) = listening_on(&line) {
                    found.send(Ok(address)).ok();
                } else if seen.len() < 4096 {
                    seen.push_str(&line);
                    seen.push('\n');
                }
            }
            found.send(Err(seen)).ok();
        });
        // Kept in a value that kills it from here on, also when the next line panics.
        let mut process = Process {
            child,
            address: String::new(),
        };
        process.address = match address.recv_timeout(START_LIMIT) {
            Ok(Ok(address)) => address,
            Ok(Err(log)) => panic!("docker-registry did not start:\n{log}"),
            Err(_) => panic!("docker-registry did not start within {START_LIMIT:?}"),
        };
        process
    }
}

/// The socket listens when this line is written, so nobody has to wait for it.
fn listening_on(line: &str) -> Option<String> {
    let rest = line.split_once("listening on ")?.1;
    let end = rest.find(|c: char| c != '.' && c != ':' && !c.is_ascii_digit());
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A certificate authority and a certificate for `localhost`, made once for all tests.
pub struct Authority {
    pub certificate: String,
    pub server_certificate: String,
    pub server_key: String,
}

impl Authority {
    pub fn shared() -> &'static Authority {
        static AUTHORITY: OnceLock<Authority> = OnceLock::new();
        AUTHORITY.get_or_init(Authority::make)
    }

    fn make() -> Authority {
        let dir = TempDir::new();
        // A settings file of our own: the one of the system adds extensions of its own.
        dir.write(
            "openssl.cnf",
            "[req]\ndistinguished_name = name\n[name]\n\
             [ca]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n\
             [server]\nbasicConstraints = critical, CA:FALSE\nextendedKeyUsage = serverAuth\n\
             subjectAltName = DNS:localhost, IP:127.0.0.1\n",
        );
        let req = "req -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        for arguments in [
            format!(
                "{req} -x509 -days 30 -subj /CN=ca.example -extensions ca -keyout ca.key -out ca.pem"
            ),
            format!("{req} -subj /CN=localhost -keyout server.key -out server.csr"),
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 2 -days 30 \
             -extfile openssl.cnf -extensions server -out server.pem"
                .to_owned(),
        ] {
            openssl(&dir, &arguments);
        }
        Authority {
            certificate: dir.read("ca.pem"),
            server_certificate: dir.read("server.pem"),
            server_key: dir.read("server.key"),
        }
    }

    fn registry_settings(&self, dir: &TempDir) -> String {
        let certificate = dir.write("server.pem", &self.server_certificate);
        let key = dir.write("server.key", &self.server_key);
        format!(", tls: {{certificate: \"{certificate}\", key: \"{key}\"}}")
    }
}

/// A directory of its own that goes with the value.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> TempDir {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::SeqCst);
            let name = format!("drone-hotfix-test-{}-{number}", process::id());
            let path = env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return TempDir(path),
                // Left behind by an earlier process of the same number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("no temporary directory {}: {error}", path.display()),
            }
        }
    }

    pub fn path(&self, name: &str) -> String {
        self.0
            .join(name)
            .to_str()
            .expect("the temporary directory is UTF-8")
            .to_owned()
    }

    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Writes a file and returns its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Runs `openssl` in a directory, with arguments that hold no blanks.
pub fn openssl(dir: &TempDir, arguments: &str) {
    let mut command = Command::new("openssl");
    command
        .args(arguments.split_whitespace())
        .current_dir(&dir.0);
    run(command, "openssl");
}

/// Runs a program of a Debian package to its end and returns what it printed.
pub fn run(mut command: Command, package: &str) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| missing(package, &error));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {complaint}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn missing(package: &str, error: &io::Error) -> ! {
    panic!("a program cannot be started ({error}): install the Debian package `{package}`")
}
