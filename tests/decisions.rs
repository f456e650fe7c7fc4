//! Every cell of event × target class × version kind × promoted build, hotfix or not, against an
//! oracle that is written from the process and shares no code with the rules.

mod lost;
mod oracle;
mod table;
mod world;

use crate::support::binary::{Run, run};
use crate::support::gate::{drone_environment, woodpecker_environment};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};

const POLICY: &str = "{policy: {}}";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What a target is: `None` cannot be read.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Class {
    Qa,
    Production,
    Open,
}

const TARGETS: [(&str, Option<Class>); 13] = [
    ("qa", Some(Class::Qa)),
    ("cs-qa", Some(Class::Qa)),
    ("CS-QA ", Some(Class::Qa)),
    ("qa-2", Some(Class::Qa)),
    // In two lists; QA wins.
    ("qa-prod", Some(Class::Qa)),
    ("cs-prod", Some(Class::Production)),
    ("production", Some(Class::Production)),
    ("cs-demo", Some(Class::Open)),
    ("pre-prod", Some(Class::Open)),
    ("hocs-gamma", Some(Class::Open)),
    ("", None),
    ("  ", None),
    ("cs-q\u{430}", None),
];

/// What a version parameter says.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Version {
    None,
    Hotfix,
    /// A tag that is neither a hotfix's nor a release's.
    Ordinary,
    /// A release number.
    Release,
    /// A digest says nothing by itself.
    Digest,
    /// Not exactly one thing; whether a hotfix is named in it does not matter.
    Unreadable,
}

fn versions() -> Vec<(Option<String>, Version)> {
    let some = |text: &str, kind| (Some(text.to_owned()), kind);
    vec![
        (None, Version::None),
        some("branch-hotfix_HOCS-1234", Version::Hotfix),
        some("Branch-Hotfix_x", Version::Hotfix),
        some(
            "quay.io/example/service:branch-hotfix_HOCS-1234",
            Version::Hotfix,
        ),
        (
            Some(format!(
                "quay.io/example/service:branch-hotfix_HOCS-1234@{DIGEST}"
            )),
            Version::Hotfix,
        ),
        some("1.2.3", Version::Release),
        some("1.2.3+build.5", Version::Release),
        some("build_418", Version::Ordinary),
        some("quay.io/example/service:1.2.3", Version::Release),
        some(DIGEST, Version::Digest),
        (
            Some(format!("quay.io/example/service@{DIGEST}")),
            Version::Digest,
        ),
        some("hotfix/HOCS-1234", Version::Unreadable),
        some("1.2.3 branch-hotfix_HOCS-1234", Version::Unreadable),
        some("1.2.3,1.2.4", Version::Unreadable),
        some("1.2.3\n", Version::Unreadable),
        some("$VERSION", Version::Unreadable),
    ]
}

/// What the promoted build is.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Parent {
    Ordinary,
    Hotfix,
    PullRequest,
    HotfixPullRequest,
    /// A GitHub deployment of a bare commit: neither branch nor reference.
    Bare,
}

impl Parent {
    fn is_hotfix(self) -> bool {
        matches!(self, Self::Hotfix | Self::HotfixPullRequest)
    }
}

fn drone_parents() -> Vec<(DroneBuild, Parent)> {
    vec![
        (DroneBuild::push("main"), Parent::Ordinary),
        (DroneBuild::tag("1.2.3"), Parent::Ordinary),
        (DroneBuild::push("hotfix_somu"), Parent::Ordinary),
        (DroneBuild::push("hotfix/HOCS-1234"), Parent::Hotfix),
        (DroneBuild::push("hotfix/a/b+c"), Parent::Hotfix),
        (DroneBuild::tag("branch-hotfix_HOCS-1234"), Parent::Hotfix),
        (
            DroneBuild::pull_request(7, "HOCS-1", "main"),
            Parent::PullRequest,
        ),
        (
            DroneBuild::pull_request(7, "HOCS-1", "hotfix/HOCS-1234"),
            Parent::HotfixPullRequest,
        ),
        (
            DroneBuild::pull_request(7, "hotfix/HOCS-1234", "main"),
            Parent::HotfixPullRequest,
        ),
        (
            DroneBuild::push("main").with(|build| {
                build.git_ref.clear();
                build.branch.clear();
                build.source.clear();
            }),
            Parent::Bare,
        ),
    ]
}

/// The exit code that the process asks for.
fn expected(class: Option<Class>, version: Version, parent: Parent) -> i32 {
    let Some(class) = class else { return 1 };
    if version == Version::Unreadable {
        return 1;
    }
    let hotfix = version == Version::Hotfix || parent.is_hotfix();
    let pull_request = matches!(parent, Parent::PullRequest | Parent::HotfixPullRequest);
    match class {
        Class::Qa if hotfix => 1,
        Class::Qa if parent == Parent::Bare => 2,
        // A release with the build of a hotfix: one of the two is not what somebody meant.
        _ if version == Version::Release && parent.is_hotfix() => 1,
        // And nobody can say so where the server does not say what build it is.
        Class::Open if version == Version::Release && parent == Parent::Bare => 2,
        Class::Production if pull_request => 1,
        Class::Production if parent == Parent::Bare => 2,
        _ => 0,
    }
}

