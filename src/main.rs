//! The program `flowrun`.

use std::process::ExitCode;

// The unwinder that every Linux with a C compiler has, linked in: to find and load it as a library takes an eighth of the time
// in which a short flow runs. A static build has it anyway.
#[cfg(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static")))]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}

fn main() -> ExitCode {
    flowrun::main(std::env::args_os())
}
