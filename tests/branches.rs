//! A million branch names: every tag that a policy lets us publish is legal, no release, and known
//! again as a hotfix's by the same policy.

use drone_hotfix::hotfix::tag::{HotfixTags, ImageTag, TagTemplate};
use drone_hotfix::hotfix::template::Values;
use drone_hotfix::hotfix::{CommitId, HotfixBranch, Prefixes, TicketPattern};
use drone_hotfix::policy::Policy;
use drone_hotfix::rules;
use regex::Regex;

/// How many names that git can hold as a hotfix branch are tried.
const BRANCHES: u32 = 1_000_000;

/// A small generator with a fixed seed (xorshift64*), because a million names need no shrinking.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % bound
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

const PIECES: [&str; 48] = [
    "HOCS-1234",
    "HOCS_4724",
    "fix",
    "a",
    "Z",
    "0",
    "1.2.3",
    "v1",
    "latest",
    "-",
    "_",
    ".",
    "/",
    "//",
    "+",
    "@",
    "#",
    ",",
    "(",
    ")",
    "ü",
    "é",
    "–",
    "日本",
    "\u{202e}",
    "%2F",
    "=",
    "~",
    "^",
    ":",
    "?",
    "*",
    "[",
    "\\",
    " ",
    "\t",
    "@{",
    "..",
    ".lock",
    "hotfix",
    "hotfix/",
    "branch-hotfix_",
    "sha256",
    "\u{0}",
    "\u{7f}",
    "{branch}",
    "$",
    "main",
];

fn name(random: &mut Random, prefix: &str) -> String {
    let mut name = prefix.to_owned();
    let pieces = random.below(6);
    for _ in 0..pieces {
        let piece: &str = random.pick::<&str>(&PIECES);
        name.push_str(piece);
    }
    if random.below(50) == 0 {
        name.push_str(&"x".repeat(random.below(200)));
    }
    name
}

#[test]
fn a_million_branch_names() {
    let policies = [
        (vec!["hotfix/"], vec!["branch-{branch}"]),
        (
            vec!["hotfix/", "fix/hot-"],
            vec!["hf-{branch}", "x.{branch}.{short_sha}-{build}"],
        ),
        (
            vec!["hot-"],
            vec!["1.0.0-{branch}", "v{branch}", "la{branch}"],
        ),
        (vec!["a"], vec!["_{ticket}_{branch}", "r/{branch}/{sha}"]),
    ];
    let grammar = Regex::new("^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$").unwrap();
    // The pattern that semver.org suggests, with one leading `v`.
    let version = Regex::new(concat!(
        r"^v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)",
        r"(?:-(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)",
        r"(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?",
        r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$",
    ))
    .unwrap();
    let commit = CommitId::parse(&"0123456789".repeat(4)).unwrap();
    let ticket = TicketPattern::default();
    let mut random = Random(0x5EED_1234_5678_9ABC);
    let (mut branches, mut legal, mut advised) = (0_u32, 0_u32, 0_u32);
    let ready: Vec<(Prefixes, Vec<TagTemplate>, HotfixTags)> = policies
        .into_iter()
        .map(|(prefixes, templates)| {
            let prefixes =
                Prefixes::new(prefixes.into_iter().map(str::to_owned).collect()).unwrap();
            let templates: Vec<_> = templates
                .iter()
                .map(|t| TagTemplate::parse(t).unwrap())
                .collect();
            let tags = HotfixTags::new(&prefixes, &templates).unwrap();
            (prefixes, templates, tags)
        })
        .collect();
    while branches < BRANCHES {
        let (prefixes, templates, tags) = random.pick(&ready);
        let start = if random.below(8) == 0 {
            "Hotfix/"
        } else {
            prefixes.iter().next().unwrap()
        };
        let name = name(&mut random, start);
        let Ok(branch) = HotfixBranch::parse(&name, prefixes) else {
            continue;
        };
        branches += 1;
        assert!(
            !branch.rest().is_empty() && prefixes.iter().any(|p| name.starts_with(p)),
            "{name:?}"
        );
        let ticket = ticket.find(branch.rest());
        let values = Values {
            branch: &branch,
            ticket: ticket.as_ref(),
            commit: &commit,
            build: 418,
        };
        for template in templates {
            let Some(text) = template.render(values) else {
                continue;
            };
            match ImageTag::new(&text) {
                Ok(tag) => {
                    legal += 1;
                    let tag = tag.as_str();
                    assert!(grammar.is_match(tag), "{tag:?}");
                    assert!(
                        !tag.eq_ignore_ascii_case("latest") && !version.is_match(tag),
                        "{tag:?}"
                    );
                    assert!(
                        tags.recognise(tag),
                        "{tag:?} of {name:?} would be no hotfix in QA"
                    );
                }
                Err(_) => {
                    if let Some(nearest) = template.nearest_legal_branch(values, prefixes) {
                        advised += 1;
                        let values = Values {
                            branch: &nearest,
                            ..values
                        };
                        let text = template.render(values).unwrap();
                        assert!(
                            ImageTag::new(&text).is_ok(),
                            "the advice {nearest} for {name:?}"
                        );
                    }
                }
            }
        }
    }
    // The test says something only if all three kinds came up often.
    assert!(legal > 200_000 && advised > 200_000, "{legal} {advised}");
}

#[test]
fn no_release_is_taken_for_a_hotfix_by_a_usual_policy() {
    let policy = Policy::parse("{}", &rules::keys(), &mut Vec::new()).unwrap();
    for tag in [
        "1.2.3",
        "v1.2.3",
        "1.2.3-rc.1",
        "latest",
        "main",
        "build_418",
        "branch-main",
        "branch-hotfix",
        "hotfix_x",
    ] {
        assert!(!policy.hotfix_tags.recognise(tag), "{tag}");
    }
}
