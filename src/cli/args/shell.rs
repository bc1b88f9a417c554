//! What `completions` and `man` take.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(super) const AFTER_COMPLETIONS_HELP: &str = "\
Examples:
  flowrun completions bash > ~/.local/share/bash-completion/completions/flowrun
  flowrun completions zsh > ~/.zfunc/_flowrun      with fpath+=~/.zfunc before compinit
  flowrun completions fish > ~/.config/fish/completions/flowrun.fish
  flowrun completions powershell >> $PROFILE

The shell asks flowrun for what fits: ports, names of flowrun.toml, params of the flow that is
typed, tags. It opens no port and runs no program for that.";

pub(super) const AFTER_MAN_HELP: &str = "\
Examples:
  flowrun man | man -l -                           the page of the program (Linux)
  flowrun man test > flowrun-test.1
  flowrun man --write man1                         all pages, a file each";

/// What `completions` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
    /// What is typed so far: the script asks for what fits the last word
    #[arg(value_name = "WORD", last = true, hide = true, allow_hyphen_values = true)]
    pub words: Vec<OsString>,
}

/// A shell that can be told what completes a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

/// What `man` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct ManArguments {
    /// The command; without it the page of the program
    #[arg(value_name = "COMMAND", conflicts_with = "write")]
    pub command: Option<String>,
    /// Write all pages to this folder, a file each
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
}
