//! One thing that is wrong with the settings or the environment, in the user's terms.

/// A wrong setting: what was found, what was expected and what to do. All of them are reported
/// together, because a release manager should not have to run a pipeline once per mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting, as it stands in the pipeline file (`policy.rules.ticket`), or the variable.
    pub setting: String,
    /// What stands there; never the value of a secret.
    pub found: String,
    /// What would have been right.
    pub expected: String,
    /// What to do next, where it is more than writing what was expected.
    pub next: Option<String>,
}

impl Problem {
    /// A problem without a special way out.
    pub fn new(
        setting: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            setting: setting.into(),
            found: found.into(),
            expected: expected.into(),
            next: None,
        }
    }

    /// The same problem with what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// The name among `known` that `written` was probably meant to be: the same but for case and
/// separators, or at most two edits away (one for names under six characters).
pub fn did_you_mean<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |name: &str| -> Vec<char> {
        name.chars()
            .map(|c| {
                if matches!(c, '-' | '.' | ' ') {
                    '_'
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect()
    };
    // An attacker may choose the name; a long one is no near miss of anything.
    if written.len() > 64 {
        return None;
    }
    let written = plain(written);
    known
        .into_iter()
        .map(|name| {
            let candidate = plain(name);
            let allowed = if candidate.len().min(written.len()) < 6 {
                1
            } else {
                2
            };
            (edits(&written, &candidate), allowed, name)
        })
        .filter(|(distance, allowed, _)| distance <= allowed)
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, _, name)| name)
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let substitution = row[j] + usize::from(x != y);
            let mut best = substitution.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(written: &str, expected: Option<&str>) {
        let known = ["policy", "dry_run", "log_level", "username", "qa"];
        assert_eq!(did_you_mean(written, known), expected);
    }

    #[test]
    fn near_misses_are_recognised() {
        case("dry-run", Some("dry_run"));
        case("Policy", Some("policy"));
        case("plicy", Some("policy"));
        case("polciy", Some("policy"));
        case("loglevel", Some("log_level"));
        case("user_name", Some("username"));
        case("aq", Some("qa"));
        case("repo", None);
        case("registry", None);
        case("mtu", None);
        case(&"p".repeat(100_000), None);
    }
}
