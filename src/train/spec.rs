//! `Version` and `Release` of an RPM spec file (B07, B10).

/// The most digits of a release; no train was released ten times.
const MOST_DIGITS: usize = 9;

/// What stands behind one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The file has no such line.
    Missing,
    /// It has more than one, and they differ.
    Several(Vec<String>),
    /// What the line says.
    Text(String),
}

/// The two lines of a spec file, and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// `Version`.
    pub version: Field,
    /// `Release`.
    pub release: Field,
    /// Everything else that makes a package another one.
    pub body: String,
}

/// What begins a section. What stands before the first one is the preamble, where the tags of the
/// package are; those behind `%package` are of another package.
const SECTIONS: [&str; 25] = [
    "build",
    "changelog",
    "check",
    "clean",
    "conf",
    "description",
    "files",
    "filetriggerin",
    "filetriggerun",
    "generate_buildrequires",
    "install",
    "package",
    "patchlist",
    "post",
    "posttrans",
    "postun",
    "pre",
    "prep",
    "pretrans",
    "preun",
    "sourcelist",
    "triggerin",
    "triggerpostun",
    "triggerun",
    "verifyscript",
];

/// A release that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The number.
    pub number: u32,
    /// What follows it, such as `%{?dist}_%{svnrev}`.
    pub suffix: String,
}

/// Why a value cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// There is none.
    Missing,
    /// There are several.
    Several(Vec<String>),
    /// A macro stands for it.
    Macro(String),
    /// It is no number.
    NoNumber(String),
    /// It is a number that is too long to be one of a release.
    TooLong(String),
}

impl Spec {
    /// Reads the lines of the first part of a spec file; tags are read in any case, as rpm does.
    pub fn parse(text: &str) -> Self {
        let (mut version, mut release) = (Vec::new(), Vec::new());
        let mut section = None;
        let mut body = String::new();
        for line in text.lines() {
            let line = line.trim_end();
            section = begins(line).or(section);
            // A comment may hold a macro, which rpm expands all the same.
            let remark = match section {
                None => line.starts_with('#'),
                Some(name) => name == "changelog",
            };
            let idle = line.is_empty() || (remark && !line.contains("%{") && !line.contains("%("));
            let found = match line.split_once(':') {
                Some((tag, value)) if section.is_none() => match tag.trim_end() {
                    tag if tag.eq_ignore_ascii_case("version") => Some((&mut version, value)),
                    tag if tag.eq_ignore_ascii_case("release") => Some((&mut release, value)),
                    _ => None,
                },
                _ => None,
            };
            let Some((found, value)) = found else {
                if !idle {
                    body.push_str(line);
                    body.push('\n');
                }
                continue;
            };
            let value = value.trim().to_owned();
            if !found.contains(&value) && found.len() < 3 {
                found.push(value);
            }
        }
        Self {
            version: Field::of(version),
            release: Field::of(release),
            body,
        }
    }

    /// The version, if it is written out.
    ///
    /// # Errors
    /// Why it cannot be compared.
    pub fn version(&self) -> Result<&str, Unread> {
        let text = self.version.text()?;
        match text {
            "" => Err(Unread::Missing),
            _ if text.contains('%') => Err(Unread::Macro(text.to_owned())),
            _ => Ok(text),
        }
    }

    /// The release, if it begins with a number.
    ///
    /// # Errors
    /// Why it cannot be compared.
    pub fn release(&self) -> Result<Release, Unread> {
        let text = self.release.text()?;
        let end = text.find(|c: char| !c.is_ascii_digit());
        let (digits, suffix) = text.split_at(end.unwrap_or(text.len()));
        if digits.is_empty() && text.starts_with('%') {
            return Err(Unread::Macro(text.to_owned()));
        }
        if text.is_empty() {
            return Err(Unread::Missing);
        }
        let number = digits.parse().ok().filter(|_| digits.len() <= MOST_DIGITS);
        match number {
            Some(number) => Ok(Release {
                number,
                suffix: suffix.to_owned(),
            }),
            None if digits.is_empty() => Err(Unread::NoNumber(text.to_owned())),
            None => Err(Unread::TooLong(text.to_owned())),
        }
    }
}

