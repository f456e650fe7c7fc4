//! `policy.forge`: where the pull requests, reviews and issues of the repository are.

use reqwest::Url;

use super::read::{self, Table};
use super::running::server;
use super::tree::Node;
use crate::http::Trust;
use crate::problem::Problem;

/// What speaks the API of a forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// GitHub, and GitHub Enterprise.
    GitHub,
    /// Gitea, and Forgejo.
    Gitea,
}

impl Kind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::Gitea => "Gitea",
        }
    }
}

/// A forge, as the policy names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forge {
    /// Its address, as people see it in a browser; without one, the CI server's word counts.
    pub url: Option<Url>,
    /// What it is, where the policy says so.
    pub kind: Option<Kind>,
    /// Where its API is, if that is not where it is by default.
    pub api: Option<Url>,
    /// Logins of programs that the forge shows as people.
    pub bots: Vec<String>,
}

/// Reads the key: an address, or a map of `url`, `kind`, `api` and `bots`.
pub(super) fn read(
    policy: &Table<'_>,
    trust: &Trust,
    problems: &mut Vec<Problem>,
) -> Option<Forge> {
    const EXAMPLE: &str = "https://git.example";
    let at = policy.at("forge");
    let node = policy.get("forge")?;
    let Node::Map(_) = node else {
        let url = server(policy, "forge", EXAMPLE, trust, problems)?;
        if url.host_str() != Some("github.com") {
            problems.push(
                Problem::new(
                    at,
                    format!("`{url}`, and nobody says what kind of forge that is"),
                    "`{url: …, kind: github}` or `{url: …, kind: gitea}`",
                )
                .next("GitHub Enterprise is `github`, Forgejo is `gitea`; others cannot be asked"),
            );
            return None;
        }
        return Some(Forge {
            url: Some(url),
            kind: Some(Kind::GitHub),
            api: None,
            bots: Vec::new(),
        });
    };
    let table = Table::read(&at, node, &["url", "kind", "api", "bots"], problems);
    let before = problems.len();
    let url = server(&table, "url", EXAMPLE, trust, problems);
    let api = server(&table, "api", "https://git.example/api/v1", trust, problems);
    let kind = table.get("kind").and_then(|node| {
        let at = table.at("kind");
        let text = read::text(&at, node, problems)?;
        let expected = "`github` (also GitHub Enterprise) or `gitea` (also Forgejo)";
        read::parsed(&at, text, expected, problems, |text| match text {
            "github" => Ok(Kind::GitHub),
            "gitea" => Ok(Kind::Gitea),
            _ => Err(String::new()),
        })
    });
    let is_github = url.as_ref().and_then(Url::host_str) == Some("github.com");
    if url.is_some() && !is_github && table.get("kind").is_none() {
        problems.push(
            Problem::new(table.at("kind"), "nothing", "`github` or `gitea`")
                .next("only of github.com is it known without being said"),
        );
    }
    if table.get("url").is_none() && (table.get("kind").is_some() || table.get("api").is_some()) {
        problems.push(Problem::new(
            table.at("url"),
            "nothing",
            "the address that `kind` and `api` belong to",
        ));
    }
    let bots = table.list("bots", problems).unwrap_or_default();
    (problems.len() == before).then_some(Forge {
        kind: kind.or(is_github.then_some(Kind::GitHub)),
        url,
        api,
        bots,
    })
}
