//! What runs in production: the cluster and the Drone server are scripted, the answers made of the
//! official types. Asked through the library, as the rules ask.

mod accounts;
mod cluster;
mod drone;
mod mistakes;
mod pods;
mod promotions;
mod random;
mod refusals;
mod rollouts;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use drone_hotfix::ci;
use drone_hotfix::environment::Environment;
use drone_hotfix::facts::Source;
use drone_hotfix::facts::running::{Asking, Deployed, OnTarget, Running};
use drone_hotfix::http::Client;
use drone_hotfix::policy::Policy;
use drone_hotfix::secret::Redactor;
use drone_hotfix::settings;
use serde_json::{Value, json};

use crate::support::gate::{drone_environment, woodpecker_environment};
use crate::support::kubernetes::{NAME, NAMESPACE};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};

/// A step that asks.
#[must_use]
struct Step {
    policy: Value,
    build: DroneBuild,
    woodpecker: bool,
    secrets: Vec<(&'static str, String)>,
    variables: Vec<(&'static str, String)>,
    service_account: PathBuf,
    only: Option<&'static str>,
    redactor: Redactor,
}

impl Step {
    fn new(running: Value) -> Step {
        Step {
            policy: json!({
                "repo": "quay.io/example/service",
                "timeout": "20s",
                "running": running,
            }),
            build: DroneBuild::push("hotfix/EX-1"),
            woodpecker: false,
            secrets: Vec::new(),
            variables: Vec::new(),
            service_account: "/nowhere/at/all".into(),
            only: None,
            redactor: Redactor::default(),
        }
    }

    /// Asks for a Deployment at this server, over plain HTTP, with a token.
    fn deployment(address: &str) -> Step {
        Step::workload(address, "deployment")
    }

    fn workload(address: &str, kind: &str) -> Step {
        let running = json!({ "cs-prod": {
            "kube": format!("http://{address}"), "namespace": NAMESPACE, kind: NAME,
        }});
        Step::new(running)
            .insecure(address)
            .secret("PLUGIN_KUBE_TOKEN", TOKEN)
    }

    /// Asks Drone at this server, over plain HTTP, with a token.
    fn drone(address: &str) -> Step {
        Step::new(json!({ "cs-prod": { "drone": "cs-prod" } }))
            .key("drone", json!(format!("http://{address}")))
            .insecure(address)
            .secret("PLUGIN_DRONE_TOKEN", TOKEN)
    }

    fn key(mut self, key: &str, value: Value) -> Step {
        self.policy[key] = value;
        self
    }

    /// A key of the source for `cs-prod`.
    fn source(mut self, key: &str, value: Value) -> Step {
        self.policy["running"]["cs-prod"][key] = value;
        self
    }

    fn insecure(self, address: &str) -> Step {
        self.key("tls", json!({ "insecure": [address] }))
    }

    fn secret(mut self, name: &'static str, value: &str) -> Step {
        self.secrets.retain(|(known, _)| *known != name);
        self.secrets.push((name, value.to_owned()));
        self
    }

    fn without_secrets(mut self) -> Step {
        self.secrets.clear();
        self
    }

    fn variable(mut self, name: &'static str, value: &str) -> Step {
        self.variables.push((name, value.to_owned()));
        self
    }

    fn build(mut self, build: DroneBuild) -> Step {
        self.build = build;
        self
    }

    fn in_pod(mut self, folder: &Path) -> Step {
        self.service_account = folder.into();
        self
    }

    /// A second is enough for one that does not answer.
    fn impatient(self) -> Step {
        self.key("timeout", json!("1s"))
    }

    fn ask(&self) -> Source<Running> {
        let mut variables = if self.woodpecker {
            woodpecker_environment(&WoodpeckerBuild::push("hotfix/EX-1"), "{}")
        } else {
            drone_environment(&self.build, "{}")
        };
        let own: Vec<_> = self.secrets.iter().chain(&self.variables).collect();
        variables.retain(|(name, _)| own.iter().all(|(known, _)| known != name));
        variables.extend(
            own.into_iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        variables.push(("PLUGIN_POLICY".to_owned(), self.policy.to_string()));
        let variables = variables.into_iter();
        let environment =
            Environment::new(variables.map(|(n, v)| (OsString::from(n), OsString::from(v))));
        let mut problems = Vec::new();
        let read = settings::read(&environment, &self.redactor, &mut problems);
        let text = read.policy.expect("a policy");
        let policy = Policy::parse(&text, &[], &mut problems);
        assert_eq!(problems, []);
        let policy = policy.expect("a policy");
        let build = ci::read(&environment).expect("a build");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let trust = policy.trust.clone();
            let client = Client::new(trust, &read.settings.proxy, policy.timeout);
            let asking = Asking {
                client: &client.expect("a client"),
                policy: &policy,
                settings: &read.settings,
                build: &build,
                environment: &environment,
                redactor: &self.redactor,
                service_account: &self.service_account,
            };
            asking.running(self.only).await
        })
    }

    /// The one target that was asked for.
    #[track_caller]
    fn one(&self) -> OnTarget {
        let Source::Known(running) = self.ask() else {
            panic!("nothing was asked");
        };
        let [target] = <[OnTarget; 1]>::try_from(running.targets).expect("one target");
        target
    }

    /// Everything that runs on the one target.
    #[track_caller]
    fn known(&self) -> (OnTarget, Vec<Deployed>) {
        let target = self.one();
        match target.answer.clone() {
            Source::Known(deployed) => (target, deployed),
            other => panic!("{other:?}"),
        }
    }

    /// Why it is unknown: all words of the reason and the advice, and whether to try again.
    #[track_caller]
    fn unknown(&self, words: &[&str], again: bool) {
        match self.one().answer {
            Source::Unknown {
                because,
                retry,
                advice,
            } => {
                // As people read it: what a server said is marked until then.
                let text = Redactor::default().redact(&format!("{because} | {advice}"));
                for word in words {
                    assert!(text.contains(word), "no «{word}» in «{text}»");
                }
                assert_eq!(retry, again, "{text}");
                assert!(!text.contains(TOKEN), "{text}");
                assert!(!because.is_empty() && !advice.is_empty(), "{text}");
            }
            other => panic!("{other:?}"),
        }
    }
}

const TOKEN: &str = "token-of-the-tests";
const BEARER: &str = "Bearer token-of-the-tests";

fn texts(deployed: &[Deployed]) -> Vec<(&str, bool)> {
    deployed.iter().map(|d| (d.text.as_str(), d.runs)).collect()
}

#[track_caller]
fn notes(target: &OnTarget, words: &[&str]) {
    let text = target.notes.join(" | ");
    for word in words {
        assert!(text.contains(word), "no «{word}» in «{text}»");
    }
    assert_eq!(target.notes.is_empty(), words.is_empty(), "{text}");
}

#[test]
fn without_the_key_nothing_is_configured() {
    let mut step = Step::new(json!(null));
    assert!(matches!(step.ask(), Source::NotConfigured(_)));
    step.policy["running"] = json!({ "cs-prod": "1.10" });
    step.only = Some("wcs-prod");
    let Source::NotConfigured(why) = step.ask() else {
        panic!("it is not in the policy");
    };
    assert!(why.contains("`wcs-prod`"), "{why}");
}

#[test]
fn a_version_of_the_policy_is_its_own_answer() {
    let hex = "a".repeat(64);
    for (text, name, tag, digest) in [
        ("1.10".to_owned(), None, Some("1.10"), None),
        ("1.2.3+5".to_owned(), None, Some("1.2.3+5"), None),
        (
            format!("sha256:{hex}"),
            None,
            None,
            Some(format!("sha256:{hex}")),
        ),
        (
            format!("mirror.example/example/service:1@sha256:{hex}"),
            Some("mirror.example/example/service"),
            Some("1"),
            Some(format!("sha256:{hex}")),
        ),
    ] {
        let (target, deployed) = Step::new(json!(text)).known();
        assert_eq!(
            (target.target.as_str(), target.origin.as_str()),
            ("*", "the policy")
        );
        let [deployed] = &deployed[..] else {
            panic!("{deployed:?}");
        };
        assert_eq!(deployed.text, text);
        assert_eq!(deployed.name.as_deref(), name);
        assert_eq!(deployed.tag.as_deref(), tag);
        assert_eq!(
            deployed.digest.as_ref().map(|d| d.as_str().to_owned()),
            digest
        );
        assert!(deployed.runs);
    }
}

#[test]
fn a_name_wins_over_patterns_and_patterns_over_the_star() {
    let running = json!({
        "*": "1", "*-prod": "2", "w?s-*": "3", " CS-Prod ": "4",
    });
    let mut step = Step::new(running);
    let Source::Known(running) = step.ask() else {
        panic!("known");
    };
    assert_eq!(running.targets.len(), 4);
    let mut case = |target: &'static str, expected: &[&str]| {
        let texts = |running: &Running| -> Vec<String> {
            let found = running.for_target(target);
            let answers = found.into_iter().map(|on| match &on.answer {
                Source::Known(deployed) => deployed[0].text.clone(),
                other => panic!("{other:?}"),
            });
            answers.collect()
        };
        assert_eq!(texts(&running), expected, "{target}");
        step.only = Some(target);
        let Source::Known(only) = step.ask() else {
            panic!("known");
        };
        assert_eq!(only.targets.len(), expected.len());
        assert_eq!(texts(&only), expected, "{target}");
    };
    case("cs-prod", &["4"]);
    case(" CS-PROD", &["4"]);
    case("x-prod", &["2"]);
    case("wcs-prod", &["2", "3"]);
    case("wcs-live", &["3"]);
    case("live", &["1"]);
}

