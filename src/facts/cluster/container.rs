//! Which container of a workload is the service's, and what its image is called.

use super::super::running::{Deployed, Likeness, Unanswered, likeness};
use super::object::{Container, PodSpec};
use super::{Question, SHOWN};
use crate::facts::shorten;
use crate::registry::reference::{Digest, Version};

/// The container of the service, and whether its image is the service's because the policy says so.
pub(super) struct Chosen<'a> {
    pub(super) container: &'a Container,
    pub(super) named: bool,
}

impl Question<'_> {
    /// Finds the container of the service. Init containers are none: they have ended.
    pub(super) fn choose<'t>(&self, template: &'t PodSpec) -> Result<Chosen<'t>, Unanswered> {
        let containers = &template.containers;
        if let Some(name) = &self.workload.container {
            let found = containers.iter().find(|container| container.name == *name);
            return found
                .map(|container| Chosen {
                    container,
                    named: true,
                })
                .ok_or_else(|| {
                    let inits = template.init_containers.as_deref().unwrap_or_default();
                    let init = inits.iter().any(|container| container.name == *name);
                    let why = if init {
                        format!("`{name}` is an init container of it")
                    } else {
                        format!("it has no container `{name}`")
                    };
                    self.no_container(&why, containers)
                });
        }
        let Some(repo) = self.repo else {
            return match &containers[..] {
                [container] => Ok(Chosen {
                    container,
                    named: false,
                }),
                _ => Err(self.no_container("which container is meant is not said", containers)),
            };
        };
        let alike = |wanted: Likeness| -> Vec<&Container> {
            let all = containers.iter();
            all.filter(|container| {
                let name = Image::parse(&container.image).map(|image| image.name);
                name.is_some_and(|name| likeness(&name, repo) == Some(wanted))
            })
            .collect()
        };
        let mut found = alike(Likeness::Same);
        // One word at the end of a path says too little.
        let path = repo.path();
        let path = path.strip_prefix("library/").unwrap_or(path);
        if found.is_empty() && path.contains('/') {
            found = alike(Likeness::End);
        }
        match found[..] {
            [container] => Ok(Chosen {
                container,
                named: false,
            }),
            [] => {
                let why = format!("no container of it has an image of `{}`", repo.path());
                Err(self.no_container(&why, containers))
            }
            _ => {
                let why = format!("several containers of it have images of `{}`", repo.path());
                Err(self.no_container(&why, containers))
            }
        }
    }

    fn no_container(&self, why: &str, containers: &[Container]) -> Unanswered {
        let shown = containers.iter().take(SHOWN).map(|container| {
            format!(
                "`{}` ({})",
                shorten(&container.name),
                shorten(&container.image)
            )
        });
        let shown: Vec<String> = shown.collect();
        let more = if containers.len() > SHOWN { " …" } else { "" };
        let at = self.endpoint.setting.trim_end_matches(".kube");
        Unanswered::new(
            format!("{why}; its containers are {}{more}", shown.join(", ")),
            false,
            format!("name the service's container as `{at}.container`"),
        )
    }

    /// An image of the chosen container.
    pub(super) fn deployed(
        &self,
        chosen: &Chosen<'_>,
        image: &str,
    ) -> Result<Deployed, Unanswered> {
        let read = Image::parse(image)
            .ok_or_else(|| self.garbled(format!("`{}` is no image reference", shorten(image))))?;
        Ok(Deployed {
            text: image.to_owned(),
            name: Some(read.name).filter(|_| !chosen.named),
            tag: read.tag,
            digest: read.digest,
            since: None,
            commit: None,
            build: None,
            branch: None,
            runs: false,
        })
    }
}

/// An image as a container names it. Unlike a version it always names a repository; without tag and
/// digest it is `latest`.
struct Image {
    name: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Image {
    fn parse(text: &str) -> Option<Self> {
        let last = text.rsplit('/').next().unwrap_or(text);
        let whole = if last.contains([':', '@']) {
            text.to_owned()
        } else {
            format!("{text}:latest")
        };
        match Version::parse(&whole)? {
            Version::Reference { name, tag, digest } => Some(Self { name, tag, digest }),
            Version::Tag(_) | Version::Digest(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_name_a_repository() {
        let hex = "a".repeat(64);
        let parts = |text: &str| {
            let image = Image::parse(text)?;
            Some((image.name, image.tag, image.digest.is_some()))
        };
        let some = |name: &str, tag: Option<&str>, digest| {
            Some((name.to_owned(), tag.map(str::to_owned), digest))
        };
        assert_eq!(parts("service"), some("service", Some("latest"), false));
        assert_eq!(
            parts("localhost:5000/a/b"),
            some("localhost:5000/a/b", Some("latest"), false)
        );
        assert_eq!(parts("a/b:1"), some("a/b", Some("1"), false));
        assert_eq!(
            parts(&format!("quay.io/a/b:1@sha256:{hex}")),
            some("quay.io/a/b", Some("1"), true)
        );
        assert_eq!(
            parts(&format!("quay.io/a/b@sha256:{hex}")),
            some("quay.io/a/b", None, true)
        );
        for wrong in ["", "a b", &format!("sha256:{hex}"), "a@sha256:1", "A/:x"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
