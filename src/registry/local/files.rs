//! Files by name, in a directory or in an archive, and their bytes by offset.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tar::Index;
use super::{LocalError, WRITE_AGAIN, quoted};

/// Bytes of a file, read by offset. Several may be read at once; they share nothing but the file.
#[derive(Clone, Debug)]
pub struct Slice {
    file: Arc<File>,
    offset: u64,
    length: u64,
    name: String,
}

impl Slice {
    /// How many bytes there are.
    pub const fn len(&self) -> u64 {
        self.length
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The name of the file within the image, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads from byte `at` on into the buffer and says how many bytes came: 0 only at the end.
    ///
    /// # Errors
    /// If the file cannot be read, or has become shorter than it was.
    pub fn read_at(&self, at: u64, buffer: &mut [u8]) -> Result<usize, LocalError> {
        let left = self.length.saturating_sub(at);
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if most == 0 {
            return Ok(0);
        }
        loop {
            match self.file.read_at(&mut buffer[..most], self.offset + at) {
                Ok(0) => {
                    let length = self.length;
                    let found = format!(
                        "{} is cut short: it should have {length} bytes and ends before byte {at}",
                        quoted(&self.name)
                    );
                    return Err(LocalError::new(found, WRITE_AGAIN));
                }
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&self.name, &error)),
            }
        }
    }

    /// A reader of all the bytes from the first on.
    pub fn reader(&self) -> impl Read + Send + 'static + use<> {
        Reader {
            slice: self.clone(),
            at: 0,
        }
    }

    /// All the bytes, if there are no more than `most`.
    pub(super) fn bytes(&self, most: usize) -> Result<Vec<u8>, LocalError> {
        let length = usize::try_from(self.length).ok();
        let Some(length) = length.filter(|length| *length <= most) else {
            let found = format!(
                "{} has {} bytes; {most} are the most that is read",
                quoted(&self.name),
                self.length
            );
            return Err(LocalError::new(found, WRITE_AGAIN));
        };
        let mut bytes = vec![0; length];
        self.fill(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills the whole buffer from byte `at` on. The caller knows that there are as many.
    pub(super) fn fill(&self, at: u64, buffer: &mut [u8]) -> Result<(), LocalError> {
        let mut done = 0;
        while done < buffer.len() {
            let count = self.read_at(at + done as u64, &mut buffer[done..])?;
            if count == 0 {
                let found = format!("{} is cut short", quoted(&self.name));
                return Err(LocalError::new(found, WRITE_AGAIN));
            }
            done += count;
        }
        Ok(())
    }

    /// A part of these bytes under a name of its own. The caller has seen that it lies inside.
    pub(super) fn part(&self, offset: u64, length: u64, name: &str) -> Self {
        Self {
            file: Arc::clone(&self.file),
            offset: self.offset + offset,
            length,
            name: name.to_owned(),
        }
    }
}

struct Reader {
    slice: Slice,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.slice.read_at(self.at, buffer);
        let count = read.map_err(io::Error::other)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Where the files of an image lie.
#[derive(Debug)]
pub(super) enum Files {
    /// In a directory.
    Directory(PathBuf),
    /// In a tar archive.
    Archive(Index),
}

impl Files {
    /// The files of a directory.
    pub(super) fn directory(path: &Path) -> Result<Self, LocalError> {
        let name = path.to_string_lossy();
        let metadata = fs::metadata(path).map_err(|error| unreadable(&name, &error))?;
        if metadata.is_dir() {
            Ok(Self::Directory(path.to_owned()))
        } else {
            let found = format!("{} is not a directory", quoted(&name));
            let next = "write `oci-archive:` or `docker-archive:` in front of a file";
            Err(LocalError::new(found, next))
        }
    }

    /// Directory or archive as a user knows it.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Directory(path) => quoted(&path.to_string_lossy()),
            Self::Archive(index) => quoted(index.name()),
        }
    }

    /// The file of this name, if there is one. The name is one that we made.
    pub(super) fn find(&self, name: &str) -> Result<Option<Slice>, LocalError> {
        match self {
            Self::Directory(path) => within(path, name),
            Self::Archive(index) => index.find(name),
        }
    }

    /// The file of this name.
    pub(super) fn need(&self, name: &str) -> Result<Slice, LocalError> {
        self.find(name)?.ok_or_else(|| {
            let found = format!("{} holds no {}", self.place(), quoted(name));
            LocalError::new(found, WRITE_AGAIN)
        })
    }
}

/// A regular file below a directory, reached by real directories only.
fn within(root: &Path, name: &str) -> Result<Option<Slice>, LocalError> {
    let mut path = root.to_owned();
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&path.to_string_lossy(), &error)),
        };
        if parts.peek().is_some() {
            if !metadata.is_dir() {
                return Err(not_a(&path, "directory"));
            }
            continue;
        }
        if !metadata.is_file() {
            return Err(not_a(&path, "file"));
        }
        let slice = open(&path, name)?;
        // Between the look and the opening a link may have been put there.
        let opened = slice.file.metadata();
        let opened = opened.map_err(|error| unreadable(name, &error))?;
        if (opened.dev(), opened.ino()) != (metadata.dev(), metadata.ino()) {
            let found = format!("{} was replaced while it was opened", quoted(name));
            return Err(LocalError::new(found, WRITE_AGAIN));
        }
        return Ok(Some(slice));
    }
    Ok(None)
}

