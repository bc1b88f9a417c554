//! Statements to instructions.

use super::declare::NO_SKIP;
use super::expr::{ANYTHING, NUMBER, TIME, TRUTH};
use super::hold::Until;
use super::{Call, Compiler, Skips};
use crate::diagnostic::Code;
use crate::diagnostic::nearest::nearest;
use crate::program::{
    self, Absence, Arm, CountedRead, DelimitedRead, Expect, Expr, ExprKind, LookAt, Needed, Op, Refusal, Role,
    ScopeKind, SilentRead,
};
use crate::settings::Settings;
use crate::source::Span;
use crate::syntax::ast::{self, CaptureFrom, Name, ReadWhat, Scope, Secrecy, Statement, StatementKind};
use crate::value::{Type, Value};

impl Compiler<'_> {
    /// Compiles the statements of a block, with the places where events are held back for a secret.
    pub(super) fn statements(&mut self, body: &[Statement]) {
        let holds = self.holds(body);
        for (i, statement) in body.iter().enumerate() {
            for _ in holds.iter().filter(|hold| hold.from == i) {
                self.emit(Op::Hold, statement.head);
            }
            self.statement(statement);
            for _ in holds.iter().filter(|hold| hold.until == Until::Statement(i)) {
                self.emit(Op::Release, statement.head);
            }
        }
    }

    fn statement(&mut self, statement: &Statement) {
        let head = statement.head;
        self.note_first_port(statement);
        match &statement.kind {
            StatementKind::Header => {}
            StatementKind::Use { .. }
            | StatementKind::Sim(_)
            | StatementKind::Tag(_)
            | StatementKind::Port(_)
            | StatementKind::Param(_)
            | StatementKind::State { .. }
            | StatementKind::Wire { .. }
            | StatementKind::Volatile { .. }
            | StatementKind::Serial(_)
            | StatementKind::Timeout(_)
            | StatementKind::Procedure { .. } => self.declaration(statement),
            StatementKind::Using { port, body } => self.using(port, body, head),
            StatementKind::Step(step) => self.step(step, head),
            StatementKind::Send { mode, text } => self.send(*mode, text, head),
            StatementKind::Expect { scope, secrecy, pattern, within } => {
                self.expect(*scope, *secrecy, pattern, within.as_ref(), head)
            }
            StatementKind::ExpectAny { within, arms, timeout } => {
                self.expect_any(within.as_ref(), arms, timeout.as_ref(), head)
            }
            StatementKind::ExpectAll { within, patterns } => self.expect_all(within.as_ref(), patterns, head),
            StatementKind::ExpectNone { pattern, lasting } => self.expect_none(pattern, lasting, head),
            StatementKind::ExpectQuiet { lasting, within } => self.expect_quiet(lasting, within.as_ref(), head),
            StatementKind::Read { what, secrecy, name, within } => {
                self.read(what, *secrecy, name, within.as_ref(), head)
            }
            StatementKind::Capture { secrecy, name, from } => self.capture(*secrecy, name, from, head),
            StatementKind::Compute { secrecy, name, value } => self.compute(*secrecy, name, value, head),
            StatementKind::Measure(measure) => self.measure(measure, head),
            StatementKind::Assert { condition, message } => {
                let condition = self.want(condition, TRUTH, "what is asserted");
                let message = self.want_some(message.as_ref(), ANYTHING, "a message");
                self.emit(Op::Assert { condition, message }, head);
            }
            StatementKind::Fail { reach, message } => self.fail(*reach, message, head),
            StatementKind::Ask { prompt, secrecy, name, fits, default } => {
                self.ask(prompt, (*secrecy, name.as_ref()), fits, default.as_ref(), head);
            }
            StatementKind::Hook { name, arguments, within } => self.hook(name, arguments, within.as_ref(), head),
            StatementKind::SendFile(file) => self.send_file(file, head),
            StatementKind::ReceiveFile(file) => self.receive_file(file, head),
            StatementKind::Skip(why) => self.skip(why, head),
            StatementKind::FailOn { .. } | StatementKind::Ignore(_) | StatementKind::On { .. } => self.watch(statement),
            StatementKind::Save(names) => self.save(names, head),
            StatementKind::Log(value) => {
                let value = self.want(value, ANYTHING, "what is logged");
                self.emit(Op::Log(value), head);
            }
            StatementKind::Sleep(lasting) => {
                let lasting = self.want(lasting, TIME, "how long to sleep");
                self.emit(Op::Sleep(lasting), head);
            }
            StatementKind::After { delay, body } => self.after(delay, body, head),
            StatementKind::Restart => {
                self.only_device(head, "`restart`", "put it into a `procedure`, and `call` that again");
                self.emit(Op::Restart, head);
            }
            StatementKind::Unplug(lasting) => self.unplug(lasting.as_ref(), head),
            StatementKind::Reopen(within) => self.reopen(within, head),
            StatementKind::If { condition, then, otherwise } => self.if_(condition, then, otherwise.as_ref(), head),
            StatementKind::Repeat { kind, every, at_most, body } => {
                self.repeat(kind, every.as_ref(), at_most.as_ref(), body, head)
            }
            StatementKind::For { name, list, last: None, body } => self.for_(name, list, body, head),
            StatementKind::For { name, list: first, last: Some(last), body } => {
                self.for_numbers(name, (first, last), body, head);
            }
            StatementKind::Try { body, otherwise } => self.try_(body, otherwise.as_ref(), head),
            StatementKind::Call { name, arguments, results } => self.call(name, arguments, results, head),
            StatementKind::Return(value) => self.return_(value.as_ref(), head),
            StatementKind::Finally(body) => self.finally(body, head),
            StatementKind::Baud(rate) => {
                let rate = self.want(rate, NUMBER, "a baud rate");
                self.emit(Op::Baud(rate), head);
            }
            StatementKind::ControlLines { dtr, rts } => {
                self.emit(Op::ControlLines { dtr: *dtr, rts: *rts }, head);
            }
            StatementKind::InputLines(lines) => self.input_lines(lines, head),
            StatementKind::ExpectInput { line, on, within } => self.expect_input(*line, *on, within.as_ref(), head),
            StatementKind::OnSignal { .. } | StatementKind::OnHook { .. } | StatementKind::OnWire { .. } => {
                self.misplaced_handler(statement);
            }
            StatementKind::Break(lasting) => {
                let lasting = self.want(lasting, TIME, "how long the break lasts");
                self.emit(Op::Break(lasting), head);
            }
            StatementKind::Flush => {
                self.emit(Op::Flush, head);
            }
            StatementKind::Echo(on) => {
                self.emit(Op::Echo(*on), head);
            }
        }
    }

    fn fail(&mut self, reach: ast::Reach, message: &ast::Expr, head: Span) {
        if let ast::ExprKind::Name(name) = &message.kind
            && name == "now"
            && self.find(name).is_none()
        {
            let help =
                "write why: `fail now \"wrong PIN\"`; to watch for a line: `fail now on line \"+CME ERROR: 16\"`";
            self.problem(Code::CheckUnknownName, message.span, "`fail now` needs a message", "none follows").help =
                Some(help.to_string());
            return;
        }
        let message = self.want(message, ANYTHING, "a message");
        self.emit(Op::Fail { reach: reach_of(reach), message }, head);
    }

    fn unplug(&mut self, lasting: Option<&ast::Expr>, head: Span) {
        self.only_device(head, "`unplug`", "a flow ends by itself");
        let lasting = self.want_some(lasting, TIME, "how long the line is away");
        let comes_back = lasting.is_some();
        self.emit(Op::Unplug(lasting), head);
        if comes_back {
            self.emit(Op::Replug, head);
        }
    }

    fn reopen(&mut self, within: &ast::Expr, head: Span) {
        self.only_flow(head, "`reopen`");
        let within = self.want(within, TIME, "`within`");
        self.emit(Op::Reopen(within), head);
    }

    fn skip(&mut self, why: &ast::Expr, head: Span) {
        let why = self.want(why, ANYTHING, "a reason");
        self.only_flow(head, "`skip`");
        match (self.context.skips, self.context.procedure) {
            (Skips::Cleanup, _) => self.misplaced(head, "a `finally` block cannot skip", NO_SKIP),
            (Skips::Outside, Some(procedure)) => self.procedures.skipping.push(procedure),
            (Skips::Outside | Skips::Step, _) => {}
        }
        self.emit(Op::Skip(why), head);
    }

    fn send(&mut self, mode: ast::SendMode, text: &ast::Expr, head: Span) {
        if mode == ast::SendMode::Reply {
            self.only_device(head, "`reply`", "a flow uses `send`");
        }
        let text = self.want(text, ANYTHING, "what is sent");
        let mode = match mode {
            ast::SendMode::Line => program::SendMode::Line,
            ast::SendMode::Raw => program::SendMode::Raw,
            ast::SendMode::Reply => program::SendMode::Reply,
        };
        self.emit(Op::Send { mode, text }, head);
    }

    fn expect(
        &mut self,
        scope: Scope,
        secrecy: Secrecy,
        pattern: &ast::Pattern,
        within: Option<&ast::Expr>,
        head: Span,
    ) {
        let within = self.want_some(within, TIME, "`within`");
        let pattern = self.pattern(pattern, secrecy);
        let scope = match scope {
            Scope::Answer => LookAt::Answer,
            Scope::Unclaimed => LookAt::Unclaimed,
        };
        let arms = vec![Arm { pattern, port: None, then: self.here() + 1 }];
        let expect = Expect { scope, arms, needed: Needed::One, within, timeout: None };
        self.emit(Op::Expect(expect.into()), head);
    }

    fn expect_all(&mut self, within: Option<&ast::Expr>, patterns: &[ast::Pattern], head: Span) {
        let within = self.want_some(within, TIME, "`within`");
        let then = self.here() + 1;
        let arm = |pattern: &ast::Pattern| {
            let port = self.port_of(pattern);
            Arm { pattern: self.pattern(pattern, Secrecy::Open), port, then }
        };
        let arms = patterns.iter().map(arm).collect();
        let expect = Expect { scope: LookAt::Answer, arms, needed: Needed::All, within, timeout: None };
        self.emit(Op::Expect(expect.into()), head);
    }

    fn expect_none(&mut self, pattern: &ast::Pattern, lasting: &ast::Expr, head: Span) {
        let lasting = self.want(lasting, TIME, "how long it may not come");
        let pattern = self.pattern_without_groups(pattern);
        self.emit(Op::ExpectNone(Absence { pattern, lasting }.into()), head);
    }

    fn expect_quiet(&mut self, lasting: &ast::Expr, within: Option<&ast::Expr>, head: Span) {
        let lasting = self.want(lasting, TIME, "the time of silence");
        let within = self.want_some(within, TIME, "`within`");
        self.emit(Op::ExpectQuiet { lasting, within }, head);
    }

    fn compute(&mut self, secrecy: Secrecy, name: &Name, value: &ast::Expr, head: Span) {
        if self.assigns_wire(secrecy, name, value, head) {
            return;
        }
        let (value, kind) = self.expr(value);
        let target = self.target(name, kind, secrecy);
        self.refuse_param(name);
        self.emit(Op::Compute { value, target }, head);
    }

    /// Reports a statement that gives a param a value.
    pub(super) fn refuse_param(&mut self, name: &Name) {
        if self.is_param(name) {
            let message = format!("`{}` is a param and cannot be changed", name.node);
            self.problem(Code::CheckDuplicate, name.span, message, "given a value here").help =
                Some("use another name".to_string());
        }
    }

    /// A declaration was dealt with before; inside of a block it is misplaced.
    fn declaration(&mut self, statement: &Statement) {
        if let StatementKind::Serial(settings) = &statement.kind
            && !self.is_top_level()
        {
            // In a block it is a statement: the settings change from here on.
            self.settings(settings, &mut Settings::default());
            let settings = settings.iter().map(|setting| (setting.name.node.clone(), setting.value.node.clone()));
            let op = Op::Settings(settings.collect());
            self.emit(op, statement.head);
            return;
        }
        if let StatementKind::Volatile { name, matches: None } = &statement.kind {
            self.resolve(&name.node, name.span);
        }
        if !self.is_top_level() {
            self.misplaced(
                statement.head,
                "a declaration belongs at the top level of a file",
                "move it out of this block",
            );
        }
    }

    /// Whether the statements that are being compiled are those of a file itself.
    pub(super) fn is_top_level(&self) -> bool {
        self.depth == 0 && self.context.procedure.is_none() && !self.context.is_handler
    }

    pub(super) fn only_device(&mut self, span: Span, what: &str, help: &str) {
        if self.role != Role::Device {
            self.misplaced(span, &format!("{what} belongs in a device"), help);
        }
    }

    pub(super) fn only_flow(&mut self, span: Span, what: &str) {
        if self.role != Role::Flow {
            self.misplaced(span, &format!("{what} belongs in a flow"), "a device only answers");
        }
    }

    fn is_param(&self, name: &Name) -> bool {
        self.find(&name.node).is_some_and(|(_, variable)| variable.declared.is_some())
            && self.params.contains(&name.node)
    }

    fn step(&mut self, step: &ast::Step, head: Span) {
        let title = self.want(&step.title, ANYTHING, "a title");
        let retry = self.count(step.retry.as_ref(), "`retry`");
        let every = self.want_some(step.every.as_ref(), TIME, "`every`");
        let timeout = self.want_some(step.timeout.as_ref(), TIME, "the step's timeout");
        let unless = step.unless.iter().map(|pattern| self.refusal(pattern)).collect();
        let outer = self.context;
        self.context.is_bounded |= timeout.is_some();
        self.context.skips = Skips::Step;
        let enter =
            self.emit(Op::Enter(Box::new(ScopeKind::Step { title, retry, every, unless, timeout, behind: 0 })), head);
        self.block(&step.body);
        self.emit(Op::Leave, head);
        self.context = outer;
        let here = self.here();
        if let Op::Enter(kind) = &mut self.code.ops[enter]
            && let ScopeKind::Step { behind, .. } = kind.as_mut()
        {
            *behind = here;
        }
    }

    /// Resolves what follows `unless`: it is looked for in lines.
    fn refusal(&mut self, pattern: &ast::Pattern) -> Refusal {
        let port = self.port_of(pattern);
        if let ast::PatternKind::Prompt(_) = &pattern.kind {
            let help = "write a text, a regex or a `line`: `unless line /\\+CME ERROR: 16/`";
            self.misplaced(pattern.span, "`unless` looks at lines, and a prompt is not a line", help);
        }
        let spec = self.pattern_without_groups(pattern);
        self.refuse_what_no_line_fits(pattern, &spec);
        Refusal { pattern: spec, port }
    }

    fn expect_any(&mut self, within: Option<&ast::Expr>, arms: &[ast::Arm], timeout: Option<&ast::Block>, head: Span) {
        let within = self.want_some(within, TIME, "`within`");
        if arms.is_empty() {
            self.problem(Code::CheckNothingChecked, head, "this expect waits for nothing", "no pattern in it").help =
                Some("to let time pass write `sleep 1s`; to wait for silence `expect quiet for 1s`".to_string());
        }
        // Its place is taken; it is put there when the addresses of its arms are known.
        let at = self.emit(Op::Jump(0), head);
        let mut ends = Vec::new();
        let mut compiled = Vec::new();
        for arm in arms {
            let port = self.port_of(&arm.pattern);
            let pattern = self.pattern(&arm.pattern, arm.secrecy);
            compiled.push(Arm { pattern, port, then: self.here() });
            self.scoped_block(&arm.body, head);
            ends.push(self.emit(Op::Jump(0), head));
        }
        let timeout = timeout.map(|block| {
            let entry = self.here();
            self.scoped_block(block, head);
            entry
        });
        for end in ends {
            self.land(end);
        }
        let expect = Expect { scope: LookAt::Answer, arms: compiled, needed: Needed::One, within, timeout };
        self.code.ops[at] = Op::Expect(expect.into());
    }

    fn read(&mut self, what: &ReadWhat, secrecy: Secrecy, name: &Name, within: Option<&ast::Expr>, head: Span) {
        let within = self.want_some(within, TIME, "`within`");
        match what {
            ReadWhat::Count(count) => {
                let count = self.want(count, NUMBER, "a number of bytes");
                let target = self.target(name, Type::Text, secrecy);
                self.emit(Op::ReadCount(CountedRead { count, target, within }.into()), head);
            }
            ReadWhat::Quiet(lasting) => {
                let lasting = self.want(lasting, TIME, "the time of silence");
                let target = self.target(name, Type::Text, secrecy);
                self.emit(Op::ReadQuiet(SilentRead { lasting, target, within }.into()), head);
            }
            ReadWhat::Until(pattern) => {
                let pattern = self.pattern(pattern, Secrecy::Open);
                let target = self.target(name, Type::Text, secrecy);
                self.emit(Op::ReadUntil(DelimitedRead { pattern, target, within }.into()), head);
            }
        }
    }

    fn capture(&mut self, secrecy: Secrecy, name: &Name, from: &CaptureFrom, head: Span) {
        match from {
            CaptureFrom::Value(value) => {
                let (value, kind) = self.expr(value);
                let target = self.target(name, kind, secrecy);
                self.emit(Op::Capture { value, target }, head);
            }
            CaptureFrom::Pattern { pattern, text } => {
                let text = self.want_some(text.as_ref(), &[Type::Text, Type::Bytes], "what is looked into");
                let pattern = self.pattern_without_groups(pattern);
                let target = self.target(name, Type::Text, secrecy);
                self.emit(Op::CaptureMatch { pattern, text, target }, head);
            }
        }
    }

    fn save(&mut self, names: &[Name], head: Span) {
        self.only_flow(head, "`save`");
        let mut targets = Vec::new();
        for name in names {
            if let Some((slot, _)) = self.resolve(&name.node, name.span) {
                let is_secret = self.find(&name.node).is_some_and(|(_, variable)| variable.is_secret);
                targets.push(program::Target { slot, name: name.node.clone(), is_secret });
            }
        }
        self.emit(Op::Save(targets), head);
    }

    fn call(&mut self, name: &Name, arguments: &[ast::Expr], results: &[Name], head: Span) {
        let arguments: Vec<_> = arguments.iter().map(|argument| self.expr(argument).0).collect();
        let Some(signature) = self.procedures.signatures.get(&name.node).cloned() else {
            let help = nearest(&name.node, self.procedures.signatures.keys().map(String::as_str))
                .map(|meant| format!("did you mean `{meant}`?"));
            let message = format!("there is no procedure `{}`", name.node);
            self.problem(Code::CheckUnknownProcedure, name.span, message, "not defined").help =
                help.or_else(|| Some("define it with `procedure`, or `use` the library that has it".to_string()));
            for result in results {
                self.target(result, Type::Any, Secrecy::Open);
            }
            return;
        };
        if signature.parameters != arguments.len() {
            let message =
                format!("`{}` takes {} arguments, {} are given", name.node, signature.parameters, arguments.len());
            self.problem(Code::CheckArguments, head, message, "called here").others =
                vec![crate::diagnostic::Label::new(signature.site, "defined here")];
        }
        if !results.is_empty() && !signature.gives {
            let message = format!("`{}` returns nothing", name.node);
            self.problem(Code::CheckArguments, head, message, "a result is needed here").others =
                vec![crate::diagnostic::Label::new(signature.site, "has no `return` with a value")];
        }
        let (caller, skips, site) = (self.context.procedure, self.context.skips, self.site(head));
        self.procedures.calls.push(Call { caller, callee: signature.index, site, skips });
        match results {
            [] => self.emit_call(signature.index, arguments, None, head),
            [result] => {
                let kind = self.result_of_procedure(&name.node);
                let target = self.target(result, kind, Secrecy::Open);
                self.emit_call(signature.index, arguments, Some(target), head);
            }
            several => {
                // The procedure returns a list; each name gets an item of it.
                let list = program::Target { slot: self.hidden(), name: "the results".to_string(), is_secret: false };
                let slot = list.slot;
                self.emit_call(signature.index, arguments, Some(list), head);
                for (i, result) in several.iter().enumerate() {
                    let of = Expr { span: result.span, kind: ExprKind::Variable(slot, "the results".to_string()) };
                    let index = Expr { span: result.span, kind: ExprKind::Const(Value::Int(i as i64)) };
                    let item = Expr { span: result.span, kind: ExprKind::Index(Box::new(of), Box::new(index)) };
                    let kind = self.part_of_result(&name.node, i);
                    let target = self.target(result, kind, Secrecy::Open);
                    self.emit(Op::Compute { value: item, target }, head);
                }
            }
        }
    }

    fn emit_call(&mut self, procedure: usize, arguments: Vec<Expr>, result: Option<program::Target>, head: Span) {
        self.emit(Op::Call { procedure, arguments, result }, head);
    }

    fn return_(&mut self, value: Option<&ast::Expr>, head: Span) {
        if self.context.procedure.is_none() && !self.context.is_handler {
            self.misplaced(head, "there is nothing to return from", "`return` leaves a procedure or a handler");
        }
        if self.context.is_cleanup {
            self.misplaced(
                head,
                "a `finally` block cannot return",
                "it runs while the procedure is being left already",
            );
        }
        let value = self.want_some(value, ANYTHING, "a result");
        self.emit(Op::Return(value), head);
    }
}

/// Returns how far a failure goes.
pub(super) fn reach_of(reach: ast::Reach) -> program::Reach {
    match reach {
        ast::Reach::Around => program::Reach::Around,
        ast::Reach::Run => program::Reach::Run,
    }
}
