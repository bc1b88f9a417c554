//! The files of a session: its log and its recording. What was typed at a password prompt has a name in both.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::disk::{append_private, first_free};
use crate::draft::Sought;
use crate::port::{Happening, PortCommand, PortId, WriteToken};
use crate::record::{HoldBack, Readers, Recording, RecordingFile};
use crate::secret::{Redactor, SHORTEST};
use crate::settings::LineSettings;
use crate::time::Moment;

/// So long after the last byte what came is written, and a line that has not ended too.
const WRITE_AFTER: Duration = Duration::from_millis(500);

/// So much of a line that does not end is held back, for a secret may go on in it.
const LONGEST_LINE: usize = 64 << 10;

/// A line that nobody has gone on with for so long is written to the recording, whatever is looked for in it.
const GOES_ON: Duration = Duration::from_secs(10);

/// So much of what comes is held back until a secret is complete.
const MOST_HELD: usize = 1 << 20;

/// Writes of the files' own are numbered from here: those of the session never get so far.
const OWN_WRITES: u64 = 1 << 40;

/// The log, the recording, and the secrets that neither shows.
pub(super) struct Files {
    log: Option<Log>,
    recording: Option<Recorded>,
    secrets: Vec<(Arc<str>, Vec<u8>)>,
    redactor: Redactor,
    /// What a person says is secret: the log does not show it.
    sought: Arc<[Sought]>,
    /// What happened since a secret began to be typed.
    held: Option<Held>,
    /// What the recording has of lines that have not ended: the rest of a secret may come.
    begun: Begun,
    /// When something was seen that is not written.
    seen: Option<Moment>,
    n_own_writes: u64,
}

/// A log that is being written.
struct Log {
    path: PathBuf,
    file: File,
    /// What came of the line that has not ended.
    line: Vec<u8>,
}

/// A recording that is being written.
struct Recorded {
    file: RecordingFile,
    began: Moment,
}

/// The lines that have not ended, those that were typed and those that came.
#[derive(Default)]
struct Begun {
    sent: Vec<u8>,
    came: Vec<u8>,
    /// When the last of them was seen.
    last: Moment,
}

impl Begun {
    /// Takes what followed in one direction; returns the lines that have ended.
    fn take(line: &mut Vec<u8>, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut ended = Vec::new();
        for part in bytes.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
            line.extend_from_slice(part);
            if matches!(line.last(), Some(b'\r' | b'\n')) || line.len() > LONGEST_LINE {
                ended.push(std::mem::take(line).trim_ascii_end().to_vec());
            }
        }
        ended
    }

    /// Whether a line may still go on. One that nobody goes on with is a prompt.
    fn goes_on(&self, now: Moment) -> bool {
        (!self.sent.is_empty() || !self.came.is_empty()) && now.since(self.last) < GOES_ON
    }
}

/// What is held back until a secret is complete.
#[derive(Default)]
struct Held {
    sent: Vec<u8>,
    came: Vec<u8>,
    /// When the first of it was sent.
    at: Moment,
}

impl Files {
    pub(super) fn new(sought: Arc<[Sought]>) -> Files {
        Files {
            log: None,
            recording: None,
            secrets: Vec::new(),
            redactor: Redactor::default(),
            sought,
            held: None,
            begun: Begun::default(),
            seen: None,
            n_own_writes: OWN_WRITES,
        }
    }

    /// Begins a log in a file, which is added to if it is there.
    ///
    /// # Errors
    ///
    /// That of the system.
    pub(super) fn begin_log(&mut self, path: &Path) -> io::Result<()> {
        let file = match self.sought.is_empty() {
            true => File::options().create(true).append(true).open(path)?,
            false => append_private(path)?,
        };
        self.log = Some(Log { path: path.to_path_buf(), file, line: Vec::new() });
        Ok(())
    }

