//! A team whose pull requests a scripted forge knows.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::binary::{Run, run};
use crate::support::gate::{drone_gate, woodpecker_gate};
use crate::support::git::command;
use crate::support::openapi::{Description, merge};
use crate::support::pipeline::{DroneBuild, WoodpeckerBuild};
use crate::support::scripted::{Answer, Script};
use crate::support::team::{FIXED, Team};

pub const HOTFIX: &str = "hotfix/HOCS-1";
pub const REPO: &str = "/repos/example/service";
pub const TOKEN: &str = "canary-forge-token";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    GitHub,
    Gitea,
}

pub const BOTH: [Kind; 2] = [Kind::GitHub, Kind::Gitea];

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::GitHub => "github",
            Kind::Gitea => "gitea",
        }
    }

    pub fn below(self) -> &'static str {
        match self {
            Kind::GitHub => "/api/v3",
            Kind::Gitea => "/api/v1",
        }
    }

    pub fn description(self) -> Description {
        match self {
            Kind::GitHub => Description::github(),
            Kind::Gitea => Description::gitea(),
        }
    }

    fn base(self) -> &'static str {
        match self {
            Kind::GitHub => "base",
            Kind::Gitea => "base_branch",
        }
    }
}

/// An account.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    pub id: i64,
    pub login: &'static str,
    pub kind: &'static str,
}

const fn person(id: i64, login: &'static str) -> Who {
    let kind = "User";
    Who { id, login, kind }
}

pub const ANN: Who = person(1, "ann");
pub const BOB: Who = person(2, "bob");
pub const CID: Who = person(3, "cid");
pub const BOT: Who = Who {
    id: 9,
    login: "checker[bot]",
    kind: "Bot",
};

/// A review: who, the state in GitHub's words, of which commit.
#[derive(Clone, Debug)]
pub struct Review {
    pub by: Option<Who>,
    pub state: &'static str,
    pub commit: String,
    pub at: u32,
    /// Whether they belong to the repository.
    pub member: bool,
}

#[derive(Clone, Debug)]
pub struct Commit {
    pub id: String,
    pub message: String,
    pub author: Option<Who>,
    /// Who committed it, if not its author.
    pub committer: Option<Who>,
    pub merge: bool,
    pub name: String,
    pub address: String,
}

/// A pull request, as the forge keeps it.
#[derive(Clone, Debug)]
pub struct Pull {
    pub number: u64,
    pub title: String,
    pub text: String,
    pub base: String,
    pub branch: String,
    pub head: String,
    pub merged: Option<String>,
    pub author: Option<Who>,
    pub draft: bool,
    pub labels: Vec<String>,
    pub commits: Vec<Commit>,
    pub reviews: Vec<Review>,
}

impl Pull {
    pub fn review(mut self, by: Who, state: &'static str) -> Pull {
        let commit = self.head.clone();
        let at = u32::try_from(self.reviews.len()).unwrap();
        self.reviews.push(Review {
            by: Some(by),
            state,
            commit,
            at,
            member: true,
        });
        self
    }

    /// The last review is by somebody who has nothing to do with the repository.
    pub fn of_a_stranger(mut self) -> Pull {
        self.reviews.last_mut().unwrap().member = false;
        self
    }

    pub fn approved(self) -> Pull {
        self.review(BOB, "APPROVED")
    }
}

/// A repository and its forge.
pub struct World {
    pub team: Team,
    pub kind: Kind,
    pub pulls: Vec<Pull>,
    /// Keys of the policy beside `forge`, `tls` and `timeout`.
    pub policy: String,
    /// Where merged pull requests went that brought a commit: commit, number, base.
    pub elsewhere: Vec<(String, u64, String)>,
    /// The numbers of those who may write though GitHub shows them as strangers.
    pub writers: Vec<i64>,
}

impl World {
    /// The hotfix branch at 1.0.0, with nothing on it.
    pub fn new(kind: Kind) -> World {
        let team = Team::new();
        team.branch(HOTFIX, "1.0.0");
        World {
            team,
            kind,
            pulls: Vec::new(),
            policy: String::new(),
            elsewhere: Vec::new(),
            writers: Vec::new(),
        }
    }

