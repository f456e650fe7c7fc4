//! Where the API of the forge is.

use reqwest::Url;

use crate::ci::Build;
use crate::policy::Policy;
use crate::policy::forge::Kind;

/// The API of the forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What it is.
    pub kind: Kind,
    /// What every path is below.
    pub api: Url,
    /// Where it was taken from: `policy.forge` or a variable.
    pub setting: &'static str,
}

/// Where the forge of the repository is: what the policy says, or the host of the repository's page, if
/// that is github.com or the CI server says what it is. Only the server writes that page's variable
/// (`DRONE_REPO_LINK`, `CI_REPO_URL`).
///
/// # Errors
/// Why nobody can be asked.
pub fn address(policy: &Policy, build: &Build) -> Result<Address, String> {
    if let Some(forge) = &policy.forge
        && let (Some(url), Some(kind)) = (&forge.url, forge.kind)
    {
        return Ok(Address {
            kind,
            api: forge.api.clone().unwrap_or_else(|| api(kind, url)),
            setting: "policy.forge",
        });
    }
    let setting = build.platform.page_variable();
    let missing = || {
        format!("`policy.forge` is not set, and `{setting}` does not say where the repository is")
    };
    let page = build.page.as_deref().ok_or_else(missing)?;
    let page = Url::parse(page).map_err(|_| missing())?;
    let host = page.host_str().unwrap_or_default();
    if page.scheme() != "https" {
        return Err(format!(
            "`policy.forge` is not set, and `{setting}` names `{host}` without https"
        ));
    }
    let kind = match (host, build.forge.as_deref()) {
        ("github.com", _) | (_, Some("github")) => Kind::GitHub,
        (_, Some("gitea" | "forgejo")) => Kind::Gitea,
        (_, Some(other)) => {
            return Err(format!(
                "`{host}` is a forge of the kind `{}`, which cannot be asked; GitHub, Gitea and \
                 Forgejo can",
                crate::facts::shorten(other)
            ));
        }
        (_, None) => {
            return Err(format!(
                "nobody says what kind of forge `{host}` is; if it is GitHub Enterprise, Gitea or \
                 Forgejo, set `policy.forge: {{url: …, kind: …}}`"
            ));
        }
    };
    // What stands before `/owner/name` is where the forge lives.
    let mut base = page.clone();
    let path = page.path().trim_end_matches('/');
    let before = path.strip_suffix(build.repo.as_str());
    base.set_path(before.ok_or_else(missing)?);
    base.set_query(None);
    base.set_fragment(None);
    let user = base.set_username("").and(base.set_password(None));
    user.map_err(|()| missing())?;
    Ok(Address {
        kind,
        api: api(kind, &base),
        setting,
    })
}

/// Where a forge has its API: GitHub, «Getting started with the REST API»; GitHub Enterprise Server below
/// `/api/v3`, GitHub Enterprise Cloud with data residency at `api.NAME.ghe.com`; Gitea and Forgejo below
/// `/api/v1`.
fn api(kind: Kind, base: &Url) -> Url {
    let mut api = base.clone();
    let host = base.host_str().unwrap_or_default();
    match kind {
        Kind::GitHub if host == "github.com" || host.ends_with(".ghe.com") => {
            // The host parses, so this cannot fail; if it did, the answer would be no API's.
            api.set_host(Some(&format!("api.{host}"))).ok();
            api.set_path("/");
        }
        Kind::GitHub => below(&mut api, "v3"),
        Kind::Gitea => below(&mut api, "v1"),
    }
    api
}

fn below(url: &mut Url, version: &str) {
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["api", version]);
    }
}
