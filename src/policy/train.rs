//! `policy.train`: fixes go into a train, a branch that is cut at a date and released as a package
//! (seed B; process.md §5).

use super::read::Table;
use crate::hotfix::pattern::BranchPattern;
use crate::hotfix::version::TrainVersions;
use crate::problem::Problem;

/// How strictly an entry of the change log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// What can be understood counts, and what is irregular about it is said.
    Plain,
    /// The form of B09, letter by letter.
    Strict,
}

/// How trains are released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Train {
    /// The path of the RPM spec file, with `/` between its parts.
    pub spec: String,
    /// The path of the change log.
    pub changelog: String,
    /// How strictly its entries are read.
    pub form: Form,
    /// What stands before a train's name in `Version`.
    pub version_prefix: String,
    /// The branches that are trains; its only group is the train's name in `Version`.
    pub branches: BranchPattern,
    /// Knows what the deployment ticket calls a train and its hotfixes: `0.2012.04.27-2`.
    pub versions: TrainVersions,
    /// The promotion parameter that names the ticket of a deployment to production.
    pub ticket_param: String,
}

const BRANCHES: &str = r"^train-(\d{4}\.\d\d\.\d\d)$";

/// Reads the key.
pub(super) fn read(policy: &Table<'_>, problems: &mut Vec<Problem>) -> Option<Train> {
    let at = policy.at("train");
    let node = policy.get("train")?;
    let known = [
        "spec",
        "changelog",
        "form",
        "version_prefix",
        "branches",
        "ticket_param",
    ];
    let table = Table::read(&at, node, &known, problems);
    let mut file = |key: &str, default: &str| {
        let expected = "the path of a file in the repository, such as `scripts/browserid.spec`";
        let read = table.parsed(key, expected, problems, path);
        read.unwrap_or_else(|| default.to_owned())
    };
    let spec = file("spec", "scripts/browserid.spec");
    let changelog = file("changelog", "ChangeLog");
    if spec == changelog {
        let found = "the same file as `changelog`";
        problems.push(Problem::new(table.at("spec"), found, "another file"));
    }
    let form = table.parsed("form", "`plain` or `strict`", problems, |text| match text {
        "plain" => Ok(Form::Plain),
        "strict" => Ok(Form::Strict),
        _ => Err(String::new()),
    });
    let expected = "what `Version` begins with, such as `0.`, without blanks and macros";
    let version_prefix = table.parsed("version_prefix", expected, problems, |text| {
        let plain = |c: u8| c.is_ascii_alphanumeric() || b"._+~".contains(&c);
        match text.bytes().all(plain) {
            true => Ok(text.to_owned()),
            false => Err(String::new()),
        }
    });
    let expected = "a pattern for the whole name of a train, with one pair of parentheses around the part \
                    that `Version` has";
    let branches = table.parsed("branches", expected, problems, |text| {
        let pattern = BranchPattern::new(text)?;
        match pattern.groups() {
            1 => Ok(pattern),
            count => Err(format!("it has {count} groups")),
        }
    });
    let expected = "the name of a promotion parameter, such as `TICKET`";
    let ticket_param = table.parsed("ticket_param", expected, problems, |text| {
        let legal = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
        let ours = ["PLUGIN_", "DRONE_", "CI_", "HOTFIX_REASON"];
        match text.bytes().all(legal) && !ours.iter().any(|name| text.starts_with(name)) {
            true => Ok(text.to_owned()),
            false => Err(String::new()),
        }
    });
    let version_prefix = version_prefix.unwrap_or_else(|| "0.".to_owned());
    let branches = branches.or_else(|| BranchPattern::new(BRANCHES).ok())?;
    let versions = TrainVersions::new(&version_prefix, &branches).map_err(|why| {
        let expected = "a shorter pattern, so that the versions of its trains can be known again";
        problems.push(Problem::new(table.at("branches"), why, expected));
    });
    Some(Train {
        spec,
        changelog,
        form: form.unwrap_or(Form::Plain),
        versions: versions.ok()?,
        version_prefix,
        branches,
        ticket_param: ticket_param.unwrap_or_else(|| "TICKET".to_owned()),
    })
}

fn path(text: &str) -> Result<String, String> {
    let part = |part: &str| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git");
    let plain = !text.contains(char::is_control) && text.len() <= 1024;
    match plain && text.split('/').all(part) {
        true => Ok(text.to_owned()),
        false => Err(String::new()),
    }
}
