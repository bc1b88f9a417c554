//! Ports that a flow declares, and the statements that name one.

use std::collections::{BTreeSet, HashMap};

use super::Compiler;
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Label};
use crate::load::LoadedFile;
use crate::port_id::PortId;
use crate::program::{DeclaredPort, Op, Role, ScopeKind, Standing, WatcherId};
use crate::settings::Settings;
use crate::source::{Site, SourceId, Span};
use crate::syntax::ast::{Block, Name, Pattern, PortDeclaration, Setting, Statement, StatementKind};

/// A flow has so many ports at most.
const MOST_PORTS: usize = 64;

/// The ports of a flow, in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Ports {
    all: Vec<Known>,
    /// On which ports the watchers of each library are, and whose line its settings are of.
    of_libraries: HashMap<SourceId, BTreeSet<PortId>>,
}

/// A port that was declared.
#[derive(Debug)]
struct Known {
    name: String,
    site: Site,
    /// Whether a statement speaks to it.
    is_used: bool,
}

impl Ports {
    /// Whether the flow declares none: then it has one port, without a name.
    pub(super) fn are_none(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes note that a statement speaks to a port.
    pub(super) fn note_use(&mut self, port: PortId) {
        if let Some(known) = self.all.get_mut(port.index()) {
            known.is_used = true;
        }
    }

    /// Returns the settings of a port before its own: those of the libraries that are used for it, then those of the file.
    fn shared_settings(&self, files: &[LoadedFile], name: &str) -> Settings {
        let mut settings = Settings::default();
        let Some((root, libraries)) = files.split_last() else { return settings };
        let port = self.find(name);
        let is_for = |file: &&LoadedFile| {
            self.of_libraries.get(&file.id).is_some_and(|ports| port.is_some_and(|port| ports.contains(&port)))
        };
        for setting in libraries.iter().filter(is_for).chain([root]).flat_map(serial_of) {
            // What is wrong with it was reported.
            let _ = settings.set(&setting.name.node, &setting.value.node);
        }
        settings
    }

    fn find(&self, name: &str) -> Option<PortId> {
        self.all.iter().position(|known| known.name == name).and_then(PortId::new)
    }
}

impl Compiler<'_> {
    /// Gives the ports of a flow their places before anything refers to them.
    pub(super) fn note_ports(&mut self, body: &[Statement]) {
        for statement in body {
            let StatementKind::Port(PortDeclaration { name, .. }) = &statement.kind else { continue };
            let site = self.site(name.span);
            if let Some(first) = self.ports.find(&name.node) {
                let first = self.ports.all[first.index()].site;
                let message = format!("the port `{}` is declared twice", name.node);
                self.problem(Code::CheckDuplicate, name.span, message, "again here").others =
                    vec![Label::new(first, "first declared here")];
                continue;
            }
            if self.ports.all.len() == MOST_PORTS {
                let help = format!("at most {MOST_PORTS} ports are allowed");
                self.misplaced(statement.head, "this flow has too many ports", &help);
                return;
            }
            self.ports.all.push(Known { name: name.node.clone(), site, is_used: false });
        }
    }

    /// Reports a `port` that does not stand in a flow.
    pub(super) fn refuse_port(&mut self, head: Span) {
        if self.role == Role::Device {
            self.misplaced(head, "`port` belongs in a flow", "a device has one line, and answers on it");
        } else {
            self.misplaced(head, "a library declares no ports", "the flow that uses it declares them");
        }
    }

    /// Finds the ports that each library is used for: those that the `use` names, or else those of the file with the `use`.
    pub(super) fn note_ports_of_libraries(&mut self, files: &[LoadedFile]) {
        let Some(root) = files.last() else { return };
        let mut open = vec![(root, BTreeSet::from([PortId::FIRST]))];
        while let Some((file, own)) = open.pop() {
            self.file.source = file.id;
            for statement in &file.parsed.file.body {
                let StatementKind::Use { path, ports } = &statement.kind else { continue };
                let named: BTreeSet<PortId> = ports.iter().filter_map(|port| self.port_named(port)).collect();
                let Some(library) = library_at(path.span, file, files) else { continue };
                let ports = if ports.is_empty() { own.clone() } else { named };
                let known = self.ports.of_libraries.entry(library.id).or_default();
                // A library that was reached for these ports before has nothing new to say.
                if !ports.is_subset(known) {
                    known.extend(ports.iter().copied());
                    open.push((library, ports));
                }
            }
        }
        self.file.source = root.id;
    }

