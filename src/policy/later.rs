//! Keys of a policy that this version reads and checks, but that decide nothing yet.
//!
//! A team may write its whole policy today: mistakes in these keys are found, the report names
//! every one of them that is set, and no rule pretends to have used it. A rule that a policy
//! demands and that does not exist yet is never taken as passed (see `rules::later`).

use reqwest::Url;

use super::read::Table;
use crate::problem::Problem;

/// The values of those keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Later {
    /// Address of the forge.
    pub forge: Option<String>,
}

/// The keys of `policy` that this file reads.
pub const KEYS: [&str; 1] = ["forge"];

/// Reads the keys.
pub fn read(policy: &Table<'_>, problems: &mut Vec<Problem>) -> Later {
    let mut later = Later::default();
    let expected = "an address such as `https://git.example`";
    later.forge = policy.parsed("forge", expected, problems, |text| match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => Ok(text.to_owned()),
        Ok(_) => Err("not https".to_owned()),
        Err(why) => Err(why.to_string()),
    });
    later
}
