use proptest::prelude::*;

use super::super::files;
use super::super::made::{Folder, entry, pax, raw_entry, sum, tar};
use super::*;

fn index(bytes: &[u8]) -> Result<Index, LocalError> {
    let folder = Folder::new();
    Index::read(files::archive(&folder.write("a.tar", bytes))?)
}

#[track_caller]
fn refused(bytes: &[u8], word: &str) {
    let error = index(bytes).unwrap_err();
    assert!(error.found.contains(word), "{error}");
    assert!(!error.next.is_empty());
}

fn content(index: &Index, name: &str) -> Option<Vec<u8>> {
    let slice = index.find(name).unwrap()?;
    Some(slice.bytes(1 << 20).unwrap())
}

#[test]
fn files_are_found_where_they_lie() {
    let read = index(&tar(&[
        entry(b'5', b"./", b""),
        entry(b'5', b"blobs/", b""),
        entry(b'0', b"./blobs//a", b"first"),
        entry(0, b"old", &[9; 512]),
        entry(0, b"folder/", b""),
        entry(b'7', b"empty", b""),
    ]))
    .unwrap();
    assert_eq!(content(&read, "blobs/a").unwrap(), b"first");
    assert_eq!(content(&read, "old").unwrap(), [9; 512]);
    assert_eq!(content(&read, "empty").unwrap(), b"");
    assert!(content(&read, "folder").is_none());
    assert_eq!(read.entries.len(), 3);
}

#[test]
fn long_names_and_sizes_are_read_in_every_form() {
    let long = format!("{}/{}", "d".repeat(150), "f".repeat(200));
    let mut size = [0; 12];
    (size[0], size[11]) = (0x80, 3);
    let mut global = pax("path", "global");
    global.extend(pax("comment", "x"));
    let read = index(&tar(&[
        entry(b'L', b"././@LongLink", format!("{long}\0").as_bytes()),
        entry(b'0', b"cut", b"gnu"),
        entry(b'x', b"PaxHeaders/x", &pax("path", &format!("p{long}"))),
        entry(b'0', b"cut", b"pax"),
        raw_entry(b'0', b"binary", &size, b"abc"),
        entry(b'x', b"PaxHeaders/x", &pax("size", "4")),
        raw_entry(b'0', b"sized", b"00000000000\0", b"four"),
        entry(b'0', b"plain", b"own"),
        entry(b'g', b"pax_global_header", &global),
        entry(b'0', b"cut", b"all"),
    ]))
    .unwrap();
    assert_eq!(content(&read, &long).unwrap(), b"gnu");
    assert_eq!(content(&read, &format!("p{long}")).unwrap(), b"pax");
    assert_eq!(content(&read, "binary").unwrap(), b"abc");
    assert_eq!(content(&read, "sized").unwrap(), b"four");
    assert_eq!(content(&read, "plain").unwrap(), b"own");
    assert_eq!(content(&read, "global").unwrap(), b"all");
    assert!(content(&read, "cut").is_none());
}

#[test]
fn a_prefix_belongs_to_the_name_in_posix_archives_only() {
    let mut posix = entry(b'0', b"file", b"a");
    posix[345..348].copy_from_slice(b"dir");
    sum(&mut posix);
    let mut gnu = entry(b'0', b"other", b"b");
    gnu[257..265].copy_from_slice(b"ustar  \0");
    gnu[345..348].copy_from_slice(b"123");
    sum(&mut gnu);
    let read = index(&tar(&[posix, gnu])).unwrap();
    assert_eq!(content(&read, "dir/file").unwrap(), b"a");
    assert_eq!(content(&read, "other").unwrap(), b"b");
}

#[test]
fn names_that_no_image_has_are_refused_at_once() {
    for (name, word) in [
        (&b"/etc/passwd"[..], "starts with `/`"),
        (b"a/../b", "`..`"),
        (b"..", "`..`"),
        (b"a\nb", "control character"),
        (b"a\x1b[2Jb", "control character"),
        (b"\xff\xfe", "not UTF-8"),
        (b"./", "without a name"),
    ] {
        for kind in [b'0', b'1', b'2', b'3'] {
            let bad = entry(kind, name, b"");
            if kind == b'0' && name == b"./" {
                continue;
            }
            refused(&tar(&[entry(b'0', b"good", b"x"), bad]), word);
        }
    }
    let zero = tar(&[
        entry(b'x', b"x", &pax("path", "a\0b")),
        entry(b'0', b"a", b""),
    ]);
    refused(&zero, "control character");
    let long = "n".repeat(LONGEST_NAME + 1);
    let bad = tar(&[
        entry(b'x', b"x", &pax("path", &long)),
        entry(b'0', b"a", b""),
    ]);
    refused(&bad, "a name of 4097 bytes");
    let good = tar(&[
        entry(b'x', b"x", &pax("path", &long[1..])),
        entry(b'0', b"a", b""),
    ]);
    assert!(content(&index(&good).unwrap(), &long[1..]).is_some());
}

