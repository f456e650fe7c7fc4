use super::*;

#[test]
fn repositories_name_their_host() {
    let text = |r: &str| Repository::parse(r).map(|r| r.to_string());
    assert_eq!(text("quay.io/a/b"), Some("quay.io/a/b".to_owned()));
    assert_eq!(
        text("Registry.Example:5000/a"),
        Some("registry.example:5000/a".to_owned())
    );
    assert_eq!(text("[::1]:5000/a"), Some("[::1]:5000/a".to_owned()));
    assert_eq!(text("localhost/a"), Some("localhost/a".to_owned()));
    assert_eq!(
        text("docker.io/app"),
        Some("docker.io/library/app".to_owned())
    );
    for wrong in [
        "",
        "app",
        "example/app",
        "quay.io/",
        "quay.io/A",
        "quay.io/a:1",
        "quay.io/a/",
        "quay.io//a",
        "https://quay.io/a",
        "quay.io/a b",
        "quay.io:/a",
        "quay.io:x/a",
        "-a.io/b",
        "quay.io/a..b",
        "quay.io/a-",
        "[::ffff:1.2.3.4]/a",
    ] {
        assert_eq!(text(wrong), None, "{wrong}");
    }
}

#[test]
fn the_longest_name_is_that_of_the_whole_name() {
    let path = |length| "a".repeat(length);
    let longest = format!("docker.io/{}", path(255 - "docker.io/library/".len()));
    let whole = Repository::parse(&longest).unwrap().to_string();
    assert_eq!(whole.len(), 255);
    assert!(Repository::parse(&whole).is_some());
    assert_eq!(Repository::parse(&format!("{longest}a")), None);
    let other = format!("quay.io/{}", path(255 - "quay.io/".len()));
    assert!(Repository::parse(&other).is_some());
    assert_eq!(Repository::parse(&format!("{other}a")), None);
}

#[test]
fn a_version_is_exactly_one_thing() {
    let hex = "a".repeat(64);
    for good in [
        "1.2.3".to_owned(),
        "1.2.3+build.5".to_owned(),
        "branch-hotfix_X".to_owned(),
        format!("sha256:{hex}"),
        "quay.io/a/b:1".to_owned(),
        format!("quay.io/a/b@sha256:{hex}"),
        format!("localhost:5000/a:x@sha256:{hex}"),
        "service:1.0".to_owned(),
        "Example/app:1".to_owned(),
        "my_team.x/app:1".to_owned(),
    ] {
        assert!(Version::parse(&good).is_some(), "{good}");
    }
    for bad in [
        "",
        " 1.2.3",
        "1.2.3 ",
        "1.2.3\n",
        "1.2.3,branch-hotfix_X",
        "a b",
        "hotfix/X",
        "quay.io/a/b",
        "a:b:c",
        "quay.io/A:1",
        "sha256:abc",
        "a@sha256:abc",
        "1.2.3;x",
        "$VERSION",
        "ｖ1",
        "a/b:.x",
        "@sha256:a",
    ] {
        assert_eq!(Version::parse(bad), None, "{bad:?}");
    }
}

#[test]
fn a_version_has_its_tag_at_its_end() {
    let hex = "a".repeat(64);
    for (text, tag) in [
        ("1.2.3".to_owned(), Some("1.2.3")),
        ("quay.io/a/b:1.2.3".to_owned(), Some("1.2.3")),
        (format!("b:1.2.3@sha256:{hex}"), Some("1.2.3")),
        (format!("quay.io:443/a/b@sha256:{hex}"), None),
        (format!("sha256:{hex}"), None),
    ] {
        let version = Version::parse(&text).unwrap();
        assert_eq!(version.tag(), tag, "{text}");
        let digest = version.digest().map(Digest::to_string);
        assert_eq!(digest.is_some(), text.contains(&hex), "{text}");
    }
}

#[test]
fn digests_are_of_the_bytes() {
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Digest::of(b"").as_str(), empty);
    let long = format!(
        "sha512:{}{}",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce",
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
    );
    assert!(Digest::parse(&long).unwrap().matches(b""));
    assert!(!Digest::parse(&long).unwrap().matches(b"x"));
    assert_eq!(Digest::parse("md5:00"), None);
}
