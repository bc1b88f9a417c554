//! `flowrun say PORT COMMAND …`: commands one after the other, and their answers on standard output.

use std::path::Path;

use super::Ending;
use super::args::SayArguments;
use super::exchange::{Exchange, answers, failure};
use super::named::{Asks, Named, named};
use super::refusal::refuse;
use super::terminal::Terminal;
use super::wait;
use crate::address::Address;
use crate::diagnostic::{Code, Diagnostic};
use crate::setup::Ender;
use crate::syntax::duration;
use crate::value::escape::{harmless, visible_cut};
use crate::variables::{Given, Origin};

/// What messages call the flow that the commands make.
const NAME: &str = "what `say` runs";

/// Final result codes that say that it worked (V.250 section 5.7.1, and what modules add).
const GOOD: &str = r"OK|(?:SEND|SHUT|CLOSE) OK|CONNECT(?: .*)?";
/// Final result codes that say that it did not.
const BAD: &str = r"ERROR|\+CM[ES] ERROR:.*|NO CARRIER|NO DIALTONE|NO ANSWER|BUSY|(?:SEND|CLOSE) FAIL";

/// Silence after which an answer is over that has no final result code.
const QUIET: &str = "300ms";

/// How the answer to a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End<'a> {
    /// With a final result code.
    ResultCode,
    /// When nothing more comes.
    Quiet,
    /// When the text comes that is expected.
    Text,
    /// When this regex is found in a line.
    Regex(&'a str),
}

/// Says what was typed, and shows what is answered.
pub(super) fn say(arguments: &SayArguments, terminal: &Terminal) -> Ending {
    carry_out(arguments, terminal).unwrap_or_else(|ending| ending)
}

fn carry_out(arguments: &SayArguments, terminal: &Terminal) -> Result<Ending, Ending> {
    let wrong = |problem: Diagnostic| {
        terminal.refuse(problem);
        Ending::Refused
    };
    let typed = std::slice::from_ref(&arguments.port);
    let mut named = named(typed, None, Asks::Names, Path::new("."), terminal)?;
    let address = named.awaited(arguments.wait_port.as_deref(), terminal, Named::address)?;
    if address == Address::OwnDevice || address.is_empty() {
        let problem = Diagnostic::general(Code::CommandLine, format!("`{}` names no port for `say`", arguments.port));
        return Err(wrong(problem.help("name a serial port, see `flowrun ports`, or a device file: `sim:FILE`")));
    }
    let text = flow(arguments).map_err(wrong)?;
    let ender = Ender::installed().map_err(|error| refuse(error, terminal))?;
    let given = given(arguments);
    terminal.hint(&wait::note(&address, named.wait));
    let exchange = Exchange { name: NAME, flow: &text, given, line: &arguments.line, named: &named };
    let outcome = exchange.run(&address, &ender, terminal)?;
    named.release(terminal);
    let said = answers(outcome.events());
    for answer in &said {
        for line in answer.lines() {
            terminal.say(&format!("{}\n", harmless(line)));
        }
    }
    if let Some(failure) = failure(&outcome) {
        let message = if failure.code == Code::RunTimeout {
            overdue(arguments, said.len().saturating_sub(1))
        } else {
            failure.message.clone()
        };
        let problem = Diagnostic::general(failure.code, message);
        terminal.refuse(match &failure.cause {
            Some(cause) => problem.help(cause.clone()),
            None => problem,
        });
    }
    Ok(Ending::Ran(outcome.verdict()))
}

/// Returns the values of the params: the commands, and the text that is expected.
fn given(arguments: &SayArguments) -> Vec<Given> {
    let commands = arguments.commands.iter().enumerate();
    let commands = commands.map(|(n, command)| Given::new(&format!("command_{n}"), command, Origin::Option));
    let expected = arguments.expect.as_ref().filter(|pattern| regex_in(pattern).is_none());
    commands.chain(expected.map(|text| Given::new("expected", text, Origin::Option))).collect()
}