    /// Begins a log in a new file, whose name begins so; returns the file.
    ///
    /// # Errors
    ///
    /// That of the system.
    pub(super) fn begin_new_log(&mut self, stem: &str) -> io::Result<PathBuf> {
        let (path, mut file) = new_file(stem, "log")?;
        if !self.sought.is_empty() {
            file = append_private(&path)?;
        }
        self.log = Some(Log { path: path.clone(), file, line: Vec::new() });
        Ok(path)
    }

    /// Ends the log; returns where it is, if there was one.
    ///
    /// # Errors
    ///
    /// That of the system.
    pub(super) fn end_log(&mut self) -> io::Result<Option<PathBuf>> {
        let Some(mut log) = self.log.take() else { return Ok(None) };
        log.write_all(&mut self.redactor, &self.sought)?;
        Ok(Some(log.path))
    }

    /// Begins a recording of a port that is open with these settings.
    ///
    /// # Errors
    ///
    /// That of the system.
    pub(super) fn begin_recording(
        &mut self,
        path: &Path,
        header: Recording,
        now: Moment,
        open: Option<&LineSettings>,
    ) -> io::Result<()> {
        let mut file = RecordingFile::create(path, Readers::Owner, header, HoldBack::Least)?;
        file.tap().waiting(&self.secrets);
        if let Some(settings) = open {
            file.tap().performed(PortId::FIRST, &PortCommand::Open { settings: settings.clone() });
        }
        self.recording = Some(Recorded { file, began: now });
        Ok(())
    }

    /// Ends the recording; returns where it is, if there was one.
    ///
    /// # Errors
    ///
    /// That of the system.
    pub(super) fn end_recording(&mut self) -> io::Result<Option<PathBuf>> {
        let Some(Recorded { file, .. }) = self.recording.take() else { return Ok(None) };
        let path = file.path().to_path_buf();
        file.finish(&self.secrets)?;
        Ok(Some(path))
    }

    /// Returns whether there is a log, and whether there is a recording.
    pub(super) fn are_open(&self) -> (bool, bool) {
        (self.log.is_some(), self.recording.is_some())
    }

    /// Puts a title into the recording; returns whether there is one.
    pub(super) fn title(&mut self, now: Moment, title: &str) -> bool {
        let Some(recorded) = &mut self.recording else { return false };
        recorded.passes(now);
        recorded.file.note(PortId::FIRST, &format!("title {title}"));
        true
    }

    /// Takes note of a command to the port, before it is carried out.
    pub(super) fn performed(&mut self, now: Moment, command: &PortCommand) {
        let Some(recorded) = &mut self.recording else { return };
        recorded.passes(now);
        recorded.file.tap().performed(PortId::FIRST, command);
        self.seen.get_or_insert(now);
        if let (PortCommand::Write { bytes, .. }, false) = (command, self.sought.is_empty()) {
            self.begun.last = now;
            let lines = Begun::take(&mut self.begun.sent, bytes);
            self.learn_sought(&lines);
        }
    }

    /// Learns what a person calls secret in lines: the recording has its name.
    fn learn_sought(&mut self, lines: &[Vec<u8>]) {
        let sought = self.sought.clone();
        let found = lines.iter().flat_map(|line| sought.iter().flat_map(|sought| sought.find(line)));
        for (name, secret) in found {
            // So short a word cannot be told from other text.
            if secret.len() < SHORTEST || self.secrets.iter().any(|(_, known)| *known == secret) {
                continue;
            }
            let is_taken = |name: &str| self.secrets.iter().any(|(known, _)| **known == *name);
            let mut free = name.clone();
            for n in 2.. {
                if !is_taken(&free) {
                    break;
                }
                free = format!("{name}_{n}");
            }
            self.redactor.learn(&free, &secret);
            self.secrets.push((Arc::from(free), secret));
        }
    }

    /// Takes note that a part of a secret is sent; what follows is held back until it is complete.
    pub(super) fn sent_secret(&mut self, now: Moment, bytes: &[u8]) {
        if self.log.is_none() && self.recording.is_none() {
            return;
        }
        let held = self.held.get_or_insert_with(|| Held { at: now, ..Held::default() });
        held.sent.extend_from_slice(bytes);
    }

