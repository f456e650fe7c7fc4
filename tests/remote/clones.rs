//! Drone's own clone commands (drone/git `posix/clone-*`), and what is fetched beside them.
//! The workspace stays as it is.

use std::path::{Path, PathBuf};

use drone_hotfix::facts::remote::{Fetch, Fetched, Remote};
use drone_hotfix::git::refs;
use drone_hotfix::hotfix::CommitId;

use super::world::{
    Origin, client, commit, commit_to, has, objects, oid, origin, remote, snapshot,
};
use crate::support::git::git;
use crate::support::git_server::GitServer;
use crate::support::registry::TempDir;

/// A workspace, and what it looked like before.
struct Workspace {
    path: PathBuf,
    before: Vec<(PathBuf, u64, i64, i64, u32)>,
    fetched: PathBuf,
    _directory: TempDir,
}

impl Workspace {
    /// Runs the commands of a clone.
    fn clone(server: &GitServer, commands: &[&[&str]]) -> Workspace {
        let directory = TempDir::new();
        let path = PathBuf::from(directory.path("src"));
        std::fs::create_dir(&path).unwrap();
        git(&path, &["init", "--quiet"]);
        git(
            &path,
            &["remote", "add", "origin", &server.url("origin.git")],
        );
        for command in commands {
            git(&path, command);
        }
        server.requests();
        Workspace {
            before: snapshot(&path),
            path,
            fetched: PathBuf::from(directory.path("fetched")),
            _directory: directory,
        }
    }

    fn push(server: &GitServer, depth: &[&str], branch: &str, sha: &str) -> Workspace {
        let refspec = format!("+refs/heads/{branch}:");
        let fetch = [&["fetch", "--quiet"], depth, &["origin", &refspec]].concat();
        Workspace::clone(
            server,
            &[&fetch, &["checkout", "--quiet", sha, "-b", branch]],
        )
    }

    fn git_dir(&self) -> PathBuf {
        self.path.join(".git")
    }

    /// The workspace's objects beside the fetched ones.
    fn beside(&self, fetched: &Fetched) -> Vec<PathBuf> {
        let mut all = vec![self.git_dir().join("objects")];
        all.extend(fetched.objects.iter().cloned());
        all
    }

    async fn fetch(&self, remote: &Remote, wants: &[CommitId], haves: &[CommitId]) -> Fetched {
        let shallow = refs::shallow(&self.git_dir()).unwrap();
        let fetch = Fetch {
            wants,
            haves,
            shallow: &shallow,
            ..Fetch::default()
        };
        remote.fetch(&fetch, &self.fetched).await.unwrap()
    }

    #[track_caller]
    fn is_untouched(&self) {
        assert_eq!(snapshot(&self.path), self.before);
    }
}

/// Everything that the rules ask of the history is answered as `git` answers it on the server.
#[track_caller]
fn agrees_with_git(origin: &Origin, directories: &[PathBuf], pairs: &[(&CommitId, &CommitId)]) {
    let repository = objects(directories);
    for (a, b) in pairs {
        let expected = git(&origin.path(), &["merge-base", a.as_str(), b.as_str()]);
        let found = repository.merge_base(oid(a), oid(b)).unwrap();
        assert_eq!(found.to_string(), expected);
        let range = format!("{}...{}", a.as_str(), b.as_str());
        let count = git(
            &origin.path(),
            &["rev-list", "--left-right", "--count", &range],
        );
        let (left, right) = repository.graph_ahead_behind(oid(a), oid(b)).unwrap();
        assert_eq!(format!("{left}\t{right}"), count);
    }
}

#[tokio::test]
async fn a_push_gets_the_default_branch_and_the_tags() {
    let origin = origin();
    let server = GitServer::open(origin.root());
    let built = commit(&origin.path(), "hotfix/HOCS-1");
    let workspace = Workspace::push(&server, &[], "hotfix/HOCS-1", built.as_str());
    let local = refs::read(&workspace.git_dir()).unwrap();
    assert_eq!(
        (local.tags().count(), local.head_branch()),
        (0, Some("hotfix/HOCS-1"))
    );

    let remote = remote(&server);
    let list = remote.list().await.unwrap();
    let trunk = list.branch(list.head_branch().unwrap()).unwrap();
    let tag = list.tag("1.1.0").unwrap();
    // A commit that the server has never seen does no harm.
    let unknown = CommitId::parse(&"2".repeat(40)).unwrap();
    let fetched = workspace
        .fetch(
            &remote,
            &[trunk.clone(), tag.clone()],
            &[built.clone(), unknown],
        )
        .await;
    assert_eq!(server.requests(), ["POST ls-refs", "POST fetch"]);
    assert_eq!(fetched.objects, std::slice::from_ref(&workspace.fetched));
    assert!(!fetched.filtered && fetched.shallow.is_empty() && fetched.bytes > 1000);
    // Only what was missing came: the first 40 commits are in the workspace.
    assert!(!has(&fetched.objects, tag) && has(&fetched.objects, trunk));
    let beside = workspace.beside(&fetched);
    agrees_with_git(
        &origin,
        &beside,
        &[(trunk, &built), (tag, &built), (tag, trunk)],
    );
    workspace.is_untouched();

    // A tag's own object, which says who made it and when.
    let outer = list.get("refs/tags/outer").unwrap();
    let tags = workspace
        .fetch(
            &remote,
            std::slice::from_ref(&outer.id),
            std::slice::from_ref(&built),
        )
        .await;
    assert_eq!(server.requests(), ["POST fetch"]);
    let tag_object = objects(&tags.objects)
        .find_tag(oid(&outer.id))
        .unwrap()
        .name()
        .map(str::to_owned);
    assert_eq!(tag_object.as_deref().unwrap(), "outer");

    // Nothing is missing any more: no pack, no directory.
    let again = workspace
        .fetch(
            &remote,
            std::slice::from_ref(tag),
            std::slice::from_ref(&built),
        )
        .await;
    assert!(again.objects.is_empty(), "{again:?}");
    assert!(workspace.fetch(&remote, &[], &[]).await.objects.is_empty());
    assert_eq!(server.requests(), ["POST fetch"]);
}

