//! What the CI server says about this build, read only from variables that it always sets.

mod drone;
pub mod privacy;
mod woodpecker;

use std::path::PathBuf;

use crate::environment::{Environment, Reading};
use crate::hotfix::CommitId;
use crate::problem::Problem;
use crate::secret::shorten;
use privacy::Privacy;

/// The CI server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Drone, and what speaks its dialect.
    Drone,
    /// Woodpecker.
    Woodpecker,
}

impl Platform {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drone => "Drone",
            Self::Woodpecker => "Woodpecker",
        }
    }

    const fn variables(self) -> &'static Variables {
        match self {
            Self::Drone => &drone::VARIABLES,
            Self::Woodpecker => &woodpecker::VARIABLES,
        }
    }

    /// Whether the server sets this variable, so that a hotfix name in it says nothing about what
    /// a promotion deploys.
    pub fn sets(self, variable: &str) -> bool {
        match self {
            Self::Drone => drone::ALWAYS_SET.contains(&variable),
            Self::Woodpecker => {
                let previous = variable.strip_prefix("CI_PREV_");
                woodpecker::SET.contains(&variable)
                    || previous.is_some_and(|name| woodpecker::PREVIOUS.contains(&name))
            }
        }
    }

    /// The variables that name the pipeline (or workflow) and the step that runs. Both servers set
    /// them always.
    pub const fn running_step(self) -> [&'static str; 2] {
        match self {
            Self::Drone => ["DRONE_STAGE_NAME", "DRONE_STEP_NAME"],
            Self::Woodpecker => ["CI_WORKFLOW_NAME", "CI_STEP_NAME"],
        }
    }

    /// The variable that has the address of the repository's page.
    pub const fn page_variable(self) -> &'static str {
        self.variables().page
    }

    /// The command line that starts a promotion, up to the parameters.
    pub fn promote(self, repo: &str, build: u64, target: &str) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Drone => &["drone", "build", "promote"],
            Self::Woodpecker => &["woodpecker-cli", "pipeline", "deploy"],
        };
        let words = words.iter().map(|word| (*word).to_owned());
        words
            .chain([repo.to_owned(), build.to_string(), target.to_owned()])
            .collect()
    }
}

/// The names of the variables that decide, one table per platform.
struct Variables {
    event: &'static str,
    number: &'static str,
    parent: &'static str,
    link: &'static str,
    page: &'static str,
    forge: Option<&'static str>,
    repo: &'static str,
    default_branch: &'static str,
    commit: &'static str,
    git_ref: &'static str,
    branch: &'static str,
    source_branch: &'static str,
    refspec: Option<&'static str>,
    deploy_to: &'static str,
    trigger: &'static str,
    message: &'static str,
    remote: &'static str,
    workspace: &'static str,
    created: &'static str,
    private: &'static str,
    visibility: Option<&'static str>,
}

/// What happened, in one vocabulary for both servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Commits were pushed to a branch.
    Push,
    /// Somebody started a build of a branch by hand (Drone's custom, Woodpecker's manual).
    Custom,
    /// A pull request was opened or changed.
    PullRequest,
    /// A git tag was pushed.
    Tag,
    /// A schedule.
    Cron,
    /// A build is promoted to a target (Woodpecker's deployment).
    Promote,
    /// A target goes back to an earlier build.
    Rollback,
    /// An event that the server knows and that never concerns a hotfix.
    Other,
}

impl Event {
    /// Whether the event deploys something.
    pub const fn is_promotion(self) -> bool {
        matches!(self, Self::Promote | Self::Rollback)
    }
}

/// The build, as the server describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The server.
    pub platform: Platform,
    /// What happened.
    pub event: Event,
    /// The server's word for it.
    pub event_name: String,
    /// The build's number.
    pub number: u64,
    /// The build that is promoted, rolled back to, or restarted.
    pub parent: Option<u64>,
    /// The build's page.
    pub link: Option<String>,
    /// The repository, `owner/name`.
    pub repo: String,
    /// The repository's page in the forge.
    pub page: Option<String>,
    /// What kind of forge it is, where the server says so.
    pub forge: Option<String>,
    /// The default branch.
    pub default_branch: Option<String>,
    /// The commit. Drone leaves it out of no event.
    pub commit: CommitId,
    /// The git reference; empty for a GitHub deployment of a bare commit.
    pub git_ref: Option<String>,
    /// The branch; of a pull request its base. Empty for a tag.
    pub branch: Option<String>,
    /// The head of a pull request; else the branch.
    pub source_branch: Option<String>,
    /// The target of a promotion, as given.
    pub target: Option<String>,
    /// Who or what started the build.
    pub trigger: Option<String>,
    /// When the server made the build, in seconds since 1970, by the server's clock.
    pub created: Option<i64>,
    /// The commit's message.
    pub message: Option<String>,
    /// The address that the repository is cloned from.
    pub remote: Option<String>,
    /// Where the checkout lies.
    pub workspace: PathBuf,
    /// Who may see the repository.
    pub privacy: Privacy,
}

impl Build {
    /// Whether a person can have added variables to the environment: by promoting, by starting the
    /// build, or by starting an older one again, whatever its event. A build that a push started
    /// takes none.
    pub fn takes_parameters(&self) -> bool {
        let started = match self.event {
            Event::Promote | Event::Rollback | Event::Custom => true,
            Event::Push | Event::PullRequest | Event::Tag | Event::Cron | Event::Other => false,
        };
        let login = |trigger: &String| !trigger.starts_with('@');
        let by_hand = self.platform == Platform::Drone && self.trigger.as_ref().is_some_and(login);
        started || by_hand || self.parent.is_some()
    }
}

