//! As much of Markdown as it takes to find a section by its heading, and the boxes of a checklist.

/// The most headings of one text that are looked at.
const MOST: usize = 500;
/// The longest heading, in bytes.
const LONGEST: usize = 300;
/// What forms of issues put where somebody has written nothing, and what people do.
const NOTHING: [&str; 6] = ["no response", "n/a", "na", "tbd", "todo", "none yet"];

/// A heading, and what stands below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The heading, without its marks.
    pub heading: String,
    /// All up to the next heading that is no smaller.
    pub text: String,
}

impl Section {
    /// Whether something is written there.
    pub fn is_filled(&self) -> bool {
        let letters: String = self
            .text
            .chars()
            .filter(|c| c.is_alphanumeric() || *c == '/' || c.is_whitespace())
            .collect();
        let words: Vec<&str> = letters.split_whitespace().collect();
        let text = words.join(" ").to_lowercase();
        text.chars().any(char::is_alphanumeric) && !NOTHING.contains(&text.as_str())
    }
}

struct Mark {
    level: usize,
    heading: String,
    /// The line of the heading, the first below it, and what of the heading's own line belongs below.
    at: usize,
    below: usize,
    own: String,
}

/// The sections of a text. Headings are `# one`, underlined ones, and lines that are or begin with bold
/// text (`**Risk:** low`), which are smaller than all others.
pub fn sections(text: &str) -> Vec<Section> {
    let text = visible(text);
    let lines: Vec<&str> = text.lines().collect();
    let mut marks: Vec<Mark> = Vec::new();
    let mut fence: Option<&str> = None;
    for (at, line) in lines.iter().enumerate() {
        let plain = line.trim_start();
        if let Some(open) = fence {
            if plain.starts_with(open) {
                fence = None;
            }
            continue;
        }
        if let Some(open) = ["```", "~~~"]
            .into_iter()
            .find(|fence| plain.starts_with(fence))
        {
            fence = Some(open);
            continue;
        }
        let next = lines.get(at + 1).copied().unwrap_or_default();
        if let Some(mark) = mark(plain, next, at) {
            marks.push(mark);
        }
        if marks.len() >= MOST {
            break;
        }
    }
    let end = |number: usize, level: usize| {
        let mut later = marks[number + 1..].iter();
        let next = later.find(|mark| mark.level <= level);
        next.map_or(lines.len(), |mark| mark.at)
    };
    let each = marks.iter().enumerate();
    each.map(|(number, mark)| {
        let below = lines
            .get(mark.below..end(number, mark.level))
            .unwrap_or_default();
        Section {
            heading: mark.heading.clone(),
            text: format!("{}\n{}", mark.own, below.join("\n")),
        }
    })
    .collect()
}

fn mark(line: &str, next: &str, at: usize) -> Option<Mark> {
    if line.len() > LONGEST * 4 {
        return None;
    }
    let new = |level, heading: &str, below, own: &str| {
        let heading = heading.trim().trim_end_matches([':', '#']).trim();
        let heading = heading.trim_matches(['*', '_']).trim_end_matches(':');
        (!heading.is_empty() && heading.len() <= LONGEST).then(|| Mark {
            level,
            heading: heading.trim().to_owned(),
            at,
            below,
            own: own.trim().to_owned(),
        })
    };
    let hashes = line.bytes().take_while(|byte| *byte == b'#').count();
    if (1..=6).contains(&hashes) && line[hashes..].starts_with([' ', '\t']) {
        return new(hashes, &line[hashes..], at + 1, "");
    }
    for bold in ["**", "__"] {
        if let Some((heading, own)) = line
            .strip_prefix(bold)
            .and_then(|rest| rest.split_once(bold))
        {
            // Bold words within a sentence are no heading.
            let own = own.trim_start();
            let alone = own.is_empty() || heading.trim_end().ends_with(':') || own.starts_with(':');
            return match alone {
                true => new(7, heading, at + 1, own.trim_start_matches(':')),
                false => None,
            };
        }
    }
    let under = next.trim();
    let only = |sign: char| under.len() >= 3 && under.chars().all(|c| c == sign);
    let text = !line.is_empty() && !line.starts_with(['-', '=', '>', '|', '*', '+']);
    match (text && only('='), text && only('-')) {
        (true, _) => new(1, line, at + 2, ""),
        (_, true) => new(2, line, at + 2, ""),
        _ => None,
    }
}

/// A text without its comments, which hold the hints of a template and are not shown.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("<!--") {
        shown.push_str(before);
        rest = behind.split_once("-->").map_or("", |(_, behind)| behind);
    }
    shown.push_str(rest);
    shown
}

/// The boxes of a checklist, `- [x] text` or `- [ ] text`: whether each is ticked, and its text.
pub fn boxes(text: &str) -> impl Iterator<Item = (bool, &str)> {
    text.lines().filter_map(|line| {
        let line = line.trim_start().strip_prefix(['-', '*', '+'])?;
        let rest = line.trim_start().strip_prefix('[')?;
        let (tick, text) = rest.split_once(']')?;
        match tick {
            "x" | "X" => Some((true, text.trim())),
            " " | "" => Some((false, text.trim())),
            _ => None,
        }
    })
}
