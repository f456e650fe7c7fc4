//! A hotfix starts at what runs in production, and takes nothing from the default branch.

use super::running_known::{describe, how_to_know};
use super::{Asks, Judges, OwnLevel, Rule, known};
use crate::ci::Event;
use crate::facts::history::{Change, Found, History, Placed, What};
use crate::facts::{Facts, Source, shorten};
use crate::hotfix::CommitId;
use crate::verdict::{Level, Outcome, Step};

/// As many commits as anybody reads in one finding.
const SHOWN: usize = 5;

pub(super) const RULE: Rule = Rule {
    id: "base-is-production",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::Hotfix,
    events: &[
        Event::PullRequest,
        Event::Push,
        Event::Custom,
        Event::Promote,
    ],
    asks: &[Asks::History, Asks::Running],
    promise: "A hotfix descends from a release that runs in production, and holds nothing of the \
              default branch.",
    why: "A06: branch off the git tag of the release that runs in production, not off the default \
          branch: everything else that is there would go to production with the fix",
    notes: "A promotion to production is compared with what runs on its own target, everything else \
            with every target of `policy.running`: one that fits is enough. A hotfix on top of a \
            hotfix that runs is allowed, and said. A commit counts as taken from the default branch \
            if it stands on that branch itself (its first parents); a hotfix that was merged into \
            the default branch afterwards is none. Where a merge was a mere fast-forward, the two \
            cannot be told apart. A squash merge of the default branch is known by its patch. Without `policy.running` it is not checked whether the base runs, \
            but commits of the default branch are seen all the same.",
    evaluate,
};

fn evaluate(facts: &Facts<'_>) -> Outcome {
    let outcome = judge(facts).unwrap_or_else(|outcome| outcome);
    match (outcome, hidden(facts)) {
        // Such commits are wrong whatever runs in production; so an answer of git that is missing is
        // not made good by `policy.running` that is missing, too.
        (Outcome::NotChecked { .. }, Some(unknown)) => unknown,
        (outcome, _) => outcome,
    }
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let history = match (known(&facts.history), &facts.running) {
        (Err(Outcome::NotChecked { .. }), Source::NotConfigured(because)) => {
            return Err(not_checked(because));
        }
        (history, _) => history?,
    };
    // Foreign commits are wrong whatever runs in production.
    if let (Source::Known(range), Source::Known(default)) = (&history.range, &history.default)
        && let Some(outcome) = foreign(facts, history, range, &default.name)
    {
        return Ok(outcome);
    }
    let placed = match &history.running {
        Source::NotConfigured(because) => return Err(not_checked(because)),
        other => known(other)?,
    };
    // What a target only wants and does not run is no production yet.
    let mine: Vec<&Placed> = placed.iter().filter(|version| version.runs).collect();
    if mine.is_empty() {
        return Err(Outcome::Unknown {
            because: "nothing runs in production that a hotfix could start at".to_owned(),
            retry: false,
            next: vec![how_to_know()],
        });
    }
    let below = |version: &&&Placed| version.below == Source::Known(true);
    let Some(base) = mine.iter().find(below) else {
        // Of several versions one that could not be compared may be the right one.
        for version in &mine {
            known(&version.commit)?;
            known(&version.below)?;
        }
        return Ok(elsewhere(facts, history, &mine));
    };
    // All of it must have been seen: a range of which a part is missing may hide anything.
    let range = known(&history.range)?;
    let default = known(&history.default)?;
    let note = match &base.what {
        What::Hotfix(_) => Some(format!(
            "it builds on a hotfix that is not part of a release yet: {}",
            describe(base)
        )),
        What::Other => Some(format!(
            "what runs there is no release by its name: {}",
            describe(base)
        )),
        What::Release(_) | What::Train(_) => None,
    };
    let others = mine.iter().filter(|version| !below(version)).count();
    let note = note.or_else(|| {
        (others > 0).then(|| {
            let other = mine.iter().find(|version| !below(version));
            let other = other.map(|version| describe(version)).unwrap_or_default();
            format!("it does not fit everywhere: {other}")
        })
    });
    Ok(Outcome::Pass {
        because: format!(
            "{}, and {} of the hotfix {} none of `{}`",
            describe(base),
            count(range.len()),
            if range.len() == 1 { "is" } else { "are" },
            shorten(&default.name)
        ),
        note,
    })
}

/// Why nobody can say whether commits of the default branch are in it, though git was asked.
fn hidden(facts: &Facts<'_>) -> Option<Outcome> {
    let unknown = |outcome: &Outcome| matches!(outcome, Outcome::Unknown { .. });
    match known(&facts.history) {
        Err(outcome) => Some(outcome).filter(unknown),
        Ok(history) => {
            let range = known(&history.range).err().filter(unknown);
            range.or_else(|| known(&history.default).err().filter(unknown))
        }
    }
}

fn not_checked(because: &str) -> Outcome {
    Outcome::NotChecked {
        because: because.to_owned(),
        next: vec![how_to_know()],
    }
}

fn count(commits: usize) -> String {
    match commits {
        1 => "the 1 commit".to_owned(),
        n => format!("the {n} commits"),
    }
}

