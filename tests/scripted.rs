//! Registries that answer oddly. Every request is scripted; one that is not fails the test.

use crate::support::binary::{Run, run};
use crate::support::gate::drone_environment;
use crate::support::image;
use crate::support::pipeline::DroneBuild;
use crate::support::scripted::{ADDRESS, Answer, Script, Scripted};

const SOURCE: &str = "/v2/example/app/manifests/build_418";
const TAG: &str = "/v2/example/app/manifests/branch-hotfix_HOCS-1";
const TAGS: &str = "/v2/example/app/tags/list?n=1000";
const RELEASE: &str = "/v2/example/app/manifests/1.0.0";

fn settings(address: &str) -> String {
    format!(
        "{{policy: {{repo: \"{address}/example/app\", source: \"build_{{build}}\", attest: false, rules: {{image-commit: \"off\"}}, \
         tls: {{insecure: [\"{address}\"]}}}}}}"
    )
}

fn push(server: &Scripted) -> Run {
    run(drone_environment(
        &DroneBuild::push("hotfix/HOCS-1"),
        &settings(&server.address()),
    ))
}

fn promote(server: &Scripted, version: &str) -> Run {
    let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa").param("VERSION", version);
    run(drone_environment(&build, &settings(&server.address())))
}

#[track_caller]
fn code(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{}", run.text);
    for word in words {
        assert!(run.text.contains(word), "no {word} in\n{}", run.text);
    }
}

/// A push whose source is answered so; the tag does not exist yet, and nothing may be written.
#[track_caller]
fn source(answer: Answer, words: &[&str]) {
    source_times(answer, 1, words);
}

/// The same for an answer that is asked for again.
#[track_caller]
fn source_times(answer: Answer, times: usize, words: &[&str]) {
    let server = Script::new()
        .on("GET", SOURCE, answer)
        .times(times)
        .on("HEAD", TAG, Answer::status(404))
        .without_statements()
        .start();
    let run = push(&server);
    server.finish();
    code(&run, 4, words);
    code(
        &run,
        4,
        &[
            "not published",
            "written:  nothing",
            "not written: `branch-hotfix_HOCS-1`",
        ],
    );
}

#[test]
fn a_source_that_is_no_manifest_is_not_published() {
    let manifest = image::single("x").manifest;
    source(
        Answer::status(200)
            .header("Content-Type", "text/html")
            .body("<html>"),
        &["not a manifest"],
    );
    source(Answer::status(200).body(""), &["not a manifest"]);
    source_times(
        Answer::manifest(&manifest).cut(10),
        5,
        &["the connection broke"],
    );
    source(
        Answer::status(200).endless(),
        &["longer than 4194304 bytes"],
    );
    source_times(Answer::hang_up(), 5, &["the connection broke"]);
    let json = |text: &str| {
        Answer::status(200)
            .header("Content-Type", image::OCI_MANIFEST)
            .body(text)
    };
    source(json("{\"schemaVersion\":1,\"fsLayers\":[]}"), &["schema 1"]);
    source(
        json("{\"layers\":[],\"config\":{},\"manifests\":[]}"),
        &["CVE-2021-41190"],
    );
    source(
        json("{\"mediaType\":\"application/json\"}"),
        &["neither an image nor an index"],
    );
    let lied = Answer::status(200)
        .header("Content-Type", &manifest.media_type)
        .header("Docker-Content-Digest", &image::sha256(b"other"))
        .body(manifest.bytes.clone());
    source(lied, &["the registry says digest"]);
}

#[test]
fn errors_are_told_in_the_registrys_words_and_with_a_way_out() {
    source(
        Answer::error(404, "MANIFEST_UNKNOWN"),
        &["404, MANIFEST_UNKNOWN", "pushed by an earlier step"],
    );
    source(
        Answer::error(404, "NAME_UNKNOWN"),
        &["check `policy.source`"],
    );
    source(
        Answer::error(403, "DENIED"),
        &["403, DENIED", "right to pull"],
    );
    source_times(
        Answer::status(503)
            .header("Retry-After", "0")
            .body("<html>\u{1b}[2J"),
        5,
        &["503 without an explanation, 5 times", "again in a minute"],
    );
    source_times(
        Answer::status(500).header("Retry-After", "0").endless(),
        5,
        &["500 without an explanation"],
    );
    let hostile =
        "{\"errors\":[{\"code\":\"X\",\"message\":\"\\u001b[31mrefused by nobody\\n\\u202e\"}]}";
    let server = Script::new()
        .on("GET", SOURCE, Answer::status(400).body(hostile))
        .on("HEAD", TAG, Answer::status(404))
        .without_statements()
        .start();
    let run = push(&server);
    server.finish();
    assert!(
        run.text.contains("\\u{1b}[31mrefused") && run.text.contains("\\u{202e}"),
        "{}",
        run.text
    );
    assert!(!run.text.contains('\u{1b}') && !run.text.contains('\u{202e}'));
}

