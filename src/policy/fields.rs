//! The fields of a policy that need more than one line to read.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::RuleKey;
use super::read::{Table, list};
use super::targets::{self, Patterns, Targets};
use super::train::Train;
use super::tree::Node;
use crate::hotfix::{Prefixes, WrongPrefix};
use crate::http::{Trust, parse_ca};
use crate::problem::{Problem, did_you_mean};
use crate::secret::shorten;
use crate::signing::VerifyKey;
use crate::verdict::Level;

pub(super) fn no_repository(text: &str) -> String {
    let first = text.split('/').next().unwrap_or_default();
    if text.contains("://") {
        "an address; leave out what stands before the host".to_owned()
    } else if !first.contains(['.', ':']) && first != "localhost" {
        "it names no host; images of Docker Hub are `docker.io/…`".to_owned()
    } else {
        String::new()
    }
}

pub(super) fn workspace_path(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    let mut parts = path
        .components()
        .filter(|part| *part != Component::CurDir)
        .peekable();
    let inside = parts
        .clone()
        .all(|part| matches!(part, Component::Normal(_)));
    let git = parts
        .peek()
        .is_some_and(|part| part.as_os_str().eq_ignore_ascii_case(".git"));
    if !inside
        || git
        || parts.peek().is_none()
        || text.ends_with('/')
        || text.contains(char::is_control)
    {
        return Err("it does not stay inside the workspace".to_owned());
    }
    Ok(parts.collect())
}

