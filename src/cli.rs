//! The command line: does what was typed and says with the exit code how that ended.

mod allow;
mod args;
mod artifacts;
mod assign;
mod check;
mod claims;
mod completions;
mod defect;
mod doctor;
mod exchange;
mod finding;
mod fmt;
mod given;
mod history;
mod hooks;
mod host;
mod json;
mod lab;
mod limits;
mod lsp;
mod man;
mod many;
mod mcp;
mod mutate;
mod named;
mod one_port;
mod outputs;
mod past;
mod pending;
mod person;
mod pipeline;
mod places;
mod ports;
mod prepare;
mod record;
mod refusal;
mod reports;
mod rows;
mod run;
mod say;
mod shipped;
mod show;
mod sim;
mod speed;
mod stress;
mod term;
mod terminal;
mod test;
mod wait;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::diagnostic::{Code, Diagnostic};
use crate::event::Verdict;
use args::{Colours, Command, OutputArguments, Typed};
use terminal::Terminal;

/// Does what the command line asks for; the first argument is the name of the program.
///
/// Nothing is left to be done but to end the process with what is returned.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    defect::report_panics(&arguments);
    if let Some(ending) = refuse_mistyped(&arguments) {
        return ExitCode::from(exit_code(ending));
    }
    let ending = match args::read(arguments) {
        Ok(Typed { command }) => match command {
            Command::Run(arguments) => shown(on(&arguments.output), |terminal| run::run(&arguments, terminal)),
            Command::Test(arguments) => {
                shown(Terminal::new(arguments.color), |terminal| test::test(&arguments, terminal))
            }
            Command::Pending(arguments) => {
                shown(Terminal::new(Colours::Never), |terminal| pending::pending(&arguments, terminal))
            }
            Command::Check(arguments) => {
                shown(Terminal::new(arguments.color), |terminal| check::check(&arguments, terminal))
            }
            Command::Fmt(arguments) => shown(Terminal::new(arguments.color), |terminal| fmt::fmt(&arguments, terminal)),
            Command::Sim(arguments) => shown(on(&arguments.output), |terminal| sim::sim(&arguments, terminal)),
            Command::Stress(arguments) => {
                shown(Terminal::new(arguments.color), |terminal| stress::stress(&arguments, terminal))
            }
            Command::Show(arguments) => {
                shown(Terminal::new(Colours::Auto), |terminal| show::show(&arguments, terminal))
            }
            Command::Mutate(arguments) => {
                shown(Terminal::new(arguments.color), |terminal| mutate::mutate(&arguments, terminal))
            }
            Command::Mcp(arguments) => shown(Terminal::new(Colours::Auto), |terminal| mcp::start(&arguments, terminal)),
            Command::Ports(arguments) => {
                shown(Terminal::new(Colours::Never), |terminal| ports::ports(&arguments, terminal))
            }
            Command::Allow(arguments) => {
                shown(Terminal::new(Colours::Auto), |terminal| allow::allow(&arguments, terminal))
            }
            Command::History(arguments) => {
                shown(Terminal::new(Colours::Never), |terminal| history::history(&arguments, terminal))
            }
            Command::Doctor(arguments) => {
                shown(Terminal::new(Colours::Never), |terminal| doctor::doctor(&arguments, terminal))
            }
            Command::Term(arguments) => {
                shown(Terminal::new(arguments.color), |terminal| term::term(&arguments, terminal))
            }
            Command::Demo(arguments) => shown(on(&arguments.output), |terminal| shipped::demo(&arguments, terminal)),
            Command::Examples(arguments) => {
                shown(Terminal::new(Colours::Auto), |terminal| shipped::show_examples(&arguments, terminal))
            }
            Command::Init(arguments) => {
                shown(Terminal::new(Colours::Auto), |terminal| shipped::init(&arguments, terminal))
            }
            Command::Std(arguments) => {
                shown(Terminal::new(Colours::Auto), |terminal| shipped::show_std(&arguments, terminal))
            }
            Command::Explain(arguments) => {
                shown(Terminal::new(Colours::Auto), |terminal| shipped::show_code(&arguments, terminal))
            }
            Command::Help(arguments) => {
                shown(Terminal::new(Colours::Auto), |terminal| shipped::show_help(&arguments, terminal))
            }
            Command::Completions(arguments) => {
                shown(Terminal::new(Colours::Never), |terminal| completions::completions(&arguments, terminal))
            }
            Command::Man(arguments) => shown(Terminal::new(Colours::Never), |terminal| man::man(&arguments, terminal)),
            Command::Record(arguments) => {
                shown(Terminal::new(arguments.color), |terminal| record::record(&arguments, terminal))
            }
            Command::Lsp(arguments) => shown(Terminal::new(Colours::Auto), |terminal| lsp::lsp(&arguments, terminal)),
            Command::Say(arguments) => shown(Terminal::new(Colours::Auto), |terminal| say::say(&arguments, terminal)),
        },
        Err(answer) => shown(Terminal::new(Colours::Auto), |terminal| {
            if let Err(error) = answer.print() {
                terminal.lose(&error);
            }
            if answer.use_stderr() { Ending::Refused } else { Ending::Done }
        }),
    };
    ExitCode::from(exit_code(ending))
}

