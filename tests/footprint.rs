//! What the binary is made of: no OpenSSL, no second TLS, no second HTTP client, few crates.

use std::process::Command;

use crate::support::pipeline::drone_pipelines;

/// The crates of the shipped binary, by name.
fn crates() -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn the_projects_own_pipeline_tests_before_it_builds_an_image() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.drone.yml")).unwrap();
    assert!(!text.contains("${"));
    let pipelines = drone_pipelines(&text);
    for pipeline in &pipelines {
        let test = pipeline.step("test");
        assert!(
            test.commands
                .iter()
                .any(|command| command.starts_with("bash tests/run"))
        );
    }
    let image = pipelines
        .iter()
        .find(|pipeline| pipeline.name == "image")
        .unwrap();
    assert_eq!(image.step("tags").depends_on, ["test"]);
    assert_eq!(image.step("image").depends_on, ["tags"]);
}

#[test]
fn unwanted_crates_stay_out() {
    let crates = crates();
    assert!(crates.iter().any(|name| name == "reqwest"), "{crates:?}");
    for unwanted in [
        "openssl",
        "openssl-sys",
        "native-tls",
        "aws-lc-rs",
        "aws-lc-sys",
        "hyper-tls",
        "curl",
        "curl-sys",
        "ureq",
        "isahc",
        "attohttpc",
        "h2",
        "quinn",
        "gix",
        "libssh2-sys",
        "openssl-src",
        "tokio-macros",
    ] {
        assert!(
            !crates.iter().any(|name| name == unwanted),
            "{unwanted} is in the tree"
        );
    }
    assert!(crates.len() <= 130, "{} crates: {crates:?}", crates.len());
}
