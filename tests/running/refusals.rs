//! Servers that refuse, say nonsense, or say nothing: unknown, with the way out, for both kinds.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::support::drone_api;
use crate::support::http::Request;
use crate::support::kubernetes::{DEPLOYMENT, IMAGE, PODS, deployment, object, refusal};
use crate::support::scripted::{Answer, Script};

/// The first answer of a cluster.
fn kube(answer: Answer) -> Script {
    Script::new().on("GET", DEPLOYMENT, answer)
}

/// The first answer of Drone.
fn drone(answer: Answer) -> Script {
    Script::new().on("GET", &drone_api::page(1), answer)
}

#[track_caller]
fn both(answer: impl Fn() -> Answer, words: &[&str], again: bool) {
    let server = kube(answer()).start();
    Step::deployment(&server.address()).unknown(words, again);
    let server = drone(answer()).start();
    Step::drone(&server.address()).unknown(words, again);
}

#[test]
fn a_cluster_that_refuses_says_what_to_do() {
    let case = |answer: Answer, anonymous: bool, words: &[&str]| {
        let server = kube(answer).start();
        let step = Step::deployment(&server.address());
        let step = if anonymous {
            step.without_secrets()
        } else {
            step
        };
        step.unknown(words, false);
    };
    let who = || refusal(401, "Unauthorized", "Unauthorized");
    case(
        who(),
        false,
        &["answered 401, Unauthorized", "check `kube_token`"],
    );
    case(who(), true, &["401", "set `kube_token`"]);
    let right = || {
        refusal(
            403,
            "Forbidden",
            "deployments.apps \"service\" is forbidden",
        )
    };
    case(
        right(),
        false,
        &[
            "403",
            "is forbidden",
            "right to get `deployments` in the namespace `cs-prod`",
        ],
    );
    case(right(), true, &["403", "set `kube_token`"]);
    let missing = refusal(404, "NotFound", "deployments.apps \"service\" not found");
    case(
        missing,
        false,
        &[
            "404",
            "not found",
            "`policy.running.cs-prod`",
            "no such Deployment",
        ],
    );
    let page = Answer::status(404).body("<html>nothing here</html>");
    case(
        page,
        false,
        &[
            "404 without an explanation",
            "`policy.running.cs-prod.kube` is the address",
        ],
    );
    let teapot = Answer::status(418);
    case(teapot, false, &["418", "ask who runs the cluster"]);
}

#[test]
fn a_drone_server_that_refuses_says_what_to_do() {
    let case = |answer: Answer, anonymous: bool, words: &[&str]| {
        let server = drone(answer).start();
        let step = Step::drone(&server.address());
        let step = if anonymous {
            step.without_secrets()
        } else {
            step
        };
        step.unknown(words, false);
    };
    let who = || drone_api::refusal(401, "Unauthorized");
    case(who(), false, &["401, Unauthorized", "check `drone_token`"]);
    case(who(), true, &["401", "set `drone_token`"]);
    let hidden = || drone_api::refusal(404, "Not Found");
    case(
        hidden(),
        false,
        &["404, Not Found", "may read `example/service` in Drone"],
    );
    case(hidden(), true, &["404", "only public repositories"]);
    case(
        Answer::status(418),
        false,
        &["418", "ask who runs the Drone server"],
    );
}

#[test]
fn a_secret_that_is_empty_is_missing_and_nobody_is_asked() {
    for (name, setting) in [
        ("PLUGIN_KUBE_TOKEN", "kube_token"),
        ("PLUGIN_DRONE_TOKEN", "drone_token"),
    ] {
        let server = Script::new().start();
        let step = match setting {
            "kube_token" => Step::deployment(&server.address()),
            _ => Step::drone(&server.address()),
        };
        let step = step.secret(name, "");
        let words = [
            &*format!("`{setting}` is set but empty"),
            "name of the secret",
        ];
        step.unknown(&words, false);
        // Drone withholds secrets from pull requests; the push decides.
        let step = step.build(DroneBuild::pull_request(1, "feature", "hotfix/EX-1"));
        let Source::NotConfigured(why) = step.one().answer else {
            panic!("a pull request cannot be asked for it");
        };
        assert!(why.contains(setting), "{why}");
    }
}

