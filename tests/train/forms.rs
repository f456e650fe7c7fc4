//! Every form in which a real change log told of a hotfix, and what is said of each (process.md §5).

use std::fmt::Write as _;

use drone_hotfix::train::changelog::{Below, ChangeLog};
use drone_hotfix::train::entry::Entry;

const TRAIN: &str = "train-2012.04.27";

fn parse(text: &str) -> ChangeLog {
    ChangeLog::parse(text, &|_| false, &[TRAIN])
}

fn entry(line: &str) -> Option<Entry> {
    let log = parse(&format!("{TRAIN}:\n{line}\n"));
    let Below::Own(block) = log.below(TRAIN) else {
        panic!("{log:?}")
    };
    assert!(block.entries.len() <= 1, "{block:?}");
    block.entries.first().cloned()
}

/// What the lines of real change logs look like.
const LINES: [&str; 62] = [
    "  * (hotfix 2012.04.03) Fixed foo: #1234",
    "  * (hotfix 2012.12.05) when an email is staged again, use the latest password: issue #2822",
    "  * (hotfix 2013.03.15) mend certificates: #3091",
    "  * (hotfix on 2011.12.02) emails had no newlines: #684",
    "  * (hotfix 03.23) add a language again: #1312",
    "  * (hotfix) wrong check of a type: #4069",
    "  * (hotfix 2012.05.08) read a declaration better. bug #752721",
    "  * (hotfix 2012.02.14) take a new button: issue #3010",
    "  * (hotfix 2013.12.02) : [mobile] the button was not enabled: issue #4032, #4036",
    "  * (hotfix 2013.07.11)  mend the lockdown with translations -- fixes #3639",
    "  * (hotfix 2013.04.03) [dev,train-2013.03.28] old certificates #3153 (on right branch now).",
    "  * (hotfix 2014.02.06) : add options: https://git.example/team/identity-ops/issues/126",
    "  * (hotfix 2012.04.10) copy the files of languages",
    "  * (hotfix 2013.08.11) keep the origin: #3760, bug#868967",
    "  * (hotfix 2013.07.01) new terms: #873241, #3605",
    "  * (fix 2014.11.21) let the address be configured: #4100",
    "  * (fix) an ordinary remark",
    "  * mend the pages (also hot-fixed in production: https://git.example/team/app/commit/0123abc)",
    "  * mend more (hot-fixed in production https://git.example/team/app/commit/0123abc)",
    "  * a feature of the train: #1",
    "  * (hotfix 2012.02.30) no such day: #1",
    "  * (hotfix 2012-04-03) another form: #1",
    "  * (hotfix 13.40) no such day: #1",
    "  * (Hotfix 2012.04.03) in another spelling: #1",
    "  * (hot-fix 2012.04.03) in another spelling: #1",
    "\t* (hotfix 2012.04.03) by a tab: #1",
    "* (hotfix 2012.04.03) without blanks: #1",
    "  * (hotfix 2012.04.03)no blank: #1",
    "  * (hotfix 2012.04.03) a very long line that somebody has\n    wrapped: #1234",
    "  * (hotfix 2012.04.03) a bug in both: bug 868967, issue #12",
    "  * (hotfix 2012.04.03) https://bugzilla.example/show_bug.cgi?id=868967",
    // Nearly a mark, and nearly a bullet.
    "  - (hotfix 2012.04.03) mend two: #1234",
    "  + (hotfix 2012.04.03) mend two: #1234",
    "  *(hotfix 2012.04.03) mend two: #1234",
    "    (hotfix 2012.04.03) mend two: #1234",
    "  * hotfix 2012.04.03: mend two: #1234",
    "  * hotfix 2012.04.03 mend two: #1234",
    "  * [hotfix 2012.04.03] mend two: #1234",
    "  * ( hotfix 2012.04.03 ) mend two: #1234",
    "  * (security hotfix 2012.04.03) mend two: #1234",
    "  * (2012.04.03 hotfix) mend two: #1234",
    "  * (hotfix 03.04.2012) mend two: #1234",
    "  * hotfix branches have a page: #1234",
    "  - New pages: #1050",
    // What is a ticket, and what is a number.
    "  * (hotfix 2012.04.03) the button is #333333 now",
    "  * (hotfix 2012.04.03) the button has the colour #333333",
    "  * (hotfix 2012.04.03) the button is now of #000",
    "  * (hotfix 2012.04.03) show &#8217; in the terms",
    "  * (hotfix 2012.04.03) mend two: #0",
    "  * (hotfix 2012.04.03) mend two: #\u{ff11}\u{ff12}",
    "  * (hotfix 2012.04.03) row #2 of the page had no name",
    "  * (hotfix 2012.04.03) fixes #12 in two",
    "  * (hotfix 2012.04.03) mend two (#12)",
    "  * (hotfix 2012.04.03) mend two, see bug 12 of the list",
    "  * (hotfix 2012.04.03) mend two: issue 1234",
    "  * (hotfix 2012.04.03) mend two: issues #12 and #13",
    "  * (hotfix 2012.04.03) mend two\n    - see #12",
    // The strict form.
    "  * (hotfix 2012.04.03) revert #12: #1234",
    "  * (hotfix 2012.04.03) the bug 3 is in two: #1234",
    "  * (hotfix 2012.04.03) mend two: here: issue #12, #13",
    "  * (hotfix 2012.04.03) : #1234",
    "  * (hotfix 2012.04.03) #12: mend two",
];

