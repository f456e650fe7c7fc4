//! What a verdict can never do: grow milder because something that was configured has stopped
//! answering, or because one more rule is broken. A hundred thousand random cases each.

use drone_hotfix::ci;
use drone_hotfix::facts::history::History;
use drone_hotfix::facts::identity::Evidence;
use drone_hotfix::facts::{Facts, Source};
use drone_hotfix::policy::Policy;
use drone_hotfix::rules::{self, TABLE};
use drone_hotfix::verdict::{Decision, Finding, Level, Outcome, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::oracle::{Cell, SOURCES, WAYS};
use super::table::{EVENTS, LEVELS, TARGETS};
use super::world::{environment, facts};
use crate::random::{CASES, always};

/// How many facts [`lose`] can lose. The two that come behind are for identities by attestation and
/// by commit.
const LOSSES: u8 = 20;

fn unknown<T>() -> Source<T> {
    Source::Unknown {
        because: "it does not answer any more".to_owned(),
        retry: true,
        advice: "try again".to_owned(),
    }
}

/// What was known becomes unknown; what was never configured stays so.
fn forget<T>(source: &mut Source<T>) {
    if matches!(source, Source::Known(_)) {
        *source = unknown();
    }
}

fn lose(facts: &mut Facts<'_>, which: u8) {
    let in_history = |facts: &mut Facts<'_>, lose: fn(&mut History)| {
        if let Source::Known(history) = &mut facts.history {
            lose(history);
        }
    };
    match which {
        0 => forget(&mut facts.history),
        1 => forget(&mut facts.pipeline),
        2 => forget(&mut facts.running),
        3 => forget(&mut facts.current),
        4 => forget(&mut facts.image),
        5 => in_history(facts, |history| forget(&mut history.default)),
        6 => in_history(facts, |history| forget(&mut history.running)),
        7 => in_history(facts, |history| forget(&mut history.base)),
        8 => in_history(facts, |history| forget(&mut history.range)),
        9 => in_history(facts, |history| forget(&mut history.files)),
        10 => in_history(facts, |history| forget(&mut history.ports)),
        11 => in_history(facts, |history| forget(&mut history.same_tag)),
        12 => in_history(facts, |history| forget(&mut history.kept)),
        19 => forget(&mut facts.train),
        _ => {}
    }
    let Some(promotion) = &mut facts.promotion else {
        return;
    };
    // With the source goes what it said.
    let mut without = |way: &str| {
        promotion
            .evidence
            .retain(|evidence: &Evidence| evidence.way() != way)
    };
    match which {
        13 if promotion.build_known => {
            without("build");
            promotion.build_known = false;
        }
        14 if promotion.bytes.get().is_some() => {
            without("bytes");
            forget(&mut promotion.bytes);
        }
        15 => forget(&mut promotion.images),
        16 => forget(&mut promotion.before),
        17 if promotion.attested.get().is_some() => {
            without("attestation");
            forget(&mut promotion.attested);
        }
        18 if promotion.commits.get().is_some() => {
            without("commit");
            forget(&mut promotion.commits);
        }
        _ => {}
    }
}

fn policy(levels: &[Option<Level>]) -> Policy {
    let free = TABLE.iter().filter(|rule| rule.id != "readable-promotion");
    let named: Vec<String> = free
        .zip(levels)
        .filter_map(|(rule, level)| Some(format!("\"{}\":\"{}\"", rule.id, (*level)?)))
        .collect();
    let text = format!("{{\"train\":{{}},\"rules\":{{{}}}}}", named.join(","));
    let mut problems = Vec::new();
    Policy::parse(&text, &rules::keys(), &mut problems).expect("a policy")
}

#[test]
fn no_lost_fact_turns_a_failure_into_success() {
    let builds: Vec<_> = EVENTS
        .into_iter()
        .flat_map(|event| {
            let targets = if event.is_promotion() {
                &TARGETS[..]
            } else {
                &TARGETS[..1]
            };
            targets.iter().map(move |(target, class)| {
                let environment = environment(event, target);
                let build = ci::read(&environment).expect("a build");
                (environment, build, event, *class)
            })
        })
        .collect();
    let levels = vec(select(&LEVELS[..]), TABLE.len() - 1);
    let setups = (
        any::<Index>(),
        select(&WAYS[..]),
        select(&SOURCES[..]),
        levels,
        vec(0..LOSSES, 1..4),
    );
    always(CASES, &setups, |(which, way, sources, levels, lost)| {
        let (environment, build, event, class) = which.get(&builds);
        let cell = Cell {
            event: *event,
            class: *class,
            way,
            sources,
            level: None,
        };
        let policy = policy(&levels);
        let mut facts = facts(environment, build, &policy, &cell);
        let pull_request = *event == ci::Event::PullRequest;
        let judge = |facts: &Facts<'_>| Verdict::of(rules::judge(facts), pull_request).decision();
        let before = judge(&facts);
        for which in &lost {
            lose(&mut facts, *which);
        }
        let after = judge(&facts);
        prop_assert!(
            before == Decision::Allowed || after != Decision::Allowed,
            "{before:?} became {after:?} without {lost:?}: {cell:?} {levels:?}"
        );
        Ok(())
    });
}

fn outcome(kind: u8) -> Outcome {
    let text = String::new;
    match kind {
        0 => Outcome::Pass {
            because: text(),
            note: None,
        },
        1 => Outcome::NotApplicable { because: text() },
        2 => Outcome::NotChecked {
            because: text(),
            next: Vec::new(),
        },
        3 => Outcome::Unknown {
            because: text(),
            retry: false,
            next: Vec::new(),
        },
        _ => Outcome::Violation {
            found: text(),
            expected: text(),
            next: Vec::new(),
        },
    }
}

#[test]
fn no_added_violation_turns_a_failure_into_success() {
    let finding = |kinds: std::ops::Range<u8>| {
        (select(&Level::ALL[..]), any::<bool>(), kinds).prop_map(|(level, named, kind)| Finding {
            rule: "example",
            level,
            named,
            outcome: outcome(kind),
            why: "",
            who: String::new(),
            overridden: None,
            override_by: Vec::new(),
        })
    };
    let setups = (
        vec(finding(0..5), 0..8),
        finding(4..5),
        any::<Index>(),
        any::<bool>(),
    );
    always(CASES, &setups, |(findings, violation, at, pull_request)| {
        let before = Verdict::of(findings.clone(), pull_request).decision();
        let must = violation.level == Level::Must;
        let mut more = findings;
        more.insert(at.index(more.len() + 1), violation);
        let after = Verdict::of(more, pull_request).decision();
        prop_assert!(after >= before && (!must || after == Decision::Refused));
        Ok(())
    });
}