#[tokio::test]
async fn a_pull_request_and_a_tag_get_what_they_lack() {
    let origin = origin();
    let server = GitServer::open(origin.root());
    let head = commit(&origin.path(), "refs/pull/7/head");
    let pull = Workspace::clone(
        &server,
        &[
            &["fetch", "--quiet", "origin", "+refs/heads/hotfix/HOCS-1:"],
            &["checkout", "--quiet", "hotfix/HOCS-1"],
            &["fetch", "--quiet", "origin", "refs/pull/7/head:"],
            &["merge", "--quiet", head.as_str()],
        ],
    );
    let merged = commit(&pull.path, "HEAD");
    assert_ne!(merged, head, "the clone makes a merge of its own");
    let release = commit(&origin.path(), "1.2.0^{commit}");
    let tag = Workspace::clone(
        &server,
        &[
            &["fetch", "--quiet", "origin", "+refs/tags/1.2.0:"],
            &["checkout", "--quiet", "-f", "FETCH_HEAD"],
        ],
    );
    assert_eq!(refs::read(&tag.git_dir()).unwrap().head_branch(), None);
    // The merge of the clone is unknown to the server; the head of the pull request is not.
    for (workspace, built, haves) in [
        (&pull, &head, vec![merged, head.clone()]),
        (&tag, &release, vec![release.clone()]),
    ] {
        let remote = remote(&server);
        let list = remote.list().await.unwrap();
        let trunk = list.branch("trunk").unwrap();
        let hotfix = list.branch("hotfix/HOCS-1").unwrap();
        let fetched = workspace
            .fetch(&remote, &[trunk.clone(), hotfix.clone()], &haves)
            .await;
        assert_eq!(server.requests(), ["POST ls-refs", "POST fetch"]);
        let beside = workspace.beside(&fetched);
        agrees_with_git(
            &origin,
            &beside,
            &[(trunk, built), (trunk, hotfix), (hotfix, built)],
        );
        workspace.is_untouched();
    }
}

#[tokio::test]
async fn a_promotion_of_a_build_whose_branch_has_moved() {
    let origin = origin();
    let server = GitServer::open(origin.root());
    let built = commit(&origin.path(), "hotfix/HOCS-1");
    let workspace = Workspace::push(&server, &[], "hotfix/HOCS-1", built.as_str());
    commit_to(&origin.path(), "hotfix/HOCS-1", "later");
    let remote = remote(&server);
    let list = remote.list().await.unwrap();
    let (now, trunk) = (
        list.branch("hotfix/HOCS-1").unwrap(),
        list.branch("trunk").unwrap(),
    );
    assert_ne!(*now, built);
    let fetched = workspace
        .fetch(
            &remote,
            &[now.clone(), trunk.clone()],
            std::slice::from_ref(&built),
        )
        .await;
    let beside = workspace.beside(&fetched);
    agrees_with_git(&origin, &beside, &[(now, &built), (now, trunk)]);
    workspace.is_untouched();
}

