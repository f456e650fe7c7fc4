//! The trailers of random messages, as git itself reads them.

use drone_hotfix::git::commits::{Commit, Person};
use drone_hotfix::hotfix::CommitId;

use crate::support::repository::{Dice, Repository, git};

/// Pieces of messages: keys of ours and others, values, folds, blank lines, and what git treats in a way
/// of its own.
const PIECES: [&str; 37] = [
    "Agreed-by: Jo <jo@mail.example>",
    "Agreed-by:Jo <jo@mail.example>",
    "agreed-by : Jo <jo@mail.example>",
    "Agreed-by Jo <jo@mail.example>",
    "Agreed by: Jo",
    "Hotfix-Temporary: yes",
    "Hotfix-Temporary:",
    "Hotfix-Temporary: ",
    "Issue: #12",
    "Issue: #12 # a comment",
    "Issue\t: #12",
    "Decision: hotfix",
    "Triage: A02a,",
    "Triage: A02a:b",
    "  A02b",
    "\tfolded",
    " ",
    "",
    "",
    "",
    "A sentence that is no trailer.",
    "A sentence: with a colon.",
    "Signed-off-by: Jo <jo@mail.example>",
    "(cherry picked from commit 0123456789abcdef0123456789abcdef01234567)",
    "# a line that begins with a hash",
    "#Issue: #12",
    "---",
    "--- a/file",
    ":",
    ": nothing before",
    "-: a dash",
    "K\u{e9}y: letters",
    "Agreed\u{2010}by: a dash that only looks like one",
    "\u{200b}Issue: #12",
    "https://git.example/x",
    "Conflicts:",
    "# ------------------------ >8 ------------------------",
];

fn message(dice: &mut Dice) -> String {
    let mut text = match dice.below(6) {
        0 => String::new(),
        1 => "\n\n".to_owned(),
        _ => "Mend it\n\n".to_owned(),
    };
    for _ in 0..dice.below(9) {
        text.push_str(PIECES[dice.below(PIECES.len())]);
        text.push('\n');
    }
    if dice.one_in(4) {
        text.pop();
    }
    text
}

#[test]
fn are_read_as_git_reads_them() {
    let repository = Repository::new();
    let id = CommitId::parse(&"1".repeat(40)).unwrap();
    let nobody = Person {
        name: String::new(),
        email: String::new(),
    };
    let mut dice = Dice::new(6);
    let mut found = 0;
    for _ in 0..600 {
        let message = message(&mut dice);
        let output = git(
            &repository.path,
            &["interpret-trailers", "--parse", "--no-divider"],
            message.as_bytes(),
        );
        assert!(output.status.success());
        let theirs = String::from_utf8(output.stdout).unwrap();
        let commit = Commit {
            id: id.clone(),
            parents: Vec::new(),
            tree: id.clone(),
            author: nobody.clone(),
            committer: nobody.clone(),
            authored: 0,
            committed: 0,
            message: message.clone(),
        };
        let ours: String = commit
            .trailers()
            .iter()
            .map(|(key, value)| format!("{key}: {value}\n"))
            .collect();
        assert_eq!(ours, theirs, "{message:?}");
        found += usize::from(!theirs.is_empty());
    }
    assert!(found > 60, "{found} of the messages have trailers");
}