    /// Takes note of a secret that is complete, and of what was held back for it.
    pub(super) fn knows(&mut self, now: Moment, secret: &[u8]) {
        if !secret.is_empty() {
            let name = format!("password_{}", self.secrets.len() + 1);
            self.redactor.learn(&name, secret);
            self.secrets.push((Arc::from(name), secret.to_vec()));
        }
        let Some(mut held) = self.held.take() else { return };
        if !secret.is_empty() && secret.len() < SHORTEST {
            // So short a word cannot be told from other text: it is left out where it was typed.
            held.sent = without(&held.sent, secret);
            held.came = without(&held.came, secret);
        }
        if let Some(recorded) = &mut self.recording {
            recorded.file.tap().waiting(&self.secrets);
            self.n_own_writes += 1;
            let token = || WriteToken::new(PortId::FIRST, self.n_own_writes);
            recorded.passes(held.at);
            let write = PortCommand::Write { token: token(), bytes: held.sent };
            recorded.file.tap().performed(PortId::FIRST, &write);
            recorded.happened(held.at, &Happening::Sent(token()), &[]);
        }
        if !held.came.is_empty() {
            self.happened(now, &Happening::Received(PortId::FIRST), &held.came);
        }
    }

    /// Takes note of secrets that a flow had, with their names.
    pub(super) fn knows_all(&mut self, secrets: &[(Arc<str>, Vec<u8>)]) {
        for (name, secret) in secrets {
            if self.secrets.iter().all(|(_, known)| known != secret) {
                self.redactor.learn(name, secret);
                self.secrets.push((name.clone(), secret.clone()));
            }
        }
    }

    /// Takes note of what happened; `received` holds the bytes that came.
    pub(super) fn happened(&mut self, now: Moment, happening: &Happening, received: &[u8]) {
        if self.log.is_none() && self.recording.is_none() && self.held.is_none() {
            return;
        }
        if let (Some(held), Happening::Received(_)) = (&mut self.held, happening) {
            if held.came.len() < MOST_HELD {
                held.came.extend_from_slice(received);
            }
            return;
        }
        if let Some(log) = &mut self.log
            && matches!(happening, Happening::Received(_))
        {
            log.line.extend_from_slice(received);
        }
        if let Some(recorded) = &mut self.recording {
            recorded.happened(now, happening, received);
            if matches!(happening, Happening::Received(_)) && !self.sought.is_empty() {
                self.begun.last = now;
                let lines = Begun::take(&mut self.begun.came, received);
                self.learn_sought(&lines);
            }
        }
        self.seen.get_or_insert(now);
    }

    /// Returns when something is to be written.
    pub(super) fn due(&self) -> Option<Moment> {
        self.seen.map(|seen| seen + WRITE_AFTER)
    }

    /// Writes what is due.
    ///
    /// # Errors
    ///
    /// That of the system; the file that it is about is not written any more.
    pub(super) fn write_due(&mut self, now: Moment) -> Result<(), (PathBuf, io::Error)> {
        if let Some(log) = &mut self.log
            && let Err(error) = log.write_lines(&mut self.redactor, &self.sought)
        {
            let path = log.path.clone();
            self.log = None;
            return Err((path, error));
        }
        let goes_on = self.begun.goes_on(now);
        if let Some(recorded) = self.recording.as_mut().filter(|_| !goes_on) {
            recorded.file.tap().waiting(&self.secrets);
        }
        if self.due().is_none_or(|due| now < due) {
            return Ok(());
        }
        self.seen = goes_on.then_some(now);
        if goes_on {
            return Ok(());
        }
        if let Some(recorded) = &mut self.recording {
            recorded.file.tap().write_out();
        }
        Ok(())
    }
}

impl Recorded {
    /// Takes note that time has passed: a recording begins at zero.
    fn passes(&mut self, now: Moment) {
        self.happened(now, &Happening::Nothing, &[]);
    }