#[tokio::test]
async fn a_shallow_clone_is_deepened_beside_the_workspace() {
    let origin = origin();
    let server = GitServer::open(origin.root());
    let built = commit(&origin.path(), "hotfix/HOCS-1");
    let depth = ["--depth=2"];
    let workspace = Workspace::push(&server, &depth, "hotfix/HOCS-1", built.as_str());
    let shallow = refs::shallow(&workspace.git_dir()).unwrap();
    assert_eq!(shallow, [commit(&origin.path(), "hotfix/HOCS-1~1")]);
    let remote = remote(&server);
    let trunk = commit(&origin.path(), "trunk");
    let wants = [built.clone(), trunk.clone()];
    let haves = [built.clone()];
    // The server knows what lies below the boundary, and that the workspace does not have it.
    let plain = workspace.fetch(&remote, &wants[1..], &haves).await;
    assert_eq!(server.requests(), ["POST fetch"]);
    assert!(plain.shallow.is_empty() && plain.unshallow.is_empty());
    assert!(has(&plain.objects, &commit(&origin.path(), "trunk~59")));
    assert!(!has(
        &workspace.beside(&plain),
        &commit(&origin.path(), "hotfix/HOCS-1~2")
    ));
    std::fs::remove_dir_all(&workspace.fetched).unwrap();
    let mut fetch = Fetch {
        wants: &wants,
        haves: &haves,
        shallow: &shallow,
        deepen: Some(5),
        commits_only: false,
    };
    let fetched = remote.fetch(&fetch, &workspace.fetched).await.unwrap();
    assert_eq!(server.requests(), ["POST fetch"]);
    assert_eq!(fetched.unshallow, shallow);
    let mut boundary = [
        commit(&origin.path(), "hotfix/HOCS-1~4"),
        commit(&origin.path(), "trunk~4"),
    ];
    let mut found = fetched.shallow.clone();
    found.sort();
    boundary.sort();
    assert_eq!(found, boundary);
    let beside = workspace.beside(&fetched);
    assert!(has(&beside, &commit(&origin.path(), "hotfix/HOCS-1~4")));
    assert!(!has(&beside, &commit(&origin.path(), "hotfix/HOCS-1~5")));
    // To the root, into the same directory.
    fetch.shallow = &found;
    fetch.deepen = Some(i32::MAX as u32);
    let whole = remote.fetch(&fetch, &workspace.fetched).await.unwrap();
    assert!(whole.shallow.is_empty());
    let beside = workspace.beside(&whole);
    let tag = commit(&origin.path(), "1.0.0");
    agrees_with_git(&origin, &beside, &[(&built, &trunk), (&built, &tag)]);
    workspace.is_untouched();
}

#[tokio::test]
async fn commits_alone_where_the_server_offers_it() {
    let origin = origin();
    let server = GitServer::open(origin.root());
    let built = commit(&origin.path(), "hotfix/HOCS-1");
    let trunk = commit(&origin.path(), "trunk");
    for offers in [false, true] {
        git(
            &origin.path(),
            &["config", "uploadpack.allowFilter", &offers.to_string()],
        );
        let workspace = Workspace::push(&server, &[], "hotfix/HOCS-1", built.as_str());
        let remote = remote(&server);
        let (wants, haves) = ([trunk.clone()], [built.clone()]);
        let fetch = Fetch {
            wants: &wants,
            haves: &haves,
            commits_only: true,
            ..Fetch::default()
        };
        let fetched = remote.fetch(&fetch, &workspace.fetched).await.unwrap();
        let again = remote.fetch(&fetch, &workspace.fetched).await.unwrap();
        assert_eq!((fetched.filtered, again.filtered), (offers, offers));
        let greeting = "GET /origin.git/info/refs?service=git-upload-pack";
        assert_eq!(server.requests(), [greeting, "POST fetch", "POST fetch"]);
        let beside = workspace.beside(&fetched);
        agrees_with_git(&origin, &beside, &[(&trunk, &built)]);
        let repository = objects(&beside);
        let tree = repository.find_commit(oid(&trunk)).unwrap().tree();
        assert_eq!(tree.is_ok(), !offers);
        workspace.is_untouched();
    }
}

#[tokio::test]
async fn a_local_path_is_used_in_place() {
    let origin = origin();
    let server = GitServer::open(origin.root());
    // A clone that borrows its objects, twice over.
    let first = origin.root().join("first.git");
    let second = origin.root().join("second");
    let clone = ["clone", "--quiet", "--shared"];
    let path = origin.path();
    let [o, f, s] = [&path, &first, &second].map(|path| path.to_str().unwrap());
    git(Path::new("/"), &[&clone[..], &["--bare", o, f]].concat());
    git(Path::new("/"), &[&clone[..], &[f, s]].concat());
    let before = snapshot(origin.root());
    let trunk = commit(&origin.path(), "trunk");
    for address in [s.to_owned(), format!("file://{s}"), format!("{s}/.git")] {
        let remote = Remote::new(&address, None, client(&server)).unwrap();
        let list = remote.list().await.unwrap();
        assert_eq!(list.branch("trunk"), Some(&trunk));
        let wants = [trunk.clone()];
        let fetch = Fetch {
            wants: &wants,
            ..Fetch::default()
        };
        let fetched = remote.fetch(&fetch, Path::new("/nowhere")).await.unwrap();
        assert_eq!(fetched.objects.len(), 3, "{fetched:?}");
        assert!(has(&fetched.objects, &trunk));
    }
    assert!(server.requests().is_empty());
    assert_eq!(snapshot(origin.root()), before);
}
