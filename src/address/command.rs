//! `CommandLine`: a program and its arguments, written in one line.

use std::fmt;

use super::Fault;

/// A program and its arguments, parted as a shell would; no shell reads them.
///
/// [`fmt::Display`] writes what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    typed: String,
    program: String,
    arguments: Vec<String>,
}

/// Parts a line into words as a shell would; `None` if a quote is not closed.
pub(crate) fn split_words(line: &str) -> Option<Vec<String>> {
    shlex::split(line)
}

impl CommandLine {
    /// Parts a line into words.
    ///
    /// # Errors
    ///
    /// There is no word, or a quote is not closed.
    pub(super) fn parse(typed: &str) -> Result<CommandLine, Fault> {
        let words = split_words(typed).ok_or(Fault::OpenQuote)?;
        let mut words = words.into_iter();
        let program = words.next().filter(|program| !program.is_empty()).ok_or(Fault::NoCommand)?;
        Ok(CommandLine { typed: typed.to_string(), program, arguments: words.collect() })
    }

    /// Returns the program: a path, or a name that is looked for in `PATH`.
    #[cfg(unix)]
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// Returns what it is started with.
    #[cfg(unix)]
    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}