    /// A pull request with these commits off the hotfix branch: path, content, message. The developer
    /// stands on its branch then.
    pub fn open(&self, number: u64, commits: &[(&str, &str, &str)]) -> Pull {
        let branch = format!("HOCS-1-{number}");
        self.team.branch(&branch, HOTFIX);
        let mut pull = Pull {
            number,
            title: format!("Mend it, part {number}"),
            text: "What it does.".to_owned(),
            base: HOTFIX.to_owned(),
            branch: branch.clone(),
            head: String::new(),
            merged: None,
            author: Some(ANN),
            draft: false,
            labels: Vec::new(),
            commits: Vec::new(),
            reviews: Vec::new(),
        };
        for (path, text, message) in commits {
            let id = self.team.commit(path, text, message);
            pull.commits.push(Commit {
                id,
                message: (*message).to_owned(),
                author: Some(ANN),
                committer: None,
                merge: false,
                name: "Ann".to_owned(),
                address: "ann@example.com".to_owned(),
            });
        }
        self.team.push(&branch);
        pull.head = self.team.head();
        pull
    }

    /// The usual pull request: one commit.
    pub fn usual(&self, number: u64) -> Pull {
        self.open(number, &[("src/app", FIXED, "HOCS-1 mend two")])
    }

    /// Merges with a merge commit.
    pub fn merge(&self, mut pull: Pull) -> Pull {
        self.team.switch(HOTFIX);
        let message = format!("Merge pull request #{}", pull.number);
        self.team
            .git(&["merge", "--quiet", "--no-ff", "-m", &message, &pull.branch]);
        self.team.push(HOTFIX);
        pull.merged = Some(self.team.head());
        pull
    }

    /// Merges as one commit.
    pub fn squash(&self, mut pull: Pull) -> Pull {
        self.team.switch(HOTFIX);
        self.team
            .git(&["merge", "--quiet", "--squash", &pull.branch]);
        let message = format!("{} (#{})", pull.title, pull.number);
        self.team.git(&["commit", "--quiet", "-m", &message]);
        self.team.push(HOTFIX);
        pull.merged = Some(self.team.head());
        pull
    }

    /// Merges as copies of its commits, made by somebody else.
    pub fn rebase(&self, mut pull: Pull) -> Pull {
        self.team.switch(HOTFIX);
        for commit in &pull.commits {
            let pick = ["cherry-pick", commit.id.as_str()];
            let mut git = command(&self.team.dev(), &pick);
            git.env("GIT_COMMITTER_NAME", "forge");
            assert!(git.output().unwrap().status.success());
        }
        self.team.push(HOTFIX);
        pull.merged = Some(self.team.head());
        pull
    }

    /// A commit that nobody reviews.
    pub fn direct(&self, path: &str, text: &str, message: &str) -> String {
        self.team.switch(HOTFIX);
        let id = self.team.commit(path, text, message);
        self.team.push(HOTFIX);
        id
    }

    pub fn target(&self, path: &str, query: &[(&str, &str)]) -> String {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let query: Vec<(String, String)> = query.iter().map(owned).collect();
        self.kind.description().request("GET", path, &query, None);
        let pairs: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{name}={}", value.replace('/', "%2F")))
            .collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("{}{path}{mark}{}", self.kind.below(), pairs.join("&"))
    }

    /// The target of the first page of a list.
    pub fn first(&self, path: &str, query: &[(&str, &str)]) -> String {
        let size: (&str, &str) = match self.kind {
            Kind::GitHub => ("per_page", "100"),
            Kind::Gitea => ("limit", "50"),
        };
        self.target(path, &[query, &[size, ("page", "1")]].concat())
    }

    pub fn merged_list(&self) -> String {
        let query = [("state", "closed"), (self.kind.base(), HOTFIX)];
        self.first(&format!("{REPO}/pulls"), &query)
    }

    pub fn open_list(&self) -> String {
        let query = [("state", "open"), (self.kind.base(), "main")];
        self.first(&format!("{REPO}/pulls"), &query)
    }

    /// An answer that the forge itself describes so.
    pub fn answer(&self, path: &str, body: &Value) -> Answer {
        self.kind.description().answer("GET", path, 200, body);
        let answer = Answer::status(200).json(body);
        match (self.kind, body.as_array()) {
            (Kind::Gitea, Some(list)) => answer.header("X-Total-Count", &list.len().to_string()),
            _ => answer,
        }
    }

    /// A page of a list that does not say how long the list is.
    pub fn answer_plain(&self, path: &str, page: Vec<Value>) -> Answer {
        let body = Value::Array(page);
        self.kind.description().answer("GET", path, 200, &body);
        Answer::status(200).json(&body)
    }

    pub fn clone_pull(&self, at: usize) -> Pull {
        self.pulls[at].clone()
    }

