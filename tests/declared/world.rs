//! The team and forge of tests/forge, with issues and members of a team.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::forge::world::{HOTFIX, Kind, Pull, REPO, TOKEN, Who, World};
use crate::production::base::masked;
use crate::support::binary::{Run, run};
use crate::support::gate::drone_gate;
use crate::support::openapi::merge;
use crate::support::scripted::Answer;
use crate::support::team::{FIXED, Team, finding, judge};

/// What a rule says about a hotfix whose commits have these messages, without a forge.
#[track_caller]
pub fn said(rule: &str, policy: &str, messages: &[&str]) -> String {
    let run = pushed(policy, messages);
    with_notes(&run, rule)
}

/// What a rule says, and what a rule that passes wants people to know.
pub fn with_notes(run: &Run, rule: &str) -> String {
    let found = finding(run, rule);
    let notes = run.text.lines().filter(|line| line.starts_with("note: "));
    let passed = found.starts_with("passed");
    let lines: Vec<&str> = std::iter::once(found.as_str())
        .chain(notes.filter(|_| passed))
        .collect();
    masked(&lines.join("\n"))
}

/// A push of a hotfix whose commits have these messages.
pub fn pushed(policy: &str, messages: &[&str]) -> Run {
    let team = Team::new();
    team.branch(HOTFIX, "1.0.0");
    for (at, message) in messages.iter().enumerate() {
        match at {
            0 => team.commit("src/app", FIXED, message),
            _ => team.commit(&format!("src/{at}"), "more\n", message),
        };
    }
    team.push(HOTFIX);
    judge(&team.pushed(HOTFIX), policy)
}

/// A team with one pull request and what the forge says beside it.
pub struct Declared {
    pub world: World,
    /// Issues: number, text, open, whether it is a pull request.
    pub issues: Vec<(u64, &'static str, bool, bool)>,
    /// Numbers that are no issue's.
    pub nothing: Vec<u64>,
    /// Whether somebody is in `example/owners`; nothing, if the forge does not say it.
    pub members: Vec<(Who, Option<bool>)>,
}

impl Declared {
    /// The usual pull request with these messages, merged after these changes.
    pub fn new(
        kind: Kind,
        policy: &str,
        messages: &[&str],
        change: impl FnOnce(Pull) -> Pull,
    ) -> Declared {
        let mut declared = Declared::open(kind, policy, messages, change);
        let pull = declared.world.pulls.remove(0);
        let pull = declared.world.merge(pull);
        declared.world.pulls.push(pull);
        declared
    }

    /// The same, not merged.
    pub fn open(
        kind: Kind,
        policy: &str,
        messages: &[&str],
        change: impl FnOnce(Pull) -> Pull,
    ) -> Declared {
        let mut world = World::new(kind);
        let commits: Vec<(String, &str)> = (0..messages.len())
            .map(|at| match at {
                0 => ("src/app".to_owned(), FIXED),
                _ => (format!("src/{at}"), "more\n"),
            })
            .collect();
        let commits: Vec<(&str, &str, &str)> = commits
            .iter()
            .zip(messages)
            .map(|((path, text), message)| (path.as_str(), *text, *message))
            .collect();
        let pull = world.open(7, &commits);
        world.pulls = vec![change(pull)];
        world.policy = format!(", {policy}");
        Declared {
            world,
            issues: Vec::new(),
            nothing: Vec::new(),
            members: Vec::new(),
        }
    }

    pub fn issue(mut self, number: u64, text: &'static str) -> Declared {
        self.issues.push((number, text, true, false));
        self
    }

    /// Judges the push of the merge.
    pub fn pushed(&self) -> Run {
        self.judged(&self.world.team.pushed(HOTFIX))
    }

    /// Judges the pull request itself.
    pub fn requested(&self) -> Run {
        let head = &self.world.pulls[0].branch;
        self.judged(&self.world.team.pull_request(head, HOTFIX))
    }

