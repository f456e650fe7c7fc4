//! What must hold always, on a hundred thousand random builds each. In the process, without a
//! network; the same seed every time.

mod variables;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use drone_hotfix::rules::TABLE;
use drone_hotfix::run::run;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::gate::{drone_gate, woodpecker_environment};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};
use crate::support::registry::TempDir;

/// How often each property is tried.
pub const CASES: u32 = 100_000;

const TARGETS: [&str; 16] = [
    "cs-qa",
    "qa",
    "QA",
    " wcs-qa",
    "qa-1",
    "cs-prod",
    "production",
    "prod",
    "cs-demo",
    "dev",
    "uat",
    "hocs-gamma",
    "release",
    "",
    "cs-q\u{430}",
    "pre-prod",
];
const VERSIONS: [&str; 12] = [
    "branch-hotfix_HOCS-1",
    "1.2.3",
    "v1.2.3",
    "build_418",
    "latest",
    "quay.io/a/b:branch-hotfix_x",
    "a b",
    "hotfix/x",
    "quay.io/a/b:1",
    "sha256:00",
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "",
];
const BRANCHES: [&str; 8] = [
    "main",
    "hotfix/HOCS-1",
    "hotfix/a/b",
    "hotfix/a+b",
    "hotfix_x",
    "Hotfix/x",
    "feature/y",
    "hotfix/é",
];
/// A build and the level that the policy gives to each rule, `default` where it names none.
#[derive(Clone, Debug)]
struct Case {
    event: u8,
    branch: &'static str,
    target: &'static str,
    version: Option<&'static str>,
    second: Option<&'static str>,
    levels: Vec<&'static str>,
    broken_workspace: bool,
    secrets: Secrets,
}

/// What becomes of the registry's credentials, which the pipeline file may name as secrets.
#[derive(Clone, Copy, Debug)]
enum Secrets {
    NotNamed,
    There,
    Missing,
}

fn cases() -> impl Strategy<Value = Case> {
    let levels = vec(
        select(vec!["default", "default", "off", "may", "should", "must"]),
        TABLE.len() - 1,
    );
    (
        0..8_u8,
        select(&BRANCHES[..]),
        select(&TARGETS[..]),
        proptest::option::of(select(&VERSIONS[..])),
        proptest::option::weighted(0.2, select(&VERSIONS[..])),
        levels,
        any::<bool>(),
        select(vec![
            Secrets::NotNamed,
            Secrets::NotNamed,
            Secrets::There,
            Secrets::Missing,
        ]),
    )
        .prop_map(
            |(event, branch, target, version, second, levels, broken_workspace, secrets)| Case {
                event,
                branch,
                target,
                version,
                second,
                levels,
                broken_workspace,
                secrets,
            },
        )
}

impl Case {
    fn settings(&self, secrets: Secrets) -> String {
        let rules: Vec<String> = free_rules()
            .zip(&self.levels)
            .filter(|(_, level)| **level != "default")
            .map(|(rule, level)| format!("{rule}: \"{level}\""))
            .collect();
        let secrets = match secrets {
            Secrets::NotNamed => "",
            Secrets::There | Secrets::Missing => {
                "username: {from_secret: u}, password: {from_secret: p}, "
            }
        };
        format!("{{{secrets}policy: {{rules: {{{}}}}}}}", rules.join(", "))
    }

    /// The environment, with parameters beside those that say what is deployed.
    fn environment(
        &self,
        workspace: &TempDir,
        parameters: &[(&str, &str)],
    ) -> Vec<(OsString, OsString)> {
        let workspace: PathBuf = if self.broken_workspace {
            "/nowhere".into()
        } else {
            workspace.path("").into()
        };
        let named = [("VERSION", self.version), ("IMAGE_TAG", self.second)];
        let named = named
            .into_iter()
            .filter_map(|(name, text)| Some((name, text?)));
        let parameters = named.chain(parameters.iter().copied());
        let variables = if self.event == 7 {
            let parent = WoodpeckerBuild::push(self.branch);
            let build = WoodpeckerBuild::deployment(&parent, self.target);
            let build = parameters.fold(build, |build, (name, value)| build.param(name, value));
            // A secret that is missing there is an error before anything runs.
            woodpecker_environment(&build, &self.settings(Secrets::NotNamed))
        } else {
            let parent = match self.event {
                0 => DroneBuild::tag("1.2.3"),
                1 => DroneBuild::pull_request(7, "HOCS-1", self.branch),
                _ => DroneBuild::push(self.branch),
            };
            let build = match self.event {
                0..=3 => DroneBuild::promote(&parent, self.target),
                4 => DroneBuild::rollback(&parent, self.target),
                5 => DroneBuild::custom(self.branch),
                _ => DroneBuild::pull_request(7, "HOCS-1", self.branch),
            };
            let build = build.with(|build| {
                build.workspace = workspace;
                // No address, so that a token which somebody brings is taken nowhere.
                build.host = "drone example".to_owned();
            });
            // A pull request takes no parameters.
            let takes = self.event != 6;
            let parameters = parameters.filter(|_| takes);
            let build = parameters.fold(build, |build, (name, value)| build.param(name, value));
            let secrets = match self.secrets {
                Secrets::There => BTreeMap::from([
                    ("u".to_owned(), "somebody".to_owned()),
                    ("p".to_owned(), "example-password".to_owned()),
                ]),
                Secrets::NotNamed | Secrets::Missing => BTreeMap::new(),
            };
            let gate = drone_gate(&self.settings(self.secrets));
            build.environment(&gate, &[], &secrets)
        };
        // Nothing is asked over a network here, so nobody may say where to.
        variables
            .into_iter()
            .filter(|(name, _)| name != "DRONE_REMOTE_URL" && name != "CI_REPO_CLONE_URL")
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn code(&self, workspace: &TempDir, parameters: &[(&str, &str)]) -> u8 {
        run(
            self.environment(workspace, parameters),
            std::io::sink(),
            false,
        )
        .code()
    }
}

fn free_rules() -> impl Iterator<Item = &'static str> {
    TABLE
        .iter()
        .map(|rule| rule.id)
        .filter(|id| *id != "readable-promotion")
}

