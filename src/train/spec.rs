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

/// Where the first part of a spec file ends: what stands below is about a package of its own, or is text and
/// scripts.
const SECTIONS: [&str; 16] = [
    "%package",
    "%description",
    "%prep",
    "%generate_buildrequires",
    "%build",
    "%install",
    "%check",
    "%clean",
    "%files",
    "%changelog",
    "%pre",
    "%post",
    "%preun",
    "%postun",
    "%pretrans",
    "%posttrans",
];

/// The two lines of a spec file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// `Version`.
    pub version: Field,
    /// `Release`.
    pub release: Field,
}

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
}

impl Spec {
    /// Reads the lines of the first part of a spec file; tags are read in any case, as rpm does.
    pub fn parse(text: &str) -> Self {
        let (mut version, mut release) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let word = line.split_whitespace().next().unwrap_or_default();
            if SECTIONS.contains(&word) {
                break;
            }
            let Some((tag, value)) = line.split_once(':') else {
                continue;
            };
            let found = match tag.trim_end() {
                tag if tag.eq_ignore_ascii_case("version") => &mut version,
                tag if tag.eq_ignore_ascii_case("release") => &mut release,
                _ => continue,
            };
            let value = value.trim().to_owned();
            if !found.contains(&value) && found.len() < 3 {
                found.push(value);
            }
        }
        Self {
            version: Field::of(version),
            release: Field::of(release),
        }
    }

    /// Whether two spec files are the same but for these two lines and comments. What else stands in one goes
    /// into the package.
    pub fn is_same_beside(one: &str, other: &str) -> bool {
        let rest = |text: &str| -> Vec<String> {
            let mut above = true;
            let lines = text.lines().map(str::trim).filter(|line| {
                let word = line.split_whitespace().next().unwrap_or_default();
                above = above && !SECTIONS.contains(&word);
                let tag = line.split_once(':').map_or("", |(tag, _)| tag.trim_end());
                let number =
                    above && ["version", "release"].contains(&tag.to_ascii_lowercase().as_str());
                !number && !line.starts_with('#') && !line.is_empty()
            });
            lines.map(str::to_owned).collect()
        };
        rest(one) == rest(other)
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
            None => Err(Unread::NoNumber(text.to_owned())),
        }
    }
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
        assert_eq!(spec("1", &many).release(), Err(Unread::NoNumber(many)));
        assert_eq!(Spec::parse("").version(), Err(Unread::Missing));
        let twice = Spec::parse("Version: 1\nVersion: 2\nVersion: 1\n");
        assert_eq!(
            twice.version(),
            Err(Unread::Several(vec![wrong("1"), wrong("2")]))
        );
    }
}
