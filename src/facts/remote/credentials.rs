//! The credentials that the CI server gives for reading the repository.
//!
//! Drone sets `DRONE_NETRC_*` only for private repositories, and a promotion parameter can bring
//! what it does not set (drone.md §2.2). So they go only to the host that the server itself names in
//! a variable that it always sets: a planted value can only make a read fail, or read the same
//! repository with other rights.

use reqwest::Url;

use crate::ci::Platform;
use crate::environment::{Environment, Reading};
use crate::http::host_and_port;
use crate::secret::{Redactor, Secret};

/// User names that forges write for everybody (drone.md §2.2); the token is the password then.
const NO_SECRETS: [&str; 5] = [
    "oauth2",
    "x-token-auth",
    "x-oauth-basic",
    "x-access-token",
    "git",
];

/// The user name and password that the CI server gives for the host of `remote_url`, which must come
/// from a variable that the server always sets (`DRONE_REMOTE_URL`; Woodpecker: `CI_REPO_CLONE_URL`).
/// With GitHub the user name is the token, so both are told to the redactor.
pub fn credentials(
    environment: &Environment,
    platform: Platform,
    remote_url: &str,
    redactor: &Redactor,
) -> Option<(String, Secret)> {
    let [machine, user, password] = match platform {
        Platform::Drone => [
            "DRONE_NETRC_MACHINE",
            "DRONE_NETRC_USERNAME",
            "DRONE_NETRC_PASSWORD",
        ],
        Platform::Woodpecker => ["CI_NETRC_MACHINE", "CI_NETRC_USERNAME", "CI_NETRC_PASSWORD"],
    };
    for (_, text) in environment
        .values()
        .filter(|(name, _)| [user, password].contains(name))
    {
        if !NO_SECRETS.contains(&text) {
            redactor.add(text);
        }
    }
    // Two values for one name: one of them was planted, and nobody knows which.
    let read = |name| match environment.read(name) {
        Reading::Text(text) => Some(text),
        Reading::Absent => Some(""),
        Reading::Twice | Reading::Broken => None,
    };
    let (machine, user, password) = (read(machine)?, read(user)?, read(password)?);
    if user.is_empty() {
        return None;
    }
    let url = Url::parse(remote_url).ok()?;
    let is_http = matches!(url.scheme(), "https" | "http");
    let host = url.host_str()?;
    let named = [host.to_owned(), host_and_port(&url)]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(machine));
    (is_http && named).then(|| (user.to_owned(), Secret::new(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://git.example/o/r.git";

    fn read(platform: Platform, url: &str, variables: &[(&str, &str)]) -> Option<(String, String)> {
        let redactor = Redactor::default();
        let variables = variables.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        let found = credentials(&Environment::new(variables), platform, url, &redactor)?;
        for text in [&*found.0, found.1.expose()] {
            let hidden = redactor.redact(text) != *text;
            assert_eq!(hidden, !NO_SECRETS.contains(&text), "{text}");
        }
        Some((found.0, found.1.expose().to_owned()))
    }

    fn drone(url: &str, machine: &str) -> bool {
        let variables = [
            ("DRONE_NETRC_MACHINE", machine),
            ("DRONE_NETRC_USERNAME", "correct-horse"),
            ("DRONE_NETRC_PASSWORD", "x-oauth-basic"),
        ];
        read(Platform::Drone, url, &variables).is_some()
    }

    #[test]
    fn they_go_to_the_host_that_both_variables_name() {
        assert!(drone(URL, "git.example"));
        assert!(drone(URL, "GIT.example"));
        assert!(drone("https://git.example:8443/o/r", "git.example"));
        assert!(drone("https://git.example:8443/o/r", "git.example:8443"));
        for machine in [
            "",
            "example",
            "git.example.attacker.example",
            "git.example/",
            "*",
        ] {
            assert!(!drone(URL, machine), "{machine}");
        }
        assert!(!drone("https://attacker.example/o/r.git", "git.example"));
        assert!(!drone(
            "https://git.example@attacker.example/o/r.git",
            "git.example"
        ));
        assert!(!drone("git@git.example:o/r.git", "git.example"));
        assert!(!drone("ssh://git@git.example/o/r.git", "git.example"));
        assert!(!drone("", "git.example"));
    }

    #[test]
    fn each_platform_has_its_own_and_two_values_are_none() {
        let both = [
            ("CI_NETRC_MACHINE", "git.example"),
            ("CI_NETRC_USERNAME", "oauth2"),
            ("CI_NETRC_PASSWORD", "correct-horse"),
        ];
        let expected = Some(("oauth2".to_owned(), "correct-horse".to_owned()));
        assert_eq!(read(Platform::Woodpecker, URL, &both), expected);
        assert_eq!(read(Platform::Drone, URL, &both), None);
        let twice = [&both[..], &[("CI_NETRC_PASSWORD", "planted")]].concat();
        assert_eq!(read(Platform::Woodpecker, URL, &twice), None);
        let machines = [&both[..], &[("CI_NETRC_MACHINE", "other.example")]].concat();
        assert_eq!(read(Platform::Woodpecker, URL, &machines), None);
    }
}
