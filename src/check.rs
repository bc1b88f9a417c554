//! Tree to program: names, types, places; every problem that can be found without a device.

mod ask;
mod blocks;
mod control;
mod declare;
mod expr;
mod handler;
mod hazard;
mod hold;
mod hook;
mod kinds;
mod lint;
mod measure;
mod names;
mod param;
mod pattern;
mod ports;
mod statement;
mod transfer;
mod unique;

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::load::{Loaded, LoadedFile};
use crate::program::{DeclaredWire, Handler, Op, OpIndex, Procedure, Program, Role, Standing, Watcher};
use crate::source::{Site, SourceId, Sources, Span};
use crate::syntax::ast::{Block, FileKind, Name};
use crate::value::Type;
use names::Names;
use ports::Ports;

/// What checking gives.
#[derive(Debug)]
pub struct Checked {
    /// The program, if nothing is wrong.
    pub program: Option<Program>,
    /// Everything that is wrong, and warnings, in the order of the text.
    pub problems: Vec<Diagnostic>,
    /// The texts, for messages.
    pub sources: Arc<Sources>,
}

/// Checks a file with everything that it uses, and compiles it.
///
/// Libraries are checked, but have no program: for them `program` is `None` without an error.
pub fn check(loaded: Loaded) -> Checked {
    let sources = Arc::new(loaded.sources);
    let mut problems = loaded.problems;
    let Some(root) = loaded.files.last() else { return Checked { program: None, problems, sources } };
    let role = match root.parsed.file.header.as_ref().map(|header| header.kind) {
        Some(FileKind::Device) => Role::Device,
        Some(FileKind::Flow | FileKind::Library) | None => Role::Flow,
    };
    let mut compiler = Compiler::new(&sources, role, root);
    let program = compiler.files(&loaded.files);
    problems.extend(compiler.problems);
    problems.extend(lint::lint(root.id, &root.parsed.file));
    problems.retain(|problem| {
        let file =
            problem.label.as_ref().and_then(|label| loaded.files.iter().find(|file| file.id == label.site.source));
        file.is_none_or(|file| !lint::is_allowed(problem, sources.get(file.id), &file.parsed))
    });
    problems.sort_by_key(|problem| problem.label.as_ref().map(|label| (label.site.source, label.site.span.start)));
    problems.dedup();
    let is_wrong = problems.iter().any(|problem| problem.severity() == Severity::Error);
    Checked { program: program.filter(|_| !is_wrong), problems, sources }
}

/// Makes a program of files.
struct Compiler<'a> {
    sources: &'a Arc<Sources>,
    role: Role,
    file: File,
    /// The names of the params.
    params: Vec<String>,
    /// Whether something is put into a secret variable.
    learns_secrets: bool,
    /// What is known of the secrets of all files.
    secrets: hold::Secrets,
    /// How many blocks enclose what is being compiled; 0 in the file itself.
    depth: usize,
    problems: Vec<Diagnostic>,
    code: Emitted,
    ports: Ports,
    procedures: Procedures<'a>,
    /// Params, states, and in a flow the variables of its main part.
    globals: Names,
    /// The variables of the procedure or handler that is being compiled, if one is.
    locals: Option<Names>,
    context: Context,
}

/// Which file is being compiled.
struct File {
    source: SourceId,
    /// The file that the command line named.
    root: SourceId,
    /// Whether that is a library: checked, but not run.
    is_root_library: bool,
}

/// What has been made so far.
#[derive(Default)]
struct Emitted {
    ops: Vec<Op>,
    /// The statement of each instruction.
    sites: Vec<Site>,
    watchers: Vec<Watcher>,
    handlers: Vec<Handler>,
    wires: Vec<DeclaredWire>,
    standing: Vec<Standing>,
}

/// The procedures of all files.
#[derive(Default)]
struct Procedures<'a> {
    all: Vec<Procedure>,
    signatures: HashMap<String, ProcedureSignature>,
    /// Parameters and bodies.
    bodies: HashMap<&'a str, (&'a [Name], &'a Block)>,
    /// The types of what they return, or of an item of it, as far as somebody asked.
    results: HashMap<(&'a str, Option<usize>), Type>,
    /// Who calls whom, for finding circles and what a `finally` comes to.
    calls: Vec<Call>,
    /// Those with a `skip` that leaves them.
    skipping: Vec<usize>,
}

/// A call, where it stands.
#[derive(Clone, Copy, Debug)]
struct Call {
    /// The procedure that it stands in, if it stands in one.
    caller: Option<usize>,
    callee: usize,
    site: Site,
    /// What a `skip` in the callee would end.
    skips: Skips,
}

/// What a `skip` ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Skips {
    /// The flow, or the step that its procedure is called in.
    #[default]
    Outside,
    /// A step around it, in the same block or procedure.
    Step,
    /// A `finally` block, which may not end so.
    Cleanup,
}

/// What a procedure wants and gives.
#[derive(Clone, Debug)]
struct ProcedureSignature {
    index: usize,
    parameters: usize,
    gives: bool,
    site: Site,
}

/// What the statement that is being compiled stands in.
#[derive(Clone, Copy, Debug, Default)]
struct Context {
    /// The procedure, if it is one.
    procedure: Option<usize>,
    /// A handler: `on` or `after`.
    is_handler: bool,
    /// A step with a timeout.
    is_bounded: bool,
    /// A `finally` block.
    is_cleanup: bool,
    /// A `using` block, which says what port is current.
    is_using: bool,
    /// What a `skip` would end.
    skips: Skips,
}

impl<'a> Compiler<'a> {
    fn new(sources: &'a Arc<Sources>, role: Role, root: &LoadedFile) -> Compiler<'a> {
        let is_root_library = root.parsed.file.header.as_ref().is_some_and(|header| header.kind == FileKind::Library);
        Compiler {
            sources,
            role,
            file: File { source: root.id, root: root.id, is_root_library },
            params: Vec::new(),
            learns_secrets: false,
            secrets: hold::Secrets::none(role),
            depth: 0,
            problems: Vec::new(),
            code: Emitted::default(),
            ports: Ports::default(),
            procedures: Procedures::default(),
            globals: Names::default(),
            locals: None,
            context: Context::default(),
        }
    }

    fn site(&self, span: Span) -> Site {
        Site { source: self.file.source, span }
    }

    fn problem(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> &mut Diagnostic {
        let site = self.site(span);
        self.problems.push(Diagnostic::new(code, site, message, label));
        self.problems.last_mut().expect("one was just pushed")
    }

    /// Adds an instruction and returns its address.
    fn emit(&mut self, op: Op, span: Span) -> OpIndex {
        self.code.ops.push(op);
        self.code.sites.push(self.site(span));
        self.code.ops.len() - 1
    }

    /// Returns the address of the next instruction.
    fn here(&self) -> OpIndex {
        self.code.ops.len()
    }

    /// Puts the address of the next instruction into a jump that was emitted before it was known.
    fn land(&mut self, at: OpIndex) {
        let here = self.here();
        *self.code.ops[at].landing().expect("only jumps are landed") = here;
    }
}
