//! Reads a file and everything that it `use`s.

mod secrets;

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{LARGEST_TEXT, Reach, folder_of, read_file};
use crate::source::{Site, Source, SourceId, Sources, Span, name_of};
use crate::syntax::ast::StatementKind;
use crate::syntax::{self, Parsed};
pub use secrets::cover_secrets;

/// The libraries that travel inside of the program, by the name that `use` gives them.
pub const STANDARD: &[(&str, &str)] = &[
    ("std/at", include_str!("../flows/std/at.flow")),
    ("std/clouds", include_str!("../flows/std/clouds.flow")),
    ("std/dle", include_str!("../flows/std/dle.flow")),
    ("std/esp", include_str!("../flows/std/esp.flow")),
    ("std/grbl", include_str!("../flows/std/grbl.flow")),
    ("std/linux", include_str!("../flows/std/linux.flow")),
    ("std/marlin", include_str!("../flows/std/marlin.flow")),
    ("std/micropython", include_str!("../flows/std/micropython.flow")),
    ("std/modbus", include_str!("../flows/std/modbus.flow")),
    ("std/modem", include_str!("../flows/std/modem.flow")),
    ("std/nmea", include_str!("../flows/std/nmea.flow")),
    ("std/scpi", include_str!("../flows/std/scpi.flow")),
    ("std/slip", include_str!("../flows/std/slip.flow")),
    ("std/uboot", include_str!("../flows/std/uboot.flow")),
    ("std/ubx", include_str!("../flows/std/ubx.flow")),
    ("std/zephyr", include_str!("../flows/std/zephyr.flow")),
];

/// A file uses so many others at most, those that they use among them.
const MOST_FILES: usize = 256;

/// A file and everything that it uses.
#[derive(Debug)]
pub struct Loaded {
    /// The texts.
    pub sources: Sources,
    /// The files: a used file stands before its user, the file itself last.
    pub files: Vec<LoadedFile>,
    /// What could not be read or parsed.
    pub problems: Vec<Diagnostic>,
}

/// One file, parsed.
#[derive(Debug)]
pub struct LoadedFile {
    /// Its text.
    pub id: SourceId,
    /// Its tree.
    pub parsed: Parsed,
    /// The files that it uses, each with the place of its path.
    pub uses: Vec<(Span, SourceId)>,
}

/// What comes of reading a file.
pub type Bytes = std::io::Result<Vec<u8>>;

/// How a text is got: from the disk, from an editor, or from memory in tests.
pub type Reader<'a> = &'a dyn Fn(&Path) -> Bytes;

/// Reads files from the disk, wherever they are.
pub fn from_disk(path: &Path) -> std::io::Result<Vec<u8>> {
    read_file(path, Reach::Anywhere, LARGEST_TEXT)
}

/// Reads a file from the disk and everything that it uses, each once; what it uses is in its folder or below it, or in the
/// folder within which it was reached itself.
pub(crate) fn load_file(path: &Path, reach: Reach<'_>) -> Loaded {
    let folder = match reach {
        Reach::Anywhere => folder_of(path),
        Reach::Below(folder) => folder,
    };
    let reader = |wanted: &Path| {
        let reach = if wanted == path { reach } else { Reach::Below(folder) };
        read_file(wanted, reach, LARGEST_TEXT)
    };
    load(path, &reader)
}

/// Reads a file and everything that it uses, each once.
pub fn load(path: &Path, reader: Reader<'_>) -> Loaded {
    let mut loader =
        Loader { reader, sources: Sources::default(), files: Vec::new(), problems: Vec::new(), seen: HashMap::new() };
    match read_text(reader, path) {
        Ok(text) => {
            loader.add(path, text);
        }
        Err(reason) => loader.problems.push(
            Diagnostic::general(Code::LoadUnreadable, format!("`{}` cannot be read: {reason}", name_of(path)))
                .help("check the path; a flow file usually ends in `.flow`"),
        ),
    }
    Loaded { sources: loader.sources, files: loader.files, problems: loader.problems }
}

