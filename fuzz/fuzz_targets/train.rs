//! The change log and the spec file of a train: reading them ends, everything that is read is bounded,
//! and a change log differs from itself in nothing.

#![no_main]

use drone_hotfix::train::changelog::ChangeLog;
use drone_hotfix::train::difference::difference;
use drone_hotfix::train::spec::Spec;
use libfuzzer_sys::fuzz_target;

const TRAIN: &str = "train-2012.04.27";

fuzz_target!(|text: &str| {
    let is_train = |name: &str| name.starts_with("train-2012");
    let log = ChangeLog::parse(text, &is_train, &[TRAIN]);
    for (_, entry) in log.entries() {
        assert!(entry.text.len() <= 4_100 && entry.tickets.len() <= 50);
        // What is in the strict form has nothing irregular.
        assert!(!entry.strict || entry.odd.is_empty(), "{entry:?}");
        assert!(!entry.strict || !entry.tickets.is_empty(), "{entry:?}");
    }
    let same = difference(&log, &log, TRAIN);
    assert_eq!(same, Default::default());
    let none = ChangeLog::default();
    let all = difference(&none, &log, TRAIN);
    assert_eq!(all.added.len(), log.entries().count());
    let spec = Spec::parse(text);
    if let Ok(release) = spec.release() {
        assert!(!release.suffix.starts_with(|c: char| c.is_ascii_digit()));
    }
    if let Ok(version) = spec.version() {
        assert!(!version.contains(['%', '\n']) && !version.is_empty());
    }
});