    pub fn judged(&self, build: &crate::support::pipeline::DroneBuild) -> Run {
        let mut script = self.world.script();
        let kind = self.world.kind;
        for (number, text, open, is_pull) in &self.issues {
            let path = format!("{REPO}/issues/{number}");
            let mut body = kind.description().example("GET", &path, 200);
            let state = if *open { "open" } else { "closed" };
            merge(
                &mut body,
                json!({ "number": number, "title": "It fails", "body": text, "state": state }),
            );
            if let Some(object) = body.as_object_mut() {
                object.remove("pull_request");
            }
            if *is_pull {
                let with = match kind {
                    Kind::GitHub => json!({ "pull_request": {
                        "url": "https://git.example/x", "html_url": "https://git.example/x",
                        "diff_url": "https://git.example/x", "patch_url": "https://git.example/x",
                    } }),
                    Kind::Gitea => json!({ "pull_request": { "merged": false } }),
                };
                merge(&mut body, with);
            }
            let answer = self.world.answer(&path, &body);
            script = script
                .on("GET", &self.world.target(&path, &[]), answer)
                .always();
        }
        for number in &self.nothing {
            let path = format!("{REPO}/issues/{number}");
            let answer = Answer::status(404).json(&json!({ "message": "Not Found" }));
            script = script
                .on("GET", &self.world.target(&path, &[]), answer)
                .always();
        }
        let repository = kind.description().example("GET", REPO, 200);
        let answer = self.world.answer(REPO, &repository);
        script = script
            .on("GET", &self.world.target(REPO, &[]), answer)
            .always();
        if kind == Kind::Gitea {
            let path = "/orgs/example/teams";
            let mut team = kind.description().example("GET", path, 200)[0].clone();
            merge(&mut team, json!({ "id": 5, "name": "owners" }));
            let answer = self.world.answer(path, &Value::Array(vec![team]));
            script = script
                .on("GET", &self.world.first(path, &[]), answer)
                .always();
        }
        if kind == Kind::GitHub {
            let path = "/orgs/example/teams/owners";
            let team = kind.description().example("GET", path, 200);
            let answer = self.world.answer(path, &team);
            script = script
                .on("GET", &self.world.target(path, &[]), answer)
                .always();
        }
        for (who, is) in &self.members {
            let path = match kind {
                Kind::GitHub => format!("/orgs/example/teams/owners/memberships/{}", who.login),
                Kind::Gitea => format!("/teams/5/members/{}", who.login),
            };
            let answer = match is {
                Some(true) => {
                    let mut body = kind.description().example("GET", &path, 200);
                    if kind == Kind::GitHub {
                        merge(&mut body, json!({ "state": "active", "role": "member" }));
                    }
                    self.world.answer(&path, &body)
                }
                Some(false) => Answer::status(404).json(&json!({ "message": "Not Found" })),
                None => Answer::status(403).json(&json!({ "message": "Must be an owner" })),
            };
            script = script
                .on("GET", &self.world.target(&path, &[]), answer)
                .always();
        }
        let server = script.start();
        // Drone withholds secrets from pull requests: the token stands in the file.
        let settings = self.world.settings(&server.address());
        let gate = drone_gate(&settings.replace("{from_secret: f}", TOKEN));
        let run = run(build.environment(&gate, &[], &BTreeMap::new()));
        assert!(!run.text.contains(TOKEN), "{}", run.text);
        server.finish();
        run
    }
}

/// What a rule says of the same on both forges, in the same words.
#[track_caller]
pub fn both(rule: &str, make: impl Fn(Kind) -> Declared) -> String {
    let found = crate::forge::world::BOTH.map(|kind| with_notes(&make(kind).pushed(), rule));
    let [github, gitea] = &found;
    assert_eq!(
        github.replace("GitHub", "FORGE"),
        gitea.replace("Gitea", "FORGE")
    );
    github.clone()
}

/// Texts under headings, for one snapshot.
pub fn listed(all: &[(&str, String)]) -> String {
    let parts: Vec<String> = all
        .iter()
        .map(|(what, text)| format!("## {what}\n{text}"))
        .collect();
    parts.join("\n\n")
}
