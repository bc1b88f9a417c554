//! What flowrun leaves when it panics: a report that its user can read, and send.

use std::backtrace::Backtrace;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::panic::{self, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, Weak};
use std::{env, thread};

use super::artifacts::{HeldEvents, default_folder};
use crate::address::covered;
use crate::disk::first_free;
use crate::origin::Origin;
use crate::report::jsonl::render_jsonl;
use crate::secret::Redactor;
use crate::setup::present;
use crate::source::Sources;
use crate::value::calendar::format_time;
use crate::value::escape::{harmless, harmless_path};

/// The options whose values may be secrets: `NAME=VALUE`.
const WITH_VALUES: [&str; 2] = ["--var", "--sim-var"];
/// How the environment variables begin that may be secrets.
const VARIABLES: &str = "FLOWRUN_VAR_";
/// So many events stand in a report: the last ones of each run.
const MOST_EVENTS: usize = 50;
/// So short a value is not looked for: it occurs in ordinary text.
const SHORTEST: usize = 4;

/// The events of the runs that go on. A panic is told of in no other way: it may happen in any thread.
static RUNS: Mutex<Vec<Weak<HeldEvents>>> = Mutex::new(Vec::new());

/// Has a panic, in whichever thread, leave a report; `arguments` is the command line.
pub(super) fn report_panics(arguments: &[OsString]) {
    let arguments = arguments.to_vec();
    let is_told = AtomicBool::new(false);
    panic::set_hook(Box::new(move |panic| {
        // A panic in one thread often makes others panic: the first says what was wrong.
        if !is_told.swap(true, Ordering::SeqCst) {
            tell(panic, &arguments);
        }
    }));
}

/// Takes note of a run, so that its last events stand in a report.
pub(super) fn watch(run: Weak<HeldEvents>) {
    let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
    runs.retain(|run| run.strong_count() > 0);
    runs.push(run);
}

fn tell(panic: &PanicHookInfo<'_>, arguments: &[OsString]) {
    let given = given(arguments);
    let mut redactor = Redactor::default();
    given.iter().for_each(|(name, value)| redactor.learn(name, value.as_bytes()));
    let what = harmless(redactor.clean_text(&what_happened(panic)));
    let text = redactor.clean_text(&text(&what, arguments, &Backtrace::force_capture().to_string()));
    let kept = write(&text);
    // In a terminal that is still raw a line feed alone makes stairs.
    let end = if io::stderr().is_terminal() { "\r\n" } else { "\n" };
    let mut lines = vec![format!("flowrun: this is a defect of flowrun: {what}")];
    match kept {
        Ok(path) => {
            lines.push(format!("A report is in {}", harmless_path(&path)));
            lines.push(format!("Read it, and send it to {}", where_to()));
        }
        Err(error) => lines.push(format!("No report could be written: {error}; say what you did to {}", where_to())),
    }
    let _ = io::stderr().write_all((lines.join(end) + end).as_bytes());
}

/// Returns what was wrong and where. A text that was cut in the wrong place stands in the message of the system: it may come from
/// a device, and is left out.
fn what_happened(panic: &PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("no message");
    let quoted: Vec<&str> = message.split('`').collect();
    let message = if quoted.len() > 2 { format!("{}`…`", quoted[0]) } else { message.to_string() };
    let place = panic.location().map_or(String::new(), |place| format!(" ({}:{})", place.file(), place.line()));
    format!("{message}{place}")
}

fn text(what: &str, arguments: &[OsString], backtrace: &str) -> String {
    let mut text = String::new();
    let command: Vec<String> = shown(arguments);
    let folder = env::current_dir().map(|folder| harmless_path(&folder)).unwrap_or_default();
    let thread = harmless(thread::current().name().unwrap_or("without a name"));
    let rows = [
        ("what", what.to_string()),
        ("flowrun", version()),
        ("system", format!("{} on {}", env::consts::OS, env::consts::ARCH)),
        ("date", Origin { begun: present(), ..Origin::default() }.date()),
        ("command", command.join(" ")),
        ("folder", folder),
        ("thread", thread),
    ];
    text.push_str("flowrun stopped because of a defect of its own. This is what it knows of it.\n\n");
    for (name, value) in rows {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{name:<9}{value}");
    }
    let _ = writeln!(
        text,
        "\nPlease send this file to {}\nRead it before: values of variables, and secrets that flowrun knew, are left out or have \
         their names.\nIf it lets somebody read a secret or do more than a flow may, do not send it to a public place: \
         SECURITY.md says where.",
        where_to()
    );
    for events in last_events() {
        let _ = write!(text, "\nLast events of a run:\n\n{events}");
    }
    let _ = write!(text, "\nBacktrace:\n\n{backtrace}\n");
    text
}

