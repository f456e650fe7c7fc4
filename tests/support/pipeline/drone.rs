//! Builds of a Drone server and the environment of their steps. The values of each event are
//! those of harness/drone (branch `drone`) service/hook/parser/parse.go,
//! handler/api/repos/builds/*.go and trigger/cron/cron.go; the variables those of drone/runner-go
//! environ/environ.go; the order in which they are merged that of
//! drone-runners/drone-runner-docker engine/compiler/compiler.go and engine/convert.go with
//! drone/runner-go pipeline/runtime/execer.go.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Encoded, Pipeline, Step, drone_settings, encode::secret_name};
use crate::support::yaml::Node;

/// A build, its repository and its stage, as the server hands them to a runner.
#[derive(Clone, Debug)]
pub struct DroneBuild {
    pub event: String,
    pub action: String,
    pub number: u64,
    pub parent: u64,
    pub slug: String,
    /// Where the repository is cloned from, if not from the forge of the slug.
    pub remote: Option<String>,
    pub default_branch: String,
    pub sha: String,
    pub before: String,
    pub git_ref: String,
    /// Build.Target: the branch that a pull request goes to, else the branch itself.
    pub branch: String,
    /// Build.Source.
    pub source: String,
    pub deploy_to: String,
    /// A login, `@hook` or `@cron`.
    pub trigger: String,
    pub title: String,
    pub message: String,
    pub author: String,
    pub link: String,
    pub cron: String,
    pub params: Vec<(String, String)>,
    pub private: bool,
    pub workspace: PathBuf,
    pub host: String,
    pub stage_name: String,
    pub stage_depends_on: Vec<String>,
    /// Stages and steps that have failed before this step.
    pub failed_stages: Vec<String>,
    pub failed_steps: Vec<String>,
    /// The runner's own variables, unmasked (rank 1 of the merge), and its proxies.
    pub runner_env: Vec<(String, String)>,
    pub proxies: Vec<(String, String)>,
    /// `DRONE_NETRC_CLONE_ONLY`: no git credentials outside of the clone step.
    pub netrc_clone_only: bool,
    /// Whether the secrets may go to pull requests.
    pub pull_request_secrets: bool,
}

impl DroneBuild {
    fn new(event: &str, git_ref: String, source: &str, branch: &str) -> Self {
        DroneBuild {
            remote: None,
            event: event.into(),
            action: String::new(),
            number: 418,
            parent: 0,
            slug: "example/service".into(),
            default_branch: "main".into(),
            sha: "0123456789abcdef0123456789abcdef01234567".into(),
            before: "fedcba9876543210fedcba9876543210fedcba98".into(),
            git_ref,
            branch: branch.into(),
            source: source.into(),
            deploy_to: String::new(),
            trigger: "@hook".into(),
            title: String::new(),
            message: "an example".into(),
            author: "example".into(),
            link: "https://git.example/example/service/commit/0123456".into(),
            cron: String::new(),
            params: Vec::new(),
            private: false,
            workspace: "/drone/src".into(),
            host: "drone.example".into(),
            stage_name: "default".into(),
            stage_depends_on: Vec::new(),
            failed_stages: Vec::new(),
            failed_steps: Vec::new(),
            runner_env: Vec::new(),
            proxies: Vec::new(),
            netrc_clone_only: false,
            pull_request_secrets: false,
        }
    }

    pub fn push(branch: &str) -> Self {
        Self::new("push", format!("refs/heads/{branch}"), branch, branch)
    }

    pub fn pull_request(number: u64, head: &str, base: &str) -> Self {
        DroneBuild {
            action: "opened".into(),
            title: "an example".into(),
            link: format!("https://git.example/example/service/pull/{number}"),
            ..Self::new(
                "pull_request",
                format!("refs/pull/{number}/head"),
                head,
                base,
            )
        }
    }

    /// Without the branch that some forges tell with a tag.
    pub fn tag(name: &str) -> Self {
        Self::new("tag", format!("refs/tags/{name}"), "", "")
    }

    pub fn cron(branch: &str) -> Self {
        DroneBuild {
            before: String::new(),
            trigger: "@cron".into(),
            cron: "nightly".into(),
            ..Self::new("cron", format!("refs/heads/{branch}"), "", branch)
        }
    }

    pub fn custom(branch: &str) -> Self {
        let build = Self::new("custom", format!("refs/heads/{branch}"), branch, branch);
        DroneBuild {
            before: build.sha.clone(),
            trigger: "example".into(),
            ..build
        }
    }

