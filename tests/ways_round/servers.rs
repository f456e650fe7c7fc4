//! A registry that does not say what it has. A «no» is only what a registry says well.

use super::to_qa;
use crate::support::binary::Run;
use crate::support::image;
use crate::support::pipeline::DroneBuild;
use crate::support::scripted::{Answer, Script};

fn versions() -> [String; 4] {
    let digest = image::single("hotfix").manifest.digest;
    [
        "build_418".to_owned(),
        "1.2.3".to_owned(),
        digest.clone(),
        format!("app:1.2.3@{digest}"),
    ]
}

/// Every version at the same time, as a promotion to QA: most of it is waiting for another try.
fn each(promote: impl Fn(&str) -> Run + Sync) -> Vec<Run> {
    let (versions, promote) = (versions(), &promote);
    std::thread::scope(|scope| {
        let started: Vec<_> = versions
            .iter()
            .map(|version| scope.spawn(move || promote(version)))
            .collect();
        started
            .into_iter()
            .map(|run| run.join().expect("a run"))
            .collect()
    })
}

/// Against a registry that gives this answer to everything.
fn against(answer: &Answer) -> Vec<Run> {
    each(|version| {
        let server = Script::new()
            .on("GET", "/*", answer.clone())
            .always()
            .on("HEAD", "/*", answer.clone())
            .always()
            .start();
        let build = DroneBuild::push("main");
        let run = to_qa(&server.address(), &build, &[("VERSION", version)]);
        server.finish();
        run
    })
}

#[test]
fn a_registry_that_is_down() {
    // A port that was ours a moment ago, so that nobody listens there.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .to_string();
    let build = DroneBuild::push("main");
    for run in each(|version| to_qa(&address, &build, &[("VERSION", version)])) {
        run.ends(2, &["undecided, qa-closed", &address]);
    }
}

#[test]
fn a_registry_that_has_nothing() {
    for run in against(&Answer::error(404, "NAME_UNKNOWN")) {
        run.ends(2, &["undecided, qa-closed"]);
    }
    for run in against(&Answer::status(404)) {
        run.ends(2, &["undecided, qa-closed"]);
    }
    // With an empty list beside it, too.
    for run in against(&Answer::status(200).body("{\"name\":\"example/app\",\"tags\":null}")) {
        run.ends(2, &["undecided, qa-closed"]);
    }
}

#[test]
fn a_registry_that_shows_a_login_page() {
    let page = "<!DOCTYPE html><html><title>Sign in</title><body>Please sign in</body></html>";
    for status in [200, 403, 404, 502] {
        let answer = Answer::status(status)
            .header("Content-Type", "text/html; charset=utf-8")
            .body(page);
        for run in against(&answer) {
            run.ends(2, &["undecided, qa-closed"]);
        }
    }
}

#[test]
fn a_registry_whose_list_is_empty_beside_an_image() {
    let hotfix = image::single("hotfix").manifest;
    for list in [
        "{\"tags\":[]}",
        "{\"tags\":null}",
        "{}",
        "[]",
        "",
        "{\"tags\":[\"1.2.3\"]}",
    ] {
        let server = Script::new()
            .on(
                "GET",
                "/v2/example/app/manifests/build_418",
                Answer::manifest(&hotfix),
            )
            .always()
            .on(
                "GET",
                "/v2/example/app/tags/*",
                Answer::status(200).body(list),
            )
            .always()
            .without_statements()
            .start();
        let build = DroneBuild::push("main");
        let run = to_qa(&server.address(), &build, &[("VERSION", "build_418")]);
        server.finish();
        run.ends(2, &["undecided, qa-closed"]);
    }
}
