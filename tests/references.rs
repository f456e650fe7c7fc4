//! Names of images against the grammar of distribution's `reference` package (reference.go,
//! regexp.go), which every other reader of them follows. The grammar stands here a second time, as
//! regular expressions, and what we refuse beyond it stands beside it, each with its reason.

use std::cell::Cell;
use std::net::Ipv6Addr;
use std::sync::LazyLock;

use drone_hotfix::registry::reference::{Digest, Repository, Version, is_tag};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use regex::Regex;

const CASES: u32 = 30_000;

/// What distribution takes.
mod grammar {
    pub const TAG: &str = "[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}";
    pub const DIGEST: &str = "[A-Za-z][0-9A-Za-z]*(?:[-_+.][A-Za-z][0-9A-Za-z]*)*:[0-9A-Fa-f]{32,}";
    const LABEL: &str = "[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?";
    const COMPONENT: &str = r"[0-9a-z]+(?:(?:\.|_{1,2}|-+)[0-9a-z]+)*";

    pub fn host() -> String {
        let name = format!(r"{LABEL}(?:\.{LABEL})*");
        format!(r"(?:\[(?<ip>[0-9A-Fa-f:]+)\]|{name})(?::(?<port>[0-9]+))?")
    }

    pub fn path() -> String {
        format!("{COMPONENT}(?:/{COMPONENT})*")
    }

    pub fn name() -> String {
        format!("(?:(?<host>{})/)?(?<path>{})", host(), path())
    }

    pub fn reference() -> String {
        format!(
            "(?<name>{})(?::(?<tag>{TAG}))?(?:@(?<digest>{DIGEST}))?",
            name()
        )
    }
}

