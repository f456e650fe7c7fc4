//! Archives of images: every slice that is handed out lies inside the file and can be read whole,
//! and what is the root of an OCI layout has the digest that the layout says.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use drone_hotfix::registry::local::{Form, Local, Slice};
use drone_hotfix::registry::manifest::Manifest;
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

fuzz_target!(|bytes: &[u8]| {
    fs::write(&*FILE, bytes).expect("a temporary file");
    let size = bytes.len() as u64;
    for form in [Form::DockerArchive, Form::LayoutArchive] {
        let layout = matches!(form, Form::LayoutArchive);
        let Ok(local) = Local::open(form, &FILE, None) else {
            continue;
        };
        for slice in slices(&local) {
            assert!(slice.len() <= size, "{} of {size} bytes", slice.len());
            assert_reads_whole(&slice);
        }
        if layout {
            let root = root(&local);
            assert!(root.digest.matches(&root.bytes), "{}", root.digest);
        }
    }
    fs::remove_file(&*FILE).expect("the temporary file");
});

fn assert_reads_whole(slice: &Slice) {
    let mut bytes = [0; 4096];
    let mut at = 0;
    while at < slice.len() {
        let read = slice.read_at(&mut bytes, at).expect("a readable slice");
        assert!(read > 0, "it ends at {at} of {}", slice.len());
        at += read as u64;
    }
    assert_eq!(at, slice.len());
    assert_eq!(slice.read_at(&mut bytes, at).expect("its end"), 0);
}

/// Every blob that the image names.
fn slices(local: &Local) -> Vec<Slice> {
    let parts = root(local).parts().unwrap_or_default();
    let blobs = parts.iter().map(|part| local.blob(&part.digest));
    blobs.filter_map(Result::ok).collect()
}

fn root(local: &Local) -> &Manifest {
    local.root()
}
