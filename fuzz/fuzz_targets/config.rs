//! Docker's `config.json`: no error repeats a word of an entry, every entry is found again, and no
//! password shows itself.

#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use drone_hotfix::registry::credentials::{Credentials, DockerConfig};
use drone_hotfix::secret::MASK;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Every sentence that an entry can be refused with, got from entries that hold nothing.
static SENTENCES: LazyLock<Vec<String>> = LazyLock::new(|| {
    [r#"{"identitytoken":"-"}"#, r#"{"auth":"-"}"#]
        .map(|entry| refusal(&format!(r#"{{"auths":{{"a.example":{entry}}}}}"#)))
        .to_vec()
});

fn refusal(config: &str) -> String {
    let config = DockerConfig::parse(config).expect("a config");
    config.for_host("a.example").expect_err("a refusal")
}

fuzz_target!(|text: &str| {
    let config = match DockerConfig::parse(text) {
        Ok(config) => config,
        Err(said) => {
            let place = said
                .strip_prefix("not the JSON of a docker config.json (line ")
                .and_then(|rest| rest.strip_suffix(')'))
                .and_then(|rest| rest.split_once(", column "));
            let number = |text: &str| text.parse::<usize>().is_ok();
            assert!(
                place.is_some_and(|(line, column)| number(line) && number(column)),
                "{said:?}"
            );
            return;
        }
    };
    assert_eq!(DockerConfig::parse(text).as_ref(), Ok(&config));
    for secret in config.secrets() {
        assert_eq!(format!("{secret:?}"), MASK);
    }
    // Numbers and texts that nobody reads are not looked at, and may be too large or no Unicode.
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let helpers = helpers(&value);
    let mut passwords = 0;
    for host in hosts(&value) {
        let found = config.for_host(&host);
        assert_eq!(config.for_host(&host), found);
        match found {
            Ok(Credentials::Anonymous) => {}
            Ok(basic @ Credentials::Basic { .. }) => {
                passwords += 1;
                let shown = format!("{basic:?}");
                let Credentials::Basic { username, .. } = basic else {
                    return;
                };
                let expected = format!("Basic {{ username: {username:?}, password: {MASK} }}");
                assert_eq!(shown, expected);
            }
            Err(said) => {
                let of_helper = helpers.iter().any(|helper| {
                    let config = serde_json::json!({ "credsStore": helper });
                    refusal(&config.to_string()) == said
                });
                assert!(of_helper || SENTENCES.contains(&said), "{said:?}");
            }
        }
    }
    assert_eq!(config.secrets().count(), passwords);
});

fn keys<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value
        .get(name)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn helpers(value: &Value) -> Vec<String> {
    keys(value, "credHelpers")
        .map(|(_, helper)| helper)
        .chain(value.get("credsStore"))
        .filter_map(|helper| helper.as_str().map(str::to_owned))
        .collect()
}

/// The hosts as `Repository::host` writes them.
fn hosts(value: &Value) -> BTreeSet<String> {
    keys(value, "auths")
        .chain(keys(value, "credHelpers"))
        .map(|(key, _)| {
            let rest = key.strip_prefix("https://").or(key.strip_prefix("http://"));
            let host = rest.unwrap_or(key).split('/').next().unwrap_or_default();
            match host.to_ascii_lowercase().as_str() {
                "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
                host => host.to_owned(),
            }
        })
        .collect()
}
