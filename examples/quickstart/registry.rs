//! A container registry in memory, so that a demonstration needs nothing installed.
//!
//! It speaks the part of the OCI distribution protocol that retagging and pushing need, on a
//! free loopback port, and is as strict as distribution 2.8 where a client can go wrong: a
//! manifest whose blobs are absent is refused, and an OCI manifest is hidden from a client that
//! does not accept its type. No authentication, no TLS, no deletion, no referrers.
//!
//! Whoever includes this file needs `tests/support/http.rs` beside it as the module `http`:
//!
//! ```ignore
//! #[path = "../../tests/support/http.rs"]
//! mod http;
//! mod registry;
//! ```

#![allow(
    dead_code,
    reason = "the demonstration and the tests each use another part"
)]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use ring::digest;
use serde_json::{Value, json};

use super::http::{self, Acceptor, Reply, Request, Response};

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

pub struct Registry {
    acceptor: Acceptor,
    state: Arc<Mutex<State>>,
}

impl Registry {
    pub fn start() -> Registry {
        let state = Arc::new(Mutex::new(State::default()));
        let answering = Arc::clone(&state);
        let acceptor = http::serve(move |request| {
            Reply::Whole(answering.lock().unwrap().answer_and_note(&request))
        });
        Registry { acceptor, state }
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> String {
        self.acceptor.address()
    }

    /// Stores a blob and returns its digest.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = sha256(bytes);
        let mut state = self.state.lock().unwrap();
        let blobs = &mut state.repository(repository).blobs;
        blobs.insert(digest.clone(), bytes.to_vec());
        digest
    }

    /// Stores a manifest under a tag, or a child manifest under its own digest. Returns the
    /// digest, and panics where the registry would refuse a client.
    pub fn put_manifest(
        &self,
        repository: &str,
        tag: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> String {
        let mut state = self.state.lock().unwrap();
        let stored = state.repository(repository).store(tag, media_type, bytes);
        stored.unwrap_or_else(|refusal| panic!("{repository}:{tag} is refused: {}", refusal.text()))
    }

    /// Media type and bytes of a manifest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<(String, Vec<u8>)> {
        let state = self.state.lock().unwrap();
        let found = state.repositories.get(repository)?.manifest(reference);
        found.map(|(_, kind, bytes)| (kind.clone(), bytes.clone()))
    }

    pub fn tags(&self, repository: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let found = state.repositories.get(repository);
        found.map_or(Vec::new(), |found| found.tags.keys().cloned().collect())
    }

    /// `METHOD /path?query STATUS` of every request, oldest first.
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().log.clone()
    }

    pub fn forget_requests(&self) {
        self.state.lock().unwrap().log.clear();
    }
}

#[derive(Default)]
struct State {
    repositories: BTreeMap<String, Repository>,
    uploads: HashMap<String, Vec<u8>>,
    uploads_opened: usize,
    log: Vec<String>,
}

#[derive(Default)]
struct Repository {
    /// Media type and bytes by digest.
    manifests: HashMap<String, (String, Vec<u8>)>,
    /// Digest by tag; sorted, because lists of tags are.
    tags: BTreeMap<String, String>,
    blobs: HashMap<String, Vec<u8>>,
}

impl Repository {
    fn manifest(&self, reference: &str) -> Option<(&String, &String, &Vec<u8>)> {
        let digest = self.tags.get(reference).map_or(reference, String::as_str);
        let (digest, (kind, bytes)) = self.manifests.get_key_value(digest)?;
        Some((digest, kind, bytes))
    }

    fn store(&mut self, reference: &str, kind: &str, bytes: &[u8]) -> Result<String, Response> {
        let invalid = |why: &str| error(400, "MANIFEST_INVALID", why);
        let manifest: Value = serde_json::from_slice(bytes).map_err(|_| invalid("not JSON"))?;
        if ![OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].contains(&kind) {
            return Err(invalid("unknown media type"));
        }
        if manifest.get("mediaType").is_some_and(|inner| inner != kind) {
            return Err(invalid("the media type is not that of Content-Type"));
        }
        let digest = sha256(bytes);
        if is_digest(reference) && reference != digest {
            return Err(error(400, "DIGEST_INVALID", "the digest is another one"));
        }
        for (wanted, is_child) in references(&manifest) {
            let known = match is_child {
                true => self.manifests.contains_key(wanted),
                false => self.blobs.contains_key(wanted),
            };
            if !known {
                return Err(error(
                    400,
                    "MANIFEST_BLOB_UNKNOWN",
                    &format!("unknown: {wanted}"),
                ));
            }
        }
        self.manifests
            .insert(digest.clone(), (kind.to_owned(), bytes.to_vec()));
        if !is_digest(reference) {
            self.tags.insert(reference.to_owned(), digest.clone());
        }
        Ok(digest)
    }
}

