use serde_json::{Value, json};

use super::super::Form;
use super::super::made::{Folder, Made, entry, tar, tar_of};
use super::*;

type Named = (String, Vec<u8>);

fn local(archive: &[u8], reference: Option<&str>) -> Result<Local, LocalError> {
    let folder = Folder::new();
    let path = folder.write("saved.tar", archive);
    Local::open(Form::DockerArchive, &path, reference)
}

#[track_caller]
fn saved(archive: &[u8], reference: Option<&str>) -> Saved {
    match local(archive, reference).unwrap() {
        Local::Saved(saved) => saved,
        Local::Layout(layout) => panic!("used the layout {:?}", layout.root()),
    }
}

#[track_caller]
fn refused(archive: &[u8], reference: Option<&str>, word: &str) {
    let error = local(archive, reference).unwrap_err();
    assert!(error.found.contains(word), "{error}");
    assert!(!error.next.is_empty());
}

fn diff_id(layer: &[u8]) -> String {
    Digest::of(layer).to_string()
}

/// A configuration for these layers, under the name of its digest.
fn config(layers: &[&[u8]]) -> Named {
    let ids: Vec<String> = layers.iter().map(|layer| diff_id(layer)).collect();
    let config = json!({"os": "linux", "rootfs": {"type": "layers", "diff_ids": ids}});
    let bytes = config.to_string().into_bytes();
    let hex = Digest::of(&bytes).as_str().replace("sha256:", "");
    (format!("{hex}.json"), bytes)
}

fn file(name: &str, bytes: &[u8]) -> Named {
    (name.to_owned(), bytes.to_vec())
}

fn listed(images: Value) -> Named {
    file("manifest.json", images.to_string().as_bytes())
}

/// An archive with one image of two layers.
fn two_layers(first: &[u8], second: &[u8]) -> Vec<Named> {
    let config = config(&[first, second]);
    let images = json!([{"Config": config.0, "RepoTags": ["quay.io/a/b:1.0"], "Layers": ["1/layer.tar", "./2/layer.tar"]}]);
    vec![
        config,
        file("1/layer.tar", first),
        file("2/layer.tar", second),
        listed(images),
    ]
}

#[test]
fn configuration_and_layers_are_found() {
    let gzip = b"\x1f\x8b\x08 second";
    let files = two_layers(b"first", gzip);
    let read = saved(&tar_of(&files), None);
    assert_eq!(read.config, files[0].1);
    assert_eq!(read.note, None);
    assert_eq!(read.layers.len(), 2);
    assert_eq!(read.layers[0].content.bytes(99).unwrap(), b"first");
    assert_eq!(read.layers[1].content.bytes(99).unwrap(), gzip);
    assert_eq!(read.layers[0].diff_id.as_str(), diff_id(b"first"));
    assert!(!read.layers[0].compressed && read.layers[1].compressed);
}