impl Release {
    /// The release of the next hotfix.
    #[must_use]
    pub fn next(&self) -> Self {
        Self {
            number: self.number.saturating_add(1),
            suffix: self.suffix.clone(),
        }
    }
}

/// The section that a line begins.
fn begins(line: &str) -> Option<&'static str> {
    let word = line.strip_prefix('%')?.split_whitespace().next()?;
    SECTIONS.into_iter().find(|name| *name == word)
}

impl Field {
    fn of(mut values: Vec<String>) -> Self {
        match values.len() {
            0 => Self::Missing,
            1 => Self::Text(values.remove(0)),
            _ => Self::Several(values),
        }
    }

    fn text(&self) -> Result<&str, Unread> {
        match self {
            Self::Missing => Err(Unread::Missing),
            Self::Several(values) => Err(Unread::Several(values.clone())),
            Self::Text(text) => Ok(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(version: &str, release: &str) -> Spec {
        Spec::parse(&format!(
            "Name: x\n# Version: 9\nVersion:       {version}\nRelease:       {release}\n%description\nx\n"
        ))
    }

    #[test]
    fn real_lines() {
        let real = spec("0.2012.11.23", "3%{?dist}_%{svnrev}");
        assert_eq!(real.version(), Ok("0.2012.11.23"));
        let release = real.release().unwrap();
        assert_eq!(
            (release.number, release.suffix.as_str()),
            (3, "%{?dist}_%{svnrev}")
        );
        assert_eq!(spec("1.2012.08.17", "1").version(), Ok("1.2012.08.17"));
        assert_eq!(spec("x", "3").release().unwrap().suffix, "");
        assert_eq!(
            Spec::parse("version :1\r\nRELEASE:2\r\n").version(),
            Ok("1")
        );
    }

    #[test]
    fn what_cannot_be_compared() {
        let wrong = |text: &str| text.to_owned();
        assert_eq!(
            spec("%{ver}", "1").version(),
            Err(Unread::Macro(wrong("%{ver}")))
        );
        assert_eq!(
            spec("1", "%{rel}").release(),
            Err(Unread::Macro(wrong("%{rel}")))
        );
        assert_eq!(spec("", "").version(), Err(Unread::Missing));
        assert_eq!(spec("", "").release(), Err(Unread::Missing));
        assert_eq!(spec("1", "x").release(), Err(Unread::NoNumber(wrong("x"))));
        let many = "9".repeat(30);
        assert_eq!(spec("1", &many).release(), Err(Unread::TooLong(many)));
        assert_eq!(Spec::parse("").version(), Err(Unread::Missing));
        let twice = Spec::parse("Version: 1\nVersion: 2\nVersion: 1\n");
        assert_eq!(
            twice.version(),
            Err(Unread::Several(vec![wrong("1"), wrong("2")]))
        );
    }

    #[test]
    fn the_first_part_alone_counts_and_all_of_it_makes_a_package() {
        let begin = "Version: 1\nRelease: 2\nRequires: node\n%description\nx\n";
        let old = Spec::parse(begin);
        let more = "Release: notes are elsewhere\n%package devel\nVersion: 7\n";
        let packaged = Spec::parse(&format!("{begin}{more}"));
        assert_eq!(
            (packaged.version(), packaged.release().unwrap().number),
            (Ok("1"), 2)
        );
        for (text, same) in [
            (begin.replace("Release: 2", "Release: 3"), true),
            (
                begin.replace("Requires: node", "Requires: node >= 1"),
                false,
            ),
            (format!("{begin}%post\nrm -rf /srv/old\n"), false),
            (format!("# why\n{begin}\n"), true),
            (format!("# %{{lua: x}}\n{begin}"), false),
            (format!("{begin}%changelog\n- two\n"), true),
        ] {
            assert_eq!(Spec::parse(&text).body == old.body, same, "{text}");
        }
        let logged = |lines: &str| Spec::parse(&format!("{begin}%changelog\n{lines}")).body;
        assert_eq!(logged("- one\n"), logged("- one\n- two\n"));
        assert!(logged("- one\n") != logged("- %(id)\n"));
        assert!(logged("- one\n") != logged("- one\n%post\nid\n"));
    }
}
