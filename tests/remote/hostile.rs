//! Servers that do what no git server should, each with its own error.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use drone_hotfix::facts::remote::{Fetch, Remote, RemoteError};
use drone_hotfix::hotfix::CommitId;
use drone_hotfix::secret::{Redactor, Secret};

use super::world::client_of;
use crate::support::registry::TempDir;
use crate::support::scripted::{Answer, Script, Scripted};

pub const UPLOAD_PACK: &str = "/r.git/git-upload-pack";
pub const GREETING: &str = "/r.git/info/refs?service=git-upload-pack";
pub const RESULT: &str = "application/x-git-upload-pack-result";
const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";

fn packet(content: &[u8]) -> Vec<u8> {
    [format!("{:04x}", content.len() + 4).as_bytes(), content].concat()
}

pub fn id() -> String {
    "0123456789abcdef0123456789abcdef01234567".to_owned()
}

pub fn git_answer(kind: &str, packets: &[&[u8]], end: &str) -> Answer {
    let mut body: Vec<u8> = packets.iter().flat_map(|content| packet(content)).collect();
    body.extend_from_slice(end.as_bytes());
    Answer::status(200).header("Content-Type", kind).body(body)
}

pub fn version_2(features: &str) -> Answer {
    let fetch = format!("fetch={features}\n");
    let lines: [&[u8]; 3] = [b"version 2\n", b"ls-refs=unborn\n", fetch.as_bytes()];
    git_answer(ADVERTISEMENT, &lines, "0000")
}

pub fn remote(server: &Scripted) -> Remote {
    let client = client_of(&server.address(), Duration::from_secs(20));
    let url = format!("http://{}/r.git", server.address());
    let credentials = ("example".to_owned(), Secret::new("correct horse"));
    Remote::new(&url, Some(credentials), client).unwrap()
}

#[track_caller]
fn says(error: &RemoteError, words: &[&str]) {
    // As people read it: what a server said is marked until then.
    let text = Redactor::default().redact(&format!("{error}. {}", error.advice()));
    for word in words {
        assert!(text.contains(word), "no {word} in: {text}");
    }
    assert!(
        !error.advice().is_empty() && !text.contains("horse"),
        "{text}"
    );
}

pub async fn list_fails(script: Script, words: &[&str]) -> RemoteError {
    let server = script.start();
    let error = remote(&server).list().await.unwrap_err();
    says(&error, words);
    server.finish();
    error
}

/// Fetches into a directory, in which nothing whole may be afterwards.
async fn fetch_fails(answer: Answer, words: &[&str]) -> RemoteError {
    let server = Script::new().on("POST", UPLOAD_PACK, answer).start();
    fetch_from(&server, words).await
}

async fn fetch_from(server: &Scripted, words: &[&str]) -> RemoteError {
    let into = TempDir::new();
    let wants = [CommitId::parse(&id()).unwrap()];
    let fetch = Fetch {
        wants: &wants,
        ..Fetch::default()
    };
    let remote = remote(server).at_most(1_000_000);
    let error = remote
        .fetch(&fetch, Path::new(&into.path("o")))
        .await
        .unwrap_err();
    says(&error, words);
    let pack = PathBuf::from(into.path("o/pack"));
    let left = std::fs::read_dir(&pack).map(|entries| {
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".idx")).count()
    });
    assert_eq!(left.unwrap_or(0), 0);
    error
}

