//! `flowrun FILE --rows UNITS.csv`: a run for each row, on whichever port is free or on the one that the row names.

mod crew;
mod row_id;
mod told;
mod work;

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use super::Ending;
use super::args::RunArguments;
use super::claims::{Claims, Output};
use super::hooks::programs_for;
use super::many::OneOf;
use super::one_port::is_same;
use super::outputs::{Outputs, Places};
use super::prepare::{Aimed, Order, Supplies, claims_of, given, inputs, note_on_abilities};
use super::refusal::{Looked, refuse};
use super::terminal::Terminal;
use super::wait;
use crate::address::Address;
use crate::diagnostic::{Code, Diagnostic};
use crate::hook::Programs;
use crate::origin::Origin;
use crate::program::{Op, Program};
use crate::report::console::Volume;
use crate::rows::{Layout, Opened, PORT, Past, ResultsFile, Sheet, Unit, check};
use crate::setup::{Ender, Pace, present};
use crate::value::coding::hex;
use crate::value::digest::sha256;
use crate::value::escape::{harmless, harmless_path};
use crate::variables::Offered;
use crew::{Plan, run as run_crew};
use row_id::{Keeping, RowIds};
use told::Teller;
use work::View;

/// How much all transcripts together gather before they are written, and one of them at the most.
const GATHERED_BY_ALL: usize = 1024 * 1024;
const GATHERED_BY_ONE: usize = 4 * 1024;

/// Returns the rows that a run is for; `None` if no file of rows was named.
///
/// # Errors
///
/// Something is wrong with the file, and that has been told.
pub(super) fn sheet_of(arguments: &RunArguments, terminal: &Terminal) -> Result<Option<Sheet>, Ending> {
    let Some(path) = &arguments.rows.file else { return Ok(None) };
    let read = Sheet::read(path).map_err(|problems| told_all(&problems, terminal))?;
    Ok(Some(read))
}

/// Returns what was typed, with the ports that rows name in place of `--port`.
///
/// # Errors
///
/// Ports were named in both ways, and that has been told.
pub(super) fn with_ports_of(
    sheet: &Sheet,
    flow: Option<&Program>,
    arguments: &RunArguments,
    terminal: &Terminal,
) -> Result<RunArguments, Ending> {
    let Some(ports) = sheet.ports() else { return Ok(arguments.clone()) };
    let name = &sheet.name;
    let option = if arguments.benches.is_empty() { "--port" } else { "--bench" };
    let problem = |message: String, help: &str| {
        terminal.refuse(Diagnostic::general(Code::CommandLine, message).help(help));
        Ending::Refused
    };
    if !arguments.ports.is_empty() || !arguments.benches.is_empty() {
        let message = format!("the column `{PORT}` of `{name}` names the ports, and `{option}` was given too");
        return Err(problem(message, "leave one of them out"));
    }
    if flow.is_some_and(|flow| flow.ports.len() > 1) {
        let message = format!("the column `{PORT}` of `{name}` names one port, and the flow has several");
        return Err(problem(message, "leave the column out, and name the ports with `--bench NAME`"));
    }
    Ok(RunArguments { ports, ..arguments.clone() })
}

