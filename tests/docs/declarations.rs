//! docs/declarations.md gives the forms that the code reads, and its templates have them.

use drone_hotfix::declaration::criteria::{Criterion, Ticks};
use drone_hotfix::declaration::markdown::{Section, sections};
use drone_hotfix::declaration::reference::named_in;
use drone_hotfix::declaration::{Declared, Key, MOST};
use drone_hotfix::git::commits::{Commit, Person};
use drone_hotfix::hotfix::CommitId;
use drone_hotfix::policy::issue::{Part, Sections};
use drone_hotfix::rules::TABLE;

use super::{blocks, code, read, rows};

const PAGE: &str = "docs/declarations.md";

/// What a message declares.
fn declared(message: &str) -> Declared {
    let id = CommitId::parse(&"1".repeat(40)).expect("a commit");
    let nobody = || Person {
        name: String::new(),
        email: String::new(),
    };
    let commit = Commit {
        id: id.clone(),
        parents: Vec::new(),
        tree: id.clone(),
        author: nobody(),
        committer: nobody(),
        authored: 0,
        committed: 0,
        message: message.to_owned(),
    };
    Declared::read(std::iter::once((&id, commit.trailers().as_slice())))
}

fn count(declared: &Declared) -> usize {
    declared.temporary.len()
        + declared.agreed.len()
        + declared.issues.len()
        + declared.decisions.len()
        + declared.triage.len()
}

#[test]
fn the_forms_are_those_of_the_code() {
    let page = read(PAGE);
    let rows = rows(&page, "## Trailers");
    let found: Vec<(String, &str)> = rows
        .iter()
        .map(|row| (code(&row[0])[0].clone(), row[1].as_str()))
        .collect();
    let wanted: Vec<(String, &str)> = Key::ALL
        .iter()
        .map(|key| (key.name().to_owned(), key.form()))
        .collect();
    assert_eq!(found, wanted);
    for row in &rows {
        for id in code(&row[3]) {
            assert!(TABLE.iter().any(|rule| rule.id == id), "{id}");
        }
    }
    assert!(page.contains(&format!("more than {MOST} of them")));
    let criteria = super::rows(&page, "## The text of a pull request");
    let found: Vec<[String; 3]> = criteria
        .iter()
        .map(|row| {
            [
                code(&row[0])[0].clone(),
                code(&row[1])[0].clone(),
                row[2].clone(),
            ]
        })
        .collect();
    let wanted = Criterion::ALL.map(|one| [one.id(), one.word(), one.says()].map(str::to_owned));
    assert_eq!(found, wanted);
}

#[test]
fn every_example_is_read_and_every_mistake_is_not() {
    let page = read(PAGE);
    let blocks = blocks(&page);
    let [good, wrong] = blocks.as_slice() else {
        panic!("{} blocks", blocks.len());
    };
    let mut keys = 0;
    for line in good.text.lines() {
        let declared = declared(&format!("Mend it\n\nWhy.\n\n{line}\n"));
        assert_eq!((count(&declared), declared.wrong.len()), (1, 0), "{line}");
        // Neither the first line nor another paragraph counts.
        for message in [line.to_owned(), format!("x\n\n{line}\n\nThe end.\n")] {
            let declared = self::declared(&message);
            assert_eq!(
                (count(&declared), declared.wrong.len()),
                (0, 0),
                "{message}"
            );
        }
        keys += 1;
    }
    assert!(keys >= 2 * Key::ALL.len());
    for line in wrong.text.lines() {
        let declared = declared(&format!("Mend it\n\n{line}\n"));
        assert_eq!(count(&declared), 0, "{line}");
        let other = line.starts_with("Agreed-By-All");
        assert_eq!(declared.wrong.is_empty(), other, "{line}");
    }
}

#[test]
fn the_templates_have_the_blocks_and_say_nothing_yet() {
    let pull = read("docs/examples/pull-request.md");
    assert_eq!(Ticks::block(&pull), Some(Ticks::default()));
    assert_eq!(named_in(&pull), []);
    let ticked = Ticks::block(&pull.replace("- [ ]", "- [x]")).expect("a block");
    assert_eq!(ticked.known, Criterion::ALL);
    assert!(ticked.unknown.is_empty(), "{:?}", ticked.unknown);
    for one in Criterion::ALL {
        let item = format!("- [ ] {} {}: {}\n", one.id(), one.word(), one.says());
        assert!(pull.contains(&item), "{item}");
    }
    let issue = sections(&read("docs/examples/issue.md"));
    let headings = Sections::default();
    let parts: Vec<Option<Part>> = issue
        .iter()
        .map(|one| headings.part(&one.heading))
        .collect();
    assert_eq!(
        parts,
        [Some(Part::User), Some(Part::Share), Some(Part::Risk)]
    );
    assert!(!issue.iter().any(Section::is_filled));
    // The headings that docs/settings.md names.
    let settings = read("docs/settings.md");
    let all = rows(&settings, "### `policy.issue`");
    let own = all
        .iter()
        .filter(|row| row[0].starts_with("`policy.issue."));
    for row in own {
        let key = code(&row[0])[0]
            .rsplit('.')
            .next()
            .expect("a key")
            .to_owned();
        let mut names = 0;
        for name in row[2]
            .split('«')
            .skip(1)
            .filter_map(|part| part.split('»').next())
        {
            let part = headings.part(name).map(Part::key);
            assert_eq!(part, Some(key.as_str()), "{name}");
            names += 1;
        }
        assert!(names > 1, "{key}");
    }
}
