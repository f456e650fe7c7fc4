//! What a commit says.

use git2::Oid;

use super::objects::{hex_at_start, name};
use crate::hotfix::CommitId;

/// The longest message that is kept; all rules look for a few lines.
const LONGEST_MESSAGE: usize = 256 * 1024;

/// Who wrote or committed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name, as it is in the commit.
    pub name: String,
    /// The address, as it is in the commit.
    pub email: String,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// The ids of its parents, the first one first. They need not be there.
    pub parents: Vec<CommitId>,
    /// The id of its tree.
    pub tree: CommitId,
    /// Who wrote it.
    pub author: Person,
    /// Who committed it.
    pub committer: Person,
    /// When it was written, in Unix seconds.
    pub authored: i64,
    /// When it was committed, in Unix seconds.
    pub committed: i64,
    /// The message; what is no UTF-8 in it is replaced, and it ends after 256 KiB.
    pub message: String,
}

/// What a walk needs of a commit.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) parents: Vec<Oid>,
    pub(super) date: i64,
}

impl Commit {
    /// The first line of the message.
    pub fn subject(&self) -> &str {
        self.message
            .trim_start()
            .lines()
            .next()
            .unwrap_or_default()
            .trim_end()
    }

    /// The trailers of the last paragraph, as `git interpret-trailers --parse --no-divider` sees
    /// them: keys as written, folded values on one line.
    pub fn trailers(&self) -> Vec<(String, String)> {
        super::trailers::parse(&self.message)
    }

    /// Whether it has more than one parent.
    pub const fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }
}

pub(super) fn parse_node(data: &[u8]) -> Option<Node> {
    let mut parents = Vec::new();
    let mut rest = after_line(data.strip_prefix(b"tree ")?)?;
    while let Some(parent) = rest.strip_prefix(b"parent ") {
        parents.push(hex_at_start(parent)?);
        rest = after_line(parent)?;
    }
    let rest = after_line(rest.strip_prefix(b"author ")?)?;
    let line = rest.strip_prefix(b"committer ")?;
    let end = line.iter().position(|b| *b == b'\n').unwrap_or(line.len());
    Some(Node {
        parents,
        date: person(&line[..end]).1,
    })
}

fn after_line(data: &[u8]) -> Option<&[u8]> {
    let end = data.iter().position(|b| *b == b'\n')?;
    data.get(end + 1..)
}

/// `name <address> seconds zone`. A date that is none is 0, as in git.
fn person(line: &[u8]) -> (Person, i64) {
    let open = line.iter().position(|b| *b == b'<').unwrap_or(line.len());
    let close = line.iter().rposition(|b| *b == b'>').unwrap_or(line.len());
    let text = |part: Option<&[u8]>| {
        String::from_utf8_lossy(part.unwrap_or_default())
            .trim()
            .to_owned()
    };
    let seconds = text(line.get(close + 1..));
    let seconds = seconds.split_ascii_whitespace().next().unwrap_or_default();
    let person = Person {
        name: text(line.get(..open)),
        email: text(line.get(open + 1..close)),
    };
    let seconds = seconds.parse().ok().filter(|seconds| *seconds >= 0);
    (person, seconds.unwrap_or(0))
}

pub(super) fn parse_commit(id: &CommitId, data: &[u8]) -> Option<Commit> {
    let node = parse_node(data)?;
    let split = data.windows(2).position(|pair| pair == b"\n\n");
    let (header, message) = match split {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[][..]),
    };
    let line = |key: &[u8]| {
        header
            .split(|b| *b == b'\n')
            .find_map(|line| line.strip_prefix(key))
    };
    let (author, authored) = person(line(b"author ")?);
    let (committer, committed) = person(line(b"committer ")?);
    let message = &message[..message.len().min(LONGEST_MESSAGE)];
    Some(Commit {
        id: id.clone(),
        parents: node.parents.into_iter().map(name).collect(),
        tree: name(hex_at_start(line(b"tree ")?)?),
        author,
        committer,
        authored,
        committed,
        message: String::from_utf8_lossy(message).into_owned(),
    })
}
