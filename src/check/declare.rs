//! Files and declarations: headers, params, states, settings, procedures; the order in which all is compiled.

use super::expr::{NUMBER, TIME};
use super::hold::{Secrets, made_of};
use super::names::Names;
use super::{Call, Compiler, Context, ProcedureSignature, Skips};
use crate::diagnostic::nearest::{nearest, nearest_value};
use crate::diagnostic::{Code, Diagnostic};
use crate::load::LoadedFile;
use crate::pattern::{Fit, Regex};
use crate::program::{DEFAULT_TIMEOUT, Expr, ExprKind, ForSuites, Main, Op, Param, Procedure, Program, Role, Target};
use crate::settings::{Echo, SETTINGS, SettingError, Settings};
use crate::source::{Site, Span, Spanned};
use crate::syntax::ast::{
    self, Bind, Block, Bound, FileKind, Name, Origin, Runs, Secrecy, Setting, Statement, StatementKind,
};
use crate::value::Value;

/// What is said of a `skip` that would end a clean-up.
pub(super) const NO_SKIP: &str = "a clean-up runs while a block ends: use `if`, or put a `step` around it";

/// What the declarations of all files come to.
struct Declared {
    settings: Settings,
    timeout: Option<Expr>,
    sim: Option<(String, Site)>,
    params: Vec<Param>,
    for_suites: ForSuites,
}

impl<'a> Compiler<'a> {
    /// Compiles all files; the last one is the root.
    pub(super) fn files(&mut self, files: &'a [LoadedFile]) -> Option<Program> {
        let (root, libraries) = files.split_last()?;
        self.headers(root, libraries);
        for file in files {
            self.file.source = file.id;
            self.note_procedures(&file.parsed.file.body);
        }
        let bodies: Vec<&[Statement]> = files.iter().map(|file| file.parsed.file.body.as_slice()).collect();
        self.secrets = Secrets::of(self.role, &bodies);
        let mut settings = Settings::default();
        if self.role == Role::Device {
            settings.eol = b"\r\n".to_vec();
            settings.echo = Echo::Off;
        }
        let mut declared =
            Declared { settings, timeout: None, sim: None, params: Vec::new(), for_suites: ForSuites::default() };
        self.file.source = root.id;
        self.note_declared(&root.parsed.file.body);
        if self.role == Role::Flow && !self.file.is_root_library {
            self.note_ports(&root.parsed.file.body);
        }
        self.note_ports_of_libraries(files);
        let mut initial = Vec::new();
        for file in files {
            self.file.source = file.id;
            self.declarations(&file.parsed.file.body, &mut declared, &mut initial);
        }
        let made_of = made_of(&bodies);
        declared.params.iter_mut().for_each(|param| param.makes_secrets = made_of.contains(&param.name));
        self.file.source = root.id;
        if self.role == Role::Flow {
            self.note_all(&root.parsed.file.body);
        }
        for file in files {
            self.file.source = file.id;
            self.procedures(&file.parsed.file.body);
        }
        for file in libraries {
            self.file.source = file.id;
            self.standing_watchers(&file.parsed.file.body);
        }
        self.file.source = root.id;
        let ports = self.declared_ports(files, &root.parsed.file.body);
        let (entry, locals) = self.main(&bodies, initial);
        if root.parsed.problems.is_empty() {
            self.unused_ports();
        }
        self.circles();
        self.skips_in_cleanups();
        self.hazards(&root.parsed);
        let header = root.parsed.file.header.as_ref()?;
        if header.kind == FileKind::Library {
            return None;
        }
        let whole = Span::new(0, 0);
        let timeout = Expr { span: whole, kind: ExprKind::Const(Value::Duration(DEFAULT_TIMEOUT)) };
        Some(Program {
            role: self.role,
            title: header.title.clone(),
            sources: self.sources.clone(),
            settings: ports.first().map_or(declared.settings, |first| first.settings.clone()),
            sim: ports.first().map_or(declared.sim, |first| first.sim.clone()),
            ports,
            params: declared.params,
            learns_secrets: self.learns_secrets,
            for_suites: declared.for_suites,
            globals: std::mem::take(&mut self.globals.places),
            main: Main {
                entry,
                locals,
                timeout: declared.timeout.unwrap_or(timeout),
                standing: std::mem::take(&mut self.code.standing),
                handlers: std::mem::take(&mut self.code.handlers),
                wires: std::mem::take(&mut self.code.wires),
            },
            ops: std::mem::take(&mut self.code.ops),
            sites: std::mem::take(&mut self.code.sites),
            procedures: std::mem::take(&mut self.procedures.all),
            watchers: std::mem::take(&mut self.code.watchers),
        })
    }

