//! Arguments in, exit code out; everything else is the library's.

use std::process::ExitCode;

fn main() -> ExitCode {
    ivr1357::cli::run(std::env::args_os())
}