/// Runs a flow once for each row, on these ports or benches.
pub(super) fn run(
    arguments: &RunArguments,
    sheet: &Sheet,
    flow: Looked<'_>,
    ports: &[OneOf<'_>],
    terminal: &Terminal,
) -> Result<Ending, Ending> {
    let flow = flow.told(arguments.output.volume(), terminal)?;
    let Some(named) = ports.first().map(OneOf::named) else { return Err(Ending::Refused) };
    let order = Order { arguments, named, supplies: &Supplies::read(arguments, &flow) };
    let base = given(&flow, order);
    let mut claims = claims_of(&flow, arguments);
    arguments.rows.file.iter().for_each(|path| claims.reads("the file of rows", path));
    let berths = berths(&flow, order, ports, &mut claims, terminal)?;
    let mut problems = base.problems.clone();
    let units = check(sheet, &flow, &base.given).map_err(|more| problems.extend(more)).unwrap_or_default();
    if !problems.is_empty() {
        return Err(told_all(&problems, terminal));
    }
    let places = Places::of(arguments, &flow);
    let units = if arguments.rows.resume { relabelled(units, &places, &flow) } else { units };
    let assigned = assigned(sheet, &units, ports).map_err(|problem| told_all(&[problem], terminal))?;
    let shop = Shop { flow: &flow, arguments, berths, units, base, places, terminal };
    let abilities = shop.check_first()?;
    shop.claim_all(&mut claims)?;
    let flow_id = flow_id(&flow);
    let ids = RowIds::of(sheet, &flow, keeping(arguments)).map_err(|problem| told_all(&[problem], terminal))?;
    let (results, past) = results_of(arguments, sheet, &flow, &mut claims, terminal)?;
    let ender = Ender::installed().map_err(|error| refuse(error, terminal))?;
    let left_out = passed_before(&ids, &past);
    let n_passed_before = left_out.iter().filter(|is_left_out| **is_left_out).count();
    if arguments.output.volume() == Volume::Normal {
        let waits = ports.iter().flat_map(|run| run.addresses().iter().map(|at| wait::note(at, run.named().wait)));
        terminal.hint(&(abilities + &waits.collect::<String>()));
        terminal.hint(&notes(&flow, sheet, &past, &flow_id, n_passed_before));
    }
    let at_most = arguments.jobs.unwrap_or_else(|| shop.jobs()).clamp(1, shop.units.len());
    let mut plan = shop.plan(at_most, &left_out, &assigned);
    let n_rows = shop.units.len() - n_passed_before;
    let is_live = terminal.can_erase() && arguments.output.volume() == Volume::Normal;
    let gathered = (GATHERED_BY_ALL / at_most).min(GATHERED_BY_ONE);
    let view = View { look: terminal.look(), is_live, gathered };
    let mut lanes = terminal.lanes(is_live, at_most, n_rows);
    let mut teller = Teller::new(&shop, results, (ids, flow_id));
    run_crew(&mut plan, at_most, &mut teller, (&ender, view), &mut lanes);
    lanes.erase();
    Ok(teller.finish(&left_out, ender.wants_end()))
}

/// Tells of problems that have no place in a flow.
fn told_all(problems: &[Diagnostic], terminal: &Terminal) -> Ending {
    terminal.report(problems, &crate::source::Sources::default());
    Ending::Refused
}

/// A port, or a bench, that rows run on.
struct Berth {
    title: String,
    aimed: Aimed,
    hooks: Option<Arc<Programs>>,
    /// Where its rows run.
    origin: Origin,
}

impl Berth {
    /// Returns where a row runs that begins now.
    fn origin_now(&self) -> Origin {
        Origin { begun: present(), ..self.origin.clone() }
    }

    fn is_real(&self) -> bool {
        self.aimed.counterpart().pace() == Pace::Real
    }
}

fn berths(
    flow: &Arc<Program>,
    order: Order<'_>,
    ports: &[OneOf<'_>],
    claims: &mut Claims,
    terminal: &Terminal,
) -> Result<Vec<Berth>, Ending> {
    let mut berths = Vec::with_capacity(ports.len());
    for port in ports {
        let order = Order { named: port.named(), ..order };
        let aimed = Aimed::new(flow, port.addresses(), order, claims, terminal)?;
        let hooks = match aimed.counterpart().pace() {
            Pace::Real => programs_for(flow, &order.arguments.file, terminal)?,
            Pace::Virtual => None,
        };
        berths.push(Berth { title: harmless(port.title()), aimed, hooks, origin: port.named().origin() });
    }
    Ok(berths)
}

/// Everything that runs of rows are made of.
struct Shop<'a> {
    flow: &'a Arc<Program>,
    arguments: &'a RunArguments,
    berths: Vec<Berth>,
    units: Vec<Unit>,
    /// What is given to all rows.
    base: Offered,
    places: Places,
    terminal: &'a Terminal,
}

impl Shop<'_> {
    /// Returns what is given to the variables of a row.
    fn offered(&self, row: usize) -> Offered {
        let mut offered = self.base.clone();
        offered.given.extend(self.units[row].given.iter().cloned());
        offered
    }

    /// Checks what is the same for all rows, on each port: the variables of its device, its settings, the place of results.
    /// Returns the notes on what the ports cannot do.
    fn check_first(&self) -> Result<String, Ending> {
        let refused = |error| refuse(error, self.terminal);
        let mut firsts = Vec::with_capacity(self.berths.len());
        for berth in &self.berths {
            let mut problems = berth.aimed.problems.clone();
            let places = self.places.labelled(&self.units[0].label);
            problems.extend(places.check());
            problems.extend(places.results(&self.arguments.file, self.flow).err());
            let setup = berth.aimed.join(self.flow, self.arguments, self.offered(0), problems).map_err(refused)?;
            let inputs = inputs(&setup, self.arguments, &berth.aimed.addresses()).map_err(refused)?;
            firsts.push((setup, inputs));
        }
        Ok(note_on_abilities(firsts.iter().map(|(setup, inputs)| (setup, inputs))))
    }

    /// Takes note of the files of all rows.
    fn claim_all(&self, claims: &mut Claims) -> Result<(), Ending> {
        let claim = |unit: &Unit| self.places.labelled(&unit.label).claim(self.flow, claims);
        let problems: Vec<Diagnostic> = self.units.iter().flat_map(claim).collect();
        if problems.is_empty() { Ok(()) } else { Err(told_all(&problems, self.terminal)) }
    }

    /// Returns how many rows run at once if nobody says: one on each port, and one a processor if there is a simulated one.
    fn jobs(&self) -> usize {
        let n_real = self.berths.iter().filter(|berth| berth.is_real()).count();
        let simulated = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        if n_real < self.berths.len() { n_real + simulated() } else { n_real }
    }

    /// Returns which rows run where; a simulated port takes as many at once as run at all.
    fn plan(&self, at_most: usize, left_out: &[bool], assigned: &[Option<usize>]) -> Plan {
        let mut plan = Plan {
            shared: VecDeque::new(),
            own: self.berths.iter().map(|_| VecDeque::new()).collect(),
            free: VecDeque::new(),
        };
        for row in (0..self.units.len()).filter(|row| !left_out[*row]) {
            match assigned[row] {
                Some(port) => plan.own[port].push_back(row),
                None => plan.shared.push_back(row),
            }
        }
        for turn in 0..at_most {
            let is_free = |(port, berth): (usize, &Berth)| (turn == 0 || !berth.is_real()).then_some(port);
            plan.free.extend(self.berths.iter().enumerate().filter_map(is_free));
        }
        plan
    }

    /// Makes the run of a row on a port, with its files.
    ///
    /// # Errors
    ///
    /// One of its files cannot be made, and that has been told.
    fn job(&self, row: usize, port: usize) -> Result<work::Job, Ending> {
        let (unit, berth) = (&self.units[row], &self.berths[port]);
        let refused = |error| refuse(error, self.terminal);
        let setup = berth.aimed.join(self.flow, self.arguments, self.offered(row), Vec::new()).map_err(refused)?;
        let inputs = inputs(&setup, self.arguments, &berth.aimed.addresses()).map_err(refused)?;
        let places = self.places.labelled(&unit.label);
        let results = places.results(&self.arguments.file, self.flow).map_err(|problem| {
            self.terminal.refuse(problem);
            Ending::Unwritten
        })?;
        let origin = berth.origin_now();
        let outputs = Outputs::create(&places, results, (&setup, &inputs), &origin, self.terminal)?;
        let outputs = outputs.with_hooks(berth.hooks.clone());
        Ok(work::Job { row, title: format!("{} on {}", unit.name, berth.title), setup, inputs, outputs, origin })
    }
}

