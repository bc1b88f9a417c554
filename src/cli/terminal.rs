//! `Terminal`: where people read: how wide it is, and whether it has colours.

use std::cell::{Cell, RefCell};
use std::env;
use std::io::{self, IsTerminal, Write};
use std::rc::Rc;

use anstream::{AutoStream, ColorChoice};

use super::args::Colours;
use super::host;
use super::host::prefix;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::{Look, Style, render_said};
use crate::event::Failure;
use crate::legend::Legend;
use crate::program::Program;
use crate::report::board::{Board, Place};
use crate::report::console::{Console, Detail, Overlong, Status, Volume};
use crate::report::hex::View;
use crate::report::lanes::Lanes;
use crate::report::pipeline::{Guarded, MOST_ANNOTATIONS, Pipeline};
use crate::setup::Pace;
use crate::source::Sources;
use crate::value::escape::harmless;
use crate::words::Language;

/// A board, and the place of each run on it.
type BoardAndPlaces<'a> = (Rc<RefCell<Board<'a>>>, Vec<Place<'a>>);

/// Rows where nobody says how many there are.
const HEIGHT: usize = 24;

/// Columns where nobody says how many there are.
const WIDTH: usize = 100;

/// Standard output for what was asked for, standard error for what is wrong.
///
/// That either cannot be written keeps a command from nothing, but it does not end well then: see [`Terminal::has_lost`].
#[derive(Debug)]
pub(super) struct Terminal {
    out: Look,
    err: Look,
    /// What people are spoken to in.
    language: Language,
    /// Whether something could not be shown.
    has_lost: Cell<bool>,
    /// Whether standard output can erase a line.
    status: Status,
    /// What becomes of long lines of the exchange.
    overlong: Overlong,
    /// How bytes of the exchange are shown.
    view: View,
    /// How much of the exchange is shown.
    detail: Detail,
    /// The server that takes some lines for commands, if there is one.
    pipeline: Option<Pipeline>,
    /// How many places in files it was told of.
    n_marks: Cell<usize>,
}

impl Terminal {
    /// Looks at what standard output and standard error are.
    pub(super) fn new(colours: Colours) -> Terminal {
        let (out, err) = (io::stdout(), io::stderr());
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let (out_is_terminal, err_is_terminal) = (out.is_terminal(), err.is_terminal());
        let status = if out_is_terminal && !is_dumb { Status::Shown } else { Status::Hidden };
        let look = |choice, is_terminal, size| {
            let width = size_from_environment().or(size).unwrap_or(WIDTH);
            Look { width, style: style(colours, choice, is_terminal) }
        };
        Terminal {
            out: look(AutoStream::choice(&out), out_is_terminal, out_is_terminal.then(|| columns(&out)).flatten()),
            err: look(AutoStream::choice(&err), err_is_terminal, err_is_terminal.then(|| columns(&err)).flatten()),
            language: Language::English,
            has_lost: Cell::new(false),
            status,
            overlong: Overlong::Whole,
            view: View::Auto,
            detail: Detail::Usual,
            pipeline: host::pipeline(),
            n_marks: Cell::new(0),
        }
    }

    /// Cuts long lines of the exchange to the width of the terminal, if that is wanted and there is one: what goes into a
    /// file or a pipe is never cut.
    pub(super) fn cutting(self, is_wanted: bool) -> Terminal {
        let overlong = if is_wanted && io::stdout().is_terminal() { Overlong::Cut } else { Overlong::Whole };
        Terminal { overlong, ..self }
    }

    /// Shows the bytes of the exchange in this way.
    pub(super) fn viewing(self, view: View) -> Terminal {
        Terminal { view, ..self }
    }

    /// Shows every byte of the exchange, if that is wanted.
    pub(super) fn raw(self, is_wanted: bool) -> Terminal {
        Terminal { detail: if is_wanted { Detail::Raw } else { Detail::Usual }, ..self }
    }

    /// Speaks this language.
    pub(super) fn speaking(self, language: Language) -> Terminal {
        Terminal { language, ..self }
    }

