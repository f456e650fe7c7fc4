//! The remote of the repository: real git servers, and servers that do what no real one should.

mod clones;
mod files;
mod hostile;
mod moved;
mod world;

use std::collections::BTreeMap;
use std::path::Path;

use drone_hotfix::facts::remote::{Fetch, Remote};
use drone_hotfix::git::refs::References;
use drone_hotfix::secret::Secret;

use crate::support::git::git;
use crate::support::git_server::GitServer;
use crate::support::registry::TempDir;
use world::{client, commit, has, origin, remote, repository};

/// What `git ls-remote` says: the branches and tags, and what they point to at last.
fn listed_by_git(repository: &str) -> BTreeMap<String, String> {
    let text = git(Path::new("/"), &["ls-remote", repository]);
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let (id, name) = line.split_once('\t').unwrap();
        // `NAME^{}` follows `NAME`, and counts.
        let name = name.strip_suffix("^{}").unwrap_or(name);
        if name.starts_with("refs/heads/") || name.starts_with("refs/tags/") {
            found.insert(name.to_owned(), id.to_owned());
        }
    }
    found
}

fn listed_by_us(references: &References) -> BTreeMap<String, String> {
    let target =
        |name: &str, id: &drone_hotfix::hotfix::CommitId| (name.to_owned(), id.as_str().to_owned());
    let branches = references.branches();
    let branches = branches.map(|(name, id)| target(&format!("refs/heads/{name}"), id));
    let tags = references.tags();
    let tags = tags.map(|(name, id)| target(&format!("refs/tags/{name}"), id));
    branches.chain(tags).collect()
}

#[tokio::test]
async fn the_list_is_what_git_lists_and_costs_one_request() {
    let origin = origin();
    let server = GitServer::open(origin.root());
    for packed in [false, true] {
        if packed {
            git(&origin.path(), &["pack-refs", "--all"]);
        }
        let references = remote(&server).list().await.unwrap();
        assert_eq!(server.requests(), ["POST ls-refs"]);
        assert_eq!(references.head_branch(), Some("trunk"));
        let expected = listed_by_git(origin.path().to_str().unwrap());
        assert_eq!(listed_by_us(&references), expected);
        assert!(expected.len() > 30, "{expected:?}");
        // A path lists the same without a server.
        let local = Remote::new(origin.path().to_str().unwrap(), None, client(&server)).unwrap();
        assert_eq!(listed_by_us(&local.list().await.unwrap()), expected);
        assert_eq!(local.list().await.unwrap().head_branch(), Some("trunk"));

        let release = commit(&origin.path(), "1.2.0^{commit}");
        let all = references.tags().filter(|(_, id)| **id == release);
        assert_eq!(
            all.count(),
            27 + 3,
            "lightweight, annotated, and tags of tags"
        );
        assert_eq!(references.tag("outer"), Some(&release));
        assert_eq!(references.tag("refs/tags/outer"), None);
        let hotfix = commit(&origin.path(), "hotfix/HOCS-1");
        assert_eq!(references.branch("hotfix/HOCS-1"), Some(&hotfix));
        assert_eq!(references.branch("hotfix/HOCS-2"), None);
        // Nobody asked for these.
        assert!(references.iter().all(|r| !r.name.starts_with("refs/pull/")));
    }
    server.requests();
}

#[tokio::test]
async fn an_empty_repository_is_an_empty_list() {
    let root = TempDir::new();
    let path = repository(&root, "empty.git", &[]);
    let server = GitServer::open(Path::new(&root.path("")));
    let remote = Remote::new(&server.url("empty.git"), None, client(&server)).unwrap();
    assert!(remote.list().await.unwrap().is_empty());
    let local = Remote::new(path.to_str().unwrap(), None, client(&server)).unwrap();
    assert!(local.list().await.unwrap().is_empty());
    assert_eq!(local.list().await.unwrap().head_branch(), Some("main"));
}

