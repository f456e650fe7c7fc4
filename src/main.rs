//! Environment in, exit code out.

use std::io::{BufWriter, IsTerminal as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let out = std::io::stdout();
    let terminal = out.is_terminal();
    let exit = drone_hotfix::run::run(std::env::vars_os(), BufWriter::new(out.lock()), terminal);
    ExitCode::from(exit.code())
}
