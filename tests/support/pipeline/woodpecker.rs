//! Pipelines of a Woodpecker server and the environment of their steps, after
//! woodpecker-ci/woodpecker: values of each event server/api/pipeline.go,
//! server/pipeline/restart.go, server/cron/cron.go and server/forge/github/parse.go; variables
//! pipeline/frontend/metadata/{environment,drone_compatibility}.go; order of the merge
//! pipeline/frontend/builder/builder.go, pipeline/frontend/yaml/compiler/convert.go,
//! agent/runner.go and pipeline/runtime/step.go.

use std::collections::BTreeMap;

use super::{Step, encode::woodpecker_params, woodpecker_settings};

const CREATED: u64 = 1_700_000_000;
const SERVER: &str = "https://woodpecker.example";

/// A pipeline (Woodpecker's word for a build) and its repository.
#[derive(Clone, Debug)]
pub struct WoodpeckerBuild {
    pub event: String,
    pub number: u64,
    pub parent: u64,
    pub slug: String,
    pub default_branch: String,
    pub sha: String,
    pub git_ref: String,
    /// For a pull request the branch that it goes to.
    pub branch: String,
    /// `source:target` of a pull request.
    pub refspec: String,
    pub deploy_to: String,
    pub deploy_task: String,
    pub reruns: u64,
    pub author: String,
    pub message: String,
    pub forge_url: String,
    pub release_title: String,
    pub prerelease: bool,
    pub status: String,
    /// Query parameters of the API call: variables of all steps, below the server's own.
    pub params: Vec<(String, String)>,
    /// Variables of a manual or cron pipeline: only for steps that are no plugins, above the
    /// server's.
    pub variables: Vec<(String, String)>,
    /// The pipeline before this one on the branch.
    pub previous: Option<Box<WoodpeckerBuild>>,
    pub private: bool,
    /// Whether the repository is trusted with security, which hands the git credentials to all
    /// steps.
    pub trusted: bool,
}

impl WoodpeckerBuild {
    fn new(event: &str, git_ref: String, branch: &str) -> Self {
        WoodpeckerBuild {
            event: event.into(),
            number: 418,
            parent: 0,
            slug: "example/service".into(),
            default_branch: "main".into(),
            sha: "0123456789abcdef0123456789abcdef01234567".into(),
            git_ref,
            branch: branch.into(),
            refspec: String::new(),
            deploy_to: String::new(),
            deploy_task: String::new(),
            reruns: 0,
            author: "example".into(),
            message: "an example".into(),
            forge_url: "https://git.example/example/service/commit/0123456".into(),
            release_title: String::new(),
            prerelease: false,
            status: "pending".into(),
            params: Vec::new(),
            variables: Vec::new(),
            previous: None,
            private: false,
            trusted: false,
        }
    }

    pub fn push(branch: &str) -> Self {
        Self::new("push", format!("refs/heads/{branch}"), branch)
    }

    pub fn pull_request(number: u64, head: &str, base: &str) -> Self {
        WoodpeckerBuild {
            refspec: format!("{head}:{base}"),
            forge_url: format!("https://git.example/example/service/pull/{number}"),
            ..Self::new("pull_request", format!("refs/pull/{number}/head"), base)
        }
    }

    pub fn manual(branch: &str) -> Self {
        WoodpeckerBuild {
            message: format!("MANUAL PIPELINE @ {branch}"),
            ..Self::new("manual", format!("refs/heads/{branch}"), branch)
        }
    }

    /// A deployment by the API: a restart of the parent with another event, so that even the author
    /// is the parent's.
    pub fn deployment(parent: &WoodpeckerBuild, target: &str) -> Self {
        WoodpeckerBuild {
            event: "deployment".into(),
            number: parent.number + 1,
            parent: parent.number,
            deploy_to: target.into(),
            reruns: parent.reruns + 1,
            status: "pending".into(),
            params: Vec::new(),
            previous: Some(Box::new(WoodpeckerBuild {
                status: "success".into(),
                ..parent.clone()
            })),
            ..parent.clone()
        }
    }