#[test]
fn several_images_need_a_name() {
    let (one, two) = (config(&[b"1"]), config(&[b"2"]));
    let id = format!("sha256:{}", two.0.trim_end_matches(".json"));
    let files = [
        listed(json!([
            {"Config": one.0, "RepoTags": ["app:1.0", "quay.io/a/b:1.0"], "Layers": ["1"]},
            {"Config": two.0, "RepoTags": null, "Layers": ["2"]},
        ])),
        one.clone(),
        two.clone(),
        file("1", b"1"),
        file("2", b"2"),
    ];
    let archive = tar_of(&files);
    for name in [
        "1.0",
        "app:1.0",
        "docker.io/library/app:1.0",
        "quay.io/a/b:1.0",
    ] {
        assert_eq!(saved(&archive, Some(name)).config, one.1, "{name}");
    }
    assert_eq!(saved(&archive, Some(&id)).config, two.1);
    refused(
        &archive,
        None,
        &format!("could be meant: `app:1.0`, `{id}`"),
    );
    refused(
        &archive,
        Some("2.0"),
        "holds no image `2.0`, only `app:1.0`",
    );
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let files = two_layers(b"first", b"second");
    let (config, manifest) = (files[0].0.clone(), files[3].1.clone());
    let with = |at: usize, bytes: &[u8]| {
        let mut files = files.clone();
        files[at].1 = bytes.to_vec();
        tar_of(&files)
    };
    for (broken, word) in [
        ("[", "not a list of images"),
        (r#"{"a":1}"#, "not a list of images"),
        (r#"[{"Layers":[]}]"#, "not a list of images"),
        ("[]", "lists no image"),
        (
            r#"[{"Config":"none.json","Layers":[]}]"#,
            "holds no `none.json`",
        ),
        (
            r#"[{"Config":"../x.json","Layers":[]}]"#,
            "holds no `../x.json`",
        ),
    ] {
        refused(&with(3, broken.as_bytes()), None, word);
    }
    refused(&with(0, b"{}"), None, "has another digest");
    refused(&with(3, &vec![b' '; LARGEST + 1]), None, "the most");
    let fewer = json!([{"Config": config, "RepoTags": null, "Layers": ["1/layer.tar"]}]);
    refused(
        &with(3, fewer.to_string().as_bytes()),
        None,
        "names 1 layers and the configuration 2",
    );
    let none = json!([{"Config": config, "Layers": null}]);
    refused(
        &with(3, none.to_string().as_bytes()),
        None,
        "names 0 layers",
    );
    let lost = String::from_utf8(manifest)
        .unwrap()
        .replace("1/layer", "3/layer");
    refused(&with(3, lost.as_bytes()), None, "holds no `3/layer.tar`");
    refused(
        &tar_of(&files[..3]),
        None,
        "neither `manifest.json` nor an OCI layout",
    );
}

#[test]
fn a_configuration_must_list_the_layers() {
    let archive = |config: &[u8]| {
        let images = json!([{"Config": "config.json", "Layers": ["1"]}]);
        tar_of(&[listed(images), file("config.json", config), file("1", b"1")])
    };
    let good = json!({"rootfs": {"diff_ids": [diff_id(b"1")]}}).to_string();
    assert_eq!(saved(&archive(good.as_bytes()), None).layers.len(), 1);
    for (config, word) in [
        (&b"x"[..], "does not list the layers"),
        (b"{}", "does not list the layers"),
        (br#"{"rootfs":{"diff_ids":null}}"#, "the configuration 0"),
        (
            br#"{"rootfs":{"diff_ids":["md5:00"]}}"#,
            "which is no digest",
        ),
    ] {
        refused(&archive(config), None, word);
    }
    refused(&archive(&vec![b' '; LARGEST + 1]), None, "the most");
    let ids = vec![diff_id(b"1"); MOST_LAYERS + 1];
    let config = json!({"rootfs": {"diff_ids": ids}}).to_string();
    let images = json!([{"Config": "config.json", "Layers": vec!["1"; MOST_LAYERS + 1]}]);
    let many = [
        listed(images),
        file("config.json", config.as_bytes()),
        file("1", b"1"),
    ];
    refused(&tar_of(&many), None, "1000 at most");
}

#[test]
fn a_layer_of_another_compression_is_refused() {
    for (head, word) in [
        (&b"\x28\xb5\x2f\xfd rest"[..], "zstd"),
        (b"\xfd7zXZ\0 rest", "xz"),
        (b"BZh9 rest", "bzip2"),
    ] {
        let archive = tar_of(&two_layers(b"first", head));
        refused(
            &archive,
            None,
            &format!("`2/layer.tar` is compressed with {word}"),
        );
    }
}

#[test]
fn a_layer_that_is_a_link_is_taken_from_where_it_stands_in_full() {
    let archive = |second: &[u8]| {
        let files = two_layers(b"first", second);
        let entry = |(name, bytes): &Named| match name.as_str() {
            "2/layer.tar" => entry(b'2', name.as_bytes(), b""),
            _ => entry(b'0', name.as_bytes(), bytes),
        };
        tar(&files.iter().map(entry).collect::<Vec<_>>())
    };
    let read = saved(&archive(b"first"), None);
    assert_eq!(read.layers[1].content.bytes(99).unwrap(), b"first");
    refused(&archive(b"second"), None, "`2/layer.tar` in ");
    refused(&archive(b"second"), None, "is a link");
}

#[test]
fn links_beside_the_files_that_count_do_no_harm() {
    let mut entries = vec![entry(b'2', b"abc/layer.tar", b"")];
    let files = two_layers(b"first", b"second");
    entries.extend(
        files
            .iter()
            .map(|(name, bytes)| entry(b'0', name.as_bytes(), bytes)),
    );
    assert_eq!(saved(&tar(&entries), None).layers.len(), 2);
}

/// What Docker writes since version 25: both forms in one archive.
fn both(index: Option<&str>, without: Option<usize>) -> Vec<u8> {
    let mut made = Made::default();
    let image = made.image("layer");
    made.list(
        &image,
        &[
            ("io.containerd.image.name", "quay.io/a/b:1.0"),
            ("org.opencontainers.image.ref.name", "1.0"),
        ],
    );
    let (config, layer) = (made.blobs[0].0.clone(), made.blobs[1].0.clone());
    let mut files = made.files();
    if let Some(index) = index {
        files[1].1 = index.as_bytes().to_vec();
    }
    if let Some(at) = without {
        files.remove(at);
    }
    files.push(listed(
        json!([{"Config": config, "RepoTags": ["quay.io/a/b:1.0"], "Layers": [layer]}]),
    ));
    tar_of(&files)
}

#[test]
fn a_whole_layout_in_the_archive_is_preferred() {
    for reference in [None, Some("1.0"), Some("quay.io/a/b:1.0")] {
        let read = local(&both(None, None), reference).unwrap();
        assert!(matches!(read, Local::Layout(_)), "{reference:?}");
    }
}

#[test]
fn a_layout_that_is_not_whole_is_left_and_said() {
    for (archive, word) in [
        (
            both(Some(r#"{"schemaVersion":2,"manifests":null}"#), None),
            "lists no image",
        ),
        (both(Some("{}"), None), "lists no image"),
        (both(Some("broken"), None), "not a list of images"),
        // Without its manifest, as a save from a store that holds one platform.
        (both(None, Some(4)), "which its manifest names"),
    ] {
        let read = saved(&archive, Some("1.0"));
        assert_eq!(read.layers[0].content.bytes(99).unwrap(), b"layer");
        let note = read.note.unwrap();
        assert!(
            note.contains("compressed anew") && note.contains(word),
            "{note}"
        );
    }
    // Without the mark of a layout there is nothing to say.
    assert_eq!(saved(&both(None, Some(0)), None).note, None);
    refused(&both(None, None), Some("2.0"), "holds no image `2.0`");
}

#[test]
fn a_broken_layout_alone_says_what_is_wrong_with_it() {
    let mut made = Made::default();
    let image = made.image("layer");
    made.list(&image, &[]);
    let mut files = made.files();
    assert!(matches!(local(&tar_of(&files), None), Ok(Local::Layout(_))));
    files.pop();
    refused(&tar_of(&files), None, "which its manifest names");
}