    fn happened(&mut self, now: Moment, happening: &Happening, received: &[u8]) {
        let at = Moment::after(now.since(self.began));
        self.file.tap().happened(at, happening, received);
    }
}

impl Log {
    /// Writes the lines that have ended.
    fn write_lines(&mut self, redactor: &mut Redactor, sought: &[Sought]) -> io::Result<()> {
        let ended = match self.line.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => at + 1,
            None if self.line.len() > LONGEST_LINE => self.line.len(),
            None => return Ok(()),
        };
        let lines: Vec<u8> = self.line.drain(..ended).collect();
        self.file.write_all(&cleaned(lines, redactor, sought))
    }

    fn write_all(&mut self, redactor: &mut Redactor, sought: &[Sought]) -> io::Result<()> {
        let rest = std::mem::take(&mut self.line);
        self.file.write_all(&cleaned(rest, redactor, sought))
    }
}

/// Returns lines without the secrets that are known, and without those that are found in them, which are known from then on.
fn cleaned(lines: Vec<u8>, redactor: &mut Redactor, sought: &[Sought]) -> Vec<u8> {
    if sought.is_empty() {
        return redactor.clean(&lines);
    }
    let mut out = Vec::with_capacity(lines.len());
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        let mut line = line.to_vec();
        for (name, secret) in sought.iter().flat_map(|sought| sought.find(text)) {
            if secret.len() < SHORTEST {
                // So short a word cannot be told from other text: it is left out of its own line.
                line = without(&line, &secret);
            } else {
                redactor.learn(&name, &secret);
            }
        }
        out.extend_from_slice(&line);
    }
    redactor.clean(&out)
}

/// Returns bytes without those of a word.
fn without(bytes: &[u8], word: &[u8]) -> Vec<u8> {
    let mut left = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        if rest.starts_with(word) {
            rest = &rest[word.len()..];
        } else {
            left.push(*first);
            rest = behind;
        }
    }
    left
}

