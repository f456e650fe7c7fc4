//! Repositories of real objects, written by `git fast-import` in one go.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use drone_hotfix::git::objects::Objects;
use drone_hotfix::hotfix::CommitId;

/// Where the clock of a story starts, in Unix seconds.
pub const START: i64 = 1_700_000_000;

/// What a commit does to a file.
#[derive(Debug, Clone, Copy)]
pub enum Does<'a> {
    Write(&'a str, &'a [u8]),
    Executable(&'a str, &'a [u8]),
    Link(&'a str, &'a str),
    Submodule(&'a str, &'a str),
    Delete(&'a str),
    /// A path that is no UTF-8.
    WriteBytes(&'a [u8], &'a [u8]),
}

/// Commits that are still to be written.
#[derive(Default)]
pub struct Story {
    stream: Vec<u8>,
    marks: BTreeMap<String, usize>,
    clock: i64,
    date: Option<i64>,
    message: Option<Vec<u8>>,
}

impl Story {
    pub fn new() -> Story {
        Story::default()
    }

    /// The date of the next commit, instead of a minute after the last one.
    pub fn at(&mut self, date: i64) -> &mut Story {
        self.date = Some(date);
        self
    }

    /// The message of the next commit, instead of its name.
    pub fn says(&mut self, message: impl AsRef<[u8]>) -> &mut Story {
        self.message = Some(message.as_ref().to_vec());
        self
    }

