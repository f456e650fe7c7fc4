//! The facts of a cell: a build, and sources that answer, say what is out of order, are missing or
//! fail.

use std::collections::BTreeMap;
use std::ffi::OsString;

use drone_hotfix::ci::{Build, Event};
use drone_hotfix::environment::Environment;
use drone_hotfix::facts::before::{Before, Built, Past};
use drone_hotfix::facts::bytes::Compared;
use drone_hotfix::facts::forge::{Account, Commit, Forge, Issue, Pull, Review, State};
use drone_hotfix::facts::history::{
    Base, Change, Found, Head, History, How, Kept, Placed, Port, SameTag, What,
};
use drone_hotfix::facts::identity::{Evidence, NameKind, Relation};
use drone_hotfix::facts::image::Platform;
use drone_hotfix::facts::pipeline::{PipelineFacts, Unchanged};
use drone_hotfix::facts::running::{Deployed, OnTarget, Running};
use drone_hotfix::facts::train::{
    self, File, Known, OtherPulls, Right, Snapshot, Start, TrainFacts,
};
use drone_hotfix::facts::{self, Facts, Source, Target};
use drone_hotfix::git::commits::Person;
use drone_hotfix::hotfix::CommitId;
use drone_hotfix::pipeline::weakness::{Kind, Weakness};
use drone_hotfix::policy::Policy;
use drone_hotfix::policy::forge::Kind as ForgeKind;
use drone_hotfix::secret::Redactor;
use drone_hotfix::train::changelog::ChangeLog;
use drone_hotfix::train::spec::{Release, Spec};

use super::oracle::{Cell, Sources, Way};
use crate::support::gate::{drone_environment, woodpecker_environment};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};

const BRANCH: &str = "hotfix/HOCS-1";
const TAG: &str = "branch-hotfix_HOCS-1";
const TIP: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba98";

/// The environment of a build of this event.
pub fn environment(event: Event, target: &str) -> Environment {
    let settings = "{policy: {}}";
    let drone = |build: DroneBuild| drone_environment(&build, settings);
    let main = DroneBuild::push("main");
    let variables = match event {
        Event::Push => drone(DroneBuild::push(BRANCH)),
        Event::Custom => drone(DroneBuild::custom(BRANCH)),
        Event::PullRequest => drone(DroneBuild::pull_request(7, "HOCS-1", BRANCH)),
        Event::Tag => drone(DroneBuild::tag("1.2.3")),
        Event::Cron => drone(DroneBuild::cron("main")),
        Event::Promote => drone(DroneBuild::promote(&main, target)),
        Event::Rollback => drone(DroneBuild::rollback(&main, target)),
        Event::Other => {
            let build = WoodpeckerBuild::push(BRANCH).with(|build| build.event = "release".into());
            woodpecker_environment(&build, settings)
        }
    };
    let text = |(name, value): (String, String)| (OsString::from(name), OsString::from(value));
    Environment::new(variables.into_iter().map(text))
}

fn commit(id: &str) -> CommitId {
    CommitId::parse(id).expect("a commit")
}

fn source<T>(sources: Sources, in_order: T, out_of_order: T) -> Source<T> {
    match sources {
        Sources::InOrder => Source::Known(in_order),
        Sources::OutOfOrder => Source::Known(out_of_order),
        Sources::Missing => Source::NotConfigured("nothing is configured".to_owned()),
        Sources::Failing => Source::Unknown {
            because: "it does not answer".to_owned(),
            retry: true,
            advice: "try again".to_owned(),
        },
    }
}

fn ann() -> Person {
    Person {
        name: "Ann".to_owned(),
        email: "ann@example.org".to_owned(),
    }
}

/// An issue that says everything.
fn issue() -> Issue {
    Issue {
        number: 12,
        is_pull: false,
        title: "It fails".to_owned(),
        text: "## What the user sees\n\nAn error\n\n## Share of users\n\n5 %\n\n## Risk\n\nLow\n"
            .to_owned(),
        open: true,
        labels: Vec::new(),
        url: "https://git.example/example/service/issues/12".to_owned(),
    }
}