    /// Returns what people are spoken to in.
    pub(super) fn language(&self) -> Language {
        self.language
    }

    /// Shows what was asked for.
    pub(super) fn say(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut out = Guarded::new(AutoStream::always(io::stdout()), self.pipeline);
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            self.lose(&error);
        }
    }

    /// Shows lines of flowrun's own words, in the language of the person.
    pub(super) fn tell(&self, text: &str) {
        self.say(&self.language.said_lines(text));
    }

    /// Returns the server that shows what is said here, if it is one that makes something of it.
    pub(super) fn pipeline(&self) -> Option<Pipeline> {
        self.pipeline
    }

    /// Says something that is meant for that server: nothing that came from a device or a file stands in it unescaped.
    pub(super) fn command(&self, text: &str) {
        let mut out = io::stdout();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            self.lose(&error);
        }
    }

    /// Takes note that something could not be shown on standard output, and says so once. Who closes the pipe, as `head -3`
    /// does, has seen enough and is told nothing.
    pub(super) fn lose(&self, error: &io::Error) {
        let is_first = !self.has_lost.replace(true);
        if is_first && error.kind() != io::ErrorKind::BrokenPipe {
            self.warn(&format!("what is shown here is not complete: {error}"));
        }
    }

    /// Says whether something could not be shown.
    pub(super) fn has_lost(&self) -> bool {
        self.has_lost.get()
    }

    /// Returns what standard output is.
    pub(super) fn look(&self) -> Look {
        self.out
    }

    /// Whether a line can be shown that the next one takes the place of.
    pub(super) fn can_erase(&self) -> bool {
        self.status == Status::Shown
    }

    /// Shows a line that the next one of these takes the place of, if standard output can erase one.
    pub(super) fn status(&self, line: &str) {
        if self.status == Status::Shown {
            let room = self.out.width.saturating_sub(1);
            self.say(&format!("\r\u{1b}[K{}", harmless(line).chars().take(room).collect::<String>()));
        }
    }

    /// Shows what is wrong with a text, and an empty line behind it.
    pub(super) fn report(&self, problems: &[Diagnostic], sources: &Sources) {
        if !problems.is_empty() {
            self.complain(&(render_said(problems, sources, self.err, self.language) + "\n"));
        }
        for problem in problems {
            self.mark(|pipeline, prefix| pipeline.annotation(problem, sources, prefix));
        }
    }

    /// Marks in its flow why a run failed, where a server shows that.
    pub(super) fn mark_failure(&self, failure: &Failure, sources: &Sources) {
        self.mark(|pipeline, prefix| pipeline.annotation_of_failure(failure, sources, prefix));
    }

    /// Says a mark; of many only the first ones, for a server shows no more.
    fn mark(&self, mark: impl FnOnce(Pipeline, &str) -> String) {
        let Some(pipeline) = self.pipeline.filter(|_| self.n_marks.get() < MOST_ANNOTATIONS) else { return };
        let mark = mark(pipeline, &prefix());
        if !mark.is_empty() {
            self.n_marks.set(self.n_marks.get() + 1);
            self.command(&mark);
        }
    }

    /// Shows what is wrong with the command line.
    pub(super) fn refuse(&self, problem: Diagnostic) {
        self.report(&[problem], &Sources::default());
    }

    /// Shows something that is good to know, on standard error.
    pub(super) fn hint(&self, text: &str) {
        if !text.is_empty() {
            self.complain(&self.language.said_lines(text));
        }
    }

    /// Shows a line about something that went wrong besides.
    pub(super) fn warn(&self, text: &str) {
        let (lead, text) = (self.language.word("warning"), self.language.said(text));
        self.complain(&format!("{lead}: {}\n", harmless(&*text)));
    }

    /// Returns the sink that shows a run on standard output.
    pub(super) fn console<'a>(
        &self,
        sources: &'a Sources,
        volume: Volume,
        pace: Pace,
    ) -> Console<'a, impl Write + use<>> {
        let status = match (pace, volume) {
            (Pace::Real, Volume::Normal) => self.status,
            (Pace::Virtual, _) | (_, Volume::Quiet) => Status::Hidden,
        };
        let out = Guarded::new(AutoStream::always(io::stdout()), self.pipeline);
        let console = Console::new(out, sources, self.out, volume, status).in_language(self.language);
        console.with_lines(self.overlong).with_detail(self.detail).with_view(self.view)
    }

    /// Returns the rules by which the lines of a run are painted, if they are shown and there are colours.
    pub(super) fn legend(&self, program: &Program, volume: Volume) -> Legend {
        match (self.out.style, volume) {
            (Style::Colour, Volume::Normal) => Legend::of(program),
            (Style::Colour | Style::Ascii | Style::Plain, _) => Legend::default(),
        }
    }

    /// Returns the sink that shows the failure and the verdict of a run that is one of several on `out`, as it would on
    /// standard output.
    pub(super) fn console_of<'a, W: Write>(&self, port: &str, out: W, sources: &'a Sources) -> Console<'a, W> {
        let console = Console::new(out, sources, self.out, Volume::Quiet, Status::Hidden);
        console.in_language(self.language).of_port(port)
    }

    /// Returns a line that moves for each of several runs, if standard output can erase a line; its place takes each run.
    pub(super) fn board<'a>(&self, sources: &'a Sources, ports: &[String]) -> Option<BoardAndPlaces<'a>> {
        let height = rows(&io::stdout()).unwrap_or(HEIGHT).saturating_sub(1);
        let out = AutoStream::always(io::stdout());
        (self.status == Status::Shown).then(|| Board::new(out, sources, self.out, height, ports))
    }

    /// Returns what shows the runs of rows, `n_lanes` at once: lines that move, if somebody sees them.
    pub(super) fn lanes<'a>(&self, is_live: bool, n_lanes: usize, n_rows: usize) -> Lanes<'a> {
        let height = rows(&io::stdout()).unwrap_or(HEIGHT).saturating_sub(1);
        let out = is_live.then(|| (AutoStream::always(io::stdout()), height));
        Lanes::new(out, self.out, n_lanes, n_rows)
    }

    fn complain(&self, text: &str) {
        let mut err = Guarded::new(AutoStream::always(io::stderr()), self.pipeline);
        if err.write_all(text.as_bytes()).and_then(|()| err.flush()).is_err() {
            // There is nobody left who could be told, but for the exit code.
            self.has_lost.set(true);
        }
    }
}

