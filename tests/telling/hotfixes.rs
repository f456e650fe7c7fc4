//! Which comment is whose, and what is said when only a part of the work was done.

use serde_json::json;

use super::comment::{Forge, OURS, Thread, marked};
use super::{hotfix, to_trial};
use crate::support::http::Response;
use crate::support::pipeline::DroneBuild;

#[test]
fn a_comment_that_was_written_is_said_even_if_an_older_one_stays() {
    for kind in ["github", "gitea"] {
        let mine = |id| (id, OURS, marked("hotfix/HOCS-1234", "{}"));
        let no =
            Response::new(403).with_body("application/json", json!({"message": "no"}).to_string());
        let forge = Forge::with(
            kind,
            Thread {
                comments: vec![mine(3), mine(4)],
                odd: vec![("DELETE", no)],
                ..Thread::default()
            },
        );
        let run = forge.judge(&hotfix(), "7");
        run.ends(
            0,
            &[
                "deployment ticket updated: ",
                "an older comment of ours, 4, could not be deleted: the forge answered 403: «no»",
            ],
        );
        assert!(!run.text.contains("was not written"), "{}", run.text);
        assert!(forge.comments()[0].2.contains("version:"));
    }
}

#[test]
fn two_gates_of_one_repository_have_two_comments() {
    for kind in ["github", "gitea"] {
        let forge = Forge::start(kind);
        let judge = |image: &str, build: &DroneBuild| {
            let policy = format!("{}, repo: 'registry.example/{image}'", forge.policy("7"));
            forge.world().judge(build, &policy)
        };
        for (image, count) in [("api", 1), ("web", 2), ("api", 2)] {
            let run = judge(image, &hotfix());
            run.ends(0, &["deployment ticket "]);
            assert_eq!(forge.comments().len(), count, "{image}");
        }
    }
}

#[test]
fn nobody_reads_the_branch_in_the_hidden_line_and_an_old_line_is_still_known() {
    let old = marked("hotfix/HOCS-1234", "{}");
    let forge = Forge::with(
        "github",
        Thread {
            comments: vec![(5, OURS, old.clone())],
            ..Thread::default()
        },
    );
    let key = |text: &str| text.split(' ').nth(3).unwrap().to_owned();
    forge
        .judge(&hotfix(), "7")
        .ends(0, &["deployment ticket updated"]);
    let comments = forge.comments();
    assert_eq!(comments.len(), 1);
    assert_ne!(key(&comments[0].2), key(&old));
    assert!(key(&comments[0].2).starts_with("sha256:"));
    // The next run finds the new form.
    forge
        .judge(&to_trial(), "7")
        .ends(0, &["deployment ticket updated"]);
    assert_eq!(forge.comments().len(), 1);
}
