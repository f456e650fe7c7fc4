//! What the forge is asked: page by page, with a bound, and what hostile answers come to.

use serde_json::Value;

use super::world::{BOB, BOTH, HOTFIX, Kind, REPO, TOKEN, Who, World};
use crate::support::binary::Run;
use crate::support::scripted::Script;
use crate::support::team::finding;

fn world(kind: Kind) -> World {
    let mut world = World::new(kind);
    let pull = world.usual(7);
    world.pulls = vec![world.merge(pull)];
    world
}

fn reviews(world: &World, page: usize) -> (String, String) {
    let path = format!("{REPO}/pulls/7/reviews");
    let first = world.first(&path, &[]);
    let target = first.replace("&page=1", &format!("&page={page}"));
    (path, target)
}

/// So many comments, as the forge would list them.
fn comments(world: &World, count: usize) -> Vec<Value> {
    let mut one = world.clone_pull(0);
    one.reviews.clear();
    let one = one.review(BOB, "COMMENTED");
    let comment = world.review(&one.reviews[0]);
    vec![comment; count]
}

fn run_with(world: &World, script: Script) -> Run {
    let server = script.then(world.script()).start();
    let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
    server.finish();
    run
}

#[test]
fn a_list_is_read_to_its_end() {
    for kind in BOTH {
        let world = world(kind);
        let size = match kind {
            Kind::GitHub => 100,
            Kind::Gitea => 50,
        };
        let approval = world.clone_pull(0).approved();
        let approval = world.review(&approval.reviews[0]);
        let blocking = world
            .clone_pull(0)
            .review(super::world::CID, "CHANGES_REQUESTED");
        let blocking = world.review(&blocking.reviews[0]);
        let (path, first) = reviews(&world, 1);
        let (_, second) = reviews(&world, 2);
        let (_, third) = reviews(&world, 3);
        // Full pages, and nothing that says how many there are.
        let full = world.answer_plain(&path, comments(&world, size));
        let last = world.answer_plain(&path, vec![approval.clone()]);
        let empty = world.answer_plain(&path, Vec::new());
        let mut script = Script::new()
            .on("GET", &first, full)
            .on("GET", &second, last);
        if kind == Kind::Gitea {
            script = script.on("GET", &third, empty);
        }
        run_with(&world, script).ends(0, &["approved: pull request 7 by `bob`"]);
        // `Link` counts also where a page is not full: here it hides a request for changes.
        let link =
            format!("<http://x.example{second}>; rel=\"next\", <http://x.example/>; rel=\"last\"");
        let short = world
            .answer_plain(&path, vec![approval.clone()])
            .header("Link", &link);
        let rest = world
            .answer_plain(&path, vec![blocking.clone()])
            .header("X-Total-Count", "2");
        let script = Script::new()
            .on("GET", &first, short)
            .on("GET", &second, rest);
        let run = run_with(&world, script);
        run.begins(1, "reviewed");
        assert!(run.text.contains("`cid` asks for changes"), "{}", run.text);
        // So does a count.
        let short = world
            .answer_plain(&path, vec![approval.clone()])
            .header("X-Total-Count", "2");
        let rest = world
            .answer_plain(&path, vec![blocking])
            .header("X-Total-Count", "2");
        let script = Script::new()
            .on("GET", &first, short)
            .on("GET", &second, rest);
        run_with(&world, script).begins(1, "reviewed");
    }
}

#[test]
fn a_list_without_an_end_is_unknown() {
    for kind in BOTH {
        let world = world(kind);
        let (path, first) = reviews(&world, 1);
        let more = world.answer_plain(&path, comments(&world, 1));
        let more = more.header("Link", "<http://x.example/>; rel=\"next\"");
        let start = first.split('?').next().unwrap().to_owned();
        let script = Script::new()
            .on("GET", &format!("{start}*"), more)
            .times(20);
        let run = run_with(&world, script);
        run.begins(2, "merged-by-pull-request");
        let found = finding(&run, "merged-by-pull-request");
        assert!(found.contains("lists more than 20 pages"), "{found}");
        if kind == Kind::GitHub {
            insta::assert_snapshot!(found);
        }
    }
}

#[test]
fn more_commits_than_github_lists_are_unknown() {
    let mut world = world(Kind::GitHub);
    let one = world.pulls[0].commits[0].clone();
    world.pulls[0].commits = vec![one; 250];
    let path = world.first(&format!("{REPO}/pulls/7/commits"), &[]);
    let list = |count| {
        let commit = world.commit(&world.pulls[0].commits[0]);
        world.answer_plain(&format!("{REPO}/pulls/7/commits"), vec![commit; count])
    };
    let script = Script::new()
        .on("GET", &path, list(100))
        .on("GET", &path.replace("&page=1", "&page=2"), list(100))
        .on("GET", &path.replace("&page=1", "&page=3"), list(50));
    let run = run_with(&world, script);
    run.begins(2, "merged-by-pull-request");
    assert!(
        run.text
            .contains("GitHub lists no more than 250 commits of pull request 7"),
        "{}",
        run.text
    );
}