/// SemVer 2.0.0. The numbers have at most 19 digits, because the reader's are 64 bits wide.
const SEMVER: &str = r"(?x)
    (?:0|[1-9][0-9]{0,18}) (?:\.(?:0|[1-9][0-9]{0,18})){2}
    (?:-(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)
        (?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?
    (?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?";

fn whole(pattern: &str) -> Regex {
    Regex::new(&format!(r"\A(?:{pattern})\z")).unwrap()
}

static TAG: LazyLock<Regex> = LazyLock::new(|| whole(grammar::TAG));
static DIGEST: LazyLock<Regex> = LazyLock::new(|| whole(grammar::DIGEST));
static NAME: LazyLock<Regex> = LazyLock::new(|| whole(&grammar::name()));
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| whole(&grammar::reference()));
static RELEASE: LazyLock<Regex> = LazyLock::new(|| whole(&format!("v?(?:{SEMVER})")));
/// The digests that we can compute; go-digest holds their length and case to this as well.
static OURS: LazyLock<Regex> = LazyLock::new(|| whole("sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"));

/// What the OCI distribution spec says of clients: host, `/` and path have 255 characters together.
const LONGEST_NAME: usize = 255;
/// The longest reference: a name, `:`, a tag, `@` and a SHA-512 digest.
const LONGEST: usize = LONGEST_NAME + 1 + 128 + 1 + 135;

/// A port has at most five digits, and an IPv6 address is one.
fn is_host_that_exists(found: &regex::Captures<'_>) -> bool {
    found.name("port").is_none_or(|port| port.len() <= 5)
        && found
            .name("ip")
            .is_none_or(|ip| ip.as_str().parse::<Ipv6Addr>().is_ok())
}

/// `Repository::parse` by the grammar. The host is written, in a way that cannot be a path, in small
/// letters afterwards; Docker Hub has one name, and its short paths are in `library`.
fn repository(text: &str) -> Option<String> {
    let found = NAME.captures(text)?;
    let host = found.name("host")?.as_str();
    let path = found.name("path")?.as_str();
    if !is_host_that_exists(&found) || !(host.contains(['.', ':']) || host == "localhost") {
        return None;
    }
    let name = match host.to_ascii_lowercase().as_str() {
        "docker.io" | "index.docker.io" if !path.contains('/') => {
            format!("docker.io/library/{path}")
        }
        "docker.io" | "index.docker.io" => format!("docker.io/{path}"),
        host => format!("{host}/{path}"),
    };
    (text.len() <= LONGEST_NAME && name.len() <= LONGEST_NAME).then_some(name)
}

/// `Version::parse` by the grammar: a digest, a tag, a release, or a reference with a tag or digest,
/// whose name is not that of an algorithm (`sha256:abc` is a digest that lost its end).
fn version(text: &str) -> Option<Version> {
    if let Some(digest) = digest(text) {
        return Some(Version::Digest(digest));
    }
    if TAG.is_match(text) || (RELEASE.is_match(text) && text.len() <= LONGEST + 1) {
        return Some(Version::Tag(text.to_owned()));
    }
    let found = REFERENCE.captures(text)?;
    let part = |name| found.name(name).map(|part| part.as_str().to_owned());
    let (name, tag) = (part("name")?, part("tag"));
    let digest = match part("digest") {
        Some(text) => Some(digest(&text)?),
        None => None,
    };
    let named = is_host_that_exists(&found)
        && name.len() <= LONGEST_NAME
        && !["sha256", "sha384", "sha512"].contains(&name.as_str());
    (named && (tag.is_some() || digest.is_some())).then_some(Version::Reference {
        name,
        tag,
        digest,
    })
}

fn digest(text: &str) -> Option<Digest> {
    OURS.is_match(text)
        .then(|| Digest::parse(text).expect("a digest that the grammar takes"))
}

fn printed(version: &Version) -> String {
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

fn host() -> BoxedStrategy<String> {
    let name = prop_oneof![
        "[a-zA-Z0-9]{1,3}",
        "[a-zA-Z0-9](-{0,2}[a-zA-Z0-9]){0,4}(\\.[a-zA-Z0-9](-{0,2}[a-zA-Z0-9]){0,3}){0,3}",
        select(
            &[
                "localhost",
                "docker.io",
                "index.docker.io",
                "Docker.IO",
                "quay.io"
            ][..]
        )
        .prop_map(str::to_owned),
        "\\[([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\\]",
        "\\[([0-9a-fA-F]{1,4}:){0,4}(:[0-9a-fA-F]{1,4}){1,3}\\]",
        "\\[[0-9a-fA-F:]{1,12}\\]",
        select(
            &[
                "[::]",
                "[::1]",
                "[::ffff:1.2.3.4]",
                "[1.2.3.4]",
                "[fe80::1%25eth0]"
            ][..]
        )
        .prop_map(str::to_owned),
    ];
    (name, option::of(":[0-9]{1,6}"))
        .prop_map(|(name, port)| name + &port.unwrap_or_default())
        .boxed()
}

fn path() -> BoxedStrategy<String> {
    let component = "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,3}){0,3}";
    let long = prop_oneof![
        20 => Just(0_usize),
        // Around the limit, which hosts and `library/` move.
        1 => 200_usize..260,
    ];
    (vec(component, 1..4), long)
        .prop_map(|(parts, long)| parts.join("/") + &"a".repeat(long))
        .boxed()
}

fn tag() -> BoxedStrategy<String> {
    prop_oneof![
        8 => "[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,9}",
        1 => "[a-zA-Z0-9_][a-zA-Z0-9_.-]{120,130}",
        1 => select(&["latest", "1.2.3", "sha256", "5000"][..]).prop_map(str::to_owned),
    ]
    .boxed()
}

fn any_digest() -> BoxedStrategy<String> {
    prop_oneof![
        6 => "sha256:[0-9a-f]{64}",
        2 => "sha512:[0-9a-f]{128}",
        1 => "sha384:[0-9a-f]{96}",
        1 => "sha(256|512):[0-9a-f]{60,70}",
        1 => "sha(256|512)[-_+.][a-z]{1,3}:[0-9a-fA-F]{32,130}",
        1 => "sha256:[0-9a-fA-F]{64}",
    ]
    .boxed()
}

fn release() -> BoxedStrategy<String> {
    let number = "(0|[1-9][0-9]{0,2}|0[0-9])";
    let word = "[0-9A-Za-z-]{1,4}(\\.[0-9A-Za-z-]{1,3}){0,2}";
    let build = prop_oneof![
        9 => word.prop_map(|word| format!("+{word}")),
        1 => (500_usize..530).prop_map(|length| format!("+{}", "b".repeat(length))),
    ];
    (
        option::of(Just("v")),
        vec(number, 2..5),
        option::of(word),
        option::of(build),
    )
        .prop_map(|(v, numbers, pre, build)| {
            let pre = pre.map(|pre| format!("-{pre}")).unwrap_or_default();
            let (v, build) = (v.unwrap_or_default(), build.unwrap_or_default());
            format!("{v}{}{pre}{build}", numbers.join("."))
        })
        .boxed()
}

fn name() -> BoxedStrategy<String> {
    (option::weighted(0.7, host()), path())
        .prop_map(|(host, path)| match host {
            Some(host) => format!("{host}/{path}"),
            None => path,
        })
        .boxed()
}

fn reference() -> BoxedStrategy<String> {
    let (tag, digest) = (option::of(tag()), option::of(any_digest()));
    (name(), tag, digest)
        .prop_map(|(name, tag, digest)| {
            let tag = tag.map(|tag| format!(":{tag}"));
            let digest = digest.map(|digest| format!("@{digest}"));
            name + &tag.unwrap_or_default() + &digest.unwrap_or_default()
        })
        .boxed()
}

/// One change of a text.
#[derive(Debug, Clone)]
enum Change {
    Insert(Index, char),
    Replace(Index, char),
    Remove(Index),
    Double(Index),
    Capital(Index),
    Cut(Index),
}

/// What means something in a reference, what looks like it, and what never belongs there.
const CHARACTERS: [char; 30] = [
    ':', '/', '@', '.', '-', '_', '+', '[', ']', '%', ' ', '\n', '\r', '\0', '\t', ',', ';', 'a',
    'f', 'g', 'A', 'Z', '0', '9', '\u{e9}', '\u{ff41}', '\u{660}', '\u{2028}', '\u{200b}',
    '\u{7f}',
];

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<Index>;
    let character = || select(&CHARACTERS[..]);
    let one = prop_oneof![
        4 => (at(), character()).prop_map(|(at, c)| Change::Insert(at, c)),
        4 => (at(), character()).prop_map(|(at, c)| Change::Replace(at, c)),
        2 => at().prop_map(Change::Remove),
        1 => at().prop_map(Change::Double),
        1 => at().prop_map(Change::Capital),
        1 => at().prop_map(Change::Cut),
    ];
    prop_oneof![
        1 => Just(Vec::new()),
        2 => vec(one, 1..4),
    ]
}

fn changed(text: &str, changes: Vec<Change>) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for change in changes {
        match change {
            Change::Insert(at, c) => chars.insert(at.index(chars.len() + 1), c),
            _ if chars.is_empty() => {}
            Change::Replace(at, c) => {
                let at = at.index(chars.len());
                chars[at] = c;
            }
            Change::Remove(at) => {
                chars.remove(at.index(chars.len()));
            }
            Change::Double(at) => {
                let at = at.index(chars.len());
                chars.insert(at, chars[at]);
            }
            Change::Capital(at) => {
                let at = at.index(chars.len());
                chars[at] = chars[at].to_ascii_uppercase();
            }
            Change::Cut(at) => chars.truncate(at.index(chars.len())),
        }
    }
    chars.into_iter().collect()
}

/// Tries legal and changed texts; a good part of them is taken and a good part refused, or the
/// property would say little.
#[track_caller]
fn always(texts: BoxedStrategy<String>, test: impl Fn(&str) -> Result<bool, TestCaseError>) {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let texts = (texts, changes()).prop_map(|(text, changes)| changed(&text, changes));
    let taken = Cell::new(0_u32);
    let run = TestRunner::new_with_rng(config, rng).run(&texts, |text| {
        let one = u32::from(test(&text)?);
        taken.set(taken.get() + one);
        Ok(())
    });
    if let Err(error) = run {
        panic!("{error}");
    }
    let taken = taken.get();
    assert!(
        taken > CASES / 10 && taken < CASES / 10 * 9,
        "{taken} taken"
    );
}

#[test]
fn repositories_are_those_of_the_grammar() {
    let texts = prop_oneof![4 => name(), 1 => reference()];
    always(texts.boxed(), |text| {
        let read = Repository::parse(text);
        let printed = read.as_ref().map(Repository::to_string);
        prop_assert_eq!(&printed, &repository(text));
        let Some(printed) = printed else {
            return Ok(false);
        };
        prop_assert_eq!(Repository::parse(&printed), read);
        Ok(true)
    });
}

#[test]
fn versions_are_those_of_the_grammar() {
    let texts = prop_oneof![
        6 => reference(),
        1 => tag(),
        1 => any_digest(),
        2 => release(),
    ];
    always(texts.boxed(), |text| {
        let read = Version::parse(text);
        prop_assert_eq!(&read, &version(text));
        let Some(read) = read else { return Ok(false) };
        prop_assert_eq!(printed(&read), text);
        // Nothing that a shell, a log or a list of parameters could read as two things.
        let plain = |c: char| c.is_ascii_graphic() && !",;'\"`$&|<>(){}\\*?!#=".contains(c);
        prop_assert!(text.chars().all(plain));
        Ok(true)
    });
}

#[test]
fn digests_are_those_of_the_grammar_that_can_be_computed() {
    always(any_digest(), |text| {
        let read = Digest::parse(text);
        prop_assert_eq!(read.is_some(), OURS.is_match(text));
        let Some(read) = read else { return Ok(false) };
        prop_assert!(DIGEST.is_match(text));
        prop_assert_eq!(read.to_string(), text);
        Ok(true)
    });
}

#[test]
fn tags_are_those_of_the_grammar() {
    let texts = prop_oneof![3 => tag(), 1 => release()];
    always(texts.boxed(), |text| {
        prop_assert_eq!(is_tag(text), TAG.is_match(text));
        Ok(is_tag(text))
    });
}
