//! Links to issues: where a commit is read in public, `#123` leads to the issue of that number, and
//! the issue says what is wrong (B19).

/// Words of addresses that lead to one issue, pull request or bug.
const PATHS: [&str; 12] = [
    "/issues/",
    "/issue/",
    "/pull/",
    "/pulls/",
    "/pull-requests/",
    "/merge_requests/",
    "/work_items/",
    "/browse/",
    "/advisories/",
    "/vuln/",
    "show_bug.cgi",
    "/cve",
];
/// Hosts that say it by their name alone.
const HOSTS: [&str; 4] = ["bugs.", "issues.", "bugzilla.", "tracker."];

/// How many links to issues a text holds. `is_private` says of a text whether it names a ticket of
/// the private tracker: such a link leads where only few can follow. `merge` is set for the subject
/// of a merge, in which the forge itself names the pull request.
pub(super) fn count(text: &str, merge: bool, is_private: impl Fn(&str) -> bool) -> usize {
    let rest = if merge { without_own(text) } else { text };
    let words = rest.split(|c: char| c.is_whitespace() || "()[]{}<>\"'`,;|".contains(c));
    let mut before = "";
    let mut found = 0;
    for word in words.filter(|word| !word.is_empty()) {
        let with = format!("{before} {word}");
        if is_link(word) && !leads_to_private(word, &with, &is_private) {
            found += 1;
        }
        before = word;
    }
    found
}

/// Whether a link leads to a ticket of the private tracker: an address whose end is one, or a number
/// without which the words before it are none (`bug #752721`).
fn leads_to_private(word: &str, with: &str, is_private: impl Fn(&str) -> bool) -> bool {
    if word.contains("://") || PATHS.iter().any(|part| word.to_lowercase().contains(part)) {
        let (path, query) = word.split_once(['?', '#']).unwrap_or((word, ""));
        let last = path
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let id = query.strip_prefix("id=").unwrap_or_default();
        let id = id.split('&').next().unwrap_or_default();
        return is_private(last) || (!id.is_empty() && is_private(&format!("bug {id}")));
    }
    let number = with.rfind(['#', '!']).unwrap_or(with.len());
    is_private(with) && !is_private(&with[..number])
}

fn is_link(word: &str) -> bool {
    let small = word.to_lowercase();
    if let Some((_, address)) = small.split_once("://") {
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        let path = format!("/{path}");
        return PATHS.iter().any(|part| path.contains(part))
            || HOSTS.iter().any(|name| host.starts_with(name));
    }
    // An address without its scheme: `github.com/owner/repo/issues/1`.
    if small.contains('.') && PATHS.iter().take(7).any(|part| small.contains(part)) {
        return true;
    }
    // `#123`, `owner/repo#123`, `GH-123`, `group/project!12`, and the same behind other signs.
    let number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    small.split('#').skip(1).any(number)
        || small.split('!').skip(1).any(number)
        || small.strip_prefix("gh-").is_some_and(number)
}

/// The subject of a merge behind what the forge has written there: `Merge pull request #12 from …`,
/// `Merge pull request 'Title' (#12) from …`, `Merged in branch (pull request #12)`, `See merge request
/// group/project!12`. The number is of this repository, and whoever sees it sees the merge.
fn without_own(subject: &str) -> &str {
    for start in [
        "Merge pull request #",
        "Merge pull request (#",
        "See merge request ",
    ] {
        if let Some(rest) = subject.strip_prefix(start) {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            return &rest[end..];
        }
    }
    for end in [" (#", " (pull request #"] {
        if let Some((front, number)) = subject.rsplit_once(end)
            && subject.starts_with("Merge")
            && number.contains(')')
            && number.starts_with(|c: char| c.is_ascii_digit())
        {
            return front;
        }
    }
    subject
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(text: &str, expected: usize) {
        let private = |text: &str| text.contains("SEC-") || text.contains("752721");
        assert_eq!(count(text, false, private), expected, "{text}");
    }

    #[test]
    fn links_that_lead_to_an_issue() {
        for text in [
            "Fix it: #123",
            "Fixes #1",
            "closes (#24)",
            "see example/app#7",
            "GH-12",
            "hotfix/fix-#12",
            "example/app!12",
            "https://github.com/example/app/issues/12",
            "github.com/example/app/pull/12",
            "<https://git.example/example/app/-/issues/3>",
            "https://bugzilla.example/show_bug.cgi?id=1",
            "https://nvd.example/vuln/detail/x",
            "https://jira.example/browse/HOCS-1",
            "https://git.example/example/SEC-12/issues/5",
            "hotfix/SEC-12-#7",
            "SEC-12: #7",
        ] {
            case(text, 1);
        }
        case("#1, #2 and example/app#3", 3);
    }

    #[test]
    fn what_leads_nowhere_public() {
        for text in [
            "SEC-12 mend two",
            "https://jira.example/browse/SEC-12?focused=9",
            "bug #752721: mend",
            "https://bugzilla.example/show_bug.cgi?id=752721",
            "Use C# and F#",
            "colour #fff",
            "what a day! 12 files",
            "https://docs.example/guide#3rd",
        ] {
            case(text, 0);
        }
    }

    #[test]
    fn what_the_forge_writes_into_a_merge_counts_only_elsewhere() {
        let none = |_: &str| false;
        for text in [
            "Merge pull request #24 from example/SEC-12",
            "Merge pull request 'Mend' (#24) from SEC-12 into hotfix/SEC-12",
            "Merged in SEC-12 (pull request #24)",
        ] {
            assert_eq!(count(text, true, none), 0, "{text}");
            assert_eq!(count(text, false, none), 1, "{text}");
        }
        assert_eq!(count("Merge pull request #24 from x: #25", true, none), 1);
    }
}
