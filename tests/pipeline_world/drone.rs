//! Drone's builds: values of each event, order of the merge, secrets.

use super::{Env, drone_step, expect, map, row, values};
use crate::support::pipeline::DroneBuild;
use crate::support::yaml::Node;

fn env(build: &DroneBuild, lines: &str, secrets: &[(&str, &str)]) -> Env {
    build.environment(&drone_step(lines), &[], &map(secrets))
}

#[test]
fn parameters_rank_below_the_server_and_above_what_is_absent() {
    let push = DroneBuild::push("hotfix/a").with(|build| {
        build.runner_env = vec![("A".into(), "runner".into()), ("R".into(), "runner".into())];
        build.proxies = vec![("HTTPS_PROXY".into(), "proxy".into())];
    });
    let mut build = DroneBuild::promote(&push, "production")
        .param("A", "param")
        .param("A", "again");
    for name in "DRONE_COMMIT_SHA DRONE_DEPLOY_TO DRONE_REPO_SCM DRONE_WORKSPACE DRONE_STEP_NAME
        DRONE_TAG DRONE_PULL_REQUEST DRONE_NETRC_FILE HTTPS_PROXY PATH PLUGIN_X PLUGIN_Y
        PLUGIN_Z PLUGIN_N P"
        .split_whitespace()
    {
        build = build.param(name, "spoofed");
    }
    let step = drone_step(
        "settings: {x: real, y: '', n: null}\n\
         environment: {PLUGIN_X: e, DRONE_REPO: own, DRONE_BRANCH: own, E: 1.10}",
    );
    let pipeline = [("P".to_owned(), Node::Str(String::new()))];
    let env = build.environment(&step, &pipeline, &map(&[]));
    assert_eq!(values(&env, "DRONE_COMMIT_SHA"), [build.sha.as_str()]);
    expect(
        &env,
        "A=again R=runner DRONE_DEPLOY_TO=production !DRONE_REPO_SCM HTTPS_PROXY=proxy",
    );
    expect(
        &env,
        "DRONE_WORKSPACE=/drone/src DRONE_STEP_NAME=hotfix !P E=1.10",
    );
    // Nothing of the server's is there to beat these.
    expect(
        &env,
        "DRONE_TAG=spoofed DRONE_PULL_REQUEST=spoofed DRONE_NETRC_FILE=spoofed PATH=spoofed",
    );
    // A setting that is empty displaces the parameter, one that is null does not.
    expect(
        &env,
        "PLUGIN_X=real !PLUGIN_Y PLUGIN_Z=spoofed PLUGIN_N=spoofed",
    );
    // The build's variables are set again when the step starts, the repository's are not.
    expect(&env, "DRONE_REPO=own DRONE_BRANCH=hotfix/a");
    assert!(env.iter().all(|(_, value)| !value.is_empty()));
}

#[test]
fn what_is_always_set_is_there_on_every_event() {
    let always = "CI=true DRONE=true DRONE_SYSTEM_PROTO=https DRONE_SYSTEM_HOST=drone.example
        DRONE_REPO=example/service DRONE_REPO_OWNER=example DRONE_REPO_NAMESPACE=example
        DRONE_REPO_NAME=service DRONE_REPO_BRANCH=main DRONE_REPO_VISIBILITY=public
        DRONE_REPO_PRIVATE=false DRONE_BUILD_STATUS=success DRONE_BUILD_DEBUG=false
        DRONE_DEPLOY_ID=0 DRONE_STAGE_KIND=pipeline DRONE_STAGE_STATUS=success
        DRONE_CARD_PATH=/dev/stdout
        DRONE_STEP_NAME=hotfix DRONE_STEP_NUMBER=2 GIT_TERMINAL_PROMPT=0 DRONE_COMMIT_AUTHOR=example
        DRONE_WORKSPACE_BASE=/drone/src !DRONE_WORKSPACE_PATH
        DRONE_REMOTE_URL=https://git.example/example/service.git";
    for build in [
        DroneBuild::push("main"),
        DroneBuild::tag("v1"),
        DroneBuild::pull_request(17, "feature", "main"),
        DroneBuild::cron("main"),
    ] {
        let env = env(&build, "image: x", &[]);
        expect(&env, always);
        assert_eq!(
            values(&env, "DRONE_BUILD_LINK"),
            ["https://drone.example/example/service/418"]
        );
        for time in "DRONE_BUILD_STARTED DRONE_BUILD_FINISHED DRONE_STAGE_FINISHED".split(' ') {
            assert!(values(&env, time)[0].parse::<u64>().expect("seconds") >= 1_700_000_000);
        }
    }
}

#[test]
fn secrets_come_last_and_may_be_withheld() {
    let lines = "settings: {x: {from_secret: Token}, y: {from_secret: none}}\n\
        environment: {E: {from_secret: token}}";
    let secrets = [("token", "hush"), ("unused", "quiet")];
    let list = env(
        &DroneBuild::push("main").param("PLUGIN_X", "spoofed"),
        lines,
        &secrets,
    );
    assert_eq!(values(&list, "PLUGIN_X"), ["spoofed", "hush"]);
    expect(&list, "PLUGIN_Y= E=hush !unused");
    let tail: Vec<&str> = list[list.len() - 3..]
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(tail, ["E", "PLUGIN_X", "PLUGIN_Y"]);

    let pull = DroneBuild::pull_request(17, "feature", "main");
    expect(&env(&pull, lines, &secrets), "PLUGIN_X= PLUGIN_Y= E=");
    let allowed = pull.clone().with(|build| build.pull_request_secrets = true);
    expect(&env(&allowed, lines, &secrets), "PLUGIN_X=hush");
    // A promoted pull request is no pull request.
    expect(
        &env(&DroneBuild::promote(&pull, "qa"), lines, &secrets),
        "PLUGIN_X=hush",
    );
}

