//! TOML to `Bench`: which keys there are, what each takes, and what is wrong with a text.

use std::path::{Component, Path};
use std::time::Duration;

use toml::Spanned as At;
use toml::de::{DeString, DeTable, DeValue};

use super::{Bench, Hook, NamedBench, NamedPort, Profile, TestOptions, Wrong, runs_a_program};
use crate::address::split_words;
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::folder_of;
use crate::hook::is_chosen_by_flow;
use crate::settings::{SETTINGS, SettingError, SettingValue, Settings};
use crate::source::{Site, Source, SourceId, Sources, Span};
use crate::syntax;
use crate::value::escape::{harmless, harmless_path};

/// The tables of a file.
pub(super) const TABLES: &[&str] = &["ports", "profile", "bench", "test", "hooks"];
/// The keys of `[profile.NAME]`.
pub(super) const OF_PROFILE: &[&str] = &["ports", "reconnect", "vars", "wait"];
/// The keys of `[test]`.
pub(super) const OF_TEST: &[&str] = &["jobs", "strict", "volatile"];

/// Returns the keys of `[ports.NAME]`.
pub(super) fn of_port() -> impl Iterator<Item = &'static str> + Clone {
    std::iter::once("address").chain(SETTINGS.iter().map(|(name, _)| *name))
}

/// Reads the text of a file.
///
/// # Errors
///
/// Everything that is wrong with it.
pub(super) fn bench(file: &Path, text: &str) -> Result<Bench, Wrong> {
    let mut sources = Sources::default();
    let shown = harmless_path(file);
    let id = sources.add(Source::new(shown.as_str(), text));
    let document = DeTable::parse(text).map_err(|error| {
        // Which part of the text is a secret cannot be known: none of it is shown.
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        let message = format!("line {line} of `{shown}` is not TOML: {}", harmless(error.message()));
        Wrong { problems: vec![Diagnostic::general(Code::BenchFile, message)], sources: Sources::default() }
    })?;
    let mut reader = Reader { id, folder: folder_of(file), problems: Vec::new(), secret: Vec::new() };
    let bench = Bench {
        file: file.to_path_buf(),
        sources: Sources::default(),
        ports: reader.ports(document.get_ref()),
        profiles: reader.profiles(document.get_ref()),
        benches: reader.benches(document.get_ref()),
        test: reader.test(document.get_ref()),
        hooks: reader.hooks(document.get_ref()),
        bytes: Vec::new(),
    };
    // A secret may stand where nobody looks for one, below a table that is misspelt for instance.
    let elsewhere = document
        .get_ref()
        .iter()
        .filter(|(key, _)| !matches!(key.get_ref().as_ref(), "ports" | "bench" | "test" | "hooks"));
    elsewhere.for_each(|(_, value)| reader.hide(value));
    reader.know(document.get_ref(), "the file", TABLES.iter().copied());
    let Reader { mut problems, secret, .. } = reader;
    secret.into_iter().for_each(|span| sources.cover(id, span));
    problems.sort_by_key(|problem| problem.label.as_ref().map(|label| label.site.span.start));
    if problems.is_empty() { Ok(Bench { sources, ..bench }) } else { Err(Wrong { problems, sources }) }
}

/// What stands in a table: names, and what each is.
type Entry<'d, 'i> = (&'d At<DeString<'i>>, &'d At<DeValue<'i>>);

/// Reads tables and gathers what is wrong with them.
struct Reader<'a> {
    id: SourceId,
    /// The folder of the file, from which its paths count.
    folder: &'a Path,
    problems: Vec<Diagnostic>,
    /// What is shown in no message.
    secret: Vec<Span>,
}

