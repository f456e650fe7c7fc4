//! What commits do to files.

use drone_hotfix::git::changes::Status;

use super::Shape;
use crate::support::repository::{Does, lines};
use Does::{Delete, Executable, Link, Submodule, Write, WriteBytes};

const MODULE: [&str; 2] = [
    "1111111111111111111111111111111111111111",
    "2222222222222222222222222222222222222222",
];

pub const SHAPES: &[Shape] = &[
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
];
