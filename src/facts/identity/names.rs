//! The names of hotfixes in what was given to a promotion.

use super::{Evidence, NameKind};
use crate::ci::Build;
use crate::environment::Environment;
use crate::hotfix::{HotfixBranch, NotHotfix};
use crate::policy::Policy;
use crate::secret::{MASK, Redactor};

/// The most parts of a path that are each looked at as the beginning of a name: so many from its front, and
/// from its end.
const MOST_PARTS: usize = 64;

/// As much evidence as anybody reads; a value made to hold a million names costs no more.
const MOST_EVIDENCE: usize = 100;

/// Hotfix names in every variable that the server did not set and that is no setting of ours.
pub(super) fn names(
    environment: &Environment,
    build: &Build,
    policy: &Policy,
    redactor: &Redactor,
) -> Vec<Evidence> {
    let mut found: Vec<Evidence> = Vec::new();
    for (variable, value) in environment.values() {
        let ours = variable
            .strip_prefix(crate::settings::PREFIX)
            .is_some_and(|name| {
                crate::settings::NAMES
                    .iter()
                    .any(|n| n.to_uppercase() == name)
            });
        let asked = policy.version_params.iter().any(|name| name == variable);
        if ours || (build.platform.sets(variable) && !asked) {
            continue;
        }
        // A token cut out of a value that holds a secret may hold a part of it, which nobody could
        // recognise any more.
        let secret = redactor.redact(value) != value;
        for (token, kind) in hotfix_names(value, policy, asked) {
            if found.len() >= MOST_EVIDENCE {
                break;
            }
            let token = if secret { MASK.to_owned() } else { token };
            let evidence = Evidence::Name {
                variable: variable.to_owned(),
                token,
                kind,
            };
            if !found.contains(&evidence) {
                found.push(evidence);
            }
        }
    }
    // What says what is deployed comes first in every message.
    found.sort_by_key(|evidence| match evidence {
        Evidence::Name { variable, .. } => !policy.version_params.contains(variable),
        _ => true,
    });
    found
}

/// The hotfix tags and branches in a text: as a whole word, as the end of a reference (with or
/// without digest) or path, as a git reference. In a version parameter a name that git would not
/// take counts as well, because there it can be nothing else.
fn hotfix_names(text: &str, policy: &Policy, version: bool) -> Vec<(String, NameKind)> {
    let decoded = percent_decoded(text);
    let words = decoded.split(|c: char| {
        let mark = !c.is_ascii() && !c.is_alphanumeric();
        mark || c.is_whitespace() || c.is_control() || ",;=|&'\"`[]{}()<>\\$?*^!#".contains(c)
    });
    let pieces = words.filter(|word| !word.is_empty()).flat_map(|word| {
        let inner = word.split([':', '@', '+', '~']);
        std::iter::once(word).chain(inner.filter(move |piece| piece.len() < word.len()))
    });
    let mut found = Vec::new();
    for piece in pieces {
        let piece = piece.trim_start_matches(['+', '-', '.', '~', '/']);
        let last = piece.rsplit('/').next().unwrap_or(piece);
        if policy.hotfix_tags.recognise(last) {
            let train = policy.train.as_ref();
            let kind = match train.and_then(|train| train.versions.read(last)) {
                Some(_) => NameKind::Version,
                None => NameKind::Tag,
            };
            found.push((last.to_owned(), kind));
            continue;
        }
        // Also in the middle of a path or an address.
        if let Some((name, kind)) = in_path(piece, policy, version) {
            found.push((name.to_owned(), kind));
            continue;
        }
        let branch = without_ref_prefixes(piece);
        let names = match HotfixBranch::parse(branch, &policy.prefixes) {
            Ok(_) => true,
            Err(NotHotfix::NotABranch) => version,
            Err(NotHotfix::Elsewhere | NotHotfix::EmptyRest) => false,
        };
        if names {
            found.push((branch.to_owned(), NameKind::Branch));
        }
    }
    // A name that a pattern makes may hold what cuts a text into pieces, and may end anywhere in one.
    if found.is_empty()
        && let Some(branch) = policy.prefixes.mentioned(&decoded)
    {
        found.push((branch.to_owned(), NameKind::Branch));
    }
    found
}

/// The hotfix tag that is some part of a path, but its first; in a version parameter also the branch that
/// begins there. Elsewhere a path may be of a page about hotfixes.
fn in_path<'t>(path: &'t str, policy: &Policy, version: bool) -> Option<(&'t str, NameKind)> {
    let starts = || path.match_indices('/').map(|(at, _)| at + 1);
    let front = starts().take(MOST_PARTS);
    let starts = front.chain(
        path.rmatch_indices('/')
            .take(MOST_PARTS)
            .map(|(at, _)| at + 1),
    );
    starts.map(|at| &path[at..]).find_map(|rest| {
        let part = rest.split('/').next().unwrap_or(rest);
        if policy.hotfix_tags.recognise(part) {
            return Some((part, NameKind::Tag));
        }
        let branch = HotfixBranch::parse(rest, &policy.prefixes);
        (version && branch.is_ok()).then_some((rest, NameKind::Branch))
    })
}

/// A branch as git or a remote writes it, without what stands in front of its name.
pub(super) fn without_ref_prefixes(name: &str) -> &str {
    let mut name = name;
    loop {
        let rest = ["refs/", "heads/", "tags/", "origin/", "upstream/"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .or_else(|| {
                name.strip_prefix("remotes/")
                    .and_then(|rest| Some(rest.split_once('/')?.1))
            });
        match rest {
            Some(rest) => name = rest,
            None => return name,
        }
    }
}

/// A text with `%2F` and the like as the characters that they stand for.
fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
