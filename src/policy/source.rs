//! `policy.source`: where the image to publish lies.

use std::path::PathBuf;

use crate::hotfix::template::{Part, Template, Values};
use crate::registry::Target;
use crate::registry::local::Form;
use crate::registry::reference::{Digest, Repository, is_tag};

/// Where the image to publish lies. Every text may hold the fields of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a registry.
    Registry {
        /// The repository; `None` is `policy.repo`.
        repository: Option<Repository>,
        /// The image in it.
        name: Name,
    },
    /// In files of the workspace.
    Files {
        /// What they are.
        form: Form,
        /// The folder or file.
        path: Template,
        /// Which of several images.
        reference: Option<Template>,
    },
}

/// An image within a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// Under a tag that the build gave it.
    Tag(Template),
    /// Under a digest.
    Digest(Digest),
}

/// A source with the values of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a repository; `None` is `policy.repo`.
    Registry(Option<Repository>, Target),
    /// In files.
    Files {
        /// What they are.
        form: Form,
        /// The folder or file, as it is called in the policy: within the workspace unless it is
        /// absolute.
        path: PathBuf,
        /// Which of several images.
        reference: Option<String>,
        /// The whole, as people know it.
        text: String,
    },
}

const FORMS: [(&str, Form); 3] = [
    ("oci:", Form::Layout),
    ("oci-archive:", Form::LayoutArchive),
    ("docker-archive:", Form::DockerArchive),
];

/// Places that other tools know and that need a program or a daemon.
const ELSEWHERE: [&str; 6] = [
    "docker-daemon:",
    "containers-storage:",
    "docker:",
    "dir:",
    "ocidir:",
    "tarball:",
];

impl Source {
    /// Reads a source. `repo` may be written once more in front of a tag or digest.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str, repo: Option<&Repository>) -> Result<Self, String> {
        if let Some((kind, form)) = FORMS.iter().find(|(kind, _)| text.starts_with(kind)) {
            return files(*form, &text[kind.len()..]);
        }
        if let Some(other) = ELSEWHERE.iter().find(|kind| text.starts_with(**kind)) {
            return Err(format!(
                "`{other}` is not read here; save the image as `oci:DIR`, `oci-archive:FILE` or \
                 `docker-archive:FILE`"
            ));
        }
        let Some((host, _)) = text.split_once('/') else {
            return Ok(Self::Registry {
                repository: None,
                name: name(text)?,
            });
        };
        let (place, inner) = match text.split_once('@') {
            Some((_, digest)) if Digest::parse(digest).is_none() => {
                return Err(format!("`{digest}` is no digest"));
            }
            Some((place, digest)) => (untagged(place), digest),
            None => match text.rsplit_once(':') {
                Some((place, tag)) if !tag.contains('/') => (place, tag),
                _ => return Err("a repository without a tag or digest".to_owned()),
            },
        };
        let repository = Repository::parse(place).ok_or_else(|| {
            if host.contains(['.', ':']) || host == "localhost" {
                format!("`{place}` is no repository")
            } else {
                "it names no host; images of Docker Hub are `docker.io/…`".to_owned()
            }
        })?;
        let name = name(inner)?;
        Ok(Self::Registry {
            repository: (Some(&repository) != repo).then_some(repository),
            name,
        })
    }

    /// The source of a build; `None` if it needs a ticket and there is none, or makes no tag.
    pub fn place(&self, values: Values<'_>) -> Option<Place> {
        Some(match self {
            Self::Registry { repository, name } => {
                let target = match name {
                    Name::Digest(digest) => Target::Digest(digest.clone()),
                    Name::Tag(template) => {
                        Target::Tag(template.render(values).filter(|tag| is_tag(tag))?)
                    }
                };
                Place::Registry(repository.clone(), target)
            }
            Self::Files {
                form,
                path,
                reference,
            } => {
                let path = path.render_path(values)?;
                let reference = match reference {
                    Some(reference) => Some(reference.render_path(values)?),
                    None => None,
                };
                let kind = FORMS.iter().find(|(_, known)| known == form);
                let mut text = format!("{}{path}", kind.map_or("", |(kind, _)| kind));
                if let Some(reference) = &reference {
                    text.push_str(&format!(":{reference}"));
                }
                Place::Files {
                    form: *form,
                    path: path.into(),
                    reference,
                    text,
                }
            }
        })
    }
}