/// Returns what a stream is drawn with; `choice` is what the environment says about it.
fn style(colours: Colours, choice: ColorChoice, is_terminal: bool) -> Style {
    let has_colours = match (colours, choice) {
        (Colours::Always, _) => true,
        (Colours::Never, _) | (Colours::Auto, ColorChoice::Never) => false,
        (Colours::Auto, ColorChoice::Auto | ColorChoice::Always | ColorChoice::AlwaysAnsi) => true,
    };
    if has_colours {
        Style::Colour
    } else if is_terminal && is_ascii_only() {
        Style::Ascii
    } else {
        Style::Plain
    }
}

/// Whether the environment names a character set, and that is not UTF-8.
pub(super) fn is_ascii_only() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env::var(name).ok().filter(|v| !v.is_empty()));
    cfg!(unix) && set.is_some_and(|locale| !locale.to_lowercase().replace('-', "").contains("utf8"))
}

fn size_from_environment() -> Option<usize> {
    env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0)
}

#[cfg(unix)]
fn columns(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(unix)]
fn rows(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_row)).filter(|rows| *rows > 0)
}

#[cfg(not(unix))]
fn columns<S>(_stream: &S) -> Option<usize> {
    None
}

#[cfg(not(unix))]
fn rows<S>(_stream: &S) -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_used_when_asked_for_or_when_the_environment_allows_them() {
        assert_eq!(style(Colours::Always, ColorChoice::Never, false), Style::Colour);
        assert_eq!(style(Colours::Never, ColorChoice::Always, false), Style::Plain);
        assert_eq!(style(Colours::Auto, ColorChoice::Always, true), Style::Colour);
        assert_eq!(style(Colours::Auto, ColorChoice::Never, false), Style::Plain);
    }
}