    fn headers(&mut self, root: &LoadedFile, libraries: &[LoadedFile]) {
        for file in libraries.iter().chain([root]) {
            self.file.source = file.id;
            if file.parsed.file.header.is_none() {
                let first_line = self.sources.get(file.id).text().lines().next().map_or(0, str::len);
                self.problem(
                    Code::SyntaxHeader,
                    Span::new(0, first_line),
                    "this file has no header",
                    "expected a header first",
                )
                .help = Some("begin with `flow \"title\"`, `device \"title\"` or `library \"title\"`".to_string());
            }
        }
        for file in libraries {
            self.file.source = file.id;
            if let Some(header) = &file.parsed.file.header
                && header.kind != FileKind::Library
            {
                let message = format!("only a library can be used, this is a {}", header.kind.title());
                self.problem(Code::LoadUse, header.span, message, "used by another file");
            }
        }
    }

    fn note_procedures(&mut self, body: &'a [Statement]) {
        for statement in body {
            let StatementKind::Procedure { name, parameters, body } = &statement.kind else { continue };
            let site = self.site(name.span);
            if let Some(known) = self.procedures.signatures.get(&name.node) {
                let first = known.site;
                let message = format!("the procedure `{}` is defined twice", name.node);
                self.problem(Code::CheckDuplicate, name.span, message, "again here").others =
                    vec![crate::diagnostic::Label::new(first, "first defined here")];
                continue;
            }
            let index = self.procedures.all.len();
            self.procedures.all.push(Procedure {
                name: name.node.clone(),
                parameters: parameters.len(),
                locals: Vec::new(),
                entry: 0,
            });
            let signature = ProcedureSignature { index, parameters: parameters.len(), gives: gives(&body.body), site };
            self.procedures.signatures.insert(name.node.clone(), signature);
            self.procedures.bodies.insert(name.node.as_str(), (parameters.as_slice(), body));
        }
    }

    /// Gives params and states their places before anything refers to them.
    fn note_declared(&mut self, body: &[Statement]) {
        for statement in body {
            let declared = statement.binds().into_iter().find(|bind| bind.from == Origin::Declaration);
            let Some(Bind { into: Bound::Name(name), secrecy, .. }) = declared else { continue };
            let site = self.site(name.span);
            if let Some(first) = self.globals.get(&name.node).and_then(|known| known.declared) {
                let message = format!("`{}` is declared twice", name.node);
                self.problem(Code::CheckDuplicate, name.span, message, "again here").others =
                    vec![crate::diagnostic::Label::new(first, "first declared here")];
            }
            self.globals.note(&name.node, secrecy == Secrecy::Secret).declared = Some(site);
        }
    }

