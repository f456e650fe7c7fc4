//! How commits hang together, and what they say.

use std::collections::HashSet;

use drone_hotfix::hotfix::CommitId;

use super::Shape;
use crate::support::repository::{Does, START};
use Does::Write;

const TEN: &[u8] = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
const FIXED: &[u8] = b"1\n2\nfixed\n4\n5\n6\n7\n8\n9\n10\n";

pub const SHAPES: &[Shape] = &[
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
