//! The commands of the README for two in the morning, run against servers that are down.

use super::{Block, blocks, pipeline, read, step, words};
use crate::support::binary::Run;
use crate::support::drone_api::build as built;
use crate::support::pipeline::DroneBuild;
use crate::support::scripted::{Answer, Script};
use crate::support::team::Team;

/// Nothing listens there.
const DOWN: &str = "127.0.0.1:1";
/// The day until which an entry counts is another one in a test, which must not end with it.
const UNTIL: &str = "9999-12-31";

/// The part of the README, as its heading and its blocks.
fn section(heading: &str) -> Vec<Block> {
    let page = read("README.md");
    let start = page.find(&format!("\n{heading}\n")).expect("the heading");
    let section = &page[start + heading.len() + 2..];
    let end = section.find("\n#").unwrap_or(section.len());
    blocks(&section[..end])
}

/// The policy of the README with the addresses of this test.
fn policy(drone: &str) -> String {
    let block = section("## Two in the morning").remove(0);
    let text = block.text.strip_prefix("settings:\n").expect("settings");
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix("  ").expect("indented"))
        .collect();
    let text = lines.join("\n").replace("quay.io/", &format!("{DOWN}/"));
    let (before, entries) = text.split_once("until: \"").expect("an entry");
    let day = entries.split('"').next().expect("a day");
    assert!(before.contains("overrides:"), "{text}");
    let text = text.replace(day, UNTIL);
    format!(
        "{text}\n  drone: http://{drone}\n  timeout: 1s\n  tls: {{insecure: [\"{DOWN}\", \"{drone}\"]}}\n"
    )
}

/// The promotion that the command below a heading starts, of a build of `team`.
fn command(heading: &str, team: &Team) -> DroneBuild {
    let block = section(heading).remove(0);
    assert_eq!(block.language, "sh");
    let words = words(&block.text);
    let ["drone", "build", "promote", repo, number, target] =
        words[..6].iter().map(String::as_str).collect::<Vec<_>>()[..]
    else {
        panic!("{words:?}");
    };
    team.hotfix("hotfix/EX-1234");
    let parent = team.pushed("main").with(|build| {
        build.number = number.parse().expect("a number");
        build.slug = repo.to_owned();
    });
    let build = DroneBuild::promote(&parent, target).with(|build| build.trigger = "alice".into());
    let parameters = words[6..].iter().map(|word| {
        let pair = word.strip_prefix("--param=").expect("a parameter");
        pair.split_once('=').expect("a name and a value")
    });
    let build = parameters.fold(build, |build, (name, value)| build.param(name, value));
    assert!(build.params.iter().any(|(name, _)| name == "HOTFIX_REASON"));
    build
}

/// Runs it as it stands there, without the reason, and by somebody else.
fn try_out(heading: &str, rule: &str, go: &dyn Fn(&DroneBuild) -> Run, build: DroneBuild) {
    let run = go(&build);
    run.begins(0, "only by an override: allowed");
    let lines = run.text.lines().skip(1);
    let lines: Vec<&str> = lines
        .take_while(|line| line.starts_with("overridden: "))
        .collect();
    let named = format!("overridden: {rule} (must, unknown) ");
    let found = lines.iter().any(|line| line.starts_with(&named));
    assert!(found, "{heading}: {}", run.text);
    for line in lines {
        assert!(
            line.contains(" by `alice`: «cs-") && line.contains(UNTIL),
            "{line}"
        );
    }
    let silent = build
        .clone()
        .with(|build| build.params.retain(|(name, _)| name == "VERSION"));
    let run = go(&silent);
    run.begins(2, "undecided, ");
    let hint = format!("{rule} by `alice`, `bob` until {UNTIL}");
    assert!(run.text.contains(&hint), "{heading}: {}", run.text);
    let somebody = build.with(|build| build.trigger = "mallory".into());
    let word = "`mallory` is not among those who may (`alice`, `bob`)";
    go(&somebody).ends(2, &[word]);
}

#[test]
fn the_registry_is_down() {
    let heading = "### The registry is down";
    let team = Team::new();
    let build = command(heading, &team);
    let go = |build: &DroneBuild| step(build, &pipeline(&policy(DOWN)), "hotfix");
    try_out(heading, "qa-closed", &go, build);
}

#[test]
fn drone_is_down() {
    let heading = "### Drone is down";
    let team = Team::new();
    let build = command(heading, &team);
    let go = |build: &DroneBuild| step(build, &pipeline(&policy(DOWN)), "hotfix");
    try_out(heading, "keeps-hotfixes", &go, build);
}

#[test]
fn the_forge_is_down() {
    let heading = "### The forge is down";
    let team = Team::new();
    let build = command(heading, &team)
        .with(|build| build.remote = Some(format!("http://{DOWN}/example/service.git")));
    let go = |build: &DroneBuild| {
        let release = DroneBuild::push("main").with(|build| build.number = 5);
        let ran = DroneBuild::promote(&release, "cs-prod").param("VERSION", "1.0.0");
        let carrier = DroneBuild::push("main").with(|carrier| carrier.number = build.parent);
        let list = [built(&ran, "success"), built(&release, "success")];
        let at = |rest: &str| format!("/api/repos/example/hocs-info-service/builds{rest}");
        let json = |value: serde_json::Value| Answer::status(200).json(&value);
        let drone = Script::new()
            .on(
                "GET",
                &at("?page=1&per_page=100"),
                json(list.to_vec().into()),
            )
            .always()
            .on(
                "GET",
                &at("?page=2&per_page=100"),
                json(serde_json::json!([])),
            )
            .always()
            .on(
                "GET",
                &at(&format!("/{}", build.number)),
                json(built(build, "running")),
            )
            .always()
            .on(
                "GET",
                &at(&format!("/{}", build.parent)),
                json(built(&carrier, "success")),
            )
            .always()
            .start();
        step(build, &pipeline(&policy(&drone.address())), "hotfix")
    };
    try_out(heading, "keeps-hotfixes", &go, build);
}