fn version() -> String {
    match option_env!("FLOWRUN_COMMIT") {
        Some(commit) => format!("{} ({commit})", Origin::VERSION),
        None => Origin::VERSION.to_string(),
    }
}

fn where_to() -> String {
    match env!("CARGO_PKG_REPOSITORY") {
        "" => "the issues of the repository that your flowrun came from".to_string(),
        repository => format!("{repository}/issues"),
    }
}

/// Returns the last events of each run that goes on, as `--events` writes them; secrets have names in events.
fn last_events() -> Vec<String> {
    // Who holds a lock now will never give it back: it may be this thread.
    let Ok(runs) = RUNS.try_lock() else { return Vec::new() };
    let events = runs.iter().filter_map(Weak::upgrade).filter_map(|run| run.try_last(MOST_EVENTS));
    let texts = events.map(|events| {
        let lines = render_jsonl(&events, &Sources::default());
        // The first line has no place for what is not known here: the texts.
        harmless_lines(&String::from_utf8_lossy(&lines))
    });
    texts.collect()
}

fn harmless_lines(text: &str) -> String {
    text.lines().skip(1).map(|line| harmless(line) + "\n").collect()
}

/// Returns what was given to variables: any of it may be a secret.
fn given(arguments: &[OsString]) -> Vec<(String, String)> {
    let texts: Vec<String> = arguments.iter().map(|text| text.to_string_lossy().into_owned()).collect();
    let pairs =
        texts.iter().enumerate().filter_map(|(at, text)| pair_of(at.checked_sub(1).map(|at| &*texts[at]), text));
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| (name.to_string(), value.to_string()));
    let environment = env::vars_os().filter_map(|(name, value)| {
        let name = name.to_string_lossy().strip_prefix(VARIABLES)?.to_ascii_lowercase();
        Some((name, value.to_string_lossy().into_owned()))
    });
    pairs.chain(environment).filter(|(_, value)| value.len() >= SHORTEST).collect()
}

/// Returns the `NAME=VALUE` in an argument, if it has one: `before` is the argument before it.
fn pair_of<'a>(before: Option<&str>, text: &'a str) -> Option<&'a str> {
    if before.is_some_and(|before| WITH_VALUES.contains(&before)) {
        return Some(text);
    }
    WITH_VALUES.iter().find_map(|option| text.strip_prefix(option)?.strip_prefix('='))
}

/// Returns the command line without the values of variables and without passwords in addresses.
fn shown(arguments: &[OsString]) -> Vec<String> {
    let mut shown: Vec<String> = Vec::with_capacity(arguments.len());
    let mut before: Option<String> = None;
    for argument in arguments {
        let text = argument.to_string_lossy().into_owned();
        let pair = pair_of(before.as_deref(), &text);
        shown.push(harmless(match pair.and_then(|pair| Some((pair.len(), pair.split_once('=')?.0))) {
            Some((length, name)) => format!("{}{name}=…", &text[..text.len() - length]),
            None => covered(&text).into_owned(),
        }));
        before = Some(text);
    }
    shown
}

/// Writes a report where the artifacts of runs are, if that folder is there, or else where temporary files are.
fn write(text: &str) -> io::Result<PathBuf> {
    let date = format_time(present().div_euclid(1000), "%Y-%m-%dT%H-%M-%SZ", 0).unwrap_or_default();
    let folder = default_folder().filter(|folder| fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir()));
    let make = |folder: &Path| {
        first_free(|n| {
            let number = if n == 0 { String::new() } else { format!("_{}", u64::from(n) + 1) };
            let path = folder.join(format!("flowrun-panic-{date}{number}.txt"));
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(&path)?.write_all(text.as_bytes())?;
            Ok(path)
        })
    };
    folder.map_or_else(|| make(&env::temp_dir()), |folder| make(&folder).or_else(|_| make(&env::temp_dir())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_has_no_value_of_a_variable_and_no_password() {
        let arguments =
            ["flowrun", "a.flow", "--var", "key=hunter22", "--var=pin=1234", "--port", "exec:x --token t0p"];
        let arguments: Vec<OsString> = arguments.map(OsString::from).to_vec();
        let line = shown(&arguments).join(" ");
        assert_eq!(line, "flowrun a.flow --var key=… --var=pin=… --port exec:x --token «token»");
        let given = given(&arguments);
        assert!(given.contains(&("key".to_string(), "hunter22".to_string())), "{given:?}");
        assert!(given.contains(&("pin".to_string(), "1234".to_string())), "{given:?}");
    }
}
