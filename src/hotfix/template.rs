//! Our own templates: `{branch}` `{ticket}` `{sha}` `{short_sha}` `{build}`.
//!
//! A pipeline file must not use Drone's `${…}` near a gate: it is replaced as text before the YAML
//! is read, and promotion parameters win there (reference: drone-runners/drone-runner-docker and
//! drone/runner-go `pipeline/runtime/runner.go`). These are expanded by us, after parsing.

use super::{CommitId, HotfixBranch, Ticket};

/// A place in a template that a build fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The branch, with every `/` replaced by `_`.
    Branch,
    /// The ticket.
    Ticket,
    /// The full commit id.
    Sha,
    /// Its first seven digits.
    ShortSha,
    /// The build's number.
    Build,
}

impl Field {
    const ALL: [(&'static str, Self); 5] = [
        ("branch", Self::Branch),
        ("ticket", Self::Ticket),
        ("sha", Self::Sha),
        ("short_sha", Self::ShortSha),
        ("build", Self::Build),
    ];
}

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that stands as it is.
    Literal(String),
    /// A place to fill.
    Field(Field),
}

impl Part {
    fn as_written(&self) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Field(field) => {
                let name = Field::ALL
                    .iter()
                    .find(|(_, known)| known == field)
                    .map_or("", |(n, _)| n);
                format!("{{{name}}}")
            }
        }
    }
}

/// What a build puts into a template.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// The hotfix branch.
    pub branch: &'a HotfixBranch,
    /// The ticket, when one was found.
    pub ticket: Option<&'a Ticket>,
    /// The built commit.
    pub commit: &'a CommitId,
    /// The build's number.
    pub build: u64,
}

/// A text with places that a build fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains("${") {
            return Err(
                "`${…}` is replaced by Drone before we see it, and a promotion parameter \
                        can choose the text; write `{branch}` instead"
                    .to_owned(),
            );
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let (literal, tail) = rest.split_at(open);
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let Some((name, tail)) = tail.strip_prefix('{').and_then(|t| t.split_once('}')) else {
                return Err("a `{` or `}` without its other half".to_owned());
            };
            let field = Field::ALL
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, f)| *f);
            let Some(field) = field else {
                return Err(format!("`{{{name}}}` is not a field of a template"));
            };
            parts.push(Part::Field(field));
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self::of(parts))
    }

    /// A template made of its pieces.
    pub fn of(parts: Vec<Part>) -> Self {
        let text = parts.iter().map(Part::as_written).collect();
        Self { text, parts }
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its pieces in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether it has this field.
    pub fn has(&self, field: Field) -> bool {
        self.parts.contains(&Part::Field(field))
    }

    /// Fills every place; every `/`, wherever it comes from, becomes `_`. `None` if the template
    /// asks for a ticket and there is none.
    pub fn render(&self, values: Values<'_>) -> Option<String> {
        self.render_path(values).map(|text| text.replace('/', "_"))
    }

    /// The same for a path or a reference, whose own `/` stay; those of the branch become `_`.
    pub fn render_path(&self, values: Values<'_>) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Field(Field::Branch) => {
                    text.push_str(&values.branch.name().replace('/', "_"));
                }
                Part::Field(Field::Ticket) => text.push_str(values.ticket?.as_str()),
                Part::Field(Field::Sha) => text.push_str(values.commit.as_str()),
                Part::Field(Field::ShortSha) => text.push_str(values.commit.short()),
                Part::Field(Field::Build) => text.push_str(&values.build.to_string()),
            }
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Prefixes;
    use super::*;

    #[track_caller]
    fn case(template: &str, ticket: Option<Ticket>, expected: Option<&str>) {
        let branch = HotfixBranch::parse("hotfix/a/b", &Prefixes::default()).unwrap();
        let commit = CommitId::parse(&"0123456789".repeat(4)).unwrap();
        let values = Values {
            branch: &branch,
            ticket: ticket.as_ref(),
            commit: &commit,
            build: 418,
        };
        let rendered = Template::parse(template).unwrap().render(values);
        assert_eq!(rendered.as_deref(), expected);
    }

    #[test]
    fn every_field_is_filled() {
        case("branch-{branch}", None, Some("branch-hotfix_a_b"));
        case("build_{build}", None, Some("build_418"));
        case("x/{short_sha}", None, Some("x_0123456"));
        case(
            "{sha}",
            None,
            Some("0123456789012345678901234567890123456789"),
        );
        case("{ticket}", None, None);
        case(
            "t-{ticket}",
            Some(Ticket("HOCS-1".to_owned())),
            Some("t-HOCS-1"),
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (template, word) in [
            ("branch-${DRONE_BRANCH}", "${…}"),
            ("a{brunch}", "{brunch}"),
            ("a{branch", "other half"),
            ("a}b", "other half"),
        ] {
            let error = Template::parse(template).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
