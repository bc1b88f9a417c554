//! Blocks to instructions: conditions, loops, clean-up, watchers.

use super::expr::{NUMBER, TIME, TRUTH};
use super::names::Names;
use super::statement::reach_of;
use super::{Compiler, Context, Skips};
use crate::diagnostic::Code;
use crate::program::{Expr, ExprKind, Op, Role, ScopeKind, Telling, Watcher, WatcherId, WatcherKind, WhenOver};
use crate::source::Span;
use crate::syntax::ast::{self, Block, Name, RepeatKind, Secrecy, Statement, StatementKind};
use crate::value::Type;

impl Compiler<'_> {
    /// Compiles a block whose scope somebody else opens and closes.
    pub(super) fn block(&mut self, block: &Block) {
        self.depth += 1;
        self.statements(&block.body);
        self.depth -= 1;
    }

    /// Compiles a block with a scope of its own if something in it needs one.
    pub(super) fn scoped_block(&mut self, block: &Block, head: Span) {
        let needs_scope = block.body.iter().any(|statement| {
            matches!(
                statement.kind,
                StatementKind::On { .. }
                    | StatementKind::FailOn { .. }
                    | StatementKind::Ignore(_)
                    | StatementKind::Finally(_)
            )
        });
        if needs_scope {
            self.emit(Op::Enter(Box::new(ScopeKind::Block)), head);
        }
        self.block(block);
        if needs_scope {
            self.emit(Op::Leave, head);
        }
    }

    pub(super) fn if_(&mut self, condition: &ast::Expr, then: &Block, otherwise: Option<&Block>, head: Span) {
        let condition = self.want(condition, TRUTH, "a condition");
        let unless = self.emit(Op::Unless { condition, otherwise: 0 }, head);
        self.scoped_block(then, head);
        match otherwise {
            Some(block) => {
                let end = self.emit(Op::Jump(0), head);
                self.land(unless);
                self.scoped_block(block, head);
                self.land(end);
            }
            None => self.land(unless),
        }
    }

    pub(super) fn repeat(
        &mut self,
        kind: &RepeatKind,
        every: Option<&ast::Expr>,
        at_most: Option<&ast::Expr>,
        body: &Block,
        head: Span,
    ) {
        let every = self.want_some(every, TIME, "`every`");
        let at_most_given = at_most.is_some();
        let mut turns = self.count(at_most, "`at most`");
        let (mut until, mut condition) = (None, None);
        match kind {
            RepeatKind::Count(count) => {
                let count = self.count(Some(count), "the number of turns");
                if at_most_given {
                    self.misplaced(head, "a counted repeat needs no `at most`", "leave one of the two numbers out");
                }
                turns = count;
            }
            RepeatKind::Until(expr) => until = Some(expr),
            RepeatKind::While(expr) => condition = Some(self.want(expr, TRUTH, "a condition")),
        }
        let when_over = match kind {
            RepeatKind::Count(_) => WhenOver::GoOn,
            RepeatKind::Until(_) => WhenOver::StillFalse,
            RepeatKind::While(_) => WhenOver::StillTrue,
        };
        if turns.is_none() && !self.context.is_bounded {
            self.problem(Code::CheckUnbounded, head, "nothing ends this repeat", "could run forever").help =
                Some("write `at most 20`, or put it into a `step` with a `timeout`".to_string());
        }
        let counter = self.hidden();
        self.emit(Op::Count { turns, counter }, head);
        // First turn: no waiting before it. Each jump that leaves the loop is landed at its end.
        let mut leaving = self.turn(condition.as_ref(), counter, when_over, head);
        let first = self.emit(Op::Jump(0), head);
        let again = self.here();
        leaving.extend(self.turn(condition.as_ref(), counter, when_over, head));
        if let Some(every) = every {
            self.emit(Op::Sleep(every), head);
        }
        self.land(first);
        self.scoped_block(body, head);
        if let Some(until) = until {
            let until = self.want(until, TRUTH, "a condition");
            let not = Expr { span: until.span, kind: ExprKind::Not(Box::new(until)) };
            leaving.push(self.emit(Op::Unless { condition: not, otherwise: 0 }, head));
        }
        self.emit(Op::Jump(again), head);
        for jump in leaving {
            self.land(jump);
        }
    }

    /// Begins a turn of a loop; returns the jumps that leave it.
    fn turn(
        &mut self,
        condition: Option<&Expr>,
        counter: crate::program::Slot,
        when_over: WhenOver,
        head: Span,
    ) -> Vec<usize> {
        let mut leaving = Vec::new();
        if let Some(condition) = condition {
            leaving.push(self.emit(Op::Unless { condition: condition.clone(), otherwise: 0 }, head));
        }
        leaving.push(self.emit(Op::Turn { counter, done: 0, when_over }, head));
        leaving
    }

    pub(super) fn for_(&mut self, name: &Name, list: &ast::Expr, body: &Block, head: Span) {
        let list_expr = self.want(list, &[Type::List, Type::Map, Type::Text, Type::Bytes], "what `for` goes through");
        let item = self.target(name, Type::Any, Secrecy::Open).slot;
        let (list, place) = (self.hidden(), self.hidden());
        self.emit(Op::Each { list: list_expr, items: list, place }, head);
        let top = self.emit(Op::Next { list, place, item, done: 0 }, head);
        self.scoped_block(body, head);
        self.emit(Op::Jump(top), head);
        self.land(top);
    }

    /// Compiles `for i in 1 .. 10 { … }`.
    pub(super) fn for_numbers(
        &mut self,
        name: &Name,
        (first, last): (&ast::Expr, &ast::Expr),
        body: &Block,
        head: Span,
    ) {
        let first = self.want(first, NUMBER, "where `for` begins");
        let last = self.want(last, NUMBER, "where `for` ends");
        let item = self.target(name, Type::Int, Secrecy::Open).slot;
        let (ends, place) = (self.hidden(), self.hidden());
        self.emit(Op::Numbers { first, last, ends, place }, head);
        let top = self.emit(Op::NextNumber { ends, place, item, done: 0 }, head);
        self.scoped_block(body, head);
        self.emit(Op::Jump(top), head);
        self.land(top);
    }

    pub(super) fn try_(&mut self, body: &Block, otherwise: Option<&Block>, head: Span) {
        let enter = self.emit(Op::Enter(Box::new(ScopeKind::Try { otherwise: 0 })), head);
        self.block(body);
        self.emit(Op::Leave, head);
        let end = self.emit(Op::Jump(0), head);
        let entry = self.here();
        if let Op::Enter(kind) = &mut self.code.ops[enter]
            && let ScopeKind::Try { otherwise } = kind.as_mut()
        {
            *otherwise = entry;
        }
        if let Some(block) = otherwise {
            self.scoped_block(block, head);
        }
        self.land(end);
    }

    pub(super) fn finally(&mut self, body: &Block, head: Span) {
        if self.context.is_cleanup {
            self.misplaced(head, "a `finally` block cannot hold another", "put both into one");
        }
        let outer = self.context;
        self.context = Context { is_cleanup: true, skips: Skips::Cleanup, ..outer };
        let entry = self.here() + 1;
        let finally = self.emit(Op::Finally { entry, behind: 0 }, head);
        self.scoped_block(body, head);
        self.emit(Op::FinallyEnd, head);
        self.land(finally);
        self.context = outer;
    }

    pub(super) fn after(&mut self, delay: &ast::Expr, body: &Block, head: Span) {
        self.only_device(head, "`after`", "in a flow use `sleep`, or `on` for lines that come in between");
        let delay = self.want(delay, TIME, "how much later");
        let entry = self.here() + 2;
        self.emit(Op::After { delay, entry }, head);
        let jump = self.emit(Op::Jump(0), head);
        let outer = self.context;
        // It runs later, by itself: whoever it calls is not called from here.
        self.context = Context { is_handler: true, procedure: None, ..outer };
        self.scoped_block(body, head);
        self.emit(Op::Return(None), head);
        self.context = outer;
        self.land(jump);
    }

    /// Compiles a watcher where it stands; those of a device stand from the beginning.
    pub(super) fn watch(&mut self, statement: &Statement) {
        if self.role == Role::Device && self.depth == 0 && self.context.procedure.is_none() && !self.context.is_handler
        {
            return;
        }
        let jump = matches!(statement.kind, StatementKind::On { .. }).then(|| self.emit(Op::Jump(0), statement.head));
        let id = self.watcher(statement);
        if let Some(jump) = jump {
            self.land(jump);
        }
        self.emit(Op::Watch(id), statement.head);
    }

    /// Compiles a watcher and its block; the block stands here, so somebody must jump around it.
    pub(super) fn watcher(&mut self, statement: &Statement) -> WatcherId {
        let mut telling = Telling::AtOnce;
        let (pattern, kind) = if let StatementKind::On { secrecy, pattern, body } = &statement.kind {
            telling = self.telling(pattern, body);
            self.on(*secrecy, pattern, body, statement.head)
        } else if let StatementKind::FailOn { reach, pattern, message } = &statement.kind {
            let spec = self.pattern_without_groups(pattern);
            let message = self.want_some(message.as_ref(), &[Type::Any], "a message");
            (spec, WatcherKind::FailOn { reach: reach_of(*reach), message })
        } else if let StatementKind::Ignore(pattern) = &statement.kind {
            (self.pattern_without_groups(pattern), WatcherKind::Ignore)
        } else {
            unreachable!("{:?} is no watcher", statement.kind)
        };
        if let crate::program::PatternSource::Ready(crate::pattern::Pattern::Literal(literal)) = &pattern.source
            && literal.needle().iter().any(|byte| matches!(byte, b'\r' | b'\n'))
        {
            let span = pattern.site.span;
            self.problem(Code::CheckRegex, span, "a watcher cannot match a line break", "can never match").help =
                Some("a watcher sees one line at a time, without its ending".to_string());
        }
        let port = statement.patterns().first().and_then(|pattern| self.port_of(pattern));
        self.code.watchers.push(Watcher { pattern, kind, port, telling, site: self.site(statement.head) });
        self.code.watchers.len() - 1
    }

    fn on(
        &mut self,
        secrecy: Secrecy,
        pattern: &ast::Pattern,
        body: &Block,
        head: Span,
    ) -> (crate::program::PatternSpec, WatcherKind) {
        let outer = self.context;
        self.context = Context { is_handler: true, ..outer };
        // In a flow a handler shares the variables of the block it stands in. In a device, and in a library, it
        // has its own.
        let has_own = self.role == Role::Device && outer.procedure.is_none() && !outer.is_handler || self.is_library();
        let has_own = has_own && self.locals.is_none();
        if has_own {
            self.locals = Some(Names::default());
            let on = Statement {
                span: head,
                head,
                kind: StatementKind::Expect {
                    scope: ast::Scope::Answer,
                    secrecy,
                    pattern: pattern.clone(),
                    within: None,
                },
            };
            self.note_all(std::slice::from_ref(&on));
            self.note_all(&body.body);
        }
        let spec = self.pattern(pattern, secrecy);
        let entry = self.here();
        self.scoped_block(body, head);
        self.emit(Op::Return(None), head);
        self.context = outer;
        let locals = if has_own { self.locals.take().map(|names| names.places.len()) } else { None };
        (spec, WatcherKind::On { entry, locals })
    }
}
