//! `:run` and `:send_file`: a flow on the open port of a terminal, which then goes on by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::super::args::{LineArguments, VariableArguments};
use super::super::given;
use super::super::hooks::programs_for;
use super::super::outputs::{CONSOLE, tell_failures};
use super::super::refusal::{complain, refuse, warn};
use super::lent::{Left, Lent};
use super::raw;
use super::session::{BACKSPACE, CANCEL, Session, State};
use crate::disk::{Reach, read_file};
use crate::event::Verdict;
use crate::hook::Runner;
use crate::port::PortCommand;
use crate::port::PortId;
use crate::program::{Program, Protocol, Role};
use crate::report::Fan;
use crate::report::console::Volume;
use crate::results::Results;
use crate::settings::Settings;
use crate::setup::{Complaint, Pace, Read, Setup, Terms, fresh_seed, read_program, read_text};
use crate::source::name_of;
use crate::value::escape::{harmless, harmless_path};
use crate::variables::{GivenFile, Offered};
use crate::world::{self, Company, Hooks, Nobody, World};

/// A file that is sent is no larger.
const LARGEST_FILE: u64 = 256 << 20;

/// A flow that can be run.
struct Ready {
    flow: Arc<Program>,
    /// What messages call its file.
    file: std::path::PathBuf,
    variables: Offered,
    /// It is a transfer, and the other side answers.
    is_answered: bool,
}

/// So long after a transfer the other side may still give it up.
const LEFTOVERS_WITHIN: Duration = Duration::from_secs(3);

