use super::super::CommitId;
use super::*;

fn tag(branch: &str) -> Result<String, NotATag> {
    let branch = HotfixBranch::parse(branch, &Prefixes::default()).unwrap();
    let commit = CommitId::parse(&"a".repeat(40)).unwrap();
    let values = Values {
        branch: &branch,
        ticket: None,
        commit: &commit,
        build: 1,
    };
    ImageTag::new(&TagTemplate::default().render(values).unwrap()).map(|t| t.0)
}

#[test]
fn every_slash_becomes_an_underscore() {
    assert_eq!(
        tag("hotfix/HOCS-1234"),
        Ok("branch-hotfix_HOCS-1234".to_owned())
    );
    assert_eq!(tag("hotfix/a/b/c"), Ok("branch-hotfix_a_b_c".to_owned()));
}

#[test]
fn what_git_allows_and_a_tag_does_not_is_refused() {
    for c in ['+', '@', '#', ',', '(', ')', 'ü', '–', '%', '=', '\u{202e}'] {
        assert_eq!(
            tag(&format!("hotfix/a{c}b")),
            Err(NotATag::Illegal(vec![c])),
            "{c}"
        );
    }
    assert_eq!(
        tag(&format!("hotfix/{}", "x".repeat(200))),
        Err(NotATag::TooLong(214))
    );
}

#[test]
fn releases_and_latest_are_not_ours_to_write() {
    for text in ["1.2.3", "v1.2.3", "1.0.0-hotfix-1", "1", "1.2", "418"] {
        assert_eq!(ImageTag::new(text), Err(NotATag::Release), "{text}");
    }
    assert_eq!(ImageTag::new("Latest"), Err(NotATag::Latest));
    assert_eq!(ImageTag::new(""), Err(NotATag::Empty));
    assert_eq!(ImageTag::new(".a"), Err(NotATag::Illegal(vec!['.'])));
    assert!(ImageTag::new("1.2.3.4").is_ok() && ImageTag::new("build_418").is_ok());
}

#[track_caller]
fn nearest(branch: &str, expected: Option<&str>) {
    let branch = HotfixBranch::parse(branch, &Prefixes::default()).unwrap();
    let commit = CommitId::parse(&"a".repeat(40)).unwrap();
    let values = Values {
        branch: &branch,
        ticket: None,
        commit: &commit,
        build: 1,
    };
    let found = TagTemplate::default().nearest_legal_branch(values, &Prefixes::default());
    assert_eq!(found.as_ref().map(HotfixBranch::name), expected);
}

#[test]
fn the_nearest_legal_branch_is_legal() {
    nearest("hotfix/HOCS-1+2", Some("hotfix/HOCS-1-2"));
    nearest("hotfix/für(alle)", Some("hotfix/fuer-alle"));
    nearest("hotfix/a–b/c#1,d", Some("hotfix/a-b/c-1-d"));
    nearest("hotfix/ü", Some("hotfix/ue"));
    nearest("hotfix/+++", None);
    nearest("hotfix/日本", None);
    let long = format!("hotfix/{}", "x".repeat(300));
    nearest(
        &long,
        Some(&format!(
            "hotfix/{}",
            "x".repeat(128 - "branch-hotfix_".len())
        )),
    );
}

#[test]
fn templates_say_what_is_wrong() {
    for (text, word) in [
        ("{branch}", "literal text"),
        ("hotfix", "{branch}"),
        ("a+{branch}", "`+`"),
        ("", "literal text"),
    ] {
        let error = TagTemplate::parse(text).unwrap_err();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn the_tags_of_a_policy_are_known_again_and_releases_are_not() {
    let prefixes = Prefixes::new(vec!["hotfix/".to_owned(), "fix/hot-".to_owned()]).unwrap();
    let templates = [
        "hf-{branch}-{short_sha}",
        "x.{ticket}.{branch}",
        "b{build}_{branch}",
    ]
    .map(|t| TagTemplate::parse(t).unwrap());
    let tags = HotfixTags::new(&prefixes, &templates).unwrap();
    for tag in [
        "branch-hotfix_anything",
        "Branch-Hotfix_X",
        "hf-hotfix_HOCS-1-0123456",
        "hf-fix_hot-1-abcdef0",
        "x.HOCS-1.hotfix_a",
        "b418_hotfix_a",
    ] {
        assert!(tags.recognise(tag), "{tag}");
    }
    for tag in [
        "1.2.3",
        "build_418",
        "branch-main",
        "latest",
        "hf-main-0123456",
        "branch-hotfix_",
    ] {
        assert!(!tags.recognise(tag), "{tag}");
    }
}
