//! A team with a repository: a server's bare repository, a developer's clone, and the checkouts that
//! Drone's clone step makes of it (drone-git `posix/clone-*`, drone.md §7).

use std::path::{Path, PathBuf};

use super::binary::{Run, run};
use super::gate::drone_environment;
use super::git::git;
use super::pipeline::DroneBuild;
use super::registry::TempDir;

pub struct Team {
    directory: TempDir,
}

/// The pipeline file of the team: one gate, and nothing that gets past it.
pub const PIPELINE: &str = "kind: pipeline\ntype: docker\nname: default\n\nsteps:\n- name: hotfix\n  \
    image: drone-hotfix\n  settings:\n    policy: {}\n- name: deploy\n  image: example/deploy\n  \
    commands: [deploy]\n";

impl Team {
    /// A repository with the releases 1.0.0 and 1.1.0 on `main`, and one commit after them.
    pub fn new() -> Team {
        let team = Team {
            directory: TempDir::new(),
        };
        std::fs::create_dir_all(team.origin()).unwrap();
        git(
            &team.origin(),
            &["init", "--quiet", "--bare", "--initial-branch=main"],
        );
        std::fs::create_dir(team.dev()).unwrap();
        team.git(&["init", "--quiet", "--initial-branch=main"]);
        let origin = team.origin();
        team.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
        team.commit(".drone.yml", PIPELINE, "Begin");
        team.commit("src/app", "one\ntwo\nthree\nfour\nfive\nsix\n", "Write it");
        team.release("1.0.0");
        team.commit("docs", "read me\n", "Say what it is");
        team.release("v1.1.0");
        team.commit("src/next", "not yet released\n", "Begin the next release");
        team.push("main");
        team
    }

    /// The repository on the server.
    pub fn origin(&self) -> PathBuf {
        PathBuf::from(self.directory.path("origin.git"))
    }

    /// The developer's clone.
    pub fn dev(&self) -> PathBuf {
        PathBuf::from(self.directory.path("dev"))
    }

    /// Runs `git` in the developer's clone.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.dev(), arguments)
    }

    /// Commits a file with this content, and returns the commit.
    #[track_caller]
    pub fn commit(&self, path: &str, text: &str, message: &str) -> String {
        let file = self.dev().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    /// The commit that the developer stands on.
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Tags the commit that the developer stands on, and pushes the tag.
    #[track_caller]
    pub fn release(&self, tag: &str) {
        self.git(&["tag", tag]);
        self.git(&["push", "--quiet", "origin", &format!("refs/tags/{tag}")]);
    }

    /// Pushes a branch, by force if need be.
    #[track_caller]
    pub fn push(&self, branch: &str) {
        self.git(&["push", "--quiet", "--force", "origin", branch]);
    }

    /// Begins a branch at some commit or tag, and pushes it.
    #[track_caller]
    pub fn branch(&self, name: &str, at: &str) {
        self.git(&["switch", "--quiet", "--create", name, "--no-track", at]);
        self.push(name);
    }

    /// Goes to a branch.
    #[track_caller]
    pub fn switch(&self, branch: &str) {
        self.git(&["switch", "--quiet", branch]);
    }

    /// A hotfix of 1.0.0 with one commit, pushed; the developer stands on it.
    pub fn hotfix(&self, branch: &str) -> String {
        self.branch(branch, "1.0.0");
        let fix = self.commit("src/app", FIXED, "HOCS-1 mend two");
        self.push(branch);
        fix
    }

    /// Runs the words of a step that the report has printed, in the developer's clone.
    #[track_caller]
    pub fn follow(&self, run: &Run) {
        let commands: Vec<&str> = run
            .text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("$ git "))
            .collect();
        assert!(!commands.is_empty(), "no commands in\n{}", run.text);
        for command in commands {
            let words: Vec<&str> = command.split(' ').collect();
            self.git(&words);
        }
    }

    /// Drone's clone of a branch at a commit: `clone-commit`.
    pub fn clone_branch(&self, name: &str, branch: &str, commit: &str) -> PathBuf {
        self.clone_with(name, branch, commit, &[])
    }

    /// The same with `clone: {depth: …}`.
    pub fn clone_with(&self, name: &str, branch: &str, commit: &str, options: &[&str]) -> PathBuf {
        let path = PathBuf::from(self.directory.path(name));
        std::fs::create_dir(&path).unwrap();
        git(&path, &["init", "--quiet"]);
        let origin = format!("file://{}", self.origin().display());
        git(&path, &["remote", "add", "origin", &origin]);
        let refspec = format!("+refs/heads/{branch}:");
        let fetch = [&["fetch", "--quiet"], options, &["origin", &refspec]].concat();
        git(&path, &fetch);
        git(&path, &["checkout", "--quiet", commit, "-b", branch]);
        path
    }

    /// A build of a push of what the server has on a branch, with Drone's clone of it.
    pub fn pushed(&self, branch: &str) -> DroneBuild {
        let commit = git(&self.origin(), &["rev-parse", branch]);
        let name = format!("push-{}-{}", branch.replace('/', "_"), &commit[..10]);
        let path = PathBuf::from(self.directory.path(&name));
        if !path.exists() {
            self.clone_branch(&name, branch, &commit);
        }
        self.build(DroneBuild::push(branch), &path, &commit)
    }

    /// A pull request of a branch into another, with Drone's clone and merge of it.
    pub fn pull_request(&self, head: &str, base: &str) -> DroneBuild {
        let commit = git(&self.origin(), &["rev-parse", head]);
        let name = format!("pull-{}-{}", head.replace('/', "_"), &commit[..10]);
        let target = git(&self.origin(), &["rev-parse", base]);
        let path = self.clone_branch(&name, base, &target);
        git(
            &path,
            &["fetch", "--quiet", "origin", &format!("refs/heads/{head}:")],
        );
        git(&path, &["merge", "--quiet", &commit]);
        self.build(DroneBuild::pull_request(7, head, base), &path, &commit)
    }

    /// A build whose repository is this one.
    pub fn build(&self, build: DroneBuild, workspace: &Path, commit: &str) -> DroneBuild {
        build.with(|build| {
            build.workspace = workspace.to_owned();
            build.sha = commit.to_owned();
            build.default_branch = "main".to_owned();
            build.remote = Some(self.origin().display().to_string());
        })
    }
}

/// `src/app` of a team, mended.
pub const FIXED: &str = "one\nTWO\nthree\nfour\nfive\nsix\n";

/// Runs the gate with a policy of which these are the keys.
pub fn judge(build: &DroneBuild, policy: &str) -> Run {
    let settings = format!("{{policy: {{{policy}}}, log_level: debug}}");
    run(drone_environment(build, &settings))
}

/// The report's lines about one rule: the one that names it, and those indented below it.
pub fn finding(run: &Run, rule: &str) -> String {
    let lines: Vec<&str> = run.text.lines().collect();
    let begin = lines
        .iter()
        .position(|line| line.contains(&format!(": {rule} (")))
        .unwrap_or_else(|| panic!("no {rule} in\n{}", run.text));
    let below = lines[begin + 1..]
        .iter()
        .take_while(|line| line.starts_with(' '));
    lines[begin..=begin + below.count()].join("\n")
}
