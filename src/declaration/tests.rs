use super::criteria::{Criterion, Ticks};
use super::markdown::{boxes, sections, visible};
use super::person::{Person, address_key, name_key};
use super::reference::{Home, Leads, Reference, mentioned_in, named_in, number_of_ticket, spelled};
use super::{Decision, Declared, Key, MOST};
use crate::hotfix::CommitId;

fn id(digit: char) -> CommitId {
    CommitId::parse(&digit.to_string().repeat(40)).expect("a commit")
}

fn read(trailers: &[(&str, &str)]) -> Declared {
    let owned: Vec<(String, String)> = trailers
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Declared::read(std::iter::once((&id('1'), owned.as_slice())))
}

#[test]
fn keys_are_compared_without_case_and_near_misses_are_named() {
    for key in Key::ALL {
        assert_eq!(Key::of(&key.name().to_uppercase()), Some(key));
    }
    for (key, meant) in [
        ("Agreed_by", Some(Key::AgreedBy)),
        ("Aggreed-by", Some(Key::AgreedBy)),
        ("Hotfix-Temporay", Some(Key::Temporary)),
        ("Issues", Some(Key::Issue)),
        ("Decison", Some(Key::Decision)),
        ("Traige", Some(Key::Triage)),
        ("Reviewed-by", None),
        ("Approved-by", None),
        ("Acked-by", None),
        ("Signed-off-by", None),
        ("Co-authored-by", None),
        ("Fixes", None),
        ("Closes", None),
        ("Refs", None),
        ("See", None),
        ("Change-Id", None),
    ] {
        assert_eq!(Key::of(key).or_else(|| Key::near(key)), meant, "{key}");
    }
    let declared = read(&[("Agreed_by", "Jo <jo@example.org>")]);
    assert!(declared.agreed.is_empty());
    assert!(!declared.wrong[0].what.is_of_its_key());
}

#[test]
fn people_are_a_name_and_an_address() {
    let good = Person::parse("Jo Example <jo@example.org>").expect("a person");
    assert_eq!(
        (&*good.name, &*good.address),
        ("Jo Example", "jo@example.org")
    );
    for good in [
        "é <a@b>",
        "J. O'Neil (ops), Jr <j+x@mail.example>",
        "Jo<jo@example.org>",
    ] {
        assert!(Person::parse(good).is_some(), "{good}");
    }
    for wrong in [
        "",
        "Jo",
        "jo@example.org",
        "<jo@example.org>",
        " <jo@example.org>",
        "- <jo@example.org>",
        "Jo <jo>",
        "Jo <jo@>",
        "Jo <@example.org>",
        "Jo <jo@example.org",
        "Jo jo@example.org>",
        "Jo <jo@example.org> and",
        "Jo <jo@example.org>, Al <al@example.org>",
        "Jo <jo@example.org> <al@example.org>",
        "Jo <j o@example.org>",
        "Jo <jo@ex@ample.org>",
        "Jo <j\u{43e}@example.org>",
        "J\u{200b}o <jo@example.org>",
        "J\u{202e}o <jo@example.org>",
        "J\u{0}o <jo@example.org>",
        "@jo",
    ] {
        assert_eq!(Person::parse(wrong), None, "{wrong:?}");
    }
    assert!(good.has_address("JO@Example.ORG") && !good.has_address("jo2@example.org"));
    assert_eq!(name_key(" Jo\t EXAMPLE\u{200b} "), "jo example");
    assert_eq!(address_key(" Jo+work@Example.org"), "jo@example.org");
}

#[test]
fn what_contradicts_itself_counts_for_nothing() {
    let both = read(&[("Hotfix-Temporary", "yes"), ("hotfix-temporary", "no")]);
    assert_eq!(both.is_temporary(), None);
    assert!(both.says_temporary(true).is_some() && both.says_temporary(false).is_some());
    assert!(
        read(&[("Hotfix-Temporary", "TRUE")])
            .is_temporary()
            .is_some()
    );
    for wrong in ["", "maybe", "yes!", "y\u{435}s", "yes yes"] {
        let declared = read(&[("Hotfix-Temporary", wrong)]);
        assert_eq!(declared.is_temporary(), None, "{wrong}");
        assert_eq!(declared.wrong.len(), 1, "{wrong}");
    }
    let two = read(&[("Decision", "hotfix"), ("Decision", "derail")]);
    let (one, other) = two.two_decisions().expect("two");
    assert_eq!((one.what, other.what), (Decision::Hotfix, Decision::Derail));
    assert_eq!(
        read(&[("Decision", "hotfix"), ("Decision", "Hotfix")]).two_decisions(),
        None
    );
}

