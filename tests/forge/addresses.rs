//! Where the forge is, and when nobody is asked.

use std::ffi::OsString;

use drone_hotfix::ci;
use drone_hotfix::environment::Environment;
use drone_hotfix::facts::forge::address;
use drone_hotfix::policy::Policy;

use super::world::{HOTFIX, TOKEN};
use crate::support::binary::run;
use crate::support::gate::{drone_environment, woodpecker_environment};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};
use crate::support::team::{FIXED, Team, finding};

/// Where the API is by this policy, for a repository whose page is there.
fn api(policy: &str, page: &str, kind: Option<&str>) -> Result<String, String> {
    let mut variables = match kind {
        None => drone_environment(&DroneBuild::push(HOTFIX), "{policy: {}}"),
        Some(_) => woodpecker_environment(&WoodpeckerBuild::push(HOTFIX), "{policy: {}}"),
    };
    for (name, value) in &mut variables {
        match name.as_str() {
            "DRONE_REPO_LINK" | "CI_REPO_URL" => *value = page.to_owned(),
            "CI_FORGE_TYPE" => *value = kind.unwrap_or_default().to_owned(),
            _ => {}
        }
    }
    let text = |(name, value): (String, String)| (OsString::from(name), OsString::from(value));
    let build = ci::read(&Environment::new(variables.into_iter().map(text))).expect("a build");
    let mut problems = Vec::new();
    let policy = Policy::parse(policy, &[], &mut problems);
    let policy = policy.unwrap_or_else(|| panic!("{problems:?}"));
    address(&policy, &build).map(|address| format!("{} {}", address.kind.name(), address.api))
}

#[test]
fn the_api_is_where_each_forge_has_it() {
    let page = "https://github.com/example/service";
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(api("{}", page, None), ok("GitHub https://api.github.com/"));
    let of = |policy: &str| api(policy, page, None);
    assert_eq!(
        of(r#"{"forge": "https://github.com"}"#),
        ok("GitHub https://api.github.com/")
    );
    assert_eq!(
        of(r#"{"forge": {"url": "https://git.example", "kind": "github"}}"#),
        ok("GitHub https://git.example/api/v3")
    );
    assert_eq!(
        of(r#"{"forge": {"url": "https://team.ghe.com", "kind": "github"}}"#),
        ok("GitHub https://api.team.ghe.com/")
    );
    assert_eq!(
        of(r#"{"forge": {"url": "https://git.example/code/", "kind": "gitea"}}"#),
        ok("Gitea https://git.example/code/api/v1")
    );
    let own = r#"{"forge": {"url": "https://git.example", "kind": "gitea", "api": "https://api.git.example/v1"}}"#;
    assert_eq!(of(own), ok("Gitea https://api.git.example/v1"));
    // Only logins of programs: the address is still the build's.
    assert_eq!(
        of(r#"{"forge": {"bots": ["robot"]}}"#),
        ok("GitHub https://api.github.com/")
    );
    // Woodpecker says what it is.
    let page = "https://git.example/code/example/service";
    assert_eq!(
        api("{}", page, Some("forgejo")),
        ok("Gitea https://git.example/code/api/v1")
    );
    assert_eq!(
        api("{}", page, Some("gitea")),
        ok("Gitea https://git.example/code/api/v1")
    );
    assert_eq!(
        api("{}", page, Some("github")),
        ok("GitHub https://git.example/code/api/v3")
    );
}

#[test]
fn what_nobody_can_ask_is_said() {
    let why = |page: &str, kind| api("{}", page, kind).expect_err("no address");
    insta::assert_snapshot!(
        [
            why("https://git.example/example/service", None),
            why("https://git.example/example/service", Some("gitlab")),
            why("http://github.com/example/service", None),
            why("https://github.com/somebody/else", None),
            why("git.example", None),
        ]
        .join("\n")
    );
    // A look-alike is another host.
    for host in ["github.com.example", "githubXcom", "api.github.com"] {
        let page = format!("https://{host}/example/service");
        assert!(why(&page, None).contains("nobody says what kind"), "{host}");
    }
}

/// A token that a team has set for git, where the forge cannot be asked.
#[test]
fn a_token_for_git_does_not_make_anything_undecided() {
    let team = Team::new();
    team.branch(HOTFIX, "1.0.0");
    team.commit("src/app", FIXED, "HOCS-1 mend two");
    team.push(HOTFIX);
    let build = team.pushed(HOTFIX);
    let settings = "{forge_token: {from_secret: f}, log_level: debug, policy: {}}";
    let secrets = [("f".to_owned(), TOKEN.to_owned())].into();
    let gate = crate::support::gate::drone_gate(settings);
    let run = run(build.environment(&gate, &[], &secrets));
    run.ends(
        0,
        &["not checked: merged-by-pull-request (must): nobody says what kind of forge `git.example` is"],
    );
    // A policy that demands it is not followed by that.
    let settings =
        "{forge_token: {from_secret: f}, log_level: debug, policy: {rules: {reviewed: must}}}";
    let gate = crate::support::gate::drone_gate(settings);
    let run = crate::support::binary::run(build.environment(&gate, &[], &secrets));
    run.begins(2, "reviewed");
    let found = finding(&run, "reviewed");
    assert!(found.contains("set `forge_token` (from_secret)"), "{found}");
}

#[test]
fn without_anything_it_is_not_checked_and_said() {
    let team = Team::new();
    team.hotfix(HOTFIX);
    let run = crate::support::team::judge(&team.pushed(HOTFIX), "");
    run.ends(
        0,
        &[
            "not checked: merged-by-pull-request (must): neither `forge_token` nor `policy.forge` is set",
            "not checked: reviewed (must): neither `forge_token` nor `policy.forge` is set",
        ],
    );
    let run = crate::support::team::judge(&team.pushed(HOTFIX), "rules: {reviewed: must}");
    run.begins(2, "reviewed");
    insta::assert_snapshot!(finding(&run, "reviewed"));
}
