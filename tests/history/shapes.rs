//! Named shapes of history, each with what is true of it; and all of them against git.

mod files;
mod lines_of_history;
mod ported;

use std::collections::{BTreeMap, HashSet};

use drone_hotfix::git::changes::Status;
use drone_hotfix::git::objects::Objects;
use drone_hotfix::hotfix::CommitId;

use crate::support::repository::{Does, Repository, Story};

/// Writes the commits of one shape; their names begin with that of the shape.
struct Scene<'a> {
    story: &'a mut Story,
    shape: &'a str,
}

impl Scene<'_> {
    fn commit(&mut self, name: &str, parents: &[&str], does: &[Does<'_>]) -> &mut Self {
        let full = |name: &str| format!("{}/{name}", self.shape);
        let parents: Vec<String> = parents.iter().map(|name| full(name)).collect();
        let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
        self.story.commit(&full(name), &parents, does);
        self
    }

    fn at(&mut self, date: i64) -> &mut Self {
        self.story.at(date);
        self
    }

    fn says(&mut self, message: impl AsRef<[u8]>) -> &mut Self {
        self.story.says(message);
        self
    }

    fn tag(&mut self, name: &str, on: &str) -> &mut Self {
        let full = |name: &str| format!("{}/{name}", self.shape);
        self.story.tag(&full(name), &full(on));
        self
    }

    /// `base`, then `fix` on a branch of its own, and `main` beside it.
    fn fork(&mut self, base: &[Does<'_>], fix: &[Does<'_>], main: &[Does<'_>]) -> &mut Self {
        self.commit("base", &[], base)
            .commit("fix", &["base"], fix)
            .commit("main", &["base"], main)
    }
}

/// One shape: its name, its commits, and what is true of it.
type Shape = (&'static str, fn(&mut Scene<'_>), fn(&View<'_>));

/// A shape that was written.
struct View<'a> {
    objects: &'a Objects,
    repository: &'a Repository,
    shape: &'a str,
}

impl View<'_> {
    #[track_caller]
    fn id(&self, name: &str) -> CommitId {
        self.repository.id(&format!("{}/{name}", self.shape))
    }

    #[track_caller]
    fn bases(&self, a: &str, b: &str, expected: &[&str]) {
        let found = self.objects.merge_bases(&self.id(a), &self.id(b)).unwrap();
        let found: HashSet<CommitId> = found.into_iter().collect();
        assert_eq!(found, expected.iter().map(|name| self.id(name)).collect());
    }

    #[track_caller]
    fn only(&self, include: &str, exclude: &str, expected: &[&str]) {
        let found = self
            .objects
            .only_in(&[self.id(include)], &[self.id(exclude)], 100)
            .unwrap();
        assert_eq!(
            found,
            expected
                .iter()
                .map(|name| self.id(name))
                .collect::<Vec<_>>()
        );
    }

    #[track_caller]
    fn nearest(&self, tip: &str, of: &[&str], expected: &[&str]) {
        let of = of.iter().map(|name| self.id(name)).collect();
        let found = self.objects.nearest(&self.id(tip), &of).unwrap();
        let found: HashSet<CommitId> = found.into_iter().collect();
        assert_eq!(found, expected.iter().map(|name| self.id(name)).collect());
    }

    #[track_caller]
    fn patch(&self, name: &str) -> String {
        self.objects
            .patch_id(&self.id(name))
            .unwrap()
            .unwrap()
            .as_str()
            .to_owned()
    }

    #[track_caller]
    fn is_there(&self, commit: &str, onto: &str, expected: bool) {
        let found = self
            .objects
            .applies_nothing(&self.id(commit), &self.id(onto));
        assert_eq!(found, Ok(expected));
    }

    #[track_caller]
    fn change(&self, name: &str, path: &str) -> (Status, u32, u32, bool) {
        let id = self.id(name);
        let parents = self.objects.commit(&id).unwrap().parents;
        let changes = self.objects.changes(parents.first(), &id).unwrap();
        let found = changes.iter().find(|change| change.path == path);
        let found = found.unwrap_or_else(|| panic!("no {path} in {changes:?}"));
        (found.status, found.added, found.removed, found.binary)
    }
}

/// All shapes.
fn shapes() -> impl Iterator<Item = &'static Shape> {
    [lines_of_history::SHAPES, ported::SHAPES, files::SHAPES]
        .into_iter()
        .flatten()
}

#[test]
fn every_shape_is_what_its_name_says() {
    let (repository, objects) = write();
    check_all(&repository, &objects);
    // Loose objects, and references packed, are the same.
    let loose = Repository::new();
    let pack = std::fs::read_dir(repository.directory().join("pack")).unwrap();
    let pack = pack
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "pack"));
    loose.git_with(
        &["unpack-objects", "-q"],
        &std::fs::read(pack.unwrap()).unwrap(),
    );
    let objects = loose.open();
    check_all(&repository, &objects);
    assert!(shapes().count() >= 40);
}