/// Reads the build from the environment.
///
/// # Errors
/// Every variable that is missing or unreadable.
pub fn read(environment: &Environment) -> Result<Build, Vec<Problem>> {
    // `CI` is set by both servers above all parameters, so it tells them apart.
    let platform = match environment.read("CI") {
        Reading::Text("woodpecker") => Platform::Woodpecker,
        Reading::Text(text) if text.eq_ignore_ascii_case("true") => Platform::Drone,
        _ => {
            let problem = Problem::new(
                "CI",
                "no build of Drone or Woodpecker",
                "`true` (Drone) or `woodpecker`",
            );
            return Err(vec![problem.next(
                "run this image as a step of a pipeline; to try it by hand, give it the variables \
                 of a build (README.md, «Try it by hand»)",
            )]);
        }
    };
    let names = platform.variables();
    let mut reader = Reader {
        environment,
        problems: Vec::new(),
    };
    let event_name = reader.needed(names.event, "the event of the build");
    let number = reader.number(names.number);
    let parent = reader.optional_number(names.parent);
    let commit = reader.needed(names.commit, "the full id of a commit");
    let commit = match CommitId::parse(&commit) {
        Some(commit) => Some(commit),
        None if commit.is_empty() => None,
        None => {
            reader.problem(
                names.commit,
                &commit,
                "the full id of a commit: 40 or 64 hexadecimal digits",
            );
            None
        }
    };
    let event = match platform {
        Platform::Drone => drone::event(&event_name),
        Platform::Woodpecker => woodpecker::event(&event_name),
    };
    if event.is_none() && !event_name.is_empty() {
        let known = match platform {
            Platform::Drone => drone::EVENTS,
            Platform::Woodpecker => woodpecker::EVENTS,
        };
        reader.problem(
            names.event,
            &event_name,
            &format!("one of `{}`", known.join("`, `")),
        );
    }
    let repo = reader.needed(names.repo, "the repository, `owner/name`");
    let link = reader.optional(names.link);
    let page = reader.optional(names.page);
    let forge = names.forge.and_then(|name| reader.optional(name));
    let default_branch = reader.optional(names.default_branch);
    let git_ref = reader.optional(names.git_ref);
    let branch = reader.optional(names.branch);
    let refspec = names.refspec.and_then(|name| reader.optional(name));
    let head = refspec
        .as_deref()
        .and_then(|refspec| refspec.split_once(':'))
        .map(|(head, _)| head);
    let source_branch = reader
        .optional(names.source_branch)
        .or_else(|| head.filter(|head| !head.is_empty()).map(str::to_owned));
    let target = reader.optional(names.deploy_to);
    let trigger = reader.optional(names.trigger);
    let created = reader
        .optional(names.created)
        .and_then(|text| text.parse().ok());
    let message = reader.optional(names.message);
    let remote = reader.optional(names.remote);
    let privacy = Privacy {
        private: reader.optional(names.private),
        visibility: names.visibility.and_then(|name| reader.optional(name)),
    };
    let workspace = reader
        .optional(names.workspace)
        .map_or_else(|| PathBuf::from("."), PathBuf::from);
    if let Some(event) = event
        && matches!(event, Event::Push | Event::Custom)
    {
        reader.branch_and_ref_agree(names, branch.as_deref(), git_ref.as_deref());
    }
    match (event, number, commit) {
        (Some(event), Some(number), Some(commit)) if reader.problems.is_empty() => Ok(Build {
            platform,
            event,
            event_name,
            number,
            parent,
            link,
            repo,
            page,
            forge,
            default_branch,
            commit,
            git_ref,
            branch,
            source_branch,
            target,
            trigger,
            created,
            message,
            remote,
            workspace,
            privacy,
        }),
        _ => Err(reader.problems),
    }
}

struct Reader<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, variable: &str, found: &str, expected: &str) {
        let found = shorten(found, 60);
        let found = if found.is_empty() {
            "nothing".to_owned()
        } else {
            format!("`{found}`")
        };
        self.problems
            .push(Problem::new(variable, found, expected).next(
                "this variable comes from the CI server; run this image as one of its steps",
            ));
    }

    fn optional(&mut self, variable: &str) -> Option<String> {
        match self.environment.decided(variable) {
            Ok(text) => text.map(str::to_owned),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    fn needed(&mut self, variable: &str, expected: &str) -> String {
        let before = self.problems.len();
        let text = self.optional(variable);
        if text.is_none() && self.problems.len() == before {
            self.problem(variable, "", expected);
        }
        text.unwrap_or_default()
    }

    fn number(&mut self, variable: &str) -> Option<u64> {
        let text = self.needed(variable, "the number of the build");
        let number = text.parse().ok();
        if number.is_none() && !text.is_empty() {
            self.problem(variable, &text, "the number of the build");
        }
        number
    }

    /// `0` is the servers' way to say that there is none.
    fn optional_number(&mut self, variable: &str) -> Option<u64> {
        let text = self.optional(variable)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.problem(variable, &text, "the number of a build");
        }
        number.filter(|number| *number != 0)
    }

    /// The branch of a push stands in two variables; if they disagree, nothing may be published.
    fn branch_and_ref_agree(
        &mut self,
        names: &Variables,
        branch: Option<&str>,
        git_ref: Option<&str>,
    ) {
        let of_ref = git_ref.and_then(|git_ref| git_ref.strip_prefix("refs/heads/"));
        if branch.is_none() || branch != of_ref {
            let expected = format!("`refs/heads/` and the branch of `{}`", names.branch);
            self.problem(names.git_ref, git_ref.unwrap_or_default(), &expected);
        }
    }
}
