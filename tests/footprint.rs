//! What the binary is made of: no OpenSSL, no second TLS, no second HTTP client, few crates.

use std::process::Command;

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
