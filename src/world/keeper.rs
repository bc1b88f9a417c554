//! `Keeper`: who makes durable what a run saves and receives.

/// Keeps what `save` hands over.
pub trait Keeper {
    /// Makes the values durable: they are on disk when this returns `Ok`.
    ///
    /// # Errors
    ///
    /// What went wrong, in words for the user.
    fn keep(&mut self, values: &[(String, Vec<u8>)]) -> Result<(), String>;

    /// Makes a received file durable: it is on disk as a whole when this returns `Ok`. It is asked for the files that
    /// `Program::keeping_files` names.
    ///
    /// # Errors
    ///
    /// What went wrong, in words for the user.
    fn keep_file(&mut self, _name: &str, _content: &[u8], _is_secret: bool) -> Result<(), String> {
        Err("nobody keeps files here".to_string())
    }
}

/// Keeps results in memory only, for who looks at them when the run has ended.
#[derive(Debug, Default)]
pub struct Memory {
    /// The name and the bytes of everything that was saved, in order.
    pub saved: Vec<(String, Vec<u8>)>,
    /// How much memory all of it takes, in bytes.
    n_bytes: usize,
}

/// How many bytes of memory everything may take that is kept there.
const MOST_SAVED: usize = 64 << 20;

impl Keeper for Memory {
    fn keep(&mut self, values: &[(String, Vec<u8>)]) -> Result<(), String> {
        let n_bytes =
            |(name, value): &(String, Vec<u8>)| size_of_val(name) + name.len() + size_of_val(value) + value.len();
        self.n_bytes += values.iter().map(n_bytes).sum::<usize>();
        if self.n_bytes > MOST_SAVED {
            return Err(format!("all that was saved takes more than {} MiB of memory", MOST_SAVED >> 20));
        }
        self.saved.extend_from_slice(values);
        Ok(())
    }
}
