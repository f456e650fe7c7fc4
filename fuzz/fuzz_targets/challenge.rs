//! `WWW-Authenticate`: what is read can be written by the book (RFC 9110 §11.2) and reads the same,
//! and is never more than what came.

#![no_main]

use drone_hotfix::registry::auth::{Challenge, challenges};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    let read = challenges(header);
    let names = read.iter().flat_map(|challenge| {
        let parameters = challenge.parameters.iter().map(|(name, _)| name);
        parameters.chain([&challenge.scheme])
    });
    for name in names {
        assert!(is_small_token(name), "{name:?}");
    }
    let size: usize = read.iter().map(size).sum();
    assert!(size <= header.len(), "{size} bytes of {}", header.len());
    let written: Vec<String> = read.iter().map(write).collect();
    let written = written.join(", ");
    assert_eq!(challenges(&written), read, "{written:?}");
});

fn is_small_token(text: &str) -> bool {
    let legal =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(legal)
}

fn size(challenge: &Challenge) -> usize {
    let parameters = challenge.parameters.iter();
    let parameters = parameters.map(|(name, value)| name.len() + value.len());
    challenge.scheme.len() + parameters.sum::<usize>()
}

fn write(challenge: &Challenge) -> String {
    let parameters = challenge.parameters.iter().map(|(name, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!("{name}=\"{value}\"")
    });
    let parameters: Vec<String> = parameters.collect();
    format!("{} {}", challenge.scheme, parameters.join(", "))
}
