//! Archives of images: every slice that is handed out lies inside the file and can be read whole,
//! and what is the root of an OCI layout has the digest that the layout says.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use drone_hotfix::registry::local::{Form, Layout, Local, Slice};
use libfuzzer_sys::fuzz_target;

/// One file for the whole run, in memory where there is such a folder.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    folder.join(format!("drone-hotfix-fuzz-{}.tar", std::process::id()))
});

const LONGEST_ERROR: usize = 1000;

fuzz_target!(|bytes: &[u8]| {
    fs::write(&*FILE, bytes).expect("a temporary file");
    let size = bytes.len() as u64;
    for form in [Form::DockerArchive, Form::LayoutArchive] {
        let local = Local::open(form, &FILE, None);
        match local {
            Ok(Local::Layout(layout)) => assert_layout(&layout, size),
            Ok(Local::Saved(saved)) => {
                for layer in &saved.layers {
                    assert_reads_whole(&layer.content, size);
                }
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.chars().count() <= LONGEST_ERROR, "{said}");
            }
        }
    }
    fs::remove_file(&*FILE).expect("the temporary file");
});

fn assert_layout(layout: &Layout, size: u64) {
    let root = layout.root();
    assert!(root.digest.matches(&root.bytes), "{}", root.digest);
    for part in root.parts().unwrap_or_default() {
        if let Ok(blob) = layout.blob(&part) {
            assert_eq!(blob.len(), part.size);
            assert_reads_whole(&blob, size);
        }
        if let Ok(manifest) = layout.manifest(&part) {
            assert_eq!(manifest.digest, part.digest);
            assert!(part.digest.matches(&manifest.bytes), "{}", part.digest);
        }
    }
}

fn assert_reads_whole(slice: &Slice, size: u64) {
    assert!(slice.len() <= size, "{} of {size} bytes", slice.len());
    let mut bytes = [0; 4096];
    let mut at = 0;
    while at < slice.len() {
        let read = slice.read_at(at, &mut bytes).expect("a readable slice");
        assert!(read > 0, "it ends at {at} of {}", slice.len());
        at += read as u64;
    }
    assert_eq!(at, slice.len());
    assert_eq!(slice.read_at(at, &mut bytes).expect("its end"), 0);
}