impl Reader<'_> {
    fn ports(&mut self, document: &DeTable<'_>) -> Vec<NamedPort> {
        let mut ports = Vec::new();
        for (name, value) in self.named(document, "ports") {
            let title = format!("[ports.{}]", harmless(name.get_ref().as_bytes()));
            let Some(table) = self.table(value, &title) else { continue };
            self.know(table, &title, of_port());
            let is_name = |c: char| c.is_alphanumeric() || "_-.".contains(c);
            if name.get_ref().is_empty() || name.get_ref() == "sim" || !name.get_ref().chars().all(is_name) {
                let help = "a name has letters, digits, `_`, `-` and `.`, and is not `sim`";
                self.wrong(
                    name,
                    format!("`{}` cannot be the name of a port", harmless(name.get_ref().as_bytes())),
                    "this name",
                    help,
                );
            }
            let settings = self.settings(table);
            let Some(value) = table.get("address") else {
                let help = "write `address = \"/dev/ttyUSB0\"`, or `address = \"usb:serial=…\"`";
                self.wrong(name, format!("`{title}` has no address"), "which port is it?", help);
                continue;
            };
            let Some(address) = self.text(value, "address") else { continue };
            let (site, address) = (self.site(value), self.seen_from_here(value, &address));
            ports.push(NamedPort { name: name.get_ref().to_string(), address, site, settings });
        }
        ports
    }

    /// Returns an address in which the path of a device or a recording counts from the folder of the file, and is in it.
    fn seen_from_here(&mut self, at: &At<DeValue<'_>>, address: &str) -> String {
        let Some((kind @ ("sim" | "replay"), path)) = address.split_once(':') else { return address.to_string() };
        let is_inside =
            Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !is_inside {
            let help = format!("name a file beside or below it, without `..`: `{kind}:devices/modem.flow`");
            self.wrong(at, "this file can use only files beside or below itself".to_string(), "this path", &help);
        }
        format!("{kind}:{}", self.folder.join(path).display())
    }

    fn settings(&mut self, table: &DeTable<'_>) -> Vec<(String, SettingValue)> {
        let mut settings = Vec::new();
        for (name, _) in SETTINGS {
            let Some(at) = table.get(*name) else { continue };
            let value = match at.get_ref() {
                DeValue::String(text) => setting(name, text),
                DeValue::Integer(number) => {
                    u64::from_str_radix(number.as_str(), number.radix()).ok().map(SettingValue::Number)
                }
                DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_)
                | DeValue::Table(_) => None,
            };
            let refused = match &value {
                Some(value) => Settings::default().set(name, value).err(),
                // None of these is the value of any setting.
                None => Settings::default().set(name, &SettingValue::Word(String::new())).err(),
            };
            match (refused, value) {
                (Some(SettingError::Wants(wanted)), _) => {
                    self.wrong(at, format!("`{name}` cannot be this"), "this value", &format!("`{name}` is {wanted}"));
                }
                (Some(SettingError::Unknown), _) | (None, None) => {}
                (None, Some(value)) => settings.push((name.to_string(), value)),
            }
        }
        settings
    }

    fn profiles(&mut self, document: &DeTable<'_>) -> Vec<Profile> {
        let mut profiles = Vec::new();
        for (name, value) in self.named(document, "profile") {
            let title = format!("[profile.{}]", harmless(name.get_ref().as_bytes()));
            let Some(table) = self.table(value, &title) else { continue };
            self.know(table, &title, OF_PROFILE.iter().copied());
            let ports = table.get("ports").map(|value| self.texts(value, "ports")).unwrap_or_default();
            let vars = table.get("vars").and_then(|value| self.table(value, "vars"));
            let vars =
                vars.into_iter().flatten().filter_map(|(name, value)| self.variable(name.get_ref(), value)).collect();
            let wait = table.get("wait").and_then(|value| self.duration(value, "wait")).unwrap_or_default();
            let reconnect = table.get("reconnect").and_then(|value| self.duration(value, "reconnect"));
            profiles.push(Profile { name: name.get_ref().to_string(), vars, ports, wait, reconnect });
        }
        profiles
    }

    fn benches(&mut self, document: &DeTable<'_>) -> Vec<NamedBench> {
        let mut benches = Vec::new();
        let is_word = |name: &str| {
            name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        for (name, value) in self.named(document, "bench") {
            let title = format!("[bench.{}]", harmless(name.get_ref().as_bytes()));
            let Some(table) = self.table(value, &title) else { continue };
            if name.get_ref().is_empty() || !name.get_ref().chars().all(|c| c.is_alphanumeric() || "_-".contains(c)) {
                let message = format!("`{}` cannot be the name of a bench", harmless(name.get_ref().as_bytes()));
                self.wrong(name, message, "this name", "a name has letters, digits, `_` and `-`");
            }
            let mut bench = NamedBench { name: name.get_ref().to_string(), ..NamedBench::default() };
            for (port, value) in table {
                if !is_word(port.get_ref()) {
                    let message =
                        format!("`{}` cannot be the name of a port of a flow", harmless(port.get_ref().as_bytes()));
                    self.wrong(
                        port,
                        message,
                        "this name",
                        "a name has letters, digits and `_`, as in `port dut { … }`",
                    );
                }
                let Some(address) = self.text(value, port.get_ref()) else { continue };
                let address = self.seen_from_here(value, &address);
                if runs_a_program(&address) {
                    bench.program.get_or_insert(self.site(value));
                }
                bench.ports.push((port.get_ref().to_string(), address));
            }
            benches.push(bench);
        }
        benches
    }

    fn duration(&mut self, at: &At<DeValue<'_>>, key: &str) -> Option<Duration> {
        let duration = at.get_ref().as_str().and_then(syntax::duration);
        if duration.is_none() {
            self.wrong(at, format!("`{key}` cannot be this"), "this value", &format!("write `{key} = \"30s\"`"));
        }
        duration
    }

    fn variable(&mut self, name: &str, at: &At<DeValue<'_>>) -> Option<(String, String)> {
        let value = match at.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string(),
            DeValue::Boolean(is_true) => is_true.to_string(),
            DeValue::Float(number) => number.as_str().to_string(),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                let help = "a variable is a string, a number, `true` or `false`";
                self.wrong(at, format!("`{}` cannot be this", harmless(name)), "this value", help);
                return None;
            }
        };
        Some((name.to_string(), value))
    }

    fn test(&mut self, document: &DeTable<'_>) -> TestOptions {
        let mut options = TestOptions::default();
        let Some(table) = document.get("test").and_then(|value| self.table(value, "[test]")) else { return options };
        self.know(table, "[test]", OF_TEST.iter().copied());
        if let Some(at) = table.get("jobs") {
            let number = at
                .get_ref()
                .as_integer()
                .and_then(|number| usize::from_str_radix(number.as_str(), number.radix()).ok());
            options.jobs = number.filter(|number| *number > 0);
            if options.jobs.is_none() {
                self.wrong(at, "`jobs` cannot be this".to_string(), "this value", "`jobs` is a number from 1 on");
            }
        }
        if let Some(at) = table.get("strict") {
            options.strict = at.get_ref().as_bool().unwrap_or_default();
            if at.get_ref().as_bool().is_none() {
                self.wrong(at, "`strict` cannot be this".to_string(), "this value", "`strict` is `true` or `false`");
            }
        }
        options.volatile = table.get("volatile").map(|value| self.texts(value, "volatile")).unwrap_or_default();
        options
    }

    fn hooks(&mut self, document: &DeTable<'_>) -> Vec<Hook> {
        let mut hooks = Vec::new();
        for (name, value) in self.named(document, "hooks") {
            let Some((words, command)) = self.command(value, name.get_ref()) else { continue };
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            if name.get_ref().is_empty() || !name.get_ref().chars().all(is_word) {
                let message = format!("`{}` cannot be the name of a hook", harmless(name.get_ref().as_bytes()));
                self.wrong(name, message, "this name", "a name has letters, digits and `_`");
            }
            hooks.push(Hook { name: name.get_ref().to_string(), words, command, site: self.site(value) });
        }
        hooks
    }

    /// Returns the words of a program, and how they are shown: a list of words, or a line that is parted as a shell would.
    fn command(&mut self, at: &At<DeValue<'_>>, name: &str) -> Option<(Vec<String>, String)> {
        let words = match at.get_ref() {
            DeValue::String(line) => split_words(line),
            DeValue::Array(items) => items.iter().map(|item| item.get_ref().as_str().map(str::to_string)).collect(),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Table(_) => None,
        };
        let Some(words) = words.filter(|words| words.first().is_some_and(|program| !program.is_empty())) else {
            let help =
                "it is a program and its arguments: `[\"uhubctl\", \"-a\", \"{0}\"]`, or one line with quotes closed";
            self.wrong(at, format!("`{}` cannot be this", harmless(name)), "this value", help);
            return None;
        };
        if words.first().is_some_and(|program| is_chosen_by_flow(program)) {
            let help = "name the program here; `{0}` stands for an argument of it";
            self.wrong(at, "a flow cannot say which program runs".to_string(), "this value", help);
        }
        let shown = at.get_ref().as_str().map_or_else(|| format!("{words:?}"), str::to_string);
        Some((words, shown))
    }

    /// Returns what stands in a table of the file; nothing if there is no such table.
    fn named<'d, 'i>(&mut self, document: &'d DeTable<'i>, key: &str) -> Vec<Entry<'d, 'i>> {
        document.get(key).and_then(|value| self.table(value, key)).into_iter().flatten().collect()
    }

    fn table<'d, 'i>(&mut self, at: &'d At<DeValue<'i>>, title: &str) -> Option<&'d DeTable<'i>> {
        let table = at.get_ref().as_table();
        if table.is_none() {
            self.wrong(
                at,
                format!("`{title}` must be a table"),
                "this value",
                &format!("write `{title}` on a line of its own"),
            );
        }
        table
    }

    fn text(&mut self, at: &At<DeValue<'_>>, key: &str) -> Option<String> {
        let text = at.get_ref().as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong(
                at,
                format!("`{}` cannot be this", harmless(key)),
                "this value",
                "it is a string that is not empty",
            );
        }
        text.map(str::to_string)
    }

    fn texts(&mut self, at: &At<DeValue<'_>>, key: &str) -> Vec<String> {
        let Some(list) = at.get_ref().as_array() else {
            self.wrong(at, format!("`{key}` cannot be this"), "this value", &format!("write `{key} = [\"…\", \"…\"]`"));
            return Vec::new();
        };
        list.iter().filter_map(|item| self.text(item, key)).collect()
    }

    /// Reports every key of a table that is not one of these.
    fn know<'k>(&mut self, table: &DeTable<'_>, title: &str, keys: impl Iterator<Item = &'k str> + Clone) {
        for (key, value) in table {
            if keys.clone().any(|known| known == key.get_ref()) {
                continue;
            }
            self.hide(value);
            let help = match nearest(key.get_ref(), keys.clone()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are: `{}`", keys.clone().collect::<Vec<_>>().join("`, `")),
            };
            let message = format!("{title} has no key `{}`", harmless(key.get_ref().as_bytes()));
            self.wrong(key, message, "this key", &help);
        }
    }

    /// Lets no message show what stands in a value.
    fn hide(&mut self, at: &At<DeValue<'_>>) {
        match at.get_ref() {
            DeValue::Array(items) => items.iter().for_each(|item| self.hide(item)),
            DeValue::Table(table) => table.iter().for_each(|(_, value)| self.hide(value)),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => self.secret.push(span(at)),
        }
    }

    fn site<T>(&self, at: &At<T>) -> Site {
        Site { source: self.id, span: span(at) }
    }

    fn wrong<T>(&mut self, at: &At<T>, message: String, label: &str, help: &str) {
        self.problems.push(Diagnostic::new(Code::BenchFile, self.site(at), message, label).help(help));
    }
}

fn span<T>(at: &At<T>) -> Span {
    let span = at.span();
    Span::new(span.start, span.end)
}

/// Returns what a string of TOML says for a setting: what a flow would read in `serial { … }`. Of `eol` and `header` a
/// string that is no such word is the text itself.
fn setting(name: &str, text: &str) -> Option<SettingValue> {
    let is_ending = matches!(name, "eol" | "header") && !matches!(text, "cr" | "lf" | "crlf" | "none");
    if is_ending {
        return Some(SettingValue::Text(text.as_bytes().to_vec()));
    }
    Some(syntax::setting_value(text).unwrap_or_else(|| SettingValue::Word(text.to_string())))
}
