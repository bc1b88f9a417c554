//! `flowrun fmt`: files in their one layout, rewritten, shown or compared.

mod changes;

use std::io::{self, Read};
use std::path::Path;

use super::Ending;
use super::args::FormatArguments;
use super::refusal::files;
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{LARGEST_TEXT, Reach, read_file, replace, too_large};
use crate::format::format;
use crate::load::cover_secrets;
use crate::source::{Source, SourceId, Sources, name_of};
use crate::syntax::parse;
use crate::value::escape::harmless_path;
use changes::render_changes;

/// Formats every file; what is wrong with one does not keep the others from it.
pub(super) fn fmt(arguments: &FormatArguments, terminal: &Terminal) -> Ending {
    let mut worst = Outcome::Same;
    let files = match files(&arguments.files) {
        Ok(files) => files,
        Err(problem) => {
            terminal.refuse(*problem);
            return Ending::Refused;
        }
    };
    for path in &files {
        let outcome = match texts(path, terminal) {
            Ok(texts) if texts.before == texts.after && !shows_all(arguments, path) => Outcome::Same,
            Ok(texts) if arguments.check => compare(path, &texts, terminal),
            Ok(texts) if shows_all(arguments, path) => {
                terminal.say(&texts.after);
                Outcome::Same
            }
            Ok(texts) => rewrite(path, &texts, terminal),
            Err(outcome) => outcome,
        };
        worst = worst.max(outcome);
    }
    match worst {
        Outcome::Same => Ending::Done,
        Outcome::Differs => Ending::Unformatted,
        Outcome::Unwritten => Ending::Outside,
        Outcome::Wrong => Ending::Refused,
    }
}

/// What became of a file, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// It is formatted, now or before.
    Same,
    /// It is not, and stays so.
    Differs,
    /// It should have been rewritten and could not be.
    Unwritten,
    /// It cannot be read, or something is wrong with it.
    Wrong,
}

/// A file as it is and as it should be.
struct Texts {
    before: String,
    after: String,
}

/// Returns sources with a text whose secrets are covered in what is shown of it, and its name there.
fn covered(name: &str, text: &str) -> (Sources, SourceId) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new(name, text));
    let parsed = parse(id, sources.get(id));
    cover_secrets(&mut sources, id, &parsed.file);
    (sources, id)
}

/// Whether the layout goes to standard output, changed or not.
fn shows_all(arguments: &FormatArguments, path: &Path) -> bool {
    !arguments.check && (arguments.stdout || is_input(path))
}

fn is_input(path: &Path) -> bool {
    path == Path::new("-")
}

