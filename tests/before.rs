//! What happened before a promotion, by a scripted Drone server, judged by the real binary.

use std::collections::BTreeMap;

use crate::support::binary::{Run, run};
use crate::support::drone_api::{build, one, page, refusal};
use crate::support::gate::drone_gate;
use crate::support::pipeline::DroneBuild;
use crate::support::scripted::{Answer, Script};
use crate::support::team::finding;

const OK: &str = "success";
const TAG: &str = "branch-hotfix_HOCS-1";

/// Builds of the server, the promotion that is judged among them, and what is done to its answers.
#[must_use]
struct World {
    own: DroneBuild,
    builds: Vec<(DroneBuild, &'static str)>,
    policy: &'static str,
}

fn numbered(build: DroneBuild, number: u64) -> DroneBuild {
    build.with(|build| build.number = number)
}

fn hotfix(number: u64) -> DroneBuild {
    numbered(DroneBuild::push("hotfix/HOCS-1"), number)
}

fn promoted(of: &DroneBuild, target: &str, number: u64) -> DroneBuild {
    numbered(DroneBuild::promote(of, target), number)
}

impl World {
    /// The promotion of a hotfix's build to production.
    fn of(builds: &[(DroneBuild, &'static str)]) -> World {
        World::promoting(promoted(&hotfix(5), "cs-prod", 9), builds)
    }

    fn promoting(own: DroneBuild, builds: &[(DroneBuild, &'static str)]) -> World {
        World {
            own,
            builds: builds.to_vec(),
            policy: "",
        }
    }

    fn policy(mut self, keys: &'static str) -> World {
        self.policy = keys;
        self
    }

    fn script(&self) -> Script {
        let mut all = vec![build(&self.own, "running")];
        all.extend(self.builds.iter().map(|(one, status)| build(one, status)));
        let own = Answer::status(200).json(&all[0]);
        let empty = Answer::status(200).json(&serde_json::json!([]));
        // Every build is also shown alone, as often as somebody asks.
        let shown = self
            .builds
            .iter()
            .fold(Script::new(), |script, (build_, status)| {
                let answer = Answer::status(200).json(&build(build_, status));
                script.on("GET", &one(build_.number), answer).always()
            });
        shown
            .on("GET", &one(self.own.number), own)
            .on("GET", &page(1), Answer::status(200).json(&all.into()))
            .on("GET", &page(2), empty)
            .always()
    }

    fn judge(&self) -> Run {
        let server = self.script().start();
        let run = self.judge_at(&server.address());
        server.finish();
        run
    }

    fn judge_at(&self, address: &str) -> Run {
        judge(&self.own, address, self.policy)
    }
}

fn judge(build: &DroneBuild, address: &str, policy: &str) -> Run {
    let settings = format!(
        "{{drone_token: {{from_secret: t}}, log_level: debug, policy: {{drone: \"http://{address}\", \
         tls: {{insecure: [\"{address}\"]}}, timeout: 60s{policy}}}}}"
    );
    let secrets = BTreeMap::from([("t".to_owned(), "canary-token".to_owned())]);
    let run = run(build.environment(&drone_gate(&settings), &[], &secrets));
    assert!(!run.text.contains("canary-token"), "{}", run.text);
    run
}

#[track_caller]
fn says(run: &Run, rule: &str, words: &[&str]) {
    let found = finding(run, rule);
    for word in words {
        assert!(found.contains(word), "no «{word}» in\n{found}");
    }
}

/// A hotfix that was built, tried, and is promoted to production.
fn tried() -> World {
    World::of(&[(promoted(&hotfix(5), "cs-demo", 6), OK), (hotfix(5), OK)])
}

#[test]
fn a_hotfix_that_was_built_and_tried_goes_to_production() {
    let run = tried().judge();
    run.ends(0, &[]);
    says(
        &run,
        "tried-first",
        &["build 6 has promoted the promoted build to `cs-demo`"],
    );
    says(&run, "build-passed", &["build 5 of `hotfix/HOCS-1`"]);
    // A promotion of the trial, and a trial that was started again, are of the same build.
    let trial = promoted(&hotfix(5), "cs-demo", 6);
    let again = numbered(DroneBuild::restart(&trial), 7);
    let own = promoted(&again, "cs-prod", 9);
    let all = [(again, OK), (trial, "failure"), (hotfix(5), OK)];
    let run = World::promoting(own, &all).judge();
    run.ends(0, &[]);
    says(
        &run,
        "tried-first",
        &["build 7 has promoted the promoted build to `cs-demo`"],
    );
}

#[test]
fn what_was_not_tried_is_refused() {
    let built = || (hotfix(5), OK);
    let untried: [Vec<(DroneBuild, &'static str)>; 9] = [
        vec![built()],
        vec![(promoted(&hotfix(5), "cs-demo", 6), "failure"), built()],
        vec![(promoted(&hotfix(5), "cs-demo", 6), "running"), built()],
        // Another build, a rollback, other targets.
        vec![
            (promoted(&hotfix(4), "cs-demo", 6), OK),
            built(),
            (hotfix(4), OK),
        ],
        vec![
            (numbered(DroneBuild::rollback(&hotfix(5), "cs-demo"), 6), OK),
            built(),
        ],
        vec![(promoted(&hotfix(5), "cs-qa", 6), OK), built()],
        vec![(promoted(&hotfix(5), "cs-prod", 6), OK), built()],
        vec![(promoted(&hotfix(5), "c\u{455}-prod", 6), OK), built()],
        // Something else was deployed there.
        vec![
            (
                promoted(&hotfix(5), "cs-demo", 6).param("VERSION", "1.0.0"),
                OK,
            ),
            built(),
        ],
    ];
    for builds in untried {
        let run = World::of(&builds).judge();
        run.begins(1, "tried-first");
    }
    let sign_off = ", sign_off: {target: cs-demo, who: [qa-lead]}";
    tried().policy(sign_off).judge().begins(1, "tried-first");
    // What comes after it did not come before it.
    let later = promoted(&hotfix(5), "cs-demo", 12);
    let run = World::of(&[built()]);
    let run = World {
        builds: [vec![(later, OK)], run.builds].concat(),
        ..run
    };
    let mut all: Vec<_> = run
        .builds
        .iter()
        .map(|(one, status)| build(one, status))
        .collect();
    all.insert(1, build(&run.own, "running"));
    let server = Script::new()
        .on(
            "GET",
            &one(5),
            Answer::status(200).json(&build(&hotfix(5), OK)),
        )
        .always()
        .on(
            "GET",
            &one(9),
            Answer::status(200).json(&build(&run.own, "running")),
        )
        .on("GET", &page(1), Answer::status(200).json(&all.into()))
        .on(
            "GET",
            &page(2),
            Answer::status(200).json(&serde_json::json!([])),
        )
        .start();
    run.judge_at(&server.address()).begins(1, "tried-first");
    server.finish();
}

#[test]
fn a_trial_must_have_been_long_enough() {
    for (soak, code) in [("1m", 0), ("3650d", 1)] {
        let soak: &'static str = match soak {
            "1m" => ", limits: {soak: 1m}",
            _ => ", limits: {soak: 3650d}",
        };
        let run = tried().policy(soak).judge();
        run.ends(code, &[]);
        if code == 1 {
            says(&run, "tried-first", &["ended at least", "`limits.soak`"]);
        }
    }
    for (ended, words) in [
        (serde_json::json!(0), "an unknown time"),
        (serde_json::json!(9_999_999_999_i64), "ended at least"),
        (serde_json::json!(null), "an unknown time"),
    ] {
        let world = tried();
        let mut trial = build(&world.builds[0].0, OK);
        trial["finished"] = ended;
        let own = build(&world.own, "running");
        let list = serde_json::json!([own.clone(), trial, build(&hotfix(5), OK)]);
        let server = Script::new()
            .on(
                "GET",
                &one(5),
                Answer::status(200).json(&build(&hotfix(5), OK)),
            )
            .always()
            .on("GET", &one(9), Answer::status(200).json(&own))
            .on("GET", &page(1), Answer::status(200).json(&list))
            .on(
                "GET",
                &page(2),
                Answer::status(200).json(&serde_json::json!([])),
            )
            .always()
            .start();
        let run = world.judge_at(&server.address());
        server.finish();
        run.begins(1, "tried-first");
        says(&run, "tried-first", &[words]);
    }
}

#[test]
fn the_same_image_is_the_same_digest() {
    let digest = |c: &str| format!("sha256:{}", c.repeat(64));
    let of = |text: &str, target: &str, number| {
        promoted(&hotfix(5), target, number).param("VERSION", text)
    };
    let judged = |trial: &str, version: &str| {
        let own = of(version, "cs-prod", 9);
        let all = [(of(trial, "cs-demo", 6), OK), (hotfix(5), OK)];
        World::promoting(own, &all)
            .policy(", rules: {build-passed: \"off\"}")
            .judge()
    };
    let (a, b) = (digest("a"), digest("b"));
    judged(&a, &a).ends(0, &[]);
    judged(&format!("example/service:x@{a}"), &a).ends(0, &[]);
    let run = judged(&b, &a);
    run.begins(1, "tried-first");
    says(&run, "tried-first", &["no promotion of", &a]);
    // Nobody knows what a tag was at that time.
    let run = judged(TAG, &a);
    run.begins(2, "tried-first");
    says(
        &run,
        "tried-first",
        &["the same tag", "nobody has kept which image"],
    );
    judged("1.0.0", &a).begins(1, "tried-first");
    // A tag beside the digest of another image does not say which build it is.
    let run = judged(&a, &format!("example/service:{TAG}@{a}"));
    run.ends(0, &[]);
    let own = of(&format!("example/service:{TAG}@{a}"), "cs-prod", 9);
    let all = [(of(&a, "cs-demo", 6), OK), (hotfix(5), OK)];
    let run = World::promoting(own, &all).judge();
    run.begins(2, "build-passed");
}

#[test]
fn where_trial_targets_are_listed_no_other_target_is_one() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let of = |target: &str, number| promoted(&hotfix(5), target, number).param("VERSION", &digest);
    let judged = |trial: &str, policy: &'static str| {
        let all = [(of(trial, 6), OK), (hotfix(5), OK)];
        World::promoting(of("cs-prod", 9), &all)
            .policy(policy)
            .judge()
    };
    let default = ", rules: {build-passed: \"off\"}";
    let listed = ", rules: {build-passed: \"off\"}, targets: {trial: [cs-demo]}";
    judged("no-such-place", default).ends(0, &[]);
    judged("no-such-place", listed).begins(1, "tried-first");
    judged("cs-demo", listed).ends(0, &[]);
}

#[test]
fn the_carrier_proves_nothing_for_the_hotfix() {
    let main = || numbered(DroneBuild::push("main"), 8);
    let judged = |builds: &[(DroneBuild, &'static str)], notes: Option<&str>| {
        let mut own = promoted(&main(), "cs-prod", 9).param("VERSION", TAG);
        if let Some(notes) = notes {
            own = own.param("NOTES", notes);
        }
        let mut all = vec![(main(), OK)];
        all.extend_from_slice(builds);
        World::promoting(own, &all)
            .policy(", rules: {tried-first: \"off\"}")
            .judge()
    };
    judged(&[(hotfix(5), OK)], None).ends(0, &["build 5 of `hotfix/HOCS-1`"]);
    for status in [
        "failure", "error", "killed", "running", "pending", "blocked",
    ] {
        let run = judged(&[(hotfix(5), status)], None);
        run.begins(1, "build-passed");
        says(
            &run,
            "build-passed",
            &["build 5 of `hotfix/HOCS-1`", status],
        );
    }
    judged(&[(hotfix(5), "sleeping")], None).begins(1, "build-passed");
    judged(&[(hotfix(6), "skipped"), (hotfix(5), OK)], None).ends(0, &[]);
    // The tag may be of the newer one.
    let run = judged(&[(hotfix(6), "failure"), (hotfix(5), OK)], None);
    run.begins(1, "build-passed");
    says(&run, "build-passed", &["build 5 before it ended well"]);
    let run = judged(&[], None);
    run.begins(2, "build-passed");
    says(&run, "build-passed", &["is not known"]);
    // What is only mentioned is not what is deployed.
    let other = numbered(DroneBuild::push("hotfix/OTHER"), 7);
    for notes in ["hotfix/OTHER", "branch-hotfix_OTHER"] {
        let builds = [(other.clone(), OK), (hotfix(5), "failure")];
        judged(&builds, Some(notes)).begins(1, "build-passed");
    }
    // Two branches that make one tag.
    let twin = numbered(DroneBuild::push("hotfix/A/B"), 7);
    let own = promoted(&main(), "cs-prod", 9).param("VERSION", "branch-hotfix_A_B");
    let first = numbered(DroneBuild::push("hotfix/A_B"), 6);
    let all = [(main(), OK), (twin, OK), (first, OK)];
    let run = World::promoting(own, &all)
        .policy(", rules: {tried-first: \"off\"}")
        .judge();
    run.begins(2, "build-passed");
}

#[test]
fn parameters_that_configure_are_refused_for_everybody() {
    let release = |name: &str, value: &str| {
        let main = numbered(DroneBuild::push("main"), 5);
        let own = promoted(&main, "cs-prod", 9)
            .param("VERSION", "1.0.0")
            .param(name, value);
        let server = Script::new()
            .on(
                "GET",
                &one(9),
                Answer::status(200).json(&build(&own, "running")),
            )
            .on("GET", &one(5), Answer::status(200).json(&build(&main, OK)))
            .start();
        // What stands in the environment decides nothing here: a shell may not even take such names.
        let plain = promoted(&main, "cs-prod", 9).param("VERSION", "1.0.0");
        let run = judge(&plain, &server.address(), "");
        server.finish();
        run
    };
    release("REASON", "urgent").ends(0, &["allowed"]);
    let long = format!("{}\r  failure: ignore", "x".repeat(100_000));
    for (name, value, words) in [
        ("PLUGIN_SKIP", "1", "`PLUGIN_SKIP`"),
        ("plugin_skip", "1", "`plugin_skip`"),
        ("DRONE_TAG", "1.0.0", "`DRONE_TAG`"),
        ("Ci_pipeline_event", "push", "`Ci_pipeline_event`"),
        ("NOTE", "a\rb", "control or line-break characters"),
        ("NOTE", "a\u{2028}b", "control or line-break characters"),
        ("NOTE", "a\u{85}b", "control or line-break characters"),
        ("NO\nTE", "a", "control or line-break characters"),
        ("NOTE", &long, "control or line-break characters"),
    ] {
        let run = release(name, value);
        assert_eq!(run.code, 1, "{name:?} {}", &value[..value.len().min(40)]);
        run.begins(1, "clean-parameters");
        says(&run, "clean-parameters", &[words]);
        assert!(!run.text.contains('\r'), "{}", run.text);
    }
    // Another version in the environment than the deploy steps may see.
    let run = release("VERSION", "2.0.0");
    run.begins(1, "clean-parameters");
    says(
        &run,
        "clean-parameters",
        &["`VERSION=2.0.0`", "another value"],
    );
}

#[test]
fn a_pull_request_is_known_by_its_event() {
    let pull = DroneBuild::pull_request(7, "HOCS-1", "main").with(|build| {
        build.number = 5;
        build.git_ref = "refs/heads/HOCS-1".to_owned();
    });
    let middle = promoted(&pull, "cs-demo", 6).param("VERSION", "1.0.0");
    let own = promoted(&middle, "cs-prod", 9);
    let script = || {
        Script::new()
            .on(
                "GET",
                &one(9),
                Answer::status(200).json(&build(&own, "running")),
            )
            .on(
                "GET",
                &one(6),
                Answer::status(200).json(&build(&middle, OK)),
            )
    };
    let server = script()
        .on("GET", &one(5), Answer::status(200).json(&build(&pull, OK)))
        .start();
    let run = judge(&own, &server.address(), "");
    server.finish();
    run.begins(1, "promoted-ref");
    says(&run, "promoted-ref", &["build 5", "a pull request"]);
    // A build that is gone says nothing, and that is said.
    let server = script()
        .on("GET", &one(5), refusal(404, "Not Found"))
        .start();
    let run = judge(&own, &server.address(), "");
    server.finish();
    run.ends(0, &["allowed"]);
}

#[test]
fn a_sign_off_is_by_somebody_of_the_policy_and_no_author() {
    let sign_off =
        ", sign_off: {target: accepted, who: [qa-lead, Author]}, rules: {signed-off: must}";
    let judged = |by: &str, status: &'static str, target: &str, author: &str| {
        let built = hotfix(5).with(|build| build.author = author.to_owned());
        let accepted = promoted(&built, target, 7).with(|build| build.trigger = by.to_owned());
        let trial = promoted(&built, "cs-demo", 6);
        let own = promoted(&built, "cs-prod", 9);
        let all = [(accepted, status), (trial, OK), (built, OK)];
        World::promoting(own, &all).policy(sign_off).judge()
    };
    let run = judged("qa-lead", OK, "accepted", "author");
    run.ends(0, &[]);
    says(&run, "signed-off", &["`qa-lead` has accepted", "build 7"]);
    judged("qa-lead", OK, " Accepted", "author").ends(0, &[]);
    let refused = |run: Run, words: &str| {
        run.begins(1, "signed-off");
        says(&run, "signed-off", &[words]);
    };
    let run = judged("Author", OK, "accepted", "author");
    refused(run, "`Author` has accepted it and is its author");
    let run = judged("QA-lead", OK, "accepted", "author");
    refused(
        run,
        "`QA-lead` has accepted it and is not in `policy.sign_off.who`",
    );
    let run = judged("qa-lead", "failure", "accepted", "author");
    refused(run, "nobody who may has accepted");
    let run = judged("qa-lead", OK, "cs-test", "author");
    refused(run, "nobody who may has accepted");
    judged("qa-lead", OK, "accepted", "").begins(1, "signed-off");
}

#[test]
fn another_build_than_the_environments_is_no_answer() {
    let world = tried();
    for (key, value) in [
        ("event", serde_json::json!("rollback")),
        ("deploy_to", serde_json::json!("cs-demo")),
        ("after", serde_json::json!("f".repeat(40))),
        ("number", serde_json::json!(8)),
        ("parent", serde_json::json!(4)),
        ("ref", serde_json::json!("refs/heads/main")),
    ] {
        let mut own = build(&world.own, "running");
        own[key] = value;
        let server = Script::new()
            .on("GET", &one(9), Answer::status(200).json(&own))
            .start();
        let run = world.judge_at(&server.address());
        server.finish();
        run.ends(2, &["clean-parameters"]);
    }
}

#[test]
fn a_server_that_is_no_help_allows_nothing() {
    let world = tried();
    for (answer, times, words) in [
        (refusal(401, "Unauthorized"), 1, "check `drone_token`"),
        (
            refusal(404, "Not Found"),
            1,
            "check that the account of `drone_token` may read",
        ),
        (Answer::status(200).body("<html>"), 1, "a web page"),
        (Answer::status(200).body("{}"), 1, "another form"),
        (
            Answer::status(200).body("{\"number\": 9"),
            1,
            "no whole JSON",
        ),
        (Answer::status(200), 1, "nothing"),
    ] {
        let server = Script::new()
            .on("GET", &one(9), answer)
            .times(times)
            .start();
        let run = world.judge_at(&server.address());
        server.finish();
        let rules = "unknown: promoted-ref (must), clean-parameters (must), build-passed (must), \
                     tried-first (must)";
        run.ends(2, &[rules, words]);
    }
    // Nobody listens.
    let gone = Script::new().start();
    let address = gone.address();
    gone.finish();
    world.judge_at(&address).begins(2, "undecided");
    // The list alone is no help: what needs it is undecided, and the rest is judged.
    for list in [serde_json::json!({}), serde_json::json!([{"number": "x"}])] {
        let server = Script::new()
            .on(
                "GET",
                &one(5),
                Answer::status(200).json(&build(&hotfix(5), OK)),
            )
            .always()
            .on(
                "GET",
                &one(9),
                Answer::status(200).json(&build(&world.own, "running")),
            )
            .on("GET", &page(1), Answer::status(200).json(&list))
            .start();
        let run = world.judge_at(&server.address());
        server.finish();
        run.ends(2, &["tried-first (must)"]);
        says(&run, "clean-parameters", &["passed"]);
    }
    // A list of nothing.
    let server = Script::new()
        .on(
            "GET",
            &one(5),
            Answer::status(200).json(&build(&hotfix(5), OK)),
        )
        .always()
        .on(
            "GET",
            &one(9),
            Answer::status(200).json(&build(&world.own, "running")),
        )
        .on(
            "GET",
            &one(5),
            Answer::status(200).json(&build(&hotfix(5), OK)),
        )
        .always()
        .on(
            "GET",
            &page(1),
            Answer::status(200).json(&serde_json::json!([])),
        )
        .start();
    let run = world.judge_at(&server.address());
    server.finish();
    run.begins(1, "tried-first");
}

#[test]
fn a_token_that_is_missing_is_no_token_that_was_not_wanted() {
    let own = tried().own;
    let settings = "{drone_token: {from_secret: t}, policy: {}}";
    let empty = run(own.environment(&drone_gate(settings), &[], &BTreeMap::new()));
    empty.ends(2, &["the secret of `drone_token` is set but empty"]);
    let none = run(own.environment(&drone_gate("{policy: {}}"), &[], &BTreeMap::new()));
    none.ends(0, &["not checked: tried-first (must)"]);
    let named = "{policy: {rules: {tried-first: must}}}";
    let named = run(own.environment(&drone_gate(named), &[], &BTreeMap::new()));
    named.begins(2, "tried-first");
    assert!(
        named
            .text
            .contains("neither `drone_token` nor `policy.drone` is set"),
        "{}",
        named.text
    );
}
