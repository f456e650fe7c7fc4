//! Links to issues: where a commit is read in public, `#123` leads to the issue of that number, and
//! the issue says what is wrong (B19).

/// Words of addresses that lead to one issue, pull request or bug.
const PATHS: [&str; 15] = [
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
    "/+bug/",
    "view.php?id=",
    "selectedissue=",
];
/// The same where a number follows.
const NUMBERED: [&str; 6] = [
    "/ticket/",
    "/tickets/",
    "/bug/",
    "/bugs/",
    "/discussions/",
    "/incidents/",
];
/// Hosts that shorten addresses of issues, or have nothing but reports.
const SHORT: [&str; 3] = ["bugzil.la/", "crbug.com/", "hackerone.com/reports/"];
/// Words directly in front of `#` that make the number behind it an issue's.
const KINDS: [&str; 9] = [
    "bug", "bugs", "closes", "fixes", "gh", "issue", "issues", "pr", "ticket",
];
/// Hosts that say it by their name alone.
const HOSTS: [&str; 4] = ["bugs.", "issues.", "bugzilla.", "tracker."];

/// What a text is: in some the forge itself names the pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a line of a change log.
    Text,
    /// The subject of a commit.
    Subject,
    /// The subject of a merge.
    Merge,
}

/// How many links to issues a text holds. `is_private` says of a text whether it names a ticket of
/// the private tracker: such a link leads where only few can follow.
pub(super) fn count(text: &str, kind: Kind, is_private: impl Fn(&str) -> bool) -> usize {
    let rest = match kind {
        Kind::Text => text,
        Kind::Subject => without_squash(text),
        Kind::Merge => without_own(without_squash(text)),
    };
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
        let names = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or_default();
            is_private(value) || (key == "id" && is_private(&format!("bug {value}")))
        };
        return is_private(last) || query.split('&').any(names);
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
            || NUMBERED.iter().any(|part| numbered(&path, part))
            || HOSTS.iter().any(|name| host.starts_with(name))
            || SHORT.iter().any(|start| is_short(address, start));
    }
    // An address without its scheme: `github.com/owner/repo/issues/1`.
    if small.contains('.') && PATHS.iter().take(7).any(|part| small.contains(part)) {
        return true;
    }
    if SHORT.iter().any(|start| is_short(&small, start)) {
        return true;
    }
    // `#123`, `owner/repo#123`, `GH-123`, `group/project!12`, and the same behind other signs. `C#7` and
    // `hey!2` are none.
    let is_reference = |(at, _): (usize, &str)| {
        let (front, rest) = small.split_at(at);
        let glued = front.ends_with(char::is_alphanumeric);
        let kind = front.rsplit(|c: char| !c.is_alphanumeric()).next();
        let counts = !glued || front.contains('/') || kind.is_some_and(|it| KINDS.contains(&it));
        counts && number(&rest[1..])
    };
    small.match_indices(['#', '!']).any(is_reference)
        || small.strip_prefix("gh-").is_some_and(number)
}

fn number(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a number follows this part of a path.
fn numbered(path: &str, part: &str) -> bool {
    path.split(part).skip(1).any(number)
}

/// Whether an address is one of a host that shortens, with a number behind.
fn is_short(address: &str, start: &str) -> bool {
    let address = address.strip_prefix("www.").unwrap_or(address);
    address.strip_prefix(start).is_some_and(number)
}

/// The body of a message without the lines with which a forge itself names the pull request of this
/// repository: `Reviewed-on: PAGE/pulls/24` (Gitea), `See merge request owner/name!24` (GitLab).
pub(super) fn without_own_lines(body: &str, repo: &str, page: Option<&str>) -> String {
    let only_number = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit());
    let is_own = |line: &str| {
        if let Some(address) = line.strip_prefix("Reviewed-on: ") {
            let page = page.map(|page| page.trim_end_matches('/'));
            let rest = page.and_then(|page| address.strip_prefix(page));
            return rest
                .and_then(|rest| rest.strip_prefix("/pulls/"))
                .is_some_and(only_number);
        }
        line.strip_prefix("See merge request ")
            .and_then(|it| it.strip_prefix(repo).unwrap_or(it).strip_prefix('!'))
            .is_some_and(only_number)
    };
    let lines = body.lines().filter(|line| !is_own(line.trim()));
    lines.collect::<Vec<_>>().join("\n")
}

/// The subject without the number of its pull request, which forges put behind it when they squash:
/// `Mend two (#24)`. Behind a word such as «closes» it is an issue's.
fn without_squash(subject: &str) -> &str {
    let mut rest = subject.trim_end();
    while let Some((front, number)) = rest
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once(" (#"))
    {
        let word = front.rsplit(' ').next().unwrap_or_default();
        let word = word.trim_end_matches([':', ',']).to_lowercase();
        let closes = KINDS.contains(&word.as_str())
            || [
                "close", "closed", "fix", "fixed", "see", "resolve", "resolves", "resolved",
            ]
            .contains(&word.as_str());
        if closes || front.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            break;
        }
        rest = front;
    }
    rest
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
        assert_eq!(count(text, Kind::Text, private), expected, "{text}");
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
            "bug#12",
            "https://trac.example/ticket/12",
            "https://launchpad.net/bugs/123",
            "https://bugs.launchpad.net/x/+bug/123",
            "https://bugzil.la/12",
            "crbug.com/123",
            "https://hackerone.com/reports/12345",
            "https://github.com/example/app/discussions/5",
            "https://gitlab.com/a/b/-/incidents/4",
            "https://sourceforge.net/p/x/bugs/12/",
            "https://www.mantisbt.org/bugs/view.php?id=12",
            "https://x.example/jira/boards/1?selectedIssue=HOCS-1",
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
            "use C#7",
            "what a day!12",
            "https://docs.example/tickets/how-to",
            "https://x.example/jira/boards/1?selectedIssue=SEC-1",
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
            assert_eq!(count(text, Kind::Merge, none), 0, "{text}");
            assert_eq!(count(text, Kind::Text, none), 1, "{text}");
        }
        let merge = "Merge pull request #24 from x: #25";
        assert_eq!(count(merge, Kind::Merge, none), 1);
    }

    #[test]
    fn the_number_of_a_squashed_pull_request_is_none_of_an_issue() {
        let none = |_: &str| false;
        for (subject, expected) in [
            ("Mend two (#24)", 0),
            ("Mend two (#23) (#24)", 0),
            ("Mend two (#24) again", 1),
            ("Fixes (#24)", 1),
            ("Mend #3 (#24)", 1),
        ] {
            assert_eq!(count(subject, Kind::Subject, none), expected, "{subject}");
        }
    }

    #[test]
    fn lines_of_the_forge_count_only_for_other_repositories() {
        let none = |_: &str| false;
        let page = Some("https://git.example/example/app/");
        for (line, expected) in [
            ("Reviewed-on: https://git.example/example/app/pulls/24", 0),
            ("See merge request example/app!24", 0),
            ("See merge request !24", 0),
            ("Reviewed-on: https://git.example/example/other/pulls/24", 1),
            ("Reviewed-on: https://git.example/example/app/issues/24", 1),
            ("See merge request example/other!24", 1),
            ("Closes #24", 1),
        ] {
            let body = format!("Mend two\n\n{line}\n");
            let rest = without_own_lines(&body, "example/app", page);
            assert_eq!(count(&rest, Kind::Text, none), expected, "{line}");
        }
    }
}