#[tokio::test]
async fn a_password_is_sent_at_once() {
    let origin = origin();
    let server = GitServer::basic(origin.root(), "example", "correct horse");
    let url = server.url("origin.git");
    let with = |password: &str| {
        let credentials = Some(("example".to_owned(), Secret::new(password)));
        Remote::new(&url, credentials, client(&server)).unwrap()
    };
    let references = with("correct horse").list().await.unwrap();
    assert_eq!(server.requests().len(), 1);
    let tip = references.branch("trunk").unwrap().clone();
    let into = TempDir::new();
    let wants = [tip.clone()];
    let fetch = Fetch {
        wants: &wants,
        ..Fetch::default()
    };
    let fetched = with("correct horse")
        .fetch(&fetch, Path::new(&into.path("x")))
        .await
        .unwrap();
    assert_eq!(server.requests(), ["POST fetch"]);
    assert!(has(&fetched.objects, &tip));

    let error = with("wrong horse").list().await.unwrap_err();
    assert_eq!(
        server.requests().len(),
        1,
        "a wrong password is not tried again"
    );
    let text = format!("{error} {} {error:?}", error.advice());
    for word in [
        "answered 401",
        "the credentials that the CI server gave",
        "DRONE_NETRC_*",
    ] {
        assert!(text.contains(word), "{text}");
    }
    assert!(!text.contains("horse") && !error.may_pass(), "{text}");
    let error = Remote::new(&url, None, client(&server))
        .unwrap()
        .list()
        .await
        .unwrap_err();
    let text = format!("{error} {}", error.advice());
    for word in ["answered 401", "no credentials", "DRONE_NETRC_CLONE_ONLY"] {
        assert!(text.contains(word), "{text}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let origin = origin();
    let server = GitServer::open(origin.root());
    let remote = Remote::new(&server.url("none.git"), None, client(&server)).unwrap();
    let error = remote.list().await.unwrap_err();
    assert!(error.to_string().contains("answered 404"), "{error}");
    assert!(error.to_string().contains("no credentials"), "{error}");
    let local = Remote::new("/nowhere/r.git", None, client(&server)).unwrap();
    let error = local.list().await.unwrap_err();
    assert!(error.to_string().contains("no git repository"), "{error}");
    // An object that the server does not have.
    let remote = world::remote(&server);
    let wants = [drone_hotfix::hotfix::CommitId::parse(&"1".repeat(40)).unwrap()];
    let fetch = Fetch {
        wants: &wants,
        ..Fetch::default()
    };
    let into = TempDir::new();
    let error = remote
        .fetch(&fetch, Path::new(&into.path("")))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not our ref"), "{error}");
}

#[tokio::test]
async fn an_old_server_and_a_sha_256_repository_are_said() {
    let origin = origin();
    let old = GitServer::old(origin.root());
    let error = remote(&old).list().await.unwrap_err();
    let text = format!("{error} {}", error.advice());
    assert!(
        text.contains("speaks version 0") && text.contains("2.18"),
        "{text}"
    );
    assert_eq!(old.requests().len(), 2);
    let into = TempDir::new();
    let wants = [commit(&origin.path(), "trunk")];
    let fetch = Fetch {
        wants: &wants,
        ..Fetch::default()
    };
    let into = into.path("x");
    let error = remote(&old)
        .fetch(&fetch, Path::new(&into))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("speaks version 0"), "{error}");

    let root = TempDir::new();
    let path = repository(&root, "new.git", &["--object-format=sha256"]);
    world::commit_to(&path, "main", "a");
    let server = GitServer::open(Path::new(&root.path("")));
    let remote = Remote::new(&server.url("new.git"), None, client(&server)).unwrap();
    let local = Remote::new(path.to_str().unwrap(), None, client(&server)).unwrap();
    for remote in [remote, local] {
        let error = remote.list().await.unwrap_err();
        assert!(error.to_string().contains("SHA-256"), "{error}");
        assert!(!error.may_pass());
    }
}