#[tokio::test]
async fn an_answer_that_is_not_gits() {
    let page = Answer::status(200).header("Content-Type", "text/html; charset=utf-8");
    let page = page.body("<html>Sign in</html>");
    let post = |answer: Answer| Script::new().on("POST", UPLOAD_PACK, answer);
    list_fails(post(page.clone()), &["HTML page", "login page"]).await;
    fetch_fails(page, &["HTML page"]).await;
    let json = Answer::status(200).json(&serde_json::json!({}));
    list_fails(post(json), &["`application/json`, not git's"]).await;
    list_fails(post(Answer::status(200)), &["no `Content-Type`"]).await;
    for status in [403, 404] {
        let answer = Answer::status(status);
        let answer = answer
            .header("Content-Type", "text/plain")
            .body("Not for you.\n");
        let words = [&*format!("answered {status}, `Not for you.`"), "repair"];
        list_fails(post(answer), &words).await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_know_version_2() {
    let first = format!("{} HEAD\0multi_ack side-band-64k", id());
    let reference = format!("{} refs/heads/main\n", id());
    let service: &[u8] = b"# service=git-upload-pack\n";
    let version_0 = |end| {
        git_answer(
            ADVERTISEMENT,
            &[first.as_bytes(), reference.as_bytes()],
            end,
        )
    };
    let version_1 = git_answer(ADVERTISEMENT, &[b"version 1\n", first.as_bytes()], "0000");
    let empty = || git_answer(RESULT, &[], "");
    let both = |post: Answer, get: Answer| {
        Script::new()
            .on("POST", UPLOAD_PACK, post)
            .on("GET", GREETING, get)
            .in_order()
    };
    list_fails(both(empty(), version_0("0000")), &["version 0", "2.18"]).await;
    list_fails(both(empty(), version_1), &["version 1", "2.18"]).await;
    // Its thousands of references are not read.
    list_fails(both(empty(), version_0("").endless()), &["version 0"]).await;
    let announced = [&packet(service)[..], b"0000", &packet(first.as_bytes())].concat();
    let announced = Answer::status(200)
        .header("Content-Type", ADVERTISEMENT)
        .body(announced);
    list_fails(both(Answer::status(405), announced), &["version 0"]).await;
    // A server of files alone.
    let files = Answer::status(200)
        .header("Content-Type", "text/plain")
        .body(reference);
    list_fails(
        both(Answer::status(405), files),
        &["`text/plain`, not git's"],
    )
    .await;
    // What a server of version 2 says counts.
    let refusal = || git_answer(RESULT, &[b"ERR access denied\n"], "");
    let words = ["the server says: access denied"];
    list_fails(both(refusal(), version_2("shallow")), &words).await;
    let lines: [&[u8]; 2] = [b"version 2\n", b"object-format=sha256\n"];
    let sha256 = git_answer(ADVERTISEMENT, &lines, "0000");
    list_fails(both(empty(), sha256), &["SHA-256"]).await;
    let useless = git_answer(ADVERTISEMENT, &[b"version 2\n", b"agent=x\n"], "0000");
    list_fails(both(empty(), useless), &["without `ls-refs` or `fetch`"]).await;
    let cut = git_answer(ADVERTISEMENT, &[b"version 2\n"], "");
    list_fails(both(empty(), cut), &["ends in the middle"]).await;
}

#[tokio::test]
async fn lists_that_are_wrong_or_do_not_end() {
    let line = format!("{} refs/heads/main\n", id());
    let greet = |answer: Answer| {
        let script = Script::new().on("POST", UPLOAD_PACK, answer);
        script.on("GET", GREETING, version_2("shallow")).in_order()
    };
    let lines = |lines: &[&str], end: &str| {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        greet(git_answer(RESULT, &lines, end))
    };
    let error = list_fails(lines(&[&line], ""), &["ends in the middle"]).await;
    assert!(error.may_pass());
    list_fails(lines(&[&line, &line], "0000"), &["`refs/heads/main` twice"]).await;
    list_fails(
        lines(&[&line], "0000zzzz"),
        &["has `zzzz` where the length"],
    )
    .await;
    list_fails(lines(&[&line], "00000009again"), &["`again` where the end"]).await;
    list_fails(lines(&["nonsense"], "0000"), &["`nonsense` where the id"]).await;
    let sha256 = format!("{} refs/heads/main\n", "a".repeat(64));
    list_fails(lines(&[&sha256], "0000"), &["SHA-256"]).await;
    for name in [
        "refs/heads/a..b",
        "refs/heads/../../x",
        "refs/heads/\u{1b}[31m",
        "/etc/passwd",
        "",
    ] {
        let error = list_fails(
            lines(&[&format!("{} {name}\n", id())], "0000"),
            &["where a reference"],
        )
        .await;
        assert!(!error.may_pass());
    }
    // The same line for ever; and no line at all.
    let start = Instant::now();
    let endless = git_answer(RESULT, &[line.as_bytes()], "").endless();
    list_fails(greet(endless), &["more than 250,000 references"]).await;
    let packets = git_answer(RESULT, &[], "").body("0000".repeat(1000));
    list_fails(greet(packets.endless()), &["where a reference belongs"]).await;
    assert!(
        start.elapsed() < Duration::from_secs(90),
        "{:?}",
        start.elapsed()
    );
    // The connection ends before the answer does: no second try that would only repeat it.
    let cut = git_answer(RESULT, &[line.as_bytes()], "").cut(100);
    let error = list_fails(
        Script::new().on("POST", UPLOAD_PACK, cut),
        &["connection broke"],
    )
    .await;
    assert!(error.may_pass());
}

#[tokio::test]
async fn packs_that_are_wrong_or_do_not_end() {
    let pack = |parts: &[&[u8]], end: &str| {
        let mut packets: Vec<&[u8]> = vec![b"packfile\n"];
        packets.extend(parts);
        git_answer(RESULT, &packets, end)
    };
    let head: &[u8] = b"\x01PACK\0\0\0\x02\0\0\0\x01";
    // A blob of three bytes whose checksum is not that of the pack.
    let blob: &[u8] = b"\x01\x33\x78\x01\x01\x03\0\xfc\xffabc\x02\x4d\x01\x27";
    let sum: &[u8] = b"\x0101234567890123456789";
    fetch_fails(pack(&[head, blob, sum], "0000"), &["not sound", "git fsck"]).await;
    fetch_fails(pack(&[head, blob], "0000"), &["not sound"]).await;
    fetch_fails(pack(&[head, sum, sum], "0000"), &["not sound"]).await;
    fetch_fails(pack(&[b"\x01PACK"], "0000"), &["ends in the middle"]).await;
    fetch_fails(pack(&[], "0000"), &["ends in the middle"]).await;
    fetch_fails(
        pack(&[b"\x01PACK\0\0\0\x03\0\0\0\x01"], "0000"),
        &["no pack of version 2"],
    )
    .await;
    fetch_fails(
        pack(&[b"\x01PACK\0\0\0\x02\xff\xff\xff\xff"], "0000"),
        &["claims to have 4294967295"],
    )
    .await;
    fetch_fails(pack(&[b"\x01<html>Sign in</html>"], "0000"), &["no pack"]).await;
    let words = ["the server says: disk full"];
    fetch_fails(pack(&[head, b"\x03disk full\n"], "0000"), &words).await;
    fetch_fails(pack(&[b"\x04what"], "0000"), &["where a part of the pack"]).await;
    // Endless progress, endless objects.
    let progress = [b"\x02", &[b'.'; 60_000][..]].concat();
    let endless = pack(&[&progress], "").body(packet(&progress));
    fetch_fails(endless.endless(), &["where a section belongs"]).await;
    let many: Vec<&[u8]> = std::iter::repeat_n(&progress[..], 40).collect();
    fetch_fails(
        pack(&many, "0000"),
        &["more than 1000000 bytes", "clone.depth"],
    )
    .await;
    let part = [b"\x01", &[0_u8; 60_000][..]].concat();
    let many: Vec<&[u8]> = [&[head][..], &[&part[..]; 10]].concat();
    fetch_fails(
        pack(&many, "0000"),
        &["the objects that came are not sound"],
    )
    .await;
    // The connection ends in the middle of the pack.
    fetch_fails(pack(&[head, blob], "").cut(1000), &["connection broke"]).await;
}

#[tokio::test]
async fn a_fetch_that_is_refused() {
    let refusal = git_answer(RESULT, &[b"ERR upload-pack: not our ref 0123\n"], "");
    fetch_fails(
        refusal,
        &["the server says: upload-pack: not our ref 0123", "log"],
    )
    .await;
    let info = format!("shallow {}\n", id());
    let shallow = git_answer(RESULT, &[b"shallow-info\n", info.as_bytes()], "0000");
    fetch_fails(shallow, &["where a pack belongs"]).await;
    let nak = git_answer(RESULT, &[b"acknowledgments\n", b"NAK\n"], "0000");
    fetch_fails(nak, &["where a pack belongs"]).await;
    // Only SHA-1 ids are asked for, and deepening only where it is known.
    let server = Script::new().on("GET", GREETING, version_2("")).start();
    let remote = remote(&server);
    let wants = [CommitId::parse(&"a".repeat(64)).unwrap()];
    let fetch = Fetch {
        wants: &wants,
        ..Fetch::default()
    };
    let error = remote
        .fetch(&fetch, Path::new("/nowhere"))
        .await
        .unwrap_err();
    says(&error, &["SHA-256"]);
    let wants = [CommitId::parse(&id()).unwrap()];
    let fetch = Fetch {
        wants: &wants,
        deepen: Some(1),
        commits_only: true,
        ..Fetch::default()
    };
    let error = remote
        .fetch(&fetch, Path::new("/nowhere"))
        .await
        .unwrap_err();
    says(&error, &["no shallow histories"]);
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_said() {
    let pack = git_answer(
        RESULT,
        &[b"packfile\n", b"\x01PACK\0\0\0\x02\0\0\0\0"],
        "0000",
    );
    let server = Script::new().on("POST", UPLOAD_PACK, pack).start();
    let wants = [CommitId::parse(&id()).unwrap()];
    let fetch = Fetch {
        wants: &wants,
        ..Fetch::default()
    };
    let error = remote(&server)
        .fetch(&fetch, Path::new("/dev/null/x"))
        .await
        .unwrap_err();
    says(&error, &["could not be kept", "room for temporary files"]);
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let start = Instant::now();
    let line = packet(format!("{} refs/heads/main\n", id()).as_bytes());
    let silent = Answer::status(200)
        .header("Content-Type", RESULT)
        .body(line);
    let server = Script::new()
        .on("POST", UPLOAD_PACK, silent.stalled_after(20))
        .start();
    let client = client_of(&server.address(), Duration::from_secs(2));
    let url = format!("http://{}/r.git", server.address());
    let error = Remote::new(&url, None, client)
        .unwrap()
        .list()
        .await
        .unwrap_err();
    says(&error, &["nothing came any more"]);
    assert!(error.may_pass() && start.elapsed() < Duration::from_secs(60));
}
