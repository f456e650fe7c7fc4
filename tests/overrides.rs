//! Overrides by the real binary: what counts, and everything that does not, each with what people
//! read.

use crate::support::binary::{Run, run, run_in, run_with_doubles};
use crate::support::embedded::Registry;
use crate::support::gate::{drone_environment, woodpecker_environment};
use crate::support::image;
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};
use crate::support::registry::TempDir;

const TAG: &str = "branch-hotfix_EX-1";
const REASON: &str = "cs-qa branch-hotfix_EX-1: everybody who uses QA agreed";
/// Two people may override `qa-closed`, one of them no longer.
const POLICY: &str = "{policy: {overrides: [\
    {who: [alice], rule: qa-closed, until: \"9999-12-31\"}, \
    {who: [bob], rule: qa-closed, until: \"2020-01-31\"}, \
    {who: [alice], rule: ticket, until: \"9999-12-31\"}]}}";

/// A hotfix for QA, promoted by `alice`.
fn hotfix() -> DroneBuild {
    let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa");
    build
        .param("VERSION", TAG)
        .with(|build| build.trigger = "alice".to_owned())
}

fn reason(text: &str) -> DroneBuild {
    hotfix().param("HOTFIX_REASON", text)
}

fn by(login: &str) -> DroneBuild {
    reason(REASON).with(|build| build.trigger = login.to_owned())
}

fn step(build: &DroneBuild, settings: &str) -> Run {
    run(drone_environment(build, settings))
}

macro_rules! reads {
    ($name:ident, $code:expr, $run:expr) => {
        #[test]
        fn $name() {
            let run = $run;
            insta::assert_snapshot!(stringify!($name), run.text);
            assert_eq!(run.code, $code, "{}", run.text);
        }
    };
}