    /// A commit under a name, which becomes the branch `name` too. Files are as in the first parent
    /// unless said otherwise.
    #[track_caller]
    pub fn commit(&mut self, name: &str, parents: &[&str], does: &[Does<'_>]) -> &mut Story {
        self.silent(name, parents, does, &format!("refs/heads/{name}"))
    }

    /// A commit without a branch of its own: many branches are slow.
    #[track_caller]
    pub fn silent(
        &mut self,
        name: &str,
        parents: &[&str],
        does: &[Does<'_>],
        to: &str,
    ) -> &mut Story {
        self.clock += 60;
        let date = self.date.take().unwrap_or(START + self.clock);
        let message = self
            .message
            .take()
            .unwrap_or_else(|| format!("{name}\n").into_bytes());
        let mark = self.marks.len() + 1;
        assert!(
            self.marks.insert(name.to_owned(), mark).is_none(),
            "{name} twice"
        );
        self.line(&format!("reset {to}\n\ncommit {to}\nmark :{mark}"));
        self.line(&format!(
            "author A U Thor <author@example.com> {date} +0000"
        ));
        self.line(&format!(
            "committer C O Mitter <committer@example.com> {date} +0000"
        ));
        self.data(&message);
        for (number, parent) in parents.iter().enumerate() {
            let key = if number == 0 { "from" } else { "merge" };
            let parent = self.marks[*parent];
            self.line(&format!("{key} :{parent}"));
        }
        for what in does {
            match what {
                Does::Write(path, data) => self.file("100644", path.as_bytes(), data),
                Does::WriteBytes(path, data) => self.file("100644", path, data),
                Does::Executable(path, data) => self.file("100755", path.as_bytes(), data),
                Does::Link(path, to) => self.file("120000", path.as_bytes(), to.as_bytes()),
                Does::Submodule(path, id) => self.line(&format!("M 160000 {id} {path}")),
                Does::Delete(path) => self.line(&format!("D {path}")),
            }
        }
        self
    }

    /// An annotated tag on a commit or on another tag.
    pub fn tag(&mut self, name: &str, on: &str) -> &mut Story {
        let on = self.marks[on];
        let mark = self.marks.len() + 1;
        self.marks.insert(name.to_owned(), mark);
        self.line(&format!("tag {name}\nmark :{mark}\nfrom :{on}"));
        self.line(&format!("tagger T <t@example.com> {START} +0000"));
        self.data(b"a tag\n");
        self
    }

    /// A lightweight tag.
    pub fn light(&mut self, name: &str, on: &str) -> &mut Story {
        let on = self.marks[on];
        self.line(&format!("reset refs/tags/{name}\nfrom :{on}\n"));
        self
    }

    fn file(&mut self, mode: &str, path: &[u8], data: &[u8]) {
        self.stream
            .extend_from_slice(format!("M {mode} inline \"").as_bytes());
        for byte in path {
            let _ = match byte {
                b'!'..=b'~' if !matches!(byte, b'"' | b'\\') => self.stream.write(&[*byte]),
                _ => self.stream.write(format!("\\{byte:03o}").as_bytes()),
            };
        }
        self.line("\"");
        self.data(data);
    }

    fn data(&mut self, data: &[u8]) {
        self.line(&format!("data {}", data.len()));
        self.stream.extend_from_slice(data);
        self.line("");
    }

    fn line(&mut self, text: &str) {
        self.stream.extend_from_slice(text.as_bytes());
        self.stream.push(b'\n');
    }

    /// Writes everything into a new bare repository.
    pub fn write(&self) -> Repository {
        let mut repository = Repository::new();
        let marks = repository.path.join("marks");
        let export = format!("--export-marks={}", marks.display());
        repository.git_with(
            &[
                "fast-import",
                "--quiet",
                "--force",
                "--date-format=raw-permissive",
                &export,
            ],
            &self.stream,
        );
        let text = std::fs::read_to_string(marks).unwrap();
        let ids: BTreeMap<usize, &str> = text
            .lines()
            .map(|line| line[1..].split_once(' ').unwrap())
            .map(|(mark, id)| (mark.parse().unwrap(), id))
            .collect();
        for (name, mark) in &self.marks {
            let id = CommitId::parse(ids[mark]).unwrap();
            repository.ids.insert(name.clone(), id);
        }
        repository
    }
}

/// A bare repository in a directory of its own, which goes with the value.
pub struct Repository {
    pub path: PathBuf,
    pub ids: BTreeMap<String, CommitId>,
}

impl Repository {
    pub fn new() -> Repository {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("drone-hotfix-history-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Left behind by an earlier process of the same number.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        let repository = Repository {
            path,
            ids: BTreeMap::new(),
        };
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=unborn"]);
        repository
    }

    #[track_caller]
    pub fn id(&self, name: &str) -> CommitId {
        self.ids
            .get(name)
            .unwrap_or_else(|| panic!("no {name}"))
            .clone()
    }

    pub fn directory(&self) -> PathBuf {
        self.path.join("objects")
    }

    #[track_caller]
    pub fn open(&self) -> Objects {
        Objects::open(&[self.directory()], &[]).unwrap()
    }

    /// Runs git in it; what it says must be no error.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, b"")
    }

    #[track_caller]
    pub fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = git(&self.path, arguments, input);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What git prints of some commits, as a sorted list of ids.
    #[track_caller]
    pub fn ids_of(&self, arguments: &[&str]) -> Vec<CommitId> {
        self.git(arguments)
            .lines()
            .map(|line| CommitId::parse(line).unwrap())
            .collect()
    }

    /// Writes one loose object.
    pub fn write_object(&self, kind: &str, data: &[u8]) -> CommitId {
        let id = self.git_with(
            &["hash-object", "-t", kind, "-w", "--literally", "--stdin"],
            data,
        );
        CommitId::parse(id.trim()).unwrap()
    }

    /// The file of a loose object.
    pub fn loose(&self, id: &CommitId) -> PathBuf {
        let (start, rest) = id.as_str().split_at(2);
        self.directory().join(start).join(rest)
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Runs git without any configuration but the repository's.
pub fn git(directory: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new("git")
        .env_clear()
        .envs([
            ("HOME", "/nowhere"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ])
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git starts (Debian package git)");
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    })
}

/// Numbers that look random and are the same in every run (xorshift).
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % u64::try_from(limit).unwrap()).unwrap()
    }

    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Numbered lines.
pub fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "line {number}");
        text
    })
}