    /// Without the branch that some forges tell with a tag: then the ref stands in its place.
    pub fn tag(name: &str) -> Self {
        let git_ref = format!("refs/tags/{name}");
        Self::new("tag", git_ref.clone(), &git_ref)
    }

    pub fn release(tag: &str) -> Self {
        WoodpeckerBuild {
            release_title: tag.into(),
            ..Self::new("release", format!("refs/tags/{tag}"), "main")
        }
    }

    pub fn cron(branch: &str) -> Self {
        let build = Self::new("cron", format!("refs/heads/{branch}"), branch);
        WoodpeckerBuild {
            author: String::new(),
            message: String::new(),
            ..build
        }
    }

    /// A query parameter of the API call.
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }

    /// Any other change.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The environment of a step's container, or why the pipeline does not compile.
    pub fn environment(
        &self,
        step: &Step,
        secrets: &BTreeMap<String, String>,
    ) -> Result<Vec<(String, String)>, String> {
        let mut env: BTreeMap<String, String> = self.params.iter().cloned().collect();
        env.extend(self.metadata());
        if !step.is_plugin() {
            env.extend(self.variables.iter().cloned());
        }
        env.insert(
            "CI_WORKSPACE".into(),
            format!("/woodpecker/src/git.example/{}", self.slug),
        );
        env.extend(woodpecker_settings(&step.settings, secrets)?);
        env.extend(woodpecker_params(
            &step.environment,
            secrets,
            &str::to_owned,
        )?);
        if self.private && self.trusted {
            let netrc = [
                ("CI_NETRC_MACHINE", "git.example"),
                ("CI_NETRC_USERNAME", "example-oauth-token"),
                ("CI_NETRC_PASSWORD", "x-oauth-basic"),
            ];
            env.extend(netrc.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        // From here on the agent adds to it.
        env.insert("CI_MACHINE".into(), "agent.example".into());
        env.insert("CI_SYSTEM_PLATFORM".into(), "linux/amd64".into());
        if step.is_plugin() {
            compatibility(&mut env);
        }
        env.insert("CI_PIPELINE_STATUS".into(), "success".into());
        env.insert("CI_PIPELINE_STARTED".into(), CREATED.to_string());
        env.insert("CI_STEP_STARTED".into(), CREATED.to_string());
        env.insert(
            "CI_STEP_TYPE".into(),
            if step.is_plugin() {
                "plugin"
            } else {
                "commands"
            }
            .into(),
        );
        env.insert("CI_STEP_NAME".into(), step.name.clone());
        env.remove("");
        Ok(env.into_iter().collect())
    }

    /// The `CI_*` variables. What would be empty is not set.
    fn metadata(&self) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        let mut set = |name: &str, value: &str| {
            if !value.is_empty() {
                env.insert(name.to_owned(), value.to_owned());
            }
        };
        let (owner, name) = self.slug.split_once('/').expect("owner and name");
        let repository = format!("https://git.example/{}", self.slug);
        let trusted = self.trusted.to_string();
        set("CI", "woodpecker");
        set("CI_SYSTEM_NAME", "woodpecker");
        set("CI_SYSTEM_URL", SERVER);
        set("CI_SYSTEM_HOST", "woodpecker.example");
        set("CI_SYSTEM_VERSION", "3.13.0");
        set("CI_FORGE_TYPE", "github");
        set("CI_FORGE_URL", "https://git.example");
        set("CI_REPO", &self.slug);
        set("CI_REPO_NAME", name);
        set("CI_REPO_OWNER", owner);
        set("CI_REPO_REMOTE_ID", "1");
        set("CI_REPO_URL", &repository);
        set("CI_REPO_CLONE_URL", &format!("{repository}.git"));
        set(
            "CI_REPO_CLONE_SSH_URL",
            &format!("git@git.example:{}.git", self.slug),
        );
        set("CI_REPO_DEFAULT_BRANCH", &self.default_branch);
        set("CI_REPO_PRIVATE", &self.private.to_string());
        set("CI_REPO_TRUSTED_NETWORK", "false");
        set("CI_REPO_TRUSTED_VOLUMES", "false");
        set("CI_REPO_TRUSTED_SECURITY", &trusted);
        set("CI_REPO_TRUSTED", "false");

        set(
            "CI_PIPELINE_RERUNS",
            &if self.reruns > 0 {
                self.reruns.to_string()
            } else {
                String::new()
            },
        );
        set("CI_PIPELINE_FILES", "[]");
        set("CI_WORKFLOW_NAME", "example");
        set("CI_WORKFLOW_NUMBER", "1");
        // The number of the step is never filled in; its name comes later.
        set("CI_STEP_NUMBER", "0");
        set("CI_STEP_URL", &url(self.number));
        set(
            "CI_COMMIT_TAG",
            self.git_ref.strip_prefix("refs/tags/").unwrap_or_default(),
        );
        if self.event == "release" {
            set("CI_PIPELINE_RELEASE_TITLE", &self.release_title);
            set("CI_PIPELINE_RELEASE_PRE", &self.prerelease.to_string());
            set("CI_COMMIT_PRERELEASE", &self.prerelease.to_string());
        }
        if self.event.starts_with("pull_request") {
            let digits = self
                .git_ref
                .trim_start_matches(|c: char| !c.is_ascii_digit());
            set(
                "CI_COMMIT_PULL_REQUEST",
                digits
                    .split(|c: char| !c.is_ascii_digit())
                    .next()
                    .unwrap_or_default(),
            );
            set("CI_COMMIT_PULL_REQUEST_DRAFT", "false");
        }
        self.pipeline("", &mut set);
        match &self.previous {
            Some(previous) => {
                // The parent of the previous pipeline is not passed on.
                WoodpeckerBuild {
                    parent: 0,
                    ..*previous.clone()
                }
                .pipeline("PREV_", &mut set);
                set("CI_PREV_PIPELINE_STATUS", &previous.status);
                set("CI_PREV_COMMIT_URL", &previous.forge_url);
                set("CI_PREV_PIPELINE_FINISHED", &CREATED.to_string());
            }
            None => {
                set("CI_PREV_PIPELINE_URL", &url(0));
                for number in ["NUMBER", "PARENT", "CREATED", "STARTED", "FINISHED"] {
                    set(&format!("CI_PREV_PIPELINE_{number}"), "0");
                }
                set("CI_PREV_COMMIT_TIMESTAMP", "0");
            }
        }
        env
    }

    /// The variables that a pipeline and the one before it have in common.
    fn pipeline(&self, previous: &str, set: &mut dyn FnMut(&str, &str)) {
        let avatar = format!("https://git.example/avatars/{}", self.author);
        let avatar = if self.author.is_empty() { "" } else { &avatar };
        let mut pipeline =
            |name: &str, value: &str| set(&format!("CI_{previous}PIPELINE_{name}"), value);
        pipeline("NUMBER", &self.number.to_string());
        pipeline("PARENT", &self.parent.to_string());
        pipeline("EVENT", &self.event);
        pipeline("URL", &url(self.number));
        pipeline("FORGE_URL", &self.forge_url);
        pipeline("DEPLOY_TARGET", &self.deploy_to);
        pipeline("DEPLOY_TASK", &self.deploy_task);
        pipeline("CREATED", &CREATED.to_string());
        // A pipeline that is being compiled has not started.
        pipeline(
            "STARTED",
            &if previous.is_empty() { 0 } else { CREATED }.to_string(),
        );
        pipeline("AUTHOR", &self.author);
        pipeline("AVATAR", avatar);
        let mut commit =
            |name: &str, value: &str| set(&format!("CI_{previous}COMMIT_{name}"), value);
        commit("SHA", &self.sha);
        commit("REF", &self.git_ref);
        commit("REFSPEC", &self.refspec);
        commit("MESSAGE", &self.message);
        commit("BRANCH", &self.branch);
        commit("TIMESTAMP", &CREATED.to_string());
        commit("AUTHOR", &self.author);
        commit(
            "AUTHOR_EMAIL",
            &if self.author.is_empty() {
                String::new()
            } else {
                format!("{}@git.example", self.author)
            },
        );
        commit("AUTHOR_AVATAR", avatar);
        if let (true, Some((source, target))) = (
            self.event.starts_with("pull_request"),
            self.refspec.split_once(':'),
        ) {
            commit("SOURCE_BRANCH", source);
            commit("TARGET_BRANCH", target);
        }
    }
}