    /// Puts a watcher in force from the beginning: on the port that it names, or on those that its file is used for.
    pub(super) fn stand(&mut self, watcher: WatcherId) {
        let named = self.code.watchers[watcher].port.map(|port| BTreeSet::from([port]));
        let of_library = || self.ports.of_libraries.get(&self.file.source).cloned();
        let ports = named.or_else(of_library).unwrap_or_else(|| BTreeSet::from([PortId::FIRST]));
        for port in ports {
            self.ports.note_use(port);
            self.code.standing.push(Standing { watcher, port });
        }
    }

    /// Returns the ports with their settings and devices.
    pub(super) fn declared_ports(&mut self, files: &[LoadedFile], body: &[Statement]) -> Vec<DeclaredPort> {
        let mut ports: Vec<DeclaredPort> = Vec::new();
        for statement in body {
            let StatementKind::Port(PortDeclaration { name, settings: own, sims }) = &statement.kind else { continue };
            let site = self.site(name.span);
            let mut settings = self.ports.shared_settings(files, &name.node);
            self.settings(own, &mut settings);
            self.contradictions(files, name, &settings);
            if let [_, second, ..] = sims.as_slice() {
                let message = format!("the port `{}` has two devices", name.node);
                self.problem(Code::CheckDuplicate, second.span, message, "again here").help =
                    Some("one device is on a line: leave one of them out".to_string());
            }
            let sim = sims.first().map(|path| (path.node.clone(), self.site(path.span)));
            // One that is declared twice was reported.
            if ports.iter().all(|port| port.name != name.node) {
                ports.push(DeclaredPort { name: name.node.clone(), settings, sim, site });
            }
        }
        ports.truncate(MOST_PORTS);
        ports
    }

    /// Warns of libraries that are used for a port and want other settings than it has.
    fn contradictions(&mut self, files: &[LoadedFile], port: &Name, settings: &Settings) {
        let Some(root) = files.last() else { return };
        for statement in &root.parsed.file.body {
            let StatementKind::Use { path, ports } = &statement.kind else { continue };
            let Some(named) = ports.iter().find(|named| named.node == port.node) else { continue };
            let Some(library) = library_at(path.span, root, files) else { continue };
            for setting in serial_of(library) {
                let mut wanted = settings.clone();
                if wanted.set(&setting.name.node, &setting.value.node).is_ok() && wanted != *settings {
                    let message = format!(
                        "`{}` needs another `{}` than the port `{}` has",
                        path.node, setting.name.node, port.node
                    );
                    let site = Site { source: library.id, span: setting.name.span };
                    let problem = self.problem(Code::LintPortSettings, named.span, message, "used for this port");
                    problem.others = vec![Label::new(site, "needs this")];
                    problem.help = Some("the flow's own setting counts: leave one of the two out".to_string());
                }
            }
        }
    }

    /// Returns the port that a statement names; `None` if there is none, which was reported.
    pub(super) fn port_named(&mut self, name: &Name) -> Option<PortId> {
        if self.role == Role::Device {
            self.misplaced(name.span, "only a flow names ports", "a device has one line, and answers on it");
            return None;
        }
        // Which ports there are is known for each flow that uses it.
        if self.file.is_root_library {
            return None;
        }
        if let Some(port) = self.ports.find(&name.node) {
            self.ports.note_use(port);
            return Some(port);
        }
        let names: Vec<&str> = self.ports.all.iter().map(|known| known.name.as_str()).collect();
        let help = match nearest(&name.node, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if names.is_empty() => format!("declare it in the flow: `port {} {{ … }}`", name.node),
            None => format!("the flow has: {}", names.join(", ")),
        };
        let message = format!("there is no port `{}`", name.node);
        self.problem(Code::CheckUnknownPort, name.span, message, "not declared").help = Some(help);
        None
    }

    /// Returns the port that a pattern names, if it names one.
    pub(super) fn port_of(&mut self, pattern: &Pattern) -> Option<PortId> {
        pattern.port.as_ref().and_then(|port| self.port_named(port))
    }

