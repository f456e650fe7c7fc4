//! The design's table of rules, written a second time. Nothing here asks the code under test: a rule
//! that has another level, other events or another answer than this is wrong, or this is.

use drone_hotfix::ci::Event::{self, Custom, Promote, PullRequest, Push, Rollback};
use drone_hotfix::policy::targets::Class;
use drone_hotfix::verdict::Level::{self, May, Must, Off, Should};

/// What a rule answers, without its words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    Pass,
    Violation,
    NotApplicable,
    Unknown,
    NotChecked,
    /// Not fixed here.
    Any,
}

/// What a rule judges.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Judges {
    All,
    AllToProduction,
    Hotfix,
    HotfixToProduction,
    HotfixToQa,
}

/// From what a rule answers, once it judges.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum From {
    /// Whether the target can be read.
    Target,
    /// In which list the target is.
    Lists,
    /// Whether it is a hotfix.
    Kind,
    /// What the CI server always says; here it is in order.
    Build,
    /// A source that may be there or not, and that says what it says.
    Source,
    /// What the CI server always says, and what its API says against it.
    Server,
    /// Something that this policy does not set.
    Unset,
    /// A version parameter, and there is none here.
    Version,
    /// The same, of something that is always in order here: the hotfix has a commit.
    Commits,
    /// A source that on a pull request only informs.
    Reviews,
    /// The same; what it says in order and what it says out of order is fixed by the rule's own tests.
    Later,
}

/// One row of the design's table.
pub struct Row {
    pub id: &'static str,
    /// Its level, to production and elsewhere; `None` cannot be changed.
    pub level: Option<[Level; 2]>,
    pub judges: Judges,
    pub events: &'static [Event],
    pub from: From,
}

const fn row(
    id: &'static str,
    level: Level,
    judges: Judges,
    events: &'static [Event],
    from: From,
) -> Row {
    Row {
        id,
        level: Some([level, level]),
        judges,
        events,
        from,
    }
}

const PR_PUSH: &[Event] = &[PullRequest, Push, Custom];
const PUSH: &[Event] = &[Push, Custom];
const PROMOTE: &[Event] = &[Promote];
const BOTH: &[Event] = &[Promote, Rollback];
const PR_PUSH_PROMOTE: &[Event] = &[PullRequest, Push, Custom, Promote];
const ALL: &[Event] = &[PullRequest, Push, Custom, Promote, Rollback];