/// The finding about commits that come from the default branch.
fn foreign(
    facts: &Facts<'_>,
    history: &History,
    range: &[Change],
    default: &str,
) -> Option<Outcome> {
    let foreign: Vec<&Change> = range.iter().filter(|c| c.from_default).collect();
    foreign.first()?;
    let shown: Vec<String> = foreign
        .iter()
        .take(SHOWN)
        .map(|c| format!("{} `{}`", c.id.short(), facts.words(&c.subject)))
        .collect();
    let more = foreign.len() - shown.len();
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    let merge = range
        .iter()
        .find(|change| change.merge && !change.from_default);
    let how = match merge {
        Some(merge) => format!(
            ", which the merge {} `{}` may have brought",
            merge.id.short(),
            facts.words(&merge.subject)
        ),
        None => String::new(),
    };
    let (holds, what) = if foreign.len() == 1 {
        ("a commit", "commit")
    } else {
        ("commits", "commits")
    };
    Some(Outcome::Violation {
        found: format!(
            "{holds} of `{}` in the hotfix{how}: {}{more}",
            shorten(default),
            shown.join(", ")
        ),
        expected: format!(
            "only commits of its own; with the {what} of `{}` everything that was merged there until \
             then would go to production too",
            shorten(default)
        ),
        next: move_to(facts, history, range),
    })
}

/// The finding about a hotfix that starts elsewhere.
fn elsewhere(facts: &Facts<'_>, history: &History, running: &[&Placed]) -> Outcome {
    let base = match &history.base {
        Source::Known(base) => {
            let commit = base.commits.first().map_or("", CommitId::short);
            match (base.found, base.tags.first()) {
                (Found::Fork, _) => {
                    format!("no release below it; it leaves the default branch at {commit}")
                }
                (_, Some(tag)) => format!("a start at `{}` ({commit})", shorten(tag)),
                (_, None) => format!("a start at {commit}"),
            }
        }
        _ => "no release below it".to_owned(),
    };
    let runs: Vec<String> = running
        .iter()
        .take(SHOWN)
        .map(|version| describe(version))
        .collect();
    let range = match &history.range {
        Source::Known(range) => range.as_slice(),
        _ => &[],
    };
    Outcome::Violation {
        found: format!("{base}, but {}", runs.join("; ")),
        expected:
            "a hotfix that descends from what runs in production, so that nothing but the fix \
                   changes there"
                .to_owned(),
        next: move_to(facts, history, range),
    }
}

/// The commands that move the hotfix's own commits onto what runs in production.
fn move_to(facts: &Facts<'_>, history: &History, range: &[Change]) -> Vec<Step> {
    let running = match &history.running {
        Source::Known(running) => running.as_slice(),
        _ => &[],
    };
    let at_running = matches!(&history.base, Source::Known(base) if base.found == Found::Running);
    // The newest one that fits, else the first that is known. The head of a hotfix's branch that is
    // no start itself is no place to go to either.
    let is_start = |version: &&Placed| {
        let hotfix = matches!(version.what, What::Hotfix(_));
        at_running || !hotfix || version.below != Source::Known(true)
    };
    let own = facts.branch.as_ref().ok().map(|branch| branch.name());
    let moved_on = running.iter().find_map(|version| match &version.what {
        What::Hotfix(Some(branch)) if Some(branch.as_str()) != own => {
            (!is_start(&version)).then_some(branch)
        }
        _ => None,
    });
    if let Some(branch) = moved_on {
        return vec![Step::Say(format!(
            "put `{}` back to the commit that runs in production, without what came from the default \
             branch, and bring the commits of the fix onto that",
            shorten(branch)
        ))];
    }
    let onto = running
        .iter()
        .filter(|version| matches!(version.commit, Source::Known(_)))
        .filter(is_start)
        .max_by_key(|version| version.below == Source::Known(true));
    let onto = match onto {
        Some(Placed {
            what: What::Release(tag),
            ..
        }) => Some(format!("refs/tags/{tag}")),
        Some(Placed {
            commit: Source::Known(commit),
            ..
        }) => Some(commit.as_str().to_owned()),
        _ => match &history.base {
            Source::Known(base) if base.found != Found::Fork => base
                .tags
                .first()
                .map(|tag| format!("refs/tags/{tag}"))
                .or_else(|| base.commits.first().map(|id| id.as_str().to_owned())),
            _ => None,
        },
    };
    let branch = match facts.build.event {
        Event::PullRequest => facts.build.source_branch.as_deref(),
        Event::Promote => None,
        _ => facts.build.branch.as_deref(),
    };
    let fix: Vec<&Change> = range
        .iter()
        .filter(|change| !change.from_default && !change.merge)
        .collect();
    // A name that git would read as an option is nothing to paste.
    let branch = branch.filter(|name| !name.starts_with('-'));
    let (Some(onto), Some(branch)) = (onto, branch) else {
        return vec![Step::Say(
            "branch off the git tag of what runs in production, and bring only the commits of the fix"
                .to_owned(),
        )];
    };
    if fix.is_empty() {
        return vec![Step::Say(format!(
            "it has no commit of its own; branch off `{}` instead, and commit the fix there",
            shorten(onto.trim_start_matches("refs/tags/"))
        ))];
    }
    // Named one by one: that is right for every shape of history, a merge in the middle included.
    // A tag may have the name of the branch.
    let whole = format!("refs/heads/{branch}");
    let pick = ["git", "cherry-pick", "-x"].map(str::to_owned);
    let ids = fix.iter().rev().map(|change| change.id.as_str().to_owned());
    vec![
        Step::run(["git", "fetch", "--tags", "origin"]),
        Step::run(["git", "fetch", "origin", &whole]),
        Step::run([
            "git",
            "switch",
            "--force-create",
            branch,
            "--no-track",
            &onto,
        ]),
        Step::Run(pick.into_iter().chain(ids).collect()),
        Step::run(["git", "push", "--force-with-lease", "origin", &whole]),
    ]
}