/// Returns the port of each row that names one.
fn assigned(sheet: &Sheet, units: &[Unit], ports: &[OneOf<'_>]) -> Result<Vec<Option<usize>>, Diagnostic> {
    let mut known: HashMap<String, usize> = HashMap::new();
    if let Some(texts) = sheet.ports() {
        // What was typed has its addresses in the same order.
        let resolved = ports.first().map_or(&[][..], |one| &one.named().ports);
        for (text, address) in texts.iter().zip(resolved) {
            let same = |of: &OneOf<'_>| of.addresses().iter().map(Address::to_string).eq([address.clone()]);
            let found = ports.iter().position(same).or_else(|| {
                let one = ports.first()?.named().addresses_of_ports(std::slice::from_ref(address)).ok()?;
                ports.iter().position(|of| match (of.addresses(), one.as_slice()) {
                    ([of], [one]) => of == one || is_same(of, one),
                    _ => false,
                })
            });
            let Some(found) = found else {
                let message =
                    format!("`{}` in the column `{PORT}` of `{}` means several ports", harmless(text), sheet.name);
                return Err(Diagnostic::general(Code::CommandLine, message).help("name one port in each row"));
            };
            known.insert(text.clone(), found);
        }
    }
    Ok(units.iter().map(|unit| unit.port.as_ref().and_then(|port| known.get(port).copied())).collect())
}

/// Says what the digests of the rows are for.
fn keeping(arguments: &RunArguments) -> Keeping {
    let Some(path) = &arguments.rows.rows_out else { return Keeping::Nothing };
    let has_rows = path.metadata().is_ok_and(|found| found.len() > 0);
    if arguments.rows.resume && has_rows { Keeping::Compared } else { Keeping::Anew }
}

/// Returns the file of results, and what is in it already.
fn results_of(
    arguments: &RunArguments,
    sheet: &Sheet,
    flow: &Program,
    claims: &mut Claims,
    terminal: &Terminal,
) -> Result<(Option<ResultsFile>, Vec<Past>), Ending> {
    let Some(path) = &arguments.rows.rows_out else { return Ok((None, Vec::new())) };
    let refused = |problem: Diagnostic| told_all(&[problem], terminal);
    let output = Output { title: "results of the rows", path, option: "--rows-out FILE" };
    claims.writes(&output).map_err(refused)?;
    let opened = if arguments.rows.resume { Opened::Resumed } else { Opened::New };
    let (results, past) =
        ResultsFile::open(path, Layout::new(&sheet.columns, &recorded(flow)), opened).map_err(|why| {
            let message = format!("the results of the rows cannot be written to `{}`: {why}", harmless_path(path));
            refused(Diagnostic::general(Code::CommandLine, message).help("name another file with `--rows-out FILE`"))
        })?;
    Ok((Some(results), past))
}

/// Has no row write over the files of a run before this one: in a list that was edited since, its number may have been that of
/// another row. A row that has a name of its own is the same unit.
fn relabelled(mut units: Vec<Unit>, places: &Places, flow: &Program) -> Vec<Unit> {
    let mut labels: HashSet<String> = units.iter().map(|unit| unit.label.to_lowercase()).collect();
    for unit in units.iter_mut().filter(|unit| !unit.is_labelled_by_name) {
        let plain = unit.label.clone();
        let mut n = 2;
        while places.labelled(&unit.label).are_taken(flow) {
            let label = format!("{plain}_{n}");
            n += 1;
            if labels.insert(label.to_lowercase()) {
                unit.label = label;
            }
        }
    }
    units
}

/// Returns the names of what the runs of a flow measure and save.
fn recorded(flow: &Program) -> Vec<String> {
    let saved = flow.ops.iter().filter_map(|op| if let Op::Save(targets) = op { Some(targets) } else { None });
    let saved = saved.flatten().map(|target| target.name.clone());
    flow.measurements().map(str::to_string).chain(saved).collect()
}

/// Returns the digest of a flow with everything that it uses.
fn flow_id(flow: &Program) -> String {
    let mut texts = Vec::new();
    for (_, source) in flow.sources.iter() {
        let text = source.shown();
        texts.extend((text.len() as u64).to_le_bytes());
        texts.extend(text.as_bytes());
    }
    hex(&sha256(&texts)[..6])
}

fn is_good(past: &Past) -> bool {
    ["passed", "passed (flaky)"].contains(&past.verdict.as_str())
}

/// Says which rows have passed before; of rows that are the same, as many as have passed.
fn passed_before(ids: &RowIds, past: &[Past]) -> Vec<bool> {
    let mut passed: HashMap<&str, usize> = HashMap::new();
    for past in past.iter().filter(|past| is_good(past)) {
        *passed.entry(past.id.as_str()).or_default() += 1;
    }
    let take = |id: &String| {
        let left = passed.get_mut(id.as_str()).filter(|n| **n > 0);
        left.map(|n| *n -= 1).is_some()
    };
    ids.all().iter().map(take).collect()
}

/// Returns what is good to know before the first row runs.
fn notes(flow: &Program, sheet: &Sheet, past: &[Past], flow_id: &str, n_passed_before: usize) -> String {
    let mut notes = String::new();
    let shared = flow.params.iter().filter(|param| param.default.is_none() && sheet.column(&param.name).is_none());
    let shared: Vec<String> = shared.map(|param| format!("`{}`", param.name)).collect();
    if !shared.is_empty() {
        notes += &format!("note: all rows have the same {}: `{}` has no such column\n", shared.join(", "), sheet.name);
    }
    if n_passed_before == 0 && past.iter().any(is_good) {
        notes += &format!("note: no row of `{}` has passed before: all run\n", sheet.name);
    }
    if n_passed_before > 0 {
        let n = sheet.rows.len();
        notes += &format!("{n_passed_before} of {n} rows have passed before and are left out\n");
        let others = past.iter().filter(|past| past.flow != flow_id).count();
        if others > 0 {
            let verb = if others == 1 { "1 row was".to_string() } else { format!("{others} rows were") };
            notes += &format!("note: the flow has changed since {verb} run; rows that passed are still left out\n");
        }
    }
    if notes.is_empty() { notes } else { notes + "\n" }
}
