//! The tag and its doors as atomic registers, and builds that take their steps in every order.

use std::collections::HashSet;

/// What a build does, one request each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    ReadTag,
    WriteTag,
    LookForDoor,
    LeaveDoor,
    ReadBack,
}

use Step::{LeaveDoor, LookForDoor, ReadBack, ReadTag, WriteTag};

/// As the product does it.
const SETTLED: [Step; 5] = [ReadTag, WriteTag, LookForDoor, LeaveDoor, ReadBack];
/// As it does without the option.
const PLAIN: [Step; 3] = [ReadTag, WriteTag, ReadBack];

/// The most builds at once.
const MOST: usize = 3;
/// What the tag named before all of them. Each build has an image of its own: its number.
const BEFORE: usize = MOST;

/// Whether the door of each thing that a tag can name is there.
type Doors = [bool; MOST + 1];
const NONE: Doors = [false; MOST + 1];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Build {
    /// Steps that it has taken.
    taken: usize,
    /// What it found at the tag, and how many writes there had been.
    found: Option<(usize, usize)>,
    /// Whether it met anything that it must speak of.
    speaks: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    builds: Vec<Build>,
    /// Every write of the tag, by its build.
    writes: Vec<usize>,
    doors: Doors,
}

impl World {
    fn new(builds: usize, doors: Doors) -> World {
        World {
            builds: vec![Build::default(); builds],
            writes: Vec::new(),
            doors,
        }
    }

    fn tag(&self) -> usize {
        self.writes.last().copied().unwrap_or(BEFORE)
    }

    fn take(&self, number: usize, step: Step) -> World {
        let mut next = self.clone();
        let found = self.found(number);
        let build = &mut next.builds[number];
        build.taken += 1;
        match step {
            ReadTag => build.found = Some((self.tag(), self.writes.len())),
            WriteTag => next.writes.push(number),
            LookForDoor => build.speaks |= self.doors[found.unwrap()],
            // One that found the door need not leave it: it is there.
            LeaveDoor => next.doors[found.unwrap()] = true,
            ReadBack => build.speaks |= self.tag() != number,
        }
        next
    }

    /// The builds that ended well. One that has not ended may have been killed.
    fn silent(&self, program: &[Step]) -> Vec<usize> {
        let ended = |build: &Build| build.taken == program.len() && !build.speaks;
        let numbers = 0..self.builds.len();
        numbers.filter(|n| ended(&self.builds[*n])).collect()
    }

    fn found(&self, number: usize) -> Option<usize> {
        self.builds[number].found.map(|(found, _)| found)
    }

    /// Pairs of a write and the build that replaced it without having found it: it was made between
    /// that build's look and its write.
    fn lost(&self) -> Vec<(usize, usize)> {
        let mut lost = Vec::new();
        for (at, by) in self.writes.iter().enumerate() {
            let (_, seen) = self.builds[*by].found.unwrap();
            lost.extend(self.writes[seen..at].iter().map(|write| (*write, *by)));
        }
        lost
    }
}

/// Every state that so many builds can reach, ended or not.
fn worlds(builds: usize, program: &[Step], doors: Doors) -> HashSet<World> {
    let first = World::new(builds, doors);
    let mut open = vec![first.clone()];
    let mut seen = HashSet::from([first]);
    while let Some(world) = open.pop() {
        for number in 0..builds {
            if let Some(step) = program.get(world.builds[number].taken) {
                let next = world.take(number, *step);
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
    }
    seen
}

/// Whether two builds ended silently that found the same.
fn two_of_one_door(world: &World, program: &[Step]) -> bool {
    let silent = world.silent(program);
    let found: HashSet<_> = silent.iter().map(|n| world.found(*n)).collect();
    found.len() < silent.len()
}

/// Whether two builds ended silently and neither found the other's image.
fn two_strangers(world: &World, program: &[Step]) -> bool {
    let silent = world.silent(program);
    let strangers =
        |a: usize, b: usize| a != b && world.found(a) != Some(b) && world.found(b) != Some(a);
    let mut all = silent.iter();
    all.any(|a| silent.iter().any(|b| strangers(*a, *b)))
}

/// Whether a write was lost and none of the builds that wrote has said anything.
fn lost_in_silence(world: &World, program: &[Step]) -> bool {
    let silent = world.silent(program);
    !world.lost().is_empty() && world.writes.iter().all(|n| silent.contains(n))
}

#[test]
fn of_two_builds_in_every_order_never_two_are_silent_strangers() {
    // Doors of earlier builds may be there or not.
    for mask in 0..1_u8 << NONE.len() {
        let doors = std::array::from_fn(|n| mask & (1 << n) != 0);
        for world in worlds(2, &SETTLED, doors) {
            assert!(!two_strangers(&world, &SETTLED), "{world:?}");
            assert!(!two_of_one_door(&world, &SETTLED), "{world:?}");
            assert!(!lost_in_silence(&world, &SETTLED), "{world:?}");
        }
    }
}

#[test]
fn of_three_builds_in_every_order_no_write_is_lost_in_silence() {
    for before in [false, true] {
        let mut doors = NONE;
        doors[BEFORE] = before;
        let worlds = worlds(3, &SETTLED, doors);
        assert!(worlds.len() > 1_000, "{}", worlds.len());
        for world in &worlds {
            assert!(!two_of_one_door(world, &SETTLED), "{world:?}");
            assert!(!lost_in_silence(world, &SETTLED), "{world:?}");
        }
    }
}

/// The limit that the head of the module names: it is real, and then the third build speaks, or it
/// has not ended.
#[test]
fn of_three_builds_two_can_be_silent_strangers_but_not_the_third() {
    let mut met = false;
    for world in worlds(3, &SETTLED, NONE) {
        let silent = world.silent(&SETTLED);
        let both = |(write, by): &(usize, usize)| silent.contains(write) && silent.contains(by);
        if world.lost().iter().any(both) {
            met = true;
            assert_eq!((silent.len(), world.writes.len()), (2, 3), "{world:?}");
        }
    }
    assert!(met, "the head of the module promises too little");
}

/// Nobody is disturbed: builds that run one after the other are all silent.
#[test]
fn builds_one_after_the_other_are_all_silent() {
    let mut world = World::new(MOST, NONE);
    for number in 0..MOST {
        for step in SETTLED {
            world = world.take(number, step);
        }
    }
    assert_eq!(world.silent(&SETTLED), [0, 1, 2]);
    assert_eq!(world.lost(), []);
}

/// A build whose tag came back to what it was finds the door, and says so.
#[test]
fn a_door_that_was_left_before_is_spoken_of() {
    let mut doors = NONE;
    doors[BEFORE] = true;
    for world in worlds(1, &SETTLED, doors) {
        assert_eq!(world.silent(&SETTLED), [0; 0]);
    }
}

/// The order is what it rests on: without the door, or with the steps in another order, two builds
/// can be silent strangers.
#[test]
fn no_other_order_of_the_steps_would_do() {
    let fails = |program: &[Step]| {
        let worlds = worlds(2, program, NONE);
        worlds.iter().any(|world| two_strangers(world, program))
    };
    assert!(!fails(&SETTLED));
    assert!(fails(&PLAIN));
    for wrong in [
        [ReadTag, LookForDoor, WriteTag, LeaveDoor, ReadBack],
        [ReadTag, WriteTag, LookForDoor, ReadBack, LeaveDoor],
        [ReadTag, LookForDoor, LeaveDoor, WriteTag, ReadBack],
        [ReadTag, WriteTag, ReadBack, LookForDoor, LeaveDoor],
    ] {
        assert!(fails(&wrong), "{wrong:?}");
    }
}
