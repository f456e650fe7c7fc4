//! The list and the tags as atomic registers, and writers that take their steps in every order.

use std::collections::HashSet;

use super::*;

/// Where a writer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    /// It has done nothing.
    Start,
    /// It has put its own tag.
    Tagged,
    /// It has read the list, before its first write.
    Read(u8),
    /// It has written the list, or begins its next look.
    Look,
    /// It has read the list for its next look.
    Looked(u8),
    /// It is going to write this.
    Writes(u8),
    /// It ended.
    Done,
}

/// Sets of writers: each has one entry and one tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    writers: Vec<At>,
    list: u8,
    tags: u8,
}

impl World {
    /// The next step of a writer. `tags` says whether it looks at the tags, as the product does.
    fn step(&self, number: usize, tags: bool) -> Option<World> {
        let own = 1 << number;
        let mut next = self.clone();
        next.writers[number] = match self.writers[number] {
            At::Start => {
                next.tags |= own;
                At::Tagged
            }
            At::Tagged => At::Read(self.list),
            At::Read(list) if list & own != 0 => At::Look,
            At::Read(list) => {
                next.list = list | own;
                At::Look
            }
            At::Look => At::Looked(self.list),
            At::Looked(list) => {
                let wanted = own | if tags { self.tags } else { 0 };
                if list | wanted == list {
                    At::Done
                } else {
                    At::Writes(list | wanted)
                }
            }
            At::Writes(list) => {
                next.list = list;
                At::Look
            }
            At::Done => return None,
        };
        Some(next)
    }
}

/// Every state that so many writers can reach.
fn worlds(writers: usize, tags: bool) -> HashSet<World> {
    let first = World {
        writers: vec![At::Start; writers],
        list: 0,
        tags: 0,
    };
    let (mut open, mut seen) = (vec![first.clone()], HashSet::from([first]));
    while let Some(world) = open.pop() {
        for number in 0..writers {
            if let Some(next) = world.step(number, tags)
                && seen.insert(next.clone())
            {
                open.push(next);
            }
        }
    }
    seen
}

fn ended(world: &World) -> bool {
    world.writers.iter().all(|at| *at == At::Done)
}

#[test]
fn when_all_writers_are_done_the_list_names_every_artifact() {
    for writers in 1..=4 {
        let whole = (1 << writers) - 1;
        let worlds = worlds(writers, true);
        let ends: Vec<&World> = worlds.iter().filter(|world| ended(world)).collect();
        assert!(!ends.is_empty());
        for world in ends {
            assert_eq!(world.list, whole, "{world:?}");
        }
    }
}

#[test]
fn whoever_writes_after_a_killed_one_brings_its_entry_back() {
    // Of three, any may stop anywhere; when the last one to begin has ended, all that are tagged are there.
    for world in worlds(3, true) {
        if world.list.count_ones() < 2 {
            continue;
        }
        let mut late = world.clone();
        late.writers.push(At::Start);
        while let Some(next) = late.step(3, true) {
            late = next;
        }
        assert_eq!(late.list & late.tags, late.tags, "{world:?}");
    }
}

/// What every client does that only looks whether its own entry is there. This is what the tags are for.
#[test]
fn without_the_tags_entries_get_lost() {
    let lost = |world: &World| ended(world) && world.list != 0b11;
    assert!(worlds(2, false).iter().any(lost));
}

#[test]
fn tags_are_those_of_the_specification_and_fit() {
    let (image, artifact) = (Digest::of(b"image"), Digest::of(b"artifact"));
    let long = Digest::parse(&format!("sha512:{}", "ab".repeat(64))).unwrap();
    assert_eq!(tag(&image), image.as_str().replace(':', "-"));
    assert_eq!(tag(&long), format!("sha512-{}", "ab".repeat(32)));
    for of in [&image, &long] {
        let own = own_tag(of, &artifact);
        assert!(crate::registry::reference::is_tag(&own), "{own}");
        assert!(is_own_tag(&own, of) && is_named(&own, of, artifact.as_str()));
        assert!(!is_named(&own, of, Digest::of(b"other").as_str()));
        assert!(!is_own_tag(&tag(of), of) && !is_own_tag(&own[..own.len() - 1], of));
        assert!(!is_own_tag(&format!("{}.att", tag(of)), of));
    }
}

#[test]
fn what_others_wrote_into_a_list_stays() {
    let text = json!({
        "schemaVersion": 2, "mediaType": INDEX, "annotations": {"a": "b"},
        "manifests": [{"digest": "sha256:00", "strange": [1, {"x": null}]}],
    });
    let bytes = text.to_string().into_bytes();
    let index = Manifest {
        media_type: INDEX.to_owned(),
        digest: Digest::of(&bytes),
        bytes,
    };
    let mut list = List::new(Some(&index));
    list.add(json!({"digest": "sha256:11"}));
    let written: Value = serde_json::from_slice(&list.manifest().bytes).unwrap();
    assert_eq!(written["manifests"][0], text["manifests"][0]);
    assert_eq!(written["annotations"], text["annotations"]);
    assert_eq!(
        list.digests().collect::<Vec<_>>(),
        ["sha256:00", "sha256:11"]
    );
}