/// An archive, which must be a regular file; the path to it may lead through links.
pub(super) fn archive(path: &Path) -> Result<Slice, LocalError> {
    let name = path.to_string_lossy();
    let metadata = fs::metadata(path).map_err(|error| unreadable(&name, &error))?;
    if metadata.is_dir() {
        let found = format!("{} is a directory, not an archive", quoted(&name));
        return Err(LocalError::new(
            found,
            "write `oci:` in front of a directory",
        ));
    }
    // Opening a FIFO would wait for somebody who writes.
    if !metadata.is_file() {
        return Err(not_a(path, "file"));
    }
    open(path, &name)
}

fn open(path: &Path, name: &str) -> Result<Slice, LocalError> {
    let file = File::open(path).map_err(|error| unreadable(name, &error))?;
    let metadata = file.metadata().map_err(|error| unreadable(name, &error))?;
    if !metadata.is_file() {
        return Err(not_a(path, "file"));
    }
    Ok(Slice {
        file: Arc::new(file),
        offset: 0,
        length: metadata.len(),
        name: name.to_owned(),
    })
}

fn not_a(path: &Path, kind: &str) -> LocalError {
    let found = format!(
        "{} is a link or something else that is not a {kind}",
        quoted(&path.to_string_lossy())
    );
    let next = format!("put the {kind} itself there: links and devices are not read");
    LocalError::new(found, next)
}

fn unreadable(name: &str, error: &io::Error) -> LocalError {
    if error.kind() == ErrorKind::NotFound {
        let found = format!("{} does not exist", quoted(name));
        let next = "check the path, and that the step that writes it comes before this one";
        return LocalError::new(found, next);
    }
    let found = format!("{} cannot be read: {error}", quoted(name));
    LocalError::new(found, "let the step that writes it make it readable")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::made::Folder;
    use super::*;

    #[test]
    fn a_slice_gives_its_bytes_and_no_others() {
        let folder = Folder::new();
        let path = folder.write("file", b"0123456789");
        let part = archive(&path).unwrap().part(2, 5, "part");
        let mut buffer = [0; 8];
        assert_eq!(part.read_at(0, &mut buffer).unwrap(), 5);
        assert_eq!(&buffer[..5], b"23456");
        assert_eq!(part.read_at(3, &mut buffer).unwrap(), 2);
        assert_eq!(part.read_at(5, &mut buffer).unwrap(), 0);
        assert_eq!(part.read_at(u64::MAX, &mut buffer).unwrap(), 0);
        let mut read = Vec::new();
        part.reader().read_to_end(&mut read).unwrap();
        assert_eq!(read, b"23456");
        assert_eq!(part.bytes(5).unwrap(), b"23456");
        assert!(part.bytes(4).unwrap_err().found.contains("the most"));
        assert_eq!(
            (part.len(), part.is_empty(), part.name()),
            (5, false, "part")
        );
    }

    #[test]
    fn a_file_that_shrinks_is_cut_short_not_ended() {
        let folder = Folder::new();
        let slice = archive(&folder.write("file", &[7; 100])).unwrap();
        folder.write("file", &[7; 40]);
        let mut buffer = [0; 64];
        assert_eq!(slice.read_at(0, &mut buffer).unwrap(), 40);
        let error = slice.read_at(40, &mut buffer).unwrap_err();
        assert!(error.found.contains("cut short"), "{error}");
        let error = slice.reader().read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("cut short"), "{error}");
    }

    #[test]
    fn only_a_regular_file_in_real_directories_is_opened() {
        let folder = Folder::new();
        let target = folder.write("there", b"secret");
        let root = folder.path("image");
        fs::create_dir_all(root.join("real/deep")).unwrap();
        fs::write(root.join("real/file"), b"good").unwrap();
        symlink(&target, root.join("real/link")).unwrap();
        symlink(root.join("real"), root.join("linked")).unwrap();
        let files = Files::directory(&root).unwrap();
        let found = files.find("real/file").unwrap().unwrap();
        assert_eq!(found.bytes(9).unwrap(), b"good");
        assert!(files.find("real/none").unwrap().is_none());
        assert!(files.find("none/file").unwrap().is_none());
        for (name, word) in [
            ("real/link", "not a file"),
            ("real/deep", "not a file"),
            ("linked/file", "not a directory"),
            ("real/file/x", "not a directory"),
        ] {
            let error = files.find(name).unwrap_err();
            assert!(error.found.contains(word), "{name}: {error}");
        }
        assert!(
            files
                .need("real/none")
                .unwrap_err()
                .found
                .contains("holds no")
        );
    }

    #[test]
    fn a_path_of_the_wrong_kind_says_what_to_write() {
        let folder = Folder::new();
        let file = folder.write("file", b"x");
        let error = Files::directory(&file).unwrap_err();
        assert!(error.next.contains("oci-archive:"), "{error:?}");
        let error = archive(&folder.path("")).unwrap_err();
        assert!(error.next.contains("`oci:`"), "{error:?}");
        let error = archive(Path::new("/dev/null")).unwrap_err();
        assert!(error.found.contains("not a file"), "{error}");
        let error = archive(&folder.path("none")).unwrap_err();
        assert!(error.found.contains("does not exist"), "{error}");
        let error = Files::directory(&folder.path("none")).unwrap_err();
        assert!(error.next.contains("comes before"), "{error:?}");
    }

    #[test]
    fn an_archive_that_is_a_pipe_does_not_make_us_wait() {
        let folder = Folder::new();
        let pipe = folder.path("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert!(archive(&pipe).unwrap_err().found.contains("not a file"));
        let files = Files::directory(&folder.path("")).unwrap();
        assert!(files.find("pipe").unwrap_err().found.contains("not a file"));
    }
}