#[test]
fn too_many_are_said() {
    let one = [("Issue", "#1")];
    let all: Vec<(&str, &str)> = one.iter().copied().cycle().take(MOST + 1).collect();
    assert!(!read(&all[..MOST]).too_many);
    assert!(read(&all).too_many && read(&all).issues.len() == MOST);
    let long = "#1".repeat(1_000);
    assert_eq!(read(&[("Issue", &long)]).wrong.len(), 1);
}

#[test]
fn references_have_their_forms() {
    let home = Home {
        repo: "example/service",
        host: Some("git.example"),
    };
    let leads = |text: &str| Reference::parse(text).map(|one| one.leads(home));
    for (text, expected) in [
        ("#12", Some(Leads::Here(12))),
        ("example/service#12", Some(Leads::Here(12))),
        ("Example/Service#12", Some(Leads::Here(12))),
        ("other/service#12", Some(Leads::Elsewhere)),
        (
            "https://git.example/example/service/issues/12",
            Some(Leads::Here(12)),
        ),
        (
            "https://git.example/example/service/pull/12",
            Some(Leads::Here(12)),
        ),
        (
            "https://git.example/example/service/issues/12#issuecomment-1",
            Some(Leads::Here(12)),
        ),
        (
            "https://git.example:444/example/service/issues/12",
            Some(Leads::Elsewhere),
        ),
        (
            "https://elsewhere.example/example/service/issues/12",
            Some(Leads::Elsewhere),
        ),
        (
            "https://git.example/other/service/issues/12",
            Some(Leads::Elsewhere),
        ),
        ("EX-12", Some(Leads::Nowhere)),
        ("bug 868967", Some(Leads::Nowhere)),
        ("", None),
        ("#", None),
        ("#0", None),
        ("#012", None),
        ("#-1", None),
        ("#1, #2", None),
        ("#99999999999999999999999", None),
        ("https://git.example/example/service", None),
        ("https://git.example/example/service/commits/12", None),
        ("javascript://x", None),
        ("#\u{661}", None),
        ("#1\u{200b}", None),
        ("\u{200b}", None),
        ("-", None),
    ] {
        assert_eq!(leads(text), expected, "{text}");
    }
}

#[test]
fn a_text_names_issues_by_a_line_or_a_closing_word() {
    let texts =
        |text: &str| -> Vec<String> { named_in(text).iter().map(Reference::text).collect() };
    assert_eq!(
        texts("Mends it.\nIssue: #12\n**Issue:** #13\nFixes #14, closes: #15.\nresolved a/b#16"),
        ["#12", "#13", "#14", "#15", "a/b#16"]
    );
    for nothing in [
        "",
        "see #12",
        "fix 12",
        "<!-- Fixes #12 -->",
        "<!-- Issue: #12",
        "Issue:",
        "Issue: #",
        "prefixes #12",
    ] {
        assert!(texts(nothing).is_empty(), "{nothing}");
    }
    assert!(texts(&"Fixes #1 ".repeat(100_000)).len() <= 100_000);
}

#[test]
fn a_ticket_may_be_the_number_of_an_issue() {
    for (ticket, issue, number) in [
        ("12", Some(12), Some(12)),
        ("#12", Some(12), Some(12)),
        ("issue-12", Some(12), Some(12)),
        ("GH_12", Some(12), Some(12)),
        ("bug 12", None, Some(12)),
        ("Bug #012", None, Some(12)),
        ("HOCS-12", None, None),
        ("issue", None, None),
        ("#0", None, None),
        ("12x", None, None),
        ("", None, None),
    ] {
        assert_eq!(number_of_ticket(ticket), issue, "{ticket}");
        assert_eq!(spelled(ticket), number, "{ticket}");
    }
}

