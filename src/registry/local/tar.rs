//! The index of a tar archive: where each file lies in it. Nothing is unpacked.
//!
//! Reads ustar (POSIX.1-1988), pax headers (POSIX.1-2001 `path` and `size`) and GNU's long names and
//! base-256 numbers. What readers of archives disagree on is refused: whoever looked at the archive
//! with another tool must have seen the same files.

mod header;

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;

use super::files::Slice;
use super::{LocalError, WRITE_AGAIN, quoted};
use header::{BLOCK, Header, Pax};

/// The most entries of an archive; images have a few hundred.
const MOST_ENTRIES: usize = 100_000;
/// The longest name, as `PATH_MAX` of Linux has it.
const LONGEST_NAME: usize = 4_096;
/// The most bytes of names altogether, because they stay in memory.
const MOST_NAME_BYTES: usize = 16 * 1024 * 1024;
/// The most bytes of a header that stands in front of another.
const LARGEST_EXTRA: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Link,
    Sparse,
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: Kind,
    offset: u64,
    length: u64,
}

/// Where the files of an archive lie.
#[derive(Debug)]
pub(super) struct Index {
    archive: Slice,
    entries: HashMap<String, Entry>,
}

impl Index {
    /// Reads every header of an archive.
    ///
    /// # Errors
    /// If it is not a tar archive, damaged, cut short, or holds a name that no image has.
    pub(super) fn read(archive: Slice) -> Result<Self, LocalError> {
        let mut head = [0; 6];
        let most = archive.len().min(6) as usize;
        archive.fill(0, &mut head[..most])?;
        if let Some(compression) = compression(&head) {
            let name = quoted(archive.name());
            let found = format!("{name} is compressed as a whole ({compression})");
            let next = format!("decompress it first (`{compression} -d`)");
            return Err(LocalError::new(found, next));
        }
        let mut walk = Walk {
            archive: &archive,
            at: 0,
            count: 0,
            name_bytes: 0,
            entries: HashMap::new(),
        };
        walk.all()?;
        let entries = walk.entries;
        Ok(Self { archive, entries })
    }

    /// The path of the archive, for messages.
    pub(super) fn name(&self) -> &str {
        self.archive.name()
    }

    /// The file of this name, if there is one.
    ///
    /// # Errors
    /// If there is something of that name that is not a plain file.
    pub(super) fn find(&self, name: &str) -> Result<Option<Slice>, LocalError> {
        let Some(entry) = self.entries.get(name) else {
            return Ok(None);
        };
        let what = match entry.kind {
            Kind::File => return Ok(Some(self.archive.part(entry.offset, entry.length, name))),
            Kind::Link => "a link",
            Kind::Sparse => "a sparse file",
            Kind::Other => "neither a file nor a link",
        };
        let found = format!(
            "{} in {} is {what}, which is not read",
            quoted(name),
            quoted(self.name())
        );
        let next = "write the archive with the tool that builds the image, or save it as an OCI \
                    layout (`oci-archive:`)";
        Err(LocalError::new(found, next))
    }

    /// Whether there is a link of this name.
    pub(super) fn is_link(&self, name: &str) -> bool {
        self.entries
            .get(name)
            .is_some_and(|entry| entry.kind == Kind::Link)
    }
}

/// By what these first bytes of a file say that it is compressed; the name is also the tool's.
pub(super) fn compression(head: &[u8]) -> Option<&'static str> {
    let magic: [(&[u8], &str); 4] = [
        (&[0x1f, 0x8b], "gzip"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
        (b"BZh", "bzip2"),
    ];
    let known = magic.iter().find(|(magic, _)| head.starts_with(magic));
    known.map(|(_, name)| *name)
}

/// A name without what says nothing: `./`, `//`. Empty for the folder of all.
pub(super) fn plain(name: &str) -> String {
    let parts = name.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.collect::<Vec<_>>().join("/")
}

/// What headers in front of an entry say about it.
#[derive(Default)]
struct Before {
    long_name: Option<Vec<u8>>,
    pax: Option<Pax>,
    long_link: bool,
}

