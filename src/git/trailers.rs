//! Trailers: the `Key: value` lines at the end of a message.

/// Lines that git itself writes; one of them makes trailers of a paragraph that is only mostly so
/// (git's trailer.c, `git_generated_prefixes`).
const WRITTEN_BY_GIT: [&str; 2] = ["Signed-off-by: ", "(cherry picked from commit "];

/// The line that git puts before what is not part of a message.
const SCISSORS: &str = "# ------------------------ >8 ------------------------\n";

/// The trailers of a message, in their order, as `git interpret-trailers --parse --no-divider`
/// reads them (git's trailer.c, `find_trailer_start`). A commit has no `---` divider: that is of
/// mails. Keys are as written; a folded value is on one line.
pub(super) fn parse(message: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = message[..end(message)].lines().collect();
    let mut trailers: Vec<(Option<String>, String)> = Vec::new();
    for line in &lines[start(&lines)..] {
        if line.starts_with('#') {
            continue;
        }
        if line.starts_with(is_space)
            && let Some((_, value)) = trailers.last_mut()
        {
            value.push(' ');
            value.push_str(line.trim_start_matches(is_space));
            continue;
        }
        trailers.push(match separator(line) {
            Some(at) if at > 0 => (
                Some(line[..at].trim_matches(is_space).to_owned()),
                line[at + 1..].to_owned(),
            ),
            _ => (None, String::new()),
        });
    }
    let known = trailers.into_iter();
    known
        .filter_map(|(key, value)| Some((key?, value.trim_matches(is_space).to_owned())))
        .collect()
}

/// Where the message ends for git: before comments, empty lines and an old list of conflicts that nothing
/// follows, and before the scissors of `git commit --cleanup=scissors` (git's commit.c,
/// `ignored_log_message_bytes`).
fn end(message: &str) -> usize {
    let cut = match message.starts_with(SCISSORS) {
        true => 0,
        false => message
            .match_indices('\n')
            .map(|(at, _)| at + 1)
            .find(|at| message[*at..].starts_with(SCISSORS))
            .unwrap_or(message.len()),
    };
    let (mut at, mut comments, mut conflicts) = (0, None, false);
    for line in message[..cut].split_inclusive('\n') {
        if line.starts_with('#') || line == "\n" {
            comments.get_or_insert(at);
        } else if line == "Conflicts:\n" {
            conflicts = true;
            comments.get_or_insert(at);
        } else if !(conflicts && line.starts_with('\t')) {
            comments = None;
            conflicts = false;
        }
        at += line.len();
    }
    comments.unwrap_or(cut)
}

/// The first line of the trailers.
fn start(lines: &[&str]) -> usize {
    let body = lines
        .iter()
        .position(|line| !line.starts_with('#') && is_blank(line));
    // The first paragraph is the title and cannot be trailers.
    let Some(body) = body else {
        return lines.len();
    };
    let (mut by_git, mut trailers, mut others, mut folded) = (false, 0, 0, 0);
    let mut only_blank = true;
    for (at, line) in lines.iter().enumerate().skip(body).rev() {
        if line.starts_with('#') {
            others += folded;
            folded = 0;
        } else if is_blank(line) {
            if only_blank {
                continue;
            }
            others += folded;
            let enough = if by_git {
                trailers * 3 >= others
            } else {
                others == 0
            };
            return if trailers > 0 && enough {
                at + 1
            } else {
                lines.len()
            };
        } else if WRITTEN_BY_GIT.iter().any(|prefix| line.starts_with(prefix)) {
            (only_blank, by_git, folded) = (false, true, 0);
            trailers += 1;
        } else if line.starts_with(is_space) {
            only_blank = false;
            folded += 1;
        } else {
            only_blank = false;
            if separator(line).is_some_and(|at| at > 0) {
                trailers += 1;
            } else {
                others += 1 + folded;
            }
            folded = 0;
        }
    }
    lines.len()
}

/// Where the `:` behind a key is.
fn separator(line: &str) -> Option<usize> {
    let mut space = false;
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b':' => return Some(at),
            b'-' if !space => {}
            b' ' | b'\t' if at > 0 => space = true,
            byte if !space && byte.is_ascii_alphanumeric() => {}
            _ => return None,
        }
    }
    None
}

/// White space as git's `isspace` has it.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn is_blank(line: &str) -> bool {
    line.chars().all(is_space)
}
