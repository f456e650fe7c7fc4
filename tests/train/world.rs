//! A team that releases by trains: a spec file, a change log, branches `train-YYYY.MM.DD`.

use crate::support::binary::Run;
use crate::support::team::{Team, finding, judge};

pub const TRAIN: &str = "train-2012.04.27";
pub const HEAD: &str = "train-2012.04.27:\n  * Better buttons: #1100\n";
pub const OLD: &str = "\ntrain-2012.04.11:\n  * (hotfix 2012.04.13) keep the cookie: issue #1307\n  \
    * (hotfix 2012.04.14) keep the other cookie: issue #1308\n  * New pages: #1050\n";
pub const ENTRY: &str = "  * (hotfix 2012.05.02) mend two: #1234\n";
pub const SUFFIX: &str = "%{?dist}_%{svnrev}";

/// The keys of a policy for trains, without its rules.
pub const POLICY: &str =
    r"prefix: ['hotfix/', '^train-\d{4}\.\d\d\.\d\d$'], ticket: '#[0-9]+|bug [0-9]+', train: {}";

pub struct Trains {
    pub team: Team,
}

pub fn spec(version: &str, release: &str) -> String {
    format!(
        "Name:          service\nVersion:       {version}\nRelease:       {release}\nSummary: example\n\
         %description\nIt serves.\n"
    )
}

impl Trains {
    /// Two trains that were cut from `main`; the developer stands on the newer one.
    pub fn new() -> Trains {
        let trains = Trains { team: Team::new() };
        trains.write(Some("0.2012.04.11"), "1", Some(OLD));
        trains.commit("Cut a train");
        trains.team.push("main");
        trains.team.branch("train-2012.04.11", "main");
        trains.team.switch("main");
        trains.write(Some("0.2012.04.27"), "1", Some(&format!("{HEAD}{OLD}")));
        trains.commit("Cut the next train");
        trains.team.push("main");
        trains.team.branch(TRAIN, "main");
        trains
    }

    /// Writes both files; `None` leaves one as it is. The release without its suffix.
    pub fn write(&self, version: Option<&str>, release: &str, log: Option<&str>) {
        if let Some(version) = version {
            self.spec(&spec(version, &format!("{release}{SUFFIX}")));
        }
        if let Some(log) = log {
            self.file("ChangeLog", log);
        }
    }

    pub fn spec(&self, text: &str) {
        self.file("scripts/browserid.spec", text);
    }

    pub fn file(&self, path: &str, text: &str) {
        let file = self.team.dev().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// Commits what was written.
    pub fn commit(&self, message: &str) -> String {
        self.team.git(&["add", "--all"]);
        self.team
            .git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.team.head()
    }

    /// A fix with this release and this change log below the head of the train, pushed.
    pub fn fix(&self, release: &str, log: &str) -> String {
        self.file("src/app", "mended\n");
        self.write(Some("0.2012.04.27"), release, Some(log));
        let commit = self.commit("mend two");
        self.team.push(TRAIN);
        commit
    }

    /// The change log with these lines at the end of the newer train.
    pub fn log(lines: &str) -> String {
        format!("{HEAD}{lines}{OLD}")
    }

    /// What a rule says of a push of the train.
    pub fn pushed(&self, rule: &str, more: &str) -> Run {
        judge(&self.team.pushed(TRAIN), &policy(rule, more))
    }

    /// The finding of a rule about a push of the train, with what changes masked.
    pub fn says(&self, rule: &str) -> String {
        noted(&self.pushed(rule, ""), rule)
    }
}

/// A policy for trains with one rule, and further keys.
pub fn policy(rule: &str, more: &str) -> String {
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(", {more}")
    };
    let off = "base-is-production: off, forward-port: off";
    format!("{POLICY}, rules: {{{rule}: must, {off}}}{more}")
}

/// The finding of a rule, and the notes of the report.
pub fn noted(run: &Run, rule: &str) -> String {
    let notes = run.text.lines().filter(|line| line.starts_with("note: "));
    let found = finding(run, rule);
    let lines: Vec<&str> = found.lines().chain(notes).collect();
    masked(&lines.join("\n"))
}

/// The report's lines about a rule, also where it says the same of several.
pub fn said(run: &Run, rule: &str) -> String {
    let lines: Vec<&str> = run.text.lines().collect();
    let name = format!("{rule} (");
    let begin = lines
        .iter()
        .position(|line| line.contains(&name) && !line.starts_with(' '));
    let begin = begin.unwrap_or_else(|| panic!("no {rule} in\n{}", run.text));
    let below = lines[begin + 1..]
        .iter()
        .take_while(|line| line.starts_with(' '));
    masked(&lines[begin..=begin + below.count()].join("\n"))
}

/// A text without what is another in each run.
pub fn masked(text: &str) -> String {
    let ids = regex::Regex::new(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{7}\b").unwrap();
    let text = ids.replace_all(text, "COMMIT");
    let today = regex::Regex::new(r"\* \(hotfix \d{4}\.\d\d\.\d\d\) Fixed foo").unwrap();
    today
        .replace_all(&text, "* (hotfix TODAY) Fixed foo")
        .into_owned()
}
