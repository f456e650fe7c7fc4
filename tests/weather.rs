//! Weather: what networks, registries and token services do on bad days, each with the exit code,
//! the words, and exactly the requests that may come of it.

mod archives;
mod elsewhere;
mod identity;
mod parts;
mod sole;
mod tags;
mod tokens;
mod tries;
mod uploads;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::binary::{Run, run};
use crate::support::files;
use crate::support::gate::drone_gate;
use crate::support::image::{Blob, Image};
use crate::support::pipeline::DroneBuild;
use crate::support::registry::TempDir;
use crate::support::scripted::{Answer, Script, Scripted};

const SOURCE: &str = "/v2/example/app/manifests/build_418";
const TAG: &str = "/v2/example/app/manifests/branch-hotfix_HOCS-1";
const UPLOADS: &str = "/v2/example/app/blobs/uploads/";
/// The source where it is another repository.
const OTHER: &str = "/v2/example/other/manifests/1";
/// Statuses that pass by themselves.
const PASSING: [u16; 8] = [408, 429, 499, 500, 502, 503, 504, 522];

/// One run of the step.
struct Gate {
    hosts: Vec<String>,
    source: String,
    timeout: &'static str,
    more: String,
    rehearsal: bool,
    user: Option<(String, String)>,
    config: Option<String>,
    workspace: String,
}

/// Publishes to a repository of this server, from a tag in it.
fn gate(server: &Scripted) -> Gate {
    Gate {
        hosts: vec![server.address()],
        source: "build_{build}".to_owned(),
        timeout: "30s",
        more: String::new(),
        rehearsal: false,
        user: None,
        config: None,
        workspace: "/nowhere".to_owned(),
    }
}

impl Gate {
    /// From the repository `example/other` of another server.
    fn from(mut self, server: &Scripted) -> Gate {
        self.source = format!("{}/example/other:1", server.address());
        self.also(server)
    }

    /// From a file or folder of a workspace.
    fn local(mut self, source: &str, workspace: &TempDir) -> Gate {
        self.source = source.to_owned();
        self.workspace = workspace.path("");
        self
    }

    /// Trusts another server without TLS.
    fn also(mut self, server: &Scripted) -> Gate {
        self.hosts.push(server.address());
        self
    }

    fn timeout(mut self, timeout: &'static str) -> Gate {
        self.timeout = timeout;
        self
    }

    fn more(mut self, more: &str) -> Gate {
        self.more = format!(", {more}");
        self
    }

    fn rehearsal(mut self) -> Gate {
        self.rehearsal = true;
        self
    }

    fn user(mut self, name: &str, password: &str) -> Gate {
        self.user = Some((name.to_owned(), password.to_owned()));
        self
    }

    fn config(mut self, config: serde_json::Value) -> Gate {
        self.config = Some(config.to_string());
        self
    }

    fn run(self) -> Run {
        let mut secrets = BTreeMap::new();
        let mut settings = String::new();
        if self.rehearsal {
            settings += "dry_run: true, ";
        }
        if let Some((name, password)) = self.user {
            secrets.extend([("u".to_owned(), name), ("p".to_owned(), password)]);
            settings += "username: {from_secret: u}, password: {from_secret: p}, ";
        }
        if let Some(config) = self.config {
            secrets.insert("c".to_owned(), config);
            settings += "config: {from_secret: c}, ";
        }
        let (hosts, timeout) = (self.hosts.join("\", \""), self.timeout);
        let settings = format!(
            "{{{settings}policy: {{repo: \"{}/example/app\", source: \"{}\", attest: false, rules: {{image-commit: \"off\"}}, \
             tls: {{insecure: [\"{hosts}\"]}}, timeout: {timeout}{}}}}}",
            self.hosts[0], self.source, self.more
        );
        let build = DroneBuild::push("hotfix/HOCS-1")
            .with(|build| build.workspace = self.workspace.as_str().into());
        run(build.environment(&drone_gate(&settings), &[], &secrets))
    }
}

#[track_caller]
fn code(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{}", run.text);
    for word in words {
        assert!(run.text.contains(word), "no {word} in\n{}", run.text);
    }
}

/// An image in the folder `out` of a workspace.
fn in_layout(image: &Image) -> TempDir {
    let workspace = TempDir::new();
    let folder = workspace.path("out");
    fs::create_dir(&folder).expect("a folder");
    files::layout(Path::new(&folder), &[("1.0", image)]);
    workspace
}

fn escaped(digest: &str) -> String {
    digest.replace(':', "%3A")
}

/// The request that asks whether a blob is there.
fn mount(blob: &Blob) -> String {
    format!(
        "{UPLOADS}?mount={}&from=example%2Fapp",
        escaped(&blob.digest)
    )
}

/// The request that fills an upload.
fn fill(location: &str, blob: &Blob) -> String {
    let sign = if location.contains('?') { '&' } else { '?' };
    format!("{location}{sign}digest={}", escaped(&blob.digest))
}

/// A blob of the repository `example/other`.
fn blob_path(blob: &Blob) -> String {
    format!("/v2/example/other/blobs/{}", blob.digest)
}

fn opened(location: &str) -> Answer {
    Answer::status(202).header("Location", location)
}

/// An error that a server wants to be asked again about at once.
fn passing(status: u16) -> Answer {
    Answer::status(status).header("Retry-After", "0")
}

fn blob(blob: &Blob) -> Answer {
    Answer::status(200)
        .header("Content-Type", "application/octet-stream")
        .body(blob.bytes.clone())
}

/// An image whose configuration is there already: what is left is its layer.
fn begin(image: &Image) -> Script {
    Script::new().on("HEAD", TAG, Answer::status(404)).on(
        "POST",
        &mount(&image.blobs[0]),
        Answer::status(201),
    )
}

/// The same for a layer that fails: it may do so before the configuration was asked for.
fn torn(image: &Image) -> Script {
    begin(image).always()
}

/// The tag is looked at once more, written and read back.
fn end(script: Script, image: &Image) -> Script {
    written(script.on("HEAD", TAG, Answer::status(404)), image)
}

fn written(script: Script, image: &Image) -> Script {
    script
        .on("PUT", TAG, Answer::status(201))
        .with_header("Content-Type", &image.manifest.media_type)
        .with_body(&image.manifest.bytes)
        .on("HEAD", TAG, Answer::manifest(&image.manifest))
}