/// Every rule of the design that this version may have. One that it has and that is not here fails
/// the test: write its row from the design first.
pub const ROWS: [Row; 39] = [
    Row {
        id: "readable-promotion",
        level: None,
        judges: Judges::All,
        events: BOTH,
        from: From::Target,
    },
    Row {
        id: "promoted-ref",
        level: Some([Must, Should]),
        judges: Judges::All,
        events: BOTH,
        from: From::Server,
    },
    row("qa-closed", Must, Judges::HotfixToQa, BOTH, From::Kind),
    row("target-known", Should, Judges::Hotfix, PROMOTE, From::Lists),
    row("hotfix-branch", Must, Judges::Hotfix, PR_PUSH, From::Build),
    row(
        "working-branch",
        Should,
        Judges::Hotfix,
        &[PullRequest],
        From::Build,
    ),
    row("ticket", Should, Judges::Hotfix, PR_PUSH, From::Build),
    row("image-tag", Must, Judges::Hotfix, PUSH, From::Build),
    row(
        "unique-branch",
        Should,
        Judges::Hotfix,
        PR_PUSH,
        From::Source,
    ),
    row(
        "running-known",
        Should,
        Judges::Hotfix,
        PR_PUSH,
        From::Later,
    ),
    row(
        "base-is-production",
        Must,
        Judges::Hotfix,
        PR_PUSH_PROMOTE,
        From::Source,
    ),
    row(
        "has-changes",
        Must,
        Judges::Hotfix,
        &[PullRequest, Promote],
        From::Commits,
    ),
    row("agreed", Should, Judges::Hotfix, PR_PUSH, From::Source),
    row("issue", Off, Judges::Hotfix, PR_PUSH, From::Source),
    row("triage", Should, Judges::Hotfix, PR_PUSH, From::Later),
    row("atomic", May, Judges::Hotfix, PR_PUSH, From::Later),
    row("no-features", May, Judges::Hotfix, PR_PUSH, From::Later),
    row("revertible", May, Judges::Hotfix, PR_PUSH, From::Later),
    row("one-service", May, Judges::Hotfix, PR_PUSH, From::Later),
    row("short-lived", May, Judges::Hotfix, PR_PUSH, From::Later),
    row(
        "pipeline-unchanged",
        Should,
        Judges::Hotfix,
        PR_PUSH,
        From::Source,
    ),
    row(
        "gate-wired",
        Should,
        Judges::All,
        PR_PUSH_PROMOTE,
        From::Source,
    ),
    row(
        "not-in-production",
        Must,
        Judges::Hotfix,
        PUSH,
        From::Source,
    ),
    row("image-commit", Should, Judges::Hotfix, PUSH, From::Source),
    row(
        "merged-by-pull-request",
        Must,
        Judges::Hotfix,
        &[Push, Custom, Promote],
        From::Source,
    ),
    row(
        "reviewed",
        Must,
        Judges::Hotfix,
        PR_PUSH_PROMOTE,
        From::Reviews,
    ),
    row(
        "forward-port",
        Should,
        Judges::Hotfix,
        PR_PUSH_PROMOTE,
        From::Source,
    ),
    row(
        "keeps-hotfixes",
        Should,
        Judges::AllToProduction,
        PROMOTE,
        From::Source,
    ),
    row("clean-parameters", Must, Judges::All, BOTH, From::Source),
    row(
        "build-passed",
        Must,
        Judges::HotfixToProduction,
        PROMOTE,
        From::Later,
    ),
    row(
        "tried-first",
        Must,
        Judges::HotfixToProduction,
        PROMOTE,
        From::Source,
    ),
    row(
        "signed-off",
        Should,
        Judges::HotfixToProduction,
        PROMOTE,
        From::Unset,
    ),
    row(
        "attested",
        Should,
        Judges::HotfixToProduction,
        PROMOTE,
        From::Later,
    ),
    row(
        "version-published",
        Must,
        Judges::Hotfix,
        PROMOTE,
        From::Version,
    ),
    row("train", Off, Judges::Hotfix, PR_PUSH, From::Source),
    row("changelog", Off, Judges::Hotfix, PR_PUSH, From::Source),
    row("release-bump", Off, Judges::Hotfix, PR_PUSH, From::Source),
    row(
        "production-ticket",
        Off,
        Judges::HotfixToProduction,
        PROMOTE,
        From::Source,
    ),
    // The policy of these cells does not say which hotfixes are confidential.
    row("confidential", Off, Judges::Hotfix, ALL, From::Unset),
];

/// How a hotfix can be recognised; or that nothing recognises one, or that nobody can say.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Way {
    None,
    Name,
    Build,
    Bytes,
    Attestation,
    Commit,
    Unknown,
}

pub const WAYS: [Way; 7] = [
    Way::None,
    Way::Name,
    Way::Build,
    Way::Bytes,
    Way::Attestation,
    Way::Commit,
    Way::Unknown,
];

/// What every source of facts does.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Sources {
    /// It answers, and all is in order.
    InOrder,
    /// It answers, and nothing is in order.
    OutOfOrder,
    /// None is configured.
    Missing,
    /// None answers.
    Failing,
}

pub const SOURCES: [Sources; 4] = [
    Sources::InOrder,
    Sources::OutOfOrder,
    Sources::Missing,
    Sources::Failing,
];

/// One cell.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub event: Event,
    /// Of a promotion; `None` cannot be read.
    pub class: Option<Class>,
    pub way: Way,
    pub sources: Sources,
    /// `None` leaves every rule its own.
    pub level: Option<Level>,
}

impl Cell {
    /// The level of a rule, and whether the policy names it.
    pub fn level_of(&self, row: &Row) -> (Level, bool) {
        match (row.level, self.level) {
            (None, _) => (Must, false),
            (Some(_), Some(level)) => (level, true),
            (Some([production, elsewhere]), None) => {
                // Where the target cannot be read, it may be production.
                let there =
                    self.is_promotion() && matches!(self.class, None | Some(Class::Production));
                (if there { production } else { elsewhere }, false)
            }
        }
    }