#[test]
fn each_event_has_its_values() {
    let names =
        "DRONE_BUILD_EVENT DRONE_COMMIT_REF DRONE_SOURCE_BRANCH DRONE_BRANCH DRONE_BUILD_NUMBER
        DRONE_BUILD_PARENT DRONE_BUILD_TRIGGER DRONE_DEPLOY_TO DRONE_PULL_REQUEST";
    let push = DroneBuild::push("hotfix/a").param("K", "v");
    let pull = DroneBuild::pull_request(17, "feature", "main");
    let promotion = DroneBuild::promote(&push, "qa");
    for (build, expected) in [
        (
            push.clone(),
            "push refs/heads/hotfix/a hotfix/a hotfix/a 418 0 @hook - -",
        ),
        (
            pull.clone(),
            "pull_request refs/pull/17/head feature main 418 0 @hook - 17",
        ),
        (
            DroneBuild::tag("v1"),
            "tag refs/tags/v1 - - 418 0 @hook - -",
        ),
        (
            DroneBuild::cron("main"),
            "cron refs/heads/main - main 418 0 @cron - -",
        ),
        (
            DroneBuild::custom("main"),
            "custom refs/heads/main main main 418 0 example - -",
        ),
        (
            promotion.clone(),
            "promote refs/heads/hotfix/a hotfix/a hotfix/a 419 418 example qa -",
        ),
        (
            DroneBuild::rollback(&pull, "qa"),
            "rollback refs/pull/17/head feature main 419 418 example qa -",
        ),
        (
            DroneBuild::restart(&promotion),
            "promote refs/heads/hotfix/a hotfix/a hotfix/a 420 419 example qa -",
        ),
        (
            DroneBuild::github_deployment("v1.2.3", "qa"),
            "promote refs/tags/v1.2.3 v1.2.3 v1.2.3 418 0 @hook qa -",
        ),
        (
            DroneBuild::github_deployment("main", "qa"),
            "promote refs/heads/main main main 418 0 @hook qa -",
        ),
        (
            DroneBuild::github_deployment(&push.sha, "qa"),
            "promote - - - 418 0 @hook qa -",
        ),
    ] {
        assert_eq!(row(&env(&build, "image: x", &[]), names), expected);
    }
    // A promotion inherits the parameters.
    expect(&env(&promotion.param("L", "w"), "image: x", &[]), "K=v L=w");
    let custom = DroneBuild::custom("main");
    assert_eq!(custom.before, custom.sha);
}

#[test]
fn some_variables_are_there_only_at_times() {
    let tagged = |tag: &str| {
        env(
            &DroneBuild::tag(tag).param("DRONE_TAG", "spoofed"),
            "image: x",
            &[],
        )
    };
    expect(
        &tagged("v1.2.3-rc.1+b5"),
        "DRONE_TAG=v1.2.3-rc.1+b5 DRONE_SEMVER=1.2.3-rc.1+b5 DRONE_SEMVER_SHORT=1.2.3
        DRONE_SEMVER_MAJOR=1 DRONE_SEMVER_PATCH=3 DRONE_SEMVER_PRERELEASE=rc.1
        DRONE_SEMVER_BUILD=b5 !DRONE_CALVER",
    );
    expect(
        &tagged("2024.01.15-beta"),
        "DRONE_CALVER=2024.01.15-beta DRONE_CALVER_SHORT=2024.01.15 DRONE_SEMVER=2024.1.15-beta",
    );
    expect(
        &tagged("19.04"),
        "DRONE_CALVER=19.04 !DRONE_CALVER_MICRO !DRONE_SEMVER",
    );
    for (tag, error) in [
        ("1.2", "1.2 is not in dotted-tri format"),
        ("v1.2.x", "strconv.ParseInt: parsing \"x\": invalid syntax"),
        (
            "1.2.3-a..b",
            "failed to validate pre-release: a..b is not a valid semver identifier",
        ),
    ] {
        assert_eq!(values(&tagged(tag), "DRONE_SEMVER_ERROR"), [error]);
    }

    let private = DroneBuild::push("main").with(|build| build.private = true);
    expect(
        &env(&private, "image: x", &[]),
        "DRONE_NETRC_MACHINE=git.example DRONE_REPO_VISIBILITY=private",
    );
    let kept = private.with(|build| build.netrc_clone_only = true);
    expect(
        &env(&kept, "image: x", &[]),
        "!DRONE_NETRC_MACHINE DRONE_REPO_PRIVATE=true",
    );

    let failing = DroneBuild::push("main").with(|build| {
        build.failed_stages = vec!["one".into(), "two".into()];
        build.failed_steps = vec!["test".into()];
    });
    expect(
        &env(&failing, "image: x", &[]),
        "DRONE_BUILD_STATUS=failure DRONE_FAILED_STAGES=one,two
        DRONE_STAGE_STATUS=failure DRONE_FAILED_STEPS=test",
    );
}
