//! `RecordingFile`: a recording on disk, without the secrets that became known when their bytes were written already.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::forms::{Forms, Known};
use super::recorder::Outlet;
use super::tail::{Hold, Tail};
use super::{Entry, EntryKind, HoldBack, Piece, Recorder, Recording, text};
use crate::disk::{Temporary, empty_private, remove_remains};
use crate::port::PortId;
use crate::world::Tap;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner: while it is written, what becomes a secret later may stand in it.
    Owner,
    /// Whoever may read other files of the owner.
    Others,
}

/// A recording that is being written to a file.
#[derive(Debug)]
pub struct RecordingFile {
    path: PathBuf,
    recorder: Recorder<File>,
}

impl RecordingFile {
    /// Empties the file and begins to record; the entries of `header` are left out.
    ///
    /// # Errors
    ///
    /// The system does not give the file.
    pub fn create(path: &Path, readers: Readers, header: Recording, hold_back: HoldBack) -> io::Result<RecordingFile> {
        remove_remains(path);
        let file = match readers {
            Readers::Owner => empty_private(path)?,
            Readers::Others => File::create(path)?,
        };
        Ok(RecordingFile { path: path.to_path_buf(), recorder: Recorder::new(header, hold_back, file) })
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what records a run.
    pub fn tap(&mut self) -> &mut dyn Tap {
        &mut self.recorder
    }

    /// Whether something was seen that is to be written soon.
    pub fn has_unwritten(&self) -> bool {
        self.recorder.has_unwritten()
    }

    /// Puts a note of a line, for who reads the recording.
    pub fn note(&mut self, port: PortId, text: &str) {
        self.recorder.remark(port, text);
    }

    /// Writes the rest; these are all secrets of the run. If one of them was not known when its bytes were written,
    /// the file is replaced as a whole by one in which it is masked.
    ///
    /// # Errors
    ///
    /// The first thing that went wrong.
    pub fn finish(self, secrets: &[(Arc<str>, Vec<u8>)]) -> io::Result<()> {
        match self.recorder.finish(secrets)? {
            Some(until) => look_again(&self.path, until, secrets).map_err(|error| {
                let message = format!("a value that became a secret late may be in it unmasked: {error}");
                io::Error::new(error.kind(), message)
            }),
            None => Ok(()),
        }
    }
}

/// Masks what was not masked when it was written; `until` is where that ends.
fn look_again(path: &Path, until: u64, secrets: &[(Arc<str>, Vec<u8>)]) -> io::Result<()> {
    // What a link leads to is replaced, not the link.
    let path = fs::canonicalize(path)?;
    if !fs::metadata(&path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "it is not a file that can be written again"));
    }
    if is_masked(&path, until, secrets)? {
        return Ok(());
    }
    let temporary = Temporary::write(&path, |file| {
        mask_again(open(&path)?, secrets, Until::End, &mut *file)?;
        file.set_permissions(fs::metadata(&path)?.permissions())
    })?;
    temporary.rename(&path)
}

/// Says whether a recording, up to there, has a name in place of each of these secrets.
///
/// It is closed again when this returns: a system may not put another file into the place of one that is open.
fn is_masked(path: &Path, until: u64, secrets: &[(Arc<str>, Vec<u8>)]) -> io::Result<bool> {
    let mut comparison = Comparison { with: open(path)?, is_same: true };
    let compared = mask_again(open(path)?, secrets, Until::Place(until), &mut comparison);
    if comparison.is_same { compared.map(|()| true) } else { Ok(false) }
}

fn open(path: &Path) -> io::Result<BufReader<File>> {
    File::open(path).map(BufReader::new)
}

/// How far a recording is gone over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// Until all that stands before this has been written.
    Place(u64),
    /// To its end.
    End,
}

/// Copies a recording, the names of secrets replaced by what they stand for, and that masked again: a secret may
/// contain what was known to be one before.
fn mask_again(
    mut source: impl BufRead,
    secrets: &[(Arc<str>, Vec<u8>)],
    until: Until,
    sink: impl Write,
) -> io::Result<()> {
    let forms = Forms::of(secrets);
    let mut known = Known::of(secrets);
    let mut outlet = Outlet::new(sink);
    let mut tail = Tail::default();
    let mut recording = Recording::default();
    let mut line = String::new();
    for n_lines in 0.. {
        line.clear();
        let is_over = source.read_line(&mut line)? == 0;
        let is_read = n_lines == 0 || text::read_line(line.trim_end_matches('\n'), &mut recording).is_some();
        let changed = || io::Error::new(io::ErrorKind::InvalidData, "it was changed by someone else");
        if !is_over && !is_read {
            return Err(changed());
        }
        let entry = recording.entries.pop();
        if outlet.n_put == 0 && (entry.is_some() || is_over) {
            outlet.put_header(&recording, &forms);
        }
        if let Some(entry) = entry {
            tail.takes(unmasked(entry, &mut known).ok_or_else(changed)?);
        }
        let hold = if is_over { Hold::Nothing } else { Hold::Open };
        while let Some(entry) = tail.next(&forms, hold) {
            outlet.put(&entry)?;
        }
        if is_over || matches!(until, Until::Place(place) if outlet.n_put >= place) {
            break;
        }
    }
    outlet.flush()
}

