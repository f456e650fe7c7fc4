//! Names of images: what is read is printed as something that reads the same, and holds nothing
//! that could end a word in a log or in a shell.

#![no_main]

use drone_hotfix::registry::reference::{Digest, Repository, Version, is_tag};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(digest) = Digest::parse(text) {
        assert_eq!(digest.as_str(), text);
    }
    if let Some(repository) = Repository::parse(text) {
        let printed = repository.to_string();
        assert_eq!(Repository::parse(&printed), Some(repository), "{printed}");
    }
    assert_eq!(is_tag(text), is_tag_by_the_grammar(text), "{text:?}");
    if let Some(version) = Version::parse(text) {
        assert_eq!(print(&version), text);
        assert!(text.bytes().all(|b| b.is_ascii_graphic()), "{text:?}");
        if let Version::Reference { tag: Some(tag), .. } = &version {
            assert!(is_tag_by_the_grammar(tag), "{tag:?}");
        }
    }
});

/// `[\w][\w.-]{0,127}`.
fn is_tag_by_the_grammar(text: &str) -> bool {
    let mut chars = text.chars();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    chars.next().is_some_and(word)
        && chars.all(|c| word(c) || c == '.' || c == '-')
        && text.len() <= 128
}

fn print(version: &Version) -> String {
    match version {
        Version::Tag(tag) => tag.clone(),
        Version::Digest(digest) => digest.to_string(),
        Version::Reference { name, tag, digest } => {
            let tag = tag.as_ref().map(|tag| format!(":{tag}"));
            let digest = digest.as_ref().map(|digest| format!("@{digest}"));
            format!(
                "{name}{}{}",
                tag.unwrap_or_default(),
                digest.unwrap_or_default()
            )
        }
    }
}