/// Each in a thread of its name, which a failure shows.
fn check_all(repository: &Repository, objects: &Objects) {
    for (shape, _, check) in shapes() {
        std::thread::scope(|scope| {
            let view = View {
                objects,
                repository,
                shape,
            };
            let thread = std::thread::Builder::new().name((*shape).to_owned());
            let thread = thread.spawn_scoped(scope, move || check(&view)).unwrap();
            thread.join().unwrap();
        });
    }
}

fn write() -> (Repository, Objects) {
    let mut story = Story::new();
    for (shape, build, _) in shapes() {
        build(&mut Scene {
            story: &mut story,
            shape,
        });
    }
    let repository = story.write();
    let objects = repository.open();
    (repository, objects)
}

#[test]
fn every_shape_has_the_patches_and_counts_of_git() {
    let (repository, objects) = write();
    super::patches::same_as_git(&repository, &objects);
    // Counts, of the commits in which nothing was renamed or became something else.
    let text = repository.git(&[
        "log",
        "--all",
        "--no-merges",
        "--root",
        "--no-renames",
        "--numstat",
        "--format=%x01%H %P",
    ]);
    let mut compared = 0;
    for part in text.split('\u{1}').skip(1) {
        let mut lines = part.lines();
        let ids: Vec<CommitId> = lines
            .next()
            .unwrap()
            .split(' ')
            .filter_map(CommitId::parse)
            .collect();
        let changes = objects.changes(ids.get(1), &ids[0]).unwrap();
        if changes
            .iter()
            .any(|c| matches!(c.status, Status::Renamed | Status::TypeChanged))
        {
            continue;
        }
        let count = |value: u32| {
            if value == 0 {
                "0".to_owned()
            } else {
                value.to_string()
            }
        };
        let mut ours: Vec<String> = changes
            .iter()
            .map(|c| {
                if c.binary {
                    "-\t-".to_owned()
                } else {
                    format!("{}\t{}", count(c.added), count(c.removed))
                }
            })
            .collect();
        let mut git: Vec<String> = lines
            .filter(|line| !line.is_empty())
            .map(|line| line.rsplitn(2, '\t').last().unwrap().to_owned())
            .collect();
        ours.sort();
        git.sort();
        assert_eq!(ours, git, "{}", ids[0].as_str());
        compared += 1;
    }
    assert!(compared > 60, "{compared}");
}

#[test]
fn every_message_has_the_trailers_of_git() {
    let messages = [
        "a\n\nKey: value\n",
        "Key: value\n",
        "a\n\nKey: value\nnot one\n",
        "a\n\nnot one\nSigned-off-by: A <a@b>\n",
        "a\n\nx\ny\nz\nSigned-off-by: A\n",
        "a\n\nx\ny\nz\nw\nSigned-off-by: A\n",
        "a\n\n(cherry picked from commit 1234)\n",
        "a\n\nx\n(cherry picked from commit 1234)\nK: v\n",
        "a\n\nK: one\n two\n\tthree\n",
        "a\n\nK:one\nL :two\nM  x: y\n",
        "a\n\nK: v\n\nnot one\n",
        "a\n\nbody\n\nK: v\n\n\n",
        "a\nK: v\n",
        "\n\na\n\nK: v\n",
        "a\n\n---\nK: v\n",
        "a\n\nK: v\n---\nmore\n",
        "a\n\n# comment\nK: v\n# other\n",
        "a\n\n K: v\n",
        "a\n\nhttps://example.com\n",
        "a\n\n: v\nK: w\n",
        "a\n\nK:\n",
        "a\n\nK: v\r\nL: w\r\n",
        "a\n\nK_x: v\n",
        "a\n\nK: v\n \nL: w\n",
        "a\r\n\r\nK: v\r\n",
        "a\n\nK: v",
        "a\n\n  x\nSigned-off-by: A\nK: b\n",
        "a\n\nK-1: v\n  folded\nnot one\nL: x\n",
    ];
    let mut story = Story::new();
    for (number, message) in messages.iter().enumerate() {
        story.says(message).commit(&number.to_string(), &[], &[]);
    }
    let repository = story.write();
    let objects = repository.open();
    let format = "--format=%x01%H%x02%(trailers:only=true,unfold=true,key_value_separator=%x03,separator=%x02)";
    let text = repository.git(&["log", "--all", format]);
    let git: BTreeMap<&str, Vec<(&str, &str)>> = text
        .split('\u{1}')
        .skip(1)
        .map(|part| {
            let mut parts = part.trim_end_matches('\n').split('\u{2}');
            let id = parts.next().unwrap();
            (
                id,
                parts.filter_map(|pair| pair.split_once('\u{3}')).collect(),
            )
        })
        .collect();
    for (number, message) in messages.iter().enumerate() {
        let id = repository.id(&number.to_string());
        let ours = objects.commit(&id).unwrap().trailers();
        let ours: Vec<(&str, &str)> = ours.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(ours, git[id.as_str()], "{message:?}");
    }
    assert!(git.values().filter(|trailers| !trailers.is_empty()).count() > 10);
}