/// Serves an agent on standard input and output: the program `flowrun-mcp`. The first argument is the name of the program.
#[cfg(feature = "mcp")]
pub fn serve_agent(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let typed = ["flowrun", "mcp"].into_iter().map(OsString::from).chain(arguments.into_iter().skip(1));
    let ending = match args::read(typed.collect::<Vec<_>>()) {
        Ok(Typed { command: Command::Mcp(arguments) }) => {
            // Standard output is for the protocol only.
            shown(Terminal::new(Colours::Auto), |terminal| mcp::serve(arguments, terminal))
        }
        Ok(_) => Ending::Refused,
        Err(answer) => shown(Terminal::new(Colours::Auto), |terminal| {
            if let Err(error) = answer.print() {
                terminal.lose(&error);
            }
            if answer.use_stderr() { Ending::Refused } else { Ending::Done }
        }),
    };
    ExitCode::from(exit_code(ending))
}

/// Does something that shows what comes of it, and returns how that ended: not well if it could not be shown.
fn shown(terminal: Terminal, act: impl FnOnce(&Terminal) -> Ending) -> Ending {
    let ending = act(&terminal);
    if terminal.has_lost() && exit_code(ending) == 0 { Ending::Unwritten } else { ending }
}

/// Refuses what looks like a command and is neither one nor a file.
fn refuse_mistyped(arguments: &[OsString]) -> Option<Ending> {
    let (word, near) = args::mistyped(arguments)?;
    if Path::new(&word).exists() {
        return None;
    }
    let help = match near {
        Some(near) => format!("did you mean `flowrun {near}`?"),
        None => format!("the commands are {}; `flowrun FILE --port PORT` runs a flow", args::commands().join(", ")),
    };
    let problem = Diagnostic::general(Code::CommandLine, format!("there is no command `{word}`, and no file"));
    Terminal::new(Colours::Auto).refuse(problem.help(help));
    Some(Ending::Refused)
}

/// Returns what a run is shown on.
fn on(output: &OutputArguments) -> Terminal {
    Terminal::new(output.color).cutting(output.cut).raw(output.raw).viewing(output.view())
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// It did what it should.
    Done,
    /// A flow was run.
    Ran(Verdict),
    /// Nothing was wrong, but not everything that was asked for could be written or shown.
    Unwritten,
    /// A device was served until it or somebody ended it.
    Served(Verdict),
    /// Something was found that was looked for: a flow is not as robust as it should be.
    Found,
    /// The files or the command line are wrong; nothing was run.
    Refused,
    /// Files are not in their layout, and it was asked whether they are.
    Unformatted,
    /// There was nothing to do.
    Nothing,
    /// An editor is gone without a word.
    Abandoned,
    /// The system did not give what the command needs.
    Outside,
}

/// Returns the exit code; the README has the same table.
fn exit_code(ending: Ending) -> u8 {
    match ending {
        Ending::Done | Ending::Nothing => 0,
        Ending::Ran(verdict) => exit_code_of(verdict),
        Ending::Unwritten => 1,
        Ending::Found => 1,
        // Ctrl-C is how one ends a server.
        Ending::Served(Verdict::Interrupted) => 0,
        Ending::Served(verdict) => exit_code_of(verdict),
        Ending::Unformatted | Ending::Abandoned => 1,
        Ending::Refused => 2,
        Ending::Outside => 3,
    }
}

/// Returns the exit code of a run.
fn exit_code_of(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Passed | Verdict::Flaky | Verdict::Skipped => 0,
        Verdict::Failed => 1,
        Verdict::PortFailed => 3,
        Verdict::Interrupted => 130,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_a_failed_flow_from_a_wrong_one_and_from_a_failed_port() {
        let code = |verdict| exit_code(Ending::Ran(verdict));
        assert_eq!([Verdict::Passed, Verdict::Flaky, Verdict::Skipped].map(code), [0, 0, 0]);
        assert_eq!([Verdict::Failed, Verdict::PortFailed, Verdict::Interrupted].map(code), [1, 3, 130]);
        assert_eq!([Ending::Refused, Ending::Outside, Ending::Unwritten].map(exit_code), [2, 3, 1]);
    }

    #[test]
    fn an_interrupted_server_ended_well() {
        assert_eq!(exit_code(Ending::Served(Verdict::Interrupted)), 0);
        assert_eq!(exit_code(Ending::Served(Verdict::Failed)), 1);
    }
}
