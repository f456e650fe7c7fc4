//! docs/declarations.md says what the code reads, and the templates beside it can be read.

use drone_hotfix::declaration::Key;
use drone_hotfix::declaration::criteria::{Criterion, Ticks};
use drone_hotfix::declaration::markdown::sections;
use drone_hotfix::policy::issue::{Part, Sections};

use super::read;

#[test]
fn every_form_is_on_the_page() {
    let page = read("docs/declarations.md");
    for key in Key::ALL {
        let row = format!("| `{}` | {} |", key.name(), key.form());
        assert!(page.contains(&row), "{row}");
    }
    for criterion in Criterion::ALL {
        let row = format!(
            "| {} | `{}` | {} |",
            criterion.id(),
            criterion.word(),
            criterion.says()
        );
        assert!(page.contains(&row), "{row}");
    }
}

#[test]
fn the_templates_are_read_as_they_are_meant() {
    let text = read("docs/examples/pull-request.md");
    let untouched = Ticks::block(&text).expect("a block");
    assert_eq!(untouched, Ticks::default(), "nothing is ticked for anybody");
    let ticked = Ticks::block(&text.replace("[ ]", "[x]")).expect("a block");
    assert_eq!(ticked.known, Criterion::ALL);
    assert_eq!(ticked.unknown, Vec::<String>::new());
    let text = read("docs/examples/issue.md");
    let headings = Sections::default();
    let found: Vec<Option<Part>> = sections(&text)
        .iter()
        .filter(|section| !section.heading.is_empty())
        .map(|section| headings.part(&section.heading))
        .collect();
    assert_eq!(
        found,
        [Some(Part::User), Some(Part::Share), Some(Part::Risk)]
    );
}