/// The id of the repository is 1.
fn url(number: u64) -> String {
    format!("{SERVER}/repos/1/pipeline/{number}")
}

/// The variables that Drone's plugins ask for, copied from Woodpecker's.
fn compatibility(env: &mut BTreeMap<String, String>) {
    for (woodpecker, drone) in [
        ("CI_COMMIT_BRANCH", "DRONE_BRANCH"),
        ("CI_COMMIT_PULL_REQUEST", "DRONE_PULL_REQUEST"),
        ("CI_COMMIT_PULL_REQUEST", "PULLREQUEST_DRONE_PULL_REQUEST"),
        ("CI_COMMIT_TAG", "DRONE_TAG"),
        ("CI_COMMIT_SOURCE_BRANCH", "DRONE_SOURCE_BRANCH"),
        ("CI_COMMIT_TARGET_BRANCH", "DRONE_TARGET_BRANCH"),
        ("CI_PIPELINE_NUMBER", "DRONE_BUILD_NUMBER"),
        ("CI_PIPELINE_PARENT", "DRONE_BUILD_PARENT"),
        ("CI_PIPELINE_EVENT", "DRONE_BUILD_EVENT"),
        ("CI_PIPELINE_URL", "DRONE_BUILD_LINK"),
        ("CI_PIPELINE_CREATED", "DRONE_BUILD_CREATED"),
        ("CI_PIPELINE_STARTED", "DRONE_BUILD_STARTED"),
        ("CI_COMMIT_SHA", "DRONE_COMMIT"),
        ("CI_COMMIT_SHA", "DRONE_COMMIT_SHA"),
        ("CI_PREV_COMMIT_SHA", "DRONE_COMMIT_BEFORE"),
        ("CI_COMMIT_REF", "DRONE_COMMIT_REF"),
        ("CI_COMMIT_BRANCH", "DRONE_COMMIT_BRANCH"),
        ("CI_PIPELINE_FORGE_URL", "DRONE_COMMIT_LINK"),
        ("CI_COMMIT_MESSAGE", "DRONE_COMMIT_MESSAGE"),
        ("CI_COMMIT_AUTHOR", "DRONE_COMMIT_AUTHOR"),
        ("CI_COMMIT_AUTHOR", "DRONE_COMMIT_AUTHOR_NAME"),
        ("CI_COMMIT_AUTHOR_EMAIL", "DRONE_COMMIT_AUTHOR_EMAIL"),
        ("CI_PIPELINE_AVATAR", "DRONE_COMMIT_AUTHOR_AVATAR"),
        ("CI_REPO", "DRONE_REPO"),
        ("CI_REPO_OWNER", "DRONE_REPO_OWNER"),
        ("CI_REPO_NAME", "DRONE_REPO_NAME"),
        ("CI_REPO_URL", "DRONE_REPO_LINK"),
        ("CI_REPO_DEFAULT_BRANCH", "DRONE_REPO_BRANCH"),
        ("CI_REPO_PRIVATE", "DRONE_REPO_PRIVATE"),
        ("CI_REPO_CLONE_URL", "DRONE_REMOTE_URL"),
        ("CI_REPO_CLONE_URL", "DRONE_GIT_HTTP_URL"),
        ("CI_SYSTEM_HOST", "DRONE_SYSTEM_HOST"),
        ("CI_STEP_NUMBER", "DRONE_STEP_NUMBER"),
    ] {
        if let Some(value) = env.get(woodpecker).cloned() {
            env.insert(drone.into(), value);
        }
    }
    env.insert("DRONE_BUILD_STATUS".into(), "success".into());
    env.insert("DRONE_REPO_SCM".into(), "git".into());
    if env
        .get("CI_COMMIT_PULL_REQUEST")
        .is_none_or(String::is_empty)
    {
        env.insert("PULLREQUEST_DRONE_PULL_REQUEST".into(), "0".into());
    }
}
