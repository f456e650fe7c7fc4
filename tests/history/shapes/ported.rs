//! Changes that are, or are not, in another place too.

use super::Shape;
use crate::support::repository::{Does, lines};
use Does::Write;

const TEN: &[u8] = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
const FIXED: &[u8] = b"1\n2\nfixed\n4\n5\n6\n7\n8\n9\n10\n";
const LATER: &[u8] = b"1\n2\n3\n4\n5\n6\n7\n8\n9\nlater\n";
const BOTH: &[u8] = b"1\n2\nfixed\n4\n5\n6\n7\n8\n9\nlater\n";
const OTHER: &[u8] = b"1\n2\nother\n4\n5\n6\n7\n8\n9\n10\n";

pub const SHAPES: &[Shape] = &[
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
];
