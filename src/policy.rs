//! The policy: the one map that decides. It is required, so that a promotion parameter can never
//! bring its own (design: a parameter cannot replace a setting that the pipeline file sets).

pub mod agreed;
pub mod confidential;
mod fields;
mod files;
pub mod forge;
pub mod issue;
pub mod limits;
pub mod notify;
pub mod overrides;
mod read;
pub mod running;
pub mod sign_off;
pub mod source;
pub mod targets;
pub mod train;
mod tree;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;
use reqwest::Url;

use crate::hotfix::tag::{HotfixTags, ImageTag, TagTemplate, is_full_version, is_version};
use crate::hotfix::{Prefixes, TicketPattern, compile};
use crate::http::Trust;
use crate::problem::Problem;
use crate::registry::reference::{Digest, Repository};
use crate::signing::VerifyKey;
use crate::verdict::Level;
use confidential::Confidential;
use limits::Limits;
use notify::Telling;
use read::Table;
use running::Running;
use sign_off::SignOff;
use source::Source;
use targets::{Patterns, Targets};
use train::Train;
use tree::Node;

pub use files::TagsFormat;
pub use read::{SECRETS, flag};

/// A rule as a policy may name it.
#[derive(Debug, Clone, Copy)]
pub struct RuleKey {
    /// Its id.
    pub id: &'static str,
    /// Whether its level is not the policy's to choose.
    pub fixed: bool,
}

/// What decides. Every field holds a value that was checked.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The image repository.
    pub repo: Option<Repository>,
    /// The image to publish; without it, the tag is written to `tags_file`.
    pub source: Option<Source>,
    /// How the tag is made.
    pub tag: TagTemplate,
    /// Further tags of the same image.
    pub tags: Vec<TagTemplate>,
    /// Whether a tag must have been written by this build alone.
    pub sole_publisher: bool,
    /// Whether a statement is attached to what is published, and to what is tried.
    pub attest: bool,
    /// Where the tags are written for a later step, within the workspace.
    pub tags_file: PathBuf,
    /// How they are written.
    pub tags_format: TagsFormat,
    /// Where the JSON report is written, within the workspace.
    pub summary: Option<PathBuf>,
    /// What makes a branch a hotfix branch.
    pub prefixes: Prefixes,
    /// What the head of a pull request must look like.
    pub working_branch: Option<Regex>,
    /// What a ticket looks like.
    pub ticket: TicketPattern,
    /// Which tags are releases; `None` is SemVer.
    pub release: Option<Regex>,
    /// Patterns of branches beside the default one that ordinary releases are made of.
    pub release_branches: Patterns,
    /// Where the judged image is written by its digest, within the workspace.
    pub digest_file: Option<PathBuf>,
    /// How trains are released, if hotfixes go into trains.
    pub train: Option<Train>,
    /// Who accepts a hotfix, and by a promotion to which target.
    pub sign_off: Option<SignOff>,
    /// Knows the tags of hotfixes.
    pub hotfix_tags: HotfixTags,
    /// What targets are.
    pub targets: Targets,
    /// What runs in production, or who is asked for it; `None` if the policy does not say.
    pub running: Option<Running>,
    /// The Drone server; without it, the one that the build itself is of.
    pub drone: Option<Url>,
    /// Promotion parameters that say what is deployed.
    pub version_params: Vec<String>,
    /// Levels that the policy gives.
    pub rules: BTreeMap<String, Level>,
    /// Whether the verdict counts.
    pub enforce: bool,
    /// Whom the client trusts.
    pub trust: Trust,
    /// The time for everything.
    pub timeout: Duration,
    /// How much a hotfix may be.
    pub limits: Limits,
    /// Public keys; with any, only statements that one of them signed count.
    pub verify_keys: Vec<VerifyKey>,
    /// Who may override which rule, and until when.
    pub overrides: Vec<overrides::Entry>,
    /// Which hotfixes are confidential.
    pub confidential: Confidential,
    /// Where the deployment ticket is written, within the workspace.
    pub ticket_file: Option<PathBuf>,
    /// Who is told what.
    pub telling: Telling,
    /// The forge; without it, the one of the repository, if a token for it is there.
    pub forge: Option<forge::Forge>,
    /// Who has to want a hotfix; `None` if the policy does not say.
    pub agreed: Option<agreed::Agreed>,
    /// How the sections of an issue are known.
    pub sections: issue::Sections,
    /// SHA-256 of the policy as compact JSON with sorted keys.
    pub digest: Digest,
}