/// A tag beside a digest says nothing: the digest wins, as everywhere.
fn untagged(place: &str) -> &str {
    match place.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') && name.contains('/') => name,
        _ => place,
    }
}

fn name(text: &str) -> Result<Name, String> {
    if let Some(digest) = Digest::parse(text) {
        return Ok(Name::Digest(digest));
    }
    let template = Template::parse(text)?;
    let literal = |part: &Part| match part {
        Part::Literal(text) => is_tag(&format!("x{text}")),
        Part::Field(_) => true,
    };
    if template.parts().is_empty() || !template.parts().iter().all(literal) {
        return Err("a tag cannot contain these characters".to_owned());
    }
    Ok(Name::Tag(template))
}

fn files(form: Form, rest: &str) -> Result<Source, String> {
    let (path, reference) = match rest.split_once(':') {
        Some((path, reference)) => (path, Some(reference)),
        None => (rest, None),
    };
    if path.is_empty() || rest.contains(char::is_control) {
        return Err("it names no file".to_owned());
    }
    if path.split('/').any(|part| part == "..") {
        return Err("a path with `..`; write where it leads".to_owned());
    }
    if reference.is_some_and(str::is_empty) {
        return Err("nothing behind the last `:`".to_owned());
    }
    Ok(Source::Files {
        form,
        path: Template::parse(path)?,
        reference: reference.map(Template::parse).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Source, String> {
        let repo = Repository::parse("quay.io/example/app").unwrap();
        Source::parse(text, Some(&repo))
    }

    fn tag(text: &str) -> Name {
        Name::Tag(Template::parse(text).unwrap())
    }

    #[track_caller]
    fn in_registry(text: &str, repository: Option<&str>, name: Name) {
        let repository = repository.map(|text| Repository::parse(text).unwrap());
        assert_eq!(parse(text), Ok(Source::Registry { repository, name }));
    }

    #[test]
    fn sources_in_registries() {
        let hex = format!("sha256:{}", "a".repeat(64));
        let digest = || Name::Digest(Digest::parse(&hex).unwrap());
        in_registry("build_{build}", None, tag("build_{build}"));
        in_registry(&hex, None, digest());
        in_registry("quay.io/example/app:1", None, tag("1"));
        in_registry(&format!("quay.io/example/app@{hex}"), None, digest());
        in_registry(
            "quay.io/other/app:b-{sha}",
            Some("quay.io/other/app"),
            tag("b-{sha}"),
        );
        let port = "registry.example:5000/app";
        in_registry(&format!("{port}:1"), Some(port), tag("1"));
        in_registry(&format!("{port}:1@{hex}"), Some(port), digest());
        in_registry(&format!("{port}@{hex}"), Some(port), digest());
        in_registry("docker.io/app:1", Some("docker.io/library/app"), tag("1"));
    }

    #[test]
    fn sources_in_files() {
        let file = |form, path: &str, reference: Option<&str>| {
            Ok(Source::Files {
                form,
                path: Template::parse(path).unwrap(),
                reference: reference.map(|text| Template::parse(text).unwrap()),
            })
        };
        assert_eq!(parse("oci:out"), file(Form::Layout, "out", None));
        assert_eq!(
            parse("oci:/out/{branch}:1"),
            file(Form::Layout, "/out/{branch}", Some("1"))
        );
        assert_eq!(
            parse("oci-archive:a.tar"),
            file(Form::LayoutArchive, "a.tar", None)
        );
        assert_eq!(
            parse("docker-archive:a.tar:quay.io/a/b:1"),
            file(Form::DockerArchive, "a.tar", Some("quay.io/a/b:1"))
        );
    }

    #[test]
    fn what_is_no_source_says_why() {
        for (text, word) in [
            ("", "a tag cannot contain"),
            ("a b", "a tag cannot contain"),
            ("quay.io/other/app", "without a tag or digest"),
            ("registry.example:5000/app", "without a tag or digest"),
            ("other/app:1", "docker.io/"),
            ("quay.io/Other:1", "no repository"),
            ("quay.io/other/app@sha256:abc", "no digest"),
            ("quay.io/other/app@1", "no digest"),
            ("docker-daemon:app:1", "docker-archive:FILE"),
            ("docker://quay.io/a/b:1", "not read here"),
            ("oci:", "names no file"),
            ("oci:../out", "write where it leads"),
            ("oci-archive:a.tar:", "nothing behind"),
            ("oci:${X}", "replaced by Drone"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