    fn declarations(&mut self, body: &[Statement], declared: &mut Declared, initial: &mut Vec<(Expr, Target)>) {
        let is_library = self.is_library();
        for statement in body {
            match &statement.kind {
                StatementKind::Serial(settings) => self.settings(settings, &mut declared.settings),
                StatementKind::Timeout(expr) => declared.timeout = Some(self.want(expr, TIME, "a timeout")),
                StatementKind::Sim(path) => self.sim(path, statement.head, declared),
                StatementKind::Volatile { name, matches } => {
                    self.volatile(name, matches.as_ref(), statement.head, declared)
                }
                StatementKind::Tag(tags) => self.tags(tags, statement.head, &mut declared.for_suites.tags),
                StatementKind::Param(param) if !is_library => {
                    let param = self.param(param);
                    declared.params.push(param);
                }
                StatementKind::State { name, value } if !is_library => {
                    let (value, kind) = self.expr(value);
                    if self.role == Role::Flow {
                        self.misplaced(statement.head, "`state` belongs in a device", "use `compute` in a flow");
                    }
                    let target = self.target(name, kind, Secrecy::Open);
                    initial.push((value, target));
                    if let Some(variable) = self.globals.get_mut(&name.node) {
                        variable.kind = kind;
                    }
                }
                StatementKind::Wire { name, value } if !is_library => self.wire(name, value, statement.head),
                StatementKind::Param(_) | StatementKind::State { .. } | StatementKind::Wire { .. } => {
                    self.misplaced(
                        statement.head,
                        "a library has no variables of its own",
                        "pass them to its procedures",
                    );
                }
                StatementKind::Port(_) if is_library || self.role != Role::Flow || self.file.is_root_library => {
                    self.refuse_port(statement.head);
                }
                StatementKind::Procedure { .. }
                | StatementKind::Port(_)
                | StatementKind::Using { .. }
                | StatementKind::On { .. }
                | StatementKind::After { .. }
                | StatementKind::Header
                | StatementKind::Use { .. }
                | StatementKind::Step(_)
                | StatementKind::Send { .. }
                | StatementKind::Expect { .. }
                | StatementKind::ExpectAny { .. }
                | StatementKind::ExpectAll { .. }
                | StatementKind::ExpectNone { .. }
                | StatementKind::ExpectQuiet { .. }
                | StatementKind::Read { .. }
                | StatementKind::Capture { .. }
                | StatementKind::Compute { .. }
                | StatementKind::Measure(_)
                | StatementKind::Assert { .. }
                | StatementKind::FailOn { .. }
                | StatementKind::Ignore(_)
                | StatementKind::Fail { .. }
                | StatementKind::Ask { .. }
                | StatementKind::Hook { .. }
                | StatementKind::SendFile(_)
                | StatementKind::ReceiveFile(_)
                | StatementKind::Skip(_)
                | StatementKind::Save(_)
                | StatementKind::Log(_)
                | StatementKind::Sleep(_)
                | StatementKind::Restart
                | StatementKind::Unplug(_)
                | StatementKind::Reopen(_)
                | StatementKind::If { .. }
                | StatementKind::Repeat { .. }
                | StatementKind::For { .. }
                | StatementKind::Try { .. }
                | StatementKind::Call { .. }
                | StatementKind::Return(_)
                | StatementKind::Finally(_)
                | StatementKind::Baud(_)
                | StatementKind::ControlLines { .. }
                | StatementKind::InputLines(_)
                | StatementKind::ExpectInput { .. }
                | StatementKind::OnSignal { .. }
                | StatementKind::OnHook { .. }
                | StatementKind::OnWire { .. }
                | StatementKind::Break(_)
                | StatementKind::Flush
                | StatementKind::Echo(_) => {}
            }
        }
    }

    /// Whether the file that is being compiled is used by another.
    pub(super) fn is_library(&self) -> bool {
        self.file.source != self.file.root
    }

    /// Notes what snapshots are to name away.
    fn volatile(&mut self, name: &Name, matches: Option<&ast::Regex>, head: Span, declared: &mut Declared) {
        if self.role != Role::Flow {
            return self.misplaced(
                head,
                "`volatile` belongs in a flow: it changes how the transcript is compared",
                "leave it out",
            );
        }
        let Some(regex) = matches else {
            return declared.for_suites.volatiles.push((name.node.clone(), None));
        };
        let text = super::names::sample(regex);
        self.refuse_values(regex);
        match Regex::new(&text, &regex.flags, Fit::Within) {
            Ok(compiled) => {
                declared.for_suites.volatiles.push((name.node.clone(), Some(compiled.as_str().to_string())))
            }
            Err(why) => {
                self.problem(Code::CheckRegex, regex.span, format!("this regex cannot be compiled: {why}"), "here");
            }
        }
    }

    /// Notes the words by which a suite finds the flow.
    fn tags(&mut self, tags: &[Spanned<String>], head: Span, declared: &mut Vec<String>) {
        if self.role != Role::Flow || self.is_library() || self.file.is_root_library {
            return self.misplaced(head, "`tag` belongs in a flow: a suite chooses flows by tags", "leave it out");
        }
        for tag in tags {
            if declared.contains(&tag.node) {
                self.problem(
                    Code::CheckDuplicate,
                    tag.span,
                    format!("the tag `{}` is given twice", tag.node),
                    "again here",
                );
            } else if is_tag(&tag.node) {
                declared.push(tag.node.clone());
            } else {
                let message = "a tag is one word, so that `--filter` can name it";
                self.problem(Code::CheckTag, tag.span, message, "not one word").help =
                    Some("use letters, digits, `-`, `_` and `.`, as in `tag \"needs-sim\"`".to_string());
            }
        }
    }

    /// Reports values in a regex that is read before there are any.
    pub(super) fn refuse_values(&mut self, regex: &ast::Regex) {
        if regex.pieces.iter().any(|piece| matches!(piece, ast::Piece::Value(_))) {
            self.problem(Code::CheckRegex, regex.span, "this regex cannot contain a value", "must always be the same");
        }
    }

    fn sim(&mut self, path: &Spanned<String>, head: Span, declared: &mut Declared) {
        if self.role != Role::Flow {
            return self.misplaced(head, "only a flow names the device that `--port sim` plays", "leave it out");
        }
        if !self.ports.are_none() && !self.is_library() {
            let help = "name the device of each port: `port dut { sim \"devices/board.flow\" }`";
            return self.misplaced(head, "a flow with ports has no `sim` of its own", help);
        }
        declared.sim = Some((path.node.clone(), self.site(path.span)));
    }