impl Session<'_> {
    /// Runs a flow on the open port.
    pub(super) fn run_flow(&mut self, path: &Path, variables: &[String]) {
        if !self.is_there() {
            return;
        }
        self.beside(|session| {
            let Read { program, warnings } = match read_program(Role::Flow, path) {
                Ok(read) => read,
                Err(error) => {
                    refuse(error, session.terminal);
                    return None;
                }
            };
            warn(&warnings, Volume::Normal, session.terminal);
            let typed = VariableArguments {
                vars: variables.to_vec(),
                files: Vec::new(),
                var_files: Vec::new(),
                named_files: Vec::new(),
            };
            let variables = given::variables(&program, &given::read_variables(&typed));
            session.carry_out(Ready { flow: program, file: path.to_path_buf(), variables, is_answered: false })
        });
    }

    /// Sends a file, as it is or by a protocol.
    pub(super) fn send_file(&mut self, path: &Path, protocol: Option<&str>) {
        if !self.is_there() {
            return;
        }
        let by = match protocol.map(|name| (name, Protocol::named(name))) {
            Some((name, None)) => return self.term.tell(&format!("there is no protocol `{}`", harmless(name))),
            Some((name, Some(_))) => format!(" by {name}"),
            None => String::new(),
        };
        let content = match read_file(path, Reach::Anywhere, LARGEST_FILE) {
            Ok(content) => content,
            Err(error) => {
                self.term.tell(&format!("`{}`: {error}", harmless_path(path)));
                return self.tell_protocols(path);
            }
        };
        let is_answered = protocol.is_some();
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let text =
            format!("flow \"send a file\"\nfile content = \"what is sent\"\nsend_file content{by}\nassert 1 == 1\n");
        self.beside(|session| {
            let label = "what `:send_file` runs";
            let Read { program, .. } = match read_text(Role::Flow, label, &text) {
                Ok(read) => read,
                Err(error) => {
                    refuse(error, session.terminal);
                    return None;
                }
            };
            let files = vec![GivenFile { name: "content".to_string(), title: name, content }];
            let variables = Offered { files, ..Offered::default() };
            session.carry_out(Ready { flow: program, file: label.into(), variables, is_answered })
        });
    }

    /// Says which protocols there are, if what was typed may end with the name of another one.
    fn tell_protocols(&mut self, typed: &Path) {
        let typed = typed.to_string_lossy();
        let Some((_, word)) = typed.rsplit_once(char::is_whitespace) else { return };
        if word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            let names: Vec<&str> = Protocol::ALL.into_iter().map(Protocol::name).collect();
            self.term.tell(&format!("there is no protocol `{word}`: write `raw`, `{}`", names.join("`, `")));
        }
    }

    /// Whether the port is there; says so if it is not.
    fn is_there(&mut self) -> bool {
        let is_open = self.port.state == State::Open;
        if !is_open {
            self.term.tell("the port is not open: nothing runs on it now");
        }
        is_open
    }

    /// Lets something else write on the screen, and goes on by hand then.
    fn beside(&mut self, act: impl FnOnce(&mut Self) -> Option<Verdict>) {
        self.make_way();
        if self.manner.is_interactive {
            raw::rest();
        }
        let verdict = act(self);
        if self.manner.is_interactive {
            // It worked at the beginning of the session.
            let _ = raw::enter();
        }
        let said = match verdict {
            Some(_) if self.manner.is_over => "interrupted",
            Some(Verdict::Interrupted) => "interrupted: continue by hand",
            Some(_) => "continue by hand",
            None => "nothing was run",
        };
        self.term.tell(said);
    }

    /// Runs a flow; `None` if it cannot begin, which has been told.
    fn carry_out(&mut self, ready: Ready) -> Option<Verdict> {
        let Ready { flow, file, variables, is_answered } = ready;
        let settings = self.settings_for(&flow)?;
        let hooks = programs_for(&flow, &file, self.terminal).ok()?;
        let terms = Terms { variables, settings: Some(vec![settings]), ..Terms::default() };
        let joined = Setup::join(flow.clone(), &file, self.port.counterpart.clone(), terms);
        let joined = joined.and_then(|setup| Ok((setup, fresh_seed()?)));
        let (setup, seed) = joined.map_err(|error| refuse(error, self.terminal)).ok()?;
        let inputs = setup.inputs(setup.beginning_with(seed), std::slice::from_ref(&self.port.name));
        let mut engine = setup.engine(inputs);
        let mut sources = (*flow.sources).clone();
        engine.secrets().iter().for_each(|(_, secret)| sources.hide(secret));
        let mut results = Results::new(format!("{}.saved.toml", stem(&file)), name_of(&file));
        let mut fan = Fan::default();
        fan.add(CONSOLE, self.terminal.console(&sources, Volume::Normal, Pace::Real));
        let mut hooks = hooks.map(Runner::new);
        let now = self.clock.now();
        let before = self.port.settings.line.clone();
        self.files.knows_all(engine.secrets());
        let mut lent = Lent::new(&mut self.world, &mut self.files, now, before.clone(), self.manner.is_interactive);
        let company = Company {
            keeper: &mut results,
            audience: &mut fan,
            person: &mut Nobody,
            tap: None,
            hooks: hooks.as_mut().map(|hooks| hooks as &mut dyn Hooks),
        };
        let verdict = world::run(&mut engine, &mut lent, company);
        let Left { is_open, is_over, settings: after, rest } = lent.end();
        self.manner.is_over |= is_over;
        let now = self.clock.now();
        self.port.leftovers_until = is_answered.then_some(now + LEFTOVERS_WITHIN);
        self.term.handle_elsewhere(now, if is_answered { after_answers(&rest) } else { &rest });
        self.files.knows_all(engine.secrets());
        tell_failures(&fan.finish(), self.terminal);
        if !is_open {
            self.port.state = State::Away;
            self.ask(PortCommand::Reopen { settings: before });
        } else if after != before && self.port.carrier.has_line() {
            self.ask(PortCommand::Reconfigure { settings: before });
        }
        self.world.perform(PortId::FIRST, PortCommand::DiscardOutput);
        self.port.n_unsent = 0;
        Some(verdict)
    }

    /// Returns the settings of the line for a flow: what the user has set counts before what the flow says.
    fn settings_for(&self, flow: &Program) -> Option<Settings> {
        let typed: &LineArguments = &self.port.typed;
        let mut settings = given::settings(&flow.settings, typed)
            .map_err(|problems| complain(&Complaint { problems, sources: flow.sources.clone() }, self.terminal))
            .ok()?;
        settings.line.wait = Duration::ZERO;
        Some(settings)
    }
}

/// Returns what follows the last answer of the other side of a transfer.
fn after_answers(rest: &[u8]) -> &[u8] {
    const ACKNOWLEDGED: u8 = 0x06;
    const REFUSED: u8 = 0x15;
    let answers = [ACKNOWLEDGED, REFUSED, CANCEL, BACKSPACE];
    let last = rest.iter().rposition(|byte| answers.contains(byte));
    last.map_or(rest, |at| &rest[at + 1..])
}

fn stem(file: &Path) -> String {
    file.file_stem().map_or_else(|| "run".to_string(), |stem| stem.to_string_lossy().into_owned())
}
