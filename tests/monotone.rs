//! More to say against a build never makes it allowed: on a hundred thousand random facts each, a
//! raised level, an added violation, and a fact that a configured source does not give any more. With
//! overrides, which stay as they are. Pure: no binary, no file, no network; the same seed every time.

mod forges;

use drone_hotfix::ci::privacy::Privacy;
use drone_hotfix::ci::{Build, Event, Platform};
use drone_hotfix::day::Day;
use drone_hotfix::environment::Environment;
use drone_hotfix::facts::confidential::Why;
use drone_hotfix::facts::exposure::{Anonymous, Exposed};
use drone_hotfix::facts::forge::Forge;
use drone_hotfix::facts::history::{
    Base, Change, Found, Head, History, How, Kept, Placed, Port, SameTag, What,
};
use drone_hotfix::facts::identity::{self, Evidence, Relation};
use drone_hotfix::facts::reason::Reason;
use drone_hotfix::facts::running::{Deployed, OnTarget, Running};
use drone_hotfix::facts::train::{
    self, File, Known, OtherPulls, Right, Snapshot, Start, TrainFacts,
};
use drone_hotfix::facts::{Facts, PlannedTag, Promotion, Source, bytes, git, image, pipeline};
use drone_hotfix::git::changes::{FileChange, Status};
use drone_hotfix::git::commits::Person;
use drone_hotfix::hotfix::tag::ImageTag;
use drone_hotfix::hotfix::{CommitId, HotfixBranch};
use drone_hotfix::overrides;
use drone_hotfix::policy::Policy;
use drone_hotfix::registry::reference::Digest;
use drone_hotfix::rules;
use drone_hotfix::secret::Redactor;
use drone_hotfix::train::changelog::ChangeLog;
use drone_hotfix::train::spec::{Release, Spec};
use drone_hotfix::verdict::{Decision, Finding, Level, Outcome, Override, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const CASES: u32 = 100_000;
const NOW: i64 = 1_800_000_000;

fn always<S: Strategy>(
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

fn id(digit: u8) -> CommitId {
    CommitId::parse(&format!("{digit:x}").repeat(40)).expect("an id")
}

/// What a source gives: nothing is configured, it fails, or one of these.
fn source<T: Clone + std::fmt::Debug + 'static>(
    known: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Source<T>> {
    prop_oneof![
        1 => Just(Source::NotConfigured("not configured".to_owned())),
        1 => Just(lost()),
        4 => known.prop_map(Source::Known),
    ]
    .boxed()
}

fn lost<T>() -> Source<T> {
    Source::Unknown {
        because: "no answer".to_owned(),
        retry: true,
        advice: "ask again".to_owned(),
    }
}

fn ids() -> impl Strategy<Value = CommitId> {
    (1..5_u8).prop_map(id)
}

fn ports() -> impl Strategy<Value = Vec<Port>> {
    let how = select(vec![
        How::Ancestor,
        How::Patch(id(3)),
        How::Content,
        How::Nothing,
        How::Reverted(id(3)),
        How::Missing,
    ]);
    let port = (ids(), how).prop_map(|(id, how)| Port {
        id,
        subject: "mend it".to_owned(),
        message: "mend it\n".to_owned(),
        how,
    });
    vec(port, 0..3)
}

fn person(name: &str) -> Person {
    Person {
        name: name.to_owned(),
        email: format!("{}@example.org", name.to_lowercase()),
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let texts = select(vec![
        "EX-1 mend it",
        "feat: new things",
        "EX-1: a\n\nHotfix-Temporary: yes",
        "fix!: break it",
        "EX-1\n\nHotfix-Temporary: no\nAgreed-by: Ann <ann@example.org>\nIssue: #1",
        "EX-1\n\nAgreed-by: Bob <bob@example.org>\nTriage: atomic\nIssue: EX-2",
        "EX-1\n\nDecision: hotfix\nTriage: A02k, A02j, nothing",
        "EX-1\n\nDecision: derail\nTriage: \nIssue: #x",
    ]);
    let change = (ids(), texts, any::<bool>(), any::<bool>(), 0..60_i64);
    let change = change.prop_map(|(id, text, merge, from_default, days)| Change {
        id,
        subject: text.lines().next().unwrap_or_default().to_owned(),
        message: text.to_owned(),
        trailers: text
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        merge,
        committed: NOW - days * 86_400,
        from_default,
        author: person("Ann"),
        committer: person("Ann"),
    });
    vec(change, 0..3)
}

fn files() -> impl Strategy<Value = Vec<FileChange>> {
    let paths = select(vec!["src/app", ".drone.yml", "a/Dockerfile", "b/main.go"]);
    let file = (paths, 0..400_u32).prop_map(|(path, added)| FileChange {
        path: path.to_owned(),
        old_path: None,
        status: Status::Modified,
        added,
        removed: 0,
        counted: true,
        binary: false,
        submodule: false,
    });
    vec(file, 0..4)
}

fn placed() -> impl Strategy<Value = Vec<Placed>> {
    let what = select(vec![
        What::Release("1.0.0".to_owned()),
        What::Hotfix(Some("hotfix/EX-1".to_owned())),
        What::Train("train-2012.04.27".to_owned()),
        What::Other,
    ]);
    let one = (any::<bool>(), what, source(ids()), source(any::<bool>()));
    let one = one.prop_map(|(runs, what, commit, below)| Placed {
        target: "cs-prod".to_owned(),
        origin: "the policy".to_owned(),
        text: "1.0.0".to_owned(),
        runs,
        what,
        commit,
        below,
    });
    vec(one, 0..3)
}

fn histories() -> impl Strategy<Value = History> {
    let head = ids().prop_map(|commit| Head {
        name: "main".to_owned(),
        commit,
    });
    let found = select(vec![Found::Running, Found::Release, Found::Fork]);
    let base = (vec(ids(), 1..3), any::<bool>(), found);
    let base = base.prop_map(|(commits, tagged, found)| Base {
        commits,
        tags: tagged.then(|| "1.0.0".to_owned()).into_iter().collect(),
        found,
    });
    let same = Just(SameTag {
        branch: "hotfix/EX/1".to_owned(),
        tag: "branch-hotfix_EX_1".to_owned(),
    });
    let kept = ports().prop_map(|ports| Kept {
        text: "branch-hotfix_EX-1".to_owned(),
        target: "cs-prod".to_owned(),
        ports,
    });
    let first = (source(head), source(placed()), source(base));
    let notes = Vec::from(["- mend it".to_owned(), "- mend CVE-2026-1".to_owned()]);
    let services = vec(select(vec!["a".to_owned(), "b".to_owned()]), 0..3);
    let second = (
        source(changes()),
        source(files()),
        source(any::<bool>()),
        source(services),
    );
    let third = (
        source(ports()),
        source(vec(same, 0..2)),
        source(vec(kept, 0..2)),
        source(vec(select(notes), 0..2)),
    );
    let parts = (ids(), first, second, third);
    parts.prop_map(|(tip, first, second, third)| History {
        tip,
        default: first.0,
        running: first.1,
        base: first.2,
        range: second.0,
        files: second.1,
        notes: third.3,
        revertible: second.2,
        services: second.3,
        ports: third.0,
        same_tag: third.1,
        kept: third.2,
    })
}

fn snapshots() -> impl Strategy<Value = Snapshot> {
    let spec = (
        select(vec!["0.2012.04.27", "1.2012.04.27", "%{ver}"]),
        1..4_u32,
    );
    let spec = spec.prop_map(|(version, release)| {
        File::Read(Spec::parse(&format!(
            "Version: {version}\nRelease: {release}\n"
        )))
    });
    let log = select(vec![
        "",
        "train-2012.04.27:\n",
        "train-2012.04.27:\n  * (hotfix 2012.05.02) one: #1234\n",
        "train-2012.04.27:\n  * (hotfix 2012.05.02) one\n  * (hotfix) EX-9\n",
    ]);
    let log = log.prop_map(|text| File::Read(ChangeLog::parse(text, &|_| false, &[])));
    let spec = prop_oneof![6 => spec, 1 => Just(File::Missing)];
    let log = prop_oneof![6 => log, 1 => Just(File::NoText)];
    let parts = (ids(), source(spec), source(log));
    parts.prop_map(|(commit, spec, changelog)| Snapshot {
        commit,
        spec,
        changelog,
    })
}

fn train_facts() -> impl Strategy<Value = TrainFacts> {
    let how = select(vec![
        train::How::Next,
        train::How::Next,
        train::How::Base,
        train::How::Begin,
        train::How::WrittenOut,
    ]);
    let right = (1..4_u32, how).prop_map(|(number, how)| Right {
        version: "0.2012.04.27".to_owned(),
        release: Release {
            number,
            suffix: String::new(),
        },
        commit: CommitId::parse(&"0".repeat(40)).unwrap(),
        how,
    });
    let right = proptest::option::weighted(0.9, right);
    let parts = (snapshots(), vec(ids(), 0..2), right, any::<bool>());
    let start = parts.prop_map(|(snapshot, unnumbered, right, settled)| Start {
        found: train::Found::Number,
        snapshot,
        commits: Source::NotConfigured("not read".to_owned()),
        settled: settled && unnumbered.is_empty(),
        right,
        unnumbered,
        in_one: None,
        unlined: Vec::new(),
    });
    let newest = select(vec!["2012.04.27", "2012.05.11"]);
    let moved = proptest::option::of(snapshots());
    let parts = (newest, source(start), snapshots(), moved);
    parts.prop_map(|(newest, start, tip, moved)| {
        let known = |name: &str| Known {
            branch: format!("train-{name}"),
            name: name.to_owned(),
            derailed: None,
        };
        let mut trains = vec![known(newest), known("2012.04.27")];
        trains.dedup();
        TrainFacts {
            branch: "train-2012.04.27".to_owned(),
            trains,
            start,
            tip,
            moved,
            others: Source::Known(Vec::new()),
            pulls: Source::Known(OtherPulls::default()),
        }
    })
}

fn exposures() -> impl Strategy<Value = Exposed> {
    let answers = vec![
        Anonymous::Refused,
        Anonymous::Refused,
        Anonymous::Hidden,
        Anonymous::Lists,
        Anonymous::Gives,
    ];
    source(select(answers)).prop_map(|answer| Exposed {
        repository: "registry.example/app".to_owned(),
        answer,
    })
}

fn runnings() -> impl Strategy<Value = Running> {
    let digests = proptest::option::of(select(vec![Digest::of(b"a"), Digest::of(b"b")]));
    let tags = select(vec!["1.0.0", "branch-hotfix_EX-1"]);
    let deployed = (tags, digests, any::<bool>()).prop_map(|(tag, digest, runs)| Deployed {
        text: tag.to_owned(),
        name: None,
        tag: Some(tag.to_owned()),
        digest,
        since: None,
        commit: None,
        build: None,
        branch: None,
        runs,
    });
    let target = source(vec(deployed, 1..3)).prop_map(|answer| OnTarget {
        target: "cs-prod".to_owned(),
        origin: "the policy".to_owned(),
        answer,
        notes: Vec::new(),
    });
    vec(target, 0..3).prop_map(|targets| Running { targets })
}

fn pipelines() -> impl Strategy<Value = pipeline::PipelineFacts> {
    let changed = pipeline::Unchanged::Changed(vec!["the gate is gone".to_owned()]);
    let unchanged = select(vec![
        pipeline::Unchanged::Same("main"),
        pipeline::Unchanged::SameGate,
        changed,
    ]);
    source(unchanged).prop_map(|unchanged| pipeline::PipelineFacts {
        files: vec![".drone.yml".to_owned()],
        steps: 2,
        gates: vec![("default".to_owned(), "hotfix".to_owned())],
        weaknesses: Vec::new(),
        unreadable: None,
        unchanged,
    })
}

/// Every source of facts.
#[derive(Clone, Debug)]
struct World {
    workspace: Source<git::Workspace>,
    image: Source<Vec<image::Platform>>,
    pipeline: Source<pipeline::PipelineFacts>,
    running: Source<Running>,
    current: Source<Vec<(String, Digest)>>,
    history: Source<History>,
    train: Source<TrainFacts>,
    forge: Source<Forge>,
    bytes: Source<bytes::Compared>,
    /// Whether a comparison has found that the bytes are a hotfix's.
    same_bytes: bool,
    exposure: Source<Vec<Exposed>>,
}

fn worlds() -> impl Strategy<Value = World> {
    let workspace = proptest::option::of(ids()).prop_map(|head| git::Workspace {
        head,
        branch: None,
        message: None,
        objects: Vec::new(),
        shallow: Vec::new(),
    });
    let platform = proptest::option::of(ids()).prop_map(|commit| image::Platform {
        name: "linux/amd64".to_owned(),
        revision: commit.map(|commit| commit.as_str().to_owned()),
    });
    let tag = select(vec![Digest::of(b"a"), Digest::of(b"c")])
        .prop_map(|digest| ("branch-hotfix_EX-1".to_owned(), digest));
    let compared = Just(bytes::Compared {
        versions: vec![("1.2.3".to_owned(), Digest::of(b"a"))],
        hotfix_tags: 3,
    });
    let parts = (
        source(workspace),
        source(vec(platform, 0..3)),
        source(pipelines()),
        source(runnings()),
        source(vec(tag, 0..2)),
        source(histories()),
        source(compared),
        any::<bool>(),
        source(train_facts()),
        source(vec(exposures(), 1..3)),
        source(forges::forges()),
    );
    parts.prop_map(|parts| World {
        workspace: parts.0,
        image: parts.1,
        pipeline: parts.2,
        running: parts.3,
        current: parts.4,
        history: parts.5,
        bytes: parts.6,
        same_bytes: parts.7,
        train: parts.8,
        exposure: parts.9,
        forge: parts.10,
    })
}

/// What a source knows is lost: its answer, and with it what was found by it.
fn lose(world: &mut World, which: usize) {
    fn one<T>(source: &mut Source<T>) {
        if matches!(source, Source::Known(_)) {
            *source = lost();
        }
    }
    match which {
        0 => one(&mut world.workspace),
        1 => one(&mut world.image),
        2 => one(&mut world.pipeline),
        3 => one(&mut world.running),
        4 => one(&mut world.current),
        5 => one(&mut world.history),
        6 => one(&mut world.bytes),
        7 => {
            if let Source::Known(running) = &mut world.running
                && let Some(target) = running.targets.first_mut()
            {
                one(&mut target.answer);
            }
        }
        20 => one(&mut world.exposure),
        22 => {
            if let Source::Known(all) = &mut world.exposure
                && let Some(first) = all.first_mut()
            {
                one(&mut first.answer);
            }
        }
        8 => {
            if let Source::Known(pipeline) = &mut world.pipeline {
                one(&mut pipeline.unchanged);
            }
        }
        23 => one(&mut world.train),
        24..=29 => {
            let Source::Known(train) = &mut world.train else {
                return;
            };
            match which {
                24 => one(&mut train.start),
                25 => one(&mut train.tip.spec),
                26 => one(&mut train.tip.changelog),
                27 => one(&mut train.others),
                28 => train
                    .moved
                    .iter_mut()
                    .for_each(|moved| one(&mut moved.spec)),
                _ => {
                    if let Source::Known(start) = &mut train.start {
                        one(&mut start.snapshot.spec);
                        one(&mut start.snapshot.changelog);
                    }
                }
            }
        }
        30 => one(&mut world.forge),
        31..=35 => {
            if let Source::Known(forge) = &mut world.forge {
                match which {
                    31 => one(&mut forge.pulls),
                    32 => one(&mut forge.forward),
                    33 => forge.issues.iter_mut().for_each(|(_, issue)| one(issue)),
                    34 => forge.teams.iter_mut().for_each(|team| one(&mut team.is)),
                    _ => forge.brought.iter_mut().for_each(|(_, said)| one(said)),
                }
            }
        }
        _ => {
            let Source::Known(history) = &mut world.history else {
                return;
            };
            match which {
                9 => one(&mut history.default),
                10 => one(&mut history.running),
                11 => one(&mut history.base),
                12 => one(&mut history.range),
                13 => one(&mut history.files),
                14 => one(&mut history.revertible),
                15 => one(&mut history.services),
                16 => one(&mut history.ports),
                17 => one(&mut history.same_tag),
                18 => one(&mut history.kept),
                21 => one(&mut history.notes),
                _ => {
                    if let Source::Known(placed) = &mut history.running
                        && let Some(first) = placed.first_mut()
                    {
                        one(&mut first.commit);
                        one(&mut first.below);
                    }
                }
            }
        }
    }
}

/// One more than the last number that [`lose`] takes.
const LOSSES: usize = 36;

/// A build, the levels of the rules, and who overrides what.
#[derive(Clone, Debug)]
struct Case {
    event: Event,
    branch: &'static str,
    target: &'static str,
    version: Option<&'static str>,
    levels: Vec<Option<Level>>,
    overridden: Vec<Index>,
    reason: bool,
    /// Whether the hotfix is confidential, and what the server says of the repository.
    confidential: bool,
    private: Option<&'static str>,
    world: World,
}

fn cases() -> impl Strategy<Value = Case> {
    let events = vec![
        Event::Push,
        Event::Custom,
        Event::PullRequest,
        Event::Promote,
        Event::Promote,
        Event::Promote,
        Event::Rollback,
    ];
    let levels = vec![
        None,
        None,
        Some(Level::Off),
        Some(Level::May),
        Some(Level::Should),
        Some(Level::Must),
    ];
    let parts = (
        select(events),
        select(vec!["hotfix/EX-1", "hotfix/some-thing", "main"]),
        select(vec!["cs-qa", "cs-prod", "cs-demo", "elsewhere"]),
        proptest::option::of(select(vec!["1.2.3", "branch-hotfix_EX-1", "a b"])),
        vec(select(levels), rules::keys().len()),
        vec(any::<Index>(), 0..12),
        any::<bool>(),
        worlds(),
        any::<bool>(),
        select(vec![Some("true"), Some("true"), Some("false"), None]),
    );
    parts.prop_map(|parts| Case {
        event: parts.0,
        branch: parts.1,
        target: parts.2,
        version: parts.3,
        levels: parts.4,
        overridden: parts.5,
        reason: parts.6,
        world: parts.7,
        confidential: parts.8,
        private: parts.9,
    })
}

/// What does not change from case to case: the policy with one entry for each rule.
struct Ground {
    policy: Policy,
    rules: Vec<&'static str>,
}

impl Ground {
    fn new() -> Self {
        let keys = rules::keys();
        let free = keys.iter().filter(|key| !key.fixed).map(|key| key.id);
        let rules: Vec<&str> = free.collect();
        let entries: Vec<String> = rules
            .iter()
            .map(|rule| format!(r#"{{"who":["alice"],"rule":"{rule}","until":"9999-12-31"}}"#))
            .collect();
        let text = format!(
            r#"{{"train":{{}},"overrides":[{}],"running":{{"cs-prod":"1.0.0"}},"confidential_ticket":"^EX-\\d+$","agreed":{{"by":["Bob <bob@example.org>","@login-2","example/owners"],"count":2,"labels":["bug"]}}}}"#,
            entries.join(",")
        );
        let mut problems = Vec::new();
        let policy = Policy::parse(&text, &keys, &mut problems);
        let policy = policy.unwrap_or_else(|| panic!("{problems:?}"));
        Self { policy, rules }
    }

    fn judge(&self, case: &Case) -> Verdict {
        let mut policy = self.policy.clone();
        let named = self.rules.iter().zip(&case.levels);
        policy.rules = named
            .filter_map(|(rule, level)| Some(((*rule).to_owned(), (*level)?)))
            .collect();
        let entries = &self.policy.overrides;
        let chosen = case.overridden.iter();
        policy.overrides = chosen.map(|which| which.get(entries).clone()).collect();
        let build = build(case);
        let world = &case.world;
        let branch = HotfixBranch::parse(case.branch, &policy.prefixes);
        let tag = ImageTag::new(&format!("branch-{}", case.branch.replace('/', "_")));
        let tags = match &branch {
            Ok(_) => vec![PlannedTag {
                template: "branch-{branch}".to_owned(),
                text: tag.as_ref().ok().map(|tag| tag.as_str().to_owned()),
                tag,
                nearest: None,
            }],
            Err(_) => Vec::new(),
        };
        let ticket = policy
            .ticket
            .find(case.branch)
            .map(|ticket| (ticket, "the branch"));
        let facts = Facts {
            build: &build,
            policy: &policy,
            workspace: world.workspace.clone(),
            branch,
            ticket,
            tags,
            image: world.image.clone(),
            pipeline: world.pipeline.clone(),
            running: world.running.clone(),
            current: world.current.clone(),
            history: world.history.clone(),
            train: world.train.clone(),
            ticket_params: vec!["EX-9".to_owned()],
            forge: world.forge.clone(),
            promotion: promotion(case, &build, &policy),
            reason: reason(case),
            title: None,
            confidential: case
                .confidential
                .then_some(Why::Ticket("the name of the branch")),
            exposure: world.exposure.clone(),
            now: NOW,
        };
        overrides::judge(&facts)
    }
}

fn build(case: &Case) -> Build {
    let promotion = case.event.is_promotion();
    Build {
        platform: Platform::Drone,
        event: case.event,
        event_name: format!("{:?}", case.event),
        number: 419,
        parent: promotion.then_some(418),
        link: None,
        repo: "example/service".to_owned(),
        page: None,
        forge: None,
        default_branch: Some("main".to_owned()),
        commit: id(2),
        git_ref: Some(format!("refs/heads/{}", case.branch)),
        branch: Some(case.branch.to_owned()),
        source_branch: Some("EX-1".to_owned()),
        target: promotion.then(|| case.target.to_owned()),
        trigger: Some("alice".to_owned()),
        created: Some(NOW),
        message: None,
        remote: None,
        workspace: "/drone/src".into(),
        privacy: Privacy {
            private: case.private.map(str::to_owned),
            visibility: None,
        },
    }
}

fn reason(case: &Case) -> Reason {
    if !case.reason {
        return Reason::Missing;
    }
    let version = case.version.unwrap_or("418");
    Reason::Given(if case.event.is_promotion() {
        format!("{} {version} because", case.target)
    } else {
        format!("{} because", case.branch)
    })
}

fn promotion(case: &Case, build: &Build, policy: &Policy) -> Option<Promotion> {
    if !case.event.is_promotion() {
        return None;
    }
    let version = case
        .version
        .map(|version| ("VERSION".into(), version.into()));
    let environment = Environment::new(version);
    let mut promotion = identity::read(&environment, build, policy, &Redactor::default());
    promotion.bytes = case.world.bytes.clone();
    // What was found by the bytes is known only as long as the comparison is.
    if case.world.same_bytes && matches!(promotion.bytes, Source::Known(_)) {
        promotion.evidence.push(Evidence::Bytes {
            version: "1.2.3".to_owned(),
            relation: Relation::Same,
            digest: Digest::of(b"a").as_str().to_owned(),
            tag: "branch-hotfix_EX-1".to_owned(),
        });
    }
    Some(promotion)
}

#[test]
fn every_kind_of_case_comes() {
    let ground = Ground::new();
    let seen = std::cell::RefCell::new([0_u32; 4]);
    always(10_000, &cases(), |case| {
        let verdict = ground.judge(&case);
        let overridden = verdict.findings().iter().any(|f| f.overridden.is_some());
        let which = match verdict.decision() {
            Decision::Allowed if overridden => 0,
            Decision::Allowed => 1,
            Decision::Undecided => 2,
            Decision::Refused => 3,
        };
        seen.borrow_mut()[which] += 1;
        Ok(())
    });
    let seen = seen.into_inner();
    assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
}

#[test]
fn no_raised_level_makes_a_build_allowed() {
    let ground = Ground::new();
    always(CASES, &(cases(), any::<Index>()), |(case, which)| {
        let before = ground.judge(&case).decision();
        if before != Decision::Allowed {
            let mut raised = case;
            let level = which.get_mut(&mut raised.levels);
            *level = Some(match *level {
                Some(Level::Off) => Level::May,
                Some(Level::May) => Level::Should,
                // Every level of its own is `should` or `must`.
                Some(Level::Should | Level::Must) | None => Level::Must,
            });
            let after = ground.judge(&raised).decision();
            prop_assert_ne!(after, Decision::Allowed);
        }
        Ok(())
    });
}

#[test]
fn no_lost_fact_makes_a_build_allowed() {
    let ground = Ground::new();
    always(CASES, &(cases(), 0..LOSSES), |(case, which)| {
        let before = ground.judge(&case).decision();
        if before != Decision::Allowed {
            let mut poorer = case;
            lose(&mut poorer.world, which);
            let after = ground.judge(&poorer).decision();
            prop_assert_ne!(after, Decision::Allowed, "{} was lost", which);
        }
        Ok(())
    });
}

#[test]
fn no_override_that_is_taken_away_makes_a_build_allowed() {
    let ground = Ground::new();
    always(10_000, &cases(), |case| {
        let before = ground.judge(&case).decision();
        if before != Decision::Allowed {
            let mut alone = case;
            alone.reason = false;
            let after = ground.judge(&alone).decision();
            prop_assert!(after >= before, "{before:?} became {after:?}");
        }
        Ok(())
    });
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let because = String::new;
    select(vec![
        Outcome::Pass {
            because: because(),
            note: None,
        },
        violation(),
        Outcome::NotApplicable { because: because() },
        Outcome::Unknown {
            because: because(),
            retry: false,
            next: Vec::new(),
        },
        Outcome::NotChecked {
            because: because(),
            next: Vec::new(),
        },
    ])
}

fn violation() -> Outcome {
    Outcome::Violation {
        found: String::new(),
        expected: String::new(),
        next: Vec::new(),
    }
}

fn findings() -> impl Strategy<Value = Finding> {
    let parts = (
        outcomes(),
        select(Level::ALL.to_vec()),
        any::<bool>(),
        any::<bool>(),
    );
    parts.prop_map(|(outcome, level, named, overridden)| Finding {
        rule: "example",
        level,
        named,
        outcome,
        why: "",
        who: String::new(),
        overridden: overridden.then(|| Override {
            by: "alice".to_owned(),
            reason: String::new(),
            until: Day::parse("9999-12-31").expect("a day"),
        }),
        override_by: Vec::new(),
    })
}

#[test]
fn no_added_violation_makes_a_build_allowed() {
    let more = (
        vec(findings(), 0..6),
        findings(),
        any::<Index>(),
        any::<bool>(),
    );
    always(CASES, &more, |(all, mut added, at, pull_request)| {
        let before = Verdict::of(all.clone(), pull_request).decision();
        added.outcome = violation();
        let mut longer = all.clone();
        longer.insert(at.index(all.len() + 1), added.clone());
        let after = Verdict::of(longer, pull_request).decision();
        prop_assert!(after >= before, "{before:?} became {after:?}");
        if added.level == Level::Must && added.overridden.is_none() {
            prop_assert_eq!(after, Decision::Refused);
        }
        // The same where a rule that said something else is broken now.
        if !all.is_empty() {
            let mut broken = all;
            let which = at.index(broken.len());
            broken[which].outcome = violation();
            let after = Verdict::of(broken, pull_request).decision();
            prop_assert!(after >= before, "{before:?} became {after:?}");
        }
        Ok(())
    });
}
