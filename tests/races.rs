//! Two builds publish the same tag at the same moment, on the real registry.

use std::collections::BTreeMap;
use std::env;
use std::sync::{Arc, Mutex};

use crate::support::binary::{Run, ended, run, spawn};
use crate::support::gate::drone_environment;
use crate::support::image::{self, Image};
use crate::support::pipeline::DroneBuild;
use crate::support::recorder::{Fate, Place, Recorder};
use crate::support::registry::Registry;

const REPOSITORY: &str = "example/app";
const MET: &str = "another build may have written it at the same moment";

/// The step of a build that publishes the image `build_NUMBER` under the tag of a branch.
fn step(address: &str, branch: &str, number: usize, sole: bool) -> Vec<(String, String)> {
    let build = DroneBuild::push(branch).with(|build| build.number = number as u64);
    let settings = format!(
        "{{policy: {{repo: \"{address}/{REPOSITORY}\", source: \"build_{{build}}\", sole_publisher: {sole}, attest: false, \
         tls: {{insecure: [\"{address}\"]}}, rules: {{image-commit: \"off\"}}}}}}"
    );
    drone_environment(&build, &settings)
}

/// A registry with an image for each of two builds.
fn registry() -> (Registry, [Image; 2]) {
    let registry = Registry::open();
    let images = [image::single("one"), image::single("two")];
    for (number, image) in images.iter().enumerate() {
        registry.push(REPOSITORY, &format!("build_{number}"), image);
    }
    (registry, images)
}

fn digest(registry: &Registry, tag: &str) -> Option<String> {
    let (_, _, digest) = registry.raw_manifest(REPOSITORY, tag)?;
    Some(digest)
}

/// Whether a run says that it lost, or that it may have.
fn says_why(run: &Run, sole: bool) -> bool {
    let words = ["somebody else moved the tag", "another build wrote", MET];
    let words = &words[..if sole { 3 } else { 2 }];
    run.code == 4 && words.iter().any(|word| run.text.contains(word))
}

/// Starts two builds at once, again and again. Gives how often both ended well and neither said a word
/// of the other.
fn race(sole: bool) -> usize {
    let rounds = env::var("RACES").map_or(40, |text| text.parse().expect("RACES is a number"));
    let (registry, images) = registry();
    let address = registry.direct();
    let digests = images.each_ref().map(|image| &image.manifest.digest);
    let mut patterns: BTreeMap<String, usize> = BTreeMap::new();
    let mut silent = 0;
    for round in 0..rounds {
        let branch = format!("hotfix/HOCS-{round}");
        let start = |number: usize| spawn(step(address, &branch, number, sole));
        // Each is the first one in half of the rounds.
        let first = round % 2;
        let started = [first, 1 - first].map(start);
        let mut runs = started.map(ended);
        if first == 1 {
            runs.reverse();
        }
        let about = format!("{round}: {}\n{}", runs[0].text, runs[1].text);
        let tag = format!("branch-hotfix_HOCS-{round}");
        let found = digest(&registry, &tag).expect("somebody wrote it");
        let winner = digests.iter().position(|digest| **digest == found);
        let winner = winner.unwrap_or_else(|| panic!("{found} is neither one's\n{about}"));
        for (number, run) in runs.iter().enumerate() {
            let may_fail = sole || number != winner;
            assert!(run.code == 0 || may_fail && says_why(run, sole), "{about}");
        }
        let names_other = [0, 1].map(|n| runs[n].text.contains(digests[1 - n].as_str()));
        let well = runs.iter().all(|run| run.code == 0);
        silent += usize::from(well && names_other == [false, false]);
        if runs[winner].code != 0 {
            // Run again, it is told that all is well.
            let again = run(step(address, &branch, winner, sole));
            assert_eq!(again.code, 0, "{}", again.text);
            assert!(again.text.contains("published already"), "{}", again.text);
        }
        let word = |n: usize| match (runs[n].code, names_other[n]) {
            (0, false) => "says nothing of the other",
            (0, true) => "says that it replaced the other",
            _ if runs[n].text.contains(MET) => "says that there may be another",
            _ => "says that it lost",
        };
        let pattern = format!(
            "the one whose image stays {}, the other one {}",
            word(winner),
            word(1 - winner)
        );
        *patterns.entry(pattern).or_default() += 1;
    }
    #[expect(
        clippy::print_stderr,
        clippy::disallowed_macros,
        reason = "a number for people, not the log of the binary"
    )]
    {
        eprintln!(
            "sole_publisher {sole}: {rounds} rounds, {silent} with two silent winners: {patterns:#?}"
        );
    }
    silent
}

/// How often both end well and neither says a word of the other is counted and printed: without
/// writes under a condition, looking before and after does not rule it out.
#[test]
fn of_two_publishers_the_one_whose_image_stays_ended_well() {
    race(false);
}

