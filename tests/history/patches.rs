//! Patch ids against `git patch-id --stable`, on random edits; and what a hostile home changes.

use std::collections::{BTreeMap, HashSet};

use drone_hotfix::git::objects::Objects;
use drone_hotfix::hotfix::CommitId;

use crate::support::repository::{Dice, Does, Repository, Story};

/// All commits that are no merges have the patch id that git gives them. Not those with a binary file
/// or one without hunks: there the program runs files together, or hashes an empty text as well.
#[track_caller]
pub fn same_as_git(repository: &Repository, objects: &Objects) -> usize {
    let log = [
        "log",
        "--all",
        "--no-merges",
        "--root",
        "-p",
        "--no-renames",
        "--full-index",
        "--format=commit %H",
    ];
    let output = crate::support::repository::git(&repository.path, &log, b"");
    assert!(output.status.success());
    let text = repository.git_with(&["patch-id", "--stable"], &output.stdout);
    let git: BTreeMap<&str, &str> = text
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(patch, commit)| (commit, patch))
        .collect();
    let all = repository.git(&["log", "--all", "--no-merges", "--format=%H %s"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    let mut odd = HashSet::new();
    for commit in printed.split("\ncommit ") {
        let id = commit.trim_start_matches("commit ").get(..40).unwrap();
        let files = commit.split("\ndiff --git ").skip(1);
        if files.into_iter().any(|file| !file.contains("\n@@ -")) {
            odd.insert(id);
        }
    }
    let mut wrong = Vec::new();
    for line in all.lines() {
        let (id, subject) = line.split_once(' ').unwrap();
        let ours = objects.patch_id(&CommitId::parse(id).unwrap()).unwrap();
        if !odd.contains(id) && ours.as_ref().map(|patch| patch.as_str()) != git.get(id).copied() {
            wrong.push(format!("{subject} ({id}): {ours:?}, git {:?}", git.get(id)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    git.len() - odd.len()
}

/// A line of a file, sometimes with white space or without letters.
fn line(dice: &mut Dice) -> String {
    let words = [
        "{",
        "}",
        "",
        "    return x;",
        "\tif (a) {",
        "-- ",
        "+++ b",
        "diff --git a/x b/x",
        "@@ -1 +1 @@",
        "é",
        "x\r",
    ];
    if dice.one_in(2) {
        words[dice.below(words.len())].to_owned()
    } else {
        format!("n{}", dice.below(60))
    }
}

#[test]
fn random_edits_have_the_patch_ids_of_git() {
    let mut dice = Dice::new(11);
    let mut story = Story::new();
    let mut files: Vec<Vec<String>> = (0..6)
        .map(|_| (0..dice.below(80)).map(|_| line(&mut dice)).collect())
        .collect();
    let mut last: Option<String> = None;
    for number in 0..400 {
        let mut does: Vec<(String, Vec<u8>)> = Vec::new();
        for _ in 0..=dice.below(3) {
            let file = dice.below(files.len());
            for _ in 0..=dice.below(6) {
                let lines = &mut files[file];
                let at = dice.below(lines.len() + 1);
                match dice.below(4) {
                    0 if at < lines.len() => drop(lines.remove(at)),
                    1 if at < lines.len() => lines[at] = line(&mut dice),
                    2 => {
                        let block: Vec<String> = lines.iter().skip(at).take(8).cloned().collect();
                        let to = dice.below(lines.len() + 1);
                        lines.splice(to..to, block);
                    }
                    _ => lines.insert(at, line(&mut dice)),
                }
                lines.truncate(200);
            }
            let end = if dice.one_in(6) { "" } else { "\n" };
            does.push((
                format!("dir{}/f {file}", file % 2),
                [files[file].join("\n"), end.to_owned()]
                    .concat()
                    .into_bytes(),
            ));
        }
        let parents: Vec<&str> = last.as_deref().into_iter().collect();
        let does: Vec<Does<'_>> = does
            .iter()
            .map(|(path, data)| Does::Write(path, data))
            .collect();
        let name = number.to_string();
        story.commit(&name, &parents, &does);
        last = Some(name);
    }
    let repository = story.write();
    assert!(same_as_git(&repository, &repository.open()) > 350);
}