#[test]
fn one_name_is_one_file() {
    let (a, again) = (entry(b'0', b"a/b", b"1"), entry(b'0', b"./a//b", b"2"));
    refused(&tar(&[a.clone(), again]), "holds `a/b` twice");
    let link = entry(b'2', b"a/b", b"");
    refused(&tar(&[a.clone(), link.clone()]), "twice");
    refused(&tar(&[link.clone(), a]), "twice");
    assert!(index(&tar(&[link.clone(), link])).is_ok());
}

#[test]
fn what_is_no_plain_file_may_be_there_but_is_not_read() {
    let mut sparse = entry(b'S', b"gnu-sparse", b"data");
    sparse[257..265].copy_from_slice(b"ustar  \0");
    let mut map = [1; 512];
    sparse[482] = 1;
    sum(&mut sparse);
    sparse.splice(512..512, map.iter().copied());
    map[504] = 0;
    sparse.splice(1024..1024, map.iter().copied());
    let mut pax_sparse = pax("GNU.sparse.major", "1");
    pax_sparse.extend(pax("GNU.sparse.name", "pax-sparse"));
    let read = index(&tar(&[
        entry(b'0', b"file", b"x"),
        // A link may claim a size, and still has no content.
        raw_entry(b'1', b"hard", b"00000001000\0", b""),
        entry(b'2', b"soft", b""),
        entry(b'3', b"device", b""),
        entry(b'6', b"pipe", b""),
        sparse,
        entry(b'x', b"x", &pax_sparse),
        entry(b'0', b"GNUSparseFile.0/pax-sparse", b"data"),
        entry(b'0', b"last", b"y"),
    ]))
    .unwrap();
    for (name, word) in [
        ("hard", "is a link"),
        ("soft", "is a link"),
        ("device", "neither"),
        ("pipe", "neither"),
        ("gnu-sparse", "sparse"),
        ("pax-sparse", "sparse"),
    ] {
        let error = read.find(name).unwrap_err();
        assert!(error.found.contains(word), "{name}: {error}");
    }
    assert_eq!(content(&read, "last").unwrap(), b"y");
    assert!(read.is_link("soft") && !read.is_link("file") && !read.is_link("none"));
}

