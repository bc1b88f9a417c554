//! `Machine`: where a Linux system tells about itself: `/sys`, `/proc`, `/dev` and `/etc`, or a folder that stands for them.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder that everything else is looked for in: `/`, and in tests one that the test fills.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    root: PathBuf,
}

impl Machine {
    /// Returns the machine that this program runs on.
    pub(crate) fn this() -> Machine {
        Machine { root: PathBuf::from("/") }
    }

    /// Returns the machine that a folder stands for.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Machine {
        Machine { root: root.to_path_buf() }
    }

    /// Returns where a file of the machine is: `/dev/ttyUSB0`, `proc/12/comm`.
    pub(crate) fn path(&self, of_machine: impl AsRef<Path>) -> PathBuf {
        let path = of_machine.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Returns a text file without blanks around it; `None` if it cannot be read or is empty.
    pub(crate) fn text(&self, of_machine: impl AsRef<Path>) -> Option<String> {
        text_of(&self.path(of_machine))
    }

    /// Returns the name of a file of the machine with all links followed; the name itself if that is not possible.
    pub(crate) fn real(&self, name: &str) -> PathBuf {
        let real = fs::canonicalize(self.path(name)).ok();
        let below = real.as_deref().and_then(|real| real.strip_prefix(fs::canonicalize(&self.root).ok()?).ok());
        below.map_or_else(|| PathBuf::from(name), |below| Path::new("/").join(below))
    }

    /// Returns the numbers and the names of the processes, in order.
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let entries = fs::read_dir(self.path("proc")).into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let mut processes: Vec<_> =
            numbers.map(|pid| (pid, self.text(format!("proc/{pid}/comm")).unwrap_or_default())).collect();
        processes.sort();
        processes
    }
}

/// Returns a text file without blanks around it; `None` if it cannot be read or is empty.
pub(super) fn text_of(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_string()).filter(|text| !text.is_empty())
}