#[test]
fn versions_are_compared_by_path_and_not_by_host() {
    let repo = drone_hotfix::registry::reference::Repository::parse("quay.io/example/service");
    let repo = repo.expect("a repository");
    let case = |text: &str, tag: &str, expected: bool| {
        let (_, deployed) = Step::new(json!(text)).known();
        assert_eq!(
            deployed[0].matches(&repo, Some(tag), None),
            expected,
            "{text} {tag}"
        );
    };
    case("1.0", "1.0", true);
    case("1.0", "1.1", false);
    case("quay.io/example/service:1.0", "1.0", true);
    case("mirror.example:5000/example/service:1.0", "1.0", true);
    case("mirror.example/quay.io/example/service:1.0", "1.0", true);
    case("example/service:1.0", "1.0", true);
    case("quay.io/example/other:1.0", "1.0", false);
    case("quay.io/example/my-service:1.0", "1.0", false);
    case("quay.io/anexample/service:1.0", "1.0", false);
    let hex = format!("sha256:{}", "a".repeat(64));
    let digest = drone_hotfix::registry::reference::Digest::parse(&hex);
    let (_, deployed) = Step::new(json!(format!("quay.io/example/other@{hex}"))).known();
    assert!(deployed[0].matches(&repo, None, digest.as_ref()));
    assert!(!deployed[0].matches(&repo, None, None));
}
