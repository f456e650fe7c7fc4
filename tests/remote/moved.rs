//! Repositories that have moved.

use std::time::Duration;

use drone_hotfix::facts::remote::Remote;
use drone_hotfix::hotfix::CommitId;
use drone_hotfix::http::{Client, Proxy, Trust};
use drone_hotfix::secret::Secret;

use super::hostile::{
    GREETING, RESULT, UPLOAD_PACK, git_answer, id, list_fails, remote, version_2,
};
use crate::support::scripted::{ADDRESS, Answer, Script};

/// The password goes to the host that it belongs to, wherever the server sends us.
#[tokio::test]
async fn a_repository_that_has_moved_is_followed_without_the_password() {
    let tip = format!("{} refs/heads/main\n", id());
    let list = || git_answer(RESULT, &[tip.as_bytes()], "0000");
    // Within the host.
    let server = Script::new()
        .on(
            "POST",
            UPLOAD_PACK,
            Answer::status(301).header("Location", "/new.git/git-upload-pack"),
        )
        .on(
            "GET",
            GREETING,
            Answer::status(301).header("Location", "/new.git/info/refs?service=git-upload-pack"),
        )
        .on(
            "GET",
            "/new.git/info/refs?service=git-upload-pack",
            version_2("shallow"),
        )
        .with_header("Authorization", "Basic ZXhhbXBsZTpjb3JyZWN0IGhvcnNl")
        .on("POST", "/new.git/git-upload-pack", list())
        .with_header("Authorization", "Basic ZXhhbXBsZTpjb3JyZWN0IGhvcnNl")
        .with_header("Git-Protocol", "version=2")
        .times(2)
        .start();
    let moved = remote(&server);
    let expected = CommitId::parse(&id()).unwrap();
    assert_eq!(moved.list().await.unwrap().branch("main"), Some(&expected));
    // The second question goes straight there.
    moved.list().await.unwrap();
    server.finish();

    // To another host, which the policy must know too.
    let other = Script::new()
        .on(
            "GET",
            "/r.git/info/refs?service=git-upload-pack",
            version_2("shallow"),
        )
        .without_header("Authorization")
        .on("POST", UPLOAD_PACK, list())
        .without_header("Authorization")
        .start();
    let elsewhere = format!("http://{}{GREETING}", other.address());
    let script = || {
        Script::new()
            .on(
                "POST",
                UPLOAD_PACK,
                Answer::status(308).header("Location", "/x"),
            )
            .with_header("Authorization", "Basic ZXhhbXBsZTpjb3JyZWN0IGhvcnNl")
            .on(
                "GET",
                GREETING,
                Answer::status(302).header("Location", &elsewhere),
            )
    };
    list_fails(script(), &["do not follow", "synchronise"]).await;
    let server = script().start();
    let trust = Trust {
        insecure: vec![server.address(), other.address()],
        ..Default::default()
    };
    let client = Client::new(trust, &Proxy::default(), Duration::from_secs(20));
    let url = format!("http://{}/r.git", server.address());
    let credentials = Some(("example".to_owned(), Secret::new("correct horse")));
    let moved = Remote::new(&url, credentials, client.unwrap()).unwrap();
    assert_eq!(moved.list().await.unwrap().branch("main"), Some(&expected));
    server.finish();
    other.finish();

    // To a page that is no repository.
    let script = Script::new()
        .on(
            "POST",
            UPLOAD_PACK,
            Answer::status(302).header("Location", "/login"),
        )
        .on(
            "GET",
            GREETING,
            Answer::status(302).header("Location", "/login"),
        )
        .on("GET", "/login", version_2("shallow"));
    list_fails(script, &["sends us to `/login`"]).await;
    let script = Script::new()
        .on(
            "POST",
            UPLOAD_PACK,
            Answer::status(302).header("Location", ADDRESS),
        )
        .on(
            "GET",
            GREETING,
            Answer::status(302).header("Location", GREETING),
        )
        .times(6);
    list_fails(script, &["more than 5 redirects"]).await;
}
