use super::*;

fn read_all(variables: &[(&str, &str)]) -> (Read, Vec<Problem>) {
    let environment = Environment::new(variables.iter().map(|(n, v)| ((*n).into(), (*v).into())));
    let mut problems = Vec::new();
    let read = read(&environment, &Redactor::default(), &mut problems);
    (read, problems)
}

#[test]
fn a_secret_that_is_there_and_empty_is_missing() {
    let (read, problems) = read_all(&[
        ("PLUGIN_POLICY", "{}"),
        ("PLUGIN_USERNAME", "u"),
        ("PLUGIN_PASSWORD", ""),
    ]);
    assert_eq!(problems, []);
    let missing = Cause::MissingSecret("password".to_owned());
    assert_eq!(read.settings.credentials("quay.io"), Err(missing));
    assert!(read.settings.has_registry_credentials());
}

#[test]
fn names_are_exact_and_near_misses_are_errors() {
    let (_, problems) = read_all(&[("PLUGIN_policy", "{}"), ("plugin_POLICY", "{}")]);
    let settings: Vec<&str> = problems.iter().map(|p| p.setting.as_str()).collect();
    assert_eq!(settings, ["PLUGIN_policy", "plugin_POLICY", "policy"]);
    let (read, problems) = read_all(&[
        ("PLUGIN_POLICY", "{}"),
        ("PLUGIN_MTU", "1"),
        ("PLUGIN_DRY-RUN", "true"),
    ]);
    assert_eq!(read.settings.ignored, ["PLUGIN_MTU"]);
    assert_eq!(problems[0].expected, "`PLUGIN_DRY_RUN`");
}

#[test]
fn without_a_policy_the_reason_is_said() {
    let (_, problems) = read_all(&[("PLUGIN_REPO", "quay.io/a/b")]);
    let next = problems[0].next.as_deref().unwrap();
    assert!(
        next.contains("promotion parameter") && next.contains("`repo` belongs inside"),
        "{next}"
    );
}

#[test]
fn a_wrong_signing_key_is_a_problem_that_does_not_show_it() {
    let key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIAAAAAAAAAAA\n-----END EC PRIVATE KEY-----";
    let (_, problems) = read_all(&[("PLUGIN_POLICY", "{}"), ("PLUGIN_SIGNING_KEY", key)]);
    assert_eq!(problems[0].setting, "signing_key");
    assert!(!format!("{problems:?}").contains("MHcC"), "{problems:?}");
    let (read, problems) = read_all(&[("PLUGIN_POLICY", "{}"), ("PLUGIN_SIGNING_KEY", "")]);
    assert_eq!(problems, []);
    let missing = Cause::MissingSecret("signing_key".to_owned());
    assert_eq!(read.settings.signing_key().unwrap_err(), missing);
    let (read, _) = read_all(&[("PLUGIN_POLICY", "{}")]);
    assert!(read.settings.signing_key().unwrap().is_none());
}

#[test]
fn one_half_of_the_credentials_is_a_problem() {
    let (_, problems) = read_all(&[("PLUGIN_POLICY", "{}"), ("PLUGIN_USERNAME", "u")]);
    assert_eq!(problems[0].setting, "password");
}