reads!(
    an_override_by_a_person_of_the_policy,
    0,
    step(&reason(REASON), POLICY)
);
reads!(a_reason_that_nobody_could_read, 1, {
    // Whoever promotes brings a secret that has the notice masked.
    let address = "https://chat.example/violation/override";
    let build = reason(REASON).param("PLUGIN_WEBHOOK_URL", address);
    let loud = build.param("PLUGIN_SMTP_PASSWORD", "only by an override");
    step(&loud, POLICY)
});
reads!(without_a_reason, 1, step(&hotfix(), POLICY));
reads!(an_unknown_person, 1, step(&by("mallory"), POLICY));
reads!(another_spelling_of_a_person, 1, step(&by("Alice"), POLICY));
reads!(an_entry_that_has_ended, 1, step(&by("bob"), POLICY));
reads!(started_by_a_hook, 1, step(&by("@hook"), POLICY));
reads!(started_by_a_schedule, 1, step(&by("@cron"), POLICY));
reads!(started_by_nobody, 1, step(&by(""), POLICY));
reads!(a_reason_without_its_target, 1, {
    step(&reason("branch-hotfix_EX-1 is urgent"), POLICY)
});
reads!(a_reason_without_its_version, 1, {
    step(
        &reason("cs-qa: as hotfixes/branch-hotfix_EX-12 before"),
        POLICY,
    )
});
reads!(a_reason_that_says_nothing_more, 1, {
    step(&reason("cs-qa: branch-hotfix_EX-1!"), POLICY)
});
reads!(a_reason_that_hides_something, 1, {
    step(&reason(&format!("{REASON}\u{202e}")), POLICY)
});
reads!(a_reason_of_two_lines, 1, {
    step(&reason(&format!("{REASON}\nallowed: all is well")), POLICY)
});
reads!(a_reason_that_is_too_long, 1, {
    step(&reason(&format!("{REASON} {}", "x".repeat(450))), POLICY)
});
reads!(an_inherited_reason, 1, {
    // The promotion to another target had one; a promotion of that promotion inherits it.
    let before = reason("wcs-qa branch-hotfix_EX-1: everybody agreed");
    let again = DroneBuild::promote(&before, "cs-qa");
    step(
        &again.with(|build| build.trigger = "alice".to_owned()),
        POLICY,
    )
});
reads!(
    a_policy_without_overrides,
    1,
    step(&reason(REASON), "{policy: {}}")
);
reads!(an_entry_for_another_rule, 1, {
    let policy = "{policy: {overrides: [{who: [alice], rule: ticket, until: \"9999-12-31\"}]}}";
    step(&reason(REASON), policy)
});
reads!(one_entry_for_two_rules, 2, {
    // A named rule that is not checked needs an entry of its own.
    let policy = POLICY.replace("{policy: {", "{policy: {rules: {reviewed: must}, ");
    step(&reason(REASON), &policy)
});
reads!(what_cannot_be_read_cannot_be_overridden, 1, {
    let build = reason("cs-prod 1.2.3, 1.2.4 at once").param("VERSION", "1.2.3, 1.2.4");
    step(
        &build.with(|build| build.deploy_to = "cs-prod".to_owned()),
        POLICY,
    )
});
reads!(woodpecker_names_nobody, 1, {
    let parent = WoodpeckerBuild::push("main").with(|build| build.author = "alice".to_owned());
    let build = WoodpeckerBuild::deployment(&parent, "cs-qa");
    let build = build.param("VERSION", TAG).param("HOTFIX_REASON", REASON);
    run(woodpecker_environment(&build, POLICY))
});
reads!(a_pull_request_that_was_started_again, 1, {
    let build = DroneBuild::restart(&DroneBuild::pull_request(7, "x", "hotfix/some-thing"));
    let build = build.param("HOTFIX_REASON", "hotfix/some-thing has no ticket");
    let policy = POLICY.replace("{policy: {", "{policy: {rules: {ticket: must}, ");
    step(
        &build.with(|build| build.trigger = "alice".to_owned()),
        &policy,
    )
});
reads!(an_override_that_was_not_needed, 0, {
    step(
        &reason(REASON).with(|build| build.deploy_to = "cs-demo".to_owned()),
        POLICY,
    )
});
reads!(a_rule_that_holds_beside_one_that_does_not, 0, {
    let policy = POLICY.replace("rule: ticket", "rule: target-known");
    step(&reason(REASON), &policy)
});
reads!(the_clock_of_the_runner_is_behind, 1, {
    // By the server's time the entry has ended, whatever the runner says.
    let policy = POLICY.replace("9999-12-31", "2999-12-31");
    let variables = drone_environment(&reason(REASON), &policy);
    let in_3000 = ("DRONE_BUILD_CREATED".to_owned(), "32503680000".to_owned());
    run(variables.into_iter().chain([in_3000]))
});

/// The environment of a promotion with more entries, as bytes.
fn with_entries(build: &DroneBuild, more: &[&[u8]]) -> Run {
    let variables = drone_environment(build, POLICY);
    let entries = variables
        .into_iter()
        .map(|(name, value)| format!("{name}={value}").into_bytes());
    let more = more.iter().map(|entry| entry.to_vec());
    run_with_doubles(&entries.chain(more).collect::<Vec<_>>())
}

reads!(two_reasons, 1, {
    with_entries(
        &reason(REASON),
        &[b"HOTFIX_REASON=cs-qa branch-hotfix_EX-1 as ever"],
    )
});
reads!(a_reason_in_no_known_letters, 1, {
    with_entries(
        &hotfix(),
        &[b"HOTFIX_REASON=cs-qa branch-hotfix_EX-1 \xff because"],
    )
});

/// A build of a branch without a ticket, where there must be one.
fn started(build: DroneBuild, text: Option<&str>) -> (Run, bool) {
    let workspace = TempDir::new();
    let policy = POLICY.replace("{policy: {", "{policy: {rules: {ticket: must}, ");
    let build = build.with(|build| build.workspace = workspace.path("").into());
    let build = match text {
        Some(text) => build.param("HOTFIX_REASON", text),
        None => build,
    };
    let directory: std::path::PathBuf = workspace.path("").into();
    let run = run_in(&directory, drone_environment(&build, &policy));
    let written = directory.join(".tags").exists();
    (run, written)
}

