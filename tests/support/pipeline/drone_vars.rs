//! The variables that a Drone runner derives from a build, its repository and its stage:
//! drone/runner-go environ/environ.go and clone/environ.go, and the runner's own of
//! drone-runners/drone-runner-docker engine/compiler/compiler.go. Empty ones are in the lists:
//! they displace what has a lower rank before they are dropped.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{DroneBuild, version};

/// When the builds of the tests were created and started. What has not ended yet "finished" now.
const CREATED: u64 = 1_700_000_000;

impl DroneBuild {
    pub fn system_and_repo(&self) -> Vec<(String, String)> {
        let (owner, name) = self.slug.split_once('/').expect("owner and name");
        let usual = format!("https://git.example/{}.git", self.slug);
        let http = self.remote.clone().unwrap_or(usual);
        let ssh = format!("git@git.example:{}.git", self.slug);
        let link = format!("https://git.example/{}", self.slug);
        let visibility = if self.private { "private" } else { "public" };
        let private = self.private.to_string();
        owned([
            ("CI", "true"),
            ("DRONE", "true"),
            ("DRONE_SYSTEM_PROTO", "https"),
            ("DRONE_SYSTEM_HOST", &self.host),
            ("DRONE_SYSTEM_HOSTNAME", &self.host),
            ("DRONE_SYSTEM_VERSION", "2.26.0"),
            ("DRONE_REPO", &self.slug),
            // The server never fills this one in, but no parameter gets past it.
            ("DRONE_REPO_SCM", ""),
            ("DRONE_REPO_OWNER", owner),
            ("DRONE_REPO_NAMESPACE", owner),
            ("DRONE_REPO_NAME", name),
            ("DRONE_REPO_LINK", &link),
            ("DRONE_REPO_BRANCH", &self.default_branch),
            ("DRONE_REMOTE_URL", &http),
            ("DRONE_GIT_HTTP_URL", &http),
            ("DRONE_GIT_SSH_URL", &ssh),
            ("DRONE_REPO_VISIBILITY", visibility),
            ("DRONE_REPO_PRIVATE", &private),
            ("CI_REPO", &self.slug),
            ("CI_REPO_NAME", &self.slug),
            ("CI_REPO_LINK", &link),
            ("CI_REPO_REMOTE", &http),
            ("CI_REMOTE_URL", &http),
            ("CI_REPO_PRIVATE", &private),
        ])
    }

    pub fn build(&self) -> Vec<(String, String)> {
        let (number, parent) = (self.number.to_string(), self.parent.to_string());
        let (created, finished) = (CREATED.to_string(), now());
        let failing = !self.failed_stages.is_empty();
        let email = format!("{}@git.example", self.author);
        let avatar = format!("https://git.example/avatars/{}", self.author);
        let mut env = owned([
            ("DRONE_BRANCH", self.branch.as_str()),
            ("DRONE_SOURCE_BRANCH", &self.source),
            ("DRONE_TARGET_BRANCH", &self.branch),
            ("DRONE_COMMIT", &self.sha),
            ("DRONE_COMMIT_SHA", &self.sha),
            ("DRONE_COMMIT_BEFORE", &self.before),
            ("DRONE_COMMIT_AFTER", &self.sha),
            ("DRONE_COMMIT_REF", &self.git_ref),
            ("DRONE_COMMIT_BRANCH", &self.branch),
            ("DRONE_COMMIT_LINK", &self.link),
            ("DRONE_COMMIT_MESSAGE", &self.message),
            ("DRONE_COMMIT_AUTHOR", &self.author),
            ("DRONE_COMMIT_AUTHOR_EMAIL", &email),
            ("DRONE_COMMIT_AUTHOR_AVATAR", &avatar),
            ("DRONE_COMMIT_AUTHOR_NAME", &self.author),
            ("DRONE_BUILD_NUMBER", &number),
            ("DRONE_BUILD_PARENT", &parent),
            ("DRONE_BUILD_EVENT", &self.event),
            ("DRONE_BUILD_ACTION", &self.action),
            (
                "DRONE_BUILD_STATUS",
                if failing { "failure" } else { "success" },
            ),
            ("DRONE_BUILD_DEBUG", "false"),
            ("DRONE_BUILD_CREATED", &created),
            ("DRONE_BUILD_STARTED", &created),
            ("DRONE_BUILD_FINISHED", &finished),
            ("DRONE_DEPLOY_TO", &self.deploy_to),
            ("DRONE_DEPLOY_ID", "0"),
            ("DRONE_BUILD_TRIGGER", &self.trigger),
            ("CI_BUILD_NUMBER", &number),
            ("CI_PARENT_BUILD_NUMBER", &parent),
            ("CI_BUILD_CREATED", &created),
            ("CI_BUILD_STARTED", &created),
            ("CI_BUILD_FINISHED", "0"),
            ("CI_BUILD_STATUS", "running"),
            ("CI_BUILD_EVENT", &self.event),
            ("CI_BUILD_LINK", &self.link),
            ("CI_BUILD_TARGET", &self.deploy_to),
            ("CI_COMMIT_SHA", &self.sha),
            ("CI_COMMIT_REF", &self.git_ref),
            ("CI_COMMIT_BRANCH", &self.branch),
            ("CI_COMMIT_MESSAGE", &self.message),
            ("CI_COMMIT_AUTHOR", &self.author),
            ("CI_COMMIT_AUTHOR_NAME", &self.author),
            ("CI_COMMIT_AUTHOR_EMAIL", &email),
            ("CI_COMMIT_AUTHOR_AVATAR", &avatar),
        ]);
        if failing {
            env.extend(owned([(
                "DRONE_FAILED_STAGES",
                &self.failed_stages.join(","),
            )]));
        }
        if self.event == "pull_request" {
            let digits = |c: &char| c.is_ascii_digit();
            let from = self
                .git_ref
                .trim_start_matches(|c: char| !c.is_ascii_digit());
            let number: String = from.chars().take_while(digits).collect();
            env.extend(owned([
                ("DRONE_PULL_REQUEST", &number),
                ("DRONE_PULL_REQUEST_TITLE", &self.title),
            ]));
        }
        if let Some(tag) = self.git_ref.strip_prefix("refs/tags/") {
            env.extend(owned([("DRONE_TAG", tag)]));
            env.extend(version::semver(tag));
            env.extend(version::calver(tag));
        }
        env
    }

