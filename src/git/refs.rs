//! References: which name points to which commit, as a server lists them or as the files of a
//! repository hold them. Objects are looked at only to find what a tag points to at last.

mod files;

use std::fmt;
use std::path::PathBuf;

pub(crate) use files::lines;
pub use files::{objects, read, shallow};

use crate::hotfix::CommitId;

/// How many references a repository may have before we give up. The largest public ones have about
/// a hundred thousand branches and tags.
pub const MOST: usize = 250_000;
/// The longest name of a reference in bytes. No file system holds a longer one.
pub const LONGEST_NAME: usize = 4096;

const BRANCH: &str = "refs/heads/";
const TAG: &str = "refs/tags/";

/// One name and what it points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The full name, such as `refs/tags/1.2.3`.
    pub name: String,
    /// The object that it points to: a commit, or the object of an annotated tag.
    pub id: CommitId,
    /// What an annotated tag points to at last, through all tags of tags. Usually a commit; a tag
    /// may also point to a tree or a blob, and nobody says so here.
    pub peeled: Option<CommitId>,
}

impl Reference {
    /// What is there in the end: `peeled`, or `id` of what is no annotated tag.
    pub fn target(&self) -> &CommitId {
        self.peeled.as_ref().unwrap_or(&self.id)
    }
}

/// The branches and tags of one repository, sorted by name, each once. Lookups are binary searches:
/// sixteen comparisons for 50,000 tags, and no second copy of the names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    list: Vec<Reference>,
    head: Option<String>,
}

impl References {
    /// Takes references over. `head` is the full name of the branch that `HEAD` points to.
    ///
    /// # Errors
    /// The name that stands there twice.
    pub fn new(mut list: Vec<Reference>, head: Option<String>) -> Result<Self, String> {
        list.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        match list.windows(2).find(|pair| pair[0].name == pair[1].name) {
            Some(pair) => Err(pair[0].name.clone()),
            None => Ok(Self { list, head }),
        }
    }

    /// The reference of a full name, such as `refs/heads/main`.
    pub fn get(&self, name: &str) -> Option<&Reference> {
        let place = self
            .list
            .binary_search_by(|known| known.name.as_str().cmp(name));
        place.ok().and_then(|place| self.list.get(place))
    }

    /// The tip of a branch; the name without `refs/heads/`.
    pub fn branch(&self, name: &str) -> Option<&CommitId> {
        self.get(&format!("{BRANCH}{name}")).map(Reference::target)
    }

    /// What a tag points to at last; the name without `refs/tags/`.
    pub fn tag(&self, name: &str) -> Option<&CommitId> {
        self.get(&format!("{TAG}{name}")).map(Reference::target)
    }

    /// Every branch and its tip, sorted by name.
    pub fn branches(&self) -> impl Iterator<Item = (&str, &CommitId)> {
        self.below(BRANCH)
    }

    /// Every tag and what it points to at last, sorted by name.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &CommitId)> {
        self.below(TAG)
    }

    /// Every reference, sorted by full name.
    pub fn iter(&self) -> impl Iterator<Item = &Reference> {
        self.list.iter()
    }

    /// Names that begin so, without that beginning, and what they point to at last.
    pub fn below<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a CommitId)> + 'a {
        let start = self
            .list
            .partition_point(|known| known.name.as_str() < prefix);
        self.list[start..].iter().map_while(move |reference| {
            let name = reference.name.strip_prefix(prefix)?;
            Some((name, reference.target()))
        })
    }

    /// The branch that `HEAD` points to, without `refs/heads/`: on a server its default branch. The
    /// branch itself need not be there. `None` if `HEAD` is detached or not known.
    pub fn head_branch(&self) -> Option<&str> {
        self.head.as_deref()?.strip_prefix(BRANCH)
    }

    /// How many references there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Whether a name may be taken over: legal by git-check-ref-format and of bearable length, so that
/// it holds no control character and leads out of no directory.
pub fn is_name(name: &str) -> bool {
    // libgit2 takes a C string; an inner NUL would not even reach its check.
    name.len() <= LONGEST_NAME
        && !name.contains('\0')
        && (name == "HEAD" || name.starts_with("refs/") && git2::Reference::is_valid_name(name))
}

/// Why the references of a repository could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefsError {
    /// There is no repository.
    NoRepository(PathBuf),
    /// Something is not what git leaves there; where, and what was found.
    Odd(PathBuf, String),
    /// The repository keeps its references in the reftable format.
    Reftable,
    /// The repository names its objects by SHA-256.
    Sha256,
    /// There are more than [`MOST`] references, or their directories are too deep.
    TooMany(&'static str),
    /// The reading took too long.
    TooSlow,
}

impl fmt::Display for RefsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRepository(path) => write!(f, "`{}` is no git repository", path.display()),
            Self::Odd(path, found) => write!(f, "`{}` is {found}", path.display()),
            Self::Reftable => {
                f.write_str("the repository keeps its references as a reftable, which is not read")
            }
            Self::Sha256 => {
                f.write_str("it is a SHA-256 repository, whose objects libgit2 does not read")
            }
            Self::TooMany(what) => write!(f, "the repository has more than {what}"),
            Self::TooSlow => f.write_str("its references could not be read in time"),
        }
    }
}

impl RefsError {
    /// What to do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NoRepository(_) => "check the path; a step sees only what its pipeline mounts",
            Self::Odd(..) => {
                "clone the repository again; a step before this one has changed files below `.git`"
            }
            Self::Reftable => "convert it with `git refs migrate --ref-format=files`",
            Self::Sha256 => "none but to judge by hand: use a SHA-1 repository",
            Self::TooMany(_) => "delete the branches and tags that nobody needs",
            Self::TooSlow => "look for files below `.git` that are no regular files",
        }
    }
}

impl std::error::Error for RefsError {}