#[test]
fn of_two_sole_publishers_never_two_win_silently() {
    assert_eq!(race(true), 0);
}

/// One build publishes from beginning to end in every gap between two requests of another one.
#[test]
fn a_whole_publication_in_any_gap_of_another_is_never_missed() {
    let (registry, images) = registry();
    let registry = Arc::new(registry);
    let digests = images.each_ref().map(|image| &image.manifest.digest);
    let old = image::docker("old");
    let mut counted = Vec::new();
    for before in [None, Some(&old)] {
        let mut number = 2;
        loop {
            let branch = format!("hotfix/HOCS-{}{number}", usize::from(before.is_some()));
            let tag = branch.replace('/', "_");
            let tag = format!("branch-{tag}");
            if let Some(old) = before {
                registry.push(REPOSITORY, &tag, old);
            }
            let met: Arc<Mutex<Option<Run>>> = Arc::default();
            let (at, by, in_gap) = (Arc::clone(&met), Arc::clone(&registry), branch.clone());
            let recorder = Recorder::watched(registry.direct(), move |n, place| {
                if (n, place) == (number, Place::Before) {
                    let other = run(step(by.direct(), &in_gap, 1, true));
                    *at.lock().unwrap() = Some(other);
                }
                Fate::Carried
            });
            let ours = run(step(&recorder.address(), &branch, 0, true));
            let requests = recorder.requests();
            let Some(theirs) = met.lock().unwrap().take() else {
                // There was no such request any more.
                assert_eq!((number, ours.code), (8, 0), "{requests:#?}");
                break;
            };
            let about = format!("{number}: {}\n{}\n{requests:#?}", ours.text, theirs.text);
            let now = digest(&registry, &tag).expect("both wrote it");
            assert_eq!(theirs.code, 0, "nobody is in its way: {about}");
            let knows = theirs.text.contains(&format!("moved from {}", digests[0]));
            if &now == digests[0] {
                // It was replaced unseen, or knowingly, which the first look decides.
                let replaced = ours.text.contains(&format!("moved from {}", digests[1]));
                assert!(!knows, "{about}");
                assert!(replaced || ours.text.contains(MET), "{about}");
                assert_eq!(ours.code, if replaced { 0 } else { 4 }, "{about}");
                counted.push(if replaced { "replaced" } else { "unsure" });
            } else {
                assert!(knows && ours.code == 4, "{about}");
                assert!(says_why(&ours, true), "{about}");
                counted.push("lost");
            }
            if &now == digests[0] {
                let again = run(step(registry.direct(), &branch, 0, true));
                let already = again.text.contains("published already");
                assert!(again.code == 0 && already, "{}\n{about}", again.text);
            }
            number += 1;
        }
    }
    let count = |what| counted.iter().filter(|word| **word == what).count();
    assert_eq!(count("lost"), 8, "{counted:?}");
    // The image and the tag are asked for together; the tag may come first or second.
    assert!((2..=4).contains(&count("unsure")), "{counted:?}");
}

/// A tag that came back to what it was before finds the mark of the build that had replaced it.
#[test]
fn a_false_alarm_is_raised_once() {
    let (registry, images) = registry();
    let address = registry.address();
    let branch = "hotfix/HOCS-1";
    let publish = |number| run(step(&address, branch, number, true));
    let tag = "branch-hotfix_HOCS-1";
    let first = publish(0);
    assert_eq!(first.code, 0, "{}", first.text);
    let second = publish(1);
    assert_eq!(second.code, 0, "{}", second.text);
    // Somebody moves it back by hand.
    registry.push_manifest(REPOSITORY, tag, &images[0].manifest);
    let third = publish(1);
    assert!(says_why(&third, true), "{}", third.text);
    let words = [
        "written:  `branch-hotfix_HOCS-1`",
        "deleted or moved back",
        "run the step again",
    ];
    for word in words {
        assert!(third.text.contains(word), "no {word} in {}", third.text);
    }
    assert_eq!(
        digest(&registry, tag).as_ref(),
        Some(&images[1].manifest.digest)
    );
    registry.forget_requests();
    let again = publish(1);
    assert_eq!(again.code, 0, "{}", again.text);
    assert!(again.text.contains("nothing was written"), "{}", again.text);
    assert_eq!(registry.requests().len(), 2, "{:?}", registry.requests());

    // What it costs where nothing is in the way.
    registry.push(REPOSITORY, "build_2", &image::docker("three"));
    registry.forget_requests();
    let next = publish(2);
    assert_eq!(next.code, 0, "{}", next.text);
    assert_eq!(registry.requests().len(), 7, "{:?}", registry.requests());
}