#[test]
fn redirects_are_followed_only_where_they_may_go() {
    let manifest = image::single("x").manifest;
    let moved = |to: &str| Answer::status(307).header("Location", to);
    // To itself, with a query that must be kept.
    let server = Script::new()
        .on("GET", SOURCE, moved("/elsewhere?sig=a%2Fb"))
        .on("GET", "/elsewhere?sig=a%2Fb", Answer::manifest(&manifest))
        .on("HEAD", TAG, Answer::manifest(&manifest))
        .without_statements()
        .start();
    let run = push(&server);
    server.finish();
    code(&run, 0, &["published already"]);
    source(
        moved("http://registry.example/x"),
        &["we do not follow", "policy.tls.insecure"],
    );
    source(moved("file:///etc/passwd"), &["not http or https"]);
    let server = Script::new()
        .on("GET", SOURCE, moved(SOURCE))
        .times(6)
        .on("HEAD", TAG, Answer::status(404))
        .without_statements()
        .start();
    let run = push(&server);
    server.finish();
    code(&run, 4, &["more than 5 redirects"]);
}

#[test]
fn what_was_written_is_read_back() {
    let manifest = image::single("x").manifest;
    let other = image::single("other").manifest;
    let begin = |put: Answer| {
        Script::new()
            .on("GET", SOURCE, Answer::manifest(&manifest))
            .on("HEAD", TAG, Answer::status(404))
            .on("PUT", TAG, put)
            .with_header("Content-Type", &manifest.media_type)
    };
    // A web server that says 201 to anything, and another build that was faster.
    for (answer, times, word) in [
        (Answer::status(404), 4, "no such tag"),
        (
            Answer::manifest(&other),
            1,
            "another build wrote the same tag",
        ),
    ] {
        let back = begin(Answer::status(201)).on("HEAD", TAG, answer);
        let server = back.times(times).start();
        let run = push(&server);
        server.finish();
        code(&run, 4, &["not published", word]);
    }
    let lied = Answer::status(201).header("Docker-Content-Digest", &other.digest);
    let server = begin(lied).start();
    let run = push(&server);
    server.finish();
    code(&run, 4, &["the registry stored digest"]);
    // What is refused is looked at once more: the tag itself tells whether it was written.
    for (put, times, words) in [
        (
            Answer::error(403, "DENIED"),
            1,
            ["writing", "right to pull from and push to"],
        ),
        (
            Answer::error(429, "TOOMANYREQUESTS").header("Retry-After", "0"),
            5,
            ["429, TOOMANYREQUESTS", "in a minute"],
        ),
        (
            Answer::error(412, "PRECONDITION"),
            1,
            ["412, PRECONDITION", "does not let tags move"],
        ),
    ] {
        let server = begin(put)
            .times(times)
            .on("HEAD", TAG, Answer::status(404))
            .without_statements()
            .start();
        let run = push(&server);
        server.finish();
        code(&run, 4, &words);
    }
    // Without a digest header the bytes are read.
    let bare = Answer::status(200).header("Content-Type", &manifest.media_type);
    let server = begin(Answer::status(201))
        .on("HEAD", TAG, bare)
        .on("GET", TAG, Answer::manifest(&manifest))
        .without_statements()
        .start();
    let run = push(&server);
    server.finish();
    code(&run, 0, &["allowed and published"]);
}

