//! Data of the tests. `drone-settings.json` holds `settings:` blocks with the variables and secret
//! references that Drone's own code makes of them (buildkite/yaml v2.1.0, internal/encoder and
//! engine/convert.go of drone-runners/drone-runner-docker at 9ea626a, ghodss/yaml v1.0.0): it was
//! made by running that code, not by reading it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise, and that is what it is for"
)]

use std::collections::BTreeMap;
use std::path::Path;

/// A `settings:` block and what becomes of it.
#[derive(Clone, Debug)]
pub struct Row {
    pub yaml: String,
    pub env: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, String>,
}

pub fn drone_settings_rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/drone-settings.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a list of rows");
    let strings = |value: &serde_json::Value| -> BTreeMap<String, String> {
        let object = value.as_object().into_iter().flatten();
        object
            .map(|(key, value)| (key.clone(), value.as_str().expect("a string").to_owned()))
            .collect()
    };
    let row = |row: &serde_json::Value| Row {
        yaml: row["yaml"].as_str().expect("a text").to_owned(),
        env: strings(&row["env"]),
        secrets: strings(&row["secrets"]),
    };
    rows.iter().map(row).collect()
}