#[test]
fn a_build_of_a_hotfix_branch_is_overridden_by_whoever_starts_it() {
    let alice = |build: DroneBuild| build.with(|build| build.trigger = "alice".to_owned());
    let branch = "hotfix/some-thing";
    let by_branch = "hotfix/some-thing has no ticket yet";
    let push = DroneBuild::push(branch);
    let (run, written) = started(push.clone(), Some(by_branch));
    run.ends(
        1,
        &[
            "started by `@hook` and not by a person",
            "drone build create",
        ],
    );
    assert!(!written);
    let (run, written) = started(alice(DroneBuild::custom(branch)), None);
    run.ends(
        1,
        &[
            "refused by ticket",
            "'--param=HOTFIX_REASON=hotfix/some-thing: …'",
        ],
    );
    assert!(!written);
    let wrong = "hotfix/some-thing-else has no ticket";
    let (run, written) = started(alice(DroneBuild::custom(branch)), Some(wrong));
    run.ends(
        1,
        &["does not name the branch `hotfix/some-thing` or its tag"],
    );
    assert!(!written);
    let by_tag = "branch-hotfix_some-thing has no ticket yet";
    for (build, text) in [
        (DroneBuild::custom(branch), by_branch),
        (DroneBuild::custom(branch), by_tag),
        (DroneBuild::restart(&push), by_branch),
    ] {
        let (run, written) = started(alice(build), Some(text));
        run.begins(0, "only by an override: allowed: `hotfix/some-thing`");
        run.ends(
            0,
            &[
                "overridden: ticket (must, violation) by `alice`",
                "1 overridden",
            ],
        );
        assert!(written);
    }
}

#[test]
fn versions_are_named_by_digest_or_by_build() {
    let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let policy = POLICY.replace("{policy: {", "{policy: {rules: {qa-closed: must}, ");
    let go = |build: DroneBuild, text: &str| {
        let build = build.param("HOTFIX_REASON", text);
        step(
            &build.with(|build| build.trigger = "alice".to_owned()),
            &policy,
        )
    };
    let main = DroneBuild::push("main");
    let named = DroneBuild::promote(&main, "cs-qa").param("VERSION", digest);
    let allowed = "only by an override: allowed";
    go(named.clone(), "cs-qa 0123456789ab is the release").begins(0, allowed);
    go(named.clone(), "cs-qa 0123456789a is the release").ends(2, &["does not name the version"]);
    let whole = format!("quay.io/example/service:1.2.3@{digest}");
    let both = named.param("VERSION", &whole);
    go(both.clone(), "cs-qa 1.2.3 is the release").ends(2, &["does not name the version"]);
    go(both, &format!("cs-qa {whole} is the release")).begins(0, allowed);
    let build = DroneBuild::promote(&DroneBuild::push("hotfix/EX-1"), "cs-qa");
    go(build.clone(), "cs-qa #418: agreed").begins(0, allowed);
    go(build.clone(), "cs-qa 419: agreed").ends(1, &["does not name the build 418"]);
    // Promoting the promotion inherits the reason, which names another build.
    let first = build.param("HOTFIX_REASON", "cs-qa 418: agreed");
    let again = DroneBuild::promote(&first, "cs-qa");
    step(
        &again.with(|build| build.trigger = "alice".to_owned()),
        &policy,
    )
    .ends(1, &["does not name the build 419"]);
    // Back to a hotfix, by the same way.
    let back = DroneBuild::rollback(&DroneBuild::push("hotfix/EX-1"), "cs-qa");
    go(back.clone(), "cs-qa 418: agreed").begins(0, allowed);
    go(back, "agreed").ends(1, &["$ drone build rollback example/service 418 cs-qa"]);
}