#[test]
fn tokens_of_odd_services() {
    let manifest = image::single("x").manifest;
    let challenge = format!("Bearer realm=\"http://{ADDRESS}/token\",service=\"example\"");
    let token = "/token?service=example&scope=repository%3Aexample%2Fapp%3Apull%2Cpush";
    let begin = || {
        Script::new()
            .on(
                "GET",
                SOURCE,
                Answer::status(401).header("WWW-Authenticate", &challenge),
            )
            .without_header("Authorization")
            .on(
                "HEAD",
                TAG,
                Answer::status(401).header("WWW-Authenticate", &challenge),
            )
            .without_header("Authorization")
    };
    // An opaque token, asked for once though two requests were challenged.
    let server = begin()
        .on(
            "GET",
            token,
            Answer::status(200).body("{\"access_token\":\"opaque-token\"}"),
        )
        .on("GET", SOURCE, Answer::manifest(&manifest))
        .with_header("Authorization", "Bearer opaque-token")
        .on("HEAD", TAG, Answer::manifest(&manifest))
        .with_header("Authorization", "Bearer opaque-token")
        .without_statements()
        .start();
    let run = push(&server);
    server.finish();
    code(&run, 0, &["published already"]);
    assert!(!run.text.contains("opaque-token"));
    // Both challenged requests ask for themselves when the first answer was no token.
    for (answer, words) in [
        (
            Answer::status(200).body("{}"),
            ["without a token", "ask who runs the registry"],
        ),
        (
            Answer::status(200).body("<html>"),
            ["without a token", "ask who runs the registry"],
        ),
        (
            Answer::error(403, "DENIED"),
            ["token service answered 403, DENIED", "check `username`"],
        ),
    ] {
        let server = begin().on("GET", token, answer).times(2).start();
        let run = push(&server);
        server.finish();
        code(&run, 4, &words);
    }
}

#[test]
fn a_list_of_tags_that_is_not_whole_decides_nothing() {
    let (release, hotfix) = (
        image::single("release").manifest,
        image::single("hotfix").manifest,
    );
    let tags = |names: &str| {
        Answer::status(200).body(format!("{{\"name\":\"example/app\",\"tags\":{names}}}"))
    };
    let unknown = |list: Answer, words: &[&str]| {
        let server = Script::new()
            .on("GET", RELEASE, Answer::manifest(&release))
            .on("GET", TAGS, list)
            .without_statements()
            .start();
        let run = promote(&server, "1.0.0");
        server.finish();
        code(&run, 2, words);
    };
    unknown(
        tags("null"),
        &["the list is not whole", "right to list the tags"],
    );
    unknown(tags("[]"), &["the list is not whole"]);
    unknown(tags("[\"2.0.0\"]"), &["the list is not whole"]);
    unknown(Answer::status(200).body("<html>"), &["not a list of tags"]);
    unknown(Answer::status(200).endless(), &["longer than"]);
    unknown(Answer::error(401, "UNAUTHORIZED"), &["401"]);
    unknown(Answer::error(404, "NAME_UNKNOWN"), &["404, NAME_UNKNOWN"]);
    unknown(
        tags("[\"1.0.0\"]").header("Link", "<https://elsewhere.example/v2/>; rel=\"next\""),
        &["its next page is on another host"],
    );
    // Pages are followed, and a hotfix on the last one is found.
    let next = "/v2/example/app/tags/list?last=1.0.0&n=1000";
    let server = Script::new()
        .on("GET", RELEASE, Answer::manifest(&hotfix))
        .on(
            "GET",
            TAGS,
            tags("[\"1.0.0\"]").header("Link", &format!("<{next}>; rel=\"next\"")),
        )
        .on("GET", next, tags("[\"branch-hotfix_HOCS-1\"]"))
        .on("GET", TAG, Answer::manifest(&hotfix))
        .without_statements()
        .start();
    let run = promote(&server, "1.0.0");
    server.finish();
    code(&run, 1, &["refused by qa-closed", "byte for byte"]);
    // One hotfix tag that cannot be looked at leaves it open.
    let server = Script::new()
        .on("GET", RELEASE, Answer::manifest(&release))
        .on("GET", TAGS, tags("[\"1.0.0\",\"branch-hotfix_HOCS-1\"]"))
        .on(
            "GET",
            TAG,
            Answer::error(500, "UNKNOWN").header("Retry-After", "0"),
        )
        .times(5)
        .without_statements()
        .start();
    let run = promote(&server, "1.0.0");
    server.finish();
    code(&run, 2, &["undecided", "500, UNKNOWN", "may help"]);
}

#[test]
fn a_registry_that_says_yes_or_no_to_everything_opens_nothing() {
    let server = Script::new()
        .on("HEAD", "/v2/*", Answer::status(404))
        .always()
        .on("GET", "/v2/*", Answer::error(404, "NAME_UNKNOWN"))
        .always()
        .without_statements()
        .start();
    let run = promote(&server, "1.0.0");
    server.finish();
    code(&run, 2, &["undecided"]);
    let html = || {
        Answer::status(200)
            .header("Content-Type", "text/html")
            .body("<html>ok</html>")
    };
    let server = Script::new()
        .on("HEAD", "/v2/*", html())
        .always()
        .on("GET", "/v2/*", html())
        .always()
        .without_statements()
        .start();
    let run = promote(&server, "1.0.0");
    server.finish();
    code(&run, 2, &["undecided"]);
}