#[test]
fn a_text_mentions_numbers_in_many_forms() {
    let texts = |text: &str| -> Vec<String> {
        let found = mentioned_in(text).into_iter();
        found.map(|(text, _)| text).collect()
    };
    assert_eq!(
        texts(
            "Mend (#12), a/b#13; see https://git.example/a/b/issues/14.\nFixes: a/b#15, GH-16, Bug 17, \
             bug #18 and [issue-19]"
        ),
        [
            "#12",
            "a/b#13",
            "https://git.example/a/b/issues/14",
            "a/b#15",
            "GH-16",
            "Bug 17",
            "bug #18",
            "#18",
            "issue-19"
        ]
    );
    for nothing in [
        "",
        "12 bugs",
        "version 12",
        "HOCS-12",
        "bug",
        "bug x 12",
        "#0",
    ] {
        assert!(texts(nothing).is_empty(), "{nothing}");
    }
    assert!(texts(&"#1 ".repeat(100_000)).len() < 2_000);
}

#[test]
fn sections_reach_to_the_next_heading_of_their_size() {
    let text = "intro\n# One\na\n## Two\nb\n### Three ###\nc\n## Four:\n<!-- hint -->\n**Five:** d\n**Six**\ne\n\
                Seven\n-----\nf\n```\n# no heading\n```\nword **bold** word\n";
    let all = sections(text);
    let seen: Vec<(&str, String)> = all
        .iter()
        .map(|one| {
            (
                &*one.heading,
                one.text.split_whitespace().collect::<Vec<_>>().join(" "),
            )
        })
        .collect();
    let heads: Vec<&str> = seen.iter().map(|(head, _)| *head).collect();
    assert_eq!(
        heads,
        ["One", "Two", "Three", "Four", "Five", "Six", "Seven"]
    );
    assert_eq!(seen[1].1, "b ### Three ### c");
    assert_eq!(seen[4].1, "d");
    assert_eq!(seen[5].1, "e");
    assert_eq!(seen[6].1, "f ``` # no heading ``` word **bold** word");
    assert_eq!(visible("a<!-- b -->c<!-- d"), "ac");
}

#[test]
fn nothing_is_not_filled() {
    for nothing in [
        "",
        "\n \n",
        "<!-- low -->",
        "_No response_",
        "N/A",
        "TBD",
        "- ",
        "...",
        "\u{200b}",
        "TODO",
    ] {
        let all = sections(&format!("## Risk\n{nothing}\n## Next\nx\n"));
        assert!(!all[0].is_filled(), "{nothing}");
    }
    for something in ["low", "none", "5", "_low_", "```\nx\n```"] {
        let all = sections(&format!("## Risk\n{something}\n"));
        assert!(all[0].is_filled(), "{something}");
    }
}

#[test]
fn criteria_are_ticked_by_id_or_word() {
    for one in Criterion::ALL {
        for name in [one.id(), one.word()] {
            assert_eq!(Criterion::named(&name.to_uppercase()), Some(one));
            let block = format!("## Triage\n- [x] **{name}**: because\n");
            assert_eq!(
                Ticks::block(&block).expect("a block").known,
                [one],
                "{name}"
            );
        }
    }
    let ticks = Ticks::listed("A02a, isolated,a02A, pretty,").expect("a list");
    assert_eq!(ticks.known, [Criterion::Urgent, Criterion::Isolated]);
    assert_eq!(ticks.unknown, ["pretty"]);
    assert_eq!(Ticks::listed(" , "), None);
    let block = Ticks::block(
        "- [x] urgent\n# Triage:\n* [X] A02g\n+ [ ] blocking\n- [y] x\n## More\n- [x] A02b\n# Else\n- [x] A02c\n",
    );
    assert_eq!(
        block.expect("a block").known,
        [Criterion::Atomic, Criterion::Blocking]
    );
    assert_eq!(
        Ticks::block("## Triage\n- [ ] urgent\n"),
        Some(Ticks::default())
    );
    for none in [
        "",
        "- [x] urgent",
        "## Triage\nnothing to tick",
        "## Tri\u{430}ge\n- [x] urgent",
        "<!-- ## Triage\n- [x] urgent -->",
    ] {
        assert_eq!(Ticks::block(none), None, "{none}");
    }
    assert_eq!(
        boxes("- [x] a\n - [ ] b\n- []c\n-[X] d\n- [xx] e\n[x] f").count(),
        4
    );
}