/// The digests that a manifest needs, and whether each is a manifest itself.
fn references(manifest: &Value) -> impl Iterator<Item = (&str, bool)> {
    let list = |key: &str| manifest[key].as_array().into_iter().flatten();
    let blobs = manifest.get("config").into_iter().chain(list("layers"));
    // A layer with addresses of its own lies elsewhere and is never uploaded.
    let blobs = blobs.filter(|blob| blob.get("urls").is_none());
    let children = list("manifests").map(|child| (child, true));
    let all = blobs.map(|blob| (blob, false)).chain(children);
    all.map(|(part, is_child)| (part["digest"].as_str().unwrap_or_default(), is_child))
}

/// What a path names.
enum Place<'a> {
    Base,
    Manifest(&'a str, &'a str),
    Blob(&'a str, &'a str),
    Uploads(&'a str),
    Upload(&'a str, &'a str),
    Tags(&'a str),
}

impl<'a> Place<'a> {
    fn of(path: &'a str) -> Option<Place<'a>> {
        let rest = path.strip_prefix("/v2/")?;
        let place = if rest.is_empty() {
            return Some(Place::Base);
        } else if let Some(name) = rest.strip_suffix("/tags/list") {
            Place::Tags(name)
        } else if let Some((name, reference)) = rest.rsplit_once("/manifests/") {
            Place::Manifest(name, reference)
        } else if let Some((name, id)) = rest.rsplit_once("/blobs/uploads/") {
            if id.is_empty() {
                Place::Uploads(name)
            } else {
                Place::Upload(name, id)
            }
        } else {
            let (name, digest) = rest.rsplit_once("/blobs/")?;
            Place::Blob(name, digest)
        };
        place.is_well_formed().then_some(place)
    }

    fn is_well_formed(&self) -> bool {
        match self {
            Place::Base => true,
            Place::Uploads(name) | Place::Upload(name, _) | Place::Tags(name) => is_name(name),
            Place::Blob(name, digest) => is_name(name) && is_digest(digest),
            Place::Manifest(name, reference) => {
                is_name(name) && (is_digest(reference) || is_tag(reference))
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part = |part: &str| {
        part.starts_with(lower)
            && part.ends_with(lower)
            && part.chars().all(|c| lower(c) || "._-".contains(c))
    };
    text.split('/').all(is_part)
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128 && text.starts_with(word) && text.chars().all(|c| word(c) || ".-".contains(c))
}

fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    digits.len() == 64 && digits.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

impl State {
    fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }

    fn answer_and_note(&mut self, request: &Request) -> Response {
        let response = self
            .answer(request)
            .with("Docker-Distribution-Api-Version", "registry/2.0");
        let line = format!("{} {} {}", request.method, request.target, response.status);
        self.log.push(line);
        response
    }

    fn answer(&mut self, request: &Request) -> Response {
        let Some(place) = Place::of(request.path()) else {
            return Response::new(404).with_body("text/plain", "404 page not found\n");
        };
        match (request.method.as_str(), place) {
            ("GET" | "HEAD", Place::Base) => Response::new(200).with_body("application/json", "{}"),
            ("GET" | "HEAD", Place::Manifest(name, reference)) => {
                self.get_manifest(name, reference, request)
            }
            ("PUT", Place::Manifest(name, reference)) => {
                self.put_manifest(name, reference, request)
            }
            ("GET", Place::Tags(name)) => self.list_tags(name, request),
            ("GET" | "HEAD", Place::Blob(name, digest)) => self.get_blob(name, digest),
            ("POST", Place::Uploads(name)) => self.open_upload(name, request),
            ("PATCH" | "PUT", Place::Upload(name, id)) => self.upload(name, id, request),
            ("DELETE", Place::Upload(_, id)) => match self.uploads.remove(id) {
                Some(_) => Response::new(204),
                None => error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload"),
            },
            _ => Response::new(405).with_body("text/plain", "Method Not Allowed\n"),
        }
    }

    fn get_manifest(&self, name: &str, reference: &str, request: &Request) -> Response {
        let unknown = |why| error(404, "MANIFEST_UNKNOWN", why);
        let repository = self.repositories.get(name);
        let Some((digest, kind, bytes)) = repository.and_then(|known| known.manifest(reference))
        else {
            return unknown("manifest unknown");
        };
        let accepted = request
            .headers
            .all("accept")
            .flat_map(|value| value.split(','));
        let mut accepted = accepted.map(|part| part.split(';').next().unwrap_or_default().trim());
        if [OCI_INDEX, OCI_MANIFEST].contains(&kind.as_str())
            && !accepted.any(|known| known == kind)
        {
            return unknown("the manifest is of a type that Accept does not name");
        }
        Response::new(200)
            .with_body(kind, bytes.clone())
            .with("Docker-Content-Digest", digest)
            .with("Etag", &format!("\"{digest}\""))
    }

    fn put_manifest(&mut self, name: &str, reference: &str, request: &Request) -> Response {
        let kind = request.headers.get("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match self.repository(name).store(reference, kind, &request.body) {
            Ok(digest) => created(&format!("/v2/{name}/manifests/{digest}"), &digest),
            Err(refusal) => refusal,
        }
    }

    fn list_tags(&self, name: &str, request: &Request) -> Response {
        let known = self
            .repositories
            .get(name)
            .filter(|known| !known.manifests.is_empty());
        let Some(repository) = known else {
            return error(404, "NAME_UNKNOWN", "repository name not known to registry");
        };
        let last = request.query("last").pop().unwrap_or_default();
        let limit = match request.query("n").pop().map(|text| text.parse()) {
            None => usize::MAX,
            Some(Ok(limit)) => limit,
            Some(Err(_)) => return error(400, "PAGINATION_NUMBER_INVALID", "n is not a number"),
        };
        let mut left = repository.tags.keys().filter(|tag| **tag > last);
        let page: Vec<&String> = left.by_ref().take(limit).collect();
        let body = json!({ "name": name, "tags": page }).to_string();
        let response = Response::new(200).with_body("application/json", body);
        match (page.last(), left.next()) {
            (Some(end), Some(_)) => {
                let next = format!("</v2/{name}/tags/list?last={end}&n={limit}>; rel=\"next\"");
                response.with("Link", &next)
            }
            _ => response,
        }
    }

    fn get_blob(&self, name: &str, digest: &str) -> Response {
        let blobs = self
            .repositories
            .get(name)
            .map(|repository| &repository.blobs);
        match blobs.and_then(|blobs| blobs.get(digest)) {
            Some(bytes) => Response::new(200)
                .with_body("application/octet-stream", bytes.clone())
                .with("Docker-Content-Digest", digest),
            None => error(404, "BLOB_UNKNOWN", "blob unknown to registry"),
        }
    }

    fn open_upload(&mut self, name: &str, request: &Request) -> Response {
        let query = |key: &str| request.query(key).pop();
        if let (Some(digest), Some(from)) = (query("mount"), query("from")) {
            let source = self.repositories.get(&from);
            if let Some(bytes) = source.and_then(|source| source.blobs.get(&digest)).cloned() {
                return self.store_blob(name, &digest, bytes);
            }
        } else if let Some(digest) = query("digest") {
            return self.store_blob(name, &digest, request.body.clone());
        }
        self.uploads_opened += 1;
        let id = format!("upload-{}", self.uploads_opened);
        self.uploads.insert(id.clone(), Vec::new());
        accepted(name, &id, 0)
    }

    fn upload(&mut self, name: &str, id: &str, request: &Request) -> Response {
        let Some(mut bytes) = self.uploads.remove(id) else {
            return error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
        };
        bytes.extend(&request.body);
        if request.method == "PUT" {
            let digest = request.query("digest").pop().unwrap_or_default();
            return self.store_blob(name, &digest, bytes);
        }
        let length = bytes.len();
        self.uploads.insert(id.to_owned(), bytes);
        accepted(name, id, length)
    }

    fn store_blob(&mut self, name: &str, digest: &str, bytes: Vec<u8>) -> Response {
        if digest != sha256(&bytes) {
            return error(400, "DIGEST_INVALID", "the digest is another one");
        }
        self.repository(name).blobs.insert(digest.to_owned(), bytes);
        created(&format!("/v2/{name}/blobs/{digest}"), digest)
    }
}

fn created(location: &str, digest: &str) -> Response {
    Response::new(201)
        .with("Location", location)
        .with("Docker-Content-Digest", digest)
}

fn accepted(name: &str, id: &str, length: usize) -> Response {
    // The query is there because other registries have one, which clients must keep.
    let location = format!("/v2/{name}/blobs/uploads/{id}?_state={length}");
    Response::new(202)
        .with("Location", &location)
        .with("Docker-Upload-UUID", id)
        .with("Range", &format!("0-{}", length.saturating_sub(1)))
}

fn error(status: u16, code: &str, message: &str) -> Response {
    let body = json!({ "errors": [{ "code": code, "message": message, "detail": null }] });
    Response::new(status).with_body("application/json", body.to_string())
}

fn sha256(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, bytes);
    let hex: String = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}
