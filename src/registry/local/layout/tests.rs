use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::made::{Folder, Made, OCI_IMAGE, OCI_INDEX, tar_of};
use super::super::{Form, Local};
use super::*;

const REF: &str = "org.opencontainers.image.ref.name";
const FULL: &str = "io.containerd.image.name";

/// Opens the same files as a directory and as an archive, which must say the same.
fn opened(files: &[(String, Vec<u8>)], reference: Option<&str>) -> Result<Layout, LocalError> {
    let folder = Folder::new();
    let directory = folder.write_all("image", files);
    let archive = folder.write("image.tar", &tar_of(files));
    let open = |form, path: &PathBuf| match Local::open(form, path, reference)? {
        Local::Layout(layout) => Ok(layout),
        Local::Saved(_) => panic!("a layout is not a saved image"),
    };
    let one = open(Form::Layout, &directory);
    let other = open(Form::LayoutArchive, &archive);
    match (&one, &other) {
        (Ok(one), Ok(other)) => assert_eq!(one.root(), other.root()),
        (Err(one), Err(other)) => {
            let path = |error: &LocalError, path: &PathBuf| {
                error
                    .found
                    .replace(&path.to_string_lossy().into_owned(), "IMAGE")
            };
            assert_eq!(path(one, &directory), path(other, &archive));
        }
        _ => panic!("{one:?} but {other:?}"),
    }
    one.and(other)
}

#[track_caller]
fn refused(files: &[(String, Vec<u8>)], reference: Option<&str>, word: &str) {
    let error = opened(files, reference).unwrap_err();
    assert!(error.found.contains(word), "{error}");
    assert!(!error.next.is_empty());
}

/// The same files with one of them replaced.
fn with(files: &[(String, Vec<u8>)], name: &str, bytes: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = files.to_vec();
    let file = files.iter_mut().find(|(known, _)| known == name).unwrap();
    file.1 = bytes.as_bytes().to_vec();
    files
}

fn without(files: &[(String, Vec<u8>)], name: &str) -> Vec<(String, Vec<u8>)> {
    let left = files.iter().filter(|(known, _)| known != name);
    left.cloned().collect()
}

fn blob_name(descriptor: &Value) -> String {
    let digest = descriptor["digest"].as_str().unwrap();
    format!("blobs/{}", digest.replace(':', "/"))
}

fn simple() -> (Made, Value) {
    let mut made = Made::default();
    let image = made.image("layer");
    made.list(&image, &[]);
    (made, image)
}

#[test]
fn an_image_is_followed_to_its_blobs() {
    let mut made = Made::default();
    let (one, two) = (made.image("one"), made.image("two"));
    let index = made.index(&[one.clone(), two]);
    made.list(&index, &[(REF, "1.0")]);
    let layout = opened(&made.files(), None).unwrap();
    assert_eq!(layout.root().media_type, OCI_INDEX);
    assert_eq!(layout.root().digest.as_str(), index["digest"]);
    let children = layout.root().parts().unwrap();
    assert_eq!(children.len(), 2);
    let image = layout.manifest(&children[0]).unwrap();
    assert_eq!(image.digest.as_str(), one["digest"]);
    assert_eq!(image.media_type, OCI_IMAGE);
    let parts = image.parts().unwrap();
    let config = layout.blob(&parts[0]).unwrap().bytes(1_000).unwrap();
    assert!(Digest::of(&config) == parts[0].digest);
    assert_eq!(layout.blob(&parts[1]).unwrap().bytes(9).unwrap(), b"one");
}

