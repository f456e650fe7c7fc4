//! How levels, outcomes and overrides add up.

use super::*;

fn outcomes() -> [Outcome; 5] {
    let because = String::new();
    [
        Outcome::Pass {
            note: None,
            because: because.clone(),
        },
        Outcome::Violation {
            found: because.clone(),
            expected: because.clone(),
            next: vec![],
        },
        Outcome::NotApplicable {
            because: because.clone(),
        },
        Outcome::Unknown {
            because: because.clone(),
            retry: true,
            next: vec![],
        },
        Outcome::NotChecked {
            because,
            next: vec![],
        },
    ]
}

fn finding(level: Level, outcome: Outcome, named: bool) -> Finding {
    Finding {
        rule: "example",
        level,
        named,
        outcome,
        why: "",
        who: String::new(),
        overridden: None,
        override_by: Vec::new(),
    }
}

#[test]
fn every_cell_of_level_and_outcome() {
    use Decision::{Allowed, Refused, Undecided};
    let table = [
        (Level::Off, [Allowed, Allowed, Allowed, Allowed, Allowed]),
        (Level::May, [Allowed, Allowed, Allowed, Allowed, Allowed]),
        (Level::Should, [Allowed, Allowed, Allowed, Allowed, Allowed]),
        (Level::Must, [Allowed, Refused, Allowed, Undecided, Allowed]),
    ];
    for (level, row) in table {
        for (outcome, expected) in outcomes().into_iter().zip(row) {
            let unchecked = matches!(outcome, Outcome::NotChecked { .. });
            for named in [false, true] {
                for pull_request in [false, true] {
                    let finding = finding(level, outcome.clone(), named);
                    let verdict = Verdict::of(vec![finding.clone()], pull_request);
                    let expected = if level == Level::Must && unchecked && named && !pull_request {
                        Undecided
                    } else {
                        expected
                    };
                    assert_eq!(verdict.decision(), expected, "{finding:?}");
                }
            }
        }
    }
}

#[test]
fn an_override_covers_its_own_finding_only() {
    let used = Override {
        by: "example".to_owned(),
        reason: String::new(),
        until: Day::parse("2027-01-31").unwrap(),
    };
    let [pass, violation, _, unknown, unchecked] = outcomes();
    for outcome in [violation.clone(), unknown, unchecked] {
        let mut covered = finding(Level::Must, outcome, true);
        covered.overridden = Some(used.clone());
        assert_eq!(covered.effect(false), Effect::Overridden);
        let alone = Verdict::of(vec![covered.clone()], false);
        assert_eq!(alone.decision(), Decision::Allowed);
        let other = finding(Level::Must, violation.clone(), false);
        let both = Verdict::of(vec![covered, other], false);
        assert_eq!(both.decision(), Decision::Refused);
    }
    // One that is not needed changes nothing.
    let mut covered = finding(Level::Must, pass, false);
    covered.overridden = Some(used);
    assert_eq!(covered.effect(false), Effect::Passes);
}

#[test]
fn the_worst_finding_decides_in_any_order() {
    let violation = finding(Level::Must, outcomes()[1].clone(), false);
    let unknown = finding(Level::Must, outcomes()[3].clone(), false);
    let pass = finding(Level::Must, outcomes()[0].clone(), false);
    let all = [pass, unknown, violation];
    for start in 0..3 {
        let mut findings = all.to_vec();
        findings.rotate_left(start);
        assert_eq!(Verdict::of(findings, false).decision(), Decision::Refused);
    }
    assert_eq!(
        Verdict::of(all[..2].to_vec(), false).decision(),
        Decision::Undecided
    );
    assert_eq!(
        Verdict::of(all[..1].to_vec(), false).decision(),
        Decision::Allowed
    );
}

#[test]
fn exit_codes_are_the_documented_ones() {
    let codes = [
        Exit::Done,
        Exit::Refused,
        Exit::Undecided,
        Exit::Settings,
        Exit::Unpublished,
        Exit::Rehearsal,
    ];
    assert_eq!(codes.map(Exit::code), [0, 1, 2, 3, 4, 5]);
}
