//! Ten thousand random histories: our walks against plain sets, and some of them against git.

use std::collections::HashSet;

use drone_hotfix::git::objects::Objects;
use drone_hotfix::hotfix::CommitId;

use crate::support::repository::{Dice, Repository, START, Story, git};

const HISTORIES: usize = 10_000;
/// How many of them git is asked about.
const ASKED: usize = 150;

/// One history: for each commit its parents, and the set of itself and all its ancestors, in bits.
struct History {
    ids: Vec<CommitId>,
    closed: Vec<u32>,
}

impl History {
    fn ids(&self, set: u32) -> HashSet<CommitId> {
        (0..self.ids.len())
            .filter(|at| set >> at & 1 == 1)
            .map(|at| self.ids[at].clone())
            .collect()
    }

    /// Those of a set that are no ancestors of others in it.
    fn best(&self, set: u32) -> u32 {
        let bits = (0..self.ids.len()).filter(|at| set >> at & 1 == 1);
        bits.fold(set, |left, at| left & !(self.closed[at] & !(1 << at)))
    }
}

/// All histories in one repository; they have nothing in common.
fn histories() -> (Repository, Vec<History>) {
    let mut dice = Dice::new(4);
    let mut story = Story::new();
    let mut shapes: Vec<Vec<Vec<usize>>> = Vec::new();
    for number in 0..HISTORIES {
        let size = 3 + dice.below(16);
        let clock = dice.below(5);
        let mut commits: Vec<Vec<usize>> = Vec::new();
        for at in 0..size {
            let wanted = match dice.below(10) {
                _ if at == 0 => 0,
                0 => 0,
                1..=5 => 1,
                6..=8 => 2,
                _ => 3,
            };
            let mut parents = Vec::new();
            for _ in 0..wanted {
                // Mostly from the last few, so that lines become long.
                let back = if dice.one_in(3) { at } else { at.min(4) };
                let parent = at - 1 - dice.below(back);
                if !parents.contains(&parent) {
                    parents.push(parent);
                }
            }
            let step = i64::try_from(at).unwrap();
            let random = i64::try_from(dice.below(1000)).unwrap();
            let date = match clock {
                // A right clock, one that stands, one that is a bit wrong, one that is mad, one that
                // runs backwards.
                0 => START + step * 100,
                1 => START,
                2 => START + step * 100 + random - 500,
                3 => random * 2_000_000,
                _ => START - step * 100,
            };
            let name = |at: usize| format!("{number}/{at}");
            let names: Vec<String> = parents.iter().map(|at| name(*at)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            story
                .at(date)
                .silent(&name(at), &names, &[], "refs/heads/all");
            commits.push(parents);
        }
        shapes.push(commits);
    }
    let repository = story.write();
    let histories = shapes.into_iter().enumerate().map(|(number, commits)| {
        let ids = (0..commits.len())
            .map(|at| repository.id(&format!("{number}/{at}")))
            .collect();
        let mut closed: Vec<u32> = Vec::new();
        for (at, parents) in commits.iter().enumerate() {
            closed.push(
                parents
                    .iter()
                    .fold(1 << at, |set, parent| set | closed[*parent]),
            );
        }
        History { ids, closed }
    });
    let histories = histories.collect();
    (repository, histories)
}

fn set(ids: Vec<CommitId>) -> HashSet<CommitId> {
    let count = ids.len();
    let set: HashSet<CommitId> = ids.into_iter().collect();
    assert_eq!(set.len(), count, "one of them twice");
    set
}

#[test]
fn ten_thousand_histories_have_the_answers_of_plain_sets_and_of_git() {
    let (repository, histories) = histories();
    let objects = repository.open();
    let mut dice = Dice::new(5);
    for (number, history) in histories.iter().enumerate() {
        let size = history.ids.len();
        let mut pick = || dice.below(size);
        let (a, b, c, d) = (pick(), pick(), pick(), size - 1);
        against_sets(&objects, number, history, [a, b, c, d]);
        if number % (HISTORIES / ASKED) == 0 {
            against_git(&repository, &objects, number, history, [a, b, c, d]);
        }
    }
}

fn against_sets(objects: &Objects, number: usize, history: &History, [a, b, c, d]: [usize; 4]) {
    let (ids, closed) = (&history.ids, &history.closed);
    for (old, new) in [(a, b), (b, a), (a, d), (d, c), (c, d)] {
        let truth = closed[new] >> old & 1 == 1;
        assert_eq!(
            objects.is_ancestor(&ids[old], &ids[new]),
            Ok(truth),
            "{number}: {old} {new}"
        );
    }
    for (one, other) in [(a, b), (c, d), (d, d)] {
        let found = set(objects.merge_bases(&ids[one], &ids[other]).unwrap());
        let truth = history.best(closed[one] & closed[other]);
        assert_eq!(found, history.ids(truth), "{number}: {one} {other}");
    }
    for (include, exclude) in [
        (vec![d], vec![a]),
        (vec![b], vec![d]),
        (vec![c, d], vec![a, b]),
        (vec![d], vec![]),
    ] {
        let union = |set: &[usize]| set.iter().fold(0, |all, at| all | closed[*at]);
        let truth = union(&include) & !union(&exclude);
        let names = |set: &[usize]| set.iter().map(|at| ids[*at].clone()).collect::<Vec<_>>();
        let found = objects
            .only_in(&names(&include), &names(&exclude), 100)
            .unwrap();
        for (at, id) in found.iter().enumerate() {
            let place = ids.iter().position(|known| known == id).unwrap();
            let before = history.ids(closed[place] & !(1 << place));
            assert!(
                !found[..at].iter().any(|id| before.contains(id)),
                "{number}: a parent first"
            );
        }
        assert_eq!(
            set(found),
            history.ids(truth),
            "{number}: {include:?} {exclude:?}"
        );
    }
    let tags = 1 << a | 1 << b | 1 << c;
    let found = set(objects.nearest(&ids[d], &history.ids(tags)).unwrap());
    let truth = history.best(tags & closed[d]);
    assert_eq!(found, history.ids(truth), "{number}: nearest {a} {b} {c}");
}

fn against_git(
    repository: &Repository,
    objects: &Objects,
    number: usize,
    history: &History,
    [a, b, c, d]: [usize; 4],
) {
    let id = |at: usize| history.ids[at].as_str();
    let [a, b, c, d] = [a, b, c, d].map(id);
    let own = |text: &str| CommitId::parse(text).unwrap();
    // It fails if there is none.
    let output = git(&repository.path, &["merge-base", "--all", a, d], b"");
    let bases = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(own)
        .collect();
    assert_eq!(
        set(objects.merge_bases(&own(a), &own(d)).unwrap()),
        set(bases),
        "{number}"
    );
    let not = [format!("^{a}"), format!("^{b}")];
    // Of one tip the order is git's too; of several it depends on the order of the arguments.
    let listed = repository.ids_of(&["rev-list", "--topo-order", d, &not[0], &not[1]]);
    let found = objects.only_in(&[own(d)], &[own(a), own(b)], 100).unwrap();
    assert_eq!(found, listed, "{number}: {d} {not:?}");
    let listed = repository.ids_of(&["rev-list", "--topo-order", c, d, &not[0]]);
    let found = objects.only_in(&[own(c), own(d)], &[own(a)], 100).unwrap();
    assert_eq!(set(found), set(listed), "{number}: {c} {d} {not:?}");
}