    /// A promotion: all but the event, the target and the numbers is the parent's, its parameters
    /// included.
    pub fn promote(parent: &DroneBuild, target: &str) -> Self {
        DroneBuild {
            event: "promote".into(),
            number: parent.number + 1,
            parent: parent.number,
            deploy_to: target.into(),
            trigger: "example".into(),
            failed_stages: Vec::new(),
            failed_steps: Vec::new(),
            ..parent.clone()
        }
    }

    pub fn rollback(parent: &DroneBuild, target: &str) -> Self {
        DroneBuild {
            event: "rollback".into(),
            ..Self::promote(parent, target)
        }
    }

    /// A restart keeps event and target; its parent is the restarted build.
    pub fn restart(build: &DroneBuild) -> Self {
        let target = build.deploy_to.clone();
        DroneBuild {
            event: build.event.clone(),
            ..Self::promote(build, &target)
        }
    }

    /// A deployment that GitHub announces: a promotion without a parent. Its reference is what
    /// the caller of GitHub's API gave (a branch, a tag or the full sha), and the ref is guessed
    /// from it.
    pub fn github_deployment(reference: &str, target: &str) -> Self {
        let tag = regex::Regex::new(r"^v?\d+.(.+)").expect("a pattern");
        let build = Self::new("promote", String::new(), reference, reference);
        let git_ref = match reference {
            sha if sha == build.sha => String::new(),
            name if tag.is_match(name) => format!("refs/tags/{name}"),
            name => format!("refs/heads/{name}"),
        };
        let branch = if git_ref.is_empty() { "" } else { reference };
        let (source, branch) = (branch.into(), branch.into());
        DroneBuild {
            git_ref,
            source,
            branch,
            before: String::new(),
            deploy_to: target.into(),
            ..build
        }
    }

    /// A parameter of the API call, which replaces an inherited one.
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.params.retain(|(known, _)| known != name);
        self.params.push((name.into(), value.into()));
        self
    }

    /// Any other change.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The environment of a pipeline's step.
    pub fn run(
        &self,
        pipeline: &Pipeline,
        step: &str,
        secrets: &BTreeMap<String, String>,
    ) -> Vec<(String, String)> {
        let mut build = self.clone();
        build.stage_name.clone_from(&pipeline.name);
        build.stage_depends_on.clone_from(&pipeline.depends_on);
        build.environment(pipeline.step(step), &pipeline.environment, secrets)
    }

    /// The environment of a step's container, in the order of the list that Docker gets: first what
    /// is plain (sorted here; Go's order is random), then the secrets, so that a name can be there
    /// twice. A secret that is missing or withheld is present and empty.
    pub fn environment(
        &self,
        step: &Step,
        pipeline_env: &[(String, Node)],
        secrets: &BTreeMap<String, String>,
    ) -> Vec<(String, String)> {
        let mut env: BTreeMap<String, String> = BTreeMap::new();
        env.extend(self.runner_env.iter().cloned());
        env.extend(self.params.iter().cloned());
        for (name, value) in pipeline_env {
            env.insert(name.clone(), value.as_str().unwrap_or_default().into());
        }
        env.extend(self.proxies.iter().cloned());
        env.extend(self.system_and_repo());
        env.extend(self.build());
        env.extend(self.stage());
        env.extend(self.runner());

        let mut secret_names = Vec::new();
        for (name, value) in &step.environment {
            let secret = secret_name(value).filter(|secret| !secret.trim().is_empty());
            match (value, secret) {
                (_, Some(secret)) => secret_names.push((name.clone(), secret.to_owned())),
                (Node::Null, None) => {}
                (value, None) => {
                    let text = value
                        .as_str()
                        .or_else(|| value.get("value").and_then(Node::as_str));
                    env.insert(name.clone(), text.unwrap_or_default().into());
                }
            }
        }
        let Encoded {
            env: settings,
            secrets: secret_settings,
            empty,
        } = drone_settings(&step.settings);
        env.extend(empty.into_iter().map(|name| (name, String::new())));
        env.extend(settings);
        secret_names.extend(secret_settings);
        if !step.commands.is_empty() {
            // The runner's script also prints each command before it runs.
            env.insert("DRONE_SCRIPT".into(), step.commands.join("\n"));
        }

        // At the start of the step these are set once more, and so beat the step's own environment.
        env.extend(self.build());
        env.extend(self.stage());
        env.insert("DRONE_STEP_NAME".into(), step.name.clone());
        env.insert("DRONE_STEP_NUMBER".into(), step.number.to_string());

        let mut list: Vec<_> = env
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        for (name, secret) in secret_names {
            list.push((name, self.secret(&secret, secrets)));
        }
        list
    }

    fn secret(&self, name: &str, secrets: &BTreeMap<String, String>) -> String {
        if self.event == "pull_request" && !self.pull_request_secrets {
            return String::new();
        }
        let mut known = secrets
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        known
            .next()
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    }
}