/// Returns the path of a file that another names: beside or below it.
///
/// # Errors
///
/// Why the path is not allowed.
pub fn beside(file: &Path, path: &str) -> Result<PathBuf, &'static str> {
    let path = Path::new(path);
    if path.as_os_str().is_empty() {
        return Err("the path is empty");
    }
    if path.is_absolute()
        || path.components().any(|c| matches!(c, Component::ParentDir | Component::Prefix(_) | Component::RootDir))
    {
        return Err("a flow can use only files beside or below itself");
    }
    Ok(file.parent().unwrap_or(Path::new("")).join(path))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the system has more kinds of errors than we have words for")]
fn read_text(reader: Reader<'_>, path: &Path) -> Result<String, String> {
    let bytes = reader(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_string(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_string(),
        _ => error.to_string(),
    })?;
    String::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 (byte {})", error.utf8_error().valid_up_to()))
}

struct Loader<'a> {
    reader: Reader<'a>,
    sources: Sources,
    files: Vec<LoadedFile>,
    problems: Vec<Diagnostic>,
    /// Paths that were read, or are being read.
    seen: HashMap<PathBuf, SourceId>,
}

impl Loader<'_> {
    fn add(&mut self, path: &Path, text: String) -> SourceId {
        let source = Source::new(name_of(path), text);
        let id = self.sources.add(source);
        self.seen.insert(path.to_path_buf(), id);
        let parsed = syntax::parse(id, self.sources.get(id));
        cover_secrets(&mut self.sources, id, &parsed.file);
        self.problems.extend(parsed.problems.iter().cloned());
        let paths: Vec<_> = parsed
            .file
            .body
            .iter()
            .filter_map(|statement| {
                let StatementKind::Use { path, .. } = &statement.kind else { return None };
                Some((path.node.clone(), Site { source: id, span: path.span }))
            })
            .collect();
        let mut uses = Vec::new();
        for (used, site) in paths {
            uses.extend(self.use_file(path, &used, site).map(|used| (site.span, used)));
        }
        self.files.push(LoadedFile { id, parsed, uses });
        id
    }

    fn use_file(&mut self, user: &Path, used: &str, site: Site) -> Option<SourceId> {
        if used.starts_with("std/") {
            return self.use_standard(used, site);
        }
        let target = match beside(user, used) {
            Ok(target) => target,
            Err(why) => {
                let problem = Diagnostic::new(Code::LoadUse, site, format!("`{used}` cannot be used"), why)
                    .help("name it relative to this file, without `..`: `use \"lib/air.flow\"`");
                self.problems.push(problem);
                return None;
            }
        };
        if let Some(known) = self.seen.get(&target) {
            return Some(*known);
        }
        if self.seen.len() >= MOST_FILES {
            let message = format!("more than {MOST_FILES} files are used");
            let problem = Diagnostic::new(Code::LoadUse, site, message, "one too many");
            self.problems.push(problem.help("does a folder contain itself by a link?"));
            return None;
        }
        match read_text(self.reader, &target) {
            Ok(text) => Some(self.add(&target, text)),
            Err(reason) => {
                let message = format!("`{}` cannot be read: {reason}", name_of(&target));
                self.problems.push(Diagnostic::new(Code::LoadUse, site, message, "used here"));
                None
            }
        }
    }

    fn use_standard(&mut self, used: &str, site: Site) -> Option<SourceId> {
        let path = PathBuf::from(used);
        if let Some(known) = self.seen.get(&path) {
            return Some(*known);
        }
        match STANDARD.iter().find(|(name, _)| *name == used) {
            Some((_, text)) => Some(self.add(&path, (*text).to_string())),
            None => {
                let names = STANDARD.iter().map(|(name, _)| *name);
                let help = match nearest(used, names.clone()) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
                };
                let message = format!("there is no `{used}` in the standard library");
                self.problems.push(Diagnostic::new(Code::LoadUse, site, message, "not built in").help(help));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_from(files: &[(&str, &str)]) -> Loaded {
        let reader = |path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| text.as_bytes().to_vec()).ok_or(std::io::ErrorKind::NotFound.into())
        };
        load(Path::new(files[0].0), &reader)
    }

    #[test]
    fn used_files_are_read_once_even_in_a_circle() {
        let loaded = load_from(&[
            ("d/a.flow", "flow \"a\" use \"lib/b.flow\" use \"lib/b.flow\""),
            ("d/lib/b.flow", "library \"b\" use \"c.flow\""),
            ("d/lib/c.flow", "library \"c\" use \"b.flow\""),
        ]);
        assert_eq!(loaded.problems, []);
        let names: Vec<_> = loaded.files.iter().map(|f| loaded.sources.get(f.id).name()).collect();
        assert_eq!(names, ["d/lib/c.flow", "d/lib/b.flow", "d/a.flow"]);
    }

    #[test]
    fn a_flow_reaches_only_files_beside_itself() {
        for path in ["../x.flow", "/etc/passwd", "a/../../x.flow", ""] {
            assert!(beside(Path::new("d/a.flow"), path).is_err(), "{path}");
        }
        assert_eq!(beside(Path::new("d/a.flow"), "lib/x.flow"), Ok(PathBuf::from("d/lib/x.flow")));
    }

    #[test]
    fn a_missing_file_is_reported_at_its_use() {
        let loaded = load_from(&[("a.flow", "flow \"a\" use \"b.flow\" use \"std/att\"")]);
        let messages: Vec<_> = loaded.problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(
            messages,
            ["`b.flow` cannot be read: there is no such file", "there is no `std/att` in the standard library"]
        );
    }

    #[test]
    fn the_default_of_a_secret_is_hidden_in_the_shown_text() {
        let loaded = load_from(&[("a.flow", "flow \"a\" secret key = \"hunter22\" send \"hunter22\"")]);
        let shown = loaded.sources.get(loaded.files[0].id).shown();
        assert!(!shown.contains("hunter22"), "{shown}");
        assert_eq!(shown.len(), loaded.sources.get(loaded.files[0].id).text().len());
    }

    #[test]
    fn whatever_the_default_of_a_secret_is_made_of_is_hidden() {
        let texts = [
            "secret pin = 90817263",
            "secret key = \"90817\" + \"263\" + \"90817263\"",
            "secret key = upper(\"90817263\")",
            "secret key = {a: [\"90817263\"]}.a[0]",
            "secret key = \"${text(\"90817263\")}\"",
            "secret key = x\"90817263\"",
            "secret key = A90817263",
            "secret key = \"90817263\" junk",
            "secret key \"90817263\"",
            "secret key =\n  \"90817263",
            "compute secret key = \"90817263\"",
            "step \"s\" { capture secret key from \"90817263\" }",
            "ask \"key?\" as secret key default \"90817263\"",
            "compute secret key = A90817263",
            "Secret key = \"90817263\"",
            "secrt key = \"90817263\"",
            "secret key = 'A90817263'",
            "secret key = \"90817263\" send",
        ];
        for text in texts {
            let flow = format!("flow \"a\"\n{text}\nlog \"90817263 is it\"\n");
            let loaded = load_from(&[("a.flow", &flow)]);
            let source = loaded.sources.get(loaded.files[0].id);
            assert_eq!(source.shown().len(), source.text().len(), "{text}");
            let declaration = source.shown().rsplit_once("log").expect("it ends with a log").0;
            assert!(!declaration.contains("90817"), "{}", source.shown());
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        let text = "flow \"a\"\nsecret key = random_hex(1600)\nsecret other = key\nparam apn = \"CMIOT\"\n\
                    compute secret sign = \"Bearer \" + key\n";
        let loaded = load_from(&[("a.flow", text)]);
        assert_eq!(&**loaded.sources.get(loaded.files[0].id).shown(), text);
    }

    #[cfg(unix)]
    #[test]
    fn a_used_file_is_not_read_through_a_link_out_of_the_folder() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let flows = folder.path().join("flows");
        std::fs::create_dir(&flows).expect("there is room");
        std::fs::write(folder.path().join("outside"), "TOPSECRET").expect("there is room");
        std::fs::write(flows.join("a.flow"), "flow \"a\" use \"b.flow\"").expect("there is room");
        std::os::unix::fs::symlink("../outside", flows.join("b.flow")).expect("a link can be made");
        let loaded = load_file(&flows.join("a.flow"), Reach::Anywhere);
        let messages: Vec<_> = loaded.problems.iter().map(|p| p.message.as_str()).collect();
        assert!(matches!(&messages[..], [one] if one.ends_with(": a link leads out of the folder")), "{messages:?}");
        assert_eq!(loaded.files.len(), 1);
        // The command line may name it.
        std::fs::write(folder.path().join("outside"), "flow \"a\"").expect("there is room");
        assert_eq!(load_file(&flows.join("b.flow"), Reach::Anywhere).problems, []);
    }
}