/// Tries a property with the same cases every time.
pub fn always<S: Strategy>(
    cases: u32,
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(strategy, test) {
        panic!("{error}");
    }
}

#[test]
fn no_added_variable_turns_a_failure_into_success() {
    let workspace = TempDir::new();
    let added = vec(variables::parameter(), 1..5);
    let doubles = vec((any::<Index>(), variables::value(), any::<bool>()), 0..3);
    let setups = (cases(), added, doubles);
    always(CASES, &setups, |(case, added, doubles)| {
        let before = case.code(&workspace, &[]);
        if before != 0 {
            let pairs: Vec<(&str, &str)> = added
                .iter()
                .map(|(name, value)| (name.as_str(), *value))
                .collect();
            let mut environment = case.environment(&workspace, &pairs);
            // Which of two entries of one name counts is left to the runtime of the container. What
            // says what is deployed is given, and is not doubled.
            for (which, value, first) in doubles {
                let (name, _) = which.get(&environment).clone();
                if name != "VERSION" && name != "IMAGE_TAG" {
                    let at = if first { 0 } else { environment.len() };
                    environment.insert(at, (name, value.into()));
                }
            }
            let after = run(environment, std::io::sink(), false).code();
            prop_assert!(after != 0, "{before} became 0 by {added:?}");
        }
        Ok(())
    });
}

#[test]
fn no_raised_level_turns_a_failure_into_success() {
    let workspace = TempDir::new();
    always(CASES, &(cases(), any::<Index>()), |(case, which)| {
        let before = case.code(&workspace, &[]);
        if before != 0 {
            let mut raised = case.clone();
            let level = which.get_mut(&mut raised.levels);
            *level = match *level {
                "off" => "may",
                "may" => "should",
                // Every default is `should` or `must`.
                _ => "must",
            };
            let after = raised.code(&workspace, &[]);
            prop_assert!(after != 0, "{before} became 0 by {:?}", raised.levels);
        }
        Ok(())
    });
}

#[test]
fn benign_parameters_change_no_success() {
    let workspace = TempDir::new();
    let benign = vec![
        ("REPLICAS", "2"),
        ("ENVIRONMENT", "cs-demo"),
        ("DEBUG", "true"),
        ("REASON", "the hotfix of last week is over"),
        ("CHART_VERSION", "4.1.0"),
        ("DOC", "https://wiki.example/hotfix/runbook"),
        ("PLUGIN_MTU", "1400"),
        ("DRONE_TAG", "1.2.3"),
        ("LC_ALL", "C"),
        ("EMPTY", ""),
    ];
    let count = benign.len();
    always(
        CASES,
        &(cases(), subsequence(benign, 1..=count)),
        |(case, added)| {
            if case.code(&workspace, &[]) == 0 {
                let after = case.code(&workspace, &added);
                prop_assert!(after == 0, "0 became {after} by {added:?}");
            }
            Ok(())
        },
    );
}

#[test]
fn an_ordinary_release_is_never_stopped_by_a_hotfix_rule() {
    let workspace = TempDir::new();
    let setups = (
        cases(),
        select(vec!["1.2.3", "v2.0.0", "build_418", "4.5.6-rc.1"]),
        any::<bool>(),
    );
    always(10_000, &setups, |(case, release, rollback)| {
        let ordinary = Case {
            event: if rollback { 4 } else { 3 },
            branch: "main",
            target: if case.target.is_ascii() && !case.target.is_empty() {
                case.target
            } else {
                "cs-qa"
            },
            version: Some(release),
            second: None,
            secrets: Secrets::NotNamed,
            // They judge every promotion, whatever is promoted, and by what is not here: a Drone server, a pipeline
            // file, and somebody who knows what runs.
            levels: free_rules()
                .zip(&case.levels)
                .map(|(rule, level)| {
                    if ["clean-parameters", "gate-wired", "keeps-hotfixes"].contains(&rule) {
                        "default"
                    } else {
                        level
                    }
                })
                .collect(),
            ..case
        };
        prop_assert_eq!(ordinary.code(&workspace, &[]), 0);
        Ok(())
    });
}