#[test]
fn every_form_is_read() {
    let mut text = String::new();
    for line in LINES {
        writeln!(text, "{line}").unwrap();
        let Some(entry) = entry(line) else {
            writeln!(text, "    no hotfix\n").unwrap();
            continue;
        };
        writeln!(
            text,
            "    {:?}, {:?}, {:?}",
            entry.mark, entry.date, entry.tickets
        )
        .unwrap();
        if let Some(number) = &entry.passing {
            writeln!(text, "    not taken for a ticket: {number}").unwrap();
        }
        for odd in &entry.odd {
            writeln!(text, "    {}", odd.describe()).unwrap();
        }
        let strict = if entry.strict {
            "the strict form"
        } else {
            "not the strict form"
        };
        writeln!(text, "    {strict}\n").unwrap();
    }
    insta::assert_snapshot!(text);
}

/// What headings look like; each is followed by one entry.
const HEADINGS: [&str; 17] = [
    "train-2012.04.27:",
    "train-2012.04.27",
    "train-2012.04.27 (in progress):",
    "train-2012.04.27: (in progress)",
    "train-2012.04.27: (in progress):",
    "current train:",
    "current-train:",
    "current train",
    "Current train:",
    "train-2011.04.27:",
    "Train 2012.04.27:",
    "2012.04.27",
    "== train-2012.04.27 ==",
    "train-2012.04.2:",
    "train-2012.04.11:",
    "what train-2012.04.27 will bring along",
    "  train-2012.04.27:",
];

#[test]
fn every_heading_is_read() {
    let mut text = String::new();
    for heading in HEADINGS {
        let log = parse(&format!("{heading}\n  * (hotfix 2012.05.02) x: #1\n"));
        let below = log.below(TRAIN);
        let what = match &below {
            Below::Own(_) => "the train's",
            Below::Current(_) => "that of the current train",
            Below::WrongYear(_) => "the train's, of the wrong year",
            Below::Nowhere => "none of the train",
        };
        writeln!(text, "{heading}\n    {what}").unwrap();
        for odd in below.block().iter().flat_map(|block| &block.odd) {
            writeln!(text, "    {}", odd.describe()).unwrap();
        }
        assert_eq!(log.entries().count(), 1, "{heading}");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn hostile_texts_end() {
    let long = "* (hotfix 2012.04.03) ".to_owned() + &"x: #1 ".repeat(500_000);
    for text in [
        long,
        "*".repeat(1_000_000),
        "* \n".repeat(300_000),
        "(".repeat(1_000_000),
        format!("* (hotfix {}", "on ".repeat(300_000)),
        format!("* (hotfix 2012.04.03) x\n{}", "more\n".repeat(300_000)),
        "train-1:\n".repeat(300_000),
        "train-:\r\n\u{202e}* (hotfix\u{0} 2012.04.03) \u{1b}[31m: #1\r\n".to_owned(),
        "* (hotfix 2012.04.03) #99999999999999999999999999999999999999".to_owned(),
        "* (hotfix 2012.04.03) ü: #1".to_owned(),
        format!("{}:\n", "train-".repeat(100_000)),
    ] {
        let log = parse(&text);
        for (_, entry) in log.entries() {
            assert!(entry.text.len() < 5_000 && entry.tickets.len() <= 50);
        }
    }
    assert!(parse(&"x\n".repeat(300_000)).cut);
}