/// What git says of a hotfix of the release 1.0.0 with one commit.
fn history(good: bool) -> History {
    let port = |how| Port {
        id: commit(TIP),
        subject: "HOCS-1 mend it".to_owned(),
        message: "HOCS-1 mend it\n".to_owned(),
        how,
    };
    let change = Change {
        id: commit(TIP),
        subject: "HOCS-1 mend it".to_owned(),
        message: "HOCS-1 mend it\n".to_owned(),
        trailers: [
            (
                "Agreed-by",
                if good {
                    "Cid <cid@example.org>"
                } else {
                    "Ann <ann@example.org>"
                },
            ),
            ("Issue", "#12"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec(),
        merge: false,
        committed: 1_700_000_000,
        from_default: false,
        author: ann(),
        committer: ann(),
    };
    let ported = if good { How::Ancestor } else { How::Missing };
    let same = SameTag {
        branch: "hotfix_HOCS-1".to_owned(),
        tag: TAG.to_owned(),
    };
    History {
        tip: commit(TIP),
        default: Source::Known(Head {
            name: "main".to_owned(),
            commit: commit(OTHER),
        }),
        running: Source::Known(vec![Placed {
            target: "cs-prod".to_owned(),
            origin: "the policy".to_owned(),
            text: "1.0.0".to_owned(),
            runs: true,
            what: What::Release("1.0.0".to_owned()),
            commit: Source::Known(commit(OTHER)),
            below: Source::Known(good),
        }]),
        base: Source::Known(Base {
            commits: vec![commit(OTHER)],
            tags: vec!["1.0.0".to_owned()],
            found: Found::Running,
        }),
        range: Source::Known(vec![change]),
        files: Source::Known(Vec::new()),
        notes: Source::Known(Vec::new()),
        revertible: Source::Known(good),
        services: Source::Known(Vec::new()),
        ports: Source::Known(vec![port(ported.clone())]),
        same_tag: Source::Known(if good { Vec::new() } else { vec![same] }),
        kept: Source::Known(vec![Kept {
            text: "branch-hotfix_HOCS-0".to_owned(),
            target: "cs-prod".to_owned(),
            ports: vec![port(ported)],
        }]),
    }
}

/// What git says of a train; not good: it is not the newest, nothing is numbered, and nothing is said.
fn train(good: bool) -> TrainFacts {
    let snapshot = |release: u8, lines: &str| {
        let log = format!("train-2012.04.27:\n{lines}");
        let spec = format!("Version: 0.2012.04.27\nRelease: {release}\n");
        Snapshot {
            commit: commit(if lines.is_empty() { OTHER } else { TIP }),
            spec: Source::Known(File::Read(Spec::parse(&spec))),
            changelog: Source::Known(File::Read(ChangeLog::parse(&log, &|_| false, &[]))),
        }
    };
    let known = |name: &str| Known {
        branch: format!("train-{name}"),
        name: name.to_owned(),
        derailed: None,
    };
    let newer = (!good).then(|| known("2012.05.11"));
    TrainFacts {
        branch: "train-2012.04.27".to_owned(),
        trains: newer.into_iter().chain([known("2012.04.27")]).collect(),
        start: Source::Known(Start {
            found: train::Found::Number,
            snapshot: snapshot(1, ""),
            commits: Source::Known(Vec::new()),
            right: Some(Right {
                version: "0.2012.04.27".to_owned(),
                release: Release {
                    number: if good { 2 } else { 1 },
                    suffix: String::new(),
                },
                commit: commit(if good { TIP } else { OTHER }),
                how: if good {
                    train::How::Next
                } else {
                    train::How::Base
                },
            }),
            settled: good,
            unnumbered: if good { Vec::new() } else { vec![commit(TIP)] },
            in_one: None,
            unlined: Vec::new(),
        }),
        tip: match good {
            true => snapshot(2, "  * (hotfix 2012.05.02) one: #1234\n"),
            false => snapshot(1, "  * one: #1234\n"),
        },
        moved: None,
        others: Source::Known(Vec::new()),
        pulls: Source::Known(OtherPulls::default()),
    }
}

/// What the forge says of that commit: it came by an approved pull request; not good: by none, and the
/// pull request that is judged has no approval.
pub fn forge(good: bool, event: Event) -> Forge {
    let account = |id, login: &str| Account {
        id,
        login: login.to_owned(),
        bot: false,
    };
    let approval = Review {
        by: Some(account(2, "bob")),
        state: State::Approved,
        commit: TIP.to_owned(),
        at: "2026-01-05T09:00:00Z".to_owned(),
        counts: true,
    };
    let pull = Pull {
        number: 7,
        title: "Mend it".to_owned(),
        text: String::new(),
        url: "https://git.example/example/service/pull/7".to_owned(),
        author: Some(account(1, "ann")),
        base: BRANCH.to_owned(),
        branch: "HOCS-1".to_owned(),
        from: Some("example/service".to_owned()),
        head: TIP.to_owned(),
        open: event == Event::PullRequest,
        draft: false,
        merged: (event != Event::PullRequest).then(|| commit(TIP)),
        merged_at: None,
        labels: Vec::new(),
        commits: vec![Commit {
            id: TIP.to_owned(),
            message: "HOCS-1 mend it\n".to_owned(),
            author: Some(account(1, "ann")),
            committer: Some(account(1, "ann")),
            merge: false,
            pure: false,
            name: "Ann".to_owned(),
            address: "ann@example.org".to_owned(),
            committed_by: ("Ann".to_owned(), "ann@example.org".to_owned()),
        }],
        reviews: good.then_some(approval).into_iter().collect(),
    };
    let here = good || event == Event::PullRequest;
    Forge {
        kind: ForgeKind::GitHub,
        branch: BRANCH.to_owned(),
        pulls: Source::Known(here.then_some(pull).into_iter().collect()),
        forward: Source::Known(Vec::new()),
        brought: Vec::new(),
        elsewhere: Vec::new(),
        teams: Vec::new(),
        issues: vec![(12, Source::Known(good.then(issue)))],
    }
}

fn pipeline(good: bool) -> PipelineFacts {
    let weakness = Weakness {
        kind: Kind::Ungated,
        file: ".drone.yml".to_owned(),
        line: 1,
        pipeline: None,
        steps: vec!["deploy".to_owned()],
        what: "`deploy` does not wait for the gate".to_owned(),
        advice: "let it depend on the gate".to_owned(),
    };
    PipelineFacts {
        files: vec![".drone.yml".to_owned()],
        steps: 2,
        gates: vec![("default".to_owned(), "hotfix".to_owned())],
        weaknesses: if good { Vec::new() } else { vec![weakness] },
        unreadable: None,
        unchanged: Source::Known(if good {
            Unchanged::SameGate
        } else {
            Unchanged::Changed(vec!["the gate is gone".to_owned()])
        }),
    }
}

fn running(tag: &str) -> Running {
    Running {
        targets: vec![OnTarget {
            target: "cs-prod".to_owned(),
            origin: "the policy".to_owned(),
            answer: Source::Known(vec![Deployed {
                text: tag.to_owned(),
                name: None,
                tag: Some(tag.to_owned()),
                digest: None,
                since: None,
                commit: None,
                build: None,
                branch: None,
                runs: true,
            }]),
            notes: Vec::new(),
        }],
    }
}

/// What the Drone server says of a promotion; not good: it brings settings along, goes back to a pull
/// request, and nothing was tried.
fn before(good: bool) -> Before {
    let brought = (!good).then(|| ("PLUGIN_DRY_RUN".to_owned(), "true".to_owned()));
    let trial = Built {
        parent: Some(418),
        deploy_to: Some("cs-demo".to_owned()),
        ..built("promote", 415)
    };
    Before {
        own: Built {
            parent: Some(418),
            status: "running".to_owned(),
            trigger: Some("example".to_owned()),
            deploy_to: Some("cs-qa".to_owned()),
            params: brought.into_iter().collect(),
            finished: None,
            ..built("promote", 419)
        },
        origin: Source::Known(Some(built(if good { "push" } else { "pull_request" }, 418))),
        past: Source::Known(Past {
            promotions: good.then_some(trial).into_iter().collect(),
            builds: Vec::new(),
            whole: true,
        }),
    }
}

fn built(event: &str, number: u64) -> Built {
    Built {
        number,
        parent: None,
        event: event.to_owned(),
        status: "success".to_owned(),
        branch: Some("main".to_owned()),
        git_ref: Some("refs/heads/main".to_owned()),
        commit: TIP.to_owned(),
        author: None,
        trigger: Some("@hook".to_owned()),
        source_repo: None,
        deploy_to: None,
        params: BTreeMap::new(),
        finished: Some(1_700_000_000),
    }
}

fn evidence(way: Way) -> Option<Evidence> {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let text = str::to_owned;
    Some(match way {
        Way::None | Way::Unknown => return None,
        Way::Name => Evidence::Name {
            variable: text("VERSION"),
            token: text(TAG),
            kind: NameKind::Tag,
        },
        Way::Build => Evidence::Build {
            fact: "branch",
            value: text(BRANCH),
        },
        Way::Bytes => Evidence::Bytes {
            version: text("1.2.3"),
            relation: Relation::Same,
            digest,
            tag: text(TAG),
        },
        Way::Attestation => Evidence::Attested {
            version: text("1.2.3"),
            digest,
            branch: text(BRANCH),
        },
        Way::Commit => Evidence::Commit {
            what: text("the promoted build"),
            commit: text(TIP),
            branch: text(BRANCH),
        },
    })
}

/// The facts of a cell.
pub fn facts<'a>(
    environment: &Environment,
    build: &'a Build,
    policy: &'a Policy,
    cell: &Cell,
) -> Facts<'a> {
    let from = cell.sources;
    let mut facts = facts::collect(environment, build, policy, &Redactor::default());
    facts.history = source(from, history(true), history(false));
    facts.forge = source(from, forge(true, build.event), forge(false, build.event));
    facts.pipeline = source(from, pipeline(true), pipeline(false));
    facts.train = source(from, train(true), train(false));
    facts.ticket_params = vec![
        if from == Sources::OutOfOrder {
            ""
        } else {
            "HOCS-9"
        }
        .to_owned(),
    ];
    facts.running = source(from, running("1.0.0"), running(TAG));
    facts.current = source(from, Vec::new(), Vec::new());
    let built_from = |revision: &str| {
        vec![Platform {
            name: "linux/amd64".to_owned(),
            revision: Some(revision.to_owned()),
        }]
    };
    facts.image = source(from, built_from(TIP), built_from(OTHER));
    if let Some(promotion) = &mut facts.promotion {
        assert_eq!(
            promotion.target.class(),
            cell.class,
            "{:?}",
            promotion.target
        );
        assert!(promotion.evidence.is_empty(), "{:?}", promotion.evidence);
        promotion.evidence.extend(evidence(cell.way));
        promotion.build_known = cell.way != Way::Unknown;
        let compared = Compared {
            versions: Vec::new(),
            hotfix_tags: 0,
        };
        promotion.bytes = source(from, compared.clone(), compared);
        promotion.images = source(from, Vec::new(), Vec::new());
        promotion.attested = source(from, Vec::new(), Vec::new());
        promotion.commits = source(from, 0, 0);
        promotion.before = source(from, before(true), before(false));
        assert!(!matches!(promotion.target, Target::Missing) || cell.class.is_none());
    }
    facts
}