fn check(run: &Run, cell: &str, class: Option<Class>, version: Version, code: i32) {
    assert_eq!(run.code, code, "{cell}\n{}", run.text);
    let first = match code {
        0 => "allowed: ",
        1 => "refused by ",
        _ => "undecided, ",
    };
    assert!(run.first_line().starts_with(first), "{cell}\n{}", run.text);
    if code == 1 && class == Some(Class::Qa) && version == Version::Hotfix {
        for word in [
            "refused by qa-closed",
            "A31",
            "A30",
            "$ kubectl --namespace=",
        ] {
            assert!(
                run.text.contains(word),
                "{cell}: no {word} in\n{}",
                run.text
            );
        }
    }
    let unchecked = run.text.contains("not checked: qa-closed (must)");
    let digest = code == 0 && class == Some(Class::Qa) && version == Version::Digest;
    assert_eq!(unchecked, digest, "{cell}\n{}", run.text);
}

#[test]
fn every_promotion_and_rollback_of_drone() {
    for (parent, kind) in drone_parents() {
        for (target, class) in TARGETS {
            for (text, version) in versions() {
                for event in ["promote", "rollback"] {
                    let mut build = match event {
                        "promote" => DroneBuild::promote(&parent, target),
                        _ => DroneBuild::rollback(&parent, target),
                    };
                    if let Some(text) = &text {
                        build = build.param("VERSION", text);
                    }
                    let run = run(drone_environment(&build, POLICY));
                    let cell = format!("{event} {target:?} {text:?} {kind:?}");
                    // Only a promotion is asked whether its version is a hotfix's.
                    let asked = match (event, version) {
                        ("rollback", Version::Release) => Version::Ordinary,
                        _ => version,
                    };
                    check(&run, &cell, class, version, expected(class, asked, kind));
                }
            }
        }
    }
}

#[test]
fn every_deployment_of_woodpecker() {
    let parents = [
        (WoodpeckerBuild::push("main"), Parent::Ordinary),
        (WoodpeckerBuild::push("hotfix/HOCS-1234"), Parent::Hotfix),
        (WoodpeckerBuild::tag("1.2.3"), Parent::Ordinary),
        (
            WoodpeckerBuild::pull_request(7, "HOCS-1", "main"),
            Parent::PullRequest,
        ),
    ];
    for (parent, kind) in parents {
        for (target, class) in TARGETS {
            for (text, version) in versions() {
                let mut build = WoodpeckerBuild::deployment(&parent, target);
                if let Some(text) = &text {
                    build = build.param("VERSION", text);
                }
                let run = run(woodpecker_environment(&build, POLICY));
                let cell = format!("deployment {target:?} {text:?} {kind:?}");
                check(&run, &cell, class, version, expected(class, version, kind));
            }
        }
    }
}

#[test]
fn events_that_are_no_promotion() {
    let nothing = |build: &DroneBuild, words: &[&str]| {
        let run = run(drone_environment(build, POLICY));
        assert_eq!(run.code, 0, "{}", run.text);
        assert!(
            run.first_line().starts_with("nothing to do: "),
            "{}",
            run.text
        );
        for word in words {
            assert!(run.first_line().contains(word), "no {word} in {}", run.text);
        }
    };
    for branch in ["main", "develop", "feature/HOCS-1"] {
        nothing(&DroneBuild::push(branch), &[branch, "`hotfix/`"]);
        nothing(&DroneBuild::custom(branch), &[branch]);
        nothing(
            &DroneBuild::pull_request(7, "HOCS-1", branch),
            &["the base"],
        );
    }
    for branch in [
        "hotfix_somu",
        "Hotfix/x",
        "2.8.2-Hotfix",
        "HOCS-6550-Hotfix",
    ] {
        nothing(
            &DroneBuild::push(branch),
            &["in exactly that spelling", "no image"],
        );
    }
    nothing(&DroneBuild::push("hotfix/"), &["nothing behind the prefix"]);
    nothing(&DroneBuild::tag("1.2.3"), &["`tag`"]);
    nothing(&DroneBuild::tag("branch-hotfix_x"), &["`tag`"]);
    nothing(&DroneBuild::cron("main"), &["`cron`"]);
    let unknown = DroneBuild::push("hotfix/x").with(|build| build.event = "deploy".into());
    let run = run(drone_environment(&unknown, POLICY));
    assert_eq!(run.code, 3, "{}", run.text);
    assert!(run.text.contains("DRONE_BUILD_EVENT"), "{}", run.text);
}

#[test]
fn woodpeckers_own_events_say_why_there_is_nothing_to_do() {
    for event in ["release", "pull_request_closed", "pull_request_metadata"] {
        let build = WoodpeckerBuild::push("hotfix/x").with(|build| build.event = event.into());
        let run = run(woodpecker_environment(&build, POLICY));
        assert_eq!(run.code, 0, "{}", run.text);
        assert!(run.first_line().contains(event), "{}", run.text);
    }
}