    /// Compiles `using relay { … }`.
    pub(super) fn using(&mut self, port: &Name, body: &Block, head: Span) {
        let port = self.port_named(port);
        self.emit(Op::Enter(Box::new(ScopeKind::Block)), head);
        if let Some(port) = port {
            self.emit(Op::Using(port), head);
        }
        let outer = self.context;
        self.context.is_using = true;
        self.block(body);
        self.context = outer;
        self.emit(Op::Leave, head);
    }

    /// Takes note that a statement speaks to the port that is current where nothing is said.
    pub(super) fn note_first_port(&mut self, statement: &Statement) {
        if !self.context.is_using && speaks(statement) {
            self.ports.note_use(PortId::FIRST);
        }
    }

    /// Warns of ports that nothing speaks to.
    pub(super) fn unused_ports(&mut self) {
        let unused: Vec<(Span, String)> = self
            .ports
            .all
            .iter()
            .filter(|known| !known.is_used)
            .map(|known| (known.site.span, known.name.clone()))
            .collect();
        for (span, name) in unused {
            let message = format!("the port `{name}` is never used");
            self.problem(Code::LintUnusedPort, span, message, "nothing speaks to it").help =
                Some(format!("write `using {name} {{ … }}` around what speaks to it, or leave it out"));
        }
    }
}

/// Returns the library that a `use` of a file names; `None` if it could not be read.
fn library_at<'a>(path: Span, file: &LoadedFile, files: &'a [LoadedFile]) -> Option<&'a LoadedFile> {
    let (_, library) = file.uses.iter().find(|(span, _)| *span == path)?;
    files.iter().find(|file| file.id == *library)
}

/// Returns the settings that a file declares.
fn serial_of(file: &LoadedFile) -> impl Iterator<Item = &Setting> {
    file.parsed.file.body.iter().flat_map(settings_in)
}

fn settings_in(statement: &Statement) -> &[Setting] {
    if let StatementKind::Serial(settings) = &statement.kind { settings } else { &[] }
}

/// Whether a statement itself speaks to a port, or listens to one.
fn speaks(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Send { .. }
        | StatementKind::Expect { .. }
        | StatementKind::ExpectNone { .. }
        | StatementKind::ExpectQuiet { .. }
        | StatementKind::ExpectInput { .. }
        | StatementKind::Read { .. }
        | StatementKind::SendFile(_)
        | StatementKind::ReceiveFile(_)
        | StatementKind::Reopen(_)
        | StatementKind::Baud(_)
        | StatementKind::ControlLines { .. }
        | StatementKind::Break(_)
        | StatementKind::Flush
        | StatementKind::Echo(_)
        // What a procedure does is not looked at: it may speak.
        | StatementKind::Call { .. } => true,
        StatementKind::ExpectAny { .. } | StatementKind::ExpectAll { .. } => {
            statement.patterns().iter().any(|pattern| pattern.port.is_none())
        }
        StatementKind::FailOn { pattern, .. } | StatementKind::On { pattern, .. } | StatementKind::Ignore(pattern) => {
            pattern.port.is_none()
        }
        StatementKind::Header
        | StatementKind::Use { .. }
        | StatementKind::Sim(_)
        | StatementKind::Tag(_)
        | StatementKind::Port(_)
        | StatementKind::Using { .. }
        | StatementKind::Param(_)
        | StatementKind::Volatile { .. }
        | StatementKind::State { .. }
        | StatementKind::Serial(_)
        | StatementKind::Timeout(_)
        | StatementKind::Procedure { .. }
        | StatementKind::Step(_)
        | StatementKind::Capture { .. }
        | StatementKind::Compute { .. }
        | StatementKind::Measure(_)
        | StatementKind::Assert { .. }
        | StatementKind::Fail { .. }
        | StatementKind::Ask { .. }
        | StatementKind::Skip(_)
        | StatementKind::Save(_)
        | StatementKind::Log(_)
        | StatementKind::Sleep(_)
        | StatementKind::After { .. }
        | StatementKind::Restart
        | StatementKind::Unplug(_)
        | StatementKind::If { .. }
        | StatementKind::Repeat { .. }
        | StatementKind::For { .. }
        | StatementKind::Try { .. }
        | StatementKind::Return(_)
        | StatementKind::Finally(_)
        | StatementKind::InputLines(_)
        | StatementKind::Wire { .. }
        | StatementKind::Hook { .. }
        | StatementKind::OnHook { .. }
        | StatementKind::OnWire { .. }
        | StatementKind::OnSignal { .. } => false,
    }
}