/// Reads the branches that ordinary releases are made of. One that is no branch of its own kind would
/// take every branch, and with it every commit that was pushed anywhere.
pub(super) fn read_release_branches(
    table: &Table<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Patterns> {
    let written = table.list("release_branches", problems).unwrap_or_default();
    let everything = written.iter().find(|pattern| {
        let name = pattern.trim_start_matches('!');
        !pattern.starts_with('!') && name.chars().all(|c| matches!(c, '*' | '?' | '/' | ' '))
    });
    let patterns = match everything {
        Some(pattern) => Err(format!("`{pattern}`, which names every branch")),
        None => Patterns::new(written),
    };
    let expected = "names of branches, `*` for any text, such as `release/*`";
    patterns
        .map_err(|why| problems.push(Problem::new(table.at("release_branches"), why, expected)))
        .ok()
}

/// What makes a branch a hotfix branch. With trains, they are hotfix branches beside the default.
pub(super) fn read_prefixes(
    table: &Table<'_>,
    train: Option<&Train>,
    problems: &mut Vec<Problem>,
) -> Prefixes {
    let beginning = "the beginning of a branch name, such as `hotfix/`";
    let at = table.at("prefix");
    // A pattern may hold commas, so it is never taken for a list.
    let pattern = match table.get("prefix") {
        Some(Node::Text(text)) if text.trim_start().starts_with('^') => Some(text.trim()),
        _ => None,
    };
    let written = match pattern {
        Some(pattern) => Some(vec![pattern.to_owned()]),
        None => table.list("prefix", problems),
    };
    let default = match train {
        Some(train) => Prefixes::default().and(train.branches.clone()),
        None => Prefixes::default(),
    };
    let Some(written) = written else {
        return default;
    };
    if written.is_empty() {
        problems.push(Problem::new(at, "``", beginning));
        return default;
    }
    match Prefixes::new(written) {
        Ok(prefixes) => {
            let example = train.and_then(|train| train.branches.examples().first());
            if let Some(train) = example.filter(|train| !prefixes.take(train)) {
                let found = format!(
                    "{}, with which no train such as `{train}` is a hotfix branch",
                    prefixes.describe()
                );
                let expected = "the pattern of `policy.train.branches` as well";
                problems.push(Problem::new(at, found, expected));
            }
            prefixes
        }
        Err(WrongPrefix { text, why }) => {
            let text = shorten(&text, 120);
            problems.push(match why {
                Some(why) => Problem::new(
                    at,
                    format!("`{text}`: {why}"),
                    "a pattern for the whole name of hotfix branches and of no others, such as \
                     `^train-[0-9]{4}$`",
                ),
                None => Problem::new(at, format!("`{text}`"), beginning),
            });
            default
        }
    }
}

pub(super) fn read_targets(table: &Table<'_>, problems: &mut Vec<Problem>) -> Option<Targets> {
    let empty = Node::Map(Vec::new());
    let node = table.get("targets").unwrap_or(&empty);
    let lists = Table::read(
        &table.at("targets"),
        node,
        &["qa", "production", "trial"],
        problems,
    );
    let mut patterns = |key: &str, default: Vec<String>| {
        let written = lists.list(key, problems).unwrap_or_else(|| default.clone());
        Patterns::new(written)
            .map_err(|why| {
                problems.push(Problem::new(
                    lists.at(key),
                    why,
                    "names of targets, `*` for any text",
                ))
            })
            .ok()
            .or_else(|| Patterns::new(default).ok())
    };
    let own = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    let qa = patterns("qa", own(&targets::QA));
    let production = patterns("production", own(&targets::PRODUCTION));
    let trial = patterns("trial", targets::trial_patterns());
    if qa.as_ref().is_some_and(|qa| !qa.name_something()) {
        problems.push(
            Problem::new(
                lists.at("qa"),
                "a list that names no target",
                "the names of QA targets",
            )
            .next("to open QA to hotfixes, write `qa-closed: \"off\"` into `policy.rules`"),
        );
    }
    Some(Targets {
        qa: qa?,
        production: production?,
        trial: trial?,
        trial_is_listed: lists.get("trial").is_some(),
    })
}

pub(super) fn read_version_params(table: &Table<'_>, problems: &mut Vec<Problem>) -> Vec<String> {
    let default = || {
        ["VERSION", "IMAGE_VERSION", "IMAGE_TAG"]
            .map(str::to_owned)
            .to_vec()
    };
    let names = table
        .list("version_params", problems)
        .unwrap_or_else(default);
    if names.is_empty() {
        let expected = "the parameters that say what is deployed";
        problems.push(Problem::new(
            table.at("version_params"),
            "an empty list",
            expected,
        ));
    }
    for name in &names {
        let legal = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !name.is_empty()
            && !name.starts_with("PLUGIN_");
        if !legal {
            let expected = "the name of a promotion parameter, such as `VERSION`";
            problems.push(Problem::new(
                table.at("version_params"),
                format!("`{name}`"),
                expected,
            ));
        }
    }
    names
}

pub(super) fn read_rules(
    table: &Table<'_>,
    rules: &[RuleKey],
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Level> {
    let mut levels = BTreeMap::new();
    let Some(node) = table.get("rules") else {
        return levels;
    };
    let entries = Table::open(&table.at("rules"), node, problems);
    for (id, node) in entries.entries().collect::<Vec<_>>() {
        let at = entries.at(id);
        let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
            let problem = Problem::new(at, "a rule that does not exist", "an id of docs/rules.md");
            problems.push(match did_you_mean(id, rules.iter().map(|rule| rule.id)) {
                Some(meant) => problem.next(format!("did you mean `{meant}`?")),
                None => problem,
            });
            continue;
        };
        let level = match node {
            // YAML 1.1 turns a bare `off` or `no` into `false` before we see it.
            Node::Bool(false) => Some(Level::Off),
            Node::Text(text) => Level::named(&text.trim().to_ascii_lowercase()),
            _ => None,
        };
        match level {
            Some(level) if rule.fixed && level != Level::Must => {
                let expected = "`must`: what cannot be read cannot be allowed, at any level";
                problems.push(Problem::new(at, format!("`{level}`"), expected));
            }
            Some(level) => {
                levels.insert(id.to_owned(), level);
            }
            None => problems.push(Problem::new(
                at,
                node.describe(),
                list(&Level::ALL.map(Level::as_str)),
            )),
        }
    }
    levels
}

pub(super) fn read_trust(table: &Table<'_>, problems: &mut Vec<Problem>) -> Trust {
    let Some(node) = table.get("tls") else {
        return Trust::default();
    };
    let tls = Table::read(
        &table.at("tls"),
        node,
        &["ca", "insecure", "skip_verify"],
        problems,
    );
    let ca = tls.text("ca", problems).map(str::to_owned);
    if let Some(Err(why)) = ca.as_deref().map(parse_ca) {
        problems.push(Problem::new(
            tls.at("ca"),
            why,
            "one or more certificates in PEM",
        ));
    }
    let mut hosts = |key: &str| {
        let hosts = tls.list(key, problems).unwrap_or_default();
        for host in hosts
            .iter()
            .filter(|host| host.contains(['/', '@', ' ', '*']))
        {
            let expected = "a host, with its port if it has one: `registry.example:5000`";
            problems.push(Problem::new(tls.at(key), format!("`{host}`"), expected));
        }
        hosts
    };
    Trust {
        ca,
        insecure: hosts("insecure"),
        skip_verify: hosts("skip_verify"),
    }
}

pub(super) fn read_verify_keys(table: &Table<'_>, problems: &mut Vec<Problem>) -> Vec<VerifyKey> {
    let texts = table.list("verify_keys", problems).unwrap_or_default();
    let mut keys = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        match VerifyKey::parse(text) {
            Ok(key) => keys.push(key),
            Err(wrong) => {
                let at = format!("{}[{i}]", table.at("verify_keys"));
                let expected = "a public key in PEM, ECDSA P-256 or Ed25519";
                problems.push(Problem::new(at, wrong.found, expected).next(wrong.next));
            }
        }
    }
    keys
}