/// Returns the flow that says the commands: a procedure for each, since what ends one wait must not end the next.
///
/// # Errors
///
/// What is wrong with an option.
fn flow(arguments: &SayArguments) -> Result<String, Diagnostic> {
    let within = within(arguments)?;
    if arguments.expect.as_deref() == Some("") {
        return Err(wrong("`--expect` is empty", "name a part of the answer"));
    }
    let expected = if end(arguments, arguments.commands.len() - 1) == End::Text { "param expected\n" } else { "" };
    let mut flow = format!("flow \"say\"\n{expected}");
    for (n, command) in arguments.commands.iter().enumerate() {
        let (wait, then) = match end(arguments, n) {
            End::ResultCode => (format!("line /{GOOD}/ -> {{}}  prompt /^> ?$/ -> {{}}"), String::new()),
            End::Quiet => (
                "/./ -> {}  prompt /./ -> {}".to_string(),
                format!("  try {{ expect quiet for {QUIET} within {within} }}\n"),
            ),
            End::Text => ("\"${expected}\" -> {}".to_string(), String::new()),
            End::Regex(regex) => (format!("/{regex}/ -> {{}}"), String::new()),
        };
        let refusal = if is_at_command(command) { format!("  fail on line /{BAD}/\n") } else { String::new() };
        flow.push_str(&format!(
            "param command_{n}\nprocedure say_{n}() {{\n{refusal}  send command_{n}\n\
             \x20 expect within {within} {{ {wait} }}\n{then}}}\ncall say_{n}()\n"
        ));
    }
    Ok(flow)
}

/// Returns how the answer to one of the commands ends.
fn end(arguments: &SayArguments, n: usize) -> End<'_> {
    let is_last = n + 1 == arguments.commands.len();
    match arguments.expect.as_deref().filter(|_| is_last) {
        Some(pattern) => regex_in(pattern).map_or(End::Text, End::Regex),
        None if is_at_command(&arguments.commands[n]) => End::ResultCode,
        None => End::Quiet,
    }
}

/// Says that the answer to one of the commands did not end in time.
fn overdue(arguments: &SayArguments, n: usize) -> String {
    let within = arguments.within.trim();
    let command = visible_cut(arguments.commands.get(n).map_or(b"", |command| command.as_bytes()), 60);
    match end(arguments, n) {
        End::ResultCode => {
            format!("the answer to `{command}` did not end within {within}; `--within 30s` waits longer")
        }
        End::Quiet => format!("`{command}` was not answered within {within}"),
        End::Text | End::Regex(_) => {
            let expected = visible_cut(arguments.expect.as_deref().unwrap_or_default().as_bytes(), 60);
            format!("`{expected}` did not come within {within} after `{command}`")
        }
    }
}

/// Returns how long an answer may take, as a flow says it.
fn within(arguments: &SayArguments) -> Result<String, Diagnostic> {
    let typed = arguments.within.trim();
    match duration(typed) {
        Some(_) => Ok(typed.to_string()),
        None => {
            let shown = visible_cut(typed.as_bytes(), 60);
            Err(wrong(format!("`--within {shown}` is not a duration"), "write `--within 500ms`, `3s` or `2m`"))
        }
    }
}

/// Says whether the answer to a command ends with a final result code.
fn is_at_command(command: &str) -> bool {
    command.as_bytes().get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"at"))
}

/// Returns the regex in `/regex/`; `None` if a text was typed.
fn regex_in(pattern: &str) -> Option<&str> {
    let regex = pattern.strip_prefix('/')?.strip_suffix('/')?;
    // A slash or a line end would end the regex, and what follows would be a statement.
    let mut is_escaped = false;
    let is_whole = regex.chars().all(|c| {
        let ends = c == '\n' || c == '/' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        !ends
    });
    (!regex.is_empty() && is_whole && !is_escaped).then_some(regex)
}

fn wrong(message: impl Into<String>, help: &str) -> Diagnostic {
    Diagnostic::general(Code::CommandLine, message).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_regex_is_one() {
        assert_eq!(regex_in(r"/\+CSQ: \d+/"), Some(r"\+CSQ: \d+"));
        assert_eq!(regex_in(r"/a\/b/"), Some(r"a\/b"));
        for text in ["OK", "/", "//", "/a", "a/", "/a/ -> {} /b/", r"/a\/", "/a\nb/"] {
            assert_eq!(regex_in(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_begins_with_at_ends_with_a_result_code() {
        for command in ["AT", "at+csq", "AT+CSQ"] {
            assert!(is_at_command(command), "{command}");
        }
        for command in ["", "A", "*IDN?", "printenv", "écho"] {
            assert!(!is_at_command(command), "{command}");
        }
    }
}