    pub fn is_promotion(&self) -> bool {
        matches!(self.event, Promote | Rollback)
    }

    /// Whether it is a hotfix's promotion; `None` if nobody can say.
    fn is_hotfix(&self) -> Option<bool> {
        match (self.way, self.sources) {
            (Way::None, Sources::Failing) | (Way::Unknown, _) => None,
            (Way::None, _) => Some(false),
            _ => Some(true),
        }
    }

    /// What a rule answers.
    pub fn answer(&self, row: &Row) -> Answer {
        if self.level_of(row).0 == Off {
            return Answer::NotChecked;
        }
        if !row.events.contains(&self.event) {
            return Answer::NotApplicable;
        }
        if !self.is_promotion() {
            return self.own(row);
        }
        let there = match row.judges {
            Judges::HotfixToQa => self.class == Some(Class::Qa),
            Judges::HotfixToProduction if self.class.is_none() => return Answer::Any,
            Judges::HotfixToProduction | Judges::AllToProduction => {
                self.class == Some(Class::Production)
            }
            Judges::All | Judges::Hotfix => true,
        };
        let all = matches!(row.judges, Judges::All | Judges::AllToProduction);
        match self.is_hotfix() {
            _ if !there => Answer::NotApplicable,
            _ if all || row.from == From::Kind => self.own(row),
            Some(false) => Answer::NotApplicable,
            Some(true) => self.own(row),
            // What would be asked of a hotfix and holds, or cannot be checked, does so for either.
            None => match self.own(row) {
                Answer::Violation | Answer::Unknown => Answer::Unknown,
                other => other,
            },
        }
    }

    fn own(&self, row: &Row) -> Answer {
        match row.from {
            From::Target if self.class.is_some() => Answer::Pass,
            From::Target => Answer::Violation,
            From::Lists => match self.class {
                None => Answer::NotApplicable,
                Some(Class::Unlisted) => Answer::Violation,
                Some(_) => Answer::Pass,
            },
            From::Kind => match self.is_hotfix() {
                None => Answer::Unknown,
                Some(true) => Answer::Violation,
                Some(false) => Answer::Pass,
            },
            From::Build => Answer::Pass,
            From::Server => match self.sources {
                Sources::InOrder | Sources::Missing => Answer::Pass,
                Sources::OutOfOrder => Answer::Violation,
                Sources::Failing => Answer::Unknown,
            },
            From::Unset => Answer::NotChecked,
            From::Version if self.class == Some(Class::Qa) => Answer::NotApplicable,
            From::Version => Answer::NotChecked,
            From::Reviews if self.event == PullRequest => match self.sources {
                Sources::InOrder | Sources::OutOfOrder => Answer::Pass,
                Sources::Missing | Sources::Failing => Answer::NotApplicable,
            },
            From::Source | From::Reviews => match self.sources {
                Sources::InOrder => Answer::Pass,
                Sources::OutOfOrder => Answer::Violation,
                Sources::Missing => Answer::NotChecked,
                Sources::Failing => Answer::Unknown,
            },
            From::Commits => match self.sources {
                Sources::InOrder | Sources::OutOfOrder => Answer::Pass,
                Sources::Missing => Answer::NotChecked,
                Sources::Failing => Answer::Unknown,
            },
            From::Later => match self.sources {
                Sources::InOrder | Sources::OutOfOrder => Answer::Any,
                Sources::Missing => Answer::NotChecked,
                Sources::Failing => Answer::Unknown,
            },
        }
    }
}

/// What an answer does: 0 nothing, 1 undecides, 2 refuses.
pub fn weight(level: Level, named: bool, answer: Answer, pull_request: bool) -> u8 {
    match (level, answer) {
        (Must, Answer::Violation) => 2,
        (Must, Answer::Unknown) => 1,
        (Must, Answer::NotChecked) if named && !pull_request => 1,
        _ => 0,
    }
}
