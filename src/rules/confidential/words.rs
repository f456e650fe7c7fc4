//! Words that give a security fix away before it is released (B19). They are counted and never
//! shown: a log that says which word it was says what the word said.

use crate::hotfix::fold::{fold, without_digits};
use crate::policy::confidential::PrivateTicket;

/// Words that count as a whole or with an ending: `vulnerab` is `vulnerable` and `vulnerability`. All
/// are long enough to mean one thing, so they count within other words and across separators too.
const STEMS: [&str; 53] = [
    "security",
    "insecure",
    "vulnerab",
    "exploit",
    "zeroday",
    "0day",
    "malicious",
    "malware",
    "backdoor",
    "embargo",
    "attacker",
    "clickjack",
    "tabnabbing",
    "infoleak",
    "dataleak",
    "databreach",
    "informationdisclosure",
    "informationleak",
    "sensitivedata",
    "crosssite",
    "requestforgery",
    "requestsmuggling",
    "responsesplitting",
    "remotecode",
    "codeexecution",
    "commandexecution",
    "codeinjection",
    "commandinjection",
    "sqlinjection",
    "htmlinjection",
    "scriptinjection",
    "headerinjection",
    "templateinjection",
    "injectionattack",
    "pathtraversal",
    "directorytraversal",
    "privilegeescalation",
    "escalationofprivilege",
    "authbypass",
    "authenticationbypass",
    "authorizationbypass",
    "bypassauth",
    "bufferoverflow",
    "heapoverflow",
    "useafterfree",
    "outofbounds",
    "denialofservice",
    "openredirect",
    "sessionfixation",
    "sessionhijack",
    "prototypepollution",
    "accounttakeover",
    "hackerone",
];

/// Short words that count only as words of their own, with a number behind them or not.
const WORDS: [&str; 40] = [
    "cve", "cves", "cwe", "ghsa", "rustsec", "osv", "cvss", "xss", "csrf", "xsrf", "ssrf", "rce",
    "lfi", "rfi", "sqli", "xxe", "idor", "toctou", "ddos", "mitm", "pwn", "pwned", "hacked",
    "pentest", "vuln", "vulns", "xsses", "csrfs", "xsrfs", "ssrfs", "rces", "lfis", "rfis",
    "idors", "privesc", "redos", "uaf", "uafs", "hacker", "hackers",
];

/// Words that say it together, and only where the first begins a word and the last ends one: «foo bread»
/// is no read out of bounds.
const PHRASES: [&str; 5] = [
    "oobread",
    "oobwrite",
    "oobaccess",
    "maninthemiddle",
    "bugbounty",
];

/// Ids of public lists of vulnerabilities: they say what it is by themselves, wherever they stand.
const IDS: [&str; 5] = ["cve", "cwe", "ghsa", "rustsec", "osv"];

/// How often a text says that it is about security. `tickets` stand in it and count for nothing;
/// `more` are words of the policy, folded.
pub(super) fn count(text: &str, tickets: &[&str], more: &[String]) -> usize {
    let text = without(text, tickets);
    let whole = fold(&text);
    let apart = fold(&camel(&text));
    let reads = [&whole, &apart].map(|text| [Read::of(text), Read::of(&without_digits(text))]);
    let any = |holds: &dyn Fn(&Read) -> bool| reads.iter().flatten().any(holds);
    let stems = STEMS.iter().filter(|stem| any(&|read| read.holds(stem)));
    let words = WORDS.iter().filter(|word| any(&|read| read.has_word(word)));
    let phrases = PHRASES.iter().filter(|it| any(&|read| read.has_phrase(it)));
    let own = more.iter().filter(|term| any(&|read| read.says(term)));
    stems.count() + words.count() + phrases.count() + own.count()
}

/// How many ids of public lists of vulnerabilities a text holds.
pub(super) fn ids(text: &str) -> usize {
    let read = Read::of(&fold(&camel(text)));
    let followed = |at: usize| {
        let next = read.tokens.get(at + 1);
        next.is_some_and(|next| next.bytes().any(|b| b.is_ascii_digit()))
    };
    let is_id = |(at, token): (usize, &String)| {
        let name = token.trim_end_matches(|c: char| c.is_ascii_digit());
        IDS.contains(&name) && (name.len() < token.len() || followed(at))
    };
    read.tokens
        .iter()
        .enumerate()
        .filter(|one| is_id(*one))
        .count()
}

/// The text without the names of private tickets: a project may be called `SECURITY`. What does not
/// look like a ticket stays, however wide the pattern of the policy is.
fn without(text: &str, tickets: &[&str]) -> String {
    let is_plain = |ticket: &&&str| {
        let folded = fold(ticket);
        let name = folded.trim_start_matches(|c: char| !c.is_alphanumeric());
        let name = name.split(|c: char| !c.is_alphabetic()).next();
        PrivateTicket::is_plain(ticket) && !IDS.contains(&name.unwrap_or_default())
    };
    let mut text = text.to_owned();
    for ticket in tickets.iter().filter(is_plain) {
        text = text.replace(ticket, " ");
    }
    text
}

/// A blank where a small letter or digit stands before a capital: `fixXSS`, `LoginCVE`.
fn camel(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    let mut before = None::<char>;
    for c in text.chars() {
        if c.is_uppercase() && before.is_some_and(|b| b.is_lowercase() || b.is_numeric()) {
            spaced.push(' ');
        }
        spaced.push(c);
        before = Some(c);
    }
    spaced
}