/// Every key of the policy, as docs/settings.md lists them.
pub const KEYS: [&str; 40] = [
    "repo",
    "source",
    "tag",
    "tags",
    "sole_publisher",
    "attest",
    "tags_file",
    "tags_format",
    "summary",
    "prefix",
    "working_branch",
    "ticket",
    "release",
    "release_branches",
    "digest_file",
    "sign_off",
    "train",
    "targets",
    "running",
    "version_params",
    "rules",
    "limits",
    "overrides",
    "enforce",
    "tls",
    "forge",
    "agreed",
    "issue",
    "drone",
    "verify_keys",
    "timeout",
    "confidential",
    "confidential_ticket",
    "confidential_words",
    "confidential_tag",
    "ticket_file",
    "deployment_ticket",
    "notify",
    "smtp",
    "audit",
];

impl Policy {
    /// Reads the policy from the text of `PLUGIN_POLICY`. `rules` are the ids that exist.
    /// Every mistake goes into `problems`; there is a policy only if there was none.
    pub fn parse(text: &str, rules: &[RuleKey], problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let node = match Node::parse(text) {
            Ok(node) => node,
            Err(why) => {
                let map = text.trim_start().starts_with('{');
                let found = if map {
                    format!("JSON that does not end well: {why}")
                } else {
                    Node::Text(text.trim().to_owned()).describe()
                };
                problems.push(Problem::new(
                    "policy",
                    found,
                    "a map, such as `policy: {repo: …}`",
                ));
                return None;
            }
        };
        let digest = Digest::of(node.canonical().as_bytes());
        let node = read::without_secrets("policy", node, problems);
        let table = Table::read("policy", &node, &KEYS, problems);
        let policy = Self::assemble(&table, digest, rules, problems);
        if problems.len() > before {
            None
        } else {
            policy
        }
    }