    pub(super) fn settings(&mut self, settings: &[Setting], into: &mut Settings) {
        for setting in settings {
            let name = &setting.name.node;
            match into.set(name, &setting.value.node) {
                Ok(()) => {}
                Err(SettingError::Unknown) => {
                    let help = match nearest(name, SETTINGS.iter().map(|(known, _)| *known)) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => {
                            format!("settings are: {}", SETTINGS.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", "))
                        }
                    };
                    let message = format!("there is no setting `{name}`");
                    self.problem(Code::CheckUnknownSetting, setting.name.span, message, "not a setting").help =
                        Some(help);
                }
                Err(SettingError::Wants(wanted)) => {
                    let message = format!("`{name}` cannot be this");
                    let help = nearest_value(name, &setting.value.node.written());
                    self.problem(Code::CheckSettingValue, setting.value.span, message, format!("expected {wanted}"))
                        .help = help;
                }
            }
        }
    }

    fn procedures(&mut self, body: &[Statement]) {
        for statement in body {
            if let StatementKind::Procedure { name, parameters, body } = &statement.kind
                && let Some(signature) = self.procedures.signatures.get(&name.node).cloned()
                && signature.site == self.site(name.span)
            {
                self.procedure(signature.index, parameters, body, statement.head);
            }
        }
    }

    /// Returns the variables of a block that begins with parameters.
    pub(super) fn parameter_names(&mut self, parameters: &[Name]) -> Names {
        let mut names = Names::default();
        for parameter in parameters {
            if names.get(&parameter.node).is_some() {
                let message = format!("the parameter `{}` is there twice", parameter.node);
                self.problem(Code::CheckDuplicate, parameter.span, message, "again here");
            }
            // Two assignments keep its type open: the caller decides it.
            names.note(&parameter.node, false).assigned += 1;
        }
        names
    }

    fn procedure(&mut self, index: usize, parameters: &[Name], body: &Block, head: Span) {
        let names = self.parameter_names(parameters);
        let context = Context { procedure: Some(index), ..Context::default() };
        let outer = std::mem::replace(&mut self.context, context);
        self.locals = Some(names);
        self.note_all(&body.body);
        self.procedures.all[index].entry = self.here();
        self.statements(&body.body);
        self.emit(Op::Return(None), head);
        self.context = outer;
        let names = self.locals.take().expect("it was set above");
        self.procedures.all[index].locals = names.places;
    }

    /// Compiles the watchers of a library: in force from the beginning.
    fn standing_watchers(&mut self, body: &[Statement]) {
        for statement in body {
            match &statement.kind {
                StatementKind::On { .. } | StatementKind::FailOn { .. } | StatementKind::Ignore(_) => {
                    let id = self.watcher(statement);
                    self.stand(id);
                }
                StatementKind::Use { .. }
                | StatementKind::Serial(_)
                | StatementKind::Timeout(_)
                | StatementKind::Procedure { .. } => {}
                StatementKind::Param(_)
                | StatementKind::State { .. }
                | StatementKind::Wire { .. }
                | StatementKind::Sim(_)
                | StatementKind::Tag(_)
                | StatementKind::Port(_)
                | StatementKind::Volatile { .. } => {}
                StatementKind::After { .. }
                | StatementKind::Using { .. }
                | StatementKind::Header
                | StatementKind::Step(_)
                | StatementKind::Send { .. }
                | StatementKind::Expect { .. }
                | StatementKind::ExpectAny { .. }
                | StatementKind::ExpectAll { .. }
                | StatementKind::ExpectNone { .. }
                | StatementKind::ExpectQuiet { .. }
                | StatementKind::Read { .. }
                | StatementKind::Capture { .. }
                | StatementKind::Compute { .. }
                | StatementKind::Measure(_)
                | StatementKind::Assert { .. }
                | StatementKind::Fail { .. }
                | StatementKind::Ask { .. }
                | StatementKind::Hook { .. }
                | StatementKind::SendFile(_)
                | StatementKind::ReceiveFile(_)
                | StatementKind::Skip(_)
                | StatementKind::Save(_)
                | StatementKind::Log(_)
                | StatementKind::Sleep(_)
                | StatementKind::Restart
                | StatementKind::Unplug(_)
                | StatementKind::Reopen(_)
                | StatementKind::If { .. }
                | StatementKind::Repeat { .. }
                | StatementKind::For { .. }
                | StatementKind::Try { .. }
                | StatementKind::Call { .. }
                | StatementKind::Return(_)
                | StatementKind::Finally(_)
                | StatementKind::Baud(_)
                | StatementKind::ControlLines { .. }
                | StatementKind::InputLines(_)
                | StatementKind::ExpectInput { .. }
                | StatementKind::OnSignal { .. }
                | StatementKind::OnHook { .. }
                | StatementKind::OnWire { .. }
                | StatementKind::Break(_)
                | StatementKind::Flush
                | StatementKind::Echo(_) => {
                    self.misplaced(statement.head, "a library does nothing by itself", "put it into a procedure");
                }
            }
        }
    }

    /// Compiles the main part; returns its address and how many locals it has.
    fn main(&mut self, files: &[&[Statement]], initial: Vec<(Expr, Target)>) -> (usize, usize) {
        let whole = Span::new(0, 0);
        let Some((&body, libraries)) = files.split_last() else { return (self.here(), 0) };
        if self.file.is_root_library {
            self.standing_watchers(body);
            return (self.here(), 0);
        }
        if self.role == Role::Device {
            for statement in body {
                if matches!(
                    statement.kind,
                    StatementKind::On { .. } | StatementKind::FailOn { .. } | StatementKind::Ignore(_)
                ) {
                    let id = self.watcher(statement);
                    self.stand(id);
                } else {
                    self.handler(statement);
                }
            }
            self.locals = Some(Names::default());
            self.note_all(body);
        }
        let entry = self.here();
        if !initial.is_empty() {
            self.emit(Op::Initial(initial), whole);
        }
        if self.secrets.are_of_the_whole_run(body, libraries) {
            self.emit(Op::Hold, whole);
        }
        self.statements(body);
        self.emit(Op::End, whole);
        let locals = self.locals.take().map_or(0, |names| names.places.len());
        (entry, locals)
    }

    /// Returns a procedure with all that it calls, however deep, as far as `follows` says.
    fn reached(&self, from: usize, follows: impl Fn(&Call) -> bool) -> Vec<usize> {
        let mut reached = vec![from];
        let mut i = 0;
        while i < reached.len() {
            let from = reached[i];
            for call in self.procedures.calls.iter().filter(|call| call.caller == Some(from) && follows(call)) {
                if !reached.contains(&call.callee) {
                    reached.push(call.callee);
                }
            }
            i += 1;
        }
        reached
    }

    /// Reports procedures that call themselves.
    fn circles(&mut self) {
        let mut problems = Vec::new();
        for call in &self.procedures.calls {
            let Some(caller) = call.caller else { continue };
            if self.reached(call.callee, |_| true).contains(&caller) {
                let message = format!("the procedure `{}` calls itself", self.procedures.all[caller].name);
                let label = "leads back to its own procedure";
                problems.push(
                    Diagnostic::new(Code::CheckRecursion, call.site, message, label)
                        .help("use `repeat` to do something again"),
                );
            }
        }
        self.problems.extend(problems);
    }

    /// Reports calls in a `finally` that come to a `skip`.
    fn skips_in_cleanups(&mut self) {
        let mut problems = Vec::new();
        for call in self.procedures.calls.iter().filter(|call| call.skips == Skips::Cleanup) {
            let reached = self.reached(call.callee, |call| call.skips == Skips::Outside);
            if reached.iter().any(|procedure| self.procedures.skipping.contains(procedure)) {
                let message = format!("`{}` can skip, and a `finally` cannot", self.procedures.all[call.callee].name);
                let label = "called in a `finally` block";
                problems.push(Diagnostic::new(Code::CheckMisplaced, call.site, message, label).help(NO_SKIP));
            }
        }
        self.problems.extend(problems);
    }

    /// Reports a statement in a place where it has no meaning.
    pub(super) fn misplaced(&mut self, span: Span, message: &str, help: &str) {
        self.problem(Code::CheckMisplaced, span, message, "not here").help = Some(help.to_string());
    }

    /// Resolves a count: `retry 3`, `repeat 10`.
    pub(super) fn count(&mut self, expr: Option<&ast::Expr>, what: &str) -> Option<Expr> {
        self.want_some(expr, NUMBER, what)
    }
}

/// Whether some `return` in a procedure gives a value.
fn gives(body: &[Statement]) -> bool {
    body.iter().any(|statement| {
        let is_given = matches!(statement.kind, StatementKind::Return(Some(_)));
        is_given || statement.runs() == Runs::Here && statement.blocks().iter().any(|block| gives(&block.body))
    })
}

/// Whether a text can be written as the word of a tag.
fn is_tag(text: &str) -> bool {
    let is_in_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.chars().all(is_in_word)
}