/// A folded text, as words and as letters.
struct Read {
    tokens: Vec<String>,
    letters: String,
}

impl Read {
    fn of(folded: &str) -> Self {
        let mut tokens: Vec<String> = Vec::new();
        // Letters that stand alone are a word that somebody has spelled: `x.s.s`, `C V E`.
        let mut spelled = String::new();
        let parts = folded.split(|c: char| !c.is_alphanumeric());
        for part in parts.filter(|part| !part.is_empty()) {
            let mut chars = part.chars();
            if let (Some(c), None) = (chars.next(), chars.next()) {
                spelled.push(c);
                continue;
            }
            if !spelled.is_empty() {
                tokens.push(std::mem::take(&mut spelled));
            }
            tokens.push(part.to_owned());
        }
        if !spelled.is_empty() {
            tokens.push(spelled);
        }
        let letters = folded.chars().filter(|c| c.is_alphanumeric()).collect();
        Self { tokens, letters }
    }

    /// Whether the letters hold a long word, whatever stands between or around them.
    fn holds(&self, stem: &str) -> bool {
        let begins = stem.starts_with(|c: char| c.is_ascii_digit());
        // `30 days` and `2.0 day` have no `0day`: there the number goes on to the left.
        self.letters.match_indices(stem).any(|(at, _)| {
            let before = self.letters[..at].chars().next_back();
            !begins || !before.is_some_and(|c| c.is_ascii_digit())
        })
    }

    /// Whether some words in a row are these, with or without something between them.
    fn has_phrase(&self, phrase: &str) -> bool {
        (0..self.tokens.len()).any(|from| {
            let mut rest = phrase;
            for token in &self.tokens[from..] {
                match rest.strip_prefix(token.as_str()) {
                    Some("") => return true,
                    Some(left) => rest = left,
                    None => return false,
                }
            }
            false
        })
    }

    /// Whether one of the words is this one, alone or with a number behind it.
    fn has_word(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| {
            token
                .strip_prefix(word)
                .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
        })
    }

    /// Whether a term of the policy is there: a long one anywhere, a short one as a word.
    fn says(&self, term: &str) -> bool {
        let letters: String = term.chars().filter(|c| c.is_alphanumeric()).collect();
        if letters.chars().count() >= 6 {
            self.holds(&letters)
        } else {
            self.has_word(&letters)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(text: &str, expected: bool) {
        assert_eq!(count(text, &[], &[]) > 0, expected, "{text}");
    }

    #[test]
    fn what_gives_a_fix_away() {
        for text in [
            "Fix security hole",
            "hotfix/SEC-12-fixXSS",
            "Prevent SQL-injection in search",
            "s e c u r i t y",
            "S3cur1ty",
            "sеcurity",
            "CVE-2026-12345",
            "fix cve_2026_1",
            "C.V.E. 2026",
            "LoginCVE2026",
            "Zero day in login",
            "0-day",
            "use-after-free in parser",
            "X.S.S in the title",
            "VULNERABILITIES",
            "bypass auth in admin",
            "DDoS by long names",
            "\u{ff23}\u{ff36}\u{ff25}-2026-1",
            "ghsa-aaaa-bbbb-cccc",
            "0 day",
            "fix vuln in login",
            "more RCEs and CSRFs",
            "privesc for admin",
            "man-in-the-middle",
            "manInTheMiddle",
            "hackers can log in",
            "HackerOne report",
            "ReDoS",
            "UAF in parser",
            "OOB read",
            "oob-write",
            "prototype pollution",
            "account takeover",
            "bug bounty",
        ] {
            case(text, true);
        }
    }

    #[test]
    fn ordinary_words_do_not() {
        for text in [
            "SEC-12 mend two",
            "Handle empty names in the search",
            "Update the list of cases",
            "Use dependency injection for the clock",
            "Fix overflow of the sidebar",
            "Do sort the force of the source",
            "Receive mail once",
            "Keep 30 days of logs",
            "Retry after 10 days",
            "Version 2.0 day view",
            "Show foo breadcrumbs and foo bread",
            "The woman in the middle of the picture",
            "Guaf",
            "",
        ] {
            case(text, false);
        }
    }

    #[test]
    fn words_of_the_policy_count_too() {
        let more = [fold("Project Aurora"), fold("leak")];
        assert_eq!(count("fix project-aurora", &[], &more), 1);
        assert_eq!(count("a l3ak", &[], &more), 1);
        assert_eq!(count("bleak", &[], &more), 0);
    }

    #[test]
    fn a_ticket_says_nothing_by_its_name() {
        assert_eq!(count("SECURITY-12 mend", &["SECURITY-12"], &[]), 0);
        assert_eq!(count("CVE-2026-1", &["CVE-2026-1"], &[]), 1);
        assert_eq!(count("SEC-12 security", &["SEC-12 security"], &[]), 1);
    }

    #[test]
    fn ids_are_known_in_long_texts() {
        assert_eq!(ids("Fixes CVE-2026-1 and cve 2026 2, see GHSA-x1x2-y"), 3);
        assert_eq!(ids("cve_2026_33"), 1);
        assert_eq!(ids("the cve list"), 0);
    }
}
