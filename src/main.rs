//! The program `flowrun`.

use std::process::ExitCode;

fn main() -> ExitCode {
    flowrun::cli::main(std::env::args_os())
}
