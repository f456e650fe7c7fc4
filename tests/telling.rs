//! Who is told what after the verdict, by the real binary: mail to a real server, webhooks, the audit,
//! the comment with the deployment ticket, its file. None of it may change the verdict or the exit code,
//! or show a secret.

mod comment;
mod confidential;
mod hostile;
mod hotfixes;
mod mail;
mod place;
mod ticket;
mod webhooks;

use std::collections::BTreeMap;

use crate::support::binary::{Run, run};
use crate::support::gate::drone_gate;
use crate::support::pipeline::DroneBuild;
use crate::support::registry::TempDir;

/// Every secret that telling needs, by its setting. None of them may be seen anywhere.
const SECRETS: [(&str, &str); 5] = [
    ("webhook_url", "http://{address}/hooks/canary-webhook-part"),
    ("smtp_username", "user@example.org"),
    ("smtp_password", "canary-smtp-password"),
    ("audit_token", "canary-audit-token"),
    ("forge_token", "canary-forge-token"),
];

/// A step in a workspace of its own.
struct World {
    workspace: TempDir,
    /// Stands for `{address}` in secrets and policies.
    address: String,
    /// Whom the policy trusts, in YAML.
    trust: String,
    /// More settings beside the policy, in YAML.
    settings: String,
    /// The names of the secrets that the pipeline hands over.
    secrets: Vec<&'static str>,
}

impl World {
    fn new(address: &str) -> World {
        World {
            workspace: TempDir::new(),
            address: address.to_owned(),
            trust: format!("insecure: [\"{address}\"]"),
            settings: String::new(),
            secrets: Vec::new(),
        }
    }

    fn with_secret(mut self, name: &'static str) -> World {
        self.secrets.push(name);
        self
    }

    fn with_setting(mut self, setting: &str) -> World {
        self.settings.push_str(&format!("{setting}, "));
        self
    }

    fn variables(&self, build: &DroneBuild, policy: &str) -> Vec<(String, String)> {
        let build = build.clone().with(|build| {
            if build.workspace.as_os_str().is_empty() || !build.workspace.exists() {
                build.workspace = self.workspace.path("").into();
            }
        });
        let secrets = self.secrets.iter();
        let secrets: String = secrets
            .map(|name| format!("{name}: {{from_secret: {name}}}, "))
            .collect();
        let policy = policy.replace("{address}", &self.address);
        let gate = drone_gate(&format!(
            "{{{secrets}{}policy: {{tls: {{{}}}, {policy}}}}}",
            self.settings, self.trust
        ));
        let all: BTreeMap<String, String> = SECRETS
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.replace("{address}", &self.address)))
            .collect();
        build.environment(&gate, &[], &all)
    }

    /// Runs the step; nothing that it prints may hold a secret.
    fn judge(&self, build: &DroneBuild, policy: &str) -> Run {
        let run = run(self.variables(build, policy));
        silent(&run.text);
        run
    }
}

/// Nothing secret stands in a text.
#[track_caller]
fn silent(text: &str) {
    assert!(!text.contains("canary"), "{text}");
}

/// What changes from run to run, as something that does not.
fn steady(text: &str, address: &str) -> String {
    let digits = regex::Regex::new("sha256:[0-9a-f]{64}").unwrap();
    let text = match address {
        "" => text.to_owned(),
        address => text.replace(address, "server.example"),
    };
    digits.replace_all(&text, "sha256:DIGEST").into_owned()
}

fn hotfix() -> DroneBuild {
    DroneBuild::push("hotfix/HOCS-1234")
}

/// A hotfix's promotion that is refused: to QA.
fn to_qa() -> DroneBuild {
    DroneBuild::promote(&hotfix(), "cs-qa")
}

/// One that is allowed: to a trial.
fn to_trial() -> DroneBuild {
    DroneBuild::promote(&hotfix(), "cs-demo")
}

/// A policy under which a promotion of a build needs no server.
const NO_SERVER: &str = "rules: {build-passed: \"off\", clean-parameters: \"off\"}";
