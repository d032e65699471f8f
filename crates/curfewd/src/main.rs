//! The server program. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    curfewd::run(std::env::args_os())
}