fn texts(path: &Path, terminal: &Terminal) -> Result<Texts, Outcome> {
    let name = if is_input(path) { "standard input".to_string() } else { name_of(path) };
    let before = read(path).map_err(|reason| {
        terminal.refuse(Diagnostic::general(Code::LoadUnreadable, format!("`{name}` cannot be read: {reason}")));
        Outcome::Wrong
    })?;
    let (sources, id) = covered(&name, &before);
    match format(id, sources.get(id)) {
        Ok(after) => Ok(Texts { before, after }),
        Err(problems) => {
            terminal.report(&problems, &sources);
            Err(Outcome::Wrong)
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let read = if is_input(path) { read_input() } else { read_file(path, Reach::Anywhere, LARGEST_TEXT) };
    let bytes = read.map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 (byte {})", error.utf8_error().valid_up_to()))
}

fn read_input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().take(LARGEST_TEXT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_TEXT { Err(too_large(LARGEST_TEXT)) } else { Ok(bytes) }
}

fn compare(path: &Path, texts: &Texts, terminal: &Terminal) -> Outcome {
    let shown = |text: &str| {
        let (sources, id) = covered("", text);
        sources.get(id).shown().to_string()
    };
    let changes = render_changes(&shown(&texts.before), &shown(&texts.after));
    terminal.say(&format!("{}\n{changes}", harmless_path(path)));
    Outcome::Differs
}

fn rewrite(path: &Path, texts: &Texts, terminal: &Terminal) -> Outcome {
    match replace(path, &texts.after) {
        Ok(()) => {
            terminal.say(&format!("formatted  {}\n", harmless_path(path)));
            Outcome::Same
        }
        Err(error) => {
            let message = format!("`{}` cannot be written: {error}", name_of(path));
            terminal.refuse(Diagnostic::general(Code::CommandLine, message).help("the file is as it was"));
            Outcome::Unwritten
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::cli::args::Colours;

    const UGLY: &str = "flow \"t\"\r\nsend   \"A\"\r\n";
    const LAYOUT: &str = "flow \"t\"\nsend \"A\"\n";

    fn run(files: &[&Path], change: impl Fn(&mut FormatArguments)) -> Ending {
        let files = files.iter().map(|path| path.to_path_buf()).collect();
        let mut arguments = FormatArguments { files, check: false, stdout: false, color: Colours::Never };
        change(&mut arguments);
        fmt(&arguments, &Terminal::new(Colours::Never))
    }

    fn file(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).expect("the test's file can be written");
        path
    }

    fn read_back(path: &Path) -> String {
        fs::read_to_string(path).expect("the test's file is there")
    }

    #[test]
    fn a_file_is_rewritten_once_and_nothing_else_is_left_behind() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = file(folder.path(), "a.flow", UGLY);
        assert_eq!(run(&[&path], |_| ()), Ending::Done);
        assert_eq!(read_back(&path), LAYOUT);
        let written = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).expect("it has a time");
        let first = written(&path);
        assert_eq!(run(&[&path], |arguments| arguments.check = true), Ending::Done);
        assert_eq!(run(&[&path], |_| ()), Ending::Done);
        assert_eq!(written(&path), first);
        assert_eq!(fs::read_dir(folder.path()).expect("it can be read").count(), 1);
    }

    #[test]
    fn every_file_of_a_folder_is_formatted() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        fs::create_dir(folder.path().join("devices")).expect("it can be made");
        let flow = file(folder.path(), "a.flow", UGLY);
        let device = file(&folder.path().join("devices"), "d.flow", "device   \"d\"\n");
        let other = file(folder.path(), "a.txt", UGLY);
        assert_eq!(run(&[folder.path()], |_| ()), Ending::Done);
        let texts = [&flow, &device, &other].map(|path| read_back(path));
        assert_eq!(texts, [LAYOUT, "device \"d\"\n", UGLY]);
        let empty = tempfile::tempdir().expect("a folder can be made for tests");
        assert_eq!(run(&[empty.path()], |_| ()), Ending::Refused);
    }

    #[test]
    fn what_is_only_shown_or_compared_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = file(folder.path(), "a.flow", UGLY);
        assert_eq!(run(&[&path], |arguments| arguments.check = true), Ending::Unformatted);
        assert_eq!(run(&[&path], |arguments| arguments.stdout = true), Ending::Done);
        assert_eq!(read_back(&path), UGLY);
    }

    #[test]
    fn a_wrong_file_is_left_alone_and_the_others_are_formatted() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let wrong = file(folder.path(), "wrong.flow", "flow \"t\"\nsend\n");
        let binary = file(folder.path(), "binary.flow", b"\xff\xfe");
        let missing = folder.path().join("missing.flow");
        let right = file(folder.path(), "right.flow", UGLY);
        assert_eq!(run(&[&wrong, &binary, &missing, &right], |_| ()), Ending::Refused);
        assert_eq!(read_back(&wrong), "flow \"t\"\nsend\n");
        assert_eq!(read_back(&right), LAYOUT);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_are_kept() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = file(folder.path(), "a.flow", UGLY);
        let link = folder.path().join("link.flow");
        std::os::unix::fs::symlink(&path, &link).expect("a link can be made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("the mode can be set");
        assert_eq!(run(&[&link], |_| ()), Ending::Done);
        assert_eq!(read_back(&path), LAYOUT);
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o640);
        fs::write(&path, UGLY).expect("the test's file can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).expect("the mode can be set");
        assert_eq!(run(&[&path], |_| ()), Ending::Outside);
        assert_eq!(read_back(&path), UGLY);
    }
}