    fn assemble(
        table: &Table<'_>,
        digest: Digest,
        rules: &[RuleKey],
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let repo = table.parsed(
            "repo",
            "`host[:port]/path`, lower case, without a tag",
            problems,
            |text| Repository::parse(text).ok_or_else(|| fields::no_repository(text)),
        );
        let source = table.parsed(
            "source",
            "a tag template such as `build_{build}`, a digest, a whole reference, or `oci:DIR`, \
             `oci-archive:FILE`, `docker-archive:FILE`",
            problems,
            |text| Source::parse(text, repo.as_ref()),
        );
        if source.is_some() && table.get("repo").is_none() {
            problems.push(
                Problem::new("policy.source", "a source without `policy.repo`", "both")
                    .next("name the image repository as `policy.repo`"),
            );
        }
        let expected = "literal text and `{branch}`, such as `branch-{branch}`";
        let tag = table
            .parsed("tag", expected, problems, TagTemplate::parse)
            .unwrap_or_default();
        let tags: Vec<TagTemplate> = table
            .list("tags", problems)
            .unwrap_or_default()
            .iter()
            .filter_map(|text| {
                read::parsed(
                    &table.at("tags"),
                    text,
                    expected,
                    problems,
                    TagTemplate::parse,
                )
            })
            .collect();
        let files = files::read(table, problems);
        let train = train::read(table, problems);
        let prefixes = fields::read_prefixes(table, train.as_ref(), problems);
        let pattern = |key, whole: bool, problems: &mut Vec<Problem>| {
            let expected = "a regular expression (Rust's: without look-around)";
            table.parsed(key, expected, problems, |text| match compile(text) {
                // Of a release the whole tag is meant: `[0-9]+` should not take every tag with a digit.
                Ok(_) if whole => compile(&format!("^(?:{text})$")),
                other => other,
            })
        };
        let working_branch = pattern("working_branch", false, problems);
        let release = pattern("release", true, problems);
        let ticket = table
            .parsed(
                "ticket",
                "a regular expression",
                problems,
                TicketPattern::new,
            )
            .unwrap_or_default();
        let templates: Vec<TagTemplate> = std::iter::once(tag.clone())
            .chain(tags.iter().cloned())
            .collect();
        let versions = train.as_ref().map(|train: &Train| train.versions.clone());
        let hotfix_tags = HotfixTags::new(&prefixes, &templates)
            .map(|tags| tags.and(versions))
            .map_err(|why| {
                let expected =
                    "a shorter pattern, so that the tags of its branches can be known again";
                problems.push(Problem::new("policy.prefix", why, expected));
            })
            .ok();
        let overrides = overrides::read(table, rules, problems);
        let targets = fields::read_targets(table, problems)?;
        let version_params = fields::read_version_params(table, problems);
        let mut rules = fields::read_rules(table, rules, problems);
        let confidential = confidential::read(table, problems);
        // Whoever says which hotfixes are confidential wants that judged.
        if confidential.is_set() {
            rules
                .entry("confidential".to_owned())
                .or_insert(Level::Must);
        }
        let sole_publisher = table.flag("sole_publisher", problems).unwrap_or(false);
        let attest = table.flag("attest", problems).unwrap_or(true);
        let enforce = table.flag("enforce", problems).unwrap_or(true);
        let trust = fields::read_trust(table, problems);
        let limits = limits::read(table, problems);
        let telling = notify::read(table, &trust, problems);
        let policy = Self {
            running: running::read(table, &trust, problems),
            drone: running::server(table, "drone", "https://drone.example", &trust, problems),
            forge: forge::read(table, &trust, problems),
            agreed: agreed::read(table, problems),
            sections: issue::read(table, problems),
            version_params,
            rules,
            enforce,
            trust,
            timeout: table
                .duration("timeout", problems)
                .unwrap_or(Duration::from_secs(300)),
            release_branches: fields::read_release_branches(table, problems)?,
            digest_file: files.digest,
            train,
            sign_off: sign_off::read(table, &targets, problems),
            targets,
            limits,
            verify_keys: fields::read_verify_keys(table, problems),
            confidential,
            ticket_file: files.ticket,
            telling,
            overrides,
            tags_format: files.tags_format,
            repo,
            source,
            tag,
            tags,
            sole_publisher,
            attest,
            tags_file: files.tags,
            summary: files.summary,
            prefixes,
            working_branch,
            ticket,
            release,
            hotfix_tags: hotfix_tags?,
            digest,
        };
        Some(policy)
    }

    /// `tag` and `tags`, in the order in which they are published: `tag` last, because it is the
    /// name that people promote, and it should appear when everything else stands.
    pub fn templates(&self) -> impl Iterator<Item = &TagTemplate> {
        self.tags.iter().chain([&self.tag])
    }

    /// Whether a tag may be published under this policy: no release's, and known again as a
    /// hotfix's.
    pub fn may_publish(&self, tag: &ImageTag) -> bool {
        !self.is_release(tag.as_str()) && self.hotfix_tags.recognise(tag.as_str())
    }

    /// Whether a tag is a release's.
    pub fn is_release(&self, tag: &str) -> bool {
        is_release(tag, self.release.as_ref())
    }

    /// Whether a tag can be nothing but a release's: `418`, which [`Self::is_release`] takes, may be the
    /// number of a build.
    pub fn is_full_release(&self, tag: &str) -> bool {
        is_full_version(tag) || self.release.as_ref().is_some_and(|it| it.is_match(tag))
    }
}

/// Whether a tag is a release's: a version, or what the pattern of the policy says.
pub fn is_release(tag: &str, pattern: Option<&Regex>) -> bool {
    is_version(tag) || pattern.is_some_and(|pattern| pattern.is_match(tag))
}
