//! What rules may ask beside pull requests: issues, teams, whether the repository is private.

use std::ffi::OsString;
use std::path::Path;

use drone_hotfix::ci;
use drone_hotfix::environment::Environment;
use drone_hotfix::facts::Absent;
use drone_hotfix::facts::forge::Account;
use drone_hotfix::facts::forge::ask::{Server, server};
use drone_hotfix::facts::running::Asking;
use drone_hotfix::http::Client;
use drone_hotfix::policy::Policy;
use drone_hotfix::secret::Redactor;
use drone_hotfix::settings;
use serde_json::{Value, json};

use super::world::{BOTH, HOTFIX, Kind, REPO, TOKEN};
use crate::support::gate::drone_gate;
use crate::support::openapi::merge;
use crate::support::pipeline::DroneBuild;
use crate::support::scripted::{Answer, Script};

/// Asks the scripted forge.
fn ask<T>(kind: Kind, script: Script, question: impl AsyncFnOnce(&Server) -> T) -> T {
    let scripted = script.start();
    let address = scripted.address();
    let word = kind.word();
    let settings = format!(
        "{{forge_token: {{from_secret: f}}, policy: {{forge: {{url: \"http://{address}\", kind: \
         {word}}}, tls: {{insecure: [\"{address}\"]}}, timeout: 60s}}}}"
    );
    let secrets = [("f".to_owned(), TOKEN.to_owned())].into();
    let build = DroneBuild::push(HOTFIX);
    let variables = build.environment(&drone_gate(&settings), &[], &secrets);
    let text = |(name, value): (String, String)| (OsString::from(name), OsString::from(value));
    let environment = Environment::new(variables.into_iter().map(text));
    let (redactor, mut problems) = (Redactor::default(), Vec::new());
    let read = settings::read(&environment, &redactor, &mut problems);
    let policy = Policy::parse(&read.policy.expect("a policy"), &[], &mut problems);
    assert_eq!(problems, []);
    let policy = policy.expect("a policy");
    let build = ci::read(&environment).expect("a build");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let answer = runtime.block_on(async {
        let client = Client::new(policy.trust.clone(), &read.settings.proxy, policy.timeout);
        let asking = Asking {
            client: &client.expect("a client"),
            policy: &policy,
            settings: &read.settings,
            build: &build,
            environment: &environment,
            redactor: &redactor,
            service_account: Path::new("/nowhere"),
        };
        question(&server(asking).expect("a forge")).await
    });
    scripted.finish();
    answer
}

/// An answer that the forge describes so, to a request that it describes so.
fn on(kind: Kind, script: Script, path: &str, change: Value) -> Script {
    let description = kind.description();
    description.request("GET", path, &[], None);
    let mut body = description.example("GET", path, 200);
    merge(&mut body, change);
    description.answer("GET", path, 200, &body);
    let target = format!("{}{path}", kind.below());
    script.on("GET", &target, Answer::status(200).json(&body))
}

fn gone(kind: Kind, script: Script, path: &str) -> Script {
    let answer = Answer::status(404).json(&json!({ "message": "Not Found" }));
    script.on("GET", &format!("{}{path}", kind.below()), answer)
}

fn ann() -> Account {
    Account {
        id: 1,
        login: "ann".to_owned(),
        bot: false,
    }
}

