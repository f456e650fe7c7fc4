//! The variables that Drone derives from a tag: drone/runner-go environ/semver.go (with
//! coreos/go-semver v0.3.0) and environ/calver.go.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

/// `DRONE_SEMVER*`, or `DRONE_SEMVER_ERROR`.
pub fn semver(tag: &str) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    match parse(tag.strip_prefix('v').unwrap_or(tag)) {
        Err(error) => {
            env.insert("DRONE_SEMVER_ERROR".into(), error);
        }
        Ok(([major, minor, patch], prerelease, build)) => {
            let short = format!("{major}.{minor}.{patch}");
            let mut full = short.clone();
            if !prerelease.is_empty() {
                full += &format!("-{prerelease}");
                env.insert("DRONE_SEMVER_PRERELEASE".into(), prerelease);
            }
            if !build.is_empty() {
                full += &format!("+{build}");
                env.insert("DRONE_SEMVER_BUILD".into(), build);
            }
            env.insert("DRONE_SEMVER".into(), full);
            env.insert("DRONE_SEMVER_SHORT".into(), short);
            env.insert("DRONE_SEMVER_MAJOR".into(), major.to_string());
            env.insert("DRONE_SEMVER_MINOR".into(), minor.to_string());
            env.insert("DRONE_SEMVER_PATCH".into(), patch.to_string());
        }
    }
    env
}

/// The three numbers, the prerelease and the build metadata.
fn parse(version: &str) -> Result<([i64; 3], String, String), String> {
    static IDENTIFIER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*$").expect("a pattern"));
    let (version, build) = version.split_once('+').unwrap_or((version, ""));
    let (version, prerelease) = version.split_once('-').unwrap_or((version, ""));
    let parts: Vec<&str> = version.splitn(3, '.').collect();
    if parts.len() != 3 {
        return Err(format!("{version} is not in dotted-tri format"));
    }
    for (name, identifier) in [("pre-release", prerelease), ("metadata", build)] {
        if !identifier.is_empty() && !IDENTIFIER.is_match(identifier) {
            return Err(format!(
                "failed to validate {name}: {identifier} is not a valid semver identifier"
            ));
        }
    }
    let mut numbers = [0; 3];
    for (number, part) in numbers.iter_mut().zip(parts) {
        let digits = part.strip_prefix(['-', '+']).unwrap_or(part);
        let syntax = digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit());
        let problem = if syntax {
            "invalid syntax"
        } else {
            "value out of range"
        };
        *number = part
            .parse()
            .map_err(|_| format!("strconv.ParseInt: parsing \"{part}\": {problem}"))?;
    }
    Ok((numbers, prerelease.into(), build.into()))
}

/// `DRONE_CALVER*`, if the tag starts with something like a year.
pub fn calver(tag: &str) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let mut parts = tag.strip_prefix('v').unwrap_or(tag).splitn(3, '.');
    let (Some(major), Some(minor)) = (parts.next(), parts.next()) else {
        return env;
    };
    let last = parts.next().unwrap_or_default();
    let (micro, modifier) = last.split_once('-').unwrap_or((last, ""));
    let (Ok(year), Ok(_)) = (major.parse::<i64>(), minor.parse::<i64>()) else {
        return env;
    };
    if !((19..100).contains(&year) || (2019..9999).contains(&year)) {
        return env;
    }
    let micro_part = if micro.is_empty() {
        String::new()
    } else {
        format!(".{micro}")
    };
    let short = format!("{major}.{minor}{micro_part}");
    let full = if modifier.is_empty() {
        short.clone()
    } else {
        format!("{short}-{modifier}")
    };
    env.insert("DRONE_CALVER".into(), full);
    env.insert("DRONE_CALVER_SHORT".into(), short);
    env.insert(
        "DRONE_CALVER_MAJOR_MINOR".into(),
        format!("{major}.{minor}"),
    );
    env.insert("DRONE_CALVER_MAJOR".into(), major.into());
    env.insert("DRONE_CALVER_MINOR".into(), minor.into());
    env.insert("DRONE_CALVER_MICRO".into(), micro.into());
    env.insert("DRONE_CALVER_MODIFIER".into(), modifier.into());
    env
}
