//! Named shapes of history, each with what is true of it; and all of them against git.

use std::collections::{BTreeMap, HashSet};

use drone_hotfix::git::changes::Status;
use drone_hotfix::git::objects::Objects;
use drone_hotfix::hotfix::CommitId;

use crate::support::repository::{Does, Repository, START, Story, lines};
use Does::{Delete, Executable, Link, Submodule, Write, WriteBytes};

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

const TEN: &[u8] = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
const FIXED: &[u8] = b"1\n2\nfixed\n4\n5\n6\n7\n8\n9\n10\n";
const LATER: &[u8] = b"1\n2\n3\n4\n5\n6\n7\n8\n9\nlater\n";
const BOTH: &[u8] = b"1\n2\nfixed\n4\n5\n6\n7\n8\n9\nlater\n";
const OTHER: &[u8] = b"1\n2\nother\n4\n5\n6\n7\n8\n9\n10\n";
const MODULE: [&str; 2] = [
    "1111111111111111111111111111111111111111",
    "2222222222222222222222222222222222222222",
];

const SHAPES: &[Shape] = &[
    (
        "linear",
        |s| {
            s.commit("a", &[], &[Write("f", b"1\n")])
                .commit("b", &["a"], &[Write("f", b"2\n")])
                .commit("c", &["b"], &[]);
        },
        |v| {
            v.bases("a", "c", &["a"]);
            v.only("c", "a", &["c", "b"]);
            v.only("a", "c", &[]);
            v.nearest("c", &["a", "b"], &["b"]);
        },
    ),
    (
        "hotfix-from-tag",
        |s| {
            s.commit("release", &[], &[Write("f", TEN)])
                .tag("v1", "release");
            s.commit("main", &["release"], &[Write("g", b"x\n")])
                .commit("fix", &["release"], &[Write("f", FIXED)]);
        },
        |v| {
            v.bases("fix", "main", &["release"]);
            v.only("fix", "main", &["fix"]);
            v.nearest("fix", &["release", "main"], &["release"]);
            assert_eq!(v.objects.peel(&v.id("v1")), Ok(v.id("release")));
        },
    ),
    (
        "hotfix-from-default",
        |s| {
            s.commit("release", &[], &[])
                .commit("main", &["release"], &[Write("g", b"x\n")])
                .commit("fix", &["main"], &[Write("f", b"y\n")]);
        },
        |v| {
            v.only("fix", "release", &["fix", "main"]);
            v.bases("fix", "main", &["main"]);
        },
    ),
    (
        "default-merged-into-hotfix",
        |s| {
            s.fork(&[], &[Write("f", b"x\n")], &[Write("g", b"y\n")])
                .commit("merge", &["fix", "main"], &[Write("g", b"y\n")]);
        },
        |v| {
            v.bases("merge", "main", &["main"]);
            v.only("merge", "base", &["merge", "main", "fix"]);
            assert!(v.objects.commit(&v.id("merge")).unwrap().is_merge());
            assert_eq!(v.objects.patch_id(&v.id("merge")), Ok(None));
        },
    ),
    (
        "merged-back",
        |s| {
            s.fork(&[], &[Write("f", b"x\n")], &[]).commit(
                "merge",
                &["main", "fix"],
                &[Write("f", b"x\n")],
            );
        },
        |v| {
            v.only("fix", "merge", &[]);
            assert_eq!(
                v.objects.is_ancestor(&v.id("fix"), &v.id("merge")),
                Ok(true)
            );
        },
    ),
    (
        "criss-cross",
        |s| {
            s.fork(&[], &[], &[])
                .commit("one", &["fix", "main"], &[])
                .commit("two", &["main", "fix"], &[]);
        },
        |v| v.bases("one", "two", &["fix", "main"]),
    ),
    (
        "octopus",
        |s| {
            s.fork(&[], &[], &[])
                .commit("third", &["base"], &[])
                .commit("merge", &["fix", "main", "third"], &[]);
        },
        |v| {
            v.nearest("merge", &["fix", "third", "base"], &["fix", "third"]);
            assert_eq!(v.objects.commit(&v.id("merge")).unwrap().parents.len(), 3);
        },
    ),
    (
        "orphan",
        |s| {
            s.commit("main", &[], &[Write("f", b"x\n")])
                .commit("fix", &[], &[Write("g", b"y\n")]);
        },
        |v| {
            v.bases("main", "fix", &[]);
            v.nearest("fix", &["main"], &[]);
        },
    ),
    (
        "two-roots",
        |s| {
            s.commit("one", &[], &[])
                .commit("two", &[], &[])
                .commit("merge", &["one", "two"], &[]);
        },
        |v| v.nearest("merge", &["one", "two"], &["one", "two"]),
    ),
    (
        "one-parent-twice",
        |s| {
            s.commit("base", &[], &[])
                .commit("merge", &["base", "base"], &[]);
        },
        |v| v.only("merge", "base", &["merge"]),
    ),
    (
        "empty-commit",
        |s| {
            s.commit("base", &[], &[Write("f", b"x\n")])
                .commit("fix", &["base"], &[]);
        },
        |v| {
            assert_eq!(v.objects.patch_id(&v.id("fix")), Ok(None));
            assert_eq!(
                v.objects.changes(Some(&v.id("base")), &v.id("fix")),
                Ok(vec![])
            );
            v.is_there("fix", "base", true);
        },
    ),
    (
        "squash-merged",
        |s| {
            s.fork(
                &[Write("f", TEN)],
                &[Write("f", FIXED)],
                &[Write("g", b"x\n")],
            )
            .commit("second", &["fix"], &[Write("h", b"z\n")]);
            s.commit(
                "squash",
                &["main"],
                &[Write("f", FIXED), Write("h", b"z\n")],
            );
        },
        |v| {
            let range = v
                .objects
                .patch_id_of(&v.id("base"), &v.id("second"))
                .unwrap()
                .unwrap();
            assert_eq!(range.as_str(), v.patch("squash"));
            assert_eq!(
                v.objects
                    .range_applies_nothing(&v.id("base"), &v.id("second"), &v.id("squash")),
                Ok(true)
            );
            assert_eq!(
                v.objects
                    .range_applies_nothing(&v.id("base"), &v.id("second"), &v.id("main")),
                Ok(false)
            );
        },
    ),
    (
        "cherry-picked",
        |s| {
            s.fork(
                &[Write("f", TEN)],
                &[Write("f", FIXED)],
                &[Write("f", LATER)],
            )
            .commit("pick", &["main"], &[Write("f", BOTH)]);
        },
        |v| {
            assert_eq!(v.patch("fix"), v.patch("pick"));
            v.is_there("fix", "pick", true);
            v.is_there("fix", "main", false);
        },
    ),
    (
        "cherry-picked-elsewhere-in-the-file",
        |s| {
            let far = [lines(0..30), String::from_utf8(TEN.to_vec()).unwrap()].concat();
            let fixed = [lines(0..30), String::from_utf8(FIXED.to_vec()).unwrap()].concat();
            s.fork(
                &[Write("f", TEN)],
                &[Write("f", FIXED)],
                &[Write("f", far.as_bytes())],
            );
            s.commit("pick", &["main"], &[Write("f", fixed.as_bytes())]);
        },
        |v| assert_ne!(v.patch("fix"), v.patch("main")),
    ),
    (
        "picked-in-part",
        |s| {
            s.fork(
                &[Write("f", TEN), Write("g", TEN)],
                &[Write("f", FIXED), Write("g", FIXED)],
                &[Write("h", b"x\n")],
            );
            s.commit("pick", &["main"], &[Write("f", FIXED)]);
        },
        |v| {
            v.is_there("fix", "pick", false);
            assert_ne!(v.patch("fix"), v.patch("pick"));
        },
    ),
    (
        "changed-by-both",
        |s| {
            s.fork(
                &[Write("f", TEN)],
                &[Write("f", FIXED)],
                &[Write("f", OTHER)],
            );
        },
        |v| {
            v.is_there("fix", "main", false);
            assert_eq!(
                v.objects
                    .reverts_cleanly(&v.id("base"), &v.id("fix"), &v.id("main")),
                Ok(false)
            );
        },
    ),
    (
        "reverted",
        |s| {
            s.fork(&[Write("f", TEN)], &[Write("f", FIXED)], &[])
                .commit("pick", &["main"], &[Write("f", FIXED)]);
            s.commit("revert", &["pick"], &[Write("f", TEN)]);
        },
        |v| {
            let inverse = v.objects.inverse_patch_id(&v.id("fix")).unwrap().unwrap();
            assert_eq!(inverse.as_str(), v.patch("revert"));
            v.is_there("fix", "pick", true);
            v.is_there("fix", "revert", false);
        },
    ),
    (
        "reapplied",
        |s| {
            s.commit("base", &[], &[Write("f", TEN)]).commit(
                "fix",
                &["base"],
                &[Write("f", FIXED)],
            );
            s.commit("revert", &["fix"], &[Write("f", TEN)]).commit(
                "again",
                &["revert"],
                &[Write("f", FIXED)],
            );
        },
        |v| {
            assert_eq!(v.patch("fix"), v.patch("again"));
            v.is_there("fix", "again", true);
        },
    ),
    (
        "reverts-over-later-work",
        |s| {
            s.commit("base", &[], &[Write("f", TEN)])
                .commit("fix", &["base"], &[Write("f", FIXED)])
                .commit("later", &["fix"], &[Write("f", BOTH)]);
        },
        |v| {
            assert_eq!(
                v.objects
                    .reverts_cleanly(&v.id("base"), &v.id("fix"), &v.id("later")),
                Ok(true)
            )
        },
    ),
    (
        "renamed-file",
        |s| {
            let text = lines(0..20);
            let edited = [text.as_str(), "more\n"].concat();
            s.commit("base", &[], &[Write("old", text.as_bytes())])
                .commit(
                    "exact",
                    &["base"],
                    &[Delete("old"), Write("new", text.as_bytes())],
                );
            s.commit(
                "edited",
                &["base"],
                &[Delete("old"), Write("dir/new", edited.as_bytes())],
            );
        },
        |v| {
            assert_eq!(v.change("exact", "new"), (Status::Renamed, 0, 0, false));
            assert_eq!(
                v.change("edited", "dir/new"),
                (Status::Renamed, 1, 0, false)
            );
        },
    ),
    (
        "mode-change",
        |s| {
            s.commit("base", &[], &[Write("f", b"x\n")])
                .commit("fix", &["base"], &[Executable("f", b"x\n")])
                .commit("both", &["fix"], &[Write("f", b"y\n")]);
        },
        |v| {
            assert_eq!(v.change("fix", "f"), (Status::Modified, 0, 0, false));
            v.is_there("fix", "fix", true);
            v.is_there("fix", "base", false);
        },
    ),
    (
        "link",
        |s| {
            s.commit("base", &[], &[Link("f", "/etc/passwd")]).commit(
                "fix",
                &["base"],
                &[Link("f", "g")],
            );
        },
        |v| {
            assert_eq!(v.change("fix", "f"), (Status::Modified, 1, 1, false));
            assert_eq!(v.objects.file(&v.id("fix"), "f", 100), Ok(None));
        },
    ),
    (
        "file-becomes-link",
        |s| {
            s.commit("base", &[], &[Write("f", b"x\n")]).commit(
                "fix",
                &["base"],
                &[Link("f", "g")],
            );
        },
        |v| assert_eq!(v.change("fix", "f").0, Status::TypeChanged),
    ),
    (
        "file-becomes-directory",
        |s| {
            s.fork(
                &[Write("f", b"x\n")],
                &[Delete("f"), Write("f/g", b"y\n")],
                &[],
            )
            .commit("back", &["fix"], &[Delete("f"), Write("f", b"z\n")]);
        },
        |v| {
            v.is_there("fix", "fix", true);
            v.is_there("fix", "main", false);
            v.is_there("back", "base", false);
        },
    ),
    (
        "submodule",
        |s| {
            s.commit("base", &[], &[Submodule("m", MODULE[0])]).commit(
                "fix",
                &["base"],
                &[Submodule("m", MODULE[1])],
            );
        },
        |v| {
            assert_eq!(v.change("fix", "m"), (Status::Modified, 1, 1, false));
            assert!(
                v.objects
                    .changes(Some(&v.id("base")), &v.id("fix"))
                    .unwrap()[0]
                    .submodule
            );
            v.is_there("fix", "base", false);
        },
    ),
    (
        "binary",
        |s| {
            s.fork(
                &[Write("f", b"a\0b")],
                &[Write("f", b"a\0c")],
                &[Write("f", b"a\0d")],
            )
            .commit("gone", &["fix"], &[Delete("f")])
            .commit("revert", &["fix"], &[Write("f", b"a\0b")])
            .commit("again", &["revert"], &[Write("f", b"a\0c")]);
        },
        |v| {
            assert_eq!(v.patch("fix"), v.patch("again"));
            assert_ne!(v.patch("fix"), v.patch("main"));
            let inverse = v.objects.inverse_patch_id(&v.id("fix")).unwrap().unwrap();
            assert_eq!(inverse.as_str(), v.patch("revert"));
            assert_eq!(v.change("fix", "f"), (Status::Modified, 0, 0, true));
            v.is_there("fix", "main", false);
        },
    ),
    (
        "null-byte-late",
        |s| {
            let text =
                |end: &str| [lines(0..1000).as_bytes(), b"a\0b", end.as_bytes(), b"\n"].concat();
            s.commit("base", &[], &[Write("f", &text("1"))]).commit(
                "fix",
                &["base"],
                &[Write("f", &text("2"))],
            );
        },
        |v| assert_eq!(v.change("fix", "f"), (Status::Modified, 1, 1, false)),
    ),
    (
        "crlf",
        |s| {
            s.commit("base", &[], &[Write("f", b"a\r\nb\r\n")])
                .commit("fix", &["base"], &[Write("f", b"a\r\nc\r\n")])
                .commit("unix", &["fix"], &[Write("f", b"a\nc\n")]);
        },
        |v| {
            assert_eq!(v.change("unix", "f"), (Status::Modified, 2, 2, false));
            v.is_there("fix", "unix", false);
        },
    ),
    (
        "no-newline-at-the-end",
        |s| {
            s.commit("base", &[], &[Write("f", b"a\nb")])
                .commit("fix", &["base"], &[Write("f", b"a\nb\n")])
                .commit("more", &["fix"], &[Write("f", b"a\nb\nc")]);
        },
        |v| assert_eq!(v.change("fix", "f"), (Status::Modified, 1, 1, false)),
    ),
    (
        "empty-files",
        |s| {
            s.commit("base", &[], &[Write("f", b""), Write("g", b"")])
                .commit("fix", &["base"], &[Delete("f"), Write("g", b"x\n")]);
        },
        |v| assert_eq!(v.change("base", "f"), (Status::Added, 0, 0, false)),
    ),
    (
        "path-without-utf-8",
        |s| {
            s.commit("base", &[], &[WriteBytes(b"a\xff\xfe", b"x\n")])
                .commit(
                    "fix",
                    &["base"],
                    &[
                        WriteBytes(b"a\xff\xfe", b"y\n"),
                        WriteBytes("ü ß".as_bytes(), b"z\n"),
                    ],
                );
        },
        |v| assert_eq!(v.change("fix", "a\u{fffd}\u{fffd}").0, Status::Modified),
    ),
    (
        "path-with-control-characters",
        |s| {
            s.commit(
                "base",
                &[],
                &[
                    WriteBytes(b"\x1b[31m\n\t\"\\\x07\x7f", b"x\n"),
                    Write("with space", b"y\n"),
                ],
            );
        },
        |v| {
            assert_eq!(
                v.change("base", "\u{1b}[31m\n\t\"\\\u{7}\u{7f}").0,
                Status::Added
            )
        },
    ),
    (
        "message-without-utf-8",
        |s| {
            s.says(b"caf\xe9\n\nKey: \xff\n").commit("fix", &[], &[]);
        },
        |v| {
            assert_eq!(
                v.objects.commit(&v.id("fix")).unwrap().subject(),
                "caf\u{fffd}"
            )
        },
    ),
    (
        "no-message",
        |s| {
            s.says(b"").commit("fix", &[], &[]);
        },
        |v| {
            assert_eq!(v.objects.commit(&v.id("fix")).unwrap().subject(), "");
        },
    ),
    (
        "huge-message",
        |s| {
            s.says([b"subject\n\n".to_vec(), vec![b'x'; 3 << 20]].concat())
                .commit("fix", &[], &[]);
        },
        |v| {
            let commit = v.objects.commit(&v.id("fix")).unwrap();
            assert_eq!(
                (commit.subject(), commit.message.len()),
                ("subject", 256 << 10)
            );
        },
    ),
    (
        "clock-skew",
        |s| {
            s.at(START + 9000)
                .commit("base", &[], &[])
                .at(START)
                .commit("fix", &["base"], &[])
                .at(START + 8000)
                .commit("main", &["base"], &[]);
            s.at(START - 500)
                .commit("tip", &["main"], &[])
                .at(START + 99_999)
                .commit("merge", &["fix", "tip"], &[]);
        },
        |v| {
            v.bases("fix", "tip", &["base"]);
            v.nearest("merge", &["base", "main"], &["main"]);
            v.only("merge", "fix", &["merge", "tip", "main"]);
        },
    ),
    (
        "future",
        |s| {
            s.at(4_102_444_800)
                .commit("base", &[], &[])
                .at(32_503_680_000)
                .commit("fix", &["base"], &[]);
        },
        |v| {
            assert_eq!(
                v.objects.commit(&v.id("fix")).unwrap().committed,
                32_503_680_000
            )
        },
    ),
    (
        "epoch",
        |s| {
            s.at(0)
                .commit("base", &[], &[])
                .at(0)
                .commit("fix", &["base"], &[]);
        },
        |v| v.only("fix", "base", &["fix"]),
    ),
    (
        "many-tags-on-one-commit",
        |s| {
            s.commit("release", &[], &[])
                .commit("fix", &["release"], &[]);
            for number in 0..27 {
                s.tag(&format!("v1.{number}"), "release");
            }
        },
        |v| {
            let commits: HashSet<CommitId> = (0..27)
                .map(|n| v.objects.peel(&v.id(&format!("v1.{n}"))).unwrap())
                .collect();
            assert_eq!(commits, [v.id("release")].into());
            assert_eq!(
                v.objects.nearest(&v.id("fix"), &commits),
                Ok(vec![v.id("release")])
            );
        },
    ),
    (
        "nested-tags",
        |s| {
            s.commit("release", &[], &[])
                .tag("one", "release")
                .tag("two", "one")
                .tag("three", "two");
        },
        |v| {
            assert_eq!(v.objects.peel(&v.id("three")), Ok(v.id("release")));
        },
    ),
    (
        "endless-tags",
        |s| {
            s.commit("release", &[], &[]).tag("t0", "release");
            for number in 1..20 {
                s.tag(&format!("t{number}"), &format!("t{}", number - 1));
            }
        },
        |v| {
            assert!(
                v.objects
                    .peel(&v.id("t19"))
                    .unwrap_err()
                    .to_string()
                    .contains("16 deep")
            )
        },
    ),
    (
        "deep-tree",
        |s| {
            let path = vec!["d"; 200].join("/");
            s.commit("base", &[], &[Write(&path, b"x\n")]).commit(
                "fix",
                &["base"],
                &[Write(&path, b"y\n")],
            );
        },
        |v| {
            let path = vec!["d"; 200].join("/");
            assert_eq!(v.change("fix", &path), (Status::Modified, 1, 1, false));
            assert_eq!(
                v.objects.file(&v.id("fix"), &path, 10),
                Ok(Some(b"y\n".to_vec()))
            );
        },
    ),
    (
        "many-files",
        |s| {
            let names: Vec<String> = (0..500).map(|n| format!("dir{}/f{n}", n % 7)).collect();
            let files: Vec<Does<'_>> = names
                .iter()
                .map(|name| Write(name, name.as_bytes()))
                .collect();
            s.commit("base", &[], &files).commit(
                "fix",
                &["base"],
                &[Write("dir3/f3", b"x"), Delete("dir0")],
            );
        },
        |v| {
            assert_eq!(
                v.objects
                    .changes(Some(&v.id("base")), &v.id("fix"))
                    .unwrap()
                    .len(),
                73
            )
        },
    ),
    (
        "directory-sorts-behind-file",
        |s| {
            s.commit(
                "base",
                &[],
                &[
                    Write("a/b", b"1\n"),
                    Write("a.b", b"2\n"),
                    Write("a0", b"3\n"),
                ],
            )
            .commit("fix", &["base"], &[Write("a/b", b"4\n")]);
        },
        |v| {
            assert_eq!(
                v.objects
                    .changes(Some(&v.id("base")), &v.id("fix"))
                    .unwrap()
                    .len(),
                1
            )
        },
    ),
    (
        "trailers",
        |s| {
            s.says("fix: x\n\nbody\n\nHotfix-Temporary: yes\nIssue: a\n  b\n\n")
                .commit("fix", &[], &[]);
        },
        |v| {
            let trailers = v.objects.commit(&v.id("fix")).unwrap().trailers();
            let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
            assert_eq!(
                trailers,
                [pair("Hotfix-Temporary", "yes"), pair("Issue", "a b")]
            );
        },
    ),
];

#[test]
fn every_shape_is_what_its_name_says() {
    let (repository, objects) = write();
    for (shape, _, check) in SHAPES {
        eprintln!("{shape}"); // said only if the test fails
        check(&View {
            objects: &objects,
            repository: &repository,
            shape,
        });
    }
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
    for (shape, _, check) in SHAPES {
        check(&View {
            objects: &objects,
            repository: &repository,
            shape,
        });
    }
    assert!(SHAPES.len() >= 40, "{}", SHAPES.len());
}

fn write() -> (Repository, Objects) {
    let mut story = Story::new();
    for (shape, build, _) in SHAPES {
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
