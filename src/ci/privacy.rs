//! Who may see the repository and its builds, as the CI server says with every build.

/// What the server says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privacy {
    /// Whether the repository is private at the forge (`DRONE_REPO_PRIVATE`, `CI_REPO_PRIVATE`): `true`
    /// or `false`.
    pub private: Option<String>,
    /// Who may see its builds at the Drone server (`DRONE_REPO_VISIBILITY`): `public`, `private` or
    /// `internal`. Woodpecker does not say.
    pub visibility: Option<String>,
}

/// Who may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Only those who were let in.
    Private,
    /// Everybody sees the repository.
    Public,
    /// The repository is private, and everybody sees its builds and their logs.
    PublicBuilds,
    /// The repository is private, and everybody who can log in sees its builds and their logs.
    InternalBuilds,
    /// The server does not say, or says what nobody knows.
    NotSaid,
}

impl Privacy {
    /// Who may see it. Only a clear word for private counts as private.
    pub fn seen(&self) -> Seen {
        let word = |text: &Option<String>| text.as_deref().map(str::to_ascii_lowercase);
        match (
            word(&self.private).as_deref(),
            word(&self.visibility).as_deref(),
        ) {
            (Some("false"), _) => Seen::Public,
            (Some("true"), Some("private") | None) => Seen::Private,
            (Some("true"), Some("public")) => Seen::PublicBuilds,
            (Some("true"), Some("internal")) => Seen::InternalBuilds,
            (None, Some("public")) => Seen::Public,
            _ => Seen::NotSaid,
        }
    }
}