struct Walk<'a> {
    archive: &'a Slice,
    at: u64,
    count: usize,
    name_bytes: usize,
    entries: HashMap<String, Entry>,
}

impl Walk<'_> {
    fn all(&mut self) -> Result<(), LocalError> {
        let mut global = Pax::default();
        let mut before = Before::default();
        while let Some(header) = self.header()? {
            self.count += 1;
            if self.count > MOST_ENTRIES {
                return Err(self.refused(&format!("holds more than {MOST_ENTRIES} entries")));
            }
            match header.kind() {
                b'L' => before.long_name = Some(header::text(&self.extra(&header)?).to_vec()),
                b'K' => {
                    self.extra(&header)?;
                    before.long_link = true;
                }
                b'x' => before.pax = Some(self.pax(&header)?),
                b'g' => global = self.pax(&header)?.over(&global),
                _ => {
                    let before = std::mem::take(&mut before);
                    let pax = before.pax.unwrap_or_default().over(&global);
                    self.member(&header, before.long_name, &pax)?;
                }
            }
        }
        if before.long_name.is_some() || before.pax.is_some() || before.long_link {
            return Err(self.refused("is cut short: its last entry is missing"));
        }
        Ok(())
    }

    /// The next header; none at the end of the archive.
    fn header(&mut self) -> Result<Option<Header>, LocalError> {
        let Some(block) = self.block()? else {
            return Ok(None);
        };
        let start = self.at;
        self.at += BLOCK;
        if block.iter().all(|byte| *byte == 0) {
            // The end are two blocks of zeros. One of them may be missing; what stands behind one
            // is read by some tools and not by others.
            let next = self.block()?;
            return match next.is_none_or(|next| next.iter().all(|byte| *byte == 0)) {
                true => Ok(None),
                false => Err(self.damaged(start)),
            };
        }
        match Header::read(block) {
            Some(header) => Ok(Some(header)),
            None if start == 0 => Err(self.no_archive()),
            None => Err(self.damaged(start)),
        }
    }

    /// The block at the current place; none at or behind the end of the file.
    fn block(&self) -> Result<Option<[u8; BLOCK as usize]>, LocalError> {
        match self.archive.len().saturating_sub(self.at) {
            0 if self.at == 0 => Err(self.refused("is empty")),
            0 => Ok(None),
            1..BLOCK if self.at == 0 => Err(self.no_archive()),
            1..BLOCK => Err(self.refused("is cut short in the middle of a header")),
            _ => {
                let mut block = [0; BLOCK as usize];
                self.archive.fill(self.at, &mut block)?;
                Ok(Some(block))
            }
        }
    }

    /// The content of a header that stands in front of another.
    fn extra(&mut self, header: &Header) -> Result<Vec<u8>, LocalError> {
        let size = header.size().ok_or_else(|| self.damaged_header())?;
        let offset = self.skip(size, "a long name or pax header")?;
        let content = usize::try_from(size).ok();
        let Some(content) = content.filter(|size| *size <= LARGEST_EXTRA) else {
            return Err(self.refused(&format!(
                "has a long name or pax header of {size} bytes; {LARGEST_EXTRA} are the most"
            )));
        };
        let mut content = vec![0; content];
        self.archive.fill(offset, &mut content)?;
        Ok(content)
    }

    fn pax(&mut self, header: &Header) -> Result<Pax, LocalError> {
        let start = self.at - BLOCK;
        let content = self.extra(header)?;
        Pax::read(&content).ok_or_else(|| self.damaged(start))
    }

    /// An entry that is more than a word about the next one.
    fn member(
        &mut self,
        header: &Header,
        long_name: Option<Vec<u8>>,
        pax: &Pax,
    ) -> Result<(), LocalError> {
        let kind = header.kind();
        let name = long_name.unwrap_or_else(|| match pax.path() {
            Some(path) => path.to_vec(),
            None => header.name(),
        });
        let name = self.name(&name)?;
        // Links, devices, folders and pipes have no content, whatever they say of their size.
        let size = match kind {
            b'1'..=b'6' => Some(0),
            _ => pax.size().or_else(|| header.size()),
        };
        let size = size.ok_or_else(|| self.damaged_header())?;
        let folder = matches!(kind, 0 | b'0' | b'7') && name.ends_with('/');
        let kind = match kind {
            0 | b'0' | b'7' if pax.is_sparse() => Kind::Sparse,
            0 | b'0' | b'7' => Kind::File,
            b'1' | b'2' => Kind::Link,
            b'S' => {
                self.skip_sparse_map(header)?;
                Kind::Sparse
            }
            _ => Kind::Other,
        };
        let offset = self.skip(size, &name)?;
        if folder || header.kind() == b'5' {
            return Ok(());
        }
        let name = plain(&name);
        if name.is_empty() {
            return Err(self.refused("holds an entry without a name"));
        }
        let entry = Entry {
            kind,
            offset,
            length: size,
        };
        self.add(name, entry)
    }

    fn add(&mut self, name: String, entry: Entry) -> Result<(), LocalError> {
        self.name_bytes += name.len();
        if self.name_bytes > MOST_NAME_BYTES {
            return Err(self.refused("holds more names than any image has"));
        }
        match self.entries.entry(name) {
            Place::Vacant(place) => {
                place.insert(entry);
            }
            // Which of two is meant, tools disagree on.
            Place::Occupied(old) if Kind::File == entry.kind || Kind::File == old.get().kind => {
                let what = format!("holds {} twice", quoted(old.key()));
                return Err(self.refused(&what));
            }
            Place::Occupied(_) => {}
        }
        Ok(())
    }

    /// A name that could be unpacked without harm, though we never do: all others are an attempt.
    fn name(&self, raw: &[u8]) -> Result<String, LocalError> {
        if raw.len() > LONGEST_NAME {
            let length = raw.len();
            return Err(self.refused(&format!(
                "holds a name of {length} bytes; {LONGEST_NAME} are the most"
            )));
        }
        let shown = quoted(&String::from_utf8_lossy(raw));
        let Ok(name) = std::str::from_utf8(raw) else {
            return Err(self.refused(&format!("holds a name that is not UTF-8: {shown}")));
        };
        let wrong = if name.starts_with('/') {
            "a name that starts with `/`"
        } else if name.split('/').any(|part| part == "..") {
            "a name with `..` in it"
        } else if name.contains(char::is_control) {
            "a name with a control character"
        } else {
            return Ok(name.to_owned());
        };
        Err(self.refused(&format!("holds {wrong}: {shown}")))
    }

    /// Goes on behind the content that starts here, and gives its offset.
    fn skip(&mut self, size: u64, what: &str) -> Result<u64, LocalError> {
        let offset = self.at;
        let end = offset.checked_add(size);
        let next = end
            .filter(|end| *end <= self.archive.len())
            .and_then(|end| end.checked_next_multiple_of(BLOCK));
        let Some(next) = next else {
            return Err(self.refused(&format!(
                "is cut short: it ends before the {size} bytes of {} do",
                quoted(what)
            )));
        };
        self.at = next;
        Ok(offset)
    }

    /// A sparse file of GNU's old form may have a map of more blocks than its header has room for.
    fn skip_sparse_map(&mut self, header: &Header) -> Result<(), LocalError> {
        let mut more = header.has_sparse_map();
        while more {
            let start = self.at;
            let block = self.block()?.ok_or_else(|| self.damaged(start))?;
            self.at += BLOCK;
            more = block[504] != 0;
        }
        Ok(())
    }

    fn damaged_header(&self) -> LocalError {
        self.damaged(self.at - BLOCK)
    }

    fn damaged(&self, at: u64) -> LocalError {
        self.refused(&format!("is damaged at byte {at}"))
    }

    fn no_archive(&self) -> LocalError {
        let found = format!("{} is not a tar archive", quoted(self.archive.name()));
        let next = "name the file that `docker save`, `podman save` or `skopeo copy` wrote";
        LocalError::new(found, next)
    }

    fn refused(&self, what: &str) -> LocalError {
        let found = format!("{} {what}", quoted(self.archive.name()));
        LocalError::new(found, WRITE_AGAIN)
    }
}

#[cfg(test)]
mod tests;