#[test]
fn what_is_not_whole_is_refused() {
    let file = entry(b'0', b"file", &[5; 700]);
    let whole = tar(std::slice::from_ref(&file));
    refused(b"", "is empty");
    refused(&whole[..100], "not a tar archive");
    refused(
        &whole[..900],
        "is cut short: it ends before the 700 bytes of `file`",
    );
    // The padding and the end may be missing.
    for length in [512 + 700, file.len(), file.len() + 512] {
        let read = index(&whole[..length]).unwrap();
        assert_eq!(content(&read, "file").unwrap(), [5; 700]);
    }
    refused(
        &whole[..file.len() + 100],
        "cut short in the middle of a header",
    );
    refused(
        &entry(b'x', b"x", &pax("path", "a")),
        "its last entry is missing",
    );
    refused(
        &tar(&[entry(b'L', b"x", b"a")]),
        "its last entry is missing",
    );
    refused(
        &tar(&[entry(b'K', b"x", b"a")]),
        "its last entry is missing",
    );
    let huge = raw_entry(b'0', b"file", b"777777777777", b"");
    refused(&tar(&[huge]), "cut short");
    let most = [0x80, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
    refused(&tar(&[raw_entry(b'0', b"file", &most, b"")]), "cut short");
}

#[test]
fn what_is_damaged_is_refused_with_its_place() {
    let mut bytes = tar(&[entry(b'0', b"a", b"1"), entry(b'0', b"b", b"2")]);
    bytes[1024] = b'c';
    refused(&bytes, "is damaged at byte 1024");
    bytes[0] = b'c';
    refused(&bytes, "not a tar archive");
    let one_zero_block = [entry(b'0', b"a", b""), vec![0; 512], entry(b'0', b"b", b"")];
    refused(&tar(&one_zero_block), "damaged at byte 512");
    refused(
        &tar(&[raw_entry(b'0', b"a", b"-1", b"")]),
        "damaged at byte 0",
    );
    refused(
        &tar(&[raw_entry(b'0', b"a", &[0xff; 12], b"")]),
        "damaged at byte 0",
    );
    refused(&tar(&[entry(b'x', b"x", b"9 path")]), "damaged at byte 0");
}

#[test]
fn too_much_is_refused() {
    let extra = pax("comment", &"x".repeat(LARGEST_EXTRA));
    let after = entry(b'0', b"a", b"");
    for kind in [b'x', b'g', b'L', b'K'] {
        let bytes = tar(&[entry(kind, b"x", &extra), after.clone()]);
        refused(&bytes, "65536 are the most");
    }
    let fits = pax("comment", &"x".repeat(LARGEST_EXTRA - 15));
    assert_eq!(fits.len(), LARGEST_EXTRA);
    assert!(index(&tar(&[entry(b'x', b"x", &fits), after.clone()])).is_ok());
    let folder = entry(b'5', b"d/", b"");
    let mut many = folder.repeat(MOST_ENTRIES);
    assert!(index(&many).is_ok());
    many.extend_from_slice(&folder);
    refused(&many, "more than 100000 entries");
    let name = |i: u32| pax("path", &format!("{}{i:06}", "n".repeat(4_000)));
    let entries = (0..4_300).map(|i| [entry(b'x', b"x", &name(i)), after.clone()].concat());
    refused(
        &tar(&entries.collect::<Vec<_>>()),
        "more names than any image",
    );
}

#[test]
fn a_compressed_archive_says_how_to_open_it() {
    for (head, tool) in [
        (&b"\x1f\x8b\x08\0\0\0\0\0"[..], "gzip"),
        (b"\x28\xb5\x2f\xfd\0\0\0\0", "zstd"),
        (b"\xfd7zXZ\0\0\0", "xz"),
        (b"BZh91AY", "bzip2"),
    ] {
        let error = index(head).unwrap_err();
        assert!(error.found.contains("compressed as a whole"), "{error}");
        assert!(error.next.contains(&format!("{tool} -d")), "{error:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_content_comes_back_and_a_cut_gives_nothing_that_is_not_whole(
        files in prop::collection::btree_map(
            "[a-z][a-z0-9]{0,20}(/[a-zé][a-z0-9._-]{0,60}){0,3}",
            prop::collection::vec(any::<u8>(), 0..1_500),
            1..6,
        ),
        forms in prop::collection::vec(0..3_u8, 6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for ((name, content), form) in files.iter().zip(forms) {
            match form {
                0 if name.len() <= 100 => {
                    bytes.extend(entry(b'0', name.as_bytes(), content));
                }
                1 => {
                    bytes.extend(entry(b'L', b"././@LongLink", name.as_bytes()));
                    bytes.extend(entry(b'0', b"short", content));
                }
                _ => {
                    let mut records = pax("path", name);
                    records.extend(pax("size", &content.len().to_string()));
                    bytes.extend(entry(b'x', b"PaxHeaders", &records));
                    bytes.extend(raw_entry(b'0', b"short", b"0", content));
                }
            }
            let padding = content.len().next_multiple_of(512) - content.len();
            ends.push(bytes.len() - padding);
        }
        let whole = tar(&[bytes]);
        let read = index(&whole).unwrap();
        prop_assert_eq!(read.entries.len(), files.len());
        for (name, bytes) in &files {
            prop_assert_eq!(content(&read, name), Some(bytes.clone()));
        }
        let length = cut.index(whole.len());
        if let Ok(read) = index(&whole[..length]) {
            let inside = ends.iter().filter(|end| **end <= length).count();
            prop_assert_eq!(read.entries.len(), inside);
            for name in read.entries.keys() {
                prop_assert_eq!(content(&read, name), files.get(name).cloned());
            }
        }
    }

    #[test]
    fn no_bytes_make_it_stop_in_another_way_than_an_error(
        at in 0..1_024_usize,
        byte in any::<u8>(),
        mend in any::<bool>(),
    ) {
        let mut bytes = tar(&[
            entry(b'x', b"x", &pax("path", "name")),
            entry(b'0', b"a", b"content"),
        ]);
        bytes[at] = byte;
        if mend {
            sum(&mut bytes);
        }
        // Either it is refused, or what it gives can be read.
        if let Ok(read) = index(&bytes) {
            for name in read.entries.keys() {
                if let Ok(Some(slice)) = read.find(name) {
                    prop_assert!(slice.bytes(1 << 20).is_ok());
                }
            }
        }
    }
}