    pub fn stage(&self) -> Vec<(String, String)> {
        let failing = !self.failed_steps.is_empty();
        let mut env = owned([
            ("DRONE_STAGE_KIND", "pipeline"),
            ("DRONE_STAGE_TYPE", "docker"),
            ("DRONE_STAGE_NAME", &self.stage_name),
            ("DRONE_STAGE_NUMBER", "1"),
            ("DRONE_STAGE_MACHINE", "runner.example"),
            ("DRONE_STAGE_OS", "linux"),
            ("DRONE_STAGE_ARCH", "amd64"),
            ("DRONE_STAGE_VARIANT", ""),
            ("DRONE_STAGE_VERSION", "3"),
            (
                "DRONE_STAGE_STATUS",
                if failing { "failure" } else { "success" },
            ),
            ("DRONE_STAGE_STARTED", &CREATED.to_string()),
            ("DRONE_STAGE_FINISHED", &now()),
            ("DRONE_STAGE_DEPENDS_ON", &self.stage_depends_on.join(",")),
            ("DRONE_CARD_PATH", "/dev/stdout"),
        ]);
        if failing {
            env.extend(owned([(
                "DRONE_FAILED_STEPS",
                &self.failed_steps.join(","),
            )]));
        }
        env
    }

    /// The link, git, the workspace and the git credentials.
    pub fn runner(&self) -> Vec<(String, String)> {
        let link = format!("https://{}/{}/{}", self.host, self.slug, self.number);
        let workspace = self.workspace.to_str().expect("a path that is text");
        let email = format!("{}@git.example", self.author);
        let mut env = owned([
            ("DRONE_BUILD_LINK", link.as_str()),
            ("GIT_AUTHOR_NAME", &self.author),
            ("GIT_AUTHOR_EMAIL", &email),
            ("GIT_COMMITTER_NAME", &self.author),
            ("GIT_COMMITTER_EMAIL", &email),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("DRONE_DOCKER_NETWORK_ID", "drone-exampleexampleexampl"),
            ("DRONE_DOCKER_VOLUME_ID", "drone-exampleexampleexampm"),
            ("DRONE_WORKSPACE", workspace),
            ("DRONE_WORKSPACE_BASE", workspace),
            ("DRONE_WORKSPACE_PATH", ""),
        ]);
        if self.private && !self.netrc_clone_only {
            env.extend(owned([
                ("DRONE_NETRC_MACHINE", "git.example"),
                ("DRONE_NETRC_USERNAME", "example-oauth-token"),
                ("DRONE_NETRC_PASSWORD", "x-oauth-basic"),
                (
                    "DRONE_NETRC_FILE",
                    "machine git.example login example-oauth-token password x-oauth-basic",
                ),
            ]));
        }
        env
    }
}

fn now() -> String {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time after 1970")
        .as_secs()
        .to_string()
}

fn owned<const N: usize, S: AsRef<str>>(pairs: [(&str, S); N]) -> Vec<(String, String)> {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.as_ref().to_owned()))
        .collect()
}
