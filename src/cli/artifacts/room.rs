//! The folders of commands: a new name for each, and room made by taking the oldest away, never what somebody else put there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::first_free;
use crate::value::calendar::format_time;

pub(super) const TRANSCRIPT: &str = "transcript.txt";
pub(super) const EVENTS: &str = "events.jsonl";
pub(super) const PAGE: &str = "page.html";
pub(super) const RECORDING: &str = "run.recording";
pub(super) const SAVED: &str = "saved.json";

/// Every file that a folder of a run can have.
const ALL: [&str; 5] = [TRANSCRIPT, EVENTS, PAGE, RECORDING, SAVED];
/// So many folders of commands are left besides the one that is made next.
const MOST_COMMANDS: usize = 19;
/// How large they are together at the most, in bytes.
const MOST_OF_ALL: u64 = 256 << 20;

/// Returns the name of the folder of a command: its date in UTC, without a sign that Windows or an upload of CI refuses.
pub(super) fn date_of(begun: i64) -> String {
    format_time(begun.div_euclid(1000), "%Y-%m-%dT%H-%M-%SZ", 0).unwrap_or_else(|_| "1970-01-01T00-00-00Z".to_string())
}

/// Makes a folder of this name, or of the first free one like it: `NAME_2` and so on.
pub(super) fn make_folder(above: &Path, name: &str) -> io::Result<PathBuf> {
    first_free(|n| {
        let path = if n == 0 { above.join(name) } else { above.join(format!("{name}_{}", u64::from(n) + 1)) };
        fs::create_dir(&path).map(|()| path)
    })
}

/// Takes the oldest folders of commands away until there is room for another.
///
/// A folder in which anything else stands is left as it is. What cannot be taken away stays: it is no reason to keep nothing.
pub(super) fn make_room(folder: &Path) {
    make_room_for(folder, MOST_COMMANDS, MOST_OF_ALL);
}

fn make_room_for(folder: &Path, most: usize, largest: u64) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut commands: Vec<(String, Vec<PathBuf>, u64)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok().filter(|name| is_date(name))?;
            let (runs, size) = runs_in(&entry.path())?;
            Some((name, runs, size))
        })
        .collect();
    // Newest first; a further one of the same second has a longer name.
    commands.sort_by(|a, b| order(&b.0).cmp(&order(&a.0)));
    let mut sum = 0;
    for (at, (name, runs, size)) in commands.into_iter().enumerate() {
        sum += size;
        if at < most && sum <= largest {
            continue;
        }
        for run in &runs {
            for file in ALL {
                let _ = fs::remove_file(run.join(file));
            }
            let _ = fs::remove_dir(run);
        }
        let _ = fs::remove_dir(folder.join(name));
    }
}

/// Returns what sorts names of folders by their age.
fn order(name: &str) -> (&str, u32) {
    let (date, further) = name.split_at(LENGTH.min(name.len()));
    (date, further.trim_start_matches('_').parse().unwrap_or(0))
}

/// How long a date is.
const LENGTH: usize = "2026-11-30T16-52-49Z".len();

/// Says whether a name is one that the folder of a command has.
fn is_date(name: &str) -> bool {
    let shape = b"dddd-dd-ddTdd-dd-ddZ";
    let Some((date, further)) = name.as_bytes().split_at_checked(LENGTH) else { return false };
    let is_date = date.iter().zip(shape).all(|(c, s)| if *s == b'd' { c.is_ascii_digit() } else { c == s });
    let is_further = further.strip_prefix(b"_").is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit));
    is_date && (further.is_empty() || is_further)
}

/// Returns the folders of runs in the folder of a command, and how large they are; `None` if anything else is in it.
fn runs_in(command: &Path) -> Option<(Vec<PathBuf>, u64)> {
    let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    if !is_folder(command) {
        return None;
    }
    let (mut runs, mut size) = (Vec::new(), 0);
    for run in fs::read_dir(command).ok()? {
        let run = run.ok()?.path();
        if !is_folder(&run) {
            return None;
        }
        for file in fs::read_dir(&run).ok()? {
            let file = file.ok()?;
            let found = fs::symlink_metadata(file.path()).ok()?;
            if !found.is_file() || !ALL.iter().any(|name| file.file_name() == *name) {
                return None;
            }
            size += found.len();
        }
        runs.push(run);
    }
    Some((runs, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("it is a folder");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("it is there").file_name().into_string();
        let mut names: Vec<String> = entries.map(|entry| name(entry).expect("it is text")).collect();
        names.sort();
        names
    }

    /// Makes the folder of a command with one run whose transcript is so large.
    fn command(folder: &Path, name: &str, size: usize) -> PathBuf {
        let run = folder.join(name).join("login");
        fs::create_dir_all(&run).expect("there is room");
        fs::write(run.join(TRANSCRIPT), vec![b'x'; size]).expect("there is room");
        run
    }

    #[test]
    fn the_oldest_go_first_until_there_is_room() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let dates =
            ["2026-11-30T16-52-49Z", "2026-11-30T16-52-49Z_10", "2026-11-30T16-52-49Z_2", "2027-01-01T00-00-00Z"];
        dates.iter().for_each(|date| drop(command(folder.path(), date, 10)));
        make_room_for(folder.path(), 4, 100);
        assert_eq!(names_in(folder.path()), dates);
        make_room_for(folder.path(), 3, 100);
        assert_eq!(names_in(folder.path()), dates[1..]);
        make_room_for(folder.path(), 3, 25);
        assert_eq!(names_in(folder.path()), [dates[1], dates[3]], "`_10` is newer than `_2`");
    }

    #[test]
    fn what_somebody_else_put_there_stays() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let foreign = command(folder.path(), "2026-11-30T16-52-49Z", 1);
        fs::write(foreign.join("notes.txt"), "mine").expect("there is room");
        let nested = command(folder.path(), "2026-11-30T16-52-50Z", 1);
        fs::create_dir(nested.join("mine")).expect("there is room");
        command(folder.path(), "2026", 1);
        fs::write(folder.path().join("2026-11-30T16-52-51Z"), "a file").expect("there is room");
        let before = names_in(folder.path());
        make_room_for(folder.path(), 0, 0);
        assert_eq!(names_in(folder.path()), before);
        assert_eq!(names_in(&foreign), ["notes.txt", TRANSCRIPT]);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_taken_away_behind_a_link() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let other = tempfile::tempdir().expect("a folder can be made for tests");
        let run = command(other.path(), "2026-11-30T16-52-49Z", 1);
        let link = folder.path().join("2026-11-30T16-52-49Z");
        std::os::unix::fs::symlink(other.path().join("2026-11-30T16-52-49Z"), &link).expect("a link can be made");
        make_room_for(folder.path(), 0, 0);
        assert!(run.join(TRANSCRIPT).is_file() && link.is_symlink());
    }

    #[test]
    fn two_commands_of_one_second_have_folders_of_their_own() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let date = date_of(1_795_953_600_042);
        assert_eq!(date, "2026-11-29T12-00-00Z");
        let made: Vec<PathBuf> = (0..3).map(|_| make_folder(folder.path(), &date).expect("there is room")).collect();
        assert_eq!(made[2], folder.path().join("2026-11-29T12-00-00Z_3"));
        assert!(names_in(folder.path()).iter().all(|name| is_date(name)));
    }
}
