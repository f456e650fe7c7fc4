//! The real binary in an environment that holds exactly what a test says.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// What a run of the binary gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// All that it printed, standard output before standard error.
    pub text: String,
}

impl Run {
    /// It ended with this code and has said these words.
    #[track_caller]
    pub fn ends(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}", self.text);
        for word in words {
            assert!(self.text.contains(word), "no {word} in\n{}", self.text);
        }
    }

    /// It ended with this code, and these words are in its first line.
    #[track_caller]
    pub fn begins(&self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{}", self.text);
        assert!(self.first_line().contains(words), "{}", self.text);
    }

    /// The first line.
    pub fn first_line(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }
}

/// The path of the binary.
pub const BINARY: &str = env!("CARGO_BIN_EXE_drone-hotfix");

/// Runs the binary. A name that stands twice keeps its last value; see [`run_with_doubles`].
pub fn run<N: AsRef<str>, V: AsRef<str>>(variables: impl IntoIterator<Item = (N, V)>) -> Run {
    finish(&mut command(variables))
}

/// Starts the binary, for [`ended`] or for an end by force.
pub fn spawn<N: AsRef<str>, V: AsRef<str>>(variables: impl IntoIterator<Item = (N, V)>) -> Child {
    let mut command = command(variables);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    command.spawn().expect("the binary starts")
}

/// What a run gave that was started by [`spawn`].
pub fn ended(child: Child) -> Run {
    read(child.wait_with_output().expect("the binary ends"))
}

fn command<N: AsRef<str>, V: AsRef<str>>(variables: impl IntoIterator<Item = (N, V)>) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear();
    for (name, value) in variables {
        command.env(name.as_ref(), value.as_ref());
    }
    command
}

/// Runs the binary in a directory.
pub fn run_in<N: AsRef<str>, V: AsRef<str>>(
    directory: &Path,
    variables: impl IntoIterator<Item = (N, V)>,
) -> Run {
    finish(command(variables).current_dir(directory))
}

/// Runs the binary with the environment exactly as given, names that stand twice included: the
/// standard library keeps one of each, the kernel keeps all. Bytes, because a value need not be
/// UTF-8.
pub fn run_with_doubles(entries: &[Vec<u8>]) -> Run {
    const EXECVE: &str = "import ctypes, sys\n\
        entries = [bytes.fromhex(e) for e in sys.argv[2:]]\n\
        block = (ctypes.c_char_p * (len(entries) + 1))(*entries, None)\n\
        path = sys.argv[1].encode()\n\
        argv = (ctypes.c_char_p * 2)(path, None)\n\
        ctypes.CDLL(None).execve(path, argv, block)\n\
        sys.exit('execve failed')\n";
    let hex = |entry: &Vec<u8>| entry.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut command = Command::new("python3");
    command
        .args(["-c", EXECVE, BINARY])
        .args(entries.iter().map(hex));
    finish(&mut command)
}

fn finish(command: &mut Command) -> Run {
    read(command.output().expect("the binary starts"))
}

fn read(output: Output) -> Run {
    let mut text = String::from_utf8(output.stdout).expect("the log is UTF-8");
    text.push_str(&String::from_utf8(output.stderr).expect("the log is UTF-8"));
    Run {
        code: output.status.code().unwrap_or(-1),
        text,
    }
}
