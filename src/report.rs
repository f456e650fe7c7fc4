//! What people and later steps are told. Plain data in, text and files out; the rules' words come
//! from the rules, and everything goes through [`sink`].

pub mod harness;
pub mod json;
pub mod log;
pub mod message;
pub mod outputs;
pub mod sink;
pub mod telling;
pub mod ticket;

use crate::ci::Event;
use crate::problem::Problem;
use crate::registry::reference::Digest;
use crate::verdict::{Decision, Exit, Step, Verdict};
use ticket::Ticket;

/// The tool, for the log and the JSON.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the build is, for the JSON and the last lines of the log.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// `Drone` or `Woodpecker`.
    pub platform: &'static str,
    /// The server's word for the event.
    pub event: String,
    /// `owner/name`.
    pub repo: String,
    /// The build's number.
    pub number: u64,
    /// The build's page.
    pub link: Option<String>,
    /// The branch; of a pull request its base.
    pub branch: Option<String>,
    /// The commit.
    pub commit: String,
    /// The ticket, if one was found.
    pub ticket: Option<String>,
    /// The page of the issue or pull request that carries the deployment ticket.
    pub issue: Option<String>,
    /// The target of a promotion.
    pub target: Option<String>,
    /// The ways in which a promotion was known as a hotfix's.
    pub hotfix_by: Vec<&'static str>,
    /// What was judged of a promotion: the version as it was named, and the digest that it has in
    /// `policy.repo`.
    pub judged: Vec<(String, String)>,
    /// SHA-256 of the policy.
    pub policy: Option<Digest>,
}

/// What became of one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagState {
    /// It was written and read back; it is new.
    Created,
    /// It was written and read back; it had this digest before.
    Moved(Digest),
    /// It had the digest already, so nothing was written.
    Unchanged,
    /// It would be written; this is a rehearsal. It has this digest now.
    Planned(Option<Digest>),
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The image repository.
    pub repository: String,
    /// Where the image came from.
    pub source: String,
    /// Its digest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Every tag, in the order of writing.
    pub tags: Vec<(String, TagState)>,
    /// What became of the statement about it.
    pub statement: Attachment,
}

/// What became of the statement about a published image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attachment {
    /// `policy.attest` turns it off.
    Off,
    /// It would be attached; this is a rehearsal.
    Planned,
    /// It is attached to the digest.
    Attached {
        /// Digest of the artifact that holds it, if this build has attached it.
        digest: Option<Digest>,
        /// Whether it is signed.
        signed: bool,
        /// Whether an earlier build has attached it.
        already: bool,
    },
    /// It is not; the tags stand all the same.
    Missing {
        /// Why not.
        because: String,
        /// What to do.
        advice: String,
    },
}

/// Publishing that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublished {
    /// What failed.
    pub found: String,
    /// What to do.
    pub next: String,
    /// Tags and files that were written before.
    pub written: Vec<String>,
    /// Tags and files that were not.
    pub unwritten: Vec<String>,
}

/// What became of the image after the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The event publishes nothing.
    NotDue,
    /// The verdict does not allow it.
    Withheld,
    /// The branch has nothing of its own yet; where it stands.
    NothingYet(String),
    /// The tags stand in the registry.
    Tags(Publication),
    /// The tags stand in a file for the step that builds and pushes.
    File {
        /// The file, within the workspace.
        path: String,
        /// The tags in it.
        tags: Vec<String>,
        /// Whether it was left unwritten, because this is a rehearsal.
        planned: bool,
    },
    /// The judged images stand in a file, for the step that deploys.
    Digests {
        /// The file, within the workspace.
        path: String,
        /// The images, each by its digest.
        images: Vec<String>,
    },
    /// It failed.
    Failed(Unpublished),
    /// The file for the step that deploys was not written.
    NotHandedOn(Unpublished),
}

/// A build that was judged.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What happened.
    pub event: Event,
    /// What was judged, in a few words: the branch, or the version and the target.
    pub about: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether the verdict counts (`policy.enforce`).
    pub enforced: bool,
    /// Whether nothing may be written (`dry_run`).
    pub rehearsal: bool,
    /// Whether a rehearsal of this event must not make the step green: people can add `dry_run` to it.
    pub never_green: bool,
    /// What became of the image.
    pub published: Published,
    /// How to promote what was published.
    pub promote: Option<Step>,
    /// What the people who deploy need to know of what was published.
    pub ticket: Option<Ticket>,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub enum Ending {
    /// Settings or environment are wrong.
    Problems(Vec<Problem>),
    /// There is nothing to do; why.
    Nothing(String),
    /// The build was judged.
    Judged(Box<Judged>),
}

/// Everything that one run has to say.
#[derive(Debug, Clone)]
pub struct Report {
    /// The build, as far as it is known.
    pub subject: Subject,
    /// How the run ended.
    pub ending: Ending,
    /// Things to know that are no findings.
    pub notes: Vec<String>,
}

impl Report {
    /// The exit code of the run.
    pub fn exit(&self) -> Exit {
        match &self.ending {
            Ending::Problems(_) => Exit::Settings,
            Ending::Nothing(_) => Exit::Done,
            Ending::Judged(judged) => judged.exit(),
        }
    }
}

impl Judged {
    fn exit(&self) -> Exit {
        match self.verdict.decision() {
            Decision::Refused if self.enforced => Exit::Refused,
            Decision::Undecided if self.enforced => Exit::Undecided,
            Decision::Refused | Decision::Undecided | Decision::Allowed => match self.published {
                Published::Failed(_) | Published::NotHandedOn(_) => Exit::Unpublished,
                _ if self.rehearsal && self.never_green => Exit::Rehearsal,
                _ => Exit::Done,
            },
        }
    }
}