    fn list(&self, script: Script, path: &str, query: &[(&str, &str)], body: Vec<Value>) -> Script {
        let target = self.first(path, query);
        let answer = self.answer(path, &Value::Array(body));
        script
            .on("GET", &target, answer)
            .always()
            .with_header("Authorization", &format!("Bearer {TOKEN}"))
    }

    /// Everything that the forge can be asked about its pull requests.
    pub fn script(&self) -> Script {
        let pulls = format!("{REPO}/pulls");
        let of = |state: bool, base: &str| -> Vec<Value> {
            let all = self.pulls.iter().filter(|pull| {
                let closed = pull.merged.is_some();
                closed == state && pull.base == base
            });
            all.map(|pull| self.pull(pull)).collect()
        };
        let base = self.kind.base();
        let mut script = self.list(
            Script::new(),
            &pulls,
            &[("state", "closed"), (base, HOTFIX)],
            of(true, HOTFIX),
        );
        script = self.list(
            script,
            &pulls,
            &[("state", "open"), (base, "main")],
            of(false, "main"),
        );
        for pull in &self.pulls {
            let path = format!("{pulls}/{}", pull.number);
            let answer = self.answer(&path, &self.pull(pull));
            script = script.on("GET", &self.target(&path, &[]), answer).always();
            let mut commits: Vec<Value> = pull.commits.iter().map(|one| self.commit(one)).collect();
            if self.kind == Kind::Gitea {
                commits.reverse();
            }
            script = self.list(script, &format!("{path}/commits"), &[], commits);
            let strangers = pull.reviews.iter().filter(|one| !one.member);
            for who in strangers.filter_map(|one| one.by) {
                if self.kind == Kind::GitHub {
                    let path = format!("{REPO}/collaborators/{}/permission", who.login);
                    let mut body = self.kind.description().example("GET", &path, 200);
                    let may = match self.writers.contains(&who.id) {
                        true => "write",
                        false => "read",
                    };
                    merge(&mut body, json!({ "permission": may }));
                    let answer = self.answer(&path, &body);
                    script = script.on("GET", &self.target(&path, &[]), answer).always();
                }
            }
            let reviews = pull.reviews.iter().map(|one| self.review(one)).collect();
            script = self.list(script, &format!("{path}/reviews"), &[], reviews);
        }
        self.came_by(script)
    }

    /// Each commit of the hotfix branch by itself.
    fn came_by(&self, mut script: Script) -> Script {
        let range = format!("1.0.0..{HOTFIX}");
        for id in self.team.git(&["rev-list", &range]).lines() {
            let other = self.elsewhere.iter().find(|(commit, ..)| commit == id);
            let found = other.map(|(commit, number, base)| {
                let mut pull = self.pulls[0].clone();
                pull.number = *number;
                pull.base.clone_from(base);
                pull.merged = Some(commit.clone());
                self.pull(&pull)
            });
            script = match self.kind {
                Kind::GitHub => {
                    let path = format!("{REPO}/commits/{id}/pulls");
                    self.list(script, &path, &[], found.into_iter().collect())
                }
                Kind::Gitea => {
                    let path = format!("{REPO}/commits/{id}/pull");
                    let answer = match found {
                        Some(found) => self.answer(&path, &found),
                        None => Answer::status(404).json(&json!({ "message": "not found" })),
                    };
                    script.on("GET", &self.target(&path, &[]), answer).always()
                }
            };
        }
        script
    }

    fn user(&self, who: Who) -> Value {
        let mut user = self.kind.description().example("GET", "/user", 200);
        let with = match self.kind {
            Kind::GitHub => json!({ "id": who.id, "login": who.login, "type": who.kind }),
            Kind::Gitea => json!({ "id": who.id, "login": who.login }),
        };
        merge(&mut user, with);
        user
    }

    fn somebody(&self, who: Option<Who>) -> Value {
        match (who, self.kind) {
            (Some(who), _) => self.user(who),
            (None, Kind::GitHub) => Value::Null,
            (None, Kind::Gitea) => self.user(person(-1, "Ghost")),
        }
    }

    pub fn pull(&self, pull: &Pull) -> Value {
        let path = format!("{REPO}/pulls/{}", pull.number);
        let mut body = self.kind.description().example("GET", &path, 200);
        let label = |name: &String| {
            json!({ "id": 1, "node_id": "x", "name": name, "color": "ff0000", "default": false,
                    "url": "https://forge.example/", "description": "A label." })
        };
        let merged = pull.merged.is_some();
        let number = pull.number;
        merge(
            &mut body,
            json!({
                "number": number,
                "title": pull.title,
                "body": pull.text,
                "html_url": format!("https://git.example/example/service/pulls/{number}"),
                "state": if merged { "closed" } else { "open" },
                "draft": pull.draft,
                "user": self.somebody(pull.author),
                "labels": pull.labels.iter().map(label).collect::<Vec<_>>(),
                "head": { "ref": pull.branch, "sha": pull.head },
                "base": { "ref": pull.base },
                "merged_at": merged.then_some("2026-01-05T10:00:00Z"),
                // GitHub shows the commit that it tries, too.
                "merge_commit_sha": pull.merged.clone().or_else(|| match self.kind {
                    Kind::GitHub => Some("f".repeat(40)),
                    Kind::Gitea => None,
                }),
            }),
        );
        body
    }