/// Makes a file that was not there: `STEM.EXTENSION`, or `STEM-2.EXTENSION` and so on.
///
/// # Errors
///
/// That of the system.
pub(super) fn new_file(stem: &str, extension: &str) -> io::Result<(PathBuf, File)> {
    first_free(|n| {
        let number = if n == 0 { String::new() } else { format!("-{}", n + 1) };
        let path = PathBuf::from(format!("{stem}{number}.{extension}"));
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok((path, file))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(files: &mut Files, ms: u64, bytes: &[u8]) {
        files.happened(Moment::from_millis(ms), &Happening::Received(PortId::FIRST), bytes);
    }

    fn sent(files: &mut Files, ms: u64, n: u64, bytes: &[u8]) {
        let token = || WriteToken::new(PortId::FIRST, n);
        let now = Moment::from_millis(ms);
        files.performed(now, &PortCommand::Write { token: token(), bytes: bytes.to_vec() });
        files.happened(now, &Happening::Sent(token()), &[]);
    }

    #[test]
    fn a_password_is_in_neither_file_though_the_device_echoes_every_key() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let (log, recording) = (folder.path().join("a.log"), folder.path().join("a.recording"));
        let mut files = Files::new(Arc::from([]));
        files.begin_log(&log).expect("there is room");
        let header = Recording { title: "t".to_string(), ..Recording::default() };
        let settings = crate::settings::Settings::default().line;
        files.begin_recording(&recording, header, Moment::START, Some(&settings)).expect("there is room");
        received(&mut files, 1, b"login: ");
        sent(&mut files, 2, 1, b"root\r");
        received(&mut files, 3, b"root\r\nPassword: ");
        for (n, key) in b"hunter2".iter().enumerate() {
            files.sent_secret(Moment::from_millis(10 + n as u64), &[*key]);
            received(&mut files, 10 + n as u64, &[*key]);
        }
        files.sent_secret(Moment::from_millis(20), b"\r");
        files.knows(Moment::from_millis(20), b"hunter2");
        received(&mut files, 21, b"\r\nyour password hunter2 is old\r\n$ ");
        assert!(files.title(Moment::from_millis(30), "look around"));
        files.write_due(Moment::from_millis(5000)).expect("there is room");
        files.end_log().expect("there is room");
        files.end_recording().expect("there is room");
        let text = |path: &Path| std::fs::read_to_string(path).expect("it is there");
        for text in [text(&log), text(&recording)] {
            assert!(!text.contains("hunter2") && text.contains("password_1"), "{text}");
        }
        let recording = text(&recording);
        assert!(recording.contains("> +0.000000000 \"«password_1/plain#7»\\r\""), "{recording}");
        assert!(recording.contains("note title look around"), "{recording}");
        assert!(Recording::read(&recording).is_ok());
    }

    #[test]
    fn what_a_person_calls_secret_is_never_in_the_recording_while_it_is_written() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let recording = folder.path().join("a.part");
        let sought = Sought::read("KEY=(?<key>\\S+)").expect("it is right");
        let mut files = Files::new(Arc::from([sought]));
        let header = Recording { title: "t".to_string(), ..Recording::default() };
        let settings = crate::settings::Settings::default().line;
        files.begin_recording(&recording, header, Moment::START, Some(&settings)).expect("there is room");
        let text = || std::fs::read_to_string(&recording).expect("it is there");
        // A key a second, and the device echoes each.
        let mut now = 0;
        for (n, key) in b"AT+KEY=hunter22\r".iter().enumerate() {
            now += 1000;
            sent(&mut files, now, n as u64, &[*key]);
            received(&mut files, now + 1, &[*key]);
            files.write_due(Moment::from_millis(now + 900)).expect("there is room");
            assert!(!text().contains("\"h\""), "{}", text());
        }
        received(&mut files, now + 10, b"\nKEY=swordfish is new\r\n");
        files.write_due(Moment::from_millis(now + 2000)).expect("there is room");
        assert!(text().contains("«key_2/plain#9» is new"), "{}", text());
        assert!(text().contains("«key/plain#8»") && !text().contains("\"u\""), "{}", text());
        received(&mut files, now + 3000, b"> ");
        files.write_due(Moment::from_millis(now + 4000)).expect("there is room");
        assert!(!text().contains("\"> \""), "a line may go on");
        files.write_due(Moment::from_millis(now + 14_000)).expect("there is room");
        assert!(text().contains("\"> \""), "it is a prompt: {}", text());
    }

    #[test]
    fn what_a_person_calls_secret_is_not_in_the_log_which_is_its_owners_alone() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let log = folder.path().join("a.log");
        std::fs::write(&log, "before\n").expect("there is room");
        let sought = Sought::read("KEY=\"(?<key>[^\"]*)\"").expect("it is right");
        let mut files = Files::new(Arc::from([sought]));
        files.begin_log(&log).expect("there is room");
        for (ms, key) in b"AT+KEY=\"abcd1234\"\r\n".iter().enumerate() {
            received(&mut files, ms as u64, &[*key]);
            files.write_due(Moment::from_millis(ms as u64)).expect("there is room");
        }
        received(&mut files, 90, b"your key abcd1234\r\nKEY=\"xyz\" ok\r\nKEY=\"efgh5678\"");
        files.end_log().expect("there is room");
        let text = std::fs::read_to_string(&log).expect("it is there");
        let wanted = "before\nAT+KEY=\"«key»\"\r\nyour key «key»\r\nKEY=\"\" ok\r\nKEY=\"«key»\"";
        assert_eq!(text, wanted);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&log).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_new_file_never_takes_the_place_of_another() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let stem = folder.path().join("a.b").display().to_string();
        let names: Vec<PathBuf> = (0..3).map(|_| new_file(&stem, "log").expect("there is room").0).collect();
        assert_eq!(names, ["", "-2", "-3"].map(|n| PathBuf::from(format!("{stem}{n}.log"))));
    }
}