#[test]
fn the_reference_says_which_image() {
    let mut made = Made::default();
    let (one, two, three) = (made.image("one"), made.image("two"), made.image("three"));
    made.list(&one, &[(REF, "1.0"), (FULL, "docker.io/library/app:1.0")]);
    made.list(&one, &[(REF, "1.1"), (FULL, "docker.io/library/app:1.1")]);
    made.list(&two, &[(REF, "quay.io/a/b:2.0")]);
    made.list(&three, &[]);
    let files = made.files();
    let chosen = |reference: &str| {
        let layout = opened(&files, Some(reference)).unwrap();
        layout.root().digest.to_string()
    };
    for (image, references) in [
        (
            &one,
            &["1.0", "1.1", "app:1.1", "docker.io/library/app:1.0"][..],
        ),
        (&two, &["2.0", "quay.io/a/b:2.0"]),
        (&three, &[three["digest"].as_str().unwrap()]),
    ] {
        for reference in references {
            assert_eq!(
                chosen(reference),
                image["digest"].as_str().unwrap(),
                "{reference}"
            );
        }
    }
    refused(
        &files,
        Some("3.0"),
        "holds no image `3.0`, only `app:1.0`, `app:1.1`, `quay.io/a/b:2.0`, `sha256:",
    );
    refused(&files, None, "3 images that could be meant");
}

#[test]
fn one_image_under_several_names_needs_no_reference() {
    let mut made = Made::default();
    let image = made.image("one");
    made.list(&image, &[(REF, "1.0")]);
    made.list(&image, &[(REF, "latest")]);
    assert!(opened(&made.files(), None).is_ok());
}

#[test]
fn sha512_is_a_digest_too() {
    let (made, image) = simple();
    let (_, bytes) = made.blobs.last().unwrap().clone();
    let digest = ring::digest::digest(&ring::digest::SHA512, &bytes);
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let mut listed = image;
    listed["digest"] = json!(format!("sha512:{hex}"));
    // The data in a descriptor is not looked at.
    listed["data"] = json!("d3Jvbmc=");
    let mut made = made;
    made.listed = vec![listed.clone()];
    let mut files = made.files();
    files.push((blob_name(&listed), bytes));
    let layout = opened(&files, None).unwrap();
    assert_eq!(layout.root().digest.as_str(), listed["digest"]);
    let wrong = with(
        &files,
        &blob_name(&listed),
        &"x".repeat(files.last().unwrap().1.len()),
    );
    refused(&wrong, None, "does not have that digest");
}

#[test]
fn what_is_no_layout_is_refused() {
    let files = simple().0.files();
    refused(
        &without(&files, "oci-layout"),
        None,
        "holds no `oci-layout`",
    );
    refused(&with(&files, "oci-layout", "{}"), None, "names no version");
    let two = r#"{"imageLayoutVersion":"2.0.0"}"#;
    refused(
        &with(&files, "oci-layout", two),
        None,
        "its version is `2.0.0`",
    );
    let long = format!(
        "{{\"imageLayoutVersion\":\"1.0.0\"}}{}",
        " ".repeat(LARGEST_MARK)
    );
    refused(&with(&files, "oci-layout", &long), None, "the most");
    refused(
        &without(&files, "index.json"),
        None,
        "holds no `index.json`",
    );
    for broken in [
        "",
        "[",
        "[]x",
        r#"{"manifests":{}}"#,
        r#"{"manifests":[{"digest":"x"}]}"#,
    ] {
        refused(
            &with(&files, "index.json", broken),
            None,
            "not a list of images",
        );
    }
    for empty in ["{}", r#"{"manifests":null}"#, r#"{"manifests":[]}"#] {
        refused(&with(&files, "index.json", empty), None, "lists no image");
    }
    let odd = r#"{"manifests":[{"digest":"md5:00","size":1}]}"#;
    refused(
        &with(&files, "index.json", odd),
        None,
        "no digest that we can check",
    );
    let climbing = r#"{"manifests":[{"digest":"sha256:../../index.json","size":1}]}"#;
    refused(
        &with(&files, "index.json", climbing),
        None,
        "no digest that we can check",
    );
    let large = " ".repeat(LARGEST_INDEX + 1);
    refused(&with(&files, "index.json", &large), None, "the most");
}