    pub fn commit(&self, commit: &Commit) -> Value {
        let path = format!("{REPO}/pulls/1/commits");
        let mut body = self.kind.description().example("GET", &path, 200)[0].clone();
        let account = |who: Option<Who>| who.map_or(Value::Null, |who| self.user(who));
        let parent = json!({ "sha": "e".repeat(40), "url": "https://forge.example/commit" });
        let parents = vec![parent; if commit.merge { 2 } else { 1 }];
        let person = json!({
            "name": commit.name, "email": commit.address, "date": "2026-01-05T08:00:00Z",
        });
        merge(
            &mut body,
            json!({
                "sha": commit.id,
                "author": account(commit.author),
                "committer": account(commit.committer.or(commit.author)),
                "parents": parents,
                "commit": { "message": commit.message, "author": person },
            }),
        );
        body
    }

    pub fn review(&self, review: &Review) -> Value {
        let path = format!("{REPO}/pulls/1/reviews");
        let mut body = self.kind.description().example("GET", &path, 200)[0].clone();
        let dismissed = review.state == "DISMISSED";
        let state = match (self.kind, review.state) {
            (Kind::GitHub, state) => state,
            (Kind::Gitea, "CHANGES_REQUESTED") => "REQUEST_CHANGES",
            (Kind::Gitea, "COMMENTED") => "COMMENT",
            (Kind::Gitea, "DISMISSED") => "APPROVED",
            (Kind::Gitea, state) => state,
        };
        let mut with = json!({
            "user": self.somebody(review.by),
            "state": state,
            "commit_id": review.commit,
            "submitted_at": format!("2026-01-05T{:02}:{:02}:00Z", 9 + review.at / 60, review.at % 60),
        });
        if self.kind == Kind::Gitea {
            let official = review.member && !dismissed;
            merge(
                &mut with,
                json!({ "dismissed": dismissed, "official": official }),
            );
        } else {
            let association = if review.member { "MEMBER" } else { "NONE" };
            merge(&mut with, json!({ "author_association": association }));
        }
        merge(&mut body, with);
        body
    }

    /// Judges a push of what the hotfix branch has now.
    pub fn pushed(&self) -> Run {
        self.judge(&self.team.pushed(HOTFIX))
    }

    pub fn judge(&self, build: &DroneBuild) -> Run {
        let server = self.script().start();
        let run = self.judge_at(build, &server.address());
        server.finish();
        run
    }

    /// Judges with another forge at this address.
    pub fn judge_at(&self, build: &DroneBuild, address: &str) -> Run {
        let secrets = BTreeMap::from([("f".to_owned(), TOKEN.to_owned())]);
        let gate = drone_gate(&self.settings(address));
        let run = run(build.environment(&gate, &[], &secrets));
        assert!(!run.text.contains(TOKEN), "{}", run.text);
        run
    }

    /// The same by Woodpecker, with this checkout.
    pub fn judge_woodpecker(&self, build: &WoodpeckerBuild, checkout: &Path) -> Run {
        let server = self.script().start();
        let secrets = BTreeMap::from([("f".to_owned(), TOKEN.to_owned())]);
        let gate = woodpecker_gate(&self.settings(&server.address()));
        let mut variables = build.environment(&gate, &secrets).expect("it compiles");
        for (name, value) in &mut variables {
            match name.as_str() {
                "CI_WORKSPACE" => *value = checkout.display().to_string(),
                "CI_REPO_CLONE_URL" => *value = self.team.origin().display().to_string(),
                _ => {}
            }
        }
        let run = run(variables);
        server.finish();
        run
    }

    pub fn settings(&self, address: &str) -> String {
        format!(
            "{{forge_token: {{from_secret: f}}, log_level: debug, policy: {{forge: {{url: \
             \"http://{address}\", kind: {}}}, tls: {{insecure: [\"{address}\"]}}, timeout: 60s{}}}}}",
            self.kind.word(),
            self.policy
        )
    }
}