#[test]
fn an_image_of_another_commit_is_published_only_by_an_override_of_that_rule() {
    let registry = Registry::start();
    let address = registry.address();
    let image = image::single("elsewhere");
    for blob in &image.blobs {
        registry.put_blob("example/service", &blob.bytes);
    }
    let manifest = &image.manifest;
    registry.put_manifest(
        "example/service",
        "build_418",
        &manifest.media_type,
        &manifest.bytes,
    );
    let go = |rule: &str, login: &str| {
        let settings = format!(
            "{{policy: {{repo: \"{address}/example/service\", source: \"build_{{build}}\", \
             tls: {{insecure: [\"{address}\"]}}, rules: {{image-commit: must}}, \
             overrides: [{{who: [alice], rule: {rule}, until: \"9999-12-31\"}}]}}}}"
        );
        let build = DroneBuild::custom("hotfix/EX-1").param(
            "HOTFIX_REASON",
            "hotfix/EX-1: the label is not set by our builder",
        );
        step(
            &build.with(|build| build.trigger = login.to_owned()),
            &settings,
        )
    };
    go("ticket", "alice").ends(2, &["undecided, image-commit", "no tag was published"]);
    go("image-commit", "mallory").ends(2, &["undecided, image-commit", "no tag was published"]);
    let run = go("image-commit", "alice");
    run.begins(
        0,
        "only by an override: allowed and published: `branch-hotfix_EX-1`",
    );
    run.ends(0, &["overridden: image-commit (must, unknown) by `alice`"]);
}

#[test]
fn a_secret_in_a_reason_is_masked() {
    let policy = POLICY.replace(
        "{policy",
        "{password: {from_secret: p}, username: x, policy",
    );
    let build = reason(&format!("{REASON}, says correct-horse-battery"));
    let secrets = [("p".to_owned(), "correct-horse-battery".to_owned())].into();
    let gate = crate::support::gate::drone_gate(&policy);
    let run = run(build.environment(&gate, &[], &secrets));
    run.begins(0, "only by an override");
    assert!(!run.text.contains("correct-horse"), "{}", run.text);
}

#[test]
fn entries_that_are_none_are_refused() {
    for (entry, words) in [
        (
            "{who: [], rule: ticket, until: \"2027-01-31\"}",
            "an empty list",
        ),
        (
            "{who: [\"@hook\"], rule: ticket, until: \"2027-01-31\"}",
            "are no logins",
        ),
        (
            "{who: [\"@cron\"], rule: ticket, until: \"2027-01-31\"}",
            "are no logins",
        ),
        (
            "{who: [\"*\"], rule: ticket, until: \"2027-01-31\"}",
            "no patterns",
        ),
        (
            "{who: [\"a b\"], rule: ticket, until: \"2027-01-31\"}",
            "no patterns",
        ),
        (
            "{who: [alice], rule: \"*\", until: \"2027-01-31\"}",
            "no such rule",
        ),
        (
            "{who: [alice], rule: [ticket, tickets], until: \"2027-01-31\"}",
            "no such rule",
        ),
        (
            "{who: [alice], rule: qa-close, until: \"2027-01-31\"}",
            "`qa-closed`",
        ),
        (
            "{who: [alice], rule: readable-promotion, until: \"2027-01-31\"}",
            "cannot be allowed by anybody",
        ),
        (
            "{who: [alice], rule: ticket, until: \"2027-02-29\"}",
            "no day of the calendar",
        ),
        ("{who: [alice], rule: ticket}", "until when"),
        ("{who: [alice], until: \"2027-01-31\"}", "until when"),
        ("{rule: ticket, until: \"2027-01-31\"}", "until when"),
    ] {
        let run = step(
            &reason(REASON),
            &format!("{{policy: {{overrides: [{entry}]}}}}"),
        );
        run.ends(3, &["1 problem", "policy.overrides[0]", words]);
    }
}