#[test]
fn an_issue_by_its_number() {
    let path = format!("{REPO}/issues/12");
    for kind in BOTH {
        let issue = json!({
            "number": 12, "title": "It breaks", "body": "## What the user sees\nNothing.",
            "state": "open", "html_url": "https://git.example/example/service/issues/12",
        });
        let script = on(kind, Script::new(), &path, issue.clone());
        let found = ask(kind, script, async |server| server.issue(12).await);
        let found = found.expect("an answer").expect("an issue");
        assert_eq!((found.number, found.open, found.is_pull), (12, true, false));
        assert!(found.text.contains("What the user sees"));
        // There is none, and the repository is seen.
        let script = gone(kind, Script::new(), &path);
        let script = on(kind, script, REPO, json!({ "private": true }));
        let found = ask(kind, script, async |server| server.issue(12).await);
        assert_eq!(found, Ok(None));
        // Nobody can say: the repository is not seen either.
        let script = gone(kind, gone(kind, Script::new(), &path), REPO);
        let found = ask(kind, script, async |server| server.issue(12).await);
        assert!(matches!(found, Err(Absent::Unknown { .. })), "{found:?}");
        // Another one.
        let mut other = issue;
        merge(&mut other, json!({ "number": 13 }));
        let script = on(kind, Script::new(), &path, other);
        let found = ask(kind, script, async |server| server.issue(12).await);
        assert!(matches!(found, Err(Absent::Unknown { .. })), "{found:?}");
    }
}

#[test]
fn whether_the_repository_is_private() {
    for kind in BOTH {
        for private in [true, false] {
            let script = on(kind, Script::new(), REPO, json!({ "private": private }));
            let found = ask(kind, script, async |server| server.private().await);
            assert_eq!(found, Ok(private));
        }
        let found = ask(kind, gone(kind, Script::new(), REPO), async |server| {
            server.private().await
        });
        assert!(matches!(found, Err(Absent::Unknown { .. })), "{found:?}");
    }
}

#[test]
fn who_is_in_a_team_of_github() {
    let kind = Kind::GitHub;
    let path = "/orgs/example/teams/qa/memberships/ann";
    for (state, is) in [("active", true), ("pending", false)] {
        let script = on(kind, Script::new(), path, json!({ "state": state }));
        let found = ask(kind, script, async |server| {
            server.is_in("@example/qa", &ann()).await
        });
        assert_eq!(found, Ok(is));
    }
    // GitHub says 404 also of a team that is not there, or that the token does not see.
    let team = "/orgs/example/teams/qa";
    let script = on(kind, gone(kind, Script::new(), path), team, json!({}));
    let found = ask(kind, script, async |server| {
        server.is_in("example/qa", &ann()).await
    });
    assert_eq!(found, Ok(false));
    let script = gone(kind, gone(kind, Script::new(), path), team);
    let found = ask(kind, script, async |server| {
        server.is_in("example/qa", &ann()).await
    });
    assert!(
        matches!(&found, Err(Absent::Unknown { because, .. }) if because.contains("has no team `qa`")),
        "{found:?}"
    );
    let found = ask(kind, Script::new(), async |server| {
        server.is_in("qa", &ann()).await
    });
    assert!(matches!(found, Err(Absent::Unknown { .. })), "{found:?}");
}

#[test]
fn who_is_in_a_team_of_gitea() {
    let kind = Kind::Gitea;
    let description = kind.description();
    let path = "/orgs/example/teams";
    let teams = || {
        let mut team = description.example("GET", path, 200)[0].clone();
        merge(&mut team, json!({ "id": 3, "name": "QA" }));
        let body = json!([team]);
        description.answer("GET", path, 200, &body);
        let answer = Answer::status(200).json(&body);
        let answer = answer.header("X-Total-Count", "1");
        Script::new().on("GET", &format!("/api/v1{path}?limit=50&page=1"), answer)
    };
    let member = "/teams/3/members/ann";
    let script = on(kind, teams(), member, json!({ "login": "ann", "id": 1 }));
    let found = ask(kind, script, async |server| {
        server.is_in("example/qa", &ann()).await
    });
    assert_eq!(found, Ok(true));
    let found = ask(kind, gone(kind, teams(), member), async |server| {
        server.is_in("example/qa", &ann()).await
    });
    assert_eq!(found, Ok(false));
    let found = ask(kind, teams(), async |server| {
        server.is_in("example/operations", &ann()).await
    });
    assert!(matches!(found, Err(Absent::Unknown { .. })), "{found:?}");
}