/// Returns an entry with what the names in it stand for; `None` if one of them is not known.
fn unmasked(entry: Entry, known: &mut Known) -> Option<Entry> {
    let mut plain = |pieces: Vec<Piece>| {
        let mut whole = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => whole.extend(bytes),
                Piece::Secret(mask) => whole.extend(known.get_or_letters(&mask)?),
            }
        }
        Some(vec![Piece::Bytes(whole)])
    };
    let kind = match entry.kind {
        EntryKind::Sent { bytes, took } => EntryKind::Sent { bytes: plain(bytes)?, took },
        EntryKind::Received { bytes } => EntryKind::Received { bytes: plain(bytes)? },
        kind @ (EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed) => kind,
    };
    Some(Entry { at: entry.at, port: entry.port, kind })
}

/// Takes a text and compares it with what is there.
struct Comparison<R> {
    with: R,
    is_same: bool,
}

impl<R: Read> Write for Comparison<R> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut there = vec![0; text.len()];
        self.is_same = self.with.read_exact(&mut there).is_ok() && there == text;
        if self.is_same { Ok(text.len()) } else { Err(io::Error::other("it is another text")) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::port::Happening;
    use crate::time::Moment;

    /// Returns a recording as it is in the end, if it is to be looked at again.
    pub(crate) fn gone_over(text: &[u8], until: u64, secrets: &[(Arc<str>, Vec<u8>)]) -> Vec<u8> {
        let mut comparison = Comparison { with: Cursor::new(text), is_same: true };
        let compared = mask_again(text, secrets, Until::Place(until), &mut comparison);
        if comparison.is_same {
            compared.expect("the test's recording can be read");
            return text.to_vec();
        }
        let mut out = Vec::new();
        mask_again(text, secrets, Until::End, &mut out).expect("the test's recording can be read");
        out
    }

    fn header() -> Recording {
        let variables = vec![("url".to_string(), "x?hunter22".to_string())];
        Recording { title: "t".to_string(), variables, ..Recording::default() }
    }

    /// Records that a secret came, and makes sure that it is written.
    fn recording_of_a_secret(path: &Path) -> RecordingFile {
        let made = RecordingFile::create(path, Readers::Owner, header(), HoldBack::Least);
        let mut recording = made.expect("the test's file can be made");
        recording.tap().waiting(&[]);
        recording.tap().happened(Moment::START, &Happening::Received(PortId::FIRST), b"token: hunter22\r\n");
        recording.tap().waiting(&[]);
        recording.tap().write_out();
        recording
    }

    fn late() -> Vec<(Arc<str>, Vec<u8>)> {
        vec![(Arc::from("token"), b"hunter22".to_vec())]
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).expect("the test's file is there")
    }

    #[test]
    fn a_secret_that_became_known_when_it_was_written_already_is_masked_in_the_end() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("a.rec");
        let recording = recording_of_a_secret(&path);
        assert!(read(&path).contains("hunter22"), "nobody knew it");
        recording.finish(&late()).expect("there is room");
        let text = read(&path);
        assert!(text.ends_with("< \"token: «token/plain#8»\\r\\n\"\n") && !text.contains("hunter22"), "{text}");
        let names = fs::read_dir(folder.path()).expect("the test's folder is there");
        assert_eq!(names.count(), 1, "no other file is left");
    }

    #[test]
    fn a_file_is_not_written_again_when_nothing_in_it_became_a_secret() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("a.rec");
        let recording = recording_of_a_secret(&path);
        let link = folder.path().join("the same");
        fs::hard_link(&path, &link).expect("a link can be made");
        recording.finish(&[(Arc::from("token"), b"other-secret".to_vec())]).expect("there is room");
        fs::write(&link, "").expect("the test's file can be written");
        assert_eq!(read(&path), "", "it is the same file");
    }

    #[test]
    fn two_names_of_one_secret_do_no_harm() {
        let secrets: Vec<(Arc<str>, Vec<u8>)> = ["a", "b"].map(|name| (Arc::from(name), b"hunter22".to_vec())).to_vec();
        let text =
            b"flowrun recording 1\ntitle \"t\"\nseed 1\nbegun 1\n0.000000000 < \"k=\xc2\xaba/plain#8\xc2\xbb.\"\n";
        let text = String::from_utf8(gone_over(text, 1000, &secrets)).expect("it is UTF-8");
        assert!(text.ends_with("< \"k=«b/plain#8».\"\n"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_what_may_have_secrets_in_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("a.rec");
        let mode = || fs::metadata(&path).expect("the file is there").permissions().mode() & 0o777;
        fs::write(&path, "").expect("the test's file can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("the mode can be set");
        let recording = recording_of_a_secret(&path);
        assert_eq!(mode(), 0o600);
        recording.finish(&late()).expect("there is room");
        assert_eq!(mode(), 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn what_a_link_leads_to_is_masked_and_the_link_stays() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let (path, link) = (folder.path().join("a.rec"), folder.path().join("link"));
        std::os::unix::fs::symlink(&path, &link).expect("a link can be made");
        recording_of_a_secret(&link).finish(&late()).expect("there is room");
        assert!(!read(&path).contains("hunter22"));
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    }
}