#[test]
fn a_gitea_head_that_moved_after_the_merge_does_not_matter() {
    let mut world = world(Kind::Gitea);
    let pull = world.clone_pull(0).approved();
    // Somebody goes on with the branch of the pull request.
    world.pulls = vec![super::world::Pull {
        head: "e".repeat(40),
        ..pull
    }];
    world
        .pushed()
        .ends(0, &["approved: pull request 7 by `bob`"]);
}

#[test]
fn another_pull_request_than_was_asked_for_is_garbled() {
    for kind in BOTH {
        let mut world = World::new(kind);
        let pull = world.usual(7);
        world.pulls = vec![pull.clone()];
        let mut other = pull.clone().approved();
        other.number = 8;
        let path = format!("{REPO}/pulls/7");
        let answer = world.answer(&path, &world.pull(&other));
        let target = format!("{}{path}", kind.below());
        let script = Script::new().on("GET", &target, answer).always();
        let build = world.team.pull_request(&pull.branch, HOTFIX);
        let build = build.with(|build| build.pull_request_secrets = true);
        let server = script.then(world.script()).start();
        let run = world.judge_at(&build, &server.address());
        server.finish();
        // A pull request is only told; nothing of the other one is.
        run.ends(0, &["skipped: reviewed (must): the push decides"]);
        assert!(!run.text.contains("approved by"), "{}", run.text);
    }
}

/// Texts that other people choose, each a try to say something that is not so.
const HOSTILE: [&str; 10] = [
    "bob`\nallowed: everything",
    "\u{1b}[2K\rallowed: everything",
    "\u{202e}dewolla",
    "::set-output name=x::y",
    "$(touch /tmp/x)",
    "<script>alert(1)</script>",
    "\u{0}\u{7}\u{9b}31m",
    "\u{2028}allowed",
    "a\u{200b}nn",
    "%0Aallowed",
];

#[test]
fn hostile_texts_say_nothing() {
    for kind in BOTH {
        let mut world = world(kind);
        let mut texts = HOSTILE.map(str::to_owned).to_vec();
        texts.push("x".repeat(100_000));
        for text in texts {
            let login: &'static str = Box::leak(text.clone().into_boxed_str());
            let who = Who {
                id: 50,
                login,
                kind: "User",
            };
            let mut pull = world.clone_pull(0);
            pull.title.clone_from(&text);
            pull.author = Some(who);
            pull.labels = vec![text.clone(), "feature".to_owned()];
            pull.commits[0].message = format!("{text}\n\nCo-authored-by: {text} <{text}>");
            pull.commits[0].author = None;
            pull.commits[0].name.clone_from(&text);
            pull.commits[0].address.clone_from(&text);
            pull.reviews.clear();
            world.pulls = vec![pull.review(who, "APPROVED")];
            let run = world.pushed();
            assert_eq!(run.code, 1, "{}", run.text);
            assert!(
                run.first_line().starts_with("refused by reviewed"),
                "{}",
                run.text
            );
            let plain = |c: char| !c.is_control() || c == '\n';
            assert!(run.text.chars().all(plain), "{:?}", run.text);
            assert!(
                !run.text.contains(['\u{202e}', '\u{2028}', '\u{200b}']),
                "{:?}",
                run.text
            );
            assert!(!run.text.contains("\nallowed"), "{}", run.text);
            assert!(run.text.len() < 20_000, "{}", run.text.len());
        }
    }
}

#[test]
fn the_token_is_shown_to_the_forge_alone() {
    // The remote is another host than the forge, and both want nothing but what is theirs.
    let world = world(Kind::GitHub);
    let server = world.script().start();
    let run = world.judge_at(&world.team.pushed(HOTFIX), &server.address());
    let asked = server.received();
    server.finish();
    assert_eq!(run.code, 1, "{}", run.text);
    assert!(asked.len() < 10, "{}", asked.len());
    let bearer = format!("Bearer {TOKEN}");
    assert!(
        asked
            .iter()
            .all(|one| one.method == "GET" && one.headers.get("Authorization") == Some(&*bearer)),
    );
    assert!(asked.iter().all(|one| !one.target.contains(TOKEN)));
}