#[test]
fn a_manifest_must_be_what_its_descriptor_says() {
    let (made, image) = simple();
    let (files, name) = (made.files(), blob_name(&image));
    refused(&without(&files, &name), None, "which its manifest names");
    let length = files.last().unwrap().1.len();
    refused(
        &with(&files, &name, &"x".repeat(length)),
        None,
        "does not have that digest",
    );
    refused(&with(&files, &name, "x"), None, "has 1 bytes, not");

    let mut other = image;
    other["mediaType"] = json!(OCI_INDEX);
    let mut confused = Made {
        listed: vec![other],
        blobs: made.blobs,
    };
    refused(&confused.files(), None, "CVE-2021-41190");
    let page = confused.blob("text/html", b"<html>");
    confused.listed = vec![page];
    refused(&confused.files(), None, "cannot be published");
    let old = confused.blob(OCI_IMAGE, br#"{"schemaVersion":1,"name":"a"}"#);
    confused.listed = vec![old];
    refused(&confused.files(), None, "schema 1");
    let large = confused.blob(OCI_IMAGE, " ".repeat(manifest::LARGEST + 1).as_bytes());
    confused.listed = vec![large];
    refused(&confused.files(), None, "the most");
}

#[test]
fn a_blob_must_be_there_and_have_its_size() {
    let (made, image) = simple();
    let layout = opened(&made.files(), None).unwrap();
    assert_eq!(layout.root().digest.as_str(), image["digest"]);
    let mut part = layout.root().parts().unwrap()[1].clone();
    part.size += 1;
    let error = layout.blob(&part).unwrap_err();
    assert!(error.found.contains("has 5 bytes, not 6"), "{error}");
    part.digest = Digest::of(b"none");
    let error = layout.blob(&part).unwrap_err();
    assert!(error.found.contains("which its manifest names"), "{error}");
}

#[test]
fn no_link_leads_out_of_a_layout() {
    use std::os::unix::fs::symlink;
    let (made, image) = simple();
    let folder = Folder::new();
    let real = folder.write_all("real", &made.files());
    for (i, name) in [
        "index.json",
        "oci-layout",
        "blobs",
        "blobs/sha256",
        &blob_name(&image),
    ]
    .into_iter()
    .enumerate()
    {
        let files = made.files();
        let copy = folder.write_all(&format!("copy{i}"), &files);
        let at = copy.join(name);
        if at.is_dir() {
            std::fs::remove_dir_all(&at).unwrap();
        } else {
            std::fs::remove_file(&at).unwrap();
        }
        symlink(real.join(name), &at).unwrap();
        let error = Local::open(Form::Layout, &copy, None).unwrap_err();
        assert!(error.found.contains("is a link"), "{name}: {error}");
    }
}

#[test]
fn a_whole_layout_holds_everything_in_every_depth() {
    let mut made = Made::default();
    let (one, two) = (made.image("one"), made.image("two"));
    let inner = made.index(&[one.clone(), one.clone()]);
    let outer = made.index(&[inner, two.clone()]);
    made.list(&outer, &[]);
    let folder = Folder::new();
    let whole = |files: &[(String, Vec<u8>)], name: &str| {
        let path = folder.write_all(name, files);
        Layout::whole(&Files::directory(&path).unwrap(), None)
    };
    let files = made.files();
    assert_eq!(
        whole(&files, "all").unwrap().digest.as_str(),
        outer["digest"]
    );
    for (i, (name, _)) in made.blobs.iter().enumerate() {
        let error = whole(&without(&files, name), &format!("part{i}")).unwrap_err();
        assert!(
            error.found.contains("which its manifest names"),
            "{name}: {error}"
        );
    }
    let mut foreign = two;
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_IMAGE,
        "config": made.blob("application/vnd.oci.image.config.v1+json", b"{}"),
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "digest": Digest::of(b"elsewhere").as_str(), "size": 9, "urls": ["https://example.org"]}]});
    foreign.clone_from(&made.blob(OCI_IMAGE, manifest.to_string().as_bytes()));
    made.listed.clear();
    made.list(&foreign, &[]);
    assert!(whole(&made.files(), "foreign").is_ok());
}

#[test]
fn indexes_that_multiply_are_read_once_each() {
    let mut made = Made::default();
    let mut last = made.image("one");
    // Followed anew each time, this would be 2^48 images.
    for _ in 0..48 {
        last = made.index(&[last.clone(), last]);
    }
    made.list(&last, &[]);
    let folder = Folder::new();
    let files = Files::directory(&folder.write_all("image", &made.files())).unwrap();
    assert!(Layout::whole(&files, None).is_ok());
}