#[test]
fn an_answer_that_is_none_is_unknown() {
    for (body, said) in [
        ("<html><title>Log in</title></html>", "a web page"),
        ("  \n<!doctype html>", "a web page"),
        ("", "answered with nothing"),
        ("  ", "answered with nothing"),
        ("nonsense", "no whole JSON"),
        ("\"text\"", "another form"),
        ("{}", "another form"),
        ("null", "another form"),
        ("[1]", "another form"),
        ("[{\"number\":\"1\"}]", "another form"),
    ] {
        both(
            || Answer::status(200).body(body),
            &[said, "check that `policy."],
            false,
        );
    }
    both(|| Answer::status(204), &["204"], false);
    let server = kube(Answer::status(200).body("{\"kind\": \"Depl")).start();
    Step::deployment(&server.address()).unknown(&["no whole JSON"], false);
    let server = drone(Answer::status(200).body("[{\"number\": 4")).start();
    Step::drone(&server.address()).unknown(&["no whole JSON"], false);
    let deep = |start: &str| Answer::status(200).body(format!("{start}{}", "[".repeat(100_000)));
    let server = kube(deep("{\"x\":")).start();
    Step::deployment(&server.address()).unknown(&["no whole JSON"], false);
    let server = drone(deep("[{\"x\":")).start();
    Step::drone(&server.address()).unknown(&["no whole JSON"], false);
}

#[test]
fn an_answer_about_something_else_is_unknown() {
    let case = |change: fn(&mut Value)| {
        let image = format!("{IMAGE}:1");
        let mut value = serde_json::to_value(deployment(&image)).expect("JSON");
        change(&mut value);
        let server = kube(Answer::status(200).json(&value)).start();
        Step::deployment(&server.address()).unknown(&["policy.running.cs-prod.kube"], false);
    };
    case(|value| value["kind"] = json!("StatefulSet"));
    case(|value| value["metadata"]["name"] = json!("other"));
    case(|value| value["metadata"]["namespace"] = json!("cs-notprod"));
    case(|value| value["spec"]["template"]["spec"] = json!(null));
    case(|value| value["spec"]["replicas"] = json!("2"));
    let image = format!("{IMAGE}:1");
    let server = kube(object(&deployment(&image)))
        .on(
            "GET",
            PODS,
            Answer::status(200).json(&json!({ "kind": "List", "metadata": {} })),
        )
        .start();
    Step::deployment(&server.address()).unknown(&["no list of pods"], false);
}

#[test]
fn bodies_are_bounded() {
    both(
        || Answer::status(200).body(" ".repeat(65_536)).endless(),
        &["longer than 8388608 bytes"],
        false,
    );
}

#[test]
fn what_may_pass_is_worth_another_try() {
    let busy = || Answer::status(429).header("Retry-After", "0");
    let server = Script::new().on("GET", DEPLOYMENT, busy()).times(5).start();
    Step::deployment(&server.address())
        .unknown(&["429", "5 times", "run the step again in a minute"], true);
    let server = Script::new()
        .on("GET", &drone_api::page(1), busy())
        .times(5)
        .start();
    Step::drone(&server.address()).unknown(&["429", "5 times"], true);
    let down = || Answer::status(503).header("Retry-After", "3600");
    let server = kube(down()).start();
    Step::deployment(&server.address())
        .impatient()
        .unknown(&["503", "again"], true);
    let server = drone(down()).start();
    Step::drone(&server.address())
        .impatient()
        .unknown(&["503", "again"], true);
}

fn nobody() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    free.local_addr().expect("an address").to_string()
}

/// Ways to say nothing.
fn silences() -> [Answer; 4] {
    [
        Answer::stall(),
        Answer::hang_up(),
        Answer::status(200).body("[    ]").stalled_after(1),
        Answer::status(200).body("[").cut(5),
    ]
}

#[test]
fn a_silent_cluster_is_unknown() {
    let nowhere = Step::deployment(&nobody()).impatient();
    nowhere.unknown(&["no connection", "whether the runner can reach"], true);
    for answer in silences() {
        let server = Script::new().on("GET", DEPLOYMENT, answer).always().start();
        let step = Step::deployment(&server.address()).impatient();
        step.unknown(&["cs-prod", "`policy."], true);
    }
}

#[test]
fn a_silent_drone_server_is_unknown() {
    let nowhere = Step::drone(&nobody()).impatient();
    nowhere.unknown(&["no connection", "whether the runner can reach"], true);
    for answer in silences() {
        let script = Script::new().on("GET", &drone_api::page(1), answer);
        let server = script.always().start();
        let step = Step::drone(&server.address()).impatient();
        step.unknown(&["cs-prod", "`policy."], true);
    }
}

#[test]
fn a_slow_source_does_not_hold_up_the_others() {
    // Each of the two servers answers once the other was asked.
    let met = Arc::new((Mutex::new(0_u8), Condvar::new()));
    let meets = || {
        let met = Arc::clone(&met);
        move |_: &Request| {
            let (count, changed) = &*met;
            let mut count = count.lock().expect("no panic");
            *count += 1;
            changed.notify_all();
            let alone = |count: &mut u8| *count < 2;
            let waited = changed.wait_timeout_while(count, Duration::from_secs(20), alone);
            !waited.expect("no panic").1.timed_out()
        }
    };
    let slow = kube(Answer::status(401)).condition("beside the other", meets());
    let slow = slow.start();
    let other = drone(drone_api::refusal(401, "no")).condition("beside the other", meets());
    let other = other.start();
    let mut step = Step::deployment(&slow.address())
        .key("timeout", json!("300s"))
        .key("drone", json!(format!("http://{}", other.address())))
        .key(
            "tls",
            json!({ "insecure": [slow.address(), other.address()] }),
        );
    step.policy["running"]["wcs-prod"] = json!({ "drone": "wcs-prod" });
    step.policy["running"]["x-prod"] = json!("1.0.0");
    let Source::Known(running) = step.ask() else {
        panic!("asked");
    };
    slow.finish();
    other.finish();
    let unknown: Vec<bool> = running
        .targets
        .iter()
        .map(|on| !matches!(on.answer, Source::Known(_)))
        .collect();
    assert_eq!(unknown, [true, true, false]);
}

#[test]
fn nobody_is_sent_elsewhere_with_the_token() {
    let elsewhere = Script::new()
        .on("GET", "/login", Answer::status(200).json(&json!([])))
        .without_header("Authorization")
        .start();
    // The same machine under another name is another host.
    let location = format!(
        "http://{}/login",
        elsewhere.address().replace("127.0.0.1", "localhost")
    );
    let server = drone(Answer::status(302).header("Location", &location)).start();
    let addresses = [
        server.address(),
        elsewhere.address().replace("127.0.0.1", "localhost"),
    ];
    Step::drone(&server.address())
        .key("tls", json!({ "insecure": addresses }))
        .unknown(
            &["sends us on to `localhost:", "check that `policy.drone`"],
            false,
        );
    let server = kube(Answer::status(302).header("Location", &location)).start();
    Step::deployment(&server.address()).unknown(
        &["plain HTTP", "check that `policy.running.cs-prod.kube`"],
        false,
    );
}

#[test]
fn a_variable_that_decides_about_names_stops_plain_hosts() {
    for name in [
        "HOSTALIASES",
        "LOCALDOMAIN",
        "RES_OPTIONS",
        "RESOLV_HOST_CONF",
    ] {
        let server = Script::new().start();
        for step in [
            Step::deployment(&server.address()),
            Step::drone(&server.address()),
        ] {
            step.variable(name, "/tmp/x")
                .unknown(&[name, "start the build again"], false);
        }
    }
}
